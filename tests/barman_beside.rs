//! The reference's programs and ours side by side: the same words on the same store. What they say, how
//! they end and what is in the store afterwards is equal, or the row says what we do better, and why.
//!
//! The rows are data, in `beside/rows.rs`. `BARKEEP_ROWS=text` runs those only whose words contain the text.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bed;
mod beside;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use beside::cloud::Cloud;
use beside::effect::{self, Listing, Names};
use beside::fixtures::{self, CODECS, Made, Objects};
use beside::row::{Expect, On, Row, Store};
use beside::rows::{BY_WORD, rows};
use beside::side::{Place, Seen, Side};
use common::azurite::{Azurite, Proof};
use common::barkeep::{BUCKET, Barkeep, PATH};
use common::moto::Moto;
use common::pg::{NEWEST, Server};
use common::reach::Reach;
use common::reference::Reference;
use common::{Scratch, installed, tell};

/// How many rows run at once; every call of the reference is half a second of a core.
const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn the_reference_and_barkeep_do_the_same_or_the_difference_has_a_name() {
    let bench = Bench::new().await;
    let wanted = std::env::var("BARKEEP_ROWS").unwrap_or_default();
    let all = rows().into_iter().filter(|row| row.words.contains(&wanted)).collect::<Vec<_>>();
    let (begin, faults) = (Instant::now(), bench.run_all(&all));
    let better = all.iter().filter(|row| matches!(row.expect, Expect::Better { .. })).count();
    tell(&format!("{} rows, {better} of them better, in {:?}", all.len(), begin.elapsed()));
    assert!(!wanted.is_empty() || all.len() >= 150, "only {} rows", all.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Both services, the fixtures, and the two sides.
struct Bench {
    made: Made,
    names: Names,
    theirs: Side,
    ours: Side,
    ours_by_word: Side,
    files: PathBuf,
    moto: Moto,
    azurite: Azurite,
    scratch: Scratch,
}

impl Bench {
    async fn new() -> Self {
        let scratch = Scratch::new();
        let (moto, azurite) = (Moto::http(&scratch).await, Azurite::http(&scratch).await);
        moto.create_bucket(BUCKET).await;
        let files = scratch.dir("in");
        fixtures::files_to_archive(&files);
        let barkeep = Barkeep::on_moto(&scratch, &moto);
        back_up(&scratch, &moto, &barkeep, &files).await;
        let cloud = Cloud::S3(moto.port());
        let keys = cloud.list(BUCKET).unwrap().into_keys();
        let objects: Objects = keys.map(|key| (key.clone(), cloud.get(BUCKET, &key))).collect();
        let binary = scratch.path("barkeep");
        let links = scratch.dir("links");
        let programs = installed("barman").join("bin");
        for entry in std::fs::read_dir(&programs).unwrap() {
            let name = entry.unwrap().file_name();
            if name.to_string_lossy().starts_with("barman-cloud-") {
                std::os::unix::fs::symlink(&binary, links.join(name)).unwrap();
            }
        }
        Self {
            made: Made::of(&objects),
            names: fixtures::names(),
            theirs: Side::Theirs(programs),
            ours: Side::Ours(links),
            ours_by_word: Side::OursByWord(binary),
            files,
            moto,
            azurite,
            scratch,
        }
    }

    /// Runs all rows, several at once; what is wrong.
    fn run_all(&self, rows: &[Row]) -> Vec<String> {
        let shared = rows.iter().filter(|row| !writes(row)).map(|row| (row.on, row.store));
        let shared = shared.collect::<BTreeSet<_>>().into_iter();
        let shared =
            shared.map(|at| (at, self.fill(at.0, at.1, &shared_bucket(at.1)))).collect::<BTreeMap<_, _>>();
        let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                scope.spawn(|| {
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        let Some(row) = rows.get(n) else { break };
                        if let Some(fault) = self.fault(n, row) {
                            let fault = format!("{row:?}\n{fault}");
                            // At once, too: whoever runs out of patience still sees it.
                            tell(&fault);
                            faults.lock().unwrap().push((n, fault));
                        }
                    }
                });
            }
        });
        let mut faults = faults.into_inner().unwrap();
        faults.sort();
        let mut faults = faults.into_iter().map(|(_, fault)| fault).collect::<Vec<_>>();
        for ((on, store), before) in shared {
            let changes = effect::on_store(self.cloud(on), &shared_bucket(store), &before, &self.names);
            faults.extend(changes.iter().map(|line| format!("{on:?} {store:?}: only read, yet: {line}")));
        }
        faults
    }

    /// What is wrong with one row.
    fn fault(&self, n: usize, row: &Row) -> Option<String> {
        let theirs = self.seen(&self.theirs, &format!("r{n}-theirs"), row);
        let ours = self.seen(&self.ours, &format!("r{n}-ours"), row);
        let both = || {
            let (theirs, ours) = (theirs.beside(&ours), ours.beside(&theirs));
            format!("  theirs:\n{theirs}  ours:\n{ours}")
        };
        if BY_WORD.iter().any(|words| row.words.starts_with(words)) {
            let by_word = self.seen(&self.ours_by_word, &format!("r{n}-word"), row);
            if by_word != ours {
                return Some(format!("  another answer by the name as a word:\n{by_word}{}", both()));
            }
        }
        match row.expect {
            Expect::Same => (theirs != ours).then(both),
            Expect::Better { .. } if theirs == ours => {
                Some(format!("  a difference is named that is none:\n{}", both()))
            }
            Expect::Better { code, stdout, level, changes, .. } => {
                let said = stdout.is(&ours.stdout, &theirs.stdout);
                let changed = ours.changes == expected(changes, &theirs.changes);
                let fits = ours.code == i32::from(code) && said && ours.level == level && changed;
                (!fits).then(both)
            }
        }
    }

    /// Runs a row on one side, on a store of its own if it writes.
    fn seen(&self, side: &Side, name: &str, row: &Row) -> Seen {
        let cloud = self.cloud(row.on);
        let (bucket, before) = if writes(row) {
            (name.to_owned(), self.fill(row.on, row.store, name))
        } else {
            (shared_bucket(row.store), None)
        };
        let (service, reach) = self.reach(row.on, &bucket);
        // Credentials only: where the service is, the words say.
        let variables = reach.variables.iter().filter(|(name, _)| !name.starts_with("BARKEEP_"));
        let dir = self.scratch.dir(name);
        let place = Place {
            service,
            url: reach.url(PATH),
            variables: variables.cloned().collect(),
            dir: dir.clone(),
            files: self.files.clone(),
        };
        let mut seen = side.run(row.words, &place);
        if writes(row) {
            seen.changes = effect::on_store(cloud, &bucket, &before, &self.names);
        }
        seen.changes.extend(effect::in_directory(&dir, &self.names));
        self.scratch.forget(name);
        seen
    }

    /// Fills a bucket, and what is in it then.
    fn fill(&self, on: On, store: Store, bucket: &str) -> Listing {
        let cloud = self.cloud(on);
        if store != Store::Missing {
            cloud.create(bucket);
            for (key, body) in self.made.objects(store) {
                cloud.put(bucket, &key, &body);
            }
        }
        cloud.list(bucket)
    }

    fn cloud(&self, on: On) -> Cloud {
        match on {
            On::S3 => Cloud::S3(self.moto.port()),
            On::Azure => Cloud::Azure(self.azurite.port()),
        }
    }

    /// The words that lead to a service, and the rest of the way to a bucket.
    fn reach(&self, on: On, bucket: &str) -> (Vec<String>, Reach) {
        match on {
            On::S3 => {
                let endpoint = format!("http://127.0.0.1:{}", self.moto.port());
                (vec!["--endpoint-url".to_owned(), endpoint], self.moto.reach(bucket))
            }
            On::Azure => (
                ["--cloud-provider", "azure-blob-storage"].map(str::to_owned).to_vec(),
                self.azurite.reach(bucket, Proof::ConnectionString),
            ),
        }
    }
}

/// A small PostgreSQL, backed up by the reference; and segments, archived by it in every codec.
async fn back_up(scratch: &Scratch, moto: &Moto, barkeep: &Barkeep, files: &std::path::Path) {
    let reference = Reference::on_moto(scratch, moto);
    let mut server = Server::init(scratch, NEWEST, 1, barkeep);
    server.set(&[("archive_mode", "off")]);
    let client = server.start().await;
    let space = scratch.dir("space");
    let create = format!("create tablespace space location '{}'", space.display());
    client.batch_execute(&create).await.unwrap();
    client.batch_execute("create table far (n int) tablespace space").await.unwrap();
    reference.backup(&server, "real", &["--gzip"]);
    std::thread::scope(|scope| {
        for (n, (codec, _)) in (1..).zip(CODECS) {
            let (reference, file) = (&reference, files.join(format!("00000001{n:016X}")));
            let option = format!("--{codec}");
            scope.spawn(move || {
                let options = if n == 1 { vec![] } else { vec![option.as_str()] };
                reference.must("wal-archive", &options, &[&file.display().to_string()]);
            });
        }
    });
}

/// What is to be changed: these, and with `…` in front, what the reference changes, too.
fn expected(changes: &[&str], theirs: &[String]) -> Vec<String> {
    let (and_theirs, ours) = match changes {
        ["…", more @ ..] => (theirs, more),
        all => (&[][..], all),
    };
    let mut all =
        and_theirs.iter().cloned().chain(ours.iter().map(|line| (*line).to_owned())).collect::<Vec<_>>();
    if !and_theirs.is_empty() {
        all.sort();
    }
    all
}

/// Whether a row may change the store, so that each side needs its own.
fn writes(row: &Row) -> bool {
    let verbs = ["backup-list", "backup-show", "wal-restore", "restore"];
    row.store == Store::Missing || !row.words.split(' ').any(|word| verbs.contains(&word))
}

/// The bucket that all rows on a store share which only read.
fn shared_bucket(store: Store) -> String {
    format!("shared-{store:?}").to_lowercase()
}
