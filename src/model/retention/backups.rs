//! Which backups stay.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{BackupFact, Facts, Reason, RetentionPolicy, RetentionRule};
use crate::model::{BackupId, BackupStatus, Keep};

/// One reason for each backup of the facts, in their order.
pub(super) type Judgement = Vec<Reason>;

/// Tells whether something has not changed for longer than leftovers are left; `None` when nobody knows.
pub(super) type Old<'a> = &'a dyn Fn(Option<Timestamp>) -> Option<bool>;

/// Judges every backup by a rule (spec/barman-cloud.md 8.2). Beyond the reference: what never became a
/// backup goes after a while, a backup without an end time is no reason to crash, and increments share
/// the fate of what they build upon.
pub(super) fn judge(rule: &RetentionRule, now: Timestamp, facts: &Facts, old: Old<'_>) -> Judgement {
    let mut reasons: Vec<Option<Reason>> =
        facts.backups.iter().enumerate().map(|(i, fact)| aside(fact, i, facts, old)).collect();
    match rule.policy.window_begins(now) {
        Some(begins) => by_window(begins, rule.minimum, facts, &mut reasons),
        None => by_redundancy(rule, facts, &mut reasons),
    }
    follow_parents(facts, &mut reasons)
}

/// Judges what never became a backup, and lets everything else stay.
pub(super) fn judge_leftovers(facts: &Facts, old: Old<'_>) -> Judgement {
    let judged = facts.backups.iter().enumerate().map(|(i, fact)| match aside(fact, i, facts, old) {
        // Finishing a deletion means deciding about WAL.
        Some(Reason::HalfDeleted) => Some(Reason::DeletionBegun),
        reason => Some(reason.unwrap_or(Reason::IsBackup)),
    });
    follow_parents(facts, &mut judged.collect::<Vec<_>>())
}

/// What is judged without a look at the policy.
fn aside(fact: &BackupFact, index: usize, facts: &Facts, old: Old<'_>) -> Option<Reason> {
    let backup = &fact.backup;
    if backup.is_half_deleted() {
        return Some(Reason::HalfDeleted);
    }
    if backup.is_snapshot() {
        return Some(fact.keep.map_or(Reason::Snapshot, Reason::Kept));
    }
    if backup.is_usable() {
        return None;
    }
    let newest = index + 1 == facts.backups.len();
    Some(match (fact.keep, old(fact.since())) {
        (Some(keep), _) => Reason::Kept(keep),
        // However long it takes.
        (None, _) if backup.status == BackupStatus::Started && newest => Reason::Fresh,
        (None, Some(true)) => Reason::Leftover,
        (None, Some(false)) => Reason::Fresh,
        (None, None) => Reason::AgeUnknown,
    })
}

/// The full backups that the policy speaks of, newest first.
fn candidates<'a>(
    facts: &'a Facts,
    reasons: &'a mut [Option<Reason>],
) -> impl Iterator<Item = (&'a BackupFact, &'a mut Option<Reason>)> {
    let pairs = facts.backups.iter().zip(reasons).rev();
    pairs.filter(|(fact, reason)| reason.is_none() && fact.backup.parent.is_none())
}

/// Whether a backup counts towards how many there must be: one whose WAL has not all been seen does not
/// push out one that is known to be complete.
fn counts(fact: &BackupFact) -> bool {
    fact.backup.status == BackupStatus::Done
}

fn by_redundancy(rule: &RetentionRule, facts: &Facts, reasons: &mut [Option<Reason>]) {
    let RetentionPolicy::Redundancy(wanted) = rule.policy else { return };
    let mut newer = 0;
    for (fact, reason) in candidates(facts, reasons) {
        *reason = Some(match fact.keep {
            Some(keep) => Reason::Kept(keep),
            None if newer < wanted => Reason::Wanted,
            None if newer < rule.minimum => Reason::Minimum(rule.minimum),
            None => Reason::Obsolete,
        });
        newer += u32::from(counts(fact));
    }
}

fn by_window(begins: Timestamp, minimum: u32, facts: &Facts, reasons: &mut [Option<Reason>]) {
    let (mut staying, mut found) = (0, false);
    for (fact, reason) in candidates(facts, reasons) {
        let ended = fact.backup.end.time.as_ref().map(jiff::Zoned::timestamp);
        let stays = match (fact.keep, ended) {
            // The WAL after a backup that is kept alone goes, so no window starts from it.
            (keep, Some(ended))
                if !found && ended < begins && counts(fact) && keep != Some(Keep::Standalone) =>
            {
                found = true;
                Some(Reason::WindowStarts)
            }
            (_, Some(_)) if !found => Some(Reason::Wanted),
            (_, None) => Some(Reason::NoEndTime),
            (_, Some(_)) if staying < minimum => Some(Reason::Minimum(minimum)),
            _ => None,
        };
        staying += u32::from(stays.is_some() && counts(fact));
        *reason = Some(fact.keep.map(Reason::Kept).or(stays).unwrap_or(Reason::Obsolete));
    }
}

/// Increments go with the full backup they build upon, and nothing goes that an increment which stays
/// builds upon.
fn follow_parents(facts: &Facts, reasons: &mut [Option<Reason>]) -> Judgement {
    let places: HashMap<BackupId, usize> =
        facts.backups.iter().enumerate().map(|(i, fact)| (fact.backup.id, i)).collect();
    // A record names whatever it likes, and clocks go back: neither is a parent always older than its
    // child, nor does a chain always end.
    let parent = |i: usize| {
        let named: BackupId = facts.backups[i].backup.parent.as_ref()?.parse().ok()?;
        places.get(&named).copied()
    };
    for i in 0..facts.backups.len() {
        judge_chain(i, facts, &parent, reasons);
    }
    let mut judged: Judgement = reasons.iter().flatten().copied().collect();
    // What builds upon something locked may go, but not what it builds upon itself.
    for (fact, reason) in facts.backups.iter().zip(&mut judged) {
        if let (true, Some(locked)) = (reason.goes(), facts.locks.get(&fact.backup.id)) {
            *reason = Reason::Locked(*locked);
        }
    }
    for i in 0..judged.len() {
        let mut child = Some(i).filter(|i| facts.backups[*i].backup.is_usable() && !judged[*i].goes());
        while let Some(at) = child {
            child = parent(at).filter(|p| judged[*p].goes() && judged[*p] != Reason::HalfDeleted);
            if let Some(parent) = child {
                judged[parent] = Reason::ParentOf(facts.backups[at].backup.id);
            }
        }
    }
    judged
}

/// Judges an increment, and before it whatever it builds upon that has not been judged.
fn judge_chain(
    i: usize,
    facts: &Facts,
    parent: &dyn Fn(usize) -> Option<usize>,
    reasons: &mut [Option<Reason>],
) {
    let (mut chain, mut at) = (Vec::new(), Some(i));
    while let Some(i) = at.filter(|i| reasons[*i].is_none() && !chain.contains(i)) {
        chain.push(i);
        at = parent(i);
    }
    // Nothing is known of the end of a chain that is a ring.
    let mut above = at.and_then(|i| reasons[i]);
    for i in chain.into_iter().rev() {
        let reason = match (facts.backups[i].keep, above) {
            (Some(keep), _) => Reason::Kept(keep),
            (None, None) => Reason::ParentMissing,
            (None, Some(above)) if above.goes() => Reason::ParentGoes,
            (None, Some(_)) => Reason::ParentStays,
        };
        (reasons[i], above) = (Some(reason), Some(reason));
    }
}
