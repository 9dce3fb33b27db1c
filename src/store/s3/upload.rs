//! An object in parts.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use super::errors::{Class, class_of};
use super::options::content_md5;
use super::{Context, Error, IfExists, Key, Put, Result, S3Store, Upload, lock, request};
use crate::store::parts::{Limit, Parts, abort_if_possible};

/// What S3 allows in one object.
const LIMIT: Limit = Limit { most: 10_000, name: "part", service: "S3" };

/// Begins an object in parts.
pub(super) async fn begin(
    store: S3Store,
    key: &Key,
    how: &Put,
    in_flight: NonZeroUsize,
) -> Result<Box<dyn Upload>> {
    let create = store.shared.client.create_multipart_upload();
    let create = create.bucket(&store.shared.bucket).key(store.name(key));
    let create = request::create(create, how, store.shared.encryption.as_ref());
    let refused = |e| lock::explain(store.request("s3:PutObject").explain(&e), how);
    let begun = create.send().await.map_err(refused)?;
    let id = begun.upload_id().ok_or_else(|| Error::corrupt("the service gives the upload no id"))?;
    let target = Target { id: id.to_owned(), key: key.clone(), summed: how.retain.is_some(), store };
    Ok(Box::new(S3Upload { target, how: how.clone(), parts: Parts::new(LIMIT, in_flight), size: 0 }))
}

/// An object in parts, some of them under way.
struct S3Upload {
    target: Target,
    how: Put,
    parts: Parts<CompletedPart>,
    size: u64,
}

/// What a part belongs to.
#[derive(Clone)]
struct Target {
    store: S3Store,
    key: Key,
    id: String,
    /// Whether the service wants a sum with every part, as it does of what is to be locked.
    summed: bool,
}

#[async_trait]
impl Upload for S3Upload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let (target, size) = (self.target.clone(), part.len() as u64);
        let send = |number| async move { target.send(number, part).await };
        self.parts.begin(&self.target.key, send).await?;
        self.size += size;
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let finished = self.finish_all().await;
        if finished.is_err() {
            self.parts.end().await;
            self.target.abort_if_possible().await;
        }
        finished
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.parts.end().await;
        self.target.abort().await
    }
}

impl S3Upload {
    async fn finish_all(&mut self) -> Result<()> {
        if self.parts.is_empty() {
            // An upload has at least one part, even of an empty object.
            self.part(Bytes::new()).await?;
        }
        let parts = self.parts.all().await?;
        self.complete(&parts).await.context(|| format!("finish {} in {}", self.target.key, self.target.store))
    }

    /// Makes the object visible. An answer may get lost, and then the upload is no more when it is
    /// asked again, although everything went well.
    async fn complete(&self, parts: &[CompletedPart]) -> Result<()> {
        let Target { store, key, .. } = &self.target;
        let attempts = AtomicU32::new(0);
        let attempt = || async {
            let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
            store.ask_first(key, &self.how).await?;
            let conditional = self.how.if_exists == IfExists::Fail;
            let mut answer = self.complete_once(parts, conditional).await;
            if let Err(e) = &answer
                && store.may_go_without_condition(conditional, class_of(e))
            {
                answer = self.complete_once(parts, false).await;
            }
            match answer {
                // Which of the two it is stands in the body alone, and that may have been cut off.
                Err(e) if !is_first && matches!(class_of(&e), Some(Class::NoUpload | Class::Missing)) => {
                    self.is_there(parts.len(), &e).await
                }
                answer => answer.map_err(|e| store.request("s3:PutObject").explain(&e)),
            }
        };
        let patience = store.shared.patience.with_assembly();
        patience.persist(0, || "complete the upload".to_owned(), attempt).await
    }

    async fn complete_once(
        &self,
        parts: &[CompletedPart],
        conditional: bool,
    ) -> std::result::Result<(), SdkError<CompleteMultipartUploadError, HttpResponse>> {
        let Target { store, key, id, .. } = &self.target;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.to_vec())).build();
        let complete = store.shared.client.complete_multipart_upload();
        let complete = complete.bucket(&store.shared.bucket).key(store.name(key)).upload_id(id);
        let complete = complete.set_if_none_match(conditional.then(|| "*".to_owned()));
        request::complete(complete, store.shared.encryption.as_ref())
            .multipart_upload(parts)
            .send()
            .await
            .map(drop)
    }

    /// The upload is gone on being asked again. If an object of its size and of as many parts stands at
    /// its key, then it was finished; whose it is cannot be known when it had to be the first.
    async fn is_there(
        &self,
        parts: usize,
        e: &SdkError<CompleteMultipartUploadError, HttpResponse>,
    ) -> Result<()> {
        let Target { store, key, .. } = &self.target;
        match store.head_now(key).await? {
            Some(_) if self.how.if_exists == IfExists::Fail => {
                Err(Error::conflict(format!("{key} is already in {store}")))
            }
            Some(found) if found.size == self.size && may_have_parts(found.etag.as_deref(), parts) => Ok(()),
            _ => Err(store.request("s3:PutObject").explain(e)),
        }
    }
}

/// Whether an object with this etag may be what so many parts became. Not every service counts parts.
fn may_have_parts(etag: Option<&str>, parts: usize) -> bool {
    etag.and_then(parts_told).is_none_or(|told| told == parts)
}

/// How many parts an object was put together from, where its etag tells: `"DIGEST-PARTS"`.
fn parts_told(etag: &str) -> Option<usize> {
    etag.trim_matches('"').rsplit_once('-')?.1.parse().ok()
}

impl Target {
    /// Sends one part, and again while patience lasts: only here is it at hand.
    async fn send(&self, number: u16, part: Bytes) -> Result<CompletedPart> {
        let what = || "send the part".to_owned();
        let attempt = || self.send_once(number, &part);
        let sent = self.store.shared.patience.persist(part.len() as u64, what, attempt);
        sent.await.context(|| format!("put part {number} of {} into {}", self.key, self.store))
    }

    async fn send_once(&self, number: u16, part: &Bytes) -> Result<CompletedPart> {
        let shared = &*self.store.shared;
        let request = shared.client.upload_part().bucket(&shared.bucket).key(self.store.name(&self.key));
        let request = request::part(request, shared.encryption.as_ref())
            .upload_id(&self.id)
            .part_number(number.into())
            .set_content_md5(self.summed.then(|| content_md5(part)))
            .body(SdkBody::from(part.clone()).into())
            .customize();
        let request = if shared.encrypted { request.disable_payload_signing() } else { request };
        let sent = request.send().await.map_err(|e| self.store.request("s3:PutObject").explain(&e))?;
        Ok(CompletedPart::builder()
            .part_number(number.into())
            .set_e_tag(sent.e_tag().map(str::to_owned))
            .set_checksum_crc32(sent.checksum_crc32().map(str::to_owned))
            .build())
    }

    async fn abort(&self) -> Result<()> {
        let Self { store, key, id, .. } = self;
        let what = || "abort the upload".to_owned();
        let aborted = store.shared.patience.persist(0, what, || abort_once(store, key, id)).await;
        aborted.context(|| format!("abort {key} in {store}"))
    }

    async fn abort_if_possible(&self) {
        let Self { store, key, id, .. } = self;
        let what = || format!("abort {key} in {store}");
        abort_if_possible(&store.shared.patience, what, abort_once(store, key, id)).await;
    }
}

/// Gives up an upload and frees its parts; one that is gone already is success.
pub(super) async fn abort_once(store: &S3Store, key: &Key, id: &str) -> Result<()> {
    let abort = store.shared.client.abort_multipart_upload();
    let abort = abort.bucket(&store.shared.bucket).key(store.name(key)).upload_id(id);
    match abort.send().await {
        Ok(_) => Ok(()),
        Err(e) if matches!(class_of(&e), Some(Class::NoUpload | Class::Missing)) => Ok(()),
        Err(e) => Err(store.request("s3:AbortMultipartUpload").explain(&e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn an_object_has_at_most_ten_thousand_parts_and_says_so() {
        let key = Key::new("srv/base/data.tar").unwrap();
        assert_eq!(LIMIT.next_number(9_999, &key).unwrap(), 10_000);
        let error = LIMIT.next_number(10_000, &key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("srv/base/data.tar would have more than 10000 parts"), "{error}");
        assert!(error.hint_text().unwrap().contains("larger parts"));
    }

    #[test]
    fn an_etag_may_tell_the_number_of_parts() {
        assert_eq!(parts_told("\"9b2cf535f27731c974343645a3985328-3\""), Some(3));
        assert_eq!(parts_told("\"9b2cf535f27731c974343645a3985328\""), None);
    }
}
