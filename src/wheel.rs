//! Hierarchical timing wheel: arms and disarms a timer in O(1), finds what is due in bounded steps.
//!
//! Pure: it is told the time, never reads it, and does not allocate after [`Wheel::new`]. It holds
//! list heads only; the links and the deadline of a timer live in its owner's storage, reached
//! through [`Timers`], so that 12 bytes in a lock's block are all that a timer costs.
//!
//! ```text
//!  level 0   256 slots of 1 ms         fire here
//!  level 1   256 slots of 256 ms         ^ cascade when their time comes
//!  level 2   256 slots of 65.5 s         ^
//!  level 3   256 slots of 4.66 h         ^
//! ```
//!
//! A timer that is `d` ms ahead stands on level log256(d), in the slot of its deadline's digit
//! there. A slot is opened when the cursor reaches its beginning: level 0 fires, the others sort
//! their timers in anew, at most three times in a timer's life. Bitmaps of occupied slots let the
//! cursor jump over empty time, and give the next wake-up without a search.
//!
//! Scheme 7 of G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels" (1987); the bitmap
//! per level is that of tokio's `runtime/time/wheel`. Unlike tokio's, levels are chosen by distance
//! and not by differing digits, so that 32-bit deadlines may wrap.
//!
//! Invariants: a slot's occupancy bit is set iff its list is not empty; every armed timer is in
//! exactly one list; no timer fires before its deadline; nothing in a slot lies behind the cursor.

/// A timer may be armed at most this far ahead of the wheel's clock: 24.8 days.
pub const AHEAD_MS_MAX: u64 = (1 << 31) - 1;
/// Timer ids end below this.
pub const TIMERS_MAX: u32 = (1 << 31) - 1;

const LEVELS: usize = 4;
const SLOTS: usize = 256;
/// List of what is due and not yet handed out.
const DUE: usize = LEVELS * SLOTS;
/// List of a slot that was opened and is being sorted in anew.
const CASCADE: usize = DUE + 1;
const LISTS: usize = CASCADE + 1;
/// Marks a `prev` that names a list instead of a timer.
const HEAD: u32 = 1 << 31;

const _: () = assert!(
    SLOTS == 1 << 8 && 8 * LEVELS == 32,
    "slots are bytes of a 32-bit distance"
);
const _: () = assert!(
    AHEAD_MS_MAX > crate::limits::LEASE_MS_MAX as u64 + 3_600_000,
    "the longest lease fits, and an hour of stalls"
);

/// A timer's place in its list; all zero = not armed. 8 bytes in the owner's storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Links {
    /// 0 = not armed, [`HEAD`] | list for the first of a list, else the id before + 1.
    prev: u32,
    /// 0 for the last of a list, else the id behind + 1.
    next: u32,
}

impl Links {
    /// Not armed; the same as [`Links::default`].
    pub const UNARMED: Self = Self { prev: 0, next: 0 };

    /// Whether the timer stands in a list.
    #[must_use]
    pub const fn is_armed(self) -> bool {
        self.prev != 0
    }

    /// The links as two plain words, for storage that gives them another use while unarmed.
    #[must_use]
    pub const fn into_parts(self) -> [u32; 2] {
        [self.prev, self.next]
    }

    /// The links that [`Links::into_parts`] gave.
    #[must_use]
    pub const fn from_parts([prev, next]: [u32; 2]) -> Self {
        Self { prev, next }
    }
}

/// The storage of the timers: whoever owns the things that have deadlines.
pub trait Timers {
    /// The links of a timer; [`Links::UNARMED`] before its first arming.
    fn links(&self, id: u32) -> Links;

    /// Keeps the links of a timer; only the wheel calls it.
    fn set_links(&mut self, id: u32, links: Links);

    /// The low 32 bits of an armed timer's deadline in wheel milliseconds.
    ///
    /// It may be moved *later* at any time without telling the wheel, which then finds the timer
    /// not yet due and sorts it in anew: so a renewal costs one store. To move it earlier, disarm.
    fn deadline(&self, id: u32) -> u32;

    /// Asks the processor to fetch the timer's links; nothing by default.
    fn prefetch(&self, _id: u32) {}
}

/// The wheel: 4.2 KiB, whatever the number of timers.
#[derive(Debug)]
pub struct Wheel {
    /// First timer of each list as id + 1; 0 = empty.
    heads: Box<[u32; LISTS]>,
    occupied: [[u64; SLOTS / 64]; LEVELS],
    /// Everything before this millisecond has been handed out.
    cursor: u64,
    /// Levels whose slot at the cursor is still to be opened: this many, from the bottom.
    unopened: usize,
    armed: u32,
}

impl Wheel {
    /// An empty wheel whose clock stands at `now_ms`.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self {
            heads: Box::new([0; LISTS]),
            occupied: [[0; SLOTS / 64]; LEVELS],
            cursor: now_ms,
            unopened: 0,
            armed: 0,
        }
    }

    /// Timers armed now.
    #[must_use]
    pub const fn armed(&self) -> u32 {
        self.armed
    }

    /// The millisecond up to which everything due has been handed out, or is being.
    #[must_use]
    pub const fn cursor_ms(&self) -> u64 {
        self.cursor
    }

    /// Arms a timer: [`Wheel::poll`] returns it once `deadline_ms` has come, at once if it is past.
    ///
    /// Round a deadline up to the millisecond and the clock down, and nothing ends early. The
    /// storage must say the same deadline.
    ///
    /// # Panics
    /// If the timer is armed already, or more than [`AHEAD_MS_MAX`] ahead of the cursor.
    pub fn arm(&mut self, timers: &mut impl Timers, id: u32, deadline_ms: u64) {
        assert!(id < TIMERS_MAX, "a timer id has 31 bits");
        assert!(!timers.links(id).is_armed(), "a timer is armed once");
        assert!(
            deadline_ms <= self.cursor + AHEAD_MS_MAX,
            "a deadline lies within the wheel's range"
        );
        debug_assert_eq!(timers.deadline(id), low32(deadline_ms), "one deadline");
        let list = self.list_for(u32_ahead(deadline_ms, self.cursor));
        self.push(timers, list, id);
        self.armed += 1;
    }

    /// Disarms a timer; `false` if it was not armed. Touches the timer and its two neighbours.
    pub fn disarm(&mut self, timers: &mut impl Timers, id: u32) -> bool {
        let links = timers.links(id);
        if !links.is_armed() {
            return false;
        }
        self.unlink(timers, id, links);
        self.armed -= 1;
        true
    }

    /// Whether the timer is armed.
    #[must_use]
    pub fn is_armed(&self, timers: &impl Timers, id: u32) -> bool {
        timers.links(id).is_armed()
    }

    /// Prefetches what [`Wheel::disarm`] of this timer will touch; its own links are read now.
    pub fn prefetch_disarm(&self, timers: &impl Timers, id: u32) {
        let links = timers.links(id);
        if links.prev & HEAD == 0 && links.prev != 0 {
            timers.prefetch(links.prev - 1);
        }
        if links.next != 0 {
            timers.prefetch(links.next - 1);
        }
    }

    /// Hands out one timer that is due, disarmed; `None` if there is none or `budget` is used up.
    ///
    /// Each timer looked at takes 1 off `budget`, as does each slot opened: a turn gives a budget,
    /// polls until `None`, and what is left is found by [`Wheel::next_wake`] being in the past.
    /// Between polls timers may be armed and disarmed freely. Nothing is handed out before
    /// `now_ms`; timers come in order of milliseconds, in no promised order within one. A clock
    /// that steps back is taken as standing still.
    pub fn poll(&mut self, timers: &mut impl Timers, now_ms: u64, budget: &mut u32) -> Option<u32> {
        while *budget > 0 {
            if let Some(id) = self.pop(timers, DUE) {
                *budget -= 1;
                match self.list_for(timers.deadline(id).wrapping_sub(low32(self.cursor))) {
                    DUE => {
                        self.armed -= 1;
                        return Some(id);
                    }
                    later => self.push(timers, later, id),
                }
            } else if let Some(id) = self.pop(timers, CASCADE) {
                *budget -= 1;
                let list = self.list_for(timers.deadline(id).wrapping_sub(low32(self.cursor)));
                self.push(timers, list, id);
            } else if self.unopened > 0 {
                *budget -= 1;
                self.unopened -= 1;
                self.open(timers, self.unopened);
            } else if !self.step(now_ms) {
                return None;
            }
        }
        None
    }

    /// Moves the cursor over time in which nothing opens, at most to `now_ms`.
    ///
    /// To be called when a turn begins: a deadline is measured from the cursor, and an idle wheel's
    /// stands where it was polled last, maybe weeks ago.
    pub fn skip_to(&mut self, now_ms: u64) {
        if self.unopened > 0 || self.heads[DUE] != 0 || self.heads[CASCADE] != 0 {
            return;
        }
        let next = (0..LEVELS).filter_map(|level| self.next_open(level)).min();
        let reach = next.map_or(now_ms, |tick| now_ms.min(tick - 1));
        self.cursor = self.cursor.max(reach);
    }

    /// When to poll again at the latest, in wheel milliseconds; `None` while nothing is armed.
    ///
    /// A bound: something may turn out not to be due then, but nothing is due before. Costs a look
    /// at sixteen words. Not later than the cursor while a poll has left work.
    #[must_use]
    pub fn next_wake(&self) -> Option<u64> {
        if self.armed == 0 {
            return None;
        }
        if self.unopened > 0 || self.heads[DUE] != 0 || self.heads[CASCADE] != 0 {
            return Some(self.cursor);
        }
        (0..LEVELS).filter_map(|level| self.next_open(level)).min()
    }

    /// Moves the cursor to the next occupied slot, at most to `now_ms`; `false` if it stands there.
    fn step(&mut self, now_ms: u64) -> bool {
        if self.cursor >= now_ms {
            return false;
        }
        let next = (0..LEVELS).filter_map(|level| self.next_open(level)).min();
        match next {
            Some(tick) if tick <= now_ms => {
                assert!(tick > self.cursor, "slots open ahead of the cursor");
                self.cursor = tick;
                // Level n opens when the n lower digits are zero; the upper ones go first.
                let zeros = tick.trailing_zeros() as usize / 8;
                self.unopened = (zeros + 1).min(LEVELS);
            }
            _ => self.cursor = now_ms,
        }
        true
    }

    /// When the next occupied slot of a level opens: 1..=256 slots ahead, never the one open now.
    fn next_open(&self, level: usize) -> Option<u64> {
        let shift = 8 * level;
        let here = self.cursor >> shift;
        let words = &self.occupied[level];
        let start = digit(self.cursor, level) + 1;
        // Five words: the first without the bits before the start, the same again for those.
        for step in 0..=words.len() {
            let word = (start / 64 + step) % words.len();
            let mut bits = words[word];
            if step == 0 {
                bits &= u64::MAX << (start % 64);
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (slot + SLOTS - start) % SLOTS + 1;
                return Some((here + ahead as u64) << shift);
            }
        }
        None
    }

    /// Takes the list of a level's slot at the cursor: what fires, or what is to be sorted in.
    fn open(&mut self, timers: &mut impl Timers, level: usize) {
        let to = if level == 0 { DUE } else { CASCADE };
        assert_eq!(self.heads[to], 0, "one slot is open at a time");
        let from = level * SLOTS + digit(self.cursor, level);
        let first = std::mem::take(&mut self.heads[from]);
        if first == 0 {
            return;
        }
        self.mark_empty(from);
        self.heads[to] = first;
        let links = timers.links(first - 1);
        let prev = HEAD | index(to);
        timers.set_links(first - 1, Links { prev, ..links });
    }

    /// The list of a timer so many milliseconds ahead of the cursor; the upper half is the past.
    fn list_for(&self, ahead: u32) -> usize {
        if ahead == 0 || u64::from(ahead) > AHEAD_MS_MAX {
            return DUE;
        }
        let level = ahead.ilog2() as usize / 8;
        level * SLOTS + digit(self.cursor + u64::from(ahead), level)
    }

    fn push(&mut self, timers: &mut impl Timers, list: usize, id: u32) {
        let next = self.heads[list];
        self.heads[list] = id + 1;
        if let Some(bits) = self.occupied.get_mut(list / SLOTS) {
            bits[list % SLOTS / 64] |= 1 << (list % 64);
        }
        let prev = HEAD | index(list);
        timers.set_links(id, Links { prev, next });
        if next != 0 {
            let behind = timers.links(next - 1);
            let prev = id + 1;
            timers.set_links(next - 1, Links { prev, ..behind });
        }
    }

    fn pop(&mut self, timers: &mut impl Timers, list: usize) -> Option<u32> {
        let id = self.heads[list].checked_sub(1)?;
        let links = timers.links(id);
        self.unlink(timers, id, links);
        if links.next != 0 {
            timers.prefetch(links.next - 1);
        }
        Some(id)
    }

    fn unlink(&mut self, timers: &mut impl Timers, id: u32, links: Links) {
        timers.set_links(id, Links::UNARMED);
        if links.next != 0 {
            let behind = timers.links(links.next - 1);
            let prev = links.prev;
            timers.set_links(links.next - 1, Links { prev, ..behind });
        }
        if links.prev & HEAD == 0 {
            let before = timers.links(links.prev - 1);
            let next = links.next;
            timers.set_links(links.prev - 1, Links { next, ..before });
            return;
        }
        let list = (links.prev & !HEAD) as usize;
        assert_eq!(self.heads[list], id + 1, "the first of a list is its head");
        self.heads[list] = links.next;
        if links.next == 0 {
            self.mark_empty(list);
        }
    }

    fn mark_empty(&mut self, list: usize) {
        if let Some(bits) = self.occupied.get_mut(list / SLOTS) {
            bits[list % SLOTS / 64] &= !(1 << (list % 64));
        }
    }

    /// Asserts the invariants over the timers `0..ids`; O(ids), for tests.
    ///
    /// # Panics
    /// If one is broken.
    pub fn check_invariants(&self, timers: &impl Timers, ids: u32) {
        let mut listed = 0;
        for list in 0..LISTS {
            let mut prev = HEAD | index(list);
            let mut at = self.heads[list];
            if let Some(bits) = self.occupied.get(list / SLOTS) {
                let bit = bits[list % SLOTS / 64] >> (list % 64) & 1;
                assert_eq!(bit == 1, at != 0, "occupancy of list {list}");
            }
            while at != 0 {
                let links = timers.links(at - 1);
                assert_eq!(links.prev, prev, "links of timer {}", at - 1);
                listed += 1;
                assert!(listed <= ids, "a list is a ring");
                prev = at;
                at = links.next;
            }
        }
        assert_eq!(listed, self.armed, "armed timers");
        let armed = (0..ids).filter(|id| timers.links(*id).is_armed()).count();
        assert_eq!(armed, listed as usize, "every armed timer is in a list");
    }
}

/// The low 32 bits of milliseconds: how a timer keeps its deadline.
#[must_use]
pub fn low32(ms: u64) -> u32 {
    let [a, b, c, d, ..] = ms.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// Milliseconds from the cursor to a deadline at most [`AHEAD_MS_MAX`] ahead; 0 if it is past.
fn u32_ahead(deadline_ms: u64, cursor: u64) -> u32 {
    u32::try_from(deadline_ms.saturating_sub(cursor)).expect("checked against AHEAD_MS_MAX")
}

/// A tick's slot on a level: its digit to the base 256.
fn digit(tick: u64, level: usize) -> usize {
    usize::from(tick.to_le_bytes()[level])
}

fn index(list: usize) -> u32 {
    u32::try_from(list).expect("lists are few")
}

#[cfg(test)]
mod tests;
