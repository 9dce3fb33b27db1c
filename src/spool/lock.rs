//! One at a time, and waiting for the other.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, read};

use crate::error::{Error, Result};

/// A lock that is held until it is dropped, or its process ends however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock lives as long as the descriptor")] File);

impl Lock {
    /// Takes the lock if nobody holds it; never waits.
    pub fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| Error::local(format!("open the lock {}: {e}", path.display())).caused_by(e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self(file))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(e) => Err(Error::local(format!("lock {}: {e}", path.display())).caused_by(e)),
        }
    }
}

/// Watches a folder for files that appear under their final names (Linux's inotify).
pub(super) struct Watch(OwnedFd);

impl Watch {
    pub(super) fn on(folder: &Path) -> Result<Self> {
        let failed = |e: Errno| Error::local(format!("watch {}: {e}", folder.display())).caused_by(e);
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).map_err(failed)?;
        inotify::add_watch(&inotify, folder, WatchFlags::MOVED_TO | WatchFlags::CREATE).map_err(failed)?;
        Ok(Self(inotify))
    }

    /// Waits until something has appeared, at most for `time`.
    pub(super) fn wait(&mut self, time: Duration) -> Result<()> {
        let failed = |e: Errno| Error::local(format!("wait for a change in the spool: {e}")).caused_by(e);
        let time = Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&time)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(failed(e)),
        }
        // What appeared is looked for by name; the events only have to be taken out.
        match read(&self.0, &mut [0_u8; 4096]) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(e) => Err(failed(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_one_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        drop(held);
        assert!(Lock::try_take(&path).unwrap().is_some());
    }
}
