//! One of the two: the reference's programs, or ours by the same names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::common::{as_postgres, run};

/// How long one command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many changes a message shows.
const SHOWN: usize = 40;

/// Where the programs are, and how they are started.
#[derive(Debug, Clone)]
pub enum Side {
    /// The directory with the reference's.
    Theirs(PathBuf),
    /// The directory with a link for each name.
    Ours(PathBuf),
    /// Our binary, the name being its first word.
    OursByWord(PathBuf),
}

/// Where a command runs, and what the letters in its words stand for.
pub struct Place {
    /// The words that lead to the service.
    pub service: Vec<String>,
    /// The archive's URL.
    pub url: String,
    /// Credentials.
    pub variables: Vec<(&'static str, String)>,
    /// The row's own directory.
    pub dir: PathBuf,
    /// The files to archive.
    pub files: PathBuf,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its exit status; 128 and more for a signal.
    pub code: i32,
    /// Its standard output, with the version of the level that the reference has.
    pub stdout: String,
    /// The level of its first line on standard error: a level's name, `usage`, `other`, or nothing.
    pub level: String,
    /// What it changed, as `effect` tells it.
    pub changes: Vec<String>,
    /// What it said on standard error, for messages of failure.
    pub stderr: Said,
}

/// Text that is not compared.
#[derive(Debug, Clone)]
pub struct Said(pub String);

impl PartialEq for Said {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Said {}

impl Side {
    /// Runs a row's words in a place; the changes are the caller's to look at.
    pub fn run(&self, words: &str, place: &Place) -> Seen {
        let words = split(words);
        let (variables, words) = words.split_at(words.iter().take_while(|word| is_variable(word)).count());
        let name = format!("barman-cloud-{}", words[0]);
        let mut command = match self {
            Self::Theirs(dir) | Self::Ours(dir) => as_postgres(dir.join(name)),
            Self::OursByWord(binary) => {
                let mut command = as_postgres(binary);
                command.arg(name);
                command
            }
        };
        command.current_dir(&place.dir).env("HOME", "/nonexistent").envs(place.variables.iter().cloned());
        for variable in variables {
            let (name, value) = variable.split_once('=').unwrap();
            command.env(name, place.filled(value));
        }
        for word in &words[1..] {
            match word.as_str() {
                "@" => command.args(&place.service).args([&place.url, "main"]),
                "SERVICE" => command.args(&place.service),
                word => command.arg(place.filled(word)),
            };
        }
        let output = run(&mut command, PATIENCE);
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Seen {
            code: output.status.code().unwrap_or_else(|| 128 + signal.unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).replace("3.20.1", "3.19.1"),
            level: level(&stderr).to_owned(),
            changes: Vec::new(),
            stderr: Said(stderr),
        }
    }
}

impl Place {
    fn filled(&self, word: &str) -> String {
        let path = |path: &Path| path.display().to_string();
        // `http://HOST:PORT/ACCOUNT/CONTAINER/…`
        let account = self.url.splitn(5, '/').take(4).collect::<Vec<_>>().join("/");
        word.replace("=ACCOUNT", &format!("={account}"))
            .replace("URL", &self.url)
            .replace("DIR", &path(&self.dir))
            .replace("IN/", &path(&self.files.join("")))
    }
}

impl Seen {
    /// For a message: of many changes, only those that the other side has not made.
    pub fn beside(&self, other: &Self) -> Self {
        let mut shown = self.clone();
        if shown.changes.len() > SHOWN {
            shown.changes.retain(|line| !other.changes.contains(line));
        }
        shown
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "    exit {}, first on stderr: {:?}", self.code, self.level)?;
        for line in self.stdout.lines() {
            writeln!(f, "    | {line}")?;
        }
        for line in self.changes.iter().take(SHOWN) {
            writeln!(f, "    {line}")?;
        }
        for line in self.stderr.0.lines().rev().take(3).collect::<Vec<_>>().iter().rev() {
            writeln!(f, "    2> {}", &line[..line.len().min(300)])?;
        }
        Ok(())
    }
}

/// `2026-11-21 00:01:57,466 [123] ERROR: …`, or what a usage error begins with.
fn level(stderr: &str) -> &str {
    let Some(first) = stderr.lines().next() else { return "" };
    if first.starts_with("usage: ") || first.starts_with("barman-cloud-") {
        return "usage";
    }
    let level = first.split_once("] ").and_then(|(_, rest)| rest.split_once(": ")).map(|(level, _)| level);
    level.filter(|level| ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].contains(level)).unwrap_or("other")
}

fn is_variable(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
}

/// As a shell would; there are no other quotes than single ones.
fn split(words: &str) -> Vec<String> {
    let (mut all, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for c in words.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => all.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}
