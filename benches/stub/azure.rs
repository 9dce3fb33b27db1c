//! What Azure Blob Storage answers, as Microsoft's REST reference has it. The account is the first folder of
//! every path, as on an emulator; the container comes next, and is there.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_smithy_types::date_time::Format;
use hyper::StatusCode;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::answer::{Answer, ascii, empty, error, get, head, xml};
use super::bucket::{Kept, Object, Taken};
use super::control::Shared;
use super::listing::{Query, escape};
use super::operation::only_if_absent;
use super::pieces::Pieces;

/// The name a request is counted under.
pub(crate) fn kind(request: &Parts) -> &'static str {
    match request.method.as_str() {
        "GET" if words(request).get("comp").is_some_and(|what| what == "list") => "LIST",
        "PUT" => "PUT",
        "HEAD" => "HEAD",
        "GET" => "GET",
        "DELETE" => "DELETE",
        _ => "OTHER",
    }
}

/// Does what a request asks for.
pub(crate) fn carry_out(shared: &Shared, request: &Parts, body: Pieces) -> Answer {
    let words = words(request);
    let path = percent_decode_str(request.uri.path().trim_start_matches('/')).decode_utf8_lossy();
    let Some((_, key)) = path.split_once('/') else {
        return error(StatusCode::BAD_REQUEST, "InvalidUri");
    };
    let mut bucket = shared.bucket();
    let (headers, comp) = (&request.headers, words.get("comp").map(String::as_str));
    match (request.method.as_str(), comp) {
        ("PUT", None) => {
            stored(bucket.put(key.to_owned(), body, Kept::from_request(headers), only_if_absent(headers)))
        }
        ("PUT", Some("block")) => {
            bucket.put_block(key, words.get("blockid").cloned().unwrap_or_default(), body);
            empty(StatusCode::CREATED)
        }
        ("PUT", Some("blocklist")) => commit(&mut bucket, key, headers, &body),
        ("HEAD", None) => bucket.get(key).map_or_else(no_blob, |object| head(&object)),
        ("GET", None) => bucket.get(key).map_or_else(no_blob, |object| get(&object, headers)),
        ("GET", Some("list")) => {
            xml(list(&Query::new(key.trim_end_matches('/').to_owned(), &words), &bucket))
        }
        ("DELETE", None) if bucket.get(key).is_none() => no_blob(),
        ("DELETE", None) => {
            bucket.delete(key);
            empty(StatusCode::ACCEPTED)
        }
        _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
    }
}

fn words(request: &Parts) -> HashMap<String, String> {
    url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn stored(put: Result<String, Taken>) -> Answer {
    match put {
        Ok(etag) => {
            let mut answer = empty(StatusCode::CREATED);
            answer.headers_mut().insert("etag", ascii(&etag));
            answer
        }
        Err(Taken) => refused(StatusCode::CONFLICT, "BlobAlreadyExists"),
    }
}

fn commit(bucket: &mut super::bucket::Bucket, key: &str, headers: &HeaderMap, list: &Pieces) -> Answer {
    let text = list.to_text();
    let ids: Vec<&str> =
        text.split("<Latest>").skip(1).filter_map(|rest| rest.split("</Latest>").next()).collect();
    match bucket.commit_blocks(key, &ids, Kept::from_request(headers), only_if_absent(headers)) {
        Some(put) => stored(put),
        None => refused(StatusCode::BAD_REQUEST, "InvalidBlockList"),
    }
}

fn no_blob() -> Answer {
    refused(StatusCode::NOT_FOUND, "BlobNotFound")
}

fn refused(status: StatusCode, code: &str) -> Answer {
    let mut answer = error(status, code);
    answer.headers_mut().insert("x-ms-error-code", ascii(code));
    answer
}

/// The document that answers List Blobs.
fn list(query: &Query, bucket: &super::bucket::Bucket) -> String {
    let page = query.page(bucket);
    let mut listed = String::new();
    page.names.iter().for_each(|(name, object)| describe(&mut listed, name, *object));
    let next = page.next.map(|next| escape(&next)).unwrap_or_default();
    format!("<EnumerationResults><Blobs>{listed}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>")
}

fn describe(listed: &mut String, name: &str, object: Option<&Object>) {
    let name = escape(name);
    let written = match object {
        None => write!(listed, "<BlobPrefix><Name>{name}</Name></BlobPrefix>"),
        Some(object) => write!(
            listed,
            "<Blob><Name>{name}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag>\
             <Content-Length>{}</Content-Length></Properties></Blob>",
            object.modified.fmt(Format::HttpDate).unwrap_or_default(),
            object.etag.trim_matches('"'),
            object.content.length()
        ),
    };
    written.expect("a string takes whatever is written");
}
