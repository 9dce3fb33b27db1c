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

    /// What the request meets, for the document.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Error => "status 500; nothing was done",
            Self::SlowDown => "status 503 SlowDown; nothing was done",
            Self::Expired => "status 403 ExpiredToken; nothing was done",
            Self::Reset => "the connection is reset; nothing was done",
            Self::Stall => "no answer, ever; nothing was done",
            Self::Drip => "one byte a second: of the request, where it has a body, else of the answer",
            Self::Cut => {
                "it was done, and the connection ends half-way through the answer's body, or before the answer where that has none"
            }
            Self::Flip => {
                "one bit in the middle of the body is another: of the request's, where it has one, else of the answer's. There is no TLS here, which would not let it through"
            }
            Self::Twice => "it was done twice, and the second answer is given",
            Self::Late => "it was done, and answered when nobody waits any more",
        }
    }

    /// What is done about it, for the document.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Error | Self::SlowDown | Self::Reset => "asks again, with growing pauses",
            Self::Expired => "gives up and says so: the same credentials stay refused",
            Self::Stall => "gives the attempt up after its time, and asks again",
            Self::Drip => {
                "calls less than 64 KiB/s over its time stalled, gives the attempt up and asks again"
            }
            Self::Cut => {
                "asks for the rest, or again; what it finds stored already is compared by its digest"
            }
            Self::Flip => {
                "uploads carry a digest that the service checks; WAL and tars are verified when they are read; a list must \
                 give what was asked for"
            }
            Self::Twice => "finds its own object, compares the digest, and is content",
            Self::Late => "asks again, and finds its own object",
        }
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// The first of them.
    pub(crate) at: Asked,
    /// All that follow as well.
    pub(crate) lasting: bool,
}

/// A request of a run: what it asks, and how often that was asked before. Requests that are sent at once
/// arrive in any order, so their place in it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) what: String,
    pub(crate) before: usize,
}

impl Asked {
    /// The requests of a run by what they asked.
    pub(crate) fn all(seen: &[String]) -> Vec<Self> {
        let nth = |n: usize| seen[..n].iter().filter(|earlier| **earlier == seen[n]).count();
        (0..seen.len()).map(|n| Self { what: seen[n].clone(), before: nth(n) }).collect()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.before > 0 { write!(f, " ({})", self.before + 1) } else { Ok(()) }
    }
}

impl Plan {
    /// What one attempt may take. Only where a fault takes time must it be little: then a machine that is
    /// slow itself is seldom mistaken for one.
    pub(crate) const fn grace(&self) -> Duration {
        if self.fault.is_slow() { Duration::from_millis(800) } else { Duration::from_secs(4) }
    }

    /// How long a request is tried again for: long enough for what passes, and short for what does not.
    pub(crate) const fn retry_for(&self) -> Duration {
        if self.lasting { Duration::from_millis(600) } else { Duration::from_secs(10) }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}{}", self.fault, self.at, if self.lasting { " and from then on" } else { "" })
    }
}
