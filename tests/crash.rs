//! Killed at random instants, about two hundred times: the archive holds only whole backups, a directory
//! that was restored by half never starts, and doing it again succeeds.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not. The seed is
//! told; `BARKEEP_TEST_SEED` gives the same instants again.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use barkeep::store::{Key, ObjectStore, Put};
use bytes::{Bytes, BytesMut};
use common::barkeep::{BUCKET, Barkeep};
use common::invariants::{Inspector, Manifest, ids_done, keys};
use common::load::Noise;
use common::moto::Moto;
use common::pg::{NEWEST, Server, Shutdown, program};
use common::{Scratch, as_postgres, must, run, tell};
use futures_util::TryStreamExt as _;
use tokio_postgres::Client;

/// How often a verb is killed, in all.
const KILLS_ON_A_DIRECTORY: u32 = 52;
const KILLS_ON_S3: u32 = 15;
/// After so many kills of `backup` or `restore` the verb is left to do its work.
const LET_BE_AFTER: u32 = 5;
/// How long PostgreSQL may think about a directory that it must refuse.
const REFUSAL: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backup_is_no_backup_on_a_directory() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    kill_backups(&Cluster::new(&scratch, barkeep).await, KILLS_ON_A_DIRECTORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_backup_is_no_backup_on_s3() {
    let scratch = Scratch::new();
    let moto = moto(&scratch).await;
    kill_backups(&Cluster::new(&scratch, Barkeep::on_moto(&scratch, &moto)).await, KILLS_ON_S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_leaves_nothing_that_starts_from_a_directory() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    kill_restores(Cluster::new(&scratch, barkeep).await, &scratch, KILLS_ON_A_DIRECTORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_restore_leaves_nothing_that_starts_from_s3() {
    let scratch = Scratch::new();
    let moto = moto(&scratch).await;
    let barkeep = Barkeep::on_moto(&scratch, &moto);
    kill_restores(Cluster::new(&scratch, barkeep).await, &scratch, KILLS_ON_S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_retention_leaves_is_whole_on_a_directory() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    kill_retention(Cluster::new(&scratch, barkeep).await, KILLS_ON_A_DIRECTORY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_retention_leaves_is_whole_on_s3() {
    let scratch = Scratch::new();
    let moto = moto(&scratch).await;
    kill_retention(Cluster::new(&scratch, Barkeep::on_moto(&scratch, &moto)).await, KILLS_ON_S3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_damage_is_found_by_those_who_look_for_it() {
    let scratch = Scratch::new();
    let barkeep = Barkeep::on_directory(&scratch);
    let cluster = Cluster::new(&scratch, barkeep).await;
    cluster.backup("whole");
    let store = cluster.barkeep.store().await;
    Inspector::default().insist(&*store, "before the damage").await;

    let all = keys(&*store).await;
    let pick = |part: &str| all.iter().find(|key| key.contains(part)).unwrap().as_str();
    let segment = {
        let shown = cluster.record().await;
        let begin = shown.lines().find_map(|line| line.strip_prefix("begin_wal=")).unwrap().to_owned();
        let label = |key: &&String| key.contains(".backup");
        all.iter().find(|key| key.contains(&format!("/{begin}")) && !label(key)).unwrap().clone()
    };
    let space = all.iter().find(|key| {
        key.rsplit('/').next().is_some_and(|name| name.contains(".tar") && !name.starts_with("data"))
    });
    let damages: [(&str, &str, Damage); 8] = [
        (pick("/data.tar"), "the tar data", Damage::Lost),
        (pick("/data.tar"), "the tar data", Damage::Cut),
        (pick("/data.tar"), "", Damage::Flipped),
        (space.unwrap(), "the tar ", Damage::Lost),
        (pick("backup_manifest"), "its manifest", Damage::Lost),
        (pick("backup_manifest"), "its manifest", Damage::Cut),
        (&segment, "is missing", Damage::Lost),
        (&segment, "segment ", Damage::Cut),
    ];
    for (key, expected, damage) in damages {
        let good = read(&*store, key).await;
        write(&*store, key, damage.of(good.to_vec())).await;
        let faults = Inspector::default().faults(&*store).await;
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{key}, {damage:?}: {faults:?}");
        write(&*store, key, Some(good.to_vec())).await;
    }
    Inspector::default().insist(&*store, "after the repair").await;
}

/// What happens to an object.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Lost,
    Cut,
    Flipped,
}

impl Damage {
    /// What is left of it; `None` is nothing at all.
    fn of(self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let middle = bytes.len() / 2;
        match self {
            Self::Lost => return None,
            Self::Cut => bytes.truncate(middle),
            Self::Flipped => bytes[middle] ^= 0xff,
        }
        Some(bytes)
    }
}

async fn kill_backups(cluster: &Cluster, kills: u32) {
    let store = cluster.barkeep.store().await;
    let mut inspector = Inspector::default();
    let whole = time(|| cluster.backup("one"));
    inspector.insist(&*store, "before the first kill").await;
    let (mut noise, mut finished) = (seeded(), 0);
    for n in 1..=kills {
        if killed_within(&mut cluster.backup_command("killed"), whole, &mut noise).is_some() {
            finished += 1;
        }
        inspector.insist(&*store, &format!("after kill {n} of a backup")).await;
        if n.is_multiple_of(LET_BE_AFTER) || n == kills {
            let before = ids_done(&*store).await;
            cluster.backup("again");
            let after = ids_done(&*store).await;
            assert_eq!(
                after.len(),
                before.len() + 1,
                "the backup after kill {n}: {before:?}, then {after:?}"
            );
            inspector.insist(&*store, &format!("after the backup after kill {n}")).await;
            cluster.barkeep.must(&["retention", "REDUNDANCY 1", "--leftovers-after", "0s"]);
            assert_eq!(ids_done(&*store).await, after[before.len()..], "what retention leaves");
            inspector.insist(&*store, &format!("after the retention after kill {n}")).await;
        }
    }
    tell(&format!("{kills} backups of {whole:?}, {finished} ended before they were killed"));
}

async fn kill_restores(mut cluster: Cluster, scratch: &Scratch, kills: u32) {
    cluster.backup("whole");
    cluster.primary.stop(Shutdown::Immediate);
    let store = cluster.barkeep.store().await;
    let manifest = Manifest::of(&*store, &ids_done(&*store).await[0]).await;
    let place = Place::new(scratch);
    let whole = time(|| drop(cluster.barkeep.must(&place.words())));
    assert_eq!(manifest.lacking_in(&place.data), [""; 0], "before the first kill");
    place.clear();
    let (mut noise, mut finished) = (seeded(), 0);
    for n in 1..=kills {
        killed_within(&mut cluster.barkeep.command(&place.words()), whole, &mut noise);
        if place.may_start() {
            finished += 1;
            assert_eq!(manifest.lacking_in(&place.data), [""; 0], "after kill {n} of a restore");
            let again = cluster.barkeep.run(&place.words());
            assert_eq!(again.status.code(), Some(3), "a second restore over a whole one, after kill {n}");
            cluster.barkeep.must(&[&place.words()[..], &["--clean"]].concat());
            assert_eq!(manifest.lacking_in(&place.data), [""; 0], "cleaned, after kill {n}");
            place.clear();
        } else if n.is_multiple_of(LET_BE_AFTER) || n == kills {
            place.refuses_to_start(scratch);
            // No flag: what is there is known to be the remains of a restore.
            cluster.barkeep.must(&place.words());
            assert_eq!(manifest.lacking_in(&place.data), [""; 0], "done again, after kill {n}");
            place.clear();
        }
    }
    tell(&format!("{kills} restores of {whole:?}, {finished} were whole before they were killed"));
}

async fn kill_retention(mut cluster: Cluster, kills: u32) {
    for name in ["one", "two", "three", "four"] {
        cluster.write().await;
        cluster.backup(name);
    }
    cluster.write().await;
    cluster.primary.archive_all(&cluster.client).await;
    cluster.primary.stop(Shutdown::Immediate);
    let store = cluster.barkeep.store().await;
    let template = Template::of(&*store).await;
    let last = ids_done(&*store).await.pop().unwrap();
    let mut inspector = Inspector::default();
    inspector.insist(&*store, "before the first kill").await;

    let words = ["retention", "REDUNDANCY 1", "--leftovers-after", "0s"];
    let first = time(|| drop(cluster.barkeep.must(&words)));
    let result = keys(&*store).await;
    template.put_back(&*store).await;
    cluster.barkeep.give_store_to_postgres();
    // The first call is slower than most, and a kill that comes too late is none.
    let whole = first.min(time(|| drop(cluster.barkeep.must(&words))));
    let (mut noise, mut finished) = (seeded(), 0);
    for n in 1..=kills {
        template.put_back(&*store).await;
        cluster.barkeep.give_store_to_postgres();
        if killed_within(&mut cluster.barkeep.command(&words), whole, &mut noise).is_some() {
            finished += 1;
        }
        inspector.insist(&*store, &format!("after kill {n} of a retention")).await;
        cluster.barkeep.must(&words);
        inspector.insist(&*store, &format!("after the retention after kill {n}")).await;
        assert_eq!(ids_done(&*store).await, [last.as_str()], "after the retention after kill {n}");
        assert_eq!(keys(&*store).await, result, "what an undisturbed retention leaves, after kill {n}");
    }
    tell(&format!("{kills} retentions of {whole:?}, {finished} ended before they were killed"));
}

/// A running cluster with a tablespace, and its archive.
struct Cluster {
    primary: Server,
    client: Client,
    barkeep: Barkeep,
}

impl Cluster {
    async fn new(scratch: &Scratch, barkeep: Barkeep) -> Self {
        let mut primary = Server::init(scratch, NEWEST, 1, &barkeep);
        let client = primary.start().await;
        let space = scratch.dir("space");
        client
            .batch_execute(&format!("create tablespace space location '{}'", space.display()))
            .await
            .unwrap();
        client.batch_execute("create table far (n bigint, filler text) tablespace space").await.unwrap();
        let cluster = Self { primary, client, barkeep };
        cluster.write().await;
        cluster
    }

    /// Half a megabyte of rows, and the end of their segment.
    async fn write(&self) {
        let insert = "insert into far select n, repeat(md5(n::text), 8) from generate_series(1, 2000) n";
        self.client.execute(insert, &[]).await.unwrap();
        self.client.query_one("select pg_switch_wal()", &[]).await.unwrap();
    }

    fn backup_command(&self, name: &str) -> Command {
        let sha256 = ["--manifest-checksums", "sha256"];
        self.barkeep.backup_command(&self.primary.sockets(), name, &sha256)
    }

    fn backup(&self, name: &str) {
        must(&mut self.backup_command(name), Duration::from_mins(2));
    }

    /// The record of the only backup.
    async fn record(&self) -> String {
        let store = self.barkeep.store().await;
        let id = ids_done(&*store).await.remove(0);
        let bytes = read(&*store, &format!("main/base/{id}/backup.info")).await;
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

/// Where a backup is restored to, again and again.
struct Place {
    data: PathBuf,
    space: PathBuf,
    mapping: String,
}

impl Place {
    fn new(scratch: &Scratch) -> Self {
        let (data, space) = (scratch.path("restored"), scratch.path("restored-space"));
        Self { data, mapping: format!("space={}", space.display()), space }
    }

    fn words(&self) -> [&str; 4] {
        ["restore", self.data.to_str().unwrap(), "--tablespace", &self.mapping]
    }

    fn may_start(&self) -> bool {
        self.data.join("global/pg_control").exists()
    }

    fn clear(&self) {
        for dir in [&self.data, &self.space] {
            if dir.exists() {
                std::fs::remove_dir_all(dir).unwrap();
            }
        }
    }

    /// PostgreSQL does not begin with what is there.
    fn refuses_to_start(&self, scratch: &Scratch) {
        let sockets = scratch.path("").display().to_string();
        let started = run(
            as_postgres(program(NEWEST, "postgres"))
                .args(["-c", "listen_addresses=", "-c", &format!("unix_socket_directories={sockets}"), "-D"])
                .arg(&self.data),
            REFUSAL,
        );
        assert!(!started.status.success(), "PostgreSQL has started on half a restore");
    }
}

/// Every object of a store, to put back what was deleted.
struct Template(BTreeMap<String, Bytes>);

impl Template {
    async fn of(store: &dyn ObjectStore) -> Self {
        let mut objects = BTreeMap::new();
        for key in keys(store).await {
            let bytes = read(store, &key).await;
            objects.insert(key, bytes);
        }
        Self(objects)
    }

    async fn put_back(&self, store: &dyn ObjectStore) {
        let there = keys(store).await;
        for (key, bytes) in self.0.iter().filter(|(key, _)| there.binary_search(key).is_err()) {
            write(store, key, Some(bytes.to_vec())).await;
        }
    }
}

async fn read(store: &dyn ObjectStore, key: &str) -> Bytes {
    let object = store.get(&Key::new(key).unwrap(), None).await.unwrap();
    object.body.try_collect::<BytesMut>().await.unwrap().freeze()
}

/// Puts an object in the place of another, or deletes it.
async fn write(store: &dyn ObjectStore, key: &str, bytes: Option<Vec<u8>>) {
    let key = Key::new(key).unwrap();
    match bytes {
        Some(bytes) => {
            let how = Put { if_exists: barkeep::store::IfExists::Replace, ..Put::default() };
            store.put(&key, bytes.into(), &how).await.unwrap();
        }
        None => store.delete(&[key]).await.unwrap(),
    }
}

/// Starts a command and kills it at a random instant within `limit`; how it ended, when it did before.
fn killed_within(command: &mut Command, limit: Duration, noise: &mut Noise) -> Option<ExitStatus> {
    let micros = u64::try_from(limit.as_micros()).unwrap().max(1);
    let instant = Duration::from_micros(noise.next() % micros);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(instant);
    let ended = child.try_wait().unwrap();
    let _ = child.kill();
    child.wait().unwrap();
    ended
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

/// Random instants, other ones in every run unless the seed is given.
fn seeded() -> Noise {
    let seed = match std::env::var("BARKEEP_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs(),
    };
    tell(&format!("BARKEEP_TEST_SEED={seed}"));
    Noise(seed)
}

/// moto with an empty bucket.
async fn moto(scratch: &Scratch) -> Moto {
    let moto = Moto::http(scratch).await;
    moto.create_bucket(BUCKET).await;
    moto
}
