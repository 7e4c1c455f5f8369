//! What comes from the server: each answer goes to the client whose request it answers.

use locker_protocol::{GoAwayReason, Lost, Push, Reply, Status};

use super::client::{Doing, count_and_place};
use super::fleet::{Fleet, Phase, lanes_per_client};
use super::record::Answered;
use super::session::{Answer, Asked, Breach, Heard};
use crate::measure::Kind;
use crate::nanos::Nanos;
use crate::plan::Mode;
use crate::traffic::{Close, End, Io};
use crate::verify::{AcquireId, Event, What};

impl Fleet {
    /// Takes whole frames off the front of `bytes`; tells how many bytes.
    pub(super) fn hear(
        &mut self,
        connection: usize,
        bytes: &[u8],
        now: Nanos,
        io: &mut Io,
    ) -> usize {
        let life = self.sessions[connection].life;
        let mut taken = 0;
        loop {
            match self.sessions[connection].hear(&bytes[taken..]) {
                Ok(Some((heard, length))) => {
                    taken += length;
                    match heard {
                        Heard::Answer(answer) => self.answered(connection, &answer, now, io),
                        Heard::Push(push) => self.pushed(connection, &push, now, io),
                    }
                }
                Ok(None) => return taken,
                Err(breach) => {
                    self.breached(connection, &breach, now);
                    return bytes.len();
                }
            }
            // What follows on a connection that was cut is nobody's.
            if self.sessions[connection].life != life {
                return bytes.len();
            }
        }
    }

    #[inline]
    fn answered(&mut self, connection: usize, answer: &Answer<'_>, now: Nanos, io: &mut Io) {
        match answer.asked {
            Asked::Acquire => {
                let client = self.client_of(connection, answer.lane);
                match &answer.reply {
                    Reply::Granted(granted) => {
                        self.granted(client, granted, answer.sent, now, io);
                    }
                    reply => self.denied(client, refusal(reply), answer.sent, now, io),
                }
            }
            Asked::Release => {
                let client = self.client_of(connection, answer.lane);
                self.released(client, refusal_if_any(&answer.reply), answer.sent, now, io);
            }
            Asked::Renew => {
                let client = self.client_of(connection, answer.lane);
                self.renewed(client, answer, now, io);
            }
            Asked::Get => self.looked(connection, answer, now),
            Asked::Nothing | Asked::Hello | Asked::Ping | Asked::Close => {
                self.own_answer(connection, answer, now, io);
            }
        }
    }

    #[cold]
    fn breached(&mut self, connection: usize, breach: &Breach, now: Nanos) {
        if let Some(lane) = breach.stray {
            let crew = self.crew(connection);
            let client = crew.start + lane / lanes_per_client(&self.plan);
            let client = if crew.contains(&client) {
                client
            } else {
                crew.start
            };
            self.tell(client, now, What::Unasked);
        }
        self.break_rule(connection, &breach.rule);
    }

    /// The client that uses a seat.
    #[inline]
    fn client_of(&self, connection: usize, lane: usize) -> usize {
        connection * usize::from(self.plan.inflight) + lane / lanes_per_client(&self.plan)
    }

    /// An answer to what the connection itself asked.
    #[cold]
    fn own_answer(&mut self, connection: usize, answer: &Answer<'_>, now: Nanos, io: &mut Io) {
        let sent = answer.sent;
        let mut answered = Answered {
            kind: Kind::Read,
            intended: sent,
            sent,
            now,
        };
        match &answer.reply {
            Reply::Pong(pong) => {
                self.sessions[connection].anchor(sent, pong.server_now);
                self.record.succeeded(answered);
            }
            Reply::HelloOk(ok) => {
                let wished = self.sessions[connection].wished;
                answered.kind = Kind::Open;
                (answered.intended, answered.sent) = (wished, wished);
                self.record.succeeded(answered);
                self.welcomed(connection, ok, sent, now, io);
            }
            Reply::Closed(_) => self.cut(connection, Close::Orderly, now, io),
            // The server ends the connection behind it.
            reply => self.record.refused(answered, refusal(reply)),
        }
    }

    /// A read sent behind an acquire was answered: if it still waits, it surely queued.
    fn looked(&mut self, connection: usize, answer: &Answer<'_>, now: Nanos) {
        let place = answer.lane - usize::from(self.plan.inflight) * lanes_per_client(&self.plan);
        let client = connection * usize::from(self.plan.inflight) + place;
        let answered = Answered {
            kind: Kind::Read,
            intended: answer.sent,
            sent: answer.sent,
            now,
        };
        if let Some(status) = refusal_if_any(&answer.reply) {
            self.record.refused(answered, status);
            return;
        }
        self.record.succeeded(answered);
        let asker = &self.clients[client];
        if asker.doing == Doing::Acquiring && asker.looked_for == asker.acquire.count {
            self.tell(client, now, What::Arrived);
        }
    }

    fn pushed(&mut self, connection: usize, push: &Push<'_>, now: Nanos, io: &mut Io) {
        match push {
            Push::Lost(lost) => self.lost(connection, lost, now, io),
            Push::GoAway(away) => {
                let is_stopping =
                    matches!(away.reason, GoAwayReason::Restart | GoAwayReason::Shutdown);
                // Of a server that may come back the end of the connection says enough.
                let is_stopping = is_stopping && self.plan.survive.is_none();
                if is_stopping && matches!(self.phase, Phase::Waiting | Phase::Running) {
                    self.lose_server(End::Eof);
                }
            }
            Push::Fault(refusal) => {
                let status = refusal.status.code();
                *self.record.measures.refused.entry(status).or_default() += 1;
            }
            // The server ends the connection behind it: that is when it counts.
            Push::SessionEnded(_) => {}
        }
    }

    fn lost(&mut self, connection: usize, lost: &Lost<'_>, now: Nanos, io: &mut Io) {
        let (count, place) = count_and_place(lost.owner);
        let number = self.keys.number(lost.key);
        let (Some(key), true) = (number, place < self.plan.inflight) else {
            self.break_rule(connection, "a Lost of a hold that nobody has");
            return;
        };
        let client = self.crew(connection).start + usize::from(place);
        let acquire = AcquireId {
            client: self.clients[client].acquire.client,
            count,
        };
        let is_newest = self.clients[client].acquire.count == count;
        let doing = self.clients[client].doing;
        let is_ungranted = doing == Doing::Acquiring && self.clients[client].token == 0;
        if is_newest && is_ungranted {
            self.break_rule(connection, "a Lost of a hold that was not granted yet");
            return;
        }
        self.record.measures.lost += u64::from(self.record.covers(now));
        // After a release was sent the two crossed: the hold is over already for the check.
        let is_released = is_newest && doing == Doing::Releasing;
        if !is_released {
            self.tell_event(Event {
                at: now,
                key,
                acquire,
                what: What::Lost,
            });
        }
        if self.plan.workload.mode == Mode::Renew {
            self.lose_kept(client, key, count);
        } else if is_newest && doing == Doing::Holding {
            self.cycle_over(client, now, io);
        }
    }
}

/// The status of a refusal; 0 of anything else.
#[inline]
pub(super) fn refusal(reply: &Reply<'_>) -> u16 {
    refusal_if_any(reply).unwrap_or(Status::Ok.code())
}

/// The status of a refusal.
#[inline]
pub(super) fn refusal_if_any(reply: &Reply<'_>) -> Option<u16> {
    match reply {
        Reply::Refused(refusal) => Some(refusal.status.code()),
        _ => None,
    }
}
