//! `wal-flush` over a store in memory: what is stored in which order, what is told to PostgreSQL, what becomes
//! of the segment that is being written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use barkeep::command::wal_archive::{self, Archived};
use barkeep::command::wal_flush::{self, Current, End, Outcome, Progress, Request};
use barkeep::error::{Error, ErrorKind, Result};
use barkeep::model::Compression;
use barkeep::postgres::{Connect, Server};
use bed::{Bed, MIB, OTHER_SYSTEM, packed};

fn name(n: u32) -> String {
    format!("0000000100000000{n:08X}")
}

fn key(n: u32) -> String {
    format!("main/wals/0000000100000000/{}.zst", name(n))
}

/// No server runs, so nobody may connect.
struct Nobody;

#[async_trait]
impl Connect for Nobody {
    async fn connect(&self) -> Result<Box<dyn Server>> {
        Err(Error::bug("nobody runs here"))
    }
}

fn request(bed: &Bed) -> Request {
    let how = bed.archive_request(&bed.data());
    Request { pgdata: bed.data(), how, partial: false, mark_done: false, dry_run: false }
}

async fn flush(bed: &Bed, request: &Request) -> Result<Outcome> {
    wal_flush::run(request, &Nobody, bed, Arc::new(Progress::default())).await
}

/// Says in `pg_control` that the server was stopped in good order with its last record in this segment.
fn shut_down(bed: &Bed, n: u64, state: u32) {
    let path = bed.data().join("global/pg_control");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[16..20].copy_from_slice(&state.to_le_bytes());
    bytes[32..40].copy_from_slice(&(n * MIB + 0x28).to_le_bytes());
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[..288]);
    bytes[288..292].copy_from_slice(&u32::try_from(sum).unwrap().to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

/// A segment that is being written: WAL pages for so many bytes, then what the file held before.
fn being_written(bed: &Bed, n: u32, wal: usize) {
    let path = bed.segment(&name(n));
    std::fs::remove_file(bed.data().join(format!("pg_wal/archive_status/{}.ready", name(n)))).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let written = wal.div_ceil(8192) * 8192;
    for (i, page) in bytes[..written].chunks_exact_mut(8192).enumerate() {
        let address = u64::from(n) * MIB + 8192 * i as u64;
        page[8..16].copy_from_slice(&address.to_le_bytes());
    }
    bytes[wal..written].fill(0);
    std::fs::write(path, bytes).unwrap();
}

fn words(outcome: &Outcome) -> Vec<String> {
    let word = |end: &End| match end {
        End::Archived(Archived::Stored { .. }) => "stored".to_owned(),
        End::Archived(Archived::Same) => "same".to_owned(),
        End::Archived(Archived::Ahead) => "ahead".to_owned(),
        End::Gone => "gone".to_owned(),
        End::Failed(e) => e.kind().name().to_owned(),
        End::Remains => "remains".to_owned(),
    };
    outcome.files.iter().map(|file| word(&file.end)).collect()
}

fn waiting(bed: &Bed) -> usize {
    let status = std::fs::read_dir(bed.data().join("pg_wal/archive_status")).unwrap();
    status.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "ready")).count()
}

#[tokio::test]
async fn everything_that_waits_is_stored_histories_first_and_postgresql_keeps_its_queue() {
    let bed = Bed::new();
    for n in 1..=20 {
        bed.segment(&name(n));
    }
    std::fs::write(bed.wal("00000002.history"), "1\t0/3000000\tno reason\n").unwrap();
    bed.ready("00000002.history");
    let outcome = flush(&bed, &request(&bed)).await.unwrap();
    assert!(outcome.is_whole(), "{outcome:?}");
    assert_eq!(outcome.files[0].name.to_string(), "00000002.history");
    assert_eq!(words(&outcome), vec!["stored"; 21]);
    assert_eq!(bed.keys().await.len(), 21);
    assert_eq!(waiting(&bed), 21);
    // The archiver's own calls are answered from the spool.
    bed.store.reset();
    for n in 1..=20 {
        assert_eq!(bed.archive(&bed.wal(&name(n))).await.unwrap().archived, Archived::Ahead);
    }
    assert_eq!(bed.store.requests(), 0);
}

#[tokio::test]
async fn a_second_flush_sends_nothing_and_finds_everything() {
    let bed = Bed::new();
    for n in 1..=5 {
        bed.segment(&name(n));
    }
    flush(&bed, &request(&bed)).await.unwrap();
    bed.store.reset();
    assert_eq!(words(&flush(&bed, &request(&bed)).await.unwrap()), vec!["ahead"; 5]);
    assert_eq!(bed.store.requests(), 0);
    std::fs::remove_dir_all(bed.spool()).unwrap();
    assert_eq!(words(&flush(&bed, &request(&bed)).await.unwrap()), vec!["same"; 5]);
}

#[tokio::test]
async fn what_is_stored_is_told_to_a_postgresql_that_does_not_run_and_what_is_not_stays_waiting() {
    let bed = Bed::new();
    for n in 1..=6 {
        bed.segment(&name(n));
    }
    bed.store.fail("put", &name(4), ErrorKind::Corrupt, 1);
    let request = Request { mark_done: true, ..request(&bed) };
    let outcome = flush(&bed, &request).await.unwrap();
    assert_eq!(words(&outcome), ["stored", "stored", "stored", "corrupt", "stored", "stored"]);
    assert_eq!((outcome.marked_done, waiting(&bed)), (5, 1));
    assert_eq!(outcome.failure().unwrap().kind(), ErrorKind::Corrupt);
    let again = flush(&bed, &request).await.unwrap();
    assert_eq!((words(&again), waiting(&bed)), (vec!["stored".to_owned()], 0));
}

#[tokio::test]
async fn marks_are_refused_while_a_server_runs() {
    let bed = Bed::new();
    bed.segment(&name(1));
    let mut server = std::process::Command::new("sleep").arg("60").current_dir(bed.data()).spawn().unwrap();
    let pid_file = format!("{}\n{}\n1\n5432\n", server.id(), bed.data().display());
    std::fs::write(bed.data().join("postmaster.pid"), pid_file).unwrap();
    let refused = flush(&bed, &Request { mark_done: true, ..request(&bed) }).await;
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Usage);
    assert!(bed.keys().await.is_empty());
    // What a crashed server has left behind is no server.
    assert!(flush(&bed, &Request { mark_done: true, ..request(&bed) }).await.unwrap().is_whole());
}

#[tokio::test]
async fn a_store_that_does_not_answer_ends_the_flush_with_the_names_of_what_remains() {
    let bed = Bed::new();
    bed.settle(&name(1)).await;
    for n in 2..=40 {
        bed.segment(&name(n));
    }
    bed.store.fail("put", &name(5), ErrorKind::Unavailable, usize::MAX);
    let outcome = flush(&bed, &request(&bed)).await.unwrap();
    assert_eq!(outcome.failure().unwrap().kind(), ErrorKind::Unavailable);
    let remaining: Vec<String> = outcome.remaining().map(|file| file.name.to_string()).collect();
    assert!(remaining.contains(&name(5)) && remaining.contains(&name(40)), "{remaining:?}");
    assert!(remaining.len() < 39, "{remaining:?}");
}

#[tokio::test]
async fn the_time_is_kept_and_what_is_late_remains() {
    let bed = Bed::new();
    bed.settle(&name(1)).await;
    for n in 2..=30 {
        bed.segment(&name(n));
    }
    *bed.store.put_takes.lock().unwrap() = Duration::from_millis(400);
    let mut request = request(&bed);
    request.how.deadline = Duration::from_millis(1500);
    let begun = std::time::Instant::now();
    let outcome = flush(&bed, &request).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let late = outcome.failure().unwrap();
    assert_eq!(late.kind(), ErrorKind::Unavailable);
    let remain = outcome.remaining().count();
    assert!(remain > 0 && remain < 30, "{remain} remain");
}

#[tokio::test]
async fn files_of_another_cluster_are_refused_and_the_others_are_stored() {
    let bed = Bed::new();
    bed.settle(&name(1)).await;
    bed.segment_with(&name(2), OTHER_SYSTEM, 3);
    bed.segment(&name(3));
    assert_eq!(words(&flush(&bed, &request(&bed)).await.unwrap()), ["same", "conflict", "stored"]);
}

#[tokio::test]
async fn several_go_at_once() {
    let bed = Bed::new();
    bed.settle(&name(1)).await;
    for n in 2..=20 {
        bed.segment(&name(n));
    }
    *bed.store.put_takes.lock().unwrap() = Duration::from_millis(50);
    flush(&bed, &request(&bed)).await.unwrap();
    let most = bed.store.most_puts_at_once.load(std::sync::atomic::Ordering::SeqCst);
    assert!((2..=8).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_dry_run_tells_what_waits_and_asks_nobody() {
    let bed = Bed::new();
    bed.segment(&name(1));
    being_written(&bed, 2, 5000);
    shut_down(&bed, 2, 1);
    let outcome = flush(&bed, &Request { dry_run: true, partial: true, ..request(&bed) }).await.unwrap();
    assert_eq!((words(&outcome), bed.store.requests()), (vec!["remains".to_owned()], 0));
    assert!(matches!(outcome.partial, Some(Current::Would(_))), "{outcome:?}");
    assert!(outcome.failure().is_none());
}

async fn partial(bed: &Bed) -> Current {
    let outcome = flush(bed, &Request { partial: true, ..request(bed) }).await.unwrap();
    outcome.partial.unwrap()
}

const PARTIAL: &str = "main/wals/0000000100000000/000000010000000000000003.partial.zst";

#[tokio::test]
async fn the_segment_with_the_last_record_is_stored_as_it_is() {
    let bed = Bed::new();
    bed.segment(&name(2));
    being_written(&bed, 3, 20_000);
    shut_down(&bed, 3, 1);
    assert!(matches!(partial(&bed).await, Current::Archived(_, Archived::Stored { .. })));
    assert_eq!(bed.keys().await, [key(2), PARTIAL.to_owned()]);
    assert!(matches!(partial(&bed).await, Current::Archived(_, Archived::Same)));
    // It is found in place of the segment, and the segment is stored beside it later.
    bed.restore(&name(3)).await.unwrap();
    assert!(bed.restored() == std::fs::read(bed.wal(&name(3))).unwrap());
    bed.ready(&name(3));
    bed.archive_new(&bed.wal(&name(3))).await;
    assert!(matches!(partial(&bed).await, Current::Complete(_)));
}

#[tokio::test]
async fn after_a_crash_the_last_segment_that_begins_as_it_must_is_the_one() {
    let bed = Bed::new();
    for n in 1..=3 {
        being_written(&bed, n, 20_000);
    }
    // Recycled, and not written yet.
    std::fs::copy(bed.wal(&name(1)), bed.wal(&name(4))).unwrap();
    shut_down(&bed, 1, 6);
    let Current::Archived(segment, _) = partial(&bed).await else { panic!("it was not stored") };
    assert_eq!(segment.to_string(), name(3));
}

#[tokio::test]
async fn a_server_that_followed_another_has_no_segment_of_its_own() {
    let bed = Bed::new();
    being_written(&bed, 3, 20_000);
    for state in [2, 5] {
        shut_down(&bed, 3, state);
        let Current::Failed(e) = partial(&bed).await else { panic!("it was stored") };
        assert_eq!(e.kind(), ErrorKind::Usage);
    }
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn a_longer_copy_takes_the_place_of_a_shorter_one_and_never_the_other_way() {
    let bed = Bed::new();
    shut_down(&bed, 3, 1);
    let mut stored = Vec::new();
    for (wal, changes) in [(20_000, true), (50_000, true), (30_000, false), (90_000, true)] {
        being_written(&bed, 3, wal);
        let Current::Archived(_, how) = partial(&bed).await else { panic!("it failed") };
        assert_eq!(matches!(how, Archived::Stored { .. }), changes, "{wal}");
        let now = bed.object(PARTIAL).await;
        assert_eq!(now != stored, changes, "{wal}");
        stored = now;
    }
}

#[tokio::test]
async fn a_copy_that_goes_another_way_is_refused_and_nothing_is_changed() {
    let bed = Bed::new();
    shut_down(&bed, 3, 1);
    being_written(&bed, 3, 20_000);
    partial(&bed).await;
    let before = bed.object(PARTIAL).await;
    being_written(&bed, 3, 40_000);
    let mut bytes = std::fs::read(bed.wal(&name(3))).unwrap();
    bytes[15_000] ^= 1;
    std::fs::write(bed.wal(&name(3)), bytes).unwrap();
    let Current::Failed(e) = partial(&bed).await else { panic!("it was stored") };
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(e.to_string().contains("first at LSN 0/303A98"), "{e}");
    assert!(bed.object(PARTIAL).await == before);
}

#[tokio::test]
async fn a_longer_copy_under_another_suffix_leaves_one_object() {
    let bed = Bed::new();
    shut_down(&bed, 3, 1);
    being_written(&bed, 3, 20_000);
    let plain = std::fs::read(bed.wal(&name(3))).unwrap();
    bed.foreign(&PARTIAL.replace(".zst", ".gz"), packed(Compression::Gzip, &plain)).await;
    assert!(matches!(partial(&bed).await, Current::Archived(_, Archived::Same)));
    being_written(&bed, 3, 30_000);
    assert!(matches!(partial(&bed).await, Current::Archived(_, Archived::Stored { .. })));
    assert_eq!(bed.keys().await, [PARTIAL]);
}

/// The archiver of the new primary would have been refused for ever: at promotion PostgreSQL archives the last
/// segment of the old timeline as `.partial`, with whatever its file held before behind the last record.
#[tokio::test]
async fn what_a_promoted_standby_archives_of_the_old_timeline_is_no_conflict_with_what_was_flushed() {
    let primary = Bed::new();
    shut_down(&primary, 3, 6);
    being_written(&primary, 3, 50_000);
    partial(&primary).await;
    let flushed = primary.object(PARTIAL).await;
    let standby = primary.beside();
    being_written(&standby, 3, 50_000);
    let file = standby.wal(&format!("{}.partial", name(3)));
    let mut bytes = std::fs::read(standby.wal(&name(3))).unwrap();
    bytes[30_000..32_768].fill(0xEE);
    std::fs::write(&file, bytes).unwrap();
    assert_eq!(standby.archive(&file).await.unwrap_err().kind(), ErrorKind::Conflict);
    let fork = 3 * MIB + 30_000;
    let history = format!("1\t{:X}/{fork:X}\tno recovery target specified\n", 0);
    std::fs::write(standby.wal("00000002.history"), history).unwrap();
    assert_eq!(standby.archive(&file).await.unwrap().archived, Archived::Same);
    assert!(primary.object(PARTIAL).await == flushed);
    // The door without a spool decides the same.
    let request = wal_archive::Request { spool: None, ..standby.archive_request(&file) };
    assert_eq!(wal_archive::run(&request, &standby).await.unwrap().archived, Archived::Same);
}

/// The binary with a directory as its store, in the data directory.
fn barkeep(bed: &Bed, words: &[&str]) -> std::process::Output {
    let store = bed.dir.path().join("store");
    std::fs::create_dir_all(&store).unwrap();
    std::process::Command::new(env!("CARGO_BIN_EXE_barkeep"))
        .args(words)
        .current_dir(bed.data())
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .env("BARKEEP_STORE", format!("file://{}", store.display()))
        .env("BARKEEP_SERVER", "main")
        .env("BARKEEP_SPOOL", bed.spool())
        .output()
        .unwrap()
}

#[test]
fn the_binary_tells_what_was_stored_and_what_remains() {
    let bed = Bed::new();
    (1..=3).for_each(|n| drop(bed.segment(&name(n))));
    being_written(&bed, 4, 9000);
    shut_down(&bed, 4, 1);
    let said = |output: &std::process::Output| String::from_utf8(output.stdout.clone()).unwrap();
    let planned = barkeep(&bed, &["wal-flush", "--pgdata", ".", "--dry-run"]);
    assert_eq!(planned.status.code(), Some(0));
    assert!(said(&planned).starts_with("3 files waiting\n"), "{planned:?}");
    let done = barkeep(&bed, &["wal-flush", "--pgdata", ".", "--partial", "--mark-done"]);
    let text = "3 files waited: 3 stored, 0 there already, 0 remain\n3 files told to PostgreSQL as archived\n\
                current segment: 000000010000000000000004.partial stored\n";
    assert_eq!((said(&done).as_str(), done.status.code()), (text, Some(0)), "{done:?}");
    assert_eq!(waiting(&bed), 0);
    // Nothing is left in the spool of the copy that was sent, and nothing waits.
    let again = barkeep(&bed, &["wal-flush", "--pgdata", ".", "--json"]);
    assert_eq!(
        said(&again),
        "{\"running\":false,\"dry_run\":false,\"files\":[],\"remaining\":0,\"marked_done\":0,\"partial\":null,\"error\":null,\"exit\":0}\n"
    );
}

#[test]
fn a_directory_that_is_none_is_told_with_the_flag_to_set() {
    let bed = Bed::new();
    let unnamed = barkeep(&bed, &["wal-flush"]);
    assert_eq!(unnamed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unnamed.stderr).contains("--pgdata"), "{unnamed:?}");
    let wrong = barkeep(&bed, &["wal-flush", "--pgdata", "pg_wal"]);
    assert_eq!(wrong.status.code(), Some(8));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("hint: name the data directory"), "{wrong:?}");
}

#[test]
fn the_calls_of_postgresql_are_counted_in_the_spool() {
    use barkeep::command::tally::{Counted, Ending, read};
    let bed = Bed::new();
    bed.segment(&name(1));
    let file = format!("pg_wal/{}", name(1));
    assert_eq!(barkeep(&bed, &["wal-archive", &file]).status.code(), Some(0));
    assert_eq!(barkeep(&bed, &["wal-archive", &file]).status.code(), Some(0));
    bed.segment_with(&name(1), bed::SYSTEM, 9);
    assert_eq!(barkeep(&bed, &["wal-archive", &file]).status.code(), Some(3));
    assert_eq!(barkeep(&bed, &["wal-restore", &name(1), "out"]).status.code(), Some(0));
    assert_eq!(barkeep(&bed, &["wal-restore", &name(9), "out"]).status.code(), Some(1));
    let archive = read(&bed.spool(), Counted::Archive);
    let of = [Ending::Done, Ending::Same, Ending::Conflict].map(|ending| archive.of(ending));
    assert_eq!((of, archive.total(), archive.bytes), ([1, 1, 1], 3, MIB));
    let failure = archive.last_failure.unwrap();
    assert!(failure.name == name(1) && failure.error.unwrap().contains("other content"));
    let restore = read(&bed.spool(), Counted::Restore);
    assert_eq!((restore.of(Ending::Done), restore.of(Ending::NotFound), restore.bytes), (1, 1, MIB));
    assert_eq!((restore.last_failure, restore.durations.iter().sum::<u64>()), (None, 2));
    // A spool that is not ours to write to costs the count and not the call.
    std::fs::set_permissions(bed.spool(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    bed.segment(&name(2));
    assert_eq!(barkeep(&bed, &["wal-archive", &format!("pg_wal/{}", name(2))]).status.code(), Some(0));
    assert_eq!(read(&bed.spool(), Counted::Archive).total(), 3);
}
