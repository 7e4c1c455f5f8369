//! Reclaim at the home shard: whether a hold is of a run that may be reclaimed now.
//!
//! What depends on the key, and the last word on whether the window is open, is the owner shard's:
//! the two may hear of the window's end in different turns.

use crate::canary::{self, Canary};
use crate::lock::TokenSource;
use crate::lock::effect::Refusal;
use crate::lock::op::{Op, Want};
use crate::shard::connection::Connection;
use crate::shard::home::Home;
use crate::shard::request::{Forwarded, Prepared, lease, mode, refusal};
use locker_protocol as wire;
use locker_protocol::{FEATURES_RECLAIM, Opcode, Status};

impl Home {
    /// Checks a Reclaim; changes nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn reclaim<'a>(&self, reclaim: &wire::Reclaim<'a>) -> Result<Prepared<'a>, Refusal> {
        if self.config.ephemeral {
            let op = Opcode::Reclaim.code().into();
            return Err(refusal(Status::Unsupported, 0, op));
        }
        if self.keys_open {
            let ended = self.config.grace_until;
            return Err(window_over(ended.map(|end| self.now.micros_since(end))));
        }
        self.check_run(reclaim.run)?;
        self.check_epoch(TokenSource::epoch_of(reclaim.token))?;
        self.check_metadata(reclaim.metadata)?;
        let op = Op::Reclaim {
            owner: reclaim.owner,
            token: reclaim.token,
            want: Want {
                mode: mode(reclaim.mode),
                permits: reclaim.permits,
                limit: reclaim.limit,
                resize: false,
            },
            lease: lease(&self.config, reclaim.lease_ms),
        };
        Ok(Prepared::Forward(Forwarded {
            op,
            key: reclaim.key,
            metadata: reclaim.metadata,
        }))
    }

    /// The features in force on a connection: what its client knows and this server serves.
    ///
    /// Without a data dir there is no window, and nothing is known of the run before.
    pub(super) const fn features(&self, connection: &Connection) -> u64 {
        if connection.reclaims && !self.config.ephemeral {
            FEATURES_RECLAIM
        } else {
            0
        }
    }

    /// The run that last granted or confirmed the hold: before the floor others may have had the
    /// key since.
    fn check_run(&self, run: u64) -> Result<(), Refusal> {
        let floor = match canary::is(Canary::NoFloor) {
            false => self.config.floor,
            true => 0,
        };
        let may = (floor..self.config.run).contains(&run);
        may.then_some(()).ok_or(self.wrong_run(run))
    }

    /// The epoch of the hold's token is below this run's: so fresh tokens are greater.
    fn check_epoch(&self, epoch: u64) -> Result<(), Refusal> {
        let may = (1..self.config.run).contains(&epoch);
        may.then_some(()).ok_or(self.wrong_run(epoch))
    }

    const fn wrong_run(&self, asked: u64) -> Refusal {
        refusal(Status::WrongRun, self.config.floor, asked)
    }
}

/// The refusal of a Reclaim that no window is open for; it ended so long ago, if there was one.
fn window_over(micros_ago: Option<u64>) -> Refusal {
    let ms = micros_ago.map_or(0, |micros| micros.div_ceil(1_000).max(1));
    refusal(Status::WindowOver, 0, ms)
}
