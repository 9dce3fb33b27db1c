//! Segments: how large they are and what they are called.

use std::fmt;
use std::str::FromStr;

use super::{Lsn, Timeline};
use crate::error::{Error, Result};

/// A cluster's WAL segment size in bytes: a power of two from 1 MiB to 1 GiB (`initdb
/// --wal-segsize`, PostgreSQL 11 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentSize(u32);

impl SegmentSize {
    /// 16 MiB, what `initdb` takes when nothing is said.
    pub const DEFAULT: Self = Self(16 << 20);

    /// The size if it is a legal one.
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes.is_power_of_two() && bytes >= 1 << 20 && bytes <= 1 << 30 {
            #[expect(clippy::cast_possible_truncation, reason = "at most 2^30")]
            Some(Self(bytes as u32))
        } else {
            None
        }
    }

    /// The size in bytes.
    pub const fn bytes(self) -> u64 {
        self.0 as u64
    }

    /// How many segments share one log number (the middle eight digits): 4 GiB worth.
    pub const fn per_log(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "4 GiB / at least 1 MiB is at most 4096")]
        {
            ((1_u64 << 32) / self.bytes()) as u32
        }
    }
}

impl fmt::Display for SegmentSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0 >> 20)
    }
}

/// A segment's name: timeline, log and segment number, 24 hexadecimal digits. Ordered as the
/// archive orders them, which is also the order of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// The timeline the segment belongs to.
    pub timeline: Timeline,
    /// The upper 32 bits of its LSNs.
    pub log: u32,
    /// The number within the log; what it stands for depends on the segment size.
    pub seg: u32,
}

impl SegmentName {
    /// Where the segment begins, or `None` when its number cannot exist at this segment size
    /// (00000001 00000000 00000FFF is a name of 1 MiB segments, not of 16 MiB ones).
    pub fn start(self, size: SegmentSize) -> Option<Lsn> {
        if self.seg >= size.per_log() {
            return None;
        }
        Some(Lsn((u64::from(self.log) << 32) + u64::from(self.seg) * size.bytes()))
    }

    /// The name of the segment that holds `at`.
    pub fn holding(timeline: Timeline, at: Lsn, size: SegmentSize) -> Self {
        Self { timeline, log: (at.0 >> 32) as u32, seg: ((at.0 & 0xFFFF_FFFF) / size.bytes()) as u32 }
    }

    /// The next segment of the same timeline, or `None` after the last that can be named.
    pub fn next(self, size: SegmentSize) -> Option<Self> {
        if self.seg + 1 < size.per_log() {
            Some(Self { seg: self.seg + 1, ..self })
        } else {
            Some(Self { log: self.log.checked_add(1)?, seg: 0, ..self })
        }
    }
}

impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:08X}{:08X}", self.timeline, self.log, self.seg)
    }
}

impl FromStr for SegmentName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let part = |from: usize| text.get(from..from + 8).and_then(super::wal_name::hex8);
        let parsed = (text.len() == 24)
            .then(|| Some(Self { timeline: Timeline::new(part(0)?)?, log: part(8)?, seg: part(16)? }))
            .flatten();
        parsed.ok_or_else(|| Error::usage(format!("`{text}` is not the name of a WAL segment")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes() -> impl Strategy<Value = SegmentSize> {
        (20_u32..=30).prop_map(|bits| SegmentSize::new(1 << bits).unwrap())
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverses(timeline in 1_u32.., log: u32, seg: u32) {
            let name = SegmentName { timeline: Timeline::new(timeline).unwrap(), log, seg };
            prop_assert_eq!(name.to_string().parse::<SegmentName>().unwrap(), name);
        }

        #[test]
        fn a_segment_holds_the_lsn_it_starts_with_at_every_size(timeline in 1_u32.., at: u64, size in sizes()) {
            let timeline = Timeline::new(timeline).unwrap();
            let name = SegmentName::holding(timeline, Lsn(at), size);
            let start = name.start(size).unwrap();
            prop_assert!(start.0 <= at && at - start.0 < size.bytes());
            prop_assert_eq!(SegmentName::holding(timeline, start, size), name);
        }

        #[test]
        fn names_are_what_plain_arithmetic_without_an_end_says_at_every_size(at: u64, size in sizes(), steps in 0..5000_u32) {
            let (at, bytes) = (u128::from(at), u128::from(size.bytes()));
            let timeline = Timeline::new(1).unwrap();
            let spelled = |number: u128| {
                let (log, seg) = ((number * bytes) >> 32, number % ((1 << 32) / bytes));
                (number * bytes < 1 << 64).then(|| format!("00000001{log:08X}{seg:08X}"))
            };
            let first = SegmentName::holding(timeline, Lsn(u64::try_from(at).unwrap()), size);
            prop_assert_eq!(Some(first.to_string()), spelled(at / bytes));
            prop_assert_eq!(first.start(size).map(|start| u128::from(start.0)), Some(at / bytes * bytes));
            let later = (0..steps).try_fold(first, |name, _| name.next(size));
            prop_assert_eq!(later.map(|name| name.to_string()), spelled(at / bytes + u128::from(steps)));
        }

        #[test]
        fn the_order_of_names_is_that_of_positions(a: u64, b: u64, size in sizes()) {
            let name = |at| SegmentName::holding(Timeline::new(1).unwrap(), Lsn(at), size);
            prop_assert_eq!(name(a).cmp(&name(b)), (a / size.bytes()).cmp(&(b / size.bytes())));
            prop_assert_eq!(name(a).to_string().cmp(&name(b).to_string()), name(a).cmp(&name(b)));
        }

        #[test]
        fn the_next_segment_starts_where_this_one_ends(at in 0..u64::MAX - (2 << 30), size in sizes()) {
            let name = SegmentName::holding(Timeline::new(1).unwrap(), Lsn(at), size);
            let next = name.next(size).unwrap();
            prop_assert_eq!(next.start(size), name.start(size).unwrap().checked_add(size.bytes()));
            prop_assert!(next > name);
        }
    }

    #[test]
    fn there_is_nothing_after_the_last_segment() {
        let last: SegmentName = "00000001FFFFFFFF000000FF".parse().unwrap();
        assert_eq!(last.next(SegmentSize::DEFAULT), None);
    }

    #[test]
    fn a_number_that_cannot_exist_at_a_size_has_no_start() {
        let name: SegmentName = "000000010000000000000100".parse().unwrap();
        assert_eq!(name.start(SegmentSize::DEFAULT), None);
        assert_eq!(name.start(SegmentSize::new(1 << 20).unwrap()), Some(Lsn(0x1000_0000)));
    }

    #[test]
    fn only_powers_of_two_from_one_mebibyte_to_one_gibibyte_are_sizes() {
        for bad in [0, 1, (1 << 20) - 1, 3 << 20, 1 << 19, 1 << 31, u64::MAX] {
            assert_eq!(SegmentSize::new(bad), None, "{bad}");
        }
    }
}
