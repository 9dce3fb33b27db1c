//! `check`: can we reach the store, does it keep what we rely on, and does the archive fit this server?

mod fit;
mod probe;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::warn;

use crate::archive::{Archive, ExclusivePut, Locks, OpenArchive, Patience};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{SystemId, Timeline};
use crate::spool::Spool;
use probe::Probes;

/// What to check.
#[derive(Debug, Clone)]
pub struct Request {
    /// The data directory of the server the archive is for; without it the archive is described but
    /// not compared.
    pub pgdata: Option<PathBuf>,
    /// The spool's directory, where what is proved is remembered.
    pub spool: PathBuf,
    /// How long a request to the store is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// Whether what is stored is to be locked.
    pub locks: bool,
    /// What time it is.
    pub now: Timestamp,
}

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// The archive's address, for people.
    pub address: String,
    /// What was tried, in order; it ends at the first failure that makes the rest pointless.
    pub steps: Vec<Step>,
    /// How far the service's clock is ahead of ours, in seconds, when the service tells its time.
    pub clock_skew_seconds: Option<i64>,
    /// What the race of two exclusive writers showed.
    pub exclusive: Option<Exclusive>,
    /// Whether the archive belongs to this server.
    pub fit: Option<Fit>,
}

impl Outcome {
    /// The first thing that is wrong, if anything is.
    pub fn failure(&self) -> Option<&Error> {
        self.steps.iter().find_map(|s| s.result.as_ref().err())
    }
}

/// One thing that was tried.
#[derive(Debug)]
pub struct Step {
    /// What: `reach`, `put`, `exclusive-put`, `read`, `range`, `list`, `delete`, `lock`, `fit`.
    pub name: &'static str,
    /// How it went; the text adds what there is to tell.
    pub result: Result<String>,
    /// How long it took.
    pub took: Duration,
}

/// What a race of two exclusive writers showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exclusive {
    /// One was refused, in every round: one request per segment suffices.
    Proved,
    /// Two were accepted, or the condition is not known: the key is asked for before each put.
    Ignored,
    /// Nobody won a race, as when an answer is lost on the way: try again. Until then the key is asked
    /// for before each put.
    Unclear,
}

/// Whether an archive belongs to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// There is no WAL in it yet.
    Empty,
    /// It holds WAL of this cluster.
    Same {
        /// The cluster.
        system_id: SystemId,
        /// The newest timeline in the archive.
        archive_timeline: Timeline,
        /// The server's timeline.
        server_timeline: Timeline,
    },
    /// It holds WAL of another cluster.
    Foreign {
        /// Whose WAL it holds.
        archive: SystemId,
        /// Who this server is.
        server: SystemId,
        /// The object that tells.
        by: String,
    },
    /// It holds WAL, and no data directory was given to compare it with.
    Unknown {
        /// Whose WAL it holds, when the WAL tells.
        archive: Option<SystemId>,
        /// The newest timeline in it.
        archive_timeline: Timeline,
    },
}

/// Checks the archive. Failures are steps of the outcome; an error is returned only when nothing could
/// be tried at all.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let patience =
        Patience { retry_for: request.retry_for, max_attempts: request.max_attempts, ..Patience::default() };
    // Trusted on purpose: the question is what the service does with the condition.
    let opened = archive.open(ExclusivePut::Trusted, &patience).await?;
    let mut steps = Steps::default();
    let mut found = Found::default();
    let probes = Probes::new(&opened, request.now)?;
    let passed = probe_store(&probes, &mut steps, &mut found).await.is_some();
    // What was put is removed whatever happened; only a failure of that is worth a line, unless the
    // credentials may not delete anything, which has been told.
    if let Err(e) = probes.remove_all().await
        && !(found.keeps && e.kind() == ErrorKind::Denied)
    {
        steps.0.push(Step { name: "clean-up", result: Err(e), took: Duration::ZERO });
    }
    if let Some(exclusive) = found.exclusive {
        remember(request, archive, exclusive);
    }
    if passed && request.locks {
        steps.take("lock", locks(&opened)).await;
    }
    if passed {
        let begun = Instant::now();
        let fit = fit::find(&opened, request.pgdata.as_deref()).await;
        let (result, fit) = match fit {
            Ok(fit) => (fit.verdict(), Some(fit)),
            Err(e) => (Err(e), None),
        };
        steps.0.push(Step { name: "fit", result, took: begun.elapsed() });
        found.fit = fit;
    }
    Ok(Outcome {
        address: archive.address().to_string(),
        steps: steps.0,
        clock_skew_seconds: found.skew,
        exclusive: found.exclusive,
        fit: found.fit,
    })
}

/// Tries what archiving and restoring rely on; the first failure makes the rest pointless.
async fn probe_store(probes: &Probes<'_>, steps: &mut Steps, found: &mut Found) -> Option<()> {
    steps.take("reach", probes.reach()).await?;
    found.skew = steps.take("put", probes.put()).await?;
    found.exclusive = Some(steps.take("exclusive-put", probes.race()).await?);
    steps.take("read", probes.read()).await?;
    steps.take("range", probes.range()).await?;
    steps.take("list", probes.list()).await?;
    found.keeps = steps.take("delete", probes.delete()).await?;
    Some(())
}

/// Whether what is stored can be locked.
async fn locks(archive: &Archive) -> Result<(String, ())> {
    let text = match archive.locks().await? {
        Locks::On => "what is stored can be locked",
        Locks::Untold => "the service does not tell whether what is stored can be locked",
        Locks::Off | Locks::HeldOnly => {
            let hint = "make a bucket with object lock (Azure: version-level immutability, Google: object \
                        retention), or leave out lock-until";
            return Err(Error::usage("objects of this bucket cannot be locked").hint(hint));
        }
        Locks::Never => {
            let hint = "leave out lock-until, or archive to a bucket that has object lock";
            return Err(Error::usage("in a directory nothing can be locked").hint(hint));
        }
    };
    Ok((text.to_owned(), ()))
}

/// The next calls of `wal-archive` rely on what was seen. Without the spool they ask first, as before.
fn remember(request: &Request, archive: &dyn OpenArchive, exclusive: Exclusive) {
    let store = archive.address().store_fingerprint();
    let remembered = Spool::open(&request.spool)
        .and_then(|spool| spool.remember_exclusive(&store, exclusive == Exclusive::Proved, request.now));
    if let Err(e) = remembered {
        warn!("what was proved is not remembered: {e}");
    }
}

/// What the steps found besides their texts.
#[derive(Default)]
struct Found {
    skew: Option<i64>,
    exclusive: Option<Exclusive>,
    fit: Option<Fit>,
    /// The credentials may not delete.
    keeps: bool,
}

#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    /// Takes a step: notes how it went and how long it took, and gives what it found if it passed.
    async fn take<T>(
        &mut self,
        name: &'static str,
        trial: impl Future<Output = Result<(String, T)>>,
    ) -> Option<T> {
        let begun = Instant::now();
        let (result, value) = match trial.await {
            Ok((text, value)) => (Ok(text), Some(value)),
            Err(e) => (Err(e), None),
        };
        self.0.push(Step { name, result, took: begun.elapsed() });
        value
    }
}
