//! The stub's process: it listens, answers, and ends when nobody gives it orders any more.

use std::io::{Write, stdout};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread;

use hyper::rt::{Read, Write as HyperWrite};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::answer::answer;
use super::control::Shared;
use super::{Setup, Transport, identity};
use crate::Result;

/// Big reads keep the pieces of an object few.
const READ_BUFFER_BYTES: usize = 1 << 20;

/// Serves until standard input closes.
pub(crate) fn serve(setup: &Setup) -> Result<()> {
    let acceptor = match setup.transport {
        Transport::Http => None,
        Transport::Https => {
            let (config, authority) = identity::create()?;
            fs_err::write(&setup.authority, authority)?;
            Some(TlsAcceptor::from(config))
        }
    };
    let shared = Arc::new(Shared::new(setup.dialect));
    // One thread: the processors belong to the commands that are measured.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(stdout(), "{}", listener.local_addr()?.port())?;
        let (ended, end) = oneshot::channel::<()>();
        let orders = Arc::clone(&shared);
        thread::spawn(move || {
            orders.obey();
            drop(ended);
        });
        tokio::select! {
            result = accept(listener, acceptor, shared) => result,
            _ = end => Ok(()),
        }
    })
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(greet(stream, acceptor.clone(), Arc::clone(&shared)));
    }
}

async fn greet(stream: TcpStream, acceptor: Option<TlsAcceptor>, shared: Arc<Shared>) {
    match acceptor {
        None => talk(TokioIo::new(stream), shared).await,
        // Whoever breaks off the handshake learns it on his side.
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                talk(TokioIo::new(stream), shared).await;
            }
        }
    }
}

async fn talk(stream: impl Read + HyperWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(&shared, request));
    // Clients end by closing the connection; nothing is lost that they do not notice.
    let _ = http1::Builder::new().max_buf_size(READ_BUFFER_BYTES).serve_connection(stream, service).await;
}
