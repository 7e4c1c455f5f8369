//! Acquire, hold, release: the cycle of most modes, which differ in keys, mode and hold.
//!
//! ```text
//!   two trips:  Acquire -> Granted -> (hold) -> Release -> Released
//!   one write:  Acquire (try), Release (token 0) -> Granted, Released
//! ```

use locker_protocol::{
    Acquire, Get, Granted, Mode as HoldMode, Release, Status, TOKEN_ANY, WAIT_TRY,
};

use super::client::Doing;
use super::fleet::{Fleet, Phase, lanes_per_client};
use super::record::Answered;
use super::session::Asked;
use super::timers::Due;
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::plan::{Hold, Mode, PairStyle};
use crate::traffic::Io;
use crate::verify::{Want, What};

/// How long a client rests that a starting or stopping server refused.
const REST: Nanos = Nanos::from_ms(10);

/// Whether a status says that the server grants nothing for now.
fn is_shut(status: u16) -> bool {
    [Status::GraceWindow, Status::Draining]
        .iter()
        .any(|shut| shut.code() == status)
}

impl Fleet {
    pub(super) fn begin_pair(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let (key, want) = match self.plan.workload.mode {
            Mode::Herd => (0, Want::Exclusive),
            _ => (self.draw(client), self.want()),
        };
        self.acquire(client, key, want, now, io);
        if self.plan.workload.pair == PairStyle::OneWrite {
            self.release_behind(client, now, io);
        }
    }

    /// Draws a key for a client.
    #[inline]
    pub(super) fn draw(&mut self, client: usize) -> u32 {
        let state = &mut self.clients[client];
        let home = match self.plan.workload.shard_aware {
            true => self.sessions[state.connection]
                .terms()
                .map(|terms| terms.home),
            false => None,
        };
        // Clients that share all keys walk through them from places of their own.
        let turn = match self.plan.workload.mode {
            Mode::Contended | Mode::ReadWrite { .. } | Mode::Permit { .. } => {
                let clients = self.plan.clients();
                state
                    .acquire
                    .client
                    .wrapping_add(state.turn.wrapping_mul(clients))
            }
            _ => state.turn,
        };
        state.turn = state.turn.wrapping_add(1);
        self.keys.draw(state.slice, turn, home, &mut self.dice)
    }

    #[inline]
    fn want(&mut self) -> Want {
        match self.plan.workload.mode {
            Mode::ReadWrite { shared_percent } => match self.dice.below(100) {
                drawn if drawn < u32::from(shared_percent) => Want::Shared,
                _ => Want::Exclusive,
            },
            Mode::Permit { limit } => Want::Permit(limit),
            _ => Want::Exclusive,
        }
    }

    /// Whether acquires may queue.
    #[inline]
    pub(super) fn may_wait(&self) -> bool {
        self.plan.workload.wait_ms != WAIT_TRY && self.plan.workload.pair == PairStyle::TwoTrips
    }

    /// Sends an acquire.
    #[inline]
    pub(super) fn acquire(&mut self, client: usize, key: u32, want: Want, now: Nanos, io: &mut Io) {
        let may_wait = self.may_wait();
        let state = &mut self.clients[client];
        state.doing = Doing::Acquiring;
        state.key = key;
        state.want = want;
        state.acquire.count += 1;
        state.token = 0;
        let (connection, place, owner) = (state.connection, state.place, state.owner());
        if may_wait {
            let connection = self.connection_number(connection);
            self.tell(client, now, What::Asked { want, connection });
        }
        let lane = usize::from(place) * lanes_per_client(&self.plan);
        let id = self.sessions[connection].ask(lane, Asked::Acquire, now);
        let (mode, permits, limit) = on_the_wire(want);
        let acquire = Acquire {
            owner,
            wait_ms: if may_wait {
                self.plan.workload.wait_ms
            } else {
                WAIT_TRY
            },
            lease_ms: self.plan.workload.lease_ms,
            permits,
            limit,
            mode,
            resize: false,
            key: self.keys.write(key),
            metadata: &[],
        };
        acquire.encode(id, io.out(connection));
        if may_wait && self.plan.checks.order {
            self.look(client, now, io);
        }
    }

    /// Sends a read behind an acquire; its answer shows that the acquire has queued.
    fn look(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        let seats = usize::from(self.plan.inflight) * lanes_per_client(&self.plan);
        let lane = seats + usize::from(state.place);
        let session = &mut self.sessions[state.connection];
        // The read of an earlier acquire may still be on its way: then this one goes without.
        if session.is_free(lane) {
            state.looked_for = state.acquire.count;
            let id = session.ask(lane, Asked::Get, now);
            let key = self.keys.write(state.key);
            Get { key }.encode(id, io.out(state.connection));
        }
    }

    /// Sends the release of a try in the same write.
    fn release_behind(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        state.pair_left = 2;
        state.pair_refusal = None;
        state.released = now;
        let lane = usize::from(state.place) * 2 + 1;
        let id = self.sessions[state.connection].ask(lane, Asked::Release, now);
        let release = Release {
            owner: state.owner(),
            token: TOKEN_ANY,
            key: self.keys.write(state.key),
        };
        release.encode(id, io.out(state.connection));
    }

    /// An acquire was granted.
    #[inline]
    pub(super) fn granted(
        &mut self,
        client: usize,
        granted: &Granted,
        sent: Nanos,
        now: Nanos,
        io: &mut Io,
    ) {
        let mode = self.plan.workload.mode;
        let state = &mut self.clients[client];
        state.token = granted.token;
        state.granted = now;
        let intended = match mode {
            // The connecting before is no part of it.
            Mode::Churn => sent,
            _ => state.intended,
        };
        let number = state.acquire.client;
        self.record.succeeded(Answered {
            kind: Kind::Acquire,
            intended,
            sent,
            now,
        });
        self.record.grant(number, intended, sent, now);
        self.tell_grant(client, granted, sent, now);
        match mode {
            Mode::Renew => self.keep(client, now, io),
            Mode::HoldMany => self.cycle_over(client, now, io),
            _ if self.plan.workload.pair == PairStyle::OneWrite => {
                self.tell(client, now, What::Released);
                self.pair_answered(client, now, io);
            }
            _ => self.hold(client, now, io),
        }
    }

    #[inline]
    fn tell_grant(&mut self, client: usize, granted: &Granted, sent: Nanos, now: Nanos) {
        if !self.tells {
            return;
        }
        let state = &self.clients[client];
        let (connection, want) = (state.connection, state.want);
        let session = &mut self.sessions[connection];
        if granted.until != 0 {
            session.anchor(sent, granted.server_now);
        }
        let until = match self.plan.workload.pair {
            PairStyle::TwoTrips => session.hold_until(granted.until),
            // Its release was sent with it: nobody ever believed in it.
            PairStyle::OneWrite => sent,
        };
        let what = What::Granted {
            want,
            asked_at: sent,
            token: granted.token,
            until,
            session: self.session_number(connection),
        };
        self.tell(client, now, what);
    }

    /// A hold begins: it is released at once, or by a timer.
    #[inline]
    fn hold(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let length = match self.plan.workload.hold {
            _ if self.phase != Phase::Running => Nanos::ZERO,
            Hold::None => Nanos::ZERO,
            Hold::For(length) => length,
            Hold::Exponential(mean) => exponential(self.dice.exponential(mean.0 as f64)),
        };
        let state = &mut self.clients[client];
        state.release_intended = now + length;
        if length == Nanos::ZERO {
            self.hold_over(client, now, io);
            return;
        }
        state.doing = Doing::Holding;
        let count = state.acquire.count;
        self.timers
            .set(now + length, Due::HoldEnd { client, count });
    }

    /// A hold ends: by a release, or by its session's death.
    #[inline]
    pub(super) fn hold_over(&mut self, client: usize, now: Nanos, io: &mut Io) {
        match self.plan.workload.mode {
            Mode::Churn => self.die(client, now, io),
            _ => self.release(client, now, io),
        }
    }

    /// Sends the release of a hold.
    #[inline]
    fn release(&mut self, client: usize, now: Nanos, io: &mut Io) {
        self.tell(client, now, What::Released);
        let state = &mut self.clients[client];
        state.doing = Doing::Releasing;
        state.released = now;
        let lane = usize::from(state.place);
        let id = self.sessions[state.connection].ask(lane, Asked::Release, now);
        let release = Release {
            owner: state.owner(),
            token: state.token,
            key: self.keys.write(state.key),
        };
        release.encode(id, io.out(state.connection));
    }

    /// A release was answered.
    #[inline]
    pub(super) fn released(
        &mut self,
        client: usize,
        refusal: Option<u16>,
        sent: Nanos,
        now: Nanos,
        io: &mut Io,
    ) {
        let state = &mut self.clients[client];
        if self.plan.workload.pair == PairStyle::OneWrite {
            state.pair_refusal = refusal;
            self.pair_answered(client, now, io);
            return;
        }
        let release = Answered {
            kind: Kind::Release,
            intended: state.release_intended,
            sent,
            now,
        };
        // The hold is not the server's: both starts move by its length.
        let cycle = Answered {
            kind: Kind::Cycle,
            intended: state.intended + state.release_intended.since(state.granted),
            sent: state.sent + state.released.since(state.granted),
            now,
        };
        let began = state.intended;
        match refusal {
            None => {
                self.record.succeeded(release);
                self.record.cycle(began, cycle);
            }
            Some(status) => self.record.refused(release, status),
        }
        self.cycle_over(client, now, io);
    }

    /// An acquire ended without a grant.
    pub(super) fn denied(
        &mut self,
        client: usize,
        status: u16,
        sent: Nanos,
        now: Nanos,
        io: &mut Io,
    ) {
        let intended = match self.plan.workload.mode {
            Mode::Churn => sent,
            _ => self.clients[client].intended,
        };
        let answered = Answered {
            kind: Kind::Denied,
            intended,
            sent,
            now,
        };
        self.record.refused(answered, status);
        if self.may_wait() {
            let is_late = status == Status::Timeout.code();
            let what = if is_late {
                What::TimedOut
            } else {
                What::Denied
            };
            self.tell(client, now, what);
        }
        if self.plan.survive.is_some() && is_shut(status) {
            self.rest(client, now);
            return;
        }
        match self.plan.workload.mode {
            Mode::Renew => self.not_kept(client, now, io),
            Mode::HoldMany => self.hold_denied(client, status, now, io),
            Mode::Churn => self.die(client, now, io),
            _ if self.plan.workload.pair == PairStyle::OneWrite => {
                self.pair_answered(client, now, io);
            }
            _ => self.cycle_over(client, now, io),
        }
    }

    /// Ends a cycle that a server refused which is just starting or stopping, and lets the client
    /// rest: thousands of refusals a second tell nothing.
    fn rest(&mut self, client: usize, now: Nanos) {
        let state = &mut self.clients[client];
        state.doing = Doing::Idle;
        self.record.cycle_over(state.intended, now);
        self.timers.set(now + REST, Due::Rest { client });
    }

    /// One of the two answers of a pair in one write came.
    fn pair_answered(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &mut self.clients[client];
        state.pair_left -= 1;
        if state.pair_left > 0 {
            return;
        }
        let pair = Answered {
            kind: Kind::Release,
            intended: state.intended,
            sent: state.released,
            now,
        };
        let kind = Kind::Cycle;
        // A release behind a try that failed finds nothing, as it must: that is no refusal.
        match (state.token, state.pair_refusal) {
            (0, _) => {}
            (_, None) => {
                self.record.succeeded(pair);
                self.record.cycle(pair.intended, Answered { kind, ..pair });
            }
            (_, Some(status)) => self.record.refused(pair, status),
        }
        self.cycle_over(client, now, io);
    }
}

/// Mode, permits and limit of a wish.
#[inline]
fn on_the_wire(want: Want) -> (HoldMode, u32, u32) {
    match want {
        Want::Exclusive => (HoldMode::Exclusive, 0, 0),
        Want::Shared => (HoldMode::Shared, 0, 0),
        Want::Permit(limit) => (HoldMode::Permit, 1, limit),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sample is not negative, and the cast keeps within bounds"
)]
fn exponential(sample: f64) -> Nanos {
    Nanos(sample as u64)
}
