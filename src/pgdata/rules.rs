//! What of a data directory is packed, and why the rest is not.
//!
//! One table for names, which is PostgreSQL's own for `BASE_BACKUP` with what restoring adds to it, and
//! two rules for relations. A rule for a directory's contents prunes all that lies below it.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What happens to something that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is packed.
    Pack,
    /// The directory is packed, and nothing below it.
    Empty(&'static str),
    /// It is left out.
    Leave(&'static str),
}

/// Where a rule holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// Directly in the data directory.
    Top,
    /// At every depth, as PostgreSQL has it.
    Anywhere,
}

/// What a rule's name is compared with.
#[derive(Clone, Copy)]
enum Name {
    Is(&'static str),
    Begins(&'static str),
}

use Name::{Begins, Is};
use Where::{Anywhere, Top};

/// What is left out wherever it is a file or a directory.
const LEFT: &[(Where, Name, &str)] = &[
    (Anywhere, Begins("pgsql_tmp"), "sorts and hashes of sessions that will not live on"),
    (Anywhere, Begins("pg_internal.init"), "a cache that the server builds anew"),
    (Anywhere, Is("postgresql.auto.conf.tmp"), "half of a change of the configuration"),
    (Anywhere, Is("current_logfiles.tmp"), "half of a change of a status file"),
    (Anywhere, Is("postmaster.pid"), "says that a server runs here, which will not be so"),
    (Anywhere, Is("postmaster.opts"), "the command line of the server that ran here"),
    (Anywhere, Is(".DS_Store"), "macOS's own, which PostgreSQL's tools do not expect in a manifest"),
    (Top, Is("backup_label"), "the label of another backup would replay the wrong WAL"),
    (Top, Is("tablespace_map"), "would lead restored tablespaces to their old places"),
    (Top, Is("backup_manifest"), "the manifest of another backup"),
    (Top, Is("recovery.signal"), "only a restore may ask for recovery"),
    (Top, Is("standby.signal"), "only a restore may ask for a standby"),
    (Top, Is("recovery.conf"), "no server since PostgreSQL 12 starts beside it"),
];

/// Directories of which only the directory is packed.
const EMPTIED: &[(Where, &str, &str)] = &[
    (Anywhere, "pg_dynshmem", "shared memory of the running server"),
    (Anywhere, "pg_notify", "notifications do not outlive the server"),
    (Anywhere, "pg_replslot", "a copied slot would hold back WAL that nobody wants"),
    (Anywhere, "pg_serial", "does not outlive the server"),
    (Anywhere, "pg_snapshots", "exported snapshots do not outlive their sessions"),
    (Anywhere, "pg_stat_tmp", "statistics that the server writes anew"),
    (Anywhere, "pg_subtrans", "zeroed when the server starts"),
    (Top, "pg_wal", "WAL comes from the archive"),
    (Top, "log", "the server's log is no part of the database"),
    (Top, "pg_log", "the server's log is no part of the database"),
];

/// The control file, which is copied after everything else.
pub const CONTROL_FILE: &str = "global/pg_control";

/// What happens to `path`, relative to the data directory or, with `in_tablespace`, to a tablespace of
/// a server with this `server_version_num`. What depends on a neighbour ([`Fork::is_copied`]) is not asked here.
pub fn judge(path: &Path, in_tablespace: bool, version: u32, is_directory: bool) -> Verdict {
    let depth = path.components().count();
    let name = path.file_name().unwrap_or_default().as_bytes();
    if in_tablespace && depth == 1 {
        let own = format!("PG_{}_", version / 10_000);
        return if is_directory && name.starts_with(own.as_bytes()) {
            Verdict::Pack
        } else {
            Verdict::Leave("not of this server's version")
        };
    }
    let holds = |place: Where| place == Anywhere || (depth == 1 && !in_tablespace);
    let left = LEFT.iter().find(|(place, rule, _)| {
        holds(*place)
            && match rule {
                Is(whole) => name == whole.as_bytes(),
                Begins(start) => name.starts_with(start.as_bytes()),
            }
    });
    if let Some((_, _, reason)) = left {
        return Verdict::Leave(reason);
    }
    let emptied = EMPTIED.iter().find(|(place, whole, _)| holds(*place) && name == whole.as_bytes());
    match emptied {
        Some((_, _, reason)) if is_directory => Verdict::Empty(reason),
        _ if is_database(path.parent(), in_tablespace) && is_temporary_relation(name) => {
            Verdict::Leave("a temporary table ends with its session")
        }
        _ if path == Path::new(CONTROL_FILE) && !in_tablespace => {
            Verdict::Leave("copied after everything else")
        }
        _ => Verdict::Pack,
    }
}

/// Whether a directory holds the relations of one database: `base/5`, `PG_18_202506291/5`.
pub fn is_database(directory: Option<&Path>, in_tablespace: bool) -> bool {
    let Some(directory) = directory else { return false };
    let parts: Vec<_> = directory.iter().map(OsStrExt::as_bytes).collect();
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    match parts.as_slice() {
        [version, database] if in_tablespace => version.starts_with(b"PG_") && digits(database),
        [b"base", database] => digits(database),
        // A tablespace in place.
        [b"pg_tblspc", tablespace, version, database] => {
            digits(tablespace) && version.starts_with(b"PG_") && digits(database)
        }
        _ => false,
    }
}

/// A file of a permanent or unlogged relation: `16384`, `16384.1`, `16384_fsm`, `16384_init`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// The relation's file number.
    pub relation: u32,
    /// Whether it is what an unlogged relation is reset to after a crash.
    pub is_init: bool,
    /// Which gigabyte of the fork.
    pub segment: u32,
}

impl Fork {
    /// Reads a file's name; `None` when it is no such file.
    pub fn read(name: &[u8]) -> Option<Self> {
        let name = std::str::from_utf8(name).ok()?;
        let (name, segment) = match name.split_once('.') {
            Some((name, segment)) => (name, number(segment).filter(|segment| *segment > 0)?),
            None => (name, 0),
        };
        let (relation, fork) = name.split_once('_').map_or((name, None), |(a, b)| (a, Some(b)));
        matches!(fork, None | Some("fsm" | "vm" | "init")).then_some(())?;
        Some(Self { relation: number(relation)?, is_init: fork == Some("init"), segment })
    }

    /// Whether it is packed. Recovery builds every fork of an unlogged relation anew from the init fork.
    pub fn is_copied(self, relation_is_unlogged: bool) -> bool {
        self.is_init || !relation_is_unlogged
    }
}

/// The segment number of a file whose pages carry checksums, if it is one: a fork in `global` or in a
/// database's directory.
pub fn checksummed_segment(path: &Path, in_tablespace: bool) -> Option<u32> {
    let directory = path.parent()?;
    let holds_relations =
        is_database(Some(directory), in_tablespace) || (!in_tablespace && directory == Path::new("global"));
    let fork = Fork::read(path.file_name()?.as_bytes())?;
    holds_relations.then_some(fork.segment)
}

/// `t3_16384`, `t3_16384_fsm`, `t3_16384.1`.
fn is_temporary_relation(name: &[u8]) -> bool {
    let read = || {
        let (backend, rest) = std::str::from_utf8(name).ok()?.strip_prefix('t')?.split_once('_')?;
        number(backend)?;
        Fork::read(rest.as_bytes())
    };
    read().is_some()
}

fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a path is in the tar, all directories above it asked first.
    fn is_packed(path: &str, in_tablespace: bool, is_directory: bool) -> bool {
        let path = Path::new(path);
        let above = path.ancestors().skip(1).filter(|above| *above != Path::new(""));
        let reached =
            above.into_iter().all(|above| judge(above, in_tablespace, 160_003, true) == Verdict::Pack);
        reached && !matches!(judge(path, in_tablespace, 160_003, is_directory), Verdict::Leave(_))
    }

    #[test]
    fn only_what_looks_like_a_relation_among_relations_is_one() {
        for (name, fork) in [
            ("16384", Some((16_384, false, 0))),
            ("16384.12", Some((16_384, false, 12))),
            ("16384_fsm", Some((16_384, false, 0))),
            ("16384_init", Some((16_384, true, 0))),
            ("16384_vm.1", Some((16_384, false, 1))),
            ("16384_xyz", None),
            ("16384.0", None),
            ("t3_16384", None),
            ("PG_VERSION", None),
            ("99999999999", None),
        ] {
            let read = Fork::read(name.as_bytes()).map(|f| (f.relation, f.is_init, f.segment));
            assert_eq!(read, fork, "{name}");
        }
        let packed = |path: &str| is_packed(path, false, false);
        assert!(!packed("base/5/t1_2_fsm") && packed("base/t1_2") && packed("base/5/t1_x"));
        let segment = |path: &str| checksummed_segment(Path::new(path), false);
        assert_eq!(segment("global/1262"), Some(0));
        assert_eq!(segment("base/5/16384.3"), Some(3));
        assert_eq!(segment("pg_tblspc/7/PG_18_1/5/16384"), Some(0));
        assert_eq!(segment("pg_xact/0000"), None);
        assert_eq!(segment("base/5/pg_filenode.map"), None);
        assert_eq!(checksummed_segment(Path::new("PG_18_1/5/1_init"), true), Some(0));
    }
}
