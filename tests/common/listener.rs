//! What services inside a test share: connections over TCP, or over TLS with a private certificate authority.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "every service uses its own part of it")]

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::CertificateParams;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A private authority, and TLS for `localhost` that it vouches for.
pub(crate) fn certify() -> (String, TlsAcceptor) {
    vouch(|_| {})
}

/// The same with a certificate from the beginning of one year to the beginning of another.
pub(crate) fn certify_between(from: i32, to: i32) -> (String, TlsAcceptor) {
    vouch(|server| {
        server.not_before = rcgen::date_time_ymd(from, 1, 1);
        server.not_after = rcgen::date_time_ymd(to, 1, 1);
    })
}

fn vouch(adapt: impl FnOnce(&mut CertificateParams)) -> (String, TlsAcceptor) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer_key = rcgen::KeyPair::generate().unwrap();
    let ca = authority.self_signed(&issuer_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, issuer_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    adapt(&mut server);
    let certificate = server.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (ca, TlsAcceptor::from(Arc::new(config)))
}

/// Serves every connection that comes, each on a task of its own, until it is dropped.
pub(crate) async fn accept<F, A, B, E>(listener: TcpListener, acceptor: Option<TlsAcceptor>, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    loop {
        let Ok((tcp, _)) = listener.accept().await else { return };
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        tokio::spawn(async move {
            match acceptor {
                None => serve(tcp, answer).await,
                Some(acceptor) => {
                    if let Ok(tls) = acceptor.accept(tcp).await {
                        serve(tls, answer).await;
                    }
                }
            }
        });
    }
}

async fn serve<I, F, A, B, E>(io: I, answer: F)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(Request<Incoming>) -> A + Send + 'static,
    A: Future<Output = Result<Response<B>, E>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
{
    // An error is a connection that ended early, which faults do on purpose.
    let _ =
        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service_fn(answer)).await;
}
