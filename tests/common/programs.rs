//! The nine programs, as their names end behind `barman-cloud-`.

pub(crate) const PROGRAMS: [&str; 9] = [
    "wal-archive",
    "wal-restore",
    "backup",
    "backup-list",
    "backup-show",
    "backup-delete",
    "backup-keep",
    "restore",
    "check-wal-archive",
];
