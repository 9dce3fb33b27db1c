//! `status` of what a real PostgreSQL archived: recovery comes to where it says, and nowhere else.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole numbers of bytes, read from text"
)]

mod common;
mod exposition;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use barkeep::model::Lsn;
use common::barkeep::Barkeep;
use common::pg::{NEWEST, Server, Shutdown, reload};
use common::{Scratch, wait_for};
use exposition::{Parsed, parse};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Client;

const MIB: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_mins(2);

/// A cluster with segments of 1 MiB that archives to a directory.
struct Bed {
    primary: Server,
    client: Client,
    /// For every row an LSN behind its commit and before the next row.
    after: BTreeMap<i64, String>,
    restores: u32,
    barkeep: Barkeep,
    scratch: Scratch,
}

impl Bed {
    async fn new() -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        let mut primary = Server::init(&scratch, NEWEST, 1, &barkeep);
        let client = primary.start().await;
        client.batch_execute("create table tick (n bigint primary key)").await.unwrap();
        Self { primary, client, after: BTreeMap::new(), restores: 0, barkeep, scratch }
    }

    /// Rows, archived; the segment that was ended behind them.
    async fn tick(&mut self, numbers: std::ops::RangeInclusive<i64>) -> String {
        for n in numbers {
            self.client.execute("insert into tick values ($1)", &[&n]).await.unwrap();
            let lsn = self.client.query_one("select pg_current_wal_insert_lsn()::text", &[]).await.unwrap();
            self.after.insert(n, lsn.get(0));
        }
        self.primary.archive_all(&self.client).await
    }

    async fn archive_with(&self, command: &str) {
        self.primary.set(&[("archive_command", command)]);
        reload(&self.client).await;
    }

    fn backup(&self, name: &str) {
        self.barkeep.must_back_up(&self.primary.sockets(), name, &[]);
    }

    /// The status of `barkeep status --json`, and the one server it tells of.
    fn status(&self, words: &[&str]) -> (Option<i32>, Value) {
        let output = self.barkeep.run(&[&["status", "--json"], words].concat());
        let said: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        (output.status.code(), said["servers"][0].clone())
    }

    fn asked(&self) -> (Option<i32>, Value) {
        self.status(&["-U", "postgres", "--host", self.primary.sockets().to_str().unwrap()])
    }

    /// What `barkeep metrics` tells of the archive and of the server.
    fn gauges(&self) -> Parsed {
        let sockets = self.primary.sockets();
        let words = ["metrics", "-U", "postgres", "--host", sockets.to_str().unwrap()];
        parse(&self.barkeep.must(&words)).unwrap()
    }

    /// The same, scraped.
    fn scraped(&self) -> Parsed {
        let sockets = self.primary.sockets();
        let words =
            ["metrics", "-U", "postgres", "--host", sockets.to_str().unwrap(), "--listen=127.0.0.1:0"];
        let mut command = self.barkeep.command(&words);
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            Some(line.split_once("listening on http://")?.1.split('/').next()?.to_owned())
        });
        let mut stream = TcpStream::connect(address.unwrap()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer);
        child.kill().unwrap();
        child.wait().unwrap();
        read.unwrap();
        parse(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn home(&mut self) -> Server {
        self.restores += 1;
        Server::at_home(&self.scratch, NEWEST, &format!("r{}", self.restores), &self.barkeep)
    }

    /// A server on a restored directory; `None` when `restore` refuses.
    fn restore(&mut self, words: &[&str]) -> Option<Server> {
        let server = self.home();
        let data = server.data().display().to_string();
        let output = self.barkeep.run(&[&["restore", &data], words].concat());
        output.status.success().then_some(server)
    }

    /// What was restored to this target opens with exactly these rows.
    async fn restored_has(&mut self, words: &[&str], rows: i64) {
        let target = words.contains(&"--target-lsn");
        let action: &[&str] = if target { &["--target-action", "promote"] } else { &[] };
        let mut server = self.restore(&[words, action].concat()).unwrap_or_else(|| panic!("{words:?}"));
        server.move_in();
        server.launch();
        let client = server.promoted().await;
        let row = client.query_one("select count(*), coalesce(max(n), 0) from tick", &[]).await.unwrap();
        let found: (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(found, (rows, rows), "{words:?}");
    }

    /// `restore` refuses this target, or PostgreSQL ends without having come to it.
    async fn cannot_be_restored(&mut self, words: &[&str]) {
        let Some(mut server) = self.restore(&[words, &["--target-action", "promote"]].concat()) else {
            return;
        };
        server.move_in();
        server.launch();
        assert!(!server.ended(PATIENCE).await.success(), "{words:?}");
        assert!(
            server.log().contains("recovery ended before configured recovery target was reached"),
            "{words:?}"
        );
    }
}

fn lsn(of: &Value) -> Lsn {
    of.as_str().unwrap().parse().unwrap()
}

/// The windows that are no part of another.
fn windows(server: &Value) -> Vec<Value> {
    let all = server["windows"].as_array().unwrap();
    all.iter().filter(|window| window["within_timeline"].is_null()).cloned().collect()
}

fn last_commit(window: &Value) -> Timestamp {
    window["last_commit"].as_str().unwrap().parse().unwrap()
}

/// The state that the gauges say archiving is in.
fn state(gauges: &Parsed) -> &str {
    let states = gauges.samples.iter().filter(|((name, _), _)| name == "barkeep_archiving_state");
    let mut set = states.filter(|(_, value)| **value > 0.0).map(|((_, labels), _)| labels["state"].as_str());
    let (one, other) = (set.next().unwrap(), set.next());
    assert!(other.is_none(), "{one} and {other:?}");
    one
}

fn kinds(server: &Value) -> Vec<&str> {
    server["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn recovery_comes_to_every_point_of_a_window_and_to_none_outside() {
    let mut bed = Bed::new().await;
    bed.backup("one");
    let begun = Timestamp::now();
    bed.tick(1..=3).await;
    let third = begun..Timestamp::now();
    let lost = bed.tick(4..=6).await;
    bed.tick(7..=9).await;
    bed.backup("two");
    bed.tick(10..=12).await;
    // The primary is lost, and what is restored from its archive goes on archiving in its place.
    bed.primary.stop(Shutdown::Immediate);
    let mut successor = bed.restore(&[]).unwrap();
    successor.move_in();
    successor.set(&[("archive_mode", "on"), ("archive_command", &bed.barkeep.archive_command())]);
    successor.launch();
    bed.client = successor.promoted().await;
    bed.primary = successor;
    let begun = Timestamp::now();
    bed.tick(13..=15).await;
    let newest = begun..Timestamp::now();
    let (code, whole) = bed.status(&[]);
    assert_eq!((code, windows(&whole).len()), (Some(0), 1), "{whole}");
    assert!(newest.contains(&last_commit(&windows(&whole)[0])), "{whole}");
    let (_, quick) = bed.status(&["--quick"]);
    assert_eq!(windows(&quick)[0]["last_commit"], Value::Null, "{quick}");

    let folder = bed.scratch.path("store/main/wals").join(&lost[..16]);
    let all = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let segment = all.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&lost));
    segment
        .filter(|path| !path.to_str().unwrap().contains(".backup"))
        .for_each(|path| std::fs::remove_file(path).unwrap());
    let (_, server) = bed.status(&[]);
    let [first, second] = windows(&server).try_into().unwrap_or_else(|_| panic!("{server}"));
    assert_eq!(first["missing_next"], lost.as_str(), "{server}");
    assert!(third.contains(&last_commit(&first)) && newest.contains(&last_commit(&second)), "{server}");
    assert!(kinds(&server).contains(&"wal-gap"), "{server}");
    assert_eq!(
        (&first["backups"].as_array().unwrap().len(), &second["timeline"]),
        (&1, &2.into()),
        "{server}"
    );

    let [three, five, fourteen] = [3, 5, 14].map(|n| bed.after[&n].clone());
    assert!(
        lsn(&first["from_lsn"]) <= three.parse().unwrap()
            && three.parse::<Lsn>().unwrap() < lsn(&first["to_lsn"])
    );
    assert!(five.parse::<Lsn>().unwrap() >= lsn(&first["to_lsn"]));
    let from = second["from_lsn"].as_str().unwrap().to_owned();
    let too_early = Lsn(lsn(&second["from_lsn"]).0 - 1).to_string();
    let too_late = Lsn(lsn(&second["to_lsn"]).0 + MIB).to_string();
    bed.restored_has(&["--target-lsn", &three], 3).await;
    bed.cannot_be_restored(&["--target-lsn", &five]).await;
    bed.cannot_be_restored(&["--target-lsn", &five, "--allow-gap"]).await;
    bed.cannot_be_restored(&["--target-lsn", &too_early, "--allow-gap"]).await;
    bed.restored_has(&["--target-lsn", &from], 9).await;
    bed.restored_has(&["--target-lsn", &fourteen], 14).await;
    bed.restored_has(&[], 15).await;
    bed.cannot_be_restored(&["--target-lsn", &too_late]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_told_while_archiving_is_broken_and_no_longer_when_it_is_repaired() {
    let mut bed = Bed::new().await;
    bed.backup("one");
    bed.tick(1..=3).await;
    let (code, server) = bed.asked();
    assert_eq!((code, &server["archiving"]["state"]), (Some(0), &"working".into()), "{server}");
    assert_eq!(
        (&server["archiving"]["waiting"], &server["archiving"]["lag_seconds"]),
        (&0.into(), &Value::Null)
    );
    assert!(server["archiving"]["lag_bytes"].as_u64().unwrap() < MIB, "{server}");

    let gauges = bed.gauges();
    assert_eq!((state(&gauges), gauges.only("barkeep_server_up") > 0.0), ("working", true));
    let of = |gauges: &Parsed, name: &str| gauges.only(name).to_string();
    assert_eq!(of(&gauges, "barkeep_archiving_waiting_files"), "0");
    assert!(
        gauges.only("barkeep_recoverable") > 0.0
            && gauges.only("barkeep_last_backup_timestamp_seconds") > 0.0
    );

    bed.archive_with("false").await;
    for n in 4..=6_i64 {
        bed.client.execute("insert into tick values ($1)", &[&n]).await.unwrap();
        bed.client.query_one("select pg_switch_wal()", &[]).await.unwrap();
    }
    wait_for("archiving has failed", PATIENCE, async || {
        let row = bed.client.query_one("select failed_count from pg_stat_archiver", &[]).await.unwrap();
        (row.get::<_, i64>(0) > 0).then_some(())
    })
    .await;
    let (code, server) = bed.asked();
    let archiving = &server["archiving"];
    assert_eq!(
        (code, &archiving["state"], &archiving["waiting"]),
        (Some(1), &"failing".into(), &3.into()),
        "{server}"
    );
    assert_eq!(archiving["first_waiting"], archiving["last_failed_wal"], "{server}");
    assert!((2 * MIB..4 * MIB).contains(&archiving["lag_bytes"].as_u64().unwrap()), "{server}");
    assert!(archiving["lag_seconds"].is_u64(), "{server}");
    let (_, shown) = bed.status(&["--pgdata", bed.primary.data().to_str().unwrap(), "--crit-waiting", "3"]);
    assert_eq!(
        (&shown["archiving"]["waiting"], &shown["health"]),
        (&3.into(), &"critical".into()),
        "{shown}"
    );

    for gauges in [bed.gauges(), bed.scraped()] {
        assert_eq!(state(&gauges), "failing");
        assert_eq!(of(&gauges, "barkeep_archiving_waiting_files"), "3");
        assert!((2 * MIB..4 * MIB).contains(&(gauges.only("barkeep_archiving_lag_bytes") as u64)));
        assert!(
            gauges.only("barkeep_archiving_lag_seconds") >= 0.0 && gauges.only("barkeep_recoverable") > 0.0
        );
    }

    let good = bed.barkeep.archive_command();
    bed.archive_with(&good).await;
    bed.primary.archived().await;
    let gauges = bed.gauges();
    assert_eq!((state(&gauges), of(&gauges, "barkeep_archiving_waiting_files")), ("working", "0".to_owned()));
    let (code, server) = bed.asked();
    let archiving = &server["archiving"];
    assert_eq!(
        (code, &archiving["state"], &archiving["waiting"]),
        (Some(0), &"working".into(), &0.into()),
        "{server}"
    );

    // A command that only says so. The archiver takes it up when it hears of it, which may be a segment later.
    let lied = bed.scratch.path("lied");
    bed.archive_with(&format!("touch {}", lied.display())).await;
    wait_for("the archiver lies", PATIENCE, async || {
        bed.client.query_one("select pg_logical_emit_message(true, 'more', 'more')", &[]).await.unwrap();
        bed.client.query_one("select pg_switch_wal()", &[]).await.unwrap();
        bed.primary.archived().await;
        lied.exists().then_some(())
    })
    .await;
    let (code, server) = bed.asked();
    assert_eq!(
        (code, &server["archiving"]["state"]),
        (Some(2), &"lost".into()),
        "it is not really there: {server}"
    );

    bed.primary.stop(Shutdown::Immediate);
    let (code, server) = bed.asked();
    assert_eq!((code, kinds(&server)[0]), (Some(1), "server-silent"), "{server}");
    let gauges = bed.gauges();
    assert_eq!((of(&gauges, "barkeep_server_up"), of(&gauges, "barkeep_up")), ("0".into(), "1".into()));
}
