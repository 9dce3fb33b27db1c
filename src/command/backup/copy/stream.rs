//! One of the threads that copy: takes the next task, packs it into its tar, until there are no more.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use super::CopyRequest;
use super::damage::Damage;
use super::object::OpenTar;
use super::queue::{FileWork, Queue, Task, Work};
use super::shared::Shared;
use crate::error::{Context, Error, Result};
use crate::pgdata::manifest::ManifestEntry;
use crate::pgdata::pack::{PackedFile, Packer};
use crate::pgdata::tar::Attributes;
use crate::pgdata::walk::Surveyed;

/// What a stream leaves when there is nothing left to do.
pub(super) struct Left {
    /// Its last tar, if that is one of the data directory's: more may go into it.
    pub(super) open: Option<OpenTar>,
    pub(super) counts: Counts,
    pub(super) damage: Damage,
}

/// What was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) files: u64,
    pub(super) plain_bytes: u64,
}

impl Counts {
    /// Takes note of a file.
    pub(super) fn add(&mut self, file: &PackedFile) {
        self.files += 1;
        self.plain_bytes += file.size;
    }
}

/// A thread that copies.
pub(super) struct Stream {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    entries: mpsc::SyncSender<ManifestEntry>,
    packer: Packer,
    left: Left,
}

impl Stream {
    /// One that has done nothing yet.
    pub(super) fn new(
        shared: &Arc<Shared>,
        queue: &Arc<Queue>,
        entries: &mpsc::SyncSender<ManifestEntry>,
        request: &CopyRequest,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            queue: Arc::clone(queue),
            entries: entries.clone(),
            packer: Packer::new(request.pages, request.manifest),
            left: Left { open: None, counts: Counts::default(), damage: Damage::default() },
        }
    }

    /// Works until there is nothing left to do. Its failure ends all others as well.
    pub(super) fn run(mut self) -> Option<Left> {
        let shared = Arc::clone(&self.shared);
        match self.work() {
            Ok(()) => Some(self.left),
            Err(e) => {
                shared.fail(e);
                None
            }
        }
    }

    fn work(&mut self) -> Result<()> {
        while let Some(Task { begins, work }) = self.queue.next(self.left.open.as_ref().map(OpenTar::opened))
        {
            if let Some(name) = begins {
                if let Some(full) = self.left.open.take() {
                    full.finish()?;
                }
                self.left.open = Some(OpenTar::begin(&self.shared, name)?);
            }
            match work {
                Work::Directories { at } => self.directories(at)?,
                Work::File(file) => self.file(file)?,
            }
        }
        if let Some(other) = self.left.open.take_if(|open| !open.is_of_data()) {
            other.finish()?;
        }
        Ok(())
    }

    fn directories(&mut self, at: usize) -> Result<()> {
        let (Some(Surveyed { series, root, listing }), Some(open)) =
            (self.queue.series(at), self.left.open.as_mut())
        else {
            return Err(Error::bug("directories are packed without a tar"));
        };
        // A tablespace's own directory is whoever restores it to make.
        let itself = Some(Path::new("").to_owned()).filter(|_| *series == crate::model::Series::Data);
        for member in itself.into_iter().chain(listing.directories()) {
            // Links were followed by the survey.
            match fs_err::metadata(root.join(&member)) {
                Ok(meta) => open.tar.directory(&member, Attributes::from(&meta))?,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    // `pg_wal` has directories that this server may not have made.
                    if member.starts_with("pg_wal") {
                        let like = Attributes::from(&fs_err::metadata(root)?);
                        open.tar.directory(&member, like)?;
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn file(&mut self, file: FileWork) -> Result<()> {
        let open = self.left.open.as_mut().ok_or_else(|| Error::bug("a file is packed without a tar"))?;
        let shared = &self.shared;
        let mut pace = |bytes| {
            shared.before_reading(bytes)?;
            shared.progress.done_bytes.fetch_add(bytes, Ordering::Relaxed);
            Ok(())
        };
        let packed = self.packer.file(&mut open.tar, &file.source, &file.member, file.segment, &mut pace);
        let packed = packed.context(|| format!("copy {}", file.source.display()))?;
        self.shared.progress.done_files.fetch_add(1, Ordering::Relaxed);
        let Some(packed) = packed else { return Ok(()) };
        self.left.counts.add(&packed);
        self.left.damage.add(&file.listed, &packed.broken);
        let entry = entry(file.listed, &packed);
        self.entries.send(entry).map_err(|_| Error::unavailable("the manifest is not written any more"))
    }
}

/// What a manifest says of a file.
pub(super) fn entry(path: std::path::PathBuf, packed: &PackedFile) -> ManifestEntry {
    ManifestEntry { path, size: packed.size, modified: Some(packed.modified), sum: packed.sum }
}
