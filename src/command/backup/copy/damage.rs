//! Pages whose checksum does not fit: named, never a reason to stop copying.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::pgdata::pack::BrokenPages;

/// How many damaged files are named.
const MOST_FILES: usize = 1000;

/// What was found broken while it was copied. Counts are of everything; names are bounded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damage {
    /// Broken pages.
    pub pages: u64,
    /// Files with broken pages.
    pub file_count: u64,
    /// The first 1000 of them, in the order of their paths.
    pub files: Vec<DamagedFile>,
}

/// A file with broken pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedFile {
    /// Its path below the data directory; a tablespace's below `pg_tblspc/OID`.
    pub path: PathBuf,
    /// How many of its pages are broken.
    pub pages: u64,
    /// The first 100 of them, by their block number within the relation.
    pub blocks: Vec<u32>,
}

impl Damage {
    /// Whether nothing is.
    pub const fn is_none(&self) -> bool {
        self.pages == 0
    }

    pub(super) fn add(&mut self, path: &Path, broken: &BrokenPages) {
        if broken.count > 0 {
            let file =
                DamagedFile { path: path.to_owned(), pages: broken.count, blocks: broken.blocks.clone() };
            self.take(file);
        }
    }

    /// Takes over what another stream has found.
    pub(super) fn merge(&mut self, other: Self) {
        let unnamed = other.file_count - other.files.len() as u64;
        let named: u64 = other.files.iter().map(|file| file.pages).sum();
        self.file_count += unnamed;
        self.pages += other.pages - named;
        for file in other.files {
            self.take(file);
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    fn take(&mut self, file: DamagedFile) {
        self.file_count += 1;
        self.pages += file.pages;
        if self.files.len() < MOST_FILES {
            self.files.push(file);
        }
    }
}

/// `base/5/16384 block 3 and 2 more`
impl fmt::Display for DamagedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(first) = self.blocks.first() {
            write!(f, " block {first}")?;
        }
        if self.pages > 1 { write!(f, " and {} more", self.pages - 1) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_streams_found_is_one_list_in_order() {
        let broken = |count| BrokenPages { count, blocks: vec![3] };
        let (mut one, mut two) = (Damage::default(), Damage::default());
        one.add(Path::new("b"), &broken(1));
        one.add(Path::new("x"), &BrokenPages::default());
        two.add(Path::new("a"), &broken(3));
        one.merge(two);
        let files: Vec<_> = one.files.iter().map(ToString::to_string).collect();
        assert_eq!(files, ["a block 3 and 2 more", "b block 3"]);
        assert_eq!((one.pages, one.file_count, one.is_none()), (4, 2, false));
    }

    #[test]
    fn a_wholly_rotten_cluster_is_counted_and_only_partly_named() {
        let (mut all, mut more) = (Damage::default(), Damage::default());
        for i in 0..1500 {
            more.add(Path::new(&format!("{i}")), &BrokenPages { count: 2, blocks: vec![1, 2] });
        }
        all.merge(more.clone());
        all.merge(more);
        assert_eq!((all.pages, all.file_count, all.files.len()), (6000, 3000, MOST_FILES));
    }
}
