//! The words of `restore`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::bar::{READING, Watching};
use super::render::Report;
use super::restored::Told;
use super::settings::{AMPLE, Settings};
use super::{Around, told};
use crate::command::restore::{self, Aim, Progress, Recovery, restore_command};
use crate::error::{Error, Result};
use crate::front::manifest::Recovery as Recover;
use crate::front::quantity::{Size, Span};
use crate::front::run::{block_on, jobs};
use crate::model::{
    BackupRef, Lsn, RecoveryTarget, TargetAction, TargetName, TargetPoint, TargetTime, TargetTimeline, Xid,
};

/// Lay a base backup down, ready to recover to any moment after it
///
/// Plans first: which backup, which WAL, whether anything is missing on the way, whether it fits. Then
/// fetches and unpacks the backup, compares every file with its manifest, and writes what PostgreSQL
/// needs to recover. What is left of a restore that was cut short starts nowhere, and the next one
/// begins afresh by itself.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The data directory: absent, or empty
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    goal: Goal,
    #[command(flatten)]
    standing: Standing,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    pub(super) own: RestoreArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// Which state of the database is wanted. Nothing that a file should decide.
///
/// `drill` has the same words; its variables are named after it (see [`super::command`]).
#[derive(Debug, Args)]
pub(super) struct Goal {
    /// Begin with this backup: identifier, name, latest or oldest
    ///
    /// [default: the newest before the target]
    #[arg(long, value_name = "BACKUP", env = "BARKEEP_RESTORE_BACKUP")]
    pub(super) backup: Option<BackupRef>,
    /// Recover to this moment: '2026-01-31 12:00:00+01:00'
    ///
    /// Without an offset it is local time.
    #[arg(long, value_name = "TIME", env = "BARKEEP_RESTORE_TARGET_TIME", group = "point")]
    target_time: Option<String>,
    /// Recover to this position
    #[arg(long, value_name = "LSN", env = "BARKEEP_RESTORE_TARGET_LSN", group = "point")]
    target_lsn: Option<Lsn>,
    /// Recover to this transaction
    #[arg(long, value_name = "XID", env = "BARKEEP_RESTORE_TARGET_XID", group = "point")]
    target_xid: Option<Xid>,
    /// Recover to this restore point
    #[arg(long, value_name = "NAME", env = "BARKEEP_RESTORE_TARGET_NAME", group = "point")]
    target_name: Option<TargetName>,
    /// Recover no further than the backup needs to be consistent
    #[arg(
        long, env = "BARKEEP_RESTORE_TARGET_IMMEDIATE", value_name = "BOOL", num_args = 0..=1, group = "point",
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    target_immediate: Option<bool>,
    /// Follow this timeline: latest, current, a number [default: latest]
    ///
    /// The current one is the backup's own.
    #[arg(long, value_name = "TIMELINE", env = "BARKEEP_RESTORE_TARGET_TIMELINE")]
    target_timeline: Option<TargetTimeline>,
    /// Stop just before the target, not just after it
    #[arg(
        long, env = "BARKEEP_RESTORE_EXCLUSIVE", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    exclusive: Option<bool>,
}

/// What the copy is to be.
#[derive(Debug, Args)]
struct Standing {
    /// Stay a standby
    #[arg(
        long, env = "BARKEEP_RESTORE_STANDBY", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    standby: Option<bool>,
    /// Let the standby stream from there; needs --standby
    #[arg(long, value_name = "CONNINFO", env = "BARKEEP_RESTORE_PRIMARY_CONNINFO")]
    primary_conninfo: Option<String>,
}

/// Where it goes, and what may give way.
#[derive(Debug, Args)]
struct Place {
    /// Put this tablespace there instead of where it was; may be repeated
    #[arg(long, value_name = "NAME=DIR", env = "BARKEEP_RESTORE_TABLESPACE", value_delimiter = ',')]
    tablespace: Vec<Mapping>,
    /// Put the WAL there, and a link to it into the data directory
    #[arg(long, value_name = "DIR", env = "BARKEEP_RESTORE_WALDIR")]
    waldir: Option<PathBuf>,
    /// Write neither settings nor a signal file
    ///
    /// Recovery is arranged by the caller.
    #[arg(
        long, env = "BARKEEP_RESTORE_NO_RECOVERY_CONFIG", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_recovery_config: Option<bool>,
    /// Restore although WAL is missing on the way to the target
    #[arg(
        long, env = "BARKEEP_RESTORE_ALLOW_GAP", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    allow_gap: Option<bool>,
    /// Replace a data directory that is there, unless a server runs on it
    #[arg(
        long, env = "BARKEEP_RESTORE_CLEAN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    clean: Option<bool>,
    /// Show what would be done, and touch nothing
    #[arg(
        long, env = "BARKEEP_RESTORE_PLAN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    plan: Option<bool>,
}

/// The section `[restore]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct RestoreArgs {
    /// At the target: pause, promote or shutdown [default: pause]
    #[arg(long, value_name = "ACTION", env = "BARKEEP_RESTORE_TARGET_ACTION")]
    #[serde(with = "text")]
    target_action: Option<TargetAction>,
    /// Let PostgreSQL fetch WAL with this command
    ///
    /// [default: this program and this archive]
    #[arg(long, value_name = "COMMAND", env = "BARKEEP_RESTORE_RESTORE_COMMAND")]
    restore_command: Option<String>,
    /// Fetch up to this many objects at once [default: the cores, 2 to 8]
    #[arg(long, value_name = "N", env = "BARKEEP_RESTORE_JOBS")]
    #[serde(with = "text")]
    jobs: Option<NonZeroUsize>,
    /// Fetch at most this many bytes per second
    #[arg(long, value_name = "SIZE", env = "BARKEEP_RESTORE_MAX_RATE")]
    #[serde(with = "text")]
    max_rate: Option<Size>,
    /// Try a failing request again for this long [default: 5min]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_RESTORE_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
}

layer!(RestoreArgs: target_action, restore_command, jobs, max_rate, retry_for);

/// How long a failing request is tried again when nothing is said: somebody waits, and beginning anew
/// costs more.
pub(super) const RETRY_FOR: Duration = Duration::from_mins(5);

/// Where a tablespace goes: `NAME=DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapping {
    name: String,
    directory: PathBuf,
}

impl FromStr for Mapping {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts =
            text.split_once('=').filter(|(name, directory)| !name.is_empty() && !directory.is_empty());
        let (name, directory) = parts.ok_or_else(|| {
            Error::usage(format!("`{text}` does not say where a tablespace goes (NAME=DIR)"))
        })?;
        Ok(Self { name: name.to_owned(), directory: directory.into() })
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.directory.display())
    }
}

impl Restore {
    /// Makes the request and runs it.
    pub(super) fn perform(mut self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        // Whoever asks for a moment wants that, and no replica.
        if around.file.stands_by && !self.goal.has_point() && !self.place.no_recovery_config.unwrap_or(false)
        {
            self.standing.standby.get_or_insert(true);
        }
        if let Some(recovery) = &around.file.recovery {
            self.goal.fill(recovery)?;
        }
        let spool = self.shared.archive.spool.is_some() || around.file.archive.spool.is_some();
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.restore.clone());
        let zone = TimeZone::system();
        let (target, zone_assumed) = self.goal.target(own.target_action.unwrap_or_default(), &zone)?;
        let recovery = self.standing.recovery(&target, &self.place, || {
            own.restore_command.map_or_else(|| own_command(&settings, spool), Ok)
        })?;
        let progress = Arc::new(Progress::default());
        let request = restore::Request {
            directory: self.directory,
            backup: self.goal.backup,
            aim: Aim::Target(target.clone()),
            tablespaces: together(self.place.tablespace)?,
            pass_unknown: false,
            waldir: self.place.waldir,
            recovery,
            allow_gap: self.place.allow_gap.unwrap_or(false),
            clean: self.place.clean.unwrap_or(false),
            plan_only: self.place.plan.unwrap_or(false),
            jobs: own.jobs.unwrap_or_else(jobs),
            max_rate: own.max_rate.map(|rate| rate.0),
            memory: settings.memory_or(AMPLE),
            // PostgreSQL never runs as root, and its own spool is not root's.
            warm: !rustix::process::geteuid().is_root(),
            spool: Some(settings.spool.clone()),
            retry_for: own.retry_for.map_or(RETRY_FOR, |span| span.0),
            max_attempts: settings.max_attempts,
            now: settings.now,
            progress: Arc::clone(&progress),
        };
        let _bar = Watching::bytes(around.output, READING, &progress);
        let outcome = block_on(restore::run(&request, &settings.wire)).map_err(|e| settings.wire.lacks(e));
        told(outcome.map(|outcome| Told { outcome, target, recovery: request.recovery, zone, zone_assumed }))
    }
}

impl Goal {
    /// What a manifest says about the goal, where the words say nothing. A target of the words replaces the
    /// manifest's, whatever it is.
    fn fill(&mut self, recovery: &Recover) -> Result<()> {
        let read = RecoveryWords::read(recovery)?;
        if !self.has_point() {
            self.target_time = read.time;
            self.target_lsn = read.lsn;
            self.target_xid = read.xid;
            self.target_name = read.name;
            self.target_immediate = recovery.immediate.then_some(true);
            // In the operator it says nothing about other targets.
            let counts = self.target_time.is_some() || self.target_lsn.is_some() || self.target_xid.is_some();
            self.exclusive = self.exclusive.or(recovery.exclusive.filter(|_| counts));
        }
        self.target_timeline = self.target_timeline.or(read.timeline);
        self.backup = self.backup.take().or(read.backup);
        Ok(())
    }

    /// Whether the words say where recovery ends.
    const fn has_point(&self) -> bool {
        self.target_time.is_some()
            || self.target_lsn.is_some()
            || self.target_xid.is_some()
            || self.target_name.is_some()
            || self.target_immediate.is_some()
    }

    /// The target, and whether its time was read as local.
    pub(super) fn target(&self, action: TargetAction, zone: &TimeZone) -> Result<(RecoveryTarget, bool)> {
        let mut zone_assumed = false;
        let time = self.target_time.as_ref().map(|text| TargetTime::read(text, zone)).transpose()?;
        let point = if let Some(time) = time {
            zone_assumed = time.zone_assumed;
            TargetPoint::Time(time.time)
        } else if let Some(lsn) = self.target_lsn {
            TargetPoint::Lsn(lsn)
        } else if let Some(xid) = self.target_xid {
            TargetPoint::Xid(xid)
        } else if let Some(name) = &self.target_name {
            TargetPoint::Name(name.clone())
        } else if self.target_immediate == Some(true) {
            TargetPoint::Immediate
        } else {
            TargetPoint::Latest
        };
        let inclusive = !self.exclusive.unwrap_or(false);
        if !inclusive && matches!(point, TargetPoint::Latest | TargetPoint::Immediate | TargetPoint::Name(_))
        {
            return Err(Error::usage("--exclusive needs a target time, LSN or transaction"));
        }
        let timeline = self.target_timeline.unwrap_or_default();
        Ok((RecoveryTarget { point, inclusive, timeline, action }, zone_assumed))
    }
}

/// The goal of a manifest, understood.
#[derive(Debug, Default)]
pub(super) struct RecoveryWords {
    /// With an offset: one without is in UTC there.
    time: Option<String>,
    lsn: Option<Lsn>,
    xid: Option<Xid>,
    name: Option<TargetName>,
    timeline: Option<TargetTimeline>,
    backup: Option<BackupRef>,
}

impl RecoveryWords {
    /// Reads the texts of a manifest.
    ///
    /// # Errors
    /// Kind `Usage`, with the place.
    pub(super) fn read(recovery: &Recover) -> Result<Self> {
        fn word<T: FromStr<Err = Error>>(recovery: &Recover, name: &str) -> Result<Option<T>> {
            let Some(said) = recovery.target.get(name) else { return Ok(None) };
            said.value.parse().map(Some).map_err(|e: Error| e.context(said.at.to_string()))
        }
        let time = recovery.target.get("targetTime").map(|said| {
            let read =
                TargetTime::read(&said.value, &TimeZone::UTC).map_err(|e| e.context(said.at.to_string()));
            read.map(|read| read.time.to_string())
        });
        Ok(Self {
            time: time.transpose()?,
            lsn: word(recovery, "targetLSN")?,
            xid: word(recovery, "targetXID")?,
            name: word(recovery, "targetName")?,
            timeline: word(recovery, "targetTLI")?,
            backup: word(recovery, "backupID")?,
        })
    }
}

impl Standing {
    /// What PostgreSQL is told, if anything.
    fn recovery(
        &self,
        target: &RecoveryTarget,
        place: &Place,
        command: impl FnOnce() -> Result<String>,
    ) -> Result<Option<Recovery>> {
        let standby = self.standby.unwrap_or(false);
        if self.primary_conninfo.is_some() && !standby {
            return Err(Error::usage("--primary-conninfo needs --standby"));
        }
        if standby && target.point.is_given() {
            return Err(Error::usage("a standby goes on and on, so it has no target")
                .hint("leave out the target, or --standby; give --standby=false where a manifest asks for a replica"));
        }
        if place.no_recovery_config.unwrap_or(false) {
            if standby {
                return Err(Error::usage("--no-recovery-config and --standby exclude each other")
                    .hint("leave one of the two out"));
            }
            return Ok(None);
        }
        let primary_conninfo = self.primary_conninfo.clone();
        Ok(Some(Recovery { restore_command: command()?, target: target.clone(), standby, primary_conninfo }))
    }
}

/// This very program, for this very archive, whatever the directory and the configuration file are then.
/// Root's own spool is of no use to PostgreSQL, which never runs as root; one that was named is.
fn own_command(settings: &Settings, spool_named: bool) -> Result<String> {
    let mut words = settings.words()?;
    if rustix::process::geteuid().is_root() && !spool_named {
        words.retain(|word| !is_spool(word));
    }
    command_of(words)
}

/// The same with a spool of its own.
pub(super) fn command_with_spool(settings: &Settings, spool: &Path) -> Result<String> {
    let mut words = settings.words()?;
    words.retain(|word| !is_spool(word));
    let mut word = OsString::from(SPOOL);
    word.push(spool);
    words.push(word);
    command_of(words)
}

const SPOOL: &str = "--spool=";

fn is_spool(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(SPOOL.as_bytes())
}

fn command_of(settings: Vec<OsString>) -> Result<String> {
    let program = std::env::current_exe()?;
    let mut words = vec![program.into_os_string(), "wal-restore".into()];
    words.extend(settings);
    let words: Option<Vec<&str>> = words.iter().map(|word| word.to_str()).collect();
    let words = words.ok_or_else(|| {
        Error::usage("a path in the settings is no UTF-8, so PostgreSQL could not be told of it")
            .hint("give --restore-command")
    })?;
    Ok(restore_command(words))
}

fn together(mappings: Vec<Mapping>) -> Result<BTreeMap<String, PathBuf>> {
    let mut places = BTreeMap::new();
    for Mapping { name, directory } in mappings {
        if places.insert(name.clone(), directory).is_some() {
            return Err(Error::usage(format!("the tablespace `{name}` was given twice")));
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_split_at_the_first_equals_sign() {
        for (text, name, directory) in [("fast=/ssd", "fast", "/ssd"), ("a=/b=c", "a", "/b=c")] {
            let mapping: Mapping = text.parse().unwrap();
            assert_eq!((mapping.name.as_str(), mapping.directory.as_path()), (name, directory.as_ref()));
            assert_eq!(mapping.to_string(), text);
        }
        for bad in ["", "fast", "=/ssd", "fast="] {
            assert!(bad.parse::<Mapping>().is_err(), "{bad:?}");
        }
        let twice = ["a=/b", "a=/c"].map(|text| text.parse().unwrap());
        assert!(together(twice.to_vec()).is_err());
    }
}
