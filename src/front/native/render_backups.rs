//! What is said about base backups: tables for people; for scripts see `backups_json`.

use std::fmt::Write as _;

use jiff::{SignedDuration, Zoned};

use super::backups_json::{DeletionJson, KeptJson, ListJson, ShowJson};
use super::render::{Report, line};
use crate::command::Deletion;
use crate::command::backups::{Kept, List, Listed, Show};
use crate::error::Error;
use crate::front::exit::Exit;
use crate::model::{Backup, BackupStatus, Edge, Judged, Keep, WalRange, WalState};

/// The end of `backup-list`.
pub(super) struct Listing(pub(super) List);

/// The end of `backup-show`.
pub(super) struct Shown(pub(super) Show);

/// The end of `backup-keep`.
pub(super) struct KeptReport(pub(super) Kept);

/// The end of `backup-delete` and of `retention`.
pub(super) struct Deleted(pub(super) Deletion);

impl Report for Listing {
    fn text(&self) -> String {
        list_text(&self.0)
    }

    fn json(&self) -> String {
        line(&ListJson::new(&self.0, self.exit().code()))
    }
}

impl Report for Shown {
    fn text(&self) -> String {
        show_text(&self.0)
    }

    fn json(&self) -> String {
        line(&ShowJson::new(&self.0, self.exit().code()))
    }
}

impl Report for KeptReport {
    fn text(&self) -> String {
        let Kept { id, keep, before } = self.0;
        match (keep, before) {
            (Some(keep), _) if Some(keep) == before => format!("{id} is kept ({keep})\n"),
            (Some(keep), _) => format!("{id} is now kept ({keep})\n"),
            (None, Some(_)) => format!("{id} is no longer kept\n"),
            (None, None) => format!("{id} is not kept\n"),
        }
    }

    fn json(&self) -> String {
        line(&KeptJson::new(self.0, self.exit().code()))
    }

    fn log(&self) {
        let Kept { id, keep, .. } = self.0;
        tracing::info!(%id, keep = keep.map_or("nothing", Keep::name), "kept for");
    }
}

impl Report for Deleted {
    fn exit(&self) -> Exit {
        self.failure().map_or(Exit::Done, |e| e.kind().into())
    }

    fn text(&self) -> String {
        deletion_text(&self.0)
    }

    fn json(&self) -> String {
        line(&DeletionJson::new(&self.0, self.exit().code()))
    }

    fn log(&self) {
        let Deletion { plan, abandoned, dry_run, .. } = &self.0;
        let (backups, orphans, wals) =
            (plan.going().count(), plan.going_orphans().count(), plan.wal.objects.len());
        tracing::info!(backups, orphans, wals, uploads = abandoned.len(), dry_run, "planned to go");
    }

    fn failure(&self) -> Option<Error> {
        self.0.failure()
    }
}

/// Columns as wide as they must be, two blanks apart, nothing at a line's end.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|c| c.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|i| width(i).unwrap_or(0)).collect();
    rows.iter().fold(String::new(), |mut text, row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        text
    })
}

pub(super) fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn list_text(list: &List) -> String {
    let List { address, backups, unreadable, orphans } = list;
    let mut rows = vec![row(["ID", "Name", "Status", "Kept", "Ended", "Took", "Stored", "Restored", "WAL"])];
    rows.extend(backups.iter().map(|listed| {
        let Backup { name, status, end, cluster_size, .. } = &listed.entry.backup;
        vec![
            listed.entry.backup.id.to_string(),
            name.clone().unwrap_or_default(),
            status.to_string(),
            listed.entry.keep.map(|keep| keep.to_string()).unwrap_or_default(),
            end.time.as_ref().map(moment).unwrap_or_default(),
            took(&listed.entry.backup).map(span).unwrap_or_default(),
            size(listed.entry.files.stored_bytes()),
            cluster_size.map(size).unwrap_or_default(),
            wal_text(listed),
        ]
    }));
    let mut text = format!("{address}\n\n");
    text.push_str(&if backups.is_empty() { "no base backups\n".to_owned() } else { table(&rows) });
    text.push_str(&paragraph(
        unreadable.iter().map(|bad| format!("{} cannot be read: {}", bad.id, bad.error)),
    ));
    text.push_str(&paragraph(orphans.iter().map(|orphan| {
        let stored = size(orphan.files.stored_bytes());
        format!("{} has no record, and {stored} in its folder", orphan.id)
    })));
    text
}

fn show_text(show: &Show) -> String {
    let Listed { entry, .. } = &show.backup;
    let backup = &entry.backup;
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut tell = |what: &str, value: Option<String>| {
        rows.extend(value.map(|value| vec![format!("  {what}"), value]));
    };
    tell("name", backup.name.clone());
    tell("status", Some(backup.status.to_string()));
    tell("error", backup.error.clone());
    tell("kept", entry.keep.map(|keep| keep.to_string()));
    tell("system identifier", backup.system_id.map(|id| id.to_string()));
    tell("PostgreSQL", backup.version.map(version));
    tell("timeline", backup.timeline.map(|timeline| timeline.number().to_string()));
    tell("began", edge(&backup.begin));
    tell("ended", edge(&backup.end));
    tell("took", took(backup).map(span));
    tell("WAL", Some(wal_range(backup)).filter(|range| !range.is_empty()));
    tell("WAL is", Some(wal_text(&show.backup)).filter(|text| !text.is_empty()));
    tell("stored", Some(size(entry.files.stored_bytes())));
    tell("restored", backup.cluster_size.map(size));
    tell("tars", Some(entry.files.tars.len().to_string()));
    tell("manifest", Some(if entry.files.manifest.is_some() { "yes" } else { "no" }.to_owned()));
    tell("checksums", backup.data_checksums.map(|on| if on { "on" } else { "off" }.to_owned()));
    tell("data directory", backup.pgdata.clone());
    tell("builds upon", backup.parent.clone());
    for space in &backup.tablespaces {
        tell("tablespace", Some(format!("{} ({}) at {}", space.name, space.oid, space.location)));
    }
    format!("{}\n\n{}\n{}", show.address, backup.id, table(&rows))
}

fn deletion_text(deletion: &Deletion) -> String {
    let Deletion { address, plan, abandoned, dry_run, .. } = deletion;
    let blocked = plan.blocked().is_some();
    let (goes, stays) = if blocked || *dry_run { ("would go", "stays") } else { ("gone", "stays") };
    let judged = |judged: &Judged| {
        let status = judged.status.map_or("no record", BackupStatus::name);
        let what = if judged.goes() { goes } else { stays };
        vec![
            judged.id.to_string(),
            status.to_owned(),
            what.to_owned(),
            size(judged.stored_bytes),
            judged.reason.to_string(),
        ]
    };
    let judged: Vec<_> = plan.backups.iter().chain(&plan.orphans).map(judged).collect();
    let mut text = format!("{address}\n\n");
    if judged.is_empty() {
        text.push_str("no base backups\n");
    } else {
        let head = row(["ID", "Status", "Verdict", "Stored", "Reason"]);
        text.push_str(&table(&[vec![head], judged].concat()));
    }
    text.push_str(&paragraph(plan.wal.ranges.iter().map(|range| {
        let WalRange { first, last, files, bytes, .. } = range;
        let what = format!("WAL {first} to {last}: {goes}, {files} files, {}", size(*bytes));
        format!("{what}: {}", range.reason())
    })));
    let still = match &plan.wal.limit {
        Ok(_) => (plan.wal.ranges.is_empty() && plan.wal.locked.is_none())
            .then(|| "WAL: all that is there is needed".to_owned()),
        Err(why) => Some(format!("WAL stays: {why}")),
    };
    text.push_str(&paragraph(still.into_iter()));
    let locked = plan.wal.locked.map(|(files, why)| {
        format!("WAL stays: {files} files that no backup needs, the first of them {why}")
    });
    text.push_str(&paragraph(locked.into_iter()));
    text.push_str(&paragraph(abandoned.iter().map(|key| format!("upload of {key}, never finished: {goes}"))));
    let dry = dry_run.then(|| "nothing was deleted: this was a dry run".to_owned());
    text.push_str(&paragraph(dry.into_iter()));
    text
}

/// Lines below a blank one; nothing when there are none.
fn paragraph(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { String::new() } else { format!("\n{}\n", lines.join("\n")) }
}

/// So many of something, whose plural ends in `s`: "1 tar", "2 tars".
pub(super) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A size as people read it.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => {
            let tenths = (u128::from(bytes) * 10 + u128::from(unit / 2)) / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// A span as people read it: its two largest units.
pub(super) fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

fn moment(time: &Zoned) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S%:z").to_string()
}

fn edge(edge: &Edge) -> Option<String> {
    let time = edge.time.as_ref().map(moment);
    let lsn = edge.lsn.map(|lsn| format!("at {lsn}"));
    let parts: Vec<_> = time.into_iter().chain(lsn).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// How long it took, unless the clock went backwards.
pub(super) fn took(backup: &Backup) -> Option<SignedDuration> {
    let (begin, end) = (backup.begin.time.as_ref()?, backup.end.time.as_ref()?);
    Some(begin.timestamp().duration_until(end.timestamp())).filter(|span| !span.is_negative())
}

/// `server_version_num` as people say it: 150020 is 15.20, 90624 is 9.6.24.
fn version(number: u32) -> String {
    match number {
        100_000.. => format!("{}.{}", number / 10_000, number % 10_000),
        _ => format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100),
    }
}

fn wal_range(backup: &Backup) -> String {
    let ends = [backup.begin.wal, backup.end.wal].into_iter().flatten().map(|wal| wal.to_string());
    ends.collect::<Vec<_>>().join(" to ")
}

/// Whether the WAL is there; nothing for what never was a backup.
fn wal_text(listed: &Listed) -> String {
    match listed.wal {
        _ if !listed.entry.backup.is_usable() => String::new(),
        WalState::Complete => "complete".to_owned(),
        WalState::Missing(name) => format!("{name} is missing"),
        WalState::Unknown => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::archive::{BackupFiles, Catalog, Entry, Orphan, Unreadable};
    use crate::command::Doomed;
    use crate::golden::{cases, number, text};
    use crate::model::{
        BackupFact, BackupStatus, Compression, Facts, Lsn, Plan, RetentionRule, SystemId, Tablespace,
        Timeline, WalInventory, WalObject,
    };

    const ADDRESS: &str = "s3://bucket/path (server main)";

    fn done(day: u32, seg: u32) -> Backup {
        let mut backup = Backup::new(format!("202611{day:02}T000157").parse().unwrap(), BackupStatus::Done);
        let at = |seconds| {
            let begin: Timestamp = format!("2026-11-{day:02}T00:01:57.466059Z").parse().unwrap();
            let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(1));
            Some((begin + SignedDuration::from_secs(seconds)).to_zoned(zone))
        };
        backup.timeline = Timeline::new(1);
        for (edge, seconds, seg, lsn) in
            [(&mut backup.begin, 0, seg, 0x28), (&mut backup.end, 4000, seg + 1, 0x138)]
        {
            edge.time = at(seconds);
            edge.wal = format!("0000000100000000{seg:08X}").parse().ok();
            edge.lsn = Some(Lsn((u64::from(seg) << 24) + lsn));
        }
        backup
    }

    fn full(day: u32) -> Backup {
        let mut backup = done(day, 0x1D);
        backup.name = Some("before the migration".into());
        backup.system_id = Some(SystemId(7_710_408_187_061_091_205));
        backup.version = Some(150_020);
        backup.cluster_size = Some(38_559_433);
        backup.data_checksums = Some(true);
        backup.pgdata = Some("/pg/data".into());
        backup.tablespaces = vec![Tablespace { name: "ts1".into(), oid: 16_384, location: "/pg/ts1".into() }];
        backup
    }

    fn listed(backup: Backup, keep: Option<Keep>, wal: WalState) -> Listed {
        let entry = Entry { backup, files: BackupFiles::default(), keep, recorded: None };
        Listed { entry, wal }
    }

    fn list() -> List {
        let mut failed = Backup::new("20261121T000505".parse().unwrap(), BackupStatus::Failed);
        failed.error = Some("failure uploading data (the store has gone)".into());
        let missing = WalState::Missing("00000001000000000000002E".parse().unwrap());
        List {
            address: ADDRESS.into(),
            backups: vec![
                listed(full(19), Some(Keep::Full), WalState::Complete),
                listed(done(20, 0x2D), None, missing),
                listed(failed, None, WalState::Unknown),
            ],
            unreadable: vec![Unreadable {
                id: "20261121T000606".parse().unwrap(),
                error: Error::corrupt("not an integer").context("`size=`"),
                files: BackupFiles::default(),
                keep: None,
            }],
            orphans: vec![Orphan {
                id: "20261121T000707".parse().unwrap(),
                files: BackupFiles::default(),
                keep: None,
                newest: "2026-11-21T00:07:09Z".parse().ok(),
            }],
        }
    }

    fn deletion(unreadable: bool, dry_run: bool) -> Deletion {
        let keep = |day| (day == 16).then_some(Keep::Standalone);
        let fact = |day: u32| BackupFact {
            backup: done(day, day),
            keep: keep(day),
            recorded: None,
            stored_bytes: u64::from(day) << 20,
        };
        let mut facts = Facts { backups: (15..=19).map(fact).collect(), ..Facts::default() };
        if unreadable {
            facts.unreadable.push("20261121T000606".parse().unwrap());
        }
        let wal = (1..30).map(|seg| WalObject {
            name: format!("0000000100000000{seg:08X}").parse().unwrap(),
            compression: Compression::Zstd,
            stored_bytes: 5000,
        });
        let leftovers_after = Duration::from_hours(7 * 24);
        let rule = RetentionRule { policy: "REDUNDANCY 2".parse().unwrap(), minimum: 0, leftovers_after };
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let plan = Plan::of_rule(&rule, now, &facts, &WalInventory::new(wal.collect()));
        let abandoned = vec!["main/base/20261101T000000/data.tar.zst".to_owned()];
        Deletion {
            address: ADDRESS.into(),
            plan,
            abandoned,
            dry_run,
            catalog: Catalog::default(),
            doomed: Doomed::default(),
        }
    }

    #[test]
    fn people_read_tables() {
        insta::assert_snapshot!("backup_list", Listing(list()).text());
        let empty = List { backups: Vec::new(), unreadable: Vec::new(), orphans: Vec::new(), ..list() };
        insta::assert_snapshot!("backup_list_empty", Listing(empty).text());
        let backup = listed(full(19), Some(Keep::Full), WalState::Complete);
        insta::assert_snapshot!("backup_show", Shown(Show { address: ADDRESS.into(), backup }).text());
        insta::assert_snapshot!("retention", Deleted(deletion(false, false)).text());
        insta::assert_snapshot!("retention_dry_run", Deleted(deletion(false, true)).text());
        insta::assert_snapshot!("retention_blocked", Deleted(deletion(true, false)).text());
    }

    #[test]
    fn programs_read_one_object_on_one_line() {
        let backup = listed(done(20, 0x2D), None, WalState::Unknown);
        let id = backup.entry.backup.id;
        let lines = [
            Listing(list()).json(),
            Shown(Show { address: ADDRESS.into(), backup }).json(),
            KeptReport(Kept { id, keep: Some(Keep::Full), before: None }).json(),
            Deleted(deletion(false, false)).json(),
            Deleted(deletion(true, true)).json(),
        ];
        assert!(lines.iter().all(|l| l.ends_with("}\n") && l.matches('\n').count() == 1));
        insta::assert_snapshot!("backups_json", lines.concat());
    }

    #[test]
    fn a_deletion_that_is_blocked_fails() {
        assert_eq!(Deleted(deletion(false, false)).exit(), Exit::Done);
        assert_eq!(Deleted(deletion(true, false)).exit(), Exit::Corrupt);
    }

    #[test]
    fn keeping_is_told_in_a_sentence() {
        let id = "20261121T000157".parse().unwrap();
        let said = |keep, before| KeptReport(Kept { id, keep, before }).text();
        assert_eq!(said(Some(Keep::Full), None), "20261121T000157 is now kept (full)\n");
        assert_eq!(said(Some(Keep::Full), Some(Keep::Full)), "20261121T000157 is kept (full)\n");
        assert_eq!(said(None, Some(Keep::Full)), "20261121T000157 is no longer kept\n");
        assert_eq!(said(None, None), "20261121T000157 is not kept\n");
    }

    #[test]
    fn sizes_are_written_as_the_reference_writes_them() {
        for case in cases("pretty_size") {
            assert_eq!(size(number(&case, "bytes")), text(&case, "text"));
        }
        assert_eq!(size(0), "0 B");
    }

    /// Two units are enough to compare by, and words would make the tables wide.
    #[test]
    fn spans_are_cut_to_two_units_which_differs_from_the_reference() {
        let ours = ["1 s", "1 min 0 s", "1 h 0 min", "1 h 1 min", "1 d 0 h", "2 d 0 h", "59 min 59 s"];
        let cases = cases("human_timedelta");
        assert_eq!(cases.len(), ours.len());
        for (case, ours) in cases.iter().zip(ours) {
            let seconds = case["seconds"].as_f64().unwrap();
            assert_eq!(span(SignedDuration::try_from_secs_f64(seconds).unwrap()), ours, "{case}");
            // The first number and unit are the same.
            let number = |text: &str| text.split(' ').next().map(str::to_owned);
            assert_eq!(number(ours), number(text(case, "text")), "{case}");
        }
    }

    #[test]
    fn versions_are_written_as_the_server_writes_them() {
        assert_eq!([version(150_020), version(90_624)], ["15.20", "9.6.24"]);
    }
}
