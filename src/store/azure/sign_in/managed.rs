//! Tokens for the identity of the machine or the pod, from a metadata service next to it.
//!
//! Virtual machines, scale sets and clusters have one at an address of their own ("How to use managed
//! identities for Azure resources on an Azure VM to acquire an access token",
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>); App
//! Service and Container Apps tell where theirs is ("REST endpoint reference",
//! <https://learn.microsoft.com/azure/app-service/overview-managed-identity>), and so does Azure Arc on
//! machines outside Azure (<https://learn.microsoft.com/azure/azure-arc/servers/managed-identity-authentication>).
//!
//! `azure_identity` has the first two and is not used: it reads the process's environment by itself, tries
//! again for minutes inside one attempt, and has no way to find out quickly that there is no such service.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ::http::{Request, request};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time;
use url::Url;

use super::Environment;
use super::chain::{Link, Ready};
use super::choice::text;
use super::issuer::{Answer, RESOURCE, ask};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::http::{Http, Route};
use crate::store::tokens::{SignIn, Token};

/// Where a machine of Azure's asks; `AZURE_POD_IDENTITY_AUTHORITY_HOST` says otherwise, for Microsoft's
/// clients as well.
const METADATA_HOST: &str = "http://169.254.169.254";

/// How long the first answer of a machine's metadata service may take while it is not known whether
/// there is one: what "no credentials" costs.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// Where the machine says whose it is, and what Azure's say.
const MAKER: (&str, &str) = ("/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77");

/// Where Arc's agent puts the files that prove that one may read them. Nothing else is read on its word.
const ARC_TOKENS: &str = "/var/opt/azcmagent/tokens";

/// What such a file has at most.
const LONGEST_PROOF: usize = 4096;

/// The identity of this machine or pod.
pub(super) struct Managed {
    http: Http,
    place: Place,
    /// One of several identities; the machine's own without it.
    client: Option<String>,
    /// Whether silence of the metadata service is trouble rather than an answer: on a machine of Azure's,
    /// and when one of its identities was asked for.
    is_expected: bool,
}

/// Who gives tokens out.
enum Place {
    /// A machine's metadata service.
    Machine(Url),
    /// App Service's and Container Apps', and what it wants to hear.
    App { endpoint: Url, secret: String },
    /// Arc's agent, and where its proofs are.
    Arc { endpoint: Url, proofs: PathBuf },
}

impl fmt::Debug for Managed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Managed({})", self.identity())
    }
}

impl Managed {
    /// The identity that the environment tells of, else the machine's own.
    pub(super) fn from_environment(
        environment: Environment<'_>,
        client_id: Option<&str>,
        http: &Http,
    ) -> Result<Ready<Self>> {
        let get = |name: &str| text(environment, name);
        let client =
            client_id.map(str::to_owned).map_or_else(|| get("AZURE_CLIENT_ID"), |id| Ok(Some(id)))?;
        let place = match (get("IDENTITY_ENDPOINT")?, get("IDENTITY_HEADER")?) {
            (Some(_), Some(_)) if get("IDENTITY_SERVER_THUMBPRINT")?.is_some() => {
                return Ok(Err("Service Fabric's identities are not supported".to_owned()));
            }
            (Some(endpoint), Some(secret)) => {
                Place::App { endpoint: parse("IDENTITY_ENDPOINT", &endpoint)?, secret }
            }
            (Some(_), None) if client.is_some() => {
                return Ok(Err("Azure Arc has no identities but the machine's own".to_owned()));
            }
            (Some(endpoint), None) if get("IMDS_ENDPOINT")?.is_some() => {
                Place::Arc { endpoint: parse("IDENTITY_ENDPOINT", &endpoint)?, proofs: ARC_TOKENS.into() }
            }
            _ => {
                let name = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
                let host = get(name)?.unwrap_or_else(|| METADATA_HOST.to_owned());
                let host = host.trim().trim_end_matches('/');
                Place::Machine(parse(name, &format!("{host}/metadata/identity/oauth2/token"))?)
            }
        };
        let is_usual = matches!(&place, Place::Machine(url) if url.as_str().starts_with(METADATA_HOST));
        let is_azures = || fs_err::read_to_string(MAKER.0).is_ok_and(|tag| tag.trim() == MAKER.1);
        let is_expected = client.is_some() || (is_usual && is_azures());
        Ok(Ok(Self { http: http.clone(), place, client, is_expected }))
    }

    fn endpoint(&self) -> &Url {
        match &self.place {
            Place::Machine(endpoint) | Place::App { endpoint, .. } | Place::Arc { endpoint, .. } => endpoint,
        }
    }

    /// The request for a token, but for what proves that we may have it.
    fn request(&self) -> request::Builder {
        let version = match self.place {
            Place::Machine(_) => "2018-02-01",
            Place::App { .. } => "2019-08-01",
            Place::Arc { .. } => "2020-06-01",
        };
        let mut url = self.endpoint().clone();
        url.query_pairs_mut().append_pair("api-version", version).append_pair("resource", RESOURCE);
        if let Some(client) = &self.client {
            url.query_pairs_mut().append_pair("client_id", client);
        }
        let request = Request::get(url.as_str());
        match &self.place {
            Place::Machine(_) | Place::Arc { .. } => request.header("metadata", "true"),
            Place::App { secret, .. } => request.header("x-identity-header", secret),
        }
    }

    async fn ask(&self, request: request::Builder) -> Result<Answer> {
        // Its error may quote a header.
        let wrong = |_| Error::usage("what the environment says of the managed identity cannot be sent");
        ask(&self.http, Route::Direct, request.body(Bytes::new()).map_err(wrong)?).await
    }

    /// Arc's agent names a file first that only those can read who may have tokens; what is in it goes
    /// along with the second request.
    async fn prove(&self, answer: &Answer, proofs: &Path) -> Result<Answer> {
        let challenge = answer.headers.get("www-authenticate").and_then(|value| value.to_str().ok());
        let named = challenge.and_then(|challenge| challenge.strip_prefix("Basic realm="));
        let path = named.map(|named| PathBuf::from(named.trim_matches('"')));
        let is_proof = |path: &PathBuf| {
            path.parent() == Some(proofs) && path.extension().is_some_and(|extension| extension == "key")
        };
        let Some(path) = path.filter(is_proof) else {
            return Err(Error::denied(format!("{} names no proof in {}", answer.from, proofs.display())));
        };
        let proof = fs_err::read_to_string(&path)
            .map_err(|e| Error::denied(e.to_string()).hint("add this user to the group himds"))
            .context(|| "read the proof for Azure Arc's agent")?;
        if proof.len() > LONGEST_PROOF {
            return Err(Error::denied(format!("{} has more than {LONGEST_PROOF} bytes", path.display())));
        }
        self.ask(self.request().header("authorization", format!("Basic {}", proof.trim()))).await
    }

    fn explain(&self, answer: &Answer) -> Error {
        let secret = match &self.place {
            Place::App { secret, .. } => Some(secret.as_str()),
            _ => None,
        };
        match answer.status.as_u16() {
            400 | 401 | 403 => answer
                .error(ErrorKind::Denied, secret)
                .hint("assign a managed identity to this machine, or give the client id of one that is"),
            300..400 => answer.error(ErrorKind::Usage, secret),
            // Even 404 and 410 pass: "Error handling" in the machine's documentation.
            _ => answer.error(ErrorKind::Unavailable, secret),
        }
    }
}

#[async_trait]
impl SignIn for Managed {
    fn identity(&self) -> String {
        format!("{} at {}", self.name(), self.endpoint())
    }

    async fn fetch(&self) -> Result<Token> {
        let mut answer = self.ask(self.request()).await?;
        if let (Place::Arc { proofs, .. }, 401) = (&self.place, answer.status.as_u16()) {
            answer = self.prove(&answer, proofs).await?;
        }
        if answer.status.is_success() { answer.token(Timestamp::now()) } else { Err(self.explain(&answer)) }
    }
}

#[async_trait]
impl Link for Managed {
    fn name(&self) -> String {
        let client = self.client.as_deref().map_or(String::new(), |client| format!(" {client}"));
        format!("managed identity{client}")
    }

    /// Whether there is a metadata service: any answer will do, and the first one comes fast, which a
    /// first token need not. Without its header the service refuses, which costs it nothing.
    async fn look(&self) -> Ready<()> {
        let Place::Machine(endpoint) = &self.place else { return Ok(()) };
        if self.is_expected {
            return Ok(());
        }
        let request = Request::get(endpoint.as_str()).body(Bytes::new()).map_err(|e| e.to_string())?;
        match time::timeout(FIRST_ANSWER, ask(&self.http, Route::Direct, request)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(e)) => Err(e.to_string()),
            Err(_) => {
                let host = endpoint.host_str().unwrap_or_default();
                Err(format!("no metadata service answers at {host} within {FIRST_ANSWER:.0?}"))
            }
        }
    }

    /// A machine without identity has nothing to do with us; others have metadata services too. An identity
    /// that was named is not replaced by another.
    fn is_passed_over(&self, error: &Error) -> bool {
        error.kind() == ErrorKind::Denied && self.client.is_none()
    }
}

fn parse(name: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text.trim()).map_err(|e| Error::usage(format!("{name} is no URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Error::usage(format!("{name} is not the URL of a host")));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::store::Patience;
    use crate::store::http::Trust;

    fn http() -> Http {
        Http::new(Trust::new(None).unwrap(), &Patience::default())
    }

    fn found(set: &[(&str, &str)]) -> std::result::Result<String, String> {
        let environment = |name: &str| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let found =
            Managed::from_environment(&environment, None, &http()).unwrap_or_else(|e| panic!("{e:?}"));
        found.map(|managed| managed.identity())
    }

    #[test]
    fn the_environment_tells_whose_metadata_service_it_is() {
        let endpoint = ("IDENTITY_ENDPOINT", "http://localhost:40342/token");
        let machine = "managed identity at http://169.254.169.254/metadata/identity/oauth2/token";
        assert_eq!(found(&[]).unwrap(), machine);
        assert_eq!(found(&[endpoint]).unwrap(), machine);
        let elsewhere = "managed identity at http://localhost:40342/token";
        assert_eq!(found(&[endpoint, ("IDENTITY_HEADER", "h")]).unwrap(), elsewhere);
        assert_eq!(found(&[endpoint, ("IMDS_ENDPOINT", "http://localhost:40342")]).unwrap(), elsewhere);
        let fabric = [endpoint, ("IDENTITY_HEADER", "h"), ("IDENTITY_SERVER_THUMBPRINT", "t")];
        assert!(found(&fabric).unwrap_err().contains("Service Fabric"));
        let arc = [endpoint, ("IMDS_ENDPOINT", "http://x"), ("AZURE_CLIENT_ID", "c")];
        assert!(found(&arc).unwrap_err().contains("Azure Arc"));
    }

    /// An agent that names this file, and then gives a token for its content.
    async fn agent(proof: PathBuf) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut tcp, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = tcp.read_u8().await else { break };
                    head.push(byte);
                }
                let is_proved = String::from_utf8(head).unwrap().contains("authorization: Basic proved\r\n");
                let answer = if is_proved {
                    let token = r#"{"access_token":"arc","expires_on":"4102444800"}"#;
                    format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{token}",
                        token.len()
                    )
                } else {
                    let proof = proof.display();
                    format!(
                        "HTTP/1.1 401 No\r\nwww-authenticate: Basic realm={proof}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    )
                };
                tcp.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        format!("http://{address}/token").parse().unwrap()
    }

    #[tokio::test]
    async fn arcs_agent_is_shown_a_file_from_its_own_directory_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let fetch = async |named: PathBuf| {
            let place = Place::Arc { endpoint: agent(named).await, proofs: dir.path().to_owned() };
            Managed { http: http(), place, client: None, is_expected: false }.fetch().await
        };
        let (good, below) = (dir.path().join("a.key"), dir.path().join("../a.key"));
        fs_err::write(&good, "proved\n").unwrap();
        assert_eq!(fetch(good).await.unwrap().text, "arc");
        fs_err::write(dir.path().join("large.key"), "x".repeat(LONGEST_PROOF + 1)).unwrap();
        fs_err::write(dir.path().join("a.pem"), "proved").unwrap();
        for bad in ["/etc/passwd".into(), below, dir.path().join("a.pem"), dir.path().join("large.key")] {
            let error = fetch(bad).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        }
        assert_eq!(fetch(dir.path().join("missing.key")).await.unwrap_err().kind(), ErrorKind::Denied);
    }
}
