//! Objects that are put only to see what a store does with them.

use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::{Archive, ByteStream};
use crate::error::{Context, Result};
use crate::model::{ProbeFact, Timeline};
use crate::store::{IfExists, Key, Lock, ObjectMeta, Put};

/// A probe object's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe(Key);

impl Archive {
    /// The probe object with this name. It lies where no reader of the layout looks.
    pub fn probe(&self, name: &str) -> Result<Probe> {
        Ok(Probe(self.layout.probes()?.join(name)?))
    }

    /// Puts it, over whatever is there.
    pub async fn replace_probe(&self, probe: &Probe, body: Bytes) -> Result<()> {
        let how = Put { if_exists: IfExists::Replace, ..Put::default() };
        self.store.put(&probe.0, body, &how).await
    }

    /// Puts it exclusively; kind `Conflict` when it is there already.
    pub async fn put_probe(&self, probe: &Probe, body: Bytes) -> Result<()> {
        self.store.put(&probe.0, body, &Put::default()).await
    }

    /// Whether it is there, and if so when the store says it was put.
    pub async fn probed_at(&self, probe: &Probe) -> Result<Option<Option<Timestamp>>> {
        Ok(self.store.head(&probe.0).await?.map(|meta| meta.modified))
    }

    /// Reads it, or a piece of it.
    pub async fn read_probe(&self, probe: &Probe, range: Option<Range<u64>>) -> Result<ByteStream> {
        Ok(self.store.get(&probe.0, range).await?.body)
    }

    /// All probe objects that are there.
    pub async fn list_probes(&self) -> Result<Vec<Probe>> {
        self.store
            .list(&self.layout.probes()?.inside(), None)
            .map_ok(|meta| Probe(meta.key))
            .try_collect()
            .await
    }

    /// The same with what decisions about them are made upon.
    pub async fn left_probes(&self) -> Result<Vec<(Probe, ProbeFact)>> {
        let fact = |meta: ObjectMeta| {
            let fact = ProbeFact {
                key: meta.key.to_string(),
                stored_bytes: meta.size,
                stored: meta.modified,
                locked: None,
            };
            (Probe(meta.key), fact)
        };
        self.store.list(&self.layout.probes()?.inside(), None).map_ok(fact).try_collect().await
    }

    /// What keeps a probe object from being deleted now.
    pub async fn probe_lock(&self, probe: &Probe, now: Timestamp) -> Result<Option<Lock>> {
        self.lock(&probe.0, now).await
    }

    /// Deletes probe objects.
    pub async fn delete_probes(&self, probes: &[Probe]) -> Result<()> {
        let keys: Vec<Key> = probes.iter().map(|p| p.0.clone()).collect();
        self.store.delete(&keys).await
    }

    /// Makes the bucket (the container) that the archive is in where it is missing, and tells whether it did.
    pub async fn make_bucket(&self) -> Result<bool> {
        self.store.make_bucket().await
    }

    /// Whether there is anything at all among the WAL; one request.
    pub async fn any_wal(&self) -> Result<bool> {
        let first = self.store.list(&self.layout.wals()?.inside(), None).next().await.transpose()?;
        Ok(first.is_some())
    }

    /// The newest timeline that has WAL in the archive; `None` when there is none.
    pub async fn newest_timeline(&self) -> Result<Option<Timeline>> {
        let folders =
            self.store.folders(Some(&self.layout.wals()?)).await.context(|| "look for timelines")?;
        Ok(folders.iter().filter_map(|folder| folder.file_name().get(..8)?.parse().ok()).max())
    }
}
