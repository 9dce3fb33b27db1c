//! A throw-away PostgreSQL to make WAL with.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Result;
use crate::unprivileged::{UNPRIVILEGED_USER, unprivileged};

/// No segment may be removed or reused before it is copied, no checkpoint may come unasked, and
/// nothing needs to survive a crash.
const SETTINGS: &str = "
listen_addresses = ''
fsync = off
synchronous_commit = off
full_page_writes = on
wal_level = replica
wal_keep_size = '64GB'
max_wal_size = '64GB'
checkpoint_timeout = '1h'
shared_buffers = '256MB'
";

/// A PostgreSQL that runs, reachable only through its own directory.
pub(crate) struct Cluster {
    programs: PathBuf,
    home: TempDir,
}

impl Cluster {
    /// Makes one and starts it.
    pub(crate) fn start() -> Result<Self> {
        // Not below the target directory: another user need not be able to go there.
        let cluster =
            Self { programs: programs()?, home: tempfile::Builder::new().prefix("barkeep-bench").tempdir()? };
        if rustix::process::geteuid().is_root() {
            run(Command::new("chown").arg(UNPRIVILEGED_USER).arg(cluster.home.path()))?;
        }
        let data = cluster.data();
        run(cluster
            .program("initdb")
            .args(["--no-sync", "-A", "trust", "--no-locale", "-E", "UTF8", "-D"])
            .arg(&data))?;
        let settings = format!("{SETTINGS}unix_socket_directories = '{}'\n", cluster.home.path().display());
        let old = fs_err::read_to_string(data.join("postgresql.conf"))?;
        fs_err::write(data.join("postgresql.conf"), old + &settings)?;
        run(cluster.control().args(["-w", "-l"]).arg(cluster.home.path().join("log")).arg("start"))?;
        Ok(cluster)
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Its programs' version, as they tell it.
    pub(crate) fn version(&self) -> Result<String> {
        run(Command::new(self.programs.join("postgres")).arg("--version"))
    }

    /// Runs statements in one session, each in its own transaction, and gives what they print.
    pub(crate) fn sql(&self, statements: &[&str]) -> Result<String> {
        let mut psql = self.program("psql");
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-h"]).arg(self.home.path());
        for statement in statements {
            psql.args(["-c", statement]);
        }
        run(&mut psql)
    }

    /// Stops it in good order; its files stay until it is dropped.
    pub(crate) fn stop(&self) -> Result<()> {
        run(self.control().args(["-w", "-m", "fast", "stop"])).map(drop)
    }

    fn control(&self) -> Command {
        let mut control = self.program("pg_ctl");
        control.args(["-t", "60", "-D"]).arg(self.data());
        control
    }

    fn program(&self, name: &str) -> Command {
        let mut command = unprivileged(&self.programs.join(name));
        command.current_dir(self.home.path());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            let _ = run(self.control().args(["-w", "-m", "immediate", "stop"]));
        }
    }
}

/// The directory of PostgreSQL's programs: as told, else Debian's newest.
fn programs() -> Result<PathBuf> {
    if let Some(told) = std::env::var_os("BARKEEP_PG_BIN") {
        return Ok(told.into());
    }
    let majors = fs_err::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        let major: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((major, path.join("bin"))).filter(|(_, bin)| bin.join("initdb").exists())
    });
    let newest = majors.max_by_key(|(major, _)| *major);
    Ok(newest.ok_or("no PostgreSQL found: install one, or name its programs in BARKEEP_PG_BIN")?.1)
}

fn run(command: &mut Command) -> Result<String> {
    // Files, not pipes: the server that pg_ctl leaves behind would hold a pipe open.
    let (out, err) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let status =
        command.stdin(std::process::Stdio::null()).stdout(out.try_clone()?).stderr(err.try_clone()?).status();
    let status = status.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if !status.success() {
        return Err(format!("{command:?}: {status}: {}", read_back(err)?.trim()).into());
    }
    Ok(read_back(out)?.trim().to_owned())
}

fn read_back(mut file: std::fs::File) -> Result<String> {
    use std::io::{Read, Seek};
    let mut text = String::new();
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// The path of a segment in a data directory.
pub(crate) fn segment_path(data: &Path, name: &str) -> PathBuf {
    data.join("pg_wal").join(name)
}
