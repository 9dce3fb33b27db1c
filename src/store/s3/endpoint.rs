//! What an endpoint's URL tells.

use url::Url;

use crate::error::{Error, Result};

/// An endpoint's URL in its one spelling: lower-case host, no default port, no trailing slash, no
/// credentials. What cannot be read as a URL is left alone but for credentials.
pub(in crate::store) fn spell_endpoint(endpoint: &str) -> String {
    let Ok(mut url) = Url::parse(endpoint) else {
        return endpoint.rsplit('@').next().unwrap_or(endpoint).to_owned();
    };
    // Only URLs without a host refuse this, and they have no credentials to remove.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// Whether requests go to AWS itself: no endpoint given, or one of AWS's own.
pub(in crate::store) fn is_aws(endpoint: Option<&str>) -> bool {
    let Some(endpoint) = endpoint else { return true };
    let url = Url::parse(endpoint);
    let host = url.as_ref().ok().and_then(Url::host_str).unwrap_or_default();
    ["amazonaws.com", "amazonaws.com.cn", "api.aws"]
        .iter()
        .any(|domain| host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// Which of AWS's separate worlds requests go to, each with buckets of its own: `None` is the usual one.
pub(in crate::store) fn partition(endpoint: Option<&str>, region: Option<&str>) -> Option<&'static str> {
    let host = endpoint.and_then(|endpoint| Some(Url::parse(endpoint).ok()?.host_str()?.to_owned()));
    let is_in = |prefix: &str| match (&host, region) {
        (Some(host), _) => host.split('.').any(|label| label.starts_with(prefix)),
        (None, region) => region.is_some_and(|region| region.starts_with(prefix)),
    };
    let has_suffix = host.as_ref().is_some_and(|host| host.ends_with(".amazonaws.com.cn"));
    match () {
        () if has_suffix || is_in("cn-") => Some("aws-cn"),
        () if is_in("us-gov-") => Some("aws-us-gov"),
        () => None,
    }
}

/// Refuses what cannot be an endpoint, before the SDK does so with less grace.
pub(super) fn check_endpoint(endpoint: &str) -> Result<()> {
    let example = "write http://HOST[:PORT] or https://HOST[:PORT]";
    let shown = spell_endpoint(endpoint);
    let url = Url::parse(endpoint)
        .map_err(|e| Error::usage(format!("endpoint {shown:?} is not a URL: {e}")).hint(example))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(Error::usage(format!("endpoint {shown:?} is not a web server's URL")).hint(example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let refused = Error::usage(format!("user and password in the endpoint {shown:?} are not accepted"));
        return Err(refused.hint("give credentials through the environment or a profile"));
    }
    Ok(())
}
