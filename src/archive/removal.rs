//! Deletion, step by step.
//!
//! The order that keeps every interruption harmless:
//!
//! 1. *Un-publish*: each record is rewritten as FAILED, saying that the deletion was begun. From here on
//!    nobody takes the backup for one, and everybody who reads the catalogue sees what it is.
//! 2. Tars, manifest, foreign objects of the folder, annotations.
//! 3. WAL, oldest first, in batches of which a few are on their way at once.
//! 4. The records.
//!
//! As the record goes last, the next run finds whatever an interruption has left, at any age, knows which
//! WAL had become free, and finishes. Removing the record at once instead would leave a folder that
//! looks just like the one of a tool that stores its record only at the end of a backup, so it could be
//! touched only after days, and its WAL never.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::layout::BackupObject;
use super::{Archive, BackupFiles};
use crate::error::{Context, Result};
use crate::model::{Backup, BackupId, BackupStatus, WalObject};
use crate::store::{Key, ObjectStore, Tags};

/// Objects per deletion request: what S3 takes.
const BATCH: usize = 1000;

/// Requests under way at once.
const AT_ONCE: usize = 4;

impl Archive {
    /// Step 1 for one backup.
    pub async fn unpublish_backup(&self, backup: &Backup) -> Result<()> {
        let mut marked = backup.clone();
        marked.status = BackupStatus::Failed;
        marked.error = Some(Backup::HALF_DELETED.to_owned());
        self.publish_backup(&marked, &Tags::default()).await.context(|| format!("un-publish {}", backup.id))
    }

    /// Step 2, for all these backups.
    pub async fn remove_files<'a>(&self, all: impl Iterator<Item = &'a BackupFiles> + Clone) -> Result<()> {
        let bodies = all.clone().flat_map(BackupFiles::body).cloned().collect();
        remove(&*self.store, bodies, |_| ()).await?;
        for slashed in [false, true] {
            let keeps = all.clone().flat_map(|files| files.keeps_in(slashed)).cloned().collect();
            remove(self.spelling(slashed), keeps, |_| ()).await?;
        }
        Ok(())
    }

    /// Step 3: these files, in their order. `removed` is told how many are gone after every batch.
    pub async fn remove_wals(&self, all: &[WalObject], removed: impl FnMut(usize)) -> Result<()> {
        let keys: Result<Vec<Key>> =
            all.iter().map(|object| self.layout.wal(&object.name, object.compression)).collect();
        remove(&*self.store, keys?, removed).await
    }

    /// Step 4.
    pub async fn remove_records(&self, ids: &[BackupId]) -> Result<()> {
        let keys: Result<Vec<Key>> =
            ids.iter().map(|id| self.layout.backup(id, &BackupObject::Record)).collect();
        remove(&*self.store, keys?, |_| ()).await
    }

    /// The uploads below `base` and `wals` that were begun before this moment and never finished.
    pub async fn abandoned(&self, before: Timestamp) -> Result<Abandoned> {
        let mut all = Vec::new();
        for folder in [self.layout.bases()?, self.layout.wals()?] {
            all.extend(self.store.unfinished(&folder.inside()).await?);
        }
        all.retain(|upload| upload.begun.is_some_and(|begun| begun < before));
        Ok(Abandoned(all))
    }

    /// Frees what they hold.
    pub async fn forget(&self, abandoned: &Abandoned) -> Result<()> {
        if abandoned.is_empty() { Ok(()) } else { self.store.forget(&abandoned.0).await }
    }
}

/// Uploads that were begun long ago and never finished.
#[derive(Debug, Default)]
pub struct Abandoned(Vec<crate::store::Unfinished>);

impl Abandoned {
    /// How many.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys they were for.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|upload| upload.key.as_str())
    }
}

/// Removes objects in batches, a few requests at a time, and counts in their order.
async fn remove(store: &dyn ObjectStore, keys: Vec<Key>, mut removed: impl FnMut(usize)) -> Result<()> {
    let batches: Vec<Vec<Key>> = keys.chunks(BATCH).map(<[Key]>::to_vec).collect();
    let sent = stream::iter(batches).map(|batch| async move {
        store.delete(&batch).await?;
        Ok::<_, crate::error::Error>(batch.len())
    });
    let mut answers = sent.buffered(AT_ONCE);
    while let Some(count) = answers.try_next().await? {
        removed(count);
    }
    Ok(())
}
