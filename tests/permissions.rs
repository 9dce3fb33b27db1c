//! The least that credentials must be allowed, and that it suffices: the policies of `docs/permissions.md`,
//! held against what the verbs ask of an S3 service.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bed;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::num::NonZeroUsize;

use async_trait::async_trait;
use barkeep::archive::{Address, Archive, ExclusivePut, OpenArchive, Patience, Stored, Tags};
use barkeep::command::wal_archive::{self, Archived};
use barkeep::command::{Access, Care, backups, check, retention};
use barkeep::error::{ErrorKind, Result};
use barkeep::model::{Backup, BackupId, BackupStatus, Compression, RetentionRule, TarName};
use bed::{Bed, MIB, SYSTEM, packed, segment_bytes};
use bytes::Bytes;
use s3::policy::Policy;
use s3::{BUCKET, S3};

/// Where [`S3`] opens its store.
const PATH: &str = "some/path";
const ID: &str = "20260102T030405";

/// An archive at the service.
struct At {
    s3: S3,
    address: Address,
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
        Ok(self.archive().await)
    }
}

impl At {
    async fn start() -> Self {
        let address = Address { store: "s3".to_owned(), server: "main".parse().unwrap() };
        Self { s3: S3::start().await, address }
    }

    async fn archive(&self) -> Archive {
        Archive::new(self.s3.open().await, "main".parse().unwrap())
    }

    fn allow_only(&self, heading: &str) {
        self.s3.allow_only(Policy::of_document(heading, BUCKET, PATH));
    }

    /// What was tried and refused under the policy.
    fn refused(&self) -> Vec<&'static str> {
        self.s3.allow_everything().into_iter().map(|deed| deed.action).collect()
    }
}

fn backup(id: &str, status: BackupStatus) -> Backup {
    let mut backup = Backup::new(id.parse().unwrap(), status);
    let time: jiff::Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    backup.begin.time = Some(time.to_zoned(jiff::tz::TimeZone::UTC));
    backup.end.time = backup.begin.time.clone();
    backup.begin.wal = "000000010000000000000001".parse().ok();
    backup.end.wal = backup.begin.wal;
    backup
}

/// All that a backup stores.
async fn take_backup(archive: &Archive, id: &str) -> Result<()> {
    let id: BackupId = id.parse().unwrap();
    let tags = Tags::default();
    assert_eq!(archive.claim_backup(&backup(id.as_str(), BackupStatus::Started), &tags).await?, Stored::New);
    let two = NonZeroUsize::new(2).unwrap();
    let name = TarName::read("data").unwrap();
    let mut tar = archive.new_tar(&id, &name, Compression::Zstd, &tags, two).await?;
    tar.part(Bytes::from(vec![1; 5 << 20])).await?;
    tar.part(Bytes::from(vec![2; 100])).await?;
    tar.finish().await?;
    // One that is given up; where it may not be freed, the bucket's rules do that.
    let given_up =
        archive.new_tar(&id, &TarName::read("16385").unwrap(), Compression::Zstd, &tags, two).await?;
    let _ = given_up.abort().await;
    archive.publish_backup(&backup(id.as_str(), BackupStatus::Done), &tags).await
}

fn access() -> Access {
    Access { spool: None, max_attempts: None, now: "2099-01-01T00:00:00Z".parse().unwrap() }
}

async fn retain_one(at: &At) -> Result<barkeep::command::Deletion> {
    let leftovers_after = std::time::Duration::from_hours(7 * 24);
    let rule = RetentionRule { policy: "REDUNDANCY 1".parse()?, minimum: 0, leftovers_after };
    retention::run(&retention::Request { access: access(), rule, dry_run: false, care: Care::default() }, at)
        .await
}

#[tokio::test]
async fn an_archiver_that_may_only_create_archives_new_wal_the_same_again_twins_histories_and_ahead() {
    let (at, bed) = (At::start().await, Bed::new());
    let one = bed.segment("000000010000000000000001");
    // A twin, stored by somebody who may.
    let twin_name = "000000010000000000000002";
    let plain = segment_bytes(twin_name, SYSTEM, barkeep::model::SegmentSize::new(MIB).unwrap(), 1);
    let key = barkeep::store::Key::new(format!("main/wals/0000000100000000/{twin_name}.gz")).unwrap();
    let how = barkeep::store::Put::default();
    at.s3.open().await.put(&key, Bytes::from(packed(Compression::Gzip, &plain)), &how).await.unwrap();
    at.allow_only("archiver");
    let archive = async |file: &std::path::Path| wal_archive::run(&bed.archive_request(file), &at).await;

    let stored = |end: Result<wal_archive::Outcome>| matches!(end.unwrap().archived, Archived::Stored { .. });
    assert!(stored(archive(&one).await));
    assert_eq!(archive(&one).await.unwrap().archived, Archived::Same);
    assert_eq!(archive(&bed.segment(twin_name)).await.unwrap().archived, Archived::Same);
    let history = bed.wal("00000002.history");
    std::fs::write(&history, "1\t0/3000000\tno recovery target specified\n").unwrap();
    assert!(stored(archive(&history).await));
    assert_eq!(archive(&history).await.unwrap().archived, Archived::Same);
    let names: Vec<String> = (3..9).map(|n| format!("00000001000000000000000{n}")).collect();
    let waiting: Vec<_> = names.iter().map(|name| bed.segment(name)).collect();
    let mut ahead = 0;
    for file in &waiting {
        let outcome = archive(file).await.unwrap();
        ahead += usize::from(outcome.archived == Archived::Ahead);
    }
    assert!(ahead > 0, "nothing was stored ahead");
    // Other content under a name is still refused, and with another spool the key is still seen to be taken.
    let other = bed.segment_with("000000010000000000000001", SYSTEM, 2);
    assert_eq!(archive(&other).await.unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(at.refused(), [""; 0]);
}

#[tokio::test]
async fn an_archiver_that_may_only_create_takes_a_backup_and_cannot_take_it_back() {
    let at = At::start().await;
    at.allow_only("archiver");
    take_backup(&at.archive().await.creating_only(true), ID).await.unwrap();
    let catalog = at.archive().await.catalog().await.unwrap();
    assert_eq!((catalog.entries.len(), catalog.entries[0].backup.status), (1, BackupStatus::Done));
    assert_eq!(at.refused(), ["s3:AbortMultipartUpload"], "only freeing what was given up was refused");

    take_backup(&at.archive().await, "20260103T030405").await.unwrap();
    at.allow_only("archiver");
    let error = retain_one(&at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("nothing was changed"), "{error}");
    let taken_back = at.archive().await.unpublish_backup(&backup(ID, BackupStatus::Done)).await;
    assert_eq!(taken_back.unwrap_err().kind(), ErrorKind::Denied);
    let catalog = at.archive().await.catalog().await.unwrap();
    assert!(catalog.entries.iter().all(|entry| entry.backup.status == BackupStatus::Done));
}

#[tokio::test]
async fn an_archiver_that_may_only_create_passes_the_check() {
    let (at, bed) = (At::start().await, Bed::new());
    at.allow_only("archiver");
    let outcome = check::run(&bed.check_request(), &at).await.unwrap();
    assert!(outcome.failure().is_none(), "{:?}", outcome.failure());
    // It asks whether it may delete, which is what it may not.
    assert!(at.refused().iter().all(|action| *action == "s3:DeleteObject"));
}

#[tokio::test]
async fn whoever_retains_may_do_just_that() {
    let at = At::start().await;
    for id in [ID, "20260103T030405"] {
        take_backup(&at.archive().await, id).await.unwrap();
    }
    at.allow_only("retention");
    let deletion = retain_one(&at).await.unwrap();
    assert_eq!(deletion.plan.going().count(), 1);
    assert_eq!(at.archive().await.catalog().await.unwrap().entries.len(), 1);
    let refused = take_backup(&at.archive().await, "20260104T030405").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied, "tars are not its business");
    let _ = at.refused();
}

#[tokio::test]
async fn whoever_restores_may_look_and_read_and_nothing_else() {
    let (at, bed) = (At::start().await, Bed::new());
    take_backup(&at.archive().await, ID).await.unwrap();
    at.allow_only("restore");
    let listed = backups::list(&access(), &at).await.unwrap();
    assert_eq!(listed.backups.len(), 1);
    assert_eq!(at.refused(), [""; 0]);
    at.allow_only("restore");
    let file = bed.segment("000000010000000000000001");
    let error = wal_archive::run(&bed.archive_request(&file), &at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
}
