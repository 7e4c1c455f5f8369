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
            return callback(reason);
        };
        if let Err(mpsc::SendError((callback, reason))) = sender.send((callback, reason)) {
            callback(reason);
        }
    }
}

fn spawn() -> mpsc::Sender<(LostCallback, LostReason)> {
    let (sender, receiver) = mpsc::channel::<(LostCallback, LostReason)>();
    let run = move || {
        for (callback, reason) in receiver {
            // Its panic is the program's mistake, and told already; the others are still to be run.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(reason)));
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
