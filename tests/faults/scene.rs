//! One run's world: a service with an archive in it, a proxy before it, a data directory and a spool.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience};
use barkeep::error::Result;
use barkeep::model::{Compression, SegmentSize};
use barkeep::store::{IfExists, Key, Location, ObjectStore, Options, Prefix, Put};
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;

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
    /// Ends when the scene does.
    _running: Running,
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
        let proxy = Proxy::start(running.port(), service).await;
        let patience = Patience { retry_for: Duration::from_secs(30), ..Patience::default() };
        let (location, options) = running.reach(running.port());
        let direct = location.open(&options, ExclusivePut::Trusted, &patience).await.unwrap();
        for (key, stored) in content {
            let how =
                Put { if_exists: IfExists::Replace, metadata: stored.metadata.clone(), ..Put::default() };
            direct.put(&Key::new(key.as_str()).unwrap(), stored.body.clone(), &how).await.unwrap();
        }
        let (location, options) = running.reach(proxy.port());
        let address = Address { store: location.identity(&options), server: "main".parse().unwrap() };
        let bed = Bed::new();
        Self { bed, proxy, _running: running, direct, location, options, address, plan: None }
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
            content.insert(meta.key.to_string(), fetched(&*self.direct, &meta.key).await);
        }
        content
    }

    /// Where a restored file appears.
    pub(crate) fn restored(&self) -> PathBuf {
        self.bed.wal("RECOVERYXLOG")
    }
}

/// An object, read whole.
pub(crate) async fn fetched(store: &dyn ObjectStore, key: &Key) -> Stored {
    let object = store.get(key, None).await.unwrap();
    let metadata = object.meta.metadata;
    Stored { body: object.body.try_collect::<BytesMut>().await.unwrap().freeze(), metadata }
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

/// A segment as another tool would have stored it.
pub(crate) fn foreign(n: u64) -> (String, Stored) {
    let body = packed(Compression::Zstd, &plain(n, 0)).into();
    (wal_key(n), Stored { body, metadata: BTreeMap::new() })
}
