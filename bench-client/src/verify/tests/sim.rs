//! A simulated lock server with clients whose messages take random time: the histories that the
//! clients of an honest server see, and those of one with a fault.
//!
//! Time goes in whole microseconds, so that many things happen at one instant; a message takes
//! one at least. Messages of one connection keep their order, in both directions.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::super::cell::Class;
use super::*;
use crate::dice::Dice;
use crate::verify::Violation;

/// What the server does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Grants some acquires whoever holds the key.
    GrantsTwice,
    /// Gives the token of the grant before.
    ReusesToken,
    /// Gives a smaller token.
    TokenGoesBack,
    /// Serves the last waiter first.
    LastFirst,
    /// Answers some acquires once more.
    AnswersTwice,
}

/// How clients and server are set up.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) plan: Plan,
    pub(super) fault: Fault,
    /// Modes that clients draw from.
    pub(super) wants: &'static [Want],
    /// Longest times, in microseconds: a message's way, a hold; a hold may be of no length.
    pub(super) way_max: u32,
    pub(super) hold_max: u32,
    /// One of so many answers kills its connection; 0 = none does.
    pub(super) deaths: u32,
    pub(super) cycles: u32,
    pub(super) ttl_us: u64,
}

/// The server's clock is fast by this much of a thousand.
const FAST_PERMILLE: u64 = 8;

/// An acquire, and the life of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Who {
    client: u32,
    life: u32,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
enum Message {
    /// To the server.
    Acquire(Entry, u32),
    Release(Who, u32),
    /// To the client: the token and when it was asked.
    Granted(Who, u64, u64),
    TimedOut(Who),
    Lost(Who),
    Looked(Who),
    /// Timers of the server.
    WaitOver(Who, u32),
    LeaseOver(Who, u32),
    SessionOver(u32, u32),
    /// Timers of the clients.
    HoldOver(Who),
    Reborn(u32),
    HandOver,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    who: Who,
    want: Want,
    asked_at: u64,
}

#[derive(Clone, Debug, Default)]
struct Key {
    holds: Vec<Entry>,
    queue: VecDeque<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Client {
    count: u64,
    key: u32,
    want: Want,
    asked_at: u64,
    is_waiting: bool,
    is_holding: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Connection {
    life: u32,
    is_alive: bool,
    /// When the newest message of each direction arrives.
    up: u64,
    down: u64,
    heard: u64,
}

pub(super) struct Sim {
    setup: Setup,
    dice: Dice,
    now: u64,
    messages: BinaryHeap<Reverse<(u64, u64, usize)>>,
    sent: Vec<Message>,
    keys: Vec<Key>,
    token: u64,
    clients: Vec<Client>,
    connections: Vec<Connection>,
    told: Vec<Vec<Event>>,
    sessions: Arc<SessionDeadlines>,
    ledger: Ledger,
    cycles: u32,
    pub(super) faults: u32,
}

impl Sim {
    pub(super) fn new(setup: Setup, seed: u64) -> Self {
        let plan = &setup.plan;
        let sessions = Arc::new(SessionDeadlines::new(plan.connections));
        let client = Client {
            count: 0,
            key: 0,
            want: Want::Exclusive,
            asked_at: 0,
            is_waiting: false,
            is_holding: false,
        };
        Self {
            dice: Dice::new(seed),
            now: 0,
            messages: BinaryHeap::new(),
            sent: Vec::new(),
            keys: vec![Key::default(); plan.workload.keys as usize],
            token: 1_000,
            clients: vec![client; plan.clients() as usize],
            connections: vec![Connection::default(); plan.connections as usize],
            told: vec![Vec::new(); usize::from(plan.threads)],
            ledger: Ledger::new(plan, Arc::clone(&sessions)),
            sessions,
            cycles: 0,
            faults: 0,
            setup,
        }
    }

    /// Runs to the end, with all that was seen checked.
    pub(super) fn run(mut self) -> (Result<(), Box<Violation>>, Ledger, u32) {
        for connection in 0..self.setup.plan.connections {
            self.at(1, Message::Reborn(connection));
        }
        self.at(1, Message::HandOver);
        let result = self.go();
        (result, self.ledger, self.faults)
    }

    fn go(&mut self) -> Result<(), Box<Violation>> {
        while let Some(Reverse((at, _, index))) = self.messages.pop() {
            self.now = at;
            match self.sent[index] {
                Message::HandOver => {
                    self.hand_over()?;
                    if !self.messages.is_empty() {
                        let pause = 1 + u64::from(self.dice.below(200));
                        self.at(self.now + pause, Message::HandOver);
                    }
                }
                message => self.deliver(message),
            }
        }
        for thread in 0..self.setup.plan.threads {
            let events = &mut self.told[usize::from(thread)];
            self.ledger.take(thread, events, Nanos::FOREVER)?;
        }
        self.ledger.finish()
    }

    /// Some of the threads tell what they saw.
    fn hand_over(&mut self) -> Result<(), Box<Violation>> {
        for thread in 0..self.setup.plan.threads {
            if self.dice.below(2) == 0 {
                let events = &mut self.told[usize::from(thread)];
                self.ledger.take(thread, events, Nanos(self.now * 1_000))?;
                assert!(events.is_empty());
            }
        }
        Ok(())
    }

    fn at(&mut self, at: u64, message: Message) {
        self.sent.push(message);
        let index = self.sent.len() - 1;
        // What was sent first comes first among those of one instant.
        self.messages.push(Reverse((at, index as u64, index)));
    }

    fn way(&mut self) -> u64 {
        1 + u64::from(self.dice.below(self.setup.way_max))
    }

    fn connection_of(&self, client: u32) -> u32 {
        client / u32::from(self.setup.plan.inflight)
    }

    fn send_up(&mut self, client: u32, message: Message) {
        let at = self.now + self.way();
        let connection = self.connection_of(client) as usize;
        let at = at.max(self.connections[connection].up);
        self.connections[connection].up = at;
        self.at(at, message);
    }

    fn send_down(&mut self, client: u32, message: Message) {
        let at = self.now + self.way();
        let connection = self.connection_of(client) as usize;
        let at = at.max(self.connections[connection].down);
        self.connections[connection].down = at;
        self.at(at, message);
    }

    fn tell(&mut self, client: u32, what: What) {
        let thread = self.connection_of(client) % u32::from(self.setup.plan.threads);
        let state = self.clients[client as usize];
        let (key, count) = (state.key, state.count);
        let acquire = AcquireId { client, count };
        let at = Nanos(self.now * 1_000);
        self.told[thread as usize].push(Event {
            at,
            key,
            acquire,
            what,
        });
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Acquire(entry, key) => self.acquire(key, entry),
            Message::Release(who, key) => self.end_hold(who, key, false),
            Message::LeaseOver(who, key) => self.end_hold(who, key, true),
            Message::WaitOver(who, key) => self.end_wait(who, key),
            Message::SessionOver(connection, life) => self.end_session(connection, life),
            Message::HoldOver(who) => {
                let state = self.clients[who.client as usize];
                let connection = self.connection_of(who.client) as usize;
                let is_alive = self.connections[connection].is_alive;
                if is_alive && state.is_holding && state.count == who.count {
                    self.release(who.client);
                }
            }
            Message::Reborn(connection) => self.reborn(connection),
            Message::HandOver => unreachable!("handled before"),
            Message::Granted(who, ..)
            | Message::TimedOut(who)
            | Message::Lost(who)
            | Message::Looked(who) => self.answer(who, message),
        }
    }

    fn end_hold(&mut self, who: Who, key: u32, is_lease: bool) {
        let holds = &mut self.keys[key as usize].holds;
        let before = holds.len();
        holds.retain(|entry| entry.who != who);
        if holds.len() < before {
            if is_lease {
                self.send_down(who.client, Message::Lost(who));
            }
            self.serve(key);
        }
    }

    fn end_wait(&mut self, who: Who, key: u32) {
        let queue = &mut self.keys[key as usize].queue;
        let before = queue.len();
        queue.retain(|entry| entry.who != who);
        if queue.len() < before {
            self.send_down(who.client, Message::TimedOut(who));
            self.serve(key);
        }
    }

    /// The server gets an acquire, and the read behind it.
    fn acquire(&mut self, key: u32, entry: Entry) {
        let who = entry.who;
        let wait_ms = self.setup.plan.workload.wait_ms;
        self.keys[key as usize].queue.push_back(entry);
        if wait_ms != 0 && wait_ms != u32::MAX {
            let over = self.now + fast(wait_ms);
            self.at(over, Message::WaitOver(who, key));
        }
        self.serve(key);
        if wait_ms == 0 {
            self.end_wait(who, key);
        } else {
            self.send_down(who.client, Message::Looked(who));
        }
    }

    fn serve(&mut self, key: u32) {
        while let Some(entry) = self.next(key) {
            self.keys[key as usize].holds.push(entry);
            self.token += 1;
            let back = match self.setup.fault {
                Fault::ReusesToken => 1,
                Fault::TokenGoesBack => 400,
                _ => 0,
            };
            let token = match back > 0 && self.is_faulty() {
                true => self.token - back,
                false => self.token,
            };
            let who = entry.who;
            let granted = Message::Granted(who, token, entry.asked_at);
            self.send_down(who.client, granted);
            if self.setup.fault == Fault::AnswersTwice && self.is_faulty() {
                self.send_down(who.client, granted);
            }
            let lease_ms = self.setup.plan.workload.lease_ms;
            if lease_ms > 0 {
                let over = self.now + fast(lease_ms);
                self.at(over, Message::LeaseOver(who, key));
            }
            if self.setup.plan.workload.pair == PairStyle::OneWrite {
                self.keys[key as usize].holds.pop();
            }
        }
    }

    fn is_faulty(&mut self) -> bool {
        let is_faulty = self.dice.below(20) == 0;
        self.faults += u32::from(is_faulty);
        is_faulty
    }

    /// Takes who is to be served next, if anybody is.
    fn next(&mut self, key: u32) -> Option<Entry> {
        let state = &self.keys[key as usize];
        let last = state.queue.len().checked_sub(1)?;
        let place = match self.setup.fault {
            Fault::LastFirst => last,
            _ => 0,
        };
        let entry = state.queue[place];
        let fits = state.holds.iter().all(|hold| {
            let (one, other) = (Class::of(hold.want), Class::of(entry.want));
            !one.conflicts(other)
        });
        let has_room = match entry.want {
            Want::Permit(limit) => state.holds.len() < limit as usize,
            _ => true,
        };
        let is_forced =
            !(fits && has_room) && self.setup.fault == Fault::GrantsTwice && self.is_faulty();
        self.faults += u32::from(self.setup.fault == Fault::LastFirst && place > 0 && fits);
        if !(fits && has_room || is_forced) {
            return None;
        }
        self.keys[key as usize].queue.remove(place)
    }

    fn end_session(&mut self, connection: u32, life: u32) {
        let inflight = u32::from(self.setup.plan.inflight);
        let is_its =
            |entry: &Entry| entry.who.client / inflight == connection && entry.who.life == life;
        for key in 0..self.setup.plan.workload.keys {
            let state = &mut self.keys[key as usize];
            state.holds.retain(|entry| !is_its(entry));
            state.queue.retain(|entry| !is_its(entry));
            self.serve(key);
        }
    }
}

/// Microseconds that the server's fast clock makes of a time.
fn fast(ms: u32) -> u64 {
    u64::from(ms) * (1_000 - FAST_PERMILLE)
}

/// What the clients do.
impl Sim {
    fn ask(&mut self, client: u32) {
        if self.cycles >= self.setup.cycles {
            return;
        }
        self.cycles += 1;
        let key = self.dice.below(self.setup.plan.workload.keys);
        let drawn = self
            .dice
            .below(u32::try_from(self.setup.wants.len()).unwrap());
        let want = self.setup.wants[drawn as usize];
        let connection = self.connection_of(client);
        let state = &mut self.clients[client as usize];
        state.count += 1;
        (state.key, state.want, state.asked_at) = (key, want, self.now);
        state.is_waiting = true;
        if self.setup.plan.workload.wait_ms > 0 {
            self.tell(client, What::Asked { want, connection });
        }
        let entry = Entry {
            who: self.who(client),
            want,
            asked_at: self.now,
        };
        self.send_up(client, Message::Acquire(entry, key));
    }

    /// A client's newest acquire.
    fn who(&self, client: u32) -> Who {
        Who {
            client,
            life: self.connections[self.connection_of(client) as usize].life,
            count: self.clients[client as usize].count,
        }
    }

    fn release(&mut self, client: u32) {
        self.tell(client, What::Released);
        let state = &mut self.clients[client as usize];
        state.is_holding = false;
        let release = Message::Release(self.who(client), self.clients[client as usize].key);
        self.send_up(client, release);
        self.ask(client);
    }

    /// An answer or a push came to a client.
    fn answer(&mut self, who: Who, message: Message) {
        let client = who.client;
        let connection = self.connection_of(client);
        let state = self.connections[connection as usize];
        if !state.is_alive || state.life != who.life {
            return;
        }
        let deaths = self.setup.deaths;
        if deaths > 0 && self.dice.below(deaths) == 0 {
            self.die(connection);
            return;
        }
        let asker = self.clients[client as usize];
        let is_newest = asker.count == who.count;
        if is_newest && !matches!(message, Message::Lost(_)) {
            self.hear(connection, client);
        }
        let tells_arrivals = self.setup.plan.checks.order;
        match message {
            Message::Granted(_, token, asked_at) => self.granted(client, token, asked_at),
            Message::TimedOut(_) => {
                self.clients[client as usize].is_waiting = false;
                if self.setup.plan.workload.wait_ms > 0 {
                    self.tell(client, What::TimedOut);
                }
                self.ask(client);
            }
            Message::Lost(_) if is_newest && asker.is_holding => {
                self.clients[client as usize].is_holding = false;
                self.tell(client, What::Lost);
                self.ask(client);
            }
            Message::Looked(_) if is_newest && asker.is_waiting && tells_arrivals => {
                self.tell(client, What::Arrived);
            }
            _ => {}
        }
    }

    /// An answer proves that the session lived when its request was sent.
    fn hear(&mut self, connection: u32, client: u32) {
        let asked_at = self.clients[client as usize].asked_at;
        let state = &mut self.connections[connection as usize];
        state.heard = state.heard.max(asked_at);
        let until = (state.heard + self.setup.ttl_us * 99 / 100) * 1_000;
        let session = self.sessions.session(connection, state.life);
        self.sessions.extend(session, Nanos(until));
    }

    fn granted(&mut self, client: u32, token: u64, asked_at: u64) {
        let connection = self.connection_of(client);
        let plan = &self.setup.plan;
        let lease_us = u64::from(plan.workload.lease_ms) * 1_000;
        let is_one_write = plan.workload.pair == PairStyle::OneWrite;
        let until = match lease_us {
            0 => Nanos::FOREVER,
            us => Nanos((asked_at + us * 99 / 100) * 1_000),
        };
        let life = self.connections[connection as usize].life;
        let want = self.clients[client as usize].want;
        let what = What::Granted {
            want,
            asked_at: Nanos(asked_at * 1_000),
            token,
            until,
            session: self.sessions.session(connection, life),
        };
        self.tell(client, what);
        let state = &mut self.clients[client as usize];
        state.is_waiting = false;
        state.is_holding = true;
        let hold = u64::from(self.dice.below(self.setup.hold_max + 1));
        if is_one_write {
            self.tell(client, What::Released);
            self.clients[client as usize].is_holding = false;
            self.ask(client);
        } else if hold == 0 {
            self.release(client);
        } else {
            self.at(self.now + hold, Message::HoldOver(self.who(client)));
        }
    }

    /// A connection breaks, or is silent until its session is over and its clients hear of it.
    /// Either way its session ends a TTL after the server heard of it last.
    fn die(&mut self, connection: u32) {
        let state = &mut self.connections[connection as usize];
        state.is_alive = false;
        let (life, heard) = (state.life, state.up.max(self.now));
        let ttl = self.setup.ttl_us;
        let over = heard + ttl - ttl * FAST_PERMILLE / 1_000;
        self.at(over, Message::SessionOver(connection, life));
        let pause = self.way() * 3;
        if self.dice.below(2) == 0 {
            self.at(over + pause, Message::Reborn(connection));
        } else {
            self.forget(connection);
            self.at(self.now + pause, Message::Reborn(connection));
        }
    }

    /// The clients of a connection give up what they waited for and held.
    fn forget(&mut self, connection: u32) {
        let inflight = u32::from(self.setup.plan.inflight);
        for client in connection * inflight..(connection + 1) * inflight {
            let state = self.clients[client as usize];
            if state.is_waiting || state.is_holding {
                self.tell(client, What::Forgotten);
            }
            let state = &mut self.clients[client as usize];
            (state.is_waiting, state.is_holding) = (false, false);
        }
    }

    fn reborn(&mut self, connection: u32) {
        self.forget(connection);
        let state = &mut self.connections[connection as usize];
        state.life += 1;
        state.is_alive = true;
        state.heard = self.now;
        let inflight = u32::from(self.setup.plan.inflight);
        for client in connection * inflight..(connection + 1) * inflight {
            self.hear(connection, client);
            self.ask(client);
        }
    }
}
