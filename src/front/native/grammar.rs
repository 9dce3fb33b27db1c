//! The grammar of the configuration file: which keys there are, where, and what a wrong one may have meant.

use std::cell::LazyCell;

use clap::{Args, Command};

use super::args::{ArchiveArgs, AzureArgs, GcsArgs, OutputArgs, S3Args};
use super::backup::BackupArgs;
use super::check::CheckArgs;
use super::drill::DrillArgs;
use super::gc::GcArgs;
use super::metrics::MetricsArgs;
use super::report::ReportArgs;
use super::restore::RestoreArgs;
use super::retention::RetentionArgs;
use super::schedule::ScheduleArgs;
use super::status::StatusArgs;
use super::verify::VerifyArgs;
use super::wal_archive::WalArchiveArgs;
use super::wal_find::WalFindArgs;
use super::wal_flush::WalFlushArgs;
use super::wal_restore::WalRestoreArgs;
use crate::error::{Error, Result};

/// The section with several stores.
pub(super) const STORES: &str = "object-store";

/// A section's name, and what tells its keys.
type Section = (&'static str, fn() -> Vec<String>);

/// The sections; the nameless one is the top level. The flags are asked, so that a key exists exactly when its
/// flag does, and only those of the sections that a file has: PostgreSQL waits for it.
pub(super) const SECTIONS: [Section; 19] = [
    ("", || [keys::<ArchiveArgs>(""), keys::<OutputArgs>("")].concat()),
    ("s3", || keys::<S3Args>("")),
    ("azure", || keys::<AzureArgs>("azure-")),
    ("gcs", || keys::<GcsArgs>("gcs-")),
    ("wal-archive", || keys::<WalArchiveArgs>("")),
    ("wal-restore", || keys::<WalRestoreArgs>("")),
    ("wal-flush", || keys::<WalFlushArgs>("")),
    ("check", || keys::<CheckArgs>("")),
    ("backup", || keys::<BackupArgs>("")),
    ("restore", || keys::<RestoreArgs>("")),
    ("retention", || [keys::<RetentionArgs>(""), vec!["policy".to_owned()]].concat()),
    ("status", || keys::<StatusArgs>("")),
    ("metrics", || keys::<MetricsArgs>("")),
    ("report", || keys::<ReportArgs>("")),
    ("verify", || keys::<VerifyArgs>("")),
    ("wal-find", || keys::<WalFindArgs>("")),
    ("gc", || keys::<GcArgs>("")),
    ("drill", || keys::<DrillArgs>("")),
    ("schedule", || keys::<ScheduleArgs>("")),
];

/// Whether a file has only keys and sections that exist.
pub(super) fn known(table: &toml::Table) -> Result<()> {
    let top = LazyCell::new(|| keys_of("").unwrap_or_default());
    for (name, value) in table {
        let section = keys_of(name).filter(|_| !name.is_empty());
        match (value, section) {
            (toml::Value::Table(found), Some(keys)) => {
                if let Some(key) = found.keys().find(|key| !keys.contains(key)) {
                    return Err(unknown(name, key));
                }
            }
            (_, Some(_)) => return Err(Error::usage(format!("`{name}` is a section: write `[{name}]`"))),
            (_, None) if top.contains(name) => {}
            (_, None) => return Err(unknown("", name)),
        }
    }
    Ok(())
}

/// Whether one of several stores has only keys that exist.
pub(super) fn known_of_store(name: &str, store: &toml::Table) -> Result<()> {
    let archive = keys::<ArchiveArgs>("");
    for (key, value) in store {
        let place = match value {
            toml::Value::Table(section) if ["s3", "azure", "gcs"].contains(&key.as_str()) => {
                let keys = keys_of(key).unwrap_or_default();
                section.keys().find(|inner| !keys.contains(inner)).map(|inner| (key.as_str(), inner))
            }
            _ if archive.contains(key) => None,
            _ => Some(("", key)),
        };
        if let Some((section, key)) = place {
            let section = if section.is_empty() { String::new() } else { format!(".{section}") };
            return Err(Error::usage(format!("unknown key `{key}` in [{STORES}.{name}{section}]"))
                .hint("store, server, spool and memory belong there, and the sections s3, azure and gcs"));
        }
    }
    Ok(())
}

/// The keys of a section, if there is one with this name.
fn keys_of(section: &str) -> Option<Vec<String>> {
    SECTIONS.iter().find(|(name, _)| *name == section).map(|(_, keys)| keys())
}

/// The flags of a group, without the prefix that names the section on the line already.
fn keys<A: Args>(prefix: &str) -> Vec<String> {
    let group = A::augment_args(Command::new(""));
    let flags = group.get_arguments().filter_map(clap::Arg::get_long);
    flags.map(|flag| flag.strip_prefix(prefix).unwrap_or(flag).to_owned()).collect()
}

/// The refusal of a key, with where it belongs or what it may be meant for.
fn unknown(section: &str, key: &str) -> Error {
    let place = |name: &str| match name {
        "" => "at the top, before all sections".to_owned(),
        name => format!("in [{name}]"),
    };
    let error = Error::usage(format!("unknown key `{key}` {}", place(section)));
    let all: Vec<(&str, String)> =
        SECTIONS.iter().flat_map(|(name, keys)| keys().into_iter().map(move |k| (*name, k))).collect();
    if let Some((name, _)) = all.iter().find(|(_, k)| k == key) {
        return error.hint(format!("`{key}` belongs {}", place(name)));
    }
    // A misspelled key of the same section is likelier than one of another section.
    let sections = SECTIONS[1..].iter().filter(|_| section.is_empty()).map(|(name, _)| ("", *name));
    let nearest = all
        .iter()
        .map(|(name, k)| (*name, k.as_str()))
        .chain(sections)
        .map(|(name, k)| {
            let bonus = if name == section { 0.05 } else { 0.0 };
            (strsim::jaro_winkler(k, key) + bonus, name, k)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, name, k)) if name == section => error.hint(format!("the nearest valid key is `{k}`")),
        Some((_, name, k)) => error.hint(format!("the nearest valid key is `{k}` {}", place(name))),
        None => error,
    }
}
