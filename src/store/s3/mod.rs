//! S3 and what speaks like it.

mod bucket;
mod client;
mod credentials;
mod delete;
mod endpoint;
mod errors;
mod http;
mod options;
mod outgoing;
mod profile;
mod renewal;
mod request;
mod temporary;
mod unfinished;
mod upload;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::list_objects_v2::{ListObjectsV2Error, ListObjectsV2Output};
use aws_sdk_s3::operation::put_object::PutObjectError;
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::ObjectLockLegalHoldStatus;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;

pub(super) use endpoint::{is_aws, partition, spell_endpoint};
pub use errors::Elsewhere;
pub use options::{AccessKeys, Addressing, Checksums, CustomerKey, Encryption, S3Options};
pub use profile::{ProfileSettings, profile_settings};

use super::{
    ByteStream, ExclusivePut, IfExists, Key, Lock, Object, ObjectMeta, ObjectStore, Patience, Prefix, Put,
    Unfinished, Upload,
};
use crate::error::{Context, Error, Result};
use client::Connection;
use errors::{Class, Request, class_of};

/// A bucket, or what lies below a path in it, as a store.
#[derive(Clone)]
pub struct S3Store {
    shared: Arc<Shared>,
}

struct Shared {
    client: Client,
    bucket: String,
    /// What every key begins with: empty, or ending in `/`.
    root: String,
    service: String,
    encrypted: bool,
    checksums: Checksums,
    encryption: Option<Encryption>,
    /// Whether a key is asked for before an exclusive put.
    asks_first: bool,
    /// Whether the bucket is known to be there.
    is_there: AtomicBool,
    patience: Patience,
}

impl S3Store {
    /// Signs in, with what is temporary kept in the directory `tokens` where there is one. Nothing is sent
    /// to the bucket.
    pub async fn open(
        bucket: &str,
        path: &str,
        options: &S3Options,
        tokens: Option<&Path>,
        exclusive: ExclusivePut,
        patience: &Patience,
    ) -> Result<Self> {
        let signed_in = client::connect(bucket, options, tokens, patience).await;
        let Connection { client, service, aws, encrypted, checksums } =
            signed_in.context(|| format!("sign in to the service of bucket {bucket}"))?;
        let root = match path {
            "" => String::new(),
            path if path.ends_with('/') => path.to_owned(),
            path => format!("{path}/"),
        };
        let shared = Shared {
            client,
            bucket: bucket.to_owned(),
            root,
            service,
            encrypted,
            checksums,
            encryption: options.encryption.clone(),
            asks_first: match exclusive {
                ExclusivePut::Trusted => false,
                ExclusivePut::AskFirst => true,
                ExclusivePut::ByService => !aws,
            },
            is_there: AtomicBool::new(false),
            patience: patience.clone(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The same store with one more slash behind its path: what other tools that join paths with a
    /// slash make of a URL that ends in one. `None` without a path, which they join nothing to.
    #[must_use]
    pub fn slashed(&self) -> Option<Self> {
        let Shared { client, bucket, root, service, checksums, encryption, patience, .. } = &*self.shared;
        (!root.is_empty()).then(|| {
            let shared = Shared {
                client: client.clone(),
                bucket: bucket.clone(),
                root: format!("{root}/"),
                service: service.clone(),
                encrypted: self.shared.encrypted,
                checksums: *checksums,
                encryption: encryption.clone(),
                asks_first: self.shared.asks_first,
                is_there: AtomicBool::new(false),
                patience: patience.clone(),
            };
            Self { shared: Arc::new(shared) }
        })
    }

    /// The name of an object in the bucket.
    fn name(&self, key: &Key) -> String {
        format!("{}{key}", self.shared.root)
    }

    /// The key of an object in the bucket; `None` for what cannot have been stored through this house,
    /// like the empty `folder/` objects that consoles create.
    fn key(&self, name: &str) -> Option<Key> {
        Key::new(name.strip_prefix(&self.shared.root)?).ok()
    }

    fn request(&self, permission: &'static str) -> Request<'_> {
        Request { bucket: &self.shared.bucket, service: &self.shared.service, permission }
    }

    /// Whether the condition goes along: 501 says that the service does not know it.
    async fn put_once(
        &self,
        key: &Key,
        body: Bytes,
        how: &Put,
        conditional: bool,
    ) -> std::result::Result<(), SdkError<PutObjectError, HttpResponse>> {
        let shared = &*self.shared;
        let put = shared.client.put_object().bucket(&shared.bucket).key(self.name(key));
        let put = request::put(put, how, shared.encryption.as_ref())
            .set_if_none_match(conditional.then(|| "*".to_owned()))
            .body(SdkBody::from(body).into())
            .customize();
        let put = if shared.encrypted { put.disable_payload_signing() } else { put };
        put.send().await.map(drop)
    }

    /// Kind `Conflict` when the key is taken and must be asked for first.
    async fn ask_first(&self, key: &Key, how: &Put) -> Result<()> {
        let asks = how.if_exists == IfExists::Fail && self.shared.asks_first && !how.asked;
        if asks && self.head_now(key).await?.is_some() {
            return Err(Error::conflict(format!("{key} is already in {self}")));
        }
        Ok(())
    }

    async fn put_now(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.ask_first(key, how).await?;
        let conditional = how.if_exists == IfExists::Fail;
        let mut answer = self.put_once(key, body.clone(), how, conditional).await;
        if let Err(e) = &answer
            && self.may_go_without_condition(conditional, class_of(e))
        {
            answer = self.put_once(key, body, how, false).await;
        }
        answer.map_err(|e| self.request("s3:PutObject").explain(&e))
    }

    /// A service that does not know the condition still gets the object once the key has been asked
    /// for; a trusted one that suddenly does not know it is not to be trusted.
    fn may_go_without_condition(&self, conditional: bool, class: Option<Class>) -> bool {
        conditional && self.shared.asks_first && class == Some(Class::NotImplemented)
    }

    /// What is known of an object. `None` may also mean that there is no bucket: the answer to HEAD has
    /// no body, so both look the same. Enough where a request follows that tells.
    async fn head_now(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let shared = &*self.shared;
        let head = shared.client.head_object().bucket(&shared.bucket).key(self.name(key));
        match request::head(head, shared.encryption.as_ref()).send().await {
            Ok(found) => head_meta(key, &found).map(Some),
            Err(e) if class_of(&e) == Some(Class::Missing) => Ok(None),
            Err(e) => Err(self.request("s3:GetObject").explain(&e)),
        }
    }

    /// Says once per store, by a list of at most one object, that the bucket is there. One that may not
    /// be listed is.
    async fn require_bucket(&self) -> Result<()> {
        let shared = &*self.shared;
        if shared.is_there.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.list_one().await {
            Err(e) if class_of(&e) != Some(Class::Denied) => Err(self.explain_list(&e)),
            _ => {
                shared.is_there.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    async fn list_one(
        &self,
    ) -> std::result::Result<ListObjectsV2Output, SdkError<ListObjectsV2Error, HttpResponse>> {
        let shared = &*self.shared;
        let list = shared.client.list_objects_v2().bucket(&shared.bucket).prefix(&shared.root).max_keys(1);
        list.send().await
    }

    fn explain_list(&self, e: &SdkError<ListObjectsV2Error, HttpResponse>) -> Error {
        match class_of(e) {
            // A list has nothing to miss but the bucket, whatever code a look-alike gives.
            Some(Class::Missing) => self.request("s3:ListBucket").no_bucket(),
            _ => self.request("s3:ListBucket").explain(e),
        }
    }

    async fn get_now(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        if let Some(empty) = range.as_ref().filter(|range| range.is_empty()) {
            return Err(Error::usage(format!("range {empty:?} has no bytes")));
        }
        let shared = &*self.shared;
        let get = shared.client.get_object().bucket(&shared.bucket).key(self.name(key));
        let found = request::get(get, shared.encryption.as_ref())
            .set_range(range.as_ref().map(|range| format!("bytes={}-{}", range.start, range.end - 1)))
            .send()
            .await
            .map_err(|e| self.request("s3:GetObject").explain(&e))?;
        let meta = get_meta(key, &found, range.as_ref())?;
        let range = super::clip(range, &meta)?.unwrap_or(0..meta.size);
        let announced = found.content_length().and_then(|length| u64::try_from(length).ok());
        if announced.is_some_and(|announced| announced != range.end - range.start) {
            let (wanted, announced) = (range.end - range.start, announced.unwrap_or_default());
            return Err(Error::corrupt(format!("{announced} bytes are announced instead of {wanted}")));
        }
        Ok(Object { meta, body: self.body(key, found) })
    }

    fn body(&self, key: &Key, found: GetObjectOutput) -> ByteStream {
        let place = format!("get {key} from {self}");
        stream::try_unfold(found.body, move |mut body| {
            let place = place.clone();
            async move {
                match body.try_next().await {
                    Ok(piece) => Ok(piece.map(|piece| (piece, body))),
                    Err(e) => Err(Error::unavailable(errors::reasons(&e)).context(place)),
                }
            }
        })
        .boxed()
    }

    /// One page of a list: of everything below `prefix`, or grouped by folder.
    async fn page(&self, from: &Page) -> Result<ListObjectsV2Output> {
        let shared = &*self.shared;
        let list = shared.client.list_objects_v2().bucket(&shared.bucket).prefix(&from.prefix);
        let page = list
            .set_start_after(from.after.clone())
            .set_continuation_token(from.token.clone())
            .set_delimiter(from.grouped.then(|| "/".to_owned()))
            .send()
            .await
            .map_err(|e| self.explain_list(&e))?;
        require_undamaged(&page, &from.prefix)?;
        Ok(page)
    }

    /// The objects of a page, in order. Some services take the key to start after for one to start at.
    fn objects(&self, page: &ListObjectsV2Output, after: Option<&Key>) -> Result<Vec<ObjectMeta>> {
        let mut objects = Vec::new();
        for object in page.contents() {
            let Some(key) = object.key().and_then(|name| self.key(name)) else { continue };
            if after.is_none_or(|after| key > *after) {
                let size = size(&key, object.size())?;
                let modified = timestamp(object.last_modified());
                let etag = object.e_tag().map(str::to_owned);
                objects.push(ObjectMeta { key, size, modified, etag, metadata: BTreeMap::new(), lock: None });
            }
        }
        Ok(objects)
    }
}

/// Refuses a page that was damaged on the way: an answer to a list carries no checksum, and where there is no
/// TLS, a name that cannot be read must not pass for one that is not there. The parser skips what it does not
/// know, so a page that gives nothing must repeat what was asked and say that it is the last. Some services
/// announce too little.
fn require_undamaged(page: &ListObjectsV2Output, prefix: &str) -> Result<()> {
    let objects = page.contents().iter().map(|object| object.key());
    let names = objects.chain(page.common_prefixes().iter().map(|common| common.prefix()));
    let mut given = 0;
    for name in names.map(Option::unwrap_or_default) {
        if !name.starts_with(prefix) {
            return Err(damaged(&format!("it has {name:?}, which does not begin with {prefix:?}")));
        }
        given += 1;
    }
    let announced = page.key_count().unwrap_or_default();
    if announced > given {
        return Err(damaged(&format!("it announces {announced} names and gives {given}")));
    }
    let repeated = page.prefix().unwrap_or_default();
    if given == 0 && (repeated != prefix || page.is_truncated().is_none()) {
        return Err(damaged(&format!(
            "it gives nothing, and is about {repeated:?} instead of {prefix:?}, or cut off"
        )));
    }
    Ok(())
}

/// Of a passing kind: the next answer may be whole.
fn damaged(how: &str) -> Error {
    Error::unavailable(format!("the list was damaged on the way: {how}"))
}

/// Where a list has got to.
#[derive(Clone)]
struct Page {
    prefix: String,
    after: Option<String>,
    token: Option<String>,
    grouped: bool,
    is_last: bool,
}

impl Page {
    fn first(prefix: String, after: Option<String>, grouped: bool) -> Self {
        Self { prefix, after, token: None, grouped, is_last: false }
    }

    /// Moves on to the page after `page`. A page that says there is more, but not where, ends the
    /// list with an error rather than with half of it.
    fn advance(&mut self, page: &ListObjectsV2Output) -> Result<()> {
        self.token = page.next_continuation_token().map(str::to_owned);
        self.is_last = page.is_truncated() != Some(true);
        if !self.is_last && self.token.is_none() {
            return Err(Error::corrupt("the list is cut off and does not say where it goes on"));
        }
        Ok(())
    }
}

impl fmt::Display for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { bucket, root, .. } = &*self.shared;
        write!(f, "s3://{bucket}/{root}")
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.put_now(key, body, how).await.context(|| format!("put {key} into {self}"))
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        let begun = upload::begin(self.clone(), key, how, in_flight).await;
        begun.context(|| format!("begin {key} in {self}"))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        self.get_now(key, range).await.context(|| format!("get {key} from {self}"))
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let look = async {
            match self.head_now(key).await? {
                Some(found) => Ok(Some(found)),
                None => self.require_bucket().await.map(|()| None),
            }
        };
        look.await.context(|| format!("look for {key} in {self}"))
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        let place = format!("list {prefix} in {self}");
        let start =
            Page::first(format!("{}{prefix}", self.shared.root), after.map(|key| self.name(key)), false);
        let after = after.cloned();
        let pages = stream::try_unfold(start, move |mut at| {
            let (after, place) = (after.clone(), place.clone());
            async move {
                if at.is_last {
                    return Ok(None);
                }
                let page = self.page(&at).await.context(|| place.as_str())?;
                at.advance(&page).context(|| place.as_str())?;
                let objects = self.objects(&page, after.as_ref()).context(|| place.as_str())?;
                Ok::<_, Error>(Some((stream::iter(objects.into_iter().map(Ok)), at)))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let inside = under.map_or_else(Prefix::everything, Key::inside);
        let mut at = Page::first(format!("{}{inside}", self.shared.root), None, true);
        let mut folders = Vec::new();
        while !at.is_last {
            let place = || format!("list folders of {inside} in {self}");
            let page = self.shared.patience.persist(0, || "list a page".to_owned(), || self.page(&at));
            let page = page.await.context(place)?;
            at.advance(&page).context(place)?;
            let names = page.common_prefixes().iter().filter_map(|common| common.prefix());
            folders.extend(names.filter_map(|name| self.key(name.trim_end_matches('/'))));
        }
        // The service orders them with their slash, which comes after `-` and `.`.
        folders.sort();
        folders.dedup();
        Ok(folders)
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
}

fn head_meta(key: &Key, found: &HeadObjectOutput) -> Result<ObjectMeta> {
    Ok(ObjectMeta {
        key: key.clone(),
        size: size(key, found.content_length())?,
        modified: timestamp(found.last_modified()),
        etag: found.e_tag().map(str::to_owned),
        metadata: found.metadata().cloned().unwrap_or_default().into_iter().collect(),
        lock: lock(found),
    })
}

/// A legal hold has no end, so it counts before what has one.
fn lock(found: &HeadObjectOutput) -> Option<Lock> {
    let held = found.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On);
    let until = || timestamp(found.object_lock_retain_until_date()).map(Lock::Until);
    if held { Some(Lock::Hold) } else { until() }
}

/// With a range, the whole size stands in `Content-Range: bytes 5-9/100`.
fn get_meta(key: &Key, found: &GetObjectOutput, range: Option<&Range<u64>>) -> Result<ObjectMeta> {
    let whole = || found.content_range()?.rsplit_once('/')?.1.parse::<i64>().ok();
    Ok(ObjectMeta {
        key: key.clone(),
        size: size(key, if range.is_some() { whole() } else { found.content_length() })?,
        modified: timestamp(found.last_modified()),
        etag: found.e_tag().map(str::to_owned),
        metadata: found.metadata().cloned().unwrap_or_default().into_iter().collect(),
        lock: None,
    })
}

fn size(key: &Key, told: Option<i64>) -> Result<u64> {
    let size = told.and_then(|size| u64::try_from(size).ok());
    size.ok_or_else(|| Error::corrupt(format!("the service does not tell the size of {key}")))
}

fn timestamp(told: Option<&DateTime>) -> Option<Timestamp> {
    told.and_then(|time| Timestamp::new(time.secs(), time.subsec_nanos().try_into().ok()?).ok())
}
