//! `status`: what can be recovered, what is at risk, and how archiving goes. Nothing is changed.
//!
//! The server is asked before the archive is listed, so that whatever it says it has archived must be there.

mod ends;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::fetch::{newest_header, timelines};
use super::restore::flaw;
use crate::archive::{Archive, Catalog, ExclusivePut, OpenArchive, Patience};
use crate::error::Result;
use crate::model::{
    ArchiveFacts, ArchivingState, BackupId, Coverage, Health, Lag, SegmentSize, ServerName, ServerSight,
    StatusFacts, StatusFinding, StatusLimits, SystemId, WalHeader, WalInventory, status_findings,
};
use crate::postgres::AskArchiving;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// The server's data directory, when it is at hand.
    pub pgdata: Option<PathBuf>,
    /// Whether the end of a window is read for the time of its last commit, which nothing else tells.
    pub read_ends: bool,
    /// From where on something is amiss.
    pub limits: StatusLimits,
    /// What time it is.
    pub now: Timestamp,
}

/// How one server's archive is.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The archive's address, for people.
    pub address: String,
    /// The server's name in the store.
    pub name: ServerName,
    /// What time it was.
    pub now: Timestamp,
    /// What the archive covers.
    pub coverage: Coverage,
    /// Records that cannot be read, and why.
    pub unreadable: Vec<(BackupId, String)>,
    /// The cluster whose archive it is.
    pub system_id: Option<SystemId>,
    /// The server, when one is at hand.
    pub server: Option<ServerSight>,
    /// Whether its archiving works; `None` when nobody could ask.
    pub archiving: Option<ArchivingState>,
    /// How far the archive is behind it.
    pub lag: Option<Lag>,
    /// What is to be said, the worst first.
    pub findings: Vec<StatusFinding>,
}

impl Outcome {
    /// As bad as its worst finding.
    pub fn health(&self) -> Health {
        self.findings.iter().map(|finding| finding.health).max().unwrap_or(Health::Ok)
    }
}

/// Looks. Kinds of failure: the store's. A server that does not answer is a finding.
pub async fn run(
    request: &Request,
    archive: &dyn OpenArchive,
    connect: Option<&dyn AskArchiving>,
) -> Result<Outcome> {
    let (outcome, ..) = look(request, archive, connect).await?;
    Ok(outcome)
}

/// The same, with what it was made from, for a verb that tells more.
pub(super) async fn look(
    request: &Request,
    archive: &dyn OpenArchive,
    connect: Option<&dyn AskArchiving>,
) -> Result<(Outcome, Sight, Archive)> {
    let server = server::look(request, connect).await;
    let opened = open(request, archive).await?;
    let sight = Sight::of(&opened).await?;
    let facts = sight.catalog.facts();
    let mut coverage = Coverage::of(&ArchiveFacts {
        backups: &facts.backups,
        flaws: &sight.flaws,
        wal: &sight.wal,
        timelines: &sight.timelines,
        system_id: sight.system_id(),
        size: sight.size(),
        now: request.now,
    });
    if request.read_ends {
        ends::read(&opened, &sight.wal, &mut coverage).await?;
    }
    let unreadable: Vec<_> =
        sight.catalog.unreadable.iter().map(|bad| (bad.id, bad.error.to_string())).collect();
    let findings = status_findings(&StatusFacts {
        coverage: &coverage,
        wal: &sight.wal,
        unreadable: &unreadable,
        bad_histories: &sight.bad_histories,
        system_id: sight.system_id(),
        newest_system_id: sight.newest.map(|header| header.system_id),
        server: server.as_ref(),
        limits: &request.limits,
        now: request.now,
    });
    let archiving = server.as_ref().and_then(|server| ArchivingState::of(server, &sight.wal));
    let lag = server.as_ref().and_then(|server| Lag::of(server, &coverage, request.now));
    let system_id = sight.system_id().or(sight.newest.map(|header| header.system_id));
    let address = archive.address();
    let outcome = Outcome {
        address: address.to_string(),
        name: address.server.clone(),
        now: request.now,
        coverage,
        unreadable,
        system_id,
        server,
        archiving,
        lag,
        findings,
    };
    Ok((outcome, sight, opened))
}

/// The servers that the store holds archives of.
pub async fn servers(request: &Request, archive: &dyn OpenArchive) -> Result<Vec<ServerName>> {
    open(request, archive).await?.servers().await
}

/// Signs in. Nothing is stored, so nobody asks whether exclusive puts can be trusted.
async fn open(request: &Request, archive: &dyn OpenArchive) -> Result<Archive> {
    let patience =
        Patience { retry_for: request.retry_for, max_attempts: request.max_attempts, ..Patience::default() };
    archive.open(ExclusivePut::ByService, &patience).await
}

/// What the archive shows.
pub(super) struct Sight {
    pub(super) catalog: Catalog,
    pub(super) wal: WalInventory,
    timelines: crate::model::Timelines,
    bad_histories: Vec<String>,
    /// What is wrong with the files of some backups.
    flaws: BTreeMap<BackupId, String>,
    /// The header of the newest segment that can be read.
    newest: Option<WalHeader>,
}

impl Sight {
    async fn of(archive: &Archive) -> Result<Self> {
        // The WAL last: what a backup's record speaks of was there before the record was.
        let catalog = archive.catalog().await?;
        let wal = archive.dated_inventory().await?;
        let (timelines, bad_histories) = timelines(archive, &wal).await?;
        let newest = newest_header(archive, &wal).await?;
        let entries = catalog.entries.iter().filter(|entry| entry.backup.is_usable());
        let flaws = entries.filter(|entry| !entry.backup.is_snapshot());
        let flaws = flaws.filter_map(|entry| Some((entry.backup.id, flaw(&entry.backup, &entry.files)?)));
        Ok(Self { flaws: flaws.collect(), catalog, wal, timelines, bad_histories, newest })
    }

    /// The cluster of the newest usable backup.
    fn system_id(&self) -> Option<SystemId> {
        let usable = self.catalog.entries.iter().filter(|entry| entry.backup.is_usable());
        usable.filter_map(|entry| entry.backup.system_id).next_back()
    }

    fn size(&self) -> SegmentSize {
        let usable = self.catalog.entries.iter().rfind(|entry| entry.backup.is_usable());
        let of_wal = || self.newest.map(|header| header.segment_size);
        usable.map(|entry| entry.backup.segment_size).or_else(of_wal).unwrap_or(SegmentSize::DEFAULT)
    }
}
