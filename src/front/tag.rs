//! Tags as people write them: `key=value`.

use std::fmt;
use std::str::FromStr;

use crate::archive::Tags;
use crate::error::{Error, Result};

/// One tag of an object, held to the limits every store shares (spec/barman-cloud.md 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    key: String,
    value: String,
}

/// As many as an object may have.
const MOST: usize = 10;

impl FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |why: &str| Error::usage(format!("`{text}` is not a tag: {why}"));
        let (key, value) = text.split_once('=').ok_or_else(|| refused("write it as key=value"))?;
        let (key, value) = (key.trim(), value.trim());
        if !(1..=128).contains(&key.chars().count()) {
            return Err(refused("a key has 1 to 128 characters"));
        }
        if value.chars().count() > 256 {
            return Err(refused("a value has at most 256 characters"));
        }
        if !key.chars().chain(value.chars()).all(allowed) {
            return Err(refused("only letters, digits, white space and _ . : / = + - @ are allowed"));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(refused("keys that begin with aws: are reserved"));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c)
}

/// The tags of one object, in the order given: at most ten, no key twice.
pub(crate) fn together(tags: Vec<Tag>) -> Result<Tags> {
    if tags.len() > MOST {
        return Err(Error::usage(format!("{} tags were given, an object has at most {MOST}", tags.len())));
    }
    let twice = tags.iter().enumerate().find(|(i, tag)| tags[..*i].iter().any(|t| t.key == tag.key));
    if let Some((_, tag)) = twice {
        return Err(Error::usage(format!("the tag `{}` was given twice", tag.key)));
    }
    Ok(Tags(tags.into_iter().map(|t| (t.key, t.value)).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::golden::{cases, text};

    /// There a comma stands between key and value; what may stand on either side of it is the same.
    #[test]
    fn keys_and_values_are_those_of_the_reference_and_only_the_sign_between_them_is_ours() {
        for case in cases("tag_option") {
            let ours = text(&case, "input").replacen(',', "=", 1).parse::<Tag>();
            let read = ours.ok().map(|tag| json!([tag.key, tag.value]));
            assert_eq!(read.as_ref(), case.get("value"), "{case}");
        }
    }

    fn tags(texts: &[&str]) -> Result<Tags> {
        together(texts.iter().map(|t| t.parse().unwrap()).collect())
    }

    #[test]
    fn a_tag_is_split_at_the_first_equals_sign_and_trimmed() {
        let tag: Tag = " team = a=b ".parse().unwrap();
        assert_eq!(tag, Tag { key: "team".into(), value: "a=b".into() });
        assert_eq!("empty=".parse::<Tag>().unwrap().to_string(), "empty=");
    }

    #[test]
    fn what_no_store_would_keep_is_refused() {
        let long_key = format!("{}=v", "k".repeat(129));
        let long_value = format!("k={}", "v".repeat(257));
        for bad in ["", "k", "=v", " =v", "k=é", "k=a,b", "k=a;b", "AWS:x=1", &long_key, &long_value] {
            assert!(bad.parse::<Tag>().is_err(), "{bad:?}");
        }
        assert!(format!("{}={}", "k".repeat(128), "v".repeat(256)).parse::<Tag>().is_ok());
    }

    #[test]
    fn an_object_has_at_most_ten_tags_and_no_key_twice() {
        let texts: Vec<String> = (0..11).map(|i| format!("k{i}=v")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        assert_eq!(tags(&texts[..10]).unwrap().0.len(), 10);
        assert!(tags(&texts).is_err());
        assert!(tags(&["a=1", "b=2", "a=3"]).is_err());
    }
}
