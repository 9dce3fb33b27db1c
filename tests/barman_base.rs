//! Base backups through the second door, without a server: what is restored and what is refused, with which
//! status, and a finished backup that a hook brings into the archive.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use barkeep::archive::{Archive, Tags};
use barkeep::model::{Backup, BackupStatus, Lsn, SegmentSize, SystemId, Tablespace, Timeline};
use barkeep::store::{IfExists, Key, ObjectStore, Put};
use bed::{Bed, MIB, SYSTEM};
use s3::{ACCESS_KEY, BUCKET, S3, SECRET_KEY};

const OLD: &str = "20260101T030405";
const NEW: &str = "20260102T030405";
const FAILED: &str = "20260103T030405";
const OID: u32 = 16_385;

/// An S3 service, and a machine that has nothing else.
struct Scene {
    s3: S3,
    dir: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self { s3: S3::start().await, dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn url() -> String {
        format!("s3://{BUCKET}/some/path")
    }

    /// A command of the dialect, in an environment that has neither a home nor a place for temporary files.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barkeep"));
        command
            .arg(program)
            .args(["--endpoint-url", &self.s3.endpoint()])
            .current_dir("/")
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("TMPDIR", "/nowhere")
            .stdin(Stdio::null());
        command
    }

    /// Restores with these words into `data`; the result and the directory.
    async fn restore(&self, options: &[&str], id: &str, data: &Path) -> Output {
        let mut command = self.command("barman-cloud-restore");
        // As the operator has it: options before and between.
        command.args([&Self::url(), "main", id]).args(["--cloud-provider", "aws-s3"]).args(options).arg(data);
        run(command).await
    }

    async fn archive(&self) -> (Arc<dyn ObjectStore>, Archive) {
        let store = self.s3.open().await;
        (Arc::clone(&store), Archive::new(store, "main".parse().unwrap()))
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) {
        let (store, _) = self.archive().await;
        let how = Put { if_exists: IfExists::Replace, ..Put::default() };
        store.put(&Key::new(key).unwrap(), bytes.into(), &how).await.unwrap();
    }

    /// A backup with its tars; none of its WAL is there.
    async fn backup(&self, id: &str, change: impl FnOnce(&mut Backup)) {
        let mut backup = record(id);
        change(&mut backup);
        self.put(&format!("main/base/{id}/data.tar"), data_tar(id)).await;
        for tablespace in &backup.tablespaces {
            self.put(&format!("main/base/{id}/{}.tar", tablespace.oid), tablespace_tar()).await;
        }
        let (_, archive) = self.archive().await;
        archive.publish_backup(&backup, &Tags::default()).await.unwrap();
    }

    /// Two backups that are complete, the newer one on another timeline, and one that failed at its end.
    async fn stocked() -> Self {
        let scene = Self::new().await;
        scene.backup(OLD, |backup| backup.name = Some("weekly".into())).await;
        scene
            .backup(NEW, |backup| {
                backup.timeline = Timeline::new(2);
                backup.begin.wal = Some("000000020000000000000002".parse().unwrap());
                backup.end.wal = Some("000000020000000000000003".parse().unwrap());
            })
            .await;
        scene
            .backup(FAILED, |backup| {
                backup.status = BackupStatus::Failed;
                backup.error = Some("no space left".into());
            })
            .await;
        scene
    }

    /// The keys below the server's folder.
    async fn keys(&self) -> Vec<String> {
        use futures_util::TryStreamExt as _;
        let (store, _) = self.archive().await;
        let below = Key::new("main").unwrap().inside();
        let all: Vec<_> = store.list(&below, None).try_collect().await.unwrap();
        all.into_iter().map(|meta| meta.key.to_string()).collect()
    }
}

/// Runs it without holding up the service, which runs in this very process.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// That a command ended with this status, said nothing on standard output, and this on standard error first.
#[track_caller]
fn ended(output: &Output, status: i32, first: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{told}");
    assert!(output.stdout.is_empty(), "{output:?}");
    assert!(told.lines().next().unwrap_or_default().contains(first), "not `{first}`: {told}");
    assert!(!told.contains(SECRET_KEY), "{told}");
}

fn moment(text: &str) -> jiff::Zoned {
    text.parse::<jiff::Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC)
}

/// What is recorded of a backup that ended ten minutes after the beginning that is its name.
fn record(id: &str) -> Backup {
    let mut backup = Backup::new(id.parse().unwrap(), BackupStatus::Done);
    let day = &id[6..8];
    let number: u64 = day.parse().unwrap();
    backup.system_id = Some(SystemId(SYSTEM));
    backup.version = Some(180_000);
    backup.timeline = Timeline::new(1);
    backup.segment_size = SegmentSize::new(MIB).unwrap();
    backup.begin.lsn = Some(Lsn(2 * number * MIB + 0x28));
    backup.begin.wal = Some("000000010000000000000002".parse().unwrap());
    backup.begin.time = Some(moment(&format!("2026-01-{day}T03:04:05Z")));
    backup.end.lsn = Some(Lsn((2 * number + 1) * MIB));
    backup.end.wal = Some("000000010000000000000003".parse().unwrap());
    backup.end.time = Some(moment(&format!("2026-01-{day}T03:14:05Z")));
    let location = "/nowhere/at/all".to_owned();
    backup.tablespaces = vec![Tablespace { name: "fast".into(), oid: OID, location }];
    backup
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_uid(u64::from(rustix::process::geteuid().as_raw()));
        header.set_gid(u64::from(rustix::process::getegid().as_raw()));
        tar.append_data(&mut header, name, *content).unwrap();
    }
    tar.into_inner().unwrap()
}

/// The files of a data directory, one of which says whose it is.
fn data_tar(id: &str) -> Vec<u8> {
    tar(&[
        ("PG_VERSION", b"18\n"),
        ("base/1/1259", id.as_bytes()),
        ("global/pg_control", &[1; 512]),
        ("backup_label", b"START WAL LOCATION: 0/200028 (file 000000010000000000000002)\n"),
        ("postgresql.auto.conf", b"work_mem = '8MB'\n"),
    ])
}

fn tablespace_tar() -> Vec<u8> {
    tar(&[("PG_18_202506291/5/77", b"far")])
}

/// Whose files lie there.
fn restored(data: &Path) -> String {
    std::fs::read_to_string(data.join("base/1/1259")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_as_it_is_and_its_recovery_is_left_to_the_caller() {
    let scene = Scene::stocked().await;
    let (data, space) = (scene.path("data"), scene.path("space"));
    std::fs::create_dir(&data).unwrap();
    let mapping = format!("fast:{}", space.display());
    let output = scene.restore(&["--tablespace", &mapping, "--tablespace=none:/such"], OLD, &data).await;
    ended(&output, 0, "has no tablespace `none`");
    let told = String::from_utf8_lossy(&output.stderr);
    // Its WAL is not there: that is told, and nobody is kept from restoring.
    assert!(told.contains("000000010000000000000002"), "{told}");
    assert_eq!(restored(&data), OLD);
    let read = |path: &str| std::fs::read_to_string(data.join(path)).unwrap();
    assert_eq!(read("postgresql.auto.conf"), "work_mem = '8MB'\n");
    assert!(read("backup_label").starts_with("START WAL LOCATION"));
    assert_eq!(read(&format!("pg_tblspc/{OID}/PG_18_202506291/5/77")), "far");
    assert!(space.join("PG_18_202506291/5/77").exists() && data.join("pg_wal").is_dir());
    for absent in ["recovery.signal", "standby.signal", ".barkeep-restore"] {
        assert!(!data.join(absent).exists(), "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backup_is_the_one_that_is_meant_and_never_one_that_failed() {
    let scene = Scene::stocked().await;
    let cases: &[(&str, &[&str], &str)] = &[
        ("latest", &[], NEW),
        ("last", &[], NEW),
        ("oldest", &[], OLD),
        ("first", &[], OLD),
        ("weekly", &[], OLD),
        ("auto", &[], NEW),
        ("auto", &["--target-tli", "1"], OLD),
        // No WAL of it is in the archive, so nothing but the record speaks for timeline 2.
        ("auto", &["--target-tli", "2"], NEW),
        ("auto", &["--target-time", "2026-01-01 03:14:05+00:00"], OLD),
        ("auto", &["--target-time", "2026-01-02 04:14:05+01:00"], NEW),
        ("auto", &["--target-lsn", "0/4FFFFF"], OLD),
        ("auto", &["--target-lsn", "0/500000"], NEW),
        // Of a backup that is named only its name counts.
        (NEW, &["--target-tli", "1", "--target-lsn", "0/1"], NEW),
    ];
    for (i, (id, options, expected)) in cases.iter().enumerate() {
        let (data, space) = (scene.path(&format!("data{i}")), scene.path(&format!("space{i}")));
        let mapping = format!("--tablespace=fast:{}", space.display());
        let output = scene.restore(&[&[mapping.as_str()], *options].concat(), id, &data).await;
        assert_eq!(output.status.code(), Some(0), "{id} {options:?}: {output:?}");
        assert_eq!(restored(&data), *expected, "{id} {options:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_restored_has_the_status_that_its_reason_has() {
    let scene = Scene::stocked().await;
    scene
        .backup("20251201T000000", |backup| {
            backup.other.insert("snapshots_info".into(), "{'provider': 'aws', 'snapshots': []}".into());
        })
        .await;
    let data = scene.path("data");
    let cases: &[(&str, &[&str], i32, &str)] = &[
        ("20240101T000000", &[], 1, "there is no backup 20240101T000000"),
        ("nightly", &[], 4, "Unknown backup 'nightly' for server 'main'"),
        (FAILED, &[], 4, "its status is FAILED"),
        ("20251201T000000", &[], 4, "volume snapshots"),
        ("auto", &["--target-lsn", "0/1"], 1, "Cannot find any candidate backup for recovery"),
        ("auto", &["--target-time", "2025-01-01 00:00:00+00"], 1, "Cannot find any candidate"),
        ("auto", &["--target-tli", "7"], 1, "Cannot find any candidate backup for recovery"),
        ("auto", &["--target-tli", "current"], 4, "'current' is not a valid timeline keyword"),
        ("auto", &["--target-time", "soon"], 4, "`soon` is not a time"),
        ("latest", &["--tablespace", "fast"], 3, "Invalid tablespace relocation rule 'fast'"),
        ("latest", &["--snapshot-recovery-instance", "i"], 4, "snapshots of volumes are not supported"),
    ];
    for (id, options, status, first) in cases {
        ended(&scene.restore(options, id, &data).await, *status, first);
        assert!(!data.exists(), "{id} {options:?} has made the directory");
    }
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("thesis.tex"), "x").unwrap();
    let full = format!("Destination {} already exists and it is not empty", data.display());
    ended(&scene.restore(&[], NEW, &data).await, 1, &full);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_failed_restore_leaves_starts_nowhere_and_the_next_one_clears_it() {
    let scene = Scene::stocked().await;
    let (data, space) = (scene.path("data"), scene.path("space"));
    let mapping = format!("--tablespace=fast:{}", space.display());
    let key = format!("main/base/{NEW}/data.tar");
    // Cut off behind the control file, as a damaged object is.
    let whole = data_tar(NEW);
    for data_is_removed in [false, true] {
        scene.put(&key, whole[..4096].to_vec()).await;
        ended(&scene.restore(&[&mapping], NEW, &data).await, 4, "data.tar");
        assert!(data.join("PG_VERSION").exists(), "what could be read stays");
        assert!(!data.join("global/pg_control").exists() && data.join(".barkeep-restore").exists());
        if data_is_removed {
            // So does CloudNativePG with a directory that has no pg_control.
            std::fs::remove_dir_all(&data).unwrap();
        }
        scene.put(&key, whole.clone()).await;
        ended(&scene.restore(&[&mapping], NEW, &data).await, 0, "");
        assert_eq!(restored(&data), NEW);
        for at in [&data, &space] {
            assert!(!at.join(".barkeep-restore").exists());
            std::fs::remove_dir_all(at).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_has_a_status_of_its_own() {
    let scene = Scene::new().await;
    let mut command = scene.command("barman-cloud-restore");
    command.args(["--endpoint-url", "http://127.0.0.1:9", &Scene::url(), "main", "latest"]);
    command.arg(scene.path("data"));
    ended(&run(command).await, 2, "ERROR: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_no_backup_can_be_taken_with_touch_nothing() {
    let scene = Scene::new().await;
    let many = (0..11).map(|i| format!("k{i},v")).collect::<Vec<_>>();
    let many: Vec<&str> = ["--tags"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--snapshot-instance", "i", "--snapshot-disk", "d"], 4, "snapshots of volumes are not supported"),
        (&["--snapshot-disk", "d"], 4, "snapshots of volumes are not supported"),
        (&many, 4, "11 tags were given"),
        (&["--tag", "a,1", "--tag", "a,2"], 4, "the tag `a` was given twice"),
        // Nobody listens there.
        (&["-h", "/nowhere", "-U", "postgres"], 1, "connect as postgres"),
        (&["-d", "host=/nowhere user=me"], 1, "connect as me"),
    ];
    for (options, status, first) in cases {
        let mut command = scene.command("barman-cloud-backup");
        command.args(*options).args(["--cloud-provider", "aws-s3", &Scene::url(), "main"]);
        ended(&run(command).await, *status, first);
    }
    for options in [["--name", "latest"], ["-J", "0"], ["--gzip", "--zstd"], ["-S", "much"]] {
        let mut command = scene.command("barman-cloud-backup");
        command.args(options).args([&Scene::url(), "main"]);
        assert_eq!(run(command).await.status.code(), Some(3), "{options:?}");
    }
    assert!(scene.keys().await.is_empty());
}

/// A finished backup in directories, as the server that took it keeps it.
struct Finished {
    bed: Bed,
    record: PathBuf,
}

const RECORD: &str = "backup_label=None\nbegin_offset=40\nbegin_time=2026-01-02 03:04:05+00:00\n\
    begin_wal=000000010000000000000002\nbegin_xlog=0/2000028\nbackup_id=20260102T030405\nmode=rsync-concurrent\n\
    end_time=2026-01-02 03:14:05+00:00\nend_wal=000000010000000000000003\nend_xlog=0/3000100\n\
    pgdata=/var/lib/postgresql/data\nserver_name=main\nsize=1234\nstatus=DONE\nsystemid=7300000000000000001\n\
    tablespaces=[('fast', 16385, '/nowhere/at/all')]\ntimeline=1\nversion=180000\nxlog_segment_size=16777216\n";

impl Finished {
    fn new() -> Self {
        let bed = Bed::new();
        let finished = Self { record: bed.dir.path().join("backup.info"), bed };
        for (path, content) in [
            ("data/PG_VERSION", "18\n"),
            ("data/base/1/1259", "whose"),
            ("data/base/1/t3_1", "temporary"),
            ("data/pg_wal/000000010000000000000002", "x"),
            ("data/backup_label", "START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n"),
            ("16385/PG_18_202506291/5/77", "far"),
            ("backup.info", RECORD),
        ] {
            finished.write(path, content);
        }
        std::fs::create_dir(finished.bed.dir.path().join("data/pg_tblspc")).unwrap();
        // Where the server had it, which is not where the copy is.
        std::os::unix::fs::symlink("/nowhere/at/all", finished.bed.data().join("pg_tblspc/16385")).unwrap();
        finished
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.bed.dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The hook as that server calls it.
    async fn upload(&self, scene: &Scene, options: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = scene.command("barman-cloud-backup");
        command
            .args(options)
            .args([&Scene::url(), "main"])
            .env("BARMAN_HOOK", "backup_retry_script")
            .env("BARMAN_PHASE", "post")
            .env("BARMAN_STATUS", "DONE")
            .env("BARMAN_BACKUP_ID", NEW)
            .env("BARMAN_BACKUP_DIR", self.bed.dir.path())
            .env("BARMAN_BACKUP_INFO_PATH", &self.record)
            .envs(variables.iter().copied());
        run(command).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_brings_a_finished_backup_into_the_archive_which_is_restored_from_there() {
    let (scene, finished) = (Scene::new().await, Finished::new());
    // What an earlier try has left must not be taken for part of this one.
    scene.put(&format!("main/base/{NEW}/data_0001.tar"), data_tar("stale")).await;
    let output = finished.upload(&scene, &["--gzip"], &[]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let keys = scene.keys().await;
    for name in ["backup.info", "data.tar.gz", "16385.tar.gz"] {
        assert!(keys.contains(&format!("main/base/{NEW}/{name}")), "{keys:?}");
    }
    assert!(!keys.iter().any(|key| key.contains("data_0001")), "{keys:?}");
    let folder = scene.s3.folder(&format!("some/path/main/base/{NEW}"));
    assert_eq!(
        std::fs::read_to_string(folder.join("backup.info")).unwrap(),
        RECORD,
        "it is stored as it was"
    );

    let (data, space) = (scene.path("data"), scene.path("space"));
    let mapping = format!("--tablespace=fast:{}", space.display());
    let output = scene.restore(&[&mapping], "latest", &data).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(restored(&data), "whose");
    assert!(data.join("backup_label").exists() && space.join("PG_18_202506291/5/77").exists());
    for absent in ["base/1/t3_1", "pg_wal/000000010000000000000002"] {
        assert!(!data.join(absent).exists(), "{absent} is packed");
    }
    let again = finished.upload(&scene, &["--gzip"], &[]).await;
    ended(&again, 4, "the archive has a backup 20260102T030405 already");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_cannot_do_its_work_leaves_no_record() {
    /// Options, variables, the status, and how the first line begins.
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str);
    let (scene, finished) = (Scene::new().await, Finished::new());
    let cases: &[Case<'_>] = &[
        (&[], &[("BARMAN_STATUS", "FAILED")], 63, "the backup is FAILED"),
        (&[], &[("BARMAN_PHASE", "pre")], 4, "called as unsupported hook script: pre_backup_retry_script"),
        (&[], &[("BARMAN_BACKUP_INFO_PATH", "")], 4, "BARMAN_BACKUP_INFO_PATH is not set"),
        (&["-n", "nightly"], &[], 4, "Cannot set backup name"),
        (&[], &[("BARMAN_BACKUP_DIR", "/nowhere")], 1, "/nowhere"),
        (&[], &[("BARMAN_BACKUP_INFO_PATH", "/nowhere/backup.info")], 1, "/nowhere/backup.info"),
    ];
    for (options, variables, status, first) in cases {
        ended(&finished.upload(&scene, options, variables).await, *status, first);
    }
    finished.write("backup.info", &format!("{RECORD}compression=gzip\n"));
    ended(&finished.upload(&scene, &[], &[]).await, 4, "the backup is compressed (gzip)");
    finished.write("backup.info", RECORD);
    std::fs::remove_dir_all(finished.bed.dir.path().join("16385")).unwrap();
    ended(&finished.upload(&scene, &[], &[]).await, 1, "find tablespace fast");
    assert!(!scene.keys().await.iter().any(|key| key.ends_with("backup.info")));
}
