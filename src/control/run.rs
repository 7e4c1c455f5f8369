//! The control thread's loop and its signals.

use crate::control::plane::{Fatal, Plane, Shards, Turned, Wish};
use crate::control::store::Store;
use crate::control::watchdog::LOOK_EVERY;
use crate::lock::op::ShardId;
use crate::shard::io::ToControl;
use crate::time::{Instant, Millis};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

/// Words of shards that one turn takes at most; what is more waits for the next.
const WORDS_MAX: usize = 1_024;

/// Set by the first SIGTERM or SIGINT.
#[derive(Clone, Debug)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Listens for the signals. The first asks to drain; a second one of either kind ends the
    /// process at once with 128 + its number, even while this thread waits for a disk.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub fn install() -> io::Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            // Handlers run in the order of registration: the exit finds the flag of an earlier
            // signal, and not that of its own.
            let status = 128 + signal;
            signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&flag))?;
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    fn wish(&self) -> Wish {
        if self.0.load(Ordering::Relaxed) {
            Wish::Drain
        } else {
            Wish::Run
        }
    }
}

/// Takes turns until the shards can be stopped.
///
/// A signal is noticed within [`LOOK_EVERY`], a shard's word at once.
///
/// # Errors
/// The server must end at once.
///
/// # Panics
/// If all shards are gone without having been told to.
pub fn run<S: Store>(
    plane: &mut Plane<S>,
    inbox: &Receiver<(ShardId, ToControl)>,
    shards: &impl Shards,
    stop: &StopSignal,
    now: impl Fn() -> Instant,
) -> Result<(), Fatal> {
    let look_ms = u32::try_from(LOOK_EVERY.as_millis()).expect("a small constant");
    let mut words = Vec::with_capacity(WORDS_MAX);
    let mut look_at = now();
    loop {
        words.clear();
        match inbox.recv_timeout(plane.patience()) {
            Ok(word) => words.push(word),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("shards end only when told to"),
        }
        words.extend(inbox.try_iter().take(WORDS_MAX - 1));
        let now = now();
        if now >= look_at {
            plane.watch(shards);
            look_at = now + Millis(look_ms);
        }
        if plane.turn(now, &words, stop.wish(), shards)? == Turned::Drained {
            return Ok(());
        }
    }
}
