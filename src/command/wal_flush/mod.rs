//! `wal-flush`: everything that waits in a data directory into the archive, now; and on request the segment
//! that is being written, as `.partial`.
//!
//! While a server runs, its `.ready` files are its own: what is stored is marked in the spool, so that the
//! archiver gets its answer without asking the store. When none runs, `mark_done` tells PostgreSQL itself.

mod current;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::archive::OpenArchive;
use crate::command::wal_archive::several::{Fate, Several};
use crate::command::wal_archive::{self, Archived};
use crate::error::{Context as _, Error, Result};
use crate::model::{SegmentName, WalName};
use crate::pgdata::{ControlFile, DataDir, Postmaster, Queue};
use crate::postgres::Connect;

/// What to flush and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The data directory.
    pub pgdata: PathBuf,
    /// How each file is archived. Its `file` stands for each of them in turn, its `deadline` is that of the
    /// whole call, and it looks no further ahead than what waits.
    pub how: wal_archive::Request,
    /// Store the segment that is being written as well.
    pub partial: bool,
    /// Tell PostgreSQL what is archived; only while no server runs.
    pub mark_done: bool,
    /// Tell what would be stored, and ask nobody.
    pub dry_run: bool,
}

/// How far it is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that wait.
    pub total: AtomicU64,
    /// Files that are through with.
    pub done: AtomicU64,
}

/// What became of everything.
#[derive(Debug)]
pub struct Outcome {
    /// Whether a server runs on the directory.
    pub running: bool,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Every file that waited, in the order of the archiver.
    pub files: Vec<Waited>,
    /// How many of them PostgreSQL has been told about.
    pub marked_done: usize,
    /// The segment that is being written, when it was asked for.
    pub partial: Option<Current>,
    /// Why the files could not be marked as archived.
    pub unmarked: Option<Error>,
}

/// A file that waited.
#[derive(Debug)]
pub struct Waited {
    /// Its name.
    pub name: WalName,
    /// What became of it.
    pub end: End,
}

/// What became of a file.
#[derive(Debug)]
pub enum End {
    /// It is in the archive.
    Archived(Archived),
    /// PostgreSQL's own archiver has stored it meanwhile.
    Gone,
    /// It is not, because of this.
    Failed(Error),
    /// It is not: there was no time left, or what failed before would have failed again.
    Remains,
}

/// What became of the segment that is being written.
#[derive(Debug)]
pub enum Current {
    /// It is in the archive as `.partial`.
    Archived(SegmentName, Archived),
    /// It would be stored.
    Would(SegmentName),
    /// It is in the archive as a complete segment, or waits as one.
    Complete(SegmentName),
    /// Nothing was written since the last segment ended.
    Empty,
    /// It is not in the archive, because of this.
    Failed(Error),
}

impl Outcome {
    /// Whether everything that was asked for is in the archive.
    pub fn is_whole(&self) -> bool {
        self.failure().is_none()
    }

    /// Why something is not, with how much that is.
    pub fn failure(&self) -> Option<Error> {
        let partial = match &self.partial {
            Some(Current::Failed(e)) => Some(e),
            _ => None,
        };
        let failed = self.files.iter().find_map(|file| match &file.end {
            End::Failed(e) => Some(e),
            _ => None,
        });
        let remain = self.remaining().count();
        let waited = self.files.len();
        let counted = |e: Error| {
            let what = format!("flush {waited} waiting {}, of which {remain} remain", files(waited));
            if remain > 0 { e.context(what) } else { e }
        };
        let first = failed.or(partial).or(self.unmarked.as_ref()).map(Error::again);
        match first {
            Some(e) => Some(counted(e)),
            None if remain > 0 && !self.dry_run => {
                let late = Error::unavailable("the time was up before all was stored");
                Some(counted(late.hint("call it again, with a longer --timeout")))
            }
            None => None,
        }
    }

    /// The files that are not in the archive.
    pub fn remaining(&self) -> impl Iterator<Item = &Waited> {
        self.files.iter().filter(|file| matches!(file.end, End::Failed(_) | End::Remains))
    }
}

/// The word for so many files.
fn files(count: usize) -> &'static str {
    if count == 1 { "file" } else { "files" }
}

/// Flushes. What fails for single files is in the outcome; this fails where nothing can be begun.
///
/// Kinds of failure: `Usage` for a directory that is none, or a server that runs and is to be marked;
/// `Conflict` when the server that answers is another one; `Local` from the file system; those of signing in.
pub async fn run(
    request: &Request,
    server: &dyn Connect,
    archive: &dyn OpenArchive,
    progress: Arc<Progress>,
) -> Result<Outcome> {
    let deadline = Instant::now() + request.how.deadline;
    let dir = DataDir::new(&request.pgdata);
    let control = dir.control().map_err(|e| e.hint("name the data directory with --pgdata"));
    let control = control.context(|| format!("look at {}", request.pgdata.display()))?;
    let running = Postmaster::process(&dir)?;
    if let (Some(process), true) = (running, request.mark_done) {
        return Err(Error::usage(format!(
            "a server runs on {} (process {process}), and it keeps its archive status itself",
            request.pgdata.display()
        ))
        .hint("leave out --mark-done: what is stored is answered at once when its archiver asks; or stop it first"));
    }
    let flush = Flush { request, dir: &dir, queue: Queue::of(&dir), control, running: running.is_some() };
    flush.run(server, archive, &progress, deadline).await
}

struct Flush<'a> {
    request: &'a Request,
    dir: &'a DataDir,
    queue: Queue,
    control: ControlFile,
    running: bool,
}

impl Flush<'_> {
    async fn run(
        &self,
        server: &dyn Connect,
        archive: &dyn OpenArchive,
        progress: &Progress,
        deadline: Instant,
    ) -> Result<Outcome> {
        let names = self.queue.all()?;
        progress.total.store(names.len() as u64, Ordering::Relaxed);
        if self.request.dry_run {
            return self.plan(server, names).await;
        }
        if names.is_empty() && !self.request.partial {
            return Ok(self.outcome(Vec::new()));
        }
        let late = |_| Error::unavailable(format!("not signed in within {:?}", self.request.how.deadline));
        let (mark, system) = (!self.request.mark_done, self.control.system_id);
        let queue = self.queue.clone();
        let open = Several::open(&self.request.how, archive, system, queue, mark, deadline);
        let several = tokio::time::timeout_at(deadline.into(), open).await.map_err(late)??;
        let mut outcome = self.outcome(self.store(&several, names, progress, deadline).await);
        if self.request.mark_done {
            self.mark_done(&mut outcome);
        }
        if self.request.partial {
            let partial = tokio::time::timeout_at(deadline.into(), self.partial(server, &several)).await;
            let late = || Error::unavailable("the time was up before the current segment was stored");
            outcome.partial = Some(partial.unwrap_or_else(|_| Err(late())).unwrap_or_else(Current::Failed));
        }
        Ok(outcome)
    }

    const fn outcome(&self, files: Vec<Waited>) -> Outcome {
        Outcome {
            running: self.running,
            dry_run: self.request.dry_run,
            files,
            marked_done: 0,
            partial: None,
            unmarked: None,
        }
    }

    /// What would be done.
    async fn plan(&self, server: &dyn Connect, names: Vec<WalName>) -> Result<Outcome> {
        let waits = |name| Waited { name, end: End::Remains };
        let mut outcome = self.outcome(names.into_iter().map(waits).collect());
        if self.request.partial {
            outcome.partial = Some(match self.current(server).await? {
                Some(current) if self.has_ended(current.name) => Current::Complete(current.name),
                Some(current) => Current::Would(current.name),
                None => Current::Empty,
            });
        }
        Ok(outcome)
    }

    /// Stores what waits, until the deadline. What is under way then is given up.
    async fn store(
        &self,
        several: &Several<'_>,
        names: Vec<WalName>,
        progress: &Progress,
        deadline: Instant,
    ) -> Vec<Waited> {
        let mut ends: std::collections::BTreeMap<String, End> = std::collections::BTreeMap::new();
        let told = |name: WalName, fate: Result<Fate>| {
            progress.done.fetch_add(1, Ordering::Relaxed);
            let end = match fate {
                Ok(Fate::Archived(how)) => End::Archived(how),
                Ok(Fate::Gone) => End::Gone,
                Ok(Fate::Untried) => End::Remains,
                Err(e) => End::Failed(e),
            };
            ends.insert(name.to_string(), end);
        };
        // Which of them are late is told by what has no end.
        let _ = tokio::time::timeout_at(deadline.into(), several.store_all(&names, told)).await;
        let end =
            |name: WalName| Waited { name, end: ends.remove(&name.to_string()).unwrap_or(End::Remains) };
        names.into_iter().map(end).collect()
    }

    fn mark_done(&self, outcome: &mut Outcome) {
        let stored = outcome.files.iter().filter(|file| matches!(file.end, End::Archived(_)));
        let names: Vec<WalName> = stored.map(|file| file.name).collect();
        match self.queue.mark_done(&names) {
            Ok(()) => outcome.marked_done = names.len(),
            Err(e) => outcome.unmarked = Some(e.context("tell PostgreSQL what is archived")),
        }
    }
}
