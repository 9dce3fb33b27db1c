//! A door in front of an S3 service, where keys are judged that the service itself does not look at.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

#[path = "../common/listener.rs"]
mod listener;
#[path = "../common/policy.rs"]
pub(crate) mod policy;

use policy::Policy;

/// What AWS says to whoever may not.
const DENIED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// See the module's documentation. Dropping it closes it.
pub(crate) struct Door {
    port: u16,
    serving: JoinHandle<()>,
}

/// What a key is good for.
pub(crate) enum May {
    /// What a policy allows.
    Do(Policy),
    /// Anything, in this bucket.
    Enter(&'static str),
}

/// Where the service is, and what the keys may; others may everything.
struct Rule {
    service: u16,
    keys: Vec<(&'static str, May)>,
}

impl Door {
    /// Opens one to the service at a port of the loopback device.
    pub(crate) async fn open(service: u16, keys: Vec<(&'static str, May)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let rule = Arc::new(Rule { service, keys });
        let serving = tokio::spawn(listener::accept(listener, None, move |request| {
            let rule = Arc::clone(&rule);
            async move { rule.answer(request).await }
        }));
        Self { port, serving }
    }

    /// Where it is.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Rule {
    async fn answer(&self, request: Request<Incoming>) -> hyper::Result<Answer> {
        if self.lets_through(&request) {
            let service = TcpStream::connect(("127.0.0.1", self.service)).await.unwrap();
            let (mut sender, connection) = http1::handshake(TokioIo::new(service)).await?;
            tokio::spawn(connection);
            return Ok(sender.send_request(request).await?.map(Either::Left));
        }
        // Whoever is still sending would take an answer before the end for a broken connection.
        request.into_body().collect().await?;
        let mut denied = Response::new(Either::Right(Full::from(DENIED)));
        *denied.status_mut() = StatusCode::FORBIDDEN;
        Ok(denied)
    }

    fn lets_through(&self, request: &Request<Incoming>) -> bool {
        let signature = request.headers().get("authorization");
        let signature = signature.map(|value| value.to_str().unwrap()).unwrap_or_default();
        let of = |key: &str| signature.contains(&format!("Credential={key}/"));
        match self.keys.iter().find(|(key, _)| of(key)) {
            None => true,
            Some((_, May::Do(policy))) => {
                policy.judge(request.method(), request.uri(), request.headers()).is_ok()
            }
            Some((_, May::Enter(bucket))) => request.uri().path().split('/').nth(1) == Some(bucket),
        }
    }
}
