//! A fleet, watched: its events go to the safety check, its seconds to the progress, and its
//! processor time is read when the measured time begins and ends.
//!
//! All this is done between rounds of the event loop, and costs a comparison or two per round.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::checker::Checker;
use super::progress::Told;
use crate::host::cpu::{self, ProcessCpu};
use crate::load::{Fleet, Shared};
use crate::measure::Second;
use crate::nanos::Nanos;
use crate::traffic::{End, Io, Next, Traffic};

/// Events that are handed over at once, at the latest.
const EVENTS_MAX: usize = 4_096;
/// Time after which they are handed over.
const EVENTS_AGE_MAX: Nanos = Nanos::from_ms(5);

/// What the threads of one run have in common.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) shared: Arc<Shared>,
    pub(super) checker: Checker,
    /// Set when threads that do not come to their end are waited for no longer.
    pub(super) abandoned: AtomicBool,
}

/// Processor times at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) at: Nanos,
    /// Of the thread, without what it polled for an instant that was near.
    pub(super) thread: Nanos,
    pub(super) server: Option<ProcessCpu>,
}

/// One thread's fleet, watched.
pub(super) struct Observed {
    fleet: Fleet,
    thread: u16,
    common: Arc<Common>,
    tell: Sender<Told>,
    /// The server's process, for the one thread that reads its processor time.
    pid: Option<u32>,
    hand_over_at: Nanos,
    /// The second that is not over yet; from the common start on.
    second: u64,
    /// Processor time when it began; `None` before the common start.
    second_cpu: Option<Nanos>,
    first: Option<Reading>,
    last: Option<Reading>,
    /// What the loop polled so far.
    polling: Nanos,
}

impl Observed {
    pub(super) fn new(
        fleet: Fleet,
        thread: u16,
        common: Arc<Common>,
        tell: Sender<Told>,
        pid: Option<u32>,
    ) -> Self {
        Self {
            fleet,
            thread,
            common,
            tell,
            pid,
            hand_over_at: Nanos::ZERO,
            second: 0,
            second_cpu: None,
            first: None,
            last: None,
            polling: Nanos::ZERO,
        }
    }

    /// The fleet, and the processor times at the start and the end of the measured time; `None`
    /// if it was never reached.
    pub(super) fn into_outcome(mut self, now: Nanos) -> (Fleet, Option<(Reading, Reading)>) {
        self.hand_over(now);
        let first = self.first;
        let last = self.last.or_else(|| Some(self.read(now)));
        (self.fleet, first.zip(last))
    }

    fn hand_over(&mut self, now: Nanos) {
        let Common {
            checker, shared, ..
        } = &*self.common;
        checker.take(self.thread, &mut self.fleet, shared);
        self.hand_over_at = now + EVENTS_AGE_MAX;
    }

    fn read(&self, now: Nanos) -> Reading {
        Reading {
            at: now,
            thread: self.worked(),
            server: self.pid.and_then(|pid| cpu::process_cpu(pid).ok()),
        }
    }

    /// Processor time of the thread that was work.
    fn worked(&self) -> Nanos {
        cpu::thread_cpu() - self.polling
    }

    /// Looks at the clock; tells when to look again.
    fn look(&mut self, now: Nanos) -> Nanos {
        let begin = self.common.shared.begins();
        if now < begin {
            // The fleet looks for the start by itself, and often.
            return Nanos::FOREVER;
        }
        if self.second_cpu.is_none() {
            self.second_cpu = Some(self.worked());
        }
        let (from, to) = self.fleet.window();
        if self.first.is_none() && now >= from {
            self.first = Some(self.read(now));
        }
        if self.first.is_some() && self.last.is_none() && now >= to {
            self.last = Some(self.read(now));
        }
        let second_end = begin + Nanos((self.second + 1) * Nanos::SECOND.0);
        if now >= second_end {
            self.tell_seconds(now, begin);
        }
        let second_end = begin + Nanos((self.second + 1) * Nanos::SECOND.0);
        let ahead = [from, to, second_end];
        let ahead = ahead.into_iter().filter(|instant| *instant > now);
        ahead.min().unwrap_or(Nanos::FOREVER)
    }

    fn tell_seconds(&mut self, now: Nanos, begin: Nanos) {
        let over = now.since(begin).0 / Nanos::SECOND.0;
        let cpu = self.worked();
        let span = Nanos((over - self.second) * Nanos::SECOND.0);
        let taken = cpu.since(self.second_cpu.unwrap_or(cpu));
        let busy = (taken.0 as f64 / span.0 as f64).min(1.0);
        for index in self.second..over {
            let seconds = &self.fleet.measures().series.seconds;
            let at = usize::try_from(index).expect("a run has an end");
            let second = seconds.get(at).cloned().unwrap_or_else(Second::default);
            // Nobody listens any more once the run was given up.
            drop(self.tell.send(Told {
                index,
                second,
                busy,
            }));
        }
        (self.second, self.second_cpu) = (over, Some(cpu));
    }
}

impl Traffic for Observed {
    #[inline]
    fn opened(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        self.fleet.opened(connection, now, io);
    }

    #[inline]
    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        self.fleet.received(connection, bytes, now, io)
    }

    fn closed(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        self.fleet.closed(connection, end, now, io);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        self.polling = io.polling();
        let next = self.fleet.tick(now, io);
        if now >= self.hand_over_at || self.fleet.events().len() >= EVENTS_MAX {
            self.hand_over(now);
        }
        if let Some(rule) = self.fleet.broken_rule() {
            self.common.checker.broken(rule, &self.common.shared);
        }
        let look_again = self.look(now);
        if self.common.abandoned.load(Ordering::Relaxed) {
            return Next::Finished;
        }
        match next {
            Next::At(at) => Next::At(at.min(look_again)),
            Next::Bytes if look_again < Nanos::FOREVER => Next::At(look_again),
            next => next,
        }
    }
}
