//! The WAL that a backup needs, and whether the archive has it.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep};
use tracing::info;

use crate::archive::Archive;
use crate::command::fetch;
use crate::error::{Error, Result};
use crate::model::{Lsn, SegmentName, SegmentSize, Timeline, TimelineHistory, WalName};
use crate::pgdata::manifest::WalRange;

/// The first pause between two looks; each is twice as long as the one before.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// The WAL from where recovery begins to where the copy is consistent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WalSpan {
    pub(super) begin: Lsn,
    /// The timeline it begins on.
    pub(super) on: Timeline,
    pub(super) end: Lsn,
    /// The timeline it ends on: another when a standby's primary was replaced during the backup.
    pub(super) ended_on: Timeline,
}

impl WalSpan {
    /// What the manifest says of it: a range per timeline, the newest first, as PostgreSQL has it.
    pub(super) fn ranges(&self, history: &TimelineHistory) -> Vec<WalRange> {
        let path = history.path().skip_while(|(timeline, ..)| *timeline != self.on);
        let ranges = path.filter_map(|(timeline, from, to)| {
            let start = from.filter(|_| timeline != self.on).unwrap_or(self.begin);
            let end = to.map_or(self.end, |to| to.min(self.end));
            (start < end).then_some(WalRange { timeline, start, end })
        });
        let mut ranges: Vec<_> = ranges.collect();
        ranges.reverse();
        ranges
    }

    /// The same when nobody knows where it went over to another timeline.
    pub(super) fn one_range(&self) -> Vec<WalRange> {
        vec![WalRange { timeline: self.on, start: self.begin, end: self.end }]
    }

    /// The segments that hold it.
    fn segments(&self, history: &TimelineHistory, size: SegmentSize) -> Result<BTreeSet<SegmentName>> {
        // An end at a boundary is the end of the segment before it: nothing of the next is needed.
        let end = Lsn(self.end.0.saturating_sub(1));
        if end < self.begin {
            let Self { begin, end, .. } = self;
            return Err(Error::corrupt(format!("the backup ended at {end} and began at {begin}")));
        }
        let bytes = size.bytes();
        let numbers = self.begin.0 / bytes..=end.0 / bytes;
        Ok(numbers.map(|number| history.segment(Lsn(number * bytes), size)).collect())
    }
}

/// Pauses between looks, each longer than the one before, until the time is up.
pub(super) struct Pauses {
    end: Instant,
    next: Duration,
}

impl Pauses {
    /// All of them together take so long; none does when that is nothing.
    pub(super) fn within(time: Duration) -> Self {
        Self { end: Instant::now() + time, next: SHORTEST }
    }

    /// Pauses; `false` when the time is up.
    async fn pause(&mut self) -> bool {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        sleep(self.next.min(left)).await;
        self.next = (self.next * 2).min(LONGEST);
        true
    }
}

/// The history of the timeline that a backup ended on; `None` when the archive does not have it before the
/// time is up. Kind `Corrupt` when it does not come by where the backup began.
pub(super) async fn history(
    archive: &Archive,
    span: &WalSpan,
    pauses: &mut Pauses,
) -> Result<Option<TimelineHistory>> {
    let WalSpan { begin, on, ended_on, .. } = *span;
    if on == ended_on {
        return Ok(Some(TimelineHistory::of_first(on)));
    }
    loop {
        match fetch::history(archive, ended_on).await? {
            Some(history) if history.reaches(on, begin) => return Ok(Some(history)),
            Some(_) => {
                let on = on.number();
                let why = format!("{ended_on}.history does not come by {begin} on timeline {on}");
                return Err(Error::corrupt(why));
            }
            None if pauses.pause().await => {}
            None => return Ok(None),
        }
    }
}

/// Segments that are waited for: those that have not been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed(BTreeSet<SegmentName>);

impl Needed {
    /// Everything from where recovery begins to where the copy is consistent.
    pub(super) fn of(span: &WalSpan, history: &TimelineHistory, size: SegmentSize) -> Result<Self> {
        span.segments(history, size).map(Self)
    }

    /// One segment.
    pub(super) fn one(segment: SegmentName) -> Self {
        Self([segment].into())
    }

    /// Takes off what the archive has: one listing per timeline.
    async fn look(&mut self, archive: &Archive) -> Result<()> {
        let timelines: BTreeSet<_> = self.0.iter().map(|segment| segment.timeline).collect();
        for timeline in timelines {
            let mut of_it = self.0.iter().copied().filter(|segment| segment.timeline == timeline);
            let Some(first) = of_it.next() else { continue };
            let last = of_it.next_back().unwrap_or(first);
            let mut found = pin!(archive.wal_from(&WalName::Segment(first))?);
            while let Some(stored) = found.next().await {
                let Some(segment) = stored?.name.segment().filter(|segment| *segment <= last) else { break };
                self.0.remove(&segment);
            }
        }
        Ok(())
    }
}

/// Waits until the archive has all of them; gives the first that is missing when it has not before the time
/// is up.
pub(super) async fn missing(
    archive: &Archive,
    mut needed: Needed,
    pauses: &mut Pauses,
) -> Result<Option<SegmentName>> {
    let mut told = None;
    loop {
        needed.look(archive).await?;
        let Some(first) = needed.0.first().copied() else { return Ok(None) };
        if told != Some(first) {
            info!(segment = %first, "waiting for WAL to be archived");
            told = Some(first);
        }
        if !pauses.pause().await {
            return Ok(Some(first));
        }
    }
}

/// The file did not come: the same call may succeed once it does.
pub(super) fn overdue(file: WalName, within: Duration) -> Error {
    let what = if file.segment().is_some() { "segment " } else { "" };
    Error::unavailable(format!("{what}{file} is not in the archive after {within:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(number: u32) -> Timeline {
        Timeline::new(number).unwrap()
    }

    fn needed(begin: u64, end: u64) -> Result<Vec<u64>> {
        let span = WalSpan { begin: Lsn(begin), on: timeline(1), end: Lsn(end), ended_on: timeline(1) };
        let history = TimelineHistory::of_first(timeline(1));
        let needed = Needed::of(&span, &history, SegmentSize::DEFAULT)?;
        Ok(needed.0.into_iter().filter_map(|s| s.start(SegmentSize::DEFAULT)).map(|at| at.0).collect())
    }

    #[test]
    fn every_segment_from_begin_to_end_is_needed_and_none_after_a_boundary() {
        assert_eq!(needed(0x100_0028, 0x100_0138).unwrap(), [0x100_0000]);
        assert_eq!(needed(0x100_0028, 0x200_0000).unwrap(), [0x100_0000]);
        assert_eq!(needed(0x100_0028, 0x200_0001).unwrap(), [0x100_0000, 0x200_0000]);
        assert_eq!(needed(0xFF00_0028, 0x1_0000_0028).unwrap(), [0xFF00_0000, 0x1_0000_0000]);
        assert!(needed(0x200_0000, 0x100_0000).is_err());
    }

    fn over(end: u64, fork: &str) -> (Vec<String>, Vec<String>) {
        let (begin, end) = (Lsn(0x100_0028), Lsn(end));
        let span = WalSpan { begin, on: timeline(1), end, ended_on: timeline(2) };
        let history = TimelineHistory::parse(timeline(2), &format!("1\t{fork}\tx\n")).unwrap();
        let ranges = span.ranges(&history).into_iter();
        let ranges = ranges.map(|r| format!("{} {} {}", r.timeline.number(), r.start, r.end)).collect();
        let needed = Needed::of(&span, &history, SegmentSize::DEFAULT).unwrap();
        (ranges, needed.0.into_iter().map(|segment| segment.to_string()).collect())
    }

    #[test]
    fn past_a_fork_there_is_a_range_per_timeline_and_the_forks_segment_is_the_newer_ones() {
        let (ranges, needed) = over(0x300_0100, "0/2000080");
        assert_eq!(ranges, ["2 0/2000080 0/3000100", "1 0/1000028 0/2000080"]);
        let segments = ["000000010000000000000001", "000000020000000000000002", "000000020000000000000003"];
        assert_eq!(needed, segments);
    }

    #[test]
    fn an_end_on_the_boundary_where_the_fork_lies_needs_nothing_of_the_newer_timeline() {
        let (ranges, needed) = over(0x200_0000, "0/2000000");
        assert_eq!(ranges, ["1 0/1000028 0/2000000"]);
        assert_eq!(needed, ["000000010000000000000001"]);
    }
}
