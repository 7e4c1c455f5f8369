//! Invariants 2 and 3: tokens of a key grow from grant to grant, and grants follow arrivals.
//!
//! Whoever asks after somebody heard of a grant gets a greater token. And on a server of one shard:
//! once an answer to a later request of the same connection has come, an acquire is known to have
//! arrived; whoever asks for the key after that is granted after it.

use super::{Oracle, Violation};
use crate::agenda::LinkId;
use crate::moment::Moment;
use crate::observed::{Key, Observed, Said, Told, Who};
use std::collections::BTreeMap;

/// An acquire on its way, or granted.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// When it was first sent in its session.
    said: Moment,
    /// The greatest token of the key that anybody had heard of then.
    known: u64,
    /// On which connection it was sent last, and its place among the requests there.
    place: (LinkId, u64),
    /// Since when it is known to have arrived.
    arrived: Option<Moment>,
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
    places: BTreeMap<(LinkId, u64), u64>,
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
                }
                _ => self.arrived(at, who, link, request),
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
        self.places.insert((link, request), self.said);
        let Said::Acquire { owner, key, .. } = said else {
            return;
        };
        let known = self.greatest.get(&key).copied().unwrap_or(0);
        let place = (link, self.said);
        let first = Asked {
            said: at,
            known,
            place,
            arrived: None,
        };
        // Sent again after a resume it keeps what is known, and takes a new place.
        self.asked.entry((who, owner)).or_insert(first).place = place;
    }

    /// All that this client sent on the connection before an answered request has arrived.
    fn arrived(&mut self, at: Moment, who: Who, link: LinkId, request: u64) {
        let Some(&place) = self.places.get(&(link, request)) else {
            return;
        };
        let own = self.asked.range_mut((who, 0)..=(who, u64::MAX));
        for (_, asked) in own.filter(|(_, asked)| asked.place.0 == link && asked.place.1 < place) {
            asked.arrived.get_or_insert(at);
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
            if self.shards == 1 && overtaken.0.is_some_and(|arrived| arrived < overtaken.1) {
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
