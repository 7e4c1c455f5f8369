#![allow(clippy::unwrap_used)]

use super::*;

/// A worker's history, from lines without an end.
fn history(worker: &str, lines: &[&str]) -> History {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    History::read(worker, false, &text).unwrap()
}

fn rules(verdict: &Verdict) -> Vec<Rule> {
    verdict.violations.iter().map(|found| found.rule).collect()
}

fn access(at: u64, token: u64, mode: Mode, was_accepted: bool) -> Access {
    Access {
        at: Nanos(at),
        key: "k".to_owned(),
        token,
        mode,
        was_accepted,
    }
}

const EXCLUSIVE: Mode = Mode::Exclusive;

#[test]
fn two_that_follow_each_other_are_fine() {
    let one = history(
        "a",
        &[
            "10 0 1 ask x k",
            "20 0 1 granted 5 900",
            "30 0 1 believe 950",
            "40 0 1 releasing",
            "50 0 1 released",
        ],
    );
    let two = history(
        "b",
        &[
            "15 0 1 ask x k",
            "45 0 1 granted 6 900",
            "60 0 1 releasing",
            "70 0 1 released",
        ],
    );
    let accesses = [
        access(35, 5, EXCLUSIVE, true),
        access(47, 6, EXCLUSIVE, true),
    ];
    let verdict = judge(&[one, two], &accesses, &[]);
    assert_eq!(verdict.violations, []);
    assert_eq!((verdict.asks, verdict.grants, verdict.accesses), (2, 2, 2));
}

#[test]
fn two_that_believe_at_once_are_caught() {
    let one = history(
        "a",
        &[
            "10 0 1 ask x k",
            "20 0 1 granted 5 100",
            "200 0 1 lost lease",
        ],
    );
    let two = history(
        "b",
        &[
            "15 0 1 ask s k",
            "99 0 1 granted 6 300",
            "250 0 1 lost lease",
        ],
    );
    assert_eq!(rules(&judge(&[one, two], &[], &[])), [Rule::Exclusion]);
}

#[test]
fn a_deadline_that_grew_counts() {
    let one = history(
        "a",
        &[
            "10 0 1 ask x k",
            "20 0 1 granted 5 50",
            "40 0 1 believe 100",
            "200 0 1 lost lease",
        ],
    );
    let two = history(
        "b",
        &[
            "15 0 1 ask x k",
            "99 0 1 granted 6 300",
            "310 0 1 lost lease",
        ],
    );
    assert_eq!(rules(&judge(&[one, two], &[], &[])), [Rule::Exclusion]);
}

#[test]
fn a_belief_ends_at_its_deadline_a_release_or_a_loss() {
    let ends: [&[&str]; 3] = [
        &["20 0 1 granted 5 100", "500 0 1 lost lease"],
        &[
            "20 0 1 granted 5 900",
            "90 0 1 releasing",
            "500 0 1 ended no answer",
        ],
        &["20 0 1 granted 5 900", "100 0 1 lost session"],
    ];
    for end in ends {
        let mut one = history("a", &["10 0 1 ask x k"]);
        one.entries.extend(history("a", end).entries);
        let two = history(
            "b",
            &[
                "15 0 1 ask x k",
                "100 0 1 granted 6 300",
                "310 0 1 lost lease",
            ],
        );
        assert_eq!(judge(&[one, two], &[], &[]).violations, [], "{end:?}");
    }
}

#[test]
fn who_hears_of_a_grant_after_its_deadline_believes_in_nothing() {
    let lines = ["10 0 1 ask x k", "90 0 1 granted 5 50", "95 0 1 lost lease"];
    let one = history("a", &lines);
    let lines = [
        "15 0 1 ask x k",
        "80 0 1 granted 6 300",
        "310 0 1 lost lease",
    ];
    let two = history("b", &lines);
    assert_eq!(judge(&[one, two], &[], &[]).violations, []);
}

#[test]
fn a_release_that_says_it_held_past_its_deadline_is_held_to_its_word() {
    let lines = [
        "10 0 1 ask x k",
        "20 0 1 granted 5 100",
        "200 0 1 releasing",
        "210 0 1 released",
    ];
    let one = history("a", &lines);
    let two = history(
        "b",
        &[
            "15 0 1 ask x k",
            "150 0 1 granted 6 300",
            "310 0 1 lost lease",
        ],
    );
    assert_eq!(rules(&judge(&[one, two], &[], &[])), [Rule::Exclusion]);
}

#[test]
fn a_killed_holder_believes_to_its_deadline() {
    let mut one = history("a", &["10 0 1 ask x k", "20 0 1 granted 5 100"]);
    one.was_killed = true;
    let two = history(
        "b",
        &[
            "15 0 1 ask x k",
            "99 0 1 granted 6 300",
            "310 0 1 lost lease",
        ],
    );
    assert_eq!(rules(&judge(&[one, two], &[], &[])), [Rule::Exclusion]);
}

#[test]
fn sharers_fit_and_permits_are_counted() {
    let share = |worker, token| {
        let granted = format!("20 0 1 granted {token} 100");
        history(worker, &["10 0 1 ask s k", &granted, "200 0 1 lost lease"])
    };
    let verdict = judge(&[share("a", 1), share("b", 2), share("c", 3)], &[], &[]);
    assert_eq!(verdict.violations, []);
    let permits = |worker, token| {
        let granted = format!("20 0 1 granted {token} 100");
        history(
            worker,
            &["10 0 1 ask p2/4 k", &granted, "200 0 1 lost lease"],
        )
    };
    let verdict = judge(&[permits("a", 1), permits("b", 2)], &[], &[]);
    assert_eq!(verdict.violations, []);
    let verdict = judge(
        &[permits("a", 1), permits("b", 2), permits("c", 3)],
        &[],
        &[],
    );
    assert_eq!(rules(&verdict), [Rule::Exclusion]);
}

#[test]
fn a_token_twice_or_smaller_than_one_heard_before_is_caught() {
    let one = history(
        "a",
        &["10 0 1 ask x k", "20 0 1 granted 5 30", "40 0 1 lost lease"],
    );
    for token in [5, 4] {
        let granted = format!("60 0 1 granted {token} 70");
        let two = history("b", &["50 0 1 ask x k", &granted, "80 0 1 lost lease"]);
        let verdict = judge(&[one.clone(), two], &[], &[]);
        assert!(rules(&verdict).contains(&Rule::TokensGrow), "{token}");
    }
    // Asked for before the other was heard, it may be of either order.
    let two = history(
        "b",
        &["15 0 1 ask s k", "60 0 1 granted 4 70", "80 0 1 lost lease"],
    );
    assert_eq!(judge(&[one, two], &[], &[]).violations, []);
}

#[test]
fn a_stale_access_let_in_is_caught() {
    let one = history(
        "a",
        &["10 0 1 ask x k", "20 0 1 granted 5 30", "90 0 1 lost lease"],
    );
    let two = history(
        "b",
        &["15 0 1 ask s k", "40 0 1 granted 6 80", "90 0 1 lost lease"],
    );
    let both = [one, two];
    let accesses = |late| {
        [
            access(45, 6, Mode::Shared, true),
            access(50, 5, EXCLUSIVE, late),
        ]
    };
    assert_eq!(
        rules(&judge(&both, &accesses(true), &[])),
        [Rule::StaleAccess]
    );
    let verdict = judge(&both, &accesses(false), &[]);
    assert_eq!((verdict.violations, verdict.refused_accesses), (vec![], 1));
}

#[test]
fn a_holder_that_is_refused_is_caught() {
    let one = history(
        "a",
        &[
            "10 0 1 ask x k",
            "20 0 1 granted 5 100",
            "190 0 1 lost lease",
        ],
    );
    let accesses = [access(50, 5, EXCLUSIVE, false)];
    let verdict = judge(std::slice::from_ref(&one), &accesses, &[]);
    assert_eq!(rules(&verdict), [Rule::RefusedHolder]);
    let accesses = [access(100, 5, EXCLUSIVE, false)];
    assert_eq!(judge(&[one], &accesses, &[]).violations, []);
}

#[test]
fn an_access_of_nobody_is_caught() {
    let verdict = judge(&[], &[access(50, 5, EXCLUSIVE, true)], &[]);
    assert_eq!(rules(&verdict), [Rule::AccessOfNobody]);
}

#[test]
fn an_ask_or_a_hold_without_an_end_is_caught_unless_its_worker_was_killed() {
    for lines in [
        &["10 0 1 ask x k"][..],
        &["10 0 1 ask x k", "20 0 1 granted 5 9"],
    ] {
        let mut one = history("a", lines);
        let verdict = judge(std::slice::from_ref(&one), &[], &[]);
        assert_eq!(rules(&verdict), [Rule::Unanswered]);
        one.was_killed = true;
        assert_eq!(judge(&[one], &[], &[]).violations, []);
    }
}

#[test]
fn entries_out_of_place_are_caught() {
    let ended = ["10 0 1 ask x k", "20 0 1 ended no answer"];
    for lines in [
        &["20 0 1 granted 5 9"][..],
        &[ended[0], ended[1], "30 0 1 granted 5 90"],
        &[ended[0], "15 0 1 releasing", ended[1]],
    ] {
        let verdict = judge(&[history("a", lines)], &[], &[]);
        assert_eq!(rules(&verdict), [Rule::Unanswered], "{lines:?}");
    }
}

#[test]
fn a_wait_counts_from_the_fault_over_all_asks_to_the_grant() {
    let waiter = history(
        "a",
        &[
            "100 0 1 ask x k",
            "400 0 1 ended no answer",
            "410 0 2 ask x k",
            "900 0 2 granted 5 990",
            "995 0 2 lost lease",
        ],
    );
    let fault = |at, over| Fault {
        what: "kill server",
        at: Nanos(at),
        over: Nanos(over),
    };
    let waited = |faults: &[Fault]| {
        let verdict = judge(std::slice::from_ref(&waiter), &[], faults);
        (
            verdict.longest_wait.as_nanos(),
            verdict.longest_silence.as_nanos(),
        )
    };
    assert_eq!(waited(&[]), (0, 0));
    assert_eq!(waited(&[fault(300, 500)]), (600, 600));
    assert_eq!(waited(&[fault(50, 80)]), (0, 850));
    assert_eq!(waited(&[fault(50, 200)]), (800, 850));
    assert_eq!(waited(&[fault(950, 960)]), (0, 0));
}
