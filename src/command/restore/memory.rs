//! How the memory that may be taken is shared out.

use std::num::NonZeroUsize;

use crate::command::OWN;
use crate::pgdata::unpack::Ledger;

/// What one object holds besides its ranges: a decoder's window, pieces on the way to it, a buffer for
/// files.
const PER_OBJECT: u64 = 16 << 20;

/// As much is asked for in one request: large enough that a request's delay does not count, small enough
/// that several fit into memory.
const RANGE: u64 = 8 << 20;

/// No request is for less, however little memory there is.
const LEAST: u64 = 1 << 20;

/// What a file of a cluster has on the average, for a guess at how many there are: small tables are many,
/// but what makes a cluster large are segments of 1 GiB.
const FILE: u64 = 1 << 20;

/// More objects at once than this bring nothing.
const MOST_OBJECTS: usize = 64;

/// What is fetched at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// Objects.
    pub(super) objects: usize,
    /// Ranges of each.
    pub(super) ranges: usize,
    /// Bytes of a range.
    pub(super) range: u64,
}

/// What the ledger takes of `budget`, in bytes: of so many `files`, or when nobody has counted them, of as
/// many as `copy` bytes may be. A guess takes no more than half.
pub(super) fn ledger(files: Option<u64>, copy: u64, budget: u64) -> u64 {
    match files {
        Some(files) => files.saturating_mul(Ledger::PER_FILE),
        None => (copy / FILE).saturating_mul(Ledger::PER_FILE).min(budget / 2),
    }
}

/// Shares `budget` bytes out among at most `jobs` of `objects` objects. An object first gets two ranges,
/// so that one is fetched while the other is unpacked; what is left makes more of them. When there is
/// not enough for that, there are fewer objects, then smaller ranges: never nothing.
pub(super) fn plan_memory(budget: u64, jobs: NonZeroUsize, objects: usize) -> Shares {
    let rest = budget.saturating_sub(OWN);
    let wanted = jobs.get().min(objects).clamp(1, MOST_OBJECTS);
    let affordable = usize::try_from(rest / (PER_OBJECT + 2 * RANGE)).unwrap_or(usize::MAX);
    let objects = wanted.min(affordable).max(1);
    let buffers = (rest / objects as u64).saturating_sub(PER_OBJECT);
    let range = (buffers / 2).clamp(LEAST, RANGE);
    let ranges = usize::try_from(buffers / range).unwrap_or(usize::MAX).clamp(1, 64);
    Shares { objects, ranges, range }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shares(mib: u64, jobs: usize, objects: usize) -> Shares {
        plan_memory(mib << 20, NonZeroUsize::new(jobs).unwrap(), objects)
    }

    #[test]
    fn the_default_feeds_four_objects_from_five_ranges_each() {
        assert_eq!(shares(256, 4, 100), Shares { objects: 4, ranges: 5, range: RANGE });
        assert_eq!(shares(256, 4, 1), Shares { objects: 1, ranges: 27, range: RANGE });
    }

    #[test]
    fn little_memory_means_fewer_objects_and_smaller_ranges_but_never_none() {
        assert_eq!(shares(64, 8, 100), Shares { objects: 1, ranges: 3, range: RANGE });
        assert_eq!(shares(44, 8, 100), Shares { objects: 1, ranges: 2, range: 2 << 20 });
        assert_eq!(shares(1, 8, 100), Shares { objects: 1, ranges: 1, range: LEAST });
    }

    #[test]
    fn files_that_nobody_has_counted_take_room_as_well() {
        assert_eq!(ledger(Some(1000), 1 << 40, 256 << 20), 1000 * Ledger::PER_FILE);
        assert_eq!(ledger(None, 1 << 40, 256 << 20), (1 << 20) * Ledger::PER_FILE);
        assert_eq!(ledger(None, 1 << 44, 256 << 20), 128 << 20);
    }

    proptest! {
        #[test]
        fn the_budget_is_kept(budget in (OWN + PER_OBJECT + 2 * LEAST)..(1_u64 << 40), jobs in 1_usize..200, objects in 0_usize..1000) {
            let Shares { objects, ranges, range } = plan_memory(budget, NonZeroUsize::new(jobs).unwrap(), objects);
            prop_assert!(OWN + objects as u64 * (PER_OBJECT + ranges as u64 * range) <= budget);
        }
    }
}
