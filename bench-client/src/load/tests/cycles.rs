//! What each mode does.

use std::collections::{BTreeMap, BTreeSet};

use locker_protocol::{Status, shard_of_slot, slot_of};

use super::plan;
use super::world::{WIRE, World};
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::plan::{Hold, Mode, PairStyle, Plan, Stop};
use crate::verify::What;

const ROUND_TRIP: u64 = 2 * WIRE.0;

fn of_mode(mode: Mode, keys: u32, wait_ms: u32) -> Plan {
    let mut plan = plan();
    (plan.workload.mode, plan.workload.keys) = (mode, keys);
    plan.workload.wait_ms = wait_ms;
    plan
}

fn whats(world: &mut World) -> Vec<What> {
    let events = world.fleets[0].events();
    events.iter().map(|event| event.what).collect()
}

fn near(value: u64, expected: u64) -> bool {
    value.abs_diff(expected) <= expected / 500 + 1
}

#[test]
fn a_closed_loop_takes_a_round_trip_for_the_acquire_and_one_for_the_release() {
    let mut world = World::new(&plan());
    world.run();
    let measures = world.fleet().measures();
    // Four clients, 100 ms, 200 us per cycle; the last cycle of each begins before the end.
    assert_eq!(measures.cycles, 4 * 500);
    assert_eq!(measures.of(Kind::Acquire).sent.len(), 2_000);
    assert!(near(measures.of(Kind::Acquire).sent.max(), ROUND_TRIP));
    assert!(near(measures.of(Kind::Release).sent.max(), ROUND_TRIP));
    assert!(near(
        measures.of(Kind::Cycle).intended.max(),
        2 * ROUND_TRIP
    ));
    assert_eq!(measures.grants, [500; 4]);
    assert!(measures.refused.is_empty());
    assert_eq!(
        (measures.unanswered, measures.broken, measures.lost),
        (0, 0, 0)
    );
    // The last answers come when the measured time is over.
    assert!((3_992..=4_000).contains(&measures.answered));
    assert!((4_000..=4_008).contains(&measures.series.seconds[0].answered));
    assert_eq!(world.double.seen.closes, 2, "sessions are closed");
    assert_eq!(world.double.busy_keys(), 0);
    assert_eq!(world.fleet().broken_rule(), None);
}

#[test]
fn the_warm_up_is_not_measured() {
    let mut plan = plan();
    plan.warmup = Nanos::from_ms(50);
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(measures.cycles, 2_000);
    // And those of the drain.
    assert!((6_000..=6_008).contains(&measures.series.seconds[0].answered));
    let begun = world.begun + Nanos::from_ms(50);
    assert_eq!(world.fleet().window(), (begun, begun + Nanos::from_ms(100)));
}

#[test]
fn a_counted_run_begins_so_many_cycles_over_all_threads() {
    let mut plan = plan();
    (plan.threads, plan.stop) = (2, Stop::Operations(777));
    let mut world = World::new(&plan);
    world.run();
    let cycles: u64 = world
        .fleets
        .iter()
        .map(|fleet| fleet.measures().cycles)
        .sum();
    assert_eq!(cycles, 777);
    assert_eq!(world.double.seen.acquires, 777);
    let (from, to) = world.fleets[0].window();
    // Four clients side by side, 200 us each; the last of them may be on one thread.
    let least = 777 / 4 * 200_000;
    assert!((least..least + 2_000_000).contains(&to.since(from).0));
}

#[test]
fn clients_keep_to_keys_of_their_own() {
    let mut world = World::new(&plan());
    world.run();
    let mut owners: BTreeMap<u32, u32> = BTreeMap::new();
    for event in world.fleets[0].events().iter() {
        let owner = owners.entry(event.key).or_insert(event.acquire.client);
        assert_eq!(*owner, event.acquire.client);
        assert_eq!(event.key % 4, event.acquire.client);
    }
    assert!(owners.len() > 90, "all keys are drawn");
}

#[test]
fn a_pair_in_one_write_takes_one_round_trip() {
    let mut plan = plan();
    plan.workload.pair = PairStyle::OneWrite;
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(measures.cycles, 4 * 1_000);
    assert!(near(measures.of(Kind::Cycle).sent.max(), ROUND_TRIP));
    assert_eq!(measures.of(Kind::Release).sent.len(), 4_000);
    assert!(measures.refused.is_empty());
    // Nobody believed in a hold that was over before it was known.
    for event in world.fleets[0].events().iter() {
        if let What::Granted {
            until, asked_at, ..
        } = event.what
        {
            assert_eq!(until, asked_at);
        }
    }
}

#[test]
fn a_pair_in_one_write_that_is_denied_counts_one_refusal() {
    let mut plan = of_mode(Mode::Contended, 1, 0);
    plan.workload.pair = PairStyle::OneWrite;
    let mut world = World::new(&plan);
    world.double.keys_max = 0;
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(measures.refused.len(), 1, "{:?}", measures.refused);
    let full = Status::TableFull.code();
    assert_eq!(measures.refused[&full], measures.cycles);
    assert_eq!(measures.of(Kind::Denied).sent.len(), measures.cycles);
    assert_eq!(measures.of(Kind::Release).sent.len(), 0);
}

#[test]
fn contended_clients_wait_in_line_for_one_key() {
    let mut world = World::new(&of_mode(Mode::Contended, 1, u32::MAX));
    world.run();
    let measures = world.fleet().measures();
    // A hand-off takes a round trip: the grant there, the release back. Three come before.
    assert!(near(
        measures.of(Kind::Acquire).sent.value_at_quantile(0.5),
        3 * ROUND_TRIP
    ));
    let (least, most) = (measures.grants.iter().min(), measures.grants.iter().max());
    assert!(most.unwrap() - least.unwrap() <= 1, "{:?}", measures.grants);
    assert!(near(measures.longest_wait.0, 4 * ROUND_TRIP));
    assert_eq!(world.double.busy_keys(), 0, "the drain releases everything");
    let asked = whats(&mut world);
    let asked = asked
        .iter()
        .filter(|what| matches!(what, What::Asked { .. }));
    assert_eq!(asked.count() as u64, world.double.seen.acquires);
}

#[test]
fn a_wait_that_is_over_counts_as_denied() {
    let mut plan = of_mode(Mode::Contended, 1, 5);
    plan.workload.hold = Hold::For(Nanos::from_ms(20));
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    let denied = &measures.of(Kind::Denied).sent;
    assert!(denied.len() > 10);
    assert!(near(denied.max(), 5_000_000 + ROUND_TRIP));
    assert_eq!(measures.refused[&Status::Timeout.code()], denied.len());
    assert!(whats(&mut world).contains(&What::TimedOut));
}

#[test]
fn a_hold_lasts_as_long_as_asked_for_and_is_no_part_of_the_cycle() {
    let mut plan = plan();
    plan.workload.hold = Hold::For(Nanos::from_ms(1));
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(measures.cycles, 4 * 84, "1.2 ms each");
    assert!(near(measures.of(Kind::Cycle).sent.max(), 2 * ROUND_TRIP));
    let mut granted = BTreeMap::new();
    for event in world.fleets[0].events().iter() {
        match event.what {
            What::Granted { .. } => drop(granted.insert(event.acquire, event.at)),
            What::Released => {
                let held = event.at.since(granted[&event.acquire]);
                // Those still held at the end are released early.
                assert!(held <= Nanos::from_ms(1));
            }
            _ => {}
        }
    }
}

#[test]
fn exponential_holds_have_their_mean() {
    let mut plan = plan();
    (plan.connections, plan.inflight) = (10, 10);
    plan.workload.keys = 1_000;
    plan.stop = Stop::After(Nanos::from_ms(2_000));
    plan.workload.hold = Hold::Exponential(Nanos::from_ms(2));
    let mut world = World::new(&plan);
    world.run();
    // 2.2 ms per cycle.
    let cycles = world.fleet().measures().cycles as f64;
    let expected = 100.0 * 2_000.0 / 2.2;
    assert!(
        (cycles - expected).abs() < expected * 0.02,
        "{cycles}, {expected}"
    );
}

#[test]
fn readers_share_and_writers_do_not() {
    let mode = Mode::ReadWrite { shared_percent: 90 };
    let mut world = World::new(&of_mode(mode, 1, u32::MAX));
    world.run();
    let (mut shared, mut exclusive) = (0_u32, 0_u32);
    for what in whats(&mut world) {
        if let What::Granted { want, .. } = what {
            match want {
                crate::verify::Want::Shared => shared += 1,
                _ => exclusive += 1,
            }
        }
    }
    let share = f64::from(shared) / f64::from(shared + exclusive);
    assert!((0.86..0.94).contains(&share), "{share}");
    let mut writers = World::new(&of_mode(Mode::Contended, 1, u32::MAX));
    writers.run();
    let cycles = |world: &World| world.fleet().measures().cycles;
    assert!(
        2 * cycles(&world) > 3 * cycles(&writers),
        "readers go side by side: {} {}",
        cycles(&world),
        cycles(&writers)
    );
}

#[test]
fn so_many_permits_are_held_at_once() {
    let mut plan = of_mode(Mode::Permit { limit: 3 }, 1, u32::MAX);
    plan.workload.hold = Hold::For(Nanos::from_ms(1));
    let mut world = World::new(&plan);
    world.run();
    let (mut held, mut most) = (0_i32, 0);
    for what in whats(&mut world) {
        held += match what {
            What::Granted { .. } => 1,
            What::Released => -1,
            _ => 0,
        };
        most = most.max(held);
    }
    assert_eq!(most, 3);
}

#[test]
fn a_read_behind_each_acquire_tells_when_it_has_queued() {
    let mut plan = of_mode(Mode::Contended, 1, u32::MAX);
    plan.checks.order = true;
    plan.workload.hold = Hold::For(Nanos::from_ms(1));
    let mut world = World::new(&plan);
    world.run();
    assert_eq!(world.double.seen.gets, world.double.seen.acquires);
    let events = world.fleets[0].events();
    let mut asked = BTreeMap::new();
    let mut arrived = 0;
    for event in events.iter() {
        match event.what {
            What::Asked { .. } => drop(asked.insert(event.acquire, event.at)),
            What::Arrived => {
                arrived += 1;
                assert_eq!(event.at.since(asked[&event.acquire]).0, ROUND_TRIP);
            }
            _ => {}
        }
    }
    assert!(arrived > 50, "{arrived}");
    let reads = world.fleet().measures().of(Kind::Read).sent.len();
    assert!(reads > 50);
}

#[test]
fn renewals_find_every_key_held_before_the_start() {
    let mut world = World::new(&of_mode(Mode::Renew, 100, 0));
    world.run_until(|world| world.begun != Nanos::FOREVER);
    assert_eq!(world.double.seen.acquires, 100);
    assert_eq!(world.double.busy_keys(), 100);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(world.double.seen.acquires, 100, "none was lost");
    assert_eq!(measures.of(Kind::Renew).sent.len(), 4 * 1_000);
    assert_eq!(measures.cycles, 4_000);
    assert_eq!(
        measures.of(Kind::Acquire).sent.len(),
        0,
        "set-up is not measured"
    );
    assert_eq!(world.double.busy_keys(), 0, "the sessions are closed");
}

#[test]
fn a_kept_hold_that_is_lost_is_acquired_anew() {
    let mut plan = of_mode(Mode::Renew, 400, 0);
    plan.stop = Stop::After(Nanos::from_ms(500));
    plan.workload.lease_ms = 10;
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    assert!(measures.lost > 0);
    assert!(!measures.of(Kind::Acquire).sent.is_empty());
    assert!(measures.of(Kind::Renew).sent.len() > 1_000);
    assert!(whats(&mut world).contains(&What::Lost));
}

#[test]
fn churn_connects_locks_and_dies() {
    let mut plan = of_mode(Mode::Churn, 100, 0);
    plan.inflight = 1;
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    // Connect, then Hello and acquire in one write: 50 us of the double's connect and a trip.
    let cycle = WIRE.0 + ROUND_TRIP;
    assert!(near(measures.of(Kind::Cycle).sent.max(), cycle));
    assert!(near(measures.of(Kind::Open).sent.max(), cycle));
    assert!(near(measures.of(Kind::Acquire).sent.max(), ROUND_TRIP));
    assert_eq!(measures.cycles, 2 * 667);
    assert_eq!(world.double.seen.hellos, world.double.seen.acquires);
    assert_eq!(world.double.seen.closes, 0, "they die");
    assert_eq!(world.double.busy_keys(), 0, "and leave nothing");
    assert!(measures.refused.is_empty(), "{:?}", measures.refused);
    assert_eq!(measures.broken, 0);
}

#[test]
fn a_herd_waits_until_everybody_had_the_key() {
    for threads in [1, 2] {
        let mut plan = of_mode(Mode::Herd, 1, u32::MAX);
        (plan.threads, plan.connections, plan.inflight) = (threads, 8, 1);
        let mut world = World::new(&plan);
        world.run();
        let rounds: Vec<&[usize]> = world.double.seen.granted.chunks_exact(8).collect();
        assert!(rounds.len() > 50, "{}", rounds.len());
        for round in rounds {
            let all: BTreeSet<&usize> = round.iter().collect();
            assert_eq!(all.len(), 8, "each connection once: {round:?}");
        }
        assert!(world.double.seen.waiters_max >= 7, "all are in line");
    }
}

#[test]
fn a_herd_goes_on_when_one_of_it_breaks() {
    let mut plan = of_mode(Mode::Herd, 1, u32::MAX);
    plan.stop = Stop::After(Nanos::from_ms(20_000));
    plan.workload.lease_ms = 1_000;
    let mut world = World::new(&plan);
    world.run_until(|world| world.double.seen.acquires >= 100);
    world.cut(0);
    world.run_until(|world| world.double.seen.acquires >= 2_000);
    assert!(world.double.seen.acquires >= 2_000);
    assert_eq!(world.double.seen.hellos, 3);
}

#[test]
fn holding_many_ends_with_the_keys() {
    let mut plan = of_mode(Mode::HoldMany, 1_000, 0);
    plan.stop = Stop::After(Nanos(60 * Nanos::SECOND.0));
    let mut world = World::new(&plan);
    world.run_until(|world| world.double.busy_keys() == 1_000);
    assert_eq!(world.double.busy_keys(), 1_000, "all are held at once");
    world.run();
    assert!(
        world.elapsed() < Nanos::SECOND,
        "no need to wait for the end"
    );
    assert_eq!(world.fleet().measures().cycles, 1_000);
    let (from, to) = world.fleet().window();
    assert!(
        near(to.since(from).0, 250 * ROUND_TRIP),
        "measured as long as it took"
    );
    assert_eq!(world.double.seen.releases, 0);
    assert_eq!(world.double.busy_keys(), 0);
}

#[test]
fn holding_many_ends_with_a_full_table() {
    let mut plan = of_mode(Mode::HoldMany, 1_000, 0);
    plan.stop = Stop::After(Nanos(60 * Nanos::SECOND.0));
    let mut world = World::new(&plan);
    world.double.keys_max = 500;
    world.run();
    assert!(world.elapsed() < Nanos::SECOND);
    let measures = world.fleet().measures();
    assert_eq!(measures.of(Kind::Acquire).sent.len(), 500);
    assert_eq!(
        measures.refused[&Status::TableFull.code()],
        4,
        "each client once"
    );
}

#[test]
fn shard_aware_connections_ask_for_keys_of_their_shard_only() {
    for mode in [
        Mode::Uncontended,
        Mode::Contended,
        Mode::Renew,
        Mode::HoldMany,
    ] {
        let mut plan = of_mode(mode, 1_000, 0);
        plan.workload.shard_aware = true;
        let mut world = World::new(&plan);
        world.double.shards = 2;
        world.run();
        assert!(world.double.seen.acquires > 300, "{mode:?}");
        for (connection, key) in &world.double.seen.keys {
            let shard = shard_of_slot(slot_of(key), 2);
            assert_eq!(usize::from(shard), connection % 2, "{mode:?}");
        }
    }
}

#[test]
fn a_hold_whose_lease_ends_is_lost_and_the_next_cycle_begins() {
    let mut plan = plan();
    plan.workload.lease_ms = 10;
    plan.workload.hold = Hold::For(Nanos::from_ms(50));
    let mut world = World::new(&plan);
    world.run();
    assert!(world.fleet().measures().lost >= 20);
    let lost = whats(&mut world)
        .iter()
        .filter(|what| **what == What::Lost)
        .count();
    assert!(lost >= 20, "{lost}");
    for event in world.fleets[0].events().iter() {
        if let What::Granted {
            until, asked_at, ..
        } = event.what
        {
            // 10 ms less 1 % and 2 ms, from when it was asked for.
            assert_eq!(until.since(asked_at), Nanos(7_900_000));
        }
    }
}
