//! `status` over a store in memory: constructed archives, and what is said of each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use barkeep::command::status::{self, Outcome, Request};
use barkeep::model::{
    Backup, BackupStatus, Compression, Health, Lsn, SegmentName, SegmentSize, StatusLimits, Threshold,
    Timeline,
};
use barkeep::store::{ObjectStore as _, Prefix};
use bed::backup::{moment, publish, record};
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;

/// Something that lies in an archive.
enum Thing {
    /// Segments of a timeline.
    Wal(u32, RangeInclusive<u64>),
    /// One segment in this codec.
    WalIn(Compression, u64),
    /// A segment of another cluster.
    Foreign(u32, u64),
    /// Segments of 64 MiB.
    Large(RangeInclusive<u64>),
    /// An incomplete segment.
    Partial(u32, u64),
    /// A history.
    History(u32, &'static str),
    /// A usable backup with its tar: day, timeline, and the segments it begins and ends in.
    Backup(u32, u32, u64, u64),
    /// The same with something changed.
    Changed(u32, u32, u64, u64, fn(&mut Backup)),
    /// The same without its tar.
    Torn(u32, u32, u64, u64),
    /// An annotation.
    Keep(u32, &'static str),
    /// Any object.
    Raw(&'static str, &'static str),
}

use Thing::{Backup as Done, Changed, Foreign, History, Keep, Large, Partial, Raw, Torn, Wal, WalIn};

/// An archive, and what is to be said of it.
struct Row {
    name: &'static str,
    things: Vec<Thing>,
    /// `TIMELINE FROM TO BACKUPS`, with what else there is to say of it.
    windows: &'static [&'static str],
    findings: &'static [&'static str],
    health: Health,
}

fn id(day: u32) -> String {
    format!("202601{day:02}T030405")
}

fn name(timeline: u32, number: u64, size: SegmentSize) -> SegmentName {
    SegmentName::holding(Timeline::new(timeline).unwrap(), Lsn(number * size.bytes()), size)
}

fn mib(number: u64) -> SegmentSize {
    SegmentSize::new(number * MIB).unwrap()
}

fn backup(day: u32, timeline: u32, first: u64, last: u64) -> Backup {
    let mut backup = Backup { id: id(day).parse().unwrap(), ..record() };
    backup.timeline = Timeline::new(timeline);
    let at = |hour: &str| Some(moment(&format!("2026-01-{day:02}T{hour}Z")));
    (backup.begin.time, backup.end.time) = (at("03:04:05"), at("03:10:00"));
    (backup.begin.lsn, backup.end.lsn) = (Some(Lsn(first * MIB + 0x28)), Some(Lsn(last * MIB + 0x100)));
    (backup.begin.wal, backup.end.wal) =
        (Some(name(timeline, first, mib(1))), Some(name(timeline, last, mib(1))));
    backup
}

/// The beginning of a segment; nobody reads more of it here.
async fn wal(bed: &Bed, segment: SegmentName, size: SegmentSize, how: Compression, system: u64) {
    let head = &segment_bytes(&segment.to_string(), system, size, 7)[..8192];
    let key = format!("main/wals/{}{:08X}/{segment}{}", segment.timeline, segment.log, how.suffix());
    bed.foreign(&key, packed(how, head)).await;
}

async fn lay(bed: &Bed, thing: Thing) {
    match thing {
        Wal(timeline, numbers) => {
            for number in numbers {
                wal(bed, name(timeline, number, mib(1)), mib(1), Compression::None, SYSTEM).await;
            }
        }
        WalIn(how, number) => wal(bed, name(1, number, mib(1)), mib(1), how, SYSTEM).await,
        Foreign(timeline, number) => {
            wal(bed, name(timeline, number, mib(1)), mib(1), Compression::Zstd, OTHER_SYSTEM).await;
        }
        Large(numbers) => {
            for number in numbers {
                wal(bed, name(1, number, mib(64)), mib(64), Compression::Zstd, SYSTEM).await;
            }
        }
        Partial(timeline, number) => {
            let key = format!("main/wals/{timeline:08X}00000000/{}.partial", name(timeline, number, mib(1)));
            bed.foreign(&key, b"some of it".to_vec()).await;
        }
        History(timeline, text) => {
            bed.foreign(&format!("main/wals/{timeline:08X}.history"), text.into()).await;
        }
        Done(day, timeline, first, last) => {
            tar(bed, day).await;
            publish(bed, &backup(day, timeline, first, last)).await;
        }
        Changed(day, timeline, first, last, change) => {
            let mut backup = backup(day, timeline, first, last);
            change(&mut backup);
            tar(bed, day).await;
            publish(bed, &backup).await;
        }
        Torn(day, timeline, first, last) => publish(bed, &backup(day, timeline, first, last)).await,
        Keep(day, text) => bed.foreign(&format!("main/base/{}/annotations/keep", id(day)), text.into()).await,
        Raw(key, text) => bed.foreign(key, text.into()).await,
    }
}

async fn tar(bed: &Bed, day: u32) {
    bed.foreign(&format!("main/base/{}/data.tar", id(day)), b"tar".to_vec()).await;
}

/// An hour after everything was stored, with nothing said about ages.
fn request() -> Request {
    let ever = Threshold { warn: Duration::from_hours(24 * 36_500), crit: Duration::from_hours(24 * 36_500) };
    Request {
        retry_for: Duration::from_secs(1),
        max_attempts: None,
        pgdata: None,
        read_ends: true,
        limits: StatusLimits { backup_age: ever, ..StatusLimits::default() },
        now: later(1),
    }
}

fn later(hours: i64) -> Timestamp {
    Timestamp::now() + jiff::SignedDuration::from_hours(hours)
}

async fn look(bed: &Bed, request: &Request) -> Outcome {
    status::run(request, bed, None).await.unwrap()
}

fn windows(outcome: &Outcome) -> Vec<String> {
    let told = outcome.coverage.windows.iter().map(|window| {
        let partial = if window.partial { " partial" } else { "" };
        let within = window.within.map(|on| format!(" within {}", on.number())).unwrap_or_default();
        let gap = window.gap.map(|gap| format!(" gap {gap}")).unwrap_or_default();
        let (on, count) = (window.timeline.number(), window.backups.len());
        format!("{on} {} {} {count}{partial}{within}{gap}", window.from, window.to)
    });
    told.collect()
}

fn findings(outcome: &Outcome) -> Vec<String> {
    outcome.findings.iter().map(|finding| format!("{} {}", finding.health.name(), finding.kind)).collect()
}

const FAILED: fn(&mut Backup) = |backup| {
    backup.status = BackupStatus::Failed;
    backup.error = Some("the store has gone".to_owned());
};
const STARTED: fn(&mut Backup) = |backup| backup.status = BackupStatus::Started;

/// A record as the reference writes it for a backup from segment 2 to segment 3.
const OF_THE_REFERENCE: &str = "backup_id=20260102T030405\nbackup_label=None\nbackup_name=None\nbegin_offset=40\n\
    begin_time=2026-01-02 03:04:05+00:00\nbegin_wal=000000010000000000000002\nbegin_xlog=0/200028\n\
    compression=None\nconfig_file=/pg/data/postgresql.conf\ncopy_stats=None\ndeduplicated_size=None\n\
    end_offset=256\nend_time=2026-01-02 03:10:00+00:00\nend_wal=000000010000000000000003\nend_xlog=0/300100\n\
    error=None\nhba_file=/pg/data/pg_hba.conf\nident_file=/pg/data/pg_ident.conf\nincluded_files=None\n\
    mode=None\npgdata=/pg/data\nserver_name=cloud\nsize=22000000\nstatus=DONE\n\
    systemid=7000000000000000001\ntablespaces=None\ntimeline=1\nversion=180000\nxlog_segment_size=1048576\n";

#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use Health::{Critical, Ok, Warning};
    let row = |name, things, windows, findings, health| Row { name, things, windows, findings, health };
    vec![
        row("one backup and its WAL", vec![Done(2, 1, 2, 3), Wal(1, 2..=6)],
            &["1 0/300100 0/700000 1"], &[], Ok),
        row("a gap behind the only backup", vec![Done(2, 1, 2, 3), Wal(1, 2..=4), Wal(1, 6..=8)],
            &["1 0/300100 0/500000 1 gap 000000010000000000000005"], &["critical wal-gap"], Critical),
        row("a gap, and a backup behind it", vec![Done(2, 1, 2, 3), Wal(1, 2..=4), Wal(1, 6..=9), Done(3, 1, 6, 7)],
            &["1 0/300100 0/500000 1 gap 000000010000000000000005", "1 0/700100 0/A00000 1"],
            &["warning wal-gap"], Warning),
        row("a missing history", vec![Done(2, 1, 2, 3), Wal(1, 2..=5), Wal(2, 5..=7)],
            &["1 0/300100 0/600000 1"], &["critical unreachable-timeline", "critical history-gap"], Critical),
        row("a foreign timeline", vec![Done(2, 1, 2, 3), Wal(1, 2..=5), Foreign(2, 5)],
            &["1 0/300100 0/600000 1"],
            &["critical foreign-wal", "critical unreachable-timeline", "critical history-gap"], Critical),
        row("a fork before the backup's end",
            vec![Done(2, 1, 2, 3), Wal(1, 2..=6), Wal(2, 2..=4), History(2, "1\t0/280000\tx\n")],
            &["1 0/300100 0/700000 1"], &["critical unreachable-timeline"], Critical),
        row("a FAILED backup with an end time", vec![Done(2, 1, 2, 3), Wal(1, 2..=6), Changed(3, 1, 4, 5, FAILED)],
            &["1 0/300100 0/700000 1"], &["warning failed-backup"], Warning),
        row("a FAILED backup before a good one", vec![Changed(2, 1, 2, 3, FAILED), Wal(1, 4..=6), Done(3, 1, 4, 5)],
            &["1 0/500100 0/700000 1"], &[], Ok),
        row("nothing but a FAILED backup and WAL", vec![Changed(2, 1, 2, 3, FAILED), Wal(1, 2..=6)],
            &[], &["critical no-backup", "warning failed-backup"], Critical),
        row("a backup kept alone, and a gap that harms nobody",
            vec![Done(2, 1, 2, 3), Keep(2, "standalone"), Wal(1, 2..=3), Wal(1, 8..=10), Done(3, 1, 8, 9)],
            &["1 0/300100 0/400000 1 gap 000000010000000000000004", "1 0/900100 0/B00000 1"], &[], Ok),
        row("two timelines",
            vec![Done(2, 1, 2, 3), Wal(1, 2..=4), Partial(1, 5), Wal(2, 5..=7), History(2, "1\t0/580000\tx\n")],
            &["1 0/300100 0/580000 1 partial within 2", "2 0/300100 0/800000 1"], &[], Ok),
        row("a partial at the end", vec![Done(2, 1, 2, 3), Wal(1, 2..=4), Partial(1, 5)],
            &["1 0/300100 0/500000 1 partial"], &[], Ok),
        row("empty", vec![], &[], &["critical empty"], Critical),
        row("nothing but histories", vec![History(2, "1\t0/580000\tx\n")], &[], &["critical empty"], Critical),
        row("WAL only", vec![Wal(1, 2..=6)], &[], &["critical no-backup"], Critical),
        row("WAL, and the first backup under way", vec![Wal(1, 2..=6), Changed(2, 1, 2, 3, STARTED)],
            &[], &["warning no-backup"], Warning),
        row("a backup whose WAL is missing", vec![Done(2, 1, 2, 3), Wal(1, 5..=6)],
            &[], &["critical nothing-restorable", "critical backup-without-wal"], Critical),
        row("a newer backup whose WAL is missing", vec![Done(2, 1, 2, 3), Wal(1, 2..=4), Done(3, 1, 5, 6)],
            &["1 0/300100 0/500000 1"], &["warning backup-without-wal"], Warning),
        row("half-deleted",
            vec![Changed(2, 1, 2, 3, |b| { FAILED(b); b.error = Some(Backup::HALF_DELETED.to_owned()); }),
                 Wal(1, 4..=6), Done(3, 1, 4, 5)],
            &["1 0/500100 0/700000 1"], &["warning half-deleted"], Warning),
        row("an unreadable record",
            vec![Done(2, 1, 2, 3), Wal(1, 2..=6), Raw("main/base/20260103T030405/backup.info", "size=large\n")],
            &["1 0/300100 0/700000 1"], &["warning bad-record"], Warning),
        row("a tar that is missing", vec![Torn(2, 1, 2, 3), Wal(1, 2..=6)],
            &[], &["critical nothing-restorable", "warning incomplete-backup"], Critical),
        row("several codecs, and one segment in two",
            vec![Done(2, 1, 2, 3), WalIn(Compression::Gzip, 2), WalIn(Compression::Lz4, 3), WalIn(Compression::None, 4),
                 WalIn(Compression::Xz, 5), WalIn(Compression::Bzip2, 5), WalIn(Compression::Snappy, 6)],
            &["1 0/300100 0/700000 1"], &[], Ok),
        row("volume snapshots only",
            vec![Wal(1, 2..=6), Changed(2, 1, 2, 3, |b| { b.other.insert("snapshots_info".into(), "{}".into()); })],
            &[], &["critical nothing-restorable"], Critical),
        row("segments of 64 MiB",
            vec![Large(2..=4), Changed(2, 1, 2, 3, |b| {
                b.segment_size = mib(64);
                for (edge, number, offset) in [(&mut b.begin, 2, 0x28), (&mut b.end, 3, 0x100)] {
                    edge.lsn = Some(Lsn(number * 64 * MIB + offset));
                    edge.wal = Some(name(1, number, mib(64)));
                }
            })],
            &["1 0/C000100 0/14000000 1"], &[], Ok),
        row("WAL older than any backup needs", vec![Wal(1, 1..=6), Done(2, 1, 4, 5)],
            &["1 0/500100 0/700000 1"], &["ok unneeded-wal"], Ok),
    ]
}

#[tokio::test]
async fn what_is_said_of_constructed_archives() {
    let mut wrong = Vec::new();
    for Row { name, things, windows: expected, findings: said, health } in rows() {
        let bed = Bed::new();
        for thing in things {
            lay(&bed, thing).await;
        }
        let outcome = look(&bed, &request()).await;
        if (windows(&outcome), findings(&outcome)) != (texts(expected), texts(said))
            || outcome.health() != health
        {
            let (windows, health) = (windows(&outcome), outcome.health());
            wrong.push(format!("{name}: {windows:?}, {health:?}, {:#?}", outcome.findings));
        }
        let next = outcome.findings.iter().filter(|finding| finding.health > Health::Ok);
        assert!(next.clone().all(|finding| !finding.next.is_empty()), "{name}: {:?}", outcome.findings);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_report_of_a_constructed_archive_tells_what_its_status_tells() {
    for Row { name, things, .. } in rows() {
        let bed = Bed::new();
        for thing in things {
            lay(&bed, thing).await;
        }
        let outcome = look(&bed, &request()).await;
        let store = bed.dir.path().join("store");
        copied(&bed, &store).await;
        let page = page(&store);
        let own = outcome.coverage.own_windows();
        let ends = own.flat_map(|window| [Some(window.from.to_string()), Some(window.to.to_string())]);
        let gaps = outcome.coverage.own_windows().map(|window| window.gap.map(|gap| gap.to_string()));
        let findings = outcome.findings.iter().flat_map(|found| [&found.message, &found.reason, &found.next]);
        let told = findings.cloned().map(Some).chain(ends).chain(gaps).flatten();
        for told in told {
            assert!(page.contains(&told), "{name}: {told}\n{page}");
        }
        let none = page.contains("There is none: no backup has all the WAL that it needs.");
        assert_eq!(none, outcome.coverage.windows.is_empty(), "{name}");
    }
}

/// Puts everything of the store into a directory, as if it had been there for an hour.
async fn copied(bed: &Bed, to: &Path) {
    std::fs::create_dir(to).unwrap();
    let listed: Vec<_> = bed.store.list(&Prefix::everything(), None).try_collect().await.unwrap();
    for meta in listed {
        let mut object = bed.store.get(&meta.key, None).await.unwrap();
        let file = to.join(meta.key.as_str());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut bytes = Vec::new();
        while let Some(piece) = object.body.next().await {
            bytes.extend_from_slice(&piece.unwrap());
        }
        std::fs::write(&file, bytes).unwrap();
        let hour_ago = std::time::SystemTime::now() - Duration::from_hours(1);
        std::fs::File::open(file).unwrap().set_modified(hour_ago).unwrap();
    }
}

/// The text of the page that `report` makes of a store.
fn page(store: &Path) -> String {
    let mut report = Command::new(env!("CARGO_BIN_EXE_barkeep"));
    report.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"));
    report.args(["report", "-", "--server", "main", "--store", &format!("file://{}", store.display())]);
    let output = report.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let page = String::from_utf8(output.stdout).unwrap();
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(page, |page, (escaped, plain)| page.replace(escaped, plain))
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test]
async fn records_of_the_reference_are_understood() {
    let bed = Bed::new();
    let text = OF_THE_REFERENCE.replace("7000000000000000001", &SYSTEM.to_string());
    bed.foreign("main/base/20260102T030405/backup.info", text.into_bytes()).await;
    bed.foreign("main/base/20260102T030405/data.tar.gz", b"tar".to_vec()).await;
    lay(&bed, Wal(1, 2..=6)).await;
    let outcome = look(&bed, &request()).await;
    assert_eq!(windows(&outcome), ["1 0/300100 0/700000 1"]);
    assert_eq!(findings(&outcome), Vec::<String>::new());
    let from = outcome.coverage.first_point().unwrap().from_time.unwrap();
    assert_eq!(from.to_string(), "2026-01-02T03:10:00Z");
}

#[tokio::test]
async fn a_backup_that_was_begun_is_under_way_for_a_day() {
    let bed = Bed::new();
    for thing in [Done(2, 1, 2, 3), Wal(1, 2..=6), Changed(3, 1, 4, 5, STARTED)] {
        lay(&bed, thing).await;
    }
    assert_eq!(findings(&look(&bed, &request()).await), Vec::<String>::new());
    let tomorrow = Request { now: later(25), ..request() };
    assert_eq!(findings(&look(&bed, &tomorrow).await), ["warning dead-backup"]);
}

#[tokio::test]
async fn a_hole_whose_other_side_was_stored_a_moment_ago_may_be_on_its_way() {
    let bed = Bed::new();
    for thing in [Done(2, 1, 2, 3), Wal(1, 2..=4), Wal(1, 6..=6)] {
        lay(&bed, thing).await;
    }
    let now = Request { now: Timestamp::now(), ..request() };
    assert_eq!(findings(&look(&bed, &now).await), ["ok wal-gap"]);
    assert_eq!(findings(&look(&bed, &request()).await), ["critical wal-gap"]);
}

#[tokio::test]
async fn ages_are_judged_by_their_thresholds() {
    let bed = Bed::new();
    for thing in [Done(2, 1, 2, 3), Wal(1, 2..=6)] {
        lay(&bed, thing).await;
    }
    let at =
        |text: &str| Request { now: text.parse().unwrap(), limits: StatusLimits::default(), ..request() };
    for (now, said) in [
        ("2026-01-03T15:09:59Z", vec![]),
        ("2026-01-03T15:10:00Z", vec!["warning old-backup"]),
        ("2026-01-10T03:10:00Z", vec!["critical old-backup"]),
    ] {
        assert_eq!(findings(&look(&bed, &at(now)).await), said, "{now}");
    }
    let mut judging = request();
    judging.limits.judge_idle = true;
    judging.now = Timestamp::now() + jiff::SignedDuration::from_mins(30);
    assert_eq!(findings(&look(&bed, &judging).await), ["warning old-wal"]);
    judging.now = later(2);
    assert_eq!(findings(&look(&bed, &judging).await), ["critical old-wal"]);
}

#[tokio::test]
async fn a_data_directory_tells_what_waits_and_whose_it_is() {
    let bed = Bed::new();
    for thing in [Done(2, 1, 2, 3), Wal(1, 2..=6)] {
        lay(&bed, thing).await;
    }
    let asked = Request { pgdata: Some(bed.data()), ..request() };
    let outcome = look(&bed, &asked).await;
    assert_eq!(findings(&outcome), Vec::<String>::new(), "nothing waits, so the age of WAL says nothing");
    for number in 7..=40 {
        bed.ready(&name(1, number, mib(1)).to_string());
    }
    let outcome = look(&bed, &Request { now: later(2), ..asked.clone() }).await;
    assert_eq!(findings(&outcome), ["critical old-wal", "warning waiting"]);
    let waiting = outcome.server.unwrap().waiting.unwrap();
    assert_eq!((waiting.count, waiting.first.as_deref()), (34, Some("000000010000000000000007")));
    bed.ready("00000002.history");
    bed.control(OTHER_SYSTEM);
    let outcome = look(&bed, &asked).await;
    assert!(findings(&outcome).contains(&"critical other-cluster".to_owned()), "{:?}", outcome.findings);
    assert_eq!(outcome.server.unwrap().waiting.unwrap().first.as_deref(), Some("00000002.history"));
    let gone = Request { pgdata: Some(bed.data().join("gone")), ..request() };
    assert_eq!(findings(&look(&bed, &gone).await), ["warning server-silent"]);
}

#[tokio::test]
async fn the_servers_of_a_store_are_found() {
    let bed = Bed::new();
    for thing in [
        Done(2, 1, 2, 3),
        Raw("other/wals/0000000100000000/000000010000000000000002", "x"),
        Raw("third/base/20260102T030405/data.tar", "x"),
        Raw("neither/what", "x"),
        Raw("file", "x"),
    ] {
        lay(&bed, thing).await;
    }
    let servers = status::servers(&request(), &bed).await.unwrap();
    let names: Vec<String> = servers.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["main", "other", "third"]);
}
