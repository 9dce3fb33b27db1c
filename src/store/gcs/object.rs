//! What the service says of an object, as a JSON resource or in the headers of its content, and what it is
//! told of one.

use std::collections::BTreeMap;
use std::ops::Range;

use http::HeaderMap;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::{Deserialize, Serialize};

use super::{Error, Key, ObjectMeta, Put, Result, Sum};
use crate::error::ErrorKind;
use crate::store::{Lock, Retain, RetainMode};

/// Which fields of a resource are asked for.
pub(super) const FIELDS: &str = "name,size,generation,updated,metadata,crc32c,retention(retainUntilTime),\
                                 retentionExpirationTime,temporaryHold,eventBasedHold";

/// What every object is: other types might be packed on the way (docs: transcoding).
pub(super) const CONTENT_TYPE: &str = "application/octet-stream";

/// Headers that carry metadata begin with it.
const META: &str = "x-goog-meta-";

/// An object as the JSON interface tells it. Numbers of 64 bits are texts there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    #[serde(default)]
    pub(super) name: String,
    size: Option<String>,
    pub(super) generation: Option<String>,
    updated: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    pub(super) crc32c: Option<String>,
    retention: Option<ToldRetention>,
    /// What the bucket's policy makes of it.
    retention_expiration_time: Option<String>,
    #[serde(default)]
    temporary_hold: bool,
    #[serde(default)]
    event_based_hold: bool,
}

/// The lock of one object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldRetention {
    retain_until_time: Option<String>,
}

impl Resource {
    /// What is known of the object with this key.
    pub(super) fn meta(self, key: Key) -> Result<ObjectMeta> {
        let lock = self.lock();
        let size = self.size.and_then(|size| size.parse().ok());
        let size = size.ok_or_else(|| no_size(&key))?;
        let modified = self.updated.and_then(|time| time.parse().ok());
        Ok(ObjectMeta { key, size, modified, etag: self.generation, metadata: self.metadata, lock })
    }

    /// A hold has no end, so it counts before what has one; of two ends the later counts.
    fn lock(&self) -> Option<Lock> {
        if self.temporary_hold || self.event_based_hold {
            return Some(Lock::Hold);
        }
        let own = self.retention.as_ref().and_then(|retention| retention.retain_until_time.as_deref());
        let ends = [own, self.retention_expiration_time.as_deref()];
        ends.into_iter().flatten().filter_map(time).max().map(Lock::Until)
    }

    /// Whether it has these very bytes.
    pub(super) fn is(&self, sum: Sum) -> bool {
        self.crc32c.as_deref() == Some(&sum.text()) && self.size == Some(sum.size.to_string())
    }
}

/// What the headers of an object's content say of it; `None` when they do not say enough, as an emulator's.
pub(super) fn from_headers(key: &Key, headers: &HeaderMap, range: Option<&Range<u64>>) -> Option<ObjectMeta> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let generation = text("x-goog-generation")?;
    // With a range, the whole size stands in `Content-Range: bytes 5-9/100`.
    let size = match range {
        Some(_) => text("content-range")?.rsplit_once('/')?.1,
        None => text("x-goog-stored-content-length").or_else(|| text("content-length"))?,
    };
    let metadata = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(META)?.to_owned(), value.to_str().ok()?.to_owned()))
    });
    let modified = text("last-modified").and_then(|time| rfc2822::parse(time).ok());
    Some(ObjectMeta {
        key: key.clone(),
        size: size.parse().ok()?,
        modified: modified.map(|time| time.timestamp()),
        etag: Some(generation.to_owned()),
        metadata: metadata.collect(),
        lock: None,
    })
}

/// A time as the interfaces tell it.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

pub(super) fn no_size(key: &Key) -> Error {
    Error::corrupt(format!("the service does not tell the size of {key}"))
}

/// What the JSON interface is told of a new object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewObject<'a> {
    pub(super) name: &'a str,
    content_type: &'static str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<&'a str, &'a str>,
    /// Of the content, which the service compares; absent where it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<NewRetention>,
}

/// The lock that an object gets.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewRetention {
    mode: &'static str,
    retain_until_time: String,
}

impl NewRetention {
    fn new(retain: Retain) -> Self {
        let mode = match retain.mode {
            RetainMode::Governance => "Unlocked",
            RetainMode::Compliance => "Locked",
        };
        Self { mode, retain_until_time: whole_seconds(retain.until) }
    }
}

/// Services count in whole seconds.
fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

impl<'a> NewObject<'a> {
    /// An object that is stored in this way.
    pub(super) fn new(name: &'a str, how: &'a Put, sum: Option<Sum>) -> Self {
        let crc32c = sum.map(Sum::text);
        let retention = how.retain.map(NewRetention::new);
        Self { name, content_type: CONTENT_TYPE, metadata: metadata(how), crc32c, retention }
    }

    /// As JSON.
    pub(super) fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::bug(format!("an object cannot be described: {e}")))
    }
}

/// The metadata of an object. The service has no tags, so they go in there (spec/barman-cloud.md 7.4), but
/// never in place of our own.
fn metadata(how: &Put) -> BTreeMap<&str, &str> {
    let tags = how.tags.0.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    tags.chain(how.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()))).collect()
}

/// The metadata of an object as headers of the XML interface, which keeps names in lower case; `None` where
/// headers cannot carry it.
pub(super) fn metadata_headers(how: &Put) -> Option<Vec<(String, String)>> {
    let is_word = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    let fits = |(key, value): &(&str, &str)| {
        !key.is_empty()
            && key.bytes().all(is_word)
            && value.bytes().all(|c| (b' '..=b'~').contains(&c))
            && value.trim() == *value
    };
    let metadata = metadata(how);
    let headers = metadata.iter().map(|(key, value)| (*key, *value));
    let metadata = headers.map(|pair| fits(&pair).then(|| (format!("{META}{}", pair.0), pair.1.to_owned())));
    metadata.chain(lock_headers(how).map(Some)).collect()
}

/// A bucket without object retention refuses what is to be locked, and those who may not lock are refused it.
pub(super) fn explain(e: Error, how: &Put) -> Error {
    match e.kind() {
        ErrorKind::Usage if how.retain.is_some() => e.hint(
            "the object was to be locked: see with `barkeep check` whether the bucket has object retention, or \
             leave out --lock-until",
        ),
        // The service often names the right itself.
        ErrorKind::Denied if how.retain.is_some() => e.with_hint(|hint| {
            let more = "; the object was to be locked, which takes storage.objects.setRetention as well";
            Some(format!("{hint}{}", if hint.contains("storage.objects.create") { more } else { "" }))
        }),
        _ => e,
    }
}

/// The lock of an object as headers of the XML interface, which has other names for the modes ("Object
/// Retention Lock").
fn lock_headers(how: &Put) -> impl Iterator<Item = (String, String)> {
    let headers = how.retain.map(|retain| {
        let mode = match retain.mode {
            RetainMode::Governance => "GOVERNANCE",
            RetainMode::Compliance => "COMPLIANCE",
        };
        [
            ("x-goog-object-lock-mode".to_owned(), mode.to_owned()),
            ("x-goog-object-lock-retain-until-date".to_owned(), whole_seconds(retain.until)),
        ]
    });
    headers.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Tags;

    fn tagged(tags: &[(&str, &str)]) -> Put {
        let tags = Tags(tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect());
        let metadata = BTreeMap::from([("sha256".to_owned(), "abc".to_owned())]);
        Put { tags, metadata, ..Put::default() }
    }

    #[test]
    fn tags_are_metadata_but_never_in_place_of_our_own() {
        let how = tagged(&[("team", "db"), ("sha256", "mine")]);
        let described = NewObject::new("a/b", &how, Some(Sum::default())).text().unwrap();
        let expected = r#"{"name":"a/b","contentType":"application/octet-stream","metadata":{"sha256":"abc","team":"db"},"crc32c":"AAAAAA=="}"#;
        assert_eq!(described, expected);
        let bare = NewObject::new("a", &Put::default(), None).text().unwrap();
        assert_eq!(bare, r#"{"name":"a","contentType":"application/octet-stream"}"#);
    }

    #[test]
    fn metadata_goes_into_headers_where_they_can_carry_it() {
        let headers = metadata_headers(&tagged(&[("Team", "a b")])).unwrap();
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(headers, [pair("x-goog-meta-Team", "a b"), pair("x-goog-meta-sha256", "abc")]);
        for (key, value) in [("a b", "c"), ("a:b", "c"), ("ä", "c"), ("", "c"), ("a", "ü"), ("a", " b")] {
            assert_eq!(metadata_headers(&tagged(&[(key, value)])), None, "{key}={value}");
        }
    }

    #[test]
    fn headers_tell_what_a_resource_does() {
        let key = Key::new("a").unwrap();
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            pairs.collect::<HeaderMap>()
        };
        let whole = headers(&[
            ("x-goog-generation", "17"),
            ("x-goog-stored-content-length", "5"),
            ("last-modified", "Sat, 21 Nov 2026 09:10:22 GMT"),
            ("x-goog-meta-sha256", "abc"),
        ]);
        let resource: Resource = serde_json::from_str(
            r#"{"name": "a", "size": "5", "generation": "17", "updated": "2026-11-21T09:10:22.000Z",
                "metadata": {"sha256": "abc"}}"#,
        )
        .unwrap();
        assert_eq!(from_headers(&key, &whole, None), Some(resource.meta(key.clone()).unwrap()));
        let range = headers(&[("x-goog-generation", "17"), ("content-range", "bytes 2-4/100")]);
        assert_eq!(from_headers(&key, &range, Some(&(2..5))).unwrap().size, 100);
        assert_eq!(from_headers(&key, &headers(&[("content-length", "5")]), None), None);
    }
}
