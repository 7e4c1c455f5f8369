//! What happened in a run, or in many, in figures.

use crate::moment::Moment;
use crate::observed::{Answer, Ask, Observed, Told, Who};
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
    started: u64,
    last_fault: Moment,
    asked_at: BTreeMap<(Who, u64), Moment>,
}

impl Tally {
    /// Counts what was seen.
    pub fn saw(&mut self, at: Moment, event: &Observed) {
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
