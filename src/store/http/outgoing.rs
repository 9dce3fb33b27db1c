//! Sending a request: its body is watched while the service takes it, and then its answer.
//!
//! It is done where the request has been signed and is about to go: whoever is above hands over a body in
//! memory as one piece, so from there a service that has stopped reading cannot be told from one at work.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};

use crate::error::{Error, Result};
use crate::store::Patience;
use crate::store::watch::Watch;

/// A body is handed out in pieces of so many bytes, since only what is asked for next shows that the
/// piece before has gone.
const PIECE: usize = 64 << 10;

/// What the operating system may have taken of a body and not yet sent: the most that Linux lets a
/// connection buffer (`tcp_wmem`). It counts as transfer time when the answer is waited for.
const BUFFERED: u64 = 4 << 20;

/// What is seen of a body from outside while it is sent.
pub(in crate::store) struct Sending {
    length: Option<u64>,
    taken: Arc<AtomicU64>,
    over: oneshot::Receiver<()>,
}

/// The body to send in place of `body`, and what is seen of it.
pub(in crate::store) fn watched<B>(body: B, length: Option<u64>) -> (Watched<B>, Sending) {
    let (taken, (sender, over)) = (Arc::new(AtomicU64::new(0)), oneshot::channel());
    let watched = Watched { body, piece: Bytes::new(), rest: length, taken: taken.clone(), _over: sender };
    (watched, Sending { length, taken, over })
}

impl Sending {
    /// Waits for the answer to the request that carries the body. Too little taken of it in a period of
    /// grace, or no answer in time after the last of it, ends the attempt: kind `Unavailable`.
    pub(in crate::store) async fn answer<T>(
        self,
        patience: &Patience,
        answer: impl Future<Output = T>,
    ) -> Result<T> {
        let Self { length, taken, over } = self;
        let (mut answer, mut over) = (pin!(answer), pin!(over));
        let mut watch = Watch::new(patience);
        loop {
            let began = Instant::now();
            tokio::select! {
                answer = &mut answer => return Ok(answer),
                _ = &mut over => break,
                () = time::sleep_until(watch.end()) => {}
            }
            watch.count(began.elapsed(), taken.swap(0, Ordering::Relaxed));
            watch.judge()?;
        }
        let rest = patience.allowance(length.unwrap_or(BUFFERED).min(BUFFERED));
        let answer = time::timeout(rest, answer).await;
        answer.map_err(|_| Error::unavailable(format!("no answer within {rest:.1?} after the whole request")))
    }
}

/// A body in small pieces that counts what is taken of it. It is over when it is dropped: taken whole,
/// or given up, which the answer tells.
pub(in crate::store) struct Watched<B> {
    body: B,
    piece: Bytes,
    rest: Option<u64>,
    taken: Arc<AtomicU64>,
    _over: oneshot::Sender<()>,
}

impl<B> Watched<B> {
    fn take_piece(&mut self) -> Bytes {
        let piece = self.piece.split_to(PIECE.min(self.piece.len()));
        let length = piece.len() as u64;
        self.taken.fetch_add(length, Ordering::Relaxed);
        self.rest = self.rest.map(|rest| rest.saturating_sub(length));
        piece
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
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

    use http_body_util::Full;

    use super::*;

    const LENGTH: usize = 1 << 20;

    const GRACE: Duration = Duration::from_secs(2);

    fn patience() -> Patience {
        Patience { grace: GRACE, min_speed: 64 << 10, ..Patience::default() }
    }

    /// Sends 1 MiB to a service that takes `pieces` of it, one every `pause`, and then answers or not.
    async fn send_to(pieces: usize, pause: Duration, answers: bool) -> (Result<(), String>, Duration) {
        let (began, patience) = (Instant::now(), patience());
        let (mut body, sending) = watched(Full::new(Bytes::from(vec![7; LENGTH])), Some(LENGTH as u64));
        let service = async move {
            for taken in 0..pieces {
                let left = (LENGTH - taken * PIECE) as u64;
                assert_eq!(body.size_hint().exact(), Some(left));
                time::sleep(pause).await;
                let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
                assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), vec![7; PIECE]);
            }
            let rest = (!body.is_end_stream()).then_some(body);
            if !answers {
                std::future::pending::<()>().await;
            }
            drop(rest);
        };
        let sent = sending.answer(&patience, service).await.map_err(|e| e.to_string());
        (sent, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_but_steady_service_is_waited_for() {
        let (sent, took) = send_to(16, Duration::from_millis(900), true).await;
        assert_eq!(sent, Ok(()));
        assert!(took > 6 * GRACE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_answers_before_it_has_taken_all_is_heard() {
        let (sent, took) = send_to(3, Duration::ZERO, true).await;
        assert_eq!((sent, took), (Ok(()), Duration::ZERO));
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
