//! What `verify` reads and remembers: everything with a mark of its content, and its ledger.

use bytes::Bytes;
use futures_util::StreamExt;
use sha2::{Digest, Sha256};

use super::{Archive, StoredWal};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Mark, WalObject};
use crate::store::{IfExists, Key, ObjectMeta, Put};

/// No ledger is longer as it is stored.
const LONGEST: u64 = 256 << 20;

/// A WAL file, and what stands for its content as it was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkedWal {
    /// The file.
    pub object: WalObject,
    /// Its mark.
    pub mark: Mark,
}

impl Archive {
    /// Everything there is among the WAL, each with its mark; a thousand files per request.
    pub async fn marked_wal(&self) -> Result<Vec<MarkedWal>> {
        let wals = self.layout.wals()?.inside();
        let mut all = self.store.list(&wals, None);
        let mut marked = Vec::new();
        while let Some(meta) = all.next().await {
            let meta = meta.context(|| "list the WAL")?;
            marked.extend(StoredWal::read(&meta).map(|found| MarkedWal {
                object: WalObject {
                    name: found.name,
                    compression: found.compression,
                    stored_bytes: found.stored_bytes,
                },
                mark: mark(0, &meta),
            }));
        }
        Ok(marked)
    }

    /// A listed WAL file as it is opened.
    pub fn stored(&self, object: &WalObject) -> Result<StoredWal> {
        let WalObject { name, compression, stored_bytes } = *object;
        Ok(StoredWal::at(name, compression, stored_bytes, self.layout.wal(&name, compression)?))
    }

    /// Whether a listed WAL file is still there.
    pub async fn still_has(&self, wal: &StoredWal) -> Result<bool> {
        Ok(self.store.head(&Key::new(wal.key())?).await?.is_some())
    }

    /// The ledger as it was stored; `None` when there is none.
    pub async fn load_ledger(&self) -> Result<Option<Vec<u8>>> {
        let key = self.layout.ledger()?;
        let object = match self.store.get(&key, None).await {
            Ok(object) => object,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        if object.meta.size > LONGEST {
            return Err(Error::corrupt(format!("{key} has {} bytes", object.meta.size)));
        }
        let mut bytes = Vec::new();
        let mut body = object.body;
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(Some(bytes))
    }

    /// Stores the ledger over the one that is there; in an archive that has been seen to hold something.
    pub async fn save_ledger(&self, bytes: Bytes) -> Result<()> {
        let how = Put { if_exists: IfExists::Replace, not_first: true, ..Put::default() };
        self.store.put(&self.layout.ledger()?, bytes, &how).await
    }
}

/// What stands for everything that came before and this object: its key, its length and the store's own mark
/// of its content, or where there is none the time it was stored.
pub(super) fn mark(before: u64, meta: &ObjectMeta) -> Mark {
    let content = meta.etag.clone().or_else(|| meta.modified.map(|at| at.to_string())).unwrap_or_default();
    let mut sha256 = Sha256::new();
    sha256.update(before.to_le_bytes());
    sha256.update(meta.size.to_le_bytes());
    sha256.update(meta.key.as_str());
    // Neither has a zero byte in it.
    sha256.update([0]);
    sha256.update(content);
    let digest: [u8; 32] = sha256.finalize().into();
    Mark(u64::from_le_bytes(std::array::from_fn(|i| digest[i])))
}
