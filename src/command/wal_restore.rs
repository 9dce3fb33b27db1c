//! `wal-restore`: one WAL file out of the archive, whole or not at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::archive::OpenArchive;
use crate::error::{Error, Result};
use crate::model::WalName;

/// What to restore and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// The file PostgreSQL asks for, `%f`.
    pub name: WalName,
    /// Where it is to appear, `%p`: relative to the current directory or absolute.
    pub destination: PathBuf,
    /// Never deliver a `.partial` segment in place of a complete one.
    pub no_partial: bool,
    /// At most so many segments are fetched ahead: 0 (none) to 32.
    pub window: u8,
    /// The spool's directory.
    pub spool: PathBuf,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// How long a request to the store is tried again for; `None` takes it from the caller: five
    /// minutes during recovery, else thirty seconds.
    pub retry_for: Option<Duration>,
    /// How to start the filler: a program and its arguments, to which it needs nothing added.
    pub filler: Vec<std::ffi::OsString>,
}

/// What became of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The file is at its destination, verified.
    Delivered {
        /// Where it came from.
        from: Source,
        /// A `.partial` stood in for the complete segment.
        partial: bool,
    },
    /// The archive was asked and does not have it.
    Missing,
}

/// Where a delivered file came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Fetched ahead by an earlier call.
    Spool,
    /// Fetched by this call.
    Archive,
}

/// Who asks; it decides how long to try and what a failure must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// PostgreSQL in recovery without `standby.signal`: an ordinary failure would end recovery and
    /// promote whatever has been replayed.
    Recovery,
    /// A standby: a fatal status would take it down, an ordinary one makes it try again.
    Standby,
    /// `pg_rewind`, another tool, or a person.
    Other,
}

impl Caller {
    /// Told from the name PostgreSQL restores to (`RECOVERYXLOG`, `RECOVERYHISTORY`) and the signal
    /// files of the data directory around it.
    pub fn of(destination: &Path) -> Self {
        let _ = destination;
        Self::Other
    }
}

/// Restores the file.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let _ = (request, archive);
    Err(Error::bug("not built yet"))
}
