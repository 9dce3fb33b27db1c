//! Deletion: in what order, how far after an interruption, and with how many requests.

mod shelf;

use std::collections::BTreeSet;

use barkeep::command::Care;
use barkeep::error::ErrorKind;
use barkeep::model::Reason::{HalfDeleted, Leftover, Obsolete, Wanted};
use barkeep::store::Lock;
use shelf::{Shelf, record, wal_key};

/// Long after anything that is stored now: what never became a backup counts as left behind.
const LATER: &str = "2099-01-01T00:00:00Z";

fn segment(n: usize) -> String {
    format!("00000001{:08X}{:08X}", n / 256, n % 256)
}

/// Three backups of which the newest is wanted, one half deleted, one failed, an orphan, and WAL.
async fn shelve() -> Shelf {
    let shelf = Shelf::new(LATER).with_slashed(false);
    for (id, first) in [("20290101T000000", 2), ("20290102T000000", 5), ("20290104T000000", 8)] {
        shelf.done(id, &segment(first), &segment(first)).await;
        shelf.put(&format!("base/{id}/16385.tar.zst"), "tar").await;
        shelf.put(&format!("base/{id}/backup_manifest.zst"), "manifest").await;
        shelf.put(&format!("base/{id}/annotations/other"), "x").await;
    }
    let half = "error=its deletion was begun and not finished\nstatus=FAILED\ngp_dbid=1\n";
    shelf
        .put(
            "base/20281231T000000/backup.info",
            &(record("20281231T000000", &segment(1), &segment(1)) + half),
        )
        .await;
    shelf.backup("20290103T000000", "status=FAILED\n").await;
    shelf.put("base/20290103T120000/data.tar.gz", "tar").await;
    for n in 0..12 {
        shelf.wal(&[&format!("{}.zst", segment(n))]).await;
    }
    shelf.wal(&["00000002.history", &format!("{}.00000028.backup", segment(5))]).await;
    shelf
}

/// Everything that must be there whatever happens: the newest backup and its WAL.
fn wanted() -> BTreeSet<String> {
    let of_backup = ["backup.info", "data.tar", "16385.tar.zst", "backup_manifest.zst", "annotations/other"];
    let of_backup = of_backup.map(|object| format!("base/20290104T000000/{object}"));
    let wals = (8..12).map(|n| wal_key(&format!("{}.zst", segment(n))));
    of_backup.into_iter().chain(wals).chain([wal_key("00000002.history")]).collect()
}

#[tokio::test]
async fn what_is_not_needed_goes_and_nothing_else() {
    let shelf = shelve().await;
    let deletion = shelf.retention("REDUNDANCY 1", 0, false).await.unwrap();
    assert_eq!(shelf.keys().await, wanted());
    let reasons: Vec<_> = deletion.plan.backups.iter().map(|judged| judged.reason).collect();
    assert_eq!(reasons, [HalfDeleted, Obsolete, Obsolete, Leftover, Wanted]);
    assert_eq!(deletion.plan.going_orphans().count(), 1);
}

#[tokio::test]
async fn a_dry_run_touches_nothing() {
    let shelf = shelve().await;
    let before = shelf.keys().await;
    let plan = shelf.retention("REDUNDANCY 1", 0, true).await.unwrap().plan;
    assert_eq!(shelf.keys().await, before);
    assert_eq!(plan, shelf.retention("REDUNDANCY 1", 0, false).await.unwrap().plan);
}

#[tokio::test]
async fn interrupted_at_any_call_it_leaves_nothing_that_looks_whole_and_the_next_run_finishes() {
    for at in 1.. {
        let shelf = shelve().await;
        shelf.store.fail_at(at);
        let end = shelf.retention("REDUNDANCY 1", 0, false).await;
        shelf.store.fail_at(0);
        if end.is_ok() {
            assert!(at > 12, "only {at} calls");
            break;
        }
        let keys = shelf.keys().await;
        assert!(keys.is_superset(&wanted()), "call {at}");
        for entry in &shelf.catalog().await.unwrap().entries {
            let backup = &entry.backup;
            let begin = backup.begin.wal.map(|wal| wal_key(&format!("{wal}.zst")));
            let whole = entry.files.tars.len() == 2
                && entry.files.manifest.is_some()
                && begin.is_some_and(|wal| keys.contains(&wal));
            assert!(whole || !backup.is_usable(), "call {at}: {backup:?}");
        }
        shelf.retention("REDUNDANCY 1", 0, false).await.unwrap();
        assert_eq!(shelf.keys().await, wanted(), "call {at}");
    }
}

#[tokio::test]
async fn the_deletion_of_one_backup_is_finished_by_the_next_of_any() {
    for at in 1.. {
        let shelf = Shelf::new(LATER);
        for (id, first) in [("20290101T000000", 2), ("20290102T000000", 5), ("20290103T000000", 8)] {
            shelf.done(id, &segment(first), &segment(first)).await;
        }
        for n in 0..9 {
            shelf.wal(&[&format!("{}.gz", segment(n))]).await;
        }
        shelf.store.fail_at(at);
        let end = shelf.delete("oldest", 0).await;
        shelf.store.fail_at(0);
        if end.is_ok() {
            assert!(at > 8, "only {at} calls");
            break;
        }
        // Retention would want all of them.
        shelf.retention("REDUNDANCY 9", 0, false).await.unwrap();
        let left = shelf.catalog().await.unwrap().entries;
        let begun = left.len() == 2;
        assert!(begun || left.len() == 3 && left.iter().all(|entry| entry.backup.is_usable()), "call {at}");
        let first = shelf.keys().await.into_iter().find(|key| key.starts_with("wals/")).unwrap();
        assert_eq!(first, wal_key(&format!("{}.gz", segment(if begun { 5 } else { 0 }))), "call {at}");
    }
}

#[tokio::test]
async fn a_failure_in_the_middle_tells_how_far_it_came() {
    let shelf = shelve().await;
    shelf.store.fail_at(0);
    shelf.retention("REDUNDANCY 1", 0, true).await.unwrap();
    let reading = shelf.store.calls();
    let shelf = shelve().await;
    shelf.store.fail_at(reading + 3);
    let error = shelf.retention("REDUNDANCY 1", 0, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().starts_with("delete (2 backups are un-published, not all"), "{error}");
    assert!(error.hint_text().unwrap().contains("again"));
}

#[tokio::test]
async fn an_annotation_under_the_double_slash_saves_a_backup() {
    let shelf = shelve().await;
    let key = barkeep::store::Key::new("main/base/20290101T000000/annotations/keep").unwrap();
    let slashed = &shelf.slashed.as_ref().unwrap().0.inner;
    let how = barkeep::store::Put::default();
    barkeep::store::ObjectStore::put(slashed, &key, "full".into(), &how).await.unwrap();
    shelf.retention("REDUNDANCY 0", 0, false).await.unwrap();
    let left: Vec<_> =
        shelf.catalog().await.unwrap().entries.iter().map(|e| e.backup.id.to_string()).collect();
    assert_eq!(left, ["20290101T000000"]);
    assert!(shelf.keys().await.contains(&wal_key(&format!("{}.zst", segment(2)))));
}

#[tokio::test]
async fn an_annotation_under_the_double_slash_goes_with_its_half_deleted_backup() {
    let shelf = shelve().await;
    let key = barkeep::store::Key::new("main/base/20281231T000000/annotations/keep").unwrap();
    let slashed = &shelf.slashed.as_ref().unwrap().0.inner;
    let how = barkeep::store::Put::default();
    barkeep::store::ObjectStore::put(slashed, &key, "full".into(), &how).await.unwrap();
    shelf.retention("REDUNDANCY 1", 0, false).await.unwrap();
    assert!(shelf::keys(slashed).await.is_empty());
}

#[tokio::test]
async fn one_unreadable_record_stops_every_deletion_and_is_named() {
    let shelf = shelve().await;
    shelf.backup("20290105T000000", "size=x").await;
    let before = shelf.keys().await;
    let failure = shelf.retention("REDUNDANCY 1", 0, false).await.unwrap().failure().unwrap();
    assert_eq!(failure.kind(), ErrorKind::Corrupt);
    assert!(failure.to_string().contains("20290105T000000"), "{failure}");
    assert!(shelf.delete("20290101T000000", 0).await.unwrap().failure().is_some());
    assert_eq!(shelf.keys().await, before);
}

#[tokio::test]
async fn the_number_of_requests_is_bounded_by_the_number_of_backups() {
    let shelf = Shelf::new(LATER);
    for n in 0..200 {
        let id = format!("2029{:02}{:02}T{:06}", 1 + n / 25, 1 + n % 25, 0);
        shelf.done(&id, &segment(n * 50), &segment(n * 50)).await;
    }
    for n in 0..10_000 {
        shelf.wal(&[&format!("{}.zst", segment(n))]).await;
    }
    shelf.store.fail_at(0);
    shelf.retention("REDUNDANCY 10", 0, false).await.unwrap();
    // Two listings, two looks for abandoned uploads, 200 records read and 190 rewritten; one batch of
    // files, ten of WAL, one of records.
    assert_eq!(shelf.store.calls(), 2 + 2 + 200 + 190 + 1 + 10 + 1);
    let keys = shelf.keys().await;
    assert_eq!(keys.iter().filter(|key| key.starts_with("wals/")).count(), 500);
    assert_eq!(keys.iter().filter(|key| key.starts_with("base/")).count(), 20);
}

#[tokio::test]
async fn while_an_object_is_locked_nothing_is_deleted_when_locks_are_heeded() {
    let heed = Care { heed_locks: true, ..Care::default() };
    for (lock, holds) in [
        (Lock::Hold, true),
        (Lock::Until("2100-01-01T00:00:00Z".parse().unwrap()), true),
        (Lock::Until(LATER.parse().unwrap()), false),
    ] {
        let shelf = shelve().await;
        let before = shelf.keys().await;
        let tar = "main/base/20290101T000000/16385.tar.zst".to_owned();
        *shelf.store.locked.lock().unwrap() = Some((tar.clone(), lock));
        let end = shelf.retention_with("REDUNDANCY 1", 0, false, heed).await;
        if holds {
            let error = end.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.to_string().contains(&tar), "{error}");
            assert_eq!(shelf.keys().await, before);
        } else {
            assert!(end.is_ok());
            assert_eq!(shelf.keys().await, wanted());
        }
    }
}

#[tokio::test]
async fn a_dry_run_names_every_object_that_would_go() {
    let shelf = shelve().await;
    let doomed = shelf.retention("REDUNDANCY 1", 0, true).await.unwrap().doomed;
    let before = shelf.keys().await;
    shelf.retention("REDUNDANCY 1", 0, false).await.unwrap();
    let gone: BTreeSet<_> = before.difference(&shelf.keys().await).map(|key| format!("main/{key}")).collect();
    let told = doomed.backups.into_iter().flat_map(|(_, keys)| keys);
    assert_eq!(told.chain(doomed.wals.into_iter().map(|(_, key)| key)).collect::<BTreeSet<_>>(), gone);
}
