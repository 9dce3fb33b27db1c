//! The verbs. Each takes a `Request`, in which everything is already parsed, and returns an
//! `Outcome` with everything there is to tell. None of them prints, reads flags or the environment,
//! or knows an exit status.

mod access;
mod deletion;
mod fetch;
mod flow;
mod pace;

pub mod backup;
pub mod backup_delete;
pub mod backups;
pub mod check;
pub mod drill;
pub mod exposition;
pub mod gc;
pub mod metrics;
pub mod reach;
pub mod report;
pub mod restore;
pub mod retention;
pub mod status;
pub mod tally;
pub mod texts;
pub mod vacancy;
pub mod verify;
pub mod wal_archive;
pub mod wal_find;
pub mod wal_flush;
pub mod wal_prefetch;
pub mod wal_restore;

pub use access::{Access, Effort};
pub use deletion::{Care, Deletion, Doomed, Heed};

use std::path::Path;

use jiff::Timestamp;

use crate::archive::{ExclusivePut, OpenArchive};
use crate::spool::Spool;

/// What the program itself needs besides its buffers, in bytes: code, runtime, TLS, small allocations.
const OWN: u64 = 24 << 20;

/// Whether exclusive puts can be trusted: as the configuration says, else as `check` has proved and left
/// in the spool, where there is one.
fn exclusive_put(archive: &dyn OpenArchive, spool: Option<&Path>, now: Timestamp) -> ExclusivePut {
    archive.configured_exclusive().unwrap_or_else(|| {
        let store = archive.address().store_fingerprint();
        let spool = spool.and_then(|spool| Spool::open(spool).ok());
        let proved = spool.is_some_and(|spool| spool.proved_exclusive(&store, now));
        if proved { ExclusivePut::Trusted } else { ExclusivePut::ByService }
    })
}
