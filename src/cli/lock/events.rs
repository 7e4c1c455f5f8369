//! What can happen while a lock is asked for or held, from several threads into one queue.

use std::io::{self, Read as _};
use std::sync::mpsc::Sender;
use std::thread;

use locker_client::{Canceller, Client, Lock};
use signal_hook::consts::signal::{
    SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
};
use signal_hook::iterator::Signals;

use super::child::{Change, Waiter};
use crate::cli::exit::{Exit, code};

/// Signals that are sent on to the command. CONT is, too, but continues us first.
const FORWARDED: [i32; 8] = [
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGCONT,
];

/// One thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// The server is in contact and the lock is asked for.
    Asked(Canceller),
    /// The lock is held, or will not be.
    Answered(Box<Result<(Client, Lock), Exit>>),
    /// We got a signal.
    Signal(i32),
    /// The command ended or stopped.
    Child(Change),
    /// The lock was lost.
    Lost,
    /// Nobody writes to our stdin any more.
    StdinEnded,
}

/// From now on signals come as events instead of ending the program.
///
/// # Errors
/// The system lets us have no handler or no thread.
pub(super) fn watch_signals(events: Sender<Event>) -> Result<(), Exit> {
    let signals = Signals::new(FORWARDED);
    let mut signals = signals.map_err(|error| Exit::new(code::OS_ERROR, error))?;
    start("signals", move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    })
}

/// Tells when the command ends, and each time that it stops.
///
/// # Errors
/// The system lets us have no thread.
pub(super) fn watch_child(waiter: Waiter, events: Sender<Event>) -> Result<(), Exit> {
    start("child", move || {
        loop {
            let change = waiter.next_change();
            if events.send(Event::Child(change)).is_err() || change != Change::Stopped {
                return;
            }
        }
    })
}

/// Tells when stdin ends. What is written to it is thrown away.
///
/// # Errors
/// The system lets us have no thread.
pub(super) fn watch_stdin(events: Sender<Event>) -> Result<(), Exit> {
    start("stdin", move || {
        let mut stdin = io::stdin().lock();
        let mut thrown_away = [0; 4096];
        while matches!(stdin.read(&mut thrown_away), Ok(1..)) {}
        // Nobody listens any more: then nobody minds.
        let _ = events.send(Event::StdinEnded);
    })
}

/// Starts a thread of that name.
///
/// # Errors
/// The system lets us have no thread.
pub(super) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Exit> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(run);
    started
        .map(drop)
        .map_err(|error| Exit::new(code::OS_ERROR, format!("no thread: {error}")))
}
