//! Asking what the server knows.

use std::sync::Arc;
use std::vec;

use super::client::Client;
use crate::error::Error;
use crate::machine::{CounterPage, KeyView, LockView, Outcome, Read, SessionView};

impl Client {
    /// One key: mode, holders, waiters.
    ///
    /// # Errors
    /// [`Error::Refused`], and those of every call.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<KeyView, Error> {
        match self.read(Read::Get {
            key: key.as_ref().into(),
        })? {
            Outcome::Key(view) => Ok(*view),
            other => Err(Error::of(other)),
        }
    }

    /// The keys in use that begin with `prefix`, asked for page by page. A key that is in use all
    /// the while comes at least once; there is no order and no snapshot. Administrators only.
    #[must_use]
    pub fn list(&self, prefix: impl AsRef<[u8]>) -> KeyPages {
        let prefix = prefix.as_ref().into();
        KeyPages {
            client: self.clone(),
            prefix,
            cursor: Some(0),
            page: Vec::new().into_iter(),
        }
    }

    /// The sessions, asked for page by page. Administrators only.
    #[must_use]
    pub fn sessions(&self) -> SessionPages {
        SessionPages {
            client: self.clone(),
            cursor: Some(0),
            page: Vec::new().into_iter(),
        }
    }

    /// Every shard's counters.
    ///
    /// # Errors
    /// [`Error::Refused`], and those of every call.
    pub fn stats(&self) -> Result<Vec<CounterPage>, Error> {
        let mut pages = Vec::new();
        let mut next = Some(0);
        while let Some(cursor) = next {
            match self.read(Read::Stats { cursor })? {
                Outcome::Counters(page) => {
                    next = following(page.cursor);
                    pages.push(page);
                }
                other => return Err(Error::of(other)),
            }
        }
        Ok(pages)
    }
}

/// The keys in use; see [`Client::list`]. Ends after the first error.
#[derive(Debug)]
pub struct KeyPages {
    client: Client,
    prefix: Arc<[u8]>,
    cursor: Option<u64>,
    page: vec::IntoIter<LockView>,
}

/// The sessions; see [`Client::sessions`]. Ends after the first error.
#[derive(Debug)]
pub struct SessionPages {
    client: Client,
    cursor: Option<u64>,
    page: vec::IntoIter<SessionView>,
}

impl Iterator for KeyPages {
    type Item = Result<LockView, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(lock) = self.page.next() {
                return Some(Ok(lock));
            }
            let cursor = self.cursor.take()?;
            let prefix = Arc::clone(&self.prefix);
            match self.client.read(Read::List { cursor, prefix }) {
                Ok(Outcome::Locks(page)) => {
                    self.cursor = following(page.cursor);
                    self.page = page.locks.into_iter();
                }
                Ok(other) => return Some(Err(Error::of(other))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Iterator for SessionPages {
    type Item = Result<SessionView, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(session) = self.page.next() {
                return Some(Ok(session));
            }
            let cursor = self.cursor.take()?;
            match self.client.read(Read::Sessions { cursor }) {
                Ok(Outcome::Sessions(page)) => {
                    self.cursor = following(page.cursor);
                    self.page = page.sessions.into_iter();
                }
                Ok(other) => return Some(Err(Error::of(other))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The next page's cursor; 0 was the end.
fn following(cursor: u64) -> Option<u64> {
    (cursor != 0).then_some(cursor)
}
