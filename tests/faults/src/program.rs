//! The programs under test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::trouble::{Trouble, Trying as _};

static FAULTS: OnceLock<PathBuf> = OnceLock::new();
static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
static BENT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
static BENCH: OnceLock<Result<PathBuf, String>> = OnceLock::new();

/// Says where this package's own program lies, for a test, which is another program.
pub fn is_at(faults: &str) {
    // Said twice it is the same.
    let _ = FAULTS.set(faults.into());
}

/// This package's own program.
///
/// # Errors
/// The system does not tell.
pub fn faults() -> Result<PathBuf, Trouble> {
    match FAULTS.get() {
        Some(path) => Ok(path.clone()),
        None => env::current_exe().trying("cannot tell where this program lies"),
    }
}

/// The server's program, beside ours, built if need be.
///
/// # Errors
/// It cannot be built.
pub fn locker() -> Result<PathBuf, Trouble> {
    built(&BUILT, "locker", "locker")
}

/// The server's program in a build of its own, in which every clock goes through the C library, so
/// that it can be bent. Building it takes minutes the first time.
///
/// # Errors
/// It cannot be built.
pub fn bent_locker() -> Result<PathBuf, Trouble> {
    let folder = faults()?.parent().map(Path::to_owned).unwrap_or_default();
    let profile = folder.file_name().unwrap_or_default();
    let folder = folder.with_file_name("bent").join(profile);
    let through_libc = &["--features", "rustix/use-libc"];
    let path = BENT.get_or_init(|| build(&folder, "locker", "locker", through_libc));
    path.clone().map_err(Trouble::Failed)
}

/// The load generator's program, beside ours, built if need be.
///
/// # Errors
/// It cannot be built.
pub fn bench() -> Result<PathBuf, Trouble> {
    built(&BENCH, "locker-bench", "locker-bench")
}

fn built(
    known: &OnceLock<Result<PathBuf, String>>,
    package: &str,
    program: &str,
) -> Result<PathBuf, Trouble> {
    let folder = faults()?.parent().map(Path::to_owned).unwrap_or_default();
    let path = known.get_or_init(|| build(&folder, package, program, &[]));
    path.clone().map_err(Trouble::Failed)
}

/// Builds it unless it is there and newer than its sources: whoever runs all tests has built it,
/// and other tests are using it now.
fn build(folder: &Path, package: &str, program: &str, further: &[&str]) -> Result<PathBuf, String> {
    let path = folder.join(program);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = [
        "src",
        "protocol/src",
        "clients/rust/src",
        "bench-client/src",
    ];
    let changed = sources.map(|source| newest(&root.join(source)));
    let is_new = |built: SystemTime| changed.iter().flatten().all(|changed| *changed <= built);
    if modified(&path).is_some_and(is_new) {
        return Ok(path);
    }
    let target = folder.parent().unwrap_or(folder);
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", package, "--bin", program]);
    build.args(further);
    build
        .args(["--profile", profile, "--target-dir"])
        .arg(target);
    build.current_dir(root);
    match build.status() {
        Ok(status) if status.success() => Ok(path),
        Ok(status) => Err(format!("{build:?}: {status}")),
        Err(_) if path.exists() => Ok(path),
        Err(error) => {
            let remedy = format!("build {program} beside this program");
            Err(format!("{build:?}: {error}; {remedy}"))
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// When the newest file below a folder was changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).ok()?.flatten();
    let times = entries.filter_map(|entry| match entry.path() {
        path if path.is_dir() => newest(&path),
        path => modified(&path),
    });
    times.max()
}
