//! Names, numbers and decisions: pure, without I/O, clock, environment or async.
//!
//! What a string names becomes here, once, a type that cannot be wrong; `Display` and `FromStr`
//! are inverses. Decisions are functions from values to values.

mod backup;
mod backup_id;
mod choose;
mod compression;
mod coverage;
mod gc;
mod history;
mod lsn;
mod partial;
mod recovery_target;
mod retention;
mod schedule;
mod segment;
mod server_name;
mod sql;
mod status;
mod system_id;
mod tar_name;
mod timeline;
mod timer;
mod vacancy;
mod verify;
mod wal_header;
mod wal_inventory;
mod wal_name;
pub(crate) mod wal_record;
mod wal_search;
mod wal_state;

pub use backup::{Backup, BackupRef, BackupStatus, Edge, Keep, Tablespace};
pub use backup_id::BackupId;
pub use choose::{Candidate, Choice, EndedBy, Rejected, Timelines, Unfit, Why, choose, choose_ended};
pub use compression::{Compression, Level};
pub use coverage::{
    ArchiveFacts, BackupCover, BackupState, Coverage, Origin, Reach, Sizes, StoredOnDay, TimelineCover,
    WalRun, WalTally, Window, stored_by_day,
};
pub use gc::{GcFacts, GcPlan, GcReason, GcVerdict, ProbeFact, UploadFact};
pub use history::{Fork, TimelineHistory};
pub use lsn::Lsn;
pub use partial::{Overlap, Overlapping};
pub use recovery_target::{
    RecoveryTarget, TargetAction, TargetName, TargetPoint, TargetTime, TargetTimeline, Xid, utc,
};
pub use retention::{
    BackupFact, Expiry, Facts, Forecast, Goes, Judged, Locked, OrphanFact, Plan, Reason, RetentionPolicy,
    RetentionRule, Step as ForecastStep, WalPlan, WalRange, WindowUnit, Withheld,
};
pub use schedule::{Calendar, Field as ScheduleField, Schedule};
pub use segment::{SegmentName, SegmentSize};
pub use server_name::ServerName;
pub use sql::{SqlStatement, statements};
pub use status::{
    Archiver, ArchivingState, Health, Lag, ServerSight, StatusFacts, StatusFinding, StatusLimits, Threshold,
    Waiting, Wrote, coarse_span, status_findings,
};
pub use system_id::SystemId;
pub use tar_name::{Series, TarName};
pub use timeline::Timeline;
pub use timer::{Cron, Timer, five_fields};
pub use vacancy::Vacancy;
pub use verify::{
    Class, Finding, Gap, Mark, Severity, Share, Turn, Upset, VerifyAges, VerifyLedger, history_gaps,
    record_flaws, take_turn, twins, wal_gaps,
};
pub use wal_header::{Misfit, WalHeader};
pub use wal_inventory::{InventoryBuilder, WalInventory, WalObject};
pub use wal_name::WalName;
pub use wal_record::{MOST_RELATIONS, Pending, RecordKind, Relation, WalFlaw, WalRecord, WalScan, XactEnd};
pub use wal_search::{MOST_FOUND, Sought, WalSearch};
pub use wal_state::WalState;
use wal_state::last_position;
