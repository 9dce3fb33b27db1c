//! The metadata server that machines and pods of Google's have.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Request};
use jiff::Timestamp;
use tokio::time;

use super::issuer::{ask, build, if_refused, lacks, object, token};
use crate::error::{Error, ErrorKind, Result};
use crate::store::http::{Http, Route};
use crate::store::tokens::{SignIn, Token};

/// Where it is; the address first, because a resolver that knows no such name may take long to say so.
const HOSTS: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

/// How long it may take to say that it is there, at each place. Where there is none, this is what
/// "no credentials" costs.
const LONGEST_PROBE: Duration = Duration::from_secs(1);

const FLAVOR: &str = "Metadata-Flavor";

const WHERE: &str = "no credentials: none in an option, in GOOGLE_APPLICATION_CREDENTIALS, in gcloud's \
                     application_default_credentials.json, and no metadata server of Google's";

/// The account that the machine or the pod has.
#[derive(Debug)]
pub(super) struct Metadata {
    http: Http,
    scope: &'static str,
    /// Whether this is a machine of Google's, so that silence is trouble rather than an answer.
    is_expected: bool,
    /// What it is called in messages, and between processes: never what happened to be found.
    name: String,
    host: OnceLock<String>,
}

impl Metadata {
    /// At `host` where it is given (`GCE_METADATA_HOST`), else where it is found.
    pub(super) fn new(http: &Http, host: Option<String>, is_googles: bool, scope: &'static str) -> Self {
        let is_expected = is_googles || host.is_some();
        let name = host.clone().unwrap_or_else(|| HOSTS[1].to_owned());
        let host = host.map(OnceLock::from).unwrap_or_default();
        Self { http: http.clone(), scope, is_expected, name, host }
    }

    async fn host(&self) -> Result<&str> {
        if let Some(host) = self.host.get() {
            return Ok(host);
        }
        for host in HOSTS {
            let url = format!("http://{host}/");
            if let Ok(Ok(_)) = time::timeout(LONGEST_PROBE, self.get(&url)).await {
                return Ok(self.host.get_or_init(|| host.to_owned()));
            }
        }
        Err(if self.is_expected {
            Error::unavailable("the metadata server does not answer, although this machine is Google's")
        } else {
            Error::usage(WHERE).hint("give a file of credentials, or run where there is a metadata server")
        })
    }

    /// An answer that is really the metadata server's: others have one at the same address.
    async fn get(&self, url: &str) -> Result<Bytes> {
        let request = build(Request::get(url).header(FLAVOR, "Google").body(Bytes::new()))?;
        let (headers, body) = ask(&self.http, Route::Direct, request, &[]).await?;
        if !is_googles(&headers) {
            return Err(Error::usage("what answers as metadata server is not Google's (no Metadata-Flavor)"));
        }
        Ok(body)
    }
}

fn is_googles(headers: &HeaderMap) -> bool {
    headers.get(FLAVOR).is_some_and(|value| value == "Google")
}

#[async_trait]
impl SignIn for Metadata {
    fn identity(&self) -> String {
        format!("the account of the metadata server {} for {}", self.name, self.scope)
    }

    async fn fetch(&self) -> Result<Token> {
        let host = self.host().await?;
        let began = Timestamp::now();
        let account = "computeMetadata/v1/instance/service-accounts/default/token";
        let answer = self.get(&format!("http://{host}/{account}?scopes={}", self.scope)).await;
        let body = answer.map_err(|e| e.context("ask the metadata server")).map_err(|e| match e.kind() {
            ErrorKind::Usage => {
                e.hint("attach a service account to the machine, or to the pod's own account")
            }
            _ => if_refused(e, "let the pod's account act as the service account it is annotated with"),
        })?;
        token(&object(&body).ok_or_else(|| lacks("token"))?, began)
    }
}
