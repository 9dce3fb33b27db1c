//! The names of everything PostgreSQL archives.

use std::fmt;
use std::str::FromStr;

use super::{SegmentName, Timeline};
use crate::error::{Error, Result};

/// What PostgreSQL hands to `archive_command` and asks `restore_command` for. Prints in PostgreSQL's
/// own upper case; either case is read (spec/barman-cloud.md 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WalName {
    /// A complete segment: `000000010000000000000007`.
    Segment(SegmentName),
    /// The last, incomplete segment of an old timeline: `….partial`.
    Partial(SegmentName),
    /// A backup label, `….00000028.backup`: the segment a backup began in and the byte in it.
    Label {
        /// The segment the backup began in.
        start: SegmentName,
        /// The byte of that segment.
        offset: u32,
    },
    /// The history of a timeline: `00000002.history`.
    History(Timeline),
}

impl WalName {
    /// The segment, when this is a complete one.
    pub const fn segment(&self) -> Option<SegmentName> {
        match self {
            Self::Segment(name) => Some(*name),
            _ => None,
        }
    }

    /// The timeline it belongs to.
    pub const fn timeline(&self) -> Timeline {
        match self {
            Self::Segment(name) | Self::Partial(name) | Self::Label { start: name, .. } => name.timeline,
            Self::History(timeline) => *timeline,
        }
    }
}

impl fmt::Display for WalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(name) => name.fmt(f),
            Self::Partial(name) => write!(f, "{name}.partial"),
            Self::Label { start, offset } => write!(f, "{start}.{offset:08X}.backup"),
            Self::History(timeline) => write!(f, "{timeline}.history"),
        }
    }
}

impl FromStr for WalName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| {
            Error::usage(format!("`{text}` is not the name of a WAL file"))
                .hint("a name is 24 hexadecimal digits, perhaps with .partial or .<8 digits>.backup, or 8 digits with .history")
        })
    }
}

fn parse(text: &str) -> Option<WalName> {
    if let Some(timeline) = text.strip_suffix(".history") {
        return timeline.parse().ok().map(WalName::History);
    }
    let segment = text.get(..24)?.parse().ok()?;
    match text.get(24..)? {
        "" => Some(WalName::Segment(segment)),
        ".partial" => Some(WalName::Partial(segment)),
        label => {
            let offset = hex8(label.strip_prefix('.')?.strip_suffix(".backup")?)?;
            Some(WalName::Label { start: segment, offset })
        }
    }
}

/// Exactly eight hexadecimal digits of either case (`from_str_radix` alone would take a sign).
pub(super) fn hex8(text: &str) -> Option<u32> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if plain { u32::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_is_read_and_printed_back() {
        for name in [
            "000000010000000000000007",
            "0000000A00000001000000FF.partial",
            "000000010000000000000007.00000028.backup",
            "00000002.history",
        ] {
            assert_eq!(name.parse::<WalName>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn lower_case_is_read_and_printed_in_upper_case() {
        let name: WalName = "0000000a000000000000000b".parse().unwrap();
        assert_eq!(name.to_string(), "0000000A000000000000000B");
    }

    #[test]
    fn what_is_not_a_wal_name_is_refused() {
        for bad in [
            "",
            "archive_status",
            "00000001000000000000000",
            "0000000100000000000000077",
            "000000000000000000000007",
            "00000000.history",
            "0000001.history",
            "+0000001.history",
            "000000010000000000000007.gz",
            "000000010000000000000007.backup",
            "000000010000000000000007.0000028.backup",
            "000000010000000000000007.PARTIAL",
            "000000010000000000000007\n",
            "../0000010000000000000007",
            "00000001000000000000000ü",
        ] {
            assert!(bad.parse::<WalName>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in ".{0,48}") {
            if let Ok(name) = text.parse::<WalName>() {
                prop_assert_eq!(name.to_string(), text.to_uppercase().replace("PARTIAL", "partial").replace("BACKUP", "backup").replace("HISTORY", "history"));
            }
        }
    }
}
