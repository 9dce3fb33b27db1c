//! The endpoint where Azure's App Service gives a managed identity its tokens.
//!
//! As Azure's documentation of App Service says ("REST endpoint reference" of managed identities):
//! `GET $IDENTITY_ENDPOINT?resource=…&api-version=2019-08-01` with `$IDENTITY_HEADER` in the header
//! `X-IDENTITY-HEADER`, answered with `access_token` and `expires_on`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a client must show.
pub const SECRET: &str = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a";
/// The audience of tokens for Azure's storage.
const STORAGE: &str = "https://storage.azure.com/";
/// How long a token is good, in seconds.
const LIFE: i64 = 3600;

/// The endpoint, on the loopback device.
pub struct Identity {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    asked: AtomicUsize,
    audience: Mutex<String>,
}

impl Identity {
    /// Answers until it is dropped.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { asked: AtomicUsize::new(0), audience: Mutex::new(STORAGE.to_owned()) });
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(answer(client, Arc::clone(&shared)));
            }
        });
        Self { port, state, accepting }
    }

    /// `IDENTITY_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/msi/token", self.port)
    }

    /// How many tokens it was asked for.
    pub fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Issues tokens for this audience from now on.
    pub fn issue(&self, audience: &str) {
        audience.clone_into(&mut self.state.audience.lock().unwrap());
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// One request, one answer.
async fn answer(mut client: TcpStream, state: Arc<State>) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut buffer = [0; 4096];
        match client.read(&mut buffer).await {
            Ok(n) if n > 0 => request.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
    state.asked.fetch_add(1, Ordering::SeqCst);
    let request = String::from_utf8_lossy(&request).into_owned();
    let (status, body) = match refusal(&request) {
        Some(why) => ("400 Bad Request", format!(r#"{{"statusCode":400,"message":"{why}"}}"#)),
        None => ("200 OK", token(&state.audience.lock().unwrap())),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = client.write_all(answer.as_bytes()).await;
}

/// What is wrong with a request.
fn refusal(request: &str) -> Option<&'static str> {
    let line = request.lines().next().unwrap_or_default();
    let secret = request
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("x-identity-header"));
    if !line.starts_with("GET /msi/token?") || !line.contains("api-version=2019-08-01") {
        return Some("no such API");
    }
    if !line.contains("resource=https%3A%2F%2Fstorage.azure.com")
        && !line.contains("resource=https://storage.azure.com")
    {
        return Some("no such resource");
    }
    (secret.map(|(_, value)| value.trim()) != Some(SECRET)).then_some("not authorized")
}

/// What Azurite looks at: audience, issuer and times. Nobody has signed it.
fn token(audience: &str) -> String {
    let now = Timestamp::now().as_second();
    let claims = serde_json::json!({
        "aud": audience, "iss": "https://sts.windows.net/ab1f708d-50f6-404c-a006-d71b2ac7a606/",
        "iat": now - 60, "nbf": now - 60, "exp": now + LIFE, "oid": "11059fcc-5514-4800-b5f8-49808b9cfab6",
    });
    let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let head = serde_json::json!({"typ": "JWT", "alg": "RS256"});
    let text = format!("{}.{}.bm90IHNpZ25lZA", part(&head), part(&claims));
    serde_json::json!({
        "access_token": text, "expires_on": (now + LIFE).to_string(), "resource": audience,
        "token_type": "Bearer", "client_id": "5E29463D-71DA-4FE0-8E69-999B57DB23B0",
    })
    .to_string()
}
