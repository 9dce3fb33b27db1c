//! The words of `drill`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{Arg, Args};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text, with_own_variable};
use super::bar::{READING, Watching};
use super::drilled::Drilled;
use super::render::Report;
use super::restore::{Goal, RETRY_FOR, command_with_spool};
use super::settings::AMPLE;
use super::{Around, told};
use crate::command::drill::{self, Probe};
use crate::command::restore::Progress;
use crate::error::{Error, Result};
use crate::front::quantity::{Size, Span};
use crate::front::run::{block_on_several, jobs};
use crate::front::signals;
use crate::model::{TargetAction, statements};

/// Rehearse a restore: recover a backup in a scratch directory, and check it
///
/// Restores as `restore` does, starts PostgreSQL on the copy, lets it recover to the target and open, runs
/// pg_amcheck and what must hold of your own, stops it and removes the copy. The server listens on a socket
/// in that directory only, archives nothing, and starts no job, subscription or replication.
#[derive(Debug, Args)]
#[command(mut_args = of_drill)]
pub(crate) struct Drill {
    #[command(flatten)]
    pub(super) own: DrillArgs,
    #[command(flatten)]
    goal: Goal,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[drill]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct DrillArgs {
    /// Make the scratch directory here, with room for the cluster
    #[arg(long, value_name = "DIR", env = "BARKEEP_DRILL_DIRECTORY")]
    directory: Option<PathBuf>,
    /// Take PostgreSQL's programs from here
    ///
    /// [default: found by the backup's major]
    #[arg(long, value_name = "DIR", env = "BARKEEP_DRILL_PG_BIN")]
    pg_bin: Option<PathBuf>,
    /// Ask as this role, a superuser [default: postgres]
    #[arg(long, value_name = "ROLE", env = "BARKEEP_DRILL_USER")]
    user: Option<String>,
    /// Ask in this database [default: postgres]
    #[arg(long, value_name = "NAME", env = "BARKEEP_DRILL_DBNAME")]
    dbname: Option<String>,
    /// This must succeed, and be true if it is boolean; may be repeated
    ///
    /// A statement of SQL.
    #[arg(long, value_name = "SQL", env = "BARKEEP_DRILL_PROBE")]
    probe: Option<Vec<String>>,
    /// So must every statement of this file; may be repeated
    #[arg(long, value_name = "FILE", env = "BARKEEP_DRILL_SQL")]
    sql: Option<Vec<PathBuf>>,
    /// Do not run pg_amcheck
    #[arg(
        long, env = "BARKEEP_DRILL_NO_AMCHECK", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_amcheck: Option<bool>,
    /// Start without the libraries that the configuration preloads
    #[arg(
        long, env = "BARKEEP_DRILL_NO_PRELOAD", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_preload: Option<bool>,
    /// Start without the restored postgresql.conf
    #[arg(
        long, env = "BARKEEP_DRILL_NO_CONFIG", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_config: Option<bool>,
    /// Give up when it has not recovered within this time [default: 6h]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_DRILL_DEADLINE")]
    #[serde(with = "text")]
    deadline: Option<Span>,
    /// Let each check take at most this long [default: 1h]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_DRILL_CHECK_TIMEOUT")]
    #[serde(with = "text")]
    check_timeout: Option<Span>,
    /// Let the copy and the server's log stay
    #[arg(
        long, env = "BARKEEP_DRILL_KEEP", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    keep: Option<bool>,
    /// Write the report for Prometheus here: NAME.prom
    ///
    /// A file in node_exporter's textfile directory.
    #[arg(long, value_name = "FILE", env = "BARKEEP_DRILL_TEXTFILE")]
    textfile: Option<PathBuf>,
    /// Fetch up to this many objects at once [default: the cores, 2 to 8]
    #[arg(long, value_name = "N", env = "BARKEEP_DRILL_JOBS")]
    #[serde(with = "text")]
    jobs: Option<NonZeroUsize>,
    /// Fetch at most this many bytes of the base backup per second
    #[arg(long, value_name = "SIZE", env = "BARKEEP_DRILL_MAX_RATE")]
    #[serde(with = "text")]
    max_rate: Option<Size>,
    /// Try a failing request again for this long [default: 5min]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_DRILL_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
}

layer!(DrillArgs: directory, pg_bin, user, dbname, probe, sql, no_amcheck, no_preload, no_config, deadline,
    check_timeout, keep, textfile, jobs, max_rate, retry_for);

impl DrillArgs {
    /// Where the copy goes.
    pub(super) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Where the report for Prometheus goes.
    pub(super) fn textfile(&self) -> Option<&Path> {
        self.textfile.as_deref()
    }
}

/// How long recovery may take when nothing is said.
const DEADLINE: Duration = Duration::from_hours(6);
/// How long a check may take when nothing is said.
const CHECK_TIMEOUT: Duration = Duration::from_hours(1);
/// Who asks, and in which database, when nothing is said.
const POSTGRES: &str = "postgres";
/// Threads for the network; files and codecs have threads of their own.
const WORKERS: usize = 2;

/// A target that was set for a restore must not move a drill.
fn of_drill(arg: Arg) -> Arg {
    with_own_variable(arg, "BARKEEP_RESTORE_", "BARKEEP_DRILL_")
}

impl Drill {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.drill.clone());
        let (target, _) = self.goal.target(TargetAction::Promote, &TimeZone::system())?;
        let path = (around.environment)("PATH").unwrap_or_default();
        let progress = Arc::new(Progress::default());
        let request = drill::Request {
            directory: own.directory.clone().ok_or_else(|| {
                Error::usage("no directory is given to restore into")
                    .hint("give --directory DIR, on a file system with room for the whole cluster")
            })?,
            backup: self.goal.backup,
            target,
            jobs: own.jobs.unwrap_or_else(jobs),
            max_rate: own.max_rate.map(|rate| rate.0),
            memory: settings.memory_or(AMPLE),
            retry_for: own.retry_for.map_or(RETRY_FOR, |span| span.0),
            max_attempts: settings.max_attempts,
            probes: own.probes()?,
            pg_bin: absolute(own.pg_bin)?,
            path: std::env::split_paths(&path).collect(),
            role: own.user.unwrap_or_else(|| POSTGRES.to_owned()),
            database: own.dbname.unwrap_or_else(|| POSTGRES.to_owned()),
            preload: !own.no_preload.unwrap_or(false),
            config: !own.no_config.unwrap_or(false),
            amcheck: !own.no_amcheck.unwrap_or(false),
            deadline: own.deadline.map_or(DEADLINE, |span| span.0),
            check_timeout: own.check_timeout.map_or(CHECK_TIMEOUT, |span| span.0),
            keep: own.keep.unwrap_or(false),
            textfile: own.textfile,
            is_root: rustix::process::geteuid().is_root(),
            now: settings.now,
            progress: Arc::clone(&progress),
        };
        let _bar = Watching::bytes(around.output, READING, &progress);
        let command = |spool: &Path| command_with_spool(&settings, spool);
        told(
            block_on_several(WORKERS, async {
                let stop = signals::asked_to_stop()?;
                drill::run(&request, &settings.wire, &command, stop).await
            })
            .map(Drilled),
        )
    }
}

impl DrillArgs {
    /// What must hold: the statements of the line, then those of the files.
    fn probes(&self) -> Result<Vec<Probe>> {
        let mut probes = Vec::new();
        for (number, sql) in (1..).zip(self.probe.iter().flatten()) {
            probes.push(Probe { name: format!("probe {number}"), sql: sql.clone() });
        }
        for file in self.sql.iter().flatten() {
            let script = fs_err::read_to_string(file).map_err(|e| Error::usage(e.to_string()))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let of_file = statements(&script).into_iter();
            probes.extend(of_file.map(|one| Probe { name: format!("{name}:{}", one.line), sql: one.text }));
        }
        Ok(probes)
    }
}

/// PostgreSQL's programs are started from another directory.
fn absolute(path: Option<PathBuf>) -> Result<Option<PathBuf>> {
    Ok(path.map(std::path::absolute).transpose()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_a_probe_with_a_name_to_find_it_by() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("checks.sql");
        fs_err::write(&file, "-- orders\nselect count(*) > 0 from orders;\n\nanalyze;").unwrap();
        let own = DrillArgs {
            probe: Some(vec!["select 1".to_owned(), "select true".to_owned()]),
            sql: Some(vec![file]),
            ..DrillArgs::default()
        };
        let probes = own.probes().unwrap();
        let names: Vec<_> = probes.iter().map(|probe| probe.name.as_str()).collect();
        assert_eq!(names, ["probe 1", "probe 2", "checks.sql:2", "checks.sql:4"]);
        assert_eq!(probes[2].sql, "select count(*) > 0 from orders");
        let missing = DrillArgs { sql: Some(vec!["/nonexistent.sql".into()]), ..DrillArgs::default() };
        assert!(missing.probes().is_err());
    }
}
