//! Holds, put together from the entries of histories.

use std::collections::BTreeMap;
use std::fmt;

use super::{Rule, Violation};
use crate::history::{Deed, Entry, History, Mode, Nanos};

/// One hold, as its holder believed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Worker and client.
    pub holder: String,
    /// The key.
    pub key: String,
    /// How it was asked for.
    pub mode: Mode,
    /// The fencing token.
    pub token: u64,
    /// When it was asked for.
    pub asked: Nanos,
    /// When the grant had been heard.
    pub from: Nanos,
    /// The last instant for which it was believed in.
    pub to: Nanos,
    /// Whether the holder was told of a loss.
    pub was_lost: bool,
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            holder,
            key,
            mode,
            token,
            ..
        } = self;
        let (from, to) = (self.from.0, self.to.0);
        write!(f, "{holder} {mode} {key} token {token} from {from} to {to}")
    }
}

/// What all histories tell together.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// How many asks there were.
    pub(super) asks: usize,
    /// All holds.
    pub(super) holds: Vec<Hold>,
    /// Asks and holds that have no end, though their workers lived.
    pub(super) open: Vec<String>,
}

/// An ask on its way through a history.
#[derive(Clone, Debug)]
struct Story {
    key: String,
    mode: Mode,
    asked: Nanos,
    granted: Option<(Nanos, u64)>,
    until: Nanos,
    releasing: Option<Nanos>,
    end: Option<(Nanos, End)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Released,
    Lost,
    Otherwise,
}

impl Story {
    /// Until when the holder believed. A release that was told to have ended the hold says that it
    /// stood until then, whatever the deadline had been.
    fn believed_to(&self) -> Nanos {
        match (self.end, self.releasing) {
            (Some((_, End::Released)), Some(releasing)) => releasing,
            (Some((_, End::Released)), None) => self.until,
            (Some((ended, _)), releasing) => self.until.min(releasing.unwrap_or(ended)),
            (None, Some(releasing)) => self.until.min(releasing),
            (None, None) => self.until,
        }
    }

    fn hold(&self, holder: String) -> Option<Hold> {
        let (from, token) = self.granted?;
        Some(Hold {
            holder,
            key: self.key.clone(),
            mode: self.mode,
            token,
            asked: self.asked,
            from,
            to: self.believed_to().max(from),
            was_lost: matches!(self.end, Some((_, End::Lost))),
        })
    }
}

/// Puts the entries together; entries that no ask opened are violations.
pub(super) fn gather(histories: &[History], violations: &mut Vec<Violation>) -> Told {
    let mut told = Told::default();
    for history in histories {
        let mut stories: BTreeMap<(u32, u64), Story> = BTreeMap::new();
        for entry in &history.entries {
            if !enter(&mut stories, entry) {
                let how = format!("{}: out of place: {entry}", history.worker);
                violations.push(Violation::new(Rule::Unanswered, how));
            }
        }
        told.asks += stories.len();
        for ((client, ask), story) in stories {
            let holder = format!("{}.{client}", history.worker);
            if story.end.is_none() && !history.was_killed {
                let (key, asked) = (&story.key, story.asked.0);
                told.open
                    .push(format!("{holder} asked for {key} at {asked} (ask {ask})"));
            }
            told.holds.extend(story.hold(holder));
        }
    }
    told
}

/// Follows one entry; `false` if it does not fit what went before.
fn enter(stories: &mut BTreeMap<(u32, u64), Story>, entry: &Entry) -> bool {
    let id = (entry.client, entry.ask);
    if let Deed::Ask { key, mode } = &entry.deed {
        let story = Story {
            key: key.clone(),
            mode: *mode,
            asked: entry.at,
            granted: None,
            until: Nanos(0),
            releasing: None,
            end: None,
        };
        return stories.insert(id, story).is_none();
    }
    let Some(story) = stories.get_mut(&id).filter(|story| story.end.is_none()) else {
        return false;
    };
    let is_held = story.granted.is_some();
    match entry.deed {
        Deed::Ask { .. } => false,
        Deed::Granted { token, until } => {
            story.granted = Some((entry.at, token));
            story.until = until;
            !is_held
        }
        Deed::Believe { until } => {
            story.until = story.until.max(until);
            is_held
        }
        Deed::Releasing => story.releasing.replace(entry.at).is_none() && is_held,
        Deed::Released => {
            story.end = Some((entry.at, End::Released));
            is_held
        }
        Deed::Lost { .. } => {
            story.end = Some((entry.at, End::Lost));
            true
        }
        Deed::Ended { .. } => {
            story.end = Some((entry.at, End::Otherwise));
            true
        }
    }
}
