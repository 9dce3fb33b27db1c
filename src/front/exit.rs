//! Exit statuses: the one table, and who gets which.
//!
//! PostgreSQL reads them too, and reads them badly: for `restore_command` any status up to 125 means
//! "the archive does not have it", upon which recovery ends and the server opens; only a status above
//! 125 (or a signal) stops it. So every status is below 126 except the one that is there to stop
//! recovery, and `wal-archive`, whose caller stops *archiving for good* above 125, never gives it. The two
//! that tell of a signal are of verbs that PostgreSQL does not call.

use std::fmt::Write as _;

use crate::command::wal_restore::Caller;
use crate::error::ErrorKind;

/// An exit status of the native door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or already so.
    Done = 0,
    /// Proven not to be in the archive.
    NotFound = 1,
    /// Words or configuration.
    Usage = 2,
    /// Something else is there, or does not belong together.
    Conflict = 3,
    /// May succeed later.
    Unavailable = 4,
    /// Credentials or permissions.
    Denied = 5,
    /// Read back is not what was written.
    Corrupt = 6,
    /// PostgreSQL refused or vanished.
    Server = 7,
    /// The local file system.
    Local = 8,
    /// What was restored does not pass its checks.
    Failed = 9,
    /// A broken invariant of ours.
    Bug = 70,
    /// PostgreSQL must stop instead of opening.
    Stop = 126,
    /// Ended by SIGINT: the process ends as killed by it, which shells show as this number.
    Interrupted = 130,
    /// Ended by SIGTERM, likewise.
    Terminated = 143,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Self; 14] = [
        Self::Done,
        Self::NotFound,
        Self::Usage,
        Self::Conflict,
        Self::Unavailable,
        Self::Denied,
        Self::Corrupt,
        Self::Server,
        Self::Local,
        Self::Failed,
        Self::Bug,
        Self::Stop,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, for help texts, manual pages and documents.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or already so",
            Self::NotFound => "what was asked for is proven not to be in the archive",
            Self::Usage => "the words or the configuration are wrong",
            Self::Conflict => "something else is already there, or the archive is another cluster's",
            Self::Unavailable => "the store cannot be reached or does not answer; try again later",
            Self::Denied => "credentials or permissions do not suffice",
            Self::Corrupt => "what was read is not what was written",
            Self::Server => "PostgreSQL refused or vanished",
            Self::Local => "the local file system failed",
            Self::Failed => "PostgreSQL opened the restored copy, and a check of it failed",
            Self::Bug => "a bug of barkeep's; please report it",
            Self::Stop => {
                "any failure during recovery: PostgreSQL must stop, because any lower status \
                 would make it end recovery here and open with what it has"
            }
            Self::Interrupted => "ended in good order by SIGINT; the process is killed by that signal",
            Self::Terminated => "ended in good order by SIGTERM; the process is killed by that signal",
        }
    }
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Usage => Self::Usage,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Denied => Self::Denied,
            ErrorKind::Corrupt => Self::Corrupt,
            ErrorKind::Server => Self::Server,
            ErrorKind::Local => Self::Local,
            // Which signal it was, only whoever caught it knows.
            ErrorKind::Interrupted => Self::Interrupted,
            ErrorKind::Bug => Self::Bug,
        }
    }
}

/// The section of a help text.
pub fn section(exits: &[Exit]) -> String {
    exits.iter().fold(String::from("Exit status:"), |mut text, exit| {
        let _ = write!(text, "\n  {:>3}  {}", exit.code(), exit.meaning());
        text
    })
}

/// Who reads a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Somebody to whom every kind has its own status.
    Plain,
    /// Whoever called `wal-restore`.
    Restore(Caller, OnError),
    /// Nobody: the filler has outlived its caller. In a container without an init process it is the
    /// postmaster that collects its status, and one other than 0 or 1, of a child it does not know, is
    /// to it a crashed backend: all its sessions would be thrown out.
    Nobody,
}

/// What a failure of `wal-restore` shall do to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// Stop recovery; let a standby and everybody else go on
    #[default]
    Auto,
    /// Always stop
    Stop,
    /// Never stop: recovery ends where the failure is
    Continue,
}

/// The status of a run that ended in this way. An answer ("it is not there") is never turned into a
/// stop; only a failure to find the answer is.
pub fn status(reader: Reader, result: Result<Exit, ErrorKind>) -> Exit {
    match (result, reader) {
        (_, Reader::Nobody) => Exit::Done,
        (Ok(answer), _) => answer,
        (Err(_), Reader::Restore(_, OnError::Stop) | Reader::Restore(Caller::Recovery, OnError::Auto)) => {
            Exit::Stop
        }
        (Err(kind), _) => kind.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [ErrorKind; 9] = [
        ErrorKind::Usage,
        ErrorKind::NotFound,
        ErrorKind::Conflict,
        ErrorKind::Denied,
        ErrorKind::Unavailable,
        ErrorKind::Corrupt,
        ErrorKind::Server,
        ErrorKind::Local,
        ErrorKind::Bug,
    ];

    #[test]
    fn a_failure_stops_recovery_and_nobody_else() {
        use Caller::{Other, Recovery, Standby};
        let table = [
            (Reader::Plain, false),
            (Reader::Restore(Recovery, OnError::Auto), true),
            (Reader::Restore(Standby, OnError::Auto), false),
            (Reader::Restore(Other, OnError::Auto), false),
            (Reader::Restore(Recovery, OnError::Stop), true),
            (Reader::Restore(Standby, OnError::Stop), true),
            (Reader::Restore(Other, OnError::Stop), true),
            (Reader::Restore(Recovery, OnError::Continue), false),
            (Reader::Restore(Standby, OnError::Continue), false),
            (Reader::Restore(Other, OnError::Continue), false),
        ];
        for (reader, stops) in table {
            for kind in KINDS {
                let exit = status(reader, Err(kind));
                assert_eq!(exit == Exit::Stop, stops, "{reader:?} {kind:?}");
                assert_eq!(exit.code() > 125, stops, "{reader:?} {kind:?}");
            }
            assert_eq!(status(reader, Ok(Exit::Done)), Exit::Done, "{reader:?}");
            assert_eq!(status(reader, Ok(Exit::NotFound)), Exit::NotFound, "{reader:?}");
        }
    }

    #[test]
    fn the_filler_never_ends_like_a_crashed_backend() {
        for kind in KINDS {
            assert_eq!(status(Reader::Nobody, Err(kind)).code(), 0, "{kind:?}");
        }
    }

    #[test]
    fn a_signal_shows_as_shells_show_it() {
        assert_eq!(Exit::from(ErrorKind::Interrupted), Exit::Interrupted);
        assert_eq!((Exit::Interrupted.code(), Exit::Terminated.code()), (128 + 2, 128 + 15));
    }

    #[test]
    fn every_kind_has_its_own_number_and_none_passes_for_success() {
        let mut codes: Vec<u8> = KINDS.iter().map(|k| Exit::from(*k).code()).collect();
        assert!(codes.iter().all(|c| (1..=120).contains(c)), "{codes:?}");
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), KINDS.len());
    }
}
