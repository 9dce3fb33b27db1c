//! Base backups, sizes, and what could go.

use jiff::Timestamp;

use super::Expendable;
use crate::command::exposition::Exposition;
use crate::command::status::Outcome;
use crate::model::BackupState;

/// Tells of one server's.
pub(super) fn tell(all: &mut Exposition, outcome: &Outcome, retention: Option<Expendable>) {
    count(all, outcome);
    ages(all, outcome);
    sizes(all, outcome);
    let server = &outcome.name;
    let mut tell = |name: &str, help: &'static str, value: Option<u64>| {
        all.gauge(format!("barkeep_retention_{name}"), help).tell(&[("server", server)], value);
    };
    let would = |what: fn(Expendable) -> u64| retention.map(what);
    tell(
        "deletable_backups",
        "Backups that retention would delete now, by the configured policy.",
        would(|plan| plan.backups),
    );
    tell("deletable_wal_files", "WAL files that it would delete.", would(|plan| plan.wal_files));
    tell("deletable_wal_bytes", "What these take in the store.", would(|plan| plan.wal_bytes));
}

fn count(all: &mut Exposition, outcome: &Outcome) {
    let help = "Base backups by what they are good for; see barkeep status.";
    let backups = all.gauge("barkeep_backups", help);
    for state in BackupState::NAMES {
        let count = outcome.coverage.backups.iter().filter(|backup| backup.state.name() == state).count();
        backups.tell(&[("server", &outcome.name), ("state", &state)], Some(count));
    }
    backups.tell(&[("server", &outcome.name), ("state", &"unreadable")], Some(outcome.unreadable.len()));
}

fn ages(all: &mut Exposition, outcome: &Outcome) {
    let coverage = &outcome.coverage;
    let labels = &[("server", &outcome.name as &dyn std::fmt::Display)];
    let newest = coverage.newest_restorable();
    let help = "When the newest backup that can be restored ended.";
    all.gauge("barkeep_last_backup_timestamp_seconds", help)
        .tell(labels, newest.and_then(|backup| backup.ended).map(Timestamp::as_second));
    let took = newest.and_then(|backup| Some(backup.ended?.duration_since(backup.began?).as_secs_f64()));
    all.gauge("barkeep_last_backup_duration_seconds", "How long it took.").tell(labels, took);
    all.gauge("barkeep_last_backup_stored_bytes", "What it takes in the store.")
        .tell(labels, newest.map(|backup| backup.stored_bytes));
    let failed = coverage.last_failed().and_then(|backup| backup.ended.or(backup.began));
    all.gauge(
        "barkeep_last_failed_backup_timestamp_seconds",
        "When the newest failed backup ended, or began.",
    )
    .tell(labels, failed.map(Timestamp::as_second));
}

fn sizes(all: &mut Exposition, outcome: &Outcome) {
    let (server, coverage) = (&outcome.name, &outcome.coverage);
    let sizes = &coverage.sizes;
    let help = "What the archive takes in the store: its WAL, its usable backups, and remains of others.";
    let stored = all.gauge("barkeep_stored_bytes", help);
    for (part, tally) in [("wal", sizes.wal), ("backups", sizes.backups), ("remains", sizes.remains)] {
        stored.tell(&[("server", server), ("part", &part)], Some(tally.stored_bytes));
    }
    let labels = &[("server", server as &dyn std::fmt::Display)];
    all.gauge("barkeep_wal_files", "WAL files in the archive, histories and labels included.")
        .tell(labels, Some(sizes.wal.files));
    all.gauge("barkeep_wal_unneeded_files", "Segments from before the oldest backup, which serve none.")
        .tell(labels, Some(coverage.unneeded.files));
    all.gauge("barkeep_wal_unneeded_bytes", "What these take in the store.")
        .tell(labels, Some(coverage.unneeded.stored_bytes));
}
