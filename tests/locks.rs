//! Locks on Azure and Google over the wire: what is asked for, what is told, what is refused, and that the
//! verbs plan around it. The services inside the test answer as their documentation says.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/azure.rs"]
mod azure;
mod bed;
#[path = "common/gcs.rs"]
mod gcs;
#[path = "common/listener.rs"]
mod listener;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use azure::{Azure, Immutability};
use barkeep::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience, Tags};
use barkeep::command::wal_archive::{self, Archived};
use barkeep::command::{Access, Care, Deletion, backup_delete, check, gc as sweep, retention};
use barkeep::error::{Error, ErrorKind, Result};
use barkeep::model::{Backup, BackupId, BackupStatus, Compression, RetentionRule, TarName};
use barkeep::store::{IfExists, Key, Lock, Locks, ObjectStore, Put, Retain, RetainMode};
use bed::Bed;
use bytes::Bytes;
use gcs::{Gcs, Hold};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};

const PIECE: usize = 5 << 20;
const WEEK: Duration = Duration::from_hours(7 * 24);
const OLD: &str = "20260102T030405";
const NEW: &str = "20260103T030405";
const FAILED: &str = "20260104T030405";
const ORPHAN: &str = "20260105T030405";

/// A service with a bucket that has locks, seen as an archive.
struct At {
    service: Service,
    store: Arc<dyn ObjectStore>,
    address: Address,
    retain: Option<Retain>,
    /// Where the tests' time begins.
    begin: Timestamp,
}

enum Service {
    Azure(Azure),
    Google(Gcs),
}

#[async_trait]
impl OpenArchive for At {
    fn address(&self) -> &Address {
        &self.address
    }

    fn configured_exclusive(&self) -> Option<ExclusivePut> {
        Some(ExclusivePut::Trusted)
    }

    async fn open(&self, _: ExclusivePut, _: &Patience) -> Result<Archive> {
        Ok(self.archive())
    }
}

impl At {
    async fn azure() -> Self {
        let azure = Azure::start().await;
        azure.be_immutable(Immutability::Versions);
        let store = azure.open().await;
        Self::new(Service::Azure(azure), store)
    }

    async fn google() -> Self {
        let gcs = Gcs::start().await;
        gcs.retentions(|retentions| retentions.is_enabled = true);
        let store = gcs.open().await;
        Self::new(Service::Google(gcs), store)
    }

    async fn both() -> [Self; 2] {
        [Self::azure().await, Self::google().await]
    }

    fn new(service: Service, store: Arc<dyn ObjectStore>) -> Self {
        let begin = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        let address = Address { store: "bucket".to_owned(), server: "main".parse().unwrap() };
        let mut at = Self { service, store, address, retain: None, begin };
        at.retain = Some(at.lock(60, RetainMode::Governance));
        at
    }

    fn archive(&self) -> Archive {
        Archive::new(Arc::clone(&self.store), "main".parse().unwrap()).with_retain(self.retain)
    }

    /// So many days after the begin.
    fn day(&self, days: i64) -> Timestamp {
        self.begin.checked_add(SignedDuration::from_hours(24 * days)).unwrap()
    }

    fn lock(&self, days: i64, mode: RetainMode) -> Retain {
        Retain { until: self.day(days), mode }
    }

    fn locks_off(&self) {
        match &self.service {
            Service::Azure(azure) => azure.be_immutable(Immutability::None),
            Service::Google(gcs) => gcs.retentions(|retentions| retentions.is_enabled = false),
        }
    }

    fn forbid_locking(&self) {
        match &self.service {
            Service::Azure(azure) => azure.let_lock(false),
            Service::Google(gcs) => gcs.retentions(|retentions| retentions.may_not_lock = true),
        }
    }

    fn forbid_asking(&self) {
        match &self.service {
            Service::Azure(azure) => azure.let_ask_of_container(false),
            Service::Google(gcs) => gcs.retentions(|retentions| retentions.may_not_ask = true),
        }
    }

    fn hold(&self, key: &str, is_held: bool) {
        let name = format!("some/path/{key}");
        match &self.service {
            Service::Azure(azure) => azure.hold(&name, is_held),
            Service::Google(gcs) => gcs.hold(&name, is_held.then_some(Hold::Temporary)),
        }
    }

    /// Lets so many days pass for the service, and gives the moment.
    fn wait_until_day(&self, days: i64) -> Access {
        let now = self.day(days);
        match &self.service {
            Service::Azure(azure) => azure.set_clock(now),
            Service::Google(gcs) => gcs.retentions(|retentions| retentions.now = Some(now)),
        }
        Access { spool: None, max_attempts: None, now }
    }

    /// Everything below the server.
    fn keys(&self) -> BTreeSet<String> {
        let names = match &self.service {
            Service::Azure(azure) => azure.names(),
            Service::Google(gcs) => gcs.names(),
        };
        names.iter().map(|name| name.strip_prefix("some/path/main/").unwrap().to_owned()).collect()
    }

    async fn lock_of(&self, text: &str) -> Option<Lock> {
        self.store.head(&key(text)).await.unwrap().unwrap().lock
    }

    async fn retention(&self, days: i64) -> Result<Deletion> {
        let access = self.wait_until_day(days);
        let rule = RetentionRule { policy: "REDUNDANCY 1".parse()?, minimum: 0, leftovers_after: WEEK };
        let request = retention::Request { access, rule, dry_run: false, care: Care::default() };
        retention::run(&request, self).await
    }

    async fn delete(&self, days: i64, which: &str) -> Result<Deletion> {
        let (access, which) = (self.wait_until_day(days), which.parse()?);
        let (minimum, dry_run, care) = (0, false, Care::default());
        backup_delete::run(&backup_delete::Request { access, which, minimum, dry_run, care }, self).await
    }

    async fn sweep(&self, days: i64) -> Result<sweep::Outcome> {
        let access = self.wait_until_day(days);
        sweep::run(&sweep::Request { access, older_than: WEEK, dry_run: false }, self).await
    }
}

fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// How an object is stored: in one request or in parts, over another or not.
const WAYS: [(bool, IfExists); 4] =
    [(true, IfExists::Fail), (true, IfExists::Replace), (false, IfExists::Fail), (false, IfExists::Replace)];

async fn store_locked(at: &At, (whole, if_exists): (bool, IfExists), retain: Retain) -> Result<Key> {
    let key = key(&format!("main/{whole}-{if_exists:?}"));
    let how = Put { if_exists, retain: Some(retain), ..Put::default() };
    if whole {
        at.store.put(&key, Bytes::from_static(b"hello"), &how).await?;
    } else {
        let mut upload = at.store.upload(&key, &how, NonZeroUsize::MIN).await?;
        upload.part(Bytes::from(vec![1; PIECE])).await?;
        upload.part(Bytes::from_static(b"end")).await?;
        upload.finish().await?;
    }
    Ok(key)
}

#[tokio::test]
async fn what_is_to_be_locked_is_stored_so_on_every_way_and_told_to_be() {
    for mode in [RetainMode::Governance, RetainMode::Compliance] {
        for at in At::both().await {
            let retain = at.lock(60, mode);
            for way in WAYS {
                let key = store_locked(&at, way, retain).await.unwrap();
                let found = at.store.head(&key).await.unwrap().unwrap();
                assert_eq!(found.lock, Some(Lock::Until(retain.until)), "{way:?}");
            }
            let unlocked = Put::default();
            at.store.put(&key("main/free"), Bytes::from_static(b"x"), &unlocked).await.unwrap();
            assert_eq!(at.lock_of("main/free").await, None);
        }
    }
}

#[tokio::test]
async fn azure_is_asked_for_a_policy_where_an_object_becomes_visible_and_nowhere_else() {
    for (mode, told) in [(RetainMode::Governance, "unlocked"), (RetainMode::Compliance, "locked")] {
        let at = At::azure().await;
        let Service::Azure(azure) = &at.service else { panic!("it is") };
        for way in WAYS {
            azure.forget();
            store_locked(&at, way, at.lock(60, mode)).await.unwrap();
            let until = at.day(60).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            let puts: Vec<_> = azure.seen().into_iter().filter(|seen| seen.method == Method::PUT).collect();
            let (last, blocks) = puts.split_last().unwrap();
            assert_eq!(last.header("x-ms-immutability-policy-until-date"), until);
            assert_eq!(last.header("x-ms-immutability-policy-mode").to_lowercase(), told);
            assert_eq!(blocks.len(), if way.0 { 0 } else { 2 });
            assert!(blocks.iter().all(|block| block.header("x-ms-immutability-policy-mode").is_empty()));
        }
    }
}

#[tokio::test]
async fn google_is_asked_for_retention_in_the_words_of_each_of_its_interfaces() {
    let modes = [
        (RetainMode::Governance, "Unlocked", "GOVERNANCE"),
        (RetainMode::Compliance, "Locked", "COMPLIANCE"),
    ];
    for (mode, json, xml) in modes {
        let at = At::google().await;
        let Service::Google(gcs) = &at.service else { panic!("it is") };
        let until = at.day(60).to_string();
        for way in WAYS {
            gcs.forget();
            store_locked(&at, way, at.lock(60, mode)).await.unwrap();
            let first = gcs.seen().into_iter().find(|seen| seen.method == Method::POST).unwrap();
            if way == (false, IfExists::Replace) {
                assert!(first.uri.path().starts_with("/walbkt/"), "{first:?}");
                assert_eq!(first.header("x-goog-object-lock-mode"), xml);
                assert_eq!(first.header("x-goog-object-lock-retain-until-date"), until);
            } else {
                let wanted = serde_json::json!({"mode": json, "retainUntilTime": until});
                assert_eq!(first.description()["retention"], wanted, "{way:?}");
            }
        }
    }
}

#[tokio::test]
async fn services_count_in_whole_seconds_and_so_do_locks() {
    for at in At::both().await {
        let until = at.day(60).checked_add(SignedDuration::from_millis(900)).unwrap();
        let retain = Retain { until, mode: RetainMode::Governance };
        for way in WAYS {
            let key = store_locked(&at, way, retain).await.unwrap();
            let lock = at.store.head(&key).await.unwrap().unwrap().lock;
            assert_eq!(lock, Some(Lock::Until(at.day(60))));
        }
    }
}

#[tokio::test]
async fn a_bucket_without_locks_refuses_what_is_to_be_locked_and_the_hint_says_how_to_find_out() {
    for at in At::both().await {
        at.locks_off();
        for way in WAYS {
            let e = store_locked(&at, way, at.lock(60, RetainMode::Governance)).await.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Usage, "{e:?}");
            let hint = e.hint_text().unwrap_or_default();
            assert!(hint.contains("barkeep check") && hint.contains("--lock-until"), "{way:?}: {e:?}");
        }
        assert!(at.keys().is_empty());
    }
}

/// Azure's Set Blob Immutability Policy takes `i` of a signature or the role Storage Blob Data Owner, also as
/// part of an upload; the hint named the role that is enough for writing, and sent people in a circle.
#[tokio::test]
async fn who_may_store_and_not_lock_is_told_which_right_is_missing() {
    for (at, rights) in At::both().await.into_iter().zip([
        &["i (Set Immutability Policy)", "Storage Blob Data Owner"][..],
        &["storage.objects.setRetention"],
    ]) {
        at.forbid_locking();
        for way in WAYS {
            let e = store_locked(&at, way, at.lock(60, RetainMode::Governance)).await.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Denied, "{e:?}");
            let hint = e.hint_text().unwrap_or_default();
            assert!(rights.iter().all(|right| hint.contains(right)), "{way:?}: {e:?}");
        }
    }
}

#[tokio::test]
async fn a_hold_is_told_before_an_end_and_a_policy_of_googles_bucket_as_one() {
    for at in At::both().await {
        let key = store_locked(&at, WAYS[0], at.lock(60, RetainMode::Governance)).await.unwrap();
        at.hold(key.as_str(), true);
        assert_eq!(at.lock_of(key.as_str()).await, Some(Lock::Hold));
        at.hold(key.as_str(), false);
        assert_eq!(at.lock_of(key.as_str()).await, Some(Lock::Until(at.day(60))));
    }
    let at = At::google().await;
    let Service::Google(gcs) = &at.service else { panic!("it is") };
    at.store.put(&key("main/x"), Bytes::from_static(b"x"), &Put::default()).await.unwrap();
    gcs.hold("some/path/main/x", Some(Hold::EventBased));
    assert_eq!(at.lock_of("main/x").await, Some(Lock::Hold));
    gcs.hold("some/path/main/x", None);
    gcs.retentions(|retentions| retentions.period = Some(SignedDuration::from_hours(90 * 24)));
    let Some(Lock::Until(end)) = at.lock_of("main/x").await else { panic!("it is locked") };
    assert!(end >= at.day(90) && end < at.day(91), "{end}");
    // Of two ends the later counts.
    store_locked(&at, WAYS[0], at.lock(60, RetainMode::Governance)).await.unwrap();
    let lock = at.lock_of("main/true-Fail").await;
    assert!(matches!(lock, Some(Lock::Until(end)) if end >= at.day(90)), "{lock:?}");
}

/// Google has been seen to give the reason `forbidden` to who deletes what is kept, and the words alone told it
/// from a missing right: the hint sent people to their credentials.
#[tokio::test]
async fn the_deletion_of_what_is_kept_is_refused_and_told_as_that() {
    let (azure, google, terse) = (At::azure().await, At::google().await, At::google().await);
    if let Service::Google(gcs) = &terse.service {
        gcs.retentions(|retentions| retentions.says_forbidden = true);
    }
    for at in [azure, google, terse] {
        let key = store_locked(&at, WAYS[0], at.lock(60, RetainMode::Governance)).await.unwrap();
        for is_held in [false, true] {
            at.hold(key.as_str(), is_held);
            let e = at.store.delete(std::slice::from_ref(&key)).await.unwrap_err();
            assert_eq!(e.kind(), ErrorKind::Denied, "{e:?}");
            let hint = e.hint_text().unwrap_or_default();
            assert!(hint.contains("policy") && hint.contains("hold"), "{e:?}");
            assert!(!hint.contains("credentials"), "{e:?}");
        }
        at.wait_until_day(61);
        at.store.delete(std::slice::from_ref(&key)).await.unwrap_err();
        at.hold(key.as_str(), false);
        at.store.delete(&[key]).await.unwrap();
        assert!(at.keys().is_empty());
    }
}

async fn archive_wal(at: &At, bed: &Bed, file: &std::path::Path) -> Result<Archived> {
    wal_archive::run(&bed.archive_request(file), at).await.map(|outcome| outcome.archived)
}

#[tokio::test]
async fn a_wal_file_that_is_archived_again_under_its_lock_is_success_and_other_content_is_refused() {
    for at in At::both().await {
        let bed = Bed::new();
        let file = bed.segment("000000010000000000000001");
        assert!(matches!(archive_wal(&at, &bed, &file).await.unwrap(), Archived::Stored { .. }));
        let stored = at.keys().into_iter().next().unwrap();
        assert_eq!(at.lock_of(&format!("main/{stored}")).await, Some(Lock::Until(at.day(60))));
        // The same spool, another machine, and PostgreSQL's own second attempt.
        assert_eq!(archive_wal(&at, &bed, &file).await.unwrap(), Archived::Same);
        let other = Bed::new();
        let again = other.segment("000000010000000000000001");
        assert_eq!(archive_wal(&at, &other, &again).await.unwrap(), Archived::Same);
        let differs = other.segment_with("000000010000000000000001", bed::SYSTEM, 2);
        let e = archive_wal(&at, &other, &differs).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Conflict, "{e:?}");
        // Nor is it overwritten where that is asked for and the store does not let it.
        if let Service::Google(_) = &at.service {
            let request = wal_archive::Request { overwrite: true, ..other.archive_request(&differs) };
            assert_eq!(wal_archive::run(&request, &at).await.unwrap_err().kind(), ErrorKind::Denied);
        }
    }
}

/// A policy of a whole container answers before the condition does.
#[tokio::test]
async fn a_wal_file_that_azure_says_is_immutable_is_looked_at_and_is_success_when_it_is_the_same() {
    let mut at = At::azure().await;
    at.retain = None;
    let Service::Azure(azure) = &at.service else { panic!("it is") };
    azure.be_immutable(Immutability::Container);
    let bed = Bed::new();
    let file = bed.segment("000000010000000000000001");
    archive_wal(&at, &bed, &file).await.unwrap();
    azure.forget();
    azure.fault(Method::PUT, 1, azure::Fault::Answer(409, "BlobImmutableDueToPolicy"));
    assert_eq!(archive_wal(&at, &bed, &file).await.unwrap(), Archived::Same);
}

fn backup(id: &str, status: BackupStatus) -> Backup {
    let mut backup = Backup::new(id.parse().unwrap(), status);
    let time: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    backup.begin.time = Some(time.to_zoned(jiff::tz::TimeZone::UTC));
    backup.end.time = backup.begin.time.clone();
    backup.begin.wal =
        if id == OLD { "000000010000000000000002" } else { "000000010000000000000004" }.parse().ok();
    backup.end.wal = backup.begin.wal;
    backup
}

/// All that a backup stores until it ends so; `None` is where it was killed before it had a record.
async fn take_backup(at: &At, id: &str, end: Option<BackupStatus>) -> Result<()> {
    let (archive, tags) = (at.archive(), Tags::default());
    if end.is_some() {
        archive.claim_backup(&backup(id, BackupStatus::Started), &tags).await?;
    }
    let (id, name) = (id.parse::<BackupId>()?, TarName::read("data").unwrap());
    let mut tar = archive.new_tar(&id, &name, Compression::Zstd, &tags, NonZeroUsize::MIN).await?;
    tar.part(Bytes::from(vec![1; PIECE])).await?;
    tar.part(Bytes::from_static(b"end")).await?;
    tar.finish().await?;
    match end {
        Some(end) => archive.publish_backup(&backup(id.as_str(), end), &tags).await,
        None => Ok(()),
    }
}

/// Two backups, one that failed, one that was killed, and the WAL from before the first to the second; all
/// locked, but for the record of the one that failed.
async fn shelve(at: &At) -> BTreeSet<String> {
    let bed = Bed::new();
    for n in 1..5 {
        archive_wal(at, &bed, &bed.segment(&format!("00000001000000000000000{n}"))).await.unwrap();
    }
    take_backup(at, OLD, Some(BackupStatus::Done)).await.unwrap();
    take_backup(at, NEW, Some(BackupStatus::Done)).await.unwrap();
    take_backup(at, FAILED, Some(BackupStatus::Failed)).await.unwrap();
    take_backup(at, ORPHAN, None).await.unwrap();
    let keys = at.keys();
    assert_eq!(keys.len(), 4 + 2 + 2 + 2 + 1, "{keys:?}");
    keys
}

/// What the newest backup needs, and itself.
fn wanted(keys: &BTreeSet<String>) -> BTreeSet<String> {
    let is_wanted = |key: &&String| key.contains(NEW) || key.contains("000000010000000000000004");
    keys.iter().filter(is_wanted).cloned().collect()
}

fn reasons(deletion: &Deletion) -> Vec<String> {
    let judged = deletion.plan.backups.iter().chain(&deletion.plan.orphans);
    judged.map(|judged| format!("{}: {}", judged.id, judged.reason)).collect()
}

#[tokio::test]
async fn retention_plans_around_what_is_locked_and_the_rest_goes_when_the_locks_have_ended() {
    for at in At::both().await {
        let all = shelve(&at).await;
        let until = at.day(60);
        let deletion = at.retention(30).await.unwrap();
        assert_eq!(at.keys(), all);
        let expected = [
            format!("{OLD}: it is locked until {until}"),
            format!("{NEW}: the policy wants it"),
            format!("{FAILED}: it is locked until {until}"),
            format!("{ORPHAN}: it is locked until {until}"),
        ];
        assert_eq!(reasons(&deletion), expected);
        at.retention(61).await.unwrap();
        assert_eq!(at.keys(), wanted(&all));
    }
}

#[tokio::test]
async fn wal_that_is_locked_longer_than_its_backup_stays_from_the_first_such_file_on() {
    for mut at in At::both().await {
        let bed = Bed::new();
        for n in 1..5 {
            at.retain = Some(at.lock(if n < 3 { 10 } else { 60 }, RetainMode::Governance));
            archive_wal(&at, &bed, &bed.segment(&format!("00000001000000000000000{n}"))).await.unwrap();
        }
        at.retain = None;
        take_backup(&at, OLD, Some(BackupStatus::Done)).await.unwrap();
        take_backup(&at, NEW, Some(BackupStatus::Done)).await.unwrap();
        let plan = at.retention(30).await.unwrap().plan;
        assert_eq!(plan.wal.objects.len(), 2);
        let left: Vec<_> = at.keys().into_iter().filter(|key| key.starts_with("wals/")).collect();
        assert!(left.len() == 2 && left[0].contains("000000010000000000000003"), "{left:?}");
    }
}

#[tokio::test]
async fn backup_delete_refuses_a_locked_backup_and_deletes_it_when_the_lock_has_ended() {
    for at in At::both().await {
        let all = shelve(&at).await;
        let e = at.delete(30, OLD).await.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Conflict);
        assert_eq!(e.to_string(), format!("{OLD} cannot be deleted: it is locked until {}", at.day(60)));
        assert_eq!(at.keys(), all);
        at.hold(&format!("main/base/{OLD}/data.tar.zst"), true);
        let e = at.delete(61, OLD).await.unwrap_err();
        assert_eq!(e.to_string(), format!("{OLD} cannot be deleted: it is under a legal hold"));
        at.hold(&format!("main/base/{OLD}/data.tar.zst"), false);
        at.delete(61, OLD).await.unwrap();
        assert!(!at.keys().iter().any(|key| key.contains(OLD)));
    }
}

/// A hold on the record alone was not asked for: the deletion ran into it on every night, and nothing went.
#[tokio::test]
async fn a_hold_on_the_record_alone_is_planned_around_too() {
    for at in At::both().await {
        let all = shelve(&at).await;
        at.hold(&format!("main/base/{OLD}/backup.info"), true);
        let deletion = at.retention(61).await.unwrap();
        assert_eq!(reasons(&deletion)[0], format!("{OLD}: it is under a legal hold"));
        let left = at.keys();
        assert!(all.iter().filter(|key| key.contains(OLD)).all(|key| left.contains(key)), "{left:?}");
        assert!(!left.iter().any(|key| key.contains(FAILED) || key.contains(ORPHAN)), "{left:?}");
        assert_eq!(at.delete(61, OLD).await.unwrap_err().kind(), ErrorKind::Conflict);
    }
}

/// `gc` looked at no locks: one killed backup with a locked tar made every run end with status 5.
#[tokio::test]
async fn gc_plans_around_what_is_locked_and_sweeps_it_up_when_the_locks_have_ended() {
    for at in At::both().await {
        let all = shelve(&at).await;
        let outcome = at.sweep(30).await.unwrap();
        assert_eq!(at.keys(), all);
        let judged: Vec<_> =
            outcome.plan.backups.backups.iter().chain(&outcome.plan.backups.orphans).collect();
        let reason = |id: &str| {
            judged.iter().find(|judged| judged.id.as_str() == id).map(|judged| judged.reason.to_string())
        };
        let until = format!("it is locked until {}", at.day(60));
        assert_eq!((reason(FAILED), reason(ORPHAN)), (Some(until.clone()), Some(until)));
        assert!(outcome.plan.is_empty());
        assert!(outcome.failure().is_none());
        at.sweep(61).await.unwrap();
        let swept = |key: &&String| !key.contains(FAILED) && !key.contains(ORPHAN);
        assert_eq!(at.keys(), all.iter().filter(swept).cloned().collect());
    }
}

/// The record was stored, the answer was lost, and on the second attempt Google would not have it replaced: a
/// complete backup was called failed.
#[tokio::test]
async fn the_record_of_a_complete_backup_whose_answer_was_lost_is_stored() {
    let at = At::google().await;
    let Service::Google(gcs) = &at.service else { panic!("it is") };
    let (archive, tags) = (at.archive(), Tags::default());
    archive.claim_backup(&backup(NEW, BackupStatus::Started), &tags).await.unwrap();
    gcs.forget();
    gcs.fault(Method::POST, 1, gcs::Fault::LoseAnswer);
    archive.publish_backup(&backup(NEW, BackupStatus::Done), &tags).await.unwrap();
    assert_eq!(gcs.count(&Method::POST), 2);
    let catalog = archive.catalog().await.unwrap();
    assert_eq!(catalog.entries[0].backup.status, BackupStatus::Done);
    // Another text is not taken for it.
    let mut other = backup(NEW, BackupStatus::Done);
    other.name = Some("other".to_owned());
    assert_eq!(archive.publish_backup(&other, &tags).await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn check_tells_whether_what_is_stored_can_be_locked() {
    let on = Ok("what is stored can be locked".to_owned());
    let untold = Ok("the service does not tell whether what is stored can be locked".to_owned());
    for at in At::both().await {
        assert_eq!(step(&at).await, on);
        at.locks_off();
        assert_eq!(step(&at).await, Err(ErrorKind::Usage));
        at.forbid_asking();
        assert_eq!(step(&at).await, untold);
    }
    // A policy of the whole container holds objects, and locks none that is told of.
    let at = At::azure().await;
    let Service::Azure(azure) = &at.service else { panic!("it is") };
    azure.be_immutable(Immutability::Container);
    assert_eq!(at.store.locks().await.unwrap(), Locks::HeldOnly);
}

/// The step `lock` of a check.
async fn step(at: &At) -> Result<String, ErrorKind> {
    let bed = Bed::new();
    let request = check::Request { locks: true, ..bed.check_request() };
    let outcome = check::run(&request, at).await.unwrap();
    let failed = |e: &Error| e.kind();
    let lock = outcome.steps.iter().find(|step| step.name == "lock").unwrap();
    assert_eq!(outcome.failure().is_some(), lock.result.is_err());
    lock.result.as_ref().map(Clone::clone).map_err(failed)
}
