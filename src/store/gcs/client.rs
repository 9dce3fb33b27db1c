//! One request to the service: spelled, signed for, sent, and its refusal understood.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use super::errors::{About, Failure, Place};
use super::sign_in::Access;
use crate::error::{Context, Error, Result};
use crate::store::Patience;
use crate::store::http::{Answer, Http, Route};
use crate::store::tokens::Token;

/// What stands in a path as it is, as RFC 3986 calls it unreserved.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The service of one bucket, signed in to.
#[derive(Debug)]
pub(super) struct Client {
    http: Http,
    access: Access,
    patience: Patience,
    /// For messages.
    pub(super) place: Place,
}

/// A request to be.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    target: Target,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Vec<Bytes>,
    about: About,
    permission: &'static str,
}

/// Where a request goes.
#[derive(Debug, Clone)]
enum Target {
    /// A path of the service, percent-encoded, perhaps with a word of the query that has no value.
    Path(String),
    /// A session, whose address is all that is needed to write to it.
    Session(Session),
}

/// The address of a session: a secret, so `Debug` does not show it.
#[derive(Clone)]
pub(super) struct Session(Uri);

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Call {
    /// A request to a path of the service, about this and with this permission.
    pub(super) fn new(
        method: Method,
        path: impl Into<String>,
        about: About,
        permission: &'static str,
    ) -> Self {
        Self::to(method, Target::Path(path.into()), about, permission)
    }

    /// A request to a session.
    pub(super) fn session(method: Method, session: &Session) -> Self {
        Self::to(method, Target::Session(session.clone()), About::Upload, "storage.objects.create")
    }

    fn to(method: Method, target: Target, about: About, permission: &'static str) -> Self {
        let (query, headers, body) = Default::default();
        Self { method, target, query, headers, body, about, permission }
    }

    /// Adds a parameter.
    pub(super) fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a parameter that is not always given.
    pub(super) fn query_if(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header. Text that no header can carry is kind `Usage`.
    pub(super) fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let refused = || Error::usage(format!("{name}: {value:?} cannot be sent in a header"));
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused())?;
        let value = HeaderValue::from_str(value).map_err(|_| refused())?;
        self.headers.insert(header, value);
        Ok(self)
    }

    /// The body, in pieces that are sent one after the other.
    pub(super) fn body(mut self, content_type: &str, pieces: Vec<Bytes>) -> Result<Self> {
        self = self.header("content-type", content_type)?;
        self.body = pieces;
        Ok(self)
    }

    /// Whether its answer may carry the id of a session.
    fn is_secret(&self) -> bool {
        let opens = self.query.iter().any(|(name, value)| *name == "uploadType" && value == "resumable");
        opens || matches!(self.target, Target::Session(_))
    }
}

impl Client {
    /// The service as it was signed in to. A token would go over plain HTTP for everybody to read, so that is
    /// kind `Usage`, unless it stays on this machine.
    pub(super) fn new(
        http: Http,
        access: Access,
        bucket: &str,
        kms_key: Option<&str>,
        patience: &Patience,
    ) -> Result<Self> {
        let service: Uri = access
            .service
            .parse()
            .map_err(|e| Error::usage(format!("{:?} is not the URL of a service: {e}", access.service)))?;
        if access.tokens.is_some() && !is_private(&service) {
            let refused = Error::usage(format!("{} would be sent a token in clear text", access.service));
            return Err(refused.hint("use https:// for the endpoint"));
        }
        let place = Place {
            bucket: bucket.to_owned(),
            service: access.service.clone(),
            who: access.who.clone(),
            kms_key: kms_key.map(str::to_owned),
        };
        Ok(Self { http, access, patience: patience.clone(), place })
    }

    /// Whether it is an emulator, which knows the JSON interface only.
    pub(super) fn is_emulator(&self) -> bool {
        self.access.is_emulator
    }

    /// The project that a new bucket belongs to: the credentials' own, else whoever pays for the requests.
    pub(super) fn project(&self) -> Option<&str> {
        let Access { project, quota_project, is_emulator, .. } = &self.access;
        // An emulator has no projects, but wants the word.
        let none = is_emulator.then_some("emulator");
        project.as_deref().or(quota_project.as_deref()).or(none)
    }

    /// Sends a request and gives its answer when that is success.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        self.send_patiently(call, &self.patience).await
    }

    /// The same with a patience of its own.
    pub(super) async fn send_patiently(&self, call: &Call, patience: &Patience) -> Result<Answer, Failure> {
        let answer = self.exchange(call, patience).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refused(call, answer).await) }
    }

    /// What a refusal means.
    pub(super) async fn refused(&self, call: &Call, answer: Answer) -> Failure {
        let (status, mut headers) = (answer.status, answer.headers.clone());
        if call.is_secret() {
            headers.clear();
        }
        // Half a refusal is one as well: its status says the most.
        let body = answer.bytes().await.unwrap_or_default();
        Failure::refused(&self.place, call.permission, call.about, (status, &headers), &body)
    }

    /// Sends a request, and gives its answer whatever it says. A token that is refused is fetched anew,
    /// once; so the answer is 401 only where a fresh one does not help.
    pub(super) async fn exchange(&self, call: &Call, patience: &Patience) -> Result<Answer> {
        // A session is its own authorization, so that no token goes where an answer says.
        let tokens = self.access.tokens.as_ref().filter(|_| matches!(call.target, Target::Path(_)));
        let Some(tokens) = tokens else { return self.attempt(call, None, patience).await };
        let token = tokens.get().await?;
        let answer = self.attempt(call, Some(&token), patience).await?;
        if answer.status != StatusCode::UNAUTHORIZED || !tokens.refused(&token).await {
            return Ok(answer);
        }
        let token = tokens.get().await?;
        self.attempt(call, Some(&token), patience).await
    }

    async fn attempt(&self, call: &Call, token: Option<&Token>, patience: &Patience) -> Result<Answer> {
        let uri = self.uri(call)?;
        let mut request = Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = call.headers.clone();
        if let Some(token) = token {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.text))
                .map_err(|_| Error::denied("the token cannot be sent in a header"))?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
            if let Some(project) = &self.access.quota_project {
                let project = HeaderValue::from_str(project)
                    .map_err(|_| Error::usage(format!("{project:?} is not the name of a project")))?;
                request.headers_mut().insert("x-goog-user-project", project);
            }
        }
        let sent = self.http.send_pieces(Route::Proxied, request, patience).await;
        sent.context(|| format!("bucket {}", self.place.bucket))
    }

    fn uri(&self, call: &Call) -> Result<Uri> {
        let path = match &call.target {
            Target::Session(Session(uri)) => return Ok(uri.clone()),
            Target::Path(path) => path,
        };
        let mut text = format!("{}{path}", self.access.service);
        if !call.query.is_empty() {
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&call.query).finish();
            let joint = if path.contains('?') { '&' } else { '?' };
            text = format!("{text}{joint}{query}");
        }
        text.parse().map_err(|e| Error::usage(format!("{path} cannot be asked for: {e}")))
    }

    /// The session that an answer opens. Emulators say where it is as they know themselves, which behind a
    /// proxy or in a container is wrong; they are found where they were found before.
    pub(super) fn opened(&self, answer: &Answer) -> Result<Session> {
        let unusable = || Error::corrupt("the service does not say where the upload is to be sent");
        let location = answer.headers.get("location").and_then(|value| value.to_str().ok());
        let uri: Uri = location.and_then(|text| text.parse().ok()).ok_or_else(unusable)?;
        let uri = match uri.path_and_query() {
            Some(path) if self.is_emulator() || uri.scheme().is_none() => {
                format!("{}{path}", self.access.service).parse().map_err(|_| unusable())?
            }
            _ => uri,
        };
        if !self.is_emulator() && !is_private(&uri) {
            return Err(Error::usage("the service wants the upload in clear text"));
        }
        Ok(Session(uri))
    }
}

/// Whether nobody can listen on the way: TLS, or this very machine.
fn is_private(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    uri.scheme_str() == Some("https") || is_loopback
}

/// The path of all buckets in the JSON interface.
pub(super) const fn buckets() -> &'static str {
    "/storage/v1/b"
}

/// The path of a bucket in the JSON interface.
pub(super) fn bucket(bucket: &str) -> String {
    format!("{}/{}", buckets(), escape(bucket))
}

/// The path of a bucket's objects in the JSON interface.
pub(super) fn objects(bucket: &str) -> String {
    format!("{}/{}/o", buckets(), escape(bucket))
}

/// The path of an object in the JSON interface, where its slashes are none.
pub(super) fn object(bucket: &str, name: &str) -> String {
    format!("{}/{}", objects(bucket), escape(name))
}

/// The path that objects are sent to in the JSON interface.
pub(super) fn uploads(bucket: &str) -> String {
    format!("/upload/storage/v1/b/{}/o", escape(bucket))
}

/// The path of a bucket in the XML interface.
pub(super) fn xml_bucket(bucket: &str) -> String {
    format!("/{}", escape(bucket))
}

/// The path of an object in the XML interface.
pub(super) fn xml_object(bucket: &str, name: &str) -> String {
    format!("{}/{}", xml_bucket(bucket), name.split('/').map(escape).collect::<Vec<_>>().join("/"))
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, IN_PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::http::Trust;

    fn access(service: &str, is_emulator: bool) -> Access {
        let who = "nobody".to_owned();
        Access {
            service: service.to_owned(),
            is_emulator,
            tokens: None,
            project: None,
            quota_project: None,
            who,
        }
    }

    fn client(service: &str, is_emulator: bool) -> Client {
        let patience = Patience::default();
        let http = Http::new(Trust::new(None).unwrap(), &patience);
        Client::new(http, access(service, is_emulator), "walbkt", None, &patience).unwrap()
    }

    #[test]
    fn names_are_escaped_as_each_interface_wants_them() {
        assert_eq!(object("b", "a/ü +%?#"), "/storage/v1/b/b/o/a%2F%C3%BC%20%2B%25%3F%23");
        assert_eq!(xml_object("b.c", "a/ü +%?#"), "/b.c/a/%C3%BC%20%2B%25%3F%23");
        let call = Call::new(Method::GET, objects("b"), About::Bucket, "").query("prefix", "a b&c=d/é");
        let uri = client("https://host", false).uri(&call).unwrap();
        assert_eq!(uri.to_string(), "https://host/storage/v1/b/b/o?prefix=a+b%26c%3Dd%2F%C3%A9");
    }

    #[test]
    fn only_tls_and_this_machine_are_private() {
        for private in ["https://h", "http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1"] {
            assert!(is_private(&private.parse().unwrap()), "{private}");
        }
        for open in ["http://h", "http://10.0.0.1", "http://localhost.example", "http://[2001:db8::1]"] {
            assert!(!is_private(&open.parse().unwrap()), "{open}");
        }
    }

    #[test]
    fn a_session_is_where_the_service_says_but_an_emulators_where_the_emulator_is() {
        let opened = |client: &Client, location: &'static str| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("location"),
                HeaderValue::from_static(location),
            )]);
            let body = Box::pin(futures_util::stream::empty());
            client
                .opened(&Answer { status: StatusCode::OK, headers, body })
                .map(|session| session.0.to_string())
        };
        let emulator = client("https://proxy:4443", true);
        assert_eq!(
            opened(&emulator, "http://inside/up?upload_id=x").unwrap(),
            "https://proxy:4443/up?upload_id=x"
        );
        let service = client("https://storage.googleapis.com", false);
        assert_eq!(opened(&service, "https://other/up?upload_id=x").unwrap(), "https://other/up?upload_id=x");
        let refused = opened(&service, "http://other/up?upload_id=hunter2").unwrap_err();
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }

    #[test]
    fn the_address_of_a_session_is_not_shown() {
        let session = Session("https://h/up?upload_id=hunter2".parse().unwrap());
        let call = Call::session(Method::PUT, &session);
        assert!(call.is_secret() && !format!("{call:?}").contains("hunter2"));
    }
}
