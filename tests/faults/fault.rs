//! What can go wrong with one request, and for how long.

use std::fmt;
use std::time::Duration;

/// What a request meets instead of, or on top of, its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Status 500; nothing is done.
    Error,
    /// Status 503, as a service answers that is asked too often; nothing is done.
    SlowDown,
    /// Status 403: what it was signed with has run out; nothing is done.
    Expired,
    /// The connection is reset; nothing is done.
    Reset,
    /// No answer, ever; nothing is done.
    Stall,
    /// One byte a second: of the request, where it has a body, else of the answer.
    Drip,
    /// Done, and the answer's body ends half-way; an answer without a body is lost.
    Cut,
    /// One bit in the middle of the body is another one: of the request, where it has a body, else of the
    /// answer.
    Flip,
    /// Done twice; the second answer is given.
    Twice,
    /// Done, and answered when nobody waits any more.
    Late,
}

impl Fault {
    /// All of them, in the order of the columns.
    pub(crate) const ALL: [Self; 10] = [
        Self::Error,
        Self::SlowDown,
        Self::Expired,
        Self::Reset,
        Self::Stall,
        Self::Drip,
        Self::Cut,
        Self::Flip,
        Self::Twice,
        Self::Late,
    ];

    /// Whether it takes patience to notice it.
    pub(crate) const fn is_slow(self) -> bool {
        matches!(self, Self::Stall | Self::Drip | Self::Late)
    }

    /// Its column's head.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "500",
            Self::SlowDown => "503",
            Self::Expired => "403",
            Self::Reset => "reset",
            Self::Stall => "stall",
            Self::Drip => "drip",
            Self::Cut => "cut",
            Self::Flip => "flip",
            Self::Twice => "twice",
            Self::Late => "late",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which requests of a run meet a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// The first of them, counted from 1.
    pub(crate) at: usize,
    /// All that follow as well.
    pub(crate) lasting: bool,
}

impl Plan {
    /// Whether the `n`th request meets it.
    pub(crate) const fn meets(self, n: usize) -> bool {
        n == self.at || self.lasting && n > self.at
    }

    /// What one attempt may take. Only where a fault takes time must it be little: then a machine that is
    /// slow itself is seldom mistaken for one.
    pub(crate) const fn grace(self) -> Duration {
        if self.fault.is_slow() { Duration::from_millis(800) } else { Duration::from_secs(20) }
    }

    /// How long a request is tried again for: long enough for what passes, and short for what does not.
    pub(crate) const fn retry_for(self) -> Duration {
        if self.lasting { Duration::from_millis(600) } else { Duration::from_secs(10) }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at request {}{}", self.fault, self.at, if self.lasting { " and all that follow" } else { "" })
    }
}
