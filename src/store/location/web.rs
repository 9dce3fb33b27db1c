//! What the `http://` and `https://` URLs of all services have in common.

use std::fmt;

use url::Url;

use super::{has_dots, shown};
use crate::error::{Error, Result};

/// A URL in its parts. Nothing in the path is decoded or changed.
#[derive(Debug)]
pub(super) struct Web<'a> {
    /// The scheme in lower case.
    pub(super) scheme: &'static str,
    /// The host in lower case.
    pub(super) host: String,
    /// The port, unless it is the scheme's own.
    pub(super) port: Option<u16>,
    /// What follows the host, without its first slash.
    pub(super) path: &'a str,
}

impl<'a> Web<'a> {
    /// Takes apart what stands behind `://`. No message repeats what could be a secret: a query has been
    /// refused before.
    pub(super) fn read(scheme: &'static str, rest: &'a str) -> Result<Self> {
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let refused = |why: &str| Error::usage(format!("{scheme}://{} {why}", shown(rest)));
        let url = Url::parse(&format!("{scheme}://{authority}/")).ok();
        let url = url.filter(|url| url.path() == "/" && url.username().is_empty());
        let host = url.as_ref().and_then(Url::host_str).map(str::to_owned);
        let Some(host) = host else { return Err(refused("does not begin with a host's name")) };
        // HTTP clients take what is behind a `;` for something other than the path, the console of Google
        // adds such, and the reference cuts it off.
        if path.contains(';') {
            return Err(refused("has a ; in its path").hint("leave out what a browser's address adds to it"));
        }
        if has_dots(path) {
            return Err(refused("has a segment . or .. in its path"));
        }
        Ok(Self { scheme, host, port: url.and_then(|url| url.port()), path })
    }

    /// The first folder of the path, and what lies below it.
    pub(super) fn split_path(path: &str) -> (&str, &str) {
        path.split_once('/').unwrap_or((path, ""))
    }

    /// The host, and its port if it has one.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// What a message may repeat of it.
impl fmt::Display for Web<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme, self.authority(), shown(self.path))
    }
}
