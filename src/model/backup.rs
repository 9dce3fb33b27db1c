//! A base backup, as its record says.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Zoned;

use super::{BackupId, Lsn, SegmentName, SegmentSize, SystemId, Timeline};
use crate::error::{Error, Result};

/// What is recorded about one base backup (spec/barman-cloud.md part 5). Any field may be missing in
/// what another tool, or an interrupted run, has left.
#[derive(Debug, Clone, PartialEq)]
pub struct Backup {
    /// Its identifier, which is also its folder.
    pub id: BackupId,
    /// The name a user gave it.
    pub name: Option<String>,
    /// How far it has come.
    pub status: BackupStatus,
    /// The server's name within the record: `cloud` for everything that was stored object by object.
    pub server_name: Option<String>,
    /// The cluster it is of.
    pub system_id: Option<SystemId>,
    /// PostgreSQL's `server_version_num`.
    pub version: Option<u32>,
    /// The timeline it began on.
    pub timeline: Option<Timeline>,
    /// The cluster's segment size.
    pub segment_size: SegmentSize,
    /// Where and when it began.
    pub begin: Edge,
    /// Where and when it ended: recovery must replay up to here before the copy is consistent.
    pub end: Edge,
    /// The text of `backup_label`.
    pub label: Option<String>,
    /// The tablespaces that lie outside the data directory.
    pub tablespaces: Vec<Tablespace>,
    /// The data directory's path when it was copied.
    pub pgdata: Option<String>,
    /// The server's `config_file`.
    pub config_file: Option<String>,
    /// The server's `hba_file`.
    pub hba_file: Option<String>,
    /// The server's `ident_file`.
    pub ident_file: Option<String>,
    /// Configuration files that are included from elsewhere; they are named, not packed.
    pub included_files: Vec<String>,
    /// The cluster's size in bytes.
    pub cluster_size: Option<u64>,
    /// Whether its pages carry checksums.
    pub data_checksums: Option<bool>,
    /// Whether the server summarised its WAL (PostgreSQL 17 and later).
    pub summarize_wal: Option<bool>,
    /// Why it failed, on one line.
    pub error: Option<String>,
    /// The backup this one builds upon; such a backup cannot be restored alone.
    pub parent: Option<String>,
    /// Every other key of the record as it stands there, known to us or not, so that rewriting a
    /// record loses nothing.
    pub other: BTreeMap<String, String>,
}

/// One end of a base backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    /// When, by the server's clock and with the offset of its session.
    pub time: Option<Zoned>,
    /// Where.
    pub lsn: Option<Lsn>,
    /// The segment that holds it.
    pub wal: Option<SegmentName>,
}

impl Backup {
    /// A backup of which only this is known.
    pub fn new(id: BackupId, status: BackupStatus) -> Self {
        Self {
            id,
            name: None,
            status,
            server_name: None,
            system_id: None,
            version: None,
            timeline: None,
            segment_size: SegmentSize::DEFAULT,
            begin: Edge::default(),
            end: Edge::default(),
            label: None,
            tablespaces: Vec::new(),
            pgdata: None,
            config_file: None,
            hba_file: None,
            ident_file: None,
            included_files: Vec::new(),
            cluster_size: None,
            data_checksums: None,
            summarize_wal: None,
            error: None,
            parent: None,
            other: BTreeMap::new(),
        }
    }

    /// Whether it is complete, as far as its record says.
    pub fn is_usable(&self) -> bool {
        self.status.is_usable()
    }

    /// What the record of a backup says as its `error` while the backup is being deleted.
    pub const HALF_DELETED: &'static str = "its deletion was begun and not finished";

    /// Whether its deletion was begun: whatever is left of it is only waiting to be removed.
    pub fn is_half_deleted(&self) -> bool {
        self.status == BackupStatus::Failed && self.error.as_deref() == Some(Self::HALF_DELETED)
    }

    /// Whether it ended on another timeline than it began on, as that of a standby may whose primary was
    /// replaced meanwhile.
    pub fn changes_timeline(&self) -> bool {
        self.begin.wal.zip(self.end.wal).is_some_and(|(first, last)| first.timeline != last.timeline)
    }

    /// Whether it is known to have been taken from a primary: its label says so.
    pub fn is_of_primary(&self) -> bool {
        self.label.as_ref().is_some_and(|label| label.lines().any(|line| line == "BACKUP FROM: primary"))
    }

    /// Whether it consists of volume snapshots, which are no objects of the store.
    pub fn is_snapshot(&self) -> bool {
        self.other.contains_key("snapshots_info")
    }
}

/// How far a base backup has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BackupStatus {
    /// Nothing was done.
    Empty,
    /// It was begun, and is under way or was killed.
    Started,
    /// It failed, and `error` says why.
    Failed,
    /// Copied; not all its WAL had been seen in the archive.
    WaitingForWals,
    /// Complete.
    Done,
    /// A copy between servers is under way.
    Syncing,
}

impl BackupStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Empty, Self::Started, Self::Failed, Self::WaitingForWals, Self::Done, Self::Syncing];

    /// Whether it is that of a complete backup.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::Done | Self::WaitingForWals)
    }

    /// The word of the record.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "EMPTY",
            Self::Started => "STARTED",
            Self::Failed => "FAILED",
            Self::WaitingForWals => "WAITING_FOR_WALS",
            Self::Done => "DONE",
            Self::Syncing => "SYNCING",
        }
    }
}

impl fmt::Display for BackupStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for BackupStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| Error::corrupt(format!("`{text}` is not the status of a backup")))
    }
}

/// A tablespace outside the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tablespace {
    /// Its name in SQL.
    pub name: String,
    /// Its number, which is also its link in `pg_tblspc` and its tar.
    pub oid: u32,
    /// Where it was when it was copied.
    pub location: String,
}

/// What a keep annotation says: the backup is not to be expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Keep {
    /// With all WAL from its beginning on, so that every later moment can be reached from it.
    Full,
    /// With the WAL it needs itself: only its own end can be reached.
    Standalone,
}

impl Keep {
    /// The word of the annotation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Standalone => "standalone",
        }
    }

    /// Reads an annotation's text; whatever is not `standalone` keeps everything.
    pub fn read(text: &str) -> Self {
        if text.trim() == Self::Standalone.name() { Self::Standalone } else { Self::Full }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Full, Self::Standalone].into_iter().find(|keep| keep.name() == text).ok_or_else(|| {
            Error::usage(format!("`{text}` is not what a backup is kept for (full or standalone)"))
        })
    }
}

/// Which backup is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupRef {
    /// The one with this identifier.
    Id(BackupId),
    /// The one with this name.
    Named(String),
    /// The newest that is usable: `latest`, `last`.
    Latest,
    /// The oldest that is usable: `oldest`, `first`.
    Oldest,
    /// The newest that failed: `last-failed`.
    LastFailed,
}

impl fmt::Display for BackupRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Named(name) => f.write_str(name),
            Self::Latest => f.write_str("latest"),
            Self::Oldest => f.write_str("oldest"),
            Self::LastFailed => f.write_str("last-failed"),
        }
    }
}

impl FromStr for BackupRef {
    type Err = Error;

    /// Identifier, then word, then name (spec/barman-cloud.md 2.10); only an empty text is refused.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "" => Err(Error::usage("no backup is named")),
            "latest" | "last" => Ok(Self::Latest),
            "oldest" | "first" => Ok(Self::Oldest),
            "last-failed" => Ok(Self::LastFailed),
            text => Ok(text.parse().map_or_else(|_| Self::Named(text.to_owned()), Self::Id)),
        }
    }
}
