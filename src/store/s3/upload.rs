//! An object in parts.

use std::fmt;
use std::num::NonZeroUsize;

use async_trait::async_trait;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadError;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;

use super::errors::{Class, class_of};
use super::options::content_md5;
use super::{Error, IfExists, Key, Patience, Put, Result, S3Store, Upload, lock, request};
use crate::store::parts::{InParts, Limit, Whole};

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
    let upload = S3Upload { id: id.to_owned(), key: key.clone(), how: how.clone(), store };
    Ok(Box::new(InParts::new(upload, in_flight)))
}

/// An upload that was begun.
struct S3Upload {
    store: S3Store,
    key: Key,
    id: String,
    how: Put,
}

/// A part that the service has.
struct Part {
    told: CompletedPart,
    size: u64,
}

#[async_trait]
impl Whole for S3Upload {
    type Part = Part;

    /// What S3 allows in one object.
    const LIMIT: Limit = Limit { at_least_one: true, most: 10_000, name: "part", service: "S3" };

    fn key(&self) -> &Key {
        &self.key
    }

    fn store(&self) -> &dyn fmt::Display {
        &self.store
    }

    fn patience(&self) -> &Patience {
        &self.store.shared.patience
    }

    async fn send_once(&self, number: u16, part: &Bytes) -> Result<Part> {
        let shared = &*self.store.shared;
        let request = shared.client.upload_part().bucket(&shared.bucket).key(self.store.name(&self.key));
        // The service wants a sum with every part of what is to be locked.
        let sum = self.how.retain.is_some().then(|| content_md5(part));
        let request = request::part(request, shared.encryption.as_ref())
            .upload_id(&self.id)
            .part_number(number.into())
            .set_content_md5(sum)
            .body(SdkBody::from(part.clone()).into())
            .customize();
        let request = if shared.encrypted { request.disable_payload_signing() } else { request };
        let sent = request.send().await.map_err(|e| self.store.request("s3:PutObject").explain(&e))?;
        let told = CompletedPart::builder()
            .part_number(number.into())
            .set_e_tag(sent.e_tag().map(str::to_owned))
            .set_checksum_crc32(sent.checksum_crc32().map(str::to_owned))
            .build();
        Ok(Part { told, size: part.len() as u64 })
    }

    async fn complete_once(&self, parts: &[Part], is_first: bool) -> Result<()> {
        let store = &self.store;
        store.ask_first(&self.key, &self.how).await?;
        let conditional = self.how.if_exists == IfExists::Fail;
        let mut answer = self.put_together(parts, conditional).await;
        if let Err(e) = &answer
            && store.may_go_without_condition(conditional, class_of(e))
        {
            answer = self.put_together(parts, false).await;
        }
        match answer {
            // Which of the two it is stands in the body alone, and that may have been cut off.
            Err(e) if !is_first && matches!(class_of(&e), Some(Class::NoUpload | Class::Missing)) => {
                self.is_there(parts, &e).await
            }
            answer => answer.map_err(|e| store.request("s3:PutObject").explain(&e)),
        }
    }

    async fn abort_once(&self) -> Result<()> {
        abort(&self.store, &self.key, &self.id).await
    }
}

impl S3Upload {
    async fn put_together(
        &self,
        parts: &[Part],
        conditional: bool,
    ) -> std::result::Result<(), SdkError<CompleteMultipartUploadError, HttpResponse>> {
        let Self { store, key, id, .. } = self;
        let told = parts.iter().map(|part| part.told.clone()).collect();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(told)).build();
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
        parts: &[Part],
        e: &SdkError<CompleteMultipartUploadError, HttpResponse>,
    ) -> Result<()> {
        let Self { store, key, how, .. } = self;
        let size: u64 = parts.iter().map(|part| part.size).sum();
        match store.head_now(key).await? {
            Some(_) if how.if_exists == IfExists::Fail => {
                Err(Error::conflict(format!("{key} is already in {store}")))
            }
            Some(found) if found.size == size && may_have_parts(found.etag.as_deref(), parts.len()) => Ok(()),
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

/// Gives up an upload and frees its parts; one that is gone already is success.
pub(super) async fn abort(store: &S3Store, key: &Key, id: &str) -> Result<()> {
    let request = store.shared.client.abort_multipart_upload();
    let request = request.bucket(&store.shared.bucket).key(store.name(key)).upload_id(id);
    match request.send().await {
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
        assert_eq!(S3Upload::LIMIT.next_number(9_999, &key).unwrap(), 10_000);
        let error = S3Upload::LIMIT.next_number(10_000, &key).unwrap_err();
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
