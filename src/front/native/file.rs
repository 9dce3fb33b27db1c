//! The configuration file.
//!
//! TOML, and the names of the flags are its keys. What belongs to every verb stands at the top
//! (`store`, `server`, `spool`, `memory`, `json`, `verbose`, `quiet`, `log-format`); the rest in a
//! section each: `[s3]`, `[azure]`, `[gcs]`, `[wal-archive]`, `[wal-restore]`, `[check]`, `[backup]`,
//! `[restore]`, `[retention]`, `[status]`, `[report]`, `[verify]`. A key that does not exist is an error, because a setting that is silently
//! ignored is found out on the day it was needed.
//! `docs/barkeep.toml` shows every key.

use std::path::Path;

use clap::{Args, Command};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::args::{ArchiveArgs, AzureArgs, GcsArgs, OutputArgs, S3Args};
use super::backup::BackupArgs;
use super::check::CheckArgs;
use super::drill::DrillArgs;
use super::gc::GcArgs;
use super::report::ReportArgs;
use super::restore::RestoreArgs;
use super::retention::RetentionArgs;
use super::status::StatusArgs;
use super::verify::VerifyArgs;
use super::wal::{WalArchiveArgs, WalRestoreArgs};
use crate::error::{Context as _, Error, Result};

/// Where the file is when nobody says so.
pub(crate) const DEFAULT: &str = "/etc/barkeep/barkeep.toml";

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) archive: ArchiveArgs,
    pub(crate) output: OutputArgs,
    pub(crate) sections: Sections,
}

/// The file's sections.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct Sections {
    pub(crate) s3: S3Args,
    pub(crate) azure: AzureArgs,
    pub(crate) gcs: GcsArgs,
    pub(crate) wal_archive: WalArchiveArgs,
    pub(crate) wal_restore: WalRestoreArgs,
    pub(crate) check: CheckArgs,
    pub(crate) backup: BackupArgs,
    pub(crate) restore: RestoreArgs,
    pub(crate) retention: RetentionArgs,
    pub(crate) status: StatusArgs,
    pub(crate) report: ReportArgs,
    pub(crate) verify: VerifyArgs,
    pub(crate) gc: GcArgs,
    pub(crate) drill: DrillArgs,
}

impl File {
    /// Reads the file: `named` must exist, the default one need not.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self> {
        let path = named.unwrap_or(Path::new(DEFAULT));
        match fs_err::read_to_string(path) {
            Ok(text) => Self::parse(&text).context(|| format!("read {}", path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => Ok(Self::default()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::usage(format!("the configuration file {} does not exist", path.display())))
            }
            Err(e) => Err(Error::usage(format!("the configuration file cannot be read: {e}"))),
        }
    }

    /// Reads the file's text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = read(text)?;
        known(&table)?;
        Ok(Self { archive: read(text)?, output: read(text)?, sections: read(text)? })
    }
}

/// Reads one group; the error says in which line, without quoting it.
fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| {
        let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        Error::usage(format!("line {line}: {}", e.message().replace('\n', "; ")))
    })
}

/// The keys of each section; the nameless one is the top level. The flags are asked, so that a key
/// exists exactly when its flag does.
fn grammar() -> [(&'static str, Vec<String>); 15] {
    let mut top = keys::<ArchiveArgs>("");
    top.extend(keys::<OutputArgs>(""));
    [
        ("", top),
        ("s3", keys::<S3Args>("")),
        ("azure", keys::<AzureArgs>("azure-")),
        ("gcs", keys::<GcsArgs>("gcs-")),
        ("wal-archive", keys::<WalArchiveArgs>("")),
        ("wal-restore", keys::<WalRestoreArgs>("")),
        ("check", keys::<CheckArgs>("")),
        ("backup", keys::<BackupArgs>("")),
        ("restore", keys::<RestoreArgs>("")),
        ("retention", keys::<RetentionArgs>("")),
        ("status", keys::<StatusArgs>("")),
        ("report", keys::<ReportArgs>("")),
        ("verify", keys::<VerifyArgs>("")),
        ("gc", keys::<GcArgs>("")),
        ("drill", keys::<DrillArgs>("")),
    ]
}

/// The flags of a group, without the prefix that names the section on the line already.
fn keys<A: Args>(prefix: &str) -> Vec<String> {
    let group = A::augment_args(Command::new(""));
    let flags = group.get_arguments().filter_map(clap::Arg::get_long);
    flags.map(|flag| flag.strip_prefix(prefix).unwrap_or(flag).to_owned()).collect()
}

/// Whether the file has only keys and sections that exist.
fn known(table: &toml::Table) -> Result<()> {
    let grammar = grammar();
    for (name, value) in table {
        let is_section = grammar[1..].iter().any(|(section, _)| section == name);
        match value {
            toml::Value::Table(section) if is_section => {
                if let Some(key) = section.keys().find(|key| !has(&grammar, name, key)) {
                    return Err(unknown(&grammar, name, key));
                }
            }
            _ if is_section => {
                return Err(Error::usage(format!("`{name}` is a section: write `[{name}]`")));
            }
            _ if has(&grammar, "", name) => {}
            _ => return Err(unknown(&grammar, "", name)),
        }
    }
    Ok(())
}

fn has(grammar: &[(&str, Vec<String>)], section: &str, key: &str) -> bool {
    grammar.iter().any(|(name, keys)| *name == section && keys.iter().any(|k| k == key))
}

fn unknown(grammar: &[(&str, Vec<String>)], section: &str, key: &str) -> Error {
    let place = |name: &str| match name {
        "" => "at the top, before all sections".to_owned(),
        name => format!("in [{name}]"),
    };
    let error = Error::usage(format!("unknown key `{key}` {}", place(section)));
    if let Some((name, _)) = grammar.iter().find(|(name, _)| has(grammar, name, key)) {
        return error.hint(format!("`{key}` belongs {}", place(name)));
    }
    // A misspelled key of the same section is likelier than one of another section.
    let candidates = grammar.iter().flat_map(|(name, keys)| keys.iter().map(move |k| (*name, k.as_str())));
    let sections = grammar[1..].iter().filter(|_| section.is_empty()).map(|(name, _)| ("", *name));
    let nearest = candidates
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::quantity::Size;

    fn refused(text: &str) -> (String, String) {
        let e = File::parse(text).unwrap_err();
        (e.to_string(), e.hint_text().unwrap_or_default().to_owned())
    }

    #[test]
    fn the_example_shows_every_key_and_each_can_be_read() {
        let example = include_str!("../../../docs/barkeep.toml");
        let live: String = example
            .lines()
            .map(|line| line.strip_prefix('#').filter(|l| !l.starts_with([' ', '#'])).unwrap_or(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        File::parse(example).unwrap();
        File::parse(&live).unwrap();
        let table: toml::Table = live.parse().unwrap();
        for (section, keys) in grammar() {
            let shown = if section.is_empty() { &table } else { table[section].as_table().unwrap() };
            for key in keys {
                assert!(shown.contains_key(&key), "docs/barkeep.toml lacks `{key}` in [{section}]");
            }
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest_or_its_place() {
        assert_eq!(
            refused("stroe = 'x'"),
            (
                "unknown key `stroe` at the top, before all sections".into(),
                "the nearest valid key is `store`".into()
            )
        );
        assert_eq!(refused("[s3]\nregoin = 'x'").1, "the nearest valid key is `region`");
        assert_eq!(refused("region = 'x'").1, "`region` belongs in [s3]");
        assert_eq!(refused("[azure]\nkms-key = 'x'").1, "`kms-key` belongs in [gcs]");
        assert_eq!(refused("[azure]\nazure-client-id = 'x'").1, "the nearest valid key is `client-id`");
        assert_eq!(refused("[s3]\nstore = 'x'").1, "`store` belongs at the top, before all sections");
        assert_eq!(refused("[wal-achive]").1, "the nearest valid key is `wal-archive`");
        assert_eq!(refused("s3 = 1").0, "`s3` is a section: write `[s3]`");
    }

    #[test]
    fn a_wrong_type_or_value_says_what_is_expected_and_in_which_line() {
        let (text, _) = refused("server = 'a'\nmemory = true");
        assert!(text.starts_with("line 2: ") && text.contains("a string or a whole number"), "{text}");
        let (text, _) = refused("\nmemory = 'much'");
        assert!(text.starts_with("line 2: ") && text.contains("96MiB"), "{text}");
        let (text, _) = refused("[wal-archive]\noverwrite = 'yes'");
        assert!(text.starts_with("line 2: ") && text.contains("boolean"), "{text}");
        let (text, _) = refused("[s3]\nsse = 'rot13'");
        assert!(text.contains("AES256"), "{text}");
        let (text, _) = refused("[azure]\ncredential = 'password'");
        assert!(text.contains("managed-identity"), "{text}");
        assert!(refused("store = ").0.starts_with("line 1: "));
    }

    #[test]
    fn numbers_will_do_where_they_spell_the_same() {
        let file = File::parse("memory = 1048576\n[wal-archive]\ncompression-level = -3").unwrap();
        assert_eq!(file.archive.memory, Some(Size(1 << 20)));
        assert!(file.sections.wal_archive.compression_level.is_some());
    }

    #[test]
    fn a_named_file_must_exist_and_the_default_need_not() {
        let missing = File::load(Some(Path::new("/nonexistent/barkeep.toml"))).unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/barkeep.toml"), "{missing}");
    }
}
