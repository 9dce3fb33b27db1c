//! The doors: words in, wiring, words and exit codes out.

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with these words, the first of which is its name.
pub fn run(_words: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(70)
}
