//! Before the first file is sent: is this archive our cluster's, and does a twin of the file lie in it
//! under another suffix?
//!
//! Both cost requests, so the answers are remembered in the spool: an archive that was ours an hour
//! ago is ours, and after the last object with another suffix only ours can follow.
//!
//! Without a spool one listing is what every call can afford, and it is that of the file's own name: it
//! shows a twin, and whether the key is taken, so that the store need not be asked that before it stores.
//! Another cluster's archive is then known by its files only where one has our file's name.

use futures_util::{StreamExt, TryStreamExt};
use tracing::{debug, warn};

use super::Request;
use super::source::Source;
use crate::archive::{Archive, StoredWal};
use crate::command::fetch;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Compression, SystemId};
use crate::spool::{ArchiveSpool, Known};

/// Another tool may have archived ahead of PostgreSQL before us, but none runs further ahead than one
/// page of a listing.
const TWINS: usize = 1000;

/// What stands between a file and the archive: nothing, if this is returned.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// The same file under another suffix.
    pub(super) twin: Option<StoredWal>,
    /// What is known of the file's own key.
    pub(super) own: Own,
    /// Successors may be sent in the same call: none of them can have a twin.
    pub(super) look_ahead: bool,
    /// What to remember once the file is stored.
    pub(super) learnt: Option<Known>,
}

/// What is known of the key that a file is to be stored under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Own {
    /// Nothing; the store is to see to it.
    #[default]
    Unasked,
    /// It was free a moment ago.
    Free,
    /// Something lies there.
    Taken,
}

/// Decides whether a file may be sent. Kind `Conflict` when the archive is another cluster's, `Usage`
/// when it is empty and was not.
pub(super) async fn admit(
    archive: &Archive,
    source: &Source,
    request: &Request,
    spool: Option<&ArchiveSpool>,
) -> Result<Admitted> {
    if request.spool.is_none() {
        return admit_by_name(archive, source, request.compression).await;
    }
    let remembered = spool.and_then(ArchiveSpool::known);
    let fresh = remembered.as_ref().filter(|k| k.is_fresh(request.now));
    let suffix = request.compression.suffix();
    let Some(segment) = source.name.segment() else {
        let owned = fresh.is_some() || require_ours(archive, source).await?;
        refuse_emptied(owned, remembered.as_ref())?;
        let found = archive.find_wal(&source.name).await?;
        let twin = found.into_iter().find(|f| f.name == source.name && f.compression != request.compression);
        return Ok(Admitted { twin, ..Admitted::default() });
    };
    if fresh.is_some_and(|k| k.excludes_twins(segment, suffix)) {
        return Ok(Admitted { look_ahead: true, ..Admitted::default() });
    }
    let looked = async { if fresh.is_some() { Ok(true) } else { require_ours(archive, source).await } };
    let (owned, others) = tokio::try_join!(looked, others(archive, source, request.compression))?;
    refuse_emptied(owned, remembered.as_ref())?;
    let last = others.iter().filter_map(|f| f.name.segment()).max();
    let learnt = fresh.is_none_or(|k| k.suffix != suffix).then(|| Known {
        suffix: suffix.to_owned(),
        after: last.map(|l| l.to_string()),
        first: segment.to_string(),
        owned,
        seen: request.now,
    });
    let twin = others.into_iter().find(|f| f.name == source.name);
    Ok(Admitted { twin, learnt, ..Admitted::default() })
}

/// Decides by what lies under the file's own name, in one request.
async fn admit_by_name(archive: &Archive, source: &Source, ours: Compression) -> Result<Admitted> {
    let forms = match archive.forms_of(&source.name).await {
        // Who may only store can still do that under the store's own condition.
        Err(e) if e.kind() == ErrorKind::Denied => {
            debug!("archiving without looking first: {e}");
            return Ok(Admitted::default());
        }
        forms => forms?,
    };
    let taken = forms.iter().any(|form| form.compression == ours);
    let twin = forms.into_iter().find(|form| form.compression != ours);
    let own = if taken { Own::Taken } else { Own::Free };
    Ok(Admitted { twin, own, ..Admitted::default() })
}

/// An archive that held WAL when it was last looked at and holds none now is most likely not there: a
/// volume that is not mounted looks like this. What was stored into its mount point would be lost.
fn refuse_emptied(owned: bool, remembered: Option<&Known>) -> Result<()> {
    if owned || !remembered.is_some_and(|known| known.owned) {
        return Ok(());
    }
    Err(Error::usage("the archive held WAL when it was last looked at, and now it holds none").hint(
        "see whether the store's volume is mounted; if the archive was emptied on purpose, remove the spool",
    ))
}

/// The complete segments from the file's own on that have another suffix than ours.
async fn others(archive: &Archive, source: &Source, ours: Compression) -> Result<Vec<StoredWal>> {
    archive
        .wal_from(&source.name)?
        .take(TWINS)
        .try_filter(|found| std::future::ready(found.compression != ours))
        .try_collect()
        .await
        .context(|| "look for the same WAL under another suffix")
}

/// Refuses to mix two clusters in one archive. Tells whether there is WAL in it at all.
async fn require_ours(archive: &Archive, source: &Source) -> Result<bool> {
    let Some(ours) = source.system_id else { return Ok(true) };
    match owner(archive).await? {
        Some((theirs, by)) if theirs != ours => Err(Error::conflict(format!(
            "the archive belongs to another cluster: {by} was written by system {theirs}, this file by system {ours}"
        ))
        .hint("archive each cluster under a server name of its own: --server or BARKEEP_SERVER")),
        found => Ok(found.is_some()),
    }
}

/// Whose WAL an archive holds, and the object that tells; `None` when it holds none, or when what it
/// holds cannot be read, which is told but must not stop archiving.
pub(in crate::command) async fn owner(archive: &Archive) -> Result<Option<(SystemId, String)>> {
    let Some((segment, recorded)) = archive.any_segment().await? else { return Ok(None) };
    if let Some(id) = recorded.system_id {
        return Ok(Some((id, segment.key().to_owned())));
    }
    match fetch::header(archive, &segment).await {
        Ok(header) => Ok(Some((header.system_id, segment.key().to_owned()))),
        Err(e) if e.kind() == ErrorKind::Corrupt => {
            warn!("cannot tell whose archive this is: {e}");
            Ok(None)
        }
        Err(e) => Err(e),
    }
}
