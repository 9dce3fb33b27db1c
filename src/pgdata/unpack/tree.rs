//! A directory into which nothing can be written but below itself.
//!
//! Every file is reached from an open handle of the top, one component at a time, and no component may
//! be a symbolic link: what a tar put there cannot lead a later member elsewhere. Links of our own (a
//! tablespace, a `pg_wal` on another volume) are not followed either, but known by name and entered
//! through handles of their own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::below::Below;
use crate::disk;
use crate::error::{Error, Result};
use crate::points::{self, Step};

/// A directory and the places in it that lie elsewhere. Clones share the handles, and each has a memory
/// of its own for the directory it was in last.
#[derive(Clone)]
pub(crate) struct Tree {
    tops: Arc<Vec<Top>>,
    last: Option<(usize, PathBuf, Arc<OwnedFd>)>,
}

struct Top {
    /// What stands for it in names: empty for the directory itself.
    prefix: PathBuf,
    handle: OwnedFd,
    /// For messages.
    path: PathBuf,
}

impl Tree {
    /// The directory at `path`, which must exist; `elsewhere` are the names in it, and the directories
    /// those stand for.
    pub(crate) fn open(path: &Path, elsewhere: &[(PathBuf, PathBuf)]) -> Result<Self> {
        let mut tops = Vec::with_capacity(1 + elsewhere.len());
        let all = elsewhere.iter().map(|(prefix, path)| (prefix.as_path(), path.as_path()));
        for (prefix, path) in [(Path::new(""), path)].into_iter().chain(all) {
            let handle = rustix::fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
            let handle = handle.map_err(|e| explain(e, "open", path))?;
            tops.push(Top { prefix: prefix.to_owned(), handle, path: path.to_owned() });
        }
        Ok(Self { tops: Arc::new(tops), last: None })
    }

    /// Whether the name is one of those that lie elsewhere, and are made by whoever opened the tree.
    pub(super) fn is_elsewhere(&self, name: &Below) -> bool {
        self.tops.iter().skip(1).any(|top| top.prefix == name.path())
    }

    /// Makes a file anew, in the place of whatever had the name; directories on the way are made.
    pub(super) fn create(&mut self, name: &Below, mode: u32) -> Result<File> {
        let (at, file) = self.parent(name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let create = || rustix::fs::openat(at.as_fd(), &file, flags, Mode::from_raw_mode(mode));
        let place = self.place(name.path());
        points::step(Step::Create(&place), || Ok(())).map_err(disk::explain)?;
        let created = match create() {
            Err(Errno::EXIST) => remove(at.as_fd(), &file).and_then(|()| create()),
            created => created,
        };
        created.map(File::from).map_err(|e| self.explain(e, "create", name))
    }

    /// Makes a directory, unless it is there.
    pub(super) fn create_directory(&mut self, name: &Below) -> Result<OwnedFd> {
        let (at, file) = self.parent(name)?;
        let place = self.place(name.path());
        points::step(Step::MakeDirectory(&place), || Ok(())).map_err(disk::explain)?;
        open_directory(at.as_fd(), &file, true).map_err(|e| self.explain(e, "create", name))
    }

    /// The directory that the name stands for.
    pub(super) fn directory(&self, name: &Below) -> Result<OwnedFd> {
        let (top, rest) = self.top_of(name.path());
        let mut at = self.open_top(top);
        for part in &rest {
            at = at.and_then(|at| open_directory(at.as_fd(), part.as_ref(), false));
        }
        at.map_err(|e| self.explain(e, "open", name))
    }

    /// Gives a file that is there a second name. Not so a symbolic link: in another directory it would
    /// lead elsewhere.
    pub(super) fn link(&mut self, name: &Below, old: &Below) -> Result<()> {
        let (from, old_file) = self.parent(old)?;
        let found = rustix::fs::statat(from.as_fd(), &old_file, AtFlags::SYMLINK_NOFOLLOW);
        if found.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile) {
            return Err(Error::corrupt(format!("`{name}` is a link to `{old}`, which is no file")));
        }
        let (at, file) = self.parent(name)?;
        let linked = || rustix::fs::linkat(from.as_fd(), &old_file, at.as_fd(), &file, AtFlags::empty());
        match linked() {
            Err(Errno::NOENT) => {
                return Err(Error::corrupt(format!(
                    "`{name}` is a link to `{old}`, which did not come before it"
                )));
            }
            Err(Errno::EXIST) => remove(at.as_fd(), &file).and_then(|()| linked()),
            linked => linked,
        }
        .map_err(|e| self.explain(e, "link", name))
    }

    /// Makes a symbolic link.
    pub(super) fn symbolic_link(&mut self, name: &Below, to: &Path) -> Result<()> {
        let (at, file) = self.parent(name)?;
        let made = || rustix::fs::symlinkat(to, at.as_fd(), &file);
        match made() {
            Err(Errno::EXIST) => remove(at.as_fd(), &file).and_then(|()| made()),
            made => made,
        }
        .map_err(|e| self.explain(e, "create", name))
    }

    /// Where a name really lies, for messages and for what is done once everything is there.
    pub(super) fn place(&self, name: &Path) -> PathBuf {
        let (top, rest) = self.top_of(name);
        self.tops[top].path.join(rest)
    }

    fn top_of(&self, name: &Path) -> (usize, PathBuf) {
        let within = |(i, top): (usize, &Top)| Some((i, name.strip_prefix(&top.prefix).ok()?.to_owned()));
        let elsewhere = self.tops.iter().enumerate().skip(1).find_map(within);
        elsewhere.unwrap_or_else(|| (0, name.to_owned()))
    }

    /// The name relative to the directory it really lies below.
    pub(super) fn within_top(&self, name: &Below) -> Below {
        name.behind(&self.tops[self.top_of(name.path()).0].prefix)
    }

    /// Another handle of a top directory.
    fn open_top(&self, top: usize) -> Result<OwnedFd, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::openat(&self.tops[top].handle, ".", flags, Mode::empty())
    }

    /// The directory that holds the name, and the name in it. Members come directory by directory, so
    /// the last one is remembered.
    fn parent(&mut self, name: &Below) -> Result<(Arc<OwnedFd>, PathBuf)> {
        let (top, rest) = self.top_of(name.path());
        let (Some(parent), Some(file)) = (rest.parent(), rest.file_name()) else {
            return Err(Error::corrupt(format!("`{name}` is the name of a directory of ours")));
        };
        if let Some((last_top, last, handle)) = &self.last
            && (*last_top, last.as_path()) == (top, parent)
        {
            return Ok((Arc::clone(handle), PathBuf::from(file)));
        }
        let mut at = self.open_top(top).map_err(|e| self.explain(e, "open", name))?;
        for part in parent {
            at = open_directory(at.as_fd(), part.as_ref(), true)
                .map_err(|e| self.explain(e, "create", name))?;
        }
        let handle = Arc::new(at);
        self.last = Some((top, parent.to_owned(), Arc::clone(&handle)));
        Ok((handle, PathBuf::from(file)))
    }

    fn explain(&self, e: Errno, what: &str, name: &Below) -> Error {
        match e {
            // Only a tar that is not what it should be has a file where another has a directory.
            Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NOTEMPTY => {
                Error::corrupt(format!("`{name}` would be written through something that is no directory"))
            }
            e => explain(e, what, &self.place(name.path())),
        }
    }
}

/// Opens a directory that is no link to one, made before if `make`.
fn open_directory(at: BorrowedFd<'_>, name: &Path, make: bool) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(at, name, flags, Mode::empty()) {
        Err(Errno::NOENT) if make => {
            match rustix::fs::mkdirat(at, name, Mode::RWXU) {
                // Another thread was faster.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e),
            }
            rustix::fs::openat(at, name, flags, Mode::empty())
        }
        opened => opened,
    }
}

fn remove(at: BorrowedFd<'_>, name: &Path) -> Result<(), Errno> {
    match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        answer => answer,
    }
}

fn explain(e: Errno, what: &str, path: &Path) -> Error {
    let e = std::io::Error::from(e);
    disk::explain(std::io::Error::new(e.kind(), format!("failed to {what} `{}`: {e}", path.display())))
}
