//! A test bed for the verbs: a store in memory that counts its requests and fails on demand, a spool,
//! and a data directory with WAL that is real enough to be looked at.
#![allow(dead_code, unreachable_pub, reason = "every test target uses its own part of the bed")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

pub mod backup;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience, Tags};
use barkeep::command::check;
use barkeep::command::wal_archive::{self, Archived};
use barkeep::command::wal_restore::{self, Partials};
use barkeep::error::{Error, ErrorKind, Result};
use barkeep::model::{Compression, SegmentName, SegmentSize};
use barkeep::store::{
    IfExists, Key, Locks, MemoryStore, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished, Upload,
};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use tempfile::TempDir;

/// The cluster of the bed.
pub const SYSTEM: u64 = 7_300_000_000_000_000_001;
/// Another cluster.
pub const OTHER_SYSTEM: u64 = 7_300_000_000_000_000_002;
/// The smallest legal segments keep the tests quick.
pub const MIB: u64 = 1 << 20;

/// A store in memory that counts its requests by kind and can be told to fail.
pub struct Watched {
    inner: MemoryStore,
    counts: Mutex<BTreeMap<&'static str, usize>>,
    /// Requests whose key contains the text fail with the kind, so many times.
    faults: Mutex<Vec<(&'static str, String, ErrorKind, usize)>>,
    /// Accepts the condition of exclusive puts and overwrites all the same, as some services do.
    pub ignores_condition: AtomicBool,
    /// Looks whether the key is taken, and stores a moment later, as other services do.
    pub looks_first: AtomicBool,
    /// Whoever asks may create, and neither replace nor delete.
    pub create_only: AtomicBool,
    /// And hears of a key that is taken only that he may not.
    pub says_denied: AtomicBool,
    /// What was tried all the same.
    pub refused: Mutex<Vec<String>>,
    /// Whether objects can be locked.
    pub locks: Mutex<Locks>,
    /// Requests whose key contains the text take so long.
    slow: Mutex<Vec<(&'static str, String, Duration)>>,
    tags: Mutex<Tags>,
    /// How long each put takes, and how many run at once.
    pub put_takes: Mutex<Duration>,
    puts_now: AtomicUsize,
    pub most_puts_at_once: AtomicUsize,
}

impl Watched {
    fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            counts: Mutex::default(),
            faults: Mutex::default(),
            ignores_condition: AtomicBool::new(false),
            looks_first: AtomicBool::new(false),
            create_only: AtomicBool::new(false),
            says_denied: AtomicBool::new(false),
            refused: Mutex::default(),
            locks: Mutex::new(Locks::Never),
            slow: Mutex::default(),
            tags: Mutex::default(),
            put_takes: Mutex::default(),
            puts_now: AtomicUsize::new(0),
            most_puts_at_once: AtomicUsize::new(0),
        }
    }

    /// Requests so far, by kind.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        self.counts.lock().unwrap().clone()
    }

    /// Forgets them.
    pub fn reset(&self) {
        self.counts.lock().unwrap().clear();
    }

    /// All requests so far.
    pub fn requests(&self) -> usize {
        self.counts().values().sum()
    }

    /// Makes the next `times` requests of this kind for keys that contain `text` fail.
    pub fn fail(&self, request: &'static str, text: &str, kind: ErrorKind, times: usize) {
        self.faults.lock().unwrap().push((request, text.to_owned(), kind, times));
    }

    /// The tags of the last put.
    pub fn last_tags(&self) -> Tags {
        self.tags.lock().unwrap().clone()
    }

    /// Makes requests of this kind for keys that contain `text` slow.
    pub fn slow(&self, request: &'static str, text: &str, takes: Duration) {
        self.slow.lock().unwrap().push((request, text.to_owned(), takes));
    }

    fn takes(&self, request: &'static str, key: &str) -> Duration {
        let slow = self.slow.lock().unwrap();
        let found = slow.iter().find(|(what, text, _)| *what == request && key.contains(text.as_str()));
        found.map_or(Duration::ZERO, |(_, _, takes)| *takes)
    }

    /// Whether who may only create may do this. What is denied is noted.
    async fn allow(&self, request: &str, key: &Key, how: Option<&Put>) -> Result<()> {
        if !self.create_only.load(Ordering::SeqCst) {
            return Ok(());
        }
        let exclusive = how.is_some_and(|how| how.if_exists == IfExists::Fail);
        let denied = match how {
            None => true,
            // Like AWS, which judges a request by its condition alone.
            Some(_) if !exclusive => true,
            Some(_) => self.says_denied.load(Ordering::SeqCst) && self.inner.head(key).await?.is_some(),
        };
        if !denied {
            return Ok(());
        }
        if !exclusive {
            self.refused.lock().unwrap().push(format!("{request} {key}"));
        }
        Err(Error::denied(format!("403 AccessDenied: {request} {key}")))
    }

    fn note(&self, request: &'static str, key: &str) -> Result<()> {
        *self.counts.lock().unwrap().entry(request).or_default() += 1;
        for (what, text, kind, times) in self.faults.lock().unwrap().iter_mut() {
            if *what == request && key.contains(text.as_str()) && *times > 0 {
                *times -= 1;
                return Err(Error::new(*kind, format!("injected into {request} {key}")));
            }
        }
        Ok(())
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.note("put", key.as_str())?;
        let now = self.puts_now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_puts_at_once.fetch_max(now, Ordering::SeqCst);
        let takes = *self.put_takes.lock().unwrap() + self.takes("put", key.as_str());
        tokio::time::sleep(takes).await;
        self.puts_now.fetch_sub(1, Ordering::SeqCst);
        self.allow("put", key, Some(how)).await?;
        let mut how = how.clone();
        *self.tags.lock().unwrap() = how.tags.clone();
        if self.looks_first.load(Ordering::SeqCst) && self.inner.head(key).await?.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            how.if_exists = IfExists::Replace;
        }
        if self.ignores_condition.load(Ordering::SeqCst) {
            how.if_exists = IfExists::Replace;
        }
        self.inner.put(key, body, &how).await
    }

    async fn upload(&self, key: &Key, how: &Put, in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        self.note("upload", key.as_str())?;
        self.allow("upload", key, Some(how)).await?;
        self.inner.upload(key, how, in_flight).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        self.note("get", key.as_str())?;
        tokio::time::sleep(self.takes("get", key.as_str())).await;
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        self.note("head", key.as_str())?;
        self.inner.head(key).await
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        match self.note("list", prefix.as_str()) {
            Ok(()) => self.inner.list(prefix, after),
            Err(e) => futures_util::stream::once(async { Err(e) }).boxed(),
        }
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        self.note("folders", under.map_or("", Key::as_str))?;
        self.inner.folders(under).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        self.note("delete", keys.first().map_or("", Key::as_str))?;
        if let Some(key) = keys.first() {
            self.allow("delete", key, None).await?;
        }
        self.inner.delete(keys).await
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        self.note("unfinished", prefix.as_str())?;
        self.inner.unfinished(prefix).await
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        self.note("forget", unfinished.first().map_or("", |upload| upload.key.as_str()))?;
        self.inner.forget(unfinished).await
    }

    async fn make_bucket(&self) -> Result<bool> {
        self.note("make", "")?;
        self.inner.make_bucket().await
    }

    async fn locks(&self) -> Result<Locks> {
        Ok(*self.locks.lock().unwrap())
    }
}

/// A data directory, a spool and a store.
pub struct Bed {
    pub dir: TempDir,
    pub store: Arc<Watched>,
    address: Address,
    /// What the configuration says about exclusive puts.
    pub exclusive: Option<ExclusivePut>,
    /// How the archive was last opened.
    pub opened: Mutex<Option<ExclusivePut>>,
}

#[async_trait]
impl OpenArchive for Bed {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        self.exclusive
    }

    async fn open(&self, exclusive: ExclusivePut, _: &Patience) -> Result<Archive> {
        *self.opened.lock().unwrap() = Some(exclusive);
        Ok(Archive::new(Arc::clone(&self.store) as Arc<dyn ObjectStore>, self.address.server.clone()))
    }
}

impl Default for Bed {
    fn default() -> Self {
        Self::new()
    }
}

impl Bed {
    /// A fresh bed: an empty store, a data directory of [`SYSTEM`] on timeline 1.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("data/pg_wal/archive_status")).unwrap();
        std::fs::create_dir_all(dir.path().join("data/global")).unwrap();
        let bed = Self {
            dir,
            store: Arc::new(Watched::new()),
            address: Address { store: "memory".to_owned(), server: "main".parse().unwrap() },
            exclusive: None,
            opened: Mutex::default(),
        };
        bed.control(SYSTEM);
        bed
    }

    /// A bed for another machine that uses the same store.
    pub fn beside(&self) -> Self {
        Self { store: Arc::clone(&self.store), ..Self::new() }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn spool(&self) -> PathBuf {
        self.dir.path().join("spool")
    }

    pub fn wal(&self, name: &str) -> PathBuf {
        self.data().join("pg_wal").join(name)
    }

    /// Writes `global/pg_control` as PostgreSQL 16 would.
    pub fn control(&self, system: u64) {
        let mut bytes = vec![0_u8; 8192];
        bytes[0..8].copy_from_slice(&system.to_le_bytes());
        bytes[8..12].copy_from_slice(&1300_u32.to_le_bytes());
        bytes[48..52].copy_from_slice(&1_u32.to_le_bytes());
        let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[..288]);
        bytes[288..292].copy_from_slice(&u32::try_from(sum).unwrap().to_le_bytes());
        std::fs::write(self.data().join("global/pg_control"), bytes).unwrap();
    }

    /// Puts a segment of 1 MiB into `pg_wal`, waiting to be archived.
    pub fn segment(&self, name: &str) -> PathBuf {
        self.segment_with(name, SYSTEM, 1)
    }

    pub fn segment_with(&self, name: &str, system: u64, seed: u64) -> PathBuf {
        let path = self.wal(name);
        std::fs::write(&path, segment_bytes(name, system, SegmentSize::new(MIB).unwrap(), seed)).unwrap();
        self.ready(name);
        path
    }

    pub fn ready(&self, name: &str) {
        std::fs::write(self.data().join(format!("pg_wal/archive_status/{name}.ready")), "").unwrap();
    }

    pub fn archive_request(&self, file: &Path) -> wal_archive::Request {
        wal_archive::Request {
            file: file.to_path_buf(),
            compression: Compression::Zstd,
            level: None,
            tags: Tags::default(),
            history_tags: None,
            overwrite: false,
            look_ahead: 32,
            soft_limit: Duration::from_secs(20),
            spool: Some(self.spool()),
            memory: 96 << 20,
            retry_for: Duration::from_secs(1),
            max_attempts: None,
            deadline: Duration::from_mins(1),
            now: jiff::Timestamp::now(),
        }
    }

    /// Archives `file` with the usual settings.
    pub async fn archive(&self, file: &Path) -> Result<wal_archive::Outcome> {
        wal_archive::run(&self.archive_request(file), self).await
    }

    /// The same, expected to store it.
    pub async fn archive_new(&self, file: &Path) {
        let outcome = self.archive(file).await.unwrap();
        assert!(matches!(outcome.archived, Archived::Stored { .. }), "{outcome:?}");
    }

    /// Archives a segment, and asks once more, after which the archive is known to be this cluster's.
    pub async fn settle(&self, name: &str) {
        let file = self.segment(name);
        self.archive_new(&file).await;
        assert_eq!(self.archive(&file).await.unwrap().archived, Archived::Same);
    }

    pub fn restore_request(&self, name: &str, destination: &Path) -> wal_restore::Request {
        wal_restore::Request {
            name: name.parse().unwrap(),
            destination: destination.to_path_buf(),
            partials: Partials::ToPostgres,
            trust_empty: false,
            window: 32,
            spool: Some(self.spool()),
            batch: None,
            retry_for: None,
            max_attempts: None,
            filler: Vec::new(),
            now: jiff::Timestamp::now(),
        }
    }

    pub fn check_request(&self) -> check::Request {
        check::Request {
            pgdata: Some(self.data()),
            spool: self.spool(),
            retry_for: Duration::from_secs(1),
            max_attempts: None,
            locks: false,
            now: jiff::Timestamp::now(),
        }
    }

    /// Restores as PostgreSQL does: to `pg_wal/RECOVERYXLOG`.
    pub async fn restore(&self, name: &str) -> Result<wal_restore::Outcome> {
        wal_restore::run(&self.restore_request(name, &self.wal("RECOVERYXLOG")), self).await
    }

    /// What stands for the data directory in the spool: read from the folder's name, as it was made.
    pub fn instance(&self) -> String {
        let mut folders = std::fs::read_dir(self.spool().join("restore")).unwrap();
        let folder = folders.next().unwrap().unwrap().file_name().into_string().unwrap();
        folder.rsplit('-').next().unwrap().to_owned()
    }

    /// What was restored.
    pub fn restored(&self) -> Vec<u8> {
        std::fs::read(self.wal("RECOVERYXLOG")).unwrap()
    }

    /// All keys of the store.
    pub async fn keys(&self) -> Vec<String> {
        let all = self.store.inner.list(&Prefix::everything(), None);
        all.map_ok(|meta| meta.key.to_string()).try_collect().await.unwrap()
    }

    /// Loses all objects, as a store does whose volume is not mounted.
    pub async fn forget_everything(&self) {
        let keys: Vec<Key> = self.keys().await.iter().map(|k| Key::new(k.as_str()).unwrap()).collect();
        self.store.inner.delete(&keys).await.unwrap();
    }

    /// An object's bytes.
    pub async fn object(&self, key: &str) -> Vec<u8> {
        let object = self.store.inner.get(&Key::new(key).unwrap(), None).await.unwrap();
        let pieces: Vec<Bytes> = object.body.try_collect().await.unwrap();
        pieces.concat()
    }

    /// What is known of an object.
    pub async fn meta(&self, key: &str) -> ObjectMeta {
        self.store.inner.head(&Key::new(key).unwrap()).await.unwrap().unwrap()
    }

    /// Exchanges an object's bytes and leaves its metadata.
    pub async fn exchange(&self, key: &str, body: Vec<u8>) {
        let metadata = self.meta(key).await.metadata;
        let how = Put { if_exists: IfExists::Replace, metadata, ..Put::default() };
        self.store.inner.put(&Key::new(key).unwrap(), body.into(), &how).await.unwrap();
    }

    /// Puts an object as another tool would: without metadata, over anything.
    pub async fn foreign(&self, key: &str, body: Vec<u8>) {
        let how = Put { if_exists: IfExists::Replace, ..Put::default() };
        self.store.inner.put(&Key::new(key).unwrap(), body.into(), &how).await.unwrap();
    }
}

/// A segment that begins as PostgreSQL 16's do and goes on with something that compresses a little.
pub fn segment_bytes(name: &str, system: u64, size: SegmentSize, seed: u64) -> Vec<u8> {
    let name: SegmentName = name[..24].parse().unwrap();
    let mut bytes = vec![0_u8; usize::try_from(size.bytes()).unwrap()];
    let mut state = seed | 1;
    for (i, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let value = if i % 3 == 0 { state } else { i as u64 / 512 };
        chunk.copy_from_slice(&value.to_le_bytes());
    }
    bytes[0..2].copy_from_slice(&0xD113_u16.to_le_bytes());
    bytes[2..4].copy_from_slice(&2_u16.to_le_bytes());
    bytes[4..8].copy_from_slice(&name.timeline.number().to_le_bytes());
    bytes[8..16].copy_from_slice(&name.start(size).unwrap().0.to_le_bytes());
    bytes[24..32].copy_from_slice(&system.to_le_bytes());
    bytes[32..36].copy_from_slice(&u32::try_from(size.bytes()).unwrap().to_le_bytes());
    bytes[36..40].copy_from_slice(&8192_u32.to_le_bytes());
    bytes
}

/// The same bytes in a codec, as another tool would write them.
pub fn packed(how: Compression, plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = barkeep::stream::codec::encoder(how, how.level(None), Box::new(&mut packed)).unwrap();
    std::io::Write::write_all(&mut encoder, plain).unwrap();
    encoder.finish().unwrap();
    packed
}
