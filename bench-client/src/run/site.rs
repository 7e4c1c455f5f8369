//! The server of a run, its own or somebody else's, and the machine.

use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::error::RunError;
use super::setup::Setup;
use crate::host::cpu;
use crate::host::machine::describe;
use crate::host::server::{Server, ServerCommand, find_server};
use crate::net::address::Address;
use crate::plan::target::Target;
use crate::plan::{PairStyle, Plan};
use crate::report::facts::HostFacts;

/// How long a server may take to take the first connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A server's defaults: requests in flight per session, bytes of a key, connections.
const SEATS: u64 = 64;
const KEY_BYTES: u64 = 256;
const CONNECTIONS: u64 = 100_000;

/// The server of a run; a spawned one is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Site {
    address: Address,
    server: Option<Server>,
    pid: Option<u32>,
    cores: Vec<usize>,
    host: HostFacts,
}

impl Site {
    /// Starts the server, or sees that there is one.
    ///
    /// # Errors
    /// It does not start, nobody listens, or there is no such process.
    pub(super) fn prepare(setup: &Setup) -> Result<Self, RunError> {
        match &setup.placement.target {
            Target::Running { address, pid } => Self::running(address, *pid),
            Target::Spawned {
                cores,
                shards,
                program,
                arguments,
            } => {
                let command = ServerCommand {
                    program: find_server(program.as_deref().map(Path::new))?,
                    cores: cores.clone(),
                    memory: String::new(),
                    arguments: server_arguments(&setup.plan, *shards, arguments),
                };
                Self::spawned(&command)
            }
        }
    }

    fn spawned(command: &ServerCommand) -> Result<Self, RunError> {
        let server = Server::start(command)?;
        Ok(Self {
            address: Address::Tcp(server.address()),
            pid: Some(server.pid()),
            cores: server.cores().to_vec(),
            server: Some(server),
            host: describe(),
        })
    }

    fn running(address: &str, pid: Option<u32>) -> Result<Self, RunError> {
        let address: Address = address.parse()?;
        try_to_connect(&address).map_err(|error| RunError::NoServer {
            address: address.to_string(),
            error,
        })?;
        if let Some(pid) = pid {
            cpu::process_cpu(pid).map_err(|error| RunError::NoProcess { pid, error })?;
        }
        Ok(Self {
            address,
            server: None,
            pid,
            cores: Vec::new(),
            host: describe(),
        })
    }

    /// Where the server listens.
    pub(super) const fn address(&self) -> &Address {
        &self.address
    }

    /// The server's process, if it is known.
    pub(super) const fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Cores that the server was pinned to by us.
    pub(super) fn server_cores(&self) -> &[usize] {
        &self.cores
    }

    /// The command line of a server that was started.
    pub(super) fn server_command(&self) -> Option<&[String]> {
        self.server.as_ref().map(Server::command)
    }

    /// How a server that was started ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        self.server.as_mut()?.ended().map(|end| end.to_string())
    }

    /// Resident memory of the server; 0 if it is not known, or gone.
    pub(super) fn resident_bytes(&self) -> u64 {
        let bytes = self.pid.map(cpu::resident_bytes);
        bytes.and_then(Result::ok).unwrap_or(0)
    }

    /// The machine of the generator.
    pub(super) fn host(&self) -> HostFacts {
        self.host.clone()
    }
}

fn try_to_connect(address: &Address) -> io::Result<()> {
    match address {
        Address::Tcp(address) => TcpStream::connect_timeout(address, CONNECT_MAX).map(drop),
        Address::Unix(path) => UnixStream::connect(path).map(drop),
    }
}

/// Arguments of a spawned server: its shards, what this plan needs beyond the server's defaults,
/// and what the user gave, which goes before.
fn server_arguments(plan: &Plan, shards: u16, given: &[String]) -> Vec<String> {
    let pair = match plan.workload.pair {
        PairStyle::OneWrite => 2,
        PairStyle::TwoTrips => 1,
    };
    let needs = [
        ("--shards", u64::from(shards), 0),
        ("--seats", u64::from(plan.inflight) * pair, SEATS),
        (
            "--key-bytes-max",
            u64::from(plan.workload.key_bytes),
            KEY_BYTES,
        ),
        ("--connections", u64::from(plan.connections), CONNECTIONS),
    ];
    let is_given = |flag: &str| {
        let mut names = given.iter().map(|word| word.split('=').next());
        names.any(|name| name == Some(flag))
    };
    let lacking = needs.into_iter();
    let lacking = lacking.filter(|(flag, needed, usual)| needed > usual && !is_given(flag));
    let words = lacking.flat_map(|(flag, needed, _)| [flag.to_owned(), needed.to_string()]);
    words.chain(given.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::plan::Asked;

    fn arguments(asked: &Asked, given: &[&str]) -> String {
        let given: Vec<String> = given.iter().map(|&word| word.to_owned()).collect();
        server_arguments(&asked.check().unwrap(), 2, &given).join(" ")
    }

    #[test]
    fn a_server_gets_what_the_run_needs_beyond_its_defaults() {
        let asked = Asked {
            connections: Some(200_000),
            inflight: Some(20),
            keys: Some(4_000_000),
            key_bytes: Some(300),
            one_write: true,
            ..Asked::default()
        };
        let line = "--shards 2 --key-bytes-max 300 --connections 200000";
        assert_eq!(arguments(&asked, &[]), line);
        let asked = Asked {
            inflight: Some(40),
            one_write: true,
            ..Asked::default()
        };
        assert_eq!(
            arguments(&asked, &["--spin", "1ms"]),
            "--shards 2 --seats 80 --spin 1ms"
        );
    }

    #[test]
    fn what_the_user_gives_goes_before() {
        let asked = Asked {
            inflight: Some(100),
            ..Asked::default()
        };
        let given = ["--seats=64", "--shards", "4"];
        assert_eq!(arguments(&asked, &given), given.join(" "));
    }
}
