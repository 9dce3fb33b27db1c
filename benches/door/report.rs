//! What is told at the end, and whether what is promised was kept.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;

use crate::call::Call;
use crate::figures::{mebibytes, median, milliseconds};
use crate::table::write_table;

/// So many times faster than the reference, at least, where the store answers at once.
const TIMES_FASTER: f64 = 15.0;
/// At most this share of the reference's memory.
const SHARE_OF_MEMORY: f64 = 0.2;
/// How much longer a miss may take than the store's latency, in milliseconds.
const MISS_BEYOND_MS: f64 = 20.0;

/// One call, and how many requests it made of the store.
pub(crate) struct Asked {
    /// The call.
    pub(crate) call: Call,
    /// The requests.
    pub(crate) requests: u64,
}

/// What calls of one kind took.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    median_ms: f64,
    cpu_ms: f64,
    /// The greatest of all of them.
    peak_mib: f64,
    /// The most of all of them.
    requests: u64,
}

impl Measured {
    /// The figures of these calls.
    pub(crate) fn of(calls: &[Asked]) -> Self {
        let middle = |of: fn(&Call) -> Duration| {
            milliseconds(median(&calls.iter().map(|c| of(&c.call)).collect::<Vec<_>>()))
        };
        let peak = calls.iter().map(|asked| asked.call.peak_bytes).max().unwrap_or_default();
        Self {
            median_ms: middle(|call| call.took),
            cpu_ms: middle(|call| call.cpu),
            peak_mib: mebibytes(peak),
            requests: calls.iter().map(|asked| asked.requests).max().unwrap_or_default(),
        }
    }
}

/// One errand at one latency.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// The errand.
    pub(crate) what: String,
    /// The latency added to every request.
    pub(crate) latency_ms: u64,
    /// Ours.
    pub(crate) ours: Measured,
    /// The reference's.
    pub(crate) reference: Measured,
}

impl Row {
    fn times_faster(&self) -> f64 {
        self.reference.median_ms / self.ours.median_ms
    }

    fn share_of_memory(&self) -> f64 {
        self.ours.peak_mib / self.reference.peak_mib
    }

    fn beyond_latency_ms(&self) -> f64 {
        let latency = Duration::from_millis(self.latency_ms);
        self.ours.median_ms - milliseconds(latency)
    }

    fn is_miss(&self) -> bool {
        self.what.ends_with("miss")
    }

    fn cells(&self) -> Vec<String> {
        let mut cells = vec![self.what.clone(), format!("{} ms", self.latency_ms)];
        for side in [&self.ours, &self.reference] {
            cells.extend([side.median_ms, side.cpu_ms, side.peak_mib].map(|value| format!("{value:.1}")));
            cells.push(side.requests.to_string());
        }
        cells.extend([format!("{:.1} x", self.times_faster()), format!("{:.2}", self.share_of_memory())]);
        cells
    }
}

/// A promise, held against the worst row it is about.
#[derive(Debug, Serialize)]
struct Bar {
    name: &'static str,
    wanted: String,
    found: f64,
    place: String,
    met: bool,
}

/// Everything a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The reference's version.
    reference: String,
    rounds: usize,
    rows: Vec<Row>,
    bars: Vec<Bar>,
}

impl Report {
    /// Holds all promises against these rows.
    pub(crate) fn new(reference: String, rounds: usize, rows: Vec<Row>) -> Self {
        let at_once = |row: &&Row| row.latency_ms == 0 && !row.is_miss();
        let faster = rows.iter().filter(at_once).map(|row| (row.times_faster(), row));
        let smaller = rows.iter().map(|row| (row.share_of_memory(), row));
        let beyond = rows.iter().filter(|row| row.is_miss()).map(|row| (row.beyond_latency_ms(), row));
        let place = |row: &Row| format!("{}, {} ms", row.what, row.latency_ms);
        let bars = [
            faster.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(found, row)| Bar {
                name: "times faster than the reference",
                wanted: format!(">= {TIMES_FASTER}"),
                found,
                place: place(row),
                met: found >= TIMES_FASTER,
            }),
            smaller.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(found, row)| Bar {
                name: "share of the reference's memory",
                wanted: format!("<= {SHARE_OF_MEMORY}"),
                found,
                place: place(row),
                met: found <= SHARE_OF_MEMORY,
            }),
            beyond.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(found, row)| Bar {
                name: "a miss beyond the latency, ms",
                wanted: format!("<= {MISS_BEYOND_MS}"),
                found,
                place: place(row),
                met: found <= MISS_BEYOND_MS,
            }),
        ];
        let bars = bars.into_iter().flatten().collect();
        Self { reference, rounds, rows, bars }
    }
}

const ROWS: [&str; 12] = [
    "errand",
    "latency",
    "ours",
    "CPU",
    "MiB",
    "requests",
    "reference",
    "CPU",
    "MiB",
    "requests",
    "faster",
    "memory",
];
const BARS: [&str; 5] = ["bar", "wanted", "found", "where", "verdict"];

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\none segment of 16 MiB, against barman-cloud {}; medians of {} rounds in ms, peak memory",
            self.reference, self.rounds
        )?;
        write_table(f, ROWS, self.rows.iter().map(Row::cells))?;
        writeln!(f, "\nbars, at the worst of the rows they are about")?;
        let cells = |bar: &Bar| {
            let verdict = if bar.met { "met" } else { "missed" };
            let words = [bar.name, &bar.wanted, &format!("{:.2}", bar.found), &bar.place, verdict];
            words.map(str::to_owned).to_vec()
        };
        write_table(f, BARS, self.bars.iter().map(cells))
    }
}
