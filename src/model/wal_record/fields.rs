//! The fields of one record's data, taken from pieces of any length. What is not wanted is passed over, so
//! a record of any length costs little memory.

use jiff::Timestamp;

use super::{Lsn, MOST_RELATIONS, RecordKind, Relation, XactEnd};

/// Resource managers (`access/rmgrlist.h`; the order never changes).
pub(super) const RM_XLOG: u8 = 0;
const RM_XACT: u8 = 1;
const RM_SMGR: u8 = 2;
const RM_DBASE: u8 = 4;
const RM_STANDBY: u8 = 8;

/// `XLR_RMGR_INFO_MASK`: the bits of a record's info that are the resource manager's own.
const INFO: u8 = 0xF0;

/// `XLOG_SWITCH`.
pub(super) const SWITCH: u8 = 0x40;

/// PostgreSQL counts microseconds from 2000-01-01 00:00:00 UTC.
const EPOCH: i64 = 946_684_800_000_000;

/// The longest name that is read, in bytes: `GIDSIZE` and `MAXFNAMELEN` are 200 and 64.
const LONGEST_NAME: usize = 200;

/// What stands in front of a record's data (`XLR_BLOCK_ID_…`). Block references are lower, and no record
/// that is read here has one.
const SHORT_DATA: u8 = 255;
const LONG_DATA: u8 = 254;
const ORIGIN: u8 = 253;
const TOPLEVEL_XID: u8 = 252;

/// Bits of `xl_xact_xinfo`.
mod xinfo {
    pub(super) const DATABASE: u32 = 1;
    pub(super) const SUBXACTS: u32 = 1 << 1;
    pub(super) const RELATIONS: u32 = 1 << 2;
    pub(super) const INVALIDATIONS: u32 = 1 << 3;
    pub(super) const TWO_PHASE: u32 = 1 << 4;
    pub(super) const ORIGIN: u32 = 1 << 5;
    pub(super) const GID: u32 = 1 << 7;
    pub(super) const DROPPED_STATISTICS: u32 = 1 << 8;
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The head of a part of the record.
    Part,
    DataLength,
    /// A structure of fixed length that is all there is to know.
    Whole,
    Time,
    Xinfo,
    Database,
    SubxactCount,
    Subxact(u32),
    RelationCount,
    Relation(u32),
    StatisticsCount,
    InvalidationCount,
    TwoPhase,
    Gid,
    Origin,
    Done,
}

/// What kind of data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    Commit { prepared: bool },
    Abort { prepared: bool },
    Prepare,
    Checkpoint { shutdown: bool },
    RestorePoint,
    EndOfRecovery,
    BackupEnd,
    Overwritten,
    Running,
    DatabaseDrop,
    Truncate,
}

impl Data {
    /// What data a record has whose fields are wanted.
    fn of(major: u32, rmgr: u8, info: u8, length: u64) -> Option<Self> {
        let dropped = if major < 15 { 0x10 } else { 0x20 };
        match (rmgr, info & INFO) {
            (RM_XACT, info) => match info & 0x70 {
                0x00 => Some(Self::Commit { prepared: false }),
                0x10 => Some(Self::Prepare),
                0x20 => Some(Self::Abort { prepared: false }),
                0x30 => Some(Self::Commit { prepared: true }),
                0x40 => Some(Self::Abort { prepared: true }),
                _ => None,
            },
            (RM_XLOG, 0x00) => Some(Self::Checkpoint { shutdown: true }),
            (RM_XLOG, 0x10) => Some(Self::Checkpoint { shutdown: false }),
            (RM_XLOG, 0x50) => Some(Self::BackupEnd),
            (RM_XLOG, 0x70) => Some(Self::RestorePoint),
            (RM_XLOG, 0x90) => Some(Self::EndOfRecovery),
            (RM_XLOG, 0xD0) => Some(Self::Overwritten),
            (RM_STANDBY, 0x10) => Some(Self::Running),
            (RM_SMGR, 0x20) => Some(Self::Truncate),
            (RM_DBASE, info) if info == dropped => Some(Self::DatabaseDrop),
            _ => None,
        }
        .filter(|_| length > 0)
    }

    /// The length of the structure, or of the part of it that is wanted.
    const fn len(self) -> usize {
        match self {
            Self::Commit { .. } | Self::Abort { .. } | Self::BackupEnd => 8,
            Self::Prepare => 24,
            // `CheckPoint` up to its time; PostgreSQL 17 put `wal_level` into what was padding.
            Self::Checkpoint { .. } | Self::RestorePoint => 72,
            Self::EndOfRecovery | Self::Overwritten | Self::Truncate => 16,
            Self::Running => 20,
            Self::DatabaseDrop => 4,
        }
    }
}

/// A record's fields, as far as they have come in.
pub(super) struct Fields {
    major: u32,
    data: Data,
    /// The lower seven bits are the operation's; the highest says that there are flags.
    info: u8,
    step: Step,
    /// The field that is coming in.
    field: Vec<u8>,
    /// How long it will be.
    wanted: usize,
    /// Bytes to pass over before it.
    skip: u64,
    xinfo: u32,
    sought: Option<u32>,
    xact: XactEnd,
    found: Option<RecordKind>,
    wrong: Option<String>,
}

impl Fields {
    /// The fields of a record whose data is `length` bytes long; `None` when nothing in it is wanted.
    pub(super) fn of(
        major: u32,
        rmgr: u8,
        info: u8,
        xid: u32,
        length: u64,
        sought: Option<u32>,
    ) -> Option<Self> {
        let data = Data::of(major, rmgr, info, length)?;
        let (committed, prepared) = match data {
            Data::Commit { prepared } => (true, prepared),
            Data::Abort { prepared } => (false, prepared),
            _ => (false, false),
        };
        let xact = XactEnd {
            xid,
            time: Timestamp::UNIX_EPOCH,
            committed,
            prepared,
            gid: None,
            subxacts: 0,
            has_sought: false,
            database: None,
            dropped: Vec::new(),
            dropped_total: 0,
            origin: None,
        };
        Some(Self {
            major,
            data,
            info,
            step: Step::Part,
            field: Vec::with_capacity(72),
            wanted: 1,
            skip: 0,
            xinfo: 0,
            sought,
            xact,
            found: None,
            wrong: None,
        })
    }

    /// The next bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while self.step != Step::Done {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            bytes = &bytes[skipped..];
            self.skip -= skipped as u64;
            let missing = self.wanted - self.field.len();
            if self.skip > 0 || (bytes.is_empty() && missing > 0) {
                return;
            }
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.field.extend_from_slice(taken);
            bytes = rest;
            if self.field.len() == self.wanted {
                self.take();
            }
        }
    }

    /// What the record says, once all of it has come in. The error tells what makes no sense.
    pub(super) fn finish(self) -> Result<RecordKind, String> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        match (self.found, self.step) {
            (Some(found), _) => Ok(found),
            (None, Step::Done) => Ok(RecordKind::XactEnd(Box::new(self.xact))),
            (None, step) => Err(format!("the record's data end before its fields do ({step:?})")),
        }
    }

    fn then(&mut self, step: Step, wanted: usize) {
        (self.step, self.wanted) = (step, wanted);
    }

    /// A field has come in whole.
    fn take(&mut self) {
        let field = std::mem::take(&mut self.field);
        match self.step {
            Step::Part => self.part(field[0]),
            Step::DataLength => self.begin(),
            Step::Whole => {
                match self.whole(&field) {
                    Some(found) => self.found = Some(found),
                    None => self.wrong = Some("the time in the record is none".to_owned()),
                }
                self.step = Step::Done;
            }
            Step::Time => {
                match moment(i64_at(&field, 0)) {
                    Some(time) => self.xact.time = time,
                    None => self.wrong = Some("the time in the record is none".to_owned()),
                }
                if self.info & 0x80 == 0 {
                    self.step = Step::Done;
                } else {
                    self.then(Step::Xinfo, 4);
                }
            }
            step => self.detail(step, &field),
        }
        // It is used again.
        self.field = field;
        self.field.clear();
    }

    fn part(&mut self, id: u8) {
        match id {
            SHORT_DATA => self.then(Step::DataLength, 1),
            LONG_DATA => self.then(Step::DataLength, 4),
            ORIGIN => self.skip = 2,
            TOPLEVEL_XID => self.skip = 4,
            id => {
                self.wrong = Some(format!("a part of the record has the number {id}, which is unknown"));
                self.step = Step::Done;
            }
        }
    }

    fn begin(&mut self) {
        let first = match self.data {
            Data::Commit { .. } | Data::Abort { .. } => Step::Time,
            _ => Step::Whole,
        };
        self.then(first, self.data.len());
    }

    /// One of the parts of a transaction's end that its flags announce, which stand in this order.
    fn detail(&mut self, step: Step, field: &[u8]) {
        match step {
            Step::Xinfo => {
                self.xinfo = u32_at(field, 0);
                self.next(0);
            }
            Step::Database => {
                self.xact.database = Some(u32_at(field, 0)).filter(|oid| *oid != 0);
                self.next(xinfo::DATABASE);
            }
            Step::SubxactCount => {
                self.xact.subxacts = u32_at(field, 0);
                self.subxacts(self.xact.subxacts);
            }
            Step::Subxact(left) => {
                self.xact.has_sought |= self.sought == Some(u32_at(field, 0));
                self.subxacts(left - 1);
            }
            Step::RelationCount => {
                self.xact.dropped_total = u32_at(field, 0);
                self.relations(self.xact.dropped_total);
            }
            Step::Relation(left) => {
                self.xact.dropped.push(relation(field));
                self.relations(left - 1);
            }
            Step::StatisticsCount => {
                // PostgreSQL 18 made an object's number 64 bits long.
                let each = if self.major < 18 { 12 } else { 16 };
                self.skip = u64::from(u32_at(field, 0)) * each;
                self.next(xinfo::DROPPED_STATISTICS);
            }
            Step::InvalidationCount => {
                self.skip = u64::from(u32_at(field, 0)) * 16;
                self.next(xinfo::INVALIDATIONS);
            }
            Step::TwoPhase => {
                self.xact.xid = u32_at(field, 0);
                self.next(xinfo::TWO_PHASE);
            }
            Step::Gid => self.gid(field[0]),
            Step::Origin => {
                self.xact.origin = Some(Lsn(u64_at(field, 0)));
                self.next(xinfo::ORIGIN);
            }
            _ => self.step = Step::Done,
        }
    }

    /// Goes on to the first part after this one that the flags announce.
    fn next(&mut self, after: u32) {
        const ORDER: [(u32, Step, usize); 8] = [
            (xinfo::DATABASE, Step::Database, 8),
            (xinfo::SUBXACTS, Step::SubxactCount, 4),
            (xinfo::RELATIONS, Step::RelationCount, 4),
            (xinfo::DROPPED_STATISTICS, Step::StatisticsCount, 4),
            (xinfo::INVALIDATIONS, Step::InvalidationCount, 4),
            (xinfo::TWO_PHASE, Step::TwoPhase, 4),
            (xinfo::GID, Step::Gid, 1),
            (xinfo::ORIGIN, Step::Origin, 16),
        ];
        let done = ORDER.iter().position(|(bit, ..)| *bit == after).map_or(0, |at| at + 1);
        match ORDER[done..].iter().find(|(bit, ..)| self.xinfo & bit != 0) {
            Some((_, step, wanted)) => self.then(*step, *wanted),
            None => self.step = Step::Done,
        }
    }

    fn subxacts(&mut self, left: u32) {
        if left == 0 {
            self.next(xinfo::SUBXACTS);
        } else if self.sought.is_none() {
            self.skip = u64::from(left) * 4;
            self.next(xinfo::SUBXACTS);
        } else {
            self.then(Step::Subxact(left), 4);
        }
    }

    fn relations(&mut self, left: u32) {
        if left == 0 || self.xact.dropped.len() == MOST_RELATIONS {
            self.skip = u64::from(left) * 12;
            self.next(xinfo::RELATIONS);
        } else {
            self.then(Step::Relation(left), 12);
        }
    }

    /// The next byte of a name that ends with a zero.
    fn gid(&mut self, byte: u8) {
        let name = self.xact.gid.get_or_insert_default();
        if byte == 0 || name.len() >= LONGEST_NAME {
            self.next(xinfo::GID);
        } else {
            name.push(if byte.is_ascii() { char::from(byte) } else { char::REPLACEMENT_CHARACTER });
            self.then(Step::Gid, 1);
        }
    }

    fn whole(&self, field: &[u8]) -> Option<RecordKind> {
        Some(match self.data {
            Data::Prepare => RecordKind::Prepared { xid: u32_at(field, 8), time: moment(i64_at(field, 16))? },
            Data::Checkpoint { shutdown } => RecordKind::Checkpoint {
                redo: Lsn(u64_at(field, 0)),
                time: Timestamp::from_second(i64_at(field, 64)).ok()?,
                next_xid: u64_at(field, 24),
                shutdown,
            },
            Data::RestorePoint => {
                let name = field[8..].split(|byte| *byte == 0).next().unwrap_or_default();
                let name = String::from_utf8_lossy(name).into_owned();
                RecordKind::RestorePoint { name, time: moment(i64_at(field, 0))? }
            }
            Data::EndOfRecovery => RecordKind::EndOfRecovery {
                time: moment(i64_at(field, 0))?,
                timeline: u32_at(field, 8),
                previous: u32_at(field, 12),
            },
            Data::BackupEnd => RecordKind::BackupEnd { start: Lsn(u64_at(field, 0)) },
            Data::Overwritten => {
                RecordKind::Overwritten { start: Lsn(u64_at(field, 0)), time: moment(i64_at(field, 8))? }
            }
            // Two counts and a flag stand before them.
            Data::Running => {
                RecordKind::Running { next_xid: u32_at(field, 12), oldest_xid: u32_at(field, 16) }
            }
            Data::DatabaseDrop => RecordKind::DatabaseDropped { database: u32_at(field, 0) },
            Data::Truncate => {
                RecordKind::Truncated { relation: relation(&field[4..]), blocks: u32_at(field, 0) }
            }
            Data::Commit { .. } | Data::Abort { .. } => return None,
        })
    }
}

/// A moment as PostgreSQL writes it.
fn moment(microseconds: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(microseconds.checked_add(EPOCH)?).ok()
}

fn relation(field: &[u8]) -> Relation {
    Relation { tablespace: u32_at(field, 0), database: u32_at(field, 4), number: u32_at(field, 8) }
}

/// Four bytes of a field that is long enough.
fn u32_at(field: &[u8], at: usize) -> u32 {
    (0..4).fold(0, |n, i| n | u32::from(field.get(at + i).copied().unwrap_or(0)) << (8 * i))
}

fn u64_at(field: &[u8], at: usize) -> u64 {
    u64::from(u32_at(field, at)) | u64::from(u32_at(field, at + 4)) << 32
}

fn i64_at(field: &[u8], at: usize) -> i64 {
    u64_at(field, at).cast_signed()
}
