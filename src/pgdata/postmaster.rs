//! `postmaster.pid`: which server runs on a data directory.

use super::DataDir;
use crate::error::{Context as _, Error, Result};

/// What we need of `postmaster.pid` (PostgreSQL's `utils/pidfile.h`): one value a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Postmaster {
    /// Its port.
    pub port: u16,
    /// When it was started, in seconds since 1970.
    pub started: i64,
}

/// The line of the start time, from 0.
const STARTED: usize = 2;
/// The line of the port.
const PORT: usize = 3;

impl Postmaster {
    /// Reads it; kind `Conflict` when no server runs on the directory.
    pub fn read(dir: &DataDir) -> Result<Self> {
        let path = dir.path().join("postmaster.pid");
        let text = fs_err::read_to_string(&path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::conflict("no server runs on it"),
            _ => e.into(),
        })?;
        Self::parse(&text).context(|| format!("read {}", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let line = |number: usize| text.lines().nth(number).map(str::trim);
        let started = line(STARTED).and_then(|t| t.parse().ok());
        let port = line(PORT).and_then(|t| t.parse().ok());
        let read = started.zip(port).map(|(started, port)| Self { port, started });
        read.ok_or_else(|| Error::corrupt("it does not say when the server started, or at which port"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn the_start_and_the_port_are_read() {
        let text = "1234\n/pg/data\n1763000000\n5433\n/tmp\nlocalhost\n  5433001  7\nready   \n";
        assert_eq!(Postmaster::parse(text).unwrap(), Postmaster { port: 5433, started: 1_763_000_000 });
        assert!(Postmaster::parse("1234\n/pg/data\n").is_err());
    }

    #[test]
    fn a_directory_without_a_server_is_a_conflict() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Postmaster::read(&DataDir::new(dir.path())).unwrap_err().kind(), ErrorKind::Conflict);
    }
}
