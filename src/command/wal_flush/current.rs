//! The segment that is being written: which one it is, and what of it is stored.
//!
//! Of a server that was stopped it is the one with the last record, stored as PostgreSQL stores the last
//! segment of a timeline: the file as it is. Of a running one it is the one that the server names, up to where
//! it says that it is flushed, and zeros behind: what is being written meanwhile is not.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{Current, Flush};
use crate::command::backup::told_apart;
use crate::command::wal_archive::several::Several;
use crate::error::{Context as _, Error, Result};
use crate::model::{Lsn, SegmentName, SegmentSize, Timeline, WalHeader, WalName};
use crate::pgdata::{ClusterState, Postmaster};
use crate::postgres::Connect;

/// No server has more segments than this behind its last checkpoint.
const CHAIN: usize = 1 << 20;

/// The segment that is being written.
pub(super) struct Position {
    /// Its name.
    pub(super) name: SegmentName,
    /// Where its WAL ends, as far as a running server has flushed it.
    end: Option<(Lsn, SegmentSize)>,
}

impl Flush<'_> {
    /// Stores it, unless it is there as a complete segment.
    pub(super) async fn partial(&self, server: &dyn Connect, several: &Several<'_>) -> Result<Current> {
        let Some(current) = self.current(server).await? else { return Ok(Current::Empty) };
        let (segment, name) = (current.name, WalName::Partial(current.name));
        let found = several.archive().find_wal(&WalName::Segment(segment)).await?;
        // One that waits was stored a moment ago, or told among those that remain.
        if self.has_ended(segment) || found.iter().any(|found| found.name.segment().is_some()) {
            return Ok(Current::Complete(segment));
        }
        let path = self.queue.file(segment);
        let archived = match current.end {
            None => several.store_as(name, &path).await?,
            Some((end, size)) => {
                let copy = Copy::make(&path, end, segment, size, self.request.how.spool.as_deref())?;
                several.store_as(name, &copy.0).await?
            }
        };
        Ok(Current::Archived(segment, archived))
    }

    /// Whether PostgreSQL has ended this segment.
    pub(super) fn has_ended(&self, segment: SegmentName) -> bool {
        let name = WalName::Segment(segment);
        self.queue.waits(&name) || self.queue.is_done(&name)
    }

    /// Which one it is; `None` when nothing has been written to it.
    pub(super) async fn current(&self, server: &dyn Connect) -> Result<Option<Position>> {
        if self.running { self.as_server_says(server).await } else { self.as_control_says().map(Some) }
    }

    async fn as_server_says(&self, server: &dyn Connect) -> Result<Option<Position>> {
        let written = server.connect().await?.written().await?;
        let here = Postmaster::read(self.dir)?;
        let same = told_apart(&here, written.port, written.started).is_none();
        if written.system_id != self.control.system_id || !same {
            return Err(Error::conflict(format!(
                "the server that answers is not the one that runs on {}",
                self.dir.path().display()
            ))
            .hint("say how to reach it: --dsn, or --host and --port"));
        }
        let Some((timeline, flushed)) = written.flushed else { return Err(follows()) };
        let name = SegmentName::holding(timeline, flushed, written.segment_size);
        let nothing = name.start(written.segment_size) == Some(flushed);
        Ok((!nothing).then_some(Position { name, end: Some((flushed, written.segment_size)) }))
    }

    /// After a stop in good order the last record is the checkpoint's. After a crash the WAL goes on from the
    /// last checkpoint as far as there are segments that begin as they must: a file with a new name that
    /// was not written yet begins with another place.
    fn as_control_says(&self) -> Result<Position> {
        if self.control.state == ClusterState::Following {
            return Err(follows());
        }
        let (size, timeline) = (self.segment_size()?, self.control.timeline);
        let mut name = SegmentName::holding(timeline, self.control.checkpoint, size);
        if self.control.state == ClusterState::Running {
            for next in std::iter::successors(name.next(size), |name| name.next(size)).take(CHAIN) {
                if !self.begins(next, timeline) {
                    break;
                }
                name = next;
            }
        }
        Ok(Position { name, end: None })
    }

    fn begins(&self, segment: SegmentName, timeline: Timeline) -> bool {
        let read = || {
            let mut head = [0; WalHeader::LEN];
            let mut file = std::fs::File::open(self.queue.file(segment)).ok()?;
            file.read_exact(&mut head).ok()?;
            let header = WalHeader::parse(&head).ok()?;
            Some(header.timeline == timeline && header.fits(segment, file.metadata().ok()?.len()).is_ok())
        };
        read().unwrap_or(false)
    }

    /// All segments of a cluster have one length.
    fn segment_size(&self) -> Result<SegmentSize> {
        for entry in fs_err::read_dir(self.dir.path().join("pg_wal"))? {
            let entry = entry?;
            let is_segment = entry.file_name().to_str().is_some_and(|n| n.parse::<SegmentName>().is_ok());
            if let (true, Some(size)) = (is_segment, SegmentSize::new(entry.metadata()?.len())) {
                return Ok(size);
            }
        }
        Err(Error::corrupt(format!("there is no segment in {}/pg_wal", self.dir.path().display())))
    }
}

fn follows() -> Error {
    Error::usage("the server follows another one, whose current segment is not its to archive")
        .hint("leave out --partial, or flush the primary")
}

/// A copy of what a running server has written of its segment, for as long as it is needed. It lies in the
/// spool, which is private.
struct Copy(PathBuf);

impl Copy {
    /// Copies the segment up to `end`; the rest are zeros, which take no room.
    fn make(
        path: &Path,
        end: Lsn,
        segment: SegmentName,
        size: SegmentSize,
        spool: Option<&Path>,
    ) -> Result<Self> {
        let spool = spool.ok_or_else(|| Error::usage("a running server's segment needs a spool"))?;
        crate::spool::Spool::open(spool)?;
        let written = segment.start(size).map_or(0, |start| end.0.saturating_sub(start.0)).min(size.bytes());
        let copy = Self(spool.join(format!("flush-{}-{segment}", std::process::id())));
        let copied = || {
            let mut to = fs_err::File::create(&copy.0)?;
            let copied = std::io::copy(&mut fs_err::File::open(path)?.take(written), &mut to)?;
            to.set_len(size.bytes())?;
            to.flush()?;
            if copied == written { Ok(()) } else { Err(Error::local("it is shorter than what is written")) }
        };
        copied().context(|| format!("copy {}", path.display()))?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
