//! What `restore` writes for PostgreSQL, read back by PostgreSQL itself, newest and oldest.
//!
//! Needs the servers of `make servers`; `make test` runs it, plain `cargo test` does not.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

mod common;

use std::path::{Path, PathBuf};

use barkeep::command::restore::{Recovery, restore_command};
use barkeep::model::{RecoveryTarget, TargetAction, TargetPoint, TargetTimeline};
use common::pg::{NEWEST, OLDEST};
use common::{Scratch, as_postgres, give_to_postgres, installed};

/// An initialised data directory and its major.
struct Cluster {
    major: u32,
    data: PathBuf,
}

impl Cluster {
    fn init(scratch: &Scratch, major: u32) -> Self {
        let data = scratch.path(&format!("data-{major}"));
        let cluster = Self { major, data };
        let output = as_postgres(cluster.program("initdb"))
            .args(["--username=postgres", "--auth=trust", "--no-sync", "--no-locale", "--pgdata"])
            .arg(&cluster.data)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        cluster
    }

    fn program(&self, name: &str) -> PathBuf {
        installed(&format!("postgres-{}", self.major)).join("bin").join(name)
    }

    /// Writes `text` where settings of `ALTER SYSTEM` are, and ours behind it.
    fn configure(&self, text: &str, recovery: &Recovery) {
        let file = self.data.join("postgresql.auto.conf");
        std::fs::write(&file, text).unwrap();
        recovery.write(&self.data).unwrap();
        for name in ["postgresql.auto.conf", "recovery.signal", "standby.signal"] {
            let path = self.data.join(name);
            if path.exists() {
                give_to_postgres(&path);
            }
        }
    }

    /// What PostgreSQL makes of a setting, having read all of them.
    fn show(&self, name: &str) -> String {
        let output =
            as_postgres(self.program("postgres")).args(["-C", name, "-D"]).arg(&self.data).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} {name}: {errors}", self.major);
        String::from_utf8(output.stdout).unwrap().strip_suffix('\n').unwrap().to_owned()
    }
}

fn recovery(point: TargetPoint) -> Recovery {
    let target = RecoveryTarget {
        point,
        inclusive: false,
        timeline: TargetTimeline::Latest,
        action: TargetAction::Promote,
    };
    Recovery { restore_command: "false".to_owned(), target, standby: false, primary_conninfo: None }
}

const STRANGE: [&str; 5] =
    ["plain", "it's", r"C:\pg\data", "100% 'of' \\it\\ %%", "two words # no comment, \"quoted\""];

#[test]
fn a_value_arrives_as_it_was_meant_whatever_characters_it_has() {
    let scratch = Scratch::new();
    for major in [NEWEST, OLDEST] {
        let cluster = Cluster::init(&scratch, major);
        for strange in STRANGE {
            let recovery = Recovery {
                restore_command: restore_command(["barkeep", strange]),
                standby: true,
                primary_conninfo: Some(format!("host=db password='{strange}'")),
                ..recovery(TargetPoint::Latest)
            };
            cluster.configure("", &recovery);
            assert_eq!(cluster.show("restore_command"), recovery.restore_command, "{major}");
            assert_eq!(Some(cluster.show("primary_conninfo")), recovery.primary_conninfo, "{major}");
            let named = self::recovery(TargetPoint::Name(strange.parse().unwrap()));
            cluster.configure("", &named);
            assert_eq!(cluster.show("recovery_target_name"), strange, "{major}");
        }
    }
}

#[test]
fn the_command_reaches_the_program_word_for_word() {
    for strange in STRANGE {
        // PostgreSQL replaces %% by %, and %f and %p by what they stand for.
        let command = restore_command(["printf", "%s\\n", strange, "$HOME `id` $(id)"]);
        let command = command.replace("%f", "F").replace("%p", "P").replace("%%", "%");
        let output = as_postgres("sh").args(["-c", &command]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text, format!("{strange}\n$HOME `id` $(id)\nF\nP\n"), "{command}");
    }
}

#[test]
fn no_target_that_the_copy_brought_survives_and_two_are_never_counted() {
    let left = "recovery_target_xid = '7'\nrecovery_target_name = 'x'\nrecovery_target_action = 'shutdown'\n\
                recovery_target_timeline = 'current'\narchive_mode = 'on'\nrestore_command = 'cp /old/%f %p'\n";
    let points = [
        (TargetPoint::Latest, "recovery_target", ""),
        (TargetPoint::Immediate, "recovery_target", "immediate"),
        (
            TargetPoint::Time("2026-01-31T11:00:00.5Z".parse().unwrap()),
            "recovery_target_time",
            "2026-01-31 11:00:00.500000+00",
        ),
        (TargetPoint::Lsn("16/B374D848".parse().unwrap()), "recovery_target_lsn", "16/B374D848"),
        (TargetPoint::Xid("4711".parse().unwrap()), "recovery_target_xid", "4711"),
        (TargetPoint::Name("before".parse().unwrap()), "recovery_target_name", "before"),
    ];
    let scratch = Scratch::new();
    for major in [NEWEST, OLDEST] {
        let cluster = Cluster::init(&scratch, major);
        // One target in the main file, another where ALTER SYSTEM writes.
        append(&cluster.data.join("postgresql.conf"), "recovery_target_lsn = '0/1'\n");
        for (point, name, value) in &points {
            cluster.configure(&left.replace("recovery_target_name = 'x'\n", ""), &recovery(point.clone()));
            assert_eq!(cluster.show(name), *value, "{major}");
            for (other, expected) in [
                ("recovery_target_action", "promote"),
                ("recovery_target_inclusive", "off"),
                ("recovery_target_timeline", "latest"),
                ("archive_mode", "off"),
                ("restore_command", "false"),
            ] {
                assert_eq!(cluster.show(other), expected, "{major} {other}");
            }
            let names = [
                "recovery_target",
                "recovery_target_lsn",
                "recovery_target_name",
                "recovery_target_time",
                "recovery_target_xid",
            ];
            for unused in names.iter().filter(|unused| *unused != name) {
                assert_eq!(cluster.show(unused), "", "{major} {unused} beside {name}");
            }
        }
    }
}

fn append(file: &Path, text: &str) {
    let mut all = std::fs::read_to_string(file).unwrap();
    all.push_str(text);
    std::fs::write(file, all).unwrap();
}
