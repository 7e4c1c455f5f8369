//! Holds what clients tell against what locks promise. See [`super::Rule`] for the rules.

use std::collections::VecDeque;
use std::sync::Arc;

use hdrhistogram::Histogram;

use super::askers::{Ask, Askers};
use super::cell::{CLIENTS_MAX, Cell, Cells, Class, Tenant, Top};
use super::crowd::{Crowds, Hold};
use super::history::History;
use super::merge::Merge;
use super::sessions::SessionDeadlines;
use super::stairs::Step;
use super::violation::{Breach, Violation};
use super::{Event, Want, What};
use crate::measure;
use crate::nanos::Nanos;
use crate::plan::{PairStyle, Plan};
use crate::report::facts::CheckFacts;

/// A grant, as its event tells it.
#[derive(Clone, Copy, Debug)]
struct Grant {
    at: Nanos,
    key: u32,
    client: u32,
    want: Want,
    asked_at: Nanos,
    token: u64,
    until: Nanos,
    session: u32,
}

/// The safety check of a run: 32 B per key that is used, about 70 B per client, and the last
/// events. It never alarms for a server that keeps its promises.
#[derive(Debug)]
pub struct Ledger {
    cells: Cells,
    crowds: Crowds,
    askers: Askers,
    /// Where each client's hold stood last in its crowd.
    places: Vec<usize>,
    merge: Merge,
    history: History,
    sessions: Arc<SessionDeadlines>,
    /// Keys with holds that may conflict, once the instant is past: a release at the very same
    /// instant would end one of them.
    suspects: VecDeque<(u32, Nanos)>,
    /// Whether releases are sent only when the grant is there.
    releases_follow: bool,
    /// An acquire that waits does not time out before so long after its sending.
    wait: Nanos,
    /// Each thread's measured time: hand-offs of releases outside of it are not counted.
    windows: Vec<(Nanos, Nanos)>,
    handoff: Histogram<u64>,
    facts: CheckFacts,
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
            places: vec![0; clients as usize],
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
            for event in events.drain(..) {
                self.step(&event)?;
            }
            return self.settle(known_until);
        }
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

    #[inline]
    fn granted(&mut self, grant: &Grant, ask: Option<&Ask>) -> Result<(), Breach> {
        self.facts.grants += 1;
        let class = Class::of(grant.want);
        if let Some(ask) = ask {
            self.check_neighbours(grant, ask)?;
        }
        let cell = self.cells.read(grant.key);
        let released_at = match cell.tenant {
            Tenant::Crowd { index } => return self.granted_in_crowd(index, grant, ask),
            Tenant::Nobody { released_at } => released_at,
            Tenant::One { until, session, .. } if !self.stands(until, session, grant.at) => {
                Nanos::ZERO
            }
            Tenant::One { .. } => Nanos::FOREVER,
        };
        if class != Class::Exclusive || released_at == Nanos::FOREVER {
            let index = self.crowd(grant.key);
            return self.granted_in_crowd(index, grant, ask);
        }
        self.check_top(cell.top, grant)?;
        self.count_handoff(released_at, grant, ask);
        let top = higher(cell.top, grant);
        let tenant = Tenant::One {
            client: grant.client,
            until: grant.until,
            session: grant.session,
        };
        self.cells.write(grant.key, Cell { top, tenant });
        Ok(())
    }

    /// Order among the acquires of one connection.
    #[inline]
    fn check_neighbours(&mut self, grant: &Grant, ask: &Ask) -> Result<(), Breach> {
        self.askers
            .granted(grant.client, ask, grant.key, grant.token, grant.at);
        self.facts.orders += u64::from(ask.above != 0 || ask.below != u64::MAX);
        if grant.token < ask.above {
            return Err(passed(grant, ask.above));
        }
        if grant.token > ask.below {
            return Err(passed(grant, ask.below));
        }
        Ok(())
    }

    /// A token is greater than those received before its acquire was sent. And a grant whose hold
    /// stands was the last of all that conflict with it: the others were granted, and over,
    /// before it. So its token is greater than theirs, however long it waited.
    #[inline]
    fn check_top(&mut self, top: Top, grant: &Grant) -> Result<(), Breach> {
        if top.token == 0 {
            return Ok(());
        }
        self.facts.tokens += 1;
        if grant.token > top.token {
            return Ok(());
        }
        if grant.token == top.token {
            let (client, token) = (grant.client, grant.token);
            return Err(Breach::TokenTwice { client, token });
        }
        let is_last = self.releases_follow
            && top.class.conflicts(Class::of(grant.want))
            && top.at < grant.at
            && self.stands(grant.until, grant.session, grant.at);
        match top.at < grant.asked_at || is_last {
            true => Err(back(grant, top.token)),
            false => Ok(()),
        }
    }

    fn granted_in_crowd(
        &mut self,
        index: u32,
        grant: &Grant,
        ask: Option<&Ask>,
    ) -> Result<(), Breach> {
        for class in Class::ALL {
            let top = self.crowds.at(index).tops[class as usize];
            let checked = self.check_top(top, grant);
            checked.map_err(|breach| self.plainer(breach, index, grant))?;
        }
        self.check_stairs(index, grant)?;
        self.mark_overtaken(index, grant);
        let released_at = self.crowds.at(index).released_at;
        self.count_handoff(released_at, grant, ask);
        let crowd = self.crowds.at(index);
        crowd.released_at = Nanos::ZERO;
        let class = Class::of(grant.want);
        let top = &mut crowd.tops[class as usize];
        *top = higher(*top, grant);
        let step = Step {
            known: ask.map_or(grant.at, |ask| ask.known.min(grant.at)),
            granted: grant.at,
            token: grant.token,
        };
        crowd.stairs.add(step, crowd.arrived.len());
        let (place, is_suspect) = crowd.add(hold_of(grant), grant.want);
        self.places[grant.client as usize] = place;
        if is_suspect {
            self.suspects.push_back((grant.key, grant.at));
        }
        Ok(())
    }

    /// A token that goes back while another holds the key tells of two holders first of all.
    #[cold]
    fn plainer(&mut self, breach: Breach, index: u32, grant: &Grant) -> Breach {
        let crowd = self.crowds.at(index);
        crowd.add(hold_of(grant), grant.want);
        let overlap = crowd.conflict(grant.at, &self.sessions);
        overlap.unwrap_or(breach)
    }

    /// Tokens of those who were in the queue before this acquire was sent.
    fn check_stairs(&mut self, index: u32, grant: &Grant) -> Result<(), Breach> {
        let stairs = &self.crowds.at(index).stairs;
        if stairs.had(grant.token) {
            let (client, token) = (grant.client, grant.token);
            return Err(Breach::TokenTwice { client, token });
        }
        let Some(step) = stairs.before(grant.asked_at).copied() else {
            return Ok(());
        };
        self.facts.orders += u64::from(step.known < step.granted);
        if step.token < grant.token {
            return Ok(());
        }
        match step.granted < grant.asked_at {
            true => Err(back(grant, step.token)),
            false => Err(passed(grant, step.token)),
        }
    }

    /// Tells those that are known to be ahead of this grant, and still wait.
    fn mark_overtaken(&mut self, index: u32, grant: &Grant) {
        let arrived = &mut self.crowds.at(index).arrived;
        while let Some((_, acquire)) = arrived.front() {
            if self.askers.waiting(*acquire, grant.key).is_some() {
                break;
            }
            arrived.pop_front();
        }
        let ahead = arrived
            .iter()
            .take_while(|(known, _)| *known < grant.asked_at);
        for (_, acquire) in ahead {
            if let Some(ask) = self.askers.waiting(*acquire, grant.key) {
                ask.overtaken(grant.token, grant.at);
            }
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
    fn crowd(&mut self, key: u32) -> u32 {
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

    fn stands(&self, until: Nanos, session: u32, at: Nanos) -> bool {
        until > at && self.sessions.until(session) > at
    }

    #[inline]
    fn count_handoff(&mut self, released_at: Nanos, grant: &Grant, ask: Option<&Ask>) {
        let waited = ask.is_some() && released_at > Nanos::ZERO && grant.asked_at <= released_at;
        if waited && self.is_measured(released_at) {
            self.handoff
                .saturating_record(grant.at.since(released_at).0);
        }
    }

    /// Threads begin together; a run of counted operations lasts until the last of them ends.
    fn is_measured(&self, at: Nanos) -> bool {
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

fn higher(top: Top, grant: &Grant) -> Top {
    match grant.token > top.token {
        true => Top {
            token: grant.token,
            at: grant.at,
            class: Class::of(grant.want),
        },
        false => top,
    }
}

fn hold_of(grant: &Grant) -> Hold {
    Hold {
        client: grant.client,
        class: Class::of(grant.want),
        until: grant.until,
        session: grant.session,
    }
}

fn back(grant: &Grant, before: u64) -> Breach {
    Breach::TokenBack {
        client: grant.client,
        token: grant.token,
        before,
    }
}

fn passed(grant: &Grant, other: u64) -> Breach {
    Breach::Passed {
        client: grant.client,
        token: grant.token,
        other,
    }
}
