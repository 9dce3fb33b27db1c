//! The binary's words: help, refusals, exit statuses. What the verbs do is tested elsewhere; nothing
//! here gets as far as a store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

/// The binary in a directory of its own and without the settings of whoever runs the tests.
fn barkeep(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("barkeep").unwrap();
    command
        .current_dir(directory)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"))
        .env("TMPDIR", directory);
    command
}

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A server that PostgreSQL would recover with this signal file.
fn recovering(signal: &str) -> TempDir {
    let directory = scratch();
    fs_err::write(directory.path().join(signal), "").unwrap();
    fs_err::create_dir(directory.path().join("pg_wal")).unwrap();
    directory
}

const NAME: &str = "000000010000000000000007";

#[test]
fn the_filler_ends_with_status_0_whatever_ails_it() {
    for words in [&["wal-prefetch", "--bogus"][..], &["wal-prefetch"][..]] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_barkeep")).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}");
    }
}

#[test]
fn every_verb_explains_itself_with_examples_and_exit_statuses() {
    let here = scratch();
    for (verb, example, status) in [
        ("wal-archive", "archive_command = 'barkeep wal-archive %p'", "  3  something else is already there"),
        ("wal-restore", "restore_command = 'barkeep wal-restore %f %p'", "126  any failure during recovery"),
        ("check", "barkeep check --pgdata", "  5  credentials or permissions"),
        ("backup", "barkeep backup -h /var/run/postgresql", "143  ended in good order by SIGTERM"),
    ] {
        barkeep(here.path())
            .args(["help", verb])
            .assert()
            .success()
            .stdout(contains(example).and(contains("Exit status:")).and(contains(status)))
            .stderr("");
    }
    barkeep(here.path())
        .arg("--help")
        .assert()
        .success()
        .stdout(contains("wal-archive").and(contains("wal-prefetch").not()));
}

#[test]
fn help_does_not_tell_what_is_in_the_environment() {
    let here = scratch();
    barkeep(here.path())
        .args(["help", "settings"])
        .env("BARKEEP_STORE", "s3://private")
        .assert()
        .success()
        .stdout(contains("BARKEEP_STORE").and(contains("s3://private").not()));
    barkeep(here.path())
        .args(["restore", "--help"])
        .env("BARKEEP_RESTORE_PRIMARY_CONNINFO", "password=private")
        .assert()
        .success()
        .stdout(contains("--primary-conninfo").and(contains("private").not()));
}

#[test]
fn the_version_is_the_packages() {
    let here = scratch();
    let line = format!("barkeep {}\n", env!("CARGO_PKG_VERSION"));
    barkeep(here.path()).arg("--version").assert().success().stdout(line);
}

#[test]
fn a_wrong_word_is_refused_with_the_nearest() {
    let here = scratch();
    for (words, nearest) in [
        (vec!["wal-archiv"], "hint: did you mean `wal-archive`?"),
        (vec!["check", "--stroe", "x"], "hint: did you mean `--store`?"),
        (vec!["check", "--sse", "AES265"], "hint: did you mean `AES256`?"),
    ] {
        barkeep(here.path())
            .args(&words)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("error: ").and(contains(nearest)));
    }
    barkeep(here.path()).assert().code(2).stderr(contains("no verb is given"));
}

#[test]
fn a_missing_setting_says_the_three_ways_to_give_it() {
    let here = scratch();
    barkeep(here.path()).arg("check").assert().code(2).stderr(
        contains("error: no store is given")
            .and(contains("--store"))
            .and(contains("BARKEEP_STORE"))
            .and(contains("barkeep.toml")),
    );
    barkeep(here.path())
        .args(["wal-archive", "--store", "file:///x", "pg_wal/x"])
        .assert()
        .code(2)
        .stderr(contains("no server is given").and(contains("BARKEEP_SERVER")));
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let here = scratch();
    let file = here.path().join("my.toml");
    fs_err::write(&file, "stroe = 'file:///x'\n").unwrap();
    barkeep(here.path())
        .args(["check", "--config", "my.toml"])
        .assert()
        .code(2)
        .stderr(contains("my.toml").and(contains("unknown key `stroe`")).and(contains("`store`")));
    fs_err::write(&file, "store = 'file:///x'\nmemory = 'much'\n").unwrap();
    barkeep(here.path())
        .arg("check")
        .env("BARKEEP_CONFIG", "my.toml")
        .assert()
        .code(2)
        .stderr(contains("my.toml: line 2: `much` is not a size"));
    barkeep(here.path())
        .args(["check", "--config", "gone.toml"])
        .assert()
        .code(2)
        .stderr(contains("gone.toml does not exist"));
}

#[test]
fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let here = scratch();
    fs_err::write(here.path().join("my.toml"), "store = 'in://the-file'\nserver = 'main'\n").unwrap();
    // A store nobody knows is named in its refusal, which tells who won.
    let mut command = barkeep(here.path());
    command.args(["check", "--config", "my.toml"]).assert().code(2).stderr(contains("in://"));
    command.env("BARKEEP_STORE", "environment://x").assert().code(2).stderr(contains("environment://"));
    command.args(["--store", "flag://x"]).assert().code(2).stderr(contains("flag://"));
}

#[test]
fn a_bad_wal_name_is_a_usage_error() {
    let here = scratch();
    barkeep(here.path())
        .args(["wal-restore", "not-a-name", "there"])
        .assert()
        .code(2)
        .stderr(contains("`not-a-name` is not the name of a WAL file"));
}

#[test]
fn values_out_of_bounds_are_refused() {
    let here = scratch();
    for (words, what) in [
        (["--look-ahead", "33"], "0 to 32"),
        (["--tag", "aws:x=y"], "reserved"),
        (["--soft-limit", "5m"], "span of time"),
        (["--compression", "zip"], "not a compression"),
    ] {
        barkeep(here.path())
            .arg("wal-archive")
            .args(words)
            .arg("pg_wal/x")
            .assert()
            .code(2)
            .stderr(contains(what));
    }
}

#[test]
fn with_json_an_error_is_one_object_on_standard_output() {
    let here = scratch();
    for (words, message) in [
        (vec!["check", "--json"], "no store is given"),
        (vec!["check", "--json", "--stroe", "x"], "unexpected argument"),
    ] {
        let done = barkeep(here.path()).args(&words).assert().code(2).stderr("");
        let said: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
        assert_eq!(said["error"]["kind"], "usage");
        assert!(said["error"]["message"].as_str().unwrap().contains(message), "{said}");
        assert!(said["error"]["hint"].is_string(), "{said}");
        assert_eq!(said["exit"], 2);
    }
}

#[test]
fn words_that_cannot_be_read_stop_recovery_but_not_a_standby() {
    let words = ["wal-restore", "--bogus", NAME, "pg_wal/RECOVERYXLOG"];
    barkeep(recovering("recovery.signal").path()).args(words).assert().code(126);
    barkeep(recovering("recovery.signal").path()).arg("wal-restore").assert().code(126);
    barkeep(recovering("standby.signal").path()).args(words).assert().code(2);
    barkeep(scratch().path()).args(["wal-restore", "--bogus", NAME, "there"]).assert().code(2);
}

#[test]
fn a_broken_configuration_stops_recovery_but_not_a_standby() {
    let words = ["wal-restore", NAME, "pg_wal/RECOVERYXLOG"];
    let without_store = |signal: &str| {
        let directory = recovering(signal);
        barkeep(directory.path()).args(words).assert()
    };
    without_store("recovery.signal").code(126).stderr(contains("no store is given"));
    without_store("standby.signal").code(2);
}

#[test]
fn on_error_overrides_what_the_caller_would_get() {
    let here = recovering("recovery.signal");
    let words = ["wal-restore", NAME, "pg_wal/RECOVERYXLOG", "--on-error"];
    barkeep(here.path()).args(words).arg("continue").assert().code(2);
    let elsewhere = scratch();
    barkeep(elsewhere.path()).args(["wal-restore", NAME, "x", "--on-error", "stop"]).assert().code(126);
    // From the file, too: it is known before anything else can fail.
    fs_err::write(elsewhere.path().join("my.toml"), "[wal-restore]\non-error = 'stop'\n").unwrap();
    barkeep(elsewhere.path()).args(["wal-restore", NAME, "x", "--config", "my.toml"]).assert().code(126);
}

#[test]
fn wal_archive_never_stops_its_caller() {
    let here = recovering("recovery.signal");
    for words in [
        &["wal-archive"][..],
        &["wal-archive", "--bogus"],
        &["wal-archive", "pg_wal/RECOVERYXLOG"],
        &["--config=/x", "wal-archive", "pg_wal/RECOVERYXLOG"],
        &["wal-archive", "--on-error=stop", "pg_wal/x"],
    ] {
        barkeep(here.path()).args(words).assert().code(2);
        barkeep(here.path()).args(words).env("BARKEEP_WAL_RESTORE_ON_ERROR", "stop").assert().code(2);
    }
}

#[test]
fn secrets_are_never_repeated() {
    let here = scratch();
    let hidden = "hunter2";
    let secret = contains(hidden);
    for words in [
        vec!["check".to_owned(), format!("--store=s3://user:{hidden}@bucket"), "--server=m".into()],
        vec!["check".into(), format!("--store=s3://AKIA:wJalr/{hidden}@bucket/p"), "--server=m".into()],
        vec!["check".into(), format!("--store=AKIA:wJalr/{hidden}@bucket/p"), "--server=m".into()],
        vec![
            "check".into(),
            format!("--endpoint-url=http://u:wJalr/{hidden}@h"),
            "--store=s3://b".into(),
            "--server=m".into(),
        ],
        vec![
            "check".into(),
            format!("--sse-customer-key={hidden}"),
            "--store=s3://b".into(),
            "--server=m".into(),
        ],
        vec!["check".into(), format!("--secret-access-key={hidden}")],
    ] {
        for extra in [&[][..], &["-vv"], &["--json"]] {
            barkeep(here.path())
                .args(&words)
                .args(extra)
                .env("AWS_SECRET_ACCESS_KEY", hidden)
                .assert()
                .code(2)
                .stdout(secret.clone().not())
                .stderr(secret.clone().not());
        }
    }
}

#[test]
fn nobody_reading_is_no_failure() {
    let here = scratch();
    let program = assert_cmd::cargo::cargo_bin("barkeep");
    let script = format!("{{ {} --help; echo $? >status; }} | true", program.display());
    std::process::Command::new("sh").args(["-c", &script]).current_dir(here.path()).status().unwrap();
    assert_eq!(fs_err::read_to_string(here.path().join("status")).unwrap().trim(), "0");
}

/// What PostgreSQL must not take for "not in the archive", however little of the line can be read.
const UNREADABLE: [&[&str]; 6] = [
    &["--config=/x", "wal-restore", NAME, "pg_wal/RECOVERYXLOG"],
    &["wal-restor", NAME, "pg_wal/RECOVERYXLOG"],
    &["wal-restore", NAME, "pg_wal/RECOVERYHISTORY", "--bogus"],
    &["wal-restore", "--bogus", NAME, "pg_wal/RECOVERYXLOG", "--server", "main"],
    &[NAME, "pg_wal/RECOVERYXLOG"],
    &["--bogus", "wal-restore"],
];

#[test]
fn a_restore_is_recognised_wherever_its_words_stand() {
    for words in UNREADABLE {
        barkeep(recovering("recovery.signal").path()).args(words).assert().code(126);
        barkeep(recovering("standby.signal").path()).args(words).assert().code(2);
    }
    // From another directory, the destination tells; without a signal file, recovery is assumed.
    for (signal, code) in [("recovery.signal", 126), ("standby.signal", 2), ("none", 126)] {
        let (here, there) = (scratch(), recovering(signal));
        let destination = there.path().join("pg_wal/RECOVERYXLOG");
        barkeep(here.path()).arg("wal-restor").arg(&destination).arg("--bogus").assert().code(code);
    }
    // Nothing tells that these are restores.
    for words in [&["wal-restor", NAME, "there"][..], &["check", "--bogus"], &["--bogus"]] {
        barkeep(recovering("recovery.signal").path()).args(words).assert().code(2);
    }
}

#[test]
fn on_error_is_heeded_on_a_line_that_cannot_be_read() {
    let variable = "BARKEEP_WAL_RESTORE_ON_ERROR";
    let recovery = recovering("recovery.signal");
    for words in UNREADABLE {
        barkeep(recovery.path()).args(words).arg("--on-error=continue").assert().code(2);
        barkeep(recovery.path()).args(words).args(["--on-error", "continue"]).assert().code(2);
        barkeep(recovery.path()).args(words).env(variable, "continue").assert().code(2);
        barkeep(recovery.path()).args(words).arg("--on-error=whatever").assert().code(126);
        barkeep(recovering("standby.signal").path()).args(words).env(variable, "stop").assert().code(126);
        let mut both = barkeep(recovery.path());
        both.args(words).arg("--on-error=stop").env(variable, "continue").assert().code(126);
    }
    let here = scratch();
    barkeep(here.path()).args(["wal-restor", "--on-error=stop", NAME, "there"]).assert().code(126);
    barkeep(here.path()).args(["check", "--bogus"]).env(variable, "stop").assert().code(2);
}

/// A restore by hand from an empty archive, which leaves the status 1 and one log line with `-v`.
fn fruitless(directory: &Path) -> Command {
    let store = directory.join("store");
    fs_err::create_dir_all(&store).unwrap();
    let mut command = barkeep(directory);
    command.env("BARKEEP_STORE", format!("file://{}", store.display())).env("BARKEEP_SERVER", "main").args([
        "wal-restore",
        NAME,
        "there",
    ]);
    command
}

#[test]
fn v_and_q_on_the_line_win_over_their_variables() {
    let here = scratch();
    let info = contains("INFO not in the archive");
    let run = |flag: &str, (variable, value): (&str, &str)| {
        fruitless(here.path()).arg(flag).env(variable, value).assert().code(1)
    };
    run("-v", ("BARKEEP_QUIET", "2")).stderr(info.clone());
    run("-v", ("BARKEEP_QUIET", "1")).stderr(info.clone());
    run("-q", ("BARKEEP_VERBOSE", "2")).stderr("");
    fruitless(here.path()).env("BARKEEP_VERBOSE", "1").assert().code(1).stderr(info);
}

/// A check of an empty directory store, which succeeds when the settings can be meant.
fn sound(directory: &Path) -> Command {
    let store = directory.join("store");
    fs_err::create_dir_all(&store).unwrap();
    let mut command = barkeep(directory);
    command
        .env("BARKEEP_STORE", format!("file://{}", store.display()))
        .env("BARKEEP_SERVER", "main")
        .args(["check", "--config", "my.toml"]);
    command
}

#[test]
fn of_the_ways_to_encrypt_the_nearest_is_taken_whole() {
    let here = scratch();
    let file = |text: &str| fs_err::write(here.path().join("my.toml"), format!("[s3]\n{text}\n")).unwrap();
    let key = here.path().join("key");
    fs_err::write(&key, format!("{}=\n", "A".repeat(43))).unwrap();
    fs_err::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let key = format!("file://{}", key.display());
    let customer = &*format!("--sse-customer-key={key}");
    file("sse = 'AES256'");
    sound(here.path()).arg(customer).assert().success();
    sound(here.path()).env("BARKEEP_S3_SSE_CUSTOMER_KEY", &key).assert().success();
    file("sse = 'aws:kms'\nsse-kms-key-id = 'k'");
    sound(here.path()).arg("--sse=AES256").assert().success();
    sound(here.path()).env("BARKEEP_S3_SSE", "AES256").assert().success();
    file("");
    sound(here.path()).arg(customer).env("BARKEEP_S3_SSE", "AES256").assert().success();
    let mut command = sound(here.path());
    command.arg("--sse=AES256").env("BARKEEP_S3_SSE_KMS_KEY_ID", "k").assert().success();
    // What one place says must fit together, and a half is no way to encrypt.
    sound(here.path())
        .args([customer, "--sse=AES256"])
        .assert()
        .code(2)
        .stderr(contains("exclude each other"));
    file("sse = 'aws:kms'");
    sound(here.path()).arg("--sse-kms-key-id=k").assert().code(2).stderr(contains("in the same place"));
}

#[test]
fn a_variable_that_is_set_to_nothing_counts_as_not_set() {
    let here = scratch();
    fs_err::write(here.path().join("my.toml"), "verbose = 1\n").unwrap();
    // Those that all verbs share are tried once.
    let variables: BTreeSet<String> = barkeep::front::native::command()
        .get_subcommands()
        .flat_map(clap::Command::get_arguments)
        .filter_map(|arg| arg.get_env()?.to_str().map(str::to_owned))
        .filter(|name| name != "BARKEEP_STORE" && name != "BARKEEP_SERVER")
        .collect();
    assert!(variables.len() > 20, "{variables:?}");
    for name in &variables {
        sound(here.path()).env(name, "").assert().success().stderr("");
        let mut told = fruitless(here.path());
        told.args(["--config", "my.toml"]).env(name, "").assert().code(1).stderr(contains("INFO"));
        fruitless(here.path()).env(name, "").assert().code(1).stderr("");
    }
    let mut archive = barkeep(here.path());
    archive.args(["wal-archive", "pg_wal/x"]).envs(variables.iter().map(|name| (name, "")));
    archive.assert().code(2).stderr(contains("no store is given"));
    barkeep(here.path()).arg("check").env("BARKEEP_STORE", "").assert().code(2).stderr(contains("no store"));
    let mut help = barkeep(here.path());
    help.args(["help", "check"])
        .env("BARKEEP_STORE", "")
        .assert()
        .success()
        .stdout(contains("BARKEEP_STORE"));
}

#[test]
fn v_tells_what_was_done_and_q_keeps_warnings_back() {
    let here = scratch();
    fruitless(here.path()).assert().code(1).stderr("");
    fruitless(here.path()).arg("-v").assert().code(1).stderr(contains(" INFO not in the archive"));
    // A spool that others can reach into is not used, which is worth a warning.
    let open = here.path().join("open");
    fs_err::create_dir(&open).unwrap();
    fs_err::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
    fs_err::write(here.path().join("my.toml"), "").unwrap();
    let warned =
        |words: &[&str]| sound(here.path()).args(words).env("BARKEEP_SPOOL", &open).assert().success();
    warned(&[]).stderr(contains(" WARN "));
    warned(&["-q"]).stderr("");
    warned(&["-q", "-v"]).stderr(contains(" WARN "));
    // -q keeps errors, -qq too: the error is what the command has to say, not a line of its log.
    for quiet in ["-q", "-qq"] {
        barkeep(here.path()).args(["check", quiet]).assert().code(2).stderr(contains("error: no store"));
    }
}

#[test]
fn log_lines_are_json_when_asked_for() {
    let here = scratch();
    fs_err::write(here.path().join("my.toml"), "log-format = 'json'\nverbose = 1\n").unwrap();
    let flags = vec!["-v", "--log-format", "json"];
    for words in [flags, vec!["--config", "my.toml"]] {
        let done = fruitless(here.path()).args(words).assert().code(1);
        let said: Value = serde_json::from_slice(&done.get_output().stderr).unwrap();
        assert_eq!((&said["level"], &said["name"]), (&"INFO".into(), &NAME.into()), "{said}");
        assert_eq!(said["message"], "not in the archive");
    }
    let words = ["--config", "my.toml", "--log-format", "text"];
    fruitless(here.path()).args(words).assert().code(1).stderr(contains(" INFO not in the archive"));
}

#[test]
fn the_environment_wins_over_the_sections_of_the_file() {
    let here = scratch();
    let file = |text: &str| fs_err::write(here.path().join("my.toml"), text).unwrap();
    file("[s3]\nendpoint-url = 'http://u:p@h'\n");
    sound(here.path()).assert().code(2).stderr(contains("--endpoint-url"));
    sound(here.path()).env("BARKEEP_S3_ENDPOINT_URL", "http://h").assert().success();

    file("[wal-restore]\non-error = 'stop'\n");
    let restore = || {
        let mut command = barkeep(here.path());
        command.args(["wal-restore", NAME, "there", "--config", "my.toml"]);
        command
    };
    restore().assert().code(126);
    restore().env("BARKEEP_WAL_RESTORE_ON_ERROR", "continue").assert().code(2);

    file("[check]\npgdata = '/nonexistent/data'\n");
    sound(here.path()).assert().failure().stdout(contains("/nonexistent/data"));
    let near = "/nonexistent/near";
    sound(here.path()).env("BARKEEP_CHECK_PGDATA", near).assert().failure().stdout(contains(near));
}

#[test]
fn an_endpoint_that_only_a_profile_names_is_part_of_the_archives_address() {
    let scratch = tempfile::tempdir().unwrap();
    let config = scratch.path().join("config");
    std::fs::write(&config, "[profile there]\nendpoint_url = http://127.0.0.1:1\nregion = eu-1\n").unwrap();
    let check = |profile: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_barkeep"));
        command.args(["check", "--json", "--store=s3://bucket", "--server=main", "--retry-for=1ms"]);
        command.env_clear().env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", profile);
        command.env("AWS_ACCESS_KEY_ID", "AK").env("AWS_SECRET_ACCESS_KEY", "SK");
        command.env("BARKEEP_SPOOL", scratch.path().join("spool")).output().unwrap()
    };
    let found = check("there");
    assert!(
        String::from_utf8_lossy(&found.stdout).contains("s3://bucket at http://127.0.0.1:1"),
        "{found:?}"
    );
    let missing = check("nowhere");
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stdout).contains("nowhere"), "{missing:?}");
}
