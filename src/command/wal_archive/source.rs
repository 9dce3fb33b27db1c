//! The file to archive: what it is called, and whether it is what it is called.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};
use tracing::debug;

use crate::error::{Context, Error, Result};
use crate::model::{SegmentName, SystemId, WalHeader, WalName};
use crate::pgdata::DataDir;
use crate::spool::{ArchiveSpool, FileIdentity};

/// A WAL file on disk, found to be what its name says.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: WalName,
    pub(super) path: PathBuf,
    /// Its length in bytes.
    pub(super) len: u64,
    /// The cluster: from the header, or for files without one from the data directory around.
    pub(super) system_id: Option<SystemId>,
    /// What segments begin with.
    pub(super) header: Option<WalHeader>,
    identity: Option<FileIdentity>,
    /// Which file this was, and when it was last written.
    stamp: Stamp,
}

/// What changes when a file is written or its name is given to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    len: u64,
    written: (i64, i64),
    inode: (u64, u64),
}

impl Stamp {
    /// The stamp of an open file.
    pub(super) fn of(meta: &Metadata) -> Self {
        let (written, inode) = ((meta.mtime(), meta.mtime_nsec()), (meta.ino(), meta.dev()));
        Self { len: meta.len(), written, inode }
    }
}

impl Source {
    /// Looks at the file: its name, its length, and forty bytes of it.
    pub(super) fn open(path: &Path, archive: &str) -> Result<Self> {
        let name: WalName = path
            .file_name()
            .and_then(|n| n.to_str())
            .ok_or_else(|| Error::usage(format!("{} names no file", path.display())))?
            .parse()?;
        Self::open_as(name, path, archive)
    }

    /// The same for a file that is to be archived under another name than it has.
    pub(super) fn open_as(name: WalName, path: &Path, archive: &str) -> Result<Self> {
        // Before it is opened: opening a pipe would wait for whoever writes to it.
        if path.metadata().is_ok_and(|there| !there.is_file()) {
            return Err(Error::usage(format!("{} is not a file", path.display())));
        }
        let mut file: File = fs_err::File::open(path)?.into_parts().0;
        let meta = file.metadata().map_err(Error::from)?;
        let header = match name {
            WalName::Segment(segment) | WalName::Partial(segment) => {
                Some(header(&mut file, segment, meta.len()))
            }
            WalName::Label { .. } | WalName::History(_) => None,
        };
        let header = header
            .transpose()
            .map_err(|e| {
                e.hint("the file was not archived; look at it with pg_waldump before you do anything to it")
            })
            .context(|| format!("refuse {}", path.display()))?;
        if meta.len() == 0 {
            return Err(Error::corrupt(format!("{} is empty", path.display())));
        }
        let around = || DataDir::around_wal(path).control().ok().map(|c| c.system_id);
        let system_id = header.map(|h| h.system_id).or_else(around);
        let identity = system_id.map(|id| FileIdentity::of(&meta, id, archive));
        let stamp = Stamp::of(&meta);
        Ok(Self { name, path: path.to_path_buf(), len: meta.len(), system_id, header, identity, stamp })
    }

    /// The segment and the identity a marker for this file has. Only complete segments have markers.
    pub(super) fn marker(&self) -> Option<(SegmentName, &FileIdentity)> {
        Some((self.name.segment()?, self.identity.as_ref()?))
    }

    /// Whether an earlier call stored this very file.
    pub(super) fn take_marker(&self, spool: &ArchiveSpool) -> bool {
        self.marker().is_some_and(|(segment, identity)| spool.take_marker(segment, identity))
    }

    /// Makes sure that what was read from this open file is still what was looked at: PostgreSQL gives
    /// archived segments a new name and overwrites them.
    pub(super) fn require_unchanged(&self, file: &fs_err::File) -> Result<()> {
        if Stamp::of(&file.metadata()?) == self.stamp {
            return Ok(());
        }
        Err(self.changed())
    }

    /// The error of a file that is not what it was a moment ago.
    pub(super) fn changed(&self) -> Error {
        Error::local(format!("{} changes while it is read", self.path.display()))
            .hint("archive only what PostgreSQL has finished: what its archive_command is given")
    }

    /// Tells the kernel that nobody will read the file soon, so that archived WAL does not push the
    /// database out of the page cache. Only advice: a failure changes nothing.
    pub(super) fn drop_from_cache(&self) {
        if let Ok(file) = File::open(&self.path) {
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
        }
    }
}

fn header(file: &mut File, segment: SegmentName, len: u64) -> Result<WalHeader> {
    let mut bytes = Vec::with_capacity(WalHeader::LEN);
    file.take(WalHeader::LEN as u64).read_to_end(&mut bytes).map_err(Error::from)?;
    let header = WalHeader::parse(&bytes)?;
    header.fits(segment, len).map_err(|misfit| Error::corrupt(misfit.to_string()))?;
    if header.major().is_none() {
        let magic = header.magic;
        debug!("{segment} has the page magic {magic:#06X}, which no PostgreSQL from 13 to 18 writes");
    }
    Ok(header)
}
