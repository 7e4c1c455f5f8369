//! The network: connections of bytes, delayed, held up, cut at any byte.
//!
//! Within one direction of a connection bytes stay in order, as TCP keeps them; between
//! connections, and between the two directions of one, nothing is ordered. A direction takes as
//! many bytes as its capacity, those included that have arrived and were not read: so a reader that
//! is slow stops its sender.

mod pipe;

use crate::agenda::{Agenda, Due, LinkId, Side};
use crate::dice::Dice;
use crate::moment::Moment;
use pipe::{Parcel, Pipe};

/// How the network behaves; drawn for each run.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// A packet takes at least this, in microseconds.
    pub delay_least: u64,
    /// And mostly at most this.
    pub delay_most: u64,
    /// So many in a thousand packets take much longer.
    pub late_permille: u64,
    /// How long those take at most.
    pub late_most: u64,
    /// Bytes under way and unread in one direction at most.
    pub capacity: usize,
}

/// What a reader finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing yet.
    Nothing,
    /// These bytes.
    Bytes(Vec<u8>),
    /// The end of the stream.
    End,
    /// The connection is broken.
    Broken,
}

/// What breaks a connection in the middle of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// Both ends hear of a reset.
    Reset,
    /// Both ends hear of an orderly end, as from a proxy.
    Finish,
    /// Only this end hears of a reset; the other hears nothing, for ever.
    HalfOpen(Side),
    /// Nothing passes in one direction, or in both, for so long; then everything does.
    Hole(Option<Side>, u64),
    /// Nothing passes, for so long; then both ends hear of a reset.
    HoleThenReset(u64),
}

/// All connections of a run.
#[derive(Debug)]
pub struct Network {
    links: Vec<Link>,
    weather: Weather,
    dice: Dice,
}

#[derive(Debug)]
struct Link {
    client: u8,
    /// Bytes on their way to each end.
    to_client: Pipe,
    to_server: Pipe,
}

impl Link {
    fn towards(&mut self, side: Side) -> &mut Pipe {
        match side {
            Side::Client => &mut self.to_client,
            Side::Server => &mut self.to_server,
        }
    }
}

impl Network {
    /// A network without connections.
    #[must_use]
    pub const fn new(weather: Weather, dice: Dice) -> Self {
        Self {
            links: Vec::new(),
            weather,
            dice,
        }
    }

    /// A new connection of a client; its first packet is under way.
    pub fn connect(&mut self, client: u8, now: Moment, agenda: &mut Agenda) -> LinkId {
        let id = LinkId(u32::try_from(self.links.len()).expect("fewer than 2^32"));
        self.links.push(Link {
            client,
            to_client: Pipe::default(),
            to_server: Pipe::default(),
        });
        agenda.add(now.plus(self.delay()), Due::Knock { link: id });
        id
    }

    /// The server's end answers the first packet.
    pub fn answer(&mut self, link: LinkId, taken: bool, now: Moment, agenda: &mut Agenda) {
        agenda.add(now.plus(self.delay()), Due::Opened { link, taken });
    }

    /// Whose connection it is.
    #[must_use]
    pub fn client_of(&self, link: LinkId) -> u8 {
        self.link(link).client
    }

    /// Connections made so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.links.len()
    }

    /// Sends, as many bytes as there is room for; `None` if the connection is known to be broken.
    pub fn send(
        &mut self,
        link: LinkId,
        from: Side,
        bytes: &[u8],
        now: Moment,
        agenda: &mut Agenda,
    ) -> Option<usize> {
        let capacity = self.weather.capacity;
        if self.link_mut(link).towards(from).is_broken() {
            return None;
        }
        let pipe = self.link_mut(link).towards(from.other());
        let count = bytes.len().min(capacity.saturating_sub(pipe.load()));
        pipe.wants_room = count < bytes.len();
        let mut rest = &bytes[..count];
        while !rest.is_empty() {
            let piece = match self.dice.one_in(4) {
                true => 1 + self.dice.index(rest.len()),
                false => rest.len(),
            };
            let (first, others) = rest.split_at(piece);
            self.dispatch(
                link,
                from.other(),
                Parcel::Bytes(first.to_vec()),
                now,
                agenda,
            );
            rest = others;
        }
        Some(count)
    }

    /// Whether a send would take bytes, or find the connection broken.
    #[must_use]
    pub fn has_room(&self, link: LinkId, from: Side) -> bool {
        let link = self.link(link);
        let (incoming, outgoing) = match from {
            Side::Client => (&link.to_client, &link.to_server),
            Side::Server => (&link.to_server, &link.to_client),
        };
        incoming.is_broken() || outgoing.load() < self.weather.capacity
    }

    /// Whether a read would find something.
    #[must_use]
    pub fn is_readable(&self, link: LinkId, side: Side) -> bool {
        match side {
            Side::Client => self.link(link).to_client.is_readable(),
            Side::Server => self.link(link).to_server.is_readable(),
        }
    }

    /// Reads at most so many bytes.
    pub fn read(
        &mut self,
        link: LinkId,
        side: Side,
        most: usize,
        now: Moment,
        agenda: &mut Agenda,
    ) -> Found {
        let delay = self.delay();
        let pipe = self.link_mut(link).towards(side);
        let found = pipe.take(most);
        if matches!(found, Found::Bytes(_)) && std::mem::take(&mut pipe.wants_room) {
            let to = side.other();
            agenda.add(now.plus(delay), Due::Segment { link, to });
        }
        found
    }

    /// Ends the stream that this end sends.
    pub fn finish(&mut self, link: LinkId, from: Side, now: Moment, agenda: &mut Agenda) {
        let pipe = self.link_mut(link).towards(from.other());
        if !std::mem::replace(&mut pipe.is_finished, true) {
            self.dispatch(link, from.other(), Parcel::End, now, agenda);
        }
    }

    /// Closes this end: the peer hears of the end, or of a reset if bytes were left unread.
    pub fn close(&mut self, link: LinkId, side: Side, now: Moment, agenda: &mut Agenda) {
        let was_unread = self.link_mut(link).towards(side).close();
        if was_unread {
            self.dispatch(link, side.other(), Parcel::Reset, now, agenda);
        } else {
            self.finish(link, side, now, agenda);
        }
    }

    /// This end is gone without a word, and its host too: whoever sends to it hears nothing.
    pub fn vanish(&mut self, link: LinkId, side: Side) {
        self.link_mut(link).towards(side).close();
        let pipe = self.link_mut(link).towards(side.other());
        pipe.closed_until = Moment::NEVER;
    }

    /// What is due to arrive arrives; whether the reader may have something to look at.
    pub fn arrive(&mut self, link: LinkId, to: Side, now: Moment, agenda: &mut Agenda) -> bool {
        let delay = self.delay();
        let ends = self.link_mut(link);
        let pipe = ends.towards(to);
        let rejected = pipe.arrive(now);
        let readable = pipe.is_readable();
        if rejected {
            // Nobody is there any more: the sender is told, if the way back is open.
            let back = ends.towards(to.other());
            if !back.is_broken() && back.closed_until != Moment::NEVER {
                back.dispatch(Parcel::Reset, now.plus(delay));
                agenda.add(
                    back.last_at(),
                    Due::Segment {
                        link,
                        to: to.other(),
                    },
                );
            }
        }
        // Room for the sender counts as news, too.
        readable || self.has_room(link, to)
    }

    /// Something in the middle breaks the connection.
    pub fn cut(&mut self, link: LinkId, cut: Cut, now: Moment, agenda: &mut Agenda) {
        let sides = [Side::Client, Side::Server];
        match cut {
            Cut::Reset => {
                for side in sides {
                    self.lose_tail(link, side);
                    self.dispatch(link, side, Parcel::Reset, now, agenda);
                }
            }
            Cut::Finish => {
                for side in sides {
                    self.lose_tail(link, side);
                    self.finish(link, side.other(), now, agenda);
                }
            }
            Cut::HalfOpen(side) => {
                self.lose_tail(link, side);
                self.dispatch(link, side, Parcel::Reset, now, agenda);
                self.link_mut(link).towards(side.other()).closed_until = Moment::NEVER;
                self.lose_tail(link, side.other());
            }
            Cut::Hole(which, micros) => {
                for side in sides {
                    if which.is_none_or(|only| only == side) {
                        let until = now.plus(micros);
                        self.link_mut(link).towards(side).closed_until = until;
                        // What is under way already waits, too.
                        agenda.add(until, Due::Segment { link, to: side });
                    }
                }
            }
            Cut::HoleThenReset(micros) => {
                let until = now.plus(micros);
                for side in sides {
                    self.lose_tail(link, side);
                    let pipe = self.link_mut(link).towards(side);
                    pipe.closed_until = until;
                    pipe.dispatch(Parcel::Reset, until);
                    agenda.add(pipe.last_at(), Due::Segment { link, to: side });
                }
            }
        }
    }

    /// From now on the network is quick, and loses nothing more.
    pub fn calm(&mut self) {
        self.weather.late_permille = 0;
    }

    /// Some of what is under way is lost, from any byte on.
    fn lose_tail(&mut self, link: LinkId, to: Side) {
        let keep = self.dice.index(64);
        if self.dice.one_in(2) {
            self.link_mut(link).towards(to).lose_tail(keep);
        }
    }

    fn dispatch(
        &mut self,
        link: LinkId,
        to: Side,
        parcel: Parcel,
        now: Moment,
        agenda: &mut Agenda,
    ) {
        let at = now.plus(self.delay());
        let pipe = self.link_mut(link).towards(to);
        pipe.dispatch(parcel, at);
        agenda.add(pipe.last_at(), Due::Segment { link, to });
    }

    fn delay(&mut self) -> u64 {
        let Weather {
            delay_least,
            delay_most,
            late_permille,
            late_most,
            ..
        } = self.weather;
        match self.dice.permille(late_permille) {
            true => self.dice.spread(delay_most, late_most.max(delay_most)),
            false => self.dice.within(delay_least, delay_most),
        }
    }

    fn link(&self, link: LinkId) -> &Link {
        &self.links[link.0 as usize]
    }

    fn link_mut(&mut self, link: LinkId) -> &mut Link {
        &mut self.links[link.0 as usize]
    }
}
