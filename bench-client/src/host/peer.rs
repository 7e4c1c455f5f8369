//! Servers that are not locker: any program that listens on a TCP port it is told.
//!
//! A free port is found by binding port 0 and closing that socket again. Until the program binds
//! it another process may take it: then the program fails, and is tried again on another port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::ChildError;
use super::child::{Child, Launch};
use super::program::Account;
use super::scratch::Scratch;

/// How long a program may take to listen.
const READY_PATIENCE: Duration = Duration::from_secs(20);

/// How often a program is tried.
const TRIES: u32 = 3;

/// A server on loopback, stopped when dropped; its folder goes with it.
#[derive(Debug)]
pub struct Peer {
    // Before the folder: it is dropped first.
    child: Child,
    scratch: Scratch,
    address: SocketAddr,
    command: Vec<String>,
}

impl Peer {
    /// Starts a program and waits until it takes connections. `launch` gets a free port of
    /// 127.0.0.1 and an empty folder of `account`, and may prepare that folder; it is asked again
    /// if the program fails.
    ///
    /// # Errors
    /// What `launch` failed with, or the last failure of three: the program ended, or did not
    /// listen within 20 s.
    pub fn start(
        account: Option<Account>,
        mut launch: impl FnMut(u16, &Path) -> Result<Launch, ChildError>,
    ) -> Result<Self, ChildError> {
        let mut tries = 1;
        loop {
            let scratch = Scratch::new(account).map_err(|error| ChildError::NoRoom {
                what: "cannot make a folder for a server",
                error,
            })?;
            let port = free_port().map_err(|error| ChildError::NoRoom {
                what: "cannot find a free port",
                error,
            })?;
            let launch = launch(port, scratch.path())?;
            match Self::try_start(&launch, port, scratch) {
                Err(ChildError::Ended { .. }) if tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    fn try_start(launch: &Launch, port: u16, scratch: Scratch) -> Result<Self, ChildError> {
        let mut child = launch.start()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        child.wait_until(READY_PATIENCE, |_| TcpStream::connect(address).ok())?;
        // Somebody listens; if it was another process, ours has failed by now or soon will.
        if let Some(ended) = child.ended() {
            return Err(ended);
        }
        Ok(Self {
            child,
            scratch,
            address,
            command: launch.command_line(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Its command line.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ChildError> {
        self.child.ended()
    }
}

/// A port of 127.0.0.1 on which nobody listened a moment ago.
///
/// # Errors
/// No port is left.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_program_that_ends_is_tried_three_times_and_its_words_are_told() {
        let mut folders = Vec::new();
        let outcome = Peer::start(None, |port, folder| {
            folders.push(folder.to_owned());
            let script = format!("echo no port {port} for me; exit 3");
            Ok(Launch::new("/bin/sh", ["-c", &script]))
        });
        let text = outcome.unwrap_err().to_string();
        assert!(text.contains("for me"), "{text}");
        assert!(text.contains("exit status: 3"), "{text}");
        assert_eq!(folders.len(), 3);
        assert!(folders.iter().all(|folder| !folder.exists()));
    }

    #[test]
    fn a_program_that_is_not_there_is_told_at_once() {
        let mut asked = 0;
        let outcome = Peer::start(None, |_, _| {
            asked += 1;
            Ok(Launch::new("/nonexistent/server", ["--port"]))
        });
        let text = outcome.unwrap_err().to_string();
        assert!(
            text.contains("cannot start `/nonexistent/server --port`"),
            "{text}"
        );
        assert_eq!(asked, 1);
    }

    #[test]
    fn two_free_ports_are_ports() {
        assert!(free_port().unwrap() > 0);
    }
}
