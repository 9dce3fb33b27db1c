//! The archive in its own nouns: a store seen through one server's layout.
//!
//! `docs/format.md` in code. The only place that spells keys or reads them back.

mod address;
mod backup_info;
mod base;
mod catalog;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod keep;
mod layout;
mod literal;
mod probe;
mod removal;
mod verified;
mod wal;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::OnceCell;

pub use address::Address;
pub use base::{BackupFiles, MANIFEST_COMPRESSION, StoredManifest, StoredTar};
pub use catalog::{Catalog, Entry, Orphan, Unreadable};
use layout::Layout;
pub use literal::Literal;
pub use probe::Probe;
pub use removal::{Abandoned, BegunUpload};
pub use verified::MarkedWal;
pub use wal::{Recorded, Stored, StoredWal, WalPut, WalUpload};

pub use crate::store::{
    ByteStream, ExclusivePut, Lock, Locks, Object, Patience, Retain, RetainMode, Tags, Upload,
};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::ServerName;
use crate::store::ObjectStore;

/// One server's part of a store.
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    layout: Layout,
    slashed: Option<Slashed>,
    /// The lock of what is stored for good.
    retain: Option<Retain>,
    /// Nothing that is there is replaced, whatever is stored.
    create_only: bool,
    /// Whether objects here can be locked, once that was asked.
    locks: OnceCell<Locks>,
}

/// The store under its other spelling, with one slash more before the server's name.
struct Slashed {
    store: Arc<dyn ObjectStore>,
    /// Whether annotations are written there.
    writes: bool,
}

impl Slashed {
    /// Whether an answer means that there is nothing to see: the service refuses names with two slashes, as
    /// `MinIO` does, so there is no such object; or these credentials end before the second one, and whoever
    /// may not look there has written nothing there either, unless that is where annotations are written.
    fn need_not_look(&self, answer: &Error) -> bool {
        match answer.kind() {
            ErrorKind::Usage => true,
            ErrorKind::Denied => !self.writes,
            _ => false,
        }
    }
}

impl Archive {
    /// The archive of `server` in `store`.
    pub fn new(store: Arc<dyn ObjectStore>, server: ServerName) -> Self {
        let (layout, locks) = (Layout::new(server), OnceCell::new());
        Self { store, layout, slashed: None, retain: None, create_only: false, locks }
    }

    /// Locks what is stored for good: WAL, and of a backup its files and the record that makes it one. What
    /// is to be replaced or removed again is not locked.
    #[must_use]
    pub fn with_retain(self, retain: Option<Retain>) -> Self {
        Self { retain, ..self }
    }

    /// Stores every object of a backup under the condition that its key is free, as is asked of credentials
    /// that may only create.
    #[must_use]
    pub fn creating_only(self, create_only: bool) -> Self {
        Self { create_only, ..self }
    }

    /// Whether objects here can be locked; asked once.
    pub async fn locks(&self) -> Result<Locks> {
        self.locks.get_or_try_init(|| self.store.locks()).await.copied()
    }

    /// Adds the same store as `PATH//SERVER/…` shows it, where other tools keep annotations when their
    /// URL ends in a slash (spec/barman-cloud.md 3.6). Both are read; `writes` says which of them gets
    /// new annotations.
    #[must_use]
    pub fn with_slashed(mut self, store: Arc<dyn ObjectStore>, writes: bool) -> Self {
        self.slashed = Some(Slashed { store, writes });
        self
    }

    /// The names of all servers in the store that have WAL or base backups, in their order: a request for the
    /// store, and one for each folder in it.
    pub async fn servers(&self) -> Result<Vec<ServerName>> {
        let mut servers = Vec::new();
        for folder in self.store.folders(None).await.context(|| "list the servers")? {
            let Ok(server) = folder.as_str().parse::<ServerName>() else { continue };
            let layout = Layout::new(server.clone());
            let (wals, bases) = (layout.wals()?, layout.bases()?);
            let inside = self.store.folders(Some(&folder)).await.context(|| format!("list {folder}"))?;
            if inside.iter().any(|inside| *inside == wals || *inside == bases) {
                servers.push(server);
            }
        }
        Ok(servers)
    }

    /// The store in one of its spellings.
    fn spelling(&self, slashed: bool) -> &dyn ObjectStore {
        match &self.slashed {
            Some(other) if slashed => &*other.store,
            _ => &*self.store,
        }
    }
}

/// How a verb gets at the archive: only when it needs to, since an answer from the spool must cost
/// neither a connection nor the reading of credentials.
#[async_trait]
pub trait OpenArchive: Send + Sync {
    /// Where the archive is, known without touching it.
    fn address(&self) -> &Address;

    /// What the configuration says about exclusive puts; `None` leaves it to what has been proved.
    fn configured_exclusive(&self) -> Option<ExclusivePut>;

    /// Signs in and gives the archive. Nothing is sent to the store yet.
    async fn open(&self, exclusive: ExclusivePut, patience: &Patience) -> Result<Archive>;
}
