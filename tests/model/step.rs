//! Episodes and steps, drawn from a seed; every step makes sense whatever came before, so that
//! steps can be taken out one by one when a failure is narrowed down.

use locker::lock::BLOCK_BYTES_ALLOWED;
use locker::lock::op::{Mode, Want};

#[derive(Clone, Debug)]
pub(crate) struct Acquire {
    pub(crate) slot: u32,
    pub(crate) key: usize,
    pub(crate) owner: u64,
    pub(crate) want: Want,
    /// 0 = try, `None` = for ever.
    pub(crate) wait_ms: Option<u32>,
    pub(crate) lease_ms: u32,
    pub(crate) metadata: usize,
    /// On the seat of a hold of that owner on that key, if it has one.
    pub(crate) again: bool,
}

/// A hold of before the restart, as its client says.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) token: u64,
    pub(crate) as_in: Acquire,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Open {
        slot: u32,
    },
    End {
        slot: u32,
    },
    Acquire(Acquire),
    Reclaim(Claimed),
    Release {
        key: usize,
        pick: usize,
        zero: bool,
    },
    Renew {
        key: usize,
        pick: usize,
        lease_ms: Option<u32>,
    },
    Cancel {
        key: usize,
        pick: usize,
        keep: bool,
        blind: bool,
        /// Of the last acquire of all, whatever became of it.
        last: bool,
    },
    Force {
        key: usize,
        pick: usize,
        all: bool,
        delay: Option<u32>,
    },
    Told {
        key: usize,
        pick: usize,
    },
    Pass {
        ms: u32,
        micros: u32,
    },
    PassToDeadline {
        early_us: u32,
    },
    Lane {
        home: usize,
        full: bool,
    },
    OpenKeys,
    Drain,
    DrainOver,
    Look {
        key: usize,
    },
}

/// What an episode is played with.
#[derive(Clone, Debug)]
pub(crate) struct Episode {
    pub(crate) seed: u64,
    pub(crate) blocks: u32,
    pub(crate) block_bytes: usize,
    pub(crate) waiters_max: u32,
    pub(crate) key_waiters_max: u32,
    pub(crate) grace_ms: Option<u32>,
    pub(crate) scarce_tokens: bool,
    /// Requests applied as one batch.
    pub(crate) group: usize,
    key_count: usize,
    owners: u64,
    /// Only wide-limit permits by one owner: what fills an owner's entries.
    crowded: bool,
}

/// SplitMix64: small, seeded, good enough to draw steps.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap()
    }

    fn small(&mut self, end: u32) -> u32 {
        u32::try_from(self.below(end.into())).unwrap()
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

impl Episode {
    pub(crate) fn draw(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let crowded = dice.one_in(6);
        let scarce_tokens = dice.one_in(10);
        Self {
            seed,
            blocks: if crowded {
                150
            } else {
                [12, 30, 60][dice.index(3)]
            },
            block_bytes: BLOCK_BYTES_ALLOWED[dice.index(4)],
            waiters_max: if crowded { 100 } else { [5, 40][dice.index(2)] },
            key_waiters_max: if crowded { 100 } else { [4, 30][dice.index(2)] },
            grace_ms: dice.one_in(4).then(|| 1_000 + dice.small(3_000)),
            scarce_tokens,
            group: [1, 1, 2, 7][dice.index(4)],
            key_count: if crowded { 1 } else { 2 + dice.index(4) },
            owners: if crowded { 1 } else { 3 },
            crowded,
        }
    }

    /// The keys' bytes: short, long and very long ones.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        (0..self.key_count)
            .map(|key| {
                let length = [3, 12, 44, 100, 300][key % 5];
                (0..length)
                    .map(|at| u8::try_from((at * 7 + key) % 256).unwrap())
                    .collect()
            })
            .collect()
    }

    pub(crate) fn steps(&self, count: usize) -> Vec<Step> {
        let mut dice = Dice(self.seed ^ 0x5EED);
        let mut steps: Vec<Step> = (0..crate::world::SLOTS)
            .map(|slot| Step::Open { slot })
            .collect();
        for at in 0..count {
            if self.grace_ms.is_some() && at == count / 5 {
                steps.push(Step::OpenKeys);
            }
            if at == count - 40 && !self.seed.is_multiple_of(4) {
                steps.push(Step::Drain);
            }
            let in_window = at < count / 5 && dice.one_in(3);
            if self.grace_ms.is_some() && (in_window || dice.one_in(60)) {
                let reclaim = self.reclaim(&mut dice);
                steps.push(Step::Reclaim(reclaim));
                continue;
            }
            let step = self.step(&mut dice);
            steps.push(step);
        }
        if !self.seed.is_multiple_of(4) {
            steps.push(Step::DrainOver);
        }
        steps
    }

    fn step(&self, dice: &mut Dice) -> Step {
        let key = dice.index(self.key_count);
        let pick = dice.index(1 << 20);
        let slot = dice.small(crate::world::SLOTS);
        match dice.below(100) {
            0..46 => Step::Acquire(self.acquire(dice, slot, key)),
            46..62 if !(self.crowded && dice.below(8) > 0) => Step::Release {
                key,
                pick,
                zero: dice.one_in(3),
            },
            46..68 => {
                let lease_ms = match dice.below(4) {
                    0 => None,
                    1 => Some(0),
                    _ => Some(10 + dice.small(200)),
                };
                Step::Renew {
                    key,
                    pick,
                    lease_ms,
                }
            }
            68..76 => Step::Cancel {
                key,
                pick,
                keep: dice.one_in(3),
                blind: dice.one_in(2),
                last: dice.one_in(4),
            },
            76..79 => {
                let delay = match dice.below(3) {
                    0 => None,
                    1 => Some(0),
                    _ => Some(10 + dice.small(100)),
                };
                Step::Force {
                    key,
                    pick,
                    all: dice.one_in(2),
                    delay,
                }
            }
            79..83 => Step::Told { key, pick },
            83..89 => Step::Pass {
                ms: dice.small(60),
                micros: dice.small(1_000),
            },
            89..94 => Step::PassToDeadline {
                early_us: if dice.one_in(3) { 1 } else { 0 },
            },
            94..96 => Step::Lane {
                home: dice.index(2),
                full: dice.one_in(3),
            },
            97 => Step::End { slot },
            96 | 98 => Step::Open { slot },
            _ => Step::Look { key },
        }
    }

    /// Claims of holds that may not have been side by side, all of tokens below the engine's.
    ///
    /// Two holders say the same token only where but one of them can hold.
    fn reclaim(&self, dice: &mut Dice) -> Claimed {
        let (slot, key) = (dice.small(crate::world::SLOTS), dice.index(self.key_count));
        let mut as_in = self.acquire(dice, slot, key);
        as_in.want.resize = false;
        (as_in.wait_ms, as_in.again) = (Some(0), false);
        let mut holder = u64::from(as_in.slot) * 4 + as_in.owner;
        if as_in.want.mode == Mode::Exclusive && dice.one_in(4) {
            holder = 1;
        }
        let token = 1 + dice.below(20) * 64 + holder;
        Claimed { token, as_in }
    }

    fn acquire(&self, dice: &mut Dice, slot: u32, key: usize) -> Acquire {
        let mode = match dice.below(10) {
            _ if self.crowded => Mode::Permit,
            0..3 => Mode::Exclusive,
            3..6 => Mode::Shared,
            _ => Mode::Permit,
        };
        let resize = !self.crowded && dice.one_in(3);
        let limit = match dice.below(8) {
            _ if self.crowded => 200,
            _ if resize => 1 + dice.small(4),
            0 => 4,
            _ => 3,
        };
        let permits = match dice.below(8) {
            _ if self.crowded => 1,
            0 => limit + 1,
            _ => 1 + dice.small(limit),
        };
        let want = match mode {
            Mode::Permit => Want {
                mode,
                permits,
                limit,
                resize,
            },
            _ => Want {
                mode,
                permits: 0,
                limit: 0,
                resize: false,
            },
        };
        Acquire {
            slot: if self.crowded { 0 } else { slot },
            key,
            owner: 1 + dice.below(self.owners),
            want,
            wait_ms: match dice.below(4) {
                0 => Some(0),
                1 => None,
                _ => Some(1 + dice.small(150)),
            },
            lease_ms: if self.crowded || dice.one_in(2) {
                0
            } else {
                10 + dice.small(200)
            },
            metadata: match dice.index(6) {
                _ if self.crowded => 0,
                choice => [0, 0, 0, 20, 120, 256][choice],
            },
            again: dice.one_in(4),
        }
    }
}
