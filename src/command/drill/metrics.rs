//! The report of a drill as Prometheus reads it from a textfile.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::{Outcome, Verdict};
use crate::command::exposition::{Exposition, Value};
use crate::error::Result;

/// Writes the report, whole or not at all, for everybody to read.
pub(super) fn write(file: &Path, outcome: &Outcome) -> Result<()> {
    exposition(outcome).write(file)
}

/// The report. What is not known is left out.
fn exposition(outcome: &Outcome) -> Exposition {
    let mut all = Exposition::default();
    let server = &outcome.server;
    let tell = |all: &mut Exposition, name: &str, help: &'static str, value: Option<Value>| {
        all.gauge(format!("barkeep_drill_{name}"), help).tell(&[("server", server)], value);
    };
    let time = |at: Timestamp| Value::from(at.as_second());
    let reached = outcome.reached;
    let success = outcome.failure().is_none();
    tell(&mut all, "success", "Whether the last drill passed.", Some(success.into()));
    tell(&mut all, "finished_timestamp_seconds", "When it ended.", Some(time(outcome.finished)));
    tell(&mut all, "duration_seconds", "How long it took.", Some(outcome.took.as_secs_f64().into()));
    several(&mut all, outcome);
    let bytes = outcome.restored.as_ref().map(|restored| restored.bytes.into());
    tell(&mut all, "restored_bytes", "How much the base backup came to.", bytes);
    let ended = outcome.backup.as_ref().and_then(|backup| backup.ended).map(time);
    tell(&mut all, "backup_timestamp_seconds", "When the backup it began with had ended.", ended);
    let lsn = reached.and_then(|reached| reached.lsn).map(|lsn| lsn.0.into());
    tell(&mut all, "reached_lsn", "Up to which byte of the WAL it recovered.", lsn);
    let committed = reached.and_then(|reached| reached.time).map(time);
    let help = "When the last transaction that it recovered was committed.";
    tell(&mut all, "reached_timestamp_seconds", help, committed);
    all
}

/// What there are several samples of.
fn several(all: &mut Exposition, outcome: &Outcome) {
    let server = &outcome.server;
    let phases = all.gauge("barkeep_drill_phase_seconds", "How long each of its parts took.");
    for (phase, took) in [
        ("restore", outcome.phases.restore),
        ("recovery", outcome.phases.recovery),
        ("checks", outcome.phases.checks),
    ] {
        phases.tell(&[("server", server), ("phase", &phase)], took.map(|took: Duration| took.as_secs_f64()));
    }
    let count = |is: fn(&Verdict) -> bool| outcome.checks.iter().filter(|check| is(&check.verdict)).count();
    let checks = all.gauge("barkeep_drill_checks", "How many checks ended in which way.");
    for (result, count) in [
        ("passed", count(|verdict| matches!(verdict, Verdict::Passed(_)))),
        ("failed", count(|verdict| matches!(verdict, Verdict::Failed(_)))),
        ("skipped", count(|verdict| matches!(verdict, Verdict::Skipped(_)))),
    ] {
        checks.tell(&[("server", server), ("result", &result)], Some(count));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broken, passed};
    use super::*;

    #[test]
    fn prometheus_reads_what_is_known() {
        insta::assert_snapshot!("metrics", exposition(&passed()).to_string());
        insta::assert_snapshot!("metrics_broken", exposition(&broken()).to_string());
    }

    #[test]
    fn the_file_is_replaced_as_a_whole_and_everybody_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("barkeep.prom");
        fs_err::write(&file, "old").unwrap();
        write(&file, &passed()).unwrap();
        assert_eq!(fs_err::read_to_string(&file).unwrap(), exposition(&passed()).to_string());
        assert_eq!(fs_err::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 1);
    }
}
