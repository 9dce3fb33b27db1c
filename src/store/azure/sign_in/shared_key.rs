//! Signing every request with the account's key.
//!
//! The rules are Microsoft's: "Authorize with Shared Key", the part for Blob and version 2009-09-19 and
//! later, where a length of zero is left out as of version 2015-02-21
//! (<https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key>).

use std::fmt::{self, Write as _};
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request, Url};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::hmac;

use super::set_version;
use crate::error::{Error, Result};

/// The headers that are signed by their place, in this order, after the verb. The length comes from the
/// body instead, and the date is told by `x-ms-date`.
const SIGNED_BY_PLACE: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];

/// Signs with the key of an account.
pub(super) struct SharedKey {
    account: String,
    key: hmac::Key,
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedKey({}, ..)", self.account)
    }
}

impl SharedKey {
    /// Signs for `account` with its key in base64.
    pub(super) fn new(account: &str, key: &str) -> Result<Self> {
        // The decoder's error would quote what it read, so it is dropped.
        match STANDARD.decode(key.trim()) {
            Ok(key) if !key.is_empty() => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
                Ok(Self { account: account.to_owned(), key })
            }
            _ => Err(Error::usage(format!("the key of the account {account} is not base64"))
                .hint("copy the whole key, with the equals signs at its end")),
        }
    }

    /// Dates the request and signs it; what an earlier attempt has put there is replaced.
    fn authorize(&self, request: &mut Request, now: Timestamp) {
        set_version(request);
        request.insert_header("x-ms-date", rfc1123(now));
        let signature = hmac::sign(&self.key, string_to_sign(&self.account, request).as_bytes());
        let signature = STANDARD.encode(signature.as_ref());
        request.insert_header("authorization", format!("SharedKey {}:{signature}", self.account));
    }
}

#[async_trait]
impl Policy for SharedKey {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.authorize(request, Timestamp::now());
        next[0].send(ctx, request, &next[1..]).await
    }
}

/// What the signature covers.
fn string_to_sign(account: &str, request: &Request) -> String {
    let mut text = request.method().as_str().to_owned();
    for name in SIGNED_BY_PLACE {
        let value = match name {
            "content-length" => request.body().len().filter(|length| *length > 0).map(|l| l.to_string()),
            "date" => None,
            _ => request.headers().get_optional_string(&HeaderName::from_static(name)),
        };
        text.push('\n');
        text.push_str(value.unwrap_or_default().trim());
    }
    text.push('\n');
    text + &canonical_headers(request) + &canonical_resource(account, request.url())
}

/// The headers that begin with `x-ms-`, by name.
fn canonical_headers(request: &Request) -> String {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_str().trim()));
    let mut ours: Vec<_> = headers.filter(|(name, _)| name.starts_with("x-ms-")).collect();
    ours.sort_unstable();
    ours.into_iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}:{value}");
        text
    })
}

/// The account, the path as it is sent, and the query's parameters, decoded and by name; the values of
/// one that comes several times by value. An emulator has the account in its path as well, so that it
/// comes twice.
fn canonical_resource(account: &str, url: &Url) -> String {
    let mut parameters: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.to_lowercase(), value.into_owned())).collect();
    parameters.sort_unstable();
    let mut text = format!("/{account}{}", url.path());
    for (i, (name, value)) in parameters.iter().enumerate() {
        let goes_on = i > 0 && parameters[i - 1].0 == *name;
        let _ = if goes_on { write!(text, ",{value}") } else { write!(text, "\n{name}:{value}") };
    }
    text
}

/// A date as HTTP writes it: `Fri, 26 Jun 2015 23:39:12 GMT`.
fn rfc1123(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use azure_core::http::Method;

    use super::*;
    use crate::error::ErrorKind;

    fn request(method: Method, url: &str, headers: &[(&'static str, &'static str)]) -> Request {
        let mut request = Request::new(Url::parse(url).unwrap(), method);
        for &(name, value) in headers {
            request.insert_header(name, value);
        }
        request
    }

    /// The example that stands in "Authorize with Shared Key" below "Constructing the signature string".
    #[test]
    fn the_published_example_is_signed_as_published() {
        let url =
            "http://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=metadata&timeout=20";
        let headers = [
            ("x-ms-version", "2015-02-21"),
            ("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"),
            ("accept", "*/*"),
        ];
        assert_eq!(
            string_to_sign("myaccount", &request(Method::Get, url, &headers)),
            "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n\
             /myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20"
        );
    }

    /// The examples of canonical resources there.
    #[test]
    fn the_published_resources_are_spelled_as_published() {
        let resource = |url: &str| canonical_resource("myaccount", &Url::parse(url).unwrap());
        assert_eq!(
            resource(
                "http://myaccount.blob.core.windows.net/mycontainer?restype=container&comp=list\
                 &include=snapshots&include=metadata&include=uncommittedblobs"
            ),
            "/myaccount/mycontainer\ncomp:list\ninclude:metadata,snapshots,uncommittedblobs\nrestype:container"
        );
        assert_eq!(
            resource("https://myaccount-secondary.blob.core.windows.net/mycontainer/myblob"),
            "/myaccount/mycontainer/myblob"
        );
        assert_eq!(resource("http://127.0.0.1:10000/myaccount/c/a%20b"), "/myaccount/myaccount/c/a%20b");
    }

    #[test]
    fn a_put_is_signed_with_its_length_type_and_conditions() {
        let url = "https://acct.blob.core.windows.net/c/dir/a%2Bb?Comp=block&blockid=AA%2B%3D";
        let headers = [
            ("content-type", "application/octet-stream"),
            ("if-none-match", "*"),
            ("range", "bytes=0-9"),
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-meta-b", "two"),
            ("x-ms-date", "Fri, 26 Jun 2015 23:39:12 GMT"),
        ];
        let mut request = request(Method::Put, url, &headers);
        request.set_body("hello");
        assert_eq!(
            string_to_sign("acct", &request),
            "PUT\n\n\n5\n\napplication/octet-stream\n\n\n\n*\n\nbytes=0-9\nx-ms-blob-type:BlockBlob\n\
             x-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-meta-b:two\n/acct/c/dir/a%2Bb\nblockid:AA+=\ncomp:block"
        );
    }

    /// The digest is Python's: `hmac.new(b64decode(key), string.encode(), 'sha256')`, of the published
    /// example's string for the emulator's account and key.
    #[test]
    fn the_signature_is_the_hmac_of_the_string_under_the_decoded_key() {
        let url =
            "http://127.0.0.1:10000/devstoreaccount1/mycontainer?restype=container&comp=metadata&timeout=20";
        let mut request = request(Method::Get, url, &[("x-ms-version", "2015-02-21")]);
        let (account, key) = super::super::connection_string::DEVELOPMENT;
        let signing = SharedKey::new(account, key).unwrap();
        let now: Timestamp = "2015-06-26T23:39:12.9Z".parse().unwrap();
        signing.authorize(&mut request, now);
        let header = |name| request.headers().get_optional_string(&HeaderName::from_static(name)).unwrap();
        assert_eq!(header("x-ms-date"), "Fri, 26 Jun 2015 23:39:12 GMT");
        assert_eq!(header("authorization"), SIGNED);
    }

    const SIGNED: &str = "SharedKey devstoreaccount1:8qkllG2KRigfHAuoixCLQgQEAuR65sidBFzzvqadckM=";

    #[test]
    fn each_attempt_is_dated_and_signed_anew() {
        let signing = SharedKey::new("a", "a2V5").unwrap();
        let mut request = request(Method::Get, "https://a.blob.core.windows.net/c", &[]);
        let mut signed = |now: &str| {
            signing.authorize(&mut request, now.parse().unwrap());
            let all =
                request.headers().iter().map(|(name, value)| format!("{}={}", name.as_str(), value.as_str()));
            let mut all: Vec<_> = all.collect();
            all.sort();
            all
        };
        let (one, two) = (signed("2026-01-01T00:00:00Z"), signed("2026-01-01T00:00:01Z"));
        assert_eq!((one.len(), two.len()), (3, 3));
        assert_ne!(one[0], two[0]);
        assert_eq!(one, signed("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn a_key_that_is_not_base64_is_refused_and_not_repeated() {
        for bad in ["hunter2!", "", "  "] {
            let error = SharedKey::new("acct", bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        assert_eq!(format!("{:?}", SharedKey::new("acct", " a2V5\n").unwrap()), "SharedKey(acct, ..)");
    }
}
