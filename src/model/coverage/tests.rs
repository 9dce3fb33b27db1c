//! Windows, and what else an archive covers, against a model that tries every position.

use jiff::tz::TimeZone;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::model::{Backup, BackupStatus, Compression, TimelineHistory, WalObject};

/// A segment of the model, and a quarter of one: positions are multiples of it.
const SEGMENT: u64 = 1 << 20;
const QUARTER: u64 = SEGMENT / 4;
/// So many segments each timeline of the model may have.
const SEGMENTS: u64 = 8;

fn size() -> SegmentSize {
    SegmentSize::new(SEGMENT).unwrap()
}

fn timeline(number: u32) -> Timeline {
    Timeline::new(number).unwrap()
}

fn name(on: u32, number: u64) -> SegmentName {
    SegmentName::holding(timeline(on), Lsn(number * SEGMENT), size())
}

/// A timeline of the model: the one it left, and after how many quarters. Timeline `n + 2` comes from `n`.
type Forks = [(u32, u64)];

fn histories(forks: &Forks) -> Timelines {
    let text = |number: u32| {
        let mut lines = Vec::new();
        let mut at = number;
        while let Some((from, quarter)) = parent(forks, at) {
            lines.push(format!("{from}\t{}\tx\n", Lsn(quarter * QUARTER)));
            at = from;
        }
        lines.reverse();
        TimelineHistory::parse(timeline(number), &lines.concat()).unwrap()
    };
    Timelines::new((2..u32::try_from(forks.len()).unwrap() + 2).map(text))
}

fn parent(forks: &Forks, on: u32) -> Option<(u32, u64)> {
    (on as usize).checked_sub(2).map(|i| forks[i])
}

fn backup(day: u32, on: u32, begin: u64, end: u64) -> BackupFact {
    let mut backup = Backup::new(format!("202601{day:02}T000000").parse().unwrap(), BackupStatus::Done);
    backup.timeline = Some(timeline(on));
    backup.segment_size = size();
    for (edge, quarter) in [(&mut backup.begin, begin), (&mut backup.end, end)] {
        edge.lsn = Some(Lsn(quarter * QUARTER));
        edge.wal = Some(name(on, quarter / 4));
        edge.time =
            Some(format!("2026-01-{day:02}T00:10:00Z").parse::<Timestamp>().unwrap().to_zoned(TimeZone::UTC));
    }
    BackupFact { backup, keep: None, recorded: None, stored_bytes: 10 }
}

fn inventory(segments: &[(u32, u64)], partials: &[(u32, u64)]) -> WalInventory {
    let object = |name| WalObject { name, compression: Compression::Zstd, stored_bytes: 1 };
    let segments = segments.iter().map(|(on, number)| object(WalName::Segment(name(*on, *number))));
    let partials = partials.iter().map(|(on, number)| object(WalName::Partial(name(*on, *number))));
    WalInventory::new(segments.chain(partials).collect())
}

fn coverage(backups: &[BackupFact], wal: &WalInventory, timelines: &Timelines) -> Coverage {
    Coverage::of(&ArchiveFacts {
        backups,
        flaws: &BTreeMap::new(),
        wal,
        timelines,
        system_id: None,
        size: size(),
        now: "2026-02-01T00:00:00Z".parse().unwrap(),
    })
}

/// Whether the quarter of a segment at `quarter` can be replayed on the way to `followed`. PostgreSQL looks
/// for the segment on the newest timeline that has come to it, and then on older ones, whose bytes are the
/// same before they were left.
fn replayable(forks: &Forks, there: &[(u32, u64)], followed: u32, quarter: u64) -> bool {
    let segment = quarter / 4;
    let mut on = followed;
    let mut left_at = u64::MAX;
    loop {
        let begun = parent(forks, on).map_or(0, |(_, at)| at);
        if begun / 4 <= segment && there.contains(&(on, segment)) {
            return quarter < left_at;
        }
        match parent(forks, on) {
            Some((from, at)) => (on, left_at) = (from, left_at.min(at)),
            None => return false,
        }
    }
}

/// Whether whoever follows `followed` comes by this place.
fn comes_by(forks: &Forks, followed: u32, on: u32, quarter: u64) -> bool {
    match parent(forks, followed) {
        _ if followed == on => true,
        Some((from, at)) if from == on => quarter <= at,
        Some((from, _)) => comes_by(forks, from, on, quarter),
        None => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn windows_hold_exactly_the_points_that_replaying_from_some_backup_comes_by(
        seeds in vec((1_u32.., 0..4 * SEGMENTS), 0..3),
        absent in vec((1..5_u32, 0..SEGMENTS), 0..12),
        told in vec((1..5_u32, 0..4 * SEGMENTS, 1..6_u64), 0..4),
    ) {
        let forks: Vec<(u32, u64)> = (2..).zip(seeds).map(|(n, (from, at))| (from % (n - 1) + 1, at)).collect();
        // A history whose forks go backwards is none: no server writes one.
        prop_assume!(forks.iter().all(|(from, at)| parent(&forks, *from).is_none_or(|(_, before)| before <= *at)));
        let timelines = u32::try_from(forks.len()).unwrap() + 1;
        let there: Vec<(u32, u64)> = (1..=timelines)
            .flat_map(|on| (0..SEGMENTS).map(move |number| (on, number)))
            .filter(|(on, number)| parent(&forks, *on).is_none_or(|(_, at)| at / 4 <= *number))
            .filter(|segment| !absent.contains(segment))
            .collect();
        let backups: Vec<(u32, u64, u64)> = told
            .into_iter()
            .map(|(on, begin, length)| ((on - 1) % timelines + 1, begin, length))
            .map(|(on, begin, length)| {
                let begin = begin.max(parent(&forks, on).map_or(0, |(_, at)| at));
                (on, begin, begin + length)
            })
            .collect();
        let facts: Vec<BackupFact> =
            (1..).zip(&backups).map(|(day, (on, begin, end))| backup(day, *on, *begin, *end)).collect();
        let found = coverage(&facts, &inventory(&there, &[]), &histories(&forks));
        for followed in 1..=timelines {
            let mut reached = Vec::new();
            for (on, begin, end) in &backups {
                if !comes_by(&forks, followed, *on, *end) {
                    continue;
                }
                let to = (*begin..).find(|q| !replayable(&forks, &there, followed, *q)).unwrap();
                if to >= *end {
                    reached.push((*end, to));
                }
            }
            let windows = || found.windows.iter().filter(|window| window.timeline == timeline(followed));
            for point in 0..=4 * SEGMENTS {
                let can = reached.iter().any(|(end, to)| (*end..=*to).contains(&point));
                let at = Lsn(point * QUARTER);
                let held: Vec<_> = windows().filter(|window| window.from <= at && at <= window.to).collect();
                prop_assert_eq!(can, !held.is_empty(), "timeline {} at {}: {:?}", followed, point, found.windows);
            }
            prop_assert!(windows().zip(windows().skip(1)).all(|(one, next)| one.to < next.to));
            let held: usize = windows().map(|window| window.backups.len()).sum();
            prop_assert_eq!(held, reached.len());
        }
        for cover in &found.timelines {
            let count: u64 = cover.runs.iter().map(|run| run.count).sum();
            let own = there.iter().filter(|(on, _)| timeline(*on) == cover.timeline).count();
            prop_assert_eq!(count, own as u64);
            prop_assert!(cover.runs.iter().zip(cover.runs.iter().skip(1)).all(|(one, next)| one.end < next.begin));
        }
    }
}

fn window(found: &Coverage, i: usize) -> (u32, u64, u64, usize) {
    let window = &found.windows[i];
    (window.timeline.number(), window.from.0 / QUARTER, window.to.0 / QUARTER, window.backups.len())
}

#[test]
fn a_gap_splits_a_window_and_a_later_backup_begins_a_new_one() {
    let wal: Vec<(u32, u64)> = [1, 2, 3, 5, 6].map(|number| (1, number)).to_vec();
    let found = coverage(
        &[backup(1, 1, 4, 6), backup(2, 1, 8, 9), backup(3, 1, 20, 22)],
        &inventory(&wal, &[]),
        &Timelines::default(),
    );
    assert_eq!(found.windows.len(), 2);
    assert_eq!((window(&found, 0), window(&found, 1)), ((1, 6, 16, 2), (1, 22, 28, 1)));
    assert_eq!(found.windows[0].gap, Some(name(1, 4)));
    assert_eq!(found.windows[1].gap, None);
    assert!(found.covers_present());
    assert_eq!(found.gaps.len(), 1);
    assert_eq!(found.first_point(), found.windows.first());
    assert_eq!(found.newest_point(), found.windows.last());
}

#[test]
fn a_promotion_leaves_one_window_that_holds_its_ancestors() {
    // Timeline 2 left timeline 1 in the middle of its segment 4, of which a part was archived.
    let timelines = histories(&[(1, 18)]);
    let wal = inventory(&[(1, 1), (1, 2), (1, 3), (2, 4), (2, 5)], &[(1, 4)]);
    let found = coverage(&[backup(1, 1, 4, 6)], &wal, &timelines);
    assert_eq!(found.windows.len(), 2);
    assert_eq!((window(&found, 0), window(&found, 1)), ((1, 6, 18, 1), (2, 6, 24, 1)));
    assert!(found.windows[0].partial);
    assert_eq!(found.windows[0].within, Some(timeline(2)));
    assert_eq!(found.own_windows().count(), 1);
    assert!(found.timelines.iter().all(|cover| cover.reachable));
}

#[test]
fn a_timeline_without_its_history_is_reached_by_nobody_but_its_own_backups() {
    let wal = inventory(&[(1, 1), (1, 2), (2, 2), (2, 3)], &[]);
    let found = coverage(&[backup(1, 1, 4, 6)], &wal, &Timelines::default());
    assert_eq!((found.windows.len(), window(&found, 0)), (1, (1, 6, 12, 1)));
    assert!(!found.covers_present());
    assert_eq!(found.history_gaps, [(timeline(2), timeline(2))]);
    let second = &found.timelines[1];
    assert_eq!((second.origin, second.reachable), (Origin::Unknown, false));
    let found = coverage(&[backup(1, 1, 4, 6), backup(2, 2, 8, 9)], &wal, &Timelines::default());
    assert!(found.covers_present());
}

#[test]
fn what_a_backup_is_good_for_is_told() {
    let mut facts: Vec<BackupFact> = (1..=8).map(|day| backup(day, 1, 4, 6)).collect();
    facts[0].backup.status = BackupStatus::Failed;
    facts[0].backup.error = Some("the store has gone".to_owned());
    facts[1].backup.status = BackupStatus::Started;
    facts[1].recorded = "2026-01-31T23:00:00Z".parse().ok();
    facts[2].backup.status = BackupStatus::Started;
    facts[2].recorded = "2026-01-20T23:00:00Z".parse().ok();
    facts[3].backup.status = BackupStatus::Failed;
    facts[3].backup.error = Some(Backup::HALF_DELETED.to_owned());
    facts[4].backup.end.lsn = None;
    facts[5].backup.other.insert("snapshots_info".to_owned(), "{}".to_owned());
    facts[6] = backup(7, 1, 40, 41);
    let found = coverage(&facts, &inventory(&[(1, 1)], &[]), &Timelines::default());
    let states: Vec<_> = found.backups.iter().map(|backup| backup.state.clone()).collect();
    assert_eq!(
        states,
        [
            BackupState::Failed(Some("the store has gone".to_owned())),
            BackupState::Running,
            BackupState::Dead,
            BackupState::HalfDeleted,
            BackupState::Unfit("its record does not tell where it ended".to_owned()),
            BackupState::Snapshot,
            BackupState::WalMissing(Some(WalName::Segment(name(1, 10)))),
            BackupState::Restorable,
        ]
    );
    let id = |backup: Option<&BackupCover>| backup.unwrap().id.to_string();
    assert_eq!(id(found.newest_restorable()), "20260108T000000");
    assert_eq!(id(found.last_failed()), "20260101T000000");
    assert_eq!((found.sizes.backups.files, found.sizes.remains.files), (4, 4));
}

#[test]
fn what_lies_before_every_backup_is_counted() {
    let wal: Vec<(u32, u64)> = (0..6).map(|number| (1, number)).collect();
    let found = coverage(&[backup(1, 1, 13, 14)], &inventory(&wal, &[]), &Timelines::default());
    assert_eq!(found.unneeded, WalTally { files: 3, stored_bytes: 3 });
    let found = coverage(&[], &inventory(&wal, &[]), &Timelines::default());
    assert_eq!((found.unneeded, found.windows.len()), (WalTally::default(), 0));
}
