//! What differs between PostgreSQL's majors, in one table.

use crate::error::{Error, Result};

/// The oldest major that is supported.
const OLDEST: u32 = 13;
/// The newest major that the table was checked with.
const NEWEST: u32 = 18;

/// A server's version, as `server_version_num` gives it: 130016, 180004.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32);

/// How one major is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// The function that begins a backup, with the types of its arguments, as GRANT names it.
    pub(super) start: &'static str,
    /// The call that begins a backup; `$1` is the label, `$2` whether its checkpoint is a fast one.
    pub(super) start_call: &'static str,
    /// The function that ends a backup.
    pub(super) stop: &'static str,
    /// The call that ends a backup without waiting for its WAL to be archived.
    pub(super) stop_call: &'static str,
    /// The settings that could end a session that waits, besides `statement_timeout`.
    pub(super) time_outs: &'static [&'static str],
    /// Whether WAL can be summarised.
    pub(super) summarize_wal: bool,
    /// Whether segments can be archived by a library.
    pub(super) archive_library: bool,
}

const UP_TO_14: Dialect = Dialect {
    start: "pg_catalog.pg_start_backup(text, boolean, boolean)",
    start_call: "pg_catalog.pg_start_backup($1, $2, false)",
    stop: "pg_catalog.pg_stop_backup(boolean, boolean)",
    stop_call: "pg_catalog.pg_stop_backup(false, false)",
    time_outs: &[],
    summarize_wal: false,
    archive_library: false,
};

const FROM_15: Dialect = Dialect {
    start: "pg_catalog.pg_backup_start(text, boolean)",
    start_call: "pg_catalog.pg_backup_start($1, $2)",
    stop: "pg_catalog.pg_backup_stop(boolean)",
    stop_call: "pg_catalog.pg_backup_stop(false)",
    time_outs: &["idle_session_timeout"],
    summarize_wal: false,
    archive_library: true,
};

impl Version {
    /// The version with this number. Kind `Usage` for majors before 13.
    pub fn new(number: u32) -> Result<Self> {
        match number / 10_000 {
            major if major < OLDEST => Err(Error::usage(format!(
                "the server is PostgreSQL {major}; {OLDEST} is the oldest that is supported"
            ))),
            _ => Ok(Self(number)),
        }
    }

    /// The number itself.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The major.
    pub const fn major(self) -> u32 {
        self.0 / 10_000
    }

    /// Why somebody should look twice: a major that came after this program.
    pub fn doubt(self) -> Option<String> {
        (self.major() > NEWEST).then(|| {
            format!(
                "PostgreSQL {} is newer than the newest this version was made for, {NEWEST}: restore this \
                 backup once before you rely on it",
                self.major()
            )
        })
    }

    pub(super) const fn dialect(self) -> Dialect {
        match self.major() {
            ..=13 => UP_TO_14,
            14 => Dialect { time_outs: FROM_15.time_outs, ..UP_TO_14 },
            15 | 16 => FROM_15,
            17.. => Dialect {
                time_outs: &["idle_session_timeout", "transaction_timeout"],
                summarize_wal: true,
                ..FROM_15
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_old_is_refused_and_what_is_too_new_is_doubted() {
        for (number, accepted, doubted) in [
            (120_022, false, false),
            (90_624, false, false),
            (130_000, true, false),
            (180_004, true, false),
            (190_000, true, true),
        ] {
            let version = Version::new(number);
            assert_eq!(version.is_ok(), accepted, "{number}");
            assert_eq!(version.is_ok_and(|v| v.doubt().is_some()), doubted, "{number}");
        }
    }

    #[test]
    fn every_major_has_its_functions() {
        let of = |major: u32| Version::new(major * 10_000).unwrap().dialect();
        for (major, start, time_outs, summarize) in [
            (13, "pg_start_backup", 0, false),
            (14, "pg_start_backup", 1, false),
            (15, "pg_backup_start", 1, false),
            (16, "pg_backup_start", 1, false),
            (17, "pg_backup_start", 2, true),
            (18, "pg_backup_start", 2, true),
        ] {
            let dialect = of(major);
            assert!(dialect.start.contains(start) && dialect.start_call.contains(start), "{major}");
            assert_eq!((dialect.time_outs.len(), dialect.summarize_wal), (time_outs, summarize), "{major}");
        }
    }
}
