//! What a `Cluster` says of where it comes from and whom it follows: which archive is read, with whose secrets,
//! to which target; and that the `restore_command` which `restore` writes does what it is for.

use std::collections::BTreeMap;

use barkeep::model::{Backup, Lsn, SegmentName, SegmentSize, Timeline};
use bed::backup::{moment, publish, record, segment};
use bed::{MIB, SYSTEM, segment_bytes};
use serde_json::Value;

use super::*;

/// The archive of another cluster, and one that only its own keys open: `copy` was made out of `origin`.
struct Scene {
    s3: S3,
    machine: Machine,
}

const FIRST: &str = "20260102T030405";
const SECOND: &str = "20260104T030405";
const LAST_WAL: u64 = 8;

impl Scene {
    /// With two backups of `origin` and its WAL.
    async fn new() -> Self {
        let scene = Self { s3: S3::start().await, machine: Machine::new() };
        let origin = Bed::new();
        for (id, day, first, last) in [(FIRST, 2, 2, 3), (SECOND, 4, 5, 6)] {
            origin.foreign(&format!("main/base/{id}/data.tar"), data(&origin)).await;
            publish(&origin, &backup(id, day, first, last)).await;
        }
        for n in 2..=LAST_WAL {
            let name = segment(n);
            origin.foreign(&format!("main/wals/0000000100000000/{name}"), wal(n)).await;
        }
        for key in origin.keys().await {
            let path = scene.s3.folder(&format!("old/{}", key.replacen("main", "origin", 1)));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, origin.object(&key).await).unwrap();
        }
        scene
    }

    /// The manifest, with a few lines of the `Cluster`'s own.
    fn says(&self, cluster: &str) {
        self.says_with(cluster, "", "");
    }

    /// The same, with an environment of its own store and of the other's.
    fn says_with(&self, cluster: &str, own: &str, others: &str) {
        let endpoint = self.s3.endpoint();
        let store = |name: &str, environment: &str| {
            format!(
                "apiVersion: barmancloud.cnpg.io/v1
kind: ObjectStore
metadata: {{name: {name}}}
spec:
  instanceSidecarConfiguration: {{env: [{environment}]}}
  configuration:
    destinationPath: s3://{BUCKET}/{name}
    endpointURL: {endpoint}
    s3Credentials:
      accessKeyId: {{name: {name}-keys, key: id}}
      secretAccessKey: {{name: {name}-keys, key: secret}}
    wal: {{maxParallel: 3}}
---
"
            )
        };
        let secret = |name: &str, id: &str, secret: &str| {
            format!(
                "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: {name}-keys}}\n\
                 stringData: {{id: {id}, secret: {secret}}}\n"
            )
        };
        let cluster = format!(
            "apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: copy}}
spec:
  plugins:
  - name: barman-cloud.cloudnative-pg.io
    parameters: {{barmanObjectName: new}}
  externalClusters:
  - name: elsewhere
    connectionParameters: {{host: elsewhere}}
  - name: origin
    plugin:
      name: barman-cloud.cloudnative-pg.io
      parameters: {{barmanObjectName: old, serverName: origin}}
{cluster}
"
        );
        let documents = [
            store("new", own),
            store("old", others),
            cluster,
            secret("new", "AKOTHER", "otherwise"),
            secret("old", ACCESS_KEY, SECRET_KEY),
        ];
        self.machine.file("store.yaml", &documents.concat());
    }

    /// The other archive as it is told.
    fn origin(&self) -> String {
        format!("s3://{BUCKET}/old at {} (server origin)", self.s3.endpoint())
    }

    fn target(&self) -> PathBuf {
        self.machine.bed.dir.path().join("restored")
    }

    /// What `restore` would do.
    async fn plan(&self, words: &[&str]) -> Value {
        let target = self.target();
        let all = [&["restore", "--plan", "--json", target.to_str().unwrap()], words].concat();
        serde_json::from_str(&self.machine.must(&all, &[]).await).unwrap()
    }

    /// Restores, and gives the settings that were written.
    async fn restore(&self, words: &[&str]) -> BTreeMap<String, String> {
        let target = self.target();
        self.machine.must(&[&["restore", target.to_str().unwrap()], words].concat(), &[]).await;
        let written = std::fs::read_to_string(target.join("postgresql.auto.conf")).unwrap();
        let lines = written.lines().filter_map(|line| line.split_once(" = "));
        lines
            .map(|(name, value)| {
                let value =
                    value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value);
                (name.to_owned(), value.replace("''", "'"))
            })
            .collect()
    }

    /// Runs a `restore_command` as PostgreSQL does: by a shell, in the data directory, with nothing of ours in
    /// the environment.
    async fn fetch(&self, command: &str, name: &str) -> Output {
        assert!(command.contains("%f") && command.contains("%p"), "{command}");
        let scratch = self.machine.bed.dir.path();
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(command.replace("%f", name).replace("%p", "pg_wal/RECOVERYXLOG"))
            .current_dir(self.target())
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
            .env("PATH", "/usr/bin:/bin")
            .env("TMPDIR", scratch)
            .stdin(Stdio::null());
        shell.output().await.unwrap()
    }

    fn fetched(&self) -> Vec<u8> {
        std::fs::read(self.target().join("pg_wal/RECOVERYXLOG")).unwrap()
    }
}

fn backup(id: &str, day: u32, first: u64, last: u64) -> Backup {
    let name = |n: u64| {
        let size = SegmentSize::new(MIB).unwrap();
        SegmentName::holding(Timeline::new(1).unwrap(), Lsn(n * MIB), size)
    };
    let mut backup = Backup { id: id.parse().unwrap(), ..record() };
    let at = |hour: &str| Some(moment(&format!("2026-01-{day:02}T{hour}Z")));
    (backup.begin.time, backup.end.time) = (at("03:04:05"), at("03:10:00"));
    (backup.begin.lsn, backup.end.lsn) = (Some(Lsn(first * MIB + 0x28)), Some(Lsn(last * MIB + 0x100)));
    (backup.begin.wal, backup.end.wal) = (Some(name(first)), Some(name(last)));
    backup
}

/// The tar of a data directory.
fn data(bed: &Bed) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let control = std::fs::read(bed.data().join("global/pg_control")).unwrap();
    for (name, content) in [
        ("PG_VERSION", &b"18\n"[..]),
        ("global/pg_control", &control),
        ("backup_label", b"START WAL LOCATION: 0/500028 (file 000000010000000000000005)\n"),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append_data(&mut header, name, content).unwrap();
    }
    tar.into_inner().unwrap()
}

fn wal(n: u64) -> Vec<u8> {
    segment_bytes(&segment(n), SYSTEM, SegmentSize::new(MIB).unwrap(), n)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_recovers_says_which_archive_which_backup_and_which_target() {
    let scene = Scene::new().await;
    let rows = [
        ("", SECOND, "latest", None, true, "latest"),
        ("targetTime: '2026-01-03 00:00:00Z'", FIRST, "time", Some("2026-01-03"), true, "latest"),
        // Without an offset it is UTC, as for the operator.
        ("targetTime: '2026-01-04 03:10:01'", SECOND, "time", Some("2026-01-04 03:10:01"), true, "latest"),
        (
            "targetTime: '2026-01-04T04:09:59+01:00'",
            FIRST,
            "time",
            Some("2026-01-04 03:09:59"),
            true,
            "latest",
        ),
        (
            "targetTime: '2026-01-03 00:00:00Z', exclusive: true",
            FIRST,
            "time",
            Some("2026-01-03"),
            false,
            "latest",
        ),
        ("targetLSN: 0/480000", FIRST, "lsn", Some("0/480000"), true, "latest"),
        ("targetLSN: 0/780000, targetTLI: '1'", SECOND, "lsn", Some("0/780000"), true, "1"),
        ("backupID: 20260102T030405", FIRST, "latest", None, true, "latest"),
        ("targetXID: '1234', backupID: 20260102T030405", FIRST, "xid", Some("1234"), true, "latest"),
        (
            "targetName: before-it, backupID: 20260104T030405",
            SECOND,
            "name",
            Some("before-it"),
            true,
            "latest",
        ),
        ("targetImmediate: true, backupID: 20260102T030405", FIRST, "immediate", None, true, "latest"),
    ];
    for (target, backup, kind, value, inclusive, timeline) in rows {
        scene.says(&format!("  bootstrap: {{recovery: {{source: origin, recoveryTarget: {{{target}}}}}}}"));
        let plan = scene.plan(&[]).await;
        assert_eq!(plan["archive"], scene.origin(), "{target}");
        assert_eq!(plan["backup"], backup, "{target}: {plan}");
        let told = &plan["target"];
        assert_eq!((&told["kind"], &told["timeline"]), (&kind.into(), &timeline.into()), "{target}: {plan}");
        assert_eq!(told["inclusive"], inclusive, "{target}: {plan}");
        let shown = told["value"].as_str();
        assert!(
            shown == value || shown.zip(value).is_some_and(|(s, v)| s.starts_with(v)),
            "{target}: {plan}"
        );
    }
    // Words win over the manifest, whatever it says.
    let plan = scene.plan(&["--target-lsn", "0/480000", "--backup", "oldest"]).await;
    assert_eq!((&plan["target"]["kind"], &plan["backup"]), (&"lsn".into(), &FIRST.into()), "{plan}");

    // The target is in what PostgreSQL is told as well.
    scene.says(
        "  bootstrap: {recovery: {source: origin, recoveryTarget: {targetLSN: 0/480000, exclusive: true}}}",
    );
    let settings = scene.restore(&[]).await;
    assert_eq!(settings["recovery_target_lsn"], "0/480000");
    assert_eq!(settings["recovery_target_inclusive"], "false");
    assert!(scene.target().join("recovery.signal").exists());
}

/// Found by reading: the written command named the source's place and the manifest, and so signed in there with
/// the keys of the cluster's own archive.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_that_restore_writes_fetches_the_wal_of_the_source() {
    let scene = Scene::new().await;
    scene.says("  bootstrap: {recovery: {source: origin}}");
    let settings = scene.restore(&["--config", "../store.yaml"]).await;
    let command = &settings["restore_command"];
    assert!(!command.contains(SECRET_KEY), "{command}");
    let output = scene.fetch(command, &segment(6)).await;
    assert!(output.status.success(), "{command}: {}", told(&output));
    assert!(scene.fetched() == wal(6));
    // What is fetched ahead is the source's as well.
    let spool = scene.machine.bed.dir.path().to_owned();
    let ahead = || has_file(&spool, &segment(8));
    for _ in 0..400 {
        if ahead() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(ahead(), "the filler fetched nothing");
    let output = scene.fetch(command, &segment(7)).await;
    assert!(output.status.success() && scene.fetched() == wal(7), "{}", told(&output));
    let output = scene.fetch(command, &segment(LAST_WAL + 1)).await;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert_eq!(
        scene.machine.barkeep(&["backup-list"], &[]).await.status.code(),
        Some(5),
        "its own keys are wrong"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_reads_from_the_one_it_follows_and_stays_a_replica() {
    let scene = Scene::new().await;
    let fetch = |scene: &Scene| {
        let to = scene.machine.bed.dir.path().join("fetched").display().to_string();
        ["wal-restore".to_owned(), segment(2), to, "--window=0".to_owned()]
    };
    for replica in [
        "{enabled: true, source: origin}",
        "{primary: origin, source: origin}",
        "{primary: origin, self: here, source: origin, minApplyDelay: 1h}",
    ] {
        scene.says(&format!("  replica: {replica}"));
        let words = fetch(&scene);
        scene.machine.must(&words.each_ref().map(String::as_str), &[]).await;
        assert_eq!(scene.plan(&[]).await["archive"], scene.origin(), "{replica}");
    }
    // Everything else is about its own archive, whose keys are wrong.
    for words in [&["backup-list"][..], &["wal-archive", &format!("pg_wal/{SEGMENT}")]] {
        let output = scene.machine.barkeep(words, &[]).await;
        assert_eq!(output.status.code(), Some(5), "{words:?}: {}", told(&output));
    }
    scene.machine.must(&["backup-list", "--from", "origin"], &[]).await;
    // A primary is no replica, and one that only streams from its source has no other archive.
    for replica in [
        "{enabled: false, source: origin}",
        "{primary: copy, source: origin}",
        "{enabled: true, source: elsewhere}",
    ] {
        scene.says(&format!("  replica: {replica}"));
        let words = fetch(&scene);
        let output = scene.machine.barkeep(&words.each_ref().map(String::as_str), &[]).await;
        assert!(!output.status.success(), "{replica}: {}", told(&output));
    }

    scene.says("  replica: {enabled: true, source: origin}");
    let settings = scene.restore(&[]).await;
    assert!(scene.target().join("standby.signal").exists());
    let output = scene.fetch(&settings["restore_command"], &segment(5)).await;
    assert!(output.status.success() && scene.fetched() == wal(5), "{}", told(&output));
    // Whoever asks for a moment, or for none, gets no replica.
    for words in [&["--clean", "--target-lsn", "0/780000"][..], &["--clean", "--standby=false"]] {
        scene.restore(words).await;
        let there = ["recovery.signal", "standby.signal"].map(|name| scene.target().join(name).exists());
        assert_eq!(there, [true, false], "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_store_that_a_cluster_refers_to_adds_to_the_environment_and_the_first_wins() {
    let scene = Scene::new().await;
    let recovers = "  bootstrap: {recovery: {source: origin}}";
    let attempts = |value: &str| format!("{{name: AWS_MAX_ATTEMPTS, value: {value}}}");
    let refused = "AWS_MAX_ATTEMPTS is `many`";
    let plan = async || {
        let target = scene.target();
        let words = ["restore", "--plan", target.to_str().unwrap()];
        told(&scene.machine.barkeep(&words, &[]).await)
    };
    // The cluster's own store speaks although the other is read, and before it.
    scene.says_with(recovers, &attempts("many"), "");
    assert!(plan().await.contains(refused));
    scene.says_with(recovers, &attempts("many"), &attempts("'2'"));
    assert!(plan().await.contains(refused));
    scene.says_with(recovers, &attempts("'2'"), &attempts("many"));
    assert!(!plan().await.contains(refused));
    // And the other one speaks although the own is read.
    scene.says_with(recovers, "", &attempts("many"));
    assert!(told(&scene.machine.barkeep(&["status"], &[]).await).contains(refused));
    // A store that the cluster does not refer to says nothing, and hears nothing.
    scene.says_with("", "", &attempts("many"));
    assert!(!told(&scene.machine.barkeep(&["status"], &[]).await).contains(refused));
    scene.says_with("", &attempts("many"), "");
    let other = scene.machine.barkeep(&["status", "--object-store=old", "--server=origin"], &[]).await;
    assert!(!told(&other).contains(refused), "{}", told(&other));
}
