//! What each service's trouble looks like on the command line: message, hint and exit status. The services
//! themselves are not asked; a server on the loopback interface stands for one that refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/listener.rs"]
mod listener;
#[path = "common/refusing.rs"]
mod refusing;

use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::*;
use predicates::str::contains;
use tempfile::TempDir;

use self::refusing::{Headers, Refusing};

/// What stands for a secret.
const HIDDEN: &str = "aHVudGVyMg==";

/// The exit statuses that are met here.
const USAGE: i32 = 2;
const UNAVAILABLE: i32 = 4;
const DENIED: i32 = 5;

/// `check` in a directory of its own, without the settings of whoever runs the tests. It does not try again.
fn check(directory: &Path, store: &str) -> Command {
    let mut command = Command::cargo_bin("barkeep").unwrap();
    command
        .current_dir(directory)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .env("TMPDIR", directory)
        .env("HOME", directory);
    command.args(["check", "--server=main", "--retry-for=1ms", "--store", store]);
    command.timeout(Duration::from_mins(1));
    command
}

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The credentials of each service, none of which anybody knows.
fn with_secrets(command: &mut Command) -> &mut Command {
    command
        .env("AWS_ACCESS_KEY_ID", "AK")
        .env("AWS_SECRET_ACCESS_KEY", HIDDEN)
        .env("AWS_DEFAULT_REGION", "eu-1")
        .env("AZURE_STORAGE_KEY", HIDDEN)
}

/// A store of each service, and the variable that sends its requests to another place, if the URL does not.
fn at(authority: &str) -> [(String, Option<(&'static str, String)>); 3] {
    let url = format!("http://{authority}");
    [
        ("s3://bucket".to_owned(), Some(("BARKEEP_S3_ENDPOINT_URL", url.clone()))),
        (format!("{url}/acc/cont"), None),
        ("gs://bucket".to_owned(), Some(("STORAGE_EMULATOR_HOST", url))),
    ]
}

/// Everything that was said, in which there is no secret.
fn told(end: &Assert) -> String {
    let output = end.get_output();
    let told = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat();
    assert!(!told.contains(HIDDEN), "{told}");
    told
}

#[test]
fn a_server_that_is_not_there_is_named() {
    // Nobody listens there without being root.
    for (store, variable) in at("127.0.0.1:1") {
        let here = scratch();
        let mut command = check(here.path(), &store);
        with_secrets(&mut command).envs(variable);
        let told = told(&command.assert().code(UNAVAILABLE));
        assert!(told.contains("127.0.0.1:1") && told.contains("refused"), "{told}");
    }
}

#[test]
fn a_host_that_does_not_exist_is_a_matter_of_the_resolver() {
    for (store, variable) in at("no-such-host.invalid") {
        let here = scratch();
        let mut command = check(here.path(), &store);
        with_secrets(&mut command).envs(variable);
        let told = told(&command.assert().code(UNAVAILABLE));
        assert!(told.contains("no-such-host.invalid") && told.contains("resolver"), "{told}");
    }
}

#[test]
fn a_refusal_names_the_place_the_services_code_the_request_and_what_is_missing() {
    let xml = |code: &str| {
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>")
    };
    let json = r#"{"error": {"code": 403, "message": "no", "errors": [{"reason": "forbidden"}]}}"#;
    let refusals: [(String, Headers, [&str; 4]); 3] = [
        (
            xml("AccessDenied"),
            &[("x-amz-request-id", "REQ1")],
            ["bucket", "AccessDenied", "REQ1", "s3:ListBucket"],
        ),
        (
            xml("AuthorizationPermissionMismatch"),
            &[("x-ms-request-id", "REQ2"), ("x-ms-error-code", "AuthorizationPermissionMismatch")],
            ["acc", "AuthorizationPermissionMismatch", "REQ2", "Storage Blob Data Reader"],
        ),
        (
            json.to_owned(),
            &[("x-guploader-uploadid", "REQ3")],
            ["bucket", "forbidden", "REQ3", "storage.objects.list"],
        ),
    ];
    for (n, (body, headers, words)) in refusals.into_iter().enumerate() {
        let server = Refusing::start(403, headers, body);
        let (store, variable) = at(&server.address.to_string())[n].clone();
        let here = scratch();
        let mut command = check(here.path(), &store);
        with_secrets(&mut command).envs(variable);
        let told = told(&command.assert().code(DENIED));
        assert!(words.iter().all(|word| told.contains(word)) && told.contains("hint: "), "{words:?}: {told}");
    }
}

#[test]
fn a_url_that_is_nearly_one_is_told_how_it_is_written() {
    let here = scratch();
    for (store, hint) in [
        ("az://cont/p", "https://ACCOUNT.blob.core.windows.net/CONTAINER"),
        ("https://acc.dfs.core.windows.net/cont", "https://ACCOUNT.blob.core.windows.net/CONTAINER"),
        ("https://acc.blob.core.windows.net", "CONTAINER"),
        ("https://acc.blob.core.windows.net/cont?sv=1&sig=aHVudGVyMg==", "AZURE_STORAGE_SAS_TOKEN"),
        ("AccountName=acc;AccountKey=aHVudGVyMg==", "AZURE_STORAGE_CONNECTION_STRING"),
        ("gcs://bucket/p", "gs://BUCKET"),
        ("gs://Bucket", "gs://BUCKET"),
        ("https://console.cloud.google.com/bucket", "gs://BUCKET"),
        ("https://bucket.s3.amazonaws.com/p", "s3://BUCKET"),
    ] {
        let told =
            contains("error: ").and(contains("hint: ")).and(contains(hint)).and(contains(HIDDEN).not());
        check(here.path(), store).assert().code(USAGE).stdout("").stderr(told);
    }
}

#[test]
fn the_flags_of_another_service_are_told_its_own() {
    let here = scratch();
    for (store, flag, own) in [
        ("https://acc.blob.core.windows.net/cont", "--endpoint-url=http://h", "--azure-endpoint-url"),
        ("https://acc.blob.core.windows.net/cont", "--ca-bundle=/ca.pem", "--azure-ca-bundle"),
        ("gs://bucket", "--endpoint-url=http://h", "--gcs-endpoint-url"),
        ("gs://bucket", "--ca-bundle=/ca.pem", "--gcs-ca-bundle"),
    ] {
        check(here.path(), store).arg(flag).assert().code(USAGE).stderr(contains(own));
    }
}

#[test]
fn credentials_that_cannot_be_used_are_a_matter_of_configuration() {
    let here = scratch();
    let azure = "https://acc.blob.core.windows.net/cont";
    let mut command = check(here.path(), azure);
    command.env("AZURE_STORAGE_KEY", "no base64!");
    command.assert().code(USAGE).stderr(contains("AZURE_STORAGE_KEY").and(contains("no base64!").not()));
    let mut command = check(here.path(), azure);
    command.arg("--azure-credential=password");
    command.assert().code(USAGE).stderr(contains("managed-identity"));
    let mut command = check(here.path(), "gs://bucket");
    command.arg("--gcs-credentials-file=nowhere.json");
    command.assert().code(USAGE).stderr(contains("nowhere.json"));
    fs_err::write(here.path().join("key.json"), format!("{{\"private_key\": \"{HIDDEN}\"}}")).unwrap();
    let mut command = check(here.path(), "gs://bucket");
    command.arg("--gcs-credentials-file=key.json");
    command.assert().code(USAGE).stderr(contains("key.json").and(contains(HIDDEN).not()));
}
