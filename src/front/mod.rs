//! The doors: words in, wiring, words and exit codes out.
//!
//! The only room that knows the command line, the environment and the standard streams, and the one
//! that puts the others together. A door reads its words into a verb's `Request`, wires the archive,
//! and tells the `Outcome` in its own way.

mod barman;
mod borrowed;
pub mod exit;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod guard;
mod libpq;
mod lock;
mod log;
mod manifest;
pub mod native;
mod quantity;
mod run;
mod signals;
mod tag;
mod wire;

#[cfg(any(test, fuzzing))]
pub(crate) use barman::fuzz::read_words;

use std::ffi::OsString;
use std::process::ExitCode;

use barman::GAUGES as PLUGIN_GAUGES;

/// Runs the program with these words, the first of which is its name.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words: Vec<OsString> = words.into_iter().collect();
    signals::outlive_file_size_limits();
    #[cfg(debug_assertions)]
    crate::points::arm(&words, |name| std::env::var_os(name));
    if let Some(exit) = barman::run(&words) {
        return exit;
    }
    let exit = native::run(&words);
    signals::die_of(exit);
    ExitCode::from(exit.code())
}
