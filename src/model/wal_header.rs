//! The first forty bytes of a segment, and whether they belong to its name.

use std::fmt;

use super::{Lsn, SegmentName, SegmentSize, SystemId, Timeline};
use crate::error::{Error, Result};

/// The long page header every segment begins with (`XLogLongPageHeaderData` in PostgreSQL's
/// `access/xlog_internal.h`; the same since 9.3 but for the magic). Read in little-endian order,
/// as every platform we build for writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalHeader {
    /// The page magic, which changes with every major version and is another one in PostgreSQL's
    /// descendants.
    pub magic: u16,
    /// The timeline the first page was written on; after a switch in mid-segment that is an
    /// ancestor of the timeline in the name.
    pub timeline: Timeline,
    /// Where the page, and so the segment, begins.
    pub start: Lsn,
    /// The cluster that wrote it.
    pub system_id: SystemId,
    /// The cluster's segment size.
    pub segment_size: SegmentSize,
}

/// Page magic of each major: `XLOG_PAGE_MAGIC` in `access/xlog_internal.h` of its release.
const MAGICS: [(u16, u32); 6] =
    [(0xD106, 13), (0xD10D, 14), (0xD110, 15), (0xD113, 16), (0xD116, 17), (0xD118, 18)];

/// The sizes of a WAL page that a server can be built with, in bytes: powers of two within these.
const PAGE_SIZES: std::ops::RangeInclusive<u32> = 1 << 10..=64 << 10;

/// `XLP_LONG_HEADER`: the flag that says the header is a long one.
const LONG_HEADER: u16 = 0x0002;

impl WalHeader {
    /// How many bytes of a segment are needed to read its header.
    pub const LEN: usize = 40;

    /// Reads the header from the first bytes of a segment. The error (kind `Corrupt`) says what was
    /// found where something else belongs.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Some(bytes) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Err(Error::corrupt(format!(
                "the file has {} bytes, too few for a WAL header of {}",
                bytes.len(),
                Self::LEN
            )));
        };
        let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | (u64::from(u32_at(at + 4)) << 32);

        let magic = u16_at(0);
        if major_of(magic).is_none() {
            plausible(magic, u32_at(36))?;
        }
        if u16_at(2) & LONG_HEADER == 0 {
            return Err(Error::corrupt(
                "the first page has no long header, so this is not the beginning of a segment",
            ));
        }
        let timeline = Timeline::new(u32_at(4))
            .ok_or_else(|| Error::corrupt("the first page names timeline 0, which does not exist"))?;
        let size = u32_at(32);
        let segment_size = SegmentSize::new(u64::from(size)).ok_or_else(|| {
            Error::corrupt(format!(
                "the first page names a segment size of {size} bytes, which no cluster has"
            ))
        })?;
        Ok(Self { magic, timeline, start: Lsn(u64_at(8)), system_id: SystemId(u64_at(24)), segment_size })
    }

    /// The size of the pages of a segment that begins like this, in bytes; PostgreSQL's usual one where the
    /// header tells none that can be.
    pub fn page_size(bytes: &[u8; Self::LEN]) -> usize {
        let told = u32::from_le_bytes([bytes[36], bytes[37], bytes[38], bytes[39]]);
        let can_be = told.is_power_of_two() && PAGE_SIZES.contains(&told);
        usize::try_from(told).ok().filter(|_| can_be).unwrap_or(8192)
    }

    /// PostgreSQL's major version, told by the page magic; `None` for a magic that is not known, as of
    /// a release that is newer than this list, or of a descendant.
    pub fn major(&self) -> Option<u32> {
        major_of(self.magic)
    }

    /// Whether a file of `len` bytes with this header is the segment called `name`.
    pub fn fits(&self, name: SegmentName, len: u64) -> std::result::Result<(), Misfit> {
        if len != self.segment_size.bytes() {
            return Err(Misfit::Length { expected: self.segment_size, found: len });
        }
        if name.start(self.segment_size) != Some(self.start) {
            return Err(Misfit::Place {
                name,
                found: SegmentName::holding(self.timeline, self.start, self.segment_size),
                start: self.start,
            });
        }
        if self.timeline > name.timeline {
            return Err(Misfit::Timeline { name, found: self.timeline });
        }
        Ok(())
    }
}

fn major_of(magic: u16) -> Option<u32> {
    MAGICS.iter().find(|(known, _)| *known == magic).map(|(_, major)| *major)
}

/// Whether a page with an unknown magic can be WAL at all. A new release or a descendant of PostgreSQL
/// must be able to archive on the day it comes out: a refusal would fill its disk. What else the header
/// says, and whether it fits the file, is checked as for every other.
fn plausible(magic: u16, page_size: u32) -> Result<()> {
    if major_of(magic.swap_bytes()).is_some() {
        return Err(Error::corrupt(format!(
            "the page magic is {magic:#06X}, which is a known one in the other byte order"
        )));
    }
    if magic == 0 || !page_size.is_power_of_two() || !PAGE_SIZES.contains(&page_size) {
        return Err(Error::corrupt(format!(
            "the page magic is {magic:#06X} and the page size {page_size} bytes, so this is no WAL"
        )));
    }
    Ok(())
}

/// Why a header does not belong to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// The file is not as long as the cluster's segments are.
    Length {
        /// What the header says.
        expected: SegmentSize,
        /// What the file has, in bytes.
        found: u64,
    },
    /// The first page belongs to another segment.
    Place {
        /// The name the file has.
        name: SegmentName,
        /// The name its first page would have.
        found: SegmentName,
        /// The page address in the header.
        start: Lsn,
    },
    /// The first page was written on a timeline younger than the one in the name.
    Timeline {
        /// The name the file has.
        name: SegmentName,
        /// The timeline of the first page.
        found: Timeline,
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(
                    f,
                    "the file has {found} bytes, but segments of this cluster have {} ({expected})",
                    expected.bytes()
                )
            }
            Self::Place { name, found, start } => {
                write!(
                    f,
                    "the file is called {name}, but its first page is at {start}, which belongs to {found}"
                )
            }
            Self::Timeline { name, found } => {
                write!(
                    f,
                    "the file is called {name}, but its first page was written on the later timeline {found}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn header(magic: u16, name: &str, size: u32) -> [u8; 40] {
        let name: SegmentName = name.parse().unwrap();
        let start = name.start(SegmentSize::new(size.into()).unwrap()).unwrap();
        let mut bytes = [0_u8; 40];
        bytes[0..2].copy_from_slice(&magic.to_le_bytes());
        bytes[2..4].copy_from_slice(&LONG_HEADER.to_le_bytes());
        bytes[4..8].copy_from_slice(&name.timeline.number().to_le_bytes());
        bytes[8..16].copy_from_slice(&start.0.to_le_bytes());
        bytes[24..32].copy_from_slice(&7_000_000_000_000_000_001_u64.to_le_bytes());
        bytes[32..36].copy_from_slice(&size.to_le_bytes());
        bytes[36..40].copy_from_slice(&8192_u32.to_le_bytes());
        bytes
    }

    #[test]
    fn a_header_of_every_supported_major_is_read() {
        for (magic, major) in MAGICS {
            let read = WalHeader::parse(&header(magic, "000000030000000A00000007", 16 << 20)).unwrap();
            assert_eq!(read.major(), Some(major));
            assert_eq!(read.start, Lsn(0xA_0700_0000));
            assert_eq!(read.system_id, SystemId(7_000_000_000_000_000_001));
            assert_eq!(read.segment_size, SegmentSize::DEFAULT);
        }
    }

    #[test]
    fn a_header_fits_only_its_own_name_and_length() {
        let name: SegmentName = "000000030000000A00000007".parse().unwrap();
        let read = WalHeader::parse(&header(0xD110, "000000030000000A00000007", 16 << 20)).unwrap();
        assert_eq!(read.fits(name, 16 << 20), Ok(()));
        assert!(matches!(read.fits(name, 1), Err(Misfit::Length { .. })));
        let other = SegmentName { seg: 8, ..name };
        assert!(matches!(read.fits(other, 16 << 20), Err(Misfit::Place { .. })));
        let older = SegmentName { timeline: Timeline::new(2).unwrap(), ..name };
        assert!(matches!(read.fits(older, 16 << 20), Err(Misfit::Timeline { .. })));
    }

    #[test]
    fn a_segment_that_begins_on_an_ancestor_timeline_fits() {
        let read = WalHeader::parse(&header(0xD110, "000000030000000A00000007", 16 << 20)).unwrap();
        assert_eq!(read.fits("000000050000000A00000007".parse().unwrap(), 16 << 20), Ok(()));
    }

    #[test]
    fn what_is_not_a_header_says_what_it_is() {
        let swapped =
            WalHeader::parse(&header(0xD110_u16.swap_bytes(), "000000030000000A00000007", 16 << 20))
                .unwrap_err();
        assert!(swapped.to_string().contains("other byte order"), "{swapped}");
        assert_eq!(WalHeader::parse(b"short").unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(WalHeader::parse(&[0; 40]).is_err());
        let text = "START WAL LOCATION: 0/3000028 (file 000000010000000000000003)";
        assert!(WalHeader::parse(text.as_bytes()).is_err());
        for page_size in [0_u32, 512, 8191, 1 << 17] {
            let mut odd = header(0xD1FF, "000000030000000A00000007", 16 << 20);
            odd[36..40].copy_from_slice(&page_size.to_le_bytes());
            assert!(WalHeader::parse(&odd).unwrap_err().to_string().contains("no WAL"), "{page_size}");
        }
    }

    /// PostgreSQL 9.6, a release to come, a descendant with a magic of its own.
    #[test]
    fn a_header_with_an_unknown_magic_is_read_and_held_to_its_name_like_any_other() {
        for magic in [0xD093, 0xD1FF, 0x1234] {
            let read = WalHeader::parse(&header(magic, "000000030000000A00000007", 16 << 20)).unwrap();
            assert_eq!((read.magic, read.major()), (magic, None));
            assert_eq!(read.system_id, SystemId(7_000_000_000_000_000_001));
            assert_eq!(read.fits("000000030000000A00000007".parse().unwrap(), 16 << 20), Ok(()));
            assert!(read.fits("000000030000000A00000008".parse().unwrap(), 16 << 20).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), magic in any::<u16>()) {
            let mut bytes = bytes;
            if bytes.len() >= 4 {
                bytes[0..2].copy_from_slice(&magic.to_le_bytes());
                bytes[2] |= 2;
            }
            if let Ok(read) = WalHeader::parse(&bytes) {
                let _ = read.fits("000000010000000000000001".parse().unwrap(), 16 << 20);
            }
        }
    }
}
