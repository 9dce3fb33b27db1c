//! The words of `retention`.

use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::render::Report;
use super::render_backups::Deleted;
use super::{Around, told};
use crate::command::{Care, retention};
use crate::error::{Error, Result};
use crate::front::quantity::Span;
use crate::front::run::block_on;
use crate::model::{RetentionPolicy, RetentionRule};

/// Delete the base backups and the WAL that a policy no longer wants
///
/// Also removes what never became a backup and has been left behind, and forgets uploads that were
/// begun and never finished. Backups that are kept stay, and so does all WAL that a backup which stays
/// needs. While a record cannot be read nothing is deleted.
#[derive(Debug, Args)]
pub(crate) struct Retention {
    /// REDUNDANCY 3, RECOVERY WINDOW OF 14 DAYS, or short 14d, 4w, 6m
    ///
    /// Also of WEEKS or MONTHS. [default: the file's]
    policy: Option<RetentionPolicy>,
    #[command(flatten)]
    pub(super) own: RetentionArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[retention]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct RetentionArgs {
    /// Let this many backups stay, whatever the policy says [default: 0]
    #[arg(long, value_name = "N", env = "BARKEEP_RETENTION_MINIMUM_REDUNDANCY")]
    pub(super) minimum_redundancy: Option<u32>,
    /// Remove what never became a backup after this long [default: 7d]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_RETENTION_LEFTOVERS_AFTER")]
    #[serde(with = "text")]
    pub(super) leftovers_after: Option<Span>,
    /// Tell what would be deleted, and why, and delete nothing
    #[arg(
        long, env = "BARKEEP_RETENTION_DRY_RUN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    dry_run: Option<bool>,
    /// What the file says in place of the word.
    #[arg(skip)]
    #[serde(with = "text")]
    policy: Option<RetentionPolicy>,
}

impl RetentionArgs {
    /// What is said to be kept.
    pub(super) const fn policy(&self) -> Option<&RetentionPolicy> {
        self.policy.as_ref()
    }
}

layer!(RetentionArgs: minimum_redundancy, leftovers_after, dry_run, policy);

/// How long leftovers are left when nothing is said: longer than any backup takes.
pub(super) const LEFTOVERS_AFTER: Duration = Duration::from_hours(7 * 24);

impl Retention {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.retention.clone());
        let own = RetentionArgs { policy: self.policy.or(own.policy), ..own };
        let rule = own.rule().ok_or_else(|| {
            Error::usage("no retention policy is given")
                .hint("say how much is to be kept: `barkeep retention 30d`, or `policy` in the section [retention] of the file")
        })?;
        let request = retention::Request {
            access: settings.access(),
            rule,
            dry_run: own.dry_run.unwrap_or(false),
            care: Care::default(),
        };
        told(block_on(retention::run(&request, &settings.wire)).map(Deleted))
    }
}

impl RetentionArgs {
    /// What is to stay, where a policy is known.
    pub(super) fn rule(&self) -> Option<RetentionRule> {
        Some(RetentionRule {
            policy: self.policy?,
            minimum: self.minimum_redundancy.unwrap_or(0),
            leftovers_after: self.leftovers_after.map_or(LEFTOVERS_AFTER, |span| span.0),
        })
    }
}
