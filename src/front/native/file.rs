//! The configuration file.
//!
//! TOML, and the names of the flags are its keys. What belongs to every verb stands at the top
//! (`store`, `server`, `spool`, `memory`, `json`, `verbose`, `quiet`, `log-format`); the rest in a
//! section each: `[s3]`, `[azure]`, `[gcs]`, and `[VERB]` for each verb with settings of its own. A key that does
//! not exist is an error, because a setting that is silently ignored is found out on the day it was needed.
//! `docs/barkeep.toml` shows every key. Instead of TOML the file may be a manifest of CloudNativePG, whose
//! fields become the same settings.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::args::{ArchiveArgs, AzureArgs, GcsArgs, Layer as _, OutputArgs, S3Args, WhichArgs};
use super::backup::BackupArgs;
use super::check::CheckArgs;
use super::drill::DrillArgs;
use super::gc::GcArgs;
use super::grammar::{STORES, known, known_of_store};
use super::metrics::MetricsArgs;
use super::report::ReportArgs;
use super::restore::{RecoveryWords, RestoreArgs};
use super::retention::RetentionArgs;
use super::schedule::ScheduleArgs;
use super::settings::flags;
use super::status::StatusArgs;
use super::verify::VerifyArgs;
use super::wal_archive::WalArchiveArgs;
use super::wal_find::WalFindArgs;
use super::wal_flush::WalFlushArgs;
use super::wal_restore::WalRestoreArgs;
use crate::error::{Context as _, Error, Result};
use crate::front::borrowed::Environment;
use crate::front::manifest::{
    self, Cabinet, Choice, Effective, Found, Hidden, Origin, Problem, Problems, Reads, Recovery, Secrets,
    refuse,
};

/// Where the file is when nobody says so.
pub(crate) const DEFAULT: &str = "/etc/barkeep/barkeep.toml";

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(crate) archive: ArchiveArgs,
    pub(crate) output: OutputArgs,
    pub(crate) sections: Sections,
    /// What a manifest has to sign in with.
    pub(crate) secrets: Secrets,
    /// What a manifest says `restore` is to aim at.
    pub(crate) recovery: Option<Recovery>,
    /// Whether a manifest says that what `restore` makes is a replica, and stays one.
    pub(crate) stands_by: bool,
    /// What a manifest says the environment should have besides.
    pub(crate) environment: Vec<(String, Hidden)>,
    /// The words by which another process finds a manifest.
    pub(crate) words: Vec<OsString>,
    /// For `config explain`: where everything was said.
    pub(crate) told: Told,
}

/// Where everything in a file was said.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// The file's name, when there is one.
    pub(crate) path: Option<PathBuf>,
    /// The archive of a manifest.
    pub(crate) effective: Option<Effective>,
    /// Where its secrets were found.
    pub(crate) origins: Vec<Origin>,
    /// The TOML file, the chosen store's settings in their places.
    pub(crate) table: toml::Table,
}

/// One of several stores in a TOML file; what it does not say is as at the top.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Section {
    #[serde(flatten)]
    archive: ArchiveArgs,
    s3: S3Args,
    azure: AzureArgs,
    gcs: GcsArgs,
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
    pub(crate) wal_flush: WalFlushArgs,
    pub(crate) check: CheckArgs,
    pub(crate) backup: BackupArgs,
    pub(crate) restore: RestoreArgs,
    pub(crate) retention: RetentionArgs,
    pub(crate) status: StatusArgs,
    pub(crate) metrics: MetricsArgs,
    pub(crate) report: ReportArgs,
    pub(crate) verify: VerifyArgs,
    pub(crate) wal_find: WalFindArgs,
    pub(crate) gc: GcArgs,
    pub(crate) drill: DrillArgs,
    pub(crate) schedule: ScheduleArgs,
}

impl File {
    /// Reads the file for a verb: `named` must exist, the default one need not.
    pub(crate) fn load(
        named: Option<&Path>,
        which: &WhichArgs,
        verb: &str,
        environment: Environment<'_>,
    ) -> Result<Self> {
        let path = named.unwrap_or(Path::new(DEFAULT));
        match fs_err::read_to_string(path) {
            Ok(text) if manifest::is_one(path, &text) => {
                let problems = Problems::default();
                let file = Self::of_manifest(path, &text, which, verb, environment, &problems);
                let file = file.and_then(|file| refuse(&problems.into_all()).map(|()| file));
                file.context(|| format!("read {}", path.display()))
            }
            Ok(text) => {
                let file = Self::of_toml(&text, which).context(|| format!("read {}", path.display()))?;
                Ok(Self { told: Told { path: Some(path.to_owned()), ..file.told }, ..file })
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && named.is_none() => Self::of_toml("", which),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::usage(format!("the configuration file {} does not exist", path.display()))
                    .hint("correct --config or BARKEEP_CONFIG, or leave them out"))
            }
            Err(e) => Err(Error::usage(format!("the configuration file cannot be read: {e}"))
                .hint(format!("{} must be a file that this user may read", path.display()))),
        }
    }

    /// Reads the file's text.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Self::of_toml(text, &WhichArgs::default())
    }

    /// Reads TOML, and takes one of several stores.
    pub(super) fn of_toml(text: &str, which: &WhichArgs) -> Result<Self> {
        for (flag, is_given) in [
            ("--cluster", which.cluster.is_some()),
            ("--from", which.from.is_some()),
            ("--secret-dir", which.secret_dir.is_some()),
        ] {
            if is_given {
                return Err(Error::usage(format!("{flag} is for manifests, and the configuration is none"))
                    .hint("name a manifest with --config, or leave it out"));
            }
        }
        let mut table: toml::Table = read(text)?;
        let stores = table.remove(STORES);
        known(&table)?;
        let mut file =
            Self { archive: read(text)?, output: read(text)?, sections: read(text)?, ..Self::default() };
        if let Some((store, raw)) =
            chosen(stores, which.object_store.as_deref(), file.archive.store.is_some())?
        {
            file.archive = store.archive.over(file.archive);
            file.sections.s3 = store.s3.over(file.sections.s3);
            file.sections.azure = store.azure.over(file.sections.azure);
            file.sections.gcs = store.gcs.over(file.sections.gcs);
            lay_over(&mut table, raw);
        }
        file.told.table = table;
        Ok(file)
    }

    /// Reads a manifest for a verb. All that is wrong with it is put to the problems; only what leaves
    /// nothing to go on with is an error.
    pub(super) fn of_manifest(
        path: &Path,
        text: &str,
        which: &WhichArgs,
        verb: &str,
        environment: Environment<'_>,
        problems: &Problems,
    ) -> Result<Self> {
        let substitute = |text: &str| manifest::envsubst(text, environment);
        let substitute: Option<manifest::yaml::Substitute<'_>> =
            if which.envsubst.unwrap_or(false) { Some(&substitute) } else { None };
        let documents = manifest::read(text, substitute, problems)?;
        let choice = Choice {
            store: which.object_store.clone(),
            cluster: which.cluster.clone(),
            from: which.from.clone(),
            reads: Reads::of(verb),
        };
        let effective = manifest::choose(&documents, &choice, problems)?;
        let cabinet = Cabinet { documents: &documents, directory: which.secret_dir.as_deref(), environment };
        let Found { secrets, origins, environment } = cabinet.open(&effective, problems);
        if let Some(recovery) = &effective.recovery {
            RecoveryWords::read(recovery).unwrap_or_else(|e| {
                problems.add(Problem { what: e.to_string(), hint: e.hint_text().map(str::to_owned) });
                RecoveryWords::default()
            });
        }
        for setting in &effective.settings {
            if let Err(e) = Self::of_table(&manifest::table_of(std::iter::once(setting))) {
                problems.add_error(&setting.at, &e);
            }
        }
        let file = Self::of_table(&effective.table(verb)).unwrap_or_default();
        // Another verb would choose another archive by itself, and its secrets.
        let which = WhichArgs { from: effective.from.clone(), ..which.clone() };
        Ok(Self {
            secrets,
            recovery: effective.recovery.clone(),
            stands_by: effective.stands_by,
            environment,
            words: source_words(path, &which)?,
            told: Told {
                path: Some(path.to_owned()),
                effective: Some(effective),
                origins,
                table: toml::Table::new(),
            },
            ..file
        })
    }

    /// The file that settings in their places are.
    pub(super) fn of_table(table: &toml::Table) -> Result<Self> {
        fn part<T: DeserializeOwned>(table: &toml::Table) -> Result<T> {
            table
                .clone()
                .try_into()
                .map_err(|e: toml::de::Error| Error::usage(e.message().replace('\n', "; ")))
        }
        Ok(Self { archive: part(table)?, output: part(table)?, sections: part(table)?, ..Self::default() })
    }
}

/// The words that name a manifest to another process, wherever it runs.
fn source_words(path: &Path, which: &WhichArgs) -> Result<Vec<OsString>> {
    let absolute = |path: &Path| std::path::absolute(path).context(|| "find the configuration");
    let mut config = OsString::from("--config=");
    config.push(absolute(path)?);
    let secret_dir = which.secret_dir.as_deref().map(absolute).transpose()?;
    let mut words = vec![config];
    words.extend(flags("", &WhichArgs { secret_dir, ..which.clone() })?);
    Ok(words)
}

/// The store that is meant, of several in a TOML file, and its text.
fn chosen(
    stores: Option<toml::Value>,
    name: Option<&str>,
    has_own: bool,
) -> Result<Option<(Section, toml::Table)>> {
    let mut stores = match stores {
        Some(toml::Value::Table(stores)) => stores,
        Some(_) => return Err(Error::usage(format!("`{STORES}` is a section: write `[{STORES}.NAME]`"))),
        None => toml::Table::new(),
    };
    let names = stores.keys().cloned().collect::<Vec<_>>().join(", ");
    for (name, store) in &stores {
        let toml::Value::Table(store) = store else {
            return Err(Error::usage(format!("`{STORES}` is a section: write `[{STORES}.NAME]`")));
        };
        known_of_store(name, store)?;
    }
    let name = match (name, stores.len()) {
        (Some(name), _) if stores.contains_key(name) => name.to_owned(),
        (Some(name), 0) => {
            return Err(Error::usage(format!("there is no store `{name}`"))
                .hint(format!("write [{STORES}.{name}] into the file, or leave --{STORES} out")));
        }
        (Some(name), _) => return Err(Error::usage(format!("there is no store `{name}`, only {names}"))),
        (None, 0) => return Ok(None),
        // The one at the top is meant.
        (None, _) if has_own => return Ok(None),
        (None, 1) => names,
        (None, _) => {
            return Err(Error::usage(format!("there are several stores: {names}"))
                .hint(format!("say which with --{STORES}")));
        }
    };
    let Some(toml::Value::Table(raw)) = stores.remove(&name) else { return Ok(None) };
    let store = raw.clone().try_into();
    let store = store.map_err(|e: toml::de::Error| {
        Error::usage(format!("[{STORES}.{name}]: {}", e.message().replace('\n', "; ")))
    })?;
    Ok(Some((store, raw)))
}

/// Puts a table's values into another's, section by section.
fn lay_over(table: &mut toml::Table, nearer: toml::Table) {
    for (key, value) in nearer {
        match (table.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(nearer)) => below.extend(nearer),
            (_, value) => drop(table.insert(key, value)),
        }
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

#[cfg(test)]
mod tests {
    use super::super::grammar::SECTIONS;
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
        let offsite = WhichArgs { object_store: Some("offsite".into()), ..WhichArgs::default() };
        File::of_toml(&live, &offsite).unwrap();
        let table: toml::Table = live.parse().unwrap();
        for (section, keys) in SECTIONS {
            let shown = if section.is_empty() { &table } else { table[section].as_table().unwrap() };
            for key in keys() {
                assert!(shown.contains_key(&key), "docs/barkeep.toml lacks `{key}` in [{section}]");
            }
        }
    }

    /// What a restore wrote into PostgreSQL's configuration named the origin's store, and WAL was asked for with the
    /// secrets of the cluster's own.
    #[test]
    fn what_a_restore_from_the_clusters_origin_hands_on_names_that_origin() {
        let text = include_str!("../manifest/examples/replica.yaml");
        let words = |verb: &str, from: Option<&str>| {
            let which = WhichArgs {
                cluster: Some("replica".into()),
                from: from.map(str::to_owned),
                ..WhichArgs::default()
            };
            let problems = Problems::default();
            let file =
                File::of_manifest(Path::new("/f.yaml"), text, &which, verb, &|_| None, &problems).unwrap();
            file.words
        };
        let named = ["--config=/f.yaml", "--cluster=replica", "--from=primary"];
        assert_eq!(words("restore", None), named);
        assert_eq!(words("wal-restore", Some("primary")), named);
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
        let path = Some(Path::new("/nonexistent/barkeep.toml"));
        let missing = File::load(path, &WhichArgs::default(), "check", &|_| None).unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/barkeep.toml"), "{missing}");
    }

    #[test]
    fn one_of_several_stores_is_taken_and_leaves_the_rest_as_it_is() {
        let text = "server = 'main'\n[s3]\nregion = 'eu-1'\n\
                    [object-store.near]\nstore = 's3://near'\n\
                    [object-store.far]\nstore = 's3://far'\nserver = 'other'\n[object-store.far.s3]\nregion = 'us-2'\n";
        let named = |name: &str| WhichArgs { object_store: Some(name.into()), ..WhichArgs::default() };
        let told = |which: &WhichArgs, text: &str| {
            File::of_toml(text, which).map(|file| {
                let server = file.archive.server.map(|name| name.to_string()).unwrap_or_default();
                format!(
                    "{} {server} {}",
                    file.archive.store.unwrap_or_default(),
                    file.sections.s3.region.unwrap_or_default()
                )
            })
        };
        assert_eq!(told(&named("near"), text).unwrap(), "s3://near main eu-1");
        assert_eq!(told(&named("far"), text).unwrap(), "s3://far other us-2");
        let e = told(&WhichArgs::default(), text).unwrap_err();
        assert_eq!(e.to_string(), "there are several stores: far, near");
        let own = format!("store = 's3://own'\n{text}");
        assert_eq!(told(&WhichArgs::default(), &own).unwrap(), "s3://own main eu-1");
        assert!(told(&named("nowhere"), text).unwrap_err().to_string().contains("only far, near"));
        let e = told(&named("far"), &text.replace("region = 'us-2'", "regoin = 'us-2'")).unwrap_err();
        assert_eq!(e.to_string(), "unknown key `regoin` in [object-store.far.s3]");
    }
}
