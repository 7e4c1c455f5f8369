//! Puts the seconds of several threads together. Pure.

use std::collections::BTreeMap;

use crate::measure::Second;

/// What one thread tells about a second that is over.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which second since the common start, from 0.
    pub index: u64,
    /// What was answered in it.
    pub second: Second,
    /// Busy share of the thread's core by this thread.
    pub busy: f64,
}

/// Seconds that not all threads have told yet.
#[derive(Clone, Debug)]
pub struct Gather {
    threads: usize,
    partial: BTreeMap<u64, (usize, Told)>,
}

impl Gather {
    /// For so many threads.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self {
            threads,
            partial: BTreeMap::new(),
        }
    }

    /// Takes what a thread tells; gives the second once all threads have told it. The busy share
    /// is then that of the busiest.
    pub fn add(&mut self, told: Told) -> Option<Told> {
        let index = told.index;
        let (count, whole) = match self.partial.remove(&index) {
            None => (1, told),
            Some((count, mut whole)) => {
                whole.second.merge(&told.second);
                whole.busy = whole.busy.max(told.busy);
                (count + 1, whole)
            }
        };
        if count < self.threads {
            self.partial.insert(index, (count, whole));
            return None;
        }
        // What is older will not become whole any more: a thread has ended.
        self.partial = self.partial.split_off(&index);
        Some(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(index: u64, answered: u64, busy: f64) -> Told {
        let second = Second {
            answered,
            ..Second::default()
        };
        Told {
            index,
            second,
            busy,
        }
    }

    #[test]
    fn a_second_is_whole_when_every_thread_has_told_it() {
        let mut gather = Gather::new(2);
        assert!(gather.add(told(0, 5, 0.5)).is_none());
        assert!(gather.add(told(1, 7, 0.5)).is_none());
        let whole = gather.add(told(0, 6, 0.9)).expect("both have told it");
        assert_eq!((whole.index, whole.second.answered), (0, 11));
        assert!((whole.busy - 0.9).abs() < 1e-9);
        let next = gather.add(told(1, 1, 0.1)).expect("both have told it");
        assert_eq!((next.index, next.second.answered), (1, 8));
    }

    #[test]
    fn seconds_of_a_thread_that_ended_are_let_go() {
        let mut gather = Gather::new(2);
        for index in 0..3 {
            assert!(gather.add(told(index, 1, 0.0)).is_none());
        }
        assert!(gather.add(told(2, 1, 0.0)).is_some());
        assert!(gather.partial.is_empty());
    }
}
