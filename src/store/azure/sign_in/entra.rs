//! Tokens from Entra ID for an application: one that knows a secret (service principal), or one whose
//! cluster vouches for it (workload identity).
//!
//! The requests are those of "Microsoft identity platform and the OAuth 2.0 client credentials flow", first
//! and third case (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
//! `azure_identity` has both and is not used: it reads the process's environment by itself, keeps a token
//! and a federated token that somebody has refused, and takes an answer 503 with a page in it for garbage.

use std::fmt;
use std::path::PathBuf;

use ::http::Request;
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use super::chain::{Link, Ready};
use super::choice::text;
use super::issuer::{Answer, RESOURCE, ask};
use super::{Environment, is_private};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::http::{Http, Route};
use crate::store::tokens::{SignIn, Token};

/// Where a cloud's applications sign in, by how the hosts of its accounts end
/// (<https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>).
const AUTHORITIES: [(&str, &str); 2] = [
    (".usgovcloudapi.net", "https://login.microsoftonline.us"),
    (".chinacloudapi.cn", "https://login.chinacloudapi.cn"),
];

/// Where everybody else's do.
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

/// What a token that vouches for somebody is, in the form that is sent.
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application that signs in.
pub(super) struct Entra {
    http: Http,
    authority: Url,
    tenant: String,
    client: String,
    proof: Proof,
}

/// How an application proves who it is.
enum Proof {
    /// By a secret that it shares with Entra ID.
    Secret(String),
    /// By a token in a file, which the cluster writes anew well before it runs out, so it is read anew.
    TokenIn(PathBuf),
}

impl fmt::Debug for Entra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entra({})", self.identity())
    }
}

impl Entra {
    /// The service principal that the environment describes. One that is described by half is meant all the
    /// same, so that nobody else is signed in instead.
    pub(super) fn service_principal(
        environment: Environment<'_>,
        service: &Url,
        http: &Http,
    ) -> Result<Ready<Self>> {
        let names = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
        let [tenant, client, secret] = match all(environment, names, [None, None, None])? {
            Ok(values) => values,
            Err(missing) => {
                refuse_half(environment, "AZURE_CLIENT_SECRET", &missing)
                    .map_err(|e| e.hint("set the others too, or unset it"))?;
                if text(environment, "AZURE_CLIENT_CERTIFICATE_PATH")?.is_some() {
                    let told =
                        "AZURE_CLIENT_CERTIFICATE_PATH is set, but nobody signs in with a certificate here";
                    return Err(Error::usage(told).hint("give AZURE_CLIENT_SECRET, or unset it"));
                }
                return Ok(Err(missing));
            }
        };
        Self::new(environment, service, http, tenant, client, Proof::Secret(secret)).map(Ok)
    }

    /// The workload identity that a cluster gives a pod. A cluster that vouches for nobody in particular,
    /// since the pod's own account names no identity, is told of.
    pub(super) fn workload_identity(
        environment: Environment<'_>,
        client_id: Option<&str>,
        service: &Url,
        http: &Http,
    ) -> Result<Ready<Self>> {
        let names = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"];
        let [tenant, client, file] = match all(environment, names, [None, client_id, None])? {
            Ok(values) => values,
            Err(missing) => {
                refuse_half(environment, "AZURE_FEDERATED_TOKEN_FILE", &missing).map_err(|e| {
                    e.hint("annotate the pod's service account with azure.workload.identity/client-id")
                })?;
                return Ok(Err(missing));
            }
        };
        Self::new(environment, service, http, tenant, client, Proof::TokenIn(file.into())).map(Ok)
    }

    fn new(
        environment: Environment<'_>,
        service: &Url,
        http: &Http,
        tenant: String,
        client: String,
        proof: Proof,
    ) -> Result<Self> {
        // It becomes part of a path.
        if !tenant.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)) {
            return Err(Error::usage(format!(
                "AZURE_TENANT_ID is {tenant:?}, which is no tenant's id or name"
            )));
        }
        let authority = authority(environment, service)?;
        Ok(Self { http: http.clone(), authority, tenant, client, proof })
    }

    fn request(&self, proof: &str) -> Result<Request<Bytes>> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials")
            .append_pair("client_id", &self.client)
            .append_pair("scope", &format!("{RESOURCE}/.default"));
        match self.proof {
            Proof::Secret(_) => form.append_pair("client_secret", proof),
            Proof::TokenIn(_) => form
                .append_pair("client_assertion_type", ASSERTION_TYPE)
                .append_pair("client_assertion", proof),
        };
        let authority = self.authority.as_str().trim_end_matches('/');
        Request::post(format!("{authority}/{}/oauth2/v2.0/token", self.tenant))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form.finish().into())
            .map_err(|e| Error::usage(format!("{authority} cannot be asked for tokens: {e}")))
    }

    /// What proves who we are, at this moment.
    fn proof(&self) -> Result<String> {
        match &self.proof {
            Proof::Secret(secret) => Ok(secret.clone()),
            Proof::TokenIn(path) => {
                let token = fs_err::read_to_string(path);
                // It is a mount of the cluster's: that it is missing is a matter of configuration.
                let token = token.map_err(|e| Error::usage(e.to_string()));
                token.map(|token| token.trim().to_owned()).context(|| "read the federated token")
            }
        }
    }

    fn explain(&self, answer: &Answer, proof: &str) -> Error {
        let kind = kind(answer.status.as_u16(), answer.code().as_deref());
        let error = answer.error(kind, Some(proof));
        match (kind, &self.proof) {
            (ErrorKind::Unavailable, _) => error,
            (_, Proof::Secret(_)) => error.hint(
                "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, which may have expired",
            ),
            (_, Proof::TokenIn(_)) => error.hint(
                "check AZURE_TENANT_ID, AZURE_CLIENT_ID and the identity's federated credential: \
                 issuer, subject and audience",
            ),
        }
    }
}

#[async_trait]
impl SignIn for Entra {
    fn identity(&self) -> String {
        let (who, proof) = match &self.proof {
            Proof::Secret(secret) => {
                ("service principal", format!(" with secret {}", &hex::encode(Sha256::digest(secret))[..16]))
            }
            Proof::TokenIn(path) => ("workload identity", format!(" with {}", path.display())),
        };
        format!("{who} {} of {} at {}{proof}", self.client, self.tenant, self.authority)
    }

    async fn fetch(&self) -> Result<Token> {
        let proof = self.proof()?;
        let answer = ask(&self.http, Route::Proxied, self.request(&proof)?).await?;
        if answer.status.is_success() {
            answer.token(Timestamp::now())
        } else {
            Err(self.explain(&answer, &proof))
        }
    }
}

impl Link for Entra {
    fn name(&self) -> String {
        match self.proof {
            Proof::Secret(_) => format!("service principal {}", self.client),
            Proof::TokenIn(_) => format!("workload identity {}", self.client),
        }
    }
}

/// Refuses a way whose proof is there while something else of it is not.
fn refuse_half(environment: Environment<'_>, proof: &str, missing: &str) -> Result<()> {
    match text(environment, proof)? {
        Some(_) => Err(Error::usage(format!("{proof} is set, but {missing}"))),
        None => Ok(()),
    }
}

/// The values of all variables, those given instead before the environment's; else which are missing.
fn all(
    environment: Environment<'_>,
    names: [&str; 3],
    given: [Option<&str>; 3],
) -> Result<Ready<[String; 3]>> {
    let mut values = [const { String::new() }; 3];
    let mut missing = Vec::new();
    for ((value, name), given) in values.iter_mut().zip(names).zip(given) {
        match given.map(str::to_owned).map_or_else(|| text(environment, name), |given| Ok(Some(given)))? {
            Some(found) => found.trim().clone_into(value),
            None => missing.push(name),
        }
    }
    Ok(match missing.as_slice() {
        [] => Ok(values),
        [one] => Err(format!("{one} is not set")),
        [several @ .., last] => Err(format!("{} and {last} are not set", several.join(", "))),
    })
}

/// Where to sign in: `AZURE_AUTHORITY_HOST`, with or without its scheme, else what belongs to the cloud
/// that has the account. Secrets go there, so nowhere without TLS but on this machine.
fn authority(environment: Environment<'_>, service: &Url) -> Result<Url> {
    let host = service.host_str().unwrap_or_default();
    let known = AUTHORITIES.iter().find(|(suffix, _)| host.ends_with(suffix));
    let known = known.map_or(PUBLIC_AUTHORITY, |(_, authority)| authority);
    let said = text(environment, "AZURE_AUTHORITY_HOST")?.unwrap_or_else(|| known.to_owned());
    let said = said.trim();
    let spelled = if said.contains("://") { said.to_owned() } else { format!("https://{said}") };
    let refused = |why: &str| Error::usage(format!("AZURE_AUTHORITY_HOST {why}"));
    let url = Url::parse(&spelled).map_err(|e| refused(&format!("is no URL: {e}")))?;
    if !url.has_host() || !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(refused("is not the URL of a host"));
    }
    if !is_private(&url) {
        return Err(refused("does not begin with https://, but secrets are sent there"));
    }
    Ok(url)
}

/// What can be done about a refusal, by the codes of "OAuth 2.0 error codes"
/// (<https://learn.microsoft.com/entra/identity-platform/reference-error-codes>).
fn kind(status: u16, code: Option<&str>) -> ErrorKind {
    match (status, code) {
        (408 | 429 | 500.., _) | (_, Some("temporarily_unavailable" | "server_error")) => {
            ErrorKind::Unavailable
        }
        (300..400 | 404 | 405, _) => ErrorKind::Usage,
        (_, Some("invalid_request" | "invalid_scope" | "invalid_resource" | "unsupported_grant_type")) => {
            ErrorKind::Usage
        }
        _ => ErrorKind::Denied,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn authority_of(said: Option<&str>, service: &str) -> Result<String> {
        let environment = |name: &str| (name == "AZURE_AUTHORITY_HOST").then(|| said.map(OsString::from))?;
        authority(&environment, &service.parse().unwrap()).map(String::from)
    }

    #[test]
    fn the_authority_is_the_environments_or_that_of_the_accounts_cloud() {
        for (said, service, authority) in [
            (None, "https://a.blob.core.windows.net", "https://login.microsoftonline.com/"),
            (None, "https://a.blob.core.usgovcloudapi.net", "https://login.microsoftonline.us/"),
            (None, "https://a.blob.core.chinacloudapi.cn", "https://login.chinacloudapi.cn/"),
            (None, "http://127.0.0.1:10000/a", "https://login.microsoftonline.com/"),
            (Some("login.example"), "https://a.blob.core.chinacloudapi.cn", "https://login.example/"),
            (Some("https://login.example/"), "https://a.blob.core.windows.net", "https://login.example/"),
            (Some("http://127.0.0.1:1"), "https://a.blob.core.windows.net", "http://127.0.0.1:1/"),
        ] {
            assert_eq!(authority_of(said, service).unwrap(), authority);
        }
        for bad in ["http://login.example", "ftp://login.example", "https://u:p@login.example", "https://"] {
            let error = authority_of(Some(bad), "https://a.blob.core.windows.net").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
            assert!(error.to_string().starts_with("AZURE_AUTHORITY_HOST "), "{error}");
        }
    }

    #[test]
    fn what_can_be_done_about_a_refusal_is_told_by_status_and_code() {
        for (status, code, expected) in [
            (401, Some("invalid_client"), ErrorKind::Denied),
            (400, Some("unauthorized_client"), ErrorKind::Denied),
            (400, Some("invalid_grant"), ErrorKind::Denied),
            (400, None, ErrorKind::Denied),
            (400, Some("invalid_request"), ErrorKind::Usage),
            (400, Some("invalid_scope"), ErrorKind::Usage),
            (302, None, ErrorKind::Usage),
            (404, None, ErrorKind::Usage),
            (400, Some("temporarily_unavailable"), ErrorKind::Unavailable),
            (408, None, ErrorKind::Unavailable),
            (429, None, ErrorKind::Unavailable),
            (503, Some("invalid_request"), ErrorKind::Unavailable),
        ] {
            assert_eq!(kind(status, code), expected, "{status} {code:?}");
        }
    }
}
