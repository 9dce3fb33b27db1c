//! PostgreSQL's startup process: `restore_command` for one segment after the other, each replayed
//! before the next is asked for.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Result;
use crate::data_dir::DataDir;
use crate::figures::{mebibytes, median, milliseconds, per_second, percentile, share};
use crate::orphans::Orphans;
use crate::shell::Shell;
use crate::wal::Segment;

/// What PostgreSQL calls the segment it restores.
const DESTINATION: &str = "pg_wal/RECOVERYXLOG";

/// After so many calls the window counts as warm.
const WARM_UP_CALLS: usize = 8;

/// A loop that takes longer is given up.
const LONGEST_LOOP: Duration = Duration::from_mins(5);

/// What restoring took.
#[derive(Debug, Serialize)]
pub(crate) struct StartupFigures {
    /// How many segments there were.
    pub(crate) segments: usize,
    /// From the first call to the end of the last, with replay and with our reading every segment
    /// once to verify it, as replay would.
    pub(crate) segments_per_second: f64,
    /// The same without the first calls.
    pub(crate) warm_segments_per_second: f64,
    /// The first call, which found nothing prepared.
    pub(crate) first_ms: f64,
    /// The median warm call.
    pub(crate) median_ms: f64,
    /// The warm call that only one in a hundred exceeds.
    pub(crate) p99_ms: f64,
    /// The part of the warm calls whose segment was in the spool.
    pub(crate) hit_share: f64,
    /// The greatest memory of any call.
    pub(crate) peak_mib: f64,
    /// The greatest memory of any process a call left behind.
    pub(crate) filler_peak_mib: f64,
}

/// One warm or cold call.
struct Restored {
    took: Duration,
    hit: bool,
    peak_bytes: u64,
}

/// Restores all segments in order, each replayed in at least `replay`. `command` makes a command
/// line of a segment's name and the destination.
pub(crate) fn run(
    shell: &Shell,
    data: &DataDir,
    spool: &Path,
    segments: &[Segment],
    replay: Duration,
    orphans: &mut Orphans,
    command: impl Fn(&str, &str) -> String,
) -> Result<StartupFigures> {
    let destination = data.path().join(DESTINATION);
    let mut calls = Vec::new();
    let start = Instant::now();
    let mut warm_start = start;
    for segment in segments {
        if calls.len() == WARM_UP_CALLS {
            warm_start = Instant::now();
        }
        let hit = holds(spool, &segment.name);
        let call = shell.run(&command(&segment.name, DESTINATION))?;
        let replayed = Instant::now() + replay;
        segment.verify(&destination)?;
        fs_err::remove_file(&destination)?;
        orphans.look();
        sleep(replayed.saturating_duration_since(Instant::now()));
        calls.push(Restored { took: call.took, hit, peak_bytes: call.peak_bytes });
        if start.elapsed() > LONGEST_LOOP {
            return Err(format!("given up after {} segments: too slow", calls.len()).into());
        }
    }
    Ok(sum_up(&calls, start.elapsed(), warm_start.elapsed(), orphans.peak_bytes()))
}

fn sum_up(calls: &[Restored], took: Duration, warm_took: Duration, filler_peak_bytes: u64) -> StartupFigures {
    let warm = calls.get(WARM_UP_CALLS..).unwrap_or_default();
    let warm_calls: Vec<_> = warm.iter().map(|call| call.took).collect();
    StartupFigures {
        segments: calls.len(),
        segments_per_second: per_second(calls.len(), took),
        warm_segments_per_second: per_second(warm.len(), warm_took),
        first_ms: milliseconds(calls.first().map_or(Duration::ZERO, |call| call.took)),
        median_ms: milliseconds(median(&warm_calls)),
        p99_ms: milliseconds(percentile(&warm_calls, 99)),
        hit_share: share(warm.iter().filter(|call| call.hit).count(), warm.len()),
        peak_mib: mebibytes(calls.iter().map(|call| call.peak_bytes).max().unwrap_or_default()),
        filler_peak_mib: mebibytes(filler_peak_bytes),
    }
}

/// Whether the spool has a file of this name. It changes while we look; what is gone is not there.
fn holds(spool: &Path, name: &str) -> bool {
    fs_err::read_dir(spool).into_iter().flatten().flatten().any(|entry| {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_dir { holds(&entry.path(), name) } else { entry.file_name() == name }
    })
}
