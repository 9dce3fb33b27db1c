//! Laws of deletion.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::model::{Compression, SegmentName, Timeline, WalName, WalObject};

const NOW: &str = "2026-06-30T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn segment(timeline: u32, seg: u32) -> SegmentName {
    SegmentName { timeline: Timeline::new(timeline).unwrap(), log: 0, seg }
}

/// A complete backup of this day of June, with this WAL.
fn done(day: u32, timeline: u32, first: u32, last: u32) -> BackupFact {
    let mut backup = Backup::new(format!("202606{day:02}T000000").parse().unwrap(), BackupStatus::Done);
    backup.timeline = Timeline::new(timeline);
    backup.begin.wal = Some(segment(timeline, first));
    backup.end.wal = Some(segment(timeline, last));
    let ended: Timestamp = format!("2026-06-{day:02}T01:00:00Z").parse().unwrap();
    backup.end.time = Some(ended.to_zoned(jiff::tz::TimeZone::UTC));
    BackupFact { backup, keep: None, recorded: Some(ended), stored_bytes: 1 }
}

fn with(mut fact: BackupFact, change: impl FnOnce(&mut BackupFact)) -> BackupFact {
    change(&mut fact);
    fact
}

fn status(status: BackupStatus) -> impl FnOnce(&mut BackupFact) {
    move |fact| fact.backup.status = status
}

fn rule(policy: &str, minimum: u32) -> RetentionRule {
    let leftovers_after = Duration::from_hours(7 * 24);
    RetentionRule { policy: policy.parse().unwrap(), minimum, leftovers_after }
}

fn facts(backups: Vec<BackupFact>) -> Facts {
    Facts { backups, ..Facts::default() }
}

fn wal(names: &[WalName]) -> WalInventory {
    let object = |name: &WalName| WalObject { name: *name, compression: Compression::Zstd, stored_bytes: 1 };
    WalInventory::new(names.iter().map(object).collect())
}

/// Segments of each timeline, with a label and a partial here and there, and histories.
fn much_wal() -> WalInventory {
    let mut names = Vec::new();
    for timeline in 1..=3 {
        names.push(WalName::History(Timeline::new(timeline).unwrap()));
        for seg in 0..30 {
            let at = segment(timeline, seg);
            names.push(WalName::Segment(at));
            names.extend((seg % 5 == 0).then_some(WalName::Partial(at)));
            names.extend((seg % 3 == 0).then_some(WalName::Label { start: at, offset: 40 }));
        }
    }
    wal(&names)
}

fn reasons(policy: &str, minimum: u32, backups: Vec<BackupFact>) -> Vec<Reason> {
    let plan = Plan::of_rule(&rule(policy, minimum), now(), &facts(backups), &WalInventory::default());
    plan.backups.iter().map(|judged| judged.reason).collect()
}

#[test]
fn a_window_keeps_the_newest_backup_that_is_older_than_it() {
    let backups: Vec<_> = [1, 10, 20, 29].map(|day| done(day, 1, day, day)).into();
    let expected = [Reason::Obsolete, Reason::WindowStarts, Reason::Wanted, Reason::Wanted];
    assert_eq!(reasons("14d", 0, backups.clone()), expected);
    let spared = [Reason::Minimum(4), Reason::WindowStarts, Reason::Wanted, Reason::Wanted];
    assert_eq!(reasons("14d", 4, backups), spared);
}

#[test]
fn a_backup_that_is_kept_alone_starts_no_window_because_the_wal_after_it_goes() {
    let alone = with(done(10, 1, 10, 11), |fact| fact.keep = Some(Keep::Standalone));
    let backups = vec![done(1, 1, 1, 1), done(5, 1, 5, 5), alone, done(29, 1, 29, 29)];
    let kept = Reason::Kept(Keep::Standalone);
    assert_eq!(
        reasons("14d", 0, backups.clone()),
        [Reason::Obsolete, Reason::WindowStarts, kept, Reason::Wanted]
    );
    let plan = Plan::of_rule(&rule("14d", 0), now(), &facts(backups), &much_wal());
    assert_eq!(plan.wal.limit, Ok(segment(1, 5)));
}

#[test]
fn wal_stays_for_a_folder_without_a_record_that_may_become_a_backup() {
    // Other tools store the record only at the end. This one was begun after the first backup, and the
    // second came and went meanwhile.
    let orphan = |newest: &str| OrphanFact {
        id: "20260628T000000".parse().unwrap(),
        keep: None,
        newest: newest.parse().ok(),
        stored_bytes: 1,
    };
    let limit = |backups: Vec<BackupFact>, newest: &str| {
        let facts = Facts { orphans: vec![orphan(newest)], ..facts(backups) };
        Plan::of_rule(&rule("REDUNDANCY 1", 0), now(), &facts, &much_wal()).wal.limit
    };
    let (fresh, old) = ("2026-06-29T20:00:00Z", "2026-06-01T00:00:00Z");
    let around = vec![done(1, 1, 2, 2), done(27, 1, 9, 9), done(29, 1, 20, 20)];
    assert_eq!(limit(around.clone(), fresh), Ok(segment(1, 9)));
    assert_eq!(limit(around, old), Ok(segment(1, 20)));
    let after = vec![done(29, 1, 9, 9), done(30, 1, 20, 20)];
    assert_eq!(limit(after, fresh), Err(Withheld::NeedUnknown(orphan(fresh).id)));
}

#[test]
fn a_folder_without_a_record_that_is_kept_is_no_leftover() {
    let reason = |keep| {
        let newest = "2026-01-01T00:00:00Z".parse().ok();
        let orphan = OrphanFact { id: done(1, 1, 1, 1).backup.id, keep, newest, stored_bytes: 1 };
        let facts = Facts { orphans: vec![orphan], ..facts(Vec::new()) };
        Plan::of_rule(&rule("REDUNDANCY 1", 0), now(), &facts, &much_wal()).orphans[0].reason
    };
    assert_eq!(reason(None), Reason::Leftover);
    assert_eq!(reason(Some(Keep::Full)), Reason::Kept(Keep::Full));
}

#[test]
fn nothing_goes_while_a_folder_has_a_record_and_no_backups_name() {
    let facts =
        Facts { strangers: vec!["old".to_owned()], ..facts(vec![done(1, 1, 1, 1), done(2, 1, 2, 2)]) };
    let plan = Plan::of_rule(&rule("REDUNDANCY 1", 0), now(), &facts, &much_wal());
    assert!(plan.blocked().unwrap().to_string().ends_with("what they need: old"));
}

#[test]
fn a_backup_without_an_end_time_is_needed_and_starts_no_window() {
    let timeless = with(done(10, 1, 10, 10), |fact| fact.backup.end.time = None);
    let backups = vec![done(1, 1, 1, 1), timeless, done(29, 1, 29, 29)];
    assert_eq!(reasons("14d", 0, backups), [Reason::WindowStarts, Reason::NoEndTime, Reason::Wanted]);
}

#[test]
fn a_backup_whose_wal_was_not_seen_pushes_none_out() {
    let waiting = with(done(20, 1, 20, 20), status(BackupStatus::WaitingForWals));
    let backups = vec![done(1, 1, 1, 1), done(10, 1, 10, 10), waiting];
    assert_eq!(reasons("REDUNDANCY 1", 0, backups), [Reason::Obsolete, Reason::Wanted, Reason::Wanted]);
}

#[test]
fn what_never_became_a_backup_goes_when_it_is_old_and_not_the_newest_that_runs() {
    let failed = |day| with(done(day, 1, day, day), status(BackupStatus::Failed));
    let started = |day| with(done(day, 1, day, day), status(BackupStatus::Started));
    let ageless = with(failed(5), |fact| fact.recorded = None);
    let kept = with(failed(6), |fact| fact.keep = Some(Keep::Full));
    let backups = vec![failed(1), started(2), ageless, kept, failed(29), started(30)];
    let expected = [
        Reason::Leftover,
        Reason::Leftover,
        Reason::AgeUnknown,
        Reason::Kept(Keep::Full),
        Reason::Fresh,
        Reason::Fresh,
    ];
    assert_eq!(reasons("REDUNDANCY 1", 0, backups), expected);
    assert_eq!(reasons("REDUNDANCY 1", 0, vec![started(1)]), [Reason::Fresh]);
}

#[test]
fn snapshots_are_never_deleted() {
    let snapshot =
        with(done(1, 1, 1, 1), |fact| drop(fact.backup.other.insert("snapshots_info".into(), "{}".into())));
    let backups = vec![snapshot, done(2, 1, 2, 2)];
    assert_eq!(reasons("REDUNDANCY 0", 0, backups.clone()), [Reason::Snapshot, Reason::Obsolete]);
    let id = backups[0].backup.id;
    let refused = Plan::of_one(id, 0, now(), &facts(backups), &WalInventory::default()).unwrap_err();
    assert!(refused.to_string().contains("snapshots"), "{refused}");
}

#[test]
fn an_increment_goes_with_what_it_builds_upon_and_holds_it_when_it_is_kept() {
    let child = |day, parent: &BackupFact| {
        with(done(day, 1, day, day), |fact| fact.backup.parent = Some(parent.backup.id.to_string()))
    };
    let full = done(1, 1, 1, 1);
    let chain = vec![full.clone(), child(2, &full), done(29, 1, 29, 29)];
    assert_eq!(
        reasons("REDUNDANCY 1", 0, chain.clone()),
        [Reason::Obsolete, Reason::ParentGoes, Reason::Wanted]
    );
    assert_eq!(reasons("REDUNDANCY 2", 0, chain.clone())[1], Reason::ParentStays);
    let kept = with(chain[1].clone(), |fact| fact.keep = Some(Keep::Standalone));
    let held = reasons("REDUNDANCY 1", 0, vec![full.clone(), kept, chain[2].clone()]);
    assert_eq!(held[0], Reason::ParentOf(chain[1].backup.id));
    assert_eq!(reasons("REDUNDANCY 0", 0, vec![child(2, &full)]), [Reason::ParentMissing]);
    let refused = Plan::of_one(full.backup.id, 0, now(), &facts(chain), &WalInventory::default());
    assert!(refused.unwrap_err().to_string().contains("builds upon"));
    let half_deleted = with(child(2, &full), |fact| {
        fact.backup.status = BackupStatus::Failed;
        fact.backup.error = Some(Backup::HALF_DELETED.to_owned());
    });
    let facts = facts(vec![full.clone(), half_deleted]);
    let plan = Plan::of_one(full.backup.id, 0, now(), &facts, &WalInventory::default()).unwrap();
    assert_eq!(plan.going().count(), 2);
}

/// Identifiers are local times, which go back once a year.
#[test]
fn an_increment_follows_its_parent_whatever_the_order_of_their_identifiers() {
    let child = |day, parent: u32| {
        let parent = format!("202606{parent:02}T000000");
        with(done(day, 1, day, day), |fact| fact.backup.parent = Some(parent))
    };
    let kept = |fact: BackupFact| with(fact, |fact| fact.keep = Some(Keep::Full));
    let (early, full, newest) = (child(2, 3), done(3, 1, 3, 3), done(29, 1, 29, 29));
    assert_eq!(
        reasons("REDUNDANCY 1", 0, vec![early.clone(), full.clone(), newest.clone()]),
        [Reason::ParentGoes, Reason::Obsolete, Reason::Wanted]
    );
    let held = Reason::ParentOf(early.backup.id);
    assert_eq!(reasons("REDUNDANCY 1", 0, vec![kept(early), full, newest])[1], held);
    let ring = vec![child(2, 3), child(3, 2), child(4, 4)];
    assert_eq!(reasons("REDUNDANCY 0", 0, ring).iter().filter(|reason| reason.goes()).count(), 0);
}

#[test]
fn a_deletion_by_name_is_refused_for_a_reason_that_is_told() {
    let started = |recorded: &str| {
        let recorded = recorded.parse().ok();
        with(done(30, 1, 9, 9), |fact| {
            (fact.backup.status, fact.recorded) = (BackupStatus::Started, recorded);
        })
    };
    let kept = with(done(1, 1, 1, 1), |fact| fact.keep = Some(Keep::Standalone));
    let refusal = |backups: Vec<BackupFact>, which: usize, minimum| {
        let id = backups[which].backup.id;
        let plan = Plan::of_one(id, minimum, now(), &facts(backups), &WalInventory::default());
        plan.err().map(|e| e.to_string()).unwrap_or_default()
    };
    assert!(refusal(vec![kept], 0, 0).contains("kept"));
    assert!(refusal(vec![done(1, 1, 1, 1), done(2, 1, 2, 2)], 0, 2).contains("must stay"));
    assert_eq!(refusal(vec![done(1, 1, 1, 1), done(2, 1, 2, 2)], 0, 1), "");
    assert!(refusal(vec![started("2026-06-29T12:00:00Z")], 0, 0).contains("may be running"));
    assert_eq!(refusal(vec![started("2026-06-28T12:00:00Z")], 0, 0), "");
}

#[test]
fn wal_goes_up_to_what_the_oldest_backup_needs_and_around_what_is_kept_alone() {
    let alone = with(done(1, 1, 2, 3), |fact| fact.keep = Some(Keep::Standalone));
    let backups = vec![alone, done(2, 1, 5, 5), done(29, 1, 9, 9)];
    let plan = Plan::of_rule(&rule("REDUNDANCY 1", 0), now(), &facts(backups), &much_wal());
    let ranges: Vec<_> = plan.wal.ranges.iter().map(|r| (r.first.seg, r.last.seg)).collect();
    assert_eq!(ranges, [(0, 1), (4, 8)]);
    assert_eq!(plan.wal.limit, Ok(segment(1, 9)));
    let last = plan.wal.objects.last().map(|object| object.name);
    assert_eq!(last, Some(WalName::Segment(segment(1, 8))));
}

#[test]
fn wal_stays_while_nobody_knows_what_a_backup_needs() {
    let unclear = with(done(29, 1, 9, 9), |fact| fact.backup.begin.wal = None);
    let id = unclear.backup.id;
    let plan =
        Plan::of_rule(&rule("REDUNDANCY 1", 0), now(), &facts(vec![done(1, 1, 2, 2), unclear]), &much_wal());
    assert_eq!((plan.going().count(), plan.wal.limit), (1, Err(Withheld::NeedUnknown(id))));
}

#[test]
fn one_unreadable_record_blocks_everything() {
    let mut facts = facts(vec![done(1, 1, 1, 1), done(29, 1, 9, 9)]);
    facts.unreadable.push("20260615T000000".parse().unwrap());
    let plan = Plan::of_rule(&rule("REDUNDANCY 1", 0), now(), &facts, &much_wal());
    assert!(plan.blocked().unwrap().to_string().contains("20260615T000000"));
}

fn any_backup() -> impl Strategy<Value = BackupFact> {
    let status = prop_oneof![
        6 => Just(BackupStatus::Done),
        1 => Just(BackupStatus::WaitingForWals),
        1 => Just(BackupStatus::Failed),
        1 => Just(BackupStatus::Started),
        1 => Just(BackupStatus::Empty),
    ];
    let keep = prop_oneof![4 => Just(None), 1 => Just(Some(Keep::Full)), 2 => Just(Some(Keep::Standalone))];
    let flaws = (prop::bool::weighted(0.1), prop::bool::weighted(0.05), prop::bool::weighted(0.1));
    let wal = (1..=3_u32, 0..24_u32, 0..4_u32, 0..2_u32);
    (status, keep, flaws, wal, option::weighted(0.3, 1..=28_u32)).prop_map(
        |(status, keep, (timeless, unclear, half_deleted), (timeline, first, length, leap), parent)| {
            with(done(1, timeline, first, first + length), |fact| {
                let backup = &mut fact.backup;
                (backup.status, fact.keep) = (status, keep);
                backup.end.wal = Some(segment((timeline + leap).min(3), first + length));
                backup.parent = parent.map(|day| format!("202606{day:02}T000000"));
                if timeless {
                    backup.end.time = None;
                }
                if unclear {
                    backup.begin.wal = None;
                }
                if half_deleted {
                    backup.status = BackupStatus::Failed;
                    backup.error = Some(Backup::HALF_DELETED.to_owned());
                }
            })
        },
    )
}

/// One backup a day, with orphans in between.
fn any_facts() -> impl Strategy<Value = Facts> {
    (vec(any_backup(), 0..10), vec(1..=28_u32, 0..3)).prop_map(|(mut backups, orphans)| {
        for (day, fact) in (1..).zip(&mut backups) {
            let dated = done(day * 3, 1, 0, 0);
            fact.backup.id = dated.backup.id;
            fact.recorded = dated.recorded;
            fact.backup.end.time = fact.backup.end.time.take().and(dated.backup.end.time);
        }
        let orphan = |day: u32| OrphanFact {
            id: format!("202606{day:02}T120000").parse().unwrap(),
            keep: None,
            newest: format!("2026-06-{day:02}T12:00:00Z").parse().ok(),
            stored_bytes: 1,
        };
        Facts { backups, orphans: orphans.into_iter().map(orphan).collect(), ..Facts::default() }
    })
}

fn any_rule() -> impl Strategy<Value = RetentionRule> {
    let policy = prop_oneof![
        (0..5_u32).prop_map(RetentionPolicy::Redundancy),
        (0..40_u32).prop_map(|days| RetentionPolicy::Window(days, WindowUnit::Days)),
    ];
    (policy, 0..4_u32).prop_map(|(policy, minimum)| RetentionRule { policy, minimum, ..rule("1d", 0) })
}

/// What is left when a plan has been carried out.
fn applied(plan: &Plan, facts: &Facts, wal: &WalInventory) -> (Facts, WalInventory) {
    let goes = |id: BackupId| plan.going().chain(plan.going_orphans()).any(|judged| judged.id == id);
    let mut left = facts.clone();
    left.backups.retain(|fact| !goes(fact.backup.id));
    left.orphans.retain(|fact| !goes(fact.id));
    let stays = |object: &&WalObject| !plan.wal.objects.contains(object);
    (left, WalInventory::new(wal.objects().iter().filter(stays).copied().collect()))
}

/// Whether a staying backup needs a WAL file, said without the plan's own words.
fn needs(fact: &BackupFact, name: &WalName) -> bool {
    let at = match name {
        WalName::History(_) => return true,
        WalName::Segment(at) | WalName::Partial(at) | WalName::Label { start: at, .. } => *at,
    };
    let running = fact.backup.status == BackupStatus::Started;
    let first = fact.backup.begin.wal;
    match (fact.backup.is_usable(), fact.keep) {
        (true, Some(Keep::Standalone)) => {
            first.is_none_or(|f| f <= at) && fact.backup.end.wal.is_none_or(|l| at <= l)
        }
        (true, _) => first.is_none_or(|f| f <= at),
        (false, _) => running && first.is_some_and(|f| f <= at),
    }
}

proptest! {
    #[test]
    fn wal_that_a_staying_backup_needs_is_never_deleted(facts in any_facts(), rule in any_rule()) {
        let wal = much_wal();
        let plan = Plan::of_rule(&rule, now(), &facts, &wal);
        let (left, wal_left) = applied(&plan, &facts, &wal);
        for fact in &left.backups {
            for object in wal.objects().iter().filter(|object| needs(fact, &object.name)) {
                prop_assert!(wal_left.has(&object.name), "{} needs {}", fact.backup.id, object.name);
            }
        }
    }

    #[test]
    fn the_same_holds_for_the_deletion_of_one(facts in any_facts(), which in 0..10_usize) {
        let wal = much_wal();
        let Some(fact) = facts.backups.get(which) else { return Ok(()) };
        let Ok(plan) = Plan::of_one(fact.backup.id, 0, now(), &facts, &wal) else { return Ok(()) };
        let (left, wal_left) = applied(&plan, &facts, &wal);
        for fact in &left.backups {
            for object in wal.objects().iter().filter(|object| needs(fact, &object.name)) {
                prop_assert!(wal_left.has(&object.name), "{} needs {}", fact.backup.id, object.name);
            }
        }
    }

    #[test]
    fn a_plan_applied_twice_equals_once(facts in any_facts(), rule in any_rule()) {
        let wal = much_wal();
        let plan = Plan::of_rule(&rule, now(), &facts, &wal);
        let (left, wal_left) = applied(&plan, &facts, &wal);
        let again = Plan::of_rule(&rule, now(), &left, &wal_left);
        prop_assert_eq!(again.going().chain(again.going_orphans()).count(), 0);
        prop_assert!(again.wal.objects.is_empty());
    }

    #[test]
    fn what_is_wanted_stays(facts in any_facts(), rule in any_rule()) {
        let plan = Plan::of_rule(&rule, now(), &facts, &WalInventory::default());
        let stays: Vec<_> = facts.backups.iter().zip(&plan.backups).filter(|(_, judged)| !judged.goes()).collect();
        let full_and_done =
            |fact: &&BackupFact| fact.backup.status == BackupStatus::Done && fact.backup.parent.is_none();
        let there = facts.backups.iter().filter(full_and_done).count();
        let left: Vec<_> = stays.iter().map(|(fact, _)| *fact).filter(full_and_done).collect();
        prop_assert!(left.len() >= there.min(rule.minimum as usize));
        match rule.policy {
            RetentionPolicy::Redundancy(wanted) => prop_assert!(left.len() >= there.min(wanted as usize)),
            RetentionPolicy::Window(..) => {
                let begins = rule.policy.window_begins(now()).unwrap();
                let reaches =
                    |fact: &BackupFact| fact.backup.end.time.as_ref().is_some_and(|t| t.timestamp() < begins);
                let starts = |fact: &&BackupFact| fact.keep != Some(Keep::Standalone) && reaches(fact);
                let could = facts.backups.iter().filter(full_and_done).any(|fact| starts(&fact));
                prop_assert_eq!(left.iter().any(starts), could);
            }
        }
        for (fact, judged) in facts.backups.iter().zip(&plan.backups) {
            let half_deleted = fact.backup.is_half_deleted();
            prop_assert!(!judged.goes() || fact.keep.is_none() || half_deleted);
            prop_assert!(!half_deleted || judged.goes());
        }
        for (fact, _) in stays.iter().filter(|(fact, _)| fact.backup.is_usable()) {
            let Some(parent) = &fact.backup.parent else { continue };
            let gone = plan.going().find(|judged| {
                judged.id.as_str() == parent && judged.reason != Reason::HalfDeleted
            });
            prop_assert!(gone.is_none(), "{} builds upon {}", fact.backup.id, parent);
        }
    }
}
