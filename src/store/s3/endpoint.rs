//! What an endpoint's URL tells.

use url::{Host, Url};

use super::options::Encryption;
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
    if url.query().is_some() || url.fragment().is_some() {
        // Not repeated: keys have been seen there.
        return Err(Error::usage(format!("the endpoint {shown:?} has a query or a fragment")).hint(example));
    }
    Ok(())
}

/// Refuses to send a customer's key where everybody on the way can read it. The machine itself is no
/// such way.
pub(super) fn check_customer_key(endpoint: Option<&str>, encryption: Option<&Encryption>) -> Result<()> {
    let (Some(endpoint), Some(Encryption::Customer(_))) = (endpoint, encryption) else { return Ok(()) };
    let url = Url::parse(endpoint).ok();
    let is_open = url.as_ref().is_some_and(|url| url.scheme() == "http");
    let is_local = match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if is_open && !is_local {
        let shown = spell_endpoint(endpoint);
        return Err(Error::usage(format!(
            "a customer key would go to {shown} unencrypted with every request"
        ))
        .hint("use an https:// endpoint"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::store::CustomerKey;

    #[test]
    fn what_is_no_endpoint_is_refused_without_its_secrets() {
        for good in ["http://minio:9000", "https://[::1]:9000/", "https://host/path"] {
            check_endpoint(good).unwrap();
        }
        for bad in [
            "minio:9000",
            "ftp://host",
            "http://user:hunter2@host",
            "https://host/?key=hunter2",
            "https://host?hunter2",
            "https://host/#hunter2",
        ] {
            let error = check_endpoint(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn a_customer_key_is_not_sent_in_the_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs_err::write(&path, format!("{}=", "A".repeat(43))).unwrap();
        let key = CustomerKey::read(&format!("file://{}", path.display())).unwrap();
        let customer = Encryption::Customer(key);
        let check = |endpoint| check_customer_key(endpoint, Some(&customer));
        for good in [None, Some("https://minio"), Some("http://127.0.0.1:9"), Some("http://[::1]:9")] {
            check(good).unwrap();
        }
        let error = check(Some("http://minio:9000")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("unencrypted"), "{error}");
        check_customer_key(Some("http://minio:9000"), Some(&Encryption::Aes256)).unwrap();
    }
}
