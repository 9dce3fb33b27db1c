//! What issuers of tokens answer, whoever they are.

use ::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::error::{Context, Error, ErrorKind, Result};
use crate::store::http::{Http, Route, first_words};
use crate::store::tokens::{Token, is_bearer};

/// What tokens are for: every container in every cloud
/// (<https://learn.microsoft.com/azure/storage/blobs/authorize-access-azure-active-directory>).
pub(super) const RESOURCE: &str = "https://storage.azure.com";

/// An answer of an issuer, read as a whole.
pub(super) struct Answer {
    /// Who gave it, for messages: `http://169.254.169.254`.
    pub(super) from: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Bytes,
}

/// Asks an issuer once.
pub(super) async fn ask(http: &Http, route: Route, request: Request<Bytes>) -> Result<Answer> {
    let uri = request.uri();
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let from = format!("{}://{host}", uri.scheme_str().unwrap_or("http"));
    let answer = http.send(route, request).await?;
    let (status, headers) = (answer.status, answer.headers.clone());
    let body = answer.bytes().await.context(|| format!("read what {from} answers"))?;
    Ok(Answer { from, status, headers, body })
}

impl Answer {
    /// The token in it. An answer that says it has one and has none may come from somebody on the way,
    /// and be another the next time.
    pub(super) fn token(&self, now: Timestamp) -> Result<Token> {
        let garbled = || Error::unavailable(format!("{} answers with something that is no token", self.from));
        read_token(&self.body, now).ok_or_else(garbled)
    }

    /// The issuer's own word for what is wrong.
    pub(super) fn code(&self) -> Option<String> {
        let told: Value = serde_json::from_slice(&self.body).ok()?;
        told.get("error")?.as_str().map(str::to_owned)
    }

    /// The error that it is, of a kind that the caller knows; without `secret`, whoever repeats it.
    pub(super) fn error(&self, kind: ErrorKind, secret: Option<&str>) -> Error {
        let mut told = format!("{} answers {}", self.from, self.status.as_u16());
        if let Some(words) = self.words() {
            told = format!("{told}: {words}");
        }
        let id = self.headers.get("x-ms-request-id").and_then(|id| id.to_str().ok());
        if let Some(id) = id {
            told = format!("{told} (request {})", first_words(id));
        }
        Error::new(kind, without(&told, secret))
    }

    /// What it says for people to read, when it is JSON in one of the forms that are known. Any other body
    /// comes from somebody on the way.
    fn words(&self) -> Option<String> {
        let told: Value = serde_json::from_slice(&self.body).ok()?;
        let places = ["/error_description", "/error/message", "/message", "/error"];
        let words = places.into_iter().find_map(|place| told.pointer(place)?.as_str());
        words.map(|words| first_words(words).to_owned())
    }
}

fn without(text: &str, secret: Option<&str>) -> String {
    match secret {
        Some(secret) if !secret.is_empty() => text.replace(secret, "…"),
        _ => text.to_owned(),
    }
}

/// A token and its end, which is told in seconds, as number or as text: since 1970 (`expires_on`), or from
/// now. The former comes first, since metadata services count the latter from when they got the token.
fn read_token(body: &[u8], now: Timestamp) -> Option<Token> {
    let told: Value = serde_json::from_slice(body).ok()?;
    let text = told.get("access_token")?.as_str()?.to_owned();
    let seconds = |name: &str| match told.get(name)? {
        Value::String(text) => text.parse::<i64>().ok(),
        number => number.as_i64(),
    };
    let on = || Timestamp::from_second(seconds("expires_on")?).ok();
    let within = || now.checked_add(SignedDuration::from_secs(seconds("expires_in")?)).ok();
    let expires = on().or_else(within)?;
    is_bearer(&text).then_some(Token { text, expires })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_second(1000).unwrap()
    }

    #[test]
    fn the_end_of_a_token_is_understood_in_every_spelling() {
        for (told, second) in [
            (r#""expires_on":"5000""#, 5000),
            (r#""expires_on":5000,"expires_in":1"#, 5000),
            (r#""expires_in":3599"#, 4599),
            (r#""expires_in":"3599","expires_on":"tomorrow""#, 4599),
        ] {
            let token = read_token(format!(r#"{{"access_token":"t",{told}}}"#).as_bytes(), now()).unwrap();
            assert_eq!((token.text.as_str(), token.expires.as_second()), ("t", second), "{told}");
        }
    }

    #[test]
    fn what_is_no_token_is_not_taken_for_one() {
        for bad in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":"t"}"#,
            r#"{"access_token":"","expires_in":1}"#,
            r#"{"access_token":"a\r\nb: c","expires_in":1}"#,
            r#"{"access_token":"t","expires_in":-9223372036854775808}"#,
            r#"{"access_token":5,"expires_in":1}"#,
        ] {
            assert_eq!(read_token(bad.as_bytes(), now()), None, "{bad}");
        }
    }

    fn answer(status: u16, body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-request-id", "id-1".parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        Answer { from: "http://x".to_owned(), status, headers, body: Bytes::from_static(body.as_bytes()) }
    }

    #[test]
    fn an_issuers_words_are_told_and_a_secret_in_them_is_not() {
        let told = |body| answer(400, body).error(ErrorKind::Denied, Some("hunter2")).to_string();
        assert_eq!(
            told(r#"{"error":"invalid_client","error_description":"AADSTS7: no hunter2.\r\nTrace ID: 1"}"#),
            "http://x answers 400: AADSTS7: no … (request id-1)"
        );
        assert_eq!(
            told(r#"{"statusCode":400,"message":"none"}"#),
            "http://x answers 400: none (request id-1)"
        );
        assert_eq!(told("<html>hunter2"), "http://x answers 400 (request id-1)");
    }
}
