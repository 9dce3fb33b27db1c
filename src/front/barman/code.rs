//! The exit statuses of the nine commands.

use crate::error::{Error, ErrorKind};

/// An exit status (spec/barman-cloud.md 1.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    /// Done.
    Success = 0,
    /// The store answered, and the operation failed; for WAL: proven not to be there.
    Operation = 1,
    /// The store, or what leads to it, does not answer.
    Network = 2,
    /// The words cannot be meant, or a name is none.
    Words = 3,
    /// Everything else.
    General = 4,
    /// As a hook after a backup that is not done: not to be tried again.
    NotDone = 63,
}

impl Code {
    /// The number.
    pub(super) const fn number(self) -> u8 {
        self as u8
    }
}

/// Why a command ended otherwise than done.
#[derive(Debug)]
pub(super) struct Failure {
    /// Its status.
    pub(super) code: Code,
    /// What went wrong.
    pub(super) error: Error,
}

impl Failure {
    /// An error of a verb with this status. What it advises is left out where it names words that only the
    /// other door has.
    pub(super) fn of_verb(code: Code, error: Error) -> Self {
        Self { code, error: error.hint_unless(|hint| hint.contains("--") || hint.contains("`barkeep ")) }
    }

    /// This error with this status.
    pub(super) fn new(code: Code, error: Error) -> Self {
        Self { code, error }
    }
}

impl From<Error> for Failure {
    /// The status of an error that has none of its own in the command at hand: only connectivity is told
    /// apart (spec/barman-cloud.md 16: "connectivity is 2 in all commands").
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Unavailable => Code::Network,
            ErrorKind::Interrupted | ErrorKind::Server => Code::Operation,
            _ => Code::General,
        };
        Self { code, error }
    }
}

/// How a command ends.
pub(super) type End = Result<Code, Failure>;
