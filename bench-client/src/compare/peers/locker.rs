//! locker: Hello opens a session, each place has two seats, one for its acquires and one for its
//! releases. Pure.
//!
//! A release that is said behind an acquire without an answer yet has token 0: a pair in one write.

use locker_protocol::{
    Acquire, FRAME_BYTES_MAX, Frame, FromServer, Granted, Mode, OnDisconnect, Released, Reply,
    RequestId, Status, TOKEN_ANY, WAIT_FOREVER, WAIT_TRY, shard_of_slot, slot_of, split_frame,
};

use crate::compare::dialect::{Answer, Asking, Broken, Dialect, Outcome, Step};
use crate::compare::key::key;
use crate::greeting::open_session;

/// Hello uses no seat: any number but 0.
const HELLO_ID: u64 = 1 << 16;
/// Longer than any measured time, so that no keepalive disturbs it.
const TTL_MS: u32 = 60_000;
const FRAME_MAX: u32 = 65_536;
const _: () = assert!(FRAME_MAX as usize == FRAME_BYTES_MAX);

/// What a place asked for last.
#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    owner: u64,
    /// The grant's, or [`TOKEN_ANY`] before its answer.
    token: u64,
}

/// A connection to locker.
#[derive(Debug)]
pub struct Locker {
    is_open: bool,
    /// Whether it asks only for keys of its connection's shard.
    keeps_home: bool,
    /// That shard and the number of shards, once HelloOk told them.
    home: Option<(u16, u16)>,
    /// Lease of each hold in milliseconds, 0 = as long as the session.
    lease_ms: u32,
    /// Counts requests: owners and sequences, which may skip.
    count: u64,
    places: Vec<Asked>,
}

impl Locker {
    /// For so many places; each hold has a lease of so many milliseconds, 0 = none but the session.
    #[must_use]
    pub fn new(places: u16, lease_ms: u32) -> Self {
        Self {
            is_open: false,
            keeps_home: false,
            home: None,
            lease_ms,
            count: 0,
            places: vec![Asked::default(); usize::from(places)],
        }
    }

    /// One that asks only for keys of the shard that it is connected to.
    #[must_use]
    pub fn shard_aware(places: u16) -> Self {
        let keeps_home = true;
        let any = Self::new(places, 0);
        Self { keeps_home, ..any }
    }

    fn id(&mut self, seat: u16) -> u64 {
        self.count += 1;
        let sequence = self.count;
        RequestId { seat, sequence }.pack()
    }

    /// One frame of the server: an answer, or none for HelloOk.
    fn heard(&mut self, frame: &Frame<'_>) -> Result<Option<Answer>, Broken> {
        let header = frame.header;
        let seat = RequestId::unpack(header.request_id).seat;
        let place = seat / 2;
        let outcome = match (header.op, header.status) {
            (Granted::OP, 0) => {
                let granted = Granted::decode(frame.body).map_err(unread)?;
                self.places[usize::from(place)].token = granted.token;
                Outcome::Got
            }
            (Released::OP, 0) => Outcome::Released,
            (Granted::OP, status) if status == Status::Timeout.code() => Outcome::NotGot,
            (Released::OP, status) if status == Status::NotHeld.code() => Outcome::NotHeld,
            (Granted::OP, status) if status == Status::Busy.code() => {
                Outcome::Refused(Step::Acquire)
            }
            (Released::OP, status) if status == Status::Busy.code() => {
                Outcome::Refused(Step::Release)
            }
            (Granted::OP | Released::OP, status) => Outcome::Failed(format!("status {status}")),
            _ => return self.greeted(frame).map(|()| None),
        };
        Ok(Some(Answer { place, outcome }))
    }

    fn greeted(&mut self, frame: &Frame<'_>) -> Result<(), Broken> {
        match FromServer::decode(frame).map_err(unread)? {
            FromServer::Reply(Reply::HelloOk(hello)) => {
                let needed = 2 * self.places.len();
                if usize::from(hello.seats) < needed {
                    let seats = hello.seats;
                    return Err(Broken(format!("{seats} seats, {needed} are needed")));
                }
                if hello.grace_left_ms > 0 {
                    return Err(Broken("keys are closed after a restart".to_owned()));
                }
                self.is_open = true;
                let home = (hello.shard, hello.shards.max(1));
                self.home = self.keeps_home.then_some(home);
                Ok(())
            }
            other => Err(Broken(format!("{other:?}"))),
        }
    }
}

fn unread(bad: locker_protocol::BadFrame) -> Broken {
    Broken(bad.to_string())
}

impl Dialect for Locker {
    fn greet(&mut self, out: &mut Vec<u8>) {
        open_session(HELLO_ID, TTL_MS, OnDisconnect::Release, out);
    }

    fn ready(&self) -> bool {
        self.is_open
    }

    #[inline]
    fn takes(&self, number: u32) -> bool {
        let at = |shards| shard_of_slot(slot_of(&key(number)), shards);
        self.home.is_none_or(|(shard, shards)| at(shards) == shard)
    }

    fn acquire(&mut self, place: u16, number: u32, asking: Asking, out: &mut Vec<u8>) {
        let id = self.id(2 * place);
        let owner = self.count;
        let token = TOKEN_ANY;
        self.places[usize::from(place)] = Asked { owner, token };
        let acquire = Acquire {
            owner,
            wait_ms: match asking {
                Asking::Try => WAIT_TRY,
                Asking::Wait => WAIT_FOREVER,
            },
            lease_ms: self.lease_ms,
            permits: 0,
            limit: 0,
            mode: Mode::Exclusive,
            resize: false,
            key: &key(number),
            metadata: &[],
        };
        acquire.encode(id, out);
    }

    fn release(&mut self, place: u16, number: u32, out: &mut Vec<u8>) {
        let id = self.id(2 * place + 1);
        let Asked { owner, token } = self.places[usize::from(place)];
        let key = &key(number);
        locker_protocol::Release { owner, token, key }.encode(id, out);
    }

    fn parse(
        &mut self,
        bytes: &[u8],
        _out: &mut Vec<u8>,
        answers: &mut Vec<Answer>,
    ) -> Result<usize, Broken> {
        let mut taken = 0;
        loop {
            let split = split_frame(&bytes[taken..], FRAME_MAX);
            let Some((frame, length)) = split.map_err(|error| Broken(error.to_string()))? else {
                return Ok(taken);
            };
            answers.extend(self.heard(&frame)?);
            taken += length;
        }
    }
}
