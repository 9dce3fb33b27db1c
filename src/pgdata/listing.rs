//! The files of a series of tars in little memory: a cluster may have millions.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Directories and files, each file in 24 bytes and its name.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Each after the one it lies in; the first is the root, which has no name.
    directories: Vec<Directory>,
    files: Vec<Packed>,
    /// All names, one behind the other.
    names: Vec<u8>,
    bytes: u64,
}

/// A directory of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryId(u32);

#[derive(Debug, Clone, Copy)]
struct Directory {
    above: u32,
    name: Name,
}

#[derive(Debug, Clone, Copy)]
struct Packed {
    size: u64,
    directory: u32,
    name: Name,
}

/// A piece of `names`, which is at most 4 GiB; a file system's names are at most a few hundred bytes.
#[derive(Debug, Clone, Copy)]
struct Name {
    at: u32,
    len: u16,
}

impl Listing {
    /// The directory everything lies in; it is a listing's first.
    pub const ROOT: DirectoryId = DirectoryId(0);

    /// A listing of nothing but its root.
    pub fn new() -> Self {
        let root = Directory { above: 0, name: Name { at: 0, len: 0 } };
        Self { directories: vec![root], ..Self::default() }
    }

    /// Adds a directory.
    pub fn add_directory(&mut self, above: DirectoryId, name: &OsStr) -> Result<DirectoryId> {
        let id = u32::try_from(self.directories.len()).map_err(|_| too_many())?;
        let name = self.intern(name)?;
        self.directories.push(Directory { above: above.0, name });
        Ok(DirectoryId(id))
    }

    /// Adds a file.
    pub fn add_file(&mut self, directory: DirectoryId, name: &OsStr, size: u64) -> Result<()> {
        let name = self.intern(name)?;
        self.files.push(Packed { size, directory: directory.0, name });
        self.bytes = self.bytes.saturating_add(size);
        Ok(())
    }

    /// Puts the largest files first, and equal ones in the order they were added.
    pub fn sort(&mut self) {
        self.files.sort_unstable_by(|a, b| b.size.cmp(&a.size).then(a.name.at.cmp(&b.name.at)));
        self.files.shrink_to_fit();
        self.names.shrink_to_fit();
    }

    /// How many files.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// What they held when they were added, in bytes.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The length of the largest file; 0 when there is none. Only after [`sort`](Self::sort).
    pub fn largest(&self) -> u64 {
        self.files.first().map_or(0, |file| file.size)
    }

    /// The path of a file below the root.
    pub fn file(&self, at: usize) -> Option<PathBuf> {
        let file = self.files.get(at)?;
        Some(self.directory(DirectoryId(file.directory)).join(self.name(file.name)))
    }

    /// The paths of all directories below the root, each after the one it lies in.
    pub fn directories(&self) -> impl Iterator<Item = PathBuf> {
        (1..self.directories.len()).map(|at| self.directory(DirectoryId(u32::try_from(at).unwrap_or(0))))
    }

    /// The path of a directory below the root; empty for the root.
    pub fn directory(&self, id: DirectoryId) -> PathBuf {
        let mut names = Vec::new();
        let mut at = id.0;
        while at != Self::ROOT.0 {
            let directory = self.directories[at as usize];
            names.push(self.name(directory.name));
            at = directory.above;
        }
        names.into_iter().rev().fold(PathBuf::new(), |path, name| path.join(name))
    }

    /// What it takes in memory, in bytes.
    pub fn memory(&self) -> u64 {
        let files = self.files.capacity() * size_of::<Packed>();
        let directories = self.directories.capacity() * size_of::<Directory>();
        (files + directories + self.names.capacity()) as u64
    }

    fn intern(&mut self, name: &OsStr) -> Result<Name> {
        let at = u32::try_from(self.names.len()).map_err(|_| too_many())?;
        let len = u16::try_from(name.len()).map_err(|_| too_many())?;
        self.names.extend_from_slice(name.as_bytes());
        Ok(Name { at, len })
    }

    fn name(&self, Name { at, len }: Name) -> &Path {
        let at = at as usize;
        Path::new(OsStr::from_bytes(&self.names[at..at + usize::from(len)]))
    }
}

fn too_many() -> Error {
    Error::local("there are too many files, or their names are too long, to be listed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_files_are_listed_in_less_than_60_mb() {
        let mut listing = Listing::new();
        let base = listing.add_directory(Listing::ROOT, OsStr::new("base")).unwrap();
        for database in 0..100_u64 {
            let directory =
                listing.add_directory(base, OsStr::new(&(16_384 + database).to_string())).unwrap();
            for file in 0..10_000_u64 {
                let name = format!("{}", 1_000_000_000 + database * 10_000 + file);
                listing.add_file(directory, OsStr::new(&name), file % 8).unwrap();
            }
        }
        assert!(listing.memory() < 60_000_000, "{} while it grows", listing.memory());
        listing.sort();
        assert!(listing.memory() < 40_000_000, "{} when it is complete", listing.memory());
        assert_eq!((listing.files(), listing.largest()), (1_000_000, 7));
        assert_eq!(listing.file(0).unwrap(), Path::new("base/16384/1000000007"));
        assert_eq!(listing.file(999_999).unwrap(), Path::new("base/16483/1000999992"));
        assert_eq!(listing.directories().last().unwrap(), Path::new("base/16483"));
    }
}
