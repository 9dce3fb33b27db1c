//! The records of the WAL: which transaction ended when and where, and what else recovery can stop at.
//!
//! [`WalScan`] takes the bytes of segments in order and in pieces of any length, and gives every record
//! whose checksum is right. The layouts are those of PostgreSQL 13 to 18: `access/xlogrecord.h`,
//! `access/xlog_internal.h`, `access/xact.h`, `catalog/pg_control.h`, `commands/dbcommands_xlog.h` and
//! `catalog/storage_xlog.h` of their releases, in little-endian order.

mod fields;
mod scan;
#[cfg(test)]
pub(crate) mod synthetic;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;

pub use scan::{Pending, WalScan};

use super::{Lsn, Timeline};
use crate::error::Error;

/// As many relations of one record are told by name; the others are counted.
pub const MOST_RELATIONS: usize = 1000;

/// A record whose checksum is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalRecord {
    /// Where it begins: what PostgreSQL compares with `recovery_target_lsn`.
    pub start: Lsn,
    /// Where the next may begin: rounded up to eight bytes, and after a switch the end of the segment.
    pub end: Lsn,
    /// The timeline of the page it begins on.
    pub timeline: Timeline,
    /// The transaction that wrote it, 0 for none.
    pub xid: u32,
    /// What it says.
    pub what: RecordKind,
}

impl WalRecord {
    /// The time in it, as PostgreSQL wrote it: transactions, restore points, checkpoints (to the second, and
    /// of their beginning), ends of recovery.
    pub fn time(&self) -> Option<Timestamp> {
        match &self.what {
            RecordKind::XactEnd(xact) => Some(xact.time),
            RecordKind::Prepared { time, .. }
            | RecordKind::RestorePoint { time, .. }
            | RecordKind::Checkpoint { time, .. }
            | RecordKind::EndOfRecovery { time, .. }
            | RecordKind::Overwritten { time, .. } => Some(*time),
            _ => None,
        }
    }

    /// The end of a transaction, if this is one.
    pub const fn xact_end(&self) -> Option<&XactEnd> {
        match &self.what {
            RecordKind::XactEnd(xact) => Some(xact),
            _ => None,
        }
    }
}

/// What a record says, as far as it matters to recovery targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKind {
    /// A transaction has committed or aborted, a prepared one or another.
    XactEnd(Box<XactEnd>),
    /// A transaction was prepared (`PREPARE TRANSACTION`); its end comes later.
    Prepared {
        /// Which.
        xid: u32,
        /// When.
        time: Timestamp,
    },
    /// `pg_create_restore_point`.
    RestorePoint {
        /// Its name; not necessarily UTF-8 in the WAL, and then with replacement characters here.
        name: String,
        /// When.
        time: Timestamp,
    },
    /// A checkpoint has ended.
    Checkpoint {
        /// Where recovery from it would begin.
        redo: Lsn,
        /// When it began, to the second.
        time: Timestamp,
        /// The next transaction's number, with its epoch.
        next_xid: u64,
        /// Whether the server was shut down with it.
        shutdown: bool,
    },
    /// A recovery has ended, and WAL goes on on another timeline or the same.
    EndOfRecovery {
        /// When.
        time: Timestamp,
        /// The timeline from here on.
        timeline: u32,
        /// The timeline until here.
        previous: u32,
    },
    /// Which transactions were running at a moment (every 15 s while anything is written, and with each
    /// checkpoint).
    Running {
        /// No transaction with this number or a later one had begun.
        next_xid: u32,
        /// All transactions before this one had ended.
        oldest_xid: u32,
    },
    /// Settings that matter to standbys were changed.
    ParameterChange,
    /// A base backup has ended.
    BackupEnd {
        /// Where it began.
        start: Lsn,
    },
    /// What was left of a record that was never completed ends here.
    Overwritten {
        /// The record.
        start: Lsn,
        /// When.
        time: Timestamp,
    },
    /// `pg_switch_wal` or `archive_timeout`: the rest of the segment is empty.
    Switch,
    /// `DROP DATABASE`.
    DatabaseDropped {
        /// The database.
        database: u32,
    },
    /// A relation's file was cut, as by `VACUUM`.
    Truncated {
        /// The relation.
        relation: Relation,
        /// How many blocks it has now.
        blocks: u32,
    },
    /// Anything else.
    Other {
        /// The resource manager (`access/rmgrlist.h`).
        rmgr: u8,
        /// Its own bits.
        info: u8,
    },
}

/// How a transaction ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XactEnd {
    /// The transaction: of a prepared one its own number, not that of whoever ended it.
    pub xid: u32,
    /// When, by the clock of the server; records may be a little out of order.
    pub time: Timestamp,
    /// Whether it committed.
    pub committed: bool,
    /// Whether it had been prepared.
    pub prepared: bool,
    /// Its name if it had been prepared and `wal_level` is `logical`.
    pub gid: Option<String>,
    /// How many subtransactions ended with it.
    pub subxacts: u32,
    /// Whether the transaction that is looked for is one of these.
    pub has_sought: bool,
    /// The database, where the record tells it.
    pub database: Option<u32>,
    /// The files that went with it, at most [`MOST_RELATIONS`]: of a table that was dropped, truncated or
    /// rewritten.
    pub dropped: Vec<Relation>,
    /// How many files went with it.
    pub dropped_total: u32,
    /// Where it came from, if it was replicated.
    pub origin: Option<Lsn>,
}

/// A relation's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// The tablespace.
    pub tablespace: u32,
    /// The database, 0 for what all databases share.
    pub database: u32,
    /// The file's number (`pg_class.relfilenode`).
    pub number: u32,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.tablespace, self.database, self.number)
    }
}

/// Where the WAL is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalFlaw {
    /// The page or the record.
    pub at: Lsn,
    /// What was found, and what should have been.
    pub why: String,
}

impl fmt::Display for WalFlaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.at, self.why)
    }
}

impl From<WalFlaw> for Error {
    fn from(flaw: WalFlaw) -> Self {
        Self::corrupt(flaw.to_string())
    }
}
