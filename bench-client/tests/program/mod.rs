//! The programs under test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) const BENCH: &str = env!("CARGO_BIN_EXE_locker-bench");

/// The server's program, beside the generator's; another package's, so it may have to be built.
pub(crate) fn locker() -> &'static Path {
    static LOCKER: OnceLock<PathBuf> = OnceLock::new();
    LOCKER.get_or_init(|| {
        let folder = Path::new(BENCH).parent().unwrap();
        let locker = folder.join("locker");
        if !locker.exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--package", "locker", "--bin", "locker"]);
            build.arg("--target-dir").arg(folder.parent().unwrap());
            if folder.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success(), "{build:?}");
        }
        locker
    })
}
