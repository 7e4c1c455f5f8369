//! Connections, pace, the end, and a server that does not keep the rules.

use super::double::Fault;
use super::plan;
use super::world::{WIRE, World};
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::plan::{Arrivals, Hold, Mode, Pace, Plan, Stop};
use crate::traffic::End;
use crate::verify::What;

fn open_loop(rate: f64, arrivals: Arrivals) -> Plan {
    let mut plan = plan();
    plan.stop = Stop::After(Nanos::SECOND);
    let ramp = Nanos::ZERO;
    plan.pace = Pace::Open {
        rate,
        arrivals,
        ramp,
    };
    plan
}

#[test]
fn connections_are_opened_a_bounded_number_at_a_time() {
    let mut plan = plan();
    (plan.connections, plan.workload.keys) = (1_000, 10_000);
    let mut world = World::new(&plan);
    world.run_until(|world| world.begun != Nanos::FOREVER);
    assert_eq!(world.shared.ready(), 1_000);
    assert_eq!(world.double.seen.hellos, 1_000);
    assert_eq!(world.connecting_max, 128);
}

#[test]
fn nothing_is_asked_before_the_common_start() {
    let mut world = World::new(&plan());
    world.run_until(|world| world.now >= world.begun);
    assert_eq!(world.double.seen.acquires, 0);
    world.run_until(|world| world.double.seen.acquires > 0);
    assert!(world.elapsed() <= WIRE + Nanos::from_ms(1));
}

#[test]
fn an_open_loop_keeps_its_rate_over_all_threads() {
    for arrivals in [Arrivals::Even, Arrivals::Poisson] {
        let mut plan = open_loop(5_000.0, arrivals);
        plan.threads = 2;
        let mut world = World::new(&plan);
        world.run();
        let cycles: u64 = world.fleets.iter().map(|f| f.measures().cycles).sum();
        assert!((4_750..5_250).contains(&cycles), "{arrivals:?}: {cycles}");
        let mut lag = world.fleets[0].measures().lag.clone();
        lag += &world.fleets[1].measures().lag;
        assert_eq!(lag.len(), cycles);
    }
}

#[test]
fn a_stalled_server_shows_in_the_latency_from_the_intended_start() {
    let mut plan = open_loop(2_000.0, Arrivals::Even);
    plan.stop = Stop::After(Nanos(2 * Nanos::SECOND.0));
    let mut world = World::new(&plan);
    world.run_until(|world| world.elapsed() > Nanos::from_ms(500));
    world.stalled_until = world.now + Nanos::from_ms(200);
    world.run();
    let measures = world.fleet().measures();
    assert!(
        (3_999..=4_001).contains(&measures.cycles),
        "answers have no say"
    );
    assert_eq!(measures.dropped, 0);
    let cycle = measures.of(Kind::Cycle);
    // A tenth of the cycles met the stall, waiting for 0 to 200 ms.
    assert!(cycle.intended.value_at_quantile(0.95) > 80_000_000);
    assert!(cycle.intended.max() > 195_000_000);
    assert!(
        cycle.sent.value_at_quantile(0.99) < 1_000_000,
        "few were sent into it"
    );
    assert!(measures.lag.max() > 195_000_000);
}

#[test]
fn what_is_due_just_before_the_end_is_begun_though_the_thread_comes_late() {
    let mut world = World::new(&open_loop(1_000.0, Arrivals::Even));
    world.run_until(|world| world.elapsed() >= Nanos::from_ms(950));
    // As if the machine had run something else over the end.
    world.now = world.now + Nanos::from_ms(53);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!((measures.cycles, measures.dropped), (954, 46));
}

#[test]
fn a_herd_of_two_threads_ends_when_its_operations_are_used_up() {
    for count in [1, 63, 64, 65, 200] {
        let mut plan = plan();
        plan.threads = 2;
        plan.stop = Stop::Operations(count);
        plan.workload.mode = Mode::Herd;
        (plan.workload.keys, plan.workload.wait_ms) = (1, u32::MAX);
        let mut world = World::new(&plan);
        world.run();
        let cycles: u64 = world.fleets.iter().map(|f| f.measures().cycles).sum();
        assert_eq!(cycles, count);
        assert!(world.elapsed() < Nanos::SECOND, "nobody waited for others");
    }
}

#[test]
fn as_many_cycles_are_due_as_the_rate_says() {
    for (rate, due) in [(1.0, 3), (3.0, 9), (10.0, 30), (1_000.0, 3_000)] {
        let mut plan = open_loop(rate, Arrivals::Even);
        plan.stop = Stop::After(Nanos(3 * Nanos::SECOND.0));
        let mut world = World::new(&plan);
        world.run();
        let measures = world.fleet().measures();
        assert_eq!((measures.cycles, measures.dropped), (due, 0), "{rate}");
    }
}

#[test]
fn cycles_that_never_began_are_counted_as_dropped() {
    // Four clients at 200 us per cycle do 20,000 a second.
    let mut world = World::new(&open_loop(40_000.0, Arrivals::Even));
    world.run();
    let measures = world.fleet().measures();
    assert!((39_998..=40_001).contains(&(measures.cycles + measures.dropped)));
    assert!((19_900..20_100).contains(&measures.cycles));
}

#[test]
fn far_above_what_the_server_can_do_the_rate_and_the_latencies_are_told() {
    // Four clients do 20,000 a second: what ends after the warm-up was due in it.
    let mut plan = open_loop(400_000.0, Arrivals::Even);
    plan.warmup = Nanos::SECOND;
    let mut world = World::new(&plan);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(measures.cycles, 0, "nothing that was due was served");
    assert!((19_900..20_100).contains(&measures.ended));
    let cycle = measures.of(Kind::Cycle);
    assert_eq!(cycle.intended.len(), measures.ended);
    assert!(cycle.intended.min() > 900_000_000, "they waited for long");
    assert!(cycle.sent.max() < 1_000_000);
    assert!(measures.lag.len() > 19_900);
    assert!(measures.grants.iter().all(|grants| *grants > 4_900));
}

#[test]
fn a_silent_connection_is_kept_alive() {
    let mut plan = open_loop(0.1, Arrivals::Even);
    plan.stop = Stop::After(Nanos(20 * Nanos::SECOND.0));
    let mut world = World::new(&plan);
    world.run();
    let pings = world.double.seen.pings;
    // Two connections, one Ping in 3.3 s each; one of them is busy now and then.
    assert!((9..=14).contains(&pings), "{pings}");
    assert_eq!(world.fleet().measures().of(Kind::Read).sent.len(), pings);
}

#[test]
fn a_busy_connection_is_not_pinged() {
    let mut plan = plan();
    plan.stop = Stop::After(Nanos(8 * Nanos::SECOND.0));
    plan.workload.hold = Hold::For(Nanos::from_ms(10));
    let mut world = World::new(&plan);
    world.run();
    assert_eq!(world.double.seen.pings, 0);
}

#[test]
fn sessions_live_until_a_ttl_behind_the_newest_answered_request() {
    let mut world = World::new(&plan());
    world.run_until(|world| world.elapsed() > Nanos::from_ms(50) && world.begun < world.now);
    let session = world.shared.sessions.session(0, 0);
    let left = world.shared.sessions.until(session).since(world.now);
    // 10 s less 1 % and 2 ms; kept to within a millisecond, and for a trip on its way.
    assert!((9_896..=9_898).contains(&(left.0 / 1_000_000)), "{left:?}");
}

fn broken_rule_of(fault: Fault) -> (String, Vec<What>) {
    let mut world = World::new(&plan());
    world.double.fault = fault;
    world.run();
    assert!(world.elapsed() < Nanos::from_ms(50), "the run ends at once");
    let rule = world
        .fleet()
        .broken_rule()
        .expect("it was noticed")
        .to_owned();
    let events = world.fleets[0].events();
    (rule, events.iter().map(|event| event.what).collect())
}

#[test]
fn answers_nobody_asked_for_are_reported() {
    let (rule, events) = broken_rule_of(Fault::Twice);
    assert!(rule.contains("answered before"), "{rule}");
    assert_eq!(events.last(), Some(&What::Unasked));
    let (rule, events) = broken_rule_of(Fault::WrongId);
    assert!(rule.contains("not sent yet"), "{rule}");
    assert_eq!(events.last(), Some(&What::Unasked));
}

#[test]
fn answers_of_the_wrong_kind_and_garbage_are_reported() {
    let (rule, _) = broken_rule_of(Fault::WrongKind);
    assert!(
        rule.contains("Acquire") && rule.contains("Renewed"),
        "{rule}"
    );
    let (rule, _) = broken_rule_of(Fault::Garbage);
    assert!(rule.starts_with("on connection 0:"), "{rule}");
}

#[test]
fn requests_without_an_answer_are_counted_at_the_end() {
    let mut world = World::new(&plan());
    world.double.fault = Fault::Mute;
    world.run();
    assert_eq!(world.fleet().measures().unanswered, 4);
    assert!(
        world.elapsed() < Nanos::from_ms(5_200),
        "not waited for for ever"
    );
    assert_eq!(world.fleet().broken_rule(), None);
}

#[test]
fn a_stopped_run_measures_what_it_did() {
    let mut world = World::new(&plan());
    world.run_until(|world| world.begun < world.now && world.elapsed() >= Nanos::from_ms(40));
    world.shared.stop();
    world.run();
    let measures = world.fleet().measures();
    assert!(
        (790..=810).contains(&measures.cycles),
        "{}",
        measures.cycles
    );
    assert!(world.elapsed() < Nanos::from_ms(42));
    let (from, to) = world.fleet().window();
    assert!((39..=41).contains(&(to.since(from).0 / 1_000_000)));
    assert_eq!(world.double.seen.closes, 2);
}

#[test]
fn a_connection_that_breaks_is_counted_and_opened_again() {
    let mut world = World::new(&plan());
    world.run_until(|world| world.double.seen.acquires >= 100);
    world.cut(1);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!(measures.broken, 1);
    assert_eq!(world.double.seen.hellos, 3);
    assert_eq!(measures.unanswered, 0);
    // Its two clients missed 20 to 30 ms and a Hello.
    assert!((1_690..=1_805).contains(&measures.cycles));
    assert_eq!(world.fleet().server_gone(), None);
}

#[test]
fn waiters_on_a_connection_that_breaks_are_forgotten() {
    let mut plan = plan();
    (plan.workload.mode, plan.workload.keys) = (Mode::Contended, 1);
    plan.workload.wait_ms = u32::MAX;
    plan.workload.hold = Hold::For(Nanos::from_ms(5));
    let mut world = World::new(&plan);
    world.run_until(|world| !world.double.seen.granted.is_empty());
    world.cut(0);
    world.run_until(|world| world.fleet().measures().broken == 1);
    let events = world.fleets[0].events().iter();
    let forgotten = events.filter(|event| event.what == What::Forgotten).count();
    assert_eq!(forgotten, 2, "whatever the server did with them");
}

#[test]
fn who_stands_behind_a_dead_session_at_the_end_is_not_taken_for_lost() {
    let mut plan = plan();
    (plan.workload.mode, plan.workload.keys) = (Mode::Contended, 1);
    plan.workload.wait_ms = u32::MAX;
    plan.workload.hold = Hold::For(Nanos::from_ms(5));
    (plan.connections, plan.inflight) = (4, 1);
    let mut world = World::new(&plan);
    world.run_until(|world| world.fleet().measures().of(Kind::Acquire).sent.len() == 10);
    let holder = *world.double.seen.granted.last().unwrap();
    // The double names connections by number and life.
    world.cut(u32::try_from(holder).unwrap() % plan.connections);
    let ttl = Nanos::from_ms(10_050);
    world.run_until(|world| world.elapsed() >= ttl);
    world.double.end_session(holder);
    world.run();
    let measures = world.fleet().measures();
    assert_eq!((measures.unanswered, measures.broken), (0, 1));
    assert_eq!(world.double.busy_keys(), 0);
}

#[test]
fn a_server_that_is_gone_ends_the_run() {
    let mut world = World::new(&plan());
    world.run_until(|world| world.double.seen.acquires >= 100);
    world.connects_fail = Some(End::NotOpened(111));
    world.cut(0);
    world.cut(1);
    world.run();
    assert_eq!(world.fleet().server_gone(), Some(End::NotOpened(111)));
    assert!(world.shared.is_stopped(), "other threads are told");
    assert!(world.elapsed() < Nanos::from_ms(60));
    assert!(world.fleet().measures().cycles > 40);
}

#[test]
fn a_run_survives_a_server_that_is_away_for_a_while() {
    let mut plan = plan();
    plan.survive = Some(Nanos::from_ms(2_000));
    plan.stop = Stop::After(Nanos::from_ms(2_000));
    plan.workload.hold = Hold::For(Nanos::from_ms(5));
    let mut world = World::new(&plan);
    world.run_until(|world| world.fleet().measures().of(Kind::Acquire).sent.len() >= 100);
    world.connects_fail = Some(End::NotOpened(111));
    world.cut(0);
    world.cut(1);
    let away = world.elapsed() + Nanos::from_ms(500);
    world.run_until(|world| world.elapsed() >= away);
    let events = world.fleets[0].events().iter();
    let stranded = events.filter_map(|event| match event.what {
        What::Stranded { until } => Some(until.since(event.at)),
        _ => None,
    });
    let stranded: Vec<_> = stranded.collect();
    assert!(!stranded.is_empty(), "clients held");
    let ttl = Nanos::from_ms(10_000);
    let is_near = |left: &Nanos| (Nanos::from_ms(9_800)..ttl).contains(left);
    assert!(stranded.iter().all(is_near), "{stranded:?}");
    world.connects_fail = None;
    world.run();
    let measures = world.fleet().measures();
    assert_eq!((measures.reconnects, measures.broken), (2, 0));
    assert_eq!(world.fleet().server_gone(), None);
}

#[test]
fn a_server_that_is_away_for_too_long_ends_a_run_that_survives() {
    let mut plan = plan();
    plan.survive = Some(Nanos::from_ms(200));
    plan.stop = Stop::After(Nanos::from_ms(2_000));
    let mut world = World::new(&plan);
    world.run_until(|world| world.double.seen.acquires >= 100);
    world.connects_fail = Some(End::NotOpened(111));
    world.cut(0);
    world.cut(1);
    world.run();
    assert_eq!(world.fleet().server_gone(), Some(End::NotOpened(111)));
}

#[test]
fn nobody_listening_is_told_before_the_start() {
    let mut world = World::new(&plan());
    world.connects_fail = Some(End::NotOpened(111));
    world.run();
    assert_eq!(world.begun, Nanos::FOREVER);
    assert_eq!(world.fleet().measures().broken, 0);
    assert_eq!(world.fleet().server_gone(), Some(End::NotOpened(111)));
}

#[test]
fn connections_that_cannot_be_opened_are_given_up_after_some_tries() {
    let mut world = World::new(&plan());
    world.connects_fail = Some(End::NotOpened(24));
    world.run();
    assert_eq!(world.connects, 18, "nine tries each");
    assert_eq!(world.fleet().measures().broken, 2);
    assert_eq!(world.fleet().server_gone(), Some(End::NotOpened(24)));
}

#[test]
fn too_few_seats_are_told_and_what_to_do() {
    let mut world = World::new(&plan());
    world.double.seats = 1;
    world.run();
    let why = world.fleet().unfit().expect("it was noticed");
    assert!(why.contains("2 are needed"), "{why}");
    assert_eq!(world.double.seen.acquires, 0);
}

#[test]
fn a_shard_without_keys_is_told() {
    let mut plan = plan();
    (plan.workload.shard_aware, plan.workload.mode) = (true, Mode::Contended);
    plan.workload.keys = 1;
    let mut world = World::new(&plan);
    world.double.shards = 2;
    world.run();
    assert!(world.fleet().unfit().is_some());
}

#[test]
fn no_event_is_earlier_than_what_was_said_to_be_known() {
    let mut world = World::new(&plan());
    let mut known = Nanos::ZERO;
    while world.fleet().known_until() != Nanos::FOREVER {
        world.run_until(|world| world.fleet().known_until() > known);
        for event in world.fleets[0].events().drain(..) {
            assert!(event.at >= known);
        }
        known = world.fleet().known_until();
    }
}
