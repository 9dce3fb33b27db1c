//! The services a verb can talk to here: how each is started, reached, and how it refuses.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use barkeep::store::{AccessKeys, Container, ExclusivePut, Location, Options, Patience, S3Options};
use bytes::Bytes;
use hyper::{Method, Response, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::fault::Fault;
use crate::azure::Azure;
use crate::gcs::Gcs;
use crate::s3::S3;

/// Which service it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    Azure,
    Google,
    /// An S3 server of other people's making that listens on this port.
    Moto(u16),
}

/// One that runs.
pub(crate) enum Running {
    S3(S3),
    Azure(Azure),
    Google(Gcs),
    /// A bucket of its own in a server that all share.
    Moto {
        port: u16,
        bucket: String,
    },
}

/// The buckets that were made in a server that all share.
static BUCKETS: AtomicUsize = AtomicUsize::new(0);

/// The path below which everything lies.
pub(crate) const PATH: &str = "some/path";

impl Service {
    /// Starts one.
    pub(crate) async fn start(self) -> Running {
        match self {
            Self::S3 => Running::S3(S3::start().await),
            Self::Azure => Running::Azure(Azure::start().await),
            Self::Google => {
                let google = Gcs::start().await;
                google.let_tokens_last();
                Running::Google(google)
            }
            Self::Moto(port) => {
                let bucket = format!("walbkt-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
                let running = Running::Moto { port, bucket };
                let (location, options) = running.reach(port);
                let store = location.open(&options, ExclusivePut::Trusted, &Patience::default()).await;
                assert!(store.unwrap().make_bucket().await.unwrap());
                running
            }
        }
    }

    /// How it says what a fault is.
    pub(crate) fn refusal(self, fault: Fault) -> Response<Bytes> {
        let (status, code) = match (fault, self) {
            (Fault::Expired, Self::S3 | Self::Moto(_)) => (403, "ExpiredToken"),
            (Fault::Expired, Self::Azure) => (403, "AuthenticationFailed"),
            // Google says 401 of a token that has run out, and a new one is asked for.
            (Fault::Expired, Self::Google) => (403, "forbidden"),
            (Fault::SlowDown, Self::S3 | Self::Moto(_)) => (503, "SlowDown"),
            (Fault::SlowDown, Self::Azure) => (503, "ServerBusy"),
            (Fault::SlowDown, Self::Google) => (503, "rateLimitExceeded"),
            _ => (500, "InternalError"),
        };
        let text = match self {
            Self::Google => serde_json::json!({
                "error": {"code": status, "message": "on purpose", "errors": [{"reason": code}]},
            })
            .to_string(),
            _ => {
                format!(
                    "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>on purpose</Message></Error>"
                )
            }
        };
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert("x-amz-request-id", "REQ1".parse().unwrap());
        if self == Self::Azure {
            response.headers_mut().insert("x-ms-error-code", code.parse().unwrap());
        }
        response
    }

    /// A request in a few words: what is done, and with which key below the server's.
    pub(crate) fn told(method: &Method, uri: &Uri) -> String {
        let path = percent_decode_str(uri.path()).decode_utf8_lossy().into_owned();
        let words = || form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let word = |name: &str| words().find(|(found, _)| found == name).map(|(_, value)| value.into_owned());
        if word("list-type").is_some() {
            let after = word("start-after").map(|after| format!(" from {} on", short(&after)));
            return format!(
                "LIST {}{}",
                short(&word("prefix").unwrap_or_default()),
                after.unwrap_or_default()
            );
        }
        // The lists of the two others.
        if word("comp").is_some_and(|comp| comp == "list") || path.ends_with("/o") && method == Method::GET {
            return format!("LIST {}", short(&word("prefix").unwrap_or_default()));
        }
        if words().any(|(name, _)| name == "delete") {
            return "DELETE several".to_owned();
        }
        if words().any(|(name, _)| name == "uploads") {
            let doing = if method == Method::GET { "LIST uploads" } else { "BEGIN" };
            return format!("{doing} {}", short(&word("prefix").unwrap_or(path)));
        }
        match (method.as_str(), word("partNumber"), word("uploadId")) {
            ("PUT", Some(part), _) => format!("PUT part {part} of {}", short(&path)),
            ("POST", _, Some(_)) => format!("FINISH {}", short(&path)),
            ("DELETE", _, Some(_)) => format!("ABORT {}", short(&path)),
            (method, ..) => format!("{method} {}", short(&path)),
        }
    }
}

impl Running {
    /// Where it keeps its files, when it has any.
    pub(crate) fn files(&self) -> Option<PathBuf> {
        match self {
            Self::S3(s3) => s3.folder("").parent().map(Path::to_owned),
            Self::Azure(_) | Self::Google(_) | Self::Moto { .. } => None,
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        let url = match self {
            Self::S3(s3) => s3.endpoint(),
            Self::Azure(azure) => azure.container().service,
            Self::Google(google) => google.endpoint(),
            Self::Moto { port, .. } => return *port,
        };
        url.parse::<url::Url>().unwrap().port().unwrap()
    }

    /// How the archive is reached through something that listens on this port.
    pub(crate) fn reach(&self, port: u16) -> (Location, Options) {
        let endpoint = format!("http://localhost:{port}");
        match self {
            Self::S3(s3) => {
                let mut options = s3.options();
                options.s3.endpoint = Some(endpoint);
                (format!("s3://{}/{PATH}", crate::s3::BUCKET).parse().unwrap(), options)
            }
            Self::Azure(azure) => {
                let service = format!("{endpoint}/{}", crate::azure::ACCOUNT);
                let container = Container { service, ..azure.container() };
                (Location::Azure { container, path: PATH.to_owned() }, azure.options())
            }
            Self::Google(google) => {
                let mut options = google.options();
                options.endpoint = Some(endpoint);
                let options = Options { gcs: options, ..Options::default() };
                (format!("gs://{}/{PATH}", crate::gcs::BUCKET).parse().unwrap(), options)
            }
            Self::Moto { bucket, .. } => {
                let s3 = S3Options {
                    endpoint: Some(endpoint),
                    region: Some("us-east-1".to_owned()),
                    keys: Some(AccessKeys {
                        id: crate::s3::ACCESS_KEY.to_owned(),
                        secret: crate::s3::SECRET_KEY.to_owned(),
                        session_token: None,
                    }),
                    ..S3Options::default()
                };
                let options = Options { s3, ..Options::default() };
                (format!("s3://{bucket}/{PATH}").parse().unwrap(), options)
            }
        }
    }
}

/// A key without what is the same everywhere, and without what is different in every run.
fn short(key: &str) -> String {
    let below = key.split_once("/main/").map_or(key, |(_, below)| below);
    let below = below.strip_suffix("/main").unwrap_or(below);
    if below.starts_with("barkeep-probes/") {
        return "a probe".to_owned();
    }
    let names = below.split('/').map(|name| {
        let digits = name.chars().take_while(char::is_ascii_hexdigit).count();
        if digits == 24 { format!("…{}", &name[22..]) } else { name.to_owned() }
    });
    names
        .filter(|name| name.len() != 16 || !name.bytes().all(|b| b.is_ascii_hexdigit()))
        .collect::<Vec<_>>()
        .join("/")
}
