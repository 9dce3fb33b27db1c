//! From a request to its answer.

use std::convert::Infallible;
use std::ops::Range;
use std::time::Duration;

use aws_smithy_types::date_time::Format;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};

use super::bucket::{Kept, Object, Taken};
use super::control::Shared;
use super::listing::{self, Query};
use super::operation::{Operation, is_chunked, only_if_absent};
use super::pieces::Pieces;

type Answer = Response<Pieces>;

/// Answers one request, after the latency that is set, and counts it.
pub(crate) async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (parts, body) = request.into_parts();
    let operation = Operation::of(&parts);
    shared.count(operation.kind());
    let latency = shared.latency();
    if latency > Duration::ZERO {
        tokio::time::sleep(latency).await;
    }
    let Some(body) = read(body, &parts.headers).await else {
        return Ok(error(StatusCode::BAD_REQUEST, "IncompleteBody"));
    };
    Ok(carry_out(shared, operation, &parts.headers, body))
}

async fn read(body: Incoming, headers: &HeaderMap) -> Option<Pieces> {
    let body = Pieces::read(body).await.ok()?;
    if is_chunked(headers) { body.unchunked() } else { Some(body) }
}

fn carry_out(shared: &Shared, operation: Operation, headers: &HeaderMap, body: Pieces) -> Answer {
    let mut bucket = shared.bucket();
    match operation {
        Operation::Put(key) => {
            let kept = Kept::from_request(headers);
            bucket.put(key, body, kept, only_if_absent(headers)).map_or_else(taken, |etag| stored(&etag))
        }
        Operation::PutPart(id, number) => {
            bucket.put_part(&id, number, body).map_or_else(no_upload, |etag| stored(&etag))
        }
        Operation::Head(key) => bucket.get(&key).map_or_else(no_key, |object| head(&object)),
        Operation::Get(key) => bucket.get(&key).map_or_else(no_key, |object| get(&object, headers)),
        Operation::List(name, words) => xml(listing::list(&bucket, &Query::new(name, &words))),
        Operation::ListUploads(name, words) => xml(listing::uploads(&bucket, &name, &words)),
        Operation::Delete(key) => {
            bucket.delete(&key);
            empty(StatusCode::NO_CONTENT)
        }
        Operation::DeleteMany(name) => {
            listing::keys_in(&body.to_text()).for_each(|key| bucket.delete(&format!("{name}/{key}")));
            xml("<DeleteResult/>".to_owned())
        }
        Operation::BeginUpload(key) => {
            let id = bucket.begin_upload(key, Kept::from_request(headers));
            xml(format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        Operation::CompleteUpload(id) => match bucket.complete_upload(&id, only_if_absent(headers)) {
            None => no_upload(),
            Some(result) => result.map_or_else(taken, |etag| {
                xml(format!(
                    "<CompleteMultipartUploadResult><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
                ))
            }),
        },
        Operation::AbortUpload(id) => {
            bucket.abort_upload(&id);
            empty(StatusCode::NO_CONTENT)
        }
        Operation::Bucket => empty(StatusCode::OK),
        Operation::Unknown => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
    }
}

fn head(object: &Object) -> Answer {
    let mut answer = describe(object, StatusCode::OK);
    // The body is empty, so the length must be said.
    answer.headers_mut().insert("content-length", number(object.content.length()));
    answer
}

fn get(object: &Object, headers: &HeaderMap) -> Answer {
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

fn describe(object: &Object, status: StatusCode) -> Answer {
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

fn stored(etag: &str) -> Answer {
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().insert("etag", ascii(etag));
    answer
}

fn taken(_: Taken) -> Answer {
    error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed")
}

fn no_key() -> Answer {
    error(StatusCode::NOT_FOUND, "NoSuchKey")
}

fn no_upload() -> Answer {
    error(StatusCode::NOT_FOUND, "NoSuchUpload")
}

fn error(status: StatusCode, code: &str) -> Answer {
    let mut answer = xml(format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"));
    *answer.status_mut() = status;
    answer
}

fn xml(document: String) -> Answer {
    let mut answer = Response::new(Pieces::from(document));
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/xml"));
    answer
}

fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Pieces::default());
    *answer.status_mut() = status;
    answer
}

fn number(value: u64) -> HeaderValue {
    HeaderValue::from(value)
}

fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("tags, dates and ranges are printable")
}
