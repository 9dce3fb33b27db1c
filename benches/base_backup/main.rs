//! How fast a whole cluster goes out and comes back, and how fast with the tools of others.
//!
//! `cargo bench --bench base_backup` makes a cluster once, below the target directory, and keeps it. Every
//! round backs it up with each tool and restores what was made, in alternating order, with the cluster in
//! the page cache and nothing waiting to be written. The store is an S3 stub on the loopback interface that
//! keeps everything in memory. Tables go to standard output and figures to `target/bench/base_backup.json`.
//!
//! The environment may say what to measure instead of this package's own binary (`BARKEEP_BIN`), how large
//! the cluster is (`BARKEEP_BENCH_GIB`, 4), how many rounds there are (`BARKEEP_BENCH_ROUNDS`, 3), which
//! PostgreSQL to take of those that `make servers` installs (`BARKEEP_BENCH_MAJOR`, 18), and of how many
//! tiny files to make one more backup, for its memory (`BARKEEP_BENCH_FILES`, none; a million is telling).
//!
//! barman-cloud is taken from `target/servers/barman` or `PATH`, pgBackRest from `PATH`, `pg_basebackup` from
//! Debian, since that of `make servers` cannot compress with zstd. Who is not there,
//! or does not know this PostgreSQL, is left out with a note.

mod bars;
mod bench;
#[path = "../call.rs"]
mod call;
mod cluster;
#[expect(dead_code, reason = "the other benchmark uses the rest of it")]
#[path = "../figures.rs"]
mod figures;
mod files;
mod many;
mod programs;
mod report;
mod role;
#[expect(dead_code, reason = "the other benchmark uses the rest of it")]
#[path = "../stub/mod.rs"]
mod stub;
#[path = "../table.rs"]
mod table;
mod tools;
#[path = "../unprivileged.rs"]
mod unprivileged;

use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use role::Role;

/// Whatever goes wrong here is told and ends the run; nobody handles it.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How much to measure, and with what.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// The size of the cluster.
    pub(crate) gibibytes: usize,
    pub(crate) rounds: usize,
    /// The server's major version.
    pub(crate) major: u32,
    /// How many tiny files to back up, for the memory that takes; 0 leaves that out.
    pub(crate) files: usize,
    /// Where things may be kept between runs.
    pub(crate) target: PathBuf,
}

impl Plan {
    fn from_environment() -> Result<Self> {
        let binary =
            std::env::var_os("BARKEEP_BIN").map_or_else(|| env!("CARGO_BIN_EXE_barkeep").into(), Into::into);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("there is no target directory")?;
        Ok(Self {
            binary,
            gibibytes: number("BARKEEP_BENCH_GIB", 4)?,
            rounds: number("BARKEEP_BENCH_ROUNDS", 3)?,
            major: number("BARKEEP_BENCH_MAJOR", 18)?,
            files: number("BARKEEP_BENCH_FILES", 0)?,
            target: target.to_owned(),
        })
    }
}

/// A number that the environment may give.
fn number<N: FromStr>(name: &str, default: N) -> Result<N> {
    match std::env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name} is {text:?}, not a number").into()),
        Err(_) => Ok(default),
    }
}

fn main() -> ExitCode {
    match Role::of_this_process().and_then(|role| role.map_or_else(run, |role| role.play().map(|()| true))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(stderr(), "base_backup: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the benchmark and tells whether Barkeep's own part of it could be measured.
fn run() -> Result<bool> {
    let plan = Plan::from_environment()?;
    let json = plan.target.join("bench/base_backup.json");
    let report = bench::Bench::new(plan)?.run()?;
    fs_err::create_dir_all(json.parent().ok_or("the figures have no directory")?)?;
    fs_err::write(&json, serde_json::to_vec_pretty(&report)?)?;
    writeln!(stdout(), "{report}\nfigures: {}", json.display())?;
    Ok(report.is_whole())
}
