//! Whether an archive is whole: what is missing by its lists, which of its objects are read, and how what
//! is found is told.

mod ages;
mod choice;
mod finding;
mod gaps;
mod ledger;
mod record;
#[cfg(test)]
mod tests;

pub use ages::VerifyAges;
pub use choice::{Share, Turn, take_turn};
pub use finding::{Class, Finding, Gap, Severity, Upset};
pub(in crate::model) use gaps::way;
pub use gaps::{history_gaps, twins, wal_gaps};
pub use ledger::{Mark, VerifyLedger};
pub use record::record_flaws;
