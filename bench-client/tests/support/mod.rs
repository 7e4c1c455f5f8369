//! Runs of `locker-bench`, and servers to run them against.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[path = "../program/mod.rs"]
mod program;

pub(crate) use program::{BENCH, locker};

/// `locker-bench run` with these arguments, none of which has a space in it.
pub(crate) fn bench(arguments: &str) -> Command {
    let mut command = Command::new(BENCH);
    command.arg("run").args(arguments.split_whitespace());
    command.stdin(Stdio::null());
    command
}

/// The same with a small server of its own.
pub(crate) fn bench_spawn(arguments: &str) -> Command {
    let mut command = bench(arguments);
    command.arg("--spawn").arg("--server-bin").arg(locker());
    command.args(["--server-args", "--memory 64MiB"]);
    command
}

/// A run that goes on while the test does something to it.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    /// Starts a run that shows its progress line by line.
    pub(crate) fn start(mut command: Command) -> Self {
        command.arg("--progress=lines");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr }
    }

    /// Waits for a second of the run to be over.
    pub(crate) fn await_progress(&mut self) {
        let mut line = String::new();
        while !line.contains("requests/s") {
            line.clear();
            let read = self.stderr.read_line(&mut line).unwrap();
            assert!(read > 0, "the run ended before it showed progress");
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end: exit code and stdout.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), stdout)
    }
}

/// A server that was not started by the generator; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut command = Command::new(locker());
        command.args(["serve", "--ephemeral", "--listen=127.0.0.1:0", "--shards=1"]);
        command.args(["--memory=64MiB", "--connections=100"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = lines
            .map(Result::unwrap)
            .find(|line| line.contains("ready"));
        let ready = ready.expect("the server says that it is ready");
        let mut words = ready.split_whitespace();
        let address = words.find(|word| word.starts_with("127.0.0.1:"));
        let address = address.expect("the ready line has the address").to_owned();
        Self { child, address }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What a command says, on both streams, for a test that fails.
pub(crate) fn told(output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    format!("{:?}\n{stdout}\n{stderr}", output.status)
}

/// A JSON report.
pub(crate) fn report(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
