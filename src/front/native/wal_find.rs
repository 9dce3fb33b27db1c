//! The words of `wal-find`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::bar::Watching;
use super::render::Report;
use super::settings::AMPLE;
use super::wal_found::Told;
use super::{Around, told};
use crate::archive::OpenArchive;
use crate::command::wal_find::{self, Progress, Within};
use crate::error::{Error, Result};
use crate::front::quantity::{Size, Span};
use crate::front::run::{block_on, jobs};
use crate::front::signals;
use crate::model::{Lsn, SegmentName, Sought, TargetName, TargetTime, TargetTimeline, Xid};

/// Find a moment, a position or a transaction in the WAL, and how to recover to it
///
/// Reads times and transactions from the WAL itself. The beginnings of a few segments tell where to look,
/// and only what is left is read whole. Recovery to a moment ends before the first commit or abort with a
/// later time, so that is what is looked for.
#[derive(Debug, Args)]
pub(crate) struct WalFind {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub(super) own: WalFindArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// What is looked for. Nothing that a file should decide.
#[derive(Debug, Args)]
struct What {
    /// A moment: 2026-01-31 12:00:00+01:00; without an offset it is local time
    #[arg(long, value_name = "TIME", env = "BARKEEP_WAL_FIND_TIME", group = "sought")]
    time: Option<String>,
    /// A position
    #[arg(long, value_name = "LSN", env = "BARKEEP_WAL_FIND_LSN", group = "sought")]
    lsn: Option<Lsn>,
    /// The end of a transaction, or of the one that it was a part of
    #[arg(long, value_name = "XID", env = "BARKEEP_WAL_FIND_XID", group = "sought")]
    xid: Option<Xid>,
    /// A restore point
    #[arg(long, value_name = "NAME", env = "BARKEEP_WAL_FIND_NAME", group = "sought")]
    name: Option<TargetName>,
    /// What was dropped, truncated or rewritten
    ///
    /// Transactions that did that to relations, and databases that were dropped.
    #[arg(
        long, env = "BARKEEP_WAL_FIND_DROPS", value_name = "BOOL", num_args = 0..=1, group = "sought",
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    drops: Option<bool>,
    /// All transactions that ended from one moment to another
    #[arg(
        long, value_names = ["TIME", "TIME"], num_args = 2, value_delimiter = ',',
        env = "BARKEEP_WAL_FIND_BETWEEN", group = "sought"
    )]
    between: Option<Vec<String>>,
    /// Stop just before the moment, not just after it
    #[arg(
        long, env = "BARKEEP_WAL_FIND_EXCLUSIVE", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    exclusive: Option<bool>,
}

/// Where it is looked for.
#[derive(Debug, Args)]
struct Place {
    /// Follow this timeline: latest, current or a number [default: latest]
    ///
    /// The current one is the newest backup's.
    #[arg(long, value_name = "TIMELINE", env = "BARKEEP_WAL_FIND_TIMELINE")]
    timeline: Option<TargetTimeline>,
    /// Look from about then on: a moment, or a span before now (2h)
    #[arg(long, value_name = "WHEN", env = "BARKEEP_WAL_FIND_SINCE")]
    since: Option<String>,
    /// Look up to about then
    #[arg(long, value_name = "WHEN", env = "BARKEEP_WAL_FIND_UNTIL")]
    until: Option<String>,
    /// Look from this segment on
    #[arg(long, value_name = "SEGMENT", env = "BARKEEP_WAL_FIND_FROM_WAL")]
    from_wal: Option<SegmentName>,
    /// Look up to this segment
    #[arg(long, value_name = "SEGMENT", env = "BARKEEP_WAL_FIND_TO_WAL")]
    to_wal: Option<SegmentName>,
    /// Read every segment, in case the server's clock was set back
    #[arg(
        long, env = "BARKEEP_WAL_FIND_THOROUGH", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    thorough: Option<bool>,
    /// Look into these files or directories, and into no store
    #[arg(long, value_name = "PATH", num_args = 1.., env = "BARKEEP_WAL_FIND_FILE")]
    file: Vec<PathBuf>,
}

/// The section `[wal-find]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct WalFindArgs {
    /// Read up to this many objects at once [default: the cores, 2 to 8]
    ///
    /// Each takes 16 MiB of --memory, and fewer are read where that does not suffice.
    #[arg(long, value_name = "N", env = "BARKEEP_WAL_FIND_JOBS")]
    #[serde(with = "text")]
    jobs: Option<NonZeroUsize>,
    /// Read at most this many bytes per second
    #[arg(long, value_name = "SIZE", env = "BARKEEP_WAL_FIND_MAX_RATE")]
    #[serde(with = "text")]
    max_rate: Option<Size>,
    /// Try a failing request again for this long [default: 1min]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_WAL_FIND_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
}

layer!(WalFindArgs: jobs, max_rate, retry_for);

/// How long a failing request is tried again when nothing is said.
const RETRY_FOR: Duration = Duration::from_mins(1);

impl WalFind {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let own = self.own.over(around.file.sections.wal_find.clone());
        let memory = self.shared.archive.memory.or(around.file.archive.memory).unwrap_or(AMPLE);
        let zone = TimeZone::system();
        let (sought, zone_assumed) = self.what.sought(&zone)?;
        let settings = if self.place.file.is_empty() { Some(around.settings(self.shared)?) } else { None };
        let now = settings.as_ref().map_or_else(Timestamp::now, |settings| settings.now);
        let progress = Arc::new(Progress::default());
        let request = wal_find::Request {
            sought,
            timeline: self.place.timeline.unwrap_or_default(),
            within: self.place.within(now, &zone)?,
            files: self.place.file,
            jobs: own.jobs.unwrap_or_else(jobs),
            memory: memory.0,
            max_rate: own.max_rate.map(|rate| rate.0),
            retry_for: own.retry_for.map_or(RETRY_FOR, |span| span.0),
            max_attempts: settings.as_ref().and_then(|settings| settings.max_attempts),
            progress: Arc::clone(&progress),
        };
        let open = settings.as_ref().map(|settings| &settings.wire as &dyn OpenArchive);
        let bar = Watching::bytes(around.output, READING, &progress);
        let outcome = block_on(signals::unless_asked_to_stop(wal_find::run(&request, open)));
        drop(bar);
        let outcome = outcome.map_err(|e| match &settings {
            Some(settings) => settings.wire.lacks(e),
            None => e,
        });
        told(outcome.map(|outcome| Told { outcome, zone, zone_assumed }))
    }
}

impl What {
    /// What is looked for, and whether a time was read as local.
    fn sought(&self, zone: &TimeZone) -> Result<(Sought, bool)> {
        let read = |text: &String| TargetTime::read(text, zone);
        let exclusive = self.exclusive.unwrap_or(false);
        if exclusive && self.time.is_none() {
            return Err(Error::usage("--exclusive needs --time"));
        }
        let plain = |sought| Ok((sought, false));
        if let Some(time) = &self.time {
            let TargetTime { time, zone_assumed } = read(time)?;
            Ok((Sought::Time { at: time, inclusive: !exclusive }, zone_assumed))
        } else if let Some(lsn) = self.lsn {
            plain(Sought::Lsn(lsn))
        } else if let Some(xid) = self.xid {
            plain(Sought::Xid(xid))
        } else if let Some(name) = &self.name {
            plain(Sought::Name(name.clone()))
        } else if let Some([from, to]) = self.between.as_deref() {
            let (from, to) = (read(from)?, read(to)?);
            if from.time > to.time {
                return Err(Error::usage("the second moment of --between is before the first"));
            }
            Ok((Sought::Between(from.time, to.time), from.zone_assumed || to.zone_assumed))
        } else if self.drops == Some(true) {
            plain(Sought::Drops)
        } else {
            Err(Error::usage("nothing is looked for")
                .hint("give --time, --lsn, --xid, --name, --drops or --between"))
        }
    }
}

impl Place {
    fn within(&self, now: Timestamp, zone: &TimeZone) -> Result<Within> {
        let moment = |text: &Option<String>| text.as_ref().map(|text| moment(text, now, zone)).transpose();
        Ok(Within {
            since: moment(&self.since)?,
            until: moment(&self.until)?,
            from: self.from_wal,
            to: self.to_wal,
            thorough: self.thorough.unwrap_or(false),
        })
    }
}

/// A span before now, or a moment.
fn moment(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp> {
    if let Ok(Span(ago)) = text.parse() {
        return Ok(now.checked_sub(ago).unwrap_or(Timestamp::MIN));
    }
    TargetTime::read(text, zone).map(|moment| moment.time)
}

/// What is shown while objects are read; how many there will be is not known.
const READING: &str = "{bar:30} {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}";

#[cfg(test)]
mod tests {
    use super::*;

    fn what() -> What {
        What { time: None, lsn: None, xid: None, name: None, drops: None, between: None, exclusive: None }
    }

    #[test]
    fn moments_are_read_with_their_zone_or_in_the_local_one() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let read = |text: &str| What { time: Some(text.to_owned()), ..what() }.sought(&zone).unwrap();
        let at = |text: &str| Sought::Time { at: text.parse().unwrap(), inclusive: true };
        assert_eq!(read("2026-01-31 14:03:07"), (at("2026-01-31T12:03:07Z"), true));
        assert_eq!(read("2026-01-31 14:03:07+01:00"), (at("2026-01-31T13:03:07Z"), false));
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2h", now, &zone).unwrap().to_string(), "2026-01-31T10:00:00Z");
        assert!(moment("yesterday", now, &zone).is_err());
    }

    #[test]
    fn words_that_make_no_sense_together_are_refused() {
        let zone = TimeZone::UTC;
        assert!(what().sought(&zone).is_err());
        assert!(What { drops: Some(false), ..what() }.sought(&zone).is_err());
        assert!(What { exclusive: Some(true), drops: Some(true), ..what() }.sought(&zone).is_err());
        let between = ["2026-01-31 12:00:00Z", "2026-01-30 12:00:00Z"].map(str::to_owned).to_vec();
        assert!(What { between: Some(between), ..what() }.sought(&zone).is_err());
    }
}
