//! Real PostgreSQL whose archive was out of reach: `wal-flush` brings home what waits, and what is being written.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use common::barkeep::Barkeep;
use common::load::{Ledger, Load};
use common::pg::{Base, NEWEST, Server, Shutdown};
use common::{Scratch, wait_for};

/// A primary with segments of 1 MiB, whose store is taken away while it works.
struct Scene {
    scratch: Scratch,
    barkeep: Barkeep,
    primary: Server,
    base: Base,
    ledger: Ledger,
    store: PathBuf,
}

impl Scene {
    /// Writes until this many files wait in vain.
    async fn with_waiting(count: usize) -> Self {
        let scratch = Scratch::new();
        let barkeep = Barkeep::on_directory(&scratch);
        let store = PathBuf::from(barkeep.url().strip_prefix("file://").unwrap());
        let mut primary = Server::init(&scratch, NEWEST, 1, &barkeep);
        let client = primary.start().await;
        Load::prepare(&client).await;
        let base = primary.base_backup(&scratch, "base");
        primary.archive_all(&client).await;
        std::fs::rename(&store, store.with_extension("away")).unwrap();
        let mut ledger = Ledger::default();
        let load = Load::start(&primary.address(), 1);
        wait_for("files wait to be archived", Duration::from_mins(2), async || {
            (waiting(&primary) >= count).then_some(())
        })
        .await;
        load.finish(&mut ledger).await;
        assert!(ledger.len() > 100, "{} transactions", ledger.len());
        Self { scratch, barkeep, primary, base, ledger, store }
    }

    fn bring_store_back(&self) {
        std::fs::rename(self.store.with_extension("away"), &self.store).unwrap();
    }

    /// Runs `wal-flush` with these words, which must store everything; what it says.
    fn flush(&self, words: &[&str]) -> serde_json::Value {
        let data = self.primary.data().display().to_string();
        let spool = self.primary.data().with_file_name("spool").display().to_string();
        let flush = ["wal-flush", "--json", "--pgdata", &data, "--spool", &spool];
        let words: Vec<&str> = flush.into_iter().chain(words.iter().copied()).collect();
        let told: serde_json::Value = serde_json::from_str(&self.barkeep.must(&words)).unwrap();
        assert_eq!(told["remaining"], 0, "{told}");
        told
    }

    /// Recovers a copy from the archive alone and compares it.
    async fn must_come_back(&self) {
        let restore = self.barkeep.restore_command();
        let mut recovered =
            Server::recovering(&self.scratch, "recovered", &self.base, &self.barkeep, &restore, "recovery");
        recovered.launch();
        let client = recovered.promoted().await;
        self.ledger.must_equal(&client).await;
    }

    /// Every object, and when it was stored.
    fn objects(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.store.clone()];
        while let Some(folder) = folders.pop() {
            for path in entries(&folder) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let stored = path.metadata().unwrap().modified().unwrap();
                    found.insert(path, stored);
                }
            }
        }
        found
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path())
}

fn waiting(server: &Server) -> usize {
    let status = entries(&server.data().join("pg_wal/archive_status"));
    status.filter(|path| path.extension().is_some_and(|end| end == "ready")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stopped_server_could_not_archive_is_flushed_and_every_row_comes_back() {
    let mut scene = Scene::with_waiting(20).await;
    scene.primary.stop(Shutdown::Fast);
    scene.bring_store_back();
    let told = scene.flush(&["--partial", "--mark-done"]);
    assert_eq!(told["partial"]["outcome"], "stored", "{told}");
    assert!(told["marked_done"].as_u64().unwrap() >= 20, "{told}");
    assert_eq!(waiting(&scene.primary), 0);
    scene.must_come_back().await;

    // The server goes on, archives nothing twice, and is refused nothing.
    let before = scene.objects();
    let failed = scene.primary.log().matches("archive command failed").count();
    let client = scene.primary.start().await;
    let last = scene.primary.archive_all(&client).await;
    let after = scene.objects();
    assert!(
        before.iter().all(|(object, stored)| after.get(object) == Some(stored)),
        "an object was replaced"
    );
    assert!(after.keys().any(|object| object.ends_with(format!("{last}.zst"))), "{after:?}");
    assert_eq!(scene.primary.log().matches("archive command failed").count(), failed);
    // The segment that was flushed is complete now, so there is nothing to be flushed of it.
    let flushed = told["partial"]["name"].as_str().unwrap().to_owned();
    assert_eq!(flushed, format!("{last}.partial"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_running_server_all_that_was_committed_is_flushed_before_it_is_lost() {
    let mut scene = Scene::with_waiting(5).await;
    // From here on the archiver has no part in it.
    let client = scene.primary.ready().await;
    client.batch_execute("alter system set archive_command = 'false'").await.unwrap();
    common::pg::reload(&client).await;
    scene.bring_store_back();
    let sockets = scene.primary.sockets().display().to_string();
    let told = scene.flush(&["--partial", "-h", &sockets, "-U", "postgres"]);
    assert_eq!(told["partial"]["outcome"], "stored", "{told}");
    assert!(waiting(&scene.primary) >= 5, "what waits is PostgreSQL's own while it runs");
    scene.primary.stop(Shutdown::Immediate);
    scene.must_come_back().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archiver_of_a_running_server_is_answered_at_once_for_what_was_flushed() {
    let scene = Scene::with_waiting(10).await;
    scene.bring_store_back();
    scene.flush(&[]);
    let before = scene.objects();
    scene.primary.archived().await;
    let after = scene.objects();
    assert!(
        before.iter().all(|(object, stored)| after.get(object) == Some(stored)),
        "an object was replaced"
    );
    let data = scene.primary.data().display().to_string();
    let refused = scene.barkeep.run(&["wal-flush", "--pgdata", &data, "--mark-done"]);
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
}
