//! A directory of very many tiny files, which is there only as long as it is measured.

use std::path::{Path, PathBuf};

use crate::Result;

/// So many lie in one folder.
const PER_FOLDER: usize = 1000;

/// Files in a directory. Dropping it removes them.
#[derive(Debug)]
pub(crate) struct Files(PathBuf);

impl Files {
    /// Makes so many of them in a new directory; what an earlier run left there goes.
    pub(crate) fn make(directory: PathBuf, count: usize) -> Result<Self> {
        let files = Self(directory);
        remove(&files.0)?;
        for first in (0..count).step_by(PER_FOLDER) {
            let folder = files.0.join(format!("{first:07}"));
            fs_err::create_dir_all(&folder)?;
            for number in first..count.min(first + PER_FOLDER) {
                fs_err::write(folder.join(number.to_string()), format!("{number:016}"))?;
            }
        }
        Ok(files)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // The next run removes what is left.
        let _ = remove(&self.0);
    }
}

fn remove(directory: &Path) -> std::io::Result<()> {
    if directory.exists() { fs_err::remove_dir_all(directory) } else { Ok(()) }
}
