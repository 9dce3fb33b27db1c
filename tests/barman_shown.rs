//! `barman-cloud-backup-list`, `-show`, `-keep` and `-delete`: the binary by these names on an S3 service
//! inside the test. What stands in `tests/golden/shown` is what the reference said of the same store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::Arc;

use barkeep::store::{IfExists, Key, ObjectStore, Prefix, Put};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use hyper::Method;
use s3::{ACCESS_KEY, BUCKET, Fault, S3, SECRET_KEY};

const STORE: &str = include_str!("golden/shown/store.json");

/// What one call said.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    out: String,
    code: i32,
    err: String,
}

impl Said {
    /// Standard output and status.
    fn told(&self) -> (&str, i32) {
        (&self.out, self.code)
    }

    /// The only line of standard error, behind time and process.
    fn complaint(&self) -> &str {
        let [line] = self.err.lines().collect::<Vec<_>>()[..] else { panic!("not one line: {}", self.err) };
        let (when, rest) = line.split_at(23);
        assert!(when.as_bytes()[19] == b',' && rest.starts_with(" ["), "{line}");
        rest.split_once("] ").unwrap().1
    }
}

/// A service with what a test puts there, and the commands on it.
struct Bench {
    s3: S3,
    store: Arc<dyn ObjectStore>,
}

impl Bench {
    async fn empty() -> Self {
        let s3 = S3::start().await;
        let store = s3.open().await;
        Self { s3, store }
    }

    /// With the backups of the golden store.
    async fn golden() -> Self {
        let bench = Self::empty().await;
        let all: BTreeMap<String, String> = serde_json::from_str(STORE).unwrap();
        for (key, body) in all {
            bench.put(&key, &body).await;
        }
        bench
    }

    async fn put(&self, key: &str, body: &str) {
        let how = Put { if_exists: IfExists::Replace, ..Put::default() };
        let key = Key::new(format!("main/{key}")).unwrap();
        self.store.put(&key, Bytes::from(body.to_owned()), &how).await.unwrap();
    }

    /// A backup of which little is known, with this more.
    async fn backup(&self, id: &str, begin: &str, more: &str) {
        let record = format!(
            "begin_time=2026-01-01 00:00:00+00:00\nbegin_wal={begin}\nend_time=2026-01-01 01:00:00+00:00\n\
             end_wal={begin}\nstatus=DONE\ntimeline=1\n{more}"
        );
        self.put(&format!("base/{id}/backup.info"), &record).await;
        self.put(&format!("base/{id}/data.tar"), "tar").await;
    }

    /// Segments of these logs and numbers.
    async fn wal(&self, all: &[(u32, u32)]) {
        for (log, seg) in all {
            self.put(&format!("wals/00000001{log:08X}/{}.gz", segment(*log, *seg)), "w").await;
        }
    }

    /// Lets the request whose address has this in it fail when the command is run again: `verb` is run once
    /// without the failure, to see when it comes.
    fn fail(&self, (verb, options, words): (&str, &[&str], &[&str]), place: &str, fault: Fault) {
        self.s3.forget();
        self.run(verb, options, words);
        let seen = self.s3.seen();
        let mut gets = seen.iter().filter(|seen| seen.method == Method::GET);
        let nth = 1 + gets.position(|seen| seen.uri.to_string().contains(place)).unwrap();
        self.s3.forget();
        self.s3.fault(Method::GET, nth, fault);
    }

    async fn keys(&self) -> BTreeSet<String> {
        let all: Vec<_> = self.store.list(&Prefix::everything(), None).try_collect().await.unwrap();
        all.iter().map(|meta| meta.key.as_str().strip_prefix("main/").unwrap().to_owned()).collect()
    }

    fn run(&self, verb: &str, options: &[&str], words: &[&str]) -> Said {
        self.run_on(&format!("s3://{BUCKET}/some/path"), verb, options, words)
    }

    fn run_on(&self, url: &str, verb: &str, options: &[&str], words: &[&str]) -> Said {
        run(&self.s3.endpoint(), url, verb, options, words)
    }
}

fn run(endpoint: &str, url: &str, verb: &str, options: &[&str], words: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
    command.arg0(format!("barman-cloud-{verb}")).args(options).args([
        "--endpoint-url",
        endpoint,
        url,
        "main",
    ]);
    command
        .args(words)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    let said = command.env("AWS_DEFAULT_REGION", "us-east-1").env("AWS_MAX_ATTEMPTS", "1").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { out: text(said.stdout), code: said.status.code().unwrap(), err: text(said.stderr) }
}

fn segment(log: u32, seg: u32) -> String {
    format!("00000001{log:08X}{seg:08X}")
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_listed_as_the_reference_lists_them() {
    let bench = Bench::golden().await;
    let table = bench.run("backup-list", &[], &[]);
    assert_eq!(table.told(), (include_str!("golden/shown/list.txt"), 0));
    assert_eq!(table.err, "");
    let json = include_str!("golden/shown/list.json");
    for format in ["json", "anything"] {
        assert_eq!(bench.run("backup-list", &["--format", format], &[]).told(), (json, 0));
    }
    let wals = bench.s3.seen().iter().filter(|seen| seen.uri.to_string().contains("wals")).count();
    assert_eq!(wals, 0, "a list of backups needs no list of WAL");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_shown_as_the_reference_shows_it() {
    let bench = Bench::golden().await;
    for (words, golden) in [
        (&["20260101T000000"][..], include_str!("golden/shown/show-done.txt")),
        (&["näme \"x\""], include_str!("golden/shown/show-done.txt")),
        (&["oldest"], include_str!("golden/shown/show-done.txt")),
        (&["last-failed"], include_str!("golden/shown/show-failed.txt")),
        (&["20260104T000000"], include_str!("golden/shown/show-snapshot.txt")),
        (&["20260105T000000"], include_str!("golden/shown/show-hook.txt")),
        (&["20260108T000000"], include_str!("golden/shown/show-sparse.txt")),
        (&["20260104T000000", "--format", "json"], include_str!("golden/shown/show-snapshot.json")),
    ] {
        assert_eq!(bench.run("backup-show", &[], words).told(), (golden, 0), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_refuses_two_slashes_or_the_right_to_look_there_has_no_annotations_there() {
    let bench = Bench::empty().await;
    bench.backup("20260101T000000", &segment(0, 3), "").await;
    bench.put("base/20260101T000000/annotations/keep", "full").await;
    let refused = Fault::Answer(400, "XMinioInvalidObjectName");
    for fault in [refused, Fault::Answer(403, "AccessDenied")] {
        bench.fail(("backup-list", &[], &[]), "path%2F%2F", fault);
        let listed = bench.run("backup-list", &[], &[]);
        assert!(listed.code == 0 && listed.out.contains("KEEP:FULL"), "{fault:?}: {}", listed.err);
    }
    // Where this spelling is the one that annotations are written to, it must be known what they say.
    let slashed = format!("s3://{BUCKET}/some/path/");
    for (fault, code) in [(refused, 0), (Fault::Answer(403, "AccessDenied"), 4)] {
        bench.fail(("backup-list", &[], &[]), "path%2F%2F", fault);
        assert_eq!(bench.run_on(&slashed, "backup-list", &[], &[]).code, code, "{fault:?}");
    }
    bench.fail(("backup-list", &[], &[]), "path%2F%2F", Fault::Answer(503, "SlowDown"));
    assert_eq!(bench.run("backup-list", &[], &[]).code, 2, "half a catalogue is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_a_record_are_numbers_in_json_however_they_are_spelled() {
    let bench = Bench::empty().await;
    let spelled = "begin_offset=0040\nend_offset=-00\nsize=+007\ndeduplicated_size=000\n";
    bench.backup("20260101T000000", &segment(0, 3), spelled).await;
    let listed = bench.run("backup-list", &["--format=json"], &[]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let backup = &listed["backups_list"][0];
    let numbers = ["begin_offset", "end_offset", "size", "deduplicated_size"].map(|key| backup[key].as_i64());
    assert_eq!(numbers, [Some(40), Some(0), Some(7), Some(0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_identifier_is_1_and_an_unknown_name_is_4() {
    let bench = Bench::golden().await;
    for (word, code, complaint) in [
        ("20990101T000000", 1, "ERROR: Backup 20990101T000000 for server main does not exist"),
        ("20260107T000000", 1, "ERROR: Backup 20260107T000000 for server main does not exist"),
        ("nope", 4, "ERROR: Unknown backup 'nope' for server 'main'"),
        (
            "dup",
            4,
            "ERROR: Multiple backups found matching name 'dup' (try using backup ID instead): \
             20260108T000000 20260109T000000",
        ),
    ] {
        let said = bench.run("backup-show", &["--format", "json"], &[word]);
        assert_eq!((said.told(), said.complaint()), (("", code), complaint));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_done_has_no_end_time_for_programs() {
    let bench = Bench::empty().await;
    bench.backup("20260101T000000", &segment(0, 3), "status=FAILED\n").await;
    let listed = bench.run("backup-list", &["--format=json"], &[]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let backup = &listed["backups_list"][0];
    assert!(backup["end_time"].is_null() && backup.get("end_time_iso").is_none(), "{backup}");
    assert_eq!(backup["begin_time_iso"], "2026-01-01T00:00:00+00:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_archive_is_no_failure_a_missing_bucket_is_4_and_silence_2() {
    let bench = Bench::empty().await;
    let empty = ("{\"backups_list\": []}\n", 0);
    assert_eq!(bench.run("backup-list", &["--format", "json"], &[]).told(), empty);
    for (verb, words) in [
        ("backup-list", &[][..]),
        ("backup-show", &["latest"]),
        ("backup-keep", &["--status", "20260101T000000"]),
        ("backup-delete", &["-r", "REDUNDANCY 1"]),
    ] {
        let missing = bench.run_on("s3://nobucket/p", verb, &[], words);
        assert_eq!(missing.told(), ("", 4), "{verb}: {}", missing.err);
        let silence = run("http://127.0.0.1:9", "s3://b/p", verb, &[], words);
        assert_eq!(silence.told(), ("", 2), "{verb}: {}", silence.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_warned_of_and_nothing_is_deleted() {
    let bench = Bench::empty().await;
    bench.backup("20260101T000000", &segment(0, 3), "").await;
    bench.backup("20260102T000000", &segment(0, 4), "size=large\n").await;
    let listed = bench.run("backup-list", &[], &[]);
    assert_eq!((listed.out.lines().count(), listed.code), (2, 0));
    let warning = "WARNING: Unable to open backup.info file for 20260102T000000: ";
    assert!(listed.complaint().starts_with(warning), "{}", listed.err);
    let before = bench.keys().await;
    for words in [["-b", "20260101T000000"], ["-b", "20990101T000000"], ["-r", "REDUNDANCY 0"]] {
        let said = bench.run("backup-delete", &words, &[]);
        assert_eq!(said.told(), ("", 1));
        assert!(said.err.contains("ERROR: Cannot read the following backups: ['20260102T000000']"));
    }
    assert_eq!(bench.keys().await, before);
    assert_eq!(bench.run("backup-keep", &["-s"], &["20260102T000000"]).told(), ("Keep: nokeep\n", 0));
    assert_eq!(bench.run("backup-show", &[], &["20260102T000000"]).code, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_kept_told_of_and_let_go() {
    let bench = Bench::golden().await;
    let keep = |options: &[&str], word: &str| {
        let said = bench.run("backup-keep", options, &[word]);
        (said.out, said.code)
    };
    let nothing = |code| (String::new(), code);
    let told = |keep: &str| (format!("Keep: {keep}\n"), 0);
    assert_eq!(keep(&["--status"], "20260105T000000"), told("standalone"));
    assert_eq!(keep(&["--target", "full"], "20260105T000000"), nothing(0));
    assert_eq!(keep(&["-s"], "20260105T000000"), told("full"));
    assert_eq!(keep(&["--release"], "20260105T000000"), nothing(0));
    assert_eq!(keep(&["-r"], "20260105T000000"), nothing(0));
    assert_eq!(keep(&["-s"], "20260105T000000"), told("nokeep"));
    assert_eq!(keep(&["--target", "standalone"], "näme \"x\""), nothing(0));
    assert_eq!(keep(&["-s"], "näme \"x\""), told("standalone"));
    // A backup of snapshots is kept like any other.
    assert_eq!(keep(&["--target", "full"], "20260104T000000"), nothing(0));
    assert_eq!(keep(&["-s"], "20990101T000000"), told("nokeep"));
    assert_eq!(keep(&["-r"], "20990101T000000"), nothing(0));
    assert_eq!(keep(&["--target", "full"], "20990101T000000"), nothing(4));
    assert_eq!(keep(&["--target", "full"], "last-failed"), nothing(1));
    assert_eq!(keep(&["-s"], "nope"), nothing(4));
    assert_eq!(keep(&[], "20260101T000000"), nothing(3));
    assert_eq!(keep(&["--target", "half"], "20260101T000000"), nothing(3));
}

/// Three backups in three logs, and WAL around them.
async fn three() -> Bench {
    let bench = Bench::empty().await;
    for (day, (log, seg)) in [(1, (0, 250)), (2, (1, 3)), (3, (2, 4))] {
        let id = format!("2026010{day}T000000");
        bench.backup(&id, &segment(log, seg), "tablespaces=[('ts', 16384, '/ts')]\n").await;
        bench.put(&format!("base/{id}/16384.tar"), "tar").await;
    }
    bench.wal(&[(0, 248), (0, 250), (1, 0), (1, 1), (1, 3), (1, 9), (2, 0), (2, 4), (2, 5)]).await;
    bench.put(&format!("wals/0000000100000002/{}.00000028.backup", segment(2, 0)), "w").await;
    bench.put("wals/00000002.history", "h").await;
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_backup_by_backup_what_would_go_and_touches_nothing() {
    let bench = three().await;
    let before = bench.keys().await;
    let line = |what: &str| format!("Skipping deletion of {what} due to --dry-run option\n");
    let of_backup = |id: &str| {
        let all = ["data.tar", "16384.tar", "backup.info"];
        let all = all.map(|name| format!("'some/path/main/base/{id}/{name}'")).join(", ");
        line(&format!("objects [{all}]"))
    };
    let folder = |log: u32| line(&format!("all objects under prefix some/path/main/wals/00000001{log:08X}/"));
    let wals = |log: u32, names: &[String]| {
        let all = names.iter().map(|name| format!("'some/path/main/wals/00000001{log:08X}/{name}'"));
        line(&format!("objects [{}]", all.collect::<Vec<_>>().join(", ")))
    };
    let gz = |log, seg| format!("{}.gz", segment(log, seg));
    let first = [of_backup("20260101T000000"), folder(0), wals(1, &[gz(1, 0), gz(1, 1)])].concat();
    let label = format!("{}.00000028.backup", segment(2, 0));
    let second = [of_backup("20260102T000000"), folder(0), folder(1), wals(2, &[label, gz(2, 0)])].concat();
    let both = first.clone() + &second;
    for (words, lines) in [
        (&["-b", "20260101T000000"][..], &first),
        (&["-b", "oldest", "--minimum-redundancy=2"], &first),
        (&["-r", "REDUNDANCY 2"], &first),
        (&["-r", " redundancy  1"], &both),
        (&["-r", "RECOVERY WINDOW OF 0 DAYS"], &both),
        (&["-b", "20260102T000000"], &of_backup("20260102T000000")),
    ] {
        let said = bench.run("backup-delete", &[&["--dry-run"], words].concat(), &[]);
        assert_eq!(said.told(), (lines.as_str(), 0), "{words:?}: {}", said.err);
    }
    assert_eq!(bench.keys().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_deletes_what_it_no_longer_wants() {
    let bench = three().await;
    let said = bench.run("backup-delete", &["-r", "REDUNDANCY 1", "-m", "2"], &[]);
    assert_eq!(said.told(), ("", 0));
    assert_eq!(
        said.complaint(),
        "WARNING: Retention policy redundancy (1) is lower than the required minimum redundancy (2). Enforce 2."
    );
    let left = bench.keys().await;
    assert!(
        !left.iter().any(|key| key.contains("20260101T") || key.contains("0000000100000000/")),
        "{left:?}"
    );
    assert!(left.contains("base/20260102T000000/backup.info") && left.contains("wals/00000002.history"));
    assert!(!left.contains(&format!("wals/0000000100000001/{}.gz", segment(1, 1))));
    assert!(left.contains(&format!("wals/0000000100000001/{}.gz", segment(1, 3))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_needs_no_right_to_look_for_unfinished_uploads() {
    let bench = three().await;
    let policy = ["-r", "REDUNDANCY 1"];
    let dry = ["-r", "REDUNDANCY 1", "--dry-run"];
    bench.fail(("backup-delete", &dry, &[]), "uploads", Fault::Answer(403, "AccessDenied"));
    let said = bench.run("backup-delete", &policy, &[]);
    assert_eq!(said.told(), ("", 0), "{}", said.err);
    assert!(said.complaint().starts_with("WARNING: ") && said.err.contains("unfinished"), "{}", said.err);
    assert!(!bench.keys().await.contains("base/20260101T000000/backup.info"));
    // What passes is worth another run, and so has its own status; everything else is done by then.
    let bench = three().await;
    bench.fail(("backup-delete", &dry, &[]), "uploads", Fault::Answer(503, "SlowDown"));
    let said = bench.run("backup-delete", &policy, &[]);
    assert_eq!(said.told(), ("", 2), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_with_a_record_that_has_no_backups_name_keeps_everything() {
    let bench = three().await;
    bench.put("base/20260101T000000.old/backup.info", "status=DONE\n").await;
    bench.put("base/notes/readme", "x").await;
    let before = bench.keys().await;
    for words in [["-b", "20260101T000000"], ["-r", "REDUNDANCY 1"]] {
        let said = bench.run("backup-delete", &words, &[]);
        assert_eq!(said.told(), ("", 1));
        assert!(said.err.contains("ERROR: Cannot read the following backups: ['20260101T000000.old']"));
    }
    assert_eq!(bench.keys().await, before);
    let listed = bench.run("backup-list", &[], &[]);
    assert_eq!((listed.out.lines().count(), listed.code), (4, 0));
    assert!(listed.complaint().contains("20260101T000000.old"), "{}", listed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_one_are_single_requests() {
    let bench = three().await;
    bench.s3.forget();
    assert_eq!(bench.run("backup-delete", &["-b", "oldest", "--batch-size", "1"], &[]).code, 0);
    assert_eq!(bench.s3.count(&Method::POST), 0);
    assert_eq!(
        bench.s3.count(&Method::DELETE),
        1 + 3 + 4,
        "the proof of the right, files and record, and WAL"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_against_a_deletion_is_1_and_what_is_not_there_is_no_failure() {
    let bench = three().await;
    bench.put("base/20260101T000000/annotations/keep", "full").await;
    bench.backup("20260104T000000", &segment(2, 6), "snapshots_info={'provider': 'gcp'}\n").await;
    let before = bench.keys().await;
    for (words, code, complaint) in [
        (
            &["-b", "20260101T000000"][..],
            1,
            "ERROR: Skipping delete of backup 20260101T000000 for server main as it has a current keep request.",
        ),
        (
            &["-b", "20260102T000000", "-m", "4"],
            1,
            "ERROR: at least 4 usable backups must stay, and there are 4",
        ),
        (
            &["-b", "20260104T000000"],
            1,
            "ERROR: 20260104T000000 cannot be deleted here: it consists of volume snapshots",
        ),
        (&["-b", "20990101T000000"], 0, "WARNING: Backup 20990101T000000 does not exist"),
        (&["-b", "nope"], 4, "ERROR: Unknown backup 'nope' for server 'main'"),
        (
            &["-r", "14d"],
            3,
            "ERROR: Could not create retention policy 14d: Cannot parse option retention_policy: 14d",
        ),
    ] {
        let said = bench.run("backup-delete", words, &[]);
        assert_eq!(said.told(), ("", code), "{words:?}");
        assert!(said.complaint().starts_with(complaint), "{}", said.err);
    }
    assert_eq!(bench.keys().await, before);
}
