//! Reading the fields of a document: what is there, what it must be, and what nobody knows.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::yaml::{Node, Value};
use crate::error::{Error, Result};

/// Where something stands: the document, the path within it, and the line of the file, from 1 up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// `ObjectStore store`.
    pub(crate) document: Arc<str>,
    /// `spec.configuration.wal`.
    pub(crate) path: String,
    pub(crate) line: usize,
}

impl Place {
    /// The place of a field below.
    pub(crate) fn field(&self, name: &str, line: usize) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { document: Arc::clone(&self.document), path, line }
    }

    /// The place of a field below that we do not know. Where somebody forgot the space behind the colon, a
    /// secret is part of its name: what cannot be a name is not repeated.
    fn unknown_field(&self, name: &str, line: usize) -> Self {
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/".contains(&b));
        if is_name { self.field(name, line) } else { self.in_line(line) }
    }

    /// The same place, in a line further down.
    fn in_line(&self, line: usize) -> Self {
        Self { line, ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.document)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, ": {}", self.path) }
    }
}

/// A value and where it was said.
#[derive(Debug, Clone)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) at: Place,
}

/// What is wrong with a manifest, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub(crate) fn at(place: &Place, what: impl fmt::Display) -> Self {
        Self { what: format!("{place}: {what}"), hint: None }
    }

    /// The same with the action to take.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// The problems that were found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// One more.
    pub(crate) fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    /// An error of somebody who does not know the place.
    pub(crate) fn add_error(&self, place: &Place, e: &Error) {
        let problem = Problem::at(place, e);
        self.add(match e.hint_text() {
            Some(hint) => problem.hint(hint),
            None => problem,
        });
    }

    /// All of them, in the order in which they were found.
    pub(crate) fn into_all(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// A map whose fields are read one by one. What is set to nothing counts as not set.
pub(crate) struct Fields<'n> {
    pub(crate) at: Place,
    pairs: &'n [(String, Node)],
    known: Vec<&'static str>,
    problems: &'n Problems,
}

impl<'n> Fields<'n> {
    /// The fields of a node, which must be a map.
    pub(crate) fn of(node: &'n Node, at: Place, problems: &'n Problems) -> Option<Self> {
        match &node.value {
            Value::Map(pairs) => Some(Self { at, pairs, known: Vec::new(), problems }),
            other => {
                problems.add(Problem::at(&at, format_args!("is {}, not a map of fields", other.kind())));
                None
            }
        }
    }

    /// One more problem at this place.
    pub(crate) fn problem(&self, what: impl fmt::Display, hint: &str) {
        self.problems.add(Problem::at(&self.at, what).hint(hint));
    }

    /// The list of problems.
    pub(crate) const fn problems(&self) -> &'n Problems {
        self.problems
    }

    /// A field as it stands.
    pub(crate) fn node(&mut self, name: &'static str) -> Option<Said<&'n Node>> {
        self.known.push(name);
        let (_, node) = self.pairs.iter().find(|(key, _)| key == name)?;
        let at = self.at.field(name, node.line);
        (node.value != Value::Null).then_some(Said { value: node, at })
    }

    /// All fields, whatever they are called.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'n str, Said<&'n Node>)> {
        let place = |key: &str, node: &Node| self.at.field(key, node.line);
        self.pairs.iter().map(move |(key, node)| (key.as_str(), Said { value: node, at: place(key, node) }))
    }

    /// A map.
    pub(crate) fn fields(&mut self, name: &'static str) -> Option<Self> {
        let Said { value, at } = self.node(name)?;
        Self::of(value, at, self.problems)
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<Said<String>> {
        let said = self.node(name)?;
        text(&said, self.problems)
    }

    /// A text that must be there and say something.
    pub(crate) fn demand(&mut self, name: &'static str, hint: &str) -> Option<Said<String>> {
        let is_there = self.node(name).is_some();
        let text = self.text(name);
        if !is_there || text.as_ref().is_some_and(|text| text.value.is_empty()) {
            self.problem(format_args!("{name} is missing"), hint);
            return None;
        }
        text
    }

    /// A text that means something.
    pub(crate) fn read<T: FromStr<Err = Error>>(&mut self, name: &'static str) -> Option<Said<T>> {
        let Said { value, at } = self.text(name)?;
        match value.parse() {
            Ok(value) => Some(Said { value, at }),
            Err(e) => {
                self.problems.add_error(&at, &e);
                None
            }
        }
    }

    /// One of some words.
    pub(crate) fn word(&mut self, name: &'static str, words: &[&str]) -> Option<Said<String>> {
        let said = self.text(name)?;
        if words.contains(&said.value.as_str()) {
            return Some(said);
        }
        let problem = Problem::at(&said.at, format_args!("`{}` is none of {}", said.value, words.join(", ")));
        self.problems.add(problem.hint(nearest(&said.value, words.iter().copied())));
        None
    }

    /// True or false.
    pub(crate) fn bool(&mut self, name: &'static str) -> Option<Said<bool>> {
        let Said { value, at } = self.node(name)?;
        match &value.value {
            Value::Bool(is) | Value::Doubtful(_, is) => Some(Said { value: *is, at }),
            other => {
                self.problems.add(Problem::at(&at, format_args!("is {}, not true or false", other.kind())));
                None
            }
        }
    }

    /// A whole number from 1 up.
    pub(crate) fn positive(&mut self, name: &'static str) -> Option<Said<u32>> {
        let Said { value, at } = self.node(name)?;
        let number = match &value.value {
            Value::Int(number) => {
                u32::try_from(*number).ok().filter(|n| (1..=i32::MAX.unsigned_abs()).contains(n))
            }
            _ => None,
        };
        if number.is_none() {
            let what = match &value.value {
                Value::Int(number) => format!("is {number}"),
                other => format!("is {}", other.kind()),
            };
            self.problems.add(Problem::at(&at, format_args!("{what}, not a whole number from 1 up")));
        }
        number.map(|value| Said { value, at })
    }

    /// A list.
    pub(crate) fn list(&mut self, name: &'static str) -> Vec<Said<&'n Node>> {
        let Some(Said { value, at }) = self.node(name) else { return Vec::new() };
        match &value.value {
            Value::List(items) => {
                let item = |(i, node): (usize, &'n Node)| Said {
                    value: node,
                    at: Place { path: format!("{}[{i}]", at.path), line: node.line, ..at.clone() },
                };
                items.iter().enumerate().map(item).collect()
            }
            other => {
                self.problems.add(Problem::at(&at, format_args!("is {}, not a list", other.kind())));
                Vec::new()
            }
        }
    }

    /// A list of maps.
    pub(crate) fn maps(&mut self, name: &'static str) -> Vec<Self> {
        let items = self.list(name).into_iter();
        items.filter_map(|Said { value, at }| Self::of(value, at, self.problems)).collect()
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, name: &'static str) -> Vec<Said<String>> {
        self.list(name).iter().filter_map(|said| text(said, self.problems)).collect()
    }

    /// A map of texts.
    pub(crate) fn texts_by_key(&mut self, name: &'static str) -> Vec<(String, Said<String>)> {
        let Some(fields) = self.fields(name) else { return Vec::new() };
        fields.all().filter_map(|(key, said)| Some((key.to_owned(), text(&said, self.problems)?))).collect()
    }

    /// A map of texts that are nobody's business. A name with nothing behind it may be one of them.
    pub(crate) fn secrets_by_key(&mut self, name: &'static str) -> Vec<(String, Said<String>)> {
        let Some(fields) = self.fields(name) else { return Vec::new() };
        let read = |(key, node): &'n (String, Node)| {
            if node.value == Value::Null {
                let problem = Problem::at(&fields.at.in_line(node.line), "a key has nothing behind it");
                self.problems.add(problem.hint("put a space behind its colon, and the text in quotes"));
                return None;
            }
            let said = Said { value: node, at: fields.at.unknown_field(key, node.line) };
            Some((key.clone(), text(&said, self.problems)?))
        };
        fields.pairs.iter().filter_map(read).collect()
    }

    /// Fields that are there, and of which nothing is read.
    pub(crate) fn ignore(&mut self, names: &[&'static str]) {
        self.known.extend(names);
    }

    /// Says which fields nobody knows.
    pub(crate) fn finish(self) {
        for (key, node) in self.pairs {
            if self.known.contains(&key.as_str()) {
                continue;
            }
            let problem = Problem::at(&self.at.unknown_field(key, node.line), "unknown field");
            // A field that was looked at twice is there once.
            let known: BTreeSet<_> = self.known.iter().copied().collect();
            self.problems.add(problem.hint(nearest(key, known.iter().copied())));
        }
    }
}

/// A text, which must look like one.
fn text(said: &Said<&Node>, problems: &Problems) -> Option<Said<String>> {
    let at = said.at.clone();
    match &said.value.value {
        Value::Text(text) => return Some(Said { value: text.clone(), at }),
        other @ (Value::List(_) | Value::Map(_)) => {
            problems.add(Problem::at(&at, format_args!("is {}, not a text", other.kind())));
        }
        other => problems
            .add(Problem::at(&at, format_args!("is {}, not a text", other.kind())).hint("put it in quotes")),
    }
    None
}

/// What was probably meant.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let best =
        known.clone().map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &word.to_lowercase()), name));
    match best.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((likeness, name)) if likeness > 0.75 => format!("did you mean {name}?"),
        Some(_) => format!("there is {}", known.collect::<Vec<_>>().join(", ")),
        None => "there is nothing to set here".to_owned(),
    }
}

/// The first problem as an error, and how to see the others.
pub(crate) fn refuse(problems: &[Problem]) -> Result<()> {
    let Some(first) = problems.first() else { return Ok(()) };
    let more = match problems.len() - 1 {
        0 => String::new(),
        1 => " (and 1 problem more)".to_owned(),
        more => format!(" (and {more} problems more)"),
    };
    let error = Error::usage(format!("{}{more}", first.what));
    Err(match (&first.hint, more.is_empty()) {
        (Some(hint), true) => error.hint(hint.clone()),
        (Some(hint), false) => error.hint(format!("{hint}; `barkeep config check FILE` lists all problems")),
        (None, true) => error,
        (None, false) => error.hint("`barkeep config check FILE` lists all problems"),
    })
}
