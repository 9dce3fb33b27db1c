//! `metrics`: what `status` sees and what PostgreSQL's own calls have come to, as numbers for Prometheus.
//!
//! Nothing is changed. What takes a list of its own besides (how much is verified) is looked at more seldom by
//! a gatherer that goes on, and remembered meanwhile.

mod backups;
mod serve;
mod server;
mod tally;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

pub use serve::{MOST_CONNECTIONS, serve};

use super::exposition::Exposition;
use super::status::{self, Outcome};
use super::tally as calls;
use super::verify::{Remembered, remembered};
use crate::archive::OpenArchive;
use crate::error::{Error, Result};
use crate::model::{Plan, RetentionRule, ServerName};
use crate::postgres::AskArchiving;

/// A server whose archive takes longer to look at is given up.
const LONGEST: Duration = Duration::from_mins(10);

/// So long a gatherer that goes on remembers what takes a list of its own.
const SELDOM: Duration = Duration::from_mins(15);

/// What is gathered.
#[derive(Debug, Clone)]
pub struct Request {
    /// What `status` is asked; its time is that of the gathering.
    pub status: status::Request,
    /// The spool in which PostgreSQL's calls are counted.
    pub spool: PathBuf,
    /// What retention would be asked, where a policy is known.
    pub retention: Option<RetentionRule>,
    /// The names of three gauges that dashboards know from elsewhere.
    pub elders: Elders,
}

/// Names of gauges that another exporter has had before, and that keep their meaning: seconds of Unix time
/// without a label, and 0 for what is not known.
#[derive(Debug, Clone, Copy)]
pub struct Elders {
    /// The end of the oldest backup that was completed.
    pub first_point: &'static str,
    /// The end of the newest one.
    pub last_available: &'static str,
    /// When a backup failed last.
    pub last_failed: &'static str,
}

/// Gives the archive of another server in the same store.
pub type ForServer<'a> = &'a (dyn Fn(ServerName) -> Box<dyn OpenArchive> + Sync);

/// Where it is gathered.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The archive, or any of the store when every server's is meant.
    pub archive: &'a dyn OpenArchive,
    /// Every server of the store is meant.
    pub all: Option<ForServer<'a>>,
    /// The server, when it is to be asked.
    pub connect: Option<&'a dyn AskArchiving>,
}

/// What was gathered.
#[derive(Debug)]
pub struct Gathered {
    /// All of it.
    pub exposition: Exposition,
    /// Why an archive could not be read, the first such.
    pub failure: Option<Error>,
}

/// Gathers again and again.
pub struct Gatherer<'a> {
    request: &'a Request,
    sources: Sources<'a>,
    remembered: BTreeMap<ServerName, Seldom>,
}

/// What is looked at seldom.
#[derive(Debug, Clone, Copy)]
struct Seldom {
    at: Instant,
    verified: Option<Remembered>,
}

/// What retention would let go.
#[derive(Debug, Clone, Copy, Default)]
struct Expendable {
    backups: u64,
    wal_files: u64,
    wal_bytes: u64,
}

/// What was seen of one server.
struct Seen {
    name: ServerName,
    /// Whether its name is to be told where it usually is not.
    among_others: bool,
    end: Result<Outcome>,
    retention: Option<Expendable>,
    verified: Option<Remembered>,
}

/// Gathers once.
pub async fn run(request: &Request, sources: Sources<'_>) -> Gathered {
    Gatherer::new(request, sources).gather(request.status.now).await
}

impl<'a> Gatherer<'a> {
    /// One that has gathered nothing yet.
    pub fn new(request: &'a Request, sources: Sources<'a>) -> Self {
        Self { request, sources, remembered: BTreeMap::new() }
    }

    /// Gathers, at this time. An archive that cannot be read is told as such, and the others are told all
    /// the same.
    pub async fn gather(&mut self, now: Timestamp) -> Gathered {
        let begun = Instant::now();
        let request = status::Request { now, ..self.request.status.clone() };
        let (mut seen, mut failure) = (Vec::new(), None);
        match self.sources.all {
            None => seen.push(self.look(&request, self.sources.archive, self.sources.connect).await),
            Some(of) => match status::servers(&request, self.sources.archive).await {
                Ok(names) => {
                    self.remembered.retain(|name, _| names.contains(name));
                    // A server at hand is one of them, and which one the store does not tell.
                    let request = status::Request { pgdata: None, ..request };
                    for name in names {
                        let archive = of(name);
                        let one = self.look(&request, &*archive, None).await;
                        seen.push(Seen { among_others: true, ..one });
                    }
                }
                Err(e) => failure = Some(e),
            },
        }
        let mut all = Exposition::default();
        about(&mut all, &seen, failure.is_some(), now);
        for one in &seen {
            server::tell(&mut all, one, &self.request.elders);
            if let Ok(outcome) = &one.end {
                backups::tell(&mut all, outcome, one.retention);
            }
        }
        let read = |verb| calls::read(&self.request.spool, verb);
        tally::tell(&mut all, "archive", &read(calls::Counted::Archive));
        tally::tell(&mut all, "restore", &read(calls::Counted::Restore));
        let took = begun.elapsed().as_secs_f64();
        all.gauge("barkeep_scrape_duration_seconds", "How long it took to look.").tell(&[], Some(took));
        let failure =
            failure.or_else(|| seen.iter().find_map(|one| one.end.as_ref().err().map(Error::again)));
        Gathered { exposition: all, failure }
    }

    async fn look(
        &mut self,
        request: &status::Request,
        archive: &dyn OpenArchive,
        connect: Option<&dyn AskArchiving>,
    ) -> Seen {
        let name = archive.address().server.clone();
        let looked = tokio::time::timeout(LONGEST, self.look_closely(request, archive, connect)).await;
        let (end, retention, verified) = match looked.unwrap_or_else(|_| Err(too_long())) {
            Ok((outcome, retention, verified)) => (Ok(outcome), retention, verified),
            Err(e) => (Err(e), None, None),
        };
        Seen { name, among_others: false, end, retention, verified }
    }

    async fn look_closely(
        &mut self,
        request: &status::Request,
        archive: &dyn OpenArchive,
        connect: Option<&dyn AskArchiving>,
    ) -> Result<(Outcome, Option<Expendable>, Option<Remembered>)> {
        let (outcome, sight, opened) = status::look(request, archive, connect).await?;
        let rule = self.request.retention.as_ref();
        let retention = rule.and_then(|rule| {
            expendable(&Plan::of_rule(rule, request.now, &sight.catalog.facts(), &sight.wal))
        });
        let kept = self.remembered.get(&outcome.name).filter(|kept| kept.at.elapsed() < SELDOM);
        if let Some(kept) = kept {
            return Ok((outcome, retention, kept.verified));
        }
        let verified = match remembered(&opened, &sight.catalog, &sight.wal).await {
            Ok(verified) => Some(verified),
            Err(e) => {
                tracing::warn!("how much is verified is not told: {e}");
                None
            }
        };
        self.remembered.insert(outcome.name.clone(), Seldom { at: Instant::now(), verified });
        Ok((outcome, retention, verified))
    }
}

/// What is so whatever was seen.
fn about(all: &mut Exposition, seen: &[Seen], none: bool, now: Timestamp) {
    let version = env!("CARGO_PKG_VERSION");
    let build = all.gauge("barkeep_build_info", "The program that looked; always 1.");
    build.tell(&[("version", &version)], Some(1_u64));
    let up = all.gauge("barkeep_up", "Whether the archive could be read.");
    if none {
        up.tell(&[], Some(false));
    }
    for one in seen {
        up.tell(&[("server", &one.name)], Some(one.end.is_ok()));
    }
    let help = "Servers whose archives were to be looked at.";
    all.gauge("barkeep_servers", help).tell(&[], (!none).then_some(seen.len()));
    let help = "When it was looked; older than the scrape where an answer was kept.";
    all.gauge("barkeep_scrape_timestamp_seconds", help).tell(&[], Some(now.as_second()));
}

fn too_long() -> Error {
    Error::unavailable(format!("the archive could not be looked at within {LONGEST:?}"))
}

/// What goes by this plan; `None` while nothing may be deleted.
fn expendable(plan: &Plan) -> Option<Expendable> {
    let wal = &plan.wal.objects;
    plan.blocked().is_none().then(|| Expendable {
        backups: plan.going().count() as u64,
        wal_files: wal.len() as u64,
        wal_bytes: wal.iter().map(|object| object.stored_bytes).sum(),
    })
}
