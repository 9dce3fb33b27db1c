//! What Google Cloud Storage answers by its JSON interface, which is all that archiving and restoring WAL
//! needs, and to a plain PUT. Every bucket is there, and every token is good.

use std::collections::{BTreeMap, HashMap};

use aws_smithy_types::date_time::Format;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, ascii, empty, get};
use super::bucket::{Bucket, Kept, Object};
use super::control::Shared;
use super::listing::Query;
use super::pieces::Pieces;

/// Headers that carry metadata begin with it.
const META: &str = "x-goog-meta-";

/// Where objects are sent to, and where they are.
const UPLOADS: &str = "/upload/storage/v1/b/";
const OBJECTS: &str = "/storage/v1/b/";

/// The name a request is counted under.
pub(crate) fn kind(request: &Parts) -> &'static str {
    let path = request.uri.path();
    let is_media = words(request).get("alt").is_some_and(|what| what == "media");
    match request.method.as_str() {
        "POST" if path.starts_with(UPLOADS) => "PUT",
        "PUT" => "PUT",
        "GET" if path.ends_with("/o") => "LIST",
        // Asking for the description alone is what a HEAD is elsewhere.
        "GET" if !is_media => "HEAD",
        "GET" => "GET",
        "DELETE" => "DELETE",
        _ => "OTHER",
    }
}

/// Does what a request asks for.
pub(crate) fn carry_out(shared: &Shared, request: &Parts, body: &Pieces) -> Answer {
    let (path, words) = (request.uri.path(), words(request));
    let mut bucket = shared.bucket();
    let upload = path.strip_prefix(UPLOADS).and_then(|rest| rest.strip_suffix("/o"));
    if let ("POST", Some(name)) = (request.method.as_str(), upload) {
        let only_if_absent = words.get("ifGenerationMatch").is_some_and(|generation| generation == "0");
        return insert(&mut bucket, name, body.clone(), only_if_absent);
    }
    if request.method == Method::PUT {
        let put = bucket.put(path.trim_start_matches('/').to_owned(), body.clone(), Kept::default(), false);
        return put.map_or_else(
            |_| refused(StatusCode::PRECONDITION_FAILED, "conditionNotMet"),
            |_| empty(StatusCode::OK),
        );
    }
    let Some((name, object)) = path.strip_prefix(OBJECTS).and_then(|rest| rest.split_once("/o")) else {
        return refused(StatusCode::NOT_IMPLEMENTED, "notImplemented");
    };
    let key = format!("{name}/{}", percent_decode_str(object.trim_start_matches('/')).decode_utf8_lossy());
    let is_media = words.get("alt").is_some_and(|what| what == "media");
    match (request.method.as_str(), bucket.get(&key)) {
        ("GET", _) if object.is_empty() => told(&list(&Query::new(name.to_owned(), &words), &bucket)),
        ("GET" | "DELETE", None) => refused(StatusCode::NOT_FOUND, "notFound"),
        ("GET", Some(object)) if is_media => media(&object, &request.headers),
        ("GET", Some(object)) => told(&describe(&key[name.len() + 1..], &object)),
        ("DELETE", Some(_)) => {
            bucket.delete(&key);
            empty(StatusCode::NO_CONTENT)
        }
        _ => refused(StatusCode::NOT_IMPLEMENTED, "notImplemented"),
    }
}

fn words(request: &Parts) -> HashMap<String, String> {
    url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// What is told of a new object.
#[derive(Deserialize)]
struct New {
    name: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// Stores the object of a `multipart/related` body: its description, then its content.
fn insert(bucket: &mut Bucket, name: &str, mut body: Pieces, only_if_absent: bool) -> Answer {
    let Some((new, content)) = take_apart(&mut body) else {
        return refused(StatusCode::BAD_REQUEST, "badRequest");
    };
    let kept = Kept::from_words(META, new.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())));
    let key = format!("{name}/{}", new.name);
    match bucket.put(key.clone(), content, kept, only_if_absent) {
        Ok(_) => bucket.get(&key).map_or_else(
            || refused(StatusCode::INTERNAL_SERVER_ERROR, "internalError"),
            |object| told(&describe(&new.name, &object)),
        ),
        Err(_) => refused(StatusCode::PRECONDITION_FAILED, "conditionNotMet"),
    }
}

fn take_apart(body: &mut Pieces) -> Option<(New, Pieces)> {
    let boundary = body.take_line()?.trim_end().to_owned();
    skip_headers(body)?;
    let new = serde_json::from_str(&body.take_line()?).ok()?;
    (body.take_line()?.trim_end() == boundary).then_some(())?;
    skip_headers(body)?;
    // Behind the content there is an end of line, the boundary with two more dashes, and an end of line.
    let tail = boundary.len() as u64 + 6;
    let end = body.length().checked_sub(tail)?;
    Some((new, body.slice(0..end)))
}

fn skip_headers(body: &mut Pieces) -> Option<()> {
    while !body.take_line()?.trim().is_empty() {}
    Some(())
}

/// The content, with what is known of the object in its headers.
fn media(object: &Object, headers: &HeaderMap) -> Answer {
    let mut answer = get(object, headers);
    let told = answer.headers_mut();
    told.insert("x-goog-generation", HeaderValue::from(object.generation()));
    told.insert("x-goog-stored-content-length", HeaderValue::from(object.content.length()));
    told.insert("x-goog-stored-content-encoding", ascii("identity"));
    answer
}

fn describe(name: &str, object: &Object) -> Value {
    json!({
        "name": name,
        "size": object.content.length().to_string(),
        "generation": object.generation().to_string(),
        "updated": object.modified.fmt(Format::DateTime).unwrap_or_default(),
        "metadata": object.kept.words(META).collect::<BTreeMap<_, _>>(),
    })
}

fn list(query: &Query, bucket: &Bucket) -> Value {
    let page = query.page(bucket);
    let objects = page.names.iter().filter_map(|(name, object)| Some(describe(name, (*object)?)));
    let folders = page.names.iter().filter(|(_, object)| object.is_none()).map(|(name, _)| name);
    let mut told = json!({ "items": objects.collect::<Vec<_>>(), "prefixes": folders.collect::<Vec<_>>() });
    if let Some(next) = page.next {
        told["nextPageToken"] = next.into();
    }
    told
}

fn told(value: &Value) -> Answer {
    let mut answer = Answer::new(Pieces::from(value.to_string()));
    answer.headers_mut().insert("content-type", ascii("application/json"));
    answer
}

fn refused(status: StatusCode, reason: &str) -> Answer {
    let error =
        json!({ "error": { "code": status.as_u16(), "message": reason, "errors": [{ "reason": reason }] } });
    let mut answer = told(&error);
    *answer.status_mut() = status;
    answer
}
