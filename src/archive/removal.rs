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

use std::num::NonZeroUsize;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::layout::BackupObject;
use super::{Archive, BackupFiles};
use crate::error::{Context, Error, Result};
use crate::model::{Backup, BackupId, BackupStatus, UploadFact, WalObject};
use crate::store::{Key, Lock, ObjectStore, Tags, Unfinished};

/// What a backup's folder never has.
const NEVER_THERE: &str = "barkeep_never_there";

/// Objects per deletion request: what S3 takes.
const BATCH: usize = 1000;

/// Requests under way at once.
const AT_ONCE: usize = 4;

/// Questions for locks under way at once.
const HEADS_AT_ONCE: usize = 16;

impl Archive {
    /// Step 1 for one backup.
    pub async fn unpublish_backup(&self, backup: &Backup) -> Result<()> {
        let mut marked = backup.clone();
        marked.status = BackupStatus::Failed;
        marked.error = Some(Backup::HALF_DELETED.to_owned());
        self.publish_backup(&marked, &Tags::default()).await.context(|| format!("un-publish {}", backup.id))
    }

    /// Step 2, for all these backups.
    pub async fn remove_files<'a>(
        &self,
        all: impl Iterator<Item = &'a BackupFiles> + Clone,
        batch: Option<NonZeroUsize>,
    ) -> Result<()> {
        let bodies = all.clone().flat_map(BackupFiles::body).cloned().collect();
        remove(&*self.store, bodies, batch, |_| ()).await?;
        for slashed in [false, true] {
            let keeps = all.clone().flat_map(|files| files.keeps_in(slashed)).cloned().collect();
            remove(self.spelling(slashed), keeps, batch, |_| ()).await?;
        }
        Ok(())
    }

    /// Step 3: these files, in their order. `removed` is told how many are gone after every batch.
    pub async fn remove_wals(
        &self,
        all: &[WalObject],
        batch: Option<NonZeroUsize>,
        removed: impl FnMut(usize),
    ) -> Result<()> {
        let keys: Result<Vec<Key>> =
            all.iter().map(|object| self.layout.wal(&object.name, object.compression)).collect();
        remove(&*self.store, keys?, batch, removed).await
    }

    /// Step 4.
    pub async fn remove_records(&self, ids: &[BackupId], batch: Option<NonZeroUsize>) -> Result<()> {
        let keys: Result<Vec<Key>> =
            ids.iter().map(|id| self.layout.backup(id, &BackupObject::Record)).collect();
        remove(&*self.store, keys?, batch, |_| ()).await
    }

    /// The first object of a backup that the store would not let go now, and why.
    pub async fn first_lock(&self, files: &BackupFiles, now: Timestamp) -> Result<Option<(String, Lock)>> {
        let asked = files.body().cloned().map(|key| async move {
            let found = self.store.head(&key).await.context(|| format!("ask whether {key} is locked"))?;
            let lock = found.and_then(|meta| meta.lock).filter(|lock| lock.holds(now));
            Ok::<_, Error>(lock.map(|lock| (key.to_string(), lock)))
        });
        let mut answers = stream::iter(asked).buffered(HEADS_AT_ONCE);
        while let Some(answer) = answers.try_next().await? {
            if answer.is_some() {
                return Ok(answer);
            }
        }
        Ok(None)
    }

    /// What keeps the record of a backup from being replaced and deleted now.
    pub async fn record_lock(&self, id: &BackupId, now: Timestamp) -> Result<Option<Lock>> {
        self.lock(&self.layout.backup(id, &BackupObject::Record)?, now).await
    }

    /// What keeps a WAL file from being deleted now.
    pub async fn wal_lock(&self, object: &WalObject, now: Timestamp) -> Result<Option<Lock>> {
        self.lock(&self.layout.wal(&object.name, object.compression)?, now).await
    }

    pub(super) async fn lock(&self, key: &Key, now: Timestamp) -> Result<Option<Lock>> {
        let found = self.store.head(key).await.context(|| format!("ask whether {key} is locked"))?;
        Ok(found.and_then(|meta| meta.lock).filter(|lock| lock.holds(now)))
    }

    /// Asks the store to delete what is not there, in a backup's folder: kind `Denied` when these credentials
    /// may not delete.
    pub async fn prove_deletion(&self, id: &BackupId) -> Result<()> {
        let key = self.layout.backup_folder(id)?.join(NEVER_THERE)?;
        self.store.delete(&[key]).await
    }

    /// The key of a backup's record, for messages.
    pub fn record_key(&self, id: &BackupId) -> Result<String> {
        Ok(self.layout.backup(id, &BackupObject::Record)?.to_string())
    }

    /// The key of a WAL file, for messages.
    pub fn wal_key(&self, object: &WalObject) -> Result<String> {
        Ok(self.layout.wal(&object.name, object.compression)?.to_string())
    }

    /// The uploads below `base` and `wals` that were begun before this moment and never finished.
    pub async fn abandoned(&self, before: Timestamp) -> Result<Abandoned> {
        let mut all = self.unfinished_in([self.layout.bases()?, self.layout.wals()?]).await?;
        all.retain(|upload| upload.begun.is_some_and(|begun| begun < before));
        Ok(Abandoned(all))
    }

    /// All uploads of this server that were begun and not finished, whatever their age: some may be under
    /// way right now.
    pub async fn begun_uploads(&self) -> Result<Vec<BegunUpload>> {
        let folders = [self.layout.bases()?, self.layout.wals()?, self.layout.probes()?];
        let all = self.unfinished_in(folders).await?;
        let begun = |upload: Unfinished| {
            let backup = self.layout.read_backup(&upload.key).map(|(id, _)| id);
            BegunUpload { upload, backup }
        };
        Ok(all.into_iter().map(begun).collect())
    }

    async fn unfinished_in(&self, folders: impl IntoIterator<Item = Key>) -> Result<Vec<Unfinished>> {
        let mut all = Vec::new();
        for folder in folders {
            all.extend(self.store.unfinished(&folder.inside()).await?);
        }
        Ok(all)
    }

    /// Frees what they hold.
    pub async fn forget(&self, abandoned: &Abandoned) -> Result<()> {
        if abandoned.is_empty() { Ok(()) } else { self.store.forget(&abandoned.0).await }
    }
}

/// Uploads that were begun long ago and never finished.
#[derive(Debug, Default)]
pub struct Abandoned(Vec<Unfinished>);

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

impl FromIterator<BegunUpload> for Abandoned {
    /// Those that somebody has judged to be.
    fn from_iter<I: IntoIterator<Item = BegunUpload>>(judged: I) -> Self {
        Self(judged.into_iter().map(|begun| begun.upload).collect())
    }
}

/// An upload that was begun and not finished.
#[derive(Debug, Clone)]
pub struct BegunUpload {
    upload: Unfinished,
    /// The backup it was to be part of.
    backup: Option<BackupId>,
}

impl BegunUpload {
    /// What decisions about it are made upon.
    pub fn fact(&self) -> UploadFact {
        let Unfinished { key, begun, .. } = &self.upload;
        UploadFact { key: key.to_string(), backup: self.backup, begun: *begun }
    }
}

/// Removes objects in batches, a few requests at a time, and counts in their order.
async fn remove(
    store: &dyn ObjectStore,
    keys: Vec<Key>,
    batch: Option<NonZeroUsize>,
    mut removed: impl FnMut(usize),
) -> Result<()> {
    let size = batch.map_or(BATCH, |batch| batch.get().min(BATCH));
    let batches: Vec<Vec<Key>> = keys.chunks(size).map(<[Key]>::to_vec).collect();
    let sent = stream::iter(batches).map(|batch| async move {
        store.delete(&batch).await?;
        Ok::<_, Error>(batch.len())
    });
    let mut answers = sent.buffered(AT_ONCE);
    while let Some(count) = answers.try_next().await? {
        removed(count);
    }
    Ok(())
}
