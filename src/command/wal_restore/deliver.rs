//! A file from the archive to its destination, in the foreground.

use std::path::Path;

use tracing::{info, warn};

use super::Request;
use crate::archive::{Archive, Object, Recorded, StoredWal};
use crate::command::fetch;
use crate::disk::{Draft, Durability, Publish};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Compression, SystemId, WalHeader, WalName};

/// How often a stored file that turns out broken is read before that is believed.
const READS: usize = 2;

/// A file that is at its destination.
pub(super) struct Delivered {
    pub(super) stored: StoredWal,
    /// Segments have one.
    pub(super) header: Option<WalHeader>,
}

/// Fetches the file to its destination; `None` when a listing proved that the archive does not have
/// it. `hint` is the codec the last one had: when it fits, the listing is saved.
pub(super) async fn fetch(
    archive: &Archive,
    request: &Request,
    cluster: Option<SystemId>,
    hint: Option<Compression>,
) -> Result<Option<Delivered>> {
    let to = Destination { path: &request.destination, cluster };
    if let Some(hint) = hint
        && let Some((stored, object, recorded)) = archive.open_wal_as(&request.name, hint).await?
    {
        match to.write(&stored, object, recorded).await {
            Err(e) if e.kind() == ErrorKind::Corrupt => warn!("{e}; reading it again"),
            other => return other.map(Some),
        }
    }
    let mut broken = None;
    for stored in choose(&request.name, archive.find_wal(&request.name).await?, request.no_partial) {
        for _ in 0..READS {
            let (object, recorded) = archive.open_wal(&stored).await?;
            match to.write(&stored, object, recorded).await {
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

/// What may be tried, in order. A partial segment is tried only when there is no complete one at all:
/// in place of a broken complete one it would quietly end recovery too early.
fn choose(name: &WalName, found: Vec<StoredWal>, no_partial: bool) -> Vec<StoredWal> {
    let complete: Vec<_> = found.iter().filter(|f| f.name == *name).cloned().collect();
    if !complete.is_empty() {
        return complete;
    }
    if let Some(partial) = found.first() {
        if no_partial {
            info!("only {} is there, and partial segments were refused", partial.key());
            return Vec::new();
        }
        info!("delivering {}, since there is no complete segment", partial.key());
    }
    found
}

struct Destination<'a> {
    path: &'a Path,
    cluster: Option<SystemId>,
}

impl Destination<'_> {
    async fn write(&self, stored: &StoredWal, object: Object, recorded: Recorded) -> Result<Delivered> {
        // Not synced: PostgreSQL's own durable rename syncs what it was given before it relies on it,
        // and it asks again after a crash.
        let draft = Draft::beside(self.path, 0o600, Durability::Fleeting)
            .map_err(Error::from)
            .context(|| format!("write {}", self.path.display()))?;
        let (draft, header) = fetch::verified(object, stored, recorded, self.cluster, draft).await?;
        draft
            .publish(Publish::Replace)
            .map_err(Error::from)
            .context(|| format!("write {}", self.path.display()))?;
        Ok(Delivered { stored: stored.clone(), header })
    }
}
