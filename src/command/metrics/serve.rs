//! A small HTTP server for Prometheus: `/metrics`, `/healthz`, and nothing else.
//!
//! The archive is looked at when somebody asks and the last look is older than the interval; so scrapes,
//! however many, cost one look per interval, and none when nobody scrapes. One task looks, and whoever asks
//! meanwhile waits for it, or is given the look before it when that takes too long for a scrape.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::Gatherer;
use crate::command::exposition::MEDIA_TYPE;

/// As many connections at once; whoever comes next waits for one of them to end.
pub const MOST_CONNECTIONS: usize = 16;

/// A request has come within this time, or its connection is closed.
const REQUEST: Duration = Duration::from_secs(5);
/// A connection ends within this time, whatever becomes of it. Each is for one request.
const CONNECTION: Duration = Duration::from_secs(20);
/// So long a scrape waits for a look: less than the ten seconds after which Prometheus gives up.
const WAIT: Duration = Duration::from_secs(8);
/// Requests that are under way at the end have so long.
const PARTING: Duration = Duration::from_secs(2);
/// After a connection could not be taken (for want of descriptors, say) so long none is.
const PAUSE: Duration = Duration::from_millis(200);
/// The head of a request is no longer, in bytes.
const HEAD: usize = 16 << 10;

/// Serves until it is asked to stop.
pub async fn serve(
    listener: TcpListener,
    gatherer: &mut Gatherer<'_>,
    interval: Duration,
    clock: &dyn Fn() -> Timestamp,
    stop: &mut watch::Receiver<bool>,
) {
    let shelf = Arc::new(Shelf { last: watch::Sender::new(None), wanted: Notify::new(), interval });
    let mut connections = JoinSet::new();
    tokio::select! {
        () = look(gatherer, &shelf, clock) => {}
        () = accept(&listener, &shelf, &mut connections) => {}
        () = asked(stop) => {}
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // What has not ended by then is dropped with its set.
    let _ = tokio::time::timeout(PARTING, ended).await;
}

/// Ends when somebody asks for the end; never, when nobody can any more.
async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|asked| *asked).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The last look.
struct Shelf {
    last: watch::Sender<Option<Look>>,
    /// Somebody wants one that is not too old.
    wanted: Notify,
    interval: Duration,
}

#[derive(Clone)]
struct Look {
    text: Bytes,
    at: Instant,
}

impl Shelf {
    fn fresh(&self) -> Option<Look> {
        self.last.borrow().clone().filter(|look| look.at.elapsed() < self.interval)
    }

    /// A look that is not too old, or else the last there is; `None` when there is none yet.
    async fn take(&self) -> Option<Look> {
        let mut next = self.last.subscribe();
        if let Some(look) = self.fresh() {
            return Some(look);
        }
        self.wanted.notify_one();
        let _ = tokio::time::timeout(WAIT, next.changed()).await;
        self.last.borrow().clone()
    }
}

/// Looks whenever one is wanted. Never ends.
async fn look(gatherer: &mut Gatherer<'_>, shelf: &Shelf, clock: &dyn Fn() -> Timestamp) {
    loop {
        shelf.wanted.notified().await;
        if shelf.fresh().is_some() {
            continue;
        }
        let told = gatherer.gather(clock()).await;
        if let Some(e) = &told.failure {
            tracing::warn!("the archive could not be looked at: {e}");
        }
        let text = Bytes::from(told.exposition.to_string());
        shelf.last.send_replace(Some(Look { text, at: Instant::now() }));
    }
}

/// Takes connections, each on a task of its own. Never ends.
async fn accept(listener: &TcpListener, shelf: &Arc<Shelf>, connections: &mut JoinSet<()>) {
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // Nobody closes it.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream, Arc::clone(shelf), place))),
            Err(e) => {
                tracing::warn!("a connection could not be taken: {e}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Answers the one request of a connection.
async fn converse(stream: TcpStream, shelf: Arc<Shelf>, place: OwnedSemaphorePermit) {
    let service = service_fn(|request| answer(request, Arc::clone(&shelf)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .keep_alive(false)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(CONNECTION, served).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::debug!("a connection failed: {e}"),
        Err(_) => tracing::debug!("a connection took more than {CONNECTION:?}"),
    }
    drop(place);
}

async fn answer(request: Request<Incoming>, shelf: Arc<Shelf>) -> Result<Response<Full<Bytes>>, Infallible> {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    Ok(match request.uri().path() {
        "/metrics" | "/healthz" if !reads => {
            let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "this is read with GET\n");
            refusal.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            refusal
        }
        "/metrics" => match shelf.take().await {
            Some(look) => body(StatusCode::OK, MEDIA_TYPE, look.text),
            None => plain(StatusCode::SERVICE_UNAVAILABLE, "the archive is being looked at; ask again\n"),
        },
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        _ => plain(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n"),
    })
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    body(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn body(status: StatusCode, kind: &'static str, text: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
