//! Every command that the documents tell people to type, typed. What stands in walks is the part of `tests/walks.rs`.
//!
//! A command is a line of a block, or inline code, that begins with `barkeep`. It is typed into a shell beside a
//! running PostgreSQL and its archive, with the examples' places and names taken for those of the scene, and must end
//! with 0, or as [`OTHERWISE`] says. Whatever else a block of kind `sh` holds needs a reason there, too.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "commands/collect.rs"]
mod collect;
mod common;
#[path = "commands/scene.rs"]
mod scene;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use collect::Command;
use scene::Scene;

/// The documents with commands in them.
const BOOKS: [&str; 8] = [
    "README.md",
    "docs/operations.md",
    "docs/walks.md",
    "examples/README.md",
    "docs/verify.md",
    "docs/drill.md",
    "docs/permissions.md",
    "docs/barman-compat.md",
];

/// How many commands run at once that leave the archive as it is.
const AT_ONCE: usize = 3;

/// What these begin with changes the archive, or is about the server: one after the other, and first.
const ALONE: [&str; 6] =
    ["barkeep backup", "barkeep wal-", "barkeep retention", "barkeep gc", "barkeep check", "barkeep metrics"];

/// What is done instead of typing a command as it stands.
#[derive(Clone, Copy)]
enum Otherwise {
    /// It is only named, and needs more words: it must have a help.
    Named,
    /// These are typed for it, and end with this.
    Typed(&'static [&'static str], i32),
    /// Nothing, because of this.
    Left(&'static str),
}

use Otherwise::{Left, Named, Typed};

/// Pods need more than a machine does.
const CRON_JOBS: &str = "barkeep schedule kubernetes --image IMAGE --config-map barkeep --pgdata-claim data";

const OTHERWISE: &[(&str, Otherwise)] = &[
    ("make demo", Left("it is what it runs: a walk of its own, of minutes")),
    ("make test", Left("this is part of it")),
    ("cargo build --release --locked", Left("tests have built it already")),
    ("install target/release/barkeep /usr/local/bin/", Left("install(1)")),
    ("install -d -m 0700 -o postgres /var/spool/barkeep", Left("install(1)")),
    ("barkeep restore", Named),
    ("barkeep restore --plan", Named),
    ("barkeep wal-restore", Named),
    ("barkeep install-compat DIR", Typed(&["barkeep install-compat /usr/local/bin"], 0)),
    ("barkeep VERB --help", Typed(&scene::HELPS, 0)),
    ("barkeep help VERB", Typed(&["barkeep help status", "barkeep help settings"], 0)),
    ("barkeep config from-cluster", Typed(&["barkeep config from-cluster CLUSTER.yaml"], 0)),
    (
        "barkeep restore --plan --target-time '2026-11-21 14:03:07+01' /var/lib/postgresql/data",
        Typed(&["barkeep restore --plan --target-time '2026-11-21 14:03:07+01' /srv/restored"], 0),
    ),
    (
        "barkeep drill --json … >drill.json",
        Typed(&["barkeep drill --json >drill.json", "barkeep report --drill-report drill.json FILE.html"], 0),
    ),
    // It listens until it is told to end.
    (
        "barkeep metrics --listen",
        Typed(&["timeout --preserve-status 1 barkeep metrics --listen 127.0.0.1:0"], 143),
    ),
    (
        "barkeep schedule systemd|crontab|kubernetes",
        Typed(&["barkeep schedule systemd", "barkeep schedule crontab", CRON_JOBS], 0),
    ),
    ("barkeep schedule kubernetes", Typed(&[CRON_JOBS], 0)),
    (
        "barkeep barman-cloud-backup-list s3://bucket/path main",
        Typed(&["barkeep barman-cloud-backup-list file:///mnt/archive main"], 0),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_the_documents_does_what_it_should() {
    let mut commands = Vec::new();
    for book in BOOKS {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(book)).unwrap();
        commands.extend(collect::commands(book, &text));
    }
    let stated: BTreeSet<_> = OTHERWISE.iter().map(|(text, _)| *text).collect();
    let there: BTreeSet<_> = commands.iter().map(|command| command.text.as_str()).collect();
    let stale: Vec<_> = stated.difference(&there).collect();
    assert!(stale.is_empty(), "no document says this any more: {stale:?}");
    assert!(there.len() > 40, "only {} commands were found", there.len());

    let mut seen = BTreeSet::new();
    commands.retain(|command| seen.insert(command.text.clone()));
    let scene = Scene::new().await;
    let (first, then): (Vec<_>, Vec<_>) =
        commands.iter().partition(|command| ALONE.iter().any(|verb| command.text.starts_with(verb)));
    let mut wrong: Vec<_> = first.into_iter().filter_map(|command| fault(&scene, command)).collect();
    wrong.extend(at_once(&scene, &then));
    wrong.extend(scene.differences_of_the_example());
    // A backup that had succeeded often left a FATAL in the server's log: it went while the server answered.
    wrong.extend(scene.said_by_the_server("connection to client lost"));
    assert!(wrong.is_empty(), "{} of {} commands:\n{}", wrong.len(), commands.len(), wrong.join("\n"));
}

/// Types several at the same time; what is wrong.
fn at_once(scene: &Scene, commands: &[&Command]) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(command) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fault = fault(scene, command);
                    wrong.lock().unwrap().extend(fault);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// What is wrong with a command, when something is.
fn fault(scene: &Scene, command: &Command) -> Option<String> {
    let otherwise = OTHERWISE.iter().find(|(text, _)| *text == command.text);
    let (typed, status): (Vec<String>, i32) = match otherwise {
        Some((_, Left(reason))) => {
            common::tell(&format!("{command}: left out: {reason}"));
            return None;
        }
        Some((_, Named)) => (vec![format!("{} --help", command.text)], 0),
        Some((_, Typed(words, status))) => (words.iter().map(|words| (*words).to_owned()).collect(), *status),
        None if command.text.starts_with("barkeep ") => (vec![command.text.clone()], 0),
        None => return Some(format!("{command}\nis run by nobody: state why in OTHERWISE")),
    };
    typed.iter().find_map(|words| {
        let answer = scene.say(words);
        (answer.status != Some(status)).then(|| {
            let (typed, text) = (&answer.typed, &answer.text);
            format!("{command}\ntyped as: {typed}\nended with {:?}:\n{text}", answer.status)
        })
    })
}
