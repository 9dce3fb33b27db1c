//! The client against a small server in the same process.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Answer, Http, Route, Trust};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Patience;

/// Names where a child process sends a request to; see [`child`].
const CHILD: &str = "BARKEEP_TEST_HTTP_CHILD";

/// A request as it came.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    uri: String,
    headers: HeaderMap,
    length: usize,
    /// The how manieth connection it came on.
    connection: usize,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A server that is content with everything, and sends whoever asks for `/away` elsewhere. It ends with
/// the test's runtime.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    async fn start() -> Self {
        Self::with(None).await
    }

    async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, seen) = (listener.local_addr().unwrap().port(), Arc::<Mutex<Vec<Seen>>>::default());
        let record = seen.clone();
        tokio::spawn(async move {
            let count = AtomicUsize::new(0);
            while let Ok((tcp, _)) = listener.accept().await {
                let (record, tls) = (record.clone(), tls.clone());
                let nth = count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, nth, record).await,
                        Some(tls) => {
                            if let Ok(tcp) = tls.accept(tcp).await {
                                serve(tcp, nth, record).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, seen }
    }

    fn at(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}{rest}", self.port)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin, connection: usize, record: Arc<Mutex<Vec<Seen>>>) {
    let service = service_fn(async |request: Request<hyper::body::Incoming>| {
        let (head, body) = request.into_parts();
        let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
        let (method, uri, headers) = (head.method, head.uri.to_string(), head.headers);
        let is_away = uri == "/away";
        record.lock().unwrap().push(Seen { method, uri, headers, length, connection });
        let mut answer = Response::new(Full::new(Bytes::from_static(b"content")));
        if is_away {
            *answer.status_mut() = StatusCode::TEMPORARY_REDIRECT;
            answer.headers_mut().insert("location", "/elsewhere".parse().unwrap());
        }
        Ok::<_, Infallible>(answer)
    });
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(io), service).await;
}

/// A server that answers every connection with this text at once and then ends it, or never does
/// anything at all.
async fn raw(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((mut tcp, _)) = listener.accept().await {
            match answer {
                None => silent.push(tcp),
                Some(text) => {
                    let _ = tcp.read(&mut [0; 4096]).await;
                    let _ = tcp.write_all(text.as_bytes()).await;
                }
            }
        }
    });
    address.to_string()
}

fn patience() -> Patience {
    Patience { grace: Duration::from_secs(5), ..Patience::default() }
}

fn client() -> Http {
    Http::new(Trust::new(None).unwrap(), &patience())
}

fn request(method: &str, uri: &str, body: impl Into<Bytes>) -> Request<Bytes> {
    Request::builder().method(method).uri(uri).body(body.into()).unwrap()
}

async fn get(http: &Http, uri: &str) -> Result<Bytes> {
    http.send(Route::Proxied, request("GET", uri, "")).await?.bytes().await
}

/// The error of a request that cannot succeed.
async fn refusal(http: &Http, request: Request<Bytes>) -> Error {
    match http.send(Route::Direct, request).await {
        Ok(Answer { status, .. }) => panic!("answered with {status}"),
        Err(e) => e,
    }
}

#[tokio::test]
async fn a_body_goes_out_with_its_length_and_never_in_chunks() {
    let (server, http) = (Server::start().await, client());
    for length in [0, 1, 3 << 20] {
        for method in ["PUT", "POST", "PATCH"] {
            let sent = request(method, &server.at("/a"), vec![7; length]);
            let answer = http.send(Route::Proxied, sent).await.unwrap();
            assert_eq!(answer.status, StatusCode::OK);
            let seen = server.seen().pop().unwrap();
            assert_eq!(seen.header("content-length"), Some(length.to_string().as_str()), "{method}");
            assert_eq!((seen.header("transfer-encoding"), seen.length), (None, length), "{method}");
        }
    }
}

#[tokio::test]
async fn what_asks_or_deletes_has_no_body_and_announces_none() {
    let (server, http) = (Server::start().await, client());
    for method in ["GET", "HEAD", "DELETE"] {
        http.send(Route::Proxied, request(method, &server.at("/a?b=c"), "")).await.unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!((seen.method.as_str(), seen.uri.as_str()), (method, "/a?b=c"));
        assert_eq!((seen.header("content-length"), seen.header("transfer-encoding")), (None, None));
    }
}

#[tokio::test]
async fn headers_go_out_as_they_are_with_our_name() {
    let (server, http) = (Server::start().await, client());
    let mut sent = request("PUT", &server.at("/a"), "body");
    sent.headers_mut().insert("x-ms-version", "2026".parse().unwrap());
    http.send(Route::Proxied, sent).await.unwrap();
    let seen = server.seen().pop().unwrap();
    assert_eq!(seen.header("x-ms-version"), Some("2026"));
    assert!(seen.header("user-agent").unwrap().starts_with("barkeep/"));
    assert_eq!(seen.header("accept-encoding"), None, "an answer must come as it is stored");
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_answer_is_read() {
    let (server, http) = (Server::start().await, client());
    for _ in 0..3 {
        assert_eq!(get(&http.clone(), &server.at("/a")).await.unwrap(), "content");
    }
    assert!(server.seen().iter().all(|seen| seen.connection == 0), "{:?}", server.seen());
}

#[tokio::test]
async fn a_redirection_and_a_failure_are_answers() {
    let (server, http) = (Server::start().await, client());
    let answer = http.send(Route::Proxied, request("GET", &server.at("/away"), "")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (307, "/elsewhere"));
    assert_eq!(server.seen().len(), 1);
    let place = raw(Some("HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno")).await;
    let answer = http.send(Route::Proxied, request("GET", &format!("http://{place}"), "")).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.bytes().await.unwrap().as_ref()), (503, &b"no"[..]));
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_passing_trouble_and_says_where() {
    let place = raw(Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")).await;
    let uri = format!("http://{place}/a?sig=hunter2");
    let answer = client().send(Route::Proxied, request("GET", &uri, "")).await.unwrap();
    let error = answer.body.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let told = error.to_string();
    assert!(told.starts_with(&format!("http://{place}: the answer broke off: ")), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn an_answer_that_is_endless_is_not_read_to_its_end() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n";
    let text: &'static str = Box::leak(format!("{head}{}", "x".repeat(17 << 20)).into_boxed_str());
    let error = get(&client(), &format!("http://{}", raw(Some(text)).await)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("16777216"), "{error}");
}

#[tokio::test]
async fn a_service_that_is_not_there_may_be_there_later_and_no_query_is_told() {
    // A port that a test has just closed may be another one's by now.
    let place = "127.0.0.1:9";
    for method in ["GET", "PUT"] {
        let uri = format!("http://user:hunter1@{place}/a?sig=hunter2");
        let error = refusal(&client(), request(method, &uri, "body")).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let told = format!("{error:?}");
        assert!(told.contains(&format!("http://{place}: ")) && told.contains("onnection refused"), "{told}");
        assert!(!told.contains("hunter"), "{told}");
    }
}

#[tokio::test]
async fn a_host_without_an_address_gets_a_hint() {
    // No resolver has to be asked about a label that is too long.
    let error = refusal(&client(), request("GET", &format!("http://{}.test/", "a".repeat(64)), "")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("host name")), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_is_never_answered_ends_with_the_time_for_connecting() {
    let patience = Patience { grace: Duration::from_millis(300), ..Patience::default() };
    let http = Http::new(Trust::new(None).unwrap(), &patience);
    let (place, began) = (raw(None).await, Instant::now());
    let error = refusal(&http, request("GET", &format!("https://{place}"), "")).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_service_that_takes_nothing_of_a_body_is_given_up() {
    let patience = Patience { grace: Duration::from_millis(300), ..Patience::default() };
    let http = Http::new(Trust::new(None).unwrap(), &patience);
    let place = raw(None).await;
    let sent = request("PUT", &format!("http://{place}/a?sig=hunter2"), vec![7; 64 << 20]);
    let began = Instant::now();
    let error = refusal(&http, sent).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().starts_with(&format!("http://{place}: stalled: ")), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// A private authority's certificate in a file, and a server that it vouches for as `localhost`.
async fn private_server(directory: &Path) -> (std::path::PathBuf, Server) {
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer_key = rcgen::KeyPair::generate().unwrap();
    let ca = directory.join("ca.pem");
    fs_err::write(&ca, authority.self_signed(&issuer_key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(authority, issuer_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (ca, Server::with(Some(TlsAcceptor::from(Arc::new(config)))).await)
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_given_and_only_then() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, server) = private_server(dir.path()).await;
    let uri = format!("https://localhost:{}/a", server.port);
    let trusting = Http::new(Trust::new(Some(&ca)).unwrap(), &patience());
    for route in [Route::Proxied, Route::Direct] {
        let answer = trusting.send(route, request("PUT", &uri, "body")).await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), "content");
    }
    let error = refusal(&client(), request("PUT", &uri, "body")).await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("CA bundle")), "{error:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_and_a_service_without_tls_are_matters_of_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let (ca, server) = private_server(dir.path()).await;
    let http = Http::new(Trust::new(Some(&ca)).unwrap(), &patience());
    let error = refusal(&http, request("GET", &format!("https://127.0.0.1:{}/", server.port), "")).await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("host name")), "{error:?}");
    let plain = Server::start().await;
    let error = refusal(&http, request("GET", &format!("https://localhost:{}/", plain.port), "")).await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hint_text().is_some_and(|hint| hint.contains("http://")), "{error:?}");
}

#[test]
fn authorities_that_cannot_be_used_are_a_matter_of_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("ca.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, word) in [("", "no certificate"), ("hello", "no certificate"), (broken, "cannot be read")] {
        fs_err::write(&bundle, text).unwrap();
        let error = Trust::new(Some(&bundle)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{text}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// Not a test of its own: proxies come from the environment, so a child process sends the request.
#[tokio::test]
async fn child() {
    let Ok(target) = std::env::var(CHILD) else { return };
    let (route, uri) = target.split_once(' ').unwrap();
    let route = if route == "direct" { Route::Direct } else { Route::Proxied };
    if let Err(e) = client().send(route, request("GET", uri, "")).await {
        panic!("{e:?}");
    }
}

/// Runs the child with these variables and no others, and returns what it told when it failed.
async fn run_child(target: &str, variables: &[(&str, &str)]) -> Option<String> {
    let output = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::http::tests::child", "--nocapture"])
        .env_clear()
        .env(CHILD, target)
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(told.contains("running 1 test"), "{told}");
    (!output.status.success()).then_some(told)
}

#[tokio::test]
async fn a_proxy_is_asked_unless_the_way_is_direct_or_the_host_excepted() {
    let (proxy, server) = (Server::start().await, Server::start().await);
    let (at_proxy, at_server) = (proxy.at(""), server.at("/a"));
    let through = ("HTTP_PROXY", at_proxy.as_str());
    assert_eq!(run_child(&format!("proxied {at_server}"), &[through]).await, None);
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 0));
    assert_eq!(proxy.seen()[0].uri, at_server);
    assert_eq!(run_child(&format!("direct {at_server}"), &[through]).await, None);
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 1));
    let except = [through, ("NO_PROXY", "example.test,127.0.0.1")];
    assert_eq!(run_child(&format!("proxied {at_server}"), &except).await, None);
    assert_eq!((proxy.seen().len(), server.seen().len()), (1, 2));
}

#[tokio::test]
async fn the_password_of_a_proxy_is_sent_and_never_told() {
    let proxy = Server::start().await;
    let with_password = proxy.at("").replace("http://", "http://user:hunter2@");
    assert_eq!(run_child("proxied http://service.test/a", &[("HTTP_PROXY", &with_password)]).await, None);
    assert_eq!(proxy.seen()[0].header("proxy-authorization"), Some("Basic dXNlcjpodW50ZXIy"));
    for (name, scheme) in [("HTTP_PROXY", "http"), ("HTTPS_PROXY", "https")] {
        let dead = [(name, "http://user:hunter2@127.0.0.1:9")];
        let told = run_child(&format!("proxied {scheme}://service.test/a"), &dead).await.unwrap();
        assert!(told.contains("unavailable: "), "{told}");
        assert!(!told.contains("hunter2") && !told.contains("dXNlcjpodW50ZXIy"), "{told}");
    }
}
