//! Uploads made ahead: markers that a file is stored already, and what the next call needs to know.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::lock::{Lock, Watch};
use crate::disk;
use crate::error::Result;
use crate::model::{SegmentName, SystemId};

/// Nothing tells when a lock is given up, so it is tried again this often while waiting for markers.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// How long what was learnt about an archive is believed before it is looked at again.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Which file a marker speaks of. A segment's file that was recycled, replaced, or belongs to another
/// cluster or archive differs in at least one of these, so a marker can never hide an unsent file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileIdentity {
    /// The cluster in its header.
    pub system_id: SystemId,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Its inode, and the device that is on.
    pub inode: (u64, u64),
    /// The fingerprint of the archive it was stored in.
    pub archive: String,
}

impl FileIdentity {
    /// The identity of an open file.
    pub fn of(meta: &Metadata, system_id: SystemId, archive: &str) -> Self {
        Self {
            system_id,
            size: meta.len(),
            modified_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            inode: (meta.ino(), meta.dev()),
            archive: archive.to_owned(),
        }
    }
}

/// The text of a marker; two identities are equal exactly when their texts are.
impl fmt::Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { system_id, size, modified_ns, inode: (inode, device), archive } = self;
        write!(
            f,
            "system {system_id} size {size} modified {modified_ns} inode {inode} device {device} archive {archive}"
        )
    }
}

/// What is known of the archive from an earlier call, so that a call need not ask again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The suffix our objects have.
    pub suffix: String,
    /// The last segment that lay there with another suffix when we began.
    pub after: Option<String>,
    /// The segment we began with.
    pub first: String,
    /// Whether it held WAL already, by which its cluster could be told.
    pub owned: bool,
    /// When the archive was looked at.
    pub seen: Timestamp,
}

impl Known {
    /// Whether it is still believed. That an archive was empty is not: another cluster may have begun
    /// in the same moment.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.owned && self.seen <= now && now.duration_since(self.seen) < KNOWN_FOR
    }

    /// Whether neither this segment nor any after it can lie in the archive under another suffix.
    pub fn excludes_twins(&self, segment: SegmentName, suffix: &str) -> bool {
        let name = segment.to_string();
        self.suffix == suffix && name >= self.first && self.after.as_ref().is_none_or(|after| name > *after)
    }
}

/// Whose turn it is to archive.
#[derive(Debug)]
pub enum Turn {
    /// Ours, until the lock is dropped.
    Ours(Lock),
    /// Nobody's any more: the file is stored.
    Marked,
    /// Still another call's when the time was up.
    TimedOut,
}

/// The spool of one cluster's archiving into one archive.
#[derive(Debug, Clone)]
pub struct ArchiveSpool {
    folder: PathBuf,
}

impl ArchiveSpool {
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Whether this very file is stored already. Its marker has then served and is gone. A marker of
    /// another file under the same name is left to that file, which may be another server's.
    pub fn take_marker(&self, name: SegmentName, file: &FileIdentity) -> bool {
        let marked = self.is_marked(name, file);
        if marked {
            // What cannot be removed is still true; it only lies there until it is swept.
            let _ = disk::remove(&self.marker(name));
        }
        marked
    }

    /// Whether a marker of this file lies there; it stays.
    pub fn is_marked(&self, name: SegmentName, file: &FileIdentity) -> bool {
        std::fs::read_to_string(self.marker(name)).is_ok_and(|text| text == file.to_string())
    }

    /// Remembers that this file is stored. Only ever called after the store said so. Not synced: a
    /// marker that is lost costs a request.
    pub fn mark(&self, name: SegmentName, file: &FileIdentity) -> Result<()> {
        super::remember(&self.marker(name), file.to_string().as_bytes())
    }

    /// Removes markers of segments before `name`, which PostgreSQL will not ask for any more.
    pub fn sweep_before(&self, name: SegmentName) -> Result<()> {
        for entry in fs_err::read_dir(&self.folder)? {
            let entry = entry?;
            let marked = entry.file_name().to_str().and_then(|n| n.parse::<SegmentName>().ok());
            if marked.is_some_and(|marked| marked < name) {
                let _ = disk::remove(&entry.path());
            }
        }
        Ok(())
    }

    /// The right to archive ahead; `None` while another call has it.
    pub fn try_lock(&self) -> Result<Option<Lock>> {
        Lock::try_take(&self.folder.join("lock"))
    }

    /// Waits for the right to archive, until `until`: while another call has it, that call may be
    /// storing this very file. Blocks its thread.
    pub fn await_turn(&self, name: SegmentName, file: &FileIdentity, until: Instant) -> Result<Turn> {
        let mut watch = None;
        loop {
            // The lock first: whoever gave it up before we took it has marked all it stored.
            let lock = self.try_lock()?;
            if self.take_marker(name, file) {
                return Ok(Turn::Marked);
            }
            if let Some(lock) = lock {
                return Ok(Turn::Ours(lock));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Turn::TimedOut);
            }
            match &mut watch {
                // Looked at once more before the first wait, or a change in between would be missed.
                None => watch = Some(Watch::on(&self.folder)?),
                Some(watch) => watch.wait(left.min(LOCK_POLL))?,
            }
        }
    }

    /// How far the last call looked ahead; 0 when it did not.
    pub fn depth(&self) -> u8 {
        std::fs::read_to_string(self.folder.join("depth"))
            .ok()
            .and_then(|t| t.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Remembers how far this call looks ahead.
    pub fn set_depth(&self, depth: u8) -> Result<()> {
        super::remember(&self.folder.join("depth"), depth.to_string().as_bytes())
    }

    /// What is known of the archive, if anything.
    pub fn known(&self) -> Option<Known> {
        let text = std::fs::read(self.folder.join("known")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Remembers it.
    pub fn set_known(&self, known: &Known) -> Result<()> {
        let text = serde_json::to_vec(known).map_err(|e| crate::error::Error::bug(e.to_string()))?;
        super::remember(&self.folder.join("known"), &text)
    }

    fn marker(&self, name: SegmentName) -> PathBuf {
        self.folder.join(name.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Spool;

    fn spool() -> (tempfile::TempDir, ArchiveSpool) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(&dir.path().join("spool")).unwrap().archive("a1", SystemId(7)).unwrap();
        (dir, spool)
    }

    fn identity(size: u64) -> FileIdentity {
        FileIdentity { system_id: SystemId(7), size, modified_ns: 1, inode: (2, 3), archive: "a1".to_owned() }
    }

    fn segment(n: u32) -> SegmentName {
        SegmentName { timeline: crate::model::Timeline::new(1).unwrap(), log: 0, seg: n }
    }

    #[test]
    fn a_marker_answers_once_and_only_for_the_very_file_it_was_made_for() {
        let (_dir, spool) = spool();
        spool.mark(segment(1), &identity(16)).unwrap();
        assert!(spool.is_marked(segment(1), &identity(16)));
        assert!(spool.take_marker(segment(1), &identity(16)));
        assert!(!spool.take_marker(segment(1), &identity(16)));

        let changes: [fn(&mut FileIdentity); 6] = [
            |f| f.size += 1,
            |f| f.modified_ns += 1,
            |f| f.inode.0 += 1,
            |f| f.inode.1 += 1,
            |f| f.system_id = SystemId(8),
            |f| f.archive.push('x'),
        ];
        for change in changes {
            let mut other = identity(16);
            change(&mut other);
            spool.mark(segment(1), &other).unwrap();
            assert!(!spool.take_marker(segment(1), &identity(16)), "{other}");
        }
    }

    #[test]
    fn only_from_the_first_segment_after_all_others_on_can_there_be_no_twin() {
        let known = |after: Option<u32>| Known {
            suffix: ".zst".to_owned(),
            after: after.map(|n| segment(n).to_string()),
            first: segment(5).to_string(),
            owned: true,
            seen: Timestamp::UNIX_EPOCH,
        };
        assert!(known(None).excludes_twins(segment(5), ".zst"));
        assert!(!known(None).excludes_twins(segment(4), ".zst"));
        assert!(!known(None).excludes_twins(segment(5), ".gz"));
        assert!(!known(Some(7)).excludes_twins(segment(7), ".zst"));
        assert!(known(Some(7)).excludes_twins(segment(8), ".zst"));
    }

    #[test]
    fn a_turn_comes_when_the_lock_is_free_or_the_file_is_marked_or_the_time_is_up() {
        let (_dir, spool) = spool();
        let soon = || Instant::now() + Duration::from_millis(150);
        let Turn::Ours(lock) = spool.await_turn(segment(1), &identity(16), soon()).unwrap() else { panic!() };
        assert!(matches!(spool.await_turn(segment(1), &identity(16), soon()).unwrap(), Turn::TimedOut));
        let other = spool.clone();
        let marking = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            other.mark(segment(1), &identity(16)).unwrap();
        });
        let long = Instant::now() + Duration::from_secs(20);
        assert!(matches!(spool.await_turn(segment(1), &identity(16), long).unwrap(), Turn::Marked));
        marking.join().unwrap();
        drop(lock);
        assert!(matches!(spool.await_turn(segment(1), &identity(16), long).unwrap(), Turn::Ours(_)));
    }

    #[test]
    fn markers_of_earlier_segments_are_swept() {
        let (_dir, spool) = spool();
        for n in 1..4 {
            spool.mark(segment(n), &identity(16)).unwrap();
        }
        spool.sweep_before(segment(3)).unwrap();
        assert!(!spool.is_marked(segment(2), &identity(16)));
        assert!(spool.is_marked(segment(3), &identity(16)));
    }
}
