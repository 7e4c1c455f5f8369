//! The fenced resource: what docs/GUARANTEES.md tells users to put behind a lock.
//!
//! A thread on a Unix socket. It remembers the greatest token of each key and refuses smaller ones,
//! and keeps every access with its instant for the checker.
//!
//! ```text
//! -> MODE TOKEN KEY\n
//! <- ok\n | stale\n
//! ```

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::check::Access;
use crate::clock;
use crate::history::Mode;

/// A resource that serves until the process ends; its socket goes with the folder it lies in.
#[derive(Debug)]
pub struct Resource {
    socket: PathBuf,
    inside: Arc<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    fences: HashMap<String, Fence>,
    accesses: Vec<Access>,
    accepted: usize,
}

/// The greatest tokens of one key. Those that share may come in any order, but not after one that
/// was alone and later.
#[derive(Clone, Copy, Debug, Default)]
struct Fence {
    alone: u64,
    shared: u64,
}

impl Fence {
    fn lets_in(&mut self, mode: Mode, token: u64) -> bool {
        match mode {
            Mode::Exclusive if token >= self.alone.max(self.shared) => self.alone = token,
            Mode::Shared if token >= self.alone => self.shared = self.shared.max(token),
            // Holders of permits are there at once, and in no order.
            Mode::Permits { .. } => {}
            _ => return false,
        }
        true
    }
}

impl Resource {
    /// Serves on a socket of this path.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn serve(socket: PathBuf) -> io::Result<Self> {
        let listener = UnixListener::bind(&socket)?;
        let inside = Arc::new(Inside::default());
        let shared = Arc::clone(&inside);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let inside = Arc::clone(&shared);
                thread::spawn(move || inside.attend(stream));
            }
        });
        Ok(Self { socket, inside })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How many accesses it has let in so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.inside.state().accepted
    }

    /// Waits until it has let in `count` in all, or `patience` is over; whether it has.
    #[must_use]
    pub fn wait_for(&self, count: usize, patience: Duration) -> bool {
        let began = Instant::now();
        let mut state = self.inside.state();
        while state.accepted < count {
            let Some(left) = patience.checked_sub(began.elapsed()) else {
                return false;
            };
            let waited = self.inside.came.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// All accesses, in the order in which they were decided.
    #[must_use]
    pub fn accesses(&self) -> Vec<Access> {
        self.inside.state().accesses.clone()
    }
}

impl Inside {
    /// Nothing that panics happens under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves one worker's client until it goes.
    fn attend(&self, stream: UnixStream) {
        let Ok(mut answers) = stream.try_clone() else {
            return;
        };
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let Some((mode, token, key)) = request(&line) else {
                return;
            };
            let answer: &[u8] = match self.access(mode, token, key) {
                true => b"ok\n",
                false => b"stale\n",
            };
            if answers.write_all(answer).is_err() {
                return;
            }
        }
    }

    fn access(&self, mode: Mode, token: u64, key: &str) -> bool {
        let mut state = self.state();
        let fence = state.fences.entry(key.to_owned()).or_default();
        let was_accepted = fence.lets_in(mode, token);
        state.accepted += usize::from(was_accepted);
        state.accesses.push(Access {
            at: clock::now(),
            key: key.to_owned(),
            token,
            mode,
            was_accepted,
        });
        drop(state);
        self.came.notify_all();
        was_accepted
    }
}

fn request(line: &str) -> Option<(Mode, u64, &str)> {
    let mut words = line.splitn(3, ' ');
    let mode = words.next()?.parse().ok()?;
    let token = words.next()?.parse().ok()?;
    Some((mode, token, words.next()?))
}

/// A worker's way to the resource.
#[derive(Debug)]
pub struct Visitor {
    requests: UnixStream,
    answers: BufReader<UnixStream>,
}

impl Visitor {
    /// Connects to the resource.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn to(socket: &Path) -> io::Result<Self> {
        let requests = UnixStream::connect(socket)?;
        let answers = BufReader::new(requests.try_clone()?);
        Ok(Self { requests, answers })
    }

    /// Shows a token; whether it was let in.
    ///
    /// # Errors
    /// The resource is gone.
    pub fn access(&mut self, mode: Mode, token: u64, key: &str) -> io::Result<bool> {
        self.requests
            .write_all(format!("{mode} {token} {key}\n").as_bytes())?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        match answer.trim_end() {
            "ok" => Ok(true),
            "stale" => Ok(false),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_smaller_token_is_refused_and_every_access_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let resource = Resource::serve(folder.path().join("socket")).unwrap();
        let mut visitor = Visitor::to(resource.socket()).unwrap();
        let mut visit = |mode, token| visitor.access(mode, token, "k").unwrap();
        assert!(visit(Mode::Exclusive, 5));
        assert!(visit(Mode::Exclusive, 5));
        assert!(!visit(Mode::Exclusive, 4));
        assert!(visit(Mode::Shared, 9));
        assert!(visit(Mode::Shared, 7));
        assert!(!visit(Mode::Exclusive, 8));
        assert!(!visit(Mode::Shared, 4));
        assert!(visitor.access(Mode::Exclusive, 1, "another key").unwrap());
        assert!(resource.wait_for(5, Duration::ZERO));
        assert!(!resource.wait_for(6, Duration::ZERO));
        let refused = resource.accesses();
        let refused = refused.iter().filter(|access| !access.was_accepted);
        assert_eq!(
            refused.map(|access| access.token).collect::<Vec<_>>(),
            [4, 8, 4]
        );
    }
}
