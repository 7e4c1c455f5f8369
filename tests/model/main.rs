//! The model test: the engine against a naive list per key, over many seeded episodes.
//!
//! Repeats one failing seed with `LOCKER_MODEL_SEED=n cargo test --test model`; the failure is
//! narrowed down to the fewest steps and printed. `LOCKER_MODEL_OPERATIONS` sets how many requests.
#![allow(clippy::unwrap_used)]

mod model;
mod reclaim;
mod step;
mod tape;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use step::{Episode, Step};
use world::World;

const STEPS_PER_EPISODE: usize = 1_500;
const OPERATIONS_DEFAULT: u64 = 2_000_000;

/// Each of these happens, each at least a thousand times in a whole run.
const TRANSITIONS: &[&str] = &[
    "answer AlreadyHeld",
    "answer Busy",
    "answer Draining",
    "answer GraceWindow",
    "answer LimitMismatch",
    "answer NotHeld",
    "answer OwnerFull",
    "answer ReclaimConflict",
    "answer TableFull",
    "answer Timeout",
    "answer WaitersFull",
    "answer WindowOver",
    "answer behind a Lost",
    "cancel Cancelled",
    "cancel Kept",
    "cancel NotFound",
    "cancel Released",
    "closure opened",
    "closure orphaned",
    "dead hold met",
    "dead waiter passed over",
    "deferred Granted",
    "deferred Lost",
    "deferred refusal",
    "forced",
    "granted at once",
    "granted later",
    "head refused after a resize",
    "limit resized",
    "looked at",
    "lost Conflict",
    "lost Forced",
    "lost Lease",
    "queued",
    "reclaimed",
    "reclaimed again",
    "released",
    "renewed",
    "renewed keeping",
    "revoked Cancelled",
    "revoked Lost",
    "seat used again",
    "session gone",
    "settled Cancelled",
    "settled Draining",
    "settled Timeout",
];

#[derive(Default)]
struct Totals {
    operations: u64,
    contended: u64,
    full: u64,
    counts: BTreeMap<String, u64>,
}

fn play(episode: &Episode, steps: &[Step]) -> Result<World, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(episode.clone());
        for step in steps {
            world.step(step);
        }
        world.finish();
        world
    }));
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
            .unwrap_or_default()
    })
}

/// Takes steps out, in halves and then one by one, while the episode still fails.
fn narrow_down(episode: &Episode, mut steps: Vec<Step>) -> (Vec<Step>, String) {
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + size).min(steps.len()));
            if play(episode, &fewer).is_err() {
                steps = fewer;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    let why = play(episode, &steps).err().unwrap_or_default();
    (steps, why)
}

fn run_seed(seed: u64, totals: &mut Totals) {
    let episode = Episode::draw(seed);
    let steps = episode.steps(STEPS_PER_EPISODE);
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = play(&episode, &steps);
    let failure = outcome.as_ref().err().map(|_| narrow_down(&episode, steps));
    let _ = std::panic::take_hook();
    if let Some((steps, why)) = failure {
        let steps: Vec<_> = steps.iter().map(|step| format!("  {step:?}\n")).collect();
        let steps = steps.concat();
        let repeat = format!("LOCKER_MODEL_SEED={seed} cargo test --test model");
        panic!("{why}\nin {episode:?}, after\n{steps}repeat: {repeat}");
    }
    let Ok(world) = outcome else { return };
    totals.operations += world.operations;
    totals.contended += world.contended;
    totals.full += world.full;
    for (label, count) in world.into_counts() {
        *totals.counts.entry(label).or_default() += count;
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap())
}

#[test]
fn the_engine_does_what_a_list_per_key_does() {
    let mut totals = Totals::default();
    if let Some(seed) = number("LOCKER_MODEL_SEED") {
        return run_seed(seed, &mut totals);
    }
    let operations = number("LOCKER_MODEL_OPERATIONS").unwrap_or(OPERATIONS_DEFAULT);
    let mut seed = 1;
    while totals.operations < operations {
        run_seed(seed, &mut totals);
        seed += 1;
    }
    let percent = |part: u64| 100 * part / totals.operations;
    println!("{} requests in {} episodes", totals.operations, seed - 1);
    println!(
        "{} % met a held key, {} % a full table",
        percent(totals.contended),
        percent(totals.full)
    );
    for (label, count) in &totals.counts {
        println!("{count:9} {label}");
    }
    assert!(percent(totals.contended) >= 30, "enough contention");
    assert!(percent(totals.full) >= 1, "enough full tables");
    if operations >= OPERATIONS_DEFAULT {
        for transition in TRANSITIONS {
            let count = totals.counts.get(*transition).copied().unwrap_or(0);
            assert!(count >= 1_000, "{transition}: only {count} times");
        }
    }
}
