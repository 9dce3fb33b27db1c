//! The one error type of the house.
//!
//! The *kind* says what to do, the *message* says what happened (with both sides of a mismatch),
//! the *chain* of contexts says where, and a *hint* stands on a line of its own when there is an
//! action to take. Errors are returned, never logged on the way; only `front` prints them, once.
//! No error ever carries a secret: what is put into one is a key, a host, a code, never a header.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// What somebody can do about an error. A kind exists only because somebody acts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The words or the configuration are wrong: correct them.
    Usage,
    /// What was asked for is proven not to be in the archive.
    NotFound,
    /// Something else is already there, or does not belong together: decide which is right.
    Conflict,
    /// Credentials or permissions do not suffice.
    Denied,
    /// Network, throttling, a 5xx answer or a deadline: the same call may succeed later.
    Unavailable,
    /// What was read is not what was written.
    Corrupt,
    /// PostgreSQL refused or vanished.
    Server,
    /// The local file system failed.
    Local,
    /// A signal ended it, in good order.
    Interrupted,
    /// A broken invariant of ours.
    Bug,
}

impl ErrorKind {
    /// The kind's name in machine-readable output; stable.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Server => "server",
            Self::Local => "local",
            Self::Interrupted => "interrupted",
            Self::Bug => "bug",
        }
    }
}

/// An error with its kind, its chain and perhaps a hint. See the module's documentation.
pub struct Error {
    kind: ErrorKind,
    /// Innermost first: the message, then the contexts that were added on the way out.
    chain: Vec<String>,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A result whose error is ours.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind` whose message tells what happened, in lower case and without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, chain: vec![message.into()], hint: None, source: None }
    }

    /// The words or the configuration are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// What was asked for is not in the archive.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Something else is already there.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// Credentials or permissions do not suffice.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Denied, message)
    }

    /// The same call may succeed later.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// What was read is not what was written.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }

    /// The local file system failed.
    pub fn local(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Local, message)
    }

    /// A broken invariant of ours.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Bug, message)
    }

    /// Adds where it happened: a present-tense verb phrase ("read backup.info of …").
    #[must_use]
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.chain.push(context.into());
        self
    }

    /// Sets the action to take; the innermost hint wins, because it knows most.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Says the action to take in other words, or not at all.
    #[must_use]
    pub fn with_hint(mut self, other: impl FnOnce(&str) -> Option<String>) -> Self {
        self.hint = self.hint.as_deref().and_then(other);
        self
    }

    /// Keeps the error that caused this one, for its `source()`; its text is *not* printed, so the
    /// message must say what matters.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error for somebody else who waited for the same thing; without what caused it.
    #[must_use]
    pub fn again(&self) -> Self {
        Self { kind: self.kind, chain: self.chain.clone(), hint: self.hint.clone(), source: None }
    }

    /// What somebody can do about it.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The action to take, if there is one.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// The chain on one line, outermost context first: "archive 0000…01: put wals/…: connection refused".
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.chain.iter().rev().enumerate() {
            if i > 0 {
                f.write_str(": ")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.kind.name())?;
        if let Some(hint) = &self.hint {
            write!(f, " (hint: {hint})")?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn StdError + 'static))
    }
}

/// A local I/O error. `fs-err` puts the path and the operation into its text, so none is added here.
/// An error of ours that travelled through an `io::Error` (a codec reading from the network) comes
/// out as it was.
impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        match e.downcast::<Error>() {
            Ok(ours) => ours,
            Err(e) => {
                let advice = advice(e.kind());
                let error = Self::local(e.to_string()).caused_by(e);
                match advice {
                    Some(advice) => error.hint(advice),
                    None => error,
                }
            }
        }
    }
}

/// What to do when the operating system refuses.
pub(crate) const RIGHTS: &str =
    "give the operating system's user of this process the right to read and write there";

/// What to do about trouble with a local disk, wherever in the code it is met.
fn advice(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("free space or raise the quota there")
        }
        io::ErrorKind::PermissionDenied => Some(RIGHTS),
        io::ErrorKind::ReadOnlyFilesystem => Some("mount that file system for writing"),
        io::ErrorKind::FileTooLarge => {
            Some("raise the limit on the size of files (ulimit -f) of this process")
        }
        _ => None,
    }
}

/// So that our errors can pass through code that only speaks `io::Error` and come out whole.
impl From<Error> for io::Error {
    fn from(e: Error) -> Self {
        Self::other(e)
    }
}

/// Adds context to a failed result; the text is built only when it is needed.
pub trait Context<T> {
    /// Adds where it happened: a present-tense verb phrase.
    fn context<S: Into<String>>(self, context: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context<S: Into<String>>(self, context: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|e| e.into().context(context()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_reads_from_the_outside_in() {
        let e = Error::unavailable("connection refused").context("put wals/x").context("archive x");
        assert_eq!(e.to_string(), "archive x: put wals/x: connection refused");
    }

    #[test]
    fn the_innermost_hint_wins() {
        let e = Error::denied("403").hint("grant s3:PutObject").hint("look at the log");
        assert_eq!(e.hint_text(), Some("grant s3:PutObject"));
    }

    /// A full disk met while a segment was decoded was told without saying what to do about it.
    #[test]
    fn trouble_with_a_disk_comes_with_advice_wherever_it_is_met() {
        for kind in [
            io::ErrorKind::PermissionDenied,
            io::ErrorKind::StorageFull,
            io::ErrorKind::ReadOnlyFilesystem,
            io::ErrorKind::FileTooLarge,
        ] {
            let e = Error::from(io::Error::from(kind));
            assert!(e.kind() == ErrorKind::Local && e.hint_text().is_some(), "{e:?}");
        }
        assert_eq!(Error::from(io::Error::from(io::ErrorKind::NotFound)).hint_text(), None);
    }

    #[test]
    fn an_error_of_ours_survives_a_trip_through_io_error() {
        let through: io::Error = Error::corrupt("bad frame").into();
        let back = Error::from(through);
        assert_eq!((back.kind(), back.to_string().as_str()), (ErrorKind::Corrupt, "bad frame"));
    }
}
