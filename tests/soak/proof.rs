//! Restores: to a moment, to a point of the WAL, or as far as the archive goes; and what they must show.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_postgres::Client;

use super::calls::How;
use super::ledger::{Verdict, Window};
use super::scene::{Scene, remove};
use super::weather::Allowed;
use crate::common::pg::{NEWEST, Server, Shutdown, connect, in_recovery};
use crate::common::{Scratch, tell};

/// How long recovery may stand still.
const RECOVERY: Duration = Duration::from_mins(5);
/// So often a restore or a recovery may fail in bad weather; then the weather is made fine.
const ATTEMPTS: u32 = 3;

/// Where to, and what must be there.
pub struct Target {
    /// For the figures.
    kind: &'static str,
    words: Vec<String>,
    window: Window,
}

impl Target {
    /// As far as the archive goes.
    pub fn latest(all_until: i64) -> Self {
        Self { kind: "to the end", words: Vec::new(), window: Window { all_until, none_after: i64::MAX } }
    }
}

/// Restores to a random target and compares.
///
/// # Panics
/// When the restore fails, or a row is not as it must be.
pub async fn prove(scene: &mut Scene, scratch: &Scratch, latest: bool) {
    let until = scene.archived_until_now().await;
    let target = if latest { Target::latest(until) } else { choose(scene, until) };
    let weather = *scene.chance.one_of(&[Allowed::Fine, Allowed::Rough, Allowed::Anything]);
    let name = scene.name("proof");
    let (mut server, client) = restore(scene, scratch, &name, &target, weather, &[]).await;
    compare(scene, &client, &target).await;
    if latest {
        doubt(scene, &client, &target).await;
    }
    scene.weather.allow(Allowed::Anything).await;
    tokio::task::block_in_place(|| {
        server.stop(Shutdown::Immediate);
        remove(server);
    });
    scene.tell(|figures| *figures.restores.entry(target.kind).or_default() += 1);
}

/// Compares with the ledger.
///
/// # Panics
/// When a row is not as it must be.
pub async fn compare(scene: &mut Scene, client: &Client, target: &Target) -> Verdict {
    let ledger = scene.load.ledger.lock().unwrap().clone();
    let verdict = ledger.compare(client, target.window).await;
    scene.tell(|figures| {
        figures.rows += verdict.rows;
        figures.lost += verdict.wrong;
    });
    let Target { kind, words, .. } = target;
    assert!(verdict.wrong == 0, "restored {kind} {words:?}:\n{}", verdict.words.join("\n"));
    verdict
}

/// What the comparison must not pass over, done to a restored database one after the other.
const DAMAGE: [&str; 6] = [
    "delete from receipt where serial = (select max(serial) from receipt where worker = 0) and worker = 0",
    "delete from receipt where serial = (select min(serial) from receipt where worker = 1) and worker = 1",
    "insert into receipt select worker, max(serial) + 1, 1 from receipt group by worker limit 1",
    "delete from event where ctid = (select ctid from event limit 1)",
    "update event set body = 'other' where ctid = (select ctid from event limit 1)",
    "update account set last = last + 1 where worker = 3 and account = 0",
];

/// Whether the comparison sees what it is there for.
///
/// # Panics
/// When it does not.
async fn doubt(scene: &Scene, client: &Client, target: &Target) {
    let ledger = scene.load.ledger.lock().unwrap().clone();
    for damage in DAMAGE {
        client.batch_execute("begin").await.unwrap();
        assert_eq!(client.execute(damage, &[]).await.unwrap(), 1, "{damage}");
        let verdict = ledger.compare(client, target.window).await;
        assert!(verdict.wrong > 0, "the comparison does not see this: {damage}");
        client.batch_execute("rollback").await.unwrap();
    }
}

/// A target between the oldest backup and a moment that the archive is known to reach.
fn choose(scene: &mut Scene, until: i64) -> Target {
    let (oldest, first) = scene.first_moment();
    let marks = scene.marks.all().into_iter().filter(|mark| mark.before > first && mark.after < until);
    let marks = marks.collect::<Vec<_>>();
    let kind = scene.chance.below(10);
    if kind < 4 && !marks.is_empty() {
        let mark = scene.chance.one_of(&marks).clone();
        let window = Window { all_until: mark.before, none_after: mark.after };
        let lsn = format!("{:X}/{:X}", mark.lsn >> 32, mark.lsn & 0xffff_ffff);
        // Records do not tell where a restore point is, so the backup before it is named.
        let (kind, words) = if kind < 2 {
            ("to a restore point", vec!["--target-name", &mark.name, "--backup", &oldest])
        } else {
            ("to a position", vec!["--target-lsn", &lsn, "--exclusive"])
        };
        return Target { kind, words: words.into_iter().map(str::to_owned).collect(), window };
    }
    let moment = first + i64::try_from(scene.chance.below((until - first).unsigned_abs())).unwrap();
    let time = Timestamp::from_microsecond(moment).unwrap().to_string();
    let mut words = vec!["--target-time".to_owned(), time];
    if scene.chance.once_in(3) {
        words.extend(["--backup".to_owned(), oldest]);
    }
    Target { kind: "to a moment", words, window: Window { all_until: moment, none_after: moment } }
}

/// A server that was restored, with these settings on top, and has been promoted where it had come to its
/// target.
///
/// # Panics
/// When that fails in weather that does not explain it.
pub async fn restore(
    scene: &mut Scene,
    scratch: &Scratch,
    name: &str,
    target: &Target,
    weather: Allowed,
    settings: &[(&str, &str)],
) -> (Server, Client) {
    scene.weather.allow(weather).await;
    let server = Server::at_home(scratch, NEWEST, name, &scene.barkeep);
    fetch(scene, &server, target, weather).await;
    server.move_in();
    server.set(settings);
    recover(scene, server, weather).await
}

/// `barkeep restore`, again while the weather is to blame, or it was killed.
async fn fetch(scene: &mut Scene, server: &Server, target: &Target, weather: Allowed) {
    let data = server.data().display().to_string();
    let around = scene.calls.around(&scene.barkeep.restore_command());
    let mut words = vec!["restore", &data, "--restore-command", &around, "--retry-for", "30s"];
    words.extend(target.words.iter().map(String::as_str));
    if !target.words.is_empty() {
        words.extend(["--target-action", "promote"]);
    }
    for attempt in 1.. {
        let kill = attempt == 1 && scene.chance.once_in(4);
        let kill_after = kill.then(|| scene.chance.between(0, 1500));
        let (ended, _, err) = scene.calls.by_hand(&scene.barkeep, &words, &How { clock: 0, kill_after });
        match ended.status {
            0 => return,
            _ if ended.killed => {}
            // Behind the target: an archiver that stores several segments at once was interrupted. Were it
            // before the target, recovery would end too soon, and rows be missing.
            3 if err.contains("cannot get past a gap") => words.push("--allow-gap"),
            4 if weather == Allowed::Anything && attempt <= ATTEMPTS => {}
            status => panic!("{words:?} ended with {status} in weather {weather:?}: {err}"),
        }
        if attempt == ATTEMPTS {
            scene.weather.allow(Allowed::Fine).await;
        }
    }
}

/// PostgreSQL's recovery, again when it was stopped by a failure of `wal-restore`, which must be the weather's
/// or a kill.
async fn recover(scene: &mut Scene, mut server: Server, weather: Allowed) -> (Server, Client) {
    for attempt in 1.. {
        if scene.chance.once_in(3) && attempt == 1 {
            let after = scene.chance.between(0, 100);
            scene.calls.kill_next("wal-restore", after);
        }
        server.launch();
        if let Some(client) = promoted(&mut server).await {
            return (server, client);
        }
        scene.tell(|figures| figures.again += 1);
        assert!(attempt <= ATTEMPTS, "recovery has failed {attempt} times in weather {weather:?}");
        if attempt == ATTEMPTS {
            scene.weather.allow(Allowed::Fine).await;
        }
    }
    unreachable!("it returns or panics")
}

/// Waits until it accepts writes; `None` when it ended before.
async fn promoted(server: &mut Server) -> Option<Client> {
    let (mut said, mut since) = (0, Instant::now());
    let address = server.address();
    while !server.has_ended() {
        // Every file it is given is a line.
        let now = server.log().matches("restored log file").count();
        if now != said {
            (said, since) = (now, Instant::now());
        }
        if since.elapsed() > RECOVERY {
            tell(&server.log());
            panic!("recovery has come no further for {RECOVERY:?}");
        }
        if let Ok(client) = connect(&address).await {
            let row = client.query_one("select pg_is_in_recovery()", &[]).await;
            if row.is_ok() && !in_recovery(&client).await {
                return Some(client);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}
