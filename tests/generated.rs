//! Manual pages, completions and the table of exit statuses equal what the tree of words renders.
//! `UPDATE=1 cargo test --test generated` rewrites them.

use std::fmt::Write as _;
use std::path::Path;

use barkeep::front::exit::Exit;
use barkeep::front::native::command;
use barkeep::front::native::manual::{FILES, MANUALS, Manual, VARIABLES};
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// Compares a file with what it should be, or writes it.
fn check(path: &str, fresh: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("UPDATE").is_some_and(|v| v == "1") {
        fs_err::create_dir_all(file.parent().unwrap()).unwrap();
        fs_err::write(&file, fresh).unwrap();
        return;
    }
    let committed = fs_err::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == fresh,
        "{path} is stale: run `UPDATE=1 cargo test --test generated` and commit what it writes"
    );
}

#[test]
fn completions_are_fresh() {
    for (shell, file) in [
        (Shell::Bash, "barkeep.bash"),
        (Shell::Zsh, "_barkeep"),
        (Shell::Fish, "barkeep.fish"),
        (Shell::PowerShell, "_barkeep.ps1"),
    ] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut visible(), "barkeep", &mut script);
        check(&format!("completions/{file}"), &String::from_utf8(script).unwrap());
    }
}

/// The tree without the verbs that are not typed by hand, which scripts would offer all the same.
fn visible() -> Command {
    let tree = command();
    let verbs = tree.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    Command::new("barkeep")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommands(verbs)
        .disable_help_subcommand(true)
}

#[test]
fn manual_pages_are_fresh() {
    let mut tree = command();
    tree.build();
    check("man/barkeep.1", &overview(&tree));
    for manual in &MANUALS {
        let verb = tree.find_subcommand(manual.verb).unwrap();
        check(&format!("man/barkeep-{}.1", manual.verb), &page(verb, manual));
    }
}

#[test]
fn every_visible_verb_has_a_chapter() {
    let tree = command();
    let verbs: Vec<&str> =
        tree.get_subcommands().filter(|v| !v.is_hide_set()).map(Command::get_name).collect();
    assert_eq!(verbs, MANUALS.iter().map(|m| m.verb).collect::<Vec<_>>());
}

#[test]
fn the_table_of_exit_statuses_is_fresh() {
    let mut text = String::from("# Exit statuses\n\n| status | meaning |");
    for manual in &MANUALS {
        let _ = write!(text, " {} |", manual.verb);
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(MANUALS.len()));
    for exit in Exit::ALL {
        let _ = write!(text, "\n| {} | {} |", exit.code(), exit.meaning());
        for manual in &MANUALS {
            text.push_str(if manual.exits.contains(&exit) { " yes |" } else { " |" });
        }
    }
    text.push_str(
        "\n\n`wal-restore` gives 126 for a failure of any kind when PostgreSQL recovers with \
         `recovery.signal`, and the\nplain status to a standby and to everybody else; `--on-error` \
         overrides it. `wal-archive` never gives more\nthan 125, because PostgreSQL would stop at it.\n",
    );
    check("docs/exit-status.md", &text);
}

/// The page of the program: what it is, its verbs, what they share.
fn overview(tree: &Command) -> String {
    let mut out = Vec::new();
    let man = Man::new(tree.clone()).date("").manual("Barkeep");
    man.render_title(&mut out).unwrap();
    man.render_name_section(&mut out).unwrap();
    man.render_synopsis_section(&mut out).unwrap();
    man.render_description_section(&mut out).unwrap();
    man.render_subcommands_section(&mut out).unwrap();
    man.render_options_section(&mut out).unwrap();
    let mut roff = Roff::new();
    exits(&mut roff, &Exit::ALL);
    pairs(&mut roff, "ENVIRONMENT", &VARIABLES);
    pairs(&mut roff, "FILES", &FILES);
    let verbs: Vec<String> = MANUALS.iter().map(|m| format!("barkeep-{}(1)", m.verb)).collect();
    roff.control("SH", ["SEE ALSO"]).text([roman(verbs.join(", "))]);
    roff.to_writer(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The page of one verb.
fn page(verb: &Command, manual: &Manual) -> String {
    let mut out = Vec::new();
    let name = format!("barkeep-{}", manual.verb);
    let man = Man::new(verb.clone().display_name(name.clone())).title(name).date("").manual("Barkeep");
    man.render_title(&mut out).unwrap();
    man.render_name_section(&mut out).unwrap();
    man.render_synopsis_section(&mut out).unwrap();
    man.render_description_section(&mut out).unwrap();
    man.render_options_section(&mut out).unwrap();
    let mut roff = Roff::new();
    exits(&mut roff, manual.exits);
    environment(&mut roff, verb);
    pairs(&mut roff, "FILES", &FILES);
    pairs(&mut roff, "EXAMPLES", manual.examples);
    roff.control("SH", ["SEE ALSO"]).text([roman("barkeep(1)")]);
    roff.to_writer(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn exits(roff: &mut Roff, exits: &[Exit]) {
    roff.control("SH", ["EXIT STATUS"]);
    for exit in exits {
        item(roff, &exit.code().to_string(), exit.meaning());
    }
}

/// Every flag's variable, then those that are not ours.
fn environment(roff: &mut Roff, verb: &Command) {
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman("A flag wins over its variable, and the variable over the configuration file.")]);
    for arg in verb.get_arguments() {
        if let (Some(variable), Some(flag)) = (arg.get_env().and_then(|v| v.to_str()), arg.get_long()) {
            item(roff, variable, &format!("as --{flag}"));
        }
    }
    for (variable, what) in VARIABLES {
        item(roff, variable, what);
    }
}

fn pairs(roff: &mut Roff, title: &str, pairs: &[(&str, &str)]) {
    roff.control("SH", [title]);
    for (term, what) in pairs {
        item(roff, term, what);
    }
}

fn item(roff: &mut Roff, term: &str, what: &str) {
    roff.control("TP", []).text([bold(term)]).text([roman(what)]);
}
