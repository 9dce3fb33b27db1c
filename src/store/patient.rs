//! Patience: deadlines, retries and the minimum-speed watchdog, once for every store.

use std::time::{Duration, Instant};

/// How long to wait for a service, and how often to try again. One value bounds every request of a
/// command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// How long one operation is tried again for, counted from its first attempt.
    pub retry_for: Duration,
    /// At most so many attempts per operation, when set (`AWS_MAX_ATTEMPTS`).
    pub max_attempts: Option<u32>,
    /// What one attempt may take before transfer time is added: connecting, and the service's own time.
    pub grace: Duration,
    /// The slowest transfer that is not yet called stalled, in bytes per second, averaged over `grace`.
    pub min_speed: u64,
    /// The command's own end: nothing is waited for beyond it.
    pub deadline: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            retry_for: Duration::from_secs(30),
            max_attempts: None,
            grace: Duration::from_secs(30),
            min_speed: 16 << 10,
            deadline: None,
        }
    }
}
