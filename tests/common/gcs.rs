//! Google Cloud Storage inside the test: what Barkeep asks of it, answered as Google documents it for the JSON
//! and the XML interface, from memory, behind a layer that records every request and misbehaves on demand.
//! Conditions are enforced, pages are small, tokens are checked. Or else an emulator like those that can be
//! installed: without XML interface, conditions, paging, and headers about an object.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "every test target uses its own part of it")]

#[path = "gcs_bucket.rs"]
mod bucket;
#[path = "gcs_locks.rs"]
mod locks;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barkeep::store::{ExclusivePut, GcsOptions, GcsStore, Key, ObjectStore, Patience, Patient};
use bucket::{Asked, Bucket};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, Uri};
pub(crate) use locks::{Hold, Retentions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::listener;

pub(crate) const BUCKET: &str = "walbkt";

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What a request met instead of, or on top of, its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status and this reason, before anything is done.
    Answer(u16, &'static str),
    /// This status and these words in the body, before anything is done.
    Say(u16, &'static str),
    /// The connection ends without an answer.
    Reset,
    /// The request is carried out, and then the connection ends without an answer.
    LoseAnswer,
    /// No answer, ever; nor is the body read.
    Stall,
    /// The request is carried out, and its answer comes so many milliseconds late.
    Late(u64),
    /// The answer's body ends after so many bytes, and the connection with it.
    Cut(usize),
    /// Only so many bytes of the request's body are kept.
    Take(usize),
    /// A byte of the request's body is another one.
    Damage,
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

    /// A parameter's text; empty when it is absent.
    pub(crate) fn query(&self, name: &str) -> String {
        bucket::word(&self.uri, name).unwrap_or_default()
    }

    /// The description of a new object that its body begins with or is.
    pub(crate) fn description(&self) -> serde_json::Value {
        bucket::described(self.header("content-type"), &self.body).0
    }
}

/// The service. Dropping it ends it.
pub(crate) struct Gcs {
    address: SocketAddr,
    shared: Arc<Shared>,
    ca: Option<String>,
    accepting: JoinHandle<()>,
    directory: TempDir,
}

struct Shared {
    bucket: Mutex<Bucket>,
    is_emulator: bool,
    scheme: &'static str,
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<(Method, usize, Fault)>>,
    tokens: Mutex<Tokens>,
}

/// Tokens that were given; only the last one is good, unless they last.
#[derive(Default)]
struct Tokens {
    given: usize,
    revoked: bool,
    last: bool,
}

impl Gcs {
    /// The service, over HTTP.
    pub(crate) async fn start() -> Self {
        Self::start_with(false, false).await
    }

    /// The same over HTTPS.
    pub(crate) async fn start_tls() -> Self {
        Self::start_with(false, true).await
    }

    /// An emulator.
    pub(crate) async fn start_emulator() -> Self {
        Self::start_with(true, false).await
    }

    async fn start_with(is_emulator: bool, tls: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (bucket, seen, faults, tokens) = Default::default();
        let scheme = if tls { "https" } else { "http" };
        let shared = Arc::new(Shared { bucket, is_emulator, scheme, seen, faults, tokens });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ca, acceptor) = tls.then(listener::certify).unzip();
        let accepting = tokio::spawn({
            let shared = shared.clone();
            listener::accept(listener, acceptor, move |request| answer(shared.clone(), request))
        });
        Self { address, shared, ca, accepting, directory }
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        format!("{}://localhost:{}", self.shared.scheme, self.address.port())
    }

    /// Lets the `nth` request (from 1) with this method meet a fault.
    pub(crate) fn fault(&self, method: Method, nth: usize, fault: Fault) {
        self.shared.faults.lock().unwrap().push((method, nth, fault));
    }

    /// Everything that came so far, in order, but for what was signed in.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests with this method came.
    pub(crate) fn count(&self, method: &Method) -> usize {
        self.seen().iter().filter(|seen| seen.method == *method).count()
    }

    /// Forgets what came; faults count from here.
    pub(crate) fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
        self.shared.faults.lock().unwrap().clear();
    }

    /// Changes what the bucket knows of retention.
    pub(crate) fn retentions(&self, change: impl FnOnce(&mut Retentions)) {
        change(&mut self.shared.bucket.lock().unwrap().retentions);
    }

    /// Puts an object under a hold, or lifts it.
    pub(crate) fn hold(&self, name: &str, hold: Option<Hold>) {
        self.shared.bucket.lock().unwrap().hold(name, hold);
    }

    /// The names of all objects.
    pub(crate) fn names(&self) -> Vec<String> {
        self.shared.bucket.lock().unwrap().names()
    }

    /// How many tokens were given.
    pub(crate) fn tokens_given(&self) -> usize {
        self.shared.tokens.lock().unwrap().given
    }

    /// From now on the token last given is refused.
    pub(crate) fn revoke(&self) {
        self.shared.tokens.lock().unwrap().revoked = true;
    }

    /// Every token stays good that was given, for several who sign in.
    pub(crate) fn let_tokens_last(&self) {
        self.shared.tokens.lock().unwrap().last = true;
    }

    /// Options that lead here: to sign in as a user, or to an emulator as nobody.
    pub(crate) fn options(&self) -> GcsOptions {
        let file = |name: &str, text: &str| {
            let path = self.directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let credentials = serde_json::json!({
            "type": "authorized_user", "client_id": "barkeep", "client_secret": "hunter2",
            "refresh_token": "hunter2", "project_id": "walproject", "token_uri": format!("{}/token", self.endpoint()),
        });
        let anonymous = self.shared.is_emulator;
        GcsOptions {
            endpoint: Some(self.endpoint()),
            credentials_file: (!anonymous).then(|| file("credentials.json", &credentials.to_string())),
            ca_bundle: self.ca.as_ref().map(|pem| file("ca.pem", pem)),
            anonymous,
            ..GcsOptions::default()
        }
    }

    /// The store in the bucket, below a path, opened like a command does.
    pub(crate) async fn open(&self) -> Arc<dyn ObjectStore> {
        open(&self.options(), ExclusivePut::ByService, &patience()).await
    }

    /// The same as another process does after one that kept its token: it takes that.
    pub(crate) async fn open_with_kept_token(&self) -> Arc<dyn ObjectStore> {
        let (options, tokens, patience) = (self.options(), self.directory.path().join("tokens"), patience());
        let open = || {
            GcsStore::open(BUCKET, "some/path", &options, Some(&tokens), ExclusivePut::ByService, &patience)
        };
        open().await.unwrap().head(&Key::new("nothing").unwrap()).await.unwrap();
        self.forget();
        Arc::new(Patient::new(Arc::new(open().await.unwrap()), patience.clone()))
    }
}

impl Drop for Gcs {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Opens the store in the bucket, below a path.
pub(crate) async fn open(
    options: &GcsOptions,
    exclusive: ExclusivePut,
    patience: &Patience,
) -> Arc<dyn ObjectStore> {
    let store = GcsStore::open(BUCKET, "some/path", options, None, exclusive, patience).await.unwrap();
    Arc::new(Patient::new(Arc::new(store), patience.clone()))
}

/// Patience that suits a service on the same machine.
pub(crate) fn patience() -> Patience {
    let (retry_for, grace) = (Duration::from_secs(5), Duration::from_secs(5));
    Patience { retry_for, grace, ..Patience::default() }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    if request.uri().path() == "/token" {
        request.into_body().collect().await?;
        return Ok(shared.give_token());
    }
    let (at, fault) = shared.record(&request);
    match fault {
        Some(Fault::Reset) => return Err("reset on purpose".into()),
        Some(Fault::Stall) => std::future::pending().await,
        _ => {}
    }
    let (head, body) = request.into_parts();
    // Only what has been read whole gets its answer through to the client for certain.
    let mut body = body.collect().await?.to_bytes();
    shared.seen.lock().unwrap()[at].body = body.clone();
    let is_xml = bucket::is_xml(&head.uri);
    match fault {
        Some(Fault::Answer(status, reason)) => return Ok(whole(bucket::refusal(is_xml, status, reason, ""))),
        Some(Fault::Say(status, words)) => return Ok(whole(bucket::plain(status, words))),
        Some(Fault::Damage) => body = bucket::damaged(&body),
        _ => {}
    }
    if !shared.is_authorized(&head.uri, &head.headers) {
        return Ok(whole(bucket::refusal(is_xml, 401, "authError", "Invalid Credentials")));
    }
    let taken = match fault {
        Some(Fault::Take(bytes)) => Some(bytes),
        _ => None,
    };
    let (method, uri, headers, scheme) = (head.method, head.uri, head.headers, shared.scheme);
    let asked = Asked { method, uri, headers, body, taken, scheme };
    let emulates = shared.is_emulator;
    let response = shared.bucket.lock().unwrap().answer(&asked, emulates);
    match fault {
        Some(Fault::Late(ms)) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Some(Fault::LoseAnswer) => return Err("answer lost on purpose".into()),
        Some(Fault::Cut(length)) => return Ok(cut(response, length)),
        _ => {}
    }
    Ok(whole(response))
}

impl Shared {
    /// Records a request and tells which it is and what it is to meet.
    fn record(&self, request: &Request<Incoming>) -> (usize, Option<Fault>) {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (headers, body) = (request.headers().clone(), Bytes::new());
        let mut seen = self.seen.lock().unwrap();
        seen.push(Seen { method: method.clone(), uri, headers, body });
        let nth = seen.iter().filter(|seen| seen.method == method).count();
        let faults = self.faults.lock().unwrap();
        let fault = faults.iter().find(|(of, n, _)| (of, *n) == (&method, nth)).map(|(_, _, fault)| *fault);
        (seen.len() - 1, fault)
    }

    fn give_token(&self) -> Response<Body> {
        let mut tokens = self.tokens.lock().unwrap();
        tokens.given += 1;
        tokens.revoked = false;
        let token = serde_json::json!({
            "access_token": format!("token-{}", tokens.given), "expires_in": 3600, "token_type": "Bearer",
        });
        whole(bucket::json(200, &token))
    }

    /// A session is its own authorization, and an emulator asks for none.
    fn is_authorized(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let tokens = self.tokens.lock().unwrap();
        let good = format!("Bearer token-{}", tokens.given);
        let told = headers.get("authorization").and_then(|value| value.to_str().ok());
        if self.is_emulator || bucket::word(uri, "upload_id").is_some() {
            return told.is_none();
        }
        let is_good = |told: &str| told == good || tokens.last && told.starts_with("Bearer token-");
        told.is_some_and(is_good) && !tokens.revoked
    }
}

fn whole(response: Response<Bytes>) -> Response<Body> {
    response.map(|body| Full::new(body).map_err(|e| match e {}).boxed_unsync())
}

fn cut(response: Response<Bytes>, length: usize) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    parts.headers.insert("content-length", body.len().into());
    let frames = [Ok(Frame::data(body.slice(..length))), Err("cut on purpose".into())];
    // The pause lets the first bytes out before the connection ends.
    let frames = stream::iter(frames).then(|frame| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        frame
    });
    Response::from_parts(parts, StreamBody::new(frames).boxed_unsync())
}
