//! The stages of a measured run: greet, warm up, measure, finish what is under way. Pure.

use crate::nanos::Nanos;
use crate::traffic::Next;

/// How long each stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Greetings may take so long.
    pub greeting_max: Nanos,
    /// Load before the measured time.
    pub warmup: Nanos,
    /// The measured time.
    pub measured: Nanos,
    /// What is under way at its end may take so long; what is not answered then is lost.
    pub finishing_max: Nanos,
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Connections open and greet.
    Greeting,
    /// Load that is not measured.
    Warming,
    /// Load that is.
    Measuring,
    /// Nothing new is asked for.
    Finishing,
    /// All is over.
    Over,
}

/// The stages of one run, moved on by its ticks.
#[derive(Clone, Copy, Debug)]
pub struct Stages {
    timing: Timing,
    stage: Stage,
    /// When the stage ends on its own; unknown before the first tick.
    until: Option<Nanos>,
}

impl Stages {
    /// Before the first tick.
    #[must_use]
    pub const fn new(timing: Timing) -> Self {
        Self {
            timing,
            stage: Stage::Greeting,
            until: None,
        }
    }

    /// Where it is.
    #[inline]
    #[must_use]
    pub const fn now(&self) -> Stage {
        self.stage
    }

    /// Whether clients begin new pairs.
    #[inline]
    #[must_use]
    pub const fn is_loading(&self) -> bool {
        matches!(self.stage, Stage::Warming | Stage::Measuring)
    }

    /// Ends the run.
    pub const fn end(&mut self) {
        self.stage = Stage::Over;
    }

    /// Moves on: `all_ready` ends the greeting, `all_idle` the finishing.
    pub fn tick(&mut self, now: Nanos, all_ready: bool, all_idle: bool) -> Stage {
        let until = *self.until.get_or_insert(now + self.timing.greeting_max);
        let is_due = now >= until;
        match self.stage {
            Stage::Greeting if all_ready => self.enter(Stage::Warming, now + self.timing.warmup),
            Stage::Greeting if is_due => self.end(),
            Stage::Warming if is_due => self.enter(Stage::Measuring, now + self.timing.measured),
            Stage::Measuring if is_due => {
                self.enter(Stage::Finishing, now + self.timing.finishing_max);
            }
            Stage::Finishing if is_due || all_idle => self.end(),
            _ => {}
        }
        self.stage
    }

    fn enter(&mut self, stage: Stage, until: Nanos) {
        self.stage = stage;
        self.until = Some(until);
    }

    /// What the run waits for.
    #[must_use]
    pub fn next(&self) -> Next {
        match (self.stage, self.until) {
            (Stage::Over, _) => Next::Finished,
            (_, Some(until)) => Next::At(until),
            (_, None) => Next::Bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: Timing = Timing {
        greeting_max: Nanos(1_000),
        warmup: Nanos(100),
        measured: Nanos(200),
        finishing_max: Nanos(50),
    };

    #[test]
    fn stages_follow_each_other_from_when_all_are_ready() {
        let mut stages = Stages::new(TIMING);
        let mut at = |now, ready, idle| stages.tick(Nanos(now), ready, idle);
        assert_eq!(at(10, false, true), Stage::Greeting);
        assert_eq!(at(500, true, true), Stage::Warming);
        assert_eq!(at(599, true, false), Stage::Warming);
        assert_eq!(at(605, true, false), Stage::Measuring);
        assert_eq!(at(804, true, false), Stage::Measuring, "from when it began");
        assert_eq!(at(805, true, false), Stage::Finishing);
        assert_eq!(at(806, true, false), Stage::Finishing);
        assert_eq!(at(807, true, true), Stage::Over);
        assert_eq!(stages.next(), Next::Finished);
    }

    #[test]
    fn a_greeting_and_a_finishing_have_an_end() {
        let mut stages = Stages::new(TIMING);
        stages.tick(Nanos(0), false, true);
        assert_eq!(stages.next(), Next::At(Nanos(1_000)));
        assert_eq!(stages.tick(Nanos(1_000), false, true), Stage::Over);

        let mut stages = Stages::new(TIMING);
        stages.tick(Nanos(0), true, true);
        stages.tick(Nanos(100), true, false);
        stages.tick(Nanos(300), true, false);
        assert_eq!(stages.tick(Nanos(350), true, false), Stage::Over);
    }
}
