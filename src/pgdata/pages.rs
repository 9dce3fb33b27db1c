//! PostgreSQL's page checksums.
//!
//! The algorithm is described in PostgreSQL's `storage/checksum_impl.h`: 32 FNV-like sums side by side,
//! so that compilers make vector code of them.

use crate::model::Lsn;

const LANES: usize = 32;
const PRIME: u32 = 16_777_619;
/// Where each lane begins, as PostgreSQL has chosen them.
const BEGIN: [u32; LANES] = [
    0x5B1F_36E9,
    0xB852_5960,
    0x02AB_50AA,
    0x1DE6_6D2A,
    0x79FF_467A,
    0x9BB9_F8A3,
    0x217E_7CD2,
    0x83E1_3D2C,
    0xF8D4_474F,
    0xE39E_B970,
    0x42C6_AE16,
    0x9932_16FA,
    0x7B09_3B5D,
    0x98DA_FF3C,
    0xF718_902A,
    0x0B1C_9CDB,
    0xE58F_764B,
    0x1876_36BC,
    0x5D7B_3BB1,
    0xE73D_E7DE,
    0x92BE_C979,
    0xCCA6_C0B2,
    0x304A_0979,
    0x85AA_43D4,
    0x7831_25BB,
    0x6CA8_EAA2,
    0xE407_EAC6,
    0x4B5C_FC3E,
    0x9FBF_8C76,
    0x15CA_20BE,
    0xF2CA_9FD3,
    0x959B_D756,
];

/// Where `pd_checksum` lies in a page.
const CHECKSUM: usize = 8;
/// Where `pd_upper` lies in a page.
const UPPER: usize = 14;
/// How long a page's header is.
const HEADER: usize = 24;

/// How the pages of a cluster are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCheck {
    /// Where the backup began: a page that was changed since may be torn, and WAL makes it whole.
    pub start: Lsn,
    /// The cluster's block size in bytes: a power of two from 1 KiB to 32 KiB.
    pub block_size: u32,
    /// After how many blocks a relation goes on in its next file: what makes a gigabyte, unless the
    /// server was built otherwise (`--with-segsize`).
    pub segment_blocks: u32,
}

impl PageCheck {
    /// The number within its relation of the first block of a segment.
    pub fn first_block(self, segment: u32) -> u32 {
        // Block numbers have 32 bits; a relation that had more would be none.
        segment.wrapping_mul(self.segment_blocks)
    }

    /// Whether a page is as it was written: its checksum fits, or there is none to compare, since the
    /// page is new or was changed after the backup began.
    pub fn is_sound(self, page: &[u8], block: u32) -> bool {
        self.judge(page, block) != Some(false)
    }

    /// Whether a page's checksum fits; `None` when there is none to compare.
    pub fn judge(self, page: &[u8], block: u32) -> Option<bool> {
        if page.len() < HEADER || page[UPPER..UPPER + 2] == [0, 0] || lsn(page) >= self.start {
            return None;
        }
        Some(checksum(page, block) == u16::from_le_bytes([page[CHECKSUM], page[CHECKSUM + 1]]))
    }
}

/// The LSN of the page's last change: two halves, the higher first.
fn lsn(page: &[u8]) -> Lsn {
    let half =
        |at: usize| u64::from(u32::from_le_bytes([page[at], page[at + 1], page[at + 2], page[at + 3]]));
    Lsn((half(0) << 32) | half(4))
}

/// The checksum that a page at this block of its relation should carry.
fn checksum(page: &[u8], block: u32) -> u16 {
    let mut sums = BEGIN;
    let (rows, _) = page.as_chunks::<{ LANES * 4 }>();
    for (i, row) in rows.iter().enumerate() {
        let mut words = [0; LANES];
        for (word, bytes) in words.iter_mut().zip(row.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        if i == 0 {
            // The checksum itself counts as zero.
            words[CHECKSUM / 4] &= 0xFFFF_0000;
        }
        mix(&mut sums, &words);
    }
    for _ in 0..2 {
        mix(&mut sums, &[0; LANES]);
    }
    let sum = sums.into_iter().fold(block, |all, sum| all ^ sum);
    // Never 0, which stands for a page without one.
    u16::try_from(sum % 65_535 + 1).unwrap_or(u16::MAX)
}

#[inline]
fn mix(sums: &mut [u32; LANES], words: &[u32; LANES]) {
    for (sum, word) in sums.iter_mut().zip(words) {
        let mixed = *sum ^ word;
        *sum = mixed.wrapping_mul(PRIME) ^ (mixed >> 17);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: PageCheck = PageCheck { start: Lsn(1 << 33), block_size: 8192, segment_blocks: 131_072 };

    fn page(seed: u8) -> Vec<u8> {
        let mut page: Vec<u8> =
            (0..8192_u32).map(|i| (i.wrapping_mul(31) >> 3).to_le_bytes()[0] ^ seed).collect();
        page[..8].copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        let sum = checksum(&page, 7);
        page[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_le_bytes());
        page
    }

    #[test]
    fn a_page_with_a_changed_bit_or_at_another_place_is_not_sound() {
        let good = page(3);
        assert!(CHECK.is_sound(&good, 7));
        assert!(!CHECK.is_sound(&good, 8));
        for at in [4, 9, 20, 4000, 8191] {
            let mut bad = good.clone();
            bad[at] ^= 4;
            assert!(!CHECK.is_sound(&bad, 7), "{at}");
        }
    }

    /// The third block of `pg_proc` of new clusters with checksums.
    const REAL: [&[u8]; 2] = [
        include_bytes!("../../tests/fixtures/cluster/page_13.zst"),
        include_bytes!("../../tests/fixtures/cluster/page_18.zst"),
    ];

    #[test]
    fn pages_that_postgresql_wrote_are_sound_where_they_were_written() {
        let check = PageCheck { start: Lsn(u64::MAX), ..CHECK };
        for packed in REAL {
            let page = zstd::decode_all(packed).unwrap();
            assert!(check.is_sound(&page, 2));
            assert!(!check.is_sound(&page, 3));
        }
    }

    #[test]
    fn new_pages_and_those_changed_since_the_start_are_not_judged() {
        assert!(CHECK.is_sound(&[0; 8192], 7));
        let mut later = page(3);
        later[0] = 2;
        assert!(CHECK.is_sound(&later, 7));
    }

    #[test]
    fn segments_begin_where_the_last_one_ended_however_long_they_are() {
        assert_eq!((CHECK.first_block(0), CHECK.first_block(3)), (0, 3 * 131_072));
        let short = PageCheck { segment_blocks: 6, ..CHECK };
        assert_eq!(short.first_block(2), 12);
    }
}
