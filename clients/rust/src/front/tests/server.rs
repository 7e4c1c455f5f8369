//! A server of one lock mode for tests: exclusive, first come first served, no timers.
//!
//! It listens on a port that the system picks, or on a Unix socket of an abstract name; it keeps
//! sessions and answers over connections as the protocol wants, and lets a test cut connections,
//! end holds and count what arrived. It may have several shards with a port each: then it counts
//! the requests that came to another shard than their key's, and serves them alike.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use locker_protocol::{self as wire, Request, Status};

/// A connection of either kind: both are read, written and shut down in the same way.
type Stream = std::os::unix::net::UnixStream;

/// Of every session.
pub(super) const TTL: Duration = Duration::from_secs(60);

pub(super) struct FakeServer {
    /// As a client is told it.
    pub(super) address: String,
    /// Each shard's own port, if it has several.
    pub(super) ports: Vec<u16>,
    shared: Arc<Shared>,
}

struct Shared {
    table: Mutex<Table>,
    changed: Condvar,
    started: Instant,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<u64, Session>,
    holders: HashMap<Vec<u8>, Holder>,
    waiters: HashMap<Vec<u8>, VecDeque<Waiter>>,
    last_token: u64,
    last_session: u64,
    connections: u64,
    requests: HashMap<&'static str, u64>,
    /// Connections are accepted and never answered.
    is_mute: bool,
    refuse_hello: Option<Status>,
    /// What greetings say of the shards.
    ports: Vec<u16>,
    /// The shard that sessions are opened in by connections to the common address.
    common_shard: u16,
    groups: HashSet<[u8; 16]>,
    /// Requests about a key whose shard was another than the session's.
    hops: u64,
}

#[derive(Default)]
struct Session {
    shard: u16,
    stream: Option<Stream>,
    /// Whole reply frames by request id.
    answers: HashMap<u64, Vec<u8>>,
    running: Vec<u64>,
}

struct Holder {
    session: u64,
    owner: u64,
    token: u64,
}

struct Waiter {
    session: u64,
    owner: u64,
    id: u64,
}

impl FakeServer {
    /// One that listens on a port.
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self::serving(address, move || listener.accept().unwrap().0.into())
    }

    /// One of so many shards, with a common port and one for each shard.
    pub(super) fn start_sharded(shards: u16) -> Self {
        let mut server = Self::start();
        for shard in 0..shards {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            server.ports.push(listener.local_addr().unwrap().port());
            let accept = move || listener.accept().unwrap().0.into();
            server.shared.clone().accept(Some(shard), accept);
        }
        server.say_ports(&server.ports);
        server
    }

    /// One that listens on a Unix socket.
    pub(super) fn start_unix() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("locker-client-test-{}-{count}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listener = UnixListener::bind_addr(&address).unwrap();
        let address = format!("unix:@{name}");
        Self::serving(address, move || listener.accept().unwrap().0.into())
    }

    fn serving(address: String, accept: impl Fn() -> OwnedFd + Send + 'static) -> Self {
        let shared = Arc::new(Shared {
            table: Mutex::default(),
            changed: Condvar::new(),
            started: Instant::now(),
        });
        Arc::clone(&shared).accept(None, accept);
        Self {
            address,
            ports: Vec::new(),
            shared,
        }
    }

    /// Has greetings name these ports from now on, one for each shard.
    pub(super) fn say_ports(&self, ports: &[u16]) {
        self.shared.lock().ports = ports.to_vec();
    }

    /// Has the common address lead to this shard from now on.
    pub(super) fn set_common_shard(&self, shard: u16) {
        self.shared.lock().common_shard = shard;
    }

    /// Requests so far that came to another shard than their key's.
    pub(super) fn hops(&self) -> u64 {
        self.shared.lock().hops
    }

    /// Sessions that are there, by shard.
    pub(super) fn sessions(&self) -> Vec<u16> {
        let table = self.shared.lock();
        let mut shards: Vec<u16> = table.sessions.values().map(|it| it.shard).collect();
        shards.sort_unstable();
        shards
    }

    /// The groups that sessions were opened with.
    pub(super) fn groups(&self) -> Vec<[u8; 16]> {
        self.shared.lock().groups.iter().copied().collect()
    }

    /// Cuts the connections of one shard's sessions.
    pub(super) fn cut_shard(&self, shard: u16) {
        let mut table = self.shared.lock();
        let sessions = table.sessions.values_mut();
        for session in sessions.filter(|session| session.shard == shard) {
            session.cut();
        }
    }

    pub(super) fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    pub(super) fn requests(&self, name: &str) -> u64 {
        self.shared.lock().requests.get(name).copied().unwrap_or(0)
    }

    /// Blocks until that many requests of the name have arrived.
    pub(super) fn wait_for(&self, name: &str, count: u64) {
        self.wait_until(|table| table.requests.get(name).copied().unwrap_or(0) >= count);
    }

    /// Blocks until that many wait for the key.
    pub(super) fn wait_for_waiters(&self, key: &[u8], count: usize) {
        self.wait_until(|table| table.waiters.get(key).map_or(0, VecDeque::len) == count);
    }

    /// Blocks until nobody holds the key.
    pub(super) fn wait_until_free(&self, key: &[u8]) {
        self.wait_until(|table| !table.holders.contains_key(key));
    }

    fn wait_until(&self, reached: impl Fn(&Table) -> bool) {
        let mut table = self.shared.lock();
        while !reached(&table) {
            table = self.shared.changed.wait(table).unwrap();
        }
    }

    /// Cuts every connection; sessions stay.
    pub(super) fn cut(&self) {
        for session in self.shared.lock().sessions.values_mut() {
            session.cut();
        }
    }

    /// Forgets every session and hold, as a restart does, and cuts every connection.
    pub(super) fn forget(&self) {
        // Under one lock: a session that was resumed between the two would never hear of it.
        let mut table = self.shared.lock();
        table.sessions.values_mut().for_each(Session::cut);
        table.sessions.clear();
        table.holders.clear();
        table.waiters.clear();
    }

    /// Ends the hold of the key and tells its holder.
    pub(super) fn force(&self, key: &[u8]) {
        let mut table = self.shared.lock();
        let Holder {
            session,
            owner,
            token,
        } = table.holders.remove(key).unwrap();
        let mut frame = Vec::new();
        wire::Lost {
            token,
            owner,
            reason: wire::LostReason::Forced,
            key,
        }
        .encode(&mut frame);
        table.push(session, &frame);
    }

    pub(super) fn go_away(&self, reason: wire::GoAwayReason) {
        let mut table = self.shared.lock();
        let mut frame = Vec::new();
        wire::GoAway {
            drain_ms: 0,
            reason,
        }
        .encode(&mut frame);
        let sessions: Vec<u64> = table.sessions.keys().copied().collect();
        sessions
            .into_iter()
            .for_each(|session| table.push(session, &frame));
    }

    pub(super) fn set_mute(&self, is_mute: bool) {
        self.shared.lock().is_mute = is_mute;
    }

    pub(super) fn refuse_hello(&self, status: Option<Status>) {
        self.shared.lock().refuse_hello = status;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap()
    }

    /// Serves connections of the common port, or of one shard's.
    fn accept(self: Arc<Self>, shard: Option<u16>, accept: impl Fn() -> OwnedFd + Send + 'static) {
        thread::spawn(move || {
            loop {
                let stream = Stream::from(accept());
                let serving = Arc::clone(&self);
                serving.lock().connections += 1;
                thread::spawn(move || serving.serve(shard, stream));
            }
        });
    }

    fn serve(&self, shard: Option<u16>, mut stream: Stream) {
        let mut bytes = Vec::new();
        let mut chunk = [0; 64 * 1024];
        let mut session = 0;
        let mut has_preface = false;
        while let Ok(count @ 1..) = stream.read(&mut chunk) {
            bytes.extend_from_slice(&chunk[..count]);
            if !has_preface && bytes.len() >= wire::PREFACE.len() {
                assert!(bytes.starts_with(&wire::PREFACE));
                bytes.drain(..wire::PREFACE.len());
                has_preface = true;
            }
            while let Some((frame, length)) = wire::split_frame(&bytes, 65_536).unwrap() {
                let request = Request::decode(&frame).unwrap();
                let mut table = self.lock();
                let known = table
                    .sessions
                    .get(&session)
                    .is_some_and(|it| it.stream.is_some());
                let is_hello = matches!(request, Request::Hello(_));
                if table.is_mute || !is_hello && session != 0 && !known {
                    return;
                }
                *table.requests.entry(request.opcode().name()).or_default() += 1;
                let now = u64::try_from(self.started.elapsed().as_micros()).unwrap();
                if let Request::Hello(hello) = request {
                    session = table.hello(shard, &hello, &mut stream, now);
                } else {
                    table.count_hop(session, &request);
                    table.handle(session, frame.header.request_id, &request, &mut stream, now);
                }
                self.changed.notify_all();
                drop(table);
                bytes.drain(..length);
            }
        }
    }
}

impl Session {
    fn cut(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }
}

impl Table {
    /// Counts a request that a server of several cores would have to hand on.
    fn count_hop(&mut self, session: u64, request: &Request<'_>) {
        let key = match request {
            Request::Acquire(acquire) => acquire.key,
            Request::Release(release) => release.key,
            Request::Renew(renew) => renew.key,
            _ => return,
        };
        let shards = u16::try_from(self.ports.len().max(1)).unwrap();
        let owner = wire::shard_of_slot(wire::slot_of(key), shards);
        let home = self.sessions.get(&session).map(|session| session.shard);
        self.hops += u64::from(home.is_some_and(|home| home != owner));
    }

    fn hello(
        &mut self,
        shard: Option<u16>,
        hello: &wire::Hello<'_>,
        stream: &mut Stream,
        now: u64,
    ) -> u64 {
        let mut frame = Vec::new();
        let is_unknown = hello.action == wire::HelloAction::Resume
            && !self.sessions.contains_key(&hello.session_id);
        let refusal = self
            .refuse_hello
            .or(is_unknown.then_some(Status::NoSession));
        if let Some(status) = refusal {
            let refusal = wire::Refusal {
                status,
                limit: 0,
                value: 0,
                detail: "",
            };
            refusal.encode(wire::Opcode::Hello.reply(), 1, &mut frame);
            stream.write_all(&frame).unwrap();
            stream.shutdown(Shutdown::Both).unwrap();
            return 0;
        }
        let session = match hello.action {
            wire::HelloAction::None => 0,
            wire::HelloAction::Open => {
                self.groups.insert(hello.group);
                self.last_session += 1;
                self.last_session
            }
            wire::HelloAction::Resume => hello.session_id,
        };
        let shard = match self.sessions.get(&session) {
            Some(known) => known.shard,
            None => shard.unwrap_or(self.common_shard),
        };
        let ports: Vec<u8> = self
            .ports
            .iter()
            .copied()
            .flat_map(u16::to_le_bytes)
            .collect();
        let ports = wire::U16List::from_bytes(&ports);
        hello_ok(session, (shard, ports), hello.attach, now).encode(1, &mut frame);
        stream.write_all(&frame).unwrap();
        if session != 0 {
            let kept = self.sessions.entry(session).or_default();
            kept.shard = shard;
            kept.stream = Some(stream.try_clone().unwrap());
        }
        session
    }

    fn handle(
        &mut self,
        session: u64,
        id: u64,
        request: &Request<'_>,
        stream: &mut Stream,
        now: u64,
    ) {
        if let Some(known) = self.sessions.get(&session) {
            if let Some(answer) = known.answers.get(&id) {
                let _ = stream.write_all(answer);
                return;
            }
            if known.running.contains(&id) {
                return;
            }
        }
        let mut out = Vec::new();
        match request {
            Request::Ping(_) => wire::Pong { server_now: now }.encode(id, &mut out),
            Request::Get(get) => self.get(get.key, now).encode(id, &mut out),
            Request::Acquire(acquire) => self.acquire(session, id, acquire, now),
            Request::Release(release) => {
                let status = self.release(session, release.owner, release.token, release.key, now);
                match status {
                    Status::Ok => wire::Released.encode(id, &mut out),
                    status => refuse(wire::Opcode::Release, id, status, &mut out),
                }
            }
            Request::Renew(renew) if self.holds(session, renew.token, renew.key) => {
                let until = match renew.lease_ms {
                    0 | u32::MAX => 0,
                    lease_ms => now + u64::from(lease_ms) * 1_000,
                };
                wire::Renewed {
                    until,
                    server_now: now,
                }
                .encode(id, &mut out);
            }
            Request::Renew(_) => refuse(wire::Opcode::Renew, id, Status::NotHeld, &mut out),
            Request::Cancel(cancel) => {
                let outcome = self.cancel(session, cancel, now);
                wire::CancelDone { token: 0, outcome }.encode(id, &mut out);
            }
            Request::Close(_) => {
                self.holders.retain(|_, holder| holder.session != session);
                wire::Closed.encode(id, &mut out);
                stream.write_all(&out).unwrap();
                self.sessions.remove(&session);
                return;
            }
            other => panic!("no test asks for {other:?}"),
        }
        if session == 0 {
            stream.write_all(&out).unwrap();
        } else if !out.is_empty() {
            self.answer(session, id, out);
        }
    }

    fn get(&self, key: &[u8], server_now: u64) -> wire::GetReply<'static> {
        wire::GetReply {
            server_now,
            mode: self.holders.get(key).map(|_| wire::Mode::Exclusive),
            closed: false,
            grace: false,
            limit: 0,
            permits_used: 0,
            holders_total: u32::from(self.holders.contains_key(key)),
            waiters_total: 0,
            closed_ms: 0,
            holders: wire::RecordList::EMPTY,
            waiters: wire::RecordList::EMPTY,
        }
    }

    fn acquire(&mut self, session: u64, id: u64, acquire: &wire::Acquire<'_>, now: u64) {
        let key = acquire.key.to_vec();
        if !self.holders.contains_key(&key) {
            self.grant(
                Waiter {
                    session,
                    owner: acquire.owner,
                    id,
                },
                key,
                now,
            );
        } else if acquire.wait_ms == 0 {
            let mut out = Vec::new();
            refuse(wire::Opcode::Acquire, id, Status::Timeout, &mut out);
            self.answer(session, id, out);
        } else {
            self.sessions.get_mut(&session).unwrap().running.push(id);
            let waiter = Waiter {
                session,
                owner: acquire.owner,
                id,
            };
            self.waiters.entry(key).or_default().push_back(waiter);
        }
    }

    fn grant(&mut self, waiter: Waiter, key: Vec<u8>, now: u64) {
        self.last_token += 1;
        let token = self.last_token;
        let Waiter { session, owner, id } = waiter;
        self.holders.insert(
            key,
            Holder {
                session,
                owner,
                token,
            },
        );
        let mut out = Vec::new();
        wire::Granted {
            token,
            until: 0,
            server_now: now,
        }
        .encode(id, &mut out);
        self.answer(session, id, out);
    }

    fn holds(&self, session: u64, token: u64, key: &[u8]) -> bool {
        let held = |holder: &Holder| holder.session == session && holder.token == token;
        self.holders.get(key).is_some_and(held)
    }

    fn release(&mut self, session: u64, owner: u64, token: u64, key: &[u8], now: u64) -> Status {
        if !self.holds(session, token, key) {
            return Status::NotHeld;
        }
        assert_eq!(self.holders[key].owner, owner);
        self.holders.remove(key);
        let next = self.waiters.get_mut(key).and_then(VecDeque::pop_front);
        if let Some(next) = next {
            self.grant(next, key.to_vec(), now);
        }
        Status::Ok
    }

    fn cancel(&mut self, session: u64, cancel: &wire::Cancel<'_>, now: u64) -> wire::CancelOutcome {
        let queue = self.waiters.entry(cancel.key.to_vec()).or_default();
        let is_wanted =
            |waiter: &Waiter| (waiter.session, waiter.id) == (session, cancel.acquire_id);
        if let Some(place) = queue.iter().position(is_wanted) {
            queue.remove(place);
            let mut out = Vec::new();
            refuse(
                wire::Opcode::Acquire,
                cancel.acquire_id,
                Status::Cancelled,
                &mut out,
            );
            self.answer(session, cancel.acquire_id, out);
            return wire::CancelOutcome::Cancelled;
        }
        let held = |holder: &&Holder| (holder.session, holder.owner) == (session, cancel.owner);
        let Some(token) = self.holders.get(cancel.key).filter(held).map(|it| it.token) else {
            return wire::CancelOutcome::NotFound;
        };
        self.release(session, cancel.owner, token, cancel.key, now);
        wire::CancelOutcome::Released
    }

    fn answer(&mut self, session: u64, id: u64, frame: Vec<u8>) {
        self.push(session, &frame);
        let known = self.sessions.get_mut(&session).unwrap();
        known.running.retain(|&running| running != id);
        if id & 0xFFFF != 0xFFFF {
            known.answers.insert(id, frame);
        }
    }

    fn push(&mut self, session: u64, frame: &[u8]) {
        if let Some(stream) = &mut self.sessions.get_mut(&session).unwrap().stream {
            // A connection that is being cut: the resume brings the answer.
            let _ = stream.write_all(frame);
        }
    }
}

fn hello_ok(
    session_id: u64,
    (shard, ports): (u16, wire::U16List<'_>),
    attach: u32,
    server_now: u64,
) -> wire::HelloOk<'_> {
    wire::HelloOk {
        version: wire::VERSION,
        ephemeral: false,
        admin: true,
        resumed: false,
        draining: false,
        shard,
        shards: u16::try_from(ports.len().max(1)).unwrap(),
        seats: 64,
        features: 0,
        server_id: [1; 16],
        run: 1,
        session_id,
        secret: [3; 16],
        attach,
        ttl_ms: u32::try_from(TTL.as_millis()).unwrap(),
        keepalive_ms: 20_000,
        grace_left_ms: 0,
        server_now,
        margin_permille: 10,
        margin_ms: 2,
        frame_max: 65_536,
        key_max: 256,
        metadata_max: 256,
        lease_min_ms: 10,
        lease_max_ms: 1_000_000,
        ports,
    }
}

fn refuse(op: wire::Opcode, id: u64, status: Status, out: &mut Vec<u8>) {
    wire::Refusal {
        status,
        limit: 0,
        value: 0,
        detail: "",
    }
    .encode(op.reply(), id, out);
}
