//! The thread that runs the callbacks of lost locks: they may block, and the driver must not.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, mpsc};
use std::thread;

use super::slot::{LostCallback, lock};
use crate::machine::LostReason;

/// One thread for all sessions of a client; started when the first callback is registered, ended
/// with the last session.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    sender: Mutex<Option<mpsc::Sender<(LostCallback, LostReason)>>>,
}

impl Callbacks {
    /// Starts the thread, unless it runs.
    pub(super) fn start(&self) {
        lock(&self.sender).get_or_insert_with(spawn);
    }

    /// Has a callback run on the thread; here, if that one could not be started.
    pub(super) fn run(&self, callback: LostCallback, reason: LostReason) {
        let sender = lock(&self.sender).clone();
        let Some(sender) = sender else {
            return run_here(callback, reason);
        };
        if let Err(mpsc::SendError((callback, reason))) = sender.send((callback, reason)) {
            run_here(callback, reason);
        }
    }
}

fn spawn() -> mpsc::Sender<(LostCallback, LostReason)> {
    let (sender, receiver) = mpsc::channel::<(LostCallback, LostReason)>();
    let run = move || {
        for (callback, reason) in receiver {
            run_here(callback, reason);
        }
    };
    if let Err(error) = thread::Builder::new()
        .name("locker-lost".to_owned())
        .spawn(run)
    {
        log::error!("no thread for callbacks, they run on the client's thread: {error}");
    }
    sender
}

/// Runs a callback. Its panic is the program's mistake, and told already: others are still to be
/// run, and the thread may be the client's own.
fn run_here(callback: LostCallback, reason: LostReason) {
    let _ = catch_unwind(AssertUnwindSafe(|| callback(reason)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_panics_does_no_harm_where_no_thread_could_be_started() {
        let (sender, receiver) = mpsc::channel();
        drop(receiver);
        let callbacks = Callbacks {
            sender: Mutex::new(Some(sender)),
        };
        callbacks.run(Box::new(|_| panic!("of the program")), LostReason::Lease);
        let (tell, told) = mpsc::channel();
        let second = move |reason| tell.send(reason).expect("it is waited for");
        callbacks.run(Box::new(second), LostReason::Lease);
        assert_eq!(told.try_recv(), Ok(LostReason::Lease));
    }
}
