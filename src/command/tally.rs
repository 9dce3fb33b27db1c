//! How PostgreSQL's own calls have ended: added up in the spool as each ends, for `metrics` to tell.

use std::path::Path;

pub use crate::spool::tally::{BOUNDS, Call, Counted, Counts, Ending, Last};

use crate::spool::Spool;
use crate::spool::tally::Tally;

/// Counts a call that has ended. Never waits and never fails: what cannot be counted is not.
pub fn count(spool: &Path, verb: Counted, call: &Call) {
    // Nothing is written where others could have put links.
    if Spool::open(spool).is_ok() {
        Tally::of(spool, verb).count(call);
    }
}

/// What was counted in this spool since it began; nothing where there is none.
pub fn read(spool: &Path, verb: Counted) -> Counts {
    Tally::of(spool, verb).read()
}
