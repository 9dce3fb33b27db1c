//! `backup-delete`: one base backup, and the WAL that only it needed.

use super::Access;
use super::deletion::{Care, Deletion, Doomed, carry_out, plan_around};
use crate::archive::OpenArchive;
use crate::error::Result;
use crate::model::{BackupRef, Facts, Plan};

/// What to delete.
#[derive(Debug, Clone)]
pub struct Request {
    /// How the archive is got at.
    pub access: Access,
    /// The backup.
    pub which: BackupRef,
    /// So many usable backups must stay.
    pub minimum: u32,
    /// Only tell what would be deleted.
    pub dry_run: bool,
    /// How it is removed.
    pub care: Care,
}

/// Deletes it.
///
/// Kinds of failure: `NotFound`; `Conflict` when it is kept, needed, locked or may be running; those of the store.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Deletion> {
    let opened = request.access.open(archive).await?;
    let (catalog, wal) = tokio::try_join!(opened.catalog(), opened.wal_inventory())?;
    let id = catalog.find(&request.which)?.backup.id;
    let now = request.access.now;
    let make = |facts: &Facts| Plan::of_one(id, request.minimum, now, facts, &wal);
    let plan = plan_around(&opened, &catalog, request.care, now, make).await?;
    let mut doomed = Doomed::default();
    if request.dry_run {
        doomed = Doomed::of(&opened, &catalog, &plan)?;
    } else {
        carry_out(&opened, &catalog, &plan, request.care, now).await?;
    }
    let address = archive.address().to_string();
    Ok(Deletion { address, plan, abandoned: Vec::new(), dry_run: request.dry_run, catalog, doomed })
}
