//! Durable local writes: a file is there whole, under its name, or it is not there.
//!
//! Everything is first written to a temporary file beside its target (the same directory, hence the
//! same file system), flushed, and then published under its name in one step. A crash leaves at most
//! a temporary file, whose name says so ([`is_temporary`]) and which nobody lists. While its writer
//! lives it is locked, so that what was left behind can be told from what is under way ([`Leftover`]).
//!
//! The functions speak [`io::Result`], with the path in the text, because callers decide by the kind
//! of I/O error what to do; [`explain`] turns what is left into an error of the house.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, FlockOperation, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{Error, RIGHTS};
use crate::points::{Step, step};

/// How the name of every temporary file begins.
const TEMPORARY: &str = ".barkeep-tmp-";

/// How many temporary names are tried before something else must be wrong: leftovers of a process
/// that had the same id (on another host of a shared directory, or before a reboot) take some.
const NAMES: usize = 10_000;

/// What happens when the target is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publish {
    /// It is replaced.
    Replace,
    /// It stays, and the error is [`ErrorKind::AlreadyExists`].
    Exclusive,
}

/// Whether a file must survive a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It must: the file and its directory are flushed before the answer.
    Durable,
    /// It need not: a cache that can be built again.
    Fleeting,
}

/// A file under way: written to like any other, seen by nobody until it is published. Dropping it
/// removes it.
#[derive(Debug)]
pub struct Draft {
    file: fs_err::File,
    target: PathBuf,
    durability: Durability,
    /// Whether the temporary name is there to be removed.
    named: bool,
}

impl Draft {
    /// Creates a temporary file beside `target`, whose directory must exist, with exactly the
    /// permissions `mode` allows after the process's umask.
    pub fn beside(target: &Path, mode: u32, durability: Durability) -> io::Result<Self> {
        let directory = parent(target)?;
        for _ in 0..NAMES {
            let path = directory.join(temporary_name());
            match step(Step::Create(&path), || create_new(&path, mode)) {
                Ok(file) => {
                    // Where there are no locks, the age of a file is all there is to judge it by.
                    let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
                    return Ok(Self { file, target: target.to_owned(), durability, named: true });
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        let crowded = format!("no free name for a temporary file in {}", directory.display());
        Err(io::Error::other(crowded))
    }

    /// Gives the file its name. When this fails nothing is visible, except that a failure to flush the
    /// *directory* leaves open whether the name survives a power failure. A target that is found to be
    /// there already survives one, too, when this was to be durable: whoever put it there may have
    /// been killed before flushing it, and the caller may go on to rely on it.
    pub fn publish(mut self, how: Publish) -> io::Result<()> {
        let durable = self.durability == Durability::Durable;
        if durable {
            flush(&self.file)?;
        }
        let published = match how {
            Publish::Replace => rename(self.file.path(), &self.target),
            Publish::Exclusive => {
                let claim = || claim(self.file.path(), &self.target);
                step(Step::Link(self.file.path(), &self.target), claim)
            }
        };
        match published {
            // A renamed file has left its temporary name, which may be another process's by now.
            Ok(()) => self.named = how == Publish::Exclusive,
            Err(e) if durable && e.kind() == ErrorKind::AlreadyExists => {
                flush(&fs_err::File::open(&self.target)?)?;
                sync_directory(parent(&self.target)?)?;
                return Err(e);
            }
            Err(e) => return Err(e),
        }
        if durable { sync_directory(parent(&self.target)?) } else { Ok(()) }
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut file = &self.file;
        step(Step::Write(file.path()), || file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a link it is a second name of the published file.
        if self.named {
            let _ = remove(self.file.path());
        }
    }
}

/// A draft that was left behind, locked against its being taken for one again.
#[derive(Debug)]
pub struct Leftover {
    file: fs_err::File,
}

impl Leftover {
    /// Opens a temporary file; `None` when it is gone, no file, or held by a living process. Where the
    /// file system has no locks, a draft under way cannot be told and is opened as well.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut options = fs_err::OpenOptions::new();
        // Network file systems want a file open for writing to lock it.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.write(true).options_mut().custom_flags(flags.bits().cast_signed());
        let file = match options.open(path) {
            Ok(file) if file.metadata()?.is_file() => file,
            Ok(_) => return Ok(None),
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Ok(None),
            _ => Ok(Some(Self { file })),
        }
    }

    /// What is known of the file.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Removes it.
    pub fn remove(self) -> io::Result<()> {
        remove(self.file.path())
    }
}

/// Writes a whole file: draft, contents, publication.
pub fn write(
    target: &Path,
    contents: &[u8],
    mode: u32,
    how: Publish,
    durability: Durability,
) -> io::Result<()> {
    let mut draft = Draft::beside(target, mode, durability)?;
    draft.write_all(contents)?;
    draft.publish(how)
}

/// Whether a file's name is that of a draft, left by a process that is still writing or was killed.
pub fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Creates the directories that `below` names under `root`, durably. `root` itself is never created:
/// the mount point of a file system that is not mounted must not be mistaken for an empty one.
pub fn create_directories(root: &Path, below: &Path) -> io::Result<()> {
    let mut directory = root.to_owned();
    for segment in below {
        let above = directory.clone();
        directory.push(segment);
        match make_directory(&directory) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
        // Also when it was there: whoever created it may have been killed before flushing its name.
        sync_directory(&above)?;
    }
    Ok(())
}

/// Flushes a directory, so that the names in it survive a power failure.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    let handle = fs_err::File::open(directory)?;
    match step(Step::FlushDirectory(directory), || handle.sync_all()) {
        // Some network and user-space file systems cannot flush a directory; there is nothing better.
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        answer => answer,
    }
}

/// Flushes the whole file system that holds `path`: one wait in place of one for each of many files.
pub fn sync_file_system(path: &Path) -> io::Result<()> {
    let handle = fs_err::File::open(path)?;
    let flush = || {
        rustix::fs::syncfs(&handle).map_err(|e| {
            let error = io::Error::from(e);
            io::Error::new(
                error.kind(),
                format!("failed to flush the file system of `{}`: {error}", path.display()),
            )
        })
    };
    step(Step::FlushFileSystem(path), flush)
}

/// Removes a file's name.
pub fn remove(path: &Path) -> io::Result<()> {
    step(Step::Remove(path), || fs_err::remove_file(path))
}

/// Removes a directory, which must be empty.
pub fn remove_directory(path: &Path) -> io::Result<()> {
    step(Step::RemoveDirectory(path), || fs_err::remove_dir(path))
}

/// Removes a directory and all that is in it; links are removed, not followed.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    step(Step::RemoveTree(path), || fs_err::remove_dir_all(path))
}

/// Gives a file another name on the same file system, in the place of what had it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(Step::Rename(from, to), || fs_err::rename(from, to))
}

/// Makes a directory, whose parent must be there.
pub fn make_directory(path: &Path) -> io::Result<()> {
    step(Step::MakeDirectory(path), || fs_err::create_dir(path))
}

fn flush(file: &fs_err::File) -> io::Result<()> {
    step(Step::Flush(file.path()), || file.sync_all())
}

/// The error of the house for an I/O error: `Conflict` for a taken name, `Denied` for missing rights,
/// `Local` for the rest, with a hint where there is something to do.
pub fn explain(e: io::Error) -> Error {
    let text = e.to_string();
    match e.kind() {
        ErrorKind::AlreadyExists | ErrorKind::IsADirectory | ErrorKind::NotADirectory => {
            Error::conflict(text).caused_by(e)
        }
        ErrorKind::PermissionDenied => Error::denied(text).caused_by(e).hint(RIGHTS),
        _ => Error::from(e),
    }
}

/// Gives the file at `draft` the name `target` unless that is taken. A hard link does this atomically
/// nearly everywhere, NFS included; where there are no hard links, a rename that refuses to replace
/// does. Where there is neither (some user-space file systems), writers take turns under a lock on the
/// directory, look, and rename: exclusive among the processes of one machine, and still never a file
/// that is half there, which creating the target first and filling it later could leave.
fn claim(draft: &Path, target: &Path) -> io::Result<()> {
    match rustix::fs::link(draft, target) {
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => rename_new(draft, target),
        answer => answer.map_err(|e| named(e, target)),
    }
}

fn rename_new(draft: &Path, target: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, draft, CWD, target, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rename_in_turn(draft, target),
        answer => answer.map_err(|e| named(e, target)),
    }
}

fn rename_in_turn(draft: &Path, target: &Path) -> io::Result<()> {
    let directory = fs_err::File::open(parent(target)?)?;
    rustix::fs::flock(&directory, FlockOperation::LockExclusive).map_err(|e| named(e, target))?;
    match fs_err::symlink_metadata(target) {
        Ok(_) => Err(named(Errno::EXIST, target)),
        Err(e) if e.kind() == ErrorKind::NotFound => fs_err::rename(draft, target),
        Err(e) => Err(e),
    }
}

fn named(errno: Errno, target: &Path) -> io::Error {
    let error = io::Error::from(errno);
    io::Error::new(error.kind(), format!("failed to create `{}`: {error}", target.display()))
}

fn create_new(path: &Path, mode: u32) -> io::Result<fs_err::File> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create_new(true);
    options.options_mut().mode(mode);
    options.open(path)
}

fn temporary_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{TEMPORARY}{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn parent(target: &Path) -> io::Result<&Path> {
    match target.parent() {
        Some(directory) if directory.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(directory) => Ok(directory),
        None => Err(io::Error::new(ErrorKind::InvalidInput, "the root directory is no file's name")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs_err::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_published_file_is_whole_and_leaves_no_draft() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        for how in [Publish::Exclusive, Publish::Replace] {
            write(&target, b"hello", 0o600, how, Durability::Durable).unwrap();
        }
        assert_eq!(fs_err::read(&target).unwrap(), b"hello");
        assert_eq!(fs_err::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn an_exclusive_file_never_replaces_another() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        write(&target, b"first", 0o600, Publish::Exclusive, Durability::Fleeting).unwrap();
        let second = write(&target, b"second", 0o600, Publish::Exclusive, Durability::Fleeting);
        assert_eq!(second.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs_err::read(&target).unwrap(), b"first");
        assert_eq!(names(dir.path()), ["a"]);
    }

    #[test]
    fn every_way_to_claim_a_name_is_exclusive() {
        for claim in [claim, rename_new, rename_in_turn] {
            let dir = tempfile::tempdir().unwrap();
            let (one, two, target) = (dir.path().join("1"), dir.path().join("2"), dir.path().join("t"));
            fs_err::write(&one, "one").unwrap();
            fs_err::write(&two, "two").unwrap();
            claim(&one, &target).unwrap();
            assert_eq!(claim(&two, &target).unwrap_err().kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs_err::read(&target).unwrap(), b"one");
        }
    }

    #[test]
    fn a_dropped_draft_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::beside(&dir.path().join("a"), 0o600, Durability::Durable).unwrap();
        draft.write_all(b"half").unwrap();
        assert!(names(dir.path()).iter().all(|name| is_temporary(OsStr::new(name))));
        drop(draft);
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }

    #[test]
    fn a_draft_under_way_is_no_leftover() {
        let dir = tempfile::tempdir().unwrap();
        let draft = Draft::beside(&dir.path().join("a"), 0o600, Durability::Fleeting).unwrap();
        let path = draft.file.path().to_owned();
        assert!(Leftover::open(&path).unwrap().is_none());
        let moved = dir.path().join(format!("{TEMPORARY}left-behind"));
        fs_err::rename(&path, &moved).unwrap();
        drop(draft);
        Leftover::open(&moved).unwrap().unwrap().remove().unwrap();
        assert!(Leftover::open(&moved).unwrap().is_none());
        assert_eq!(names(dir.path()), Vec::<String>::new());
    }

    #[test]
    fn directories_are_created_below_a_root_but_never_the_root() {
        let dir = tempfile::tempdir().unwrap();
        create_directories(dir.path(), Path::new("a/b")).unwrap();
        assert!(dir.path().join("a/b").is_dir());
        let missing = create_directories(&dir.path().join("root"), Path::new("a"));
        assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn errors_are_explained_by_what_can_be_done() {
        use crate::error::ErrorKind as Kind;
        let kind = |kind| explain(io::Error::from(kind)).kind();
        assert_eq!(kind(ErrorKind::AlreadyExists), Kind::Conflict);
        assert_eq!(kind(ErrorKind::PermissionDenied), Kind::Denied);
        assert_eq!(kind(ErrorKind::StorageFull), Kind::Local);
        assert_eq!(kind(ErrorKind::ReadOnlyFilesystem), Kind::Local);
    }
}
