//! On a terminal: the command has the foreground, and stops and goes on like any job.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::{Server, clean};

/// A `locker` command in a session of its own that a terminal controls.
struct OnTerminal {
    child: Child,
    keyboard: File,
    screen: BufReader<File>,
}

impl OnTerminal {
    fn start(server: &Server, script: &str) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = || {
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&name)
                .unwrap()
        };
        let locker = server.locker(&["lock", "k", "--", "bash", "-c", script]);
        let mut command = clean("setsid");
        command
            .args(["--ctty"])
            .arg(locker.get_program())
            .args(locker.get_args());
        command.envs(
            locker
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command
            .stdin(terminal())
            .stdout(terminal())
            .stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let keyboard = File::from(master);
        let screen = BufReader::new(keyboard.try_clone().unwrap());
        Self {
            child,
            keyboard,
            screen,
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads the screen up to a line that has the text.
    fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(
                self.screen.read_line(&mut line).unwrap() > 0,
                "{text} is written"
            );
        }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = kill_process_group(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

#[test]
fn the_command_reads_the_terminal() {
    let server = Server::start();
    let mut job = OnTerminal::start(&server, "echo on; read line; echo got-$line; exit 6");
    job.wait_for("on");
    job.press("hello\n");
    job.wait_for("got-hello");
    assert_eq!(job.child.wait().unwrap().code(), Some(6));
}

#[test]
fn control_c_reaches_the_command_alone() {
    let server = Server::start();
    let script = "trap 'echo interrupted; exit 3' INT; echo on; while :; do sleep 0.02; done";
    let mut job = OnTerminal::start(&server, script);
    job.wait_for("on");
    job.press("\x03");
    job.wait_for("interrupted");
    assert_eq!(job.child.wait().unwrap().code(), Some(3));
}

#[test]
fn control_z_stops_the_job_and_continuing_it_gives_the_terminal_back() {
    let server = Server::start();
    let script = "echo on; read line; echo first-$line; read line; echo second-$line; exit 4";
    let mut job = OnTerminal::start(&server, script);
    job.wait_for("on");
    job.press("a\n");
    job.wait_for("first-a");
    job.press("\x1a");
    let stopped = waitid(WaitId::Pid(job.pid()), WaitIdOptions::STOPPED).unwrap();
    assert!(stopped.unwrap().stopped(), "a shell sees the job stop");
    kill_process_group(job.pid(), Signal::CONT).unwrap();
    job.press("b\n");
    job.wait_for("second-b");
    assert_eq!(job.child.wait().unwrap().code(), Some(4));
}
