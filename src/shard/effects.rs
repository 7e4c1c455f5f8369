//! Where an engine's words go: to sessions of this shard at once, to others by their lanes.

use crate::lock::effect::{Answer, Effects, Event, LaneFull};
use crate::lock::op::{ReaderRef, ReplyTo, ShardId};
use crate::shard::home::{Home, LostHold};
use crate::shard::io::Io;
use crate::shard::message::{LOST_TOLD_BYTES, Message, event_bytes};
use crate::shard::router::{Room, Urgency};

/// The effects of one application of the engine.
pub(super) struct Sink<'a, I> {
    pub(super) home: &'a mut Home,
    pub(super) io: &'a mut I,
}

impl<I: Io> Effects for Sink<'_, I> {
    fn answer(&mut self, to: ReplyTo, answer: Answer, lost_pending: bool) {
        let shard = to.session.id.home();
        if shard == self.home.config.shard {
            self.home.settle(self.io, to, answer, lost_pending);
            return;
        }
        let message = Message::Answer {
            to,
            answer,
            lost_pending,
        };
        self.home.send(self.io, shard, message);
    }

    fn queued(&mut self, to: ReplyTo) {
        self.home.counters.queued += 1;
        let shard = to.session.id.home();
        if shard != self.home.config.shard {
            self.home.send(self.io, shard, Message::Queued { to });
        }
    }

    fn read_reply(&mut self, to: ReaderRef, body: &[u8]) {
        if to.home == self.home.config.shard {
            self.home.read_reply(self.io, to, body);
        } else {
            self.home
                .send(self.io, to.home, Message::ReadReply { to, body });
        }
    }

    fn later(&mut self, home: ShardId, event: Event<'_>) -> Result<(), LaneFull> {
        if home == self.home.config.shard {
            return self.here(event);
        }
        let told_bytes = match event {
            Event::Lost {
                closure: Some(_), ..
            } => LOST_TOLD_BYTES,
            _ => 0,
        };
        let bytes = event_bytes(&event);
        let room = self
            .home
            .router
            .room(self.io, home, bytes, told_bytes, Urgency::Required);
        if room != Room::Free {
            return Err(LaneFull);
        }
        self.home.router.reserve(home, told_bytes);
        self.home.send(self.io, home, Message::Event(event));
        Ok(())
    }
}

impl<I: Io> Sink<'_, I> {
    /// An event for a session of this shard, of the engine here.
    fn here(&mut self, event: Event<'_>) -> Result<(), LaneFull> {
        match event {
            Event::Settled { to, answer } => self.home.settle(self.io, to, answer, false),
            Event::Lost {
                to,
                owner,
                token,
                reason,
                key,
                closure,
            } => {
                self.home.told_here(closure)?;
                let lost = LostHold {
                    to,
                    owner,
                    token,
                    reason,
                    key,
                };
                self.home.lost(self.io, &lost);
            }
            Event::SessionGone { session } => {
                let here = self.home.config.shard;
                self.home.session_gone(self.io, session, here);
            }
        }
        Ok(())
    }
}
