//! `barman-cloud-restore`: lays a base backup down (spec/barman-cloud.md 2.8).

use std::collections::BTreeMap;
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey};
use super::{place, typed};
use crate::command::restore::{self, Aim, Outcome, Progress, UNFINISHED};
use crate::error::{Error, ErrorKind, Result};
use crate::front::run::{block_on, jobs};
use crate::front::signals;
use crate::model::{BackupRef, TargetPoint, TargetTime, TargetTimeline};

/// Lay a base backup down
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-restore", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Its identifier, its name, a word like latest, or auto
    #[arg(value_name = "BACKUP_ID")]
    backup_id: String,
    /// Where the data directory goes
    #[arg(value_name = "RECOVERY_DIR")]
    recovery_dir: PathBuf,
    /// Put a tablespace elsewhere; may be repeated
    #[arg(long, value_name = "NAME:LOCATION")]
    tablespace: Vec<String>,
    /// With auto: for this moment
    #[arg(long, value_name = "TIME", conflicts_with = "target_lsn")]
    target_time: Option<String>,
    /// With auto: for this position
    #[arg(long, value_name = "LSN")]
    target_lsn: Option<String>,
    /// With auto: on this timeline
    #[arg(long, value_name = "TIMELINE", value_parser = typed::target_timeline)]
    target_tli: Option<TargetTimeline>,
    /// Snapshots: the instance
    #[arg(long)]
    snapshot_recovery_instance: Option<String>,
    /// Snapshots: the zone
    #[arg(long = "gcp-zone", visible_alias = "snapshot-recovery-zone")]
    gcp_zone: Option<String>,
    /// Snapshots: the region
    #[arg(long)]
    aws_region: Option<String>,
    /// Snapshots: the resource group
    #[arg(long)]
    azure_resource_group: Option<String>,
    #[command(flatten)]
    key: CustomerKey,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// What a restore takes for its buffers.
const MEMORY: u64 = 160 << 20;

/// How long a failing request is tried again: somebody waits, and beginning anew costs more.
const RETRY_FOR: Duration = Duration::from_mins(5);

/// How long all of it may take.
const DEADLINE: Duration = Duration::from_hours(7 * 24);

/// The word that leaves the choice of the backup to us.
const AUTO: &str = "auto";

/// Runs it.
#[expect(clippy::needless_pass_by_value, reason = "the door gives every command its words")]
pub(super) fn run(words: Words, _: &Door) -> End {
    words.without_snapshots()?;
    let wire = place::wire(&words.common, Some(&words.key), None)?;
    let request = words.request()?;
    vacant(&request.directory)?;
    let outcome = block_on(until_asked_to_stop(restore::run(&request, &wire)));
    let outcome = outcome.map_err(|e| failed(e, &words))?;
    tell(&outcome);
    Ok(Code::Success)
}

impl Words {
    /// Snapshots of volumes are no objects of a store.
    fn without_snapshots(&self) -> Result<(), Failure> {
        if self.snapshot_recovery_instance.is_none() {
            return Ok(());
        }
        let why = "snapshots of volumes are not supported: leave out --snapshot-recovery-instance";
        Err(Failure::new(Code::General, Error::usage(why)))
    }

    fn request(&self) -> Result<restore::Request, Failure> {
        let general = |e| Failure::new(Code::General, e);
        Ok(restore::Request {
            directory: self.recovery_dir.clone(),
            backup: self.backup().map_err(general)?,
            aim: self.aim().map_err(general)?,
            tablespaces: places(&self.tablespace).map_err(|e| Failure::new(Code::Words, e))?,
            pass_unknown: true,
            waldir: None,
            recovery: None,
            // Whoever writes the recovery settings knows where the WAL comes from.
            allow_gap: true,
            clean: false,
            plan_only: false,
            jobs: jobs(),
            max_rate: None,
            memory: MEMORY,
            warm: false,
            spool: None,
            retry_for: RETRY_FOR,
            max_attempts: None,
            now: Timestamp::now(),
            progress: Arc::new(Progress::default()),
        })
    }

    /// The backup that is named, unless the choice is ours.
    fn backup(&self) -> Result<Option<BackupRef>> {
        if self.backup_id == AUTO { Ok(None) } else { self.backup_id.parse().map(Some) }
    }

    /// What the backup must be like when the choice is ours (spec/barman-cloud.md 10.1).
    fn aim(&self) -> Result<Aim> {
        let ended_by = if let Some(text) = &self.target_time {
            let TargetTime { time, zone_assumed } = TargetTime::read(text, &TimeZone::system())?;
            if zone_assumed {
                tracing::info!("`{text}` names no zone: it is taken for local time");
            }
            TargetPoint::Time(time)
        } else if let Some(text) = &self.target_lsn {
            TargetPoint::Lsn(text.parse()?)
        } else {
            TargetPoint::Latest
        };
        match self.target_tli {
            Some(TargetTimeline::Current) if self.backup_id == AUTO => Err(Error::usage(
                "'current' is not a valid timeline keyword when recovering without a backup_id",
            )),
            timeline => {
                Ok(Aim::Elsewhere { ended_by, timeline: timeline.unwrap_or(TargetTimeline::Current) })
            }
        }
    }
}

/// Where tablespaces go, from `NAME:LOCATION`; of a name that is there twice the last counts.
fn places(rules: &[String]) -> Result<BTreeMap<String, PathBuf>> {
    let read = |rule: &String| {
        let parts = rule.split_once(':').filter(|(name, location)| !name.is_empty() && !location.is_empty());
        let refused =
            || Error::usage(format!("Invalid tablespace relocation rule '{rule}': it is no NAME:LOCATION"));
        parts.map(|(name, location)| (name.to_owned(), PathBuf::from(location))).ok_or_else(refused)
    };
    rules.iter().map(read).collect()
}

/// Refuses a directory with something in it, before the archive is asked for anything. What a restore of ours
/// has left that was killed is for the restore itself to judge.
fn vacant(directory: &Path) -> Result<(), Failure> {
    let names = match std::fs::read_dir(directory) {
        Ok(names) => names,
        Err(e) if e.kind() == IoKind::NotFound => return Ok(()),
        Err(e) => {
            let error = Error::from(e).context(format!("look at {}", directory.display()));
            return Err(Failure::new(Code::General, error));
        }
    };
    let is_vacant = directory.join(UNFINISHED).exists() || names.count() == 0;
    if is_vacant {
        return Ok(());
    }
    let why = format!("Destination {} already exists and it is not empty", directory.display());
    Err(Failure::new(Code::Operation, Error::conflict(why)))
}

/// The result of the restore, unless it is no longer wanted or takes too long. What is written by then starts
/// nowhere, and the next restore into the same directory clears it away.
async fn until_asked_to_stop<T>(verb: impl Future<Output = Result<T>>) -> Result<T> {
    let mut stop = signals::asked_to_stop()?;
    let asked = async {
        if stop.wait_for(|asked| *asked).await.is_err() {
            // Whoever could ask is gone.
            std::future::pending::<()>().await;
        }
    };
    let interrupted = |why: String| Err(Error::new(ErrorKind::Interrupted, why));
    tokio::select! {
        biased;
        () = asked => interrupted("interrupted by a signal".to_owned()),
        done = tokio::time::timeout(DEADLINE, verb) => {
            done.unwrap_or_else(|_| interrupted(format!("not done within {DEADLINE:?}")))
        }
    }
}

/// What somebody should look at.
fn tell(outcome: &Outcome) {
    let Outcome { plan, restored, .. } = outcome;
    for gap in &plan.wal.gaps {
        tracing::warn!(
            "{gap} is not in the archive, and backup {} is not consistent without",
            plan.backup.id
        );
    }
    let Some(restored) = restored else { return };
    for link in &restored.links_left_out {
        tracing::warn!("the link {link} leads out of the directory and was not made");
    }
    tracing::info!(
        "backup {} is restored: {} files of {} bytes",
        plan.backup.id,
        restored.files,
        restored.bytes
    );
}

/// The status of a restore that failed: 2 when the store does not answer; 1 when there is no such backup, or
/// no room for it, or somebody ended it; else 4 (spec/barman-cloud.md 2.8).
fn failed(error: Error, words: &Words) -> Failure {
    let Words { backup_id, common, .. } = words;
    let is_identifier = matches!(words.backup(), Ok(Some(BackupRef::Id(_))));
    let (code, error) = match error.kind() {
        ErrorKind::Unavailable => (Code::Network, error),
        ErrorKind::Conflict | ErrorKind::Interrupted => (Code::Operation, error),
        ErrorKind::NotFound if is_identifier => (Code::Operation, error),
        ErrorKind::NotFound if backup_id == AUTO => {
            (Code::Operation, error.context("Cannot find any candidate backup for recovery"))
        }
        ErrorKind::NotFound => {
            let unknown = format!("Unknown backup '{backup_id}' for server '{}'", common.server);
            (Code::General, error.context(unknown))
        }
        _ => (Code::General, error),
    };
    Failure::of_verb(code, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(more: &[&str]) -> Words {
        Words::try_parse_from(["barman-cloud-restore"].iter().chain(more)).unwrap()
    }

    #[test]
    fn the_orders_of_the_operator_and_of_its_plugin_are_understood() {
        let cloud = ["--cloud-provider", "aws-s3"];
        let endpoint = ["--endpoint-url", "http://minio:9000"];
        let place = ["s3://b/p", "main", "20260102T030405"];
        for order in [
            [&cloud[..], &endpoint, &place, &["/pgdata"]].concat(),
            [&endpoint[..], &place, &cloud, &["--read-timeout=60"], &["/pgdata"]].concat(),
            [&endpoint[..], &place, &cloud, &["/pgdata"]].concat(),
        ] {
            let words = words(&order);
            assert_eq!(
                (words.backup_id.as_str(), words.recovery_dir.as_path()),
                (place[2], Path::new("/pgdata"))
            );
            assert_eq!(words.common.endpoint_url.as_deref(), Some(endpoint[1]));
            let request = words.request().unwrap();
            assert!(request.recovery.is_none() && request.spool.is_none() && !request.warm);
            assert!(matches!(request.backup, Some(BackupRef::Id(_))));
        }
    }

    #[test]
    fn a_rule_for_a_tablespace_is_split_at_the_first_colon() {
        let rules = ["fast:/ssd", "a:/b:c", "fast:/nvme"].map(str::to_owned);
        let places = places(&rules).unwrap();
        assert_eq!((&*places["fast"], &*places["a"]), (Path::new("/nvme"), Path::new("/b:c")));
        for bad in ["fast", ":/ssd", "fast:"] {
            let words = words(&["--tablespace", bad, "s3://b", "s", "latest", "/d"]);
            assert_eq!(words.request().unwrap_err().code, Code::Words, "{bad}");
        }
    }

    #[test]
    fn only_the_choice_that_is_ours_has_no_current_timeline() {
        let code = |id: &str, more: &[&str]| {
            words(&[more, &["s3://b", "s", id, "/d"]].concat())
                .request()
                .map_err(|failure| failure.code)
                .map(drop)
        };
        assert_eq!(code("auto", &["--target-tli", "current"]), Err(Code::General));
        assert_eq!(code("20260102T030405", &["--target-tli", "current"]), Ok(()));
        for id in ["auto", "latest"] {
            assert_eq!(code(id, &["--target-time", "soon"]), Err(Code::General));
            assert_eq!(code(id, &["--target-time", "2026-01-02 03:04:05+00"]), Ok(()));
            assert_eq!(code(id, &["--target-lsn", "x"]), Err(Code::General));
        }
    }

    #[test]
    fn what_is_not_there_has_another_status_for_an_identifier_than_for_a_name() {
        for (id, code, message) in [
            ("20260102T030405", Code::Operation, "x"),
            ("auto", Code::Operation, "Cannot find any candidate backup for recovery: x"),
            ("nightly", Code::General, "Unknown backup 'nightly' for server 's': x"),
            ("latest", Code::General, "Unknown backup 'latest' for server 's': x"),
        ] {
            let failure = failed(
                Error::not_found("x").hint("`barkeep backup-list` tells"),
                &words(&["s3://b", "s", id, "/d"]),
            );
            assert_eq!((failure.code, failure.error.to_string()), (code, message.to_owned()));
            assert_eq!(failure.error.hint_text(), Some("barman-cloud-backup-list tells"));
        }
        let any = words(&["s3://b", "s", "latest", "/d"]);
        for (kind, code) in [
            (ErrorKind::Unavailable, Code::Network),
            (ErrorKind::Conflict, Code::Operation),
            (ErrorKind::Interrupted, Code::Operation),
            (ErrorKind::Usage, Code::General),
            (ErrorKind::Corrupt, Code::General),
            (ErrorKind::Local, Code::General),
        ] {
            assert_eq!(failed(Error::new(kind, "x"), &any).code, code, "{kind:?}");
        }
    }

    #[test]
    fn a_directory_with_something_in_it_is_refused_unless_a_killed_restore_left_it() {
        let dir = tempfile::tempdir().unwrap();
        assert!(vacant(dir.path()).is_ok() && vacant(&dir.path().join("new")).is_ok());
        std::fs::write(dir.path().join("PG_VERSION"), "18").unwrap();
        let failure = vacant(dir.path()).unwrap_err();
        assert_eq!(failure.code, Code::Operation);
        assert!(failure.error.to_string().ends_with("already exists and it is not empty"));
        std::fs::write(dir.path().join(UNFINISHED), "").unwrap();
        assert!(vacant(dir.path()).is_ok());
    }
}
