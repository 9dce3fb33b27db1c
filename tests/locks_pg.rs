//! The real binary under locks, and with credentials that may only create: what it stores, plans around,
//! removes when the locks have ended, and brings back.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

use std::collections::BTreeSet;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use barkeep::store::{IfExists, Key, Lock, ObjectStore, Prefix, Put, Retain, RetainMode};
use bytes::Bytes;
use common::barkeep::{BUCKET, Barkeep, PATH};
use common::moto::Moto;
use common::pg::{NEWEST, Server, Shutdown};
use common::reach::Reach;
use common::{Scratch, run};
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use s3::S3;
use s3::policy::Policy;
use tokio_postgres::Client;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long objects are locked: longer than everything takes that is to find them so.
const LOCKED: SignedDuration = SignedDuration::from_secs(75);
const ORPHAN: &str = "main/base/20200102T030405/data.tar";

async fn keys(store: &Arc<dyn ObjectStore>) -> BTreeSet<String> {
    let all: Vec<_> = store.list(&Prefix::everything(), None).try_collect().await.unwrap();
    all.iter().map(|meta| meta.key.to_string()).collect()
}

/// The text of a command that ends with this status.
fn ended(command: &mut Command, status: i32) -> String {
    let Output { status: end, stdout, stderr } = run(command, PATIENCE);
    let told = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert_eq!(end.code(), Some(status), "{told}");
    told
}

async fn rows(client: &Client, rows: i64) {
    let found: i64 = client.query_one("select count(*) from t", &[]).await.unwrap().get(0);
    assert_eq!(found, rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_binary_has_locked_is_planned_around_and_goes_when_the_locks_have_ended() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_locking_bucket(BUCKET).await;
    let barkeep = Barkeep::on_moto(&scratch, &moto);
    let mut server = Server::init(&scratch, NEWEST, 1, &barkeep);
    let until = Timestamp::from_second(Timestamp::now().as_second()).unwrap().checked_add(LOCKED).unwrap();
    let until_text = until.to_string();
    let archiving =
        barkeep.archive_command().replace("wal-archive", &format!("wal-archive --lock-until {until}"));
    server.set(&[("archive_command", &archiving)]);
    let client = server.start().await;
    let locking = ["--lock-until", &until_text, "--lock-mode", "compliance", "--json"];
    let said: serde_json::Value =
        serde_json::from_str(&barkeep.must_back_up(&server.sockets(), "one", &locking)).unwrap();
    let one = said["backup_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned();
    // And what a backup has locked that was killed before it had a record.
    let store = barkeep.store().await;
    let retain = Some(Retain { until, mode: RetainMode::Governance });
    let how = Put { if_exists: IfExists::Replace, retain, ..Put::default() };
    store.put(&Key::new(ORPHAN).unwrap(), Bytes::from_static(b"tar"), &how).await.unwrap();
    barkeep.must_back_up(&server.sockets(), "two", &[]);
    server.archive_all(&client).await;

    let before = keys(&store).await;
    // moto forgets the locks of what comes in parts; those are looked at where requests are recorded.
    let record = format!("{one}/backup.info");
    for key in before.iter().filter(|key| key.ends_with(&record) || key.contains("/wals/")) {
        let found = store.head(&Key::new(key.as_str()).unwrap()).await.unwrap().unwrap();
        assert_eq!(found.lock, Some(Lock::Until(until)), "{key}");
        let told = moto.lock_mode_of(BUCKET, &format!("{PATH}/{key}")).await;
        let mode = if key.contains(&one) { "COMPLIANCE" } else { "GOVERNANCE" };
        assert_eq!(told, mode, "{key}");
    }
    let unlocked = |key: &&String| !key.contains(&one) && !key.contains("/wals/") && key.as_str() != ORPHAN;
    for key in before.iter().filter(unlocked) {
        assert_eq!(store.head(&Key::new(key.as_str()).unwrap()).await.unwrap().unwrap().lock, None, "{key}");
    }

    let told = ended(&mut barkeep.command(&["retention", "REDUNDANCY 1", "--leftovers-after", "1s"]), 0);
    assert!(told.contains(&format!("it is locked until {until}")), "{told}");
    let told = ended(&mut barkeep.command(&["backup-delete", &one]), 3);
    assert!(told.contains(&format!("{one} cannot be deleted: it is locked until {until}")), "{told}");
    let told = ended(&mut barkeep.command(&["gc", "--older-than", "1s"]), 0);
    assert!(told.contains("20200102T030405") && told.contains("it is locked until"), "{told}");
    assert!(
        Timestamp::now() < until,
        "the locks have ended before they were tried: this machine is too slow"
    );
    assert_eq!(keys(&store).await, before);

    let left = until.duration_since(Timestamp::now()).unsigned_abs() + Duration::from_secs(2);
    tokio::time::sleep(left).await;
    ended(&mut barkeep.command(&["gc", "--older-than", "1s"]), 0);
    assert!(!keys(&store).await.contains(ORPHAN));
    ended(&mut barkeep.command(&["retention", "REDUNDANCY 1"]), 0);
    let after = keys(&store).await;
    assert!(!after.iter().any(|key| key.contains(&one)), "{after:?}");
    let wals = |keys: &BTreeSet<String>| keys.iter().filter(|key| key.contains("/wals/")).count();
    assert!(wals(&after) < wals(&before), "{after:?}");
    ended(&mut barkeep.command(&["verify"]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_object_lock_is_told_before_anything_is_archived_under_lock() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_bucket(BUCKET).await;
    moto.create_locking_bucket("locking").await;
    let plain = Barkeep::on_moto(&scratch, &moto);
    let told = ended(&mut plain.command(&["check", "--locks"]), 2);
    assert!(told.contains("objects of this bucket cannot be locked"), "{told}");
    let locking = plain.spelled("s3://locking/some/path");
    let told = ended(&mut locking.command(&["check", "--locks"]), 0);
    assert!(told.contains("what is stored can be locked"), "{told}");
}

/// Barkeep on a service that holds every request against a policy.
fn on_policed(scratch: &Scratch, s3: &S3) -> Barkeep {
    let text = |text: &str| text.to_owned();
    let variables = vec![
        ("BARKEEP_S3_ENDPOINT_URL", s3.endpoint()),
        ("AWS_ACCESS_KEY_ID", text(s3::ACCESS_KEY)),
        ("AWS_SECRET_ACCESS_KEY", text(s3::SECRET_KEY)),
        ("AWS_DEFAULT_REGION", text("us-east-1")),
    ];
    Barkeep::on(scratch, Reach { top: format!("s3://{}", s3::BUCKET), variables, options: s3.options() })
}

fn allow_only(s3: &S3, heading: &str) {
    s3.allow_only(Policy::of_document(heading, s3::BUCKET, PATH));
}

/// What was tried and refused under the policy.
fn refused(s3: &S3) -> Vec<&'static str> {
    s3.allow_everything().into_iter().map(|deed| deed.action).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_create_archives_and_backs_up_through_both_doors_and_who_may_only_read_brings_it_back() {
    let scratch = Scratch::new();
    let s3 = S3::start().await;
    let barkeep = on_policed(&scratch, &s3);
    allow_only(&s3, "archiver");
    let mut primary = Server::init(&scratch, NEWEST, 1, &barkeep);
    let client = primary.start().await;
    client.batch_execute("create table t as select generate_series(1, 1000) as n").await.unwrap();
    // Without the word for it the second record would be refused, and nothing is copied.
    let told = ended(&mut barkeep.backup_command(&primary.sockets(), "no", &[]), 5);
    assert!(told.contains("BARKEEP_BACKUP_CREATE_ONLY"), "{told}");
    assert!(!refused(&s3).is_empty());
    allow_only(&s3, "archiver");

    barkeep.must_back_up(&primary.sockets(), "by flag", &["--create-only"]);
    let mut by_variable = barkeep.backup_command(&primary.sockets(), "by variable", &[]);
    ended(by_variable.env("BARKEEP_BACKUP_CREATE_ONLY", "true"), 0);
    // The other door has no word for it but the variable.
    let other = |create_only: &str| {
        let mut command = barkeep.command(&["barman-cloud-backup", "--user", "postgres", "--name", "other"]);
        let url = format!("s3://{}/{PATH}", s3::BUCKET);
        command.args(["--immediate-checkpoint", "--endpoint-url", &s3.endpoint(), &url, "main"]);
        command.env("PGHOST", primary.sockets()).env("BARKEEP_BACKUP_CREATE_ONLY", create_only);
        command
    };
    ended(&mut other("true"), 0);
    let told = ended(&mut other("perhaps"), 4);
    assert!(told.contains("BARKEEP_BACKUP_CREATE_ONLY"), "{told}");
    client.batch_execute("insert into t select generate_series(1001, 1500)").await.unwrap();
    primary.archive_all(&client).await;
    assert_eq!(refused(&s3), [""; 0]);

    drop(client);
    primary.stop(Shutdown::Immediate);
    allow_only(&s3, "restore");
    let listed = barkeep.must(&["backup-list"]);
    assert_eq!(listed.matches("DONE").count(), 3, "{listed}");
    for name in ["by flag", "by variable", "other"] {
        let place = format!("restored {name}").replace(' ', "-");
        let mut server = Server::at_home(&scratch, NEWEST, &place, &barkeep);
        barkeep.must(&["restore", &server.data().display().to_string(), "--backup", name]);
        server.move_in();
        server.launch();
        let client = server.promoted().await;
        rows(&client, 1500).await;
        server.stop(Shutdown::Immediate);
    }
    // The clones do not archive, so nobody has asked for more than reading.
    assert_eq!(refused(&s3), [""; 0]);
}
