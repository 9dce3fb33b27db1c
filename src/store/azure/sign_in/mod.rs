//! How the service gets to know who asks.
//!
//! First it is decided, from options and environment alone, which way is taken ([`choose`]); then that
//! way is made ready: a secret becomes a policy that signs, a way to get tokens becomes one that carries
//! them.

mod bearer;
mod chain;
mod choice;
mod cli;
mod connection_string;
mod entra;
mod issuer;
mod managed;
mod sas;
mod shared_key;

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use azure_core::http::policies::Policy;
use azure_core::http::{Request, Url};
use jiff::Timestamp;

use self::bearer::Bearer;
use self::chain::{Chain, Link, Ready};
use self::choice::{Choice, Way, choose};
use self::cli::Cli;
use self::connection_string::{ConnectionString, Secret};
use self::entra::Entra;
use self::managed::Managed;
use self::sas::Sas;
use self::shared_key::SharedKey;
use super::{AzureCredential, AzureOptions, Container, account_in_host};
use crate::error::{Context, Error, Result};
use crate::store::Patience;
use crate::store::http::Http;
use crate::store::tokens::Tokens;

/// The version of the service's interface that a request is meant for when it does not say; every
/// signature and token is understood as of it.
const VERSION: &str = "2021-12-02";

/// Where environment variables come from.
type Environment<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Where requests go, and what makes them ours.
#[derive(Debug)]
pub(super) struct Access {
    /// The service, with the account's name in its path where it is not in its host; the container comes next.
    pub(super) service: Url,
    /// Put into every attempt, since a signature has a date and a token runs out. Adds the authorization; an
    /// attempt that is refused for a token from memory or disk is made once more with a fresh one. An error
    /// of its own comes wrapped: an [`Error`] of ours is the source of the SDK's.
    pub(super) policy: Arc<dyn Policy>,
    /// Who signs in, for messages: `account key`, `managed identity`, never a secret.
    pub(super) who: String,
}

/// Signs in as the options and the environment say (spec/barman-cloud.md 7.3). Nothing is sent to the
/// account, but a token is fetched now, while there is somebody to tell that there is none.
pub(super) async fn sign_in(
    container: &Container,
    options: &AzureOptions,
    http: &Http,
    tokens: Option<&Path>,
    patience: &Patience,
) -> Result<Access> {
    let environment = |name: &str| std::env::var_os(name);
    let Choice { way, because } = choose(options, &environment)?;
    let made_ready = make_ready(way, container, options, &environment, http).context(|| because.clone())?;
    let (service, source) = match made_ready {
        MadeReady::Signing(access) => return Ok(access),
        MadeReady::Tokens(service, source) => (service, source),
    };
    let tokens = Tokens::new(source.clone(), tokens.map(Path::to_owned), patience);
    let what = || format!("sign in as {}", source.identity());
    patience.persist(0, what, || tokens.get()).await.context(|| because)?;
    Ok(Access { service, policy: Arc::new(Bearer::new(tokens)), who: source.name() })
}

/// A way to sign in that lacks nothing more than a request.
enum MadeReady {
    /// With a secret.
    Signing(Access),
    /// With tokens from there.
    Tokens(Url, Arc<dyn Link>),
}

/// The service that a connection string names; `None` where it names none, or cannot be read.
pub(super) fn endpoint_of(connection_string: &str) -> Option<String> {
    ConnectionString::parse(connection_string).ok()?.endpoint
}

/// Turns a decision into what carries it out, without sending anything.
fn make_ready(
    way: Way,
    container: &Container,
    options: &AzureOptions,
    environment: Environment<'_>,
    http: &Http,
) -> Result<MadeReady> {
    let endpoint = options.endpoint.as_deref();
    let access = match way {
        Way::ConnectionString(text) => {
            with_connection_string(&ConnectionString::parse(&text)?, container, endpoint)?
        }
        Way::Sas(text) => with_sas(&text, service(endpoint, container)?)?,
        Way::Key(key) => with_key(&key, container, service(endpoint, container)?)?,
        Way::Token(credential) => {
            let service = service(endpoint, container)?;
            let source = tokens_of(credential, options.client_id.as_deref(), environment, &service, http)?;
            return Ok(MadeReady::Tokens(service, source));
        }
    };
    Ok(MadeReady::Signing(access))
}

/// Where tokens come from. A way that was asked for by name must be there.
fn tokens_of(
    credential: AzureCredential,
    client_id: Option<&str>,
    environment: Environment<'_>,
    service: &Url,
    http: &Http,
) -> Result<Arc<dyn Link>> {
    let managed = || Managed::from_environment(environment, client_id, http);
    let is_set = |name: &str| Ok::<_, Error>(choice::text(environment, name)?.is_some());
    match credential {
        AzureCredential::Cli => Ok(Arc::new(Cli::find(environment).map_err(Error::usage)?)),
        // What Kubernetes' operators ask for by this name is the pod's identity, and Microsoft's client for
        // Python, for which they were written, looks for it in this order.
        AzureCredential::ManagedIdentity
            if is_set("AZURE_FEDERATED_TOKEN_FILE")? && !is_set("IDENTITY_ENDPOINT")? =>
        {
            let workload = Entra::workload_identity(environment, client_id, service, http)?;
            Ok(Arc::new(workload.map_err(Error::usage)?))
        }
        AzureCredential::ManagedIdentity => Ok(Arc::new(managed()?.map_err(Error::usage)?)),
        AzureCredential::Default => {
            let principal = Entra::service_principal(environment, service, http)?;
            let workload = Entra::workload_identity(environment, client_id, service, http)?;
            Ok(Arc::new(Chain::new(vec![
                link("service principal", principal),
                link("workload identity", workload),
                link("managed identity", managed()?),
                link("Azure CLI", Cli::find(environment)),
            ])))
        }
    }
}

fn link(name: &str, way: Ready<impl Link + 'static>) -> Ready<Arc<dyn Link>> {
    way.map(|way| Arc::new(way) as Arc<dyn Link>).map_err(|why| format!("{name}: {why}"))
}

/// The secret of a connection string, at its endpoint unless the options name another.
fn with_connection_string(
    string: &ConnectionString,
    container: &Container,
    endpoint: Option<&str>,
) -> Result<Access> {
    if let Some(account) = string.account.as_deref().filter(|account| *account != container.account) {
        return Err(disagree("the connection string", account, container));
    }
    let service = service(endpoint.or(string.endpoint.as_deref()), container)?;
    match &string.secret {
        Secret::Key(key) => with_key(key, container, service),
        Secret::Sas(sas) => with_sas(sas, service),
    }
}

fn with_key(key: &str, container: &Container, service: Url) -> Result<Access> {
    let policy = Arc::new(SharedKey::new(&container.account, key)?);
    Ok(Access { service, policy, who: "account key".to_owned() })
}

fn with_sas(text: &str, service: Url) -> Result<Access> {
    let sas = Sas::parse(text)?;
    sas.check(Timestamp::now())?;
    let who = sas.to_string();
    Ok(Access { service, policy: Arc::new(sas), who })
}

/// Where the service is: at the endpoint that somebody named, else where the store's URL says. Azure's own
/// hosts are spoken to by https whatever the scheme. What stands in an endpoint is not repeated, since a
/// signature may have been put there.
fn service(endpoint: Option<&str>, container: &Container) -> Result<Url> {
    let refused = |why: &str| Error::usage(format!("the endpoint of Azure's Blob service {why}"));
    let text = endpoint.unwrap_or(&container.service).trim_end_matches('/');
    let mut url = Url::parse(text).map_err(|e| refused(&format!("is no URL: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("begins with neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("has a user or password in it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("has a query in it").hint("give a signature as AZURE_STORAGE_SAS_TOKEN"));
    }
    match url.host_str().and_then(account_in_host) {
        Some(account) if account != container.account => {
            return Err(disagree("the endpoint", account, container));
        }
        Some(_) => url.set_scheme("https").map_err(|()| refused("cannot be reached by https"))?,
        None => {}
    }
    Ok(url)
}

fn disagree(who: &str, account: &str, container: &Container) -> Error {
    let url = format!("{}/{}", container.service, container.name);
    Error::usage(format!("{who} is for the account {account}, but {url} for {}", container.account))
}

/// Whether nobody on the way can read what is sent there: by TLS, or because it stays on this machine.
fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_loopback = |ip: IpAddr| ip.is_loopback();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    url.scheme() == "https" || host == "localhost" || address.is_ok_and(is_loopback)
}

/// Says what version of the interface a request is meant for, unless it does so itself.
fn set_version(request: &mut Request) {
    if !request.headers().iter().any(|(name, _)| name.as_str() == "x-ms-version") {
        request.insert_header("x-ms-version", VERSION);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use azure_core::http::headers::Headers;
    use azure_core::http::policies::PolicyResult;
    use azure_core::http::{AsyncRawResponse, Context as PipelineContext, Method, StatusCode};

    use super::*;
    use crate::error::ErrorKind;

    /// The end of a pipeline: records what comes, and answers with one status after the other.
    #[derive(Debug, Clone)]
    pub(super) struct Sink(Arc<Mutex<(Vec<Request>, Vec<u16>)>>);

    impl Sink {
        pub(super) fn answering(statuses: &[u16]) -> Self {
            let mut statuses = statuses.to_vec();
            statuses.reverse();
            Self(Arc::new(Mutex::new((Vec::new(), statuses))))
        }

        pub(super) fn seen(&self) -> Vec<Request> {
            self.0.lock().unwrap().0.clone()
        }
    }

    #[async_trait]
    impl Policy for Sink {
        async fn send(
            &self,
            _: &PipelineContext,
            request: &mut Request,
            _: &[Arc<dyn Policy>],
        ) -> PolicyResult {
            let mut state = self.0.lock().unwrap();
            state.0.push(request.clone());
            let status = StatusCode::from(state.1.pop().unwrap());
            Ok(AsyncRawResponse::from_bytes(status, Headers::new(), ""))
        }
    }

    /// Sends a GET through a policy into a sink, and gives the request back as the caller then sees it.
    pub(super) async fn send_through(
        policy: Arc<dyn Policy>,
        url: &str,
        sink: &Sink,
    ) -> (PolicyResult, Request) {
        let mut request = Request::new(Url::parse(url).unwrap(), Method::Get);
        let next: [Arc<dyn Policy>; 1] = [Arc::new(sink.clone())];
        let answer = policy.send(&PipelineContext::new(), &mut request, &next).await;
        (answer, request)
    }

    fn container(service: &str) -> Container {
        Container { service: service.to_owned(), account: "acct".to_owned(), name: "wal".to_owned() }
    }

    fn connected(string: &str, endpoint: Option<&str>) -> Result<String> {
        let string = ConnectionString::parse(string)?;
        let container = container("https://acct.blob.core.windows.net");
        let access = with_connection_string(&string, &container, endpoint)?;
        Ok(format!("{} by {}", access.service, access.who))
    }

    #[test]
    fn the_endpoint_is_the_options_then_the_connection_strings_then_the_urls() {
        let plain = "AccountName=acct;AccountKey=a2V5";
        let with_endpoint =
            "AccountName=acct;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/acct/;EndpointSuffix=x.y";
        let with_suffix = "AccountName=acct;AccountKey=a2V5;EndpointSuffix=core.chinacloudapi.cn";
        for (string, endpoint, connected_to) in [
            (plain, None, "https://acct.blob.core.windows.net/ by account key"),
            (with_endpoint, None, "http://127.0.0.1:10000/acct by account key"),
            (with_suffix, None, "https://acct.blob.core.chinacloudapi.cn/ by account key"),
            (with_endpoint, Some("https://own.example/acct/"), "https://own.example/acct by account key"),
        ] {
            assert_eq!(connected(string, endpoint).unwrap(), connected_to);
        }
    }

    #[test]
    fn the_accounts_of_the_url_and_of_what_is_configured_must_agree() {
        let other = "AccountName=other;AccountKey=a2V5";
        let by_endpoint = "BlobEndpoint=https://other.blob.core.windows.net;SharedAccessSignature=sig=x";
        for (string, endpoint) in [
            (other, None),
            (by_endpoint, None),
            ("AccountName=acct;AccountKey=a2V5", Some("https://other.blob.core.windows.net")),
            ("AccountName=acct;AccountKey=a2V5", Some("https://other.z01.blob.storage.azure.net")),
            ("AccountName=acct;AccountKey=a2V5", Some("https://other.privatelink.blob.core.windows.net")),
        ] {
            let error = connected(string, endpoint).unwrap_err();
            let told = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(told.contains("other") && told.contains("acct"), "{told}");
        }
    }

    #[test]
    fn azures_own_hosts_are_spoken_to_by_https_whatever_a_connection_string_says() {
        let clear = "DefaultEndpointsProtocol=http;AccountName=acct;AccountKey=a2V5;EndpointSuffix=";
        let connected = |suffix: &str| connected(&format!("{clear}{suffix}"), None).unwrap();
        assert_eq!(connected("core.windows.net"), "https://acct.blob.core.windows.net/ by account key");
        assert_eq!(connected("blobs.example"), "http://acct.blob.blobs.example/ by account key");
    }

    #[test]
    fn an_endpoint_that_cannot_be_one_is_refused_and_not_repeated() {
        for bad in [
            "hunter2",
            "ftp://hunter2",
            "https://user:hunter2@acct.blob.core.windows.net",
            "https://acct.blob.core.windows.net?sig=hunter2",
        ] {
            let error = service(Some(bad), &container("https://acct.blob.core.windows.net")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{bad}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }
}
