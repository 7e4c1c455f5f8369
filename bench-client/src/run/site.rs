//! The server of a run, its own or somebody else's, and the machine.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::error::RunError;
use super::setup::Setup;
use crate::host::inquiry::Inquiry;
use crate::host::machine::describe;
use crate::host::scratch::Scratch;
use crate::host::server::{Server, ServerCommand, find_server};
use crate::host::{ChildError, cpu};
use crate::net::address::Address;
use crate::net::stream::Stream;
use crate::plan::target::{Socket, Target};
use crate::plan::{PairStyle, Plan};
use crate::report::facts::HostFacts;

/// How long a server may take to take the first connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A server's defaults: requests in flight per session, bytes of a key, connections.
const SEATS: u64 = 64;
const KEY_BYTES: u64 = 256;
const CONNECTIONS: u64 = 100_000;
/// Memory of a server's locks by default, and what each lock takes at most of it.
const MEMORY_MIB: u64 = 1_024;
const LOCK_BYTES: u64 = 160;
/// The setting that gives each shard a port of its own.
const SHARD_PORTS: &str = "--shard-port-base";

/// The server of a run; a spawned one is stopped when this is dropped.
#[derive(Debug)]
pub(super) struct Site {
    address: Address,
    /// Where connections go, in turn: to each shard if the run wants that and the server can.
    addresses: Vec<Address>,
    server: Option<Server>,
    /// The folder of the server's socket; gone after the server.
    #[expect(dead_code, reason = "held for its drop")]
    folder: Option<Scratch>,
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
        let mut site = match &setup.placement.target {
            Target::Running { address, pid } => Self::running(address, *pid)?,
            Target::Spawned {
                cores,
                shards,
                program,
                arguments,
                socket,
            } => {
                let mut arguments = server_arguments(&setup.plan, *shards, arguments);
                let folder = match socket {
                    Socket::Tcp => None,
                    Socket::Unix => Some(listen_in_a_folder(&mut arguments)?),
                };
                let command = ServerCommand {
                    program: find_server(program.as_deref().map(Path::new))?,
                    cores: cores.clone(),
                    memory: String::new(),
                    arguments,
                };
                Self::spawned(&command, folder)?
            }
        };
        if setup.plan.workload.shard_aware {
            site.find_shards()?;
        }
        Ok(site)
    }

    fn spawned(command: &ServerCommand, folder: Option<Scratch>) -> Result<Self, RunError> {
        let server = Server::start(command)?;
        Ok(Self {
            address: server.address().clone(),
            addresses: vec![server.address().clone()],
            pid: Some(server.pid()),
            cores: server.cores().to_vec(),
            server: Some(server),
            folder,
            host: describe(),
        })
    }

    fn running(address: &str, pid: Option<u32>) -> Result<Self, RunError> {
        let address: Address = address.parse()?;
        let tried = Stream::connect(&address, CONNECT_MAX);
        tried.map_err(|error| no_server(&address, error))?;
        if let Some(pid) = pid {
            cpu::process_cpu(pid).map_err(|error| RunError::NoProcess { pid, error })?;
        }
        Ok(Self {
            addresses: vec![address.clone()],
            address,
            folder: None,
            server: None,
            pid,
            cores: Vec::new(),
            host: describe(),
        })
    }

    /// Lets connections go to the shards in turn, if each has a port of its own.
    fn find_shards(&mut self) -> Result<(), RunError> {
        let inquiry = Inquiry::begin(&self.address);
        let inquiry = inquiry.map_err(|error| no_server(&self.address, error))?;
        if let Some(addresses) = inquiry.shard_addresses() {
            self.addresses = addresses;
        }
        Ok(())
    }

    /// Where connections go, in turn.
    pub(super) fn addresses(&self) -> &[Address] {
        &self.addresses
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

fn no_server(address: &Address, error: io::Error) -> RunError {
    RunError::NoServer {
        address: address.to_string(),
        error,
    }
}

/// Makes a folder for a server's socket and tells the server.
fn listen_in_a_folder(arguments: &mut Vec<String>) -> Result<Scratch, ChildError> {
    let folder = Scratch::new(None).map_err(|error| ChildError::NoRoom {
        what: "cannot make a folder for a server's socket",
        error,
    })?;
    let path = folder.path().join("locker.sock");
    let listen = ["--listen".to_owned(), format!("unix:{}", path.display())];
    arguments.splice(0..0, listen);
    Ok(folder)
}

/// Arguments of a spawned server: its shards, what this plan needs beyond the server's defaults,
/// and what the user gave, which goes before.
fn server_arguments(plan: &Plan, shards: u16, given: &[String]) -> Vec<String> {
    let pair = match plan.workload.pair {
        PairStyle::OneWrite => 2,
        PairStyle::TwoTrips => 1,
    };
    let memory = memory_mib(plan);
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
    // Several shards of which each is spoken to; the system chooses the ports.
    let has_ports = plan.workload.shard_aware && shards > 1 && !is_given(SHARD_PORTS);
    let ports = has_ports.then(|| [SHARD_PORTS.to_owned(), "0".to_owned()]);
    let words = words.chain(ports.into_iter().flatten());
    let has_memory = memory > MEMORY_MIB && !is_given("--memory");
    let memory = has_memory.then(|| ["--memory".to_owned(), format!("{memory}MiB")]);
    let words = words.chain(memory.into_iter().flatten());
    words.chain(given.iter().cloned()).collect()
}

/// Mebibytes for the locks that a plan keeps held, beside the server's usual ones.
fn memory_mib(plan: &Plan) -> u64 {
    let long_key = u64::from(plan.workload.key_bytes).saturating_sub(32);
    let bytes = u64::from(plan.held) * (LOCK_BYTES + 2 * long_key);
    MEMORY_MIB + (bytes >> 20)
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
    fn a_server_gets_memory_for_what_is_held() {
        let asked = Asked {
            held: Some(50_000_000),
            ..Asked::default()
        };
        assert_eq!(arguments(&asked, &[]), "--shards 2 --memory 8653MiB");
        let given = ["--memory", "9GiB"];
        assert_eq!(arguments(&asked, &given), "--shards 2 --memory 9GiB");
    }

    #[test]
    fn a_shard_aware_run_gets_a_port_per_shard() {
        let asked = Asked {
            shard_aware: true,
            ..Asked::default()
        };
        let line = "--shards 2 --shard-port-base 0";
        assert_eq!(arguments(&asked, &[]), line);
        let given = ["--shard-port-base", "7000"];
        assert_eq!(
            arguments(&asked, &given),
            "--shards 2 --shard-port-base 7000"
        );
        let alone = server_arguments(&asked.check().unwrap(), 1, &[]);
        assert_eq!(alone.join(" "), "--shards 1", "one port is enough");
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
