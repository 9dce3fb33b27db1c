//! How PostgreSQL's own calls have ended.

use jiff::Timestamp;

use crate::command::exposition::{Exposition, Kind};
use crate::command::tally::{BOUNDS, Counts, Ending, Last};

/// Tells of one verb's calls.
pub(super) fn tell(all: &mut Exposition, verb: &str, counts: &Counts) {
    let name = |rest: &str| format!("barkeep_wal_{verb}_{rest}");
    let calls =
        all.counter(name("calls_total"), "Calls by PostgreSQL since this spool began, by how they ended.");
    for ending in Ending::ALL {
        calls.tell(&[("ending", &ending.name())], Some(counts.of(ending)));
    }
    let help = "Bytes that these calls stored or delivered, before compression.";
    all.counter(name("bytes_total"), help).tell(&[], Some(counts.bytes));
    #[expect(clippy::cast_precision_loss, reason = "a sum of durations to the microsecond for 285 years")]
    let seconds = counts.micros as f64 / 1e6;
    all.family(Kind::Histogram, name("duration_seconds"), "How long these calls took.").distribution(
        &[],
        &BOUNDS,
        &counts.durations,
        seconds,
    );
    let time = |last: &Last| Timestamp::as_second(last.at);
    let help = "When one of these calls last gave what was asked for.";
    all.gauge(name("last_success_timestamp_seconds"), help).tell(&[], counts.last_success.as_ref().map(time));
    let failure =
        all.gauge(name("last_failure_timestamp_seconds"), "When one of these calls last failed, and how.");
    if let Some(last) = &counts.last_failure {
        failure.tell(&[("ending", &last.ending.name())], Some(time(last)));
    }
}
