//! A program that is run for what it prints: with nothing to read, and bounded in time and in what is kept of
//! its output.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time;

/// What is read of each of its streams at most, in bytes.
const LONGEST: u64 = 1 << 20;

/// What is killed when a program takes too long, or nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    /// The program.
    Program,
    /// The program and all that it has started: it is the head of a process group of its own.
    Group,
}

/// Runs it to its end and to that of its standard output, and of its standard error where that is piped.
/// `None` when it is not there within `limit`.
pub(super) async fn run(mut command: Command, limit: Duration, kill: Kill) -> io::Result<Option<Output>> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    if kill == Kill::Group {
        command.process_group(0);
    }
    let mut program = command.spawn()?;
    let id = program.id().filter(|_| kill == Kill::Group);
    let group = Group(id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (stdout, stderr) = (program.stdout.take(), program.stderr.take());
    let all = async { tokio::try_join!(program.wait(), read(stdout), read(stderr)) };
    let Ok(ended) = time::timeout(limit, all).await else { return Ok(None) };
    let (status, stdout, stderr) = ended?;
    group.let_go();
    Ok(Some(Output { status, stdout, stderr }))
}

/// A process group that is killed unless it is gone by itself.
struct Group(Option<Pid>);

impl Group {
    fn let_go(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    if let Some(stream) = stream {
        stream.take(LONGEST).read_to_end(&mut all).await?;
    }
    Ok(all)
}
