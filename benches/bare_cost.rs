//! What a segment costs any client: compressing it, and sending the result over a connection that
//! is open already. Whatever a command takes beyond that is its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Result;
use crate::stub::{Endpoint, Transport};

/// The level the commands compress at by default.
const LEVEL: i32 = 1;

/// Which segments to compress and where to send them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Errand {
    /// The segments; the first one only warms up.
    pub(crate) segments: Vec<PathBuf>,
    /// Where to send them; without it they are only compressed.
    pub(crate) endpoint: Option<Endpoint>,
}

/// What one segment cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct BareCost {
    /// Its length.
    pub(crate) plain_bytes: usize,
    /// Its length compressed.
    pub(crate) stored_bytes: usize,
    /// Compressing it, memory to memory.
    pub(crate) compress: Duration,
    /// One plain PUT of the result, from the first byte to the answer.
    pub(crate) transfer: Duration,
}

/// Measures every segment, one after the other.
pub(crate) fn measure(errand: &Errand) -> Result<Vec<BareCost>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut connection = match &errand.endpoint {
            Some(endpoint) => Some(connect(endpoint).await?),
            None => None,
        };
        let mut costs = Vec::new();
        for segment in errand.segments.first().into_iter().chain(&errand.segments) {
            costs.push(one(&fs_err::read(segment)?, connection.as_mut()).await?);
        }
        costs.remove(0);
        Ok(costs)
    })
}

async fn one(plain: &[u8], connection: Option<&mut SendRequest<Full<Bytes>>>) -> Result<BareCost> {
    let start = Instant::now();
    let stored = Bytes::from(zstd::bulk::compress(plain, LEVEL)?);
    let compress = start.elapsed();
    let stored_bytes = stored.len();
    let start = Instant::now();
    if let Some(connection) = connection {
        let request = Request::put("/bench/bare").header("host", "127.0.0.1").body(Full::new(stored))?;
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        if !answer.status().is_success() {
            return Err(format!("the stub answered {}", answer.status()).into());
        }
    }
    Ok(BareCost { plain_bytes: plain.len(), stored_bytes, compress, transfer: start.elapsed() })
}

async fn connect(endpoint: &Endpoint) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(("127.0.0.1", endpoint.port)).await?;
    stream.set_nodelay(true)?;
    match endpoint.transport {
        Transport::Http => shake_hands(TokioIo::new(stream)).await,
        Transport::Https => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(&endpoint.authority)?)?;
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::try_from("127.0.0.1")?;
            let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
            shake_hands(TokioIo::new(stream)).await
        }
    }
}

async fn shake_hands(stream: impl Read + Write + Unpin + Send + 'static) -> Result<SendRequest<Full<Bytes>>> {
    let (sender, connection) = handshake(stream).await?;
    // It ends with the runtime; an error shows at the request it concerns.
    tokio::spawn(connection);
    Ok(sender)
}
