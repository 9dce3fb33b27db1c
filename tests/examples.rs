//! What people copy from `examples/` is what Barkeep reads and prints. `UPDATE=1` writes what it prints.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt as _;

/// The settings that the timers are printed for, and where these read them.
const SETTINGS: &str = "barkeep-s3.toml";
const THERE: &str = "/etc/barkeep/barkeep.toml";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn text(name: &str) -> String {
    fs_err::read_to_string(example(name)).unwrap()
}

/// What the binary says, which must be content.
fn said(words: &[&str]) -> String {
    let output = answer(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn answer(words: &[&str]) -> Output {
    let scratch = tempfile::tempdir().unwrap();
    Command::cargo_bin("barkeep")
        .unwrap()
        .args(words)
        .current_dir(scratch.path())
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .env("TMPDIR", scratch.path())
        // Whoever applies a manifest has its Secrets.
        .envs([("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")])
        .output()
        .unwrap()
}

/// Compares an example with what is printed, or writes it.
fn is_printed(name: &str, printed: &str) {
    if std::env::var_os("UPDATE").is_some_and(|v| v == "1") {
        fs_err::write(example(name), printed).unwrap();
    }
    assert!(text(name) == printed, "examples/{name} is not what is printed now:\n{printed}");
}

/// The settings in the `ConfigMap` of PostgreSQL without an operator.
fn config_map(directory: &Path) -> PathBuf {
    let manifest = text("kubernetes/postgresql.yaml");
    let settings = manifest.split("  barkeep.toml: |\n").nth(1).unwrap().split("---\n").next().unwrap();
    let path = directory.join("barkeep.toml");
    fs_err::write(&path, settings.replace("\n    ", "\n").trim_start()).unwrap();
    path
}

#[test]
fn every_configuration_is_sound() {
    for name in [
        SETTINGS,
        "barkeep-azure.toml",
        "barkeep-google.toml",
        "barkeep-directory.toml",
        "cloudnativepg.yaml",
    ] {
        let path = example(name);
        let checked = said(&["config", "check", path.to_str().unwrap()]);
        assert!(checked.contains("is sound"), "{name}: {checked}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = config_map(scratch.path());
    assert!(said(&["config", "check", path.to_str().unwrap()]).contains("is sound"));
    // The rest of it is YAML, and none of our business.
    let manifest = example("kubernetes/postgresql.yaml");
    let checked = answer(&["config", "check", manifest.to_str().unwrap()]);
    let checked = String::from_utf8([checked.stdout, checked.stderr].concat()).unwrap();
    assert!(checked.contains("has 1 problem\n  the file has no archive in it"), "{checked}");
}

#[test]
fn the_timers_of_systemd_are_those_that_are_printed_for_the_settings_beside_them() {
    let scratch = tempfile::tempdir().unwrap();
    let (settings, units) = (scratch.path().join("barkeep.toml"), scratch.path().join("units"));
    fs_err::copy(example(SETTINGS), &settings).unwrap();
    fs_err::create_dir(&units).unwrap();
    let settings = settings.to_str().unwrap();
    said(&["schedule", "systemd", "--config", settings, "--directory", units.to_str().unwrap()]);
    let names = |directory: &Path| {
        let entries = fs_err::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    for name in names(&units) {
        let unit = fs_err::read_to_string(units.join(&name)).unwrap();
        is_printed(&format!("systemd/{name}"), &unit.replace(settings, THERE));
    }
    assert_eq!(names(&example("systemd")), names(&units));
}

#[test]
fn the_cron_jobs_are_those_that_are_printed_for_the_config_map_beside_them() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = config_map(scratch.path());
    let jobs = said(&[
        "schedule",
        "kubernetes",
        "--config",
        settings.to_str().unwrap(),
        "--image=registry.example/barkeep:0.1.0",
        "--config-map=barkeep",
        "--secret=barkeep",
        "--pgdata-claim=data-postgresql-0:pgdata",
    ]);
    is_printed("kubernetes/cronjobs.yaml", &jobs.replace(settings.to_str().unwrap(), THERE));
    // What they refer to is there: the claim is that of the template `data` for the first pod of `postgresql`.
    let manifest = text("kubernetes/postgresql.yaml");
    for kind in ["Secret\nmetadata:\n  name: barkeep\n", "ConfigMap\nmetadata:\n  name: barkeep\n"] {
        assert!(manifest.contains(kind), "{kind}");
    }
    assert!(manifest.contains("volumeClaimTemplates:\n    - metadata:\n        name: data\n"));
    assert!(manifest.contains("kind: StatefulSet\nmetadata:\n  name: postgresql\n"));
    assert!(
        manifest.contains("mountPath: /var/lib/postgresql\n") && manifest.contains("/postgresql/pgdata\n")
    );
    assert!(manifest.contains("runAsUser: 26\n") && jobs.contains("runAsUser: 26\n"));
}

#[test]
fn the_commands_of_postgresql_are_the_same_everywhere() {
    let settings: BTreeMap<String, String> = text("postgresql.conf")
        .lines()
        .filter_map(|line| line.split("  #").next()?.split_once(" = "))
        .map(|(name, value)| (name.to_owned(), value.trim().trim_matches('\'').to_owned()))
        .collect();
    assert_eq!(settings["archive_mode"], "on");
    for name in ["archive_command", "restore_command", "archive_timeout"] {
        let argument = format!("- {name}={}\n", settings[name]);
        assert!(text("kubernetes/postgresql.yaml").contains(&argument), "{argument}");
        let line = format!("{name} = '{}'\n", settings[name]);
        let readme = fs_err::read_to_string(example("../README.md")).unwrap();
        assert!(name == "archive_timeout" || readme.contains(&line), "{line}");
    }
}

#[test]
fn every_example_is_listed_and_there() {
    let readme = text("README.md");
    for entry in fs_err::read_dir(example("")).unwrap() {
        let entry = entry.unwrap();
        let slash = if entry.path().is_dir() { "/" } else { "" };
        let name = format!("`{}{slash}`", entry.file_name().display());
        assert!(name == "`README.md`" || readme.contains(&name), "examples/README.md does not name {name}");
    }
}
