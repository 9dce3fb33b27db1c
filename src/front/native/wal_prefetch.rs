//! The words of `wal-prefetch`, the filler behind `wal-restore`, and how it leaves its caller.

use std::time::Duration;

use clap::Args;

use super::args::Shared;
use super::render::{Prefetched, Report};
use super::{Around, told};
use crate::command::wal_prefetch;
use crate::error::{Error, Result};
use crate::front::run::block_on;
use crate::model::{SegmentSize, SystemId, Timeline};

/// Fetch ahead what PostgreSQL will ask for next; started by wal-restore, never by hand
#[derive(Debug, Args)]
pub(crate) struct WalPrefetch {
    /// The cluster
    #[arg(long)]
    system_id: SystemId,
    /// What stands for the data directory
    #[arg(long, value_parser = instance)]
    instance: String,
    /// The timeline's number
    #[arg(long, value_parser = timeline)]
    timeline: Timeline,
    /// The cluster's segment size in bytes
    #[arg(long, value_parser = segment_size)]
    segment_size: SegmentSize,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// How long a filler stays when nobody asks for anything.
const LINGER: Duration = Duration::from_secs(10);

impl WalPrefetch {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let request = wal_prefetch::Request {
            system_id: self.system_id,
            instance: self.instance,
            timeline: self.timeline,
            segment_size: self.segment_size,
            spool: settings.spool,
            memory: settings.memory,
            max_attempts: settings.max_attempts,
            linger: LINGER,
        };
        told(block_on(wal_prefetch::run(&request, &settings.wire)).map(|_| Prefetched))
    }
}

/// It becomes part of a path.
fn instance(text: &str) -> Result<String> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if plain {
        Ok(text.to_owned())
    } else {
        Err(Error::usage(format!("`{text}` does not stand for a data directory")))
    }
}

fn timeline(text: &str) -> Result<Timeline> {
    let number = text.parse().ok().and_then(Timeline::new);
    number.ok_or_else(|| Error::usage(format!("`{text}` is not a timeline's number")))
}

fn segment_size(text: &str) -> Result<SegmentSize> {
    let size = text.parse().ok().and_then(SegmentSize::new);
    size.ok_or_else(|| Error::usage(format!("`{text}` is not a segment size")))
}

/// Lets go of everything the caller had open, and of its session. To be called before anything is
/// opened: it closes by number.
///
/// PostgreSQL's descriptors are not all close-on-exec, and whoever reads our caller's output waits
/// until its last holder is gone; a filler that kept them would hold up a shutdown, a collector of log
/// lines or a socket for as long as it lives. Its standard streams are /dev/null already.
pub(super) fn detach() {
    // Fails for the leader of a process group, which then has a session of its own to itself anyway.
    let _ = rustix::process::setsid();
    let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let inherited: Vec<i32> =
        names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect();
    for fd in inherited {
        // One of them was the directory just read, which is closed already; that is no matter.
        let _ = nix::unistd::close(fd);
    }
}
