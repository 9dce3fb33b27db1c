//! Appending a shared access signature to every request.
//!
//! Its parameters are Microsoft's: "Create an account SAS", "Create a service SAS", "Create a user
//! delegation SAS" (<https://learn.microsoft.com/rest/api/storageservices/create-service-sas>).

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::form_urlencoded;

use super::set_version;
use crate::error::{Error, Result};
use crate::store::azure::transport::smuggle;

/// Clocks differ: within so much of its beginning and its end, the service decides whether a signature
/// counts.
const LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// A shared access signature. `Debug` and `Display` show what it allows, not the signature.
pub(super) struct Sas {
    /// As it goes into a query: encoded, without question mark.
    query: String,
    starts: Option<Timestamp>,
    expires: Option<Timestamp>,
    /// What it allows, as one reads it: `container, permissions rcwl`.
    allows: String,
}

impl fmt::Display for Sas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SAS ({})", self.allows)
    }
}

impl fmt::Debug for Sas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sas({}, {:?} to {:?})", self.allows, self.starts, self.expires)
    }
}

impl Sas {
    /// Reads a signature as the portal gives it, with or without its question mark. No error repeats it.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.contains("://") {
            return Err(Error::usage("the shared access signature is a whole URL")
                .hint("give what comes behind the question mark only"));
        }
        let text = text.strip_prefix('?').unwrap_or(text).trim_matches('&');
        let given: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        let get = |name: &str| {
            let found = given.iter().find(|(set, value)| set == name && !value.is_empty());
            found.map(|(_, value)| value.as_ref())
        };
        if get("sig").is_none() {
            return Err(Error::usage("the shared access signature has no sig= in it")
                .hint("give the SAS token whole: sv=...&se=...&sp=...&sig=..."));
        }
        Ok(Self {
            query: text.split('&').map(encoded).collect::<Vec<_>>().join("&"),
            starts: get("st").and_then(time),
            expires: get("se").and_then(time),
            allows: allows(&get),
        })
    }

    /// Whether it can count at this time, told before a request is spent on it. One with a policy stored
    /// at the container may have no times of its own.
    pub(super) fn check(&self, now: Timestamp) -> Result<()> {
        let refused =
            |what: String| Err(Error::denied(format!("the {self} {what}; it is {} now", told(now))));
        match (self.starts, self.expires) {
            (_, Some(expires)) if now > expires + LEEWAY => {
                refused(format!("expired at {}", told(expires))).map_err(|e: Error| e.hint("give a new one"))
            }
            (Some(starts), _) if now + LEEWAY < starts => {
                refused(format!("counts from {} only", told(starts)))
                    .map_err(|e: Error| e.hint("check this machine's clock, or give one that counts now"))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Policy for Sas {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        self.check(Timestamp::now()).map_err(smuggle)?;
        set_version(request);
        let before = request.url().query().map(str::to_owned);
        let signed = match before.as_deref() {
            None | Some("") => self.query.clone(),
            Some(query) => format!("{query}&{}", self.query),
        };
        request.url_mut().set_query(Some(&signed));
        let answer = next[0].send(ctx, request, &next[1..]).await;
        // Whoever looks at the request later shall not see the signature, nor append it a second time.
        request.url_mut().set_query(before.as_deref());
        answer
    }
}

/// A parameter as it goes into a query. A signature that somebody has decoded has a plus in it, which a
/// query takes for a space.
fn encoded(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some(("sig", value)) => format!("sig={}", value.replace('+', "%2B")),
        _ => parameter.to_owned(),
    }
}

/// A time as a signature has it: `2026-01-31`, `2026-01-31T10:00Z` or `2026-01-31T10:00:00Z`. One that is
/// spelled otherwise is the service's to judge.
fn time(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp());
    if text.contains('T') { text.parse().ok() } else { day() }
}

fn told(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// What a signature is for, in words.
fn allows<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> String {
    let scope = match (get("sr"), get("srt")) {
        (Some("c"), _) => "container".to_owned(),
        (Some("b"), _) => "one blob".to_owned(),
        (Some("d"), _) => "one directory".to_owned(),
        (Some(other), _) => format!("resource {other}"),
        (None, Some(types)) => {
            format!("account, services {}, resource types {types}", get("ss").unwrap_or("none"))
        }
        (None, None) => "of unknown scope".to_owned(),
    };
    match (get("sp"), get("si")) {
        (Some(permissions), _) => format!("{scope}, permissions {permissions}"),
        (None, Some(policy)) => format!("{scope}, stored policy {policy}"),
        (None, None) => format!("{scope}, without permissions"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Sink, send_through};
    use super::*;
    use crate::error::ErrorKind;

    const SIGNATURE: &str =
        "sv=2022-11-02&sr=c&sp=rcwl&st=2026-01-01&se=2026-02-01T10%3A00Z&sig=hun%2Fter2%3D";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn it_tells_what_it_allows() {
        let told = |text: &str| Sas::parse(text).unwrap().to_string();
        assert_eq!(told(SIGNATURE), "SAS (container, permissions rcwl)");
        assert_eq!(
            told("?ss=b&srt=co&sp=rwdl&sig=x"),
            "SAS (account, services b, resource types co, permissions rwdl)"
        );
        assert_eq!(told("sr=c&si=backup&sig=x"), "SAS (container, stored policy backup)");
        assert!(!format!("{:?}", Sas::parse(SIGNATURE).unwrap()).contains("ter2"));
    }

    #[test]
    fn one_that_does_not_count_any_more_or_yet_is_told_with_its_time() {
        let sas = Sas::parse(SIGNATURE).unwrap();
        for good in ["2026-01-01T00:00:00Z", "2025-12-31T23:56:00Z", "2026-02-01T10:04:00Z"] {
            sas.check(at(good)).unwrap();
        }
        for (bad, told) in [
            ("2026-02-01T10:06:00Z", "expired at 2026-02-01T10:00:00Z"),
            ("2025-12-31T23:54:00Z", "counts from 2026-01-01T00:00:00Z only"),
        ] {
            let error = sas.check(at(bad)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert!(error.to_string().contains(told) && !error.to_string().contains("ter2"), "{error}");
        }
        Sas::parse("si=policy&sr=c&sig=x").unwrap().check(at("2026-01-01T00:00:00Z")).unwrap();
    }

    #[test]
    fn a_text_without_a_signature_is_refused_and_not_repeated() {
        for bad in [
            "",
            "?",
            "hunter2",
            "sv=1&sig=",
            "sp=hunter2",
            "https://a.blob.core.windows.net/c?sp=r&sig=hunter2",
        ] {
            let error = Sas::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage);
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn it_goes_behind_the_query_of_every_request_and_is_not_encoded_twice() {
        for given in [
            "sp=rl&se=2999-01-01T00%3A00%3A00Z&sig=a%2Bb%3D",
            "?sp=rl&se=2999-01-01T00%3A00%3A00Z&sig=a+b%3D\n",
        ] {
            let sas = Arc::new(Sas::parse(given).unwrap());
            for (url, sent) in [
                ("https://a.blob.core.windows.net/c/k", "https://a.blob.core.windows.net/c/k?"),
                (
                    "https://a.blob.core.windows.net/c?comp=list",
                    "https://a.blob.core.windows.net/c?comp=list&",
                ),
            ] {
                let (request, sink) = (url, Sink::answering(&[200]));
                let request = send_through(sas.clone(), request, &sink).await.1;
                let signed = format!("{sent}sp=rl&se=2999-01-01T00%3A00%3A00Z&sig=a%2Bb%3D");
                assert_eq!(sink.seen()[0].url().as_str(), signed);
                assert_eq!(request.url().as_str(), url);
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_once_it_has_expired() {
        let sas = Arc::new(Sas::parse("sp=rl&se=2020-01-01T00:00:00Z&sig=x").unwrap());
        let sink = Sink::answering(&[200]);
        let (answer, _) = send_through(sas, "https://a.blob.core.windows.net/c", &sink).await;
        assert!(answer.unwrap_err().to_string().contains("expired at 2020-01-01T00:00:00Z"));
        assert!(sink.seen().is_empty());
    }
}
