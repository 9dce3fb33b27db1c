//! `backup` of real servers: how they are reached, what they are asked, and how a backup that is cut
//! short leaves them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod common;

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::barkeep::Barkeep;
use common::pg::{NEWEST, OLDEST, Server, connect};
use common::tls::Authority;
use common::{Scratch, as_postgres, give_to_postgres, wait_for};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio_postgres::{Client, Config};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server with `barkeep` as its archiver, and what is needed to back it up.
struct Bed {
    scratch: Scratch,
    barkeep: Barkeep,
    server: Server,
}

impl Bed {
    async fn start(major: u32) -> (Self, Client) {
        let mut bed = Self::new(major);
        let client = bed.server.start().await;
        (bed, client)
    }

    fn new(major: u32) -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        give_to_postgres(&scratch.path("store"));
        let server = Server::init(&scratch, major, 1, &barkeep);
        Self { scratch, barkeep, server }
    }

    fn home(&self) -> PathBuf {
        self.scratch.path("primary")
    }

    /// `barkeep backup --json`, as the user who owns the cluster, without a word on how to connect.
    fn bare_backup(&self) -> Command {
        let command = self.barkeep.archive_command();
        let mut backup = as_postgres(command.strip_suffix(" wal-archive %p").unwrap());
        let spool = self.home().join("backup-spool");
        backup.envs(self.barkeep.environment(&spool)).env("HOME", self.home()).args(["backup", "--json"]);
        backup
    }

    fn backup(&self) -> Command {
        let mut backup = self.bare_backup();
        backup.arg("-h").arg(self.home().join("sockets")).args(["-U", "postgres"]);
        backup
    }

    /// A backup that is caught in the middle of its copy.
    async fn slow_backup(&self) -> Child {
        let mut backup = self.backup();
        backup.args(["--max-read-rate", "64KiB", "--no-archive-check"]);
        let child = backup.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for("the copy is under way", PATIENCE, async || {
            self.records().iter().any(|record| record.contains("begin_xlog=0/")).then_some(())
        })
        .await;
        child
    }

    /// The records of all backups.
    fn records(&self) -> Vec<String> {
        let bases = std::fs::read_dir(self.scratch.path("store/main/base"));
        let folders = bases.into_iter().flatten().map(|entry| entry.unwrap().path());
        folders.filter_map(|folder| std::fs::read_to_string(folder.join("backup.info")).ok()).collect()
    }

    fn in_archive(&self, segment: &str) -> bool {
        let folder = self.scratch.path("store/main/wals").join(&segment[..16]);
        let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.any(|name| name.to_string_lossy().starts_with(segment))
    }
}

/// Runs to the end, which must come in time.
fn run(mut command: Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    ended(child)
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

fn said(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

/// Runs a backup that must succeed.
fn succeed(command: Command) -> Value {
    let output = run(command);
    assert!(output.status.success(), "{output:?}");
    said(&output)
}

/// Runs a backup that must fail with this status; its message and its hint.
fn refused(command: Command, status: i32) -> (String, String) {
    let output = run(command);
    assert_eq!(output.status.code(), Some(status), "{output:?}");
    let error = said(&output)["error"].clone();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("message"), text("hint"))
}

/// Waits until no session of a backup is left.
async fn left_alone(client: &Client) {
    wait_for("the session is gone", Duration::from_secs(10), async || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'barkeep'";
        let left: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_running_server_is_backed_up_with_all_its_wal() {
    for major in [OLDEST, NEWEST] {
        let (bed, client) = Bed::start(major).await;
        client.batch_execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS i").await.unwrap();
        let mut backup = bed.backup();
        backup.args(["--name", "nightly"]);
        let said = succeed(backup);
        assert_eq!((said["status"].as_str(), said["name"].as_str()), (Some("DONE"), Some("nightly")));
        for edge in ["begin_wal", "end_wal"] {
            assert!(bed.in_archive(said[edge].as_str().unwrap()), "{said}");
        }
        let records = bed.records();
        assert_eq!(records.len(), 1);
        let version = format!("version={}", major * 10_000);
        assert!(
            records[0].contains("status=DONE\n") && records[0].contains(&version[..10]),
            "{}",
            records[0]
        );
        assert!(records[0].contains("server_name=cloud\n"), "{}", records[0]);
        left_alone(&client).await;
    }
}

#[tokio::test]
async fn a_term_midway_leaves_the_server_out_of_backup_mode_and_a_record_that_says_so() {
    let (bed, client) = Bed::start(NEWEST).await;
    let child = bed.slow_backup().await;
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let begin = Instant::now();
    let output = ended(child);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(output.status.signal(), Some(15), "{output:?}");
    assert_eq!(said(&output)["error"]["kind"], "interrupted");
    assert_eq!(said(&output)["exit"], 143);
    left_alone(&client).await;
    let records = bed.records();
    assert!(records.len() == 1 && records[0].contains("status=FAILED\n"), "{records:?}");
    assert!(records[0].contains("error=interrupted by a signal\n"), "{records:?}");
    succeed(bed.backup());
}

#[tokio::test]
async fn a_session_that_is_ended_by_the_server_ends_the_backup_at_once() {
    let (bed, client) = Bed::start(OLDEST).await;
    let child = bed.slow_backup().await;
    let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'barkeep'";
    client.query_one(sql, &[]).await.unwrap();
    let begin = Instant::now();
    let output = ended(child);
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let message = said(&output)["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("was lost") && message.contains("57P01"), "{message}");
    assert!(bed.records()[0].contains("status=FAILED\n"));
}

#[tokio::test]
async fn a_role_is_told_which_rights_it_lacks_and_needs_no_others() {
    for major in [OLDEST, NEWEST] {
        let (bed, client) = Bed::start(major).await;
        client.batch_execute("CREATE ROLE \"the keeper\" LOGIN").await.unwrap();
        let backup = || {
            let mut backup = bed.bare_backup();
            backup.arg("-h").arg(bed.home().join("sockets")).args(["-U", "the keeper"]);
            backup
        };
        let (message, hint) = refused(backup(), 5);
        assert!(message.contains("the keeper") && message.contains("pg_switch_wal"), "{message}");
        assert!(bed.records().is_empty());
        let grants = &hint[hint.find("GRANT").unwrap()..];
        client.batch_execute(grants).await.unwrap();
        succeed(backup());
    }
}

#[tokio::test]
async fn no_setting_of_a_role_and_no_long_time_out_ends_a_backup() {
    let (bed, client) = Bed::start(NEWEST).await;
    // A few dirty pages, between each two of which a spread checkpoint sleeps.
    client.batch_execute("CHECKPOINT; CREATE TABLE t AS SELECT generate_series(1, 2000)").await.unwrap();
    for time_out in ["transaction_timeout", "idle_session_timeout", "statement_timeout"] {
        client.batch_execute(&format!("ALTER ROLE postgres SET {time_out} = '500ms'")).await.unwrap();
    }
    let mut backup = bed.backup();
    backup.args(["--checkpoint", "spread", "--stop-timeout", "366d"]);
    succeed(backup);
}

#[tokio::test]
async fn a_server_whose_archiver_fails_is_told_from_one_that_works() {
    let (bed, client) = Bed::start(NEWEST).await;
    client.batch_execute("ALTER SYSTEM SET archive_command = 'false'").await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let failing = || {
        let mut backup = bed.backup();
        backup.args(["--wal-timeout", "4s"]);
        backup
    };
    let (message, hint) = refused(failing(), 4);
    assert!(message.contains("archiver failed") && message.contains("is not in the archive"), "{message}");
    assert!(hint.contains("archive_command"), "{hint}");
    assert!(bed.records().is_empty());
    let mut unproved = failing();
    unproved.args(["--no-archive-check"]);
    refused(unproved, 4);
    assert!(bed.records()[0].contains("status=FAILED\n"));
}

#[tokio::test]
async fn a_standby_is_backed_up_while_its_primary_archives() {
    for major in [OLDEST, NEWEST] {
        let (bed, primary) = Bed::start(major).await;
        let base = bed.server.base_backup(&bed.scratch, "base");
        bed.server.archive_all(&primary).await;
        let restore = bed.barkeep.restore_command();
        let mut standby =
            Server::recovering(&bed.scratch, "standby", &base, &bed.barkeep, &restore, "standby");
        let client = standby.start().await;
        let mut backup = bed.bare_backup();
        backup.arg("-h").arg(bed.scratch.path("standby/sockets")).args(["-U", "postgres"]);
        let child = backup.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The primary goes on as primaries do: what the standby needs is archived in due course.
        wait_for("the record of the backup", PATIENCE, async || {
            primary.batch_execute("SELECT pg_create_restore_point('x'), pg_switch_wal()").await.unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
            let ended = |record: &String| !record.contains("status=STARTED\n");
            bed.records().iter().any(ended).then_some(())
        })
        .await;
        let output = ended(child);
        assert!(output.status.success(), "{output:?}");
        let said = said(&output);
        // Of the segment that begins where the backup ends nothing is needed, and nothing may be there.
        let ends_at_boundary = said["end_lsn"].as_str().unwrap().ends_with("00000");
        for edge in ["begin_wal", "end_wal"].into_iter().take(if ends_at_boundary { 1 } else { 2 }) {
            assert!(bed.in_archive(said[edge].as_str().unwrap()), "{said}");
        }
        left_alone(&client).await;

        // Connected to the one and reading the other's files would copy what never was.
        let mut mixed = bed.backup();
        mixed.arg("--pgdata").arg(standby.data());
        let (message, _) = refused(mixed, 3);
        assert!(message.contains("is not that of the server"), "{message}");
    }
}

/// A port of the loopback device that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A file that only its owner, the user PostgreSQL runs as, can read.
fn private(path: &std::path::Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    give_to_postgres(path);
}

#[tokio::test]
async fn a_server_is_reached_over_verified_tls_by_service_file_and_password_file() {
    // The package of the newest major is built without TLS.
    let mut bed = Bed::new(OLDEST);
    let authority = Authority::new(&bed.scratch);
    let port = free_port();
    let key = bed.home().join("server.key");
    private(&key, &std::fs::read_to_string(authority.key_file()).unwrap());
    bed.server.set(&[
        ("listen_addresses", "127.0.0.1"),
        ("port", &port.to_string()),
        ("ssl", "on"),
        ("ssl_cert_file", &authority.certificate_file().display().to_string()),
        ("ssl_key_file", &key.display().to_string()),
    ]);
    let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
    private(&bed.server.data().join("pg_hba.conf"), hba);
    bed.server.launch();
    let mut address = Config::new();
    address.host_path(bed.home().join("sockets")).port(port).user("postgres").dbname("postgres");
    let client = wait_for("PostgreSQL answers", PATIENCE, async || {
        bed.server.must_run();
        connect(&address).await.ok()
    })
    .await;
    client
        .batch_execute(
            "SET password_encryption = 'scram-sha-256'; ALTER ROLE postgres PASSWORD 'o:pen \\sesame'",
        )
        .await
        .unwrap();

    private(&bed.home().join(".pgpass"), &format!("*:{port}:*:postgres:o\\:pen \\\\sesame\n"));
    let service = format!(
        "[main]\nhost=localhost\nhostaddr=127.0.0.1\nport={port}\nuser=postgres\nsslmode=verify-full\n\
         sslrootcert={}\nchannel_binding=require\n",
        authority.ca_file().display()
    );
    private(&bed.home().join(".pg_service.conf"), &service);
    let with = |dsn: &str| {
        let mut backup = bed.bare_backup();
        backup.args(["--dsn", dsn]);
        backup
    };
    succeed(with("service=main"));
    let uri = format!("postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=require");
    succeed(with(&uri));

    // The name is the certificate's or not, which only verify-full minds.
    let other = "service=main host=elsewhere.example";
    let (message, _) = refused(with(other), 7);
    assert!(message.contains("certificate"), "{message}");
    succeed(with(&format!("{other} sslmode=verify-ca")));

    // Another authority.
    let stranger = bed.scratch.dir("stranger");
    let issuer = rcgen::generate_simple_self_signed(["stranger".to_owned()]).unwrap();
    std::fs::File::create(stranger.join("ca.pem")).unwrap().write_all(issuer.cert.pem().as_bytes()).unwrap();
    let (message, _) = refused(with(&format!("service=main sslrootcert={}/ca.pem", stranger.display())), 7);
    assert!(message.contains("certificate"), "{message}");

    let (message, _) = refused(with("service=main sslmode=disable channel_binding=prefer"), 7);
    assert!(message.contains("28000"), "{message}");
    let (message, _) = refused(with("service=main password=wrong"), 7);
    assert!(message.contains("28P01") && !message.contains("wrong"), "{message}");
    // What the server only takes encrypted is tried in the clear first, and then as it wants it.
    succeed(with("service=main sslmode=allow channel_binding=prefer"));
}
