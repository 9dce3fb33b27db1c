//! A file of credentials, and what kind it is. No text of it comes into an error but the names of fields.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use http::Uri;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

use super::endpoint::is_loopback;
use crate::error::{Error, Result};

/// More than this is no credential.
const LARGEST: u64 = 1 << 20;

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Tells secrets apart without telling them.
pub(super) fn digest(secrets: &[&str]) -> String {
    let mut digest = Sha256::new();
    for secret in secrets {
        digest.update((secret.len() as u64).to_be_bytes());
        digest.update(secret.as_bytes());
    }
    hex::encode(&digest.finalize()[..8])
}

/// The fields of a JSON object, and where it is for messages.
#[derive(Clone)]
pub(super) struct Fields {
    map: Map<String, Value>,
    of: String,
}

impl Fields {
    /// Reads a file.
    pub(super) fn read(path: &Path) -> io::Result<Result<Self>> {
        Ok(Self::parse(&read(path)?, path.display().to_string()))
    }

    /// Reads a text, of which line and column are all that is told.
    pub(super) fn parse(text: &[u8], of: String) -> Result<Self> {
        if text.trim_ascii().is_empty() {
            return Err(Error::usage(format!("{of} is empty")).hint("give a JSON file of credentials"));
        }
        let map = serde_json::from_slice(text).map_err(|e| {
            let at = format!("line {}, column {}", e.line(), e.column());
            Error::usage(format!("{of} is no JSON object ({at})")).hint("give a JSON file of credentials")
        })?;
        Ok(Self { map, of })
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&str> {
        self.maybe(name)?.ok_or_else(|| self.error(format!("has no {name}")))
    }

    /// A text that may be there.
    pub(super) fn maybe(&self, name: &str) -> Result<Option<&str>> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(format!("has a {name} that is no text"))),
        }
    }

    /// A number that may be there.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_u64();
                number.map(Some).ok_or_else(|| self.error(format!("has a {name} that is no number")))
            }
        }
    }

    /// A list of texts, empty when it is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        let wrong = || self.error(format!("has a {name} that is no list of texts"));
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(all)) => {
                all.iter().map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    /// An object inside, when it is there.
    pub(super) fn inside(&self, name: &str) -> Result<Option<Self>> {
        match self.map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => {
                Ok(Some(Self { map: map.clone(), of: format!("{name} of {}", self.of) }))
            }
            Some(_) => Err(self.error(format!("has a {name} that is no object"))),
        }
    }

    /// All texts, such as headers.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>> {
        let pair = |name: &String| Ok((name.clone(), self.text(name)?.to_owned()));
        self.map.keys().map(pair).collect()
    }

    /// A URL that secrets may be sent to: `https`, unless it is this machine. A file of credentials from
    /// elsewhere could name any place, which Google warns of.
    pub(super) fn url(&self, name: &str, without_it: Option<&str>) -> Result<Uri> {
        let text = match (self.maybe(name)?, without_it) {
            (Some(text), _) => text,
            (None, Some(usual)) => usual,
            (None, None) => self.text(name)?,
        };
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" || is_loopback(url));
        let uri = url.and_then(|url| url.as_str().parse().ok());
        uri.ok_or_else(|| self.error(format!("has a {name} that is no https:// URL")))
    }

    /// A URL of a metadata service, which may be without TLS.
    pub(super) fn plain_url(&self, name: &str) -> Result<Uri> {
        let url = Url::parse(self.text(name)?).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let uri = url.and_then(|url| url.as_str().parse().ok());
        uri.ok_or_else(|| self.error(format!("has a {name} that is no URL")))
    }

    /// What is wrong with it.
    pub(super) fn error(&self, what: impl fmt::Display) -> Error {
        Error::usage(format!("{} {what}", self.of))
    }
}

/// Reads a file whole, as long as it can be a credential. It is read on this thread: it is small.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    fs_err::File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("{} has more than {LARGEST} bytes", path.display())));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Result<Fields> {
        Fields::parse(text.as_bytes(), "key.json".to_owned())
    }

    #[test]
    fn a_broken_file_is_named_and_never_quoted() {
        for (text, told) in [
            ("", "key.json is empty"),
            (r#"{"private_key": hunter2"#, "key.json is no JSON object (line 1, column 17)"),
            (r#""hunter2""#, "key.json is no JSON object (line 1, column 9)"),
        ] {
            let error = fields(text).err().unwrap();
            assert_eq!(error.to_string(), told);
        }
        let wrong = fields(r#"{"a": 1, "b": {"c": "hunter2"}}"#).unwrap();
        assert_eq!(wrong.text("a").unwrap_err().to_string(), "key.json has a a that is no text");
        assert_eq!(wrong.text("z").unwrap_err().to_string(), "key.json has no z");
        let inside = wrong.inside("b").unwrap().unwrap();
        assert_eq!(inside.number("c").unwrap_err().to_string(), "b of key.json has a c that is no number");
    }

    #[test]
    fn secrets_are_sent_over_tls_or_to_this_machine_only() {
        let url = |text: &str| fields(&format!(r#"{{"u": "{text}"}}"#)).unwrap().url("u", None).is_ok();
        assert!(url("https://sts.googleapis.com/v1/token") && url("http://127.0.0.1:1/token"));
        assert!(!url("http://sts.googleapis.com/v1/token") && !url("token") && !url(""));
    }

    #[test]
    fn a_digest_tells_secrets_apart() {
        assert_ne!(digest(&["a", "bc"]), digest(&["ab", "c"]));
        assert_eq!(digest(&["a"]).len(), 16);
    }
}
