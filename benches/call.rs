//! One command, started and waited for, with what it took.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use wait4::Wait4;

use crate::Result;

/// A call that takes longer is ended and counts as failed.
const LONGEST_CALL: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// What one call took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    /// From before the start until it was waited for.
    pub(crate) took: Duration,
    /// The greatest resident memory of any process in it, in bytes.
    pub(crate) peak_bytes: u64,
    /// Processor time of all processes in it, in user and system mode.
    pub(crate) cpu: Duration,
    /// How it ended.
    pub(crate) status: ExitStatus,
}

/// Starts a command and waits for it.
pub(crate) fn time(command: &mut Command) -> Result<Call> {
    // A group of its own, so that a call that hangs can be ended with all its processes.
    command.stdin(Stdio::null()).process_group(0);
    let start = Instant::now();
    let mut child =
        command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let pid = Pid::from_child(&child);
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    if poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&LONGEST_CALL))? == 0 {
        kill_process_group(pid, Signal::KILL)?;
    }
    let used = child.wait4()?;
    let took = start.elapsed();
    let cpu = used.rusage.utime + used.rusage.stime;
    Ok(Call { took, peak_bytes: used.rusage.maxrss, cpu, status: used.status })
}

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
        )?;
        if call.status.success() {
            return Ok(call);
        }
        let said = fs_err::read_to_string(&self.errors).unwrap_or_default();
        let said = said.lines().next().unwrap_or("nothing was said");
        Err(format!("`{line}`: {}: {said}", call.status).into())
    }
}
