//! What is missing among the WAL, told by its list alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Gap, Upset};
use crate::model::{
    Backup, BackupFact, BackupId, Compression, Keep, Lsn, SegmentName, SegmentSize, Timeline,
    TimelineHistory, Timelines, WalInventory, WalName, WalObject, last_position,
};

/// A stretch of one timeline that somebody needs, in numbers of segments, both ends included: number `n`
/// begins at `n` times the segment size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    size: SegmentSize,
    timeline: Timeline,
    first: u64,
    last: u64,
    /// Who needs it; nobody in particular in an archive without backups.
    by: Option<BackupId>,
    /// Without it that backup cannot be restored at all.
    vital: bool,
}

/// Segments that are missing. Every usable backup needs what lies between its begin and its end, and, unless
/// it is kept alone, everything after that: to the last segment of its timeline, and along their histories to
/// the last segment of each timeline that comes by its end. An archive without usable backups is to be
/// without gaps from the first segment of each timeline on; `size` is that of its segments.
///
/// What comes after the last complete segment of a timeline, an incomplete one included, is no gap: the
/// archive ends there.
pub fn wal_gaps(
    backups: &[BackupFact],
    wal: &WalInventory,
    timelines: &Timelines,
    size: SegmentSize,
) -> Vec<Finding> {
    let there = There::new(wal);
    let usable: Vec<&BackupFact> = backups.iter().filter(|fact| fact.backup.is_usable()).collect();
    let mut needs: Vec<Need> = usable.iter().flat_map(|fact| needs_of(fact, &there, timelines)).collect();
    if usable.is_empty() {
        needs.extend(there.ends.iter().filter_map(|(timeline, (first, last))| {
            let number = |name: &SegmentName| Some(name.start(size)?.0 / size.bytes());
            let (first, last) = (number(first)?, number(last)?);
            Some(Need { size, timeline: *timeline, first, last, by: None, vital: false })
        }));
    }
    let mut by_timeline: BTreeMap<(SegmentSize, Timeline), Vec<Need>> = BTreeMap::new();
    for need in needs {
        by_timeline.entry((need.size, need.timeline)).or_default().push(need);
    }
    let gaps = by_timeline.into_iter().flat_map(|((size, timeline), needs)| {
        let numbers = there.numbers(timeline, size);
        let missing: Vec<(u64, u64)> =
            union(&needs).into_iter().flat_map(|range| missing(range, &numbers)).collect();
        missing.into_iter().map(move |range| Finding::WalGap(gap(size, timeline, range, &needs)))
    });
    gaps.collect()
}

/// What segments there are.
struct There<'a> {
    wal: &'a WalInventory,
    /// The first and the last complete segment of each timeline.
    ends: BTreeMap<Timeline, (SegmentName, SegmentName)>,
}

impl<'a> There<'a> {
    fn new(wal: &'a WalInventory) -> Self {
        let mut ends = BTreeMap::new();
        for segment in segments(wal) {
            ends.entry(segment.timeline).or_insert((segment, segment)).1 = segment;
        }
        Self { wal, ends }
    }

    /// The numbers of a timeline's segments, each once and in order.
    fn numbers(&self, timeline: Timeline, size: SegmentSize) -> Vec<u64> {
        let mut numbers: Vec<u64> = segments(self.wal)
            .filter(|segment| segment.timeline == timeline)
            .filter_map(|segment| Some(segment.start(size)?.0 / size.bytes()))
            .collect();
        numbers.dedup();
        numbers
    }

    fn has(&self, need: &Need) -> bool {
        (need.first..=need.last).all(|number| self.wal.has_segment(name(need.size, need.timeline, number)))
    }
}

/// The complete segments, in order; one that lies there in two forms comes twice.
fn segments(wal: &WalInventory) -> impl Iterator<Item = SegmentName> + '_ {
    wal.objects().iter().filter_map(|object| match object.name {
        WalName::Segment(segment) => Some(segment),
        _ => None,
    })
}

fn name(size: SegmentSize, timeline: Timeline, number: u64) -> SegmentName {
    SegmentName::holding(timeline, Lsn(number.saturating_mul(size.bytes())), size)
}

/// What one backup needs. Of one whose record does not tell its begin and its end nothing is known; that is
/// told elsewhere.
fn needs_of(fact: &BackupFact, there: &There<'_>, timelines: &Timelines) -> Vec<Need> {
    read_needs(&fact.backup, fact.keep, there, timelines).unwrap_or_default()
}

fn read_needs(
    backup: &Backup,
    keep: Option<Keep>,
    there: &There<'_>,
    timelines: &Timelines,
) -> Option<Vec<Need>> {
    let size = backup.segment_size;
    let (first, end) = (backup.begin.wal?, last_position(backup)?);
    let own = backup.end.wal?.timeline;
    let (begin, end_number) = (first.start(size)?.0 / size.bytes(), end.0 / size.bytes());
    let own_way = timelines.history(own);
    if end_number < begin || !own_way.reaches(first.timeline, first.start(size)?) {
        return None;
    }
    let along = |history: &TimelineHistory, last: u64, vital: bool| -> Vec<Need> {
        let by = Some(backup.id);
        let need = |(timeline, first, last)| Need { size, timeline, first, last, by, vital };
        way(history, (begin, last), size).into_iter().map(need).collect()
    };
    // The timelines with segments that recovery from this backup can come to.
    let reached: Vec<(TimelineHistory, u64)> = there
        .ends
        .iter()
        .map(|(timeline, (_, last))| (timelines.history(*timeline), last))
        .filter(|(history, _)| history.reaches(own, backup.end.lsn.unwrap_or(end)))
        .filter_map(|(history, last)| Some((history, last.start(size)?.0 / size.bytes())))
        .collect();
    let mut needs = along(&own_way, end_number, true);
    if !needs.iter().all(|need| there.has(need)) {
        // At a fork the newer timeline has the segment as well.
        let mut others = reached.iter().map(|(history, _)| along(history, end_number, true));
        if let Some(whole) = others.find(|way| way.iter().all(|need| there.has(need))) {
            needs = whole;
        }
    }
    if keep != Some(Keep::Standalone) {
        let onward = reached.iter().filter(|(_, last)| *last >= end_number);
        needs.extend(onward.flat_map(|(history, last)| along(history, *last, false)));
    }
    Some(needs)
}

/// The stretches of each timeline that recovery along a history reads between these numbers. At a fork two
/// timelines share a segment, and recovery reads the newer one's.
pub(in crate::model) fn way(
    history: &TimelineHistory,
    (begin, end): (u64, u64),
    size: SegmentSize,
) -> Vec<(Timeline, u64, u64)> {
    let number = |lsn: Lsn| lsn.0 / size.bytes();
    let stretches = history.path().filter_map(|(timeline, from, to)| {
        let first = from.map_or(0, number).max(begin);
        let last = match to {
            Some(to) => number(to).checked_sub(1)?.min(end),
            None => end,
        };
        (first <= last).then_some((timeline, first, last))
    });
    stretches.collect()
}

/// The stretches that any of these needs, in order, those that touch as one.
fn union(needs: &[Need]) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = needs.iter().map(|need| (need.first, need.last)).collect();
    ranges.sort_unstable();
    let mut all: Vec<(u64, u64)> = Vec::new();
    for (first, last) in ranges {
        match all.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = (*end).max(last),
            _ => all.push((first, last)),
        }
    }
    all
}

/// What of a stretch is not among these numbers.
fn missing((first, last): (u64, u64), numbers: &[u64]) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut wanted = first;
    for number in &numbers[numbers.partition_point(|number| *number < first)..] {
        if *number > last {
            break;
        }
        if *number > wanted {
            gaps.push((wanted, number - 1));
        }
        wanted = number + 1;
    }
    if wanted <= last {
        gaps.push((wanted, last));
    }
    gaps
}

fn gap(size: SegmentSize, timeline: Timeline, (first, last): (u64, u64), needs: &[Need]) -> Gap {
    let harmed = needs.iter().filter(|need| need.first <= last && first <= need.last);
    let of = |vital: bool| {
        harmed.clone().filter(|need| need.vital == vital).filter_map(|need| need.by).collect::<BTreeSet<_>>()
    };
    let unrestorable = of(true);
    let stopped = of(false).difference(&unrestorable).copied().collect();
    Gap {
        first: name(size, timeline, first),
        last: name(size, timeline, last),
        count: last - first + 1,
        upset: Upset { unrestorable: unrestorable.into_iter().collect(), stopped },
    }
}

/// Histories that are missing. PostgreSQL looks for the latest timeline by counting on from the one it is on
/// as long as there is a history, so that one hole hides all that come after it; what lies before the oldest
/// usable backup's timeline, or in an archive without one before its oldest segment's, nobody asks for.
pub fn history_gaps(backups: &[BackupFact], wal: &WalInventory) -> Vec<Finding> {
    let begun = |fact: &BackupFact| fact.backup.begin.wal.map(|wal| wal.timeline).or(fact.backup.timeline);
    let usable = backups.iter().filter(|fact| fact.backup.is_usable()).filter_map(begun).min();
    let segments = || segments(wal).map(|segment| segment.timeline);
    let Some(base) = usable.or_else(|| segments().min()) else { return Vec::new() };
    let have: BTreeSet<Timeline> = wal
        .objects()
        .iter()
        .filter_map(|object| match object.name {
            WalName::History(timeline) => Some(timeline),
            _ => None,
        })
        .collect();
    let Some(newest) = segments().max().max(have.last().copied()) else { return Vec::new() };
    let mut gaps = Vec::new();
    let mut last = base.number();
    // The newest is the end of the range whether it has a history or not.
    let ends = have.iter().map(|timeline| timeline.number()).filter(|number| *number > base.number());
    let beyond = u64::from(newest.number()) + 1;
    for found in ends.map(u64::from).chain([beyond]) {
        if found > u64::from(last) + 1 {
            let range = Timeline::new(last + 1).zip(u32::try_from(found - 1).ok().and_then(Timeline::new));
            gaps.extend(range.map(|(first, last)| Finding::HistoryGap { first, last }));
        }
        last = u32::try_from(found).unwrap_or(u32::MAX);
    }
    gaps
}

/// WAL files that lie there in several forms, each with its compressions.
pub fn twins(wal: &WalInventory) -> Vec<(WalName, Vec<Compression>)> {
    let same = |one: &WalObject, other: &WalObject| one.name == other.name;
    let groups = wal.objects().chunk_by(same).filter(|group| group.len() > 1);
    groups.map(|group| (group[0].name, group.iter().map(|object| object.compression).collect())).collect()
}
