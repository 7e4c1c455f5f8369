//! The client's own thread: connects, reads, and does what is due.
//!
//! It never blocks but in one poll, so that a hold's deadline is kept while a connection is being
//! made, refused or waited for.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustix::time::Timespec;

use super::address::Endpoint;
use super::backoff::Backoff;
use super::resolver::Resolver;
use super::shared::Shared;
use super::socket::{begin_connect, finish_connect};
use crate::error::Error;
use crate::machine::{Broken, Instant, Status};

/// Bytes read at once at most.
const READ_BYTES: usize = 64 * 1024;
/// How long the server may take to answer the last Close.
const LINGER: Duration = Duration::from_secs(2);

/// How to reach the server.
#[derive(Debug)]
pub(super) struct Route {
    /// The address of the session's shard, if it is for one: the first of `addresses` always.
    first: Option<Endpoint>,
    /// Tried in turn, beginning with the one that worked last. Not empty.
    addresses: Vec<Endpoint>,
    resolver: Resolver,
    connect_timeout: Duration,
    backoff: Backoff,
}

impl Route {
    /// To `first` and then to each of `addresses`; later to what `resolver` finds in their stead.
    pub(super) fn new(
        first: Option<Endpoint>,
        addresses: Vec<Endpoint>,
        resolver: Resolver,
        connect_timeout: Duration,
        backoff: Backoff,
    ) -> Self {
        assert!(!addresses.is_empty(), "a route has an address");
        let addresses = first.iter().cloned().chain(addresses).collect();
        Self {
            first,
            addresses,
            resolver,
            connect_timeout,
            backoff,
        }
    }

    /// Goes over to newly found addresses, if there are any. Whether they are others.
    fn renew(&mut self) -> bool {
        let Some(found) = self.resolver.found() else {
            return false;
        };
        let found: Vec<_> = self.first.iter().cloned().chain(found).collect();
        let is_new = found != self.addresses;
        self.addresses = found;
        is_new
    }
}

/// The thread's state.
pub(super) struct Driver {
    shared: Arc<Shared>,
    route: Route,
    /// Which address is tried now.
    address: usize,
    failures: usize,
    /// The server has answered since the last wait to reconnect.
    is_settled: bool,
    link: Link,
    inbox: Vec<u8>,
    /// When to stop waiting for the answer to Close.
    linger_until: Option<Instant>,
}

/// How far the connection is.
enum Link {
    Down {
        retry_at: Instant,
    },
    Connecting {
        socket: OwnedFd,
        give_up_at: Instant,
    },
    Up {
        socket: Arc<OwnedFd>,
    },
}

/// Whether the thread goes on.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    Stop,
}

/// Ends the machine with its thread, so that nobody waits for answers that nobody reads; even if
/// the thread panics.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.drop_connection();
        let mut state = self.0.state();
        state.machine.abandon();
        self.0.publish(state);
    }
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>, route: Route) -> Self {
        let link = Link::Down {
            retry_at: Instant(0),
        };
        let inbox = vec![0; READ_BYTES];
        Self {
            shared,
            route,
            address: 0,
            failures: 0,
            is_settled: true,
            link,
            inbox,
            linger_until: None,
        }
    }

    /// Runs until the machine is finished, or nobody uses the client and it is closed.
    pub(super) fn run(mut self) {
        let _finish = Finish(Arc::clone(&self.shared));
        while self.turn() == Flow::Continue {}
    }

    fn turn(&mut self) -> Flow {
        self.connect_if_due();
        let is_ready = self.poll();
        if is_ready {
            self.handle_socket();
        }
        self.handle_time();
        self.flow()
    }

    /// Stops once the machine is finished; or some time after everybody has let go.
    fn flow(&mut self) -> Flow {
        let now = self.shared.clock.now();
        let state = self.shared.state();
        if state.machine.ended().is_some() {
            return Flow::Stop;
        }
        if !state.is_abandoned {
            return Flow::Continue;
        }
        let linger_until = *self.linger_until.get_or_insert(now.plus(LINGER));
        if now >= linger_until {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }

    fn connect_if_due(&mut self) {
        let now = self.shared.clock.now();
        let Link::Down { retry_at } = self.link else {
            return;
        };
        if now < retry_at || !self.shared.state().machine.wants_connection() {
            return;
        }
        if self.route.renew() {
            self.address = 0;
        }
        match begin_connect(&self.route.addresses[self.address]) {
            Ok(socket) => {
                let give_up_at = now.plus(self.route.connect_timeout);
                self.link = Link::Connecting { socket, give_up_at };
            }
            Err(error) => self.unreachable(error),
        }
    }

    /// Waits for the socket, a wake-up or the next deadline. Whether the socket is ready.
    fn poll(&mut self) -> bool {
        let (wake_at, is_blocked) = self.announce_sleep();
        let now = self.shared.clock.now();
        let timeout = (wake_at != Instant::NEVER).then(|| timespec(wake_at.since(now)));
        let wanted = match &self.link {
            Link::Down { .. } => None,
            Link::Connecting { socket, .. } => Some((socket, PollFlags::OUT)),
            Link::Up { socket } if is_blocked => Some((&**socket, PollFlags::IN | PollFlags::OUT)),
            Link::Up { socket } => Some((&**socket, PollFlags::IN)),
        };
        let mut polled = vec![PollFd::new(self.shared.wake_fd(), PollFlags::IN)];
        polled.extend(wanted.map(|(socket, flags)| PollFd::new(socket, flags)));
        match poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => log::error!("poll: {}", io::Error::from(error)),
        }
        let is_woken = !polled[0].revents().is_empty();
        let ready = polled.get(1).map_or(PollFlags::empty(), PollFd::revents);
        if is_woken {
            let mut count = [0; 8];
            // Empty already is as good: only the level counts.
            let _ = rustix::io::read(self.shared.wake_fd(), &mut count);
        }
        if is_blocked && ready.contains(PollFlags::OUT) {
            self.shared.state().is_blocked = false;
            self.shared.send(false);
        }
        !ready.is_empty()
    }

    /// Says until when this thread sleeps; whoever makes an earlier deadline wakes it.
    fn announce_sleep(&self) -> (Instant, bool) {
        let mut state = self.shared.state();
        let mut wake_at = state.machine.next_deadline().unwrap_or(Instant::NEVER);
        match self.link {
            Link::Down { retry_at } if state.machine.wants_connection() => {
                wake_at = wake_at.min(retry_at);
            }
            Link::Connecting { give_up_at, .. } => wake_at = wake_at.min(give_up_at),
            _ => {}
        }
        if state.is_abandoned {
            wake_at = wake_at.min(self.linger_until.unwrap_or(Instant(0)));
        }
        state.driver_wakes_at = wake_at;
        (wake_at, state.is_blocked)
    }

    fn handle_socket(&mut self) {
        match &self.link {
            Link::Down { .. } => {}
            Link::Connecting { .. } => self.finish_connecting(),
            Link::Up { socket } => {
                let socket = Arc::clone(socket);
                self.read(&socket);
            }
        }
    }

    fn finish_connecting(&mut self) {
        let link = std::mem::replace(
            &mut self.link,
            Link::Down {
                retry_at: Instant(0),
            },
        );
        let Link::Connecting { socket, .. } = link else {
            unreachable!("the caller looked")
        };
        if let Err(error) = finish_connect(&socket) {
            self.unreachable(error);
            return;
        }
        let socket = Arc::new(socket);
        let mut state = self.shared.state();
        if !state.machine.wants_connection() {
            return;
        }
        state.socket = Some(Arc::clone(&socket));
        state.is_blocked = false;
        let endpoint = &self.route.addresses[self.address];
        state.contact.endpoint = Some(endpoint.clone());
        state.machine.connected(self.shared.clock.now());
        self.link = Link::Up { socket };
        self.shared.publish(state);
    }

    /// Reads what there is, a bounded amount; poll brings us back for the rest.
    fn read(&mut self, socket: &OwnedFd) {
        let received = recv(socket, &mut *self.inbox, RecvFlags::DONTWAIT);
        let count = match received {
            Err(Errno::AGAIN | Errno::INTR) => return,
            Err(error) => return self.broken(&error),
            Ok((0, _)) => return self.broken(&"the server closed the connection"),
            Ok((count, _)) => count,
        };
        let now = self.shared.clock.now();
        let mut state = self.shared.state();
        state.reads += 1;
        let result = state.machine.received(now, &self.inbox[..count]);
        let is_attached = state.machine.is_attached();
        self.shared.publish(state);
        match result {
            Err(broken) => self.refused(broken),
            Ok(()) if is_attached && !self.is_settled => {
                self.is_settled = true;
                self.failures = 0;
                self.route.backoff.reset();
            }
            Ok(()) => {}
        }
    }

    fn handle_time(&mut self) {
        let now = self.shared.clock.now();
        if matches!(self.link, Link::Connecting { give_up_at, .. } if now >= give_up_at) {
            self.link = Link::Down { retry_at: now };
            self.unreachable(io::ErrorKind::TimedOut.into());
        }
        let mut state = self.shared.state();
        if state
            .machine
            .next_deadline()
            .is_none_or(|deadline| now < deadline)
        {
            return;
        }
        let result = state.machine.handle_timeout(now);
        self.shared.publish(state);
        if let Err(broken) = result {
            self.refused(broken);
        }
    }

    /// The machine let go of the connection.
    fn refused(&mut self, broken: Broken) {
        log::debug!("connection given up: {broken}");
        let error = match broken {
            // The server is there, and there is no session left to be refused: it opens a new one
            // at once, so that holds are asked for before their deadlines.
            Broken::Refused(refusal) if refusal.status == Status::NoSession => {
                return self.reconnect(Duration::ZERO);
            }
            Broken::Refused(refusal) => Error::Refused(refusal),
            _ => Error::NoAnswer,
        };
        self.failed(error);
    }

    /// The connection ended under us. A server that was in contact is best looked for where it was:
    /// it may have been restarted, and a shard has its own address.
    fn broken(&mut self, why: &dyn std::fmt::Display) {
        log::debug!("connection lost: {why}");
        let was_attached = self.shared.state().machine.is_attached();
        if was_attached {
            let wait = self.route.backoff.wait();
            self.reconnect(wait);
        } else {
            self.failed(Error::NoAnswer);
        }
    }

    /// Tries the same address again after `wait`.
    fn reconnect(&mut self, wait: Duration) {
        self.shared.drop_connection();
        let mut state = self.shared.state();
        state.machine.disconnected();
        self.shared.publish(state);
        self.retry_after(wait);
    }

    fn retry_after(&mut self, wait: Duration) {
        self.is_settled = false;
        let retry_at = self.shared.clock.now().plus(wait);
        self.link = Link::Down { retry_at };
    }

    /// There is no connection to be had at this address now.
    fn unreachable(&mut self, source: io::Error) {
        let address = self.route.addresses[self.address].to_string();
        log::debug!("cannot reach {address}: {source}");
        self.failed(Error::Unreachable { address, source });
    }

    /// Goes on to the next address; once all have failed, after a growing wait.
    fn failed(&mut self, error: Error) {
        self.shared.drop_connection();
        let mut state = self.shared.state();
        state.machine.disconnected();
        state.contact.last_error = Some(error);
        self.failures += 1;
        self.address = (self.address + 1) % self.route.addresses.len();
        let is_round = self.failures.is_multiple_of(self.route.addresses.len());
        if is_round {
            state.contact.failed_rounds += 1;
            self.route.resolver.begin();
        }
        self.shared.contacted.notify_all();
        self.shared.publish(state);
        let wait = if is_round {
            self.route.backoff.wait()
        } else {
            Duration::ZERO
        };
        self.retry_after(wait);
    }
}

fn timespec(length: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(length.subsec_nanos()),
    }
}
