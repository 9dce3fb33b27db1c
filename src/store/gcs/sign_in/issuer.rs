//! Asking whoever issues tokens, and what its answers mean.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use url::form_urlencoded::Serializer;

use crate::error::{Error, ErrorKind, Result};
use crate::store::http::{Http, Route, first_words};
use crate::store::tokens::{Token, is_bearer};

/// What an issuer answered, a JSON object.
pub(super) type Told = Map<String, Value>;

/// A request that posts a form, as OAuth wants it.
pub(super) fn form(to: &Uri, fields: &[(&str, &str)]) -> Result<Request<Bytes>> {
    let body = Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(to)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json");
    build(request.body(body.into()))
}

/// What a request has become. One that cannot be built has a header no request can carry.
pub(super) fn build(request: http::Result<Request<Bytes>>) -> Result<Request<Bytes>> {
    request.map_err(|_| Error::usage("the credentials have characters that no request can carry"))
}

/// Sends and reads an answer, which must be a success. The issuer's words come into an error only without
/// any of `secrets`.
pub(super) async fn ask(
    http: &Http,
    route: Route,
    request: Request<Bytes>,
    secrets: &[&str],
) -> Result<(http::HeaderMap, Bytes)> {
    let place = place(request.uri());
    let answer = http.send(route, request).await?;
    let (status, headers) = (answer.status, answer.headers.clone());
    let body = answer.bytes().await.map_err(|e| e.context(place.clone()))?;
    if status.is_success() { Ok((headers, body)) } else { Err(explain(&place, status, &body, secrets)) }
}

/// The same for an answer that is a JSON object.
pub(super) async fn ask_json(http: &Http, request: Request<Bytes>, secrets: &[&str]) -> Result<Told> {
    let place = place(request.uri());
    let (_, body) = ask(http, Route::Proxied, request, secrets).await?;
    object(&body).ok_or_else(|| Error::unavailable(format!("{place}: the answer is no JSON object")))
}

/// A JSON object, if it is one.
pub(super) fn object(body: &[u8]) -> Option<Told> {
    serde_json::from_slice(body).ok()
}

/// The token of an OAuth answer (RFC 6749, 5.1), asked for at `began`.
pub(super) fn token(told: &Told, began: Timestamp) -> Result<Token> {
    let seconds = told.get("expires_in").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
    let expires = seconds.and_then(|seconds| began.checked_add(SignedDuration::from_secs(seconds)).ok());
    let expires = expires.ok_or_else(|| lacks("expires_in"))?;
    Ok(Token { text: bearer(told, "access_token")?, expires })
}

/// A field that can be sent as a bearer token.
pub(super) fn bearer(told: &Told, name: &str) -> Result<String> {
    let text = told.get(name).and_then(Value::as_str).filter(|text| is_bearer(text));
    text.map(str::to_owned).ok_or_else(|| lacks(name))
}

/// An answer without a field that makes sense. Something between may have answered, so it may pass.
pub(super) fn lacks(name: &str) -> Error {
    Error::unavailable(format!("the answer of the token's issuer has no usable {name}"))
}

/// Adds what can be done about a refusal.
pub(super) fn if_refused(error: Error, hint: &str) -> Error {
    if error.kind() == ErrorKind::Denied { error.hint(hint) } else { error }
}

/// What a failure means: by its status, and by OAuth's codes (RFC 6749, 5.2), which all come with 400.
fn explain(place: &str, status: StatusCode, body: &[u8], secrets: &[&str]) -> Error {
    let (code, words) = complaint(body);
    let kind = match (status.as_u16(), code.as_str()) {
        (408 | 429 | 500..=599, _) | (400, "temporarily_unavailable" | "internal_failure") => {
            ErrorKind::Unavailable
        }
        (401 | 403, _)
        | (400, "invalid_grant" | "invalid_client" | "unauthorized_client" | "access_denied") => {
            ErrorKind::Denied
        }
        _ => ErrorKind::Usage,
    };
    let told: Vec<_> = [code.as_str(), first_words(&words)].into_iter().filter(|w| !w.is_empty()).collect();
    let told = told.join(": ");
    let is_safe = !secrets.iter().any(|secret| !secret.is_empty() && told.contains(secret));
    let told = if is_safe && !told.is_empty() { format!(": {told}") } else { String::new() };
    Error::new(kind, format!("{place} answers {status}{told}"))
}

/// The code and the words of a complaint: OAuth's flat form, or that of Google's services.
fn complaint(body: &[u8]) -> (String, String) {
    let told = object(body).unwrap_or_default();
    let text = |of: &Told, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match told.get("error") {
        Some(Value::Object(error)) => (text(error, "status"), text(error, "message")),
        _ => (text(&told, "error"), text(&told, "error_description")),
    }
}

/// Where a request goes, without its query.
fn place(uri: &Uri) -> String {
    format!("{}://{}{}", uri.scheme_str().unwrap_or("http"), uri.authority().map_or("", |a| a.as_str()), {
        uri.path()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> ErrorKind {
        explain("https://a", StatusCode::from_u16(status).unwrap(), body.as_bytes(), &[]).kind()
    }

    #[test]
    fn a_refusal_is_told_from_trouble_and_from_wrong_configuration() {
        assert_eq!(kind(400, r#"{"error":"invalid_grant"}"#), ErrorKind::Denied);
        assert_eq!(kind(401, r#"{"error":"invalid_client"}"#), ErrorKind::Denied);
        assert_eq!(kind(403, r#"{"error":{"status":"PERMISSION_DENIED"}}"#), ErrorKind::Denied);
        assert_eq!(kind(400, r#"{"error":"invalid_request"}"#), ErrorKind::Usage);
        assert_eq!(kind(404, "<html>"), ErrorKind::Usage);
        for status in [408, 429, 500, 503] {
            assert_eq!(kind(status, ""), ErrorKind::Unavailable, "{status}");
        }
    }

    #[test]
    fn an_issuers_words_are_told_unless_they_quote_a_secret() {
        let body = br#"{"error":"invalid_grant","error_description":"hunter2 is stale"}"#;
        let told = |secrets| explain("https://a", StatusCode::BAD_REQUEST, body, secrets).to_string();
        assert_eq!(told(&[]), "https://a answers 400 Bad Request: invalid_grant: hunter2 is stale");
        assert_eq!(told(&["", "hunter2"]), "https://a answers 400 Bad Request");
    }

    #[test]
    fn a_token_must_be_sendable_and_tell_when_it_runs_out() {
        let began = Timestamp::UNIX_EPOCH;
        let read = |text: &str| token(&object(text.as_bytes()).unwrap(), began);
        let good = read(r#"{"access_token":"a","expires_in":60}"#).unwrap();
        assert_eq!((good.text.as_str(), good.expires.as_second()), ("a", 60));
        for bad in [
            r#"{"expires_in":60}"#,
            r#"{"access_token":"","expires_in":60}"#,
            r#"{"access_token":"a\nb","expires_in":60}"#,
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"a","expires_in":9223372036854775807}"#,
        ] {
            assert_eq!(read(bad).unwrap_err().kind(), ErrorKind::Unavailable, "{bad}");
        }
    }
}
