//! What somebody wants to keep, in words.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::error::{Error, Result};

/// Which base backups are wanted (spec/barman-cloud.md 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionPolicy {
    /// The newest so many. Backups that are kept take a place like any other.
    Redundancy(u32),
    /// All that are needed to recover to any moment within so many of these units before now.
    Window(u32, WindowUnit),
}

/// What a recovery window is measured in; no calendar is involved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowUnit {
    /// 24 hours.
    Days,
    /// 7 days.
    Weeks,
    /// 31 days.
    Months,
}

impl WindowUnit {
    /// All of them: the unit, its word, the word for one of it, its letter in the short form.
    const ALL: [(Self, &'static str, &'static str, char); 3] = [
        (Self::Days, "DAYS", "DAY", 'D'),
        (Self::Weeks, "WEEKS", "WEEK", 'W'),
        (Self::Months, "MONTHS", "MONTH", 'M'),
    ];

    const fn days(self) -> i64 {
        match self {
            Self::Days => 1,
            Self::Weeks => 7,
            Self::Months => 31,
        }
    }
}

impl RetentionPolicy {
    /// Where the recovery window begins; `None` when the policy is none.
    pub fn window_begins(self, now: Timestamp) -> Option<Timestamp> {
        let Self::Window(count, unit) = self else { return None };
        let window = SignedDuration::from_hours(24 * unit.days() * i64::from(count));
        // A window that is longer than time itself wants everything.
        Some(now.checked_sub(window).unwrap_or(Timestamp::MIN))
    }
}

impl fmt::Display for RetentionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redundancy(count) => write!(f, "REDUNDANCY {count}"),
            Self::Window(count, unit) => {
                let word =
                    WindowUnit::ALL.iter().find(|(u, ..)| u == unit).map_or("DAYS", |(_, word, ..)| word);
                write!(f, "RECOVERY WINDOW OF {count} {word}")
            }
        }
    }
}

impl FromStr for RetentionPolicy {
    type Err = Error;

    /// `REDUNDANCY n`, `RECOVERY WINDOW OF n DAYS|WEEKS|MONTHS` in any case with any blanks, or short
    /// `14d`, `4w`, `6m`.
    fn from_str(text: &str) -> Result<Self> {
        let upper = text.to_uppercase();
        let words: Vec<&str> = upper.split_whitespace().collect();
        let read = match words.as_slice() {
            ["REDUNDANCY", count] => number(count).map(Self::Redundancy),
            ["RECOVERY", "WINDOW", "OF", count, unit] => {
                let unit = WindowUnit::ALL.iter().find(|(_, many, one, _)| unit == many || unit == one);
                number(count).zip(unit).map(|(count, (unit, ..))| Self::Window(count, *unit))
            }
            [short] => WindowUnit::ALL.iter().find_map(|(unit, _, _, letter)| {
                Some(Self::Window(number(short.strip_suffix(*letter)?)?, *unit))
            }),
            _ => None,
        };
        read.ok_or_else(|| {
            Error::usage(format!(
                "`{text}` is not a retention policy (REDUNDANCY 3, RECOVERY WINDOW OF 14 DAYS, or short 14d, 4w, 6m)"
            ))
        })
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn policies_are_read_in_any_case_with_any_blanks_and_short() {
        use WindowUnit::{Days, Months, Weeks};
        for (text, policy) in [
            ("REDUNDANCY 1 ", RetentionPolicy::Redundancy(1)),
            (" redundancy\t07", RetentionPolicy::Redundancy(7)),
            ("RECOVERY WINDOW OF 1 DAY", RetentionPolicy::Window(1, Days)),
            ("recovery  window of 02 Weeks", RetentionPolicy::Window(2, Weeks)),
            ("Recovery Window Of 3 MONTH", RetentionPolicy::Window(3, Months)),
            ("14d", RetentionPolicy::Window(14, Days)),
            ("4W", RetentionPolicy::Window(4, Weeks)),
            ("6m", RetentionPolicy::Window(6, Months)),
        ] {
            assert_eq!(text.parse::<RetentionPolicy>().unwrap(), policy, "{text:?}");
        }
        for bad in [
            "",
            "MAIN",
            "REDUNDANCY",
            "REDUNDANCY -1",
            "REDUNDANCY 1 2",
            "RECOVERY WINDOW OF 1",
            "14",
            "d",
            "14 d",
            "14h",
            "RECOVERY WINDOW OF 7d",
            "99999999999d",
        ] {
            assert!(bad.parse::<RetentionPolicy>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverses(count: u32, which in 0..4_usize) {
            let policy = match WindowUnit::ALL.get(which) {
                Some((unit, ..)) => RetentionPolicy::Window(count, *unit),
                None => RetentionPolicy::Redundancy(count),
            };
            prop_assert_eq!(policy.to_string().parse::<RetentionPolicy>().unwrap(), policy);
            let begins = policy.window_begins(Timestamp::UNIX_EPOCH);
            prop_assert!(begins.is_none_or(|begins| begins <= Timestamp::UNIX_EPOCH));
        }
    }
}
