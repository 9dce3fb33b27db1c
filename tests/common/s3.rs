//! An S3 service inside the test: s3s over a temporary directory, with signatures checked, behind a
//! layer that records every request and misbehaves on demand. Over HTTP, or over HTTPS with a private
//! certificate authority.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "every test target uses its own part of it")]

#[path = "policy.rs"]
pub(crate) mod policy;
#[path = "s3_uploads.rs"]
mod uploads;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barkeep::store::{AccessKeys, ExclusivePut, Location, ObjectStore, Options, Patience, S3Options};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode, Uri};
use policy::{Deed, Policy};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uploads::Uploads;

use super::listener;

pub(crate) const BUCKET: &str = "walbkt";
pub(crate) const ACCESS_KEY: &str = "AKTEST";
pub(crate) const SECRET_KEY: &str = "SKTEST";

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What a request met instead of, or on top of, its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This status and this code, before anything is done.
    Answer(u16, &'static str),
    /// The connection ends without an answer.
    Reset,
    /// The request is carried out, and then the connection ends without an answer.
    LoseAnswer,
    /// No answer, ever.
    Stall,
    /// The request is carried out, and its answer comes so many milliseconds late.
    Late(u64),
    /// The answer's body ends after so many bytes, and the connection with it.
    Cut(usize),
    /// The answer's body comes one byte a second.
    Drip,
}

/// How a service treats `If-None-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Condition {
    #[default]
    Honoured,
    /// As if it were not there, like Garage.
    Ignored,
    /// 501, like services that know they do not know it.
    Unknown,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    /// A header's text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The public half of the key that signed it.
    pub(crate) fn access_key(&self) -> &str {
        let signature = self.header("authorization");
        let credential = signature.split_once("Credential=").map_or("", |(_, rest)| rest);
        credential.split('/').next().unwrap()
    }
}

/// The service. Dropping it ends it.
pub(crate) struct S3 {
    address: SocketAddr,
    shared: Arc<Shared>,
    ca: Option<String>,
    accepting: JoinHandle<()>,
    directory: TempDir,
}

struct Shared {
    service: Option<S3Service>,
    condition: Condition,
    seen: Mutex<Vec<Seen>>,
    faults: Mutex<Vec<(Method, usize, Fault)>>,
    uploads: Uploads,
    ending: tokio::sync::Mutex<()>,
    puts: AtomicUsize,
    most_puts: AtomicUsize,
    /// What whoever asks may do.
    policy: Mutex<Option<Policy>>,
    /// What was tried all the same.
    denied: Mutex<Vec<Deed>>,
}

impl S3 {
    /// A service that keeps objects, over HTTP.
    pub(crate) async fn start() -> Self {
        Self::start_with(true, Condition::Honoured, None).await
    }

    /// The same over HTTPS; [`ca_pem`](Self::ca_pem) is whom to trust.
    pub(crate) async fn start_tls() -> Self {
        Self::start_with(true, Condition::Honoured, Some((1975, 4096))).await
    }

    /// The same with a certificate that is valid from the first of these years to the second.
    pub(crate) async fn start_tls_between(from: i32, to: i32) -> Self {
        Self::start_with(true, Condition::Honoured, Some((from, to))).await
    }

    /// A service that treats `If-None-Match` in its own way.
    pub(crate) async fn start_conditional(condition: Condition) -> Self {
        Self::start_with(true, condition, None).await
    }

    /// A service that keeps nothing and is content with everything: for what goes over the wire.
    pub(crate) async fn start_recording() -> Self {
        Self::start_with(false, Condition::Honoured, None).await
    }

    /// The same over HTTPS.
    pub(crate) async fn start_recording_tls() -> Self {
        Self::start_with(false, Condition::Honoured, Some((1975, 4096))).await
    }

    async fn start_with(keeps: bool, condition: Condition, tls: Option<(i32, i32)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(BUCKET)).unwrap();
        let service = keeps.then(|| {
            let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(directory.path()).unwrap());
            // A condition that is taken out of a request breaks its signature.
            if condition != Condition::Ignored {
                builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
            }
            builder.build()
        });
        let (seen, faults, uploads, ending) = Default::default();
        let (puts, most_puts, policy, denied) = Default::default();
        let shared = Arc::new(Shared {
            service,
            condition,
            seen,
            faults,
            uploads,
            ending,
            puts,
            most_puts,
            policy,
            denied,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ca, acceptor) = tls.map(|(from, to)| listener::certify_between(from, to)).unzip();
        let accepting = tokio::spawn({
            let shared = shared.clone();
            listener::accept(listener, acceptor, move |request| answer(shared.clone(), request))
        });
        Self { address, shared, ca, accepting, directory }
    }

    /// Where it listens, as an endpoint.
    pub(crate) fn endpoint(&self) -> String {
        let scheme = if self.ca.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    /// The certificate authority to trust.
    pub(crate) fn ca_pem(&self) -> &str {
        self.ca.as_deref().unwrap()
    }

    /// Lets the `nth` request (from 1) with this method meet a fault.
    pub(crate) fn fault(&self, method: Method, nth: usize, fault: Fault) {
        self.shared.faults.lock().unwrap().push((method, nth, fault));
    }

    /// Lets who asks do no more than this from now on.
    pub(crate) fn allow_only(&self, policy: Policy) {
        *self.shared.policy.lock().unwrap() = Some(policy);
    }

    /// Lets who asks do everything again, and tells what was tried and refused.
    pub(crate) fn allow_everything(&self) -> Vec<Deed> {
        *self.shared.policy.lock().unwrap() = None;
        std::mem::take(&mut *self.shared.denied.lock().unwrap())
    }

    /// Everything that came so far, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// How many requests with this method came.
    pub(crate) fn count(&self, method: &Method) -> usize {
        self.seen().iter().filter(|seen| seen.method == *method).count()
    }

    /// Where it keeps what has this name.
    pub(crate) fn folder(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(BUCKET).join(name)
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

    /// Options that lead here, with the right keys.
    pub(crate) fn options(&self) -> Options {
        let keys = AccessKeys { id: ACCESS_KEY.into(), secret: SECRET_KEY.into(), session_token: None };
        let ca_bundle = self.ca.as_ref().map(|pem| {
            let path = self.directory.path().join("ca.pem");
            std::fs::write(&path, pem).unwrap();
            path
        });
        let endpoint = Some(self.endpoint());
        Options {
            s3: S3Options { endpoint, keys: Some(keys), ca_bundle, ..S3Options::default() },
            ..Options::default()
        }
    }

    /// The store in the bucket, below a path, opened like a command does.
    pub(crate) async fn open(&self) -> Arc<dyn ObjectStore> {
        open(&self.options(), ExclusivePut::Trusted, &patience()).await
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Opens the store in the bucket, below a path.
pub(crate) async fn open(
    options: &Options,
    exclusive: ExclusivePut,
    patience: &Patience,
) -> Arc<dyn ObjectStore> {
    let location: Location = format!("s3://{BUCKET}/some/path").parse().unwrap();
    location.open(options, exclusive, patience).await.unwrap()
}

/// Patience that suits a service on the same machine.
pub(crate) fn patience() -> Patience {
    let (retry_for, grace) = (Duration::from_secs(5), Duration::from_secs(5));
    Patience { retry_for, grace, ..Patience::default() }
}

async fn answer(shared: Arc<Shared>, mut request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let fault = shared.record(&request);
    match fault {
        Some(Fault::Answer(status, code)) => {
            // Only what has been read whole gets its answer through to the client for certain.
            let _ = request.into_body().collect().await;
            return Ok(refusal(status, code));
        }
        Some(Fault::Reset) => return Err("reset on purpose".into()),
        Some(Fault::Stall) => std::future::pending().await,
        _ => {}
    }
    if let Err(deed) = shared.judge(&request) {
        let _ = request.into_body().collect().await;
        shared.denied.lock().unwrap().push(deed);
        return Ok(refusal(403, "AccessDenied"));
    }
    if shared.condition == Condition::Ignored {
        request.headers_mut().remove("if-none-match");
        request.headers_mut().remove("authorization");
    }
    if shared.condition == Condition::Unknown && request.headers().contains_key("if-none-match") {
        let _ = request.into_body().collect().await;
        return Ok(refusal(501, "NotImplemented"));
    }
    let response = match &shared.service {
        Some(_) if Uploads::is_asked_for(request.method(), request.uri()) => {
            answered(shared.uploads.page(request.uri()))
        }
        // A client that gives up waiting drops its connection, and S3 would go on all the same.
        Some(_) if Uploads::ends_one(request.method(), request.uri()) => {
            tokio::spawn(ended(Arc::clone(&shared), request)).await??
        }
        Some(service) => kept(service, request, &shared).await?,
        None => content(request).await?,
    };
    if let Some(Fault::Late(ms)) = fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    match fault {
        Some(Fault::LoseAnswer) => Err("answer lost on purpose".into()),
        Some(Fault::Cut(length)) => Ok(cut(response, length).await),
        Some(Fault::Drip) => Ok(drip(response).await),
        _ => Ok(response),
    }
}

impl Shared {
    fn judge(&self, request: &Request<Incoming>) -> Result<(), Deed> {
        let policy = self.policy.lock().unwrap();
        policy
            .as_ref()
            .map_or(Ok(()), |policy| policy.judge(request.method(), request.uri(), request.headers()))
    }

    /// Records a request and tells what it is to meet.
    fn record(&self, request: &Request<Incoming>) -> Option<Fault> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let mut seen = self.seen.lock().unwrap();
        seen.push(Seen { method: method.clone(), uri, headers: request.headers().clone() });
        let nth = seen.iter().filter(|seen| seen.method == method).count();
        let faults = self.faults.lock().unwrap();
        faults.iter().find(|(of, n, _)| (of, *n) == (&method, nth)).map(|(_, _, fault)| *fault)
    }
}

/// Ends an upload, one after the other: of two who end the same, the second must see that it is gone.
async fn ended(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let _alone = shared.ending.lock().await;
    match &shared.service {
        Some(service) if !shared.uploads.is_gone(request.uri()) => kept(service, request, &shared).await,
        _ => {
            let _ = request.into_body().collect().await;
            Ok(refusal(404, "NoSuchUpload"))
        }
    }
}

async fn kept(
    service: &S3Service,
    request: Request<Incoming>,
    shared: &Shared,
) -> Result<Response<Body>, BoxError> {
    let (method, uri) = (request.method().clone(), request.uri().clone());
    if method == Method::PUT {
        shared.most_puts.fetch_max(shared.puts.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    }
    let response = service.call(request.map(s3s::Body::from)).await;
    if method == Method::PUT {
        shared.puts.fetch_sub(1, Ordering::SeqCst);
    }
    let response = response.map_err(|e| format!("{e:?}"))?.map(BodyExt::boxed_unsync);
    if !matches!(method, Method::POST | Method::DELETE) || !response.status().is_success() {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    shared.uploads.note(&method, &uri, &String::from_utf8_lossy(&body));
    Ok(Response::from_parts(parts, whole(body)))
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|e: Infallible| match e {}).boxed_unsync()
}

fn answered(text: String) -> Response<Body> {
    Response::new(whole(text.into()))
}

/// An answer that pleases every request.
async fn content(request: Request<Incoming>) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    body.collect().await?;
    let query = parts.uri.query().unwrap_or_default();
    let text = match parts.method {
        Method::POST if query.contains("uploads") => {
            "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"
        }
        Method::POST if query.contains("delete") => "<DeleteResult></DeleteResult>",
        Method::POST => "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>",
        _ => "",
    };
    let body =
        Full::new(Bytes::from_static(text.as_bytes())).map_err(|e: Infallible| match e {}).boxed_unsync();
    Ok(Response::builder().header("etag", "\"e\"").header("content-length", text.len()).body(body)?)
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    let text = format!("<Error><Code>{code}</Code><Message>on purpose</Message></Error>");
    let body = Full::new(Bytes::from(text)).map_err(|e: Infallible| match e {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert("x-amz-request-id", "REQ1".parse().unwrap());
    response.headers_mut().insert("x-amz-bucket-region", "eu-test-1".parse().unwrap());
    response
}

async fn cut(response: Response<Body>, length: usize) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.unwrap().to_bytes();
    let frames = [Ok(Frame::data(whole.slice(..length))), Err("cut on purpose".into())];
    // The pause lets the first bytes out before the connection ends.
    let frames = stream::iter(frames).then(|frame| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        frame
    });
    Response::from_parts(parts, StreamBody::new(frames).boxed_unsync())
}

async fn drip(response: Response<Body>) -> Response<Body> {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.unwrap().to_bytes();
    let frames = stream::iter((0..whole.len()).map(move |n| whole.slice(n..=n))).then(|byte| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Frame::data(byte))
    });
    Response::from_parts(parts, StreamBody::new(frames).boxed_unsync())
}
