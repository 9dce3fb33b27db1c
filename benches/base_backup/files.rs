//! Files below a directory: how many bytes, and all of them read once.

use std::io;
use std::path::Path;

use crate::Result;

/// What lies below a directory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Below {
    /// The lengths of all regular files together.
    pub(crate) bytes: u64,
}

/// Sums up a directory.
pub(crate) fn below(directory: &Path) -> Result<Below> {
    let mut sum = Below::default();
    each(directory, &mut |file| {
        sum.bytes += fs_err::symlink_metadata(file)?.len();
        Ok(())
    })?;
    Ok(sum)
}

/// Reads everything once, so that it is in the page cache as far as that goes.
pub(crate) fn read_all(directory: &Path) -> Result<()> {
    each(directory, &mut |file| {
        io::copy(&mut fs_err::File::open(file)?, &mut io::sink())?;
        Ok(())
    })
}

/// Everything that is a regular file; what vanishes meanwhile is left out, as a server runs on it.
fn each(directory: &Path, see: &mut impl FnMut(&Path) -> io::Result<()>) -> Result<()> {
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        let seen = match entry.file_type()? {
            kind if kind.is_dir() => {
                each(&entry.path(), see)?;
                Ok(())
            }
            kind if kind.is_file() => see(&entry.path()),
            _ => Ok(()),
        };
        match seen {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            answer => answer?,
        }
    }
    Ok(())
}
