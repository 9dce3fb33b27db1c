//! The simplest HTTP client there is: for what the tests ask of a server themselves.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::tls::Authority;

/// A server on the loopback device.
#[derive(Clone, Copy)]
pub struct Peer<'a> {
    /// Where it listens.
    pub port: u16,
    /// Who signed its certificate; without one it speaks plain HTTP.
    pub authority: Option<&'a Authority>,
}

impl Peer<'_> {
    /// One request, with a header and a body of text; what was answered, head and all.
    ///
    /// # Panics
    /// When the status is not one of success.
    pub async fn request(
        self,
        method: &str,
        target: &str,
        (name, value): (&str, &str),
        body: &str,
    ) -> String {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{name}: {value}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let answer = match self.authority {
            None => exchange(tcp, &request).await,
            Some(authority) => {
                let name = ServerName::try_from("localhost").unwrap();
                exchange(connector(authority).connect(name, tcp).await.unwrap(), &request).await
            }
        };
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with('2'), "{method} {target}: {answer}");
        answer
    }
}

/// What stands between every `<tag>` and its `</tag>`.
pub fn elements(xml: &str, tag: &str) -> Vec<String> {
    let (begin, end) = (format!("<{tag}>"), format!("</{tag}>"));
    xml.split(&begin).skip(1).filter_map(|rest| rest.split(&end).next()).map(str::to_owned).collect()
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

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Python closes a TLS connection without saying goodbye; what came before is the answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
