//! The words of `retention`.

use clap::Args;
use serde::Deserialize;

use super::Around;
use super::args::Shared;
use super::render::Report;
use crate::error::{Error, Result};

/// Delete the base backups and the WAL that a policy no longer wants
#[derive(Debug, Args)]
pub(crate) struct Retention {
    #[command(flatten)]
    pub(super) own: RetentionArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[retention]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct RetentionArgs {}

impl Retention {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (self.own, around.settings(self.shared)?, around.output);
        Err(Error::bug("`retention` is not there yet"))
    }
}
