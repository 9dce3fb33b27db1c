//! A file from the archive to its destination, in the foreground.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tracing::warn;

use super::Caller;
use crate::archive::{Archive, Object, Recorded, StoredWal};
use crate::command::fetch;
use crate::disk::{self, Draft, Durability, Leftover, Publish};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Compression, SystemId, WalHeader, WalName};

/// How often a stored file that turns out broken is read before that is believed.
const READS: usize = 2;

/// When a draft that nobody holds has been left for good: no call takes that long, and where a file system
/// has no locks its age is all there is to tell.
const ABANDONED: Duration = Duration::from_hours(1);

/// A file that is at its destination.
pub(super) struct Delivered {
    pub(super) stored: StoredWal,
    /// Segments have one.
    pub(super) header: Option<WalHeader>,
}

/// What is to be fetched, and where to.
pub(super) struct Wanted<'a> {
    pub(super) name: &'a WalName,
    pub(super) destination: &'a Path,
    pub(super) cluster: Option<SystemId>,
    /// The codec the last one had: when it fits, the listing is saved.
    pub(super) hint: Option<Compression>,
    /// A `.partial` will do when there is no complete segment.
    pub(super) partial: bool,
}

impl Wanted<'_> {
    /// Fetches the file to its destination; `None` when a listing proved that the archive does not
    /// have it. Where `empty_is_no_answer`, an archive without any WAL proves nothing: a volume that is
    /// not mounted and a misspelled server look just like it.
    pub(super) async fn fetch(
        &self,
        archive: &Archive,
        empty_is_no_answer: bool,
    ) -> Result<Option<Delivered>> {
        if let Some(hint) = self.hint
            && let Some((stored, object, recorded)) = archive.open_wal_as(self.name, hint).await?
        {
            match self.write(&stored, object, recorded).await {
                Err(e) if e.kind() == ErrorKind::Corrupt => warn!("{e}; reading it again"),
                other => return other.map(Some),
            }
        }
        let found = archive.find_wal(self.name).await?;
        if found.is_empty() && empty_is_no_answer && !archive.any_wal().await? {
            return Err(Error::usage("the archive holds no WAL at all")
                .hint("look at --store and --server, and whether the store's volume is mounted"));
        }
        self.fetch_first_good(archive, self.choose(found)).await
    }

    async fn fetch_first_good(&self, archive: &Archive, found: Vec<StoredWal>) -> Result<Option<Delivered>> {
        let mut broken = None;
        for stored in found {
            for _ in 0..READS {
                let (object, recorded) = archive.open_wal(&stored).await?;
                match self.write(&stored, object, recorded).await {
                    Err(e) if e.kind() == ErrorKind::Corrupt => {
                        warn!("{e}");
                        broken.get_or_insert(e);
                    }
                    other => return other.map(Some),
                }
            }
        }
        broken.map_or(Ok(None), Err)
    }

    /// What may be tried, in order. A partial segment is tried only when there is no complete one at
    /// all: in place of a broken complete one it would quietly end recovery too early.
    fn choose(&self, found: Vec<StoredWal>) -> Vec<StoredWal> {
        let (complete, partial): (Vec<_>, Vec<_>) = found.into_iter().partition(|f| f.name == *self.name);
        let Some(first) = partial.first().filter(|_| complete.is_empty()) else { return complete };
        if self.partial {
            warn!("delivering {}, since there is no complete segment", first.key());
            return partial;
        }
        warn!("only {} is there, which was not asked for", first.key());
        Vec::new()
    }

    async fn write(&self, stored: &StoredWal, object: Object, recorded: Recorded) -> Result<Delivered> {
        let place = || format!("write {}", self.destination.display());
        // Not synced: PostgreSQL's own durable rename syncs what it was given before it relies on it,
        // and it asks again after a crash.
        let draft = Draft::beside(self.destination, 0o600, Durability::Fleeting);
        let draft = draft.map_err(disk::explain).context(place)?;
        let (draft, header) = fetch::verified(object, stored, recorded, self.cluster, draft).await?;
        draft.publish(Publish::Replace).map_err(disk::explain).context(place)?;
        Ok(Delivered { stored: stored.clone(), header })
    }
}

/// Refuses a destination that is something else than a file: the file takes the place of what is there, and
/// for `/dev/null` on the command line of somebody with all rights the whole system would pay.
pub(super) fn require_place(destination: &Path) -> Result<()> {
    match destination.metadata() {
        Ok(there) if !there.is_file() => {
            let path = destination.display();
            Err(Error::local(format!("{path} is there and is not a file")).hint("name a file"))
        }
        // What else may be wrong with it is seen when it is written.
        _ => Ok(()),
    }
}

/// Removes what calls that were killed left half written beside the destination. PostgreSQL restores
/// one file at a time, so nobody else is writing there. Of others several may be at work in one directory,
/// which nobody but us clears: what goes there is old and held by no process.
pub(super) fn remove_drafts(destination: &Path, caller: Caller, now: Timestamp) {
    let folder = destination.parent().filter(|p| *p != Path::new("")).unwrap_or(Path::new("."));
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if !disk::is_temporary(&entry.file_name()) {
            continue;
        }
        // What stays behind once more is seen by the next call.
        let _ = match caller {
            Caller::Recovery | Caller::Standby => disk::remove(&entry.path()),
            Caller::Other => remove_abandoned(&entry.path(), now),
        };
    }
}

fn remove_abandoned(draft: &Path, now: Timestamp) -> io::Result<()> {
    let Some(leftover) = Leftover::open(draft)? else { return Ok(()) };
    let written = leftover.metadata()?.modified()?;
    if written < SystemTime::from(now) - ABANDONED { leftover.remove() } else { Ok(()) }
}
