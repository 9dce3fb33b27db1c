//! What crashes have left in an archive, and whether it may go: decided here, removed elsewhere.
//!
//! Nothing that is, or may become, a backup goes, no WAL goes, and nothing that is kept: what a policy would
//! decide about is `retention`'s. What does go is older than an age that no work under way reaches.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::retention::is_old;
use super::{BackupId, Facts, Judged, Locked, Plan, Reason};
use crate::error::Error;

/// What a decision is made upon.
#[derive(Debug, Clone, Default)]
pub struct GcFacts {
    /// Backups, and folders that look like one.
    pub catalog: Facts,
    /// Uploads that were begun and neither finished nor aborted.
    pub uploads: Vec<UploadFact>,
    /// What `check` has put.
    pub probes: Vec<ProbeFact>,
}

/// An upload that was begun and neither finished nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadFact {
    /// What it was to become.
    pub key: String,
    /// The backup it was to be part of.
    pub backup: Option<BackupId>,
    /// When it was begun.
    pub begun: Option<Timestamp>,
}

/// An object that `check` has put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeFact {
    /// Where it lies.
    pub key: String,
    /// Its length in the store, in bytes.
    pub stored_bytes: u64,
    /// When it was put.
    pub stored: Option<Timestamp>,
    /// What keeps the store from letting it go now.
    pub locked: Option<Locked>,
}

/// What goes, what stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcPlan {
    /// Backups and folders; no WAL.
    pub backups: Plan,
    /// The uploads, in the order of the facts.
    pub uploads: Vec<GcVerdict>,
    /// The probe objects, in the order of the facts.
    pub probes: Vec<GcVerdict>,
}

/// What is to become of an upload or of a probe object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcVerdict {
    /// Its key.
    pub key: String,
    /// What it takes in the store, in bytes; `None` where the store does not tell.
    pub stored_bytes: Option<u64>,
    /// Why it stays or goes.
    pub reason: GcReason,
}

/// Why an upload or a probe object stays or goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GcReason {
    /// Goes: it was begun long ago, and nobody will finish it.
    Abandoned,
    /// Goes: the check that put it is long over.
    ProbeLeft,
    /// Stays: it is younger than leftovers are let lie.
    Young,
    /// Stays: nobody knows how old it is.
    AgeUnknown,
    /// Stays: this backup may be under way.
    UnderWay(BackupId),
    /// Stays: the record of this backup cannot be read.
    Unreadable(BackupId),
    /// Stays: the store would not let it go, by a lock that the bucket puts on everything.
    Locked(Locked),
}

impl GcReason {
    /// Whether it is one to go.
    pub const fn goes(self) -> bool {
        matches!(self, Self::Abandoned | Self::ProbeLeft)
    }
}

impl fmt::Display for GcReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abandoned => f.write_str("begun long ago and never finished"),
            Self::ProbeLeft => f.write_str("left behind by a check long ago"),
            Self::Young => f.write_str("not old enough to be a leftover"),
            Self::AgeUnknown => f.write_str("its age is not known"),
            Self::UnderWay(id) => write!(f, "backup {id} may be under way"),
            Self::Unreadable(id) => write!(f, "the record of backup {id} cannot be read"),
            Self::Locked(locked) => write!(f, "it is {locked}"),
        }
    }
}

impl GcVerdict {
    /// Whether it goes.
    pub const fn goes(&self) -> bool {
        self.reason.goes()
    }
}

impl GcPlan {
    /// What crashes have left in an archive at the moment `now`, and what of it has not changed for `after`.
    pub fn new(after: Duration, now: Timestamp, facts: &GcFacts) -> Self {
        let old = |since| is_old(since, after, now);
        let young = facts.uploads.iter().filter(|upload| old(upload.begun) != Some(true));
        let at_work: BTreeSet<BackupId> = young.filter_map(|upload| upload.backup).collect();
        let backups = Plan::of_leftovers(after, now, &facts.catalog, &at_work);
        let may_run = |judged: &&Judged| matches!(judged.reason, Reason::Fresh | Reason::AgeUnknown);
        let judged = backups.backups.iter().chain(&backups.orphans);
        let under_way: BTreeSet<BackupId> = judged.filter(may_run).map(|judged| judged.id).collect();
        let upload = |upload: &UploadFact| {
            let reason = match (upload.backup, old(upload.begun)) {
                (_, None) => GcReason::AgeUnknown,
                (_, Some(false)) => GcReason::Young,
                (Some(id), _) if facts.catalog.unreadable.contains(&id) => GcReason::Unreadable(id),
                (Some(id), _) if under_way.contains(&id) => GcReason::UnderWay(id),
                _ => GcReason::Abandoned,
            };
            GcVerdict { key: upload.key.clone(), stored_bytes: None, reason }
        };
        let probe = |probe: &ProbeFact| {
            let reason = match old(probe.stored) {
                None => GcReason::AgeUnknown,
                Some(false) => GcReason::Young,
                Some(true) => probe.locked.map_or(GcReason::ProbeLeft, GcReason::Locked),
            };
            GcVerdict { key: probe.key.clone(), stored_bytes: Some(probe.stored_bytes), reason }
        };
        let uploads = facts.uploads.iter().map(upload).collect();
        let probes = facts.probes.iter().map(probe).collect();
        Self { backups, uploads, probes }
    }

    /// Why no backup's folder may be touched now, if that is so. Uploads and probes go all the same.
    pub fn blocked(&self) -> Option<Error> {
        self.backups.blocked()
    }

    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        let folders = self.backups.going().next().is_some() || self.backups.going_orphans().next().is_some();
        !folders && !self.uploads.iter().chain(&self.probes).any(GcVerdict::goes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Backup, BackupFact, BackupStatus, Keep, OrphanFact};
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> Timestamp {
        "2026-06-30T00:00:00Z".parse().unwrap()
    }

    fn ago(days: i64) -> Option<Timestamp> {
        now().checked_sub(jiff::SignedDuration::from_hours(24 * days)).ok()
    }

    fn id(day: u32) -> BackupId {
        format!("202606{day:02}T000000").parse().unwrap()
    }

    fn backup(day: u32, status: BackupStatus, keep: Option<Keep>, days: i64) -> BackupFact {
        BackupFact { backup: Backup::new(id(day), status), keep, recorded: ago(days), stored_bytes: 1 }
    }

    fn upload(backup: Option<u32>, days: i64) -> UploadFact {
        UploadFact { key: format!("{backup:?}"), backup: backup.map(id), begun: ago(days) }
    }

    #[test]
    fn only_what_never_became_a_backup_goes_and_no_wal() {
        use BackupStatus::{Done, Failed, Started};
        let mut half = backup(6, Failed, None, 20);
        half.backup.error = Some(Backup::HALF_DELETED.to_owned());
        let facts = GcFacts {
            catalog: Facts {
                backups: vec![
                    backup(1, Done, None, 29),
                    backup(2, Failed, None, 28),
                    backup(3, Failed, Some(Keep::Full), 27),
                    backup(4, Failed, None, 1),
                    backup(5, Started, None, 25),
                    half,
                    backup(20, Started, None, 20),
                ],
                orphans: [(7, 20), (8, 1)]
                    .map(|(day, days)| OrphanFact {
                        id: id(day),
                        keep: None,
                        newest: ago(days),
                        stored_bytes: 1,
                    })
                    .to_vec(),
                ..Facts::default()
            },
            ..GcFacts::default()
        };
        let plan = GcPlan::new(7 * DAY, now(), &facts);
        let reasons: Vec<_> = plan.backups.backups.iter().map(|judged| judged.reason).collect();
        let kept = Reason::Kept(Keep::Full);
        assert_eq!(
            reasons,
            [
                Reason::IsBackup,
                Reason::Leftover,
                kept,
                Reason::Fresh,
                Reason::Leftover,
                Reason::DeletionBegun,
                // The newest may take as long as it likes.
                Reason::Fresh
            ]
        );
        let orphans: Vec<_> = plan.backups.orphans.iter().map(|judged| judged.reason).collect();
        assert_eq!(orphans, [Reason::Leftover, Reason::Fresh]);
        assert!(plan.backups.wal.objects.is_empty());
    }

    #[test]
    fn a_young_upload_shows_that_its_backup_is_under_way_however_old_the_rest_is() {
        use GcReason::{Abandoned, AgeUnknown, UnderWay, Unreadable, Young};
        let orphan = OrphanFact { id: id(3), keep: None, newest: ago(20), stored_bytes: 1 };
        let catalog = Facts {
            backups: vec![
                backup(1, BackupStatus::Started, None, 20),
                backup(2, BackupStatus::Done, None, 20),
            ],
            orphans: vec![orphan],
            unreadable: vec![id(4)],
            ..Facts::default()
        };
        let uploads = vec![
            upload(Some(1), 0),
            upload(Some(1), 19),
            upload(Some(3), 0),
            upload(Some(2), 19),
            upload(Some(4), 19),
            upload(None, 19),
            UploadFact { begun: None, ..upload(None, 0) },
        ];
        let plan = GcPlan::new(7 * DAY, now(), &GcFacts { catalog, uploads, probes: Vec::new() });
        assert_eq!(plan.backups.backups[0].reason, Reason::Fresh);
        assert_eq!(plan.backups.orphans[0].reason, Reason::Fresh);
        let reasons: Vec<_> = plan.uploads.iter().map(|verdict| verdict.reason).collect();
        assert_eq!(
            reasons,
            [Young, UnderWay(id(1)), Young, Abandoned, Unreadable(id(4)), Abandoned, AgeUnknown]
        );
    }

    proptest! {
        #[test]
        fn nothing_younger_than_the_age_goes_and_no_backup_does(
            days in proptest::collection::vec((0_i64..30, 0_usize..4, any::<bool>()), 0..12),
            after in 0_u32..30,
        ) {
            let statuses = [
                BackupStatus::Done, BackupStatus::Failed, BackupStatus::Started, BackupStatus::WaitingForWals,
            ];
            let backups: Vec<_> = days.iter().zip(1..).map(|((days, status, keep), day)| {
                backup(day, statuses[*status], keep.then_some(Keep::Full), *days)
            }).collect();
            let uploads = days.iter().zip(1..).map(|((days, ..), day)| upload(Some(day), *days)).collect();
            let catalog = Facts { backups: backups.clone(), ..Facts::default() };
            let plan = GcPlan::new(after * DAY, now(), &GcFacts { catalog, uploads, probes: Vec::new() });
            for ((judged, fact), (age, ..)) in plan.backups.backups.iter().zip(&backups).zip(&days) {
                let may = fact.keep.is_none() && !fact.backup.is_usable() && *age >= i64::from(after);
                prop_assert!(may || !judged.goes());
            }
            for (verdict, (age, ..)) in plan.uploads.iter().zip(&days) {
                prop_assert!(*age >= i64::from(after) || !verdict.goes());
            }
            prop_assert!(plan.backups.wal.objects.is_empty());
        }
    }
}
