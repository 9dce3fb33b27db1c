//! How an archive and its server are: facts of the server, what follows from them and from what the archive
//! covers, and how bad that is.

mod findings;
mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use findings::{StatusFacts, status_findings};
pub use server::{Archiver, ArchivingState, Lag, ServerSight, Waiting, Wrote};

/// A span as one reads it in a sentence, in its largest unit that is worth two digits: `42 s`, `7 min`, `36 h`,
/// `9 d`.
pub fn coarse_span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How bad it is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Nothing is amiss.
    Ok,
    /// Somebody should look at it in daylight.
    Warning,
    /// What is written now, or all there is, cannot be recovered.
    Critical,
}

impl Health {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something that whoever looks should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusFinding {
    /// How bad it is.
    pub health: Health,
    /// The kind's name in machine-readable output; stable.
    pub kind: &'static str,
    /// What is so, in one line.
    pub message: String,
    /// What that means, in one line.
    pub reason: String,
    /// What to do about it, with the command to type; empty when there is nothing to do.
    pub next: String,
}

/// From where on something is amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold<T> {
    /// A warning from here on.
    pub warn: T,
    /// Critical from here on.
    pub crit: T,
}

impl<T: PartialOrd> Threshold<T> {
    /// How bad this value is.
    pub fn judge(&self, value: &T) -> Health {
        if *value >= self.crit {
            Health::Critical
        } else if *value >= self.warn {
            Health::Warning
        } else {
            Health::Ok
        }
    }
}

/// All thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusLimits {
    /// Since the end of the newest backup that can be restored.
    pub backup_age: Threshold<Duration>,
    /// Since the newest WAL was stored, while something waits to be archived.
    pub wal_age: Threshold<Duration>,
    /// Whether the age of WAL is judged when nobody knows whether something waits: an idle server archives
    /// nothing, so that this is right only where `archive_timeout` is set.
    pub judge_idle: bool,
    /// Files that wait to be archived.
    pub waiting: Threshold<u64>,
}

impl Default for StatusLimits {
    fn default() -> Self {
        let hours = Duration::from_hours;
        Self {
            backup_age: Threshold { warn: hours(36), crit: hours(8 * 24) },
            wal_age: Threshold { warn: Duration::from_mins(15), crit: hours(1) },
            judge_idle: false,
            waiting: Threshold { warn: 32, crit: 256 },
        }
    }
}
