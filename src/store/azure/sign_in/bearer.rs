//! Carrying a token in every request.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::headers::HeaderName;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{AsyncRawResponse, Context, Request};

use super::{is_private, set_version};
use crate::error::Error;
use crate::store::azure::transport::smuggle;
use crate::store::tokens::{Token, Tokens};

/// What the service says of a token that has run out, besides answering 401.
const REFUSALS: [&str; 2] = ["InvalidAuthenticationInfo", "ExpiredAuthenticationToken"];

/// Carries a token, and another when the service refuses it.
#[derive(Debug)]
pub(super) struct Bearer {
    tokens: Tokens,
}

impl Bearer {
    /// Carries these tokens.
    pub(super) fn new(tokens: Tokens) -> Self {
        Self { tokens }
    }
}

#[async_trait]
impl Policy for Bearer {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if !is_private(request.url()) {
            let host = request.url().host_str().unwrap_or_default().to_owned();
            let exposed = Error::usage(format!("a token is not sent to {host} without TLS"));
            return Err(smuggle(exposed.hint("use https://, or an account key, which is never sent")));
        }
        set_version(request);
        let token = self.tokens.get().await.map_err(smuggle)?;
        carry(request, &token);
        let answer = next[0].send(ctx, request, &next[1..]).await?;
        if !refuses(&answer) || !self.tokens.refused(&token).await {
            return Ok(answer);
        }
        drop(answer);
        let token = self.tokens.get().await.map_err(smuggle)?;
        carry(request, &token);
        request.body_mut().reset().await?;
        next[0].send(ctx, request, &next[1..]).await
    }
}

fn carry(request: &mut Request, token: &Token) {
    request.insert_header("authorization", format!("Bearer {}", token.text));
}

/// Whether it is the token that the service does not want, rather than what is done with it.
fn refuses(answer: &AsyncRawResponse) -> bool {
    let code = answer.headers().get_optional_str(&HeaderName::from_static("x-ms-error-code"));
    match u16::from(answer.status()) {
        401 => true,
        403 => code.is_some_and(|code| REFUSALS.contains(&code)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use jiff::{SignedDuration, Timestamp};

    use super::super::tests::{Sink, send_through};
    use super::*;
    use crate::error::Result;
    use crate::store::Patience;
    use crate::store::tokens::SignIn;

    /// An issuer that numbers its tokens.
    #[derive(Debug, Default)]
    struct Issuer(AtomicU32);

    #[async_trait]
    impl SignIn for Issuer {
        fn identity(&self) -> String {
            "issuer of a test".to_owned()
        }

        async fn fetch(&self) -> Result<Token> {
            let text = format!("t{}", self.0.fetch_add(1, Ordering::SeqCst));
            Ok(Token { text, expires: Timestamp::now() + SignedDuration::from_hours(1) })
        }
    }

    fn bearer() -> Arc<Bearer> {
        Arc::new(Bearer::new(Tokens::new(Arc::new(Issuer::default()), None, &Patience::default())))
    }

    fn carried(sink: &Sink) -> Vec<String> {
        let header = HeaderName::from_static("authorization");
        sink.seen().iter().map(|seen| seen.headers().get_optional_string(&header).unwrap()).collect()
    }

    const URL: &str = "https://a.blob.core.windows.net/c/k";

    #[tokio::test]
    async fn every_request_carries_the_token_and_a_version() {
        let (bearer, sink) = (bearer(), Sink::answering(&[200, 404]));
        for _ in 0..2 {
            send_through(bearer.clone(), URL, &sink).await.0.unwrap();
        }
        assert_eq!(carried(&sink), ["Bearer t0", "Bearer t0"]);
        let version = HeaderName::from_static("x-ms-version");
        assert!(sink.seen()[0].headers().get_optional_str(&version).is_some());
    }

    #[tokio::test]
    async fn a_missing_permission_is_no_reason_for_another_token() {
        let (bearer, sink) = (bearer(), Sink::answering(&[403]));
        let answer = send_through(bearer, URL, &sink).await.0.unwrap();
        assert_eq!((u16::from(answer.status()), sink.seen().len()), (403, 1));
    }

    #[tokio::test]
    async fn a_token_is_sent_without_tls_to_this_machine_only() {
        let (bearer, sink) = (bearer(), Sink::answering(&[200, 200, 200]));
        for url in ["http://127.0.0.1:1/a/c", "http://[::1]:1/a/c", "http://localhost:1/a/c"] {
            send_through(bearer.clone(), url, &sink).await.0.unwrap();
        }
        for url in ["http://a.blob.core.windows.net/c", "http://10.0.0.1/a/c", "http://localhost.example/a/c"]
        {
            let error = send_through(bearer.clone(), url, &sink).await.0.unwrap_err();
            assert!(error.to_string().contains("without TLS"), "{error}");
        }
        assert_eq!(sink.seen().len(), 3);
    }
}
