//! What the stub holds: objects and unfinished uploads. A key begins with its bucket's name, and
//! every bucket exists.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use aws_smithy_types::DateTime;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::pieces::Pieces;

/// The headers that are kept with an object and given back with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept(Vec<(HeaderName, HeaderValue)>);

impl Kept {
    /// Picks them out of a request.
    pub(crate) fn from_request(headers: &HeaderMap) -> Self {
        let is_metadata = |name: &str| name.starts_with("x-amz-meta-") || name.starts_with("x-ms-meta-");
        let kept = headers.iter().filter(|(name, _)| *name == "content-type" || is_metadata(name.as_str()));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Makes them of the names and values that a document tells, where they can be headers.
    pub(crate) fn from_words<'a>(prefix: &str, words: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let header = |(name, value): (&str, &str)| {
            Some((format!("{prefix}{name}").parse().ok()?, HeaderValue::from_str(value).ok()?))
        };
        Self(words.filter_map(header).collect())
    }

    /// Those whose names begin with `prefix`, without it.
    pub(crate) fn words<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| {
            Some((name.as_str().strip_prefix(prefix)?, value.to_str().ok()?))
        })
    }

    /// Adds them to an answer.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        headers.extend(self.0.iter().cloned());
    }
}

/// One object.
#[derive(Debug)]
pub(crate) struct Object {
    /// Its bytes.
    pub(crate) content: Pieces,
    /// Its metadata.
    pub(crate) kept: Kept,
    /// Its entity tag, in quotes.
    pub(crate) etag: String,
    /// When it was put.
    pub(crate) modified: DateTime,
}

impl Object {
    /// The number that no other object has had.
    pub(crate) fn generation(&self) -> u64 {
        u64::from_str_radix(self.etag.trim_matches('"'), 16).unwrap_or_default()
    }
}

#[derive(Debug)]
struct Upload {
    key: String,
    kept: Kept,
    begun: DateTime,
    parts: BTreeMap<u32, Pieces>,
}

/// A conditional put found the key taken.
#[derive(Debug)]
pub(crate) struct Taken;

/// All objects and uploads.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    objects: BTreeMap<String, Arc<Object>>,
    uploads: HashMap<String, Upload>,
    /// Blocks of Azure's that no list has yet, by key and id.
    blocks: HashMap<String, HashMap<String, Pieces>>,
    serial: u64,
}

impl Bucket {
    /// Stores an object, if it must with nothing there yet, and tells its entity tag.
    pub(crate) fn put(
        &mut self,
        key: String,
        content: Pieces,
        kept: Kept,
        only_if_absent: bool,
    ) -> Result<String, Taken> {
        if only_if_absent && self.objects.contains_key(&key) {
            return Err(Taken);
        }
        let etag = format!("\"{:032x}\"", self.next_serial());
        let modified = DateTime::from(SystemTime::now());
        self.objects.insert(key, Arc::new(Object { content, kept, etag: etag.clone(), modified }));
        Ok(etag)
    }

    /// The object under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Object>> {
        self.objects.get(key).cloned()
    }

    /// Removes what is under a key, if anything is.
    pub(crate) fn delete(&mut self, key: &str) {
        self.objects.remove(key);
    }

    /// Everything, in the order of the keys, from `start` on.
    pub(crate) fn objects_from<'a>(
        &'a self,
        start: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Object)> + use<'a> {
        self.objects.range(start.to_owned()..).map(|(key, object)| (key.as_str(), object.as_ref()))
    }

    /// Begins an upload in parts and names it.
    pub(crate) fn begin_upload(&mut self, key: String, kept: Kept) -> String {
        let id = format!("upload-{}", self.next_serial());
        let begun = DateTime::from(SystemTime::now());
        self.uploads.insert(id.clone(), Upload { key, kept, begun, parts: BTreeMap::new() });
        id
    }

    /// Takes one part; `None` if there is no such upload.
    pub(crate) fn put_part(&mut self, id: &str, number: u32, content: Pieces) -> Option<String> {
        let etag = format!("\"{:032x}\"", self.next_serial());
        self.uploads.get_mut(id)?.parts.insert(number, content);
        Some(etag)
    }

    /// Makes an object of an upload's parts; `None` if there is no such upload.
    pub(crate) fn complete_upload(
        &mut self,
        id: &str,
        only_if_absent: bool,
    ) -> Option<Result<String, Taken>> {
        let upload = self.uploads.remove(id)?;
        let mut content = Pieces::default();
        upload.parts.values().for_each(|part| content.append(part));
        Some(self.put(upload.key, content, upload.kept, only_if_absent))
    }

    /// Takes one block of an object.
    pub(crate) fn put_block(&mut self, key: &str, id: String, content: Pieces) {
        self.blocks.entry(key.to_owned()).or_default().insert(id, content);
    }

    /// Makes an object of blocks; `None` if one of them is not there.
    pub(crate) fn commit_blocks(
        &mut self,
        key: &str,
        ids: &[&str],
        kept: Kept,
        only_if_absent: bool,
    ) -> Option<Result<String, Taken>> {
        let blocks = self.blocks.remove(key).unwrap_or_default();
        let mut content = Pieces::default();
        for id in ids {
            content.append(blocks.get(*id)?);
        }
        Some(self.put(key.to_owned(), content, kept, only_if_absent))
    }

    /// The uploads that are not finished, with their ids and when they were begun, in no order.
    pub(crate) fn uploads(&self) -> impl Iterator<Item = (&str, &str, &DateTime)> {
        self.uploads.iter().map(|(id, upload)| (upload.key.as_str(), id.as_str(), &upload.begun))
    }

    /// The length of all objects together.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.objects.values().map(|object| object.content.length()).sum()
    }

    /// Drops an upload.
    pub(crate) fn abort_upload(&mut self, id: &str) {
        self.uploads.remove(id);
    }

    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }
}
