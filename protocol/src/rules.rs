//! Checks that decoders share, and the rules between fields that the table cannot say.

use crate::bad_frame::BadFrame;
use crate::generated::{
    Acquire, HEADER_BYTES, Hello, HelloAction, KEY_BYTES_MAX, LIBRARY_BYTES_MAX,
    METADATA_BYTES_MAX, Mode, NAME_BYTES_MAX, PERMIT_LIMIT_MAX, REASON_BYTES_MAX, Reclaim, Status,
};
use crate::tail::Bound;

const KEY_REASON: &str = "a key has 1 to 1,024 bytes";

pub(crate) const KEY_BOUND: Bound = Bound {
    status: Status::BadKey,
    bytes_min: 1,
    bytes_max: KEY_BYTES_MAX,
    reason: KEY_REASON,
};
pub(crate) const PREFIX_BOUND: Bound = Bound {
    bytes_min: 0,
    ..KEY_BOUND
};
pub(crate) const METADATA_BOUND: Bound = Bound {
    status: Status::MetadataTooLong,
    bytes_min: 0,
    bytes_max: METADATA_BYTES_MAX,
    reason: "metadata has at most 256 bytes",
};
pub(crate) const NAME_BOUND: Bound = Bound {
    status: Status::NameTooLong,
    bytes_min: 0,
    bytes_max: NAME_BYTES_MAX,
    reason: "a session's name has at most 32 bytes",
};
pub(crate) const LIBRARY_BOUND: Bound = Bound {
    bytes_max: LIBRARY_BYTES_MAX,
    reason: "a library's name has at most 64 bytes",
    ..NAME_BOUND
};
pub(crate) const REASON_BOUND: Bound = Bound {
    bytes_max: REASON_BYTES_MAX,
    reason: "a reason has at most 256 bytes",
    ..NAME_BOUND
};

/// Refuses a reserved field that is not zero.
#[inline(always)]
pub(crate) fn zero(is_set: bool, offset: usize) -> Result<(), BadFrame> {
    if is_set {
        Err(BadFrame::at(offset, "a reserved field is not zero"))
    } else {
        Ok(())
    }
}

/// Refuses bits that have no meaning.
#[inline(always)]
pub(crate) fn known_bits(bits: u32, known: u32, offset: usize) -> Result<(), BadFrame> {
    if bits & !known == 0 {
        Ok(())
    } else {
        Err(BadFrame::at(offset, "a reserved bit is set"))
    }
}

/// Refuses a number that the enumeration does not have.
#[inline(always)]
pub(crate) fn known<T>(value: Option<T>, offset: usize) -> Result<T, BadFrame> {
    value.ok_or_else(|| BadFrame::at(offset, "the number has no meaning here"))
}

/// Only a resume carries a session's id, secret and attach number.
pub(crate) fn check_hello(hello: &Hello<'_>) -> Result<(), BadFrame> {
    if hello.version_min > hello.version_max {
        return Err(BadFrame::at(
            HEADER_BYTES,
            "the lowest version is above the highest",
        ));
    }
    if hello.action == HelloAction::Resume {
        return Ok(());
    }
    let reason = "only a resume carries id, secret and attach number";
    for (is_set, offset) in [
        (hello.session_id != 0, 16),
        (hello.secret != [0; 16], 24),
        (hello.attach != 0, 40),
    ] {
        if is_set {
            return Err(BadFrame::at(HEADER_BYTES + offset, reason));
        }
    }
    Ok(())
}

#[inline]
pub(crate) fn check_acquire(acquire: &Acquire<'_>) -> Result<(), BadFrame> {
    check_want(
        acquire.mode,
        acquire.permits,
        acquire.limit,
        acquire.resize,
        [16, 20, 25],
    )
}

pub(crate) fn check_reclaim(reclaim: &Reclaim<'_>) -> Result<(), BadFrame> {
    if reclaim.token == 0 {
        return Err(BadFrame::at(HEADER_BYTES + 8, "a token is never 0"));
    }
    check_want(
        reclaim.mode,
        reclaim.permits,
        reclaim.limit,
        false,
        [28, 32, 0],
    )
}

/// Permits, limit and resize belong to mode permit alone, which needs the first two.
#[inline]
fn check_want(
    mode: Mode,
    permits: u32,
    limit: u32,
    resize: bool,
    offsets: [usize; 3],
) -> Result<(), BadFrame> {
    let at = |index: usize, reason| Err(BadFrame::at(HEADER_BYTES + offsets[index], reason));
    if mode != Mode::Permit {
        return match (permits, limit, resize) {
            (0, 0, false) => Ok(()),
            (0, 0, true) => at(2, "only mode permit has a limit to resize"),
            (0, _, _) => at(1, "only mode permit has a limit"),
            _ => at(0, "only mode permit has permits"),
        };
    }
    if permits == 0 {
        return at(0, "mode permit needs permits");
    }
    if limit == 0 || limit > PERMIT_LIMIT_MAX {
        return at(1, "a limit is 1 to 2^31");
    }
    Ok(())
}
