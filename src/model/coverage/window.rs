//! Windows: what can be recovered to.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::BackupCover;
use crate::model::{BackupId, Lsn, SegmentName, Timeline, Timelines};

/// All points between two gaps that recovery along one timeline can end at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The timeline that is followed; what its ancestors were before it left them belongs to it.
    pub timeline: Timeline,
    /// The first point: where the backup that ended first is consistent.
    pub from: Lsn,
    /// When that backup ended.
    pub from_time: Option<Timestamp>,
    /// Where the WAL ends: the first position that is not certainly there.
    pub to: Lsn,
    /// The last complete segment before it.
    pub last: Option<SegmentName>,
    /// When that was stored, by the store's clock.
    pub stored: Option<Timestamp>,
    /// An incomplete segment behind it has some more.
    pub partial: bool,
    /// The time of the last commit between `from` and `to`, where it is known: only the WAL itself tells, so whoever
    /// reads it fills this in.
    pub last_commit: Option<Timestamp>,
    /// The first segment that is missing, when there is more WAL behind it.
    pub gap: Option<SegmentName>,
    /// The backups that recovery may begin with, in the order of their ends.
    pub backups: Vec<BackupId>,
    /// The latest timeline with a window that has all these points, and more.
    pub within: Option<Timeline>,
}

/// The windows of all timelines, by timeline and position. Backups from which recovery ends at the same place
/// have all WAL between them, so that they belong together.
pub(super) fn windows(backups: &[BackupCover], timelines: &Timelines) -> Vec<Window> {
    let mut found: BTreeMap<(Timeline, Lsn), Window> = BTreeMap::new();
    let mut by_end: Vec<&BackupCover> = backups.iter().collect();
    by_end.sort_by_key(|backup| (backup.end, backup.ended, backup.id));
    for backup in by_end {
        let Some(from) = backup.end else { continue };
        for reach in backup.reaches.iter().filter(|reach| reach.consistent) {
            let window = found.entry((reach.timeline, reach.to)).or_insert_with(|| Window {
                timeline: reach.timeline,
                from,
                from_time: backup.ended,
                to: reach.to,
                last: reach.last,
                stored: reach.stored,
                partial: reach.partial,
                last_commit: None,
                gap: reach.gap,
                backups: Vec::new(),
                within: None,
            });
            window.backups.push(backup.id);
        }
    }
    let mut windows: Vec<Window> = found.into_values().collect();
    let within: Vec<_> = windows.iter().map(|window| within(window, &windows, timelines)).collect();
    for (window, within) in windows.iter_mut().zip(within) {
        window.within = within;
    }
    windows
}

fn within(window: &Window, all: &[Window], timelines: &Timelines) -> Option<Timeline> {
    let holds = |other: &&Window| {
        let history = timelines.history(other.timeline);
        let left = history.forks().iter().find(|fork| fork.from == window.timeline);
        // A partial segment may have more than what the fork took along; nobody has written it since.
        left.is_some_and(|fork| window.to <= fork.at) && other.from <= window.from && window.to <= other.to
    };
    all.iter().filter(holds).map(|other| other.timeline).max()
}
