//! The server under test: the real binary on an address and a data dir that outlive its process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::launch::LaunchOptions;
use crate::process::{self, Launch, Process};
use crate::program;
use crate::trouble::{Trouble, Trying as _};

/// How long a server may take to get ready, or to end when it was asked to.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the ready line begins with.
const READY: &str = "locker ready: listening on ";

/// How a server is started, again and again.
#[derive(Clone, Debug)]
pub struct ServerSetup {
    /// Flags without `--`, and their values.
    pub flags: Vec<(&'static str, String)>,
    /// Limits of the process; its command is filled in.
    pub limits: LaunchOptions,
    /// Whether it is the build whose clocks can be bent.
    pub is_bent: bool,
    /// A command in front of all, as [`Launch::prefix`].
    pub prefix: Vec<OsString>,
    /// Variables of the environment besides ours.
    pub environment: Vec<(OsString, OsString)>,
}

impl ServerSetup {
    /// Two shards, little memory, the shortest TTL as default, data dir and log in `folder`, a port
    /// that the system chooses.
    ///
    /// The address is one of 127.0.0.0/8 that no other server of ours has. A client's own end is
    /// 127.0.0.1, so while the server is down nobody can take its port, a client that connects to
    /// itself included.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let (high, low) = (pid / 250 % 250 + 1, pid % 250 + 1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed) % 250 + 2;
        let setup = Self {
            flags: Vec::new(),
            limits: LaunchOptions::default(),
            is_bent: false,
            prefix: Vec::new(),
            environment: Vec::new(),
        };
        setup
            .with("listen", format!("127.{high}.{low}.{count}:0"))
            .with("shards", "2")
            .with("memory", "64MiB")
            .with("connections", "1000")
            .with("ttl", "1s")
            .with("data-dir", folder.join("data").display().to_string())
    }

    /// Sets a flag, or replaces it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.flags.retain(|(flag, _)| *flag != name);
        self.flags.push((name, value.into()));
        self
    }

    /// Leaves a flag away.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.flags.retain(|(flag, _)| *flag != name);
        self
    }

    /// The value of a flag.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        let mut flags = self.flags.iter();
        flags.find_map(|(flag, value)| (*flag == name).then_some(value.as_str()))
    }
}

/// A server that runs, or has run and may be started again.
#[derive(Debug)]
pub struct Server {
    setup: ServerSetup,
    log: PathBuf,
    process: Option<Process>,
    address: String,
    starts: usize,
}

impl Server {
    /// Starts it for the first time, and waits until it is ready.
    ///
    /// # Errors
    /// It does not get ready.
    pub fn start(setup: ServerSetup, folder: &Path) -> Result<Self, Trouble> {
        let mut server = Self {
            setup,
            log: folder.join("server.log"),
            process: None,
            address: String::new(),
            starts: 0,
        };
        server.start_again()?;
        // From now on it is the address that clients know.
        let address = server.address.clone();
        server.setup = server.setup.with("listen", address);
        Ok(server)
    }

    /// Starts it again on the same address and data dir, and waits until it is ready.
    ///
    /// # Errors
    /// It does not get ready.
    pub fn start_again(&mut self) -> Result<(), Trouble> {
        self.start_without_waiting()?;
        self.wait_until_ready()
    }

    /// Starts it, ready or not.
    ///
    /// # Errors
    /// The system refuses.
    pub fn start_without_waiting(&mut self) -> Result<(), Trouble> {
        self.process = None;
        self.starts += 1;
        let mut options = self.setup.limits.clone();
        let program = match self.setup.is_bent {
            true => program::bent_locker()?,
            false => program::locker()?,
        };
        options.command = vec![program.into(), "serve".into()];
        let flags = self.setup.flags.iter();
        options
            .command
            .extend(flags.map(|(name, value)| format!("--{name}={value}").into()));
        let launch = Launch {
            options,
            prefix: self.setup.prefix.clone(),
            environment: self.setup.environment.clone(),
            log: self.run_log(),
        };
        self.process = Some(launch.start()?);
        Ok(())
    }

    /// Waits until the running process is ready.
    ///
    /// # Errors
    /// It ended, or took too long: with what it said.
    pub fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        let log = self.run_log();
        let began = Instant::now();
        loop {
            let said = process::read(&log);
            if let Some(address) = ready_address(&said) {
                self.address = address;
                return Ok(());
            }
            if let Some(status) = self.running().ended() {
                return Err(Trouble::failed(format!("not ready, {status}: {said}")));
            }
            if began.elapsed() > PATIENCE {
                return Err(Trouble::failed(format!("not ready: {said}")));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Where it listens, over all its runs.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// How it is started.
    pub const fn setup(&mut self) -> &mut ServerSetup {
        &mut self.setup
    }

    /// How often it was started.
    #[must_use]
    pub const fn starts(&self) -> usize {
        self.starts
    }

    /// Its data dir.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.setup.flag("data-dir").unwrap_or_default().into()
    }

    /// Its process.
    ///
    /// # Panics
    /// It was never started.
    pub fn running(&mut self) -> &mut Process {
        self.process
            .as_mut()
            .expect("it is started when it is made")
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) {
        self.running().kill();
    }

    /// Asks it to end by SIGTERM and waits until it has. One whose clock is bent is killed: its
    /// control thread waits for bent instants by the kernel's clock, and does not look in time.
    ///
    /// # Errors
    /// It does not end, or not with success.
    pub fn stop(&mut self) -> Result<(), Trouble> {
        if self.setup.is_bent {
            self.kill();
            return Ok(());
        }
        self.running().signal(Signal::TERM);
        let status = self.wait_for_end()?;
        match status.success() {
            true => Ok(()),
            false => Err(Trouble::failed(format!("{status}: {}", self.said()))),
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It does not.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus, Trouble> {
        let ended = self.running().wait(PATIENCE);
        ended.ok_or_else(|| Trouble::failed(format!("it does not end: {}", self.said())))
    }

    /// What the running or last process has said.
    #[must_use]
    pub fn said(&self) -> String {
        process::read(&self.run_log())
    }

    /// What all its processes have said, for a report.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn logs(&self) -> Result<Vec<String>, Trouble> {
        let logs = (1..=self.starts).map(|start| self.log_of(start));
        logs.map(|log| std::fs::read_to_string(&log).trying(log.display().to_string()))
            .collect()
    }

    fn run_log(&self) -> PathBuf {
        self.log_of(self.starts)
    }

    fn log_of(&self, start: usize) -> PathBuf {
        self.log.with_extension(format!("{start}.log"))
    }
}

/// The first address of the ready line, once that is whole.
fn ready_address(said: &str) -> Option<String> {
    let mut lines = said.split_inclusive('\n');
    let line = lines.find_map(|line| line.strip_suffix('\n')?.strip_prefix(READY))?;
    line.split([',', ' ']).next().map(str::to_owned)
}
