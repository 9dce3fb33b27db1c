//! Whether a cluster may begin to archive into an archive, whose bucket is made for it where it is missing.

use futures_util::{StreamExt, pin_mut};

use super::Effort;
use crate::archive::OpenArchive;
use crate::error::{Context, Result};
use crate::model::{Timeline, Vacancy};

/// What to look for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Only files of this timeline and later ones are in the way.
    pub from: Option<Timeline>,
    /// How long to try.
    pub effort: Effort,
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
    let archive = request.effort.open(archive).await?;
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
