//! Which way to sign in is taken, and why: a decision about options and environment alone.

use super::Environment;
use crate::error::{Error, Result};
use crate::store::azure::{AzureCredential, AzureOptions, AzureSecret};

/// A way to sign in, with the secret that it needs.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Account, secret and endpoint in one text.
    ConnectionString(String),
    /// A shared access signature.
    Sas(String),
    /// The account's key, in base64.
    Key(String),
    /// Tokens.
    Token(AzureCredential),
}

/// A way to sign in, and why it is taken.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// What is done.
    pub(super) way: Way,
    /// Why: a verb phrase for the context of an error.
    pub(super) because: String,
}

/// What a secret is turned into.
type IntoWay = fn(String) -> Way;

/// The secrets of the environment, in the order in which they count (spec/barman-cloud.md 7.3).
/// `AZURE_STORAGE_ACCOUNT` is not among what is read: the URL names the account.
const SECRETS: [(&str, IntoWay); 3] = [
    ("AZURE_STORAGE_CONNECTION_STRING", Way::ConnectionString),
    ("AZURE_STORAGE_SAS_TOKEN", Way::Sas),
    ("AZURE_STORAGE_KEY", Way::Key),
];

/// Decides: a secret that was given, else the way that was asked for, else the first secret that the
/// environment has, else the default chain.
pub(super) fn choose(options: &AzureOptions, environment: Environment<'_>) -> Result<Choice> {
    if let Some(secret) = options.secret.clone() {
        let way = match secret {
            AzureSecret::ConnectionString(text) => Way::ConnectionString(text),
            AzureSecret::Sas(text) => Way::Sas(text),
            AzureSecret::Key(text) => Way::Key(text),
        };
        return Ok(Choice { way, because: "use the secret given".to_owned() });
    }
    if let Some(credential) = options.credential {
        let because = format!("use {credential}, as asked for");
        return Ok(Choice { way: Way::Token(credential), because });
    }
    for (name, way) in SECRETS {
        if let Some(secret) = text(environment, name)? {
            return Ok(Choice { way: way(secret), because: format!("use {name}") });
        }
    }
    let names = SECRETS.map(|(name, _)| name).join(", ");
    let because = format!("use the default chain, since none of {names} is set");
    Ok(Choice { way: Way::Token(AzureCredential::Default), because })
}

/// A variable's text; one that is empty counts as unset. Quotes around it come from a file that no shell
/// has read, and would become part of a secret.
pub(super) fn text(environment: Environment<'_>, name: &str) -> Result<Option<String>> {
    match environment(name).map(std::ffi::OsString::into_string) {
        None => Ok(None),
        Some(Ok(text)) if ['"', '\''].iter().any(|&quote| is_within(text.trim(), quote)) => {
            Err(Error::usage(format!("{name} stands in quotes")).hint("leave the quotes out"))
        }
        Some(Ok(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Some(Err(_)) => Err(Error::usage(format!("{name} is not UTF-8"))),
    }
}

fn is_within(text: &str, quote: char) -> bool {
    text.len() > 1 && text.starts_with(quote) && text.ends_with(quote)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    const ALL: [(&str, &str); 4] = [
        ("AZURE_STORAGE_ACCOUNT", "other"),
        ("AZURE_STORAGE_KEY", "key"),
        ("AZURE_STORAGE_SAS_TOKEN", "sas"),
        ("AZURE_STORAGE_CONNECTION_STRING", "string"),
    ];

    /// What is chosen in an environment, with the reason.
    fn chosen(options: &AzureOptions, set: &[(&str, &str)]) -> (&'static str, String) {
        let environment = |name: &str| {
            let found = set.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let Choice { way, because } = choose(options, &environment).unwrap_or_else(|e| panic!("{e:?}"));
        let way = match way {
            Way::ConnectionString(text) if text == "string" => "string",
            Way::Sas(text) if text == "sas" => "sas",
            Way::Key(text) if text == "key" => "key",
            Way::Token(AzureCredential::Default) => "default",
            Way::Token(AzureCredential::ManagedIdentity) => "managed identity",
            Way::Token(AzureCredential::Cli) => "cli",
            _ => "another's secret",
        };
        (way, because)
    }

    #[test]
    fn the_environments_secrets_count_in_the_order_of_the_specification() {
        let options = AzureOptions::default();
        let ways = ["default", "key", "sas", "string"];
        for (set, way) in ways.into_iter().enumerate() {
            assert_eq!(chosen(&options, &ALL[..=set]).0, way);
        }
        assert_eq!(chosen(&options, &ALL).1, "use AZURE_STORAGE_CONNECTION_STRING");
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let set = [("AZURE_STORAGE_CONNECTION_STRING", ""), ("AZURE_STORAGE_SAS_TOKEN", " "), ALL[1]];
        assert_eq!(chosen(&AzureOptions::default(), &set).0, "key");
        let (way, because) = chosen(&AzureOptions::default(), &set[..2]);
        assert_eq!(way, "default");
        assert!(because.contains("none of AZURE_STORAGE_CONNECTION_STRING"), "{because}");
    }

    #[test]
    fn a_variable_in_quotes_is_refused_and_not_repeated() {
        for quoted in ["\"hunter2\"", "'hunter2'", " \"hunter2\"\n"] {
            let environment = |name: &str| (name == "AZURE_STORAGE_KEY").then(|| OsString::from(quoted));
            let Err(error) = choose(&AzureOptions::default(), &environment) else { panic!("it was taken") };
            assert_eq!(error.to_string(), "AZURE_STORAGE_KEY stands in quotes");
        }
    }

    #[test]
    fn a_way_that_is_asked_for_passes_the_environments_secrets_over() {
        for (credential, way) in [
            (AzureCredential::Cli, "cli"),
            (AzureCredential::ManagedIdentity, "managed identity"),
            (AzureCredential::Default, "default"),
        ] {
            let options = AzureOptions { credential: Some(credential), ..AzureOptions::default() };
            let (chosen, because) = chosen(&options, &ALL);
            assert_eq!(chosen, way);
            assert_eq!(because, format!("use {credential}, as asked for"));
        }
    }

    #[test]
    fn a_secret_that_is_given_comes_before_everything() {
        let secret = Some(AzureSecret::Key("key".to_owned()));
        let credential = Some(AzureCredential::Cli);
        let options = AzureOptions { credential, secret, ..AzureOptions::default() };
        assert_eq!(chosen(&options, &ALL), ("key", "use the secret given".to_owned()));
    }

    #[test]
    fn a_variable_that_is_no_text_is_refused_and_not_repeated() {
        let environment =
            |name: &str| (name == "AZURE_STORAGE_KEY").then(|| OsString::from_vec(b"hunter2\xff".to_vec()));
        let Err(error) = choose(&AzureOptions::default(), &environment) else { panic!("it was taken") };
        assert_eq!(error.to_string(), "AZURE_STORAGE_KEY is not UTF-8");
    }
}
