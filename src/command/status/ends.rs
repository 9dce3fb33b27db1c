//! The time of the last commit before the end of a window. Lists tell when a segment was stored; only the WAL
//! itself tells how late a moment one can recover to.

use std::collections::BTreeMap;
use std::io::{self, Read};

use jiff::Timestamp;

use crate::archive::Archive;
use crate::command::fetch::decoded;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::{Coverage, Lsn, SegmentName, SegmentSize, WalInventory, WalName, WalScan, Window};

/// So many segments of a window are looked into, from its end on: an idle server fills them with nothing.
const LOOK_BACK: usize = 3;

/// So much is fetched at most, in bytes as stored; windows come newest first.
const MOST: u64 = 64 << 20;

/// How much is decoded at once, in bytes.
const PIECE: usize = 64 << 10;

/// The last commit that a segment has: where it begins, and when it was.
type Commit = Option<(Lsn, Timestamp)>;

/// Reads the last WAL of the windows, as far as the bounds go, and fills their `last_commit` in. Kinds of
/// failure: the store's. What is damaged counts up to there.
pub(super) async fn read(archive: &Archive, wal: &WalInventory, coverage: &mut Coverage) -> Result<()> {
    let size = coverage.size;
    let mut reader = Reader { archive, wal, size, known: BTreeMap::new(), fetched: 0 };
    let mut windows: Vec<&mut Window> = coverage.windows.iter_mut().collect();
    windows.sort_by_key(|window| std::cmp::Reverse((window.timeline, window.to)));
    for window in windows {
        window.last_commit = reader.last_commit(window).await?;
    }
    Ok(())
}

struct Reader<'a> {
    archive: &'a Archive,
    wal: &'a WalInventory,
    size: SegmentSize,
    /// Windows of several timelines may end with the same segment.
    known: BTreeMap<SegmentName, Commit>,
    fetched: u64,
}

impl Reader<'_> {
    /// The last commit of a window that recovery can stop behind: none from before its first point.
    async fn last_commit(&mut self, window: &Window) -> Result<Option<Timestamp>> {
        let mut segment = window.last;
        for _ in 0..LOOK_BACK {
            let Some(name) = segment else { break };
            let Some(commit) = self.commit_of(name).await? else { break };
            if let Some((at, time)) = commit {
                let after = at >= window.from && window.from_time.is_none_or(|from| time >= from);
                return Ok(Some(time).filter(|_| after));
            }
            let start = name.start(self.size).filter(|start| *start > window.from);
            segment = start.map(|start| SegmentName::holding(name.timeline, Lsn(start.0 - 1), self.size));
        }
        Ok(None)
    }

    /// What a segment has; `None` when it is not there, or too much would have been fetched.
    async fn commit_of(&mut self, name: SegmentName) -> Result<Option<Commit>> {
        if let Some(commit) = self.known.get(&name) {
            return Ok(Some(*commit));
        }
        let Some(object) = self.wal.find(&WalName::Segment(name)) else { return Ok(None) };
        if self.fetched + object.stored_bytes > MOST {
            return Ok(None);
        }
        self.fetched += object.stored_bytes;
        let stored = self.archive.stored(object)?;
        let (opened, _) = self.archive.open_wal(&stored).await?;
        let length = self.size.bytes();
        let commit =
            decoded(opened.body, stored.compression, move |plain| last_commit(&mut plain.take(length)));
        let commit = commit.await.context(|| format!("read {}", stored.key()))?;
        self.known.insert(name, commit);
        Ok(Some(commit))
    }
}

/// The last commit among the records that lie within a segment.
fn last_commit(plain: &mut dyn Read) -> Result<Commit> {
    let (mut scan, mut last) = (WalScan::new(), None);
    let mut piece = vec![0; PIECE];
    loop {
        let read = match plain.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => match Error::from(e) {
                // It is for `verify` to tell.
                e if e.kind() == ErrorKind::Corrupt => break,
                e => return Err(e),
            },
        };
        let mut note = |record: &crate::model::WalRecord| {
            if let Some(xact) = record.xact_end().filter(|xact| xact.committed) {
                last = Some((record.start, xact.time));
            }
        };
        if scan.feed(&piece[..read], &mut note).is_err() || scan.ended().is_some() {
            break;
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::wal_record::synthetic::{Writer, xact};

    const MAGIC_18: u16 = 0xD118;
    const SEGMENT: u64 = 1 << 20;

    fn writer() -> Writer {
        Writer::new(MAGIC_18, SEGMENT, 8192, SEGMENT)
    }

    #[test]
    fn the_last_commit_counts_and_a_rollback_behind_it_does_not() {
        let mut writer = writer();
        writer.record(&xact(1, 0, 100, 0, &[]));
        let last = writer.record(&xact(2, 0, 200, 0, &[]));
        writer.record(&xact(3, 0x20, 300, 0, &[]));
        writer.fill();
        let (at, _) = last_commit(&mut writer.bytes.as_slice()).unwrap().unwrap();
        assert_eq!(at, Lsn(last));
    }

    #[test]
    fn a_segment_without_commits_has_none_and_a_damaged_one_those_before_the_damage() {
        let mut idle = writer();
        idle.record(&xact(3, 0x20, 300, 0, &[]));
        idle.fill();
        assert_eq!(last_commit(&mut idle.bytes.as_slice()).unwrap(), None);
        let mut torn = writer();
        let first = torn.record(&xact(1, 0, 100, 0, &[]));
        let second = torn.record(&xact(2, 0, 200, 0, &[]));
        torn.fill();
        torn.bytes[usize::try_from(second - SEGMENT).unwrap() + 30] ^= 1;
        let found = last_commit(&mut torn.bytes.as_slice()).unwrap();
        assert_eq!(found.map(|(at, _)| at), Some(Lsn(first)));
        assert_eq!(last_commit(&mut &b"no WAL at all"[..]).unwrap(), None);
    }
}
