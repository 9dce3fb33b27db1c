//! `ListObjectsV2`, and the little XML the protocol needs.

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
    after: String,
    max_keys: usize,
    url_encoded: bool,
}

impl Query {
    /// Reads it from the words of the query.
    pub(crate) fn new(bucket: String, words: &HashMap<String, String>) -> Self {
        let word = |name: &str| words.get(name).filter(|value| !value.is_empty()).cloned();
        Self {
            bucket,
            prefix: word("prefix").unwrap_or_default(),
            delimiter: word("delimiter"),
            // A token is the last thing listed, so both mean the same.
            after: word("continuation-token").or_else(|| word("start-after")).unwrap_or_default(),
            max_keys: word("max-keys").and_then(|n| n.parse().ok()).unwrap_or(MOST_KEYS).min(MOST_KEYS),
            url_encoded: word("encoding-type").is_some(),
        }
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

/// The document that answers a listing.
pub(crate) fn list(bucket: &Bucket, query: &Query) -> String {
    let mut listed = String::new();
    let mut last = query.after.clone();
    let mut count = 0;
    let mut truncated = false;
    let root = format!("{}/", query.bucket);
    let whole_prefix = format!("{root}{}", query.prefix);
    let start = whole_prefix.clone().max(format!("{root}{}", query.after));
    for (key, object) in bucket.objects_from(&start) {
        if !key.starts_with(&whole_prefix) {
            break;
        }
        let key = &key[root.len()..];
        let name = query.folder(key).unwrap_or(key);
        if name <= last.as_str() {
            continue;
        }
        if count == query.max_keys {
            truncated = true;
            break;
        }
        describe(&mut listed, query, name, (name == key).then_some(object));
        name.clone_into(&mut last);
        count += 1;
    }
    if truncated {
        // Clients give it back as it is, so it is never URL-encoded.
        listed += "<NextContinuationToken>";
        listed += &escape(&last);
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

fn escape(text: &str) -> String {
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
