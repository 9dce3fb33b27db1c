//! A bucket of Google Cloud Storage in memory, and how requests about it are answered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, Response, Uri};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::BUCKET;
use super::locks::{Hold, Kept, Retentions};

/// So few to a page that every test of some objects sees several.
const PAGE: usize = 25;

/// The same for uploads.
const UPLOADS_PAGE: usize = 2;

/// What chunks but the last have a multiple of.
const GRAIN: usize = 256 << 10;

/// What parts but the last have at least.
const LEAST_PART: usize = 5 << 20;

/// Everything in it.
#[derive(Default)]
pub(super) struct Bucket {
    objects: BTreeMap<String, Stored>,
    sessions: BTreeMap<String, Session>,
    uploads: BTreeMap<(String, String), Parts>,
    /// The last generation, session or upload.
    last: u64,
    /// Buckets that were made, all empty.
    made: BTreeSet<String>,
    /// What the bucket knows of retention.
    pub(super) retentions: Retentions,
}

/// A request with its body.
pub(crate) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// How much of the body is kept, if not all.
    pub(super) taken: Option<usize>,
    /// How it came.
    pub(super) scheme: &'static str,
}

#[derive(Clone)]
struct Stored {
    body: Bytes,
    generation: u64,
    updated: Timestamp,
    metadata: BTreeMap<String, String>,
    kms_key: Option<String>,
    kept: Kept,
}

/// An upload of the JSON interface.
struct Session {
    name: String,
    description: Value,
    kms_key: Option<String>,
    is_first: bool,
    body: Vec<u8>,
    stored: Option<Value>,
    kept: Kept,
}

/// An upload of the XML interface.
struct Parts {
    begun: Timestamp,
    metadata: BTreeMap<String, String>,
    kms_key: Option<String>,
    taken: BTreeMap<usize, (String, Bytes)>,
    kept: Kept,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn word(&self, name: &str) -> Option<String> {
        word(&self.uri, name)
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let headers = self.headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix("x-goog-meta-")?;
            Some((name.to_owned(), value.to_str().ok()?.to_owned()))
        });
        headers.collect()
    }
}

impl Bucket {
    /// A bucket that is to be made must be told its project.
    fn make(&mut self, asked: &Asked) -> Response<Bytes> {
        let wanted: Value = serde_json::from_slice(&asked.body).unwrap();
        if asked.word("project").is_none() {
            return refusal(false, 400, "required", "Required parameter: project");
        }
        let name = wanted["name"].as_str().unwrap();
        if !self.made.insert(name.to_owned()) {
            return refusal(
                false,
                409,
                "conflict",
                "Your previous request to create the named bucket succeeded",
            );
        }
        json(200, &json!({"name": name}))
    }

    pub(super) fn answer(&mut self, asked: &Asked, emulates: bool) -> Response<Bytes> {
        let is_xml = is_xml(&asked.uri);
        if is_xml && emulates {
            return plain(501, "");
        }
        if asked.method == Method::POST && asked.uri.path() == "/storage/v1/b" {
            return self.make(asked);
        }
        let path: Vec<&str> = asked.uri.path().splitn(7, '/').collect();
        let (bucket, name) = match (is_xml, path.as_slice()) {
            (false, [_, _, _, _, bucket]) if *bucket == BUCKET && !emulates => {
                return self.retentions.of_bucket(bucket);
            }
            (true, [_, bucket, name @ ..]) => (*bucket, name.join("/")),
            (false, [_, "upload", _, _, _, bucket, _] | [_, _, _, _, bucket, _]) => (*bucket, String::new()),
            (false, [_, _, _, _, bucket, _, name]) => (*bucket, (*name).to_owned()),
            _ => return plain(404, ""),
        };
        if self.made.contains(bucket) && asked.method == Method::GET && name.is_empty() {
            // What is made anew is empty.
            return Self::default().list(asked, emulates);
        }
        if bucket != BUCKET {
            let reason = if is_xml { "NoSuchBucket" } else { "notFound" };
            let words = "The specified bucket does not exist.";
            return if emulates { plain(404, "") } else { refusal(is_xml, 404, reason, words) };
        }
        let name = percent_encoding::percent_decode_str(&name).decode_utf8().unwrap().into_owned();
        if is_xml {
            return self.answer_xml(asked, &name);
        }
        if asked.uri.path().starts_with("/upload/") {
            return self.answer_upload(asked, emulates);
        }
        match (&asked.method, name.is_empty()) {
            (&Method::GET, true) => self.list(asked, emulates),
            (&Method::GET, false) if asked.word("alt").is_some() => self.content(asked, &name, emulates),
            (&Method::GET, false) => match self.found(asked, &name, emulates) {
                Some(stored) => json(200, &self.resource(asked, &name, stored)),
                None => no_object(&name, emulates),
            },
            (&Method::DELETE, false) if self.found(asked, &name, emulates).is_none() => {
                no_object(&name, emulates)
            }
            (&Method::DELETE, false) => self.keeps(&name, false).unwrap_or_else(|| {
                self.objects.remove(&name);
                plain(204, "")
            }),
            _ => plain(501, ""),
        }
    }

    fn found(&self, asked: &Asked, name: &str, emulates: bool) -> Option<&Stored> {
        let generation = asked.word("generation").filter(|_| !emulates);
        let is_it =
            |stored: &&Stored| generation.is_none_or(|wanted| wanted == stored.generation.to_string());
        self.objects.get(name).filter(is_it)
    }

    /// The names of all objects.
    pub(super) fn names(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }

    /// Puts an object under holds, or lifts them.
    pub(super) fn hold(&mut self, name: &str, hold: Option<Hold>) {
        self.objects.get_mut(name).unwrap().kept.hold = hold;
    }

    /// The refusal to delete or to replace an object now, if there is one that is kept.
    fn keeps(&self, name: &str, is_xml: bool) -> Option<Response<Bytes>> {
        let stored = self.objects.get(name)?;
        self.retentions.refusal(is_xml, &format!("{BUCKET}/{name}"), &stored.kept, stored.updated)
    }

    /// What is told of an object; of its retention, only to whoever asks for these fields.
    fn resource(&self, asked: &Asked, name: &str, stored: &Stored) -> Value {
        let mut told = resource(name, stored);
        let fields = asked.word("fields");
        for (field, value) in self.retentions.told(&stored.kept, stored.updated) {
            if fields.as_deref().is_none_or(|fields| fields.contains(field)) {
                told[field] = value;
            }
        }
        told
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        1_700_000_000_000_000 + self.last
    }

    fn store(
        &mut self,
        name: &str,
        body: Bytes,
        metadata: BTreeMap<String, String>,
        kms_key: Option<String>,
        kept: Kept,
    ) -> Value {
        let (generation, updated) = (self.next(), Timestamp::now());
        let stored = Stored { body, generation, updated, metadata, kms_key, kept };
        let told = resource(name, &stored);
        self.objects.insert(name.to_owned(), stored);
        told
    }

    fn list(&self, asked: &Asked, emulates: bool) -> Response<Bytes> {
        let text = |name| asked.word(name).unwrap_or_default();
        let prefix = text("prefix");
        let paged = |name| if emulates { String::new() } else { text(name) };
        let (from, token) = (paged("startOffset"), paged("pageToken"));
        let limit = match asked.word("maxResults") {
            _ if emulates => usize::MAX,
            Some(most) => most.parse::<usize>().unwrap().min(PAGE),
            None => PAGE,
        };
        let is_grouped = asked.word("delimiter").is_some();
        let (mut items, mut prefixes, mut last) = (Vec::new(), Vec::<String>::new(), String::new());
        let below = self.objects.iter().filter(|(name, _)| name.starts_with(&prefix) && **name >= from);
        for (name, stored) in below {
            let group = name[prefix.len()..].find('/').filter(|_| is_grouped);
            let listed = group.map_or(name.clone(), |at| name[..=prefix.len() + at].to_owned());
            if (!token.is_empty() && listed <= token) || prefixes.last() == Some(&listed) {
                continue;
            }
            if items.len() + prefixes.len() == limit {
                let page = json!({"items": items, "prefixes": prefixes, "nextPageToken": last});
                return json(200, &page);
            }
            last.clone_from(&listed);
            match group {
                Some(_) => prefixes.push(listed),
                None => items.push(resource(name, stored)),
            }
        }
        if emulates {
            // Nobody says in which order.
            items.reverse();
        }
        json(200, &json!({"items": items, "prefixes": prefixes}))
    }

    fn content(&self, asked: &Asked, name: &str, emulates: bool) -> Response<Bytes> {
        let Some(stored) = self.found(asked, name, emulates) else {
            let words = format!("No such object: {BUCKET}/{name}");
            return plain(404, if emulates { "" } else { &words });
        };
        let size = stored.body.len();
        let mut response = Response::builder().header("content-type", "application/octet-stream");
        for (name, value) in &stored.metadata {
            response = response.header(format!("x-goog-meta-{name}"), value);
        }
        if !emulates {
            let updated = stored.updated.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            response = response
                .header("x-goog-generation", stored.generation)
                .header("x-goog-stored-content-length", size)
                .header("x-goog-stored-content-encoding", "identity")
                .header("last-modified", updated);
        }
        let range = asked.header("range").map(|text| {
            let (from, to) = text.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
            (from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap().saturating_add(1).min(size))
        });
        match range {
            None => response.body(stored.body.clone()).unwrap(),
            Some((from, _)) if from >= size => refusal(false, 416, "requestedRangeNotSatisfiable", ""),
            Some((from, to)) => response
                .status(206)
                .header("content-range", format!("bytes {from}-{}/{size}", to - 1))
                .body(stored.body.slice(from..to))
                .unwrap(),
        }
    }

    fn answer_upload(&mut self, asked: &Asked, emulates: bool) -> Response<Bytes> {
        if let Some(id) = asked.word("upload_id") {
            return self.answer_session(asked, &id, emulates);
        }
        let is_first = asked.word("ifGenerationMatch").as_deref() == Some("0") && !emulates;
        let content_type = asked.header("content-type").unwrap_or_default();
        let (description, body) = described(content_type, &asked.body);
        let name = description["name"].as_str().unwrap().to_owned();
        let kms_key = asked.word("kmsKeyName");
        if is_first && self.objects.contains_key(&name) {
            return taken();
        }
        let kept = match self.retentions.described(&description["retention"]) {
            Ok(kept) => kept,
            Err(refusal) => return *refusal,
        };
        if asked.word("uploadType").as_deref() == Some("resumable") {
            let id = format!("SESSION{}", self.next());
            let (body, stored) = Default::default();
            let session = Session { name, description, kms_key, is_first, body, stored, kept };
            self.sessions.insert(id.clone(), session);
            let host = if emulates { "inside:1" } else { asked.header("host").unwrap() };
            let (scheme, path) = (asked.scheme, asked.uri.path());
            return Response::builder()
                .header("location", format!("{scheme}://{host}{path}?uploadType=resumable&upload_id={id}"))
                .header("x-guploader-uploadid", id)
                .body(Bytes::new())
                .unwrap();
        }
        let (told, counted) = (description["crc32c"].as_str().unwrap_or_default(), crc32c(&body));
        if told != counted {
            let words = format!("Provided CRC32C \"{told}\" doesn't match calculated CRC32C \"{counted}\".");
            return refusal(false, 400, "invalid", &words);
        }
        if let Some(refusal) = self.keeps(&name, false) {
            return refusal;
        }
        let stored = self.store(&name, body, described_metadata(&description), kms_key, kept);
        json(200, &stored)
    }

    fn answer_session(&mut self, asked: &Asked, id: &str, emulates: bool) -> Response<Bytes> {
        if asked.method == Method::DELETE {
            if emulates {
                return plain(501, "");
            }
            let known = self.sessions.remove(id).is_some();
            return with_upload_id(plain(if known { 499 } else { 404 }, ""), id);
        }
        let Some(session) = self.sessions.get_mut(id) else { return with_upload_id(plain(404, ""), id) };
        if let Some(stored) = &session.stored {
            return if emulates { plain(404, "") } else { json(200, stored) };
        }
        let range = asked.header("content-range").unwrap().strip_prefix("bytes ").unwrap();
        let (span, total) = range.split_once('/').unwrap();
        let total = total.parse::<usize>().ok();
        if let Some((from, to)) = span.split_once('-') {
            let (from, to) = (from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap() + 1);
            assert_eq!(asked.body.len(), to - from, "as many bytes are sent as announced");
            if from != session.body.len() || (total.is_none() && to % GRAIN != 0) {
                return refusal(false, 400, "badRequest", "Invalid range.");
            }
            session.body.extend_from_slice(&asked.body[..asked.taken.unwrap_or(to - from)]);
        }
        let has = session.body.len();
        if total != Some(has) {
            let response = Response::builder().status(308).header("x-guploader-uploadid", id);
            let response = match has {
                0 if emulates => response.header("range", "bytes=0-0"),
                0 => response,
                has => response.header("range", format!("bytes=0-{}", has - 1)),
            };
            return response.body(Bytes::new()).unwrap();
        }
        let (told, counted) = (asked.header("x-goog-hash"), format!("crc32c={}", crc32c(&session.body)));
        if told.is_some_and(|told| told != counted) && !emulates {
            let words = format!("Provided {told:?} doesn't match calculated {counted}.");
            return refusal(false, 400, "invalid", &words);
        }
        let (name, description) = (session.name.clone(), session.description.clone());
        let (body, kms_key) = (Bytes::from(std::mem::take(&mut session.body)), session.kms_key.clone());
        let kept = session.kept.clone();
        if session.is_first && self.objects.contains_key(&name) {
            return with_upload_id(taken(), id);
        }
        // What is kept is found out when all bytes are there.
        if let Some(refusal) = self.keeps(&name, false) {
            return with_upload_id(refusal, id);
        }
        let stored = self.store(&name, body, described_metadata(&description), kms_key, kept);
        self.sessions.get_mut(id).unwrap().stored = Some(stored.clone());
        with_upload_id(json(200, &stored), id)
    }

    fn answer_xml(&mut self, asked: &Asked, name: &str) -> Response<Bytes> {
        match (&asked.method, asked.word("uploads").is_some(), asked.word("uploadId")) {
            (&Method::GET, true, _) => self.list_uploads(asked),
            (&Method::POST, true, _) => {
                let (id, begun) = (format!("UPLOAD{}", self.next()), Timestamp::now());
                let kms_key = asked.header("x-goog-encryption-kms-key-name").map(str::to_owned);
                let kept = match self.retentions.in_headers(asked) {
                    Ok(kept) => kept,
                    Err(refusal) => return *refusal,
                };
                let parts =
                    Parts { begun, metadata: asked.metadata(), kms_key, taken: BTreeMap::new(), kept };
                self.uploads.insert((name.to_owned(), id.clone()), parts);
                let told = format!("<UploadId>{id}</UploadId>");
                xml(200, &format!("<InitiateMultipartUploadResult>{told}</InitiateMultipartUploadResult>"))
            }
            (method, false, Some(id)) => {
                let upload = (name.to_owned(), id);
                if !self.uploads.contains_key(&upload) {
                    return refusal(true, 404, "NoSuchUpload", "The requested upload was not found.");
                }
                match *method {
                    Method::PUT => self.take_part(asked, &upload),
                    Method::POST => self.complete(asked, &upload),
                    _ => {
                        self.uploads.remove(&upload);
                        plain(204, "")
                    }
                }
            }
            _ => plain(501, ""),
        }
    }

    fn take_part(&mut self, asked: &Asked, upload: &(String, String)) -> Response<Bytes> {
        let told = asked.header("x-goog-hash").unwrap_or_default();
        if told != format!("crc32c={}", crc32c(&asked.body)) {
            return refusal(true, 400, "BadDigest", "The CRC32C you specified did not match.");
        }
        let number: usize = asked.word("partNumber").unwrap().parse().unwrap();
        let etag = format!("\"part-{}\"", self.next());
        let taken = &mut self.uploads.get_mut(upload).unwrap().taken;
        taken.insert(number, (etag.clone(), asked.body.clone()));
        Response::builder().header("etag", etag).body(Bytes::new()).unwrap()
    }

    fn complete(&mut self, asked: &Asked, upload: &(String, String)) -> Response<Bytes> {
        let listed = String::from_utf8(asked.body.to_vec()).unwrap();
        let listed: Vec<(usize, String)> = listed
            .split("<Part>")
            .skip(1)
            .map(|part| {
                let between =
                    |tag: &str| part.split(&format!("{tag}>")).nth(1).unwrap().trim_end_matches("</");
                (between("PartNumber").parse().unwrap(), between("ETag").replace("&quot;", "\""))
            })
            .collect();
        let Parts { metadata, kms_key, taken, kept, .. } = self.uploads.get(upload).unwrap();
        let found = listed.iter().map(|(number, etag)| taken.get(number).filter(|(told, _)| told == etag));
        let Some(found) = found.collect::<Option<Vec<_>>>().filter(|found| !found.is_empty()) else {
            return refusal(true, 400, "InvalidPart", "");
        };
        if found[..found.len() - 1].iter().any(|(_, body)| body.len() < LEAST_PART) {
            return refusal(true, 400, "EntityTooSmall", "");
        }
        let body = found.iter().map(|(_, body)| &body[..]).collect::<Vec<_>>().concat();
        let (metadata, kms_key, kept) = (metadata.clone(), kms_key.clone(), kept.clone());
        if let Some(refusal) = self.keeps(&upload.0, true) {
            return refusal;
        }
        self.store(&upload.0, body.into(), metadata, kms_key, kept);
        self.uploads.remove(upload);
        xml(200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
    }

    fn list_uploads(&self, asked: &Asked) -> Response<Bytes> {
        let text = |name| asked.word(name).unwrap_or_default();
        let (prefix, after) = (text("prefix"), (text("key-marker"), text("upload-id-marker")));
        let below = self.uploads.iter().filter(|((name, _), _)| name.starts_with(&prefix));
        let mut rest = below.filter(|(upload, _)| after.0.is_empty() || **upload > after);
        let (mut listed, mut markers) = (String::new(), String::new());
        for ((name, id), Parts { begun, .. }) in rest.by_ref().take(UPLOADS_PAGE) {
            let name = name.replace('&', "&amp;").replace('<', "&lt;");
            let upload = format!("<Key>{name}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated>");
            write!(listed, "<Upload>{upload}</Upload>").unwrap();
            markers =
                format!("<NextKeyMarker>{name}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>");
        }
        let is_last = rest.next().is_none();
        let more = format!("<IsTruncated>{}</IsTruncated>{markers}", !is_last);
        xml(200, &format!("<ListMultipartUploadsResult>{more}{listed}</ListMultipartUploadsResult>"))
    }
}

/// Whether a request is one of the XML interface, whose paths begin with the bucket.
pub(super) fn is_xml(uri: &Uri) -> bool {
    !["/storage/v1/", "/upload/storage/v1/"].iter().any(|start| uri.path().starts_with(start))
}

/// A parameter of a request.
pub(super) fn word(uri: &Uri, name: &str) -> Option<String> {
    let mut words = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    words.find(|(found, _)| found == name).map(|(_, value)| value.into_owned())
}

/// The description and the content in the body of an insertion.
pub(super) fn described(content_type: &str, body: &Bytes) -> (Value, Bytes) {
    let Some((_, boundary)) = content_type.split_once("boundary=") else {
        return (serde_json::from_slice(body).unwrap(), Bytes::new());
    };
    let position = |from: usize, wanted: &str| {
        let found = body[from..].windows(wanted.len()).position(|part| part == wanted.as_bytes());
        from + found.unwrap_or_else(|| panic!("{wanted:?} is not in the body"))
    };
    let json = position(0, "\r\n\r\n") + 4;
    let middle = position(json, &format!("\r\n--{boundary}\r\n"));
    let content = position(middle + 4, "\r\n\r\n") + 4;
    let end = body.len() - format!("\r\n--{boundary}--\r\n").len();
    assert!(body.starts_with(format!("--{boundary}\r\n").as_bytes()));
    assert!(body.ends_with(format!("\r\n--{boundary}--\r\n").as_bytes()));
    (serde_json::from_slice(&body[json..middle]).unwrap(), body.slice(content..end))
}

/// The same with another byte in its middle.
pub(super) fn damaged(body: &Bytes) -> Bytes {
    let mut body = body.to_vec();
    let middle = body.len() / 2;
    body[middle] ^= 1;
    body.into()
}

fn described_metadata(description: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(description["metadata"].clone()).unwrap_or_default()
}

fn resource(name: &str, stored: &Stored) -> Value {
    let Stored { body, generation, updated, metadata, kms_key, .. } = stored;
    json!({
        "kind": "storage#object", "name": name, "size": body.len().to_string(),
        "generation": generation.to_string(), "updated": updated.to_string(), "metadata": metadata,
        "crc32c": crc32c(body), "kmsKeyName": kms_key,
    })
}

fn crc32c(body: &[u8]) -> String {
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, body);
    STANDARD.encode(u32::try_from(sum).unwrap().to_be_bytes())
}

fn no_object(name: &str, emulates: bool) -> Response<Bytes> {
    let words = format!("No such object: {BUCKET}/{name}");
    if emulates { plain(404, "") } else { refusal(false, 404, "notFound", &words) }
}

fn taken() -> Response<Bytes> {
    let words = "At least one of the pre-conditions you specified did not hold.";
    refusal(false, 412, "conditionNotMet", words)
}

/// A refusal in the form of the interface.
pub(super) fn refusal(is_xml: bool, status: u16, reason: &str, words: &str) -> Response<Bytes> {
    let response = if is_xml {
        xml(status, &format!("<Error><Code>{reason}</Code><Message>{words}</Message></Error>"))
    } else {
        let errors = json!([{"domain": "global", "reason": reason, "message": words}]);
        json(status, &json!({"error": {"code": status, "message": words, "errors": errors}}))
    };
    with_upload_id(response, "UPID1")
}

fn with_upload_id(mut response: Response<Bytes>, id: &str) -> Response<Bytes> {
    response.headers_mut().insert("x-guploader-uploadid", id.parse().unwrap());
    response
}

pub(super) fn json(status: u16, value: &Value) -> Response<Bytes> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(value.to_string().into()).unwrap()
}

fn xml(status: u16, text: &str) -> Response<Bytes> {
    let text = format!("<?xml version='1.0' encoding='UTF-8'?>{text}");
    Response::builder().status(status).header("content-type", "application/xml").body(text.into()).unwrap()
}

pub(super) fn plain(status: u16, words: &str) -> Response<Bytes> {
    Response::builder().status(status).body(words.to_owned().into()).unwrap()
}
