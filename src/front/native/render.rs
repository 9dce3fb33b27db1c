//! What is said: text for people, one JSON object for scripts. Field names are stable.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::command::check::{self, Exclusive, Fit};
use crate::command::wal_archive::{self, Archived as Stored};
use crate::command::wal_restore::{self, Source};
use crate::error::{Error, ErrorKind};
use crate::front::exit::Exit;
use crate::model::WalName;

/// How a verb ended that did not fail.
pub(super) trait Report {
    /// The status it stands for.
    fn exit(&self) -> Exit {
        Exit::Done
    }

    /// For people; nothing where silence is success.
    fn text(&self) -> String {
        String::new()
    }

    /// For scripts: one object on one line, `exit` last.
    fn json(&self) -> String;

    /// What is worth an info line in the log.
    fn log(&self) {}

    /// What is said on standard error besides, when the verb did its work and found something amiss.
    fn failure(&self) -> Option<Error> {
        None
    }
}

/// The end of `wal-archive`.
pub(super) struct Archived(pub(super) wal_archive::Outcome);

impl Report for Archived {
    fn json(&self) -> String {
        line(&ArchivedJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let wal_archive::Outcome { name, archived, ahead } = &self.0;
        tracing::info!(%name, outcome = archived_word(archived), ahead, "archived");
    }
}

/// The end of `wal-restore`, and what was asked for.
pub(super) struct Restored(pub(super) WalName, pub(super) wal_restore::Outcome);

impl Report for Restored {
    fn exit(&self) -> Exit {
        match self.1 {
            wal_restore::Outcome::Missing => Exit::NotFound,
            wal_restore::Outcome::Delivered { .. } => Exit::Done,
        }
    }

    fn json(&self) -> String {
        line(&RestoredJson::new(&self.0, self.1, self.exit().code()))
    }

    fn log(&self) {
        let name = self.0;
        match self.1 {
            wal_restore::Outcome::Delivered { from, partial } => {
                tracing::info!(%name, from = source_word(from), partial, "restored");
            }
            wal_restore::Outcome::Missing => tracing::info!(%name, "not in the archive"),
        }
    }
}

/// The end of `check`, which may have found failures.
pub(super) struct Checked(pub(super) check::Outcome);

impl Report for Checked {
    fn exit(&self) -> Exit {
        self.failure().map_or(Exit::Done, |e| e.kind().into())
    }

    fn text(&self) -> String {
        check_text(&self.0)
    }

    fn json(&self) -> String {
        line(&CheckedJson::new(&self.0, self.exit().code()))
    }

    fn failure(&self) -> Option<Error> {
        check_failure(&self.0)
    }
}

/// The end of the filler, which tells nobody.
pub(super) struct Prefetched;

impl Report for Prefetched {
    fn json(&self) -> String {
        String::new()
    }
}

/// A failure, for scripts.
pub(super) fn error_json(error: &Error, exit: Exit) -> String {
    let json = ErrorJson::new(error);
    line(&FailedJson { error: json, exit: exit.code() })
}

pub(super) fn line(value: &impl Serialize) -> String {
    // Our own structs of text and numbers always have a spelling.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct FailedJson {
    error: ErrorJson,
    exit: u8,
}

#[derive(Serialize)]
pub(super) struct ErrorJson {
    kind: &'static str,
    message: String,
    hint: Option<String>,
}

impl ErrorJson {
    pub(super) fn new(error: &Error) -> Self {
        Self {
            kind: error.kind().name(),
            message: error.to_string(),
            hint: error.hint_text().map(str::to_owned),
        }
    }
}

#[derive(Serialize)]
struct ArchivedJson {
    name: String,
    outcome: &'static str,
    plain_bytes: Option<u64>,
    stored_bytes: Option<u64>,
    stored_ahead: usize,
    exit: u8,
}

impl ArchivedJson {
    fn new(outcome: &wal_archive::Outcome, exit: u8) -> Self {
        let (plain_bytes, stored_bytes) = match outcome.archived {
            Stored::Stored { plain_bytes, stored_bytes } => (Some(plain_bytes), Some(stored_bytes)),
            Stored::Same | Stored::Ahead => (None, None),
        };
        Self {
            name: outcome.name.to_string(),
            outcome: archived_word(&outcome.archived),
            plain_bytes,
            stored_bytes,
            stored_ahead: outcome.ahead,
            exit,
        }
    }
}

pub(super) const fn archived_word(archived: &Stored) -> &'static str {
    match archived {
        Stored::Stored { .. } => "stored",
        Stored::Same => "same",
        Stored::Ahead => "ahead",
    }
}

#[derive(Serialize)]
struct RestoredJson {
    name: String,
    outcome: &'static str,
    from: Option<&'static str>,
    partial: bool,
    exit: u8,
}

impl RestoredJson {
    fn new(name: &WalName, outcome: wal_restore::Outcome, exit: u8) -> Self {
        let (word, from, partial) = match outcome {
            wal_restore::Outcome::Delivered { from, partial } => {
                ("delivered", Some(source_word(from)), partial)
            }
            wal_restore::Outcome::Missing => ("missing", None, false),
        };
        Self { name: name.to_string(), outcome: word, from, partial, exit }
    }
}

const fn source_word(source: Source) -> &'static str {
    match source {
        Source::Spool => "spool",
        Source::Archive => "archive",
    }
}

#[derive(Serialize)]
struct CheckedJson<'a> {
    archive: &'a str,
    ok: bool,
    steps: Vec<StepJson<'a>>,
    clock_skew_seconds: Option<i64>,
    exclusive_put: Option<&'static str>,
    fit: Option<FitJson>,
    exit: u8,
}

impl<'a> CheckedJson<'a> {
    fn new(found: &'a check::Outcome, exit: u8) -> Self {
        Self {
            archive: &found.address,
            ok: exit == 0,
            steps: found.steps.iter().map(StepJson::new).collect(),
            clock_skew_seconds: found.clock_skew_seconds,
            exclusive_put: found.exclusive.map(|race| match race {
                Exclusive::Proved => "proved",
                Exclusive::Ignored => "ignored",
                Exclusive::Unclear => "unclear",
            }),
            fit: found.fit.as_ref().map(FitJson::new),
            exit,
        }
    }
}

#[derive(Serialize)]
struct StepJson<'a> {
    name: &'a str,
    ok: bool,
    text: Option<&'a str>,
    error: Option<ErrorJson>,
    milliseconds: f64,
}

impl<'a> StepJson<'a> {
    fn new(step: &'a check::Step) -> Self {
        Self {
            name: step.name,
            ok: step.result.is_ok(),
            text: step.result.as_deref().ok(),
            error: step.result.as_ref().err().map(ErrorJson::new),
            milliseconds: milliseconds(step.took),
        }
    }
}

/// Identifiers are text, because they do not fit into the numbers many readers of JSON have.
#[derive(Serialize)]
struct FitJson {
    verdict: &'static str,
    archive_system_id: Option<String>,
    server_system_id: Option<String>,
    archive_timeline: Option<u32>,
    server_timeline: Option<u32>,
}

impl FitJson {
    fn new(fit: &Fit) -> Self {
        let (verdict, archive, server, archive_timeline, server_timeline) = match *fit {
            Fit::Empty => ("empty", None, None, None, None),
            Fit::Same { system_id, archive_timeline, server_timeline } => {
                ("same", Some(system_id), Some(system_id), Some(archive_timeline), Some(server_timeline))
            }
            Fit::Foreign { archive, server, .. } => ("foreign", Some(archive), Some(server), None, None),
            Fit::Unknown { archive, archive_timeline } => {
                ("unknown", archive, None, Some(archive_timeline), None)
            }
        };
        Self {
            verdict,
            archive_system_id: archive.map(|id| id.to_string()),
            server_system_id: server.map(|id| id.to_string()),
            archive_timeline: archive_timeline.map(crate::model::Timeline::number),
            server_timeline: server_timeline.map(crate::model::Timeline::number),
        }
    }
}

/// The steps as a table, then what they mean.
fn check_text(found: &check::Outcome) -> String {
    let mut text = format!("{}\n\n", found.address);
    let width = found.steps.iter().map(|step| step.name.len()).max().unwrap_or(0);
    for step in &found.steps {
        let (verdict, what) = match &step.result {
            Ok(what) => ("ok", what.clone()),
            Err(e) => ("failed", e.to_string()),
        };
        let took = milliseconds(step.took);
        let row = format!("  {:width$}  {verdict:6}  {took:>8.1} ms  {what}", step.name);
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text.push('\n');
    for meaning in [found.clock_skew_seconds.map(skew_text), found.exclusive.map(exclusive_text)] {
        let _ = meaning.map(|words| writeln!(text, "{words}"));
    }
    let _ = found.fit.as_ref().map(|fit| writeln!(text, "{}", fit_text(fit)));
    text
}

fn milliseconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 10_000.0).round() / 10.0
}

fn skew_text(seconds: i64) -> String {
    let amount = seconds.unsigned_abs();
    match seconds {
        0 => "clocks: the service and this machine agree".to_owned(),
        1.. => format!("clocks: the service is {amount} s ahead of this machine"),
        _ => format!("clocks: the service is {amount} s behind this machine"),
    }
}

fn exclusive_text(race: Exclusive) -> String {
    match race {
        Exclusive::Proved => {
            "exclusive put: proved; the service refuses the second of two racing writers, so one request \
             stores a file"
        }
        Exclusive::Unclear => {
            "unclear; nobody won a race, as when an answer is lost on the way: check again. Until then every \
             file is asked for before it is stored"
        }
        Exclusive::Ignored => {
            "exclusive put: not kept; the service accepted both of two racing writers, so each file is \
             asked for before it is stored. Let only one server archive under this name: two that store \
             the same file in the same instant could overwrite each other"
        }
    }
    .to_owned()
}

fn fit_text(fit: &Fit) -> String {
    match fit {
        Fit::Empty => "archive: empty, ready for this server".to_owned(),
        Fit::Same { system_id, archive_timeline, server_timeline } => format!(
            "archive: this server's (system identifier {system_id}), at timeline {}; the server is at {}",
            archive_timeline.number(),
            server_timeline.number()
        ),
        Fit::Foreign { archive, server, .. } => format!(
            "archive: another cluster's (system identifier {archive}; this server's is {server}); give \
             this server a name or a store of its own"
        ),
        Fit::Unknown { archive, archive_timeline } => {
            let whose = archive.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
            format!(
                "archive: WAL of system identifier {whose}, at timeline {}; give --pgdata to compare it \
                 with a server",
                archive_timeline.number()
            )
        }
    }
}

/// What `check` says on standard error when it found a failure; the table has the details.
fn check_failure(found: &check::Outcome) -> Option<Error> {
    let failed = found.steps.iter().find_map(|step| Some((step.name, step.result.as_ref().err()?)));
    match (failed, &found.fit) {
        (Some((name, e)), _) => {
            let error = Error::new(e.kind(), format!("the check failed at `{name}`"));
            Some(match e.hint_text() {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
        (None, Some(Fit::Foreign { .. })) => {
            let error = Error::new(ErrorKind::Conflict, "the archive belongs to another cluster");
            Some(error.hint("give this server a name of its own there: --server NAME"))
        }
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SystemId, Timeline};

    fn step(name: &'static str, result: Result<&str, Error>, micros: u64) -> check::Step {
        check::Step { name, result: result.map(str::to_owned), took: Duration::from_micros(micros) }
    }

    fn good() -> check::Outcome {
        check::Outcome {
            address: "s3://bucket/path (server main)".into(),
            steps: vec![
                step("reach", Ok("eu-west-1"), 12_345),
                step("exclusive-put", Ok("refused in 4 of 4 rounds"), 80_000),
                step("delete", Ok(""), 900),
            ],
            clock_skew_seconds: Some(-3),
            exclusive: Some(Exclusive::Proved),
            fit: Some(Fit::Same {
                system_id: SystemId(7_000_000_000_000_000_001),
                archive_timeline: Timeline::new(2).unwrap(),
                server_timeline: Timeline::new(3).unwrap(),
            }),
        }
    }

    fn bad() -> check::Outcome {
        let denied = Error::denied("AccessDenied").context("put probe").hint("grant s3:PutObject");
        check::Outcome {
            steps: vec![step("reach", Ok(""), 1000), step("put", Err(denied), 2000)],
            clock_skew_seconds: None,
            exclusive: Some(Exclusive::Ignored),
            fit: Some(Fit::Foreign {
                archive: SystemId(1),
                server: SystemId(2),
                by: "main/wals/x".to_owned(),
            }),
            ..good()
        }
    }

    #[test]
    fn check_prints_a_table_and_what_it_means() {
        insta::assert_snapshot!("check_good", Checked(good()).text());
        insta::assert_snapshot!("check_bad", Checked(bad()).text());
    }

    #[test]
    fn json_has_the_same_fields_whatever_happened() {
        let name: WalName = "000000010000000000000007".parse().unwrap();
        let stored = Stored::Stored { plain_bytes: 16 << 20, stored_bytes: 5000 };
        let delivered = wal_restore::Outcome::Delivered { from: Source::Spool, partial: false };
        let lines = [
            Archived(wal_archive::Outcome { name, archived: stored, ahead: 3 }).json(),
            Archived(wal_archive::Outcome { name, archived: Stored::Ahead, ahead: 0 }).json(),
            Restored(name, delivered).json(),
            Restored(name, wal_restore::Outcome::Missing).json(),
            Checked(good()).json(),
            Checked(bad()).json(),
            error_json(&Error::local("no space left").hint("make room"), Exit::Local),
            error_json(&Error::bug("odd"), Exit::Stop),
        ];
        assert!(lines.iter().all(|l| l.ends_with("}\n") && l.matches('\n').count() == 1));
        insta::assert_snapshot!("json", lines.concat());
    }

    #[test]
    fn what_check_finds_decides_its_status() {
        assert_eq!(Checked(good()).exit(), Exit::Done);
        assert!(check_failure(&good()).is_none());
        assert_eq!(Checked(bad()).exit(), Exit::Denied);
        assert_eq!(check_failure(&bad()).unwrap().hint_text(), Some("grant s3:PutObject"));
        let foreign = check::Outcome { steps: Vec::new(), ..bad() };
        assert_eq!(check_failure(&foreign).unwrap().kind(), ErrorKind::Conflict);
        assert_eq!(Checked(foreign).exit(), Exit::Conflict);
    }
}
