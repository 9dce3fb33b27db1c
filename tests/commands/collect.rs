//! The commands of a document.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

/// One of them, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) book: &'static str,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.book, self.line, self.text)
    }
}

/// A setting of PostgreSQL's whose value is a command.
static SETTING: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\w+_command = '(barkeep .*)'$").unwrap());
/// A line of a crontab, with a user or without.
static CRON: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[\d*/@]\S*(?:\s+[\d*/]\S*){4}\s+(?:\w+\s+)?(barkeep .*)$").unwrap());
/// A verb of ours.
static VERB: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bbarkeep [a-z]").unwrap());

/// Everything that a document says one should type, outside of walks.
///
/// # Panics
/// When a line of a block has a command in it and is of no form that is known here.
pub(crate) fn commands(book: &'static str, text: &str) -> Vec<Command> {
    let mut all = Vec::new();
    let mut add = |line: usize, text: String| all.push(Command { book, line, text });
    // The prose, with an empty line for each of a block.
    let mut prose = String::new();
    let (mut fence, mut is_file, mut begun) = (None, false, String::new());
    for (n, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), fence) {
            (Some(kind), None) => fence = Some(if std::mem::take(&mut is_file) { "file" } else { kind }),
            (Some(_), Some(_)) => fence = None,
            (None, None) => {
                is_file |= line.starts_with("<!-- file:");
                prose.push_str(line);
            }
            // `tests/walks.rs` has these.
            (None, Some("file" | "console")) => {}
            (None, Some(kind)) => {
                begun.push_str(line.trim());
                if let Some(half) = begun.strip_suffix('\\') {
                    begun = half.to_owned();
                } else if let Some(text) = typed(&std::mem::take(&mut begun), kind) {
                    add(n + 1, text);
                }
            }
        }
        prose.push('\n');
    }
    let mut line = 1;
    for (n, piece) in prose.split('`').enumerate() {
        if n % 2 == 1 {
            let text = one_line(piece);
            let is_typed = VERB.find(&text).is_some_and(|found| found.start() == 0);
            if is_typed || text.starts_with("barkeep VERB") {
                add(line, text);
            }
        }
        line += piece.matches('\n').count();
    }
    all
}

/// What of a block's line is typed.
fn typed(line: &str, kind: &str) -> Option<String> {
    let line = line.split("  #").next().unwrap_or_default().trim();
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let found = [&SETTING, &CRON].iter().find_map(|form| Some(form.captures(line)?.get(1)?.as_str()));
    let is_typed = line.starts_with("barkeep ") || (kind == "sh" && !line.is_empty());
    let found = found.or(is_typed.then_some(line));
    assert!(found.is_some() || !VERB.is_match(line), "what kind of command is this? {line}");
    found.map(one_line)
}

/// With single spaces between words.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_form_of_a_command_is_found_and_walks_are_left_out() {
    let text = "\
Type `barkeep status` or `barkeep
wal-find --drops`, as user `barkeep`.
```sh
barkeep backup \\
    --name a    # nightly
make demo
```
```
archive_command = 'barkeep wal-archive %p'
17 3 * * *  postgres  barkeep gc
$ barkeep verify
and what it says
```
<!-- walk: a -->
<!-- file: b -->
```
barkeep nothing
```
```console
$ barkeep nothing
```
";
    let found = commands("a.md", text);
    let found: Vec<_> = found.iter().map(|command| (command.line, command.text.as_str())).collect();
    let expected = [
        (5, "barkeep backup --name a"),
        (6, "make demo"),
        (9, "barkeep wal-archive %p"),
        (10, "barkeep gc"),
        (11, "barkeep verify"),
        (1, "barkeep status"),
        (1, "barkeep wal-find --drops"),
    ];
    assert_eq!(found, expected);
}

#[test]
#[should_panic(expected = "what kind of command")]
fn a_command_in_an_unknown_form_is_not_passed_over() {
    commands("a.md", "```\nsudo barkeep status\n```\n");
}
