//! What waits to be archived: the `.ready` files of `pg_wal/archive_status`. They are PostgreSQL's
//! own; while it runs we only ever look.

use std::path::{Path, PathBuf};

use super::DataDir;
use crate::disk;
use crate::error::{Context as _, Result};
use crate::model::{SegmentName, SegmentSize, WalName};

/// The queue of files PostgreSQL wants archived.
#[derive(Debug, Clone)]
pub struct Queue {
    pg_wal: PathBuf,
}

impl Queue {
    /// The queue of the `pg_wal` directory that `file` lies in.
    pub fn beside(file: &Path) -> Self {
        Self { pg_wal: file.parent().unwrap_or(Path::new("")).to_path_buf() }
    }

    /// The queue of a data directory.
    pub fn of(dir: &DataDir) -> Self {
        Self { pg_wal: dir.path().join("pg_wal") }
    }

    /// Everything that waits, in the order in which PostgreSQL's archiver takes it: histories first, then by
    /// name. What has no name of a WAL file's is not archived by PostgreSQL either.
    pub fn all(&self) -> Result<Vec<WalName>> {
        let mut names = Vec::new();
        let entries = fs_err::read_dir(self.status()).context(|| "look for what waits to be archived")?;
        for entry in entries {
            let file_name = entry?.file_name();
            let ready = file_name.to_str().and_then(|name| name.strip_suffix(".ready"));
            names.extend(ready.and_then(|name| name.parse::<WalName>().ok()));
        }
        names.sort_by_cached_key(|name| (!matches!(name, WalName::History(_)), name.to_string()));
        Ok(names)
    }

    /// Whether a file waits.
    pub fn waits(&self, name: &WalName) -> bool {
        self.status().join(format!("{name}.ready")).exists()
    }

    /// Whether PostgreSQL has been told that a file is archived.
    pub fn is_done(&self, name: &WalName) -> bool {
        self.status().join(format!("{name}.done")).exists()
    }

    /// Says that these files are archived, durably: for a server that does not run, only after the store
    /// has them.
    pub fn mark_done(&self, names: &[WalName]) -> Result<()> {
        for name in names {
            let [ready, done] = ["ready", "done"].map(|end| self.status().join(format!("{name}.{end}")));
            disk::rename(&ready, &done)?;
        }
        if !names.is_empty() {
            disk::sync_directory(&self.status())?;
        }
        Ok(())
    }

    fn status(&self) -> PathBuf {
        self.pg_wal.join("archive_status")
    }

    /// Where a file of this name lies.
    pub fn path(&self, name: &WalName) -> PathBuf {
        self.pg_wal.join(name.to_string())
    }

    /// Where a segment of the queue lies.
    pub fn file(&self, name: SegmentName) -> PathBuf {
        self.path(&WalName::Segment(name))
    }

    /// At most `most` segments that wait behind `own`, in the order PostgreSQL will ask for them.
    ///
    /// Names are guessed first: with a backlog of thousands the directory takes longer to list than a
    /// segment to send. Only where the chain of successors breaks is the directory read. A waiting
    /// history file ends the queue, since PostgreSQL will ask for it before anything else.
    pub fn behind(&self, own: SegmentName, size: SegmentSize, most: usize) -> Result<Vec<SegmentName>> {
        let mut chain = Vec::new();
        let mut last = own;
        while chain.len() < most {
            match last.next(size) {
                Some(next) if self.waits(&WalName::Segment(next)) => {
                    chain.push(next);
                    last = next;
                }
                _ => break,
            }
        }
        if chain.len() < most {
            chain.extend(self.listed(last, most - chain.len())?);
        }
        Ok(chain)
    }

    /// The same from the directory: the first `most` segments after `after`.
    fn listed(&self, after: SegmentName, most: usize) -> Result<Vec<SegmentName>> {
        let status = self.status();
        if !status.is_dir() {
            // A file given by hand lies in no queue.
            return Ok(Vec::new());
        }
        let mut names = Vec::new();
        for entry in fs_err::read_dir(status)? {
            let file_name = entry?.file_name();
            let Some(name) = file_name.to_str().and_then(|n| n.strip_suffix(".ready")) else { continue };
            match name.parse() {
                Ok(WalName::Segment(name)) if name > after => names.push(name),
                Ok(WalName::History(_)) => return Ok(Vec::new()),
                _ => {}
            }
        }
        names.sort_unstable();
        names.truncate(most);
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(ready: &[&str]) -> (tempfile::TempDir, Queue) {
        let dir = tempfile::tempdir().unwrap();
        let status = dir.path().join("archive_status");
        std::fs::create_dir(&status).unwrap();
        for name in ready {
            std::fs::write(status.join(format!("{name}.ready")), "").unwrap();
        }
        let queue = Queue::beside(&dir.path().join("000000010000000000000001"));
        (dir, queue)
    }

    fn behind(ready: &[&str], most: usize) -> Vec<String> {
        let (_dir, queue) = queue(ready);
        let own = "000000010000000000000001".parse().unwrap();
        let waiting = queue.behind(own, SegmentSize::DEFAULT, most).unwrap();
        waiting.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn successors_come_in_order_and_no_more_than_asked_for() {
        let ready = [
            "000000010000000000000001",
            "000000010000000000000003",
            "000000010000000000000002",
            "000000010000000000000004",
        ];
        assert_eq!(behind(&ready, 2), ["000000010000000000000002", "000000010000000000000003"]);
    }

    #[test]
    fn where_the_chain_breaks_the_directory_tells_how_it_goes_on() {
        let ready = [
            "000000010000000000000002",
            "000000020000000000000002",
            "000000010000000000000002.00000028.backup",
        ];
        assert_eq!(behind(&ready, 32), ["000000010000000000000002", "000000020000000000000002"]);
    }

    #[test]
    fn a_waiting_history_file_ends_the_queue() {
        assert!(behind(&["00000002.history", "000000020000000000000002"], 32).is_empty());
    }

    #[test]
    fn everything_comes_in_the_order_of_the_archiver() {
        let (_dir, queue) = queue(&[
            "000000010000000000000003",
            "000000020000000000000002",
            "000000010000000000000002.00000028.backup",
            "000000010000000000000002",
            "000000010000000000000002.partial",
            "00000003.history",
            "00000002.history",
            "something",
        ]);
        let names: Vec<String> = queue.all().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "00000002.history",
                "00000003.history",
                "000000010000000000000002",
                "000000010000000000000002.00000028.backup",
                "000000010000000000000002.partial",
                "000000010000000000000003",
                "000000020000000000000002",
            ]
        );
    }

    #[test]
    fn what_is_marked_done_waits_no_longer() {
        let (_dir, queue) = queue(&["000000010000000000000003", "000000010000000000000004"]);
        let names = queue.all().unwrap();
        queue.mark_done(&names[..1]).unwrap();
        assert_eq!(queue.all().unwrap(), names[1..]);
        assert!(queue.is_done(&names[0]) && queue.waits(&names[1]));
    }

    #[test]
    fn a_file_outside_any_queue_has_nothing_behind_it() {
        let dir = tempfile::tempdir().unwrap();
        let queue = Queue::beside(&dir.path().join("000000010000000000000001"));
        let own = "000000010000000000000001".parse().unwrap();
        assert!(queue.behind(own, SegmentSize::DEFAULT, 32).unwrap().is_empty());
    }
}
