//! Opening sessions: each with a thread, a socket and a machine of its own.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::address::Endpoint;
use super::backoff::Backoff;
use super::clock::Clock;
use super::driver::{Driver, Route};
use super::handle::Handle;
use super::resolver::Resolver;
use super::shared::{Common, Shared};
use crate::error::Error;
use crate::machine::{Machine, Settings};

/// What all sessions of one client are made with.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) settings: Settings,
    pub(super) names: Arc<[String]>,
    pub(super) connect_timeout: Duration,
    pub(super) backoff_max: Duration,
    pub(super) has_one_clock: bool,
    pub(super) common: Arc<Common>,
}

impl Opener {
    /// Begins to open a session at any address of the server. Blocks while names are looked up.
    ///
    /// # Errors
    /// [`Error::Unreachable`]: no name has an address, or the system has no more threads.
    pub(super) fn open(&self) -> Result<Handle, Error> {
        let resolver = Resolver::new(Arc::clone(&self.names));
        let addresses = resolver.resolve()?;
        self.start(None, addresses, resolver)
    }

    /// Begins to open a session at `first`, or where that cannot be reached at `common`; later at
    /// any address of the server. Does not block.
    ///
    /// # Errors
    /// [`Error::Unreachable`]: the system has no more threads or descriptors.
    pub(super) fn open_at(&self, first: Endpoint, common: Endpoint) -> Result<Handle, Error> {
        let resolver = Resolver::new(Arc::clone(&self.names));
        let mut addresses = resolver.fixed();
        addresses.retain(|address| *address != common);
        addresses.insert(0, common);
        self.start(Some(first), addresses, resolver)
    }

    fn start(
        &self,
        first: Option<Endpoint>,
        addresses: Vec<Endpoint>,
        resolver: Resolver,
    ) -> Result<Handle, Error> {
        let backoff = Backoff::new(self.backoff_max, jitter_seed());
        let connect_timeout = self.connect_timeout;
        let route = Route::new(first, addresses, resolver, connect_timeout, backoff);
        let machine = Machine::new(self.settings.clone());
        let clock = Clock::start(self.has_one_clock);
        let shared = Shared::new(machine, clock, Arc::clone(&self.common));
        let shared = shared.map_err(no_resources)?;
        let shared = Arc::new(shared);
        let driver = Driver::new(Arc::clone(&shared), route);
        thread::Builder::new()
            .name("locker-client".to_owned())
            .spawn(move || driver.run())
            .map_err(no_resources)?;
        Ok(Handle { shared })
    }
}

/// Jitter needs only that clients differ; without randomness from the system the clock will do.
fn jitter_seed() -> u64 {
    let mut seed = [0; 8];
    match rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::NONBLOCK) {
        Ok(8) => u64::from_ne_bytes(seed),
        _ => {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
            u64::try_from(now.tv_nsec).unwrap_or(1)
        }
    }
}

/// No thread or no descriptor: nothing can be reached.
fn no_resources(source: io::Error) -> Error {
    Error::Unreachable {
        address: "the system".to_owned(),
        source,
    }
}
