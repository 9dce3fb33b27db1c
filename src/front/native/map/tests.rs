//! Archives to draw, and how they are drawn.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::{
    ArchiveFacts, Backup, BackupFact, BackupStatus, Compression, InventoryBuilder, Keep, SegmentName,
    SegmentSize, TimelineHistory, Timelines, WalInventory, WalName, WalObject,
};

/// An archive that is being made up. Segments have 16 MiB; the present is the first of February.
pub(in crate::front::native) struct Sample {
    pub(in crate::front::native) backups: Vec<BackupFact>,
    wal: Vec<(WalObject, Option<Timestamp>)>,
    histories: Vec<TimelineHistory>,
    pub(in crate::front::native) now: Timestamp,
}

pub(in crate::front::native) fn at(text: &str) -> Timestamp {
    format!("2026-{text}:00Z").parse().unwrap()
}

impl Sample {
    pub(in crate::front::native) fn new() -> Self {
        let now = at("02-01T00:00");
        Self { backups: Vec::new(), wal: Vec::new(), histories: Vec::new(), now }
    }

    fn name(on: u32, number: u64) -> SegmentName {
        let size = SegmentSize::DEFAULT;
        SegmentName::holding(Timeline::new(on).unwrap(), Lsn(number * size.bytes()), size)
    }

    fn store(&mut self, name: WalName, stored: Option<Timestamp>) {
        let object = WalObject { name, compression: Compression::Zstd, stored_bytes: 4 << 20 };
        self.wal.push((object, stored));
    }

    /// Segments `from` to `to` of a timeline, the first stored then, and another every so many minutes.
    pub(in crate::front::native) fn wal(&mut self, on: u32, (from, to): (u64, u64), begin: &str, every: i64) {
        for number in from..=to {
            let after = i64::try_from(number - from).unwrap() * every;
            let stored = at(begin) + SignedDuration::from_mins(after);
            self.store(WalName::Segment(Self::name(on, number)), Some(stored));
        }
    }

    pub(in crate::front::native) fn wal_without_times(&mut self, on: u32, (from, to): (u64, u64)) {
        for number in from..=to {
            self.store(WalName::Segment(Self::name(on, number)), None);
        }
    }

    pub(in crate::front::native) fn partial(&mut self, on: u32, number: u64, stored: &str) {
        self.store(WalName::Partial(Self::name(on, number)), Some(at(stored)));
    }

    /// Timeline `on` left timeline `from` in the middle of this segment.
    pub(in crate::front::native) fn history(&mut self, on: u32, from: u32, number: u64) {
        let lsn = Lsn(number * SegmentSize::DEFAULT.bytes() + (8 << 20));
        let timeline = Timeline::new(on).unwrap();
        let text = format!("{from}\t{lsn}\tno recovery target specified\n");
        self.histories.push(TimelineHistory::parse(timeline, &text).unwrap());
        self.store(WalName::History(timeline), Some(self.now));
    }

    /// A backup from the first to the last of these segments that ended then.
    pub(in crate::front::native) fn backup(
        &mut self,
        on: u32,
        (first, last): (u64, u64),
        ended: &str,
    ) -> &mut BackupFact {
        let ended = at(ended);
        let id = ended.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%S").to_string();
        let mut backup = Backup::new(id.parse().unwrap(), BackupStatus::Done);
        backup.timeline = Timeline::new(on);
        let bytes = SegmentSize::DEFAULT.bytes();
        for (edge, number, before) in [(&mut backup.begin, first, 30), (&mut backup.end, last, 0)] {
            edge.wal = Some(Self::name(on, number));
            edge.lsn = Some(Lsn(number * bytes + 0x28));
            edge.time = Some((ended - SignedDuration::from_mins(before)).to_zoned(TimeZone::UTC));
        }
        self.backups.push(BackupFact { backup, keep: None, recorded: Some(ended), stored_bytes: 3 << 30 });
        self.backups.last_mut().unwrap()
    }

    pub(in crate::front::native) fn failed(&mut self, on: u32, at: &str, why: &str) {
        let fact = self.backup(on, (1, 1), at);
        fact.backup.status = BackupStatus::Failed;
        fact.backup.error = Some(why.to_owned());
    }

    pub(in crate::front::native) fn inventory(&self) -> WalInventory {
        let mut wal = self.wal.clone();
        wal.sort();
        let mut builder = InventoryBuilder::default();
        for (object, stored) in wal {
            builder.push(object, stored);
        }
        builder.finish()
    }

    pub(in crate::front::native) fn coverage(&mut self) -> Coverage {
        self.backups.sort_by_key(|fact| fact.backup.id);
        Coverage::of(&ArchiveFacts {
            backups: &self.backups,
            flaws: &BTreeMap::new(),
            wal: &self.inventory(),
            timelines: &Timelines::new(self.histories.clone()),
            system_id: None,
            size: SegmentSize::DEFAULT,
            now: self.now,
        })
    }

    fn drawn(&mut self) -> String {
        self.drawn_in(Style { width: 80, unicode: true, colour: false })
    }

    fn drawn_in(&mut self, style: Style) -> String {
        let now = self.now;
        Chart::of(&self.coverage(), now).map_or_else(|| "nothing\n".to_owned(), |chart| draw(&chart, style))
    }
}

/// A month with everything in it.
pub(in crate::front::native) fn eventful() -> Sample {
    let mut sample = Sample::new();
    sample.wal(1, (1, 400), "01-01T00:10", 60);
    sample.wal(1, (421, 500), "01-18T12:00", 60);
    sample.partial(1, 501, "01-21T22:00");
    sample.history(2, 1, 501);
    sample.wal(2, (501, 700), "01-21T22:30", 70);
    for (day, first) in [(2, 24), (5, 96), (9, 192), (13, 288)] {
        sample.backup(1, (first, first + 2), &format!("01-{day:02}T03:00"));
    }
    sample.backups[1].keep = Some(Keep::Full);
    sample.failed(1, "01-15T03:00", "the store has gone");
    // In the gap, so that its WAL is missing.
    sample.backup(1, (410, 412), "01-18T02:00");
    sample.backup(1, (440, 442), "01-19T08:00");
    sample.backup(2, (560, 561), "01-24T19:00");
    sample.backup(2, (640, 641), "01-28T16:00");
    sample
}

#[test]
fn a_month_with_everything_in_it() {
    insta::assert_snapshot!("map_eventful", eventful().drawn());
}

#[test]
fn ascii_and_another_width() {
    let style = Style { width: 120, unicode: false, colour: false };
    insta::assert_snapshot!("map_ascii", eventful().drawn_in(style));
    let style = Style { width: 10, unicode: false, colour: false };
    let narrow = eventful().drawn_in(style);
    assert!(narrow.lines().take_while(|line| !line.is_empty()).all(|line| line.len() <= 75), "{narrow}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let style = Style { width: 80, unicode: true, colour: true };
    let coloured = eventful().drawn_in(style);
    assert!(coloured.contains("\x1b[32m"));
    let mut plain = String::new();
    for (i, part) in coloured.split("\x1b[").enumerate() {
        plain.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(plain, eventful().drawn());
}

#[test]
fn a_gap_is_seen_however_short_it_is() {
    let mut sample = Sample::new();
    sample.wal(1, (1, 300), "01-01T00:00", 60);
    sample.wal(1, (302, 500), "01-13T14:00", 60);
    sample.backup(1, (2, 3), "01-01T03:00");
    insta::assert_snapshot!("map_gap", sample.drawn());
}

#[test]
fn a_fork_stands_where_the_child_begins() {
    let mut sample = Sample::new();
    sample.wal(1, (1, 20), "01-31T12:00", 5);
    sample.partial(1, 21, "01-31T13:41");
    sample.history(2, 1, 21);
    sample.wal(2, (21, 60), "01-31T13:45", 10);
    sample.backup(1, (2, 3), "01-31T12:20");
    insta::assert_snapshot!("map_fork", sample.drawn());
}

#[test]
fn nothing_is_nothing() {
    assert_eq!(Sample::new().drawn(), "nothing\n");
}

#[test]
fn wal_that_no_backup_leads_to_is_drawn_thin() {
    let mut sample = Sample::new();
    sample.wal(1, (1, 3), "01-31T12:00", 1);
    insta::assert_snapshot!("map_wal_only", sample.drawn());
}

#[test]
fn one_backup_and_one_segment_are_a_map() {
    let mut sample = Sample::new();
    sample.wal(1, (5, 5), "01-31T23:59", 1);
    sample.backup(1, (5, 5), "01-31T23:59");
    insta::assert_snapshot!("map_one_backup", sample.drawn());
}

#[test]
fn many_backups_share_columns_and_are_counted() {
    let mut sample = Sample::new();
    sample.now = "2027-03-01T00:00:00Z".parse().unwrap();
    sample.wal(1, (1, 9000), "01-01T00:00", 60);
    for month in 1..=12_u64 {
        for day in 1..=28_u64 {
            let first = (month - 1) * 730 + day * 24;
            sample.backup(1, (first, first), &format!("{month:02}-{day:02}T04:00"));
        }
    }
    for day in [3, 4, 20] {
        sample.failed(1, &format!("06-{day:02}T05:00"), "no");
    }
    sample.backups[200].keep = Some(Keep::Standalone);
    insta::assert_snapshot!("map_many", sample.drawn());
}

#[test]
fn without_times_positions_serve() {
    let mut sample = Sample::new();
    sample.wal_without_times(1, (1, 300));
    sample.wal_without_times(1, (310, 600));
    sample.backup(1, (20, 22), "01-20T00:00");
    sample.backup(1, (400, 402), "01-25T00:00");
    insta::assert_snapshot!("map_no_times", sample.drawn());
}

#[test]
fn times_that_lie_do_not_place_anything() {
    let mut copied = Sample::new();
    copied.wal(1, (1, 300), "01-31T00:00", 1);
    copied.backup(1, (20, 22), "01-03T00:00");
    assert!(copied.drawn().replace('\n', " ").contains("it was copied"));
    let mut jumbled = Sample::new();
    jumbled.wal(1, (1, 9), "01-20T00:00", 1);
    jumbled.wal(1, (11, 19), "01-10T00:00", 1);
    assert!(jumbled.drawn().replace('\n', " ").contains("not stored in its order"));
}

#[test]
fn a_hundred_timelines_and_a_hundred_thousand_segments_fit_a_screen() {
    let mut sample = Sample::new();
    sample.wal(1, (1, 100_000), "01-01T00:00", 0);
    for on in 2..=100 {
        sample.wal(on, (100_000 + u64::from(on), 100_000 + u64::from(on)), "01-02T00:00", 1);
    }
    let drawn = sample.drawn();
    assert!(drawn.contains("88 older timelines are not drawn"), "{drawn}");
    assert!(drawn.lines().count() < 40);
}
