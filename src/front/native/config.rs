//! The words of `config`.

use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::args::{Shared, WhichArgs};
use super::check::CheckArgs;
use super::configured::{self, Judged, Moved};
use super::file::{DEFAULT, File};
use super::render::{Checked, Report};
use super::settings::Settings;
use super::{Around, told};
use crate::command::check as check_verb;
use crate::error::{Error, Result};
use crate::front::borrowed::Environment;
use crate::front::manifest::{self, Documents, Problem, Problems};
use crate::front::run::block_on;

/// Check the configuration, or show where each setting comes from
///
/// check lists everything that is wrong with a file, without contact to the store unless --online.
/// explain shows every effective setting with its origin; secrets are masked. from-cluster turns the
/// archive blocks of a Cluster into ObjectStores and the plugin's stanza.
#[derive(Debug, Args)]
pub(crate) struct Config {
    /// What to do
    #[arg(value_name = "WHAT")]
    what: What,
    /// The file to look at [default: --config]; for explain a verb
    ///
    /// Without a verb explain shows the settings of all.
    #[arg(value_name = "FILE|VERB")]
    subject: Option<String>,
    /// With check: ask the store as well, as `barkeep check` does
    #[arg(
        long, env = "BARKEEP_CONFIG_ONLINE", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    online: Option<bool>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// List everything that is wrong
    Check,
    /// Show every setting, and where it comes from
    Explain,
    /// Turn a Cluster's archive blocks into ObjectStores
    FromCluster,
}

impl Config {
    /// Does it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        match self.what {
            What::Check => self.check(around.environment),
            What::Explain => self.explain(around.environment),
            What::FromCluster => {
                let (path, text) = self.read()?;
                let documents = manifest::read(&text, None, &Problems::default())?;
                manifest::move_out(&text, &documents)
                    .map_err(|e| e.context(format!("read {}", path.display())))
                    .map(|yaml| Box::new(Moved(yaml)) as Box<dyn Report>)
            }
        }
    }

    fn path(&self) -> PathBuf {
        let named = self.subject.as_ref().filter(|_| self.what != What::Explain).map(PathBuf::from);
        named.or_else(|| self.shared.config.clone()).unwrap_or_else(|| DEFAULT.into())
    }

    fn read(&self) -> Result<(PathBuf, String)> {
        let path = self.path();
        let text = fs_err::read_to_string(&path).map_err(|e| {
            Error::usage(format!("the configuration cannot be read: {e}"))
                .hint("name a file that this user may read: as an argument, or with --config")
        })?;
        Ok((path, text))
    }

    fn check(mut self, environment: Environment<'_>) -> Result<Box<dyn Report>> {
        let (path, text) = self.read()?;
        let which = &self.shared.which;
        if self.online.unwrap_or(false) && which.from.is_some() {
            return Err(Error::usage(
                "--online writes probes, and the archive of --from is another cluster's",
            )
            .hint("`barkeep status --from` reads it; leave out --online or --from"));
        }
        let (problems, lines) = if manifest::is_one(&path, &text) {
            judge(&path, &text, which, environment)
        } else {
            match File::of_toml(&text, which) {
                Ok(_) => (Vec::new(), Vec::new()),
                Err(e) => (
                    vec![Problem { what: e.to_string(), hint: e.hint_text().map(str::to_owned) }],
                    Vec::new(),
                ),
            }
        };
        let mut judged = Judged { path: path.display().to_string(), problems, lines, checked: None };
        if judged.problems.is_empty() && self.online.unwrap_or(false) {
            self.shared.config = Some(path);
            let shared = &self.shared;
            let file = File::load(shared.config.as_deref(), &shared.which, "check", environment)?;
            let settings = Settings::resolve(self.shared.clone(), &file, environment)?;
            let request = CheckArgs::default().request(&settings, &file, environment);
            judged.checked = Some(Checked(block_on(check_verb::run(&request, &settings.wire))?));
        }
        told(Ok(judged))
    }

    fn explain(self, environment: Environment<'_>) -> Result<Box<dyn Report>> {
        let verb = self.subject.clone();
        let tree = super::command();
        let verbs: Vec<&str> = tree.get_subcommands().map(clap::Command::get_name).collect();
        if let Some(verb) = verb.as_deref().filter(|verb| !verbs.contains(verb)) {
            return Err(Error::usage(format!("`{verb}` is no verb"))
                .hint("name a verb of barkeep, or none for all; the file goes to --config"));
        }
        let name = verb.as_deref().unwrap_or("config");
        let shared = self.shared.clone();
        let file = File::load(shared.config.as_deref(), &shared.which, name, environment)?;
        let settings = Settings::resolve(shared, &file, environment)?;
        let words: Vec<_> = std::env::args_os().collect();
        told(configured::explain(verb.as_deref(), &settings, &file, environment, &words))
    }
}

/// All problems of a manifest, and what is in it: of the archive that is named, else of every one.
pub(super) fn judge(
    path: &Path,
    text: &str,
    which: &WhichArgs,
    environment: Environment<'_>,
) -> (Vec<Problem>, Vec<String>) {
    let problems = Problems::default();
    let substitute = |text: &str| manifest::envsubst(text, environment);
    let substitute: Option<manifest::yaml::Substitute<'_>> =
        if which.envsubst.unwrap_or(false) { Some(&substitute) } else { None };
    let documents = match manifest::read(text, substitute, &problems) {
        Ok(documents) => documents,
        Err(e) => return (vec![of_error(&e)], Vec::new()),
    };
    for which in every(&documents, which) {
        for verb in ["wal-archive", "backup", "wal-restore", "config"] {
            if let Err(e) = File::of_manifest(path, text, &which, verb, environment, &problems) {
                problems.add(of_error(&e));
            }
        }
    }
    let mut all: Vec<Problem> = Vec::new();
    for problem in problems.into_all() {
        if !all.contains(&problem) {
            all.push(problem);
        }
    }
    (all, summary(&documents, Timestamp::now()))
}

fn of_error(e: &Error) -> Problem {
    Problem { what: e.to_string(), hint: e.hint_text().map(str::to_owned) }
}

/// Every archive that can be meant, unless one is named.
fn every(documents: &Documents, which: &WhichArgs) -> Vec<WhichArgs> {
    if which.object_store.is_some() || which.cluster.is_some() || which.from.is_some() {
        return vec![which.clone()];
    }
    let stores = documents
        .stores
        .iter()
        .map(|store| WhichArgs { object_store: Some(store.name.to_string()), ..which.clone() });
    let clusters = documents.clusters.iter().flat_map(|cluster| {
        let of = |from: Option<&str>| WhichArgs {
            cluster: Some(cluster.name.to_string()),
            from: from.map(str::to_owned),
            ..which.clone()
        };
        let own = cluster.archive.iter().map(|_| of(None)).collect::<Vec<_>>();
        let externals = cluster.externals.iter().filter(|external| external.source.is_some());
        own.into_iter().chain(externals.map(|external| of(Some(&external.name.value))).collect::<Vec<_>>())
    });
    let all: Vec<_> = stores.chain(clusters).collect();
    if all.is_empty() { vec![which.clone()] } else { all }
}

/// What a file has, in a line each.
fn summary(documents: &Documents, now: Timestamp) -> Vec<String> {
    let mut lines: Vec<String> =
        documents.stores.iter().map(|store| format!("ObjectStore {}", store.name)).collect();
    lines.extend(documents.clusters.iter().map(|cluster| format!("Cluster {}", cluster.name)));
    lines.extend(documents.secrets.iter().map(|secret| format!("Secret {}", secret.name)));
    lines.extend(documents.backups.iter().map(|one| format!("Backup {} of {}", one.name, one.cluster.value)));
    for one in &documents.schedules {
        let when = match one.schedule.next_after(now) {
            _ if one.suspend => "suspended".to_owned(),
            Some(next) => format!("next {next}"),
            None => "never due".to_owned(),
        };
        let when = if one.immediate { format!("at once, {when}") } else { when };
        lines
            .push(format!("ScheduledBackup {} of {}: {}, {when}", one.name, one.cluster.value, one.schedule));
    }
    lines.extend(documents.others.iter().map(|other| format!("{other}: not used")));
    lines
}

/// Reads a manifest's text as far as that goes; for the laws of `fuzz`.
#[cfg(any(test, fuzzing))]
pub(super) fn read_manifest(text: &str) -> Result<()> {
    let (problems, _) = judge(Path::new("f.yaml"), text, &WhichArgs::default(), &|_| None);
    manifest::refuse(&problems)
}
