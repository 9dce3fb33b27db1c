//! What the laws of `fuzz/` need of the private parts.

use std::ffi::OsString;

pub(crate) use super::native::fuzz::{read_cluster_manifest, read_configuration, read_native_words};
pub(crate) use super::quantity::{Depth, Size, Span};
pub(crate) use super::read_words;
pub(crate) use super::tag::Tag;

/// A command line: words with zero bytes between them.
pub(crate) fn words(bytes: &[u8]) -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt as _;

    bytes.split(|byte| *byte == 0).map(|word| OsString::from_vec(word.to_vec())).collect()
}
