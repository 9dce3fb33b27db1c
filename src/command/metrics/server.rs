//! What can be recovered of a server, what is amiss, how archiving goes, and what is verified.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::Timestamp;

use super::{Elders, Seen};
use crate::command::exposition::Exposition;
use crate::command::status::Outcome;
use crate::command::verify::Remembered;
use crate::model::{ArchivingState, Coverage, Health, ServerName, Timeline};

/// The states of archiving, in the order in which they are told.
const STATES: [ArchivingState; 5] = [
    ArchivingState::Working,
    ArchivingState::Failing,
    ArchivingState::Lost,
    ArchivingState::Starting,
    ArchivingState::Disabled,
];

/// Tells of one server.
pub(super) fn tell(all: &mut Exposition, seen: &Seen, elders: &Elders) {
    elder(all, seen, elders);
    let Ok(outcome) = &seen.end else { return };
    health(all, outcome);
    points(all, outcome);
    windows(all, outcome);
    wal(all, outcome);
    archiving(all, outcome);
    if let Some(verified) = &seen.verified {
        verification(all, &outcome.name, verified);
    }
}

/// The three gauges that others have had before: with their meaning, which is not that something can be
/// recovered (spec/cloudnativepg.md 4.1, 4.2).
fn elder(all: &mut Exposition, seen: &Seen, elders: &Elders) {
    let server: &[(&'static str, &dyn Display)] = &[("server", &seen.name)];
    let labels = if seen.among_others { server } else { &[] };
    let coverage = seen.end.as_ref().ok().map(|outcome| &outcome.coverage);
    let known = |at: Option<Timestamp>| Some(at.map_or(0, Timestamp::as_second));
    let help = "The end of the oldest completed backup, or 0; barkeep_first_recoverable_point_timestamp_seconds \
                heeds gaps as well.";
    all.gauge(elders.first_point, help).tell(labels, known(coverage.and_then(oldest_end)));
    let newest = coverage.and_then(Coverage::last_successful).and_then(|backup| backup.ended);
    all.gauge(elders.last_available, "The end of the newest completed backup, or 0.")
        .tell(labels, known(newest));
    let failed = coverage.and_then(Coverage::last_failed).and_then(|backup| backup.ended.or(backup.began));
    all.gauge(elders.last_failed, "When the newest failed backup ended, or 0.").tell(labels, known(failed));
}

/// The end of the oldest completed backup with both times.
fn oldest_end(coverage: &Coverage) -> Option<Timestamp> {
    let usable = coverage.backups.iter().filter(|backup| backup.status.is_usable() && backup.began.is_some());
    usable.filter_map(|backup| backup.ended).min()
}

fn health(all: &mut Exposition, outcome: &Outcome) {
    let server = &outcome.name;
    let worst = match outcome.health() {
        Health::Ok => 0_u64,
        Health::Warning => 1,
        Health::Critical => 2,
    };
    all.gauge("barkeep_health", "What barkeep status ends with: 0 ok, 1 a warning, 2 critical.")
        .tell(&[("server", server)], Some(worst));
    let mut kinds: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for finding in &outcome.findings {
        *kinds.entry((finding.kind, finding.health.name())).or_default() += 1;
    }
    let findings =
        all.gauge("barkeep_findings", "What barkeep status finds to say, by kind and how bad it is.");
    for ((kind, health), count) in kinds {
        findings.tell(&[("server", server), ("kind", &kind), ("health", &health)], Some(count));
    }
}

fn points(all: &mut Exposition, outcome: &Outcome) {
    let (server, coverage) = (&outcome.name, &outcome.coverage);
    let labels: &[(&'static str, &dyn Display)] = &[("server", server)];
    all.gauge("barkeep_recoverable", "Whether anything can be recovered.")
        .tell(labels, Some(!coverage.windows.is_empty()));
    all.gauge("barkeep_present_recoverable", "Whether the WAL that was archived last can be recovered.")
        .tell(labels, Some(coverage.covers_present()));
    let first = coverage.first_point().and_then(|window| window.from_time);
    all.gauge(
        "barkeep_first_recoverable_point_timestamp_seconds",
        "From when on something can be recovered.",
    )
    .tell(labels, first.map(Timestamp::as_second));
    let newest = coverage.newest_point().and_then(|window| window.stored);
    let help = "Up to when something can be recovered: when the last segment on the way was stored.";
    all.gauge("barkeep_newest_recoverable_point_timestamp_seconds", help)
        .tell(labels, newest.map(Timestamp::as_second));
}

/// The windows that are not part of another; each timeline's are numbered from the oldest.
fn windows(all: &mut Exposition, outcome: &Outcome) {
    let mut numbers: BTreeMap<Timeline, u64> = BTreeMap::new();
    for window in outcome.coverage.own_windows() {
        let number = *numbers.entry(window.timeline).and_modify(|number| *number += 1).or_insert(1);
        let timeline = window.timeline.number();
        let labels: &[(&'static str, &dyn Display)] =
            &[("server", &outcome.name), ("timeline", &timeline), ("window", &number)];
        let help = "When a window without gaps begins that can be recovered: the end of its first backup.";
        all.gauge("barkeep_window_begin_timestamp_seconds", help)
            .tell(labels, window.from_time.map(Timestamp::as_second));
        let help = "When it ends: when its last segment was stored.";
        all.gauge("barkeep_window_end_timestamp_seconds", help)
            .tell(labels, window.stored.map(Timestamp::as_second));
        all.gauge("barkeep_window_begin_lsn", "Where it begins, as a number of bytes.")
            .tell(labels, Some(window.from.0));
        all.gauge("barkeep_window_end_lsn", "Where it ends, as a number of bytes.")
            .tell(labels, Some(window.to.0));
        all.gauge("barkeep_window_backups", "How many backups recovery in it may begin with.")
            .tell(labels, Some(window.backups.len()));
    }
}

fn wal(all: &mut Exposition, outcome: &Outcome) {
    let (server, coverage) = (&outcome.name, &outcome.coverage);
    let labels: &[(&'static str, &dyn Display)] = &[("server", server)];
    let stored = coverage.newest_wal().and_then(|run| run.last_stored);
    all.gauge("barkeep_newest_wal_stored_timestamp_seconds", "When the newest segment was stored.")
        .tell(labels, stored.map(Timestamp::as_second));
    all.gauge("barkeep_wal_gaps", "Gaps in WAL that some backup needs.")
        .tell(labels, Some(coverage.gaps.len()));
    let missing: u64 = coverage.gaps.iter().map(|gap| gap.count).sum();
    all.gauge("barkeep_wal_missing_segments", "Segments that are missing in these gaps.")
        .tell(labels, Some(missing));
    let missing = coverage.history_gaps.iter().map(|(first, last)| last.number() - first.number() + 1);
    all.gauge("barkeep_missing_histories", "Histories of timelines that are missing.")
        .tell(labels, Some(missing.map(u64::from).sum::<u64>()));
}

fn archiving(all: &mut Exposition, outcome: &Outcome) {
    let server = &outcome.name;
    let labels: &[(&'static str, &dyn Display)] = &[("server", server)];
    let Some(sight) = &outcome.server else { return };
    all.gauge("barkeep_server_up", "Whether the server could be asked how archiving goes.")
        .tell(labels, Some(sight.silent.is_none()));
    if let Some(now) = outcome.archiving {
        let help =
            "How archiving goes, by what PostgreSQL says and the archive has: 1 for the state it is in.";
        let state = all.gauge("barkeep_archiving_state", help);
        for each in STATES {
            state.tell(&[("server", server), ("state", &each.name())], Some(each == now));
        }
    }
    let help = "WAL that is written and in no complete segment of the archive.";
    all.gauge("barkeep_archiving_lag_bytes", help).tell(labels, outcome.lag.map(|lag| lag.bytes));
    let seconds = outcome.lag.map(|lag| lag.time.map_or(0.0, |time| time.as_secs_f64()));
    let help = "Since when nothing was stored while something waits; 0 when nothing waits.";
    all.gauge("barkeep_archiving_lag_seconds", help).tell(labels, seconds);
    all.gauge("barkeep_archiving_waiting_files", "WAL files that wait to be archived.")
        .tell(labels, sight.waiting.as_ref().map(|waiting| waiting.count));
    let Some(archiver) = &sight.archiver else { return };
    all.counter("barkeep_archiver_archived_total", "Files that PostgreSQL says it has archived.")
        .tell(labels, Some(archiver.archived_count));
    all.counter("barkeep_archiver_failed_total", "Attempts that PostgreSQL says have failed.")
        .tell(labels, Some(archiver.failed_count));
    let time = |wrote: &Option<crate::model::Wrote>| wrote.as_ref().map(|wrote| wrote.at.as_second());
    all.gauge("barkeep_archiver_last_archived_timestamp_seconds", "When it last archived a file.")
        .tell(labels, time(&archiver.last_archived));
    all.gauge("barkeep_archiver_last_failed_timestamp_seconds", "When an attempt last failed.")
        .tell(labels, time(&archiver.last_failed));
}

fn verification(all: &mut Exposition, server: &ServerName, verified: &Remembered) {
    let labels: &[(&'static str, &dyn Display)] = &[("server", server)];
    let help =
        "WAL files and base backups by whether barkeep verify has ever read them and found them sound.";
    let objects = all.gauge("barkeep_verify_objects", help);
    objects.tell(&[("server", server), ("state", &"verified")], Some(verified.verified));
    objects.tell(&[("server", server), ("state", &"never")], Some(verified.never));
    let help = "When the one was last verified whose turn it is next.";
    all.gauge("barkeep_verify_oldest_timestamp_seconds", help)
        .tell(labels, verified.oldest.map(Timestamp::as_second));
    all.gauge("barkeep_verify_newest_timestamp_seconds", "When something was verified last.")
        .tell(labels, verified.newest.map(Timestamp::as_second));
}
