//! The two WAL commands of the second door and the check for an empty archive: the real binary by its other
//! names, against a service on this machine (spec/barman-cloud.md 2.1, 2.2, 9 and 11).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;
mod cases;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use barkeep::model::{Compression, SegmentSize};
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};
use cases::{cases, text, texts};
use hyper::Method;
use s3::{ACCESS_KEY, BUCKET, Condition, Fault, S3, SECRET_KEY};
use tempfile::TempDir;

const ONE: &str = "000000010000000000000001";
const TWO: &str = "000000010000000000000002";
const SERVER: &str = "main";

const ARCHIVE: &str = "barman-cloud-wal-archive";
const RESTORE: &str = "barman-cloud-wal-restore";
const CHECK: &str = "barman-cloud-check-wal-archive";

fn size() -> SegmentSize {
    SegmentSize::new(MIB).unwrap()
}

fn segment(name: &str, seed: u64) -> Vec<u8> {
    segment_bytes(name, SYSTEM, size(), seed)
}

/// A service, and a directory in which the calls work.
struct Scene {
    s3: S3,
    dir: TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self::with(S3::start().await)
    }

    fn with(s3: S3) -> Self {
        Self { s3, dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A file to archive.
    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The binary under another name: with nothing in its environment but what is said here.
    fn command(&self, program: &str) -> Command {
        let names = self.path("bin");
        std::fs::create_dir_all(&names).unwrap();
        let link = names.join(program);
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_barkeep"), &link).unwrap();
        }
        let mut command = Command::new(link);
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_MAX_ATTEMPTS", "1")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    fn url() -> String {
        format!("s3://{BUCKET}/some/path")
    }

    fn run(&self, program: &str, options: &[&str], words: &[&str]) -> Told {
        let mut command = self.command(program);
        command.args(["--endpoint-url", &self.s3.endpoint()]).args(options);
        Told::of(command.args([&Self::url(), SERVER]).args(words))
    }

    fn archive(&self, options: &[&str], file: &Path) -> Told {
        self.run(ARCHIVE, options, &[file.to_str().unwrap()])
    }

    fn restore(&self, options: &[&str], name: &str) -> Told {
        self.run(RESTORE, options, &[name, self.path("out").to_str().unwrap()])
    }

    /// Where the service keeps an object of the server.
    fn object(&self, key: &str) -> PathBuf {
        self.s3.folder("some/path").join(SERVER).join(key)
    }

    /// Puts an object where another tool would.
    fn put(&self, key: &str, body: &[u8]) {
        let path = self.object(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, body).unwrap();
    }

    fn requests(&self) -> Vec<Method> {
        self.s3.seen().into_iter().map(|seen| seen.method).collect()
    }
}

/// What a call told.
#[derive(Debug)]
struct Told {
    code: i32,
    out: String,
    err: String,
}

impl Told {
    fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = tokio::task::block_in_place(|| command.output()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    /// Ended so, with nothing on standard output, and with these words on standard error.
    fn is(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "{word}: {self:?}");
        }
        if words.is_empty() {
            assert_eq!(self.err, "", "{self:?}");
        }
        for word in ["--server", "--store", "--spool ", "BARKEEP_", "`barkeep"] {
            assert!(!self.err.contains(word), "{word} is no word of this door: {self:?}");
        }
    }
}

fn key(name: &str) -> String {
    match name.len() {
        16 => format!("wals/{name}"),
        _ => format!("wals/{}/{name}", &name[..16]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_codec_and_kind_of_name_is_stored_as_every_reader_expects_it_and_comes_back() {
    let codecs: [(&[&str], Compression); 7] = [
        (&[], Compression::None),
        (&["--gzip"], Compression::Gzip),
        (&["-j"], Compression::Bzip2),
        (&["--xz"], Compression::Xz),
        (&["--snappy"], Compression::Snappy),
        (&["--zstd", "--compression-level", "-99"], Compression::Zstd),
        (&["--lz4", "--compression-level=high"], Compression::Lz4),
    ];
    let label = format!("{ONE}.00000028.backup");
    let partial = format!("{TWO}.partial");
    for (options, codec) in codecs {
        let scene = Scene::new().await;
        let text = b"1\t0/3000000\tno recovery target specified\n".to_vec();
        for (name, content) in [
            (ONE, segment(ONE, 1)),
            (&partial, segment(TWO, 2)),
            ("00000002.history", text),
            (&label, b"START WAL LOCATION\n".to_vec()),
        ] {
            scene.archive(options, &scene.file(name, &content)).is(0, &[]);
            assert!(scene.object(&(key(name) + codec.suffix())).is_file(), "{name} {codec}");
            if name != label {
                scene.restore(&[], name).is(0, &[]);
                assert!(std::fs::read(scene.path("out")).unwrap() == content, "{name} {codec}");
            }
        }
    }
}

/// A release to come, and a descendant of PostgreSQL with a magic of its own.
#[tokio::test(flavor = "multi_thread")]
async fn wal_of_a_server_that_is_not_known_is_archived_and_comes_back() {
    for magic in [0xD1FF_u16, 0xE018] {
        let scene = Scene::new().await;
        let mut unknown = segment(ONE, 1);
        unknown[0..2].copy_from_slice(&magic.to_le_bytes());
        let file = scene.file(ONE, &unknown);
        scene.archive(&["--gzip"], &file).is(0, &[]);
        scene.archive(&["-vv"], &file).is(0, &["DEBUG: ", &format!("{magic:#06X}")]);
        scene.restore(&["-p2", "--spool-dir=spool"], ONE).is(0, &[]);
        assert!(std::fs::read(scene.path("out")).unwrap() == unknown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_of_nothing_but_zeros_is_not_archived() {
    let scene = Scene::new().await;
    let file = scene.file(ONE, &vec![0; usize::try_from(MIB).unwrap()]);
    scene.archive(&[], &file).is(4, &["refuse", "no WAL"]);
    assert!(!scene.object(&key(ONE)).exists());
}

/// As a probe would name `/dev/null`; a pipe stands for it here.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_neither_read_nor_replaced() {
    let scene = Scene::new().await;
    scene.archive(&[], &scene.file(ONE, &segment(ONE, 1))).is(0, &[]);
    for (name, made) in [(TWO, "mkfifo"), ("out", "mkfifo")] {
        assert!(Command::new(made).arg(scene.path(name)).status().unwrap().success());
    }
    scene.archive(&[], &scene.path(TWO)).is(4, &["is not a file"]);
    scene.restore(&[], ONE).is(4, &["is not a file"]);
    let there = std::fs::symlink_metadata(scene.path("out")).unwrap();
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&there.file_type()));
}

#[tokio::test(flavor = "multi_thread")]
async fn archiving_costs_two_requests_and_so_does_the_same_again() {
    let scene = Scene::new().await;
    let file = scene.file(ONE, &segment(ONE, 1));
    scene.archive(&["-z"], &file).is(0, &[]);
    assert_eq!(scene.requests(), [Method::GET, Method::PUT]);
    scene.s3.forget();
    scene.archive(&["-z"], &file).is(0, &[]);
    assert_eq!(scene.requests(), [Method::GET, Method::HEAD]);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_under_the_same_name_is_refused_whatever_the_service_thinks_of_conditions() {
    for condition in [Condition::Honoured, Condition::Ignored, Condition::Unknown] {
        let scene = Scene::with(S3::start_conditional(condition).await);
        let file = scene.file(ONE, &segment(ONE, 1));
        scene.archive(&[], &file).is(0, &[]);
        let other = segment_bytes(ONE, OTHER_SYSTEM, size(), 2);
        let file = scene.file(ONE, &other);
        let (ours, theirs) = (OTHER_SYSTEM.to_string(), SYSTEM.to_string());
        scene.archive(&[], &file).is(4, &["ERROR: ", "with other content", &ours, &theirs]);
        // Under another suffix it is the same WAL.
        scene.archive(&["--zstd"], &file).is(4, &["with other content", &ours, &theirs]);
        assert!(std::fs::read(scene.object(&key(ONE))).unwrap() == segment(ONE, 1), "{condition:?}");
        assert!(!scene.object(&(key(ONE) + ".zst")).exists(), "{condition:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_list_may_still_archive() {
    let scene = Scene::new().await;
    scene.s3.fault(Method::GET, 1, Fault::Answer(403, "AccessDenied"));
    let file = scene.file(ONE, &segment(ONE, 1));
    scene.archive(&[], &file).is(0, &[]);
    assert!(scene.object(&key(ONE)).is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_looked_at_before_anything_else_and_every_failure_has_its_status() {
    let scene = Scene::new().await;
    let junk = scene.file("junk", b"x");
    scene.archive(&[], &junk).is(3, &["ERROR: junk is an invalid name for a WAL file"]);
    scene.archive(&["-t"], &junk).is(3, &["invalid name"]);
    scene.run(ARCHIVE, &[], &[]).is(3, &["wal_path"]);
    scene.archive(&["--max-block-size=0"], &scene.path(ONE)).is(3, &["not a valid size string"]);
    scene.restore(&[], "junk").is(3, &["junk is an invalid name for a WAL file"]);
    assert_eq!(scene.requests(), Vec::<Method>::new());

    scene.archive(&[], &scene.path(ONE)).is(4, &[ONE]);
    let broken = scene.file(ONE, b"no WAL at all, but long enough to have a header in it");
    scene.archive(&[], &broken).is(4, &["refuse"]);
    let file = scene.file(ONE, &segment(ONE, 1));
    scene.archive(&["--sse-kms-key-id=k"], &file).is(4, &["aws:kms"]);
    scene.archive(&["-t"], &file).is(0, &[]);
    assert!(!scene.object(&key(ONE)).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_connectivity_and_a_bucket_that_is_not_there_is_no_proof() {
    let scene = Scene::new().await;
    let file = scene.file(ONE, &segment(ONE, 1));
    let (file, out) = (file.to_str().unwrap(), scene.path("out"));
    let out = out.to_str().unwrap();
    let run = |program: &str, endpoint: &str, url: &str, words: &[&str]| {
        let mut command = scene.command(program);
        Told::of(command.args(["--endpoint-url", endpoint, url, SERVER]).args(words))
    };
    let there = scene.s3.endpoint();
    for endpoint in ["http://localhost:1", "http://no-such-host.invalid"] {
        run(ARCHIVE, endpoint, "s3://walbkt", &[file]).is(2, &["ERROR: "]);
        run(RESTORE, endpoint, "s3://walbkt", &[ONE, out]).is(2, &["ERROR: "]);
        run(CHECK, endpoint, "s3://walbkt", &[]).is(2, &["ERROR: "]);
        run(CHECK, endpoint, "s3://walbkt", &["--test"]).is(2, &["ERROR: "]);
    }
    run(ARCHIVE, &there, "s3://no-such", &[file]).is(4, &["no-such does not exist"]);
    run(RESTORE, &there, "s3://no-such", &[ONE, out]).is(4, &["no-such does not exist"]);
    run(RESTORE, &there, "s3://no-such", &[ONE, out, "-t"]).is(1, &["no-such does not exist"]);
    run(CHECK, &there, "s3://no-such", &["--test"]).is(0, &[]);
    assert!(!scene.path("out").exists());
}

/// The reference's library does, and few who use AWS say a region.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_followed_there_once() {
    let scene = Scene::new().await;
    let file = scene.file(ONE, &segment(ONE, 1));
    let calls: [(&str, &[&str], &[&str], i32); 4] = [
        (ARCHIVE, &[], &[file.to_str().unwrap()], 0),
        (RESTORE, &[], &[ONE, "out"], 0),
        (RESTORE, &["-t"], &[ONE, "out"], 0),
        (CHECK, &[], &[], 1),
    ];
    for (program, options, words, code) in calls {
        scene.s3.forget();
        scene.s3.fault(Method::GET, 1, Fault::Answer(301, "PermanentRedirect"));
        let told = scene.run(program, options, words);
        assert_eq!(told.code, code, "{program}: {told:?}");
        let (first, next) = (scene.s3.seen().remove(0), scene.s3.seen().remove(1));
        assert!(signed_for(&first, "us-east-1") && signed_for(&next, "eu-test-1"), "{next:?}");
    }
    scene.s3.forget();
    for nth in 1..=2 {
        scene.s3.fault(Method::GET, nth, Fault::Answer(301, "PermanentRedirect"));
    }
    scene.restore(&[], ONE).is(4, &["301", "eu-test-1"]);
    assert_eq!(scene.s3.seen().len(), 2);
}

fn signed_for(seen: &s3::Seen, region: &str) -> bool {
    seen.header("authorization").contains(&format!("/{region}/s3/"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_proved_by_one_request_and_nothing_else_is_a_miss() {
    let scene = Scene::new().await;
    scene.restore(&[], ONE).is(1, &[&format!("ERROR: WAL file {ONE} for server {SERVER} does not exist")]);
    scene.restore(&[], "00000002.history").is(1, &["WAL file 00000002.history for server main"]);
    assert_eq!(scene.requests(), [Method::GET, Method::GET]);
    scene.s3.forget();
    for refusal in [1, 2, 3] {
        scene.s3.fault(Method::GET, refusal, Fault::Answer(403, "AccessDenied"));
    }
    scene.restore(&[], ONE).is(4, &["403"]);
    scene.s3.forget();
    scene.s3.fault(Method::GET, 1, Fault::Answer(503, "SlowDown"));
    scene.restore(&[], ONE).is(2, &["503"]);
    assert!(!scene.path("out").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_miss_is_the_same_to_postgresql_in_recovery_and_needs_no_second_request() {
    let scene = Scene::new().await;
    let bed = Bed::new();
    let to = bed.wal("RECOVERYXLOG");
    scene.run(RESTORE, &[], &[ONE, to.to_str().unwrap()]).is(1, &["does not exist"]);
    assert_eq!(scene.requests(), [Method::GET]);
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_are_never_served_and_partials_not_when_they_are_not_wanted() {
    let scene = Scene::new().await;
    let (label, partial) = (format!("{ONE}.00000028.backup"), format!("{ONE}.partial"));
    scene.put(&key(&label), b"START WAL LOCATION\n");
    scene.put(&key(&partial), &segment(ONE, 1));
    scene.restore(&[], &label).is(1, &["does not exist"]);
    for name in [ONE, &partial] {
        scene.restore(&["--no-partial"], name).is(1, &["does not exist"]);
    }
    assert!(!scene.path("out").exists());
    for name in [ONE, &partial] {
        assert_eq!(scene.restore(&[], name).code, 0, "{name}");
        assert!(std::fs::read(scene.path("out")).unwrap() == segment(ONE, 1));
        std::fs::remove_file(scene.path("out")).unwrap();
    }
}

/// The reference lets the order of the suffixes decide, and puts duplicates into its spool; here the
/// complete segment always wins and nothing else is written (spec/barman-cloud.md 11.2, 16).
#[tokio::test(flavor = "multi_thread")]
async fn of_several_forms_a_complete_one_is_served_whatever_the_suffixes() {
    for case in cases("wal_restore_selection") {
        let scene = Scene::new().await;
        let mut contents = Vec::new();
        for (n, object) in texts(&case["objects"]).into_iter().enumerate() {
            let below = object.strip_prefix("srv/").unwrap();
            let (name, codec) = Compression::split_suffix(below.rsplit('/').next().unwrap());
            let plain = match name.len() {
                16 => b"1\t0/3000000\tx\n".to_vec(),
                _ => segment(&name[..24], n as u64 + 1),
            };
            scene.put(below, &packed(codec, &plain));
            contents.push((object.to_owned(), plain));
        }
        let options: &[&str] = if case["no_partial"].as_bool().unwrap() { &["--no-partial"] } else { &[] };
        let told = scene.restore(options, text(&case, "request"));
        match case["to_destination"].as_str() {
            None => assert_eq!(told.code, 1, "{case}"),
            Some(expected) => {
                assert_eq!(told.code, 0, "{case} {told:?}");
                let plain = &contents.iter().find(|(object, _)| object == expected).unwrap().1;
                assert!(std::fs::read(scene.path("out")).unwrap() == *plain, "{case}");
            }
        }
        assert!(!scene.path("spool").exists());
    }
    let complete = segment(ONE, 1);
    for complete_suffix in [Compression::Snappy, Compression::Xz, Compression::Zstd] {
        for partial_suffix in [Compression::None, Compression::Gzip, Compression::Lz4] {
            let scene = Scene::new().await;
            scene.put(&(key(ONE) + complete_suffix.suffix()), &packed(complete_suffix, &complete));
            let partial = format!("{}.partial{}", key(ONE), partial_suffix.suffix());
            scene.put(&partial, &packed(partial_suffix, &segment(ONE, 9)));
            scene.restore(&[], ONE).is(0, &[]);
            assert!(std::fs::read(scene.path("out")).unwrap() == complete, "{complete_suffix}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_object_is_never_delivered_and_never_a_miss() {
    let scene = Scene::new().await;
    scene.put(&(key(ONE) + ".gz"), &packed(Compression::Gzip, &segment(ONE, 1))[..5000]);
    scene.put(&format!("{}.partial", key(ONE)), &segment(ONE, 1));
    scene.restore(&[], ONE).is(4, &["ERROR: "]);
    assert!(!scene.path("out").exists());
}

/// Nobody else would clear the directory into which the plugin fetches ahead.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_call_left_beside_the_destination_goes_when_it_is_old() {
    let scene = Scene::new().await;
    let (old, fresh) = (scene.file(".barkeep-tmp-1-0", b"half"), scene.file(".barkeep-tmp-2-0", b"half"));
    let hours_ago = std::time::SystemTime::now() - Duration::from_hours(2);
    std::fs::File::options().write(true).open(&old).unwrap().set_modified(hours_ago).unwrap();
    scene.restore(&[], ONE).is(1, &["does not exist"]);
    assert!(!old.exists() && fresh.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_goes_into_the_spool_only_when_it_is_asked_for() {
    let scene = Scene::new().await;
    let names: Vec<String> = (1..=4).map(|n| format!("0000000100000000{n:08X}")).collect();
    for (name, codec) in names.iter().zip([Compression::Gzip, Compression::Zstd, Compression::None]) {
        scene.put(&(key(name) + codec.suffix()), &packed(codec, &segment(name, 1)));
    }
    let spool = scene.path("spool");
    let options = ["--parallel", "4", "--spool-dir", spool.to_str().unwrap()];
    scene.restore(&options[2..], &names[0]).is(0, &[]);
    assert!(!spool.exists());
    scene.restore(&options, &names[0]).is(0, &[]);
    let list = || {
        let files = std::fs::read_dir(&spool).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<_> = files.collect();
        files.sort();
        files
    };
    assert_eq!(list(), names[1..3]);
    scene.s3.forget();
    for name in &names[1..3] {
        scene.restore(&options[2..], name).is(0, &[]);
        assert!(std::fs::read(scene.path("out")).unwrap() == segment(name, 1), "{name}");
    }
    assert_eq!((scene.requests(), list()), (Vec::new(), Vec::new()));

    std::fs::write(spool.join(&names[0]), "").unwrap();
    let told = scene.restore(&options[2..], &names[0]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(std::fs::read(scene.path("out")).unwrap() == segment(&names[0], 1));
    scene.restore(&["-p2", "--spool-dir", "/dev/null/spool"], ONE).is(2, &["/dev/null/spool"]);
}

/// A user that no table of users knows.
const STRANGER: u32 = 54_321;

#[tokio::test(flavor = "multi_thread")]
async fn only_the_destinations_directory_need_be_writable_and_there_is_no_home_and_no_user() {
    let scene = Scene::new().await;
    let inner = scene.path("outer/inner");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::create_dir(scene.path("bin")).unwrap();
    // Where the build lies, a stranger may not get.
    std::fs::copy(env!("CARGO_BIN_EXE_barkeep"), scene.path("bin/barkeep")).unwrap();
    for program in [ARCHIVE, RESTORE] {
        std::os::unix::fs::symlink("barkeep", scene.path("bin").join(program)).unwrap();
    }
    let file = scene.file(ONE, &segment(ONE, 1));
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&inner, Some(STRANGER), Some(STRANGER)).unwrap();
    }
    let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    mode(&scene.path("outer"), 0o555);
    mode(scene.dir.path(), 0o555);
    let run = |program: &str, home: &str, words: &[&str]| {
        let mut command = scene.command(program);
        command.env("HOME", home).env("TMPDIR", "/nonexistent").current_dir("/");
        if is_root {
            command.uid(STRANGER).gid(STRANGER);
        }
        Told::of(command.args(["--endpoint-url", &scene.s3.endpoint(), &Scene::url(), SERVER]).args(words))
    };
    let to = inner.join("RECOVERYXLOG");
    for home in ["/nonexistent", ""] {
        run(ARCHIVE, home, &[file.to_str().unwrap(), "--gzip"]).is(0, &[]);
        run(RESTORE, home, &[ONE, to.to_str().unwrap()]).is(0, &[]);
        let left: Vec<_> = std::fs::read_dir(&inner).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["RECOVERYXLOG"]);
        assert!(std::fs::read(&to).unwrap() == segment(ONE, 1));
    }
    mode(scene.dir.path(), 0o700);
    mode(&scene.path("outer"), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_encryption_go_along_and_histories_have_tags_of_their_own() {
    let scene = Scene::new().await;
    let wal = scene.file(ONE, &segment(ONE, 1));
    let history = scene.file("00000002.history", b"1\t0/3000000\tx\n");
    let options = ["-e", "AES256", "--tags", "env,prod", "team,a", "--history-tags", "env,keep", "-v"];
    for (file, tags) in [(&wal, "env=prod&team=a"), (&history, "env=keep")] {
        scene.s3.forget();
        assert_eq!(scene.archive(&options, file).code, 0);
        let seen = scene.s3.seen();
        let put = seen.iter().find(|seen| seen.method == Method::PUT).unwrap();
        assert_eq!(put.header("x-amz-tagging"), tags);
        assert_eq!(put.header("x-amz-server-side-encryption"), "AES256");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_hook_names_the_file_and_other_hooks_are_refused() {
    let scene = Scene::new().await;
    let file = scene.file(ONE, &segment(ONE, 1));
    let hook = |hook: &str, phase: &str| {
        let mut command = scene.command(ARCHIVE);
        command.env("BARMAN_HOOK", hook).env("BARMAN_PHASE", phase).env("BARMAN_FILE", &file);
        Told::of(command.args(["--endpoint-url", &scene.s3.endpoint(), &Scene::url(), SERVER]))
    };
    hook("archive_script", "post").is(1, &["called as unsupported hook script: post_archive_script"]);
    assert_eq!(scene.requests(), Vec::<Method>::new());
    hook("archive_retry_script", "pre").is(0, &[]);
    assert!(scene.object(&key(ONE)).is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_does_not_hold_a_call_for_ever() {
    for (program, words) in [(ARCHIVE, vec!["FILE"]), (RESTORE, vec![ONE, "out"]), (CHECK, vec![])] {
        let scene = Scene::new().await;
        scene.s3.fault(Method::GET, 1, Fault::Stall);
        let file = scene.file(ONE, &segment(ONE, 1));
        let words: Vec<&str> =
            words.into_iter().map(|w| if w == "FILE" { file.to_str().unwrap() } else { w }).collect();
        let began = Instant::now();
        scene.run(program, &["--read-timeout=1"], &words).is(2, &["ERROR: "]);
        assert!(began.elapsed() < Duration::from_secs(30), "{program}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_free_until_the_first_file_and_the_bucket_is_made_for_it() {
    let scene = Scene::new().await;
    scene.run(CHECK, &[], &[]).is(0, &[]);
    assert_eq!(scene.requests(), [Method::GET, Method::GET]);
    let mut command = scene.command(CHECK);
    command.args(["--endpoint-url", &scene.s3.endpoint(), "s3://new-bucket/a", SERVER]);
    Told::of(&mut command).is(0, &[]);
    assert!(scene.s3.folder("../new-bucket").is_dir());

    scene.put("wals/00000002.history", b"1\t0/3000000\tx\n");
    scene.put(&key(ONE), &segment(ONE, 1));
    let failed = "ERROR: WAL archive check failed for server main: ";
    scene.run(CHECK, &[], &[]).is(1, &[&format!("{failed}Expected empty archive")]);
    let one = format!("{failed}Found 1 file in WAL archive equal to or newer than timeline 2");
    scene.run(CHECK, &["--timeline", "2"], &[]).is(1, &[&one]);
    let two = format!("{failed}Found 2 files in WAL archive equal to or newer than timeline 1");
    scene.run(CHECK, &["--timeline=1"], &[]).is(1, &[&two]);
    scene.run(CHECK, &["--timeline=3"], &[]).is(0, &[]);
    scene.run(CHECK, &["--timeline=0"], &[]).is(3, &["--timeline"]);
}
