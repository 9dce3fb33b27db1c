//! What `verify` says: the verdict first, then what was looked at, then what is wrong and what to do.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::render::{Report, line};
use super::render_backups::{size, span, table};
use crate::command::verify::{Coverage, Figures, Outcome, Scope};
use crate::error::{Error, ErrorKind};
use crate::front::exit::Exit;
use crate::model::{Class, Finding, Severity, utc};

/// The end of `verify`.
pub(super) struct Verified(pub(super) Outcome);

impl Report for Verified {
    fn exit(&self) -> Exit {
        self.0.worst.and_then(kind).map_or(Exit::Done, Exit::from)
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}\n\n", verdict(&self.0), self.0.address);
        text.push_str(&table(&self.looked_at()));
        for finding in &self.0.findings {
            let severity = finding.severity().name();
            let _ = write!(
                text,
                "\n{severity}: {finding}\n  why: {}\n  next: {}\n",
                finding.reason(),
                finding.next()
            );
        }
        if self.0.more > 0 {
            let _ = writeln!(text, "\nand {} findings more", self.0.more);
        }
        text
    }

    fn json(&self) -> String {
        line(&VerifiedJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let Outcome { figures, findings, more, .. } = &self.0;
        let (wal, backups, findings) = (figures.wal.read, figures.backups.read, findings.len() as u64 + more);
        tracing::info!(wal, backups, findings, "verified");
    }

    fn failure(&self) -> Option<Error> {
        let kind = self.0.worst.and_then(kind)?;
        let worst = self.0.findings.first()?;
        let count = self.0.findings.len() as u64 + self.0.more;
        let first =
            if count == 1 { "one finding".to_owned() } else { format!("the first of {count} findings") };
        Some(Error::new(kind, format!("{first}: {worst}")).hint(worst.next()))
    }
}

/// What kind of error a finding would be to whoever restores.
const fn kind(class: Class) -> Option<ErrorKind> {
    Some(match class {
        Class::Damaged => ErrorKind::Corrupt,
        Class::Missing => ErrorKind::NotFound,
        Class::Conflict => ErrorKind::Conflict,
        Class::Denied => ErrorKind::Denied,
        Class::Unavailable => ErrorKind::Unavailable,
        Class::Note => return None,
    })
}

fn verdict(outcome: &Outcome) -> String {
    let sound = if outcome.quick { "sound by its lists" } else { "sound" };
    let word = match outcome.worst {
        None => return sound.to_owned(),
        Some(Class::Note) => sound,
        Some(Class::Damaged) => "damaged",
        Some(Class::Missing) => "not complete",
        Some(Class::Conflict) => "in conflict",
        Some(Class::Denied | Class::Unavailable) => "not all could be read",
    };
    let of =
        |severity| outcome.findings.iter().filter(|finding| finding.severity() == severity).count() as u64;
    let (errors, warnings) = (of(Severity::Error) + outcome.more, of(Severity::Warning));
    let counted = |count: u64, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let counts: Vec<_> =
        [counted(errors, "error"), counted(warnings, "warning")].into_iter().flatten().collect();
    format!("{word}, {}", counts.join(" and "))
}

impl Verified {
    /// What was looked at: a row for each part.
    fn looked_at(&self) -> Vec<Vec<String>> {
        let Outcome { figures, scope, quick, .. } = &self.0;
        let Figures { wal, backups, tars, files, compared, pages, gone } = figures;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut tell = |what: &str, value: String| rows.push(vec![format!("  {what}"), value]);
        if *scope != Scope::Backups {
            tell(
                "WAL",
                match quick {
                    true => format!("{} files, none read", wal.there),
                    false => format!("{} of {} files read, {}", wal.read, wal.there, size(wal.bytes)),
                },
            );
            for span in &self.0.timelines {
                let what = format!("timeline {}", span.timeline.number());
                tell(&what, format!("{} to {}, {} segments", span.first, span.last, span.segments));
            }
        }
        if *scope != Scope::Wal {
            tell(
                "backups",
                match quick {
                    true => format!("{}, none read", backups.there),
                    false => format!("{} of {} read, {}", backups.read, backups.there, size(backups.bytes)),
                },
            );
            if backups.read > 0 {
                tell("in them", format!("{tars} tars, {files} files, {compared} compared with a manifest"));
                tell("pages", format!("{pages} with a checksum"));
            }
        }
        if *gone > 0 {
            tell("deleted", format!("{gone} meanwhile"));
        }
        self.remembered(&mut tell);
        tell("took", span(SignedDuration::try_from(self.0.took).unwrap_or_default()));
        rows
    }

    fn remembered(&self, tell: &mut dyn FnMut(&str, String)) {
        let Outcome { quick, coverage: Coverage { never, oldest }, resumed, remembered, .. } = &self.0;
        if *quick {
            return;
        }
        if let Some(resumed) = resumed {
            tell("resumed", format!("the run of {}", moment(*resumed)));
        }
        tell(
            "coverage",
            match (never, oldest) {
                (0, None) => "there is nothing to verify".to_owned(),
                (0, Some(oldest)) => format!("everything verified since {}", moment(*oldest)),
                (never, _) => format!("{never} never found sound"),
            },
        );
        if !remembered {
            tell("ledger", "not kept: what was verified is not remembered".to_owned());
        }
    }
}

/// To the second, in UTC.
pub(super) fn moment(time: Timestamp) -> String {
    utc(time).split('.').next().unwrap_or_default().to_owned() + "+00"
}

#[derive(Serialize)]
struct VerifiedJson<'a> {
    archive: &'a str,
    sound: bool,
    worst: Option<&'static str>,
    scope: &'static str,
    quick: bool,
    findings: Vec<FindingJson>,
    findings_left_out: u64,
    wal: PartJson,
    timelines: Vec<TimelineJson>,
    backups: PartJson,
    tars_read: u64,
    files_read: u64,
    files_compared: u64,
    pages_checked: u64,
    deleted_meanwhile: u64,
    never_verified: Option<u64>,
    oldest_verified: Option<String>,
    resumed: Option<String>,
    remembered: bool,
    took_seconds: f64,
    exit: u8,
}

#[derive(Serialize)]
struct FindingJson {
    severity: &'static str,
    class: &'static str,
    kind: &'static str,
    message: String,
    reason: String,
    next: String,
}

#[derive(Serialize)]
struct PartJson {
    there: u64,
    read: u64,
    stored_bytes_read: u64,
}

#[derive(Serialize)]
struct TimelineJson {
    timeline: u32,
    first: String,
    last: String,
    segments: u64,
}

impl<'a> VerifiedJson<'a> {
    fn new(outcome: &'a Outcome, exit: u8) -> Self {
        let Figures { wal, backups, tars, files, compared, pages, gone } = outcome.figures;
        let part = |part: crate::command::verify::Part| PartJson {
            there: part.there,
            read: part.read,
            stored_bytes_read: part.bytes,
        };
        let timelines = outcome.timelines.iter().map(|span| TimelineJson {
            timeline: span.timeline.number(),
            first: span.first.to_string(),
            last: span.last.to_string(),
            segments: span.segments,
        });
        Self {
            archive: &outcome.address,
            sound: matches!(outcome.worst, None | Some(Class::Note)),
            worst: outcome.worst.map(Class::name),
            scope: match outcome.scope {
                Scope::All => "all",
                Scope::Wal => "wal",
                Scope::Backups => "backups",
            },
            quick: outcome.quick,
            findings: outcome.findings.iter().map(FindingJson::new).collect(),
            findings_left_out: outcome.more,
            wal: part(wal),
            timelines: timelines.collect(),
            backups: part(backups),
            tars_read: tars,
            files_read: files,
            files_compared: compared,
            pages_checked: pages,
            deleted_meanwhile: gone,
            never_verified: (!outcome.quick).then_some(outcome.coverage.never),
            oldest_verified: outcome.coverage.oldest.map(|at| at.to_string()),
            resumed: outcome.resumed.map(|at| at.to_string()),
            remembered: outcome.remembered,
            took_seconds: outcome.took.as_secs_f64(),
            exit,
        }
    }
}

impl FindingJson {
    fn new(finding: &Finding) -> Self {
        Self {
            severity: finding.severity().name(),
            class: finding.class().name(),
            kind: finding.name(),
            message: finding.to_string(),
            reason: finding.reason(),
            next: finding.next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::command::verify::{Part, TimelineSpan};
    use crate::model::{Gap, SystemId, Upset};

    fn outcome() -> Outcome {
        let [first, last] =
            ["000000010000000000000002", "000000010000000000000013"].map(|n| n.parse().unwrap());
        Outcome {
            address: "s3://wal/prod (server main)".to_owned(),
            scope: Scope::All,
            quick: false,
            findings: Vec::new(),
            more: 0,
            worst: None,
            figures: Figures {
                wal: Part { there: 20, read: 18, bytes: 90 << 20 },
                backups: Part { there: 2, read: 1, bytes: 1 << 30 },
                tars: 3,
                files: 1200,
                compared: 1200,
                pages: 5000,
                gone: 0,
            },
            timelines: vec![TimelineSpan {
                timeline: "00000001".parse().unwrap(),
                first,
                last,
                segments: 18,
            }],
            coverage: Coverage { never: 0, oldest: "2026-01-02T03:04:05Z".parse().ok() },
            resumed: None,
            remembered: true,
            took: Duration::from_secs(75),
        }
    }

    fn every_finding() -> Vec<Finding> {
        let id = "20260102T030405".parse().unwrap();
        let key = "main/wals/0000000100000000/000000010000000000000009.zst".to_owned();
        let tar = "main/base/20260102T030405/data.tar.zst".to_owned();
        let (found, expected) = (SystemId(8), SystemId(7));
        vec![
            Finding::BadWal { key: key.clone(), why: "its SHA-256 is ab, and cd was recorded".to_owned() },
            Finding::BadObject { id, key: tar, why: "it is no zstd".to_owned() },
            Finding::BadBackup { id, why: "there is no PG_VERSION in its tars".to_owned() },
            Finding::BadRecord { id, why: "it does not tell in which segment it begins".to_owned() },
            Finding::BadPages { id, pages: 2, files: vec!["base/5/1259".to_owned()], certain: true },
            Finding::WalGap(Gap {
                first: "000000010000000000000007".parse().unwrap(),
                last: "00000001000000000000000A".parse().unwrap(),
                count: 4,
                upset: Upset { unrestorable: vec![id], stopped: vec![id; 5] },
            }),
            Finding::HistoryGap { first: "00000002".parse().unwrap(), last: "00000003".parse().unwrap() },
            Finding::Incomplete { id, why: "its 16385.tar is not there".to_owned() },
            Finding::Twins {
                name: "000000010000000000000009".parse().unwrap(),
                keys: vec!["a.gz".to_owned(), "a.zst".to_owned()],
                same: Some(false),
            },
            Finding::ForeignWal { key: key.clone(), found, expected },
            Finding::ForeignBackup { id, found, expected },
            Finding::Unread { key: key.clone(), kind: ErrorKind::Denied, why: "denied".to_owned() },
            Finding::Unread { key, kind: ErrorKind::Unavailable, why: "timed out".to_owned() },
            Finding::BadPages { id, pages: 1, files: vec!["base/5/1259".to_owned()], certain: false },
            Finding::Empty,
            Finding::NoBackup,
        ]
    }

    #[test]
    fn the_verdict_comes_first() {
        let report = Verified(outcome());
        insta::assert_snapshot!(report.text());
        assert_eq!((report.exit(), report.failure().is_none()), (Exit::Done, true));
    }

    #[test]
    fn each_finding_says_why_and_what_to_type_next() {
        let findings = every_finding();
        let report = Verified(Outcome { worst: Some(Class::Damaged), findings, more: 3, ..outcome() });
        insta::assert_snapshot!(report.text());
        insta::assert_snapshot!("findings_json", report.json());
        assert_eq!(report.exit(), Exit::Corrupt);
    }

    #[test]
    fn the_worst_finding_decides_the_status() {
        let table = [
            (Class::Damaged, Exit::Corrupt),
            (Class::Missing, Exit::NotFound),
            (Class::Conflict, Exit::Conflict),
            (Class::Denied, Exit::Denied),
            (Class::Unavailable, Exit::Unavailable),
            (Class::Note, Exit::Done),
        ];
        for (class, exit) in table {
            assert_eq!(Verified(Outcome { worst: Some(class), ..outcome() }).exit(), exit, "{class:?}");
        }
        assert!(table.is_sorted_by_key(|(class, _)| *class));
    }
}
