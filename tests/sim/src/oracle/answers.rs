//! Invariant 4: each request has exactly one final answer, however often it is sent.
//!
//! On the wire: a connection carries no more answers to an id than it carried requests of that id,
//! and one more if an earlier connection of the session carried it, too. All of them say the same,
//! but that a grant may be told as lost. And a Release is run once: who gave back a hold while it
//! was still promised is never told that there is none.

use super::{Oracle, Violation};
use crate::agenda::LinkId;
use crate::moment::Moment;
use crate::observed::{Key, Observed, Said, Told, Who, Why};
use locker_client::machine::Status;
use std::collections::{BTreeMap, BTreeSet};

/// The id of a greeting.
const HELLO_ID: u64 = 1;

/// Requests and answers, by connection.
#[derive(Debug, Default)]
pub struct Answers {
    /// How often a request was sent on a connection, and answered there.
    counts: BTreeMap<(LinkId, u64), (u32, u32)>,
    /// On which connection a request of the present session was sent first.
    first: BTreeMap<(Who, u64), LinkId>,
    /// What was answered to a request of the present session.
    heard: BTreeMap<(Who, u64), Told>,
    /// Until when a hold was promised, believed in or given back.
    promised: BTreeMap<(Who, u64), Moment>,
    /// The hold that a Release on this connection speaks of.
    releases: BTreeMap<(LinkId, u64), (Who, u64, Key)>,
    /// The hold that a Reclaim on this connection asks for.
    reclaims: BTreeMap<(LinkId, u64), (Who, u64)>,
    /// Given back by their owners while believed in.
    given_back: BTreeSet<(Who, u64)>,
    /// Keys whose holds somebody ended by force.
    forced: BTreeSet<Key>,
}

impl Oracle for Answers {
    fn saw(&mut self, at: Moment, event: &Observed) -> Result<(), Violation> {
        match *event {
            Observed::Said {
                who,
                link,
                request,
                said,
            } => {
                self.first.entry((who, request)).or_insert(link);
                self.counts.entry((link, request)).or_default().0 += 1;
                match said {
                    // The release waited behind it: what was promised is replaced.
                    Said::Renew { owner, .. } if self.given_back.contains(&(who, owner)) => {
                        self.promised.remove(&(who, owner));
                    }
                    Said::Release { owner, key, .. } => {
                        self.releases.insert((link, request), (who, owner, key));
                    }
                    Said::Reclaim { owner, .. } => {
                        self.reclaims.insert((link, request), (who, owner));
                    }
                    Said::Force { key, .. } => drop(self.forced.insert(key)),
                    _ => {}
                }
            }
            Observed::Told {
                who,
                link,
                request,
                told,
            } if answers(told) => {
                if let Told::HelloOk { resumed: false, .. } = told {
                    self.first.retain(|(whose, _), _| *whose != who);
                    self.heard.retain(|(whose, _), _| *whose != who);
                }
                self.answered_alike((who, request), told)?;
                self.answered_once((who, request), link, told)?;
                return self.run_once(at, link, request, told);
            }
            Observed::Granted {
                who, hold, until, ..
            }
            | Observed::Believes { who, hold, until } => {
                self.promised.insert((who, hold), until);
            }
            Observed::Ended { who, hold, why } => match why {
                Why::Released => drop(self.given_back.insert((who, hold))),
                _ => drop(self.promised.remove(&(who, hold))),
            },
            // What a server knew is gone with it.
            Observed::Started { .. } => self.given_back.clear(),
            _ => {}
        }
        Ok(())
    }
}

impl Answers {
    fn answered_alike(&mut self, which: (Who, u64), told: Told) -> Result<(), Violation> {
        let lost = Status::Lost as u16;
        // The id of every greeting, which is answered anew each time.
        let may_differ =
            which.1 == HELLO_ID || matches!(told, Told::Refused { status } if status == lost);
        match self.heard.insert(which, told) {
            Some(before) if before != told && !may_differ => Err(Violation {
                invariant: "one answer",
                reason: format!("{which:?} heard {before:?}, and then {told:?}"),
            }),
            _ => Ok(()),
        }
    }

    fn answered_once(
        &mut self,
        which: (Who, u64),
        link: LinkId,
        told: Told,
    ) -> Result<(), Violation> {
        let earlier = self.first.get(&which).is_some_and(|first| *first != link);
        let (sent, answered) = self.counts.entry((link, which.1)).or_default();
        *answered += 1;
        if *answered <= *sent + u32::from(earlier) {
            return Ok(());
        }
        Err(Violation {
            invariant: "one answer",
            reason: format!("{link:?} hears {told:?} to {:#x}, sent less often", which.1),
        })
    }

    fn run_once(
        &mut self,
        at: Moment,
        link: LinkId,
        request: u64,
        told: Told,
    ) -> Result<(), Violation> {
        if let (Told::Refused { .. }, Some(hold)) = (told, self.reclaims.get(&(link, request))) {
            // Not had back: what was promised before the restart is over.
            self.promised.remove(hold);
        }
        let not_held = Status::NotHeld as u16;
        let Some(&(who, hold, key)) = self.releases.get(&(link, request)) else {
            return Ok(());
        };
        let until = self.promised.get(&(who, hold)).copied();
        let is_sure = self.given_back.contains(&(who, hold)) && !self.forced.contains(&key);
        match (told, until) {
            (Told::Refused { status }, Some(until))
                if status == not_held && is_sure && at < until =>
            {
                Err(Violation {
                    invariant: "run once",
                    reason: format!(
                        "{who:?} gave back {hold}, promised until {}, and is told that it has none",
                        until.0
                    ),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Whether this answers a request; the others come on their own.
const fn answers(told: Told) -> bool {
    !matches!(
        told,
        Told::Lost { .. } | Told::SessionEnded | Told::GoAway | Told::Fault { .. }
    )
}
