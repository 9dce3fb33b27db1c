//! How one signs in to Google Cloud Storage. Much of it comes from the process's environment, so each case is
//! a child process: this test binary again, told by a variable to look for an object. What issues tokens, and
//! the storage itself, is one fake that records what it is asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/listener.rs"]
mod listener;

use std::collections::HashMap;
use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use barkeep::store::{ExclusivePut, GcsOptions, GcsStore, Key, ObjectStore, Patience};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response, Uri};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use url::form_urlencoded;

const KEY: &str = include_str!("cases/throw-away-key.pem");

/// Makes this binary a child.
const CHILD: &str = "BARKEEP_TEST_CHILD";
const ENDPOINT: &str = "BARKEEP_TEST_ENDPOINT";
const FILE: &str = "BARKEEP_TEST_FILE";
const UNIVERSE: &str = "BARKEEP_TEST_UNIVERSE";
const CA: &str = "BARKEEP_TEST_CA";
const TOKENS: &str = "BARKEEP_TEST_TOKENS";
/// How often the child looks.
const LOOKS: &str = "BARKEEP_TEST_LOOKS";
/// How long the child tries, in milliseconds.
const RETRY_MS: &str = "BARKEEP_TEST_RETRY_MS";

const OBJECT: &str = "/storage/v1/b/walbkt/o/a";
const METADATA: &str = "/computeMetadata/v1/instance/service-accounts/default/token";
const STORAGE: &str = "https://www.googleapis.com/auth/devstorage.read_write";
const EVERYTHING: &str = "https://www.googleapis.com/auth/cloud-platform";

/// What no output may ever have in it.
const SECRET: &str = "hunter2";

/// Not a test of its own: what a child does.
#[tokio::test]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let given = |name| std::env::var(name).ok();
    let number = |name, usual| given(name).map_or(usual, |text| text.parse().unwrap());
    let gcs = GcsOptions {
        endpoint: given(ENDPOINT),
        credentials_file: given(FILE).map(Into::into),
        universe_domain: given(UNIVERSE),
        ca_bundle: given(CA).map(Into::into),
        ..GcsOptions::default()
    };
    let tokens = given(TOKENS).map(PathBuf::from);
    let retry_for = Duration::from_millis(number(RETRY_MS, 0));
    let patience = Patience { retry_for, grace: Duration::from_secs(4), ..Patience::default() };
    let looks = async {
        let exclusive = ExclusivePut::ByService;
        let store = GcsStore::open("walbkt", "", &gcs, tokens.as_deref(), exclusive, &patience).await?;
        for _ in 0..number(LOOKS, 1) {
            store.head(&Key::new("a").unwrap()).await?;
        }
        Ok::<_, barkeep::error::Error>(())
    };
    if let Err(e) = looks.await {
        panic!("{e:?}");
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
struct Seen {
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn form(&self) -> HashMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What is answered: a status and a body, or nothing ever.
#[derive(Debug, Clone)]
enum Says {
    This(u16, String),
    Nothing,
}

/// Everything that is asked, by path. The last answer of a path is given again and again.
#[derive(Default)]
struct Script {
    answers: Mutex<HashMap<String, Vec<Says>>>,
    seen: Mutex<Vec<Seen>>,
    is_googles: bool,
}

/// The fake. Dropping it ends it.
struct Google {
    url: String,
    ca: Option<String>,
    script: Arc<Script>,
    accepting: JoinHandle<()>,
}

impl Drop for Google {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Google {
    async fn start(with_tls: bool, is_googles: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (ca, acceptor) = with_tls.then(listener::certify).unzip();
        let script = Arc::new(Script { is_googles, ..Script::default() });
        let accepting = tokio::spawn({
            let script = script.clone();
            listener::accept(listener, acceptor, move |request| answer(script.clone(), request))
        });
        let url =
            if with_tls { format!("https://localhost:{port}") } else { format!("http://127.0.0.1:{port}") };
        let google = Self { url, ca, script, accepting };
        google.says(OBJECT, 200, &json!({"name": "a", "size": "1", "generation": "1"}));
        google
    }

    fn add(&self, path: &str, says: Says) {
        self.script.answers.lock().unwrap().entry(path.to_owned()).or_default().push(says);
    }

    fn says(&self, path: &str, status: u16, body: &Value) {
        self.add(path, Says::This(status, body.to_string()));
    }

    /// A good answer of OAuth.
    fn gives(&self, path: &str, token: &str, seconds: u64) {
        let told = json!({"access_token": token, "expires_in": seconds, "token_type": "Bearer"});
        self.says(path, 200, &told);
    }

    fn seen(&self, path: &str) -> Vec<Seen> {
        let seen = self.script.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.uri.path() == path).cloned().collect()
    }

    /// The tokens that the storage was shown.
    fn shown(&self) -> Vec<String> {
        self.seen(OBJECT).iter().map(|seen| seen.header("authorization").to_owned()).collect()
    }
}

async fn answer(
    script: Arc<Script>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = head.uri.path().to_owned();
    script.seen.lock().unwrap().push(Seen { uri: head.uri, headers: head.headers, body });
    let says = script
        .answers
        .lock()
        .unwrap()
        .get_mut(&path)
        .and_then(|all| if all.len() > 1 { Some(all.remove(0)) } else { all.first().cloned() });
    let (status, body) = match says {
        Some(Says::This(status, body)) => (status, body),
        Some(Says::Nothing) => std::future::pending().await,
        None => (404, String::new()),
    };
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    if script.is_googles {
        response = response.header("Metadata-Flavor", "Google");
    }
    Ok(response.body(Full::from(body)).unwrap())
}

/// A child in the making: its environment, empty but for what a case sets, and its home.
struct Case {
    google: Google,
    home: TempDir,
    command: Command,
}

impl Case {
    async fn new() -> Self {
        Self::with(Google::start(false, true).await)
    }

    fn with(google: Google) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut case = Self { command: Command::new("true"), google, home };
        case.again();
        case
    }

    /// A new child in a new environment, at the same home.
    fn again(&mut self) -> &mut Self {
        self.command = Command::new(std::env::current_exe().unwrap());
        self.command
            .args(["--exact", "child", "--nocapture"])
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env(CHILD, "1");
        self.command.env("HOME", self.home.path()).env(ENDPOINT, &self.google.url).kill_on_drop(true);
        self
    }

    fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// Writes a file at home and returns its path.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Gives a file of credentials by option.
    fn credentials(&mut self, content: &Value) -> &mut Self {
        let path = self.file("credentials.json", &content.to_string());
        self.env(FILE, &path)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.google.url)
    }

    async fn run(&mut self) -> Output {
        let output = tokio::time::timeout(Duration::from_mins(1), self.command.output()).await;
        let output = output.unwrap().unwrap();
        assert!(!told(&output).contains(SECRET), "{}", told(&output));
        output
    }

    /// Runs the child, which must find the object.
    async fn works(&mut self) -> Vec<String> {
        let output = self.run().await;
        assert!(output.status.success(), "{}", told(&output));
        self.google.shown()
    }

    /// Runs the child, which must fail soon and name `kind` and all of `words`; the storage is not asked.
    async fn refused(&mut self, kind: &str, words: &[&str]) {
        let before = self.google.shown().len();
        let began = Instant::now();
        let output = self.run().await;
        let told = told(&output);
        assert!(!output.status.success(), "{told}");
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}: {told}", began.elapsed());
        for word in std::iter::once(format!("{kind}: ").as_str()).chain(words.iter().copied()) {
            assert!(told.contains(word), "{word} is not in {told}");
        }
        assert_eq!(self.google.shown().len(), before, "{told}");
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The key alone, without the words before it.
fn private_key() -> String {
    KEY[KEY.find("-----BEGIN").unwrap()..].to_owned()
}

fn service_account() -> Value {
    json!({
        "type": "service_account", "client_email": "archiver@project.iam.gserviceaccount.com",
        "private_key_id": "k1", "private_key": private_key(), "universe_domain": "googleapis.com",
    })
}

fn user(case: &Case) -> Value {
    json!({
        "type": "authorized_user", "client_id": "client", "client_secret": format!("{SECRET}-client"),
        "refresh_token": format!("{SECRET}-refresh"), "token_uri": case.url("/token"),
    })
}

fn external(case: &Case, source: &Value) -> Value {
    json!({
        "type": "external_account", "audience": "//iam.googleapis.com/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": case.url("/sts"), "credential_source": source,
    })
}

const ACTING: &str = "/v1/projects/-/serviceAccounts/a@b.c:generateAccessToken";

fn gives_to_act(case: &Case, token: &str) {
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let told = json!({"accessToken": token, "expireTime": expires.to_string()});
    case.google.says(ACTING, 200, &told);
}

/// The claims of a token, whose signature must be right.
fn verified(shown: &str) -> (Value, Value) {
    let token = shown.strip_prefix("Bearer ").unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let der = PrivateKeyDer::from_pem_slice(KEY.as_bytes()).unwrap();
    let public = RsaKeyPair::from_pkcs8(der.secret_der()).unwrap().public_key().as_ref().to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (part(header), part(claims))
}

#[tokio::test]
async fn a_service_account_signs_its_own_tokens_and_asks_nobody() {
    let mut case = Case::new().await;
    let shelf = case.home.path().join("tokens");
    let shown = case.credentials(&service_account()).env(TOKENS, shelf.to_str().unwrap()).works().await;
    let (header, claims) = verified(&shown[0]);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("RS256"), &json!("k1")));
    assert_eq!(claims["iss"], "archiver@project.iam.gserviceaccount.com");
    assert_eq!((&claims["sub"], &claims["scope"]), (&claims["iss"], &json!(STORAGE)));
    assert!(claims.get("aud").is_none(), "Google wants scope or audience, not both: {claims}");
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 3600);
    assert!(seconds("iat") <= jiff::Timestamp::now().as_second());
    assert!(!shelf.exists(), "what is signed here is not kept");
}

#[tokio::test]
async fn a_file_that_was_named_is_never_passed_over() {
    let mut case = Case::new().await;
    let host = case.google.url.replace("http://", "");
    case.google.gives(METADATA, "of-the-machine", 3600);
    let name = "GOOGLE_APPLICATION_CREDENTIALS";
    case.env("GCE_METADATA_HOST", &host).env(name, "/nowhere/key.json");
    case.refused("usage", &[name, "/nowhere/key.json"]).await;
    let empty = case.file("empty.json", "");
    case.again().env("GCE_METADATA_HOST", &host).env(name, &empty).refused("usage", &["is empty"]).await;
    let key = case.file("key.json", &service_account().to_string());
    let shown = case.again().env("GCE_METADATA_HOST", &host).env(name, &key).works().await;
    verified(&shown[0]);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_and_never_quoted() {
    let mut key = service_account();
    key["private_key"] = json!(SECRET);
    let mut nameless = service_account();
    nameless.as_object_mut().unwrap().remove("client_email");
    for (content, word) in [
        (format!("{{\"private_key\": \"{SECRET}\", oops"), "is no JSON object (line 1"),
        (format!("\"{SECRET}\""), "is no JSON object"),
        (json!({"type": SECRET}).to_string(), "is of no type that is known"),
        (json!({"private_key": SECRET}).to_string(), "has no type"),
        (key.to_string(), "has a private_key that is no RSA key"),
        (nameless.to_string(), "has no client_email"),
    ] {
        let mut case = Case::new().await;
        let path = case.file("key.json", &content);
        case.env(FILE, &path).refused("usage", &["key.json", word]).await;
    }
}

#[tokio::test]
async fn gclouds_own_file_comes_before_the_metadata_server() {
    let mut case = Case::new().await;
    case.google.gives("/token", "of-the-user", 3600);
    let name = "application_default_credentials.json";
    let mut content = user(&case);
    content["quota_project_id"] = json!("payer");
    case.file(&format!(".config/gcloud/{name}"), &content.to_string());
    assert_eq!(case.works().await, ["Bearer of-the-user"]);
    assert_eq!(case.google.seen(OBJECT)[0].header("x-goog-user-project"), "payer");
    let folder = case.home.path().join("elsewhere");
    case.file(&format!("elsewhere/{name}"), &service_account().to_string());
    let folder = folder.to_str().unwrap().to_owned();
    let shown = case.again().env("CLOUDSDK_CONFIG", &folder).works().await;
    verified(&shown[1]);
}

#[tokio::test]
async fn a_user_buys_tokens_with_the_refresh_token_once_for_all_processes() {
    let mut case = Case::new().await;
    case.google.gives("/token", "t1", 3600);
    let shelf = case.home.path().join("tokens");
    let content = user(&case);
    for _ in 0..2 {
        case.again().credentials(&content).env(TOKENS, shelf.to_str().unwrap());
        case.env(LOOKS, "2").works().await;
    }
    assert_eq!(case.google.shown(), vec!["Bearer t1"; 4]);
    let asked = case.google.seen("/token");
    assert_eq!(asked.len(), 1);
    let form = asked[0].form();
    assert_eq!(form["grant_type"], "refresh_token");
    assert_eq!(form["refresh_token"], format!("{SECRET}-refresh"));
    assert_eq!(form["client_id"], "client");
    assert_eq!(form["client_secret"], format!("{SECRET}-client"));
}

#[tokio::test]
async fn a_token_that_the_storage_refuses_is_replaced() {
    let mut case = Case::new().await;
    let shelf = case.home.path().join("tokens").to_str().unwrap().to_owned();
    for token in ["t1", "t2"] {
        case.google.gives("/token", token, 3600);
    }
    let content = user(&case);
    case.credentials(&content).env(TOKENS, &shelf).works().await;
    case.google
        .script
        .answers
        .lock()
        .unwrap()
        .get_mut(OBJECT)
        .unwrap()
        .insert(0, Says::This(401, "{}".into()));
    let shown = case.again().credentials(&content).env(TOKENS, &shelf).works().await;
    assert_eq!(shown, ["Bearer t1", "Bearer t1", "Bearer t2"]);
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_is_not_repeated() {
    let mut case = Case::new().await;
    let words = format!("{SECRET}-refresh has been revoked");
    case.google.says("/token", 400, &json!({"error": "invalid_grant", "error_description": words}));
    let content = user(&case);
    case.credentials(&content).env(RETRY_MS, "5000").refused("denied", &["400", "gcloud auth"]).await;
    assert_eq!(case.google.seen("/token").len(), 1);
}

#[tokio::test]
async fn an_issuer_in_trouble_is_asked_again_and_a_silent_one_is_not_waited_for() {
    let mut case = Case::new().await;
    case.google.says("/token", 503, &json!({}));
    case.google.add("/token", Says::This(200, format!("<html>{SECRET}")));
    case.google.says("/token", 200, &json!({"access_token": SECRET}));
    case.google.gives("/token", "late", 3600);
    let content = user(&case);
    case.credentials(&content).env(RETRY_MS, "15000");
    assert_eq!(case.works().await, ["Bearer late"]);
    assert_eq!(case.google.seen("/token").len(), 4);

    let mut case = Case::new().await;
    case.google.add("/token", Says::Nothing);
    let content = user(&case);
    case.credentials(&content).refused("unavailable", &["no answer within"]).await;
}

#[tokio::test]
async fn the_issuer_is_reached_over_tls_with_a_private_authority() {
    let mut case = Case::with(Google::start(true, true).await);
    case.google.gives("/token", "t1", 3600);
    let content = user(&case);
    case.credentials(&content).refused("usage", &["UnknownIssuer"]).await;
    let ca = case.file("ca.pem", case.google.ca.as_ref().unwrap());
    let shown = case.again().credentials(&content).env(CA, &ca).works().await;
    assert_eq!(shown, ["Bearer t1"]);
}

#[tokio::test]
async fn secrets_are_not_sent_to_a_place_without_tls() {
    let mut case = Case::new().await;
    let mut content = user(&case);
    content["token_uri"] = json!("http://oauth2.example.com/token");
    case.credentials(&content).refused("usage", &["token_uri that is no https:// URL"]).await;
    case.again().credentials(&service_account()).env(ENDPOINT, "http://storage.example.com");
    case.refused("usage", &["http://storage.example.com"]).await;
}

#[tokio::test]
async fn the_metadata_server_is_asked_for_the_scope() {
    let mut case = Case::new().await;
    case.google.gives(METADATA, "of-the-machine", 3600);
    let host = case.google.url.replace("http://", "");
    // The storage is asked through the proxy, which is not there; the metadata server never is.
    case.env("GCE_METADATA_HOST", &host).env("HTTP_PROXY", "http://127.0.0.1:1");
    case.refused("unavailable", &["127.0.0.1"]).await;
    assert_eq!(case.google.seen(METADATA).len(), 1);
    let shown = case.again().env("GCE_METADATA_HOST", &host).works().await;
    assert_eq!(shown, ["Bearer of-the-machine"]);
    let asked = &case.google.seen(METADATA)[0];
    assert_eq!(asked.uri.query(), Some(format!("scopes={STORAGE}").as_str()));
    assert_eq!(asked.header("metadata-flavor"), "Google");
}

#[tokio::test]
async fn a_metadata_server_that_is_not_googles_or_has_no_account_is_told() {
    let mut case = Case::with(Google::start(false, false).await);
    case.google.gives(METADATA, "not-googles", 3600);
    let host = case.google.url.replace("http://", "");
    case.env("GCE_METADATA_HOST", &host).refused("usage", &["Metadata-Flavor"]).await;
    let mut case = Case::new().await;
    let host = case.google.url.replace("http://", "");
    case.env("GCE_METADATA_HOST", &host).refused("usage", &["404", "attach a service account"]).await;
}

#[tokio::test]
async fn a_workload_exchanges_the_token_in_a_file_which_is_read_anew_each_time() {
    let mut case = Case::new().await;
    for token in ["t1", "t2"] {
        case.google.gives("/sts", token, 60);
    }
    let path = case.file("subject", "s1\n");
    let content = external(&case, &json!({"file": path}));
    case.credentials(&content).works().await;
    case.file("subject", "s2\n");
    let shown = case.again().credentials(&content).works().await;
    assert_eq!(shown, ["Bearer t1", "Bearer t2"]);
    let asked: Vec<_> = case.google.seen("/sts").iter().map(Seen::form).collect();
    assert_eq!((&*asked[0]["subject_token"], &*asked[1]["subject_token"]), ("s1", "s2"));
    let form = &asked[0];
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:token-exchange");
    assert_eq!(form["audience"], "//iam.googleapis.com/pool");
    assert_eq!(form["requested_token_type"], "urn:ietf:params:oauth:token-type:access_token");
    assert_eq!(form["subject_token_type"], "urn:ietf:params:oauth:token-type:jwt");
    assert_eq!(form["scope"], STORAGE);
    std::fs::remove_file(&path).unwrap();
    case.again().credentials(&content).refused("usage", &["subject token cannot be read", &path]).await;
}

#[tokio::test]
async fn a_workload_gets_its_token_from_a_url_and_acts_as_a_service_account() {
    let mut case = Case::new().await;
    case.google.says("/identity", 200, &json!({"access_token": "s1"}));
    case.google.gives("/sts", "federated", 3600);
    gives_to_act(&case, "acting");
    let format = json!({"type": "json", "subject_token_field_name": "access_token"});
    let source = json!({"url": case.url("/identity"), "headers": {"Metadata": "true"}, "format": format});
    let mut content = external(&case, &source);
    content["service_account_impersonation_url"] = json!(case.url(ACTING));
    assert_eq!(case.credentials(&content).works().await, ["Bearer acting"]);
    assert_eq!(case.google.seen("/identity")[0].header("metadata"), "true");
    let form = case.google.seen("/sts")[0].form();
    assert_eq!((&*form["subject_token"], &*form["scope"]), ("s1", EVERYTHING));
    let asked = &case.google.seen(ACTING)[0];
    assert_eq!(asked.header("authorization"), "Bearer federated");
    assert_eq!(asked.json(), json!({"delegates": [], "scope": [STORAGE], "lifetime": "3600s"}));
}

#[tokio::test]
async fn a_program_is_run_only_where_the_environment_allows_it() {
    let mut case = Case::new().await;
    case.google.gives("/sts", "t1", 3600);
    let said = json!({
        "version": 1, "success": true, "token_type": "urn:ietf:params:oauth:token-type:jwt",
        "id_token": "s1", "expiration_time": 4_000_000_000_u64,
    });
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = '$HOME;' ] && [ \"$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE\" = \
                          //iam.googleapis.com/pool ] && echo '{said}'\n"
    );
    let path = case.file("helper", &script);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let content = external(&case, &json!({"executable": {"command": format!("{path} $HOME;")}}));
    let allowed = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
    case.credentials(&content).refused("usage", &[allowed]).await;
    assert_eq!(case.again().credentials(&content).env(allowed, "1").works().await, ["Bearer t1"]);
    assert_eq!(case.google.seen("/sts")[0].form()["subject_token"], "s1");
}

#[tokio::test]
async fn a_workload_of_aws_signs_with_the_keys_of_its_role() {
    let mut case = Case::new().await;
    case.google.add("/session", Says::This(200, "session".into()));
    case.google.add("/zone", Says::This(200, "eu-west-1b".into()));
    case.google.add("/keys", Says::This(200, "role".into()));
    let keys = json!({"AccessKeyId": "AKTEST", "SecretAccessKey": SECRET, "Token": "aws-session"});
    case.google.says("/keys/role", 200, &keys);
    case.google.gives("/sts", "t1", 3600);
    let source = json!({
        "environment_id": "aws1", "region_url": case.url("/zone"), "url": case.url("/keys"),
        "imdsv2_session_token_url": case.url("/session"),
        "regional_cred_verification_url":
            "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    });
    let content = external(&case, &source);
    assert_eq!(case.credentials(&content).works().await, ["Bearer t1"]);
    assert_eq!(case.google.seen("/keys/role")[0].header("x-aws-ec2-metadata-token"), "session");
    let subject = case.google.seen("/sts")[0].form()["subject_token"].clone();
    let subject = percent_encoding::percent_decode_str(&subject).decode_utf8().unwrap();
    assert!(subject.contains("sts.eu-west-1.amazonaws.com") && subject.contains("aws-session"), "{subject}");
    assert!(!subject.contains(SECRET), "{subject}");
}

#[tokio::test]
async fn a_service_account_acts_as_another_through_delegates() {
    let mut case = Case::new().await;
    gives_to_act(&case, "acting");
    let content = json!({
        "type": "impersonated_service_account", "source_credentials": service_account(),
        "service_account_impersonation_url": case.url(ACTING), "delegates": ["d@b.c"],
    });
    assert_eq!(case.credentials(&content).works().await, ["Bearer acting"]);
    let asked = &case.google.seen(ACTING)[0];
    let (_, claims) = verified(asked.header("authorization"));
    assert_eq!(claims["scope"], EVERYTHING);
    assert_eq!(asked.json()["delegates"], json!(["d@b.c"]));

    let mut case = Case::new().await;
    let refusal = json!({"error": {"status": "PERMISSION_DENIED", "message": "no"}});
    case.google.says(ACTING, 403, &refusal);
    let mut content = content.clone();
    content["service_account_impersonation_url"] = json!(case.url(ACTING));
    let words = ["PERMISSION_DENIED", "serviceAccountTokenCreator"];
    case.credentials(&content).refused("denied", &words).await;
}

#[tokio::test]
async fn the_universe_must_be_that_of_the_credentials() {
    let mut case = Case::new().await;
    let both = ["example.eu", "googleapis.com"];
    case.credentials(&service_account()).env(UNIVERSE, "example.eu").refused("usage", &both).await;
    case.again().credentials(&service_account()).env("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "example.eu");
    case.refused("usage", &both).await;
}

#[tokio::test]
async fn nobody_signs_in_to_an_emulator() {
    let mut case = Case::new().await;
    let host = case.google.url.replace("http://", "");
    case.command.env_remove(ENDPOINT);
    let shown = case.env("STORAGE_EMULATOR_HOST", &host).env(FILE, "/nowhere").works().await;
    assert_eq!(shown, [""]);
}
