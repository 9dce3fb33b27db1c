//! An answer that says the credentials have run out before their time: they are forgotten, and the answer
//! counts as none, so that whoever is patient with the request makes it again with new ones.

use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::{BodyExt, Collected, Limited};

use super::temporary::Temporary;
use crate::error::Error;

/// The most that an error's text may have to be looked at, in bytes. S3's have a few hundred.
const LONGEST_ERROR: usize = 64 << 10;

/// What the service says when it does not know credentials, or not any more. Not `AccessDenied`, which
/// may well be said of an object.
const RUN_OUT: [&str; 6] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "TokenRefreshRequired",
];

/// The client for requests that these credentials sign.
pub(super) fn watched(client: &SharedHttpClient, temporary: Arc<Temporary>) -> SharedHttpClient {
    SharedHttpClient::new(Renewing { client: client.clone(), temporary })
}

struct Renewing {
    client: SharedHttpClient,
    temporary: Arc<Temporary>,
}

impl fmt::Debug for Renewing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewing(..)")
    }
}

impl HttpClient for Renewing {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let connector = self.client.http_connector(settings, components);
        SharedHttpConnector::new(RenewingConnector { connector, temporary: self.temporary.clone() })
    }
}

struct RenewingConnector {
    connector: SharedHttpConnector,
    temporary: Arc<Temporary>,
}

impl fmt::Debug for RenewingConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RenewingConnector(..)")
    }
}

impl HttpConnector for RenewingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let id = request.headers().get("authorization").and_then(signer).map(str::to_owned);
        let is_head = request.method() == "HEAD";
        let (sent, temporary) = (self.connector.call(request), self.temporary.clone());
        HttpConnectorFuture::new(async move {
            let mut answer = sent.await?;
            let (Some(id), 400 | 401 | 403) = (id, answer.status().as_u16()) else { return Ok(answer) };
            let text = take_text(&mut answer).await;
            match run_out(answer.status().as_u16(), &text, is_head) {
                Some(code) if temporary.refused(&id).await => {
                    let told = format!("credentials have run out ({code}), and new ones are asked for");
                    Err(ConnectorError::other(Error::unavailable(told).into(), None))
                }
                _ => Ok(answer),
            }
        })
    }
}

/// The text of a refusal, which stays in the answer.
async fn take_text(answer: &mut HttpResponse) -> String {
    let body = std::mem::replace(answer.body_mut(), SdkBody::empty());
    // What cannot be read to its end tells no more than the status does.
    let text = Limited::new(body, LONGEST_ERROR).collect().await;
    let text = text.map_or_else(|_| Bytes::new(), Collected::to_bytes);
    *answer.body_mut() = SdkBody::from(text.clone());
    String::from_utf8_lossy(&text).into_owned()
}

/// Which word says that the credentials have run out, if one does. The answer to HEAD has no text; for
/// such credentials it is 400, where those that lack a permission get 403.
fn run_out(status: u16, text: &str, is_head: bool) -> Option<&'static str> {
    if is_head {
        return (status == 400).then_some("400");
    }
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    RUN_OUT.into_iter().find(|&known| known == code.trim())
}

/// The public half of the keys that signed: `AWS4-HMAC-SHA256 Credential=ID/DATE/...`.
fn signer(authorization: &str) -> Option<&str> {
    let (_, credential) = authorization.split_once("Credential=")?;
    credential.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_credentials_counts_as_their_end() {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>m</Message></Error>");
        assert_eq!(run_out(400, &error("ExpiredToken"), false), Some("ExpiredToken"));
        assert_eq!(run_out(403, &error("InvalidAccessKeyId"), false), Some("InvalidAccessKeyId"));
        for other in ["AccessDenied", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "InvalidArgument"] {
            assert_eq!(run_out(403, &error(other), false), None);
        }
        assert_eq!(run_out(400, "ExpiredToken", false), None);
        assert_eq!(run_out(400, "", true), Some("400"));
        assert_eq!(run_out(403, "", true), None);
    }

    #[test]
    fn the_signer_stands_in_the_authorization() {
        let header = "AWS4-HMAC-SHA256 Credential=ASIA1/20261121/eu-1/s3/aws4_request, SignedHeaders=host";
        assert_eq!(signer(header), Some("ASIA1"));
        assert_eq!(signer("Bearer x"), None);
    }
}
