//! Whether a backup's WAL is there.

use super::{Backup, Lsn, TimelineHistory, Timelines, WalInventory, WalName};

/// Whether the archive has the WAL that a backup cannot be restored without: from the segment it begins
/// in to the one it ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalState {
    /// All of it.
    Complete,
    /// This is the first file that is missing.
    Missing(WalName),
    /// The record does not say which it is.
    Unknown,
}

impl WalState {
    /// The state of this backup's WAL. Of `timelines` only a backup that
    /// [changes its timeline](Backup::changes_timeline) needs to know.
    pub fn of(backup: &Backup, wal: &WalInventory, timelines: &Timelines) -> Self {
        Self::read(backup, wal, timelines).unwrap_or(Self::Unknown)
    }

    fn read(backup: &Backup, wal: &WalInventory, timelines: &Timelines) -> Option<Self> {
        let (first, last, size) = (backup.begin.wal?, backup.end.wal?, backup.segment_size);
        let (begin, end) = (first.start(size)?, last_position(backup)?);
        if last.timeline < first.timeline || end < begin {
            return None;
        }
        let history = if first.timeline == last.timeline {
            TimelineHistory::of_first(last.timeline)
        } else if timelines.has(last.timeline) {
            timelines.history(last.timeline)
        } else {
            return Some(Self::Missing(WalName::History(last.timeline)));
        };
        if !history.reaches(first.timeline, begin) {
            return None;
        }
        let starts = std::iter::successors(Some(begin), |at| Some(Lsn(at.0.checked_add(size.bytes())?)));
        let mut needed = starts.take_while(|at| *at <= end).map(|at| history.segment(at, size));
        let missing = needed.find(|segment| !wal.has_segment(*segment));
        Some(missing.map_or(Self::Complete, |segment| Self::Missing(WalName::Segment(segment))))
    }
}

/// A position in the last segment that a backup needs. A record names the one that *begins* at an end on a
/// boundary, as a standby's end is whenever its primary has just switched: nothing of that one is needed.
pub(super) fn last_position(backup: &Backup) -> Option<Lsn> {
    let start = backup.end.wal?.start(backup.segment_size)?;
    Some(if backup.end.lsn == Some(start) { Lsn(start.0.saturating_sub(1)) } else { start })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BackupStatus, Compression, Timeline, WalObject};

    fn state(begin: &str, end: &str, names: &[&str]) -> WalState {
        state_with(begin, end, None, names, &Timelines::default())
    }

    fn state_with(
        begin: &str,
        end: &str,
        end_lsn: Option<u64>,
        names: &[&str],
        timelines: &Timelines,
    ) -> WalState {
        let mut backup = Backup::new("20260102T030405".parse().unwrap(), BackupStatus::Done);
        backup.begin.wal = begin.parse().ok();
        backup.end.wal = end.parse().ok();
        backup.end.lsn = end_lsn.map(Lsn);
        let object = |name: &&str| WalObject {
            name: name.parse().unwrap(),
            compression: Compression::Zstd,
            stored_bytes: 1,
        };
        WalState::of(&backup, &WalInventory::new(names.iter().map(object).collect()), timelines)
    }

    #[test]
    fn every_segment_from_begin_to_end_counts() {
        let [a, b, c] = ["0000000100000000000000FE", "0000000100000000000000FF", "000000010000000100000000"];
        assert_eq!(state(a, c, &[a, b, c]), WalState::Complete);
        assert_eq!(state(a, c, &[a, c]), WalState::Missing(b.parse().unwrap()));
        assert_eq!(state(a, a, &[]), WalState::Missing(a.parse().unwrap()));
        assert_eq!(state(c, a, &[a, b, c]), WalState::Unknown);
        assert_eq!(state(a, "", &[a]), WalState::Unknown);
    }

    #[test]
    fn the_segment_that_begins_where_a_backup_ends_is_not_needed() {
        let [a, b] = ["000000010000000000000005", "000000010000000000000006"];
        let state = |end| state_with(a, b, Some(end), &[a], &Timelines::default());
        assert_eq!(state(0x0600_0000), WalState::Complete);
        assert_eq!(state(0x0600_0001), WalState::Missing(b.parse().unwrap()));
    }

    #[test]
    fn a_change_of_timeline_in_between_needs_its_history_and_the_forks_segment_of_the_newer_one() {
        let [a1, b1, b2, c2] = [
            "000000010000000000000005",
            "000000010000000000000006",
            "000000020000000000000006",
            "000000020000000000000007",
        ];
        let fork = |at: &str| {
            let text = format!("1\t{at}\tx\n");
            Timelines::new([TimelineHistory::parse(Timeline::new(2).unwrap(), &text).unwrap()])
        };
        let within = |names: &[&str]| state_with(a1, c2, None, names, &fork("0/6000080"));
        assert_eq!(within(&[a1, b2, c2]), WalState::Complete);
        assert_eq!(within(&[a1, b1, c2]), WalState::Missing(b2.parse().unwrap()));
        assert_eq!(within(&[a1, b1, b2]), WalState::Missing(c2.parse().unwrap()));
        let history = WalState::Missing("00000002.history".parse().unwrap());
        assert_eq!(state(a1, c2, &[a1, b2, c2]), history);

        // Where the fork is a boundary no segment is shared, and an end there needs nothing of the newer.
        let boundary = |end, names: &[&str]| state_with(a1, c2, end, names, &fork("0/7000000"));
        assert_eq!(boundary(None, &[a1, b1, c2]), WalState::Complete);
        assert_eq!(boundary(Some(0x0700_0000), &[a1, b1]), WalState::Complete);
        assert_eq!(boundary(Some(0x0700_0000), &[a1, b2]), WalState::Missing(b1.parse().unwrap()));
        assert_eq!(state_with(a1, c2, None, &[a1], &fork("0/4000000")), WalState::Unknown);
    }
}
