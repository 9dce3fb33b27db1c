//! A backup as the plugin's Go library reads it out of JSON: these fields with these types, and of the times
//! the precise ones where they are given (spec/cloudnativepg.md 1.7).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// One backup. A field of another type makes the whole answer unreadable there, and so here.
#[derive(Debug, Clone, Deserialize)]
pub struct Record {
    pub backup_id: String,
    pub backup_name: Option<String>,
    pub backup_label: Option<String>,
    begin_time: Option<String>,
    end_time: Option<String>,
    begin_time_iso: Option<String>,
    end_time_iso: Option<String>,
    pub begin_wal: Option<String>,
    pub end_wal: Option<String>,
    pub begin_xlog: Option<String>,
    pub end_xlog: Option<String>,
    pub systemid: Option<String>,
    pub error: Option<String>,
    pub timeline: Option<i64>,
}

impl Record {
    /// When it began.
    pub fn begin(&self) -> Option<Timestamp> {
        time(self.begin_time_iso.as_deref(), self.begin_time.as_deref())
    }

    /// When it ended.
    pub fn end(&self) -> Option<Timestamp> {
        time(self.end_time_iso.as_deref(), self.end_time.as_deref())
    }

    /// Whether the plugin restores it: it looks at nothing else.
    pub fn is_usable(&self) -> bool {
        self.begin().is_some() && self.end().is_some()
    }
}

/// RFC 3339 with its offset, or else `Mon Jan  2 15:04:05 2006`, taken for UTC.
fn time(precise: Option<&str>, plain: Option<&str>) -> Option<Timestamp> {
    if let Some(precise) = precise {
        return Some(precise.parse().unwrap_or_else(|e| panic!("{precise:?} is not RFC 3339: {e}")));
    }
    let plain = plain?;
    let parsed = DateTime::strptime("%a %b %e %H:%M:%S %Y", plain);
    let parsed = parsed.unwrap_or_else(|e| panic!("{plain:?} is no time that Go reads: {e}"));
    Some(parsed.to_zoned(TimeZone::UTC).unwrap().timestamp())
}

/// The answers.
#[derive(Debug, Deserialize)]
pub struct Told {
    /// Of `backup-show`; any other key leaves the record empty there.
    cloud: Option<Record>,
    /// Of `backup-list`.
    backups_list: Option<Vec<Record>>,
}

impl Told {
    /// What `backup-show` prints.
    pub fn shown(text: &str) -> Record {
        Self::read(text).cloud.unwrap_or_else(|| panic!("no backup under `cloud`: {text}"))
    }

    /// What `backup-list` prints.
    pub fn listed(text: &str) -> Vec<Record> {
        Self::read(text).backups_list.unwrap_or_else(|| panic!("no `backups_list`: {text}"))
    }

    fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|e| panic!("the plugin cannot read it: {e}: {text}"))
    }
}
