//! The report of a drill as Prometheus reads it from a textfile.

use std::fmt::{Display, Write as _};
use std::path::Path;

use super::{Outcome, Verdict};
use crate::disk::{self, Durability, Publish};
use crate::error::{Context as _, Result};

/// Writes the report, whole or not at all, for everybody to read.
pub(super) fn write(file: &Path, outcome: &Outcome) -> Result<()> {
    let text = text(outcome);
    disk::write(file, text.as_bytes(), 0o644, Publish::Replace, Durability::Fleeting)
        .map_err(disk::explain)
        .context(|| format!("write {}", file.display()))
}

/// The report. What is not known is left out.
fn text(outcome: &Outcome) -> String {
    let server = outcome.server.to_string();
    let mut text = String::new();
    let mut tell = |name: &str, help: &str, rows: &[(&str, Option<&dyn Display>)]| {
        let known: Vec<_> = rows.iter().filter_map(|(label, value)| Some((label, (*value)?))).collect();
        if known.is_empty() {
            return;
        }
        let _ = writeln!(text, "# HELP barkeep_drill_{name} {help}\n# TYPE barkeep_drill_{name} gauge");
        for (label, value) in known {
            let _ = writeln!(text, "barkeep_drill_{name}{{server=\"{server}\"{label}}} {value}");
        }
    };
    let success = u8::from(outcome.failure().is_none());
    tell("success", "Whether the last drill passed.", &[("", Some(&success))]);
    let finished = outcome.finished.as_second();
    tell("finished_timestamp_seconds", "When it ended.", &[("", Some(&finished))]);
    let took = outcome.took.as_secs_f64();
    tell("duration_seconds", "How long it took.", &[("", Some(&took))]);
    let phases = [outcome.phases.restore, outcome.phases.recovery, outcome.phases.checks];
    let [restore, recovery, checks] = phases.map(|phase| phase.map(|phase| phase.as_secs_f64()));
    tell(
        "phase_seconds",
        "How long each of its parts took.",
        &[
            (",phase=\"restore\"", restore.as_ref().map(|s| s as &dyn Display)),
            (",phase=\"recovery\"", recovery.as_ref().map(|s| s as &dyn Display)),
            (",phase=\"checks\"", checks.as_ref().map(|s| s as &dyn Display)),
        ],
    );
    let count = |is: fn(&Verdict) -> bool| outcome.checks.iter().filter(|check| is(&check.verdict)).count();
    let passed = count(|verdict| matches!(verdict, Verdict::Passed(_)));
    let failed = count(|verdict| matches!(verdict, Verdict::Failed(_)));
    let skipped = count(|verdict| matches!(verdict, Verdict::Skipped(_)));
    tell(
        "checks",
        "How many checks ended in which way.",
        &[
            (",result=\"passed\"", Some(&passed)),
            (",result=\"failed\"", Some(&failed)),
            (",result=\"skipped\"", Some(&skipped)),
        ],
    );
    let bytes = outcome.restored.as_ref().map(|restored| restored.bytes);
    let bytes = bytes.as_ref().map(|bytes| bytes as &dyn Display);
    tell("restored_bytes", "How much the base backup came to.", &[("", bytes)]);
    let backup = outcome.backup.as_ref().and_then(|backup| backup.ended).map(jiff::Timestamp::as_second);
    let backup = backup.as_ref().map(|at| at as &dyn Display);
    tell("backup_timestamp_seconds", "When the backup it began with had ended.", &[("", backup)]);
    let lsn = outcome.reached.and_then(|reached| reached.lsn).map(|lsn| lsn.0);
    let lsn = lsn.as_ref().map(|lsn| lsn as &dyn Display);
    tell("reached_lsn", "Up to which byte of the WAL it recovered.", &[("", lsn)]);
    let time = outcome.reached.and_then(|reached| reached.time).map(jiff::Timestamp::as_second);
    let time = time.as_ref().map(|time| time as &dyn Display);
    tell(
        "reached_timestamp_seconds",
        "When the last transaction that it recovered was committed.",
        &[("", time)],
    );
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{broken, passed};
    use super::*;

    #[test]
    fn prometheus_reads_what_is_known() {
        insta::assert_snapshot!("metrics", text(&passed()));
        insta::assert_snapshot!("metrics_broken", text(&broken()));
    }

    #[test]
    fn the_file_is_replaced_as_a_whole_and_everybody_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("barkeep.prom");
        fs_err::write(&file, "old").unwrap();
        write(&file, &passed()).unwrap();
        assert_eq!(fs_err::read_to_string(&file).unwrap(), text(&passed()));
        assert_eq!(fs_err::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs_err::read_dir(directory.path()).unwrap().count(), 1);
    }
}
