//! What one connection says to a peer: the same few words in each peer's own language. Pure.
//!
//! ```text
//!   Cycle, Contended --acquire, release--> Dialect --bytes--> peer
//!                    <-------Answer------- Dialect <--bytes-- peer
//! ```
//!
//! A dialect is one connection's state. Commands are built once; per request a dialect copies the
//! prepared bytes and writes numbers over their places, so that no peer pays for our formatting.

use std::collections::VecDeque;

/// How an acquire takes "somebody else holds it".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// The answer says so at once.
    Try,
    /// The answer comes when the lock is granted. Peers without waiters try all the same.
    Wait,
}

/// What one request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The lock is held.
    Got,
    /// Somebody else holds it.
    NotGot,
    /// The lock was released.
    Released,
    /// There was nothing to release.
    NotHeld,
    /// The peer has no room for this request just now; it changed nothing and may be asked again.
    Refused(Step),
    /// Neither: what the peer said.
    Failed(String),
}

/// The outcome of a request of one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The place on the connection, from 0: one client, with one pair under way.
    pub place: u16,
    /// What came of its request.
    pub outcome: Outcome,
}

/// Why a connection is of no more use: what the peer said, or what could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken(pub String);

/// One connection's side of a talk with a peer.
pub trait Dialect {
    /// Says what comes first. The connection is [`ready`](Dialect::ready) once it is answered.
    fn greet(&mut self, out: &mut Vec<u8>);

    /// Whether requests may be sent.
    fn ready(&self) -> bool;

    /// Whether this connection asks for a key at all, as one to a single shard does not.
    #[inline]
    fn takes(&self, _key: u32) -> bool {
        true
    }

    /// Asks for a key's lock.
    fn acquire(&mut self, place: u16, key: u32, asking: Asking, out: &mut Vec<u8>);

    /// Releases what the place asked for last, be it granted already or still under way.
    fn release(&mut self, place: u16, key: u32, out: &mut Vec<u8>);

    /// Ends what is sent in one write. For peers that answer only when told to.
    fn end_write(&mut self, _out: &mut Vec<u8>) {}

    /// Takes all whole messages off the front of `bytes`, adds what they answer to `answers` and
    /// what the peer must be told for its protocol's sake to `out`; tells how many bytes it took.
    ///
    /// # Errors
    /// What the peer said that leaves nothing more to say to it.
    fn parse(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken>;
}

/// Which of a pair's requests an answer is awaited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The acquire.
    Acquire,
    /// The release.
    Release,
}

/// Requests under way to a peer that answers in order.
#[derive(Debug, Default)]
pub struct InOrder(VecDeque<(u16, Step)>);

impl InOrder {
    /// For so many places.
    #[must_use]
    pub fn new(places: u16) -> Self {
        Self(VecDeque::with_capacity(2 * usize::from(places)))
    }

    /// A request was said.
    #[inline]
    pub fn asked(&mut self, place: u16, step: Step) {
        self.0.push_back((place, step));
    }

    /// Which request the next answer is for.
    ///
    /// # Errors
    /// If there is none: the peer says more than it was asked.
    #[inline]
    pub fn answered(&mut self) -> Result<(u16, Step), Broken> {
        let unasked = || Broken("an answer that nobody asked for".to_owned());
        self.0.pop_front().ok_or_else(unasked)
    }

    /// Takes whole lines off the front of `bytes`, each the answer to a request in order; `means`
    /// tells what a line is. Gives the bytes taken.
    ///
    /// # Errors
    /// If there are more lines than requests.
    #[inline]
    pub fn lines(
        &mut self,
        bytes: &[u8],
        answers: &mut Vec<Answer>,
        means: impl Fn(Step, &[u8]) -> Option<Outcome>,
    ) -> Result<usize, Broken> {
        let mut taken = 0;
        while let Some((said, length)) = line(&bytes[taken..]) {
            let (place, step) = self.answered()?;
            let outcome = means(step, said).unwrap_or_else(|| Outcome::Failed(quoted(said)));
            answers.push(Answer { place, outcome });
            taken += length;
        }
        Ok(taken)
    }
}

/// The first line of `bytes`, without its end, and its length with it. `None`: it is not whole.
#[inline]
#[must_use]
pub fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// What a peer said, for people.
#[must_use]
pub fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 200;
    let shown = &bytes[..bytes.len().min(SHOWN)];
    shown.escape_ascii().to_string()
}
