//! `drill` with real servers: what is rehearsed, what is found, and that nothing is left of it, neither here
//! nor in the archive.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use barkeep::store::Prefix;
use common::barkeep::{BUCKET, Barkeep};
use common::moto::Moto;
use common::pg::{NEWEST, OLDEST, Server, Shutdown, program};
use common::{Scratch, give_to_postgres, wait_for};
use futures_util::TryStreamExt as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A major whose package has the extension `amcheck`; the newest's has the program, which speaks to all from 14 on.
const WITH_AMCHECK: u32 = 17;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(2);

/// A backup of a server that is gone, and WAL behind it: rows 1 to 3, of which the last came later.
struct Bed {
    scratch: Scratch,
    barkeep: Barkeep,
    major: u32,
    /// Where the drill's PostgreSQL is.
    programs: PathBuf,
    /// A moment between the second row and the third.
    before_the_last: String,
}

impl Bed {
    async fn new(scratch: Scratch, barkeep: Barkeep, major: u32) -> Self {
        Self::that_ends_with(scratch, barkeep, major, "").await
    }

    /// With what happens besides when the last row comes.
    async fn that_ends_with(scratch: Scratch, barkeep: Barkeep, major: u32, end: &str) -> Self {
        let mut server = Server::init(&scratch, major, 1, &barkeep);
        // What a drill must not do again: wait for a standby, listen, or touch what is outside.
        let outside = scratch.path("touched").display().to_string();
        server.set(&[
            ("external_pid_file", &scratch.path("primary/pid").display().to_string()),
            ("archive_cleanup_command", &format!("touch {outside}")),
            ("recovery_end_command", &format!("touch {outside}")),
        ]);
        let client = server.start().await;
        client.batch_execute("create table t as select 1 as n").await.unwrap();
        barkeep.must_back_up(&server.sockets(), "one", &[]);
        client.batch_execute("insert into t values (2)").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let row = client.query_one(
            r#"select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#,
            &[],
        );
        let before_the_last = row.await.unwrap().get(0);
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.batch_execute("insert into t values (3)").await.unwrap();
        client.batch_execute(end).await.unwrap();
        // The copy would wait for this standby at its first commit.
        server.set(&[("synchronous_standby_names", "nobody"), ("listen_addresses", "127.0.0.1")]);
        server.archive_all(&client).await;
        barkeep.must_back_up(&server.sockets(), "two", &[]);
        drop(client);
        server.stop(Shutdown::Immediate);
        let _ = std::fs::remove_file(scratch.path("primary/pid"));
        scratch.dir("drills");
        let programs = program(major, "postgres").parent().unwrap().to_path_buf();
        Self { scratch, barkeep, major, programs, before_the_last }
    }

    async fn on_directory(major: u32) -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        Self::new(scratch, barkeep, major).await
    }

    fn drills(&self) -> PathBuf {
        self.scratch.path("drills")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.barkeep.command(&["drill", "--json"]);
        command.arg("--directory").arg(self.drills()).arg("--pg-bin").arg(&self.programs).args(words);
        command
    }

    fn drill(&self, words: &[&str]) -> (Value, Option<i32>) {
        let output = ended(spawn(self.command(words)));
        let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
        self.nothing_is_left();
        (said, output.status.code())
    }

    /// Neither a directory nor a process that works in one, nor what its configuration names outside.
    fn nothing_is_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.drills()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(at_work(&self.drills()), Vec::<PathBuf>::new());
        assert!(!self.scratch.path("touched").exists() && !self.scratch.path("primary/pid").exists());
    }

    /// Every object of the archive with its mark, which changes whenever the object does.
    async fn archive(&self) -> BTreeMap<String, (u64, Option<String>)> {
        let store = self.barkeep.store().await;
        let all: Vec<_> = store.list(&Prefix::everything(), None).try_collect().await.unwrap();
        all.into_iter().map(|meta| (meta.key.to_string(), (meta.size, meta.etag))).collect()
    }
}

fn spawn(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(mut child: Child) -> Output {
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begin.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("it does not end: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

/// Processes that are in this directory, or below it.
fn at_work(directory: &Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok())
        .filter(|cwd| cwd.starts_with(directory))
        .collect()
}

/// The checks by name, as result and text.
fn checks(said: &Value) -> BTreeMap<String, (String, String)> {
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let all = said["checks"].as_array().unwrap().iter();
    all.map(|check| (text(check, "name"), (text(check, "result"), text(check, "text")))).collect()
}

async fn a_drill_passes_and_changes_nothing(bed: &Bed) {
    let before = bed.archive().await;
    let file = bed.scratch.file("checks.sql", "-- rows\nselect n from t;\nselect bool_and(n > 0) from t;");
    let prom = bed.drills().parent().unwrap().join("primary/barkeep.prom");
    let (said, code) = bed.drill(&[
        "--probe",
        "select count(*) = 3 from t",
        "--probe",
        "select setting = 'off' from pg_settings where name = 'archive_mode'",
        "--probe",
        "select count(*) = 1 from pg_ls_dir('pg_wal') name where name like '%.history'",
        "--probe",
        "insert into t values (4)",
        "--sql",
        file.to_str().unwrap(),
        "--textfile",
        prom.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0), "{said:#}");
    assert_eq!(said["passed"], true);
    assert_eq!((&said["major"], &said["timeline"]), (&bed.major.into(), &2.into()), "{said:#}");
    assert!(said["reached_lsn"].is_string() && said["files_verified"].as_u64().unwrap() > 100, "{said:#}");
    let checks = checks(&said);
    assert_eq!(checks["checks.sql:2"], ("passed".to_owned(), "4 rows".to_owned()));
    // The packages of these servers have the program or the extension, not both.
    assert_eq!(checks["pg_amcheck"].0, "skipped");
    let metrics = std::fs::read_to_string(&prom).unwrap();
    assert!(metrics.contains("barkeep_drill_success{server=\"main\"} 1\n"), "{metrics}");
    assert_eq!(std::fs::metadata(&prom).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(bed.archive().await, before, "a drill has changed the archive");
}

#[tokio::test]
async fn a_drill_of_the_newest_major_passes_and_changes_nothing() {
    let bed = Bed::on_directory(NEWEST).await;
    a_drill_passes_and_changes_nothing(&bed).await;

    // A probe that is not true fails the drill, with a status of its own; the others are run all the same.
    let (said, code) = bed.drill(&[
        "--probe",
        "select false",
        "--probe",
        "select 1 / 0",
        "--probe",
        "select true where false",
        "--probe",
        "select 1",
    ]);
    assert_eq!((code, &said["passed"]), (Some(9), &false.into()), "{said:#}");
    let found = checks(&said);
    assert_eq!(found["probe 1"], ("failed".to_owned(), "it is false".to_owned()));
    assert!(found["probe 2"].1.contains("division by zero"), "{found:?}");
    assert_eq!((found["probe 3"].0.as_str(), found["probe 4"].0.as_str()), ("failed", "passed"));

    // To a moment, from the backup that serves for it.
    let (said, code) =
        bed.drill(&["--target-time", &bed.before_the_last, "--probe", "select count(*) = 2 from t"]);
    assert_eq!(code, Some(0), "{said:#}");

    // A target that is never reached is PostgreSQL's to refuse, and the report says so.
    let (said, code) = bed.drill(&["--target-name", "nowhere"]);
    assert_eq!(code, Some(7), "{said:#}");
    assert!(said["error"]["message"].as_str().unwrap().contains("recovery"), "{said:#}");

    // Who asks must exist.
    let (said, code) = bed.drill(&["--user", "nobody"]);
    assert_eq!(code, Some(7), "{said:#}");
    assert!(said["error"]["hint"].as_str().unwrap().contains("--user"), "{said:#}");

    // Another major is refused before anything is fetched.
    let other = program(OLDEST, "postgres").parent().unwrap().display().to_string();
    let mut command = bed.barkeep.command(&["drill", "--json", "--pg-bin", &other, "--directory"]);
    command.arg(bed.drills());
    let said: Value = serde_json::from_slice(&ended(spawn(command)).stdout).unwrap();
    assert_eq!((&said["exit"], &said["restore_seconds"]), (&2.into(), &Value::Null), "{said:#}");

    interrupted_at_any_time_it_leaves_nothing(&bed).await;
    what_a_killed_drill_leaves_is_cleared_away_by_the_next(&bed).await;
    what_is_damaged_is_found(&bed);
}

async fn interrupted_at_any_time_it_leaves_nothing(bed: &Bed) {
    let before = bed.archive().await;
    for (signal, what) in
        [(Signal::TERM, "data"), (Signal::TERM, "data/postmaster.pid"), (Signal::INT, "log")]
    {
        let child = spawn(bed.command(&["--probe", "select pg_sleep(600)"]));
        wait_for(what, PATIENCE, async || {
            let mut homes = std::fs::read_dir(bed.drills()).unwrap().flatten();
            homes.any(|home| home.path().join(what).exists()).then_some(())
        })
        .await;
        if what == "log" {
            // In the middle of its probe.
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = ended(child);
        assert_eq!(output.status.signal(), Some(signal.as_raw()), "{what}: {output:?}");
        bed.nothing_is_left();
    }
    assert_eq!(bed.archive().await, before);
}

/// It used to be left there, and its server to run, until somebody came by.
async fn what_a_killed_drill_leaves_is_cleared_away_by_the_next(bed: &Bed) {
    let mut child = spawn(bed.command(&["--probe", "select pg_sleep(600)"]));
    let home = wait_for("the server of the drill", PATIENCE, async || {
        let homes = std::fs::read_dir(bed.drills()).unwrap().flatten().map(|home| home.path());
        let mut running = homes.filter(|home| {
            let pid = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap_or_default();
            pid.contains("ready")
        });
        running.next()
    })
    .await;
    // While it lives nobody touches it.
    let (said, code) = beside(bed);
    assert_eq!(code, Some(0), "{said:#}");
    assert!(home.join("data/postmaster.pid").exists() && child.try_wait().unwrap().is_none());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!at_work(&home).is_empty(), "the server has ended by itself");
    let output = ended(spawn(bed.command(&["--probe", "select true"])));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&format!("removed {}, which a drill that was killed", home.display())), "{told}");
    bed.nothing_is_left();
}

/// A drill that passes, beside what else is there.
fn beside(bed: &Bed) -> (Value, Option<i32>) {
    let output = ended(spawn(bed.command(&["--probe", "select true"])));
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    (said, output.status.code())
}

fn what_is_damaged_is_found(bed: &Bed) {
    // The newest backup's tar loses its end.
    let bases = bed.scratch.path("store/main/base");
    let mut backups: Vec<_> = std::fs::read_dir(bases).unwrap().map(|entry| entry.unwrap().path()).collect();
    backups.sort();
    let folder = std::fs::read_dir(backups.last().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let tar = folder.into_iter().find(|path| path.to_string_lossy().contains("data.tar")).unwrap();
    let length = std::fs::metadata(&tar).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&tar).unwrap().set_len(length / 2).unwrap();
    let prom = bed.scratch.path("primary/broken.prom");
    let (said, code) = bed.drill(&["--textfile", prom.to_str().unwrap()]);
    assert_eq!(code, Some(6), "{said:#}");
    let metrics = std::fs::read_to_string(&prom).unwrap();
    assert!(metrics.contains("barkeep_drill_success{server=\"main\"} 0\n"), "{metrics}");
}

#[tokio::test]
async fn a_drill_of_the_oldest_major_from_a_bucket_passes_and_changes_nothing() {
    let scratch = Scratch::new();
    let moto = Moto::http(&scratch).await;
    moto.create_bucket(BUCKET).await;
    let barkeep = Barkeep::on_moto(&scratch, &moto);
    let bed = Bed::new(scratch, barkeep, OLDEST).await;
    a_drill_passes_and_changes_nothing(&bed).await;
    // What is kept is there to be looked at, and its server is stopped.
    let output = ended(spawn(bed.command(&["--keep", "--target-immediate"])));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said:#}");
    let kept = PathBuf::from(said["kept"].as_str().unwrap());
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
    assert!(kept.join("data/PG_VERSION").exists() && !kept.join("data/postmaster.pid").exists());
    assert_eq!(at_work(&bed.drills()), Vec::<PathBuf>::new());
}

/// The order of an index, and then its reverse: what a new collation of the operating system does to text.
const REVERSED: &str = "
    create function compared(int, int) returns int language sql immutable as 'select btint4cmp($1, $2)';
    create operator class of_compared for type int4 using btree as
        operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 compared(int, int);
    create table ordered as select n from generate_series(1, 1000) n;
    create index on ordered (n of_compared);
    create or replace function compared(int, int) returns int language sql immutable
        as 'select btint4cmp($2, $1)'";

#[tokio::test]
async fn what_pg_amcheck_finds_fails_the_drill() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    let mut bed = Bed::that_ends_with(scratch, barkeep, WITH_AMCHECK, REVERSED).await;
    bed.programs = bed.scratch.dir("programs");
    for name in ["initdb", "pg_ctl", "postgres"] {
        symlink(program(WITH_AMCHECK, name), bed.programs.join(name)).unwrap();
    }
    symlink(program(NEWEST, "pg_amcheck"), bed.programs.join("pg_amcheck")).unwrap();

    let (said, code) = bed.drill(&["--target-time", &bed.before_the_last]);
    assert_eq!(code, Some(0), "{said:#}");
    let sound = ("passed".to_owned(), "every table and B-tree of every database".to_owned());
    assert_eq!(checks(&said)["pg_amcheck"], sound);

    let (said, code) = bed.drill(&["--probe", "select true"]);
    assert_eq!((code, &said["passed"]), (Some(9), &false.into()), "{said:#}");
    let found = checks(&said);
    assert_eq!(found["pg_amcheck"].0, "failed");
    assert!(found["pg_amcheck"].1.contains("ordered_n_idx"), "{found:?}");
    // What is asked besides is asked all the same.
    assert_eq!(found["probe 1"].0, "passed");

    let (said, code) = bed.drill(&["--no-amcheck"]);
    assert_eq!((code, checks(&said).len()), (Some(0), 0), "{said:#}");
}

#[test]
fn root_is_refused_in_one_sentence() {
    if !rustix::process::geteuid().is_root() {
        // Nobody else can be root; everybody else is tested above.
        return;
    }
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    give_to_postgres(&scratch.path("store"));
    let mut as_root = Command::new(common::barkeep::copy_of_the_binary(&scratch));
    as_root.env_clear().envs(barkeep.environment(&scratch.path("spool")));
    as_root.args(["drill", "--directory", "/tmp"]);
    let output = ended(spawn(as_root));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: a drill starts PostgreSQL, which does not run as root\nhint: "),
        "{said}"
    );
}
