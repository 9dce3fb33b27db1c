//! What WAL there is.

use jiff::Timestamp;

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
/// 40 MB, and four bytes more each where it is known when they were stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalInventory {
    objects: Vec<WalObject>,
    /// When each was stored, in seconds since 1970, 0 where nobody knows; empty when nobody asked.
    stored: Vec<u32>,
}

/// An inventory that is being filled in the order of the store's listing. Segments come in the order of
/// their names there, so that a million of them need not be copied to be sorted.
#[derive(Debug, Default)]
pub struct InventoryBuilder {
    segments: Vec<WalObject>,
    stored: Vec<u32>,
    others: Vec<(WalObject, u32)>,
}

impl InventoryBuilder {
    /// Adds a file, and when it was stored.
    pub fn push(&mut self, object: WalObject, stored: Option<Timestamp>) {
        let stored = stored.and_then(|at| u32::try_from(at.as_second()).ok()).unwrap_or(0);
        let in_order = self.segments.last().is_none_or(|last| *last <= object);
        if object.name.segment().is_some() && in_order {
            self.segments.push(object);
            self.stored.push(stored);
        } else {
            self.others.push((object, stored));
        }
    }

    /// The inventory.
    pub fn finish(self) -> WalInventory {
        let Self { segments: mut objects, mut stored, mut others } = self;
        if others.iter().any(|(object, _)| object.name.segment().is_some()) {
            others.extend(objects.drain(..).zip(stored.drain(..)));
        }
        others.sort_unstable();
        for (object, at) in others {
            objects.push(object);
            stored.push(at);
        }
        WalInventory { objects, stored }
    }
}

impl WalInventory {
    /// The inventory of these files, in whatever order they come, of which nobody knows when they were
    /// stored.
    pub fn new(mut objects: Vec<WalObject>) -> Self {
        objects.sort_unstable();
        Self { objects, stored: Vec::new() }
    }

    /// All files: complete segments first, then partial ones, labels and histories, each in the order
    /// of their names.
    pub fn objects(&self) -> &[WalObject] {
        &self.objects
    }

    /// All files in the same order, with the second each was stored in, by the store's clock.
    pub fn dated(&self) -> impl Iterator<Item = (&WalObject, Option<Timestamp>)> {
        self.objects.iter().enumerate().map(|(i, object)| (object, self.stored_at(i)))
    }

    /// When the complete file with this name was stored; of several forms the first's time.
    pub fn stored(&self, name: &WalName) -> Option<Timestamp> {
        self.stored_at(self.position(name)?)
    }

    /// The complete file with this name; of several forms the first.
    pub fn find(&self, name: &WalName) -> Option<&WalObject> {
        self.objects.get(self.position(name)?)
    }

    /// Whether the complete file with this name lies there in several forms.
    pub fn is_in_several_forms(&self, name: &WalName) -> bool {
        let next = self.position(name).and_then(|i| self.objects.get(i + 1));
        next.is_some_and(|other| other.name == *name)
    }

    fn position(&self, name: &WalName) -> Option<usize> {
        let i = self.objects.partition_point(|object| object.name < *name);
        self.objects.get(i).filter(|object| object.name == *name).map(|_| i)
    }

    fn stored_at(&self, i: usize) -> Option<Timestamp> {
        let second = self.stored.get(i).copied().filter(|second| *second > 0)?;
        Timestamp::from_second(i64::from(second)).ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_files_with_their_times_fit_into_fifty_megabytes() {
        assert!(1_000_000 * (size_of::<WalObject>() + size_of::<u32>()) < 50_000_000);
    }

    #[test]
    fn times_stay_with_their_files_whatever_the_order_of_the_listing() {
        let names = [
            "00000002.history",
            "000000010000000000000003",
            "000000010000000000000003.00000028.backup",
            "000000010000000000000001",
            "000000020000000000000004.partial",
            "000000020000000000000002",
        ];
        let object = |name: &str| WalObject {
            name: name.parse().unwrap(),
            compression: Compression::Zstd,
            stored_bytes: 1,
        };
        let at = |i: usize| Timestamp::from_second(1000 + i64::try_from(i).unwrap()).unwrap();
        let mut builder = InventoryBuilder::default();
        for (i, name) in names.iter().enumerate() {
            builder.push(object(name), (i != 5).then(|| at(i)));
        }
        let inventory = builder.finish();
        assert_eq!(inventory.objects(), WalInventory::new(names.map(object).to_vec()).objects());
        for (i, name) in names.iter().enumerate() {
            assert_eq!(inventory.stored(&name.parse().unwrap()), (i != 5).then(|| at(i)), "{name}");
        }
        assert_eq!(inventory.stored(&"000000010000000000000002".parse().unwrap()), None);
        assert_eq!(WalInventory::new(vec![object(names[1])]).stored(&names[1].parse().unwrap()), None);
        assert_eq!(inventory.dated().filter(|(_, at)| at.is_none()).count(), 1);
    }
}
