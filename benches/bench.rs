//! One run: every loop over every store, and the peers beside them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::archiver;
use crate::bare_cost::Errand;
use crate::call;
use crate::cold::ColdFigures;
use crate::data_dir::{DataDir, private_dir};
use crate::figures::{median, milliseconds};
use crate::orphans::Orphans;
use crate::report::{Archiving, Report, Restoring, Row};
use crate::role::Role;
use crate::shell::{LONGEST_CALL, Shell};
use crate::startup;
use crate::store::Store;
use crate::stub::{Dialect, Stub, Transport};
use crate::wal::Corpus;
use crate::{OWN_NAME, Plan, Result, bars};

const LATENCIES_MS: [u64; 2] = [0, 30];
const REPLAYS_MS: [u64; 2] = [0, 10];
/// What the tables call replay that takes no time.
pub(crate) const NO_REPLAY: &str = "none";

const COLD_STARTS: usize = 30;

/// barman-cloud takes most of a second per segment; a few tell enough.
const BARMAN_SEGMENTS: usize = 8;
const BARMAN: &str = "barman-cloud-wal-archive";

/// A run under way.
pub(crate) struct Bench {
    plan: Plan,
    corpus: Corpus,
    scratch: TempDir,
    /// Numbers the directories of the run.
    serial: usize,
    archiving: Vec<Row<Archiving>>,
    restoring: Vec<Row<Restoring>>,
    notes: Vec<String>,
}

impl Bench {
    /// Prepares one.
    pub(crate) fn new(plan: Plan) -> Result<Self> {
        let corpus = Corpus::open_or_make(&plan.target.join("bench-wal"), plan.segments)?;
        // Beside the corpus, so that its segments can be linked rather than copied.
        let scratch = tempfile::Builder::new().prefix("wal_loop-").tempdir_in(&plan.target)?;
        let (archiving, restoring, notes) = Default::default();
        Ok(Self { plan, corpus, scratch, serial: 0, archiving, restoring, notes })
    }

    /// Runs everything. What fails is noted, and the rest goes on.
    pub(crate) fn run(mut self) -> Result<(Report, bool)> {
        for dialect in [Dialect::S3, Dialect::Azure, Dialect::Gcs] {
            for transport in [Transport::Http, Transport::Https] {
                self.measure_stub(dialect, transport)?;
            }
        }
        if self.plan.wants("directory") {
            let directory = self.new_directory("store")?;
            self.measure(&mut Store::Directory(directory), 0)?;
        }
        let failed = !self.notes.is_empty();
        if self.plan.wants("peers") {
            self.measure_peers()?;
        }
        Ok((self.report()?, failed))
    }

    /// Archives to a stub and restores from it, at every latency, once it has shown that it conforms: S3's to
    /// the SDK, the others' to `check`.
    fn measure_stub(&mut self, dialect: Dialect, transport: Transport) -> Result<()> {
        let stub = Stub::start(dialect, transport, self.scratch.path())?;
        let endpoint = stub.endpoint().clone();
        let mut store = Store::Stub(stub);
        if !self.plan.wants(store.label()) {
            return Ok(());
        }
        match dialect {
            Dialect::S3 => drop(Role::Conformity(endpoint).ask()?),
            Dialect::Azure | Dialect::Gcs => self.check(&store)?,
        }
        for latency_ms in LATENCIES_MS {
            self.measure(&mut store, latency_ms)?;
        }
        Ok(())
    }

    fn check(&mut self, store: &Store) -> Result<()> {
        let spool = self.new_directory("spool")?;
        let shell = Shell::new(&spool, store.environment("check", &spool)?);
        shell.run(&format!("{} check", self.plan.quoted_binary())).map(drop)
    }

    /// Archives to a store and restores from it.
    fn measure(&mut self, store: &mut Store, latency_ms: u64) -> Result<()> {
        tell(&format!("{}, {latency_ms} ms", store.label()));
        let mut orphans = Orphans::adopt(store.stub().map(|stub| stub.pid()))?;
        if let Some(stub) = store.stub() {
            stub.forget()?;
            stub.set_latency(latency_ms)?;
        }
        match self.archive(store) {
            Err(error) => {
                self.notes.push(format!("archiving to {}, {latency_ms} ms: {error}", store.label()));
            }
            Ok(found) => {
                self.archiving.push(Row { store: store.label(), latency_ms, what: OWN_NAME.into(), found });
                for replay_ms in REPLAYS_MS {
                    self.measure_restore(store, latency_ms, replay_ms, &mut orphans);
                }
            }
        }
        Ok(())
    }

    fn measure_restore(&mut self, store: &Store, latency_ms: u64, replay_ms: u64, orphans: &mut Orphans) {
        let what = if replay_ms == 0 { NO_REPLAY.to_owned() } else { format!("{replay_ms} ms") };
        match self.restore(store, Duration::from_millis(replay_ms), orphans) {
            Ok(found) => self.restoring.push(Row { store: store.label(), latency_ms, what, found }),
            Err(error) => {
                self.notes.push(format!("restoring from {}, {latency_ms} ms: {error}", store.label()));
            }
        }
        // Every loop has its fillers alone, and none is left when the store they ask is taken away.
        if let Err(error) = orphans.wait() {
            self.notes.push(format!("after restoring from {}: {error}", store.label()));
        }
    }

    fn archive(&mut self, store: &mut Store) -> Result<Archiving> {
        let spool = self.new_directory("spool")?;
        let data = self.waiting(self.corpus.segments().len(), 0)?;
        let shell = Shell::new(data.path(), store.environment("archive", &spool)?);
        let binary = self.plan.quoted_binary();
        let command = |name: &str| format!("{binary} wal-archive pg_wal/{name}");
        let backlog = archiver::run(&shell, &data, store, command)?;
        let cold = match store.stub() {
            Some(_) => Some(self.archive_cold(store)?),
            None => None,
        };
        Ok(Archiving { backlog, cold })
    }

    /// One segment at a time, every call with a spool and an archive of its own.
    fn archive_cold(&mut self, store: &mut Store) -> Result<ColdFigures> {
        let mut calls = Vec::new();
        for number in 0..self.plan.cold_calls {
            let spool = self.new_directory("spool")?;
            let data = self.waiting(1, number)?;
            let shell = Shell::new(data.path(), store.environment(&format!("cold-{number}"), &spool)?);
            let segment = &self.corpus.segments()[number].name;
            calls.push(
                shell.run(&format!("{} wal-archive pg_wal/{segment}", self.plan.quoted_binary()))?.took,
            );
        }
        let segments =
            self.corpus.segments()[..self.plan.cold_calls].iter().map(|segment| self.corpus.path(segment));
        let endpoint = store.stub().map(|stub| stub.endpoint().clone());
        ColdFigures::compare(&calls, Errand { segments: segments.collect(), endpoint })
    }

    fn restore(&mut self, store: &Store, replay: Duration, orphans: &mut Orphans) -> Result<Restoring> {
        let spool = self.new_directory("spool")?;
        let data = DataDir::create(self.new_path("data"), &self.corpus)?;
        data.begin_recovery()?;
        let shell = Shell::new(data.path(), store.environment("archive", &spool)?);
        let binary = self.plan.quoted_binary();
        let command = |name: &str, to: &str| format!("{binary} wal-restore {name} {to}");
        startup::run(&shell, &data, &spool, self.corpus.segments(), replay, orphans, command)
    }

    /// What others make of the same loop: nothing at all, `cp`, and barman-cloud if it is there.
    fn measure_peers(&mut self) -> Result<()> {
        tell("peers");
        let directory = self.new_directory("store")?;
        let copies = directory.display().to_string();
        let mut store = Store::Directory(directory);
        let all = self.corpus.segments().len();
        self.measure_peer(&mut store, "true", all, |name| format!("true {name}"))?;
        let copy = |name: &str| format!("test ! -f {copies}/{name} && cp pg_wal/{name} {copies}/{name}");
        self.measure_peer(&mut store, "cp", all, copy)?;
        if !is_on_path(BARMAN) {
            self.notes.push(format!("no {BARMAN} on PATH to compare with"));
            return Ok(());
        }
        let stub = Stub::start(Dialect::S3, Transport::Http, self.scratch.path())?;
        let url = stub.endpoint().url();
        let barman = |name: &str| {
            format!("{BARMAN} --gzip --endpoint-url {url} s3://bench/barman bench pg_wal/{name}")
        };
        self.measure_peer(&mut Store::Stub(stub), "barman-cloud", BARMAN_SEGMENTS.min(all), barman)
    }

    fn measure_peer(
        &mut self,
        store: &mut Store,
        what: &str,
        segments: usize,
        command: impl Fn(&str) -> String,
    ) -> Result<()> {
        let spool = self.new_directory("spool")?;
        let data = self.waiting(segments, 0)?;
        let shell = Shell::new(data.path(), store.environment("archive", &spool)?);
        match archiver::run(&shell, &data, store, command) {
            Ok(backlog) => {
                let found = Archiving { backlog, cold: None };
                self.archiving.push(Row { store: store.label(), latency_ms: 0, what: what.into(), found });
            }
            Err(error) => self.notes.push(format!("{what}: {error}")),
        }
        Ok(())
    }

    fn report(self) -> Result<Report> {
        let version = Command::new(&self.plan.binary).arg("--version").stderr(Stdio::null()).output()?.stdout;
        Ok(Report {
            binary: String::from_utf8_lossy(&version).trim().to_owned(),
            wal_made_by: self.corpus.made_by().to_owned(),
            segments: self.corpus.segments().len(),
            zstd_1_ratio: self.corpus.ratio(),
            processors: std::thread::available_parallelism()?.get(),
            cold_start_ms: cold_start(&self.plan.binary, &["--version"])?,
            true_ms: cold_start(Path::new("true"), &[])?,
            bars: bars::hold(&self.archiving, &self.restoring),
            archiving: self.archiving,
            restoring: self.restoring,
            notes: self.notes,
        })
    }

    /// A data directory in which so many segments wait, from the one at `first` on.
    fn waiting(&mut self, segments: usize, first: usize) -> Result<DataDir> {
        let data = DataDir::create(self.new_path("data"), &self.corpus)?;
        data.make_ready(&self.corpus, &self.corpus.segments()[first..first + segments])?;
        Ok(data)
    }

    fn new_directory(&mut self, name: &str) -> Result<PathBuf> {
        let path = self.new_path(name);
        private_dir(&path)?;
        Ok(path)
    }

    fn new_path(&mut self, name: &str) -> PathBuf {
        self.serial += 1;
        self.scratch.path().join(format!("{name}-{}", self.serial))
    }
}

/// The median of whole processes, in milliseconds.
fn cold_start(program: &Path, words: &[&str]) -> Result<f64> {
    let once = |_| {
        let mut command = Command::new(program);
        command.args(words).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(call::time(&mut command, LONGEST_CALL)?.took)
    };
    let times: Vec<Duration> = (0..COLD_STARTS).map(once).collect::<Result<_>>()?;
    Ok(milliseconds(median(&times)))
}

fn is_on_path(program: &str) -> bool {
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

fn tell(stage: &str) {
    use std::io::Write;
    // Progress only; whoever closed the output does not want it.
    let _ = writeln!(std::io::stdout(), "measuring: {stage}");
}
