//! From a request to its answer: what all dialects share.

use std::convert::Infallible;
use std::ops::Range;
use std::time::Duration;

use aws_smithy_types::date_time::Format;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};

use super::bucket::Object;
use super::control::Shared;
use super::operation::{Operation, is_chunked};
use super::pieces::Pieces;
use super::{Dialect, azure, gcs, s3};

pub(crate) type Answer = Response<Pieces>;

/// Answers one request, after the latency that is set, and counts it.
pub(crate) async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    shared.count(match shared.dialect() {
        Dialect::S3 => Operation::of(&parts).kind(),
        Dialect::Azure => azure::kind(&parts),
        Dialect::Gcs => gcs::kind(&parts),
    });
    let latency = shared.latency();
    if latency > Duration::ZERO {
        tokio::time::sleep(latency).await;
    }
    let Some(body) = read(body, &parts.headers).await else {
        return Ok(error(StatusCode::BAD_REQUEST, "IncompleteBody"));
    };
    Ok(match shared.dialect() {
        Dialect::S3 => s3::carry_out(shared, Operation::of(&parts), &parts.headers, body),
        Dialect::Azure => azure::carry_out(shared, &parts, body),
        Dialect::Gcs => gcs::carry_out(shared, &parts, &body),
    })
}

async fn read(body: Incoming, headers: &HeaderMap) -> Option<Pieces> {
    let body = Pieces::read(body).await.ok()?;
    if is_chunked(headers) { body.unchunked() } else { Some(body) }
}

/// What is known of an object, without its content.
pub(crate) fn head(object: &Object) -> Answer {
    let mut answer = describe(object, StatusCode::OK);
    // The body is empty, so the length must be said.
    answer.headers_mut().insert("content-length", number(object.content.length()));
    answer
}

/// An object, or the part of it that a `Range` asks for.
pub(crate) fn get(object: &Object, headers: &HeaderMap) -> Answer {
    let length = object.content.length();
    let Some(range) = headers.get("range") else {
        let mut answer = describe(object, StatusCode::OK);
        *answer.body_mut() = object.content.clone();
        return answer;
    };
    let Some(range) = range.to_str().ok().and_then(|range| within(range, length)) else {
        return error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
    };
    let mut answer = describe(object, StatusCode::PARTIAL_CONTENT);
    let told = format!("bytes {}-{}/{length}", range.start, range.end - 1);
    answer.headers_mut().insert("content-range", ascii(&told));
    *answer.body_mut() = object.content.slice(range);
    answer
}

/// The part of an object of this length that a `Range` header of one range asks for.
fn within(header: &str, length: u64) -> Option<Range<u64>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first..last.checked_add(1)?.min(length),
        (Ok(first), Err(_)) => first..length,
        (Err(_), Ok(suffix)) => length.saturating_sub(suffix)..length,
        (Err(_), Err(_)) => return None,
    };
    (range.start < range.end).then_some(range)
}

/// An answer with what is known of an object in its headers.
pub(crate) fn describe(object: &Object, status: StatusCode) -> Answer {
    let mut answer = empty(status);
    let headers = answer.headers_mut();
    object.kept.add_to(headers);
    headers.insert("etag", ascii(&object.etag));
    headers.insert("accept-ranges", HeaderValue::from_static("bytes"));
    if let Ok(date) = object.modified.fmt(Format::HttpDate) {
        headers.insert("last-modified", ascii(&date));
    }
    answer
}

/// A refusal as S3 and Azure word it.
pub(crate) fn error(status: StatusCode, code: &str) -> Answer {
    let mut answer = xml(format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"));
    *answer.status_mut() = status;
    answer
}

/// A document.
pub(crate) fn xml(document: String) -> Answer {
    let mut answer = Response::new(Pieces::from(document));
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/xml"));
    answer
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Pieces::default());
    *answer.status_mut() = status;
    answer
}

fn number(value: u64) -> HeaderValue {
    HeaderValue::from(value)
}

/// The value of a header.
pub(crate) fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("tags, dates and ranges are printable")
}
