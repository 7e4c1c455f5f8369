//! Every sequence of events up to a length, with a crash at every step of every write, against what
//! was promised to whom.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::control::copies::{Broken, Copy, copy_of, judge};
use crate::control::record::Version;

const START: Start = Start {
    epoch_of_clock: 0,
    ttl_ms_default: 10_000,
    ttl_ms_max: 3_600_000,
    server_id: [7; 16],
};

/// When the process dies around one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    Before,
    Torn,
    After,
}

const FAULTS: [Fault; 4] = [Fault::None, Fault::Before, Fault::Torn, Fault::After];

#[derive(Clone, Copy, Debug)]
enum Event {
    Bound(u8, u32),
    Epoch(u8),
    WindowPassed,
    StopWithoutHolds,
}

const EVENTS: [Event; 6] = [
    Event::Bound(0, 5_000),
    Event::Bound(1, 30_000),
    Event::Epoch(0),
    Event::Epoch(1),
    Event::WindowPassed,
    Event::StopWithoutHolds,
];

#[derive(Clone, Copy, Debug)]
enum Damage {
    None,
    Newest,
    Oldest,
}

const DAMAGES: [Damage; 3] = [Damage::None, Damage::Newest, Damage::Oldest];

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Damage before the start, the clock, and the faults of the two opening writes.
    Start(Damage, u32, Fault, Fault),
    Event(Event, Fault),
    Crash,
}

/// The disk, the running server if any, and the truth about what was promised.
#[derive(Clone)]
struct World {
    copies: [Copy; 2],
    running: Option<(Ledger, Version)>,
    /// The greatest epoch that tokens were given in.
    epoch_given: u32,
    /// Greatest TTL of holders of ended runs that may live; 0 = there is none.
    earlier_ms: u32,
    /// Greatest TTL that this run may have granted.
    current_ms: u32,
    /// The last run ended with `Clean` durable, and nothing was damaged since.
    is_clean: bool,
}

impl World {
    const NEW: Self = Self {
        copies: [Copy::Missing; 2],
        running: None,
        epoch_given: 0,
        earlier_ms: 0,
        current_ms: 0,
        is_clean: false,
    };

    fn damage(&mut self, damage: Damage) {
        let version = |copy: &Copy| match copy {
            Copy::Whole(version, _) => version.0,
            _ => 0,
        };
        let newest = usize::from(version(&self.copies[1]) > version(&self.copies[0]));
        let index = match damage {
            Damage::None => return,
            Damage::Newest => newest,
            Damage::Oldest => 1 - newest,
        };
        if self.copies[index] != Copy::Missing {
            self.copies[index] = Copy::Corrupt;
            self.is_clean = false;
        }
    }

    /// Writes; false if the process died of it.
    fn write(&mut self, version: Version, record: &Record, fault: Fault) -> bool {
        self.copies[copy_of(version)] = match fault {
            Fault::Before => return false,
            Fault::Torn => {
                self.is_clean = false;
                Copy::Corrupt
            }
            Fault::None | Fault::After => Copy::Whole(version, *record),
        };
        fault == Fault::None
    }

    fn crash(&mut self) {
        self.running = None;
        self.earlier_ms = self.earlier_ms.max(self.current_ms);
        self.current_ms = 0;
    }

    fn start(&mut self, clock: u32, faults: [Fault; 2]) {
        let loaded = match judge(self.copies[0], self.copies[1]) {
            Ok(loaded) => loaded,
            // Both copies lost: the server refuses to start, and somebody wipes the directory once
            // all holders are gone. Tokens then rest on the clock alone.
            Err(broken) => {
                assert_eq!(broken, Broken::Unreadable);
                *self = Self::NEW;
                return;
            }
        };
        let start = Start {
            epoch_of_clock: clock,
            ..START
        };
        let mut ledger = Ledger::start(&loaded, &start).unwrap();
        let mut version = match loaded {
            Loaded::Empty => Version(0),
            Loaded::Whole { version, .. } | Loaded::Older { version, .. } => version,
        };
        let record = *ledger.opening();
        for fault in faults {
            version = Version(version.0 + 1);
            if !self.write(version, &record, fault) {
                return;
            }
        }
        assert!(ledger.run() > self.epoch_given, "tokens grow over restarts");
        assert!(ledger.run() >= clock);
        self.epoch_given = ledger.run();
        match ledger.window_ms() {
            Some(ms) => {
                let needed = u64::from(self.earlier_ms) * 102 / 100 + 50;
                assert!(u64::from(ms) >= needed, "the window outlasts every holder");
                assert!(!self.is_clean, "no window after a clean end");
            }
            None => {
                assert_eq!(self.earlier_ms, 0, "no ordinary grant beside a live holder");
                assert_eq!(record.floor, ledger.run());
            }
        }
        self.is_clean = false;
        assert_eq!(ledger.next(), Ok(None));
        assert_eq!(ledger.answers(), []);
        self.running = Some((ledger, version));
    }

    fn event(&mut self, event: Event, fault: Fault) {
        let (mut ledger, version) = self.running.take().unwrap();
        match event {
            Event::Bound(shard, ttl_ms) => ledger.wish_bound(ShardId(shard), ttl_ms),
            Event::Epoch(shard) => ledger.wish_epoch(ShardId(shard)),
            Event::WindowPassed => {
                // The time is over, whether or not the server lives to write that down.
                ledger.window_passed();
                self.earlier_ms = 0;
            }
            Event::StopWithoutHolds => return self.stop(&ledger, version, fault),
        }
        let mut version = version;
        if let Some(record) = ledger.next().unwrap() {
            version = Version(version.0 + 1);
            if !self.write(version, &record, fault) {
                return self.crash();
            }
            ledger.durable(&record);
        }
        for (to, answer) in ledger.answers() {
            self.told(&ledger, to, answer);
        }
        assert_eq!(ledger.next(), Ok(None), "one write serves all wishes");
        self.running = Some((ledger, version));
    }

    fn stop(&mut self, ledger: &Ledger, version: Version, fault: Fault) {
        // No hold of this run is left; holders of earlier runs may live on.
        self.current_ms = 0;
        if let Some(record) = ledger.stopped_without_holds() {
            assert_eq!(self.earlier_ms, 0, "clean means that nobody holds");
            let version = Version(version.0 + 1);
            self.is_clean = self.write(version, &record, fault);
        }
        self.crash();
    }

    /// An answer left the control thread: from here on it must hold over every crash.
    fn told(&mut self, ledger: &Ledger, to: To, answer: FromControl) {
        let stored = ledger.opening();
        match answer {
            FromControl::BoundRaised { ttl_ms } => {
                assert!(ttl_ms >= 10_000, "the default needs no question");
                assert!(stored.bound_ms >= ttl_ms && stored.state == State::Dirty);
                self.current_ms = self.current_ms.max(ttl_ms);
            }
            FromControl::Epoch { epoch } => {
                assert!(epoch > ledger.run() && epoch >= self.epoch_given);
                self.epoch_given = epoch;
            }
            FromControl::WindowOver => {
                assert_eq!((to, stored.floor), (To::All, ledger.run()));
            }
            other => panic!("not the ledger's: {other:?}"),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start(damage, clock, first, second) => {
                self.damage(damage);
                self.start(clock, [first, second]);
            }
            Step::Event(event, fault) => self.event(event, fault),
            Step::Crash => self.crash(),
        }
    }

    /// Everything that can happen next.
    fn steps(&self, clocks: &[u32]) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.running.is_some() {
            steps.push(Step::Crash);
            for event in EVENTS {
                steps.extend(FAULTS.map(|fault| Step::Event(event, fault)));
            }
            return steps;
        }
        for damage in DAMAGES {
            for clock in clocks {
                let start = |first, second| Step::Start(damage, *clock, first, second);
                steps.extend(FAULTS.map(|fault| start(Fault::None, fault)));
                steps.extend(FAULTS[1..].iter().map(|fault| start(*fault, Fault::None)));
            }
        }
        steps
    }
}

fn explore(world: &World, depth: u32, visited: &mut u64) {
    if depth == 0 {
        return;
    }
    for step in world.steps(&[0]) {
        let mut next = world.clone();
        next.step(step);
        *visited += 1;
        explore(&next, depth - 1, visited);
    }
}

#[test]
fn every_short_history_keeps_every_promise() {
    let mut visited = 0;
    explore(&World::NEW, 5, &mut visited);
    assert!(visited > 500_000, "{visited}");
}

#[test]
fn long_histories_with_a_clock_that_jumps_keep_every_promise() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for history in 0..20_000 {
        let mut world = World::NEW;
        let mut steps = Vec::new();
        for _ in 0..60 {
            let choices = world.steps(&[0, 3, 50]);
            let step = choices[random(choices.len())];
            steps.push(step);
            let mut next = world.clone();
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                next.step(step);
            }));
            assert!(result.is_ok(), "history {history}: {steps:?}");
            world = next;
        }
    }
}

fn whole(record: Record) -> Loaded {
    Loaded::Whole {
        version: Version(4),
        record,
    }
}

const DIRTY: Record = Record {
    epoch: 9,
    floor: 8,
    bound_ms: 16_000,
    ttl_ms_max: 60_000,
    state: State::Dirty,
    server_id: [3; 16],
};

#[test]
fn a_dirty_start_waits_for_the_bound_and_two_percent() {
    let ledger = Ledger::start(&whole(DIRTY), &START).unwrap();
    assert_eq!(ledger.window_ms(), Some(16_000 + 320 + 50));
    let opening = ledger.opening();
    assert_eq!(
        (opening.epoch, opening.floor, opening.state),
        (10, 8, State::Dirty)
    );
    assert_eq!(opening.server_id, [3; 16]);
    assert_eq!(ledger.stopped_without_holds(), None);
}

#[test]
fn lower_bounds_of_this_start_shorten_no_window_that_is_owed() {
    let start = Start {
        ttl_ms_default: 1_000,
        ttl_ms_max: 2_000,
        ..START
    };
    let mut ledger = Ledger::start(&whole(DIRTY), &start).unwrap();
    assert_eq!(ledger.window_ms(), Some(16_000 + 320 + 50));
    // Nor does a session of this run, until the window is over.
    ledger.wish_bound(ShardId(0), 2_000);
    let record = ledger.next().unwrap();
    assert_eq!(record, None, "the longer bound serves it");
    ledger.answers();
    ledger.window_passed();
    let record = ledger.next().unwrap().expect("the floor moves");
    assert_eq!((record.floor, record.bound_ms), (10, 2_000));
}

#[test]
fn the_epoch_follows_the_clock_if_that_is_ahead() {
    let start = Start {
        epoch_of_clock: 500,
        ..START
    };
    assert_eq!(Ledger::start(&Loaded::Empty, &start).unwrap().run(), 500);
    assert_eq!(Ledger::start(&whole(DIRTY), &start).unwrap().run(), 500);
    let older = Loaded::Older {
        version: Version(4),
        record: DIRTY,
    };
    assert_eq!(Ledger::start(&older, &start).unwrap().run(), 502);
    assert_eq!(Ledger::start(&older, &START).unwrap().run(), 11);
}

#[test]
fn a_lost_newer_copy_waits_for_the_longest_ttl_there_was() {
    let older = Loaded::Older {
        version: Version(4),
        record: DIRTY,
    };
    let start = Start {
        ttl_ms_max: 30_000,
        ..START
    };
    let ledger = Ledger::start(&older, &start).unwrap();
    assert_eq!(ledger.window_ms(), Some(window_ms(60_000)));
}

#[test]
fn a_lost_newer_copy_may_have_moved_the_floor_to_its_run() {
    let record = Record { floor: 3, ..DIRTY };
    let older = Loaded::Older {
        version: Version(4),
        record,
    };
    let ledger = Ledger::start(&older, &START).unwrap();
    assert_eq!(ledger.opening().floor, record.epoch);
}

#[test]
fn one_write_serves_many_shards() {
    let mut ledger = Ledger::start(&Loaded::Empty, &START).unwrap();
    ledger.wish_bound(ShardId(0), 10_000);
    ledger.wish_bound(ShardId(1), 17_000);
    ledger.wish_bound(ShardId(0), 12_000);
    ledger.wish_epoch(ShardId(1));
    let record = ledger.next().unwrap().unwrap();
    assert_eq!(
        (record.bound_ms, record.epoch, record.state),
        (20_000, 2, State::Dirty)
    );
    ledger.durable(&record);
    let raised = FromControl::BoundRaised { ttl_ms: 20_000 };
    assert_eq!(
        ledger.answers(),
        [
            (To::Shard(ShardId(0)), raised),
            (To::Shard(ShardId(1)), raised),
            (To::Shard(ShardId(1)), FromControl::Epoch { epoch: 2 }),
        ]
    );
    // Within what is durable already nothing is written again.
    ledger.wish_bound(ShardId(0), 20_000);
    assert_eq!(ledger.next(), Ok(None));
    assert_eq!(ledger.answers(), [(To::Shard(ShardId(0)), raised)]);
}

#[test]
fn a_window_that_passes_unused_makes_the_next_start_quick() {
    let mut ledger = Ledger::start(&whole(DIRTY), &START).unwrap();
    ledger.window_passed();
    let record = ledger.next().unwrap().unwrap();
    assert_eq!(
        (record.floor, record.bound_ms, record.state),
        (10, 10_000, State::Idle)
    );
    ledger.durable(&record);
    assert_eq!(ledger.answers(), [(To::All, FromControl::WindowOver)]);
    assert_eq!(
        Ledger::start(&whole(record), &START).unwrap().window_ms(),
        None
    );
}

#[test]
#[should_panic(expected = "dirty before the first session")]
fn a_promise_that_is_not_durable_is_our_bug() {
    let mut ledger = Ledger::start(&Loaded::Empty, &START).unwrap();
    ledger.wish_bound(ShardId(0), 10_000);
    ledger.answers();
}

#[test]
fn without_epochs_there_is_no_start_and_no_next_one() {
    let last = Record {
        epoch: EPOCH_MAX,
        state: State::Clean,
        ..DIRTY
    };
    assert_eq!(
        Ledger::start(&whole(last), &START).unwrap_err(),
        EpochsExhausted
    );
    let one_left = Record {
        epoch: EPOCH_MAX - 1,
        ..last
    };
    let mut ledger = Ledger::start(&whole(one_left), &START).unwrap();
    ledger.wish_epoch(ShardId(0));
    assert_eq!(ledger.next(), Err(EpochsExhausted));
}

#[test]
fn bounds_are_rounded_up_and_the_default_ttl_is_one() {
    assert_eq!(round_up(10_000), 10_000);
    for ttl_ms in [1, 999, 1_000, 1_001, 10_000, 3_599_999, 3_600_000] {
        let bound = round_up(ttl_ms);
        assert!(bound >= ttl_ms && bound <= TTL_MS_MAX, "{ttl_ms}: {bound}");
        assert!(bound <= 3 * ttl_ms.max(1_000), "{ttl_ms}: {bound}");
    }
}
