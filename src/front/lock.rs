//! How long what is stored is to be locked, as people write it.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::archive::{Retain, RetainMode};
use crate::error::{Error, Result};

/// Until when: `35d`, `12w`, `7y` from now on, or a day or a moment, `2027-01-01` (its beginning in UTC),
/// `2027-01-01T00:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockUntil {
    /// So many seconds from now on.
    After(u32),
    /// This moment.
    At(Timestamp),
}

/// The units of a span in seconds, largest first; a year has 365 days here.
const UNITS: [(&str, u32); 6] =
    [("y", 365 * 86_400), ("w", 7 * 86_400), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)];

/// The longest lock, in seconds: 100 years of 365 days, as long as the services take.
const LONGEST: u32 = 100 * 365 * 86_400;

impl FromStr for LockUntil {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let span = || {
            let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
            number.parse::<u32>().ok()?.checked_mul(*unit).filter(|span| (1..=LONGEST).contains(span))
        };
        let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|day| day.timestamp());
        let moment = || text.parse::<Timestamp>().ok().or_else(|| day().filter(|_| text.len() == 10));
        span().map(Self::After).or_else(|| moment().map(Self::At)).ok_or_else(|| {
            Error::usage(format!(
                "`{text}` is no time to lock until (from now on: 35d, 12w, 7y, up to 100 years; or 2027-01-01, \
                 2027-01-01T00:00:00Z)"
            ))
        })
    }
}

impl fmt::Display for LockUntil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(span) => {
                let (name, unit) =
                    UNITS.iter().find(|(_, unit)| span.is_multiple_of(*unit)).unwrap_or(&("s", 1));
                write!(f, "{}{name}", span / unit)
            }
            Self::At(moment) => moment.fmt(f),
        }
    }
}

/// Who may lift a lock before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LockMode {
    /// Whoever has a permission of its own
    Governance,
    /// Nobody
    Compliance,
}

/// The lock that is asked for, if one is. A time that has passed is kind `Usage`, and so is a mode alone.
pub(crate) fn retain(
    until: Option<LockUntil>,
    mode: Option<LockMode>,
    now: Timestamp,
) -> Result<Option<Retain>> {
    let Some(asked) = until else {
        return match mode {
            Some(_) => Err(Error::usage("--lock-mode is given without --lock-until")),
            None => Ok(None),
        };
    };
    let until = match asked {
        LockUntil::After(span) => now.saturating_add(SignedDuration::from_secs(span.into())),
        LockUntil::At(moment) => Ok(moment),
    };
    // Services count in whole seconds, and a lock must not end before it was asked to.
    let until = until.and_then(|until| {
        let part = i64::from(until.subsec_nanosecond() > 0);
        Timestamp::from_second(until.as_second().saturating_add(part))
    });
    let until = until.map_err(|e| Error::usage(format!("--lock-until {asked}: {e}")))?;
    let longest = now.saturating_add(SignedDuration::from_secs(i64::from(LONGEST) + 1));
    if until <= now || longest.is_ok_and(|longest| until > longest) {
        return Err(Error::usage(format!("--lock-until {asked} is {until}, and now it is {now}"))
            .hint("a lock ends in the future, at most 100 years from now"));
    }
    let mode = match mode {
        Some(LockMode::Compliance) => RetainMode::Compliance,
        Some(LockMode::Governance) | None => RetainMode::Governance,
    };
    Ok(Some(Retain { until, mode }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn until(text: &str) -> Result<Option<Timestamp>> {
        let now = "2026-11-21T12:00:00.25Z".parse().unwrap();
        Ok(retain(Some(text.parse()?), None, now)?.map(|retain| retain.until))
    }

    #[test]
    fn a_lock_ends_a_while_from_now_or_at_a_moment() {
        for (text, end) in [
            ("35d", "2026-12-26T12:00:01Z"),
            ("2w", "2026-12-05T12:00:01Z"),
            ("1y", "2027-11-21T12:00:01Z"),
            ("90min", "2026-11-21T13:30:01Z"),
            ("2027-01-01", "2027-01-01T00:00:00Z"),
            ("2027-01-01T01:00:00+01:00", "2027-01-01T00:00:00Z"),
        ] {
            assert_eq!(until(text).unwrap(), Some(end.parse().unwrap()), "{text}");
        }
        let bad = [
            "",
            "35",
            "0d",
            "d",
            "-1d",
            "1.5d",
            "101y",
            "35 days",
            "2026-11-20",
            "2027-13-01",
            "2200-01-01",
            "tomorrow",
        ];
        for bad in bad {
            let e = until(bad).unwrap_err();
            assert_eq!(e.kind(), crate::error::ErrorKind::Usage, "{bad}");
        }
    }

    #[test]
    fn a_mode_needs_a_time() {
        let now = Timestamp::UNIX_EPOCH;
        assert!(retain(None, Some(LockMode::Compliance), now).is_err());
        assert_eq!(retain(None, None, now).unwrap(), None);
        let asked = retain(Some(LockUntil::After(1)), Some(LockMode::Compliance), now).unwrap().unwrap();
        assert_eq!(asked.mode, RetainMode::Compliance);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(span in 1..=LONGEST, moment in 0_i64..4_000_000_000) {
            for until in [LockUntil::After(span), LockUntil::At(Timestamp::from_second(moment).unwrap())] {
                prop_assert_eq!(until.to_string().parse::<LockUntil>().unwrap(), until);
            }
        }
    }
}
