//! Azure Blob Storage, and emulators of it.

mod bucket;
mod client;
mod delete;
mod errors;
mod list;
mod lock;
mod names;
mod options;
mod seal;
mod sign_in;
mod transport;
mod upload;

use std::collections::HashMap;
use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::{AsyncRawResponse, Etag};
use azure_storage_blob::models::BlobClientUploadOptions;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};

pub(super) use names::account_in_host;
pub use options::{AzureCredential, AzureOptions, AzureSecret};

use super::http::{Http, Trust};
use super::{
    ByteStream, ExclusivePut, IfExists, Key, Locks, Object, ObjectMeta, ObjectStore, Patience, Prefix, Put,
    Unfinished, Upload,
};
use crate::error::{Context, Error, Result};
use client::Client;
use errors::{
    Class, Permission, READ, Request, WRITE, WRITE_LOCK, WRITE_TAGS, WRITE_TAGS_AND_LOCK, class_of,
};
use list::{Entry, Page, Walk};

/// The service that a connection string names in place of the one in a container's URL, if it does: the
/// identity of a store depends on it, and it is no secret.
pub fn connection_string_endpoint(text: &str) -> Option<String> {
    sign_in::endpoint_of(text)
}

/// Where a container is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Container {
    /// The service as the URL names it: `https://ACCOUNT.blob.core.windows.net`, or for every other host
    /// `http://HOST:PORT/ACCOUNT`. Without a slash at its end.
    pub service: String,
    /// The account's name.
    pub account: String,
    /// The container's name.
    pub name: String,
}

/// A container, or what lies below a path in it, as a store.
#[derive(Clone)]
pub struct AzureStore {
    shared: Arc<Shared>,
    /// What every key begins with: empty, or ending in `/`.
    root: String,
}

struct Shared {
    client: Client,
    container: Container,
    /// Who signs in, for messages.
    who: String,
    encryption_scope: Option<String>,
    /// Whether a key is asked for before an exclusive put.
    asks_first: bool,
    patience: Patience,
}

impl AzureStore {
    /// Signs in, with tokens kept in the directory `tokens` where there is one. Nothing is sent to the
    /// container.
    pub async fn open(
        container: &Container,
        path: &str,
        options: &AzureOptions,
        tokens: Option<&Path>,
        exclusive: ExclusivePut,
        patience: &Patience,
    ) -> Result<Self> {
        let http = Http::new(Trust::given(options.ca_pem.as_ref(), options.ca_bundle.as_deref())?, patience);
        let access = sign_in::sign_in(container, options, &http, tokens, patience).await;
        let access = access.context(|| format!("sign in to account {}", container.account))?;
        let root = match path {
            "" => String::new(),
            path if path.ends_with('/') => path.to_owned(),
            path => format!("{path}/"),
        };
        let transport = transport::Transport { http, patience: patience.clone() };
        // An endpoint takes the place of what the URL says, and messages tell where was asked indeed.
        let service = access.service.as_str().trim_end_matches('/').to_owned();
        let container = Container { service, ..container.clone() };
        let shared = Shared {
            client: Client::new(&container, &access, transport),
            container,
            who: access.who,
            encryption_scope: options.encryption_scope.clone(),
            // Azure refuses the second of two writers, and so does Azurite.
            asks_first: exclusive == ExclusivePut::AskFirst,
            patience: patience.clone(),
        };
        Ok(Self { shared: Arc::new(shared), root })
    }

    /// The same store with one more slash behind its path: what other tools that join paths with a
    /// slash make of a URL that ends in one. `None` without a path, which they join nothing to.
    #[must_use]
    pub fn slashed(&self) -> Option<Self> {
        let root = format!("{}/", self.root);
        (!self.root.is_empty()).then(|| Self { shared: self.shared.clone(), root })
    }

    /// The name of an object in the container.
    fn name(&self, key: &Key) -> String {
        format!("{}{key}", self.root)
    }

    /// The key of an object in the container; `None` for what cannot have been stored through this house,
    /// like the empty `folder/` objects that consoles create.
    fn key(&self, name: &str) -> Option<Key> {
        Key::new(name.strip_prefix(&self.root)?).ok()
    }

    fn request(&self, permission: Permission) -> Request<'_> {
        Request { container: &self.shared.container, who: &self.shared.who, permission }
    }

    /// A request that stores, for messages.
    fn writing(&self, how: &Put) -> Request<'_> {
        self.request(match (how.tags.0.is_empty(), how.retain.is_some()) {
            (true, false) => WRITE,
            (false, false) => WRITE_TAGS,
            (true, true) => WRITE_LOCK,
            (false, true) => WRITE_TAGS_AND_LOCK,
        })
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
        let sent = async {
            let options = BlobClientUploadOptions {
                blob_tags_string: names::tags(&how.tags),
                encryption_scope: self.shared.encryption_scope.clone(),
                if_none_match: (how.if_exists == IfExists::Fail).then(|| Etag::from("*")),
                immutability_policy_expiry: lock::until(how)?,
                immutability_policy_mode: lock::mode(how),
                metadata: Some(names::metadata(&how.metadata).collect::<HashMap<_, _>>()),
                // One request, however large.
                partition_size: Some(NonZeroU64::MAX),
                ..BlobClientUploadOptions::default()
            };
            let blob = self.shared.client.blob(&self.name(key))?;
            blob.upload(body.into(), Some(options)).await
        };
        sent.await.map(drop).map_err(|e| lock::explain(self.writing(how).explain(e), how))
    }

    async fn head_now(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let found = async { self.shared.client.blob(&self.name(key))?.get_properties(None).await };
        match found.await {
            Ok(found) => {
                let headers = found.headers();
                let size = names::number(headers, "content-length").ok_or_else(|| names::no_size(key))?;
                Ok(Some(names::meta(key, size, headers)))
            }
            Err(e) if class_of(&e) == Some(Class::Missing) => Ok(None),
            Err(e) => Err(self.request(READ).explain(e)),
        }
    }

    async fn get_now(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        if let Some(empty) = range.as_ref().filter(|range| range.is_empty()) {
            return Err(Error::usage(format!("range {empty:?} has no bytes")));
        }
        let found = self.shared.client.get(&self.name(key), range.as_ref()).await;
        let found = found.map_err(|e| self.request(READ).explain(e))?;
        let announced = names::number(found.headers(), "content-length");
        // With a range, the whole size stands in `Content-Range: bytes 5-9/100`.
        let whole = || {
            let told = found.headers().get_optional_str(&"content-range".into())?;
            told.rsplit_once('/')?.1.parse().ok()
        };
        let size = if range.is_some() { whole() } else { announced };
        let meta = names::meta(key, size.ok_or_else(|| names::no_size(key))?, found.headers());
        let range = super::clip(range, &meta)?.unwrap_or(0..meta.size);
        if let Some(announced) = announced.filter(|announced| *announced != range.end - range.start) {
            let wanted = range.end - range.start;
            return Err(Error::corrupt(format!("{announced} bytes are announced instead of {wanted}")));
        }
        Ok(Object { meta, body: self.body(key, found) })
    }

    fn body(&self, key: &Key, found: AsyncRawResponse) -> ByteStream {
        let (store, place) = (self.clone(), format!("get {key} from {self}"));
        let body = found.into_body();
        body.map_err(move |e| store.request(READ).explain(e).context(place.as_str())).boxed()
    }

    /// One page of a list, asked for again while patience lasts: to begin anew would be to read all the
    /// pages before it.
    async fn page(&self, walk: &Walk, marker: Option<&str>, patience: &Patience) -> Result<Page> {
        let what = || "list a page".to_owned();
        patience.persist(0, what, || list::page(self, walk, marker)).await
    }
}

impl fmt::Display for AzureStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Container { service, name, .. } = &self.shared.container;
        write!(f, "{service}/{name}/{}", self.root)
    }
}

#[async_trait]
impl ObjectStore for AzureStore {
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
        self.head_now(key).await.context(|| format!("look for {key} in {self}"))
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        let place = format!("list {prefix} in {self}");
        let after = after.map(|key| self.name(key));
        let walks = list::walks(&format!("{}{prefix}", self.root), after.as_deref());
        let listing = Listing { store: self, under_way: walks.into_iter().rev().map(Level::new).collect() };
        let next = move |mut listing: Listing<'a>| {
            let place = place.clone();
            async move {
                let object = listing.next().await.context(|| place.as_str())?;
                Ok(object.map(|object| (object, listing)))
            }
        };
        stream::try_unfold(listing, next).boxed()
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let inside = under.map_or_else(Prefix::everything, Key::inside);
        let walk = Walk { prefix: format!("{}{inside}", self.root), after: None, grouped: true };
        let mut folders = Vec::new();
        let mut marker = None;
        loop {
            let page = self.page(&walk, marker.as_deref(), &self.shared.patience).await;
            let page = page.context(|| format!("list folders of {inside} in {self}"))?;
            let names = page.entries.into_iter().filter_map(|(name, entry)| match entry {
                Entry::Folder => Some(name),
                Entry::Object(_) => None,
            });
            folders.extend(names.filter_map(|name| self.key(name.trim_end_matches('/'))));
            marker = page.next;
            if marker.is_none() {
                break;
            }
        }
        // The service orders them with their slash, which comes after `-` and `.`.
        folders.sort();
        folders.dedup();
        Ok(folders)
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        delete::all(self, keys).await.context(|| format!("delete from {self}"))
    }

    /// None: what was sent of an upload that was given up has no object of its own, and Azure forgets it
    /// by itself.
    async fn unfinished(&self, _prefix: &Prefix) -> Result<Vec<Unfinished>> {
        Ok(Vec::new())
    }

    async fn forget(&self, _unfinished: &[Unfinished]) -> Result<()> {
        Ok(())
    }

    async fn make_bucket(&self) -> Result<bool> {
        bucket::make(self).await.context(|| format!("make the container of {self}"))
    }

    async fn locks(&self) -> Result<Locks> {
        lock::locks(self).await.context(|| format!("ask whether {self} has locks"))
    }
}

/// A list under way: one inside the other where a folder is met, the innermost last.
struct Listing<'a> {
    store: &'a AzureStore,
    under_way: Vec<Level>,
}

/// One list that is being made.
struct Level {
    walk: Walk,
    /// What is left of the page that was read last.
    entries: std::vec::IntoIter<(String, Entry)>,
    next: Next,
}

/// The page to read next.
enum Next {
    First,
    At(String),
    None,
}

impl Level {
    fn new(walk: Walk) -> Self {
        Self { walk, entries: Vec::new().into_iter(), next: Next::First }
    }
}

impl Listing<'_> {
    async fn next(&mut self) -> Result<Option<ObjectMeta>> {
        while let Some(level) = self.under_way.last_mut() {
            match (level.entries.next(), &level.next) {
                (Some((_, Entry::Object(meta))), _) => return Ok(Some(meta)),
                (Some((prefix, Entry::Folder)), _) => {
                    self.under_way.push(Level::new(Walk { prefix, after: None, grouped: false }));
                }
                (None, Next::None) => drop(self.under_way.pop()),
                (None, next) => {
                    let marker = match next {
                        Next::At(marker) => Some(marker.as_str()),
                        Next::First | Next::None => None,
                    };
                    // Whoever reads the list limits each step of it, and would cut off the service's words.
                    let patience = self.store.shared.patience.within_an_attempt();
                    let page = self.store.page(&level.walk, marker, &patience).await?;
                    level.entries = page.entries.into_iter();
                    level.next = page.next.map_or(Next::None, Next::At);
                }
            }
        }
        Ok(None)
    }
}
