//! How the verbs of the catalogue get at the archive.

use std::path::PathBuf;

use jiff::Timestamp;

use super::exclusive_put;
use crate::archive::{Archive, OpenArchive, Patience};
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
