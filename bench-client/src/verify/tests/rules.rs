//! The smallest histories that break each rule, and those that nearly do.

use super::*;
use crate::verify::{Rule, Violation};

const X: Want = Want::Exclusive;
const S: Want = Want::Shared;
const P2: Want = Want::Permit(2);
const MS: u64 = 1_000_000;

/// What happened to the newest acquire of a client, in ms; two clients have each connection.
#[derive(Clone, Copy)]
enum Step {
    Ask(u64, u32, Want),
    Arrive(u64, u32),
    /// When, who, how, when asked, token.
    Grant(u64, u32, Want, u64, u64),
    /// The same with the end of a lease.
    Leased(u64, u32, Want, u64, u64, u64),
    /// The same in a session that nothing is known of.
    Stranger(u64, u32, Want, u64, u64),
    Release(u64, u32),
    Other(u64, u32, What),
    /// The client goes on to its next acquire.
    Next(u32),
}
use Step::{Arrive, Ask, Grant, Leased, Next, Other, Release, Stranger};

fn events(steps: &[Step]) -> Vec<Event> {
    let mut counts = [1_u64; 16];
    let mut events = Vec::new();
    let granted = |want, asked: u64, token, until, session| What::Granted {
        want,
        asked_at: Nanos(asked * MS),
        token,
        until,
        session,
    };
    for step in steps {
        let (at, client, what) = match *step {
            Ask(at, client, want) => {
                let connection = client / 2;
                (at, client, What::Asked { want, connection })
            }
            Arrive(at, client) => (at, client, What::Arrived),
            Grant(at, client, want, asked, token) => {
                let what = granted(want, asked, token, Nanos::FOREVER, client / 2);
                (at, client, what)
            }
            Leased(at, client, want, asked, token, until) => {
                let what = granted(want, asked, token, Nanos(until * MS), client / 2);
                (at, client, what)
            }
            Stranger(at, client, want, asked, token) => {
                let what = granted(want, asked, token, Nanos::FOREVER, 8 + client / 2);
                (at, client, what)
            }
            Release(at, client) => (at, client, What::Released),
            Other(at, client, what) => (at, client, what),
            Next(client) => {
                counts[client as usize] += 1;
                continue;
            }
        };
        let count = counts[client as usize];
        events.push(Event {
            at: Nanos(at * MS),
            key: 3,
            acquire: AcquireId { client, count },
            what,
        });
    }
    events
}

fn check(plan: &Plan, steps: &[Step]) -> Result<(), Box<Violation>> {
    let mut ledger = Ledger::new(plan, sessions(plan));
    ledger.take(0, &mut events(steps), Nanos::ZERO)?;
    ledger.finish()
}

/// Each history, and the rule that it breaks, if any.
fn table(plan: &Plan, rows: &[(&str, Option<Rule>, &[Step])]) {
    for (name, rule, steps) in rows {
        let found = check(plan, steps).err();
        let broken = found.as_ref().map(|violation| violation.breach.rule());
        assert_eq!(broken, *rule, "{name}: {found:#?}");
    }
}

#[test]
fn two_that_exclude_each_other_do_not_overlap() {
    let broken = Some(Rule::Exclusion);
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        (
            "at once",
            broken,
            &[Grant(1, 0, X, 0, 1), Grant(2, 2, X, 0, 2)],
        ),
        (
            "one after the other",
            None,
            &[
                Grant(1, 0, X, 0, 1),
                Release(2, 0),
                Grant(3, 2, X, 0, 2),
                Release(4, 2),
            ],
        ),
        (
            "at the instant of the release",
            None,
            &[Grant(1, 0, X, 0, 1), Release(2, 0), Grant(2, 2, X, 0, 2)],
        ),
        (
            "at the instant of a release told later",
            None,
            &[
                Grant(1, 0, X, 0, 1),
                Grant(2, 2, X, 0, 2),
                Release(2, 0),
                Release(3, 2),
            ],
        ),
        (
            "for no time",
            None,
            &[
                Grant(1, 0, X, 0, 1),
                Grant(2, 2, X, 0, 2),
                Release(2, 2),
                Release(3, 0),
            ],
        ),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn a_hold_ends_with_its_lease_its_session_or_its_loss() {
    let broken = Some(Rule::Exclusion);
    let lost = What::Lost;
    let gone = What::Forgotten;
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        (
            "a lease that is over",
            None,
            &[
                Leased(1, 0, X, 0, 1, 2),
                Grant(2, 2, X, 0, 2),
                Release(3, 0),
                Release(4, 2),
            ],
        ),
        (
            "a lease that is not over",
            broken,
            &[
                Leased(1, 0, X, 0, 1, 3),
                Grant(2, 2, X, 0, 2),
                Release(4, 0),
            ],
        ),
        (
            "a session that may be over",
            None,
            &[Stranger(1, 0, X, 0, 1), Grant(2, 2, X, 0, 2), Release(4, 0)],
        ),
        (
            "a reader's session that may be over",
            None,
            &[Stranger(1, 0, S, 0, 1), Grant(2, 2, X, 0, 2)],
        ),
        (
            "a hold that is lost",
            None,
            &[
                Grant(1, 0, X, 0, 1),
                Other(1, 0, lost),
                Grant(2, 2, X, 0, 2),
            ],
        ),
        (
            "a connection that is gone",
            None,
            &[
                Grant(1, 0, X, 0, 1),
                Other(1, 0, gone),
                Grant(2, 2, X, 0, 2),
            ],
        ),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn a_hold_of_a_lost_session_stands_until_the_session_may_be_over() {
    let broken = Some(Rule::Exclusion);
    let left_until = |ms| What::Stranded {
        until: Nanos(ms * MS),
    };
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        (
            "a lost session that surely lives still",
            broken,
            &[
                Grant(1, 0, X, 0, 1),
                Other(2, 0, left_until(5)),
                Grant(4, 2, X, 0, 2),
            ],
        ),
        (
            "a lost session that may be over",
            None,
            &[
                Grant(1, 0, X, 0, 1),
                Other(2, 0, left_until(5)),
                Grant(5, 2, X, 0, 2),
            ],
        ),
        (
            "a lost session whose own client comes back too early",
            broken,
            &[
                Grant(1, 0, X, 0, 1),
                Other(2, 0, left_until(5)),
                Next(0),
                Grant(4, 0, X, 3, 2),
                Release(6, 0),
            ],
        ),
        (
            "the lease of a lost session",
            None,
            &[
                Leased(1, 0, X, 0, 1, 3),
                Other(2, 0, left_until(5)),
                Grant(4, 2, X, 0, 2),
            ],
        ),
        (
            "a reader of a lost session among others",
            broken,
            &[
                Grant(1, 0, S, 0, 1),
                Grant(1, 2, S, 0, 2),
                Other(2, 0, left_until(5)),
                Release(3, 2),
                Grant(4, 4, X, 0, 3),
            ],
        ),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn modes_exclude_each_other_as_they_say() {
    let broken = Some(Rule::Exclusion);
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        (
            "readers",
            None,
            &[Grant(1, 0, S, 0, 1), Grant(2, 2, S, 0, 2)],
        ),
        (
            "a writer with readers",
            broken,
            &[
                Grant(1, 0, S, 0, 1),
                Grant(1, 1, S, 0, 2),
                Grant(2, 2, X, 0, 3),
            ],
        ),
        (
            "a reader with a writer",
            broken,
            &[Grant(1, 0, X, 0, 1), Grant(2, 2, S, 0, 2)],
        ),
        (
            "a permit with a reader",
            broken,
            &[Grant(1, 0, S, 0, 1), Grant(2, 2, P2, 0, 2)],
        ),
        (
            "a writer when the last reader has left",
            None,
            &[
                Grant(1, 0, S, 0, 1),
                Grant(1, 1, S, 0, 2),
                Release(2, 0),
                Release(3, 1),
                Grant(4, 2, X, 0, 3),
            ],
        ),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn no_more_permits_are_held_than_there_are() {
    let three = [
        Grant(1, 0, P2, 0, 1),
        Grant(2, 2, P2, 0, 2),
        Grant(3, 4, P2, 0, 3),
    ];
    let released = [three[0], three[1], Release(3, 0), three[2]];
    let expired = [Leased(1, 0, P2, 0, 1, 2), three[1], three[2]];
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        ("two of two", None, &three[..2]),
        ("three of two", Some(Rule::Permits), &three),
        ("two again after a release", None, &released),
        ("two again after a lease", None, &expired),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn tokens_grow() {
    let broken = Some(Rule::Tokens);
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        (
            "asked after the greater one came",
            broken,
            &[
                Grant(1, 0, X, 0, 5),
                Release(1, 0),
                Grant(3, 2, X, 2, 4),
                Release(3, 2),
            ],
        ),
        (
            "asked before, but alone on the key",
            broken,
            &[Grant(1, 0, X, 0, 5), Release(1, 0), Grant(3, 2, X, 0, 4)],
        ),
        (
            "asked before, and its lease over",
            None,
            &[
                Grant(1, 0, X, 0, 5),
                Release(1, 0),
                Leased(3, 2, X, 0, 4, 3),
            ],
        ),
        (
            "the same",
            broken,
            &[Grant(1, 0, X, 0, 5), Release(1, 0), Grant(3, 2, X, 0, 5)],
        ),
        (
            "asked before, and its session may be over",
            None,
            &[Grant(1, 0, X, 0, 5), Release(1, 0), Stranger(3, 2, X, 0, 4)],
        ),
        (
            "asked before, while another holds the key",
            Some(Rule::Exclusion),
            &[Grant(1, 0, X, 0, 5), Grant(3, 2, X, 0, 4)],
        ),
        (
            "readers under way at once",
            None,
            &[Grant(1, 0, S, 0, 5), Grant(2, 2, S, 0, 4)],
        ),
        (
            "a reader asked afterwards",
            broken,
            &[Grant(1, 0, S, 0, 5), Grant(3, 2, S, 2, 4)],
        ),
        (
            "the same among readers",
            broken,
            &[
                Grant(1, 0, S, 0, 5),
                Grant(2, 2, S, 0, 6),
                Grant(2, 4, S, 0, 5),
            ],
        ),
        (
            "a reader alone after a writer",
            broken,
            &[Grant(1, 0, X, 0, 5), Release(1, 0), Grant(3, 2, S, 0, 4)],
        ),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn a_release_sent_with_its_acquire_lets_tokens_cross() {
    let mut plan = plan(1, 8, 2);
    plan.workload.pair = PairStyle::OneWrite;
    let crossed = [
        Grant(1, 0, X, 0, 5),
        Release(1, 0),
        Grant(3, 2, X, 0, 4),
        Release(3, 2),
    ];
    let late = [crossed[0], crossed[1], Grant(3, 2, X, 2, 4), Release(3, 2)];
    table(
        &plan,
        &[
            ("crossed", None, &crossed),
            ("late", Some(Rule::Tokens), &late),
        ],
    );
}

/// A later one is served first, then the one with this end.
fn passing(first: u32, second: u32, want: Want, end: Option<Step>) -> Vec<Step> {
    let mut steps = vec![
        Ask(1, first, want),
        Arrive(2, first),
        Ask(4, second, want),
        Grant(10, second, want, 4, 7),
        Release(20, second),
    ];
    steps.extend(end.or(Some(Grant(30, first, want, 1, 8))));
    steps
}

#[test]
fn nobody_is_served_before_one_that_came_first() {
    let broken = Some(Rule::Order);
    let timeout = |at| Some(Other(at, 0, What::TimedOut));
    let late = |what| Some(Other(200, 0, what));
    let same_connection: Vec<Step> = {
        let steps = passing(0, 1, X, None);
        steps
            .into_iter()
            .filter(|step| !matches!(step, Arrive(..)))
            .collect()
    };
    let no_proof: Vec<Step> = {
        let steps = passing(0, 2, X, None);
        steps
            .into_iter()
            .filter(|step| !matches!(step, Arrive(..)))
            .collect()
    };
    let mut proof_too_late = passing(0, 2, X, None);
    proof_too_late[1] = Arrive(4, 0);
    let mut in_order = passing(0, 1, X, None);
    in_order[3] = Grant(10, 0, X, 1, 7);
    in_order[4] = Release(20, 0);
    in_order[5] = Grant(30, 1, X, 4, 8);
    let mut slow_timeout = passing(0, 2, X, timeout(200));
    slow_timeout[3] = Grant(100, 2, X, 4, 7);
    slow_timeout[4] = Release(101, 2);
    let readers_in_order = [
        passing(0, 2, S, None)[..4].to_vec(),
        vec![Grant(11, 0, S, 1, 6)],
    ]
    .concat();
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        ("on one connection", broken, &same_connection),
        ("on one connection, in order", None, &in_order),
        ("with proof", broken, &passing(0, 2, X, None)),
        ("readers with proof", broken, &passing(0, 2, S, None)),
        (
            "readers whose grants cross on their way",
            None,
            &readers_in_order,
        ),
        ("without proof", None, &no_proof),
        ("with proof that came too late", None, &proof_too_late),
        (
            "passed, then timed out",
            broken,
            &passing(0, 2, X, timeout(101)),
        ),
        ("timed out, then passed", None, &slow_timeout),
        ("refused", None, &passing(0, 2, X, late(What::Denied))),
        ("given up", None, &passing(0, 2, X, late(What::Forgotten))),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn a_grant_that_comes_after_that_of_one_from_behind_has_the_smaller_token() {
    let mut steps = passing(0, 2, S, None);
    // The first one's grant comes first, but tells that it was given last.
    steps[3] = Grant(10, 0, S, 1, 9);
    steps.truncate(4);
    steps.push(Grant(11, 2, S, 4, 8));
    table(&plan(1, 8, 2), &[("readers", Some(Rule::Order), &steps)]);
}

#[test]
fn every_acquire_is_answered_once() {
    let broken = Some(Rule::AnsweredOnce);
    let denied = Other(2, 0, What::Denied);
    let grant = Grant(1, 0, X, 0, 1);
    let rows: &[(&str, Option<Rule>, &[Step])] = &[
        (
            "granted twice",
            broken,
            &[grant, Release(2, 0), Grant(3, 0, X, 0, 2)],
        ),
        (
            "granted after a refusal",
            broken,
            &[denied, Grant(3, 0, X, 0, 2)],
        ),
        ("refused after a grant", broken, &[grant, denied]),
        (
            "not asked at all",
            broken,
            &[grant, Other(2, 0, What::Unasked)],
        ),
        (
            "asked again",
            None,
            &[grant, Release(2, 0), Next(0), Grant(4, 0, X, 3, 2)],
        ),
    ];
    table(&plan(1, 8, 2), rows);
}

#[test]
fn hand_off_is_counted_from_a_release_to_who_waited_for_it() {
    let plan = plan(1, 8, 2);
    let mut ledger = Ledger::new(&plan, sessions(&plan));
    let steps = [
        Ask(0, 0, X),
        Grant(1, 0, X, 0, 1),
        Ask(2, 2, X),
        Release(5, 0),
        Grant(8, 2, X, 2, 2),
        Release(9, 2),
        Next(0),
        Ask(10, 0, X),
        Grant(20, 0, X, 10, 3),
    ];
    ledger.measure(0, (Nanos::ZERO, Nanos::FOREVER));
    ledger.take(0, &mut events(&steps), Nanos(30 * MS)).unwrap();
    assert_eq!(ledger.handoff().len(), 1, "the last one had not waited");
    let span = ledger.handoff().max();
    assert!((2_990_000..3_010_000).contains(&span), "{span}");
    assert_eq!(ledger.facts().grants, 3);
    assert_eq!(ledger.facts().tokens, 2);
}

#[test]
fn hand_offs_of_the_warm_up_and_after_the_end_are_not_counted() {
    let plan = plan(1, 8, 2);
    let mut ledger = Ledger::new(&plan, sessions(&plan));
    let steps = [
        Ask(0, 0, X),
        Ask(0, 2, X),
        Ask(0, 4, X),
        Ask(0, 6, X),
        Grant(1, 0, X, 0, 1),
        Release(4, 0),
        Grant(6, 2, X, 0, 2),
        Release(7, 2),
        Grant(12, 4, X, 0, 3),
        Release(13, 4),
        Grant(14, 6, X, 0, 4),
    ];
    ledger.measure(0, (Nanos(5 * MS), Nanos(13 * MS)));
    ledger.take(0, &mut events(&steps), Nanos(30 * MS)).unwrap();
    assert_eq!(ledger.handoff().len(), 1);
    let span = ledger.handoff().max();
    assert!((4_990_000..5_010_000).contains(&span), "{span}");
}

#[test]
fn a_violation_tells_the_story_of_its_key() {
    let steps = [Grant(1, 0, X, 0, 41), Leased(2, 2, X, 1, 42, 9)];
    let violation = check(&plan(1, 8, 2), &steps).unwrap_err();
    let expected = "\
safety violation of rule 1 (exclusion) on key 3:
  clients 0 and 2 held the key at once, in modes that exclude each other.
history of key 3, in microseconds before the violation:
     -1000.000  client 0     acquire 1       is granted, exclusive, token 41, \
asked at -2000.000, no lease
         0.000  client 2     acquire 1       is granted, exclusive, token 42, \
asked at -1000.000, lease until 7000.000
";
    assert_eq!(violation.to_string(), expected);
}
