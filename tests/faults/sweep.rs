//! All cells, several at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cell::{Cell, Clean, Verdict};
use super::fault::{Fault, Plan};
use super::scene::Content;
use super::service::Service;
use super::verbs::Verb;

/// So many cells wait at once; most of their time is waiting.
const AT_ONCE: usize = 24;
/// A verb with more requests than this is not tried at each of them.
const MOST: usize = 10;

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

/// The requests of a verb at which faults are tried: each, or else the first five, the last three and two
/// between them.
fn places(requests: usize, all: bool) -> Vec<usize> {
    if all || requests <= MOST {
        return (1..=requests).collect();
    }
    let between = (1..=2).map(|n| 5 + n * (requests - 8) / 3);
    let mut places: Vec<_> = (1..=5).chain(between).chain(requests - 2..=requests).collect();
    places.dedup();
    places
}

/// Whether a fault that lasts is tried from this request on: from each, or else from the first, from one in the
/// middle and from the last.
fn is_outage_tried(place: usize, requests: usize, all: bool) -> bool {
    all || [1, requests / 2 + 1, requests].contains(&place)
}

/// Every cell of these verbs.
pub(crate) fn cells(cleans: &[Clean], all: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for clean in cleans {
        for place in places(clean.requests.len(), all) {
            for fault in Fault::ALL {
                for lasting in [false, true] {
                    if lasting && !is_outage_tried(place, clean.requests.len(), all) {
                        continue;
                    }
                    let at = clean.requests[place - 1].clone();
                    cells.push(Cell { verb: clean.verb, plan: Plan { fault, at, lasting } });
                }
            }
        }
    }
    cells
}

/// The verdicts on cells, in their order.
pub(crate) fn run(service: Service, cleans: &[Clean], cells: &[Cell]) -> Vec<Verdict> {
    let clean = |verb| cleans.iter().find(|clean| clean.verb == verb).unwrap();
    each(cells, async |cell| {
        let begun = std::time::Instant::now();
        let verdict = clean(cell.verb).meet(service, &cell.plan).await;
        if std::env::var_os("TELL").is_some() {
            eprintln!("{:?} {}: {:?} {:.1?} {}", cell.verb, cell.plan, verdict.mark, begun.elapsed(), verdict.text.trim());
            for wrong in &verdict.wrong {
                eprintln!("   WRONG {:?} {}: {wrong}", cell.verb, cell.plan);
            }
        }
        verdict
    })
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
