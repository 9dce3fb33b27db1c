//! Sending a request: its body is watched while the service takes it, and then its answer.
//!
//! It is done below the SDK, where the request has been signed: the SDK reads a body in memory as one
//! piece, so from above a service that has stopped reading cannot be told from one that is at work.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::{Error as BodyError, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};

use crate::error::Error;
use crate::store::Patience;
use crate::store::watch::Watch;

/// A body is handed out in pieces of so many bytes, since only what is asked for next shows that the
/// piece before has gone.
const PIECE: usize = 64 << 10;

/// What the operating system may have taken of a body and not yet sent: the most that Linux lets a
/// connection buffer (`tcp_wmem`). It counts as transfer time when the answer is waited for.
const BUFFERED: u64 = 4 << 20;

/// Sends a request. Too little taken of its body in a period of grace, or no answer in time after the
/// last of it, ends the attempt.
pub(super) async fn send(
    mut request: HttpRequest,
    patience: &Patience,
    call: impl FnOnce(HttpRequest) -> HttpConnectorFuture,
) -> Result<HttpResponse, ConnectorError> {
    let length = request.body().content_length();
    if length == Some(0) {
        return call(request).await;
    }
    let assembly = is_assembly(&request).then(|| patience.with_assembly());
    let patience = assembly.as_ref().unwrap_or(patience);
    let (body, taken, over) = Watched::new(request.take_body());
    *request.body_mut() = SdkBody::from_body_1_x(body);
    let (mut answer, mut over) = (pin!(call(request)), pin!(over));
    let mut watch = Watch::new(patience);
    loop {
        let began = Instant::now();
        tokio::select! {
            answer = &mut answer => return answer,
            _ = &mut over => break,
            () = time::sleep_until(watch.end()) => {}
        }
        watch.count(began.elapsed(), taken.swap(0, Ordering::Relaxed));
        watch.judge().map_err(give_up)?;
    }
    let rest = patience.allowance(length.unwrap_or(BUFFERED).min(BUFFERED));
    let answer = time::timeout(rest, answer).await;
    answer.unwrap_or_else(|_| {
        Err(give_up(Error::unavailable(format!("no answer within {rest:.1?} after the whole request"))))
    })
}

/// Whether it asks the service to put an object together from its parts, which may take it minutes: of
/// all requests that name an upload in their query only this one is a POST.
fn is_assembly(request: &HttpRequest) -> bool {
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    request.method() == "POST" && query.split('&').any(|word| word.starts_with("uploadId="))
}

fn give_up(error: Error) -> ConnectorError {
    ConnectorError::timeout(error.into())
}

/// A body in small pieces that counts what is taken of it. It is over when it is dropped: taken whole,
/// or given up, which the answer tells.
struct Watched {
    body: SdkBody,
    piece: Bytes,
    rest: Option<u64>,
    taken: Arc<AtomicU64>,
    _over: oneshot::Sender<()>,
}

impl Watched {
    fn new(body: SdkBody) -> (Self, Arc<AtomicU64>, oneshot::Receiver<()>) {
        let (taken, (sender, over)) = (Arc::new(AtomicU64::new(0)), oneshot::channel());
        let rest = body.content_length();
        let watched = Self { body, piece: Bytes::new(), rest, taken: taken.clone(), _over: sender };
        (watched, taken, over)
    }

    fn take_piece(&mut self) -> Bytes {
        let piece = self.piece.split_to(PIECE.min(self.piece.len()));
        let length = piece.len() as u64;
        self.taken.fetch_add(length, Ordering::Relaxed);
        self.rest = self.rest.map(|rest| rest.saturating_sub(length));
        piece
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if this.piece.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.piece = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(this.take_piece()))))
    }

    fn is_end_stream(&self) -> bool {
        self.piece.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body::Body as _;

    use super::*;

    const GRACE: Duration = Duration::from_secs(2);

    fn patience() -> Patience {
        Patience { grace: GRACE, min_speed: 64 << 10, ..Patience::default() }
    }

    /// Sends 1 MiB to a service that takes `pieces` of it, one every `pause`, and then answers or not.
    async fn send_to(pieces: usize, pause: Duration, answers: bool) -> (Result<(), String>, Duration) {
        let (began, patience) = (Instant::now(), patience());
        let request = HttpRequest::new(SdkBody::from(vec![7; 1 << 20]));
        let sent = send(request, &patience, |mut request| {
            HttpConnectorFuture::new(async move {
                assert_eq!(request.body().content_length(), Some(1 << 20));
                for _ in 0..pieces {
                    time::sleep(pause).await;
                    let frame =
                        std::future::poll_fn(|context| Pin::new(request.body_mut()).poll_frame(context));
                    assert_eq!(frame.await.unwrap().unwrap().into_data().unwrap(), vec![7; PIECE]);
                }
                if request.body().is_end_stream() {
                    drop(request.take_body());
                }
                if !answers {
                    std::future::pending::<()>().await;
                }
                Ok(HttpResponse::new(200.try_into().unwrap(), SdkBody::empty()))
            })
        });
        let sent = sent.await.map(drop).map_err(|e| e.into_source().to_string());
        (sent, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_steady_service_is_waited_for() {
        let (sent, took) = send_to(16, Duration::from_millis(900), true).await;
        assert_eq!(sent, Ok(()));
        assert!(took > 6 * GRACE, "{took:?}");
    }

    #[test]
    fn only_the_request_that_ends_an_upload_lets_an_object_be_put_together() {
        let request = |method: &str, uri: &str| {
            let mut request = HttpRequest::new(SdkBody::from("<parts/>"));
            request.set_method(method).unwrap();
            request.set_uri(uri).unwrap();
            is_assembly(&request)
        };
        assert!(request("POST", "http://h/b/k?x-id=CompleteMultipartUpload&uploadId=i"));
        assert!(!request("POST", "http://h/b/k?uploads"));
        assert!(!request("POST", "http://h/b/uploadId=i?delete"));
        assert!(!request("PUT", "http://h/b/k?partNumber=1&uploadId=i"));
        assert!(!request("DELETE", "http://h/b/k?uploadId=i"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_stops_taking_the_body_is_given_up() {
        for pieces in [0, 8] {
            let (sent, took) = send_to(pieces, Duration::from_millis(1), false).await;
            assert!(sent.as_ref().unwrap_err().starts_with("stalled: "), "{sent:?}");
            assert!(took <= 2 * GRACE + Duration::from_millis(100), "{took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_answers_is_given_up_once_the_body_may_have_gone() {
        let (sent, took) = send_to(16, Duration::from_millis(1), false).await;
        assert!(sent.as_ref().unwrap_err().starts_with("no answer within 18.0s"), "{sent:?}");
        assert!(took < Duration::from_secs(19), "{took:?}");
    }
}
