//! Python literals, in which a record holds what is more than a word (spec/barman-cloud.md 5.2).

use std::fmt;

use crate::error::{Error, Result};

/// A value as Python's `repr` prints it and its literal evaluator reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// A number, as it is spelled.
    Number(String),
    /// `'text'` or `"text"`
    Text(String),
    /// `[a, b]`
    List(Vec<Self>),
    /// `(a, b)`
    Tuple(Vec<Self>),
    /// `{a: b}`, in the order in which it stands there.
    Dict(Vec<(Self, Self)>),
}

/// How deep lists may lie in lists: records have three levels, and a stack has an end.
const MAX_DEPTH: u32 = 16;

impl Literal {
    /// Reads one literal and nothing after it; kind `Corrupt` otherwise.
    pub fn parse(text: &str) -> Result<Self> {
        let mut reader = Reader { rest: text.trim() };
        let value = reader.value(MAX_DEPTH).filter(|_| reader.rest.is_empty());
        value.ok_or_else(|| {
            let at = text.trim().len() - reader.rest.len();
            Error::corrupt(format!("not a literal (from byte {at} on)"))
        })
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// What has not been read yet.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn value(&mut self, depth: u32) -> Option<Literal> {
        let depth = depth.checked_sub(1)?;
        match self.rest.chars().next()? {
            '\'' | '"' => self.quoted().map(Literal::Text),
            '[' => self.sequence('[', ']', |r| r.value(depth)).map(|(items, _)| Literal::List(items)),
            '{' => self.sequence('{', '}', |r| r.pair(depth)).map(|(items, _)| Literal::Dict(items)),
            '(' => {
                let (mut items, comma) = self.sequence('(', ')', |r| r.value(depth))?;
                // `(a)` is `a` in brackets, `(a,)` is a tuple.
                if items.len() == 1 && !comma { items.pop() } else { Some(Literal::Tuple(items)) }
            }
            _ => self.word(),
        }
    }

    fn pair(&mut self, depth: u32) -> Option<(Literal, Literal)> {
        let key = self.value(depth)?;
        self.blanks();
        self.eat(':')?;
        self.blanks();
        Some((key, self.value(depth)?))
    }

    /// Items between brackets, and whether a comma stands after the last.
    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        item: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<(Vec<T>, bool)> {
        self.eat(open)?;
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.blanks();
            if self.eat(close).is_some() {
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(item(self)?);
            self.blanks();
            comma = self.eat(',').is_some();
        }
    }

    fn word(&mut self) -> Option<Literal> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = match word {
            "None" => Literal::None,
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            number if number.parse::<f64>().is_ok() => Literal::Number(number.to_owned()),
            _ => return None,
        };
        self.rest = rest;
        Some(value)
    }

    fn quoted(&mut self) -> Option<String> {
        let quote = self.next()?;
        let mut text = String::new();
        loop {
            match self.next()? {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escape()?),
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0C',
            'v' => '\x0B',
            '0' => '\0',
            'x' => self.code(2)?,
            'u' => self.code(4)?,
            'U' => self.code(8)?,
            c @ ('\\' | '\'' | '"') => c,
            _ => return None,
        })
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let code = self.rest.get(..digits).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.rest = &self.rest[digits..];
        char::from_u32(u32::from_str_radix(code, 16).ok()?)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Number(number) => f.write_str(number),
            Self::Text(text) => quote(f, text),
            Self::List(items) => {
                f.write_str("[")?;
                separated(f, items, |f, item| item.fmt(f))?;
                f.write_str("]")
            }
            Self::Tuple(items) => {
                f.write_str("(")?;
                separated(f, items, |f, item| item.fmt(f))?;
                f.write_str(if items.len() == 1 { ",)" } else { ")" })
            }
            Self::Dict(pairs) => {
                f.write_str("{")?;
                separated(f, pairs, |f, (key, value)| write!(f, "{key}: {value}"))?;
                f.write_str("}")
            }
        }
    }
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        write(f, item)?;
    }
    Ok(())
}

/// Single quotes, unless there are some in the text and no double ones.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    write!(f, "{quote}")?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\\' => f.write_str("\\\\")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if !c.is_control() && (c == ' ' || !c.is_whitespace()) => write!(f, "{c}")?,
            c => match u32::from(c) {
                code @ ..=0xFF => write!(f, "\\x{code:02x}")?,
                code @ ..=0xFFFF => write!(f, "\\u{code:04x}")?,
                code => write!(f, "\\U{code:08x}")?,
            },
        }
    }
    write!(f, "{quote}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_literal_is_printed_as_python_prints_it() {
        for text in [
            "None",
            "[('ts1', 16384, '/pg/ts1'), ('b', 2, '/b')]",
            "('a',)",
            "{'total_time': 3.266771, 'by': {'16384': 0, 'data': 1e-05}, 'done': True}",
            r#""it's""#,
            r#"'it\'s "both"'"#,
            r"'a\nb\\c\x7f\u2028ü'",
            "[]",
            "()",
            "{}",
            "-5",
        ] {
            assert_eq!(Literal::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn either_quote_any_escape_and_loose_blanks_are_read() {
        let text = |text: &str| Literal::text(text);
        for (given, value) in [
            (r#""a\x41\u00fc\U0001F600\'\"""#, text("aAü😀'\"")),
            ("['a','b',]", Literal::List(vec![text("a"), text("b")])),
            (" ( 'a' ) ", text("a")),
            ("{ 'a' :None }", Literal::Dict(vec![(text("a"), Literal::None)])),
        ] {
            assert_eq!(Literal::parse(given).unwrap(), value, "{given}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        let deep = "[".repeat(100_000);
        for bad in [
            "",
            "'",
            "'a",
            "[",
            "['a' 'b']",
            "[,]",
            "{'a'}",
            "a",
            "f()",
            r"'\q'",
            "'a' x",
            "(,)",
            deep.as_str(),
        ] {
            assert!(Literal::parse(bad).is_err(), "{}", &bad[..bad.len().min(20)]);
        }
    }

    proptest! {
        #[test]
        fn every_text_survives_the_trip(text in any::<String>()) {
            let printed = Literal::text(text.clone()).to_string();
            prop_assert!(!printed.contains('\n') && !printed.contains('\r'));
            prop_assert_eq!(Literal::parse(&printed).unwrap(), Literal::Text(text));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\](){}'\",:\\\\ xuN0-9aé]{0,24}") {
            drop(Literal::parse(&text));
        }
    }
}
