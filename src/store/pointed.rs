//! A point before and after every call of a store ([`crate::points`]); only where there are points.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::{Key, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished, Upload};
use crate::error::Result;
use crate::points::{self, Step};

/// The store, with points around its calls if this process counts them.
pub(super) fn pointed(store: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
    if points::is_armed() { Arc::new(Pointed(store)) } else { store }
}

struct Pointed(Arc<dyn ObjectStore>);

impl fmt::Display for Pointed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One point before the call, and one when it has succeeded.
async fn around<T>(what: &'static str, key: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
    points::pass(Step::Ask(what, key))?;
    let answer = call.await?;
    points::pass(Step::Answered(what, key))?;
    Ok(answer)
}

fn first(keys: &[Key]) -> &str {
    keys.first().map_or("", Key::as_str)
}

#[async_trait]
impl ObjectStore for Pointed {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        around("put", key.as_str(), self.0.put(key, body, how)).await
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        let upload = around("begin", key.as_str(), self.0.upload(key, how, in_flight)).await?;
        Ok(Box::new(PointedUpload { upload, key: key.clone() }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        around("get", key.as_str(), self.0.get(key, range)).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        around("head", key.as_str(), self.0.head(key)).await
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        // Nothing of a list is done before it is read, and a page is no step of anybody's.
        let before = points::pass(Step::Ask("list", prefix.as_str())).map_err(Into::into);
        match before {
            Ok(()) => self.0.list(prefix, after),
            Err(e) => stream::once(async { Err(e) }).boxed(),
        }
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        around("list folders of", under.map_or("", Key::as_str), self.0.folders(under)).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        around("delete", first(keys), self.0.delete(keys)).await
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        around("list unfinished", prefix.as_str(), self.0.unfinished(prefix)).await
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        let key = unfinished.first().map_or("", |upload| upload.key.as_str());
        around("forget", key, self.0.forget(unfinished)).await
    }

    async fn make_bucket(&self) -> Result<bool> {
        around("make the bucket", "", self.0.make_bucket()).await
    }
}

struct PointedUpload {
    upload: Box<dyn Upload>,
    key: Key,
}

#[async_trait]
impl Upload for PointedUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        around("put a part of", self.key.as_str(), self.upload.part(part)).await
    }

    async fn finish(self: Box<Self>) -> Result<()> {
        around("finish", self.key.as_str(), self.upload.finish()).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        around("abort", self.key.as_str(), self.upload.abort()).await
    }
}
