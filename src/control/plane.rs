//! The control thread's turn: words of shards, window, watchdog, drain.
//!
//! It reads no clock and waits for nothing; `super::run` does both. The store is reached through
//! its seam and the shards through [`Shards`], so that tests run every turn here.

use crate::canary::{self, Canary};
use crate::control::ledger::{EpochsExhausted, Ledger, To};
use crate::control::record::Version;
use crate::control::store::{Store, StoreError};
use crate::control::watchdog::{LOOK_EVERY, Sight, Watchdog};
use crate::control::window::Window;
use crate::limits::TTL_MS_MAX;
use crate::lock::op::ShardId;
use crate::shard::io::{FromControl, ToControl};
use crate::time::{Instant, Millis};
use std::time::Duration;
use thiserror::Error;

/// What the control thread can do with shards.
pub trait Shards {
    /// Tells one core.
    fn tell(&self, shard: ShardId, word: FromControl);
    /// Tells all cores.
    fn tell_all(&self, word: FromControl);
    /// A look at one shard.
    fn sight(&self, shard: usize) -> Sight;
    /// Wakes a shard that stands still, and counts that.
    fn rouse(&self, shard: usize);
    /// Whether any client is still connected.
    fn has_connections(&self) -> bool;
}

/// What ends the server at once, with nothing promised that is not durable.
#[derive(Debug, Error)]
pub enum Fatal {
    /// The record cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no next epoch.
    #[error(transparent)]
    Epochs(#[from] EpochsExhausted),
}

/// The ledger with the store it is kept in.
#[derive(Debug)]
pub struct Books<S> {
    /// The decisions.
    pub ledger: Ledger,
    /// Where they become durable.
    pub store: S,
    /// The version of what the store holds.
    pub version: Version,
}

/// The state of the control thread.
#[derive(Debug)]
pub struct Plane<S> {
    /// None for an ephemeral server.
    books: Option<Books<S>>,
    window: Option<Window>,
    drain: Millis,
    draining: Option<Draining>,
    shards: usize,
    watchdog: Watchdog,
}

#[derive(Debug)]
struct Draining {
    stage: Stage,
    until: Instant,
    /// What each shard said last.
    said: Vec<Said>,
}

/// What a shard has said of its holds since the stage began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    /// Some are left, and its connections are closed.
    Holding,
    /// None is left.
    Idle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Holders release; waiters may still be granted.
    Waiting,
    /// Nothing is granted any more; the last answers go out.
    Over,
}

/// How long the last answers of a drain may take to leave.
const LAST_WORDS: Millis = Millis(2_000);

/// Whether the server goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// It does.
    On,
    /// It is over: the shards can be stopped.
    Drained,
}

/// Whether the end is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nobody asked.
    Run,
    /// A signal asked to drain.
    Drain,
}

/// What the end left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// No hold; the next start opens no window.
    Clean,
    /// Holds, or an open window: the next start opens one.
    Dirty,
}

impl<S: Store> Plane<S> {
    /// The state at the start; `window_until` counts from the moment of listening.
    #[must_use]
    pub fn new(
        books: Option<Books<S>>,
        window_until: Option<Instant>,
        drain: Millis,
        shards: usize,
    ) -> Self {
        let length = books.as_ref().and_then(|books| books.ledger.window_ms());
        let window = window_until.zip(length);
        Self {
            books,
            window: window.map(|(until, ms)| Window::new(until, Millis(ms), shards)),
            drain,
            draining: None,
            shards,
            watchdog: Watchdog::new(shards),
        }
    }

    /// One turn: takes in what shards said, makes it durable, answers.
    ///
    /// # Errors
    /// The server must end at once.
    pub fn turn(
        &mut self,
        now: Instant,
        words: &[(ShardId, ToControl)],
        wish: Wish,
        shards: &impl Shards,
    ) -> Result<Turned, Fatal> {
        if wish == Wish::Drain && self.draining.is_none() {
            self.begin_drain(now, shards);
        }
        for (shard, word) in words {
            self.hear(*shard, *word, shards);
        }
        self.look_at_window(now);
        self.serve_wishes(shards)?;
        Ok(self.look_at_drain(now, shards))
    }

    /// How long the next turn may be waited for when no word comes.
    #[must_use]
    pub fn patience(&self) -> Duration {
        // The last clients' going is nobody's word, and the process' end waits for it.
        let is_over = |drain: &Draining| drain.stage == Stage::Over;
        match self.draining.as_ref().is_some_and(is_over) {
            true => Duration::from_millis(2),
            false => LOOK_EVERY,
        }
    }

    /// Rouses shards that stand still; to be called every [`LOOK_EVERY`].
    pub fn watch(&mut self, shards: &impl Shards) {
        for shard in 0..self.shards {
            if self.watchdog.look(shard, shards.sight(shard)) {
                shards.rouse(shard);
            }
        }
    }

    /// The shards have ended: writes what the next start must know.
    ///
    /// # Errors
    /// The record could not be written; the next start then finds it dirty.
    pub fn end(self) -> Result<End, Fatal> {
        let drain = self.draining.as_ref();
        let is_idle = drain.is_some_and(|drain| drain.stage == Stage::Over && drain.is_idle());
        let Some(mut books) = self.books else {
            return Ok(if is_idle { End::Clean } else { End::Dirty });
        };
        let clean = books.ledger.stopped_without_holds();
        let is_idle = is_idle || canary::is(Canary::CleanWithHolds);
        let Some(record) = clean.filter(|_| is_idle) else {
            return Ok(End::Dirty);
        };
        books.store.compare_and_set(Some(books.version), &record)?;
        Ok(End::Clean)
    }

    fn begin_drain(&mut self, now: Instant, shards: &impl Shards) {
        self.draining = Some(Draining {
            stage: Stage::Waiting,
            until: now + self.drain,
            said: vec![Said::Nothing; self.shards],
        });
        shards.tell_all(FromControl::Drain {
            bound_ms: self.drain.0,
        });
    }

    /// Ends the waiting once every shard is idle or at the bound; ends the server once all clients
    /// have gone, or have had their time.
    ///
    /// A shard that said it is idle may have granted a waiter since, so each is heard again when
    /// nothing is granted any more: only that word decides whether the end is clean.
    fn look_at_drain(&mut self, now: Instant, shards: &impl Shards) -> Turned {
        let Some(drain) = &mut self.draining else {
            return Turned::On;
        };
        let due = now >= drain.until;
        match drain.stage {
            Stage::Waiting if due || drain.is_idle() => {
                drain.stage = Stage::Over;
                drain.until = now + LAST_WORDS;
                drain.said.fill(Said::Nothing);
                shards.tell_all(FromControl::DrainOver);
                Turned::On
            }
            Stage::Over if due || drain.has_been_told() && !shards.has_connections() => {
                Turned::Drained
            }
            Stage::Waiting | Stage::Over => Turned::On,
        }
    }

    fn hear(&mut self, from: ShardId, word: ToControl, shards: &impl Shards) {
        match (word, &mut self.books) {
            (ToControl::Idle, _) => self.note(from, Said::Idle),
            (ToControl::Holding, _) => self.note(from, Said::Holding),
            (ToControl::WindowEnded(reclaims), _) => {
                let window = self.window.as_mut();
                if let Some(summary) = window.and_then(|window| window.hear(reclaims)) {
                    log::info!("{summary}");
                    self.window = None;
                }
            }
            (ToControl::RaiseBound { ttl_ms }, Some(books)) => {
                books.ledger.wish_bound(from, ttl_ms);
            }
            // Nothing is durable without a data dir, so there is nothing to wait for.
            (ToControl::RaiseBound { .. }, None) => {
                let ttl_ms = TTL_MS_MAX;
                shards.tell(from, FromControl::BoundRaised { ttl_ms });
            }
            (ToControl::NextEpoch, Some(books)) => books.ledger.wish_epoch(from),
            (ToControl::NextEpoch, None) => {
                unreachable!("tokens of an ephemeral server have no epochs")
            }
        }
    }

    fn note(&mut self, from: ShardId, said: Said) {
        if let Some(drain) = &mut self.draining {
            drain.said[usize::from(from.0)] = said;
        }
    }

    /// Ends the window in time. Not while draining: keys that open then would be granted after
    /// their shard has said that it is idle.
    fn look_at_window(&mut self, now: Instant) {
        let due = self.window.as_mut().filter(|window| window.is_due(now));
        if let (Some(window), None, Some(books)) = (due, &self.draining, &mut self.books) {
            window.end(now);
            books.ledger.window_passed();
        }
    }

    fn serve_wishes(&mut self, shards: &impl Shards) -> Result<(), Fatal> {
        let Some(books) = &mut self.books else {
            return Ok(());
        };
        if let Some(record) = books.ledger.next()? {
            books.version = books.store.compare_and_set(Some(books.version), &record)?;
            books.ledger.durable(&record);
        }
        for (to, word) in books.ledger.answers() {
            match to {
                To::Shard(shard) => shards.tell(shard, word),
                To::All => shards.tell_all(word),
            }
        }
        Ok(())
    }
}

impl Draining {
    fn is_idle(&self) -> bool {
        self.said.iter().all(|said| *said == Said::Idle)
    }

    fn has_been_told(&self) -> bool {
        !self.said.contains(&Said::Nothing)
    }
}

#[cfg(test)]
mod tests;
