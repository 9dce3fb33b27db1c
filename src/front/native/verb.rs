//! The verbs: what each is called with, and what each does.

use clap::{Args as _, Command, Subcommand};

use super::args::{Layer as _, OutputArgs, Shared};
use super::bar::spinner;
use super::file::File;
use super::manner::Manner;
use super::render::{Archived, Checked, Prefetched, Report, Restored};
use super::tallied::Tallied;
use super::{
    Around, backup, backups, check, config, drill, gc, install_compat, metrics, report, restore, retention,
    schedule, status, told, verify, wal, wal_find, wal_flush,
};
use crate::command::{check as check_verb, wal_archive, wal_prefetch, wal_restore};
use crate::error::Result;
use crate::front::exit::Reader;
use crate::front::run::block_on;

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
        }
    };
}

verbs! {
    archive {
        WalArchive(wal::WalArchive) "wal-archive",
        WalRestore(wal::WalRestore) "wal-restore",
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
        WalPrefetch(wal::WalPrefetch) "wal-prefetch",
    }
    other {
        InstallCompat(install_compat::InstallCompat) "install-compat",
    }
}

impl Verb {
    /// Fills the words from the file, makes the request and runs it.
    pub(super) fn perform(
        self,
        file: &File,
        output: &OutputArgs,
        manner: &mut Manner,
    ) -> Result<Box<dyn Report>> {
        let environment = &|name: &str| std::env::var_os(name);
        let around = Around { file, output, environment };
        match self {
            Self::WalArchive(words) => {
                let (path, own, shared) = words.parts();
                let settings = around.settings(shared)?;
                let own = own.over(file.sections.wal_archive.clone());
                let retain = own.retain(&settings)?;
                let request = wal::WalArchive::request(path, own, &settings)?;
                let tallied = Tallied::begin(&settings.spool);
                let wire = settings.wire.with_retain(retain);
                let end = block_on(wal_archive::run(&request, &wire));
                tallied.archived(&request.file, &end);
                told(end.map(Archived))
            }
            Self::WalRestore(words) => {
                let (what, own, shared) = words.parts();
                let own = own.over(file.sections.wal_restore.clone());
                if let Reader::Restore(_, on_error) = &mut manner.reader {
                    *on_error = own.on_error.unwrap_or_default();
                }
                let settings = around.settings(shared)?;
                let request = wal::WalRestore::request(what, &own, &settings)?;
                let tallied = Tallied::begin(&settings.spool);
                let end = block_on(wal_restore::run(&request, &settings.wire));
                tallied.restored(&request, &end);
                told(end.map(|outcome| Restored(request.name, outcome)))
            }
            Self::Check(words) => {
                let settings = around.settings(words.shared)?;
                let own = words.own.over(file.sections.check.clone());
                // Whoever has locks in the configuration relies on them.
                let locks = file.sections.wal_archive.locks() || file.sections.backup.locks();
                let request = own.request(&settings, locks, environment);
                let _turning = spinner(output, "checking the archive");
                told(block_on(check_verb::run(&request, &settings.wire)).map(Checked))
            }
            Self::WalFlush(words) => words.perform(&around),
            Self::Backup(words) => words.perform(&around),
            Self::BackupList(words) => words.perform(&around),
            Self::BackupShow(words) => words.perform(&around),
            Self::BackupKeep(words) => words.perform(&around),
            Self::BackupDelete(words) => words.perform(&around),
            Self::Restore(words) => words.perform(&around),
            Self::Retention(words) => words.perform(&around),
            Self::Status(words) => words.perform(&around),
            Self::Metrics(words) => words.perform(&around),
            Self::Report(words) => words.perform(&around),
            Self::Verify(words) => words.perform(&around),
            Self::Gc(words) => words.perform(&around),
            Self::Drill(words) => words.perform(&around),
            Self::Config(words) => words.perform(environment),
            Self::Schedule(words) => words.perform(environment),
            Self::WalFind(words) => words.perform(&around),
            Self::InstallCompat(words) => words.perform(),
            Self::WalPrefetch(words) => {
                let settings = around.settings(words.shared.clone())?;
                let request = words.request(&settings);
                told(block_on(wal_prefetch::run(&request, &settings.wire)).map(|_| Prefetched))
            }
        }
    }
}
