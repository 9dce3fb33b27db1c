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
pub enum Exit {
    /// Done, or already so.
    Done,
    /// Proven not to be in the archive.
    NotFound,
    /// Of `status`, in the numbers that monitors know: somebody should look.
    Warning,
    /// Words or configuration.
    Usage,
    /// Of `status`: something cannot be recovered, or soon will not be.
    Critical,
    /// Something else is there, or does not belong together.
    Conflict,
    /// Of `status`: it could not be found out, for whatever reason.
    Unknown,
    /// May succeed later.
    Unavailable,
    /// Credentials or permissions.
    Denied,
    /// Read back is not what was written.
    Corrupt,
    /// PostgreSQL refused or vanished.
    Server,
    /// The local file system.
    Local,
    /// What was restored does not pass its checks.
    Failed,
    /// A broken invariant of ours.
    Bug,
    /// PostgreSQL must stop instead of opening.
    Stop,
    /// Ended by SIGINT: the process ends as killed by it, which shells show as this number.
    Interrupted,
    /// Ended by SIGTERM, likewise.
    Terminated,
}

impl Exit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Done,
        Self::NotFound,
        Self::Warning,
        Self::Usage,
        Self::Critical,
        Self::Conflict,
        Self::Unknown,
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

    /// The number. Monitors know 0 to 3 only, so that `status` gives three of them a meaning of its own.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NotFound | Self::Warning => 1,
            Self::Usage | Self::Critical => 2,
            Self::Conflict | Self::Unknown => 3,
            Self::Unavailable => 4,
            Self::Denied => 5,
            Self::Corrupt => 6,
            Self::Server => 7,
            Self::Local => 8,
            Self::Failed => 9,
            Self::Bug => 70,
            Self::Stop => 126,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What it means in a word or two, where all of them share a line.
    pub const fn brief(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotFound => "not in the archive",
            Self::Warning => "warning",
            Self::Usage => "wrong words or settings",
            Self::Critical => "critical",
            Self::Conflict => "something else is there",
            Self::Unknown => "unknown",
            Self::Unavailable => "store out of reach",
            Self::Denied => "denied",
            Self::Corrupt => "damaged data",
            Self::Server => "PostgreSQL refused",
            Self::Local => "local file system",
            Self::Failed => "a check failed",
            Self::Bug => "a bug",
            Self::Stop => "recovery must stop",
            Self::Interrupted => "SIGINT",
            Self::Terminated => "SIGTERM",
        }
    }

    /// What it means, for help texts, manual pages and documents.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, or already so",
            Self::NotFound => "what was asked for is proven not to be in the archive",
            Self::Warning => "a warning: everything can be recovered, and somebody should look",
            Self::Usage => "the words or the configuration are wrong",
            Self::Critical => "critical: something cannot be recovered, or soon will not be",
            Self::Conflict => "something else is already there, or the archive is another cluster's",
            Self::Unknown => "unknown: it could not be found out, wrong words included",
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
    /// A monitor that calls `status`: to it a failure is neither fine nor a warning nor critical.
    Monitor,
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
        (Err(_), Reader::Monitor) => Exit::Unknown,
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
    fn to_a_monitor_every_failure_is_unknown() {
        for kind in KINDS {
            assert_eq!(status(Reader::Monitor, Err(kind)).code(), 3, "{kind:?}");
        }
        let said = [Exit::Done, Exit::Warning, Exit::Critical];
        assert_eq!(said.map(|exit| status(Reader::Monitor, Ok(exit)).code()), [0, 1, 2]);
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
