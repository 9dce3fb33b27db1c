//! `backup` over a store in memory and a server that follows a script: every way it can end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use barkeep::archive::{Archive, Catalog, Tags};
use barkeep::command::backup::{
    self, Checkpoint, ManifestChecksum, OnDamage, Outcome, Progress, Request, Sizes, WaitWal,
};
use barkeep::error::{Error, ErrorKind, Result};
use barkeep::model::{Backup, BackupStatus, Compression, Lsn, SegmentName, SegmentSize, SystemId, Timeline};
use barkeep::pgdata::manifest::ManifestReader;
use barkeep::postgres::{
    Archiving, Connect, Facts, RunningBackup, Server, ServerTablespace, StartPoint, StopPoint, Version,
    Written,
};
use barkeep::store::ObjectStore;
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, segment_bytes};
use futures_util::TryStreamExt as _;
use tokio::sync::watch;

const BEGIN: Lsn = Lsn(0x50_0028);
const END: Lsn = Lsn(0x60_0138);
/// What the preflight ends, and what the backup needs.
const PROBED: &str = "000000010000000000000004";
const NEEDED: [&str; 2] = ["000000010000000000000005", "000000010000000000000006"];
const ID: &str = "20260102T030405";

fn size() -> SegmentSize {
    SegmentSize::new(MIB).unwrap()
}

fn one() -> Timeline {
    Timeline::new(1).unwrap()
}

/// What the server does; clones share it.
#[derive(Clone)]
struct Script(Arc<Plot>);

struct Plot {
    bed: Bed,
    facts: Mutex<Facts>,
    /// Segments that never reach the archive.
    swallowed: Mutex<Vec<&'static str>>,
    start_fails: AtomicBool,
    /// The session is lost once the copy runs.
    session_dies: AtomicBool,
    stop_fails: AtomicBool,
    /// The timeline it ends on.
    ends_on: AtomicU32,
    /// The next so many records cannot be stored once the backup has ended on the server.
    records_fail: AtomicUsize,
    started: AtomicBool,
    /// Sessions that are open.
    open: AtomicUsize,
}

/// A session of the script's.
struct Session(Script);

impl Drop for Session {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Script {
    fn new() -> Self {
        let bed = Bed::new();
        for dir in ["base", "pg_tblspc"] {
            std::fs::create_dir(bed.data().join(dir)).unwrap();
        }
        std::fs::write(bed.data().join("PG_VERSION"), "16\n").unwrap();
        // Large enough for a copy with a bound to be caught at it.
        std::fs::write(bed.data().join("base/heap"), vec![0; 1 << 20]).unwrap();
        let pid = format!("1\n{}\n1767322000\n5432\n/tmp\n\n\nready\n", bed.data().display());
        std::fs::write(bed.data().join("postmaster.pid"), pid).unwrap();
        let file = |name: &str| Some(bed.data().join(name).display().to_string());
        let facts = Facts {
            system_id: SystemId(SYSTEM),
            version: Version::new(160_004).unwrap(),
            port: 5432,
            started: 1_767_322_001,
            data_directory: bed.data().display().to_string(),
            config_file: file("postgresql.conf"),
            hba_file: file("pg_hba.conf"),
            ident_file: file("pg_ident.conf"),
            included_files: Vec::new(),
            tablespaces: vec![ServerTablespace {
                name: "inner".into(),
                oid: 16_400,
                location: "pg_tblspc/16400".into(),
            }],
            segment_size: size(),
            block_size: 8192,
            segment_blocks: 131_072,
            data_checksums: false,
            summarize_wal: None,
            in_recovery: false,
            timeline: one(),
            archiving: Archiving { mode: "on".into(), command: true, library: false },
        };
        Self(Arc::new(Plot {
            bed,
            facts: Mutex::new(facts),
            swallowed: Mutex::default(),
            start_fails: AtomicBool::default(),
            session_dies: AtomicBool::default(),
            stop_fails: AtomicBool::default(),
            ends_on: AtomicU32::new(1),
            records_fail: AtomicUsize::default(),
            started: AtomicBool::default(),
            open: AtomicUsize::default(),
        }))
    }

    fn bed(&self) -> &Bed {
        &self.0.bed
    }

    fn with_facts(self, change: impl FnOnce(&mut Facts)) -> Self {
        change(&mut self.0.facts.lock().unwrap());
        self
    }

    async fn archive(&self, name: &'static str) {
        if !self.0.swallowed.lock().unwrap().contains(&name) {
            let key = format!("main/wals/{}/{name}", &name[..16]);
            self.bed().foreign(&key, segment_bytes(name, SYSTEM, size(), 1)).await;
        }
    }

    /// A copy that takes half a minute, unless it is told to stop.
    fn slow_request(&self) -> Request {
        Request { max_read_rate: Some(32 << 10), ..self.request() }
    }

    fn request(&self) -> Request {
        Request {
            pgdata: None,
            name: Some("nightly".into()),
            compression: Compression::None,
            level: None,
            tags: Tags::default(),
            jobs: NonZeroUsize::MIN,
            memory: 64 << 20,
            max_rate: None,
            max_read_rate: None,
            sizes: Sizes::default(),
            checkpoint: Checkpoint::Fast,
            on_damage: OnDamage::Fail,
            manifest: ManifestChecksum::Crc32c,
            archive_check: true,
            wait_wal: WaitWal::Always,
            wal_timeout: Duration::from_millis(300),
            stop_timeout: Duration::from_secs(1),
            started_record: true,
            create_only: false,
            spool: Some(self.bed().spool()),
            max_attempts: None,
            deadline: None,
            now: jiff::Timestamp::UNIX_EPOCH,
            local: jiff::civil::date(2026, 1, 2).at(3, 4, 5, 0),
        }
    }

    async fn run(&self, request: &Request) -> Result<Outcome> {
        let (_keep, stop) = watch::channel(false);
        self.run_until(request, stop).await
    }

    async fn run_until(&self, request: &Request, stop: watch::Receiver<bool>) -> Result<Outcome> {
        let all = backup::run(request, self, self.bed(), Arc::new(Progress::default()), stop);
        let result = tokio::time::timeout(Duration::from_secs(20), all).await.expect("it is bounded");
        assert_eq!(self.0.open.load(Ordering::SeqCst), 0, "no session outlives the backup");
        result
    }

    async fn catalog(&self) -> Catalog {
        let store = Arc::clone(&self.bed().store) as Arc<dyn ObjectStore>;
        Archive::new(store, "main".parse().unwrap()).catalog().await.unwrap()
    }

    /// The one backup there is.
    async fn backup(&self) -> Backup {
        let catalog = self.catalog().await;
        assert_eq!((catalog.entries.len(), catalog.unreadable.len(), catalog.orphans.len()), (1, 0, 0));
        catalog.entries[0].backup.clone()
    }

    /// Runs to a failure of this kind, which the one record must tell.
    async fn fails(&self, request: &Request, kind: ErrorKind) -> Error {
        let (_keep, stop) = watch::channel(false);
        self.fails_until(request, stop, kind).await
    }

    async fn fails_until(&self, request: &Request, stop: watch::Receiver<bool>, kind: ErrorKind) -> Error {
        let e = self.run_until(request, stop).await.unwrap_err();
        assert_eq!(e.kind(), kind, "{e:?}");
        assert!(e.to_string().starts_with(&format!("backup {ID}: ")), "{e}");
        let backup = self.backup().await;
        assert_eq!((backup.status, backup.id.as_str()), (BackupStatus::Failed, ID));
        assert!(e.to_string().ends_with(backup.error.as_deref().unwrap()), "{:?}", backup.error);
        let keys = self.bed().keys().await;
        let complete = keys.iter().filter(|key| key.contains(".tar") || key.contains("manifest"));
        assert_eq!(complete.count(), 0, "{keys:?}");
        e
    }
}

#[async_trait]
impl Connect for Script {
    async fn connect(&self) -> Result<Box<dyn Server>> {
        self.0.open.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Session(self.clone())))
    }
}

#[async_trait]
impl Server for Session {
    async fn facts(&mut self, _: bool) -> Result<Facts> {
        Ok(self.0.0.facts.lock().unwrap().clone())
    }

    async fn end_segment(&mut self, _: SegmentSize) -> Result<SegmentName> {
        self.0.archive(PROBED).await;
        Ok(PROBED.parse().unwrap())
    }

    async fn replayed(&mut self) -> Result<Lsn> {
        Ok(BEGIN)
    }

    async fn written(&mut self) -> Result<Written> {
        Err(Error::bug("a backup does not ask this"))
    }

    async fn archiver_trouble(&mut self) -> Result<Option<String>> {
        Ok(Some("its archiver failed with X".into()))
    }

    async fn start(self: Box<Self>, label: &str, fast: bool) -> Result<(StartPoint, Box<dyn RunningBackup>)> {
        assert!(fast && label.starts_with("Barkeep backup 20260102T03040"), "{label}");
        if self.0.0.start_fails.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Server, "a backup is already in progress"));
        }
        self.0.0.started.store(true, Ordering::SeqCst);
        let tablespaces = self.0.0.facts.lock().unwrap().tablespaces.clone();
        Ok((StartPoint { lsn: BEGIN, timeline: one(), time: time(), tablespaces }, self))
    }
}

fn time() -> jiff::Zoned {
    let hour = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
    "2026-01-02T03:04:06Z".parse::<jiff::Timestamp>().unwrap().to_zoned(hour)
}

#[async_trait]
impl RunningBackup for Session {
    async fn lost(&mut self) -> Error {
        if self.0.0.session_dies.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            return Error::new(ErrorKind::Server, "the session was lost");
        }
        pending().await
    }

    async fn stop(self: Box<Self>, _: Duration) -> Result<StopPoint> {
        let Script(plot) = &self.0;
        if plot.stop_fails.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Server, "PostgreSQL has not ended the backup"));
        }
        plot.bed.store.fail(
            "put",
            "backup.info",
            ErrorKind::Unavailable,
            plot.records_fail.load(Ordering::SeqCst),
        );
        for name in NEEDED {
            self.0.archive(name).await;
        }
        let label = format!(
            "START WAL LOCATION: {BEGIN} (file {})\nCHECKPOINT LOCATION: 0/500060\nBACKUP METHOD: streamed\n\
             BACKUP FROM: primary\nSTART TIME: x\nLABEL: x\nSTART TIMELINE: 1\n",
            NEEDED[0]
        );
        let timeline = Timeline::new(plot.ends_on.load(Ordering::SeqCst)).unwrap();
        Ok(StopPoint { lsn: END, timeline, time: time(), label })
    }
}

#[tokio::test]
async fn a_backup_is_recorded_with_everything_that_restoring_it_takes() {
    let script = Script::new();
    let outcome = script.run(&script.request()).await.unwrap();
    let backup = script.backup().await;
    assert_eq!(backup, outcome.backup);
    assert_eq!(backup.status, BackupStatus::Done);
    assert_eq!((backup.id.as_str(), backup.name.as_deref()), (ID, Some("nightly")));
    assert_eq!((backup.begin.lsn, backup.end.lsn), (Some(BEGIN), Some(END)));
    assert_eq!(backup.begin.wal.unwrap().to_string(), NEEDED[0]);
    assert_eq!(backup.end.wal.unwrap().to_string(), NEEDED[1]);
    assert_eq!((backup.system_id, backup.timeline), (Some(SystemId(SYSTEM)), Some(one())));
    assert!(backup.label.unwrap().contains("START TIMELINE: 1"));
    assert!(backup.tablespaces.is_empty(), "what lies in place is part of the data directory");
    assert!(backup.other["copy_stats"].contains("'number_of_workers': 1, "), "{:?}", backup.other);
    assert!(outcome.wal_seen && outcome.warnings.is_empty(), "{:?}", outcome.warnings);
}

#[tokio::test]
async fn a_start_that_fails_is_a_failed_backup() {
    let script = Script::new();
    script.0.start_fails.store(true, Ordering::SeqCst);
    let e = script.fails(&script.request(), ErrorKind::Server).await;
    assert!(e.to_string().contains("already in progress"), "{e}");
}

#[tokio::test]
async fn a_copy_that_fails_is_a_failed_backup() {
    let script = Script::new();
    script.bed().store.fail("upload", "/data", ErrorKind::Denied, 1000);
    script.fails(&script.request(), ErrorKind::Denied).await;
}

#[tokio::test]
async fn a_session_that_is_lost_ends_the_copy_at_once() {
    let script = Script::new();
    script.0.session_dies.store(true, Ordering::SeqCst);
    let e = script.fails(&script.slow_request(), ErrorKind::Server).await;
    assert!(e.to_string().contains("the session was lost"), "{e}");
}

#[tokio::test]
async fn a_signal_ends_the_copy_and_the_record_says_so() {
    let script = Script::new();
    let (stop, asked) = watch::channel(false);
    let (request, kind) = (script.slow_request(), ErrorKind::Interrupted);
    let signal = async {
        while !script.0.started.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.send_replace(true);
    };
    tokio::join!(script.fails_until(&request, asked, kind), signal);
}

#[tokio::test]
async fn a_signal_before_anything_was_claimed_leaves_nothing() {
    let script = Script::new();
    let (stop, asked) = watch::channel(false);
    stop.send_replace(true);
    let e = script.run_until(&script.request(), asked).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    assert!(script.bed().keys().await.is_empty());
}

#[tokio::test]
async fn a_signal_while_the_identifier_is_claimed_leaves_no_record_that_says_started() {
    let script = Script::new();
    script.bed().store.slow("put", "backup.info", Duration::from_millis(200));
    let (stop, asked) = watch::channel(false);
    let signal = async {
        while !script.bed().store.counts().contains_key("put") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
    };
    let request = script.request();
    tokio::join!(script.fails_until(&request, asked, ErrorKind::Interrupted), signal);
    assert!(!script.0.started.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_stop_that_fails_is_a_failed_backup() {
    let script = Script::new();
    script.0.stop_fails.store(true, Ordering::SeqCst);
    script.fails(&script.request(), ErrorKind::Server).await;
}

#[tokio::test]
async fn damaged_pages_fail_a_backup_unless_a_warning_will_do() {
    let damaged = || {
        let script = Script::new().with_facts(|facts| facts.data_checksums = true);
        // A page that is in use, far older than the backup, and whose checksum is not 0.
        let mut page = vec![0_u8; 8192];
        page[12..14].copy_from_slice(&24_u16.to_le_bytes());
        page[14..16].copy_from_slice(&8192_u16.to_le_bytes());
        page[16..18].copy_from_slice(&8192_u16.to_le_bytes());
        page[18..20].copy_from_slice(&(8192_u16 | 4).to_le_bytes());
        std::fs::create_dir(script.bed().data().join("base/5")).unwrap();
        std::fs::write(script.bed().data().join("base/5/16384"), page).unwrap();
        script
    };
    let script = damaged();
    let e = script.fails(&script.request(), ErrorKind::Corrupt).await;
    assert!(e.to_string().contains("base/5/16384 block 0"), "{e}");
    assert!(e.hint_text().unwrap().contains("--checksum-errors"));

    let script = damaged();
    let request = Request { on_damage: OnDamage::Warn, ..script.request() };
    let outcome = script.run(&request).await.unwrap();
    assert_eq!(outcome.damage.pages, 1);
    assert!(outcome.warnings.iter().any(|w| w.contains("base/5/16384")), "{:?}", outcome.warnings);
    assert_eq!(script.backup().await.status, BackupStatus::Done);
}

#[tokio::test]
async fn a_backup_whose_wal_does_not_arrive_is_not_one() {
    for missing in NEEDED {
        let script = Script::new();
        script.0.swallowed.lock().unwrap().push(missing);
        let e = script.fails(&script.request(), ErrorKind::Unavailable).await;
        assert!(e.to_string().contains(missing), "{e}");
        assert!(e.hint_text().unwrap().contains("--no-wait-wal"));
    }
}

/// The backup's beginning and end as in every script, and a fork in its second segment.
const FORK: &str = "1\t0/600080\tno recovery target specified\n";
const FORKED: &str = "000000020000000000000006";

/// A script whose backup ends on timeline 2.
async fn forked(history: bool, segment: bool) -> Script {
    let script = Script::new();
    script.0.ends_on.store(2, Ordering::SeqCst);
    if history {
        script.bed().foreign("main/wals/00000002.history", FORK.as_bytes().to_vec()).await;
    }
    if segment {
        script.archive(FORKED).await;
    }
    script
}

/// Timeline, start and end of the WAL that the manifest names.
async fn ranges(script: &Script) -> Vec<(u32, u64, u64)> {
    let key = barkeep::store::Key::new(format!("main/base/{ID}/backup_manifest.zst")).unwrap();
    let mut body = script.bed().store.get(&key, None).await.unwrap().body;
    let mut packed = Vec::new();
    while let Some(piece) = body.try_next().await.unwrap() {
        packed.extend_from_slice(&piece);
    }
    let manifest = ManifestReader::begin(zstd::Decoder::new(&packed[..]).unwrap()).unwrap();
    let ranges = manifest.finish().unwrap().ranges.into_iter();
    ranges.map(|range| (range.timeline.number(), range.start.0, range.end.0)).collect()
}

#[tokio::test]
async fn a_standbys_backup_that_went_over_to_a_new_timeline_has_a_range_of_wal_on_each() {
    let script = forked(true, true).await;
    script.run(&script.request()).await.unwrap();
    assert_eq!(ranges(&script).await, [(2, 0x60_0080, END.0), (1, BEGIN.0, 0x60_0080)]);
    assert!(script.backup().await.changes_timeline());

    // The old timeline's segment is there and will not do.
    let script = forked(true, false).await;
    let e = script.fails(&script.request(), ErrorKind::Unavailable).await;
    assert!(e.to_string().contains(FORKED), "{e}");

    let script = forked(false, true).await;
    let e = script.fails(&script.request(), ErrorKind::Unavailable).await;
    assert!(e.to_string().contains("00000002.history is not in the archive"), "{e}");

    let script = forked(false, false).await;
    let outcome = script.run(&Request { wait_wal: WaitWal::Never, ..script.request() }).await.unwrap();
    assert_eq!(ranges(&script).await, [(1, BEGIN.0, END.0)]);
    assert!(outcome.warnings.iter().any(|w| w.contains("pg_verifybackup")), "{:?}", outcome.warnings);
}

#[tokio::test]
async fn wal_that_is_not_waited_for_is_told() {
    let script = Script::new();
    script.0.swallowed.lock().unwrap().extend(NEEDED);
    let outcome = script.run(&Request { wait_wal: WaitWal::Never, ..script.request() }).await.unwrap();
    assert_eq!(script.backup().await.status, BackupStatus::Done);
    assert!(!outcome.wal_seen && outcome.warnings.iter().any(|w| w.contains("not waited for")));
}

/// A standby's last segment comes when its primary has filled it, which may take as long as it likes.
#[tokio::test]
async fn a_standbys_backup_is_kept_without_its_wal_and_a_primarys_is_not() {
    let standby = || {
        let script = Script::new().with_facts(|facts| facts.in_recovery = true);
        std::fs::write(script.bed().data().join("standby.signal"), "").unwrap();
        script
    };
    let little = Duration::from_millis(200);
    let wait = WaitWal::StandbyAtMost(little);
    let script = standby();
    script.0.swallowed.lock().unwrap().extend(NEEDED);
    let request = Request { wait_wal: wait, archive_check: false, ..script.request() };
    let outcome = script.run(&request).await.unwrap();
    assert_eq!(script.backup().await.status, BackupStatus::Done);
    assert!(!outcome.wal_seen && outcome.warnings.iter().any(|w| w.contains("has not come")), "{outcome:?}");

    let script = standby();
    let request = Request { wait_wal: wait, archive_check: false, ..script.request() };
    assert!(script.run(&request).await.unwrap().wal_seen);

    let script = Script::new();
    script.0.swallowed.lock().unwrap().extend(NEEDED);
    let request = Request { wait_wal: wait, archive_check: false, ..script.request() };
    script.fails(&request, ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn a_backup_that_takes_too_long_ends_in_good_order() {
    let script = Script::new();
    let request = Request { deadline: Some(Duration::from_millis(500)), ..script.slow_request() };
    let e = script.fails(&request, ErrorKind::Interrupted).await;
    assert!(e.to_string().contains("not done within 500ms"), "{e}");
}

#[tokio::test]
async fn a_backup_whose_record_cannot_be_stored_is_not_done() {
    let script = Script::new();
    script.0.records_fail.store(1, Ordering::SeqCst);
    let e = script.run(&script.request()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unavailable);
    assert_eq!(script.backup().await.status, BackupStatus::Failed);

    let script = Script::new();
    script.0.records_fail.store(2, Ordering::SeqCst);
    assert_eq!(script.run(&script.request()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(script.backup().await.status, BackupStatus::Started);
}

#[tokio::test]
async fn an_identifier_that_is_taken_is_left_to_whoever_has_it() {
    let script = Script::new();
    script.bed().foreign(&format!("main/base/{ID}/data.tar"), b"somebody's".to_vec()).await;
    script.bed().foreign("main/base/20260102T030406/backup.info", b"status=DONE\n".to_vec()).await;
    for (started_record, id) in [(true, "20260102T030407"), (false, "20260102T030408")] {
        let request = Request { started_record, ..script.request() };
        assert_eq!(script.run(&request).await.unwrap().backup.id.as_str(), id);
    }
    assert_eq!(script.bed().object(&format!("main/base/{ID}/data.tar")).await, b"somebody's");
}

#[tokio::test]
async fn an_archive_that_gets_no_wal_is_found_out_before_anything_is_claimed() {
    let script = Script::new();
    script.0.swallowed.lock().unwrap().push(PROBED);
    let e = script.run(&script.request()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unavailable);
    let text = e.to_string();
    assert!(text.contains(PROBED) && text.contains("its archiver failed with X"), "{text}");
    assert!(script.bed().keys().await.is_empty());
    script.run(&Request { archive_check: false, ..script.request() }).await.unwrap();
}

#[tokio::test]
async fn a_server_that_does_not_archive_is_told_how_to() {
    let script = Script::new().with_facts(|facts| facts.archiving.mode = "off".into());
    let e = script.run(&script.request()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Usage);
    assert!(e.to_string().contains("archive_mode is off") && e.hint_text().is_some());
}

#[tokio::test]
async fn a_standbys_primary_is_seen_to_archive_what_was_replayed() {
    let standby = |facts: &mut Facts| facts.in_recovery = true;
    let script = Script::new().with_facts(standby);
    std::fs::write(script.bed().data().join("standby.signal"), "").unwrap();
    let e = script.run(&script.request()).await.unwrap_err();
    assert!(e.kind() == ErrorKind::Unavailable && e.to_string().contains(PROBED), "{e:?}");
    assert!(e.hint_text().unwrap().contains("primary"));
    script.archive(PROBED).await;
    script.run(&script.request()).await.unwrap();
}

/// It has replayed no whole segment of the new timeline yet, and may not for hours.
#[tokio::test]
async fn a_standby_that_has_just_followed_to_a_new_timeline_is_backed_up() {
    let script = Script::new().with_facts(|facts| {
        facts.in_recovery = true;
        facts.timeline = Timeline::new(2).unwrap();
    });
    std::fs::write(script.bed().data().join("standby.signal"), "").unwrap();
    let history = format!("1\t{BEGIN}\tno recovery target specified\n");
    script.bed().foreign("main/wals/00000002.history", history.into_bytes()).await;
    script.archive(PROBED).await;
    script.run(&script.request()).await.unwrap();
}

#[tokio::test]
async fn another_clusters_archive_is_refused() {
    let script = Script::new();
    let body = segment_bytes(PROBED, OTHER_SYSTEM, size(), 1);
    script.bed().foreign(&format!("main/wals/0000000100000000/{PROBED}"), body).await;
    let e = script.run(&script.request()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(e.to_string().contains(&OTHER_SYSTEM.to_string()), "{e}");
}

#[tokio::test]
async fn a_directory_that_is_not_the_servers_is_refused() {
    for (what, script) in [
        ("another cluster", Script::new().with_facts(|facts| facts.system_id = SystemId(OTHER_SYSTEM))),
        ("another port", Script::new().with_facts(|facts| facts.port = 5433)),
        ("another start", Script::new().with_facts(|facts| facts.started += 1000)),
        ("a standby", Script::new().with_facts(|facts| facts.in_recovery = true)),
    ] {
        let e = script.run(&script.request()).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Conflict, "{what}: {e}");
        assert!(e.hint_text().unwrap().contains("--pgdata"), "{what}");
        assert!(script.bed().keys().await.is_empty(), "{what}");
    }
    let stopped = Script::new();
    std::fs::remove_file(stopped.bed().data().join("postmaster.pid")).unwrap();
    assert_eq!(stopped.run(&stopped.request()).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn without_a_started_record_there_is_none_before_the_end() {
    let script = Script::new();
    let request = Request { started_record: false, ..script.slow_request() };
    let (stop, asked) = watch::channel(false);
    let look = async {
        while !script.0.started.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        let keys = script.bed().keys().await;
        assert!(!keys.iter().any(|key| key.ends_with("backup.info")), "{keys:?}");
        stop.send_replace(true);
    };
    tokio::join!(script.fails_until(&request, asked, ErrorKind::Interrupted), look);
}

#[tokio::test]
async fn credentials_that_may_only_create_suffice_for_a_backup() {
    let script = Script::new();
    script.bed().store.create_only.store(true, Ordering::SeqCst);
    let request = Request { create_only: true, ..script.request() };
    let outcome = script.run(&request).await.unwrap();
    assert_eq!(script.backup().await, outcome.backup);
    assert_eq!(outcome.backup.status, BackupStatus::Done);
    assert!(script.bed().keys().await.contains(&format!("main/base/{ID}/barkeep_claim")));
    // Nothing was even tried that they may not.
    assert!(script.bed().store.refused.lock().unwrap().is_empty());
    // The next one finds the identifier taken.
    let next = script.run(&request).await.unwrap().backup.id;
    assert!(next.as_str() > ID, "{next}");
}

#[tokio::test]
async fn a_backup_that_fails_is_told_from_one_that_is_complete_where_nothing_is_replaced() {
    let script = Script::new();
    script.bed().store.create_only.store(true, Ordering::SeqCst);
    script.0.stop_fails.store(true, Ordering::SeqCst);
    let request = Request { create_only: true, ..script.request() };
    script.fails(&request, ErrorKind::Server).await;
    // Killed, it leaves a folder without a record, which is no backup.
    let script = Script::new();
    script.bed().store.create_only.store(true, Ordering::SeqCst);
    let request = Request { create_only: true, ..script.slow_request() };
    let killed = tokio::time::timeout(Duration::from_millis(300), script.run(&request)).await;
    assert!(killed.is_err());
    let catalog = script.catalog().await;
    assert_eq!((catalog.entries.len(), catalog.orphans.len()), (0, 1));
}

#[tokio::test]
async fn without_the_word_for_it_they_are_refused_before_anything_is_copied() {
    let script = Script::new();
    script.bed().store.create_only.store(true, Ordering::SeqCst);
    let e = script.run(&script.request()).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Denied);
    assert!(e.hint_text().unwrap().contains("--create-only"), "{e:?}");
    assert_eq!(script.bed().store.counts().get("upload"), None);
}
