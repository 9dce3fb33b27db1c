//! Which backup a restore begins with, against the recorded answers of the reference
//! (spec/barman-cloud.md 10.1 and 17).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use barkeep::model::{
    Backup, BackupStatus, Candidate, EndedBy, RecoveryTarget, TargetAction, TargetPoint, TargetTime,
    TargetTimeline, Timelines, choose, choose_ended,
};
use jiff::tz::TimeZone;
use serde_json::Value;

fn cases() -> Value {
    let text = include_str!("golden/barman-cloud-golden.json");
    serde_json::from_str::<Value>(text).unwrap()["restore_auto"].take()
}

fn backups(cases: &Value) -> Vec<Backup> {
    let all = cases["backups"].as_array().unwrap().iter();
    all.map(|recorded| {
        let text = |key: &str| recorded[key].as_str().unwrap();
        let mut backup = Backup::new(text("id").parse().unwrap(), BackupStatus::Done);
        let time = TargetTime::read(text("end_time"), &TimeZone::UTC).unwrap().time;
        backup.end.time = Some(time.to_zoned(TimeZone::UTC));
        backup.end.lsn = Some(text("end_xlog").parse().unwrap());
        backup.timeline = TargetTimelineNumber::read(&recorded["timeline"]);
        backup
    })
    .collect()
}

struct TargetTimelineNumber;

impl TargetTimelineNumber {
    fn read(value: &Value) -> Option<barkeep::model::Timeline> {
        barkeep::model::Timeline::new(u32::try_from(value.as_u64()?).unwrap())
    }
}

fn chosen(backups: &[Backup], case: &Value) -> Option<String> {
    let point = match (case["target_time"].as_str(), case["target_lsn"].as_str()) {
        (Some(time), _) => TargetPoint::Time(TargetTime::read(time, &TimeZone::UTC).unwrap().time),
        (_, Some(lsn)) => TargetPoint::Lsn(lsn.parse().unwrap()),
        _ => TargetPoint::Latest,
    };
    let timeline = TargetTimelineNumber::read(&case["target_tli"]);
    let timeline = timeline.map_or(TargetTimeline::Latest, TargetTimeline::Number);
    let target = RecoveryTarget { point, inclusive: true, timeline, action: TargetAction::Pause };
    let candidates: Vec<_> = backups.iter().map(|backup| Candidate { backup, flaw: None }).collect();
    choose(&candidates, None, &target, &Timelines::default()).ok().map(|choice| choice.id.to_string())
}

#[test]
fn the_backup_is_the_one_the_reference_would_choose() {
    let cases = cases();
    let backups = backups(&cases);
    let all = cases["cases"].as_array().unwrap();
    assert!(!all.is_empty());
    for case in all {
        assert_eq!(chosen(&backups, case).as_deref(), case["backup"].as_str(), "{case}");
    }
}

/// The reference takes one that failed; it has an end time, but not everything that belongs to it.
#[test]
fn one_that_failed_is_never_chosen_which_differs_from_the_reference() {
    let cases = cases();
    let mut backups = backups(&cases);
    backups[2].status = BackupStatus::Failed;
    let latest = serde_json::json!({});
    assert_eq!(chosen(&backups, &latest).as_deref(), Some("20240102T000000"));
}

/// The same by its own rule, for a caller who decides where recovery goes: nothing is asked of histories.
fn chosen_by_end(backups: &[Backup], case: &Value) -> Option<String> {
    let point = match (case["target_time"].as_str(), case["target_lsn"].as_str()) {
        (Some(time), _) => TargetPoint::Time(TargetTime::read(time, &TimeZone::UTC).unwrap().time),
        (_, Some(lsn)) => TargetPoint::Lsn(lsn.parse().unwrap()),
        _ => TargetPoint::Latest,
    };
    let by = EndedBy { point, timeline: TargetTimelineNumber::read(&case["target_tli"]) };
    let candidates: Vec<_> = backups.iter().map(|backup| Candidate { backup, flaw: None }).collect();
    choose_ended(&candidates, None, &by).ok().map(|choice| choice.id.to_string())
}

#[test]
fn by_its_end_alone_the_backup_is_the_one_the_reference_would_choose() {
    let cases = cases();
    let mut backups = backups(&cases);
    for case in cases["cases"].as_array().unwrap() {
        assert_eq!(chosen_by_end(&backups, case).as_deref(), case["backup"].as_str(), "{case}");
    }
    backups[2].status = BackupStatus::Failed;
    let latest = serde_json::json!({});
    assert_eq!(chosen_by_end(&backups, &latest).as_deref(), Some("20240102T000000"));
    let named = backups[1].id;
    let candidates: Vec<_> = backups.iter().map(|backup| Candidate { backup, flaw: None }).collect();
    let by = EndedBy { point: TargetPoint::Lsn("0/1".parse().unwrap()), timeline: None };
    // Of one that is named nothing else is asked, but that it can be restored.
    assert_eq!(choose_ended(&candidates, Some(&named), &by).unwrap().id, named);
    assert!(choose_ended(&candidates, Some(&backups[2].id), &by).is_err());
}
