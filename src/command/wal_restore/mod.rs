//! `wal-restore`: one WAL file out of the archive, whole or not at all.
//!
//! The order of things: who asks is told from the destination; a segment that was fetched ahead, or
//! that the filler is fetching at this very moment, is renamed into place; else it is fetched at once,
//! whatever else the filler is doing, verified, and renamed. "Missing" is only ever said after the
//! store was asked and answered.

mod batch;
mod deliver;
mod spooled;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::debug;

use crate::archive::{Archive, ExclusivePut, OpenArchive, Patience};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{SystemId, WalName};
use crate::pgdata::{DataDir, Signal};
pub use batch::{Batch, Folder};
use deliver::{Delivered, Wanted};
use spooled::Spooled;
pub(super) use spooled::instance;

/// How often a refusal is asked about again.
const REFUSALS: u32 = 2;

/// What to restore and where to.
#[derive(Debug, Clone)]
pub struct Request {
    /// The file PostgreSQL asks for, `%f`.
    pub name: WalName,
    /// Where it is to appear, `%p`: relative to the current directory or absolute.
    pub destination: PathBuf,
    /// When a `.partial` segment may stand in for the complete one.
    pub partials: Partials,
    /// That the archive holds no WAL at all is an answer like any other. Else it is a failure where it would
    /// end recovery: a volume that is not mounted and a misspelled server look just like it.
    pub trust_empty: bool,
    /// At most so many segments are fetched ahead in the background: 0 (none) to 32.
    pub window: u8,
    /// The spool's directory. Without one nothing is remembered from call to call, nothing is fetched in the
    /// background, and nothing is written but the destination.
    pub spool: Option<PathBuf>,
    /// Segments fetched ahead by the call itself, where the caller keeps a folder for them.
    pub batch: Option<Batch>,
    /// How long a request to the store is tried again for; `None` takes it from the caller: five
    /// minutes during recovery, else thirty seconds.
    pub retry_for: Option<Duration>,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// How to start the filler: a program and its first arguments. What it is to fill is added as
    /// `--system-id`, `--instance`, `--timeline` and `--segment-size`.
    pub filler: Vec<OsString>,
    /// What time it is.
    pub now: Timestamp,
}

/// When a `.partial` segment may stand in for a complete one that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partials {
    /// Never.
    Never,
    /// When it is PostgreSQL that asks: `pg_rewind` and people get exactly what they name.
    ToPostgres,
    /// Whoever asks.
    Always,
}

impl Partials {
    fn serve(self, caller: Caller) -> bool {
        match self {
            Self::Never => false,
            Self::ToPostgres => caller != Caller::Other,
            Self::Always => true,
        }
    }
}

/// What became of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// files of the data directory around it. A data directory that shows no `standby.signal` counts
    /// as in recovery: to stop a standby is an outage, to promote a truncated database is a loss.
    pub fn of(destination: &Path) -> Self {
        let postgres = ["RECOVERYXLOG", "RECOVERYHISTORY"];
        if !destination.file_name().is_some_and(|name| postgres.iter().any(|p| name == *p)) {
            return Self::Other;
        }
        match DataDir::around_wal(destination).signal() {
            Signal::Standby => Self::Standby,
            Signal::Recovery | Signal::None => Self::Recovery,
        }
    }

    /// How long it pays to try again before the caller is told. A standby asks again by itself.
    const fn retry_for(self) -> Duration {
        match self {
            Self::Recovery => Duration::from_mins(5),
            Self::Standby | Self::Other => Duration::from_secs(30),
        }
    }

    /// What a whole call may take, transfers included. While a standby waits for one it cannot be
    /// promoted.
    const fn deadline(self) -> Duration {
        match self {
            Self::Recovery => Duration::from_mins(30),
            Self::Standby | Self::Other => Duration::from_mins(5),
        }
    }
}

/// Restores the file.
///
/// Kinds of failure: `Corrupt` when the archive's file is not what it should be, `Unavailable`,
/// `Denied` and `Usage` from the store, `Local` when the destination cannot be written. Never
/// `NotFound`: absence is an outcome.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    deliver::require_place(&request.destination).context(|| format!("restore {}", request.name))?;
    let caller = Caller::of(&request.destination);
    let cluster = cluster(request);
    if let Some((batch, segment)) = request.batch.as_ref().zip(request.name.segment())
        && batch.deliver(segment, cluster, &request.destination)
    {
        return Ok(Outcome::Delivered { from: Source::Spool, partial: false });
    }
    let spooled = match (caller, cluster) {
        (Caller::Other, _) | (_, None) => None,
        (_, Some(cluster)) => Spooled::open(request, archive.address(), cluster),
    };
    if let Some(spooled) = &spooled {
        let destination = &request.destination;
        if spooled.deliver(destination) || spooled.await_filler(destination).await {
            spooled.delivered(None, request);
            return Ok(Outcome::Delivered { from: Source::Spool, partial: false });
        }
        if caller == Caller::Standby && spooled.just_missed(request.now) {
            return Ok(Outcome::Missing);
        }
    }
    deliver::remove_drafts(&request.destination, caller, request.now);
    let fetched = fetch(request, archive, caller, cluster, spooled.as_ref()).await;
    let Some((delivered, archive)) = fetched.context(|| format!("restore {}", request.name))? else {
        if let Some(spooled) = &spooled {
            spooled.missed(request.now);
        }
        return Ok(Outcome::Missing);
    };
    let partial = delivered.stored.name != request.name;
    if let (Some(batch), Some(segment), Some(header)) =
        (&request.batch, delivered.stored.name.segment(), delivered.header)
    {
        batch.fetch_behind(&archive, segment, header).await;
    }
    if let Some(spooled) = spooled.filter(|_| !partial) {
        spooled.delivered(Some(&delivered), request);
    }
    Ok(Outcome::Delivered { from: Source::Archive, partial })
}

/// Asks the archive, and again for a while when it refuses: permissions that were granted a moment ago
/// take their time to arrive.
async fn fetch(
    request: &Request,
    archive: &dyn OpenArchive,
    caller: Caller,
    cluster: Option<SystemId>,
    spooled: Option<&Spooled>,
) -> Result<Option<(Delivered, Archive)>> {
    let patience = Patience {
        retry_for: request.retry_for.unwrap_or(caller.retry_for()),
        max_attempts: request.max_attempts,
        deadline: Some(Instant::now() + caller.deadline()),
        ..Patience::default()
    };
    let wanted = Wanted {
        name: &request.name,
        destination: &request.destination,
        cluster,
        hint: spooled.and_then(Spooled::compression),
        partial: request.partials.serve(caller),
    };
    let mut refused = 0;
    loop {
        let look = async {
            let opened = archive.open(ExclusivePut::ByService, &patience).await?;
            let found = wanted.fetch(&opened, caller == Caller::Recovery && !request.trust_empty).await?;
            Ok::<_, Error>(found.map(|delivered| (delivered, opened)))
        };
        match look.await {
            Err(e) if e.kind() == ErrorKind::Denied && refused < REFUSALS => {
                refused += 1;
                debug!("refused, asking again: {e}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            found => return found,
        }
    }
}

/// Which cluster asks, when its data directory tells.
fn cluster(request: &Request) -> Option<SystemId> {
    DataDir::around_wal(&request.destination).control().ok().map(|control| control.system_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_from_the_destination_and_the_signal_files() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("pg_wal")).unwrap();
        let at = |name: &str| Caller::of(&dir.path().join("pg_wal").join(name));
        assert_eq!(at("RECOVERYXLOG"), Caller::Recovery);
        std::fs::write(dir.path().join("recovery.signal"), "").unwrap();
        assert_eq!(at("RECOVERYXLOG"), Caller::Recovery);
        assert_eq!(at("RECOVERYHISTORY"), Caller::Recovery);
        assert_eq!(at("000000010000000000000001"), Caller::Other);
        std::fs::write(dir.path().join("standby.signal"), "").unwrap();
        assert_eq!(at("RECOVERYXLOG"), Caller::Standby);
    }
}
