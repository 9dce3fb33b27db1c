//! All cells, several at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cell::{Cell, Clean, Verdict};
use super::fault::{Asked, Fault, Plan};
use super::scene::Content;
use super::service::Service;
use super::verbs::Verb;

/// So many cells wait at once; most of their time is waiting.
const AT_ONCE: usize = 24;
/// A verb with more requests than this is not tried at each of them.
const MOST: usize = 8;

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let end = runtime.block_on(future);
    runtime.shutdown_background();
    end
}

/// The runs without a fault.
pub(crate) fn cleans(service: Service, verbs: &[Verb], stock: &Content) -> Vec<Clean> {
    each(verbs, async |verb| Clean::run(service, *verb, stock).await)
}

/// The requests of a verb at which faults are tried, and whether those that last are tried from there on: all,
/// or else at most so many, evenly chosen, and an outage from two of them on. Which they are does not depend on the
/// order in which requests that are sent at once arrive.
fn places(requests: &[Asked], all: bool) -> Vec<(&Asked, bool)> {
    let mut sorted: Vec<_> = requests.iter().collect();
    sorted.sort();
    let many = if all { sorted.len() } else { sorted.len().min(MOST) };
    let chosen = (0..many).map(|n| sorted[n * sorted.len() / many]);
    chosen.enumerate().map(|(n, asked)| (asked, all || n == 0 || n + 1 == many)).collect()
}

/// Every cell of these verbs.
pub(crate) fn cells(cleans: &[Clean], all: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for clean in cleans {
        for (at, outage) in places(&clean.requests, all) {
            for fault in Fault::ALL {
                for lasting in [false, true] {
                    if !lasting || outage {
                        cells.push(Cell { verb: clean.verb, plan: Plan { fault, at: at.clone(), lasting } });
                    }
                }
            }
        }
    }
    cells
}

/// The verdicts on cells, in their order.
pub(crate) fn run(service: Service, cleans: &[Clean], cells: &[Cell]) -> Vec<Verdict> {
    let clean = |verb| cleans.iter().find(|clean| clean.verb == verb).unwrap();
    each(cells, async |cell| clean(cell.verb).meet(service, &cell.plan).await)
}

/// Does this for each, several at once, each on a thread and a runtime of its own.
pub(crate) fn each<I: Sync, T: Send>(items: &[I], what: impl AsyncFn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::SeqCst);
                    let Some(item) = items.get(n) else { return };
                    let result = block_on(what(item));
                    done.lock().unwrap().push((n, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}
