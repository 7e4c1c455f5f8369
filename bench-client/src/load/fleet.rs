//! One thread's share of the load, from the first connection to the last answer.

use std::collections::VecDeque;
use std::sync::Arc;

use super::client::{Client, Doing};
use super::keys::Keys;
use super::record::Record;
use super::renew::Kept;
use super::schedule::{Backlog, Schedule};
use super::session::Session;
use super::shared::Shared;
use super::timers::Timers;
use crate::dice::Dice;
use crate::measure::Measures;
use crate::nanos::Nanos;
use crate::plan::{Mode, PairStyle, Plan, Stop};
use crate::traffic::{End, Io, Next, Traffic};
use crate::verify::{Event, What};

/// The fleet looks for the common start so often.
const READY_TICK: Nanos = Nanos::from_ms(1);
/// It looks for the end so often; events of other threads wait for it no longer.
const RUN_TICK: Nanos = Nanos::from_ms(10);

/// Which connections of a run a thread carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The thread, from 0.
    pub thread: u16,
    /// Its first connection's number over all threads.
    pub first_connection: u32,
    /// How many it carries.
    pub connections: u32,
}

/// Where a fleet is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Opens connections and waits for the common start.
    Waiting,
    Running,
    /// Takes no new cycles; gives up at this instant.
    Draining(Nanos),
    Finished,
}

/// One thread's share of the load. Its connections are numbered from 0 towards the sockets.
#[derive(Debug)]
pub struct Fleet {
    pub(super) share: Share,
    pub(super) plan: Arc<Plan>,
    pub(super) shared: Arc<Shared>,
    pub(super) phase: Phase,
    pub(super) sessions: Vec<Session>,
    /// Connections of which this thread told that they are ready or given up.
    pub(super) told_ready: Vec<bool>,
    /// The next connection to be opened for the first time.
    pub(super) unopened: usize,
    /// Connections being opened.
    pub(super) opening: usize,
    /// Connections wished for and not gone.
    pub(super) alive: usize,
    pub(super) clients: Vec<Client>,
    pub(super) keys: Keys,
    pub(super) dice: Dice,
    pub(super) record: Record,
    pub(super) timers: Timers,
    pub(super) schedule: Option<Schedule>,
    pub(super) backlog: Backlog,
    /// Clients between cycles, the one that rested longest first; open loop only.
    pub(super) idle: VecDeque<usize>,
    /// Operations claimed and not begun.
    pub(super) claimed: u64,
    /// Whether there is nothing more to begin: no operation is left, or no client.
    pub(super) is_exhausted: bool,
    /// Clients that are not retired.
    pub(super) working: usize,
    /// What clients that renew hold.
    pub(super) kept: Vec<Vec<Kept>>,
    /// Whether events are kept.
    pub(super) tells: bool,
    events: Vec<Event>,
    now: Nanos,
    /// When the server last said something.
    pub(super) contact: Nanos,
    broken_rule: Option<String>,
    server_gone: Option<End>,
    unfit: Option<String>,
}

impl Fleet {
    /// A fleet that has opened nothing yet.
    ///
    /// # Panics
    /// If the plan breaks its own bounds: more in flight than a server can grant seats, a rate
    /// that is not positive, a key shorter than 8 bytes.
    #[must_use]
    pub fn new(share: Share, plan: Arc<Plan>, shared: Arc<Shared>) -> Self {
        let clients = plan.clients();
        let slices = match plan.workload.mode {
            Mode::Uncontended | Mode::Renew | Mode::HoldMany | Mode::Churn => clients,
            Mode::Contended | Mode::ReadWrite { .. } | Mode::Permit { .. } | Mode::Herd => 1,
        };
        let keys = Keys::new(&plan.workload, slices);
        let inflight = usize::from(plan.inflight);
        let reads = if plan.checks.order { inflight } else { 0 };
        let session = || Session::new(inflight * lanes_per_client(&plan), reads);
        let connections = share.connections as usize;
        let mut fleet = Self {
            phase: Phase::Waiting,
            sessions: (0..connections).map(|_| session()).collect(),
            told_ready: vec![false; connections],
            unopened: 0,
            opening: 0,
            alive: 0,
            clients: Vec::with_capacity(connections * inflight),
            dice: Dice::split(plan.seed, share.thread.into()),
            record: Record::new(clients),
            timers: Timers::default(),
            schedule: None,
            backlog: Backlog::default(),
            idle: VecDeque::new(),
            claimed: 0,
            is_exhausted: false,
            working: 0,
            kept: Vec::new(),
            tells: plan.checks.safety,
            events: Vec::new(),
            now: Nanos::ZERO,
            contact: Nanos::ZERO,
            broken_rule: None,
            server_gone: None,
            unfit: None,
            keys,
            share,
            plan,
            shared,
        };
        fleet.enlist();
        fleet
    }

    fn enlist(&mut self) {
        let inflight = self.plan.inflight;
        for connection in 0..self.sessions.len() {
            for place in 0..inflight {
                let local = u32::try_from(connection).expect("a share has a 32-bit number");
                let carried = self.share.first_connection + local;
                let number = carried * u32::from(inflight) + u32::from(place);
                let slice = self.keys.slice(number);
                let mut client = Client::new(connection, place, number, slice);
                // A connection that is cut and opened again has one cycle at a time.
                let is_idle_churn = self.plan.workload.mode == Mode::Churn && place > 0;
                if slice.len == 0 || is_idle_churn {
                    client.doing = Doing::Retired;
                } else {
                    self.working += 1;
                }
                self.clients.push(client);
            }
        }
        if self.plan.workload.mode == Mode::Renew {
            let slices = self.clients.iter().map(|client| client.slice.len as usize);
            self.kept = slices.map(|keys| vec![Kept::default(); keys]).collect();
        }
    }

    /// What the clients saw, to be emptied by the caller; empty unless the plan has the safety
    /// check.
    pub fn events(&mut self) -> &mut Vec<Event> {
        &mut self.events
    }

    /// No later event of this thread will be earlier than this.
    #[must_use]
    pub fn known_until(&self) -> Nanos {
        match self.phase {
            Phase::Finished => Nanos::FOREVER,
            _ => self.now,
        }
    }

    /// What was measured so far.
    #[must_use]
    pub fn measures(&self) -> &Measures {
        &self.record.measures
    }

    /// What was measured.
    #[must_use]
    pub fn into_measures(self) -> Measures {
        self.record.measures
    }

    /// The measured time: its start, and its end, [`Nanos::FOREVER`] if that is not known yet.
    #[must_use]
    pub fn window(&self) -> (Nanos, Nanos) {
        self.record.window()
    }

    /// How the server broke the protocol, if it did.
    #[must_use]
    pub fn broken_rule(&self) -> Option<&str> {
        self.broken_rule.as_deref()
    }

    /// How the server went away, if it did: nothing listens any more, or it is stopping.
    #[must_use]
    pub fn server_gone(&self) -> Option<End> {
        self.server_gone
    }

    /// Why this server cannot serve the plan, if it cannot.
    #[must_use]
    pub fn unfit(&self) -> Option<&str> {
        self.unfit.as_deref()
    }

    pub(super) fn break_rule(&mut self, connection: usize, rule: &str) {
        let number = self.connection_number(connection);
        self.broken_rule
            .get_or_insert_with(|| format!("on connection {number}: {rule}"));
        self.shared.stop();
    }

    pub(super) fn lose_server(&mut self, end: End) {
        self.server_gone.get_or_insert(end);
        self.shared.stop();
    }

    pub(super) fn find_unfit(&mut self, why: String) {
        self.unfit.get_or_insert(why);
        self.shared.stop();
    }

    /// A connection's number over all threads.
    pub(super) fn connection_number(&self, connection: usize) -> u32 {
        let local = u32::try_from(connection).expect("a share has a 32-bit number");
        self.share.first_connection + local
    }

    /// The number of a connection's session over all threads and lives.
    pub(super) fn session_number(&self, connection: usize) -> u32 {
        let life = self.sessions[connection].life;
        let number = self.connection_number(connection);
        self.shared.sessions.session(number, life)
    }

    /// The clients of a connection.
    pub(super) fn crew(&self, connection: usize) -> std::ops::Range<usize> {
        let inflight = usize::from(self.plan.inflight);
        connection * inflight..(connection + 1) * inflight
    }

    /// Keeps an event of a client's newest acquire.
    #[inline]
    pub(super) fn tell(&mut self, client: usize, now: Nanos, what: What) {
        if self.tells {
            let client = &self.clients[client];
            self.events.push(Event {
                at: now,
                key: client.key,
                acquire: client.acquire,
                what,
            });
        }
    }

    /// Keeps an event of any acquire.
    pub(super) fn tell_event(&mut self, event: Event) {
        if self.tells {
            self.events.push(event);
        }
    }

    /// Sets the measured time and begins.
    fn run(&mut self, begin: Nanos, now: Nanos, io: &mut Io) {
        let from = begin + self.plan.warmup;
        let to = match self.plan.stop {
            Stop::After(length) => from + length,
            Stop::Operations(_) => Nanos::FOREVER,
        };
        self.record.begin(begin, from, to);
        self.count_shards();
        self.phase = Phase::Running;
        self.set_pace(begin);
        for client in 0..self.clients.len() {
            self.next_cycle(client, now, io);
        }
    }

    /// Counts the open connections of each shard.
    fn count_shards(&mut self) {
        for terms in self.sessions.iter().filter_map(Session::terms) {
            let shards = &mut self.record.measures.shards;
            *shards.entry(terms.home.shard).or_default() += 1;
        }
    }

    fn step(&mut self, now: Nanos, io: &mut Io) {
        // A thread whose clients wait for those of others does not try to claim.
        self.is_exhausted |= self.claimed == 0 && !self.shared.has_operations();
        let is_over = now >= self.record.window().1 || self.is_exhausted;
        match self.phase {
            Phase::Waiting if self.shared.is_stopped() => self.drain(now, io),
            Phase::Waiting => {
                self.open_more(now, io);
                let begin = self.shared.begins();
                if now >= begin {
                    self.run(begin, now, io);
                }
            }
            Phase::Running if is_over || self.shared.is_stopped() => self.drain(now, io),
            Phase::Running => {
                self.arrive(now, io);
                self.muster(now, io);
            }
            Phase::Draining(until) => self.drain_step(until, now, io),
            Phase::Finished => {}
        }
    }

    fn next(&self, now: Nanos) -> Next {
        let next = match self.phase {
            Phase::Finished => return Next::Finished,
            Phase::Waiting => self.shared.begins().min(now + READY_TICK),
            Phase::Draining(until) => until.min(now + RUN_TICK),
            Phase::Running => {
                let end = self.record.window().1;
                end.min(now + RUN_TICK).min(self.next_arrival(now))
            }
        };
        let timer = self.timers.next().unwrap_or(Nanos::FOREVER);
        Next::At(next.min(timer))
    }
}

/// Seats that each client uses.
pub(super) fn lanes_per_client(plan: &Plan) -> usize {
    match plan.workload.pair {
        PairStyle::OneWrite => 2,
        PairStyle::TwoTrips => 1,
    }
}

impl Traffic for Fleet {
    fn opened(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        self.now = now;
        self.greet(connection, now, io);
    }

    fn received(&mut self, connection: usize, bytes: &[u8], now: Nanos, io: &mut Io) -> usize {
        self.now = now;
        self.contact = now;
        let taken = self.hear(connection, bytes, now, io);
        if self.tells {
            let until = self.sessions[connection].lives_until();
            let session = self.session_number(connection);
            self.shared.sessions.extend(session, until);
        }
        if let Phase::Draining(_) = self.phase {
            self.close_if_quiet(connection, now, io);
        }
        taken
    }

    fn closed(&mut self, connection: usize, end: End, now: Nanos, io: &mut Io) {
        self.now = now;
        self.connection_gone(connection, end, now, io);
    }

    fn tick(&mut self, now: Nanos, io: &mut Io) -> Next {
        self.now = now;
        let is_hopeless =
            self.broken_rule.is_some() || self.server_gone.is_some() || self.unfit.is_some();
        if is_hopeless && self.phase != Phase::Finished {
            self.abandon(now, io);
        }
        while let Some(due) = self.timers.pop(now) {
            self.fire(due, now, io);
        }
        self.step(now, io);
        self.next(now)
    }
}
