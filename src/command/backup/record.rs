//! What is recorded about a backup, from its start to its end (spec/barman-cloud.md part 5).

use std::fmt::Write as _;
use std::time::Duration;

use super::Request;
use super::copy::Copied;
use super::preflight::{self, Ground};
use super::wal::WalSpan;
use crate::error::{Context as _, Error, Result};
use crate::model::{Backup, BackupId, BackupStatus, Edge, SegmentName, Timeline};
use crate::postgres::{Facts, StartPoint, StopPoint};

/// The server's name in the record of every backup that is stored object by object.
const SERVER_NAME: &str = "cloud";

/// The record that claims an identifier.
pub(super) fn started(request: &Request, facts: &Facts, ground: &Ground, id: BackupId) -> Backup {
    Backup {
        name: request.name.clone(),
        server_name: Some(SERVER_NAME.to_owned()),
        system_id: Some(facts.system_id),
        version: Some(facts.version.number()),
        timeline: Some(facts.timeline),
        segment_size: facts.segment_size,
        tablespaces: ground.tablespaces.clone(),
        // Where the server has it: restoring means to go back there.
        pgdata: Some(facts.data_directory.clone()),
        config_file: facts.config_file.clone(),
        hba_file: facts.hba_file.clone(),
        ident_file: facts.ident_file.clone(),
        included_files: facts.included_files.clone(),
        data_checksums: Some(facts.data_checksums),
        summarize_wal: facts.summarize_wal,
        ..Backup::new(id, BackupStatus::Started)
    }
}

/// Adds where it began.
pub(super) fn begun(backup: &mut Backup, start: &StartPoint) {
    backup.timeline = Some(start.timeline);
    backup.tablespaces = preflight::apart(&start.tablespaces);
    backup.begin = Edge {
        time: Some(start.time.clone()),
        lsn: Some(start.lsn),
        wal: Some(SegmentName::holding(start.timeline, start.lsn, backup.segment_size)),
    };
}

/// Adds where it ended. What the label says of its beginning counts more than what was asked then: it is
/// what recovery goes by.
pub(super) fn ended(backup: &mut Backup, end: &StopPoint) -> Result<WalSpan> {
    let begin = backup.begin.lsn.ok_or_else(|| Error::bug("a backup ended that never began"))?;
    let label = Label::read(&end.label).context(|| "read backup_label")?;
    if label.begin != begin.to_string() {
        return Err(Error::corrupt(format!("backup_label begins at {}, the backup at {begin}", label.begin)));
    }
    backup.timeline = Some(label.timeline);
    backup.begin.wal = Some(SegmentName::holding(label.timeline, begin, backup.segment_size));
    backup.end = Edge {
        time: Some(end.time.clone()),
        lsn: Some(end.lsn),
        wal: Some(SegmentName::holding(end.timeline, end.lsn, backup.segment_size)),
    };
    backup.label = Some(end.label.clone());
    Ok(WalSpan { begin, on: label.timeline, end: end.lsn, ended_on: end.timeline })
}

/// Makes it the record of a complete backup.
pub(super) fn done(backup: &mut Backup, request: &Request, copied: &Copied, total: Duration) {
    backup.status = BackupStatus::Done;
    backup.cluster_size = Some(copied.plain_bytes);
    backup.other.insert("copy_stats".to_owned(), copy_stats(backup, request, copied, total));
}

/// Makes it the record of a failure.
pub(super) fn failed(backup: &mut Backup, why: &Error) {
    backup.status = BackupStatus::Failed;
    backup.error = Some(why.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
}

/// The statistics in the form other readers of the layout expect. All tars are copied at once, so each
/// took as long as all.
fn copy_stats(backup: &Backup, request: &Request, copied: &Copied, total: Duration) -> String {
    let items: Vec<String> =
        backup.tablespaces.iter().map(|space| space.oid.to_string()).chain(["data".to_owned()]).collect();
    let each = |value: &str| {
        let mut dict = String::from("{");
        for (i, item) in items.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            let _ = write!(dict, "{comma}'{item}': {value}");
        }
        dict + "}"
    };
    let copy = format!("{:.6}", copied.took.as_secs_f64());
    format!(
        "{{'total_time': {:.6}, 'number_of_workers': {}, 'analysis_time': 0, 'analysis_time_per_item': {}, \
         'copy_time_per_item': {}, 'serialized_copy_time_per_item': {}, 'copy_time': {copy}, \
         'serialized_copy_time': {copy}}}",
        total.as_secs_f64(),
        request.jobs,
        each("0"),
        each(&copy),
        each(&copy),
    )
}

/// What `backup_label` says of the beginning; PostgreSQL 11 and later name the timeline.
struct Label<'a> {
    begin: &'a str,
    timeline: Timeline,
}

impl<'a> Label<'a> {
    fn read(text: &'a str) -> Result<Self> {
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let begin = value("START WAL LOCATION: ").and_then(|rest| rest.split_whitespace().next());
        let timeline = value("START TIMELINE: ").and_then(|n| Timeline::new(n.trim().parse().ok()?));
        match (begin, timeline) {
            (Some(begin), Some(timeline)) => Ok(Self { begin, timeline }),
            _ => Err(Error::corrupt("it does not say where the backup began, or on which timeline")),
        }
    }
}

/// Whether the text of a `backup_label` is understood; for the laws of `fuzz/`.
#[cfg(any(test, fuzzing))]
pub(crate) fn reads_label(text: &str) -> bool {
    Label::read(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: &str = "START WAL LOCATION: 0/1D00028 (file 00000001000000000000001D)\nCHECKPOINT LOCATION: \
        0/1D00060\nBACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-11-21 00:01:57 UTC\n\
        LABEL: x\nSTART TIMELINE: 10\n";

    #[test]
    fn a_label_says_where_recovery_begins() {
        let label = Label::read(LABEL).unwrap();
        assert_eq!((label.begin, label.timeline.number()), ("0/1D00028", 10));
        for bad in ["", "START WAL LOCATION: 0/1 (file x)\n", "START TIMELINE: 1\n"] {
            assert!(Label::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_failure_is_told_on_one_line() {
        let mut backup = Backup::new("20260102T030405".parse().unwrap(), BackupStatus::Started);
        failed(&mut backup, &Error::local("no space\nleft").context("copy"));
        assert_eq!(backup.error.as_deref(), Some("copy: no space left"));
        assert_eq!(backup.status, BackupStatus::Failed);
    }
}
