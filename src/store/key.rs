//! Names of objects.

use std::fmt;

use crate::error::{Error, Result};

/// The name of an object below a store's root: relative, never empty, and without an empty, `.` or
/// `..` segment, so that it cannot leave the root of a directory store and means the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Reads a key; the error (kind `Bug`, since keys are spelled by code) names the bad segment.
    pub fn new(text: impl Into<String>) -> Result<Self> {
        let text = text.into();
        match text.split('/').find(|s| matches!(*s, "" | "." | "..") || s.contains('\0')) {
            None => Ok(Self(text)),
            Some(segment) => Err(Error::bug(format!("key {text:?} has the segment {segment:?}"))),
        }
    }

    /// The key with one more path below it.
    pub fn join(&self, below: &str) -> Result<Self> {
        Self::new(format!("{}/{below}", self.0))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// All keys in the folder with this name, at any depth.
    pub fn inside(&self) -> Prefix {
        Prefix(format!("{}/", self.0))
    }

    /// All keys that begin with this text: `a/b` matches `a/b`, `a/b.gz` and `a/bc/d`.
    pub fn beginning(&self) -> Prefix {
        Prefix(self.0.clone())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text that keys begin with; made by [`Key::inside`] or [`Key::beginning`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prefix(String);

impl Prefix {
    /// Every key of the store.
    pub const fn everything() -> Self {
        Self(String::new())
    }

    /// The prefix as text; may be empty, may end in `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `key` begins with it.
    pub fn matches(&self, key: &Key) -> bool {
        key.0.starts_with(&self.0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_can_neither_be_empty_nor_leave_the_root() {
        for good in ["a", "a/b", "a/b.c", "..a/b..", "a b/ü"] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "/", "/a", "a/", "a//b", ".", "a/./b", "..", "a/../b", "a\0b"] {
            assert!(Key::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_does_not_match_its_namesakes() {
        let key = |text: &str| Key::new(text).unwrap();
        assert!(key("wals").inside().matches(&key("wals/x")));
        assert!(!key("wals").inside().matches(&key("walsx/y")));
        assert!(key("wals").beginning().matches(&key("walsx/y")));
    }
}
