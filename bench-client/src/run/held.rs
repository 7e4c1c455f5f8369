//! The locks of `--held`: acquired before the run on a thread of their own, kept while it lasts.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::error::RunError;
use super::interrupt::Interrupt;
use super::progress::Display;
use crate::host::cpu;
use crate::load::keeper::{Keeper, Keeping};
use crate::nanos::Nanos;
use crate::net::address::Address;
use crate::net::clock;
use crate::net::event_loop::drive;
use crate::plan::Plan;
use crate::report::units;

/// Connections that hold: with the 64 seats of a session enough to keep a server busy.
pub(super) const CONNECTIONS: u32 = 64;
/// How long no lock more may be held before the run is given up.
const PAUSE_MAX: Nanos = Nanos(10 * Nanos::SECOND.0);
const LOOK: Duration = Duration::from_millis(20);
/// How often progress is told.
const TELL: Nanos = Nanos::SECOND;

/// Locks that are held until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    keeping: Arc<Keeping>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    /// Acquires the locks that the plan wants held, or none; returns when all are.
    ///
    /// # Errors
    /// The server does not grant them, or the user had enough of waiting.
    pub(super) fn acquire(
        plan: &Plan,
        addresses: &[Address],
        core: Option<usize>,
        interrupt: &Interrupt,
        display: &mut Display,
    ) -> Result<Option<Self>, RunError> {
        if plan.held == 0 {
            return Ok(None);
        }
        let began = clock::now();
        let held = Self::start(plan, addresses, core);
        held.wait(plan.held, interrupt, display)?;
        let span = clock::now().since(began);
        let rate = f64::from(plan.held) / span.seconds();
        display.say(&format!(
            "{} locks are held, acquired in {}, {} a second",
            units::whole(plan.held.into()),
            units::span(span.0 as f64),
            units::short(rate)
        ));
        Ok(Some(held))
    }

    fn start(plan: &Plan, addresses: &[Address], core: Option<usize>) -> Self {
        let keeping = Arc::new(Keeping::default());
        let (shared, plan, addresses) = (Arc::clone(&keeping), plan.clone(), addresses.to_vec());
        let work = move || {
            if let Some(core) = core {
                // On any core it does its work, only not at its best.
                let _ = cpu::pin_thread(core);
            }
            let connections = usize::try_from(CONNECTIONS).expect("they are few");
            let mut keeper = Keeper::new(&plan, connections, addresses.len() > 1, &shared);
            if let Err(error) = drive(&mut keeper, &addresses, connections) {
                shared.fail(format!("the event loop failed: {error}"));
            }
        };
        let named = thread::Builder::new().name("held".to_owned());
        let thread = named.spawn(work).expect("a thread can be started");
        Self {
            keeping,
            thread: Some(thread),
        }
    }

    fn wait(
        &self,
        wanted: u32,
        interrupt: &Interrupt,
        display: &mut Display,
    ) -> Result<(), RunError> {
        let (mut before, mut since) = (0, clock::now());
        let mut tell_at = since + TELL;
        loop {
            let (held, now) = (self.keeping.held(), clock::now());
            if interrupt.came() {
                return Err(RunError::Interrupted);
            }
            self.check()?;
            if held == wanted {
                return Ok(());
            }
            if held > before {
                (before, since) = (held, now);
            } else if now.since(since) > PAUSE_MAX {
                let why = format!("the server granted {held} and then none for 10 s");
                return Err(RunError::Held(why));
            }
            if now >= tell_at {
                tell_at = now + TELL;
                let (held, wanted) = (units::whole(held.into()), units::whole(wanted.into()));
                display.say(&format!("{held} of {wanted} locks are held"));
            }
            thread::sleep(LOOK);
        }
    }

    /// Whether all is still held.
    ///
    /// # Errors
    /// What happened to the locks.
    pub(super) fn check(&self) -> Result<(), RunError> {
        match self.keeping.failure() {
            Some(why) => Err(RunError::Held(why.to_owned())),
            None => Ok(()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.keeping.let_go();
        if let Some(thread) = self.thread.take() {
            // A panic of it was told already.
            let _ = thread.join();
        }
    }
}
