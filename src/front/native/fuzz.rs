//! What the laws of `fuzz/` need of the private parts.

use std::ffi::OsString;

use super::file::File;
use crate::error::Result;

/// Reads the text of a configuration file.
pub(crate) fn read_configuration(text: &str) -> Result<()> {
    File::parse(text).map(drop)
}

/// Reads the text of a manifest, and judges every archive in it.
pub(crate) fn read_cluster_manifest(text: &str) -> Result<()> {
    super::config::read_manifest(text)
}

/// Reads words as those of our own commands; whether they can be meant.
pub(crate) fn read_native_words(words: &[OsString]) -> bool {
    super::read(words).is_ok()
}
