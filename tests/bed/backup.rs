//! The record of a backup as the archive of a bed has it.

use barkeep::archive::{ExclusivePut, OpenArchive, Patience, Tags};
use barkeep::model::{Backup, BackupStatus, Lsn, SegmentSize, SystemId, Timeline};

use super::{Bed, MIB, SYSTEM};

/// The backup's identifier.
pub const ID: &str = "20260102T030405";

/// The segment of this number on the first timeline, at 1 MiB each.
pub fn segment(n: u64) -> String {
    format!("0000000100000000{n:08X}")
}

/// A moment of which the zone does not matter.
pub fn moment(text: &str) -> jiff::Zoned {
    text.parse::<jiff::Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC)
}

/// A backup that is done, and needs the segments 2 and 3.
pub fn record() -> Backup {
    let mut backup = Backup::new(ID.parse().unwrap(), BackupStatus::Done);
    backup.system_id = Some(SystemId(SYSTEM));
    backup.version = Some(180_000);
    backup.timeline = Timeline::new(1);
    backup.segment_size = SegmentSize::new(MIB).unwrap();
    backup.begin.lsn = Some(Lsn(2 * MIB + 0x28));
    backup.begin.wal = Some(segment(2).parse().unwrap());
    backup.begin.time = Some(moment("2026-01-02T03:04:05Z"));
    backup.end.lsn = Some(Lsn(3 * MIB + 0x100));
    backup.end.wal = Some(segment(3).parse().unwrap());
    backup.end.time = Some(moment("2026-01-02T03:10:00Z"));
    backup
}

/// Stores the record of a backup.
pub async fn publish(bed: &Bed, backup: &Backup) {
    let archive = bed.open(ExclusivePut::Trusted, &Patience::default()).await.unwrap();
    archive.publish_backup(backup, &Tags::default()).await.unwrap();
}
