//! `retention`: what a policy no longer wants, and what never became a backup.

use jiff::Timestamp;

use super::Access;
use super::deletion::{Care, Deletion, Doomed, carry_out, plan_around};
use crate::archive::OpenArchive;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Facts, Plan, RetentionRule};

/// What is to stay.
#[derive(Debug, Clone)]
pub struct Request {
    /// How the archive is got at.
    pub access: Access,
    /// What is to stay.
    pub rule: RetentionRule,
    /// Only tell what would be deleted.
    pub dry_run: bool,
    /// How the rest is removed.
    pub care: Care,
}

/// Deletes the rest. A catalogue with an unreadable record is an outcome in which nothing was deleted.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Deletion> {
    let Access { now, .. } = request.access;
    let opened = request.access.open(archive).await?;
    let (catalog, wal) = tokio::try_join!(opened.catalog(), opened.wal_inventory())?;
    let before = now.checked_sub(request.rule.leftovers_after).unwrap_or(Timestamp::MIN);
    let abandoned = not_by_right(opened.abandoned(before).await, "look for")?;
    let make = |facts: &Facts| Ok(Plan::of_rule(&request.rule, now, facts, &wal));
    let plan = plan_around(&opened, &catalog, request.care, now, make).await?;
    let mut doomed = Doomed::default();
    if request.dry_run {
        doomed = Doomed::of(&opened, &catalog, &plan)?;
    } else if plan.blocked().is_none() {
        carry_out(&opened, &catalog, &plan, request.care, now).await?;
        not_by_right(opened.forget(&abandoned).await, "forget")?;
    }
    let address = archive.address().to_string();
    let abandoned = abandoned.keys().map(str::to_owned).collect();
    Ok(Deletion { address, plan, abandoned, dry_run: request.dry_run, catalog, doomed })
}

/// What becomes of abandoned uploads. They are the one thing here that takes rights of its own, which whoever
/// may delete everything else often lacks: they are let lie then, and a warning tells.
fn not_by_right<T: Default>(done: Result<T>, what: &str) -> Result<T> {
    match done {
        Err(e) if is_lack_of_rights(&e) => {
            tracing::warn!("unfinished uploads, if there are any, are left: {what} them: {e}");
            Ok(T::default())
        }
        done => done.context(|| format!("{what} unfinished uploads")),
    }
}

/// Whether a refusal means that these credentials, or this service, do not let uploads be looked after.
pub(super) fn is_lack_of_rights(e: &Error) -> bool {
    matches!(e.kind(), ErrorKind::Denied | ErrorKind::Usage)
}
