//! Where Azure's secrets and tokens come from. They come from the process's environment, so each case is
//! a child process: this test binary again, told by a variable to put objects. One service in this
//! process stands for all that a child talks to: the account, Entra ID, and the metadata services. It
//! records what it is asked.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/listener.rs"]
mod listener;

use std::convert::Infallible;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use barkeep::store::{
    AzureOptions, AzureSecret, Container, ExclusivePut, IfExists, Key, Location, Options, Patience, Put,
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use url::form_urlencoded;

/// Makes this binary a child.
const CHILD: &str = "BARKEEP_TEST_CHILD";
/// Where the account is, as the store's URL says it.
const SERVICE: &str = "BARKEEP_TEST_SERVICE";
/// The way to sign in that was asked for by name.
const CREDENTIAL: &str = "BARKEEP_TEST_CREDENTIAL";
/// The client id that was given.
const CLIENT_ID: &str = "BARKEEP_TEST_CLIENT_ID";
/// A key that was given.
const KEY: &str = "BARKEEP_TEST_KEY";
/// The certificate authorities to trust.
const CA_BUNDLE: &str = "BARKEEP_TEST_CA_BUNDLE";
/// Where tokens are kept between children.
const TOKENS: &str = "BARKEEP_TEST_TOKENS";
/// How many objects are put; one without it.
const PUTS: &str = "BARKEEP_TEST_PUTS";
/// Makes the child try again as long as a command does.
const ATTEMPTS: &str = "BARKEEP_TEST_ATTEMPTS";

/// What no child may ever tell.
const SECRET: &str = "hunter2-c2VjcmV0";

/// Not a test of its own: what a child does.
#[tokio::test]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let given = |name| std::env::var(name).ok();
    let azure = AzureOptions {
        credential: given(CREDENTIAL).map(|word| word.parse().unwrap()),
        client_id: given(CLIENT_ID),
        secret: given(KEY).map(AzureSecret::Key),
        ca_bundle: given(CA_BUNDLE).map(PathBuf::from),
        ..AzureOptions::default()
    };
    let options = Options { azure, tokens: given(TOKENS).map(PathBuf::from), ..Options::default() };
    let max_attempts = given(ATTEMPTS).is_none().then_some(1);
    let patience = Patience { max_attempts, grace: Duration::from_secs(5), ..Patience::default() };
    let container =
        Container { service: given(SERVICE).unwrap(), account: "acct".to_owned(), name: "wal".to_owned() };
    let location = Location::Azure { container, path: String::new() };
    let put = async {
        let store = location.open(&options, ExclusivePut::ByService, &patience).await?;
        for number in 0..given(PUTS).map_or(1, |puts| puts.parse().unwrap()) {
            let how = Put { if_exists: IfExists::Replace, ..Put::default() };
            let key = Key::new(format!("a{number}")).unwrap();
            store.put(&key, Bytes::from_static(b"x"), &how).await?;
        }
        Ok::<_, barkeep::error::Error>(())
    };
    if let Err(e) = put.await {
        panic!("{e:?}");
    }
}

/// A request as it came.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn query(&self) -> Vec<(String, String)> {
        pairs(self.uri.query().unwrap_or_default())
    }

    fn form(&self) -> Vec<(String, String)> {
        pairs(&self.body)
    }

    fn is_for_the_account(&self) -> bool {
        self.uri.path().starts_with("/acct/")
    }
}

/// The parameters, by name.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    pairs.sort();
    pairs
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What a service answers.
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// It never comes.
    stalls: bool,
}

fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into(), stalls: false }
}

fn stall() -> Reply {
    Reply { stalls: true, ..reply(200, "") }
}

fn in_an_hour() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3600
}

/// A metadata service's token: every value a text, and seconds counted from somewhere else.
fn metadata_token(text: &str) -> Reply {
    let on = in_an_hour();
    reply(
        200,
        format!(
            r#"{{"access_token":"{text}","expires_in":"86399","expires_on":"{on}","token_type":"Bearer"}}"#
        ),
    )
}

/// Entra ID's token.
fn entra_token(text: &str) -> Reply {
    reply(200, format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"{text}"}}"#))
}

/// What the services answer to a request and its number among those to the same path, from 0.
type Script = Arc<dyn Fn(&Seen, usize) -> Reply + Send + Sync>;

/// A child in the making: its environment, empty but for what a case sets, its home, and the services.
struct Case {
    seen: Arc<Mutex<Vec<Seen>>>,
    home: TempDir,
    command: Command,
    /// `http://127.0.0.1:PORT`, or with TLS `https://localhost:PORT`.
    services: String,
}

impl Case {
    /// Services that answer by this script, and take every object.
    async fn new(script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(None, script).await
    }

    async fn with(
        tls: Option<TlsAcceptor>,
        script: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let services = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let (seen, script): (Arc<Mutex<Vec<Seen>>>, Script) = (Arc::default(), Arc::new(script));
        let record = seen.clone();
        tokio::spawn(listener::accept(listener, tls, move |request| {
            answer(request, record.clone(), script.clone())
        }));
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child", "--nocapture"])
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env(CHILD, "1");
        let mut case = Self { seen, home, command, services };
        let home = case.home.path().to_str().unwrap().to_owned();
        let service = format!("{}/acct", case.services);
        // Without it, a child would ask whatever machine this is.
        let services = case.services.clone();
        case.env("HOME", &home).env(SERVICE, &service).env("AZURE_POD_IDENTITY_AUTHORITY_HOST", &services);
        case
    }

    fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.command.env(name, value);
        self
    }

    /// An application's environment, but for what proves who it is.
    fn application(&mut self) -> &mut Self {
        let services = self.services.clone();
        self.env("AZURE_TENANT_ID", "tenant-1")
            .env("AZURE_CLIENT_ID", "client-1")
            .env("AZURE_AUTHORITY_HOST", &services)
    }

    /// Writes a file at home and returns its path.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Puts a script that is called `az` into the `PATH`.
    fn az(&mut self, script: &str) -> &mut Self {
        let path = self.file("bin/az", &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let bin = path.trim_end_matches("/az").to_owned();
        self.env("PATH", &bin)
    }

    /// Runs the child, which must not tell the secret, and forgets what was asked before.
    async fn run(&mut self) -> (Output, Vec<Seen>) {
        self.seen.lock().unwrap().clear();
        let output = self.command.output().await.unwrap();
        let told = told(&output);
        assert!(!told.contains(SECRET), "{told}");
        (output, self.seen.lock().unwrap().clone())
    }

    /// Runs the child, which must succeed, and returns the requests for tokens and those to the account.
    async fn put(&mut self) -> (Vec<Seen>, Vec<Seen>) {
        let (output, seen) = self.run().await;
        assert!(output.status.success(), "{}", told(&output));
        seen.into_iter().partition(|seen| !seen.is_for_the_account())
    }

    /// Runs the child, which must fail soon, name `kind` and all of `words`, and send nothing to the
    /// account.
    async fn refused(&mut self, kind: &str, words: &[&str]) -> Vec<Seen> {
        let began = Instant::now();
        let (output, seen) = self.run().await;
        let told = told(&output);
        assert!(!output.status.success(), "{told}");
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}: {told}", began.elapsed());
        for word in [&format!("{kind}: ")].into_iter().map(String::as_str).chain(words.iter().copied()) {
            assert!(told.contains(word), "{word} is not in {told}");
        }
        assert!(!seen.iter().any(Seen::is_for_the_account), "{seen:?}");
        seen
    }
}

async fn answer(
    request: Request<Incoming>,
    record: Arc<Mutex<Vec<Seen>>>,
    script: Script,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    let seen = Seen { method: head.method, uri: head.uri, headers: head.headers, body };
    let nth = {
        let mut record = record.lock().unwrap();
        record.push(seen.clone());
        record.iter().filter(|before| before.uri.path() == seen.uri.path()).count() - 1
    };
    let answer = script(&seen, nth);
    if answer.stalls {
        std::future::pending::<()>().await;
    }
    Ok(spell(answer))
}

fn spell(answer: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap();
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// The account: takes every object.
fn taken() -> Reply {
    let headers = vec![
        ("etag", "\"0x1\"".to_owned()),
        ("last-modified", "Fri, 26 Jun 2015 23:39:12 GMT".to_owned()),
        ("x-ms-request-id", "id-1".to_owned()),
    ];
    Reply { headers, ..reply(201, "") }
}

/// Entra ID, and an account that takes everything.
fn entra(seen: &Seen, nth: usize) -> Reply {
    match seen.uri.path() {
        "/tenant-1/oauth2/v2.0/token" => entra_token(&format!("entra-{nth}")),
        _ if seen.is_for_the_account() => taken(),
        _ => reply(404, ""),
    }
}

/// A machine's metadata service, and an account that takes everything.
fn machine(seen: &Seen, _nth: usize) -> Reply {
    match (seen.uri.path(), seen.header("metadata")) {
        ("/metadata/identity/oauth2/token", "true") => metadata_token("machine"),
        ("/metadata/identity/oauth2/token", _) => reply(400, r#"{"error":"invalid_request"}"#),
        _ if seen.is_for_the_account() => taken(),
        _ => reply(404, ""),
    }
}

/// Answers every request for a token like this.
fn only(answer: fn() -> Reply) -> impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static {
    move |seen, _| if seen.is_for_the_account() { taken() } else { answer() }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn authorization(seen: &Seen) -> &str {
    seen.header("authorization")
}

const SAS: &str = "sv=2022-11-02&sr=c&sp=rcwl&se=2999-01-01T00%3A00%3A00Z&sig=hunter2-c2VjcmV0%3D";

#[tokio::test]
async fn secrets_of_the_environment_count_in_order_and_only_without_a_way_that_is_asked_for() {
    let mut case = Case::new(machine).await;
    case.env("AZURE_STORAGE_KEY", "aHVudGVyMg==").env("AZURE_STORAGE_ACCOUNT", "another");
    let (tokens, puts) = case.put().await;
    assert!(tokens.is_empty() && authorization(&puts[0]).starts_with("SharedKey acct:"), "{puts:?}");

    let (_, puts) = case.env("AZURE_STORAGE_SAS_TOKEN", &format!("?{SAS}")).put().await;
    assert!(puts[0].uri.query().unwrap().ends_with(SAS), "{puts:?}");
    assert_eq!(authorization(&puts[0]), "");

    let elsewhere = format!("AccountName=acct;AccountKey=a2V5;BlobEndpoint={}/acct/", case.services);
    case.env("AZURE_STORAGE_CONNECTION_STRING", &elsewhere).env(SERVICE, "http://127.0.0.1:9/acct");
    let (_, puts) = case.put().await;
    assert!(authorization(&puts[0]).starts_with("SharedKey acct:"), "{puts:?}");

    let service = format!("{}/acct", case.services);
    let (tokens, puts) = case.env(SERVICE, &service).env(CREDENTIAL, "managed-identity").put().await;
    assert_eq!((tokens.len(), authorization(&puts[0])), (1, "Bearer machine"));

    let (_, puts) = case.env(KEY, "a2V5").put().await;
    assert!(authorization(&puts[0]).starts_with("SharedKey acct:"), "{puts:?}");
}

#[tokio::test]
async fn secrets_that_cannot_be_used_are_refused_before_any_request_and_not_repeated() {
    let refused = async |name: &str, value: &str, kind: &str, words: &[&str]| {
        let mut case = Case::new(machine).await;
        let seen = case.env(name, value).refused(kind, words).await;
        assert!(seen.is_empty(), "{seen:?}");
    };
    let key = "AZURE_STORAGE_KEY";
    refused(key, &format!("!{SECRET}"), "usage", &[key, "acct", "not base64"]).await;
    let sas = "AZURE_STORAGE_SAS_TOKEN";
    refused(sas, SECRET, "usage", &[sas, "sig="]).await;
    let expired = format!("sr=c&sp=rl&se=2020-01-01&sig={SECRET}");
    refused(sas, &expired, "denied", &[sas, "expired at 2020-01-01T00:00:00Z"]).await;
    let early = format!("sr=c&sp=rl&st=2999-01-01&sig={SECRET}");
    refused(sas, &early, "denied", &[sas, "counts from 2999-01-01T00:00:00Z"]).await;
    let string = "AZURE_STORAGE_CONNECTION_STRING";
    refused(string, SECRET, "usage", &[string]).await;
    let other = format!("AccountName=other;AccountKey={SECRET}");
    refused(string, &other, "usage", &[string, "other", "acct"]).await;
}

#[tokio::test]
async fn a_service_principal_asks_its_tenant_with_its_secret() {
    let mut case = Case::new(entra).await;
    let (tokens, puts) = case.application().env("AZURE_CLIENT_SECRET", SECRET).put().await;
    assert_eq!((tokens.len(), &tokens[0].method), (1, &Method::POST));
    assert_eq!(tokens[0].header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(
        tokens[0].form(),
        expected(&[
            ("client_id", "client-1"),
            ("client_secret", SECRET),
            ("grant_type", "client_credentials"),
            ("scope", "https://storage.azure.com/.default"),
        ])
    );
    assert_eq!(authorization(&puts[0]), "Bearer entra-0");
    assert!(!puts[0].header("x-ms-version").is_empty());
}

#[tokio::test]
async fn a_workload_identity_shows_the_token_that_its_cluster_writes() {
    let mut case = Case::new(entra).await;
    let file = case.file("azure-identity-token", &format!("{SECRET}\n"));
    let (tokens, puts) = case.application().env("AZURE_FEDERATED_TOKEN_FILE", &file).put().await;
    assert_eq!(
        tokens[0].form(),
        expected(&[
            ("client_assertion", SECRET),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_id", "client-1"),
            ("grant_type", "client_credentials"),
            ("scope", "https://storage.azure.com/.default"),
        ])
    );
    assert_eq!(authorization(&puts[0]), "Bearer entra-0");

    let (tokens, _) = case.env(CLIENT_ID, "client-2").put().await;
    assert!(tokens[0].form().contains(&("client_id".to_owned(), "client-2".to_owned())), "{tokens:?}");

    std::fs::remove_file(&file).unwrap();
    let passed =
        "workload identity client-2 (passed over: service principal: AZURE_CLIENT_SECRET is not set)";
    let words = [passed, "azure-identity-token"];
    assert!(case.refused("usage", &words).await.is_empty());
}

/// Operators of Kubernetes ask for a managed identity where the cluster gives a workload identity.
#[tokio::test]
async fn a_managed_identity_that_is_asked_for_is_the_workload_identity_of_a_pod_that_has_one() {
    let mut case = Case::new(entra).await;
    let file = case.file("azure-identity-token", SECRET);
    case.application().env("AZURE_FEDERATED_TOKEN_FILE", &file).env(CREDENTIAL, "managed-identity");
    let (tokens, puts) = case.put().await;
    assert!(tokens[0].form().contains(&("client_assertion".to_owned(), SECRET.to_owned())), "{tokens:?}");
    assert_eq!(authorization(&puts[0]), "Bearer entra-0");
}

#[tokio::test]
async fn a_way_of_the_default_chain_that_is_described_by_half_is_told_of_and_no_other_is_taken() {
    for (set, words) in [
        (("AZURE_CLIENT_SECRET", SECRET), ["AZURE_CLIENT_SECRET is set, but AZURE_TENANT_ID", "not set"]),
        (("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem"), ["AZURE_CLIENT_CERTIFICATE_PATH", "certificate"]),
        (("AZURE_FEDERATED_TOKEN_FILE", "/t"), ["AZURE_FEDERATED_TOKEN_FILE is set, but", "annotate"]),
    ] {
        let mut case = Case::new(machine).await;
        assert!(case.env(set.0, set.1).refused("usage", &words).await.is_empty());
    }
}

#[tokio::test]
async fn an_identity_of_the_machine_that_was_named_is_not_replaced_by_whom_the_tool_knows() {
    let unknown = || reply(400, r#"{"error":"invalid_request","error_description":"Identity not found"}"#);
    let mut case = Case::new(only(unknown)).await;
    case.az(r#"echo '{"accessToken":"tool","expires_on":4102444800}'"#);
    let (_, puts) = case.put().await;
    assert_eq!(authorization(&puts[0]), "Bearer tool");
    case.env(CLIENT_ID, "client-2").refused("denied", &["managed identity client-2", "not found"]).await;
    case.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
    case.refused("unavailable", &["managed identity client-2", "127.0.0.1:9"]).await;
}

#[tokio::test]
async fn a_token_that_the_tool_gave_is_not_used_for_whoever_signs_in_with_it_next() {
    let mut case = Case::new(machine).await;
    let tokens = case.home.path().join("tokens");
    case.file(".azure/azureProfile.json", r#"{"user":"one"}"#);
    case.az(r#"echo '{"accessToken":"one","expires_on":4102444800}'"#);
    case.env(CREDENTIAL, "azure-cli").env(TOKENS, tokens.to_str().unwrap());
    assert_eq!(authorization(&case.put().await.1[0]), "Bearer one");
    case.az(r#"echo '{"accessToken":"two","expires_on":4102444800}'"#);
    assert_eq!(authorization(&case.put().await.1[0]), "Bearer one");
    case.file(".azure/azureProfile.json", r#"{"user":"two"}"#);
    assert_eq!(authorization(&case.put().await.1[0]), "Bearer two");
}

#[tokio::test]
async fn a_machines_identity_is_asked_for_at_its_metadata_service_and_not_through_a_proxy() {
    let mut case = Case::new(machine).await;
    case.env(CREDENTIAL, "managed-identity").env("HTTP_PROXY", "http://127.0.0.1:9").env("NO_PROXY", "");
    // The account is reached through the proxy, which is not there: the token has been fetched by then.
    let (output, seen) = case.run().await;
    assert!(told(&output).contains("unavailable: "), "{}", told(&output));
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].query(),
        expected(&[("api-version", "2018-02-01"), ("resource", "https://storage.azure.com")])
    );
    assert_eq!(seen[0].header("metadata"), "true");
}

#[tokio::test]
async fn which_of_several_identities_is_said_by_option_or_environment() {
    let mut case = Case::new(machine).await;
    case.env(CREDENTIAL, "managed-identity").env("AZURE_CLIENT_ID", "client-1");
    let client =
        |tokens: &[Seen]| tokens[0].query().into_iter().find(|(name, _)| name == "client_id").unwrap().1;
    assert_eq!(client(&case.put().await.0), "client-1");
    assert_eq!(client(&case.env(CLIENT_ID, "client-2").put().await.0), "client-2");
}

#[tokio::test]
async fn an_app_services_identity_is_asked_for_where_it_says_with_its_header() {
    let mut case = Case::new(only(|| metadata_token("app"))).await;
    let endpoint = format!("{}/msi/token", case.services);
    case.env(CREDENTIAL, "managed-identity")
        .env("IDENTITY_ENDPOINT", &endpoint)
        .env("IDENTITY_HEADER", SECRET);
    let (tokens, puts) = case.put().await;
    assert_eq!((tokens[0].uri.path(), tokens[0].header("x-identity-header")), ("/msi/token", SECRET));
    assert_eq!(
        tokens[0].query(),
        expected(&[("api-version", "2019-08-01"), ("resource", "https://storage.azure.com")])
    );
    assert_eq!(authorization(&puts[0]), "Bearer app");
}

#[tokio::test]
async fn a_machine_without_the_identity_is_denied_at_once_and_says_so() {
    let refuse = || {
        let words = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
        Reply { headers: vec![("x-ms-request-id", "id-7".to_owned())], ..reply(400, words) }
    };
    let mut case = Case::new(only(refuse)).await;
    case.env(CREDENTIAL, "managed-identity").env(ATTEMPTS, "many");
    let seen =
        case.refused("denied", &["400", "Identity not found", "id-7", "assign a managed identity"]).await;
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn a_refusal_of_entra_id_is_told_once_with_its_words_and_without_the_secret() {
    let refuse = || {
        let words = format!(
            r#"{{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret {SECRET}.\r\nTrace ID: 1","error_codes":[7000215]}}"#
        );
        reply(401, words)
    };
    let mut case = Case::new(only(refuse)).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env(ATTEMPTS, "many");
    let words = ["service principal client-1", "401", "AADSTS7000215", "AZURE_CLIENT_SECRET"];
    assert_eq!(case.refused("denied", &words).await.len(), 1);

    let no_tenant =
        || reply(400, r#"{"error":"invalid_request","error_description":"AADSTS90002: Tenant not found"}"#);
    let mut case = Case::new(only(no_tenant)).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET).refused("usage", &["AADSTS90002"]).await;
}

#[tokio::test]
async fn trouble_of_an_issuer_passes_and_is_tried_again() {
    for trouble in [
        || reply(503, "<html>try later</html>"),
        || reply(429, r#"{"error":"temporarily_unavailable"}"#),
        || reply(200, "<html>sign in to the guest network</html>"),
        || reply(200, r#"{"access_token":"t"}"#),
    ] {
        let flaky = move |seen: &Seen, nth: usize| match nth {
            _ if seen.is_for_the_account() => taken(),
            0 => trouble(),
            _ => entra_token("second"),
        };
        let mut case = Case::new(flaky).await;
        case.application().env("AZURE_CLIENT_SECRET", SECRET);
        case.refused("unavailable", &["service principal client-1", "http://127.0.0.1"]).await;
        let (tokens, puts) = case.env(ATTEMPTS, "many").put().await;
        assert_eq!((tokens.len(), authorization(&puts[0])), (2, "Bearer second"));
    }
}

#[tokio::test]
async fn an_issuer_that_never_answers_is_waited_for_half_the_grace() {
    let mut case = Case::new(only(stall)).await;
    case.env(CREDENTIAL, "managed-identity").refused("unavailable", &["no answer within 2.5"]).await;
    let mut case = Case::new(only(stall)).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET).refused("unavailable", &["within 2.5"]).await;
}

#[tokio::test]
async fn the_default_chain_tells_of_every_way_why_it_is_not_there() {
    let mut case = Case::new(only(stall)).await;
    let words = [
        "default chain, since none of AZURE_STORAGE_CONNECTION_STRING",
        "service principal: AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET are not set",
        "workload identity: AZURE_TENANT_ID, ",
        "managed identity: no metadata service answers at 127.0.0.1 within 2s",
        "Azure CLI: az is not in PATH",
    ];
    // Only the first look at the metadata service takes its time.
    assert_eq!(case.env(ATTEMPTS, "many").refused("denied", &words).await.len(), 1);
}

#[tokio::test]
async fn the_default_chain_goes_on_to_the_machine_and_to_the_tool() {
    let mut case = Case::new(machine).await;
    let (tokens, puts) = case.put().await;
    // The first request only looks whether anybody is there.
    assert_eq!((tokens.len(), authorization(&puts[0])), (2, "Bearer machine"));

    let nobody = || reply(404, "");
    let mut case = Case::new(only(nobody)).await;
    case.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
    case.az(r#"echo '{"accessToken":"tool","expires_on":4102444800}'"#);
    let (_, puts) = case.put().await;
    assert_eq!(authorization(&puts[0]), "Bearer tool");
}

#[tokio::test]
async fn a_way_of_the_default_chain_that_is_there_and_fails_is_not_passed_over() {
    let revoked = |seen: &Seen, nth: usize| match seen.uri.path() {
        "/tenant-1/oauth2/v2.0/token" => reply(401, r#"{"error":"invalid_client"}"#),
        _ => machine(seen, nth),
    };
    let mut case = Case::new(revoked).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET);
    assert_eq!(case.refused("denied", &["service principal client-1", "invalid_client"]).await.len(), 1);
}

#[tokio::test]
async fn the_tool_is_asked_for_a_token_of_the_storage_and_its_trouble_is_told_in_a_line() {
    let mut case = Case::new(machine).await;
    case.az(r#"echo "$@" > "$HOME/words"; echo '{"accessToken":"tool","expires_on":4102444800}'"#);
    let (tokens, puts) = case.env(CREDENTIAL, "azure-cli").put().await;
    assert_eq!((tokens.len(), authorization(&puts[0])), (0, "Bearer tool"));
    let words = std::fs::read_to_string(case.home.path().join("words")).unwrap();
    assert_eq!(words.trim(), "account get-access-token --output json --resource https://storage.azure.com");

    case.az(r#"echo "ERROR: Please run 'az login' to setup account." >&2; echo "more" >&2; exit 1"#);
    case.refused("denied", &["Please run 'az login' to setup account (hint: "]).await;
    case.az(r#"echo '{"accessToken":"tool","expiresOn":"2030-01-01 00:00:00.000000"}'"#);
    case.refused("usage", &["2.54"]).await;
    case.env("PATH", "/nonexistent").refused("usage", &["az is not in PATH"]).await;
}

#[tokio::test]
async fn a_token_is_fetched_once_for_many_requests() {
    let mut case = Case::new(entra).await;
    let (tokens, puts) = case.application().env("AZURE_CLIENT_SECRET", SECRET).env(PUTS, "5").put().await;
    assert_eq!((tokens.len(), puts.len()), (1, 5));
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_and_the_newest_is_sent() {
    let brief = |seen: &Seen, nth: usize| match seen.uri.path() {
        "/tenant-1/oauth2/v2.0/token" => {
            reply(200, format!(r#"{{"token_type":"Bearer","expires_in":2,"access_token":"brief-{nth}"}}"#))
        }
        _ => taken(),
    };
    let mut case = Case::new(brief).await;
    let (tokens, puts) = case.application().env("AZURE_CLIENT_SECRET", SECRET).env(PUTS, "3").put().await;
    let newest = format!("Bearer brief-{}", tokens.len() - 1);
    assert_eq!((puts.len(), authorization(puts.last().unwrap())), (3, newest.as_str()));
}

#[tokio::test]
async fn a_token_that_is_revoked_in_the_middle_of_a_batch_is_replaced_and_nothing_fails() {
    for code in [401, 403] {
        let is_revoked = Arc::new(AtomicBool::new(false));
        let revoked = is_revoked.clone();
        let rotating = move |seen: &Seen, nth: usize| {
            let revoked = revoked.load(Ordering::SeqCst);
            let is_late = revoked && seen.uri.path() > "/acct/wal/a1";
            match authorization(seen) {
                _ if !seen.is_for_the_account() => entra(seen, nth + usize::from(revoked)),
                "Bearer entra-0" if is_late => {
                    let headers = vec![("x-ms-error-code", "InvalidAuthenticationInfo".to_owned())];
                    Reply { headers, ..reply(code, "") }
                }
                _ => taken(),
            }
        };
        let mut case = Case::new(rotating).await;
        let (file, tokens) = (case.file("azure-identity-token", "one"), case.home.path().join("tokens"));
        case.application().env("AZURE_FEDERATED_TOKEN_FILE", &file).env(TOKENS, tokens.to_str().unwrap());
        assert_eq!(case.put().await.0.len(), 1);
        is_revoked.store(true, Ordering::SeqCst);
        let (tokens, puts) = case.env(PUTS, "4").put().await;
        let carried: Vec<_> =
            puts.iter().map(|put| authorization(put).trim_start_matches("Bearer ")).collect();
        assert_eq!(tokens.len(), 1);
        assert_eq!(carried, ["entra-0", "entra-0", "entra-0", "entra-1", "entra-1"]);
    }
}

/// An issuer that has just given a token would give no better one.
#[tokio::test]
async fn a_fresh_token_that_is_refused_is_told_and_not_asked_for_in_circles() {
    let refusing = |seen: &Seen, nth: usize| {
        if seen.is_for_the_account() { reply(401, "") } else { entra(seen, nth) }
    };
    let mut case = Case::new(refusing).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env(ATTEMPTS, "many");
    let (output, seen) = case.run().await;
    let told = told(&output);
    assert!(told.contains("denied: ") && told.contains("service principal client-1"), "{told}");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn tokens_are_kept_on_disk_for_the_next_call_and_for_the_same_identity_only() {
    let mut case = Case::new(entra).await;
    let tokens = case.home.path().join("tokens");
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env(TOKENS, tokens.to_str().unwrap());
    assert_eq!(case.put().await.0.len(), 1);
    for file in std::fs::read_dir(&tokens).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.path());
        assert!(!std::fs::read(file.path()).unwrap().windows(7).any(|bytes| bytes == b"hunter2"));
    }
    let (asked, puts) = case.put().await;
    assert_eq!((asked.len(), authorization(&puts[0])), (0, "Bearer entra-0"));
    assert_eq!(case.env("AZURE_CLIENT_SECRET", "another").put().await.0.len(), 1);
    assert_eq!(case.env("AZURE_CLIENT_ID", "client-2").put().await.0.len(), 1);
}

#[tokio::test]
async fn what_the_service_refuses_is_told_with_where_it_was_asked() {
    let missing = |_: &Seen, _| Reply {
        headers: vec![("x-ms-error-code", "ContainerNotFound".to_owned())],
        ..reply(404, "")
    };
    let mut case = Case::new(missing).await;
    let elsewhere = format!("AccountName=acct;AccountKey=a2V5;BlobEndpoint={}/acct/", case.services);
    case.env("AZURE_STORAGE_CONNECTION_STRING", &elsewhere).env(SERVICE, "http://127.0.0.1:9/acct");
    let told = told(&case.run().await.0);
    assert!(told.contains(&format!("in account acct at {}/acct: 404", case.services)), "{told}");
    assert!(!told.contains("127.0.0.1:9/"), "{told}");
}

/// Whoever is to give a role to somebody must be told to whom, whether the token is fresh or kept.
#[tokio::test]
async fn a_missing_role_is_told_with_who_has_signed_in() {
    let lacking = |seen: &Seen, nth: usize| {
        let headers = vec![("x-ms-error-code", "AuthorizationPermissionMismatch".to_owned())];
        if seen.is_for_the_account() { Reply { headers, ..reply(403, "") } } else { machine(seen, nth) }
    };
    let mut case = Case::new(lacking).await;
    let tokens = case.home.path().join("tokens");
    case.env(TOKENS, tokens.to_str().unwrap());
    for asked in [2, 0] {
        let (output, seen) = case.run().await;
        let told = told(&output);
        assert!(told.contains("signed in by managed identity"), "{told}");
        assert_eq!(seen.iter().filter(|seen| !seen.is_for_the_account()).count(), asked);
    }
}

#[tokio::test]
async fn a_kept_token_that_is_refused_is_fetched_anew() {
    let revoked = Arc::new(AtomicBool::new(false));
    let is_revoked = revoked.clone();
    let rotating = move |seen: &Seen, nth: usize| match authorization(seen) {
        "Bearer entra-0" if is_revoked.load(Ordering::SeqCst) => reply(401, ""),
        _ if is_revoked.load(Ordering::SeqCst) => entra(seen, nth + 1),
        _ => entra(seen, nth),
    };
    let mut case = Case::new(rotating).await;
    let tokens = case.home.path().join("tokens");
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env(TOKENS, tokens.to_str().unwrap());
    assert_eq!(case.put().await.0.len(), 1);
    revoked.store(true, Ordering::SeqCst);
    for asked in [1, 0] {
        let (tokens, puts) = case.put().await;
        assert_eq!((tokens.len(), authorization(puts.last().unwrap())), (asked, "Bearer entra-1"));
    }
}

#[tokio::test]
async fn secrets_go_to_entra_id_by_tls_that_a_private_authority_vouches_for() {
    let (ca, acceptor) = listener::certify();
    let mut case = Case::with(Some(acceptor), entra).await;
    let ca = case.file("ca.pem", &ca);
    let host = case.services.trim_start_matches("https://").to_owned();
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env("AZURE_AUTHORITY_HOST", &host);
    case.refused("usage", &["UnknownIssuer", "CA bundle"]).await;
    let (tokens, puts) = case.env(CA_BUNDLE, &ca).put().await;
    assert_eq!((tokens.len(), authorization(&puts[0])), (1, "Bearer entra-0"));
}

#[tokio::test]
async fn neither_a_secret_nor_a_token_leaves_this_machine_without_tls() {
    let mut case = Case::new(entra).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env("AZURE_AUTHORITY_HOST", "http://login.example");
    assert!(case.refused("usage", &["AZURE_AUTHORITY_HOST", "https://"]).await.is_empty());

    let mut case = Case::new(entra).await;
    case.application().env("AZURE_CLIENT_SECRET", SECRET).env(SERVICE, "http://storage.example/acct");
    case.refused("usage", &["storage.example", "without TLS"]).await;
}
