//! What is told at the end: tables for people, JSON for programs.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::archiver::ArchiverFigures;
use crate::bars::Bar;
use crate::cold::ColdFigures;
use crate::startup::StartupFigures;
use crate::table::write_table;

/// Everything a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The binary measured, as it names itself.
    pub(crate) binary: String,
    /// The server that made the WAL.
    pub(crate) wal_made_by: String,
    /// How many segments there are.
    pub(crate) segments: usize,
    /// How many times smaller zstd at level 1 makes them.
    pub(crate) zstd_1_ratio: f64,
    /// Processors there are.
    pub(crate) processors: usize,
    /// The whole process of `--version`.
    pub(crate) cold_start_ms: f64,
    /// The whole process of `true`, for comparison.
    pub(crate) true_ms: f64,
    /// The archiver loops.
    pub(crate) archiving: Vec<Row<Archiving>>,
    /// The startup loops.
    pub(crate) restoring: Vec<Row<Restoring>>,
    /// The bars and whether they are met.
    pub(crate) bars: Vec<Bar>,
    /// What could not be measured, and why.
    pub(crate) notes: Vec<String>,
}

/// One line of a table.
#[derive(Debug, Serialize)]
pub(crate) struct Row<T> {
    /// The store.
    pub(crate) store: &'static str,
    /// The latency added to every request.
    pub(crate) latency_ms: u64,
    /// What was run, or how fast replay was.
    pub(crate) what: String,
    /// What was found.
    pub(crate) found: T,
}

/// What an archiver loop found, and the calls without a backlog.
#[derive(Debug, Serialize)]
pub(crate) struct Archiving {
    /// The loop.
    pub(crate) backlog: ArchiverFigures,
    /// The calls without a backlog, where they were measured.
    pub(crate) cold: Option<ColdFigures>,
}

/// What a startup loop found.
pub(crate) type Restoring = StartupFigures;

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}, {} processors shared with the stub", self.binary, self.processors)?;
        writeln!(
            f,
            "WAL: {} segments of 16 MiB made by {}, zstd-1 makes them {:.2} times smaller",
            self.segments, self.wal_made_by, self.zstd_1_ratio
        )?;
        writeln!(f, "cold start: --version {:.1} ms, true {:.1} ms\n", self.cold_start_ms, self.true_ms)?;
        writeln!(f, "archiver loop, all segments ready at once (times in ms)")?;
        write_table(f, ARCHIVING, self.archiving.iter().map(archiving_cells))?;
        writeln!(f, "\none segment ready, nothing prepared (medians in ms)")?;
        write_table(f, COLD, self.archiving.iter().filter_map(cold_cells))?;
        writeln!(f, "\nstartup loop; calls and hits with the window warm (times in ms)")?;
        write_table(f, RESTORING, self.restoring.iter().map(restoring_cells))?;
        writeln!(f, "\nbars, at the worst of the rows they are about")?;
        write_table(f, BARS, self.bars.iter().map(Bar::cells))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "\nnote: {note}"))
    }
}

const ARCHIVING: [&str; 12] = [
    "store",
    "latency",
    "command",
    "seg/s",
    "median",
    "p99",
    "max",
    "hits",
    "hit median",
    "requests per segment",
    "MiB",
    "CPU/seg",
];

const COLD: [&str; 7] = ["store", "latency", "command", "call", "compress", "transfer", "beyond"];

const RESTORING: [&str; 11] = [
    "store",
    "latency",
    "replay",
    "seg/s",
    "warm seg/s",
    "first",
    "median",
    "p99",
    "hits",
    "MiB",
    "filler MiB",
];

const BARS: [&str; 5] = ["bar", "wanted", "found", "where", "verdict"];

fn archiving_cells(row: &Row<Archiving>) -> Vec<String> {
    let found = &row.found.backlog;
    let requests: Vec<_> =
        found.requests_per_segment.iter().map(|(kind, count)| format!("{count:.2} {kind}")).collect();
    let hit_median =
        if found.hit_share > 0.0 { format!("{:.1}", found.hit_median_ms) } else { "-".to_owned() };
    [
        row.head(),
        numbers(&[found.segments_per_second, found.median_ms, found.p99_ms, found.max_ms]),
        vec![percent(found.hit_share), hit_median, requests.join(" ")],
        numbers(&[found.peak_mib, found.cpu_ms_per_segment]),
    ]
    .concat()
}

fn cold_cells(row: &Row<Archiving>) -> Option<Vec<String>> {
    let cold = row.found.cold.as_ref()?;
    let figures = numbers(&[cold.median_ms, cold.compress_ms, cold.transfer_ms, cold.beyond_ms]);
    Some([row.head(), figures].concat())
}

fn restoring_cells(row: &Row<Restoring>) -> Vec<String> {
    let found = &row.found;
    let speeds = [found.segments_per_second, found.warm_segments_per_second];
    [
        row.head(),
        numbers(&speeds),
        numbers(&[found.first_ms, found.median_ms, found.p99_ms]),
        vec![percent(found.hit_share)],
        numbers(&[found.peak_mib, found.filler_peak_mib]),
    ]
    .concat()
}

impl<T> Row<T> {
    fn head(&self) -> Vec<String> {
        vec![self.store.to_owned(), format!("{} ms", self.latency_ms), self.what.clone()]
    }
}

fn numbers(values: &[f64]) -> Vec<String> {
    values.iter().map(|value| format!("{value:.1}")).collect()
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
