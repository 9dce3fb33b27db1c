//! What `status` says: one line for a monitor, then the figures, the windows, and what is amiss with the
//! next command to type.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::render::{Report, line};
use super::render_backups::{size, table};
use super::verified::moment;
use crate::command::status::Outcome;
use crate::front::exit::Exit;
use crate::model::{
    BackupCover, BackupState, Coverage, Health, Lag, Origin, ServerSight, StatusFinding, TimelineCover,
    WalRun, Window, Wrote,
};

/// The end of `status`.
pub(super) struct Status {
    pub(super) store: String,
    pub(super) servers: Vec<Outcome>,
}

impl Status {
    /// As bad as the worst server; a store without any has nothing to recover from.
    fn health(&self) -> Health {
        self.servers.iter().map(Outcome::health).max().unwrap_or(Health::Critical)
    }

    fn summary(&self) -> String {
        let word = self.health().name().to_uppercase();
        let said: Vec<String> = self.servers.iter().map(summary).collect();
        match said.as_slice() {
            [] => format!("{word} - there is no server in {}", self.store),
            said => format!("{word} - {}", said.join("; ")),
        }
    }
}

impl Report for Status {
    fn exit(&self) -> Exit {
        match self.health() {
            Health::Ok => Exit::Done,
            Health::Warning => Exit::Warning,
            Health::Critical => Exit::Critical,
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", self.summary());
        for outcome in &self.servers {
            text.push_str(&block(outcome));
        }
        text
    }

    fn json(&self) -> String {
        line(&StatusJson {
            store: &self.store,
            health: self.health().name(),
            summary: self.summary(),
            servers: self.servers.iter().map(ServerJson::new).collect(),
            exit: self.exit().code(),
        })
    }

    fn log(&self) {
        tracing::info!(health = self.health().name(), servers = self.servers.len(), "looked");
    }
}

/// One server in half a line: the worst that is amiss, or else what can be recovered.
fn summary(outcome: &Outcome) -> String {
    let Outcome { name, coverage, now, findings, .. } = outcome;
    let amiss: Vec<_> = findings.iter().filter(|finding| finding.health > Health::Ok).collect();
    match (amiss.as_slice(), coverage.first_point().zip(coverage.newest_point())) {
        ([], Some((first, newest))) => {
            let from = first.from_time.map_or_else(|| first.from.to_string(), moment);
            format!("{name}: recoverable from {from} to {}{}", newest.to, stored_ago(newest.stored, *now))
        }
        ([], None) => format!("{name}: nothing is amiss"),
        ([only], _) => format!("{name}: {}", only.message),
        ([worst, rest @ ..], _) => format!("{name}: {} (and {} more)", worst.message, rest.len()),
    }
}

fn stored_ago(stored: Option<Timestamp>, now: Timestamp) -> String {
    stored.map(|at| format!(", stored {}", ago(at, now))).unwrap_or_default()
}

/// Everything about one server.
fn block(outcome: &Outcome) -> String {
    let mut text = format!("\n{}\n\n{}", outcome.address, table(&figures(outcome)));
    let windows = windows(&outcome.coverage, outcome.now);
    if !windows.is_empty() {
        let _ = write!(text, "\nrecoverable\n{}", table(&windows));
    }
    for StatusFinding { health, message, reason, next, .. } in &outcome.findings {
        let word = if *health == Health::Ok { "note" } else { health.name() };
        let _ = write!(text, "\n{word}: {message}\n  why: {reason}\n");
        if !next.is_empty() {
            let _ = writeln!(text, "  next: {next}");
        }
    }
    text
}

/// The rows that `kubectl cnpg status` has, under its labels (spec/cloudnativepg.md 4.1), and ours.
fn figures(outcome: &Outcome) -> Vec<Vec<String>> {
    let Outcome { coverage, now, server, .. } = outcome;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut tell = |what: &str, value: String| rows.push(vec![format!("  {what}"), value]);
    let when = |at: Timestamp| format!("{}, {}", moment(at), ago(at, *now));
    let none = || "-".to_owned();
    let first = coverage.first_point().map(|window| window.from_time.map_or(window.from.to_string(), when));
    tell("First Point of Recoverability", first.unwrap_or_else(none));
    tell("Last Successful Backup", coverage.last_successful().map_or_else(none, |last| good(last, *now)));
    tell("Last Failed Backup", coverage.last_failed().map_or_else(none, |last| bad(last, *now)));
    let running = coverage.backups.iter().filter(|backup| backup.state == BackupState::Running);
    for backup in running {
        tell("Backup Under Way", backup.id.to_string());
    }
    match server {
        Some(server) => server_figures(outcome, server, &mut tell),
        None => tell("Working WAL archiving", "not asked: --host or --pgdata leads to the server".to_owned()),
    }
    let newest =
        coverage.newest_wal().map(|run| format!("{}{}", run.last, stored_ago(run.last_stored, *now)));
    tell("Newest WAL in the archive", newest.unwrap_or_else(none));
    if let Some(Lag { bytes, time }) = outcome.lag {
        let time = time.and_then(|time| SignedDuration::try_from(time).ok());
        let time = time.map(|time| format!(", {} without an upload", span(time))).unwrap_or_default();
        tell("Archive lag", format!("{}{time}", size(bytes)));
    }
    let sizes = coverage.sizes;
    tell("Base backups", format!("{}, {}", sizes.backups.files, size(sizes.backups.stored_bytes)));
    tell("WAL files", format!("{}, {}", sizes.wal.files, size(sizes.wal.stored_bytes)));
    rows
}

fn server_figures(outcome: &Outcome, server: &ServerSight, tell: &mut dyn FnMut(&str, String)) {
    let unknown = || "unknown".to_owned();
    let state = outcome.archiving.map_or_else(unknown, |state| state.label().to_owned());
    let state = match &server.disabled {
        Some(why) => format!("{state}: {why}"),
        None => state,
    };
    tell("Working WAL archiving", state);
    tell(
        "WALs waiting to be archived",
        server.waiting.as_ref().map_or_else(unknown, |waiting| match &waiting.first {
            Some(first) => format!("{}, the first is {first}", waiting.count),
            None => waiting.count.to_string(),
        }),
    );
    let wrote = |wrote: &Option<Wrote>| {
        wrote.as_ref().map_or_else(
            || "-".to_owned(),
            |wrote| format!("{} @ {}, {}", wrote.wal, moment(wrote.at), ago(wrote.at, outcome.now)),
        )
    };
    if let Some(archiver) = &server.archiver {
        tell("Last Archived WAL", wrote(&archiver.last_archived));
        tell("Last Failed WAL", wrote(&archiver.last_failed));
    }
    if let Some(written) = server.written {
        let timeline = server.timeline.map(|timeline| format!(" (timeline {})", timeline.number()));
        tell("Current Write LSN", format!("{written}{}", timeline.unwrap_or_default()));
    }
}

fn good(backup: &BackupCover, now: Timestamp) -> String {
    let name = backup.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let ended = backup.ended.map(|at| format!("{}, {}: ", moment(at), ago(at, now))).unwrap_or_default();
    let but = match &backup.state {
        BackupState::Restorable => "",
        BackupState::Snapshot => ", volume snapshots",
        _ => ", which cannot be restored",
    };
    format!("{ended}{}{name}{but}", backup.id)
}

fn bad(backup: &BackupCover, now: Timestamp) -> String {
    let when = backup.ended.or(backup.began);
    let when = when.map(|at| format!("{}, {}: ", moment(at), ago(at, now))).unwrap_or_default();
    format!("{when}{}", backup.id)
}

/// One row for each window that is no part of another.
fn windows(coverage: &Coverage, now: Timestamp) -> Vec<Vec<String>> {
    let row = |window: &Window| {
        let from = window.from_time.map(|at| format!("{} ", moment(at))).unwrap_or_default();
        let last = window.last.map(|last| format!(", {last}{}", stored_ago(window.stored, now)));
        let more = if window.partial { ", and some of the next" } else { "" };
        let commit = window.last_commit.map(|at| format!(", last commit {}", moment(at)));
        let backups = match window.backups.len() {
            1 => "1 backup".to_owned(),
            count => format!("{count} backups"),
        };
        vec![
            format!("  timeline {}", window.timeline.number()),
            format!("from {from}({})", window.from),
            format!("to {}{}{more}{}", window.to, last.unwrap_or_default(), commit.unwrap_or_default()),
            backups,
            window.gap.map(|gap| format!("then {gap} is missing")).unwrap_or_default(),
        ]
    };
    coverage.own_windows().map(row).collect()
}

/// How long ago that was, in its largest unit that is worth two digits.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let since = now.duration_since(at);
    if since.is_negative() { format!("in {}", span(since.abs())) } else { format!("{} ago", span(since)) }
}

fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[derive(Serialize)]
struct StatusJson<'a> {
    store: &'a str,
    health: &'static str,
    summary: String,
    servers: Vec<ServerJson<'a>>,
    exit: u8,
}

#[derive(Serialize)]
struct ServerJson<'a> {
    server: String,
    archive: &'a str,
    health: &'static str,
    system_id: Option<String>,
    first_recoverability_point: Option<String>,
    last_successful_backup_time: Option<String>,
    last_failed_backup_time: Option<String>,
    windows: Vec<WindowJson>,
    timelines: Vec<TimelineJson>,
    backups: Vec<BackupJson<'a>>,
    gaps: Vec<GapJson>,
    archiving: Option<ArchivingJson<'a>>,
    newest_wal: Option<String>,
    newest_wal_stored: Option<String>,
    base_bytes: u64,
    wal_files: u64,
    wal_bytes: u64,
    unneeded_wal_files: u64,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct WindowJson {
    timeline: u32,
    from_lsn: String,
    from_time: Option<String>,
    to_lsn: String,
    last_wal: Option<String>,
    last_wal_stored: Option<String>,
    last_commit: Option<String>,
    partial: bool,
    missing_next: Option<String>,
    within_timeline: Option<u32>,
    backups: Vec<String>,
}

#[derive(Serialize)]
struct TimelineJson {
    timeline: u32,
    parent: Option<u32>,
    switched_at: Option<String>,
    history: &'static str,
    reachable: bool,
    partial: Option<String>,
    runs: Vec<RunJson>,
}

#[derive(Serialize)]
struct RunJson {
    first: String,
    last: String,
    segments: u64,
    stored_bytes: u64,
    first_stored: Option<String>,
    last_stored: Option<String>,
}

#[derive(Serialize)]
struct BackupJson<'a> {
    id: String,
    name: Option<&'a str>,
    status: &'static str,
    state: &'static str,
    error: Option<&'a str>,
    keep: Option<&'static str>,
    timeline: Option<u32>,
    begin_lsn: Option<String>,
    end_lsn: Option<String>,
    began: Option<String>,
    ended: Option<String>,
    stored_bytes: u64,
}

#[derive(Serialize)]
struct GapJson {
    first: String,
    last: String,
    segments: u64,
    unrestorable: Vec<String>,
    stopped: Vec<String>,
}

#[derive(Serialize)]
struct ArchivingJson<'a> {
    state: Option<&'static str>,
    disabled: Option<&'a str>,
    silent: Option<&'a str>,
    in_recovery: Option<bool>,
    timeline: Option<u32>,
    write_lsn: Option<String>,
    waiting: Option<u64>,
    first_waiting: Option<&'a str>,
    archived_count: Option<u64>,
    failed_count: Option<u64>,
    last_archived_wal: Option<&'a str>,
    last_archived_time: Option<String>,
    last_failed_wal: Option<&'a str>,
    last_failed_time: Option<String>,
    lag_bytes: Option<u64>,
    lag_seconds: Option<u64>,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    health: &'static str,
    kind: &'static str,
    message: &'a str,
    reason: &'a str,
    next: &'a str,
}

fn time(at: Option<Timestamp>) -> Option<String> {
    at.map(|at| at.to_string())
}

fn texts<T: ToString>(all: &[T]) -> Vec<String> {
    all.iter().map(T::to_string).collect()
}

impl<'a> ServerJson<'a> {
    fn new(outcome: &'a Outcome) -> Self {
        let Outcome { coverage, .. } = outcome;
        let finding = |finding: &'a StatusFinding| FindingJson {
            health: finding.health.name(),
            kind: finding.kind,
            message: &finding.message,
            reason: &finding.reason,
            next: &finding.next,
        };
        let newest = coverage.newest_wal();
        Self {
            server: outcome.name.to_string(),
            archive: &outcome.address,
            health: outcome.health().name(),
            system_id: outcome.system_id.map(|id| id.to_string()),
            first_recoverability_point: time(coverage.first_point().and_then(|window| window.from_time)),
            last_successful_backup_time: time(coverage.last_successful().and_then(|backup| backup.ended)),
            last_failed_backup_time: time(
                coverage.last_failed().and_then(|backup| backup.ended.or(backup.began)),
            ),
            windows: coverage.windows.iter().map(WindowJson::new).collect(),
            timelines: coverage.timelines.iter().map(TimelineJson::new).collect(),
            backups: coverage.backups.iter().map(BackupJson::new).collect(),
            gaps: coverage
                .gaps
                .iter()
                .map(|gap| GapJson {
                    first: gap.first.to_string(),
                    last: gap.last.to_string(),
                    segments: gap.count,
                    unrestorable: texts(&gap.upset.unrestorable),
                    stopped: texts(&gap.upset.stopped),
                })
                .collect(),
            archiving: outcome.server.as_ref().map(|server| ArchivingJson::new(outcome, server)),
            newest_wal: newest.map(|run| run.last.to_string()),
            newest_wal_stored: time(newest.and_then(|run| run.last_stored)),
            base_bytes: coverage.sizes.backups.stored_bytes,
            wal_files: coverage.sizes.wal.files,
            wal_bytes: coverage.sizes.wal.stored_bytes,
            unneeded_wal_files: coverage.unneeded.files,
            findings: outcome.findings.iter().map(finding).collect(),
        }
    }
}

impl WindowJson {
    fn new(window: &Window) -> Self {
        Self {
            timeline: window.timeline.number(),
            from_lsn: window.from.to_string(),
            from_time: time(window.from_time),
            to_lsn: window.to.to_string(),
            last_wal: window.last.map(|last| last.to_string()),
            last_wal_stored: time(window.stored),
            last_commit: time(window.last_commit),
            partial: window.partial,
            missing_next: window.gap.map(|gap| gap.to_string()),
            within_timeline: window.within.map(|within| within.number()),
            backups: texts(&window.backups),
        }
    }
}

impl TimelineJson {
    fn new(cover: &TimelineCover) -> Self {
        let left = match cover.origin {
            Origin::Left(fork) => Some(fork),
            Origin::First | Origin::Unknown => None,
        };
        Self {
            timeline: cover.timeline.number(),
            parent: left.map(|fork| fork.from.number()),
            switched_at: left.map(|fork| fork.at.to_string()),
            history: match cover.origin {
                Origin::First => "first",
                Origin::Left(_) => "known",
                Origin::Unknown => "missing",
            },
            reachable: cover.reachable,
            partial: cover.partial.map(|partial| partial.to_string()),
            runs: cover.runs.iter().map(RunJson::new).collect(),
        }
    }
}

impl RunJson {
    fn new(run: &WalRun) -> Self {
        Self {
            first: run.first.to_string(),
            last: run.last.to_string(),
            segments: run.count,
            stored_bytes: run.stored_bytes,
            first_stored: time(run.first_stored),
            last_stored: time(run.last_stored),
        }
    }
}

impl<'a> BackupJson<'a> {
    fn new(backup: &'a BackupCover) -> Self {
        let (state, error) = match &backup.state {
            BackupState::Restorable => ("restorable", None),
            BackupState::WalMissing(_) => ("wal-missing", None),
            BackupState::Unfit(why) => ("unfit", Some(why.as_str())),
            BackupState::Foreign(_) => ("foreign", None),
            BackupState::Snapshot => ("snapshot", None),
            BackupState::Failed(why) => ("failed", why.as_deref()),
            BackupState::HalfDeleted => ("half-deleted", None),
            BackupState::Running => ("running", None),
            BackupState::Dead => ("dead", None),
        };
        Self {
            id: backup.id.to_string(),
            name: backup.name.as_deref(),
            status: backup.status.name(),
            state,
            error,
            keep: backup.keep.map(crate::model::Keep::name),
            timeline: backup.timeline.map(crate::model::Timeline::number),
            begin_lsn: backup.begin.map(|lsn| lsn.to_string()),
            end_lsn: backup.end.map(|lsn| lsn.to_string()),
            began: time(backup.began),
            ended: time(backup.ended),
            stored_bytes: backup.stored_bytes,
        }
    }
}

impl<'a> ArchivingJson<'a> {
    fn new(outcome: &Outcome, server: &'a ServerSight) -> Self {
        let archiver = server.archiver.as_ref();
        let archived = archiver.and_then(|archiver| archiver.last_archived.as_ref());
        let failed = archiver.and_then(|archiver| archiver.last_failed.as_ref());
        Self {
            state: outcome.archiving.map(crate::model::ArchivingState::name),
            disabled: server.disabled.as_deref(),
            silent: server.silent.as_deref(),
            in_recovery: server.in_recovery,
            timeline: server.timeline.map(crate::model::Timeline::number),
            write_lsn: server.written.map(|lsn| lsn.to_string()),
            waiting: server.waiting.as_ref().map(|waiting| waiting.count),
            first_waiting: server.waiting.as_ref().and_then(|waiting| waiting.first.as_deref()),
            archived_count: archiver.map(|archiver| archiver.archived_count),
            failed_count: archiver.map(|archiver| archiver.failed_count),
            last_archived_wal: archived.map(|wrote| wrote.wal.as_str()),
            last_archived_time: time(archived.map(|wrote| wrote.at)),
            last_failed_wal: failed.map(|wrote| wrote.wal.as_str()),
            last_failed_time: time(failed.map(|wrote| wrote.at)),
            lag_bytes: outcome.lag.map(|lag| lag.bytes),
            lag_seconds: outcome.lag.and_then(|lag| lag.time).map(|time| time.as_secs()),
        }
    }
}
