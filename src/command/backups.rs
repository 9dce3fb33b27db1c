//! `backup-list`, `backup-show`, `backup-keep`: what backups there are, and which of them are kept.

use super::Access;
use super::fetch;
use crate::archive::{Archive, Catalog, Entry, OpenArchive, Orphan, Unreadable};
use crate::error::{Error, Result};
use crate::model::{BackupId, BackupRef, Keep, Timelines, WalInventory, WalState};

/// A backup, and whether its WAL is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// What the catalogue says.
    pub entry: Entry,
    /// Whether the WAL it cannot be restored without is there.
    pub wal: WalState,
}

impl Listed {
    async fn all(entries: Vec<Entry>, wal: &WalInventory, archive: &Archive) -> Result<Vec<Self>> {
        // Histories are read for the few backups that need one.
        let timelines = if entries.iter().any(|entry| entry.backup.changes_timeline()) {
            fetch::timelines(archive, wal).await?.0
        } else {
            Timelines::default()
        };
        let listed = |entry: Entry| Self { wal: WalState::of(&entry.backup, wal, &timelines), entry };
        Ok(entries.into_iter().map(listed).collect())
    }
}

/// What `backup-list` found.
#[derive(Debug)]
pub struct List {
    /// The archive's address, for people.
    pub address: String,
    /// The backups, oldest first.
    pub backups: Vec<Listed>,
    /// Those whose record cannot be read.
    pub unreadable: Vec<Unreadable>,
    /// Folders without a record.
    pub orphans: Vec<Orphan>,
}

/// What `backup-show` found.
#[derive(Debug)]
pub struct Show {
    /// The archive's address, for people.
    pub address: String,
    /// The backup.
    pub backup: Listed,
}

/// What `backup-keep` is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAction {
    /// Keep it, for this.
    Keep(Keep),
    /// Let it go.
    Release,
    /// Only tell.
    Status,
}

/// How a backup is kept after `backup-keep`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The backup.
    pub id: BackupId,
    /// What for, if it is.
    pub keep: Option<Keep>,
    /// What for it was before.
    pub before: Option<Keep>,
}

/// All backups, without a look at the WAL they need: one listing, their records and their annotations.
pub async fn catalog(access: &Access, archive: &dyn OpenArchive) -> Result<Catalog> {
    access.open(archive).await?.catalog().await
}

/// Lists all backups.
pub async fn list(access: &Access, archive: &dyn OpenArchive) -> Result<List> {
    let opened = access.open(archive).await?;
    let (catalog, wal) = tokio::try_join!(opened.catalog(), opened.wal_inventory())?;
    Ok(List {
        address: archive.address().to_string(),
        backups: Listed::all(catalog.entries, &wal, &opened).await?,
        unreadable: catalog.unreadable,
        orphans: catalog.orphans,
    })
}

/// Shows one backup. Kinds of failure: those of [`Catalog::find`](crate::archive::Catalog::find).
pub async fn show(which: &BackupRef, access: &Access, archive: &dyn OpenArchive) -> Result<Show> {
    let opened = access.open(archive).await?;
    let (catalog, wal) = tokio::try_join!(opened.catalog(), opened.wal_inventory())?;
    let backup = Listed::all(vec![catalog.find(which)?.clone()], &wal, &opened).await?.pop();
    let backup = backup.ok_or_else(|| Error::bug("one backup has no listing"))?;
    Ok(Show { address: archive.address().to_string(), backup })
}

/// Keeps a backup, lets it go, or tells. Only a usable one can be kept: kind `Conflict` otherwise. By its
/// identifier also one can be let go whose record cannot be read or is gone.
pub async fn keep(
    which: &BackupRef,
    action: KeepAction,
    access: &Access,
    archive: &dyn OpenArchive,
) -> Result<Kept> {
    let opened = access.open(archive).await?;
    let catalog = opened.catalog().await?;
    let (id, files, before) = catalog.folder(which)?;
    let keep = match action {
        KeepAction::Status => before,
        KeepAction::Release => {
            opened.release_backup(files).await?;
            None
        }
        KeepAction::Keep(keep) => {
            let status = catalog.find(which)?.backup.status;
            if !status.is_usable() {
                let refused = format!("{id} is {status}, and only a usable backup can be kept");
                return Err(Error::conflict(refused));
            }
            opened.keep_backup(&id, files, keep).await?;
            Some(keep)
        }
    };
    Ok(Kept { id, keep, before })
}
