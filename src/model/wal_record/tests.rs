use proptest::prelude::*;

use super::synthetic::{Draft, Writer, xact};
use super::*;

const MAGIC: u16 = 0xD118;
const SEGMENT: u64 = 1 << 20;

fn writer() -> Writer {
    Writer::new(MAGIC, 5 * SEGMENT, 8192, SEGMENT)
}

fn heap(length: usize) -> Draft {
    Draft { xid: 9, rmgr: 10, info: 0, data: vec![7; length] }
}

/// The records of these bytes, fed in pieces of `piece` bytes.
fn scanned(bytes: &[u8], piece: usize, mut scan: WalScan) -> (Vec<WalRecord>, WalScan, Option<WalFlaw>) {
    let (mut records, mut flaw) = (Vec::new(), None);
    for piece in bytes.chunks(piece) {
        flaw = scan.feed(piece, &mut |record| records.push(record.clone())).err();
    }
    (records, scan, flaw)
}

fn u32s(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

#[test]
fn records_come_out_as_they_went_in_over_pages_and_segments() {
    let mut writer = writer();
    let mut starts = Vec::new();
    for n in 0..400_u32 {
        starts.push(writer.record(&heap(usize::try_from(n).unwrap() * 37 % 20_000)));
        starts.push(writer.record(&xact(n, 0, i64::from(n) * 1000, 0, &[])));
    }
    assert!(writer.bytes.len() > 2 << 20);
    for piece in [1000, 8192, usize::MAX] {
        let (records, scan, flaw) = scanned(&writer.bytes, piece, WalScan::new());
        assert_eq!(flaw, None);
        assert_eq!(records.iter().map(|record| record.start.0).collect::<Vec<_>>(), starts);
        assert_eq!(scan.last_end().unwrap().0, writer.at().next_multiple_of(8));
        let last = records.last().unwrap();
        assert_eq!(last.time().unwrap().to_string(), "2000-01-01T00:00:00.399Z");
        assert!(last.xact_end().unwrap().committed && last.xid == 399);
    }
}

#[test]
fn a_scan_that_begins_in_the_middle_passes_over_what_began_before() {
    let mut writer = writer();
    let long = writer.record(&heap(3 << 20));
    let commit = writer.record(&xact(1, 0, 0, 0, &[]));
    for segment in 1..=3_usize {
        let (records, ..) = scanned(&writer.bytes[segment << 20..], 4096, WalScan::new());
        assert_eq!(records.iter().map(|record| record.start.0).collect::<Vec<_>>(), [commit]);
    }
    let (records, scan, flaw) = scanned(&writer.bytes[..1 << 20], 4096, WalScan::new());
    assert_eq!((records, flaw), (vec![], None));
    assert_eq!(scan.pending(), Some(Pending { start: Lsn(long), matters: false }));
}

#[test]
fn all_parts_of_a_transactions_end_are_read_or_passed_over_in_every_major() {
    for (magic, major) in [(0xD106, 13), (0xD10D, 14), (0xD110, 15), (0xD113, 16), (0xD116, 17), (0xD118, 18)]
    {
        let statistics = if major < 18 { vec![5; 2 * 12] } else { vec![5; 2 * 16] };
        let statistics = if major < 15 { vec![] } else { [u32s(&[2]), statistics].concat() };
        let more = [
            u32s(&[16384, 1663]),
            u32s(&[3, 101, 102, 103]),
            u32s(&[2, 1663, 16384, 20001, 1663, 16384, 20002]),
            statistics,
            [u32s(&[3]), vec![9; 48]].concat(),
            u32s(&[77]),
            b"prepared once\0".to_vec(),
            [0x1234_5678_u64.to_le_bytes(), [0; 8]].concat(),
        ];
        let flags = if major < 15 { 0xBF } else { 0x1BF };
        let mut writer = Writer::new(magic, SEGMENT, 1024, SEGMENT);
        writer.record(&xact(0, 0x30, 1, flags, &more.concat()));
        for (sought, has) in [(102, true), (104, false)] {
            let (records, _, flaw) = scanned(&writer.bytes, 3, WalScan::new().seeking(sought));
            assert_eq!(flaw, None);
            let expected = XactEnd {
                xid: 77,
                time: "2000-01-01T00:00:00.000001Z".parse().unwrap(),
                committed: true,
                prepared: true,
                gid: Some("prepared once".to_owned()),
                subxacts: 3,
                has_sought: has,
                database: Some(16384),
                dropped: [20001, 20002]
                    .map(|number| Relation { tablespace: 1663, database: 16384, number })
                    .to_vec(),
                dropped_total: 2,
                origin: Some(Lsn(0x1234_5678)),
            };
            assert_eq!(records[0].xact_end(), Some(&expected), "{major}");
        }
    }
}

#[test]
fn relations_beyond_the_most_are_counted() {
    let many = u32::try_from(MOST_RELATIONS).unwrap() + 500;
    let more = [u32s(&[many]), u32s(&vec![6; 3 * many as usize]), u32s(&[0])].concat();
    let mut writer = writer();
    writer.record(&xact(5, 0x20, 0, 0x0C, &more));
    let (records, ..) = scanned(&writer.bytes, 100, WalScan::new());
    let end = records[0].xact_end().unwrap();
    assert_eq!((end.committed, end.dropped.len(), end.dropped_total), (false, MOST_RELATIONS, many));
}

#[test]
fn the_rest_of_a_segment_behind_a_switch_is_passed_over() {
    let mut writer = writer();
    let switch = writer.record(&Draft { xid: 0, rmgr: 0, info: 0x40, data: vec![] });
    writer.fill();
    let next = writer.record(&xact(1, 0, 0, 0, &[]));
    for piece in [7, 100_000] {
        let (records, _, flaw) = scanned(&writer.bytes, piece, WalScan::new());
        assert_eq!(flaw, None);
        assert_eq!((records[0].start.0, &records[0].what), (switch, &RecordKind::Switch));
        assert_eq!((records[0].end.0, records[1].start.0), (6 * SEGMENT, next));
    }
}

#[test]
fn zeros_end_the_wal_and_are_no_flaw() {
    let mut writer = writer();
    writer.record(&xact(1, 0, 0, 0, &[]));
    let end = writer.at().next_multiple_of(8);
    writer.fill();
    let (records, scan, flaw) = scanned(&writer.bytes, 500, WalScan::new());
    assert_eq!((records.len(), scan.ended(), flaw), (1, Some(Lsn(end)), None));
}

#[test]
fn a_record_that_was_never_completed_gives_way_to_the_one_that_says_so() {
    let mut writer = writer();
    writer.record(&heap(100));
    let torn = writer.at().next_multiple_of(8);
    while !writer.at().is_multiple_of(8) {
        writer.bytes.push(0);
    }
    // Its beginning, up to the end of the page.
    let left = usize::try_from(8192 - torn % 8192).unwrap();
    let mut beginning = vec![7; left];
    beginning[..4].copy_from_slice(&20_000_u32.to_le_bytes());
    beginning[8..16].copy_from_slice(&(5 * SEGMENT + 40).to_le_bytes());
    writer.bytes.extend(beginning);
    writer.header_if_due(8, 0);
    let data = [torn.to_le_bytes(), 3_i64.to_le_bytes()].concat();
    writer.record(&Draft { xid: 0, rmgr: 0, info: 0xD0, data: Writer::with_length(&data) });
    let (records, _, flaw) = scanned(&writer.bytes, 999, WalScan::new());
    assert_eq!(flaw, None);
    assert_eq!(records.len(), 2);
    assert!(matches!(records[1].what, RecordKind::Overwritten { start, .. } if start.0 == torn));
}

#[test]
fn a_timeline_may_rise_and_not_fall() {
    let mut writer = writer();
    writer.record(&heap(100));
    writer.promote();
    writer.record(&heap(9000));
    writer.record(&xact(1, 0, 0, 0, &[]));
    let (records, _, flaw) = scanned(&writer.bytes, 999, WalScan::new());
    assert_eq!(flaw, None);
    let timelines: Vec<_> = records.iter().map(|record| record.timeline.number()).collect();
    assert_eq!(timelines, [1, 1, 2]);
    let mut fallen = writer.bytes.clone();
    fallen[4] = 2;
    fallen[8192 + 4] = 1;
    let (.., flaw) = scanned(&fallen, 999, WalScan::new());
    assert_eq!(flaw.unwrap().to_string(), "at 0/502000: the page is of timeline 1, after one of 2");
}

#[test]
fn what_is_damaged_is_told_with_its_place() {
    let mut writer = writer();
    let first = writer.record(&heap(100));
    writer.record(&heap(9000));
    writer.record(&xact(1, 0, 0, 0, &[]));
    let at = |offset: u64| Lsn(5 * SEGMENT + offset);
    for (byte, place, why) in [
        (100, first, "the record's checksum is"),
        (8192, 5 * SEGMENT + 8192, "the page magic is"),
        (8192 + 3, 5 * SEGMENT + 8192, "the page's flags are"),
        (8192 + 9, 5 * SEGMENT + 8192, "the page says that it is at"),
        (8192 + 16, 5 * SEGMENT + 8192, "bytes left, and the page says"),
        (168 + 9, 5 * SEGMENT + 168, "the record says that the one before it"),
        (40 + 3, first, "which is no record's length"),
    ] {
        let mut bytes = writer.bytes.clone();
        bytes[byte] ^= 0x40;
        let (.., flaw) = scanned(&bytes, 777, WalScan::new());
        let flaw = flaw.unwrap_or_else(|| panic!("byte {byte} was not missed"));
        assert_eq!(flaw.at, Lsn(place), "byte {byte}: {flaw}");
        assert!(flaw.why.contains(why), "byte {byte}: {flaw}");
    }
    let (records, scan, flaw) = scanned(&writer.bytes[..5000], 777, WalScan::new());
    assert_eq!((records.len(), flaw, scan.position()), (1, None, at(5000)));
    assert!(scan.pending().is_some());
}

#[test]
fn wal_of_another_version_is_refused_in_words() {
    let mut writer = Writer::new(0xD0FF, SEGMENT, 8192, SEGMENT);
    writer.record(&heap(10));
    let (.., flaw) = scanned(&writer.bytes, 10, WalScan::new());
    assert!(flaw.unwrap().why.contains("of no PostgreSQL from 13 to 18"));
}

proptest! {
    #[test]
    fn pieces_of_any_length_give_the_same_and_nothing_panics(
        lengths in proptest::collection::vec(0_usize..3000, 1..20),
        piece in 1_usize..3000,
        damage in proptest::option::of((0_usize..20_000, any::<u8>())),
    ) {
        let mut writer = Writer::new(0xD106, SEGMENT, 1024, SEGMENT);
        for (n, length) in lengths.iter().enumerate() {
            writer.record(&heap(*length));
            writer.record(&xact(u32::try_from(n).unwrap(), 0, 5, 1, &[1; 8]));
        }
        if let Some((at, byte)) = damage {
            let at = at % writer.bytes.len();
            writer.bytes[at] = byte;
        }
        let (records, scan, flaw) = scanned(&writer.bytes, usize::MAX, WalScan::new());
        let (again, other, other_flaw) = scanned(&writer.bytes, piece, WalScan::new());
        prop_assert_eq!((records, scan.ended(), flaw), (again, other.ended(), other_flaw));
    }
}
