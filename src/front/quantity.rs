//! Sizes, spans and counts as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};

/// A number of bytes: `1048576`, `96MiB` (powers of 1024), `100MB` (powers of 1000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// The units of a [`Size`], largest first so that printing finds the largest that divides.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

impl FromStr for Size {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (number, unit) = split(text);
        let factor = if unit.is_empty() { Some(1) } else { factor(&SIZES, unit) };
        number.zip(factor).and_then(|(n, f)| n.checked_mul(f)).filter(|n| *n > 0).map(Self).ok_or_else(|| {
            Error::usage(format!("`{text}` is not a size (bytes, or a number with a unit: 96MiB, 100MB)"))
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binary = SIZES.iter().find(|(unit, n)| unit.ends_with("iB") && self.0.is_multiple_of(*n));
        match binary {
            Some((unit, n)) if self.0 > 0 => write!(f, "{}{unit}", self.0 / n),
            _ => self.0.fmt(f),
        }
    }
}

/// A span of time: `500ms`, `10s`, `5min`, `1h`; a plain number is seconds. At most a year, so that
/// adding it to a clock cannot overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

/// The units of a [`Span`] in milliseconds, largest first.
const SPANS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];

/// The longest span, in milliseconds.
const YEAR: u64 = 366 * 86_400_000;

impl FromStr for Span {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (number, unit) = split(text);
        let factor = if unit.is_empty() { Some(1000) } else { factor(&SPANS, unit) };
        let millis = number.zip(factor).and_then(|(n, f)| n.checked_mul(f)).filter(|n| *n <= YEAR);
        millis.map(|n| Self(Duration::from_millis(n))).ok_or_else(|| {
            Error::usage(format!(
                "`{text}` is not a span of time up to a year (a number with a unit: 500ms, 10s, 5min, 1h)"
            ))
        })
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let whole = SPANS.iter().find(|(_, n)| millis > 0 && millis.is_multiple_of(u128::from(*n)));
        match whole {
            Some((unit, n)) => write!(f, "{}{unit}", millis / u128::from(*n)),
            None => f.write_str("0s"),
        }
    }
}

/// A number of segments, 0 to 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Depth(pub(crate) u8);

impl Depth {
    /// The most that may be asked for.
    pub(crate) const MAX: Self = Self(32);
}

impl FromStr for Depth {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { text.parse().ok() } else { None };
        number
            .map(Self)
            .filter(|d| *d <= Self::MAX)
            .ok_or_else(|| Error::usage(format!("`{text}` is not a number of segments (0 to 32)")))
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The digits in front, and the unit after them and a blank or two.
fn split(text: &str) -> (Option<u64>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits.parse().ok(), unit.trim_start_matches(' '))
}

fn factor(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, n)| *n)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::golden::{cases, text};

    #[test]
    fn sizes_are_read_in_both_systems() {
        for (text, bytes) in [
            ("1", 1),
            ("512B", 512),
            ("96MiB", 96 << 20),
            ("96 mib", 96 << 20),
            ("1GiB", 1 << 30),
            ("100MB", 100_000_000),
            ("4kb", 4000),
        ] {
            assert_eq!(text.parse::<Size>().unwrap(), Size(bytes), "{text}");
        }
        for bad in ["", "0", "MiB", "-1", "1.5GiB", "10M", "1 Mi", "99999999999TiB", "1\u{a0}MiB"] {
            assert!(bad.parse::<Size>().is_err(), "{bad:?}");
        }
    }

    /// There the units mean each other's powers, and `GB` may have a fraction. Ours are those of IEC 80000.
    const OURS: [(&str, Option<u64>); 7] = [
        ("1KB", Some(1000)),
        ("1 KB", Some(1000)),
        ("100GB", Some(100_000_000_000)),
        ("5MB", Some(5_000_000)),
        ("5MiB", Some(5 << 20)),
        ("1.5GB", None),
        ("1TB", Some(1_000_000_000_000)),
    ];

    #[test]
    fn sizes_are_those_of_the_reference_but_for_what_the_units_mean() {
        let mut differ = Vec::new();
        for case in cases("sizes") {
            let input = text(&case, "input");
            let ours = input.parse::<Size>().ok().map(|size| size.0);
            if ours != case.get("bytes").and_then(Value::as_u64) {
                differ.push((input.to_owned(), ours));
            }
        }
        assert_eq!(differ, OURS.map(|(input, ours)| (input.to_owned(), ours)));
    }

    #[test]
    fn spans_are_read_with_their_unit() {
        for (text, millis) in
            [("500ms", 500), ("10s", 10_000), ("5min", 300_000), ("1h", 3_600_000), ("7", 7000), ("0s", 0)]
        {
            assert_eq!(text.parse::<Span>().unwrap(), Span(Duration::from_millis(millis)), "{text}");
        }
        for bad in ["", "5m", "s", "-5s", "1.5h", "400d", "99999999999999999999s"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_depth_ends_at_thirty_two() {
        assert_eq!("32".parse::<Depth>().unwrap(), Depth::MAX);
        for bad in ["", "33", "+1", "-1", "300"] {
            assert!(bad.parse::<Depth>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(bytes in 1_u64.., millis in 0..=YEAR, depth in 0_u8..=32) {
            prop_assert_eq!(Size(bytes).to_string().parse::<Size>().unwrap(), Size(bytes));
            let span = Span(Duration::from_millis(millis));
            prop_assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
            prop_assert_eq!(Depth(depth).to_string().parse::<Depth>().unwrap(), Depth(depth));
        }
    }
}
