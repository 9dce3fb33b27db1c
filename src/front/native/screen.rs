//! Help: every command on one screen, and everything at length behind `barkeep help`.
//!
//! `-h` and `--help` answer "how do I type this, and what does its status mean" without scrolling. What
//! verbs share is named in one line there. The long texts are the manual pages', and `barkeep help VERB`
//! prints them where there is no `man`. See docs/decisions/0026-help.md.

use std::fmt::{self, Write as _};

use clap::{Arg, Command};

use super::manual::{MANUALS, Manual};
use crate::error::{Error, Result};
use crate::front::exit::Exit;

/// The widest line, in columns.
const WIDTH: usize = 100;

/// So many lines are filled with examples; whatever else there is to say is said before.
const LINES: usize = 36;

/// Where texts begin, unless all that stands before them is shorter.
const COLUMN: usize = 36;

/// The topic of `barkeep help` that is no verb.
const SETTINGS: &str = "settings";

/// The tree of words whose help is one screen for each command.
pub(super) fn tree(full: Command) -> Command {
    let overview = overview(&full);
    full.override_help(overview).mut_subcommands(|verb| {
        let screen = screen(&verb);
        verb.override_help(screen)
    })
}

/// What `barkeep help TOPIC` prints: the screen of the program, a verb at length, or what verbs share.
pub(super) fn topic(mut full: Command, words: &[String]) -> Result<String> {
    full.build();
    let [topic] = words else {
        return match words {
            [] => Ok(overview(&full).to_string()),
            _ => Err(Error::usage("help takes one word: a verb, or settings")),
        };
    };
    if topic == SETTINGS {
        return Ok(settings(&full).render_long_help().to_string());
    }
    if let Some(verb) = full.find_subcommand_mut(topic) {
        return Ok(verb.render_long_help().to_string());
    }
    let verbs = MANUALS.iter().map(|manual| manual.verb).chain([SETTINGS]);
    let likeness = |name: &&str| strsim::jaro_winkler(name, topic);
    let nearest = verbs.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or(SETTINGS);
    Err(Error::usage(format!("there is no help on `{topic}`"))
        .hint(format!("did you mean `{nearest}`? `barkeep help` tells what there is")))
}

/// What verbs share, as a command of its own.
fn settings(full: &Command) -> Command {
    let shared = full.find_subcommand("check").into_iter().flat_map(Command::get_arguments);
    Command::new("settings")
        .about("The settings that the verbs share")
        .long_about(
            "A flag wins over its variable, the variable over the configuration file. In the file the keys \
             are the names of the flags; those under S3, Azure and Google Cloud Storage stand in the \
             sections [s3], [azure] and [gcs].",
        )
        .override_usage("barkeep VERB [OPTIONS]")
        .max_term_width(WIDTH)
        .disable_help_flag(true)
        .args(shared.filter(|arg| arg.get_help_heading().is_some()).cloned())
}

/// The screen of the program.
fn overview(full: &Command) -> Screen {
    let mut screen = Screen::default();
    screen.line(&about(full));
    screen.line("");
    screen.line("Usage: barkeep <VERB> [OPTIONS]");
    screen.line("");
    let verbs = full.get_subcommands().filter(|verb| !verb.is_hide_set());
    let rows: Vec<_> = verbs.map(|verb| (verb.get_name().to_owned(), about(verb))).collect();
    screen.table(&rows);
    screen.line("");
    screen.folded("Exit:", &exits(&Exit::ALL));
    let more = [
        "`barkeep VERB --help` (one screen)",
        "`barkeep help VERB` (everything)",
        "`barkeep help settings` (what verbs share)",
        "`barkeep --version`",
        "man barkeep",
    ];
    screen.folded("More:", &more.map(str::to_owned));
    screen
}

/// The screen of a verb.
fn screen(verb: &Command) -> Screen {
    let name = verb.get_name();
    let own: Vec<&Arg> = verb
        .get_arguments()
        .filter(|arg| arg.get_help_heading().is_none() && !arg.is_hide_set() && arg.get_id() != "help")
        .collect();
    let mut screen = Screen::default();
    screen.line(&about(verb));
    screen.line("");
    screen.line(&usage(name, &own));
    screen.line("");
    let short = own.iter().any(|arg| arg.get_short().is_some());
    let (places, flags): (Vec<&Arg>, Vec<&Arg>) = own.iter().partition(|arg| arg.is_positional());
    let rows: Vec<_> = places.iter().chain(&flags).map(|arg| (left(arg, short), text(arg))).collect();
    if !rows.is_empty() {
        screen.table(&rows);
        screen.line("");
    }
    screen.folded("Shared:", &shared(verb));
    if let Some(manual) = MANUALS.iter().find(|manual| manual.verb == name) {
        screen.folded("Exit:", &exits(manual.exits));
        let more = [format!("`barkeep help {name}` (everything at length)"), format!("man barkeep-{name}")];
        screen.folded("More:", &more);
        screen.examples(manual);
    }
    screen
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// How it is called.
fn usage(name: &str, own: &[&Arg]) -> String {
    let mut text = format!("Usage: barkeep {name} [OPTIONS]");
    for arg in own.iter().filter(|arg| arg.is_positional()) {
        let _ = write!(text, " {}", place(arg));
    }
    text
}

/// A positional word.
fn place(arg: &Arg) -> String {
    let name = arg.get_value_names().and_then(<[_]>::first).map_or("WORD", |name| name.as_str());
    if arg.is_required_set() { format!("<{name}>") } else { format!("[{name}]") }
}

/// What is typed: the flag with its value, or the place of a word.
fn left(arg: &Arg, short: bool) -> String {
    let Some(long) = arg.get_long() else { return place(arg) };
    let mut left = match arg.get_short() {
        Some(letter) => format!("-{letter}, --{long}"),
        None if short => format!("    --{long}"),
        None => format!("--{long}"),
    };
    // What may be left out is left out.
    let needs_value =
        arg.get_action().takes_values() && arg.get_num_args().is_none_or(|n| n.min_values() > 0);
    if needs_value && let Some(name) = arg.get_value_names().and_then(<[_]>::first) {
        let _ = write!(left, " <{name}>");
    }
    left
}

/// What it does, and the words it takes where these are few and not named already.
fn text(arg: &Arg) -> String {
    let mut text = arg.get_help().map(ToString::to_string).unwrap_or_default();
    if arg.is_hide_possible_values_set() {
        return text;
    }
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_owned())
        .collect();
    if arg.get_action().takes_values() && values.iter().any(|value| !text.contains(value.as_str())) {
        let default = text.find(" [default: ").map(|at| text.split_off(at)).unwrap_or_default();
        let default = default.trim_start_matches(" [").trim_end_matches(']');
        let between = if default.is_empty() { "" } else { "; " };
        let _ = write!(text, " [{}{between}{default}]", values.join(", "));
    }
    text
}

/// What stands for the settings that verbs share: the few that one needs, and where all of them are.
fn shared(verb: &Command) -> Vec<String> {
    let needed = ["store", "server", "config", "json", "verbose", "quiet"];
    let flags = verb.get_arguments().filter(|arg| needed.contains(&arg.get_id().as_str()));
    let short = |arg: &Arg| arg.get_short().map_or_else(|| left(arg, false), |letter| format!("-{letter}"));
    flags.map(short).chain([format!("and what `barkeep help {SETTINGS}` tells")]).collect()
}

/// What its statuses mean, in as few words as will do.
fn exits(exits: &[Exit]) -> Vec<String> {
    exits.iter().map(|exit| format!("{} {}", exit.code(), exit.brief())).collect()
}

/// Lines of at most [`WIDTH`] columns.
#[derive(Debug, Default)]
struct Screen(Vec<String>);

impl Screen {
    fn line(&mut self, line: &str) {
        self.0.push(line.to_owned());
    }

    /// Two columns, a line each.
    fn table(&mut self, rows: &[(String, String)]) {
        let widest = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0);
        let column = widest.min(COLUMN - 4);
        for (left, text) in rows {
            self.0.push(format!("  {left:column$}  {text}").trim_end().to_owned());
        }
    }

    /// A title, and items beside it in as many lines as it takes.
    fn folded(&mut self, title: &str, items: &[String]) {
        let mut line = format!("{title:<8}");
        for (n, item) in items.iter().enumerate() {
            let item = if n + 1 < items.len() { format!("{item}, ") } else { item.clone() };
            if line.chars().count() + item.trim_end().chars().count() > WIDTH {
                self.0.push(line.trim_end().to_owned());
                line = " ".repeat(8);
            }
            line.push_str(&item);
        }
        self.0.push(line);
    }

    /// As many examples as there is room for, and one in any case.
    fn examples(&mut self, manual: &Manual) {
        for (n, (line, what)) in manual.examples.iter().enumerate() {
            if n > 0 && self.0.len() >= LINES {
                return;
            }
            if n == 0 {
                self.line("");
            }
            let whole = format!("  {line}  # {what}");
            self.0.push(if whole.chars().count() <= WIDTH { whole } else { format!("  {line}") });
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl From<Screen> for clap::builder::StyledStr {
    fn from(screen: Screen) -> Self {
        screen.to_string().trim_end().to_owned().into()
    }
}
