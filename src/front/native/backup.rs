//! The words of `backup`.

use clap::Args;
use serde::Deserialize;

use super::Around;
use super::args::Shared;
use super::render::Report;
use crate::error::{Error, Result};

/// Take a base backup of a running server
#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(super) own: BackupArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[backup]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct BackupArgs {}

impl Backup {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (self.own, around.settings(self.shared)?, around.output);
        Err(Error::bug("`backup` is not there yet"))
    }
}
