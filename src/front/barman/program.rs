//! Which command is meant.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// One of the nine commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// One WAL file into the archive.
    WalArchive,
    /// One WAL file out of it.
    WalRestore,
    /// A base backup.
    Backup,
    /// What backups there are.
    BackupList,
    /// One of them.
    BackupShow,
    /// Deletes one, or what a policy no longer wants.
    BackupDelete,
    /// Keeps one from being deleted.
    BackupKeep,
    /// Lays one down.
    Restore,
    /// Whether the archive is still empty.
    CheckWalArchive,
}

impl Program {
    /// All of them.
    pub(super) const ALL: [Self; 9] = [
        Self::WalArchive,
        Self::WalRestore,
        Self::Backup,
        Self::BackupList,
        Self::BackupShow,
        Self::BackupDelete,
        Self::BackupKeep,
        Self::Restore,
        Self::CheckWalArchive,
    ];

    /// The name it is started by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::WalArchive => "barman-cloud-wal-archive",
            Self::WalRestore => "barman-cloud-wal-restore",
            Self::Backup => "barman-cloud-backup",
            Self::BackupList => "barman-cloud-backup-list",
            Self::BackupShow => "barman-cloud-backup-show",
            Self::BackupDelete => "barman-cloud-backup-delete",
            Self::BackupKeep => "barman-cloud-backup-keep",
            Self::Restore => "barman-cloud-restore",
            Self::CheckWalArchive => "barman-cloud-check-wal-archive",
        }
    }

    /// The command that these words name, and the words from its name on.
    pub(super) fn named_by(words: &[OsString]) -> Option<(Self, &[OsString])> {
        let link = words.first().and_then(|word| Path::new(word).file_name()).and_then(Self::named);
        let verb = || words.get(1).and_then(|word| Self::named(word));
        link.map(|program| (program, words)).or_else(|| verb().map(|program| (program, &words[1..])))
    }

    fn named(name: &OsStr) -> Option<Self> {
        Self::ALL.into_iter().find(|program| name == program.name())
    }
}
