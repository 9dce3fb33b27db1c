//! The client: proxies from the environment, TLS only when it is used, every body watched.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, Request, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::Client;
use reqwest::redirect::Policy;

use super::trust::nobody_trusted;
use super::{Trust, explain_transport, reasons, watched};
use crate::error::{Error, Result};
use crate::store::{ByteStream, Patience};

/// What establishing a connection may take at most; a dead address must not use up the whole grace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What an answer that is read as a whole may have at most: a page of a list, a token, an error.
const LONGEST_ANSWER: usize = 16 << 20;

/// Which way a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Route {
    /// Through the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say.
    Proxied,
    /// Never through a proxy, for metadata services, which only answer the machine itself.
    Direct,
}

/// The clients of one store. Cloning it shares the connections.
#[derive(Debug, Clone)]
pub(in crate::store) struct Http {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    trust: Trust,
    patience: Patience,
    /// By route, without and with TLS. The latter comes into being with the first `https` request:
    /// loading the system's certificate authorities costs more than a whole request without TLS.
    clients: [OnceLock<Client>; 4],
}

/// An answer whose body has not been read.
pub(in crate::store) struct Answer {
    /// Its status.
    pub(in crate::store) status: StatusCode,
    /// Its headers.
    pub(in crate::store) headers: HeaderMap,
    /// Its body; trouble while reading is kind `Unavailable`.
    pub(in crate::store) body: ByteStream,
}

impl Http {
    /// Clients that trust these authorities and have this patience with every request.
    pub(in crate::store) fn new(trust: Trust, patience: &Patience) -> Self {
        let clients = Default::default();
        Self { shared: Arc::new(Shared { trust, patience: patience.clone(), clients }) }
    }

    /// Makes one attempt. Its body goes out with a `Content-Length`, redirections are answers like others,
    /// and whatever status comes is no error. While a body goes out, and then until the answer begins, the
    /// service is watched; without a body, and while the answer's is read, the caller sets the limit. No
    /// answer is: kind `Unavailable`, or `Usage` where the two sides will never trust or understand each
    /// other. The message says where to, without a query, which may carry a signature.
    pub(in crate::store) async fn send(&self, route: Route, request: Request<Bytes>) -> Result<Answer> {
        self.send_pieces(route, request.map(|body| vec![body]), &self.shared.patience).await
    }

    /// The same for a body in pieces, which are sent one after the other without being copied into one,
    /// and with a patience of its own: a service may take minutes to put an object together.
    pub(in crate::store) async fn send_pieces(
        &self,
        route: Route,
        request: Request<Vec<Bytes>>,
        patience: &Patience,
    ) -> Result<Answer> {
        let length = request.body().iter().map(|piece| piece.len() as u64).sum();
        let place = place(request.uri());
        let client = self.client(route, request.uri().scheme_str() == Some("https"))?;
        let (head, body) = request.into_parts();
        let frames = body.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
        let (body, sending) = watched(StreamBody::new(stream::iter(frames)), Some(length));
        let mut sent = reqwest::Request::try_from(Request::from_parts(head, reqwest::Body::from("")))
            .map_err(|e| Error::usage(format!("{place}: {}", reasons(&e.without_url()))))?;
        // Not every service reads bodies in chunks, which is how a body without announced length goes out.
        let announces = length > 0 || matches!(sent.method().as_str(), "PUT" | "POST" | "PATCH");
        if announces {
            sent.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
        }
        *sent.body_mut() = (length > 0).then(|| reqwest::Body::wrap(body));
        let sent = client.execute(sent);
        let answer = match length {
            0 => sent.await,
            _ => sending.answer(patience, sent).await.map_err(|e| e.context(place.clone()))?,
        };
        let answer =
            answer.map_err(|e| explain_transport(format!("{place}: {}", reasons(&e.without_url()))))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes_stream().map_err(move |e| {
            Error::unavailable(format!("{place}: the answer broke off: {}", reasons(&e.without_url())))
        });
        Ok(Answer { status, headers, body: body.boxed() })
    }

    fn client(&self, route: Route, needs_tls: bool) -> Result<&Client> {
        let at = usize::from(route == Route::Direct) * 2 + usize::from(needs_tls);
        let slot = &self.shared.clients[at];
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let tls = if needs_tls { self.shared.trust.client_config()? } else { nobody_trusted()? };
        let builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT.min(self.shared.patience.grace))
            .tcp_nodelay(true)
            .redirect(Policy::none())
            .user_agent(concat!("barkeep/", env!("CARGO_PKG_VERSION")));
        let builder = if route == Route::Direct { builder.no_proxy() } else { builder };
        let client = builder
            .build()
            .map_err(|e| Error::usage(format!("the HTTP client cannot be set up: {}", reasons(&e))))?;
        Ok(slot.get_or_init(|| client))
    }
}

impl Answer {
    /// The whole body; more than 16 MiB is kind `Corrupt`.
    pub(in crate::store) async fn bytes(self) -> Result<Bytes> {
        let mut body = self.body;
        let mut whole = bytes::BytesMut::new();
        while let Some(piece) = body.try_next().await? {
            if whole.len() + piece.len() > LONGEST_ANSWER {
                return Err(Error::corrupt(format!("an answer has more than {LONGEST_ANSWER} bytes")));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

/// Where a request goes, for messages: neither a user before the host nor a query behind it.
fn place(uri: &http::Uri) -> String {
    let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{}://{}{port}", uri.scheme_str().unwrap_or("http"), uri.host().unwrap_or_default())
}
