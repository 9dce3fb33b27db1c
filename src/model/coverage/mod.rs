//! What an archive covers: to which instants one can recover, from the backups and the WAL that are really
//! there.
//!
//! Recovery from a backup reads WAL without a gap from the backup's beginning on, along the history of the
//! timeline it follows, and may stop anywhere from the backup's end to where the WAL ends. A *window* is all
//! of these points of one timeline between two gaps. Everything here is computed from lists and records;
//! nothing of the WAL itself is read.

mod backup;
mod daily;
mod lines;
mod window;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use backup::{BackupCover, BackupState, Reach};
pub use daily::{StoredOnDay, stored_by_day};
pub use lines::{Origin, TimelineCover, WalRun};
pub use window::Window;

use self::lines::Lines;
use super::{
    BackupFact, BackupId, Finding, Gap, Lsn, SegmentName, SegmentSize, SystemId, Timeline, Timelines,
    WalInventory, WalName, history_gaps, wal_gaps,
};

/// What is known of an archive.
#[derive(Debug, Clone, Copy)]
pub struct ArchiveFacts<'a> {
    /// The backups whose record can be read, oldest first.
    pub backups: &'a [BackupFact],
    /// What is wrong with the files of some of them.
    pub flaws: &'a BTreeMap<BackupId, String>,
    /// The WAL there is, and when it was stored.
    pub wal: &'a WalInventory,
    /// The histories that can be read.
    pub timelines: &'a Timelines,
    /// The cluster whose archive it is.
    pub system_id: Option<SystemId>,
    /// The size of its segments.
    pub size: SegmentSize,
    /// What time it is.
    pub now: Timestamp,
}

/// What an archive covers.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// The size of its segments.
    pub size: SegmentSize,
    /// The timelines that there is WAL or a history of, oldest first.
    pub timelines: Vec<TimelineCover>,
    /// The backups whose record can be read, oldest first.
    pub backups: Vec<BackupCover>,
    /// What can be recovered to: by timeline, then by position.
    pub windows: Vec<Window>,
    /// Segments that are missing and that some backup needs, or in an archive without usable backups those
    /// between others; by timeline, then by position.
    pub gaps: Vec<Gap>,
    /// Histories that are missing, from one timeline to another, both included.
    pub history_gaps: Vec<(Timeline, Timeline)>,
    /// Segments from before the oldest backup began, which serve none.
    pub unneeded: WalTally,
    /// What all of it takes in the store.
    pub sizes: Sizes,
}

/// A number of files and their bytes in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalTally {
    /// How many.
    pub files: u64,
    /// What they take in the store, in bytes.
    pub stored_bytes: u64,
}

/// What an archive takes in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sizes {
    /// Its WAL files, histories and labels included.
    pub wal: WalTally,
    /// Its usable backups, and their bytes.
    pub backups: WalTally,
    /// What lies there of the other backups.
    pub remains: WalTally,
}

impl Coverage {
    /// Computes it. With a million segments this takes memory for their runs, not for each of them.
    pub fn of(facts: &ArchiveFacts<'_>) -> Self {
        let lines = Lines::new(facts.wal, facts.timelines, facts.size);
        let backups: Vec<BackupCover> =
            facts.backups.iter().map(|fact| BackupCover::new(fact, facts, &lines)).collect();
        let windows = window::windows(&backups, facts.timelines);
        let mut timelines = lines.covers();
        for cover in &mut timelines {
            cover.reachable = windows.iter().any(|window| reaches(window, cover.timeline, facts.timelines));
        }
        let gaps = wal_gaps(facts.backups, facts.wal, facts.timelines, facts.size);
        let gaps = gaps.into_iter().filter_map(|finding| match finding {
            Finding::WalGap(gap) => Some(gap),
            _ => None,
        });
        let holes = history_gaps(facts.backups, facts.wal).into_iter().filter_map(|finding| match finding {
            Finding::HistoryGap { first, last } => Some((first, last)),
            _ => None,
        });
        Self {
            size: facts.size,
            timelines,
            windows,
            gaps: gaps.collect(),
            history_gaps: holes.collect(),
            unneeded: unneeded(&backups, facts),
            sizes: sizes(&backups, facts),
            backups,
        }
    }

    /// The window that begins first: from here on something can be recovered.
    pub fn first_point(&self) -> Option<&Window> {
        self.windows.iter().min_by_key(|window| (window.from_time, window.from))
    }

    /// The window of the newest timeline that ends last.
    pub fn newest_point(&self) -> Option<&Window> {
        self.windows.iter().max_by_key(|window| (window.timeline, window.to))
    }

    /// The windows that are not part of one of a later timeline.
    pub fn own_windows(&self) -> impl Iterator<Item = &Window> {
        self.windows.iter().filter(|window| window.within.is_none())
    }

    /// The newest timeline with a complete segment: what its server writes now.
    pub fn present(&self) -> Option<&TimelineCover> {
        self.timelines.iter().rfind(|cover| !cover.runs.is_empty())
    }

    /// The newest segment of the newest timeline.
    pub fn newest_wal(&self) -> Option<&WalRun> {
        self.present().and_then(TimelineCover::newest)
    }

    /// Whether what was archived last can be recovered.
    pub fn covers_present(&self) -> bool {
        self.present().is_some_and(|cover| {
            let end = cover.newest().map_or(Lsn(0), |run| run.end);
            self.windows.iter().any(|window| window.timeline == cover.timeline && window.to >= end)
        })
    }

    /// The newest backup that can be restored.
    pub fn newest_restorable(&self) -> Option<&BackupCover> {
        self.backups
            .iter()
            .filter(|backup| backup.state == BackupState::Restorable)
            .max_by_key(|backup| by_end(backup))
    }

    /// The newest backup that was completed, whether it can be restored or not.
    pub fn last_successful(&self) -> Option<&BackupCover> {
        self.backups.iter().filter(|backup| backup.status.is_usable()).max_by_key(|backup| by_end(backup))
    }

    /// The newest backup that failed.
    pub fn last_failed(&self) -> Option<&BackupCover> {
        self.backups.iter().rfind(|backup| matches!(backup.state, BackupState::Failed(_)))
    }
}

fn by_end(backup: &BackupCover) -> (Option<Timestamp>, BackupId) {
    (backup.ended, backup.id)
}

/// Whether a window comes by this timeline's own WAL.
fn reaches(window: &Window, timeline: Timeline, timelines: &Timelines) -> bool {
    let history = timelines.history(window.timeline);
    let on = history.path().find(|(on, ..)| *on == timeline);
    on.is_some_and(|(_, from, to)| {
        from.is_none_or(|from| window.to > from) && to.is_none_or(|to| window.from <= to)
    })
}

/// What lies before the beginning of every backup that could use WAL. A volume snapshot uses it as well.
fn unneeded(backups: &[BackupCover], facts: &ArchiveFacts<'_>) -> WalTally {
    let usable = || backups.iter().filter(|backup| backup.status.is_usable());
    let begins: Option<Vec<Lsn>> = usable().map(|backup| backup.begin).collect();
    let Some(limit) = begins.and_then(|begins| begins.into_iter().min()) else {
        return WalTally::default();
    };
    let before = |segment: SegmentName| {
        segment.start(facts.size).is_some_and(|start| start.0.saturating_add(facts.size.bytes()) <= limit.0)
    };
    let mut tally = WalTally::default();
    for object in facts.wal.objects() {
        if let WalName::Segment(segment) = object.name
            && before(segment)
        {
            tally.add(object.stored_bytes);
        }
    }
    tally
}

fn sizes(backups: &[BackupCover], facts: &ArchiveFacts<'_>) -> Sizes {
    let mut sizes = Sizes::default();
    for object in facts.wal.objects() {
        sizes.wal.add(object.stored_bytes);
    }
    for backup in backups {
        let tally = if backup.status.is_usable() { &mut sizes.backups } else { &mut sizes.remains };
        tally.add(backup.stored_bytes);
    }
    sizes
}

impl WalTally {
    fn add(&mut self, stored_bytes: u64) {
        self.files += 1;
        self.stored_bytes += stored_bytes;
    }
}
