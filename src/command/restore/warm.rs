//! The first WAL, fetched into the spool while the base backup is still being restored, so that recovery
//! begins with its window full.
//!
//! It is as if the segment before the first had just been asked for: the filler then fetches what follows,
//! and the first `wal-restore` of the copy finds that it goes on from there.

use std::path::Path;
use std::time::Duration;

use tracing::{debug, warn};

use super::Request;
use super::plan::Plan;
use crate::archive::OpenArchive;
use crate::command::{wal_prefetch, wal_restore};
use crate::error::Result;
use crate::model::{Lsn, SegmentName, SegmentSize, SystemId};
use crate::spool::{Demand, Spool, boot};

/// No more than this is fetched ahead: what `wal-restore` itself would.
const MOST_SEGMENTS: u64 = 32;
const MOST_BYTES: u64 = 512 << 20;

/// What the filler may hold in memory, of what the restore has.
const MEMORY: u64 = 48 << 20;

/// Fetches the first segments; ends by itself once they are there. Nothing that goes wrong here stops a
/// restore.
pub(super) async fn warm(
    request: &Request,
    spool: &Path,
    plan: &Plan,
    data: &Path,
    archive: &dyn OpenArchive,
) {
    match try_warm(request, spool, plan, data, archive).await {
        Ok(fetched) => debug!("{fetched} segments were fetched ahead"),
        Err(e) => warn!("no WAL is fetched ahead: {e}"),
    }
}

async fn try_warm(
    request: &Request,
    spool: &Path,
    plan: &Plan,
    data: &Path,
    archive: &dyn OpenArchive,
) -> Result<u64> {
    let size = plan.backup.segment_size;
    let (Some(system_id), Some(before)) = (plan.backup.system_id, before(plan.wal.first, size)) else {
        return Ok(0);
    };
    let instance = wal_restore::instance(data);
    let window = (MOST_BYTES / size.bytes()).clamp(1, MOST_SEGMENTS).min(plan.wal.segments.max(1));
    ask(spool, archive, system_id, &instance, before, window, size)?;
    let filler = wal_prefetch::Request {
        system_id,
        instance,
        timeline: plan.wal.first.timeline,
        segment_size: size,
        spool: spool.to_owned(),
        memory: MEMORY,
        max_attempts: request.max_attempts,
        linger: Duration::from_hours(1),
    };
    Ok(wal_prefetch::run(&filler, archive).await?.fetched)
}

/// Says that the segment before the first was the last to be asked for.
fn ask(
    spool: &Path,
    archive: &dyn OpenArchive,
    system_id: SystemId,
    instance: &str,
    before: SegmentName,
    window: u64,
    size: SegmentSize,
) -> Result<()> {
    let spool = Spool::open(spool)?.restore(&archive.address().fingerprint(), system_id, instance)?;
    // What an earlier copy in this directory had fetched may be another history's.
    spool.sweep(crate::spool::Sweep::Everything)?;
    spool.set_demand(&Demand {
        segment: before.to_string(),
        window: u8::try_from(window).unwrap_or(u8::MAX),
        suffix: String::new(),
        segment_size: size.bytes(),
        boot: boot(),
    })
}

fn before(first: SegmentName, size: SegmentSize) -> Option<SegmentName> {
    let start = first.start(size)?.0.checked_sub(size.bytes())?;
    Some(SegmentName::holding(first.timeline, Lsn(start), size))
}
