//! Invariants 2 and 3: tokens of a key grow from grant to grant, and grants follow arrivals.
//!
//! Whoever asks after somebody heard of a grant gets a greater token. And an acquire is known to
//! have arrived once an answer to a later request of the same connection has come: to any on a
//! server of one shard, else to one about the same key that its shard has answered; whoever asks
//! for the key after that is granted after it.

use super::{Oracle, Violation};
use crate::agenda::LinkId;
use crate::moment::Moment;
use crate::observed::{Key, Observed, Said, Told, Who};
use std::collections::BTreeMap;

/// An acquire on its way, or granted.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// For what.
    key: Key,
    /// When it was first sent in its session.
    said: Moment,
    /// The greatest token of the key that anybody had heard of then.
    known: u64,
    /// On which connection it was sent last, and its place among the requests there.
    place: (LinkId, u64),
    /// Since when it is known to have arrived.
    arrived: Option<Moment>,
}

/// A request's place among those of its connection.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// It was sent after all with a smaller number.
    number: u64,
    /// The key that it is about.
    key: Option<Key>,
    /// Never sent before: its answer is none that the session's own shard kept.
    is_first: bool,
}

/// An acquire that was granted.
#[derive(Clone, Copy, Debug)]
struct Granted {
    which: (Who, u64),
    asked: Asked,
    token: u64,
}

/// What was asked, in which order, and which tokens came of it.
#[derive(Debug, Default)]
pub struct Order {
    asked: BTreeMap<(Who, u64), Asked>,
    granted: BTreeMap<Key, Vec<Granted>>,
    greatest: BTreeMap<Key, u64>,
    places: BTreeMap<(LinkId, u64), Place>,
    /// On which connection a request of the present session was sent first.
    first: BTreeMap<(Who, u64), LinkId>,
    said: u64,
    shards: usize,
}

impl Oracle for Order {
    fn saw(&mut self, at: Moment, event: &Observed) -> Result<(), Violation> {
        match *event {
            Observed::Started { shards, .. } => {
                self.shards = shards;
                self.asked.clear();
                self.granted.clear();
            }
            Observed::Said {
                who,
                link,
                request,
                said,
            } => self.said(at, (who, link), request, said),
            Observed::Told {
                who,
                told,
                request,
                link,
            } => match told {
                // A new session: what the old one asked is void, or asked anew.
                Told::HelloOk { resumed: false, .. } => {
                    self.asked.retain(|(whose, _), _| *whose != who);
                    self.first.retain(|(whose, _), _| *whose != who);
                }
                _ => self.arrived(at, who, (link, request), told),
            },
            Observed::Granted {
                who,
                hold,
                key,
                token,
                ..
            } => return self.granted((who, hold), key, token),
            _ => {}
        }
        Ok(())
    }
}

impl Order {
    fn said(&mut self, at: Moment, (who, link): (Who, LinkId), request: u64, said: Said) {
        self.said += 1;
        let place = Place {
            number: self.said,
            key: key_of(said),
            is_first: *self.first.entry((who, request)).or_insert(link) == link,
        };
        self.places.insert((link, request), place);
        let Said::Acquire { owner, key, .. } = said else {
            return;
        };
        let known = self.greatest.get(&key).copied().unwrap_or(0);
        let place = (link, self.said);
        let first = Asked {
            key,
            said: at,
            known,
            place,
            arrived: None,
        };
        // Sent again after a resume it keeps what is known, and takes a new place.
        self.asked.entry((who, owner)).or_insert(first).place = place;
    }

    /// All that this client sent on the connection before an answered request has arrived.
    fn arrived(&mut self, at: Moment, who: Who, which: (LinkId, u64), told: Told) {
        let Some(&place) = self.places.get(&which) else {
            return;
        };
        let is_of_all = self.shards == 1;
        let is_of_key = place.is_first && is_of_its_shard(told);
        let own = self.asked.range_mut((who, 0)..=(who, u64::MAX));
        for (_, asked) in own {
            let is_before = asked.place.0 == which.0 && asked.place.1 < place.number;
            if is_before && (is_of_all || is_of_key && place.key == Some(asked.key)) {
                asked.arrived.get_or_insert(at);
            }
        }
    }

    fn granted(&mut self, which: (Who, u64), key: Key, token: u64) -> Result<(), Violation> {
        let greatest = self.greatest.entry(key).or_default();
        *greatest = token.max(*greatest);
        let Some(&asked) = self.asked.get(&which) else {
            return Ok(());
        };
        if token <= asked.known {
            return Err(Violation {
                invariant: "token order",
                reason: format!(
                    "{which:?} asked for {key:?} when {} was known, and gets {token}",
                    asked.known
                ),
            });
        }
        let granted = self.granted.entry(key).or_default();
        for before in granted.iter() {
            let (other, theirs) = (before.which, before.token);
            if theirs == token {
                return Err(Violation {
                    invariant: "token order",
                    reason: format!("{which:?} and {other:?} both get {token} of {key:?}"),
                });
            }
            let overtaken = match token > theirs {
                true => (asked.arrived, before.asked.said),
                false => (before.asked.arrived, asked.said),
            };
            if overtaken.0.is_some_and(|arrived| arrived < overtaken.1) {
                return Err(Violation {
                    invariant: "first come, first served",
                    reason: format!(
                        "{key:?}: {which:?} with {token} and {other:?} with {theirs}, granted \
                         against the order of their arrival"
                    ),
                });
            }
        }
        granted.push(Granted {
            which,
            asked,
            token,
        });
        Ok(())
    }
}

/// The key of a request that goes down the same lane as the acquires of that key.
const fn key_of(said: Said) -> Option<Key> {
    match said {
        Said::Acquire { key, .. } | Said::Release { key, .. } | Said::Renew { key, .. } => {
            Some(key)
        }
        _ => None,
    }
}

/// Whether only the shard of the key says so.
const fn is_of_its_shard(told: Told) -> bool {
    matches!(
        told,
        Told::Granted { .. } | Told::Renewed { .. } | Told::Released
    )
}
