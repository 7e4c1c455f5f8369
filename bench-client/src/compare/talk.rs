//! A few words with a peer over one blocking connection: whether it is ready, and whether its locks
//! exclude. Shell.

use std::io::{self, Read as _, Write as _};
use std::time::Duration;

use super::dialect::{Asking, Dialect, Outcome};
use crate::net::address::Address;
use crate::net::stream::Stream;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The only place of the connection.
const PLACE: u16 = 0;

/// A connection on which one request at a time is said.
#[derive(Debug)]
pub(super) struct Talk<D> {
    stream: Stream,
    dialect: D,
    unread: Vec<u8>,
}

impl<D: Dialect> Talk<D> {
    /// Connects and greets.
    ///
    /// # Errors
    /// Nobody listens, or the greeting is not answered as it should be.
    pub(super) fn begin(address: &Address, dialect: D) -> io::Result<Self> {
        let stream = Stream::connect(address, PATIENCE)?;
        let mut talk = Self {
            stream,
            dialect,
            unread: Vec::new(),
        };
        let mut out = Vec::new();
        talk.dialect.greet(&mut out);
        talk.stream.write_all(&out)?;
        while !talk.dialect.ready() {
            talk.hear()?;
        }
        Ok(talk)
    }

    /// Asks for a key's lock.
    ///
    /// # Errors
    /// No answer came, or one that cannot be read.
    pub(super) fn acquire(&mut self, key: u32) -> io::Result<Outcome> {
        let mut out = Vec::new();
        self.dialect.acquire(PLACE, key, Asking::Try, &mut out);
        self.dialect.end_write(&mut out);
        self.stream.write_all(&out)?;
        self.answer()
    }

    /// The same, `None` if there is no answer for so long: peers that cannot but wait.
    ///
    /// # Errors
    /// As of [`Talk::acquire`].
    pub(super) fn acquire_within(
        &mut self,
        key: u32,
        patience: Duration,
    ) -> io::Result<Option<Outcome>> {
        self.stream.wait_at_most(patience)?;
        let outcome = self.acquire(key);
        self.stream.wait_at_most(PATIENCE)?;
        match outcome {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives a key's lock back.
    ///
    /// # Errors
    /// As of [`Talk::acquire`].
    pub(super) fn release(&mut self, key: u32) -> io::Result<Outcome> {
        let mut out = Vec::new();
        self.dialect.release(PLACE, key, &mut out);
        self.dialect.end_write(&mut out);
        self.stream.write_all(&out)?;
        self.answer()
    }

    /// Waits for the answer to what was asked.
    ///
    /// # Errors
    /// As of [`Talk::acquire`].
    pub(super) fn answer(&mut self) -> io::Result<Outcome> {
        loop {
            if let Some(outcome) = self.hear()? {
                return Ok(outcome);
            }
        }
    }

    fn hear(&mut self) -> io::Result<Option<Outcome>> {
        let mut buffer = [0; 4_096];
        let count = self.stream.read(&mut buffer)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.unread.extend_from_slice(&buffer[..count]);
        let (mut out, mut answers) = (Vec::new(), Vec::new());
        let parsed = self.dialect.parse(&self.unread, &mut out, &mut answers);
        let taken = parsed.map_err(|broken| io::Error::other(broken.0))?;
        self.unread.drain(..taken);
        self.stream.write_all(&out)?;
        Ok(answers.pop().map(|answer| answer.outcome))
    }
}
