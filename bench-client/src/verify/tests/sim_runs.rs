//! Honest servers never alarm; those with a fault always do.

use super::sim::{Fault, Setup, Sim};
use super::*;
use crate::dice::Dice;

const EXCLUSIVE: &[Want] = &[Want::Exclusive];
const MIXED: &[Want] = &[Want::Shared, Want::Shared, Want::Exclusive];
const PERMITS: &[Want] = &[Want::Permit(3)];
const SEEDS: u64 = 1_500;

/// Any setup, by a seed.
fn any(seed: u64) -> Setup {
    let mut dice = Dice::split(seed, 1);
    let threads = u16::try_from(1 + dice.below(3)).unwrap();
    let connections = u32::from(threads) + dice.below(5);
    let inflight = u16::try_from(1 + dice.below(3)).unwrap();
    let mut plan = plan(threads, connections, inflight);
    plan.workload.keys = 1 + dice.below(3);
    plan.workload.wait_ms = [0, 1, 5, u32::MAX][dice.below(4) as usize];
    plan.workload.lease_ms = [0, 0, 1, 4][dice.below(4) as usize];
    if plan.workload.wait_ms == 0 && dice.below(2) == 0 {
        plan.workload.pair = PairStyle::OneWrite;
        plan.workload.lease_ms = 0;
    }
    Setup {
        plan,
        fault: Fault::None,
        wants: [EXCLUSIVE, MIXED, PERMITS][dice.below(3) as usize],
        way_max: [1, 10, 300][dice.below(3) as usize],
        hold_max: [0, 20, 2_000][dice.below(3) as usize],
        deaths: [0, 0, 50][dice.below(3) as usize],
        cycles: 200,
        ttl_us: 3_000,
    }
}

#[test]
fn a_server_that_keeps_its_promises_never_raises_an_alarm() {
    let (mut grants, mut orders) = (0, 0);
    for seed in 0..SEEDS {
        let setup = any(seed);
        let (result, ledger, _) = Sim::new(setup.clone(), seed).run();
        if let Err(violation) = result {
            panic!("seed {seed}, {setup:#?}\n{violation}");
        }
        assert!(
            ledger.facts().orders <= ledger.facts().grants,
            "seed {seed}"
        );
        grants += ledger.facts().grants;
        orders += ledger.facts().orders;
    }
    assert!(grants > SEEDS * 100, "{grants} grants were checked");
    assert!(orders > SEEDS * 10, "{orders} orders were known");
}

/// Runs with a fault whose every kind shows: holds last, sessions and leases do too.
fn faulty(fault: Fault, wants: &'static [Want], seed: u64) -> Setup {
    let setup = any(seed);
    let mut plan = plan(setup.plan.threads, 6, 2);
    plan.workload.keys = 1;
    plan.workload.wait_ms = u32::MAX;
    Setup {
        plan,
        fault,
        wants,
        way_max: 10,
        hold_max: 200,
        deaths: 0,
        cycles: 300,
        ttl_us: 1_000_000,
    }
}

fn is_always_caught(fault: Fault, wants: &'static [Want]) {
    for seed in 0..300 {
        let (result, _, faults) = Sim::new(faulty(fault, wants, seed), seed).run();
        assert!(faults > 0, "{fault:?}, seed {seed}: the fault was made");
        assert!(result.is_err(), "{fault:?}, seed {seed}: {faults} faults");
    }
}

#[test]
fn a_second_holder_is_caught() {
    is_always_caught(Fault::GrantsTwice, EXCLUSIVE);
    is_always_caught(Fault::GrantsTwice, MIXED);
}

#[test]
fn a_permit_too_many_is_caught() {
    is_always_caught(Fault::GrantsTwice, PERMITS);
}

#[test]
fn a_token_given_twice_is_caught() {
    is_always_caught(Fault::ReusesToken, EXCLUSIVE);
    is_always_caught(Fault::ReusesToken, MIXED);
    is_always_caught(Fault::ReusesToken, PERMITS);
}

#[test]
fn a_token_that_goes_back_is_caught() {
    is_always_caught(Fault::TokenGoesBack, EXCLUSIVE);
    is_always_caught(Fault::TokenGoesBack, MIXED);
    is_always_caught(Fault::TokenGoesBack, PERMITS);
}

#[test]
fn a_queue_served_from_its_end_is_caught() {
    is_always_caught(Fault::LastFirst, EXCLUSIVE);
    is_always_caught(Fault::LastFirst, MIXED);
    is_always_caught(Fault::LastFirst, PERMITS);
}

#[test]
fn a_second_answer_is_caught() {
    is_always_caught(Fault::AnswersTwice, EXCLUSIVE);
}
