//! Successors fetched by the call that fetches their predecessor, into a folder the caller keeps.
//!
//! The folder is flat: a segment lies in it under its own name, whole or not at all, since others may look
//! for it there. What is delivered out of it is checked like everything else that PostgreSQL is given.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use rustix::fs::OFlags;
use tracing::{debug, warn};

use super::spooled::hand_over;
use crate::archive::{Archive, StoredWal};
use crate::command::fetch;
use crate::disk::{Draft, Durability, Publish};
use crate::error::{Error, Result};
use crate::model::{SegmentName, SegmentSize, SystemId, WalHeader, WalName};

/// How many are fetched at once: each takes a connection, a thread and a few megabytes.
const AT_ONCE: usize = 8;

/// How long successors are waited for. PostgreSQL waits as long, for a file that is at its place already.
const LIMIT: Duration = Duration::from_mins(1);

/// Successors that a call fetches besides the segment it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Where they are put, and looked for by later calls.
    pub folder: Folder,
    /// At most so many; with none the folder is only looked into.
    pub successors: u8,
}

/// A folder that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder, made where it is missing, for nobody else to reach into.
    pub fn open(path: &Path) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|e| {
            Error::local(format!("make the folder {}: {e}", path.display()))
                .caused_by(e)
                .hint("name a folder that can be made and written to")
        })?;
        Ok(Self(path.to_path_buf()))
    }

    fn file(&self, segment: SegmentName) -> PathBuf {
        self.0.join(segment.to_string())
    }
}

impl Batch {
    /// Moves a segment that an earlier call fetched to its destination.
    pub(super) fn deliver(&self, asked: SegmentName, cluster: Option<SystemId>, destination: &Path) -> bool {
        let file = self.folder.file(asked);
        match is_good(&file, asked, cluster) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(e) => {
                // The archive has it too.
                warn!("{} is of no use: {e}", file.display());
                return false;
            }
        }
        let moved = hand_over(&file, destination);
        moved.inspect_err(|e| warn!("the segment fetched ahead is of no use: {e}")).unwrap_or(false)
    }

    /// Fetches what the archive has behind a segment that was delivered. Trouble with it is told and is no
    /// trouble of that segment.
    pub(super) async fn fetch_behind(&self, archive: &Archive, delivered: SegmentName, header: WalHeader) {
        let work = self.try_fetch_behind(archive, delivered, header);
        match tokio::time::timeout(LIMIT, work).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => warn!("not all that follows {delivered} was fetched ahead: {e}"),
            Err(_) => warn!("what follows {delivered} was not all fetched ahead within {LIMIT:?}"),
        }
    }

    async fn try_fetch_behind(
        &self,
        archive: &Archive,
        delivered: SegmentName,
        header: WalHeader,
    ) -> Result<()> {
        let wanted = following(delivered, header.segment_size, self.successors);
        let missing = |n: &SegmentName| {
            !is_good(&self.folder.file(*n), *n, Some(header.system_id)).is_ok_and(|good| good)
        };
        let wanted: Vec<SegmentName> = wanted.into_iter().filter(missing).collect();
        let stored = listed(archive, &wanted).await?;
        let fetching = stored.into_iter().map(|(segment, stored)| async move {
            self.fetch_one(archive, segment, &stored, header.system_id).await
        });
        stream::iter(fetching).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn fetch_one(
        &self,
        archive: &Archive,
        segment: SegmentName,
        stored: &StoredWal,
        cluster: SystemId,
    ) -> Result<()> {
        let (object, recorded) = archive.open_wal(stored).await?;
        // Flushed before it gets its name: a later call cannot know that the power failed in between.
        let draft = Draft::beside(&self.folder.file(segment), 0o600, Durability::Durable)?;
        let (draft, _) = fetch::verified(object, stored, recorded, Some(cluster), draft).await?;
        draft.publish(Publish::Replace)?;
        debug!("{segment} was fetched ahead");
        Ok(())
    }
}

/// The names of the segments behind one, on its timeline.
fn following(segment: SegmentName, size: SegmentSize, most: u8) -> Vec<SegmentName> {
    std::iter::successors(segment.next(size), |n| n.next(size)).take(most.into()).collect()
}

/// What of the wanted segments the archive has, up to the first that it does not have: PostgreSQL gets no
/// further.
async fn listed(archive: &Archive, wanted: &[SegmentName]) -> Result<Vec<(SegmentName, StoredWal)>> {
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(Vec::new()) };
    let all = archive.wal_from(&WalName::Segment(*first))?;
    let within = all.try_take_while(|found| std::future::ready(Ok(found.name <= WalName::Segment(*last))));
    let mut found: Vec<StoredWal> = within.try_collect().await?;
    // A segment that is there in several forms is fetched once.
    found.dedup_by_key(|stored| stored.name);
    let stored = |segment: SegmentName| {
        let at = found.iter().find(|stored| stored.name == WalName::Segment(segment))?;
        Some((segment, at.clone()))
    };
    Ok(wanted.iter().map_while(|segment| stored(*segment)).collect())
}

/// Whether this very segment lies there: a regular file, ours, as long as it should be and with the header
/// it should have. What others could have put there is not looked into.
fn is_good(path: &Path, segment: SegmentName, cluster: Option<SystemId>) -> Result<bool> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let mut file: File = match opened {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e.into()),
    };
    let meta = file.metadata()?;
    let us = rustix::process::geteuid().as_raw();
    if !meta.is_file() {
        return Err(Error::corrupt("it is not a regular file"));
    }
    if meta.uid() != us {
        return Err(Error::corrupt(format!("it belongs to user {}, not to us (user {us})", meta.uid())));
    }
    let mut head = Vec::with_capacity(WalHeader::LEN);
    (&mut file).take(WalHeader::LEN as u64).read_to_end(&mut head)?;
    let header = WalHeader::parse(&head)?;
    header.fits(segment, meta.len()).map_err(|misfit| Error::corrupt(misfit.to_string()))?;
    match cluster {
        Some(cluster) if header.system_id != cluster => {
            let message = format!("it was written by system {}, not by system {cluster}", header.system_id);
            Err(Error::corrupt(message))
        }
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_crosses_the_end_of_a_log_at_the_clusters_own_segment_size() {
        let names = |first: &str, mib: u64, most| -> Vec<String> {
            let size = SegmentSize::new(mib << 20).unwrap();
            following(first.parse().unwrap(), size, most).iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            names("0000000100000000000000FE", 16, 3),
            ["0000000100000000000000FF", "000000010000000100000000", "000000010000000100000001"]
        );
        assert_eq!(names("00000001000000000000003F", 64, 1), ["000000010000000100000000"]);
        assert_eq!(names("0000000100000000000000FF", 1, 1), ["000000010000000000000100"]);
        assert_eq!(names("0000000100000000000000FF", 1, 0), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_no_segment_is_of_no_use_and_a_link_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let segment: SegmentName = "000000010000000000000001".parse().unwrap();
        let path = dir.path().join(segment.to_string());
        assert!(!is_good(&path, segment, None).unwrap());
        std::fs::write(&path, "").unwrap();
        assert!(is_good(&path, segment, None).is_err());
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(is_good(&path, segment, None).is_err());
    }
}
