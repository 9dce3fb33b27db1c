//! The native door: `barkeep VERB …`.

#![expect(clippy::doc_markdown, reason = "what documents a flag is its help text, printed as it stands")]

pub(crate) mod args;
mod backed_up;
mod backup;
mod backups;
mod backups_json;
mod bar;
mod check;
mod config;
mod configured;
mod drill;
mod drilled;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gc;
mod grammar;
mod install_compat;
mod manner;
pub mod manual;
mod map;
mod metrics;
mod render;
mod render_backups;
mod report;
mod restore;
mod restored;
mod retention;
mod schedule;
mod screen;
mod settings;
mod status;
mod status_told;
mod tallied;
mod verb;
mod verified;
mod verify;
mod wal_archive;
mod wal_find;
mod wal_flush;
mod wal_found;
mod wal_prefetch;
mod wal_restore;

use std::ffi::{OsStr, OsString};
use std::io::{IsTerminal as _, Write as _};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind as ClapKind};
use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser};

use self::args::{Layer as _, OutputArgs, Shared};
use self::file::File;
use self::manner::Manner;
use self::render::Report;
use self::settings::Settings;
use self::verb::{Verb, with_words};
use super::borrowed::Environment;
use super::exit::{Exit, Reader, status};
use super::manifest::Hidden;
use super::{guard, log, signals};
use crate::error::{Error, Result};

/// Keep PostgreSQL's WAL safe in object storage and bring a database back to any second
///
/// Barkeep is what PostgreSQL calls as archive_command and restore_command, and what its operators
/// call by hand. Settings come from flags, then from BARKEEP_ variables, then from a file; an empty
/// variable counts as unset. `barkeep help VERB` tells everything about a verb, `barkeep help settings` what
/// the verbs share.
#[derive(Debug, Parser)]
#[command(name = "barkeep", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// The tree of words, from which help texts, manual pages and completions are made.
pub fn command() -> clap::Command {
    // The values in the environment of whoever asks for help are nobody else's business.
    Cli::command()
        .mut_subcommands(|verb| manual::extend(with_words(verb)).mut_args(|arg| arg.hide_env_values(true)))
}

/// Runs the program with these words, tells what happened and gives the status.
pub(crate) fn run(words: &[OsString]) -> Exit {
    let mut manner = Manner::guess(words);
    match guard::catch(|| perform(words, &mut manner)) {
        Ok(Answer::Help(text)) => {
            say(&text);
            Exit::Done
        }
        Ok(Answer::Report(report)) => tell(&*report, &manner),
        Err(error) => lament(&error, &manner),
    }
}

/// What a run without failure ends with.
enum Answer {
    Help(String),
    Report(Box<dyn Report>),
}

/// Words, then settings, then the verb. Nothing is touched before all words are understood.
fn perform(words: &[OsString], manner: &mut Manner) -> Result<Answer> {
    if words.get(1).is_some_and(|word| word == "help") {
        let topic: Vec<String> =
            words.iter().skip(2).map(|word| word.to_string_lossy().into_owned()).collect();
        return screen::topic(command(), &topic).map(Answer::Help);
    }
    let (verb, name) = match read(words) {
        Ok(read) => read,
        Err(e) if !e.use_stderr() => return Ok(Answer::Help(help(&e))),
        Err(e) => return Err(refusal(&e, words)),
    };
    manner.heed(&verb);
    if matches!(verb, Verb::WalPrefetch(_)) {
        wal_prefetch::detach();
    }
    let environment = &|name: &str| std::env::var_os(name);
    let file = match (&verb, verb.shared()) {
        // It looks at the file itself, whatever is wrong with it.
        (Verb::Config(_) | Verb::Schedule(_), _) | (_, None) => File::default(),
        (_, Some(shared)) => {
            if let Some(from) = shared.which.from.as_ref().filter(|_| !reads_only(&name)) {
                return Err(Error::usage(format!("--from {from} is for reading, and {name} writes"))
                    .hint("leave it out, or name another store with --object-store"));
            }
            File::load(shared.config.as_deref(), &shared.which, &name, environment)?
        }
    };
    manner.heed_file(&verb, &file);
    begin_anew(words, &file)?;
    let output = verb.output().over(file.output.clone());
    manner.json = output.json.unwrap_or(false);
    if !matches!(verb, Verb::WalPrefetch(_)) {
        // Who starts a server wants to know where it listens.
        let talks = u8::from(matches!(&verb, Verb::Metrics(words) if words.listens(&file)));
        let level = log::level(output.verbose.max(talks), output.quiet);
        log::start(level, output.log_format.unwrap_or_default());
    }
    verb.perform(&Around { file: &file, output: &output, environment }).map(Answer::Report)
}

/// Whether a verb takes nothing but what it reads from the archive: what comes from somebody else's archive
/// must not be changed.
fn reads_only(verb: &str) -> bool {
    const READERS: [&str; 11] = [
        "wal-restore",
        "wal-prefetch",
        "wal-find",
        "backup-list",
        "backup-show",
        "restore",
        "drill",
        "status",
        "metrics",
        "report",
        "config",
    ];
    READERS.contains(&verb)
}

/// Begins anew with the variables that a manifest has for the environment, unless they are all set: what
/// is set already stays, and libraries look nowhere else. The process stays the same one.
fn begin_anew(words: &[OsString], file: &File) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    let missing = |name: &&(String, Hidden)| std::env::var_os(&name.0).is_none();
    let missing: Vec<_> = file.environment.iter().filter(missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    again.args(words.iter().skip(1)).envs(missing.iter().map(|(name, value)| (name, &value.0)));
    if let Some(name) = words.first() {
        again.arg0(name);
    }
    Err(Error::from(again.exec()).context("begin anew with the manifest's environment"))
}

/// Reads the words, and the environment behind them; also gives the verb's name. A variable that is set to
/// nothing counts as not set, but help names it all the same.
fn read(words: &[OsString]) -> Result<(Verb, String), clap::Error> {
    let named = |verb: &clap::Command| words.iter().any(|word| word == verb.get_name());
    let tree = Cli::command().mut_subcommands(|verb| {
        if named(&verb) { with_words(verb).mut_args(without_empty_variable) } else { verb }
    });
    let matches = tree.try_get_matches_from(words).or_else(|e| {
        if e.use_stderr() || e.kind() == ClapKind::DisplayVersion {
            Err(e)
        } else {
            screen::tree(command()).try_get_matches_from(words)
        }
    })?;
    let mut verb = Cli::from_arg_matches(&matches)?.verb;
    if let Some((_, matches)) = matches.subcommand()
        && let Some(shared) = verb.shared_mut()
    {
        shared.settle(matches);
    }
    Ok((verb, matches.subcommand_name().unwrap_or_default().to_owned()))
}

fn without_empty_variable(arg: Arg) -> Arg {
    let empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    if arg.get_env().is_some_and(empty) { arg.env(Resettable::Reset) } else { arg }
}

/// What surrounds a verb's words.
struct Around<'a> {
    /// The configuration file.
    file: &'a File,
    /// What is said and how, already filled from the file.
    output: &'a OutputArgs,
    /// The environment.
    environment: Environment<'a>,
}

impl Around<'_> {
    /// What the verbs share, once flags, environment and file are one.
    fn settings(&self, shared: Shared) -> Result<Settings> {
        Settings::resolve(shared, self.file, self.environment)
    }
}

/// What a verb ended with, as one of many kinds of report.
fn told<R: Report + 'static>(end: Result<R>) -> Result<Box<dyn Report>> {
    end.map(|report| Box::new(report) as Box<dyn Report>)
}

/// A page of help, in colour where it is read on a terminal.
fn help(page: &clap::Error) -> String {
    let page = page.render();
    if std::io::stdout().is_terminal() { page.ansi().to_string() } else { page.to_string() }
}

/// The parser's refusal in our own form.
fn refusal(e: &clap::Error, words: &[OsString]) -> Error {
    if matches!(e.kind(), ClapKind::MissingSubcommand | ClapKind::DisplayHelpOnMissingArgumentOrSubcommand) {
        return Error::usage("no verb is given").hint("`barkeep --help` tells what there is");
    }
    let rendered = e.render().to_string();
    let what = rendered.split("\n\n").next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    Error::usage(what.split_whitespace().collect::<Vec<_>>().join(" ")).hint(way_out(e, words))
}

/// What whoever wrote a line that cannot be read may have meant, or where it is told how it is written.
fn way_out(e: &clap::Error, words: &[OsString]) -> String {
    let nearest = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| e.get(kind));
    match nearest {
        Some(ContextValue::String(word)) => return format!("did you mean `{word}`?"),
        // The last is the likeliest.
        Some(ContextValue::Strings(words)) if !words.is_empty() => {
            return format!("did you mean `{}`?", words[words.len() - 1]);
        }
        _ => {}
    }
    if e.kind() == ClapKind::ArgumentConflict {
        return "leave one of the two out".to_owned();
    }
    let tree = command();
    let verb = words.iter().filter_map(|word| word.to_str()).find_map(|word| tree.find_subcommand(word));
    let Some(verb) = verb.filter(|verb| !verb.is_hide_set()) else {
        return "`barkeep --help` tells what there is".to_owned();
    };
    let name = verb.get_name();
    let flag = match e.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(arg)) => arg.split([' ', '=', '[']).next().unwrap_or_default(),
        _ => "",
    };
    if flag == "--host" && words.last().is_some_and(|word| word == "-h") {
        return format!("-h is the host here, as in PostgreSQL's own tools; `barkeep {name} --help` is help");
    }
    let arg = verb
        .get_arguments()
        .find(|arg| arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long)));
    if arg.is_some_and(|arg| arg.get_help_heading().is_some()) {
        return "`barkeep help settings` explains it".to_owned();
    }
    format!("`barkeep {name} --help` shows how it is called")
}

/// Tells what a verb found.
fn tell(report: &dyn Report, manner: &Manner) -> Exit {
    report.log();
    let exit = status(manner.reader, Ok(report.exit()));
    if manner.json {
        say(&report.json());
        return exit;
    }
    say(&report.text());
    if let Some(error) = report.failure() {
        complain(&error);
    }
    exit
}

/// Tells why a verb failed.
fn lament(error: &Error, manner: &Manner) -> Exit {
    let exit = signals::which(status(manner.reader, Err(error.kind())));
    if manner.json {
        say(&render::error_json(error, exit));
    } else {
        if manner.reader == Reader::Monitor {
            // Monitors read standard output only.
            say(&format!("UNKNOWN - {error}\n"));
        }
        complain(error);
    }
    exit
}

/// To standard output. Whoever stopped reading has seen enough: that is no failure.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// An error and its hint to standard error, in one write so that lines of two processes do not mix.
fn complain(error: &Error) {
    let hint = error.hint_text().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
    let _ = std::io::stderr().write_all(format!("error: {error}\n{hint}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_has_the_variable_that_its_name_and_section_make() {
        for verb in command().get_subcommands().filter(|verb| !verb.is_hide_set()) {
            for arg in verb
                .get_arguments()
                .filter(|a| !a.is_positional() && a.get_id() != "help" && a.get_id() != "version")
            {
                let flag = arg.get_long().unwrap();
                let name = flag.to_uppercase().replace('-', "_");
                let section = match arg.get_help_heading() {
                    Some("S3") => "S3_".to_owned(),
                    Some(_) => String::new(),
                    None => format!("{}_", verb.get_name().to_uppercase().replace('-', "_")),
                };
                let variable = arg.get_env().and_then(OsStr::to_str);
                // What `wal-flush` shares with `wal-archive` is one setting of both, with one variable.
                let flush = verb.get_name() == "wal-flush";
                let is_shared = flush && variable == Some(format!("BARKEEP_WAL_ARCHIVE_{name}").as_str());
                let section = if is_shared { "WAL_ARCHIVE_".to_owned() } else { section };
                let expected = format!("BARKEEP_{section}{name}");
                assert_eq!(variable, Some(expected.as_str()), "--{flag} of {}", verb.get_name());
            }
        }
    }
}
