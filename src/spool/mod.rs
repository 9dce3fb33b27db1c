//! What we know before we are asked: markers of uploads made ahead, segments fetched ahead, what has
//! been proved about a store. Everything in it is a cache: losing it costs requests, never data.
//!
//! ```text
//! SPOOL/tally-VERB, SPOOL/tally-VERB.journal      how PostgreSQL's calls have ended
//! SPOOL/proofs/STORE                          what `check` proved about a store
//! SPOOL/archive/ARCHIVE-SYSTEM/SEGMENT        marker: this file is stored already
//! SPOOL/archive/ARCHIVE-SYSTEM/{lock,depth,known}
//! SPOOL/restore/ARCHIVE-SYSTEM-DIRECTORY/demand              what PostgreSQL asked for last
//! SPOOL/restore/ARCHIVE-SYSTEM-DIRECTORY/TIMELINE/SEGMENT    fetched and verified
//! ```
//!
//! ARCHIVE and STORE are fingerprints of addresses, SYSTEM is the cluster's identifier, and DIRECTORY
//! stands for the data directory, since several copies of a cluster may recover on one machine. The directory
//! is private: mode 0700, ours, and no symbolic link, since what lies in it is handed to PostgreSQL.

mod ahead;
mod fetched;
mod lock;
mod proof;
pub mod tally;

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use ahead::{ArchiveSpool, FileIdentity, Known, Turn};
pub use fetched::{Claim, Demand, RestoreSpool, SegmentSpool, Sweep, boot};
pub use lock::Lock;

use crate::disk::{self, Durability, Publish};
use crate::error::{Context, Error, Result};
use crate::model::{SystemId, Timeline};
use crate::points::{self, Step};

/// The spool's directory, found private.
#[derive(Debug, Clone)]
pub struct Spool {
    root: PathBuf,
}

impl Spool {
    /// Makes the directory where it is missing (its parent must exist) and checks that it is private.
    pub fn open(root: &Path) -> Result<Self> {
        match std::fs::symlink_metadata(root) {
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => make_private(root)?,
            Err(e) => {
                return Err(Error::local(format!("look at the spool {}: {e}", root.display())).caused_by(e));
            }
        }
        require_private(root)?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// The part for archiving one cluster into one archive.
    pub fn archive(&self, archive: &str, system: SystemId) -> Result<ArchiveSpool> {
        Ok(ArchiveSpool::new(self.folder(&format!("archive/{archive}-{system}"))?))
    }

    /// The part for restoring one cluster from one archive into one data directory, which `instance`
    /// stands for.
    pub fn restore(&self, archive: &str, system: SystemId, instance: &str) -> Result<RestoreSpool> {
        Ok(RestoreSpool::new(self.folder(&format!("restore/{archive}-{system}-{instance}"))?))
    }

    /// Removes what recoveries fetched ahead that have asked for nothing for `age`: a data directory
    /// that was recovered once may never be again. What cannot be looked at is left alone.
    pub fn sweep_abandoned(&self, age: Duration) {
        for folder in std::fs::read_dir(self.root.join("restore")).into_iter().flatten().flatten() {
            let asked = std::fs::metadata(folder.path().join("demand")).and_then(|meta| meta.modified());
            if asked.is_ok_and(|asked| asked.elapsed().is_ok_and(|ago| ago > age)) {
                let _ = disk::remove_tree(&folder.path());
            }
        }
    }

    fn folder(&self, below: &str) -> Result<PathBuf> {
        let folder = self.root.join(below);
        if !folder.is_dir() {
            let make = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            points::step(Step::MakeDirectory(&folder), make)
                .map_err(Error::from)
                .context(|| format!("make {}", folder.display()))?;
        }
        Ok(folder)
    }
}

/// Writes a small file whole, without waiting for the disk: everything here can be learnt again.
fn remember(file: &Path, text: &[u8]) -> Result<()> {
    Ok(disk::write(file, text, 0o600, Publish::Replace, Durability::Fleeting)?)
}

fn make_private(root: &Path) -> Result<()> {
    let make = || std::fs::DirBuilder::new().mode(0o700).create(root);
    match points::step(Step::MakeDirectory(root), make) {
        Ok(()) => Ok(()),
        // Another call was faster; whether it is private is looked at next.
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(Error::local(format!("make the spool {}: {e}", root.display()))
            .caused_by(e)
            .hint("name a directory that can be made with --spool or BARKEEP_SPOOL")),
    }
}

/// Nobody but us may have put anything into it: bytes from here reach PostgreSQL.
fn require_private(root: &Path) -> Result<()> {
    let meta = std::fs::symlink_metadata(root).map_err(Error::from)?;
    let us = rustix::process::geteuid().as_raw();
    let why = if meta.is_symlink() {
        "is a symbolic link".to_owned()
    } else if !meta.is_dir() {
        "is not a directory".to_owned()
    } else if meta.uid() != us {
        format!("belongs to user {}, not to us (user {us})", meta.uid())
    } else if meta.mode() & 0o077 != 0 {
        format!("has mode {:04o}, so others can reach into it", meta.mode() & 0o7777)
    } else {
        return Ok(());
    };
    Err(Error::local(format!("the spool {} {why}", root.display()))
        .hint(format!("use a directory of mode 0700 that belongs to user {us}")))
}

impl RestoreSpool {
    /// The part for one timeline.
    pub fn timeline(&self, timeline: Timeline) -> Result<SegmentSpool> {
        let folder = self.folder().join(timeline.to_string());
        if !folder.is_dir() {
            let make = || std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            points::step(Step::MakeDirectory(&folder), make)?;
        }
        Ok(SegmentSpool::new(folder))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_missing_spool_is_made_private() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("spool");
        Spool::open(&root).unwrap();
        assert_eq!(std::fs::metadata(&root).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_spool_others_can_reach_into_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("spool");
        std::fs::create_dir(&root).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o770)).unwrap();
        assert!(Spool::open(&root).unwrap_err().to_string().contains("mode 0770"));
    }

    #[test]
    fn a_spool_that_is_a_symbolic_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o700)).unwrap();
        let link = dir.path().join("spool");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        assert!(Spool::open(&link).unwrap_err().to_string().contains("symbolic link"));
    }

    #[test]
    fn a_spool_whose_parent_is_missing_is_an_error_with_a_hint() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Spool::open(&dir.path().join("a/b")).unwrap_err().hint_text().is_some());
    }
}
