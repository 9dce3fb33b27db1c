//! The words of `gc`, and what it says.

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::{Deserialize, Serialize};

use super::args::{Layer as _, Shared, layer, text};
use super::backups_json::JudgedJson;
use super::render::{Report, line};
use super::render_backups::{row, size, table};
use super::retention::LEFTOVERS_AFTER;
use super::{Around, told};
use crate::command::gc;
use crate::error::{Error, Result};
use crate::front::exit::Exit;
use crate::front::quantity::Span;
use crate::front::run::block_on;
use crate::model::{BackupStatus, GcVerdict, Judged, Reason};

/// Sweep up what crashes have left in the archive
///
/// Uploads that nobody will finish, the objects of backups that never became one, and what a check that
/// was killed has put. Never touches a backup, WAL, anything that is kept, or anything that changed
/// within --older-than: what a policy decides about is retention's.
#[derive(Debug, Args)]
pub(crate) struct Gc {
    #[command(flatten)]
    pub(super) own: GcArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[gc]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct GcArgs {
    /// Leave alone what has changed within this time [default: 7d]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_GC_OLDER_THAN")]
    #[serde(with = "text")]
    older_than: Option<Span>,
    /// Tell what would be removed, and why, and remove nothing
    #[arg(
        long, env = "BARKEEP_GC_DRY_RUN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    dry_run: Option<bool>,
}

layer!(GcArgs: older_than, dry_run);

impl Gc {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.gc.clone());
        let request = gc::Request {
            access: settings.access(),
            older_than: own.older_than.map_or(LEFTOVERS_AFTER, |span| span.0),
            dry_run: own.dry_run.unwrap_or(false),
        };
        told(block_on(gc::run(&request, &settings.wire)).map(Swept))
    }
}

/// The end of `gc`.
struct Swept(gc::Outcome);

impl Report for Swept {
    fn exit(&self) -> Exit {
        self.failure().map_or(Exit::Done, |e| e.kind().into())
    }

    fn text(&self) -> String {
        let gc::Outcome { address, dry_run, .. } = &self.0;
        let rows = self.rows();
        let mut text = format!("{address}\n\n");
        if rows.is_empty() {
            text.push_str("nothing is left behind\n");
        } else {
            let head = row(["What", "Verdict", "Stored", "Reason"]);
            text.push_str(&table(&[vec![head], rows].concat()));
        }
        if *dry_run {
            text.push_str("\nnothing was removed: this was a dry run\n");
        }
        text
    }

    fn json(&self) -> String {
        line(&SweptJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let gc::Outcome { plan, dry_run, .. } = &self.0;
        let count = |verdicts: &[GcVerdict]| verdicts.iter().filter(|verdict| verdict.goes()).count();
        let folders = plan.backups.going().count() + plan.backups.going_orphans().count();
        tracing::info!(
            folders,
            uploads = count(&plan.uploads),
            probes = count(&plan.probes),
            dry_run,
            "planned to go"
        );
    }

    fn failure(&self) -> Option<Error> {
        self.0.failure()
    }
}

impl Swept {
    /// One line for everything that looks like a leftover; backups do not.
    fn rows(&self) -> Vec<Vec<String>> {
        let gc::Outcome { plan, dry_run, .. } = &self.0;
        let blocked = plan.blocked().is_some();
        let word = |goes: bool, held: bool| match (goes, held || *dry_run) {
            (true, true) => "would go",
            (true, false) => "gone",
            (false, _) => "stays",
        };
        let folder = |judged: &Judged| {
            let status = judged.status.map_or("no record", BackupStatus::name);
            let what = format!("backup {}, {status}", judged.id);
            let word = word(judged.goes(), blocked);
            vec![what, word.to_owned(), size(judged.stored_bytes), judged.reason.to_string()]
        };
        let other = |kind: &'static str, held: bool| {
            move |verdict: &GcVerdict| {
                let stored = verdict.stored_bytes.map(size).unwrap_or_default();
                let word = word(verdict.goes(), held).to_owned();
                vec![format!("{kind} {}", verdict.key), word, stored, verdict.reason.to_string()]
            }
        };
        let folders = plan.backups.backups.iter().chain(&plan.backups.orphans);
        let left = folders.filter(|judged| judged.reason != Reason::IsBackup).map(folder);
        let uploads = plan.uploads.iter().map(other("upload", self.0.no_uploads.is_some()));
        left.chain(uploads).chain(plan.probes.iter().map(other("probe", false))).collect()
    }
}

/// Field names are stable; what is not known is null.
#[derive(Serialize)]
struct SweptJson<'a> {
    archive: &'a str,
    dry_run: bool,
    blocked: Option<String>,
    no_uploads: Option<String>,
    backups: Vec<JudgedJson>,
    orphans: Vec<JudgedJson>,
    uploads: Vec<VerdictJson<'a>>,
    probes: Vec<VerdictJson<'a>>,
    exit: u8,
}

#[derive(Serialize)]
struct VerdictJson<'a> {
    key: &'a str,
    goes: bool,
    stored_bytes: Option<u64>,
    reason: String,
}

impl<'a> SweptJson<'a> {
    fn new(outcome: &'a gc::Outcome, exit: u8) -> Self {
        let gc::Outcome { address, plan, dry_run, no_uploads } = outcome;
        let verdict = |verdict: &'a GcVerdict| VerdictJson {
            key: &verdict.key,
            goes: verdict.goes(),
            stored_bytes: verdict.stored_bytes,
            reason: verdict.reason.to_string(),
        };
        Self {
            archive: address,
            dry_run: *dry_run,
            blocked: plan.blocked().map(|why| why.to_string()),
            no_uploads: no_uploads.as_ref().map(ToString::to_string),
            backups: plan.backups.backups.iter().map(JudgedJson::new).collect(),
            orphans: plan.backups.orphans.iter().map(JudgedJson::new).collect(),
            uploads: plan.uploads.iter().map(verdict).collect(),
            probes: plan.probes.iter().map(verdict).collect(),
            exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{
        Backup, BackupFact, BackupId, Facts, GcFacts, GcPlan, Keep, OrphanFact, ProbeFact, UploadFact,
    };

    fn at(day: u32) -> Option<Timestamp> {
        format!("2026-11-{day:02}T00:01:57Z").parse().ok()
    }

    fn id(day: u32) -> BackupId {
        format!("202611{day:02}T000157").parse().unwrap()
    }

    fn swept(dry_run: bool, unreadable: bool) -> Swept {
        let backup = |day, status, keep| BackupFact {
            backup: Backup::new(id(day), status),
            keep,
            recorded: at(day),
            stored_bytes: u64::from(day) << 20,
        };
        let upload = |key: &str, backup: Option<u32>, day| UploadFact {
            key: key.into(),
            backup: backup.map(id),
            begun: at(day),
        };
        let facts = GcFacts {
            catalog: Facts {
                backups: vec![
                    backup(1, BackupStatus::Failed, None),
                    backup(2, BackupStatus::Failed, Some(Keep::Full)),
                    backup(3, BackupStatus::Done, None),
                    backup(19, BackupStatus::Started, None),
                ],
                orphans: vec![OrphanFact { id: id(4), keep: None, newest: at(5), stored_bytes: 900 }],
                unreadable: unreadable.then(|| id(6)).into_iter().collect(),
                ..Facts::default()
            },
            uploads: vec![
                upload("main/base/20261101T000157/data.tar.zst", Some(1), 1),
                upload("main/base/20261119T000157/data.tar.zst", Some(19), 19),
            ],
            probes: vec![ProbeFact {
                key: "main/barkeep-probes/17-4".into(),
                stored_bytes: 58,
                stored: at(2),
                locked: None,
            }],
        };
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        let plan = GcPlan::new(Duration::from_hours(7 * 24), now, &facts);
        let address = "s3://bucket/path (server main)".to_owned();
        Swept(gc::Outcome { address, plan, dry_run, no_uploads: None })
    }

    #[test]
    fn people_read_one_line_for_each_leftover_with_its_reason() {
        insta::assert_snapshot!("gc", swept(false, false).text());
        insta::assert_snapshot!("gc_dry_run", swept(true, false).text());
        insta::assert_snapshot!("gc_blocked", swept(false, true).text());
        let plan = GcPlan::new(Duration::ZERO, Timestamp::UNIX_EPOCH, &GcFacts::default());
        let address = "file:///archive (server main)".to_owned();
        let empty = Swept(gc::Outcome { address, plan, dry_run: false, no_uploads: None });
        assert_eq!(empty.text(), "file:///archive (server main)\n\nnothing is left behind\n");
    }

    #[test]
    fn programs_read_one_object_on_one_line() {
        let lines = [swept(false, false).json(), swept(true, true).json()];
        assert!(lines.iter().all(|l| l.ends_with("}\n") && l.matches('\n').count() == 1));
        insta::assert_snapshot!("gc_json", lines.concat());
    }

    #[test]
    fn what_could_not_be_looked_after_is_a_failure_of_its_own_kind() {
        assert_eq!(swept(false, false).exit(), Exit::Done);
        assert_eq!(swept(false, true).exit(), Exit::Corrupt);
        let Swept(outcome) = swept(false, false);
        let denied = Swept(gc::Outcome { no_uploads: Some(Error::denied("403")), ..outcome });
        assert_eq!(denied.exit(), Exit::Denied);
    }
}
