//! An object in parts that travel side by side, through the XML interface ("XML API multipart uploads"). It
//! takes the place of whatever has its name: the interface knows no conditions here.

use std::fmt::{self, Write as _};
use std::num::NonZeroUsize;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use serde::Deserialize;

use super::client::{Call, xml_object};
use super::errors::{About, Class, Failure};
use super::{Error, GcsStore, Key, Patience, Result, Sum, Upload, errors, object};
use crate::store::parts::{InParts, Limit, Whole};

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
    let upload = PartsUpload { id: begun.upload_id, key: key.clone(), store };
    Ok(Box::new(InParts::new(upload, in_flight)))
}

#[derive(Deserialize)]
struct Begun {
    #[serde(rename = "UploadId")]
    upload_id: String,
}

/// An upload that was begun.
struct PartsUpload {
    store: GcsStore,
    key: Key,
    id: String,
}

/// A part that the service has.
struct Part {
    number: u16,
    etag: String,
    sum: Sum,
}

#[async_trait]
impl Whole for PartsUpload {
    type Part = Part;

    /// What the service allows in one object.
    const LIMIT: Limit = Limit { at_least_one: true, most: 10_000, name: "part", service: "Google" };

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
        let sum = Sum::of(part);
        let call = self
            .call(Method::PUT)
            .query("partNumber", number.to_string())
            .header("x-goog-hash", &sum.header())?
            .body(object::CONTENT_TYPE, vec![part.clone()])?;
        let answer = self.store.shared.client.send(&call).await?;
        let etag = answer.headers.get("etag").and_then(|etag| etag.to_str().ok());
        let etag = etag.ok_or_else(|| Error::corrupt("the service gives the part no etag"))?.to_owned();
        Ok(Part { number, etag, sum })
    }

    async fn complete_once(&self, parts: &[Part], is_first: bool) -> Result<()> {
        match self.put_together(parts).await {
            Err(e) if !is_first && e.class == Some(Class::NoUpload) => self.is_there(parts, e).await,
            answer => Ok(answer?),
        }
    }

    async fn abort_once(&self) -> Result<()> {
        abort(&self.store, &self.key, &self.id).await
    }
}

impl PartsUpload {
    /// Success may be announced before it is certain, so only what says so at its end is one.
    async fn put_together(&self, parts: &[Part]) -> Result<(), Failure> {
        let call = self.call(Method::POST).body("application/xml", vec![listed(parts).into()])?;
        let client = &self.store.shared.client;
        let answer = client.send_patiently(&call, &self.patience().with_assembly()).await?;
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
        match self.store.resource(&self.key).await? {
            Some(found) if found.is(whole) => Ok(()),
            _ => Err(e.into()),
        }
    }

    /// A request to what was begun.
    fn call(&self, method: Method) -> Call {
        let path = xml_object(&self.store.shared.bucket, &self.store.name(&self.key));
        Call::new(method, path, About::Upload, PERMISSION).query("uploadId", &*self.id)
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

/// Gives up an upload and frees its parts; one that is gone already is success.
pub(super) async fn abort(store: &GcsStore, key: &Key, id: &str) -> Result<()> {
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
        assert_eq!(PartsUpload::LIMIT.next_number(9_999, &key).unwrap(), 10_000);
        let error = PartsUpload::LIMIT.next_number(10_000, &key).unwrap_err();
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
