//! What a backup is kept for: its annotation.

use bytes::Bytes;

use super::layout::BackupObject;
use super::{Archive, BackupFiles};
use crate::error::Result;
use crate::model::{BackupId, Keep};
use crate::store::{IfExists, Put};

impl Archive {
    /// Keeps a backup, whatever it was kept for before. The annotation is written where every other
    /// tool with the same URL looks for it (spec/barman-cloud.md 3.6); one in the other spelling is
    /// removed after that, so that it cannot say something else.
    pub async fn keep_backup(&self, id: &BackupId, files: &BackupFiles, keep: Keep) -> Result<()> {
        let key = self.layout.backup(id, &BackupObject::Keep)?;
        let how = Put { if_exists: IfExists::Replace, ..Put::default() };
        let slashed = self.slashed.as_ref().is_some_and(|other| other.writes);
        self.spelling(slashed).put(&key, Bytes::from(keep.name()), &how).await?;
        let others = files.keeps_in(!slashed);
        if others.is_empty() { Ok(()) } else { self.spelling(!slashed).delete(others).await }
    }

    /// Lets a backup go: removes its annotation in both spellings.
    pub async fn release_backup(&self, files: &BackupFiles) -> Result<()> {
        for slashed in [false, true] {
            let keys = files.keeps_in(slashed);
            if !keys.is_empty() {
                self.spelling(slashed).delete(keys).await?;
            }
        }
        Ok(())
    }
}
