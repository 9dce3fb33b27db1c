//! Two incomplete copies of one segment: which of them holds more.
//!
//! A `.partial` is as long as its segment, but only its beginning is WAL of this segment. Behind that lie
//! zeros, or what the file held before PostgreSQL gave it a new name. Only what is WAL is compared, so that
//! the copies of a primary and of its standby are found to be the same history.

use super::Lsn;

/// Compares two copies page by page.
#[derive(Debug)]
pub struct Overlap {
    start: Lsn,
    page_size: usize,
    /// Where our copy is known to end, when that is known.
    limit: Option<Lsn>,
    /// How far both were read.
    at: u64,
    ours: Extent,
    stored: Extent,
    /// The first byte that differs.
    differ: Option<u64>,
}

/// How far one copy is WAL.
#[derive(Debug, Default)]
struct Extent {
    len: u64,
    ended: bool,
}

/// What two copies are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlapping {
    /// The stored one holds everything that ours does.
    Held,
    /// Ours holds everything that the stored one does, and more.
    More,
    /// They part at this byte, and both go on.
    Parted(u64),
}

/// The byte of a page header where `xlp_pageaddr` lies (PostgreSQL's `access/xlog_internal.h`).
const ADDRESS: usize = 8;

impl Overlap {
    /// Compares copies of the segment that begins at `start`, in WAL pages of so many bytes. When it is
    /// known where the WAL of our copy ends, what lies behind that `limit` does not count.
    pub const fn new(start: Lsn, page_size: usize, limit: Option<Lsn>) -> Self {
        let none = Extent { len: 0, ended: false };
        Self {
            start,
            page_size,
            limit,
            at: 0,
            ours: none,
            stored: Extent { len: 0, ended: false },
            differ: None,
        }
    }

    /// Takes the next page of each; less than a page, or nothing, where a copy is shorter.
    pub fn page(&mut self, ours: &[u8], stored: &[u8]) {
        let begin = Lsn(self.start.0.saturating_add(self.at));
        let room = self.limit.map_or(u64::MAX, |limit| limit.0.saturating_sub(begin.0));
        let ours = &ours[..ours.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        let ours = self.ours.take(ours, begin, self.at);
        let stored = self.stored.take(stored, begin, self.at);
        if self.differ.is_none() && ours != stored {
            let same = ours.iter().zip(stored).take_while(|(a, b)| a == b).count();
            self.differ = Some(self.at + same as u64);
        }
        self.at += self.page_size as u64;
    }

    /// What they are to each other, as far as they were read.
    pub const fn verdict(&self) -> Overlapping {
        match self.differ {
            None => Overlapping::Held,
            Some(at) if at >= self.ours.len => Overlapping::Held,
            Some(at) if at >= self.stored.len => Overlapping::More,
            Some(at) => Overlapping::Parted(at),
        }
    }
}

impl Extent {
    /// What of the next page is WAL.
    fn take<'a>(&mut self, page: &'a [u8], begin: Lsn, at: u64) -> &'a [u8] {
        let address = page.get(ADDRESS..ADDRESS + 8).and_then(|bytes| bytes.try_into().ok());
        self.ended |= address.map(u64::from_le_bytes) != Some(begin.0);
        if self.ended {
            return &[];
        }
        let len = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        self.len = at + len as u64;
        &page[..len]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: usize = 64;
    const START: Lsn = Lsn(0x0100_0000);

    /// A segment of four pages that is WAL for `wal` bytes and something else behind.
    fn copy(wal: usize, seed: u8, rest: u8) -> Vec<u8> {
        let mut bytes = vec![rest; 4 * PAGE];
        let written = wal.div_ceil(PAGE) * PAGE;
        for (i, page) in bytes[..written].chunks_exact_mut(PAGE).enumerate() {
            page.fill(seed);
            page[ADDRESS..ADDRESS + 8].copy_from_slice(&(START.0 + (i * PAGE) as u64).to_le_bytes());
        }
        bytes[wal..written].fill(0);
        bytes
    }

    fn verdict(ours: &[u8], stored: &[u8], limit: Option<Lsn>) -> Overlapping {
        let mut overlap = Overlap::new(START, PAGE, limit);
        let (mut ours, mut stored) = (ours.chunks(PAGE), stored.chunks(PAGE));
        loop {
            match (ours.next(), stored.next()) {
                (None, None) => return overlap.verdict(),
                (a, b) => overlap.page(a.unwrap_or_default(), b.unwrap_or_default()),
            }
        }
    }

    #[test]
    fn what_lies_behind_the_wal_does_not_count() {
        assert_eq!(verdict(&copy(100, 7, 0), &copy(100, 7, 0xEE), None), Overlapping::Held);
        assert_eq!(verdict(&copy(100, 7, 0xEE), &copy(100, 7, 0), None), Overlapping::Held);
        assert_eq!(verdict(&copy(100, 7, 0xEE), &copy(90, 7, 0xDD), None), Overlapping::More);
    }

    #[test]
    fn a_copy_that_goes_another_way_is_told_with_the_place() {
        let mut other = copy(200, 7, 0);
        other[70] ^= 0xFF;
        assert_eq!(verdict(&other, &copy(200, 7, 0), None), Overlapping::Parted(70));
    }

    #[test]
    fn where_our_wal_ends_what_an_older_file_left_in_the_same_page_does_not_count() {
        let mut ours = copy(100, 7, 0);
        ours[100..128].fill(0xEE);
        let limit = Some(Lsn(START.0 + 100));
        assert_eq!(verdict(&ours, &copy(150, 7, 0), None), Overlapping::Parted(100));
        assert_eq!(verdict(&ours, &copy(150, 7, 0), limit), Overlapping::Held);
        assert_eq!(verdict(&ours, &copy(90, 7, 0), limit), Overlapping::More);
    }

    proptest! {
        #[test]
        fn of_two_copies_of_one_history_the_longer_holds_the_shorter(a in 17..256_usize, b in 17..256_usize) {
            // Within a page's header there is nothing to cut off.
            prop_assume!(a % PAGE > 16 && b % PAGE > 16);
            let wanted = if a > b { Overlapping::More } else { Overlapping::Held };
            prop_assert_eq!(verdict(&copy(a, 7, 0xEE), &copy(b, 7, 0xDD), None), wanted);
        }

        #[test]
        fn no_bytes_make_it_panic(
            a in proptest::collection::vec(any::<u8>(), 0..300),
            b in proptest::collection::vec(any::<u8>(), 0..300),
            limit: Option<u64>,
        ) {
            let _ = verdict(&a, &b, limit.map(Lsn));
        }
    }
}
