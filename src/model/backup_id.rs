//! The name of a base backup.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;

use crate::error::{Error, Result};

/// A base backup's identifier and folder: when it began by the backup host's own clock and zone,
/// `20260102T030405` (spec/barman-cloud.md 3.4). Ordered as the text is. Whether the digits are a day
/// that exists is not asked, because readers of the layout do not ask either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupId([u8; 15]);

impl BackupId {
    /// The identifier of a backup that begins at this moment, by the local clock.
    pub fn at(local: DateTime) -> Result<Self> {
        local.strftime("%Y%m%dT%H%M%S").to_string().parse()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        // Digits and a `T`, as `from_str` made sure.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for BackupId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused =
            || Error::usage(format!("`{text}` is not a backup's identifier (like 20260102T030405)"));
        let bytes: [u8; 15] = text.as_bytes().try_into().map_err(|_| refused())?;
        let fits =
            bytes.iter().enumerate().all(|(i, b)| if i == 8 { *b == b'T' } else { b.is_ascii_digit() });
        if fits { Ok(Self(bytes)) } else { Err(refused()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_is_a_moment_without_punctuation() {
        let id = BackupId::at(jiff::civil::date(2026, 1, 2).at(3, 4, 5, 6)).unwrap();
        assert_eq!(id.to_string(), "20260102T030405");
        assert_eq!("99999999T999999".parse::<BackupId>().unwrap().as_str(), "99999999T999999");
        for bad in [
            "",
            "20260102T03040",
            "20260102T0304056",
            "20260102t030405",
            "20260102T03040x",
            "2026-102T030405",
        ] {
            assert!(bad.parse::<BackupId>().is_err(), "{bad:?}");
        }
    }
}
