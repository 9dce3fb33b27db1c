//! Base backups of real servers through the second door, beside the reference: each shows and restores what
//! the other has taken, and what is restored starts.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::barkeep::{BUCKET, Barkeep, PATH};
use common::moto::Moto;
use common::pg::{NEWEST, Server, reload};
use common::reference::Reference;
use common::{Scratch, must, run, tell};
use tokio_postgres::Client;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// A cluster whose WAL the reference archives, and the two that work on the archive.
struct Bench {
    primary: Server,
    client: Client,
    barkeep: Barkeep,
    reference: Reference,
    endpoint: String,
    // Kept until the servers have ended: fields are dropped in this order.
    _moto: Moto,
    scratch: Scratch,
}

impl Bench {
    async fn new() -> Self {
        let scratch = Scratch::new();
        let moto = Moto::http(&scratch).await;
        moto.create_bucket(BUCKET).await;
        let barkeep = Barkeep::on_moto(&scratch, &moto);
        let reference = Reference::on_moto(&scratch, &moto);
        let mut primary = Server::init(&scratch, NEWEST, 1, &barkeep);
        let client = primary.start().await;
        primary.set(&[("archive_command", &reference.archive_command(&["--gzip"]))]);
        reload(&client).await;
        let space = scratch.dir("space");
        let sql = format!("create tablespace fast location '{}'", space.display());
        client.batch_execute(&sql).await.unwrap();
        let sql = "create table far tablespace fast as select generate_series(1, 1000) as n";
        client.batch_execute(sql).await.unwrap();
        let endpoint = format!("http://127.0.0.1:{}", moto.port());
        Self { primary, client, barkeep, reference, endpoint, _moto: moto, scratch }
    }

    fn url() -> String {
        format!("s3://{BUCKET}/{PATH}")
    }

    /// A command of the dialect by our door, as the operator's library starts it.
    fn door(&self, program: &str, words: &[&str]) -> Command {
        let mut command = self.barkeep.command(&[program]);
        command.args(words).env_remove("HOME").env("TMPDIR", "/nowhere");
        command
    }

    /// The operator's words for a backup, in its order.
    fn backup(&self, name: &str, endpoint: &str) -> Command {
        let mut command = self.door(
            "barman-cloud-backup",
            &["--user", "postgres", "--name", name, "--lz4", "--immediate-checkpoint", "--jobs", "2"],
        );
        command
            .args(["--min-chunk-size=5MB", "--read-timeout=60", "--tags", "env,prod", "--endpoint-url"])
            .args([endpoint, "--cloud-provider", "aws-s3", &Self::url(), "main"])
            .env("PGHOST", self.primary.sockets());
        command
    }

    /// Restores by our door, in the order of the operator's plugin.
    fn restore(&self, id: &str, data: &Path, space: &Path) {
        let mapping = format!("--tablespace=fast:{}", space.display());
        let (data, url) = (data.display().to_string(), Self::url());
        let cloud = ["--cloud-provider", "aws-s3", "--endpoint-url", &self.endpoint];
        let mut command =
            self.door("barman-cloud-restore", &[&cloud[..], &[&mapping, &url, "main", id, &data]].concat());
        assert_eq!(must(&mut command, PATIENCE), "");
    }

    /// Restores by the reference.
    fn reference_restores(&self, id: &str, data: &Path, space: &Path) {
        let data = data.display().to_string();
        let mapping = format!("fast:{}", space.display());
        self.reference.must("restore", &["--tablespace", &mapping], &[id, &data]);
        // It leaves modes to the umask.
        must(common::as_postgres("chmod").args(["0700", &data]), Duration::from_secs(5));
    }

    fn room(&self, name: &str) -> (Server, std::path::PathBuf) {
        let server = Server::at_home(&self.scratch, NEWEST, name, &self.barkeep);
        (server, self.scratch.path(&format!("space-of-{name}")))
    }

    /// Starts a restored server, which must have every row.
    async fn has_everything(&self, mut server: Server) {
        server.move_in();
        server.set(&[("archive_mode", "off"), ("restore_command", &self.reference.restore_command())]);
        server.signal("recovery");
        server.launch();
        let client = server.promoted().await;
        let count: i64 = client.query_one("select count(*) from far", &[]).await.unwrap().get(0);
        assert_eq!(count, 1000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_shows_and_restores_what_is_backed_up_with_the_operators_words() {
    let bench = Bench::new().await;
    let name = "backup-20260101000000";
    let said = must(&mut bench.backup(name, &bench.endpoint), PATIENCE);
    assert_eq!(said, "", "standard output carries nothing");
    let shown = bench.reference.must("backup-show", &["--format", "json"], &[name]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let shown = &shown["cloud"];
    assert_eq!((shown["status"].as_str(), shown["backup_name"].as_str()), (Some("DONE"), Some(name)));
    assert!(shown["end_time"].is_string() && shown["timeline"].is_number(), "{shown}");
    let id = shown["backup_id"].as_str().unwrap().to_owned();
    bench.primary.archive_all(&bench.client).await;

    let (server, space) = bench.room("theirs");
    bench.reference_restores(&id, &server.data(), &space);
    tell("restored by the reference");
    bench.has_everything(server).await;

    // What is laid down by us is a finished backup in directories, which a hook can be given.
    let finished = bench.scratch.dir("finished");
    bench.restore(&id, &finished.join("data"), &bench.scratch.path("elsewhere"));
    let oid: u32 = bench
        .client
        .query_one("select oid from pg_tablespace where spcname = 'fast'", &[])
        .await
        .unwrap()
        .get(0);
    let (from, to) = (bench.scratch.path("elsewhere"), finished.join(oid.to_string()));
    must(common::as_postgres("mv").arg(from).arg(to), Duration::from_secs(5));
    let store = bench.barkeep.at_the_top().store().await;
    let key = barkeep::store::Key::new(format!("{PATH}/main/base/{id}/backup.info")).unwrap();
    let record = {
        use futures_util::TryStreamExt as _;
        let object = store.get(&key, None).await.unwrap();
        let pieces: Vec<_> = object.body.try_collect().await.unwrap();
        pieces.concat()
    };
    let record = bench.scratch.file("backup.info", &String::from_utf8(record).unwrap());
    let hooked = "20990101T000000";
    let mut hook = bench
        .door("barman-cloud-backup", &["--gzip", "--endpoint-url", &bench.endpoint, &Bench::url(), "main"]);
    hook.env("BARMAN_HOOK", "backup_script")
        .env("BARMAN_PHASE", "post")
        .env("BARMAN_STATUS", "DONE")
        .env("BARMAN_BACKUP_ID", hooked)
        .env("BARMAN_BACKUP_DIR", &finished)
        .env("BARMAN_BACKUP_INFO_PATH", &record);
    must(&mut hook, PATIENCE);
    let (server, space) = bench.room("hooked");
    bench.reference_restores(hooked, &server.data(), &space);
    tell("restored by the reference from what a hook has brought");
    bench.has_everything(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_reference_has_backed_up_is_restored_and_starts() {
    let bench = Bench::new().await;
    bench.reference.backup(&bench.primary, "theirs", &["--gzip"]);
    bench.primary.archive_all(&bench.client).await;
    for (i, id) in ["theirs", "latest", "auto"].into_iter().enumerate() {
        let (server, space) = bench.room(&format!("ours{i}"));
        bench.restore(id, &server.data(), &space);
        tell(&format!("{id}: restored by us"));
        bench.has_everything(server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_does_not_answer_leaves_the_server_alone_and_has_a_status_of_its_own() {
    let bench = Bench::new().await;
    let mut backup = bench.backup("nowhere", "http://127.0.0.1:9");
    let output = run(backup.env("AWS_MAX_ATTEMPTS", "1"), PATIENCE);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty() && bench.reference.backups().is_empty());
    let sql = "select count(*) from pg_stat_activity where application_name = 'barkeep'";
    let left: i64 = bench.client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}
