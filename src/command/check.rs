//! `check`: can we reach the store, does it keep what we rely on, and does the archive fit this server?

use std::path::PathBuf;
use std::time::Duration;

use crate::archive::OpenArchive;
use crate::error::{Error, Result};
use crate::model::{SystemId, Timeline};

/// What to check.
#[derive(Debug, Clone)]
pub struct Request {
    /// The data directory of the server the archive is for; without it the archive is described but
    /// not compared.
    pub pgdata: Option<PathBuf>,
    /// The spool's directory, where what is proved is remembered.
    pub spool: PathBuf,
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
}

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// The archive's address, for people.
    pub address: String,
    /// What was tried, in order; it ends at the first failure that makes the rest pointless.
    pub steps: Vec<Step>,
    /// How far the service's clock is ahead of ours, in seconds, when the service tells its time.
    pub clock_skew_seconds: Option<i64>,
    /// What the race of two exclusive writers showed.
    pub exclusive: Option<Exclusive>,
    /// Whether the archive belongs to this server.
    pub fit: Option<Fit>,
}

impl Outcome {
    /// The first thing that is wrong, if anything is.
    pub fn failure(&self) -> Option<&Error> {
        self.steps.iter().find_map(|s| s.result.as_ref().err())
    }
}

/// One thing that was tried.
#[derive(Debug)]
pub struct Step {
    /// What: `reach`, `put`, `exclusive-put`, `read`, `range`, `list`, `delete`, `fit`.
    pub name: &'static str,
    /// How it went; the text adds what there is to tell.
    pub result: Result<String>,
    /// How long it took.
    pub took: Duration,
}

/// What a race of two exclusive writers showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusive {
    /// One was refused, in every round: one request per segment suffices.
    Proved,
    /// Both were accepted: the key is asked for before each put.
    Ignored,
}

/// Whether an archive belongs to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// There is no WAL in it yet.
    Empty,
    /// It holds WAL of this cluster.
    Same {
        /// The cluster.
        system_id: SystemId,
        /// The newest timeline in the archive.
        archive_timeline: Timeline,
        /// The server's timeline.
        server_timeline: Timeline,
    },
    /// It holds WAL of another cluster.
    Foreign {
        /// Whose WAL it holds.
        archive: SystemId,
        /// Who this server is.
        server: SystemId,
    },
    /// It holds WAL, and no data directory was given to compare it with.
    Unknown {
        /// Whose WAL it holds, when the WAL tells.
        archive: Option<SystemId>,
        /// The newest timeline in it.
        archive_timeline: Timeline,
    },
}

/// Checks the archive.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let _ = (request, archive);
    Err(Error::bug("not built yet"))
}
