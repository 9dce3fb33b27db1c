//! The words of `report` and where the page goes; what is on it is tested beside its code and in a browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assert_cmd::Command;
use predicates::function::function;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::{contains, starts_with};

fn report(here: &Path, words: &[&str]) -> Command {
    let mut report = Command::cargo_bin("barkeep").unwrap();
    report.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"));
    std::fs::create_dir_all(here.join("store")).unwrap();
    report
        .current_dir(here)
        .arg("report")
        .args(["--store", &format!("file://{}", here.join("store").display())]);
    report.args(["--server", "main"]).args(words);
    report
}

#[test]
fn the_page_replaces_the_old_one_and_everybody_may_read_it() {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("page.html");
    std::fs::write(&file, "the old one").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    // What is found does not decide: there is nothing in this archive.
    report(here.path(), &["page.html"])
        .assert()
        .success()
        .stdout(contains("wrote page.html").and(contains("critical")));
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"), "{page}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o644);
    let left: Vec<_> =
        std::fs::read_dir(here.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    report(here.path(), &["--json", "page.html"]).assert().success().stdout(
        starts_with("{\"file\":\"page.html\",\"bytes\":")
            .and(contains("\"health\":\"critical\",\"exit\":0}")),
    );
}

#[test]
fn a_dash_is_standard_output_and_then_there_is_no_json() {
    let here = tempfile::tempdir().unwrap();
    report(here.path(), &["-"]).assert().success().stdout(starts_with("<!DOCTYPE html>"));
    report(here.path(), &["-", "--json"]).assert().code(2).stdout(contains("exclude each other"));
}

#[test]
fn a_page_that_cannot_be_written_is_told_with_its_name() {
    let here = tempfile::tempdir().unwrap();
    report(here.path(), &["nowhere/page.html"])
        .assert()
        .failure()
        .stderr(contains("write nowhere/page.html"));
    report(here.path(), &["--drill-report", "none.json", "page.html"])
        .assert()
        .code(2)
        .stderr(contains("none.json"));
    assert!(!here.path().join("page.html").exists());
}

#[test]
fn the_map_stands_below_the_status_in_the_signs_that_are_asked_for() {
    let here = tempfile::tempdir().unwrap();
    let wals = here.path().join("store/main/wals/0000000100000000");
    std::fs::create_dir_all(&wals).unwrap();
    for number in 1..=3 {
        std::fs::write(wals.join(format!("00000001000000000000000{number}.zst")), "x").unwrap();
    }
    for (word, locale, fine) in
        [("--map", "C.UTF-8", true), ("--map", "C", false), ("--map=ascii", "C.UTF-8", false)]
    {
        let mut status = Command::cargo_bin("barkeep").unwrap();
        status
            .env_clear()
            .env("LC_ALL", locale)
            .env("COLUMNS", "60")
            .args(["status", "--server", "main", word]);
        status.arg("--store").arg(format!("file://{}", here.path().join("store").display()));
        // WAL without a backup is critical, and the line for monitors stays the first.
        let told = starts_with("CRITICAL - ").and(contains("timeline 1: 3 segments"));
        let beyond_ascii = contains("\u{254c} WAL that no backup leads to");
        let status = status.assert().code(2).stdout(told);
        let plain = |text: &str| text.is_ascii() && text.contains("- WAL that no backup leads to");
        if fine {
            status.stdout(beyond_ascii)
        } else {
            status.stdout(function(plain))
        };
    }
}
