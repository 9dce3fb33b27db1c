//! The help of every command fits a screen, names its exit statuses, and is the same for `-h` and `--help`.
//! What it says is in `tests/snapshots`, to be read when it changes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use barkeep::front::native::command;
use clap::Command;

/// A screen.
const LINES: usize = 40;
const COLUMNS: usize = 100;

fn run(words: &[&str]) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_barkeep"));
    command.args(words).env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE")).output().unwrap()
}

/// What is printed by words that succeed.
fn told(words: &[&str]) -> String {
    let output = run(words);
    assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn verbs() -> Vec<Command> {
    command().get_subcommands().filter(|verb| !verb.is_hide_set()).cloned().collect()
}

/// The numbers in the part of a screen that tells the statuses.
fn statuses(screen: &str) -> BTreeSet<u8> {
    let (_, rest) = screen.split_once("\nExit:").unwrap();
    let (exits, _) = rest.split_once("\nMore:").unwrap();
    exits.split(',').map(|item| item.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

/// The numbers in a verb's column of `docs/exit-status.md`.
fn documented(verb: &str) -> BTreeSet<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-status.md");
    let text = fs_err::read_to_string(file).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let head = cells(text.lines().find(|line| line.starts_with("| status |")).unwrap());
    let column = head.iter().rposition(|name| name == verb).unwrap();
    let rows = text.lines().map(cells).filter(|row| row.get(column).is_some_and(|cell| cell == "yes"));
    rows.map(|row| row[1].parse().unwrap()).collect()
}

fn assert_fits(screen: &str, what: &str) {
    let lines = screen.lines().count();
    assert!(lines <= LINES, "{what} has {lines} lines");
    for line in screen.lines() {
        let columns = line.chars().count();
        assert!(columns <= COLUMNS, "{what} has {columns} columns: {line}");
    }
}

#[test]
fn the_help_of_every_verb_fits_a_screen_and_names_its_exit_statuses() {
    for verb in verbs() {
        let name = verb.get_name();
        let screen = told(&[name, "--help"]);
        assert_fits(&screen, name);
        assert_eq!(statuses(&screen), documented(name), "{name}");
        assert!(screen.contains(&format!("man barkeep-{name}")), "{name}");
    }
}

#[test]
fn the_help_of_the_program_fits_a_screen_and_names_every_verb_and_status() {
    let screen = told(&["--help"]);
    assert_fits(&screen, "barkeep");
    let all: BTreeSet<u8> = verbs().iter().flat_map(|verb| documented(verb.get_name())).collect();
    assert_eq!(statuses(&screen), all);
    for verb in verbs() {
        assert!(screen.contains(&format!("\n  {} ", verb.get_name())), "{}", verb.get_name());
    }
    assert!(!screen.contains("wal-prefetch"));
    assert_eq!(told(&["-h"]), screen);
    assert_eq!(told(&["help"]), screen);
}

#[test]
fn h_says_what_help_says_unless_it_is_the_host() {
    for verb in verbs() {
        let name = verb.get_name();
        let host = verb.get_arguments().any(|arg| arg.get_short() == Some('h') && arg.get_id() == "host");
        if host {
            let output = run(&[name, "-h"]);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(text.contains("-h is the host here") && text.contains("--help"), "{name}: {text}");
        } else {
            assert_eq!(told(&[name, "-h"]), told(&[name, "--help"]), "{name}");
        }
    }
}

#[test]
fn a_screen_has_every_option_of_the_verb_itself_and_help_has_all() {
    for verb in verbs() {
        let name = verb.get_name();
        let (screen, everything) = (told(&[name, "--help"]), told(&["help", name]));
        for arg in verb.get_arguments().filter(|arg| !arg.is_hide_set() && arg.get_id() != "help") {
            let Some(flag) = arg.get_long() else { continue };
            let flag = format!("--{flag}");
            let end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
            let is_in = |text: &str| text.split(end).any(|word| word == flag);
            assert!(is_in(&everything), "{flag} in help {name}");
            assert!(arg.get_help_heading().is_some() || is_in(&screen), "{flag} in {name} --help");
        }
    }
}

#[test]
fn the_settings_that_verbs_share_have_a_page_of_their_own() {
    let page = told(&["help", "settings"]);
    let check = command().find_subcommand("check").unwrap().clone();
    for arg in check.get_arguments().filter(|arg| arg.get_help_heading().is_some()) {
        let (flag, variable) = (arg.get_long().unwrap(), arg.get_env().unwrap().to_str().unwrap());
        assert!(page.contains(&format!("--{flag}")) && page.contains(variable), "{flag}");
    }
}

#[test]
fn help_on_what_there_is_not_is_refused_with_the_nearest() {
    for (topic, nearest) in [("verfy", "verify"), ("setings", "settings")] {
        let output = run(&["help", topic]);
        assert_eq!(output.status.code(), Some(2));
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(&format!("there is no help on `{topic}`")), "{text}");
        assert!(text.contains(&format!("hint: did you mean `{nearest}`?")), "{text}");
    }
}

#[test]
fn what_the_screens_say() {
    let mut all = told(&["--help"]);
    for verb in verbs() {
        let name = verb.get_name();
        let _ = write!(all, "\n==== {name} ====\n{}", told(&[name, "--help"]));
    }
    insta::assert_snapshot!("screens", all);
}
