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
use tracing::debug;

use super::fetch;
use crate::archive::{Archive, ExclusivePut, OpenArchive, Patience, StoredWal};
use crate::command::OWN;
use crate::disk::{self, Draft, Durability, Publish};
use crate::error::Result;
use crate::model::{SegmentName, SegmentSize, SystemId, Timeline, WalName};
use crate::spool::{Demand, RestoreSpool, SegmentSpool, Spool};

/// How often the demand is looked at while there is nothing to do.
const POLL: Duration = Duration::from_millis(10);

/// How many segments one listing is read for: a page of it.
const LISTED: usize = 1000;

/// What a recovery fetched ahead is removed when it has asked for nothing for so long.
const ABANDONED: Duration = Duration::from_hours(24);

/// What one fetch holds in memory: pieces on their way, the codec's window, what is being written.
const PER_FETCH: u64 = 12 << 20;

/// Which window to keep filled.
#[derive(Debug, Clone)]
pub struct Request {
    /// The cluster.
    pub system_id: SystemId,
    /// What stands for the data directory that is being recovered.
    pub instance: String,
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
}

/// What a filler did before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Segments fetched.
    pub fetched: u64,
}

/// Fills the window until nobody asks any more. A second filler for the same window ends at once.
pub async fn run(request: &Request, archive: &dyn OpenArchive) -> Result<Outcome> {
    let whole = Spool::open(&request.spool)?;
    let spool = whole.restore(&archive.address().fingerprint(), request.system_id, &request.instance)?;
    let segments = spool.timeline(request.timeline)?;
    let Some(_lock) = segments.try_lock()? else { return Ok(Outcome::default()) };
    segments.remove_drafts()?;
    whole.sweep_abandoned(ABANDONED);
    let patience = Patience {
        retry_for: Duration::from_secs(10),
        max_attempts: request.max_attempts,
        ..Patience::default()
    };
    let archive = archive.open(ExclusivePut::ByService, &patience).await?;
    let mut filler = Filler {
        request,
        archive: &archive,
        spool,
        segments,
        listed: BTreeMap::new(),
        end: None,
        fetched: 0,
    };
    let ended = filler.fill().await;
    if let Err(e) = &ended {
        // Nobody hears it, so it is left where somebody who wonders may look.
        filler.spool.note_trouble(e)?;
    }
    ended.map(|()| Outcome { fetched: filler.fetched })
}

struct Filler<'a> {
    request: &'a Request,
    archive: &'a Archive,
    spool: RestoreSpool,
    segments: SegmentSpool,
    /// What the archive is known to have from here on.
    listed: BTreeMap<SegmentName, StoredWal>,
    /// The first segment it does not have, once that is known.
    end: Option<SegmentName>,
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
                && let Some((name, stored)) = self.next_wanted(demand, &in_flight).await?
            {
                in_flight.push_back(name);
                let segments = self.segments.clone();
                under_way.push(fetch_one(self.archive, segments, self.request.system_id, name, stored));
            }
            if in_flight.is_empty() && self.end.is_some() {
                return Ok(());
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

    /// The first segment of the window that is neither there nor on its way, and where the archive has
    /// it. Once it does not have one, that is where the archive ends, and it is not asked again.
    async fn next_wanted(
        &mut self,
        (asked, window): (SegmentName, u8),
        in_flight: &VecDeque<SegmentName>,
    ) -> Result<Option<(SegmentName, StoredWal)>> {
        let size = self.request.segment_size;
        let ahead = std::iter::successors(asked.next(size), |n| n.next(size)).take(window.into());
        let missing = |n: &SegmentName| !in_flight.contains(n) && !self.segments.has(*n);
        let Some(name) = ahead.take_while(|n| self.end.is_none_or(|end| *n < end)).find(missing) else {
            return Ok(None);
        };
        if !self.listed.contains_key(&name) {
            let listed: Vec<StoredWal> =
                self.archive.wal_from(&WalName::Segment(name))?.take(LISTED).try_collect().await?;
            self.listed = listed.into_iter().filter_map(|s| Some((s.name.segment()?, s))).collect();
        }
        let Some(stored) = self.listed.get(&name).cloned() else {
            debug!("{name} is not in the archive");
            self.end = Some(name);
            return Ok(None);
        };
        Ok(Some((name, stored)))
    }

    /// A segment that was asked for while it was fetched has been fetched in the foreground too.
    fn drop_if_passed(&self, name: SegmentName) {
        if self.demand().is_some_and(|(asked, _)| name <= asked) {
            let _ = disk::remove(&self.segments.file(name));
        }
    }

    /// How many to fetch at once: enough to hide the store's latency, within the memory there is.
    fn workers(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let affordable = self.request.memory.saturating_sub(OWN) / PER_FETCH;
        let affordable = usize::try_from(affordable).unwrap_or(usize::MAX);
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
    let _claim = segments.claim(name)?;
    let (object, recorded) = archive.open_wal(&stored).await?;
    let draft = Draft::beside(&segments.file(name), 0o600, Durability::Fleeting)?;
    let (draft, _) = fetch::verified(object, &stored, recorded, Some(system_id), draft).await?;
    draft.publish(Publish::Replace)?;
    Ok(name)
}
