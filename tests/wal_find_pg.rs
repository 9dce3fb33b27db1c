//! `wal-find` over the WAL of real PostgreSQL: every answer against what the server says of itself, and what
//! is restored to the printed targets has what was promised.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.
//! `BARKEEP_TEST_MAJORS` names other majors than the newest and the oldest, as in `"14 15"`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use common::barkeep::Barkeep;
use common::pg::{NEWEST, OLDEST, Server, Shutdown};
use common::{Scratch, tell};
use serde_json::Value;
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn every_transaction_is_found_where_and_when_it_ended() {
    for (n, major) in majors().into_iter().enumerate() {
        // Both sizes of segments, packed and plain.
        let (mib, codec) = if n % 2 == 0 { (16, "none") } else { (64, "zstd") };
        let mut bed = Bed::new(major, mib, codec).await;
        bed.client.batch_execute("create table doomed as select generate_series(1, 1000)").await.unwrap();
        let doomed: u32 = bed.ask("select pg_relation_filenode('doomed')").await.parse().unwrap();
        bed.tick(1..=5).await;
        bed.client.query_one("select pg_switch_wal()", &[]).await.unwrap();
        bed.client.execute("select pg_create_restore_point('middle')", &[]).await.unwrap();
        bed.tick(6..=9).await;
        bed.client.batch_execute("drop table doomed").await.unwrap();
        bed.tick(10..=11).await;
        let parent = bed.tick_over_two_segments(12).await;
        bed.tick(13..=14).await;
        let aborted = bed.unfinished("rollback").await;
        let prepared = bed.unfinished("prepare transaction 'one'").await;
        let refused = bed.unfinished("prepare transaction 'other'").await;
        bed.tick(15..=15).await;
        bed.client.batch_execute("commit prepared 'one'").await.unwrap();
        bed.client.batch_execute("rollback prepared 'other'").await.unwrap();
        bed.server.stop(Shutdown::Immediate);
        bed.client = bed.server.start().await;
        bed.tick(16..=18).await;
        bed.server.archive_all(&bed.client).await;

        bed.compare_ticks();
        bed.compare_with_walinspect().await;
        let found = bed.find(&["--xid", &parent.child]);
        assert_eq!(found["records"][0]["xid"].to_string(), parent.xid, "{found}");
        assert_eq!(found["records"][0]["sought_is_subtransaction"], true, "{found}");
        assert_ne!(found["records"][0]["segment"], found["records"][0]["last_segment"], "{found}");
        assert_eq!(found["records"][0]["subtransactions"], SUBTRANSACTIONS, "{found}");
        for (xid, kind, was_prepared) in [
            (&aborted, "abort", false),
            (&prepared, "commit-prepared", true),
            (&refused, "abort-prepared", true),
        ] {
            let found = bed.find(&["--xid", xid]);
            assert_eq!(found["records"][0]["kind"], kind, "{found}");
            assert_eq!(found["prepared"].is_object(), was_prepared, "{found}");
        }
        let drops = bed.find(&["--drops"]);
        let file = format!("/{doomed}");
        let drop = drops["records"].as_array().unwrap().iter().find(|record| {
            let dropped = record["dropped"].as_array().unwrap();
            dropped.iter().any(|name| name.as_str().unwrap().ends_with(&file))
        });
        let [nine, ten] = [9, 10].map(|n| bed.ticks[n - 1].clone());
        let at = drop.unwrap_or_else(|| panic!("{doomed}: {drops}"))["lsn"].as_str().unwrap().to_owned();
        assert!(lsn(&nine.after) <= lsn(&at) && lsn(&at) < lsn(&ten.after), "{drops}");

        let point = bed.find(&["--name", "middle"]);
        assert_eq!(point["last_commit_before"]["xid"].to_string(), bed.ticks[4].xid, "{point}");
        for (words, sought) in [
            (["--name", "elsewhere"], "restore point `elsewhere`"),
            (["--xid", "99999"], "transaction 99999"),
            (["--time", "2100-01-01 00:00:00Z"], "2100-01-01"),
            (["--lsn", "FFFF/0"], "LSN FFFF/0"),
        ] {
            let output = bed.barkeep.run(&[&["wal-find"][..], &words].concat());
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(said.contains(sought) && said.contains("is not in the WAL from 0000000100"), "{said}");
        }

        // Without a store: what is still in the data directory.
        let pg_wal = bed.server.data().join("pg_wal");
        let words = ["--xid", &bed.ticks[17].xid, "--file", pg_wal.to_str().unwrap()];
        assert_eq!(bed.find(&words)["records"][0]["time"], bed.ticks[17].committed.as_str());

        bed.server.stop(Shutdown::Immediate);
        bed.restored_as_promised(&[4, 12, 17]).await;
        tell(&format!("PostgreSQL {major}: {} transactions of {mib} MiB segments, {codec}", bed.ticks.len()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_promotion_are_found() {
    for major in majors() {
        let mut bed = Bed::new(major, 16, "zstd").await;
        bed.tick(1..=4).await;
        bed.server.archive_all(&bed.client).await;
        bed.tick(5..=5).await;
        bed.server.stop(Shutdown::Fast);
        let mut successor = bed.restore(&[]);
        successor.set(&[("archive_mode", "on"), ("archive_command", &bed.barkeep.archive_command())]);
        successor.launch();
        bed.client = successor.promoted().await;
        bed.server = successor;
        bed.tick(6..=9).await;
        bed.server.archive_all(&bed.client).await;
        bed.compare_ticks();
        for (n, timeline) in [(3, 1), (5, 1), (6, 2), (9, 2)] {
            let found = bed.find(&["--xid", &bed.ticks[n - 1].xid]);
            assert_eq!((&found["records"][0]["timeline"], &found["timeline"]), (&timeline.into(), &2.into()));
        }
        let output = bed.barkeep.run(&["wal-find", "--timeline", "1", "--xid", &bed.ticks[7].xid]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        bed.server.stop(Shutdown::Immediate);
        bed.restored_as_promised(&[5, 8]).await;
    }
}

/// The majors that are to be tried.
fn majors() -> Vec<u32> {
    let named = std::env::var("BARKEEP_TEST_MAJORS").unwrap_or_default();
    let majors = named.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<_>>();
    if majors.is_empty() { vec![OLDEST, NEWEST] } else { majors }
}

/// Enough for a commit record that does not fit a page.
const SUBTRANSACTIONS: u32 = 3000;

fn lsn(text: &str) -> u64 {
    let (high, low) = text.split_once('/').unwrap();
    u64::from_str_radix(high, 16).unwrap() << 32 | u64::from_str_radix(low, 16).unwrap()
}

/// A row, and what the server says of its transaction.
#[derive(Debug, Clone, Default)]
struct Tick {
    n: i64,
    xid: String,
    /// One of its subtransactions.
    child: String,
    /// Where the WAL was before its commit and after.
    before: String,
    after: String,
    /// When it committed, to the microsecond, and a moment between that and the next.
    committed: String,
}

/// A cluster that archives to a directory, and what was written into it.
struct Bed {
    major: u32,
    mib: u32,
    server: Server,
    client: Client,
    ticks: Vec<Tick>,
    restores: u32,
    barkeep: Barkeep,
    scratch: Scratch,
}

impl Bed {
    async fn new(major: u32, mib: u32, codec: &str) -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        let mut server = Server::init(&scratch, major, mib, &barkeep);
        let command = format!("{} --compression {codec}", barkeep.archive_command());
        server.set(&[
            ("track_commit_timestamp", "on"),
            ("max_prepared_transactions", "4"),
            ("archive_command", &command),
        ]);
        let client = server.start().await;
        client
            .batch_execute("create table tick (n bigint primary key); create table part (n bigint)")
            .await
            .unwrap();
        barkeep.must_back_up(&server.sockets(), "base", &[]);
        Self { major, mib, server, client, ticks: Vec::new(), restores: 0, barkeep, scratch }
    }

    async fn ask(&self, query: &str) -> String {
        let rows = self.client.simple_query(query).await.unwrap();
        let row = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        row.unwrap()
    }

    async fn here(&self) -> String {
        self.ask("select pg_current_wal_insert_lsn()").await
    }

    /// A row each 20 ms.
    async fn tick(&mut self, numbers: std::ops::RangeInclusive<i64>) {
        for n in numbers {
            self.client.batch_execute("begin").await.unwrap();
            self.client.execute("insert into tick values ($1)", &[&n]).await.unwrap();
            let tick = Tick { n, ..Tick::default() };
            self.commit(tick).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn commit(&mut self, tick: Tick) -> Tick {
        let (xid, before) = (self.ask("select pg_current_xact_id()::xid").await, self.here().await);
        self.client.batch_execute("commit").await.unwrap();
        let moment = "'YYYY-MM-DD HH24:MI:SS.US+00'";
        let select =
            format!("select to_char(pg_xact_commit_timestamp('{xid}'::xid) at time zone 'UTC', {moment})");
        let tick = Tick { before, after: self.here().await, committed: self.ask(&select).await, xid, ..tick };
        self.ticks.push(tick.clone());
        tick
    }

    /// A row whose commit record begins in one segment and ends in the next.
    async fn tick_over_two_segments(&mut self, n: i64) -> Tick {
        self.client.batch_execute("begin").await.unwrap();
        self.client.execute("insert into tick values ($1)", &[&n]).await.unwrap();
        let parts = format!(
            "do $$ begin for i in 1..{SUBTRANSACTIONS} loop
                 begin insert into part values (i); exception when unique_violation then null; end;
             end loop; end $$"
        );
        self.client.batch_execute(&parts).await.unwrap();
        let child = self.ask("select xmin from part order by n desc limit 1").await;
        // What is left of the segment is filled but for some 2 KiB; the record is longer.
        let size = u64::from(self.mib) << 20;
        let left = size - lsn(&self.here().await) % size;
        let left = if left < 20_000 { left + size } else { left };
        let fill = left * 8168 / 8192 - 2000;
        self.ask(&format!("select pg_logical_emit_message(false, 'fill', repeat('x', {fill}))")).await;
        self.commit(Tick { n, child, ..Tick::default() }).await
    }

    /// A transaction that does not commit in the usual way; its number.
    async fn unfinished(&self, end: &str) -> String {
        self.client.batch_execute("begin; insert into part values (0)").await.unwrap();
        let xid = self.ask("select pg_current_xact_id()::xid").await;
        self.client.batch_execute(end).await.unwrap();
        xid
    }

    /// What `wal-find` says, which finds something.
    fn find(&self, words: &[&str]) -> Value {
        let said = self.barkeep.must(&[&["wal-find", "--json"], words].concat());
        serde_json::from_str(&said).unwrap_or_else(|e| panic!("{e}: {said}"))
    }

    /// Every row's transaction, by its number, its moment and its position.
    fn compare_ticks(&self) {
        for (tick, previous) in self.ticks.iter().zip([None].into_iter().chain(self.ticks.iter().map(Some))) {
            let by_xid = self.find(&["--xid", &tick.xid]);
            let record = &by_xid["records"][0];
            let (start, end) = (record["lsn"].as_str().unwrap(), record["end_lsn"].as_str().unwrap());
            assert_eq!(record["time"], tick.committed.as_str(), "{tick:?}: {by_xid}");
            assert!(lsn(&tick.before) <= lsn(start) && lsn(end) <= lsn(&tick.after), "{tick:?}: {by_xid}");
            let size = u64::from(self.mib) << 20;
            let number = format!("{:08X}{:08X}", lsn(start) >> 32, (lsn(start) & 0xFFFF_FFFF) / size);
            assert!(record["segment"].as_str().unwrap().ends_with(&number), "{tick:?}: {by_xid}");
            assert_eq!(by_xid["backup_problem"], Value::Null, "{by_xid}");

            let by_lsn = self.find(&["--lsn", start]);
            assert_eq!(&by_lsn["records"][0], record, "{by_lsn}");
            let stop = self.find(&["--time", &tick.committed, "--exclusive"]);
            assert_eq!(&stop["records"][0], record, "{stop}");
            if let Some(previous) = previous {
                let before = lsn(stop["last_commit_before"]["lsn"].as_str().unwrap());
                assert!(before >= lsn(&previous.before), "{previous:?}: {stop}");
            }
            let between = self.find(&["--between", &tick.committed, &tick.committed]);
            assert_eq!((&between["total"], &between["records"][0]), (&1.into(), record), "{between}");
        }
        let pairs = self.ticks.iter().zip(self.ticks.iter().skip(1));
        for (tick, next) in pairs {
            let after = self.find(&["--time", &tick.committed]);
            let stop = lsn(after["records"][0]["lsn"].as_str().unwrap());
            assert_eq!(after["last_commit_before"]["xid"].to_string(), tick.xid, "{after}");
            assert!((lsn(&tick.before)..=lsn(&next.after)).contains(&stop), "{tick:?}: {after}");
        }
    }

    /// All ends of transactions in the server's last segments, where it has an extension that reads them.
    async fn compare_with_walinspect(&self) {
        if self.client.batch_execute("create extension pg_walinspect").await.is_err() {
            assert!(![15, 17].contains(&self.major), "their packages have the extension");
            return;
        }
        let from = &self.ticks[12].before;
        let until = &self.ticks[17].after;
        let select = format!(
            "select start_lsn::text, end_lsn::text from pg_get_wal_records_info('{from}', '{until}')
             where resource_manager = 'Transaction'
                 and record_type in ('COMMIT', 'ABORT', 'COMMIT_PREPARED', 'ABORT_PREPARED') order by start_lsn"
        );
        let rows = self.client.query(&select, &[]).await.unwrap();
        let theirs: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let ours = self.find(&["--between", "2000-01-01 00:00:00Z", "2100-01-01 00:00:00Z", "--thorough"]);
        let ours: Vec<(String, String)> = ours["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| ["lsn", "end_lsn"].map(|field| record[field].as_str().unwrap().to_owned()).into())
            .filter(|(start, _): &(String, String)| (lsn(from)..lsn(until)).contains(&lsn(start)))
            .collect();
        assert!(theirs.len() >= 8, "{theirs:?}");
        assert_eq!(ours, theirs, "PostgreSQL {}", self.major);
    }

    fn restore(&mut self, words: &[&str]) -> Server {
        self.restores += 1;
        let name = format!("r{}", self.restores);
        let server = Server::at_home(&self.scratch, self.major, &name, &self.barkeep);
        let data = server.data().display().to_string();
        self.barkeep.must(&[&["restore", &data], words].concat());
        server.move_in();
        server
    }

    /// What is restored to the printed targets: without the transaction, and with it.
    async fn restored_as_promised(&mut self, numbers: &[usize]) {
        for n in numbers {
            let tick = self.ticks[n - 1].clone();
            let found = self.find(&["--xid", &tick.xid]);
            let mut promised: Vec<(String, i64)> = [tick.n - 1, tick.n]
                .into_iter()
                .zip([0, 1])
                .map(|(rows, target)| {
                    (found["targets"][target]["command"].as_str().unwrap().to_owned(), rows)
                })
                .collect();
            let moment = self.find(&["--time", &tick.committed]);
            promised.push((moment["targets"][0]["command"].as_str().unwrap().to_owned(), tick.n));
            for (command, expected) in promised {
                let words = command.strip_prefix("barkeep restore ").unwrap().strip_suffix(" DIR").unwrap();
                let words: Vec<&str> = words.split(' ').chain(["--target-action", "promote"]).collect();
                let mut copy = self.restore(&words);
                copy.launch();
                let client = copy.promoted().await;
                let row =
                    client.query_one("select count(*), coalesce(max(n), 0) from tick", &[]).await.unwrap();
                let rows: (i64, i64) = (row.get(0), row.get(1));
                assert_eq!(rows, (expected, expected), "PostgreSQL {}: {command}", self.major);
                drop(client);
                copy.destroy();
            }
        }
    }
}
