//! Where credentials, the region and the endpoint come from. They come from the process's environment,
//! so each case is a child process: this test binary again, told by a variable to put one object. The
//! service records who signed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::convert::Infallible;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use barkeep::store::{ExclusivePut, IfExists, Key, Location, Options, Patience, Put, S3Options};
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::Full;
use hyper::Method;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3::{Fault, S3, Seen};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::Command;

/// Names the case, and makes this binary a child.
const CHILD: &str = "BARKEEP_TEST_CHILD";
const PROFILE: &str = "BARKEEP_TEST_PROFILE";
const ENDPOINT: &str = "BARKEEP_TEST_ENDPOINT";
const ADDRESSING: &str = "BARKEEP_TEST_ADDRESSING";
/// Makes the child put exclusively, trusting as the service is known.
const EXCLUSIVE: &str = "BARKEEP_TEST_EXCLUSIVE";

/// Makes the child use this bucket.
const BUCKET: &str = "BARKEEP_TEST_BUCKET";
/// Makes the child read instead of put.
const READ: &str = "BARKEEP_TEST_READ";
/// Makes the child try again as long as a command does.
const ATTEMPTS: &str = "BARKEEP_TEST_ATTEMPTS";
/// Makes the child tell what the profile says instead.
const SETTINGS: &str = "BARKEEP_TEST_SETTINGS";

/// Makes the child keep what is temporary in this directory.
const TOKENS: &str = "BARKEEP_TEST_TOKENS";
/// Makes the child put so many objects.
const PUTS: &str = "BARKEEP_TEST_PUTS";

/// When credentials run out that do not run out during a test.
const LATER: &str = "2099-01-01T00:00:00Z";

/// Not a test of its own: what a child does.
#[tokio::test]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let given = |name| std::env::var(name).ok();
    let addressing = given(ADDRESSING).map(|word| word.parse().unwrap()).unwrap_or_default();
    let (endpoint, profile) = (given(ENDPOINT), given(PROFILE));
    let settings = || barkeep::store::profile_settings(profile.as_deref());
    assert!(given(SETTINGS).is_none(), "{:?}", settings());
    let options = Options {
        s3: S3Options { endpoint, profile, addressing, ..S3Options::default() },
        tokens: given(TOKENS).map(Into::into),
        ..Options::default()
    };
    let max_attempts = given(ATTEMPTS).is_none().then_some(1);
    let patience = Patience { max_attempts, grace: Duration::from_secs(5), ..Patience::default() };
    let bucket = given(BUCKET).unwrap_or_else(|| s3::BUCKET.to_owned());
    let location: Location = format!("s3://{bucket}").parse().unwrap();
    let put = async {
        let store = location.open(&options, ExclusivePut::ByService, &patience).await?;
        if given(READ).is_some() {
            let body = store.get(&Key::new("a").unwrap(), None).await?.body;
            return body.try_collect::<Vec<_>>().await.map(drop);
        }
        let if_exists = if given(EXCLUSIVE).is_some() { IfExists::Fail } else { IfExists::Replace };
        let how = Put { if_exists, ..Put::default() };
        for _ in 0..given(PUTS).map_or(1, |count| count.parse().unwrap()) {
            store.put(&Key::new("a").unwrap(), Bytes::from_static(b"x"), &how).await?;
        }
        Ok(())
    };
    if let Err(e) = put.await {
        panic!("{e:?}");
    }
}

/// A child in the making: its environment, empty but for what a case sets, and its home.
struct Case {
    s3: S3,
    home: TempDir,
    command: Command,
}

impl Case {
    async fn new() -> Self {
        let mut case = Self::without_endpoint().await;
        let endpoint = case.s3.endpoint();
        case.env(ENDPOINT, &endpoint);
        case
    }

    async fn without_endpoint() -> Self {
        Self::with(S3::start_recording().await)
    }

    fn with(s3: S3) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "child", "--nocapture"])
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env(CHILD, "1")
            .env("HOME", home.path());
        let mut case = Self { s3, home, command };
        case.env("AWS_EC2_METADATA_DISABLED", "true");
        case
    }

    fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.command.env(name, value);
        self
    }

    fn keys(&mut self) -> &mut Self {
        self.env("AWS_ACCESS_KEY_ID", "AKENV").env("AWS_SECRET_ACCESS_KEY", "secret")
    }

    /// Writes a file at home and returns its path.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Lets the child keep what is temporary, and says where.
    fn tokens(&mut self) -> PathBuf {
        let directory = self.home.path().join("tokens");
        self.env(TOKENS, directory.to_str().unwrap());
        directory
    }

    async fn run(&mut self) -> Output {
        self.command.output().await.unwrap()
    }

    /// Runs the child, which must fail at once and name `kind` and all of `words`.
    async fn refused(&mut self, kind: &str, words: &[&str]) {
        let began = Instant::now();
        let output = self.env(ATTEMPTS, "many").run().await;
        let told = told(&output);
        assert!(!output.status.success(), "{told}");
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}: {told}", began.elapsed());
        for word in [&format!("{kind}: ")].into_iter().map(String::as_str).chain(words.iter().copied()) {
            assert!(told.contains(word), "{word} is not in {told}");
        }
        assert!(self.s3.seen().is_empty(), "{told}");
    }

    /// Runs the child and returns what it found the profile to say.
    async fn settings(&mut self) -> String {
        told(&self.env(SETTINGS, "1").run().await)
    }

    /// Runs the child and returns the request that it made.
    async fn put(&mut self) -> Seen {
        let output = self.run().await;
        assert!(output.status.success(), "{}", told(&output));
        self.s3.seen().pop().expect("the service was asked")
    }
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The region in a signature: `Credential=KEY/DATE/REGION/s3/aws4_request`.
fn region(seen: &Seen) -> String {
    seen.header("authorization").split('/').nth(2).unwrap().to_owned()
}

/// A service that answers every GET, PUT and POST by path: a token service or a metadata service.
async fn answering(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> String {
    answering_at("127.0.0.1:0", answer).await
}

async fn answering_at(
    address: &str,
    answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let answer = answer.clone();
            let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                let body = Full::new(Bytes::from(answer(request.uri().path())));
                let response = Response::builder().header("x-aws-ec2-metadata-token-ttl-seconds", "600");
                std::future::ready(Ok::<_, Infallible>(response.body(body).unwrap()))
            });
            let server = auto::Builder::new(TokioExecutor::new());
            tokio::spawn(async move { server.serve_connection(TokioIo::new(tcp), service).await.is_ok() });
        }
    });
    format!("http://{address}")
}

/// A proxy that writes down what it is asked to connect to, and refuses: its address, and the record.
async fn refusing_proxy() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, record) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let heads = record.clone();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = tcp.read_u8().await else { break };
                head.push(byte);
            }
            heads.lock().unwrap().push(String::from_utf8(head).unwrap());
            let _ = tcp.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    (address.to_string(), record)
}

/// A container's service that gives `AK0`, `AK1` and so on: its address, and how many it has given.
async fn counting(expiration: impl Into<String>) -> (String, Arc<AtomicUsize>) {
    let (given, expiration) = (Arc::<AtomicUsize>::default(), expiration.into());
    let count = given.clone();
    let answer = move |_: &str| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        json_credentials_until(&format!("AK{nth}"), &expiration)
    };
    (format!("{}/creds", answering(answer).await), given)
}

/// A service that exchanges a token for credentials of the role that it was asked for: its address, and
/// how many it has given.
async fn exchanging() -> (String, Arc<AtomicUsize>) {
    let given = Arc::<AtomicUsize>::default();
    let count = given.clone();
    let answer = move |_: &str| {
        let nth = count.fetch_add(1, Ordering::SeqCst);
        let credentials = format!(
            "<Credentials><AccessKeyId>AKWEB{nth}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
             <SessionToken>t</SessionToken><Expiration>{LATER}</Expiration></Credentials>"
        );
        format!(
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>{credentials}\
             </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )
    };
    (answering(answer).await, given)
}

/// A metadata service that answers everything with this status.
async fn refusing(status: u16) -> String {
    let s3 = S3::start_recording().await;
    for method in [Method::GET, Method::PUT] {
        for nth in 1..20 {
            s3.fault(method.clone(), nth, Fault::Answer(status, "No"));
        }
    }
    let endpoint = s3.endpoint();
    // It ends with the test's runtime.
    tokio::spawn(async move {
        let _s3 = s3;
        std::future::pending::<()>().await;
    });
    endpoint
}

fn json_credentials(access_key: &str) -> String {
    json_credentials_until(access_key, LATER)
}

fn json_credentials_until(access_key: &str, expiration: &str) -> String {
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{access_key}","SecretAccessKey":"secret",
            "Token":"token","Expiration":"{expiration}","LastUpdated":"2020-01-01T00:00:00Z"}}"#
    )
}

#[tokio::test]
async fn keys_of_the_environment_sign() {
    let mut case = Case::new().await;
    let seen = case.keys().put().await;
    assert_eq!((seen.access_key(), seen.header("x-amz-security-token")), ("AKENV", ""));
}

#[tokio::test]
async fn a_session_token_goes_along() {
    let mut case = Case::new().await;
    let seen = case.keys().env("AWS_SESSION_TOKEN", "tok").put().await;
    assert_eq!(seen.header("x-amz-security-token"), "tok");
}

#[tokio::test]
async fn profile_files_at_home_and_elsewhere_are_read() {
    let mut case = Case::new().await;
    case.file(".aws/credentials", "[default]\naws_access_key_id=AKHOME\naws_secret_access_key=s\n");
    assert_eq!(case.put().await.access_key(), "AKHOME");
    let keys = "[default]\naws_access_key_id=AKELSE\naws_secret_access_key=s\n[b]\naws_access_key_id=AKB\n\
                aws_secret_access_key=s\n";
    let credentials = case.file("elsewhere", keys);
    assert_eq!(case.env("AWS_SHARED_CREDENTIALS_FILE", &credentials).put().await.access_key(), "AKELSE");
    assert_eq!(case.env("AWS_PROFILE", "b").put().await.access_key(), "AKB");
}

#[tokio::test]
async fn a_profile_given_by_option_comes_before_keys_of_the_environment() {
    let mut case = Case::new().await;
    let keys = "[b]\naws_access_key_id=AKB\naws_secret_access_key=s\n";
    case.file(".aws/credentials", keys);
    assert_eq!(case.keys().env("AWS_PROFILE", "b").put().await.access_key(), "AKENV");
    assert_eq!(case.env(PROFILE, "b").put().await.access_key(), "AKB");
}

#[tokio::test]
async fn a_process_can_give_credentials() {
    let mut case = Case::new().await;
    let script = r#"echo '{"Version":1,"AccessKeyId":"AKPROC","SecretAccessKey":"s"}'"#;
    let script = case.file("give", script);
    let config = case.file("config", &format!("[default]\ncredential_process=/bin/sh {script}\n"));
    let path = std::env::var("PATH").unwrap();
    case.env("PATH", &path).env("AWS_CONFIG_FILE", &config);
    assert_eq!(case.put().await.access_key(), "AKPROC");
}

#[tokio::test]
async fn a_helper_that_fails_is_run_once_and_one_that_hangs_is_not_waited_for() {
    for body in ["exit 1", "echo nonsense", "exec sleep 60"] {
        let mut case = Case::new().await;
        let runs = case.home.path().join("runs");
        let script = case.file("give", &format!("echo run >> {}\n{body}\n", runs.display()));
        let config = case.file("config", &format!("[default]\ncredential_process=/bin/sh {script}\n"));
        let path = std::env::var("PATH").unwrap();
        case.env("PATH", &path).env("AWS_CONFIG_FILE", &config);
        let kind = if body.contains("sleep") { "unavailable" } else { "denied" };
        case.refused(kind, &[]).await;
        assert_eq!(std::fs::read_to_string(&runs).unwrap().lines().count(), 1, "{body}");
    }
}

#[tokio::test]
async fn a_profile_that_was_asked_for_is_never_replaced_by_the_machines_own_credentials() {
    for by in [PROFILE, "AWS_PROFILE"] {
        let mut case = Case::new().await;
        let container = answering(|_| json_credentials("AKCONT")).await;
        case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{container}/creds")).env(by, "b");
        case.refused("usage", &["profile \"b\"", "not defined"]).await;
        case.file(".aws/config", "[profile b]\nregion=eu-west-1\n");
        case.refused("usage", &["profile \"b\"", "has no credentials", "hint: "]).await;
    }
}

#[tokio::test]
async fn a_profile_can_name_the_container_or_the_instance_as_its_source_and_no_proxy_is_asked() {
    let mut case = Case::new().await;
    let service = answering(|path| match path {
        "/latest/api/token" => "token".to_owned(),
        "/creds" => json_credentials("AKCONT"),
        path if path.ends_with("security-credentials/") => "role".to_owned(),
        _ => json_credentials("AKINST"),
    });
    let service = service.await;
    let dead = "http://127.0.0.1:9";
    case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{service}/creds"))
        .env("AWS_EC2_METADATA_DISABLED", "false")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service)
        .env("HTTP_PROXY", dead)
        .env("NO_PROXY", "localhost");
    for (source, key) in [("EcsContainer", "AKCONT"), ("Ec2InstanceMetadata", "AKINST")] {
        case.file(".aws/config", &format!("[profile b]\ncredential_source={source}\n"));
        assert_eq!(case.env("AWS_PROFILE", "b").put().await.access_key(), key);
    }
}

#[tokio::test]
async fn a_role_is_taken_on_with_the_keys_of_another_profile() {
    let mut case = Case::new().await;
    let sts = answering(|_| {
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKROLE</AccessKeyId>\
         <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            .to_owned()
    });
    case.file(
        ".aws/config",
        "[profile role]\nrole_arn=arn:aws:iam::123456789012:role/wal\nsource_profile=base\n\
         region=eu-test-1\n[profile base]\naws_access_key_id=AKBASE\naws_secret_access_key=s\n",
    );
    case.env("AWS_ENDPOINT_URL_STS", &sts.await).env(PROFILE, "role");
    assert_eq!(case.put().await.access_key(), "AKROLE");
}

#[tokio::test]
async fn a_metadata_service_that_refuses_is_no_source_and_is_not_asked_again() {
    for status in [401, 403, 404] {
        let service = refusing(status).await;
        let mut container = Case::new().await;
        container.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{service}/creds"));
        container.refused("denied", &["AWS_ACCESS_KEY_ID"]).await;
        let mut instance = Case::new().await;
        instance.env("AWS_EC2_METADATA_DISABLED", "false").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &service);
        instance.refused("denied", &["AWS_ACCESS_KEY_ID"]).await;
    }
}

#[tokio::test]
async fn what_a_profile_says_about_the_way_is_found_without_signing_in() {
    let mut case = Case::new().await;
    assert!(case.settings().await.contains("Ok(ProfileSettings { endpoint: None, region: None"));
    case.file(
        ".aws/config",
        "[default]\nendpoint_url=http://default\n[profile b]\nservices=s\nregion=eu-b-1\n\
         endpoint_url=http://all\nca_bundle=/b.pem\nmax_attempts=3\nretry_mode=adaptive\n\
         [services s]\ns3 =\n  endpoint_url = http://s3\n",
    );
    assert!(case.settings().await.contains("endpoint: Some(\"http://default\")"));
    let told = case.env(PROFILE, "b").settings().await;
    for word in ["http://s3", "eu-b-1", "/b.pem", "max_attempts: Some(3)", "ignores_endpoints: false"] {
        assert!(told.contains(word), "{word} is not in {told}");
    }
    let told = case.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true").settings().await;
    assert!(told.contains("endpoint: None") && told.contains("ignores_endpoints: true"), "{told}");
    let told = case.env("AWS_RETRY_MODE", "eager").settings().await;
    assert!(told.contains("usage: ") && told.contains("eager"), "{told}");
}

#[tokio::test]
async fn a_web_identity_is_exchanged_for_credentials() {
    let mut case = Case::new().await;
    let sts = answering(|_| {
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
         <AccessKeyId>AKWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
         </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
            .to_owned()
    });
    let (sts, token) = (sts.await, case.file("token", "jwt"));
    case.env("AWS_ENDPOINT_URL_STS", &sts)
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/wal")
        .env("AWS_REGION", "eu-test-1");
    assert_eq!(case.put().await.access_key(), "AKWEB");
}

#[tokio::test]
async fn a_container_gives_credentials() {
    let mut case = Case::new().await;
    let container = answering(|_| json_credentials("AKCONT")).await;
    let token = case.file("token", "secret-token");
    case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{container}/creds"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token);
    assert_eq!(case.put().await.access_key(), "AKCONT");
}

#[tokio::test]
async fn an_instance_gives_credentials() {
    let mut case = Case::new().await;
    let metadata = answering(|path| match path {
        "/latest/api/token" => "token".to_owned(),
        path if path.ends_with("security-credentials/") => "role".to_owned(),
        _ => json_credentials("AKINST"),
    });
    let metadata = metadata.await;
    case.env("AWS_EC2_METADATA_DISABLED", "false").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata);
    assert_eq!(case.put().await.access_key(), "AKINST");
}

#[tokio::test]
async fn no_credentials_are_denied_quickly_with_where_they_were_looked_for() {
    let mut case = Case::new().await;
    let began = Instant::now();
    let output = case.run().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let told = told(&output);
    assert!(!output.status.success() && told.contains("denied: "), "{told}");
    assert!(told.contains("AWS_ACCESS_KEY_ID") && told.contains("profile files"), "{told}");
    assert!(case.s3.seen().is_empty());
}

#[tokio::test]
async fn the_region_comes_from_the_environment_then_the_profile_and_is_never_missing() {
    let mut case = Case::new().await;
    case.keys();
    assert_eq!(region(&case.put().await), "us-east-1");
    case.file(".aws/config", "[default]\nregion=eu-profile-1\n");
    assert_eq!(region(&case.put().await), "eu-profile-1");
    assert_eq!(region(&case.env("AWS_DEFAULT_REGION", "eu-default-1").put().await), "eu-default-1");
    assert_eq!(region(&case.env("AWS_REGION", "eu-env-1").put().await), "eu-env-1");
}

#[tokio::test]
async fn the_endpoint_comes_from_the_environment_or_the_profile() {
    let mut case = Case::without_endpoint().await;
    let endpoint = case.s3.endpoint();
    case.keys().file(".aws/config", &format!("[default]\nendpoint_url={endpoint}\n"));
    assert_eq!(case.put().await.uri.path(), "/walbkt/a");
    std::fs::remove_file(case.home.path().join(".aws/config")).unwrap();
    assert_eq!(case.env("AWS_ENDPOINT_URL", &endpoint).put().await.uri.path(), "/walbkt/a");
    case.command.env_remove("AWS_ENDPOINT_URL");
    assert_eq!(case.env("AWS_ENDPOINT_URL_S3", &endpoint).put().await.uri.path(), "/walbkt/a");
}

#[tokio::test]
async fn only_aws_itself_is_trusted_with_exclusive_puts_whoever_names_the_endpoint() {
    let mut aws = Case::without_endpoint().await;
    let proxy = aws.s3.endpoint();
    aws.keys()
        .env(EXCLUSIVE, "1")
        .env(ENDPOINT, "http://s3.eu-west-1.amazonaws.com")
        .env("HTTP_PROXY", &proxy);
    assert_eq!(aws.put().await.method, Method::PUT);
    assert_eq!(aws.s3.seen().len(), 1);

    let mut profile = Case::without_endpoint().await;
    let endpoint = profile.s3.endpoint();
    profile.keys().env(EXCLUSIVE, "1").file(".aws/config", &format!("[default]\nendpoint_url={endpoint}\n"));
    // The recorder answers every HEAD as if the object were there.
    assert!(!profile.run().await.status.success());
    let methods: Vec<_> = profile.s3.seen().iter().map(|seen| seen.method.clone()).collect();
    assert_eq!(methods, [Method::HEAD]);
}

#[tokio::test]
async fn authorities_come_from_the_profile_or_where_every_program_looks() {
    let mut case = Case::with(S3::start_recording_tls().await);
    let (endpoint, ca) = (case.s3.endpoint(), case.file("ca.pem", case.s3.ca_pem()));
    case.keys().env(ENDPOINT, &endpoint);
    case.refused("usage", &["UnknownIssuer"]).await;
    assert_eq!(case.env("SSL_CERT_FILE", &ca).put().await.access_key(), "AKENV");
    case.command.env_remove("SSL_CERT_FILE");
    case.file(".aws/config", &format!("[default]\nca_bundle={ca}\n"));
    assert_eq!(case.put().await.access_key(), "AKENV");
}

#[tokio::test]
async fn a_misspelled_checksum_mode_is_refused() {
    for name in ["AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"] {
        let mut case = Case::new().await;
        case.keys().env(name, "when_suported");
        case.refused("usage", &[name, "when_suported", "when_supported"]).await;
    }
}

#[tokio::test]
async fn checksums_follow_the_environment() {
    let mut case = Case::new().await;
    case.keys();
    assert_eq!(case.put().await.header("x-amz-sdk-checksum-algorithm"), "");
    case.env("AWS_REQUEST_CHECKSUM_CALCULATION", "when_supported");
    assert_eq!(case.put().await.header("x-amz-sdk-checksum-algorithm"), "CRC32");
}

#[tokio::test]
async fn a_proxy_is_used_and_sees_the_bucket_as_host_where_that_was_asked_for() {
    let mut case = Case::without_endpoint().await;
    let proxy = case.s3.endpoint();
    case.keys().env(ENDPOINT, "http://s3.example.test").env("HTTP_PROXY", &proxy);
    let seen = case.env(ADDRESSING, "virtual").put().await;
    assert_eq!(seen.uri.to_string().split('?').next().unwrap(), "http://walbkt.s3.example.test/a");
    assert_eq!(seen.header("host"), "walbkt.s3.example.test");
    let seen = case.env(ADDRESSING, "path").put().await;
    assert_eq!((seen.header("host"), seen.uri.path()), ("s3.example.test", "/walbkt/a"));
    let direct = case.env("NO_PROXY", "s3.example.test").run().await;
    assert!(!direct.status.success(), "{}", told(&direct));
}

#[tokio::test]
async fn a_proxy_is_asked_to_connect_to_the_host_that_aws_gives_the_bucket() {
    let fips = Some("AWS_USE_FIPS_ENDPOINT");
    let dualstack = Some("AWS_USE_DUALSTACK_ENDPOINT");
    let access_point = "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-ap";
    for (bucket, switch, host) in [
        ("walbkt", None, "walbkt.s3.eu-west-1.amazonaws.com"),
        ("walbkt", fips, "walbkt.s3-fips.eu-west-1.amazonaws.com"),
        ("walbkt", dualstack, "walbkt.s3.dualstack.eu-west-1.amazonaws.com"),
        (access_point, None, "my-ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"),
        // No certificate of AWS's fits a bucket's name with a dot as host.
        ("wal.bkt", None, "s3.eu-west-1.amazonaws.com"),
    ] {
        let mut case = Case::without_endpoint().await;
        let (proxy, record) = refusing_proxy().await;
        case.keys().env("AWS_REGION", "eu-west-1").env(BUCKET, bucket);
        case.env("HTTPS_PROXY", &format!("http://user:hunter2@{proxy}"));
        if let Some(switch) = switch {
            case.env(switch, "true");
        }
        let output = case.run().await;
        let told = told(&output);
        assert!(!output.status.success(), "{told}");
        for secret in ["hunter2", "dXNlcjpodW50ZXIy"] {
            assert!(!told.contains(secret), "{told}");
        }
        let asked = record.lock().unwrap().first().cloned().unwrap_or(told);
        assert!(asked.starts_with(&format!("CONNECT {host}:443 ")), "{asked}");
        assert!(asked.contains("dXNlcjpodW50ZXIy"), "{asked}");
    }
}

#[tokio::test]
async fn the_password_of_a_proxy_that_is_not_there_is_not_told() {
    for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
        let scheme = name.trim_end_matches("_PROXY").to_lowercase();
        let mut case = Case::without_endpoint().await;
        case.keys().env(ENDPOINT, &format!("{scheme}://s3.example.test"));
        let output = case.env(name, "http://user:hunter2@127.0.0.1:9").run().await;
        let told = told(&output);
        assert!(!output.status.success() && told.contains("unavailable: "), "{told}");
        assert!(!told.contains("hunter2") && !told.contains("dXNlcjpodW50ZXIy"), "{told}");
    }
}

#[tokio::test]
async fn an_endpoint_may_be_an_address_of_ip_version_6() {
    let mut case = Case::without_endpoint().await;
    let endpoint = answering_at("[::1]:0", str::to_owned).await;
    let output = case.keys().env(ENDPOINT, &endpoint).run().await;
    assert!(output.status.success(), "{}", told(&output));
}

#[tokio::test]
async fn checksums_of_answers_follow_the_environment() {
    let mut case = Case::new().await;
    case.keys().env(READ, "1");
    assert_eq!(case.put().await.header("x-amz-checksum-mode"), "");
    case.env("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_supported");
    assert_eq!(case.put().await.header("x-amz-checksum-mode").to_lowercase(), "enabled");
}

/// Everything in a directory, with its mode.
fn files(directory: &Path) -> Vec<(PathBuf, u32)> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), mode(&path))).collect()
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn the_next_process_signs_in_without_asking_anybody() {
    let (service, given) = counting(LATER).await;
    let mut case = Case::new().await;
    let tokens = case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).tokens();
    for _ in 0..3 {
        let seen = case.put().await;
        assert_eq!((seen.access_key(), seen.header("x-amz-security-token")), ("AK0", "token"));
    }
    assert_eq!(given.load(Ordering::SeqCst), 1);
    let [(file, file_mode)] = &files(&tokens)[..] else { panic!("{:?}", files(&tokens)) };
    assert_eq!((mode(&tokens), *file_mode), (0o700, 0o600));
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
}

#[tokio::test]
async fn what_a_helper_gives_with_an_end_is_kept_and_what_has_none_is_asked_for_each_time() {
    let end = format!(",\"Expiration\":\"{LATER}\"");
    for (end, runs) in [(end.as_str(), 1), ("", 2)] {
        let mut case = Case::new().await;
        let record = case.home.path().join("runs");
        let answer = format!(r#"{{"Version":1,"AccessKeyId":"AKPROC","SecretAccessKey":"s"{end}}}"#);
        let script = case.file("give", &format!("echo run >> {}\necho '{answer}'\n", record.display()));
        let config = case.file("config", &format!("[default]\ncredential_process=/bin/sh {script}\n"));
        let path = std::env::var("PATH").unwrap();
        let tokens = case.env("PATH", &path).env("AWS_CONFIG_FILE", &config).tokens();
        for _ in 0..2 {
            assert_eq!(case.put().await.access_key(), "AKPROC");
        }
        assert_eq!(std::fs::read_to_string(&record).unwrap().lines().count(), runs);
        assert_eq!(tokens.exists(), runs == 1);
    }
}

#[tokio::test]
async fn keys_that_stay_are_never_kept() {
    let mut case = Case::new().await;
    let tokens = case.tokens();
    assert_eq!(case.keys().put().await.access_key(), "AKENV");
    case.file(".aws/credentials", "[b]\naws_access_key_id=AKB\naws_secret_access_key=s\n");
    assert_eq!(case.env(PROFILE, "b").put().await.access_key(), "AKB");
    assert!(!tokens.exists());
}

#[tokio::test]
async fn credentials_within_five_minutes_of_their_end_are_not_kept() {
    let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(290);
    let (service, given) = counting(soon.to_string()).await;
    let mut case = Case::new().await;
    let tokens = case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).env(PUTS, "3").tokens();
    for nth in 0..2 {
        assert_eq!(case.put().await.access_key(), format!("AK{nth}"));
    }
    assert!(!tokens.exists());
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_directory_that_others_can_reach_or_a_link_to_one_is_not_used() {
    let (service, given) = counting(LATER).await;
    let mut case = Case::new().await;
    let tokens = case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).tokens();
    let elsewhere = case.home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, PermissionsExt::from_mode(0o700)).unwrap();
    symlink(&elsewhere, &tokens).unwrap();
    case.put().await;
    std::fs::remove_file(&tokens).unwrap();
    std::fs::create_dir(&tokens).unwrap();
    std::fs::set_permissions(&tokens, PermissionsExt::from_mode(0o750)).unwrap();
    case.put().await;
    assert_eq!((files(&elsewhere), files(&tokens)), (Vec::new(), Vec::new()));
    assert_eq!(given.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn another_role_or_profile_never_gets_the_credentials_of_the_first() {
    let (sts, given) = exchanging().await;
    let mut case = Case::new().await;
    let token = case.file("token", "jwt");
    case.tokens();
    case.env("AWS_ENDPOINT_URL_STS", &sts).env("AWS_REGION", "eu-test-1");
    case.env("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    for (role, key) in [("wal", "AKWEB0"), ("wal", "AKWEB0"), ("other", "AKWEB1"), ("wal", "AKWEB0")] {
        case.env("AWS_ROLE_ARN", &format!("arn:aws:iam::123456789012:role/{role}"));
        assert_eq!(case.put().await.access_key(), key, "{role}");
    }
    let as_file = |role: &str| {
        format!(
            "[profile b]\nrole_arn=arn:aws:iam::123456789012:role/{role}\n\
             web_identity_token_file={token}\n[profile c]\nrole_arn=arn:aws:iam::123456789012:role/{role}\n\
             web_identity_token_file={token}\n"
        )
    };
    for (profile, role, key) in
        [("b", "x", "AKWEB2"), ("b", "x", "AKWEB2"), ("c", "x", "AKWEB3"), ("b", "y", "AKWEB4")]
    {
        case.file(".aws/config", &as_file(role));
        assert_eq!(case.env(PROFILE, profile).put().await.access_key(), key, "{profile} {role}");
    }
    assert_eq!(given.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn credentials_that_run_out_in_the_middle_of_a_batch_are_replaced_here_and_for_others() {
    for code in ["ExpiredToken", "InvalidToken", "InvalidAccessKeyId"] {
        let (service, given) = counting(LATER).await;
        let mut case = Case::new().await;
        case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).env(ATTEMPTS, "many").tokens();
        case.put().await;
        case.s3.forget();
        case.s3.fault(Method::PUT, 2, Fault::Answer(400, code));
        case.env(PUTS, "3").put().await;
        let keys: Vec<_> = case.s3.seen().iter().map(|seen| seen.access_key().to_owned()).collect();
        assert_eq!(keys, ["AK0", "AK0", "AK1", "AK1"], "{code}");
        case.s3.forget();
        assert_eq!(case.put().await.access_key(), "AK1");
        assert_eq!(given.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn an_answer_without_a_text_may_mean_that_credentials_have_run_out() {
    let (service, _) = counting(LATER).await;
    let mut case = Case::new().await;
    case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).env(ATTEMPTS, "many").tokens();
    case.put().await;
    case.s3.forget();
    case.s3.fault(Method::HEAD, 1, Fault::Answer(400, ""));
    // The recorder answers every HEAD as if the object were there.
    assert!(told(&case.env(EXCLUSIVE, "1").run().await).contains("conflict: "));
    let keys: Vec<_> = case.s3.seen().iter().map(|seen| seen.access_key().to_owned()).collect();
    assert_eq!(keys, ["AK0", "AK1"]);
}

#[tokio::test]
async fn credentials_that_are_refused_as_soon_as_they_are_given_are_not_asked_for_again() {
    let (service, given) = counting(LATER).await;
    let mut case = Case::new().await;
    case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).env(ATTEMPTS, "many").tokens();
    for nth in 1..9 {
        case.s3.fault(Method::PUT, nth, Fault::Answer(400, "ExpiredToken"));
    }
    let output = case.run().await;
    let told = told(&output);
    assert!(told.contains("denied: ") && told.contains("400 ExpiredToken"), "{told}");
    assert_eq!((given.load(Ordering::SeqCst), case.s3.seen().len()), (1, 1));
    assert!(files(&case.home.path().join("tokens")).is_empty(), "what was refused is not left for others");
}

#[tokio::test]
async fn a_permission_that_is_missing_is_no_end_of_credentials() {
    let (service, given) = counting(LATER).await;
    let mut case = Case::new().await;
    case.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &service).env(ATTEMPTS, "many").tokens();
    case.put().await;
    case.s3.forget();
    case.s3.fault(Method::PUT, 1, Fault::Answer(403, "AccessDenied"));
    assert!(told(&case.run().await).contains("denied: "));
    assert_eq!(case.put().await.access_key(), "AK0");
    assert_eq!(given.load(Ordering::SeqCst), 1);
}
