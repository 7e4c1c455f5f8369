//! The command under the lock: a process group of its own, whose leader dies with us.
//!
//! **Why a group of its own.** A command that must not outlive its lock has to be killed with what
//! it started, and a group is what the kernel can kill as one. So the child leads a new group, and
//! signals that we get are sent on to that group.
//!
//! **And the terminal?** A new group is in the background, where reading the terminal stops it. If
//! we are in the foreground of a terminal, the child's group is put there in our place: Ctrl-C and
//! Ctrl-Z reach the command alone, as if it had been started without us. When it stops we take the
//! terminal back and stop our own group, so that the shell sees the job stop; continued, we give
//! the terminal to the command again and continue it. A job that is stopped longer than its lock
//! lasts finds the lock lost when it is continued.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, getpgrp, getpid, getppid, kill_current_process_group,
    kill_process_group, set_parent_process_death_signal, waitid,
};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use crate::cli::exit::complain;

/// A running command.
#[derive(Debug)]
pub(super) struct Group {
    leader: Pid,
}

/// What became of the command's first process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It ended with this exit code.
    Exited(u8),
    /// A signal ended it.
    Killed(u8),
    /// A signal stopped it.
    Stopped,
}

impl Group {
    /// Starts the command. The calling thread must live as long as the program: its end would count
    /// as the parent's death.
    ///
    /// # Errors
    /// The command cannot be run, or not be found.
    pub(super) fn start(command: &[OsString], environment: &[(&str, &OsStr)]) -> io::Result<Self> {
        let (program, arguments) = command.split_first().expect("the caller has a command");
        let (parent, takes_terminal) = (getpid(), stdin_is_ours());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .envs(environment.iter().copied())
            .process_group(0);
        let before_exec = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before that took effect.
            if getppid() != Some(parent) {
                return Err(Errno::SRCH.into());
            }
            if takes_terminal {
                // Here rather than in the parent, so that the command never reads before.
                set_disposition(libc::SIGTTOU, libc::SIG_IGN);
                let taken = tcsetpgrp(io::stdin().as_fd(), getpid());
                set_disposition(libc::SIGTTOU, libc::SIG_DFL);
                taken?;
            }
            Ok(())
        };
        // SAFETY: between fork and exec the closure makes system calls only, which are
        // async-signal-safe; it allocates nothing and takes no lock (`stdin()` is a descriptor
        // number once it was used, and it was used above).
        // JUSTIFICATION: only the child itself can ask to die with its parent, and only before
        // exec; without it a command would go on after a kill -9 of ours, and outlive its lock.
        unsafe { command.pre_exec(before_exec) };
        // Where it is ignored (`trap '' CHLD` in the shell that started us) the kernel keeps no
        // exit code for us to wait for.
        set_disposition(libc::SIGCHLD, libc::SIG_DFL);
        let child = command.spawn()?;
        let leader = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        // After the child has started, because it would inherit this: taking the terminal back
        // from the background is a background write.
        set_disposition(libc::SIGTTOU, libc::SIG_IGN);
        Ok(Self {
            leader: leader.expect("the system's process ids are positive"),
        })
    }

    /// Sends a signal to every process of the group.
    pub(super) fn signal(&self, signal: Signal) {
        match kill_process_group(self.leader, signal) {
            // All of them have ended.
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => complain(format_args!("cannot send a signal to the command: {error}")),
        }
    }

    /// Kills the group.
    pub(super) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Something waits for the next change; the ended leader stays a zombie, so that its id names
    /// nothing else until [`Group`] is done with it.
    pub(super) const fn waiter(&self) -> Waiter {
        Waiter {
            leader: self.leader,
        }
    }

    /// The command stopped. If it was started from a terminal so do we, with the rest of our job,
    /// until somebody continues us; a command without one was stopped by somebody who means it.
    pub(super) fn stop_with(&self) {
        if !io::stdin().is_terminal() {
            return;
        }
        self.take_terminal();
        if let Err(error) = kill_current_process_group(Signal::STOP) {
            complain(format_args!("cannot stop: {error}"));
        }
    }

    /// We were continued: so is the command, in the foreground if we are there.
    pub(super) fn resume(&self) {
        if stdin_is_ours() {
            set_foreground(self.leader);
        }
        self.signal(Signal::CONT);
    }

    /// Takes the terminal back from a command that has ended or stopped.
    pub(super) fn take_terminal(&self) {
        if tcgetpgrp(io::stdin().as_fd()).is_ok_and(|group| group == self.leader) {
            set_foreground(getpgrp());
        }
    }
}

/// Waits for changes of a command's first process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    leader: Pid,
}

impl Waiter {
    /// Blocks until the process ends or stops. Its end is told again and again.
    pub(super) fn next_change(self) -> Change {
        loop {
            let options = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(self.leader), options) {
                Err(Errno::INTR) | Ok(None) => {}
                Err(error) => panic!("our own child can be waited for: {error}"),
                Ok(Some(status)) if status.stopped() => {
                    self.consume_stop();
                    return Change::Stopped;
                }
                Ok(Some(status)) => {
                    let low = |value: i32| u8::try_from(value & 0xFF).expect("masked to 8 bits");
                    return match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => Change::Exited(low(code)),
                        (None, Some(signal)) => Change::Killed(low(signal)),
                        (None, None) => continue,
                    };
                }
            }
        }
    }

    /// A stop that is only looked at would be found again at once.
    fn consume_stop(self) {
        let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        // Continued or ended meanwhile: the next look finds that.
        let _ = waitid(WaitId::Pid(self.leader), options);
    }
}

/// Whether stdin is a terminal and our group is in its foreground.
fn stdin_is_ours() -> bool {
    tcgetpgrp(io::stdin().as_fd()).is_ok_and(|group| group == getpgrp())
}

fn set_foreground(group: Pid) {
    if let Err(error) = tcsetpgrp(io::stdin().as_fd(), group) {
        complain(format_args!("cannot hand the terminal over: {error}"));
    }
}

/// What the kernel does about a signal.
fn set_disposition(signal: libc::c_int, disposition: libc::sighandler_t) {
    // SAFETY: installs the kernel's own "ignore" or "default", no handler of ours, and nothing else
    // in this program sets these signals; async-signal-safe.
    // JUSTIFICATION: handing over the terminal from the background raises SIGTTOU, which must be
    // ignored for the while, an inherited "ignore" of SIGCHLD must end, and no safe wrapper does
    // either.
    unsafe { libc::signal(signal, disposition) };
}
