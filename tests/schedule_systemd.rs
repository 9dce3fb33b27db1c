//! What `schedule` prints for systemd, judged by systemd-analyze.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt as _;
use barkeep::model::{Schedule, Timer};
use jiff::Timestamp;

/// So many instants are compared.
const INSTANTS: usize = 5;

fn analyze(words: &[String]) -> (bool, String) {
    let output = Command::new("systemd-analyze")
        .args(words)
        .envs([("TZ", "UTC"), ("LC_ALL", "C"), ("SYSTEMD_COLORS", "0")])
        .output()
        .expect("systemd-analyze is needed: install systemd");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// When a line of `OnCalendar=` elapses.
fn elapses(line: &str, from: &str) -> Vec<Timestamp> {
    let words = ["calendar", &format!("--base-time={from} UTC"), &format!("--iterations={INSTANTS}"), line];
    let (is_done, text) = analyze(&words.map(str::to_owned));
    assert!(is_done, "{line}: {text}");
    let instants = text.lines().filter_map(|said| {
        let (title, value) = said.split_once(": ")?;
        let is_elapse = title.trim() == "Next elapse"
            || title.trim().starts_with("Iter. #")
            || title.trim().starts_with("Iteration #");
        // Sun 2026-02-01 02:00:00 UTC
        let mut parts = value.trim().split(' ').skip(1);
        let (date, time) = is_elapse.then(|| parts.next().zip(parts.next())).flatten()?;
        Some(format!("{date}T{time}Z").parse().unwrap())
    });
    instants.collect()
}

#[test]
fn systemd_finds_every_schedule_due_when_we_do() {
    for text in [
        "0 30 2 * * *",
        "@hourly",
        "@daily",
        "@weekly",
        "@monthly",
        "@yearly",
        "*/15 * * * * *",
        "5,50 59 23 31 12 *",
        "*/20 */15 8-18 * * MON-FRI",
        "0 0 3 1,15 * FRI",
        "0 0 0 13 * FRI",
        "0 0 0 */7 * SUN",
        "0 0 12 * * */2",
        "0 0 0 1-31 * MON",
        "7 1,2,40-50/5 0 1-31/2 JAN,jul ?",
        "0 5/10 6-12/3 * * *",
        "0 0 0 29 2 *",
        "0 0 0 31 * 0",
        "59 59 23 28-31 2,4-6,11 1,3",
        "0 0 0 31 2 *",
    ] {
        let schedule: Schedule = text.parse().unwrap();
        let Timer::Calendar(lines) = schedule.timer() else { panic!("{text} is a calendar") };
        for from in ["2026-01-01 00:00:00", "2027-12-31 23:59:58"] {
            let base: Timestamp = format!("{}Z", from.replace(' ', "T")).parse().unwrap();
            let theirs: BTreeSet<_> = lines.iter().flat_map(|line| elapses(line, from)).collect();
            let ours: Vec<_> = schedule.instants_after(base).take(INSTANTS).collect();
            let theirs: Vec<_> = theirs.into_iter().take(ours.len().max(1)).collect();
            assert_eq!(theirs, ours, "{text} is {lines:?}, from {from}");
        }
    }
}

fn barkeep(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("barkeep").unwrap();
    command
        .current_dir(directory)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .env("TMPDIR", directory);
    command
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_the_same_files_stay() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("with space and 100%.toml");
    let text = "store = 's3://wal/prod'\nserver = 'main'\nspool = '/var/spool/bar keep'\n[retention]\npolicy = '30d'\n\
                [drill]\ndirectory = '/scratch'\n[schedule]\nbackup = '0 30 1 1,15 * SUN'\nverify = '@every 6h'\n";
    fs_err::write(&path, text).unwrap();
    let units = scratch.path().join("units");
    fs_err::create_dir(&units).unwrap();
    let schedule = |words: &[&str]| {
        let mut command = barkeep(scratch.path());
        command
            .args(["schedule", "systemd", "--directory"])
            .arg(&units)
            .arg("--config")
            .arg(&path)
            .args(words);
        command.output().unwrap()
    };
    let output = schedule(&[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.starts_with("8 files written"), "{told}");
    let files = fs_err::read_dir(&units).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let files: Vec<String> = files.collect();
    assert_eq!(files.len(), 8);
    let (is_done, said) = analyze(&[vec!["verify".to_owned(), "--man=no".to_owned()], files].concat());
    assert!(is_done && !said.contains("barkeep-"), "{said}");
    let told = String::from_utf8(schedule(&[]).stdout).unwrap();
    assert!(told.starts_with("0 files written") && told.contains("8 were there already"), "{told}");
    let other = schedule(&["--retention", "@weekly"]);
    assert_eq!(other.status.code(), Some(3), "{other:?}");
    assert_eq!(schedule(&["--retention", "@weekly", "--overwrite"]).status.code(), Some(0));
}
