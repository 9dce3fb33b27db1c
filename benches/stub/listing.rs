//! Listings: which objects and folders are on a page, and S3's documents of them.

use std::collections::HashMap;
use std::fmt::Write;

use aws_smithy_types::date_time::Format;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::bucket::{Bucket, Object};

/// S3 gives no more in one answer.
const MOST_KEYS: usize = 1000;

/// What a listing asks for.
#[derive(Debug)]
pub(crate) struct Query {
    bucket: String,
    prefix: String,
    delimiter: Option<String>,
    /// The first name that may be listed.
    from: String,
    after: String,
    max_keys: usize,
    url_encoded: bool,
}

/// A page: names, with the object where one is no folder, and the last of them where more follow.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) names: Vec<(&'a str, Option<&'a Object>)>,
    pub(crate) next: Option<String>,
}

impl Query {
    /// Reads it from the words of the query, which every dialect has some of.
    pub(crate) fn new(bucket: String, words: &HashMap<String, String>) -> Self {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| words.get(*name).filter(|value| !value.is_empty()).cloned())
        };
        let most = first(&["max-keys", "maxresults", "maxResults"]).and_then(|n| n.parse().ok());
        Self {
            bucket,
            prefix: first(&["prefix"]).unwrap_or_default(),
            delimiter: first(&["delimiter"]),
            from: first(&["startOffset"]).unwrap_or_default(),
            // A token is the last thing listed, so all mean the same.
            after: first(&["continuation-token", "marker", "pageToken", "start-after"]).unwrap_or_default(),
            max_keys: most.unwrap_or(MOST_KEYS).min(MOST_KEYS),
            url_encoded: words.contains_key("encoding-type"),
        }
    }

    /// The page that is asked for.
    pub(crate) fn page<'a>(&self, bucket: &'a Bucket) -> Page<'a> {
        let mut page = Page { names: Vec::new(), next: None };
        let root = format!("{}/", self.bucket);
        let whole_prefix = format!("{root}{}", self.prefix);
        let start = [&self.after, &self.from].map(|name| format!("{root}{name}")).into_iter().max();
        let mut last = self.after.as_str();
        for (key, object) in bucket.objects_from(&start.unwrap_or_default().max(whole_prefix.clone())) {
            if !key.starts_with(&whole_prefix) {
                break;
            }
            let key = &key[root.len()..];
            let name = self.folder(key).unwrap_or(key);
            if name <= last {
                continue;
            }
            if page.names.len() == self.max_keys {
                page.next = page.names.last().map(|(name, _)| (*name).to_owned());
                break;
            }
            page.names.push((name, (name == key).then_some(object)));
            last = name;
        }
        page
    }

    /// The folder a key is listed as, if it is not listed itself.
    fn folder<'a>(&self, key: &'a str) -> Option<&'a str> {
        let delimiter = self.delimiter.as_deref()?;
        let rest = key.get(self.prefix.len()..)?;
        rest.find(delimiter).map(|at| &key[..self.prefix.len() + at + delimiter.len()])
    }

    fn spell(&self, key: &str) -> String {
        if self.url_encoded { utf8_percent_encode(key, NON_ALPHANUMERIC).to_string() } else { escape(key) }
    }
}

/// The document that answers S3's listing.
pub(crate) fn list(bucket: &Bucket, query: &Query) -> String {
    let mut listed = String::new();
    let page = query.page(bucket);
    page.names.iter().for_each(|(name, object)| describe(&mut listed, query, name, *object));
    let (count, truncated) = (page.names.len(), page.next.is_some());
    if let Some(next) = page.next {
        // Clients give it back as it is, so it is never URL-encoded.
        listed += "<NextContinuationToken>";
        listed += &escape(&next);
        listed += "</NextContinuationToken>";
    }
    if query.url_encoded {
        listed += "<EncodingType>url</EncodingType>";
    }
    format!(
        "<ListBucketResult><Name>{}</Name><KeyCount>{count}</KeyCount><MaxKeys>{}</MaxKeys>\
         <IsTruncated>{truncated}</IsTruncated>{listed}</ListBucketResult>",
        query.bucket, query.max_keys
    )
}

/// The document that answers a question for unfinished uploads. It is never cut off: whoever leaves
/// thousands of them to the stub has lost already.
pub(crate) fn uploads(bucket: &Bucket, name: &str, words: &HashMap<String, String>) -> String {
    let prefix = words.get("prefix").map_or("", String::as_str);
    let inside = bucket.uploads().filter_map(|(key, id, begun)| {
        let key = key.strip_prefix(name)?.strip_prefix('/')?;
        key.starts_with(prefix).then_some((key, id, begun))
    });
    let mut found: Vec<_> = inside.collect();
    found.sort_unstable_by_key(|&(key, id, _)| (key, id));
    let listed = found.into_iter().map(|(key, id, begun)| {
        let (key, begun) = (escape(key), begun.fmt(Format::DateTime).unwrap_or_default());
        format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated></Upload>")
    });
    let listed: String = listed.collect();
    format!(
        "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{listed}</ListMultipartUploadsResult>"
    )
}

/// Text as XML has it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn describe(listed: &mut String, query: &Query, name: &str, object: Option<&Object>) {
    let name = query.spell(name);
    let written = match object {
        None => write!(listed, "<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>"),
        Some(object) => write!(
            listed,
            "<Contents><Key>{name}</Key><LastModified>{}</LastModified><ETag>{}</ETag><Size>{}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>",
            object.modified.fmt(Format::DateTime).unwrap_or_default(),
            object.etag,
            object.content.length()
        ),
    };
    written.expect("a string takes whatever is written");
}

/// The keys a `Delete` document names.
pub(crate) fn keys_in(document: &str) -> impl Iterator<Item = String> {
    document.split("<Key>").skip(1).filter_map(|rest| {
        let key = rest.split("</Key>").next()?;
        Some(key.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
    })
}
