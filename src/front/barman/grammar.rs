//! How words are read: as Python's argparse reads them (spec/barman-cloud.md 1.1), which clap does nearly
//! of itself, and a little more leniently (spec/cloudnativepg.md 1.3).

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, Command, Parser};

/// What comes of words that are no command to run.
#[derive(Debug)]
pub(super) enum Told {
    /// What was asked for instead, for standard output.
    Help(String),
    /// Why they cannot be meant, for standard error.
    Refusal(String),
}

/// Reads the words of a command, the first of which is its name. Also gives those that were read as two.
pub(super) fn read<W: Parser>(words: &[OsString]) -> Result<(W, Vec<String>), Told> {
    let mut command = W::command().mut_args(|arg| {
        let takes_values = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes_values)
    });
    command.build();
    let (words, split) = split(&command, words);
    let read = command.try_get_matches_from_mut(&words).and_then(|found| W::from_arg_matches(&found));
    match read {
        Ok(read) => Ok((read, split)),
        Err(e) if !e.use_stderr() => Err(Told::Help(e.render().to_string())),
        Err(e) => Err(Told::Refusal(refusal(&mut command, &e))),
    }
}

/// The options that are given among some words, by their longest names, with their values as they are
/// spelled. Whether each can be meant has been looked at.
pub(super) fn given<W: Parser>(words: &[OsString]) -> Result<Vec<(String, Vec<String>)>, Told> {
    let mut command = W::command().mut_args(|arg| {
        let takes_values = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes_values)
    });
    command.build();
    let (words, _) = split(&command, words);
    let found = match command.try_get_matches_from_mut(&words) {
        Ok(found) => found,
        Err(e) if !e.use_stderr() => return Err(Told::Help(e.render().to_string())),
        Err(e) => return Err(Told::Refusal(complaint(&command, &e))),
    };
    let said = |arg: &Arg| {
        let long = arg.get_long()?.to_owned();
        let id = arg.get_id().as_str();
        let is_given = found.value_source(id) == Some(ValueSource::CommandLine);
        let values =
            found.get_raw(id).into_iter().flatten().map(|value| value.to_string_lossy().into_owned());
        is_given.then(|| (long, values.collect()))
    };
    Ok(command.get_arguments().filter_map(said).collect())
}

/// Splits a word like `-e AES256`, which people write into lists of additional arguments, where its first
/// part is an option that takes a value. Also gives those.
fn split(command: &Command, words: &[OsString]) -> (Vec<OsString>, Vec<String>) {
    let mut all = vec![OsString::from(command.get_name())];
    let mut split = Vec::new();
    let mut are_options = true;
    for word in words.iter().skip(1) {
        are_options &= word != "--";
        match word.to_str().filter(|_| are_options).and_then(|text| parts(command, text)) {
            Some(parts) => {
                all.extend(parts);
                split.extend(word.to_str().map(str::to_owned));
            }
            None => all.push(word.clone()),
        }
    }
    (all, split)
}

fn parts(command: &Command, word: &str) -> Option<Vec<OsString>> {
    let (option, value) = word.split_once(char::is_whitespace)?;
    let value = value.trim();
    let arg = if let Some(long) = option.strip_prefix("--") {
        only(longs(command, long))?.1
    } else {
        let mut letters = option.strip_prefix('-')?.chars();
        let letter = letters.next().filter(|_| letters.next().is_none())?;
        command.get_arguments().find(|arg| arg.get_short() == Some(letter))?
    };
    if !arg.get_action().takes_values() {
        return None;
    }
    let takes_several = arg.get_num_args().is_some_and(|range| range.max_values() > 1);
    // A list of tags, unless the blanks belong to the value of a single one.
    if takes_several && value.split_whitespace().all(|part| part.contains(',')) {
        return Some([option].into_iter().chain(value.split_whitespace()).map(OsString::from).collect());
    }
    let between = if option.starts_with("--") { "=" } else { "" };
    Some(vec![format!("{option}{between}{value}").into()])
}

/// The options that a beginning may stand for, by each of their names; one of them when it is a whole name.
fn longs<'a>(command: &'a Command, beginning: &str) -> Vec<(&'a str, &'a Arg)> {
    let mut found = Vec::new();
    for arg in command.get_arguments() {
        let aliases = arg.get_all_aliases().unwrap_or_default();
        let names = arg.get_long().into_iter().chain(aliases);
        for name in names.filter(|name| name.starts_with(beginning)) {
            if name == beginning {
                return vec![(name, arg)];
            }
            found.push((name, arg));
        }
    }
    found
}

fn only<T>(mut found: Vec<T>) -> Option<T> {
    let one = found.pop()?;
    found.is_empty().then_some(one)
}

/// The usage line, and what is wrong.
fn refusal(command: &mut Command, e: &clap::Error) -> String {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).trim();
    let name = command.get_name();
    format!("usage: {usage}\n{name}: error: {}\n", complaint(command, e))
}

/// What is wrong, in argparse's words where it has some.
fn complaint(command: &Command, e: &clap::Error) -> String {
    let text = |kind| match e.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let texts = |kind| match e.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    };
    let given = text(ContextKind::InvalidArg);
    let argument = || format!("argument {}", spelled(command, given));
    match e.kind() {
        ErrorKind::UnknownArgument => unknown(command, given),
        ErrorKind::MissingRequiredArgument => missing(command, &texts(ContextKind::InvalidArg)),
        ErrorKind::ArgumentConflict => {
            let prior = texts(ContextKind::PriorArg);
            let prior = prior.first().map(|prior| spelled(command, prior)).unwrap_or_default();
            format!("{}: not allowed with argument {prior}", argument())
        }
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_empty() => {
            format!("{}: expected one argument", argument())
        }
        ErrorKind::InvalidValue => {
            let choices =
                texts(ContextKind::ValidValue).iter().map(|word| format!("'{word}'")).collect::<Vec<_>>();
            let value = text(ContextKind::InvalidValue);
            format!("{}: invalid choice: '{value}' (choose from {})", argument(), choices.join(", "))
        }
        ErrorKind::ValueValidation => {
            let why = e.source().map(ToString::to_string).unwrap_or_default();
            format!("{}: {why}", argument())
        }
        _ => {
            let rendered = e.render().to_string();
            let first = rendered.split("\n\n").next().unwrap_or_default();
            first.strip_prefix("error: ").unwrap_or(first).to_owned()
        }
    }
}

fn unknown(command: &Command, given: &str) -> String {
    let beginning = given.strip_prefix("--").map(|long| long.split('=').next().unwrap_or_default());
    let names = beginning.map(|beginning| longs(command, beginning)).unwrap_or_default();
    if names.len() > 1 {
        let names: Vec<_> = names.iter().map(|(name, _)| format!("--{name}")).collect();
        return format!("ambiguous option: {given} could match {}", names.join(", "));
    }
    format!("unrecognized arguments: {given}")
}

fn missing(command: &Command, missing: &[String]) -> String {
    let (options, positionals): (Vec<_>, Vec<_>) =
        missing.iter().partition(|name| name.trim_start_matches('<').starts_with('-'));
    if positionals.is_empty() {
        let options: Vec<_> = options
            .iter()
            .flat_map(|names| names.trim_matches(['<', '>']).split('|'))
            .map(|name| spelled(command, name))
            .collect();
        return format!("one of the arguments {} is required", options.join(" "));
    }
    let names: Vec<_> =
        positionals.iter().map(|name| name.trim_matches(['<', '>']).to_ascii_lowercase()).collect();
    format!("the following arguments are required: {}", names.join(", "))
}

/// An option by all its names, `-e/--encryption`, as argparse calls it; a positional in lower case.
fn spelled(command: &Command, given: &str) -> String {
    let name = given.split([' ', '=', '.']).next().unwrap_or_default();
    let found = command.get_arguments().find(|arg| {
        let long = arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
        long || arg.get_short().is_some_and(|short| name == format!("-{short}"))
    });
    let Some(arg) = found else { return name.trim_matches(['<', '>', '[', ']']).to_ascii_lowercase() };
    let short = arg.get_short().map(|short| format!("-{short}"));
    let aliases = arg.get_all_aliases().unwrap_or_default();
    let long = arg.get_long().into_iter().chain(aliases).map(|long| format!("--{long}"));
    short.into_iter().chain(long).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::{
        backup, check_wal_archive, delete, keep, list, restore, show, wal_archive, wal_restore,
    };
    use super::*;

    /// The words as they were read, or what is said instead.
    fn told<W: Parser + std::fmt::Debug>(words: &str) -> Result<String, String> {
        let words: Vec<OsString> = words.split('|').map(OsString::from).collect();
        match read::<W>(&words) {
            Ok((read, _)) => Ok(format!("{read:?}")),
            Err(Told::Help(text)) => Err(text),
            Err(Told::Refusal(text)) => Err(text.rsplit_once(": error: ").unwrap().1.trim_end().to_owned()),
        }
    }

    fn archive(words: &str) -> Result<String, String> {
        told::<wal_archive::Words>(&format!("x|{words}"))
    }

    #[test]
    fn the_nine_grammars_are_sound() {
        wal_archive::Words::command().debug_assert();
        wal_restore::Words::command().debug_assert();
        backup::Words::command().debug_assert();
        list::Words::command().debug_assert();
        show::Words::command().debug_assert();
        delete::Words::command().debug_assert();
        keep::Words::command().debug_assert();
        restore::Words::command().debug_assert();
        check_wal_archive::Words::command().debug_assert();
    }

    #[test]
    fn options_may_stand_anywhere() {
        let first = archive("--gzip|-e|AES256|s3://b|s|WAL").unwrap();
        for other in [
            "s3://b|--gzip|s|-e|AES256|WAL",
            "s3://b|s|WAL|--gzip|-eAES256",
            "s3://b|s|--gzip|--encryption=AES256|WAL",
            "-zeAES256|--|s3://b|s|WAL",
            "--gz|--cloud-p|aws-s3|-e|AES256|s3://b|s|WAL",
            "-e|aws:kms|-e|AES256|-z|-z|s3://b|s|WAL",
            "-e AES256|-z|s3://b|s|WAL",
            "--encryption  AES256|-z|s3://b|s|WAL",
        ] {
            assert_eq!(archive(other).as_ref(), Ok(&first), "{other}");
        }
    }

    #[test]
    fn tags_take_every_word_up_to_the_next_option_and_the_last_ones_win() {
        let two = archive("--tags|a,1|b,2|-z|s3://b|s|WAL").unwrap();
        for other in ["s3://b|s|WAL|-z|--tags|a,1|b,2", "--tags|c,3|--tags|a,1|b,2|--|s3://b|s|WAL|-z"] {
            // Behind the double dash there are no options.
            let other = other.replace("|--|s3://b|s|WAL|-z", "|-z|s3://b|s|WAL");
            assert_eq!(archive(&other).as_ref(), Ok(&two), "{other}");
        }
        assert_eq!(archive("--tags a,1 b,2|-z|s3://b|s|WAL").as_ref(), Ok(&two));
        assert!(archive("--tags|-z|s3://b|s|WAL").is_ok());
        let blanks = archive("--tags team,night shift|-z|s3://b|s|WAL").unwrap();
        assert!(blanks.contains("night shift"), "{blanks}");
    }

    #[test]
    fn a_number_below_nothing_is_a_value() {
        let level = archive("--compression-level|-5|s3://b|s|WAL").unwrap();
        assert!(level.contains("Number(-5)"), "{level}");
        assert!(told::<delete::Words>("x|-b|b|--batch-size|-1|s3://b|s").is_ok());
        assert!(told::<wal_restore::Words>("x|-p|-1|s3://b|s|WAL|TO").is_ok());
    }

    #[test]
    fn refusals_are_in_the_references_words() {
        for (words, error) in [
            (
                "--s|s3://b|s|W",
                "ambiguous option: --s could match --snappy, --sse-kms-key-id, --sse-customer-key",
            ),
            ("--foo|s3://b|s|W", "unrecognized arguments: --foo"),
            ("s3://b|s|W|more", "unrecognized arguments: more"),
            (
                "-e|foo|s3://b|s|W",
                "argument -e/--encryption: invalid choice: 'foo' (choose from 'AES256', 'aws:kms')",
            ),
            ("s3://b|s|W|-e", "argument -e/--encryption: expected one argument"),
            ("", "the following arguments are required: destination_url, server_name"),
            (
                "--max-concurrency|0|s3://b|s|W",
                "argument --max-concurrency: '0' is not a valid positive integer",
            ),
            (
                "--max-block-size|abc|s3://b|s|W",
                "argument --max-block-size: 'ABC' is not a valid size string",
            ),
            ("--tag|a|s3://b|s|W", "argument --tag: Invalid tag format. Expected 'key,value'."),
            ("--tags|a|-v|s3://b|s|W", "argument --tags: Invalid tag format: a"),
        ] {
            let words = if words.is_empty() { "x".to_owned() } else { format!("x|{words}") };
            assert_eq!(told::<wal_archive::Words>(&words).unwrap_err(), error, "{words}");
        }
        assert_eq!(
            told::<delete::Words>("x|s3://b|s").unwrap_err(),
            "one of the arguments -b/--backup-id -r/--retention-policy is required"
        );
        assert_eq!(
            told::<backup::Words>("x|-n|latest|s3://b|s").unwrap_err(),
            "argument -n/--name: Backup name 'latest' is not allowed: reserved word"
        );
    }

    #[test]
    fn h_is_the_host_where_there_is_one_and_nothing_elsewhere() {
        assert!(told::<backup::Words>("x|-h|db1|s3://b|s").unwrap().contains("Some(\"db1\")"));
        assert_eq!(archive("-h|s3://b|s|W").unwrap_err(), "unrecognized arguments: -h");
    }

    #[test]
    fn what_excludes_each_other_is_refused_with_both_names() {
        for (words, one, other) in [
            ("-v|-q|s3://b|s|W", "-v/--verbose", "-q/--quiet"),
            ("-qv|s3://b|s|W", "-v/--verbose", "-q/--quiet"),
            ("--gzip|--xz|s3://b|s|W", "-z/--gzip", "--xz"),
            ("--tag|a,b|--tags|a,b|-v|s3://b|s|W", "--tag", "--tags"),
        ] {
            let error = archive(words).unwrap_err();
            let said = |a: &str, b: &str| error == format!("argument {a}: not allowed with argument {b}");
            assert!(said(one, other) || said(other, one), "{words}: {error}");
        }
    }

    #[test]
    fn either_choice_of_a_deletion_suffices_and_both_are_refused() {
        assert!(told::<delete::Words>("x|-b|id|s3://b|s").is_ok());
        assert!(told::<delete::Words>("x|-r|REDUNDANCY 1|s3://b|s").is_ok());
        let both = told::<delete::Words>("x|-b|id|-r|REDUNDANCY 1|s3://b|s").unwrap_err();
        assert!(both.contains("not allowed with argument"), "{both}");
    }
}
