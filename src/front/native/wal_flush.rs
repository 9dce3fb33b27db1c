//! The words of `wal-flush`, and what it says.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Args};
use serde::{Deserialize, Serialize};

use super::Around;
use super::args::{Layer as _, OutputArgs, Shared, layer, text};
use super::backup::Ports;
use super::bar::Watching;
use super::render::{ErrorJson, Report, archived_word, line};
use super::render_backups::counted;
use super::wal_archive::WalArchiveArgs;
use crate::command::wal_archive::Archived;
use crate::command::wal_flush::{self, Current, End, Outcome, Progress, Waited};
use crate::error::{Error, Result};
use crate::front::exit::Exit;
use crate::front::libpq::surroundings;
use crate::front::run::block_on;
use crate::model::WalName;
use crate::postgres::{ConnectionWords, Conninfo};

/// Archive everything that waits in a data directory, now
///
/// For hooks that run before a host goes down, and for a server that was stopped or demoted while its archive was
/// out of reach. Each file is stored as wal-archive would, with its settings; several go at once, in the
/// order of PostgreSQL's archiver, whose own call for a stored file then ends at once. What is stored
/// and what remains is told by name.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
#[command(mut_args = of_flush)]
pub(crate) struct WalFlush {
    #[command(flatten)]
    pub(super) own: WalFlushArgs,
    #[command(flatten)]
    pub(super) archive: WalArchiveArgs,
    /// Print help
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[wal-flush]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct WalFlushArgs {
    /// Flush the server of this data directory [also: PGDATA]
    #[arg(long, value_name = "DIR", env = "BARKEEP_WAL_FLUSH_PGDATA")]
    pgdata: Option<PathBuf>,
    /// Store the segment that is being written as well, as .partial
    ///
    /// A running server is asked how far it has written; of a stopped one the last segment is stored. A
    /// complete segment in the archive always comes before a partial one.
    #[arg(
        long, env = "BARKEEP_WAL_FLUSH_PARTIAL", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    partial: Option<bool>,
    /// Tell a stopped PostgreSQL what is stored, so that it asks no more
    ///
    /// Refused while it runs.
    #[arg(
        long, env = "BARKEEP_WAL_FLUSH_MARK_DONE", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    mark_done: Option<bool>,
    /// Tell what would be stored, and store nothing
    #[arg(
        long, env = "BARKEEP_WAL_FLUSH_DRY_RUN", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    dry_run: Option<bool>,
    /// With --partial: ask a running server as this string says
    ///
    /// Keywords and values, or a URI.
    #[arg(long, value_name = "CONNINFO", env = "BARKEEP_WAL_FLUSH_DSN", hide_env_values = true)]
    dsn: Option<String>,
    /// Connect to this host or socket directory [also: PGHOST]
    #[arg(short = 'h', long, value_name = "HOST", env = "BARKEEP_WAL_FLUSH_HOST")]
    host: Option<String>,
    /// Connect to this port [also: PGPORT]
    #[arg(short = 'p', long, value_name = "PORT", env = "BARKEEP_WAL_FLUSH_PORT")]
    #[serde(with = "text")]
    port: Option<Ports>,
    /// Connect as this role [also: PGUSER]
    #[arg(short = 'U', long, value_name = "USER", env = "BARKEEP_WAL_FLUSH_USER")]
    user: Option<String>,
    /// Connect to this database [also: PGDATABASE; default: postgres]
    #[arg(
        short = 'd',
        long,
        value_name = "DBNAME",
        env = "BARKEEP_WAL_FLUSH_DBNAME",
        hide_env_values = true
    )]
    dbname: Option<String>,
}

layer!(WalFlushArgs: pgdata, partial, mark_done, dry_run, dsn, host, port, user, dbname);

/// What is shown while it runs.
const FLUSHING: &str = "{wide_bar} {pos} of {len} files, {elapsed}";

/// What `wal-flush` shares with `wal-archive` and has no use for: it looks ahead as far as there is anything.
fn of_flush(arg: Arg) -> Arg {
    let idle = ["look_ahead", "soft_limit"].contains(&arg.get_id().as_str());
    if idle { arg.hide(true) } else { arg }
}

impl WalFlush {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let own = self.own.over(around.file.sections.wal_flush.clone());
        let archive = self.archive.over(around.file.sections.wal_archive.clone());
        let settings = around.settings(self.shared)?;
        let server = Conninfo::resolve(&own.connection(), &surroundings(around.environment))?;
        let variable = || (around.environment)("PGDATA").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let pgdata = own.pgdata.or_else(variable).ok_or_else(|| {
            Error::usage("no data directory is named").hint("name it with --pgdata or PGDATA")
        })?;
        let retain = archive.retain(&settings)?;
        let request = wal_flush::Request {
            how: archive.request(pgdata.clone(), &settings)?,
            pgdata,
            partial: own.partial.unwrap_or(false),
            mark_done: own.mark_done.unwrap_or(false),
            dry_run: own.dry_run.unwrap_or(false),
        };
        let wire = settings.wire.with_retain(retain);
        let progress = Arc::new(Progress::default());
        let _bar = watching(around.output, &progress);
        let outcome = block_on(wal_flush::run(&request, &server, &wire, progress))?;
        Ok(Box::new(Flushed(outcome)))
    }
}

fn watching(output: &OutputArgs, progress: &Arc<Progress>) -> Option<Watching> {
    let progress = Arc::clone(progress);
    Watching::begin(output, FLUSHING, move |bar| {
        bar.set_length(progress.total.load(Ordering::Relaxed));
        bar.set_position(progress.done.load(Ordering::Relaxed));
        bar.tick();
    })
}

impl WalFlushArgs {
    fn connection(&self) -> ConnectionWords {
        ConnectionWords {
            dsn: self.dsn.clone(),
            host: self.host.clone(),
            port: self.port.as_ref().map(|ports| ports.0.clone()),
            user: self.user.clone(),
            dbname: self.dbname.clone(),
        }
    }
}

/// The end of `wal-flush`.
struct Flushed(Outcome);

/// So many names are printed of those that remain; `--json` has all.
const NAMES: usize = 20;

impl Report for Flushed {
    fn exit(&self) -> Exit {
        self.failure().map_or(Exit::Done, |e| e.kind().into())
    }

    fn text(&self) -> String {
        let Outcome { files, dry_run, marked_done, partial, .. } = &self.0;
        let mut text = String::new();
        let count = |is: fn(&End) -> bool| files.iter().filter(|file| is(&file.end)).count();
        let stored = count(|end| matches!(end, End::Archived(Archived::Stored { .. })));
        let there = count(|end| matches!(end, End::Archived(Archived::Same | Archived::Ahead) | End::Gone));
        let remain = self.0.remaining().count();
        let _ = if *dry_run {
            writeln!(text, "{} waiting", counted(files.len() as u64, "file"))
        } else {
            writeln!(
                text,
                "{} waited: {stored} stored, {there} there already, {remain} remain",
                counted(files.len() as u64, "file")
            )
        };
        for Waited { name, end } in self.0.remaining().take(NAMES) {
            let _ = match end {
                End::Failed(e) => writeln!(text, "  {name}  {e}"),
                _ => writeln!(text, "  {name}"),
            };
        }
        if remain > NAMES {
            let _ = writeln!(text, "  and {} more", remain - NAMES);
        }
        if *marked_done > 0 {
            let _ = writeln!(text, "{} told to PostgreSQL as archived", counted(*marked_done as u64, "file"));
        }
        if let Some(partial) = partial {
            let _ = writeln!(text, "current segment: {}", told(partial));
        }
        if *dry_run {
            text.push_str("nothing was stored: this was a dry run\n");
        }
        text
    }

    fn json(&self) -> String {
        line(&FlushedJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let remain = self.0.remaining().count();
        tracing::info!(waited = self.0.files.len(), remain, marked = self.0.marked_done, "flushed");
    }

    fn failure(&self) -> Option<Error> {
        self.0.failure()
    }
}

fn told(partial: &Current) -> String {
    match partial {
        Current::Archived(segment, Archived::Stored { .. }) => {
            format!("{} stored", WalName::Partial(*segment))
        }
        Current::Archived(segment, _) => format!("{} is there already", WalName::Partial(*segment)),
        Current::Would(segment) => format!("{} would be stored", WalName::Partial(*segment)),
        Current::Complete(segment) => format!("{segment} has ended and needs no .partial"),
        Current::Empty => "nothing is written to it yet".to_owned(),
        Current::Failed(e) => format!("not stored: {e}"),
    }
}

#[derive(Serialize)]
struct FlushedJson {
    running: bool,
    dry_run: bool,
    files: Vec<FileJson>,
    remaining: usize,
    marked_done: usize,
    partial: Option<PartialJson>,
    error: Option<ErrorJson>,
    exit: u8,
}

#[derive(Serialize)]
struct FileJson {
    name: String,
    /// `stored`, `same`, `ahead` (stored by an earlier call), `gone` (by PostgreSQL's archiver), `failed` or
    /// `remains`.
    outcome: &'static str,
    plain_bytes: Option<u64>,
    stored_bytes: Option<u64>,
    error: Option<ErrorJson>,
}

#[derive(Serialize)]
struct PartialJson {
    name: Option<String>,
    /// `stored`, `same`, `would-store`, `complete`, `empty` or `failed`.
    outcome: &'static str,
    error: Option<ErrorJson>,
}

impl FlushedJson {
    fn new(outcome: &Outcome, exit: u8) -> Self {
        Self {
            running: outcome.running,
            dry_run: outcome.dry_run,
            files: outcome.files.iter().map(FileJson::new).collect(),
            remaining: outcome.remaining().count(),
            marked_done: outcome.marked_done,
            partial: outcome.partial.as_ref().map(PartialJson::new),
            error: outcome.failure().as_ref().map(ErrorJson::new),
            exit,
        }
    }
}

impl FileJson {
    fn new(file: &Waited) -> Self {
        let (outcome, bytes) = match &file.end {
            End::Archived(how) => (archived_word(how), Some(how)),
            End::Gone => ("gone", None),
            End::Failed(_) => ("failed", None),
            End::Remains => ("remains", None),
        };
        let (plain_bytes, stored_bytes) = match bytes {
            Some(Archived::Stored { plain_bytes, stored_bytes }) => (Some(*plain_bytes), Some(*stored_bytes)),
            _ => (None, None),
        };
        let error = match &file.end {
            End::Failed(e) => Some(ErrorJson::new(e)),
            _ => None,
        };
        Self { name: file.name.to_string(), outcome, plain_bytes, stored_bytes, error }
    }
}

impl PartialJson {
    fn new(partial: &Current) -> Self {
        let (segment, outcome, error) = match partial {
            Current::Archived(segment, how) => (Some(segment), archived_word(how), None),
            Current::Would(segment) => (Some(segment), "would-store", None),
            Current::Complete(segment) => (Some(segment), "complete", None),
            Current::Empty => (None, "empty", None),
            Current::Failed(e) => (None, "failed", Some(ErrorJson::new(e))),
        };
        Self { name: segment.map(|name| WalName::Partial(*name).to_string()), outcome, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_on_a_terminal_can_be_drawn() {
        assert!(indicatif::ProgressStyle::with_template(FLUSHING).is_ok());
    }

    #[test]
    fn what_remains_is_told_by_name_and_makes_the_status() {
        let waited = |n: u32, end| Waited { name: format!("0000000100000000{n:08X}").parse().unwrap(), end };
        let outcome = Outcome {
            running: false,
            dry_run: false,
            files: vec![
                waited(1, End::Archived(Archived::Stored { plain_bytes: 16, stored_bytes: 2 })),
                waited(2, End::Archived(Archived::Same)),
                waited(3, End::Failed(Error::conflict("other content"))),
                waited(4, End::Remains),
            ],
            marked_done: 2,
            partial: Some(Current::Empty),
            unmarked: None,
        };
        let flushed = Flushed(outcome);
        assert_eq!(flushed.exit(), Exit::Conflict);
        let text = "4 files waited: 1 stored, 1 there already, 2 remain\n  \
                    000000010000000000000003  other content\n  000000010000000000000004\n\
                    2 files told to PostgreSQL as archived\ncurrent segment: nothing is written to it yet\n";
        assert_eq!(flushed.text(), text);
        let json: serde_json::Value = serde_json::from_str(&flushed.json()).unwrap();
        assert_eq!((json["remaining"].as_u64(), json["exit"].as_u64()), (Some(2), Some(3)));
        assert_eq!(json["files"][0]["outcome"], "stored");
    }
}
