//! `verify`: whether an archive is whole, proved by reading it.
//!
//! Everything is listed once, and from the lists alone it is decided what is missing. Then objects are read:
//! WAL is decoded and compared with its name, its header and what was recorded with it; the tars of a base
//! backup are read to their ends and compared with its manifest. What was found sound is remembered in a
//! ledger in the store, which is the only thing that is ever written. Whatever goes wrong with one object is
//! a finding, and the next one is read.

mod base;
mod keeper;
mod look;
mod wal;

use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;
use tracing::warn;

pub(super) use self::keeper::load as load_ledger;
pub use crate::command::flow::Progress;

use self::keeper::Keeper;
use self::look::Sight;
use crate::archive::{Archive, Catalog, ExclusivePut, OpenArchive, Patience};
use crate::command::OWN;
use crate::command::flow::Flow;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Class, Finding, SegmentName, Share, Timeline, WalInventory};

/// What one object under way holds, in bytes: a decoder's window, pieces on the way to it, a buffer.
const PER_OBJECT: u64 = 16 << 20;

/// More objects at once than this bring nothing.
const MOST_OBJECTS: usize = 64;

/// As many findings are told one by one; the others are counted.
pub const MOST_FINDINGS: usize = 1000;

/// After so many objects that could not be read for want of an answer the rest is not asked for.
const MOST_UNREAD: u64 = 16;

/// What to look at, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which parts of the archive.
    pub scope: Scope,
    /// Only what the lists, the records and the histories tell; nothing else is read.
    pub quick: bool,
    /// Only a part of the objects, those that were verified longest ago first.
    pub share: Option<Share>,
    /// Only what was not verified since.
    pub since: Option<Timestamp>,
    /// At most so many objects at once.
    pub jobs: NonZeroUsize,
    /// At most so many bytes per second out of the store.
    pub max_rate: Option<u64>,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// How often the ledger is stored meanwhile.
    pub save_every: Duration,
    /// How long a failing request is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What time it is.
    pub now: Timestamp,
    /// Where to leave how far it has come.
    pub progress: Arc<Progress>,
}

/// Which parts of an archive are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// All of it.
    #[default]
    All,
    /// The WAL.
    Wal,
    /// The base backups, and the WAL without which they cannot be restored.
    Backups,
}

impl Scope {
    const fn has_wal(self) -> bool {
        matches!(self, Self::All | Self::Wal)
    }

    const fn has_backups(self) -> bool {
        matches!(self, Self::All | Self::Backups)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The archive's address, for people.
    pub address: String,
    /// What was looked at.
    pub scope: Scope,
    /// Whether only the lists were.
    pub quick: bool,
    /// What is wrong, worst first; at most [`MOST_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many findings were left out of the list.
    pub more: u64,
    /// The worst of all findings, those that were left out among them.
    pub worst: Option<Class>,
    /// What was looked at, in numbers.
    pub figures: Figures,
    /// The timelines with segments, in order.
    pub timelines: Vec<TimelineSpan>,
    /// How much of what there is was verified at some time.
    pub coverage: Coverage,
    /// When the earlier run began that this one has completed.
    pub resumed: Option<Timestamp>,
    /// Whether what was verified could be remembered.
    pub remembered: bool,
    /// How long it took.
    pub took: Duration,
}

/// What was looked at, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// WAL files: segments, incomplete ones, labels, histories.
    pub wal: Part,
    /// Usable base backups.
    pub backups: Part,
    /// Tars that were read.
    pub tars: u64,
    /// Files in them.
    pub files: u64,
    /// Files that were compared with a manifest.
    pub compared: u64,
    /// Pages whose checksum was looked at.
    pub pages: u64,
    /// Objects and backups that somebody deleted after they had been listed.
    pub gone: u64,
}

/// One part of the archive, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Part {
    /// How many there are.
    pub there: u64,
    /// How many of them were read.
    pub read: u64,
    /// What they take in the store, in bytes.
    pub bytes: u64,
}

/// How much of what there is was verified at some time. Of a run that only looked at lists nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Coverage {
    /// WAL files and base backups that were never found sound.
    pub never: u64,
    /// When the one was last found sound whose turn it is next.
    pub oldest: Option<Timestamp>,
}

/// The complete segments of one timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineSpan {
    /// Which.
    pub timeline: Timeline,
    /// The first.
    pub first: SegmentName,
    /// The last.
    pub last: SegmentName,
    /// How many there are, one that lies there in two forms counted once.
    pub segments: u64,
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Found {
    findings: Vec<Finding>,
    more: u64,
    worst: Option<Class>,
    figures: Figures,
    /// Objects that could not be read for want of an answer.
    unread: u64,
}

impl Found {
    fn add(&mut self, finding: Finding) {
        let class = finding.class();
        self.worst = Some(self.worst.map_or(class, |worst| worst.min(class)));
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.more += 1;
        }
    }
}

/// Looks, reads and tells. `stop` turning true ends it in good order: what was verified is remembered, and
/// the error is of kind `Interrupted`.
///
/// Whatever is wrong with the archive is a finding of the outcome. Kinds of failure: those of listing, since
/// without the lists nothing can be said.
pub async fn run(
    request: &Request,
    open: &dyn OpenArchive,
    mut stop: watch::Receiver<bool>,
) -> Result<Outcome> {
    let begun = Instant::now();
    let looked = async {
        let patience = Patience {
            retry_for: request.retry_for,
            max_attempts: request.max_attempts,
            ..Patience::default()
        };
        let archive = Arc::new(open.open(ExclusivePut::ByService, &patience).await?);
        let sight = Sight::of(&archive).await?;
        let keeper = Keeper::load(&archive, request, &sight).await?;
        Ok::<_, Error>((archive, sight, keeper))
    };
    let (archive, sight, keeper) = tokio::select! {
        biased;
        () = asked(&mut stop) => return Err(interrupted("before anything was read")),
        looked = looked => looked?,
    };
    let work = Work {
        request,
        archive: &archive,
        sight: &sight,
        keeper: &keeper,
        flow: Arc::new(Flow::new(request.max_rate, &request.progress)),
        found: Mutex::default(),
    };
    work.note_lists();
    if !request.quick {
        let done = tokio::select! {
            biased;
            () = asked(&mut stop) => false,
            () = work.read() => true,
            () = keeper.save_again_and_again(request.save_every) => true,
        };
        let whole = done && work.found().unread == 0;
        keeper.end(whole).await;
        if !done {
            return Err(work.cut_short());
        }
    }
    Ok(work.outcome(open.address().to_string(), begun.elapsed()))
}

/// How much of what is in the archive was verified at some time, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Remembered {
    /// WAL files and base backups that were found sound as they are now.
    pub verified: u64,
    /// Those that never were.
    pub never: u64,
    /// When the one was last found sound whose turn it is next.
    pub oldest: Option<Timestamp>,
    /// When one was found sound last of all.
    pub newest: Option<Timestamp>,
}

/// What the ledger says of what is there now. Where there is one, the WAL is listed once more with its marks;
/// nothing else is read.
pub(super) async fn remembered(
    archive: &Archive,
    catalog: &Catalog,
    wal: &WalInventory,
) -> Result<Remembered> {
    let ledger = keeper::load(archive).await.map_err(|e| e.context("load the ledger of verify"))?;
    let readable = || {
        let usable = catalog.entries.iter().filter(|entry| entry.backup.is_usable());
        usable.filter(|entry| !entry.backup.is_snapshot())
    };
    if ledger.is_empty() {
        let never = wal.objects().len() + readable().count();
        return Ok(Remembered { never: never as u64, ..Remembered::default() });
    }
    let wal = archive.marked_wal().await?;
    let marks = wal.iter().map(|marked| marked.mark).chain(readable().map(|entry| entry.files.mark()));
    let mut remembered = Remembered::default();
    for mark in marks {
        let Some(at) = ledger.verified(mark) else {
            remembered.never += 1;
            continue;
        };
        remembered.verified += 1;
        remembered.oldest = Some(remembered.oldest.map_or(at, |oldest| oldest.min(at)));
        remembered.newest = remembered.newest.max(Some(at));
    }
    Ok(remembered)
}

/// Ends when somebody wants the run to end.
async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|asked| *asked).await.is_err() {
        // Whoever could ask is gone.
        pending::<()>().await;
    }
}

fn interrupted(how_far: &str) -> Error {
    Error::new(ErrorKind::Interrupted, format!("interrupted by a signal {how_far}"))
}

/// A run under way.
struct Work<'a> {
    request: &'a Request,
    archive: &'a Arc<Archive>,
    sight: &'a Sight,
    keeper: &'a Keeper,
    flow: Arc<Flow>,
    found: Mutex<Found>,
}

impl Work<'_> {
    fn found(&self) -> MutexGuard<'_, Found> {
        // Nothing that panics holds it half changed.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, finding: Finding) {
        self.found().add(finding);
    }

    /// What the lists tell.
    fn note_lists(&self) {
        let request = self.request;
        let mut found = self.found();
        let Figures { wal, backups, .. } = &mut found.figures;
        wal.there = self.sight.wal.len() as u64;
        backups.there = self.sight.readable().count() as u64;
        for finding in self.sight.findings(request.scope, request.quick) {
            found.add(finding);
        }
    }

    /// Reads whatever it is the turn of.
    async fn read(&self) {
        let turn = self.keeper.turn(self.request);
        let wal = if self.request.scope.has_wal() { self.choose_wal(turn) } else { Vec::new() };
        let backups = if self.request.scope.has_backups() { self.choose_backups(turn) } else { Vec::new() };
        let stored = wal.iter().map(|marked| marked.object.stored_bytes);
        let stored = stored.chain(backups.iter().map(|entry| entry.files.stored_bytes()));
        self.request.progress.expect(stored.fold(0, u64::saturating_add));
        self.read_wal(wal).await;
        self.read_backups(backups).await;
    }

    /// Whether there is no point in asking for more.
    fn is_hopeless(&self) -> bool {
        self.found().unread >= MOST_UNREAD
    }

    /// An object that could not be looked at.
    fn note_unread(&self, key: &str, e: &Error) {
        let mut found = self.found();
        found.unread += 1;
        found.add(Finding::Unread { key: key.to_owned(), kind: e.kind(), why: e.to_string() });
    }

    /// How many objects are under way at once, when so much of the memory is taken by other things.
    fn at_once(&self, taken: u64) -> usize {
        let rest = self.request.memory.saturating_sub(OWN + taken);
        let affordable = usize::try_from(rest / PER_OBJECT).unwrap_or(usize::MAX);
        self.request.jobs.get().min(affordable).clamp(1, MOST_OBJECTS)
    }

    /// The end of a run that somebody has stopped: what it has found must not be lost.
    fn cut_short(&self) -> Error {
        let found = self.found();
        for finding in &found.findings {
            warn!("{}: {finding}", finding.severity().name());
        }
        let Figures { wal, backups, .. } = found.figures;
        let how_far = format!(
            "after {} of {} WAL files and {} of {} backups",
            wal.read, wal.there, backups.read, backups.there
        );
        interrupted(&how_far).hint("the next run goes on from there")
    }

    fn outcome(&self, address: String, took: Duration) -> Outcome {
        let Found { mut findings, more, worst, figures, .. } = std::mem::take(&mut *self.found());
        findings.sort_by_cached_key(|finding| (finding.class(), finding.to_string()));
        Outcome {
            address,
            scope: self.request.scope,
            quick: self.request.quick,
            findings,
            more,
            worst,
            figures,
            timelines: self.sight.timeline_spans(),
            coverage: self.keeper.coverage(self.request, self.sight),
            resumed: self.keeper.resumed,
            remembered: self.keeper.remembers(),
            took,
        }
    }
}
