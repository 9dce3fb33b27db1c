//! The words of `check`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::args::{Shared, layer, text};
use super::settings::Settings;
use crate::command::check;
use crate::front::borrowed::Environment;
use crate::front::quantity::Span;

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

layer!(CheckArgs: pgdata, retry_for, locks);

impl CheckArgs {
    /// What the verb is asked to do.
    pub(super) fn request(
        self,
        settings: &Settings,
        locks: bool,
        environment: Environment<'_>,
    ) -> check::Request {
        let around = || environment("PGDATA").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        check::Request {
            pgdata: self.pgdata.or_else(around),
            spool: settings.spool.clone(),
            retry_for: self.retry_for.map_or(Duration::from_secs(10), |span| span.0),
            max_attempts: settings.max_attempts,
            locks: self.locks.unwrap_or(locks),
            now: settings.now,
        }
    }
}
