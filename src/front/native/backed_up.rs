//! What is said when `backup` ends.

use std::fmt;
use std::fmt::Write as _;

use indicatif::HumanBytes;
use serde::Serialize;

use super::render::{Report, line};
use super::render_backups::counted;
use crate::command::backup::Outcome;
use crate::model::Backup;

/// A finished backup.
pub(super) struct BackedUp(pub(super) Outcome);

impl Report for BackedUp {
    fn text(&self) -> String {
        let Outcome { backup, files, plain_bytes, stored_bytes, objects, wal_seen, took, warnings, .. } =
            &self.0;
        let known = |value: Option<&dyn fmt::Display>| value.map_or_else(String::new, ToString::to_string);
        let named = backup.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let mut text = format!("backup {}{named} is complete\n", backup.id);
        let _ = writeln!(
            text,
            "  {} of {}, stored in {} of {}, in {:.1} s",
            counted(*files, "file"),
            HumanBytes(*plain_bytes),
            counted(u64::from(*objects), "object"),
            HumanBytes(*stored_bytes),
            took.as_secs_f64()
        );
        let wal = if *wal_seen { "its WAL is in the archive" } else { "its WAL was not waited for" };
        let _ = writeln!(
            text,
            "  from {} to {} on timeline {}; {wal}",
            known(backup.begin.lsn.as_ref().map(|lsn| lsn as _)),
            known(backup.end.lsn.as_ref().map(|lsn| lsn as _)),
            known(backup.timeline.map(crate::model::Timeline::number).as_ref().map(|t| t as _)),
        );
        for warning in warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        text
    }

    fn json(&self) -> String {
        line(&BackedUpJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let Outcome { backup, stored_bytes, warnings, .. } = &self.0;
        for warning in warnings {
            tracing::warn!(id = %backup.id, "{warning}");
        }
        tracing::info!(id = %backup.id, stored_bytes, "backed up");
    }
}

#[derive(Serialize)]
struct BackedUpJson<'a> {
    backup_id: String,
    name: Option<&'a str>,
    status: &'static str,
    system_id: Option<String>,
    timeline: Option<u32>,
    begin_lsn: Option<String>,
    end_lsn: Option<String>,
    begin_wal: Option<String>,
    end_wal: Option<String>,
    begin_time: Option<String>,
    end_time: Option<String>,
    wal_seen: bool,
    files: u64,
    plain_bytes: u64,
    stored_bytes: u64,
    objects: u32,
    damaged_pages: u64,
    seconds: f64,
    warnings: &'a [String],
    exit: u8,
}

impl<'a> BackedUpJson<'a> {
    fn new(outcome: &'a Outcome, exit: u8) -> Self {
        fn text<T: ToString>(value: Option<&T>) -> Option<String> {
            value.map(ToString::to_string)
        }
        let backup: &Backup = &outcome.backup;
        let time = |time: &jiff::Zoned| time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
        Self {
            backup_id: backup.id.to_string(),
            name: backup.name.as_deref(),
            status: backup.status.name(),
            system_id: text(backup.system_id.as_ref()),
            timeline: backup.timeline.map(crate::model::Timeline::number),
            begin_lsn: text(backup.begin.lsn.as_ref()),
            end_lsn: text(backup.end.lsn.as_ref()),
            begin_wal: text(backup.begin.wal.as_ref()),
            end_wal: text(backup.end.wal.as_ref()),
            begin_time: backup.begin.time.as_ref().map(time),
            end_time: backup.end.time.as_ref().map(time),
            wal_seen: outcome.wal_seen,
            files: outcome.files,
            plain_bytes: outcome.plain_bytes,
            stored_bytes: outcome.stored_bytes,
            objects: outcome.objects,
            damaged_pages: outcome.damage.pages,
            seconds: (outcome.took.as_secs_f64() * 1000.0).round() / 1000.0,
            warnings: &outcome.warnings,
            exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::command::backup::Damage;
    use crate::model::{BackupStatus, Edge, Lsn, SystemId, Timeline};

    fn outcome() -> Outcome {
        let mut backup = Backup::new("20260102T030405".parse().unwrap(), BackupStatus::Done);
        let edge = |lsn, wal: &str, time: &str| Edge {
            time: Some(time.parse().unwrap()),
            lsn: Some(Lsn(lsn)),
            wal: Some(wal.parse().unwrap()),
        };
        backup.name = Some("before the migration".into());
        backup.system_id = Some(SystemId(7_300_000_000_000_000_001));
        backup.timeline = Timeline::new(2);
        let (begin, end) = ("2026-01-02T03:04:05.25+01:00[+01:00]", "2026-01-02T03:14:05+01:00[+01:00]");
        backup.begin = edge(0x1D0_0028, "00000002000000000000001D", begin);
        backup.end = edge(0x1E0_0138, "00000002000000000000001E", end);
        Outcome {
            backup,
            files: 4123,
            plain_bytes: 5 << 30,
            stored_bytes: 900 << 20,
            objects: 3,
            damage: Damage::default(),
            wal_seen: true,
            took: Duration::from_millis(600_250),
            warnings: vec!["/etc/more.conf is included".into()],
        }
    }

    #[test]
    fn a_backup_is_told_in_a_few_lines_or_one_object() {
        insta::assert_snapshot!("backup_text", BackedUp(outcome()).text());
        insta::assert_snapshot!("backup_json", BackedUp(outcome()).json());
    }
}
