//! Deleting objects, a batch at a time where the service can.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use futures_util::{TryStreamExt, stream};

use super::errors::{Class, class_of, classify};
use super::options::{Checksums, content_md5};
use super::{Error, Key, Result, S3Store};

/// What one request takes.
const BATCH: usize = 1000;

/// How many single requests are under way where a batch is not understood.
const SINGLE_REQUESTS: usize = 16;

/// Deletes all of `keys`.
pub(super) async fn all(store: &S3Store, keys: &[Key]) -> Result<()> {
    for batch in keys.chunks(BATCH) {
        match batch {
            [key] => one(store, key).await?,
            batch => many(store, batch).await?,
        }
    }
    Ok(())
}

async fn many(store: &S3Store, keys: &[Key]) -> Result<()> {
    let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(store.name(key)).build());
    let objects = objects.collect::<Result<Vec<_>, _>>().map_err(|e| Error::bug(e.to_string()))?;
    let list = Delete::builder().quiet(true).set_objects(Some(objects)).build();
    let list = list.map_err(|e| Error::bug(e.to_string()))?;
    let only_md5 = store.shared.checksums == Checksums::WhenRequired;
    let request = store.shared.client.delete_objects().bucket(&store.shared.bucket).delete(list);
    let request = request.customize().mutate_request(move |request| seal(request, only_md5));
    match request.send().await {
        Ok(answer) => failures(store, keys, &answer).await,
        Err(e) if is_misunderstood(class_of(&e), e.code()) => singly(store, keys).await,
        Err(e) => Err(store.request("s3:DeleteObject").explain(&e)),
    }
}

/// Adds the digest that S3 has always demanded here. The SDK sends a newer checksum instead, which
/// many look-alikes do not know; unless checksums are wanted wherever possible, it goes.
fn seal(request: &mut HttpRequest, only_md5: bool) {
    let Some(digest) = request.body().bytes().map(content_md5) else { return };
    request.headers_mut().insert("content-md5", digest);
    if only_md5 {
        let newer =
            |name: &str| name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm";
        let names = request.headers().iter().map(|(name, _)| name.to_owned());
        for name in names.filter(|name| newer(name)).collect::<Vec<_>>() {
            request.headers_mut().remove(name);
        }
    }
}

/// Whether the service may still understand single requests: it knows no batches, or wants them in
/// a form that it has not told.
fn is_misunderstood(class: Option<Class>, code: Option<&str>) -> bool {
    code == Some("MissingContentMD5")
        || matches!(class, Some(Class::NotImplemented | Class::Refused | Class::Missing | Class::Denied))
}

/// A batch succeeds as a whole and reports what failed in it. One by one, each of those may still
/// succeed, or says properly why not.
async fn failures(store: &S3Store, keys: &[Key], answer: &DeleteObjectsOutput) -> Result<()> {
    let failed = answer.errors().iter().filter(|e| classify(0, e.code()) != Class::Missing);
    let names = failed.filter_map(|e| store.key(e.key()?)).collect::<Vec<_>>();
    if names.is_empty() && !answer.errors().is_empty() {
        return singly(store, keys).await;
    }
    singly(store, &names).await
}

async fn singly(store: &S3Store, keys: &[Key]) -> Result<()> {
    stream::iter(keys.iter().map(Ok)).try_for_each_concurrent(SINGLE_REQUESTS, |key| one(store, key)).await
}

async fn one(store: &S3Store, key: &Key) -> Result<()> {
    let request = store.shared.client.delete_object().bucket(&store.shared.bucket).key(store.name(key));
    match request.send().await {
        Ok(_) => Ok(()),
        Err(e) if class_of(&e) == Some(Class::Missing) => Ok(()),
        Err(e) => Err(store.request("s3:DeleteObject").explain(&e).context(format!("delete {key}"))),
    }
}
