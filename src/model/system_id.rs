//! Who a cluster is.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A cluster's system identifier: drawn once by `initdb`, kept by every physical copy, and printed
/// as PostgreSQL prints it, in decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemId(pub u64);

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SystemId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { text.parse().ok() } else { None };
        number.map(Self).ok_or_else(|| Error::usage(format!("`{text}` is not a system identifier")))
    }
}
