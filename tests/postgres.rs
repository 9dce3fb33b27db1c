//! Real PostgreSQL, newest and oldest: what was committed is found again after everything is lost.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use common::barkeep::{BUCKET, Barkeep};
use common::load::{Ledger, Load};
use common::moto::Moto;
use common::pg::{NEWEST, OLDEST, Server, Shutdown, in_recovery};
use common::proxy::CutProxy;
use common::{Scratch, tell, wait_for};
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_postgresql_comes_back_from_a_directory() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    RoundTrip::on(NEWEST).run(&scratch, &barkeep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_postgresql_comes_back_from_a_directory() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    RoundTrip::on(OLDEST).run(&scratch, &barkeep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_postgresql_comes_back_from_s3_with_a_private_authority() {
    let scratch = Scratch::new();
    let moto = moto(&scratch).await;
    RoundTrip::on(NEWEST).run(&scratch, &Barkeep::on_moto(&scratch, &moto)).await;
    assert!(moto.keys(BUCKET).await.iter().any(|key| key.starts_with("some/path/main/wals/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_postgresql_comes_back_from_s3_with_a_private_authority() {
    let scratch = Scratch::new();
    let moto = moto(&scratch).await;
    RoundTrip::on(OLDEST).run(&scratch, &Barkeep::on_moto(&scratch, &moto)).await;
    assert!(moto.keys(BUCKET).await.iter().any(|key| key.starts_with("some/path/main/wals/")));
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_of_1_mib_come_back() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    RoundTrip { segment_mib: 1, crashes: 1, ..RoundTrip::on(NEWEST) }.run(&scratch, &barkeep).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_of_64_mib_come_back() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    RoundTrip { segment_mib: 64, crashes: 1, ..RoundTrip::on(NEWEST) }.run(&scratch, &barkeep).await;
}

/// Archive under load with crashes, lose everything, recover, compare.
struct RoundTrip {
    major: u32,
    segment_mib: u32,
    crashes: u32,
}

impl RoundTrip {
    fn on(major: u32) -> Self {
        Self { major, segment_mib: 16, crashes: 3 }
    }

    async fn run(&self, scratch: &Scratch, barkeep: &Barkeep) {
        let mut primary = Server::init(scratch, self.major, self.segment_mib, barkeep);
        let client = primary.start().await;
        Load::prepare(&client).await;
        let mut ledger = Ledger::default();
        let load = Load::start(&primary.address(), 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let base = primary.base_backup(scratch, "base");
        let begin = wal_written(&client).await;
        for _ in 0..self.crashes {
            tokio::time::sleep(a_while()).await;
            primary.stop(Shutdown::Immediate);
            primary.start().await;
        }
        let client = primary.ready().await;
        // However slow the machine is: the segment in which the backup begins, one that is begun after
        // it, and at least one more are there to be restored.
        let segment = i64::from(self.segment_mib) << 20;
        wait_for("a segment's worth of WAL is written", Duration::from_mins(5), async || {
            primary.must_run();
            (wal_written(&client).await >= begin + segment).then_some(())
        })
        .await;
        tokio::time::sleep(a_while()).await;
        load.finish(&mut ledger).await;
        let last = primary.archive_all(&client).await;
        primary.destroy();

        let restore = barkeep.restore_command();
        let mut recovered = Server::recovering(scratch, "recovered", &base, barkeep, &restore, "recovery");
        recovered.launch();
        let client = recovered.promoted().await;
        ledger.must_equal(&client).await;
        let restored = recovered.log().matches("restored log file").count();
        assert!(restored >= 3, "only {restored} files were restored");
        tell(&format!("{} transactions, {restored} files up to {last}", ledger.len()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_follows_the_archive_to_a_new_timeline() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    let mut primary = Server::init(&scratch, NEWEST, 16, &barkeep);
    let client = primary.start().await;
    Load::prepare(&client).await;
    let base = primary.base_backup(&scratch, "base");
    let mut ledger = Ledger::default();
    write_for_a_while(&primary, &client, 1, &mut ledger).await;
    primary.destroy();

    // It ends on timeline 2 and goes on archiving where the first one did.
    let restore = barkeep.restore_command();
    let mut second = Server::recovering(&scratch, "second", &base, &barkeep, &restore, "recovery");
    second.set(&[("archive_mode", "on")]);
    second.launch();
    let client = second.promoted().await;
    ledger.must_equal(&client).await;
    assert_eq!(timeline(&client).await, 2);
    write_for_a_while(&second, &client, 2, &mut ledger).await;
    second.destroy();

    let mut third = Server::recovering(&scratch, "third", &base, &barkeep, &restore, "recovery");
    third.launch();
    let client = third.promoted().await;
    ledger.must_equal(&client).await;
    assert_eq!(timeline(&client).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_postgresql_never_promotes_when_the_store_is_cut_off() {
    recovery_without_the_store(NEWEST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_postgresql_never_promotes_when_the_store_is_cut_off() {
    recovery_without_the_store(OLDEST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_of_the_newest_postgresql_outlives_an_outage_of_the_store() {
    standby_without_the_store(NEWEST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_of_the_oldest_postgresql_outlives_an_outage_of_the_store() {
    standby_without_the_store(OLDEST).await;
}

async fn recovery_without_the_store(major: u32) {
    let mut outage = Outage::prepare(major, "recovery").await;
    outage.cut_in_the_middle().await;
    let server = &mut outage.server;

    let status = server.ended(Duration::from_mins(1)).await;
    assert!(!status.success(), "PostgreSQL ended with {status}");
    let log = server.log();
    // What PostgreSQL calls exit status 126.
    let fatal = |line: &str| line.contains("FATAL") && line.ends_with("from archive: command not executable");
    assert!(log.lines().any(fatal), "the log does not tell of exit status 126");
    assert!(!log.contains("selected new timeline"), "PostgreSQL has promoted itself");
    assert!(server.signal_file("recovery").exists(), "recovery is not what a restart goes on with");

    outage.proxy.mend();
    server.launch();
    let client = server.promoted().await;
    assert_eq!(steps(&client).await, STEPS, "rows after the restart");
}

async fn standby_without_the_store(major: u32) {
    let mut outage = Outage::prepare(major, "standby").await;
    outage.cut_in_the_middle().await;
    let server = &mut outage.server;
    let client = server.ready().await;

    // Longer than two calls may take until they give up.
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        server.must_run();
        assert!(in_recovery(&client).await, "the standby has promoted itself");
    }
    let meanwhile = steps(&client).await;
    assert!(meanwhile < STEPS, "the outage came too late to show anything");

    outage.proxy.mend();
    wait_for("the standby catches up", Duration::from_secs(90), async || {
        server.must_run();
        (steps(&client).await == STEPS).then_some(())
    })
    .await;
    assert!(in_recovery(&client).await, "the standby has promoted itself");
    tell(&format!("{meanwhile} of {STEPS} steps were replayed before the outage"));
}

/// So many segments that the window of segments fetched ahead (32) ends in their middle.
const STEPS: i64 = 60;
/// The step at which the store is cut off.
const CUT_AT: i64 = 8;

/// A recovery in whose middle the store is cut off.
struct Outage {
    server: Server,
    proxy: CutProxy,
    // Kept until the server has ended: fields are dropped in this order.
    _moto: Moto,
    scratch: Scratch,
}

impl Outage {
    /// A row and a segment for every step in an archive on S3, and a server that is to replay them.
    async fn prepare(major: u32, signal: &str) -> Self {
        let scratch = Scratch::new();
        let moto = moto(&scratch).await;
        let proxy = CutProxy::to(moto.port()).await;
        let barkeep = Barkeep::through(&scratch, &proxy, &moto);
        let mut primary = Server::init(&scratch, major, 1, &barkeep);
        let client = primary.start().await;
        client.batch_execute("create table step (n bigint primary key)").await.unwrap();
        let base = primary.base_backup(&scratch, "base");
        let mut middle = String::new();
        for n in 1..=STEPS {
            client.execute("insert into step values ($1)", &[&n]).await.unwrap();
            let segment = client.query_one("select pg_walfile_name(pg_switch_wal())", &[]).await.unwrap();
            if n == CUT_AT {
                middle = segment.get(0);
            }
        }
        primary.archived().await;
        primary.destroy();

        let gate = barkeep.restore_command_with_gate(&middle, &scratch.path("at"), &scratch.path("go"));
        let server = Server::recovering(&scratch, "recovered", &base, &barkeep, &gate, signal);
        Self { server, proxy, _moto: moto, scratch }
    }

    /// Starts the server, and cuts the store off while it is asking for a segment in the middle.
    async fn cut_in_the_middle(&mut self) {
        self.server.launch();
        let at = self.scratch.path("at");
        wait_for("recovery reaches the middle", Duration::from_mins(1), async || {
            self.server.must_run();
            at.exists().then_some(())
        })
        .await;
        self.proxy.cut();
        self.scratch.file("go", "");
    }
}

/// moto over HTTPS with an empty bucket.
async fn moto(scratch: &Scratch) -> Moto {
    let moto = Moto::https(scratch).await;
    moto.create_bucket(BUCKET).await;
    moto
}

async fn write_for_a_while(server: &Server, client: &Client, round: i64, ledger: &mut Ledger) {
    let load = Load::start(&server.address(), round);
    tokio::time::sleep(Duration::from_secs(4)).await;
    load.finish(ledger).await;
    server.archive_all(client).await;
}

/// How many bytes of WAL the cluster has written in its life.
async fn wal_written(client: &Client) -> i64 {
    let row = client.query_one("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint", &[]).await;
    row.unwrap().get(0)
}

async fn timeline(client: &Client) -> i32 {
    client.query_one("select timeline_id from pg_control_checkpoint()", &[]).await.unwrap().get(0)
}

async fn steps(client: &Client) -> i64 {
    client.query_one("select count(*) from step", &[]).await.unwrap().get(0)
}

/// One to three seconds: a crash is to come at any moment of an archiver's call.
fn a_while() -> Duration {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Duration::from_millis(1000 + u64::from(now.subsec_micros() % 2000))
}
