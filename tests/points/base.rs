//! The verbs about base backups in their situations, with a real PostgreSQL and a directory as the store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio_postgres::Client;

use crate::common::barkeep::Barkeep;
use crate::common::invariants::{Inspector, Manifest, ids_done, keys};
use crate::common::pg::{NEWEST, Server};
use crate::common::{Scratch, give_to_postgres, must, run};
use crate::lost;
use crate::scene::Scene;

const PATIENCE: Duration = Duration::from_mins(3);

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A backup is taken beside one that is there.
    Backup,
    /// The older of two backups is kept for good.
    Keep,
    /// The older of two backups is deleted.
    Delete,
    /// All but the newest of two backups goes, with the WAL before it.
    Retention,
    /// The store is tried out.
    Check,
    /// The newest backup is restored.
    Restore,
}

/// A running cluster with a tablespace, its archive, and two backups in it.
pub(crate) struct Cluster {
    scratch: Scratch,
    primary: Server,
    barkeep: Barkeep,
    client: Client,
    ids: Vec<String>,
}

impl Cluster {
    /// Archives to a directory.
    pub(crate) async fn new() -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        let mut primary = Server::init(&scratch, NEWEST, 1, &barkeep);
        let client = primary.start().await;
        let space = scratch.dir("space").display().to_string();
        client.batch_execute(&format!("create tablespace space location '{space}'")).await.unwrap();
        client.batch_execute("create table far (n bigint, filler text) tablespace space").await.unwrap();
        let fill = "insert into far select n, repeat(md5(n::text), 8) from generate_series(1, 500) n";
        let mut cluster = Self { scratch, primary, barkeep, client, ids: Vec::new() };
        for name in ["one", "two"] {
            cluster.client.execute(fill, &[]).await.unwrap();
            must(&mut cluster.backup(name), PATIENCE);
        }
        cluster.primary.archived().await;
        let store = cluster.barkeep.store().await;
        cluster.ids = ids_done(&*store).await;
        Inspector::default().insist(&*store, "before the first call").await;
        lost::copy(&cluster.store(), &cluster.scratch.path("template"));
        cluster
    }

    fn backup(&self, name: &str) -> Command {
        let sums = ["--manifest-checksums", "sha256"];
        self.barkeep.backup_command(&self.primary.sockets(), name, &sums)
    }

    fn store(&self) -> PathBuf {
        self.scratch.path("store")
    }

    fn data(&self) -> PathBuf {
        self.scratch.path("restored")
    }

    fn space(&self) -> PathBuf {
        self.scratch.path("restored-space")
    }
}

/// A cluster and what is done to its archive.
pub(crate) struct Base<'a> {
    cluster: &'a Cluster,
    what: What,
    inspector: tokio::sync::Mutex<Inspector>,
    /// What there is after a call that nobody disturbed.
    result: std::sync::Mutex<Option<Vec<String>>>,
}

impl<'a> Base<'a> {
    /// One of them.
    pub(crate) fn new(cluster: &'a Cluster, what: What) -> Self {
        Self { cluster, what, inspector: tokio::sync::Mutex::default(), result: std::sync::Mutex::default() }
    }

    fn mapping(&self) -> String {
        format!("space={}", self.cluster.space().display())
    }

    async fn manifest_lacks(&self) -> Vec<String> {
        let store = self.cluster.barkeep.store().await;
        let newest = self.cluster.ids.last().unwrap();
        Manifest::of(&*store, newest).await.lacking_in(&self.cluster.data())
    }

    fn may_start(&self) -> bool {
        self.cluster.data().join("global/pg_control").exists()
    }

    /// The keys that count: all but what `check` tries.
    async fn keys(&self) -> Vec<String> {
        let mut keys = keys(&*self.cluster.barkeep.store().await).await;
        keys.retain(|key| !key.contains("/barkeep-probes/"));
        keys
    }
}

impl Scene for Base<'_> {
    fn name(&self) -> String {
        format!("{:?} on a directory", self.what)
    }

    fn verb(&self) -> &'static str {
        match self.what {
            What::Backup => "backup",
            What::Keep => "backup-keep",
            What::Delete => "backup-delete",
            What::Retention => "retention",
            What::Check => "check",
            What::Restore => "restore",
        }
    }

    fn command(&self) -> Command {
        let barkeep = &self.cluster.barkeep;
        let oldest = self.cluster.ids[0].as_str();
        match self.what {
            What::Backup => self.cluster.backup("three"),
            What::Keep => barkeep.command(&["backup-keep", oldest, "full"]),
            What::Delete => barkeep.command(&["backup-delete", oldest]),
            What::Retention => barkeep.command(&["retention", "REDUNDANCY 1", "--leftovers-after", "0s"]),
            What::Check => barkeep.command(&["check"]),
            What::Restore => {
                let data = self.cluster.data().display().to_string();
                barkeep.command(&["restore", &data, "--tablespace", &self.mapping()])
            }
        }
    }

    async fn lay(&self) {
        if self.what == What::Restore {
            for directory in [self.cluster.data(), self.cluster.space()] {
                let _ = std::fs::remove_dir_all(directory);
            }
            return;
        }
        self.settle().await;
        // WAL that was archived since stays: PostgreSQL was told that it is there.
        let (root, template) = (self.cluster.store(), self.cluster.scratch.path("template"));
        for folder in ["base", "barkeep-probes"] {
            let (there, was) = (root.join("main").join(folder), template.join("main").join(folder));
            let _ = std::fs::remove_dir_all(&there);
            if was.exists() {
                lost::copy(&was, &there);
            }
        }
        let (there, was) = (root.join("main/wals"), template.join("main/wals"));
        must(Command::new("cp").arg("-aln").arg(was.join(".")).arg(there), PATIENCE);
        for path in drafts(&root) {
            std::fs::remove_file(path).unwrap();
        }
    }

    async fn settle(&self) {
        self.cluster.primary.archived().await;
    }

    async fn sound(&self, when: &str) {
        let store = self.cluster.barkeep.store().await;
        self.inspector.lock().await.insist(&*store, when).await;
        let ids = ids_done(&*store).await;
        let newest = self.cluster.ids.last().unwrap();
        assert!(ids.contains(newest), "{when}: the newest backup is gone: {ids:?}");
        match self.what {
            What::Backup | What::Keep | What::Check => {
                assert!(ids.starts_with(&self.cluster.ids), "{when}: a backup is gone: {ids:?}");
            }
            What::Restore if self.may_start() => {
                assert_eq!(self.manifest_lacks().await, [""; 0], "{when}: what may start is not whole");
            }
            What::Delete | What::Retention | What::Restore => {}
        }
    }

    async fn again(&self, when: &str) {
        let ended = run(&mut self.command(), PATIENCE);
        let told = crate::scene::told(&ended);
        match self.what {
            // It is gone already, which is what was asked for.
            What::Delete if ended.status.code() == Some(1) => {}
            What::Restore if ended.status.code() == Some(3) => {
                assert!(self.may_start(), "{when}: {told}");
            }
            _ => assert!(ended.status.success(), "{when}: {told}"),
        }
    }

    async fn done(&self, when: &str) {
        let store = self.cluster.barkeep.store().await;
        self.sound(when).await;
        match self.what {
            What::Backup => {
                assert!(
                    ids_done(&*store).await.len() > self.cluster.ids.len(),
                    "{when}: there is no new backup"
                );
            }
            What::Restore => {
                // The mark may stay once the copy is whole: somebody may have started it since, so the next
                // call touches nothing and says so.
                assert!(self.may_start(), "{when}: nothing is restored");
            }
            What::Keep | What::Delete | What::Check | What::Retention => {
                let keys = self.keys().await;
                let mut result = self.result.lock().unwrap();
                let expected = result.get_or_insert_with(|| keys.clone());
                assert_eq!(
                    keys, *expected,
                    "{when}: left is what there is, right what nobody disturbed leaves"
                );
            }
        }
    }

    fn root(&self) -> Option<PathBuf> {
        (self.what != What::Restore).then(|| self.cluster.store())
    }

    fn beside(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn workplace(&self) -> PathBuf {
        let place = self.cluster.scratch.path("work");
        if place.exists() {
            std::fs::remove_dir_all(&place).unwrap();
        }
        std::fs::create_dir(&place).unwrap();
        give_to_postgres(&place);
        place
    }
}

fn drafts(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(drafts(&entry.path()));
        } else if entry.file_name().as_encoded_bytes().starts_with(b".barkeep-tmp-") {
            found.push(entry.path());
        }
    }
    found
}
