//! What is said about base backups to scripts. Field names are stable; what is not known is null.

use jiff::Zoned;
use serde::Serialize;

use super::render_backups::took;
use crate::command::Deletion;
use crate::command::backups::{Kept, List, Listed, Show};
use crate::model::{BackupStatus, Edge, Judged, Keep, Timeline, WalRange, WalState};

/// What `backup-list` ends with.
#[derive(Serialize)]
pub(super) struct ListJson<'a> {
    archive: &'a str,
    backups: Vec<BackupJson<'a>>,
    unreadable: Vec<UnreadableJson>,
    orphans: Vec<OrphanJson>,
    exit: u8,
}

/// What `backup-show` ends with.
#[derive(Serialize)]
pub(super) struct ShowJson<'a> {
    archive: &'a str,
    backup: BackupJson<'a>,
    exit: u8,
}

#[derive(Serialize)]
struct UnreadableJson {
    id: String,
    error: String,
}

#[derive(Serialize)]
struct OrphanJson {
    id: String,
    stored_bytes: u64,
    newest: Option<String>,
}

/// What `backup-keep` ends with.
#[derive(Serialize)]
pub(super) struct KeptJson {
    id: String,
    keep: Option<&'static str>,
    before: Option<&'static str>,
    exit: u8,
}

/// Identifiers of clusters are text, because they do not fit into the numbers many readers of JSON have.
#[derive(Serialize)]
struct BackupJson<'a> {
    id: String,
    name: Option<&'a str>,
    status: &'static str,
    error: Option<&'a str>,
    keep: Option<&'static str>,
    system_id: Option<String>,
    version: Option<u32>,
    timeline: Option<u32>,
    segment_bytes: u64,
    begin_time: Option<String>,
    end_time: Option<String>,
    seconds: Option<f64>,
    begin_lsn: Option<String>,
    end_lsn: Option<String>,
    begin_wal: Option<String>,
    end_wal: Option<String>,
    wal: &'static str,
    wal_missing: Option<String>,
    stored_bytes: u64,
    restored_bytes: Option<u64>,
    tars: usize,
    manifest: bool,
    checksums: Option<bool>,
    pgdata: Option<&'a str>,
    parent: Option<&'a str>,
    snapshot: bool,
    tablespaces: Vec<TablespaceJson<'a>>,
}

#[derive(Serialize)]
struct TablespaceJson<'a> {
    name: &'a str,
    oid: u32,
    location: &'a str,
}

impl<'a> BackupJson<'a> {
    fn new(listed: &'a Listed) -> Self {
        let Listed { entry, wal } = listed;
        let backup = &entry.backup;
        let Edge { time: begin_time, lsn: begin_lsn, wal: begin_wal } = &backup.begin;
        let Edge { time: end_time, lsn: end_lsn, wal: end_wal } = &backup.end;
        let iso = |time: &Zoned| time.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
        let (word, missing) = match wal {
            WalState::Complete => ("complete", None),
            WalState::Missing(name) => ("incomplete", Some(name.to_string())),
            WalState::Unknown => ("unknown", None),
        };
        let tablespaces = backup.tablespaces.iter();
        Self {
            id: backup.id.to_string(),
            name: backup.name.as_deref(),
            status: backup.status.name(),
            error: backup.error.as_deref(),
            keep: entry.keep.map(Keep::name),
            system_id: backup.system_id.map(|id| id.to_string()),
            version: backup.version,
            timeline: backup.timeline.map(Timeline::number),
            segment_bytes: backup.segment_size.bytes(),
            begin_time: begin_time.as_ref().map(iso),
            end_time: end_time.as_ref().map(iso),
            seconds: took(backup).map(|span| span.as_secs_f64()),
            begin_lsn: begin_lsn.map(|lsn| lsn.to_string()),
            end_lsn: end_lsn.map(|lsn| lsn.to_string()),
            begin_wal: begin_wal.map(|wal| wal.to_string()),
            end_wal: end_wal.map(|wal| wal.to_string()),
            wal: word,
            wal_missing: missing,
            stored_bytes: entry.files.stored_bytes(),
            restored_bytes: backup.cluster_size,
            tars: entry.files.tars.len(),
            manifest: entry.files.manifest.is_some(),
            checksums: backup.data_checksums,
            pgdata: backup.pgdata.as_deref(),
            parent: backup.parent.as_deref(),
            snapshot: backup.is_snapshot(),
            tablespaces: tablespaces
                .map(|space| TablespaceJson { name: &space.name, oid: space.oid, location: &space.location })
                .collect(),
        }
    }
}

impl<'a> ListJson<'a> {
    pub(super) fn new(list: &'a List, exit: u8) -> Self {
        let List { address, backups, unreadable, orphans } = list;
        let unreadable = unreadable
            .iter()
            .map(|bad| UnreadableJson { id: bad.id.to_string(), error: bad.error.to_string() });
        let orphans = orphans.iter().map(|orphan| OrphanJson {
            id: orphan.id.to_string(),
            stored_bytes: orphan.files.stored_bytes(),
            newest: orphan.newest.map(|at| at.to_string()),
        });
        Self {
            archive: address,
            backups: backups.iter().map(BackupJson::new).collect(),
            unreadable: unreadable.collect(),
            orphans: orphans.collect(),
            exit,
        }
    }
}

impl<'a> ShowJson<'a> {
    pub(super) fn new(show: &'a Show, exit: u8) -> Self {
        Self { archive: &show.address, backup: BackupJson::new(&show.backup), exit }
    }
}

impl KeptJson {
    pub(super) fn new(kept: Kept, exit: u8) -> Self {
        let (keep, before) = (kept.keep.map(Keep::name), kept.before.map(Keep::name));
        Self { id: kept.id.to_string(), keep, before, exit }
    }
}

/// What `backup-delete` and `retention` end with.
#[derive(Serialize)]
pub(super) struct DeletionJson<'a> {
    archive: &'a str,
    dry_run: bool,
    blocked: Option<String>,
    backups: Vec<JudgedJson>,
    orphans: Vec<JudgedJson>,
    unreadable: Vec<String>,
    wal: Vec<RangeJson>,
    wal_files: usize,
    wal_bytes: u64,
    wal_limit: Option<String>,
    wal_withheld: Option<String>,
    wal_locked: usize,
    wal_lock: Option<String>,
    abandoned_uploads: &'a [String],
    exit: u8,
}

#[derive(Serialize)]
pub(super) struct JudgedJson {
    id: String,
    status: Option<&'static str>,
    goes: bool,
    stored_bytes: u64,
    reason: String,
}

impl JudgedJson {
    pub(super) fn new(judged: &Judged) -> Self {
        Self {
            id: judged.id.to_string(),
            status: judged.status.map(BackupStatus::name),
            goes: judged.goes(),
            stored_bytes: judged.stored_bytes,
            reason: judged.reason.to_string(),
        }
    }
}

#[derive(Serialize)]
struct RangeJson {
    first: String,
    last: String,
    files: usize,
    bytes: u64,
    reason: String,
}

impl<'a> DeletionJson<'a> {
    pub(super) fn new(deletion: &'a Deletion, exit: u8) -> Self {
        let Deletion { address, plan, abandoned, dry_run, .. } = deletion;
        let range = |range: &WalRange| RangeJson {
            first: range.first.to_string(),
            last: range.last.to_string(),
            files: range.files,
            bytes: range.bytes,
            reason: range.reason(),
        };
        Self {
            archive: address,
            dry_run: *dry_run,
            blocked: plan.blocked().map(|why| why.to_string()),
            backups: plan.backups.iter().map(JudgedJson::new).collect(),
            orphans: plan.orphans.iter().map(JudgedJson::new).collect(),
            unreadable: plan.unreadable.iter().map(ToString::to_string).collect(),
            wal: plan.wal.ranges.iter().map(range).collect(),
            wal_files: plan.wal.objects.len(),
            wal_bytes: plan.wal.objects.iter().map(|object| object.stored_bytes).sum(),
            wal_limit: plan.wal.limit.as_ref().ok().map(ToString::to_string),
            wal_withheld: plan.wal.limit.as_ref().err().map(ToString::to_string),
            wal_locked: plan.wal.locked.map_or(0, |(files, _)| files),
            wal_lock: plan.wal.locked.map(|(_, why)| why.to_string()),
            abandoned_uploads: abandoned,
            exit,
        }
    }
}
