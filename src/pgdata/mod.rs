//! The data directory: what it says about its server, and how a new one is filled. Nothing here ever
//! writes into one that was not made by a restore.

mod control;
pub mod destination;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod listing;
pub mod manifest;
pub mod pack;
pub mod pages;
mod postmaster;
mod queue;
pub mod recovery;
pub mod rules;
pub mod tar;
pub(crate) mod unpack;
pub mod walk;

use std::path::{Path, PathBuf};

pub(crate) use control::LONGEST as LONGEST_CONTROL;
pub use control::{ClusterState, ControlFile};
pub use postmaster::Postmaster;
pub use queue::Queue;

use crate::error::Result;

/// A PostgreSQL data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir(PathBuf);

/// What a data directory's signal files ask the server to do (PostgreSQL 12 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// `standby.signal`, which wins when both are there: recover and stay a standby.
    Standby,
    /// `recovery.signal`: recover, then open.
    Recovery,
    /// Neither.
    None,
}

impl DataDir {
    /// The directory at this path; whether it is a data directory shows when it is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The data directory that a path inside `pg_wal` names, read from the path alone: PostgreSQL says
    /// `pg_wal/0000…` with the data directory as the current one, and a `pg_wal` that is a symbolic
    /// link must not lead away from it.
    pub fn around_wal(file: &Path) -> Self {
        let pg_wal = file.parent().unwrap_or(Path::new(""));
        match pg_wal.parent() {
            Some(above) if above != Path::new("") => Self::new(above),
            Some(_) => Self::new("."),
            None => Self::new(".."),
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What its signal files ask for.
    pub fn signal(&self) -> Signal {
        if self.0.join("standby.signal").exists() {
            Signal::Standby
        } else if self.0.join("recovery.signal").exists() {
            Signal::Recovery
        } else {
            Signal::None
        }
    }

    /// What `global/pg_control` says.
    pub fn control(&self) -> Result<ControlFile> {
        ControlFile::read(&self.0)
    }

    /// The bytes of `global/pg_control`, whole and untorn.
    pub fn control_bytes(&self) -> Result<Vec<u8>> {
        ControlFile::read_whole(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_directory_is_read_from_the_path_postgresql_gives() {
        let around = |file: &str| DataDir::around_wal(Path::new(file));
        assert_eq!(around("pg_wal/RECOVERYXLOG"), DataDir::new("."));
        assert_eq!(around("/var/lib/pg/data/pg_wal/RECOVERYXLOG"), DataDir::new("/var/lib/pg/data"));
        assert_eq!(around("RECOVERYXLOG"), DataDir::new(".."));
    }

    #[test]
    fn standby_signal_wins_over_recovery_signal() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::new(dir.path());
        assert_eq!(data.signal(), Signal::None);
        std::fs::write(dir.path().join("recovery.signal"), "").unwrap();
        assert_eq!(data.signal(), Signal::Recovery);
        std::fs::write(dir.path().join("standby.signal"), "").unwrap();
        assert_eq!(data.signal(), Signal::Standby);
    }
}
