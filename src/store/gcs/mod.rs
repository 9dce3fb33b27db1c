//! Google Cloud Storage.
//!
//! Objects are read, listed, deleted and stored from memory through the JSON interface. One that is stored in
//! parts and may replace another goes through the XML interface, whose parts travel side by side and can be
//! listed when they are left behind ([`upload`]); one that must be the first goes through a session of the
//! JSON interface, which knows conditions ([`resumable`]). An emulator has the JSON interface only.

mod bucket;
mod client;
mod delete;
mod errors;
mod list;
mod object;
mod options;
mod resumable;
mod sign_in;
mod sum;
mod unfinished;
mod upload;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use http::{HeaderMap, Method};

pub use options::{GcsOptions, GoogleCredentials};

use super::http::{Answer, Http, Trust};
use super::{
    ExclusivePut, IfExists, Key, Locks, Object, ObjectMeta, ObjectStore, Patience, Prefix, Put, Unfinished,
    Upload,
};
use crate::error::{Context, Error, Result};
use client::{Call, Client};
use errors::{About, Class, Failure};
use object::{NewObject, Resource};
use sum::Sum;

/// A bucket, or what lies below a path in it, as a store.
#[derive(Clone)]
pub struct GcsStore {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    bucket: String,
    /// What every key begins with: empty, or ending in `/`.
    root: String,
    kms_key: Option<String>,
    /// Whether a key is asked for before an exclusive put.
    asks_first: bool,
    /// Whether the bucket is known to be there.
    is_there: AtomicBool,
    patience: Patience,
}

impl GcsStore {
    /// Signs in, with tokens kept in the directory `tokens` where there is one. Nothing is sent to the
    /// bucket.
    pub async fn open(
        bucket: &str,
        path: &str,
        options: &GcsOptions,
        tokens: Option<&Path>,
        exclusive: ExclusivePut,
        patience: &Patience,
    ) -> Result<Self> {
        let kms_key = options.kms_key.as_deref().map(|name| without_version(name).to_owned());
        let connect = async {
            let http =
                Http::new(Trust::given(options.ca_pem.as_ref(), options.ca_bundle.as_deref())?, patience);
            let access = sign_in::sign_in(options, &http, tokens, patience).await?;
            Client::new(http, access, bucket, kms_key.as_deref(), patience)
        };
        let client = connect.await.context(|| format!("sign in to the service of bucket {bucket}"))?;
        let shared = Shared {
            asks_first: match exclusive {
                ExclusivePut::Trusted => false,
                ExclusivePut::AskFirst => true,
                ExclusivePut::ByService => client.is_emulator(),
            },
            client,
            bucket: bucket.to_owned(),
            root: if path.is_empty() { String::new() } else { format!("{}/", path.trim_end_matches('/')) },
            kms_key,
            is_there: AtomicBool::new(false),
            patience: patience.clone(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The name of an object in the bucket.
    fn name(&self, key: &Key) -> String {
        format!("{}{key}", self.shared.root)
    }

    /// What the names of objects in the bucket begin with.
    fn below(&self, prefix: &Prefix) -> String {
        format!("{}{prefix}", self.shared.root)
    }

    /// The key of an object in the bucket; `None` for what cannot have been stored through this house,
    /// like the empty `folder/` objects that consoles create.
    fn key(&self, name: &str) -> Option<Key> {
        Key::new(name.strip_prefix(&self.shared.root)?).ok()
    }

    /// Kind `Conflict` when the key is taken and must be asked for first.
    async fn ask_first(&self, key: &Key, how: &Put) -> Result<()> {
        let asks = how.if_exists == IfExists::Fail && self.shared.asks_first && !how.asked;
        if asks && self.resource(key).await?.is_some() {
            return Err(Error::conflict(format!("{key} is already in {self}")));
        }
        Ok(())
    }

    /// Stores an object in one request: its description and its content, one after the other in
    /// `multipart/related`. The description has the sum that the service compares.
    async fn put_now(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.ask_first(key, how).await?;
        let name = self.name(key);
        let description = NewObject::new(&name, how, Some(Sum::of(&body))).text()?;
        let boundary = boundary();
        let head = format!(
            "--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{description}\r\n\
             --{boundary}\r\nContent-Type: {}\r\n\r\n",
            object::CONTENT_TYPE
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        let call = self
            .insertion("multipart", how)
            .query("fields", "generation")
            .body(&format!("multipart/related; boundary={boundary}"), vec![head.into(), body, tail.into()])?;
        match self.shared.client.send(&call).await {
            Ok(_) => Ok(()),
            Err(e) => Err(object::explain(e.into(), how)),
        }
    }

    /// A request that stores an object, or begins to.
    fn insertion(&self, kind: &'static str, how: &Put) -> Call {
        let path = client::uploads(&self.shared.bucket);
        let conditional = how.if_exists == IfExists::Fail;
        Call::new(Method::POST, path, About::Bucket, "storage.objects.create")
            .query("uploadType", kind)
            .query_if("ifGenerationMatch", conditional.then_some("0"))
            .query_if("kmsKeyName", self.shared.kms_key.as_deref())
    }

    /// What the service knows of an object. `None` may also mean that there is no bucket, where the service
    /// does not tell. Enough where a request follows that does.
    async fn resource(&self, key: &Key) -> Result<Option<Resource>> {
        match self.try_resource(key).await {
            Ok(found) => Ok(Some(found)),
            Err(e) if matches!(e.class, Some(Class::Missing | Class::NoObject)) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    async fn try_resource(&self, key: &Key) -> Result<Resource, Failure> {
        let path = client::object(&self.shared.bucket, &self.name(key));
        let call = Call::new(Method::GET, path, About::Object, "storage.objects.get");
        let answer = self.shared.client.send(&call.query("fields", object::FIELDS)).await?;
        let text = answer.bytes().await?;
        let unreadable = |e| Error::unavailable(format!("what is told of {key} cannot be read: {e}"));
        Ok(serde_json::from_slice(&text).map_err(unreadable)?)
    }

    async fn head_now(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        match self.try_resource(key).await {
            Ok(found) => found.meta(key.clone()).map(Some),
            Err(e) if e.class == Some(Class::NoObject) => Ok(None),
            Err(e) if e.class == Some(Class::Missing) => self.require_bucket().await.map(|()| None),
            Err(e) => Err(e.into()),
        }
    }

    /// Says once per store, by a list of at most one object, that the bucket is there. Google itself says of an
    /// object that it is the one that is missing; where that is not said, a list that is refused proves nothing.
    async fn require_bucket(&self) -> Result<()> {
        if !self.shared.is_there.load(Ordering::Relaxed) {
            list::probe(self).await?;
            self.shared.is_there.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Opens an object. The service says with the content what is known of it; where it does not, it is asked
    /// for that first, and the content then belongs to what it said.
    async fn get_now(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        if let Some(empty) = range.as_ref().filter(|range| range.is_empty()) {
            return Err(Error::usage(format!("range {empty:?} has no bytes")));
        }
        if !self.shared.client.is_emulator() {
            let answer = self.content(key, range.as_ref(), None).await?;
            if let Some(meta) = object::from_headers(key, &answer.headers, range.as_ref()) {
                return opened(meta, range, answer, &self.reading(key));
            }
        }
        let resource = match self.try_resource(key).await {
            Err(e) if e.class == Some(Class::Missing) => {
                self.require_bucket().await?;
                return Err(e.into());
            }
            found => found?,
        };
        let meta = resource.meta(key.clone())?;
        super::clip(range.clone(), &meta)?;
        let answer = self.content(key, range.as_ref(), meta.etag.as_deref()).await?;
        opened(meta, range, answer, &self.reading(key))
    }

    /// The content of an object, of this generation when one is given.
    async fn content(
        &self,
        key: &Key,
        range: Option<&Range<u64>>,
        generation: Option<&str>,
    ) -> Result<Answer> {
        let path = client::object(&self.shared.bucket, &self.name(key));
        // Whoever cannot read gzip gets objects that are stored so unpacked (docs: transcoding).
        let mut call = Call::new(Method::GET, path, About::Object, "storage.objects.get")
            .query("alt", "media")
            .query_if("generation", generation)
            .header("accept-encoding", "gzip")?;
        if let Some(range) = range {
            call = call.header("range", &format!("bytes={}-{}", range.start, range.end - 1))?;
        }
        match self.shared.client.send(&call).await {
            Err(e) if e.class == Some(Class::Missing) => {
                self.require_bucket().await?;
                Err(e.into())
            }
            answer => Ok(answer?),
        }
    }

    fn reading(&self, key: &Key) -> String {
        format!("get {key} from {self}")
    }
}

/// An object whose content has been answered. What is announced must be what was asked for.
fn opened(meta: ObjectMeta, range: Option<Range<u64>>, answer: Answer, place: &str) -> Result<Object> {
    if is_packed_on_the_way(&answer.headers) {
        return Err(Error::corrupt(format!("{} was packed on the way", meta.key)));
    }
    let range = super::clip(range, &meta)?.unwrap_or(0..meta.size);
    let (wanted, announced) = (range.end - range.start, number(&answer.headers, "content-length"));
    if announced.is_some_and(|announced| announced != wanted) {
        let announced = announced.unwrap_or_default();
        return Err(Error::corrupt(format!("{announced} bytes are announced instead of {wanted}")));
    }
    let place = place.to_owned();
    let body = futures_util::TryStreamExt::map_err(answer.body, move |e| e.context(place.clone()));
    Ok(Object { meta, body: Box::pin(body) })
}

/// Whether the content is packed and the object is not.
fn is_packed_on_the_way(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let is_plain = |encoding: Option<&str>| encoding.is_none_or(|name| name == "identity");
    text("x-goog-stored-content-encoding").is_some_and(|stored| is_plain(Some(stored)))
        && !is_plain(text("content-encoding"))
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// The name of a key without a version, which the service chooses itself and refuses to be told
/// (spec/barman-cloud.md 7.4: where a name has one, the reference does not ask for the key at all).
fn without_version(kms_key: &str) -> &str {
    kms_key.split_once("/cryptoKeyVersions/").map_or(kms_key, |(key, _)| key)
}

/// What stands between the parts of a request and in none of them: nobody who chooses content can know it.
/// Like the scatter of pauses, it is drawn from the seeds of the standard library's hash maps.
fn boundary() -> String {
    let draw = || RandomState::new().hash_one(0);
    format!("barkeep-{:016x}{:016x}", draw(), draw())
}

impl fmt::Display for GcsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { bucket, root, .. } = &*self.shared;
        write!(f, "gs://{bucket}/{root}")
    }
}

#[async_trait]
impl ObjectStore for GcsStore {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.put_now(key, body, how).await.context(|| format!("put {key} into {self}"))
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        // Only the XML interface sends parts side by side, but it knows no conditions, and its headers cannot
        // carry every tag.
        let headers = object::metadata_headers(how)
            .filter(|_| how.if_exists == IfExists::Replace && !self.shared.client.is_emulator());
        let begun = match headers {
            Some(headers) => upload::begin(self.clone(), key, &headers, in_flight).await,
            None => resumable::begin(self.clone(), key, how).await,
        };
        begun.map_err(|e| object::explain(e, how)).context(|| format!("begin {key} in {self}"))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        self.get_now(key, range).await.context(|| self.reading(key))
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.head_now(key).await.context(|| format!("look for {key} in {self}"))
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        list::objects_below(self, prefix, after)
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let inside = under.map_or_else(Prefix::everything, Key::inside);
        let found = list::folders(self, &inside).await;
        found.context(|| format!("list folders of {inside} in {self}"))
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        delete::all(self, keys).await.context(|| format!("delete from {self}"))
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        let found = unfinished::list(self, prefix).await;
        found.context(|| format!("list unfinished uploads of {prefix} in {self}"))
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        let forgotten = unfinished::forget(self, unfinished).await;
        forgotten.context(|| format!("forget unfinished uploads of {self}"))
    }

    async fn make_bucket(&self) -> Result<bool> {
        bucket::make(self).await.context(|| format!("make the bucket of {self}"))
    }

    async fn locks(&self) -> Result<Locks> {
        bucket::locks(self).await.context(|| format!("ask whether {self} has locks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_is_packed_while_its_object_is_not_is_noticed() {
        let packed = |stored: Option<&'static str>, sent: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            for (name, value) in [("x-goog-stored-content-encoding", stored), ("content-encoding", sent)] {
                value.map(|value| headers.insert(name, value.parse().unwrap()));
            }
            is_packed_on_the_way(&headers)
        };
        assert!(packed(Some("identity"), Some("gzip")));
        assert!(!packed(Some("identity"), None));
        assert!(!packed(Some("gzip"), Some("gzip")));
        assert!(!packed(None, None));
    }

    #[test]
    fn no_two_boundaries_are_the_same() {
        assert_ne!(boundary(), boundary());
        assert!(boundary().len() < 70, "RFC 2046 allows no longer one");
    }
}
