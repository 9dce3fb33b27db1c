//! Uploads that were begun and neither finished nor aborted: finding and freeing them.
//!
//! Only those of the XML interface are listed and cost anything. A session of the JSON interface cannot be
//! found by others, and the service forgets it after a week.

use futures_util::{TryStreamExt, stream};
use http::Method;
use serde::Deserialize;

use super::client::{Call, xml_bucket};
use super::errors::{About, Class};
use super::{Error, GcsStore, Prefix, Result, Unfinished, object, upload};
use crate::store::markers::Markers;

/// How many are aborted at once; there is no request for many.
const ABORTS_AT_ONCE: usize = 16;

/// A page of the list.
#[derive(Deserialize)]
struct Page {
    #[serde(rename = "IsTruncated", default)]
    is_truncated: bool,
    #[serde(rename = "NextKeyMarker", default)]
    next_key_marker: String,
    #[serde(rename = "NextUploadIdMarker", default)]
    next_upload_id_marker: String,
    #[serde(rename = "Upload", default)]
    uploads: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Key")]
    key: String,
    #[serde(rename = "UploadId")]
    upload_id: String,
    #[serde(rename = "Initiated", default)]
    initiated: String,
}

/// Everything below `prefix`. Each page has a deadline and attempts of its own. An emulator keeps no uploads
/// that could be listed.
pub(super) async fn list(store: &GcsStore, prefix: &Prefix) -> Result<Vec<Unfinished>> {
    let mut found = Vec::new();
    let mut from = Markers::default();
    if store.shared.client.is_emulator() {
        return Ok(found);
    }
    loop {
        let what = || "list a page".to_owned();
        let page = store.shared.patience.persist(0, what, || page(store, prefix, &from)).await?;
        let Some(page) = page else { return Ok(found) };
        let next = from.next(page.is_truncated, &page.next_key_marker, &page.next_upload_id_marker)?;
        found.extend(page.uploads.into_iter().filter_map(|upload| {
            let key = store.key(&upload.key)?;
            let (begun, id) = (object::time(&upload.initiated), upload.upload_id);
            prefix.matches(&key).then_some(Unfinished { key, begun, id })
        }));
        match next {
            Some(next) => from = next,
            None => return Ok(found),
        }
    }
}

/// One page; `None` when the service does not know the question.
async fn page(store: &GcsStore, prefix: &Prefix, from: &Markers) -> Result<Option<Page>> {
    let path = format!("{}?uploads", xml_bucket(&store.shared.bucket));
    let call = Call::new(Method::GET, path, About::Bucket, "storage.multipartUploads.list")
        .query("prefix", store.below(prefix))
        .query_if("key-marker", from.key.clone())
        .query_if("upload-id-marker", from.upload.clone());
    match store.shared.client.send(&call).await {
        Ok(answer) => {
            let text = answer.bytes().await?;
            let unreadable = |e| Error::unavailable(format!("the list was cut off or cannot be read: {e}"));
            quick_xml::de::from_reader(&*text).map(Some).map_err(unreadable)
        }
        Err(e) if e.class == Some(Class::NotImplemented) => {
            tracing::debug!("taken to have no unfinished uploads: {}", Error::from(e));
            Ok(None)
        }
        Err(e) => Err(e.into()),
    }
}

/// Aborts them all. Parts that are just being sent may stay behind, and are listed again.
pub(super) async fn forget(store: &GcsStore, unfinished: &[Unfinished]) -> Result<()> {
    let all = stream::iter(unfinished.iter().map(Ok));
    all.try_for_each_concurrent(ABORTS_AT_ONCE, |one| upload::abort(store, &one.key, &one.id)).await
}
