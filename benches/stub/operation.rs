//! Which operation a request asks for.

use std::collections::HashMap;

use hyper::Method;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

/// What a request asks for. Keys begin with the bucket's name.
#[derive(Debug)]
pub(crate) enum Operation {
    /// Store an object.
    Put(String),
    /// Store a part of an upload.
    PutPart(String, u32),
    /// Tell about an object.
    Head(String),
    /// Give an object, or a range of it.
    Get(String),
    /// List a bucket: its name and the words of the query.
    List(String, HashMap<String, String>),
    /// List unfinished uploads: the bucket's name and the words of the query.
    ListUploads(String, HashMap<String, String>),
    /// Remove an object.
    Delete(String),
    /// Remove the objects named in the body from this bucket.
    DeleteMany(String),
    /// Begin an upload in parts.
    BeginUpload(String),
    /// Make an object of an upload.
    CompleteUpload(String),
    /// Drop an upload.
    AbortUpload(String),
    /// Create a bucket or ask whether it is there; it is.
    Bucket,
    /// Something a stub need not know.
    Unknown,
}

impl Operation {
    /// Reads it from method and target.
    pub(crate) fn of(request: &Parts) -> Self {
        let path = percent_decode_str(request.uri.path().trim_start_matches('/')).decode_utf8_lossy();
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let bucket = path.trim_end_matches('/').to_owned();
        if bucket.contains('/') {
            Self::on_object(&request.method, path.into_owned(), &query)
        } else {
            Self::on_bucket(&request.method, bucket, query)
        }
    }

    fn on_object(method: &Method, key: String, query: &HashMap<String, String>) -> Self {
        let upload = query.get("uploadId").cloned();
        // Sub-resources are not objects, and must not be mistaken for them.
        if ["tagging", "acl", "attributes", "retention"].iter().any(|name| query.contains_key(*name)) {
            return Self::Unknown;
        }
        let part = query.get("partNumber").and_then(|number| number.parse().ok());
        match (method.as_str(), upload) {
            ("PUT", Some(upload)) => part.map_or(Self::Unknown, |number| Self::PutPart(upload, number)),
            ("PUT", None) => Self::Put(key),
            ("HEAD", _) => Self::Head(key),
            ("GET", _) => Self::Get(key),
            ("DELETE", Some(upload)) => Self::AbortUpload(upload),
            ("DELETE", None) => Self::Delete(key),
            ("POST", Some(upload)) => Self::CompleteUpload(upload),
            ("POST", None) if query.contains_key("uploads") => Self::BeginUpload(key),
            _ => Self::Unknown,
        }
    }

    fn on_bucket(method: &Method, bucket: String, query: HashMap<String, String>) -> Self {
        match method.as_str() {
            "PUT" | "HEAD" => Self::Bucket,
            "GET" if query.contains_key("list-type") => Self::List(bucket, query),
            "GET" if query.contains_key("uploads") => Self::ListUploads(bucket, query),
            "POST" if query.contains_key("delete") => Self::DeleteMany(bucket),
            _ => Self::Unknown,
        }
    }

    /// The name it is counted under.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Put(_) | Self::PutPart(..) => "PUT",
            Self::Head(_) | Self::Bucket => "HEAD",
            Self::Get(_) => "GET",
            Self::List(..) | Self::ListUploads(..) => "LIST",
            Self::Delete(_) | Self::AbortUpload(_) => "DELETE",
            Self::DeleteMany(_) | Self::BeginUpload(_) | Self::CompleteUpload(_) => "POST",
            Self::Unknown => "OTHER",
        }
    }
}

/// Whether a put must find nothing under its key.
pub(crate) fn only_if_absent(headers: &HeaderMap) -> bool {
    headers.get("if-none-match").is_some_and(|value| value == "*")
}

/// Whether the body is `aws-chunked`.
pub(crate) fn is_chunked(headers: &HeaderMap) -> bool {
    headers.get("x-amz-content-sha256").is_some_and(|value| value.as_bytes().starts_with(b"STREAMING-"))
}
