//! A timeline's history: where it and its ancestors forked.

use super::{Lsn, SegmentName, SegmentSize, Timeline};
use crate::error::{Error, Result};

/// The history of one timeline: its ancestors, oldest first, each with the position at which the next
/// one left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineHistory {
    timeline: Timeline,
    forks: Vec<Fork>,
}

/// Where a timeline was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fork {
    /// The timeline that was left.
    pub from: Timeline,
    /// Its last position that belongs to the history.
    pub at: Lsn,
}

impl TimelineHistory {
    /// The history of a timeline without ancestors, which has no file: timeline 1.
    pub const fn of_first(timeline: Timeline) -> Self {
        Self { timeline, forks: Vec::new() }
    }

    /// Reads the text of `NNNNNNNN.history`: at least one line `TIMELINE <tab> LSN <tab> reason`, each
    /// naming an earlier timeline than the one before it would allow, all of them below `timeline`
    /// (PostgreSQL's `readTimeLineHistory` demands the same). A history that was cut off or exchanged
    /// would send recovery down a wrong path, and an empty one would make it forget its ancestors.
    pub fn parse(timeline: Timeline, text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut forks: Vec<Fork> = Vec::new();
        for line in lines {
            let last = forks.last().map_or(0, |fork| fork.from.number());
            let fork = fork(line).filter(|f| f.from.number() > last && f.from < timeline);
            forks.push(fork.ok_or_else(|| {
                let wanted =
                    format!("a timeline between {} and {} and an LSN", last + 1, timeline.number() - 1);
                Error::corrupt(format!("the line `{line}` of the history does not name {wanted}"))
            })?);
        }
        if forks.is_empty() {
            Err(Error::corrupt("the history names no ancestor"))
        } else {
            Ok(Self { timeline, forks })
        }
    }

    /// Whose history it is.
    pub const fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// Its ancestors, oldest first, and where each was left.
    pub fn forks(&self) -> &[Fork] {
        &self.forks
    }

    /// The timelines from the oldest ancestor to this one, each with where it begins (`None` for the
    /// oldest) and where it was left (`None` for this one).
    pub fn path(&self) -> impl DoubleEndedIterator<Item = (Timeline, Option<Lsn>, Option<Lsn>)> + '_ {
        let ends = self.forks.iter().map(|fork| (fork.from, Some(fork.at))).chain([(self.timeline, None)]);
        let mut ends: Vec<_> = ends.map(|(timeline, end)| (timeline, None, end)).collect();
        for (i, fork) in self.forks.iter().enumerate() {
            ends[i + 1].1 = Some(fork.at);
        }
        ends.into_iter()
    }

    /// Whether what timeline `on` was at position `at` is part of this history: `on` is this timeline
    /// itself, or an ancestor that was left at `at` or later.
    pub fn reaches(&self, on: Timeline, at: Lsn) -> bool {
        on == self.timeline || self.forks.iter().any(|fork| fork.from == on && at <= fork.at)
    }

    /// The name of the segment with the byte at `at` that recovery along this history reads. At a fork two
    /// timelines share a segment: the newer one's has what came before the fork as well, so PostgreSQL asks
    /// for that, and the older one's leads nowhere.
    pub fn segment(&self, at: Lsn, size: SegmentSize) -> SegmentName {
        let number = |lsn: Lsn| lsn.0 / size.bytes();
        let begun = |from: Option<Lsn>| from.is_none_or(|from| number(from) <= number(at));
        let newest = self.path().rev().find(|(_, from, _)| begun(*from));
        SegmentName::holding(newest.map_or(self.timeline, |(timeline, ..)| timeline), at, size)
    }

    /// The timeline that the byte at `at` belongs to.
    pub fn timeline_at(&self, at: Lsn) -> Timeline {
        self.forks.iter().find(|fork| at < fork.at).map_or(self.timeline, |fork| fork.from)
    }
}

fn fork(line: &str) -> Option<Fork> {
    let mut fields = line.split_whitespace();
    let from = Timeline::new(fields.next()?.parse().ok()?)?;
    Some(Fork { from, at: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(number: u32) -> Timeline {
        Timeline::new(number).unwrap()
    }

    fn history(text: &str) -> Result<TimelineHistory> {
        TimelineHistory::parse(timeline(4), text)
    }

    #[test]
    fn a_history_as_postgresql_writes_it_passes() {
        let text = "1\t0/3000000\tno recovery target specified\n\n3\t0/5000148\tafter LSN 0/5000060\n";
        let read = history(text).unwrap();
        let fork = |number, at| Fork { from: timeline(number), at: Lsn(at) };
        assert_eq!(read.forks(), [fork(1, 0x300_0000), fork(3, 0x500_0148)]);
        let path: Vec<_> = read.path().map(|(t, from, to)| (t.number(), from, to)).collect();
        let (first, second) = (Some(Lsn(0x300_0000)), Some(Lsn(0x500_0148)));
        assert_eq!(path, [(1, None, first), (3, first, second), (4, second, None)]);
        history("# a comment\n2\t1/A0\tbefore 2000-01-01\n").unwrap();
    }

    #[test]
    fn a_history_that_makes_no_sense_is_refused() {
        for bad in [
            "",
            "\n",
            "4\t0/3000000\tx\n",
            "2\t0/1\tx\n1\t0/2\tx\n",
            "1\n",
            "1\tx\ty\n",
            "<html>",
            "0\t0/1\tx",
        ] {
            assert!(history(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_segment_of_a_fork_is_the_newer_timelines() {
        let read = history("1\t0/3000080\tx\n3\t0/5000000\ty\n").unwrap();
        let name = |at| read.segment(Lsn(at), SegmentSize::DEFAULT).to_string();
        assert_eq!(name(0x2FF_FFFF), "000000010000000000000002");
        assert_eq!(name(0x300_0000), "000000030000000000000003");
        assert_eq!(name(0x4FF_FFFF), "000000030000000000000004");
        assert_eq!(name(0x500_0000), "000000040000000000000005");
    }

    #[test]
    fn an_ancestor_is_reached_up_to_where_it_was_left() {
        let read = history("1\t0/3000000\tx\n3\t0/5000000\ty\n").unwrap();
        let reaches = |number, at| read.reaches(timeline(number), Lsn(at));
        assert!(reaches(1, 0x300_0000) && !reaches(1, 0x300_0001));
        assert!(reaches(3, 0x400_0000) && reaches(4, u64::MAX) && !reaches(2, 0));
        let on = |at| read.timeline_at(Lsn(at)).number();
        assert_eq!((on(0), on(0x300_0000), on(0x4FF_FFFF), on(0x500_0000)), (1, 3, 3, 4));
    }
}
