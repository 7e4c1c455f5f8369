//! The roll call of a crowd that does the same thing at the same moment: what its stage still
//! waits for, when each stage began and its last answer came, which connects are tried again. Pure.

use std::collections::VecDeque;
use std::ops::Range;

use crate::nanos::Nanos;
use crate::traffic::{Io, Wish};

/// A connection that failed is tried again after this.
const PAUSE: Nanos = Nanos::from_ms(50);
/// Tries of one connection in one stage.
const TRIES_MAX: u8 = 100;

/// Who is missing, stage by stage.
#[derive(Debug)]
pub(super) struct Muster<S> {
    stage: S,
    /// What the stage still waits for.
    missing: u32,
    /// Each stage, when it began, when its last answer came.
    spans: Vec<(S, Nanos, Nanos)>,
    tries: Vec<u8>,
    again: VecDeque<(Nanos, u32)>,
    retries: u64,
}

impl<S: Copy + PartialEq> Muster<S> {
    /// For so many connections, before the first stage.
    pub(super) fn new(first: S, connections: u32) -> Self {
        Self {
            stage: first,
            missing: 0,
            spans: Vec::new(),
            tries: vec![0; connections as usize],
            again: VecDeque::new(),
            retries: 0,
        }
    }

    /// Whether a stage has begun.
    pub(super) const fn has_begun(&self) -> bool {
        !self.spans.is_empty()
    }

    /// Where it stands.
    pub(super) const fn stage(&self) -> S {
        self.stage
    }

    /// A stage begins that waits for nothing yet.
    pub(super) fn begin(&mut self, stage: S, now: Nanos) {
        self.stage = stage;
        self.missing = 0;
        self.spans.push((stage, now, now));
        self.tries.fill(0);
    }

    /// How long the stage has lasted.
    pub(super) fn lasted(&self, now: Nanos) -> Nanos {
        let began = self.spans.last().map_or(now, |(_, began, _)| *began);
        now.since(began)
    }

    /// When a stage began and its last answer came.
    pub(super) fn span(&self, stage: S) -> (Nanos, Nanos) {
        let found = self.spans.iter().find(|(begun, ..)| *begun == stage);
        found.map_or((Nanos::ZERO, Nanos::ZERO), |(_, from, to)| (*from, *to))
    }

    /// The stage waits for so many more.
    pub(super) const fn expect(&mut self, more: u32) {
        self.missing += more;
    }

    /// What the stage still waits for.
    pub(super) const fn missing(&self) -> u32 {
        self.missing
    }

    /// One of those that the stage waits for is there.
    pub(super) fn arrived(&mut self, now: Nanos) {
        self.missing = self.missing.saturating_sub(1);
        if let Some((_, _, last)) = self.spans.last_mut() {
            *last = now;
        }
    }

    /// Connections are to open, all at once.
    pub(super) fn connect(range: Range<u32>, io: &mut Io) {
        for number in range {
            io.wish(Wish::Connect(number as usize));
        }
    }

    /// A connect failed and is tried again in a while; false = it has been often enough.
    pub(super) fn try_again(&mut self, number: u32, now: Nanos) -> bool {
        let tries = &mut self.tries[number as usize];
        *tries += 1;
        if *tries > TRIES_MAX {
            return false;
        }
        self.retries += 1;
        self.again.push_back((now + PAUSE, number));
        true
    }

    /// Connects that had to be tried again.
    pub(super) const fn retries(&self) -> u64 {
        self.retries
    }

    /// Tries again what is due.
    pub(super) fn connect_due(&mut self, now: Nanos, io: &mut Io) {
        while let Some(&(at, number)) = self.again.front()
            && at <= now
        {
            self.again.pop_front();
            io.wish(Wish::Connect(number as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_tells_when_it_began_and_when_the_last_was_there() {
        let mut muster = Muster::new('a', 1);
        muster.begin('b', Nanos(5));
        muster.expect(2);
        muster.arrived(Nanos(7));
        assert_eq!(muster.missing(), 1);
        muster.arrived(Nanos(9));
        assert_eq!((muster.stage(), muster.missing()), ('b', 0));
        assert_eq!(muster.span('b'), (Nanos(5), Nanos(9)));
        assert_eq!(muster.lasted(Nanos(15)), Nanos(10));
    }

    #[test]
    fn a_connect_that_failed_is_tried_again_after_a_pause_and_not_for_ever() {
        let (mut muster, mut io) = (Muster::new('a', 1), Io::new(1));
        assert!(muster.try_again(0, Nanos::ZERO));
        muster.connect_due(Nanos(1), &mut io);
        assert_eq!(io.take_wishes().count(), 0);
        muster.connect_due(PAUSE, &mut io);
        assert!(io.take_wishes().eq([Wish::Connect(0)]));
        for _ in 1..TRIES_MAX {
            assert!(muster.try_again(0, Nanos::ZERO));
        }
        assert!(!muster.try_again(0, Nanos::ZERO));
    }
}
