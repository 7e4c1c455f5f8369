//! The client's clock and what it believes.

use super::{Client, MISS_AFTER, Up};

impl Client {
    /// Whether it takes itself for the holder.
    pub(super) fn believes(&self) -> bool {
        self.hold.is_some_and(|hold| {
            let left = match self.session == Some(hold.run) {
                true => self.proof_left,
                false => hold.old_left,
            };
            left > 0 && !hold.lost && !hold.given_back
        })
    }

    pub(super) fn ask(&mut self, up: Up) -> bool {
        if self.cut || self.asked.is_some() {
            return false;
        }
        self.asked = Some((up, 0));
        self.up.push(up);
        true
    }

    pub(super) fn tick(&mut self, missed: bool, frozen: bool) {
        if missed {
            self.since_miss = if frozen { MISS_AFTER } else { 0 };
            return;
        }
        self.since_miss = match frozen {
            true => MISS_AFTER,
            false => (self.since_miss + 1).min(MISS_AFTER),
        };
        self.proof_left = self.proof_left.saturating_sub(1);
        if let Some(hold) = &mut self.hold {
            hold.old_left = hold.old_left.saturating_sub(1);
        }
        let believes = self.believes();
        if let Some(hold) = &mut self.hold {
            hold.lost |= !believes;
        }
        let ages = [
            self.asked.as_mut().map(|asked| &mut asked.1),
            self.pinged.as_mut(),
        ];
        for age in ages.into_iter().flatten() {
            *age = (*age + 1).min(4);
        }
    }

    /// The session is over; a hold is kept for the next run as long as its old deadline.
    pub(super) fn forget_session(&mut self) {
        if let (Some(hold), Some(run)) = (&mut self.hold, self.session)
            && hold.run == run
        {
            hold.old_left = self.proof_left;
        }
        self.session = None;
        self.proof_left = 0;
        self.asked = None;
        self.pinged = None;
        self.up.clear();
        self.down.clear();
        self.cut = false;
    }
}
