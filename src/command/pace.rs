//! A limit to bytes per second.

use std::time::{Duration, Instant};

/// Spreads bytes evenly: whoever takes some is told how long to wait first. Nobody may run ahead by
/// more than what was taken last, so a long pause earns nothing.
#[derive(Debug)]
pub(super) struct Pace {
    per_second: Option<u64>,
    /// When what was taken so far has passed.
    until: Option<Instant>,
}

impl Pace {
    /// So many bytes per second; as many as there are when `None`.
    pub(super) const fn new(per_second: Option<u64>) -> Self {
        Self { per_second, until: None }
    }

    /// Takes `bytes`, and tells how long to wait before they may pass.
    pub(super) fn take(&mut self, bytes: u64, now: Instant) -> Duration {
        let Some(per_second) = self.per_second else { return Duration::ZERO };
        let begin = self.until.map_or(now, |until| until.max(now));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(per_second.max(1));
        let lasts = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.until = begin.checked_add(lasts).or(Some(begin));
        begin - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_was_taken_is_waited_for_by_whoever_comes_next() {
        let now = Instant::now();
        let mut pace = Pace::new(Some(1000));
        assert_eq!(pace.take(500, now), Duration::ZERO);
        assert_eq!(pace.take(1000, now), SECOND / 2);
        assert_eq!(pace.take(1, now + SECOND), SECOND / 2);
    }

    #[test]
    fn a_pause_earns_nothing() {
        let now = Instant::now();
        let mut pace = Pace::new(Some(1000));
        pace.take(1000, now);
        assert_eq!(pace.take(1000, now + 100 * SECOND), Duration::ZERO);
        assert_eq!(pace.take(1000, now + 100 * SECOND), SECOND);
    }

    #[test]
    fn no_limit_never_waits() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.take(u64::MAX, Instant::now()), Duration::ZERO);
    }
}
