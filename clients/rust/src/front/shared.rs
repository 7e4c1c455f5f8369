//! What the callers' threads and the client's own thread share.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, TryLockError};

use rustix::event::{EventfdFlags, eventfd};
use rustix::process::{Pid, getpid};

use super::address::Endpoint;
use super::callbacks::Callbacks;
use super::clock::Clock;
use super::parking::{Parking, Wakes};
use super::slot::{Answer, CallSlot, HoldWatch, LostCallback, lock};
use super::traffic::Traffic;
use super::writer::{Progress, Writer};
use crate::error::Error;
use crate::machine::{CallId, Event, HoldId, Instant, LostReason, Machine, Outcome};

/// What the sessions of one client have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    callbacks: Callbacks,
    /// Greetings of all sessions together.
    pub(super) greetings: AtomicU64,
}

/// [`Shared::serving`] without contact.
const NOWHERE: u32 = u32::MAX;
/// [`Shared::serving`] after the session's end.
const ENDED: u32 = u32::MAX - 1;

/// One session: its machine, who waits for what, and the way to the socket.
///
/// Lock order: `state` before `writer`; but whoever has `state` only tries `writer`.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) clock: Clock,
    /// Signalled when `Contact` changes.
    pub(super) contacted: Condvar,
    pub(super) common: Arc<Common>,
    state: Mutex<State>,
    /// The shard that serves the session, while it is in contact.
    serving: AtomicU32,
    pub(super) writer: Mutex<Writer>,
    parking: Arc<Parking>,
    wake: OwnedFd,
    process: Pid,
}

/// What the state's mutex guards.
#[derive(Debug)]
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) socket: Option<Arc<OwnedFd>>,
    /// When the driver wakes by itself; a nearer deadline must wake it.
    pub(super) driver_wakes_at: Instant,
    /// Bytes wait for the socket to take them.
    pub(super) is_blocked: bool,
    /// Nobody uses the client any more.
    pub(super) is_abandoned: bool,
    pub(super) contact: Contact,
    /// Successful reads since the beginning, over all sockets.
    pub(super) reads: u64,
    /// Callers that the latest bytes from the server have woken.
    woken: usize,
    calls: HashMap<CallId, Arc<CallSlot>>,
    holds: HashMap<HoldId, Arc<HoldWatch>>,
}

/// How connecting goes.
#[derive(Debug, Default)]
pub(super) struct Contact {
    pub(super) attached: bool,
    /// How often the server has greeted.
    pub(super) greetings: u64,
    /// Where it was last connected.
    pub(super) endpoint: Option<Endpoint>,
    /// All addresses were tried this often in vain.
    pub(super) failed_rounds: u32,
    pub(super) last_error: Option<Error>,
}

/// Outcomes and losses that are told once the state is unlocked.
#[derive(Default)]
struct News {
    answers: Vec<(Arc<CallSlot>, Answer)>,
    losses: Vec<(Arc<HoldWatch>, LostReason)>,
}

impl Shared {
    /// A client of this process.
    pub(super) fn new(machine: Machine, clock: Clock, common: Arc<Common>) -> io::Result<Self> {
        Self::of_process(machine, clock, common, getpid())
    }

    /// A client of the process of that id.
    pub(super) fn of_process(
        machine: Machine,
        clock: Clock,
        common: Arc<Common>,
        process: Pid,
    ) -> io::Result<Self> {
        let state = State {
            machine,
            socket: None,
            driver_wakes_at: Instant(0),
            is_blocked: false,
            is_abandoned: false,
            contact: Contact::default(),
            reads: 0,
            woken: 0,
            calls: HashMap::new(),
            holds: HashMap::new(),
        };
        Ok(Self {
            clock,
            contacted: Condvar::new(),
            common,
            serving: AtomicU32::new(NOWHERE),
            state: Mutex::new(state),
            writer: Mutex::new(Writer::default()),
            parking: Arc::default(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            process,
        })
    }

    /// Refuses use by a process that was forked from the one that made the client: its thread is
    /// not there, its mutexes may be locked for ever, and two processes must not share a session.
    ///
    /// One system call of about 0.1 us. An atfork handler would need `unsafe` and would change the
    /// program around us; a call to the server costs a hundred times as much anyway.
    pub(super) fn check_process(&self) -> Result<(), Error> {
        if getpid() == self.process {
            Ok(())
        } else {
            Err(Error::Forked)
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether the session is in contact, and `shard` serves it. O(1), without the state.
    pub(super) fn serves(&self, shard: u16) -> bool {
        self.serving.load(Ordering::Relaxed) == u32::from(shard)
    }

    /// Whether the session is finished. O(1), without the state.
    pub(super) fn is_ended(&self) -> bool {
        self.serving.load(Ordering::Relaxed) == ENDED
    }

    /// Whether the session can be of no use to `shard`: it is finished, or in contact with another.
    pub(super) fn is_astray(&self, shard: u16) -> bool {
        let serving = self.serving.load(Ordering::Relaxed);
        serving != NOWHERE && serving != u32::from(shard)
    }

    /// Notes which shard serves the session now.
    fn tell_place(&self, machine: &Machine) {
        let serving = match machine.server() {
            _ if machine.ended().is_some() => ENDED,
            Some(server) if machine.is_attached() => u32::from(server.shard),
            _ => NOWHERE,
        };
        // A line that every caller reads is not written for nothing.
        if self.serving.load(Ordering::Relaxed) != serving {
            self.serving.store(serving, Ordering::Relaxed);
        }
    }

    pub(super) fn wake_fd(&self) -> &OwnedFd {
        &self.wake
    }

    /// Makes a call and gives the slot in which its outcome will be.
    pub(super) fn call(
        &self,
        call: impl FnOnce(&mut Machine, Instant) -> CallId,
    ) -> Result<(CallId, Arc<CallSlot>), Error> {
        self.check_process()?;
        let mut state = self.state();
        let call = call(&mut state.machine, self.clock.now());
        let slot = Arc::new(CallSlot::new(call, Arc::clone(&self.parking)));
        state.calls.insert(call, Arc::clone(&slot));
        self.publish(state);
        Ok((call, slot))
    }

    /// Does something with the machine whose outcome nobody waits for. Does not block.
    pub(super) fn tell<T>(
        &self,
        tell: impl FnOnce(&mut Machine, Instant) -> T,
    ) -> Result<T, Error> {
        self.check_process()?;
        let mut state = self.state();
        let result = tell(&mut state.machine, self.clock.now());
        self.publish(state);
        Ok(result)
    }

    /// Forgets a hold's watch: its lock is released.
    pub(super) fn forget(&self, hold: HoldId) {
        self.state().holds.remove(&hold);
    }

    /// After every use of the machine: tells its events, sends its bytes, wakes the driver if its
    /// next deadline has moved nearer.
    pub(super) fn publish(&self, mut state: MutexGuard<'_, State>) {
        let news = self.collect(&mut state);
        self.tell_place(&state.machine);
        let deadline = state.machine.next_deadline().unwrap_or(Instant::NEVER);
        let must_wake = deadline < state.driver_wakes_at;
        let has_output = state.machine.has_output();
        if !news.answers.is_empty() {
            state.woken = news.answers.len();
        }
        let has_company = state.woken > 1;
        drop(state);
        if has_output {
            self.send(has_company);
        }
        let mut wakes = Wakes::default();
        for (slot, answer) in news.answers {
            slot.complete(answer, &mut wakes);
        }
        self.parking.wake(&wakes);
        if must_wake {
            self.wake();
        }
        // Last: without a thread of their own callbacks run here, and may take their time.
        for (watch, reason) in news.losses {
            for callback in watch.lose(reason) {
                self.common.callbacks.run(callback, reason);
            }
        }
    }

    /// Sends what the machine has, unless another thread is sending: that one looks again.
    ///
    /// With company, which is other threads that were woken by the same read, it lets those run
    /// first: what they ask for next then leaves in the same write. Measured with 64 threads on one
    /// connection and two cores (examples/many_threads): 15 requests a write instead of 2, and a
    /// fifth of the server's processor time.
    pub(super) fn send(&self, has_company: bool) {
        let mut lets_others_run = has_company;
        loop {
            let mut writer = match self.writer.try_lock() {
                Ok(writer) => writer,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            loop {
                if writer.is_idle() {
                    writer.reset();
                    if lets_others_run {
                        std::thread::yield_now();
                        lets_others_run = false;
                    }
                    let mut state = self.state();
                    state.machine.take_output(&mut writer.buffer);
                    writer.socket.clone_from(&state.socket);
                }
                if writer.is_idle() {
                    break;
                }
                if writer.send() == Progress::Blocked {
                    // Let go before the driver hears of it: it would find the writer taken, leave
                    // the rest to us, and nobody would send it.
                    drop(writer);
                    self.state().is_blocked = true;
                    self.wake();
                    return;
                }
            }
            drop(writer);
            // Whoever failed to get the writer while we had it relies on this look.
            if !self.state().machine.has_output() {
                return;
            }
        }
    }

    /// What was said and heard. May wait for a send under way, which does not block.
    pub(super) fn traffic(&self) -> Traffic {
        let writes = lock(&self.writer).writes;
        let state = self.state();
        let frames = state.machine.frames();
        Traffic {
            frames_sent: frames.sent,
            writes,
            frames_received: frames.received,
            reads: state.reads,
        }
    }

    /// Wakes the driver from its poll.
    pub(super) fn wake(&self) {
        if let Err(error) = rustix::io::write(&self.wake, &1_u64.to_ne_bytes()) {
            log::debug!("eventfd: {}", io::Error::from(error));
        }
    }

    /// Takes the connection away. Bytes on their way to it are dropped.
    pub(super) fn drop_connection(&self) {
        self.state().socket = None;
        let mut writer = lock(&self.writer);
        writer.reset();
        writer.socket = None;
    }

    /// Registers a callback for the loss of a lock.
    pub(super) fn on_lost(&self, watch: &HoldWatch, callback: LostCallback) -> Result<(), Error> {
        self.check_process()?;
        self.common.callbacks.start();
        if let Some((callback, reason)) = watch.on_lost(callback) {
            self.common.callbacks.run(callback, reason);
        }
        Ok(())
    }

    /// Turns the machine's events into news for the threads that wait.
    fn collect(&self, state: &mut State) -> News {
        let mut news = News::default();
        while let Some(event) = state.machine.next_event() {
            match event {
                Event::Answered { call, outcome } => {
                    let watch = state.watch_grant(&outcome);
                    if let Some(slot) = state.calls.remove(&call) {
                        news.answers.push((slot, Answer { outcome, watch }));
                    }
                }
                Event::HoldLost { hold, reason } => {
                    if let Some(watch) = state.holds.get(&hold) {
                        news.losses.push((Arc::clone(watch), reason));
                    }
                }
                // It goes on as if nothing had been.
                Event::HoldReclaimed { .. } => {}
                Event::Attached { .. } => {
                    state.contact.attached = true;
                    state.contact.greetings += 1;
                    self.common.greetings.fetch_add(1, Ordering::Release);
                    self.contacted.notify_all();
                }
                Event::Ended(_) => self.contacted.notify_all(),
            }
        }
        news
    }
}

impl State {
    fn watch_grant(&mut self, outcome: &Outcome) -> Option<Arc<HoldWatch>> {
        let Outcome::Granted { hold, .. } = outcome else {
            return None;
        };
        let watch = Arc::new(HoldWatch::default());
        self.holds.insert(*hold, Arc::clone(&watch));
        Some(watch)
    }
}
