//! What the start asks of the operating system besides files and sockets: wall clock, randomness.

use crate::control::failure::Failure;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 2025-01-01 in seconds since 1970: where epochs count from.
const EPOCH_ORIGIN: Duration = Duration::from_secs(1_735_689_600);

/// Random bytes.
///
/// # Errors
/// The system's generator cannot be used.
pub fn random<const LENGTH: usize>() -> Result<[u8; LENGTH], Failure> {
    let mut bytes = [0; LENGTH];
    let mut filled = 0;
    while filled < LENGTH {
        let flags = rustix::rand::GetRandomFlags::empty();
        let count = rustix::rand::getrandom(&mut bytes[filled..], flags);
        filled += count.map_err(|error| Failure::System {
            action: "draw random bytes",
            reason: error.to_string(),
        })?;
    }
    Ok(bytes)
}

/// Tens of seconds since 2025-01-01; 0 if the clock stands before that, the greatest `u32` if it
/// runs centuries ahead.
#[must_use]
pub fn epoch_of_clock() -> u32 {
    let tens = since_1970().saturating_sub(EPOCH_ORIGIN).as_secs() / 10;
    u32::try_from(tens).unwrap_or(u32::MAX)
}

/// Microseconds since 1970; 1 if the clock stands before that.
#[must_use]
pub fn unix_micros() -> u64 {
    let micros = u64::try_from(since_1970().as_micros()).unwrap_or(u64::MAX);
    micros.max(1)
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
