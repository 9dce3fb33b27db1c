//! `wal-find`: where in the WAL a moment, a position, a transaction or a restore point is, and from which
//! base backup and with which target it is reached. Nothing is stored.
//!
//! Times and transactions are read from the records themselves. A search begins with a bisection that
//! reads the beginnings of a few segments, and goes on with those that are left, each from its first byte,
//! several at once.

mod narrow;
mod path;
mod read;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

pub use self::path::Hole;
pub use super::flow::Progress;

use self::path::Path;
use self::read::{Reading, Source};
use super::restore::flaw;
use crate::archive::{Catalog, ExclusivePut, OpenArchive, Patience};
use crate::command::OWN;
use crate::command::fetch::{newest_header, timelines};
use crate::error::{Error, Result};
use crate::model::{
    BackupId, Candidate, Lsn, RecoveryTarget, SegmentName, SegmentSize, Sought, TargetAction, TargetPoint,
    TargetTimeline, Timeline, Timelines, WalRecord, WalSearch, choose,
};

/// More objects at once than this bring nothing.
const MOST_OBJECTS: usize = 64;

/// What one object under way holds in memory, in bytes: pieces on their way, the codec's window, the record
/// that is being put together.
const PER_OBJECT: u64 = 16 << 20;

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Request {
    /// What.
    pub sought: Sought,
    /// Along which timeline: `current` is that of the newest base backup.
    pub timeline: TargetTimeline,
    /// Only in these segments.
    pub within: Within,
    /// In these files and directories, and not in the archive.
    pub files: Vec<PathBuf>,
    /// At most so many objects at once.
    pub jobs: NonZeroUsize,
    /// What all buffers together may hold, in bytes. One object is read at a time however little it is.
    pub memory: u64,
    /// At most so many bytes per second out of the store.
    pub max_rate: Option<u64>,
    /// How long a failing request is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// Where to leave how far it has come.
    pub progress: Arc<Progress>,
}

impl Request {
    /// How many objects are under way at once.
    fn at_once(&self) -> usize {
        let fits = usize::try_from(self.memory.saturating_sub(OWN) / PER_OBJECT).unwrap_or(MOST_OBJECTS);
        self.jobs.get().min(fits.clamp(1, MOST_OBJECTS))
    }
}

/// Which part of the WAL is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Within {
    /// From about this moment on.
    pub since: Option<Timestamp>,
    /// To about this moment.
    pub until: Option<Timestamp>,
    /// From this segment on.
    pub from: Option<SegmentName>,
    /// To this segment.
    pub to: Option<SegmentName>,
    /// Read every segment: trust neither the order of times nor that of transactions.
    pub thorough: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The archive's address, for people; `None` when files were looked at.
    pub address: Option<String>,
    /// What was looked for.
    pub sought: Sought,
    /// The timeline whose history was followed.
    pub timeline: Timeline,
    /// The records that were looked for.
    pub found: Vec<Hit>,
    /// How many there are; more than are listed, perhaps.
    pub total: u64,
    /// The last commit before the first of them.
    pub before: Option<Hit>,
    /// Where the transaction was prepared that is looked for.
    pub prepared: Option<Hit>,
    /// What was looked at.
    pub searched: Searched,
    /// The base backup that recovery to the first of them begins with, or why there is none; `None` when
    /// there is nothing to recover to.
    pub backup: Option<Result<BackupId, String>>,
}

/// A record, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The record.
    pub record: WalRecord,
    /// The segment it begins in.
    pub segment: SegmentName,
    /// The segment it ends in.
    pub last: SegmentName,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searched {
    /// The first segment of all that there are along the timeline, within what was asked for.
    pub first: SegmentName,
    /// The last.
    pub last: SegmentName,
    /// How many there are.
    pub there: u64,
    /// The first segment that was read from its first byte to its last.
    pub read_from: SegmentName,
    /// How many objects were opened.
    pub opened: u64,
    /// What is missing between the first and the last.
    pub holes: Vec<Hole>,
    /// Those of them that may hide what was looked for, or more of it.
    pub hiding: Vec<Hole>,
    /// What cannot be read, and why.
    pub damaged: Vec<String>,
}

/// Looks for it. What is not found is an outcome with nothing in it.
///
/// Kinds of failure: `NotFound` when there is no WAL at all along the timeline, and the store's.
pub async fn run(request: &Request, open: Option<&dyn OpenArchive>) -> Result<Outcome> {
    let (source, path, sight) = match open {
        Some(open) => of_archive(request, open).await?,
        None => of_files(request)?,
    };
    let reading = Reading::new(source, path, request);
    let narrowed = reading.narrow(&request.sought, &request.within).await?;
    let search = reading.search(request, narrowed.clone()).await?;
    let hit = |record: WalRecord| Hit {
        segment: reading.path.segment(record.start),
        last: reading.path.segment(Lsn(record.end.0.saturating_sub(1).max(record.start.0))),
        record,
    };
    let found: Vec<Hit> = search.found.into_iter().map(hit).collect();
    let goal = found.first().filter(|_| !request.sought.is_list()).map(|hit| hit.record.start);
    let backup = goal.and_then(|lsn| sight.as_ref().map(|sight| sight.backup(lsn, &reading.path)));
    let before = search.before.map(hit);
    let mut searched = reading.searched(narrowed.start);
    searched.hiding = reading.path.hiding(&request.sought, narrowed, found.first(), before.as_ref());
    Ok(Outcome {
        address: open.map(|open| open.address().to_string()),
        sought: request.sought.clone(),
        timeline: reading.path.timeline,
        found,
        total: search.total,
        before,
        prepared: search.prepared.map(hit),
        searched,
        backup,
    })
}

/// What is known of the base backups.
struct Sight {
    catalog: Catalog,
    timelines: Timelines,
}

impl Sight {
    /// The backup that recovery to a record begins with.
    fn backup(&self, lsn: Lsn, path: &Path) -> Result<BackupId, String> {
        let target = RecoveryTarget {
            point: TargetPoint::Lsn(lsn),
            inclusive: false,
            timeline: TargetTimeline::Number(path.timeline),
            action: TargetAction::default(),
        };
        let entries = self.catalog.entries.iter();
        let candidates: Vec<_> = entries
            .map(|entry| Candidate { backup: &entry.backup, flaw: flaw(&entry.backup, &entry.files) })
            .collect();
        let id = choose(&candidates, None, &target, &self.timelines).map_err(|e| e.to_string())?.id;
        let begin = self.catalog.entries.iter().find(|entry| entry.backup.id == id);
        let hole = begin.and_then(|entry| path.hole_between(entry.backup.begin.lsn?, lsn));
        hole.map_or(Ok(id), |hole| Err(format!("WAL is missing on the way from {id}: {hole}")))
    }
}

async fn of_archive(request: &Request, open: &dyn OpenArchive) -> Result<(Source, Path, Option<Sight>)> {
    let patience =
        Patience { retry_for: request.retry_for, max_attempts: request.max_attempts, ..Patience::default() };
    let archive = Arc::new(open.open(ExclusivePut::ByService, &patience).await?);
    let (catalog, wal) = tokio::try_join!(archive.catalog(), archive.wal_inventory())?;
    let (timelines, broken) = timelines(&archive, &wal).await?;
    let newest = catalog.entries.iter().rev().find(|entry| entry.backup.is_usable());
    let newest = newest.and_then(|entry| entry.backup.timeline);
    let first = wal.objects().iter().map(|object| object.name.timeline()).min().unwrap_or(Timeline::FIRST);
    let timeline = timelines.followed(request.timeline, newest.unwrap_or(first));
    if let TargetTimeline::Number(wanted) = request.timeline
        && !timelines.has(wanted)
    {
        let why = format!("the archive has no readable {wanted}.history");
        return Err(Error::not_found(why).hint("`latest` and `current` are the others to choose from"));
    }
    let newest = newest_header(&archive, &wal).await?;
    let size = newest.map_or(SegmentSize::DEFAULT, |header| header.segment_size);
    let mut path = Path::of_archive(&archive, &wal, timelines.history(timeline), size)?;
    path.keep_within(&request.within);
    path.damaged = broken;
    Ok((Source::Archive(archive), path.or_nothing()?, Some(Sight { catalog, timelines })))
}

fn of_files(request: &Request) -> Result<(Source, Path, Option<Sight>)> {
    let mut path = Path::of_files(&request.files, request.timeline)?;
    path.keep_within(&request.within);
    Ok((Source::Files, path.or_nothing()?, None))
}

impl Reading {
    /// Reads what the bisection has left, in order, several objects at once.
    async fn search(&self, request: &Request, range: std::ops::Range<usize>) -> Result<WalSearch> {
        let mut found = self.stretch(request, range.clone()).await?;
        // Times are nearly in order and not quite: what was found must not be found earlier as well, and the
        // last commit before it must be known.
        let (mut from, mut step) = (range.start, 1);
        let looks_back = matches!(request.sought, Sought::Time { .. }) && !request.within.thorough;
        while looks_back && from > 0 {
            let earlier = from.saturating_sub(step)..from;
            (from, step) = (earlier.start, step * 2);
            let part = self.stretch(request, earlier).await?;
            let enough = part.total == 0 && part.xacts > 0;
            let known = found.before.is_some() || part.before.is_some();
            found = part.then(found);
            if enough && known {
                break;
            }
        }
        Ok(found)
    }

    /// Reads these segments, or those up to what is looked for.
    async fn stretch(&self, request: &Request, range: std::ops::Range<usize>) -> Result<WalSearch> {
        self.expect(range.clone());
        let mut found = WalSearch::new(request.sought.clone());
        let reads = stream::iter(range).map(|index| self.one(index, &request.sought));
        let mut reads = reads.buffered(request.at_once());
        while let Some(part) = reads.next().await {
            found = found.then(part?);
            if found.is_done() {
                break;
            }
        }
        Ok(found)
    }
}
