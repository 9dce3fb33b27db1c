//! Nine programs: ours or the reference's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::call::{Call, time};
use crate::stub::Endpoint;
use crate::{Plan, Result};

/// A call that takes longer is ended and counts as failed.
const LONGEST_CALL: Duration = Duration::from_mins(1);

/// The two that are measured here.
pub(crate) const WAL_ARCHIVE: &str = "barman-cloud-wal-archive";
pub(crate) const WAL_RESTORE: &str = "barman-cloud-wal-restore";

/// Whose programs.
#[derive(Debug)]
pub(crate) struct Door {
    /// What is searched for them.
    path: OsString,
    /// The only directory they are told of.
    home: PathBuf,
}

impl Door {
    /// Links to the binary, alone in a directory.
    pub(crate) fn ours(plan: &Plan, scratch: &Path) -> Result<Self> {
        let bin = scratch.join("bin");
        fs_err::create_dir(&bin)?;
        for name in [WAL_ARCHIVE, WAL_RESTORE] {
            fs_err::os::unix::fs::symlink(&plan.binary, bin.join(name))?;
        }
        Self::new(bin.into(), scratch.join("ours"))
    }

    /// The reference's, if it is there.
    pub(crate) fn reference(plan: &Plan, scratch: &Path) -> Result<Self> {
        let servers =
            std::env::var_os("BARKEEP_SERVERS").map_or_else(|| plan.target.join("servers"), PathBuf::from);
        let mut path = servers.join("barman/bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        Self::new(path, scratch.join("reference"))
    }

    fn new(path: OsString, home: PathBuf) -> Result<Self> {
        fs_err::create_dir(&home)?;
        Ok(Self { path, home })
    }

    /// What `--version` says behind the name.
    pub(crate) fn version(&self) -> Result<String> {
        let output = self.command(WAL_ARCHIVE).arg("--version").output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        Ok(said.split_whitespace().last().ok_or("it does not say its version")?.to_owned())
    }

    /// Calls a program with these words behind the server's name; it must end with this status.
    pub(crate) fn call(
        &self,
        program: &str,
        endpoint: &Endpoint,
        options: &[&str],
        archive: &str,
        words: &[&str],
        status: i32,
    ) -> Result<Call> {
        let errors = self.home.join("stderr");
        let url = endpoint.url();
        let destination = format!("s3://bench/{archive}");
        let mut command = self.command(program);
        command
            .args(options)
            .args(["--endpoint-url", &url, "--cloud-provider", "aws-s3", &destination, "bench"])
            .args(words)
            .stdout(Stdio::null())
            .stderr(fs_err::File::create(&errors)?.into_file());
        let call = time(&mut command, LONGEST_CALL)?;
        if call.status.code() == Some(status) {
            return Ok(call);
        }
        let said = fs_err::read_to_string(&errors).unwrap_or_default();
        Err(format!("{program} {words:?}: {}, not {status}: {}", call.status, said.trim()).into())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("TMPDIR", &self.home)
            .env("AWS_ACCESS_KEY_ID", "bench")
            .env("AWS_SECRET_ACCESS_KEY", "bench")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .current_dir(&self.home);
        command
    }
}
