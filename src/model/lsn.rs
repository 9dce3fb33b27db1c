//! A position in the WAL.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A byte position in a timeline's WAL, printed as PostgreSQL prints it: `16/B374D848`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl Lsn {
    /// The position `bytes` later, or `None` past the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        self.0.checked_add(bytes).map(Self)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

impl FromStr for Lsn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let half = |digits: &str| -> Option<u64> {
            let plain = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
            if plain { u64::from_str_radix(digits, 16).ok() } else { None }
        };
        text.split_once('/')
            .and_then(|(high, low)| Some(Self((half(high)? << 32) | half(low)?)))
            .ok_or_else(|| Error::usage(format!("`{text}` is not an LSN (like 16/B374D848)")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn display_and_parse_are_inverses(n: u64) {
            prop_assert_eq!(Lsn(n).to_string().parse::<Lsn>().unwrap(), Lsn(n));
        }
    }

    #[test]
    fn what_is_not_an_lsn_is_refused() {
        for bad in
            ["", "/", "0", "1/", "/1", "-1/0", "1/-2", "123456789/0", "0/123456789", "g/0", "1/2/3", " 1/2"]
        {
            assert!(bad.parse::<Lsn>().is_err(), "{bad:?}");
        }
    }
}
