//! Renewals: each client holds all keys of its slice from before the start, and renews them.

use locker_protocol::{Renew, Reply};

use super::client::{Doing, owner};
use super::fleet::{Fleet, Phase};
use super::hearing::refusal;
use super::record::Answered;
use super::session::{Answer, Asked};
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::traffic::Io;
use crate::verify::{AcquireId, Event, Want, What};

/// A hold that a client keeps; a token of 0 is none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kept {
    count: u64,
    token: u64,
}

impl Fleet {
    /// Lets the clients of a new connection acquire their keys.
    pub(super) fn set_up(&mut self, connection: usize, now: Nanos, io: &mut Io) {
        let crew = self.crew(connection);
        let workers = crew.clone();
        let count = workers.filter(|client| self.clients[*client].doing != Doing::Retired);
        self.sessions[connection].setting_up = count.count();
        if self.sessions[connection].setting_up == 0 {
            self.ready(connection);
        }
        for client in crew {
            self.clients[client].turn = 0;
            if self.clients[client].doing != Doing::Retired {
                self.set_up_next(client, now, io);
            }
        }
    }

    /// A client acquires the next key of its slice, or is ready.
    fn set_up_next(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let connection = self.clients[client].connection;
        if let Some(key) = self.next_in_slice(client) {
            self.acquire(client, key, Want::Exclusive, now, io);
            return;
        }
        self.clients[client].doing = Doing::Idle;
        self.clients[client].turn = 0;
        let session = &mut self.sessions[connection];
        session.setting_up -= 1;
        if session.setting_up == 0 {
            self.ready(connection);
        }
    }

    /// The next key of a client's slice that its connection may ask for; each is given once.
    pub(super) fn next_in_slice(&mut self, client: usize) -> Option<u32> {
        let state = &mut self.clients[client];
        let home = match self.plan.workload.shard_aware {
            true => self.sessions[state.connection]
                .terms()
                .map(|terms| terms.home),
            false => None,
        };
        while state.turn < state.slice.len {
            let key = state.slice.number(state.turn);
            state.turn += 1;
            if home.is_none_or(|home| self.keys.is_at(key, home)) {
                return Some(key);
            }
        }
        None
    }

    pub(super) fn begin_renew(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let key = self.draw(client);
        let kept = *self.kept_of(client, key);
        if kept.token == 0 {
            self.acquire(client, key, Want::Exclusive, now, io);
            return;
        }
        let state = &mut self.clients[client];
        state.doing = Doing::Renewing;
        state.key = key;
        let lane = usize::from(state.place);
        let id = self.sessions[state.connection].ask(lane, Asked::Renew, now);
        let renew = Renew {
            owner: owner(kept.count, state.place),
            token: kept.token,
            lease_ms: self.plan.workload.lease_ms,
            key: self.keys.write(key),
        };
        renew.encode(id, io.out(state.connection));
    }

    /// A client was granted a key to keep.
    pub(super) fn keep(&mut self, client: usize, now: Nanos, io: &mut Io) {
        let state = &self.clients[client];
        let (key, count, token) = (state.key, state.acquire.count, state.token);
        *self.kept_of(client, key) = Kept { count, token };
        self.kept_or_not(client, now, io);
    }

    /// A client was denied a key to keep; it tries again when it draws the key.
    pub(super) fn not_kept(&mut self, client: usize, now: Nanos, io: &mut Io) {
        self.kept_or_not(client, now, io);
    }

    fn kept_or_not(&mut self, client: usize, now: Nanos, io: &mut Io) {
        if self.phase == Phase::Waiting {
            self.set_up_next(client, now, io);
        } else {
            self.cycle_over(client, now, io);
        }
    }

    /// A renewal was answered.
    pub(super) fn renewed(&mut self, client: usize, answer: &Answer<'_>, now: Nanos, io: &mut Io) {
        let state = &self.clients[client];
        let (connection, key) = (state.connection, state.key);
        let answered = Answered {
            kind: Kind::Renew,
            intended: state.intended,
            sent: answer.sent,
            now,
        };
        if let Reply::Renewed(renewed) = &answer.reply {
            self.sessions[connection].anchor(answer.sent, renewed.server_now);
            self.record.succeeded(answered);
        } else {
            self.record.refused(answered, refusal(&answer.reply));
            self.not_held(client, key, now);
        }
        self.cycle_over(client, now, io);
    }

    /// A renewal was refused: the hold is gone, if Lost did not say so already.
    fn not_held(&mut self, client: usize, key: u32, now: Nanos) {
        let kept = std::mem::take(self.kept_of(client, key));
        if kept.token == 0 {
            return;
        }
        let acquire = AcquireId {
            client: self.clients[client].acquire.client,
            count: kept.count,
        };
        self.tell_event(Event {
            at: now,
            key,
            acquire,
            what: What::Lost,
        });
    }

    /// The server said that a hold is lost.
    pub(super) fn lose_kept(&mut self, client: usize, key: u32, count: u64) {
        if self
            .keys
            .slice(self.clients[client].acquire.client)
            .has(key)
        {
            let kept = self.kept_of(client, key);
            if kept.count == count {
                *kept = Kept::default();
            }
        }
    }

    /// A client's session is gone, and with it what it kept.
    pub(super) fn forget_kept(&mut self, client: usize) {
        self.kept[client].fill(Kept::default());
    }

    fn kept_of(&mut self, client: usize, key: u32) -> &mut Kept {
        let index = self.clients[client].slice.index(key);
        &mut self.kept[client][index as usize]
    }
}
