//! The second door as those see it who start it: the real binary through a link named as the command
//! (spec/cloudnativepg.md 1, spec/barman-cloud.md 1). What the commands do is tested elsewhere; most calls
//! here only test the store, with `-t`, which takes all words to be understood.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const NAMES: [&str; 9] = [
    "barman-cloud-wal-archive",
    "barman-cloud-wal-restore",
    "barman-cloud-backup",
    "barman-cloud-backup-list",
    "barman-cloud-backup-show",
    "barman-cloud-backup-delete",
    "barman-cloud-backup-keep",
    "barman-cloud-restore",
    "barman-cloud-check-wal-archive",
];

const WAL: &str = "/var/lib/postgresql/data/pgdata/pg_wal/000000010000000000000007";
const NAME: &str = "000000010000000000000007";

/// A directory with a link, a store and nothing else.
struct Bench {
    scratch: TempDir,
}

impl Bench {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs_err::create_dir(scratch.path().join("archive")).unwrap();
        fs_err::create_dir(scratch.path().join("bin")).unwrap();
        for name in NAMES {
            symlink(env!("CARGO_BIN_EXE_barkeep"), scratch.path().join("bin").join(name)).unwrap();
        }
        Self { scratch }
    }

    /// The store's URL: it can be reached, whatever the provider.
    fn store(&self) -> String {
        format!("file://{}/archive", self.scratch.path().display())
    }

    /// The command as the sidecar starts it: no HOME, no settings, nothing on standard input.
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.link(name));
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .current_dir(&self.scratch)
            .stdin(Stdio::null());
        command
    }

    fn link(&self, name: &str) -> PathBuf {
        self.scratch.path().join("bin").join(name)
    }

    /// Runs words of one line; `DEST` stands for the store, and `_` for a blank.
    fn run(&self, line: &str) -> Output {
        let mut words = line.split_whitespace();
        let mut command = self.command(&format!("barman-cloud-{}", words.next().unwrap()));
        let store = self.store();
        command.args(words.map(|word| if word == "DEST" { store.clone() } else { word.replace('_', " ") }));
        command.output().unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn assert_understood(bench: &Bench, line: &str) {
    let output = bench.run(line);
    assert_eq!(
        (code(&output), stderr(&output), stdout(&output)),
        (0, String::new(), String::new()),
        "{line}"
    );
}

#[test]
fn the_version_is_the_name_and_the_level_and_nothing_else() {
    let bench = Bench::new();
    for name in NAMES {
        for flag in ["--version", "-V"] {
            let output = bench.command(name).arg(flag).output().unwrap();
            assert_eq!((code(&output), stdout(&output)), (0, format!("{name} 3.20.1\n")), "{name}");
        }
    }
}

#[test]
fn a_command_is_also_a_verb_and_a_link_of_another_name_is_the_native_door() {
    let bench = Bench::new();
    let verb = Command::new(env!("CARGO_BIN_EXE_barkeep")).args([NAMES[2], "-V"]).output().unwrap();
    assert_eq!(stdout(&verb), "barman-cloud-backup 3.20.1\n");
    let other = bench.link("barman-cloud-walk");
    symlink(env!("CARGO_BIN_EXE_barkeep"), &other).unwrap();
    let native = Command::new(&other).arg("--version").output().unwrap();
    assert!(stdout(&native).starts_with("barkeep "), "{native:?}");
}

#[test]
fn help_goes_to_standard_output() {
    let bench = Bench::new();
    for name in NAMES {
        let output = bench.command(name).arg("--help").output().unwrap();
        assert_eq!((code(&output), stderr(&output)), (0, String::new()), "{name}");
        assert!(stdout(&output).contains("--cloud-provider"), "{name}");
    }
}

#[test]
fn wrong_words_end_with_3_a_usage_line_and_the_reason() {
    let bench = Bench::new();
    for name in NAMES {
        let output = bench.command(name).output().unwrap();
        let said = stderr(&output);
        assert_eq!((code(&output), stdout(&output)), (3, String::new()), "{said}");
        assert!(said.starts_with(&format!("usage: {name} ")), "{said}");
        let error = format!("\n{name}: error: the following arguments are required: ");
        assert!(said.contains(&error), "{said}");
    }
    for line in [
        "wal-archive --no-such DEST s x",
        "wal-archive --cloud-provider nobody DEST s x",
        "wal-archive -h DEST s x",
        "wal-archive -v -q DEST s x",
        "backup --max-archive-size large DEST s",
        "backup-delete DEST s",
    ] {
        assert_eq!(code(&bench.run(line)), 3, "{line}");
    }
}

#[test]
fn the_order_of_the_librarys_words_is_understood() {
    let bench = Bench::new();
    for cloud in [
        "--cloud-provider aws-s3",
        "--cloud-provider azure-blob-storage",
        "--cloud-provider azure-blob-storage --credential default",
        "--cloud-provider azure-blob-storage --credential managed-identity",
        "--cloud-provider google-cloud-storage",
        "",
    ] {
        let rest = format!("--endpoint-url http://minio:9000 {cloud} DEST cluster-example");
        for line in [
            format!("check-wal-archive {rest}"),
            format!(
                "wal-archive --gzip -e AES256 --max-concurrency=1 --read-timeout=60 --tags env,prod a,b --history-tags env,keep {rest} {WAL}"
            ),
            format!("wal-restore {rest} --read-timeout=60 {NAME} /controller/wal-restore-spool/x.tmp"),
            format!(
                "backup --user postgres --name backup-20260101000000 --lz4 --encryption aws:kms --immediate-checkpoint --jobs 4 --min-chunk-size=5MB --tags env,prod {rest}"
            ),
            format!("backup-list --format json {rest}"),
            format!("backup-show --format json {rest} backup-20260101000000"),
            format!(
                "backup-delete --endpoint-url http://minio:9000 {cloud} --retention-policy RECOVERY_WINDOW_OF_7_DAYS DEST cluster-example"
            ),
            format!(
                "restore {cloud} --endpoint-url http://minio:9000 --read-timeout=900 DEST cluster-example 20260101T000000 /pgdata"
            ),
            format!(
                "restore --endpoint-url http://minio:9000 DEST cluster-example 20260101T000000 {cloud} --read-timeout=900 /pgdata"
            ),
            format!(
                "wal-restore --endpoint-url http://minio:9000 DEST cluster-example {cloud} {NAME} pg_wal/RECOVERYXLOG"
            ),
        ] {
            assert_understood(&bench, &format!("{line} --test"));
        }
    }
}

#[test]
fn options_of_newer_releases_that_users_pass_on_are_understood() {
    let bench = Bench::new();
    for line in [
        format!(
            "wal-archive -t --max-block-size=4MB --max-single-put-size 64MB --compression-level=high --zstd -e aws:kms --sse-kms-key-id=k DEST s {WAL}"
        ),
        format!(
            "wal-archive -t --kms-key-name=k --encryption-scope=s --sse-customer-key file:///k DEST s {WAL}"
        ),
        format!("wal-archive DEST -t --xz s --addressing-style path {WAL}"),
        format!("wal-restore -t --no-partial -p 4 --spool-dir /spool DEST s {NAME} to"),
        "backup -t -z --max-archive-size=100GB --max-bandwidth=10MB --keepalive-interval=0 --zstd DEST s"
            .replace("-z ", ""),
        "backup -t -h /controller/run -p 5432 -U postgres -d postgres -n name -J 2 -S 1GB DEST s".to_owned(),
        "backup-delete -t -r REDUNDANCY_2 -m 1 --dry-run --batch-size 10 --check-object-lock DEST s"
            .to_owned(),
        "backup-keep -t --target full DEST s 20260101T000000".to_owned(),
        "check-wal-archive --timeline 2 --aws-profile p --profile q -P r DEST s -t".to_owned(),
        "backup-list --azure-credential default --default azure-cli DEST s -t".to_owned(),
    ] {
        assert_understood(&bench, &line);
    }
}

#[test]
fn a_word_with_a_blank_after_an_option_is_taken_apart_with_a_warning() {
    let bench = Bench::new();
    for option in ["-e_AES256", "--max-single-put-size_16777216", "--tags_env,prod_a,b"] {
        let output = bench.run(&format!("wal-archive {option} -t DEST s {WAL}"));
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(stderr(&output).contains("WARNING: read as two words: "), "{output:?}");
    }
}

#[test]
fn a_path_need_not_be_text() {
    let bench = Bench::new();
    let mut command = bench.command(NAMES[0]);
    let path = [b"/data/\xff/", NAME.as_bytes()].concat();
    let output = command.args(["-t", &bench.store(), "s"]).arg(OsStr::from_bytes(&path)).output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

#[test]
fn an_archiver_without_a_file_is_told_so() {
    let bench = Bench::new();
    for line in ["wal-archive DEST s", "wal-archive -t DEST s"] {
        let output = bench.run(line);
        assert_eq!(code(&output), 3, "{output:?}");
        assert!(stderr(&output).contains("required: wal_path"), "{output:?}");
    }
}

#[test]
fn a_log_line_has_time_process_level_and_no_more_lines() {
    let bench = Bench::new();
    let output = bench.run("backup-list -t gs://b s");
    assert_eq!(code(&output), 4);
    let said = stderr(&output);
    let (time, rest) = said.split_once(" [").unwrap();
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00 00:00:00,000");
    let (process, text) = rest.split_once("] ").unwrap();
    assert!(process.parse::<u32>().is_ok(), "{said}");
    assert_eq!(text, "ERROR: Invalid s3 URL address: gs://b (give --cloud-provider google-cloud-storage)\n");
    assert_eq!(stderr(&bench.run("backup-list -qq -t gs://b s")), "");
}

#[test]
fn no_secret_of_a_url_is_repeated() {
    let bench = Bench::new();
    for url in ["s3://AKIA:hunter2@b", "https://a.blob.core.windows.net/c?sig=hunter2"] {
        let output = bench.run(&format!("backup-list -vv -t {url} s"));
        assert_eq!(code(&output), 4);
        assert!(!stderr(&output).contains("hunter2"), "{output:?}");
    }
}

/// A service that answers every request with this, until the test ends.
fn service(status: &'static str, error: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let body = format!("<Error><Code>{error}</Code><Message>said so</Message></Error>");
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    format!("http://{address}")
}

/// What `-t` ends with for each command, at this endpoint.
fn tested(endpoint: &str) -> Vec<(String, i32)> {
    let bench = Bench::new();
    let ends = NAMES.iter().map(|name| {
        let mut command = bench.command(name);
        command.args(["-t", "--endpoint-url", endpoint, "s3://bucket/path", "s"]);
        match *name {
            "barman-cloud-wal-archive" => command.arg(WAL),
            "barman-cloud-wal-restore" => command.args([NAME, "to"]),
            "barman-cloud-restore" => command.args(["latest", "to"]),
            "barman-cloud-backup-delete" => command.args(["-b", "20260101T000000"]),
            "barman-cloud-backup-show" | "barman-cloud-backup-keep" => command.arg("20260101T000000"),
            _ => &mut command,
        };
        if *name == "barman-cloud-backup-keep" {
            command.arg("--status");
        }
        command.envs([
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("AWS_MAX_ATTEMPTS", "1"),
        ]);
        let output = command.output().unwrap();
        assert!(!stderr(&output).contains("hunter2"), "{output:?}");
        ((*name).to_owned(), code(&output))
    });
    ends.collect()
}

#[track_caller]
fn assert_all_end(endpoint: &str, usual: i32, check: i32) {
    for (name, code) in tested(endpoint) {
        let expected = if name.ends_with("check-wal-archive") { check } else { usual };
        assert_eq!(code, expected, "{name}");
    }
}

#[test]
fn a_test_without_a_bucket_ends_with_1_and_where_the_bucket_would_be_made_with_0() {
    assert_all_end(&service("404 Not Found", "NoSuchBucket"), 1, 0);
}

#[test]
fn a_test_that_is_denied_ends_with_4() {
    assert_all_end(&service("403 Forbidden", "AccessDenied"), 4, 4);
}

#[test]
fn a_test_that_nobody_answers_ends_with_2() {
    assert_all_end("http://127.0.0.1:9", 2, 2);
}

#[test]
fn nothing_is_left_on_disk() {
    let bench = Bench::new();
    assert_understood(&bench, &format!("wal-archive -t DEST s {WAL}"));
    let archive = fs_err::read_dir(bench.scratch.path().join("archive")).unwrap().count();
    let here = fs_err::read_dir(bench.scratch.path()).unwrap().count();
    assert_eq!((archive, here), (0, 2));
}

#[test]
fn whoever_stops_reading_is_no_failure_and_a_full_disk_is() {
    let bench = Bench::new();
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = bench.command(NAMES[3]).arg("--help").stdout(full.into_file()).output().unwrap();
    assert_eq!(code(&output), 4);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = bench.command(NAMES[3]).arg("--help").stdout(writer).output().unwrap();
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = bench.command(NAMES[3]).args(["-t", "gs://b", "s"]).stderr(writer).output().unwrap();
    assert_eq!(code(&output), 4);
}

#[test]
fn the_pipes_are_closed_when_the_command_has_ended() {
    let bench = Bench::new();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut child = bench.command(NAMES[3]).arg("-V").stdout(writer).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "barman-cloud-backup-list 3.20.1\n");
}

#[test]
fn links_are_made_once_and_lead_here() {
    let scratch = tempfile::tempdir().unwrap();
    let install = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
        command.env_clear().arg("install-compat").args(words).arg(scratch.path()).output().unwrap()
    };
    for (words, made) in [(&[][..], "9 links to "), (&["--json"][..], "\"made\":0,\"exit\":0}\n")] {
        let output = install(words);
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(stdout(&output).contains(made), "{output:?}");
    }
    for name in NAMES {
        let output = Command::new(scratch.path().join(name)).arg("-V").output().unwrap();
        assert_eq!(stdout(&output), format!("{name} 3.20.1\n"));
    }
    fs_err::remove_file(scratch.path().join(NAMES[0])).unwrap();
    fs_err::write(scratch.path().join(NAMES[0]), "precious").unwrap();
    assert_eq!(code(&install(&[])), 3);
    assert_eq!(fs_err::read_to_string(scratch.path().join(NAMES[0])).unwrap(), "precious");
}
