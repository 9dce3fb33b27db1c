//! The directory that a drill has to itself, its end, and the end of those that killed drills have left.
//!
//! A file in it is locked for as long as the drill lives; the system gives the lock back when it is killed, and
//! no child inherits it. So a directory of ours whose file nobody holds is that of a dead drill, whatever runs
//! under its number now. One that is to be kept has no such file.

use std::fs::File;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::disk;
use crate::error::{Context as _, Error, Result};
use crate::postgres::own::end_orphans;

/// How many names are tried: directories that were kept take some.
const NAMES: u32 = 1000;
/// How long a directory is tried to be removed: whoever unpacked into it may still be at its last file.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often.
const POLL: Duration = Duration::from_millis(100);

/// What the names of all of them begin with.
const NAME: &str = "barkeep-drill-";
/// The file that is locked while the drill lives, and what it is called until it is.
const MARK: &str = "drill.lock";
const UNLOCKED: &str = "drill.new";

/// A new directory of mode 0700. Dropping it removes it, as far as that goes.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    stays: bool,
    /// Held while the drill lives; `None` where the file system has no locks, and where it is to be kept.
    mark: Option<File>,
}

impl Home {
    /// Makes it in `directory`, which must exist. One that is to be kept is never taken for a dead drill's.
    pub(super) fn make(directory: &Path, keep: bool) -> Result<Self> {
        let above = fs_err::canonicalize(directory)
            .map_err(|e| Error::usage(e.to_string()).hint("name a directory that exists with --directory"))?;
        let own = std::process::id();
        for number in 0..NAMES {
            let number = if number == 0 { String::new() } else { format!("-{number}") };
            let path = above.join(format!("{NAME}{own}{number}"));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {
                    let mut home = Self { path, stays: false, mark: None };
                    if !keep {
                        home.mark = mark(&home.path).context(|| format!("make {}", home.path.display()))?;
                    }
                    return Ok(home);
                }
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(disk::explain(e)).context(|| format!("make {}", path.display())),
            }
        }
        Err(Error::conflict(format!("{} is full of directories of drills", above.display()))
            .hint("remove those that nobody looks at any more, or name another directory"))
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets it stay.
    pub(super) fn keep(mut self) -> PathBuf {
        self.stays = true;
        std::mem::take(&mut self.path)
    }

    /// Removes it and everything in it.
    pub(super) async fn remove(mut self) -> Result<()> {
        self.stays = true;
        remove(&self.path).await.context(|| "remove what the drill has restored")
    }
}

async fn remove(path: &Path) -> Result<()> {
    let begun = Instant::now();
    loop {
        match fs_err::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !path.exists() => return Ok(()),
            Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(POLL).await,
            Err(e) => return Err(disk::explain(e)),
        }
    }
}

/// Puts the file there, locked before it has its name. `None` where the file system has no locks.
fn mark(home: &Path) -> Result<Option<File>> {
    let unlocked = home.join(UNLOCKED);
    let file = fs_err::File::create_new(&unlocked)?.into_parts().0;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        fs_err::remove_file(&unlocked)?;
        return Ok(None);
    }
    fs_err::rename(&unlocked, home.join(MARK))?;
    Ok(Some(file))
}

/// Ends the servers of drills that were killed, and removes their directories in `directory`. Gives those
/// that are gone; what cannot be removed is told in the log, and stands in no drill's way.
pub(super) async fn clear(directory: &Path) -> Vec<PathBuf> {
    let mut gone = Vec::new();
    let above = fs_err::canonicalize(directory).and_then(fs_err::read_dir);
    for path in above.into_iter().flatten().flatten().map(|entry| entry.path()) {
        // Held until it is removed, so that of two drills one does it.
        let Some(_mark) = dead(&path) else { continue };
        end_orphans(&path, &path.join(DATA)).await;
        match remove(&path).await {
            Ok(()) => {
                tracing::warn!("removed {}, which a drill that was killed has left", path.display());
                gone.push(path);
            }
            Err(e) => tracing::warn!("a drill that was killed has left {}: {e}", path.display()),
        }
    }
    gone
}

/// The mark of a directory that is ours and whose drill is dead, locked by us.
fn dead(path: &Path) -> Option<File> {
    let is_named = path.file_name()?.to_str()?.starts_with(NAME);
    let metadata = std::fs::symlink_metadata(path).ok().filter(|_| is_named)?;
    let is_ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    let mark = File::open(path.join(MARK)).ok().filter(|_| is_ours)?;
    flock(&mark, FlockOperation::NonBlockingLockExclusive).ok().map(|()| mark)
}

/// The data directory in it.
pub(super) const DATA: &str = "data";

impl Drop for Home {
    fn drop(&mut self) {
        if !self.stays {
            // A panic is on its way, which says more.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn it_is_new_and_private_and_goes_with_everything_in_it() {
        let above = tempfile::tempdir().unwrap();
        let make = |keep| Home::make(above.path(), keep).unwrap();
        let (one, other) = (make(false), make(false));
        assert_ne!(one.path(), other.path());
        assert_eq!(fs_err::metadata(one.path()).unwrap().permissions().mode() & 0o777, 0o700);
        fs_err::create_dir(one.path().join("data")).unwrap();
        one.remove().await.unwrap();
        drop(other);
        assert_eq!(fs_err::read_dir(above.path()).unwrap().count(), 0);
        let kept = make(true).keep();
        assert!(kept.is_dir());
    }

    #[tokio::test]
    async fn what_a_dead_drill_has_left_goes_and_nothing_else() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().canonicalize().unwrap();
        // Killed: what it has locked is given back, and nothing is tidied up.
        let killed = Home::make(&path, false).unwrap().keep();
        fs_err::create_dir(killed.join(DATA)).unwrap();
        // Alive, to be kept, without a mark, another's name, and a link to somewhere else.
        let alive = Home::make(&path, false).unwrap();
        let kept = Home::make(&path, true).unwrap().keep();
        fs_err::create_dir(path.join("barkeep-drill-7")).unwrap();
        fs_err::create_dir(path.join("other")).unwrap();
        fs_err::write(path.join("other").join(MARK), "").unwrap();
        fs_err::os::unix::fs::symlink(path.join("other"), path.join("barkeep-drill-8")).unwrap();
        assert_eq!(clear(&path).await, [killed]);
        assert!(alive.path().exists() && kept.exists());
        assert_eq!(fs_err::read_dir(&path).unwrap().count(), 5);
        assert!(clear(&path).await.is_empty());
        alive.remove().await.unwrap();
    }

    #[test]
    fn the_directory_above_must_be_there() {
        assert_eq!(Home::make(Path::new("/nonexistent/x"), false).unwrap_err().kind(), ErrorKind::Usage);
    }
}
