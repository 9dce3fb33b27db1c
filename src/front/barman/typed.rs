//! Values as the dialect writes them (spec/barman-cloud.md 1.3). Each function reads one; the grammar calls
//! them, so that what cannot be meant is refused before anything is touched.

use std::num::NonZeroU32;

use crate::archive::Tags;
use crate::error::{Error, Result};
use crate::model::{BackupId, Level, TargetTimeline, Timeline};

/// A size in bytes, from 1 up. `KB` is a power of 1024 and `KiB` one of 1000: the reverse of what the rest
/// of the world means. What no machine has is read as the most there is.
pub(super) fn size(text: &str) -> Result<u64> {
    let upper = text.to_ascii_uppercase();
    let refused = || Error::usage(format!("'{upper}' is not a valid size string"));
    let bytes = match upper.strip_suffix('B') {
        None => upper.trim().parse().ok(),
        Some(rest) => match rest.strip_suffix('I') {
            Some(rest) => scaled(rest, 1000.0),
            None => scaled(rest, 1024.0).or_else(|| rest.trim().parse().ok()),
        },
    };
    bytes.filter(|bytes| *bytes > 0).ok_or_else(refused)
}

/// A number, perhaps with a fraction, and the letter of a power of `thousand`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a fraction of a byte is dropped, and what is out of range is clamped and then refused"
)]
fn scaled(text: &str, thousand: f64) -> Option<u64> {
    let letter = text.chars().last()?;
    let power = "KMGTPEZY".find(letter).and_then(|at| i32::try_from(at + 1).ok())?;
    let number: f64 = text[..text.len() - letter.len_utf8()].trim().parse().ok()?;
    number.is_finite().then_some((number * thousand.powi(power)) as u64)
}

/// A whole number from 1 up.
pub(super) fn positive(text: &str) -> Result<NonZeroU32> {
    NonZeroU32::new(whole(text)?)
        .ok_or_else(|| Error::usage(format!("'{text}' is not a valid positive integer")))
}

/// A whole number from 0 up.
pub(super) fn non_negative(text: &str) -> Result<u32> {
    let negative = || Error::usage(format!("'{text}' is not a valid non negative integer"));
    if text.trim().starts_with('-') && text.trim().parse::<i64>().is_ok_and(|n| n < 0) {
        return Err(negative());
    }
    whole(text)
}

fn whole(text: &str) -> Result<u32> {
    match text.trim().parse::<i64>() {
        Ok(number) if number < 0 => Err(Error::usage(format!("'{text}' is not a valid positive integer"))),
        Ok(number) => u32::try_from(number).map_err(|_| Error::usage(format!("'{text}' is too much"))),
        Err(_) => Err(Error::usage(format!("'{text}' is not a valid input"))),
    }
}

/// A timeline's number, in decimal.
pub(super) fn timeline(text: &str) -> Result<Timeline> {
    Timeline::new(positive(text)?.get()).ok_or_else(|| Error::bug("a positive number was 0"))
}

/// The timeline to end on: its number, `current` or `latest`.
pub(super) fn target_timeline(text: &str) -> Result<TargetTimeline> {
    match text {
        "current" | "latest" => text.parse(),
        number => timeline(number).map(TargetTimeline::Number),
    }
}

/// Words that stand for a backup, so that none can be called so. Upper case makes others of them.
const RESERVED: [&str; 8] =
    ["latest", "last", "oldest", "first", "last-failed", "latest-full", "last-full", "auto"];

/// A backup's name: no identifier, none of the words that stand for one, on one line.
pub(super) fn backup_name(text: &str) -> Result<String> {
    let refused = |why: &str| Error::usage(format!("Backup name '{text}' is not allowed: {why}"));
    match text {
        "" => Err(Error::usage("Backup name cannot be empty")),
        _ if text.parse::<BackupId>().is_ok() => Err(refused("backup ID")),
        _ if RESERVED.contains(&text) => Err(refused("reserved word")),
        // It would end the line of `backup.info` that it stands on.
        _ if text.chars().any(char::is_control) => {
            Err(Error::usage("Backup name has characters that cannot be printed"))
        }
        _ => Ok(text.to_owned()),
    }
}

/// How hard to compress; nothing for an empty word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Effort(pub(super) Option<Level>);

/// `low`, `medium`, `high` in any case, or a whole number, which the codec clamps to its range.
pub(super) fn effort(text: &str) -> Result<Effort> {
    if text.is_empty() {
        return Ok(Effort(None));
    }
    let number = text.trim().parse::<i64>().ok();
    let number = number.map(|n| i32::try_from(n).unwrap_or(if n < 0 { i32::MIN } else { i32::MAX }));
    number.map_or_else(|| text.parse(), |n| Ok(Level::Number(n))).map(|level| Effort(Some(level))).map_err(
        |_: Error| {
            Error::usage(format!(
                "Invalid value: '{text}' (must be one in [low, medium, high] or an acceptable integer)"
            ))
        },
    )
}

/// A tag: key and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag(String, String);

impl Tag {
    /// As our own flags have it: `key=value`.
    pub(super) fn spelled(&self) -> String {
        format!("{}={}", self.0, self.1)
    }
}

/// A tag as `--tag` has it: split at the first comma, trimmed, held to the limits that every store shares.
pub(super) fn tag(text: &str) -> Result<Tag> {
    let split = text.split_once(',');
    let (key, value) = split.ok_or_else(|| Error::usage("Invalid tag format. Expected 'key,value'."))?;
    let (key, value) = (key.trim(), value.trim());
    let refused = |what: &str| {
        let allowed = "Allowed are letters, numbers, spaces, and _.:/=+-@";
        Error::usage(format!("Tag {what} contains invalid characters. {allowed}"))
    };
    if !(1..=128).contains(&key.chars().count()) {
        return Err(Error::usage("Tag key must be between 1 and 128 characters."));
    }
    if value.chars().count() > 256 {
        return Err(Error::usage("Tag value must be 256 characters or less."));
    }
    if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
        return Err(Error::usage("Tag key cannot start with the reserved prefix 'aws:'."));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c);
    if !key.chars().all(allowed) {
        return Err(refused("key"));
    }
    if !value.chars().all(allowed) {
        return Err(refused("value"));
    }
    Ok(Tag(key.to_owned(), value.to_owned()))
}

/// A tag as `--tags` has it: a row of two fields, in which double quotes protect a comma. A bare second
/// comma belongs to the value: whoever starts us does not quote, and failing would fail every WAL file
/// (spec/cloudnativepg.md 1.3).
pub(super) fn tags(text: &str) -> Result<Tag> {
    let refused = || Error::usage(format!("Invalid tag format: {text}"));
    let (key, rest) = field(text);
    let (value, more) = field(rest.ok_or_else(refused)?);
    // What is left is part of the value as it stands.
    let value = if more.is_some() { rest.unwrap_or_default().to_owned() } else { value };
    Ok(Tag(key, value))
}

/// The first field of a row, and what follows its comma when there is one. A double quote stands twice
/// within quotes.
fn field(row: &str) -> (String, Option<&str>) {
    let Some(quoted) = row.strip_prefix('"') else {
        return match row.split_once(',') {
            Some((field, rest)) => (field.to_owned(), Some(rest)),
            None => (row.to_owned(), None),
        };
    };
    let mut field = String::new();
    let mut in_quotes = true;
    let mut chars = quoted.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if in_quotes && chars.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' if in_quotes => in_quotes = false,
            ',' if !in_quotes => return (field, Some(&quoted[at + 1..])),
            c => field.push(c),
        }
    }
    (field, None)
}

/// The tags of an object from both spellings, which exclude each other; `None` when neither is there.
pub(super) fn together(single: Vec<Tag>, several: Option<Vec<Tag>>) -> Option<Tags> {
    let tags = several.or_else(|| (!single.is_empty()).then_some(single))?;
    Some(Tags(tags.into_iter().map(|Tag(key, value)| (key, value)).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::golden::{cases, text};

    /// What is read, or what is said about it, as a case has it.
    fn told<T: Into<Value>>(result: Result<T>) -> (Option<Value>, Option<String>) {
        match result {
            Ok(value) => (Some(value.into()), None),
            Err(e) => (None, Some(e.to_string())),
        }
    }

    fn expected(case: &Value, key: &str) -> (Option<Value>, Option<String>) {
        (case.get(key).cloned(), case.get("error").map(|e| e.as_str().unwrap().to_owned()))
    }

    #[test]
    fn sizes_and_their_refusals_are_those_of_the_reference() {
        for case in cases("sizes") {
            assert_eq!(told(size(text(&case, "input"))), expected(&case, "bytes"), "{case}");
        }
    }

    #[test]
    fn a_size_without_a_number_or_beyond_all_machines_is_no_crash() {
        for bad in ["", "B", "KB", "iB", "5iB", "-1MB", "nanMB", "infGB", "0.5B", "5K"] {
            assert!(size(bad).is_err(), "{bad:?}");
        }
        assert_eq!(size("1e3kb").unwrap(), 1_024_000);
        assert_eq!(size("1YB").unwrap(), u64::MAX);
        assert_eq!(size("1kib").unwrap(), 1000);
    }

    #[test]
    fn tags_and_their_refusals_are_those_of_the_reference() {
        for case in cases("tag_option") {
            let tag = tag(text(&case, "input")).map(|Tag(key, value)| json!([key, value]));
            assert_eq!(told(tag), expected(&case, "value"), "{case}");
        }
        assert!(tag("").is_err());
    }

    #[test]
    fn names_of_backups_and_their_refusals_are_those_of_the_reference() {
        for case in cases("backup_names") {
            assert_eq!(told(backup_name(text(&case, "input"))), expected(&case, "value"), "{case}");
        }
        assert!(backup_name("two\nlines").is_err());
        assert!(backup_name("nightly / full").is_ok());
    }

    #[test]
    fn levels_and_their_refusals_are_those_of_the_reference() {
        for case in cases("compression_level_option") {
            let level = effort(text(&case, "input")).map(|effort| match effort.0.unwrap() {
                Level::Number(number) => json!(number),
                word => json!(word.to_string()),
            });
            assert_eq!(told(level), expected(&case, "value"), "{case}");
        }
        assert_eq!(effort("").unwrap(), Effort(None));
        assert_eq!(effort("99999999999").unwrap(), Effort(Some(Level::Number(i32::MAX))));
    }

    #[test]
    fn numbers_begin_where_they_are_said_to() {
        assert_eq!((positive("1").unwrap().get(), non_negative("0").unwrap()), (1, 0));
        for (end, message) in [
            (positive("0").map(drop), "'0' is not a valid positive integer"),
            (positive("-1").map(drop), "'-1' is not a valid positive integer"),
            (positive("x").map(drop), "'x' is not a valid input"),
            (non_negative("-1").map(drop), "'-1' is not a valid non negative integer"),
            (non_negative("1.5").map(drop), "'1.5' is not a valid input"),
            (timeline("0").map(drop), "'0' is not a valid positive integer"),
            (target_timeline("newest").map(drop), "'newest' is not a valid input"),
        ] {
            assert_eq!(end.unwrap_err().to_string(), message);
        }
        assert_eq!(timeline("16").unwrap(), Timeline::new(16).unwrap());
        assert_eq!(target_timeline("latest").unwrap(), TargetTimeline::Latest);
    }

    #[test]
    fn a_row_of_two_fields_is_a_tag_and_a_bare_second_comma_belongs_to_the_value() {
        for (row, key, value) in [
            ("env,prod", "env", "prod"),
            ("env,", "env", ""),
            (r#""a,b",c"#, "a,b", "c"),
            (r#"a,"b,c""#, "a", "b,c"),
            (r#"a,"say ""hi""""#, "a", r#"say "hi""#),
            ("k,v,w", "k", "v,w"),
            ("k$, é", "k$", " é"),
        ] {
            assert_eq!(tags(row).unwrap(), Tag(key.into(), value.into()), "{row}");
        }
        for bad in ["", "env", "\"a,b\""] {
            assert_eq!(tags(bad).unwrap_err().to_string(), format!("Invalid tag format: {bad}"));
        }
    }
}
