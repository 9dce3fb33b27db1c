use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::model::{
    Backup, BackupFact, BackupStatus, Compression, Keep, Lsn, SegmentName, SegmentSize, Timeline,
    TimelineHistory, Timelines, WalInventory, WalObject,
};

const MIB: u64 = 1 << 20;

fn size() -> SegmentSize {
    SegmentSize::new(MIB).unwrap()
}

fn segment(timeline: u32, number: u64) -> SegmentName {
    SegmentName::holding(Timeline::new(timeline).unwrap(), Lsn(number * MIB), size())
}

fn names(all: &[String]) -> WalInventory {
    let object = |name: &String| WalObject {
        name: name.parse().unwrap(),
        compression: Compression::Zstd,
        stored_bytes: 1,
    };
    WalInventory::new(all.iter().map(object).collect())
}

fn wal(segments: &[(u32, u64)], others: &[&str]) -> WalInventory {
    let segments = segments.iter().map(|(timeline, number)| segment(*timeline, *number).to_string());
    names(&segments.chain(others.iter().map(|name| (*name).to_owned())).collect::<Vec<_>>())
}

fn backup(id: u8, timeline: u32, begin: u64, end: u64) -> BackupFact {
    let mut backup = Backup::new(format!("202601{id:02}T000000").parse().unwrap(), BackupStatus::Done);
    backup.segment_size = size();
    backup.timeline = Timeline::new(timeline);
    backup.begin.wal = Some(segment(timeline, begin));
    backup.begin.lsn = Some(Lsn(begin * MIB + 0x28));
    backup.end.wal = Some(segment(timeline, end));
    backup.end.lsn = Some(Lsn(end * MIB + 0x100));
    BackupFact { backup, keep: None, recorded: None, stored_bytes: 1 }
}

/// Timeline 2, which left timeline 1 in the middle of this segment.
fn forked(number: u64) -> Timelines {
    let text = format!("1\t{}\tx\n", Lsn(number * MIB + 0x80));
    Timelines::new([TimelineHistory::parse(Timeline::new(2).unwrap(), &text).unwrap()])
}

fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{finding}; {}", finding.reason())).collect()
}

#[test]
fn a_gap_after_a_backup_is_named_as_a_range_with_whom_it_stops() {
    let wal = wal(&[(1, 2), (1, 3), (1, 8), (1, 9)], &[]);
    let found = wal_gaps(&[backup(1, 1, 2, 3)], &wal, &Timelines::default(), size());
    assert_eq!(
        told(&found),
        ["000000010000000000000004 to 000000010000000000000007: 4 segments are missing; backup \
          20260101T000000 cannot be recovered beyond it"]
    );
    assert_eq!((found[0].class(), found[0].severity()), (Class::Missing, Severity::Error));
}

#[test]
fn a_gap_within_a_backup_makes_that_one_useless_and_stops_those_before_it() {
    let wal = wal(&[(1, 1), (1, 2), (1, 4), (1, 5)], &[]);
    let found = wal_gaps(&[backup(1, 1, 1, 1), backup(2, 1, 2, 4)], &wal, &Timelines::default(), size());
    assert_eq!(
        told(&found),
        ["000000010000000000000003: 1 segment is missing; backup 20260102T000000 cannot be restored; \
          backup 20260101T000000 cannot be recovered beyond it"]
    );
}

#[test]
fn what_only_a_backup_that_is_kept_alone_would_pass_over_is_no_gap() {
    let mut kept = backup(1, 1, 2, 3);
    kept.keep = Some(Keep::Standalone);
    let wal = wal(&[(1, 2), (1, 3), (1, 7), (1, 8)], &[]);
    assert!(wal_gaps(&[kept.clone(), backup(2, 1, 7, 8)], &wal, &Timelines::default(), size()).is_empty());
    kept.keep = Some(Keep::Full);
    assert_eq!(wal_gaps(&[kept, backup(2, 1, 7, 8)], &wal, &Timelines::default(), size()).len(), 1);
}

#[test]
fn a_partial_at_the_end_of_a_timeline_is_no_gap_and_one_in_its_midst_is() {
    let partial = format!("{}.partial", segment(1, 4));
    let at_end = wal(&[(1, 2), (1, 3)], &[&partial]);
    assert!(wal_gaps(&[backup(1, 1, 2, 3)], &at_end, &Timelines::default(), size()).is_empty());
    let midst = wal(&[(1, 2), (1, 3), (1, 5)], &[&partial]);
    assert_eq!(wal_gaps(&[backup(1, 1, 2, 3)], &midst, &Timelines::default(), size()).len(), 1);
}

#[test]
fn a_failed_backup_needs_nothing() {
    let mut failed = backup(1, 1, 2, 3);
    failed.backup.status = BackupStatus::Failed;
    let wal = wal(&[(1, 7), (1, 8)], &[]);
    assert!(wal_gaps(&[failed, backup(2, 1, 7, 8)], &wal, &Timelines::default(), size()).is_empty());
}

#[test]
fn across_a_switch_recovery_reads_the_newer_timelines_segment_of_the_fork() {
    let backups = [backup(1, 1, 2, 3)];
    let whole = wal(&[(1, 2), (1, 3), (1, 4), (2, 5), (2, 6)], &["00000002.history"]);
    assert!(wal_gaps(&backups, &whole, &forked(5), size()).is_empty());
    let without_fork = wal(&[(1, 2), (1, 3), (1, 4), (1, 5), (2, 6)], &["00000002.history"]);
    assert_eq!(
        told(&wal_gaps(&backups, &without_fork, &forked(5), size())),
        ["000000020000000000000005: 1 segment is missing; backup 20260101T000000 cannot be recovered \
          beyond it"]
    );
    let short = wal(&[(1, 2), (1, 3), (2, 5), (2, 6)], &["00000002.history"]);
    assert_eq!(
        told(&wal_gaps(&backups, &short, &forked(5), size())),
        ["000000010000000000000004: 1 segment is missing; backup 20260101T000000 cannot be recovered \
          beyond it"]
    );
}

#[test]
fn an_archive_of_wal_alone_is_to_be_without_gaps_from_its_first_segment_on() {
    let wal = wal(&[(1, 5), (1, 6), (1, 8)], &[]);
    assert_eq!(
        told(&wal_gaps(&[], &wal, &Timelines::default(), size())),
        ["000000010000000000000007: 1 segment is missing; nothing can be recovered beyond it"]
    );
    assert!(wal_gaps(&[], &WalInventory::default(), &Timelines::default(), size()).is_empty());
}

#[test]
fn histories_are_missing_where_counting_on_would_end_too_early() {
    let gaps = |backups: &[BackupFact], wal: &WalInventory| {
        history_gaps(backups, wal).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let backups = [backup(1, 1, 2, 3)];
    assert!(gaps(&backups, &wal(&[(1, 2), (1, 3)], &[])).is_empty());
    assert_eq!(gaps(&backups, &wal(&[(1, 2), (2, 3)], &[])), ["00000002.history is missing"]);
    assert_eq!(
        gaps(&backups, &wal(&[(1, 2)], &["00000005.history"])),
        ["00000002.history to 00000004.history: 3 histories are missing"]
    );
    let holes = wal(&[(1, 2), (7, 3)], &["00000002.history", "00000004.history"]);
    assert_eq!(
        gaps(&backups, &holes),
        ["00000003.history is missing", "00000005.history to 00000007.history: 3 histories are missing"]
    );
    // Those of what is long expired nobody needs.
    assert!(gaps(&[backup(1, 4, 2, 3)], &wal(&[(4, 2), (4, 3)], &[])).is_empty());
    assert!(gaps(&[], &wal(&[(4, 2), (4, 3)], &[])).is_empty());
    assert!(gaps(&[], &WalInventory::default()).is_empty());
    let last = format!("{:08X}.history", u32::MAX);
    assert_eq!(gaps(&backups, &wal(&[(1, 2)], &[&last])).len(), 1);
}

#[test]
fn twins_are_told_with_all_their_forms() {
    let object = |number, compression| WalObject {
        name: crate::model::WalName::Segment(segment(1, number)),
        compression,
        stored_bytes: 1,
    };
    let wal = WalInventory::new(vec![
        object(1, Compression::Zstd),
        object(2, Compression::Zstd),
        object(1, Compression::Gzip),
    ]);
    let found = twins(&wal);
    assert_eq!(
        (found.len(), found[0].0, found[0].1.len()),
        (1, segment(1, 1).to_string().parse().unwrap(), 2)
    );
}

#[test]
fn a_record_that_contradicts_itself_is_told_how() {
    assert!(record_flaws(&backup(1, 1, 2, 3).backup).is_empty());
    let mut bad = backup(1, 1, 2, 3).backup;
    bad.end.lsn = Some(Lsn(MIB));
    bad.begin.wal = None;
    assert_eq!(
        record_flaws(&bad),
        [
            "it does not tell in which segment it begins",
            "it ends at 0/100000, which does not lie in 000000010000000000000003",
            "it ends at 0/100000, before it begins at 0/200028",
        ]
    );
    let mut labelled = backup(1, 1, 2, 3).backup;
    labelled.label = Some("START WAL LOCATION: 0/100028 (file 000000010000000000000001)\n".to_owned());
    assert_eq!(record_flaws(&labelled).len(), 1);
}

/// Every number, one by one, as recovery would ask for it.
fn brute(backups: &[BackupFact], there: &BTreeSet<(u32, u64)>, fork: Option<u64>) -> BTreeSet<(u32, u64)> {
    let last = |timeline: u32| there.iter().filter(|(t, _)| *t == timeline).map(|(_, n)| *n).max();
    let mut missing = BTreeSet::new();
    let mut need = |at: (u32, u64)| {
        if !there.contains(&at) {
            missing.insert(at);
        }
    };
    for fact in backups {
        let number = |wal: Option<SegmentName>| wal.unwrap().start(size()).unwrap().0 / MIB;
        let (begin, end) = (number(fact.backup.begin.wal), number(fact.backup.end.wal));
        (begin..=end).for_each(|n| need((1, n)));
        if fact.keep == Some(Keep::Standalone) {
            continue;
        }
        (begin..=last(1).unwrap_or(0)).for_each(|n| need((1, n)));
        // A backup that ended after the fork cannot come to the newer timeline.
        if let Some((fork, last)) = fork.zip(last(2)).filter(|(fork, last)| end < *fork && *last >= end) {
            (begin..=last).for_each(|n| need(if n < fork { (1, n) } else { (2, n) }));
        }
    }
    missing
}

proptest! {
    #[test]
    fn gaps_are_what_asking_for_every_segment_finds(
        there in proptest::collection::btree_set((1_u32..3, 0_u64..14), 0..28),
        spans in proptest::collection::vec((0_u64..8, 0_u64..4, any::<bool>()), 1..4),
        fork in proptest::option::of(1_u64..12),
    ) {
        let backups: Vec<BackupFact> = (1_u8..).zip(&spans).map(|(id, (begin, length, alone))| {
            let mut fact = backup(id, 1, *begin, begin + length);
            fact.keep = alone.then_some(Keep::Standalone);
            fact
        }).collect();
        let timelines = fork.map_or_else(Timelines::default, forked);
        let inventory = wal(&there.iter().copied().collect::<Vec<_>>(), &[]);
        let found: BTreeSet<(u32, u64)> = wal_gaps(&backups, &inventory, &timelines, size())
            .iter()
            .flat_map(|finding| match finding {
                Finding::WalGap(gap) => {
                    let first = gap.first.start(size()).unwrap().0 / MIB;
                    (first..first + gap.count).map(|n| (gap.first.timeline.number(), n)).collect::<Vec<_>>()
                }
                other => panic!("{other}"),
            })
            .collect();
        prop_assert_eq!(found, brute(&backups, &there, fork));
    }

    #[test]
    fn a_ledger_reads_back_as_it_was_printed(
        entries in proptest::collection::hash_map(any::<u64>(), 0_i64..4_000_000_000, 0..50),
        begun in proptest::option::of(0_i64..4_000_000_000),
        cut in any::<prop::sample::Index>(),
    ) {
        let moment = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut ledger = VerifyLedger::default();
        for (mark, at) in entries {
            ledger.note(Mark(mark), moment(at));
        }
        ledger.set_begun(begun.map(moment));
        let text = ledger.to_string();
        prop_assert_eq!(&text.parse::<VerifyLedger>().unwrap(), &ledger);
        // Whatever breaks off is no ledger, but for the newline at its very end.
        let at = cut.index(text.len() - 1);
        let e = text[..at].parse::<VerifyLedger>().unwrap_err();
        prop_assert_eq!(e.kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn runs_of_a_sample_one_after_another_read_everything_once_before_anything_twice(
        count in 1_usize..200, share in 1_u8..=100, seed: u64,
    ) {
        let share: Share = share.to_string().parse().unwrap();
        let all: Vec<Mark> = (0..count as u64).map(Mark).collect();
        let mut ledger = VerifyLedger::default();
        let runs = count.div_ceil(share.of(count));
        for run in 0..runs {
            let now = Timestamp::from_second(1000 + i64::try_from(run).unwrap()).unwrap();
            let turn = Turn { share: Some(share), since: None, resumed: None, seed: seed.wrapping_add(run as u64) };
            let taken = take_turn(&all, &ledger, turn);
            prop_assert_eq!(taken.iter().filter(|taken| **taken).count(), share.of(count));
            for (mark, _) in all.iter().zip(taken).filter(|(_, taken)| *taken) {
                ledger.note(*mark, now);
            }
        }
        prop_assert_eq!(ledger.len(), count);
    }
}

#[test]
fn a_sample_that_was_cut_short_is_completed_and_not_doubled() {
    let moment = |seconds| Timestamp::from_second(seconds).unwrap();
    let all: Vec<Mark> = (0..10).map(Mark).collect();
    let mut ledger = VerifyLedger::default();
    ledger.note(Mark(3), moment(50));
    ledger.note(Mark(4), moment(100));
    let turn = |resumed| Turn { share: "30%".parse().ok(), since: None, resumed, seed: 7 };
    let taken = take_turn(&all, &ledger, turn(Some(moment(100))));
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 2);
    assert!(!taken[3] && !taken[4]);
    assert_eq!(take_turn(&all, &ledger, turn(None)).iter().filter(|taken| **taken).count(), 3);
}

#[test]
fn what_was_verified_since_is_not_read_again() {
    let moment = |seconds| Timestamp::from_second(seconds).unwrap();
    let mut ledger = VerifyLedger::default();
    ledger.note(Mark(1), moment(100));
    ledger.note(Mark(2), moment(200));
    let turn = Turn { share: None, since: Some(moment(150)), resumed: None, seed: 0 };
    assert_eq!(take_turn(&[Mark(1), Mark(2), Mark(3)], &ledger, turn), [true, false, true]);
}

#[test]
fn a_ledger_forgets_what_is_no_longer_there() {
    let mut ledger = VerifyLedger::default();
    for mark in [1, 2, 3] {
        ledger.note(Mark(mark), Timestamp::UNIX_EPOCH);
    }
    ledger.keep_only(&[Mark(2), Mark(9)]);
    assert_eq!((ledger.len(), ledger.verified(Mark(2)).is_some()), (1, true));
}

#[test]
fn damaged_ledgers_are_refused() {
    for bad in [
        "",
        "barkeep-verify 2\nend 0\n",
        "barkeep-verify 1\nend 1\n",
        "barkeep-verify 1\n0000000000000001 5\nend 0\n",
        "barkeep-verify 1\nx 5\nend 1\n",
        "barkeep-verify 1\nend 0\nmore 1\n",
    ] {
        assert!(bad.parse::<VerifyLedger>().is_err(), "{bad:?}");
    }
}

#[test]
fn shares_are_read_back_and_never_none_of_some() {
    for text in ["1%", "10%", "100%"] {
        assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
    }
    for bad in ["", "0", "101", "1.5%", "x%", "-1", "5%%"] {
        assert!(bad.parse::<Share>().is_err(), "{bad}");
    }
    let one: Share = "1".parse().unwrap();
    assert_eq!((one.of(0), one.of(1), one.of(100), one.of(101)), (0, 1, 1, 2));
}
