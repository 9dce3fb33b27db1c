//! Every verb dies at its numbered points (`src/points.rs`), the power fails there, steps on the disk fail
//! there: the archive keeps its invariants, the spool never lies, and the next call finishes the work.
//!
//! A few points of every verb by default; `BARKEEP_TEST_ALL_POINTS=1` tries all of those that have up to
//! sixty, and sixty of the others. Needs the servers of `make servers`.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod bed;
mod common;
#[path = "common/listener.rs"]
mod listener;
#[path = "common/s3.rs"]
mod s3;

#[path = "points/base.rs"]
mod base;
#[path = "points/lost.rs"]
mod lost;
#[path = "points/scene.rs"]
mod scene;
#[path = "points/wal.rs"]
mod wal;

use std::time::{SystemTime, UNIX_EPOCH};

use base::{Base, Cluster};
use common::load::Noise;
use common::tell;
use scene::{Failed, die_at_points, die_at_random_instants, fail_at_points};
use wal::Wal;

/// How many points of a WAL verb are tried by default, and of one about base backups.
const FEW: u64 = 9;
const FEWER: u64 = 6;

/// Kills of each WAL verb at random instants, by default and when all points are tried.
const FEW_KILLS: u32 = 10;
const KILLS: u32 = 40;

/// What a disk says that fails, with its number.
const DISK_ERRORS: [(&str, i32); 4] = [("ENOSPC", 28), ("EROFS", 30), ("EIO", 5), ("EACCES", 13)];

#[tokio::test(flavor = "multi_thread")]
async fn archiving_dies_anywhere_and_nothing_is_lost_on_a_directory() {
    die_at_points(&Wal::on_directory(wal::What::Archive), FEW).await;
    die_at_points(&Wal::on_directory(wal::What::ArchiveAhead), FEW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archiving_dies_anywhere_and_nothing_is_lost_on_s3() {
    die_at_points(&Wal::on_s3(wal::What::Archive).await, FEW).await;
    die_at_points(&Wal::on_s3(wal::What::ArchiveAhead).await, FEW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_wal_dies_anywhere_and_delivers_whole_segments_from_a_directory() {
    die_at_points(&Wal::on_directory(wal::What::Restore), FEW).await;
    die_at_points(&Wal::on_directory(wal::What::Deliver), FEW).await;
    die_at_points(&Wal::on_directory(wal::What::Fill), FEW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_wal_dies_anywhere_and_delivers_whole_segments_from_s3() {
    die_at_points(&Wal::on_s3(wal::What::Restore).await, FEW).await;
    die_at_points(&Wal::on_s3(wal::What::Deliver).await, FEW).await;
    die_at_points(&Wal::on_s3(wal::What::Fill).await, FEW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wal_verbs_die_at_random_instants() {
    let mut noise = seeded();
    let kills = if scene::all() { KILLS } else { FEW_KILLS };
    for what in [wal::What::ArchiveAhead, wal::What::Restore, wal::What::Deliver] {
        die_at_random_instants(&Wal::on_directory(what), kills, &mut noise).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verbs_about_backups_die_anywhere_and_only_whole_backups_are_seen() {
    let cluster = Cluster::new().await;
    let cheap = [base::What::Keep, base::What::Delete, base::What::Retention, base::What::Check];
    for what in cheap.into_iter().chain([base::What::Restore, base::What::Backup]) {
        die_at_points(&Base::new(&cluster, what), FEWER).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_told_and_leaves_nothing_half_done_when_wal_is_archived() {
    for what in [wal::What::Archive, wal::What::ArchiveAhead] {
        let scene = Wal::on_directory(what);
        fail_at_points(&scene, &DISK_ERRORS, |failed, when| told_or_harmless(failed, when, &[5, 8])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_told_and_stops_recovery_when_wal_is_restored() {
    for what in [wal::What::Restore, wal::What::Deliver] {
        let scene = Wal::on_directory(what);
        fail_at_points(&scene, &DISK_ERRORS, |failed, when| told_or_harmless(failed, when, &[126])).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_is_told_and_leaves_nothing_half_done_when_it_is_about_backups() {
    let cluster = Cluster::new().await;
    let cheap = [base::What::Keep, base::What::Delete, base::What::Retention, base::What::Check];
    for what in cheap.into_iter().chain([base::What::Restore, base::What::Backup]) {
        let scene = Base::new(&cluster, what);
        let errors = if scene::all() { &DISK_ERRORS[..] } else { &DISK_ERRORS[..1] };
        fail_at_points(&scene, errors, |failed, when| told_or_harmless(failed, when, &[5, 8])).await;
    }
}

/// A call that failed has the right status, names the path, and says what to do about it where there is
/// something to do; one that succeeded has lost no more than a cache or what is swept up later.
fn told_or_harmless(failed: &Failed, when: &str, statuses: &[i32]) {
    let text = failed.text();
    let Some(status) = failed.output.status.code().filter(|status| *status != 0) else {
        let harmless = ["/spool/", "/.barkeep-tmp-", "/barkeep-probes"];
        let is_harmless = |path: &std::path::Path| {
            let path = path.display().to_string();
            harmless.iter().any(|part| path.contains(part)) || path.ends_with("/spool")
        };
        // Emptied folders of the store may stay, and what was to be sent ahead is sent in its turn.
        let is_emptied = failed.step.starts_with("remove-directory");
        let is_warned = text.contains("WARN") && text.contains("os error");
        let is_delivery = failed.step.starts_with("rename") && failed.last_path().ends_with("RECOVERYXLOG");
        // Of writers that race, one may fail: another one has made the folder, and won.
        let is_race = failed.step.starts_with("make-directory") && text.contains("one winner each");
        let is_harmless = is_harmless(failed.path()) || is_emptied || is_warned || is_delivery || is_race;
        assert!(is_harmless, "{when}: it was not told: {text}");
        return;
    };
    assert!(statuses.contains(&status), "{when}: {text}");
    if status == 5 || status == 8 {
        assert_eq!(status == 5, failed.error == "EACCES", "{when}: {text}");
    }
    let names_it =
        [failed.path(), failed.last_path()].iter().any(|path| text.contains(&*path.to_string_lossy()));
    assert!(names_it, "{when}: the path is not named: {text}");
    let advice = match failed.error.as_str() {
        "ENOSPC" => "free space",
        "EROFS" => "mount that file system for writing",
        "EACCES" => "the right to read and write",
        _ => "",
    };
    assert!(text.contains(advice), "{when}: it does not say what to do: {text}");
}

/// Random instants, other ones in every run unless the seed is given.
fn seeded() -> Noise {
    let seed = match std::env::var("BARKEEP_TEST_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs(),
    };
    tell(&format!("BARKEEP_TEST_SEED={seed}"));
    Noise(seed)
}
