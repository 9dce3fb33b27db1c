//! How the verbs of the catalogue get at the archive, and those that only look whether they could.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::exclusive_put;
use crate::archive::{Archive, ExclusivePut, OpenArchive, Patience};
use crate::error::Result;

/// What they need for it.
#[derive(Debug, Clone)]
pub struct Access {
    /// The spool's directory, where it is remembered what the store can be trusted with; nothing is
    /// remembered without one.
    pub spool: Option<PathBuf>,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What time it is.
    pub now: Timestamp,
}

impl Access {
    /// Signs in.
    pub(super) async fn open(&self, archive: &dyn OpenArchive) -> Result<Archive> {
        let exclusive = exclusive_put(archive, self.spool.as_deref(), self.now);
        let patience = Patience { max_attempts: self.max_attempts, ..Patience::default() };
        archive.open(exclusive, &patience).await
    }
}

/// How long a verb tries that only looks whether an archive can be got at.
#[derive(Debug, Clone)]
pub struct Effort {
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What the whole call may take.
    pub deadline: Duration,
}

impl Effort {
    /// Signs in. Nothing is stored, so nobody asks whether exclusive puts can be trusted.
    pub(super) async fn open(&self, archive: &dyn OpenArchive) -> Result<Archive> {
        let patience = Patience {
            retry_for: self.retry_for,
            max_attempts: self.max_attempts,
            deadline: Some(Instant::now() + self.deadline),
            ..Patience::default()
        };
        archive.open(ExclusivePut::ByService, &patience).await
    }
}
