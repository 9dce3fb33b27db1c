//! The filler behind `wal-restore`: fetches what PostgreSQL will ask for next, in order of need.
//!
//! It reads what was asked for last from the spool, keeps as many segments after it fetched as the
//! window says, and never runs further ahead. It ends by itself: when nobody asks any more, when the
//! archive has nothing more, when recovery has moved to another timeline, or at the first failure,
//! since whoever needs the segment then fetches it in the foreground and tells.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use tracing::debug;

use super::fetch;
use crate::archive::{Archive, ExclusivePut, OpenArchive, Patience, StoredWal};
use crate::disk::{Draft, Durability, Publish};
use crate::error::Result;
use crate::model::{SegmentName, SegmentSize, SystemId, Timeline, WalName};
use crate::spool::{Demand, RestoreSpool, SegmentSpool, Spool};

/// How often the demand is looked at while there is nothing to do.
const POLL: Duration = Duration::from_millis(10);

/// How many segments one listing is read for.
const LISTED: usize = 256;

/// What one fetch holds in memory: pieces on their way, the codec's window, what is being written.
const PER_FETCH: u64 = 12 << 20;

/// Which window to keep filled.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cluster.
    pub system_id: SystemId,
    /// The timeline.
    pub timeline: Timeline,
    /// The cluster's segment size.
    pub segment_size: SegmentSize,
    /// The spool's directory.
    pub spool: PathBuf,
    /// What all buffers together may hold, in bytes.
    pub memory: u64,
    /// At most so many attempts per request, when set.
    pub max_attempts: Option<u32>,
    /// How long it stays without being asked for anything.
    pub linger: Duration,
    /// What time it is.
    pub now: Timestamp,
}

/// What a filler did before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Segments fetched.
    pub fetched: u64,
}

/// Fills the window until nobody asks any more. A second filler for the same window ends at once.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let spool = Spool::open(&request.spool)?.restore(&archive.address().fingerprint(), request.system_id)?;
    let segments = spool.timeline(request.timeline)?;
    let Some(_lock) = segments.try_lock()? else { return Ok(Outcome::default()) };
    let patience = Patience {
        retry_for: Duration::from_secs(10),
        max_attempts: request.max_attempts,
        ..Patience::default()
    };
    let archive = archive.open(ExclusivePut::ByService, &patience).await?;
    let mut filler =
        Filler { request, archive: &archive, spool, segments, listed: BTreeMap::new(), fetched: 0 };
    filler.fill().await?;
    Ok(Outcome { fetched: filler.fetched })
}

struct Filler<'a> {
    request: &'a Request,
    archive: &'a Archive,
    spool: RestoreSpool,
    segments: SegmentSpool,
    /// What the archive is known to have from here on.
    listed: BTreeMap<SegmentName, StoredWal>,
    fetched: u64,
}

impl Filler<'_> {
    async fn fill(&mut self) -> Result<()> {
        let mut under_way = FuturesUnordered::new();
        let mut in_flight = VecDeque::new();
        let mut asked = None;
        let mut since = Instant::now();
        loop {
            let Some(demand) = self.demand() else { return Ok(()) };
            if asked != Some(demand.0) {
                (asked, since) = (Some(demand.0), Instant::now());
            } else if since.elapsed() > self.request.linger {
                return Ok(());
            }
            while in_flight.len() < self.workers()
                && let Some(next) = self.next_wanted(demand, &in_flight)
            {
                let Some(stored) = self.stored(next).await? else {
                    debug!("{next} is not in the archive");
                    if in_flight.is_empty() {
                        return Ok(());
                    }
                    break;
                };
                in_flight.push_back(next);
                under_way.push(fetch_one(
                    self.archive,
                    self.segments.clone(),
                    self.request.system_id,
                    next,
                    stored,
                ));
            }
            tokio::select! {
                Some(done) = under_way.next() => {
                    let name: SegmentName = done?;
                    in_flight.retain(|n| *n != name);
                    self.fetched += 1;
                    self.drop_if_passed(name);
                }
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// What was asked for last and how far to run ahead of it; `None` when that is no business of this
    /// filler any more.
    fn demand(&self) -> Option<(SegmentName, u8)> {
        let demand: Demand = self.spool.demand()?;
        let segment = demand.segment()?;
        (segment.timeline == self.request.timeline).then_some((segment, demand.window))
    }

    /// The first segment of the window that is neither there nor on its way.
    fn next_wanted(
        &self,
        (asked, window): (SegmentName, u8),
        in_flight: &VecDeque<SegmentName>,
    ) -> Option<SegmentName> {
        let ahead = std::iter::successors(asked.next(self.request.segment_size), |n| {
            n.next(self.request.segment_size)
        });
        ahead.take(window.into()).find(|n| !in_flight.contains(n) && !self.segments.has(*n))
    }

    /// Where the archive has a segment. Asked once for many.
    async fn stored(&mut self, name: SegmentName) -> Result<Option<StoredWal>> {
        if !self.listed.contains_key(&name) {
            let listed: Vec<StoredWal> =
                self.archive.wal_from(&WalName::Segment(name))?.take(LISTED).try_collect().await?;
            self.listed = listed.into_iter().filter_map(|s| Some((s.name.segment()?, s))).collect();
        }
        Ok(self.listed.get(&name).cloned())
    }

    /// A segment that was asked for while it was fetched has been fetched in the foreground too.
    fn drop_if_passed(&self, name: SegmentName) {
        if self.demand().is_some_and(|(asked, _)| name <= asked) {
            let _ = std::fs::remove_file(self.segments.file(name));
        }
    }

    /// How many to fetch at once: enough to hide the store's latency, within the memory there is.
    fn workers(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let affordable = usize::try_from(self.request.memory / PER_FETCH).unwrap_or(usize::MAX);
        (2 * cores).clamp(2, 8).min(affordable).max(1)
    }
}

async fn fetch_one(
    archive: &Archive,
    segments: SegmentSpool,
    system_id: SystemId,
    name: SegmentName,
    stored: StoredWal,
) -> Result<SegmentName> {
    let (object, recorded) = archive.open_wal(&stored).await?;
    let draft = Draft::beside(&segments.file(name), 0o600, Durability::Fleeting)?;
    let (draft, _) = fetch::verified(object, &stored, recorded, Some(system_id), draft).await?;
    draft.publish(Publish::Replace)?;
    Ok(name)
}
