//! The catalogue: what is found in an archive, and what backups are kept for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod shelf;

use barkeep::archive::Tags;
use barkeep::command::backups::{self, KeepAction};
use barkeep::error::ErrorKind;
use barkeep::model::{BackupRef, BackupStatus, Keep, WalState};
use shelf::{Shelf, id, record};

const NOW: &str = "2030-01-01T00:00:00Z";
const A: &str = "000000010000000000000001";
const B: &str = "000000010000000000000002";
const C: &str = "000000010000000000000003";

fn which(text: &str) -> BackupRef {
    text.parse().unwrap()
}

#[tokio::test]
async fn records_tars_manifests_annotations_and_leftovers_come_from_one_listing() {
    let shelf = Shelf::new(NOW);
    shelf.done("20290101T000000", A, B).await;
    shelf.put("base/20290101T000000/16385_0001.tar.zst", "12345").await;
    shelf.put("base/20290101T000000/16385.tar.zst", "12").await;
    shelf.put("base/20290101T000000/backup_manifest.zst", "1").await;
    shelf.put("base/20290101T000000/annotations/keep", "standalone").await;
    shelf.backup("20290102T000000", "size=large").await;
    shelf.put("base/20290103T000000/data.tar", "1").await;
    shelf.put("base/what/backup.info", "status=DONE").await;
    shelf.store.fail_at(0);
    let catalog = shelf.catalog().await.unwrap();
    assert_eq!(shelf.store.calls(), 1 + 2 + 1, "one listing, two records, one annotation");
    let [entry] = catalog.entries.as_slice() else { panic!("{catalog:?}") };
    let tars: Vec<_> = entry.files.tars.iter().map(|tar| tar.name.to_string()).collect();
    assert_eq!(tars, ["data", "16385", "16385_0001"]);
    assert_eq!((entry.files.stored_bytes(), entry.keep), (3 + 5 + 2 + 1, Some(Keep::Standalone)));
    assert_eq!(catalog.unreadable.iter().map(|u| u.id).collect::<Vec<_>>(), [id("20290102T000000")]);
    assert!(catalog.unreadable[0].error.to_string().contains("size=large"));
    assert_eq!(catalog.orphans.iter().map(|o| o.id).collect::<Vec<_>>(), [id("20290103T000000")]);
}

#[tokio::test]
async fn a_record_that_cannot_be_fetched_is_not_taken_for_one_that_is_not_there() {
    let shelf = Shelf::new(NOW);
    shelf.done("20290101T000000", A, A).await;
    shelf.store.fail_at(2);
    assert_eq!(shelf.catalog().await.unwrap_err().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_backup_is_found_by_identifier_by_name_and_by_what_is_usable() {
    let shelf = Shelf::new(NOW);
    let with = |id: &str, more: &str| record(id, A, A) + more;
    shelf.backup("20290101T000000", &with("20290101T000000", "backup_name=one\n")).await;
    shelf.backup("20290102T000000", &with("20290102T000000", "backup_name=two\n")).await;
    shelf.backup("20290103T000000", &with("20290103T000000", "backup_name=two\n")).await;
    shelf.backup("20290104T000000", &with("20290104T000000", "status=FAILED\n")).await;
    shelf.backup("20290105T000000", &with("20290105T000000", "status=STARTED\n")).await;
    shelf.backup("20290106T000000", "?").await;
    shelf.put("base/20290107T000000/data.tar", "1").await;
    let catalog = shelf.catalog().await.unwrap();
    let found = |text: &str| {
        catalog.find(&which(text)).map(|e| e.backup.id.to_string()).map_err(|e| (e.kind(), e.to_string()))
    };
    for (text, id) in [
        ("20290105T000000", "20290105T000000"),
        ("one", "20290101T000000"),
        ("latest", "20290103T000000"),
        ("oldest", "20290101T000000"),
        ("last-failed", "20290104T000000"),
    ] {
        assert_eq!(found(text).unwrap(), id, "{text}");
    }
    for (text, kind, says) in [
        ("two", ErrorKind::Usage, "20290102T000000, 20290103T000000"),
        ("three", ErrorKind::NotFound, "`three`"),
        ("20290106T000000", ErrorKind::Corrupt, "key=value"),
        ("20290107T000000", ErrorKind::NotFound, "no record"),
        ("20290108T000000", ErrorKind::NotFound, "20290108T000000"),
    ] {
        let (found_kind, message) = found(text).unwrap_err();
        assert_eq!(found_kind, kind, "{text}");
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn keys_that_nobody_knows_survive_a_rewrite() {
    let shelf = Shelf::new(NOW);
    let text =
        record("20290101T000000", A, A) + "server_name=cloud\ngp_dbid=7\ncopy_stats={'total_time': 3.5}\n";
    shelf.backup("20290101T000000", &text).await;
    let mut backup = shelf.catalog().await.unwrap().entries.remove(0).backup;
    backup.status = BackupStatus::WaitingForWals;
    shelf.archive().publish_backup(&backup, &Tags::default()).await.unwrap();
    assert_eq!(shelf.catalog().await.unwrap().entries[0].backup, backup);
    assert_eq!(backup.other["gp_dbid"], "7");
    assert_eq!(backup.other["copy_stats"], "{'total_time': 3.5}");
}

#[tokio::test]
async fn it_is_told_whether_the_wal_of_each_backup_is_there() {
    let shelf = Shelf::new(NOW);
    shelf.done("20290101T000000", A, B).await;
    shelf.done("20290102T000000", B, C).await;
    shelf.wal(&[&format!("{A}.zst"), &format!("{B}.gz"), &format!("{C}.partial")]).await;
    let list = backups::list(&shelf.access(), &shelf).await.unwrap();
    let states: Vec<_> = list.backups.iter().map(|listed| listed.wal).collect();
    assert_eq!(states, [WalState::Complete, WalState::Missing(C.parse().unwrap())]);
    let show = backups::show(&which("latest"), &shelf.access(), &shelf).await.unwrap();
    assert_eq!(show.backup, list.backups[1]);
}

#[tokio::test]
async fn the_history_tells_which_wal_a_backup_needs_that_went_over_to_another_timeline() {
    let [a, b, b2] = ["000000010000000000000005", "000000010000000000000006", "000000020000000000000006"];
    let shelf = Shelf::new(NOW);
    shelf.done("20290101T000000", a, b2).await;
    shelf.wal(&[a, b]).await;
    let state = async || backups::list(&shelf.access(), &shelf).await.unwrap().backups[0].wal;
    let missing = |name: &str| WalState::Missing(name.parse().unwrap());
    assert_eq!(state().await, missing("00000002.history"));
    shelf.put("wals/00000002.history", "1\t0/6000080\tx\n").await;
    assert_eq!(state().await, missing(b2));
    shelf.wal(&[b2]).await;
    assert_eq!(state().await, WalState::Complete);
}

#[tokio::test]
async fn only_what_can_be_restored_can_be_kept() {
    let shelf = Shelf::new(NOW);
    shelf.backup("20290101T000000", "status=FAILED\n").await;
    let action = KeepAction::Keep(Keep::Full);
    let refused = backups::keep(&which("20290101T000000"), action, &shelf.access(), &shelf).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test]
async fn annotations_are_read_in_both_spellings_and_written_where_the_url_says() {
    const KEEP: &str = "base/20290101T000000/annotations/keep";
    for writes in [false, true] {
        let shelf = Shelf::new(NOW).with_slashed(writes);
        shelf.done("20290101T000000", A, A).await;
        let slashed = shelf.slashed.as_ref().unwrap().0.inner.clone();
        let places = async || (shelf.keys().await.contains(KEEP), shelf::keys(&slashed).await.contains(KEEP));
        let keep =
            async |action| backups::keep(&which("latest"), action, &shelf.access(), &shelf).await.unwrap();
        keep(KeepAction::Keep(Keep::Full)).await;
        assert_eq!(places().await, (!writes, writes));

        // Somebody with the other spelling has kept it for something else: the more cautious counts.
        let other = shelf.spelled_otherwise();
        let said =
            backups::keep(&which("latest"), KeepAction::Status, &other.access(), &other).await.unwrap();
        assert_eq!(said.keep, Some(Keep::Full));
        let key = barkeep::store::Key::new(format!("main/{KEEP}")).unwrap();
        let both = if writes { &shelf.store.inner } else { &slashed };
        let how = barkeep::store::Put::default();
        barkeep::store::ObjectStore::put(both, &key, "standalone".into(), &how).await.unwrap();
        assert_eq!(keep(KeepAction::Status).await.keep, Some(Keep::Full));

        // To keep it anew leaves one annotation, and to release it leaves none.
        assert_eq!(keep(KeepAction::Keep(Keep::Standalone)).await.before, Some(Keep::Full));
        assert_eq!(places().await, (!writes, writes));
        assert_eq!(keep(KeepAction::Status).await.keep, Some(Keep::Standalone));
        barkeep::store::ObjectStore::put(both, &key, "full".into(), &how).await.unwrap();
        assert_eq!(keep(KeepAction::Release).await.before, Some(Keep::Full));
        assert_eq!(places().await, (false, false));
    }
}
