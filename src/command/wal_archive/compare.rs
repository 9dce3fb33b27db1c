//! The key is taken: by the same content, which is success, or by other content, which is refused
//! with everything there is to know about it.

use std::io::{Read, Seek as _};
use std::path::Path;
use std::sync::Arc;

use fs_err::File;

use super::pack;
use super::source::Source;
use crate::archive::{Archive, Recorded, StoredWal, WalPut};
use crate::command::fetch;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{
    Fork, Lsn, Overlap, Overlapping, SegmentName, SegmentSize, SystemId, TimelineHistory, WalHeader, WalName,
};
use crate::stream::fill;

/// Compares a file with what lies under its own key. One request when the digest is recorded.
pub(super) async fn with_stored(archive: &Archive, source: &Arc<Source>, put: &WalPut) -> Result<()> {
    let Some((stored, recorded)) = archive.stored_wal(&put.name, put.compression).await? else {
        return Err(Error::unavailable(
            "the archive refused the file as already there, and now it is not there",
        )
        .hint("somebody is deleting WAL while it is archived; run the command again"));
    };
    if recorded.sha256.is_some() && recorded.sha256 == put.recorded.sha256 {
        return Ok(());
    }
    same_or_conflict(archive, source, &stored).await
}

/// Compares a file with a stored one byte for byte.
pub(super) async fn same_or_conflict(archive: &Archive, source: &Source, stored: &StoredWal) -> Result<()> {
    let (object, recorded) = archive.open_wal(stored).await?;
    let (compression, path) = (stored.compression, source.path.clone());
    let compared =
        fetch::decoded(object.body, compression, move |plain| Ok(first_difference(plain, &path))).await;
    let (found, same) = compared.unwrap_or_else(|e| (Err(e), 0));
    match found {
        Ok(None) => Ok(()),
        Ok(Some(difference)) if was_this_file(source, &recorded) => {
            let at = difference.at;
            Err(Error::corrupt(format!(
                "this file's SHA-256 was recorded with it, but its byte {at} differs"
            ))
            .hint(format!(
                "the stored copy is a damaged one of this very file: replace it, once: {}",
                overwrite(source)
            )))
        }
        Ok(Some(difference)) => return Err(conflict(source, stored, &recorded, &difference)),
        Err(e) if e.kind() == ErrorKind::Corrupt && was_this_file(source, &recorded) => Err(e.hint(format!(
            "the stored copy is a damaged one of this very file: replace it, once: {}",
            overwrite(source)
        ))),
        // What comes behind the damage may be another server's, and then it is lost already but for a part.
        Err(e) if e.kind() == ErrorKind::Corrupt && same > WalHeader::LEN as u64 => Err(e.hint(format!(
            "its first {same} bytes are this file's; if no other server archives under this name, it is torn: replace \
             it, once: {}",
            overwrite(source)
        ))),
        Err(e) => Err(e),
    }
    .context(|| format!("compare with {}", stored.key()))
}

/// Whether the digest that was recorded with a stored copy is this file's. Reads all of it: only for trouble.
fn was_this_file(source: &Source, recorded: &Recorded) -> bool {
    let Some(recorded) = &recorded.sha256 else { return false };
    pack::digest(source).is_ok_and(|ours| ours.to_string() == *recorded)
}

/// The command that replaces a stored copy.
fn overwrite(source: &Source) -> String {
    format!("barkeep wal-archive --overwrite {}", source.path.display())
}

/// What of a segment that is incomplete the archive has.
#[derive(Debug)]
pub(super) enum Held {
    /// Nothing.
    Nothing,
    /// All of it, and perhaps more.
    All,
    /// Less than the file holds, in these objects.
    Less(Vec<StoredWal>),
}

/// Weighs an incomplete segment against every copy of it in the archive. Kind `Conflict` when one of them goes
/// another way (docs/decisions/0025-partials-grow.md).
pub(super) async fn weigh(archive: &Archive, source: &Source) -> Result<Held> {
    let (WalName::Partial(segment), Some(header)) = (source.name, source.header) else {
        return Ok(Held::Nothing);
    };
    let limit = left_at(&source.path, segment, header.segment_size);
    let mut less = Vec::new();
    for stored in archive.forms_of(&source.name).await? {
        let (object, recorded) = archive.open_wal(&stored).await?;
        let path = source.path.clone();
        let compared = fetch::decoded(object.body, stored.compression, move |plain| {
            overlap(plain, &path, header.start, limit)
        })
        .await
        .context(|| format!("compare with {}", stored.key()))?;
        match compared {
            (Overlapping::Held, _) => return Ok(Held::All),
            (Overlapping::More, _) => less.push(stored),
            (Overlapping::Parted(at), stored_head) => {
                return Err(conflict(source, &stored, &recorded, &Difference { at, stored_head }));
            }
        }
    }
    Ok(if less.is_empty() { Held::Nothing } else { Held::Less(less) })
}

/// Where the timeline of a segment was left, if a history beside it says so for a place in this segment: the
/// last segment of an old timeline ends there, whatever its file held before.
fn left_at(file: &Path, segment: SegmentName, size: SegmentSize) -> Option<Lsn> {
    let beside = std::fs::read_dir(file.parent()?).ok()?.flatten();
    let histories = beside.filter_map(|entry| {
        let Ok(WalName::History(timeline)) = entry.file_name().to_str()?.parse() else { return None };
        TimelineHistory::parse(timeline, &std::fs::read_to_string(entry.path()).ok()?).ok()
    });
    let forks: Vec<_> = histories.flat_map(|history| history.forks().to_vec()).collect();
    let here = |fork: &&Fork| {
        fork.from == segment.timeline && SegmentName::holding(fork.from, fork.at, size) == segment
    };
    forks.iter().filter(here).map(|fork| fork.at).max()
}

/// How a file and its stored copy overlap, and how the stored one begins.
fn overlap(
    stored: &mut (dyn Read + Send),
    path: &Path,
    start: Lsn,
    limit: Option<Lsn>,
) -> Result<(Overlapping, Vec<u8>)> {
    let mut ours = File::open(path)?;
    let mut head = [0; WalHeader::LEN];
    ours.read_exact(&mut head)?;
    ours.rewind()?;
    let page = WalHeader::page_size(&head);
    let mut overlap = Overlap::new(start, page, limit);
    let (mut a, mut b) = (vec![0; page], vec![0; page]);
    let mut stored_head = Vec::new();
    loop {
        let n = fill(stored, &mut a)?;
        let m = fill(&mut ours, &mut b)?;
        if stored_head.is_empty() {
            stored_head = a[..n.min(WalHeader::LEN)].to_vec();
        }
        if n == 0 && m == 0 {
            return Ok((overlap.verdict(), stored_head));
        }
        overlap.page(&b[..m], &a[..n]);
    }
}

/// Where two files part, and how the stored one begins.
struct Difference {
    at: u64,
    stored_head: Vec<u8>,
}

/// Also tells how many bytes were compared and are the same, whether or not the rest could be read.
fn first_difference(stored: &mut (dyn Read + Send), path: &Path) -> (Result<Option<Difference>>, u64) {
    let mut same = 0;
    (part(stored, path, &mut same), same)
}

fn part(stored: &mut (dyn Read + Send), path: &Path, at: &mut u64) -> Result<Option<Difference>> {
    let mut ours = File::open(path)?;
    let (mut a, mut b) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut head = Vec::new();
    loop {
        let n = fill(stored, &mut a)?;
        let m = fill(&mut ours, &mut b)?;
        if head.is_empty() {
            head = a[..n.min(WalHeader::LEN)].to_vec();
        }
        if a[..n] != b[..m] {
            let same = a[..n].iter().zip(&b[..m]).take_while(|(x, y)| x == y).count();
            return Ok(Some(Difference { at: *at + same as u64, stored_head: head }));
        }
        if n == 0 {
            return Ok(None);
        }
        *at += n as u64;
    }
}

fn conflict(source: &Source, stored: &StoredWal, recorded: &Recorded, difference: &Difference) -> Error {
    let theirs = WalHeader::parse(&difference.stored_head).ok().map(|h| h.system_id).or(recorded.system_id);
    let place = match source.header.and_then(|h| h.start.checked_add(difference.at)) {
        Some(lsn) => format!("they differ first at LSN {lsn}"),
        None => format!("they differ first at byte {}", difference.at),
    };
    let (whose, hint) = told_apart(source.system_id, theirs);
    Error::conflict(format!("the archive already has {} with other content: {whose}; {place}", stored.key()))
        .hint(hint)
}

fn told_apart(ours: Option<SystemId>, theirs: Option<SystemId>) -> (String, &'static str) {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours != theirs => (
            format!("it was written by system {theirs}, this file by system {ours}"),
            "another cluster archives under this server name; give this one a name of its own with --server",
        ),
        (Some(ours), Some(_)) => (
            format!("both were written by system {ours}"),
            "two copies of the same cluster archive to the same place: a clone, a restored copy, or a former primary \
             that still runs; stop the wrong one, or give it a name of its own with --server",
        ),
        _ => (
            "it does not tell which cluster wrote it".to_owned(),
            "compare the two files before you decide which one is right",
        ),
    }
}
