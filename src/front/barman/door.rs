//! What every command does around its own work: words in, log, status out.

use std::ffi::OsString;
use std::io::Write as _;

use clap::{CommandFactory as _, Parser};

use super::code::{Code, End};
use super::log;
use super::words::Common;
use crate::front::guard;

/// What surrounds a command's own words.
#[derive(Debug)]
pub(super) struct Door {
    /// The name it was started by.
    pub(super) program: String,
}

impl Door {
    /// Reads the words and runs the command; nothing is touched before all words are understood.
    pub(super) fn run<W: Parser + Shares>(words: &[OsString], run: fn(W, &Self) -> End) -> Code {
        let door = Self { program: W::command().get_name().to_owned() };
        let words = match W::try_parse_from(words) {
            Ok(words) => words,
            Err(e) if !e.use_stderr() => {
                door.say(&e.render().to_string());
                return Code::Success;
            }
            Err(e) => {
                let _ = std::io::stderr().write_all(format!("{}: {}", door.program, e.render()).as_bytes());
                return Code::Words;
            }
        };
        log::start(words.common().verbose, words.common().quiet);
        match guard::catch(|| Ok(run(words, &door))) {
            Ok(Ok(code)) => code,
            Ok(Err(failure)) => {
                log::failure(&failure.error);
                failure.code
            }
            Err(error) => {
                log::failure(&error);
                Code::General
            }
        }
    }

    /// To standard output, which carries only what the dialect says.
    pub(super) fn say(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// Words that contain what all commands share.
pub(super) trait Shares {
    /// What all commands share.
    fn common(&self) -> &Common;
}
