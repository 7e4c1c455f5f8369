//! Many requests under way on a few connections, and a probe beside them that says what another
//! client feels. Pure.
//!
//! A scenario is a [`Script`]: it is told replies and says requests through [`Line`], which has the
//! sessions. The crew opens everything, keeps the probe going and takes its figures by stage.

use hdrhistogram::Histogram;
use locker_protocol::{FromServer, OnDisconnect, Push, Reply};

use super::member::{Ask, Member, key_of, next_frame, seat_of};
use super::staged::Stages;
use crate::nanos::Nanos;
use crate::traffic::{End, Io, Next, Traffic, Wish};

/// TTL of the sessions: those that say nothing for a while must live on.
const TTL_MS: u32 = 3_600_000;
/// A stage in which nothing comes for so long has failed.
const PATIENCE: Nanos = Nanos::from_ms(300_000);
/// The longest round trip that is told.
const HOUR_US: u64 = 3_600_000_000;
/// Pause of the probe between two requests, and how often stages are looked at.
const PAUSE: Nanos = Nanos::from_ms(1);

/// The sessions of a scenario, one a connection, with a client's side of each.
#[derive(Debug)]
pub(super) struct Line {
    members: Vec<Member>,
    /// Set once nothing can be measured any more.
    pub(super) trouble: Option<String>,
}

/// What a scenario does, stage by stage.
pub(super) trait Script {
    /// One stage.
    type Stage: Copy + PartialEq + std::fmt::Debug;

    /// Where it stands; the first stage begins once all sessions are open.
    fn stage(&self) -> Self::Stage;

    /// Whether it is over.
    fn is_over(&self) -> bool;

    /// Takes a stage further if it is at its end: the next one begins.
    fn advance(&mut self, now: Nanos, line: &mut Line, io: &mut Io);

    /// An answer for a seat of a connection.
    fn heard(
        &mut self,
        from: (usize, u16),
        reply: &Reply<'_>,
        now: Nanos,
        line: &mut Line,
        io: &mut Io,
    );

    /// Whether sessions are being closed, and connections with them.
    fn is_closing(&self) -> bool {
        false
    }

    /// A hold was lost.
    fn lost(&mut self, _now: Nanos) {}
}

impl Line {
    /// Connections.
    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// The client's side of a session.
    pub(super) fn member(&mut self, connection: usize) -> &mut Member {
        &mut self.members[connection]
    }

    /// Ends the scenario.
    pub(super) fn fail(&mut self, why: String) {
        self.trouble.get_or_insert(why);
    }
}

/// Round trips of the probe in one stage, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Felt {
    /// Of all round trips the middle.
    pub(super) p50_us: f64,
    /// All but a hundredth are shorter.
    pub(super) p99_us: f64,
    /// The longest.
    pub(super) longest_us: f64,
}

/// A client that takes and gives back one lock all the time.
#[derive(Debug)]
struct Probe {
    member: Member,
    asked: Option<Nanos>,
    next: Nanos,
    held: Option<u64>,
    spans: Histogram<u64>,
}

/// The traffic of a script.
#[derive(Debug)]
pub(super) struct Crew<S: Script> {
    pub(super) script: S,
    line: Line,
    probe: Probe,
    opened: usize,
    heard_at: Nanos,
    felt: Vec<(S::Stage, Felt)>,
}

impl<S: Script> Crew<S> {
    /// A crew of so many sessions, and the probe on the connection behind them.
    pub(super) fn new(script: S, sessions: usize) -> Self {
        Self {
            script,
            line: Line {
                members: vec![Member::default(); sessions],
                trouble: None,
            },
            probe: Probe {
                member: Member::default(),
                asked: None,
                next: Nanos::ZERO,
                held: None,
                spans: Histogram::new_with_bounds(1, HOUR_US, 3).expect("bounds are in order"),
            },
            opened: 0,
            heard_at: Nanos::ZERO,
            felt: Vec::new(),
        }
    }

    /// Connections in all.
    pub(super) fn connections(&self) -> usize {
        self.line.count() + 1
    }

    /// What the probe felt in a stage.
    ///
    /// # Panics
    /// If the stage did not come to its end.
    pub(super) fn felt(&self, stage: S::Stage) -> Felt {
        let found = self.felt.iter().find(|(of, _)| *of == stage);
        found
            .expect("a scenario that ends well had all its stages")
            .1
    }

    fn is_open(&self) -> bool {
        self.opened == self.connections()
    }

    fn say_probe(&mut self, now: Nanos, io: &mut Io) {
        if self.probe.asked.is_some() || now < self.probe.next {
            return;
        }
        self.probe.asked = Some(now);
        let out = io.out(self.line.count());
        let (probe, key) = (&mut self.probe, key_of(b'p', 0));
        match probe.held {
            None => {
                probe.member.acquire(0, &key, Ask::plain(1), out);
            }
            Some(token) => probe.member.release(0, &key, 1, token, out),
        }
    }

    fn hear_probe(&mut self, reply: &Reply<'_>, now: Nanos) {
        match reply {
            Reply::Granted(granted) => self.probe.held = Some(granted.token),
            Reply::Released(_) => self.probe.held = None,
            other => self.line.fail(format!("to the probe: {}", words_of(other))),
        }
        if let Some(asked) = self.probe.asked.take() {
            self.probe
                .spans
                .saturating_record(now.since(asked).0 / 1_000);
        }
        self.probe.next = now + PAUSE;
    }

    fn welcome(&mut self, connection: usize, reply: &Reply<'_>) {
        let Reply::HelloOk(ok) = reply else {
            return self.line.fail(format!("no session: {}", words_of(reply)));
        };
        match self.line.members.get_mut(connection) {
            Some(member) => member.welcomed(ok),
            None => self.probe.member.welcomed(ok),
        }
        self.opened += 1;
    }

    fn hear(&mut self, from: (usize, u16), reply: &Reply<'_>, now: Nanos, io: &mut Io) {
        if !self.is_open() {
            return self.welcome(from.0, reply);
        }
        if from.0 == self.line.count() {
            return self.hear_probe(reply, now);
        }
        self.heard_at = now;
        self.script.heard(from, reply, now, &mut self.line, io);
    }

    fn close_stage(&mut self, stage: S::Stage) {
        let spans = &self.probe.spans;
        let us = |value: u64| value as f64;
        let felt = Felt {
            p50_us: us(spans.value_at_quantile(0.5)),
            p99_us: us(spans.value_at_quantile(0.99)),
            longest_us: us(spans.max()),
        };
        self.felt.push((stage, felt));
        self.probe.spans.reset();
    }
}

impl<S: Script> Stages for Crew<S> {
    type Stage = S::Stage;

    fn stage(&self) -> S::Stage {
        self.script.stage()
    }

    fn trouble(&self) -> Option<&str> {
        self.line.trouble.as_deref()
    }
}

impl<S: Script> Traffic for Crew<S> {
    fn opened(&mut self, connection: usize, _: Nanos, io: &mut Io) {
        let member = match self.line.members.get_mut(connection) {
            Some(member) => member,
            None => &mut self.probe.member,
        };
        member.open(TTL_MS, OnDisconnect::Release, io.out(connection));
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        let mut used = 0;
        loop {
            match next_frame(&bytes[used..]) {
                Ok(None) => return used,
                Ok(Some((id, FromServer::Reply(reply), length))) => {
                    used += length;
                    self.hear((connection, seat_of(id)), &reply, now, io);
                }
                Ok(Some((_, FromServer::Push(Push::Lost(_)), length))) => {
                    used += length;
                    self.heard_at = now;
                    self.script.lost(now);
                }
                Ok(Some((_, FromServer::Push(other), _))) => {
                    self.line.fail(format!("not expected: {other:?}"));
                    return bytes.len();
                }
                Err(why) => {
                    self.line.fail(why);
                    return bytes.len();
                }
            }
        }
    }

    fn closed(&mut self, connection: usize, end: End, _: Nanos, _: &mut Io) {
        let stage = self.script.stage();
        if connection == self.line.count() || !self.script.is_closing() {
            let why = crate::net::describe_end(end);
            self.line.fail(format!("in {stage:?}: {why}"));
        }
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        if self.opened == 0 && self.heard_at == Nanos::ZERO {
            self.heard_at = now;
            for connection in 0..self.connections() {
                io.wish(Wish::Connect(connection));
            }
        }
        if now.since(self.heard_at) > PATIENCE {
            let stage = self.script.stage();
            self.line.fail(format!("nothing comes in {stage:?}"));
        }
        if self.is_open() {
            let stage = self.script.stage();
            self.script.advance(now, &mut self.line, io);
            if self.script.stage() != stage {
                self.close_stage(stage);
            }
            self.say_probe(now, io);
        }
        match self.script.is_over() {
            true => Next::Finished,
            false => Next::At(now + PAUSE),
        }
    }
}

/// What an answer says that was not hoped for: a refusal in words, anything else as it is.
pub(super) fn words_of(reply: &Reply<'_>) -> String {
    match reply {
        Reply::Refused(refusal) => format!("the server refused: {}", refusal.status.text()),
        other => format!("not expected: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use locker_protocol::{Refusal, Status};

    #[test]
    fn a_full_table_is_told_in_words() {
        let refusal = Refusal {
            status: Status::TableFull,
            limit: 0,
            value: 0,
            detail: "",
        };
        let words = words_of(&Reply::Refused(refusal));
        assert!(words.contains(Status::TableFull.text()), "{words}");
        assert!(!words.contains('{'), "{words}");
    }
}
