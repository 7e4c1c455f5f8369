//! Makes one record out of two copies. Pure.
//!
//! Replacements go to the copies in turn, so two whole copies with versions that follow each other
//! are the ordinary sight. Anything else that can still be used is told as [`Loaded::Older`]: the
//! copy that is lost may have been the newer one.

use crate::control::record::{Record, Version};
use crate::control::store::Loaded;

/// One copy as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// There is none.
    Missing,
    /// As it was written.
    Whole(Version, Record),
    /// Damaged.
    Corrupt,
    /// Not ours, or of a later format.
    Foreign,
}

/// Two copies from which no record can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Neither is whole.
    Unreadable,
    /// They are not ours; what they are.
    Foreign(&'static str),
}

/// The copy, 0 or 1, that a version is written to.
#[must_use]
pub const fn copy_of(version: Version) -> usize {
    if version.0.is_multiple_of(2) { 0 } else { 1 }
}

/// What the copies of even and odd versions amount to.
///
/// # Errors
/// See [`Broken`].
pub fn judge(even: Copy, odd: Copy) -> Result<Loaded, Broken> {
    match (even, odd) {
        (Copy::Foreign, _) | (_, Copy::Foreign) => Err(Broken::Foreign(
            "its record is of another format, perhaps of a later version",
        )),
        (Copy::Missing, Copy::Missing) => Ok(Loaded::Empty),
        (Copy::Whole(v0, r0), Copy::Whole(v1, r1)) => judge_whole((v0, r0), (v1, r1)),
        // The very first write leaves one copy only.
        (Copy::Missing, Copy::Whole(version, record)) if version == Version(1) => {
            Ok(Loaded::Whole { version, record })
        }
        (Copy::Whole(version, record), _) | (_, Copy::Whole(version, record)) => {
            Ok(Loaded::Older { version, record })
        }
        (Copy::Corrupt, _) | (_, Copy::Corrupt) => Err(Broken::Unreadable),
    }
}

fn judge_whole(even: (Version, Record), odd: (Version, Record)) -> Result<Loaded, Broken> {
    if even.1.server_id != odd.1.server_id {
        return Err(Broken::Foreign("its two copies are of two servers"));
    }
    let (older, newer) = if even.0 < odd.0 {
        (even, odd)
    } else {
        (odd, even)
    };
    let (version, record) = newer;
    Ok(match older.0.0 + 1 == version.0 {
        true => Loaded::Whole { version, record },
        false => Loaded::Older { version, record },
    })
}
