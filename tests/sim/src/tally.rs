//! What happened in a run, or in many, in figures.

use crate::moment::Moment;
use crate::observed::{Answer, Ask, Observed, Said, Told, Who};
use std::collections::BTreeMap;

/// Counts of one run, or of many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Events of the simulator.
    pub events: u64,
    /// Virtual time in microseconds.
    pub virtual_us: u64,
    /// Connections made.
    pub links: usize,
    /// Asked, by kind.
    pub asked: BTreeMap<&'static str, u64>,
    /// Answered, by kind.
    pub answered: BTreeMap<&'static str, u64>,
    /// Faults, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Starts of the server after the first.
    pub restarts: u64,
    /// Sessions resumed.
    pub resumed: u64,
    /// The longest time from the last fault, or the question if that came later, to an answer.
    pub longest_wait_us: u64,
    /// Grace windows opened.
    pub windows: u64,
    /// Holds taken back after a restart.
    pub reclaimed: u64,
    /// What became of reclaims, and what befell windows.
    pub grace: BTreeMap<String, u64>,
    started: u64,
    shards: usize,
    window_until: Moment,
    /// Reclaims without an answer: their tokens.
    asked_back: BTreeMap<(Who, u64), u64>,
    last_fault: Moment,
    asked_at: BTreeMap<(Who, u64), Moment>,
}

impl Tally {
    /// Counts what was seen.
    pub fn saw(&mut self, at: Moment, event: &Observed) {
        self.saw_grace(at, event);
        match *event {
            Observed::Asked { who, call, ask } => {
                *self.asked.entry(name_of(&ask)).or_default() += 1;
                self.asked_at.insert((who, call), at);
            }
            Observed::Answered { who, call, answer } => {
                if let Some(asked_at) = self.asked_at.remove(&(who, call)) {
                    let wait = at.since(asked_at.max(self.last_fault));
                    self.longest_wait_us = self.longest_wait_us.max(wait);
                }
                *self.answered.entry(word_of(answer)).or_default() += 1;
            }
            Observed::Struck { fault, lasts, .. } => {
                *self.faults.entry(format!("{fault:?}")).or_default() += 1;
                self.last_fault = self.last_fault.max(at.plus(lasts));
            }
            Observed::Told {
                told: Told::Reclaimed,
                ..
            } => self.reclaimed += 1,
            Observed::Died { who } => self.asked_at.retain(|(whose, _), _| *whose != who),
            Observed::Started { window_ms, .. } => {
                self.windows += u64::from(window_ms > 0);
                self.restarts += u64::from(self.started > 0);
                self.started += 1;
            }
            Observed::Attached { resumed, .. } => self.resumed += u64::from(resumed),
            _ => {}
        }
    }

    /// Counts what concerns restarts.
    fn saw_grace(&mut self, at: Moment, event: &Observed) {
        match *event {
            Observed::Said {
                who, request, said, ..
            } => self.said(who, request, said),
            Observed::Told {
                who, request, told, ..
            } => self.told(who, request, told),
            Observed::TookBack { .. } => self.count("reclaims that came in time"),
            Observed::Died { who } => self.asked_back.retain(|(whose, _), _| *whose != who),
            Observed::Started {
                shards, window_ms, ..
            } => self.started(at, shards, window_ms),
            Observed::Crashed { .. } if at < self.window_until => self.count("windows cut short"),
            Observed::Stopped { how } => self.count(&format!("stops: {how:?}")),
            _ => {}
        }
    }

    fn said(&mut self, who: Who, request: u64, said: Said) {
        match said {
            Said::Reclaim { token, .. } => {
                let before = self.asked_back.insert((who, request), token);
                self.count_if(before.is_some(), "reclaims sent again");
            }
            Said::Release { token, .. } => {
                let mut asked = self.asked_back.iter();
                let behind = asked.any(|((whose, _), asked)| *whose == who && *asked == token);
                self.count_if(behind, "releases behind a reclaim");
            }
            _ => {}
        }
    }

    fn told(&mut self, who: Who, request: u64, told: Told) {
        if self.asked_back.remove(&(who, request)).is_none() {
            return;
        }
        match told {
            Told::Reclaimed => self.count("reclaims granted"),
            Told::Refused { status } => self.count(&format!("reclaims refused, status {status}")),
            _ => self.count("reclaims answered otherwise"),
        }
    }

    fn started(&mut self, at: Moment, shards: usize, window_ms: u32) {
        let others = self.shards != 0 && self.shards != shards && window_ms > 0;
        self.count_if(others, "windows with another number of shards");
        self.shards = shards;
        self.window_until = at.plus(u64::from(window_ms) * 1_000);
        // Ids begin anew with a session.
        self.asked_back.clear();
    }

    fn count_if(&mut self, counts: bool, what: &str) {
        if counts {
            self.count(what);
        }
    }

    fn count(&mut self, what: &str) {
        *self.grace.entry(what.to_owned()).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.virtual_us += other.virtual_us;
        self.links += other.links;
        self.restarts += other.restarts;
        self.resumed += other.resumed;
        self.windows += other.windows;
        self.reclaimed += other.reclaimed;
        self.longest_wait_us = self.longest_wait_us.max(other.longest_wait_us);
        for (name, count) in &other.asked {
            *self.asked.entry(name).or_default() += count;
        }
        for (name, count) in &other.answered {
            *self.answered.entry(name).or_default() += count;
        }
        for (name, count) in &other.grace {
            *self.grace.entry(name.clone()).or_default() += count;
        }
        for (name, count) in &other.faults {
            *self.faults.entry(name.clone()).or_default() += count;
        }
    }
}

const fn name_of(ask: &Ask) -> &'static str {
    match ask {
        Ask::Acquire { wait_us: None, .. } => "acquire for ever",
        Ask::Acquire {
            wait_us: Some(0), ..
        } => "try",
        Ask::Acquire { .. } => "acquire with a limit",
        Ask::Release { .. } => "release",
        Ask::Renew { .. } => "renew",
        Ask::Force { .. } => "force",
        Ask::Read => "read",
        Ask::Close => "close",
    }
}

const fn word_of(answer: Answer) -> &'static str {
    match answer {
        Answer::Granted => "granted",
        Answer::Timeout => "timeout",
        Answer::Cancelled => "cancelled",
        Answer::Released => "released",
        Answer::Renewed => "renewed",
        Answer::Lost => "lost",
        Answer::NotHeld => "not held",
        Answer::Refused(_) => "refused",
        Answer::Forced => "forced",
        Answer::Closed => "closed",
        Answer::Told => "told",
        Answer::NoAnswer => "no answer",
        Answer::Ended => "ended",
    }
}
