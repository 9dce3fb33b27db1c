//! A subject token from a URL, such as that of another cloud's metadata service.

use bytes::Bytes;
use http::{Request, Uri};
use url::{Host, Url};

use super::super::endpoint::is_loopback;
use super::super::file::{Fields, digest};
use super::super::issuer::{ask, build, if_refused};
use super::Format;
use crate::error::Result;
use crate::store::http::{Http, Route};

/// Where to ask, and how.
pub(super) struct UrlSource {
    http: Http,
    url: Uri,
    headers: Vec<(String, String)>,
    format: Format,
}

impl std::fmt::Debug for UrlSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UrlSource(..)")
    }
}

impl UrlSource {
    pub(super) fn from(source: &Fields, http: &Http) -> Result<Self> {
        let headers = source.inside("headers")?.map(|headers| headers.pairs()).transpose()?;
        Ok(Self {
            http: http.clone(),
            url: source.plain_url("url")?,
            headers: headers.unwrap_or_default(),
            format: Format::from(source)?,
        })
    }

    pub(super) async fn token(&self) -> Result<String> {
        let mut request = Request::get(&self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = build(request.body(Bytes::new()))?;
        let secrets: Vec<_> = self.headers.iter().map(|(_, value)| &**value).collect();
        let answer = ask(&self.http, route(&self.url), request, &secrets).await;
        let (_, body) = answer.map_err(|e| if_refused(e, "check credential_source.headers"))?;
        self.format.find(&body, "the answer of credential_source.url")
    }

    /// The URL may have a secret in its query, so only its host is told.
    pub(super) fn identity(&self) -> String {
        let url = self.url.to_string();
        let headers = self.headers.iter().flat_map(|(name, value)| [&**name, &**value]);
        let all: Vec<_> = std::iter::once(&*url).chain(headers).collect();
        format!("subject from {} ({})", self.url.host().unwrap_or_default(), digest(&all))
    }
}

/// Metadata services only answer the machine itself, so never through a proxy.
pub(super) fn route(uri: &Uri) -> Route {
    let Ok(url) = Url::parse(&uri.to_string()) else { return Route::Proxied };
    let is_link_local = match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => address.is_unicast_link_local() || address.is_unique_local(),
        _ => false,
    };
    if is_link_local || is_loopback(&url) { Route::Direct } else { Route::Proxied }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_asked_without_a_proxy() {
        for (url, way) in [
            ("http://169.254.169.254/latest", Route::Direct),
            ("http://[fd00:ec2::254]/latest", Route::Direct),
            ("http://127.0.0.1:1/", Route::Direct),
            ("https://example.com/token", Route::Proxied),
        ] {
            assert_eq!(route(&url.parse().unwrap()), way, "{url}");
        }
    }
}
