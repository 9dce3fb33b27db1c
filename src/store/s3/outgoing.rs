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
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_service_that_never_answers_is_a_timeout_to_the_sdk() {
        let request = HttpRequest::new(SdkBody::from(vec![7; 1 << 20]));
        let patience = Patience { grace: Duration::from_secs(2), ..Patience::default() };
        let sent = send(request, &patience, |request| {
            assert_eq!(request.body().content_length(), Some(1 << 20));
            HttpConnectorFuture::new(async move {
                let _kept = request;
                std::future::pending().await
            })
        });
        let error = sent.await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(error.into_source().to_string().starts_with("stalled: "));
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
}
