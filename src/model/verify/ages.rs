//! How long ago things were found sound.

use std::time::Duration;

use jiff::Timestamp;

use super::{Mark, VerifyLedger};

/// How many of some objects were found sound how long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifyAges {
    /// Within each of [`Self::DAYS`], those of a shorter span not counted again.
    pub within: [u64; 3],
    /// Longer ago.
    pub before: u64,
    /// Never, or as something else than what lies there now.
    pub never: u64,
    /// When the first was that is still there.
    pub oldest: Option<Timestamp>,
    /// When the last was.
    pub newest: Option<Timestamp>,
}

impl VerifyAges {
    /// The spans, in days.
    pub const DAYS: [u16; 3] = [7, 30, 90];

    /// Counts these.
    pub fn of(marks: impl Iterator<Item = Mark>, ledger: &VerifyLedger, now: Timestamp) -> Self {
        let mut ages = Self::default();
        for mark in marks {
            let Some(at) = ledger.verified(mark) else {
                ages.never += 1;
                continue;
            };
            let age = Duration::try_from(now.duration_since(at)).unwrap_or_default();
            let young = |days: &u16| age <= Duration::from_hours(24 * u64::from(*days));
            match Self::DAYS.iter().position(young).and_then(|i| ages.within.get_mut(i)) {
                Some(count) => *count += 1,
                None => ages.before += 1,
            }
            ages.oldest = Some(ages.oldest.map_or(at, |oldest| oldest.min(at)));
            ages.newest = ages.newest.max(Some(at));
        }
        ages
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        self.within.iter().sum::<u64>() + self.before + self.never
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_once() {
        let now: Timestamp = "2026-06-30T00:00:00Z".parse().unwrap();
        let mut ledger = VerifyLedger::default();
        for (mark, days) in [(1, 0), (2, 7), (3, 8), (4, 89), (5, 400)] {
            ledger.note(Mark(mark), now - jiff::SignedDuration::from_hours(24 * days));
        }
        let ages = VerifyAges::of((1..=7).map(Mark), &ledger, now);
        assert_eq!((ages.within, ages.before, ages.never), ([2, 1, 1], 1, 2));
        assert_eq!((ages.all(), ages.newest), (7, Some(now)));
        assert!(ages.oldest < ages.newest);
    }
}
