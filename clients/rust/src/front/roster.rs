//! Which of a client's sessions serves which shard, and what to open when the server greets anew.
//!
//! Pure: sessions are what the caller says they are, and it opens them.

use std::mem::replace;
use std::net::SocketAddr;

use locker_protocol::{shard_of_slot, slot_of};

use super::address::Endpoint;
use crate::machine::ServerInfo;

/// Sessions by shard, besides the first one.
#[derive(Debug)]
pub(super) struct Roster<S> {
    layout: Layout,
    /// One for each shard; none for the first session's own, and where none could be opened.
    places: Vec<Option<Place<S>>>,
}

/// The server as the first session's latest greeting shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The first session's shard.
    home: u16,
    /// Each shard's own address; none if the server has no such, or one shard alone.
    addresses: Vec<SocketAddr>,
    /// Which greeting of the first session it was.
    greeting: u64,
}

#[derive(Debug)]
struct Place<S> {
    session: S,
    /// The greeting after which it was opened.
    opened_at: u64,
}

impl Layout {
    /// What `info` says of a server that was reached at `endpoint`. A Unix socket has no address
    /// whose other ports could be tried.
    pub(super) fn of(info: &ServerInfo, endpoint: &Endpoint, greeting: u64) -> Self {
        let is_whole = info.shards > 1 && info.ports.len() == usize::from(info.shards);
        let addresses = match endpoint {
            Endpoint::Tcp(address) if is_whole => {
                let at = |&port: &u16| {
                    let mut address = *address;
                    address.set_port(port);
                    address
                };
                info.ports.iter().map(at).collect()
            }
            _ => Vec::new(),
        };
        Self {
            home: info.shard,
            addresses,
            greeting,
        }
    }
}

impl<S> Roster<S> {
    /// Knows no server yet.
    pub(super) fn new() -> Self {
        Self {
            layout: Layout::default(),
            places: Vec::new(),
        }
    }

    /// The shard of `key` and the session there; `None` = the first session serves it.
    pub(super) fn find(&self, key: &[u8]) -> Option<(u16, &S)> {
        let shards = u16::try_from(self.places.len()).expect("the wire counts shards in 16 bits");
        if shards == 0 {
            return None;
        }
        let shard = shard_of_slot(slot_of(key), shards);
        let place = self.places[usize::from(shard)].as_ref()?;
        Some((shard, &place.session))
    }

    /// Every session with the shard that it is for.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (u16, &S)> {
        let numbered = (0..).zip(&self.places);
        numbered.filter_map(|(shard, place)| Some((shard, &place.as_ref()?.session)))
    }

    /// Goes over to what the server is now and gives the sessions that are for no shard any more.
    ///
    /// A session stays if its shard has the same address among as many shards, unless it
    /// `is_astray`: it was opened in another shard, or it is finished. Such a one is replaced after
    /// each greeting of the first session once, so that ports out of reach cost little.
    pub(super) fn learn(
        &mut self,
        layout: Layout,
        is_astray: impl Fn(u16, &S) -> bool,
        mut open: impl FnMut(SocketAddr) -> Option<S>,
    ) -> Vec<S> {
        let before = replace(&mut self.layout, layout);
        let mut places: Vec<_> = self.places.drain(..).collect();
        let is_as_large = before.addresses.len() == self.layout.addresses.len();
        for (shard, &address) in (0..).zip(&self.layout.addresses) {
            if shard == self.layout.home {
                self.places.push(None);
                continue;
            }
            let opened_at = self.layout.greeting;
            let stays = |place: &mut Place<S>| {
                is_as_large
                    && before.addresses[usize::from(shard)] == address
                    && (place.opened_at == opened_at || !is_astray(shard, &place.session))
            };
            let old = places.get_mut(usize::from(shard));
            let kept = old.and_then(|place| place.take_if(stays));
            let place = kept.or_else(|| {
                let session = open(address)?;
                Some(Place { session, opened_at })
            });
            self.places.push(place);
        }
        let gone = places.into_iter().flatten();
        gone.map(|place| place.session).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn layout(home: u16, ports: &[u16], greeting: u64) -> Layout {
        let addresses = ports.iter().map(|&port| address(port)).collect();
        Layout {
            home,
            addresses,
            greeting,
        }
    }

    /// Goes over to `layout`; each session is named by its port and by the greeting it came after.
    fn learn(roster: &mut Roster<(u16, u64)>, layout: Layout, astray: &[u16]) -> Vec<(u16, u64)> {
        let greeting = layout.greeting;
        roster.learn(
            layout,
            |shard, _| astray.contains(&shard),
            |address| Some((address.port(), greeting)),
        )
    }

    fn sessions(roster: &Roster<(u16, u64)>) -> Vec<(u16, (u16, u64))> {
        let all = roster.sessions();
        all.map(|(shard, &session)| (shard, session)).collect()
    }

    #[test]
    fn every_shard_but_the_first_sessions_own_gets_a_session_at_its_port() {
        let mut roster = Roster::new();
        assert!(learn(&mut roster, layout(1, &[70, 71, 72], 1), &[]).is_empty());
        assert_eq!(sessions(&roster), [(0, (70, 1)), (2, (72, 1))]);
    }

    #[test]
    fn a_key_is_served_by_the_session_of_its_shard() {
        let mut roster = Roster::new();
        assert_eq!(roster.find(b"k"), None, "no server is known");
        learn(&mut roster, layout(0, &[70, 71], 1), &[]);
        for key in (0..100_u32).map(u32::to_be_bytes) {
            let shard = shard_of_slot(slot_of(&key), 2);
            let expected = (shard == 1).then_some((1, &(71, 1)));
            assert_eq!(roster.find(&key), expected);
        }
    }

    #[test]
    fn after_a_greeting_that_says_the_same_every_session_stays() {
        let mut roster = Roster::new();
        learn(&mut roster, layout(0, &[70, 71, 72], 1), &[]);
        let before = sessions(&roster);
        assert!(learn(&mut roster, layout(0, &[70, 71, 72], 2), &[]).is_empty());
        assert_eq!(sessions(&roster), before);
    }

    #[test]
    fn with_another_number_of_shards_all_sessions_are_new() {
        let mut roster = Roster::new();
        learn(&mut roster, layout(0, &[70, 71], 1), &[]);
        let gone = learn(&mut roster, layout(0, &[70, 71, 72], 2), &[]);
        assert_eq!(gone, [(71, 1)]);
        assert_eq!(sessions(&roster), [(1, (71, 2)), (2, (72, 2))]);
    }

    #[test]
    fn without_ports_the_first_session_serves_everything() {
        let mut roster = Roster::new();
        learn(&mut roster, layout(0, &[70, 71], 1), &[]);
        assert_eq!(learn(&mut roster, layout(0, &[], 2), &[]), [(71, 1)]);
        assert_eq!(roster.find(b"k"), None);
    }

    #[test]
    fn only_the_session_whose_port_changed_is_new() {
        let mut roster = Roster::new();
        learn(&mut roster, layout(0, &[70, 71, 72], 1), &[]);
        let gone = learn(&mut roster, layout(0, &[70, 81, 72], 2), &[]);
        assert_eq!(gone, [(71, 1)]);
        assert_eq!(sessions(&roster), [(1, (81, 2)), (2, (72, 1))]);
    }

    #[test]
    fn where_the_first_session_went_it_takes_the_place_of_the_other() {
        let mut roster = Roster::new();
        learn(&mut roster, layout(0, &[70, 71], 1), &[]);
        assert_eq!(learn(&mut roster, layout(1, &[70, 71], 2), &[]), [(71, 1)]);
        assert_eq!(sessions(&roster), [(0, (70, 2))]);
    }

    #[test]
    fn a_session_that_went_astray_is_replaced_after_each_greeting_once() {
        let mut roster = Roster::new();
        learn(&mut roster, layout(0, &[70, 71], 1), &[]);
        assert!(learn(&mut roster, layout(0, &[70, 71], 1), &[1]).is_empty());
        let gone = learn(&mut roster, layout(0, &[70, 71], 2), &[1]);
        assert_eq!(gone, [(71, 1)]);
        assert_eq!(sessions(&roster), [(1, (71, 2))]);
    }

    #[test]
    fn a_session_that_could_not_be_opened_leaves_its_shard_to_the_first() {
        let mut roster: Roster<()> = Roster::new();
        roster.learn(layout(0, &[70, 71], 1), |_, _| false, |_| None);
        assert_eq!(roster.sessions().count(), 0);
        assert_eq!(roster.find(b"k"), None);
    }
}
