//! PostgreSQL's archiver: the oldest `.ready` file, `archive_command`, `.done`, and again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::Result;
use crate::data_dir::DataDir;
use crate::figures::{float, mebibytes, median, milliseconds, per_second, percentile, share};
use crate::shell::Shell;
use crate::store::Store;
use crate::stub::Counts;

/// A loop that takes longer is given up.
const LONGEST_LOOP: Duration = Duration::from_mins(5);

/// What archiving a backlog took.
#[derive(Debug, Serialize)]
pub(crate) struct ArchiverFigures {
    /// How many segments there were.
    pub(crate) segments: usize,
    /// From the first call to the end of the last.
    pub(crate) segments_per_second: f64,
    /// The median call.
    pub(crate) median_ms: f64,
    /// The call that only one in a hundred exceeds.
    pub(crate) p99_ms: f64,
    /// The longest call.
    pub(crate) max_ms: f64,
    /// The part of the calls that left the store alone.
    pub(crate) hit_share: f64,
    /// The median of those.
    pub(crate) hit_median_ms: f64,
    /// Requests per segment, by kind; for a directory, files.
    pub(crate) requests_per_segment: BTreeMap<String, f64>,
    /// The greatest memory of any call.
    pub(crate) peak_mib: f64,
    /// Processor time per segment, of the calls alone.
    pub(crate) cpu_ms_per_segment: f64,
}

/// Archives everything that is ready. `command` makes a command line of a segment's name.
pub(crate) fn run(
    shell: &Shell,
    data: &DataDir,
    store: &mut Store,
    command: impl Fn(&str) -> String,
) -> Result<ArchiverFigures> {
    let at_first = store.activity()?;
    let mut before = at_first.clone();
    let (mut calls, mut hits) = (Vec::new(), Vec::new());
    let (mut peak_bytes, mut cpu) = (0, Duration::ZERO);
    let start = Instant::now();
    loop {
        let ready = data.oldest_ready()?;
        if ready.is_empty() {
            break;
        }
        for name in ready {
            let call = shell.run(&command(&name))?;
            data.mark_done(&name)?;
            let after = store.activity()?;
            if after == before {
                hits.push(call.took);
            }
            before = after;
            calls.push(call.took);
            peak_bytes = peak_bytes.max(call.peak_bytes);
            cpu += call.cpu;
            if start.elapsed() > LONGEST_LOOP {
                return Err(format!("given up after {} segments: too slow", calls.len()).into());
            }
        }
    }
    let took = start.elapsed();
    Ok(ArchiverFigures {
        segments: calls.len(),
        segments_per_second: per_second(calls.len(), took),
        median_ms: milliseconds(median(&calls)),
        p99_ms: milliseconds(percentile(&calls, 99)),
        max_ms: milliseconds(percentile(&calls, 100)),
        hit_share: share(hits.len(), calls.len()),
        hit_median_ms: milliseconds(median(&hits)),
        requests_per_segment: per_segment(&at_first, &before, calls.len()),
        peak_mib: mebibytes(peak_bytes),
        cpu_ms_per_segment: milliseconds(cpu) / float(calls.len()),
    })
}

fn per_segment(before: &Counts, after: &Counts, segments: usize) -> BTreeMap<String, f64> {
    let grown = after.iter().filter_map(|(kind, count)| {
        let grown = count - before.get(kind).copied().unwrap_or_default();
        let grown = usize::try_from(grown).ok().filter(|&grown| grown > 0)?;
        Some((kind.clone(), float(grown) / float(segments)))
    });
    grown.collect()
}
