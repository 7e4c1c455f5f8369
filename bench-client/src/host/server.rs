//! A locker of our own, on a port that the system chose.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;

use super::ChildError;
use super::child::{Child, Launch};
use super::program::{find_program, is_program};
use crate::net::address::Address;

/// How long a server may take to get ready: one with much memory touches it first.
const READY_PATIENCE: Duration = Duration::from_secs(60);

/// What the line begins with that says clients may come.
const READY: &str = "locker ready: listening on ";

/// A server to be started: as many shards as cores, each pinned; nothing is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCommand {
    /// The file of the program: [`find_server`].
    pub program: PathBuf,
    /// Cores, a shard each, that all its threads are pinned to; empty = one shard, not pinned.
    pub cores: Vec<usize>,
    /// Memory of its locks, as the flag `--memory` takes it; empty = the server's default.
    pub memory: String,
    /// Further arguments. With `--data-dir` among them the server keeps its books there.
    pub arguments: Vec<String>,
}

impl ServerCommand {
    fn launch(&self) -> Launch {
        let mut arguments: Vec<OsString> = vec!["serve".into()];
        let mut say = |flag: &str, value: String| {
            if !self.says(flag) {
                arguments.push(flag.into());
                arguments.push(value.into());
            }
        };
        say("--listen", "127.0.0.1:0".to_owned());
        say("--shards", self.cores.len().max(1).to_string());
        if !self.cores.is_empty() {
            let cores: Vec<String> = self.cores.iter().map(usize::to_string).collect();
            say("--cpus", cores.join(","));
        }
        if !self.memory.is_empty() {
            say("--memory", self.memory.clone());
        }
        // Nobody is left to be waited for when a bench stops its server.
        say("--drain", "0".to_owned());
        if !self.says("--data-dir") && !self.says("--ephemeral") {
            arguments.push("--ephemeral".into());
        }
        arguments.extend(self.arguments.iter().map(OsString::from));
        let mut launch = Launch::new(&self.program, arguments);
        launch.cores.clone_from(&self.cores);
        launch
    }

    /// The same, listening at `address`, unless the further arguments say where.
    #[must_use]
    pub fn at(&self, address: &Address) -> Self {
        let mut command = self.clone();
        if !self.says("--listen") {
            let words = ["--listen".to_owned(), address.to_string()];
            command.arguments.extend(words);
        }
        command
    }

    /// Whether the further arguments have this flag.
    fn says(&self, flag: &str) -> bool {
        self.arguments.iter().any(|argument| {
            let rest = argument.strip_prefix(flag);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    }
}

/// A running locker; dropped, it is stopped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: Address,
    cores: Vec<usize>,
    command: Vec<String>,
}

impl Server {
    /// Starts a server and waits until it takes clients.
    ///
    /// # Errors
    /// The program cannot be started, refuses its flags, or is not ready within 60 s: what it said
    /// is told.
    pub fn start(command: &ServerCommand) -> Result<Self, ChildError> {
        let launch = command.launch();
        let mut child = launch.start()?;
        let address =
            child.wait_until(READY_PATIENCE, |child| ready_address(&child.said().ok()?))?;
        Ok(Self {
            child,
            address,
            cores: command.cores.clone(),
            command: launch.command_line(),
        })
    }

    /// Where it listens; the first address if there are several.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Cores that it is pinned to.
    #[must_use]
    pub fn cores(&self) -> &[usize] {
        &self.cores
    }

    /// Its command line.
    #[must_use]
    pub fn command(&self) -> &[String] {
        &self.command
    }

    /// Kills it as kill -9 does, and waits for its end.
    pub fn kill(&mut self) {
        self.child.signal(Signal::KILL);
        self.child.stop();
    }

    /// How it ended, with the last it said; `None` while it runs.
    pub fn ended(&mut self) -> Option<ChildError> {
        self.child.ended()
    }
}

/// The first address of the line that says clients may come; the line is whole.
fn ready_address(said: &str) -> Option<Address> {
    let mut lines = said.split_inclusive('\n');
    let line = lines.find_map(|line| line.strip_suffix('\n')?.strip_prefix(READY))?;
    line.split([',', ' ']).next()?.parse().ok()
}

/// The file of the server's program: the one asked for, else the one beside this program, else
/// the first in PATH.
///
/// # Errors
/// There is none; the text says how to build it.
pub fn find_server(asked: Option<&Path>) -> Result<PathBuf, ChildError> {
    if let Some(file) = asked {
        return match is_program(file) {
            true => Ok(file.to_owned()),
            false => Err(ChildError::Missing {
                program: file.display().to_string(),
                advice: "--server-bin names the file of the server's program".to_owned(),
            }),
        };
    }
    let own = env::current_exe().ok();
    let folder = own.as_deref().and_then(Path::parent);
    let beside = folder
        .map(|folder| folder.join("locker"))
        .filter(|file| is_program(file));
    beside
        .or_else(|| find_program("locker", &[]))
        .ok_or_else(|| ChildError::Missing {
            program: "locker".to_owned(),
            advice: "neither beside this program nor in PATH; build it with `cargo build \
                     --release`, or name it with --server-bin"
                .to_owned(),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn command(cores: &[usize], arguments: &[&str]) -> String {
        let command = ServerCommand {
            program: "locker".into(),
            cores: cores.to_vec(),
            memory: "64MiB".to_owned(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        };
        command.launch().command_line().join(" ")
    }

    #[test]
    fn each_core_gets_a_shard_and_nothing_is_kept() {
        assert_eq!(
            command(&[2, 5], &["--seats", "128"]),
            "locker serve --listen 127.0.0.1:0 --shards 2 --cpus 2,5 --memory 64MiB --drain 0 \
             --ephemeral --seats 128"
        );
        assert!(command(&[], &[]).contains("--shards 1 --memory"));
    }

    #[test]
    fn what_the_user_says_is_not_said_twice() {
        let line = command(&[0], &["--memory=1GiB", "--data-dir", "books"]);
        assert!(!line.contains("64MiB"), "{line}");
        assert!(!line.contains("--ephemeral"), "{line}");
    }

    #[test]
    fn a_server_is_started_anew_where_it_was_unless_the_user_says_where() {
        let address: Address = "127.0.0.1:77".parse().unwrap();
        let at = |arguments: &[&str]| {
            let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
            let command = ServerCommand {
                program: "locker".into(),
                cores: Vec::new(),
                memory: String::new(),
                arguments,
            };
            command.at(&address).launch().command_line().join(" ")
        };
        assert!(at(&[]).ends_with("--ephemeral --listen 127.0.0.1:77"));
        assert!(at(&["--listen=127.0.0.1:5"]).ends_with("--listen=127.0.0.1:5"));
    }

    #[test]
    fn the_ready_line_is_found_once_it_is_whole() {
        let line = "a warning\nlocker ready: listening on 127.0.0.1:77,[::1]:78 shards=1\n";
        assert_eq!(ready_address(line), "127.0.0.1:77".parse().ok());
        assert_eq!(ready_address(line.trim_end()), None);
        let line = "locker ready: listening on unix:/run/x shards=1\n";
        assert_eq!(ready_address(line), "unix:/run/x".parse().ok());
    }

    #[test]
    fn a_program_asked_for_that_is_not_there_is_named() {
        let text = find_server(Some(Path::new("/nonexistent/locker"))).unwrap_err();
        assert!(text.to_string().contains("/nonexistent/locker"), "{text}");
        assert!(text.to_string().contains("--server-bin"), "{text}");
    }
}
