//! The servers of a comparison: each as its system's package brings it, on loopback, pinned to one
//! core, with nothing kept on a disk. Shell.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use crate::compare::contestant::Peer;
use crate::echo::{self, Kind};
use crate::host::ChildError;
use crate::host::child::Launch;
use crate::host::inquiry::Inquiry;
use crate::host::peer::{Peer as Process, free_port};
use crate::host::program::{Account, find_program};
use crate::host::scratch::Scratch;
use crate::host::server::{Server as Locker, ServerCommand, find_server};

use crate::net::address::Address;

use super::measure::Server;
use super::watch::Family;

/// How long initdb may take.
const INITDB_PATIENCE: Duration = Duration::from_secs(60);
/// Where Debian's packages put the programs of PostgreSQL's versions.
const POSTGRES_FOLDERS: &str = "/usr/lib/postgresql";
/// A file system in memory, so that no server waits for a disk.
const MEMORY_FOLDER: &str = "/dev/shm";
/// Connections besides those of the load.
const SPARE_CONNECTIONS: u32 = 16;

/// What servers are started with.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The core that each is pinned to.
    pub(super) core: usize,
    /// The cores of locker-shards, and its shards.
    pub(super) shard_cores: Vec<usize>,
    pub(super) shards: u32,
    /// Most connections of a shape, and most places on one.
    pub(super) connections: u32,
    pub(super) depth: u16,
    pub(super) server_bin: Option<PathBuf>,
}

/// A program that serves one peer or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Program {
    Locker,
    LockerShards,
    LockerUnix,
    EchoDriver,
    EchoEpoll,
    Redis,
    Memcached,
    Etcd,
    Postgres,
}

impl Program {
    const fn of(peer: Peer) -> Self {
        match peer {
            Peer::Locker | Peer::LockerLease => Self::Locker,
            Peer::LockerShards | Peer::LockerAware => Self::LockerShards,
            Peer::LockerUnix => Self::LockerUnix,
            Peer::EchoDriver => Self::EchoDriver,
            Peer::EchoEpoll => Self::EchoEpoll,
            Peer::Redis | Peer::RedisPing => Self::Redis,
            Peer::Memcached => Self::Memcached,
            Peer::Etcd => Self::Etcd,
            Peer::Postgres => Self::Postgres,
        }
    }
}

#[derive(Debug)]
enum Running {
    /// With the addresses of its shards, if each has one; and the folder of its socket.
    Locker {
        server: Locker,
        shards: Vec<Address>,
        #[expect(dead_code, reason = "held for its drop")]
        folder: Option<Scratch>,
    },
    /// With the folder in memory that its files are in, gone after it.
    Other(
        Process,
        #[expect(dead_code, reason = "held for its drop")] Option<Scratch>,
    ),
}

/// Servers that run; stopped when dropped.
#[derive(Debug, Default)]
pub(super) struct Servers(BTreeMap<Program, Running>);

impl Servers {
    /// Starts what serves a peer, unless it runs already.
    ///
    /// # Errors
    /// It is not installed, or does not come up.
    pub(super) fn start(&mut self, peer: Peer, setting: &Setting) -> Result<(), ChildError> {
        let program = Program::of(peer);
        if self.0.contains_key(&program) {
            return Ok(());
        }
        let running = match program {
            Program::Locker => locker(setting, vec![setting.core], Vec::new(), None)?,
            Program::LockerShards => locker_of_shards(setting)?,
            Program::LockerUnix => locker_on_unix(setting)?,
            Program::EchoDriver => echo(Kind::Driver, setting)?,
            Program::EchoEpoll => echo(Kind::Epoll, setting)?,
            Program::Redis => redis(setting)?,
            Program::Memcached => memcached(setting)?,
            Program::Etcd => etcd(setting)?,
            Program::Postgres => postgres(setting)?,
        };
        self.0.insert(program, running);
        Ok(())
    }

    /// What a load needs to know of the server of a peer that was started.
    pub(super) fn of(&self, peer: Peer) -> Server {
        let running = &self.0[&Program::of(peer)];
        let (addresses, pid) = match running {
            Running::Locker { server, shards, .. } if peer == Peer::LockerAware => {
                (shards.clone(), server.pid())
            }
            Running::Locker { server, .. } => (vec![server.address().clone()], server.pid()),
            Running::Other(process, _) => (vec![Address::Tcp(process.address())], process.pid()),
        };
        let family = match peer {
            Peer::Postgres => Family::All(pid),
            _ => Family::One(pid),
        };
        Server { addresses, family }
    }

    /// How a peer's server ended, if it did.
    pub(super) fn ended(&mut self, peer: Peer) -> Option<ChildError> {
        match self.0.get_mut(&Program::of(peer))? {
            Running::Locker { server, .. } => server.ended(),
            Running::Other(process, _) => process.ended(),
        }
    }

    /// The command lines, for the report.
    pub(super) fn commands(&self) -> Vec<String> {
        let commands = self.0.values().map(|running| match running {
            Running::Locker { server, .. } => server.command().join(" "),
            Running::Other(process, _) => process.command().join(" "),
        });
        commands.collect()
    }
}

/// locker on these cores; `more` arguments go before ours.
fn locker(
    setting: &Setting,
    cores: Vec<usize>,
    more: Vec<String>,
    folder: Option<Scratch>,
) -> Result<Running, ChildError> {
    let seats = (2 * setting.depth).max(64);
    let words = [
        ("--seats", seats.to_string()),
        (
            "--connections",
            (setting.connections + SPARE_CONNECTIONS).to_string(),
        ),
        ("--spin", "0".to_owned()),
        ("--log", "warn".to_owned()),
    ];
    let usual = words
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value]);
    let command = ServerCommand {
        program: find_server(setting.server_bin.as_deref())?,
        cores,
        memory: "1GiB".to_owned(),
        arguments: more.into_iter().chain(usual).collect(),
    };
    Ok(Running::Locker {
        server: Locker::start(&command)?,
        shards: Vec::new(),
        folder,
    })
}

/// Each shard has a port of its own besides the one of all.
fn locker_of_shards(setting: &Setting) -> Result<Running, ChildError> {
    let shards = setting.shards.to_string();
    let more = ["--shards", &shards, "--shard-port-base", "0"].map(str::to_owned);
    let mut running = locker(setting, setting.shard_cores.clone(), more.into(), None)?;
    if let Running::Locker { server, shards, .. } = &mut running {
        let told = Inquiry::begin(server.address()).map_err(|error| ChildError::NoRoom {
            what: "a server of several shards does not tell their ports",
            error,
        })?;
        *shards = told.shard_addresses().unwrap_or_default();
    }
    Ok(running)
}

fn locker_on_unix(setting: &Setting) -> Result<Running, ChildError> {
    let folder = folder_in_memory(None)?;
    let path = folder.path().join("locker.sock");
    let more = ["--listen".to_owned(), format!("unix:{}", path.display())];
    locker(setting, vec![setting.core], more.into(), Some(folder))
}

/// Finds a program, or tells which package has it.
fn installed(name: &str, package: &str, folders: &[&Path]) -> Result<PathBuf, ChildError> {
    find_program(name, folders).ok_or_else(|| ChildError::Missing {
        program: name.to_owned(),
        advice: format!("it is not installed; the package is {package}"),
    })
}

fn pinned<const N: usize>(program: &Path, words: [String; N], setting: &Setting) -> Launch {
    let mut launch = Launch::new(program, words);
    launch.cores = vec![setting.core];
    launch
}

fn plain(
    launch: impl FnMut(u16, &Path) -> Result<Launch, ChildError>,
) -> Result<Running, ChildError> {
    let process = Process::start(None, launch)?;
    Ok(Running::Other(process, None))
}

fn echo(kind: Kind, setting: &Setting) -> Result<Running, ChildError> {
    let own = std::env::current_exe().map_err(|error| ChildError::NoRoom {
        what: "cannot find this program's own file",
        error,
    })?;
    plain(|port, _| Ok(echo::launch(&own, kind, setting.core, port)))
}

/// No snapshots, no log.
fn redis(setting: &Setting) -> Result<Running, ChildError> {
    let program = installed("redis-server", "redis-server", &[])?;
    let clients = setting.connections + SPARE_CONNECTIONS;
    plain(|port, folder| {
        let words = [
            format!("--port {port} --bind 127.0.0.1 --maxclients {clients}"),
            format!(
                "--dir {} --appendonly no --loglevel warning",
                folder.display()
            ),
        ];
        let mut words: Vec<String> = words.join(" ").split(' ').map(str::to_owned).collect();
        words.extend(["--save".to_owned(), String::new()]);
        let mut launch = Launch::new(&program, words);
        launch.cores = vec![setting.core];
        Ok(launch)
    })
}

/// One thread, for it gets one core.
fn memcached(setting: &Setting) -> Result<Running, ChildError> {
    let program = installed("memcached", "memcached", &[])?;
    let connections = setting.connections + SPARE_CONNECTIONS;
    plain(|port, _| {
        let words = format!("-l 127.0.0.1 -p {port} -U 0 -t 1 -m 256 -c {connections}");
        let mut words: Vec<&str> = words.split(' ').collect();
        if Account::is_root() {
            // It refuses to run as root unless told whom to run as.
            words.extend(["-u", "nobody"]);
        }
        let mut launch = Launch::new(&program, words);
        launch.cores = vec![setting.core];
        Ok(launch)
    })
}

/// A folder in memory if the system has such, else below that for temporary files.
fn folder_in_memory(account: Option<Account>) -> Result<Scratch, ChildError> {
    let scratch = Scratch::below(Path::new(MEMORY_FOLDER), account);
    scratch
        .or_else(|_| Scratch::new(account))
        .map_err(|error| ChildError::NoRoom {
            what: "cannot make a folder for a server",
            error,
        })
}

/// One member, whose log is synced to memory.
fn etcd(setting: &Setting) -> Result<Running, ChildError> {
    let program = installed("etcd", "etcd-server", &[])?;
    let data = folder_in_memory(None)?;
    let process = Process::start(None, |port, _| {
        // For other members; it has none, and listens all the same.
        let own = free_port().map_err(|error| ChildError::NoRoom {
            what: "cannot find a free port",
            error,
        })?;
        let own = format!("http://127.0.0.1:{own}");
        let clients = format!("http://127.0.0.1:{port}");
        // A start that failed may have left files.
        let data = data.path().join(port.to_string());
        let words = [
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={clients}"),
            format!("--advertise-client-urls={clients}"),
            format!("--listen-peer-urls={own}"),
            format!("--initial-advertise-peer-urls={own}"),
            format!("--initial-cluster=default={own}"),
            "--logger=zap".to_owned(),
            "--log-outputs=stderr".to_owned(),
            "--log-level=error".to_owned(),
        ];
        Ok(pinned(&program, words, setting))
    })?;
    Ok(Running::Other(process, Some(data)))
}

/// The newest version that is there.
fn postgres_folder() -> PathBuf {
    let versions = fs::read_dir(POSTGRES_FOLDERS)
        .into_iter()
        .flatten()
        .flatten();
    let number = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse::<u32>().ok())
    };
    let newest = versions.map(|entry| entry.path()).max_by_key(number);
    newest.map(|path| path.join("bin")).unwrap_or_default()
}

/// No fsync, no synchronous commit, files in memory; one process per connection, all on the core.
fn postgres(setting: &Setting) -> Result<Running, ChildError> {
    let folder = postgres_folder();
    let initdb = installed("initdb", "postgresql", &[&folder])?;
    let program = installed("postgres", "postgresql", &[&folder])?;
    // It refuses to run as root.
    let account = match Account::is_root() {
        true => Some(
            Account::named("postgres").ok_or_else(|| ChildError::Missing {
                program: "postgres".to_owned(),
                advice: "the account `postgres` is not there; the package is postgresql".to_owned(),
            })?,
        ),
        false => None,
    };
    let data = folder_in_memory(account)?;
    let cluster = data.path().join("cluster").display().to_string();
    let words = [
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
        "-D",
    ];
    let mut launch = Launch::new(initdb, words.into_iter().chain([cluster.as_str()]));
    launch.account = account;
    launch.start()?.finish(INITDB_PATIENCE)?;
    let connections = setting.connections + SPARE_CONNECTIONS;
    let process = Process::start(account, |port, folder| {
        let settings = [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={port}"),
            format!("unix_socket_directories={}", folder.display()),
            format!("max_connections={connections}"),
            "fsync=off".to_owned(),
            "synchronous_commit=off".to_owned(),
            "full_page_writes=off".to_owned(),
            "autovacuum=off".to_owned(),
            "jit=off".to_owned(),
        ];
        let words = settings
            .into_iter()
            .flat_map(|setting| ["-c".to_owned(), setting]);
        let words = ["-D".to_owned(), cluster.clone()].into_iter().chain(words);
        let mut launch = Launch::new(&program, words);
        launch.cores = vec![setting.core];
        launch.account = account;
        // A fast shutdown: it ends its backends rather than wait for their clients.
        launch.stop = Signal::INT;
        Ok(launch)
    })?;
    Ok(Running::Other(process, Some(data)))
}
