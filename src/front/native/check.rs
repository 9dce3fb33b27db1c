//! The words of `check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::bar::spinner;
use super::file::File;
use super::render::{Checked, Report};
use super::settings::Settings;
use super::{Around, told};
use crate::command::check;
use crate::error::Result;
use crate::front::borrowed::Environment;
use crate::front::quantity::Span;
use crate::front::run::block_on;

/// Prove that the archive works and fits this server, before it is needed
///
/// Stores a probe object, races two writers for one key, reads, lists and deletes; reports clock skew
/// and whether the archive is empty, this cluster's or another's. What the race shows is remembered
/// for wal-archive.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(super) own: CheckArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[check]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct CheckArgs {
    /// Compare the archive with the server of this data directory [also: PGDATA]
    #[arg(long, value_name = "DIR", env = "BARKEEP_CHECK_PGDATA")]
    pgdata: Option<PathBuf>,
    /// Try a failing request again for this long [default: 10s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_CHECK_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
    /// Demand that locks work [default: when the file has lock-until]
    #[arg(
        long, env = "BARKEEP_CHECK_LOCKS", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    locks: Option<bool>,
}

impl Check {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let request = self.own.request(&settings, around.file, around.environment);
        let _turning = spinner(around.output, "checking the archive");
        told(block_on(check::run(&request, &settings.wire)).map(Checked))
    }
}

layer!(CheckArgs: pgdata, retry_for, locks);

impl CheckArgs {
    /// What the verb is asked to do.
    pub(super) fn request(
        self,
        settings: &Settings,
        file: &File,
        environment: Environment<'_>,
    ) -> check::Request {
        let sections = &file.sections;
        let own = self.over(sections.check.clone());
        // Whoever has locks in the configuration relies on them.
        let locks = sections.wal_archive.locks() || sections.backup.locks();
        let around = || environment("PGDATA").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        check::Request {
            pgdata: own.pgdata.or_else(around),
            spool: settings.spool.clone(),
            retry_for: own.retry_for.map_or(Duration::from_secs(10), |span| span.0),
            max_attempts: settings.max_attempts,
            locks: own.locks.unwrap_or(locks),
            now: settings.now,
        }
    }
}
