//! Azure Blob Storage inside the test: answers as Microsoft's documentation of the REST interface says, as
//! far as one container needs it, keeps everything in memory, records every request and misbehaves on
//! demand. Over HTTP, or over HTTPS with a private certificate authority.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "every test target uses its own part of it")]

#[path = "azure_blobs.rs"]
mod blobs;
#[path = "azure_locks.rs"]
mod locks;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barkeep::store::{
    AzureOptions, AzureSecret, Container, ExclusivePut, Location, ObjectStore, Options, Patience,
};
use blobs::{Blobs, Reply};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode, Uri};
use jiff::Timestamp;
pub(crate) use locks::Immutability;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use url::form_urlencoded;

use super::listener;

pub(crate) const ACCOUNT: &str = "acct";
pub(crate) const CONTAINER: &str = "walcnt";

/// The account's key, which is not checked.
pub(crate) const KEY: &str = "aHVudGVyMg==";

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What a request met instead of, or on top of, its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status and this code, before anything is done.
    Answer(u16, &'static str),
    /// This status and these words in the body, as somebody on the way would say.
    Say(u16, &'static str),
    /// The connection ends without an answer.
    Reset,
    /// The request is carried out, and then the connection ends without an answer.
    LoseAnswer,
    /// No answer, ever; the body is not read.
    Stall,
    /// The request is carried out, and its answer comes so many milliseconds late.
    Late(u64),
    /// The answer's body ends after so many bytes, and the connection with it.
    Cut(usize),
    /// A byte of the request's body is another one.
    Damage,
    /// The answer's body comes one byte a second.
    Drip,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// A header's text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A word of the query; empty when it is absent.
    pub(crate) fn word(&self, name: &str) -> String {
        let mut words = form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        words.find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    }

    /// The ids of the blocks that it commits.
    pub(crate) fn ids(&self) -> Vec<Vec<u8>> {
        blobs::ids(&self.body)
    }
}

/// The service. Dropping it ends it.
pub(crate) struct Azure {
    address: SocketAddr,
    shared: Arc<Shared>,
    ca: Option<String>,
    accepting: JoinHandle<()>,
    directory: TempDir,
}

#[derive(Default)]
struct Shared {
    blobs: Mutex<Blobs>,
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<(Method, usize, Fault)>>,
    puts: AtomicUsize,
    most_puts: AtomicUsize,
}

impl Azure {
    /// A service with one empty container, over HTTP.
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// The same over HTTPS.
    pub(crate) async fn start_tls() -> Self {
        Self::start_with(Some(listener::certify())).await
    }

    async fn start_with(tls: Option<(String, TlsAcceptor)>) -> Self {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ca, acceptor) = tls.unzip();
        let accepting = tokio::spawn({
            let shared = shared.clone();
            listener::accept(listener, acceptor, move |request| answer(shared.clone(), request))
        });
        Self { address, shared, ca, accepting, directory: tempfile::tempdir().unwrap() }
    }

    /// The container.
    pub(crate) fn container(&self) -> Container {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        let service = format!("{scheme}://localhost:{}/{ACCOUNT}", self.address.port());
        Container { service, account: ACCOUNT.to_owned(), name: CONTAINER.to_owned() }
    }

    /// Lets the `nth` request (from 1) with this method meet a fault.
    pub(crate) fn fault(&self, method: Method, nth: usize, fault: Fault) {
        self.shared.faults.lock().unwrap().push((method, nth, fault));
    }

    /// Everything that came so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests with this method came.
    pub(crate) fn count(&self, method: &Method) -> usize {
        self.seen().iter().filter(|seen| seen.method == *method).count()
    }

    /// How many PUTs were under way at once at most.
    pub(crate) fn most_puts_at_once(&self) -> usize {
        self.shared.most_puts.load(Ordering::SeqCst)
    }

    /// Forgets what came; faults count from here.
    pub(crate) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
        self.shared.faults.lock().unwrap().clear();
    }

    /// Stores an object past all requests.
    pub(crate) fn place(&self, name: &str, body: &'static [u8]) {
        self.shared.blobs.lock().unwrap().place(name, body);
    }

    /// What becomes of immutability in the container from now on.
    pub(crate) fn be_immutable(&self, immutability: Immutability) {
        self.shared.blobs.lock().unwrap().locks.immutability = immutability;
    }

    /// Whether who asks may set immutability policies.
    pub(crate) fn let_lock(&self, may: bool) {
        self.shared.blobs.lock().unwrap().locks.may_not_lock = !may;
    }

    /// Whether who asks is told of the container's properties.
    pub(crate) fn let_ask_of_container(&self, may: bool) {
        self.shared.blobs.lock().unwrap().locks.may_not_ask = !may;
    }

    /// Puts an object under a legal hold, or lifts it.
    pub(crate) fn hold(&self, name: &str, is_held: bool) {
        self.shared.blobs.lock().unwrap().hold(name, is_held);
    }

    /// Sets its clock, by which locks end.
    pub(crate) fn set_clock(&self, now: Timestamp) {
        self.shared.blobs.lock().unwrap().locks.now = Some(now);
    }

    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.shared.blobs.lock().unwrap().names()
    }

    /// Options that lead here, with the account's key.
    pub(crate) fn options(&self) -> Options {
        let ca_bundle = self.ca.as_ref().map(|pem| {
            let path = self.directory.path().join("ca.pem");
            std::fs::write(&path, pem).unwrap();
            path
        });
        let secret = Some(AzureSecret::Key(KEY.to_owned()));
        Options { azure: AzureOptions { secret, ca_bundle, ..AzureOptions::default() }, ..Options::default() }
    }

    /// The store in the container, below a path, opened like a command does.
    pub(crate) async fn open(&self) -> Arc<dyn ObjectStore> {
        self.open_with(&self.options(), ExclusivePut::ByService, &patience()).await
    }

    /// The same, otherwise.
    pub(crate) async fn open_with(
        &self,
        options: &Options,
        exclusive: ExclusivePut,
        patience: &Patience,
    ) -> Arc<dyn ObjectStore> {
        let location = Location::Azure { container: self.container(), path: "some/path".to_owned() };
        location.open(options, exclusive, patience).await.unwrap()
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Patience that suits a service on the same machine.
pub(crate) fn patience() -> Patience {
    let (retry_for, grace) = (Duration::from_secs(5), Duration::from_secs(5));
    Patience { retry_for, grace, ..Patience::default() }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let (place, fault) = shared.record(&parts.method, &parts.uri, &parts.headers);
    match fault {
        Some(Fault::Reset) => return Err("reset on purpose".into()),
        Some(Fault::Stall) => std::future::pending().await,
        _ => {}
    }
    let is_put = parts.method == Method::PUT;
    if is_put {
        shared.most_puts.fetch_max(shared.puts.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    }
    let body = body.collect().await;
    if is_put {
        // Long enough for those sent at once to meet.
        tokio::time::sleep(Duration::from_millis(1)).await;
        shared.puts.fetch_sub(1, Ordering::SeqCst);
    }
    let mut body = body?.to_bytes();
    if fault == Some(Fault::Damage) {
        let mut damaged = body.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        body = damaged.into();
    }
    let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    if let Some(kept) = shared.seen.lock().unwrap().get_mut(place) {
        kept.body = seen.body.clone();
    }
    let reply = match fault {
        Some(Fault::Answer(status, code)) => Reply::refusal(status, code),
        Some(Fault::Say(status, words)) => Reply::new(status, words),
        _ => shared.blobs.lock().unwrap().answer(&seen),
    };
    if let Some(Fault::Late(ms)) = fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    match fault {
        Some(Fault::LoseAnswer) => Err("answer lost on purpose".into()),
        Some(Fault::Cut(length)) => Ok(response(&seen, reply, Some((length, Duration::from_millis(50))))),
        Some(Fault::Drip) => Ok(response(&seen, reply, Some((1, Duration::from_secs(1))))),
        _ => Ok(response(&seen, reply, None)),
    }
}

impl Shared {
    /// Records a request and tells its place in the record and what it is to meet.
    fn record(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> (usize, Option<Fault>) {
        let mut seen = self.seen.lock().unwrap();
        let (method, uri, headers) = (method.clone(), uri.clone(), headers.clone());
        seen.push(Seen { method: method.clone(), uri, headers, body: Bytes::new() });
        let nth = seen.iter().filter(|seen| seen.method == method).count();
        let faults = self.faults.lock().unwrap();
        let fault = faults.iter().find(|(of, n, _)| (of, *n) == (&method, nth)).map(|(_, _, fault)| *fault);
        (seen.len() - 1, fault)
    }
}

/// The answer on its way; `broken` is after how many bytes its body ends early, or pauses each time.
fn response(seen: &Seen, reply: Reply, broken: Option<(usize, Duration)>) -> Response<Body> {
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response = response.header("x-ms-request-id", "REQ1").header("content-length", reply.length());
    let whole = if seen.method == Method::HEAD { Bytes::new() } else { reply.body };
    let frames: Vec<Result<Frame<Bytes>, BoxError>> = match broken {
        None => vec![Ok(Frame::data(whole))],
        Some((length, pause)) if pause < Duration::from_secs(1) => {
            vec![Ok(Frame::data(whole.slice(..length))), Err("cut on purpose".into())]
        }
        Some(_) => (0..whole.len()).map(|n| Ok(Frame::data(whole.slice(n..=n)))).collect(),
    };
    let pause = broken.map_or(Duration::ZERO, |(_, pause)| pause);
    // The pause lets the first bytes out before the connection ends.
    let frames = stream::iter(frames).then(move |frame| async move {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        frame
    });
    response.body(StreamBody::new(frames).boxed_unsync()).unwrap()
}
