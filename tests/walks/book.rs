//! A document, and the walks in it.

use std::path::Path;

/// A document's lines, and what is to be written over them.
pub(crate) struct Book {
    lines: Vec<String>,
    /// By line of the command: what should stand below it.
    corrections: Vec<(usize, usize, Vec<String>)>,
}

/// Commands that are typed into one shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    pub(crate) name: String,
    pub(crate) files: Vec<File>,
    pub(crate) steps: Vec<Step>,
}

/// A file that the document shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) content: String,
}

/// A command, and what stands below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    /// The line of the command, from 1.
    pub(crate) line: usize,
    pub(crate) command: String,
    pub(crate) expected: Vec<String>,
}

/// What of a document is being read.
enum Reading {
    Prose,
    /// A block of commands of the walk read last.
    Commands,
    /// A file with this name of the walk read last.
    File(String, String),
    /// A block that nobody runs.
    Other,
}

/// The text between these two, when the line is just that.
fn marked<'a>(line: &'a str, kind: &str) -> Option<&'a str> {
    line.trim()
        .strip_prefix("<!--")?
        .strip_suffix("-->")?
        .trim()
        .strip_prefix(kind)?
        .strip_prefix(':')
        .map(str::trim)
}

impl Book {
    /// Reads a document.
    pub(crate) fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).unwrap())
    }

    fn parse(text: &str) -> Self {
        Self { lines: text.lines().map(str::to_owned).collect(), corrections: Vec::new() }
    }

    /// The walks, in order.
    ///
    /// # Panics
    /// When commands belong to no walk, or a block does not end.
    pub(crate) fn walks(&self) -> Vec<Walk> {
        let mut walks: Vec<Walk> = Vec::new();
        let (mut reading, mut file) = (Reading::Prose, None);
        for (n, line) in self.lines.iter().enumerate() {
            let fence = line.strip_prefix("```");
            match (&mut reading, fence) {
                (Reading::Prose, None) => {
                    if let Some(name) = marked(line, "walk") {
                        walks.push(Walk { name: name.to_owned(), files: Vec::new(), steps: Vec::new() });
                    } else if let Some(name) = marked(line, "file") {
                        file = Some(name.to_owned());
                    }
                }
                (Reading::Prose, Some(kind)) => {
                    reading = match (kind, file.take()) {
                        (_, Some(name)) => Reading::File(name, String::new()),
                        ("console", None) => Reading::Commands,
                        _ => Reading::Other,
                    };
                }
                (Reading::File(name, content), Some(_)) => {
                    let walk = walks.last_mut().unwrap_or_else(|| panic!("line {}: no walk yet", n + 1));
                    walk.files.push(File { name: std::mem::take(name), content: std::mem::take(content) });
                    reading = Reading::Prose;
                }
                (_, Some(_)) => reading = Reading::Prose,
                (Reading::File(_, content), None) => {
                    content.push_str(line);
                    content.push('\n');
                }
                (Reading::Commands, None) => {
                    let walk = walks.last_mut().unwrap_or_else(|| panic!("line {}: no walk yet", n + 1));
                    walk.read(n + 1, line);
                }
                (Reading::Other, None) => {}
            }
        }
        assert!(matches!(reading, Reading::Prose), "a block does not end");
        walks
    }

    /// Takes note of what a command says.
    pub(crate) fn correct(&mut self, step: &Step, said: &str) {
        // Who has left something out wants it left out.
        if !step.expected.iter().any(|line| line.trim() == "…") {
            let first = step.line + step.command.matches('\n').count();
            self.corrections.push((first, step.expected.len(), said.lines().map(str::to_owned).collect()));
        }
    }

    /// Writes the document with what was taken note of.
    pub(crate) fn write(&mut self, path: &Path) {
        self.corrections.sort();
        for (first, many, said) in self.corrections.drain(..).rev() {
            self.lines.splice(first..first + many, said);
        }
        std::fs::write(path, self.lines.join("\n") + "\n").unwrap();
    }
}

impl Walk {
    /// Reads a line of a block of commands.
    fn read(&mut self, line: usize, text: &str) {
        match (text.strip_prefix("$ "), self.steps.last_mut()) {
            (Some(command), _) => {
                let command = command.to_owned();
                self.steps.push(Step { line, command, expected: Vec::new() });
            }
            (None, Some(step)) if step.command.ends_with('\\') => {
                step.command.push('\n');
                step.command.push_str(text);
            }
            (None, Some(step)) => step.expected.push(text.to_owned()),
            (None, None) => panic!("line {line}: an answer without a command: {text}"),
        }
    }
}

const DOCUMENT: &str = "\
# Title
<!-- walk: tour -->
```console
$ one
$ two \\
  more
said
```
```sh
not run
```
<!-- file: a.yaml -->
```yaml
a: 1
```
```console
$ three
```
";

#[test]
fn a_walk_has_the_commands_and_files_of_all_its_blocks() {
    let walks = Book::parse(DOCUMENT).walks();
    let [walk] = &walks[..] else { panic!("{walks:?}") };
    let commands: Vec<_> = walk.steps.iter().map(|step| (step.line, step.command.as_str())).collect();
    assert_eq!(commands, [(4, "one"), (5, "two \\\n  more"), (17, "three")]);
    assert_eq!(walk.steps[1].expected, ["said"]);
    assert_eq!(walk.files, [File { name: "a.yaml".to_owned(), content: "a: 1\n".to_owned() }]);
}

#[test]
fn what_was_said_is_written_below_its_command() {
    let mut book = Book::parse(DOCUMENT);
    let walk = book.walks().remove(0);
    book.correct(&walk.steps[0], "new");
    book.correct(&walk.steps[1], "other\nwords");
    let dir = tempfile::tempdir().unwrap();
    book.write(&dir.path().join("a.md"));
    let written = std::fs::read_to_string(dir.path().join("a.md")).unwrap();
    assert_eq!(written, DOCUMENT.replace("$ one\n", "$ one\nnew\n").replace("said\n", "other\nwords\n"));
}

#[test]
#[should_panic(expected = "no walk yet")]
fn commands_that_nobody_runs_are_refused() {
    Book::parse("```console\n$ one\n```\n").walks();
}
