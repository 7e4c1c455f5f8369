//! The `locker` program: server and command line client in one.

use std::process::ExitCode;

fn main() -> ExitCode {
    locker::cli::run()
}
