//! `gs://BUCKET[/PATH]`, and the addresses that Google's console and its services have for the same.
//!
//! Slashes at both ends of a path go, as in the reference (spec/barman-cloud.md 7.1), and nothing is
//! percent-decoded, as there: where the console shows `%20` for a space, the folder's name would have `%20` in
//! it, so such a folder is written as `gs://BUCKET/its name`. Of the addresses, the reference knows the
//! console's only.

use super::web::Web;
use super::{Location, has_dots, shown};
use crate::error::{Error, Result};

/// How a bucket is written, for hints.
pub(super) const FORM: &str = "gs://BUCKET[/PATH]";

/// Whose buckets are reached by addresses of these hosts, and what comes before the bucket.
const HOSTS: [(&str, &str); 3] = [
    ("console.cloud.google.com", "storage/browser/"),
    ("storage.cloud.google.com", ""),
    ("storage.googleapis.com", ""),
];

/// Reads what stands behind `gs://`.
pub(super) fn parse(rest: &str) -> Result<Location> {
    let (bucket, path) = Web::split_path(rest);
    location(bucket, path, &format!("gs://{}", shown(rest)))
}

/// Reads an address of a host of Google's; `None` when the host is somebody else's.
pub(super) fn parse_web(web: &Web<'_>) -> Option<Result<Location>> {
    let spelled = web.to_string();
    let refused =
        |why: &str| Some(Err(Error::usage(format!("{spelled} {why}")).hint(format!("write {FORM}"))));
    let is_googles = [".googleapis.com", ".google.com"].iter().any(|domain| web.host.ends_with(domain));
    if !is_googles {
        return None;
    }
    if web.port.is_some() {
        return refused("has a port, which is the endpoint's matter");
    }
    if let Some((_, before)) = HOSTS.iter().find(|(host, _)| web.host == *host) {
        let Some(path) = web.path.strip_prefix(before) else {
            return refused("is not the address of a bucket");
        };
        let (bucket, path) = Web::split_path(path);
        return Some(location(bucket, path, &spelled));
    }
    match web.host.strip_suffix(".storage.googleapis.com") {
        Some(bucket) => Some(location(bucket, web.path, &spelled)),
        None => refused("is not the address of a bucket"),
    }
}

fn location(bucket: &str, path: &str, spelled: &str) -> Result<Location> {
    let refused = |why: &str| Error::usage(format!("{spelled} {why}")).hint(format!("write {FORM}"));
    if bucket.is_empty() {
        return Err(refused("does not name a bucket"));
    }
    if !bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b)) {
        let why =
            format!("does not name a bucket: {bucket:?} has other characters than a-z, 0-9, -, _ and .");
        return Err(refused(&why));
    }
    if has_dots(bucket) || has_dots(path) {
        return Err(refused("has a segment . or .. in its path"));
    }
    Ok(Location::Gcs { bucket: bucket.to_owned(), path: path.trim_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_bucket_is_the_same_place() {
        for url in [
            "gs://b.c/p/q",
            "GS://b.c//p/q/",
            "https://console.cloud.google.com/storage/browser/b.c/p/q",
            "https://console.cloud.google.com/storage/browser/b.c/p/q/",
            "https://storage.cloud.google.com/b.c/p/q",
            "https://storage.googleapis.com/b.c/p/q",
            "https://storage.googleapis.com:443/b.c/p/q",
            "https://b.c.storage.googleapis.com/p/q",
            "HTTPS://B.C.Storage.googleapis.com/p/q",
        ] {
            let location: Location = url.parse().unwrap();
            assert_eq!(location, Location::Gcs { bucket: "b.c".into(), path: "p/q".into() }, "{url}");
            assert_eq!(location.to_string(), "gs://b.c/p/q");
        }
        assert_eq!("gs://b/".parse::<Location>().unwrap().to_string(), "gs://b");
    }

    #[test]
    fn nothing_in_the_path_is_decoded() {
        for url in ["gs://b/a%20b//c", "https://console.cloud.google.com/storage/browser/b/a%20b//c"] {
            assert_eq!(url.parse::<Location>().unwrap().to_string(), "gs://b/a%20b//c");
        }
        assert_eq!("gs://b/my wal".parse::<Location>().unwrap().to_string(), "gs://b/my wal");
    }

    #[test]
    fn what_names_no_bucket_is_told_how_to_name_one() {
        for url in [
            "gs://",
            "gs:///p",
            "gs://B/p",
            "gs://b c/p",
            "gs://b:80/p",
            "gs://b/../c",
            "gs://../c",
            "https://console.cloud.google.com/b/p",
            "https://console.cloud.google.com/storage/browser/",
            "https://storage.googleapis.com:4443/b/p",
            "https://storage.googleapis.com/",
            "https://storage.us-east1.rep.googleapis.com/b/p",
            "https://drive.google.com/b/p",
        ] {
            let error = url.parse::<Location>().unwrap_err();
            assert_eq!(error.kind(), crate::error::ErrorKind::Usage, "{url}");
            assert!(error.hint_text().unwrap().contains(FORM), "{error:?}");
        }
    }

    #[test]
    fn what_a_browser_adds_is_refused() {
        let url = "https://console.cloud.google.com/storage/browser/b/p;tab=objects";
        assert!(url.parse::<Location>().unwrap_err().to_string().contains("has a ;"));
    }
}
