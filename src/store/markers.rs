//! Where a list of unfinished uploads has got to: S3 and Google's XML interface page it in the same way.

use crate::error::{Error, Result};

/// Where a page begins: after this key and, among its uploads, after this one. Neither is known at first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Markers {
    pub(super) key: Option<String>,
    pub(super) upload: Option<String>,
}

impl Markers {
    /// Where the page after this one begins, as it tells itself; `None` when there is none. One that does
    /// not move on would be asked for without end.
    pub(super) fn next(&self, is_truncated: bool, key: &str, upload: &str) -> Result<Option<Self>> {
        if !is_truncated {
            return Ok(None);
        }
        let marker = |told: &str| (!told.is_empty()).then(|| told.to_owned());
        let next = Self { key: marker(key), upload: marker(upload) };
        if next.key.is_none() || next == *self {
            return Err(Error::corrupt("the list is cut off and does not say where it goes on"));
        }
        Ok(Some(next))
    }
}
