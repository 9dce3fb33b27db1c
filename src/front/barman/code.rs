//! The exit statuses of the nine commands.

use super::advice;
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
    /// An error of a verb with this status. What it advises is told in this door's words.
    pub(super) fn of_verb(code: Code, error: Error) -> Self {
        Self { code, error: error.with_hint(advice::here) }
    }

    /// This error with this status.
    pub(super) fn new(code: Code, error: Error) -> Self {
        Self { code, error }
    }
}

impl From<Error> for Failure {
    /// The status of a verb's error that has none of its own in the command at hand: only connectivity is told
    /// apart (spec/barman-cloud.md 16: "connectivity is 2 in all commands"). It is never 1: to whoever runs
    /// `restore_command` that is the proof that there is no more WAL.
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Unavailable => Code::Network,
            _ => Code::General,
        };
        Self::of_verb(code, error)
    }
}

/// How a command ends.
pub(super) type End = Result<Code, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_is_a_proof_by_itself() {
        for kind in [
            ErrorKind::Usage,
            ErrorKind::NotFound,
            ErrorKind::Conflict,
            ErrorKind::Denied,
            ErrorKind::Unavailable,
            ErrorKind::Corrupt,
            ErrorKind::Server,
            ErrorKind::Local,
            ErrorKind::Interrupted,
            ErrorKind::Bug,
        ] {
            let expected = if kind == ErrorKind::Unavailable { Code::Network } else { Code::General };
            assert_eq!(Failure::from(Error::new(kind, "x")).code, expected, "{kind:?}");
        }
    }
}
