//! PostgreSQL's backup manifest: every file of a backup with its length and checksum, so that
//! `pg_verifybackup` can prove a restored directory and an incremental backup can build upon it.
//!
//! The format is the one of PostgreSQL's documentation, "Backup Manifest Format": version 1 up to
//! PostgreSQL 16, version 2 (with the system identifier) from 17 on. Neither side ever holds more than
//! one file's entry, since a cluster may have millions.

mod read;
mod write;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::{Lsn, Timeline};

pub use read::{ManifestEnd, ManifestReader};
pub use write::ManifestWriter;

/// What each file of a manifest is summed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManifestChecksum {
    /// Nothing: only names and lengths can be verified.
    None,
    /// CRC-32C, which finds what storage does to a file; PostgreSQL's default.
    #[default]
    Crc32c,
    /// SHA-256, which also finds what an adversary does to it.
    Sha256,
}

impl ManifestChecksum {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Crc32c, Self::Sha256];

    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Crc32c => "crc32c",
            Self::Sha256 => "sha256",
        }
    }

    /// Sums nothing yet.
    pub fn summer(self) -> Summer {
        Summer(match self {
            Self::None => Inner::None,
            Self::Crc32c => {
                Inner::Crc32c(Box::new(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi)))
            }
            Self::Sha256 => Inner::Sha256(Box::default()),
        })
    }
}

impl fmt::Display for ManifestChecksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ManifestChecksum {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|sum| sum.name() == text).ok_or_else(|| {
            Error::usage(format!("`{text}` is not a checksum of manifests (crc32c, sha256 or none)"))
        })
    }
}

/// Sums the bytes it is shown.
pub struct Summer(Inner);

enum Inner {
    None,
    Crc32c(Box<crc_fast::Digest>),
    Sha256(Box<Sha256>),
}

impl Summer {
    /// Takes note of the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Inner::None => {}
            Inner::Crc32c(crc) => crc.update(bytes),
            Inner::Sha256(sha256) => sha256.update(bytes),
        }
    }

    /// The sum of all of them; `None` for [`ManifestChecksum::None`].
    pub fn finish(self) -> Option<Sum> {
        match self.0 {
            Inner::None => None,
            // A CRC-32 in the lower half of 64 bits.
            Inner::Crc32c(crc) => Some(Sum::Crc32c((crc.finalize() & 0xFFFF_FFFF) as u32)),
            Inner::Sha256(sha256) => Some(Sum::Sha256(sha256.finalize().into())),
        }
    }
}

/// A file's checksum, printed as a manifest has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sum {
    /// CRC-32C.
    Crc32c(u32),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl Sum {
    /// What made it.
    pub const fn algorithm(&self) -> ManifestChecksum {
        match self {
            Self::Crc32c(_) => ManifestChecksum::Crc32c,
            Self::Sha256(_) => ManifestChecksum::Sha256,
        }
    }

    /// PostgreSQL's word for what made it.
    const fn word(&self) -> &'static str {
        match self {
            Self::Crc32c(_) => "CRC32C",
            Self::Sha256(_) => "SHA256",
        }
    }

    /// Reads a sum from PostgreSQL's word and its digits.
    fn read(word: &str, digits: &str) -> Result<Self> {
        let refused = || Error::corrupt(format!("`{digits}` is not a checksum of kind {word}"));
        match word {
            "CRC32C" => {
                let mut bytes = [0; 4];
                hex::decode_to_slice(digits, &mut bytes).map_err(|_| refused())?;
                Ok(Self::Crc32c(u32::from_le_bytes(bytes)))
            }
            "SHA256" => {
                let mut bytes = [0; 32];
                hex::decode_to_slice(digits, &mut bytes).map_err(|_| refused())?;
                Ok(Self::Sha256(bytes))
            }
            _ => Err(Error::corrupt(format!("`{word}` is none of the checksums CRC32C and SHA256"))),
        }
    }
}

/// A CRC is printed byte by byte as it lies in memory, the least significant first: that is what
/// PostgreSQL does on the little-endian machines whose data directories we read.
impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crc32c(crc) => f.write_str(&hex::encode(crc.to_le_bytes())),
            Self::Sha256(bytes) => f.write_str(&hex::encode(bytes)),
        }
    }
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Where it lies below the data directory; a tablespace's files below `pg_tblspc/OID`. Relative
    /// and without `.` or `..`, as the reader makes sure.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last changed, in whole seconds. `None` in what was read: nobody compares it.
    pub modified: Option<Timestamp>,
    /// Its checksum, unless none was asked for.
    pub sum: Option<Sum>,
}

/// WAL that a backup needs before it is consistent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalRange {
    /// The timeline.
    pub timeline: Timeline,
    /// Where it begins.
    pub start: Lsn,
    /// Where it ends.
    pub end: Lsn,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(how: ManifestChecksum, bytes: &[u8]) -> String {
        let mut summer = how.summer();
        for piece in bytes.chunks(4) {
            summer.update(piece);
        }
        summer.finish().map(|sum| sum.to_string()).unwrap_or_default()
    }

    #[test]
    fn sums_are_spelled_as_postgresql_spells_them() {
        // CRC-32C of the digits is e3069283, whose lowest byte stands first in a manifest.
        assert_eq!(sum(ManifestChecksum::Crc32c, b"123456789"), "839206e3");
        assert_eq!(
            sum(ManifestChecksum::Sha256, b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(sum(ManifestChecksum::None, b"abc"), "");
        assert_eq!(Sum::read("CRC32C", "839206e3").unwrap(), Sum::Crc32c(0xe306_9283));
        for (word, digits) in [("CRC32C", "839206e"), ("CRC32C", "839206e300"), ("MD5", "00")] {
            assert!(Sum::read(word, digits).is_err(), "{word} {digits}");
        }
    }

    #[test]
    fn the_words_of_the_command_line_are_read_back() {
        for how in ManifestChecksum::ALL {
            assert_eq!(how.to_string().parse::<ManifestChecksum>().unwrap(), how);
        }
        assert!("md5".parse::<ManifestChecksum>().is_err());
    }
}
