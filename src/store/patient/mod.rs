//! Patience with a store: every request limited in time and tried again, every transfer watched and
//! resumed. Written once, as a store around a store.

mod body;

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};

use super::retry::{Attempts, Patience};
use super::{Key, Locks, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished, Upload};
use crate::error::Result;

/// So many keys are deleted under one deadline; what S3 takes in one request.
const BATCH: usize = 1000;

/// What one key counts for in the deadline of a request about many: deleted one by one, a batch
/// takes a while.
const BYTES_PER_KEY: u64 = 1 << 10;

/// What an answer that is made of pages may take as a whole. Every page has a deadline and attempts of
/// its own, which only the store can give it; this ends a listing that never does.
const LONGEST_LISTING: Duration = Duration::from_hours(1);

/// A store, and patience with it.
///
/// Two things it leaves to the store. An [`Upload`] once begun: only the store has the parts that are
/// under way at hand. And the pages of an answer that comes as a whole: only the store knows where one
/// begins. Both it tries again itself, with the same helper.
#[derive(Clone)]
pub struct Patient {
    store: Arc<dyn ObjectStore>,
    patience: Patience,
}

impl Patient {
    /// Patience with `store`.
    pub fn new(store: Arc<dyn ObjectStore>, patience: Patience) -> Self {
        Self { store, patience }
    }
}

impl fmt::Display for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Patient {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        let what = || format!("put {key} into {self}");
        self.patience.persist(body.len() as u64, what, || self.store.put(key, body.clone(), how)).await
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        let what = || format!("begin {key} in {self}");
        self.patience.persist(0, what, || self.store.upload(key, how, in_flight)).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        let what = || format!("get {key} from {self}");
        let object = self.patience.persist(0, what, || self.store.get(key, range.clone())).await?;
        let range = super::clip(range, &object.meta)?.unwrap_or(0..object.meta.size);
        let body = body::watched(self.clone(), object.meta.clone(), object.body, range);
        Ok(Object { meta: object.meta, body })
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let what = || format!("look for {key} in {self}");
        self.patience.persist(0, what, || self.store.head(key)).await
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        let listing = Listing {
            patient: self,
            prefix: prefix.clone(),
            after: after.cloned(),
            items: self.store.list(prefix, after),
        };
        let next =
            |mut listing: Listing<'a>| async move { Ok(listing.next().await?.map(|item| (item, listing))) };
        stream::try_unfold(listing, next).boxed()
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let what = || format!("list folders of {self}");
        self.patience.limit(LONGEST_LISTING, what, self.store.folders(under)).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        for batch in keys.chunks(BATCH) {
            let bytes = BYTES_PER_KEY * batch.len() as u64;
            let what = || format!("delete from {self}");
            self.patience.persist(bytes, what, || self.store.delete(batch)).await?;
        }
        Ok(())
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        let what = || format!("list unfinished uploads of {self}");
        self.patience.limit(LONGEST_LISTING, what, self.store.unfinished(prefix)).await
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        for batch in unfinished.chunks(BATCH) {
            let bytes = BYTES_PER_KEY * batch.len() as u64;
            let what = || format!("forget unfinished uploads of {self}");
            self.patience.persist(bytes, what, || self.store.forget(batch)).await?;
        }
        Ok(())
    }

    async fn make_bucket(&self) -> Result<bool> {
        let what = || format!("make the bucket of {self}");
        self.patience.persist(0, what, || self.store.make_bucket()).await
    }

    async fn locks(&self) -> Result<Locks> {
        let what = || format!("ask whether {self} has locks");
        self.patience.persist(0, what, || self.store.locks()).await
    }
}

/// A list under way, which goes on after the last key it gave.
struct Listing<'a> {
    patient: &'a Patient,
    prefix: Prefix,
    after: Option<Key>,
    items: BoxStream<'a, Result<ObjectMeta>>,
}

impl Listing<'_> {
    async fn next(&mut self) -> Result<Option<ObjectMeta>> {
        let patience = &self.patient.patience;
        let mut attempts = Attempts::new(patience);
        loop {
            let what = || format!("list {} in {}", self.prefix, self.patient);
            match patience.limit(patience.allowance(0), what, self.items.try_next()).await {
                Ok(item) => {
                    self.after = item.as_ref().map(|meta| meta.key.clone());
                    return Ok(item);
                }
                Err(e) => attempts.wait_after(e).await?,
            }
            self.items = self.patient.store.list(&self.prefix, self.after.as_ref());
        }
    }
}
