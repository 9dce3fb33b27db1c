//! WAL made of nothing, for tests.

use crc_fast::CrcAlgorithm::Crc32Iscsi;

/// One record to be written.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) xid: u32,
    pub(crate) rmgr: u8,
    pub(crate) info: u8,
    pub(crate) data: Vec<u8>,
}

/// Writes records into pages.
pub(crate) struct Writer {
    pub(crate) bytes: Vec<u8>,
    magic: u16,
    start: u64,
    page: u64,
    segment: u64,
    timeline: u32,
    previous: u64,
}

impl Writer {
    /// Begins a segment at `start`.
    pub(crate) fn new(magic: u16, start: u64, page: u64, segment: u64) -> Self {
        Self { bytes: Vec::new(), magic, start, page, segment, timeline: 1, previous: start - 8 }
    }

    pub(crate) fn at(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// The data in front of which its length stands.
    pub(crate) fn with_length(data: &[u8]) -> Vec<u8> {
        match u8::try_from(data.len()) {
            Ok(len) => [&[255, len], data].concat(),
            Err(_) => [&[254][..], &u32::try_from(data.len()).unwrap_or(0).to_le_bytes(), data].concat(),
        }
    }

    /// Writes a record; where it begins.
    pub(crate) fn record(&mut self, draft: &Draft) -> u64 {
        while !self.at().is_multiple_of(8) {
            self.bytes.push(0);
        }
        self.header_if_due(0, 0);
        let start = self.at();
        let mut record = Vec::new();
        record.extend(u32::try_from(24 + draft.data.len()).unwrap_or(0).to_le_bytes());
        record.extend(draft.xid.to_le_bytes());
        record.extend(self.previous.to_le_bytes());
        record.extend([draft.info, draft.rmgr, 0, 0]);
        let crc = crc_fast::checksum(Crc32Iscsi, &[&draft.data[..], &record[..]].concat());
        record.extend(u32::try_from(crc).unwrap_or(0).to_le_bytes());
        record.extend(&draft.data);
        self.put(&record);
        self.previous = start;
        start
    }

    /// Writes bytes of a record over pages.
    pub(crate) fn put(&mut self, record: &[u8]) {
        for (i, byte) in record.iter().enumerate() {
            self.header_if_due(u16::from(i > 0), record.len() - i);
            self.bytes.push(*byte);
        }
    }

    /// What a promotion does to the pages from here on.
    pub(crate) fn promote(&mut self) {
        self.timeline += 1;
    }

    /// The header of a page that begins here.
    pub(crate) fn header_if_due(&mut self, flags: u16, rest: usize) {
        if !self.at().is_multiple_of(self.page) {
            return;
        }
        let at = self.at();
        let long = at.is_multiple_of(self.segment);
        let rest = if flags & 1 == 0 { 0 } else { u32::try_from(rest).unwrap_or(0) };
        self.bytes.extend(self.magic.to_le_bytes());
        self.bytes.extend((flags | if long { 2 } else { 0 }).to_le_bytes());
        self.bytes.extend(self.timeline.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend(rest.to_le_bytes());
        self.bytes.extend([0; 4]);
        if long {
            self.bytes.extend(7_000_000_000_000_000_001_u64.to_le_bytes());
            self.bytes.extend(u32::try_from(self.segment).unwrap_or(0).to_le_bytes());
            self.bytes.extend(u32::try_from(self.page).unwrap_or(0).to_le_bytes());
        }
    }

    /// Fills the segment with zeros.
    pub(crate) fn fill(&mut self) {
        while !self.at().is_multiple_of(self.segment) {
            self.bytes.push(0);
        }
    }
}

/// The end of a transaction: `operation` as in `XLOG_XACT_…`, its time in microseconds since 2000.
pub(crate) fn xact(xid: u32, operation: u8, micros: i64, flags: u32, more: &[u8]) -> Draft {
    let mut data = micros.to_le_bytes().to_vec();
    if flags != 0 {
        data.extend(flags.to_le_bytes());
    }
    data.extend(more);
    let info = operation | if flags == 0 { 0 } else { 0x80 };
    Draft { xid, rmgr: 1, info, data: Writer::with_length(&data) }
}
