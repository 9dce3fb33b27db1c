//! A shelf of base backups and WAL in memory, in the form any tool of the layout leaves, over a store
//! that counts its calls and can fail at one of them.
#![allow(dead_code, unreachable_pub, reason = "every test target uses its own part of the shelf")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, Catalog, ExclusivePut, OpenArchive, Patience};
use barkeep::command::{Access, Care, Deletion, backup_delete, retention};
use barkeep::error::{Error, Result};
use barkeep::model::{BackupId, RetentionRule};
use barkeep::store::{
    IfExists, Key, Lock, Locks, MemoryStore, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished, Upload,
};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;

/// A store in memory that counts its calls and fails at one of them, and at all after it.
pub struct Counted {
    pub inner: MemoryStore,
    calls: AtomicUsize,
    /// The number of the first call that fails; 0 for none.
    fails_at: AtomicUsize,
    /// The keys of objects that are locked, and how.
    pub locked: Mutex<BTreeMap<String, Lock>>,
    /// Requests of this kind are refused, as credentials that lack the right are.
    pub denied: Mutex<BTreeSet<&'static str>>,
}

impl Counted {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStore::new(),
            calls: AtomicUsize::new(0),
            fails_at: AtomicUsize::new(0),
            locked: Mutex::default(),
            denied: Mutex::default(),
        })
    }

    fn note(&self) -> Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fails_at.load(Ordering::SeqCst) {
            0 => Ok(()),
            at if call < at => Ok(()),
            _ => Err(Error::unavailable("the store has gone")),
        }
    }

    fn allow(&self, request: &'static str) -> Result<()> {
        if self.denied.lock().unwrap().contains(request) {
            return Err(Error::denied(format!("403 AccessDenied: {request}")));
        }
        Ok(())
    }

    /// Counts from here on, and fails from call `at` on (0: never).
    pub fn fail_at(&self, at: usize) {
        self.calls.store(0, Ordering::SeqCst);
        self.fails_at.store(at, Ordering::SeqCst);
    }

    /// Calls since then.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Counted {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.note()?;
        if how.if_exists == IfExists::Replace {
            self.allow("replace")?;
        }
        self.inner.put(key, body, how).await
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        self.note()?;
        self.inner.upload(key, how, in_flight).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        self.note()?;
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.note()?;
        let found = self.inner.head(key).await?;
        let lock = self.locked.lock().unwrap().get(key.as_str()).copied();
        Ok(found.map(|meta| ObjectMeta { lock, ..meta }))
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        match self.note() {
            Ok(()) => self.inner.list(prefix, after),
            Err(e) => futures_util::stream::once(async { Err(e) }).boxed(),
        }
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        self.note()?;
        self.inner.folders(under).await
    }

    /// Fails half-way: the first half of the keys is gone.
    async fn delete(&self, keys: &[Key]) -> Result<()> {
        self.allow("delete")?;
        if let Err(e) = self.note() {
            self.inner.delete(&keys[..keys.len() / 2]).await?;
            return Err(e);
        }
        self.inner.delete(keys).await
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        self.note()?;
        self.inner.unfinished(prefix).await
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        self.note()?;
        self.inner.forget(unfinished).await
    }

    async fn make_bucket(&self) -> Result<bool> {
        self.note()?;
        self.inner.make_bucket().await
    }

    async fn locks(&self) -> Result<Locks> {
        self.note()?;
        Ok(if self.locked.lock().unwrap().is_empty() { Locks::Off } else { Locks::On })
    }
}

/// The shelf.
pub struct Shelf {
    pub store: Arc<Counted>,
    /// The same store as a URL with one more slash shows it, and whether annotations are written there.
    pub slashed: Option<(Arc<Counted>, bool)>,
    address: Address,
    pub now: Timestamp,
}

#[async_trait]
impl OpenArchive for Shelf {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        Some(ExclusivePut::Trusted)
    }

    async fn open(&self, _: ExclusivePut, _: &Patience) -> Result<Archive> {
        Ok(self.archive())
    }
}

impl Shelf {
    /// An empty shelf, looked at in this moment of the tests' choice.
    pub fn new(now: &str) -> Self {
        Self {
            store: Counted::new(),
            slashed: None,
            address: Address { store: "memory".to_owned(), server: "main".parse().unwrap() },
            now: now.parse().unwrap(),
        }
    }

    /// The same with the other spelling, in which annotations are written or only read.
    pub fn with_slashed(mut self, writes: bool) -> Self {
        self.slashed = Some((Counted::new(), writes));
        self
    }

    /// The same archive as somebody sees it whose URL ends in a slash when ours does not, or the reverse.
    pub fn spelled_otherwise(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            slashed: self.slashed.as_ref().map(|(store, writes)| (Arc::clone(store), !writes)),
            address: self.address.clone(),
            now: self.now,
        }
    }

    pub fn archive(&self) -> Archive {
        let store = Arc::clone(&self.store) as Arc<dyn ObjectStore>;
        let archive = Archive::new(store, self.address.server.clone());
        match &self.slashed {
            Some((store, writes)) => archive.with_slashed(Arc::clone(store) as Arc<dyn ObjectStore>, *writes),
            None => archive,
        }
    }

    pub fn access(&self) -> Access {
        Access { spool: None, max_attempts: None, now: self.now }
    }

    /// Puts an object below the server.
    pub async fn put(&self, key: &str, body: &str) {
        put(&self.store.inner, key, body).await;
    }

    /// A backup with a record of these lines and one tar.
    pub async fn backup(&self, id: &str, record: &str) {
        self.put(&format!("base/{id}/data.tar"), "tar").await;
        self.put(&format!("base/{id}/backup.info"), record).await;
    }

    /// A complete backup with this WAL, which ended an hour after it began.
    pub async fn done(&self, id: &str, begin: &str, end: &str) {
        self.backup(id, &record(id, begin, end)).await;
    }

    /// WAL files, each of one byte.
    pub async fn wal(&self, names: &[&str]) {
        for name in names {
            self.put(&wal_key(name), "w").await;
        }
    }

    /// All keys below the server.
    pub async fn keys(&self) -> BTreeSet<String> {
        keys(&self.store.inner).await
    }

    pub async fn catalog(&self) -> Result<Catalog> {
        self.archive().catalog().await
    }

    pub async fn retention(&self, policy: &str, minimum: u32, dry_run: bool) -> Result<Deletion> {
        self.retention_with(policy, minimum, dry_run, Care::default()).await
    }

    pub async fn retention_with(
        &self,
        policy: &str,
        minimum: u32,
        dry_run: bool,
        care: Care,
    ) -> Result<Deletion> {
        let leftovers_after = Duration::from_hours(7 * 24);
        let rule = RetentionRule { policy: policy.parse()?, minimum, leftovers_after };
        retention::run(&retention::Request { access: self.access(), rule, dry_run, care }, self).await
    }

    pub async fn delete(&self, which: &str, minimum: u32) -> Result<Deletion> {
        let request = backup_delete::Request {
            access: self.access(),
            which: which.parse()?,
            minimum,
            dry_run: false,
            care: Care::default(),
        };
        backup_delete::run(&request, self).await
    }
}

async fn put(store: &MemoryStore, key: &str, body: &str) {
    let how = Put { if_exists: IfExists::Replace, ..Put::default() };
    let key = Key::new(format!("main/{key}")).unwrap();
    store.put(&key, Bytes::from(body.to_owned()), &how).await.unwrap();
}

/// All keys of a store below the server.
pub async fn keys(store: &MemoryStore) -> BTreeSet<String> {
    let all: Vec<_> = store.list(&Prefix::everything(), None).try_collect().await.unwrap();
    all.iter().map(|meta| meta.key.as_str().strip_prefix("main/").unwrap().to_owned()).collect()
}

/// The record of a complete backup.
pub fn record(id: &str, begin: &str, end: &str) -> String {
    let first_moment = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S", id).unwrap();
    let last_moment = first_moment.saturating_add(jiff::Span::new().hours(1));
    let at = |moment: jiff::civil::DateTime| moment.strftime("%Y-%m-%d %H:%M:%S+00:00").to_string();
    let timeline = u32::from_str_radix(&begin[..8], 16).unwrap();
    format!(
        "status=DONE\nbegin_time={}\nend_time={}\nbegin_wal={begin}\nend_wal={end}\ntimeline={timeline}\n",
        at(first_moment),
        at(last_moment)
    )
}

/// Where a WAL file lies; a suffix comes along.
pub fn wal_key(name: &str) -> String {
    if name.contains(".history") { format!("wals/{name}") } else { format!("wals/{}/{name}", &name[..16]) }
}

/// A backup's identifier.
pub fn id(text: &str) -> BackupId {
    text.parse().unwrap()
}
