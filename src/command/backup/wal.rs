//! The WAL that a backup needs, and whether the archive has it.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::{Instant, sleep};
use tracing::info;

use super::copy::Last;
use crate::archive::Archive;
use crate::error::{Error, Result};
use crate::model::{Lsn, SegmentName, SegmentSize, Timeline, WalName};

/// The first pause between two looks; each is twice as long as the one before.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// Segments that are waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    /// Where the segments begin that have not been seen.
    missing: BTreeSet<Lsn>,
    /// The timelines any of which may have a segment, the newest last. There are two when a standby's
    /// primary was replaced during the backup: the new timeline takes over within a segment.
    timelines: Vec<Timeline>,
    size: SegmentSize,
}

impl Needed {
    /// Everything from where recovery begins to where the copy is consistent.
    pub(super) fn of(last: &Last, end_timeline: Timeline, size: SegmentSize) -> Result<Self> {
        // An end at a boundary is the end of the segment before it: nothing of the next is needed.
        let end = Lsn(last.end.0.saturating_sub(1));
        if end < last.begin {
            return Err(Error::corrupt(format!(
                "the backup ended at {} and began at {}",
                last.end, last.begin
            )));
        }
        let (first, bytes) = (last.begin.0 / size.bytes(), size.bytes());
        let missing = (first..=end.0 / bytes).map(|number| Lsn(number * bytes)).collect();
        let mut timelines = vec![last.timeline, end_timeline];
        timelines.dedup();
        Ok(Self { missing, timelines, size })
    }

    /// One segment of one timeline.
    pub(super) fn one(segment: SegmentName, size: SegmentSize) -> Self {
        Self { missing: segment.start(size).into_iter().collect(), timelines: vec![segment.timeline], size }
    }

    /// The segment at this position of the newest timeline it can be on.
    fn name(&self, at: Lsn, timeline: Timeline) -> SegmentName {
        SegmentName::holding(timeline, at, self.size)
    }

    /// The first that is missing, for messages.
    fn first(&self) -> Option<SegmentName> {
        let newest = *self.timelines.last()?;
        self.missing.first().map(|at| self.name(*at, newest))
    }

    /// Takes off what the archive has: one listing per timeline.
    async fn look(&mut self, archive: &Archive) -> Result<()> {
        for timeline in self.timelines.clone() {
            let (Some(first), Some(last)) = (self.missing.first(), self.missing.last()) else {
                return Ok(());
            };
            let (from, to) = (self.name(*first, timeline), self.name(*last, timeline));
            let mut found = pin!(archive.wal_from(&WalName::Segment(from))?);
            while let Some(stored) = found.next().await {
                let Some(segment) = stored?.name.segment().filter(|segment| *segment <= to) else { break };
                if let Some(start) = segment.start(self.size) {
                    self.missing.remove(&start);
                }
            }
        }
        Ok(())
    }
}

/// Waits until the archive has all of them; gives the first that is missing when it has not `within` this
/// time.
pub(super) async fn missing(
    archive: &Archive,
    mut needed: Needed,
    within: Duration,
) -> Result<Option<SegmentName>> {
    let end = Instant::now() + within;
    let mut pause = SHORTEST;
    let mut told = None;
    loop {
        needed.look(archive).await?;
        let Some(first) = needed.first() else { return Ok(None) };
        if told != Some(first) {
            info!(segment = %first, "waiting for WAL to be archived");
            told = Some(first);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Some(first));
        }
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// The segment did not come: the same call may succeed once it does.
pub(super) fn overdue(segment: SegmentName, within: Duration) -> Error {
    Error::unavailable(format!("segment {segment} is not in the archive after {within:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(number: u32) -> Timeline {
        Timeline::new(number).unwrap()
    }

    fn needed(begin: u64, end: u64) -> Result<Vec<u64>> {
        let last = Last { label: String::new(), timeline: timeline(1), begin: Lsn(begin), end: Lsn(end) };
        let needed = Needed::of(&last, timeline(1), SegmentSize::DEFAULT)?;
        Ok(needed.missing.into_iter().map(|at| at.0).collect())
    }

    #[test]
    fn every_segment_from_begin_to_end_is_needed_and_none_after_a_boundary() {
        assert_eq!(needed(0x100_0028, 0x100_0138).unwrap(), [0x100_0000]);
        assert_eq!(needed(0x100_0028, 0x200_0000).unwrap(), [0x100_0000]);
        assert_eq!(needed(0x100_0028, 0x200_0001).unwrap(), [0x100_0000, 0x200_0000]);
        assert_eq!(needed(0xFF00_0028, 0x1_0000_0028).unwrap(), [0xFF00_0000, 0x1_0000_0000]);
        assert!(needed(0x200_0000, 0x100_0000).is_err());
    }
}
