//! What is wrong with an archive: a value that says how bad it is, why, and what to do about it.

use std::fmt;

use crate::error::ErrorKind;
use crate::model::{BackupId, SegmentName, SystemId, Timeline, WalName};

/// So many backups are named in one finding; of the others only the number is told.
const NAMED: usize = 3;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something cannot be restored.
    Error,
    /// Everything can be restored, and somebody should look at it all the same.
    Warning,
}

impl Severity {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What kind of answer a finding is, worst first: the worst that was found decides how a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// What was read is not what was written.
    Damaged,
    /// Something that is needed is proven not to be there.
    Missing,
    /// Things that do not belong together.
    Conflict,
    /// It could not be looked at: these credentials may not.
    Denied,
    /// It could not be looked at: the store did not answer.
    Unavailable,
    /// Nothing that keeps anybody from restoring.
    Note,
}

impl Class {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Note => "note",
        }
    }
}

/// A stretch of segments that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The first that is missing.
    pub first: SegmentName,
    /// The last, of the same timeline.
    pub last: SegmentName,
    /// How many.
    pub count: u64,
    /// What that does to whom.
    pub upset: Upset,
}

/// The backups that a gap harms, in the order of their identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Upset {
    /// Those that cannot be restored at all.
    pub unrestorable: Vec<BackupId>,
    /// Those that cannot be recovered beyond it.
    pub stopped: Vec<BackupId>,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// There is neither WAL nor a base backup.
    Empty,
    /// There is WAL, and no base backup that could begin to use it.
    NoBackup,
    /// Segments are missing that recovery needs.
    WalGap(Gap),
    /// Histories are missing between these timelines, both included, without which nobody finds the way to
    /// the later ones.
    HistoryGap {
        /// The first that is missing.
        first: Timeline,
        /// The last.
        last: Timeline,
    },
    /// One WAL file lies there in several forms.
    Twins {
        /// The file.
        name: WalName,
        /// The keys, in their order.
        keys: Vec<String>,
        /// Whether all forms hold the same; `None` when that was not read.
        same: Option<bool>,
    },
    /// A WAL file of another cluster.
    ForeignWal {
        /// Its key.
        key: String,
        /// Whose it is.
        found: SystemId,
        /// Whose archive it is.
        expected: SystemId,
    },
    /// A base backup of another cluster.
    ForeignBackup {
        /// Which.
        id: BackupId,
        /// Whose it is.
        found: SystemId,
        /// Whose archive it is.
        expected: SystemId,
    },
    /// A WAL file whose bytes are not what they should be.
    BadWal {
        /// Its key.
        key: String,
        /// What is wrong with them.
        why: String,
    },
    /// An object of a base backup whose bytes are not what they should be.
    BadObject {
        /// The backup.
        id: BackupId,
        /// The object's key.
        key: String,
        /// What is wrong with them.
        why: String,
    },
    /// A base backup whose files are not what its manifest or its record says.
    BadBackup {
        /// Which.
        id: BackupId,
        /// What does not fit.
        why: String,
    },
    /// A record that cannot be read, or that contradicts itself.
    BadRecord {
        /// Of which backup.
        id: BackupId,
        /// What is wrong with it.
        why: String,
    },
    /// Objects of a base backup are not there.
    Incomplete {
        /// Which backup.
        id: BackupId,
        /// What is not there.
        why: String,
    },
    /// Pages of the cluster whose checksum is wrong, in a copy that is as it was taken.
    BadPages {
        /// The backup.
        id: BackupId,
        /// How many pages.
        pages: u64,
        /// The first files they are in.
        files: Vec<String>,
        /// Whether the pages were broken in the cluster. A tool that reads each page only once may have
        /// caught one while it was being written, which WAL mends.
        certain: bool,
    },
    /// Something could not be looked at.
    Unread {
        /// Its key.
        key: String,
        /// What kind of failure it was.
        kind: ErrorKind,
        /// Why.
        why: String,
    },
}

impl Finding {
    /// The kind's name in machine-readable output; stable.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::NoBackup => "no-backup",
            Self::WalGap(_) => "wal-gap",
            Self::HistoryGap { .. } => "history-gap",
            Self::Twins { .. } => "twins",
            Self::ForeignWal { .. } => "foreign-wal",
            Self::ForeignBackup { .. } => "foreign-backup",
            Self::BadWal { .. } => "bad-wal",
            Self::BadObject { .. } => "bad-object",
            Self::BadBackup { .. } => "bad-backup",
            Self::BadRecord { .. } => "bad-record",
            Self::Incomplete { .. } => "incomplete-backup",
            Self::BadPages { .. } => "bad-pages",
            Self::Unread { .. } => "unread",
        }
    }

    /// What kind of answer it is.
    pub const fn class(&self) -> Class {
        match self {
            Self::BadWal { .. }
            | Self::BadObject { .. }
            | Self::BadBackup { .. }
            | Self::BadRecord { .. }
            | Self::BadPages { certain: true, .. } => Class::Damaged,
            Self::Empty | Self::WalGap(_) | Self::HistoryGap { .. } | Self::Incomplete { .. } => {
                Class::Missing
            }
            Self::ForeignWal { .. }
            | Self::ForeignBackup { .. }
            | Self::Twins { same: None | Some(false), .. } => Class::Conflict,
            Self::Unread { kind: ErrorKind::Denied, .. } => Class::Denied,
            Self::Unread { .. } => Class::Unavailable,
            Self::NoBackup | Self::Twins { same: Some(true), .. } | Self::BadPages { certain: false, .. } => {
                Class::Note
            }
        }
    }

    /// How bad it is.
    pub const fn severity(&self) -> Severity {
        match self.class() {
            Class::Note => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What it does to whoever wants to restore, or why it was told.
    pub fn reason(&self) -> String {
        match self {
            Self::Empty => {
                "nothing can be restored from it; a volume that is not mounted looks like that".to_owned()
            }
            Self::NoBackup => "its WAL serves only backups that are kept elsewhere".to_owned(),
            Self::WalGap(gap) => gap.upset.to_string(),
            Self::HistoryGap { .. } => {
                "recovery that follows the latest timeline ends before the first of them".to_owned()
            }
            Self::Twins { same: Some(true), .. } => "they hold the same, so either serves".to_owned(),
            Self::Twins { same: Some(false), .. } => {
                "they hold different bytes, and which is delivered depends on who asks".to_owned()
            }
            Self::Twins { same: None, .. } => "whether they hold the same was not read".to_owned(),
            Self::ForeignWal { .. } => "recovery stops at it: two clusters write to this archive".to_owned(),
            Self::ForeignBackup { .. } => "no WAL of this archive fits it".to_owned(),
            Self::BadWal { .. } => "recovery stops at it".to_owned(),
            Self::BadObject { id, .. } | Self::BadBackup { id, .. } | Self::Incomplete { id, .. } => {
                format!("backup {id} cannot be restored")
            }
            Self::BadRecord { .. } => {
                "nobody can say what it is of, and while a record cannot be read nothing is expired"
                    .to_owned()
            }
            Self::BadPages { certain: true, .. } => {
                "the pages were broken in the cluster when it was copied".to_owned()
            }
            Self::BadPages { certain: false, .. } => {
                "they may have been caught while they were written, which recovery mends".to_owned()
            }
            Self::Unread { .. } => "nothing is known of it".to_owned(),
        }
    }

    /// What to do about it.
    pub fn next(&self) -> String {
        match self {
            Self::Empty => "look at --store and --server; `barkeep check` tells whether it can be written to".to_owned(),
            Self::NoBackup => "`barkeep backup`".to_owned(),
            Self::WalGap(gap) => format!(
                "if the server still has {}: `barkeep wal-archive pg_wal/{}`; if not: `barkeep backup`, which \
                 begins anew after the gap",
                if gap.count == 1 { "it" } else { "them" },
                gap.first
            ),
            Self::HistoryGap { first, .. } => {
                format!("on the server that has it: `barkeep wal-archive pg_wal/{first}.history`")
            }
            Self::Twins { name, same: Some(true), .. } => {
                format!("remove all forms of {name} but one with the store's own tools")
            }
            Self::Twins { name, .. } => format!(
                "compare both with `pg_waldump`, and remove the wrong form of {name} with the store's own tools"
            ),
            Self::ForeignWal { .. } | Self::ForeignBackup { .. } => {
                "give each cluster a --server of its own; then remove what is foreign with the store's own tools"
                    .to_owned()
            }
            Self::BadWal { key, .. } => format!(
                "if the server still has it: `barkeep wal-archive --overwrite pg_wal/{}`; if not: `barkeep backup`",
                plain_name(key)
            ),
            Self::BadObject { id, .. } | Self::BadBackup { id, .. } | Self::Incomplete { id, .. } => {
                format!("`barkeep backup`, then `barkeep backup-delete {id}`")
            }
            Self::BadRecord { id, .. } => {
                format!("look at base/{id}/backup.info; remove the folder with the store's own tools if it is lost")
            }
            Self::BadPages { certain: true, .. } => {
                "look at the cluster with `pg_amcheck`; restore the pages from an older backup".to_owned()
            }
            Self::BadPages { id, certain: false, .. } => {
                format!("prove it: `barkeep restore --backup {id}` elsewhere, start it, run `pg_amcheck`")
            }
            Self::Unread { kind: ErrorKind::Denied, .. } => {
                "give these credentials the right to read".to_owned()
            }
            Self::Unread { .. } => "`barkeep verify` again when the store answers".to_owned(),
        }
    }
}

/// What is found, in one line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is neither WAL nor a base backup"),
            Self::NoBackup => f.write_str("there is no usable base backup"),
            Self::WalGap(gap) => gap.fmt(f),
            Self::HistoryGap { first, last } if first == last => write!(f, "{first}.history is missing"),
            Self::HistoryGap { first, last } => {
                let count = last.number() - first.number() + 1;
                write!(f, "{first}.history to {last}.history: {count} histories are missing")
            }
            Self::Twins { name, keys, .. } => {
                write!(f, "{name} lies there in {} forms: {}", keys.len(), keys.join(", "))
            }
            Self::ForeignWal { key, found, expected } => {
                write!(f, "{key} was written by system {found}, and this is the archive of system {expected}")
            }
            Self::ForeignBackup { id, found, expected } => {
                write!(f, "backup {id} is of system {found}, and this is the archive of system {expected}")
            }
            Self::BadWal { key, why } | Self::BadObject { key, why, .. } => {
                write!(f, "{key} is damaged: {why}")
            }
            Self::BadBackup { id, why } => write!(f, "backup {id} is damaged: {why}"),
            Self::BadRecord { id, why } => write!(f, "the record of backup {id} is damaged: {why}"),
            Self::Incomplete { id, why } => write!(f, "backup {id} is not complete: {why}"),
            Self::BadPages { id, pages, files, .. } => {
                let s = if *pages == 1 { "" } else { "s" };
                write!(f, "backup {id} has {pages} page{s} with a wrong checksum, in {}", files.join(", "))
            }
            Self::Unread { key, why, .. } => write!(f, "{key} could not be read: {why}"),
        }
    }
}

/// `000000010000000000000007 to 00000001000000000000000A: 4 segments are missing`
impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "{}: 1 segment is missing", self.first),
            count => write!(f, "{} to {}: {count} segments are missing", self.first, self.last),
        }
    }
}

impl fmt::Display for Upset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [(&self.unrestorable, "cannot be restored"), (&self.stopped, "cannot be recovered beyond it")];
        let told: Vec<String> = parts
            .iter()
            .filter(|(ids, _)| !ids.is_empty())
            .map(|(ids, what)| format!("{} {what}", named(ids)))
            .collect();
        if told.is_empty() {
            return f.write_str("nothing can be recovered beyond it");
        }
        f.write_str(&told.join("; "))
    }
}

/// `backup A`, `backups A, B, C and 4 more`
fn named(ids: &[BackupId]) -> String {
    let first: Vec<String> = ids.iter().take(NAMED).map(BackupId::to_string).collect();
    let more = match ids.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("backup{} {}{more}", if ids.len() == 1 { "" } else { "s" }, first.join(", "))
}

/// The WAL file's name in a key: what comes after the last slash, less the codec's suffix.
fn plain_name(key: &str) -> &str {
    let file = key.rsplit('/').next().unwrap_or(key);
    crate::model::Compression::split_suffix(file).0
}
