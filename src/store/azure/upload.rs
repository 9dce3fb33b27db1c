//! An object in blocks.
//!
//! Azure keeps blocks that are sent under the object's name, and forgets them after a week, or when
//! anything is stored under the name (Put Block, "Remarks"). Until their list is committed there is nothing
//! to see, and nothing is to be tidied up: what others do, committing an empty list and deleting the empty
//! object, would show it for a moment.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlockBlobClientCommitBlockListOptions, BlockBlobClientStageBlockOptions, BlockListType, BlockLookupList,
};
use bytes::Bytes;

use super::errors::{Class, READ, class_of};
use super::{AzureStore, lock, names};
use crate::error::{Context, Result};
use crate::store::parts::{Limit, Parts};
use crate::store::{IfExists, Key, Put, Upload};

/// What Azure allows in one object (Put Block List).
const LIMIT: Limit = Limit { most: 50_000, name: "block", service: "Azure" };

/// Begins an object in blocks. Nothing is sent but the question whether it is there, where it is asked.
pub(super) async fn begin(
    store: AzureStore,
    key: &Key,
    how: &Put,
    in_flight: NonZeroUsize,
) -> Result<Box<dyn Upload>> {
    store.ask_first(key, how).await?;
    let mark = RandomState::new().hash_one(key.as_str());
    let target = Target { store, key: key.clone(), mark };
    Ok(Box::new(AzureUpload { target, how: how.clone(), parts: Parts::new(LIMIT, in_flight) }))
}

/// An object in blocks, some of them under way.
struct AzureUpload {
    target: Target,
    how: Put,
    /// The ids of the blocks.
    parts: Parts<Vec<u8>>,
}

/// What a block belongs to.
#[derive(Clone)]
struct Target {
    store: AzureStore,
    key: Key,
    /// Drawn by lot, so that the blocks of two uploads to one name never mix.
    mark: u64,
}

#[async_trait]
impl Upload for AzureUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let target = self.target.clone();
        let send = |number| async move { target.send(number, part).await };
        self.parts.begin(&self.target.key, send).await
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let ids = self.parts.all().await?;
        self.commit(&ids).await.context(|| format!("finish {} in {}", self.target.key, self.target.store))
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.parts.end().await;
        Ok(())
    }
}

impl AzureUpload {
    /// Makes the object visible. An answer may get lost, and then the name is taken when it is asked again,
    /// although everything went well: by these very blocks.
    async fn commit(&self, ids: &[Vec<u8>]) -> Result<()> {
        let store = &self.target.store;
        let attempts = AtomicU32::new(0);
        let attempt = || async {
            let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
            if is_first {
                store.ask_first(&self.target.key, &self.how).await?;
            }
            let Err(e) = self.commit_once(ids).await else { return Ok(()) };
            let may_be_ours = matches!(class_of(&e), Some(Class::Taken | Class::NoBlocks));
            if !is_first && may_be_ours && self.is_there(ids).await? {
                return Ok(());
            }
            Err(lock::explain(store.writing(&self.how).explain(e), &self.how))
        };
        let patience = store.shared.patience.with_assembly();
        patience.persist(0, || "commit the blocks".to_owned(), attempt).await
    }

    async fn commit_once(&self, ids: &[Vec<u8>]) -> azure_core::Result<()> {
        let Target { store, key, .. } = &self.target;
        let blob = store.shared.client.blob(&store.name(key))?.block_blob_client();
        // The latest of an id is the only one of it; asked for again, it is found among those committed.
        let list = BlockLookupList { latest: Some(ids.to_vec()), ..BlockLookupList::default() };
        let options = BlockBlobClientCommitBlockListOptions {
            blob_tags_string: names::tags(&self.how.tags),
            encryption_scope: store.shared.encryption_scope.clone(),
            if_none_match: (self.how.if_exists == IfExists::Fail).then(|| Etag::from("*")),
            immutability_policy_expiry: lock::until(&self.how)?,
            immutability_policy_mode: lock::mode(&self.how),
            metadata: Some(names::metadata(&self.how.metadata).collect::<HashMap<_, _>>()),
            ..BlockBlobClientCommitBlockListOptions::default()
        };
        blob.commit_block_list(list.try_into()?, Some(options)).await.map(drop)
    }

    /// Whether the object consists of the blocks of this upload. Without any, nobody can tell.
    async fn is_there(&self, ids: &[Vec<u8>]) -> Result<bool> {
        let Target { store, key, .. } = &self.target;
        let committed = async {
            let blob = store.shared.client.blob(&store.name(key))?.block_blob_client();
            blob.get_block_list(BlockListType::Committed, None).await?.into_model()
        };
        match committed.await {
            Ok(list) => {
                let found: Vec<_> = list.committed_blocks.into_iter().flatten().map(|b| b.name).collect();
                Ok(!ids.is_empty() && found.iter().map(Option::as_ref).eq(ids.iter().map(Some)))
            }
            Err(e) if class_of(&e) == Some(Class::Missing) => Ok(false),
            Err(e) => Err(store.request(READ).explain(e)),
        }
    }
}

impl Target {
    /// The id of a block; all ids of one name must have the same length (Put Block).
    fn id(&self, number: u16) -> Vec<u8> {
        format!("{:016x}-{number:07}", self.mark).into_bytes()
    }

    /// Sends one block, and again while patience lasts: only here is it at hand. Its id.
    async fn send(&self, number: u16, part: Bytes) -> Result<Vec<u8>> {
        let what = || "send the block".to_owned();
        let (id, patience) = (self.id(number), &self.store.shared.patience);
        let sent = patience.persist(part.len() as u64, what, || self.send_once(&id, part.clone()));
        sent.await.context(|| format!("put block {number} of {} into {}", self.key, self.store))?;
        Ok(id)
    }

    async fn send_once(&self, id: &[u8], part: Bytes) -> Result<()> {
        let shared = &*self.store.shared;
        let sent = async {
            let blob = shared.client.blob(&self.store.name(&self.key))?.block_blob_client();
            let options = BlockBlobClientStageBlockOptions {
                encryption_scope: shared.encryption_scope.clone(),
                ..BlockBlobClientStageBlockOptions::default()
            };
            let length = part.len() as u64;
            blob.stage_block(id, length, part.into(), Some(options)).await
        };
        match sent.await {
            Ok(_) => Ok(()),
            Err(e) => Err(self.store.writing(&Put::default()).explain(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_object_has_at_most_fifty_thousand_blocks_and_says_so() {
        let key = Key::new("srv/base/data.tar").unwrap();
        assert_eq!(LIMIT.next_number(49_999, &key).unwrap(), 50_000);
        let error = LIMIT.next_number(50_000, &key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("srv/base/data.tar would have more than 50000 blocks"), "{error}");
    }
}
