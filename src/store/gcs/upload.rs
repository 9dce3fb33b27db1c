//! An object in parts that travel side by side, through the XML interface ("XML API multipart uploads"). It
//! takes the place of whatever has its name: the interface knows no conditions here.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use super::client::{Call, xml_object};
use super::errors::{About, Class, Failure};
use super::{Context, Error, GcsStore, Key, Result, Sum, Upload, errors, object};
use crate::store::parts::{Limit, Parts, abort_if_possible};

/// What the service allows in one object.
const LIMIT: Limit = Limit { most: 10_000, name: "part", service: "Google" };

/// What beginning, sending and completing takes.
const PERMISSION: &str = "storage.multipartUploads.create and storage.objects.create";

/// Begins an object in parts, with its metadata as headers.
pub(super) async fn begin(
    store: GcsStore,
    key: &Key,
    metadata: &[(String, String)],
    in_flight: NonZeroUsize,
) -> Result<Box<dyn Upload>> {
    let path = format!("{}?uploads", xml_object(&store.shared.bucket, &store.name(key)));
    let mut call = Call::new(Method::POST, path, About::Bucket, PERMISSION)
        .header("content-type", object::CONTENT_TYPE)?;
    for (name, value) in metadata {
        call = call.header(name, value)?;
    }
    if let Some(kms_key) = &store.shared.kms_key {
        call = call.header("x-goog-encryption-kms-key-name", kms_key)?;
    }
    let answer = store.shared.client.send(&call).await?.bytes().await?;
    let begun: Begun = quick_xml::de::from_reader(&*answer)
        .map_err(|e| Error::unavailable(format!("the upload's id cannot be read: {e}")))?;
    let target = Target { id: begun.upload_id, key: key.clone(), store };
    Ok(Box::new(PartsUpload { target, parts: Parts::new(LIMIT, in_flight) }))
}

#[derive(Deserialize)]
struct Begun {
    #[serde(rename = "UploadId")]
    upload_id: String,
}

/// An object in parts, some of them under way.
struct PartsUpload {
    target: Target,
    parts: Parts<Part>,
}

/// A part that the service has.
struct Part {
    number: u16,
    etag: String,
    sum: Sum,
}

/// What a part belongs to.
#[derive(Clone)]
struct Target {
    store: GcsStore,
    key: Key,
    id: String,
}

#[async_trait]
impl Upload for PartsUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let target = self.target.clone();
        let send = |number| async move { target.send(number, part).await };
        self.parts.begin(&self.target.key, send).await
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

impl PartsUpload {
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
    async fn complete(&self, parts: &[Part]) -> Result<()> {
        let attempts = AtomicU32::new(0);
        let attempt = || async {
            let is_first = attempts.fetch_add(1, Ordering::Relaxed) == 0;
            match self.complete_once(parts).await {
                Err(e) if !is_first && e.class == Some(Class::NoUpload) => self.is_there(parts, e).await,
                answer => Ok(answer?),
            }
        };
        let patience = self.target.store.shared.patience.with_assembly();
        patience.persist(0, || "complete the upload".to_owned(), attempt).await
    }

    /// Success may be announced before it is certain, so only what says so at its end is one.
    async fn complete_once(&self, parts: &[Part]) -> Result<(), Failure> {
        let Target { store, key, id } = &self.target;
        let call = call(store, key, Method::POST, id).body("application/xml", vec![listed(parts).into()])?;
        let client = &store.shared.client;
        let answer = client.send_patiently(&call, &store.shared.patience.with_assembly()).await?;
        let (status, headers) = (answer.status, answer.headers.clone());
        let body = answer.bytes().await?;
        let text = String::from_utf8_lossy(&body);
        if text.contains("<CompleteMultipartUploadResult") {
            return Ok(());
        }
        if errors::read(&body).reason.is_some() {
            let place = &client.place;
            return Err(Failure::refused(place, PERMISSION, About::Upload, (status, &headers), &body));
        }
        Err(Error::unavailable("the answer was cut off before it said success").into())
    }

    /// The upload is gone on being asked again. If an object with its very bytes stands at its key, then it
    /// was finished.
    async fn is_there(&self, parts: &[Part], e: Failure) -> Result<()> {
        let whole = parts.iter().fold(Sum::default(), |sum, part| sum.then(part.sum));
        match self.target.store.resource(&self.target.key).await? {
            Some(found) if found.is(whole) => Ok(()),
            _ => Err(e.into()),
        }
    }
}

/// The parts as the service wants them listed to put them together.
fn listed(parts: &[Part]) -> String {
    let mut text = String::from("<CompleteMultipartUpload>");
    for Part { number, etag, .. } in parts {
        let etag = quick_xml::escape::escape(etag);
        // Writing to a string cannot fail.
        let _ = write!(text, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    }
    text.push_str("</CompleteMultipartUpload>");
    text
}

/// A request to what was begun.
fn call(store: &GcsStore, key: &Key, method: Method, id: &str) -> Call {
    let path = xml_object(&store.shared.bucket, &store.name(key));
    Call::new(method, path, About::Upload, PERMISSION).query("uploadId", id)
}

impl Target {
    /// Sends one part, and again while patience lasts: only here is it at hand.
    async fn send(&self, number: u16, part: Bytes) -> Result<Part> {
        let (what, sum) = (|| "send the part".to_owned(), Sum::of(&part));
        let attempt = || self.send_once(number, &part, sum);
        let sent = self.store.shared.patience.persist(part.len() as u64, what, attempt);
        sent.await.context(|| format!("put part {number} of {} into {}", self.key, self.store))
    }

    async fn send_once(&self, number: u16, part: &Bytes, sum: Sum) -> Result<Part> {
        let call = call(&self.store, &self.key, Method::PUT, &self.id)
            .query("partNumber", number.to_string())
            .header("x-goog-hash", &sum.header())?
            .body(object::CONTENT_TYPE, vec![part.clone()])?;
        let answer = self.store.shared.client.send(&call).await?;
        let etag = answer.headers.get("etag").and_then(|etag| etag.to_str().ok());
        let etag = etag.ok_or_else(|| Error::corrupt("the service gives the part no etag"))?.to_owned();
        Ok(Part { number, etag, sum })
    }

    async fn abort(&self) -> Result<()> {
        let Self { store, key, id } = self;
        let what = || "abort the upload".to_owned();
        let aborted = store.shared.patience.persist(0, what, || abort_once(store, key, id)).await;
        aborted.context(|| format!("abort {key} in {store}"))
    }

    async fn abort_if_possible(&self) {
        let Self { store, key, id } = self;
        let what = || format!("abort {key} in {store}");
        abort_if_possible(&store.shared.patience, what, abort_once(store, key, id)).await;
    }
}

/// Gives up an upload and frees its parts; one that is gone already is success.
pub(super) async fn abort_once(store: &GcsStore, key: &Key, id: &str) -> Result<()> {
    let path = xml_object(&store.shared.bucket, &store.name(key));
    let call = Call::new(Method::DELETE, path, About::Upload, "storage.multipartUploads.abort");
    match store.shared.client.send(&call.query("uploadId", id)).await {
        Ok(_) => Ok(()),
        Err(e) if e.class == Some(Class::NoUpload) => Ok(()),
        Err(e) => Err(e.into()),
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
    fn parts_are_listed_with_their_etags() {
        let part = |number, etag: &str| Part { number, etag: etag.to_owned(), sum: Sum::default() };
        let expected = "<CompleteMultipartUpload>\
            <Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>\
            <Part><PartNumber>2</PartNumber><ETag>b&lt;</ETag></Part></CompleteMultipartUpload>";
        assert_eq!(listed(&[part(1, "\"a\""), part(2, "b<")]), expected);
    }
}
