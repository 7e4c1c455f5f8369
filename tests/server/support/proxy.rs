//! A TCP proxy that cuts, holds back or swallows at an exact byte of either direction.
//!
//! Each connection that it accepts is a [`Link`] with a [`Plan`], taken from a queue in order of
//! arrival; without a plan it passes everything. One thread per link moves the bytes:
//!
//! ```text
//!  client ──> heard(Up) ──> first `pass` bytes ──> server      then: pass | hold | swallow | cut
//!  client <── first `pass` bytes <── heard(Down) <── server    likewise
//! ```
//!
//! A cut ends both sides at once. What either side sent is kept, beyond the cut too, so that a test
//! can compare what was lost with what is said again.

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;
/// How long an orderly cut waits for both sides to end theirs.
const ORDERLY_MAX: Duration = Duration::from_secs(2);
/// How long a test waits for something to come through a link.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// One of the two directions of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Client to server.
    Up = 0,
    /// Server to client.
    Down = 1,
}

/// How a cut connection ends on the server's side; the client's side always ends in order, so that
/// it gets all that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// FIN, after all bytes let through.
    Orderly,
    /// RST; it may overtake bytes that the server has not read yet.
    Reset,
}

/// What becomes of a direction's bytes behind those that are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// They are kept until the flow is changed, and so is the end of the stream.
    Hold,
    /// They are dropped.
    Swallow,
    /// The connection ends on both sides as soon as the bytes before went through.
    Cut(End),
}

/// What becomes of the bytes of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Bytes let through, counted from the start of the connection.
    pub(crate) pass: usize,
    /// What happens to the rest.
    pub(crate) then: Then,
}

/// What a link does to its two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) up: Flow,
    pub(crate) down: Flow,
}

/// A listener in front of a server.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<ProxyShared>,
}

/// One connection through the proxy.
pub(crate) struct Link {
    state: Mutex<LinkState>,
    changed: Condvar,
    wake: OwnedFd,
}

struct ProxyShared {
    plans: Mutex<ProxyState>,
    accepted: Condvar,
}

struct ProxyState {
    server: SocketAddr,
    plans: VecDeque<Plan>,
    links: Vec<Arc<Link>>,
    stopped: bool,
}

struct LinkState {
    flows: [Flow; 2],
    heard: [Vec<u8>; 2],
    delivered: [usize; 2],
    cut: Option<End>,
    over: bool,
}

impl Flow {
    /// Everything goes through.
    pub(crate) const PASS: Self = Self {
        pass: usize::MAX,
        then: Then::Hold,
    };

    /// The first `pass` bytes go through.
    pub(crate) const fn until(pass: usize, then: Then) -> Self {
        Self { pass, then }
    }
}

impl Plan {
    /// Everything goes through.
    pub(crate) const PASS: Self = Self {
        up: Flow::PASS,
        down: Flow::PASS,
    };

    /// Cuts behind the first `bytes` bytes of that direction.
    pub(crate) const fn cut(direction: Direction, bytes: usize, end: End) -> Self {
        Self::PASS.with(direction, Flow::until(bytes, Then::Cut(end)))
    }

    /// The same with another flow in that direction.
    pub(crate) const fn with(self, direction: Direction, flow: Flow) -> Self {
        match direction {
            Direction::Up => Self { up: flow, ..self },
            Direction::Down => Self { down: flow, ..self },
        }
    }
}

impl Proxy {
    /// Listens on a port of its own and connects each client on to `server`.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(ProxyShared {
            plans: Mutex::new(ProxyState {
                server,
                plans: VecDeque::new(),
                links: Vec::new(),
                stopped: false,
            }),
            accepted: Condvar::new(),
        });
        let acceptor = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &acceptor));
        Self { address, shared }
    }

    /// Where clients connect.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connects clients on to another server from now on.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        self.shared.plans.lock().unwrap().server = server;
    }

    /// The plan of the next connection that has none yet.
    pub(crate) fn plan(&self, plan: Plan) {
        self.shared.plans.lock().unwrap().plans.push_back(plan);
    }

    /// The `index`-th connection since the last [`Proxy::forget`], waiting for it.
    pub(crate) fn link(&self, index: usize) -> Arc<Link> {
        let state = self.shared.plans.lock().unwrap();
        let (state, _) = self
            .shared
            .accepted
            .wait_timeout_while(state, WAIT_MAX, |state| state.links.len() <= index)
            .unwrap();
        Arc::clone(state.links.get(index).expect("the client connected"))
    }

    /// All connections since the last [`Proxy::forget`].
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.shared.plans.lock().unwrap().links.clone()
    }

    /// Forgets connections and plans; the connections go on.
    pub(crate) fn forget(&self) {
        let mut state = self.shared.plans.lock().unwrap();
        state.links.clear();
        state.plans.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.plans.lock().unwrap().stopped = true;
        // The acceptor sees the mark when it has accepted something.
        drop(TcpStream::connect(self.address));
    }
}

fn accept(listener: &TcpListener, shared: &ProxyShared) {
    loop {
        let (client, _) = listener.accept().unwrap();
        let mut state = shared.plans.lock().unwrap();
        if state.stopped {
            return;
        }
        let Ok(server) = TcpStream::connect(state.server) else {
            continue;
        };
        let plan = state.plans.pop_front().unwrap_or(Plan::PASS);
        let link = Arc::new(Link::new(plan));
        state.links.push(Arc::clone(&link));
        shared.accepted.notify_all();
        thread::spawn(move || Pump::new(client, server, link).run());
    }
}

impl Link {
    fn new(plan: Plan) -> Self {
        Self {
            state: Mutex::new(LinkState {
                flows: [plan.up, plan.down],
                heard: [Vec::new(), Vec::new()],
                delivered: [0; 2],
                cut: None,
                over: false,
            }),
            changed: Condvar::new(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap(),
        }
    }

    /// Changes what becomes of a direction's bytes, those held back included.
    pub(crate) fn flow(&self, direction: Direction, flow: Flow) {
        self.state.lock().unwrap().flows[direction as usize] = flow;
        self.wake();
    }

    /// Nothing more goes through either way, not even the end of the connection.
    pub(crate) fn strand(&self) {
        for direction in [Direction::Up, Direction::Down] {
            let passed = self.heard(direction).len();
            self.flow(direction, Flow::until(passed, Then::Hold));
        }
    }

    /// Ends both sides now.
    pub(crate) fn cut(&self, end: End) {
        self.state.lock().unwrap().cut = Some(end);
        self.wake();
    }

    /// All that was sent in that direction so far, whether it went through or not.
    pub(crate) fn heard(&self, direction: Direction) -> Vec<u8> {
        self.state.lock().unwrap().heard[direction as usize].clone()
    }

    /// Waits until at least `bytes` bytes were sent in that direction.
    pub(crate) fn wait_heard(&self, direction: Direction, bytes: usize) {
        let state = self.wait(|state| state.heard[direction as usize].len() >= bytes);
        let heard = state.heard[direction as usize].len();
        assert!(
            heard >= bytes,
            "{heard} of {bytes} bytes came {direction:?}"
        );
    }

    /// Waits until both sides have ended.
    pub(crate) fn wait_over(&self) {
        assert!(self.wait(|state| state.over).over, "the link ends");
    }

    fn wait(&self, enough: impl Fn(&LinkState) -> bool) -> MutexGuard<'_, LinkState> {
        let state = self.state.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(state, WAIT_MAX, |state| !state.over && !enough(state));
        waited.unwrap().0
    }

    fn wake(&self) {
        rustix::io::write(&self.wake, &1u64.to_ne_bytes()).unwrap();
    }
}

/// The thread of a link.
struct Pump {
    /// Where the bytes of [`Direction::Up`] and [`Direction::Down`] come from.
    sources: [TcpStream; 2],
    /// Whether the source has ended.
    ended: [bool; 2],
    /// Whether the end was passed on.
    end_told: [bool; 2],
    link: Arc<Link>,
}

/// Whether the link goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Run,
    Cut(End),
    Over,
}

impl Pump {
    fn new(client: TcpStream, server: TcpStream, link: Arc<Link>) -> Self {
        for socket in [&client, &server] {
            socket.set_nodelay(true).unwrap();
        }
        Self {
            sources: [client, server],
            ended: [false; 2],
            end_told: [false; 2],
            link,
        }
    }

    fn run(mut self) {
        let link = Arc::clone(&self.link);
        let cut = loop {
            match self.step() {
                Next::Run => {}
                Next::Cut(end) => break Some(end),
                Next::Over => break None,
            }
            self.await_bytes();
            self.read_ready();
        };
        match cut {
            Some(end) => self.end_both(end),
            None => drop(self),
        }
        link.state.lock().unwrap().over = true;
        link.changed.notify_all();
    }

    /// Sleeps until a source has bytes or an end, or the test wants something else.
    fn await_bytes(&self) {
        let mut fds = vec![PollFd::new(&self.link.wake, PollFlags::IN)];
        for side in 0..2 {
            if !self.ended[side] {
                fds.push(PollFd::new(&self.sources[side], PollFlags::IN));
            }
        }
        poll(&mut fds, None).unwrap();
        // Empty or not: the counter only wakes.
        let _ = rustix::io::read(&self.link.wake, &mut [0; 8]);
    }

    /// Takes in what is there.
    fn read_ready(&mut self) {
        let mut buffer = [0; READ_BYTES];
        for side in 0..2 {
            if self.ended[side] {
                continue;
            }
            self.sources[side].set_nonblocking(true).unwrap();
            let got = self.sources[side].read(&mut buffer);
            self.sources[side].set_nonblocking(false).unwrap();
            match got {
                Ok(0) => self.ended[side] = true,
                Ok(bytes) => {
                    let mut state = self.link.state.lock().unwrap();
                    state.heard[side].extend_from_slice(&buffer[..bytes]);
                    self.link.changed.notify_all();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.ended[side] = true,
            }
        }
    }

    /// Lets through what may go.
    fn step(&mut self) -> Next {
        let link = Arc::clone(&self.link);
        let mut state = link.state.lock().unwrap();
        for side in 0..2 {
            self.forward(side, &mut state);
        }
        if let Some(end) = state.cut {
            return Next::Cut(end);
        }
        match self.end_told {
            [true, true] => Next::Over,
            _ => Next::Run,
        }
    }

    fn forward(&mut self, side: usize, state: &mut LinkState) {
        let Flow { pass, then } = state.flows[side];
        let heard = state.heard[side].len();
        let reach = match then {
            Then::Swallow => heard,
            Then::Hold | Then::Cut(_) => heard.min(pass),
        };
        let from = state.delivered[side];
        if reach > from {
            let through = from.max(reach.min(pass));
            // A side that is gone takes nothing more; what was for it is lost, as in the network.
            let _ = (&self.sources[1 - side]).write_all(&state.heard[side][from..through]);
            state.delivered[side] = reach;
            self.link.changed.notify_all();
        }
        if let Then::Cut(end) = then
            && state.delivered[side] >= pass
        {
            state.cut.get_or_insert(end);
        }
        let held_back = then == Then::Hold && state.delivered[side] >= pass;
        let all_told = state.delivered[side] == heard && !held_back;
        if self.ended[side] && !self.end_told[side] && all_told {
            let _ = self.sources[1 - side].shutdown(Shutdown::Write);
            self.end_told[side] = true;
        }
    }

    /// Cuts: the client gets an orderly end, the server the one asked for.
    fn end_both(self, end: End) {
        let Self { sources, link, .. } = self;
        let [client, server] = sources;
        let _ = client.shutdown(Shutdown::Write);
        match end {
            End::Orderly => {
                let _ = server.shutdown(Shutdown::Write);
                drain(&server, Direction::Down, &link);
            }
            End::Reset => {
                rustix::net::sockopt::set_socket_linger(&server, Some(Duration::ZERO)).unwrap();
                drop(server);
            }
        }
        // Closing with bytes unread would reset the client, and with that take away bytes that were
        // let through.
        drain(&client, Direction::Up, &link);
    }
}

/// Reads a source to its end; for the record, nothing goes through any more.
fn drain(mut source: &TcpStream, direction: Direction, link: &Link) {
    source.set_read_timeout(Some(ORDERLY_MAX)).unwrap();
    let mut buffer = [0; READ_BYTES];
    while let Ok(bytes @ 1..) = source.read(&mut buffer) {
        let mut state = link.state.lock().unwrap();
        state.heard[direction as usize].extend_from_slice(&buffer[..bytes]);
        link.changed.notify_all();
    }
}
