//! The loop of one generator thread: epoll, sockets that never block, one [`Traffic`].
//!
//! ```text
//!   round:  notices -> tick -> wishes -> all output -> wait
//!           each ready socket: read -> clock -> received -> wishes -> its output
//! ```
//!
//! What a read costs besides the traffic: one read, one look at the clock, one send. Nothing is
//! done per frame and, once the buffers have grown, nothing is allocated. A socket is read until a
//! read is short; the part of a frame that was not taken is kept with the connection and offered
//! again with what follows. The traffic is never called from within a call of its own: connects
//! that fail or succeed at once are told in the next round.

use std::io;
use std::num::NonZeroU64;

use rustix::event::epoll::Event;

use super::address::Address;
use super::clock;
use super::sockets::{POLL_BELOW, Sockets};
use crate::nanos::Nanos;
use crate::traffic::{Io, Next, Traffic};

/// Events taken from epoll at a time.
const EVENTS_MAX: usize = 512;

/// What a loop did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoopFacts {
    /// Turns of the loop.
    pub rounds: u64,
    /// Reads that brought bytes.
    pub reads: u64,
    /// Sends that took bytes.
    pub writes: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes handed to the kernel.
    pub bytes_out: u64,
    /// Time spent looking for events in vain just before an instant: processor time that is no
    /// work.
    pub polling: Nanos,
}

/// Runs `traffic` over `connections` connections on this thread until it says [`Next::Finished`].
/// Connections go to the `addresses` in turn: number 0 to the first, and so on and round.
///
/// In the end connections still open are dropped, and those that are being closed in order get up
/// to 2 s.
///
/// A wish to open a connection that is open resets it first. A connection whose untaken bytes
/// exceed 1 MiB is given up as [`End::Broken`](crate::traffic::End::Broken).
///
/// # Errors
/// Epoll is not to be had, or fails; what happens to connections is told to `traffic`.
///
/// # Panics
/// If there are connections and no address.
pub fn drive<T: Traffic>(
    traffic: &mut T,
    addresses: &[Address],
    connections: usize,
) -> io::Result<LoopFacts> {
    let sharp = SharpTimers::begin();
    let mut out = Io::new(connections);
    let mut sockets = Sockets::new(addresses, connections)?;
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS_MAX);
    let mut polled_in_vain_at: Option<Nanos> = None;
    loop {
        let now = clock::now();
        if let Some(at) = polled_in_vain_at.take() {
            // What took longer had the processor taken away: that was no polling.
            let span = now.since(at).min(POLL_BELOW);
            sockets.facts.polling = sockets.facts.polling + span;
            out.add_polling(span);
        }
        sockets.facts.rounds += 1;
        let writes = sockets.facts.writes;
        // What is told may change what the traffic waits for: it is asked after.
        sockets.tell(traffic, &mut out, now);
        let next = traffic.tick(now, &mut out);
        sockets.obey(&mut out, now);
        sockets.flush(&mut out);
        if next == Next::Finished {
            break;
        }
        sockets.leaving_sweep(now);
        let until = sockets.until(next);
        let polled_at = sockets.wait(&mut events, until)?;
        // A round in which nothing was sent was polling as a whole.
        let idle_since = match sockets.facts.writes == writes {
            true => polled_at.and(Some(now)),
            false => polled_at,
        };
        polled_in_vain_at = idle_since.filter(|_| events.is_empty());
        for event in &events {
            sockets.handle(*event, traffic, &mut out);
        }
    }
    sockets.part(&mut events)?;
    drop(sharp);
    Ok(sockets.facts)
}

/// Lets this thread's timers be exact while it lives; the kernel groups them within 50 us else.
struct SharpTimers(Option<NonZeroU64>);

impl SharpTimers {
    fn begin() -> Self {
        let before = rustix::thread::current_timer_slack().unwrap_or(0);
        // Without it timers are late by the slack, no more.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        Self(NonZeroU64::new(before))
    }
}

impl Drop for SharpTimers {
    fn drop(&mut self) {
        let _ = rustix::thread::set_current_timer_slack(self.0);
    }
}

#[cfg(test)]
mod tests;
