//! YAML, which JSON is a part of, as a tree that remembers where everything stands.
//!
//! Read as Kubernetes reads it: what stands without quotes is a number, a truth value or nothing where it
//! looks so. No text of a document gets into an error: it may be a secret.

use std::collections::BTreeMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::error::{Error, Result};

/// The largest text that is read.
pub(crate) const LARGEST: usize = 4 << 20;

/// As many values as a file may have, those that aliases repeat included.
const MOST_NODES: usize = 200_000;

/// As deep as they may stand in each other.
const DEEPEST: usize = 64;

/// A value and its line, from 1 up. `Debug` shows no content.
#[derive(Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A number that is no integer of 64 bits, as it is spelled.
    Number(String),
    Text(String),
    /// A text without quotes that older readers of YAML, Kubernetes' too, take for a truth value: `yes`.
    Doubtful(String, bool),
    List(Vec<Node>),
    /// In the order of the file, no key twice.
    Map(Vec<(String, Node)>),
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in line {}", self.value.kind(), self.line)
    }
}

impl Value {
    /// What it is, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) | Self::Doubtful(..) => "true or false",
            Self::Int(_) | Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Node {
    /// A text of ours, which stands in no line.
    pub(crate) fn text(text: &str) -> Self {
        Self::of(Value::Text(text.to_owned()))
    }

    /// A map of ours.
    pub(crate) fn map(pairs: Vec<(&str, Self)>) -> Self {
        Self::of(Value::Map(pairs.into_iter().map(|(key, node)| (key.to_owned(), node)).collect()))
    }

    /// Any other value of ours.
    pub(crate) const fn of(value: Value) -> Self {
        Self { line: 0, value }
    }

    /// The value of a key, when this is a map that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(pairs) => pairs.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text, when it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// How many nodes it is made of.
    fn count(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Self::count).sum::<usize>(),
            Value::Map(pairs) => pairs.iter().map(|(_, node)| node.count()).sum(),
            _ => 0,
        }
    }
}

/// Replaces what stands for a variable within a text; the error names the variable.
pub(crate) type Substitute<'a> = &'a dyn Fn(&str) -> Result<String>;

/// Reads all documents of a text; empty ones are left out.
///
/// # Errors
/// Kind `Usage`, with the line.
pub(crate) fn read(text: &str, substitute: Option<Substitute<'_>>) -> Result<Vec<Node>> {
    if text.len() > LARGEST {
        return Err(Error::usage(format!("the file has {} bytes, more than {LARGEST}", text.len())));
    }
    let mut builder = Builder { substitute, ..Builder::default() };
    for event in Parser::new_from_str(text) {
        // The message of the parser may quote what it read, its kind of trouble is all that is repeated.
        let (event, span) = event.map_err(|e| at(e.marker().line(), e.info()))?;
        builder.take(event, span.start.line())?;
    }
    Ok(builder.documents)
}

fn at(line: usize, what: &str) -> Error {
    Error::usage(format!("line {line}: {what}"))
}

/// What is being built: the containers that are open, innermost last.
#[derive(Default)]
struct Builder<'a> {
    substitute: Option<Substitute<'a>>,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

/// A container that is not complete yet.
struct Open {
    node: Node,
    anchor: usize,
    /// The key that waits for its value.
    key: Option<String>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<()> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| at(line, "an alias stands within what it repeats"))?;
                self.add(Node { line, ..node }, 0)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let text = match self.substitute {
                    Some(substitute) => substitute(&text).map_err(|e| at(line, &e.to_string()))?,
                    None => text.into_owned(),
                };
                let value = match tag.as_deref().map(|tag| core(tag, line)).transpose()? {
                    Some("str") => Value::Text(text),
                    _ if is_plain => plain(text),
                    _ => Value::Text(text),
                };
                self.add(Node { line, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(Value::List(Vec::new()), anchor, tag.as_deref(), line)
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(Value::Map(Vec::new()), anchor, tag.as_deref(), line)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { node, anchor, .. }) => {
                    // It has been counted piece by piece.
                    self.place(node, anchor)
                }
                None => Ok(()),
            },
        }
    }

    fn begin(&mut self, value: Value, anchor: usize, tag: Option<&Tag>, line: usize) -> Result<()> {
        tag.map(|tag| core(tag, line)).transpose()?;
        if self.open.len() >= DEEPEST {
            return Err(at(line, &format!("values stand deeper than {DEEPEST} in each other")));
        }
        self.nodes += 1;
        self.open.push(Open { node: Node { line, value }, anchor, key: None });
        Ok(())
    }

    /// Adds a whole node.
    fn add(&mut self, node: Node, anchor: usize) -> Result<()> {
        self.nodes += node.count();
        if self.nodes > MOST_NODES {
            return Err(at(
                node.line,
                &format!("there are more than {MOST_NODES} values, counting those that aliases repeat"),
            ));
        }
        self.place(node, anchor)
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            if node.value != Value::Null {
                self.documents.push(node);
            }
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(pairs) => match open.key.take() {
                Some(key) => pairs.push((key, node)),
                None => open.key = Some(key(&node, pairs)?),
            },
            // Nothing else is ever opened.
            _ => {}
        }
        Ok(())
    }
}

/// The name of a tag that says what is seen anyway.
fn core(tag: &Tag, line: usize) -> Result<&str> {
    let known = ["str", "int", "float", "bool", "null", "seq", "map"];
    if tag.is_yaml_core_schema() && known.contains(&tag.suffix.as_str()) {
        Ok(&tag.suffix)
    } else {
        Err(at(line, "a tag that begins with an exclamation mark is not understood"))
    }
}

/// A key that is not there yet.
fn key(node: &Node, pairs: &[(String, Node)]) -> Result<String> {
    let text = match &node.value {
        Value::Text(text) | Value::Doubtful(text, _) | Value::Number(text) => text.clone(),
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Null | Value::List(_) | Value::Map(_) => return Err(at(node.line, "a key is no text")),
    };
    if text == "<<" {
        return Err(at(node.line, "`<<` merges maps, which is not understood: write the keys out"));
    }
    match pairs.iter().find(|(name, _)| *name == text) {
        Some((_, first)) => Err(at(
            node.line,
            &format!("a key stands there a second time, the first is in line {}", first.line),
        )),
        None => Ok(text),
    }
}

/// What a text without quotes is.
fn plain(text: String) -> Value {
    let lower = text.to_ascii_lowercase();
    // In lower case, upper case, or with a capital.
    let tail = text.get(1..).unwrap_or_default();
    let is_word =
        text == lower || text == text.to_ascii_uppercase() || tail.bytes().all(|b| b.is_ascii_lowercase());
    match lower.as_str() {
        "" | "~" | "null" if is_word => Value::Null,
        "true" if is_word => Value::Bool(true),
        "false" if is_word => Value::Bool(false),
        "yes" | "on" | "y" if is_word => Value::Doubtful(text, true),
        "no" | "off" | "n" if is_word => Value::Doubtful(text, false),
        _ => number(&text).unwrap_or(Value::Text(text)),
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let radix = |prefix, radix| {
        let number = digits.strip_prefix(prefix).filter(|d| !d.is_empty() && !d.starts_with(['+', '-']))?;
        i64::from_str_radix(number, radix).ok()
    };
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(Value::Int(if text.starts_with('-') { -number } else { number }));
    }
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.parse().map_or_else(|_| Value::Number(text.to_owned()), Value::Int));
    }
    let float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'))
        && digits.parse::<f64>().is_ok();
    let special = [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&digits);
    (float || special).then(|| Value::Number(text.to_owned()))
}

/// Writes a document as YAML; what [`read`] makes of it is the same tree.
pub(crate) fn write(node: &Node) -> String {
    let mut text = String::new();
    match &node.value {
        Value::List(items) if !items.is_empty() => block(&mut text, node, 0),
        Value::Map(pairs) if !pairs.is_empty() => block(&mut text, node, 0),
        _ => {
            text.push_str(&inline(node));
            text.push('\n');
        }
    }
    text
}

fn block(text: &mut String, node: &Node, indent: usize) {
    let pad = " ".repeat(indent);
    match &node.value {
        Value::Map(pairs) => {
            for (i, (key, value)) in pairs.iter().enumerate() {
                // The first line of an item of a list follows its dash.
                let pad = if i == 0 && text.ends_with("- ") { "" } else { &pad };
                text.push_str(pad);
                text.push_str(&spell(key));
                text.push(':');
                nested(text, value, indent + 2);
            }
        }
        Value::List(items) => {
            for (i, item) in items.iter().enumerate() {
                let pad = if i == 0 && text.ends_with("- ") { "" } else { &pad };
                text.push_str(pad);
                text.push_str("- ");
                if is_block(item) {
                    block(text, item, indent + 2);
                } else {
                    text.push_str(&inline(item));
                    text.push('\n');
                }
            }
        }
        _ => {}
    }
}

fn nested(text: &mut String, value: &Node, indent: usize) {
    if is_block(value) {
        text.push('\n');
        block(text, value, indent);
    } else {
        text.push(' ');
        text.push_str(&inline(value));
        text.push('\n');
    }
}

const fn is_block(node: &Node) -> bool {
    match &node.value {
        Value::List(items) => !items.is_empty(),
        Value::Map(pairs) => !pairs.is_empty(),
        _ => false,
    }
}

fn inline(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Number(number) => number.clone(),
        Value::Doubtful(word, _) => word.clone(),
        Value::Text(text) => spell(text),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
    }
}

/// A text, in quotes unless it stays what it is without them.
fn spell(text: &str) -> String {
    let is_simple = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./+=@:".contains(&b))
        && !text.ends_with(':')
        && plain(text.to_owned()) == Value::Text(text.to_owned());
    if is_simple { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Value {
        let mut documents = read(text, None).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(documents.len(), 1, "{text}");
        documents.pop().unwrap().value
    }

    fn refused(text: &str) -> String {
        read(text, None).unwrap_err().to_string()
    }

    #[test]
    fn what_stands_without_quotes_is_what_it_looks_like() {
        for (text, value) in [
            ("true", Value::Bool(true)),
            ("False", Value::Bool(false)),
            ("yes", Value::Doubtful("yes".into(), true)),
            ("OFF", Value::Doubtful("OFF".into(), false)),
            ("yEs", Value::Text("yEs".into())),
            ("12", Value::Int(12)),
            ("-0x1F", Value::Int(-31)),
            ("1.5e3", Value::Number("1.5e3".into())),
            ("99999999999999999999", Value::Number("99999999999999999999".into())),
            ("1.2.3", Value::Text("1.2.3".into())),
            ("20s", Value::Text("20s".into())),
            ("'12'", Value::Text("12".into())),
            ("\"true\"", Value::Text("true".into())),
            ("!!str 12", Value::Text("12".into())),
            ("|\n  two\n  lines\n", Value::Text("two\nlines\n".into())),
        ] {
            assert!(one(text) == value, "{text}");
        }
    }

    #[test]
    fn json_and_several_documents_are_read_and_empty_ones_left_out() {
        let documents =
            read("---\n---\na: 1\n---\n{\"b\": [1, \"x\", null]}\n---\n# nothing\n", None).unwrap();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].get("a").map(|node| node.line), Some(3));
        assert!(matches!(&documents[1].get("b").unwrap().value, Value::List(items) if items.len() == 3));
    }

    #[test]
    fn aliases_repeat_and_a_bomb_of_them_is_refused() {
        let documents = read("a: &x {b: 1}\nc: *x\n", None).unwrap();
        assert_eq!(
            documents[0].get("c").and_then(|c| c.get("b")).map(|b| b.value == Value::Int(1)),
            Some(true)
        );
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            bomb += format!("a{level}: &a{level} [{}]\n", vec![below; 9].join(", ")).as_str();
        }
        let told = refused(&bomb);
        assert!(
            told.contains("more than 200000 values") || told.contains("recurs") || told.contains("alias"),
            "{told}"
        );
        assert!(refused(&"[".repeat(1000)).starts_with("line 1: "));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_line_and_without_its_text() {
        for (text, told) in [
            ("a: 1\nb: 2\na: 3\n", "line 3: a key stands there a second time, the first is in line 1"),
            ("a: 1\n<<: {b: 1}\n", "line 2: `<<` merges maps"),
            ("a: !secret hunter2\n", "line 1: a tag"),
            ("? [a]\n: 1\n", "line 1: a key is no text"),
            ("a: [1, 2\nb: 3\n", "line"),
            ("a: 'open\n", "line"),
        ] {
            let error = refused(text);
            assert!(error.starts_with(told) && !error.contains("hunter2"), "{text:?}: {error}");
        }
        assert!(refused(&" ".repeat(LARGEST + 1)).contains("4194305 bytes"));
        assert_eq!(format!("{:?}", read("a: hunter2", None).unwrap()), "[a map in line 1]");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "a: {b: [1, two, 'yes', '12', '', ' x', \"l\\nm\", [1, [2]], {c: [], d: {}}], 'e: f': null}",
            "[{a: 1, b: {c: x}}, [[1]], -1.5, 'a:', '#', 'é', '- a']",
            "just text",
            "'12'",
            "{}",
        ] {
            let node = read(text, None).unwrap().remove(0);
            let written = write(&node);
            let again = read(&written, None).unwrap_or_else(|e| panic!("{written}: {e}")).remove(0);
            assert_eq!(lineless(&again), lineless(&node), "{written}");
        }
    }

    fn lineless(node: &Node) -> String {
        match &node.value {
            Value::List(items) => format!("[{}]", items.iter().map(lineless).collect::<Vec<_>>().join(", ")),
            Value::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, node)| format!("{key:?}: {}", lineless(node)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
            Value::Text(text) => format!("{text:?}"),
            _ => inline(node),
        }
    }

    #[test]
    fn variables_are_put_in_only_when_asked_and_an_unknown_one_is_named() {
        let substitute = |text: &str| match text {
            "${N}" => Ok("12".to_owned()),
            "${GONE}" => Err(Error::usage("the variable GONE is not set")),
            other => Ok(other.to_owned()),
        };
        let node = read("n: ${N}\nt: '${N}'", Some(&substitute)).unwrap().remove(0);
        assert!(node.get("n").unwrap().value == Value::Int(12));
        assert!(node.get("t").unwrap().value == Value::Text("12".into()));
        let e = read("a: 1\nb: ${GONE}", Some(&substitute)).unwrap_err();
        assert_eq!(e.to_string(), "line 2: the variable GONE is not set");
        assert!(read("b: ${GONE}", None).unwrap()[0].get("b").unwrap().as_text() == Some("${GONE}"));
    }
}
