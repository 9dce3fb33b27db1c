//! A name that cannot lead out of the directory it is relative to.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// As long as a path may be (Linux's `PATH_MAX`).
const LONGEST: usize = 4096;

/// A relative path without `.`, `..` or control characters; empty for the directory itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Below(PathBuf);

impl Below {
    /// Reads a name as it stands in a tar, with or without `./` in front and `/` behind.
    pub(super) fn read(written: &[u8]) -> Result<Self> {
        let refused = |why| Error::corrupt(format!("the tar names `{}`, {why}", written.escape_ascii()));
        if written.starts_with(b"/") {
            return Err(refused("which is absolute"));
        }
        if written.len() >= LONGEST {
            return Err(refused("which is longer than a path may be"));
        }
        if written.iter().any(u8::is_ascii_control) {
            return Err(refused("with control characters in it"));
        }
        let mut path = PathBuf::new();
        for part in written.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(refused("which leads out of the directory")),
                part => path.push(OsStr::from_bytes(part)),
            }
        }
        if written.is_empty() {
            return Err(refused("which is no name"));
        }
        Ok(Self(path))
    }

    /// The path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it is the directory itself.
    pub(super) fn is_top(&self) -> bool {
        self.0 == Path::new("")
    }

    /// The same name below `top`.
    pub(super) fn within(&self, top: &Path) -> Self {
        Self(top.join(&self.0))
    }

    /// What is left of the name behind `top`, with which it begins.
    pub(super) fn behind(&self, top: &Path) -> Self {
        Self(self.0.strip_prefix(top).unwrap_or(&self.0).to_owned())
    }

    /// Where a symbolic link at this place leads, if that is somewhere below the same directory whatever
    /// other links are on its way. So it may go upwards only at its beginning, where every directory is a
    /// real one: behind the name of a link, `..` is not where it seems to be.
    pub(super) fn follow(&self, link: &[u8]) -> Option<PathBuf> {
        if link.is_empty() || link.starts_with(b"/") || link.iter().any(u8::is_ascii_control) {
            return None;
        }
        let mut path = self.0.parent()?.to_path_buf();
        let mut upwards = true;
        for part in link.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                // Popping from the top would lead out.
                b".." if upwards && path.pop() => {}
                b".." => return None,
                part => {
                    upwards = false;
                    path.push(OsString::from_vec(part.to_vec()));
                }
            }
        }
        Some(path)
    }
}

impl fmt::Display for Below {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_with_and_without_a_dot_in_front() {
        for written in ["./base/1/2", "base/1/2", "base//1/./2", "./base/1/2/"] {
            assert_eq!(Below::read(written.as_bytes()).unwrap().path(), Path::new("base/1/2"));
        }
        assert!(Below::read(b"./").unwrap().is_top());
    }

    #[test]
    fn a_name_that_leads_out_is_refused() {
        let long = [b'x'; LONGEST];
        for bad in [&b""[..], b"/etc/passwd", b"..", b"a/../../b", b"a/..", b"a\nb", b"a\x1b[2J", &long] {
            assert!(Below::read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_link_is_followed_only_within() {
        let at = Below::read(b"a/b").unwrap();
        assert_eq!(at.follow(b"../c"), Some(PathBuf::from("c")));
        assert_eq!(at.follow(b"c/./d"), Some(PathBuf::from("a/c/d")));
        for bad in [&b""[..], b"/etc/passwd", b"../../x", b"../../a/b", b"x\0y", b"x/../y"] {
            assert_eq!(at.follow(bad), None, "{bad:?}");
        }
    }
}
