//! What the stub's connections share, and the orders from the benchmark that change it.

use std::collections::BTreeMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Dialect;
use super::bucket::Bucket;

/// The stub's state.
#[derive(Debug)]
pub(crate) struct Shared {
    dialect: Dialect,
    bucket: Mutex<Bucket>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    latency_ms: AtomicU64,
}

impl Shared {
    /// That of a stub which speaks this.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let (bucket, counts, latency_ms) = Default::default();
        Self { dialect, bucket, counts, latency_ms }
    }

    /// What is spoken.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The objects.
    pub(crate) fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // A panic elsewhere is loud enough; it must not hang the clients as well.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long every request waits.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.load(Ordering::Relaxed))
    }

    /// Counts a request.
    pub(crate) fn count(&self, kind: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    /// Obeys orders, one per line, each answered by one line, until there are no more.
    pub(crate) fn obey(&self) {
        for line in stdin().lock().lines() {
            let Ok(line) = line else { return };
            if writeln!(stdout(), "{}", self.carry_out(&line)).is_err() {
                return;
            }
        }
    }

    fn carry_out(&self, order: &str) -> String {
        match order.split_once(' ') {
            Some(("latency", ms)) => {
                self.latency_ms.store(ms.parse().unwrap_or_default(), Ordering::Relaxed);
                "ok".to_owned()
            }
            None if order == "counts" => {
                let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                serde_json::to_string(&*counts).expect("names and numbers can be written as JSON")
            }
            None if order == "stored" => self.bucket().stored_bytes().to_string(),
            None if order == "forget" => {
                *self.bucket() = Bucket::default();
                "ok".to_owned()
            }
            _ => "unknown order".to_owned(),
        }
    }
}
