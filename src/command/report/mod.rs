//! `report`: everything that a page about an archive tells. Nothing in the store is changed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{status, verify};
use crate::archive::{Archive, Catalog, OpenArchive};
use crate::disk::{Draft, Durability, Publish, explain};
use crate::error::{Context as _, ErrorKind, Result};
use crate::model::{
    BackupId, Forecast, Mark, RetentionRule, StoredOnDay, VerifyAges, VerifyLedger, stored_by_day,
};
use crate::postgres::AskArchiving;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// What `status` is asked.
    pub status: status::Request,
    /// The policy whose effects are foretold.
    pub rule: Option<RetentionRule>,
}

/// What there is to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What `status` tells.
    pub status: status::Outcome,
    /// What was stored on which day.
    pub days: BTreeMap<Date, StoredOnDay>,
    /// What the policy will let go when.
    pub forecast: Option<Forecast>,
    /// What was verified.
    pub verified: Verified,
}

/// What was verified, as the ledger tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// How long ago WAL files were found sound, and base backups; `None` when nothing ever was.
    pub ages: Option<(VerifyAges, VerifyAges)>,
    /// When each backup was.
    pub backups: BTreeMap<BackupId, Timestamp>,
    /// Why the ledger cannot be read.
    pub unreadable: Option<String>,
}

/// Looks. Kinds of failure: the store's.
pub async fn run(
    request: &Request,
    open: &dyn OpenArchive,
    connect: Option<&dyn AskArchiving>,
) -> Result<Outcome> {
    let now = request.status.now;
    let (status, sight, archive) = status::look(&request.status, open, connect).await?;
    let facts = sight.catalog.facts();
    let forecast = request.rule.map(|rule| Forecast::of(&rule, now, &facts, &sight.wal));
    let days = stored_by_day(&sight.wal, &facts.backups);
    let catalog = sight.catalog;
    // A million files take some ten megabytes, and are listed once more with their marks.
    drop(sight.wal);
    let verified = verified(&archive, &catalog, now).await?;
    Ok(Outcome { status, days, forecast, verified })
}

/// What was verified. A ledger that makes no sense, or may not be read, is told.
async fn verified(archive: &Archive, catalog: &Catalog, now: Timestamp) -> Result<Verified> {
    let ledger = match verify::load_ledger(archive).await {
        Ok(ledger) if ledger.is_empty() => return Ok(Verified::default()),
        Ok(ledger) => ledger,
        Err(e) if matches!(e.kind(), ErrorKind::Corrupt | ErrorKind::Denied) => {
            return Ok(Verified { unreadable: Some(e.to_string()), ..Verified::default() });
        }
        Err(e) => return Err(e.context("load the ledger of verify")),
    };
    let wal = archive.marked_wal().await?;
    Ok(tally(&ledger, catalog, wal.iter().map(|marked| marked.mark), now))
}

fn tally(
    ledger: &VerifyLedger,
    catalog: &Catalog,
    wal: impl Iterator<Item = Mark>,
    now: Timestamp,
) -> Verified {
    let readable = || {
        let usable = catalog.entries.iter().filter(|entry| entry.backup.is_usable());
        usable.filter(|entry| !entry.backup.is_snapshot())
    };
    let at = readable().filter_map(|entry| Some((entry.backup.id, ledger.verified(entry.files.mark())?)));
    let wal = VerifyAges::of(wal, ledger, now);
    let backups = VerifyAges::of(readable().map(|entry| entry.files.mark()), ledger, now);
    Verified { ages: Some((wal, backups)), backups: at.collect(), unreadable: None }
}

/// Stores the page: whole or not at all, for everybody to read, over one that is there.
pub fn store(file: &Path, page: &str) -> Result<()> {
    let write = || {
        let mut draft = Draft::beside(file, 0o644, Durability::Durable)?;
        draft.write_all(page.as_bytes())?;
        draft.publish(Publish::Replace)
    };
    write().map_err(explain).context(|| format!("write {}", file.display()))
}
