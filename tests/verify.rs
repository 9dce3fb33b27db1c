//! `verify` over a store in memory: what each kind of damage is told as, and what is remembered.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use barkeep::command::verify::{self, Outcome, Progress, Request, Scope};
use barkeep::error::{ErrorKind, Result};
use barkeep::model::{
    Backup, BackupStatus, Class, Compression, Finding, Lsn, SegmentSize, SystemId, Tablespace, Timeline,
};
use barkeep::pgdata::manifest::{ManifestChecksum, ManifestEntry, ManifestWriter, WalRange};
use barkeep::store::{IfExists, Key, ObjectStore as _, Put};
use bed::backup::{publish, record, segment};
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};
use tokio::sync::watch;

const BASE: &str = "main/base/20260102T030405";
const LEDGER: &str = "main/barkeep-verify/ledger.zst";

type Files = Vec<(&'static str, Vec<u8>)>;

/// What every data directory has.
fn files(bed: &Bed) -> Files {
    let control = std::fs::read(bed.data().join("global/pg_control")).unwrap();
    vec![
        ("PG_VERSION", b"18\n".to_vec()),
        ("base/1/1259", vec![0; 16384]),
        ("backup_label", b"START WAL LOCATION: 0/200028\n".to_vec()),
        ("global/pg_control", control),
    ]
}

fn tar(files: &Files) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    tar.into_inner().unwrap()
}

fn manifest(files: &Files) -> Vec<u8> {
    let mut writer = ManifestWriter::begin(Vec::new(), 180_000, SystemId(SYSTEM)).unwrap();
    for (name, content) in files {
        let mut summer = ManifestChecksum::Crc32c.summer();
        summer.update(content);
        let (path, size) = (name.into(), content.len() as u64);
        writer.entry(&ManifestEntry { path, size, modified: None, sum: summer.finish() }).unwrap();
    }
    let (start, end) = (Lsn(2 * MIB + 0x28), Lsn(3 * MIB + 0x100));
    writer.finish(&[WalRange { timeline: Timeline::FIRST, start, end }]).unwrap()
}

fn wal_key(n: u64) -> String {
    format!("main/wals/0000000100000000/{}.zst", segment(n))
}

fn bytes(name: &str, system: u64) -> Vec<u8> {
    segment_bytes(name, system, SegmentSize::new(MIB).unwrap(), 7)
}

async fn wal(bed: &Bed, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        bed.foreign(&wal_key(n), packed(Compression::Zstd, &bytes(&segment(n), SYSTEM))).await;
    }
}

/// A bed with a whole backup, and the WAL of its time and after.
async fn stocked() -> Bed {
    let bed = Bed::new();
    let files = files(&bed);
    bed.foreign(&format!("{BASE}/data.tar.gz"), packed(Compression::Gzip, &tar(&files))).await;
    bed.foreign(&format!("{BASE}/backup_manifest.zst"), packed(Compression::Zstd, &manifest(&files))).await;
    publish(&bed, &record()).await;
    wal(&bed, 2..=6).await;
    bed
}

async fn remove(bed: &Bed, key: &str) {
    bed.store.delete(&[Key::new(key).unwrap()]).await.unwrap();
}

async fn flip(bed: &Bed, key: &str) {
    let mut bytes = bed.object(key).await;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bed.exchange(key, bytes).await;
}

fn request() -> Request {
    Request {
        scope: Scope::All,
        quick: false,
        share: None,
        since: None,
        jobs: NonZeroUsize::new(4).unwrap(),
        max_rate: None,
        memory: 64 << 20,
        save_every: Duration::from_secs(30),
        retry_for: Duration::from_secs(1),
        max_attempts: None,
        now: "2026-02-01T00:00:00Z".parse().unwrap(),
        progress: Arc::new(Progress::default()),
    }
}

async fn run(request: &Request, bed: &Bed) -> Result<Outcome> {
    let (_ask, asked) = watch::channel(false);
    verify::run(request, bed, asked).await
}

async fn verify(bed: &Bed) -> Outcome {
    run(&request(), bed).await.unwrap()
}

fn kinds(outcome: &Outcome) -> Vec<&'static str> {
    outcome.findings.iter().map(Finding::name).collect()
}

/// The only finding, as it is told.
fn only(outcome: &Outcome, kind: &str, class: Class) -> String {
    assert_eq!(kinds(outcome), [kind], "{:?}", outcome.findings);
    assert_eq!(outcome.worst, Some(class));
    outcome.findings[0].to_string()
}

#[tokio::test]
async fn a_whole_archive_is_sound_and_everything_of_it_was_read() {
    let bed = stocked().await;
    let outcome = verify(&bed).await;
    assert_eq!((kinds(&outcome), outcome.worst), (vec![], None), "{:?}", outcome.findings);
    let figures = outcome.figures;
    assert_eq!((figures.wal.there, figures.wal.read, figures.backups.read), (5, 5, 1));
    assert_eq!((figures.tars, figures.files, figures.compared), (1, 4, 4));
    assert_eq!((outcome.coverage.never, outcome.remembered), (0, true));
    assert_eq!(outcome.timelines[0].segments, 5);
}

#[tokio::test]
async fn nothing_but_the_ledger_is_written() {
    let bed = stocked().await;
    let before = bed.keys().await;
    bed.store.reset();
    verify(&bed).await;
    let counts = bed.store.counts();
    assert_eq!((counts.get("put"), counts.get("delete"), counts.get("upload")), (Some(&1), None, None));
    let after: Vec<String> = bed.keys().await.into_iter().filter(|key| key != LEDGER).collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn an_empty_archive_is_told_and_nothing_is_put_into_it() {
    let bed = Bed::new();
    let told = only(&verify(&bed).await, "empty", Class::Missing);
    assert_eq!(told, "there is neither WAL nor a base backup");
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn an_archive_of_wal_alone_is_read_and_its_gaps_are_told() {
    let bed = Bed::new();
    wal(&bed, [5, 6]).await;
    only(&verify(&bed).await, "no-backup", Class::Note);
    wal(&bed, [9]).await;
    let outcome = verify(&bed).await;
    assert_eq!((kinds(&outcome), outcome.figures.wal.read), (vec!["wal-gap", "no-backup"], 3));
    let told = outcome.findings[0].to_string();
    assert_eq!(told, "000000010000000000000007 to 000000010000000000000008: 2 segments are missing");
}

#[tokio::test]
async fn a_gap_is_told_by_the_lists_alone() {
    let bed = stocked().await;
    remove(&bed, &wal_key(5)).await;
    bed.store.reset();
    let outcome = run(&Request { quick: true, ..request() }, &bed).await.unwrap();
    let told = only(&outcome, "wal-gap", Class::Missing);
    assert_eq!(told, "000000010000000000000005: 1 segment is missing");
    // The record.
    assert_eq!(bed.store.counts().get("get"), Some(&1));
}

#[tokio::test]
async fn a_partial_at_the_end_is_no_gap() {
    let bed = stocked().await;
    let name = segment(7);
    let key = format!("main/wals/0000000100000000/{name}.partial.zst");
    bed.foreign(&key, packed(Compression::Zstd, &bytes(&name, SYSTEM))).await;
    let outcome = verify(&bed).await;
    assert_eq!((outcome.worst, outcome.figures.wal.read), (None, 6), "{:?}", outcome.findings);
}

#[tokio::test]
async fn a_missing_history_is_told_and_one_that_is_there_leads_on() {
    let bed = stocked().await;
    let name = "000000020000000000000006";
    let key = format!("main/wals/0000000200000000/{name}.zst");
    bed.foreign(&key, packed(Compression::Zstd, &bytes(name, SYSTEM))).await;
    assert_eq!(only(&verify(&bed).await, "history-gap", Class::Missing), "00000002.history is missing");
    bed.foreign("main/wals/00000002.history", b"1\t0/600080\tno reason\n".to_vec()).await;
    let outcome = verify(&bed).await;
    assert_eq!(outcome.worst, None, "{:?}", outcome.findings);
    bed.foreign("main/wals/00000002.history", b"1\t0/500080\tno reason\n".to_vec()).await;
    let told = only(&verify(&bed).await, "wal-gap", Class::Missing);
    assert_eq!(told, "000000020000000000000005: 1 segment is missing");
    bed.foreign("main/wals/00000002.history", b"nonsense\n".to_vec()).await;
    let told = only(&verify(&bed).await, "bad-wal", Class::Damaged);
    assert!(told.contains("00000002.history"), "{told}");
}

#[tokio::test]
async fn a_byte_turned_over_in_a_segment_is_found_in_every_codec() {
    for how in Compression::ALL {
        let bed = stocked().await;
        remove(&bed, &wal_key(4)).await;
        let key = format!("main/wals/0000000100000000/{}{}", segment(4), how.suffix());
        let plain = bytes(&segment(4), SYSTEM);
        let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&plain));
        let metadata = [("barkeep-sha256".to_owned(), sum)].into();
        let put = Put { if_exists: IfExists::Replace, metadata, ..Put::default() };
        bed.store.put(&Key::new(key.as_str()).unwrap(), packed(how, &plain).into(), &put).await.unwrap();
        assert_eq!(verify(&bed).await.worst, None, "{how}");
        flip(&bed, &key).await;
        let told = only(&verify(&bed).await, "bad-wal", Class::Damaged);
        assert!(told.starts_with(&format!("{key} is damaged: ")), "{how}: {told}");
    }
}

#[tokio::test]
async fn a_truncated_segment_and_one_under_another_name_are_found() {
    let bed = stocked().await;
    let mut short = bed.object(&wal_key(4)).await;
    short.truncate(short.len() / 2);
    bed.foreign(&wal_key(4), short).await;
    bed.foreign(&wal_key(5), packed(Compression::Zstd, &bytes(&segment(6), SYSTEM))).await;
    let outcome = verify(&bed).await;
    assert_eq!(kinds(&outcome), ["bad-wal", "bad-wal"]);
    assert!(outcome.findings[1].to_string().contains("its first page is at 0/600000"), "{outcome:?}");
}

#[tokio::test]
async fn a_segment_of_another_cluster_is_told_with_both() {
    let bed = stocked().await;
    bed.foreign(&wal_key(5), packed(Compression::Zstd, &bytes(&segment(5), OTHER_SYSTEM))).await;
    let told = only(&verify(&bed).await, "foreign-wal", Class::Conflict);
    assert!(told.contains(&OTHER_SYSTEM.to_string()) && told.contains(&SYSTEM.to_string()), "{told}");
}

#[tokio::test]
async fn two_forms_of_a_segment_are_compared() {
    let bed = stocked().await;
    let key = format!("main/wals/0000000100000000/{}.gz", segment(5));
    bed.foreign(&key, packed(Compression::Gzip, &bytes(&segment(5), SYSTEM))).await;
    only(&verify(&bed).await, "twins", Class::Note);
    // Also when both were verified before.
    let since = Request { since: "2026-01-01T00:00:00Z".parse().ok(), ..request() };
    only(&run(&since, &bed).await.unwrap(), "twins", Class::Note);
    let mut other = bytes(&segment(5), SYSTEM);
    other[5000] ^= 1;
    bed.foreign(&key, packed(Compression::Gzip, &other)).await;
    let told = only(&verify(&bed).await, "twins", Class::Conflict);
    assert!(told.contains(".gz, ") && told.contains(".zst"), "{told}");
    let quick = run(&Request { quick: true, ..request() }, &bed).await.unwrap();
    only(&quick, "twins", Class::Conflict);
}

#[tokio::test]
async fn a_byte_turned_over_in_a_tar_or_a_manifest_is_found() {
    for object in ["data.tar.gz", "backup_manifest.zst"] {
        let bed = stocked().await;
        let key = format!("{BASE}/{object}");
        flip(&bed, &key).await;
        let told = only(&verify(&bed).await, "bad-object", Class::Damaged);
        assert!(told.starts_with(&format!("{key} is damaged: ")), "{told}");
    }
}

#[tokio::test]
async fn a_tar_that_is_whole_and_holds_something_else_does_not_fit_its_manifest() {
    let bed = stocked().await;
    let mut other = files(&bed);
    other[1].1[77] = 1;
    bed.foreign(&format!("{BASE}/data.tar.gz"), packed(Compression::Gzip, &tar(&other))).await;
    let told = only(&verify(&bed).await, "bad-backup", Class::Damaged);
    assert!(told.contains("`base/1/1259` has another checksum"), "{told}");
}

#[tokio::test]
async fn a_tar_that_is_not_there_makes_a_backup_incomplete() {
    let bed = stocked().await;
    remove(&bed, &format!("{BASE}/data.tar.gz")).await;
    let told = only(&verify(&bed).await, "incomplete-backup", Class::Missing);
    assert!(told.contains("its data.tar is not there"), "{told}");
    let bed = stocked().await;
    let mut backup = record();
    let (name, location) = ("fast".to_owned(), "/ssd".to_owned());
    backup.tablespaces.push(Tablespace { name, oid: 16_385, location });
    publish(&bed, &backup).await;
    let told = only(&verify(&bed).await, "incomplete-backup", Class::Missing);
    assert!(told.contains("its 16385.tar is not there"), "{told}");
}

#[tokio::test]
async fn a_backup_without_a_control_file_or_of_another_cluster_is_told() {
    let bed = stocked().await;
    let mut less = files(&bed);
    less.pop();
    bed.foreign(&format!("{BASE}/data.tar.gz"), packed(Compression::Gzip, &tar(&less))).await;
    remove(&bed, &format!("{BASE}/backup_manifest.zst")).await;
    let told = only(&verify(&bed).await, "bad-backup", Class::Damaged);
    assert!(told.contains("there is no global/pg_control in its tars"), "{told}");
    bed.control(OTHER_SYSTEM);
    let foreign = tar(&files(&bed));
    bed.foreign(&format!("{BASE}/data.tar.gz"), packed(Compression::Gzip, &foreign)).await;
    let told = only(&verify(&bed).await, "bad-backup", Class::Damaged);
    assert!(told.contains(&format!("its control file is of system {OTHER_SYSTEM}")), "{told}");
}

#[tokio::test]
async fn a_failed_backup_is_ignored_whatever_it_lacks() {
    let bed = stocked().await;
    let mut failed = Backup::new("20260101T000000".parse().unwrap(), BackupStatus::Failed);
    failed.begin.wal = Some(segment(0).parse().unwrap());
    failed.end.wal = Some(segment(1).parse().unwrap());
    publish(&bed, &failed).await;
    bed.foreign("main/base/20260101T000000/data.tar", b"rubbish".to_vec()).await;
    let outcome = verify(&bed).await;
    assert_eq!((outcome.worst, outcome.figures.backups.there), (None, 1), "{:?}", outcome.findings);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told() {
    let bed = stocked().await;
    bed.foreign("main/base/20260103T000000/backup.info", b"begin_wal=nonsense\nstatus=DONE\n".to_vec()).await;
    let told = only(&verify(&bed).await, "bad-record", Class::Damaged);
    assert!(told.contains("20260103T000000"), "{told}");
}

#[tokio::test]
async fn only_the_parts_that_are_asked_for_are_read() {
    let bed = stocked().await;
    flip(&bed, &wal_key(5)).await;
    flip(&bed, &format!("{BASE}/data.tar.gz")).await;
    remove(&bed, &wal_key(3)).await;
    let of = async |scope| kinds(&run(&Request { scope, ..request() }, &bed).await.unwrap());
    assert_eq!(of(Scope::Wal).await, ["bad-wal", "wal-gap"]);
    assert_eq!(of(Scope::Backups).await, ["bad-object", "wal-gap"]);
    assert_eq!(of(Scope::All).await.len(), 3);
}

#[tokio::test]
async fn what_was_verified_since_is_not_read_again_and_what_was_damaged_or_changed_is() {
    let bed = stocked().await;
    flip(&bed, &wal_key(4)).await;
    assert_eq!(kinds(&verify(&bed).await), ["bad-wal"]);
    let since = Request { since: "2026-01-31T00:00:00Z".parse().ok(), ..request() };
    let again = run(&since, &bed).await.unwrap();
    assert_eq!((kinds(&again), again.figures.wal.read, again.figures.backups.read), (vec!["bad-wal"], 1, 0));
    // An object that changes is another object, whatever its length.
    flip(&bed, &wal_key(4)).await;
    flip(&bed, &wal_key(5)).await;
    let changed = run(&since, &bed).await.unwrap();
    assert_eq!((kinds(&changed), changed.figures.wal.read), (vec!["bad-wal"], 2));
    let later = Request { since: "2026-02-02T00:00:00Z".parse().ok(), ..request() };
    assert_eq!(run(&later, &bed).await.unwrap().figures.wal.read, 5);
}

#[tokio::test]
async fn samples_take_turns_until_everything_was_read() {
    let bed = stocked().await;
    let sample = |day: i64| Request {
        share: "40%".parse().ok(),
        now: request().now + jiff::SignedDuration::from_hours(24 * day),
        ..request()
    };
    let never: Vec<u64> = {
        let mut never = Vec::new();
        for day in 0..3 {
            let outcome = run(&sample(day), &bed).await.unwrap();
            assert_eq!((outcome.figures.wal.read, outcome.figures.backups.read), (2, 1));
            never.push(outcome.coverage.never);
        }
        never
    };
    assert_eq!(never, [3, 1, 0]);
}

#[tokio::test]
async fn a_damaged_ledger_is_begun_anew() {
    let bed = stocked().await;
    verify(&bed).await;
    let since = Request { since: "2026-01-31T00:00:00Z".parse().ok(), ..request() };
    for bad in [b"rubbish".to_vec(), packed(Compression::Zstd, b"barkeep-verify 9\n"), Vec::new()] {
        bed.foreign(LEDGER, bad).await;
        let outcome = run(&since, &bed).await.unwrap();
        assert_eq!((outcome.figures.wal.read, outcome.remembered), (5, true));
        assert_eq!(run(&since, &bed).await.unwrap().figures.wal.read, 0);
    }
}

#[tokio::test]
async fn without_the_right_to_write_everything_is_verified_all_the_same() {
    let bed = stocked().await;
    bed.store.fail("put", LEDGER, ErrorKind::Denied, usize::MAX);
    let outcome = verify(&bed).await;
    assert_eq!((outcome.worst, outcome.remembered, outcome.figures.wal.read), (None, false, 5));
    bed.store.fail("get", LEDGER, ErrorKind::Denied, usize::MAX);
    assert!(!verify(&bed).await.remembered);
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_no_damage_and_is_read_by_the_next_run() {
    let bed = stocked().await;
    bed.store.fail("get", &wal_key(4), ErrorKind::Denied, 1);
    only(&verify(&bed).await, "unread", Class::Denied);
    let next = verify(&bed).await;
    assert_eq!((next.worst, next.figures.wal.read), (None, 1));
    assert!(next.resumed.is_some());
}

#[tokio::test]
async fn a_store_that_answers_nothing_any_more_is_not_asked_for_everything() {
    let bed = stocked().await;
    wal(&bed, 7..=60).await;
    bed.store.fail("get", "main/wals/", ErrorKind::Unavailable, usize::MAX);
    bed.store.reset();
    let outcome = verify(&bed).await;
    assert_eq!((outcome.worst, outcome.figures.backups.read), (Some(Class::Unavailable), 0));
    assert!(bed.store.counts()["get"] < 30, "{:?}", bed.store.counts());
}

#[tokio::test]
async fn what_somebody_deletes_meanwhile_is_no_finding() {
    let bed = stocked().await;
    bed.store.slow("get", &wal_key(2), Duration::from_secs(1));
    bed.store.slow("get", "data.tar", Duration::from_secs(1));
    let deleting = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        remove(&bed, &wal_key(2)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut dying = record();
        dying.status = BackupStatus::Failed;
        publish(&bed, &dying).await;
        remove(&bed, &format!("{BASE}/data.tar.gz")).await;
    };
    let (outcome, ()) = tokio::join!(verify(&bed), deleting);
    assert_eq!((outcome.worst, outcome.figures.gone), (None, 2), "{:?}", outcome.findings);
}

#[tokio::test]
async fn a_run_that_is_stopped_remembers_and_the_next_goes_on_from_there() {
    let bed = stocked().await;
    bed.store.slow("get", &wal_key(6), Duration::from_mins(1));
    let (ask, asked) = watch::channel(false);
    let stopping = async {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        ask.send_replace(true);
    };
    let one_by_one = Request { jobs: NonZeroUsize::MIN, ..request() };
    let (stopped, ()) = tokio::join!(verify::run(&one_by_one, &bed, asked), stopping);
    let e = stopped.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Interrupted);
    assert!(e.to_string().contains("after 4 of 5 WAL files and 0 of 1 backups"), "{e}");

    let other = bed.beside();
    let next = Request { now: "2026-02-01T01:00:00Z".parse().unwrap(), ..request() };
    // The slow object is still slow.
    let next = Request { scope: Scope::Backups, ..next };
    let outcome = run(&next, &other).await.unwrap();
    assert_eq!((outcome.resumed, outcome.figures.backups.read), (Some(request().now), 1));
}

#[tokio::test]
async fn a_run_that_is_killed_has_stored_what_it_had_verified_until_then() {
    let bed = stocked().await;
    bed.store.slow("get", &wal_key(6), Duration::from_mins(1));
    let often = Request { save_every: Duration::from_millis(20), jobs: NonZeroUsize::MIN, ..request() };
    // Dropped in its midst, as a kill would.
    assert!(tokio::time::timeout(Duration::from_secs(3), run(&often, &bed)).await.is_err());
    remove(&bed, &wal_key(6)).await;
    wal(&bed, [7]).await;
    let outcome = verify(&bed).await;
    assert_eq!((kinds(&outcome), outcome.figures.wal.read), (vec!["wal-gap"], 1));
    assert_eq!(outcome.resumed, Some(request().now));
    // That one came to its end: the next begins anew.
    assert_eq!(verify(&bed).await.figures.wal.read, 5);
}

#[tokio::test]
async fn the_rate_is_kept() {
    let bed = stocked().await;
    let begun = std::time::Instant::now();
    let slowly = Request { max_rate: Some(4 << 20), ..request() };
    run(&slowly, &bed).await.unwrap();
    let mut bytes = 0;
    for n in 2..=6 {
        bytes += bed.object(&wal_key(n)).await.len() as u64;
    }
    // What comes last is not waited for.
    let least = Duration::from_millis(bytes * 700 / (4 << 20));
    assert!(begun.elapsed() > least, "{:?} for {bytes} bytes", begun.elapsed());
}
