//! The real binary with a manifest as its configuration: WAL to and from services whose credentials and
//! authority are the manifest's secrets, wherever these are.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/azure.rs"]
mod azure;
mod bed;
#[path = "common/gcs.rs"]
mod gcs;
#[path = "common/listener.rs"]
mod listener;
#[path = "manifest/recovery.rs"]
mod recovery;
#[path = "common/s3.rs"]
mod s3;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use azure::Azure;
use bed::Bed;
use gcs::Gcs;
use s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY};
use tokio::process::Command;

const SEGMENT: &str = "000000010000000000000001";

/// A data directory, and a manifest beside it.
struct Machine {
    bed: Bed,
}

impl Machine {
    fn new() -> Self {
        let bed = Bed::new();
        bed.segment(SEGMENT);
        Self { bed }
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.bed.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The binary, without the settings of whoever runs the tests.
    async fn barkeep(&self, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
        command
            .args(words)
            .current_dir(self.bed.data())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env("HOME", self.bed.dir.path())
            .env("BARKEEP_SPOOL", self.bed.spool())
            .env("BARKEEP_CONFIG", self.bed.dir.path().join("store.yaml"))
            .env("BARKEEP_WAL_ARCHIVE_RETRY_FOR", "1ms")
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        let output = command.output().await.unwrap();
        assert!(!told(&output).contains(SECRET_KEY), "{}", told(&output));
        output
    }

    async fn must(&self, words: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.barkeep(words, variables).await;
        assert!(output.status.success(), "{words:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Archives a segment, lists, and has the segment back.
    async fn goes_round(&self, name: &str, variables: &[(&str, &str)]) {
        if name != SEGMENT {
            self.bed.segment(name);
        }
        self.must(&["wal-archive", &format!("pg_wal/{name}")], variables).await;
        let listed = self.must(&["backup-list", "--json"], variables).await;
        assert!(listed.contains("\"exit\":0"), "{listed}");
        let to = self.bed.dir.path().join("restored");
        let window = [variables, &[("BARKEEP_WAL_RESTORE_WINDOW", "0")]].concat();
        self.must(&["wal-restore", name, to.to_str().unwrap()], &window).await;
        assert!(std::fs::read(&to).unwrap() == std::fs::read(self.bed.wal(name)).unwrap());
    }
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

/// An `ObjectStore` and its `Cluster`, without secrets.
fn store(s3: &S3) -> String {
    format!(
        "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {{name: store}}
spec:
  configuration:
    destinationPath: s3://{BUCKET}/some/path
    endpointURL: {}
    endpointCA: {{name: ca, key: ca.crt}}
    s3Credentials:
      accessKeyId: {{name: keys, key: id}}
      secretAccessKey: {{name: keys, key: secret}}
    wal: {{compression: gzip}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: main}}
spec:
  plugins:
  - name: barman-cloud.cloudnative-pg.io
    parameters: {{barmanObjectName: store}}
",
        s3.endpoint()
    )
}

/// The secrets as documents.
fn secrets(s3: &S3, secret: &str) -> String {
    let pem = s3.ca_pem().replace('\n', "\n    ");
    format!(
        "---
apiVersion: v1
kind: Secret
metadata: {{name: keys}}
stringData: {{id: {ACCESS_KEY}, secret: {secret}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: ca}}
stringData:
  ca.crt: |
    {pem}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_file_open_the_archive_and_win_over_the_environment() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    machine.file("store.yaml", &format!("{}{}", store(&s3), secrets(&s3, SECRET_KEY)));
    let others =
        [("AWS_ACCESS_KEY_ID", "another"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_CA_BUNDLE", "/none")];
    machine.goes_round(SEGMENT, &others).await;
    assert!(s3.folder(&format!("some/path/main/wals/0000000100000000/{SEGMENT}.gz")).exists());
    let explained = machine.must(&["config", "explain", "wal-archive"], &[]).await;
    assert!(explained.contains("***") && explained.contains("of the Secret keys"), "{explained}");
    let checked = machine.must(&["config", "check"], &[]).await;
    assert!(checked.contains("is sound"), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_in_a_directory_are_read_anew_in_every_call() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    machine.file("store.yaml", &store(&s3));
    machine.file("mounted/keys/id", ACCESS_KEY);
    machine.file("mounted/keys/secret", &format!("{SECRET_KEY}\n"));
    machine.file("mounted/ca/ca.crt", s3.ca_pem());
    let directory = machine.bed.dir.path().join("mounted");
    let mounted = [("BARKEEP_SECRET_DIR", directory.to_str().unwrap())];
    machine.goes_round(SEGMENT, &mounted).await;
    // Rotated away, and back.
    machine.file("mounted/keys/secret", "rotated");
    machine.bed.segment("000000010000000000000002");
    let denied = machine.barkeep(&["wal-archive", "pg_wal/000000010000000000000002"], &mounted).await;
    assert_eq!(denied.status.code(), Some(5), "{}", told(&denied));
    machine.file("mounted/keys/secret", SECRET_KEY);
    machine.goes_round("000000010000000000000002", &mounted).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_the_environment_do_where_there_are_no_others() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    machine.file("store.yaml", &store(&s3));
    let ca = machine.file("ca.pem", s3.ca_pem());
    let missing = machine.barkeep(&["wal-archive", &format!("pg_wal/{SEGMENT}")], &[]).await;
    assert_eq!(missing.status.code(), Some(2), "{}", told(&missing));
    assert!(told(&missing).contains("of the secret keys is not in the file"), "{}", told(&missing));
    let environment = [
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
        ("AWS_CA_BUNDLE", ca.to_str().unwrap()),
    ];
    machine.goes_round(SEGMENT, &environment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filler_finds_the_secrets_by_the_manifest() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    machine.file("store.yaml", &format!("{}{}", store(&s3), secrets(&s3, SECRET_KEY)));
    let names: Vec<String> = (1..=4).map(|n| format!("0000000100000000{n:08X}")).collect();
    for name in &names {
        machine.bed.segment(name);
        machine.must(&["wal-archive", &format!("pg_wal/{name}")], &[]).await;
    }
    // As PostgreSQL asks: the filler is started and goes ahead.
    machine.must(&["wal-restore", &names[0], "pg_wal/RECOVERYXLOG"], &[]).await;
    let ahead = || has_file(&machine.bed.spool(), &names[2]);
    for _ in 0..200 {
        if ahead() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(ahead(), "the filler fetched nothing");
}

/// Whether a file of this name is below.
fn has_file(directory: &Path, name: &str) -> bool {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let is_it = entry.file_name().to_string_lossy().contains(name);
        is_it || (entry.path().is_dir() && has_file(&entry.path(), name))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_of_a_sidecar_is_taken_unless_it_is_set_already() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    let whole = format!("{}{}", store(&s3), secrets(&s3, SECRET_KEY));
    let environment =
        "spec:\n  instanceSidecarConfiguration:\n    env: [{name: AWS_MAX_ATTEMPTS, value: many}]\n";
    machine.file("store.yaml", &whole.replacen("spec:\n", environment, 1));
    let words = ["wal-archive", &format!("pg_wal/{SEGMENT}")];
    let refused = machine.barkeep(&words, &[]).await;
    assert!(told(&refused).contains("AWS_MAX_ATTEMPTS is `many`"), "{}", told(&refused));
    machine.must(&words, &[("AWS_MAX_ATTEMPTS", "2")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_clusters_archive_is_read_and_never_written() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    let whole = format!("{}{}", store(&s3), secrets(&s3, SECRET_KEY));
    let replica = "
  externalClusters:
  - name: origin
    plugin:
      name: barman-cloud.cloudnative-pg.io
      parameters: {barmanObjectName: store, serverName: main}
";
    machine.file("store.yaml", &whole);
    machine.must(&["wal-archive", &format!("pg_wal/{SEGMENT}")], &[]).await;
    let copy = whole.replacen("name: main}\n", "name: copy}\n", 1);
    let copy =
        copy.replacen("{barmanObjectName: store}\n", &format!("{{barmanObjectName: store}}{replica}"), 1);
    machine.file("store.yaml", &copy);
    let to = machine.bed.dir.path().join("restored");
    let words = ["wal-restore", SEGMENT, to.to_str().unwrap()];
    let own = machine.barkeep(&words, &[]).await;
    assert_ne!(own.status.code(), Some(0), "the copy's own archive is empty");
    machine.must(&[&words[..], &["--from", "origin"]].concat(), &[]).await;
    let refused = machine.barkeep(&["wal-archive", "--from=origin", &format!("pg_wal/{SEGMENT}")], &[]).await;
    assert_eq!(refused.status.code(), Some(2), "{}", told(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_access_signature_of_azure_is_sent_with_every_request() {
    let (azure, machine) = (Azure::start().await, Machine::new());
    let container = azure.container();
    let destination = format!("{}/{}/some/path", container.service, container.name);
    machine.file(
        "store.yaml",
        &format!(
            "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {{name: azure}}
spec:
  configuration:
    destinationPath: {destination}
    azureCredentials:
      storageAccount: {{name: azure, key: account}}
      storageSasToken: {{name: azure, key: sas}}
---
apiVersion: v1
kind: Secret
metadata: {{name: azure}}
stringData: {{account: acct, sas: 'sv=2024-11-04&sp=racwdl&sig=c2ln'}}
"
        ),
    );
    machine.goes_round(SEGMENT, &[("BARKEEP_SERVER", "mealie")]).await;
    let seen = azure.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.word("sig") == "c2ln"), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn googles_credentials_are_the_text_of_a_secret() {
    let (gcs, machine) = (Gcs::start().await, Machine::new());
    let key = std::fs::read_to_string(gcs.options().credentials_file.unwrap()).unwrap();
    let manifest = |key: &str| {
        format!(
            "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {{name: google}}
spec:
  configuration:
    destinationPath: gs://{}/some/path
    googleCredentials:
      applicationCredentials: {{name: gcs, key: key.json}}
    wal: {{compression: gzip}}
---
apiVersion: v1
kind: Secret
metadata: {{name: gcs}}
stringData:
  key.json: |
    {key}
",
            gcs::BUCKET
        )
    };
    machine.file("store.yaml", &manifest(&key));
    let endpoint = gcs.endpoint();
    // What the environment names is another's.
    let variables = [
        ("BARKEEP_SERVER", "main"),
        ("BARKEEP_GCS_ENDPOINT_URL", &endpoint),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent"),
    ];
    machine.goes_round(SEGMENT, &variables).await;
    let name = format!("some/path/main/wals/0000000100000000/{SEGMENT}.gz");
    assert!(gcs.names().contains(&name), "{:?}", gcs.names());
    assert!(gcs.tokens_given() > 0);
    for seen in gcs.seen().iter().filter(|seen| seen.uri.path() != "/token") {
        assert!(seen.header("authorization").starts_with("Bearer "), "{seen:?}");
    }
    let explained = machine.must(&["config", "explain", "wal-archive"], &variables).await;
    assert!(explained.contains("key.json of the Secret gcs"), "{explained}");
    assert!(!explained.contains("hunter2"), "{explained}");

    // A key that is none is refused before anything is asked, and is not repeated.
    machine.file("store.yaml", &manifest("{\"type\": \"hunter2\"}"));
    let asked = gcs.seen().len();
    let refused = machine.barkeep(&["backup-list"], &variables).await;
    assert!(!refused.status.success() && gcs.seen().len() == asked, "{}", told(&refused));
    assert!(told(&refused).contains("hint: "), "{}", told(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_checked_against_the_store_when_that_is_asked_for() {
    let (s3, machine) = (S3::start_tls().await, Machine::new());
    let whole = format!("{}{}", store(&s3), secrets(&s3, SECRET_KEY));
    let path = machine.file("elsewhere.yaml", &whole);
    let words = ["config", "check", path.to_str().unwrap(), "--online"];
    let said = machine.must(&words, &[]).await;
    assert!(said.contains("is sound") && said.contains("exclusive put: "), "{said}");
    assert!(s3.seen().iter().all(|seen| seen.access_key() == ACCESS_KEY));

    // Probes are written, and what is another's is not written to.
    let output = machine.barkeep(&[&words[..], &["--from=elsewhere"]].concat(), &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("--online writes probes"), "{}", told(&output));

    // Found wrong on paper, it is not taken there.
    s3.forget();
    machine.file("elsewhere.yaml", &whole.replace("destinationPath", "destinationPth"));
    let output = machine.barkeep(&words, &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("has 2 problems") && s3.seen().is_empty(), "{}", told(&output));

    machine.file("elsewhere.yaml", &format!("{}{}", store(&s3), secrets(&s3, "otherwise")));
    let output = machine.barkeep(&words, &[]).await;
    assert_eq!(output.status.code(), Some(5), "{}", told(&output));
    assert!(told(&output).contains("hint: "), "{}", told(&output));
    let json = machine.barkeep(&[&words[..], &["--json"]].concat(), &[]).await;
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["exit"], 5, "{json}");

    machine.file("elsewhere.yaml", &whole);
    drop(s3);
    let impatient = [("BARKEEP_CHECK_RETRY_FOR", "1ms")];
    let output = machine.barkeep(&words, &impatient).await;
    assert_eq!(output.status.code(), Some(4), "{}", told(&output));
    // Without contact it is as sound as before.
    machine.must(&words[..3], &[]).await;
}
