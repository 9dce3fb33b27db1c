//! `wal-archive` over a store in memory: what is stored, what is refused, what it costs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::time::Duration;

use barkeep::archive::ExclusivePut;
use barkeep::command::check;
use barkeep::command::wal_archive::{self, Archived};
use barkeep::error::ErrorKind;
use barkeep::model::{Compression, SegmentSize};
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};

const ONE: &str = "000000010000000000000001";
const KEY_ONE: &str = "main/wals/0000000100000000/000000010000000000000001.zst";

fn name(n: u32) -> String {
    format!("0000000100000000{n:08X}")
}

#[tokio::test]
async fn every_kind_of_name_is_stored_under_the_key_every_reader_knows() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    bed.archive_new(&bed.segment(&format!("{}.partial", name(2)))).await;
    for text in ["00000002.history", "000000010000000000000001.00000028.backup"] {
        let path = bed.wal(text);
        std::fs::write(&path, "START WAL LOCATION: 0/1000028 (file 000000010000000000000001)\n").unwrap();
        bed.archive_new(&path).await;
    }
    assert_eq!(
        bed.keys().await,
        [
            "main/wals/0000000100000000/000000010000000000000001.00000028.backup.zst",
            KEY_ONE,
            "main/wals/0000000100000000/000000010000000000000002.partial.zst",
            "main/wals/00000002.history.zst",
        ]
    );
}

#[tokio::test]
async fn every_codec_stores_what_its_decoder_gives_back() {
    for how in Compression::ALL {
        let bed = Bed::new();
        let file = bed.segment(ONE);
        let request = wal_archive::Request { compression: how, ..bed.archive_request(&file) };
        wal_archive::run(&request, &bed).await.unwrap();
        let key = format!("main/wals/0000000100000000/{ONE}{}", how.suffix());
        let stored = bed.object(&key).await;
        let mut decoder =
            barkeep::stream::codec::decoder(how, Box::new(std::io::Cursor::new(stored))).unwrap();
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut decoder, &mut plain).unwrap();
        assert!(plain == std::fs::read(&file).unwrap(), "{how}");
    }
}

#[tokio::test]
async fn an_object_says_what_it_is_made_of() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let metadata = bed.meta(KEY_ONE).await.metadata;
    assert_eq!(metadata["barkeep-length"], MIB.to_string());
    assert_eq!(metadata["barkeep-system-id"], SYSTEM.to_string());
    assert_eq!(metadata["barkeep-sha256"].len(), 64);
    assert_eq!(metadata["barkeep-version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn a_history_file_is_told_by_the_data_directory_whose_it_is() {
    let bed = Bed::new();
    let path = bed.wal("00000002.history");
    std::fs::write(&path, "1\t0/3000000\tno recovery target specified\n").unwrap();
    bed.archive_new(&path).await;
    let metadata = bed.meta("main/wals/00000002.history.zst").await.metadata;
    assert_eq!(metadata["barkeep-system-id"], SYSTEM.to_string());
}

#[tokio::test]
async fn the_same_content_again_is_success_in_one_request_and_one_head() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let file = bed.wal(ONE);
    bed.store.reset();
    let again = bed.archive(&file).await.unwrap();
    assert_eq!(again.archived, Archived::Same);
    assert_eq!(bed.store.counts().into_iter().collect::<Vec<_>>(), [("head", 1), ("put", 1)]);
}

#[tokio::test]
async fn a_new_segment_costs_one_request_once_the_archive_is_known() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    bed.store.reset();
    bed.archive_new(&bed.segment(&name(2))).await;
    assert_eq!(bed.store.counts().into_iter().collect::<Vec<_>>(), [("put", 1)]);
}

#[tokio::test]
async fn other_content_of_the_same_cluster_is_refused_and_the_first_differing_lsn_is_told() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let before = bed.object(KEY_ONE).await;
    let file = bed.wal(ONE);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0x2345] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let e = bed.archive(&file).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    // Segments of 1 MiB: the first one begins at 0/100000.
    assert!(e.to_string().contains("first at LSN 0/102345"), "{e}");
    assert!(e.to_string().contains(&format!("both were written by system {SYSTEM}")), "{e}");
    assert!(e.hint_text().unwrap().contains("two copies of the same cluster"), "{e:?}");
    assert!(bed.object(KEY_ONE).await == before, "the archive was changed");
}

#[tokio::test]
async fn overwriting_happens_only_when_it_is_asked_for() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let file = bed.segment_with(ONE, SYSTEM, 99);
    assert_eq!(bed.archive(&file).await.unwrap_err().kind(), ErrorKind::Conflict);
    let request = wal_archive::Request { overwrite: true, ..bed.archive_request(&file) };
    let outcome = wal_archive::run(&request, &bed).await.unwrap();
    assert!(matches!(outcome.archived, Archived::Stored { .. }));
    assert_eq!(bed.archive(&file).await.unwrap().archived, Archived::Same);
}

#[tokio::test]
async fn the_archive_of_another_cluster_is_refused_before_anything_is_sent() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let other = bed.beside();
    let e = other.archive(&other.segment_with(&name(7), OTHER_SYSTEM, 1)).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(
        e.to_string().contains(&SYSTEM.to_string()) && e.to_string().contains(&OTHER_SYSTEM.to_string()),
        "{e}"
    );
    assert_eq!(bed.keys().await.len(), 1);
}

#[tokio::test]
async fn whose_archive_it_is_can_be_told_from_what_another_tool_stored() {
    let bed = Bed::new();
    let plain = segment_bytes(ONE, OTHER_SYSTEM, SegmentSize::new(MIB).unwrap(), 5);
    let key = format!("main/wals/0000000100000000/{ONE}.gz");
    bed.foreign(&key, packed(Compression::Gzip, &plain)).await;
    let e = bed.archive(&bed.segment(&name(7))).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert!(e.to_string().contains(&format!("{key} was written by system {OTHER_SYSTEM}")), "{e}");
}

#[tokio::test]
async fn a_file_that_is_not_what_its_name_says_is_refused_before_the_store_is_asked() {
    let bed = Bed::new();
    let wrong_place = bed.wal(&name(2));
    std::fs::copy(bed.segment(ONE), &wrong_place).unwrap();
    let e = bed.archive(&wrong_place).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Corrupt);
    assert!(e.to_string().contains("which belongs to 000000010000000000000001"), "{e}");

    let short = bed.segment(&name(3));
    std::fs::write(&short, &std::fs::read(&short).unwrap()[..4096]).unwrap();
    assert!(bed.archive(&short).await.unwrap_err().to_string().contains("4096 bytes"));

    let zeros = bed.wal(&name(4));
    std::fs::write(&zeros, vec![0; 1 << 20]).unwrap();
    assert!(bed.archive(&zeros).await.unwrap_err().to_string().contains("0x0000"));

    let no_wal = bed.wal("postgresql.conf");
    std::fs::write(&no_wal, "x").unwrap();
    assert_eq!(bed.archive(&no_wal).await.unwrap_err().kind(), ErrorKind::Usage);
    assert_eq!(bed.archive(&bed.wal(&name(9))).await.unwrap_err().kind(), ErrorKind::Local);
    assert_eq!(bed.store.requests(), 0);
}

#[tokio::test]
async fn the_same_wal_under_another_suffix_is_found_and_not_stored_twice() {
    let bed = Bed::new();
    let file = bed.segment(ONE);
    let plain = std::fs::read(&file).unwrap();
    let key = format!("main/wals/0000000100000000/{ONE}.gz");
    bed.foreign(&key, packed(Compression::Gzip, &plain)).await;
    assert_eq!(bed.archive(&file).await.unwrap().archived, Archived::Same);
    assert_eq!(bed.keys().await, [key.as_str()]);

    let e = bed.archive(&bed.segment_with(ONE, SYSTEM, 99)).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
    assert_eq!(bed.keys().await, [key.as_str()]);

    let file = bed.segment_with(ONE, SYSTEM, 99);
    let request = wal_archive::Request { overwrite: true, ..bed.archive_request(&file) };
    wal_archive::run(&request, &bed).await.unwrap();
    assert_eq!(bed.keys().await, [KEY_ONE], "two suffixes of one name were left");
}

#[tokio::test]
async fn segments_another_tool_archived_ahead_are_found_when_their_turn_comes() {
    let bed = Bed::new();
    let files: Vec<_> = (1..=4).map(|n| bed.segment(&name(n))).collect();
    for n in [2, 3] {
        let plain = std::fs::read(bed.wal(&name(n))).unwrap();
        bed.foreign(&format!("main/wals/0000000100000000/{}.gz", name(n)), packed(Compression::Gzip, &plain))
            .await;
    }
    for file in &files {
        bed.archive(file).await.unwrap();
    }
    let keys = bed.keys().await;
    assert_eq!(keys.len(), 4, "{keys:?}");
}

#[tokio::test]
async fn a_backlog_is_archived_ahead_and_answered_from_markers_without_the_network() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let files: Vec<_> = (2..=14).map(|n| bed.segment(&name(n))).collect();
    let first = bed.archive(&files[0]).await.unwrap();
    assert_eq!(first.ahead, 4);
    bed.store.reset();
    for file in &files[1..=4] {
        assert_eq!(bed.archive(file).await.unwrap().archived, Archived::Ahead);
    }
    assert_eq!(bed.store.requests(), 0);
    let next = bed.archive(&files[5]).await.unwrap();
    assert_eq!(next.ahead, 7, "the rest of the backlog, fewer than 8");
    assert_eq!(bed.store.counts()["put"], 8, "one request for each");
}

#[tokio::test]
async fn postgresqls_own_status_files_are_never_touched() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let files: Vec<_> = (2..=6).map(|n| bed.segment(&name(n))).collect();
    let status = bed.data().join("pg_wal/archive_status");
    let listed = || {
        let mut names: Vec<_> = std::fs::read_dir(&status).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = listed();
    for file in &files {
        bed.archive(file).await.unwrap();
    }
    assert_eq!(listed(), before);
}

#[tokio::test]
async fn a_history_file_has_its_own_tags_when_they_are_given() {
    let bed = Bed::new();
    let history = bed.wal("00000002.history");
    std::fs::write(&history, "1\t0/3000000\tx\n").unwrap();
    let tags = |value: &str| barkeep::archive::Tags(vec![("kind".to_owned(), value.to_owned())]);
    for (file, expected) in [(history, "history"), (bed.segment(ONE), "wal")] {
        let request = wal_archive::Request {
            tags: tags("wal"),
            history_tags: Some(tags("history")),
            ..bed.archive_request(&file)
        };
        wal_archive::run(&request, &bed).await.unwrap();
        assert_eq!(bed.store.last_tags(), tags(expected));
    }
}

#[tokio::test]
async fn a_marker_never_hides_a_file_that_was_not_sent() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let (two, three) = (bed.segment(&name(2)), bed.segment(&name(3)));
    assert_eq!(bed.archive(&two).await.unwrap().ahead, 1);
    // The file is replaced by another of the same name and length after it was marked.
    std::fs::remove_file(&three).unwrap();
    bed.segment_with(&name(3), SYSTEM, 42);
    let e = bed.archive(&three).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn a_neighbours_failure_never_fails_the_call() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let files: Vec<_> = (2..=6).map(|n| bed.segment(&name(n))).collect();
    bed.store.fail("put", &name(3), ErrorKind::Unavailable, usize::MAX);
    let outcome = bed.archive(&files[0]).await.unwrap();
    assert!(matches!(outcome.archived, Archived::Stored { .. }));
    let e = bed.archive(&files[1]).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_broken_file_in_the_queue_waits_for_its_own_turn() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let two = bed.segment(&name(2));
    std::fs::write(bed.segment(&name(3)), "not WAL").unwrap();
    let outcome = bed.archive(&two).await.unwrap();
    assert!(matches!(outcome.archived, Archived::Stored { .. }));
    assert_eq!(bed.archive(&bed.wal(&name(3))).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn after_the_soft_limit_no_further_neighbour_is_begun() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let files: Vec<_> = (2..=34).map(|n| bed.segment(&name(n))).collect();
    std::fs::write(find_depth(&bed), "16").unwrap();
    *bed.store.put_takes.lock().unwrap() = Duration::from_millis(300);
    let request = wal_archive::Request { soft_limit: Duration::ZERO, ..bed.archive_request(&files[0]) };
    let outcome = wal_archive::run(&request, &bed).await.unwrap();
    assert!(matches!(outcome.archived, Archived::Stored { .. }));
    assert!(outcome.ahead < 16, "{} were sent although the time was up", outcome.ahead);
}

#[tokio::test]
async fn twenty_thousand_waiting_files_cost_no_more_than_the_batch() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let files: Vec<_> = (2..=6).map(|n| bed.segment(&name(n))).collect();
    for n in 7..20_000_u32 {
        bed.ready(&format!("00000001{:08X}{:08X}", n / 4096, n % 4096));
    }
    let begun = std::time::Instant::now();
    let outcome = bed.archive(&files[0]).await.unwrap();
    assert_eq!(outcome.ahead, 4);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn memory_bounds_how_many_files_are_under_way() {
    let bed = Bed::new();
    let first = bed.segment(ONE);
    let plain = wal_archive::Request { compression: Compression::None, ..bed.archive_request(&first) };
    wal_archive::run(&plain, &bed).await.unwrap();
    wal_archive::run(&plain, &bed).await.unwrap();
    let files: Vec<_> = (2..=6).map(|n| bed.segment(&name(n))).collect();
    *bed.store.put_takes.lock().unwrap() = Duration::from_millis(50);
    // The program's own 24 MiB, one file on its way and one in the making.
    let compression = Compression::None;
    let request = wal_archive::Request { memory: 27 << 20, compression, ..bed.archive_request(&files[0]) };
    assert_eq!(wal_archive::run(&request, &bed).await.unwrap().ahead, 4);
    assert!(bed.store.most_puts_at_once.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_segment_too_large_for_memory_goes_in_parts() {
    let bed = Bed::new();
    let size = SegmentSize::new(64 << 20).unwrap();
    let plain = segment_bytes(ONE, SYSTEM, size, 3);
    let file = bed.wal(ONE);
    std::fs::write(&file, &plain).unwrap();
    bed.archive_new(&file).await;
    assert_eq!(bed.store.counts()["upload"], 1);
    assert!(!bed.store.counts().contains_key("put"));
    assert_eq!(bed.archive(&file).await.unwrap().archived, Archived::Same);
    assert_eq!(bed.store.counts()["upload"], 1, "a gigabyte must not be sent in vain");
}

#[tokio::test]
async fn without_a_usable_spool_everything_is_still_archived() {
    let bed = Bed::new();
    std::fs::create_dir(bed.spool()).unwrap();
    std::fs::set_permissions(bed.spool(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for n in 1..=3 {
        bed.archive_new(&bed.segment(&name(n))).await;
    }
    assert_eq!(bed.keys().await.len(), 3);
}

#[tokio::test]
async fn two_archivers_racing_for_one_segment_both_succeed_and_one_object_is_stored() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let other = bed.beside();
    *bed.store.put_takes.lock().unwrap() = Duration::from_millis(50);
    bed.store.reset();
    let (file, copy) = (bed.segment(&name(2)), other.segment(&name(2)));
    let (a, b) = tokio::join!(bed.archive(&file), other.archive(&copy));
    let outcomes = [a.unwrap().archived, b.unwrap().archived];
    assert_eq!(outcomes.iter().filter(|a| matches!(a, Archived::Stored { .. })).count(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&Archived::Same));
}

#[tokio::test]
async fn two_calls_for_one_segment_on_one_machine_store_it_once() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let file = bed.segment(&name(2));
    let (a, b) = tokio::join!(bed.archive(&file), bed.archive(&file));
    let outcomes = [a.unwrap().archived, b.unwrap().archived];
    assert!(outcomes.iter().any(|a| matches!(a, Archived::Stored { .. })), "{outcomes:?}");
    assert_eq!(bed.keys().await.len(), 2);
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_object_was_stored_is_success_the_next_time() {
    let bed = Bed::new();
    let file = bed.segment(ONE);
    bed.archive_new(&file).await;
    // As after a crash between the store's answer and PostgreSQL's rename to `.done`.
    let fresh = bed.beside();
    assert_eq!(fresh.archive(&fresh.segment(ONE)).await.unwrap().archived, Archived::Same);
}

#[tokio::test]
async fn an_archive_that_was_empty_is_looked_at_again_for_another_cluster_that_began_as_well() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(&name(5))).await;
    let plain = segment_bytes(ONE, OTHER_SYSTEM, SegmentSize::new(MIB).unwrap(), 5);
    bed.foreign(&format!("main/wals/0000000100000000/{ONE}.gz"), packed(Compression::Gzip, &plain)).await;
    assert_eq!(bed.archive(&bed.segment(&name(6))).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn an_archive_that_held_wal_and_holds_none_is_not_begun_anew() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    bed.forget_everything().await;
    let file = bed.segment(&name(2));
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2);
    let request = wal_archive::Request { now: later, ..bed.archive_request(&file) };
    let e = wal_archive::run(&request, &bed).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Usage);
    assert!(e.hint_text().unwrap().contains("mounted"), "{e:?}");
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn a_call_whose_own_file_is_stored_succeeds_before_its_deadline() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let files: Vec<_> = (2..=6).map(|n| bed.segment(&name(n))).collect();
    bed.store.slow("put", &name(3), Duration::from_secs(30));
    let request = wal_archive::Request { deadline: Duration::from_secs(3), ..bed.archive_request(&files[0]) };
    let outcome = wal_archive::run(&request, &bed).await.unwrap();
    assert!(matches!(outcome.archived, Archived::Stored { .. }));
    assert_eq!(outcome.ahead, 3);
}

#[tokio::test]
async fn what_is_known_of_an_archive_is_not_believed_for_ever() {
    let bed = Bed::new();
    bed.settle(ONE).await;
    let file = bed.segment(&name(2));
    bed.store.reset();
    let request = wal_archive::Request {
        now: jiff::Timestamp::now() + jiff::SignedDuration::from_hours(2),
        ..bed.archive_request(&file)
    };
    wal_archive::run(&request, &bed).await.unwrap();
    assert!(bed.store.counts()["list"] >= 1, "{:?}", bed.store.counts());
}

#[tokio::test]
async fn an_exclusive_put_is_trusted_only_when_it_was_proved_or_the_configuration_says_so() {
    let mut bed = Bed::new();
    let opened = |bed: &Bed| bed.opened.lock().unwrap().take();
    bed.archive_new(&bed.segment(ONE)).await;
    assert_eq!(opened(&bed), Some(ExclusivePut::ByService));

    let outcome = check::run(&bed.check_request(), &bed).await.unwrap();
    assert_eq!(outcome.exclusive, Some(check::Exclusive::Proved));
    bed.archive_new(&bed.segment(&name(2))).await;
    assert_eq!(opened(&bed), Some(ExclusivePut::Trusted));

    bed.exclusive = Some(ExclusivePut::AskFirst);
    bed.archive_new(&bed.segment(&name(3))).await;
    assert_eq!(opened(&bed), Some(ExclusivePut::AskFirst));
}

/// Where the spool keeps how far the last call looked ahead.
fn find_depth(bed: &Bed) -> std::path::PathBuf {
    let mut folders = std::fs::read_dir(bed.spool().join("archive")).unwrap();
    folders.next().unwrap().unwrap().path().join("depth")
}

/// A call that may keep nothing, uncompressed, with little memory.
fn forgetful(bed: &Bed, file: &std::path::Path) -> wal_archive::Request {
    let compression = Compression::None;
    wal_archive::Request { compression, spool: None, memory: 40 << 20, ..bed.archive_request(file) }
}

#[tokio::test]
async fn without_a_spool_a_segment_costs_a_listing_and_a_put_and_leaves_nothing_behind() {
    let bed = Bed::new();
    for n in 1..4 {
        bed.ready(&name(n + 1));
        let request = forgetful(&bed, &bed.segment(&name(n)));
        bed.store.reset();
        let outcome = wal_archive::run(&request, &bed).await.unwrap();
        assert_eq!((outcome.archived, outcome.ahead), (stored(&bed, &name(n)).await, 0));
        assert_eq!(bed.store.requests(), 2);
    }
    assert!(!bed.spool().exists());
}

async fn stored(bed: &Bed, name: &str) -> Archived {
    let bytes = bed.object(&format!("main/wals/0000000100000000/{name}")).await.len() as u64;
    Archived::Stored { plain_bytes: bytes, stored_bytes: bytes }
}

#[tokio::test]
async fn without_a_spool_the_same_again_is_success_in_two_requests_and_other_content_is_refused() {
    let bed = Bed::new();
    let file = bed.segment(ONE);
    wal_archive::run(&forgetful(&bed, &file), &bed).await.unwrap();
    bed.store.reset();
    let again = wal_archive::run(&forgetful(&bed, &file), &bed).await.unwrap();
    assert_eq!((again.archived, bed.store.requests()), (Archived::Same, 2));

    let before = bed.object(&format!("main/wals/0000000100000000/{ONE}")).await;
    std::fs::write(&file, segment_bytes(ONE, OTHER_SYSTEM, SegmentSize::new(MIB).unwrap(), 9)).unwrap();
    let refused = wal_archive::run(&forgetful(&bed, &file), &bed).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    let told = refused.to_string();
    assert!(told.contains(&SYSTEM.to_string()) && told.contains(&OTHER_SYSTEM.to_string()), "{told}");
    assert_eq!(bed.object(&format!("main/wals/0000000100000000/{ONE}")).await, before);
}

#[tokio::test]
async fn without_a_spool_the_same_wal_under_another_suffix_is_found_and_other_content_there_refused() {
    let bed = Bed::new();
    let file = bed.segment(ONE);
    bed.archive_new(&file).await;
    let again = wal_archive::run(&forgetful(&bed, &file), &bed).await.unwrap();
    assert_eq!(again.archived, Archived::Same);
    assert_eq!(bed.keys().await, [KEY_ONE]);
    std::fs::write(&file, segment_bytes(ONE, SYSTEM, SegmentSize::new(MIB).unwrap(), 9)).unwrap();
    let refused = wal_archive::run(&forgetful(&bed, &file), &bed).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(bed.keys().await, [KEY_ONE]);
}

#[tokio::test]
async fn with_little_memory_every_codec_stores_what_its_decoder_gives_back() {
    for how in Compression::ALL {
        let bed = Bed::new();
        // Does not become smaller, so that there is too little room at first.
        let (file, plain) = (bed.wal(ONE), dense_segment(ONE));
        std::fs::write(&file, &plain).unwrap();
        let request = wal_archive::Request { compression: how, memory: 24 << 20, ..forgetful(&bed, &file) };
        wal_archive::run(&request, &bed).await.unwrap();
        let stored = bed.object(&format!("main/wals/0000000100000000/{ONE}{}", how.suffix())).await;
        let mut decoder =
            barkeep::stream::codec::decoder(how, Box::new(std::io::Cursor::new(stored))).unwrap();
        let mut back = Vec::new();
        std::io::Read::read_to_end(&mut decoder, &mut back).unwrap();
        assert!(back == plain, "{how}");
    }
}

/// A segment that no codec makes smaller.
fn dense_segment(name: &str) -> Vec<u8> {
    let mut bytes = segment_bytes(name, SYSTEM, SegmentSize::new(MIB).unwrap(), 1);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for byte in &mut bytes[64..] {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
    bytes
}

/// Nobody was told that a torn copy may be replaced, and archiving stood still until somebody dared.
#[tokio::test]
async fn a_torn_copy_of_the_very_file_is_refused_with_the_word_that_replaces_it() {
    let bed = Bed::new();
    let file = bed.segment(ONE);
    let whole = packed(Compression::Gzip, &std::fs::read(&file).unwrap());
    let key = format!("main/wals/0000000100000000/{ONE}.gz");
    bed.foreign(&key, whole[..whole.len() / 2].to_vec()).await;
    let e = bed.archive(&file).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Corrupt, "{e}");
    let hint = format!("barkeep wal-archive --overwrite {}", file.display());
    assert!(e.hint_text().unwrap_or_default().contains(&hint), "{e:?}");
    let request = wal_archive::Request { overwrite: true, ..bed.archive_request(&file) };
    wal_archive::run(&request, &bed).await.unwrap();
    assert!(!bed.keys().await.contains(&key), "the torn copy is gone");

    // What is torn, and of something else, is nobody's to replace.
    let bed = Bed::new();
    let other = segment_bytes(ONE, SYSTEM, SegmentSize::new(MIB).unwrap(), 77);
    let whole = packed(Compression::Gzip, &other);
    bed.foreign(&key, whole[..whole.len() / 2].to_vec()).await;
    let e = bed.archive(&bed.segment(ONE)).await.unwrap_err();
    assert!(!e.hint_text().unwrap_or_default().contains("--overwrite"), "{e:?}");
}
