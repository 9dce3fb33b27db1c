//! Values as Python spells them, which is how the dialect's output is spelled.

use std::fmt;

use jiff::{RoundMode, Unit, Zoned, ZonedRound};

use crate::archive::Literal;

/// A value as Python's `json.dumps` prints it on one line: `", "` and `": "` between, everything but
/// printable ASCII escaped, an object's members in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, as it is spelled.
    Number(String),
    /// `"text"`
    Text(String),
    /// `[a, b]`
    List(Vec<Self>),
    /// `{"a": b}`
    Object(Vec<(String, Self)>),
}

impl Json {
    /// A text, or null.
    pub(super) fn text<T: ToString>(text: Option<T>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.to_string()))
    }

    /// An integer, or null.
    pub(super) fn integer<T: Into<u64>>(number: Option<T>) -> Self {
        number.map_or(Self::Null, |number| Self::Number(number.into().to_string()))
    }
}

impl From<&Literal> for Json {
    /// As Python turns what it has read from a record into JSON.
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::None => Self::Null,
            Literal::Bool(is) => Self::Bool(*is),
            Literal::Number(number) => json_number(number),
            Literal::Text(text) => Self::Text(text.clone()),
            Literal::List(items) | Literal::Tuple(items) => {
                Self::List(items.iter().map(Self::from).collect())
            }
            Literal::Dict(pairs) => {
                let member = |(key, value): &(Literal, Literal)| (plain(key), Self::from(value));
                Self::Object(pairs.iter().map(member).collect())
            }
        }
    }
}

/// A number keeps its spelling where JSON has it too.
fn json_number(spelled: &str) -> Json {
    if serde_json::from_str::<serde_json::Number>(spelled).is_ok() {
        return Json::Number(spelled.to_owned());
    }
    let number = spelled.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map_or(Json::Null, |number| Json::Number(format!("{number:?}")))
}

/// A literal as Python's `str` prints it: a text without quotes.
pub(super) fn plain(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(is) => write!(f, "{is}"),
            Self::Number(number) => f.write_str(number),
            Self::Text(text) => quote(f, text),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (i, (key, value)) in members.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    quote(f, key)?;
                    write!(f, ": {value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\x08' => f.write_str("\\b")?,
            '\x0C' => f.write_str("\\f")?,
            ' '..='~' => write!(f, "{c}")?,
            // Beyond the sixteen bits of one escape, two make a pair of surrogates.
            c => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(f, "\\u{unit:04x}"))?,
        }
    }
    f.write_str("\"")
}

/// A text as Python's `repr` prints it: `'text'`.
pub(super) fn repr(text: &str) -> String {
    Literal::Text(text.to_owned()).to_string()
}

/// A list of texts as Python prints it: `['a', 'b']`.
pub(super) fn list<T: ToString>(texts: impl IntoIterator<Item = T>) -> String {
    Literal::List(texts.into_iter().map(|text| Literal::Text(text.to_string())).collect()).to_string()
}

/// A moment as C's `ctime` spells it, by its own offset and without naming it:
/// `Sat Nov 21 00:01:57 2026`, the day of the month padded with a blank.
pub(super) fn ctime(time: &Zoned) -> String {
    time.strftime("%a %b %e %H:%M:%S %Y").to_string()
}

/// A moment with `between` date and time, and with its offset: Python's `isoformat` with `T`, its `str`
/// with a blank. Microseconds stand there unless they are 0.
pub(super) fn moment(time: &Zoned, between: char) -> String {
    let whole = ZonedRound::new().smallest(Unit::Microsecond).mode(RoundMode::Trunc);
    let time = time.round(whole).unwrap_or_else(|_| time.clone());
    let fraction = if time.subsec_nanosecond() == 0 { "" } else { "%.6f" };
    time.strftime(&format!("%Y-%m-%d{between}%H:%M:%S{fraction}%:z")).to_string()
}

/// A number of bytes for people: `1023 B`, `36.8 MiB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
    let mut size = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while size >= 1024.0 {
        let Some(next) = units.next() else { break };
        (size, unit) = (size / 1024.0, Some(next));
    }
    format!("{size:.1} {}", unit.copied().unwrap_or_default())
}

/// A length of time for people, in whole units: `2 days, 5 seconds`. Nothing, and what is less than
/// nothing, is `less than one second`.
pub(super) fn span(seconds: f64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")];
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut off on purpose")]
    let mut rest = seconds as u64;
    let mut parts = Vec::new();
    for (length, unit) in UNITS {
        let count = rest / length;
        rest %= length;
        if count > 0 {
            parts.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "less than one second".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::cases;

    #[test]
    fn sizes_are_told_as_the_reference_tells_them() {
        for case in cases("pretty_size") {
            assert_eq!(size(case["bytes"].as_u64().unwrap()), case["text"], "{case}");
        }
        assert_eq!((size(0), size(u64::MAX)), ("0 B".to_owned(), "16.0 EiB".to_owned()));
    }

    #[test]
    fn lengths_of_time_are_told_as_the_reference_tells_them() {
        for case in cases("human_timedelta") {
            assert_eq!(span(case["seconds"].as_f64().unwrap()), case["text"], "{case}");
        }
        for none in [0.4, -7.0, f64::NAN] {
            assert_eq!(span(none), "less than one second");
        }
    }

    #[test]
    fn json_is_spelled_as_python_dumps_it() {
        let read = |text: &str| Json::from(&Literal::parse(text).unwrap()).to_string();
        for (literal, json) in [
            ("{'b': [1, (2, None)], 'a': True, 1: 1e-07}", r#"{"b": [1, [2, null]], "a": true, "1": 1e-07}"#),
            (r#"'a"\\\n\t\x07\x7fé😀'"#, r#""a\"\\\n\t\u0007\u007f\u00e9\ud83d\ude00""#),
            ("[.5, 1., +3, inf]", "[0.5, 1.0, 3.0, null]"),
            ("[]", "[]"),
            ("{}", "{}"),
        ] {
            assert_eq!(read(literal), json);
        }
    }

    #[test]
    fn texts_and_lists_are_spelled_as_python_represents_them() {
        assert_eq!(list(["a", "it's"]), r#"['a', "it's"]"#);
        assert_eq!(list(Vec::<String>::new()), "[]");
        assert_eq!(repr("20260101T000000"), "'20260101T000000'");
    }

    #[test]
    fn moments_keep_their_own_offset_and_leave_out_a_fraction_of_zero() {
        let at = |text: &str| text.parse::<Zoned>().unwrap();
        let one = at("2026-11-01T00:00:00.000001-03:30[-03:30]");
        assert_eq!(ctime(&one), "Sun Nov  1 00:00:00 2026");
        assert_eq!(moment(&one, 'T'), "2026-11-01T00:00:00.000001-03:30");
        assert_eq!(moment(&at("2026-11-21T05:31:59+00:00[+00:00]"), ' '), "2026-11-21 05:31:59+00:00");
    }
}
