//! All base backups of an archive.

use jiff::Timestamp;

use super::{Archive, BackupFiles, backup_info};
use crate::error::{Error, Result};
use crate::model::{Backup, BackupId, BackupRef, Keep};

/// All base backups of an archive, as one listing and their records show them.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Those whose record can be read, oldest first.
    pub entries: Vec<Entry>,
    /// Those whose record cannot be read: nothing that could need them may be deleted.
    pub unreadable: Vec<Unreadable>,
    /// Folders without a record: what a killed run, or a deletion by another tool, has left.
    pub orphans: Vec<Orphan>,
}

/// One base backup.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What is recorded about it.
    pub backup: Backup,
    /// What of it lies in the archive.
    pub files: BackupFiles,
    /// Whether it is kept, and for what.
    pub keep: Option<Keep>,
    /// When its record was stored, by the store's clock.
    pub recorded: Option<Timestamp>,
}

/// A base backup whose record cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub id: BackupId,
    /// Why not.
    pub error: Error,
    /// What of it lies in the archive.
    pub files: BackupFiles,
}

/// A backup's folder without a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    /// Which.
    pub id: BackupId,
    /// What lies in it.
    pub files: BackupFiles,
    /// When the newest of it was stored, by the store's clock.
    pub newest: Option<Timestamp>,
}

impl Archive {
    /// All base backups: one listing, then their records and annotations, several at a time.
    pub async fn catalog(&self) -> Result<Catalog> {
        let _ = backup_info::parse;
        Err(Error::bug("the catalogue cannot be read yet"))
    }
}

impl Catalog {
    /// The backup that is meant: kind `NotFound` when there is none, `Usage` when a name is ambiguous.
    pub fn find(&self, _: &BackupRef) -> Result<&Entry> {
        Err(Error::bug("the catalogue cannot be read yet"))
    }
}
