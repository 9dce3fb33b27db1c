//! What the service inside the test keeps, and how it answers: Put Blob, Put Block, Put Block List, Get
//! Block List, Get Blob, Get Blob Properties, Delete Blob and List Blobs, as Microsoft documents them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Method;
use jiff::Timestamp;
use md5::{Digest, Md5};

use super::locks::{Held, Locks};
use super::{ACCOUNT, CONTAINER, Seen};

/// So few to a page that every list of some objects has several.
const PAGE: usize = 4;

/// The objects of one container, and what was sent to become some.
#[derive(Default)]
pub(crate) struct Blobs {
    kept: BTreeMap<String, Blob>,
    /// By name and block id.
    uncommitted: BTreeMap<String, BTreeMap<Vec<u8>, Bytes>>,
    /// How many were ever stored, for entity tags.
    stored: u64,
    /// Containers that were made, all empty.
    made: BTreeSet<String>,
    /// What the container knows of immutability.
    pub(crate) locks: Locks,
}

struct Blob {
    body: Bytes,
    etag: String,
    modified: String,
    metadata: Vec<(String, String)>,
    blocks: Vec<(Vec<u8>, Bytes)>,
    held: Held,
}

/// What is answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    length: Option<usize>,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), length: None }
    }

    /// A refusal, told in a header and in the body.
    pub(crate) fn refusal(status: u16, code: &str) -> Self {
        let message = "on purpose\nRequestId:REQ1\nTime:2026-11-21T09:12:45.0000000Z";
        let head = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>";
        let text = format!("{head}<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Self::new(status, text).with("x-ms-error-code", code)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// What `Content-Length` says.
    pub(crate) fn length(&self) -> usize {
        self.length.unwrap_or(self.body.len())
    }
}

impl Blobs {
    /// Stores an object from memory.
    pub(crate) fn place(&mut self, name: &str, body: &'static [u8]) {
        self.store(name, Bytes::from_static(body), Vec::new(), Vec::new(), Held::default());
    }

    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.kept.keys().cloned().collect()
    }

    /// Puts an object under a legal hold, or lifts it (Set Blob Legal Hold).
    pub(crate) fn hold(&mut self, name: &str, is_held: bool) {
        self.kept.get_mut(name).unwrap().held.is_held = is_held;
    }

    /// Carries out a request.
    pub(crate) fn answer(&mut self, seen: &Seen) -> Reply {
        if let Some(refusal) = unsigned(seen) {
            return refusal;
        }
        let path = percent_encoding::percent_decode_str(seen.uri.path()).decode_utf8().unwrap();
        let mut parts = path.splitn(4, '/').skip(1);
        let (account, container) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = parts.next().unwrap_or_default();
        if (account, container) != (ACCOUNT, CONTAINER) {
            if seen.word("restype") == "container" && seen.method == Method::PUT {
                let is_new = self.made.insert(container.to_owned());
                let refused = || Reply::refusal(409, "ContainerAlreadyExists");
                return if is_new { Reply::new(201, "") } else { refused() };
            }
            if self.made.contains(container) && seen.word("comp") == "list" {
                // What is made anew is empty.
                return Self::default().list(seen);
            }
            return Reply::refusal(404, "ContainerNotFound");
        }
        match (&seen.method, seen.word("comp").as_str()) {
            _ if seen.word("restype") == "container" && seen.word("comp").is_empty() => {
                self.locks.of_container()
            }
            (&Method::GET, "list") => self.list(seen),
            (&Method::PUT, "") => self.put(name, seen),
            (&Method::PUT, "block") => self.put_block(name, seen),
            (&Method::PUT, "blocklist") => self.put_block_list(name, seen),
            (&Method::GET, "blocklist") => self.block_list(name),
            (&Method::GET | &Method::HEAD, "") => self.get(name, seen),
            (&Method::DELETE, "") => self.delete(name),
            _ => Reply::refusal(400, "UnsupportedQueryParameter"),
        }
    }

    fn is_taken(&self, name: &str, seen: &Seen) -> bool {
        seen.header("if-none-match") == "*" && self.kept.contains_key(name)
    }

    fn delete(&mut self, name: &str) -> Reply {
        let Some(blob) = self.kept.get(name) else { return Reply::refusal(404, "BlobNotFound") };
        if let Some(code) = self.locks.keeps(&blob.held) {
            return Reply::refusal(409, code);
        }
        self.kept.remove(name);
        Reply::new(202, "")
    }

    /// What an object that is stored under the name is locked with, unless it is refused.
    fn lock(&self, name: &str, seen: &Seen) -> Result<Held, Reply> {
        match self.kept.get(name).and_then(|_| self.locks.keeps_overwriting()) {
            Some(code) => Err(Reply::refusal(409, code)),
            None => self.locks.asked(seen).map_err(|(status, code)| Reply::refusal(status, code)),
        }
    }

    fn store(
        &mut self,
        name: &str,
        body: Bytes,
        metadata: Vec<(String, String)>,
        blocks: Vec<(Vec<u8>, Bytes)>,
        held: Held,
    ) -> Reply {
        self.stored += 1;
        self.uncommitted.remove(name);
        let etag = format!("0x8D{:012X}", self.stored);
        let modified = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let reply = Reply::new(201, "").with("etag", format!("\"{etag}\""));
        self.kept.insert(name.to_owned(), Blob { body, etag, modified, metadata, blocks, held });
        reply
    }

    fn put(&mut self, name: &str, seen: &Seen) -> Reply {
        if seen.header("x-ms-blob-type") != "BlockBlob" {
            return Reply::refusal(400, "MissingRequiredHeader");
        }
        if is_damaged(seen) {
            return Reply::refusal(400, "Md5Mismatch");
        }
        if self.is_taken(name, seen) {
            return Reply::refusal(409, "BlobAlreadyExists");
        }
        match self.lock(name, seen) {
            Ok(held) => self.store(name, seen.body.clone(), metadata(seen), Vec::new(), held),
            Err(refusal) => refusal,
        }
    }

    fn put_block(&mut self, name: &str, seen: &Seen) -> Reply {
        let Ok(id) = STANDARD.decode(seen.word("blockid")) else {
            return Reply::refusal(400, "InvalidQueryParameterValue");
        };
        if is_damaged(seen) {
            return Reply::refusal(400, "Md5Mismatch");
        }
        let blocks = self.uncommitted.entry(name.to_owned()).or_default();
        if id.len() > 64 || blocks.keys().any(|other| other.len() != id.len()) {
            return Reply::refusal(400, "InvalidBlobOrBlock");
        }
        blocks.insert(id, seen.body.clone());
        Reply::new(201, "")
    }

    fn put_block_list(&mut self, name: &str, seen: &Seen) -> Reply {
        if self.is_taken(name, seen) {
            return Reply::refusal(409, "BlobAlreadyExists");
        }
        if is_damaged(seen) {
            return Reply::refusal(400, "Md5Mismatch");
        }
        let mut blocks = Vec::new();
        for id in ids(&seen.body) {
            let sent = self.uncommitted.get(name).and_then(|blocks| blocks.get(&id));
            let committed = || {
                let found = self.kept.get(name)?.blocks.iter().find(|(of, _)| *of == id);
                found.map(|(_, body)| body)
            };
            let Some(body) = sent.or_else(committed).cloned() else {
                return Reply::refusal(400, "InvalidBlockList");
            };
            blocks.push((id, body));
        }
        let body = blocks.iter().map(|(_, body)| body.as_ref()).collect::<Vec<_>>().concat();
        match self.lock(name, seen) {
            Ok(held) => self.store(name, body.into(), metadata(seen), blocks, held),
            Err(refusal) => refusal,
        }
    }

    fn block_list(&self, name: &str) -> Reply {
        let Some(blob) = self.kept.get(name) else { return Reply::refusal(404, "BlobNotFound") };
        let mut text = String::new();
        for (id, body) in &blob.blocks {
            let (id, length) = (STANDARD.encode(id), body.len());
            write!(text, "<Block><Name>{id}</Name><Size>{length}</Size></Block>").unwrap();
        }
        let text = format!("<BlockList><CommittedBlocks>{text}</CommittedBlocks></BlockList>");
        Reply::new(200, text).with("content-type", "application/xml")
    }

    fn get(&self, name: &str, seen: &Seen) -> Reply {
        let Some(blob) = self.kept.get(name) else { return Reply::refusal(404, "BlobNotFound") };
        let size = blob.body.len();
        let range = seen.header("range").strip_prefix("bytes=").and_then(|range| range.split_once('-'));
        let mut reply = match range {
            None => Reply::new(200, blob.body.clone()),
            Some((begin, end)) => {
                let begin: usize = begin.parse().unwrap();
                let end = end.parse::<usize>().unwrap().saturating_add(1).min(size);
                if begin >= size {
                    return Reply::refusal(416, "InvalidRange")
                        .with("content-range", format!("bytes */{size}"));
                }
                let told = format!("bytes {begin}-{}/{size}", end - 1);
                Reply::new(206, blob.body.slice(begin..end)).with("content-range", told)
            }
        };
        reply = reply.with("etag", format!("\"{}\"", blob.etag)).with("last-modified", &blob.modified);
        for (name, value) in blob.metadata.iter().cloned().chain(blob.held.headers()) {
            reply = reply.with(&name, value);
        }
        reply
    }

    fn list(&self, seen: &Seen) -> Reply {
        let (prefix, delimiter) = (seen.word("prefix"), seen.word("delimiter"));
        let begin = seen.word("marker");
        let begin =
            begin.strip_prefix("2!").map(|name| String::from_utf8(hex::decode(name).unwrap()).unwrap());
        let mut entries: BTreeMap<String, Option<&Blob>> = BTreeMap::new();
        for (name, blob) in self.kept.iter().filter(|(name, _)| name.starts_with(&prefix)) {
            let end = name[prefix.len()..].find('/').filter(|_| delimiter == "/");
            match end {
                Some(end) => entries.insert(name[..=prefix.len() + end].to_owned(), None),
                None => entries.insert(name.clone(), Some(blob)),
            };
        }
        let mut rest =
            entries.iter().skip_while(|(name, _)| begin.as_ref().is_some_and(|begin| *name < begin));
        let mut text = String::new();
        for (name, blob) in rest.by_ref().take(PAGE) {
            let name = spell(name);
            match blob {
                None => write!(text, "<BlobPrefix>{name}</BlobPrefix>").unwrap(),
                Some(Blob { body, etag, modified, held, .. }) => write!(
                    text,
                    "<Blob>{name}<Properties><Creation-Time>{modified}</Creation-Time><Last-Modified>{modified}\
                     </Last-Modified><Etag>{etag}</Etag><Content-Length>{}</Content-Length><BlobType>BlockBlob\
                     </BlobType>{}</Properties><OrMetadata /></Blob>",
                    body.len(),
                    held.elements(&seen.word("include"))
                )
                .unwrap(),
            }
        }
        let marker = rest.next().map(|(name, _)| format!("2!{}", hex::encode(name))).unwrap_or_default();
        let head = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>";
        let blobs = if text.is_empty() { "<Blobs />".to_owned() } else { format!("<Blobs>{text}</Blobs>") };
        let marker = if marker.is_empty() {
            "<NextMarker />".to_owned()
        } else {
            format!("<NextMarker>{marker}</NextMarker>")
        };
        let text = format!(
            "{head}<EnumerationResults ServiceEndpoint=\"http://x/\" ContainerName=\"{CONTAINER}\">{blobs}{marker}\
             </EnumerationResults>"
        );
        Reply::new(200, text).with("content-type", "application/xml")
    }
}

/// The refusal of a request that says neither who asks nor which version it speaks.
fn unsigned(seen: &Seen) -> Option<Reply> {
    let authorization = seen.header("authorization");
    let by_key = authorization.starts_with(&format!("SharedKey {ACCOUNT}:"))
        && !(seen.header("x-ms-date").is_empty() && seen.header("date").is_empty());
    let is_signed = by_key || authorization.starts_with("Bearer ") || !seen.word("sig").is_empty();
    if !is_signed {
        return Some(Reply::refusal(401, "NoAuthenticationInformation"));
    }
    seen.header("x-ms-version").is_empty().then(|| Reply::refusal(400, "MissingRequiredHeader"))
}

/// Whether what came has another sum than was told.
fn is_damaged(seen: &Seen) -> bool {
    let told = seen.header("content-md5");
    !told.is_empty() && told != STANDARD.encode(Md5::digest(&seen.body))
}

fn metadata(seen: &Seen) -> Vec<(String, String)> {
    let all = seen.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-meta-"));
    all.map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned())).collect()
}

/// The block ids in a list that is to be committed.
pub(crate) fn ids(list: &[u8]) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(list).unwrap();
    let all = text.split("<Latest>").skip(1).map(|rest| rest.split('<').next().unwrap());
    all.map(|id| STANDARD.decode(id.trim()).unwrap()).collect()
}

/// A name in a list: percent-encoded, and said to be, where XML cannot hold it.
fn spell(name: &str) -> String {
    if name.chars().any(|c| c < ' ') {
        let encoded = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        return format!("<Name Encoded=\"true\">{encoded}</Name>");
    }
    format!("<Name>{}</Name>", name.replace('&', "&amp;").replace('<', "&lt;"))
}
