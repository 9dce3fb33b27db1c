//! What a server says of its archiving, and what that comes to when the archive is asked as well.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Coverage, Lsn, SystemId, Timeline, WalInventory, WalName};

/// A server at hand, as far as it could be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerSight {
    /// The cluster.
    pub system_id: Option<SystemId>,
    /// The timeline it is on.
    pub timeline: Option<Timeline>,
    /// Whether it is a standby, or recovering.
    pub in_recovery: Option<bool>,
    /// Up to where it has written, or a standby has received.
    pub written: Option<Lsn>,
    /// Why it archives nothing, if it is set up so.
    pub disabled: Option<String>,
    /// What it says of its archiver.
    pub archiver: Option<Archiver>,
    /// What waits to be archived.
    pub waiting: Option<Waiting>,
    /// Why it could not be asked.
    pub silent: Option<String>,
}

/// `pg_stat_archiver`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archiver {
    /// Files archived since the statistics were reset.
    pub archived_count: u64,
    /// Attempts that failed since then.
    pub failed_count: u64,
    /// The file that was archived last.
    pub last_archived: Option<Wrote>,
    /// The file that could not be archived last.
    pub last_failed: Option<Wrote>,
}

/// A file, and when something became of it by the server's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrote {
    /// Its name; what PostgreSQL says is not taken to be well-formed.
    pub wal: String,
    /// When.
    pub at: Timestamp,
}

/// What waits to be archived: the `.ready` files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiting {
    /// How many.
    pub count: u64,
    /// The first that PostgreSQL will ask for.
    pub first: Option<String>,
}

/// Whether archiving works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchivingState {
    /// What was archived last is in the archive, and nothing has failed since.
    Working,
    /// The last attempt failed.
    Failing,
    /// PostgreSQL says that it has archived a file, and the archive does not have it.
    Lost,
    /// Nothing was archived yet, and nothing has failed.
    Starting,
    /// It is not set up to archive, or a standby that leaves it to its primary.
    Disabled,
}

impl ArchivingState {
    /// The state of this server's archiving; `None` when nobody could ask. The archive must have been listed
    /// after the server was asked.
    pub fn of(server: &ServerSight, wal: &WalInventory) -> Option<Self> {
        if server.disabled.is_some() {
            return Some(Self::Disabled);
        }
        let Archiver { last_archived, last_failed, .. } = server.archiver.as_ref()?;
        let failed_since = match (last_archived, last_failed) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(archived), Some(failed)) => failed.at > archived.at,
        };
        Some(match last_archived {
            _ if failed_since => Self::Failing,
            None => Self::Starting,
            Some(archived) if archived.wal.parse::<WalName>().is_ok_and(|name| !wal.has(&name)) => Self::Lost,
            Some(_) => Self::Working,
        })
    }

    /// The word for people, as `kubectl cnpg status` has it where it has one (spec/cloudnativepg.md 4.1).
    pub const fn label(self) -> &'static str {
        match self {
            Self::Working => "OK",
            Self::Failing | Self::Lost => "Failing",
            Self::Starting => "Starting Up",
            Self::Disabled => "Disabled",
        }
    }

    /// The word in machine-readable output; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Failing => "failing",
            Self::Lost => "lost",
            Self::Starting => "starting",
            Self::Disabled => "disabled",
        }
    }
}

/// How far the archive is behind the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// WAL that the server has written and that is in no complete segment of the archive, in bytes.
    pub bytes: u64,
    /// Since when nothing was stored, while something waits.
    pub time: Option<Duration>,
}

impl Lag {
    /// The lag; `None` where the server does not tell how far it has written, or the archive has nothing.
    pub fn of(server: &ServerSight, coverage: &Coverage, now: Timestamp) -> Option<Self> {
        let written = server.written?;
        let own =
            server.timeline.and_then(|own| coverage.timelines.iter().find(|cover| cover.timeline == own));
        let newest = own.and_then(|cover| cover.newest()).or_else(|| coverage.newest_wal())?;
        let bytes = written.0.saturating_sub(newest.end.0);
        // A segment that is being filled waits for nothing but its end.
        let waits = match &server.waiting {
            Some(waiting) => waiting.count > 0,
            None => bytes >= coverage.size.bytes(),
        };
        let age = newest.last_stored.map(|at| age(at, now));
        Some(Self { bytes, time: age.filter(|_| waits) })
    }
}

/// How long ago that was; nothing for what lies in the future.
pub(super) fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}
