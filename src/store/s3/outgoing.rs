//! Sending a request of the SDK: watched, and with more patience where the service puts an object together.

use aws_smithy_runtime_api::client::http::HttpConnectorFuture;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::store::Patience;
use crate::store::http::watched;

/// Sends a request; an attempt that is given up is a timeout to the SDK.
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
    let (body, sending) = watched(request.take_body(), length);
    *request.body_mut() = SdkBody::from_body_1_x(body);
    let answer = sending.answer(patience, call(request)).await;
    answer.unwrap_or_else(|e| Err(ConnectorError::timeout(e.into())))
}

/// Whether it asks the service to put an object together from its parts, which may take it minutes: of
/// all requests that name an upload in their query only this one is a POST.
fn is_assembly(request: &HttpRequest) -> bool {
    let query = request.uri().split_once('?').map_or("", |(_, query)| query);
    request.method() == "POST" && query.split('&').any(|word| word.starts_with("uploadId="))
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::time::Duration;

    use http_body::Body as _;
    use tokio::time::{self, Instant};

    use super::*;

    /// How much of a body is handed out at once.
    const PIECE: usize = 64 << 10;

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
