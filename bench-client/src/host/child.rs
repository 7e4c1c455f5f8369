//! A child process: pinned from its first instruction on, dead when we are, with its output kept.
//!
//! A child leads a process group of its own, so that a Ctrl-C is ours alone: we report first and
//! stop it then. It gets SIGKILL from the kernel when this process dies, however that came. Its
//! output goes to a file without a name, of which errors show the end.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, getpid, getppid, kill_process, kill_process_group, set_parent_process_death_signal,
};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::ChildError;
use super::program::Account;

/// How long a child may take to end when asked to; then it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(7);

/// Pause between looks at a child.
const PAUSE: Duration = Duration::from_millis(3);

/// Bytes of a child's output that errors show at most.
const TAIL_BYTES: u64 = 2_000;

/// A process to be started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program's file.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Cores that all its threads are pinned to; empty = as we are.
    pub cores: Vec<usize>,
    /// Variables of its environment besides ours, without those that begin with `LOCKER_`.
    pub environment: Vec<(OsString, OsString)>,
    /// Whom it runs as; `None` = as we do. Another account needs root.
    pub account: Option<Account>,
    /// What asks it to end.
    pub stop: Signal,
}

impl Launch {
    /// A program with its arguments, otherwise as we are, stopped by SIGTERM.
    pub fn new<A: AsRef<OsStr>>(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let owned = |argument: A| argument.as_ref().to_owned();
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(owned).collect(),
            cores: Vec::new(),
            environment: Vec::new(),
            account: None,
            stop: Signal::TERM,
        }
    }

    /// Its command line as one would type it, but for quotes.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        let program = self.program.as_os_str();
        let words = std::iter::once(program).chain(self.arguments.iter().map(OsString::as_os_str));
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`ChildError::NotStarted`]: the file cannot be run, a core is not ours, or the account
    /// needs root.
    pub fn start(&self) -> Result<Child, ChildError> {
        let command = self.command_line().join(" ");
        match self.try_start() {
            Ok((process, log)) => Ok(Child {
                process,
                log,
                stop: self.stop,
                command,
            }),
            Err(error) => Err(ChildError::NotStarted { command, error }),
        }
    }

    fn try_start(&self) -> io::Result<(std::process::Child, File)> {
        let log = nameless_file()?;
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"LOCKER_") {
                command.env_remove(name);
            }
        }
        command
            .args(&self.arguments)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?)
            .process_group(0);
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        let (parent, cores) = (getpid(), core_set(&self.cores)?);
        let before_exec = move || {
            if let Some(cores) = &cores {
                sched_setaffinity(None, cores)?;
            }
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before that took effect.
            match getppid() == Some(parent) {
                true => Ok(()),
                false => Err(Errno::SRCH.into()),
            }
        };
        // SAFETY: between fork and exec the closure makes system calls only, which are
        // async-signal-safe; it allocates nothing and takes no lock.
        // JUSTIFICATION: only the child itself can ask to die with its parent; without it a server
        // would go on, pinned to a core, after a kill -9 of ours.
        unsafe { command.pre_exec(before_exec) };
        Ok((spawn_from_lasting_thread(command)?, log))
    }
}

/// The kernel counts the end of the thread that forked as the parent's death, so that thread has
/// to live as long as this process.
fn spawn_from_lasting_thread(command: Command) -> io::Result<std::process::Child> {
    type Order = (Command, mpsc::Sender<io::Result<std::process::Child>>);
    static SPAWNER: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (order, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in orders {
                // Nobody waits any more only if the asking thread panicked.
                let _ = answer.send(command.spawn());
            }
        });
        order
    });
    let (answer, answers) = mpsc::channel();
    let gone = |_| io::Error::other("the thread that starts processes is gone");
    spawner.send((command, answer)).map_err(|_| gone(()))?;
    answers.recv().map_err(|_| gone(()))?
}

/// The set of cores, or none to set.
fn core_set(cores: &[usize]) -> io::Result<Option<CpuSet>> {
    let mut set = CpuSet::new();
    for core in cores {
        if *core >= CpuSet::MAX_CPU {
            let why = format!("there is no core {core}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        set.set(*core);
    }
    Ok((!cores.is_empty()).then_some(set))
}

/// A file without a name, for appending: gone with the last that holds it.
fn nameless_file() -> io::Result<File> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
    let file = match rustix::fs::open(&folder, flags, Mode::RUSR | Mode::WUSR) {
        // Not every file system has such files; memory does.
        Err(_) => rustix::fs::memfd_create("locker-bench-log", rustix::fs::MemfdFlags::CLOEXEC)?,
        Ok(file) => file,
    };
    Ok(file.into())
}

/// A running child; dropped, it is asked to end, and killed if it has not after 7 s.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    log: File,
    stop: Signal,
    command: String,
}

impl Child {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// What it has said so far: both its outputs, as text.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn said(&self) -> io::Result<String> {
        self.said_from(0)
    }

    /// The end of what it said.
    #[must_use]
    pub fn tail(&self) -> String {
        let length = self.log.metadata().map_or(0, |metadata| metadata.len());
        let from = length.saturating_sub(TAIL_BYTES);
        let text = self.said_from(from).unwrap_or_default();
        let text = text.trim_end();
        match text.split_once('\n') {
            _ if text.is_empty() => "(nothing)".to_owned(),
            // The first line was cut.
            Some((_, rest)) if from > 0 => rest.to_owned(),
            _ => text.to_owned(),
        }
    }

    fn said_from(&self, from: u64) -> io::Result<String> {
        let length = self.log.metadata()?.len().saturating_sub(from);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.log.read_exact_at(&mut bytes, from)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How it ended, with the last it said; `None` while it runs.
    pub fn ended(&mut self) -> Option<ChildError> {
        match self.process.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(self.end(&status.to_string())),
            Err(error) => Some(self.end(&error.to_string())),
        }
    }

    fn end(&self, status: &str) -> ChildError {
        ChildError::Ended {
            command: self.command.clone(),
            status: status.to_owned(),
            tail: self.tail(),
        }
    }

    /// Asks `ready` again and again until it has an answer.
    ///
    /// # Errors
    /// The child ended, or `patience` did.
    pub fn wait_until<R>(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut(&Self) -> Option<R>,
    ) -> Result<R, ChildError> {
        let began = Instant::now();
        loop {
            if let Some(ready) = ready(self) {
                return Ok(ready);
            }
            if let Some(ended) = self.ended() {
                return Err(ended);
            }
            if began.elapsed() >= patience {
                return Err(ChildError::NotReady {
                    command: self.command.clone(),
                    seconds: patience.as_secs(),
                    tail: self.tail(),
                });
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until it ends by itself, with success; what it said.
    ///
    /// # Errors
    /// It fails, or does not end within `patience`.
    pub fn finish(&mut self, patience: Duration) -> Result<String, ChildError> {
        let began = Instant::now();
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(self.said().unwrap_or_default()),
                Ok(Some(status)) => return Err(self.end(&status.to_string())),
                Err(error) => return Err(self.end(&error.to_string())),
                Ok(None) if began.elapsed() >= patience => {
                    return Err(self.end(&format!("killed after {} s", patience.as_secs())));
                }
                Ok(None) => thread::sleep(PAUSE),
            }
        }
    }

    /// Ends it and waits for that.
    pub fn stop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        self.signal(self.stop);
        let began = Instant::now();
        while began.elapsed() < STOP_PATIENCE {
            match self.process.try_wait() {
                Ok(None) => thread::sleep(PAUSE),
                _ => return,
            }
        }
        if let Some(pid) = self.group() {
            // With what it started itself: it leads a group of its own.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let _ = self.process.wait();
    }

    /// Sends it a signal; one that ended already gets none.
    pub fn signal(&mut self, signal: Signal) {
        // Until it was waited for its number is not another's.
        if let (Ok(None), Some(pid)) = (self.process.try_wait(), self.group()) {
            let _ = kill_process(pid, signal);
        }
    }

    fn group(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.process.id()).ok()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
