//! The client: one session that many threads share, or one per shard.

use std::sync::Arc;
use std::time::Duration;

use super::acquisition::Acquisition;
use super::builder::Builder;
use super::fleet::{Fleet, Route};
use super::handle::Handle;
use super::shared::Shared;
use super::traffic::Traffic;
use crate::error::Error;
use crate::machine::{ForceDelay, ForceRelease, Machine, Outcome, Read, ServerInfo};

/// A session with a server. Cloning is cheap, and all clones and threads share one connection.
///
/// The session ends, and every lock of it, with [`close`](Self::close) or once the last clone, lock
/// and pending acquisition is dropped.
///
/// A client that is [`shard_aware`](Builder::shard_aware) has a session per shard. The first one is
/// what [`server`](Self::server), [`is_connected`](Self::is_connected), [`ping`](Self::ping) and
/// the listings speak of, and the client is finished when that one is. Acquiring,
/// [`get`](Self::get) and [`force_release`](Self::force_release) go to the key's shard. Each
/// session is kept alive, resumed and lost by itself: a lock depends on the one that it was
/// acquired in, which its remaining time, callbacks, renewals and release belong to.
///
/// After a `fork` the child's calls fail with [`Error::Forked`], and dropping does nothing there.
#[derive(Clone, Debug)]
pub struct Client {
    home: Arc<Handle>,
    /// The other shards' sessions, of a client that is aware of shards.
    fleet: Option<Arc<Fleet>>,
}

/// What a forced release did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forced {
    /// Holds that were ended.
    pub ended: u32,
    /// Nobody is granted the key for this long.
    pub closed: Duration,
}

impl Client {
    /// Connects to `address`, which is `host`, `host:port` or `unix:/path`, with the settings that
    /// a builder starts with.
    ///
    /// # Errors
    /// Those of [`Builder::connect`].
    pub fn connect(address: impl Into<String>) -> Result<Self, Error> {
        Self::builder().address(address).connect()
    }

    /// Settings, to be followed by [`Builder::connect`].
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn new(home: Handle, fleet: Option<Fleet>) -> Self {
        Self {
            home: Arc::new(home),
            fleet: fleet.map(Arc::new),
        }
    }

    /// Begins to describe an acquisition of `key`, 1 to 1,024 bytes of any kind; exclusive, waiting
    /// for ever, and held as long as the session, unless it is told otherwise.
    pub fn acquire(&self, key: impl AsRef<[u8]>) -> Acquisition {
        Acquisition::new(self.clone(), key.as_ref())
    }

    /// What the server said of itself in its last greeting; `None` before the first.
    #[must_use]
    pub fn server(&self) -> Option<ServerInfo> {
        self.shared().check_process().ok()?;
        self.shared().state().machine.server().cloned()
    }

    /// Whether the server is in contact at this moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.shared().check_process().is_ok() && self.shared().state().machine.is_attached()
    }

    /// How many shards serve this client directly at this moment: 0 without contact; 1 with it, and
    /// more if the client is [`shard_aware`](Builder::shard_aware), up to the server's shards. The
    /// rest is served too, by a hop between two of the server's cores.
    #[must_use]
    pub fn shards_reached(&self) -> usize {
        let at_home = usize::from(self.is_connected());
        match &self.fleet {
            Some(fleet) if at_home > 0 => at_home + fleet.reached(&self.home),
            _ => at_home,
        }
    }

    /// What this client has sent and received, and in how many system calls; all zero after a fork.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        if self.shared().check_process().is_err() {
            return Traffic::default();
        }
        let fleet = self.fleet.as_ref();
        let others = fleet.map_or_else(Vec::new, |fleet| fleet.sessions(&self.home));
        let of_others = others.iter().map(|session| session.shared.traffic());
        of_others.chain([self.shared().traffic()]).sum()
    }

    /// Asks the server for a sign of life; gives its clock in microseconds since its run began.
    ///
    /// # Errors
    /// [`Error::NoAnswer`], [`Error::Ended`], [`Error::Forked`].
    pub fn ping(&self) -> Result<u64, Error> {
        match self.read(Read::Ping)? {
            Outcome::Pong { server_now } => Ok(server_now),
            other => Err(Error::of(other)),
        }
    }

    /// Ends holds of other sessions: the one with `token`, or all of the key. Only on listeners for
    /// administrators. `reason` is logged by the server, at most 256 bytes.
    ///
    /// # Errors
    /// [`Error::NotHeld`] if there is no such hold, [`Error::Refused`], and those of every call.
    pub fn force_release(
        &self,
        key: impl AsRef<[u8]>,
        token: Option<u64>,
        delay: ForceDelay,
        reason: impl Into<String>,
    ) -> Result<Forced, Error> {
        let session = self.session_of(key.as_ref());
        let force = ForceRelease {
            key: key.as_ref().into(),
            token,
            delay,
            reason: reason.into(),
        };
        let (_, slot) = session
            .shared
            .call(|machine, now| machine.force_release(now, force))?;
        match slot.wait().outcome {
            Outcome::Forced { ended, closed } => Ok(Forced { ended, closed }),
            other => Err(Error::of(other)),
        }
    }

    /// Ends the session and every lock of it, and waits for the server to say so; so for each if
    /// there are several. Every other call fails from then on, and remaining locks are lost.
    ///
    /// # Errors
    /// [`Error::NoAnswer`]: the server ends the session by its TTL.
    pub fn close(self) -> Result<(), Error> {
        let (_, at_home) = self.shared().call(Machine::close)?;
        let fleet = self.fleet.as_ref();
        let others = fleet.map_or_else(Vec::new, |fleet| fleet.close());
        let close = |session: &Arc<Handle>| session.shared.call(Machine::close);
        let closing: Result<Vec<_>, _> = others.iter().map(close).collect();
        let mut outcomes = vec![at_home.wait().outcome];
        outcomes.extend(closing?.iter().map(|(_, slot)| slot.wait().outcome));
        // A session that ended by itself meanwhile is as closed as the others.
        let is_open = |outcome: &Outcome| !matches!(outcome, Outcome::Closed);
        match outcomes.into_iter().find(is_open) {
            None => Ok(()),
            Some(other) => Err(Error::of(other)),
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.home.shared
    }

    /// What all clones have in common, and no other client of the process while one of them lives.
    pub(super) fn identity(&self) -> usize {
        Arc::as_ptr(&self.home).addr()
    }

    /// The session to ask about `key`.
    pub(super) fn session_of(&self, key: &[u8]) -> Route<'_> {
        match &self.fleet {
            None => Route::Home(&self.home),
            Some(fleet) => fleet.session_of(&self.home, key),
        }
    }

    /// Asks a question and waits for its answer.
    pub(super) fn read(&self, read: Read) -> Result<Outcome, Error> {
        let session = match &read {
            Read::Get { key } => self.session_of(key),
            _ => Route::Home(&self.home),
        };
        let (_, slot) = session
            .shared
            .call(|machine, now| machine.read(now, read))?;
        Ok(slot.wait().outcome)
    }
}
