//! Two echo servers, the yardstick of `compare`: what the kernel's TCP path costs without locks.
//!
//! Each is a process of its own, `locker-bench echo-server`, with one thread that serves, on
//! 127.0.0.1. Frames have 64 bytes; how many connections come is up to the generator.

mod driver;
mod epoll;

use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use crate::host::child::Launch;
use crate::host::cpu;

/// The word of the command line that starts one.
pub const COMMAND: &str = "echo-server";

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// locker's own socket driver: its io_uring, output queues and loop, with a core that writes
    /// each frame back by itself as if it were an answer.
    Driver,
    /// Epoll, writing back whole reads.
    Epoll,
}

impl fmt::Display for Kind {
    fn fmt(&self, into: &mut fmt::Formatter<'_>) -> fmt::Result {
        into.write_str(match self {
            Self::Driver => "driver",
            Self::Epoll => "epoll",
        })
    }
}

/// Flags of the command.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Options {
    /// What carries the bytes.
    #[arg(long, value_enum, default_value_t = Kind::Driver)]
    kind: Kind,
    /// Core that it is pinned to; not pinned unless given.
    #[arg(long)]
    core: Option<usize>,
    /// Port of 127.0.0.1; 0 lets the system choose one, which is printed.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

/// How to start one as a child: `program` is the file of locker-bench.
#[must_use]
pub fn launch(program: &Path, kind: Kind, core: usize, port: u16) -> Launch {
    let (core_text, port) = (core.to_string(), port.to_string());
    let kind = kind.to_string();
    let arguments = [
        COMMAND, "--kind", &kind, "--core", &core_text, "--port", &port,
    ];
    let mut launch = Launch::new(program, arguments);
    launch.cores = vec![core];
    launch
}

/// Serves until the process is ended.
///
/// # Errors
/// The port is taken, the core is not ours, or the system lacks what the kind needs.
pub fn serve(options: &Options) -> io::Result<Infallible> {
    if let Some(core) = options.core {
        cpu::pin_thread(core)?;
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })?;
    let address = listener.local_addr()?;
    let announce = || {
        // A closed stdout is no reason not to serve.
        let _ = writeln!(io::stdout(), "echo ready: listening on {address}");
    };
    match options.kind {
        Kind::Driver => driver::serve(listener, options.core, announce),
        Kind::Epoll => epoll::serve(&listener, announce),
    }
}
