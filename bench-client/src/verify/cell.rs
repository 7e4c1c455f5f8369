//! The common state of a key in 32 bytes: its greatest token and its one exclusive hold.

use super::Want;
use crate::nanos::Nanos;

/// What decides whether two holds go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Exclusive,
    Shared,
    Permit,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Exclusive, Self::Shared, Self::Permit];

    pub(super) fn of(want: Want) -> Self {
        match want {
            Want::Exclusive => Self::Exclusive,
            Want::Shared => Self::Shared,
            Want::Permit(_) => Self::Permit,
        }
    }

    /// Whether holds of the two exclude each other. Permits do by number only.
    #[inline]
    pub(super) fn conflicts(self, other: Self) -> bool {
        self != other || self == Self::Exclusive
    }
}

/// The greatest token received, when, and of what class of grant; token 0 = none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) token: u64,
    pub(super) at: Nanos,
    pub(super) class: Class,
}

impl Top {
    pub(super) const NONE: Self = Self {
        token: 0,
        at: Nanos::ZERO,
        class: Class::Exclusive,
    };
}

/// Who has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenant {
    /// Nobody; when it was released, or zero if that is of no interest.
    Nobody { released_at: Nanos },
    /// One client alone, until its lease ends, if its session lives.
    One {
        client: u32,
        until: Nanos,
        session: u32,
    },
    /// See the crowd of this index.
    Crowd { index: u32 },
}

/// State of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) top: Top,
    pub(super) tenant: Tenant,
}

const CROWD: u32 = 1 << 31;
const CLASS_SHIFT: u32 = 29;
const CLIENT_MASK: u32 = (1 << CLASS_SHIFT) - 1;
/// Clients that a ledger can tell apart.
pub(super) const CLIENTS_MAX: u32 = CLIENT_MASK - 1;

/// All keys' cells: zeroed memory, so a key that is never used costs no page.
#[derive(Debug)]
pub(super) struct Cells(Vec<[u64; 4]>);

impl Cells {
    pub(super) fn new(keys: u32) -> Self {
        Self(vec![[0; 4]; keys as usize])
    }

    /// Brings cells into the cache, many misses at once: the events of a batch go to keys all over
    /// the memory, and would wait for each cell in turn.
    #[inline]
    pub(super) fn touch(&self, keys: impl Iterator<Item = u32>) {
        let words = keys.map(|key| self.0[key as usize][0]);
        std::hint::black_box(words.fold(0, |all, word| all ^ word));
    }

    #[inline]
    pub(super) fn read(&self, key: u32) -> Cell {
        let [token, at, until, word] = self.0[key as usize];
        let (holder, session) = halves(word);
        let tenant = if holder & CROWD != 0 {
            let index = holder & !CROWD;
            Tenant::Crowd { index }
        } else if holder & CLIENT_MASK == 0 {
            Tenant::Nobody {
                released_at: Nanos(until),
            }
        } else {
            Tenant::One {
                client: (holder & CLIENT_MASK) - 1,
                until: Nanos(until),
                session,
            }
        };
        let class = Class::ALL[((holder & !CROWD) >> CLASS_SHIFT).min(2) as usize];
        let at = Nanos(at);
        let top = Top { token, at, class };
        Cell { top, tenant }
    }

    #[inline]
    pub(super) fn write(&mut self, key: u32, cell: Cell) {
        let class = (cell.top.class as u32) << CLASS_SHIFT;
        let (holder, session, until) = match cell.tenant {
            Tenant::Nobody { released_at } => (class, 0, released_at),
            Tenant::One {
                client,
                until,
                session,
            } => (class | (client + 1), session, until),
            Tenant::Crowd { index } => (CROWD | index, 0, Nanos::ZERO),
        };
        let word = u64::from(session) << 32 | u64::from(holder);
        self.0[key as usize] = [cell.top.token, cell.top.at.0, until.0, word];
    }
}

fn halves(word: u64) -> (u32, u32) {
    let half = |bits: u64| u32::try_from(bits & 0xFFFF_FFFF).expect("32 bits");
    (half(word), half(word >> 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_comes_back_as_it_was_written() {
        let mut cells = Cells::new(2);
        let tenants = [
            Tenant::Nobody {
                released_at: Nanos(77),
            },
            Tenant::One {
                client: CLIENTS_MAX,
                until: Nanos::FOREVER,
                session: u32::MAX,
            },
            Tenant::Crowd { index: 5 },
        ];
        assert_eq!(cells.read(1).top, Top::NONE, "zeroed memory is a free key");
        for class in Class::ALL {
            for tenant in tenants {
                // A crowd keeps the greatest tokens itself.
                let is_crowd = matches!(tenant, Tenant::Crowd { .. });
                let class = if is_crowd { Class::Exclusive } else { class };
                let top = Top {
                    token: 9,
                    at: Nanos(3),
                    class,
                };
                let cell = Cell { top, tenant };
                cells.write(1, cell);
                assert_eq!(cells.read(1), cell);
            }
        }
    }
}
