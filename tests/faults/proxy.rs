//! A proxy between a verb and a store, in which requests meet their faults.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::fault::{Asked, Fault, Plan};
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
    /// One request at a time is carried out: a condition must hold until what it allows is done, and not every
    /// service here sees to that.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    seen: Vec<String>,
    /// The request that is to meet it has come.
    met: bool,
    /// A fault would have changed nothing.
    spared: bool,
    /// Which bit of a body is flipped; without it, one in the middle.
    bit: Option<usize>,
}

impl Proxy {
    /// In front of a service that listens on this port.
    pub(crate) async fn start(target: u16, service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target,
            service,
            state: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        });
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

    /// The same with this bit of a body that is flipped, counted from its beginning, and from there again when
    /// the body is shorter.
    pub(crate) fn begin_with_bit(&self, plan: Plan, bit: usize) {
        *self.shared.state.lock().unwrap() = State { plan: Some(plan), bit: Some(bit), ..State::default() };
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
        let Ok((tcp, twin)) = twins(tcp) else { return };
        tokio::spawn(async move {
            let twin = Arc::new(twin);
            let answer = service_fn(move |request| answer(Arc::clone(&shared), Arc::clone(&twin), request));
            // An error is a connection that ended early, which faults do on purpose.
            let _ =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tcp), answer).await;
        });
    }
}

/// A connection to serve, and the same one to reset.
fn twins(tcp: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let tcp = tcp.into_std()?;
    let twin = tcp.try_clone()?;
    Ok((TcpStream::from_std(tcp)?, TcpStream::from_std(twin)?))
}

async fn answer(
    shared: Arc<Shared>,
    twin: Arc<TcpStream>,
    request: Request<Incoming>,
) -> Result<Response<Body>, BoxError> {
    let fault = shared.record(request.method(), request.uri());
    match fault {
        Some(Fault::Reset) => {
            twin.set_zero_linger()?;
            return Err("reset on purpose".into());
        }
        Some(Fault::Stall) => std::future::pending().await,
        _ => {}
    }
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if fault == Some(Fault::Drip) {
        // Buffers on the way take more than any body here has, so the client sees just this: nothing.
        tokio::time::sleep(DRIP * u32::try_from(body.len()).unwrap_or(u32::MAX)).await;
    }
    if let Some(fault @ (Fault::Error | Fault::SlowDown | Fault::Expired)) = fault {
        return Ok(shared.service.refusal(fault).map(whole));
    }
    parts.headers.remove(hyper::header::TRANSFER_ENCODING);
    parts.headers.remove(hyper::header::EXPECT);
    let flips_request = fault == Some(Fault::Flip) && !body.is_empty();
    let body = if flips_request { flipped(&shared, &body) } else { body };
    if fault == Some(Fault::Twice) {
        carried(&shared, Request::from_parts(parts.clone(), body.clone())).await?;
    }
    let (method, request) = (parts.method.clone(), Request::from_parts(parts, body));
    let response = carried(&shared, request).await?;
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
            Ok(Response::from_parts(head, whole(flipped(&shared, &content))))
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
    let grace = shared.state.lock().unwrap().plan.as_ref().map_or(Duration::ZERO, Plan::grace);
    grace + Duration::from_secs(2)
}

impl Shared {
    /// Records a request and tells what it is to meet.
    fn record(&self, method: &Method, uri: &Uri) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let what = Service::told(method, uri);
        let before = state.seen.iter().filter(|earlier| **earlier == what).count();
        state.seen.push(what.clone());
        let plan = state.plan.clone()?;
        let is_aim = plan.at == Asked { what, before };
        let meets = is_aim || plan.lasting && state.met;
        state.met |= is_aim;
        meets.then_some(plan.fault)
    }
}

/// One request to the service, carried out also when nobody waits for its answer any more.
async fn carried(shared: &Arc<Shared>, request: Request<Bytes>) -> Result<Response<Bytes>, BoxError> {
    let shared = Arc::clone(shared);
    let carrying = tokio::spawn(async move {
        let _turn = shared.turn.lock().await;
        let tcp = TcpStream::connect(("127.0.0.1", shared.target)).await?;
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

fn flipped(shared: &Shared, body: &Bytes) -> Bytes {
    let mut body = body.to_vec();
    let bit = shared.state.lock().unwrap().bit.unwrap_or(body.len() / 2 * 8) % (body.len() * 8);
    body[bit / 8] ^= 1 << (bit % 8);
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
