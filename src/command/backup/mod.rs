//! `backup`: a copy of a running server's files that recovery can begin with.
//!
//! What makes it one is its record, which is written last, with status DONE, when everything it speaks of
//! is stored and the WAL it needs has been seen in the archive. Whatever goes wrong before leaves a record
//! with status FAILED that says why, a server out of backup mode, and no upload half done.

mod copy;
mod preflight;
mod record;
mod stop;
pub mod upload;
mod wal;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::{Span, Timestamp};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{info, warn};

pub use self::copy::{Damage, DamagedFile, Progress, Sizes};
#[cfg(any(test, fuzzing))]
pub(crate) use self::record::reads_label;
pub use crate::pgdata::manifest::ManifestChecksum;

use self::copy::{Copied, CopyRequest, Last, OpenCopy};
use self::preflight::Ground;
pub(super) use self::preflight::told_apart;
use self::stop::Stop;
use self::wal::{Needed, Pauses, WalSpan};
use crate::archive::{Archive, OpenArchive, Patience, Stored, Tags};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::{Backup, BackupId, Compression, Level, WalName};
use crate::pgdata::manifest::WalRange;
use crate::pgdata::pages::PageCheck;
use crate::postgres::{Connect, Facts, RunningBackup, Server, StartPoint, StopPoint};

/// What to back up, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The data directory as this machine sees it; the server's own word for it when not given.
    pub pgdata: Option<PathBuf>,
    /// A name for people.
    pub name: Option<String>,
    /// What the tars are compressed with; never xz, which other readers of the layout cannot read.
    pub compression: Compression,
    /// And how hard.
    pub level: Option<Level>,
    /// The tags of every object.
    pub tags: Tags,
    /// How many tars are packed at once.
    pub jobs: NonZeroUsize,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// At most so many bytes per second to the store.
    pub max_rate: Option<u64>,
    /// At most so many bytes per second from the disk.
    pub max_read_rate: Option<u64>,
    /// How large tars and their parts are.
    pub sizes: Sizes,
    /// How the checkpoint is done that it begins with.
    pub checkpoint: Checkpoint,
    /// What becomes of a backup with damaged pages.
    pub on_damage: OnDamage,
    /// What each file of the manifest is summed with.
    pub manifest: ManifestChecksum,
    /// Whether archiving is proved before anything is copied.
    pub archive_check: bool,
    /// Whether the backup's WAL is waited for.
    pub wait_wal: WaitWal,
    /// How long WAL is waited for, each time.
    pub wal_timeout: Duration,
    /// How long PostgreSQL may take to end the backup.
    pub stop_timeout: Duration,
    /// Whether the identifier is claimed by a record with status STARTED.
    pub started_record: bool,
    /// Nothing is replaced and nothing deleted, for credentials that may only create: the identifier is
    /// claimed by an object of its own, and there is no record before the end.
    pub create_only: bool,
    /// The spool's directory, where it is remembered what the store can do; nothing is remembered without
    /// one.
    pub spool: Option<PathBuf>,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// How long all of it may take, when that is bounded.
    pub deadline: Option<Duration>,
    /// What time it is.
    pub now: Timestamp,
    /// The same by the local clock; the backup is called after it.
    pub local: DateTime,
}

/// How the checkpoint is done that a backup begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoint {
    /// As fast as can be.
    Fast,
    /// Spread over minutes, as the server does its own.
    Spread,
}

/// Whether the WAL is waited for that a backup cannot be restored without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitWal {
    /// No.
    Never,
    /// Yes, and without it the backup fails.
    Always,
    /// On a primary as ever. A standby's last segment comes when its primary has filled it, which the
    /// standby cannot hasten: it waits so long at most, and without it the backup is kept, with a warning.
    StandbyAtMost(Duration),
}

/// What becomes of a backup with damaged pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// It fails.
    Fail,
    /// It is kept, and the damage told.
    Warn,
}

/// A finished backup.
#[derive(Debug)]
pub struct Outcome {
    /// Its record, as stored.
    pub backup: Backup,
    /// How many files were copied.
    pub files: u64,
    /// Their bytes.
    pub plain_bytes: u64,
    /// What they take in the store.
    pub stored_bytes: u64,
    /// In how many objects.
    pub objects: u32,
    /// The pages whose checksum is wrong.
    pub damage: Damage,
    /// Whether all its WAL was seen in the archive; without it the backup cannot be restored.
    pub wal_seen: bool,
    /// How long it all took.
    pub took: Duration,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

/// How long a request to the store is tried again for. A backup of hours is worth some patience.
const RETRY_FOR: Duration = Duration::from_mins(5);
/// How long a copy that was told to stop may take to abort its uploads.
const WIND_UP: Duration = Duration::from_secs(30);
/// How long the record of a failure is tried to be written for.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Takes a backup. `stop` turning true ends it in good order, as kind `Interrupted`; so does its deadline.
///
/// Kinds of failure: `Server` and `Denied` from PostgreSQL, `Usage` when it does not archive, `Conflict`
/// when the directory or the archive is another server's, `Corrupt` for damaged pages, `Local` from the
/// file system, `Unavailable` when WAL does not arrive, and what the store says.
pub async fn run(
    request: &Request,
    server: &dyn Connect,
    archive: &dyn OpenArchive,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Result<Outcome> {
    let begun = Instant::now();
    let mut stop = Stop::new(stop, request.deadline);
    let (mut server, facts) = stop.unless(look(request, server)).await?;
    let archive = open(archive, request.spool.as_deref(), request.max_attempts, request.now);
    let archive = Arc::new(stop.unless(archive).await?.creating_only(request.create_only));
    let ground = stop.unless(preflight::check(request, &facts, &mut *server, &archive)).await?;
    let mut backup = claim(request, &facts, &ground, &archive, &mut stop).await?;
    info!(id = %backup.id, "the backup begins");
    let run = Run { request, facts: &facts, ground: &ground, archive: &archive, progress, begun };
    match run.take(server, &mut backup, &mut stop).await {
        Ok(outcome) => Ok(outcome),
        Err(e) => {
            run.tell_failure(&mut backup, &e).await;
            Err(e.context(format!("backup {}", backup.id)))
        }
    }
}

/// The server, and what it says of itself.
async fn look(request: &Request, server: &dyn Connect) -> Result<(Box<dyn Server>, Facts)> {
    let mut server = server.connect().await?;
    let facts = server.facts(request.archive_check).await?;
    Ok((server, facts))
}

/// The archive, with the patience of a backup and what is remembered of its store.
async fn open(
    archive: &dyn OpenArchive,
    spool: Option<&Path>,
    max_attempts: Option<u32>,
    now: Timestamp,
) -> Result<Archive> {
    let exclusive = super::exclusive_put(archive, spool, now);
    let patience = Patience { retry_for: RETRY_FOR, max_attempts, ..Patience::default() };
    archive.open(exclusive, &patience).await
}

/// Waits until a copy that was told to stop has aborted its uploads.
async fn wind_up(copy: impl Future<Output = Result<OpenCopy>>) {
    if let Ok(Ok(open)) = timeout(WIND_UP, copy).await {
        let _ = timeout(WIND_UP, open.abort()).await;
    }
}

/// How many seconds after the first an identifier is looked for that is free.
const SECONDS: i64 = 60;

/// Finds an identifier that nobody has, and takes it.
async fn claim(
    request: &Request,
    facts: &Facts,
    ground: &Ground,
    archive: &Archive,
    stop: &mut Stop,
) -> Result<Backup> {
    for later in 0..SECONDS {
        let moment = request.local.saturating_add(Span::new().seconds(later));
        let backup = record::started(request, facts, ground, BackupId::at(moment)?);
        if stop.unless(archive.has_backup_folder(&backup.id)).await? {
            continue;
        }
        if !request.started_record && !request.create_only {
            return Ok(backup);
        }
        // Whoever holds a claim must live to say what became of it.
        if stop.unless_late(archive.claim_backup(&backup, &request.tags)).await? == Stored::New {
            return Ok(backup);
        }
    }
    Err(Error::conflict(format!("all identifiers from {} on are taken", BackupId::at(request.local)?)))
}

/// How WAL is waited for.
struct WalPatience {
    within: Duration,
    /// Whether the backup fails without it.
    must: bool,
}

/// What is known of a backup when the server has ended it.
struct Ended {
    /// What somebody should look at.
    notes: Vec<String>,
    /// Whether all its WAL was seen in the archive.
    wal_seen: bool,
}

/// One backup under way.
struct Run<'a> {
    request: &'a Request,
    facts: &'a Facts,
    ground: &'a Ground,
    archive: &'a Arc<Archive>,
    progress: Arc<Progress>,
    begun: Instant,
}

impl Run<'_> {
    /// From the start to the record with status DONE.
    async fn take(&self, server: Box<dyn Server>, backup: &mut Backup, stop: &mut Stop) -> Result<Outcome> {
        let label = format!("Barkeep backup {}", backup.id);
        let (start, running) =
            stop.unless(server.start(&label, self.request.checkpoint == Checkpoint::Fast)).await?;
        record::begun(backup, &start);
        if self.request.started_record && !self.request.create_only {
            // Whoever removes old WAL meanwhile must see where this backup's begins.
            let told = stop.unless_late(self.archive.publish_backup(backup, &self.request.tags)).await;
            told.map_err(may_only_create)?;
        }
        let (cancel, cancelled) = watch::channel(false);
        let (open, running) = self.copy(running, backup, &start, (&cancel, cancelled), stop).await?;
        let mut ended = Ended { notes: open.notes().to_vec(), wal_seen: false };
        let copied = match self.end(running, &open, backup, &mut ended, stop).await {
            Ok(last) => {
                stop.unless_wound_up(open.finish(last), &cancel).await.context(|| "finish the copy")?
            }
            Err(e) => {
                let _ = timeout(WIND_UP, open.abort()).await;
                return Err(e);
            }
        };
        record::done(backup, self.request, &copied, self.begun.elapsed());
        // Not to be interrupted: a request that was given up could still overtake the record of a failure.
        self.archive.publish_backup(backup, &self.request.tags).await?;
        Ok(self.outcome(backup.clone(), copied, ended))
    }

    /// Copies everything while the session lives. When it is lost, or the copy is no longer wanted, the
    /// copy is told to stop, and awaited until its uploads are aborted.
    async fn copy(
        &self,
        mut running: Box<dyn RunningBackup>,
        backup: &Backup,
        start: &StartPoint,
        (cancel, cancelled): (&watch::Sender<bool>, watch::Receiver<bool>),
        stop: &mut Stop,
    ) -> Result<(OpenCopy, Box<dyn RunningBackup>)> {
        let request = self.copy_request(backup, start);
        let copy = copy::begin(Arc::clone(self.archive), request, Arc::clone(&self.progress), cancelled);
        tokio::pin!(copy);
        let why = tokio::select! {
            copied = &mut copy => return Ok((copied.context(|| "copy the files")?, running)),
            lost = running.lost() => lost,
            why = stop.asked() => why,
        };
        cancel.send_replace(true);
        drop(running);
        wind_up(copy).await;
        Err(why)
    }

    fn copy_request(&self, backup: &Backup, start: &StartPoint) -> CopyRequest {
        let Request { compression, level, jobs, memory, max_rate, max_read_rate, sizes, manifest, .. } =
            *self.request;
        let Facts { block_size, segment_blocks, .. } = *self.facts;
        let pages = PageCheck { start: start.lsn, block_size, segment_blocks };
        CopyRequest {
            id: backup.id,
            pgdata: self.ground.pgdata.clone(),
            tablespaces: backup.tablespaces.clone(),
            numbered: None,
            config_files: self.ground.config_files(),
            version: self.facts.version.number(),
            compression,
            level: compression.level(level),
            tags: self.request.tags.clone(),
            jobs,
            memory,
            max_rate,
            max_read_rate,
            sizes,
            pages: self.facts.data_checksums.then_some(pages),
            manifest,
            system_id: self.facts.system_id,
        }
    }

    /// Ends the backup on the server, judges what was copied, and sees its WAL into the archive.
    async fn end(
        &self,
        running: Box<dyn RunningBackup>,
        open: &OpenCopy,
        backup: &mut Backup,
        Ended { notes, wal_seen }: &mut Ended,
        stop: &mut Stop,
    ) -> Result<Last> {
        let end: StopPoint = stop.unless(running.stop(self.request.stop_timeout)).await?;
        let span = record::ended(backup, &end)?;
        self.judge(open.damaged())?;
        let ranges = match self.patience() {
            Some(patience) => {
                let seen = stop.unless(self.see_wal(&span, &patience)).await;
                seen.context(|| "wait for the backup's WAL")?.inspect(|_| *wal_seen = true)
            }
            None => None,
        };
        let ranges = match ranges {
            Some(ranges) => Some(ranges),
            None => stop.unless(self.ranges(&span)).await?,
        };
        let wal = ranges.unwrap_or_else(|| {
            notes.push(forks_unknown(&span));
            span.one_range()
        });
        Ok(Last { label: end.label, wal })
    }

    /// How WAL is waited for here, if it is.
    fn patience(&self) -> Option<WalPatience> {
        match self.request.wait_wal {
            WaitWal::Never => None,
            WaitWal::StandbyAtMost(within) if self.facts.in_recovery => {
                Some(WalPatience { within, must: false })
            }
            WaitWal::Always | WaitWal::StandbyAtMost(_) => {
                Some(WalPatience { within: self.request.wal_timeout, must: true })
            }
        }
    }

    /// Waits until the archive has the backup's WAL, and gives its ranges; `None` when it has not in time
    /// and need not have.
    async fn see_wal(&self, span: &WalSpan, patience: &WalPatience) -> Result<Option<Vec<WalRange>>> {
        let within = patience.within;
        let mut pauses = Pauses::within(within);
        let missing = match wal::history(self.archive, span, &mut pauses).await? {
            None => WalName::History(span.ended_on),
            Some(history) => {
                let needed = Needed::of(span, &history, self.facts.segment_size)?;
                match wal::missing(self.archive, needed, &mut pauses).await? {
                    Some(segment) => WalName::Segment(segment),
                    None => return Ok(Some(span.ranges(&history))),
                }
            }
        };
        let overdue = wal::overdue(missing, within);
        if patience.must {
            return Err(self.explain(overdue));
        }
        warn!("{overdue}");
        Ok(None)
    }

    /// The ranges of the backup's WAL as far as the archive tells now; `None` when it does not.
    async fn ranges(&self, span: &WalSpan) -> Result<Option<Vec<WalRange>>> {
        match wal::history(self.archive, span, &mut Pauses::within(Duration::ZERO)).await {
            Ok(history) => Ok(history.map(|history| span.ranges(&history))),
            Err(e) if e.kind() == ErrorKind::Corrupt => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn judge(&self, damage: &Damage) -> Result<()> {
        if damage.is_none() || self.request.on_damage == OnDamage::Warn {
            return Ok(());
        }
        Err(Error::corrupt(damage_text(damage)).hint(
            "the cluster itself is damaged: see to it first; --checksum-errors warn keeps the backup all the same",
        ))
    }

    fn explain(&self, e: Error) -> Error {
        e.hint(if self.facts.in_recovery {
            "the segment is archived when the primary ends it: SELECT pg_switch_wal() there hastens that"
        } else {
            "see PostgreSQL's log for what archive_command says; --no-wait-wal does not wait"
        })
    }

    fn outcome(&self, backup: Backup, copied: Copied, Ended { notes, wal_seen }: Ended) -> Outcome {
        let mut warnings: Vec<String> = self.facts.version.doubt().into_iter().collect();
        warnings.extend(self.ground.warnings.iter().cloned());
        warnings.extend(notes);
        if !copied.damage.is_none() {
            warnings.push(damage_text(&copied.damage));
        }
        if !wal_seen {
            let unseen =
                if self.request.wait_wal == WaitWal::Never { "was not waited for" } else { "has not come" };
            warnings.push(format!("its WAL {unseen}: it cannot be restored before that is in the archive"));
        }
        Outcome {
            backup,
            files: copied.files,
            plain_bytes: copied.plain_bytes,
            stored_bytes: copied.stored_bytes,
            objects: copied.objects,
            damage: copied.damage,
            wal_seen,
            took: self.begun.elapsed(),
            warnings,
        }
    }

    /// Writes down why it failed. That may fail as well, and then the record that is there stays.
    async fn tell_failure(&self, backup: &mut Backup, why: &Error) {
        record::failed(backup, why);
        let told = timeout(LAST_WORDS, self.archive.publish_backup(backup, &self.request.tags)).await;
        match told {
            Ok(Ok(())) => {}
            Ok(Err(e)) => warn!("the failure of {} cannot be recorded: {e}", backup.id),
            Err(_) => warn!("the failure of {} cannot be recorded within {LAST_WORDS:?}", backup.id),
        }
    }
}

/// Says to credentials that may store a record and not replace it how they can take a backup all the same.
fn may_only_create(e: Error) -> Error {
    match e.kind() {
        ErrorKind::Denied => Error::denied(format!("the record cannot be replaced: {e}"))
            .hint("credentials that may only create take a backup with --create-only or BARKEEP_BACKUP_CREATE_ONLY=true"),
        _ => e,
    }
}

/// That the manifest cannot say what it should.
fn forks_unknown(WalSpan { on, ended_on, .. }: &WalSpan) -> String {
    format!(
        "it went over from timeline {} to {} while it was copied, and the archive has no {ended_on}.history that \
         tells where: its manifest names WAL of the first only, so pg_verifybackup needs --no-parse-wal",
        on.number(),
        ended_on.number()
    )
}

/// How many damaged files a message names.
const NAMED: usize = 20;

/// The damaged pages in words.
fn damage_text(damage: &Damage) -> String {
    let files: Vec<_> = damage.files.iter().take(NAMED).map(ToString::to_string).collect();
    let unnamed = damage.file_count - files.len() as u64;
    let more = if unnamed > 0 { format!(", and {unnamed} more files") } else { String::new() };
    format!("{} pages have a wrong checksum: {}{more}", damage.pages, files.join(", "))
}
