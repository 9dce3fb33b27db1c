//! Manifests of CloudNativePG as configuration (spec/cloudnativepg.md 3.5).
//!
//! A manifest is read as it is, and becomes the settings that the TOML file would give, each with the place
//! where it was said. This is the one room besides the other door where that dialect's words stand, because
//! fields are called so; nothing below the front knows of any of it.

mod effective;
mod reader;
mod resource;
mod secrets;
mod stanza;
pub(crate) mod yaml;

use crate::error::Result;

pub(crate) use effective::{Choice, Effective, Reads, choose, table_of};
pub(crate) use reader::{Problem, Problems, refuse};
pub(crate) use resource::{Credentials, Documents, Recovery, Scheduled, SecretRef, VariableValue};
pub(crate) use secrets::{Cabinet, Found, Hidden, Origin, Secrets};
pub(crate) use stanza::move_out;

/// Whether a text is a manifest rather than TOML: by its file's name, else by how it begins.
pub(crate) fn is_one(path: &std::path::Path, text: &str) -> bool {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("yaml" | "yml" | "json") => true,
        Some("toml") => false,
        _ => {
            let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
            let first = lines.next().unwrap_or_default();
            let starts = ["---", "{", "apiVersion:", "kind:", "%YAML"];
            starts.iter().any(|start| first.starts_with(start))
        }
    }
}

/// Reads a manifest.
///
/// # Errors
/// Kind `Usage` when the text is no YAML; what is wrong with the documents goes to `problems`.
pub(crate) fn read(
    text: &str,
    substitute: Option<yaml::Substitute<'_>>,
    problems: &Problems,
) -> Result<Documents> {
    let nodes = yaml::read(text, substitute)?;
    Ok(Documents::read(&nodes, problems))
}

/// Puts the values of variables in where `${NAME}` stands; one that is not set is an error.
pub(crate) fn envsubst(text: &str, environment: crate::front::borrowed::Environment<'_>) -> Result<String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        whole.push_str(before);
        let name = after
            .split_once('}')
            .map(|(name, _)| name)
            .filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.is_empty());
        let Some(name) = name else {
            whole.push_str("${");
            rest = after;
            continue;
        };
        let value = environment(name).ok_or_else(|| {
            crate::error::Error::usage(format!(
                "the variable {name} is not set, which --envsubst is to put in"
            ))
        })?;
        let value = value
            .into_string()
            .map_err(|_| crate::error::Error::usage(format!("the variable {name} is no UTF-8")))?;
        whole.push_str(&value);
        rest = &after[name.len() + 1..];
    }
    whole.push_str(rest);
    Ok(whole)
}
