//! The PostgreSQL that is backed up: made once, kept between runs, started for each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::programs::Programs;
use crate::Result;
use crate::unprivileged::{UNPRIVILEGED_USER, unprivileged};

/// What makes a slice of data.
const SLICE: &str = include_str!("data.sql");

/// How many slices make a gibibyte.
const SLICES_PER_GIB: usize = 4;

/// Rows of one slice begin so far from those of the next.
const ROWS_APART: usize = 10_000_000;

/// Says that a cluster is complete.
const WHOLE: &str = "whole";

/// While data is loaded nothing needs to survive a crash, and WAL would only fill the disk.
const LOADING: [&str; 5] =
    ["wal_level=minimal", "max_wal_senders=0", "min_wal_size=32MB", "max_wal_size=64MB", "autovacuum=off"];

/// While it is backed up nothing else happens.
const SERVING: [&str; 4] =
    ["wal_level=replica", "max_wal_senders=4", "checkpoint_timeout=1h", "autovacuum=off"];

/// A PostgreSQL that runs, reachable only through a socket.
pub(crate) struct Cluster {
    programs: Programs,
    home: PathBuf,
    /// A socket's path must be short.
    sockets: TempDir,
}

impl Cluster {
    /// The cluster in `home`, made first when it is not there, and started.
    pub(crate) fn open_or_make(programs: &Programs, home: PathBuf, gibibytes: usize) -> Result<Self> {
        let sockets = tempfile::Builder::new().prefix("barkeep-bench").tempdir_in("/tmp")?;
        let cluster = Self { programs: programs.clone(), home, sockets };
        own(cluster.sockets.path())?;
        let whole = cluster.home.join(WHOLE);
        if !whole.exists() {
            cluster.make(gibibytes)?;
            fs_err::write(whole, "")?;
        }
        cluster.start(&SERVING)?;
        Ok(cluster)
    }

    fn make(&self, gibibytes: usize) -> Result<()> {
        if self.home.exists() {
            fs_err::remove_dir_all(&self.home)?;
        }
        fs_err::create_dir_all(&self.home)?;
        own(&self.home)?;
        let mut initdb = self.own_program("initdb");
        initdb.args(["--no-sync", "--data-checksums", "-A", "trust", "--no-locale", "-E", "UTF8"]);
        run(initdb.args(["-U", "postgres", "-D"]).arg(self.data()))?;
        self.start(&LOADING)?;
        let script = self.home.join("slice.sql");
        fs_err::write(&script, SLICE)?;
        for slice in 0..gibibytes * SLICES_PER_GIB {
            let mut psql = Command::new(self.programs.newest("psql"));
            psql.args(["-Xq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"]).arg(self.sockets.path());
            psql.args(["-v", &format!("first={}", slice * ROWS_APART)]);
            for table in ["orders", "documents", "events", "readings", "files"] {
                psql.args(["-v", &format!("{table}={table}_{slice}")]);
            }
            run(psql.arg("-f").arg(&script))?;
        }
        self.stop()
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.join("data")
    }

    /// The directory of its socket, for `-h`.
    pub(crate) fn sockets(&self) -> &Path {
        self.sockets.path()
    }

    fn start(&self, settings: &[&str]) -> Result<()> {
        let sockets = format!("unix_socket_directories={}", self.sockets.path().display());
        let common = ["listen_addresses=", "fsync=off", "shared_buffers=128MB", "maintenance_work_mem=256MB"];
        let settings = common.iter().copied().chain([sockets.as_str()]).chain(settings.iter().copied());
        let options: Vec<String> = settings.map(|setting| format!("-c {setting}")).collect();
        let mut control = self.control();
        control.args(["-o", &options.join(" "), "-l"]).arg(self.home.join("log"));
        run(control.arg("start"))
    }

    fn stop(&self) -> Result<()> {
        run(self.control().args(["-m", "fast", "stop"]))
    }

    fn control(&self) -> Command {
        let mut control = self.own_program("pg_ctl");
        control.args(["-s", "-w", "-t", "120", "-D"]).arg(self.data());
        control
    }

    fn own_program(&self, name: &str) -> Command {
        let mut command = unprivileged(&self.programs.own(name));
        command.current_dir("/tmp");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            // Its files are kept, so it is stopped in good order; that it was not shows next time.
            let _ = self.stop();
        }
    }
}

/// Gives a directory to whom PostgreSQL runs as.
fn own(directory: &Path) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    run(Command::new("chown").arg(UNPRIVILEGED_USER).arg(directory))
}

fn run(command: &mut Command) -> Result<()> {
    // A file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
    let errors = tempfile::NamedTempFile::new()?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors.reopen()?);
    let status = command.status().map_err(|e| format!("{}: {e}", command.get_program().display()))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {status}: {}", fs_err::read_to_string(errors.path())?.trim()).into())
}
