//! What is told at the end, and every minute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::calls::Tally;
use super::weather::Seen;

/// Everything that was counted.
#[derive(Debug, Clone)]
pub struct Figures {
    pub begin: Instant,
    pub transactions: usize,
    pub wal_files: usize,
    pub wal_bytes: u64,
    pub weather: Seen,
    pub clocks: u64,
    pub backups: u64,
    pub backups_failed: u64,
    pub retentions: u64,
    pub backups_deleted: u64,
    pub wal_deleted: u64,
    pub promotions: u64,
    pub left_behind: u64,
    pub immediate_stops: u64,
    pub restores: BTreeMap<&'static str, u64>,
    pub again: u64,
    pub rows: u64,
    pub lost: u64,
    pub calls: BTreeMap<String, Tally>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            begin: Instant::now(),
            transactions: 0,
            wal_files: 0,
            wal_bytes: 0,
            weather: Seen::default(),
            clocks: 0,
            backups: 0,
            backups_failed: 0,
            retentions: 0,
            backups_deleted: 0,
            wal_deleted: 0,
            promotions: 0,
            left_behind: 0,
            immediate_stops: 0,
            restores: BTreeMap::new(),
            again: 0,
            rows: 0,
            lost: 0,
            calls: BTreeMap::new(),
        }
    }
}

impl Figures {
    fn restored(&self) -> u64 {
        self.restores.values().sum()
    }

    fn killed(&self) -> u64 {
        self.calls.values().map(|tally| tally.killed).sum()
    }

    /// How many faults there were of all kinds.
    fn faults(&self) -> u64 {
        let weather: u64 = self.weather.values().map(|(times, _)| times).sum();
        weather + self.killed() + self.immediate_stops + self.clocks
    }

    /// One line.
    pub fn line(&self) -> String {
        format!(
            "{:>3} min: {} transactions, {} WAL files, {} faults, {} backups, {} promotions, {} restores proven, \
             {} rows compared, {} lost",
            self.begin.elapsed().as_secs() / 60,
            self.transactions,
            self.wal_files,
            self.faults(),
            self.backups,
            self.promotions,
            self.restored(),
            self.rows,
            self.lost
        )
    }

    /// All of them.
    pub fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<34} {value}");
        };
        row("time", format!("{} s", self.begin.elapsed().as_secs()));
        row("transactions acknowledged", self.transactions.to_string());
        row("WAL archived", format!("{} files, {} as stored", self.wal_files, mib(self.wal_bytes)));
        row("faults injected", self.faults().to_string());
        for (name, (times, long)) in &self.weather {
            row(&format!("  {name}"), format!("{times} times, {} s", long.as_secs()));
        }
        row("  immediate stops of PostgreSQL", self.immediate_stops.to_string());
        row("  clocks set wrong", self.clocks.to_string());
        for (verb, tally) in self.calls.iter().filter(|(_, tally)| tally.killed > 0) {
            row(&format!("  {verb} killed"), tally.killed.to_string());
        }
        row("backups", format!("{}, and {} failed or killed", self.backups, self.backups_failed));
        row(
            "retention",
            format!(
                "{} runs deleted {} backups and {} WAL files",
                self.retentions, self.backups_deleted, self.wal_deleted
            ),
        );
        row(
            "promotions to a new timeline",
            format!("{}, leaving {} transactions not archived", self.promotions, self.left_behind),
        );
        let kinds = self.restores.iter().map(|(kind, times)| format!("{times} {kind}"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        row("restores proven", format!("{} ({kinds})", self.restored()));
        row("  recoveries begun again", self.again.to_string());
        row("rows compared", self.rows.to_string());
        row("rows lost", self.lost.to_string());
        for (verb, tally) in &self.calls {
            row(
                &format!("calls of {verb}"),
                format!(
                    "{}, {} failed, {} with a wrong clock, slowest {}, peak {}",
                    tally.calls,
                    tally.failed,
                    tally.astray,
                    seconds(tally.slowest),
                    mib(tally.peak_kib << 10)
                ),
            );
        }
        text
    }
}

fn mib(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn seconds(time: Duration) -> String {
    format!("{}.{:03} s", time.as_secs(), time.subsec_millis())
}
