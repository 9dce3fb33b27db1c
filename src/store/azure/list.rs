//! Lists: their pages, and how to begin one in its middle.

use std::collections::BTreeMap;

use azure_core::http::AsyncRawResponse;
use bytes::BytesMut;
use futures_util::TryStreamExt;
use quick_xml::de::from_str;
use serde::Deserialize;

use super::errors::LIST;
use super::{AzureStore, names};
use crate::error::{Error, Result};
use crate::store::{Key, ObjectMeta};

/// What a page may have at most: five thousand names of a thousand letters each, and what is told of them.
const LONGEST_PAGE: usize = 32 << 20;

/// One list that is made: of everything whose name begins with `prefix`, or grouped by folder, and of that
/// what comes after `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) prefix: String,
    pub(super) after: Option<String>,
    pub(super) grouped: bool,
}

/// The lists that together give what begins with `prefix` and comes after `after`, in order. Azure cannot
/// begin a list at a name, and a page has five thousand: so that not all before it need be read, the folder
/// that it is in is listed first, and then, folder by folder, what comes after that in each one around it.
pub(super) fn walks(prefix: &str, after: Option<&str>) -> Vec<Walk> {
    let whole = |after: Option<&str>| Walk {
        prefix: prefix.to_owned(),
        after: after.map(str::to_owned),
        grouped: false,
    };
    let Some(after) = after.filter(|after| *after >= prefix) else { return vec![whole(None)] };
    let Some(rest) = after.strip_prefix(prefix) else { return Vec::new() };
    let folders: Vec<&str> = rest.match_indices('/').map(|(at, _)| &after[..=prefix.len() + at]).collect();
    let Some(innermost) = folders.last() else { return vec![whole(Some(after))] };
    let first = Walk { prefix: (*innermost).to_owned(), after: Some(after.to_owned()), grouped: false };
    let around = folders.iter().enumerate().rev().map(|(n, folder)| Walk {
        prefix: if n == 0 { prefix } else { folders[n - 1] }.to_owned(),
        after: Some((*folder).to_owned()),
        grouped: true,
    });
    std::iter::once(first).chain(around).collect()
}

/// Something in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Object(ObjectMeta),
    /// A folder, whose name has the slash at its end.
    Folder,
}

/// A page, and where the next one begins.
#[derive(Debug)]
pub(super) struct Page {
    /// Name and entry, in byte order of the names.
    pub(super) entries: Vec<(String, Entry)>,
    pub(super) next: Option<String>,
}

/// One page of a list, from `marker` on.
pub(super) async fn page(store: &AzureStore, walk: &Walk, marker: Option<&str>) -> Result<Page> {
    let mut words = vec![("prefix", walk.prefix.as_str())];
    words.extend(walk.grouped.then_some(("delimiter", "/")));
    words.extend(marker.map(|marker| ("marker", marker)));
    let explain = |e| store.request(LIST).explain(e);
    let answer = store.shared.client.list(&words).await.map_err(explain)?;
    let text = whole(answer).await.map_err(explain)?;
    let mut page = read(store, &text)?;
    if let Some(after) = &walk.after {
        page.entries.retain(|(name, _)| name > after);
    }
    Ok(page)
}

async fn whole(answer: AsyncRawResponse) -> azure_core::Result<String> {
    let mut body = answer.into_body();
    let mut text = BytesMut::new();
    while let Some(piece) = body.try_next().await? {
        if text.len() + piece.len() > LONGEST_PAGE {
            let told = format!("a page of the list has more than {LONGEST_PAGE} bytes");
            return Err(super::transport::smuggle(Error::corrupt(told)));
        }
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text.into()).map_err(|e| {
        super::transport::smuggle(Error::corrupt(format!("a page of the list is not UTF-8: {e}")))
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Results {
    blobs: Listed,
    next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Listed {
    #[serde(rename = "$value", default)]
    entries: Vec<ListedEntry>,
}

#[derive(Debug, Deserialize)]
enum ListedEntry {
    Blob {
        #[serde(rename = "Name")]
        name: Name,
        #[serde(rename = "Properties")]
        properties: Properties,
    },
    BlobPrefix {
        #[serde(rename = "Name")]
        name: Name,
    },
}

#[derive(Debug, Deserialize)]
struct Name {
    #[serde(rename = "@Encoded", default)]
    encoded: bool,
    #[serde(rename = "$text", default)]
    text: String,
}

#[derive(Debug, Deserialize)]
struct Properties {
    #[serde(rename = "Last-Modified")]
    last_modified: Option<String>,
    #[serde(rename = "Etag")]
    etag: Option<String>,
    #[serde(rename = "Content-Length")]
    content_length: Option<u64>,
    /// Told in accounts with a hierarchical namespace, whose folders are listed like objects.
    #[serde(rename = "ResourceType")]
    resource_type: Option<String>,
}

impl Name {
    fn read(self) -> Result<String> {
        if self.encoded { names::decode(&self.text) } else { Ok(self.text) }
    }
}

/// Reads a page (List Blobs, "Response body").
fn read(store: &AzureStore, text: &str) -> Result<Page> {
    let results: Results = from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|e| Error::corrupt(format!("a page of the list cannot be read: {e}")))?;
    let mut entries = Vec::with_capacity(results.blobs.entries.len());
    for entry in results.blobs.entries {
        match entry {
            ListedEntry::BlobPrefix { name } => {
                entries.push((name.read()?, Entry::Folder));
            }
            ListedEntry::Blob { name, properties } => {
                let name = name.read()?;
                if let Some(meta) =
                    store.key(&name).map(|key| object(key, &properties)).transpose()?.flatten()
                {
                    entries.push((name, Entry::Object(meta)));
                }
            }
        }
    }
    // Not every service has folders and objects of one page in one order.
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let next = results.next_marker.filter(|marker| !marker.is_empty());
    Ok(Page { entries, next })
}

fn object(key: Key, properties: &Properties) -> Result<Option<ObjectMeta>> {
    if properties.resource_type.as_deref() == Some("directory") {
        return Ok(None);
    }
    let size = properties.content_length.ok_or_else(|| names::no_size(&key))?;
    let modified = properties.last_modified.as_deref().and_then(names::time);
    let etag = properties.etag.as_deref().map(names::etag);
    Ok(Some(ObjectMeta { key, size, modified, etag, metadata: BTreeMap::new(), lock: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the walks give of these names, each listed as Azure does.
    fn given(names: &[&str], prefix: &str, after: Option<&str>) -> Vec<String> {
        let mut given = Vec::new();
        for walk in walks(prefix, after) {
            let is_after = |name: &str| walk.after.as_deref().is_none_or(|after| name > after);
            let mut folders = Vec::new();
            for name in names.iter().filter(|name| name.starts_with(&walk.prefix)) {
                let end = name[walk.prefix.len()..].find('/').map(|at| walk.prefix.len() + at);
                match end.filter(|_| walk.grouped) {
                    Some(end) if !folders.contains(&&name[..=end]) => {
                        folders.push(&name[..=end]);
                        let inside = names.iter().filter(|inside| inside.starts_with(&name[..=end]));
                        given.extend(inside.filter(|_| is_after(&name[..=end])).map(ToString::to_string));
                    }
                    None if is_after(name) => given.push((*name).to_string()),
                    _ => {}
                }
            }
        }
        given
    }

    proptest::proptest! {
        #[test]
        fn the_walks_give_what_begins_with_the_prefix_and_comes_after_once_and_in_order(
            names in proptest::collection::btree_set("[ab]([ab/-]{0,5}[ab])?", 0..30),
            prefix in "[ab/]{0,3}",
            after in proptest::option::of("[ab]([ab/-]{0,5}[ab])?"),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let wanted: Vec<String> = names
                .iter()
                .filter(|name| name.starts_with(&prefix) && after.as_deref().is_none_or(|after| **name > after))
                .map(ToString::to_string)
                .collect();
            proptest::prop_assert_eq!(given(&names, &prefix, after.as_deref()), wanted);
        }
    }

    #[test]
    fn a_list_that_begins_at_a_segment_begins_in_its_folder() {
        let walks = walks("srv/wals/", Some("srv/wals/0000000100000002/000000010000000200000007"));
        let of = |prefix: &str, after: &str, grouped| Walk {
            prefix: prefix.into(),
            after: Some(after.into()),
            grouped,
        };
        let segment = "srv/wals/0000000100000002/000000010000000200000007";
        let folder = "srv/wals/0000000100000002/";
        assert_eq!(walks, [of(folder, segment, false), of("srv/wals/", folder, true)]);
    }
}
