//! Clocks that run wrong, by libfaketime.
//!
//! It replaces the clock calls of the C library. What reads the kernel's clocks directly is not
//! reached: the histories (`clock::now`), the resource, the kernel's own timers, and in an ordinary
//! build also server and client, which call the vDSO. Bent are therefore
//!
//! - the wall clock of an ordinary server, which it reads through the standard library,
//! - a client of one clock, which is the standard library's,
//! - a server of the build that [`program::bent_locker`](crate::program::bent_locker) makes, whose
//!   every clock goes through the C library. Its timers are still the kernel's: they fire on true
//!   time and it then looks at its own clock, so when all is quiet a server whose clock runs fast
//!   ends a lease somewhat later than its clock says, and never earlier. The standard library's
//!   timed waits mix both clocks and last for ever: what its control thread does from time to time
//!   (ending a grace window, looking for signals) does not happen, so such a server is not
//!   restarted and is ended by SIGKILL.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::trouble::Trouble;

/// Where Debian and its relatives, and others, keep the library for programs with threads.
const PLACES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

/// Variables of a process's environment.
pub type Environment = Vec<(OsString, OsString)>;

/// Where the library is, if it is here.
#[must_use]
pub fn library() -> Option<PathBuf> {
    let mut places = PLACES.iter().map(PathBuf::from);
    places.find(|place| place.is_file())
}

/// All clocks run at this rate.
///
/// # Errors
/// The library is not here.
pub fn at_rate(rate: f64) -> Result<Environment, Trouble> {
    with(&[("FAKETIME", &format!("+0 x{rate}"))])
}

/// The wall clock is off by so many seconds as the file says, at every reading; it may be written
/// again at any time. Clocks that count spans run true.
///
/// # Errors
/// The library is not here.
pub fn wall_by(file: &Path) -> Result<Environment, Trouble> {
    with(&[
        ("FAKETIME_TIMESTAMP_FILE", &file.display().to_string()),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ])
}

fn with(variables: &[(&str, &str)]) -> Result<Environment, Trouble> {
    let library = library().ok_or_else(|| Trouble::Skipped("no libfaketime".to_owned()))?;
    let mut environment = vec![("LD_PRELOAD".into(), library.into_os_string())];
    let variables = variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    environment.extend(variables);
    Ok(environment)
}
