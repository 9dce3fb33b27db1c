//! How names and properties are spelled on the wire, and read back.

use std::collections::BTreeMap;

use azure_core::http::Url;
use azure_core::http::headers::Headers;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};

use super::lock;
use crate::error::{Error, Result};
use crate::store::{Key, ObjectMeta, Tags};

/// All but the unreserved characters of RFC 3986, which is what Microsoft's own tools encode: a signature
/// covers the URL as it is sent.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const METADATA: &str = "x-ms-meta-";

/// The account that a host of Azure's own names, in whichever cloud; `None` for every other host. Between
/// the account and the service stands the DNS zone, or `privatelink`.
pub(in crate::store) fn account_in_host(host: &str) -> Option<&str> {
    let (account, domain) = host.split_once('.')?;
    let is_blob = format!(".{domain}").contains(".blob.core.") || domain.ends_with(".blob.storage.azure.net");
    is_blob.then_some(account)
}

/// Text as one segment of a path, or one word of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The URL of what has this name in the container; of the container itself when it is empty. Every part
/// between slashes is a segment of its own.
pub(super) fn url(service: &Url, container: &str, name: &str) -> Url {
    let parts = std::iter::once(container).chain(name.split('/').filter(|_| !name.is_empty()));
    let path = parts.map(encode).collect::<Vec<_>>().join("/");
    let mut url = service.clone();
    url.set_path(&format!("{}/{path}", service.path().trim_end_matches('/')));
    url
}

/// Index tags as the header `x-ms-tags` takes them (Put Blob: "query-string-encoded").
pub(super) fn tags(tags: &Tags) -> Option<String> {
    let pairs = tags.0.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value)));
    (!tags.0.is_empty()).then(|| pairs.collect::<Vec<_>>().join("&"))
}

/// Metadata under the names that Azure allows, identifiers of C# ("Setting and retrieving properties and
/// metadata for Blob resources"): `-` is not, so `_` stands for it.
pub(super) fn metadata(metadata: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    metadata.iter().map(|(name, value)| (name.replace('-', "_"), value.clone()))
}

/// What the headers tell about an object of this size.
pub(super) fn meta(key: &Key, size: u64, headers: &Headers) -> ObjectMeta {
    let text = |name: &'static str| headers.get_optional_str(&name.into());
    let metadata = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().strip_prefix(METADATA)?.replace('_', "-"), value.as_str().to_owned()))
    });
    ObjectMeta {
        key: key.clone(),
        size,
        modified: text("last-modified").and_then(time),
        etag: text("etag").map(etag),
        metadata: metadata.collect(),
        lock: lock::of(headers),
    }
}

/// A date as HTTP and Azure's lists spell it.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// An entity tag; a list gives it without the quotes that a header has.
pub(super) fn etag(text: &str) -> String {
    text.trim_matches('"').to_owned()
}

/// The number in a header that must be there.
pub(super) fn number(headers: &Headers, name: &'static str) -> Option<u64> {
    headers.get_optional_str(&name.into())?.parse().ok()
}

/// The error for an object whose size is not told.
pub(super) fn no_size(key: &Key) -> Error {
    Error::corrupt(format!("the service does not tell the size of {key}"))
}

/// A name as it was before a list spelled it for XML (List Blobs: a name with characters that XML cannot
/// hold is percent-encoded).
pub(super) fn decode(text: &str) -> Result<String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| {
        let shown = percent_encode(text.as_bytes(), RESERVED);
        Error::corrupt(format!("a name in the list is not UTF-8: {shown}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_path_segment_by_segment() {
        let of = |service: &str, name: &str| url(&Url::parse(service).unwrap(), "c", name).to_string();
        assert_eq!(of("https://a.blob.core.windows.net", "x/y"), "https://a.blob.core.windows.net/c/x/y");
        assert_eq!(of("http://h:1/acct", ""), "http://h:1/acct/c");
        assert_eq!(of("http://h:1/acct/", "a//b"), "http://h:1/acct/c/a//b");
        let odd = of("http://h:1/acct", "a b+%?#ä/~'()!*");
        assert_eq!(odd, "http://h:1/acct/c/a%20b%2B%25%3F%23%C3%A4/~%27%28%29%21%2A");
    }

    #[test]
    fn tags_are_encoded_like_a_query() {
        let of =
            |pairs: &[(&str, &str)]| tags(&Tags(pairs.iter().map(|&(k, v)| (k.into(), v.into())).collect()));
        assert_eq!(of(&[("a b", "c&d=e"), ("x", "")]).unwrap(), "a%20b=c%26d%3De&x=");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn metadata_survives_the_trip_through_names_without_hyphens() {
        let told = BTreeMap::from([("barkeep-system-id".to_owned(), "7".to_owned())]);
        let mut headers = Headers::new();
        for (name, value) in metadata(&told) {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
            headers.insert(format!("x-ms-meta-{name}"), value);
        }
        assert_eq!(meta(&Key::new("k").unwrap(), 3, &headers).metadata, told);
    }

    #[test]
    fn dates_and_tags_read_alike_from_headers_and_lists() {
        assert_eq!(time("Sat, 21 Nov 2026 09:12:45 GMT").unwrap().to_string(), "2026-11-21T09:12:45Z");
        assert_eq!(etag("\"0x8D\""), etag("0x8D"));
        assert_eq!(decode("a%01b").unwrap(), "a\u{1}b");
        assert!(decode("%FF").is_err());
    }
}
