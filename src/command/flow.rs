//! Bytes out of the store, at the rate that is allowed, counted for somebody who watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::{StreamExt, TryStreamExt};

use crate::archive::{ByteStream, Object};
use crate::command::pace::Pace;

/// How far reading or fetching has come, for somebody who watches from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Bytes read so far and bytes to read, both as stored; both 0 before it is known.
    pub fn bytes(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    /// So many bytes were read otherwise than through a [`Flow`].
    pub(in crate::command) fn pass(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(in crate::command) fn expect(&self, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
    }
}

/// What all bodies go through.
pub(in crate::command) struct Flow {
    pace: Mutex<Pace>,
    progress: Arc<Progress>,
}

impl Flow {
    pub(in crate::command) fn new(max_rate: Option<u64>, progress: &Arc<Progress>) -> Self {
        Self { pace: Mutex::new(Pace::new(max_rate)), progress: Arc::clone(progress) }
    }

    /// The object's body, no faster than is allowed.
    pub(in crate::command) fn through(self: &Arc<Self>, object: Object) -> Object {
        let flow = Arc::clone(self);
        let body: ByteStream = object
            .body
            .and_then(move |piece| {
                let flow = Arc::clone(&flow);
                async move {
                    flow.pass(piece.len() as u64).await;
                    Ok(piece)
                }
            })
            .boxed();
        Object { meta: object.meta, body }
    }

    async fn pass(&self, bytes: u64) {
        self.progress.done.fetch_add(bytes, Ordering::Relaxed);
        let wait = {
            let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
            pace.take(bytes, Instant::now())
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}
