//! What the laws of `fuzz/` need of the private parts.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::manifest::ManifestChecksum;
use super::unpack::{Ledger, Tree, Unpacker};
use super::{ControlFile, Postmaster};
use crate::error::Result;

/// Unpacks a tar into `top`, in which the names of `elsewhere` lie at other places. Gives the number of
/// files.
pub(crate) fn unpack(
    top: &Path,
    elsewhere: &[(PathBuf, PathBuf)],
    within: &Path,
    tar: &mut dyn Read,
) -> Result<u64> {
    let ledger = Arc::new(Ledger::new(ManifestChecksum::Crc32c));
    let done = Unpacker::new(Tree::open(top, elsewhere)?, ledger).unpack(within, 0, tar)?;
    Ok(done.files)
}

/// Reads the files of a running server.
pub(crate) fn read_server_files(bytes: &[u8]) {
    let _ = Postmaster::parse(&String::from_utf8_lossy(bytes));
    if let Some(control) = bytes.first_chunk() {
        let _ = ControlFile::parse(control);
    }
}
