#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn an_entry_is_what_its_line_says() {
    let deeds = [
        Deed::Ask {
            key: "a-key".to_owned(),
            mode: Mode::Exclusive,
        },
        Deed::Ask {
            key: "k".to_owned(),
            mode: Mode::Permits { permits: 2, of: 3 },
        },
        Deed::Granted {
            token: u64::MAX >> 1,
            until: Nanos(7),
        },
        Deed::Believe { until: Nanos(8) },
        Deed::Releasing,
        Deed::Released,
        Deed::Lost {
            reason: "lease".to_owned(),
        },
        Deed::Ended {
            why: "no answer from the server".to_owned(),
        },
    ];
    for deed in deeds {
        let entry = Entry {
            at: Nanos(1_234_567_890_123),
            client: 3,
            ask: 99,
            deed,
        };
        assert_eq!(entry.to_string().parse(), Ok(entry));
    }
}

#[test]
fn a_line_that_a_kill_cut_is_left_out() {
    let text = "1 0 1 ask x k\n2 0 1 granted 5 100\n3 0 1 rel";
    let history = History::read("w", true, text).unwrap();
    assert_eq!(history.entries.len(), 2);
    assert!(
        History::read("w", true, "1 0 1 as")
            .unwrap()
            .entries
            .is_empty()
    );
}

#[test]
fn a_line_that_is_no_entry_is_told() {
    let bad = History::read("w", false, "1 0 1 dance\n").unwrap_err();
    assert_eq!(bad, BadEntry("1 0 1 dance".to_owned()));
}
