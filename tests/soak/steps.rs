//! What happens, one after the other, in an order that chance makes.

use std::time::{Duration, Instant};

use super::calls::How;
use super::proof::{Target, compare, prove, restore};
use super::scene::{Scene, remove};
use super::weather::Allowed;
use super::{ledger, now};
use crate::common::invariants::Inspector;
use crate::common::pg::Shutdown;
use crate::common::{Scratch, tell};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How long a backup waits for its WAL while PostgreSQL is well.
const PATIENCE: &str = "90s";
/// How wrong a clock may be.
const CLOCKS: [i64; 6] = [-400 * DAY, -DAY, -HOUR, HOUR, DAY, 400 * DAY];

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Crash,
    Backup,
    /// PostgreSQL crashes while it is backed up.
    CrashInBackup,
    Retention,
    /// The store is gone for up to a minute, whatever the restores between would rather have.
    Outage,
    ProveMoment,
    ProveEnd,
    KillArchiver,
    WrongClock,
    /// PostgreSQL is lost, and what the archive has of it goes on.
    FailOver,
    /// It is stopped in good order first, so nothing may be lost.
    SwitchOver,
}

/// All of it for so long, and two restores at the end.
pub async fn run(mut scene: Scene, scratch: &Scratch, time: Duration) {
    let begin = Instant::now();
    let mut inspector = Inspector::default();
    back_up(&mut scene, Allowed::Fine, How::default(), PATIENCE, &[0]).await;
    scene.weather.allow(Allowed::Anything).await;
    for round in 0.. {
        for step in deck(&mut scene, round) {
            if begin.elapsed() >= time {
                return finish(scene, scratch, &mut inspector).await;
            }
            let pause = scene.chance.between(500, 5_000);
            tokio::time::sleep(pause).await;
            let (since, weather) = (Instant::now(), scene.weather.now());
            perform(&mut scene, scratch, &mut inspector, step).await;
            scene.look().await;
            if std::env::var_os("VERBOSE").is_some() {
                let (at, took) = (begin.elapsed().as_secs(), since.elapsed().as_secs_f32());
                tell(&format!("{at:>5} s: {step:?} in {took:.1} s, {weather:?} before"));
            }
        }
    }
}

/// What happens in one round, in its order. The first round has a bit of everything.
fn deck(scene: &mut Scene, round: u32) -> Vec<Step> {
    use Step::{
        Backup, Crash, CrashInBackup, FailOver, KillArchiver, Outage, ProveEnd, ProveMoment, Retention,
        SwitchOver, WrongClock,
    };
    let mut deck = vec![
        Crash,
        Crash,
        Backup,
        Backup,
        Retention,
        Outage,
        ProveMoment,
        ProveMoment,
        KillArchiver,
        KillArchiver,
        WrongClock,
    ];
    deck.push(if round.is_multiple_of(2) { FailOver } else { SwitchOver });
    deck.push(if round.is_multiple_of(3) { ProveEnd } else { CrashInBackup });
    scene.chance.shuffle(&mut deck);
    deck
}

async fn perform(scene: &mut Scene, scratch: &Scratch, inspector: &mut Inspector, step: Step) {
    match step {
        Step::Crash => {
            scene.crash();
            scene.client = scene.primary.start().await;
        }
        Step::Backup => {
            let weather = *scene.chance.one_of(&[Allowed::Rough, Allowed::Anything]);
            let clock = if scene.chance.once_in(4) { *scene.chance.one_of(&CLOCKS) } else { 0 };
            let kill_after = scene.chance.once_in(5).then(|| scene.chance.between(0, 4_000));
            let fine: &[i32] = if weather == Allowed::Anything { &[0, 4] } else { &[0] };
            back_up(scene, weather, How { clock, kill_after }, PATIENCE, fine).await;
        }
        Step::CrashInBackup => {
            let after = scene.chance.between(100, 2_500);
            scene.primary.crash_later(after);
            back_up(scene, Allowed::Rough, How::default(), "10s", &[0, 4, 7]).await;
            tokio::time::sleep(after).await;
            scene.crash();
            scene.client = scene.primary.start().await;
        }
        Step::Outage => {
            let lasts = scene.chance.between(10_000, 60_000);
            let crash = scene.chance.once_in(2);
            if crash {
                scene.primary.crash_later(lasts / 2);
            }
            scene.weather.outage(lasts).await;
            if crash {
                scene.crash();
                scene.client = scene.primary.start().await;
            }
            scene.weather.allow(Allowed::Anything).await;
        }
        Step::Retention => retain(scene, inspector).await,
        Step::ProveMoment => prove(scene, scratch, false).await,
        Step::ProveEnd => prove(scene, scratch, true).await,
        Step::KillArchiver => {
            let after = scene.chance.between(0, 150);
            scene.calls.kill_next("wal-archive", after);
        }
        Step::WrongClock => {
            scene.calls.set_clock(*scene.chance.one_of(&CLOCKS));
            scene.tell(|figures| figures.clocks += 1);
        }
        Step::FailOver => go_on_elsewhere(scene, scratch, Shutdown::Immediate).await,
        Step::SwitchOver => go_on_elsewhere(scene, scratch, Shutdown::Fast).await,
    }
}

/// The end: everything that is there is sound, and can be brought back.
async fn finish(mut scene: Scene, scratch: &Scratch, inspector: &mut Inspector) {
    prove(&mut scene, scratch, false).await;
    prove(&mut scene, scratch, true).await;
    inspector.insist(scene.watch.store(), "at the end").await;
    scene.look().await;
    scene.load.end().await;
}

/// Takes a base backup that waits so long for its WAL.
///
/// # Panics
/// When it ends in another way than these, or by the kill that was ordered.
async fn back_up(scene: &mut Scene, weather: Allowed, how: How, patience: &str, fine: &[i32]) {
    scene.weather.allow(weather).await;
    let (name, sockets) = (scene.name("backup"), scene.primary.sockets().display().to_string());
    let mut words = vec!["backup", "-U", "postgres", "-h", &sockets, "--name", &name];
    words.extend(["--manifest-checksums", "sha256", "--wal-timeout", patience]);
    let (ended, _, err) = scene.calls.by_hand(&scene.barkeep, &words, &how);
    scene.weather.allow(Allowed::Anything).await;
    scene.tell(|figures| {
        figures.clocks += u64::from(how.clock != 0);
        if ended.status == 0 { figures.backups += 1 } else { figures.backups_failed += 1 }
    });
    let status = ended.status;
    assert!(
        ended.killed || fine.contains(&status),
        "{words:?} ended with {status}, {weather:?}, {how:?}: {err}"
    );
    if status == 0 {
        scene.ended.push((name, now()));
    }
}

/// What retention is told.
struct Rule {
    policy: &'static str,
    /// By how much its clock is wrong: that is how a window of a day becomes one of minutes.
    clock: i64,
    /// So many seconds back everything must still be restorable that was.
    window: Option<i64>,
    /// So many backups must stay.
    least: usize,
}

/// Lets a policy delete.
///
/// # Panics
/// When it fails in weather that does not explain it, or deletes what it must not.
async fn retain(scene: &mut Scene, inspector: &mut Inspector) {
    let window = i64::try_from(60 + scene.chance.below(180)).unwrap();
    let day = "RECOVERY WINDOW OF 1 DAYS";
    let rule = match scene.chance.below(8) {
        0..=2 => Rule { policy: "REDUNDANCY 2", clock: 0, window: None, least: 2 },
        3..=5 => Rule { policy: day, clock: DAY - window, window: Some(window), least: 1 },
        6 => Rule { policy: day, clock: 400 * DAY, window: Some(0), least: 1 },
        _ => Rule { policy: day, clock: -400 * DAY, window: Some(400 * DAY), least: 1 },
    };
    let weather = *scene.chance.one_of(&[Allowed::Rough, Allowed::Anything]);
    let kill_after = scene.chance.once_in(4).then(|| scene.chance.between(0, 800));
    scene.watch.look().await;
    let (before, (_, first)) = (scene.backups(), scene.first_moment());
    scene.weather.allow(weather).await;
    let words = ["retention", rule.policy, "--leftovers-after", "1d"];
    let begins = rule.window.map(|window| now() - 1_000_000 * window);
    let how = How { clock: rule.clock, kill_after };
    let (ended, _, err) = scene.calls.by_hand(&scene.barkeep, &words, &how);
    scene.weather.allow(Allowed::Anything).await;
    let fine = match ended.status {
        0 => true,
        4 => weather == Allowed::Anything,
        _ => ended.killed,
    };
    assert!(fine, "{words:?} ended with {} in weather {weather:?}, {how:?}: {err}", ended.status);
    let (after, (_, now_first)) = (scene.backups(), scene.first_moment());
    assert!(after.len() >= rule.least.min(before.len()), "{words:?}, {how:?}: {before:?} became {after:?}");
    if let Some(begins) = begins {
        // What could be restored within the window still can.
        assert!(now_first <= first.max(begins), "{words:?}, {how:?}: {before:?} became {after:?}");
    }
    inspector.insist(scene.watch.store(), "after retention").await;
    scene.tell(|figures| {
        figures.retentions += 1;
        figures.clocks += u64::from(rule.window == Some(0) || rule.clock < 0);
        figures.backups_deleted += (before.len() - after.len()) as u64;
    });
}

/// PostgreSQL ends, and one that is restored from the archive takes its place on a new timeline.
///
/// # Panics
/// When something is missing that was archived; all of it, when PostgreSQL was stopped in good order.
async fn go_on_elsewhere(scene: &mut Scene, scratch: &Scratch, how: Shutdown) {
    if how == Shutdown::Fast {
        scene.calls.spare("wal-archive");
        scene.archived_until_now().await;
        tokio::task::block_in_place(|| scene.primary.stop(how));
    } else {
        scene.crash();
    }
    scene.load.move_to(None);
    let stopped = now();
    scene.weather.allow(Allowed::Fine).await;
    scene.calls.set_clock(0);
    scene.watch.look().await;
    let end = scene.watch.end_of(scene.timeline);
    let archived = scene.marks.all().into_iter().filter(|mark| mark.lsn <= end).map(|mark| mark.before).max();
    let target = Target::latest(if how == Shutdown::Fast { stopped } else { archived.unwrap_or(0) });

    let name = scene.name("primary");
    let weather = *scene.chance.one_of(&[Allowed::Fine, Allowed::Rough, Allowed::Anything]);
    let command = scene.calls.around(&scene.barkeep.archive_command());
    let archiving = [("archive_mode", "on"), ("archive_command", command.as_str())];
    let (server, client) = restore(scene, scratch, &name, &target, weather, &archiving).await;
    scene.weather.allow(Allowed::Anything).await;
    let verdict: ledger::Verdict = compare(scene, &client, &target).await;
    let left_behind = scene.load.ledger.lock().unwrap().fork(&verdict.last);
    assert!(how == Shutdown::Immediate || left_behind == 0, "{left_behind} transactions were left behind");
    scene.marks.forget_beyond(end);
    let old = std::mem::replace(&mut scene.primary, server);
    scene.client = client;
    tokio::task::block_in_place(|| remove(old));
    let select = "select ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int";
    let timeline: i32 = scene.client.query_one(select, &[]).await.unwrap().get(0);
    scene.timeline = timeline.unsigned_abs();
    scene.load.move_to(Some(scene.primary.address()));
    scene.tell(|figures| {
        figures.promotions += 1;
        figures.left_behind += left_behind;
    });
}
