//! Base backups of real PostgreSQL: everything is lost, and recovery ends exactly where it was told to.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.
//! `BARKEEP_TEST_MAJORS` names other majors than the newest and the oldest, as in `"14 15"`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::barkeep::Barkeep;
use common::invariants::{Inspector, Manifest, ids_done, keys};
use common::load::{Ledger, Load};
use common::pg::{NEWEST, OLDEST, Server, Shutdown, in_recovery, program};
use common::{Scratch, as_postgres, must, tell, wait_for};
use tokio_postgres::Client;

/// A major with every program, and a `pg_verifybackup` that works.
const WITH_VERIFYBACKUP: u32 = 16;

#[tokio::test(flavor = "multi_thread")]
async fn recovery_ends_exactly_where_it_was_told_to() {
    for major in majors() {
        let mut bed = Bed::new(major).await;
        bed.backup("base");
        bed.tick(1..=15).await;
        bed.client.execute("select pg_create_restore_point('middle')", &[]).await.unwrap();
        bed.tick(16..=30).await;
        bed.primary.archive_all(&bed.client).await;
        let ticks = bed.ticks().await;
        bed.primary.stop(Shutdown::Immediate);

        let [ten, twelve, twenty, last] = [10, 12, 20, 25].map(|n| &ticks[n - 1]);
        for (words, rows) in [
            (vec!["--target-immediate"], 0),
            (vec!["--target-time", &ten.until_next], 10),
            (vec!["--target-time", &twelve.committed], 12),
            (vec!["--target-time", &twelve.committed, "--exclusive"], 11),
            (vec!["--target-name", "middle"], 15),
            (vec!["--target-lsn", &twenty.after], 20),
            (vec!["--target-lsn", &twenty.after, "--exclusive"], 20),
            (vec!["--target-xid", &last.xid], 25),
            (vec!["--target-xid", &last.xid, "--exclusive"], 24),
            (vec![], 30),
        ] {
            bed.restored_has(&words, rows).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_ends_on_either_side_of_a_promotion() {
    for major in majors() {
        let mut bed = Bed::new(major).await;
        bed.backup("on timeline 1");
        bed.tick(1..=10).await;
        bed.primary.archive_all(&bed.client).await;
        bed.promote_a_successor().await;
        bed.tick(11..=20).await;
        bed.backup("on timeline 2");
        bed.tick(21..=25).await;
        bed.primary.archive_all(&bed.client).await;
        let ticks = bed.ticks().await;
        bed.primary.stop(Shutdown::Immediate);

        let [five, fifteen, later] = [5, 15, 23].map(|n| &ticks[n - 1]);
        for (words, rows) in [
            (vec!["--backup", "on timeline 1", "--target-time", &five.until_next], 5),
            (vec!["--backup", "on timeline 1", "--target-lsn", &fifteen.after], 15),
            (vec!["--backup", "on timeline 1"], 25),
            (vec!["--backup", "on timeline 1", "--target-timeline", "1"], 10),
            (vec!["--backup", "on timeline 2", "--target-time", &later.until_next], 23),
            (vec!["--target-time", &five.until_next], 5),
            (vec![], 25),
        ] {
            bed.restored_has(&words, rows).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_brings_everything_back() {
    for major in majors().into_iter().chain([WITH_VERIFYBACKUP]) {
        let mut bed = Bed::new(major).await;
        Load::prepare(&bed.client).await;
        let mut ledger = Ledger::default();
        let load = Load::start(&bed.primary.address(), 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        bed.backup("under load");
        tokio::time::sleep(Duration::from_secs(1)).await;
        load.finish(&mut ledger).await;
        bed.primary.archive_all(&bed.client).await;
        bed.primary.stop(Shutdown::Immediate);
        std::fs::remove_dir_all(bed.primary.data()).unwrap();

        let store = bed.barkeep.store().await;
        Inspector::default().insist(&*store, "after the backup").await;
        let mut server = bed.restore(&["--backup", "under load"]);
        let manifest = Manifest::of(&*store, &ids_done(&*store).await[0]).await;
        let lacking = manifest.lacking_in(&server.data());
        assert!(lacking.is_empty(), "{lacking:?}");
        if major == WITH_VERIFYBACKUP {
            verify_backup(&bed.scratch, &server, &manifest);
        }
        server.move_in();
        server.launch();
        let client = server.promoted().await;
        ledger.must_equal(&client).await;
        tell(&format!("PostgreSQL {major}: {} transactions", ledger.len()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_does_not_archive() {
    for major in majors() {
        let mut bed = Bed::new(major).await;
        bed.backup("base");
        bed.tick(1..=2).await;
        bed.primary.archive_all(&bed.client).await;
        let store = bed.barkeep.store().await;
        let before = keys(&*store).await;

        let mut clone = bed.restore(&[]);
        clone.move_in();
        clone.launch();
        let client = clone.promoted().await;
        for n in 100..103_i64 {
            client.execute("insert into tick (n) values ($1)", &[&n]).await.unwrap();
            client.query_one("select pg_switch_wal()", &[]).await.unwrap();
        }
        let mode: String = client.query_one("show archive_mode", &[]).await.unwrap().get(0);
        if mode != "off" {
            // An archiver that is at work had every chance.
            clone.archived().await;
        }
        let after = keys(&*store).await;
        assert_eq!(after, before, "PostgreSQL {major}: the clone has archived");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_follows_its_primary() {
    for major in majors() {
        let mut bed = Bed::new(major).await;
        bed.backup("base");
        bed.tick(1..=3).await;
        let conninfo = format!("host={} user=postgres", bed.primary.sockets().display());
        let mut standby = bed.restore(&["--standby", "--primary-conninfo", &conninfo]);
        standby.move_in();
        let client = standby.start().await;
        bed.tick(4..=6).await;
        // No segment has ended: what comes now comes from the primary itself.
        wait_for("the standby has the rows", Duration::from_mins(1), async || {
            standby.must_run();
            (rows(&client).await == Some(6)).then_some(())
        })
        .await;
        assert!(in_recovery(&client).await, "PostgreSQL {major}: it is no standby");
    }
}

/// The majors that are to be tried.
fn majors() -> Vec<u32> {
    let named = std::env::var("BARKEEP_TEST_MAJORS").unwrap_or_default();
    let majors = named.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<_>>();
    if majors.is_empty() { vec![OLDEST, NEWEST] } else { majors }
}

/// PostgreSQL's own judgement of a restored directory that no server was started on.
fn verify_backup(scratch: &Scratch, server: &Server, manifest: &Manifest) {
    let file = scratch.path("manifest");
    std::fs::write(&file, &manifest.text).unwrap();
    must(
        as_postgres(program(WITH_VERIFYBACKUP, "pg_verifybackup"))
            .arg("--no-parse-wal")
            .arg("--manifest-path")
            .arg(&file)
            .arg(server.data()),
        Duration::from_mins(1),
    );
}

/// A cluster that archives to a directory, and what was written into it when.
struct Bed {
    major: u32,
    primary: Server,
    client: Client,
    /// For every row an LSN behind its commit and before the next row.
    after: BTreeMap<i64, String>,
    restores: u32,
    barkeep: Barkeep,
    scratch: Scratch,
}

/// A row, and the places around its commit.
struct Tick {
    /// The moment of its commit.
    committed: String,
    /// A moment between this row and the next.
    until_next: String,
    xid: String,
    /// An LSN behind its commit and before the next row.
    after: String,
}

impl Bed {
    async fn new(major: u32) -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        let mut primary = Server::init(&scratch, major, 1, &barkeep);
        primary.set(&[("track_commit_timestamp", "on")]);
        let client = primary.start().await;
        client.batch_execute("create table tick (n bigint primary key, xid xid)").await.unwrap();
        Self { major, primary, client, after: BTreeMap::new(), restores: 0, barkeep, scratch }
    }

    fn backup(&self, name: &str) {
        self.barkeep.must_back_up(&self.primary.sockets(), name, &[]);
    }

    /// A row each 100 ms.
    async fn tick(&mut self, numbers: std::ops::RangeInclusive<i64>) {
        for n in numbers {
            let insert = "insert into tick values ($1, pg_current_xact_id()::xid)";
            self.client.execute(insert, &[&n]).await.unwrap();
            let lsn = self.client.query_one("select pg_current_wal_insert_lsn()::text", &[]).await.unwrap();
            self.after.insert(n, lsn.get(0));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// All rows so far, in their order.
    async fn ticks(&self) -> Vec<Tick> {
        let moment = r#"'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'"#;
        let select = format!(
            "with row as (
                 select n, xid, pg_xact_commit_timestamp(xid) as at,
                        lead(pg_xact_commit_timestamp(xid), 1, now()) over (order by n) as next
                 from tick)
             select to_char(at at time zone 'UTC', {moment}),
                    to_char((at + (next - at) / 2) at time zone 'UTC', {moment}),
                    xid::text, n
             from row order by n"
        );
        let found = self.client.query(&select, &[]).await.unwrap();
        let tick = |row: tokio_postgres::Row| Tick {
            committed: row.get(0),
            until_next: row.get(1),
            xid: row.get(2),
            after: self.after[&row.get(3)].clone(),
        };
        found.into_iter().map(tick).collect()
    }

    /// The primary is lost, and what is restored from its archive goes on archiving in its place.
    async fn promote_a_successor(&mut self) {
        self.primary.stop(Shutdown::Immediate);
        let mut successor = self.restore(&[]);
        successor.move_in();
        successor.set(&[("archive_mode", "on"), ("archive_command", &self.barkeep.archive_command())]);
        successor.launch();
        self.client = successor.promoted().await;
        self.primary = successor;
    }

    /// A server on a restored directory, as `restore` has left it.
    fn restore(&mut self, words: &[&str]) -> Server {
        self.restores += 1;
        let server =
            Server::at_home(&self.scratch, self.major, &format!("r{}", self.restores), &self.barkeep);
        let data = server.data().display().to_string();
        self.barkeep.must(&[&["restore", &data], words].concat());
        server
    }

    /// A server that is restored to this target has exactly the first rows.
    async fn restored_has(&mut self, words: &[&str], expected: i64) {
        let target = words.iter().any(|word| word.starts_with("--target-") && *word != "--target-timeline");
        let action: &[&str] = if target { &["--target-action", "promote"] } else { &[] };
        let mut server = self.restore(&[words, action].concat());
        server.move_in();
        server.launch();
        let client = server.promoted().await;
        assert_eq!(rows(&client).await, Some(expected), "PostgreSQL {}, {words:?}", self.major);
    }
}

/// The number of the last row, provided that all before it are there; 0 when there is none.
async fn rows(client: &Client) -> Option<i64> {
    let row = client.query_one("select count(*), coalesce(max(n), 0) from tick", &[]).await.ok()?;
    let (count, last): (i64, i64) = (row.get(0), row.get(1));
    (count == last).then_some(count)
}
