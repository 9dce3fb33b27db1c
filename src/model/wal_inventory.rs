//! What WAL there is.

use super::{Compression, SegmentName, SegmentSize, Timeline, WalName};

/// One WAL file of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WalObject {
    /// Its name.
    pub name: WalName,
    /// What it is compressed with; the same name may be there in several forms.
    pub compression: Compression,
    /// Its length in the store, in bytes.
    pub stored_bytes: u64,
}

/// All WAL files of an archive: about 40 bytes each, so that a million of them (16 TiB of WAL) fit into
/// 40 MB.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalInventory {
    objects: Vec<WalObject>,
}

impl WalInventory {
    /// The inventory of these files, in whatever order they come.
    pub fn new(mut objects: Vec<WalObject>) -> Self {
        objects.sort_unstable();
        Self { objects }
    }

    /// All files: complete segments first, then partial ones, labels and histories, each in the order
    /// of their names.
    pub fn objects(&self) -> &[WalObject] {
        &self.objects
    }

    /// Whether the complete file with this name is there, in whatever form.
    pub fn has(&self, name: &WalName) -> bool {
        self.objects.binary_search_by(|object| object.name.cmp(name)).is_ok()
    }

    /// Whether this segment is there complete.
    pub fn has_segment(&self, segment: SegmentName) -> bool {
        self.has(&WalName::Segment(segment))
    }

    /// Whether this timeline's history is there.
    pub fn has_history(&self, timeline: Timeline) -> bool {
        self.has(&WalName::History(timeline))
    }

    /// The first segment from `from` to `to`, both included and of one timeline, that is not there.
    pub fn first_gap(&self, from: SegmentName, to: SegmentName, size: SegmentSize) -> Option<SegmentName> {
        let mut at = from;
        while at <= to {
            if !self.has_segment(at) {
                return Some(at);
            }
            at = at.next(size)?;
        }
        None
    }
}
