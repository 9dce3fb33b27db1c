//! `drill`: a restore rehearsed, with a server that opens the copy and answers questions.
//!
//! The order of things: the backup is chosen; the programs of its major are found; it is restored into a
//! directory that the drill has to itself, by the very code of `restore`; a server of ours recovers it, by
//! the very restore command; the checks are run; the server is stopped and the directory removed, whatever
//! went before. The server keeps to that directory and archives nothing, so a drill cannot change the
//! archive that it reads.

mod home;
mod metrics;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::watch;

use self::home::Home;
use super::restore::{self, Aim, Progress, Recovery, Restored};
use crate::archive::OpenArchive;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::{BackupId, BackupRef, RecoveryTarget, ServerName};
pub use crate::postgres::own::Reached;
use crate::postgres::own::{Amcheck, OwnServer, OwnSession, Programs, Setup, amcheck, require_socket};

/// The oldest major that `pg_amcheck` speaks to.
const AMCHECK_SINCE: u32 = 14;

/// What to rehearse, and where.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, and none rules out another")]
pub struct Request {
    /// A directory is made in this one.
    pub directory: PathBuf,
    /// Which backup; `None` for the newest that serves.
    pub backup: Option<BackupRef>,
    /// How far recovery goes; the server opens there.
    pub target: RecoveryTarget,
    /// At most so many objects at once.
    pub jobs: NonZeroUsize,
    /// At most so many bytes per second out of the store.
    pub max_rate: Option<u64>,
    /// What all buffers of the restore together may hold, in bytes.
    pub memory: u64,
    /// How long a failing request of the restore is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// Where PostgreSQL's programs are; `None` to look for them.
    pub pg_bin: Option<PathBuf>,
    /// Where to look for them first.
    pub path: Vec<PathBuf>,
    /// The role that asks; a superuser, as far as `pg_amcheck` is wanted.
    pub role: String,
    /// The database it asks in.
    pub database: String,
    /// Load the libraries that the configuration asks for.
    pub preload: bool,
    /// Start with the configuration of the copy.
    pub config: bool,
    /// Run `pg_amcheck` where it can be.
    pub amcheck: bool,
    /// What must hold.
    pub probes: Vec<Probe>,
    /// How long recovery may take.
    pub deadline: Duration,
    /// How long each check may take.
    pub check_timeout: Duration,
    /// Let the directory stay.
    pub keep: bool,
    /// Where the report goes for Prometheus.
    pub textfile: Option<PathBuf>,
    /// Whether we are root, as whom PostgreSQL does not run.
    pub is_root: bool,
    /// What time it is.
    pub now: Timestamp,
    /// Where to leave how far the restore has come.
    pub progress: Arc<Progress>,
}

/// A statement that passes when it ends without an error and, if its first column is boolean, is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What it is called in the report.
    pub name: String,
    /// One statement.
    pub sql: String,
}

/// Gives the restore command for the spool in this directory.
pub type RestoreCommand<'a> = &'a (dyn Fn(&Path) -> Result<String> + Send + Sync);

/// What came of a drill.
#[derive(Debug)]
pub struct Outcome {
    /// The archive, for people.
    pub address: String,
    /// The server's name in it.
    pub server: ServerName,
    /// The backup it began with.
    pub backup: Option<Chosen>,
    /// What was restored.
    pub restored: Option<Restored>,
    /// How far recovery has gone.
    pub reached: Option<Reached>,
    /// The checks, in the order in which they were run.
    pub checks: Vec<Check>,
    /// How long each part took.
    pub phases: Phases,
    /// How long all of it took.
    pub took: Duration,
    /// When it ended.
    pub finished: Timestamp,
    /// The directory that stays.
    pub kept: Option<PathBuf>,
    /// Why it got no further.
    pub broken: Option<Error>,
}

/// The backup that a drill began with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which.
    pub id: BackupId,
    /// Why that one.
    pub why: String,
    /// When it had ended.
    pub ended: Option<Timestamp>,
    /// The major of its server.
    pub major: Option<u32>,
}

/// How long each part took that was come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Fetching, unpacking and comparing the base backup.
    pub restore: Option<Duration>,
    /// Replaying WAL, from the server's start until it took sessions.
    pub recovery: Option<Duration>,
    /// The checks.
    pub checks: Option<Duration>,
}

/// A check and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
}

/// How a check ended, and what there is to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It passed.
    Passed(String),
    /// It did not.
    Failed(String),
    /// It could not be run on this machine.
    Skipped(String),
}

impl Verdict {
    fn of(end: Result<String, String>) -> Self {
        end.map_or_else(Self::Failed, Self::Passed)
    }
}

impl Outcome {
    /// The checks that did not pass.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.verdict, Verdict::Failed(_)))
    }

    /// Why the drill did not pass.
    pub fn failure(&self) -> Option<Error> {
        if let Some(broken) = &self.broken {
            return Some(broken.again());
        }
        let failed: Vec<_> = self.failed().map(|check| check.name.as_str()).collect();
        (!failed.is_empty()).then(|| {
            let (failed, all) = (failed.join(", "), self.checks.len());
            Error::corrupt(format!(
                "the restored copy fails {} of {all} checks: {failed}",
                self.failed().count()
            ))
        })
    }
}

/// Rehearses a restore. What goes wrong on the way is told in the outcome, and so in the textfile; what
/// keeps a drill from beginning, and a signal, are errors.
pub async fn run(
    request: &Request,
    open: &dyn OpenArchive,
    restore_command: RestoreCommand<'_>,
    mut stop: watch::Receiver<bool>,
) -> Result<Outcome> {
    if request.is_root {
        return Err(Error::usage("a drill starts PostgreSQL, which does not run as root").hint(
            "run it as another user who may read the archive: runuser -u postgres -- barkeep drill …",
        ));
    }
    let begun = Instant::now();
    home::clear(&request.directory).await;
    let home = Home::make(&request.directory, request.keep)?;
    require_socket(home.path())?;
    let mut drill = Drill {
        request,
        home: home.path(),
        server: None,
        outcome: Outcome {
            address: open.address().to_string(),
            server: open.address().server.clone(),
            backup: None,
            restored: None,
            reached: None,
            checks: Vec::new(),
            phases: Phases::default(),
            took: Duration::ZERO,
            finished: request.now,
            kept: None,
            broken: None,
        },
    };
    let end = tokio::select! {
        end = drill.rehearse(open, restore_command) => Some(end),
        () = asked(&mut stop) => None,
    };
    let Drill { server, mut outcome, .. } = drill;
    if let Some(server) = server {
        server.stop(end.is_some()).await;
    }
    outcome.broken = end.as_ref().and_then(|end| end.as_ref().err().map(Error::again)).map(in_words_of_drill);
    let removed = if request.keep {
        outcome.kept = Some(home.keep());
        Ok(())
    } else {
        home.remove().await
    };
    if end.is_none() {
        removed?;
        return Err(Error::new(ErrorKind::Interrupted, "interrupted by a signal"));
    }
    if let Err(e) = removed {
        outcome.broken.get_or_insert(e);
    }
    outcome.took = begun.elapsed();
    outcome.finished = request.now.checked_add(outcome.took).unwrap_or(request.now);
    if let Some(file) = &request.textfile {
        metrics::write(file, &outcome)?;
    }
    Ok(outcome)
}

/// Ends when somebody asks for the end; never, when nobody can any more.
async fn asked(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|asked| *asked).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The hints of `restore` name flags that a drill does not have.
fn in_words_of_drill(error: Error) -> Error {
    error.with_hint(|hint| {
        Some(if hint.contains("--allow-gap") {
            "choose a target before it, or another backup with --backup".to_owned()
        } else if hint.contains("--waldir") {
            "make room, or name another --directory".to_owned()
        } else {
            hint.to_owned()
        })
    })
}

/// A drill under way.
struct Drill<'a> {
    request: &'a Request,
    home: &'a Path,
    server: Option<OwnServer>,
    outcome: Outcome,
}

impl Drill<'_> {
    /// All of it, up to the last check. The server is left running.
    async fn rehearse(&mut self, open: &dyn OpenArchive, restore_command: RestoreCommand<'_>) -> Result<()> {
        let Request { pg_bin, path, .. } = self.request;
        let spool = self.home.join("spool");
        let mut restore = self.restore_request(restore_command(&spool)?, spool);
        let plan = restore::foresee(&restore, open).await?;
        let major = plan.backup.version.map(|version| version / 10_000);
        self.outcome.backup = Some(Chosen {
            id: plan.backup.id,
            why: plan.choice.why.to_string(),
            ended: plan.backup.end.time.as_ref().map(jiff::Zoned::timestamp),
            major,
        });
        // Before anything is fetched, if it can be known.
        let found = match major {
            Some(major) => Some(Programs::find(major, pg_bin.as_deref(), path).await?),
            None => None,
        };
        restore.backup = Some(BackupRef::Id(plan.backup.id));
        let spaces = plan.backup.tablespaces.iter();
        restore.tablespaces =
            spaces.map(|t| (t.name.clone(), self.home.join(format!("tablespace-{}", t.oid)))).collect();
        let begun = Instant::now();
        let restored = restore::run(&restore, open).await?;
        self.outcome.phases.restore = Some(begun.elapsed());
        self.outcome.restored = restored.restored;
        let major = self.major_of_copy()?;
        let programs = match found {
            Some(programs) if programs.major() == major => programs,
            _ => Programs::find(major, pg_bin.as_deref(), path).await?,
        };
        if let Some(backup) = &mut self.outcome.backup {
            backup.major = Some(major);
        }
        let session = self.recover(&programs).await.context(|| "start PostgreSQL on the restored copy")?;
        self.outcome.reached = Some(session.reached().await?);
        let begun = Instant::now();
        self.check(&programs, &session).await?;
        self.outcome.phases.checks = Some(begun.elapsed());
        Ok(())
    }

    fn restore_request(&self, command: String, spool: PathBuf) -> restore::Request {
        let request = self.request;
        restore::Request {
            directory: self.data(),
            backup: request.backup.clone(),
            aim: Aim::Target(request.target.clone()),
            tablespaces: std::collections::BTreeMap::new(),
            pass_unknown: false,
            waldir: None,
            recovery: Some(Recovery {
                restore_command: command,
                target: request.target.clone(),
                standby: false,
                primary_conninfo: None,
            }),
            allow_gap: false,
            clean: false,
            plan_only: false,
            jobs: request.jobs,
            max_rate: request.max_rate,
            memory: request.memory,
            warm: true,
            spool: Some(spool),
            retry_for: request.retry_for,
            max_attempts: request.max_attempts,
            now: request.now,
            progress: Arc::clone(&request.progress),
        }
    }

    fn data(&self) -> PathBuf {
        self.home.join(home::DATA)
    }

    /// What the copy itself says of its major.
    fn major_of_copy(&self) -> Result<u32> {
        let text = fs_err::read_to_string(self.data().join("PG_VERSION"))?;
        let major = text.trim().parse();
        major.map_err(|_| Error::corrupt(format!("PG_VERSION of the copy says `{}`", text.trim())))
    }

    async fn recover(&mut self, programs: &Programs) -> Result<OwnSession> {
        let Request { role, database, deadline, preload, config, .. } = self.request;
        let begun = Instant::now();
        let server = OwnServer::start(&Setup {
            programs: programs.clone(),
            home: self.home.to_owned(),
            data: self.data(),
            preload: *preload,
            config: *config,
        })?;
        let session = self.server.insert(server).opened(role, database, *deadline).await;
        let session = session.map_err(|e| e.hint(START_HINT))?;
        self.outcome.phases.recovery = Some(begun.elapsed());
        Ok(session)
    }

    async fn check(&mut self, programs: &Programs, session: &OwnSession) -> Result<()> {
        if self.request.amcheck {
            let begun = Instant::now();
            let verdict = self.amcheck(programs, session).await?;
            self.note("pg_amcheck", verdict, begun);
        }
        for Probe { name, sql } in &self.request.probes {
            let begun = Instant::now();
            let verdict = Verdict::of(session.probe(sql, self.request.check_timeout).await);
            self.note(name, verdict, begun);
        }
        Ok(())
    }

    fn note(&mut self, name: &str, verdict: Verdict, begun: Instant) {
        self.outcome.checks.push(Check { name: name.to_owned(), verdict, took: begun.elapsed() });
    }

    async fn amcheck(&self, programs: &Programs, session: &OwnSession) -> Result<Verdict> {
        let Request { role, database, check_timeout, .. } = self.request;
        let directory = programs.directory().display();
        let skipped = |why: String| Ok(Verdict::Skipped(why));
        if programs.major() < AMCHECK_SINCE {
            return skipped(format!("it speaks to PostgreSQL {AMCHECK_SINCE} and later"));
        }
        if programs.program("pg_amcheck").is_none() {
            return skipped(format!("there is none in {directory}"));
        }
        if !session.has_amcheck().await? {
            return skipped("the extension amcheck is not installed on this machine".to_owned());
        }
        Ok(match amcheck(programs, self.home, role, database, *check_timeout).await {
            Ok(Amcheck::Sound) => Verdict::Passed("every table and B-tree of every database".to_owned()),
            Ok(Amcheck::Amiss(what)) => Verdict::Failed(what),
            Err(e) => Verdict::Failed(e.to_string()),
        })
    }
}

/// What to do about a copy that does not start.
const START_HINT: &str = "if its configuration asks for what this machine lacks, give --no-preload or --no-config; \
                          --keep leaves the copy and the server's log behind";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Lsn;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn check(name: &str, verdict: Verdict, seconds: u64) -> Check {
        Check { name: name.to_owned(), verdict, took: Duration::from_secs(seconds) }
    }

    /// A drill as it should be.
    pub(crate) fn passed() -> Outcome {
        Outcome {
            address: "s3://bucket/path (server main)".to_owned(),
            server: "main".parse().unwrap(),
            backup: Some(Chosen {
                id: "20261121T000157".parse().unwrap(),
                why: "the newest that is usable".to_owned(),
                ended: Some(at("2026-11-21T00:12:10Z")),
                major: Some(18),
            }),
            restored: Some(Restored {
                files: 1234,
                bytes: 38_559_433,
                verified: Some(1200),
                links_left_out: Vec::new(),
                owner: None,
            }),
            reached: Some(Reached {
                lsn: Some(Lsn(0x3_2000_0148)),
                time: Some(at("2026-11-21T08:59:58.25Z")),
                timeline: crate::model::Timeline::new(3),
            }),
            checks: vec![
                check(
                    "pg_amcheck",
                    Verdict::Passed("every table and B-tree of every database".to_owned()),
                    40,
                ),
                check("probe 1", Verdict::Passed("true".to_owned()), 0),
                check("checks.sql:4", Verdict::Passed("7 rows".to_owned()), 1),
            ],
            phases: Phases {
                restore: Some(Duration::from_secs(75)),
                recovery: Some(Duration::from_millis(12_500)),
                checks: Some(Duration::from_secs(41)),
            },
            took: Duration::from_secs(130),
            finished: at("2026-11-21T09:02:10Z"),
            kept: None,
            broken: None,
        }
    }

    /// One whose checks do not all pass.
    pub(crate) fn failed() -> Outcome {
        let mut outcome = passed();
        outcome.checks[0].verdict = Verdict::Skipped("there is none in /opt/pg/bin".to_owned());
        outcome.checks[1].verdict = Verdict::Failed("it is false".to_owned());
        outcome.kept = Some("/scratch/barkeep-drill-7".into());
        outcome
    }

    /// One that got no further than its restore.
    pub(crate) fn broken() -> Outcome {
        let broken =
            Error::new(ErrorKind::Server, "it ended before it had recovered (exit status: 1): FATAL: no")
                .context("start PostgreSQL on the restored copy")
                .hint(START_HINT);
        Outcome {
            reached: None,
            checks: Vec::new(),
            phases: Phases { recovery: None, checks: None, ..passed().phases },
            broken: Some(broken),
            ..passed()
        }
    }

    #[test]
    fn a_drill_passes_only_when_it_came_to_its_end_and_no_check_failed() {
        assert!(passed().failure().is_none());
        let text = failed().failure().unwrap().to_string();
        assert_eq!(text, "the restored copy fails 1 of 3 checks: probe 1");
        assert_eq!(broken().failure().unwrap().kind(), ErrorKind::Server);
    }

    #[test]
    fn a_hint_names_no_flag_that_a_drill_does_not_have() {
        let hint = |text: &str| {
            let error = in_words_of_drill(Error::conflict("x").hint(text));
            error.hint_text().map(str::to_owned)
        };
        assert!(!hint("another backup; --allow-gap restores all the same").unwrap().contains("--allow-gap"));
        assert!(hint("make room with --waldir").unwrap().contains("--directory"));
        assert_eq!(hint("grant s3:GetObject").as_deref(), Some("grant s3:GetObject"));
    }
}
