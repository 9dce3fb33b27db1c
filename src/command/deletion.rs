//! Carries a plan out. What goes has been decided; here only the order matters, and it is written down
//! in `archive/removal.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;

use futures_util::{StreamExt, TryStreamExt, stream};

use jiff::Timestamp;

use crate::archive::{Archive, Catalog, Entry, Lock, Locks};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{BackupId, Facts, Locked, Plan, WalObject};

/// How many records are rewritten at once.
const AT_ONCE: usize = 16;

/// How things are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Care {
    /// At most so many objects in one request, when the service's own limit is too much.
    pub batch: Option<NonZeroUsize>,
    /// What is done about locks.
    pub locks: Heed,
}

/// What is done about objects that the store would not let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Heed {
    /// The plan is made around them: the store is asked of each object of the backups that are to go, unless
    /// it says that nothing can be locked, and of a few WAL files.
    #[default]
    Around,
    /// The same is asked of the backups, and while one of the objects is locked nothing is deleted.
    Refuse,
    /// Nothing is asked. Where versions are kept a deletion only hides what is locked.
    Ignore,
}

/// A plan, and what came of it.
#[derive(Debug)]
pub struct Deletion {
    /// The archive's address, for people.
    pub address: String,
    /// What goes, what stays, and why.
    pub plan: Plan,
    /// The keys of abandoned uploads that are forgotten with it.
    pub abandoned: Vec<String>,
    /// The plan was only to be shown.
    pub dry_run: bool,
    /// What it was made upon.
    pub catalog: Catalog,
    /// The objects that would go; of a dry run only.
    pub doomed: Doomed,
}

/// What would go, object by object, by the keys of the store.
#[derive(Debug, Default)]
pub struct Doomed {
    /// Of each backup everything but annotations, the record last; oldest first, folders without a record
    /// behind them.
    pub backups: Vec<(BackupId, Vec<String>)>,
    /// The WAL, in the order of the plan.
    pub wals: Vec<(WalObject, String)>,
}

impl Doomed {
    /// What `plan` would remove.
    pub(super) fn of(archive: &Archive, catalog: &Catalog, plan: &Plan) -> Result<Self> {
        if plan.blocked().is_some() {
            return Ok(Self::default());
        }
        let mut backups = Vec::new();
        for Entry { backup, files, .. } in going(catalog, plan) {
            let keys = files.keys().map(str::to_owned).chain([archive.record_key(&backup.id)?]);
            backups.push((backup.id, keys.collect()));
        }
        let orphans = catalog.orphans.iter().filter(|orphan| goes(plan, orphan.id));
        backups.extend(orphans.map(|orphan| (orphan.id, orphan.files.keys().map(str::to_owned).collect())));
        let wals = plan.wal.objects.iter().map(|object| Ok((*object, archive.wal_key(object)?)));
        Ok(Self { backups, wals: wals.collect::<Result<_>>()? })
    }
}

/// The backups that go, oldest first.
fn going<'a>(catalog: &'a Catalog, plan: &'a Plan) -> impl DoubleEndedIterator<Item = &'a Entry> {
    let entry = |id: BackupId| catalog.entries.iter().find(move |entry| entry.backup.id == id);
    plan.going().filter_map(move |judged| entry(judged.id))
}

/// Whether a folder without a record goes.
fn goes(plan: &Plan, orphan: BackupId) -> bool {
    plan.going_orphans().any(|judged| judged.id == orphan)
}

/// Kind `Conflict` while one of the objects that are to go is locked.
async fn require_unlocked(archive: &Archive, catalog: &Catalog, plan: &Plan, now: Timestamp) -> Result<()> {
    for Entry { backup, files, .. } in going(catalog, plan) {
        if let Some((key, lock)) = archive.first_lock(files, now).await? {
            return Err(Error::conflict(format!("{} cannot be deleted: {key} {lock}", backup.id))
                .hint("wait until the lock has run out, or have it lifted by whoever may"));
        }
    }
    Ok(())
}

/// Makes a plan, and where the store would refuse part of it, one around that. `make` makes it of facts.
pub(super) async fn plan_around(
    archive: &Archive,
    catalog: &Catalog,
    care: Care,
    now: Timestamp,
    make: impl Fn(&Facts) -> Result<Plan>,
) -> Result<Plan> {
    let mut facts = catalog.facts();
    let plan = make(&facts)?;
    if care.locks != Heed::Around {
        return Ok(plan);
    }
    let Some(locks) = locks_of(archive, catalog, &plan, now).await? else { return Ok(plan) };
    facts.locks = locks;
    let mut plan = if facts.locks.is_empty() { plan } else { make(&facts)? };
    if let Some((count, lock)) = first_locked(archive, &plan.wal.objects, now).await? {
        plan.wal.hold_back(count, lock);
    }
    Ok(plan)
}

/// What the store would not let go of what a plan removes; `None` where nothing can be locked, or nothing goes.
pub(super) async fn locks_of(
    archive: &Archive,
    catalog: &Catalog,
    plan: &Plan,
    now: Timestamp,
) -> Result<Option<BTreeMap<BackupId, Locked>>> {
    let nothing_goes = plan.going().next().is_none() && plan.going_orphans().next().is_none();
    if plan.blocked().is_some() || nothing_goes {
        return Ok(None);
    }
    if matches!(archive.locks().await?, Locks::Never | Locks::Off) {
        return Ok(None);
    }
    let mut locks = BTreeMap::new();
    let entries = going(catalog, plan).map(|entry| (entry.backup.id, &entry.files, true));
    let orphans = catalog.orphans.iter().filter(|orphan| goes(plan, orphan.id));
    for (id, files, has_record) in entries.chain(orphans.map(|orphan| (orphan.id, &orphan.files, false))) {
        let lock = match archive.first_lock(files, now).await? {
            Some((_, lock)) => Some(lock),
            None if has_record => archive.record_lock(&id, now).await?,
            None => None,
        };
        locks.extend(lock.map(|lock| (id, locked(lock))));
    }
    Ok(Some(locks))
}

/// How many WAL files come before the first that is locked, and its lock; `None` when none is. As locks end in
/// the order in which the files were stored, halving finds it with a few questions, whatever the number. One
/// that somebody has locked out of that order is found out when it is refused.
async fn first_locked(
    archive: &Archive,
    objects: &[WalObject],
    now: Timestamp,
) -> Result<Option<(usize, Locked)>> {
    let Some(newest) = objects.last() else { return Ok(None) };
    let Some(mut lock) = archive.wal_lock(newest, now).await? else { return Ok(None) };
    let (mut free, mut held) = (0, objects.len() - 1);
    while free < held {
        let middle = free.midpoint(held);
        match objects.get(middle) {
            Some(object) => match archive.wal_lock(object, now).await? {
                Some(found) => (held, lock) = (middle, found),
                None => free = middle + 1,
            },
            None => return Err(Error::bug("a half of a list is not in it")),
        }
    }
    Ok(Some((held, locked(lock))))
}

/// A lock of the store as a reason.
pub(super) const fn locked(lock: Lock) -> Locked {
    match lock {
        Lock::Until(end) => Locked::Until(end),
        Lock::Hold => Locked::Held,
    }
}

/// Kind `Denied` when these credentials may not delete, before a record is taken back that would then stay so.
async fn prove_right(archive: &Archive, plan: &Plan) -> Result<()> {
    let mut going = plan.going().chain(plan.going_orphans());
    let Some(judged) = going.next() else { return Ok(()) };
    archive.prove_deletion(&judged.id).await.map_err(|e| match e.kind() {
        // A directory says itself what to do about it.
        ErrorKind::Denied => e
            .context("these credentials may not delete, and nothing was changed")
            .hint("use credentials that may; those that archive are better off without"),
        _ => e,
    })
}

impl Deletion {
    /// Why nothing was deleted, when that is not because nothing was to be.
    pub fn failure(&self) -> Option<Error> {
        self.plan.blocked()
    }
}

/// How far a deletion has come.
#[derive(Debug, Default)]
struct Done {
    unpublished: usize,
    files: bool,
    wals: usize,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = if self.files { "their files are gone" } else { "not all their files are gone" };
        write!(f, "{} backups are un-published, {files}, {} WAL files are gone", self.unpublished, self.wals)
    }
}

/// Deletes what the plan says; a plan that is blocked deletes nothing. A failure tells how far it came;
/// the next run goes on from there.
pub(super) async fn carry_out(
    archive: &Archive,
    catalog: &Catalog,
    plan: &Plan,
    care: Care,
    now: Timestamp,
) -> Result<()> {
    if plan.blocked().is_some() {
        return Ok(());
    }
    if care.locks == Heed::Refuse {
        require_unlocked(archive, catalog, plan, now).await?;
    }
    prove_right(archive, plan).await?;
    let mut done = Done::default();
    let end = steps(archive, catalog, plan, care.batch, &mut done).await;
    end.context(|| format!("delete ({done})")).map_err(|e| e.hint("run it again: it goes on from there"))
}

async fn steps(
    archive: &Archive,
    catalog: &Catalog,
    plan: &Plan,
    batch: Option<NonZeroUsize>,
    done: &mut Done,
) -> Result<()> {
    // Newest first, so that nothing stays published without what it builds upon.
    let entries: Vec<_> = going(catalog, plan).rev().collect();
    let ids: Vec<BackupId> = entries.iter().map(|entry| entry.backup.id).collect();
    // What nobody would choose needs no mark, and would look like a backup whose WAL is still to go.
    let published = entries.iter().filter(|entry| entry.backup.is_usable());
    let requests = published.map(|entry| archive.unpublish_backup(&entry.backup));
    let mut unpublished = stream::iter(requests).buffered(AT_ONCE);
    while unpublished.try_next().await?.is_some() {
        done.unpublished += 1;
    }
    let orphans = catalog.orphans.iter().filter(|o| goes(plan, o.id)).map(|orphan| &orphan.files);
    archive.remove_files(entries.iter().map(|entry| &entry.files).chain(orphans), batch).await?;
    done.files = true;
    archive.remove_wals(&plan.wal.objects, batch, |count| done.wals += count).await?;
    archive.remove_records(&ids, batch).await
}
