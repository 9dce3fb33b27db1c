//! An object in blocks.
//!
//! Azure keeps blocks that are sent under the object's name, and forgets them after a week, or when
//! anything is stored under the name (Put Block, "Remarks"). Until their list is committed there is nothing
//! to see, and nothing is to be tidied up: what others do, committing an empty list and deleting the empty
//! object, would show it for a moment.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroUsize;

use async_trait::async_trait;
use azure_core::http::Etag;
use azure_storage_blob::models::{
    BlockBlobClientCommitBlockListOptions, BlockBlobClientStageBlockOptions, BlockListType, BlockLookupList,
};
use bytes::Bytes;

use super::errors::{Class, READ, class_of};
use super::{AzureStore, lock, names};
use crate::error::Result;
use crate::store::parts::{InParts, Limit, Whole};
use crate::store::{IfExists, Key, Patience, Put, Upload};

/// Begins an object in blocks. Nothing is sent but the question whether it is there, where it is asked.
pub(super) async fn begin(
    store: AzureStore,
    key: &Key,
    how: &Put,
    in_flight: NonZeroUsize,
) -> Result<Box<dyn Upload>> {
    store.ask_first(key, how).await?;
    let mark = RandomState::new().hash_one(key.as_str());
    let upload = AzureUpload { store, key: key.clone(), how: how.clone(), mark };
    Ok(Box::new(InParts::new(upload, in_flight)))
}

/// An upload that was begun.
struct AzureUpload {
    store: AzureStore,
    key: Key,
    how: Put,
    /// Drawn by lot, so that the blocks of two uploads to one name never mix.
    mark: u64,
}

#[async_trait]
impl Whole for AzureUpload {
    /// Its id.
    type Part = Vec<u8>;

    /// What Azure allows in one object (Put Block List).
    const LIMIT: Limit = Limit { at_least_one: false, most: 50_000, name: "block", service: "Azure" };

    fn key(&self) -> &Key {
        &self.key
    }

    fn store(&self) -> &dyn fmt::Display {
        &self.store
    }

    fn patience(&self) -> &Patience {
        &self.store.shared.patience
    }

    async fn send_once(&self, number: u16, part: &Bytes) -> Result<Vec<u8>> {
        let (shared, id) = (&*self.store.shared, self.id(number));
        let sent = async {
            let blob = shared.client.blob(&self.store.name(&self.key))?.block_blob_client();
            let options = BlockBlobClientStageBlockOptions {
                encryption_scope: shared.encryption_scope.clone(),
                ..BlockBlobClientStageBlockOptions::default()
            };
            let length = part.len() as u64;
            blob.stage_block(&id, length, part.clone().into(), Some(options)).await
        };
        match sent.await {
            Ok(_) => Ok(id),
            Err(e) => Err(self.store.writing(&Put::default()).explain(e)),
        }
    }

    /// Asked again, the name may be taken by these very blocks.
    async fn complete_once(&self, ids: &[Vec<u8>], is_first: bool) -> Result<()> {
        if is_first {
            self.store.ask_first(&self.key, &self.how).await?;
        }
        let Err(e) = self.commit(ids).await else { return Ok(()) };
        let may_be_ours = matches!(class_of(&e), Some(Class::Taken | Class::NoBlocks));
        if !is_first && may_be_ours && self.is_there(ids).await? {
            return Ok(());
        }
        Err(lock::explain(self.store.writing(&self.how).explain(e), &self.how))
    }

    /// Nobody sees the blocks, and the service forgets them.
    async fn abort_once(&self) -> Result<()> {
        Ok(())
    }
}

impl AzureUpload {
    /// The id of a block; all ids of one name must have the same length (Put Block).
    fn id(&self, number: u16) -> Vec<u8> {
        format!("{:016x}-{number:07}", self.mark).into_bytes()
    }

    async fn commit(&self, ids: &[Vec<u8>]) -> azure_core::Result<()> {
        let Self { store, key, .. } = self;
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
        let Self { store, key, .. } = self;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_object_has_at_most_fifty_thousand_blocks_and_says_so() {
        let key = Key::new("srv/base/data.tar").unwrap();
        assert_eq!(AzureUpload::LIMIT.next_number(49_999, &key).unwrap(), 50_000);
        let error = AzureUpload::LIMIT.next_number(50_000, &key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("srv/base/data.tar would have more than 50000 blocks"), "{error}");
    }
}
