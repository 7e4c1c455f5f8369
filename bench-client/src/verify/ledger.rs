//! Holds what clients tell against what locks promise. See [`super::Rule`] for the rules.

use std::collections::VecDeque;
use std::sync::Arc;

use hdrhistogram::Histogram;

use super::askers::Askers;
use super::cell::{CLIENTS_MAX, Cell, Cells, Tenant, Top};
use super::crowd::Crowds;
use super::grants::Grant;
use super::history::History;
use super::merge::Merge;
use super::sessions::{NO_SESSION, SessionDeadlines};
use super::violation::{Breach, Violation};
use super::{Event, What};
use crate::measure;
use crate::nanos::Nanos;
use crate::plan::{PairStyle, Plan};
use crate::report::facts::CheckFacts;

/// Events whose cells are brought into the cache together.
const TOUCHED: usize = 32;

/// The safety check of a run: 32 B per key that is used, about 70 B per client, and the last
/// events. It never alarms for a server that keeps its promises.
#[derive(Debug)]
pub struct Ledger {
    pub(super) cells: Cells,
    pub(super) crowds: Crowds,
    pub(super) askers: Askers,
    /// Where each client's hold stood last in its crowd; the last is nobody's.
    pub(super) places: Vec<usize>,
    /// The number of the holder of what a lost connection left behind: no client has it.
    nobody: u32,
    /// When the last grant came.
    last_grant: Option<Nanos>,
    merge: Merge,
    history: History,
    pub(super) sessions: Arc<SessionDeadlines>,
    /// Keys with holds that may conflict, once the instant is past: a release at the very same
    /// instant would end one of them.
    pub(super) suspects: VecDeque<(u32, Nanos)>,
    /// Whether releases are sent only when the grant is there.
    pub(super) releases_follow: bool,
    /// An acquire that waits does not time out before so long after its sending.
    wait: Nanos,
    /// Each thread's measured time: hand-offs of releases outside of it are not counted.
    windows: Vec<(Nanos, Nanos)>,
    pub(super) handoff: Histogram<u64>,
    pub(super) facts: CheckFacts,
}

impl Ledger {
    /// For a run of this plan; `sessions` are those that the clients extend.
    ///
    /// # Panics
    /// If the plan has more clients than fit 29 bits.
    #[must_use]
    pub fn new(plan: &Plan, sessions: Arc<SessionDeadlines>) -> Self {
        let clients = plan.clients();
        assert!(clients <= CLIENTS_MAX, "a plan has fewer clients");
        let facts = CheckFacts {
            on: true,
            ..CheckFacts::default()
        };
        Self {
            cells: Cells::new(plan.workload.keys),
            crowds: Crowds::default(),
            askers: Askers::new(plan.connections, plan.inflight),
            places: vec![0; clients as usize + 1],
            nobody: clients,
            last_grant: None,
            merge: Merge::new(plan.threads),
            history: History::new(),
            sessions,
            suspects: VecDeque::new(),
            releases_follow: plan.workload.pair == PairStyle::TwoTrips,
            wait: wait_min(plan.workload.wait_ms),
            windows: vec![(Nanos::FOREVER, Nanos::FOREVER); usize::from(plan.threads)],
            handoff: measure::histogram(),
            facts,
        }
    }

    /// Takes a thread's next events, in their order, and empties the list. The thread has told
    /// with them all that happened before `known_until`; a thread that has nothing to tell says
    /// that too, or the others' events wait for it in memory.
    ///
    /// # Errors
    /// The first promise found broken; the check is over then.
    pub fn take(
        &mut self,
        thread: u16,
        events: &mut Vec<Event>,
        known_until: Nanos,
    ) -> Result<(), Box<Violation>> {
        if self.merge.is_single() {
            let taken = self.take_in_order(events);
            events.clear();
            taken?;
            return self.settle(known_until);
        }
        self.cells.touch(events.iter().map(|event| event.key));
        self.merge.add(thread, events, known_until);
        self.take_merged()
    }

    /// Checks what is left: no thread has more to tell.
    ///
    /// # Errors
    /// As [`Ledger::take`].
    pub fn finish(&mut self) -> Result<(), Box<Violation>> {
        self.merge.end();
        self.take_merged()
    }

    /// Sets the measured time as a thread knows it by now: from the start, its end excluded, which
    /// is [`Nanos::FOREVER`] until it is known. To be told with the events, or hand-offs that came
    /// after the end are counted.
    ///
    /// # Panics
    /// If the plan has no such thread.
    pub fn measure(&mut self, thread: u16, window: (Nanos, Nanos)) {
        self.windows[usize::from(thread)] = window;
    }

    /// From a release in the measured time that made way to the next grant of its key, if that
    /// was asked for before.
    #[must_use]
    pub fn handoff(&self) -> &Histogram<u64> {
        &self.handoff
    }

    /// What was checked so far.
    #[must_use]
    pub fn facts(&self) -> CheckFacts {
        self.facts
    }

    fn take_in_order(&mut self, events: &[Event]) -> Result<(), Box<Violation>> {
        for chunk in events.chunks(TOUCHED) {
            self.cells.touch(chunk.iter().map(|event| event.key));
            for event in chunk {
                self.step(event)?;
            }
        }
        Ok(())
    }

    fn take_merged(&mut self) -> Result<(), Box<Violation>> {
        let known_until = self.merge.known_until();
        while let Some(event) = self.merge.next(known_until) {
            self.step(&event)?;
        }
        self.settle(known_until)
    }

    #[inline]
    fn step(&mut self, event: &Event) -> Result<(), Box<Violation>> {
        if !self.suspects.is_empty() {
            self.settle(event.at)?;
        }
        self.history.add(event);
        self.apply(event)
            .map_err(|breach| self.violation(breach, event.key, event.at))
    }

    fn apply(&mut self, event: &Event) -> Result<(), Breach> {
        let (acquire, key) = (event.acquire, event.key);
        let client = acquire.client;
        match event.what {
            What::Asked { .. } => self.askers.ask(acquire, key, event.at),
            What::Arrived => self.arrived(event),
            What::Granted {
                want,
                asked_at,
                token,
                until,
                session,
            } => {
                let ask = self.askers.end(acquire, key);
                self.answered(event)?;
                self.broke_silence(event.at);
                let grant = Grant {
                    at: event.at,
                    key,
                    client,
                    want,
                    asked_at,
                    token,
                    until,
                    session,
                };
                return self.granted(&grant, ask.as_ref());
            }
            What::Released => self.ended(key, client, Some(event.at)),
            What::Lost => self.ended(key, client, None),
            What::Denied => {
                self.askers.end(acquire, key);
                return self.answered(event);
            }
            What::TimedOut => return self.timed_out(event),
            What::Forgotten => {
                self.askers.end(acquire, key);
                self.ended(key, client, None);
            }
            What::Stranded { until } => {
                self.askers.end(acquire, key);
                self.stranded(key, client, until);
            }
            What::Unasked => return Err(Breach::Unasked { client }),
        }
        Ok(())
    }

    fn answered(&mut self, event: &Event) -> Result<(), Breach> {
        let client = event.acquire.client;
        match self.askers.answer(event.acquire) {
            true => Ok(()),
            false => Err(Breach::AnsweredTwice { client }),
        }
    }

    fn arrived(&mut self, event: &Event) {
        let Some(ask) = self.askers.waiting(event.acquire, event.key) else {
            return;
        };
        ask.known = event.at;
        let index = self.crowd(event.key);
        let waits = |acquire| self.askers.waiting(acquire, event.key).is_some();
        self.crowds.at(index).arrive(event.at, event.acquire, waits);
    }

    fn timed_out(&mut self, event: &Event) -> Result<(), Breach> {
        let ask = self.askers.end(event.acquire, event.key);
        self.answered(event)?;
        match ask {
            // Whoever passed it was served while it was in the queue.
            Some(ask) if ask.overtaken_at < ask.asked_at + self.wait => {
                Err(Breach::PassedAndTimedOut {
                    client: event.acquire.client,
                    other: ask.below,
                })
            }
            _ => Ok(()),
        }
    }

    fn ended(&mut self, key: u32, client: u32, released_at: Option<Nanos>) {
        let cell = self.cells.read(key);
        match cell.tenant {
            Tenant::One { client: holder, .. } if holder == client => {
                let released_at = released_at.unwrap_or(Nanos::ZERO);
                let tenant = Tenant::Nobody { released_at };
                self.cells.write(key, Cell { tenant, ..cell });
            }
            Tenant::Crowd { index } => self.ended_in_crowd(index, key, client, released_at),
            Tenant::One { .. } | Tenant::Nobody { .. } => {}
        }
    }

    /// A client's hold is nobody's, and stands until its own deadline: the client itself is not
    /// granted the key before.
    fn stranded(&mut self, key: u32, client: u32, until: Nanos) {
        let cell = self.cells.read(key);
        match cell.tenant {
            Tenant::One {
                client: holder,
                until: lease,
                ..
            } if holder == client => {
                let tenant = Tenant::One {
                    client: self.nobody,
                    until: lease.min(until),
                    session: NO_SESSION,
                };
                self.cells.write(key, Cell { tenant, ..cell });
            }
            Tenant::Crowd { index } => {
                self.crowds.at(index).strand(client, self.nobody, until);
            }
            Tenant::One { .. } | Tenant::Nobody { .. } => {}
        }
    }

    fn broke_silence(&mut self, at: Nanos) {
        let silence = self.last_grant.map_or(Nanos::ZERO, |last| at.since(last));
        self.facts.silence = self.facts.silence.max(silence);
        self.last_grant = Some(at);
    }

    fn ended_in_crowd(&mut self, index: u32, key: u32, client: u32, released_at: Option<Nanos>) {
        let place = self.places[client as usize];
        let crowd = self.crowds.at(index);
        let Some((hold, place)) = crowd.remove(client, place) else {
            return;
        };
        if let Some(moved) = crowd.client_at(place) {
            self.places[moved as usize] = place;
        }
        if let Some(at) = released_at {
            crowd.released(hold, at);
        }
        if let Some(cell) = self.crowds.give_back(index) {
            self.cells.write(key, cell);
        }
    }

    /// The key's crowd; it gets one if it has none.
    pub(super) fn crowd(&mut self, key: u32) -> u32 {
        let cell = self.cells.read(key);
        if let Tenant::Crowd { index } = cell.tenant {
            return index;
        }
        if let Tenant::One { client, .. } = cell.tenant {
            self.places[client as usize] = 0;
        }
        let index = self.crowds.take(cell);
        let (top, tenant) = (Top::NONE, Tenant::Crowd { index });
        self.cells.write(key, Cell { top, tenant });
        index
    }

    /// Threads begin together; a run of counted operations lasts until the last of them ends.
    pub(super) fn is_measured(&self, at: Nanos) -> bool {
        let from = self.windows.iter().map(|(from, _)| *from).min();
        let to = self.windows.iter().map(|(_, to)| *to).max();
        from.is_some_and(|from| from <= at) && to.is_some_and(|to| at < to)
    }

    /// Looks at the suspects of instants that are past.
    fn settle(&mut self, now: Nanos) -> Result<(), Box<Violation>> {
        while let Some((key, at)) = self.suspects.front().copied().filter(|(_, at)| *at < now) {
            self.suspects.pop_front();
            let Tenant::Crowd { index } = self.cells.read(key).tenant else {
                continue;
            };
            if let Some(breach) = self.crowds.at(index).conflict(at, &self.sessions) {
                return Err(self.violation(breach, key, at));
            }
        }
        Ok(())
    }

    fn violation(&self, breach: Breach, key: u32, at: Nanos) -> Box<Violation> {
        let (story, left_out) = self.history.story(key);
        Box::new(Violation {
            breach,
            key,
            at,
            story,
            left_out,
        })
    }
}

/// How long an acquire waits at least: a server's clock may be 1 % fast.
fn wait_min(wait_ms: u32) -> Nanos {
    match wait_ms {
        u32::MAX => Nanos::FOREVER,
        ms => Nanos(u64::from(ms) * 990_000) - Nanos::from_ms(2),
    }
}
