//! Keys, holds and waiters: strictly first come, first served, but for the fault.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use locker_protocol::{
    Acquire, Closed, Get, GetReply, Granted, HelloOk, LEASE_KEEP, Lost, LostReason, Mode, Pong,
    RecordList, Refusal, Release, Released, Renew, Renewed, Request, Status, TOKEN_ANY, U16List,
    WAIT_FOREVER, WAIT_TRY,
};

use super::fault::Fault;

const TTL_MS: u32 = 10_000;
const TOKEN_FIRST: u64 = 1 << 40;
const TOKEN_STEP: u64 = 10;

/// Bytes for each connection.
pub(super) type Answers = BTreeMap<u64, Vec<u8>>;

/// An acquire, waiting or granted.
#[derive(Clone, Debug)]
struct Entry {
    connection: u64,
    request: u64,
    owner: u64,
    mode: Mode,
    limit: u32,
    lease_ms: u32,
    /// When its wait, then its lease, is over, in microseconds.
    over: u64,
    token: u64,
}

#[derive(Debug, Default)]
struct Key {
    holds: Vec<Entry>,
    queue: VecDeque<Entry>,
}

/// All that the server knows.
#[derive(Debug)]
pub(super) struct Table {
    fault: Fault,
    began: Instant,
    keys: HashMap<Vec<u8>, Key>,
    sockets: HashMap<u64, TcpStream>,
    token: u64,
    occasions: u32,
}

impl Table {
    pub(super) fn new(fault: Fault) -> Self {
        Self {
            fault,
            began: Instant::now(),
            keys: HashMap::new(),
            sockets: HashMap::new(),
            token: TOKEN_FIRST,
            occasions: 0,
        }
    }

    pub(super) fn opened(&mut self, connection: u64, socket: TcpStream) {
        self.sockets.insert(connection, socket);
    }

    pub(super) fn closed(&mut self, connection: u64, answers: &mut Answers) {
        self.sockets.remove(&connection);
        self.end_session(connection, answers);
    }

    /// Writes what each connection is to hear; one that is gone hears nothing.
    pub(super) fn send(&mut self, answers: Answers) {
        for (connection, bytes) in answers {
            if let Some(socket) = self.sockets.get_mut(&connection) {
                drop(socket.write_all(&bytes));
            }
        }
    }

    /// Whether to break the promise at this occasion, if it is the fault's.
    fn breaks(&mut self, fault: Fault) -> bool {
        if self.fault != fault {
            return false;
        }
        self.occasions += 1;
        self.occasions.is_multiple_of(fault.rarity())
    }

    fn now_us(&self) -> u64 {
        // 0 stands for none on the wire.
        1 + u64::try_from(self.began.elapsed().as_micros()).unwrap()
    }

    pub(super) fn request(
        &mut self,
        connection: u64,
        id: u64,
        request: &Request<'_>,
        answers: &mut Answers,
    ) {
        let out = answers.entry(connection).or_default();
        let server_now = self.now_us();
        match request {
            Request::Hello(_) => self.hello(connection).encode(id, out),
            Request::Ping(_) => Pong { server_now }.encode(id, out),
            Request::Close(_) => {
                Closed.encode(id, out);
                self.end_session(connection, answers);
            }
            Request::Acquire(acquire) => self.acquire(connection, id, acquire, answers),
            Request::Release(release) => self.release(connection, id, release, answers),
            Request::Renew(renew) => self.renew(connection, id, renew, answers),
            Request::Get(get) => self.read(get).encode(id, out),
            request => panic!("a load generator does not ask for {request:?}"),
        }
    }

    fn hello(&self, connection: u64) -> HelloOk<'static> {
        HelloOk {
            version: 1,
            ephemeral: true,
            admin: false,
            resumed: false,
            draining: false,
            shard: 0,
            shards: 1,
            seats: 4_096,
            features: 0,
            server_id: [0; 16],
            run: 1,
            session_id: connection,
            secret: [7; 16],
            attach: 0,
            ttl_ms: TTL_MS,
            keepalive_ms: TTL_MS / 3,
            grace_left_ms: 0,
            server_now: self.now_us(),
            margin_permille: 10,
            margin_ms: 2,
            frame_max: 65_536,
            key_max: 1_024,
            metadata_max: 256,
            lease_min_ms: 10,
            lease_max_ms: 1_000_000,
            ports: U16List::from_bytes(&[]),
        }
    }

    fn read(&self, get: &Get<'_>) -> GetReply<'static> {
        let key = self.keys.get(get.key);
        let count = |count: usize| u32::try_from(count).unwrap();
        GetReply {
            server_now: self.now_us(),
            mode: key.and_then(|key| key.holds.first().map(|hold| hold.mode)),
            closed: false,
            grace: false,
            limit: 0,
            permits_used: 0,
            holders_total: count(key.map_or(0, |key| key.holds.len())),
            waiters_total: count(key.map_or(0, |key| key.queue.len())),
            closed_ms: 0,
            holders: RecordList::EMPTY,
            waiters: RecordList::EMPTY,
        }
    }

    fn acquire(&mut self, connection: u64, id: u64, acquire: &Acquire<'_>, answers: &mut Answers) {
        let over = match acquire.wait_ms {
            WAIT_FOREVER => u64::MAX,
            ms => self.now_us() + u64::from(ms) * 1_000,
        };
        let entry = Entry {
            connection,
            request: id,
            owner: acquire.owner,
            mode: acquire.mode,
            limit: acquire.limit,
            lease_ms: acquire.lease_ms,
            over,
            token: 0,
        };
        let key = self.keys.entry(acquire.key.to_vec()).or_default();
        key.queue.push_back(entry);
        self.serve(acquire.key, answers);
        if acquire.wait_ms == WAIT_TRY {
            let queue = &mut self.keys.get_mut(acquire.key).unwrap().queue;
            let is_it = |entry: &Entry| (entry.connection, entry.request) == (connection, id);
            if queue.back().is_some_and(is_it) {
                queue.pop_back();
                refuse(Status::Timeout, Granted::OP, connection, id, answers);
            }
        }
    }

    fn release(&mut self, connection: u64, id: u64, release: &Release<'_>, answers: &mut Answers) {
        let holds = self.keys.get_mut(release.key).map(|key| &mut key.holds);
        let place = holds.as_ref().and_then(|holds| {
            holds.iter().position(|hold| {
                let is_token = release.token == TOKEN_ANY || release.token == hold.token;
                hold.connection == connection && hold.owner == release.owner && is_token
            })
        });
        match (holds, place) {
            (Some(holds), Some(place)) => {
                holds.remove(place);
                let out = answers.entry(connection).or_default();
                if !self.breaks(Fault::DropsAnswer) {
                    Released.encode(id, out);
                }
                self.serve(release.key, answers);
            }
            _ => refuse(Status::NotHeld, Released::OP, connection, id, answers),
        }
    }

    fn renew(&mut self, connection: u64, id: u64, renew: &Renew<'_>, answers: &mut Answers) {
        let server_now = self.now_us();
        let key = self.keys.get_mut(renew.key);
        let hold = key.and_then(|key| key.holds.iter_mut().find(|h| h.token == renew.token));
        let Some(hold) = hold else {
            refuse(Status::NotHeld, Renewed::OP, connection, id, answers);
            return;
        };
        if renew.lease_ms != LEASE_KEEP {
            hold.lease_ms = renew.lease_ms;
            hold.over = lease_end(server_now, renew.lease_ms);
        }
        let until = if hold.over == u64::MAX { 0 } else { hold.over };
        let out = answers.entry(connection).or_default();
        Renewed { until, server_now }.encode(id, out);
    }

    /// Grants from the head of the queue what goes together.
    fn serve(&mut self, name: &[u8], answers: &mut Answers) {
        while let Some(place) = self.next(name) {
            let key = self.keys.get_mut(name).unwrap();
            let mut entry = key.queue.remove(place).unwrap();
            let server_now = self.now_us();
            self.token += TOKEN_STEP;
            entry.token = if self.breaks(Fault::ReusesToken) {
                self.token - TOKEN_STEP
            } else if self.breaks(Fault::TokenGoesBack) {
                self.token - 3 * TOKEN_STEP / 2
            } else {
                self.token
            };
            let end = lease_end(server_now, entry.lease_ms);
            let until = if end == u64::MAX { 0 } else { end };
            entry.over = match self.breaks(Fault::ShortensLease) {
                true => server_now + (end - server_now) / 8,
                false => end,
            };
            let granted = Granted {
                token: entry.token,
                until,
                server_now,
            };
            self.tell_grant(&entry, &granted, answers);
            self.keys.get_mut(name).unwrap().holds.push(entry);
        }
    }

    fn tell_grant(&mut self, entry: &Entry, granted: &Granted, answers: &mut Answers) {
        let out = answers.entry(entry.connection).or_default();
        let wrong = u64::from(self.breaks(Fault::AnswersWrongId)) * (1_000 << 16);
        granted.encode(entry.request + wrong, out);
        if self.breaks(Fault::AnswersTwice) {
            granted.encode(entry.request, out);
        }
        if self.breaks(Fault::SendsGarbage) {
            out.extend_from_slice(&[0x11; 32]);
        }
    }

    /// The place in the queue of who is to be served next, if anybody is.
    fn next(&mut self, name: &[u8]) -> Option<usize> {
        let key = self.keys.get(name)?;
        let head = key.queue.front()?;
        let second = key.queue.iter().skip(1);
        let mut same = second
            .zip(1..)
            .filter(|(e, _)| e.connection == head.connection);
        let place = match self.fault {
            Fault::LastFirst => key.queue.len() - 1,
            Fault::SwapsOnConnection => same.next().map_or(0, |(_, place)| place),
            _ => 0,
        };
        let entry = &key.queue[place];
        let modes_fit =
            (key.holds.iter()).all(|hold| hold.mode == entry.mode && entry.mode != Mode::Exclusive);
        let has_room = entry.mode != Mode::Permit || key.holds.len() < entry.limit as usize;
        if modes_fit && has_room {
            return Some(place);
        }
        let are_exclusive = (key.holds.iter()).all(|hold| hold.mode == Mode::Exclusive)
            && entry.mode == Mode::Exclusive;
        let may_break = match self.fault {
            Fault::GrantsTwice => are_exclusive && key.holds.len() == 1,
            Fault::MixesModes => !modes_fit && !are_exclusive,
            Fault::OverPermits => modes_fit && !has_room,
            _ => false,
        };
        (may_break && self.breaks(self.fault)).then_some(place)
    }

    fn end_session(&mut self, connection: u64, answers: &mut Answers) {
        let mut touched = Vec::new();
        for (name, key) in &mut self.keys {
            let before = key.holds.len() + key.queue.len();
            key.holds.retain(|hold| hold.connection != connection);
            key.queue.retain(|waiter| waiter.connection != connection);
            if key.holds.len() + key.queue.len() < before {
                touched.push(name.clone());
            }
        }
        for name in touched {
            self.serve(&name, answers);
        }
    }

    /// Ends the waits and leases that are over.
    pub(super) fn pass_time(&mut self, answers: &mut Answers) {
        let now = self.now_us();
        let mut touched = Vec::new();
        let grants_after = self.fault == Fault::GrantsAfterTimeout;
        for (name, key) in &mut self.keys {
            let count = key.holds.len() + key.queue.len();
            let late = key.queue.iter_mut().filter(|waiter| waiter.over <= now);
            for waiter in late {
                let (connection, request) = (waiter.connection, waiter.request);
                refuse(Status::Timeout, Granted::OP, connection, request, answers);
                if grants_after {
                    waiter.over = u64::MAX;
                }
            }
            key.queue.retain(|waiter| waiter.over > now);
            let lost: Vec<Entry> = key.holds.extract_if(.., |hold| hold.over <= now).collect();
            if self.fault != Fault::ShortensLease {
                for hold in &lost {
                    let out = answers.entry(hold.connection).or_default();
                    let lost = Lost {
                        token: hold.token,
                        owner: hold.owner,
                        reason: LostReason::Lease,
                        key: name,
                    };
                    lost.encode(out);
                }
            }
            if key.holds.len() + key.queue.len() < count {
                touched.push(name.clone());
            }
        }
        for name in touched {
            self.serve(&name, answers);
        }
    }
}

fn lease_end(now: u64, lease_ms: u32) -> u64 {
    match lease_ms {
        0 => u64::MAX,
        ms => now + u64::from(ms) * 1_000,
    }
}

fn refuse(status: Status, op: u8, connection: u64, id: u64, answers: &mut Answers) {
    let refusal = Refusal {
        status,
        limit: 0,
        value: 0,
        detail: "",
    };
    refusal.encode(op, id, answers.entry(connection).or_default());
}
