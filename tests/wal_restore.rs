//! `wal-restore` over a store in memory: what is delivered, what never is, and what it costs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::time::Duration;

use barkeep::command::wal_restore::{self, Batch, Folder, Outcome, Partials, Source};
use barkeep::command::{wal_archive, wal_prefetch};
use barkeep::error::ErrorKind;
use barkeep::model::{Compression, SegmentSize, SystemId, Timeline};
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};

const ONE: &str = "000000010000000000000001";
const FOLDER: &str = "main/wals/0000000100000000";

fn name(n: u32) -> String {
    format!("0000000100000000{n:08X}")
}

fn size() -> SegmentSize {
    SegmentSize::new(MIB).unwrap()
}

fn plain(name: &str) -> Vec<u8> {
    segment_bytes(name, SYSTEM, size(), 1)
}

const HISTORY: &str = "1\t0/3000000\tno recovery target specified\n";

const FETCHED: Outcome = Outcome::Delivered { from: Source::Archive, partial: false };
const SPOOLED: Outcome = Outcome::Delivered { from: Source::Spool, partial: false };

#[tokio::test]
async fn what_was_archived_comes_back_byte_for_byte_in_every_codec() {
    for how in Compression::ALL {
        let bed = Bed::new();
        let file = bed.segment(ONE);
        let request = wal_archive::Request { compression: how, ..bed.archive_request(&file) };
        wal_archive::run(&request, &bed).await.unwrap();
        assert_eq!(bed.restore(ONE).await.unwrap(), FETCHED);
        assert!(bed.restored() == std::fs::read(&file).unwrap(), "{how}");
    }
}

#[tokio::test]
async fn what_other_tools_stored_comes_back_too() {
    for how in Compression::ALL {
        let bed = Bed::new();
        // Two streams in a row, as some writers leave them.
        let whole = plain(ONE);
        let (front, back) = whole.split_at(whole.len() / 3);
        let mut body = packed(how, front);
        body.extend(packed(how, back));
        bed.foreign(&format!("{FOLDER}/{ONE}{}", how.suffix()), body).await;
        assert_eq!(bed.restore(ONE).await.unwrap(), FETCHED, "{how}");
        assert!(bed.restored() == whole, "{how}");
    }
}

#[tokio::test]
async fn histories_and_labels_come_back() {
    let bed = Bed::new();
    for name in ["00000002.history", "000000010000000000000001.00000028.backup"] {
        std::fs::write(bed.wal(name), HISTORY).unwrap();
        bed.archive_new(&bed.wal(name)).await;
        let to = bed.wal("RECOVERYHISTORY");
        assert_eq!(wal_restore::run(&bed.restore_request(name, &to), &bed).await.unwrap(), FETCHED);
        assert_eq!(std::fs::read_to_string(to).unwrap(), HISTORY);
    }
}

#[tokio::test]
async fn a_miss_is_said_after_one_listing_and_leaves_nothing_behind() {
    let bed = Bed::new();
    std::fs::write(bed.data().join("standby.signal"), "").unwrap();
    bed.archive_new(&bed.segment(ONE)).await;
    bed.store.reset();
    assert_eq!(bed.restore(&name(2)).await.unwrap(), Outcome::Missing);
    assert_eq!(bed.store.counts().into_iter().collect::<Vec<_>>(), [("list", 1)]);
    assert!(!bed.wal("RECOVERYXLOG").exists());
    // Neither is a second one needed when PostgreSQL asks again, though a codec is remembered by then.
    bed.restore(ONE).await.unwrap();
    let to = bed.wal("RECOVERYXLOG");
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
    let again = wal_restore::Request { now: later, ..bed.restore_request(&name(2), &to) };
    bed.store.reset();
    assert_eq!(wal_restore::run(&again, &bed).await.unwrap(), Outcome::Missing);
    assert_eq!(bed.store.counts().into_iter().collect::<Vec<_>>(), [("list", 1)]);
}

#[tokio::test]
async fn an_archive_without_any_wal_ends_no_recovery() {
    let bed = Bed::new();
    let e = bed.restore(ONE).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Usage);
    assert!(e.hint_text().unwrap().contains("mounted"), "{e:?}");
    let history = bed.restore_request("00000002.history", &bed.wal("RECOVERYHISTORY"));
    assert_eq!(wal_restore::run(&history, &bed).await.unwrap_err().kind(), ErrorKind::Usage);
    // A standby waits for WAL that may come, and whoever asks by hand is told the plain truth.
    std::fs::write(bed.data().join("standby.signal"), "").unwrap();
    assert_eq!(bed.restore(ONE).await.unwrap(), Outcome::Missing);
}

#[tokio::test]
async fn a_file_in_a_form_this_version_cannot_read_is_not_missing() {
    for suffix in [".br", ".zst.gpg", ".zstd"] {
        let bed = Bed::new();
        bed.archive_new(&bed.segment(&name(2))).await;
        bed.foreign(&format!("{FOLDER}/{ONE}{suffix}"), vec![1; 10]).await;
        let e = bed.restore(ONE).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Usage, "{e}");
        assert!(e.to_string().contains(suffix), "{e}");
    }
}

#[tokio::test]
async fn a_history_that_makes_no_sense_is_not_delivered() {
    for text in ["", "<html>504</html>", "9\t0/3000000\tx\n"] {
        let bed = Bed::new();
        bed.foreign("main/wals/00000002.history", text.into()).await;
        let to = bed.wal("RECOVERYHISTORY");
        let e = wal_restore::run(&bed.restore_request("00000002.history", &to), &bed).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{text:?}");
        assert!(!to.exists());
    }
}

#[tokio::test]
async fn a_refusal_is_asked_about_again_before_it_is_believed() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    bed.store.fail("list", "wals", ErrorKind::Denied, 2);
    assert_eq!(bed.restore(ONE).await.unwrap(), FETCHED);
}

#[tokio::test]
async fn what_a_killed_call_left_beside_the_destination_is_removed() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let left = bed.wal(".barkeep-tmp-1-1");
    std::fs::write(&left, "half").unwrap();
    bed.restore(ONE).await.unwrap();
    assert!(!left.exists());
}

#[tokio::test]
async fn complete_beats_partial_whatever_their_codecs() {
    for how in Compression::ALL {
        for partial in Compression::ALL {
            let bed = Bed::new();
            let other = segment_bytes(ONE, SYSTEM, size(), 9);
            bed.foreign(&format!("{FOLDER}/{ONE}.partial{}", partial.suffix()), packed(partial, &other))
                .await;
            bed.foreign(&format!("{FOLDER}/{ONE}{}", how.suffix()), packed(how, &plain(ONE))).await;
            assert_eq!(bed.restore(ONE).await.unwrap(), FETCHED);
            assert!(bed.restored() == plain(ONE), "{how} against partial {partial}");
        }
    }
}

#[tokio::test]
async fn a_partial_is_delivered_only_when_nothing_else_is_there_and_nobody_minds() {
    let bed = Bed::new();
    bed.foreign(&format!("{FOLDER}/{ONE}.partial.gz"), packed(Compression::Gzip, &plain(ONE))).await;
    let by_hand = bed.restore_request(ONE, &bed.wal(ONE));
    assert_eq!(wal_restore::run(&by_hand, &bed).await.unwrap(), Outcome::Missing);
    let to = bed.wal("RECOVERYXLOG");
    let refused = wal_restore::Request { partials: Partials::Never, ..bed.restore_request(ONE, &to) };
    assert_eq!(wal_restore::run(&refused, &bed).await.unwrap(), Outcome::Missing);
    let delivered = bed.restore(ONE).await.unwrap();
    assert_eq!(delivered, Outcome::Delivered { from: Source::Archive, partial: true });
}

#[tokio::test]
async fn a_partial_never_stands_in_for_a_broken_complete_segment() {
    let bed = Bed::new();
    bed.foreign(&format!("{FOLDER}/{ONE}.partial"), plain(ONE)).await;
    bed.foreign(&format!("{FOLDER}/{ONE}"), plain(ONE)[..5000].to_vec()).await;
    assert_eq!(bed.restore(ONE).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!bed.wal("RECOVERYXLOG").exists());
}

#[tokio::test]
async fn bytes_that_are_not_what_they_should_be_never_reach_postgresql() {
    let good = packed(Compression::Zstd, &plain(ONE));
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    let cases = [
        ("empty", Vec::new()),
        ("cut short", good[..good.len() - 7].to_vec()),
        ("a bit flipped", flipped),
        ("another segment", packed(Compression::Zstd, &plain(&name(2)))),
        ("another cluster", packed(Compression::Zstd, &segment_bytes(ONE, OTHER_SYSTEM, size(), 1))),
        ("too long", packed(Compression::Zstd, &[plain(ONE), vec![0; 8192]].concat())),
        ("too short", packed(Compression::Zstd, &plain(ONE)[..8192])),
        ("no WAL", packed(Compression::Zstd, &vec![7; 1 << 20])),
        ("not compressed", plain(ONE)),
    ];
    for (what, body) in cases {
        let bed = Bed::new();
        bed.foreign(&format!("{FOLDER}/{ONE}.zst"), body).await;
        let e = bed.restore(ONE).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Corrupt, "{what}: {e}");
        assert!(!bed.wal("RECOVERYXLOG").exists(), "{what}");
        let left: Vec<_> =
            std::fs::read_dir(bed.data().join("pg_wal")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["archive_status"], "{what}");
    }
}

#[tokio::test]
async fn content_that_was_exchanged_in_the_archive_is_told_by_its_recorded_digest() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let key = format!("{FOLDER}/{ONE}.zst");
    let other = packed(Compression::Zstd, &segment_bytes(ONE, SYSTEM, size(), 9));
    bed.exchange(&key, other).await;
    let e = bed.restore(ONE).await.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Corrupt);
    assert!(e.to_string().contains("SHA-256"), "{e}");
}

#[tokio::test]
async fn a_decompression_bomb_is_cut_off_at_the_length_of_a_segment() {
    let bed = Bed::new();
    let mut bomb = plain(ONE);
    bomb.resize(256 << 20, 0);
    bed.foreign(&format!("{FOLDER}/{ONE}.zst"), packed(Compression::Zstd, &bomb)).await;
    assert_eq!(bed.restore(ONE).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_broken_copy_does_not_hide_a_good_one_under_another_suffix() {
    let bed = Bed::new();
    bed.foreign(&format!("{FOLDER}/{ONE}.gz"), vec![0; 100]).await;
    bed.foreign(&format!("{FOLDER}/{ONE}.zst"), packed(Compression::Zstd, &plain(ONE))).await;
    assert_eq!(bed.restore(ONE).await.unwrap(), FETCHED);
    assert!(bed.restored() == plain(ONE));
}

#[tokio::test]
async fn an_outage_is_an_error_and_never_a_miss() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Denied, ErrorKind::Usage] {
        for request in ["list", "get"] {
            let bed = Bed::new();
            bed.archive_new(&bed.segment(ONE)).await;
            bed.store.fail(request, "wals", kind, usize::MAX);
            assert_eq!(bed.restore(ONE).await.unwrap_err().kind(), kind, "{request}");
            assert!(!bed.wal("RECOVERYXLOG").exists());
        }
    }
}

#[tokio::test]
async fn an_old_file_at_the_destination_is_replaced_whole() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    std::fs::write(bed.wal("RECOVERYXLOG"), "left over").unwrap();
    bed.restore(ONE).await.unwrap();
    assert!(bed.restored() == plain(ONE));
}

#[tokio::test]
async fn after_the_first_segment_the_listing_is_saved() {
    let bed = Bed::new();
    for n in 1..=3 {
        bed.archive_new(&bed.segment(&name(n))).await;
    }
    bed.restore(ONE).await.unwrap();
    bed.store.reset();
    bed.restore(&name(2)).await.unwrap();
    assert_eq!(bed.store.counts().into_iter().collect::<Vec<_>>(), [("get", 1)]);
}

#[tokio::test]
async fn a_standby_that_asks_for_the_same_missing_file_again_is_answered_from_memory_for_a_moment() {
    let bed = Bed::new();
    std::fs::write(bed.data().join("standby.signal"), "").unwrap();
    let to = bed.wal("RECOVERYXLOG");
    let request = bed.restore_request(ONE, &to);
    assert_eq!(wal_restore::run(&request, &bed).await.unwrap(), Outcome::Missing);
    bed.store.reset();
    assert_eq!(wal_restore::run(&request, &bed).await.unwrap(), Outcome::Missing);
    assert_eq!(bed.store.requests(), 0);
    let later = wal_restore::Request { now: request.now + jiff::SignedDuration::from_secs(2), ..request };
    assert_eq!(wal_restore::run(&later, &bed).await.unwrap(), Outcome::Missing);
    assert_eq!(bed.store.requests(), 1);
}

fn filler(bed: &Bed, timeline: u32) -> wal_prefetch::Request {
    wal_prefetch::Request {
        system_id: SystemId(SYSTEM),
        instance: bed.instance(),
        timeline: Timeline::new(timeline).unwrap(),
        segment_size: size(),
        spool: bed.spool(),
        memory: 96 << 20,
        max_attempts: None,
        linger: Duration::from_millis(300),
    }
}

async fn archived(count: u32) -> Bed {
    let bed = Bed::new();
    for n in 1..=count {
        bed.archive_new(&bed.segment(&name(n))).await;
    }
    bed
}

#[tokio::test]
async fn the_filler_keeps_the_window_full_and_never_runs_ahead_of_it() {
    let bed = archived(12).await;
    let mut expected = 1;
    for (asked, window) in [(1, 2), (2, 4), (3, 8)] {
        let outcome = bed.restore(&name(asked)).await.unwrap();
        assert_eq!(outcome, if asked == 1 { FETCHED } else { SPOOLED });
        assert!(bed.restored() == plain(&name(asked)));
        let fetched = wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap().fetched;
        let reached = asked + window;
        assert_eq!(fetched, u64::from(reached - expected), "after {asked}");
        expected = reached;
    }
}

#[tokio::test]
async fn a_hit_costs_no_request() {
    let bed = archived(4).await;
    bed.restore(ONE).await.unwrap();
    wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap();
    bed.store.reset();
    assert_eq!(bed.restore(&name(2)).await.unwrap(), SPOOLED);
    assert_eq!(bed.store.requests(), 0);
}

#[tokio::test]
async fn the_filler_ends_at_the_end_of_the_archive_and_when_nobody_asks() {
    let bed = archived(2).await;
    bed.restore(ONE).await.unwrap();
    let begun = std::time::Instant::now();
    assert_eq!(wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap().fetched, 1);
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn there_is_one_filler_for_a_timeline() {
    let bed = archived(8).await;
    bed.restore(ONE).await.unwrap();
    let (request, second) = (filler(&bed, 1), filler(&bed, 1));
    let (a, b) = tokio::join!(wal_prefetch::run(&request, &bed), wal_prefetch::run(&second, &bed));
    let mut fetched = [a.unwrap().fetched, b.unwrap().fetched];
    fetched.sort_unstable();
    assert_eq!(fetched, [0, 2]);
}

#[tokio::test]
async fn a_filler_ends_when_recovery_moves_to_another_timeline_and_the_old_spool_is_swept() {
    let bed = archived(4).await;
    bed.restore(ONE).await.unwrap();
    wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap();
    let next = "000000020000000000000002";
    bed.archive_new(&bed.segment(next)).await;
    assert_eq!(bed.restore(next).await.unwrap(), FETCHED);
    assert_eq!(wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap().fetched, 0);
    bed.store.reset();
    assert_eq!(bed.restore(&name(2)).await.unwrap(), FETCHED, "the old timeline's segments were swept");
}

#[tokio::test]
async fn a_segment_fetched_twice_leaves_nothing_in_the_spool() {
    let bed = archived(3).await;
    bed.restore(ONE).await.unwrap();
    wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap();
    // The filler had it, and the foreground fetched it all the same: as after a missed claim.
    let spooled = find(&bed.spool(), &name(2)).unwrap();
    let copy = std::fs::read(&spooled).unwrap();
    std::fs::remove_file(&spooled).unwrap();
    bed.store.slow("get", &name(2), Duration::from_secs(1));
    let late = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        std::fs::write(&spooled, &copy).unwrap();
    };
    let two = name(2);
    let (outcome, ()) = tokio::join!(bed.restore(&two), late);
    assert_eq!(outcome.unwrap(), FETCHED);
    assert!(!spooled.exists());
}

#[tokio::test]
async fn a_segment_that_is_on_its_way_is_waited_for_and_nothing_else_is() {
    let bed = archived(4).await;
    bed.restore(ONE).await.unwrap();
    bed.store.slow("get", &name(2), Duration::from_millis(250));
    bed.store.reset();
    let request = filler(&bed, 1);
    let asking = async {
        tokio::time::sleep(Duration::from_millis(80)).await;
        bed.restore(&name(2)).await
    };
    let (filled, outcome) = tokio::join!(wal_prefetch::run(&request, &bed), asking);
    filled.unwrap();
    assert_eq!(outcome.unwrap(), SPOOLED);
    assert_eq!(bed.store.counts()["get"], 3, "segments 2 to 4, each once");
}

#[tokio::test]
async fn the_end_of_the_archive_is_listed_once() {
    let bed = archived(4).await;
    bed.restore(ONE).await.unwrap();
    bed.restore(&name(2)).await.unwrap();
    bed.store.slow("get", &name(3), Duration::from_millis(300));
    bed.store.reset();
    wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap();
    assert!(bed.store.counts()["list"] <= 2, "{:?}", bed.store.counts());
}

#[tokio::test]
async fn a_broken_object_is_not_put_into_the_spool() {
    let bed = archived(1).await;
    bed.foreign(&format!("{FOLDER}/{}.zst", name(2)), vec![1; 100]).await;
    bed.restore(ONE).await.unwrap();
    assert_eq!(wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(bed.restore(&name(2)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_spool_file_that_was_damaged_is_fetched_again() {
    let bed = archived(3).await;
    bed.restore(ONE).await.unwrap();
    wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap();
    let file = find(&bed.spool(), &name(2)).unwrap();
    std::fs::write(&file, "").unwrap();
    assert_eq!(bed.restore(&name(2)).await.unwrap(), FETCHED);
    assert!(bed.restored() == plain(&name(2)));
}

#[tokio::test]
async fn pg_rewind_and_people_get_the_exact_file_and_no_look_ahead() {
    let bed = archived(3).await;
    let to = bed.wal(&name(1));
    std::fs::remove_file(&to).unwrap();
    assert_eq!(wal_restore::run(&bed.restore_request(&name(1), &to), &bed).await.unwrap(), FETCHED);
    assert!(find(&bed.spool(), "demand").is_none());
}

#[tokio::test]
async fn two_clusters_that_share_a_spool_never_get_each_others_segments() {
    let bed = archived(3).await;
    bed.restore(ONE).await.unwrap();
    wal_prefetch::run(&filler(&bed, 1), &bed).await.unwrap();
    // The same archive asked by a server of another cluster: a configuration mistake.
    bed.control(OTHER_SYSTEM);
    assert_eq!(bed.restore(&name(2)).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn without_a_usable_spool_everything_is_still_restored() {
    let bed = archived(2).await;
    std::fs::remove_dir_all(bed.spool()).unwrap();
    std::fs::write(bed.spool(), "in the way").unwrap();
    for n in 1..=2 {
        assert_eq!(bed.restore(&name(n)).await.unwrap(), FETCHED);
    }
}

/// The file with this name somewhere below a folder.
fn find(below: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(below).ok()? {
        let path = entry.ok()?.path();
        if path.file_name().is_some_and(|n| n == name) {
            return Some(path);
        }
        if path.is_dir()
            && let Some(found) = find(&path, name)
        {
            return Some(found);
        }
    }
    None
}

/// A request that fetches up to `successors` ahead into the bed's folder for that, and keeps nothing else.
fn batched(bed: &Bed, name: &str, to: &std::path::Path, successors: u8) -> wal_restore::Request {
    let folder = Folder::open(&bed.dir.path().join("batch")).unwrap();
    let batch = Some(Batch { folder, successors });
    let (spool, filler, window) = (None, Vec::new(), 0);
    wal_restore::Request { spool, filler, window, batch, ..bed.restore_request(name, to) }
}

fn in_batch(bed: &Bed) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(bed.dir.path().join("batch"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_batch_fetches_what_follows_up_to_the_first_gap_and_later_calls_take_it_from_there() {
    let bed = archived(3).await;
    bed.archive_new(&bed.segment(&name(5))).await;
    let to = bed.wal("RECOVERYXLOG");
    let first = wal_restore::run(&batched(&bed, &name(1), &to, 7), &bed).await.unwrap();
    assert_eq!(first, Outcome::Delivered { from: Source::Archive, partial: false });
    assert_eq!(in_batch(&bed), [name(2), name(3)]);

    bed.store.reset();
    for n in 2..4 {
        let next = wal_restore::run(&batched(&bed, &name(n), &to, 7), &bed).await.unwrap();
        assert_eq!(next, Outcome::Delivered { from: Source::Spool, partial: false });
        assert_eq!(std::fs::read(&to).unwrap(), plain(&name(n)));
    }
    assert_eq!((bed.store.requests(), in_batch(&bed)), (0, Vec::new()));
    assert!(!bed.spool().join("restore").exists());
}

#[tokio::test]
async fn a_batch_goes_on_behind_the_end_of_a_log_at_the_clusters_own_segment_size() {
    let bed = Bed::new();
    let names = ["000000010000000000000FFE", "000000010000000000000FFF", "000000010000000100000000"];
    for name in names {
        bed.archive_new(&bed.segment(name)).await;
    }
    let to = bed.wal("RECOVERYXLOG");
    wal_restore::run(&batched(&bed, names[0], &to, 2), &bed).await.unwrap();
    assert_eq!(in_batch(&bed), names[1..]);
}

#[tokio::test]
async fn what_lies_in_the_folder_and_is_not_the_segment_is_not_delivered() {
    let bed = archived(1).await;
    let (to, folder) = (bed.wal("RECOVERYXLOG"), bed.dir.path().join("batch"));
    let good = plain(ONE);
    let foreign = segment_bytes(ONE, OTHER_SYSTEM, size(), 1);
    let other = segment_bytes(&name(2), SYSTEM, size(), 1);
    for bad in [Vec::new(), good[..good.len() - 1].to_vec(), foreign, other] {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(ONE), bad).unwrap();
        let outcome = wal_restore::run(&batched(&bed, ONE, &to, 0), &bed).await.unwrap();
        assert_eq!(outcome, Outcome::Delivered { from: Source::Archive, partial: false });
        assert_eq!(std::fs::read(&to).unwrap(), good);
    }
}

#[tokio::test]
async fn a_successor_that_cannot_be_fetched_is_no_trouble_of_the_segment_that_is_asked_for() {
    let bed = archived(2).await;
    bed.exchange(&format!("{FOLDER}/{}.zst", name(2)), b"broken".to_vec()).await;
    let to = bed.wal("RECOVERYXLOG");
    let outcome = wal_restore::run(&batched(&bed, ONE, &to, 3), &bed).await.unwrap();
    assert_eq!(outcome, Outcome::Delivered { from: Source::Archive, partial: false });
    assert_eq!(in_batch(&bed), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_archive_is_an_answer_only_to_whoever_trusts_it() {
    let bed = Bed::new();
    let to = bed.wal("RECOVERYXLOG");
    let usual = wal_restore::Request { spool: None, ..bed.restore_request(ONE, &to) };
    assert_eq!(wal_restore::run(&usual, &bed).await.unwrap_err().kind(), ErrorKind::Usage);
    bed.store.reset();
    let trusting = wal_restore::Request { trust_empty: true, ..usual };
    assert_eq!(wal_restore::run(&trusting, &bed).await.unwrap(), Outcome::Missing);
    assert_eq!(bed.store.requests(), 1);
}

#[tokio::test]
async fn a_partial_segment_goes_to_whoever_asks_only_when_that_is_wanted() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(&format!("{ONE}.partial"))).await;
    let to = bed.dir.path().join("somewhere");
    for (partials, delivered) in
        [(Partials::Never, false), (Partials::ToPostgres, false), (Partials::Always, true)]
    {
        let request = wal_restore::Request { partials, spool: None, ..bed.restore_request(ONE, &to) };
        let outcome = wal_restore::run(&request, &bed).await.unwrap();
        assert_eq!(outcome != Outcome::Missing, delivered, "{partials:?}");
    }
}
