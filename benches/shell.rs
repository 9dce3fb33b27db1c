//! `sh -c`, the way PostgreSQL runs a command.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Result;
use crate::call::{Call, time};

/// A call that takes longer is ended and counts as failed.
pub(crate) const LONGEST_CALL: Duration = Duration::from_mins(1);

/// Runs command lines the way PostgreSQL does: through `sh -c`, in the data directory.
#[derive(Debug)]
pub(crate) struct Shell {
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    errors: PathBuf,
}

impl Shell {
    /// A shell that starts in `directory` with this environment and nothing of ours but `PATH`.
    /// What the commands complain about is kept beside the directory.
    pub(crate) fn new(directory: &Path, environment: Vec<(OsString, OsString)>) -> Self {
        let errors = directory.with_extension("stderr");
        Self { directory: directory.to_owned(), environment, errors }
    }

    /// Runs one command line; it must succeed.
    pub(crate) fn run(&self, line: &str) -> Result<Call> {
        let call = time(
            Command::new("sh")
                .args(["-c", line])
                .current_dir(&self.directory)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                // Nobody's settings but those given may change the figures.
                .env("HOME", &self.directory)
                .envs(self.environment.iter().map(|(name, value)| (name, value)))
                .stdout(Stdio::null())
                .stderr(fs_err::File::create(&self.errors)?.into_file()),
            LONGEST_CALL,
        )?;
        if call.status.success() {
            return Ok(call);
        }
        let said = fs_err::read_to_string(&self.errors).unwrap_or_default();
        let said = said.lines().next().unwrap_or("nothing was said");
        Err(format!("`{line}`: {}: {said}", call.status).into())
    }
}
