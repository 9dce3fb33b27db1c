//! The words of `verify`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::bar::{READING, Watching};
use super::render::Report;
use super::settings::AMPLE;
use super::verified::Verified;
use super::{Around, told};
use crate::command::verify::{self, Progress, Scope};
use crate::error::{Error, Result};
use crate::front::quantity::{Size, Span};
use crate::front::run::{block_on, jobs};
use crate::front::signals;
use crate::model::{Share, TargetTime};

/// Prove that the archive is whole by reading it
///
/// Lists everything, tells gaps in the WAL and what base backups lack, then reads objects: WAL is decoded
/// and compared with its name, its header and what was recorded with it, backups with their manifests, and
/// pages with their checksums. Nothing is changed but a ledger of what was verified and when; a run that
/// was cut short goes on from there.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    pub(super) own: VerifyArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// What is looked at. Nothing that a file should decide.
#[derive(Debug, Args)]
struct What {
    /// Only look at the lists, the records and the histories; read nothing else
    #[arg(
        long, env = "BARKEEP_VERIFY_QUICK", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    quick: Option<bool>,
    /// Leave out the base backups
    #[arg(
        long, env = "BARKEEP_VERIFY_WAL_ONLY", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    wal_only: Option<bool>,
    /// Leave out the WAL, but for whether what backups need is there
    #[arg(
        long, env = "BARKEEP_VERIFY_BACKUPS_ONLY", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    backups_only: Option<bool>,
    /// Read only this share of the objects, those verified longest ago
    ///
    /// So runs take turns.
    #[arg(long, value_name = "N%", env = "BARKEEP_VERIFY_SAMPLE")]
    sample: Option<Share>,
    /// Read only what was not verified since: 30d, or 2026-01-31
    ///
    /// Or since a moment, 2026-01-31 12:00:00+01:00.
    #[arg(long, value_name = "WHEN", env = "BARKEEP_VERIFY_SINCE")]
    since: Option<String>,
}

/// The section `[verify]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct VerifyArgs {
    /// Read up to this many objects at once [default: the cores, 2 to 8]
    #[arg(long, value_name = "N", env = "BARKEEP_VERIFY_JOBS")]
    #[serde(with = "text")]
    jobs: Option<NonZeroUsize>,
    /// Read at most this many bytes per second
    #[arg(long, value_name = "SIZE", env = "BARKEEP_VERIFY_MAX_RATE")]
    #[serde(with = "text")]
    max_rate: Option<Size>,
    /// Try a failing request again for this long [default: 1min]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_VERIFY_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
}

layer!(VerifyArgs: jobs, max_rate, retry_for);

/// How long a failing request is tried again when nothing is said.
const RETRY_FOR: Duration = Duration::from_mins(1);

/// How often the ledger is stored: this much work is done twice after a crash.
const SAVE_EVERY: Duration = Duration::from_secs(30);

impl Verify {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.verify.clone());
        let progress = Arc::new(Progress::default());
        let request = verify::Request {
            scope: self.what.scope()?,
            quick: self.what.quick()?,
            share: self.what.sample,
            since: self.what.since(settings.now, &TimeZone::system())?,
            jobs: own.jobs.unwrap_or_else(jobs),
            max_rate: own.max_rate.map(|rate| rate.0),
            memory: settings.memory_or(AMPLE),
            save_every: SAVE_EVERY,
            retry_for: own.retry_for.map_or(RETRY_FOR, |span| span.0),
            max_attempts: settings.max_attempts,
            now: settings.now,
            progress: Arc::clone(&progress),
        };
        let bar = Watching::bytes(around.output, READING, &progress);
        let outcome = block_on(async {
            let stop = signals::asked_to_stop()?;
            verify::run(&request, &settings.wire, stop).await
        });
        drop(bar);
        told(outcome.map(Verified))
    }
}

impl What {
    fn scope(&self) -> Result<Scope> {
        match (self.wal_only.unwrap_or(false), self.backups_only.unwrap_or(false)) {
            (true, true) => Err(Error::usage("--wal-only and --backups-only exclude each other")
                .hint("leave one of the two out")),
            (true, false) => Ok(Scope::Wal),
            (false, true) => Ok(Scope::Backups),
            (false, false) => Ok(Scope::All),
        }
    }

    fn quick(&self) -> Result<bool> {
        let quick = self.quick.unwrap_or(false);
        if quick && (self.sample.is_some() || self.since.is_some()) {
            return Err(Error::usage("--quick reads no objects, so --sample and --since mean nothing to it"));
        }
        Ok(quick)
    }

    /// A span before now, a day's beginning, or a moment.
    fn since(&self, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>> {
        let Some(text) = &self.since else { return Ok(None) };
        if let Ok(Span(ago)) = text.parse() {
            return Ok(Some(now.checked_sub(ago).unwrap_or(Timestamp::MIN)));
        }
        let moment = TargetTime::read(text, zone)
            .or_else(|e| TargetTime::read(&format!("{text} 00:00:00"), zone).map_err(|_| e))
            .map_err(|_| Error::usage(format!("`{text}` is neither a span of time (30d) nor a date")))?;
        Ok(Some(moment.time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what() -> What {
        What { quick: None, wal_only: None, backups_only: None, sample: None, since: None }
    }

    #[test]
    fn since_is_a_span_a_day_or_a_moment() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let read = |text: &str| {
            let words = What { since: Some(text.to_owned()), ..what() };
            words.since(now, &TimeZone::UTC).map(|at| at.unwrap().to_string())
        };
        assert_eq!(read("2d").unwrap(), "2026-02-27T12:00:00Z");
        assert_eq!(read("2026-01-31").unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(read("2026-01-31 12:00:00+01:00").unwrap(), "2026-01-31T11:00:00Z");
        assert!(read("yesterday").is_err());
        assert_eq!(what().since(now, &TimeZone::UTC).unwrap(), None);
    }

    #[test]
    fn words_that_exclude_each_other_are_refused() {
        let (yes, sample) = (Some(true), "5%".parse().ok());
        assert!(What { wal_only: yes, backups_only: yes, ..what() }.scope().is_err());
        assert!(What { quick: yes, sample, ..what() }.quick().is_err());
        assert_eq!(What { backups_only: yes, ..what() }.scope().unwrap(), Scope::Backups);
    }
}
