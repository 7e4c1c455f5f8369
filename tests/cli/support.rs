//! A server, and `locker` commands that talk to it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

pub(crate) const LOCKER: &str = env!("CARGO_BIN_EXE_locker");

/// A server of its own for each test; killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(flags: &[&str]) -> Self {
        let flags = [&["--ephemeral", "--listen=127.0.0.1:0"], flags].concat();
        Self::start_anywhere(&flags)
    }

    /// One that remembers its runs in `data_dir`.
    pub(crate) fn start_in(data_dir: &Path) -> Self {
        let data_dir = format!("--data-dir={}", data_dir.display());
        Self::start_anywhere(&[&data_dir, "--listen=127.0.0.1:0"])
    }

    /// Kills it, and starts one in its place that remembers it.
    pub(crate) fn kill_and_start_in(mut self, data_dir: &Path) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let data_dir = format!("--data-dir={}", data_dir.display());
        let listen = format!("--listen={}", self.address);
        Self::start_anywhere(&[&data_dir, &listen])
    }

    fn start_anywhere(flags: &[&str]) -> Self {
        let mut command = clean(LOCKER);
        command.args(["serve", "--shards=1", "--memory=64MiB", "--connections=100"]);
        command.args(flags);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let ready = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .find(|line| line.contains("ready"))
            .expect("the server says that it is ready");
        let address = ready
            .split_whitespace()
            .find(|word| word.starts_with("127.0.0.1:"))
            .expect("the ready line has the address")
            .trim_end_matches([',', ';'])
            .to_owned();
        Self { child, address }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// A `locker` command for this server.
    pub(crate) fn locker(&self, arguments: &[&str]) -> Command {
        self.command(LOCKER, arguments)
    }

    /// A command in which `locker` finds this server.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = clean(program);
        command.args(arguments).env("LOCKER_SERVER", &self.address);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a `locker` command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.locker(arguments).output().unwrap()
    }

    /// The exit code of a `locker` command.
    pub(crate) fn code(&self, arguments: &[&str]) -> Option<i32> {
        self.run(arguments).status.code()
    }

    /// What a `locker` command prints, as JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Starts a `locker` command whose output is read line by line.
    pub(crate) fn start_locker(&self, arguments: &[&str]) -> Running {
        let mut command = self.locker(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Running::of(command.spawn().unwrap())
    }

    /// Holds a lock until what is returned is dropped.
    pub(crate) fn hold(&self, name: &str) -> Running {
        let mut holder = self.start_locker(&["lock", name]);
        assert!(holder.line().contains("token"));
        holder
    }

    /// Blocks until that many wait for the lock.
    pub(crate) fn wait_for_waiters(&self, name: &str, count: u64) {
        while self.json(&["get", name, "-o", "json"])["waiters_total"] != count {}
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command under way.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn of(mut child: Child) -> Self {
        let stdin = child.stdin.take();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            child,
            stdin,
            lines,
        }
    }

    /// The next line that it or its command writes.
    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("it writes another line").unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    pub(crate) fn end_stdin(&mut self) {
        drop(self.stdin.take());
    }

    /// Waits for its end, while its stdin stays open.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let stdin = self.stdin.take();
        let status = self.child.wait().unwrap();
        drop(stdin);
        status
    }

    pub(crate) fn code(&mut self) -> Option<i32> {
        self.wait().code()
    }

    /// Blocks until nobody has its stdout open any more: it and all it started have ended.
    pub(crate) fn wait_for_all(&mut self) {
        for line in &mut self.lines {
            line.unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a process of that id is there.
pub(crate) fn is_alive(pid: &str) -> bool {
    test_kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap()).is_ok()
}

/// Stderr as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command whose environment has no settings of ours: the test alone decides.
pub(crate) fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOCKER_")) {
        command.env_remove(name);
    }
    command
}
