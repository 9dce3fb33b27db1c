//! What a policy will let go when: the same decisions, made for days to come.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::backups::judge;
use super::{BackupFact, Facts, Plan, Reason, RetentionPolicy, RetentionRule, is_old};
use crate::model::{Backup, BackupId, BackupStatus, WalInventory};

/// So many days are looked ahead.
const HORIZON: u32 = 400;

/// So many more backups are tried when a policy counts them.
const MORE: u32 = 60;

/// WAL is judged for so many of the days on which something goes, the first.
const STEPS: usize = 24;

/// What goes when, if no backup is taken and none kept or released until then, and nothing is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// By which rule.
    pub rule: RetentionRule,
    /// What would go now, and why the rest stays.
    pub now: Plan,
    /// What is to become of every backup, oldest first.
    pub backups: Vec<Expiry>,
    /// The days on which something goes, today first if something does; at most 24.
    pub steps: Vec<Step>,
}

/// What is to become of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// Which.
    pub id: BackupId,
    /// When it goes.
    pub goes: Goes,
    /// Why it goes then; why it stays, if it does.
    pub reason: Reason,
}

/// When a backup goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goes {
    /// It would go now.
    Now,
    /// In the next run after this moment, which is a whole number of days from now.
    After(Timestamp),
    /// When there are so many backups more.
    WithMore(u32),
    /// Not within the 400 days that were looked ahead.
    Stays,
}

/// What goes on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// In the next run after this.
    pub at: Timestamp,
    /// So many backups.
    pub backups: usize,
    /// What they take in the store, in bytes.
    pub backup_bytes: u64,
    /// So many WAL files.
    pub wal_files: u64,
    /// What these take, in bytes.
    pub wal_bytes: u64,
}

impl Forecast {
    /// Looks ahead from `now`.
    pub fn of(rule: &RetentionRule, now: Timestamp, facts: &Facts, wal: &WalInventory) -> Self {
        let plan = Plan::of_rule(rule, now, facts, wal);
        let pairs = facts.backups.iter().zip(&plan.backups);
        let mut backups: Vec<Expiry> = pairs
            .map(|(fact, judged)| Expiry {
                id: fact.backup.id,
                goes: if judged.goes() { Goes::Now } else { Goes::Stays },
                reason: judged.reason,
            })
            .collect();
        for at in turning_days(rule, now, facts) {
            settle(&mut backups, rule, at, facts, Goes::After(at));
        }
        if let RetentionPolicy::Redundancy(wanted) = rule.policy {
            let mut grown = facts.clone();
            for more in 1..=wanted.max(rule.minimum).min(MORE) {
                grown.backups.extend(another(more, now));
                settle(&mut backups, rule, now, &grown, Goes::WithMore(more));
            }
        }
        let steps = steps(rule, now, facts, wal, &backups);
        Self { rule: *rule, now: plan, backups, steps }
    }
}

/// Notes what goes first under these circumstances.
fn settle(backups: &mut [Expiry], rule: &RetentionRule, now: Timestamp, facts: &Facts, goes: Goes) {
    let old = |since| is_old(since, rule.leftovers_after, now);
    for (expiry, reason) in backups.iter_mut().zip(judge(rule, now, facts, &old)) {
        if expiry.goes == Goes::Stays && reason.goes() {
            (expiry.goes, expiry.reason) = (goes, reason);
        }
    }
}

/// The days from now on which a verdict may change: when the window has passed the end of a backup, or a
/// leftover has lain long enough. In whole days from now, rounded up.
fn turning_days(rule: &RetentionRule, now: Timestamp, facts: &Facts) -> Vec<Timestamp> {
    let window = rule.policy.window_begins(now).map(|begins| now.duration_since(begins));
    let leftover = SignedDuration::try_from(rule.leftovers_after).ok();
    let turns = |fact: &BackupFact| {
        let ended = fact.backup.end.time.as_ref().map(jiff::Zoned::timestamp);
        [ended.zip(window), fact.since().zip(leftover)]
    };
    let turns = facts.backups.iter().flat_map(turns).flatten();
    let days = turns.filter_map(|(from, after)| {
        let in_seconds = from.checked_add(after).ok()?.duration_since(now).as_secs();
        u32::try_from(in_seconds.div_euclid(86_400) + 1).ok().filter(|day| (1..=HORIZON).contains(day))
    });
    let days: BTreeSet<u32> = days.collect();
    days.into_iter().filter_map(|day| later(now, day)).collect()
}

fn later(now: Timestamp, days: u32) -> Option<Timestamp> {
    now.checked_add(Duration::from_hours(24 * u64::from(days))).ok()
}

/// A backup that is taken some day; `None` at the end of time.
fn another(number: u32, now: Timestamp) -> Option<BackupFact> {
    let at = later(now, number)?.to_zoned(jiff::tz::TimeZone::UTC);
    let mut backup = Backup::new(BackupId::at(at.datetime()).ok()?, BackupStatus::Done);
    (backup.begin.time, backup.end.time) = (Some(at.clone()), Some(at));
    Some(BackupFact { backup, keep: None, recorded: None, stored_bytes: 0 })
}

/// What goes on each of the days on which something does, with the WAL.
fn steps(
    rule: &RetentionRule,
    now: Timestamp,
    facts: &Facts,
    wal: &WalInventory,
    backups: &[Expiry],
) -> Vec<Step> {
    let days = backups.iter().filter_map(|expiry| match expiry.goes {
        Goes::Now => Some(now),
        Goes::After(at) => Some(at),
        Goes::WithMore(_) | Goes::Stays => None,
    });
    let days: BTreeSet<Timestamp> = days.collect();
    let mut before = Step { at: now, backups: 0, backup_bytes: 0, wal_files: 0, wal_bytes: 0 };
    let step = |at: Timestamp| {
        // Each plan speaks of all that goes by then.
        let plan = Plan::of_rule(rule, at, facts, wal);
        let by_then = Step {
            at,
            backups: plan.going().count(),
            backup_bytes: plan.going().map(|judged| judged.stored_bytes).sum(),
            wal_files: plan.wal.ranges.iter().map(|range| range.files as u64).sum(),
            wal_bytes: plan.wal.ranges.iter().map(|range| range.bytes).sum(),
        };
        let step = Step {
            at,
            backups: by_then.backups.saturating_sub(before.backups),
            backup_bytes: by_then.backup_bytes.saturating_sub(before.backup_bytes),
            wal_files: by_then.wal_files.saturating_sub(before.wal_files),
            wal_bytes: by_then.wal_bytes.saturating_sub(before.wal_bytes),
        };
        before = by_then;
        step
    };
    days.into_iter().take(STEPS).map(step).collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Compression, Keep, SegmentName, Timeline, WalName, WalObject};

    fn now() -> Timestamp {
        "2026-06-30T12:00:00Z".parse().unwrap()
    }

    fn segment(seg: u32) -> SegmentName {
        SegmentName { timeline: Timeline::FIRST, log: 0, seg }
    }

    /// A backup of this day of June that needs one segment.
    fn done(day: u32) -> BackupFact {
        let mut backup = Backup::new(format!("202606{day:02}T000000").parse().unwrap(), BackupStatus::Done);
        backup.timeline = Some(Timeline::FIRST);
        backup.begin.wal = Some(segment(day));
        backup.end.wal = Some(segment(day));
        let ended: Timestamp = format!("2026-06-{day:02}T01:00:00Z").parse().unwrap();
        backup.end.time = Some(ended.to_zoned(TimeZone::UTC));
        BackupFact { backup, keep: None, recorded: Some(ended), stored_bytes: 100 }
    }

    fn rule(policy: &str) -> RetentionRule {
        let leftovers_after = Duration::from_hours(7 * 24);
        RetentionRule { policy: policy.parse().unwrap(), minimum: 0, leftovers_after }
    }

    fn forecast(policy: &str, backups: Vec<BackupFact>) -> Forecast {
        let facts = Facts { backups, ..Facts::default() };
        let object = |seg| WalObject {
            name: WalName::Segment(segment(seg)),
            compression: Compression::Zstd,
            stored_bytes: 1,
        };
        let wal = WalInventory::new((1..=30).map(object).collect());
        Forecast::of(&rule(policy), now(), &facts, &wal)
    }

    fn days(goes: Goes) -> Option<i64> {
        match goes {
            Goes::After(at) => Some(at.duration_since(now()).as_hours() / 24),
            _ => None,
        }
    }

    #[test]
    fn a_backup_goes_when_the_window_has_passed_the_end_of_the_next() {
        let mut backups: Vec<BackupFact> = [5, 20, 25, 28].map(done).to_vec();
        backups[2].keep = Some(Keep::Full);
        let found = forecast("7d", backups);
        let told: Vec<_> = found.backups.iter().map(|expiry| (days(expiry.goes), expiry.reason)).collect();
        assert_eq!(found.backups[0].goes, Goes::Now);
        // The 25th plus seven days is the second of July; the run is at noon.
        assert_eq!(told[1], (Some(2), Reason::Obsolete));
        assert_eq!(told[2], (None, Reason::Kept(Keep::Full)));
        assert_eq!((found.backups[3].goes, found.backups[3].reason), (Goes::Stays, Reason::Wanted));
        assert_eq!((found.steps.len(), found.steps[0].backups, found.steps[0].wal_files), (2, 1, 19));
        assert_eq!((found.steps[1].backup_bytes, found.steps[1].wal_bytes), (100, 5));
    }

    #[test]
    fn a_policy_that_counts_lets_go_when_there_are_more() {
        let found = forecast("REDUNDANCY 2", [5, 20, 25].map(done).to_vec());
        let goes: Vec<Goes> = found.backups.iter().map(|expiry| expiry.goes).collect();
        assert_eq!(goes, [Goes::Now, Goes::WithMore(1), Goes::WithMore(2)]);
    }

    #[test]
    fn what_failed_goes_when_it_has_lain_long_enough() {
        let mut failed = done(29);
        failed.backup.status = BackupStatus::Failed;
        let found = forecast("REDUNDANCY 9", vec![failed, done(30)]);
        assert_eq!((days(found.backups[0].goes), found.backups[0].reason), (Some(6), Reason::Leftover));
    }

    proptest! {
        #[test]
        fn what_is_foretold_for_a_day_is_what_the_policy_says_on_that_day(
            taken in vec(1..30_u32, 1..8), kept in 0..8_usize, window in 1..20_u32,
        ) {
            let taken: BTreeSet<u32> = taken.into_iter().collect();
            let mut backups: Vec<BackupFact> = taken.into_iter().map(done).collect();
            if let Some(fact) = backups.get_mut(kept) {
                fact.keep = Some(Keep::Full);
            }
            let policy = format!("{window}d");
            let found = forecast(&policy, backups.clone());
            let facts = Facts { backups, ..Facts::default() };
            for day in 0..60 {
                let at = later(now(), day).unwrap();
                let plan = Plan::of_rule(&rule(&policy), at, &facts, &WalInventory::default());
                for (expiry, judged) in found.backups.iter().zip(&plan.backups) {
                    let foretold = match expiry.goes {
                        Goes::Now => true,
                        Goes::After(then) => then <= at,
                        Goes::WithMore(_) | Goes::Stays => false,
                    };
                    prop_assert_eq!(foretold, judged.goes(), "{} on day {}", expiry.id, day);
                }
            }
        }
    }
}
