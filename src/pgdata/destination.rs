//! Directories that a backup is restored into: whether they may be filled, and the mark they bear while
//! they are.
//!
//! The mark says whose half-filled directory it is. A restore that was killed leaves it, together with
//! the absence of `global/pg_control`; only then does the next one empty the directory by itself.

use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use super::unpack::CONTROL;
use crate::disk::{self, Durability, Publish};
use crate::error::{Context, Error, Result};
use crate::model::{BackupId, SegmentName, WalName};
use crate::points::{self, Step};

/// The mark's file.
pub(crate) const MARKER: &str = ".barkeep-restore";

/// The mark of a restore under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The backup that is being restored.
    pub backup: String,
    /// The archive it comes from.
    pub archive: String,
    /// The data directory that all of it belongs to.
    pub data: PathBuf,
}

impl Marker {
    /// The mark of this restore; `data` is absolute.
    pub fn new(backup: BackupId, archive: impl Into<String>, data: &Path) -> Self {
        Self { backup: backup.to_string(), archive: archive.into(), data: data.to_owned() }
    }
}

/// What a directory is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The data directory.
    Data,
    /// A tablespace's.
    Tablespace,
    /// Where the WAL will be.
    Wal,
}

/// A directory that is to be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Where, absolute.
    pub path: PathBuf,
    /// What for.
    pub role: Role,
}

/// What has to be done to a directory before it can be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// Nothing: it is empty or not there.
    Free,
    /// What a killed restore of the same archive left there has to go.
    Abandoned,
    /// What is there has to go, as was asked for.
    Replaced,
}

impl Destination {
    /// Whether it may be filled, and what has to go before; looks and touches nothing. Kind `Conflict`
    /// when something is there that must stay.
    pub fn survey(&self, marker: &Marker, clean: bool) -> Result<Ground> {
        let names = match names(&self.path) {
            Ok(names) => names,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Ground::Free),
            Err(e) => return Err(disk::explain(e)),
        };
        // A mark alone keeps nothing of anybody's.
        if names.iter().all(|name| name == MARKER) {
            return Ok(Ground::Free);
        }
        if self.role == Role::Data {
            self.without_server()?;
        }
        if clean {
            return self.survey_for_replacing(&names);
        }
        match self.left_by()? {
            Some(left) if left.archive != marker.archive => Err(Error::conflict(format!(
                "{} holds what is left of a restore from another archive, {}",
                self.path.display(),
                left.archive
            ))
            .hint("give --clean to replace it")),
            Some(left) if left.data.join(CONTROL).exists() => Err(Error::conflict(format!(
                "{} holds a whole restore of backup {}",
                self.path.display(),
                left.backup
            ))
            .hint("give --clean to replace it")),
            Some(_) => Ok(Ground::Abandoned),
            None => Err(self.not_empty()),
        }
    }

    /// Refuses a data directory that a server uses, or may use.
    fn without_server(&self) -> Result<()> {
        let path = self.path.display();
        match user(&self.path) {
            User::Nobody => Ok(()),
            User::Process(pid) => {
                let why = format!("{path} is in use by a server, process {pid}");
                let hint = "stop it; if that process is no PostgreSQL, remove postmaster.pid by hand";
                Err(Error::conflict(why).hint(hint))
            }
            User::Unknown(because) => {
                let why = format!("{path} may be in use by a server: its postmaster.pid {because}");
                let hint =
                    "if no PostgreSQL runs on it, and none is just starting, remove postmaster.pid by hand";
                Err(Error::conflict(why).hint(hint))
            }
        }
    }

    /// Only what looks like its role is ever replaced: a slip of the keyboard must not cost a home
    /// directory.
    fn survey_for_replacing(&self, names: &[std::ffi::OsString]) -> Result<Ground> {
        let is = |name: &str| names.iter().any(|n| n == name);
        let plausible = match self.role {
            Role::Data => is("PG_VERSION") || is(MARKER) || (is("global") && is("base")),
            Role::Tablespace => names.iter().all(|n| n == MARKER || n.as_encoded_bytes().starts_with(b"PG_")),
            Role::Wal => names.iter().all(|n| is_of_wal(n)),
        };
        if plausible {
            return Ok(Ground::Replaced);
        }
        let what = match self.role {
            Role::Data => "a data directory",
            Role::Tablespace => "a tablespace's directory",
            Role::Wal => "a directory of WAL",
        };
        let why = format!("{} does not look like {what}", self.path.display());
        Err(Error::conflict(why).hint("--clean replaces nothing else: look at it, and empty it by hand"))
    }

    fn not_empty(&self) -> Error {
        let hint = match self.role {
            Role::Data => "name another directory, or give --clean to replace this one",
            Role::Tablespace => "name another with --tablespace NAME=DIR, or give --clean to replace it",
            Role::Wal => "name another with --waldir, or give --clean to replace it",
        };
        Error::conflict(format!("{} is not empty", self.path.display())).hint(hint)
    }

    /// The mark that is there.
    fn left_by(&self) -> Result<Option<Marker>> {
        match std::fs::read(self.path.join(MARKER)) {
            // A mark that was cut off was being written when the machine went down.
            Ok(text) => Ok(serde_json::from_slice(&text).ok()),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(disk::explain(e)),
        }
    }

    /// Makes the directory ready: what has to go goes, the directory is made where it is missing, and
    /// bears the mark. The mark is locked until [`Held`] is dropped; kind `Conflict` when another restore
    /// holds it.
    pub fn prepare(&self, ground: Ground, marker: &Marker) -> Result<Held> {
        let place = || format!("prepare {}", self.path.display());
        // Directories on the way are like those of everybody, or another user's server could not get by.
        let above = self.path.parent().unwrap_or(Path::new("/"));
        fs_err::create_dir_all(above).map_err(disk::explain).context(place)?;
        let make = || std::fs::DirBuilder::new().mode(0o700).create(&self.path);
        match points::step(Step::MakeDirectory(&self.path), make) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(disk::explain(e)).context(place),
            _ => {}
        }
        let held = self.lock()?;
        if ground != Ground::Free {
            self.empty().map_err(disk::explain).context(place)?;
        }
        let text = serde_json::to_vec(marker).map_err(|e| Error::bug(e.to_string()))?;
        held.write(&text).map_err(disk::explain).context(place)?;
        disk::sync_directory(&self.path)?;
        std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o700))?;
        Ok(held)
    }

    fn lock(&self) -> Result<Held> {
        let path = self.path.join(MARKER);
        let mut options = std::fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&path).map_err(disk::explain)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let why = format!("another restore is filling {}", self.path.display());
                return Err(Error::conflict(why).hint("wait for it, or stop it"));
            }
            Err(e) => return Err(std::io::Error::from(e).into()),
        }
        Ok(Held { file, path })
    }

    /// Removes everything but the mark; `pg_control` first, so that what is left when that is cut short
    /// starts nowhere. Links are removed, not followed.
    fn empty(&self) -> std::io::Result<()> {
        match disk::remove(&self.path.join(CONTROL)) {
            Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Err(e),
            _ => {}
        }
        for name in names(&self.path)? {
            let path = self.path.join(&name);
            if name == MARKER {
            } else if fs_err::symlink_metadata(&path)?.is_dir() {
                disk::remove_tree(&path)?;
            } else {
                disk::remove(&path)?;
            }
        }
        Ok(())
    }
}

/// A directory that bears the mark and is locked.
#[derive(Debug)]
pub struct Held {
    file: File,
    path: PathBuf,
}

impl Held {
    /// Writes over the mark that is there, which must not be lost before the new one is whole: without it
    /// nobody could tell whose half-filled directory this is.
    fn write(&self, text: &[u8]) -> std::io::Result<()> {
        points::step(Step::Write(&self.path), || std::io::Write::write_all(&mut &self.file, text))?;
        points::step(Step::Write(&self.path), || self.file.set_len(text.len() as u64))?;
        points::step(Step::Flush(&self.path), || self.file.sync_all())
    }

    /// Takes the mark away: what was to be put there is whole.
    pub fn release(self) -> Result<()> {
        disk::remove(&self.path)?;
        Ok(disk::sync_directory(self.path.parent().unwrap_or(Path::new("/")))?)
    }
}

/// Writes a small file of a data directory, durably.
pub fn put(file: &Path, bytes: &[u8]) -> Result<()> {
    disk::write(file, bytes, 0o600, Publish::Replace, Durability::Durable)
        .map_err(disk::explain)
        .context(|| format!("write {}", file.display()))
}

/// Refuses directories of which one lies within another: emptying or filling one would hit the other.
pub fn apart(destinations: &[Destination]) -> Result<()> {
    for (i, one) in destinations.iter().enumerate() {
        for other in &destinations[i + 1..] {
            if one.path.starts_with(&other.path) || other.path.starts_with(&one.path) {
                let why = format!("{} and {} are not apart", one.path.display(), other.path.display());
                return Err(Error::usage(why).hint("name other directories with --tablespace or --waldir"));
            }
        }
    }
    Ok(())
}

/// Who uses a data directory.
enum User {
    /// No server, or one that is dead.
    Nobody,
    /// This process, which is alive.
    Process(i32),
    /// Nobody knows, because of this: a server that starts creates its file before it writes to it.
    Unknown(String),
}

/// Who uses a data directory, as `postmaster.pid` tells.
fn user(data: &Path) -> User {
    let bytes = match std::fs::read(data.join("postmaster.pid")) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return User::Nobody,
        Err(e) => return User::Unknown(format!("cannot be read: {e}")),
    };
    let text = String::from_utf8_lossy(&bytes);
    let first = text.lines().next().unwrap_or_default().trim();
    // One in single-user mode writes its number with a minus sign.
    let number = first.parse::<i32>().ok().and_then(i32::checked_abs);
    let Some((number, pid)) = number.and_then(|number| Some((number, Pid::from_raw(number)?))) else {
        return User::Unknown("names no process".to_owned());
    };
    match rustix::process::test_kill_process(pid) {
        Err(Errno::SRCH) => User::Nobody,
        // Alive, whether it is ours or not.
        _ => User::Process(number),
    }
}

fn is_of_wal(name: &OsStr) -> bool {
    let known = ["archive_status", "summaries", MARKER];
    let segment = |name: &str| name.get(..24).is_some_and(|n| n.parse::<SegmentName>().is_ok());
    let wal = |name: &str| segment(name) || name.parse::<WalName>().is_ok();
    known.iter().any(|k| name == *k) || name.to_str().is_some_and(wal)
}

fn names(directory: &Path) -> std::io::Result<Vec<std::ffi::OsString>> {
    fs_err::read_dir(directory)?.map(|entry| entry.map(|entry| entry.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(data: &Path) -> Marker {
        Marker::new("20260102T030405".parse().unwrap(), "memory (server main)", data)
    }

    fn data(path: &Path) -> Destination {
        Destination { path: path.to_owned(), role: Role::Data }
    }

    #[test]
    fn a_restore_killed_while_it_makes_its_mark_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let (destination, marker) = (data(&path), marker(&path));
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join(MARKER), "").unwrap();
        assert_eq!(destination.survey(&marker, false).unwrap(), Ground::Free);
        drop(destination.prepare(Ground::Free, &marker).unwrap());
        std::fs::write(path.join("PG_VERSION"), "18").unwrap();
        // As another restore finds it, between taking the mark and emptying the directory.
        drop(destination.lock().unwrap());
        assert_eq!(destination.survey(&marker, false).unwrap(), Ground::Abandoned);
        let longer = Marker { backup: "x".repeat(99), ..marker.clone() };
        drop(destination.prepare(Ground::Abandoned, &longer).unwrap());
        drop(destination.prepare(Ground::Abandoned, &marker).unwrap());
        assert_eq!(destination.left_by().unwrap(), Some(marker));
    }

    #[test]
    fn a_directory_that_holds_something_is_refused_unless_a_killed_restore_left_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let (destination, marker) = (data(&path), marker(&path));
        assert_eq!(destination.survey(&marker, false).unwrap(), Ground::Free);
        drop(destination.prepare(Ground::Free, &marker).unwrap());
        std::fs::create_dir(path.join("global")).unwrap();
        assert_eq!(destination.survey(&marker, false).unwrap(), Ground::Abandoned);
        let other = Marker { archive: "elsewhere".to_owned(), ..marker.clone() };
        assert!(destination.survey(&other, false).unwrap_err().to_string().contains("another archive"));
        // Once pg_control is there, somebody may have started it since.
        std::fs::write(path.join(CONTROL), "x").unwrap();
        assert!(destination.survey(&marker, false).unwrap_err().to_string().contains("whole restore"));
        assert_eq!(destination.survey(&marker, true).unwrap(), Ground::Replaced);
        destination.prepare(Ground::Replaced, &marker).unwrap().release().unwrap();
        assert!(names(&path).unwrap().is_empty());
    }

    #[test]
    fn nothing_is_replaced_that_does_not_look_like_what_it_should_be() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.tex"), "x").unwrap();
        for role in [Role::Data, Role::Tablespace, Role::Wal] {
            let destination = Destination { path: dir.path().to_owned(), role };
            assert!(destination.survey(&marker(dir.path()), false).is_err(), "{role:?}");
            let e = destination.survey(&marker(dir.path()), true).unwrap_err();
            assert!(e.to_string().contains("does not look like"), "{e}");
        }
    }

    #[test]
    fn one_name_that_fits_makes_no_data_directory_and_no_directory_of_wal() {
        for (role, name) in [(Role::Data, "global"), (Role::Data, "base"), (Role::Wal, "my.history")] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join(name)).unwrap();
            let destination = Destination { path: dir.path().to_owned(), role };
            assert!(destination.survey(&marker(dir.path()), true).is_err(), "{name}");
        }
    }

    #[test]
    fn a_directory_whose_server_runs_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("PG_VERSION"), "18").unwrap();
        std::fs::write(dir.path().join("postmaster.pid"), format!("{}\n/x\n", std::process::id())).unwrap();
        for clean in [false, true] {
            let e = data(dir.path()).survey(&marker(dir.path()), clean).unwrap_err();
            assert!(e.to_string().contains("in use by a server"), "{e}");
        }
        // As in single-user mode.
        std::fs::write(dir.path().join("postmaster.pid"), format!("-{}\n/x\n", std::process::id())).unwrap();
        let e = data(dir.path()).survey(&marker(dir.path()), true).unwrap_err();
        assert!(e.to_string().contains(&format!("process {}", std::process::id())), "{e}");
        std::fs::write(dir.path().join("postmaster.pid"), "999999999\n").unwrap();
        assert_eq!(data(dir.path()).survey(&marker(dir.path()), true).unwrap(), Ground::Replaced);
    }

    #[test]
    fn a_directory_that_may_have_a_server_is_never_touched() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("PG_VERSION"), "18").unwrap();
        let pid = dir.path().join("postmaster.pid");
        for bad in ["", "\n", "x\n", "0\n"] {
            std::fs::write(&pid, bad).unwrap();
            for clean in [false, true] {
                let e = data(dir.path()).survey(&marker(dir.path()), clean).unwrap_err();
                assert!(e.to_string().contains("may be in use"), "{bad:?}: {e}");
                assert!(e.hint_text().unwrap().contains("remove postmaster.pid"));
            }
        }
        std::fs::remove_file(&pid).unwrap();
        std::fs::create_dir(&pid).unwrap();
        let e = data(dir.path()).survey(&marker(dir.path()), true).unwrap_err();
        assert!(e.to_string().contains("cannot be read"), "{e}");
    }

    #[test]
    fn two_restores_never_fill_one_directory() {
        let dir = tempfile::tempdir().unwrap();
        let destination = data(&dir.path().join("data"));
        let marker = marker(&destination.path);
        let _held = destination.prepare(Ground::Free, &marker).unwrap();
        let e = destination.prepare(Ground::Abandoned, &marker).unwrap_err();
        assert!(e.to_string().contains("another restore"), "{e}");
    }

    #[test]
    fn links_are_removed_and_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, inside) = (dir.path().join("outside"), dir.path().join("data"));
        std::fs::create_dir_all(&outside).unwrap();
        std::fs::create_dir_all(inside.join("pg_tblspc")).unwrap();
        std::fs::write(outside.join("keep"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("pg_wal")).unwrap();
        std::os::unix::fs::symlink(&outside, inside.join("pg_tblspc/16385")).unwrap();
        data(&inside).prepare(Ground::Replaced, &marker(&inside)).unwrap();
        assert!(outside.join("keep").exists());
        assert_eq!(names(&inside).unwrap(), [MARKER]);
    }

    #[test]
    fn directories_within_each_other_are_refused() {
        let at = |path: &str| Destination { path: PathBuf::from(path), role: Role::Tablespace };
        assert!(apart(&[at("/a/b"), at("/a/bc"), at("/c")]).is_ok());
        assert!(apart(&[at("/a"), at("/c"), at("/a/b")]).is_err());
        assert!(apart(&[at("/a"), at("/a")]).is_err());
    }
}
