//! `reach`: whether the store answers, and whether there is anything in it to keep an archive in. Nothing is
//! stored.

use super::Effort;
use crate::archive::OpenArchive;
use crate::error::{Error, ErrorKind, Result};

/// What answered.
#[derive(Debug)]
pub enum Outcome {
    /// The store: it exists, and may be listed.
    Store,
    /// The service only: it has no such bucket or container, or not in this place. The error tells.
    ServiceOnly(Error),
}

/// Lists the beginning of the server's WAL, which takes nothing but the right to read.
///
/// Kinds of failure: `Unavailable` when nothing answers, `Denied` when the answer is that it is nobody's
/// business, and those of signing in.
pub async fn run(effort: &Effort, archive: &dyn OpenArchive) -> Result<Outcome> {
    let opened = effort.open(archive).await?;
    match opened.any_wal().await {
        Ok(_) => Ok(Outcome::Store),
        // So a store says that it is not there; see the contract of `ObjectStore`.
        Err(e) if e.kind() == ErrorKind::Usage => Ok(Outcome::ServiceOnly(e)),
        Err(e) => Err(e),
    }
}
