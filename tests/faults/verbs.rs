//! The verbs of the native door, each in the situations that matter, run in this process.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use barkeep::archive::Tags;
use barkeep::command::backup::{self, Checkpoint, ManifestChecksum, OnDamage, Sizes, WaitWal};
use barkeep::command::backups::{self, KeepAction};
use barkeep::command::restore::{self, Aim};
use barkeep::command::verify::{self, Scope};
use barkeep::command::wal_restore::{self, Caller};
use barkeep::command::{Access, Care, backup_delete, check, gc, retention, wal_archive, wal_prefetch};
use barkeep::error::{Error, ErrorKind, Result};
use barkeep::front::exit::{Exit, OnError, Reader, status};
use barkeep::model::{
    Class, Compression, Keep, RecoveryTarget, RetentionRule, SegmentSize, SystemId, TargetAction,
    TargetPoint, TargetTimeline, Timeline,
};
use tokio::sync::watch;

use super::door;
use super::scene::{Scene, plain, segment};
use super::server::Scripted;
use crate::bed::{MIB, SYSTEM};

/// A verb in a situation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    ArchiveNew,
    ArchiveSame,
    ArchiveConflict,
    ArchiveAhead,
    RestoreHit,
    RestoreMiss,
    RestoreHistory,
    RestoreStandby,
    Prefetch,
    Check,
    Backup,
    List,
    Show,
    Keep,
    Delete,
    Retention,
    Restore,
    Verify,
    Gc,
    DoorArchive,
    DoorRestore,
    DoorMiss,
    DoorList,
    DoorDelete,
}

/// What a run ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// Its exit status.
    pub(crate) code: u8,
    /// What it says about a failure.
    pub(crate) text: String,
    /// What it answers, in as far as that is the same in every run.
    pub(crate) answer: String,
}

/// The segment that is archived or asked for.
pub(crate) const OWN: u64 = 5;
/// The first segment of the backup that is taken.
pub(crate) const FIRST: u64 = 9;
/// The backups that are there, and what a new one is called at first.
pub(crate) const BACKUPS: [&str; 2] = ["20260102T030405", "20260103T030405"];
pub(crate) const NEW: &str = "20260104T030405";
/// What a history holds.
pub(crate) const HISTORY: &[u8] = b"1\t0/3000000\tno recovery target specified\n";

impl Verb {
    /// All of them, in the order of the document.
    pub(crate) const ALL: [Self; 24] = [
        Self::ArchiveNew,
        Self::ArchiveSame,
        Self::ArchiveConflict,
        Self::ArchiveAhead,
        Self::RestoreHit,
        Self::RestoreMiss,
        Self::RestoreHistory,
        Self::RestoreStandby,
        Self::Prefetch,
        Self::Check,
        Self::Backup,
        Self::List,
        Self::Show,
        Self::Keep,
        Self::Delete,
        Self::Retention,
        Self::Restore,
        Self::Verify,
        Self::Gc,
        Self::DoorArchive,
        Self::DoorRestore,
        Self::DoorMiss,
        Self::DoorList,
        Self::DoorDelete,
    ];

    /// Whether it is a program of the other door, run as such.
    pub(crate) const fn is_door(self) -> bool {
        matches!(
            self,
            Self::DoorArchive | Self::DoorRestore | Self::DoorMiss | Self::DoorList | Self::DoorDelete
        )
    }

    /// Whether it asks for a WAL file.
    pub(crate) const fn is_wal_restore(self) -> bool {
        matches!(
            self,
            Self::RestoreHit
                | Self::RestoreMiss
                | Self::RestoreHistory
                | Self::RestoreStandby
                | Self::DoorRestore
                | Self::DoorMiss
        )
    }

    /// Whether it needs base backups to be there.
    pub(crate) const fn needs_backups(self) -> bool {
        matches!(
            self,
            Self::Backup
                | Self::List
                | Self::Show
                | Self::Keep
                | Self::Delete
                | Self::Retention
                | Self::Restore
                | Self::Verify
                | Self::Gc
                | Self::DoorList
                | Self::DoorDelete
        )
    }

    /// The file that a call for WAL is about.
    pub(crate) fn file(self) -> Option<String> {
        match self {
            Self::RestoreHistory => Some("00000002.history".to_owned()),
            _ if self.is_wal_restore() => Some(segment(OWN)),
            Self::ArchiveNew
            | Self::ArchiveSame
            | Self::ArchiveConflict
            | Self::ArchiveAhead
            | Self::DoorArchive => Some(segment(OWN)),
            _ => None,
        }
    }

    /// The head of its chapter.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::ArchiveNew => "wal-archive: a new segment",
            Self::ArchiveSame => "wal-archive: a segment that is stored already",
            Self::ArchiveConflict => "wal-archive: other content under a name that is taken",
            Self::ArchiveAhead => "wal-archive: with three files waiting behind it",
            Self::RestoreHit => "wal-restore: a segment, during recovery",
            Self::RestoreMiss => "wal-restore: a segment that is not there, during recovery",
            Self::RestoreHistory => "wal-restore: a timeline history, during recovery",
            Self::RestoreStandby => "wal-restore: a segment, for a standby",
            Self::Prefetch => "wal-restore: the segments fetched ahead",
            Self::Check => "check",
            Self::Backup => "backup",
            Self::List => "backup-list",
            Self::Show => "backup-show",
            Self::Keep => "backup-keep",
            Self::Delete => "backup-delete",
            Self::Retention => "retention",
            Self::Restore => "restore",
            Self::Verify => "verify",
            Self::Gc => "gc",
            Self::DoorArchive => "barman-cloud-wal-archive",
            Self::DoorRestore => "barman-cloud-wal-restore: a segment",
            Self::DoorMiss => "barman-cloud-wal-restore: a segment that is not there",
            Self::DoorList => "barman-cloud-backup-list",
            Self::DoorDelete => "barman-cloud-backup-delete",
        }
    }

    /// What whoever depends on it should know.
    pub(crate) const fn story(self) -> &'static str {
        match self {
            Self::ArchiveNew => {
                "The first call for an archive, which looks whether it is this cluster's. When it fails, PostgreSQL keeps the \
                 segment and calls again. A segment that was stored although the call failed is found and compared by the next."
            }
            Self::ArchiveSame => {
                "As after a crash between storing and answering: success, once the digest was compared."
            }
            Self::ArchiveConflict => {
                "Without a fault this ends with 3, and `ok` means just that. What is stored is never replaced."
            }
            Self::ArchiveAhead => {
                "Only the file that PostgreSQL names decides the status. When one behind it fails, the call is `ok` all the \
                 same, and the call for that file stores it."
            }
            Self::RestoreHit => "The file appears whole, verified and at once, or not at all.",
            Self::RestoreMiss => {
                "Without a fault this ends with 1, and `ok` means just that: PostgreSQL ends recovery here. A store that does \
                 not answer never looks like it."
            }
            Self::RestoreHistory => {
                "A history that seems to be missing would let PostgreSQL choose the wrong timeline."
            }
            Self::RestoreStandby => "A standby is told the plain status, upon which it asks again by itself.",
            Self::Prefetch => {
                "Nobody hears how the process that fetches ahead ends. What it has left in the spool is whole and right, and \
                 what it lacks is fetched by `wal-restore` itself."
            }
            Self::Check => {
                "A store that fails a check has failed it: the status tells how. What was put to try it is removed, or \
                 left when the store does not answer that either."
            }
            Self::Backup => {
                "A backup that fails says FAILED in its record, or STARTED when the store would not take that, and nobody \
                 restores it; `retention` removes what is left. An identifier whose record was stored by a request of which the \
                 answer was lost counts as taken, and the next second is tried; a service that does everything twice leaves none: 3."
            }
            Self::List => "Nothing is written. A record that arrives damaged is listed as unreadable.",
            Self::Show => "Nothing is written. A record that arrives damaged cannot be shown.",
            Self::Keep => "A keep that failed may be stored all the same; keeping again does no harm.",
            Self::Delete => {
                "The record says FAILED before anything goes, and goes last. Whatever interrupts it, no backup is listed that \
                 cannot be restored, and the next deletion finishes this one."
            }
            Self::Retention => {
                "As `backup-delete`. A record that arrives damaged is unreadable, and then nothing is deleted."
            }
            Self::Restore => {
                "`global/pg_control` comes last: a directory that is not whole cannot be started. The next call needs `--clean`."
            }
            Self::Verify => {
                "Whatever could not be read is a finding and decides the status; it is never told as sound, and never as damaged \
                 when only the store did not answer. The ledger, which remembers what was verified, is a courtesy."
            }
            Self::Gc => {
                "What was stored a moment ago and what belongs to a backup stays, whatever happens. What was not removed is \
                 found by the next call."
            }
            Self::DoorArchive => {
                "The programs of the other door, with their own statuses: 2 is connectivity, 4 is all else."
            }
            Self::DoorRestore => {
                "The status 1, which means that there is no such WAL, is given for no fault."
            }
            Self::DoorMiss => "Without a fault this ends with 1, and `ok` means just that.",
            Self::DoorList | Self::DoorDelete => {
                "As the verb of the native door, with the statuses of this one."
            }
        }
    }

    /// Of what a failure must name something: the file, or a backup, a key or the store.
    pub(crate) fn subjects(self) -> Vec<String> {
        let others =
            || ["20260102", "20260103", "20260104", "main/", "s3://", "walbkt"].map(str::to_owned).to_vec();
        match self {
            Self::Check => vec!["check: ".to_owned()],
            _ => self.file().map_or_else(others, |file| vec![file]),
        }
    }

    /// Puts in place what it works on.
    pub(crate) async fn prepare(self, scene: &Scene) {
        let file = |n: u64, version: u64| {
            std::fs::write(scene.bed.wal(&segment(n)), plain(n, version)).unwrap();
            scene.bed.ready(&segment(n));
        };
        match self {
            Self::ArchiveNew | Self::ArchiveSame | Self::DoorArchive => file(OWN, 0),
            Self::ArchiveConflict => file(OWN, 1),
            Self::ArchiveAhead => {
                // Only who has seen the archive to be its own looks ahead.
                file(OWN - 1, 0);
                for _ in 0..2 {
                    archive(scene, OWN - 1, 0).await.unwrap();
                }
                (OWN..OWN + 4).for_each(|n| file(n, 0));
            }
            Self::RestoreStandby => std::fs::write(scene.bed.data().join("standby.signal"), "").unwrap(),
            Self::Prefetch => {
                // Who asks tells how far ahead is to be fetched.
                let request = scene.bed.restore_request(&segment(OWN), &scene.restored());
                let request = wal_restore::Request { window: 2, ..request };
                wal_restore::run(&request, scene).await.unwrap();
            }
            _ => {}
        }
    }

    /// Runs it, for the first time or once more.
    pub(crate) async fn run(self, scene: &Scene, again: bool) -> End {
        if self.is_door() {
            return door::run(self, scene).await;
        }
        let mut reader = Reader::Plain;
        let end = match self {
            Self::ArchiveNew | Self::ArchiveSame | Self::ArchiveConflict => archive(scene, OWN, 0).await,
            Self::ArchiveAhead => archive(scene, OWN, 3).await,
            Self::RestoreHit | Self::RestoreMiss | Self::RestoreHistory | Self::RestoreStandby => {
                reader = Reader::Restore(Caller::of(&scene.restored()), OnError::default());
                wal_restore(self, scene).await
            }
            Self::Check => check(scene).await,
            Self::Backup => back_up(scene, FIRST, 4, again).await,
            Self::List => backups::list(&access(), scene).await.map(|list| {
                let ids = list.backups.iter().map(|b| format!("{} {:?}", b.entry.backup.id, b.wal));
                let unreadable = list.unreadable.iter().map(|b| format!("{} unreadable", b.id));
                (Exit::Done, ids.chain(unreadable).collect::<Vec<_>>().join(", "))
            }),
            Self::Show => backups::show(&BACKUPS[0].parse().unwrap(), &access(), scene)
                .await
                .map(|shown| (Exit::Done, format!("{:?}", shown.backup.entry.backup))),
            Self::Keep => {
                let keep = KeepAction::Keep(Keep::Full);
                let kept = backups::keep(&BACKUPS[0].parse().unwrap(), keep, &access(), scene).await;
                kept.map(|kept| (Exit::Done, format!("{:?}", kept.keep)))
            }
            Self::Delete => delete(scene).await,
            Self::Retention => retain(scene).await,
            Self::Prefetch => prefetch(scene).await,
            Self::Verify => verify(scene).await,
            Self::Gc => sweep(scene).await,
            _ => restore(scene, again).await,
        };
        let (code, text, answer) = match end {
            Ok((exit, answer)) => (status(reader, Ok(exit)), String::new(), answer),
            Err(e) => (
                status(reader, Err(e.kind())),
                format!("{e} {}", e.hint_text().unwrap_or_default()),
                String::new(),
            ),
        };
        End { code: code.code(), text, answer }
    }
}

type Answer = Result<(Exit, String)>;

fn access() -> Access {
    Access { spool: None, max_attempts: None, now: "2026-01-10T00:00:00Z".parse().unwrap() }
}

/// Archives a segment and up to so many behind it.
pub(crate) async fn archive(scene: &Scene, n: u64, look_ahead: u8) -> Answer {
    let request = scene.bed.archive_request(&scene.bed.wal(&segment(n)));
    let request = wal_archive::Request { look_ahead, deadline: Duration::from_secs(20), ..request };
    wal_archive::run(&request, scene).await.map(|_| (Exit::Done, String::new()))
}

async fn wal_restore(verb: Verb, scene: &Scene) -> Answer {
    let name = verb.file().unwrap_or_default();
    let request = scene.bed.restore_request(&name, &scene.restored());
    let request = wal_restore::Request { window: 0, spool: None, ..request };
    let outcome = wal_restore::run(&request, scene).await?;
    let exit = if outcome == wal_restore::Outcome::Missing { Exit::NotFound } else { Exit::Done };
    Ok((exit, String::new()))
}

async fn check(scene: &Scene) -> Answer {
    let found = check::run(&scene.bed.check_request(), scene).await?;
    let failed = found.steps.iter().find_map(|step| Some((step.name, step.result.as_ref().err()?)));
    match failed {
        // As the front tells it.
        Some((name, e)) => Err(e.again().context(format!("check: {name}"))),
        None => Ok((Exit::Done, format!("{:?}", found.fit))),
    }
}

/// Takes a backup that begins in segment number `first`, and on that day of the month, perhaps once more: a
/// second later then.
pub(crate) async fn back_up(scene: &Scene, first: u64, day: i8, again: bool) -> Answer {
    let second = if again { 6 } else { 5 };
    let local = jiff::civil::date(2026, 1, day).at(3, 4, second, 0);
    let request = backup_request(scene.bed.spool(), local);
    let server = Scripted::new(&scene.bed.data(), first);
    let (_keep, stop) = watch::channel(false);
    backup::run(&request, &server, scene, Arc::new(backup::Progress::default()), stop)
        .await
        .map(|outcome| (Exit::Done, outcome.wal_seen.to_string()))
}

/// What a backup is asked for that begins in this moment.
fn backup_request(spool: std::path::PathBuf, local: jiff::civil::DateTime) -> backup::Request {
    backup::Request {
        pgdata: None,
        name: None,
        compression: Compression::Zstd,
        level: None,
        tags: Tags::default(),
        jobs: NonZeroUsize::MIN,
        memory: 64 << 20,
        max_rate: None,
        max_read_rate: None,
        sizes: Sizes::default(),
        checkpoint: Checkpoint::Fast,
        on_damage: OnDamage::Fail,
        manifest: ManifestChecksum::Sha256,
        archive_check: true,
        wait_wal: WaitWal::Always,
        wal_timeout: Duration::from_secs(3),
        stop_timeout: Duration::from_secs(1),
        started_record: true,
        create_only: false,
        spool: Some(spool),
        max_attempts: None,
        deadline: None,
        now: "2026-01-04T03:04:05Z".parse().unwrap(),
        local,
    }
}

async fn delete(scene: &Scene) -> Answer {
    let request = backup_delete::Request {
        access: access(),
        which: BACKUPS[0].parse()?,
        minimum: 1,
        dry_run: false,
        care: Care::default(),
    };
    backup_delete::run(&request, scene).await.map(|_| (Exit::Done, String::new()))
}

async fn retain(scene: &Scene) -> Answer {
    let leftovers_after = Duration::from_hours(7 * 24);
    let rule = RetentionRule { policy: "REDUNDANCY 1".parse()?, minimum: 1, leftovers_after };
    let request = retention::Request { access: access(), rule, dry_run: false, care: Care::default() };
    let deletion = retention::run(&request, scene).await?;
    deletion.failure().map_or(Ok((Exit::Done, String::new())), Err::<_, Error>)
}

/// Keeps the window full, as the process does that `wal-restore` starts.
async fn prefetch(scene: &Scene) -> Answer {
    let request = wal_prefetch::Request {
        system_id: SystemId(SYSTEM),
        instance: scene.bed.instance(),
        timeline: Timeline::FIRST,
        segment_size: SegmentSize::new(MIB).unwrap(),
        spool: scene.bed.spool(),
        memory: 96 << 20,
        max_attempts: None,
        // Longer than any request is tried again for.
        linger: Duration::from_secs(30),
    };
    wal_prefetch::run(&request, scene).await.map(|_| (Exit::Done, String::new()))
}

/// Verifies everything; the status is that of the worst finding, as the front tells it.
async fn verify(scene: &Scene) -> Answer {
    let request = verify::Request {
        scope: Scope::All,
        quick: false,
        share: None,
        since: None,
        jobs: NonZeroUsize::new(2).unwrap(),
        max_rate: None,
        memory: 64 << 20,
        save_every: Duration::from_secs(30),
        retry_for: Duration::from_secs(1),
        max_attempts: None,
        now: "2026-02-01T00:00:00Z".parse().unwrap(),
        progress: Arc::new(verify::Progress::default()),
    };
    let (_keep, stop) = watch::channel(false);
    let outcome = verify::run(&request, scene, stop).await?;
    let told: Vec<_> = outcome.findings.iter().map(ToString::to_string).collect();
    let kind = match outcome.worst {
        None | Some(Class::Note) => return Ok((Exit::Done, told.join(", "))),
        Some(Class::Damaged) => ErrorKind::Corrupt,
        Some(Class::Missing) => ErrorKind::NotFound,
        Some(Class::Conflict) => ErrorKind::Conflict,
        Some(Class::Denied) => ErrorKind::Denied,
        Some(Class::Unavailable) => ErrorKind::Unavailable,
    };
    Err(Error::new(kind, format!("{}: {}", outcome.address, told.join(", "))))
}

/// Sweeps up, long after everything was stored.
async fn sweep(scene: &Scene) -> Answer {
    let access = Access { now: "2099-01-01T00:00:00Z".parse().unwrap(), ..access() };
    let request = gc::Request { access, older_than: Duration::from_hours(7 * 24), dry_run: false };
    let outcome = gc::run(&request, scene).await?;
    outcome.failure().map_or(Ok((Exit::Done, String::new())), Err)
}

async fn restore(scene: &Scene, again: bool) -> Answer {
    let target = RecoveryTarget {
        point: TargetPoint::Latest,
        inclusive: true,
        timeline: TargetTimeline::Latest,
        action: TargetAction::Pause,
    };
    let request = restore::Request {
        directory: scene.bed.dir.path().join("copy"),
        backup: None,
        aim: Aim::Target(target),
        tablespaces: std::collections::BTreeMap::new(),
        pass_unknown: false,
        waldir: None,
        recovery: None,
        allow_gap: false,
        clean: again,
        plan_only: false,
        jobs: NonZeroUsize::MIN,
        max_rate: None,
        memory: 42 << 20,
        spool: None,
        retry_for: Duration::from_secs(1),
        max_attempts: None,
        warm: false,
        now: "2026-02-01T00:00:00Z".parse().unwrap(),
        progress: Arc::new(restore::Progress::default()),
    };
    let outcome = restore::run(&request, scene).await?;
    outcome.refusal.map_or(Ok((Exit::Done, String::new())), Err)
}
