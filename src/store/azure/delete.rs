//! Deleting objects.
//!
//! One by one, some at once. Azure has batches, but each of the up to 256 requests inside one is signed on
//! its own all the same, is counted and paid for as one, and fails on its own; a signature of a container
//! needs another URL for them than one of the account; and emulators refuse those of signatures. What would
//! be won is the way there and back, which requests that are under way at once share as well.

use azure_storage_blob::models::BlobClientDeleteOptions;
use futures_util::{TryStreamExt, stream};

use super::errors::{Class, DELETE, class_of};
use super::{AzureStore, Key, Result};

/// How many requests are under way at once.
const AT_ONCE: usize = 16;

/// Deletes all of `keys`. An object with snapshots, which somebody made by hand, is refused by the service.
pub(super) async fn all(store: &AzureStore, keys: &[Key]) -> Result<()> {
    stream::iter(keys.iter().map(Ok)).try_for_each_concurrent(AT_ONCE, |key| one(store, key)).await
}

/// Deletes one, and tries that again a while: a service that refuses one request in a hundred would else never
/// let a thousand pass together.
async fn one(store: &AzureStore, key: &Key) -> Result<()> {
    let patience = store.shared.patience.within_an_attempt();
    patience.persist(0, || format!("delete {key}"), || once(store, key)).await
}

async fn once(store: &AzureStore, key: &Key) -> Result<()> {
    let deleted = async {
        let blob = store.shared.client.blob(&store.name(key))?;
        blob.delete(Some(BlobClientDeleteOptions::default())).await
    };
    match deleted.await {
        Ok(_) => Ok(()),
        Err(e) if class_of(&e) == Some(Class::Missing) => Ok(()),
        Err(e) => Err(store.request(DELETE).explain(e).context(format!("delete {key}"))),
    }
}
