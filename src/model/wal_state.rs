//! Whether a backup's WAL is there.

use super::{Backup, Lsn, SegmentName, SegmentSize, Timeline, WalInventory, WalName};

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
    /// The state of this backup's WAL.
    pub fn of(backup: &Backup, wal: &WalInventory) -> Self {
        let (Some(first), Some(last)) = (backup.begin.wal, last_needed(backup)) else { return Self::Unknown };
        if (last.timeline, last.log, last.seg) < (first.timeline, first.log, first.seg) {
            return Self::Unknown;
        }
        first_missing(first, last, backup.segment_size, wal).map_or(Self::Complete, Self::Missing)
    }
}

/// The segment that a backup ends in. A record names the one that *begins* at an end on a boundary, as a
/// standby's end is whenever its primary has just switched: nothing of that one is needed.
fn last_needed(backup: &Backup) -> Option<SegmentName> {
    let (named, size) = (backup.end.wal?, backup.segment_size);
    match backup.end.lsn {
        Some(end) if end.0 > 0 && named.start(size) == Some(end) => {
            Some(SegmentName::holding(named.timeline, Lsn(end.0 - 1), size))
        }
        _ => Some(named),
    }
}

/// The first file that is missing between two segments. A standby may change its timeline while it is
/// copied; where, only the history tells. So WAL may go over to a later timeline at any segment, but
/// never back, and the last timeline's history must be there.
fn first_missing(
    first: SegmentName,
    last: SegmentName,
    size: SegmentSize,
    wal: &WalInventory,
) -> Option<WalName> {
    if first.timeline != last.timeline && !wal.has_history(last.timeline) {
        return Some(WalName::History(last.timeline));
    }
    let mut at = first;
    while (at.log, at.seg) <= (last.log, last.seg) {
        let latest = (at.log, at.seg) == (last.log, last.seg);
        let on = |timeline: u32| Some(SegmentName { timeline: Timeline::new(timeline)?, ..at });
        // The last segment must be there on the last timeline.
        let from = if latest { last.timeline } else { at.timeline };
        let mut candidates = (from.number()..=last.timeline.number()).filter_map(on);
        match candidates.find(|candidate| wal.has_segment(*candidate)) {
            Some(found) => at = found.next(size)?,
            None => return Some(WalName::Segment(SegmentName { timeline: from, ..at })),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{BackupStatus, Compression, WalObject};

    fn state(begin: &str, end: &str, names: &[&str]) -> WalState {
        let mut backup = Backup::new("20260102T030405".parse().unwrap(), BackupStatus::Done);
        backup.begin.wal = begin.parse().ok();
        backup.end.wal = end.parse().ok();
        let object = |name: &&str| WalObject {
            name: name.parse().unwrap(),
            compression: Compression::Zstd,
            stored_bytes: 1,
        };
        WalState::of(&backup, &WalInventory::new(names.iter().map(object).collect()))
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
        let mut backup = Backup::new("20260102T030405".parse().unwrap(), BackupStatus::Done);
        backup.begin.wal = "000000010000000000000005".parse().ok();
        backup.end.wal = "000000010000000000000006".parse().ok();
        let object = WalObject {
            name: "000000010000000000000005".parse().unwrap(),
            compression: Compression::Zstd,
            stored_bytes: 1,
        };
        let wal = WalInventory::new(vec![object]);
        backup.end.lsn = Some(Lsn(0x0600_0000));
        assert_eq!(WalState::of(&backup, &wal), WalState::Complete);
        backup.end.lsn = Some(Lsn(0x0600_0001));
        let missing = WalState::Missing("000000010000000000000006".parse().unwrap());
        assert_eq!(WalState::of(&backup, &wal), missing);
    }

    #[test]
    fn a_change_of_timeline_in_between_needs_its_history_and_goes_one_way() {
        let [a1, b1, b2, c2] = [
            "000000010000000000000005",
            "000000010000000000000006",
            "000000020000000000000006",
            "000000020000000000000007",
        ];
        let history = "00000002.history";
        assert_eq!(state(a1, c2, &[a1, b2, c2, history]), WalState::Complete);
        assert_eq!(state(a1, c2, &[a1, b1, b2, c2, history]), WalState::Complete);
        assert_eq!(state(a1, c2, &[a1, b2, c2]), WalState::Missing(history.parse().unwrap()));
        assert_eq!(state(a1, c2, &[a1, b1, history]), WalState::Missing(c2.parse().unwrap()));
    }
}
