//! Runs a verb: the one place where the doors meet the asynchronous runtime.

use std::future::Future;
use std::num::NonZeroUsize;

use crate::error::Result;

/// Runs a verb to its end on this thread.
pub(crate) fn block_on<T>(verb: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(verb);
    // A name look-up that nobody answers cannot be called back; it must not hold up the exit beyond
    // the verb's own deadline.
    runtime.shutdown_background();
    result
}

/// Runs a verb that has much to do at once, on a few threads of its own.
pub(crate) fn block_on_several<T>(workers: usize, verb: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let result = runtime.block_on(verb);
    runtime.shutdown_background();
    result
}

/// How many objects are read at once when nobody says: the cores, 2 to 8.
pub(crate) fn jobs() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores.clamp(2, 8)).unwrap_or(NonZeroUsize::MIN)
}
