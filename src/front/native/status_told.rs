//! What `status` says: one line for a monitor, then the figures, the windows, and what is amiss with the
//! next command to type.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::map::{Chart, Style, draw};
use super::render::{Report, line};
use super::render_backups::{size, table};
use super::verified::moment;
use crate::command::status::Outcome;
use crate::front::exit::Exit;
use crate::model::{
    BackupCover, BackupState, Coverage, Health, Lag, Origin, ServerSight, StatusFinding, TimelineCover,
    WalRun, Window, Wrote, coarse_span,
};

/// The end of `status`.
pub(super) struct Status {
    pub(super) store: String,
    pub(super) servers: Vec<Outcome>,
    /// How the map is drawn, when it is.
    pub(super) map: Option<Style>,
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
            let chart = self.map.zip(Chart::of(&outcome.coverage, outcome.now));
            if let Some((style, chart)) = chart {
                let _ = write!(text, "\nmap\n{}", draw(&chart, style));
            }
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
    match (amiss.as_slice(), coverage.newest_point()) {
        ([], Some(window)) => {
            let from = window.from_time.map_or_else(|| window.from.to_string(), moment);
            let older = match coverage.own_windows().count() {
                0 | 1 => String::new(),
                2 => "; and 1 more window".to_owned(),
                count => format!("; and {} more windows", count - 1),
            };
            let to = window.last_commit.map_or_else(
                || format!("{}{}", window.to, stored_ago(window.stored, *now)),
                |at| format!("{}, {}", moment(at), ago(at, *now)),
            );
            format!("{name}: recoverable from {from} to {to}{older}")
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
        let time = time.map(|time| format!(", {} without an upload", coarse_span(time))).unwrap_or_default();
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
        let to = window
            .last_commit
            .map_or_else(|| window.to.to_string(), |at| format!("{} ({})", moment(at), window.to));
        let backups = match window.backups.len() {
            1 => "1 backup".to_owned(),
            count => format!("{count} backups"),
        };
        vec![
            format!("  timeline {}", window.timeline.number()),
            format!("from {from}({})", window.from),
            format!("to {to}{}{more}", last.unwrap_or_default()),
            backups,
            window.gap.map(|gap| format!("then {gap} is missing")).unwrap_or_default(),
        ]
    };
    coverage.own_windows().map(row).collect()
}

/// How long ago that was, in its largest unit that is worth two digits.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let since = now.duration_since(at);
    let span = coarse_span(since.unsigned_abs());
    if since.is_negative() { format!("in {span}") } else { format!("{span} ago") }
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
            within_timeline: window.within.map(crate::model::Timeline::number),
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
        let error = match &backup.state {
            BackupState::Unfit(why) => Some(why.as_str()),
            BackupState::Failed(why) => why.as_deref(),
            _ => None,
        };
        Self {
            id: backup.id.to_string(),
            name: backup.name.as_deref(),
            status: backup.status.name(),
            state: backup.state.name(),
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
        let done = archiver.and_then(|archiver| archiver.last_archived.as_ref());
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
            last_archived_wal: done.map(|wrote| wrote.wal.as_str()),
            last_archived_time: time(done.map(|wrote| wrote.at)),
            last_failed_wal: failed.map(|wrote| wrote.wal.as_str()),
            last_failed_time: time(failed.map(|wrote| wrote.at)),
            lag_bytes: outcome.lag.map(|lag| lag.bytes),
            lag_seconds: outcome.lag.and_then(|lag| lag.time).map(|time| time.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::model::{
        ArchiveFacts, Archiver, ArchivingState, Backup, BackupFact, BackupStatus, Compression,
        InventoryBuilder, Keep, Lsn, SegmentSize, StatusFacts, StatusLimits, SystemId, Timeline,
        TimelineHistory, Timelines, Waiting, WalObject, status_findings,
    };

    const SIZE: u64 = 16 << 20;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-{text}Z").parse().unwrap()
    }

    fn backup(day: u32, first: u64, last: u64) -> BackupFact {
        let mut backup = Backup::new(format!("202601{day:02}T000000").parse().unwrap(), BackupStatus::Done);
        backup.timeline = Timeline::new(1);
        backup.system_id = Some(SystemId(7_000));
        for (edge, minute, number) in [(&mut backup.begin, 0, first), (&mut backup.end, 10, last)] {
            edge.lsn = Some(Lsn(number * SIZE + 0x100));
            edge.wal = format!("0000000100000000{number:08X}").parse().ok();
            edge.time = Some(at(&format!("{day:02}T00:{minute:02}:00")).to_zoned(TimeZone::UTC));
        }
        BackupFact { backup, keep: None, recorded: None, stored_bytes: 3 << 30 }
    }

    /// Three backups, the last of them failed; a gap; a promotion; a server whose archiving fails.
    fn outcome() -> Outcome {
        let mut backups = [backup(1, 2, 3), backup(3, 8, 9), backup(4, 11, 11)];
        backups[1].backup.name = Some("nightly".to_owned());
        backups[1].keep = Some(Keep::Full);
        backups[2].backup.status = BackupStatus::Failed;
        backups[2].backup.error = Some("the store has gone".to_owned());
        let mut wal = InventoryBuilder::default();
        let on = |timeline: u32, numbers: std::ops::RangeInclusive<u64>| {
            numbers.map(move |number| format!("{timeline:08X}00000000{number:08X}"))
        };
        let names = on(1, 1..=4).chain(on(1, 7..=11)).chain(on(2, 12..=20));
        for (minute, name) in names.chain(["00000002.history".to_owned()]).enumerate() {
            let object = WalObject {
                name: name.parse().unwrap(),
                compression: Compression::Zstd,
                stored_bytes: 5 << 20,
            };
            wal.push(object, Some(at(&format!("05T00:{minute:02}:00"))));
        }
        let wal = wal.finish();
        let history = TimelineHistory::parse(Timeline::new(2).unwrap(), "1\t0/C000060\tx\n").unwrap();
        let timelines = Timelines::new([history]);
        let now = at("05T01:30:00");
        let coverage = Coverage::of(&ArchiveFacts {
            backups: &backups,
            flaws: &BTreeMap::new(),
            wal: &wal,
            timelines: &timelines,
            system_id: Some(SystemId(7_000)),
            size: SegmentSize::DEFAULT,
            now,
        });
        let wrote = |wal: &str, time: &str| Some(Wrote { wal: wal.to_owned(), at: at(time) });
        let server = ServerSight {
            system_id: Some(SystemId(7_000)),
            timeline: Timeline::new(2),
            in_recovery: Some(false),
            written: Some(Lsn(23 * SIZE + 0x60)),
            archiver: Some(Archiver {
                archived_count: 20,
                failed_count: 7,
                last_archived: wrote("000000020000000000000014", "05T00:17:00"),
                last_failed: wrote("000000020000000000000015", "05T01:29:00"),
            }),
            waiting: Some(Waiting { count: 2, first: Some("000000020000000000000015".to_owned()) }),
            ..ServerSight::default()
        };
        let limits = StatusLimits::default();
        let findings = status_findings(&StatusFacts {
            coverage: &coverage,
            wal: &wal,
            unreadable: &[],
            bad_histories: &[],
            system_id: Some(SystemId(7_000)),
            newest_system_id: Some(SystemId(7_000)),
            server: Some(&server),
            limits: &limits,
            now,
        });
        Outcome {
            address: "s3://wal/prod (server main)".to_owned(),
            name: "main".parse().unwrap(),
            now,
            unreadable: Vec::new(),
            system_id: Some(SystemId(7_000)),
            archiving: ArchivingState::of(&server, &wal),
            lag: Lag::of(&server, &coverage, now),
            server: Some(server),
            coverage,
            findings,
        }
    }

    fn of(servers: Vec<Outcome>) -> Status {
        Status { store: "s3://wal/prod".to_owned(), servers, map: None }
    }

    #[test]
    fn a_server_in_trouble_is_told_with_the_next_command() {
        let status = of(vec![outcome()]);
        insta::assert_snapshot!(status.text());
        insta::assert_snapshot!("status_json", status.json());
        assert_eq!(status.exit(), Exit::Critical);
    }

    #[test]
    fn a_server_that_is_well_is_told_in_one_line_and_its_figures() {
        let mut well =
            Outcome { server: None, archiving: None, lag: None, findings: Vec::new(), ..outcome() };
        // Where the last WAL was read.
        let newest = well.coverage.windows.iter_mut().max_by_key(|window| (window.timeline, window.to));
        newest.unwrap().last_commit = Some(at("05T00:16:30"));
        let status = of(vec![well]);
        insta::assert_snapshot!(status.text());
        assert_eq!(status.exit(), Exit::Done);
    }

    #[test]
    fn the_worst_server_decides_and_no_server_is_critical() {
        let well = Outcome { findings: Vec::new(), ..outcome() };
        assert_eq!(of(vec![well, outcome()]).exit(), Exit::Critical);
        assert_eq!(of(Vec::new()).exit(), Exit::Critical);
        assert_eq!(of(Vec::new()).text(), "CRITICAL - there is no server in s3://wal/prod\n");
    }

    #[test]
    fn ages_are_told_in_one_unit() {
        let now = at("05T01:30:00");
        for (then, told) in [
            ("05T01:29:01", "59 s ago"),
            ("05T01:20:00", "10 min ago"),
            ("04T01:30:00", "24 h ago"),
            ("01T01:30:00", "4 d ago"),
            ("05T01:40:00", "in 10 min"),
        ] {
            assert_eq!(ago(at(then), now), told, "{then}");
        }
    }
}
