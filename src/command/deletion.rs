//! Carries a plan out. What goes has been decided; here only the order matters, and it is written down
//! in `archive/removal.rs`.

use std::fmt;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::archive::{Archive, Catalog};
use crate::error::{Context, Error, Result};
use crate::model::{BackupId, Plan};

/// How many records are rewritten at once.
const AT_ONCE: usize = 16;

/// A plan, and what came of it.
#[derive(Debug)]
pub struct Deletion {
    /// The archive's address, for people.
    pub address: String,
    /// What goes, what stays, and why.
    pub plan: Plan,
    /// The keys of abandoned uploads that are forgotten with it.
    pub abandoned: Vec<String>,
    /// The plan was only to be shown.
    pub dry_run: bool,
}

impl Deletion {
    /// Why nothing was deleted, when that is not because nothing was to be.
    pub fn failure(&self) -> Option<Error> {
        self.plan.blocked()
    }
}

/// How far a deletion has come.
#[derive(Debug, Default)]
struct Done {
    unpublished: usize,
    files: bool,
    wals: usize,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.files { "their files are gone" } else { "not all their files are gone" };
        write!(f, "{} backups are un-published, {files}, {} WAL files are gone", self.unpublished, self.wals)
    }
}

/// Deletes what the plan says; a plan that is blocked deletes nothing. A failure tells how far it came;
/// the next run goes on from there.
pub(super) async fn carry_out(archive: &Archive, catalog: &Catalog, plan: &Plan) -> Result<()> {
    if plan.blocked().is_some() {
        return Ok(());
    }
    let mut done = Done::default();
    let end = steps(archive, catalog, plan, &mut done).await;
    end.context(|| format!("delete ({done})")).map_err(|e| e.hint("run it again: it goes on from there"))
}

async fn steps(archive: &Archive, catalog: &Catalog, plan: &Plan, done: &mut Done) -> Result<()> {
    // Newest first, so that nothing stays published without what it builds upon.
    let ids: Vec<BackupId> = plan.going().rev().map(|judged| judged.id).collect();
    let entry = |id: &BackupId| catalog.entries.iter().find(|entry| entry.backup.id == *id);
    let entries: Vec<_> = ids.iter().filter_map(entry).collect();
    let requests = entries.iter().map(|entry| archive.unpublish_backup(&entry.backup));
    let mut unpublished = stream::iter(requests).buffered(AT_ONCE);
    while unpublished.try_next().await?.is_some() {
        done.unpublished += 1;
    }
    let orphan = |orphan: &_| plan.going_orphans().any(|judged| judged.id == *orphan);
    let orphans = catalog.orphans.iter().filter(|o| orphan(&o.id)).map(|orphan| &orphan.files);
    archive.remove_files(entries.iter().map(|entry| &entry.files).chain(orphans)).await?;
    done.files = true;
    archive.remove_wals(&plan.wal.objects, |count| done.wals += count).await?;
    archive.remove_records(&ids).await
}
