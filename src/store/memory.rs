//! A store in memory: the reference for what a store does, and what the verbs are tested over.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;

use super::{IfExists, Key, Lock, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished, Upload};
use crate::error::{Error, Result};

/// Objects in memory; clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    objects: Arc<Mutex<Objects>>,
}

#[derive(Debug, Default)]
struct Objects {
    by_key: BTreeMap<Key, (ObjectMeta, Bytes)>,
    /// Uploads that are neither finished nor aborted, by number. Like a service's, one that is dropped
    /// stays until it is forgotten.
    uploads: BTreeMap<u64, Unfinished>,
    /// Numbers the writes, so that every write has an etag of its own, and the uploads.
    writes: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `f` over the objects. A panic elsewhere cannot leave a map half changed, so poison is
    /// ignored.
    fn with<T>(&self, f: impl FnOnce(&mut Objects) -> T) -> T {
        f(&mut self.objects.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn store(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.with(|objects| {
            if how.if_exists == IfExists::Fail && objects.by_key.contains_key(key) {
                return Err(Error::conflict(format!("{key} is already in {self}")));
            }
            objects.writes += 1;
            let meta = ObjectMeta {
                key: key.clone(),
                size: body.len() as u64,
                modified: Some(Timestamp::now()),
                etag: Some(objects.writes.to_string()),
                metadata: how.metadata.clone(),
                lock: how.retain.map(|retain| Lock::Until(retain.until)),
            };
            objects.by_key.insert(key.clone(), (meta, body));
            Ok(())
        })
    }

    /// The first object after `after` that begins with `prefix`.
    fn next(&self, prefix: &Prefix, after: Option<&Key>) -> Option<ObjectMeta> {
        self.with(|objects| {
            let from = after.map_or(Bound::Unbounded, Bound::Excluded);
            let mut rest = objects.by_key.range((from, Bound::Unbounded));
            let (_, (meta, _)) = rest.find(|(key, _)| prefix.matches(key))?;
            Some(ObjectMeta { metadata: BTreeMap::new(), ..meta.clone() })
        })
    }
}

impl fmt::Display for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory:")
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.store(key, body, how)
    }

    async fn upload(&self, key: &Key, how: &Put, _in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        let number = self.with(|objects| {
            objects.writes += 1;
            let (begun, id) = (Some(Timestamp::now()), objects.writes.to_string());
            objects.uploads.insert(objects.writes, Unfinished { key: key.clone(), begun, id });
            objects.writes
        });
        let (store, key, how) = (self.clone(), key.clone(), how.clone());
        Ok(Box::new(MemoryUpload { store, number, key, how, body: BytesMut::new() }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        let found = self.with(|objects| objects.by_key.get(key).cloned());
        let Some((meta, body)) = found else {
            return Err(Error::not_found(format!("{key} is not in {self}")));
        };
        let body = match super::clip(range, &meta)? {
            Some(range) => body.slice(within(range.start)..within(range.end)),
            None => body,
        };
        Ok(Object { meta, body: stream::iter([Ok(body)]).boxed() })
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        Ok(self.with(|objects| objects.by_key.get(key).map(|(meta, _)| meta.clone())))
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        let state = (prefix.clone(), after.cloned());
        let next = move |(prefix, after): (Prefix, Option<Key>)| async move {
            let meta = self.next(&prefix, after.as_ref())?;
            let after = Some(meta.key.clone());
            Some((Ok(meta), (prefix, after)))
        };
        stream::unfold(state, next).boxed()
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let prefix = under.map_or_else(Prefix::everything, Key::inside);
        let folders: BTreeSet<_> = self.with(|objects| {
            let inside = objects.by_key.keys().filter(|key| prefix.matches(key));
            let names = inside.filter_map(|key| key.as_str()[prefix.as_str().len()..].split_once('/'));
            names.map(|(name, _)| format!("{prefix}{name}")).collect()
        });
        folders.into_iter().map(Key::new).collect()
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        self.with(|objects| {
            for key in keys {
                objects.by_key.remove(key);
            }
        });
        Ok(())
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        let is_inside = |upload: &&Unfinished| prefix.matches(&upload.key);
        Ok(self.with(|objects| objects.uploads.values().filter(is_inside).cloned().collect()))
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        self.with(|objects| objects.uploads.retain(|_, upload| !unfinished.contains(upload)));
        Ok(())
    }

    async fn make_bucket(&self) -> Result<bool> {
        Ok(false)
    }
}

/// An offset within a body in memory.
fn within(offset: u64) -> usize {
    usize::try_from(offset).expect("a range was clipped to the length of a body in memory")
}

struct MemoryUpload {
    store: MemoryStore,
    number: u64,
    key: Key,
    how: Put,
    body: BytesMut,
}

#[async_trait]
impl Upload for MemoryUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        self.body.extend_from_slice(&part);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        if self.store.with(|objects| objects.uploads.remove(&self.number)).is_none() {
            return Err(Error::unavailable(format!("the upload of {} has been forgotten", self.key)));
        }
        self.store.store(&self.key, self.body.freeze(), &self.how)
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.store.with(|objects| objects.uploads.remove(&self.number));
        Ok(())
    }
}
