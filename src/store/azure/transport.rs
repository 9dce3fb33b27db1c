//! Our HTTP under the SDK: its requests go out with our trust, our proxies and our watchdog.

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use azure_core::stream::BytesStream;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;

use crate::error::{Error, Result};
use crate::store::http::{Http, Route};
use crate::store::{ByteStream, Patience};

/// What is read of an answer that is a refusal: the service says what is wrong in a few hundred bytes.
const LONGEST_REFUSAL: usize = 64 << 10;

/// The transport that the SDK is given.
#[derive(Debug)]
pub(super) struct Transport {
    pub(super) http: Http,
    pub(super) patience: Patience,
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let sent = outgoing(request).map_err(smuggle)?;
        let assembly = is_assembly(&sent).then(|| self.patience.with_assembly());
        let patience = assembly.as_ref().unwrap_or(&self.patience);
        let answer = self.http.send_pieces(Route::Proxied, sent.map(|body| vec![body]), patience).await;
        let answer = answer.map_err(smuggle)?;
        let mut headers = Headers::new();
        for (name, value) in &answer.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        let status = answer.status.as_u16().into();
        if answer.status.is_success() {
            let body = answer.body.map_err(smuggle);
            return Ok(AsyncRawResponse::new(status, headers, Box::pin(body)));
        }
        let told: BytesStream = beginning(answer.body).await.map_err(smuggle)?.into();
        Ok(AsyncRawResponse::new(status, headers, Box::pin(told)))
    }
}

/// The SDK's request as ours. The length is told by whoever sends it.
fn outgoing(request: &Request) -> Result<http::Request<Bytes>> {
    let Body::Bytes(body) = request.body() else {
        return Err(Error::bug("a request's body is not in memory"));
    };
    let mut sent = http::Request::builder().method(request.method().as_str()).uri(request.url().as_str());
    for (name, value) in request.headers().iter().filter(|(name, _)| name.as_str() != "content-length") {
        sent = sent.header(name.as_str(), value.as_str());
    }
    // The text of this error has neither the URL, which may carry a signature, nor a header's value.
    sent.body(body.clone()).map_err(|e| Error::usage(format!("the request cannot be sent: {e}")))
}

/// Whether it asks the service to put an object together from its blocks, which may take it minutes.
fn is_assembly(request: &http::Request<Bytes>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == http::Method::PUT && query.split('&').any(|word| word == "comp=blocklist")
}

/// The first bytes of a body, and none of the rest.
async fn beginning(mut body: ByteStream) -> Result<Bytes> {
    let mut told = BytesMut::new();
    while let Some(piece) = body.try_next().await? {
        told.extend_from_slice(&piece[..piece.len().min(LONGEST_REFUSAL - told.len())]);
        if told.len() == LONGEST_REFUSAL {
            break;
        }
    }
    Ok(told.freeze())
}

/// An error of ours on its way through the SDK.
pub(super) fn smuggle(e: Error) -> azure_core::Error {
    azure_core::Error::new(ErrorKind::Other, e)
}

/// The error of ours that was put into one of the SDK, however it has been wrapped since.
pub(super) fn unpack(e: azure_core::Error) -> std::result::Result<Error, azure_core::Error> {
    if holds_ours(&e) { extract(e) } else { Err(e) }
}

fn holds_ours(e: &azure_core::Error) -> bool {
    let Some(inner) = e.get_ref() else { return false };
    inner.is::<Error>() || inner.downcast_ref::<azure_core::Error>().is_some_and(holds_ours)
}

fn extract(e: azure_core::Error) -> std::result::Result<Error, azure_core::Error> {
    let e = match e.into_downcast::<Error>() {
        Ok(ours) => return Ok(ours),
        Err(e) => e,
    };
    extract(e.into_downcast::<azure_core::Error>()?)
}

#[cfg(test)]
mod tests {
    use azure_core::http::{Method, Url};

    use super::*;

    #[test]
    fn an_error_of_ours_comes_out_of_the_sdk_as_it_went_in() {
        let wrapped = smuggle(Error::denied("no")).with_context("policy").with_context("pipeline");
        let ours = unpack(wrapped).unwrap();
        assert_eq!((ours.kind(), ours.to_string().as_str()), (crate::error::ErrorKind::Denied, "no"));
        let theirs = azure_core::Error::with_message(ErrorKind::Credential, "x").with_context("y");
        assert_eq!(unpack(theirs).unwrap_err().to_string(), "y");
    }

    #[test]
    fn a_value_that_no_header_can_carry_is_refused_without_repeating_it() {
        let mut request = Request::new(Url::parse("http://h/c?sig=hunter2").unwrap(), Method::Get);
        request.insert_header("x-ms-meta-a", "hunter2\n".to_owned());
        let refused = outgoing(&request).unwrap_err();
        assert_eq!(refused.kind(), crate::error::ErrorKind::Usage);
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }
}
