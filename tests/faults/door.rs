//! The verbs of the other door: the real binary by its other names.

use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::scene::{Scene, segment};
use super::verbs::{BACKUPS, End, OWN, Verb};
use crate::s3::{ACCESS_KEY, BUCKET, SECRET_KEY};

/// What no call may take.
const LONGEST: Duration = Duration::from_mins(1);

pub(crate) async fn run(verb: Verb, scene: &Scene) -> End {
    let wal = scene.bed.wal(&segment(OWN)).display().to_string();
    let out = scene.restored().display().to_string();
    let own = segment(OWN);
    let (program, words) = match verb {
        Verb::DoorArchive => ("barman-cloud-wal-archive", vec![wal.as_str()]),
        Verb::DoorRestore | Verb::DoorMiss => ("barman-cloud-wal-restore", vec![own.as_str(), out.as_str()]),
        Verb::DoorList => ("barman-cloud-backup-list", vec![]),
        _ => ("barman-cloud-backup-delete", vec![]),
    };
    let options = match verb {
        // What is small is not waited for long.
        Verb::DoorArchive => vec!["--gzip"],
        Verb::DoorDelete => vec!["-b", BACKUPS[0]],
        _ => vec![],
    };
    let link = scene.bed.dir.path().join(program);
    if !link.exists() {
        symlink(env!("CARGO_BIN_EXE_barkeep"), &link).unwrap();
    }
    let mut command = Command::new(link);
    command
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("TZ", "UTC")
        .arg("--endpoint-url")
        .arg(format!("http://localhost:{}", scene.proxy.port()))
        .args(options)
        .args([&format!("s3://{BUCKET}/some/path"), "main"])
        .args(words)
        .current_dir(scene.bed.dir.path())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    if let Some(plan) = scene.plan() {
        // What does not pass is tried twice; what passes, for as long as the command tries anything.
        if plan.lasting {
            command.env("AWS_MAX_ATTEMPTS", "2");
        }
        if plan.fault.is_slow() {
            command.arg("--read-timeout=1");
        }
    }
    let output = tokio::time::timeout(LONGEST, command.output()).await;
    let output = output.expect("a command ends").expect("it can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().and_then(|code| u8::try_from(code).ok()).expect("it ends by itself");
    End { code, text: text(&output.stderr), answer: text(&output.stdout) }
}
