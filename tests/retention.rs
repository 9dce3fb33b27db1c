//! Deletion: in what order, how far after an interruption, and with how many requests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod shelf;

use std::collections::BTreeSet;

use barkeep::command::{Care, Heed};
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
    // One more asks whether anything may be deleted at all.
    shelf.store.fail_at(reading + 1 + 3);
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
    // Two listings, two looks for abandoned uploads, 200 records read; whether anything is locked, and whether
    // anything may be deleted; 190 records rewritten; one batch of files, ten of WAL, one of records.
    assert_eq!(shelf.store.calls(), 2 + 2 + 200 + 1 + 1 + 190 + 1 + 10 + 1);
    let keys = shelf.keys().await;
    assert_eq!(keys.iter().filter(|key| key.starts_with("wals/")).count(), 500);
    assert_eq!(keys.iter().filter(|key| key.starts_with("base/")).count(), 20);
}

#[tokio::test]
async fn while_an_object_is_locked_nothing_is_deleted_when_locks_are_heeded() {
    let heed = Care { locks: Heed::Refuse, ..Care::default() };
    for (lock, holds) in [
        (Lock::Hold, true),
        (Lock::Until("2100-01-01T00:00:00Z".parse().unwrap()), true),
        (Lock::Until(LATER.parse().unwrap()), false),
    ] {
        let shelf = shelve().await;
        let before = shelf.keys().await;
        let tar = "main/base/20290101T000000/16385.tar.zst".to_owned();
        shelf.store.locked.lock().unwrap().insert(tar.clone(), lock);
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

/// What goes and what stays, with reasons, of a run that is carried out and finishes.
async fn reasons(shelf: &Shelf, policy: &str) -> Vec<String> {
    let deletion = shelf.retention(policy, 0, false).await.unwrap();
    let judged = deletion.plan.backups.iter().chain(&deletion.plan.orphans);
    judged.filter(|judged| !judged.goes()).map(|judged| format!("{}: {}", judged.id, judged.reason)).collect()
}

fn lock(shelf: &Shelf, key: &str, lock: Lock) {
    shelf.store.locked.lock().unwrap().insert(format!("main/{key}"), lock);
}

#[tokio::test]
async fn a_backup_that_is_locked_stays_whole_with_its_wal_and_the_plan_says_until_when() {
    let until = Lock::Until("2100-01-01T00:00:00Z".parse().unwrap());
    let shelf = shelve().await;
    let before = shelf.keys().await;
    lock(&shelf, "base/20290102T000000/16385.tar.zst", until);
    lock(&shelf, "base/20290103T120000/data.tar.gz", Lock::Hold);
    let stays = reasons(&shelf, "REDUNDANCY 1").await;
    let expected = [
        "20290102T000000: it is locked until 2100-01-01T00:00:00Z",
        "20290104T000000: the policy wants it",
        "20290103T120000: it is under a legal hold",
    ];
    assert_eq!(stays, expected);
    let gone: Vec<String> = before.difference(&shelf.keys().await).cloned().collect();
    let goes = |key: &String| {
        let id = ["20281231T", "20290101T", "20290103T000000"];
        let wal = (0..5).map(|n| wal_key(&format!("{}.zst", segment(n))));
        id.iter().any(|id| key.contains(id)) || wal.into_iter().any(|wal| *key == wal)
    };
    assert_eq!(gone, before.iter().filter(|key| goes(key)).cloned().collect::<Vec<_>>());
    // When the lock has run out, the rest goes.
    shelf.store.locked.lock().unwrap().clear();
    reasons(&shelf, "REDUNDANCY 1").await;
    assert_eq!(shelf.keys().await, wanted());
}

#[tokio::test]
async fn wal_that_is_locked_stays_from_the_first_on_and_few_questions_find_that() {
    let until = Lock::Until("2100-01-01T00:00:00Z".parse().unwrap());
    for first in 0..=8 {
        let shelf = shelve().await;
        for n in first..12 {
            lock(&shelf, &wal_key(&format!("{}.zst", segment(n))), until);
        }
        if first <= 5 {
            lock(&shelf, &wal_key(&format!("{}.00000028.backup", segment(5))), until);
        }
        let dry = shelf.retention("REDUNDANCY 1", 0, true).await.unwrap().plan.wal;
        let deletion = shelf.retention("REDUNDANCY 1", 0, false).await.unwrap();
        assert_eq!(dry, deletion.plan.wal);
        let keys = shelf.keys().await;
        let left = (0..8).filter(|n| keys.contains(&wal_key(&format!("{}.zst", segment(*n))))).count();
        assert_eq!(left, 8 - first, "{:?}", dry.locked);
        // Files, among them a label, and the ranges that are told agree.
        let told: usize = dry.ranges.iter().map(|range| range.files).sum();
        assert_eq!(told, dry.objects.len());
        let bytes: u64 = dry.ranges.iter().map(|range| range.bytes).sum();
        assert_eq!(bytes, dry.objects.iter().map(|object| object.stored_bytes).sum::<u64>());
        assert_eq!(dry.locked.is_some(), first < 8, "{first}");
    }
}

#[tokio::test]
async fn a_backup_that_is_locked_is_not_deleted_by_name() {
    let shelf = shelve().await;
    let before = shelf.keys().await;
    lock(&shelf, "base/20290101T000000/data.tar", Lock::Hold);
    let error = shelf.delete("20290101T000000", 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(error.to_string(), "20290101T000000 cannot be deleted: it is under a legal hold");
    assert_eq!(shelf.keys().await, before);
}

#[tokio::test]
async fn credentials_that_may_only_create_are_refused_before_anything_is_changed() {
    for denied in [&["delete"][..], &["replace"], &["replace", "delete"]] {
        let shelf = shelve().await;
        let before = shelf.keys().await;
        let records = records(&shelf).await;
        shelf.store.denied.lock().unwrap().extend(denied);
        for end in [shelf.retention("REDUNDANCY 1", 0, false).await, shelf.delete("20290101T000000", 0).await]
        {
            let error = end.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{error:?}");
            if denied.contains(&"delete") {
                assert!(error.to_string().starts_with("these credentials may not delete"), "{error}");
            }
        }
        // What is only shown needs no more than reading.
        shelf.retention("REDUNDANCY 1", 0, true).await.unwrap();
        assert_eq!((shelf.keys().await, self::records(&shelf).await), (before, records), "{denied:?}");
    }
}

/// The backups as their records tell them.
async fn records(shelf: &Shelf) -> Vec<barkeep::model::Backup> {
    shelf.catalog().await.unwrap().entries.into_iter().map(|entry| entry.backup).collect()
}
