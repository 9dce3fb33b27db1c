//! The verbs: what each is called with, and who performs it.

use clap::{Args as _, Command, Subcommand};

use super::args::{OutputArgs, Shared};
use super::render::Report;
use super::{
    Around, backup, backups, check, config, drill, gc, install_compat, metrics, report, restore, retention,
    schedule, status, verify, wal_archive, wal_find, wal_flush, wal_prefetch, wal_restore,
};
use crate::error::Result;

/// One list of the verbs, so that what is said of each is said of all. Those of the first list have to do with an
/// archive.
macro_rules! verbs {
    (archive { $($(#[$attribute:meta])* $verb:ident($words:ty) $name:literal,)* }
     other { $($other:ident($other_words:ty) $other_name:literal,)* }) => {
        /// A verb with its words. The derived tree has the names alone; see [`with_words`].
        #[derive(Debug, Subcommand)]
        #[command(defer = true)]
        pub(super) enum Verb {
            $($(#[$attribute])* #[command(name = $name)] $verb(Box<$words>),)*
            $(#[command(name = $other_name)] $other(Box<$other_words>),)*
        }

        /// A verb of the tree with the words it is called with. PostgreSQL waits while a tree is made, and
        /// those of all verbs took longer than the errand of a call that is answered from a marker.
        pub(super) fn with_words(verb: Command) -> Command {
            let add: fn(Command) -> Command = match verb.get_name() {
                $($name => <$words>::augment_args,)*
                $($other_name => <$other_words>::augment_args,)*
                _ => return verb,
            };
            add(verb.defer(std::convert::identity))
        }

        impl Verb {
            /// What it shares with the others, when it has to do with an archive.
            pub(super) fn shared(&self) -> Option<&Shared> {
                match self {
                    $(Self::$verb(words) => Some(&words.shared),)*
                    $(Self::$other(_) => None,)*
                }
            }

            /// The same, to be changed.
            pub(super) fn shared_mut(&mut self) -> Option<&mut Shared> {
                match self {
                    $(Self::$verb(words) => Some(&mut words.shared),)*
                    $(Self::$other(_) => None,)*
                }
            }

            /// What is said and how.
            pub(super) fn output(&self) -> OutputArgs {
                match self {
                    $(Self::$verb(words) => words.shared.output.clone(),)*
                    $(Self::$other(words) => words.output.clone(),)*
                }
            }

            /// Fills the words from the file, makes the request and runs it.
            pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
                match self {
                    $(Self::$verb(words) => words.perform(around),)*
                    $(Self::$other(words) => words.perform(around),)*
                }
            }
        }
    };
}

verbs! {
    archive {
        WalArchive(wal_archive::WalArchive) "wal-archive",
        WalRestore(wal_restore::WalRestore) "wal-restore",
        WalFlush(wal_flush::WalFlush) "wal-flush",
        Check(check::Check) "check",
        Backup(backup::Backup) "backup",
        BackupList(backups::BackupList) "backup-list",
        BackupShow(backups::BackupShow) "backup-show",
        BackupKeep(backups::BackupKeep) "backup-keep",
        BackupDelete(backups::BackupDelete) "backup-delete",
        Restore(restore::Restore) "restore",
        Retention(retention::Retention) "retention",
        Status(status::Status) "status",
        Metrics(metrics::Metrics) "metrics",
        Report(report::Report) "report",
        Verify(verify::Verify) "verify",
        Gc(gc::Gc) "gc",
        Drill(drill::Drill) "drill",
        WalFind(wal_find::WalFind) "wal-find",
        Config(config::Config) "config",
        Schedule(schedule::Schedule) "schedule",
        #[command(hide = true)]
        WalPrefetch(wal_prefetch::WalPrefetch) "wal-prefetch",
    }
    other {
        InstallCompat(install_compat::InstallCompat) "install-compat",
    }
}
