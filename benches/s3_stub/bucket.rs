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
        let kept = headers
            .iter()
            .filter(|(name, _)| *name == "content-type" || name.as_str().starts_with("x-amz-meta-"));
        Self(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
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
