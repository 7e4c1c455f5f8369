//! The grace window as the control thread sees it: when it ends, and what came of it.

use crate::shard::io::Reclaims;
use crate::time::{Instant, Millis};
use std::fmt;

/// A window that is open, or over and not yet told of.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    until: Instant,
    length: Millis,
    /// How long it was open, in milliseconds, once it is over.
    open_ms: Option<u64>,
    /// Shards that have not told what came of it.
    silent: usize,
    reclaims: Reclaims,
}

/// What came of a window, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How long it was open, in milliseconds.
    pub open_ms: u64,
    /// At all shards.
    pub reclaims: Reclaims,
}

impl Window {
    /// A window of that length, open until then at all shards.
    #[must_use]
    pub fn new(until: Instant, length: Millis, shards: usize) -> Self {
        Self {
            until,
            length,
            open_ms: None,
            silent: shards,
            reclaims: Reclaims::default(),
        }
    }

    /// Whether its time has passed and it was not ended yet.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.open_ms.is_none() && now >= self.until
    }

    /// Ends it.
    pub fn end(&mut self, now: Instant) {
        let late_ms = now.micros_since(self.until) / 1_000;
        self.open_ms = Some(u64::from(self.length.0) + late_ms);
    }

    /// A shard tells what came of it; the summary once all have.
    pub fn hear(&mut self, reclaims: Reclaims) -> Option<Summary> {
        self.reclaims.reclaimed += reclaims.reclaimed;
        self.reclaims.refused += reclaims.refused;
        self.reclaims.lost += reclaims.lost;
        self.silent = self.silent.saturating_sub(1);
        let open_ms = self.open_ms.filter(|_| self.silent == 0)?;
        let reclaims = self.reclaims;
        Some(Summary { open_ms, reclaims })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open_ms, reclaims } = self;
        let (reclaimed, refused) = (reclaims.reclaimed, reclaims.refused);
        let holds = if reclaimed == 1 { "hold" } else { "holds" };
        write!(
            formatter,
            "grace window over after {open_ms} ms: {reclaimed} {holds} reclaimed, {refused} refused"
        )?;
        match reclaims.lost {
            0 => Ok(()),
            lost => write!(formatter, ", {lost} lost to a higher token"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_shard_that_speaks_completes_the_summary() {
        let mut window = Window::new(Instant(10_000_000), Millis(9_000), 2);
        assert!(!window.is_due(Instant(9_999_999)));
        assert!(window.is_due(Instant(10_007_000)));
        window.end(Instant(10_007_000));
        assert!(!window.is_due(Instant(10_008_000)), "it ends once");
        let reclaims = |reclaimed, lost| Reclaims {
            reclaimed,
            refused: 2,
            lost,
        };
        assert_eq!(window.hear(reclaims(3, 0)), None);
        let summary = window.hear(reclaims(4, 1)).expect("both spoke");
        let told = "grace window over after 9007 ms: 7 holds reclaimed, 4 refused, \
                    1 lost to a higher token";
        assert_eq!(summary.to_string(), told);
    }

    #[test]
    fn one_hold_is_told_of_as_one() {
        let mut window = Window::new(Instant(0), Millis(0), 1);
        window.end(Instant(0));
        let reclaims = Reclaims {
            reclaimed: 1,
            ..Reclaims::default()
        };
        let told = window.hear(reclaims).map(|summary| summary.to_string());
        let one = "grace window over after 0 ms: 1 hold reclaimed, 0 refused";
        assert_eq!(told.as_deref(), Some(one));
    }
}
