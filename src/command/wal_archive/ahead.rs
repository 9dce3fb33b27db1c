//! Successors: which to send in the same call, and how far a failure among them reaches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::send::{FILES_IN_FLIGHT, LARGE, Prepared, Sender, Sent};
use super::source::Source;
use crate::error::{Error, Result};
use crate::pgdata::Queue;
use crate::spool::ArchiveSpool;

/// The files to send behind the own one, looked at already. Trouble with the queue or with one of
/// them is no trouble of the own file.
pub(super) fn successors(own: &Source, spool: &ArchiveSpool, most: u8) -> Vec<Arc<Source>> {
    let (Some(segment), Some(header)) = (own.name.segment(), own.header) else { return Vec::new() };
    if own.len > LARGE {
        // One of these takes a call's time by itself, and a multipart upload given up midway costs.
        return Vec::new();
    }
    let archive = own.marker().map(|(_, identity)| identity.archive.clone()).unwrap_or_default();
    if let Err(e) = spool.sweep_before(segment) {
        debug!("old markers stay: {e}");
    }
    let queue = Queue::beside(&own.path);
    let waiting = queue.behind(segment, header.segment_size, most.into()).unwrap_or_else(|e| {
        warn!("archiving without look-ahead: {e}");
        Vec::new()
    });
    let depth = depth(spool.depth(), waiting.len(), most);
    if let Err(e) = spool.set_depth(depth) {
        warn!("archiving without look-ahead: {e}");
        return Vec::new();
    }
    let mut files = Vec::new();
    for name in waiting.into_iter().take(depth.into()) {
        match Source::open(&queue.file(name), &archive) {
            Ok(source) if source.marker().is_some_and(|(name, file)| spool.is_marked(name, file)) => {}
            Ok(source) if source.system_id != own.system_id => break,
            Ok(source) => files.push(Arc::new(source)),
            // Its own turn will come, and then it is told.
            Err(e) => {
                debug!("not looking further ahead: {e}");
                break;
            }
        }
    }
    files
}

/// How far to look ahead: not at all while nothing waits, then 4, 8, 16, 32 while the backlog lasts.
fn depth(last: u8, waiting: usize, most: u8) -> u8 {
    if waiting == 0 {
        return 0;
    }
    let wanted = if last == 0 { 4 } else { last.saturating_mul(2) };
    wanted.min(32).min(most)
}

/// When the waiting for successors ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// So long after the own file is stored, no further successor is begun.
    pub(super) soft: Duration,
    /// Here even those under way are given up, so that a stored file is told before the call's deadline.
    pub(super) hard: Instant,
}

/// Sends the own file and its successors behind it, and marks the successors that are stored. Returns
/// what became of the own file and how many successors are stored, as soon as the own file is and
/// the rest is done, has failed, or has had its time.
pub(super) async fn send_all(
    sender: &Sender<'_>,
    own: &Arc<Source>,
    prepared: Option<Prepared>,
    successors: Vec<Arc<Source>>,
    spool: Option<&ArchiveSpool>,
    limits: Limits,
) -> Result<(Sent, usize)> {
    let stop = AtomicBool::new(false);
    let files = std::iter::once((Arc::clone(own), prepared)).chain(successors.into_iter().map(|s| (s, None)));
    let mut sending = stream::iter(files)
        .map(|(file, prepared)| send_unless(&stop, sender, file, prepared))
        .buffer_unordered(FILES_IN_FLIGHT);

    let (mut own_sent, mut ahead) = (None, 0);
    let mut enough = limits.hard;
    loop {
        let next = tokio::select! {
            next = sending.next() => next,
            () = tokio::time::sleep_until(enough), if own_sent.is_some() && !stop.load(Ordering::Relaxed) => {
                stop.store(true, Ordering::Relaxed);
                continue;
            }
            () = tokio::time::sleep_until(limits.hard), if own_sent.is_some() => None,
        };
        match next {
            None => break,
            Some((file, Some(sent))) if Arc::ptr_eq(&file, own) => {
                own_sent = Some(sent?);
                enough = limits.hard.min(Instant::now() + limits.soft);
            }
            Some((file, Some(Ok(_)))) => ahead += usize::from(mark(spool, &file)),
            Some((file, Some(Err(e)))) => {
                warn!("{} was not archived ahead: {e}", file.name);
                stop.store(true, Ordering::Relaxed);
            }
            Some((_, None)) => {}
        }
    }
    let own_sent = own_sent.ok_or_else(|| Error::bug("the own file was never sent"))?;
    Ok((own_sent, ahead))
}

/// Sends a file, unless it is time to stop: what ails one most likely ails all. The own file comes
/// first and is always sent.
async fn send_unless(
    stop: &AtomicBool,
    sender: &Sender<'_>,
    file: Arc<Source>,
    prepared: Option<Prepared>,
) -> (Arc<Source>, Option<Result<Sent>>) {
    if stop.load(Ordering::Relaxed) {
        return (file, None);
    }
    let sent = sender.send(&file, prepared).await;
    (file, Some(sent))
}

fn mark(spool: Option<&ArchiveSpool>, file: &Source) -> bool {
    let (Some(spool), Some((name, identity))) = (spool, file.marker()) else { return false };
    // Without its marker the file is sent again, which then finds it there.
    spool.mark(name, identity).inspect_err(|e| warn!("{name} is archived, but not marked so: {e}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::depth;

    #[test]
    fn the_depth_doubles_while_a_backlog_lasts_and_falls_to_nothing_with_it() {
        let mut last = 0;
        let mut depths = Vec::new();
        for waiting in [0, 1, 100, 100, 100, 100, 100, 0, 9] {
            last = depth(last, waiting, 32);
            depths.push(last);
        }
        assert_eq!(depths, [0, 4, 8, 16, 32, 32, 32, 0, 4]);
        assert_eq!(depth(8, 100, 10), 10);
        assert_eq!(depth(8, 100, 0), 0);
    }
}
