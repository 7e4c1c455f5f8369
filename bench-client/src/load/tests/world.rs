//! Virtual time around fleets and the double: bytes take [`WIRE`] each way, all else no time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::double::Double;
use crate::load::{Fleet, Share, Shared};
use crate::nanos::Nanos;
use crate::plan::Plan;
use crate::traffic::{Close, End, Io, Next, Traffic, Wish};

/// One way between client and server.
pub(in crate::load) const WIRE: Nanos = Nanos(50_000);
/// Where the clock stands at first; far from 0, as a real one.
const START: Nanos = Nanos(1_000_000_000_000);
/// No test runs longer.
const STEPS_MAX: u32 = 3_000_000;

#[derive(Clone, Debug)]
enum Arrival {
    Opened,
    ToServer(Vec<u8>),
    ToClient(Vec<u8>),
    /// The server hears of the end, in order or not.
    ServerEnd(bool),
    ClientEnd(End),
}

/// Everything, and the time.
pub(in crate::load) struct World {
    pub(in crate::load) now: Nanos,
    pub(in crate::load) fleets: Vec<Fleet>,
    pub(in crate::load) double: Double,
    pub(in crate::load) shared: Arc<Shared>,
    /// How connects fail, while they do.
    pub(in crate::load) connects_fail: Option<End>,
    /// The server reads nothing until then.
    pub(in crate::load) stalled_until: Nanos,
    /// Connects asked for.
    pub(in crate::load) connects: u32,
    /// Connects in flight at most so far.
    pub(in crate::load) connecting_max: usize,
    /// When the fleets saw their first byte of the run.
    pub(in crate::load) begun: Nanos,
    ios: Vec<Io>,
    /// By time and order: connection over all threads, its incarnation, what arrives.
    arrivals: BTreeMap<(Nanos, u64), (u32, u32, Arrival)>,
    order: u64,
    incarnations: Vec<u32>,
    connecting: usize,
    /// Bytes of each connection that its fleet did not take yet.
    kept: Vec<Vec<u8>>,
    connections_each: u32,
}

impl World {
    pub(in crate::load) fn new(plan: &Plan) -> Self {
        let plan = Arc::new(plan.clone());
        let shared = Arc::new(Shared::new(&plan));
        let each = plan.connections / u32::from(plan.threads);
        assert_eq!(each * u32::from(plan.threads), plan.connections);
        let fleets = (0..plan.threads).map(|thread| {
            let share = Share {
                thread,
                first_connection: u32::from(thread) * each,
                connections: each,
            };
            Fleet::new(share, plan.clone(), shared.clone())
        });
        let connections = plan.connections as usize;
        Self {
            now: START,
            fleets: fleets.collect(),
            double: Double::new(),
            shared,
            connects_fail: None,
            stalled_until: Nanos::ZERO,
            connects: 0,
            connecting_max: 0,
            begun: Nanos::FOREVER,
            ios: (0..plan.threads).map(|_| Io::new(each as usize)).collect(),
            arrivals: BTreeMap::new(),
            order: 0,
            incarnations: vec![0; connections],
            connecting: 0,
            kept: vec![Vec::new(); connections],
            connections_each: each,
        }
    }

    /// The only fleet.
    pub(in crate::load) fn fleet(&self) -> &Fleet {
        &self.fleets[0]
    }

    /// Since the common start.
    pub(in crate::load) fn elapsed(&self) -> Nanos {
        self.now.since(self.begun)
    }

    /// Runs to the end.
    pub(in crate::load) fn run(&mut self) {
        self.run_until(|_| false);
    }

    /// Runs until something is so, or to the end.
    pub(in crate::load) fn run_until(&mut self, is_so: impl Fn(&Self) -> bool) {
        for _ in 0..STEPS_MAX {
            if is_so(self) {
                return;
            }
            if !self.step() {
                return self.tell_the_rest();
            }
        }
        panic!("no end: {:?}", self.double.seen);
    }

    fn step(&mut self) -> bool {
        let all = u32::try_from(self.incarnations.len()).unwrap();
        if self.shared.ready() == all && self.begun == Nanos::FOREVER {
            self.begun = self.now + Nanos::from_ms(3);
            self.shared.begin(self.begun);
        }
        let mut next = Nanos::FOREVER;
        let mut is_over = true;
        for thread in 0..self.fleets.len() {
            let wish = self.fleets[thread].tick(self.now, &mut self.ios[thread]);
            self.obey(thread);
            match wish {
                Next::At(at) => next = next.min(at),
                Next::Bytes => {}
                Next::Finished => continue,
            }
            is_over = false;
        }
        if is_over {
            return false;
        }
        let arrival = self.arrivals.keys().next().map(|(at, _)| *at);
        let next = next.min(arrival.unwrap_or(Nanos::FOREVER));
        self.now = self.now.max(next.min(self.double.next_expiry()));
        assert_ne!(self.now, Nanos::FOREVER, "somebody waits for something");
        self.double.expire(self.now);
        self.collect();
        self.deliver();
        true
    }

    /// The fleets are finished; the server hears what they said.
    fn tell_the_rest(&mut self) {
        for (_, (number, incarnation, arrival)) in std::mem::take(&mut self.arrivals) {
            if matches!(arrival, Arrival::ToServer(_) | Arrival::ServerEnd(_)) {
                self.arrive(number, incarnation, false, arrival);
            }
        }
    }

    fn deliver(&mut self) {
        while let Some(((at, order), _)) = self.arrivals.first_key_value() {
            let (at, order) = (*at, *order);
            if at > self.now {
                return;
            }
            let (number, incarnation, arrival) = self.arrivals.remove(&(at, order)).unwrap();
            let is_server = matches!(arrival, Arrival::ToServer(_) | Arrival::ServerEnd(_));
            if is_server && at < self.stalled_until {
                let late = (self.stalled_until, order);
                self.arrivals.insert(late, (number, incarnation, arrival));
                continue;
            }
            let is_current = self.incarnations[number as usize] == incarnation;
            self.arrive(number, incarnation, is_current, arrival);
            self.collect();
        }
    }

    fn arrive(&mut self, number: u32, incarnation: u32, is_current: bool, arrival: Arrival) {
        // The double tells connections apart by number and incarnation.
        let name = number as usize + incarnation as usize * self.incarnations.len();
        match arrival {
            Arrival::ToServer(bytes) => self.double.receive(name, &bytes, self.now),
            Arrival::ServerEnd(in_order) => self.double.disconnected(name, in_order),
            _ if !is_current => {}
            Arrival::Opened => {
                self.connecting -= 1;
                self.kept[number as usize].clear();
                let (thread, local) = self.place(number);
                self.fleets[thread].opened(local, self.now, &mut self.ios[thread]);
                self.obey(thread);
            }
            Arrival::ClientEnd(end) => {
                self.connecting -= usize::from(matches!(end, End::NotOpened(_)));
                // Nothing that was on its way reaches the fleet.
                self.incarnations[number as usize] += 1;
                let (thread, local) = self.place(number);
                self.fleets[thread].closed(local, end, self.now, &mut self.ios[thread]);
                self.obey(thread);
            }
            Arrival::ToClient(bytes) => self.hear(number, &bytes),
        }
    }

    /// Gives bytes to a fleet in two parts, so that frames are cut anywhere.
    fn hear(&mut self, number: u32, bytes: &[u8]) {
        let (thread, local) = self.place(number);
        let (one, two) = bytes.split_at(bytes.len() / 3);
        for part in [one, two] {
            let kept = &mut self.kept[number as usize];
            kept.extend_from_slice(part);
            let io = &mut self.ios[thread];
            let taken = self.fleets[thread].received(local, kept, self.now, io);
            kept.drain(..taken);
            self.obey(thread);
        }
    }

    fn place(&self, number: u32) -> (usize, usize) {
        let each = self.connections_each;
        ((number / each) as usize, (number % each) as usize)
    }

    fn post(&mut self, delay: Nanos, number: u32, arrival: Arrival) {
        self.order += 1;
        let incarnation = self.incarnations[number as usize];
        let at = (self.now + delay, self.order);
        self.arrivals.insert(at, (number, incarnation, arrival));
    }

    /// Breaks a connection.
    pub(in crate::load) fn cut(&mut self, number: u32) {
        self.post(Nanos::ZERO, number, Arrival::ClientEnd(End::Eof));
        self.post(Nanos::ZERO, number, Arrival::ServerEnd(false));
    }

    fn send_all(&mut self, thread: usize) {
        let mut sent = Vec::new();
        self.ios[thread].flush(|connection, bytes| sent.push((connection, std::mem::take(bytes))));
        for (connection, bytes) in sent {
            let number = self.number(thread, connection);
            self.post(WIRE, number, Arrival::ToServer(bytes));
        }
    }

    fn number(&self, thread: usize, connection: usize) -> u32 {
        u32::try_from(thread).unwrap() * self.connections_each + u32::try_from(connection).unwrap()
    }

    fn obey(&mut self, thread: usize) {
        let wishes: Vec<Wish> = self.ios[thread].take_wishes().collect();
        self.send_all(thread);
        for wish in wishes {
            match wish {
                Wish::Connect(connection) => {
                    let number = self.number(thread, connection);
                    self.incarnations[number as usize] += 1;
                    self.connects += 1;
                    self.connecting += 1;
                    self.connecting_max = self.connecting_max.max(self.connecting);
                    let arrival = match self.connects_fail {
                        Some(end) => Arrival::ClientEnd(end),
                        None => Arrival::Opened,
                    };
                    self.post(WIRE, number, arrival);
                }
                Wish::Close(connection, how) => {
                    let number = self.number(thread, connection);
                    let in_order = how == Close::Orderly;
                    self.post(WIRE, number, Arrival::ServerEnd(in_order));
                    self.incarnations[number as usize] += 1;
                }
            }
        }
    }

    /// Puts on the wire what the double said.
    fn collect(&mut self) {
        let each = self.incarnations.len();
        for (name, bytes) in self.double.take_out() {
            let number = u32::try_from(name % each).unwrap();
            let incarnation = u32::try_from(name / each).unwrap();
            self.order += 1;
            let at = (self.now + WIRE, self.order);
            let arrival = Arrival::ToClient(bytes);
            self.arrivals.insert(at, (number, incarnation, arrival));
        }
    }
}
