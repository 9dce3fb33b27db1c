//! The WAL of each timeline: where it begins and ends, in how many pieces, and where recovery along a
//! history comes to its end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::model::verify::way;
use crate::model::{
    Fork, Lsn, SegmentName, SegmentSize, Timeline, TimelineHistory, Timelines, WalInventory, WalName,
};

/// Complete segments of one timeline without a gap between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalRun {
    /// The first.
    pub first: SegmentName,
    /// The last.
    pub last: SegmentName,
    /// How many.
    pub count: u64,
    /// What they take in the store, in bytes; one that lies there in two forms counts twice.
    pub stored_bytes: u64,
    /// Where the first begins.
    pub begin: Lsn,
    /// Where the last ends: the first position that is not in it.
    pub end: Lsn,
    /// When the first was stored, by the store's clock.
    pub first_stored: Option<Timestamp>,
    /// When the last was.
    pub last_stored: Option<Timestamp>,
}

/// What is known of where a timeline came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is the first.
    First,
    /// It left another one there.
    Left(Fork),
    /// Its history is not in the archive, or makes no sense.
    Unknown,
}

/// One timeline of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineCover {
    /// Which.
    pub timeline: Timeline,
    /// Where it came from.
    pub origin: Origin,
    /// Its complete segments, in order; between two runs there is a gap.
    pub runs: Vec<WalRun>,
    /// Its incomplete last segment.
    pub partial: Option<SegmentName>,
    /// Whether some of it can be recovered: it, or a timeline that came from it, has a window that comes
    /// by its WAL.
    pub reachable: bool,
}

impl TimelineCover {
    /// Its newest complete segment.
    pub fn newest(&self) -> Option<&WalRun> {
        self.runs.last()
    }
}

/// Where recovery from some place along a history ends for want of WAL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WayEnd {
    pub(super) to: Lsn,
    /// The last complete segment on the way.
    pub(super) last: Option<SegmentName>,
    /// An incomplete segment has some more.
    pub(super) partial: bool,
    /// What is missing, when the way goes on behind it.
    pub(super) gap: Option<SegmentName>,
}

/// The WAL of all timelines, in numbers of segments: number `n` begins at `n` times the segment size.
pub(super) struct Lines<'a> {
    size: SegmentSize,
    timelines: &'a Timelines,
    pub(super) runs: BTreeMap<Timeline, Vec<WalRun>>,
    partials: BTreeSet<(Timeline, u64)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(wal: &WalInventory, timelines: &'a Timelines, size: SegmentSize) -> Self {
        let mut lines = Self { size, timelines, runs: BTreeMap::new(), partials: BTreeSet::new() };
        for (object, stored) in wal.dated() {
            match object.name {
                WalName::Segment(segment) => lines.add(segment, object.stored_bytes, stored),
                WalName::Partial(segment) => {
                    let number = segment.start(size).map(|start| start.0 / size.bytes());
                    lines.partials.extend(number.map(|number| (segment.timeline, number)));
                }
                WalName::Label { .. } | WalName::History(_) => {}
            }
        }
        lines
    }

    /// Segments come in order. A name that segments of this size do not have belongs to another cluster.
    fn add(&mut self, segment: SegmentName, stored_bytes: u64, stored: Option<Timestamp>) {
        let Some(begin) = segment.start(self.size) else { return };
        let Some(end) = begin.checked_add(self.size.bytes()) else { return };
        let runs = self.runs.entry(segment.timeline).or_default();
        match runs.last_mut() {
            Some(run) if run.last == segment => run.stored_bytes += stored_bytes,
            Some(run) if run.end == begin => {
                (run.last, run.end, run.last_stored) = (segment, end, stored);
                run.count += 1;
                run.stored_bytes += stored_bytes;
            }
            _ => runs.push(WalRun {
                first: segment,
                last: segment,
                count: 1,
                stored_bytes,
                begin,
                end,
                first_stored: stored,
                last_stored: stored,
            }),
        }
    }

    /// The timelines that there is WAL or a history of.
    pub(super) fn covers(&self) -> Vec<TimelineCover> {
        let known = self.timelines.iter().map(TimelineHistory::timeline);
        let partial = self.partials.iter().map(|(timeline, _)| *timeline);
        let all: BTreeSet<Timeline> = self.runs.keys().copied().chain(partial).chain(known).collect();
        let cover = |timeline| TimelineCover {
            timeline,
            origin: self.origin(timeline),
            runs: self.runs.get(&timeline).cloned().unwrap_or_default(),
            partial: self.partial(timeline),
            reachable: false,
        };
        all.into_iter().map(cover).collect()
    }

    fn origin(&self, timeline: Timeline) -> Origin {
        match self.timelines.history(timeline).forks().last() {
            Some(fork) => Origin::Left(*fork),
            None if timeline == Timeline::FIRST => Origin::First,
            None => Origin::Unknown,
        }
    }

    fn partial(&self, timeline: Timeline) -> Option<SegmentName> {
        let all = self.partials.range((timeline, 0)..=(timeline, u64::MAX));
        all.last().map(|(_, number)| self.name(timeline, *number))
    }

    fn name(&self, timeline: Timeline, number: u64) -> SegmentName {
        SegmentName::holding(timeline, self.start(number), self.size)
    }

    fn start(&self, number: u64) -> Lsn {
        Lsn(number.saturating_mul(self.size.bytes()))
    }

    fn number(&self, at: Lsn) -> u64 {
        at.0 / self.size.bytes()
    }

    /// The run of a timeline that holds this segment.
    fn run(&self, timeline: Timeline, number: u64) -> Option<&WalRun> {
        let at = self.start(number);
        let runs = self.runs.get(&timeline)?;
        runs[..runs.partition_point(|run| run.begin <= at)].last().filter(|run| at < run.end)
    }

    /// Follows a history from a position on as far as there is WAL. At a fork two timelines share a segment,
    /// and recovery reads the newer one's; where only the older one's is there, it gets to the fork.
    pub(super) fn follow(&self, history: &TimelineHistory, from: Lsn) -> WayEnd {
        let begin = self.number(from);
        let farthest = self.number(Lsn(u64::MAX));
        let (mut at, mut last) = (begin, None);
        for (timeline, _, end) in way(history, (begin, farthest), self.size) {
            let Some(run) = self.run(timeline, at) else { break };
            let reached = self.number(run.end).min(end.saturating_add(1));
            (at, last) = (reached, Some(self.name(timeline, reached - 1)));
            if reached <= end {
                break;
            }
        }
        let (to, partial) = self.beyond(history, at);
        WayEnd { to, last, partial, gap: self.goes_on(history, at).then(|| self.wanted(history, at)) }
    }

    /// How far recovery gets in a segment that is not there as it is asked for: an older timeline's serves
    /// up to the fork, and an incomplete one as far as it was written, which is at least to where the next
    /// timeline left.
    fn beyond(&self, history: &TimelineHistory, at: u64) -> (Lsn, bool) {
        let start = self.start(at);
        let wanted = self.wanted(history, at).timeline;
        let older =
            history.path().filter(|(timeline, ..)| *timeline != wanted).filter_map(|(timeline, _, to)| {
                let to = to.filter(|to| *to > start && self.number(*to) == at)?;
                let there = self.run(timeline, at).is_some() || self.partials.contains(&(timeline, at));
                there.then_some(to)
            });
        if let Some(fork) = older.max() {
            return (fork, false);
        }
        if !self.partials.contains(&(wanted, at)) || wanted != history.timeline() {
            return (start, false);
        }
        let children = self.timelines.iter().filter_map(|child| child.forks().last());
        let forks = children.filter(|fork| fork.from == wanted && self.number(fork.at) == at);
        (forks.map(|fork| fork.at).max().unwrap_or(start), true)
    }

    /// The segment that recovery asks for there.
    fn wanted(&self, history: &TimelineHistory, number: u64) -> SegmentName {
        history.segment(self.start(number), self.size)
    }

    /// Whether there is WAL of this history behind a segment that is missing.
    fn goes_on(&self, history: &TimelineHistory, missing: u64) -> bool {
        let farthest = self.number(Lsn(u64::MAX));
        way(history, (missing.saturating_add(1), farthest), self.size).into_iter().any(
            |(timeline, first, last)| {
                let runs = self.runs.get(&timeline).map(Vec::as_slice).unwrap_or_default();
                runs.iter().any(|run| self.number(run.end) > first && self.number(run.begin) <= last)
            },
        )
    }
}
