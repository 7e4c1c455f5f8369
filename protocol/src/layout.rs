//! The layouts once more, as numbers: a change of the table that moves a field does not compile.

use crate::generated::*;

const fn assert_bytes<const BYTES: usize, const EXPECTED: usize>() {
    assert!(
        BYTES == EXPECTED,
        "the fixed part of a message never changes its size"
    );
}

const _: () = {
    assert_bytes::<{ Hello::FIXED_BYTES }, 72>();
    assert_bytes::<{ HelloOk::FIXED_BYTES }, 112>();
    assert_bytes::<{ Ping::FIXED_BYTES }, 0>();
    assert_bytes::<{ Pong::FIXED_BYTES }, 8>();
    assert_bytes::<{ Close::FIXED_BYTES }, 0>();
    assert_bytes::<{ Closed::FIXED_BYTES }, 0>();
    assert_bytes::<{ Acquire::FIXED_BYTES }, 32>();
    assert_bytes::<{ Granted::FIXED_BYTES }, 24>();
    assert_bytes::<{ Cancel::FIXED_BYTES }, 24>();
    assert_bytes::<{ CancelDone::FIXED_BYTES }, 16>();
    assert_bytes::<{ Release::FIXED_BYTES }, 24>();
    assert_bytes::<{ Released::FIXED_BYTES }, 0>();
    assert_bytes::<{ Renew::FIXED_BYTES }, 24>();
    assert_bytes::<{ Renewed::FIXED_BYTES }, 16>();
    assert_bytes::<{ Reclaim::FIXED_BYTES }, 48>();
    assert_bytes::<{ Reclaimed::FIXED_BYTES }, 16>();
    assert_bytes::<{ Get::FIXED_BYTES }, 8>();
    assert_bytes::<{ GetReply::FIXED_BYTES }, 40>();
    assert_bytes::<{ List::FIXED_BYTES }, 16>();
    assert_bytes::<{ ListReply::FIXED_BYTES }, 16>();
    assert_bytes::<{ Sessions::FIXED_BYTES }, 8>();
    assert_bytes::<{ SessionsReply::FIXED_BYTES }, 16>();
    assert_bytes::<{ Stats::FIXED_BYTES }, 8>();
    assert_bytes::<{ StatsReply::FIXED_BYTES }, 16>();
    assert_bytes::<{ ForceRelease::FIXED_BYTES }, 16>();
    assert_bytes::<{ Forced::FIXED_BYTES }, 8>();
    assert_bytes::<{ Lost::FIXED_BYTES }, 24>();
    assert_bytes::<{ SessionEnded::FIXED_BYTES }, 8>();
    assert_bytes::<{ GoAway::FIXED_BYTES }, 8>();
    assert_bytes::<{ Refusal::FIXED_BYTES }, 24>();
    assert_bytes::<{ Holder::FIXED_BYTES }, 64>();
    assert_bytes::<{ Waiter::FIXED_BYTES }, 48>();
    assert_bytes::<{ LockSummary::FIXED_BYTES }, 16>();
    assert_bytes::<{ SessionSummary::FIXED_BYTES }, 72>();
    assert_bytes::<{ Counter::FIXED_BYTES }, 16>();
};
