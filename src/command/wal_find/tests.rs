use std::path::PathBuf;

use super::*;
use crate::model::wal_record::synthetic::{Draft, Writer, xact};

const SEGMENT: u64 = 1 << 20;

/// Segments in files.
struct Bed {
    dir: tempfile::TempDir,
    writer: Writer,
}

impl Bed {
    /// `segments` of them with ten commits each, a second apart; with each begins a note of what is running.
    fn new(segments: u32) -> Self {
        let mut bed =
            Self { dir: tempfile::tempdir().unwrap(), writer: Writer::new(0xD118, SEGMENT, 8192, SEGMENT) };
        for n in 0..segments {
            let xid = 1000 + 10 * n;
            let running = [0, 0, 0, xid, xid].map(u32::to_le_bytes).concat();
            let data = Writer::with_length(&running);
            bed.writer.record(&Draft { xid: 0, rmgr: 8, info: 0x10, data });
            for i in 0..10 {
                bed.commit(xid + i, xid + i);
            }
            bed.heap_up_to(u64::from(n + 2) * SEGMENT - 3000);
            bed.heap(4000);
        }
        bed
    }

    fn commit(&mut self, xid: u32, second: u32) {
        self.writer.record(&xact(xid, 0, i64::from(second) * 1_000_000, 0, &[]));
    }

    fn heap(&mut self, length: usize) {
        self.writer.record(&Draft { xid: 7, rmgr: 10, info: 0, data: vec![7; length] });
    }

    /// One record that ends a little before a position, whatever pages are in between.
    fn heap_up_to(&mut self, end: u64) {
        let left = end - self.writer.at();
        self.heap(usize::try_from(left - left / 8192 * 24).unwrap() - 100);
    }

    fn file(&self, number: u64) -> PathBuf {
        self.dir.path().join(format!("0000000100000000{number:08X}"))
    }

    fn store(&mut self) {
        self.writer.fill();
        let size = usize::try_from(SEGMENT).unwrap();
        for (number, segment) in (1..).zip(self.writer.bytes.chunks(size)) {
            fs_err::write(self.file(number), segment).unwrap();
        }
    }

    async fn find(&self, sought: Sought, within: Within) -> Outcome {
        run(&request(sought, within, vec![self.dir.path().to_owned()]), None).await.unwrap()
    }

    async fn xids(&self, sought: Sought) -> Vec<u32> {
        let found = self.find(sought, Within::default()).await.found;
        found.iter().map(|hit| hit.record.xid).collect()
    }
}

fn request(sought: Sought, within: Within, files: Vec<PathBuf>) -> Request {
    Request {
        sought,
        timeline: TargetTimeline::Latest,
        within,
        files,
        jobs: NonZeroUsize::new(3).unwrap(),
        memory: 256 << 20,
        max_rate: None,
        retry_for: Duration::ZERO,
        max_attempts: None,
        progress: Arc::default(),
    }
}

fn second(n: u32) -> Timestamp {
    Timestamp::from_second(946_684_800 + i64::from(n)).unwrap()
}

fn at(n: u32) -> Sought {
    Sought::Time { at: second(n), inclusive: true }
}

fn xid(n: u32) -> Sought {
    Sought::Xid(n.to_string().parse().unwrap())
}

#[tokio::test]
async fn what_is_sought_is_found_by_reading_few_segments() {
    let mut bed = Bed::new(32);
    bed.store();
    for n in [1000, 1005, 1009, 1010, 1155, 1309, 1310, 1318] {
        let outcome = bed.find(at(n), Within::default()).await;
        assert_eq!(outcome.found[0].record.xid, n + 1);
        assert_eq!(outcome.before.unwrap().record.xid, n);
        assert!(outcome.searched.opened <= 12, "{n}: {:?}", outcome.searched);

        let outcome = bed.find(xid(n), Within::default()).await;
        assert_eq!((outcome.found[0].record.xid, outcome.total), (n, 1));
        assert!(outcome.searched.opened <= 20, "{n}: {:?}", outcome.searched);
    }
    assert_eq!(bed.xids(at(999)).await, [1000]);
    assert_eq!(bed.xids(Sought::Time { at: second(1155), inclusive: false }).await, [1155]);
    assert!(bed.xids(at(1319)).await.is_empty() && bed.xids(xid(1320)).await.is_empty());
    assert_eq!(bed.xids(Sought::Between(second(1148), second(1151))).await, [1148, 1149, 1150, 1151]);
    let all = bed.find(Sought::Between(second(0), second(9999)), Within::default()).await;
    assert_eq!((all.total, all.found.len()), (320, 320));
}

#[tokio::test]
async fn a_commit_that_came_late_does_not_mislead() {
    let mut bed = Bed::new(4);
    // It was stamped long before it was written, and is the first that the segment tells.
    bed.commit(1, 1012);
    for n in 1040..1050 {
        bed.commit(n, n);
    }
    bed.store();
    assert_eq!(bed.xids(at(1015)).await, [1016]);
    assert_eq!(bed.xids(at(1038)).await, [1039]);
    assert_eq!(bed.xids(at(1039)).await, [1040]);
    let outcome = bed.find(at(1039), Within { thorough: true, ..Within::default() }).await;
    assert_eq!((outcome.found[0].record.xid, outcome.before.unwrap().record.xid), (1040, 1));
}

#[tokio::test]
async fn a_record_over_two_segments_belongs_to_the_one_it_begins_in() {
    let mut bed = Bed::new(2);
    bed.heap_up_to(4 * SEGMENT - 100);
    let subxacts: Vec<u8> = (0..500_u32).flat_map(|n| (5000 + n).to_le_bytes()).collect();
    let more = [&500_u32.to_le_bytes()[..], &subxacts].concat();
    let start = bed.writer.record(&xact(1020, 0, 1_020_000_000, 2, &more));
    bed.commit(1021, 1021);
    bed.store();
    for sought in
        [xid(1020), xid(5499), at(1019), Sought::Lsn(Lsn(start)), Sought::Lsn(Lsn(4 * SEGMENT + 99))]
    {
        let outcome = bed.find(sought.clone(), Within::default()).await;
        let hit = &outcome.found[0];
        assert_eq!((hit.record.xid, hit.record.start.0), (1020, start), "{sought}");
        assert_eq!((hit.segment.seg, hit.last.seg), (3, 4), "{sought}");
    }
    // So is one that says nothing, if its position is asked for.
    let outcome = bed.find(Sought::Lsn(Lsn(2 * SEGMENT + 100)), Within::default()).await;
    let record = &outcome.found[0].record;
    assert!(record.start.0 < 2 * SEGMENT && record.end.0 > 2 * SEGMENT + 100, "{record:?}");
}

#[tokio::test]
async fn what_is_missing_or_damaged_is_named() {
    let mut bed = Bed::new(6);
    bed.store();
    fs_err::remove_file(bed.file(4)).unwrap();
    let outcome = bed.find(xid(1030), Within::default()).await;
    assert_eq!(outcome.total, 0);
    let holes: Vec<_> = outcome.searched.holes.iter().map(ToString::to_string).collect();
    assert_eq!(holes, ["000000010000000000000004"]);
    assert_eq!(bed.xids(xid(1045)).await, [1045]);

    let mut bytes = fs_err::read(bed.file(2)).unwrap();
    bytes[500_000] ^= 1;
    fs_err::write(bed.file(2), &bytes).unwrap();
    let outcome = bed.find(Sought::Drops, Within::default()).await;
    let damaged = &outcome.searched.damaged;
    assert!(damaged.len() == 1 && damaged[0].contains("000000010000000000000002: at 0/2"), "{damaged:?}");
    assert!(damaged[0].contains("checksum"), "{damaged:?}");
    fs_err::write(bed.file(2), &bytes[..400_000]).unwrap();
    let outcome = bed.find(Sought::Drops, Within::default()).await;
    assert!(outcome.searched.damaged[0].contains("the file has 400000 bytes"), "{:?}", outcome.searched);
}

/// Found by reading: a list with a gap in it, or the first record behind one, passed for the whole answer.
#[tokio::test]
async fn a_gap_that_may_hide_the_answer_is_told_and_no_other() {
    let mut bed = Bed::new(16);
    bed.store();
    for number in [4, 9, 10] {
        fs_err::remove_file(bed.file(number)).unwrap();
    }
    let within = |from: &str, to: &str| {
        let name = |last: &str| Some(format!("0000000100000000000000{last}").parse().unwrap());
        Within { from: name(from), to: name(to), ..Within::default() }
    };
    let (first, second_gap) = ("000000010000000000000004", "000000010000000000000009 and the 1 after it");
    let rows: [(Sought, Within, &[&str]); 12] = [
        (Sought::Drops, Within::default(), &[first, second_gap]),
        (Sought::Drops, within("01", "05"), &[first]),
        (Sought::Drops, within("05", "08"), &[]),
        (Sought::Between(second(1000), second(1009)), Within::default(), &[]),
        (Sought::Between(second(1022), second(1045)), Within::default(), &[first]),
        // The moment is in a segment that is missing, and what is found is what is behind it.
        (at(1035), Within::default(), &[first]),
        (at(1005), Within::default(), &[]),
        (at(1061), Within::default(), &[]),
        (Sought::Lsn(Lsn(4 * SEGMENT + 500)), Within::default(), &[first]),
        (Sought::Lsn(Lsn(6 * SEGMENT + 500)), Within::default(), &[]),
        // It is there once, so it is no other.
        (xid(1125), Within::default(), &[]),
        (xid(1035), Within::default(), &[first, second_gap]),
    ];
    for (sought, within, expected) in rows {
        let outcome = bed.find(sought.clone(), within).await;
        let hiding: Vec<_> = outcome.searched.hiding.iter().map(ToString::to_string).collect();
        assert_eq!(hiding, expected, "{sought}: {:?}", outcome.searched);
    }
}

#[test]
fn memory_bounds_how_many_objects_are_read_at_once() {
    let of = |jobs: usize, memory: u64| {
        let jobs = NonZeroUsize::new(jobs).unwrap();
        Request { jobs, memory, ..request(xid(1), Within::default(), Vec::new()) }.at_once()
    };
    assert_eq!((of(8, 256 << 20), of(8, 60 << 20), of(8, 0), of(1000, u64::MAX)), (8, 2, 1, 64));
}

#[tokio::test]
async fn a_range_bounds_what_is_read() {
    let mut bed = Bed::new(16);
    bed.store();
    let within = Within {
        from: Some("000000010000000000000003".parse().unwrap()),
        to: Some("000000010000000000000004".parse().unwrap()),
        ..Within::default()
    };
    let outcome = bed.find(Sought::Between(second(0), second(9999)), within).await;
    assert_eq!((outcome.total, outcome.searched.there), (20, 2));
    let within = Within { since: Some(second(1080)), until: Some(second(1085)), ..Within::default() };
    let outcome = bed.find(Sought::Drops, within).await;
    assert_eq!(outcome.searched.read_from.to_string(), "000000010000000000000008");
    assert!(outcome.searched.opened < 16, "{:?}", outcome.searched);
}

#[tokio::test]
async fn files_that_are_none_of_the_wals_are_passed_over() {
    let mut bed = Bed::new(2);
    bed.store();
    // What PostgreSQL keeps for later: the name of a segment to come, an old one's content.
    fs_err::copy(bed.file(1), bed.file(9)).unwrap();
    fs_err::write(bed.dir.path().join("readme"), "x").unwrap();
    let outcome = bed.find(at(1005), Within::default()).await;
    // The last record of the second goes on in a third.
    assert_eq!((outcome.searched.there, outcome.found[0].record.xid), (3, 1006));
}
