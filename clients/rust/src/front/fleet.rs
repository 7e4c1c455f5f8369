//! The sessions of a shard-aware client: one per shard, and the way of a key to its own.
//!
//! ```text
//!                      ┌──────────────▶ home session      the common address, serves any key
//!   key ─▶ slot ─▶ shard ─ attached? ─▶ session of shard 1  its port, same group
//!                      └──────────────▶ session of shard 2  its port, same group
//! ```
//!
//! Any session serves any key, so that a guess that is wrong costs a hop between two cores and
//! nothing else. Whatever is in doubt goes to the home session.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};

use super::address::Endpoint;
use super::handle::Handle;
use super::opener::Opener;
use super::roster::{Layout, Roster};
use super::slot::lock;

/// One session per shard besides the home session, which the client has.
#[derive(Debug)]
pub(super) struct Fleet {
    opener: Opener,
    known: RwLock<Known>,
    /// Sessions that serve no shard any more, as long as a lock of theirs lives.
    retired: Mutex<Vec<Weak<Handle>>>,
}

#[derive(Debug)]
struct Known {
    roster: Roster<Arc<Handle>>,
    /// Greetings of all sessions together when the roster was last brought up to date.
    greetings: u64,
    is_closed: bool,
}

impl Fleet {
    /// Of a client whose home session was greeted: opens the others, and waits for each of them
    /// until it is greeted or every address was tried once.
    pub(super) fn open(opener: Opener, home: &Handle) -> Self {
        let known = Known {
            roster: Roster::new(),
            greetings: 0,
            is_closed: false,
        };
        let fleet = Self {
            opener,
            known: RwLock::new(known),
            retired: Mutex::default(),
        };
        for session in fleet.sessions(home) {
            if let Err(error) = session.wait_for_contact(std::time::Duration::ZERO) {
                log::debug!("the first session serves another shard too: {error}");
            }
        }
        fleet
    }

    /// The session to ask about `key`.
    pub(super) fn session_of<'a>(&self, home: &'a Arc<Handle>, key: &[u8]) -> Route<'a> {
        // After a fork even a lock that is only read may be held for ever; the call says why.
        if home.shared.check_process().is_err() || home.shared.is_ended() {
            return Route::Home(home);
        }
        let known = self.known(home);
        match known.roster.find(key) {
            Some((shard, session)) if session.shared.serves(shard) => {
                Route::Shard(Arc::clone(session))
            }
            _ => Route::Home(home),
        }
    }

    /// Every session besides the home session, for those shards that are there now.
    pub(super) fn sessions(&self, home: &Handle) -> Vec<Arc<Handle>> {
        let known = self.known(home);
        let sessions = known.roster.sessions();
        sessions.map(|(_, session)| Arc::clone(session)).collect()
    }

    /// How many of those sessions are in contact, in the shard that they are for.
    pub(super) fn reached(&self, home: &Handle) -> usize {
        let known = self.known(home);
        let serving = |(shard, session): &(u16, &Arc<Handle>)| session.shared.serves(*shard);
        known.roster.sessions().filter(serving).count()
    }

    /// Opens no more sessions, and gives all that there are.
    pub(super) fn close(&self) -> Vec<Arc<Handle>> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.is_closed = true;
        let sessions = known.roster.sessions();
        let mut all: Vec<_> = sessions.map(|(_, session)| Arc::clone(session)).collect();
        all.extend(lock(&self.retired).drain(..).filter_map(|it| it.upgrade()));
        all
    }

    /// The roster, after what the server has said since the last look.
    fn known(&self, home: &Handle) -> RwLockReadGuard<'_, Known> {
        let greetings = home.shared.common.greetings.load(Ordering::Acquire);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.greetings == greetings || known.is_closed {
            return known;
        }
        drop(known);
        self.learn(home, greetings);
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, home: &Handle, greetings: u64) {
        let Some((layout, common)) = layout_of(home) else {
            return;
        };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.is_closed || known.greetings >= greetings {
            return;
        }
        known.greetings = greetings;
        let is_astray = |shard, session: &Arc<Handle>| session.shared.is_astray(shard);
        let open = |address| {
            let opened = self.opener.open_at(Endpoint::Tcp(address), common.clone());
            let failed = |error| log::debug!("no session for {address}: {error}");
            opened.map_err(failed).ok().map(Arc::new)
        };
        let gone = known.roster.learn(layout, is_astray, open);
        // Locked before the roster is let go: a `close` in between would find them in neither.
        let mut retired = lock(&self.retired);
        drop(known);
        retired.retain(|session| session.strong_count() > 0);
        retired.extend(gone.iter().map(Arc::downgrade));
        // Unlocked, because the last handle of a session closes it.
        drop(retired);
        drop(gone);
    }
}

/// Where a call goes.
pub(super) enum Route<'a> {
    /// To the session that serves everything.
    Home(&'a Arc<Handle>),
    /// To the session of the key's shard.
    Shard(Arc<Handle>),
}

impl std::ops::Deref for Route<'_> {
    type Target = Arc<Handle>;

    fn deref(&self) -> &Arc<Handle> {
        match self {
            Self::Home(home) => home,
            Self::Shard(session) => session,
        }
    }
}

/// What the home session's last greeting says, and where it is connected.
fn layout_of(home: &Handle) -> Option<(Layout, Endpoint)> {
    let state = home.shared.state();
    let endpoint = state.contact.endpoint.clone()?;
    let info = state.machine.server()?;
    let layout = Layout::of(info, &endpoint, state.contact.greetings);
    Some((layout, endpoint))
}
