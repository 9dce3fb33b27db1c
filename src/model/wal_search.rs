//! What is looked for in the WAL, and whether a record is it: decided as recovery decides where to stop.

use std::fmt;

use jiff::Timestamp;

use super::{Lsn, RecordKind, TargetName, WalRecord, Xid, utc};

/// As many records of a list are told one by one; the others are counted.
pub const MOST_FOUND: usize = 1000;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// The record that recovery to a moment stops before: the first end of a transaction, commit or abort,
    /// with a later time, or when exclusive with that time or a later one. PostgreSQL asks nothing else:
    /// `recoveryStopsBefore()` in `access/transam/xlogrecovery.c` (before 15, `xlog.c`).
    Time {
        /// The moment.
        at: Timestamp,
        /// Whether what ended at that very moment is still replayed.
        inclusive: bool,
    },
    /// The record that holds this byte, or the first behind it.
    Lsn(Lsn),
    /// The end of this transaction.
    Xid(Xid),
    /// The first restore point with this name, as PostgreSQL takes the first (`recoveryStopsAfter()`).
    Name(TargetName),
    /// All records with which relations or databases went.
    Drops,
    /// All ends of transactions from one moment to another, both included.
    Between(Timestamp, Timestamp),
}

impl Sought {
    /// Whether a record is what is looked for.
    pub fn is(&self, record: &WalRecord) -> bool {
        let xact = record.xact_end();
        match self {
            Self::Time { at, inclusive } => {
                xact.is_some_and(|xact| if *inclusive { xact.time > *at } else { xact.time >= *at })
            }
            Self::Lsn(lsn) => record.end > *lsn,
            Self::Xid(xid) => xact.is_some_and(|xact| xact.xid == xid.in_wal() || xact.has_sought),
            Self::Name(wanted) => {
                matches!(&record.what, RecordKind::RestorePoint { name, .. } if *name == wanted.to_string())
            }
            Self::Drops => {
                matches!(record.what, RecordKind::DatabaseDropped { .. })
                    || xact.is_some_and(|xact| xact.dropped_total > 0)
            }
            Self::Between(from, to) => xact.is_some_and(|xact| (*from..=*to).contains(&xact.time)),
        }
    }

    /// Whether all that there are are wanted, and not the first.
    pub const fn is_list(&self) -> bool {
        matches!(self, Self::Drops | Self::Between(..))
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { at, inclusive: true } => write!(f, "the moment {}", utc(*at)),
            Self::Time { at, inclusive: false } => write!(f, "just before the moment {}", utc(*at)),
            Self::Lsn(lsn) => write!(f, "LSN {lsn}"),
            Self::Xid(xid) => write!(f, "transaction {xid}"),
            Self::Name(name) => write!(f, "restore point `{name}`"),
            Self::Drops => f.write_str("dropped relations"),
            Self::Between(from, to) => write!(f, "transactions from {} to {}", utc(*from), utc(*to)),
        }
    }
}

/// What was found in a stretch of WAL. Stretches that were searched apart are put together in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalSearch {
    sought: Sought,
    /// What was looked for, in order; one, unless it is a list, and then at most [`MOST_FOUND`].
    pub found: Vec<WalRecord>,
    /// How many there are.
    pub total: u64,
    /// The last commit before the first that was found.
    pub before: Option<WalRecord>,
    /// Where the transaction was prepared that is looked for.
    pub prepared: Option<WalRecord>,
    /// Ends of transactions that were seen.
    pub xacts: u64,
}

impl WalSearch {
    /// A search that has seen nothing.
    pub const fn new(sought: Sought) -> Self {
        Self { sought, found: Vec::new(), total: 0, before: None, prepared: None, xacts: 0 }
    }

    /// Whether more WAL changes nothing.
    pub const fn is_done(&self) -> bool {
        !self.sought.is_list() && self.total > 0
    }

    /// Whether any record may be the one, whatever it says.
    pub const fn is_of_position(&self) -> bool {
        matches!(self.sought, Sought::Lsn(_))
    }

    /// The next record.
    pub fn take(&mut self, record: &WalRecord) {
        if self.is_done() {
            return;
        }
        let xact = record.xact_end();
        self.xacts += u64::from(xact.is_some());
        if self.sought.is(record) {
            self.total += 1;
            if self.found.len() < MOST_FOUND {
                self.found.push(record.clone());
            }
        } else if xact.is_some_and(|xact| xact.committed) && self.total == 0 {
            self.before = Some(record.clone());
        }
        if let (Sought::Xid(sought), RecordKind::Prepared { xid, .. }) = (&self.sought, &record.what)
            && *xid == sought.in_wal()
        {
            self.prepared = Some(record.clone());
        }
    }

    /// Adds what was found behind.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        if self.is_done() {
            return self;
        }
        if self.total == 0 {
            self.before = later.before.or(self.before);
        }
        let room = MOST_FOUND - self.found.len();
        self.found.extend(later.found.into_iter().take(room));
        self.total += later.total;
        self.prepared = later.prepared.or(self.prepared);
        self.xacts += later.xacts;
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::wal_record::synthetic::{Writer, xact};
    use crate::model::{Timeline, WalScan};

    /// Records of transactions 1, 2, … that ended at these seconds after 2000; every third was aborted.
    fn ends(seconds: &[i64]) -> Vec<WalRecord> {
        let mut writer = Writer::new(0xD118, 1 << 20, 8192, 1 << 20);
        for (n, second) in (1..).zip(seconds) {
            writer.record(&xact(n, if n % 3 == 0 { 0x20 } else { 0 }, second * 1_000_000, 0, &[]));
        }
        let mut records = Vec::new();
        WalScan::new().feed(&writer.bytes, &mut |record| records.push(record.clone())).unwrap();
        records
    }

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(946_684_800 + n).unwrap()
    }

    fn search(sought: Sought, records: &[WalRecord]) -> WalSearch {
        let mut search = WalSearch::new(sought);
        for record in records {
            search.take(record);
        }
        search
    }

    #[test]
    fn recovery_to_a_moment_stops_before_the_first_end_with_a_later_time() {
        let records = ends(&[10, 20, 30, 20, 40]);
        let stop = |at, inclusive| {
            let found = search(Sought::Time { at: second(at), inclusive }, &records);
            (found.found.first().map(|r| r.xid), found.before.map(|r| r.xid))
        };
        assert_eq!(stop(20, true), (Some(3), Some(2)));
        assert_eq!(stop(20, false), (Some(2), Some(1)));
        // An abort counts as well, and what comes behind it with an earlier time does not.
        assert_eq!(stop(25, true), (Some(3), Some(2)));
        assert_eq!(stop(30, true), (Some(5), Some(4)));
        assert_eq!(stop(9, true), (Some(1), None));
        assert_eq!(stop(40, true), (None, Some(5)));
    }

    #[test]
    fn a_position_is_in_the_record_that_holds_it() {
        let records = ends(&[10, 20, 30]);
        for record in &records {
            for at in [record.start.0, record.end.0 - 1] {
                let found = search(Sought::Lsn(Lsn(at)), &records);
                assert_eq!(found.found, std::slice::from_ref(record));
            }
        }
        assert!(search(Sought::Lsn(records[2].end), &records).found.is_empty());
        assert_eq!(records[0].timeline, Timeline::FIRST);
    }

    #[test]
    fn a_list_has_all_of_them() {
        let records = ends(&[10, 20, 30, 20, 40]);
        let found = search(Sought::Between(second(20), second(30)), &records);
        assert_eq!(found.found.iter().map(|r| r.xid).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!((found.total, found.before.map(|r| r.xid)), (3, Some(1)));
    }

    proptest! {
        #[test]
        fn stretches_searched_apart_give_what_one_search_gives(
            seconds in proptest::collection::vec(0_i64..20, 0..20), cut in 0_usize..20, at in 0_i64..20, kind in 0..4,
        ) {
            let records = ends(&seconds);
            let (head, tail) = records.split_at(cut.min(records.len()));
            let sought = match kind {
                0 => Sought::Time { at: second(at), inclusive: true },
                1 => Sought::Between(second(at), second(at + 5)),
                2 => Sought::Xid(format!("{}", at + 1).parse().unwrap()),
                _ => Sought::Lsn(Lsn((1 << 20) + u64::try_from(at).unwrap() * 40)),
            };
            let whole = search(sought.clone(), &records);
            let parts = search(sought.clone(), head).then(search(sought, tail));
            prop_assert_eq!((whole.found, whole.total, whole.before), (parts.found, parts.total, parts.before));
        }
    }
}
