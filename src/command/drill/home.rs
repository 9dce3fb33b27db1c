//! The directory that a drill has to itself, and its end.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::disk;
use crate::error::{Context as _, Error, Result};

/// How many names are tried: directories that were kept take some.
const NAMES: u32 = 1000;
/// How long a directory is tried to be removed: whoever unpacked into it may still be at its last file.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often.
const POLL: Duration = Duration::from_millis(100);

/// A new directory of mode 0700. Dropping it removes it, as far as that goes.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
    stays: bool,
}

impl Home {
    /// Makes it in `directory`, which must exist.
    pub(super) fn make(directory: &Path) -> Result<Self> {
        let above = fs_err::canonicalize(directory)
            .map_err(|e| Error::usage(e.to_string()).hint("name a directory that exists with --directory"))?;
        let own = std::process::id();
        for number in 0..NAMES {
            let number = if number == 0 { String::new() } else { format!("-{number}") };
            let path = above.join(format!("barkeep-drill-{own}{number}"));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, stays: false }),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(disk::explain(e)).context(|| format!("make {}", path.display())),
            }
        }
        Err(Error::conflict(format!("{} is full of directories of drills", above.display())))
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
        let begun = Instant::now();
        loop {
            match fs_err::remove_dir_all(&self.path) {
                Ok(()) => return Ok(()),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound && !self.path.exists() => return Ok(()),
                Err(_) if begun.elapsed() < PATIENCE => tokio::time::sleep(POLL).await,
                Err(e) => return Err(disk::explain(e)).context(|| "remove what the drill has restored"),
            }
        }
    }
}

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
        let (one, other) = (Home::make(above.path()).unwrap(), Home::make(above.path()).unwrap());
        assert_ne!(one.path(), other.path());
        assert_eq!(fs_err::metadata(one.path()).unwrap().permissions().mode() & 0o777, 0o700);
        fs_err::create_dir(one.path().join("data")).unwrap();
        one.remove().await.unwrap();
        drop(other);
        assert_eq!(fs_err::read_dir(above.path()).unwrap().count(), 0);
        let kept = Home::make(above.path()).unwrap().keep();
        assert!(kept.is_dir());
    }

    #[test]
    fn the_directory_above_must_be_there() {
        assert_eq!(Home::make(Path::new("/nonexistent/x")).unwrap_err().kind(), ErrorKind::Usage);
    }
}
