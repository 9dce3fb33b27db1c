//! `https://ACCOUNT.blob.core.windows.net/CONTAINER[/PATH]`, and the same on every other host.
//!
//! Microsoft's own hosts name the account (spec/barman-cloud.md 7.1, which knows those of the public cloud
//! only): `ACCOUNT.blob.core.windows.net`, `ACCOUNT.blob.core.usgovcloudapi.net` and the other sovereign
//! clouds, and `ACCOUNT.z01.blob.storage.azure.net`, an endpoint of a DNS zone
//! (learn.microsoft.com, "Storage account overview"). On any other host, an emulator's or a private one, the
//! account is the first folder. A path is taken as it stands: nothing in it is percent-decoded.

use super::web::Web;
use super::{Container, Location};
use crate::error::{Error, Result};
use crate::store::azure::account_in_host;

/// How a container is written, for hints.
pub(super) const FORM: &str = "https://ACCOUNT.blob.core.windows.net/CONTAINER[/PATH]";

/// How it is written where the host does not name the account.
const FORM_ELSEWHERE: &str = "http://HOST:PORT/ACCOUNT/CONTAINER[/PATH]";

/// Reads a URL that is no other service's.
pub(super) fn parse(web: &Web<'_>) -> Result<Location> {
    let refused = |why: &str| Error::usage(format!("{web} {why}"));
    if let Some(service) = other_service(&web.host) {
        let why = format!("is of Azure's service {service}, not of its blobs");
        return Err(refused(&why).hint(format!("write {FORM}")));
    }
    let (service, account, below, form) = if let Some(account) = account_in_host(&web.host) {
        // The scheme does not matter: Azure is spoken to by https only.
        (over_tls(&web.authority()), account, web.path, FORM)
    } else {
        let (account, below) = Web::split_path(web.path);
        let service = format!("{}://{}/{account}", web.scheme, web.authority());
        (service, account, below, FORM_ELSEWHERE)
    };
    let form = || format!("write {form}");
    if !is_account(account) {
        return Err(refused("does not name an account").hint(form()));
    }
    let (name, path) = Web::split_path(below);
    if name.is_empty() {
        return Err(refused("does not name a container").hint(form()));
    }
    if !is_container(name) {
        let why = "does not name a container: it has other characters than a-z, 0-9 and -";
        return Err(refused(why).hint(form()));
    }
    let container = Container { service, account: account.to_owned(), name: name.to_owned() };
    Ok(Location::Azure { container, path: path.trim_start_matches('/').to_owned() })
}

/// A service as it is spoken to: Azure's own by https, whatever the scheme.
pub(super) fn with_tls(service: String) -> String {
    let Some(rest) = service.strip_prefix("http://") else { return service };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.split(':').next().unwrap_or_default();
    if account_in_host(host).is_some() { over_tls(authority) + path } else { service }
}

/// A host by https, whose own port is not named.
fn over_tls(authority: &str) -> String {
    format!("https://{}", authority.strip_suffix(":443").unwrap_or(authority))
}

/// A service of a storage account that has no blobs.
fn other_service(host: &str) -> Option<&'static str> {
    let services = ["dfs", "file", "queue", "table", "web"];
    let is_of = |service: &&str| {
        [".core.windows.net", ".core.usgovcloudapi.net", ".core.chinacloudapi.cn", ".storage.azure.net"]
            .iter()
            .any(|domain| {
                host.strip_suffix(domain).is_some_and(|rest| rest.ends_with(&format!(".{service}")))
            })
    };
    services.into_iter().find(is_of)
}

/// Azure's rule is 3 to 24 of a-z and 0-9; an emulator's accounts have the names it was given.
fn is_account(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_container(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, String, String, String) {
        match url.parse().unwrap() {
            Location::Azure { container: Container { service, account, name }, path } => {
                (service, account, name, path)
            }
            other => panic!("{url} is {other:?}"),
        }
    }

    fn refused(url: &str) -> Error {
        url.parse::<Location>().unwrap_err()
    }

    #[test]
    fn a_host_of_azures_names_the_account_in_every_cloud() {
        for host in [
            "acc.blob.core.windows.net",
            "acc.blob.core.usgovcloudapi.net",
            "acc.blob.core.chinacloudapi.cn",
            "acc.blob.core.cloudapi.de",
            "acc.blob.core.windows.net:8443",
            "acc.z01.blob.storage.azure.net",
            "acc.privatelink.blob.core.windows.net",
        ] {
            let (service, account, name, path) = parts(&format!("https://{host}/cont/p/q/"));
            assert_eq!((service, account.as_str()), (format!("https://{host}"), "acc"));
            assert_eq!((name.as_str(), path.as_str()), ("cont", "p/q/"));
        }
    }

    #[test]
    fn azure_is_spoken_to_by_https_whatever_the_scheme() {
        let one = parts("https://acc.blob.core.windows.net/cont/p");
        for same in [
            "http://acc.blob.core.windows.net/cont/p",
            // Its identity was another one until its port was left out: found by fuzzing.
            "http://acc.blob.core.windows.net:443/cont/p",
            "HTTPS://ACC.Blob.core.windows.net:443/cont//p",
        ] {
            assert_eq!(parts(same), one);
        }
        for (endpoint, service) in [
            ("http://acc.blob.core.windows.net:443", "https://acc.blob.core.windows.net"),
            ("http://acc.z01.blob.storage.azure.net:443/", "https://acc.z01.blob.storage.azure.net/"),
            ("http://acc.z01.blob.storage.azure.net:8443/x", "https://acc.z01.blob.storage.azure.net:8443/x"),
            ("http://127.0.0.1:443/acc", "http://127.0.0.1:443/acc"),
        ] {
            assert_eq!(with_tls(endpoint.to_owned()), service);
        }
    }

    #[test]
    fn on_any_other_host_the_account_is_the_first_folder() {
        for (url, service, path) in [
            ("http://127.0.0.1:10000/dev1/cont", "http://127.0.0.1:10000/dev1", ""),
            ("http://[::1]:10000/dev1/cont/p", "http://[::1]:10000/dev1", "p"),
            ("https://Blobs.example/dev1/cont//p//q/", "https://blobs.example/dev1", "p//q/"),
            ("http://azurite:80/dev1/cont", "http://azurite/dev1", ""),
        ] {
            let found = parts(url);
            assert_eq!(found, (service.to_owned(), "dev1".to_owned(), "cont".to_owned(), path.to_owned()));
        }
    }

    #[test]
    fn nothing_in_the_path_is_decoded() {
        assert_eq!(parts("https://acc.blob.core.windows.net/cont/a%20b%2Fc").3, "a%20b%2Fc");
    }

    #[test]
    fn what_lacks_an_account_or_a_container_is_told_how_to_have_one() {
        for (url, what, form) in [
            ("https://acc.blob.core.windows.net", "container", FORM),
            ("https://acc.blob.core.windows.net/", "container", FORM),
            ("https://acc.blob.core.windows.net//cont", "container", FORM),
            ("https://acc.blob.core.windows.net/Cont", "a-z, 0-9", FORM),
            ("https://acc.blob.core.windows.net/$web/p", "a-z, 0-9", FORM),
            ("https://acc.blob.core.windows.net/a%20b/p", "a-z, 0-9", FORM),
            ("http://127.0.0.1:10000", "account", FORM_ELSEWHERE),
            ("http://127.0.0.1:10000/dev1", "container", FORM_ELSEWHERE),
            ("http://127.0.0.1:10000/d%20v/cont", "account", FORM_ELSEWHERE),
            ("https://acc.dfs.core.windows.net/cont/p", "service dfs", FORM),
            ("https://acc.z12.file.storage.azure.net/cont/p", "service file", FORM),
        ] {
            let error = refused(url);
            assert!(error.to_string().contains(what), "{error}");
            assert!(error.hint_text().unwrap().contains(form), "{error:?}");
        }
    }
}
