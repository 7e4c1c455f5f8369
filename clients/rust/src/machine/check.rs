//! What can be refused without asking: values that the wire cannot carry.
//!
//! The answers are those that the server would give, so that callers need one arm only. The
//! server's own limits may be lower; those it tells itself.

use locker_protocol::{
    KEY_BYTES_MAX, LIBRARY_BYTES_MAX, METADATA_BYTES_MAX, NAME_BYTES_MAX, PERMIT_LIMIT_MAX,
    REASON_BYTES_MAX, Status,
};

use super::call::{Acquire, ForceRelease, Mode, Read};
use super::refusal::Refusal;
use super::settings::Settings;

/// Whether the greeting can be sent with these settings.
pub(super) fn settings(settings: &Settings) -> Result<(), Refusal> {
    at_most(
        Status::NameTooLong,
        NAME_BYTES_MAX,
        settings.name.len(),
        "session name",
    )?;
    at_most(
        Status::NameTooLong,
        LIBRARY_BYTES_MAX,
        settings.library.len(),
        "library name",
    )
}

pub(super) fn acquire(acquire: &Acquire) -> Result<(), Refusal> {
    key(&acquire.key)?;
    at_most(
        Status::MetadataTooLong,
        METADATA_BYTES_MAX,
        acquire.metadata.len(),
        "metadata",
    )?;
    let Mode::Permit { permits, limit, .. } = acquire.mode else {
        return Ok(());
    };
    if permits == 0 || permits > limit || limit > PERMIT_LIMIT_MAX {
        let bound = limit.clamp(1, PERMIT_LIMIT_MAX);
        let value = if limit > PERMIT_LIMIT_MAX {
            limit
        } else {
            permits
        };
        let detail = "permits wanted are 1..=limit, and the limit 1..=2^31";
        return Err(refusal(
            Status::LimitMismatch,
            bound.into(),
            value.into(),
            detail,
        ));
    }
    Ok(())
}

pub(super) fn force(force: &ForceRelease) -> Result<(), Refusal> {
    key(&force.key)?;
    at_most(
        Status::NameTooLong,
        REASON_BYTES_MAX,
        force.reason.len(),
        "reason",
    )
}

pub(super) fn read(read: &Read) -> Result<(), Refusal> {
    match read {
        Read::Get { key: wanted } => key(wanted),
        Read::List { prefix, .. } => at_most(Status::BadKey, KEY_BYTES_MAX, prefix.len(), "prefix"),
        Read::Sessions { .. } | Read::Stats { .. } | Read::Ping => Ok(()),
    }
}

fn key(key: &[u8]) -> Result<(), Refusal> {
    if key.is_empty() {
        let limit = u64::try_from(KEY_BYTES_MAX).expect("a small constant");
        return Err(refusal(Status::BadKey, limit, 0, "key"));
    }
    at_most(Status::BadKey, KEY_BYTES_MAX, key.len(), "key")
}

fn at_most(status: Status, limit: usize, value: usize, what: &str) -> Result<(), Refusal> {
    if value <= limit {
        return Ok(());
    }
    let wide = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
    Err(refusal(status, wide(limit), wide(value), what))
}

fn refusal(status: Status, limit: u64, value: u64, detail: &str) -> Refusal {
    Refusal {
        status,
        limit,
        value,
        detail: detail.to_owned(),
    }
}
