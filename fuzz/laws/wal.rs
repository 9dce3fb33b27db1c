//! Records of the WAL.

use crate::model::{MOST_RELATIONS, Pending, WalFlaw, WalRecord, WalScan};

/// Segments one after the other; the first byte says in pieces of how many bytes they come. However they
/// come, the same is read, records follow each other, and nothing of any length is believed.
pub fn wal_record(input: &[u8]) {
    let Some((piece, input)) = input.split_first() else { return };
    let whole = scan(input, usize::MAX);
    assert_eq!(whole, scan(input, usize::from(*piece) + 1));
    let (records, ..) = whole;
    assert!(records.windows(2).all(|pair| pair[0].end <= pair[1].start));
    for record in &records {
        assert!(record.start < record.end && record.start.0 % 8 == 0, "{record:?}");
        assert!(record.xact_end().is_none_or(|end| end.dropped.len() <= MOST_RELATIONS));
    }
}

type Scanned = (Vec<WalRecord>, crate::model::Lsn, Option<WalFlaw>, Option<Pending>);

fn scan(input: &[u8], piece: usize) -> Scanned {
    let (mut scan, mut records, mut flaw) = (WalScan::new(), Vec::new(), None);
    for piece in input.chunks(piece) {
        flaw = scan.feed(piece, &mut |record| records.push(record.clone())).err();
    }
    // Behind a flaw nothing is read, so how much was passed over depends on the pieces.
    let at = if flaw.is_some() { crate::model::Lsn(0) } else { scan.position() };
    let pending = scan.pending().filter(|_| flaw.is_none());
    (records, at, flaw, pending)
}
