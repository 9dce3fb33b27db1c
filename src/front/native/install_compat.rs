//! The words of `install-compat`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::Around;
use super::args::OutputArgs;
use super::render::{Report, line};
use crate::error::{Context as _, Result};
use crate::front::barman::{Installed, install};

/// Make the links by which others start this program as barman-cloud-*
///
/// Nine links to the running binary. Under each of those names it takes the words, prints the output and
/// gives the exit status of the program it stands in for, as CloudNativePG starts it. What is already in
/// the directory under one of the names is never replaced.
#[derive(Debug, Args)]
pub(crate) struct InstallCompat {
    /// The directory for the links, one that is on PATH
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

impl InstallCompat {
    /// Makes them.
    pub(super) fn perform(self, _around: &Around<'_>) -> Result<Box<dyn Report>> {
        let binary = std::env::current_exe().context(|| "find the running binary")?;
        Ok(Box::new(Links(install(&self.directory, &binary)?)))
    }
}

/// What was made.
struct Links(Installed);

/// The same for scripts.
#[derive(Serialize)]
struct LinksJson<'a> {
    target: String,
    links: &'a [&'static str],
    made: usize,
    exit: u8,
}

impl Report for Links {
    fn text(&self) -> String {
        let Installed { target, names, made } = &self.0;
        let there = names.len() - made;
        format!("{made} links to {} made, {there} were there already\n", target.display())
    }

    fn json(&self) -> String {
        let Installed { target, names, made } = &self.0;
        let target = target.display().to_string();
        line(&LinksJson { target, links: names, made: *made, exit: self.exit().code() })
    }
}
