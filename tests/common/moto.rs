//! moto: an S3 server of other people's making.

use std::fs::File;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::tls::Authority;
use super::{Scratch, bare, installed, stop, tail, wait_for};

/// A running moto; its objects are in its memory and vanish with it.
pub struct Moto {
    process: Child,
    port: u16,
    authority: Option<Authority>,
}

impl Moto {
    /// Serves plain HTTP.
    pub async fn http(scratch: &Scratch) -> Self {
        Self::start(scratch, None).await
    }

    /// Serves HTTPS with a certificate of a private authority.
    pub async fn https(scratch: &Scratch) -> Self {
        Self::start(scratch, Some(Authority::new(scratch))).await
    }

    async fn start(scratch: &Scratch, authority: Option<Authority>) -> Self {
        let log = scratch.path("moto.log");
        let output = File::create(&log).unwrap();
        let mut command = bare(installed("moto").join("bin/moto_server"));
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("PYTHONUNBUFFERED", "1");
        if let Some(authority) = &authority {
            command.arg("-c").arg(authority.certificate_file()).arg("-k").arg(authority.key_file());
        }
        let process = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let mut moto = Self { process, port: 0, authority };
        moto.port = wait_for("moto's first words", Duration::from_mins(1), async || {
            assert!(moto.process.try_wait().unwrap().is_none(), "moto ended:\n{}", tail(&log));
            announced_port(&std::fs::read_to_string(&log).unwrap())
        })
        .await;
        moto
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.authority.is_some() { "https" } else { "http" }
    }

    /// Who signed its certificate, when it has one.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Creates a bucket.
    pub async fn create_bucket(&self, bucket: &str) {
        self.request("PUT", &format!("/{bucket}")).await;
    }

    /// The keys of a bucket's first thousand objects.
    pub async fn keys(&self, bucket: &str) -> Vec<String> {
        let listing = self.request("GET", &format!("/{bucket}?list-type=2")).await;
        let keys = listing.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        keys.map(str::to_owned).collect()
    }

    /// One request; the answer's text. moto wants to see whose it is, but checks no signature.
    async fn request(&self, method: &str, target: &str) -> String {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let answer = match &self.authority {
            None => exchange(tcp, method, target).await,
            Some(authority) => {
                let tls = connector(authority);
                let name = ServerName::try_from("localhost").unwrap();
                exchange(tls.connect(name, tcp).await.unwrap(), method, target).await
            }
        };
        assert!(answer.starts_with("HTTP/1.1 200"), "{method} {target}: {answer}");
        answer
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        stop(&mut self.process, Signal::TERM, Duration::from_secs(5));
    }
}

/// moto binds a port of the system's choice and tells it in its log.
fn announced_port(log: &str) -> Option<u16> {
    let (_, rest) = log.split_once("://127.0.0.1:")?;
    rest.split_once('\n')?.0.trim().parse().ok()
}

fn connector(authority: &Authority) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority.ca_file()).unwrap()).unwrap();
    let provider = Arc::new(default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, method: &str, target: &str) -> String {
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=AKTEST/20260101/us-east-1/s3/aws4_request\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Python closes a TLS connection without saying goodbye; what came before is the answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
