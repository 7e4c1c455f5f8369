//! What is checked when a grant comes: tokens, order, and whether others hold the key.

use super::Want;
use super::askers::Ask;
use super::cell::{Cell, Class, Tenant, Top};
use super::crowd::Hold;
use super::ledger::Ledger;
use super::stairs::Step;
use super::violation::Breach;
use crate::nanos::Nanos;

/// A grant, as its event tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant {
    pub(super) at: Nanos,
    pub(super) key: u32,
    pub(super) client: u32,
    pub(super) want: Want,
    pub(super) asked_at: Nanos,
    pub(super) token: u64,
    pub(super) until: Nanos,
    pub(super) session: u32,
}

impl Ledger {
    #[inline]
    pub(super) fn granted(&mut self, grant: &Grant, ask: Option<&Ask>) -> Result<(), Breach> {
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
        self.facts.orders += u64::from(ask.has_neighbours());
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
        self.check_stairs(index, grant, ask)?;
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
    fn check_stairs(&mut self, index: u32, grant: &Grant, ask: Option<&Ask>) -> Result<(), Breach> {
        let stairs = &self.crowds.at(index).stairs;
        if stairs.had(grant.token) {
            let (client, token) = (grant.client, grant.token);
            return Err(Breach::TokenTwice { client, token });
        }
        let Some(step) = stairs.before(grant.asked_at).copied() else {
            return Ok(());
        };
        let is_counted = ask.is_some_and(Ask::has_neighbours);
        self.facts.orders += u64::from(step.known < step.granted && !is_counted);
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
