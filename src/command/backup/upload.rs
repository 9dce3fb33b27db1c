//! A finished backup into the archive: one that another tool has taken and keeps in directories, the data
//! directory in `data` and each tablespace in one with its number.
//!
//! It is packed by the same rules as a running server, and asked for nothing that only a server knows. Its
//! record comes last, as it stands: until then the archive has no such backup.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;
use tracing::info;

use super::copy::{self, Copied, CopyRequest, Last, OpenCopy, Progress, Sizes};
use super::stop::Stop;
use super::{open, wind_up};
use crate::archive::{Archive, OpenArchive, Tags};
use crate::error::{Context as _, Error, Result};
use crate::model::{Backup, BackupId, Compression, Level, SystemId};
use crate::pgdata::DataDir;
use crate::pgdata::manifest::{ManifestChecksum, WalRange};

/// The longest record that is read, in bytes: as the archive reads it back.
const MAX_RECORD: u64 = 4 << 20;

/// What is brought into the archive, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The backup's identifier.
    pub id: BackupId,
    /// Where the backup lies: `data`, and a directory for each tablespace beside it.
    pub directory: PathBuf,
    /// The file of its record, which is stored as it is.
    pub record: PathBuf,
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
    /// How large tars and their parts are.
    pub sizes: Sizes,
    /// What each file of the manifest is summed with.
    pub manifest: ManifestChecksum,
    /// The spool's directory, where it is remembered what the store can do; nothing is remembered without
    /// one.
    pub spool: Option<PathBuf>,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// How long all of it may take, when that is bounded.
    pub deadline: Option<Duration>,
    /// Nothing is replaced, for credentials that may only create.
    pub create_only: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// What was stored.
#[derive(Debug)]
pub struct Outcome {
    /// What its record says.
    pub backup: Backup,
    /// How many files were copied.
    pub files: u64,
    /// Their bytes.
    pub plain_bytes: u64,
    /// What they take in the store.
    pub stored_bytes: u64,
    /// In how many tars.
    pub objects: u32,
    /// How long it took.
    pub took: Duration,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

/// Brings a backup into the archive. `stop` turning true ends it in good order, as kind `Interrupted`; so
/// does its deadline.
///
/// Kinds of failure: `Usage` for a backup that is no plain copy of files, `Conflict` when the archive has
/// one with this identifier, `Corrupt` for a record that does not tell enough, `Local` from the file system,
/// and what the store says. None of them leaves a record.
pub async fn run(
    request: &Request,
    archive: &dyn OpenArchive,
    progress: Arc<Progress>,
    stop: watch::Receiver<bool>,
) -> Result<Outcome> {
    let begun = Instant::now();
    let mut stop = Stop::new(stop, request.deadline);
    let (text, backup) = read(request).context(|| format!("read {}", request.record.display()))?;
    let (copy_request, last) = plan(request, &backup)?;
    let archive = open(archive, request.spool.as_deref(), request.max_attempts, request.now);
    let archive = Arc::new(stop.unless(archive).await?.creating_only(request.create_only));
    stop.unless(make_room(&archive, &request.id)).await?;
    info!(id = %request.id, "the upload begins");
    let (cancel, cancelled) = watch::channel(false);
    let copied = copy::begin(Arc::clone(&archive), copy_request, progress, cancelled);
    let open = copy_files(copied, &cancel, &mut stop).await.context(|| "copy the files")?;
    let warnings = open.notes().to_vec();
    let copied = stop.unless_wound_up(open.finish(last), &cancel).await.context(|| "finish the copy")?;
    archive.publish_record(&request.id, text, &request.tags).await?;
    let Copied { files, plain_bytes, stored_bytes, objects, .. } = copied;
    Ok(Outcome { backup, files, plain_bytes, stored_bytes, objects, took: begun.elapsed(), warnings })
}

/// The record as it stands, and what it says.
fn read(request: &Request) -> Result<(Bytes, Backup)> {
    let length = fs_err::metadata(&request.record)?.len();
    if length > MAX_RECORD {
        return Err(Error::corrupt(format!("a record of {length} bytes is none")));
    }
    let text = fs_err::read_to_string(&request.record)?;
    let backup = Archive::parse_record(request.id, &text)?;
    if let Some(how) = backup.other.get("compression").filter(|how| *how != "None") {
        return Err(Error::usage(format!(
            "the backup is compressed ({how}), so it is no directory of files"
        )));
    }
    if backup.is_snapshot() {
        return Err(Error::usage("the backup consists of volume snapshots, so it is no directory of files"));
    }
    if !backup.is_usable() {
        return Err(Error::usage(format!("the backup is {}, not DONE", backup.status)));
    }
    Ok((Bytes::from(text), backup))
}

/// What is copied, and what is added at the end: here everything is known beforehand.
fn plan(request: &Request, backup: &Backup) -> Result<(CopyRequest, Last)> {
    let lacks = |what: &str| Error::corrupt(format!("the record does not tell {what}"));
    let pgdata = request.directory.join("data");
    let wal = WalRange {
        timeline: backup.timeline.ok_or_else(|| lacks("the timeline"))?,
        start: backup.begin.lsn.ok_or_else(|| lacks("where the backup began"))?,
        end: backup.end.lsn.ok_or_else(|| lacks("where the backup ended"))?,
    };
    let control = DataDir::new(&pgdata).control().context(|| "look at the data directory")?;
    let recorded: SystemId = backup.system_id.unwrap_or(control.system_id);
    if recorded != control.system_id {
        let there = control.system_id;
        let apart = format!("the files are of system {there}, the record of system {recorded}");
        return Err(Error::conflict(apart).hint("name the data directory of the server that was backed up"));
    }
    let last = Last { label: label(request, backup)?, wal: vec![wal] };
    let copy = CopyRequest {
        id: request.id,
        pgdata,
        tablespaces: backup.tablespaces.clone(),
        numbered: Some(request.directory.clone()),
        config_files: Vec::new(),
        version: backup.version.ok_or_else(|| lacks("the server's version"))?,
        compression: request.compression,
        level: request.compression.level(request.level),
        tags: request.tags.clone(),
        jobs: request.jobs,
        memory: request.memory,
        max_rate: request.max_rate,
        max_read_rate: None,
        sizes: request.sizes,
        // What was checked or not when it was copied from the server is as it is.
        pages: None,
        manifest: request.manifest,
        system_id: control.system_id,
    };
    Ok((copy, last))
}

/// The text that recovery goes by, which lies among the files, and in the record too.
fn label(request: &Request, backup: &Backup) -> Result<String> {
    match fs_err::read_to_string(request.directory.join("data/backup_label")) {
        Ok(label) => Ok(label),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => backup
            .label
            .clone()
            .ok_or_else(|| Error::corrupt("there is no backup_label among the files, nor in the record")),
        Err(e) => Err(e.into()),
    }
}

/// Sees to it that nothing lies in the backup's folder: tars that an earlier try has left there would be
/// taken for part of this one.
async fn make_room(archive: &Archive, id: &BackupId) -> Result<()> {
    if !archive.has_backup_folder(id).await? {
        return Ok(());
    }
    let catalog = archive.catalog().await?;
    let left: Vec<_> = catalog.orphans.iter().filter(|orphan| orphan.id == *id).collect();
    if left.is_empty() {
        return Err(Error::conflict(format!("the archive has a backup {id} already"))
            .hint("take it again a second later; two backups have begun at the same time"));
    }
    archive
        .remove_files(left.iter().map(|orphan| &orphan.files), None)
        .await
        .context(|| "remove an earlier try")
}

/// Copies everything; when the copy is no longer wanted it is told to stop, and awaited until its uploads
/// are aborted.
async fn copy_files(
    copy: impl Future<Output = Result<OpenCopy>>,
    cancel: &watch::Sender<bool>,
    stop: &mut Stop,
) -> Result<OpenCopy> {
    tokio::pin!(copy);
    let why = tokio::select! {
        copied = &mut copy => return copied,
        why = stop.asked() => why,
    };
    cancel.send_replace(true);
    wind_up(copy).await;
    Err(why)
}
