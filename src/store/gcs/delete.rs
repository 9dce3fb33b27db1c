//! Deleting objects, one request each and several at once.
//!
//! There is a batch of 100 requests, but the service carries them out and bills them one by one all the same,
//! each may fail for itself and would have to be sent alone then, and emulators read batches wrongly. Side by
//! side over connections that are there anyway, single requests are about as fast and need none of that.

use futures_util::{TryStreamExt, stream};
use http::Method;

use super::client::{Call, object};
use super::errors::{About, Class};
use super::{Context, Error, GcsStore, Key, Result};

/// How many requests are under way at once. An emulator serves one connection at a time and lets hardly any
/// other wait.
const AT_ONCE: usize = 16;

/// Deletes all of `keys`.
pub(super) async fn all(store: &GcsStore, keys: &[Key]) -> Result<()> {
    let at_once = if store.shared.client.is_emulator() { 1 } else { AT_ONCE };
    stream::iter(keys.iter().map(Ok::<_, Error>))
        .try_for_each_concurrent(at_once, |key| async move {
            one(store, key).await.context(|| format!("delete {key}"))
        })
        .await
}

/// Deletes one, and tries that again a while: a service that refuses one request in a hundred would else never
/// let a thousand pass together.
async fn one(store: &GcsStore, key: &Key) -> Result<()> {
    let patience = store.shared.patience.within_an_attempt();
    patience.persist(0, || "send the request".to_owned(), || once(store, key)).await
}

async fn once(store: &GcsStore, key: &Key) -> Result<()> {
    let path = object(&store.shared.bucket, &store.name(key));
    let call = Call::new(Method::DELETE, path, About::Object, "storage.objects.delete");
    match store.shared.client.send(&call).await {
        Ok(_) => Ok(()),
        Err(e) if e.class == Some(Class::NoObject) => Ok(()),
        Err(e) if e.class == Some(Class::Missing) => store.require_bucket().await,
        Err(e) => Err(e.into()),
    }
}
