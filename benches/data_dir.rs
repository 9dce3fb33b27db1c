//! A data directory without a server: as much of one as `archive_command` and `restore_command` see.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::wal::{Corpus, Segment};

/// PostgreSQL 15 and later scan `archive_status` once for so many files.
const FILES_PER_SCAN: usize = 64;

/// A data directory.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Makes one of the corpus's cluster, without WAL.
    pub(crate) fn create(path: PathBuf, corpus: &Corpus) -> Result<Self> {
        private_dir(&path.join("pg_wal/archive_status"))?;
        private_dir(&path.join("global"))?;
        fs_err::copy(corpus.control_file(), path.join("global/pg_control"))?;
        fs_err::copy(corpus.version_file(), path.join("PG_VERSION"))?;
        Ok(Self { path })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Puts complete segments into it, all waiting to be archived.
    pub(crate) fn make_ready(&self, corpus: &Corpus, segments: &[Segment]) -> Result<()> {
        for segment in segments {
            let path = self.path.join("pg_wal").join(&segment.name);
            fs_err::hard_link(corpus.path(segment), &path)?;
            // A segment that has just been written is in memory; an earlier run may have dropped it.
            segment.verify(&path)?;
            fs_err::write(self.status(&segment.name, "ready"), "")?;
        }
        Ok(())
    }

    /// The files that have waited longest, in the order they must be archived in.
    pub(crate) fn oldest_ready(&self) -> Result<Vec<String>> {
        let mut ready = Vec::new();
        for entry in fs_err::read_dir(self.path.join("pg_wal/archive_status"))? {
            let name = entry?.file_name();
            ready.extend(name.to_str().and_then(|name| name.strip_suffix(".ready")).map(str::to_owned));
        }
        ready.sort_unstable();
        ready.truncate(FILES_PER_SCAN);
        Ok(ready)
    }

    /// Notes that a file is archived.
    pub(crate) fn mark_done(&self, name: &str) -> Result<()> {
        Ok(fs_err::rename(self.status(name, "ready"), self.status(name, "done"))?)
    }

    /// Makes it one that recovers from the archive.
    pub(crate) fn begin_recovery(&self) -> Result<()> {
        Ok(fs_err::write(self.path.join("recovery.signal"), "")?)
    }

    fn status(&self, name: &str, suffix: &str) -> PathBuf {
        self.path.join("pg_wal/archive_status").join(format!("{name}.{suffix}"))
    }
}

/// Makes a directory, and those it is in, that only we may enter.
pub(crate) fn private_dir(path: &Path) -> Result<()> {
    Ok(std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?)
}
