//! CloudNativePG's scenarios from end to end (spec/cloudnativepg.md 0): a real PostgreSQL whose WAL and
//! backups go through the nine programs, started as the Barman Cloud Plugin starts them.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use barkeep::store::{ExclusivePut, IfExists, Key, Put};
use common::azurite::Azurite;
use common::barkeep::{BUCKET, PATH};
use common::load::{Ledger, Load};
use common::moto::Moto;
use common::pg::{NEWEST, Server, in_recovery, reload};
use common::pod::{ObjectStore, Pod};
use common::reach::Reach;
use common::record::Record;
use common::reference::Reference;
use common::{Scratch, tell, wait_for};
use futures_util::TryStreamExt as _;
use jiff::{Timestamp, Unit};
use tokio_postgres::Client;

/// How long WAL may take from one cluster to the other.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_cluster_lives_on_the_archive_of_its_source_and_has_its_own_beside_it() {
    let scratch = Scratch::new();
    // Without a bucket: the check is what makes it.
    let moto = Moto::http(&scratch).await;
    let store = ObjectStore::on_moto(&moto, "cnpg");
    let source = Pod::new(&scratch, &store, "cluster-eu");
    succeeds(&source.check_wal_archive());
    let mut primary = Server::init_in(&scratch, NEWEST, &source);
    let client = primary.start().await;
    Load::prepare(&client).await;
    let mut ledger = Ledger::default();
    write(&primary, &client, 1, &mut ledger).await;
    assert!(source.list("cluster-eu").is_empty(), "there is WAL and no backup yet");
    refuses_to_begin_again(&source);
    let backup = source.back_up(&primary, "backup-20260101000000");
    is_as_its_server_says(&backup, &client).await;
    assert_eq!(backup.backup_name.as_deref(), Some("backup-20260101000000"));
    assert_eq!(source.list("cluster-eu").len(), 1);

    let replica = Pod::new(&scratch, &store, "cluster-us");
    let backup = latest(&replica.list("cluster-eu"));
    succeeds(&replica.check_wal_archive());
    let mut standby = Server::in_pod(&scratch, NEWEST, &replica);
    replica.restore("cluster-eu", &backup, &standby.data());
    replica.move_in(&standby, "cluster-eu");
    standby.set(&[("archive_mode", "always")]);
    standby.signal("standby");
    let copy = standby.start().await;
    write(&primary, &client, 2, &mut ledger).await;
    follows(&copy, &client).await;
    assert!(in_recovery(&copy).await, "the replica has promoted itself");
    standby.archived().await;
    let own = |keys: &[String]| keys.iter().filter(|key| key.starts_with("cnpg/cluster-us/wals/")).count();
    assert!(own(&moto.keys(BUCKET).await) > 0, "the replica cluster has archived nothing");
    assert!(replica.list("cluster-us").is_empty(), "the source's backup counts as the replica's");

    primary.destroy();
    copy.query_one("select pg_promote()", &[]).await.unwrap();
    ledger.must_equal(&copy).await;
    write(&standby, &copy, 3, &mut ledger).await;
    let history = "cnpg/cluster-us/wals/00000002.history";
    assert!(moto.keys(BUCKET).await.iter().any(|key| key.starts_with(history)), "{history} is not there");
    let second = replica.back_up(&standby, "backup-20260101000001");
    assert_eq!(second.timeline, Some(2));
    assert_eq!(ids(&replica.list("cluster-us")), [second.backup_id]);
    assert_eq!(ids(&replica.list("cluster-eu")), [backup.backup_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_comes_back_from_azure_at_a_second_and_archives_beside_the_one_it_was() {
    let scratch = Scratch::new();
    let azurite = Azurite::https(&scratch).await;
    azurite.create_container(BUCKET).await;
    let store = ObjectStore::on_azurite(&azurite, "mealie");
    let pod = Pod::new(&scratch, &store, "mealie-db-00");
    succeeds(&pod.check_wal_archive());
    let mut primary = Server::init_in(&scratch, NEWEST, &pod);
    let client = primary.start().await;
    Load::prepare(&client).await;
    let mut ledger = Ledger::default();
    let backup = pod.back_up(&primary, "backup-20260101000000");
    write(&primary, &client, 1, &mut ledger).await;
    let moment = next_second().await;
    write(&primary, &client, 2, &mut Ledger::default()).await;
    pod.delete_older_than(14);
    primary.destroy();

    // The operator chooses the backup by the list, and leaves the moment to PostgreSQL.
    let next = Pod::new(&scratch, &store, "mealie-db-01");
    let chosen = latest(&next.list("mealie-db-00"));
    assert_eq!(chosen.backup_id, backup.backup_id);
    assert!(chosen.end().unwrap() < moment, "the backup ended after {moment}");
    succeeds(&next.check_wal_archive());
    refuses_to_begin_again(&pod);
    let mut server = Server::in_pod(&scratch, NEWEST, &next);
    next.restore("mealie-db-00", &chosen, &server.data());
    next.move_in(&server, "mealie-db-00");
    let zoneless = moment.strftime("%Y-%m-%d %H:%M:%S").to_string();
    server.set(&[("recovery_target_time", &zoneless), ("recovery_target_action", "promote")]);
    server.signal("recovery");
    server.launch();
    let client = server.promoted().await;
    ledger.must_equal(&client).await;

    write(&server, &client, 3, &mut ledger).await;
    let second = next.back_up(&server, "backup-20260101000001");
    assert_eq!(ids(&next.list("mealie-db-01")), [second.backup_id]);
    assert_eq!(ids(&next.list("mealie-db-00")), [chosen.backup_id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_the_reference_began_is_gone_on_with_restored_and_expired() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_bucket(BUCKET).await;
    let reference = Reference::on_moto(&scratch, &moto);
    let store = ObjectStore::on_moto(&moto, PATH);
    let pod = Pod::new(&scratch, &store, "main");
    let mut primary = Server::init_in(&scratch, NEWEST, &pod);
    primary.set(&[("archive_command", &reference.archive_command(&["--gzip"]))]);
    let client = primary.start().await;
    Load::prepare(&client).await;
    let mut ledger = Ledger::default();
    write(&primary, &client, 1, &mut ledger).await;
    reference.backup(&primary, "backup-20260101000000", &["--gzip"]);
    write(&primary, &client, 2, &mut ledger).await;

    // No check: the data directory is not new.
    primary.set(&[("archive_command", &pod.archive_command())]);
    reload(&client).await;
    write(&primary, &client, 3, &mut ledger).await;
    let theirs = latest(&pod.list("main"));
    let ours = pod.back_up(&primary, "backup-20260101000001");
    let newest = pod.back_up(&primary, "backup-20260101000002");
    write(&primary, &client, 4, &mut ledger).await;
    let all = [theirs.backup_id.clone(), ours.backup_id.clone(), newest.backup_id.clone()];
    assert_eq!(ids(&pod.list("main")), all);
    assert_eq!(latest(&pod.list("main")).backup_id, newest.backup_id);
    primary.destroy();

    // From the reference's backup, over WAL of both.
    let next = Pod::new(&scratch, &store, "restored");
    let mut server = Server::in_pod(&scratch, NEWEST, &next);
    next.restore("main", &theirs, &server.data());
    next.move_in(&server, "main");
    server.signal("recovery");
    server.launch();
    ledger.must_equal(&server.promoted().await).await;

    let reach = moto.reach(BUCKET);
    happened_on(&reach, &theirs, "2026-01-01").await;
    happened_on(&reach, &ours, "2026-01-02").await;
    pod.delete_older_than(7);
    // The second is what the window begins with.
    assert_eq!(ids(&pod.list("main")), all[1..]);
    let keys = moto.keys(BUCKET).await;
    let folder = format!("/base/{}/", theirs.backup_id);
    assert!(!keys.iter().any(|key| key.contains(&folder)), "something of it is left: {keys:?}");
    let needed = ours.begin_wal.unwrap();
    let segments =
        keys.iter().filter_map(|key| key.strip_prefix(&format!("{PATH}/main/wals/"))?.split('/').nth(1));
    let segments = segments.map(|name| &name[..24]).collect::<Vec<_>>();
    assert!(segments.contains(&needed.as_str()), "{needed} is gone: {segments:?}");
    assert!(segments.iter().all(|name| *name >= needed.as_str()), "WAL before {needed}: {segments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wal_comes_before_the_first_backup_and_the_bucket_alone_brings_the_cluster_back() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    let store = ObjectStore::on_moto(&moto, "backups/deep");
    let pod = Pod::new(&scratch, &store, "cluster-example");
    // A bucket that is not there proves nothing about WAL.
    let nowhere = scratch.dir("asked").join("RECOVERYXLOG");
    let output = pod.restore_wal("cluster-example", "000000010000000000000001", &nowhere);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    succeeds(&pod.check_wal_archive());
    let output = pod.restore_wal("cluster-example", "000000010000000000000001", &nowhere);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!nowhere.exists(), "a miss left a file");

    let mut primary = Server::init_in(&scratch, NEWEST, &pod);
    // Nothing is archived yet, and nothing recycled.
    primary.set(&[("archive_mode", "off"), ("wal_keep_size", "1GB")]);
    let client = primary.start().await;
    Load::prepare(&client).await;
    let mut ledger = Ledger::default();
    let mut files = Vec::<PathBuf>::new();
    for round in 1..=4 {
        let load = Load::start(&primary.address(), round);
        tokio::time::sleep(Duration::from_millis(300)).await;
        load.finish(&mut ledger).await;
        let name: String =
            client.query_one("select pg_walfile_name(pg_switch_wal())", &[]).await.unwrap().get(0);
        files.push(primary.data().join("pg_wal").join(name));
    }
    // All at once, and then once more: the plugin retries what it does not know to be stored.
    for _ in 0..2 {
        pod.archive_at_once(&files).iter().for_each(succeeds);
    }
    // Several of the same file at once: nobody cancels a process whose caller has given up.
    pod.archive_at_once(&vec![files[0].clone(); 4]).iter().for_each(succeeds);
    let keys = moto.keys(BUCKET).await;
    assert_eq!(keys.iter().filter(|key| key.contains("/wals/")).count(), files.len(), "{keys:?}");
    assert!(pod.list("cluster-example").is_empty());
    refuses_to_begin_again(&pod);

    primary.set(&[("archive_mode", "on")]);
    primary.stop(common::pg::Shutdown::Fast);
    let client = primary.start().await;
    pod.back_up(&primary, "backup-20260101000000");
    write(&primary, &client, 9, &mut ledger).await;
    primary.destroy();

    let next = Pod::new(&scratch, &store, "cluster-restore");
    let backup = latest(&next.list("cluster-example"));
    succeeds(&next.check_wal_archive());
    let mut server = Server::in_pod(&scratch, NEWEST, &next);
    next.restore("cluster-example", &backup, &server.data());
    next.move_in(&server, "cluster-example");
    server.signal("recovery");
    server.launch();
    let client = server.promoted().await;
    ledger.must_equal(&client).await;
    server.archive_all(&client).await;
    tell(&format!("{} transactions are back", ledger.len()));
}

/// A load, all of it archived.
async fn write(server: &Server, client: &Client, round: i64, ledger: &mut Ledger) {
    let load = Load::start(&server.address(), round);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    load.finish(ledger).await;
    server.archive_all(client).await;
}

/// Waits until the standby has what the primary has.
async fn follows(standby: &Client, primary: &Client) {
    let count = async |client: &Client| -> i64 {
        client.query_one("select count(*) from event", &[]).await.unwrap().get(0)
    };
    let wanted = count(primary).await;
    wait_for("the replica has all rows", PATIENCE, async || (count(standby).await == wanted).then_some(()))
        .await;
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

/// The archive has WAL: a new data directory must not begin to archive into it.
fn refuses_to_begin_again(pod: &Pod) {
    let output = pod.check_wal_archive();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let wanted = format!("WAL archive check failed for server {}: Expected empty archive", pod.server);
    assert!(String::from_utf8_lossy(&output.stderr).contains(&wanted), "{output:?}");
}

/// The backup that the plugin would restore: the last one that has ended.
fn latest(backups: &[Record]) -> Record {
    let usable = backups.iter().filter(|backup| backup.is_usable());
    usable.max_by_key(|backup| backup.end()).expect("there is a backup").clone()
}

fn ids(backups: &[Record]) -> Vec<String> {
    backups.iter().map(|backup| backup.backup_id.clone()).collect()
}

async fn is_as_its_server_says(backup: &Record, client: &Client) {
    let system = client.query_one("select system_identifier::text from pg_control_system()", &[]).await;
    assert_eq!(backup.systemid, Some(system.unwrap().get(0)));
    assert_eq!(backup.timeline, Some(1));
    assert_eq!(backup.error, None);
    assert!(backup.is_usable(), "{backup:?}");
    assert!(backup.begin() <= backup.end() && backup.begin_wal <= backup.end_wal, "{backup:?}");
    for position in [&backup.begin_xlog, &backup.end_xlog] {
        let (high, low) = position.as_ref().unwrap().split_once('/').unwrap();
        assert!(u32::from_str_radix(high, 16).is_ok() && u32::from_str_radix(low, 16).is_ok(), "{backup:?}");
    }
}

/// A full second after everything written so far, and before anything that is written next.
async fn next_second() -> Timestamp {
    let moment = Timestamp::now().round(Unit::Second).unwrap() + Duration::from_secs(1);
    let wait = moment.duration_since(Timestamp::now()).unsigned_abs() + Duration::from_millis(100);
    tokio::time::sleep(wait).await;
    moment
}

/// Makes a backup one of that day in January.
async fn happened_on(reach: &Reach, backup: &Record, day: &str) {
    let store = reach.open(&reach.url(PATH), ExclusivePut::AskFirst).await;
    let key = Key::new(format!("main/base/{}/backup.info", backup.backup_id)).unwrap();
    let body = store.get(&key, None).await.unwrap().body.try_collect::<Vec<_>>().await.unwrap().concat();
    let aged = String::from_utf8(body).unwrap().lines().fold(String::new(), |all, line| {
        match line.split_once('=') {
            Some(("begin_time", _)) => all + &format!("begin_time={day} 00:00:00+00:00\n"),
            Some(("end_time", _)) => all + &format!("end_time={day} 00:00:10+00:00\n"),
            _ => all + line + "\n",
        }
    });
    let replace = Put { if_exists: IfExists::Replace, ..Put::default() };
    store.put(&key, aged.into(), &replace).await.unwrap();
}
