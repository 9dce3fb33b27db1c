//! What crashes leave in an archive, swept up: what goes, what stays, and after an interruption.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;
mod shelf;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, ExclusivePut, Lock, OpenArchive, Patience};
use barkeep::command::{Access, gc};
use barkeep::error::{ErrorKind, Result};
use barkeep::model::{GcReason, Locked};
use barkeep::store::{Key, ObjectStore, Prefix, Put};
use bytes::Bytes;
use jiff::Timestamp;
use s3::S3;
use shelf::{Shelf, record};

/// Long after anything that is stored now.
const LATER: &str = "2099-01-01T00:00:00Z";
const WEEK: Duration = Duration::from_hours(7 * 24);
const A: &str = "000000010000000000000001";
const B: &str = "000000010000000000000002";

fn request(access: Access, dry_run: bool) -> gc::Request {
    gc::Request { access, older_than: WEEK, dry_run }
}

async fn sweep(shelf: &Shelf, dry_run: bool) -> Result<gc::Outcome> {
    gc::run(&request(shelf.access(), dry_run), shelf).await
}

/// What must stay: two backups, one that is kept though it failed, one whose deletion was begun, and WAL.
async fn shelve() -> (Shelf, BTreeSet<String>) {
    let shelf = Shelf::new(LATER);
    shelf.done("20290101T000000", A, A).await;
    shelf.backup("20290102T000000", &(record("20290102T000000", A, A) + "status=FAILED\n")).await;
    shelf.put("base/20290102T000000/annotations/keep", "full").await;
    let half = "error=its deletion was begun and not finished\nstatus=FAILED\n";
    shelf.put("base/20281231T000000/backup.info", &(record("20281231T000000", A, A) + half)).await;
    shelf.put("base/20281230T000000/annotations/keep", "full").await;
    shelf.put("base/20281230T000000/data.tar", "tar").await;
    shelf.done("20290110T000000", B, B).await;
    shelf.wal(&["000000010000000000000000.zst", &format!("{A}.gz"), B, "00000002.history"]).await;
    let stays = shelf.keys().await;
    shelf.backup("20290103T000000", "status=FAILED\n").await;
    shelf.put("base/20290103T000000/16385.tar.zst", "tar").await;
    shelf.backup("20290104T000000", "status=STARTED\n").await;
    shelf.put("base/20290105T000000/data.tar.gz", "tar").await;
    shelf.put("barkeep-probes/17-1", "probe").await;
    shelf.put("barkeep-probes/17-1-race0", "probe").await;
    (shelf, stays)
}

#[tokio::test]
async fn what_never_became_a_backup_goes_and_nothing_else() {
    let (shelf, stays) = shelve().await;
    let before = shelf.keys().await;
    let planned = sweep(&shelf, true).await.unwrap().plan;
    assert_eq!(shelf.keys().await, before, "a dry run touches nothing");
    let done = sweep(&shelf, false).await.unwrap();
    assert_eq!((done.plan, done.no_uploads.is_none()), (planned, true));
    assert_eq!(shelf.keys().await, stays);
    assert!(sweep(&shelf, false).await.unwrap().plan.is_empty(), "a second run finds nothing");
    assert_eq!(shelf.keys().await, stays);
}

#[tokio::test]
async fn what_was_stored_a_moment_ago_stays() {
    let (mut shelf, _) = shelve().await;
    shelf.now = Timestamp::now();
    let before = shelf.keys().await;
    assert!(sweep(&shelf, false).await.unwrap().plan.is_empty());
    assert_eq!(shelf.keys().await, before);
}

#[tokio::test]
async fn interrupted_at_any_call_it_takes_nothing_more_and_the_next_run_finishes() {
    for at in 1.. {
        let (shelf, stays) = shelve().await;
        shelf.store.fail_at(at);
        let end = sweep(&shelf, false).await;
        shelf.store.fail_at(0);
        assert!(shelf.keys().await.is_superset(&stays), "call {at}");
        if end.is_ok() {
            assert!(at > 10, "only {at} calls");
            break;
        }
        sweep(&shelf, false).await.unwrap();
        assert_eq!(shelf.keys().await, stays, "call {at}");
    }
}

#[tokio::test]
async fn while_a_record_cannot_be_read_no_folder_is_touched_but_probes_go() {
    let (shelf, _) = shelve().await;
    shelf.backup("20290107T000000", "size=large").await;
    let outcome = sweep(&shelf, false).await.unwrap();
    assert_eq!(outcome.failure().unwrap().kind(), ErrorKind::Corrupt);
    let keys = shelf.keys().await;
    assert!(
        keys.contains("base/20290103T000000/data.tar") && keys.contains("base/20290105T000000/data.tar.gz")
    );
    assert!(!keys.iter().any(|key| key.starts_with("barkeep-probes/")));
}

/// A bucket that locks by default whatever is put into it made every sweep end with 5, for what `check` had put.
#[tokio::test]
async fn what_a_check_has_put_and_the_bucket_has_locked_stays_with_its_reason() {
    let (shelf, mut stays) = shelve().await;
    let until: Timestamp = "2099-06-01T00:00:00Z".parse().unwrap();
    let locked = "main/barkeep-probes/17-1";
    shelf.store.locked.lock().unwrap().insert(locked.to_owned(), Lock::Until(until));
    let outcome = sweep(&shelf, false).await.unwrap();
    assert!(outcome.failure().is_none());
    let reasons: Vec<_> = outcome.plan.probes.iter().map(|verdict| verdict.reason).collect();
    assert_eq!(reasons, [GcReason::Locked(Locked::Until(until)), GcReason::ProbeLeft]);
    stays.insert("barkeep-probes/17-1".to_owned());
    assert_eq!(shelf.keys().await, stays);
}

/// A bucket that keeps uploads, looked at in a moment of the test's choice.
struct Bucket {
    store: Arc<dyn ObjectStore>,
    address: Address,
}

#[async_trait]
impl OpenArchive for Bucket {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        Some(ExclusivePut::Trusted)
    }

    async fn open(&self, _: ExclusivePut, _: &Patience) -> Result<Archive> {
        Ok(Archive::new(Arc::clone(&self.store), self.address.server.clone()))
    }
}

impl Bucket {
    async fn new(s3: &S3) -> Self {
        let address = Address { store: "s3".to_owned(), server: "main".parse().unwrap() };
        let bucket = Self { store: s3.open().await, address };
        for key in
            ["main/base/20290101T000000/data.tar", "main/wals/x", "other/base/20290101T000000/data.tar"]
        {
            let key = Key::new(key).unwrap();
            drop(bucket.store.upload(&key, &Put::default(), NonZeroUsize::MIN).await.unwrap());
        }
        bucket
    }

    async fn sweep(&self, now: Timestamp) -> Result<gc::Outcome> {
        gc::run(&request(Access { spool: None, max_attempts: None, now }, false), self).await
    }

    async fn uploads(&self) -> Vec<String> {
        let left = self.store.unfinished(&Prefix::everything()).await.unwrap();
        left.iter().map(|upload| upload.key.to_string()).collect()
    }
}

#[tokio::test]
async fn uploads_that_nobody_will_finish_are_forgotten_and_those_of_other_servers_are_not() {
    let s3 = S3::start().await;
    let bucket = Bucket::new(&s3).await;
    let young = bucket.sweep(Timestamp::now()).await.unwrap();
    assert!(young.plan.uploads.iter().all(|verdict| verdict.reason == GcReason::Young), "{young:?}");
    assert_eq!(bucket.uploads().await.len(), 3);
    let swept = bucket.sweep(LATER.parse().unwrap()).await.unwrap();
    assert_eq!(swept.plan.uploads.iter().filter(|verdict| verdict.goes()).count(), 2);
    assert_eq!(bucket.uploads().await, ["other/base/20290101T000000/data.tar"]);
}

#[tokio::test]
async fn a_folder_to_which_somebody_still_uploads_is_let_lie() {
    let s3 = S3::start().await;
    let bucket = Bucket::new(&s3).await;
    let tar = Key::new("main/base/20290101T000000/16385.tar").unwrap();
    bucket.store.put(&tar, Bytes::from_static(b"tar"), &Put::default()).await.unwrap();
    // Both are as young as each other here; `src/model/gc.rs` tells them apart.
    let swept = bucket.sweep(Timestamp::now()).await.unwrap();
    assert!(swept.plan.is_empty());
    assert!(bucket.store.head(&tar).await.unwrap().is_some());
}
