//! A wrong flag, URL, key or credential gets a message that says what to do, from every verb: the exit status is
//! the documented one, an action stands below the error, no secret and no backtrace is printed, and it is short.
//! The texts are in `tests/snapshots`: read them as somebody would who was woken for them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/listener.rs"]
mod listener;
#[path = "common/refusing.rs"]
mod refusing;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use barkeep::front::native::command;
use tempfile::TempDir;

use self::refusing::Refusing;

/// What stands for a secret.
const HIDDEN: &str = "hunter2hunter2";

/// More lines than this are not read at night.
const LINES: usize = 8;

const SEGMENT: &str = "000000010000000000000007";

/// The verbs, with the words that each needs at least. `HERE` is the test's directory.
const VERBS: [(&str, &[&str]); 21] = [
    ("wal-archive", &["HERE/pgdata/pg_wal/00000002.history"]),
    ("wal-restore", &[SEGMENT, "HERE/restored"]),
    ("wal-flush", &["--pgdata=HERE/pgdata"]),
    ("check", &[]),
    ("backup", &["--host=HERE"]),
    ("backup-list", &[]),
    ("backup-show", &["latest"]),
    ("backup-keep", &["latest", "full"]),
    ("backup-delete", &["latest"]),
    ("restore", &["HERE/new"]),
    ("retention", &["14d"]),
    ("status", &[]),
    ("metrics", &[]),
    ("report", &["HERE/report.html"]),
    ("verify", &[]),
    ("gc", &[]),
    ("drill", &["--directory=HERE"]),
    ("wal-find", &["--xid=700"]),
    ("config", &["check", "--online"]),
    ("schedule", &["crontab"]),
    ("install-compat", &["HERE/bin"]),
];

/// Those that do not ask the store here: the last two never do, `backup` asks PostgreSQL first, and `drill` whether
/// it may start one, which root may not. Both go the way of `wal-archive` and `restore` from there on.
const LOCAL: [&str; 4] = ["backup", "drill", "schedule", "install-compat"];

/// Where a call is made, without the settings of whoever runs the tests.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        let status = place.path("pgdata/pg_wal/archive_status");
        fs_err::create_dir_all(&status).unwrap();
        fs_err::write(place.path("pgdata/PG_VERSION"), "18\n").unwrap();
        let history = place.path("pgdata/pg_wal/00000002.history");
        fs_err::write(history, "1\t0/3000000\tno recovery target specified\n").unwrap();
        fs_err::write(status.join("00000002.history.ready"), "").unwrap();
        fs_err::write(place.path("unknown.toml"), "stroe = 's3://wal/prod'\n").unwrap();
        fs_err::create_dir(place.path("bin")).unwrap();
        fs_err::write(place.path("store.toml"), "server = 'main'\n").unwrap();
        fs_err::create_dir(place.path("pgdata/global")).unwrap();
        fs_err::write(place.path("pgdata/global/pg_control"), control()).unwrap();
        fs_err::create_dir(place.path("store")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A verb with what it needs and these words and variables besides.
    fn call(&self, verb: &str, case: &Case) -> Told {
        let here = self.directory.path().display().to_string();
        let (_, needed) = VERBS.iter().find(|(name, _)| *name == verb).unwrap();
        let words = needed.iter().chain(case.words).map(|word| word.replace("HERE", &here));
        let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
        command
            .arg(verb)
            .args(words)
            .current_dir(&here)
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .envs([("HOME", &here), ("TMPDIR", &here), ("BARKEEP_SPOOL", &format!("{here}/spool"))])
            .envs([("BARKEEP_SERVER", "main"), ("AWS_DEFAULT_REGION", "eu-1"), ("AWS_ACCESS_KEY_ID", "AK")])
            .envs([("AWS_SECRET_ACCESS_KEY", HIDDEN), ("AWS_MAX_ATTEMPTS", "1")]);
        for (name, value) in &case.variables {
            command.env(name, value.replace("HERE", &here));
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| normal(&String::from_utf8_lossy(bytes), &here);
        // Numbers are told whatever happens; why they are few is on the other side.
        let out = if verb == "metrics" { String::new() } else { text(&output.stdout) };
        Told { status: output.status.code(), out, err: text(&output.stderr) }
    }
}

/// What PostgreSQL 16 would have in `global/pg_control`.
fn control() -> Vec<u8> {
    let mut bytes = vec![0_u8; 8192];
    bytes[..8].copy_from_slice(&7_000_000_000_000_000_001_u64.to_le_bytes());
    bytes[8..12].copy_from_slice(&1300_u32.to_le_bytes());
    bytes[48..52].copy_from_slice(&1_u32.to_le_bytes());
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[..288]);
    bytes[288..292].copy_from_slice(&u32::try_from(sum).unwrap().to_le_bytes());
    bytes
}

/// What is asked at the same time: any of it may fail first.
const TOGETHER: [&str; 6] = [
    "list the WAL: list main/wals/ in",
    "list the base backups: list main/base/ in",
    "look for unfinished uploads: list unfinished uploads of main/base/ in",
    "look for what checks have left: list main/barkeep-probes/ in",
    "look for a segment: list main/wals/ in",
    "look for 00000002.history: list main/wals/00000002.history in",
];

/// The text without what differs from run to run.
fn normal(text: &str, here: &str) -> String {
    let text = text.replace(here, "HERE");
    let text = TOGETHER.iter().fold(text, |text, what| text.replace(what, "list ... in"));
    let mut parts = text.split("127.0.0.1:");
    let mut normal = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let _ = write!(normal, "127.0.0.1:PORT{}", part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    // How long it took, and how much room that takes.
    let mut told = String::new();
    let mut words = normal.split_inclusive(' ').peekable();
    while let Some(word) = words.next() {
        let number = word.contains('.') && word.trim_end().parse::<f64>().is_ok();
        if number && words.next_if(|unit| ["us ", "ms ", "s "].contains(unit)).is_some() {
            told.truncate(told.trim_end_matches(' ').len());
            told.push_str(" TIME ");
        } else {
            told.push_str(word);
        }
    }
    told
}

/// What a call said.
struct Told {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Told {
    /// What of it is not as every refusal must be.
    fn faults(&self, verb: &str, case: &Case) -> Vec<String> {
        let all = format!("{}{}", self.out, self.err);
        // What is wrong with a file is `config check`'s answer, on standard output.
        let answered = verb == "config" && self.out.contains(" has 1 problem\n");
        let status = if verb == "status" { 3 } else { case.status };
        let mut faults = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                faults.push(format!("{verb}, {}: {what}:\n{all}", case.name));
            }
        };
        must(self.status == Some(status), format!("status {:?}, not {status}", self.status));
        must(answered || self.err.contains("error: "), "no error".to_owned());
        must(answered || self.err.lines().any(|line| line.starts_with("hint: ")), "no hint".to_owned());
        must((verb == "status") == self.out.starts_with("UNKNOWN - "), "the monitor's line".to_owned());
        for never in [HIDDEN, "panicked", "backtrace", "RUST_"] {
            must(!all.contains(never), format!("`{never}` is said"));
        }
        must(all.lines().count() <= LINES, "too long".to_owned());
        for word in &case.says {
            must(all.contains(word), format!("`{word}` is not said"));
        }
        faults
    }
}

/// Something that is wrong.
struct Case {
    name: &'static str,
    words: &'static [&'static str],
    variables: Vec<(&'static str, String)>,
    /// The exit status, but for `status`.
    status: i32,
    /// What the message says.
    says: Vec<&'static str>,
}

impl Case {
    fn new(name: &'static str, status: i32, words: &'static [&'static str]) -> Self {
        Self { name, words, variables: Vec::new(), status, says: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    fn says(mut self, words: &[&'static str]) -> Self {
        self.says.extend(words);
        self
    }

    /// At an S3 service that is here.
    fn at(self, endpoint: &str) -> Self {
        self.with("BARKEEP_STORE", "s3://wal/prod")
            .with("BARKEEP_S3_ENDPOINT_URL", endpoint)
            .with("BARKEEP_CONFIG", "HERE/store.toml")
    }
}

/// Calls these verbs, and tells what they said, those together that say the same.
fn chapter(case: &Case, verbs: &[&str]) -> (String, Vec<String>) {
    let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let (mut order, mut faults) = (Vec::<String>::new(), Vec::new());
    for verb in verbs {
        let place = Place::new();
        let said = place.call(verb, case);
        faults.extend(said.faults(verb, case));
        let text =
            format!("{}{}", said.out, said.err).replace(&format!("`barkeep {verb} "), "`barkeep VERB ");
        if !told.contains_key(&text) {
            order.push(text.clone());
        }
        told.entry(text).or_default().push(verb);
    }
    let mut chapter = format!("==== {} ({})\n", case.name, case.status);
    for text in order {
        let _ = write!(chapter, "-- {}\n{text}", told[&text].join(", "));
    }
    (chapter, faults)
}

/// Holds a book against its snapshot and every call against what is true of all; two are made at once.
fn read(name: &str, cases: &[(Case, Vec<&str>)]) {
    let (left, right) = cases.split_at(cases.len() / 2);
    let write = |cases: &[(Case, Vec<&str>)]| -> Vec<_> {
        cases.iter().map(|(case, verbs)| chapter(case, verbs)).collect()
    };
    let chapters = std::thread::scope(|scope| {
        let first = scope.spawn(|| write(left));
        let second = write(right);
        first.join().unwrap().into_iter().chain(second).collect::<Vec<_>>()
    });
    let (texts, faults): (Vec<String>, Vec<Vec<String>>) = chapters.into_iter().unzip();
    let faults = faults.concat();
    insta::assert_snapshot!(name, texts.join("\n"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn all() -> Vec<&'static str> {
    VERBS.iter().map(|(verb, _)| *verb).collect()
}

fn but(others: &[&str]) -> Vec<&'static str> {
    all().into_iter().filter(|verb| !others.contains(verb)).collect()
}

#[test]
fn every_verb_is_tried() {
    let tree = command();
    let verbs: Vec<&str> =
        tree.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name).collect();
    assert_eq!(all(), verbs);
}

#[test]
fn wrong_words_are_refused_with_what_is_right() {
    let shared = || but(&["install-compat"]);
    let cases = [
        (Case::new("unknown flag", 2, &["--jsno"]).says(&["--jsno", "did you mean `--json`"]), all()),
        (
            Case::new("flag without value", 2, &["--log-format"])
                .says(&["--log-format", "`barkeep help settings`"]),
            all(),
        ),
        (Case::new("wrong value", 2, &["--log-format=jsn"]).says(&["jsn", "json"]), all()),
        (Case::new("wrong size", 2, &["--memory=much"]).says(&["`much`", "MiB"]), shared()),
        (Case::new("wrong server", 2, &["--server=a/b"]).says(&["a/b"]), shared()),
        (Case::new("one word too many", 2, &["one", "two", "three"]).says(&["--help"]), all()),
        (
            Case::new(
                "two that exclude each other",
                2,
                &["--sse=aws:kms", "--sse-kms-key-id=k", "--sse-customer-key=file:///k"],
            )
            .with("BARKEEP_STORE", "s3://wal/prod")
            .says(&["--sse", "--sse-customer-key"]),
            but(&["install-compat", "config", "schedule"]),
        ),
        (
            Case::new("two targets", 2, &["--target-lsn=0/1", "--target-xid=7"])
                .says(&["--target-lsn", "--target-xid"]),
            vec!["restore", "drill"],
        ),
        (
            Case::new("two halves", 2, &["--wal-only", "--backups-only"])
                .with("BARKEEP_STORE", "s3://wal/prod")
                .says(&["--wal-only", "--backups-only"]),
            vec!["verify"],
        ),
        (
            Case::new("two ways to tell", 2, &["--textfile=HERE/x.prom", "--listen"])
                .with("BARKEEP_STORE", "s3://wal/prod")
                .says(&["--textfile", "--listen"]),
            vec!["metrics"],
        ),
        (Case::new("two searches", 2, &["--lsn=0/1"]).says(&["--lsn", "--xid"]), vec!["wal-find"]),
    ];
    read("words", &cases);
}

#[test]
fn wrong_settings_are_refused_with_what_is_right() {
    let shared = || but(&["install-compat"]);
    // These two look at a file for themselves, and can do without a store.
    let store = || but(&["install-compat", "config", "schedule"]);
    let cases = [
        (Case::new("no store", 2, &[]).says(&["--store", "BARKEEP_STORE"]), store()),
        (
            Case::new("no server", 2, &[])
                .with("BARKEEP_STORE", "file:///nowhere")
                .with("BARKEEP_SERVER", "")
                .says(&["--server", "BARKEEP_SERVER"]),
            store(),
        ),
        (Case::new("malformed URL", 2, &["--store=s3:/wal"]).says(&["s3:/wal", "s3://"]), store()),
        (Case::new("URL without a bucket", 2, &["--store=s3://"]).says(&["bucket"]), store()),
        (Case::new("unknown scheme", 2, &["--store=ftp://host/wal"]).says(&["ftp://", "s3://"]), store()),
        (
            Case::new("secret in the URL", 2, &["--store=s3://AK:hunter2hunter2@wal/prod"])
                .says(&["credentials"]),
            store(),
        ),
        (
            Case::new("secret in Azure's URL", 2, &[])
                .with("BARKEEP_STORE", &format!("https://acc.blob.core.windows.net/c/p?sv=1&sig={HIDDEN}"))
                .says(&["AZURE_STORAGE_SAS_TOKEN"]),
            store(),
        ),
        (
            Case::new("malformed endpoint", 2, &["--endpoint-url=minio:9000"])
                .with("BARKEEP_STORE", "s3://wal/prod")
                .says(&["minio:9000", "http"]),
            but(&["install-compat", "config", "schedule", "backup", "drill"]),
        ),
        (
            Case::new("configuration that is not there", 2, &["--config=HERE/gone.toml"])
                .says(&["gone.toml"]),
            { shared() },
        ),
        (Case::new("configuration that cannot be read", 2, &["--config=HERE/pgdata"]), shared()),
        (
            Case::new("unknown key", 2, &["--config=HERE/unknown.toml"]).says(&["unknown.toml", "stroe"]),
            shared(),
        ),
    ];
    read("settings", &cases);
}

#[test]
fn what_is_not_there_is_told_with_what_to_do() {
    let store = |case: Case| case.with("BARKEEP_STORE", "file://HERE/store");
    let one = || vec!["backup-show", "backup-keep", "backup-delete", "restore", "wal-find"];
    let cases = [
        (store(Case::new("unknown server", 1, &[])).says(&["main"]), one()),
        (
            Case::new("no store in a directory", 2, &[])
                .with("BARKEEP_STORE", "file://HERE/gone")
                .says(&["gone"]),
            vec!["check", "backup-list", "wal-archive", "retention"],
        ),
        (store(Case::new("PostgreSQL out of reach", 7, &[])).says(&["--host"]), vec!["backup"]),
    ];
    read("absent", &cases);
}

#[test]
fn what_a_service_refuses_is_told_with_what_to_do() {
    let answers = [
        ("missing bucket", 2, 404, "NoSuchBucket", "The specified bucket does not exist"),
        ("wrong secret key", 5, 403, "SignatureDoesNotMatch", "The signature does not match"),
        ("wrong access key", 5, 403, "InvalidAccessKeyId", "The key does not exist"),
        ("permission denied", 5, 403, "AccessDenied", "Access Denied"),
        ("expired token", 5, 400, "ExpiredToken", "The provided token has expired"),
        ("wrong clock", 5, 403, "RequestTimeTooSkewed", "The difference is too large"),
        ("wrong region", 2, 301, "PermanentRedirect", "Use the endpoint"),
        ("overloaded", 4, 503, "SlowDown", "Reduce your request rate"),
    ];
    let servers = answers.map(|(_, _, status, code, message)| {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        Refusing::start(status, &[], body)
    });
    let asks = || but(&LOCAL);
    let mut cases =
        vec![(Case::new("dead server", 4, &[]).at("http://127.0.0.1:9").says(&["refused"]), asks())];
    for ((name, status, _, code, _), server) in answers.into_iter().zip(&servers) {
        cases.push((
            Case::new(name, status, &[]).at(&format!("http://{}", server.address)).says(&[code]),
            asks(),
        ));
    }
    read("service", &cases);
}
