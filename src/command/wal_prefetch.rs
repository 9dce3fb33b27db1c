//! The filler behind `wal-restore`: fetches what PostgreSQL will ask for next, in order of need.

use std::path::PathBuf;
use std::time::Duration;

use crate::archive::OpenArchive;
use crate::error::{Error, Result};
use crate::model::{SegmentSize, SystemId, Timeline};

/// Which window to keep filled.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cluster.
    pub system_id: SystemId,
    /// The timeline.
    pub timeline: Timeline,
    /// The cluster's segment size.
    pub segment_size: SegmentSize,
    /// The spool's directory.
    pub spool: PathBuf,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// How long it stays without being asked for anything.
    pub linger: Duration,
}

/// What a filler did before it ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Segments fetched.
    pub fetched: u64,
}

/// Fills the window until nobody asks any more.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let _ = (request, archive);
    Err(Error::bug("not built yet"))
}
