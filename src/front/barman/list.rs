//! `barman-cloud-backup-list`: what backups there are (spec/barman-cloud.md 2.4).

use clap::Parser;

use super::code::{Code, End};
use super::door::{Door, Shares};
use super::python::Json;
use super::words::{Common, CustomerKey};
use super::{LEVEL, catalog, place, record};
use crate::archive::Entry;
use crate::model::BackupStatus;

/// List the backups
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-list", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// console, or anything else for JSON
    #[arg(long, default_value = "console")]
    format: String,
    #[command(flatten)]
    key: CustomerKey,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// What `--format` says for the table; every other word means JSON.
pub(super) const CONSOLE: &str = "console";

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let Words { common, format, key } = words;
    let wire = place::wire(&common, Some(&key), None)?;
    let catalog = catalog::read(&wire)?;
    catalog::warn_of_unreadable(&catalog);
    let text = if format == CONSOLE { table(&catalog.entries) } else { json(&catalog.entries) };
    door.say(&text);
    Ok(Code::Success)
}

/// One line for each, with blanks up to the end of the last column.
fn table(entries: &[Entry]) -> String {
    let line = |id: &str, end: &str, wal: &str, status: &str, name: &str| {
        format!("{id:<20}{end:<25}{wal:<30}{status:<17}{name:<20}\n")
    };
    let head = line("Backup ID", "End Time", "Begin Wal", "Archival Status", "Name");
    let lines = entries.iter().map(|entry| {
        let backup = &entry.backup;
        let end = backup.end.time.as_ref().map(|time| time.strftime("%Y-%m-%d %H:%M:%S").to_string());
        let wal = backup.begin.wal.map(|wal| wal.to_string());
        line(
            backup.id.as_str(),
            &end.unwrap_or_default(),
            &wal.unwrap_or_default(),
            &archival_status(entry),
            backup.name.as_deref().unwrap_or_default(),
        )
    });
    std::iter::once(head).chain(lines).collect()
}

/// Of a complete backup what it is kept for, of any other how far it has come.
fn archival_status(entry: &Entry) -> String {
    match (entry.backup.status, entry.keep) {
        (BackupStatus::Done, Some(keep)) => format!("KEEP:{}", keep.name().to_uppercase()),
        (BackupStatus::Done, None) => String::new(),
        (status, _) => status.to_string(),
    }
}

fn json(entries: &[Entry]) -> String {
    let all = entries.iter().map(|entry| record::json(&entry.backup)).collect();
    format!("{}\n", Json::Object(vec![("backups_list".to_owned(), Json::List(all))]))
}
