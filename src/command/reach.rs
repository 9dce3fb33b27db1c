//! `reach`: whether the store answers, and whether there is anything in it to keep an archive in. Nothing is
//! stored.

use std::time::{Duration, Instant};

use crate::archive::{ExclusivePut, OpenArchive, Patience};
use crate::error::{Error, ErrorKind, Result};

/// How long to try.
#[derive(Debug, Clone)]
pub struct Request {
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What the whole call may take.
    pub deadline: Duration,
}

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
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let patience = Patience {
        retry_for: request.retry_for,
        max_attempts: request.max_attempts,
        deadline: Some(Instant::now() + request.deadline),
        ..Patience::default()
    };
    let opened = archive.open(ExclusivePut::ByService, &patience).await?;
    match opened.any_wal().await {
        Ok(_) => Ok(Outcome::Store),
        // So a store says that it is not there; see the contract of `ObjectStore`.
        Err(e) if e.kind() == ErrorKind::Usage => Ok(Outcome::ServiceOnly(e)),
        Err(e) => Err(e),
    }
}
