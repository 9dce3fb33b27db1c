//! A timeline's number.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A timeline's number, from 1 up; printed as the eight hexadecimal digits of WAL file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeline(NonZeroU32);

impl Timeline {
    /// The timeline every cluster begins on.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// The timeline with this number, or `None` for 0, which no timeline has.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(n) => Some(Self(n)),
            None => None,
        }
    }

    /// The plain number.
    pub const fn number(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl FromStr for Timeline {
    type Err = Error;

    /// Reads the eight digits; either case, as the archive's name grammar allows.
    fn from_str(text: &str) -> Result<Self> {
        super::wal_name::hex8(text).and_then(Self::new).ok_or_else(|| {
            Error::usage(format!("`{text}` is not a timeline (eight hexadecimal digits, not 0)"))
        })
    }
}
