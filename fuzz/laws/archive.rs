//! What lies in an archive or a data directory beside WAL and tars.

use super::text;
use crate::archive::fuzz::{print_record, read_literal, read_record};
use crate::command::backup::reads_label;
use crate::model::{BackupId, Keep, SystemId};
use crate::pgdata::fuzz::read_server_files;
use crate::pgdata::manifest::{ManifestEnd, ManifestEntry, ManifestReader, ManifestWriter};

/// A backup's record: what is written of what was read is read as the same.
pub fn backup_info(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let id: BackupId = "20260102T030405".parse().unwrap_or_else(|e| panic!("{e}"));
    let Ok(record) = read_record(id, text) else { return };
    let printed = print_record(&record);
    let again = read_record(id, &printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
    assert_eq!(print_record(&again), printed);
    // Within a line there is none, so a blank takes its place.
    if text.contains('\r') {
        return;
    }
    // Times are written to the microsecond.
    let whole = |mut record: crate::model::Backup| {
        for edge in [&mut record.begin, &mut record.end] {
            edge.time = None;
        }
        record
    };
    let server_name = again.server_name.clone();
    assert_eq!(whole(crate::model::Backup { server_name, ..record }), whole(again), "{printed}");
}

/// A Python literal.
pub fn literal(input: &[u8]) {
    let Some(Ok(literal)) = text(input).map(read_literal) else { return };
    let printed = literal.to_string();
    assert_eq!(read_literal(&printed).ok().as_ref(), Some(&literal), "{printed}");
}

/// PostgreSQL's manifest: as it is, and with a checksum that fits.
pub fn manifest(input: &[u8]) {
    check_manifest(input);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(input);
    let end = format!("\"Manifest-Checksum\": \"{}\"}}\n", hex::encode(digest));
    check_manifest(&[input, end.as_bytes()].concat());
}

fn check_manifest(input: &[u8]) {
    let Ok((system_id, entries, end)) = read_manifest(input) else { return };
    let version = if system_id.is_some() { 170_000 } else { 130_000 };
    let write = || -> crate::error::Result<Vec<u8>> {
        let mut writer = ManifestWriter::begin(Vec::new(), version, system_id.unwrap_or(SystemId(1)))?;
        for entry in &entries {
            assert!(entry.path.is_relative() && !entry.path.as_os_str().is_empty());
            writer.entry(entry)?;
        }
        writer.finish(&end.ranges)
    };
    let written = write().unwrap_or_else(|e| panic!("{e}"));
    let again = read_manifest(&written).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again, (system_id, entries, end));
}

fn read_manifest(input: &[u8]) -> crate::error::Result<(Option<SystemId>, Vec<ManifestEntry>, ManifestEnd)> {
    let mut reader = ManifestReader::begin(input)?;
    let system_id = reader.system_id();
    let entries = reader.by_ref().collect::<crate::error::Result<Vec<_>>>()?;
    Ok((system_id, entries, reader.finish()?))
}

/// Labels, annotations, and the files of a server that runs.
pub fn server_files(input: &[u8]) {
    read_server_files(input);
    let text = String::from_utf8_lossy(input);
    let _ = reads_label(&text);
    let keep = Keep::read(&text);
    assert_eq!(Keep::read(keep.name()), keep);
}
