//! What was stored on which day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::WalTally;
use crate::model::{BackupFact, WalInventory};

/// What one day brought that is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredOnDay {
    /// WAL files that were stored on it, by the store's clock.
    pub wal: WalTally,
    /// Usable backups that ended on it.
    pub backups: WalTally,
}

/// The days, in UTC, on which something was stored. What has no time belongs to none.
pub fn stored_by_day(wal: &WalInventory, backups: &[BackupFact]) -> BTreeMap<Date, StoredOnDay> {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let mut days: BTreeMap<Date, StoredOnDay> = BTreeMap::new();
    // Neighbours are of the same day, as a rule: a calendar need not be asked a million times.
    let mut known: Option<(i64, Date)> = None;
    for (object, stored) in wal.dated() {
        let Some(stored) = stored else { continue };
        let number = stored.as_second().div_euclid(86_400);
        let date = match known {
            Some((same, date)) if same == number => date,
            _ => day(stored),
        };
        known = Some((number, date));
        days.entry(date).or_default().wal.add(object.stored_bytes);
    }
    for fact in backups.iter().filter(|fact| fact.backup.is_usable()) {
        if let Some(ended) = fact.backup.end.time.as_ref().map(Zoned::timestamp) {
            days.entry(day(ended)).or_default().backups.add(fact.stored_bytes);
        }
    }
    days
}
