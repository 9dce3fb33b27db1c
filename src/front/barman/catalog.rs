//! What the commands of the catalogue share: how they get at it, and which backup is meant.

use std::time::Duration;

use jiff::Timestamp;

use super::code::{Code, Failure};
use super::door::Door;
use super::words::Common;
use crate::archive::{Catalog, Entry};
use crate::command::{Access, backups};
use crate::error::{Error, Result};
use crate::front::wire::Wire;
use crate::model::{BackupId, BackupStatus};
use crate::store::Location;

/// How long a command that only looks, or writes one annotation, may take.
pub(super) const LOOKING: Duration = Duration::from_mins(5);

/// How long a deletion may take; what it has not done by then, the next one does.
pub(super) const DELETING: Duration = Duration::from_hours(1);

/// How the archive is got at: nothing is remembered on disk.
pub(super) fn access() -> Access {
    Access { spool: None, max_attempts: None, now: Timestamp::now() }
}

/// All backups.
pub(super) fn read(door: &Door, wire: &Wire) -> Result<Catalog> {
    door.deadline(LOOKING, backups::catalog(&access(), wire))
}

/// Warns of records that cannot be read.
pub(super) fn warn_of_unreadable(catalog: &Catalog) {
    for bad in &catalog.unreadable {
        tracing::warn!("Unable to open backup.info file for {}: {}", bad.id, bad.error);
    }
    for name in &catalog.strangers {
        tracing::warn!("Unable to open backup.info file for {name}: that is no backup's identifier");
    }
}

/// What keys begin with before the server's name: the path of the URL.
pub(super) fn root(common: &Common) -> Result<String> {
    let path = match common.url.parse()? {
        Location::File { .. } => String::new(),
        Location::S3 { path, .. } | Location::Azure { path, .. } | Location::Gcs { path, .. } => path,
    };
    Ok(if path.is_empty() || path.ends_with('/') { path } else { path + "/" })
}

/// Which backup the words mean (spec/barman-cloud.md 2.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which<'a> {
    /// The one with this identifier, whether it is there or not.
    Id(BackupId),
    /// The one with this name, or the one that a word like `latest` means.
    Word(&'a str),
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(text: &'a str) -> Self {
        text.parse().map_or(Self::Word(text), Self::Id)
    }
}

impl Which<'_> {
    /// Finds it: `None` when there is none with this identifier. Unlike our own, the dialect's `latest` and
    /// `oldest` are also backups that failed, which matters to whoever deletes `latest`. A word that no
    /// backup fits is taken for a name.
    ///
    /// # Errors
    /// Status 4 for a name that no backup has, or several have.
    pub(super) fn find<'c>(self, catalog: &'c Catalog, server: &str) -> Result<Option<&'c Entry>, Failure> {
        match self {
            Self::Id(id) => Ok(catalog.entries.iter().find(|entry| entry.backup.id == id)),
            Self::Word(word) => meant(word, catalog, server).map(Some),
        }
    }

    /// Its identifier; the catalogue is read only when that is not what was given.
    pub(super) fn id(self, door: &Door, wire: &Wire, server: &str) -> Result<BackupId, Failure> {
        match self {
            Self::Id(id) => Ok(id),
            Self::Word(word) => Ok(meant(word, &read(door, wire)?, server)?.backup.id),
        }
    }
}

/// The backup that a word means.
fn meant<'c>(word: &str, catalog: &'c Catalog, server: &str) -> Result<&'c Entry, Failure> {
    let status = |entry: &&Entry| entry.backup.status;
    let ended = |entry: &&Entry| status(entry) != BackupStatus::Started;
    let failed = |entry: &&Entry| status(entry) == BackupStatus::Failed;
    let found = match word {
        "latest" | "last" => catalog.entries.iter().rfind(ended),
        "oldest" | "first" => catalog.entries.iter().find(ended),
        "last-failed" => catalog.entries.iter().rfind(failed),
        _ => None,
    };
    found.map_or_else(|| named(word, catalog, server), Ok)
}

fn named<'c>(name: &str, catalog: &'c Catalog, server: &str) -> Result<&'c Entry, Failure> {
    let all: Vec<_> = catalog.entries.iter().filter(|e| e.backup.name.as_deref() == Some(name)).collect();
    let error = match all.as_slice() {
        [entry] => return Ok(entry),
        [] => Error::not_found(format!("Unknown backup '{name}' for server '{server}'")),
        several => {
            let ids: Vec<_> = several.iter().map(|entry| entry.backup.id.to_string()).collect();
            let ids = ids.join(" ");
            Error::usage(format!(
                "Multiple backups found matching name '{name}' (try using backup ID instead): {ids}"
            ))
        }
    };
    Err(Failure::new(Code::General, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::BackupFiles;
    use crate::model::Backup;

    fn catalog(all: &[(&str, BackupStatus, Option<&str>)]) -> Catalog {
        let entry = |(id, status, name): &(&str, BackupStatus, Option<&str>)| {
            let mut backup = Backup::new(id.parse().unwrap(), *status);
            backup.name = name.map(str::to_owned);
            Entry { backup, files: BackupFiles::default(), keep: None, recorded: None }
        };
        Catalog { entries: all.iter().map(entry).collect(), ..Catalog::default() }
    }

    fn found(text: &str, catalog: &Catalog) -> Result<Option<String>, (Code, String)> {
        let found = Which::from(text).find(catalog, "main");
        found.map(|e| e.map(|e| e.backup.id.to_string())).map_err(|f| (f.code, f.error.to_string()))
    }

    #[test]
    fn words_mean_what_has_ended_and_names_what_is_named_so() {
        use BackupStatus::{Done, Failed, Started};
        let catalog = catalog(&[
            ("20260101T000000", Started, None),
            ("20260102T000000", Failed, Some("two")),
            ("20260103T000000", Done, Some("dup")),
            ("20260104T000000", Failed, Some("dup")),
            ("20260105T000000", Started, Some("latest-full")),
        ]);
        for (text, id) in [
            ("latest", "20260104T000000"),
            ("last", "20260104T000000"),
            ("oldest", "20260102T000000"),
            ("first", "20260102T000000"),
            ("last-failed", "20260104T000000"),
            ("two", "20260102T000000"),
            ("latest-full", "20260105T000000"),
            ("20260101T000000", "20260101T000000"),
        ] {
            assert_eq!(found(text, &catalog), Ok(Some(id.to_owned())), "{text}");
        }
        assert_eq!(found("20990101T000000", &catalog), Ok(None));
        for (text, message) in [
            ("Latest", "Unknown backup 'Latest' for server 'main'"),
            ("", "Unknown backup '' for server 'main'"),
            (
                "dup",
                "Multiple backups found matching name 'dup' (try using backup ID instead): \
                 20260103T000000 20260104T000000",
            ),
        ] {
            assert_eq!(found(text, &catalog), Err((Code::General, message.to_owned())));
        }
    }

    #[test]
    fn a_word_that_no_backup_fits_is_taken_for_a_name() {
        let only_begun = catalog(&[("20260101T000000", BackupStatus::Started, Some("latest"))]);
        assert_eq!(found("latest", &only_begun), Ok(Some("20260101T000000".to_owned())));
        let unknown = "Unknown backup 'last-failed' for server 'main'".to_owned();
        assert_eq!(found("last-failed", &only_begun), Err((Code::General, unknown)));
    }
}
