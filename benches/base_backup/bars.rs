//! What Barkeep promises of its base backups, and whether a run kept it.

use serde::Serialize;

use super::bench::COPY;
use super::report::Row;

/// A promise: how many times faster than somebody else.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Bar {
    name: &'static str,
    at_least: f64,
    /// `None` when one of the two was not measured.
    found: Option<f64>,
}

/// The promises: which row, against which, and the least that their ratio may be.
const BACKUPS: [(&str, &str, &str, &str, f64); 3] = [
    (
        "backup zstd-1 against pg_basebackup client-zstd:1",
        "barkeep zstd-1",
        "http",
        "pg_basebackup client-zstd:1",
        1.0,
    ),
    (
        "backup zstd-1 against pgbackrest zst-3, https",
        "barkeep zstd-1",
        "https",
        "pgbackrest zst-3, 2 processes",
        2.0,
    ),
    ("backup gzip against barman-cloud gzip", "barkeep gzip", "http", "barman-cloud gzip", 5.0),
];
const RESTORES: [(&str, &str, &str, &str, f64); 3] = [
    ("restore zstd-1 against barman-cloud gzip", "barkeep zstd-1", "http", "barman-cloud gzip", 3.0),
    ("restore gzip against barman-cloud gzip", "barkeep gzip", "http", "barman-cloud gzip", 3.0),
    ("restore zstd-1 against cp -r", "barkeep zstd-1", "http", COPY, 0.8),
];

impl Bar {
    /// The cells of its line in the report.
    pub(crate) fn cells(&self) -> Vec<String> {
        let verdict = match self.found {
            Some(found) if found >= self.at_least => "met",
            Some(_) => "missed",
            None => "not measured",
        };
        let found = self.found.map_or_else(String::new, |found| format!("{found:.2} x"));
        vec![self.name.to_owned(), format!(">= {} x", self.at_least), found, verdict.to_owned()]
    }
}

/// Holds all bars against what was found.
pub(crate) fn hold(backups: &[Row], restores: &[Row]) -> Vec<Bar> {
    let against = |rows: &[Row], own: &str, store: &str, other: &str| {
        let own = rows.iter().find(|row| (row.tool.as_str(), row.store) == (own, store))?;
        let other = rows.iter().find(|row| row.tool == other)?;
        Some(other.seconds / own.seconds)
    };
    let of = |rows: &[Row], all: [(&'static str, &str, &str, &str, f64); 3]| {
        all.map(|(name, own, store, other, at_least)| Bar {
            name,
            at_least,
            found: against(rows, own, store, other),
        })
    };
    [of(backups, BACKUPS), of(restores, RESTORES)].concat()
}
