//! The words of the catalogue: `backup-list`, `backup-show`, `backup-keep`, `backup-delete`.

use clap::Args;

use super::Around;
use super::args::Shared;
use super::render::Report;
use crate::error::{Error, Result};

/// List the base backups of a server
#[derive(Debug, Args)]
pub(crate) struct BackupList {
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupList {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (around.settings(self.shared)?, around.output);
        Err(Error::bug("`backup-list` is not there yet"))
    }
}

/// Show one base backup
#[derive(Debug, Args)]
pub(crate) struct BackupShow {
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupShow {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (around.settings(self.shared)?, around.output);
        Err(Error::bug("`backup-show` is not there yet"))
    }
}

/// Keep a base backup from being expired
#[derive(Debug, Args)]
pub(crate) struct BackupKeep {
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupKeep {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (around.settings(self.shared)?, around.output);
        Err(Error::bug("`backup-keep` is not there yet"))
    }
}

/// Delete one base backup and the WAL that only it needed
#[derive(Debug, Args)]
pub(crate) struct BackupDelete {
    #[command(flatten)]
    pub(super) shared: Shared,
}

impl BackupDelete {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (around.settings(self.shared)?, around.output);
        Err(Error::bug("`backup-delete` is not there yet"))
    }
}
