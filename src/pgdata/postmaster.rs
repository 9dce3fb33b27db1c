//! `postmaster.pid`: which server runs on a data directory.

use rustix::io::Errno;
use rustix::process::{Pid, getpid, test_kill_process};

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

    /// The process of the server that runs on the directory, as far as can be seen from here. The file of a
    /// server that crashed stays, and its number may be another process's by now; one in another container
    /// is not seen.
    pub fn process(dir: &DataDir) -> Result<Option<i32>> {
        let text = match fs_err::read_to_string(dir.path().join("postmaster.pid")) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        // A server for a single user notes its number with a minus.
        let pid =
            text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).map(i32::saturating_abs);
        let pid = pid.and_then(Pid::from_raw).filter(|pid| *pid != getpid());
        Ok(pid.filter(|pid| lives(*pid, dir)).map(|pid| pid.as_raw_nonzero().get()))
    }

    pub(super) fn parse(text: &str) -> Result<Self> {
        let line = |number: usize| text.lines().nth(number).map(str::trim);
        let started = line(STARTED).and_then(|t| t.parse().ok());
        let port = line(PORT).and_then(|t| t.parse().ok());
        let read = started.zip(port).map(|(started, port)| Self { port, started });
        read.ok_or_else(|| Error::corrupt("it does not say when the server started, or at which port"))
    }
}

/// Whether the process lives and works in the directory, where every server works. A process that may not
/// be looked at counts as the server.
fn lives(pid: Pid, dir: &DataDir) -> bool {
    if test_kill_process(pid) == Err(Errno::SRCH) {
        return false;
    }
    let works_in = std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
    match (works_in, dir.path().canonicalize()) {
        (Ok(there), Ok(here)) => there == here,
        _ => true,
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
    fn a_number_that_is_another_process_by_now_is_no_server() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::new(dir.path());
        assert_eq!(Postmaster::process(&data).unwrap(), None);
        let mut elsewhere = std::process::Command::new("sleep").arg("60").current_dir("/").spawn().unwrap();
        let mut here = std::process::Command::new("sleep").arg("60").current_dir(dir.path()).spawn().unwrap();
        let found = [elsewhere.id(), std::process::id(), here.id(), here.id()].map(|pid| {
            std::fs::write(dir.path().join("postmaster.pid"), format!("{pid}\n/pg\n1\n5432\n")).unwrap();
            Postmaster::process(&data).unwrap()
        });
        let pid = i32::try_from(here.id()).unwrap();
        for child in [&mut elsewhere, &mut here] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(found, [None, None, Some(pid), Some(pid)]);
        assert_eq!(Postmaster::process(&data).unwrap(), None);
    }

    #[test]
    fn a_directory_without_a_server_is_a_conflict() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Postmaster::read(&DataDir::new(dir.path())).unwrap_err().kind(), ErrorKind::Conflict);
    }
}
