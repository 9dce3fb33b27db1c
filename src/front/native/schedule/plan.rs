//! What is to be scheduled, before anybody's dialect.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

use super::ScheduleArgs;
use crate::error::{Error, Result};
use crate::front::manifest::Scheduled;
use crate::model::Schedule;

/// A verb that is called again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Duty {
    /// A base backup
    Backup,
    /// What is kept
    Retention,
    /// Reading the archive
    Verify,
    /// Rehearsing a restore
    Drill,
}

impl Duty {
    pub(super) const ALL: [Self; 4] = [Self::Backup, Self::Retention, Self::Verify, Self::Drill];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Retention => "retention",
            Self::Verify => "verify",
            Self::Drill => "drill",
        }
    }

    /// When nobody says: at night, one after the other.
    const fn default(self) -> &'static str {
        match self {
            Self::Backup => "0 0 2 * * *",
            Self::Retention => "0 0 5 * * *",
            Self::Verify => "0 0 6 * * *",
            Self::Drill => "0 0 8 * * 0",
        }
    }
}

/// When something is due, if ever: six fields, `@daily` and the like, or `never`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// Again and again.
    At(Schedule),
    /// Not at all.
    Never,
}

impl FromStr for Due {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "never" { Ok(Self::Never) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(schedule) => schedule.fmt(f),
            Self::Never => f.write_str("never"),
        }
    }
}

/// One thing that is scheduled.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) duty: Duty,
    /// What its unit is called.
    pub(super) name: String,
    pub(super) due: Schedule,
    /// Who said so.
    pub(super) from: String,
    /// Whether it rests.
    pub(super) suspended: bool,
    /// Whether one is wanted at once as well.
    pub(super) immediate: bool,
    /// The verb and its words.
    pub(super) words: Vec<String>,
}

impl Job {
    /// `0 0 2 * * *, by default`.
    pub(super) fn when(&self) -> String {
        format!("due {} (UTC), {}", self.due, self.from)
    }
}

/// What there is to schedule, and what there is not and why.
#[derive(Debug)]
pub(super) struct Plan {
    /// Which archive: `main in s3://bucket/path`.
    pub(super) archive: String,
    pub(super) jobs: Vec<Job>,
    /// Sentences for whoever reads what is printed.
    pub(super) notes: Vec<String>,
}

/// Where schedules are said.
pub(super) struct Sayings<'a> {
    /// Flags and variables.
    pub(super) given: &'a ScheduleArgs,
    /// The section of the file, and the file's name.
    pub(super) section: &'a ScheduleArgs,
    pub(super) file: &'a str,
    /// The documents of a manifest that mean this archive.
    pub(super) documents: &'a [&'a Scheduled],
}

impl Sayings<'_> {
    /// When a verb is due, without its words: nearer sayings win, and several documents are several jobs.
    pub(super) fn of(&self, duty: Duty, prefix: &str) -> Result<Vec<Job>> {
        let name = format!("{prefix}-{}", duty.name());
        let job = |due: Schedule, from: String| Job {
            duty,
            name: name.clone(),
            due,
            from,
            suspended: false,
            immediate: false,
            words: Vec::new(),
        };
        let nearest = [
            (self.given.due(duty), format!("as --{} says", duty.name())),
            (self.section.due(duty), format!("as [schedule] of {} says", self.file)),
        ];
        for (due, from) in nearest {
            match due {
                Some(Due::Never) => return Ok(Vec::new()),
                Some(Due::At(due)) => return Ok(vec![job(due.clone(), from)]),
                None => {}
            }
        }
        if duty == Duty::Backup && !self.documents.is_empty() {
            let is_only = self.documents.len() == 1;
            return Ok(self
                .documents
                .iter()
                .map(|one| Job {
                    name: if is_only { name.clone() } else { format!("{name}-{}", one.name.name) },
                    suspended: one.suspend,
                    immediate: one.immediate,
                    ..job(one.schedule.clone(), format!("as ScheduledBackup {} says", one.name))
                })
                .collect());
        }
        Ok(vec![job(duty.default().parse()?, "by default".to_owned())])
    }
}
