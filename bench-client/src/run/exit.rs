//! Exit codes: what a script learns without reading. They are listed in `--help`.

/// The run is complete, and no bound was missed.
pub(super) const OK: u8 = 0;
/// The safety check found a violation.
pub(super) const VIOLATION: u8 = 1;
/// The flags make no sense, or the run could not begin.
pub(super) const USAGE: u8 = 2;
/// The report is partial or not valid.
pub(super) const INVALID: u8 = 3;
/// A bound was missed.
pub(super) const SLO_MISSED: u8 = 99;
/// Interrupted.
pub(super) const INTERRUPTED: u8 = 130;
