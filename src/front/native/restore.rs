//! The words of `restore`.

use clap::Args;
use serde::Deserialize;

use super::Around;
use super::args::Shared;
use super::render::Report;
use crate::error::{Error, Result};

/// Lay a base backup down, ready to recover to any moment after it
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(super) own: RestoreArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[restore]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct RestoreArgs {}

impl Restore {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let _ = (self.own, around.settings(self.shared)?, around.output);
        Err(Error::bug("`restore` is not there yet"))
    }
}
