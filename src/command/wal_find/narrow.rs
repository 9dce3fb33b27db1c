//! Which segments need to be read: a bisection that looks at the beginnings of a few.

use std::ops::Range;

use jiff::Timestamp;

use super::Within;
use super::read::{Reading, Visitor};
use crate::error::Result;
use crate::model::{Lsn, RecordKind, Sought, WalRecord, WalScan};

/// The first record that something can be told by.
struct First<T> {
    found: Option<T>,
    tells: fn(&WalRecord) -> Option<T>,
}

impl<T: Send + 'static> Visitor for First<T> {
    fn see(&mut self, record: &WalRecord) {
        if self.found.is_none() {
            self.found = (self.tells)(record);
        }
    }

    fn is_done(&self) -> bool {
        self.found.is_some()
    }
}

/// A moment at which the record was written, or a little before. A checkpoint's is that of its beginning,
/// which may be long past, and that of a prepared transaction says nothing of when it ended.
fn written(record: &WalRecord) -> Option<Timestamp> {
    match record.what {
        RecordKind::XactEnd(_) | RecordKind::RestorePoint { .. } | RecordKind::EndOfRecovery { .. } => {
            record.time()
        }
        _ => None,
    }
}

/// Which transactions were running.
fn running(record: &WalRecord) -> Option<(u32, u32)> {
    match record.what {
        RecordKind::Running { next_xid, oldest_xid } => Some((next_xid, oldest_xid)),
        _ => None,
    }
}

/// Whether a transaction's number comes before another's; they go round in a circle
/// (`TransactionIdPrecedes`).
fn precedes(one: u32, other: u32) -> bool {
    one.wrapping_sub(other).cast_signed() < 0
}

impl Reading {
    /// The segments that may hold what is sought.
    pub(super) async fn narrow(&self, sought: &Sought, within: &Within) -> Result<Range<usize>> {
        let mut range = 0..self.path.segments.len();
        if let Some(since) = within.since {
            range.start = self.last_before(range.clone(), since).await?.saturating_sub(1);
        }
        if let Some(until) = within.until {
            range.end = self.first_after(range.clone(), until).await?;
        }
        if within.thorough {
            return Ok(range);
        }
        Ok(match sought {
            Sought::Time { at, .. } => self.last_before(range.clone(), *at).await?..range.end,
            Sought::Between(from, to) => {
                let start = self.last_before(range.clone(), *from).await?.saturating_sub(1).max(range.start);
                start..self.first_after(start..range.end, *to).await?
            }
            Sought::Lsn(lsn) => self.holding(range, *lsn),
            Sought::Xid(xid) => self.while_it_ran(range, xid.in_wal()).await?,
            Sought::Name(_) | Sought::Drops => range,
        })
    }

    /// The last segment whose first time is not after this moment; the first segment when there is none.
    async fn last_before(&self, range: Range<usize>, at: Timestamp) -> Result<usize> {
        let after = self.bisect(range.clone(), written, |time| time > at).await?;
        Ok(after.saturating_sub(1).max(range.start))
    }

    /// The end of the segments up to this moment: one more than the first that begins after it, for times
    /// that are out of order.
    async fn first_after(&self, range: Range<usize>, at: Timestamp) -> Result<usize> {
        let after = self.bisect(range.clone(), written, |time| time > at).await?;
        Ok((after + 2).min(range.end))
    }

    /// The segment that holds a position, and its neighbours: the record that the position is in may have
    /// begun in the one before, or the next one begins in the one behind. (A record that is longer than a
    /// segment may have begun even earlier; then the first that begins behind the position is found, which
    /// is the one that recovery looks at.)
    fn holding(&self, range: Range<usize>, lsn: Lsn) -> Range<usize> {
        let number = lsn.0 / self.path.size.bytes();
        let segments = &self.path.segments[range.clone()];
        let at = range.start + segments.partition_point(|segment| segment.number < number);
        let from = at.saturating_sub(1).max(range.start);
        from..range.end.min(at + 2)
    }

    /// From the last segment before the transaction had begun to the first after it had ended, as the
    /// server said of itself again and again.
    async fn while_it_ran(&self, range: Range<usize>, xid: u32) -> Result<Range<usize>> {
        let begun = self.bisect(range.clone(), running, move |(next, _)| precedes(xid, next)).await?;
        let start = begun.saturating_sub(1).max(range.start);
        let ended = self.bisect(start..range.end, running, move |(_, oldest)| precedes(xid, oldest)).await?;
        // The record that tells may be in a segment behind the one that was asked.
        let end = match self.first(ended, range.end, running).await? {
            Some((at, _)) => at + 1,
            None => range.end,
        };
        Ok(start..end.min(range.end))
    }

    /// The first segment from which on what is told `is_over`; the end when there is none. A segment that
    /// tells nothing is as the next one that does.
    async fn bisect<T: Copy + Send + 'static>(
        &self,
        range: Range<usize>,
        tells: fn(&WalRecord) -> Option<T>,
        is_over: impl Fn(T) -> bool,
    ) -> Result<usize> {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.first(middle, high, tells).await? {
                Some((_, told)) if is_over(told) => high = middle,
                // All of them tell the same as the one that was asked at last.
                Some((at, _)) => low = at + 1,
                None => high = middle,
            }
        }
        Ok(low)
    }

    /// The first record from a segment on that tells something, and the segment it is in.
    async fn first<T: Send + 'static>(
        &self,
        from: usize,
        to: usize,
        tells: fn(&WalRecord) -> Option<T>,
    ) -> Result<Option<(usize, T)>> {
        for index in from..to {
            let first = self.visit(index, WalScan::new(), First { found: None, tells }).await?;
            if let Some(found) = first.found {
                return Ok(Some((index, found)));
            }
        }
        Ok(None)
    }
}
