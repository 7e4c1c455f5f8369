//! The end of a session: its owner shards are told, each lets go, then its slot is free again.

use crate::lock::effect::Answer;
use crate::lock::input::Input;
use crate::lock::op::{SessionRef, ShardId};
use crate::session::{Life, SeatOp, Settled};
use crate::shard::home::{Home, id_of};
use crate::shard::io::{CloseHow, Io};
use crate::shard::message::{Message, SESSION_END_BYTES};
use crate::shard::reply::{Output, write_answer};
use crate::shard::router::{Room, Urgency};
use locker_protocol as wire;
use locker_protocol::EndReason;

/// Ended sessions that shards are told of in one turn at most.
const ENDS_PER_TURN_MAX: usize = 1_024;

impl Home {
    /// Ends a session: nothing more of it is forwarded, every shard that knows it is told.
    ///
    /// For a Close its connection stays until the end is complete; else it hears `SessionEnded`.
    pub(super) fn end(&mut self, io: &mut impl Io, session: SessionRef, reason: EndReason) {
        let ending = self.sessions.at_mut(session);
        assert_ne!(ending.life, Life::Ending, "a session ends once");
        ending.life = Life::Ending;
        ending.end_owed = ending.touched;
        let connection = ending.connection;
        self.deadlines.session_over(session.slot);
        if reason != EndReason::Closed
            && let Some(connection) = connection
        {
            wire::SessionEnded { reason }.encode(&mut Output(io, connection));
            self.shut(io, connection);
        }
        if self.sessions.at(session).touched.is_empty() {
            self.gone(io, session);
        } else {
            self.ends_owed.push_back(session);
        }
    }

    /// Tells other shards of ended sessions as far as their lanes have room; the engine here is
    /// told through `here`, which tells whether it had room. What has none stays for the next turn.
    pub(super) fn send_ends(&mut self, io: &mut impl Io, mut here: impl FnMut(Input<'_>) -> bool) {
        for _ in 0..self.ends_owed.len().min(ENDS_PER_TURN_MAX) {
            let Some(session) = self.ends_owed.pop_front() else {
                return;
            };
            let mut owed = self.sessions.at(session).end_owed;
            for shard in owed.iter() {
                let input = Input::SessionEnd { session };
                if shard == self.config.shard {
                    if !here(input) {
                        continue;
                    }
                } else {
                    let room = self
                        .router
                        .room(io, shard, SESSION_END_BYTES, 0, Urgency::Required);
                    if room != Room::Free {
                        continue;
                    }
                    self.send(io, shard, Message::Input(input));
                }
                owed.remove(shard);
            }
            self.sessions.at_mut(session).end_owed = owed;
            if !owed.is_empty() {
                self.ends_owed.push_back(session);
            }
        }
    }

    /// A shard has let go of all that an ended session had there.
    pub(super) fn session_gone(&mut self, io: &mut impl Io, session: SessionRef, from: ShardId) {
        let ending = self.sessions.at_mut(session);
        assert_eq!(
            ending.life,
            Life::Ending,
            "a session is let go once it ends"
        );
        assert!(ending.touched.remove(from), "a shard lets go once");
        if ending.touched.is_empty() {
            self.gone(io, session);
        }
    }

    /// Nobody speaks of the session any more: its Close is answered, its slot is free.
    fn gone(&mut self, io: &mut impl Io, session: SessionRef) {
        let ended = self.sessions.at(session);
        let (connection, close_seat) = (ended.connection, ended.close_seat);
        if let Some(connection) = connection {
            if let Some(seat) = close_seat {
                let record = self.sessions.record(session, seat);
                let sequence = record.expect("Close ran on a seat").sequence();
                let settled = Settled {
                    answer: Answer::Released,
                    at: self.now,
                };
                let request_id = id_of(seat, sequence);
                let out = &mut Output(io, connection);
                write_answer(out, request_id, SeatOp::Close, settled);
            }
            io.close(connection, CloseHow::Flush);
            self.forget(connection);
        }
        self.running -= self.sessions.at(session).running;
        self.sessions.remove(session);
    }
}
