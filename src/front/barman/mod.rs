//! The door of the other dialect: nine commands that others start by these names
//! (spec/barman-cloud.md 2, and the contract with those who start them, spec/cloudnativepg.md 1).
//!
//! A door, not a mode: it reads their words into the same requests, runs the same verbs, and tells the outcome
//! in their way. Everything that only they know (their grammar, exit statuses, output) is in this folder.

mod additional;
mod advice;
mod backup;
mod backup_hook;
mod catalog;
mod check_wal_archive;
mod code;
mod console;
mod delete;
mod door;
mod dry_run;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gauges;
mod grammar;
mod install;
mod keep;
mod list;
mod log;
mod place;
mod program;
mod python;
mod record;
mod restore;
mod show;
mod typed;
mod wal_archive;
mod wal_restore;
mod words;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use additional::{Meaning, Program as AdditionalOf, read as read_additional};
pub(crate) use gauges::GAUGES;
pub(crate) use install::{Installed, install};

use door::Door;
use program::Program;

/// What `--version` says behind the name: the level whose words and output this door speaks.
const LEVEL: &str = "3.20.1";

/// Runs the command that these words name, if they name one: by the file name of the first, or by the
/// second when the first is our own.
pub(crate) fn run(words: &[OsString]) -> Option<ExitCode> {
    let (program, words) = Program::named_by(words)?;
    let code = match program {
        Program::WalArchive => Door::run(words, wal_archive::run),
        Program::WalRestore => Door::run(words, wal_restore::run),
        Program::Backup => Door::run(words, backup::run),
        Program::BackupList => Door::run(words, list::run),
        Program::BackupShow => Door::run(words, show::run),
        Program::BackupDelete => Door::run(words, delete::run),
        Program::BackupKeep => Door::run(words, keep::run),
        Program::Restore => Door::run(words, restore::run),
        Program::CheckWalArchive => Door::run(words, check_wal_archive::run),
    };
    Some(ExitCode::from(code.number()))
}
