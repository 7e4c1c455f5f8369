#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Timers in a plain vector.
struct Store {
    links: Vec<Links>,
    deadlines: Vec<u32>,
}

impl Store {
    fn new(timers: usize) -> Self {
        Self {
            links: vec![Links::UNARMED; timers],
            deadlines: vec![0; timers],
        }
    }

    fn arm(&mut self, wheel: &mut Wheel, id: u32, deadline: u64) {
        self.deadlines[id as usize] = low32(deadline);
        wheel.arm(self, id, deadline);
    }
}

impl Timers for Store {
    fn links(&self, id: u32) -> Links {
        self.links[id as usize]
    }
    fn set_links(&mut self, id: u32, links: Links) {
        self.links[id as usize] = links;
    }
    fn deadline(&self, id: u32) -> u32 {
        self.deadlines[id as usize]
    }
}

fn poll_all(wheel: &mut Wheel, store: &mut Store, now: u64) -> Vec<u32> {
    let mut fired = Vec::new();
    let mut budget = u32::MAX;
    while let Some(id) = wheel.poll(store, now, &mut budget) {
        fired.push(id);
    }
    fired
}

#[test]
fn a_timer_fires_at_its_millisecond_and_not_before() {
    for start in [0, 1, 255, 256, 65_535, (1 << 32) - 1, (1 << 32) + 77] {
        for ahead in [1, 2, 255, 256, 257, 65_535, 65_536, 1 << 24, AHEAD_MS_MAX] {
            let (mut wheel, mut store) = (Wheel::new(start), Store::new(1));
            store.arm(&mut wheel, 0, start + ahead);
            assert_eq!(
                poll_all(&mut wheel, &mut store, start + ahead - 1),
                Vec::<u32>::new()
            );
            assert_eq!(poll_all(&mut wheel, &mut store, start + ahead), [0]);
            assert_eq!((wheel.armed(), wheel.next_wake()), (0, None));
        }
    }
}

#[test]
fn waking_only_when_told_reaches_every_deadline_exactly() {
    for ahead in [1, 300, 70_000, 20_000_000, AHEAD_MS_MAX] {
        let (mut wheel, mut store) = (Wheel::new(12_345), Store::new(1));
        store.arm(&mut wheel, 0, 12_345 + ahead);
        let mut wakes = 0;
        loop {
            let wake = wheel.next_wake().unwrap();
            wakes += 1;
            assert!(wake <= 12_345 + ahead, "late by {wake}");
            if !poll_all(&mut wheel, &mut store, wake).is_empty() {
                assert_eq!(wake, 12_345 + ahead);
                break;
            }
        }
        assert!(wakes <= LEVELS, "{wakes} wakes for one timer");
    }
}

#[test]
fn a_past_deadline_fires_at_the_next_poll() {
    let (mut wheel, mut store) = (Wheel::new(1_000), Store::new(2));
    store.arm(&mut wheel, 0, 1_000);
    store.arm(&mut wheel, 1, 3);
    assert_eq!(wheel.next_wake(), Some(1_000));
    assert_eq!(poll_all(&mut wheel, &mut store, 1_000), [1, 0]);
}

#[test]
fn a_deadline_moved_later_is_kept_without_telling_the_wheel() {
    let (mut wheel, mut store) = (Wheel::new(0), Store::new(1));
    store.arm(&mut wheel, 0, 100);
    store.deadlines[0] = 90_000;
    assert_eq!(poll_all(&mut wheel, &mut store, 89_999), Vec::<u32>::new());
    assert!(wheel.is_armed(&store, 0));
    assert_eq!(poll_all(&mut wheel, &mut store, 90_000), [0]);
}

#[test]
fn a_small_budget_loses_nothing() {
    let (mut wheel, mut store) = (Wheel::new(0), Store::new(1_000));
    for id in 0..1_000 {
        store.arm(&mut wheel, id, 70_000 + u64::from(id) % 3);
    }
    let (mut fired, mut polls) = (0, 0);
    while wheel.armed() > 0 {
        let mut budget = 7;
        while wheel.poll(&mut store, 80_000, &mut budget).is_some() {
            fired += 1;
        }
        polls += 1;
        assert!(wheel.armed() == 0 || wheel.next_wake().unwrap() <= 80_000);
        wheel.check_invariants(&store, 1_000);
    }
    assert_eq!(fired, 1_000);
    assert!(polls >= 1_000 / 7, "{polls} polls");
}

#[test]
fn disarm_says_whether_it_was_armed() {
    let (mut wheel, mut store) = (Wheel::new(0), Store::new(1));
    assert!(!wheel.disarm(&mut store, 0));
    store.arm(&mut wheel, 0, 5);
    assert!(wheel.disarm(&mut store, 0));
    assert!(!wheel.disarm(&mut store, 0));
    assert_eq!(poll_all(&mut wheel, &mut store, 10), Vec::<u32>::new());
}

#[test]
#[should_panic(expected = "within the wheel's range")]
fn a_deadline_out_of_range_is_a_bug() {
    let (mut wheel, mut store) = (Wheel::new(0), Store::new(1));
    store.arm(&mut wheel, 0, AHEAD_MS_MAX + 1);
}

#[test]
fn an_idle_wheel_skips_to_the_present_and_then_reaches_as_far_as_ever() {
    let day = 86_400_000;
    let (mut wheel, mut store) = (Wheel::new(0), Store::new(2));
    store.arm(&mut wheel, 0, 24 * day);
    wheel.skip_to(20 * day);
    store.arm(&mut wheel, 1, 44 * day);
    assert_eq!(
        poll_all(&mut wheel, &mut store, 24 * day - 1),
        Vec::<u32>::new()
    );
    assert_eq!(poll_all(&mut wheel, &mut store, 24 * day), [0]);
    wheel.skip_to(50 * day);
    assert!(
        wheel.cursor_ms() < 44 * day,
        "what is due is not passed over"
    );
    assert_eq!(poll_all(&mut wheel, &mut store, 44 * day), [1]);
    wheel.skip_to(90 * day);
    assert_eq!(wheel.cursor_ms(), 90 * day);
    store.arm(&mut wheel, 0, 114 * day);
}

#[test]
fn slots_left_unopened_ask_for_no_wake_up_once_nothing_is_armed() {
    let (mut wheel, mut store) = (Wheel::new(0), Store::new(1));
    store.arm(&mut wheel, 0, 1 << 16);
    assert_eq!(wheel.poll(&mut store, 1 << 16, &mut 1), None);
    assert_eq!(wheel.next_wake(), Some(1 << 16));
    assert!(wheel.disarm(&mut store, 0));
    assert_eq!(wheel.next_wake(), None);
}

#[derive(Clone, Debug)]
enum Step {
    Arm(u32, u64),
    Disarm(u32),
    Postpone(u32, u64),
    /// Moves the clock, polls with a budget.
    Poll(u64, u32),
    /// Moves the clock to the wheel's own next wake-up.
    Wake,
}

const TIMERS: u32 = 48;

fn ahead() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..4u64,
        0..600u64,
        250..260u64,
        65_000..66_000u64,
        0..200_000u64,
        0..(1u64 << 25),
        (1u64 << 28)..(1u64 << 29),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..TIMERS, ahead()).prop_map(|(id, ahead)| Step::Arm(id, ahead)),
        2 => (0..TIMERS).prop_map(Step::Disarm),
        1 => (0..TIMERS, 0..100_000u64).prop_map(|(id, by)| Step::Postpone(id, by)),
        4 => (ahead(), prop_oneof![1..5u32, Just(u32::MAX)]).prop_map(|(by, b)| Step::Poll(by, b)),
        4 => Just(Step::Wake),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 512 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn equals_a_sorted_set(
        start in prop_oneof![Just(0u64), Just((1 << 32) - 500), any::<u32>().prop_map(u64::from)],
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let (mut wheel, mut store) = (Wheel::new(start), Store::new(TIMERS as usize));
        let mut model: BTreeSet<(u64, u32)> = BTreeSet::new();
        let mut now = start;
        let of = |model: &BTreeSet<(u64, u32)>, id| {
            model.iter().find(|entry| entry.1 == id).copied()
        };
        for step in steps {
            let (by, mut budget) = match step {
                Step::Arm(id, ahead) => {
                    if of(&model, id).is_none() {
                        store.arm(&mut wheel, id, now + ahead);
                        model.insert((now + ahead, id));
                    }
                    continue;
                }
                Step::Disarm(id) => {
                    let entry = of(&model, id);
                    prop_assert_eq!(wheel.disarm(&mut store, id), entry.is_some());
                    entry.map(|entry| model.remove(&entry));
                    continue;
                }
                Step::Postpone(id, by) => {
                    if let Some(entry) = of(&model, id) {
                        model.remove(&entry);
                        model.insert((entry.0 + by, id));
                        store.deadlines[id as usize] = low32(entry.0 + by);
                    }
                    continue;
                }
                Step::Poll(by, budget) => (by, budget),
                Step::Wake => {
                    let ahead = wheel.next_wake().map(|wake| wake.saturating_sub(now));
                    (ahead.unwrap_or(0), u32::MAX)
                }
            };
            // A timer left behind by a small budget must stay within the wheel's range.
            if model.first().is_some_and(|first| now + by > first.0 + AHEAD_MS_MAX / 2) {
                continue;
            }
            now += by;
            while let Some(id) = wheel.poll(&mut store, now, &mut budget) {
                let entry = of(&model, id).unwrap();
                prop_assert!(entry.0 <= now, "{} ms early", entry.0 - now);
                model.remove(&entry);
            }
            let first = model.first().map(|entry| entry.0);
            if budget > 0 {
                prop_assert!(first.is_none_or(|first| first > now), "one is late");
            }
            match (first, wheel.next_wake()) {
                (None, None) => {}
                (Some(first), Some(wake)) => prop_assert!(wake <= first.max(wheel.cursor_ms())),
                (first, wake) => prop_assert!(false, "first {first:?}, wake {wake:?}"),
            }
            wheel.check_invariants(&store, TIMERS);
        }
    }
}
