//! `check` over a store in memory: what it proves, what it finds, and that it leaves nothing behind.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod bed;

use std::sync::atomic::Ordering;

use barkeep::command::check::{self, Exclusive, Fit, Outcome};
use barkeep::error::ErrorKind;
use barkeep::model::{Compression, SegmentSize, SystemId, Timeline};
use barkeep::store::Locks;
use bed::{Bed, MIB, OTHER_SYSTEM, SYSTEM, packed, segment_bytes};

const ONE: &str = "000000010000000000000001";

async fn check(bed: &Bed) -> Outcome {
    check::run(&bed.check_request(), bed).await.unwrap()
}

fn steps(outcome: &Outcome) -> Vec<(&'static str, bool)> {
    outcome.steps.iter().map(|s| (s.name, s.result.is_ok())).collect()
}

#[tokio::test]
async fn a_good_store_passes_every_step_and_is_left_as_it_was() {
    let bed = Bed::new();
    let outcome = check(&bed).await;
    let names = ["reach", "put", "exclusive-put", "read", "range", "list", "delete", "fit"];
    assert_eq!(steps(&outcome), names.map(|n| (n, true)));
    assert_eq!(outcome.exclusive, Some(Exclusive::Proved));
    assert_eq!(outcome.fit, Some(Fit::Empty));
    assert!(outcome.clock_skew_seconds.unwrap().abs() <= 1);
    assert!(outcome.failure().is_none());
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn a_service_that_ignores_the_condition_is_found_out_and_no_failure() {
    let bed = Bed::new();
    bed.store.ignores_condition.store(true, Ordering::SeqCst);
    let outcome = check(&bed).await;
    assert_eq!(outcome.exclusive, Some(Exclusive::Ignored));
    assert!(outcome.failure().is_none(), "{:?}", outcome.failure());
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn a_service_that_looks_first_and_stores_later_loses_a_race() {
    let bed = Bed::new();
    bed.store.looks_first.store(true, Ordering::SeqCst);
    let outcome = check(&bed).await;
    assert_eq!(outcome.exclusive, Some(Exclusive::Ignored));
    assert!(outcome.failure().is_none(), "{:?}", outcome.failure());
    assert!(bed.keys().await.is_empty());
}

#[tokio::test]
async fn a_failure_of_the_race_or_of_the_last_look_is_no_proof_of_anything() {
    let bed = Bed::new();
    bed.store.fail("put", "race", ErrorKind::Unavailable, 1);
    let outcome = check(&bed).await;
    assert_eq!(steps(&outcome).last(), Some(&("exclusive-put", false)));
    assert_eq!(outcome.exclusive, None);
}

#[tokio::test]
async fn the_first_failure_ends_the_trials_and_what_was_put_is_removed() {
    for (request, step) in [("list", "reach"), ("put", "put"), ("get", "exclusive-put"), ("head", "put")] {
        let bed = Bed::new();
        bed.store.fail(request, "", ErrorKind::Denied, 1);
        let outcome = check(&bed).await;
        let last = outcome.steps.last().unwrap();
        assert_eq!((last.name, last.result.is_ok()), (step, false), "{request}");
        assert_eq!(outcome.failure().unwrap().kind(), ErrorKind::Denied);
        assert_eq!(outcome.fit, None);
        assert!(bed.keys().await.is_empty(), "{request}");
    }
}

#[tokio::test]
async fn what_cannot_be_removed_is_told() {
    let bed = Bed::new();
    bed.store.fail("delete", "", ErrorKind::Unavailable, usize::MAX);
    let outcome = check(&bed).await;
    assert!(steps(&outcome).ends_with(&[("delete", false), ("clean-up", false)]));
}

#[tokio::test]
async fn credentials_that_may_only_create_pass_and_their_probes_are_told_to_stay() {
    let bed = Bed::new();
    bed.store.create_only.store(true, Ordering::SeqCst);
    let outcome = check(&bed).await;
    assert!(outcome.failure().is_none(), "{:?}", outcome.failure());
    let delete = outcome.steps.iter().find(|step| step.name == "delete").unwrap();
    let text = delete.result.as_ref().unwrap();
    assert_eq!(text, "these credentials may not delete; 6 probe objects stay");
    assert_eq!(bed.keys().await.len(), 6);
    assert_eq!(outcome.exclusive, Some(Exclusive::Proved));
}

#[tokio::test]
async fn a_service_that_says_denied_to_whoever_replaces_is_still_seen_to_have_one_winner() {
    let bed = Bed::new();
    bed.store.create_only.store(true, Ordering::SeqCst);
    bed.store.says_denied.store(true, Ordering::SeqCst);
    let outcome = check(&bed).await;
    assert!(outcome.failure().is_none(), "{:?}", outcome.failure());
    assert_eq!(outcome.exclusive, Some(Exclusive::Proved));
}

#[tokio::test]
async fn locks_are_asked_for_only_when_they_are_wanted() {
    let bed = Bed::new();
    let request = check::Request { locks: true, ..bed.check_request() };
    for (locks, kind) in [
        (Locks::On, None),
        (Locks::Untold, None),
        (Locks::Off, Some(ErrorKind::Usage)),
        (Locks::HeldOnly, Some(ErrorKind::Usage)),
        (Locks::Never, Some(ErrorKind::Usage)),
    ] {
        *bed.store.locks.lock().unwrap() = locks;
        let outcome = check::run(&request, &bed).await.unwrap();
        assert!(outcome.steps.iter().any(|step| step.name == "lock"));
        assert_eq!(outcome.failure().map(barkeep::error::Error::kind), kind, "{locks:?}");
        assert!(steps(&check(&bed).await).iter().all(|(name, passed)| *name != "lock" && *passed));
    }
}

#[tokio::test]
async fn an_archive_of_this_cluster_fits() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    bed.archive_new(&bed.segment("000000030000000000000002")).await;
    let timeline = |n| Timeline::new(n).unwrap();
    let same = Fit::Same {
        system_id: SystemId(SYSTEM),
        archive_timeline: timeline(3),
        server_timeline: timeline(1),
    };
    assert_eq!(check(&bed).await.fit, Some(same));
}

#[tokio::test]
async fn the_archive_of_another_cluster_does_not_fit() {
    let bed = Bed::new();
    let plain = segment_bytes(ONE, OTHER_SYSTEM, SegmentSize::new(MIB).unwrap(), 1);
    bed.foreign(&format!("main/wals/0000000100000000/{ONE}.gz"), packed(Compression::Gzip, &plain)).await;
    let outcome = check(&bed).await;
    assert_eq!(outcome.failure().unwrap().kind(), ErrorKind::Conflict);
    assert!(matches!(
        outcome.fit,
        Some(Fit::Foreign { archive: SystemId(OTHER_SYSTEM), server: SystemId(SYSTEM), .. })
    ));
}

#[tokio::test]
async fn without_a_data_directory_the_archive_is_described() {
    let bed = Bed::new();
    bed.archive_new(&bed.segment(ONE)).await;
    let request = check::Request { pgdata: None, ..bed.check_request() };
    let outcome = check::run(&request, &bed).await.unwrap();
    let known = Fit::Unknown { archive: Some(SystemId(SYSTEM)), archive_timeline: Timeline::new(1).unwrap() };
    assert_eq!(outcome.fit, Some(known));
}

#[tokio::test]
async fn a_directory_that_is_no_data_directory_is_an_error_of_its_own() {
    let bed = Bed::new();
    let request = check::Request { pgdata: Some(bed.dir.path().to_path_buf()), ..bed.check_request() };
    let outcome = check::run(&request, &bed).await.unwrap();
    assert_eq!(steps(&outcome).last(), Some(&("fit", false)));
}
