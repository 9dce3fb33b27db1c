//! What PostgreSQL is told about its recovery: settings and a signal file.

use std::path::Path;

use super::Signal;
use super::destination::put;
use crate::error::Result;
use crate::model::{RecoveryTarget, TargetPoint, utc};

/// How a restored copy recovers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// PostgreSQL's `restore_command`, with its `%f` and `%p`.
    pub restore_command: String,
    /// How far it goes. A standby goes on and on, and only its timeline counts.
    pub target: RecoveryTarget,
    /// Stay a standby.
    pub standby: bool,
    /// Where a standby streams from.
    pub primary_conninfo: Option<String>,
}

/// The first line of our part of `postgresql.auto.conf`, and the last.
const BEGIN: &str = "# barkeep restore: begin";
const END: &str = "# barkeep restore: end";

const AUTO_CONF: &str = "postgresql.auto.conf";

impl Recovery {
    /// The settings in the order in which they must stand: PostgreSQL counts two targets as an error even
    /// when the second is empty, so the empty ones, which are there to silence what the copied
    /// configuration says, come before the one that is meant.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let point = if self.standby { &TargetPoint::Latest } else { &self.target.point };
        let target = match point {
            TargetPoint::Latest => None,
            TargetPoint::Immediate => Some(("recovery_target", "immediate".to_owned())),
            TargetPoint::Time(time) => Some(("recovery_target_time", utc(*time))),
            TargetPoint::Lsn(lsn) => Some(("recovery_target_lsn", lsn.to_string())),
            TargetPoint::Xid(xid) => Some(("recovery_target_xid", xid.to_string())),
            TargetPoint::Name(name) => Some(("recovery_target_name", name.to_string())),
        };
        let all = [
            "recovery_target",
            "recovery_target_lsn",
            "recovery_target_name",
            "recovery_target_time",
            "recovery_target_xid",
        ];
        let used = target.as_ref().map(|(name, _)| *name);
        let unused = all.into_iter().filter(|name| Some(*name) != used).map(|name| (name, String::new()));
        let mut settings: Vec<_> = unused.chain(target).collect();
        settings.push(("recovery_target_inclusive", self.target.inclusive.to_string()));
        settings.push(("recovery_target_action", self.target.action.to_string()));
        settings.push(("recovery_target_timeline", self.target.timeline.to_string()));
        settings.push(("restore_command", self.restore_command.clone()));
        if let Some(conninfo) = self.primary_conninfo.as_ref().filter(|_| self.standby) {
            settings.push(("primary_conninfo", conninfo.clone()));
        }
        // A copy that archived where the original does would spoil the archive of both.
        settings.push(("archive_mode", "off".to_owned()));
        settings
    }

    /// `postgresql.auto.conf` with our part at its end, where the last word counts; that of an earlier
    /// restore is taken out, and everything else stays as it is, byte for byte: values are in the encoding
    /// of whoever set them.
    pub fn append_to(&self, before: &[u8]) -> Vec<u8> {
        let mut all = without_ours(before);
        if !all.is_empty() && !all.ends_with(b"\n") {
            all.push(b'\n');
        }
        let settings =
            self.settings().into_iter().map(|(name, value)| format!("{name} = {}", quoted(&value)));
        for line in [BEGIN.to_owned()].into_iter().chain(settings).chain([END.to_owned()]) {
            all.extend_from_slice(line.as_bytes());
            all.push(b'\n');
        }
        all
    }

    /// What its signal file asks for.
    pub const fn signal(&self) -> Signal {
        if self.standby { Signal::Standby } else { Signal::Recovery }
    }

    /// Writes settings and signal file into a data directory, in the place of what the copy brought.
    pub fn write(&self, data: &Path) -> Result<()> {
        let file = data.join(AUTO_CONF);
        let before = match fs_err::read(&file) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e.into()),
        };
        put(&file, &self.append_to(&before))?;
        let (ours, other) = match self.signal() {
            Signal::Standby => ("standby.signal", "recovery.signal"),
            Signal::Recovery | Signal::None => ("recovery.signal", "standby.signal"),
        };
        // A backup of a standby brings its signal file, which would win.
        match fs_err::remove_file(data.join(other)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
        put(&data.join(ours), b"")
    }
}

/// A value as the configuration file's grammar has it: quotes and backslashes doubled, and no line break
/// that the grammar would not take.
fn quoted(value: &str) -> String {
    let inner = value.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n").replace('\r', "\\r");
    format!("'{inner}'")
}

fn without_ours(before: &[u8]) -> Vec<u8> {
    let mut inside = false;
    let kept = before.split_inclusive(|byte| *byte == b'\n').filter(|line| {
        let line = line.trim_ascii_end();
        inside = inside || line == BEGIN.as_bytes();
        let keep = !inside;
        inside = inside && line != END.as_bytes();
        keep
    });
    kept.flatten().copied().collect()
}

/// A command for PostgreSQL's `restore_command`: its words quoted for the shell, with `%` doubled, since
/// it stands for something, and `%f %p` behind them.
pub fn restore_command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words = words.into_iter().map(|word| shell_word(word).replace('%', "%%"));
    words.fold(String::new(), |all, word| all + &word + " ") + "%f %p"
}

fn shell_word(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_=/.:,@+%".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{TargetAction, TargetTimeline};

    fn recovery(point: TargetPoint) -> Recovery {
        Recovery {
            restore_command: "barkeep wal-restore %f %p".to_owned(),
            target: RecoveryTarget {
                point,
                inclusive: true,
                timeline: TargetTimeline::Latest,
                action: TargetAction::Pause,
            },
            standby: false,
            primary_conninfo: None,
        }
    }

    fn appended(recovery: &Recovery, before: &str) -> String {
        String::from_utf8(recovery.append_to(before.as_bytes())).unwrap()
    }

    #[test]
    fn the_copied_settings_stay_and_ours_have_the_last_word() {
        let before = "work_mem = '8MB'\nrecovery_target_xid = '7'";
        let text = appended(&recovery(TargetPoint::Time("2026-01-31T11:00:00Z".parse().unwrap())), before);
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_second_restore_replaces_what_the_first_one_wrote() {
        let first = appended(&recovery(TargetPoint::Immediate), "a = '1'\n");
        let again = appended(&recovery(TargetPoint::Latest), &(first + "b = '2'\n"));
        assert_eq!(again.matches(BEGIN).count(), 1);
        assert!(again.starts_with("a = '1'\nb = '2'\n") && !again.contains("immediate"), "{again}");
    }

    #[test]
    fn what_is_not_utf_8_stays_byte_for_byte() {
        let before = b"application_name = 'caf\xe9'\r\n\na = '1'\n";
        let after = recovery(TargetPoint::Latest).append_to(before);
        assert!(after.starts_with(&[before.as_slice(), BEGIN.as_bytes(), b"\n"].concat()));
        let again = recovery(TargetPoint::Latest).append_to(&after);
        assert_eq!(again, after);
    }

    #[test]
    fn a_standby_has_no_target_and_streams() {
        let standby = Recovery {
            standby: true,
            primary_conninfo: Some("host=db password='it''s'".to_owned()),
            ..recovery(TargetPoint::Immediate)
        };
        let text = appended(&standby, "");
        assert!(text.contains("recovery_target = ''\n"), "{text}");
        assert!(text.contains("primary_conninfo = 'host=db password=''it''''s'''\n"), "{text}");
    }

    #[test]
    fn a_command_survives_shell_and_percent_signs() {
        let words = ["/opt/bar keep/barkeep", "wal-restore", "--store=file:///it's 100%", "--server=main"];
        assert_eq!(
            restore_command(words),
            r"'/opt/bar keep/barkeep' wal-restore '--store=file:///it'\''s 100%%' --server=main %f %p"
        );
    }
}
