//! What follows from the facts: one finding after another, the worst first.

use std::time::Duration;

use jiff::Timestamp;

use super::server::age;
use super::{ArchivingState, Health, Lag, ServerSight, StatusFinding, StatusLimits, coarse_span};
use crate::model::{
    BackupCover, BackupId, BackupState, Coverage, Gap, SystemId, TimelineCover, WalInventory, WalName,
};

/// Segments are stored several at a time, so that a later one may be there before an earlier. Only when the
/// later one has been there for so long is the hole between them a gap.
const SETTLED: Duration = Duration::from_mins(5);

/// So many backups of one kind are told one by one.
const TOLD: usize = 5;

/// What findings are made from.
#[derive(Debug, Clone, Copy)]
pub struct StatusFacts<'a> {
    /// What the archive covers.
    pub coverage: &'a Coverage,
    /// Its WAL.
    pub wal: &'a WalInventory,
    /// Records that cannot be read, and why.
    pub unreadable: &'a [(BackupId, String)],
    /// Histories that cannot be read, and why.
    pub bad_histories: &'a [String],
    /// The cluster whose archive it is, as its backups say.
    pub system_id: Option<SystemId>,
    /// The cluster that the newest segment is of, by its header.
    pub newest_system_id: Option<SystemId>,
    /// The server, when one is at hand.
    pub server: Option<&'a ServerSight>,
    /// From where on something is amiss.
    pub limits: &'a StatusLimits,
    /// What time it is.
    pub now: Timestamp,
}

/// All that is to be said, the worst first.
pub fn status_findings(facts: &StatusFacts<'_>) -> Vec<StatusFinding> {
    let mut found = Found { facts, all: Vec::new() };
    found.server();
    found.absence();
    found.identity();
    found.timelines();
    found.histories();
    found.gaps();
    found.backups();
    found.ages();
    found.notes();
    let mut all = found.all;
    all.sort_by_key(|finding| std::cmp::Reverse(finding.health));
    all
}

struct Found<'a> {
    facts: &'a StatusFacts<'a>,
    all: Vec<StatusFinding>,
}

impl Found<'_> {
    fn add(&mut self, health: Health, kind: &'static str, message: String, reason: &str, next: &str) {
        let (reason, next) = (reason.to_owned(), next.to_owned());
        self.all.push(StatusFinding { health, kind, message, reason, next });
    }

    /// How bad it is that something older than the present cannot be recovered.
    fn unless_present_is_covered(&self) -> Health {
        if self.facts.coverage.covers_present() { Health::Warning } else { Health::Critical }
    }

    /// Nothing to recover with.
    fn absence(&mut self) {
        let StatusFacts { coverage, unreadable, .. } = *self.facts;
        if !coverage.windows.is_empty() {
            return;
        }
        let usable = coverage.backups.iter().filter(|backup| backup.status.is_usable()).count();
        let running = coverage.backups.iter().find(|backup| backup.state == BackupState::Running);
        let no_wal = coverage.timelines.iter().all(|cover| cover.runs.is_empty() && cover.partial.is_none());
        let nothing = "nothing can be recovered";
        if let Some(running) = running.filter(|_| usable == 0) {
            let message = format!("no base backup yet; {} is under way", running.id);
            self.add(
                Health::Warning,
                "no-backup",
                message,
                "nothing can be recovered before it is done",
                "barkeep status, again when it has ended",
            );
        } else if no_wal && coverage.backups.is_empty() && unreadable.is_empty() {
            let message = "the archive has neither WAL nor a base backup".to_owned();
            let reason =
                "nothing can be recovered; a wrong --server or a volume that is not mounted looks like that";
            self.add(Health::Critical, "empty", message, reason, "barkeep check");
        } else if usable == 0 && !no_wal {
            let message = "WAL but no base backup yet".to_owned();
            self.add(Health::Critical, "no-backup", message, nothing, "barkeep backup");
        } else if usable == 0 {
            let message = "there is no usable base backup".to_owned();
            self.add(Health::Critical, "no-backup", message, nothing, "barkeep backup");
        } else {
            let snapshots = coverage.backups.iter().any(|backup| backup.state == BackupState::Snapshot);
            let message = if snapshots {
                "the only usable backups are volume snapshots, which are not in the store"
            } else {
                "none of the base backups can be restored"
            };
            self.add(Health::Critical, "nothing-restorable", message.to_owned(), nothing, "barkeep backup");
        }
    }

    /// Two clusters in one archive.
    fn identity(&mut self) {
        let StatusFacts { coverage, system_id, newest_system_id, server, .. } = *self.facts;
        let next = "give each cluster a --server of its own";
        if let Some((server, own)) =
            server.and_then(|server| server.system_id).zip(system_id.or(newest_system_id))
            && server != own
        {
            let message = format!("the server is system {server}, and this is the archive of system {own}");
            self.add(Health::Critical, "other-cluster", message, "what it writes does not belong here", next);
        }
        if let Some((newest, own)) = newest_system_id.zip(system_id).filter(|(newest, own)| newest != own) {
            let message =
                format!("the newest WAL is of system {newest}, and the backups are of system {own}");
            self.add(Health::Critical, "foreign-wal", message, "no backup of this archive can use it", next);
        }
        for backup in &coverage.backups {
            if let (BackupState::Foreign(found), Some(own)) = (&backup.state, system_id) {
                let message = format!(
                    "backup {} is of system {found}, and this is the archive of system {own}",
                    backup.id
                );
                self.add(Health::Critical, "foreign-backup", message, "no WAL of this archive fits it", next);
            }
        }
    }

    /// Timelines with WAL that no backup leads to.
    fn timelines(&mut self) {
        let coverage = self.facts.coverage;
        if coverage.windows.is_empty() {
            return;
        }
        let oldest = coverage.first_point().map(|window| window.from);
        let newest = coverage.present().map(|cover| cover.timeline);
        let lost = |cover: &&TimelineCover| !cover.reachable && !cover.runs.is_empty();
        for cover in coverage.timelines.iter().filter(lost) {
            let number = cover.timeline.number();
            if Some(cover.timeline) == newest {
                let message =
                    format!("the WAL of timeline {number}, the newest, cannot be reached from any backup");
                self.add(
                    Health::Critical,
                    "unreachable-timeline",
                    message,
                    "what is written now cannot be recovered",
                    "barkeep backup",
                );
            } else if oldest.is_none_or(|oldest| cover.newest().is_some_and(|run| run.end > oldest)) {
                let message = format!("the WAL of timeline {number} cannot be reached from any backup");
                let reason =
                    "it went its own way, or its history is missing; what only it has cannot be recovered";
                self.add(Health::Ok, "unreachable-timeline", message, reason, "");
            }
        }
    }

    fn histories(&mut self) {
        let health = self.unless_present_is_covered();
        for (first, last) in &self.facts.coverage.history_gaps {
            let message = if first == last {
                format!("{first}.history is missing")
            } else {
                format!("{first}.history to {last}.history are missing")
            };
            let next = format!("on the server that has it: barkeep wal-archive pg_wal/{first}.history");
            let reason = "recovery that follows the latest timeline ends before it";
            self.add(health, "history-gap", message, reason, &next);
        }
        for why in self.facts.bad_histories {
            let message = format!("a history cannot be read: {why}");
            self.add(health, "bad-history", message, "recovery that needs it stops there", "barkeep verify");
        }
    }

    fn gaps(&mut self) {
        let coverage = self.facts.coverage;
        let health = self.unless_present_is_covered();
        for gap in &coverage.gaps {
            // Told as what is wrong with these backups.
            let vital = !gap.upset.unrestorable.is_empty() && gap.upset.stopped.is_empty();
            if vital && gap.upset.unrestorable.iter().all(|id| self.lacks_wal(*id)) {
                continue;
            }
            if self.may_be_on_its_way(gap) {
                let reason = "what comes after it was stored a moment ago, so that it may be on its way";
                self.add(
                    Health::Ok,
                    "wal-gap",
                    gap.to_string(),
                    reason,
                    "barkeep status, again in five minutes",
                );
                continue;
            }
            let next = if coverage.covers_present() {
                "barkeep verify; what lies in the gap is lost unless the server still has it".to_owned()
            } else {
                format!(
                    "barkeep wal-archive pg_wal/{} if the server still has it, else barkeep backup",
                    gap.first
                )
            };
            self.add(health, "wal-gap", gap.to_string(), &gap.upset.to_string(), &next);
        }
    }

    fn lacks_wal(&self, id: BackupId) -> bool {
        let of = |backup: &&BackupCover| backup.id == id;
        let backup = self.facts.coverage.backups.iter().find(of);
        backup.is_some_and(|backup| matches!(backup.state, BackupState::WalMissing(_)))
    }

    fn may_be_on_its_way(&self, gap: &Gap) -> bool {
        let size = self.facts.coverage.size;
        let after = gap.last.next(size).and_then(|next| self.facts.wal.stored(&WalName::Segment(next)));
        after.is_some_and(|stored| age(stored, self.facts.now) < SETTLED)
    }

    /// What is wrong with single backups.
    fn backups(&mut self) {
        let coverage = self.facts.coverage;
        let health = self.unless_present_is_covered();
        let mut told = 0;
        for backup in &coverage.backups {
            let id = backup.id;
            let again = format!("barkeep backup, then barkeep backup-delete {id}");
            let (kind, health, message, reason, next) = match &backup.state {
                BackupState::WalMissing(first) => {
                    let first = first.map_or_else(|| "some of it".to_owned(), |name| name.to_string());
                    let message = format!("the WAL of backup {id} is missing: {first}");
                    ("backup-without-wal", health, message, "this backup cannot be restored", again)
                }
                BackupState::Unfit(why) => {
                    let message = format!("backup {id} cannot be restored: {why}");
                    ("incomplete-backup", Health::Warning, message, "it only takes space", again)
                }
                BackupState::Dead => {
                    let message = format!("backup {id} was begun and nothing of it was stored for a day");
                    let reason = "whoever took it was killed; it is no backup";
                    (
                        "dead-backup",
                        Health::Warning,
                        message,
                        reason,
                        "barkeep backup; barkeep gc removes it after a week".to_owned(),
                    )
                }
                BackupState::HalfDeleted => {
                    let message = format!("the deletion of backup {id} was begun and not finished");
                    (
                        "half-deleted",
                        Health::Warning,
                        message,
                        "what is left of it takes space",
                        format!("barkeep backup-delete {id}"),
                    )
                }
                _ => continue,
            };
            told += 1;
            if told <= TOLD {
                self.add(health, kind, message, reason, &next);
            }
        }
        if told > TOLD {
            let message = format!("{} more backups have something amiss", told - TOLD);
            self.add(
                health,
                "more-backups",
                message,
                "only the first are told one by one",
                "barkeep backup-list",
            );
        }
        self.failed();
        for (id, why) in self.facts.unreadable {
            let message = format!("the record of backup {id} cannot be read: {why}");
            self.add(
                Health::Warning,
                "bad-record",
                message,
                "nobody knows what it is, and while it is there nothing is expired",
                "barkeep verify --quick",
            );
        }
    }

    /// A failure that no success has followed.
    fn failed(&mut self) {
        let coverage = self.facts.coverage;
        let Some(failed) = coverage.last_failed() else { return };
        if coverage.last_successful().is_some_and(|good| good.id > failed.id) {
            return;
        }
        let BackupState::Failed(why) = &failed.state else { return };
        let why = why.as_deref().unwrap_or("its record does not say why");
        let message = format!("the last backup, {}, failed: {why}", failed.id);
        self.add(
            Health::Warning,
            "failed-backup",
            message,
            "no backup has succeeded since",
            "barkeep backup",
        );
    }

    fn ages(&mut self) {
        let StatusFacts { coverage, limits, now, .. } = *self.facts;
        if let Some(ended) = coverage.newest_restorable().and_then(|backup| backup.ended) {
            let age = age(ended, now);
            let health = limits.backup_age.judge(&age);
            if health > Health::Ok {
                let message =
                    format!("the newest backup that can be restored ended {} ago", coarse_span(age));
                self.add(
                    health,
                    "old-backup",
                    message,
                    "recovery must replay all WAL since",
                    "barkeep backup",
                );
            }
        }
        let Some(stored) = coverage.newest_wal().and_then(|run| run.last_stored) else { return };
        let known = self.facts.server.filter(|server| server.silent.is_none());
        let waits = known.and_then(|server| {
            let waiting = server.waiting.as_ref().map(|waiting| waiting.count > 0);
            waiting.or_else(|| Lag::of(server, coverage, now).map(|lag| lag.time.is_some()))
        });
        if waits.unwrap_or(limits.judge_idle) {
            let age = age(stored, now);
            let health = limits.wal_age.judge(&age);
            if health > Health::Ok {
                let message = format!("the newest WAL was stored {} ago", coarse_span(age));
                let reason = match waits {
                    Some(_) => {
                        "WAL waits to be archived meanwhile; what it holds would be lost with the server"
                    }
                    None => "what was written since would be lost with the server, if it writes at all",
                };
                self.add(
                    health,
                    "old-wal",
                    message,
                    reason,
                    "look at PostgreSQL's log for archive_command; barkeep check",
                );
            }
        }
    }

    fn notes(&mut self) {
        let unneeded = self.facts.coverage.unneeded;
        if unneeded.files > 0 {
            let (message, reason) = match unneeded.files {
                1 => ("1 segment is older than any backup needs".to_owned(), "nothing uses it"),
                files => (format!("{files} segments are older than any backup needs"), "nothing uses them"),
            };
            self.add(
                Health::Ok,
                "unneeded-wal",
                message,
                reason,
                "barkeep retention with your policy and --dry-run",
            );
        }
    }

    fn server(&mut self) {
        let StatusFacts { coverage, wal, server, limits, now, .. } = *self.facts;
        let Some(server) = server else { return };
        if let Some(why) = &server.silent {
            let message = format!("PostgreSQL could not be asked: {why}");
            self.add(
                Health::Warning,
                "server-silent",
                message,
                "whether it archives is not known",
                "look whether it runs",
            );
        }
        if let Some(waiting) = &server.waiting {
            let health = limits.waiting.judge(&waiting.count);
            if health > Health::Ok {
                let message = format!("{} WAL files wait to be archived", waiting.count);
                self.add(
                    health,
                    "waiting",
                    message,
                    "they would be lost with the server, and its disk fills",
                    "barkeep check",
                );
            }
        }
        let last = |wrote: Option<&super::Wrote>| wrote.map(|wrote| wrote.wal.clone()).unwrap_or_default();
        let archiver = server.archiver.clone().unwrap_or_default();
        match ArchivingState::of(server, wal) {
            Some(ArchivingState::Failing) => {
                let stored = coverage.newest_wal().and_then(|run| run.last_stored);
                let health = match stored.map(|stored| limits.wal_age.judge(&age(stored, now))) {
                    Some(Health::Critical) | None => Health::Critical,
                    Some(_) => Health::Warning,
                };
                let message =
                    format!("archiving fails: {} was not archived", last(archiver.last_failed.as_ref()));
                let reason = "what is written meanwhile would be lost with the server, and its disk fills";
                self.add(
                    health,
                    "archiving-fails",
                    message,
                    reason,
                    "look at PostgreSQL's log for archive_command; barkeep check",
                );
            }
            Some(ArchivingState::Lost) => {
                let wal = last(archiver.last_archived.as_ref());
                let message =
                    format!("PostgreSQL says that {wal} is archived, and it is not in this archive");
                let reason = "it archives elsewhere, or archive_command succeeds without storing anything";
                self.add(
                    Health::Critical,
                    "archived-elsewhere",
                    message,
                    reason,
                    "look at archive_command; barkeep check",
                );
            }
            Some(ArchivingState::Disabled) if server.in_recovery != Some(true) => {
                let why = server.disabled.clone().unwrap_or_default();
                let message = format!("the server archives nothing: {why}");
                self.add(
                    Health::Critical,
                    "archiving-off",
                    message,
                    "what it writes would be lost with it",
                    "set archive_mode = on and archive_command = 'barkeep wal-archive %p'",
                );
            }
            _ => {}
        }
    }
}
