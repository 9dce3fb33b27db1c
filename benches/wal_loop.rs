//! How fast WAL goes out and comes back, the way PostgreSQL drives it: one command at a time, through
//! `sh -c`, for the oldest segment that waits.
//!
//! `cargo bench --bench wal_loop` runs all of it, `-- --quick` a fourth of it. The archive is a stub of S3,
//! of Azure and of Google Cloud Storage on the loopback interface, in the clear and over TLS, with 0 and
//! 30 ms of added latency, and a directory. Tables go to standard output and figures to
//! `target/bench/wal_loop.json`.
//!
//! The environment may say what to measure instead of this package's own binary (`BARKEEP_BIN`), where
//! PostgreSQL's programs are (`BARKEEP_PG_BIN`), which make the WAL once, how many segments there are
//! (`BARKEEP_BENCH_SEGMENTS`, 96), and which stores to measure, as the tables name them
//! (`BARKEEP_BENCH_STORES`, all of them: `http,https,azure http,azure https,gcs http,gcs https,directory`,
//! and `peers` for what others make of the loop).

mod archiver;
mod bare_cost;
mod bars;
mod bench;
mod call;
mod cluster;
mod cold;
mod data_dir;
mod figures;
mod orphans;
mod report;
mod role;
mod shell;
mod startup;
mod store;
#[expect(dead_code, reason = "the other benchmark uses the rest of it")]
mod stub;
mod table;
mod unprivileged;
mod wal;

use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use role::Role;

/// Whatever goes wrong here is told and ends the run; nobody handles it.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What Barkeep is called in the tables.
pub(crate) const OWN_NAME: &str = "barkeep";

/// How much to measure, and with what.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// How many segments to archive and restore.
    pub(crate) segments: usize,
    /// How many calls without a backlog; each has a segment of its own.
    pub(crate) cold_calls: usize,
    /// Where things may be kept between runs.
    pub(crate) target: PathBuf,
    /// Which stores to measure; all when it is not said.
    stores: Option<Vec<String>>,
}

impl Plan {
    fn from_words(words: impl Iterator<Item = String>) -> Result<Self> {
        let binary =
            std::env::var_os("BARKEEP_BIN").map_or_else(|| env!("CARGO_BIN_EXE_barkeep").into(), Into::into);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("there is no target directory")?;
        let stores = std::env::var("BARKEEP_BENCH_STORES").ok();
        let stores = stores.map(|names| names.split(',').map(|name| name.trim().to_owned()).collect());
        let mut plan = Self { binary, segments: 96, cold_calls: 15, target: target.to_owned(), stores };
        for word in words {
            match word.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => (),
                "--quick" => (plan.segments, plan.cold_calls) = (24, 5),
                _ => return Err(format!("unknown word `{word}`; there is only --quick").into()),
            }
        }
        if let Ok(segments) = std::env::var("BARKEEP_BENCH_SEGMENTS") {
            plan.segments = segments.parse().map_err(|e| format!("BARKEEP_BENCH_SEGMENTS: {e}"))?;
            plan.cold_calls = plan.cold_calls.min(plan.segments);
        }
        Ok(plan)
    }

    /// Whether to measure the store that the tables call so.
    pub(crate) fn wants(&self, store: &str) -> bool {
        self.stores.as_ref().is_none_or(|stores| stores.iter().any(|name| name == store))
    }

    /// The binary as a word of a command line.
    pub(crate) fn quoted_binary(&self) -> String {
        format!("'{}'", self.binary.display().to_string().replace('\'', "'\\''"))
    }
}

fn main() -> ExitCode {
    match Role::of_this_process().and_then(|role| role.map_or_else(run, |role| role.play().map(|()| true))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(stderr(), "wal_loop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the benchmark and tells whether all of it could be measured.
fn run() -> Result<bool> {
    let plan = Plan::from_words(std::env::args().skip(1))?;
    let json = plan.target.join("bench/wal_loop.json");
    let (report, failed) = bench::Bench::new(plan)?.run()?;
    fs_err::create_dir_all(json.parent().ok_or("the figures have no directory")?)?;
    fs_err::write(&json, serde_json::to_vec_pretty(&report)?)?;
    writeln!(stdout(), "{report}\nfigures: {}", json.display())?;
    Ok(!failed)
}
