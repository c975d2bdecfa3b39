//! Sets of message numbers.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;

/// A set of message numbers, in ascending order. Consecutive numbers are stored as one range, so
/// the set of any number of consecutive messages is small.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Numbers {
    ranges: VecDeque<RangeInclusive<u64>>,
}

impl Numbers {
    /// Returns how many numbers there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        let lengths = self.ranges.iter().map(|range| range.end() - range.start());
        lengths.fold(0, |sum, len| sum.saturating_add(len).saturating_add(1))
    }

    /// Returns `true` if there are no numbers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Returns `true` if `number` is in the set.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        self.ranges.iter().any(|range| range.contains(&number))
    }

    /// Returns the largest number.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.ranges.back().map(|range| *range.end())
    }

    /// Returns the numbers in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.ranges.iter().cloned().flatten()
    }

    /// Returns the ranges of consecutive numbers, in ascending order.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
        self.ranges.iter().cloned()
    }

    /// Adds a number, in any order.
    pub(crate) fn insert(&mut self, number: u64) {
        self.insert_range(number..=number);
    }

    /// Adds all numbers of `other`.
    pub(crate) fn extend(&mut self, other: &Self) {
        other.ranges().for_each(|range| self.insert_range(range));
    }

    /// Adds consecutive numbers. They replace the ranges that they overlap or touch.
    fn insert_range(&mut self, added: RangeInclusive<u64>) {
        let (mut start, mut end) = added.into_inner();
        let ranges = &mut self.ranges;
        let from = ranges.partition_point(|range| range.end().saturating_add(1) < start);
        let to = ranges.partition_point(|range| *range.start() <= end.saturating_add(1));
        for range in ranges.drain(from..to) {
            start = start.min(*range.start());
            end = end.max(*range.end());
        }
        ranges.insert(from, start..=end);
    }

    /// Removes all numbers up to `last`, including it.
    pub(crate) fn remove_through(&mut self, last: u64) {
        while let Some(range) = self.ranges.front_mut() {
            if *range.start() > last {
                return;
            }
            if *range.end() > last {
                *range = last + 1..=*range.end();
                return;
            }
            self.ranges.pop_front();
        }
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(&self.ranges).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn numbers_are_a_set() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..500 {
            let mut numbers = Numbers::default();
            let mut model = BTreeSet::new();
            for _ in 0..30 {
                if random.u8(..) < 40 {
                    let last = random.u64(..25);
                    numbers.remove_through(last);
                    model.retain(|number| *number > last);
                } else {
                    let start = random.u64(..25);
                    let end = random.u64(start..25).min(start + random.u64(..4));
                    numbers.insert_range(start..=end);
                    model.extend(start..=end);
                }
                assert!(numbers.iter().eq(model.iter().copied()), "{numbers:?}");
                assert_eq!(numbers.len(), model.len() as u64);
                assert_eq!(numbers.last(), model.last().copied());
                assert_eq!(numbers.is_empty(), model.is_empty());
                assert!((0..25).all(|number| numbers.contains(number) == model.contains(&number)));
                let gaps = numbers.ranges().zip(numbers.ranges().skip(1));
                assert!({ gaps }.all(|(one, next)| one.end() + 1 < *next.start()));
            }
        }
    }

    #[test]
    fn the_largest_number_is_no_exception() {
        let mut numbers = Numbers::default();
        numbers.insert(u64::MAX);
        numbers.insert(u64::MAX - 1);
        assert_eq!(numbers.len(), 2);
        numbers.remove_through(u64::MAX);
        assert!(numbers.is_empty());
    }
}
