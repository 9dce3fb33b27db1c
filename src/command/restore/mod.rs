//! `restore`: a base backup laid down, ready to recover to any moment after it.
//!
//! The order of things: the catalogue, the WAL and the histories make a plan; every directory is looked
//! at before any is touched; the tars are fetched and unpacked side by side while the first WAL is
//! fetched ahead; what was written is compared with the manifest; PostgreSQL is told how to recover;
//! everything is flushed, and last of all `global/pg_control` gets its name. Whatever happens before
//! that leaves a directory that starts nowhere and says what it is.

mod fetch;
mod memory;
mod plan;
mod site;
mod warm;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tracing::warn;

use self::fetch::Fetch;
pub(super) use self::fetch::within;
pub(super) use self::plan::flaw;
pub use self::plan::{CopySize, Gap, Plan, WalPlan};
use self::plan::{Sources, Wish, plan};
use self::site::Site;
pub use self::site::{Owner, Volume};
use crate::archive::{Archive, ExclusivePut, MANIFEST_COMPRESSION, OpenArchive, Patience, StoredManifest};
use crate::command::fetch::{decoded, timelines};
pub use crate::command::flow::Progress;
use crate::disk;
use crate::error::{Context, Error, Result};
use crate::model::{BackupRef, RecoveryTarget, TargetPoint, TargetTimeline};
pub(crate) use crate::pgdata::destination::MARKER as UNFINISHED;
use crate::pgdata::destination::{Ground, Marker};
use crate::pgdata::manifest::{ManifestChecksum, ManifestReader};
pub use crate::pgdata::recovery::{Recovery, restore_command};
use crate::pgdata::unpack::{CONTROL, Ledger, MANIFEST_HELD, Unpacked};
use crate::points::{self, Step};

/// The oldest server whose recovery is told by settings and a signal file.
const OLDEST: u32 = 120_000;

/// The manifest's name in the data directory.
const MANIFEST: &str = "backup_manifest";

/// What to restore and where to.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own, and none rules out another")]
pub struct Request {
    /// The data directory: absent or empty, or what a killed restore left.
    pub directory: PathBuf,
    /// Which backup; `None` for the newest that serves.
    pub backup: Option<BackupRef>,
    /// How far recovery is to go.
    pub aim: Aim,
    /// Where tablespaces go, by name; the others go to where they were.
    pub tablespaces: BTreeMap<String, PathBuf>,
    /// Pass over names there that the backup does not have, with a warning, instead of refusing them.
    pub pass_unknown: bool,
    /// Where the WAL goes, when not into the data directory.
    pub waldir: Option<PathBuf>,
    /// How PostgreSQL is told to recover; `None` leaves that to the caller.
    pub recovery: Option<Recovery>,
    /// Restore although recovery cannot get as far as it should.
    pub allow_gap: bool,
    /// Replace a data directory that is there and not in use.
    pub clean: bool,
    /// Plan, and touch nothing.
    pub plan_only: bool,
    /// At most so many objects at once.
    pub jobs: NonZeroUsize,
    /// At most so many bytes per second out of the store.
    pub max_rate: Option<u64>,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// Fetch the first WAL into the spool meanwhile. Of no use when another user's PostgreSQL, with a
    /// spool of its own, will ask for it.
    pub warm: bool,
    /// The spool's directory; nothing is fetched ahead without one.
    pub spool: Option<PathBuf>,
    /// How long a failing request is tried again for.
    pub retry_for: Duration,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// What time it is.
    pub now: Timestamp,
    /// Where to leave how far it has come.
    pub progress: Arc<Progress>,
}

/// How far recovery is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// As far as this: the backup must be one from which it can be reached.
    Target(RecoveryTarget),
    /// Somebody else decides, and tells PostgreSQL. Of the backup only what is said here is asked, and of
    /// the WAL only what makes it consistent.
    Elsewhere {
        /// It ended by then: a time or a position; anything else says nothing.
        ended_by: TargetPoint,
        /// It was taken on this timeline: a number, or the one of the newest WAL. `Current`, which is
        /// whatever the backup has, says nothing.
        timeline: TargetTimeline,
    },
}

/// What was planned, and what was done.
#[derive(Debug)]
pub struct Outcome {
    /// The archive.
    pub address: String,
    /// The data directory, absolute.
    pub directory: PathBuf,
    /// What in it is a link, and to where.
    pub elsewhere: Vec<(PathBuf, PathBuf)>,
    /// The plan.
    pub plan: Plan,
    /// What it takes on each file system.
    pub volumes: Vec<Volume>,
    /// What happens to what is in the way: `true` when a directory is cleared first.
    pub clears: bool,
    /// Why the plan would not be carried out.
    pub refusal: Option<Error>,
    /// What was restored; `None` when only a plan was asked for.
    pub restored: Option<Restored>,
}

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many of them were compared with the manifest; `None` when the backup has none.
    pub verified: Option<u64>,
    /// Symbolic links that lead out of the directory and were not made.
    pub links_left_out: Vec<String>,
    /// Whose the files are, when somebody should look whether PostgreSQL runs as that user.
    pub owner: Option<Owner>,
}

/// Plans the restore, and carries it out unless only the plan is asked for.
///
/// Kinds of failure: `NotFound` without a backup that serves, `Usage` for what cannot be meant, `Conflict`
/// for a gap in the WAL or a directory that is in use or not empty, `Corrupt` for a backup that is not
/// what it should be, `Local` when it does not fit, and the store's own.
pub async fn run(request: &Request, open: &dyn OpenArchive) -> Result<Outcome> {
    let archive = Arc::new(open_for(request, open).await?);
    let mut plan = look(request, &archive).await?;
    let tablespaces = known(request, &mut plan);
    let waldir = request.waldir.as_deref();
    let site = Site::new(&request.directory, &tablespaces, waldir, &plan.backup)?;
    let volumes = site.volumes(&plan)?;
    let marker = Marker::new(plan.backup.id, open.address().to_string(), site.data());
    let grounds = site.survey(&marker, request.clean);
    let mut outcome = Outcome {
        address: open.address().to_string(),
        directory: site.data().to_owned(),
        elsewhere: site.elsewhere().to_vec(),
        clears: grounds.as_ref().is_ok_and(|grounds| grounds.iter().any(|g| *g != Ground::Free)),
        plan,
        volumes,
        refusal: None,
        restored: None,
    };
    let surely = matches!(outcome.plan.size, CopySize::Recorded(_)) && never_fits(&outcome.volumes);
    if let Some(volume) = crowded(&outcome.volumes).filter(|_| !surely) {
        let place = volume.path.display();
        outcome.plan.warnings.push(format!("the copy may not fit on the file system of {place}"));
    }
    let grounds = match (grounds, refusal(request, &outcome)) {
        (Ok(grounds), None) if !request.plan_only => grounds,
        (grounds, refusal) => {
            let refusal = refusal.or(grounds.err());
            return match refusal {
                Some(refusal) if !request.plan_only => Err(refusal),
                refusal => Ok(Outcome { refusal, ..outcome }),
            };
        }
    };
    for warning in &outcome.plan.warnings {
        warn!("{warning}");
    }
    let work = Work { request, archive: &archive, site: &site, plan: &outcome.plan };
    let lay_down = work.lay_down(&grounds, &marker);
    let warm = async {
        if let Some(spool) = request.spool.as_deref().filter(|_| request.warm && request.recovery.is_some()) {
            warm::warm(request, spool, &outcome.plan, site.data(), open).await;
        }
        std::future::pending().await
    };
    // What was fetched ahead by the end of the base backup is enough; nobody waits for the rest.
    let restored = tokio::select! {
        restored = lay_down => restored,
        never = warm => never,
    };
    outcome.restored = Some(restored.context(|| format!("restore backup {}", outcome.plan.backup.id))?);
    Ok(outcome)
}

/// What a restore would do, decided from the archive alone: no directory is looked at, nor what would not
/// fit. Kinds of failure as of [`run`], a gap in the WAL left out.
pub async fn foresee(request: &Request, open: &dyn OpenArchive) -> Result<Plan> {
    look(request, &open_for(request, open).await?).await
}

async fn open_for(request: &Request, open: &dyn OpenArchive) -> Result<Archive> {
    let patience =
        Patience { retry_for: request.retry_for, max_attempts: request.max_attempts, ..Patience::default() };
    open.open(ExclusivePut::ByService, &patience).await
}

/// Where tablespaces go; without those that the backup does not have, if they are to be passed over.
fn known(request: &Request, plan: &mut Plan) -> BTreeMap<String, PathBuf> {
    let mut tablespaces = request.tablespaces.clone();
    if request.pass_unknown {
        let Plan { backup, warnings, .. } = plan;
        tablespaces.retain(|name, _| {
            let is_known = backup.tablespaces.iter().any(|tablespace| tablespace.name == *name);
            if !is_known {
                warnings.push(format!("backup {} has no tablespace `{name}`: it is passed over", backup.id));
            }
            is_known
        });
    }
    tablespaces
}

/// Reads what the plan is made from.
async fn look(request: &Request, archive: &Archive) -> Result<Plan> {
    let (catalog, wal) = tokio::try_join!(archive.catalog(), archive.wal_inventory())?;
    let (timelines, broken) = timelines(archive, &wal).await?;
    let wish = Wish { backup: request.backup.as_ref(), aim: &request.aim, now: request.now };
    let mut plan = plan(wish, Sources { catalog: &catalog, wal: &wal, timelines: &timelines })?;
    plan.warnings.extend(broken);
    if let (CopySize::Estimated(_), Some(manifest)) = (plan.size, plan.files.manifest.clone()) {
        plan.size = CopySize::Recorded(manifest_size(archive, &manifest).await?);
    }
    Ok(plan)
}

/// What the files of a manifest come to, in bytes.
async fn manifest_size(archive: &Archive, manifest: &StoredManifest) -> Result<u64> {
    let object = archive.open_manifest(manifest).await?;
    let summed = decoded(object.body, MANIFEST_COMPRESSION, |plain| {
        let mut bytes = 0_u64;
        for entry in ManifestReader::begin(plain)? {
            bytes = bytes.saturating_add(entry?.size);
        }
        Ok(bytes)
    });
    summed.await.context(|| "read the backup's manifest")
}

/// Why the plan must not be carried out.
fn refusal(request: &Request, outcome: &Outcome) -> Option<Error> {
    let Plan { backup, size, .. } = &outcome.plan;
    if request.recovery.is_some() && backup.version.is_some_and(|version| version < OLDEST) {
        let why = format!(
            "backup {} is of PostgreSQL {}, which reads recovery.conf",
            backup.id,
            backup.version.unwrap_or(0) / 10_000
        );
        return Some(Error::usage(why).hint("give --no-recovery-config and write that file by hand"));
    }
    if let Some(gap) = outcome.plan.refusal().filter(|_| !request.allow_gap) {
        return Some(gap);
    }
    let recorded = matches!(size, CopySize::Recorded(_));
    // What has to go makes room, but nobody has counted how much.
    if !recorded || outcome.clears || !never_fits(&outcome.volumes) {
        return None;
    }
    let crowded = crowded(&outcome.volumes)?;
    Some(
        Error::local(format!(
            "the copy takes {} bytes on the file system of {}, and {} are free there",
            crowded.needed,
            crowded.path.display(),
            crowded.free
        ))
        .hint("make room, or send tablespaces and WAL elsewhere with --tablespace and --waldir"),
    )
}

/// Whether a copy whose size is known fits in no case. How it is shared out over several file systems is
/// a guess, as long as there is room enough on all of them together.
fn never_fits(volumes: &[Volume]) -> bool {
    let sum = |of: fn(&Volume) -> u64| volumes.iter().map(of).fold(0, u64::saturating_add);
    sum(|volume| volume.needed) > sum(|volume| volume.free)
}

/// A file system that is too small.
fn crowded(volumes: &[Volume]) -> Option<&Volume> {
    volumes.iter().find(|volume| volume.needed > volume.free)
}

/// Writes down what is read.
struct Copying<R, W> {
    from: R,
    to: W,
}

impl<R: Read, W: Write> Read for Copying<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let n = self.from.read(buf)?;
        self.to.write_all(&buf[..n]).map_err(disk::explain)?;
        Ok(n)
    }
}

/// A plan that is being carried out.
struct Work<'a> {
    request: &'a Request,
    archive: &'a Arc<Archive>,
    site: &'a Site,
    plan: &'a Plan,
}

impl Work<'_> {
    async fn lay_down(&self, grounds: &[Ground], marker: &Marker) -> Result<Restored> {
        let held = self.site.prepare(grounds, marker)?;
        let manifest = self.bring_manifest().await?;
        let how = manifest.map(|(how, _)| how);
        let files = manifest.map(|(_, files)| files);
        let taken = memory::ledger(files, self.plan.size.bytes(), self.request.memory);
        let ledger = Arc::new(Ledger::new(how.unwrap_or(ManifestChecksum::None)));
        let fetch = Fetch {
            archive: self.archive,
            jobs: self.request.jobs,
            memory: self.request.memory.saturating_sub(taken),
            max_rate: self.request.max_rate,
            progress: &self.request.progress,
        };
        let unpacked = fetch.all(&self.plan.files.tars, &self.site.unpacker(&ledger)?).await?;
        let verified = how.map(|_| self.verify(&ledger)).transpose()?;
        let owner = self.finish(&ledger, &unpacked)?;
        self.site.publish(held)?;
        let Unpacked { files, bytes, links_left_out, .. } = unpacked;
        Ok(Restored { files, bytes, verified, links_left_out, owner })
    }

    /// Fetches the manifest, if there is one, into the data directory; gives what its files are summed
    /// with, and how many they are. It is read while it is written: nothing but a manifest gets onto the
    /// disk, however much its few stored bytes may swell to, and a bad one is told before all the tars.
    async fn bring_manifest(&self) -> Result<Option<(ManifestChecksum, u64)>> {
        let Some(manifest) = &self.plan.files.manifest else { return Ok(None) };
        let object = self.archive.open_manifest(manifest).await?;
        let to = self.manifest();
        let brought = decoded(object.body, MANIFEST_COMPRESSION, move |plain| {
            let mut options = fs_err::OpenOptions::new();
            options.create(true).truncate(true).write(true).options_mut().mode(0o600);
            let file = points::step(Step::Create(&to), || options.open(&to)).map_err(disk::explain)?;
            let mut manifest = ManifestReader::begin(Copying { from: plain, to: file })?;
            let (mut how, mut files) = (ManifestChecksum::None, 0);
            for entry in manifest.by_ref() {
                if let (ManifestChecksum::None, Some(sum)) = (how, entry?.sum) {
                    how = sum.algorithm();
                }
                files += 1;
            }
            manifest.finish()?;
            Ok((how, files))
        });
        brought.await.map(Some).context(|| "read the backup's manifest")
    }

    /// Compares what was written with the manifest.
    fn verify(&self, ledger: &Ledger) -> Result<u64> {
        let manifest = ManifestReader::begin(fs_err::File::open(self.manifest())?)?;
        ledger.verify(manifest).context(|| "compare the files with the backup's manifest")
    }

    /// What the tars do not bring. Gives the files' owner when that should be told.
    fn finish(&self, ledger: &Ledger, unpacked: &Unpacked) -> Result<Option<Owner>> {
        for name in [CONTROL, "PG_VERSION"] {
            if !ledger.has(Path::new(name)) {
                return Err(Error::corrupt(format!("there is no {name} in the backup's tars")));
            }
        }
        self.bring_label(ledger)?;
        if self.plan.files.manifest.is_some() {
            // It stays also when PostgreSQL is not told how to recover: pg_verifybackup wants it, and
            // PostgreSQL itself never looks at it.
            disk::rename(&self.manifest(), &self.site.data().join(MANIFEST)).map_err(disk::explain)?;
        }
        if let Some(recovery) = &self.request.recovery {
            recovery.write(self.site.data())?;
        }
        self.site.complete(unpacked.directory_mode)
    }

    /// Without a label PostgreSQL would begin at the control file's checkpoint, find itself consistent,
    /// and be broken. The record has its text too.
    fn bring_label(&self, ledger: &Ledger) -> Result<()> {
        if ledger.has(Path::new("backup_label")) {
            return Ok(());
        }
        let Some(label) = &self.plan.backup.label else {
            return Err(Error::corrupt("there is no backup_label in the backup's tars, nor in its record"));
        };
        crate::pgdata::destination::put(&self.site.data().join("backup_label"), label.as_bytes())
    }

    fn manifest(&self) -> PathBuf {
        self.site.data().join(MANIFEST_HELD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_at_how_a_copy_is_shared_out_refuses_nothing() {
        let volume = |needed, free| Volume { path: PathBuf::new(), needed, free };
        assert!(never_fits(&[volume(10, 9)]) && !never_fits(&[volume(10, 10)]));
        // One tablespace may have packed worse than the rest.
        assert!(!never_fits(&[volume(55, 200), volume(55, 20)]));
        assert!(never_fits(&[volume(55, 20), volume(55, 20)]));
    }
}
