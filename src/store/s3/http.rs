//! The HTTP client: proxies from the environment, TLS only when it is used, and which certificate
//! authorities are trusted.

use std::fmt;
use std::path::Path;
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

use super::outgoing;
use crate::error::Result;
use crate::store::http::Trust;
use crate::store::{Patience, Pem};

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
    pub(super) fn new(pem: Option<&Pem>, ca_bundle: Option<&Path>, patience: &Patience) -> Result<Self> {
        let trust = Trust::given(pem, ca_bundle)?;
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
    let store = match trust.pem() {
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
