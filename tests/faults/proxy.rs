//! A proxy between a verb and a store, in which requests meet their faults.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::fault::{Fault, Plan};
use super::service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Between two bytes of what drips.
const DRIP: Duration = Duration::from_secs(1);

/// Carries requests to a service. Dropping it ends it.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    target: u16,
    service: Service,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    seen: Vec<String>,
    /// A fault would have changed nothing.
    spared: bool,
}

impl Proxy {
    /// In front of a service that listens on this port.
    pub(crate) async fn start(target: u16, service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { target, service, state: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, accepting }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Counts requests from here on, and lets them meet this.
    pub(crate) fn begin(&self, plan: Option<Plan>) {
        *self.shared.state.lock().unwrap() = State { plan, ..State::default() };
    }

    /// What was asked since then.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.state.lock().unwrap().seen.clone()
    }

    /// Whether the request that was to meet a fault had nothing that it could have changed.
    pub(crate) fn spared(&self) -> bool {
        self.shared.state.lock().unwrap().spared
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let wire = Arc::new(Wire { tcp, drips: AtomicBool::new(false) });
            let io = TokioIo::new(End { wire: Arc::clone(&wire), pause: None });
            let answer = service_fn(move |request| answer(Arc::clone(&shared), Arc::clone(&wire), request));
            // An error is a connection that ended early, which faults do on purpose.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, answer).await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    wire: Arc<Wire>,
    request: Request<Incoming>,
) -> Result<Response<Body>, BoxError> {
    let fault = shared.record(request.method(), request.uri());
    match fault {
        Some(Fault::Reset) => {
            wire.tcp.set_zero_linger()?;
            return Err("reset on purpose".into());
        }
        Some(Fault::Stall) => std::future::pending().await,
        Some(Fault::Drip) => wire.drips.store(true, Ordering::SeqCst),
        _ => {}
    }
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    wire.drips.store(false, Ordering::SeqCst);
    if let Some(fault @ (Fault::Error | Fault::SlowDown | Fault::Expired)) = fault {
        return Ok(shared.service.refusal(fault).map(whole));
    }
    parts.headers.remove(hyper::header::TRANSFER_ENCODING);
    parts.headers.remove(hyper::header::EXPECT);
    let flips_request = fault == Some(Fault::Flip) && !body.is_empty();
    let body = if flips_request { flipped(&body) } else { body };
    if fault == Some(Fault::Twice) {
        carried(shared.target, Request::from_parts(parts.clone(), body.clone())).await?;
    }
    let (method, request) = (parts.method.clone(), Request::from_parts(parts, body));
    let response = carried(shared.target, request).await?;
    let (head, content) = response.into_parts();
    // What has no body has nothing that can be cut or flipped, whatever length it announces.
    let is_empty = content.is_empty() || method == Method::HEAD;
    match fault {
        Some(Fault::Late) => {
            tokio::time::sleep(late(&shared)).await;
            Ok(Response::from_parts(head, whole(content)))
        }
        Some(Fault::Cut) if is_empty => Err("answer lost on purpose".into()),
        Some(Fault::Cut) => Ok(Response::from_parts(head, cut(&content))),
        Some(Fault::Drip) => Ok(Response::from_parts(head, dripping(content))),
        Some(Fault::Flip) if !flips_request && !is_empty => {
            Ok(Response::from_parts(head, whole(flipped(&content))))
        }
        Some(Fault::Flip) if !flips_request => {
            shared.state.lock().unwrap().spared = true;
            Ok(Response::from_parts(head, whole(content)))
        }
        _ => Ok(Response::from_parts(head, whole(content))),
    }
}

/// Later than anybody waits.
fn late(shared: &Shared) -> Duration {
    let grace = shared.state.lock().unwrap().plan.map_or(Duration::ZERO, Plan::grace);
    grace + Duration::from_secs(2)
}

impl Shared {
    /// Records a request and tells what it is to meet.
    fn record(&self, method: &Method, uri: &Uri) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        state.seen.push(self.service.told(method, uri));
        let n = state.seen.len();
        state.plan.filter(|plan| plan.meets(n)).map(|plan| plan.fault)
    }
}

/// One request to the service, carried out also when nobody waits for its answer any more.
async fn carried(port: u16, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let carrying = tokio::spawn(async move {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp)).await?;
        let driving = tokio::spawn(connection);
        let response = sender.send_request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        drop(sender);
        driving.abort();
        Ok::<_, BoxError>(Response::from_parts(head, body))
    });
    carrying.await?
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|e: std::convert::Infallible| match e {}).boxed_unsync()
}

fn flipped(body: &Bytes) -> Bytes {
    let mut body = body.to_vec();
    let middle = body.len() / 2;
    body[middle] ^= 1;
    body.into()
}

fn cut(body: &Bytes) -> Body {
    let frames = [Ok(Frame::data(body.slice(..body.len() / 2))), Err("cut on purpose".into())];
    // The pause lets the first bytes out before the connection ends.
    let frames = stream::iter(frames).then(|frame| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        frame
    });
    StreamBody::new(frames).boxed_unsync()
}

fn dripping(body: Bytes) -> Body {
    let bytes = stream::iter((0..body.len()).map(move |n| body.slice(n..=n))).then(|byte| async {
        tokio::time::sleep(DRIP).await;
        Ok(Frame::data(byte))
    });
    StreamBody::new(bytes).boxed_unsync()
}

/// A connection that can be reset, and that can be read one byte at a time, by whoever serves it.
struct Wire {
    tcp: TcpStream,
    drips: AtomicBool,
}

/// The end that is served.
struct End {
    wire: Arc<Wire>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for End {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let drips = this.wire.drips.load(Ordering::SeqCst);
        if drips {
            let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(DRIP)));
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        loop {
            ready!(this.wire.tcp.poll_read_ready(cx))?;
            let room = into.initialize_unfilled();
            let most = if drips { room.len().min(1) } else { room.len() };
            match this.wire.tcp.try_read(&mut room[..most]) {
                Ok(read) => {
                    into.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.wire.tcp.poll_write_ready(cx))?;
            match self.wire.tcp.try_write(bytes) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The socket is closed when the last owner drops it, which is at once.
        Poll::Ready(Ok(()))
    }
}
