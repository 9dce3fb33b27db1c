//! What a server's words come to.

use super::*;
use crate::model::{Compression, WalInventory, WalObject};

fn inventory(names: &[&str]) -> WalInventory {
    let object = |name: &&str| WalObject {
        name: name.parse().unwrap(),
        compression: Compression::Zstd,
        stored_bytes: 1,
    };
    WalInventory::new(names.iter().map(object).collect())
}

fn wrote(wal: &str, second: i64) -> Option<Wrote> {
    Some(Wrote { wal: wal.to_owned(), at: jiff::Timestamp::from_second(second).unwrap() })
}

#[test]
fn archiving_works_when_what_was_archived_last_is_there_and_nothing_has_failed_since() {
    let (a, b) = ("000000010000000000000001", "000000010000000000000002");
    let wal = inventory(&[a, "000000010000000000000003.00000028.backup"]);
    let state = |last_archived, last_failed| {
        let archiver = Some(Archiver { last_archived, last_failed, ..Archiver::default() });
        ArchivingState::of(&ServerSight { archiver, ..ServerSight::default() }, &wal)
    };
    assert_eq!(state(None, None), Some(ArchivingState::Starting));
    assert_eq!(state(wrote(a, 5), None), Some(ArchivingState::Working));
    assert_eq!(state(wrote(a, 5), wrote(b, 4)), Some(ArchivingState::Working));
    assert_eq!(state(wrote(a, 5), wrote(b, 6)), Some(ArchivingState::Failing));
    assert_eq!(state(None, wrote(a, 1)), Some(ArchivingState::Failing));
    assert_eq!(state(wrote(b, 5), None), Some(ArchivingState::Lost));
    let label = wrote("000000010000000000000003.00000028.backup", 5);
    assert_eq!(state(label, None), Some(ArchivingState::Working));
    assert_eq!(ArchivingState::of(&ServerSight::default(), &wal), None);
    let off = ServerSight { disabled: Some("archive_mode is off".to_owned()), ..ServerSight::default() };
    assert_eq!(ArchivingState::of(&off, &wal), Some(ArchivingState::Disabled));
}

#[test]
fn a_threshold_counts_from_itself_on() {
    let limit = Threshold { warn: 3, crit: 5 };
    let judged: Vec<Health> = (2..7).map(|value| limit.judge(&value)).collect();
    assert_eq!(judged, [Health::Ok, Health::Warning, Health::Warning, Health::Critical, Health::Critical]);
}
