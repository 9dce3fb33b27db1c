//! How a call of PostgreSQL's ended, for the tally.

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;

use crate::command::tally::{self, Call, Counted, Ending};
use crate::command::wal_archive::{self, Archived};
use crate::command::wal_restore::{self, Source};
use crate::error::{ErrorKind, Result};

/// A call that is under way.
pub(super) struct Tallied {
    spool: PathBuf,
    begun: Instant,
}

impl Tallied {
    /// Begins; it is counted in this spool.
    pub(super) fn begin(spool: &Path) -> Self {
        Self { spool: spool.to_path_buf(), begun: Instant::now() }
    }

    /// Counts the end of `wal-archive`.
    pub(super) fn archived(self, file: &Path, end: &Result<wal_archive::Outcome>) {
        let (ending, bytes) = match end {
            Ok(outcome) => match outcome.archived {
                Archived::Stored { plain_bytes, .. } => (Ending::Done, plain_bytes),
                Archived::Same => (Ending::Same, 0),
                Archived::Ahead => (Ending::Ahead, 0),
            },
            Err(e) => (failed(e.kind()), 0),
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.count(Counted::Archive, name, ending, bytes, end.as_ref().err().map(ToString::to_string));
    }

    /// Counts the end of `wal-restore`.
    pub(super) fn restored(self, request: &wal_restore::Request, end: &Result<wal_restore::Outcome>) {
        let ending = match end {
            Ok(wal_restore::Outcome::Delivered { from: Source::Spool, .. }) => Ending::Ahead,
            Ok(wal_restore::Outcome::Delivered { from: Source::Archive, .. }) => Ending::Done,
            Ok(wal_restore::Outcome::Missing) => Ending::NotFound,
            Err(e) => failed(e.kind()),
        };
        let len = || request.destination.metadata().map_or(0, |meta| meta.len());
        let bytes = if ending.is_success() { len() } else { 0 };
        let error = end.as_ref().err().map(ToString::to_string);
        self.count(Counted::Restore, request.name.to_string(), ending, bytes, error);
    }

    fn count(self, verb: Counted, name: String, ending: Ending, bytes: u64, error: Option<String>) {
        let micros = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tally::count(&self.spool, verb, &Call { ending, name, bytes, micros, at: Timestamp::now(), error });
    }
}

/// The class of a failure; what PostgreSQL's calls do not end with is one.
const fn failed(kind: ErrorKind) -> Ending {
    match kind {
        ErrorKind::Usage => Ending::Usage,
        ErrorKind::NotFound => Ending::NotFound,
        ErrorKind::Conflict => Ending::Conflict,
        ErrorKind::Denied => Ending::Denied,
        ErrorKind::Unavailable => Ending::Unavailable,
        ErrorKind::Corrupt => Ending::Corrupt,
        ErrorKind::Local => Ending::Local,
        ErrorKind::Server | ErrorKind::Interrupted | ErrorKind::Bug => Ending::Other,
    }
}
