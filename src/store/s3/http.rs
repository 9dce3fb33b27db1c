//! The HTTP client: proxies from the environment, TLS only when it is used, and which certificate
//! authorities are trusted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::outgoing;
use crate::error::{Context, Error, Result};
use crate::store::Patience;

/// Where systems keep their certificate authorities in one file. Reading it takes half the time that
/// reading a directory of hundreds of files does, and every command pays for it.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The clients of one store.
#[derive(Debug, Clone)]
pub(super) struct Http {
    /// Through the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say.
    pub(super) proxied: SharedHttpClient,
    /// Never through a proxy, for metadata services, which only answer the machine itself.
    pub(super) direct: SharedHttpClient,
    /// The status of the last answer that the latter got: the SDK does not tell it apart from what
    /// else may be wrong with an answer. 0 before the first.
    pub(super) direct_status: Arc<AtomicU16>,
}

impl Http {
    /// Clients that trust only the authorities in `ca_bundle`, or the system's.
    pub(super) fn new(ca_bundle: Option<&Path>, patience: &Patience) -> Result<Self> {
        let trust = Trust(match ca_bundle {
            Some(path) => Some(private_authorities(path)?),
            None => None,
        });
        let client = |proxy: fn() -> ProxyConfig, status: &Arc<AtomicU16>| {
            let (trust, patience, status) = (trust.clone(), patience.clone(), status.clone());
            let (plain, tls) = (plain(proxy), Arc::new(OnceLock::new()));
            SharedHttpClient::new(LazyTls { proxy, plain, tls, trust, patience, status })
        };
        let direct_status = Arc::default();
        let direct = client(ProxyConfig::disabled, &direct_status);
        Ok(Self { proxied: client(ProxyConfig::from_env, &Arc::default()), direct, direct_status })
    }
}

/// A client whose TLS side comes into being with the first `https` request: loading the system's
/// certificate authorities costs more than a whole request without TLS.
#[derive(Clone)]
struct LazyTls {
    proxy: fn() -> ProxyConfig,
    plain: SharedHttpClient,
    tls: Arc<OnceLock<SharedHttpClient>>,
    trust: Trust,
    patience: Patience,
    status: Arc<AtomicU16>,
}

/// The authorities given, in PEM; the system's when none are.
#[derive(Clone)]
struct Trust(Option<Arc<[u8]>>);

impl fmt::Debug for LazyTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LazyTls(..)")
    }
}

impl HttpClient for LazyTls {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let (client, settings, components) = (self.clone(), settings.clone(), components.clone());
        SharedHttpConnector::new(ByScheme { client, settings, components })
    }
}

/// Chooses between the two sides when the request, and so its scheme, is known.
struct ByScheme {
    client: LazyTls,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl fmt::Debug for ByScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByScheme(..)")
    }
}

impl HttpConnector for ByScheme {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let LazyTls { proxy, plain, tls, trust, patience, status } = &self.client;
        let needs_tls = request.uri().starts_with("https:");
        let client = if needs_tls { tls.get_or_init(|| with_tls(*proxy, trust)) } else { plain };
        let connector = client.http_connector(&self.settings, &self.components);
        let (patience, status) = (patience.clone(), status.clone());
        HttpConnectorFuture::new(async move {
            let answer = outgoing::send(request, &patience, |request| connector.call(request)).await;
            let told = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
            status.store(told, Ordering::Relaxed);
            answer
        })
    }
}

fn plain(proxy: fn() -> ProxyConfig) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder().enable_tcp_nodelay(true).proxy_config(proxy());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build_http()
    })
}

fn with_tls(proxy: fn() -> ProxyConfig, trust: &Trust) -> SharedHttpClient {
    let authorities = trust.0.clone().or_else(system_authorities);
    let store = match authorities {
        Some(pem) => TrustStore::empty().with_pem_certificate(pem.to_vec()),
        None => TrustStore::default(),
    };
    let tls = TlsContext::builder().with_trust_store(store).build();
    let tls = tls.expect("a context without additional server names cannot be refused");
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .enable_tcp_nodelay(true)
            .proxy_config(proxy())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

/// The authorities in a file that somebody named, every one of which must be usable.
fn private_authorities(path: &Path) -> Result<Arc<[u8]>> {
    let pem = fs_err::read(path).context(|| "read the certificate authorities")?;
    let usable = usable_authorities(&pem);
    match usable.map(|usable| usable.len()) {
        Some(1..) => Ok(pem.into()),
        Some(0) => Err(format!("{} has no certificate in it", path.display())),
        None => Err(format!("{} has a certificate that cannot be read", path.display())),
    }
    .map_err(|message| Error::usage(message).hint("give a PEM file of CA certificates"))
}

/// The system's authorities in one file, without those that cannot be used; the client would panic
/// on them. Like everywhere else, `SSL_CERT_FILE` says where that file is instead. `None` when there is
/// no such file: then the system's own way to find them is taken.
fn system_authorities() -> Option<Arc<[u8]>> {
    let said = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let mut paths = said.into_iter().chain(SYSTEM_BUNDLES.iter().map(PathBuf::from));
    let pem = paths.find_map(|path| fs_err::read(path).ok())?;
    match usable_authorities(&pem) {
        Some(usable) if !usable.is_empty() => Some(pem.into()),
        _ => {
            let all = CertificateDer::pem_slice_iter(&pem).filter_map(std::result::Result::ok);
            let usable = all.filter(is_usable).map(|der| to_pem(&der)).collect::<String>();
            (!usable.is_empty()).then(|| usable.into_bytes().into())
        }
    }
}

/// All certificates in a PEM file; `None` when one of them cannot be used.
fn usable_authorities(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<std::result::Result<Vec<_>, _>>().ok()?;
    all.iter().all(is_usable).then_some(all)
}

fn is_usable(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}

fn to_pem(certificate: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(certificate))
}
