//! Whether a cluster may begin to archive into an archive, whose bucket is made for it where it is missing.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, pin_mut};

use crate::archive::{ExclusivePut, OpenArchive, Patience};
use crate::error::{Context, Result};
use crate::model::{Timeline, Vacancy};

/// What to look for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Only files of this timeline and later ones are in the way.
    pub from: Option<Timeline>,
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What the whole call may take.
    pub deadline: Duration,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The bucket was missing and has been made.
    pub made_bucket: bool,
    /// What stands against it, if anything.
    pub vacancy: Vacancy,
}

/// Looks. Two requests, unless WAL of a timeline is to be counted.
///
/// Kinds of failure: `Unavailable`, `Denied` and `Usage` from the store.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let patience = Patience {
        retry_for: request.retry_for,
        max_attempts: request.max_attempts,
        deadline: Some(Instant::now() + request.deadline),
        ..Patience::default()
    };
    let archive = archive.open(ExclusivePut::ByService, &patience).await?;
    let made_bucket = archive.make_bucket().await?;
    let mut vacancy = Vacancy::new(request.from);
    let names = archive.wal_names(request.from)?;
    pin_mut!(names);
    while let Some(name) = names.next().await {
        if vacancy.look_at(name.context(|| "look for WAL")?).is_break() {
            break;
        }
    }
    Ok(Outcome { made_bucket, vacancy })
}
