//! How far recovery goes.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Lsn, Timeline};
use crate::error::{Error, Result};

/// How far recovery goes, on which timeline, and what happens there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryTarget {
    /// Where it ends.
    pub point: TargetPoint,
    /// Whether what happened exactly at that point is still replayed.
    pub inclusive: bool,
    /// Which timeline it follows.
    pub timeline: TargetTimeline,
    /// What the server does when it is there.
    pub action: TargetAction,
}

/// Where recovery ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetPoint {
    /// At the end of the archive.
    Latest,
    /// As soon as the copy is consistent, which is where the base backup ended.
    Immediate,
    /// At this moment.
    Time(Timestamp),
    /// At this position.
    Lsn(Lsn),
    /// With this transaction.
    Xid(Xid),
    /// At this restore point (`pg_create_restore_point`).
    Name(TargetName),
}

impl TargetPoint {
    /// Whether it is a point at all, and not simply the end of what there is.
    pub const fn is_given(&self) -> bool {
        !matches!(self, Self::Latest)
    }
}

impl fmt::Display for TargetPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("the end of the archive"),
            Self::Immediate => f.write_str("the end of the base backup"),
            Self::Time(time) => write!(f, "{}", utc(*time)),
            Self::Lsn(lsn) => write!(f, "LSN {lsn}"),
            Self::Xid(xid) => write!(f, "transaction {xid}"),
            Self::Name(name) => write!(f, "restore point `{name}`"),
        }
    }
}

/// A moment as PostgreSQL reads it whatever its time zone is: with its offset, which is always that of
/// UTC, and to the microsecond, which is as fine as PostgreSQL's clock is.
pub fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S%.6f+00").to_string()
}

/// A moment as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetTime {
    /// The moment.
    pub time: Timestamp,
    /// Whether the text named no zone, so that the local one was taken. Whoever wrote it must be told.
    pub zone_assumed: bool,
}

/// The beginning of the year 1, in seconds before 1970.
const FIRST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

impl TargetTime {
    /// Reads a moment: a date and a time, divided by a blank or a `T`, with `Z` or an offset
    /// behind them; without either it is local time in `zone`. A time that a change of
    /// the clocks makes ambiguous, or skips, is refused: nobody but the writer knows what was meant.
    pub fn read(text: &str, zone: &TimeZone) -> Result<Self> {
        let refused = |why: String| {
            Error::usage(format!("`{text}` is not a time: {why}"))
                .hint("write it like 2026-01-31 12:00:00+01:00")
        };
        let plain = tidy(text);
        if let Ok(time) = plain.parse::<Timestamp>() {
            if time < FIRST {
                return Err(refused("PostgreSQL writes years before the first in another way".to_owned()));
            }
            return Ok(Self { time, zone_assumed: false });
        }
        // What is read below passes over an offset or a zone that is not understood, and must not.
        let is_local = |c: char| c.is_ascii_digit() || "-:. T".contains(c);
        if !plain.chars().all(is_local) || plain.matches('-').count() != 2 {
            return Err(refused("it is no date and time with an offset or without one".to_owned()));
        }
        let local: DateTime = plain.parse().map_err(|e: jiff::Error| refused(e.to_string()))?;
        let moment = zone.to_ambiguous_timestamp(local);
        let time = moment.unambiguous().map_err(|_| {
            refused("the clocks were changed then, so it must say its offset from UTC".to_owned())
        })?;
        Ok(Self { time, zone_assumed: true })
    }
}

/// Text as other programs print it, in the one spelling that is read: no blank before the offset, and
/// `Z` for UTC.
fn tidy(text: &str) -> String {
    let text = text.trim();
    for name in [" UTC", " GMT", "UTC", " Z"] {
        if let Some(before) = text.strip_suffix(name) {
            return format!("{before}Z");
        }
    }
    match text.rsplit_once(' ') {
        Some((before, offset)) if offset.starts_with(['+', '-']) => format!("{before}{offset}"),
        _ => text.to_owned(),
    }
}

/// A transaction's number, from 1 up. PostgreSQL takes the full 64 bits of `pg_current_xact_id()` as
/// well as the 32 that are in the WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xid(u64);

impl Xid {
    /// What of it is in the WAL: the lower 32 bits, by which PostgreSQL compares.
    pub const fn in_wal(self) -> u32 {
        (self.0 & 0xFFFF_FFFF) as u32
    }
}

impl fmt::Display for Xid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Xid {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { text.parse().ok().filter(|n| *n > 0) } else { None };
        number.map(Self).ok_or_else(|| Error::usage(format!("`{text}` is not a transaction's number")))
    }
}

/// A restore point's name: 1 to 63 bytes (PostgreSQL's `MAXFNAMELEN`) without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetName(String);

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TargetName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if (1..64).contains(&text.len()) && !text.chars().any(char::is_control) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::usage(format!("`{}` is not a restore point's name", text.escape_default()))
            .hint("it has 1 to 63 bytes and no control characters"))
    }
}

/// Which timeline recovery follows: PostgreSQL's `recovery_target_timeline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetTimeline {
    /// The newest that the archive has a history of, counted on from the backup's.
    #[default]
    Latest,
    /// The one the base backup was taken on.
    Current,
    /// This one.
    Number(Timeline),
}

impl fmt::Display for TargetTimeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latest => f.write_str("latest"),
            Self::Current => f.write_str("current"),
            Self::Number(timeline) => timeline.number().fmt(f),
        }
    }
}

impl FromStr for TargetTimeline {
    type Err = Error;

    /// `latest`, `current`, or a number: decimal, as PostgreSQL reads it.
    fn from_str(text: &str) -> Result<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        match text {
            "latest" => Ok(Self::Latest),
            "current" => Ok(Self::Current),
            _ if plain && let Some(timeline) = text.parse().ok().and_then(Timeline::new) => {
                Ok(Self::Number(timeline))
            }
            _ => Err(Error::usage(format!("`{text}` is not a timeline (latest, current or a number)"))),
        }
    }
}

/// What the server does at its target: PostgreSQL's `recovery_target_action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetAction {
    /// Wait, readable, for somebody to look and decide: PostgreSQL's own default.
    #[default]
    Pause,
    /// Open for writing.
    Promote,
    /// Stop.
    Shutdown,
}

impl TargetAction {
    const ALL: [Self; 3] = [Self::Pause, Self::Promote, Self::Shutdown];

    /// PostgreSQL's word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Promote => "promote",
            Self::Shutdown => "shutdown",
        }
    }
}

impl fmt::Display for TargetAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TargetAction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|action| action.name() == text).ok_or_else(|| {
            Error::usage(format!("`{text}` is no action at a target (pause, promote or shutdown)"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
    }

    fn read(text: &str) -> Result<TargetTime> {
        TargetTime::read(text, &berlin())
    }

    #[test]
    fn a_time_with_a_zone_means_the_same_everywhere() {
        for text in [
            "2026-01-31 12:00:00.5+01:00",
            "2026-01-31T11:00:00.5Z",
            "2026-01-31 11:00:00.500000+00",
            "2026-01-31 12:00:00.5 +01",
            "2026-01-31 11:00:00.5 UTC",
        ] {
            let read = read(text).unwrap();
            assert_eq!(utc(read.time), "2026-01-31 11:00:00.500000+00", "{text}");
            assert!(!read.zone_assumed, "{text}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_local_and_that_is_known() {
        let winter = read("2026-01-31 12:00:00").unwrap();
        assert_eq!((utc(winter.time).as_str(), winter.zone_assumed), ("2026-01-31 11:00:00.000000+00", true));
        assert_eq!(utc(read("2026-07-31T12:00").unwrap().time), "2026-07-31 10:00:00.000000+00");
    }

    /// It was printed in a way that neither PostgreSQL nor we read back.
    #[test]
    fn a_time_before_the_first_year_is_refused() {
        assert!(read("-000044-03-15T12:00:00Z").is_err() && read("0000-12-31 23:59:59+00").is_err());
        assert!(read("0001-01-01T00:00:00Z").is_ok());
    }

    #[test]
    fn a_local_time_that_was_twice_or_never_is_refused_and_one_with_an_offset_is_not() {
        for text in ["2026-10-25 02:30:00", "2026-03-29 02:30:00"] {
            let e = read(text).unwrap_err();
            assert!(e.to_string().contains("offset"), "{e}");
        }
        assert!(read("2026-10-25 02:30:00+02").is_ok());
        for text in [
            "",
            "yesterday",
            "2026-13-01 00:00:00",
            "12:00",
            "2026-01-31 12:00 CET",
            "2026-01-31 12:00[Asia/Tokyo]",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn words_are_read_back_as_they_are_printed() {
        for text in ["latest", "current", "1", "4294967295"] {
            assert_eq!(text.parse::<TargetTimeline>().unwrap().to_string(), text);
        }
        for action in TargetAction::ALL {
            assert_eq!(action.to_string().parse::<TargetAction>().unwrap(), action);
        }
        assert_eq!("18446744073709551615".parse::<Xid>().unwrap().to_string(), "18446744073709551615");
        assert_eq!("before the upgrade".parse::<TargetName>().unwrap().to_string(), "before the upgrade");
    }

    #[test]
    fn what_postgresql_would_not_take_is_refused() {
        for bad in ["", "0", "newest", "-1", "+1", "4294967296", "0x2"] {
            assert!(bad.parse::<TargetTimeline>().is_err(), "{bad:?}");
        }
        for bad in ["", "0", "-1", "1.5", "18446744073709551616"] {
            assert!(bad.parse::<Xid>().is_err(), "{bad:?}");
        }
        for bad in ["", "a\nb", &"x".repeat(64)] {
            assert!(bad.parse::<TargetName>().is_err(), "{bad:?}");
        }
    }
}
