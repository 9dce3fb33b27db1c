//! A backup as the dialect tells it in JSON (spec/barman-cloud.md 2.5).

use super::python::{self, Json};
use crate::archive::Literal;
use crate::model::{Backup, BackupStatus, Edge, SegmentSize, Tablespace, Timeline};

/// The object: the keys of the record in their order, then those that follow from it. Keys of records
/// that the dialect's level does not know are left out.
///
/// A backup that is not DONE has no end time here, whatever its record says: callers take one that has
/// both times for usable and do not look at its status (spec/cloudnativepg.md 1.7).
pub(super) fn json(backup: &Backup) -> Json {
    let told = |key: &str| backup.other.get(key);
    let Edge { time: begin_time, lsn: begin_lsn, wal: begin_wal } = &backup.begin;
    let Edge { lsn: end_lsn, wal: end_wal, .. } = &backup.end;
    let end_time = backup.end.time.as_ref().filter(|_| backup.status == BackupStatus::Done);
    let mut members: Vec<(&str, Option<Json>)> = vec![
        ("backup_label", Some(Json::text(backup.label.as_deref().map(python::repr)))),
        ("backup_name", backup.name.clone().map(Json::Text)),
        ("begin_offset", Some(offset("begin_offset", &backup.begin, backup))),
        ("begin_time", Some(Json::text(begin_time.as_ref().map(python::ctime)))),
        ("begin_wal", Some(Json::text(*begin_wal))),
        ("begin_xlog", Some(Json::text(*begin_lsn))),
        ("children_backup_ids", Some(Json::text(told("children_backup_ids")))),
        ("cluster_size", Some(Json::integer(backup.cluster_size))),
        ("compression", Some(Json::text(told("compression")))),
        ("config_file", Some(Json::text(backup.config_file.as_ref()))),
        ("copy_stats", Some(literal(told("copy_stats")))),
        ("data_checksums", Some(switch(backup.data_checksums, told("data_checksums")))),
        ("deduplicated_size", Some(number(told("deduplicated_size")))),
        ("encryption", Some(Json::text(told("encryption")))),
        ("end_offset", Some(offset("end_offset", &backup.end, backup))),
        ("end_time", Some(Json::text(end_time.map(python::ctime)))),
        ("end_wal", Some(Json::text(*end_wal))),
        ("end_xlog", Some(Json::text(*end_lsn))),
        ("error", Some(Json::text(backup.error.as_ref()))),
        ("hba_file", Some(Json::text(backup.hba_file.as_ref()))),
        ("ident_file", Some(Json::text(backup.ident_file.as_ref()))),
        ("included_files", Some(list(&backup.included_files, |file| Json::Text(file.clone())))),
        ("mode", Some(Json::text(told("mode")))),
        ("parent_backup_id", Some(Json::text(backup.parent.as_ref()))),
        ("pgdata", Some(Json::text(backup.pgdata.as_ref()))),
        ("server_name", Some(Json::text(backup.server_name.as_ref()))),
        ("size", Some(number(told("size")))),
        ("snapshots_info", told("snapshots_info").map(|info| literal(Some(info)))),
        ("status", Some(Json::text(Some(backup.status)))),
        ("summarize_wal", Some(switch(backup.summarize_wal, told("summarize_wal")))),
        ("systemid", Some(Json::text(backup.system_id))),
        ("tablespaces", Some(list(&backup.tablespaces, tablespace))),
        ("timeline", Some(Json::integer(backup.timeline.map(Timeline::number)))),
        ("version", Some(Json::integer(backup.version))),
        ("xlog_segment_size", Some(Json::integer(Some(backup.segment_size.bytes())))),
        ("backup_id", Some(Json::text(Some(backup.id)))),
    ];
    let iso = |time| Json::Text(python::moment(time, 'T'));
    members.push(("begin_time_iso", begin_time.as_ref().map(iso)));
    members.push(("end_time_iso", end_time.map(iso)));
    let members = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Json::Object(members.collect())
}

/// The byte within its segment of one end of a backup, as the record has it or else as it follows.
pub(super) fn byte(key: &str, edge: &Edge, backup: &Backup) -> Option<String> {
    let size: SegmentSize = backup.segment_size;
    let follows = || Some((edge.lsn?.0 % size.bytes()).to_string());
    backup.other.get(key).cloned().or_else(follows)
}

/// `on` or `off`, or what newer servers say.
pub(super) fn on_off(on: Option<bool>, other: Option<&String>) -> Option<String> {
    on.map(|on| if on { "on" } else { "off" }.to_owned()).or_else(|| other.cloned())
}

fn switch(on: Option<bool>, other: Option<&String>) -> Json {
    Json::text(on_off(on, other))
}

fn offset(key: &str, edge: &Edge, backup: &Backup) -> Json {
    number(byte(key, edge, backup).as_ref())
}

/// An integer of the record, which was seen to be one when it was read. JSON knows it without the signs and
/// zeroes in front that a record may have, and one bad number there spoils a whole list.
fn number(text: Option<&String>) -> Json {
    text.map_or(Json::Null, |text| {
        let digits = text.trim_start_matches(['-', '+']).trim_start_matches('0');
        let sign = if text.starts_with('-') && !digits.is_empty() { "-" } else { "" };
        Json::Number(format!("{sign}{}", if digits.is_empty() { "0" } else { digits }))
    })
}

/// A literal of the record, which was seen to be one when it was read.
fn literal(text: Option<&String>) -> Json {
    let read = text.and_then(|text| Literal::parse(text).ok());
    read.map_or(Json::Null, |literal| Json::from(&literal))
}

/// An array, or null when there is nothing in it.
fn list<T>(items: &[T], item: impl Fn(&T) -> Json) -> Json {
    if items.is_empty() { Json::Null } else { Json::List(items.iter().map(item).collect()) }
}

fn tablespace(space: &Tablespace) -> Json {
    let Tablespace { name, oid, location } = space;
    Json::List(vec![Json::Text(name.clone()), Json::integer(Some(*oid)), Json::Text(location.clone())])
}
