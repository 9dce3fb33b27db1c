//! From many durations to few numbers.

use std::time::Duration;

/// Milliseconds, for people.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The duration that so many percent of all do not exceed; zero of none.
pub(crate) fn percentile(durations: &[Duration], percent: usize) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// The middle one; zero of none.
pub(crate) fn median(durations: &[Duration]) -> Duration {
    percentile(durations, 50)
}

/// So many in this time, per second; zero in no time.
pub(crate) fn per_second(count: usize, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { float(count) / time.as_secs_f64() }
}

/// One part of another; zero of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// Mebibytes, for people.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    float(usize::try_from(bytes / 1024).unwrap_or(usize::MAX)) / 1024.0
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "nothing here is counted beyond 2^52")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}
