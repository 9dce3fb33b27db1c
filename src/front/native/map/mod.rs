//! The map of an archive: what there is and what can be recovered, along one axis, a lane for each timeline.
//!
//! Here it is decided what stands where; [`text`] draws it in a terminal, and the page of `report` as SVG.

mod axis;
mod text;

#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub(super) use self::axis::{Axis, Place, Scale};
use self::axis::{NotTime, position};
pub(super) use self::text::{Style, draw, headline, terminal};
use crate::model::{
    BackupCover, BackupState, Coverage, Fork, Gap, Lsn, Origin, Timeline, TimelineCover, WalRun,
};

/// As many timelines are drawn, the newest.
const MOST_LANES: usize = 12;

/// Segments are stored several at a time, and clocks differ: so much disorder means nothing, in seconds.
const SLACK: i64 = 3600;

/// WAL that was stored so long after the end of a backup that needs it was copied, in seconds.
const COPIED: i64 = 24 * 3600;

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chart {
    pub(super) axis: Axis,
    /// Where the present is; `None` when it is too far away, or the axis is none of time.
    pub(super) now: Option<Place>,
    /// By timeline.
    pub(super) lanes: Vec<Lane>,
    /// So many older timelines are not drawn.
    pub(super) left_out: usize,
    /// So many backups are not drawn, because nobody knows where they belong.
    pub(super) unplaced: usize,
}

/// One timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lane {
    pub(super) timeline: Timeline,
    /// Whether some of its WAL can be recovered.
    pub(super) reachable: bool,
    pub(super) segments: u64,
    pub(super) stored_bytes: u64,
    /// Where it left its parent.
    pub(super) fork: Option<(Fork, Place)>,
    /// Its history is missing.
    pub(super) orphan: bool,
    /// Its WAL.
    pub(super) wal: Vec<Stretch>,
    /// WAL that is missing and that some backup needs.
    pub(super) gaps: Vec<Stretch>,
    /// Its incomplete last segment.
    pub(super) partial: Option<Place>,
    /// What can be recovered.
    pub(super) windows: Vec<Stretch>,
    /// Base backups that begin on it.
    pub(super) dots: Vec<Dot>,
}

/// From one place to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) from: Place,
    pub(super) to: Place,
}

/// A base backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dot {
    pub(super) at: Place,
    pub(super) mark: Mark,
    pub(super) id: String,
}

/// What a base backup is good for; the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// It can be restored.
    Good,
    /// It can, and somebody keeps it.
    Kept,
    /// It consists of volume snapshots.
    Snapshot,
    /// It may be under way.
    Running,
    /// It is whole and cannot be restored: its WAL is missing, or it belongs elsewhere.
    Unusable,
    /// It failed, or is a leftover.
    Failed,
}

impl Mark {
    pub(super) const ALL: [Self; 6] =
        [Self::Good, Self::Kept, Self::Snapshot, Self::Running, Self::Unusable, Self::Failed];

    fn of(backup: &BackupCover) -> Self {
        match &backup.state {
            BackupState::Restorable if backup.keep.is_some() => Self::Kept,
            BackupState::Restorable => Self::Good,
            BackupState::Snapshot => Self::Snapshot,
            BackupState::Running => Self::Running,
            BackupState::WalMissing(_) | BackupState::Unfit(_) | BackupState::Foreign(_) => Self::Unusable,
            BackupState::Failed(_) | BackupState::HalfDeleted | BackupState::Dead => Self::Failed,
        }
    }

    /// Whether recovery can begin with it, or may be able to soon.
    pub(super) const fn is_sound(self) -> bool {
        matches!(self, Self::Good | Self::Kept | Self::Snapshot | Self::Running)
    }

    /// What it is called in a legend.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Good => "backup",
            Self::Kept => "kept",
            Self::Snapshot => "volume snapshots",
            Self::Running => "under way",
            Self::Unusable => "WAL missing or unfit",
            Self::Failed => "failed",
        }
    }
}

/// Backups that share a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster<'a> {
    pub(super) column: usize,
    /// Oldest first.
    pub(super) dots: Vec<&'a Dot>,
    /// The worst, or among good ones the one that is kept.
    pub(super) mark: Mark,
}

impl Chart {
    /// The map of `coverage` at `now`; `None` when there is nothing to draw.
    pub(super) fn of(coverage: &Coverage, now: Timestamp) -> Option<Self> {
        let placing = Placing { coverage, scale: scale(coverage) };
        let mut lanes: Vec<Lane> = placing.lanes();
        let left_out = lanes.len().saturating_sub(MOST_LANES);
        lanes.drain(..left_out);
        let drawn: usize = lanes.iter().map(|lane| lane.dots.len()).sum();
        let elsewhere = |backup: &&BackupCover| {
            backup.timeline.is_some_and(|timeline| {
                lanes.first().is_some_and(|lane| timeline < lane.timeline) && left_out > 0
            })
        };
        let skipped = coverage.backups.iter().filter(elsewhere).count();
        let places: Vec<Place> = lanes.iter().flat_map(Lane::places).collect();
        let (first, last) = (*places.iter().min()?, *places.iter().max()?);
        let present = Some(now.as_second()).filter(|now| {
            placing.scale == Scale::Time && *now >= last && *now - last <= (last - first).max(SLACK)
        });
        let (from, to) = (first, present.unwrap_or(last));
        // A single moment is drawn in the middle of a minute, a single position in that of two segments.
        let room = match placing.scale {
            Scale::Time => 30,
            Scale::Position(_) => i64::try_from(coverage.size.bytes()).unwrap_or(1),
        };
        let (from, to) = if to - from < room { ((from - room).max(0), to + room) } else { (from, to) };
        let axis = Axis { scale: placing.scale, from, to };
        let unplaced = coverage.backups.len().saturating_sub(drawn + skipped);
        Some(Self { axis, now: present, lanes, left_out, unplaced })
    }

    /// Stretches as columns, in order; those that touch are one.
    pub(super) fn columns(&self, stretches: &[Stretch], columns: usize) -> Vec<(usize, usize)> {
        let column = |at| self.axis.column(at, columns);
        let mut all: Vec<_> = stretches.iter().map(|s| (column(s.from), column(s.to.max(s.from)))).collect();
        all.sort_unstable();
        all.into_iter().fold(Vec::new(), |mut merged: Vec<(usize, usize)>, (from, to)| {
            match merged.last_mut() {
                Some(last) if from <= last.1 + 1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
            merged
        })
    }

    /// Those of the backups that `which` chooses, by column.
    pub(super) fn clusters<'a>(
        &self,
        dots: &'a [Dot],
        columns: usize,
        which: impl Fn(Mark) -> bool,
    ) -> Vec<Cluster<'a>> {
        let mut chosen: Vec<&Dot> = dots.iter().filter(|dot| which(dot.mark)).collect();
        chosen.sort_by_key(|dot| dot.at);
        chosen.into_iter().fold(Vec::new(), |mut all: Vec<Cluster<'a>>, dot| {
            let column = self.axis.column(dot.at, columns);
            match all.last_mut() {
                Some(last) if last.column == column => {
                    last.mark = last.mark.max(dot.mark);
                    last.dots.push(dot);
                }
                _ => all.push(Cluster { column, dots: vec![dot], mark: dot.mark }),
            }
            all
        })
    }
}

impl Lane {
    fn places(&self) -> impl Iterator<Item = Place> + '_ {
        let stretches = self.wal.iter().chain(&self.gaps).chain(&self.windows);
        let stretches = stretches.flat_map(|stretch| [stretch.from, stretch.to]);
        let fork = self.fork.map(|(_, at)| at);
        stretches.chain(self.dots.iter().map(|dot| dot.at)).chain(fork).chain(self.partial)
    }
}

/// Whether times can be trusted with the order of things.
fn scale(coverage: &Coverage) -> Scale {
    let runs = || coverage.timelines.iter().flat_map(|cover| &cover.runs);
    if runs().any(|run| run.first_stored.is_none() || run.last_stored.is_none()) {
        return Scale::Position(NotTime::Unknown);
    }
    // Positions cannot place what has none; then what times there are must do.
    let usable = || coverage.backups.iter().filter(|backup| backup.status.is_usable());
    if usable().any(|backup| backup.ended.is_none() && backup.end.is_some()) {
        return Scale::Position(NotTime::Unknown);
    }
    let second = |at: Option<Timestamp>| at.map(Timestamp::as_second);
    let in_order = |cover: &TimelineCover| {
        let times: Vec<i64> = cover
            .runs
            .iter()
            .flat_map(|run| [second(run.first_stored), second(run.last_stored)])
            .flatten()
            .collect();
        times.windows(2).all(|pair| pair[1] + SLACK >= pair[0])
    };
    if !coverage.timelines.iter().all(in_order) {
        return Scale::Position(NotTime::OutOfOrder);
    }
    let copied = |backup: &BackupCover| {
        let (Some(timeline), Some(begin), Some(ended)) = (backup.timeline, backup.begin, backup.ended) else {
            return false;
        };
        let of_it = coverage.timelines.iter().find(|cover| cover.timeline == timeline);
        let runs = of_it.map(|cover| cover.runs.as_slice()).unwrap_or_default();
        let run = runs[..runs.partition_point(|run| run.begin <= begin)].last().filter(|run| begin < run.end);
        run.and_then(|run| run.first_stored).is_some_and(|at| at.as_second() > ended.as_second() + COPIED)
    };
    if usable().any(copied) { Scale::Position(NotTime::Copied) } else { Scale::Time }
}

/// Knows where things stand.
struct Placing<'a> {
    coverage: &'a Coverage,
    scale: Scale,
}

impl Placing<'_> {
    /// The timelines that there is something of.
    fn lanes(&self) -> Vec<Lane> {
        let Coverage { timelines, backups, .. } = self.coverage;
        let mut all: BTreeSet<Timeline> = timelines.iter().map(|cover| cover.timeline).collect();
        all.extend(backups.iter().filter_map(|backup| backup.timeline));
        let lanes = all.into_iter().map(|timeline| self.lane(timeline));
        lanes.filter(|lane| lane.places().next().is_some()).collect()
    }

    fn lane(&self, timeline: Timeline) -> Lane {
        let Coverage { windows, gaps, backups, .. } = self.coverage;
        let cover = self.cover(timeline);
        let runs = cover.map(|cover| cover.runs.as_slice()).unwrap_or_default();
        let fork = cover.and_then(|cover| match cover.origin {
            Origin::Left(fork) => Some(fork),
            Origin::First | Origin::Unknown => None,
        });
        let begin = |run: &WalRun| self.moment(run.first_stored, run.begin);
        let fork = fork.and_then(|fork| {
            let at = match self.scale {
                Scale::Time => runs.first().and_then(begin).or_else(|| self.place(fork.from, fork.at)),
                Scale::Position(_) => Some(position(fork.at)),
            };
            at.map(|at| (fork, at))
        });
        let wal = runs.iter().filter_map(|run| {
            Some(Stretch { from: begin(run)?, to: self.moment(run.last_stored, run.end)? })
        });
        let windows = windows.iter().filter(|window| window.timeline == timeline).filter_map(|window| {
            let to = match window.stored {
                Some(stored) => self.moment(Some(stored), window.to),
                None => self.place(timeline, window.to),
            };
            let from = self.moment(window.from_time, window.from);
            Some(Stretch { from: from.or(to)?, to: to.or(from)? })
        });
        let of_it = |backup: &&BackupCover| backup.timeline == Some(timeline);
        let dots = backups.iter().filter(of_it).filter_map(|backup| self.dot(backup));
        let missing = gaps.iter().filter(|gap| gap.first.timeline == timeline);
        Lane {
            timeline,
            reachable: cover.is_some_and(|cover| cover.reachable),
            segments: runs.iter().map(|run| run.count).sum(),
            stored_bytes: runs.iter().map(|run| run.stored_bytes).sum(),
            fork,
            orphan: cover.is_some_and(|cover| cover.origin == Origin::Unknown),
            wal: wal.collect(),
            gaps: missing.filter_map(|gap| self.gap(gap)).collect(),
            partial: cover
                .and_then(|cover| cover.partial)
                .and_then(|partial| self.place(timeline, partial.start(self.coverage.size)?)),
            windows: windows.collect(),
            dots: dots.collect(),
        }
    }

    fn dot(&self, backup: &BackupCover) -> Option<Dot> {
        let time = backup.ended.or(backup.began);
        let lsn = backup.end.or(backup.begin);
        let at = match (self.scale, time, lsn) {
            (Scale::Time, Some(time), _) => time.as_second(),
            (_, _, Some(lsn)) => self.place(backup.timeline?, lsn)?,
            _ => return None,
        };
        Some(Dot { at, mark: Mark::of(backup), id: backup.id.to_string() })
    }

    fn gap(&self, gap: &Gap) -> Option<Stretch> {
        let size = self.coverage.size;
        let (first, last) = (gap.first.start(size)?, gap.last.start(size)?);
        let end = last.checked_add(size.bytes())?;
        let timeline = gap.first.timeline;
        Some(Stretch { from: self.place(timeline, first)?, to: self.place(timeline, end)? })
    }

    fn cover(&self, timeline: Timeline) -> Option<&TimelineCover> {
        self.coverage.timelines.iter().find(|cover| cover.timeline == timeline)
    }

    /// The place of something of which both are known.
    fn moment(&self, time: Option<Timestamp>, lsn: Lsn) -> Option<Place> {
        match self.scale {
            Scale::Time => time.map(Timestamp::as_second),
            Scale::Position(_) => Some(position(lsn)),
        }
    }

    /// The place of a position: where the WAL around it was stored.
    fn place(&self, timeline: Timeline, at: Lsn) -> Option<Place> {
        if self.scale != Scale::Time {
            return Some(position(at));
        }
        let runs = &self.cover(timeline)?.runs;
        let second = |at: Option<Timestamp>| at.map(Timestamp::as_second);
        let next = runs.partition_point(|run| run.begin <= at);
        let after = runs.get(next);
        let Some(before) = next.checked_sub(1).and_then(|i| runs.get(i)) else {
            return second(after?.first_stored);
        };
        let (low, high) = if at <= before.end {
            ((before.begin, second(before.first_stored)?), (before.end, second(before.last_stored)?))
        } else {
            let low = (before.end, second(before.last_stored)?);
            (low, after.map_or(Some(low), |run| Some((run.begin, second(run.first_stored)?)))?)
        };
        let (along, all) = (i128::from(at.0.min(high.0.0) - low.0.0), i128::from(high.0.0 - low.0.0).max(1));
        let way = i128::from(high.1 - low.1) * along / all;
        Some(low.1 + i64::try_from(way).unwrap_or(0))
    }
}
