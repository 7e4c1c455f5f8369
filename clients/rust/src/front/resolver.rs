//! Names to addresses, now and again.
//!
//! A server that moved has the same name and another address. So once all addresses have failed the
//! names are looked up again; on a thread of their own, because that may take seconds, and the
//! driver has deadlines to keep.

use std::io;
use std::mem::take;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::address::{Endpoint, is_fixed};
use super::slot::lock;
use crate::error::Error;

/// The names that a client was given.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    names: Arc<[String]>,
    /// Whether some name has to be looked up at all.
    may_change: bool,
    found: Arc<Found>,
}

#[derive(Debug, Default)]
struct Found {
    addresses: Mutex<Vec<Endpoint>>,
    is_busy: AtomicBool,
}

impl Resolver {
    pub(super) fn new(names: Arc<[String]>) -> Self {
        let may_change = !names.iter().all(|name| is_fixed(name));
        Self {
            names,
            may_change,
            found: Arc::default(),
        }
    }

    /// The places of those names that need not be looked up.
    pub(super) fn fixed(&self) -> Vec<Endpoint> {
        let fixed = self.names.iter().filter(|name| is_fixed(name));
        let found = fixed.filter_map(|name| Endpoint::find(name).ok());
        found.flatten().collect()
    }

    /// Looks the names up. Blocks.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if none has an address.
    pub(super) fn resolve(&self) -> Result<Vec<Endpoint>, Error> {
        addresses_of(&self.names)
    }

    /// Begins to look the names up, unless that is under way.
    pub(super) fn begin(&self) {
        if !self.may_change || self.found.is_busy.swap(true, Ordering::AcqRel) {
            return;
        }
        let resolver = self.clone();
        let look_up = move || {
            match resolver.resolve() {
                Ok(addresses) => *lock(&resolver.found.addresses) = addresses,
                Err(error) => log::debug!("{error}"),
            }
            resolver.found.is_busy.store(false, Ordering::Release);
        };
        let started = thread::Builder::new()
            .name("locker-resolver".to_owned())
            .spawn(look_up);
        if let Err(error) = started {
            log::debug!("no thread to look names up: {error}");
            self.found.is_busy.store(false, Ordering::Release);
        }
    }

    /// What was found since the last look; `None` if nothing was.
    pub(super) fn found(&self) -> Option<Vec<Endpoint>> {
        let addresses = take(&mut *lock(&self.found.addresses));
        (!addresses.is_empty()).then_some(addresses)
    }
}

/// Every address that the names have now.
fn addresses_of(names: &[String]) -> Result<Vec<Endpoint>, Error> {
    let mut addresses = Vec::new();
    let mut failed = None;
    for name in names {
        match Endpoint::find(name) {
            Ok(found) => addresses.extend(found),
            Err(source) => {
                failed = Some(Error::Unreachable {
                    address: name.clone(),
                    source,
                })
            }
        }
    }
    if !addresses.is_empty() {
        return Ok(addresses);
    }
    Err(failed.unwrap_or_else(|| Error::Unreachable {
        address: names.join(" "),
        source: io::Error::new(io::ErrorKind::InvalidInput, "no address given"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_looked_up_again() {
        for (name, expected) in [("127.0.0.1:7", false), ("::1", false), ("localhost", true)] {
            assert_eq!(
                Resolver::new([name.to_owned()].into()).may_change,
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn no_address_is_an_error_that_says_so() {
        assert!(matches!(addresses_of(&[]), Err(Error::Unreachable { .. })));
    }
}
