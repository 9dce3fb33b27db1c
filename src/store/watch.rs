//! The minimum-speed watchdog, for both directions of a transfer.

use std::time::Duration;

use tokio::time::Instant;

use super::Patience;
use crate::error::{Error, Result};

/// What moved while the service was waited for. Only that time counts: a caller that is slow itself
/// must not be told that the service is.
pub(super) struct Watch {
    patience: Patience,
    waited: Duration,
    moved: u64,
}

impl Watch {
    /// Nothing has moved yet.
    pub(super) fn new(patience: &Patience) -> Self {
        Self { patience: patience.clone(), waited: Duration::ZERO, moved: 0 }
    }

    /// When to [`judge`](Self::judge) at the latest, if waiting begins now.
    pub(super) fn end(&self) -> Instant {
        let period_end = Instant::now() + self.patience.grace.saturating_sub(self.waited);
        self.patience.end().map_or(period_end, |end| end.min(period_end))
    }

    /// Counts time spent waiting, and what moved meanwhile.
    pub(super) fn count(&mut self, waited: Duration, moved: u64) {
        self.waited += waited;
        self.moved += moved;
    }

    /// At the end of a period of grace: enough, and the next period begins, or too little.
    pub(super) fn judge(&mut self) -> Result<()> {
        if self.patience.end().is_some_and(|end| end <= Instant::now()) {
            return Err(Error::unavailable("not all was transferred before the command's deadline"));
        }
        if self.moved < self.patience.least() {
            let (moved, waited) = (self.moved, self.waited);
            return Err(Error::unavailable(format!("stalled: {moved} bytes moved in {waited:.1?}")));
        }
        (self.waited, self.moved) = (Duration::ZERO, 0);
        Ok(())
    }
}
