//! The words of the catalogue: `backup-list`, `backup-show`, `backup-keep`, `backup-delete`.

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use super::args::Shared;
use super::render::Report;
use super::render_backups::{Deleted, KeptReport, Listing, Shown};
use super::{Around, told};
use crate::command::backups::{self, KeepAction};
use crate::command::{Care, backup_delete};
use crate::error::Result;
use crate::front::run::block_on;
use crate::model::{BackupRef, Keep};

/// List the base backups of a server
///
/// Tells for each whether the WAL it cannot be restored without is there, and names what cannot be
/// read and what was left behind.
#[derive(Debug, Args)]
pub(crate) struct BackupList {
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupList {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        told(block_on(backups::list(&settings.access(), &settings.wire)).map(Listing))
    }
}

/// Show one base backup
#[derive(Debug, Args)]
pub(crate) struct BackupShow {
    /// Its identifier or name, or latest, oldest, last-failed
    backup: BackupRef,
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupShow {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let end = block_on(backups::show(&self.backup, &settings.access(), &settings.wire));
        told(end.map(Shown).map_err(|e| settings.wire.lacks(e)))
    }
}

/// Keep a base backup from being expired
#[derive(Debug, Args)]
pub(crate) struct BackupKeep {
    /// Its identifier or name, or latest, oldest
    backup: BackupRef,
    /// What to do
    action: Action,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// What `backup-keep` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Action {
    /// Keep it with all WAL from its beginning on: every later moment can be reached from it
    Full,
    /// Keep it with the WAL it needs itself: only its own end can be reached
    Standalone,
    /// Let it go
    Release,
    /// Tell what it is kept for
    Status,
}

impl BackupKeep {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let action = match self.action {
            Action::Full => KeepAction::Keep(Keep::Full),
            Action::Standalone => KeepAction::Keep(Keep::Standalone),
            Action::Release => KeepAction::Release,
            Action::Status => KeepAction::Status,
        };
        told(
            block_on(backups::keep(&self.backup, action, &settings.access(), &settings.wire))
                .map(KeptReport)
                .map_err(|e| settings.wire.lacks(e)),
        )
    }
}

/// Delete one base backup and the WAL that only it needed
#[derive(Debug, Args)]
pub(crate) struct BackupDelete {
    /// Its identifier or name, or latest, oldest, last-failed
    backup: BackupRef,
    /// Refuse when fewer usable backups than this would stay [default: 0]
    #[arg(long, value_name = "N", env = "BARKEEP_BACKUP_DELETE_MINIMUM_REDUNDANCY")]
    minimum_redundancy: Option<u32>,
    /// Tell what would be deleted, and delete nothing
    #[arg(
        long, env = "BARKEEP_BACKUP_DELETE_DRY_RUN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    dry_run: Option<bool>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupDelete {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let request = backup_delete::Request {
            access: settings.access(),
            which: self.backup,
            minimum: self.minimum_redundancy.unwrap_or(0),
            dry_run: self.dry_run.unwrap_or(false),
            care: Care::default(),
        };
        let end = block_on(backup_delete::run(&request, &settings.wire));
        told(end.map(Deleted).map_err(|e| settings.wire.lacks(e)))
    }
}
