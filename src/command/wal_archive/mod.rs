//! `wal-archive`: one WAL file into the archive, once, and its successors while we are at it.
//!
//! The order of things: the name and the header are checked before anything else; a marker answers
//! without touching the network; then the archive must be this cluster's; then the own file is sent
//! first and its successors behind it. A file is never sent over another one.

mod ahead;
mod compare;
mod guard;
mod pack;
mod send;
pub(super) mod several;
mod source;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{debug, warn};

use crate::archive::{Archive, OpenArchive, Patience, Tags};
use crate::error::{Context, Error, Result};
use crate::model::{Compression, Level, WalName};
use crate::spool::{ArchiveSpool, Known, Lock, Spool, Turn};
use ahead::Limits;
use compare::Held;
use guard::Own;
pub(super) use guard::owner;
use send::{Prepared, Sender};
use source::Source;

/// How long a call waits for another one that may be storing its file already.
const TURN: Duration = Duration::from_secs(30);

/// How long before its deadline a call whose own file is stored gives up on the rest.
const WIND_UP: Duration = Duration::from_secs(1);

/// What to archive and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// The file, as `%p` names it: relative to the current directory or absolute.
    pub file: PathBuf,
    /// The codec of new objects.
    pub compression: Compression,
    /// How hard to compress; `None` is the codec's default.
    pub level: Option<Level>,
    /// Tags of every object.
    pub tags: Tags,
    /// Tags of history files, in place of `tags`.
    pub history_tags: Option<Tags>,
    /// Replace an object that has other content, instead of refusing.
    pub overwrite: bool,
    /// At most so many waiting successors are archived in the same call: 0 to 32.
    pub look_ahead: u8,
    /// Once the own file is stored, successors are waited for no longer than this.
    pub soft_limit: Duration,
    /// The spool's directory. Without one nothing is remembered from call to call: no file is archived ahead,
    /// and every call asks the store what lies under its file's name.
    pub spool: Option<PathBuf>,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What the whole call may take.
    pub deadline: Duration,
    /// What time it is.
    pub now: Timestamp,
}

/// What became of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The file.
    pub name: WalName,
    /// What became of it.
    pub archived: Archived,
    /// How many successors were stored as well.
    pub ahead: usize,
}

/// How a file came to be in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archived {
    /// Stored by this call.
    Stored {
        /// Its length on disk.
        plain_bytes: u64,
        /// Its length in the store.
        stored_bytes: u64,
    },
    /// It was there already, with the same content.
    Same,
    /// An earlier call stored it ahead of its turn; the store was not asked.
    Ahead,
}

/// Archives the file.
///
/// Kinds of failure: `Usage` for a name that is none of a WAL file's, `Corrupt` for a file that is not
/// what its name says, `Conflict` when the archive has other content under its name or belongs to
/// another cluster, `Unavailable` and `Denied` from the store, `Local` from the file system.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let source = Source::open(&request.file, &archive.address().fingerprint())?;
    let spool = spool(request, &source, archive);
    if let Some(spool) = &spool
        && source.take_marker(spool)
    {
        return Ok(Outcome { name: source.name, archived: Archived::Ahead, ahead: 0 });
    }
    let name = source.name;
    let deadline = Instant::now() + request.deadline;
    tokio::time::timeout_at(deadline.into(), archive_it(request, archive, source, spool, deadline))
        .await
        .unwrap_or_else(|_| Err(Error::unavailable(format!("not done within {:?}", request.deadline))))
        .context(|| format!("archive {name}"))
}

async fn archive_it(
    request: &Request,
    archive: &dyn OpenArchive,
    source: Source,
    spool: Option<ArchiveSpool>,
    deadline: Instant,
) -> Result<Outcome> {
    let lock = match await_turn(&source, spool.as_ref(), deadline).await {
        Ok(lock) => lock,
        Err(Stored) => return Ok(Outcome { name: source.name, archived: Archived::Ahead, ahead: 0 }),
    };
    let opened = open(request, archive, deadline).await?;
    let mut sender = Sender::new(&opened, request, &source, spool.as_ref());
    let source = Arc::new(source);
    // Packing takes the processor and the guard takes the network, so neither waits for the other.
    let guard = guard::admit(&opened, &source, request, spool.as_ref());
    let (admitted, prepared) = tokio::try_join!(guard, sender.prepare(&source))?;
    match admitted.own {
        Own::Taken if !request.overwrite && !matches!(source.name, WalName::Partial(_)) => {
            sender.compare(&source, prepared).await?;
            return Ok(Outcome { name: source.name, archived: Archived::Same, ahead: 0 });
        }
        own => sender.asked = own == Own::Free,
    }
    if let WalName::Partial(_) = source.name
        && !request.overwrite
    {
        return grow(&opened, sender, &source, prepared).await;
    }
    if let Some(twin) = admitted.twin.as_ref().filter(|_| !request.overwrite) {
        compare::same_or_conflict(&opened, &source, twin).await?;
        return Ok(Outcome { name: source.name, archived: Archived::Same, ahead: 0 });
    }
    let successors = match &spool {
        Some(spool) if lock.is_some() && admitted.look_ahead => {
            ahead::successors(&source, spool, request.look_ahead)
        }
        _ => Vec::new(),
    };
    let limits =
        Limits { soft: request.soft_limit, hard: deadline.checked_sub(WIND_UP).unwrap_or(deadline).into() };
    let spooled = spool.as_ref();
    let (sent, ahead) = ahead::send_all(&sender, &source, prepared, successors, spooled, limits).await?;
    if let Some(twin) = &admitted.twin {
        // Two suffixes of one name would leave it to the reader which one is served.
        opened.remove_wal(twin).await?;
    }
    remember(spool.as_ref(), admitted.learnt.as_ref());
    Ok(Outcome { name: source.name, archived: sent.told(source.len), ahead })
}

/// Sends an incomplete segment unless the archive has all of it. A copy that holds less is replaced; one that
/// goes another way is left, and refuses this one.
async fn grow(
    archive: &Archive,
    mut sender: Sender<'_>,
    source: &Arc<Source>,
    prepared: Option<Prepared>,
) -> Result<Outcome> {
    let outcome = |archived| Outcome { name: source.name, archived, ahead: 0 };
    let less = match compare::weigh(archive, source).await? {
        Held::All => return Ok(outcome(Archived::Same)),
        Held::Less(objects) => objects,
        Held::Nothing => Vec::new(),
    };
    sender.overwrite = !less.is_empty();
    let sent = sender.send(source, prepared).await?;
    for other in less.iter().filter(|object| !sender.writes(object.compression)) {
        // Two suffixes of one name would leave it to the reader which one is served.
        archive.remove_wal(other).await?;
    }
    Ok(outcome(sent.told(source.len)))
}

fn remember(spool: Option<&ArchiveSpool>, learnt: Option<&Known>) {
    if let (Some(spool), Some(learnt)) = (spool, learnt)
        && let Err(e) = spool.set_known(learnt)
    {
        warn!("the archive will be looked at again by the next call: {e}");
    }
}

/// The part of the spool for this file's cluster. Without one every call goes to the store, which is
/// slower and no less safe; so trouble with it is told and does not stop us.
fn spool(request: &Request, source: &Source, archive: &dyn OpenArchive) -> Option<ArchiveSpool> {
    let system_id = source.system_id?;
    let opened = Spool::open(request.spool.as_deref()?)
        .and_then(|spool| spool.archive(&archive.address().fingerprint(), system_id));
    opened.inspect_err(|e| warn!(hint = e.hint_text(), "archiving without look-ahead: {e}")).ok()
}

/// Another call stored the file meanwhile.
struct Stored;

/// Waits while another call, which may be storing this very file, is at work.
async fn await_turn(
    source: &Source,
    spool: Option<&ArchiveSpool>,
    deadline: Instant,
) -> std::result::Result<Option<Lock>, Stored> {
    let (Some(spool), Some((segment, identity))) = (spool, source.marker()) else { return Ok(None) };
    let (spool, identity) = (spool.clone(), identity.clone());
    let until = deadline.min(Instant::now() + TURN);
    match tokio::task::spawn_blocking(move || spool.await_turn(segment, &identity, until)).await {
        Ok(Ok(Turn::Marked)) => Err(Stored),
        Ok(Ok(Turn::Ours(lock))) => Ok(Some(lock)),
        // Sending a file twice is safe, waiting for ever is not.
        Ok(Ok(Turn::TimedOut)) => Ok(None),
        Ok(Err(e)) => {
            warn!("archiving without look-ahead: {e}");
            Ok(None)
        }
        Err(e) => {
            debug!("the wait for the spool's lock ended early: {e}");
            Ok(None)
        }
    }
}

async fn open(request: &Request, archive: &dyn OpenArchive, deadline: Instant) -> Result<Archive> {
    let patience = Patience {
        retry_for: request.retry_for,
        max_attempts: request.max_attempts,
        deadline: Some(deadline),
        ..Patience::default()
    };
    let exclusive = super::exclusive_put(archive, request.spool.as_deref(), request.now);
    archive.open(exclusive, &patience).await
}
