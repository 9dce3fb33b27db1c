//! What there is: the lists, the records and the histories, and what they tell.

use futures_util::{StreamExt, stream};

use super::{Scope, TimelineSpan};
use crate::archive::{Archive, Catalog, Entry, MarkedWal};
use crate::command::fetch::{history, newest_header};
use crate::command::restore::flaw;
use crate::error::{ErrorKind, Result};
use crate::model::{
    Finding, Mark, SegmentSize, SystemId, Timelines, WalInventory, WalName, WalObject, history_gaps,
    record_flaws, twins, wal_gaps,
};

/// How many histories are read at once.
const HISTORIES: usize = 8;

/// What there is.
pub(super) struct Sight {
    /// Every WAL file, in the order of their keys.
    pub(super) wal: Vec<MarkedWal>,
    pub(super) catalog: Catalog,
    /// The cluster whose archive it is.
    pub(super) system_id: Option<SystemId>,
    inventory: WalInventory,
    timelines: Timelines,
    /// Of an archive without usable backups.
    size: SegmentSize,
    /// Histories that cannot be understood.
    bad_histories: Vec<Finding>,
}

impl Sight {
    /// Looks. Kinds of failure: the store's; nothing that is wrong with the archive itself.
    pub(super) async fn of(archive: &Archive) -> Result<Self> {
        let (catalog, wal) = tokio::try_join!(archive.catalog(), archive.marked_wal())?;
        let inventory = WalInventory::new(wal.iter().map(|marked| marked.object).collect());
        let (timelines, bad_histories) = histories(archive, &inventory).await?;
        let recorded = usable(&catalog).filter_map(|entry| entry.backup.system_id).last();
        let newest = match recorded {
            Some(_) => None,
            None => newest_header(archive, &inventory).await?,
        };
        let system_id = recorded.or_else(|| newest.map(|header| header.system_id));
        let size = newest.map_or(SegmentSize::DEFAULT, |header| header.segment_size);
        Ok(Self { wal, catalog, system_id, inventory, timelines, size, bad_histories })
    }

    /// The backups that can be restored, as far as their records say; oldest first.
    pub(super) fn usable(&self) -> impl Iterator<Item = &Entry> {
        usable(&self.catalog)
    }

    /// The marks of everything that is remembered.
    pub(super) fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        self.marks_of(Scope::All)
    }

    /// The marks of what lies in these parts of the archive.
    pub(super) fn marks_of(&self, scope: Scope) -> impl Iterator<Item = Mark> + '_ {
        let wal = self.wal.iter().filter(move |_| scope.has_wal()).map(|marked| marked.mark);
        let backups = self.readable().filter(move |_| scope.has_backups());
        wal.chain(backups.map(|entry| entry.files.mark()))
    }

    /// The usable backups whose files are objects of the store.
    pub(super) fn readable(&self) -> impl Iterator<Item = &Entry> {
        self.usable().filter(|entry| !entry.backup.is_snapshot())
    }

    /// Whether a WAL file lies there in several forms.
    pub(super) fn is_twin(&self, object: &WalObject) -> bool {
        self.inventory.is_in_several_forms(&object.name)
    }

    /// What is wrong as far as the lists tell. Forms of one file are told by whoever reads them, unless
    /// nobody does.
    pub(super) fn findings(&self, scope: Scope, quick: bool) -> Vec<Finding> {
        let backups = self.catalog.facts().backups;
        let mut found = self.bad_histories.clone();
        found.extend(self.absence());
        let gaps = wal_gaps(&backups, &self.inventory, &self.timelines, self.size);
        found.extend(gaps.into_iter().filter(|gap| match gap {
            Finding::WalGap(gap) => scope.has_wal() || !gap.upset.unrestorable.is_empty(),
            _ => true,
        }));
        if scope.has_wal() {
            found.extend(history_gaps(&backups, &self.inventory));
            if quick {
                found.extend(self.twins());
            }
        }
        if scope.has_backups() {
            found.extend(self.catalog.unreadable.iter().map(|unreadable| Finding::BadRecord {
                id: unreadable.id,
                why: unreadable.error.to_string(),
            }));
            found.extend(self.usable().flat_map(|entry| self.backup_findings(entry)));
        }
        found
    }

    /// An archive with nothing in it, or without a backup to begin with. One whose records cannot be read
    /// has other troubles.
    fn absence(&self) -> Option<Finding> {
        if self.usable().next().is_some() || !self.catalog.unreadable.is_empty() {
            None
        } else if self.wal.is_empty() && self.catalog.entries.is_empty() {
            Some(Finding::Empty)
        } else {
            Some(Finding::NoBackup)
        }
    }

    fn backup_findings(&self, entry: &Entry) -> Vec<Finding> {
        let Entry { backup, files, .. } = entry;
        let id = backup.id;
        let mut found = Vec::new();
        let flaws = record_flaws(backup);
        if !flaws.is_empty() {
            found.push(Finding::BadRecord { id, why: flaws.join("; ") });
        }
        if let Some(why) = flaw(backup, files).filter(|_| !backup.is_snapshot()) {
            found.push(Finding::Incomplete { id, why });
        }
        if let Some((expected, is)) = self.system_id.zip(backup.system_id).filter(|(one, other)| one != other)
        {
            found.push(Finding::ForeignBackup { id, found: is, expected });
        }
        found
    }

    fn twins(&self) -> impl Iterator<Item = Finding> {
        twins(&self.inventory).into_iter().map(|(name, forms)| Finding::Twins {
            name,
            keys: forms.iter().map(|how| format!("{name}{}", how.suffix())).collect(),
            same: None,
        })
    }

    /// The timelines with segments.
    pub(super) fn timeline_spans(&self) -> Vec<TimelineSpan> {
        let mut spans: Vec<TimelineSpan> = Vec::new();
        for object in self.inventory.objects() {
            let WalName::Segment(segment) = object.name else { continue };
            match spans.last_mut().filter(|span| span.timeline == segment.timeline) {
                Some(span) if span.last == segment => {}
                Some(span) => (span.last, span.segments) = (segment, span.segments + 1),
                None => spans.push(TimelineSpan {
                    timeline: segment.timeline,
                    first: segment,
                    last: segment,
                    segments: 1,
                }),
            }
        }
        spans
    }
}

fn usable(catalog: &Catalog) -> impl Iterator<Item = &Entry> {
    catalog.entries.iter().filter(|entry| entry.backup.is_usable())
}

/// The histories, and those that make no sense.
async fn histories(archive: &Archive, wal: &WalInventory) -> Result<(Timelines, Vec<Finding>)> {
    let mut all: Vec<&WalObject> =
        wal.objects().iter().filter(|object| matches!(object.name, WalName::History(_))).collect();
    all.dedup_by_key(|object| object.name);
    let reads = stream::iter(all)
        .map(|object| async move { (object, history(archive, object.name.timeline()).await) });
    let mut reads = reads.buffered(HISTORIES);
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    while let Some((object, read)) = reads.next().await {
        match read {
            Ok(history) => good.extend(history),
            Err(e) if e.kind() == ErrorKind::Corrupt => {
                bad.push(Finding::BadWal { key: archive.wal_key(object)?, why: e.to_string() });
            }
            Err(e) => return Err(e),
        }
    }
    Ok((Timelines::new(good), bad))
}
