//! Before the first file is sent: is this archive our cluster's, and does a twin of the file lie in it
//! under another suffix?
//!
//! Both cost requests, so the answers are remembered in the spool: an archive that was ours an hour
//! ago is ours, and after the last object with another suffix only ours can follow.

use futures_util::{StreamExt, TryStreamExt};
use tracing::warn;

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
    /// Successors may be sent in the same call: none of them can have a twin.
    pub(super) look_ahead: bool,
    /// What to remember once the file is stored.
    pub(super) learnt: Option<Known>,
}

/// Decides whether a file may be sent. Kind `Conflict` when the archive is another cluster's.
pub(super) async fn admit(
    archive: &Archive,
    source: &Source,
    request: &Request,
    spool: Option<&ArchiveSpool>,
) -> Result<Admitted> {
    let known = spool.and_then(ArchiveSpool::known).filter(|k| k.is_fresh(request.now));
    if known.is_none() {
        require_ours(archive, source).await?;
    }
    let Some(segment) = source.name.segment() else {
        let twin =
            archive.find_wal(&source.name).await?.into_iter().find(|f| f.compression != request.compression);
        return Ok(Admitted { twin, ..Admitted::default() });
    };
    if known.as_ref().is_some_and(|k| k.excludes_twins(segment, request.compression.suffix())) {
        return Ok(Admitted { look_ahead: true, ..Admitted::default() });
    }
    let others = others(archive, source, request.compression).await?;
    let last = others.iter().filter_map(|f| f.name.segment()).max();
    let learnt = known.is_none_or(|k| k.suffix != request.compression.suffix()).then(|| Known {
        suffix: request.compression.suffix().to_owned(),
        after: last.map(|l| l.to_string()),
        first: segment.to_string(),
        seen: request.now,
    });
    let twin = others.into_iter().find(|f| f.name == source.name);
    Ok(Admitted { twin, look_ahead: false, learnt })
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

/// Refuses to mix two clusters in one archive.
async fn require_ours(archive: &Archive, source: &Source) -> Result<()> {
    let Some(ours) = source.system_id else { return Ok(()) };
    match owner(archive).await? {
        Some((theirs, by)) if theirs != ours => Err(Error::conflict(format!(
            "the archive belongs to another cluster: {by} was written by system {theirs}, this file by system {ours}"
        ))
        .hint("archive each cluster under a server name of its own: --server or BARKEEP_SERVER")),
        _ => Ok(()),
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
