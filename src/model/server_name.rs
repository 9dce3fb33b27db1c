//! The name a server has in the archive.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A server's name in the archive: one path segment below the destination, so that it can be
/// neither empty nor a way out (`/`, `.`, `..`), and prints on one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

impl ServerName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ServerName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let why = match text {
            "" => "is empty",
            "." | ".." => "would leave the server's folder",
            _ if text.contains('/') => "contains a `/`",
            _ if text.chars().any(char::is_control) => "contains a control character",
            _ => return Ok(Self(text.to_owned())),
        };
        Err(Error::usage(format!("server name {text:?} {why}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_name_is_one_printable_path_segment() {
        for good in ["main", "pg 1", "cluster-example", "ü", "a.b"] {
            assert_eq!(good.parse::<ServerName>().unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "/", "a\nb"] {
            assert!(bad.parse::<ServerName>().is_err(), "{bad:?}");
        }
    }
}
