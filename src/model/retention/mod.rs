//! What may be deleted, and why: decisions about whole catalogues, which delete nothing themselves.

mod backups;
mod forecast;
mod policy;
mod wal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

pub use forecast::{Expiry, Forecast, Goes, Step};
pub use policy::{RetentionPolicy, WindowUnit};
pub use wal::{WalPlan, WalRange, Withheld};

use self::backups::{Judgement, Old, judge, judge_leftovers};
use super::{Backup, BackupId, BackupStatus, Keep, WalInventory};
use crate::error::{Error, Result};

/// What is asked of `retention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionRule {
    /// Which backups are wanted.
    pub policy: RetentionPolicy,
    /// So many stay, whatever the policy says.
    pub minimum: u32,
    /// What never became a backup is removed when it has not changed for so long.
    pub leftovers_after: Duration,
}

/// What a decision is made upon.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The backups whose record can be read, oldest first.
    pub backups: Vec<BackupFact>,
    /// Those whose record cannot.
    pub unreadable: Vec<BackupId>,
    /// Folders without a record.
    pub orphans: Vec<OrphanFact>,
    /// Folders that have a record and no backup's name.
    pub strangers: Vec<String>,
    /// What the store would not let go now, of these and of the folders.
    pub locks: BTreeMap<BackupId, Locked>,
}

/// What keeps the store from letting something go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Locked {
    /// It is locked until then.
    Until(Timestamp),
    /// It is under a legal hold, which somebody must lift.
    Held,
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(end) => write!(f, "locked until {end}"),
            Self::Held => f.write_str("under a legal hold"),
        }
    }
}

/// One backup.
#[derive(Debug, Clone)]
pub struct BackupFact {
    /// Its record.
    pub backup: Backup,
    /// What it is kept for.
    pub keep: Option<Keep>,
    /// When something of it was stored last.
    pub recorded: Option<Timestamp>,
    /// What it takes in the store, in bytes.
    pub stored_bytes: u64,
}

/// A folder without a record.
#[derive(Debug, Clone, Copy)]
pub struct OrphanFact {
    /// Which.
    pub id: BackupId,
    /// What an annotation says that it is kept for.
    pub keep: Option<Keep>,
    /// When the newest object in it was stored.
    pub newest: Option<Timestamp>,
    /// What it takes in the store, in bytes.
    pub stored_bytes: u64,
}

/// What goes, what stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Every backup with a readable record, oldest first.
    pub backups: Vec<Judged>,
    /// Every folder without one, oldest first.
    pub orphans: Vec<Judged>,
    /// The WAL.
    pub wal: WalPlan,
    /// Backups whose record cannot be read. Nobody knows what they need, so while there is one nothing
    /// is deleted at all, whatever else the plan says.
    pub unreadable: Vec<BackupId>,
    /// Folders that have a record and no backup's name: the same holds while there is one of these.
    pub strangers: Vec<String>,
}

/// What is to become of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Which.
    pub id: BackupId,
    /// Its status; `None` for a folder without a record.
    pub status: Option<BackupStatus>,
    /// What it takes in the store, in bytes.
    pub stored_bytes: u64,
    /// Why it stays or goes.
    pub reason: Reason,
}

/// Why a backup stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Stays: the policy wants it.
    Wanted,
    /// Stays: recovery to the beginning of the window starts from it.
    WindowStarts,
    /// Stays: somebody keeps it.
    Kept(Keep),
    /// Stays: there would be fewer than so many.
    Minimum(u32),
    /// Stays: without an end time nobody knows whether the window needs it.
    NoEndTime,
    /// Stays: this one builds upon it.
    ParentOf(BackupId),
    /// Stays: it builds upon a backup that stays.
    ParentStays,
    /// Stays: it builds upon a backup that is not there, so no policy speaks of it.
    ParentMissing,
    /// Stays: it consists of volume snapshots, which would be left behind.
    Snapshot,
    /// Stays: it never became a backup, but may yet, or not long enough ago.
    Fresh,
    /// Stays: it never became a backup, but nobody knows how old it is.
    AgeUnknown,
    /// Stays: the store would not let it go.
    Locked(Locked),
    /// Stays: nobody asked for it.
    NotAsked,
    /// Stays: it is a backup, and only what never became one is swept up.
    IsBackup,
    /// Stays: its deletion was begun, and whoever decides about backups finishes it, with its WAL.
    DeletionBegun,
    /// Goes: the policy no longer wants it.
    Obsolete,
    /// Goes: it builds upon a backup that goes.
    ParentGoes,
    /// Goes: it was asked for.
    Asked,
    /// Goes: it never became a backup, and has not changed for longer than leftovers are left.
    Leftover,
    /// Goes: its deletion was begun.
    HalfDeleted,
}

impl Reason {
    /// Whether it is one to go.
    pub const fn goes(self) -> bool {
        use Reason::{Asked, HalfDeleted, Leftover, Obsolete, ParentGoes};
        matches!(self, Obsolete | ParentGoes | Asked | Leftover | HalfDeleted)
    }
}

impl Judged {
    /// Whether it goes.
    pub const fn goes(&self) -> bool {
        self.reason.goes()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Wanted => "the policy wants it",
            Self::WindowStarts => "recovery to the window's beginning starts from it",
            Self::Kept(keep) => return write!(f, "it is kept ({keep})"),
            Self::Minimum(count) => return write!(f, "at least {count} must stay"),
            Self::NoEndTime => "it has no end time, so the window may need it",
            Self::ParentOf(child) => return write!(f, "{child} builds upon it"),
            Self::ParentStays => "what it builds upon stays",
            Self::ParentMissing => "what it builds upon is missing; delete it by hand if it is of no use",
            Self::Locked(locked) => return write!(f, "it is {locked}"),
            Self::Snapshot => "it consists of volume snapshots; delete them with the tool that took them",
            Self::Fresh => "unfinished, but not long enough ago to be a leftover",
            Self::AgeUnknown => "unfinished, but its age is not known",
            Self::NotAsked => "it is not the one",
            Self::IsBackup => "it is a backup",
            Self::DeletionBegun => "its deletion was begun; `retention` finishes it, with its WAL",
            Self::Obsolete => "the policy no longer wants it",
            Self::ParentGoes => "what it builds upon goes",
            Self::Asked => "it was asked for",
            Self::Leftover => "unfinished, and left behind long ago",
            Self::HalfDeleted => "its deletion was begun and not finished",
        };
        f.write_str(text)
    }
}

impl BackupFact {
    /// Since when it has been as it is: by the store's clock, else by its own.
    fn since(&self) -> Option<Timestamp> {
        self.recorded.or_else(|| Some(self.backup.begin.time.as_ref()?.timestamp()))
    }
}

impl Plan {
    /// What `rule` makes of an archive at the moment `now`.
    pub fn of_rule(rule: &RetentionRule, now: Timestamp, facts: &Facts, wal: &WalInventory) -> Self {
        let old = |since| is_old(since, rule.leftovers_after, now);
        Self::made(facts, wal, judge(rule, now, facts, &old), |orphan| of_orphan(orphan, &old))
    }

    /// The removal of what never became a backup and has not changed for `after`, without a look at any
    /// policy. No WAL goes. While an upload of a backup that is younger is on its way, it is under way.
    pub fn of_leftovers(
        after: Duration,
        now: Timestamp,
        facts: &Facts,
        under_way: &BTreeSet<BackupId>,
    ) -> Self {
        let old = |since| is_old(since, after, now);
        let mut judged = judge_leftovers(facts, &old);
        for (fact, reason) in facts.backups.iter().zip(&mut judged).filter(|(_, reason)| reason.goes()) {
            let id = &fact.backup.id;
            if under_way.contains(id) {
                *reason = Reason::Fresh;
            } else if let Some(locked) = facts.locks.get(id) {
                *reason = Reason::Locked(*locked);
            }
        }
        Self::made(facts, &WalInventory::default(), judged, |orphan| {
            if under_way.contains(&orphan.id) { Reason::Fresh } else { of_orphan(orphan, &old) }
        })
    }

    /// The deletion of one backup and of the WAL that only it needed. Refused with kind `Conflict` when
    /// something stands against it; what was half deleted before is finished along with it.
    pub fn of_one(
        id: BackupId,
        minimum: u32,
        now: Timestamp,
        facts: &Facts,
        wal: &WalInventory,
    ) -> Result<Self> {
        let fact = facts.backups.iter().find(|fact| fact.backup.id == id);
        let fact = fact.ok_or_else(|| Error::not_found(format!("there is no backup {id}")))?;
        objection(fact, minimum, now, facts).map_or(Ok(()), Err)?;
        if let Some(locked) = facts.locks.get(&id) {
            return Err(Error::conflict(format!("{id} cannot be deleted: it is {locked}"))
                .hint("wait until the lock has run out, or have it lifted by whoever may"));
        }
        let reason = |fact: &BackupFact| match fact.backup.id == id {
            true => Reason::Asked,
            false if !fact.backup.is_half_deleted() => Reason::NotAsked,
            false => facts.locks.get(&fact.backup.id).map_or(Reason::HalfDeleted, |l| Reason::Locked(*l)),
        };
        let judged = facts.backups.iter().map(reason).collect();
        let old = |orphan: &OrphanFact| orphan.newest.is_some_and(|newest| !may_be_running(newest, now));
        let orphan = |orphan: &_| if old(orphan) { Reason::NotAsked } else { Reason::Fresh };
        Ok(Self::made(facts, wal, judged, orphan))
    }

    fn made(
        facts: &Facts,
        wal: &WalInventory,
        reasons: Judgement,
        orphan: impl Fn(&OrphanFact) -> Reason,
    ) -> Self {
        let backups: Vec<Judged> = facts
            .backups
            .iter()
            .zip(reasons)
            .map(|(BackupFact { backup, stored_bytes, .. }, reason)| Judged {
                id: backup.id,
                status: Some(backup.status),
                stored_bytes: *stored_bytes,
                reason,
            })
            .collect();
        let orphans = facts.orphans.iter().map(|fact| Judged {
            id: fact.id,
            status: None,
            stored_bytes: fact.stored_bytes,
            reason: match (orphan(fact), facts.locks.get(&fact.id)) {
                (reason, Some(locked)) if reason.goes() => Reason::Locked(*locked),
                (reason, _) => reason,
            },
        });
        let orphans: Vec<Judged> = orphans.collect();
        let under_way = orphans.iter().filter(|o| matches!(o.reason, Reason::Fresh | Reason::AgeUnknown));
        let under_way: Vec<_> = under_way.map(|orphan| orphan.id).collect();
        let (going, staying): (Vec<_>, Vec<_>) =
            facts.backups.iter().zip(&backups).partition(|(_, judged)| judged.goes());
        let only = |pairs: Vec<(&BackupFact, &Judged)>| {
            pairs.into_iter().map(|(fact, _)| fact.clone()).collect::<Vec<_>>()
        };
        let wal = WalPlan::new(&only(going), &only(staying), &under_way, wal);
        let (unreadable, strangers) = (facts.unreadable.clone(), facts.strangers.clone());
        Self { backups, orphans, wal, unreadable, strangers }
    }

    /// The backups that go.
    pub fn going(&self) -> impl DoubleEndedIterator<Item = &Judged> {
        self.backups.iter().filter(|judged| judged.goes())
    }

    /// The folders that go.
    pub fn going_orphans(&self) -> impl Iterator<Item = &Judged> {
        self.orphans.iter().filter(|judged| judged.goes())
    }

    /// Why nothing may be deleted now, if that is so.
    pub fn blocked(&self) -> Option<Error> {
        let ids: Vec<_> = self.unreadable.iter().map(ToString::to_string).collect();
        if !self.strangers.is_empty() {
            let names = self.strangers.join(", ");
            let why = format!(
                "nothing is deleted, because these folders have a record and no backup's name, so nobody \
                 counts what they need: {names}"
            );
            return Some(Error::corrupt(why).hint("give them a backup's name, or remove them by hand"));
        }
        (!ids.is_empty()).then(|| {
            Error::corrupt(format!(
                "nothing is deleted, because nobody knows what the backups with unreadable records need: {}",
                ids.join(", ")
            ))
            .hint(
                "`barkeep backup-show ID` tells what is wrong with a record; repair it or remove its folder",
            )
        })
    }
}

/// Whether what was stored last then has not changed for `after`; `None` when nobody knows.
pub(super) fn is_old(since: Option<Timestamp>, after: Duration, now: Timestamp) -> Option<bool> {
    let since = since?;
    Some(since <= now && now.duration_since(since).unsigned_abs() >= after)
}

/// What becomes of a folder without a record.
fn of_orphan(orphan: &OrphanFact, old: Old<'_>) -> Reason {
    match old(orphan.newest) {
        Some(true) => orphan.keep.map_or(Reason::Leftover, Reason::Kept),
        Some(false) => Reason::Fresh,
        None => Reason::AgeUnknown,
    }
}

/// How long ago an unfinished backup must have been begun to be deleted by name: one that is still being
/// taken would otherwise be published without what was removed under it.
const MAY_BE_RUNNING: Duration = Duration::from_hours(24);

fn may_be_running(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).unsigned_abs() < MAY_BE_RUNNING
}

/// What stands against deleting this backup.
fn objection(fact: &BackupFact, minimum: u32, now: Timestamp, facts: &Facts) -> Option<Error> {
    let backup = &fact.backup;
    let id = backup.id;
    if backup.is_half_deleted() {
        return None;
    }
    if let Some(keep) = fact.keep {
        let kept = Error::conflict(format!("{id} is kept ({keep})"));
        return Some(kept.hint(format!("`barkeep backup-keep {id} release` lets it go")));
    }
    if backup.is_snapshot() {
        return Some(
            Error::conflict(format!("{id} cannot be deleted here: {}", Reason::Snapshot))
                .hint("delete it with what took the snapshot"),
        );
    }
    let of_it = |child: &&BackupFact| {
        child.backup.parent.as_deref() == Some(id.as_str()) && !child.backup.is_half_deleted()
    };
    if let Some(child) = facts.backups.iter().find(of_it) {
        return Some(
            Error::conflict(format!("{} builds upon {id}", child.backup.id))
                .hint(format!("delete {} first", child.backup.id)),
        );
    }
    let usable = facts.backups.iter().filter(|fact| fact.backup.is_usable()).count();
    if backup.is_usable() && minimum > 0 && usable <= minimum as usize {
        let refused = format!("at least {minimum} usable backups must stay, and there are {usable}");
        return Some(Error::conflict(refused).hint("take another backup first"));
    }
    let running =
        backup.status == BackupStatus::Started && fact.since().is_none_or(|since| may_be_running(since, now));
    running.then(|| {
        Error::conflict(format!("{id} was begun less than a day ago and may be running"))
            .hint("stop the backup, which cleans up behind itself; or wait a day")
    })
}

#[cfg(test)]
mod tests;
