//! What is told at the end: tables for people, JSON for programs.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;

use super::bars::{self, Bar};
use crate::figures::{float, mebibytes, median};
use crate::stub::Counts;
use crate::table::write_table;

/// One backup or one restore.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) took: Duration,
    /// Processor time of all processes in it.
    pub(crate) cpu: Duration,
    /// The greatest resident memory of any single process in it.
    pub(crate) peak_bytes: u64,
    pub(crate) requests: Counts,
    /// What the store holds afterwards; zero of a restore.
    pub(crate) stored_bytes: u64,
}

/// Samples by tool and store, in the order in which they first came.
#[derive(Debug, Default)]
pub(crate) struct Rows(Vec<(String, &'static str, Vec<Sample>)>);

impl Rows {
    /// Adds a sample to its row.
    pub(crate) fn add(&mut self, tool: &str, store: &'static str, sample: Sample) {
        match self.0.iter_mut().find(|row| (row.0.as_str(), row.1) == (tool, store)) {
            Some((_, _, samples)) => samples.push(sample),
            None => self.0.push((tool.to_owned(), store, vec![sample])),
        }
    }

    /// The rows of the tables, for a cluster of so many bytes.
    pub(crate) fn into_rows(self, cluster_bytes: u64) -> Vec<Row> {
        let row = |(tool, store, samples): (String, &'static str, Vec<Sample>)| {
            let durations = |of: fn(&Sample) -> Duration| median(&samples.iter().map(of).collect::<Vec<_>>());
            let seconds = durations(|sample| sample.took).as_secs_f64();
            let last = samples.last();
            Row {
                tool,
                store,
                seconds,
                mb_per_second: megabytes(cluster_bytes) / seconds.max(f64::EPSILON),
                cpu_seconds: durations(|sample| sample.cpu).as_secs_f64(),
                peak_mib: mebibytes(samples.iter().map(|sample| sample.peak_bytes).max().unwrap_or_default()),
                stored_mb: last.map_or(0.0, |sample| megabytes(sample.stored_bytes)),
                requests: last.map(|sample| sample.requests.clone()).unwrap_or_default(),
                rounds: samples.len(),
            }
        };
        self.0.into_iter().map(row).collect()
    }
}

/// One line of a table: medians of all rounds, the greatest memory, and the last round's counts.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) tool: String,
    pub(crate) store: &'static str,
    pub(crate) seconds: f64,
    /// Of the cluster, not of what is stored.
    pub(crate) mb_per_second: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_mib: f64,
    pub(crate) stored_mb: f64,
    pub(crate) requests: Counts,
    pub(crate) rounds: usize,
}

/// Everything a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    binary: String,
    postgres_major: u32,
    cluster_mb: f64,
    rounds: usize,
    processors: usize,
    backups: Vec<Row>,
    restores: Vec<Row>,
    many_files: Option<Row>,
    bars: Vec<Bar>,
    notes: Vec<String>,
}

impl Report {
    /// Puts it together; `run` is the server's major, the cluster's bytes, and the rounds.
    pub(crate) fn new(
        binary: String,
        run: (u32, u64, usize),
        backups: Vec<Row>,
        restores: Vec<Row>,
        many_files: Option<Row>,
        notes: Vec<String>,
    ) -> Self {
        let bars = bars::hold(&backups, &restores);
        let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let (postgres_major, cluster_mb, rounds) = (run.0, megabytes(run.1), run.2);
        Self {
            binary,
            postgres_major,
            cluster_mb,
            rounds,
            processors,
            backups,
            restores,
            many_files,
            bars,
            notes,
        }
    }

    /// Whether everything could be measured.
    pub(crate) fn is_whole(&self) -> bool {
        self.notes.is_empty()
    }
}

const HEADS: [&str; 8] =
    ["tool", "store", "seconds", "MB/s of cluster", "CPU s", "peak MiB", "stored MB", "requests"];
const BARS: [&str; 4] = ["bar", "wanted", "found", "verdict"];

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binary, postgres_major, cluster_mb, rounds, processors, .. } = self;
        writeln!(f, "\n{binary}, {processors} processors shared with the S3 stub")?;
        writeln!(
            f,
            "a cluster of PostgreSQL {postgres_major}, {cluster_mb:.0} MB; medians of {rounds} rounds"
        )?;
        writeln!(f, "\nbackup (peak: of the largest single process)")?;
        write_table(f, HEADS, self.backups.iter().map(cells))?;
        writeln!(f, "\nrestore")?;
        write_table(f, HEADS, self.restores.iter().map(cells))?;
        if let Some(row) = &self.many_files {
            writeln!(f, "\nbackup of very many files")?;
            write_table(f, HEADS, std::iter::once(cells(row)))?;
        }
        writeln!(f, "\nbars")?;
        write_table(f, BARS, self.bars.iter().map(Bar::cells))?;
        self.notes.iter().try_for_each(|note| writeln!(f, "\nnote: {note}"))
    }
}

fn cells(row: &Row) -> Vec<String> {
    let requests: Vec<_> = row.requests.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let numbers = [row.seconds, row.mb_per_second, row.cpu_seconds, row.peak_mib, row.stored_mb];
    let mut cells = vec![row.tool.clone(), row.store.to_owned()];
    cells.extend(numbers.map(|number| format!("{number:.1}")));
    cells.push(requests.join(" "));
    cells
}

/// Megabytes, of a million bytes as disks and networks count them.
fn megabytes(bytes: u64) -> f64 {
    float(usize::try_from(bytes / 1000).unwrap_or(usize::MAX)) / 1000.0
}
