//! One command, started and waited for, with what it took.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use wait4::Wait4;

use crate::Result;

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

/// Starts a command and waits for it. If it takes longer than `limit` it is ended, and so has failed.
pub(crate) fn time(command: &mut Command, limit: Duration) -> Result<Call> {
    // A group of its own, so that a call that hangs can be ended with all its processes.
    command.stdin(Stdio::null()).process_group(0);
    let start = Instant::now();
    let mut child =
        command.spawn().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let pid = Pid::from_child(&child);
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    if poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&Timespec::try_from(limit)?))? == 0 {
        kill_process_group(pid, Signal::KILL)?;
    }
    let used = child.wait4()?;
    let took = start.elapsed();
    let cpu = used.rusage.utime + used.rusage.stime;
    Ok(Call { took, peak_bytes: used.rusage.maxrss, cpu, status: used.status })
}
