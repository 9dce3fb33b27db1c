//! Uploads that were begun and neither finished nor aborted: finding and freeing them.

use aws_sdk_s3::operation::list_multipart_uploads::ListMultipartUploadsOutput;
use futures_util::{TryStreamExt, stream};

use super::errors::{Class, class_of};
use super::{Prefix, Result, S3Store, Unfinished, timestamp, upload};
use crate::store::markers::Markers;

/// How many are aborted at once; there is no request for many.
const ABORTS_AT_ONCE: usize = 16;

/// Everything below `prefix`. Each page has a deadline and attempts of its own.
pub(super) async fn list(store: &S3Store, prefix: &Prefix) -> Result<Vec<Unfinished>> {
    let mut found = Vec::new();
    let mut from = Markers::default();
    loop {
        let what = || "list a page".to_owned();
        let page = store.shared.patience.persist(0, what, || page(store, prefix, &from)).await?;
        let Some(page) = page else { return Ok(found) };
        found.extend(page.uploads().iter().filter_map(|upload| {
            let key = store.key(upload.key()?)?;
            let (begun, id) = (timestamp(upload.initiated()), upload.upload_id()?.to_owned());
            // Not every service knows the prefix here.
            prefix.matches(&key).then_some(Unfinished { key, begun, id })
        }));
        let is_truncated = page.is_truncated() == Some(true);
        let (key, upload) = (page.next_key_marker(), page.next_upload_id_marker());
        match from.next(is_truncated, key.unwrap_or_default(), upload.unwrap_or_default())? {
            Some(next) => from = next,
            None => return Ok(found),
        }
    }
}

/// One page; `None` when the service does not know the question.
async fn page(
    store: &S3Store,
    prefix: &Prefix,
    from: &Markers,
) -> Result<Option<ListMultipartUploadsOutput>> {
    let shared = &*store.shared;
    let list = shared.client.list_multipart_uploads().bucket(&shared.bucket);
    let list = list.prefix(format!("{}{prefix}", shared.root));
    let answer = list.set_key_marker(from.key.clone()).set_upload_id_marker(from.upload.clone()).send().await;
    let request = store.request("s3:ListBucketMultipartUploads");
    match answer {
        Ok(page) => Ok(Some(page)),
        Err(e) => match class_of(&e) {
            Some(Class::NotImplemented) => {
                tracing::debug!("taken to have no unfinished uploads: {}", request.explain(&e));
                Ok(None)
            }
            // A list has nothing to miss but the bucket.
            Some(Class::Missing) => Err(request.no_bucket()),
            _ => Err(request.explain(&e)),
        },
    }
}

/// Aborts them all. Parts that are just being sent may stay behind, as S3 warns, and are listed again.
pub(super) async fn forget(store: &S3Store, unfinished: &[Unfinished]) -> Result<()> {
    let all = stream::iter(unfinished.iter().map(Ok));
    all.try_for_each_concurrent(ABORTS_AT_ONCE, |one| upload::abort(store, &one.key, &one.id)).await
}
