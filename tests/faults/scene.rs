//! One run's world: a service with an archive in it, a proxy before it, a data directory and a spool.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience};
use barkeep::error::Result;
use barkeep::model::{Compression, SegmentSize};
use barkeep::store::{FileStore, IfExists, Key, Location, ObjectStore, Options, Prefix, Put};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::fault::Plan;
use super::proxy::Proxy;
use super::service::{Running, Service};
use crate::bed::{Bed, MIB, SYSTEM, packed, segment_bytes};

/// An object with what the writer said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) body: Bytes,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// An archive's objects by their keys.
pub(crate) type Content = BTreeMap<String, Stored>;

/// See the module's documentation.
pub(crate) struct Scene {
    pub(crate) bed: Bed,
    pub(crate) proxy: Proxy,
    running: Running,
    /// The store, past the proxy.
    pub(crate) direct: Arc<dyn ObjectStore>,
    location: Location,
    options: Options,
    address: Address,
    plan: Option<Plan>,
}

impl Scene {
    /// With these objects in the archive.
    pub(crate) async fn new(service: Service, content: &Content) -> Self {
        let running = service.start().await;
        let patience = Patience { retry_for: Duration::from_secs(30), ..Patience::default() };
        let (location, options) = running.reach(running.port());
        let direct = location.open(&options, ExclusivePut::Trusted, &patience).await.unwrap();
        for (key, stored) in content {
            let how =
                Put { if_exists: IfExists::Replace, metadata: stored.metadata.clone(), ..Put::default() };
            direct.put(&Key::new(key.as_str()).unwrap(), stored.body.clone(), &how).await.unwrap();
        }
        // What is looked at afterwards is looked at in files, where there are files: it is quicker.
        let direct = match running.files() {
            Some(files) => Arc::new(FileStore::open(&below(&files)).unwrap()),
            None => direct,
        };
        Self::around(service, running, direct).await
    }

    /// With these files in a service that has files.
    pub(crate) async fn with_files(files: &Path) -> Self {
        let running = Service::S3.start().await;
        let own = running.files().unwrap();
        copy(files, &own);
        let direct = Arc::new(FileStore::open(&below(&own)).unwrap());
        Self::around(Service::S3, running, direct).await
    }

    /// The service's files as they are now, where it has files.
    pub(crate) fn kept_files(&self) -> Option<TempDir> {
        let kept = tempfile::tempdir().unwrap();
        self.running.files().map(|files| copy(&files, kept.path()))?;
        Some(kept)
    }

    async fn around(service: Service, running: Running, direct: Arc<dyn ObjectStore>) -> Self {
        let proxy = Proxy::start(running.port(), service).await;
        let (location, options) = running.reach(proxy.port());
        let address = Address { store: location.identity(&options), server: "main".parse().unwrap() };
        let bed = Bed::new();
        Self { bed, proxy, running, direct, location, options, address, plan: None }
    }

    /// What the next run's requests meet.
    pub(crate) fn begin(&mut self, plan: Option<Plan>) {
        self.plan.clone_from(&plan);
        self.proxy.begin(plan);
    }

    /// What the next run meets.
    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Everything in the store.
    pub(crate) async fn content(&self) -> Content {
        let all: Vec<_> = self.direct.list(&Prefix::everything(), None).try_collect().await.unwrap();
        let mut content = Content::new();
        for meta in all {
            // A request that nobody waits for any more may delete it just now.
            if let Some(stored) = fetched(&*self.direct, &meta.key).await {
                content.insert(meta.key.to_string(), stored);
            }
        }
        content
    }

    /// The segments in the spool that were fetched ahead, by their numbers.
    pub(crate) fn fetched_ahead(&self) -> BTreeMap<u64, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.bed.spool().join("restore")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let number = (0..32).find(|n| segment(*n) == name);
                if path.is_dir() {
                    folders.push(path);
                } else if let Some(number) = number {
                    found.insert(number, std::fs::read(&path).unwrap());
                }
            }
        }
        found
    }

    /// Where a restored file appears.
    pub(crate) fn restored(&self) -> PathBuf {
        self.bed.wal("RECOVERYXLOG")
    }
}

/// Where in a service's files the archive is.
fn below(files: &Path) -> PathBuf {
    let root = files.join(crate::s3::BUCKET).join(super::service::PATH);
    std::fs::create_dir_all(&root).unwrap();
    root
}

/// An object, read whole; `None` when it is gone.
async fn fetched(store: &dyn ObjectStore, key: &Key) -> Option<Stored> {
    let object = store.get(key, None).await.ok()?;
    let metadata = object.meta.metadata;
    Some(Stored { body: object.body.try_collect::<BytesMut>().await.ok()?.freeze(), metadata })
}

#[async_trait]
impl OpenArchive for Scene {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        Some(ExclusivePut::Trusted)
    }

    /// With less patience than the verb has, but its deadline.
    async fn open(&self, exclusive: ExclusivePut, patience: &Patience) -> Result<Archive> {
        let (retry_for, grace) = match &self.plan {
            Some(plan) => (plan.retry_for(), plan.grace()),
            None => (Duration::from_secs(30), Duration::from_secs(30)),
        };
        let patience = Patience { retry_for, grace, ..patience.clone() };
        let (store, slashed) = self.location.open_spellings(&self.options, exclusive, &patience).await?;
        let archive = Archive::new(store, self.address.server.clone());
        Ok(match slashed {
            Some(slashed) => archive.with_slashed(slashed, false),
            None => archive,
        })
    }
}

/// A segment's name.
pub(crate) fn segment(n: u64) -> String {
    format!("0000000100000000{n:08X}")
}

/// What the segment holds in one of two versions. Most of it is empty, so that it packs well.
pub(crate) fn plain(n: u64, version: u64) -> Vec<u8> {
    let mut bytes = segment_bytes(&segment(n), SYSTEM, SegmentSize::new(MIB).unwrap(), 2 * n + version);
    bytes[8192..].fill(0);
    bytes[8192..8200].copy_from_slice(&version.to_le_bytes());
    bytes
}

/// Its key in the archive.
pub(crate) fn wal_key(n: u64) -> String {
    format!("main/wals/0000000100000000/{}.zst", segment(n))
}

/// A segment as it is stored.
pub(crate) fn own(n: u64) -> (String, Stored) {
    let plain = plain(n, 0);
    let body = packed(Compression::Zstd, &plain).into();
    (wal_key(n), Stored { body, metadata: recorded(&plain) })
}

/// What is recorded with a WAL file.
pub(crate) fn recorded(plain: &[u8]) -> BTreeMap<String, String> {
    let digest = hex::encode(Sha256::digest(plain));
    let pairs = [("barkeep-sha256", digest), ("barkeep-length", plain.len().to_string())];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Copies a directory and everything in it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let there = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &there);
        } else {
            std::fs::copy(entry.path(), there).unwrap();
        }
    }
}
