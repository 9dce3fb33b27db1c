//! Where a store is: a URL, and what its scheme means.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::s3::{self, S3Store};
use super::{
    AzureOptions, AzureStore, Container, ExclusivePut, FileStore, GcsOptions, GcsStore, ObjectStore,
    Patience, Patient, S3Options,
};
use crate::error::{Error, Result};

/// Where a store is. `Display` and `FromStr` are inverses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A directory: `file:///path`. Taken as it stands; nothing in it is percent-decoded.
    File {
        /// Its absolute path.
        root: PathBuf,
    },
    /// Part of an S3 bucket: `s3://BUCKET[/PATH]`.
    S3 {
        /// The bucket's name, or an access point's ARN.
        bucket: String,
        /// Without leading slashes, and otherwise as it stands: trailing and double slashes are part
        /// of the keys, and nothing is percent-decoded. May be empty.
        path: String,
    },
    /// Part of an Azure container: `https://ACCOUNT.blob.core.windows.net/CONTAINER[/PATH]`.
    Azure {
        /// The container, and the service that has it.
        container: Container,
        /// Without leading slashes, and otherwise as it stands. May be empty.
        path: String,
    },
    /// Part of a bucket of Google Cloud Storage: `gs://BUCKET[/PATH]`.
    Gcs {
        /// The bucket's name.
        bucket: String,
        /// Without slashes at either end, and otherwise as it stands. May be empty.
        path: String,
    },
}

/// Everything beyond the URL that can be said about a store; each kind of store looks at its own.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// For `s3://`.
    pub s3: S3Options,
    /// For containers of Azure.
    pub azure: AzureOptions,
    /// For `gs://`.
    pub gcs: GcsOptions,
    /// A private directory where what is temporary about signing in is kept between processes; it need
    /// not exist yet. Without it every process signs in anew.
    pub tokens: Option<PathBuf>,
}

impl Location {
    /// Signs in and gives the store, patient with the service ([`Patient`]). No request is sent to the
    /// store yet, but signing in may ask a metadata service.
    pub async fn open(
        &self,
        options: &Options,
        exclusive: ExclusivePut,
        patience: &Patience,
    ) -> Result<Arc<dyn ObjectStore>> {
        Ok(self.open_spellings(options, exclusive, patience).await?.0)
    }

    /// The same, and with it the store as it is with one slash more, where there can be such
    /// ([`S3Store::slashed`]). Signs in once.
    pub async fn open_spellings(
        &self,
        options: &Options,
        exclusive: ExclusivePut,
        patience: &Patience,
    ) -> Result<(Arc<dyn ObjectStore>, Option<Arc<dyn ObjectStore>>)> {
        let patient = |store: Arc<dyn ObjectStore>| -> Arc<dyn ObjectStore> {
            Arc::new(Patient::new(store, patience.clone()))
        };
        Ok(match self {
            Self::File { root } => (patient(Arc::new(FileStore::open(root)?)), None),
            Self::S3 { bucket, path } => {
                let (options, tokens) = (&options.s3, options.tokens.as_deref());
                let store = S3Store::open(bucket, path, options, tokens, exclusive, patience).await?;
                let slashed = store.slashed().map(|slashed| patient(Arc::new(slashed)));
                (patient(Arc::new(store)), slashed)
            }
            Self::Azure { container, path } => {
                let (options, tokens) = (&options.azure, options.tokens.as_deref());
                let store = AzureStore::open(container, path, options, tokens, exclusive, patience).await?;
                let slashed = store.slashed().map(|slashed| patient(Arc::new(slashed)));
                (patient(Arc::new(store)), slashed)
            }
            Self::Gcs { bucket, path } => {
                let (options, tokens) = (&options.gcs, options.tokens.as_deref());
                let store = GcsStore::open(bucket, path, options, tokens, exclusive, patience).await?;
                (patient(Arc::new(store)), None)
            }
        })
    }

    /// Whether it is spelled with a slash at its end, upon which some tools put one more behind it.
    pub fn ends_in_slash(&self) -> bool {
        matches!(self, Self::S3 { path, .. } | Self::Azure { path, .. } if path.ends_with('/'))
    }

    /// A spelling that two different stores never share and that one store keeps: the URL, and the
    /// endpoint when it is not AWS, or else AWS's partition when it is not the usual one. Without
    /// secrets, network or sign-in. The options must be complete: what the effective profile says
    /// about endpoint and region ([`profile_settings`](super::profile_settings)) is put in by the
    /// caller. A profile is named only where that has not been done.
    pub fn identity(&self, options: &Options) -> String {
        let S3Options { endpoint, region, profile, .. } = &options.s3;
        let partition = || s3::partition(endpoint.as_deref(), region.as_deref());
        match (self, endpoint, profile) {
            (Self::File { .. } | Self::Azure { .. } | Self::Gcs { .. }, ..) => self.to_string(),
            (Self::S3 { .. }, Some(endpoint), _) if !s3::is_aws(Some(endpoint)) => {
                format!("{self} at {}", s3::spell_endpoint(endpoint))
            }
            (Self::S3 { .. }, None, Some(profile)) => format!("{self} of profile {profile}"),
            (Self::S3 { .. }, ..) => match partition() {
                Some(partition) => format!("{self} in {partition}"),
                None => self.to_string(),
            },
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { root } => write!(f, "file://{}", root.display()),
            Self::S3 { bucket, path } if path.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, path } => write!(f, "s3://{bucket}/{path}"),
            Self::Azure { container: Container { service, name, .. }, path } if path.is_empty() => {
                write!(f, "{service}/{name}")
            }
            Self::Azure { container: Container { service, name, .. }, path } => {
                write!(f, "{service}/{name}/{path}")
            }
            Self::Gcs { bucket, path } if path.is_empty() => write!(f, "gs://{bucket}"),
            Self::Gcs { bucket, path } => write!(f, "gs://{bucket}/{path}"),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        refuse_credentials(text)?;
        match text.split_once("://") {
            Some(("file", path)) => file(path),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("s3") => s3(rest),
            Some((scheme, _)) => {
                Err(Error::usage(format!("no store is known for {}://", shown(scheme))).hint(SUPPORTED))
            }
            None => Err(Error::usage(format!("{:?} is not the URL of a store", shown(text))).hint(SUPPORTED)),
        }
    }
}

const SUPPORTED: &str = "use s3://BUCKET[/PATH] or file:///ABSOLUTE/PATH";

/// A password in a URL would end up in process lists and logs, and no store here takes one. A secret
/// key may have slashes in it, so what counts is a `:` before an `@`, wherever they are; a path whose
/// names have both is refused with them. An access point's own colons do not count, nor anything in
/// the path of a directory.
fn refuse_credentials(text: &str) -> Result<()> {
    if text.starts_with("file:///") {
        return Ok(());
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = &rest[access_point(rest).unwrap_or(0)..];
    let before = rest.rsplit_once('@').map(|(before, _)| before);
    if before.is_some_and(|before| before.contains(':') || !before.contains('/')) {
        let refused = Error::usage("user and password in a store's URL are not accepted");
        return Err(refused.hint("give credentials through the environment or a profile"));
    }
    Ok(())
}

/// What a message may repeat of a URL: nothing that stands before an `@`.
fn shown(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, rest)| format!("…@{rest}"))
}

fn file(path: &str) -> Result<Location> {
    if !path.starts_with('/') {
        let wrong = Error::usage(format!("file://{} does not name an absolute path", shown(path)));
        return Err(wrong.hint("write file:///ABSOLUTE/PATH, with three slashes"));
    }
    let trimmed = path.trim_end_matches('/');
    let root = PathBuf::from(if trimmed.is_empty() { "/" } else { trimmed });
    Ok(Location::File { root })
}

fn s3(rest: &str) -> Result<Location> {
    let arn = access_point(rest);
    let (bucket, path) = rest.split_at(arn.unwrap_or_else(|| rest.find('/').unwrap_or(rest.len())));
    let refused = |why: &str| Error::usage(format!("s3://{} {why}", shown(rest)));
    if arn.is_none() && bucket.contains(':') {
        let wrong = refused("names neither a bucket nor an access point");
        return Err(wrong.hint("give the service's host and port as the endpoint"));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_:/".contains(c);
    if bucket.is_empty() || !bucket.chars().all(allowed) {
        return Err(refused("does not name a bucket").hint(SUPPORTED));
    }
    let path = path.trim_start_matches('/');
    // HTTP clients and proxies resolve such segments, so that the key stored would be another.
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err(refused("has a segment . or .. in its path"));
    }
    Ok(Location::S3 { bucket: bucket.to_owned(), path: path.to_owned() })
}

/// The length of the access point ARN that `text` begins with: of a bucket, of an object lambda, or
/// of an outpost. Their own parts may be separated by `/` or `:`.
fn access_point(text: &str) -> Option<usize> {
    let mut fields = text.splitn(6, ':');
    let (arn, partition, service) = (fields.next()?, fields.next()?, fields.next()?);
    let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let is_region = region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if arn != "arn" || !partition.starts_with("aws") || !is_account || !is_region {
        return None;
    }
    let words: &[&str] = match service {
        "s3" | "s3-object-lambda" => &["accesspoint", ""],
        "s3-outposts" => &["outpost", "", "accesspoint", ""],
        _ => return None,
    };
    let mut rest = resource;
    for (i, word) in words.iter().enumerate() {
        let end = rest.find(['/', ':']).unwrap_or(rest.len());
        let is_last = i + 1 == words.len();
        if end == 0 || !(word.is_empty() || *word == &rest[..end]) || (!is_last && end == rest.len()) {
            return None;
        }
        rest = &rest[if is_last { end } else { end + 1 }..];
    }
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn parse(text: &str) -> Location {
        text.parse().unwrap()
    }

    fn with_endpoint(endpoint: &str) -> Options {
        let s3 = S3Options { endpoint: Some(endpoint.into()), ..S3Options::default() };
        Options { s3, ..Options::default() }
    }

    #[test]
    fn text_and_location_are_inverses() {
        for text in [
            "file:///",
            "file:///var/lib/wal",
            "s3://bucket",
            "s3://bucket/a",
            "s3://bucket/a//b/",
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/name/path",
            // What stands before an `@` looks like no user and password here.
            "s3://bucket/me@home",
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/name/me@home",
            "file:///srv/a:b@c",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse("file:///a/b//").to_string(), "file:///a/b");
        assert_eq!(parse("s3://bucket//a").to_string(), "s3://bucket/a");
        assert_eq!(parse("s3://bucket/%41").to_string(), "s3://bucket/%41");
    }

    #[test]
    fn access_points_are_buckets_of_every_form() {
        for arn in [
            "arn:aws:s3:us-west-2:123456789012:accesspoint/my-ap",
            "arn:aws:s3:us-west-2:123456789012:accesspoint:my-ap",
            "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/my.ap",
            "arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/my-olap",
            "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/my-ap",
            "arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-1:accesspoint:my-ap",
        ] {
            let location = parse(&format!("s3://{arn}/p/q"));
            assert_eq!(location, Location::S3 { bucket: arn.into(), path: "p/q".into() });
            assert_eq!(
                parse(&format!("s3://{arn}")),
                Location::S3 { bucket: arn.into(), path: String::new() }
            );
        }
    }

    #[test]
    fn what_is_no_location_is_refused_with_what_would_be() {
        for bad in [
            "",
            "bucket",
            "/a",
            "s3:",
            "s3://",
            "s3:///a",
            "s3://b/../c",
            "s3://b c",
            "s3://host:9000/b",
            "file://a",
            "file:",
            "gs://b",
            "https://host/b",
            "s3://arn:aws:iam::123456789012:role/x",
        ] {
            assert_eq!(bad.parse::<Location>().unwrap_err().kind(), ErrorKind::Usage, "{bad}");
        }
        let error = "ftp://host/a".parse::<Location>().unwrap_err();
        assert!(error.hint_text().unwrap().contains("s3://"), "{error:?}");
    }

    #[test]
    fn credentials_in_a_url_are_refused_and_not_repeated() {
        for bad in [
            "s3://user:hunter2@bucket/a",
            "s3://AKIA:wJalr/hunter2@bucket/p",
            "S3://AKIA:wJalr/hunter2/@bucket",
            "s3://hunter2@bucket",
            "s3://hunter2@arn:aws:s3:eu-west-1:123456789012:accesspoint/name",
            "s3://arn:hunter2@bucket",
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/hunter2@x",
            "s3://AKIA/hunter2@b:c/../d",
            "file://user:hunter2@host/path",
            "gs://user:wJalr/hunter2@bucket",
            "gs://wJalr/hunter2@bucket",
            "user:wJalr/hunter2@bucket",
            "hunter2@bucket://path",
            "s3:/user/hunter2@bucket",
        ] {
            let error = bad.parse::<Location>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn the_identity_tells_endpoints_apart_and_aws_from_none() {
        let location = parse("s3://bucket/a");
        let none = location.identity(&Options::default());
        assert_eq!(none, "s3://bucket/a");
        assert_eq!(location.identity(&with_endpoint("https://s3.eu-west-1.amazonaws.com")), none);
        let one = location.identity(&with_endpoint("https://user:pw@MINIO.example:443/"));
        assert_eq!(one, "s3://bucket/a at https://minio.example");
        assert_ne!(location.identity(&with_endpoint("http://minio.example")), one);
    }

    #[test]
    fn the_identity_tells_the_partitions_of_aws_apart() {
        let location = parse("s3://bucket/a");
        let in_region = |region: &str| {
            let s3 = S3Options { region: Some(region.into()), ..S3Options::default() };
            location.identity(&Options { s3, ..Options::default() })
        };
        let china = location.identity(&with_endpoint("https://s3.cn-north-1.amazonaws.com.cn"));
        assert_eq!((china.as_str(), &in_region("cn-northwest-1")), ("s3://bucket/a in aws-cn", &china));
        let gov = location.identity(&with_endpoint("https://s3.us-gov-west-1.amazonaws.com"));
        assert_eq!((gov.as_str(), &in_region("us-gov-east-1")), ("s3://bucket/a in aws-us-gov", &gov));
        assert_eq!(in_region("eu-west-1"), "s3://bucket/a");
    }
}
