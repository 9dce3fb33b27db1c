//! `wal-archive`: one WAL file into the archive, once, and its successors while we are at it.

use std::path::PathBuf;
use std::time::Duration;

use crate::archive::{OpenArchive, Tags};
use crate::error::{Error, Result};
use crate::model::{Compression, Level, WalName};

/// What to archive and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The file, as `%p` names it: relative to the current directory or absolute.
    pub file: PathBuf,
    /// The codec of new objects.
    pub compression: Compression,
    /// How hard to compress; `None` is the codec's default.
    pub level: Option<Level>,
    /// Tags of every object.
    pub tags: Tags,
    /// Tags of history files, in place of `tags`.
    pub history_tags: Option<Tags>,
    /// Replace an object that has other content, instead of refusing.
    pub overwrite: bool,
    /// At most so many waiting successors are archived in the same call: 0 to 32.
    pub look_ahead: u8,
    /// Once the own file is stored, successors are waited for no longer than this.
    pub soft_limit: Duration,
    /// The spool's directory.
    pub spool: PathBuf,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// What the whole call may take.
    pub deadline: Duration,
}

/// What became of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The file.
    pub name: WalName,
    /// What became of it.
    pub archived: Archived,
    /// How many successors were stored as well.
    pub ahead: usize,
}

/// How a file came to be in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Archived {
    /// Stored by this call.
    Stored {
        /// Its length on disk.
        plain_bytes: u64,
        /// Its length in the store.
        stored_bytes: u64,
    },
    /// It was there already, with the same content.
    Same,
    /// An earlier call stored it ahead of its turn; the store was not asked.
    Ahead,
}

/// Archives the file.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let _ = (request, archive);
    Err(Error::bug("not built yet"))
}
