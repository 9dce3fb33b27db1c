//! What is said about a drill.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::BinaryBytes;
use jiff::SignedDuration;
use serde::Serialize;

use super::render::{ErrorJson, Report, line};
use super::render_backups::span;
use crate::command::drill::{Check, Outcome, Verdict};
use crate::error::Error;
use crate::front::exit::Exit;
use crate::model::{Timeline, utc};

/// The end of `drill`.
pub(super) struct Drilled(pub(super) Outcome);

impl Report for Drilled {
    fn exit(&self) -> Exit {
        match &self.0.broken {
            Some(broken) => broken.kind().into(),
            None if self.0.failed().next().is_some() => Exit::Failed,
            None => Exit::Done,
        }
    }

    fn text(&self) -> String {
        text(&self.0)
    }

    fn json(&self) -> String {
        line(&DrilledJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let Outcome { took, checks, .. } = &self.0;
        let passed = self.0.failure().is_none();
        tracing::info!(passed, checks = checks.len(), seconds = took.as_secs_f64(), "drilled");
    }

    fn failure(&self) -> Option<Error> {
        self.0.failure()
    }
}

fn text(outcome: &Outcome) -> String {
    let Outcome { address, backup, restored, reached, checks, phases, took, kept, .. } = outcome;
    let mut text = format!("{address}\n\n");
    let mut row = |name: &str, what: String| {
        let _ = writeln!(text, "  {name:9} {what}");
    };
    if let Some(backup) = backup {
        let major = backup.major.map(|major| format!(", PostgreSQL {major}")).unwrap_or_default();
        row("backup", format!("{}, {}{major}", backup.id, backup.why));
    }
    if let Some(restored) = restored {
        let compared = match restored.verified {
            Some(files) => format!("{files} compared with the manifest"),
            None => "it has no manifest to compare with".to_owned(),
        };
        let (files, bytes) = (restored.files, BinaryBytes(restored.bytes));
        row("restored", format!("{files} files, {bytes}, {compared}{}", within(phases.restore)));
    }
    if let Some(reached) = reached {
        let lsn = reached.lsn.map_or_else(|| "an unknown position".to_owned(), |lsn| lsn.to_string());
        let timeline = reached.timeline.map(Timeline::number);
        let timeline = timeline.map(|number| format!(", opened on timeline {number}")).unwrap_or_default();
        row("recovered", format!("to {lsn}{timeline}{}", within(phases.recovery)));
        let time = reached.time.map_or_else(|| "none was replayed".to_owned(), utc);
        row("", format!("last transaction: {time}"));
    }
    for Check { name, verdict, took } in checks {
        let took = within(Some(*took));
        match verdict {
            Verdict::Passed(what) => row("passed", format!("{name}: {what}{took}")),
            Verdict::Failed(why) => row("FAILED", format!("{name}: {why}{took}")),
            Verdict::Skipped(why) => row("skipped", format!("{name}: {why}")),
        }
    }
    let _ = writeln!(text);
    if let Some(kept) = kept {
        let _ = writeln!(text, "the copy stays in {}; its server is stopped", kept.display());
    }
    let end = if outcome.failure().is_none() { "passed" } else { "failed" };
    let _ = writeln!(text, "the drill {end}{}", within(Some(*took)));
    text
}

/// How long something took.
fn within(took: Option<Duration>) -> String {
    let took = took.and_then(|took| SignedDuration::try_from(took).ok());
    took.map(|took| format!(", in {}", span(took))).unwrap_or_default()
}

/// Field names are stable; what is not known is null.
#[derive(Serialize)]
struct DrilledJson<'a> {
    archive: &'a str,
    passed: bool,
    backup: Option<String>,
    major: Option<u32>,
    files: Option<u64>,
    bytes: Option<u64>,
    files_verified: Option<u64>,
    reached_lsn: Option<String>,
    reached_time: Option<String>,
    timeline: Option<u32>,
    checks: Vec<CheckJson<'a>>,
    restore_seconds: Option<f64>,
    recovery_seconds: Option<f64>,
    checks_seconds: Option<f64>,
    seconds: f64,
    finished: String,
    kept: Option<String>,
    error: Option<ErrorJson>,
    exit: u8,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    name: &'a str,
    result: &'static str,
    text: &'a str,
    seconds: f64,
}

impl<'a> DrilledJson<'a> {
    fn new(outcome: &'a Outcome, exit: u8) -> Self {
        let seconds = |took: Option<Duration>| took.map(|took| took.as_secs_f64());
        let check = |check: &'a Check| {
            let (result, text) = match &check.verdict {
                Verdict::Passed(text) => ("passed", text),
                Verdict::Failed(text) => ("failed", text),
                Verdict::Skipped(text) => ("skipped", text),
            };
            CheckJson { name: &check.name, result, text, seconds: check.took.as_secs_f64() }
        };
        let failure = outcome.failure();
        let (backup, restored, reached) = (&outcome.backup, &outcome.restored, &outcome.reached);
        Self {
            archive: &outcome.address,
            passed: failure.is_none(),
            backup: backup.as_ref().map(|backup| backup.id.to_string()),
            major: backup.as_ref().and_then(|backup| backup.major),
            files: restored.as_ref().map(|restored| restored.files),
            bytes: restored.as_ref().map(|restored| restored.bytes),
            files_verified: restored.as_ref().and_then(|restored| restored.verified),
            reached_lsn: reached.and_then(|reached| reached.lsn).map(|lsn| lsn.to_string()),
            reached_time: reached.and_then(|reached| reached.time).map(|time| time.to_string()),
            timeline: reached.and_then(|reached| reached.timeline).map(Timeline::number),
            checks: outcome.checks.iter().map(check).collect(),
            restore_seconds: seconds(outcome.phases.restore),
            recovery_seconds: seconds(outcome.phases.recovery),
            checks_seconds: seconds(outcome.phases.checks),
            seconds: outcome.took.as_secs_f64(),
            finished: outcome.finished.to_string(),
            kept: outcome.kept.as_ref().map(|kept| kept.display().to_string()),
            error: failure.as_ref().map(ErrorJson::new),
            exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::drill::tests::{broken, failed, passed};

    #[test]
    fn people_read_what_was_done_how_far_it_got_and_what_was_checked() {
        insta::assert_snapshot!("drill", Drilled(passed()).text());
        insta::assert_snapshot!("drill_failed", Drilled(failed()).text());
        insta::assert_snapshot!("drill_broken", Drilled(broken()).text());
    }

    #[test]
    fn programs_read_one_object_on_one_line() {
        let lines = [passed(), failed(), broken()].map(|outcome| Drilled(outcome).json());
        assert!(lines.iter().all(|l| l.ends_with("}\n") && l.matches('\n').count() == 1));
        insta::assert_snapshot!("drill_json", lines.concat());
    }

    #[test]
    fn a_failed_check_has_a_status_of_its_own() {
        assert_eq!(Drilled(passed()).exit(), Exit::Done);
        assert_eq!(Drilled(failed()).exit(), Exit::Failed);
        assert_eq!(Drilled(broken()).exit(), Exit::Server);
    }
}
