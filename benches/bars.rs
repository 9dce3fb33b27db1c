//! What Barkeep promises of its speed, and whether a run kept it.

use serde::Serialize;

use crate::OWN_NAME;
use crate::bench::NO_REPLAY;
use crate::report::{Archiving, Restoring, Row};

/// A promise, held against the worst row it is about.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    name: &'static str,
    wanted: Wanted,
    /// The worst value and the row it is from; `None` if no row has one.
    found: Option<(f64, String)>,
    met: Option<bool>,
}

/// On which side of a number the good lies.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    AtLeast(f64),
    AtMost(f64),
}

impl Wanted {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
        }
    }

    /// The value furthest from what is wanted.
    fn worst(self, a: f64, b: f64) -> std::cmp::Ordering {
        match self {
            Self::AtLeast(_) => b.total_cmp(&a),
            Self::AtMost(_) => a.total_cmp(&b),
        }
    }
}

impl Bar {
    fn hold(name: &'static str, wanted: Wanted, rows: impl Iterator<Item = (f64, String)>) -> Self {
        let found = rows.max_by(|a, b| wanted.worst(a.0, b.0));
        let met = found.as_ref().map(|(value, _)| wanted.is_met(*value));
        Self { name, wanted, found, met }
    }

    /// The cells of its line in the report.
    pub(crate) fn cells(&self) -> Vec<String> {
        let wanted = match self.wanted {
            Wanted::AtLeast(bar) => format!(">= {bar}"),
            Wanted::AtMost(bar) => format!("<= {bar}"),
        };
        let verdict = match self.met {
            Some(true) => "met",
            Some(false) => "missed",
            None => "not measured",
        };
        let (found, place) = match &self.found {
            Some((value, place)) => (format!("{value:.2}"), place.clone()),
            None => Default::default(),
        };
        vec![self.name.to_owned(), wanted, found, place, verdict.to_owned()]
    }
}

/// Holds all bars against the rows of Barkeep itself.
pub(crate) fn hold(archiving: &[Row<Archiving>], restoring: &[Row<Restoring>]) -> Vec<Bar> {
    let own = || archiving.iter().filter(|row| row.what == OWN_NAME && row.store != "directory");
    let place = |row: &Row<Archiving>| format!("{}, {} ms", row.store, row.latency_ms);
    let from_stub = || restoring.iter().filter(|row| row.store != "directory");
    let replay = |row: &Row<Restoring>| format!("{}, {} ms, replay {}", row.store, row.latency_ms, row.what);
    let requests = |row: &Row<Archiving>| row.found.backlog.requests_per_segment.values().sum();
    let beyond = |row: &Row<Archiving>| Some((row.found.cold.as_ref()?.beyond_ms, place(row)));
    let memory = own()
        .map(|row| (row.found.backlog.peak_mib, place(row)))
        .chain(restoring.iter().map(|row| (row.found.peak_mib.max(row.found.filler_peak_mib), replay(row))));
    // The same loop on S3, over the same transport and with the same latency.
    let beside_s3 = |row: &Row<Archiving>| {
        let (_, transport) = row.store.split_once(' ')?;
        let same = own().find(|s3| s3.store == transport && s3.latency_ms == row.latency_ms)?;
        Some((row.found.backlog.segments_per_second / same.found.backlog.segments_per_second, place(row)))
    };
    [
        Bar::hold(
            "archiving, segments/s",
            Wanted::AtLeast(30.0),
            own().map(|row| (row.found.backlog.segments_per_second, place(row))),
        ),
        Bar::hold("archiving beside S3", Wanted::AtLeast(0.75), own().filter_map(beside_s3)),
        // Only where there were hits: a loop without one has no time for them.
        Bar::hold(
            "marker hit, median ms",
            Wanted::AtMost(3.0),
            own()
                .filter(|row| row.found.backlog.hit_share > 0.0)
                .map(|row| (row.found.backlog.hit_median_ms, place(row))),
        ),
        Bar::hold(
            "requests per new segment",
            Wanted::AtMost(1.0),
            own().map(|row| (requests(row), place(row))),
        ),
        Bar::hold(
            "restoring warm, segments/s",
            Wanted::AtLeast(60.0),
            from_stub()
                .filter(|row| row.what == NO_REPLAY)
                .map(|row| (row.found.warm_segments_per_second, replay(row))),
        ),
        Bar::hold(
            "cold call beyond, ms, http",
            Wanted::AtMost(25.0),
            own().filter(|row| row.store == "http").filter_map(beyond),
        ),
        Bar::hold("peak memory, MiB", Wanted::AtMost(96.0), memory),
    ]
    .into()
}
