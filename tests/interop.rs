//! The reference and barkeep on one archive: each reads, keeps, restores and expires what the other wrote.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::path::PathBuf;
use std::time::Duration;

use common::azurite::{Azurite, Proof};
use common::barkeep::{BUCKET, Barkeep};
use common::invariants::keys;
use common::moto::Moto;
use common::pg::{NEWEST, OLDEST, Server, reload};
use common::reference::Reference;
use common::{Scratch, must, tell, wait_for};
use tokio_postgres::Client;

/// A pair of codecs, of tars and of WAL. Tarballs with zstd are known to later releases of the reference
/// only; the other tests have WAL with gzip and none.
const OURS: [(&str, &str); 5] =
    [("none", "zstd"), ("gzip", "xz"), ("bzip2", "bzip2"), ("snappy", "snappy"), ("lz4", "lz4")];
/// The same in the reference's words, and what the names of its segments end with.
const THEIRS: [(&[&str], &[&str], &str); 5] = [
    (&[], &["--zstd"], ".zst"),
    (&["--gzip"], &["--xz"], ".xz"),
    (&["--bzip2"], &["--bzip2"], ".bz2"),
    (&["--snappy"], &["--snappy"], ".snappy"),
    (&["--lz4"], &["--lz4"], ".lz4"),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_restores_what_barkeep_backed_up_and_archived_with_every_codec_it_knows() {
    the_reference_restores(On::S3, &OURS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_restores_what_barkeep_backed_up_and_archived_on_azure() {
    the_reference_restores(On::Azure, &OURS[1..2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_restores_what_barkeep_backed_up_of_the_oldest_postgresql() {
    the_reference_restores_the_oldest(On::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn barkeep_restores_what_the_reference_backed_up_and_archived_with_every_codec_it_knows() {
    barkeep_restores(On::S3, &THEIRS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn barkeep_restores_what_the_reference_backed_up_and_archived_on_azure() {
    barkeep_restores(On::Azure, &THEIRS[1..2]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn barkeep_restores_what_the_reference_backed_up_of_the_oldest_postgresql() {
    barkeep_restores_the_oldest(On::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_the_other_keeps_however_the_url_is_spelled() {
    each_sees_what_the_other_keeps(On::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_the_other_keeps_however_the_url_is_spelled_on_azure() {
    each_sees_what_the_other_keeps(On::Azure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_the_reference_keeps_outlives_our_retention() {
    what_the_reference_keeps_outlives_our_retention(On::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_the_reference_keeps_outlives_our_retention_on_azure() {
    what_the_reference_keeps_outlives_our_retention(On::Azure).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_expires_our_backups_and_we_what_it_leaves_of_them() {
    each_expires_what_the_other_left(On::S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_expires_our_backups_and_we_what_it_leaves_of_them_on_azure() {
    each_expires_what_the_other_left(On::Azure).await;
}

async fn the_reference_restores(on: On, codecs: &[(&str, &str)]) {
    let mut bench = Bench::new(on, NEWEST).await;
    for (tars, wal) in codecs {
        let name = format!("{tars}-and-{wal}");
        bench.archive_with(&bench.barkeep_archiving(wal), suffix(wal)).await;
        bench.write().await;
        bench.barkeep_backup(&name, tars);
        bench.write().await;
        bench.primary.archive_all(&bench.client).await;

        let id = bench.reference.id(&name);
        let shown = bench.reference.must("backup-show", &["--format", "json"], &[&name]);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(shown["cloud"]["backup_id"], id.as_str(), "{shown}");
        assert_eq!(shown["cloud"]["status"], "DONE", "{shown}");
        let folder = format!("some/path/main/base/{id}/");
        let tar = format!("{folder}data.tar{}", suffix(tars));
        assert!(bench.keys().await.contains(&tar), "{tar} is not there");

        let restored = bench.reference_restores(&name, &id);
        bench.has_everything(restored, &name).await;
    }
}

async fn the_reference_restores_the_oldest(on: On) {
    let mut bench = Bench::new(on, OLDEST).await;
    bench.archive_with(&bench.barkeep_archiving("gzip"), ".gz").await;
    bench.write().await;
    bench.barkeep_backup("old", "gzip");
    bench.write().await;
    bench.primary.archive_all(&bench.client).await;
    let id = bench.reference.id("old");
    let restored = bench.reference_restores("old", &id);
    bench.has_everything(restored, "old").await;
}

async fn barkeep_restores(on: On, codecs: &[(&[&str], &[&str], &str)]) {
    let mut bench = Bench::new(on, NEWEST).await;
    for (tars, wal, ending) in codecs {
        let name = format!("reference{}{}", tars.concat(), wal.concat());
        bench.archive_with(&bench.reference.archive_command(wal), ending).await;
        bench.write().await;
        bench.reference.backup(&bench.primary, &name, tars);
        bench.write().await;
        bench.primary.archive_all(&bench.client).await;

        let id = bench.reference.id(&name);
        bench.barkeep_knows(&name, &id);
        let restored = bench.barkeep_restores(&name);
        bench.has_everything(restored, &name).await;
    }
}

async fn barkeep_restores_the_oldest(on: On) {
    let mut bench = Bench::new(on, OLDEST).await;
    bench.archive_with(&bench.reference.archive_command(&["--gzip"]), ".gz").await;
    bench.write().await;
    bench.reference.backup(&bench.primary, "old", &["--gzip"]);
    bench.write().await;
    bench.primary.archive_all(&bench.client).await;
    let restored = bench.barkeep_restores("old");
    bench.has_everything(restored, "old").await;
}

async fn each_sees_what_the_other_keeps(on: On) {
    let mut bench = Bench::new(on, NEWEST).await;
    bench.archive_with(&bench.barkeep_archiving("gzip"), ".gz").await;
    bench.barkeep_backup("ours", "gzip");
    bench.reference.backup(&bench.primary, "theirs", &["--gzip"]);

    for name in ["ours", "theirs"] {
        for url in &bench.urls() {
            let (reference, barkeep) = (bench.reference.spelled(url), bench.barkeep.spelled(url));
            for word in ["full", "standalone"] {
                reference.must("backup-keep", &["--target", word], &[name]);
                for reader in &bench.urls() {
                    let told = bench.barkeep.spelled(reader).must(&["backup-keep", name, "status"]);
                    assert!(
                        told.contains(word),
                        "{name} is kept for {word} at {url}, read at {reader}: {told}"
                    );
                }
                reference.must("backup-keep", &["--release"], &[name]);

                barkeep.must(&["backup-keep", name, word]);
                assert_eq!(reference.kept_for(name), word, "{name} at {url}");
                barkeep.must(&["backup-keep", name, "release"]);
                assert_eq!(reference.kept_for(name), "nokeep", "{name} at {url}");
            }
            let told = barkeep.must(&["backup-keep", name, "status"]);
            assert!(!told.contains("full") && !told.contains("standalone"), "{name} at {url}: {told}");
        }
    }
}

async fn what_the_reference_keeps_outlives_our_retention(on: On) {
    let mut bench = Bench::new(on, NEWEST).await;
    bench.archive_with(&bench.reference.archive_command(&[]), "").await;
    for name in ["one", "two", "three", "four"] {
        bench.write().await;
        bench.reference.backup(&bench.primary, name, &["--gzip"]);
    }
    bench.write().await;
    bench.primary.archive_all(&bench.client).await;
    let (two, four) = (bench.reference.id("two"), bench.reference.id("four"));
    // The spelling whose annotation the reference itself does not see at the other one.
    let [_, with_slash] = bench.urls();
    bench.reference.spelled(&with_slash).must("backup-keep", &["--target", "standalone"], &["two"]);

    let before = bench.keys().await;
    bench.barkeep.must(&["retention", "REDUNDANCY 1", "--dry-run"]);
    assert_eq!(bench.keys().await, before, "a dry run has deleted something");
    bench.barkeep.must(&["retention", "REDUNDANCY 1"]);

    let left = bench.reference.backups();
    let ids = left.iter().map(|backup| backup["backup_id"].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(ids, [two.as_str(), four.as_str()]);
    let wal = |backup: &serde_json::Value, key: &str| backup[key].as_str().unwrap().to_owned();
    let (kept_from, kept_to) = (wal(&left[0], "begin_wal"), wal(&left[0], "end_wal"));
    let from = wal(&left[1], "begin_wal");
    for name in bench.segments().await {
        let needed = (kept_from <= name && name <= kept_to) || name >= from;
        assert!(needed, "{name} is there; needed are {kept_from} to {kept_to}, and {from} and later");
    }
    let restored = bench.barkeep_restores("four");
    bench.has_everything(restored, "four").await;
}

async fn each_expires_what_the_other_left(on: On) {
    let mut bench = Bench::new(on, NEWEST).await;
    bench.archive_with(&bench.barkeep_archiving("none"), "").await;
    for name in ["one", "two", "three"] {
        bench.write().await;
        bench.barkeep_backup(name, "gzip");
    }
    bench.write().await;
    bench.primary.archive_all(&bench.client).await;
    let (one, three) = (bench.reference.id("one"), bench.reference.id("three"));

    bench.reference.must("backup-delete", &["--retention-policy", "REDUNDANCY 1"], &[]);
    let left = bench.reference.backups();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["backup_id"], three.as_str());
    let from = left[0]["begin_wal"].as_str().unwrap().to_owned();
    assert!(bench.segments().await.iter().all(|name| *name >= from), "WAL before {from} is still there");
    let listed = bench.barkeep.must(&["backup-list", "--json"]);
    assert!(listed.contains(&three), "{listed}");

    bench.barkeep.must(&["retention", "REDUNDANCY 1", "--leftovers-after", "0s"]);
    let folder = format!("/base/{one}/");
    let leftovers = bench.keys().await.into_iter().filter(|key| key.contains(&folder)).collect::<Vec<_>>();
    assert!(leftovers.is_empty(), "{leftovers:?}");
    let restored = bench.reference_restores("three", &three);
    bench.has_everything(restored, "three").await;
}

/// Whose service has the archive.
#[derive(Debug, Clone, Copy)]
enum On {
    S3,
    Azure,
}

/// The service, with an empty bucket or container.
enum Service {
    S3(Moto),
    Azure(Azurite),
}

impl Service {
    async fn start(on: On, scratch: &Scratch) -> Self {
        match on {
            On::S3 => {
                let moto = Moto::http(scratch).await;
                moto.create_bucket(BUCKET).await;
                Self::S3(moto)
            }
            On::Azure => {
                let azurite = Azurite::http(scratch).await;
                azurite.create_container(BUCKET).await;
                Self::Azure(azurite)
            }
        }
    }

    /// The two that work on it.
    fn hands(&self, scratch: &Scratch) -> (Barkeep, Reference) {
        match self {
            Self::S3(moto) => (Barkeep::on_moto(scratch, moto), Reference::on_moto(scratch, moto)),
            Self::Azure(azurite) => {
                let barkeep = Barkeep::on(scratch, azurite.reach(BUCKET, Proof::ConnectionString));
                (barkeep, Reference::on_azurite(scratch, azurite))
            }
        }
    }

    /// Its own word for what is in it; the first page will do.
    async fn keys(&self) -> Vec<String> {
        match self {
            Self::S3(moto) => moto.keys(BUCKET).await,
            Self::Azure(azurite) => azurite.blobs(BUCKET).await,
        }
    }
}

/// A cluster with a tablespace, an archive in object storage, and the two that work on it.
struct Bench {
    major: u32,
    primary: Server,
    client: Client,
    /// Rows written so far.
    rows: i64,
    /// Restores made so far.
    restores: u32,
    barkeep: Barkeep,
    reference: Reference,
    // Kept until the servers have ended: fields are dropped in this order.
    service: Service,
    scratch: Scratch,
}

impl Bench {
    async fn new(on: On, major: u32) -> Self {
        let scratch = Scratch::new();
        let service = Service::start(on, &scratch).await;
        let (barkeep, reference) = service.hands(&scratch);
        let mut primary = Server::init(&scratch, major, 1, &barkeep);
        let client = primary.start().await;
        let space = scratch.dir("space");
        client
            .batch_execute(&format!("create tablespace \"far off\" location '{}'", space.display()))
            .await
            .unwrap();
        client
            .batch_execute(
                "create table near (n bigint primary key, filler text);
                 create table far (n bigint primary key, filler text) tablespace \"far off\"",
            )
            .await
            .unwrap();
        Self { major, primary, client, rows: 0, restores: 0, barkeep, reference, service, scratch }
    }

    /// Rows in both places, and the end of the segment they are in.
    async fn write(&mut self) {
        for table in ["near", "far"] {
            let insert =
                format!("insert into {table} select n, repeat(md5(n::text), 20) from generate_series");
            let (from, to) = (self.rows + 1, self.rows + 100);
            self.client.execute(&format!("{insert}({from}, {to}) n"), &[]).await.unwrap();
        }
        self.rows += 100;
        self.client.query_one("select pg_switch_wal()", &[]).await.unwrap();
    }

    /// Archives with this command from now on: segments with this ending come out.
    async fn archive_with(&mut self, command: &str, ending: &str) {
        self.primary.set(&[("archive_command", command)]);
        reload(&self.client).await;
        wait_for("the archive has segments of the new kind", Duration::from_mins(1), async || {
            self.client.execute("create table if not exists filler (n int)", &[]).await.unwrap();
            self.client.execute("insert into filler values (1)", &[]).await.unwrap();
            let name = self.primary.archive_all(&self.client).await;
            let key = format!("some/path/main/wals/{}/{name}{ending}", &name[..16]);
            self.keys().await.contains(&key).then_some(())
        })
        .await;
    }

    fn barkeep_archiving(&self, codec: &str) -> String {
        format!("{} --compression {codec}", self.barkeep.archive_command())
    }

    fn barkeep_backup(&self, name: &str, codec: &str) {
        self.barkeep.must_back_up(&self.primary.sockets(), name, &["--compression", codec]);
    }

    /// What barkeep tells of a backup of the reference's.
    fn barkeep_knows(&self, name: &str, id: &str) {
        let listed = self.barkeep.must(&["backup-list", "--json"]);
        assert!(listed.contains(id) && listed.contains(name), "{listed}");
        for reference in [name, id, "latest"] {
            let shown = self.barkeep.must(&["backup-show", reference, "--json"]);
            assert!(shown.contains(id) && shown.contains(name), "{reference}: {shown}");
        }
    }

    /// A server on what the reference has restored, and which recovers through it.
    fn reference_restores(&mut self, name: &str, id: &str) -> Server {
        let (server, space) = self.room();
        let data = server.data().display().to_string();
        self.reference.must(
            "restore",
            &["--tablespace", &format!("far off:{}", space.display())],
            &[id, &data],
        );
        tell(&format!("{name}: restored by the reference"));
        // It leaves modes to the umask.
        must(common::as_postgres("chmod").args(["0700", &data]), Duration::from_secs(5));
        server.move_in();
        server.set(&[("archive_mode", "off"), ("restore_command", &self.reference.restore_command())]);
        server.signal("recovery");
        server
    }

    /// A server on what barkeep has restored, as it has set it up.
    fn barkeep_restores(&mut self, name: &str) -> Server {
        let (server, space) = self.room();
        let data = server.data().display().to_string();
        let mapping = format!("far off={}", space.display());
        let words = ["restore", &data, "--backup", name, "--tablespace", &mapping];
        self.barkeep.must(&[&words[..], &["--plan"]].concat());
        assert!(!server.data().exists(), "a plan has created {data}");
        self.barkeep.must(&words);
        tell(&format!("{name}: restored by barkeep"));
        server.move_in();
        server
    }

    /// A place for another server and its tablespace.
    fn room(&mut self) -> (Server, PathBuf) {
        self.restores += 1;
        let server =
            Server::at_home(&self.scratch, self.major, &format!("r{}", self.restores), &self.barkeep);
        (server, self.scratch.path(&format!("space{}", self.restores)))
    }

    /// Starts a restored server, which must have every row.
    async fn has_everything(&self, mut server: Server, name: &str) {
        server.launch();
        let client = server.promoted().await;
        for table in ["near", "far"] {
            let sums = format!("select count(*), coalesce(max(n), 0), count(filler) from {table}");
            let row = client.query_one(&sums, &[]).await.unwrap();
            let found: (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
            assert_eq!(found, (self.rows, self.rows, self.rows), "{table}, restored from {name}");
        }
        let place = client.query_one(
            "select pg_tablespace_location(oid) from pg_tablespace where spcname = 'far off'",
            &[],
        );
        let place: String = place.await.unwrap().get(0);
        assert!(place.ends_with(&format!("space{}", self.restores)), "the tablespace is at {place}");
    }

    /// The archive's URL, and the same with a slash at its end.
    fn urls(&self) -> [String; 2] {
        [self.barkeep.url().to_owned(), format!("{}/", self.barkeep.url())]
    }

    async fn keys(&self) -> Vec<String> {
        assert!(!self.service.keys().await.is_empty());
        keys(&*self.barkeep.at_the_top().store().await).await
    }

    /// The names of the archived segments.
    async fn segments(&self) -> Vec<String> {
        let all = self.keys().await;
        let names = all.iter().filter(|key| key.contains("/wals/")).filter_map(|key| key.rsplit('/').next());
        let stems = names.map(|name| name.split('.').next().unwrap_or(name)).filter(|stem| stem.len() == 24);
        stems.map(str::to_owned).collect()
    }
}

/// What the key of an object of this codec ends with.
fn suffix(codec: &str) -> &'static str {
    match codec {
        "none" => "",
        "gzip" => ".gz",
        "bzip2" => ".bz2",
        "xz" => ".xz",
        "snappy" => ".snappy",
        "lz4" => ".lz4",
        "zstd" => ".zst",
        other => panic!("{other} is no codec"),
    }
}
