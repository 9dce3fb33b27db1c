//! Whether a backup's record fits together.

use crate::model::{Backup, Edge, SegmentName, SegmentSize};

/// What in the record of a usable backup is missing or contradicts something else in it, a phrase each.
pub fn record_flaws(backup: &Backup) -> Vec<String> {
    let mut flaws = Vec::new();
    let edges = [("begin", &backup.begin), ("end", &backup.end)];
    for (which, edge) in edges {
        flaws.extend(edge_flaw(which, edge, backup.segment_size));
    }
    if let (Some(begin), Some(end)) = (backup.begin.lsn, backup.end.lsn)
        && end < begin
    {
        flaws.push(format!("it ends at {end}, before it begins at {begin}"));
    }
    if let (Some(first), Some(last)) = (backup.begin.wal, backup.end.wal)
        && last.timeline < first.timeline
    {
        flaws.push(format!("it ends in {last}, on an earlier timeline than it begins on in {first}"));
    }
    let labelled = backup.label.as_deref().and_then(label_segment);
    if let (Some(first), Some(labelled)) = (backup.begin.wal, labelled)
        && first != labelled
    {
        flaws.push(format!("it says it begins in {first}, and its backup label says in {labelled}"));
    }
    flaws
}

/// Whether segment and position of one end belong together. A position at the very beginning of a segment may
/// be recorded with the segment before it: PostgreSQL names the segment of the last byte for an end.
fn edge_flaw(which: &str, edge: &Edge, size: SegmentSize) -> Option<String> {
    let Some(wal) = edge.wal else { return Some(format!("it does not tell in which segment it {which}s")) };
    let Some(start) = wal.start(size) else {
        return Some(format!("it {which}s in {wal}, which segments of {size} are not called"));
    };
    let lsn = edge.lsn?;
    let fits = lsn >= start && lsn.0 - start.0 <= size.bytes();
    (!fits).then(|| format!("it {which}s at {lsn}, which does not lie in {wal}"))
}

/// The segment that `backup_label` names: `START WAL LOCATION: 0/2000028 (file 000000010000000000000002)`.
fn label_segment(label: &str) -> Option<SegmentName> {
    let line = label.lines().find(|line| line.starts_with("START WAL LOCATION: "))?;
    line.split_once("(file ")?.1.strip_suffix(')')?.parse().ok()
}
