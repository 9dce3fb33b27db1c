//! From the bytes of segments to records: pages, continuations and checksums.

use crc_fast::{CrcAlgorithm, Digest};

use super::fields::{Fields, RM_XLOG, SWITCH};
use super::{Lsn, RecordKind, Timeline, WalFlaw, WalRecord};
use crate::model::WalHeader;

/// The length of a page's header (`XLogPageHeaderData`, aligned), in bytes; a segment's first page has the
/// long one.
const SHORT: usize = 24;
const LONG: usize = WalHeader::LEN;

/// The length of a record's header (`XLogRecord`).
const HEADER: usize = 24;

/// Where the checksum is in it; it covers the data first, and then what stands before itself.
const CRC: usize = 20;

/// No record is longer: `palloc` gives no more at once, and since PostgreSQL 16 the limit is
/// `XLogRecordMaxSize`, a little less.
const LONGEST: u64 = 1 << 30;

/// What records are aligned to.
const ALIGNMENT: u64 = 8;

/// Flags of a page (`XLP_…`).
const FIRST_IS_CONTRECORD: u16 = 0x0001;
const LONG_HEADER: u16 = 0x0002;
const FIRST_IS_OVERWRITE_CONTRECORD: u16 = 0x0008;
const ALL_FLAGS: u16 = 0x000F;

/// Reads records out of segments that are fed to it one after the other.
///
/// It begins at the beginning of any segment; what is left there of a record that began before is passed
/// over. Its memory does not depend on what it is fed: a few hundred bytes, and the relations of one record
/// (at most [`super::MOST_RELATIONS`]).
pub struct WalScan {
    /// The next byte.
    at: u64,
    format: Option<Format>,
    /// The page's header as far as it has come in.
    head: Vec<u8>,
    /// Bytes to pass over that continue a record from before the first segment.
    skip: u64,
    /// The rest of the segment is empty: a switch came.
    to_end_of_segment: bool,
    record: Option<Assembly>,
    /// Where the last whole record began.
    previous: Option<Lsn>,
    /// Where the last whole record ended.
    end: Option<Lsn>,
    timeline: Timeline,
    sought: Option<u32>,
    ended: Option<Lsn>,
    flaw: Option<WalFlaw>,
}

/// What the first header tells.
#[derive(Debug, Clone, Copy)]
struct Format {
    magic: u16,
    major: u32,
    page: u64,
    segment: u64,
}

/// A record that is coming in.
struct Assembly {
    start: Lsn,
    timeline: Timeline,
    header: [u8; HEADER],
    /// How much of it has come in, header and data.
    have: u64,
    /// How long it is; 0 before that is known.
    total: u64,
    crc: Digest,
    fields: Option<Fields>,
}

/// A record that has begun and goes on in the next segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// Where it begins.
    pub start: Lsn,
    /// Whether it may say something that matters; a record of which the beginning is known and does not
    /// matter need not be read to its end.
    pub matters: bool,
}

impl Default for WalScan {
    fn default() -> Self {
        Self::new()
    }
}

impl WalScan {
    /// A scan that has seen nothing.
    pub const fn new() -> Self {
        Self {
            at: 0,
            format: None,
            head: Vec::new(),
            skip: 0,
            to_end_of_segment: false,
            record: None,
            previous: None,
            end: None,
            timeline: Timeline::FIRST,
            sought: None,
            ended: None,
            flaw: None,
        }
    }

    /// The same that looks for this transaction among the subtransactions as well.
    #[must_use]
    pub const fn seeking(mut self, xid: u32) -> Self {
        self.sought = Some(xid);
        self
    }

    /// Takes the next bytes and gives the records that end in them to `each`, in order. The first bytes are
    /// the beginning of a segment. Behind the last record, where zeros begin, everything is passed over; so
    /// it is behind a flaw, which is told again to whoever goes on.
    pub fn feed(&mut self, bytes: &[u8], each: &mut dyn FnMut(&WalRecord)) -> Result<(), WalFlaw> {
        if let Some(flaw) = &self.flaw {
            return Err(flaw.clone());
        }
        self.read(bytes, each).inspect_err(|flaw| self.flaw = Some(flaw.clone()))
    }

    /// Where the records end, if zeros came where one should begin.
    pub const fn ended(&self) -> Option<Lsn> {
        self.ended
    }

    /// Where the last whole record ended.
    pub const fn last_end(&self) -> Option<Lsn> {
        self.end
    }

    /// The next byte that is expected; 0 before the first.
    pub const fn position(&self) -> Lsn {
        Lsn(self.at)
    }

    /// The record that has begun and has not ended.
    pub fn pending(&self) -> Option<Pending> {
        let record = self.record.as_ref()?;
        let matters = record.have < HEADER as u64 || record.fields.is_some();
        Some(Pending { start: record.start, matters })
    }

    fn read(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(&WalRecord)) -> Result<(), WalFlaw> {
        while !bytes.is_empty() && self.ended.is_none() {
            let used = match self.format {
                None => self.first_page(bytes)?,
                Some(format) if self.to_end_of_segment => {
                    let left = format.segment - self.at % format.segment;
                    let used = self.pass(bytes, left);
                    self.to_end_of_segment = used as u64 != left;
                    used
                }
                Some(format) if self.at.is_multiple_of(format.page) || !self.head.is_empty() => {
                    self.page(bytes, format)?
                }
                Some(format) => {
                    let room = format.page - self.at % format.page;
                    let most = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
                    self.body(&bytes[..most], format, each)?
                }
            };
            bytes = &bytes[used..];
        }
        Ok(())
    }

    fn flaw<T>(at: Lsn, why: impl Into<String>) -> Result<T, WalFlaw> {
        Err(WalFlaw { at, why: why.into() })
    }

    /// Passes over bytes, as many as there are and `most`.
    fn pass(&mut self, bytes: &[u8], most: u64) -> usize {
        let passed = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
        self.at += passed as u64;
        passed
    }

    /// Collects a header; how much was taken, and whether it is there.
    fn collect(&mut self, bytes: &[u8], wanted: usize) -> (usize, bool) {
        let taken = (wanted - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..taken]);
        (taken, self.head.len() == wanted)
    }

    /// The first page of all says what is read.
    fn first_page(&mut self, bytes: &[u8]) -> Result<usize, WalFlaw> {
        let (taken, whole) = self.collect(bytes, LONG);
        if !whole {
            return Ok(taken);
        }
        let header = match WalHeader::parse(&self.head) {
            Ok(header) => header,
            Err(e) => return Self::flaw(Lsn(0), e.to_string()),
        };
        let start = header.start;
        let Some(major) = header.major() else {
            let why =
                format!("the page magic is {:#06X}, which is of no PostgreSQL from 13 to 18", header.magic);
            return Self::flaw(start, why);
        };
        let page = u32_at(&self.head, 36);
        if !page.is_power_of_two() || !(1 << 10..=64 << 10).contains(&page) {
            return Self::flaw(start, format!("the page size is {page} bytes, which no server has"));
        }
        let format =
            Format { magic: header.magic, major, page: page.into(), segment: header.segment_size.bytes() };
        if !start.0.is_multiple_of(format.segment) || start.0.checked_add(format.segment).is_none() {
            return Self::flaw(start, format!("no segment of {} bytes begins here", format.segment));
        }
        self.timeline = header.timeline;
        self.at = start.0;
        if u16_at(&self.head, 2) & FIRST_IS_CONTRECORD != 0 {
            self.skip = u32_at(&self.head, 16).into();
        }
        self.format = Some(format);
        self.header(format)?;
        Ok(taken)
    }

    /// The header of a page.
    fn page(&mut self, bytes: &[u8], format: Format) -> Result<usize, WalFlaw> {
        let long = self.at.is_multiple_of(format.segment);
        let (taken, whole) = self.collect(bytes, if long { LONG } else { SHORT });
        if whole {
            if self.head.iter().all(|byte| *byte == 0) {
                // The rest of a segment that was never filled.
                self.ended = Some(self.record.take().map_or(Lsn(self.at), |record| record.start));
                self.head.clear();
                return Ok(taken);
            }
            self.header(format)?;
        }
        Ok(taken)
    }

    /// Judges the header that has come in, of the page that begins here, and goes on behind it.
    fn header(&mut self, format: Format) -> Result<(), WalFlaw> {
        let page = Lsn(self.at);
        let long = self.at.is_multiple_of(format.segment);
        let (magic, flags) = (u16_at(&self.head, 0), u16_at(&self.head, 2));
        let address = Lsn(u64::from(u32_at(&self.head, 8)) | u64::from(u32_at(&self.head, 12)) << 32);
        if magic != format.magic {
            return Self::flaw(page, format!("the page magic is {magic:#06X}, not {:#06X}", format.magic));
        }
        if flags & !ALL_FLAGS != 0 || (flags & LONG_HEADER != 0) != long {
            return Self::flaw(page, format!("the page's flags are {flags:#06X}"));
        }
        if address != page {
            return Self::flaw(page, format!("the page says that it is at {address}"));
        }
        if long {
            let (segment, size) = (u32_at(&self.head, 32), u32_at(&self.head, 36));
            if u64::from(segment) != format.segment || u64::from(size) != format.page {
                let why = format!(
                    "segments and pages have {segment} and {size} bytes here, and {} and {} before",
                    format.segment, format.page
                );
                return Self::flaw(page, why);
            }
        }
        if self.at.checked_add(format.segment).is_none() {
            return Self::flaw(page, "the WAL has no positions behind this segment");
        }
        let timeline = u32_at(&self.head, 4);
        let Some(timeline) = Timeline::new(timeline).filter(|timeline| *timeline >= self.timeline) else {
            let why = format!("the page is of timeline {timeline}, after one of {}", self.timeline.number());
            return Self::flaw(page, why);
        };
        self.timeline = timeline;
        let rest = u32_at(&self.head, 16).into();
        self.continuation(page, flags, rest)?;
        self.at += self.head.len() as u64;
        self.head.clear();
        Ok(())
    }

    /// Whether the page goes on with what came before it.
    fn continuation(&mut self, page: Lsn, flags: u16, rest: u64) -> Result<(), WalFlaw> {
        if flags & FIRST_IS_OVERWRITE_CONTRECORD != 0 {
            // What came before was never completed, and a record that says so comes now.
            self.record = None;
            self.skip = 0;
            return Ok(());
        }
        let continues = flags & FIRST_IS_CONTRECORD != 0;
        match &self.record {
            Some(record) if !continues => {
                let why = format!("the record that began at {} does not go on here", record.start);
                Self::flaw(page, why)
            }
            Some(record) if rest != record.total - record.have => {
                let left = record.total - record.have;
                let why = format!(
                    "the record that began at {} has {left} bytes left, and the page says {rest}",
                    record.start
                );
                Self::flaw(page, why)
            }
            None if continues && self.skip == 0 => {
                Self::flaw(page, "it goes on with a record that never began")
            }
            None if rest != self.skip => {
                Self::flaw(page, format!("a record has {} bytes left, and the page says {rest}", self.skip))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What is behind the header of a page; `bytes` end with it at the latest.
    fn body(
        &mut self,
        bytes: &[u8],
        format: Format,
        each: &mut dyn FnMut(&WalRecord),
    ) -> Result<usize, WalFlaw> {
        if self.skip > 0 {
            let passed = self.pass(bytes, self.skip);
            self.skip -= passed as u64;
            return Ok(passed);
        }
        let Some(record) = &mut self.record else {
            let padding = self.at.next_multiple_of(ALIGNMENT) - self.at;
            if padding > 0 {
                return Ok(self.pass(bytes, padding));
            }
            self.record = Some(Assembly::new(Lsn(self.at), self.timeline));
            return Ok(0);
        };
        let used = record.take(bytes, format.major, self.sought);
        self.at += used as u64;
        if record.have >= 4 && record.total == 0 {
            self.ended = Some(record.start);
            self.record = None;
            return Ok(used);
        }
        record.judge(self.previous)?;
        if record.is_whole() {
            let Some(record) = self.record.take() else { return Ok(used) };
            let record = record.finish(Lsn(self.at.next_multiple_of(ALIGNMENT)), format)?;
            self.to_end_of_segment =
                record.what == RecordKind::Switch && !self.at.is_multiple_of(format.segment);
            self.previous = Some(record.start);
            self.end = Some(record.end);
            each(&record);
        }
        Ok(used)
    }
}

impl Assembly {
    fn new(start: Lsn, timeline: Timeline) -> Self {
        let crc = Digest::new(CrcAlgorithm::Crc32Iscsi);
        Self { start, timeline, header: [0; HEADER], have: 0, total: 0, crc, fields: None }
    }

    fn is_whole(&self) -> bool {
        self.have >= HEADER as u64 && self.have == self.total
    }

    /// Takes what belongs to the record: its length alone first, then the rest of its header, then its data.
    fn take(&mut self, bytes: &[u8], major: u32, sought: Option<u32>) -> usize {
        let have = usize::try_from(self.have).unwrap_or(usize::MAX);
        if have >= HEADER {
            let left = usize::try_from(self.total - self.have).unwrap_or(usize::MAX);
            let data = &bytes[..left.min(bytes.len())];
            self.crc.update(data);
            if let Some(fields) = &mut self.fields {
                fields.feed(data);
            }
            self.have += data.len() as u64;
            return data.len();
        }
        let wanted = if have < 4 { 4 } else { HEADER };
        let taken = (wanted - have).min(bytes.len());
        self.header[have..have + taken].copy_from_slice(&bytes[..taken]);
        self.have += taken as u64;
        if have + taken == 4 {
            self.total = u32_at(&self.header, 0).into();
        }
        if have + taken == HEADER {
            let length = self.total.saturating_sub(HEADER as u64);
            self.fields = Fields::of(major, self.header[17], self.header[16], self.xid(), length, sought);
        }
        taken
    }

    fn xid(&self) -> u32 {
        u32_at(&self.header, 4)
    }

    /// Whether what has come in of the header can be one.
    fn judge(&self, previous: Option<Lsn>) -> Result<(), WalFlaw> {
        let flaw = |why| Err(WalFlaw { at: self.start, why });
        if self.have >= 4 && !(HEADER as u64..=LONGEST).contains(&self.total) {
            return flaw(format!("a record of {} bytes, which is no record's length", self.total));
        }
        if self.have != HEADER as u64 {
            return Ok(());
        }
        let said = Lsn(u64::from(u32_at(&self.header, 8)) | u64::from(u32_at(&self.header, 12)) << 32);
        match previous {
            Some(previous) if said != previous => flaw(format!(
                "the record says that the one before it began at {said}, and that was {previous}"
            )),
            None if said >= self.start => {
                flaw(format!("the record says that the one before it began at {said}, which is later"))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self, end: Lsn, format: Format) -> Result<WalRecord, WalFlaw> {
        let (start, xid) = (self.start, self.xid());
        let (info, rmgr) = (self.header[16], self.header[17]);
        self.crc.update(&self.header[..CRC]);
        let (found, recorded) = (self.crc.finalize(), u64::from(u32_at(&self.header, CRC)));
        if found != recorded {
            let why = format!("the record's checksum is {recorded:08X}, and its bytes have {found:08X}");
            return Err(WalFlaw { at: start, why });
        }
        let is_switch = rmgr == RM_XLOG && info & 0xF0 == SWITCH;
        let end = if is_switch { Lsn(end.0.next_multiple_of(format.segment)) } else { end };
        let what = match self.fields {
            _ if is_switch => RecordKind::Switch,
            Some(fields) => fields.finish().map_err(|why| WalFlaw { at: start, why })?,
            None if rmgr == RM_XLOG && info & 0xF0 == 0x60 => RecordKind::ParameterChange,
            None => RecordKind::Other { rmgr, info },
        };
        Ok(WalRecord { start, end, timeline: self.timeline, xid, what })
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}
