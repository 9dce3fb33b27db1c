//! What `wal-find` says: the record, where it lies, and what to type to recover to it.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::render::{Report, line};
use super::render_backups::table;
use crate::command::wal_find::{Hit, Hole, Outcome};
use crate::error::Error;
use crate::front::exit::Exit;
use crate::model::{Lsn, RecordKind, Sought, XactEnd, utc};

/// As many relations are told by name to people.
const MOST_NAMED: usize = 8;

/// The end of `wal-find`.
pub(super) struct Told {
    pub(super) outcome: Outcome,
    /// Where the reader's clock is.
    pub(super) zone: TimeZone,
    /// Whether a time was read as local.
    pub(super) zone_assumed: bool,
}

/// Something to recover to.
struct Target {
    what: &'static str,
    lsn: Lsn,
    exclusive: bool,
}

impl Told {
    /// Whether something that could not be read may change the answer.
    fn is_doubtful(&self) -> bool {
        let Outcome { sought, total, searched, .. } = &self.outcome;
        let first_counts = matches!(sought, Sought::Time { .. }) || sought.is_list();
        !searched.damaged.is_empty() && (first_counts || *total == 0)
    }

    /// Whether WAL is missing where more of it may be, or something that comes before it.
    const fn hides(&self) -> bool {
        !self.outcome.searched.hiding.is_empty()
    }

    /// What recovery can be told, as far as it follows from what was found. A record at `recovery_target_lsn`
    /// is replayed unless the target is exclusive, and nothing behind it is.
    fn targets(&self) -> Vec<Target> {
        let Outcome { sought, found, before, .. } = &self.outcome;
        let at = |what, hit: &Hit, exclusive| Target { what, lsn: hit.record.start, exclusive };
        match (sought, found.first()) {
            (Sought::Time { .. }, Some(stop)) => vec![at("to that moment", stop, true)],
            (Sought::Time { .. } | Sought::Xid(_), None) => Vec::new(),
            (_, Some(hit)) if !sought.is_list() => {
                let reached = matches!(hit.record.what, RecordKind::RestorePoint { .. });
                let with = if reached { "to it" } else { "with it" };
                vec![at("to just before it", hit, true), at(with, hit, false)]
            }
            _ => before.iter().filter(|_| !sought.is_list()).map(|hit| at("with it", hit, false)).collect(),
        }
    }

    fn command(&self, target: &Target) -> String {
        let exclusive = if target.exclusive { " --exclusive" } else { "" };
        let timeline = self.outcome.timeline.number();
        format!("barkeep restore --target-lsn {}{exclusive} --target-timeline {timeline} DIR", target.lsn)
    }

    fn headline(&self) -> String {
        let Outcome { sought, total, address, .. } = &self.outcome;
        let place = address.clone().unwrap_or_else(|| "these files".to_owned());
        let verdict = match (total, sought.is_list()) {
            (0, _) => "not found".to_owned(),
            (1, true) => "1 record".to_owned(),
            (many, true) => format!("{many} records"),
            _ => "found".to_owned(),
        };
        format!("{verdict}: {sought}, in {place}\n")
    }

    /// A moment for people: in UTC, and by their own clock where that is another.
    fn moment(&self, time: Timestamp) -> String {
        let local = time.to_zoned(self.zone.clone());
        if local.offset().seconds() == 0 {
            return utc(time);
        }
        format!("{} ({})", utc(time), local.strftime("%Y-%m-%d %H:%M:%S%:z"))
    }

    fn one(&self, hit: &Hit) -> Vec<Vec<String>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let record = &hit.record;
        let mut tell = |what: &str, value: String| rows.push(vec![format!("  {what}"), value]);
        tell("record", kind(&record.what).to_owned());
        if let Some(time) = record.time() {
            tell("time", self.moment(time));
        }
        match &record.what {
            RecordKind::XactEnd(end) => tell("transaction", transaction(end)),
            RecordKind::RestorePoint { name, .. } => tell("name", name.clone()),
            RecordKind::Other { rmgr, .. } => {
                tell("written by", format!("transaction {}, resource manager {rmgr}", record.xid));
            }
            _ => {}
        }
        tell("LSN", format!("{} to {}", record.start, record.end));
        tell("segment", segment(hit));
        rows
    }

    /// Where else to look: what came before, and what was searched.
    fn around(&self) -> Vec<Vec<String>> {
        let Outcome { sought, before, prepared, searched, backup, timeline, found, .. } = &self.outcome;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut tell = |what: &str, value: String| rows.push(vec![format!("  {what}"), value]);
        if let Some(hit) = prepared {
            tell("prepared", self.brief(hit));
        }
        if let Some(hit) = before {
            let what = match (sought, found.is_empty()) {
                (Sought::Time { .. }, false) => "last commit in it",
                (_, true) => "last commit",
                _ => "commit before",
            };
            tell(what, self.brief(hit));
        }
        match backup {
            Some(Ok(id)) => tell("backup", format!("{id}, the newest to begin with")),
            Some(Err(why)) => tell("backup", format!("none: {why}")),
            None => {}
        }
        let many = if searched.there == 1 { "segment" } else { "segments" };
        tell(
            "searched",
            format!(
                "{} to {}, {} {many} along timeline {}, {} reads",
                searched.first,
                searched.last,
                searched.there,
                timeline.number(),
                searched.opened
            ),
        );
        for hole in &searched.holes {
            tell("missing", hole.to_string());
        }
        for damage in &searched.damaged {
            tell("damaged", damage.clone());
        }
        rows
    }

    fn brief(&self, hit: &Hit) -> String {
        let record = &hit.record;
        let xid = record.xact_end().map_or(record.xid, |end| end.xid);
        let time = record.time().map(|time| format!(" at {}", self.moment(time))).unwrap_or_default();
        format!("{} of transaction {xid}{time}, LSN {}, {}", kind(&record.what), record.start, hit.segment)
    }

    /// One line for each of a list.
    fn list(&self) -> Vec<Vec<String>> {
        let head = ["", "time", "LSN", "segment", "transaction"].map(str::to_owned).to_vec();
        let rows = self.outcome.found.iter().map(|hit| {
            let record = &hit.record;
            let what = match &record.what {
                RecordKind::XactEnd(end) => transaction(end),
                RecordKind::DatabaseDropped { database } => {
                    format!("{}: database {database} dropped", record.xid)
                }
                _ => record.xid.to_string(),
            };
            let time = record.time().map(utc).unwrap_or_default();
            let kind = format!("  {}", kind(&record.what));
            vec![kind, time, record.start.to_string(), hit.segment.to_string(), what]
        });
        std::iter::once(head).chain(rows).collect()
    }
}

impl Report for Told {
    fn exit(&self) -> Exit {
        match (self.is_doubtful(), self.outcome.total) {
            (true, _) => Exit::Corrupt,
            (false, 0) => Exit::NotFound,
            _ if self.hides() => Exit::NotFound,
            _ => Exit::Done,
        }
    }

    fn text(&self) -> String {
        let Outcome { sought, found, total, .. } = &self.outcome;
        let mut text = self.headline() + "\n";
        if self.zone_assumed {
            let _ = writeln!(text, "the time had no offset, and was read as local\n");
        }
        let mut rows = Vec::new();
        match found.first() {
            Some(_) if sought.is_list() => {
                text.push_str(&table(&self.list()));
                let listed = found.len() as u64;
                if *total > listed {
                    let _ = writeln!(text, "  and {} more", total - listed);
                }
                text.push('\n');
            }
            Some(hit) => {
                if matches!(sought, Sought::Time { .. }) {
                    text.push_str("  the first record that recovery to that moment does not replay:\n");
                }
                rows.extend(self.one(hit));
            }
            None => {}
        }
        rows.extend(self.around());
        text.push_str(&table(&rows));
        for target in self.targets() {
            let _ = write!(text, "\nto recover {}:\n  {}\n", target.what, self.command(&target));
        }
        if sought.is_list() && *total > 0 {
            text.push_str("\nto recover to just before one of them:\n");
            let timeline = self.outcome.timeline.number();
            let _ = writeln!(
                text,
                "  barkeep restore --target-lsn LSN --exclusive --target-timeline {timeline} DIR"
            );
        }
        text
    }

    fn json(&self) -> String {
        line(&FoundJson::new(self, self.exit().code()))
    }

    fn log(&self) {
        let Outcome { sought, total, searched, .. } = &self.outcome;
        tracing::info!(%sought, found = total, reads = searched.opened, "searched the WAL");
    }

    fn failure(&self) -> Option<Error> {
        let Outcome { sought, searched, total, .. } = &self.outcome;
        if self.is_doubtful() {
            let first = searched.damaged.first().cloned().unwrap_or_default();
            return Some(
                Error::corrupt(format!("not all WAL could be read: {first}"))
                    .hint("`barkeep verify` tells what else is damaged"),
            );
        }
        if *total > 0 {
            return self.hides().then(|| {
                let missing = listed(&searched.hiding);
                let what = match sought {
                    Sought::Lsn(_) => "the record at that position may be in it",
                    Sought::Time { .. } => "an earlier record may be the first after that moment",
                    _ => "there may be more of them in it",
                };
                Error::not_found(format!("WAL is missing where this was looked for, {missing}: {what}"))
                    .hint("`barkeep status` tells what can be recovered without it")
            });
        }
        let range = format!("from {} to {}", searched.first, searched.last);
        let gaps = match searched.holes.as_slice() {
            [] => String::new(),
            holes => format!(", of which {} is missing", listed(holes)),
        };
        let why = match sought {
            Sought::Time { .. } => "no transaction ended after it".to_owned(),
            Sought::Xid(_) if self.outcome.prepared.is_some() => {
                "it was prepared, and did not end".to_owned()
            }
            _ => "nothing like it is there".to_owned(),
        };
        let error = Error::not_found(format!("{sought} is not in the WAL {range}{gaps}: {why}"));
        Some(match sought {
            Sought::Time { .. } => {
                error.hint("without a target, recovery goes to the end of the archive; newer WAL may not be archived yet")
            }
            _ => error.hint("another --timeline, or WAL that is not archived yet, may hold it"),
        })
    }
}

/// As many gaps are named.
const MOST_GAPS: usize = 4;

/// Gaps by their names, the first of them.
fn listed(holes: &[Hole]) -> String {
    let named: Vec<_> = holes.iter().take(MOST_GAPS).map(ToString::to_string).collect();
    let more = holes.len() - named.len();
    let more = if more > 0 { format!(", and {more} more gaps") } else { String::new() };
    named.join(", ") + &more
}

const fn kind(what: &RecordKind) -> &'static str {
    match what {
        RecordKind::XactEnd(end) => match (end.committed, end.prepared) {
            (true, false) => "commit",
            (true, true) => "commit-prepared",
            (false, false) => "abort",
            (false, true) => "abort-prepared",
        },
        RecordKind::Prepared { .. } => "prepare",
        RecordKind::RestorePoint { .. } => "restore-point",
        RecordKind::Checkpoint { .. } => "checkpoint",
        RecordKind::EndOfRecovery { .. } => "end-of-recovery",
        RecordKind::Running { .. } => "running-transactions",
        RecordKind::ParameterChange => "parameter-change",
        RecordKind::BackupEnd { .. } => "backup-end",
        RecordKind::Overwritten { .. } => "overwritten-record",
        RecordKind::Switch => "segment-switch",
        RecordKind::DatabaseDropped { .. } => "database-dropped",
        RecordKind::Truncated { .. } => "truncate",
        RecordKind::Other { .. } => "other",
    }
}

fn transaction(end: &XactEnd) -> String {
    let mut text = end.xid.to_string();
    if let Some(gid) = &end.gid {
        let _ = write!(text, " `{gid}`");
    }
    if end.subxacts > 0 {
        let sought = if end.has_sought { ", the one looked for among them" } else { "" };
        let _ = write!(text, ", {} subtransactions{sought}", end.subxacts);
    }
    if let Some(database) = end.database {
        let _ = write!(text, ", database {database}");
    }
    if end.dropped_total > 0 {
        let named: Vec<_> = end.dropped.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        let more = u64::from(end.dropped_total) - named.len() as u64;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = write!(text, ", dropped files {}{more}", named.join(" "));
    }
    text
}

fn segment(hit: &Hit) -> String {
    if hit.segment == hit.last { hit.segment.to_string() } else { format!("{} to {}", hit.segment, hit.last) }
}

#[derive(Serialize)]
struct FoundJson {
    archive: Option<String>,
    sought: String,
    timeline: u32,
    found: bool,
    total: u64,
    records: Vec<HitJson>,
    last_commit_before: Option<HitJson>,
    prepared: Option<HitJson>,
    backup: Option<String>,
    backup_problem: Option<String>,
    targets: Vec<TargetJson>,
    searched: SearchedJson,
    exit: u8,
}

#[derive(Serialize)]
struct HitJson {
    kind: &'static str,
    time: Option<String>,
    xid: u32,
    lsn: String,
    end_lsn: String,
    segment: String,
    last_segment: String,
    timeline: u32,
    name: Option<String>,
    subtransactions: Option<u32>,
    sought_is_subtransaction: bool,
    database: Option<u32>,
    dropped: Vec<String>,
    dropped_total: u32,
}

#[derive(Serialize)]
struct TargetJson {
    lsn: String,
    exclusive: bool,
    timeline: u32,
    command: String,
}

#[derive(Serialize)]
struct SearchedJson {
    first: String,
    last: String,
    segments: u64,
    read_from: String,
    reads: u64,
    missing: Vec<MissingJson>,
    damaged: Vec<String>,
}

#[derive(Serialize)]
struct MissingJson {
    first: String,
    segments: u64,
    /// Whether what was looked for, or more of it, may be there.
    may_hide: bool,
}

impl FoundJson {
    fn new(told: &Told, exit: u8) -> Self {
        let Outcome { address, sought, timeline, found, total, before, prepared, searched, backup } =
            &told.outcome;
        let target = |target: &Target| TargetJson {
            lsn: target.lsn.to_string(),
            exclusive: target.exclusive,
            timeline: timeline.number(),
            command: told.command(target),
        };
        let missing = searched.holes.iter();
        Self {
            archive: address.clone(),
            sought: sought.to_string(),
            timeline: timeline.number(),
            found: *total > 0,
            total: *total,
            records: found.iter().map(HitJson::new).collect(),
            last_commit_before: before.as_ref().map(HitJson::new),
            prepared: prepared.as_ref().map(HitJson::new),
            backup: backup.as_ref().and_then(|backup| backup.as_ref().ok()).map(ToString::to_string),
            backup_problem: backup.as_ref().and_then(|backup| backup.as_ref().err()).cloned(),
            targets: told.targets().iter().map(target).collect(),
            searched: SearchedJson {
                first: searched.first.to_string(),
                last: searched.last.to_string(),
                segments: searched.there,
                read_from: searched.read_from.to_string(),
                reads: searched.opened,
                missing: missing
                    .map(|hole| MissingJson {
                        first: hole.first.to_string(),
                        segments: hole.missing,
                        may_hide: searched.hiding.contains(hole),
                    })
                    .collect(),
                damaged: searched.damaged.clone(),
            },
            exit,
        }
    }
}

impl HitJson {
    fn new(hit: &Hit) -> Self {
        let record = &hit.record;
        let end = record.xact_end();
        let name = match &record.what {
            RecordKind::RestorePoint { name, .. } => Some(name.clone()),
            _ => end.and_then(|end| end.gid.clone()),
        };
        let database = match &record.what {
            RecordKind::DatabaseDropped { database } => Some(*database),
            _ => end.and_then(|end| end.database),
        };
        Self {
            kind: kind(&record.what),
            time: record.time().map(utc),
            xid: match &record.what {
                RecordKind::XactEnd(end) => end.xid,
                RecordKind::Prepared { xid, .. } => *xid,
                _ => record.xid,
            },
            lsn: record.start.to_string(),
            end_lsn: record.end.to_string(),
            segment: hit.segment.to_string(),
            last_segment: hit.last.to_string(),
            timeline: record.timeline.number(),
            name,
            subtransactions: end.map(|end| end.subxacts),
            sought_is_subtransaction: end.is_some_and(|end| end.has_sought),
            database,
            dropped: end.map(|end| end.dropped.iter().map(ToString::to_string).collect()).unwrap_or_default(),
            dropped_total: end.map_or(0, |end| end.dropped_total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::wal_find::{Hole, Searched};
    use crate::model::{Relation, Timeline, WalRecord};

    fn hit(xid: u32, committed: bool, at: u64) -> Hit {
        let end = XactEnd {
            xid,
            time: "2026-01-31T13:03:07.5Z".parse().unwrap(),
            committed,
            prepared: false,
            gid: None,
            subxacts: 2,
            has_sought: false,
            database: Some(5),
            dropped: vec![Relation { tablespace: 1663, database: 5, number: 16_400 }],
            dropped_total: 1,
            origin: None,
        };
        let record = WalRecord {
            start: Lsn(at),
            end: Lsn(at + 0x80),
            timeline: Timeline::FIRST,
            xid,
            what: RecordKind::XactEnd(Box::new(end)),
        };
        let segment = "000000010000000000000003".parse().unwrap();
        Hit { record, segment, last: segment }
    }

    fn told(sought: Sought, found: Vec<Hit>) -> Told {
        let outcome = Outcome {
            address: Some("file:///archive, server main".to_owned()),
            sought,
            timeline: Timeline::FIRST,
            total: found.len() as u64,
            backup: found.first().map(|_| Ok("20260131T010203".parse().unwrap())),
            found,
            before: Some(hit(734, true, 0x300_0100)),
            prepared: None,
            searched: Searched {
                first: "000000010000000000000001".parse().unwrap(),
                last: "000000010000000000000009".parse().unwrap(),
                there: 8,
                read_from: "000000010000000000000003".parse().unwrap(),
                opened: 5,
                holes: vec![Hole { first: "000000010000000000000005".parse().unwrap(), missing: 1 }],
                hiding: vec![],
                damaged: vec![],
            },
        };
        Told { outcome, zone: TimeZone::fixed(jiff::tz::offset(1)), zone_assumed: true }
    }

    fn moment() -> Sought {
        Sought::Time { at: "2026-01-31T13:03:07Z".parse().unwrap(), inclusive: false }
    }

    #[test]
    fn a_moment_is_told_with_what_to_type() {
        let told = told(moment(), vec![hit(735, false, 0x300_0200)]);
        insta::assert_snapshot!("found_time", told.text());
        insta::assert_snapshot!("found_json", told.json());
        assert_eq!((told.exit(), told.failure().is_none()), (Exit::Done, true));
    }

    #[test]
    fn a_transaction_that_is_not_there_is_told_with_the_range_and_its_gaps() {
        let told = told(Sought::Xid("736".parse().unwrap()), vec![]);
        insta::assert_snapshot!("not_found", format!("{}\n{:?}", told.text(), told.failure()));
        insta::assert_snapshot!("not_found_json", told.json());
        assert_eq!(told.exit(), Exit::NotFound);
    }

    #[test]
    fn a_list_has_a_line_for_each() {
        let told = told(Sought::Drops, vec![hit(735, true, 0x300_0200), hit(736, true, 0x300_0300)]);
        insta::assert_snapshot!("found_list", told.text());
    }

    #[test]
    fn a_gap_that_may_hide_something_is_a_finding() {
        for (sought, what) in [
            (Sought::Drops, "there may be more of them in it"),
            (moment(), "an earlier record may be the first after that moment"),
            (Sought::Lsn(Lsn(0x500_0000)), "the record at that position may be in it"),
        ] {
            let mut told = told(sought, vec![hit(735, true, 0x300_0200)]);
            assert_eq!(told.exit(), Exit::Done);
            told.outcome.searched.hiding.clone_from(&told.outcome.searched.holes);
            assert_eq!(told.exit(), Exit::NotFound);
            let said = told.failure().unwrap().to_string();
            let missing = "WAL is missing where this was looked for, 000000010000000000000005: ";
            assert_eq!(said, format!("{missing}{what}"));
            assert!(told.json().contains(r#""may_hide":true"#));
        }
    }

    #[test]
    fn what_could_not_be_read_makes_an_answer_doubtful_unless_it_is_certain() {
        let table = [
            (moment(), true, Exit::Corrupt),
            (Sought::Drops, true, Exit::Corrupt),
            (Sought::Xid("735".parse().unwrap()), true, Exit::Done),
            (Sought::Xid("735".parse().unwrap()), false, Exit::Corrupt),
        ];
        for (sought, found, exit) in table {
            let found = if found { vec![hit(735, true, 0x300_0200)] } else { vec![] };
            let mut told = told(sought, found);
            told.outcome.searched.damaged = vec!["main/wals/x: at 0/3000060: the checksum".to_owned()];
            assert_eq!(told.exit(), exit, "{}", told.outcome.sought);
            assert_eq!(told.failure().is_some(), exit == Exit::Corrupt);
        }
    }
}
