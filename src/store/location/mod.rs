//! Where a store is: a URL, and what its scheme means.

mod azure;
mod gcs;
mod s3;
mod web;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use self::web::Web;
use super::s3::{is_aws, partition, spell_endpoint};
use super::{
    AzureOptions, AzureStore, Container, ExclusivePut, FileStore, GcsOptions, GcsStore, ObjectStore,
    Patience, Patient, S3Options, S3Store,
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
            let store = Arc::new(Patient::new(store, patience.clone()));
            #[cfg(debug_assertions)]
            let store = super::pointed::pointed(store);
            store
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

    /// Kind `Usage` when a store of this kind has no locks.
    pub fn require_locks(&self) -> Result<()> {
        match self {
            Self::File { .. } => Err(super::no_locks(&self.to_string())),
            Self::S3 { .. } | Self::Azure { .. } | Self::Gcs { .. } => Ok(()),
        }
    }

    /// Whether it is spelled with a slash at its end, upon which some tools put one more behind it.
    pub fn ends_in_slash(&self) -> bool {
        matches!(self, Self::S3 { path, .. } | Self::Azure { path, .. } if path.ends_with('/'))
    }

    /// A spelling that two different stores never share and that one store keeps: the URL, and the
    /// endpoint when it is not the service's own, or else the service's separate world (AWS's partition,
    /// Google's universe) when it is not the usual one. Without secrets, network or sign-in. The options
    /// must be complete: what the environment and the effective profile say about endpoint, region and
    /// universe ([`profile_settings`](super::profile_settings)) is put in by the caller. A profile is
    /// named only where that has not been done.
    pub fn identity(&self, options: &Options) -> String {
        match self {
            Self::File { .. } => self.to_string(),
            Self::S3 { .. } => self.s3_identity(&options.s3),
            // The endpoint stands for all that comes before the container.
            Self::Azure { container, path } => match &options.azure.endpoint {
                Some(endpoint) => {
                    let service = azure::with_tls(spell_endpoint(endpoint));
                    let container = Container { service, ..container.clone() };
                    Self::Azure { container, path: path.clone() }.to_string()
                }
                None => self.to_string(),
            },
            Self::Gcs { .. } => self.gcs_identity(&options.gcs),
        }
    }

    fn s3_identity(&self, S3Options { endpoint, region, profile, .. }: &S3Options) -> String {
        match (endpoint, profile) {
            (Some(endpoint), _) if !is_aws(Some(endpoint)) => {
                format!("{self} at {}", spell_endpoint(endpoint))
            }
            (None, Some(profile)) => format!("{self} of profile {profile}"),
            _ => match partition(endpoint.as_deref(), region.as_deref()) {
                Some(partition) => format!("{self} in {partition}"),
                None => self.to_string(),
            },
        }
    }

    /// Every endpoint within a universe's domain has the same buckets: those of a region, and those of
    /// private networks.
    fn gcs_identity(&self, GcsOptions { endpoint, universe_domain, .. }: &GcsOptions) -> String {
        const USUAL: &str = "googleapis.com";
        let universe = universe_domain.as_deref().unwrap_or(USUAL);
        let is_within = |endpoint: &str| {
            let url = Url::parse(endpoint).ok();
            let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
            host.strip_suffix(universe).is_some_and(|rest| rest.ends_with('.'))
        };
        match endpoint {
            Some(endpoint) if !is_within(endpoint) => format!("{self} at {}", spell_endpoint(endpoint)),
            _ if universe != USUAL => format!("{self} in {universe}"),
            _ => self.to_string(),
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
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Error::usage(format!("{:?} is not the URL of a store", shown(text))).hint(SUPPORTED));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "file" if scheme == "file" => file(rest),
            "s3" => s3::parse(rest),
            "gs" => gcs::parse(rest),
            "http" => web("http", rest),
            "https" => web("https", rest),
            other => {
                let unknown = Error::usage(format!("no store is known for {}://", shown(scheme)));
                Err(match meant(other) {
                    Some(form) => unknown.hint(format!("write {form}")),
                    None => unknown.hint(SUPPORTED),
                })
            }
        }
    }
}

const SUPPORTED: &str = "use s3://BUCKET[/PATH], https://ACCOUNT.blob.core.windows.net/CONTAINER[/PATH], \
                         gs://BUCKET[/PATH] or file:///ABSOLUTE/PATH";

/// What somebody means by a scheme that other tools have for the same service.
fn meant(scheme: &str) -> Option<&'static str> {
    match scheme {
        "s3a" | "s3n" | "aws" => Some("s3://BUCKET[/PATH]"),
        "az" | "azure" | "abfs" | "abfss" | "wasb" | "wasbs" | "adl" => Some(azure::FORM),
        "gcs" | "google" => Some(gcs::FORM),
        _ => None,
    }
}

/// An address of a web server: Google's, or else a container's.
fn web(scheme: &'static str, rest: &str) -> Result<Location> {
    let web = Web::read(scheme, rest)?;
    if web.host.ends_with(".amazonaws.com") || web.host.ends_with(".amazonaws.com.cn") {
        let wrong = Error::usage(format!("{web} is not the URL of a store"));
        return Err(wrong.hint("write s3://BUCKET[/PATH], and give the service's address as the endpoint"));
    }
    gcs::parse_web(&web).unwrap_or_else(|| azure::parse(&web))
}

/// HTTP clients and proxies resolve such segments, so that the key stored would be another.
fn has_dots(path: &str) -> bool {
    path.split('/').any(|segment| segment == "." || segment == "..")
}

/// A secret in a URL would end up in process lists and logs, and no store here takes one.
///
/// A secret key may have slashes in it, so what counts is a `:` before an `@`, wherever they are; a path
/// whose names have both is refused with them. An access point's own colons do not count, nor anything in
/// the path of a directory. What follows a `?` may be a signature, and what has the words of a connection
/// string may be one.
fn refuse_credentials(text: &str) -> Result<()> {
    if text.starts_with("file:///") {
        return Ok(());
    }
    let lower = text.to_ascii_lowercase();
    if ["accountkey=", "sharedaccesssignature="].iter().any(|word| lower.contains(word)) {
        return Err(Error::usage("a connection string is not the URL of a store")
            .hint(format!("give it in AZURE_STORAGE_CONNECTION_STRING, and write {}", azure::FORM)));
    }
    if ["?sig=", "&sig="].iter().any(|word| lower.contains(word)) {
        return Err(Error::usage("a shared access signature in a store's URL is not accepted")
            .hint("give it in AZURE_STORAGE_SAS_TOKEN, and the URL without it"));
    }
    if text.contains(['?', '#']) && !lower.starts_with("s3:") {
        return Err(Error::usage("a store's URL has a query or a fragment, which is not repeated here")
            .hint(
                "leave out the ? or # and what follows; a signature belongs into AZURE_STORAGE_SAS_TOKEN",
            ));
    }
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = &rest[s3::access_point(rest).unwrap_or(0)..];
    let before = rest.rsplit_once('@').map(|(before, _)| before);
    if before.is_some_and(|before| before.contains(':') || !before.contains('/')) {
        let refused = Error::usage("user and password in a store's URL are not accepted");
        return Err(refused.hint("give credentials through the environment or a profile"));
    }
    Ok(())
}

/// What a message may repeat of a URL: nothing that stands before an `@` or behind a `?`.
fn shown(text: &str) -> String {
    let asked = text.split_once('?').map_or_else(|| text.to_owned(), |(before, _)| format!("{before}?…"));
    asked.rsplit_once('@').map_or_else(|| asked.clone(), |(_, rest)| format!("…@{rest}"))
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
            "gs://bucket/me@home",
            "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/name/me@home",
            "file:///srv/a:b@c",
            "file:///srv/a?sig=b#c",
            "https://acc.blob.core.windows.net/cont",
            "https://acc.blob.core.windows.net/cont/a//b/",
            "http://127.0.0.1:10000/acc/cont",
            "http://127.0.0.1:10000/acc/cont/a b",
            "gs://bucket",
            "gs://bucket/a//b",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(parse("file:///a/b//").to_string(), "file:///a/b");
        assert_eq!(parse("s3://bucket//a").to_string(), "s3://bucket/a");
        assert_eq!(parse("s3://bucket/%41").to_string(), "s3://bucket/%41");
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
            "gs://B",
            "gs:/b",
            "https:/acc.blob.core.windows.net/cont",
            "https://",
            "https:///acc/cont",
            "https://host/b",
            "https://ho st/acc/cont",
            "https://ho\\st/acc/cont",
            "https://host:port/acc/cont",
            "https://host/acc/cont/../other",
            "https://host/acc/cont/p#q",
            "https://bucket.s3.eu-west-1.amazonaws.com/path",
            "FILE:///a",
            "s3://arn:aws:iam::123456789012:role/x",
        ] {
            assert_eq!(bad.parse::<Location>().unwrap_err().kind(), ErrorKind::Usage, "{bad}");
        }
        let error = "ftp://host/a".parse::<Location>().unwrap_err();
        for form in ["s3://", azure::FORM, gcs::FORM, "file:///"] {
            assert!(error.hint_text().unwrap().contains(form), "{error:?}");
        }
    }

    #[test]
    fn a_scheme_that_other_tools_have_is_told_ours() {
        for (url, form) in [
            ("az://cont/p", azure::FORM),
            ("azure://cont/p", azure::FORM),
            ("abfss://acc.dfs.core.windows.net/cont", azure::FORM),
            ("WASBS://acc/cont", azure::FORM),
            ("gcs://bucket/p", gcs::FORM),
            ("s3a://bucket/p", "s3://BUCKET[/PATH]"),
            ("https://bucket.s3.amazonaws.com/p", "s3://BUCKET[/PATH]"),
        ] {
            let error = url.parse::<Location>().unwrap_err();
            assert!(error.hint_text().unwrap().contains(form), "{error:?}");
        }
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
            "https://acc:hunter2@acc.blob.core.windows.net/cont",
            "https://acc:a/hunter2@host/cont",
            "https://host/hunter2@x",
            "https://host/a c/hunter2/@x",
            "gs://B/hunter2/@x",
            "https://acc.blob.core.windows.net/cont?sv=2024&sig=hunter2",
            "https://acc.blob.core.windows.net/cont/sv=2024&SIG=hunter2",
            "https://acc.blob.core.windows.net?sig=hunter2",
            "acc.blob.core.windows.net/cont?hunter2",
            "https://storage.googleapis.com/b/p?X-Goog-Signature=hunter2",
            "gs://b/p#hunter2",
            "s3://b?x=hunter2",
            "az://cont?sv=1&hunter2",
            "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=hunter2==",
            "AccountName=acc;AccountKey=hunter2;BlobEndpoint=http://127.0.0.1:10000/acc",
            "BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=hunter2",
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
    fn a_signature_in_a_url_is_told_where_it_belongs() {
        let error = "https://acc.blob.core.windows.net/cont?sv=1&sig=x".parse::<Location>().unwrap_err();
        assert!(error.hint_text().unwrap().contains("AZURE_STORAGE_SAS_TOKEN"), "{error:?}");
        let error = "AccountName=a;AccountKey=k".parse::<Location>().unwrap_err();
        assert!(error.hint_text().unwrap().contains("AZURE_STORAGE_CONNECTION_STRING"), "{error:?}");
    }

    #[test]
    fn the_identity_of_a_container_has_the_endpoint_in_place_of_the_service() {
        let at = |url: &str, endpoint: Option<&str>| {
            let azure = AzureOptions { endpoint: endpoint.map(str::to_owned), ..AzureOptions::default() };
            parse(url).identity(&Options { azure, ..Options::default() })
        };
        let usual = at("https://acc.blob.core.windows.net/cont/p", None);
        assert_eq!(usual, "https://acc.blob.core.windows.net/cont/p");
        let same =
            at("https://acc.blob.core.windows.net/cont/p", Some("https://ACC.blob.core.windows.net:443/"));
        assert_eq!(same, usual);
        // As old connection strings have it, for a host that is never spoken to so.
        let clear = at("https://acc.blob.core.windows.net/cont/p", Some("http://acc.blob.core.windows.net"));
        assert_eq!(clear, usual);
        let there = at("https://acc.blob.core.windows.net/cont/p", Some("http://127.0.0.1:10000/acc/"));
        assert_eq!(there, at("http://127.0.0.1:10000/acc/cont/p", None));
        assert_ne!(there, at("http://127.0.0.1:10000/other/cont/p", None));
    }

    #[test]
    fn the_identity_of_a_bucket_has_the_universe_or_an_endpoint_outside_of_it() {
        let at = |endpoint: Option<&str>, universe: Option<&str>| {
            let [endpoint, universe_domain] = [endpoint, universe].map(|text| text.map(str::to_owned));
            let gcs = GcsOptions { endpoint, universe_domain, ..GcsOptions::default() };
            parse("gs://b/p").identity(&Options { gcs, ..Options::default() })
        };
        let usual = "gs://b/p";
        assert_eq!(at(None, None), usual);
        assert_eq!(at(None, Some("googleapis.com")), usual);
        assert_eq!(at(Some("https://storage.googleapis.com"), None), usual);
        assert_eq!(at(Some("https://storage.us-east1.rep.googleapis.com/"), None), usual);
        assert_eq!(at(None, Some("apis.example")), "gs://b/p in apis.example");
        assert_eq!(
            at(Some("https://storage.apis.example"), Some("apis.example")),
            "gs://b/p in apis.example"
        );
        assert_eq!(at(Some("http://LOCALHOST:4443/"), None), "gs://b/p at http://localhost:4443");
        assert_ne!(at(Some("https://storage.googleapis.com"), Some("apis.example")), usual);
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
