//! The words of `schedule`.

mod crontab;
mod kubernetes;
mod plan;
mod quote;
mod source;
mod systemd;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use self::kubernetes::Pods;
use self::plan::{Due, Duty, Job, Plan, Sayings};
use self::source::Source;
use super::args::{Layer as _, Shared, layer, text};
use super::render::Report;
use super::settings::given;
use super::{Around, told};
use crate::command::texts::{self, Text as Printed, Written};
use crate::error::{Context as _, Error, Result};
use crate::model::Share;

/// Print timers for systemd, lines for cron or CronJobs for Kubernetes
///
/// For backup, retention, verify and drill, each when the configuration says: a section [schedule], or
/// the ScheduledBackups of a manifest; else by default. Nothing is run, and no secret is printed. A verb that
/// lacks a setting is left out, with a note.
#[derive(Debug, Args)]
pub(crate) struct Schedule {
    /// For whom
    #[arg(value_name = "FOR")]
    kind: Kind,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    own: ScheduleArgs,
    #[command(flatten)]
    pods: PodArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Units and timers
    Systemd,
    /// Lines of a crontab
    Crontab,
    /// CronJobs
    Kubernetes,
}

/// What is printed, and where to.
#[derive(Debug, Default, Args)]
struct What {
    /// Only these [default: all]
    #[arg(long, value_name = "VERB", env = "BARKEEP_SCHEDULE_VERB", value_delimiter = ',')]
    verb: Option<Vec<Duty>>,
    /// Begin the names of units and CronJobs so [default: barkeep]
    #[arg(long, value_name = "NAME", env = "BARKEEP_SCHEDULE_NAME")]
    name: Option<String>,
    /// Write files into this directory instead
    #[arg(long, value_name = "DIR", env = "BARKEEP_SCHEDULE_DIRECTORY")]
    directory: Option<PathBuf>,
    /// Replace files there that have another text
    #[arg(
        long, env = "BARKEEP_SCHEDULE_OVERWRITE", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    overwrite: Option<bool>,
}

/// The section `[schedule]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct ScheduleArgs {
    /// Back up then, in UTC, or never [default: 0 0 2 * * *]
    ///
    /// Six fields, the seconds first, or @daily and its like.
    #[arg(long, value_name = "WHEN", env = "BARKEEP_SCHEDULE_BACKUP")]
    #[serde(with = "text")]
    backup: Option<Due>,
    /// Apply the retention policy then [default: 0 0 5 * * *]
    #[arg(long, value_name = "WHEN", env = "BARKEEP_SCHEDULE_RETENTION")]
    #[serde(with = "text")]
    retention: Option<Due>,
    /// Verify then [default: 0 0 6 * * *]
    #[arg(long, value_name = "WHEN", env = "BARKEEP_SCHEDULE_VERIFY")]
    #[serde(with = "text")]
    verify: Option<Due>,
    /// Rehearse a restore then [default: 0 0 8 * * 0]
    #[arg(long, value_name = "WHEN", env = "BARKEEP_SCHEDULE_DRILL")]
    #[serde(with = "text")]
    drill: Option<Due>,
    /// Verify this share of the archive each time [default: 15%]
    #[arg(long, value_name = "N%", env = "BARKEEP_SCHEDULE_SAMPLE")]
    #[serde(with = "text")]
    sample: Option<Share>,
    /// Run as this user of the machine [default: postgres]
    #[arg(long, value_name = "USER", env = "BARKEEP_SCHEDULE_USER")]
    user: Option<String>,
    /// Call this program [default: this one]
    #[arg(long, value_name = "FILE", env = "BARKEEP_SCHEDULE_PROGRAM")]
    program: Option<PathBuf>,
    /// Variables [default for systemd: /etc/barkeep/environment]
    #[arg(long, value_name = "FILE", env = "BARKEEP_SCHEDULE_ENVIRONMENT_FILE")]
    environment_file: Option<PathBuf>,
}

layer!(ScheduleArgs: backup, retention, verify, drill, sample, user, program, environment_file);

impl ScheduleArgs {
    const fn due(&self, duty: Duty) -> Option<&Due> {
        match duty {
            Duty::Backup => self.backup.as_ref(),
            Duty::Retention => self.retention.as_ref(),
            Duty::Verify => self.verify.as_ref(),
            Duty::Drill => self.drill.as_ref(),
        }
    }
}

/// What only Kubernetes needs.
#[derive(Debug, Default, Args)]
struct PodArgs {
    /// Kubernetes: run this image
    #[arg(long, value_name = "IMAGE", env = "BARKEEP_SCHEDULE_IMAGE")]
    image: Option<String>,
    /// Kubernetes: drill with this image, which has PostgreSQL too
    #[arg(long, value_name = "IMAGE", env = "BARKEEP_SCHEDULE_DRILL_IMAGE", hide_short_help = true)]
    drill_image: Option<String>,
    /// Kubernetes: give a drill a volume of this size: 100Gi
    #[arg(long, value_name = "SIZE", env = "BARKEEP_SCHEDULE_SCRATCH_SIZE", hide_short_help = true)]
    scratch_size: Option<String>,
    /// Kubernetes: and of this storage class
    #[arg(long, value_name = "NAME", env = "BARKEEP_SCHEDULE_SCRATCH_CLASS", hide_short_help = true)]
    scratch_class: Option<String>,
    /// Kubernetes: the data directory is on this claim, in PATH
    ///
    /// It is the one that is backed up. Where the server answers is said in [backup], or by PG variables from
    /// --secret.
    #[arg(long, value_name = "CLAIM[:PATH]", env = "BARKEEP_SCHEDULE_PGDATA_CLAIM", hide_short_help = true)]
    pgdata_claim: Option<String>,
    /// Kubernetes: take the configuration from this ConfigMap
    ///
    /// There the file has the name it has here.
    #[arg(long, value_name = "NAME", env = "BARKEEP_SCHEDULE_CONFIG_MAP", hide_short_help = true)]
    config_map: Option<String>,
    /// Kubernetes: take variables from the keys of this Secret
    #[arg(long, value_name = "NAME", env = "BARKEEP_SCHEDULE_SECRET", hide_short_help = true)]
    secret: Option<String>,
    /// Kubernetes: run as this ServiceAccount
    #[arg(long, value_name = "NAME", env = "BARKEEP_SCHEDULE_SERVICE_ACCOUNT", hide_short_help = true)]
    service_account: Option<String>,
    /// Kubernetes: in this namespace [default: the manifest's]
    #[arg(long, value_name = "NAME", env = "BARKEEP_SCHEDULE_NAMESPACE", hide_short_help = true)]
    namespace: Option<String>,
}

/// What units and crontabs need to know of the machine.
#[derive(Debug)]
struct Host {
    program: String,
    user: String,
    environment_file: String,
    /// Whether that file was named.
    reads_environment: bool,
    spool: String,
    /// Where a drill writes.
    drill: Vec<String>,
}

/// The end of `schedule`.
#[derive(Debug)]
struct Scheduled {
    kind: Kind,
    plan: Plan,
    files: Vec<Printed>,
    /// Where to, when it was written.
    written: Option<(PathBuf, Written)>,
}

impl Schedule {
    /// Prints them, or writes the files.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let source = Source::load(&self.shared, around.environment)?;
        let scheduled = self.print(&source)?;
        let written = match &self.what.directory {
            Some(directory) => {
                let overwrite = self.what.overwrite.unwrap_or(false);
                Some((directory.clone(), texts::write(directory, &scheduled.files, overwrite)?))
            }
            None => None,
        };
        told(Ok(Scheduled { written, ..scheduled }))
    }

    fn print(&self, source: &Source) -> Result<Scheduled> {
        let prefix = self.what.name.as_deref().unwrap_or("barkeep");
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if !prefix.chars().all(fits) || !prefix.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return Err(Error::usage(format!("`{prefix}` cannot begin the name of a unit"))
                .hint("letters, digits, _ . and - are allowed"));
        }
        let own = self.own.clone().over(source.file.sections.schedule.clone());
        let mut plan = self.plan(source, &own, prefix)?;
        let files = match self.kind {
            Kind::Systemd => systemd::print(&plan, &self.host(source, &own)?),
            Kind::Crontab => crontab::print(&plan, &self.host(source, &own)?, prefix)?,
            Kind::Kubernetes => {
                let pods = self.pods(source, &mut plan.notes)?;
                let in_map = pods.config_map.is_some();
                kubernetes::print(&plan, &pods, &|duty| source.variables(duty.name(), in_map))?
            }
        };
        Ok(Scheduled { kind: self.kind, plan, files, written: None })
    }

    fn plan(&self, source: &Source, own: &ScheduleArgs, prefix: &str) -> Result<Plan> {
        let documents = source.schedules(&self.shared.which)?;
        let file = source.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let sayings = Sayings {
            given: &self.own,
            section: &source.file.sections.schedule,
            file: &file,
            documents: &documents,
        };
        let mut plan = Plan { archive: source.archive(&self.shared)?, jobs: Vec::new(), notes: Vec::new() };
        let named = self.what.verb.as_deref();
        for duty in Duty::ALL {
            if named.is_some_and(|named| !named.contains(&duty)) {
                continue;
            }
            let jobs = sayings.of(duty, prefix)?;
            let is_wanted = named.is_some() || jobs.iter().any(|job| job.from != "by default");
            match self.lacks(duty, source) {
                Some((what, hint)) if is_wanted && !jobs.is_empty() => {
                    return Err(
                        Error::usage(format!("{} cannot be scheduled: {what}", duty.name())).hint(hint)
                    );
                }
                Some((what, hint)) if !jobs.is_empty() => {
                    plan.notes.push(format!("No {}: {what}; {hint}.", duty.name()));
                }
                _ => {
                    let words = self.words(duty, source, own)?;
                    plan.jobs.extend(jobs.into_iter().map(|job| Job { words: words.clone(), ..job }));
                }
            }
        }
        if plan.jobs.is_empty() {
            let notes = if plan.notes.is_empty() {
                "every verb is never due".to_owned()
            } else {
                plan.notes.join(" ")
            };
            return Err(Error::usage("there is nothing to schedule").hint(notes));
        }
        Ok(plan)
    }

    /// What a verb would fail for, and what helps.
    fn lacks(&self, duty: Duty, source: &Source) -> Option<(&'static str, &'static str)> {
        let is_pod = self.kind == Kind::Kubernetes;
        match duty {
            Duty::Backup if is_pod && self.pods.pgdata_claim.is_none() => Some((
                "a backup reads the data directory itself, and no volume is named",
                "give --pgdata-claim CLAIM[:PATH]",
            )),
            Duty::Retention if source.file.sections.retention.policy().is_none() => Some((
                "nothing says what is to be kept",
                "write `policy` into the section [retention], or retentionPolicy into the manifest",
            )),
            Duty::Drill
                if is_pod && (self.pods.drill_image.is_none() || self.pods.scratch_size.is_none()) =>
            {
                Some((
                    "a drill needs PostgreSQL's programs and room for the whole cluster",
                    "give --drill-image IMAGE and --scratch-size SIZE",
                ))
            }
            Duty::Drill
                if !is_pod && !source.file.sections.drill.directory().is_some_and(Path::is_absolute) =>
            {
                Some((
                    "nothing says where there is room for the whole cluster",
                    "write `directory`, a whole path, into the section [drill]",
                ))
            }
            _ => None,
        }
    }

    /// The verb and its words.
    fn words(&self, duty: Duty, source: &Source, own: &ScheduleArgs) -> Result<Vec<String>> {
        let mut words = vec![duty.name().to_owned()];
        let is_pod = self.kind == Kind::Kubernetes;
        let in_map = self.pods.config_map.is_some();
        if let Some(path) = source.path.as_ref().filter(|_| !is_pod || in_map) {
            words.extend(Source::words(path, &self.shared.which, is_pod)?);
        }
        let mut shared = given(&self.shared)?;
        if is_pod {
            shared.retain(|word| !word.as_encoded_bytes().starts_with(b"--spool="));
        }
        for word in shared {
            words.push(word.into_string().map_err(|_| {
                Error::usage("a path in the settings is no UTF-8, so it cannot be printed")
                    .hint("choose another")
            })?);
        }
        match duty {
            Duty::Backup if is_pod => words.push(format!("--pgdata={}", kubernetes::PGDATA)),
            // There is no variable for the policy.
            Duty::Retention if is_pod && !in_map => {
                words.extend(source.file.sections.retention.policy().map(ToString::to_string));
            }
            Duty::Verify => {
                let share = own.sample.map_or_else(|| "15%".to_owned(), |share| share.to_string());
                words.push(format!("--sample={share}"));
            }
            Duty::Drill if is_pod => words.push(format!("--directory={}", kubernetes::SCRATCH)),
            _ => {}
        }
        words.iter().try_for_each(|word| quote::plain(word).map(|_| ()))?;
        Ok(words)
    }

    fn host(&self, source: &Source, own: &ScheduleArgs) -> Result<Host> {
        let pods = &self.pods;
        for (flag, is_given) in [
            ("--image", pods.image.is_some()),
            ("--config-map", pods.config_map.is_some()),
            ("--secret", pods.secret.is_some()),
            ("--pgdata-claim", pods.pgdata_claim.is_some()),
            ("--namespace", pods.namespace.is_some()),
        ] {
            if is_given {
                return Err(Error::usage(format!("{flag} is for Kubernetes"))
                    .hint("leave it out, or write `barkeep schedule kubernetes`"));
            }
        }
        let program = match &own.program {
            Some(program) => program.clone(),
            None => std::env::current_exe().context(|| "find the running binary")?,
        };
        let user = own.user.clone().unwrap_or_else(|| "postgres".to_owned());
        let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if user.is_empty() || user.starts_with('-') || !user.chars().all(fits) {
            return Err(Error::usage(format!("`{user}` is no name of a user"))
                .hint("letters, digits, _ . and - are allowed"));
        }
        let whole = |what: &str, path: &Path| {
            let text = path.to_str().filter(|_| path.is_absolute()).ok_or_else(|| {
                Error::usage(format!("{what} {} is no whole path in UTF-8", path.display()))
                    .hint("begin with /")
            })?;
            quote::plain(text).map(str::to_owned)
        };
        let spool = self.shared.archive.spool.as_ref().or(source.file.archive.spool.as_ref());
        let spool = spool.map_or_else(|| Ok("/var/spool/barkeep".into()), std::path::absolute)?;
        let environment_file =
            own.environment_file.clone().unwrap_or_else(|| "/etc/barkeep/environment".into());
        let drill = &source.file.sections.drill;
        let places = [drill.directory(), drill.textfile().and_then(Path::parent)];
        Ok(Host {
            program: whole("the program", &program)?,
            user,
            environment_file: whole("the file of variables", &environment_file)?,
            reads_environment: own.environment_file.is_some(),
            spool: whole("the spool", &spool)?,
            drill: places
                .into_iter()
                .flatten()
                .filter(|path| path.is_absolute())
                .map(|path| whole("the directory", path))
                .collect::<Result<_>>()?,
        })
    }

    fn pods(&self, source: &Source, notes: &mut Vec<String>) -> Result<Pods> {
        let args = &self.pods;
        let image = args.image.clone().ok_or_else(|| {
            Error::usage("no image is given")
                .hint("give --image REGISTRY/NAME:TAG, one with barkeep on its PATH")
        })?;
        if source.path.is_some() && args.config_map.is_none() && !source.is_manifest() {
            return Err(Error::usage("no ConfigMap is named, and pods cannot read the configuration here")
                .hint("kubectl create configmap NAME --from-file=FILE, then give --config-map NAME"));
        }
        let pgdata = args.pgdata_claim.as_deref().map(|claim| match claim.split_once(':') {
            Some((claim, below)) => (claim.to_owned(), Some(below.to_owned())),
            None => (claim.to_owned(), None),
        });
        let mut pods = Pods {
            image,
            drill_image: args.drill_image.clone(),
            scratch_size: args.scratch_size.clone(),
            scratch_class: args.scratch_class.clone(),
            namespace: args.namespace.clone().or_else(|| source.namespace()),
            service_account: args.service_account.clone(),
            config_map: args.config_map.clone(),
            secret: args.secret.clone(),
            pgdata,
            ..Pods::default()
        };
        source.secrets(&mut pods, notes);
        kubernetes::check(&pods)?;
        Ok(pods)
    }
}

impl Report for Scheduled {
    fn text(&self) -> String {
        let Some((directory, Written { written, same })) = &self.written else {
            let mut text = String::new();
            for note in &self.plan.notes {
                let _ = writeln!(text, "# {note}");
            }
            for (i, file) in self.files.iter().enumerate() {
                // Documents of YAML have their own line between them.
                if (i > 0 || !text.is_empty()) && self.kind != Kind::Kubernetes {
                    text.push('\n');
                }
                text.push_str(&file.text);
            }
            return text;
        };
        let mut text =
            format!("{written} files written to {}, {same} were there already\n", directory.display());
        for note in &self.plan.notes {
            let _ = writeln!(text, "{note}");
        }
        let timers =
            self.plan.jobs.iter().filter(|job| !job.suspended).map(|job| format!(" {}.timer", job.name));
        let timers = timers.collect::<String>();
        if self.kind == Kind::Systemd && !timers.is_empty() {
            let _ = writeln!(text, "next: systemctl daemon-reload && systemctl enable --now{timers}");
        }
        text
    }

    fn json(&self) -> String {
        let jobs = self.plan.jobs.iter().map(|job| {
            serde_json::json!({
                "verb": job.duty.name(), "name": job.name, "due": job.due.to_string(), "from": job.from,
                "suspended": job.suspended, "immediate": job.immediate, "words": job.words,
            })
        });
        let files = self.files.iter().map(|file| serde_json::json!({"name": file.name, "text": file.text}));
        let count = self.written.as_ref().map(|(_, written)| written.written);
        let object = serde_json::json!({
            "archive": self.plan.archive, "jobs": jobs.collect::<Vec<_>>(), "notes": self.plan.notes,
            "files": files.collect::<Vec<_>>(), "written": count, "exit": self.exit().code(),
        });
        format!("{object}\n")
    }
}
