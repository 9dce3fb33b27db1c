//! What each backup is good for.

use std::time::Duration;

use jiff::Timestamp;

use super::ArchiveFacts;
use super::lines::Lines;
use crate::model::{
    Backup, BackupFact, BackupId, BackupStatus, Keep, Lsn, SegmentName, SystemId, Timeline, TimelineHistory,
    WalName, WalState,
};

/// A backup under way stores something within this time: tars are ended after 1 GiB, and WAL is waited for
/// minutes.
const SILENT: Duration = Duration::from_hours(24);

/// One base backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupCover {
    /// Which.
    pub id: BackupId,
    /// The name a user gave it.
    pub name: Option<String>,
    /// What its record says.
    pub status: BackupStatus,
    /// What it is kept for.
    pub keep: Option<Keep>,
    /// The timeline it began on.
    pub timeline: Option<Timeline>,
    /// Where recovery begins.
    pub begin: Option<Lsn>,
    /// Where it is consistent: the first point one can recover to.
    pub end: Option<Lsn>,
    /// When it began.
    pub began: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// What it takes in the store, in bytes.
    pub stored_bytes: u64,
    /// What it is good for.
    pub state: BackupState,
    /// How far recovery from it gets on each timeline that can be followed from it.
    pub reaches: Vec<Reach>,
}

/// What a backup is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupState {
    /// It can be restored, as far as lists and records tell.
    Restorable,
    /// It is whole, and WAL from its beginning to its end is missing: the first such file, if it is known.
    WalMissing(Option<WalName>),
    /// It was completed, and cannot be restored from here all the same; why.
    Unfit(String),
    /// It is another cluster's.
    Foreign(SystemId),
    /// It consists of volume snapshots, which are not in the store.
    Snapshot,
    /// It failed; what its record says of it.
    Failed(Option<String>),
    /// Its deletion was begun.
    HalfDeleted,
    /// It may be under way.
    Running,
    /// It was begun, and nothing of it was stored for a day.
    Dead,
}

impl BackupState {
    /// All names, in the order of the states.
    pub const NAMES: [&'static str; 9] = [
        "restorable",
        "wal-missing",
        "unfit",
        "foreign",
        "snapshot",
        "failed",
        "half-deleted",
        "running",
        "dead",
    ];

    /// The name in machine-readable output; stable.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Restorable => "restorable",
            Self::WalMissing(_) => "wal-missing",
            Self::Unfit(_) => "unfit",
            Self::Foreign(_) => "foreign",
            Self::Snapshot => "snapshot",
            Self::Failed(_) => "failed",
            Self::HalfDeleted => "half-deleted",
            Self::Running => "running",
            Self::Dead => "dead",
        }
    }
}

/// How far recovery from a backup gets along one timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The timeline that is followed.
    pub timeline: Timeline,
    /// Where the WAL ends: the first position that is not certainly there.
    pub to: Lsn,
    /// The last complete segment before it; `None` when there is none from the backup's beginning on.
    pub last: Option<SegmentName>,
    /// When that was stored.
    pub stored: Option<Timestamp>,
    /// An incomplete segment behind it has some more.
    pub partial: bool,
    /// The first segment that is missing, when there is more WAL behind it.
    pub gap: Option<SegmentName>,
    /// Whether recovery comes by the backup's end, without which the server does not open.
    pub consistent: bool,
}

impl BackupCover {
    pub(super) fn new(fact: &BackupFact, facts: &ArchiveFacts<'_>, lines: &Lines<'_>) -> Self {
        let BackupFact { backup, keep, stored_bytes, .. } = fact;
        let size = backup.segment_size;
        let recorded = backup.begin.wal.and_then(|wal| wal.start(size));
        let begin = backup.begin.lsn.or(recorded);
        let mut cover = Self {
            id: backup.id,
            name: backup.name.clone(),
            status: backup.status,
            keep: *keep,
            timeline: backup.timeline.or(backup.begin.wal.map(|wal| wal.timeline)),
            begin,
            end: backup.end.lsn,
            began: backup.begin.time.as_ref().map(jiff::Zoned::timestamp),
            ended: backup.end.time.as_ref().map(jiff::Zoned::timestamp),
            stored_bytes: *stored_bytes,
            state: BackupState::Restorable,
            reaches: Vec::new(),
        };
        match unfit(fact, facts, &cover) {
            Some(state) => cover.state = state,
            None => cover.follow(backup, facts, lines),
        }
        cover
    }

    /// Follows every timeline that comes by the backup.
    fn follow(&mut self, backup: &Backup, facts: &ArchiveFacts<'_>, lines: &Lines<'_>) {
        let (Some(own), Some(begin), Some(end)) = (self.timeline, self.begin, self.end) else { return };
        let ended_on = backup.end.wal.map_or(own, |wal| wal.timeline);
        // As `choose` decides it: of one that went over to another timeline while it was copied only the
        // beginning is known to lie on its own.
        let surely_own = if ended_on == own { end } else { begin };
        let mut histories: Vec<TimelineHistory> = facts.timelines.iter().cloned().collect();
        for timeline in [Timeline::FIRST, own] {
            if histories.iter().all(|history| history.timeline() != timeline) {
                histories.push(facts.timelines.history(timeline));
            }
        }
        histories.sort_by_key(TimelineHistory::timeline);
        histories.retain(|history| history.reaches(own, surely_own) && history.reaches(ended_on, end));
        for history in &histories {
            let found = lines.follow(history, begin);
            self.reaches.push(Reach {
                timeline: history.timeline(),
                to: found.to,
                last: found.last,
                stored: found.last.and_then(|last| facts.wal.stored(&WalName::Segment(last))),
                partial: found.partial,
                gap: found.gap,
                consistent: found.to >= end,
            });
        }
        if !self.reaches.iter().any(|reach| reach.consistent) {
            let first = match WalState::of(backup, facts.wal, facts.timelines) {
                WalState::Missing(name) => Some(name),
                WalState::Complete | WalState::Unknown => None,
            };
            self.state = BackupState::WalMissing(first);
        }
    }
}

/// Why a backup cannot begin a recovery, whatever WAL there is.
fn unfit(fact: &BackupFact, facts: &ArchiveFacts<'_>, cover: &BackupCover) -> Option<BackupState> {
    let backup = &fact.backup;
    let lacks = |what: &str| Some(BackupState::Unfit(format!("its record does not tell {what}")));
    match backup.status {
        _ if backup.is_half_deleted() => return Some(BackupState::HalfDeleted),
        BackupStatus::Failed => return Some(BackupState::Failed(backup.error.clone())),
        BackupStatus::Done | BackupStatus::WaitingForWals => {}
        BackupStatus::Started | BackupStatus::Empty | BackupStatus::Syncing => {
            let last = fact.recorded.or(cover.began);
            let silent = last.is_some_and(|last| facts.now.duration_since(last).unsigned_abs() >= SILENT);
            return Some(if silent { BackupState::Dead } else { BackupState::Running });
        }
    }
    if let Some((found, expected)) = backup.system_id.zip(facts.system_id)
        && found != expected
    {
        return Some(BackupState::Foreign(found));
    }
    if backup.is_snapshot() {
        return Some(BackupState::Snapshot);
    }
    if let Some(parent) = &backup.parent {
        return Some(BackupState::Unfit(format!("it is incremental and needs {parent}")));
    }
    if let Some(flaw) = facts.flaws.get(&backup.id) {
        return Some(BackupState::Unfit(flaw.clone()));
    }
    if backup.timeline.is_none() {
        return lacks("its timeline");
    }
    if cover.begin.is_none() {
        return lacks("where it began");
    }
    if cover.end.is_none() {
        return lacks("where it ended");
    }
    if backup.segment_size != facts.size {
        let (found, size) = (backup.segment_size, facts.size);
        return Some(BackupState::Unfit(format!("its segments are of {found}, the archive's of {size}")));
    }
    None
}
