//! How fast the nine programs are, beside the reference's programs of the same names: one WAL segment out,
//! back, and one that is not there, each in a process of its own, which is how CloudNativePG calls them.
//!
//! `cargo bench --bench door` takes a minute. The archive is a stub of S3 on the loopback interface, in the
//! clear, with 0 and 30 ms of added latency. Both take turns on the same segment and with the same words.
//! Tables go to standard output and figures to `target/bench/door.json`.
//!
//! The environment may say what to measure instead of this package's own binary (`BARKEEP_BIN`), where
//! PostgreSQL's programs are (`BARKEEP_PG_BIN`), which make the WAL once, and how many rounds there are
//! (`BARKEEP_BENCH_ROUNDS`, 11). The reference is taken from `target/servers/barman` or `PATH`.

#[path = "../bare_cost.rs"]
mod bare_cost;
mod bench;
#[path = "../call.rs"]
mod call;
#[path = "../cluster.rs"]
mod cluster;
mod door;
#[expect(dead_code, reason = "the other benchmarks use the rest of it")]
#[path = "../figures.rs"]
mod figures;
mod report;
#[path = "../role.rs"]
mod role;
#[expect(dead_code, reason = "the other benchmarks use the rest of it")]
#[path = "../stub/mod.rs"]
mod stub;
#[path = "../table.rs"]
mod table;
#[path = "../unprivileged.rs"]
mod unprivileged;
#[expect(dead_code, reason = "the other benchmarks use the rest of it")]
#[path = "../wal.rs"]
mod wal;

use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use role::Role;

/// Whatever goes wrong here is told and ends the run; nobody handles it.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How much to measure, and with what.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The binary.
    pub(crate) binary: PathBuf,
    /// How often everything is measured.
    pub(crate) rounds: usize,
    /// Where things may be kept between runs.
    pub(crate) target: PathBuf,
}

impl Plan {
    fn from_environment() -> Result<Self> {
        let binary =
            std::env::var_os("BARKEEP_BIN").map_or_else(|| env!("CARGO_BIN_EXE_barkeep").into(), Into::into);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("there is no target directory")?;
        let rounds = match std::env::var("BARKEEP_BENCH_ROUNDS") {
            Ok(text) => text.parse().map_err(|e| format!("BARKEEP_BENCH_ROUNDS: {e}"))?,
            Err(_) => 11,
        };
        Ok(Self { binary, rounds, target: target.to_owned() })
    }
}

fn main() -> ExitCode {
    match Role::of_this_process().and_then(|role| role.map_or_else(run, |role| role.play())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(stderr(), "door: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let plan = Plan::from_environment()?;
    let json = plan.target.join("bench/door.json");
    let report = bench::run(&plan)?;
    fs_err::create_dir_all(json.parent().ok_or("the figures have no directory")?)?;
    fs_err::write(&json, serde_json::to_vec_pretty(&report)?)?;
    Ok(writeln!(stdout(), "{report}\nfigures: {}", json.display())?)
}
