//! Sessions that ask for more than their share, by the protocol: what each asks next. Pure.

use locker_protocol::{Reply, Status};

use crate::scale::member::{Ask, Member, key_of, seat_of};

/// Seats that one uses: the last is that of Hello and pings.
pub(super) const SEATS: u16 = 62;
/// Pings under way of a hot session: beside its seats, which the protocol bounds.
const PINGS: u32 = 1_000;
/// Longer than any storm.
const WAIT_MS: u32 = 600_000;
const HOT: u8 = b'h';

/// What they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// Locks of their own, taken and given back as fast as the answers come, and pings.
    Greedy,
    /// All on one key, each on this many seats: they wait, give back, and wait again.
    OneKey(u16),
    /// Ever more locks, none given back; refused, they ask again at once.
    Hoard,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct Rowdy {
    member: Member,
    number: u32,
    keys: u32,
    is_open: bool,
    /// The owner of what each seat asks for.
    owners: Vec<u64>,
}

impl Rowdy {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            owners: vec![0; usize::from(SEATS) + 1],
            ..Self::default()
        }
    }

    /// Its connection is open.
    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        self.is_open = false;
        self.member
            .open(0, locker_protocol::OnDisconnect::Release, out);
    }

    fn key(&self, conduct: Conduct, seat: u16) -> [u8; 32] {
        match conduct {
            Conduct::OneKey(_) => key_of(HOT, 0),
            Conduct::Greedy => key_of(b'g', self.number * 64 + u32::from(seat)),
            Conduct::Hoard => key_of(b'f', self.number << 24 | self.keys),
        }
    }

    fn ask(&mut self, conduct: Conduct, seat: u16, out: &mut Vec<u8>) {
        self.keys += 1;
        let key = self.key(conduct, seat);
        let owner = u64::from(self.keys) << 8 | u64::from(seat);
        self.owners[usize::from(seat)] = owner;
        let wait_ms = match conduct {
            Conduct::OneKey(_) => WAIT_MS,
            Conduct::Greedy | Conduct::Hoard => 0,
        };
        let ask = Ask {
            wait_ms,
            ..Ask::plain(owner)
        };
        self.member.acquire(seat, &key, ask, out);
    }

    /// Hears an answer and asks for more; a refusal is handed back.
    pub(super) fn hear(
        &mut self,
        conduct: Conduct,
        id: u64,
        reply: &Reply<'_>,
        out: &mut Vec<u8>,
    ) -> Option<Status> {
        let seat = seat_of(id);
        match reply {
            Reply::HelloOk(ok) => {
                self.member.welcomed(ok);
                self.is_open = true;
                let seats = match conduct {
                    Conduct::OneKey(seats) => seats.min(SEATS),
                    Conduct::Greedy | Conduct::Hoard => SEATS,
                };
                (1..=seats).for_each(|seat| self.ask(conduct, seat, out));
                if conduct == Conduct::Greedy {
                    (0..PINGS).for_each(|_| self.member.ping(out));
                }
            }
            Reply::Pong(_) => self.member.ping(out),
            Reply::Granted(granted) if conduct != Conduct::Hoard => {
                let key = self.key(conduct, seat);
                let owner = self.owners[usize::from(seat)];
                self.member.release(seat, &key, owner, granted.token, out);
            }
            Reply::Refused(refusal) => {
                if self.is_open && seat > 0 {
                    self.ask(conduct, seat, out);
                }
                return Some(refusal.status);
            }
            _ if seat > 0 => self.ask(conduct, seat, out),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use locker_protocol::{Granted, Request, split_frame};

    fn asked(bytes: &[u8]) -> (u64, Vec<u8>) {
        let (frame, _) = split_frame(bytes, 65_536).unwrap().unwrap();
        match Request::decode(&frame).unwrap() {
            Request::Acquire(acquire) => (frame.header.request_id, acquire.key.to_vec()),
            Request::Release(release) => (frame.header.request_id, release.key.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_that_hoards_asks_for_another_key_each_time_and_gives_none_back() {
        let (mut rowdy, mut out) = (Rowdy::new(1), Vec::new());
        rowdy.ask(Conduct::Hoard, 1, &mut out);
        let (id, first) = asked(&out);
        let granted = Granted {
            token: 1,
            until: 0,
            server_now: 0,
        };
        out.clear();
        rowdy.hear(Conduct::Hoard, id, &Reply::Granted(granted), &mut out);
        let (_, second) = asked(&out);
        assert_ne!(first, second);
    }

    #[test]
    fn those_on_one_key_give_it_back_at_once() {
        let (mut rowdy, mut out) = (Rowdy::new(1), Vec::new());
        rowdy.ask(Conduct::OneKey(1), 1, &mut out);
        let (id, first) = asked(&out);
        let granted = Granted {
            token: 9,
            until: 0,
            server_now: 0,
        };
        out.clear();
        rowdy.hear(Conduct::OneKey(1), id, &Reply::Granted(granted), &mut out);
        assert_eq!(asked(&out).1, first);
    }
}
