//! A process of ours, by its id; killed when dropped.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::launch::LaunchOptions;
use crate::program;
use crate::trouble::{Trouble, Trying as _};

/// Pause between looks at a process.
const PAUSE: Duration = Duration::from_millis(2);

/// How a process is started: the program by way of `faults launch`, so that it dies with us.
///
/// The kernel counts the end of the thread that started it as ours: the thread that starts a
/// process has to outlive it.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Limits, program and arguments.
    pub options: LaunchOptions,
    /// A command in front of all, such as `ip netns exec NAME`; it must become the next by exec.
    pub prefix: Vec<OsString>,
    /// Variables of the environment besides ours. They reach the program, and what is in front.
    pub environment: Vec<(OsString, OsString)>,
    /// File that both outputs are appended to.
    pub log: PathBuf,
}

impl Launch {
    /// Starts it.
    ///
    /// # Errors
    /// The system refuses.
    pub fn start(&self) -> Result<Process, Trouble> {
        let words = self.prefix.iter().cloned();
        let words = words.chain([program::faults()?.into_os_string()]);
        let mut words = words.chain(self.options.arguments());
        let mut command = Command::new(words.next().expect("the program itself is a word"));
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.trying(format!("cannot open {}", self.log.display()))?;
        let log_too = log.try_clone().trying("cannot use a file twice")?;
        command.args(words).envs(self.environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(log).stderr(log_too);
        let mut child = command
            .spawn()
            .trying(format!("cannot start {command:?}"))?;
        Ok(Process {
            input: child.stdin.take(),
            child,
            log: self.log.clone(),
        })
    }
}

/// A running process, or one that has ended.
#[derive(Debug)]
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal. One that has ended gets none: until it is waited for its id is its own.
    pub fn signal(&mut self, signal: Signal) {
        if let (Ok(None), Some(pid)) = (self.child.try_wait(), Pid::from_raw(self.raw())) {
            let _ = kill_process(pid, signal);
        }
    }

    fn raw(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id is positive and small")
    }

    /// Ends its standard input, which asks a worker to stop.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Ends it by SIGKILL and waits for that.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it has ended; `None` if `patience` is over before.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        loop {
            match self.ended() {
                Some(status) => return Some(status),
                None if began.elapsed() > patience => return None,
                None => thread::sleep(PAUSE),
            }
        }
    }

    /// What it has said so far, with what others said to the same file.
    #[must_use]
    pub fn said(&self) -> String {
        read(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The text of a file, or nothing.
pub(crate) fn read(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs a command to its end.
///
/// # Errors
/// It cannot be run or fails: with what it said.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, Trouble> {
    let line = || format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .trying(line())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(Trouble::System {
            what: line(),
            error: io::Error::other(said.trim().to_owned()),
        }),
    }
}
