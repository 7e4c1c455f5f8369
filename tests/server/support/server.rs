//! A `locker serve` of its own for each case; killed when dropped.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How to start a server.
#[derive(Clone)]
pub struct Setup {
    flags: Vec<(String, String)>,
    folder: Arc<TempDir>,
}

impl Setup {
    /// A new data dir, a free port, little memory.
    pub fn new(shards: usize) -> Self {
        let folder = Arc::new(temporary_folder());
        let setup = Self {
            flags: Vec::new(),
            folder,
        };
        let data_dir = setup.data_dir();
        setup
            .with("listen", "127.0.0.1:0")
            .with("memory", "64MiB")
            .with("connections", "1000")
            .with("data-dir", data_dir.to_str().unwrap())
            .with("shards", &shards.to_string())
    }

    /// Sets a flag, or replaces it.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.flags.retain(|(flag, _)| flag != name);
        self.flags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves a flag away.
    pub fn without(mut self, name: &str) -> Self {
        self.flags.retain(|(flag, _)| flag != name);
        self
    }

    /// Where the durable file lies.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where a Unix socket of the case may lie.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_locker"));
        command.arg("serve");
        for (name, value) in &self.flags {
            command.arg(format!("--{name}={value}"));
        }
        let log = File::options().create(true).append(true).open(self.log());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.unwrap());
        // The case alone decides the configuration.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOCKER_")) {
            command.env_remove(name);
        }
        command
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub fn start(self) -> Server {
        let mut child = self.command().spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = loop {
            match lines.next() {
                Some(line) if line.as_ref().unwrap().contains("ready") => break line.unwrap(),
                Some(_) => {}
                None => panic!("not ready: {:?}\n{}", child.wait(), read(&self.log())),
            }
        };
        let words = ready.split([' ', ',']);
        let address = words.filter_map(|word| word.parse().ok()).next();
        Server {
            address: address.unwrap_or_else(|| panic!("no address in {ready:?}")),
            ready,
            child,
            setup: self,
        }
    }

    /// Starts it to see it refuse: its exit status and what it wrote.
    pub fn start_and_exit(&self) -> (ExitStatus, String) {
        let status = self.command().stdout(Stdio::null()).status().unwrap();
        (status, read(&self.log()))
    }
}

/// A folder in memory where there is one: a disk under somebody else's load may take seconds for
/// the few bytes that a server waits for, and these cases measure the server.
fn temporary_folder() -> TempDir {
    let in_memory = TempDir::new_in("/dev/shm");
    in_memory.or_else(|_| TempDir::new()).unwrap()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A running server.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its ready line.
    pub ready: String,
    child: Child,
    setup: Setup,
}

impl Server {
    /// One of so many shards, otherwise as [`Setup::new`].
    #[track_caller]
    pub fn start(shards: usize) -> Self {
        Setup::new(shards).start()
    }

    /// How it was started: to start it again on the same data dir.
    pub fn setup(&self) -> Setup {
        self.setup.clone()
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it exited.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Ends it at once, as `kill -9` does, and says how to start it again.
    pub fn kill(mut self) -> Setup {
        self.child.kill().unwrap();
        self.wait();
        self.setup()
    }

    /// Ends it in order: SIGTERM, then waits; the exit must be clean.
    pub fn stop(mut self) -> Setup {
        self.signal(Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "stopped with {status}\n{}", self.log());
        self.setup()
    }

    /// What it logged.
    pub fn log(&self) -> String {
        read(&self.setup.log())
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = read(Path::new(&format!("/proc/{}/status", self.child.id())));
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Fails the test if the process is gone.
    #[track_caller]
    pub fn assert_alive(&mut self) {
        let status = self.child.try_wait().unwrap();
        assert!(
            status.is_none(),
            "the server exited: {status:?}\n{}",
            self.log()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let exited = self.child.try_wait().ok().flatten();
        if exited.is_none() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if std::thread::panicking() {
            eprintln!("server ({exited:?}) said: {}\n{}", self.ready, self.log());
        }
    }
}
