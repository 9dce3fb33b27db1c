//! What a deletion would delete, in the lines of the dialect (spec/barman-cloud.md 2.6).
//!
//! What goes has been decided for all backups at once. The dialect tells it backup by backup, oldest first:
//! the objects of each, then the WAL that nobody would need once it and all older ones that go are gone.
//! On S3 it deletes whole folders of WAL, and says so every time that a folder comes up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::python;
use crate::archive::Entry;
use crate::command::Deletion;
use crate::model::{BackupId, Keep, SegmentName, WalName};

/// The lines, with keys that begin with `root`. `by_folder`: whole folders of WAL are told as such.
pub(super) fn lines(deletion: &Deletion, root: &str, by_folder: bool) -> String {
    let mut wals = Wals::new(deletion, by_folder);
    let mut text = String::new();
    for (id, keys) in &deletion.doomed.backups {
        objects(&mut text, root, keys);
        if let Some(limit) = limit(*id, deletion) {
            wals.tell(&mut text, root, limit);
        }
    }
    wals.tell_rest(&mut text, root);
    text
}

fn objects<T: AsRef<str>>(text: &mut String, root: &str, keys: &[T]) {
    if !keys.is_empty() {
        let all = python::list(keys.iter().map(|key| format!("{root}{}", key.as_ref())));
        let _ = writeln!(text, "Skipping deletion of objects {all} due to --dry-run option");
    }
}

fn folder(text: &mut String, root: &str, folder: &str) {
    let _ = writeln!(
        text,
        "Skipping deletion of all objects under prefix {root}{folder}/ due to --dry-run option"
    );
}

/// Up to where WAL goes along with this backup (spec/barman-cloud.md 8.4): where the next one begins, unless
/// an older one stays.
fn limit(id: BackupId, deletion: &Deletion) -> Option<SegmentName> {
    let usable = || deletion.catalog.entries.iter().filter(|entry| entry.backup.is_usable());
    let own = usable().find(|entry| entry.backup.id == id)?;
    let needs_all = |entry: &&Entry| {
        entry.backup.id < id && stays(entry, deletion) && entry.keep != Some(Keep::Standalone)
    };
    if usable().any(|entry| needs_all(&entry)) {
        return None;
    }
    usable().find(|entry| entry.backup.id > id).unwrap_or(own).backup.begin.wal
}

fn stays(entry: &Entry, deletion: &Deletion) -> bool {
    !deletion.plan.going().any(|judged| judged.id == entry.backup.id)
}

/// The WAL that goes, and what of it has been told.
struct Wals<'a> {
    /// Key and place, in the order of the keys.
    all: BTreeMap<&'a str, SegmentName>,
    told: BTreeSet<&'a str>,
    by_folder: bool,
    /// First and last segment of what is kept for its own sake.
    standalone: Vec<(SegmentName, SegmentName)>,
}

impl<'a> Wals<'a> {
    fn new(deletion: &'a Deletion, by_folder: bool) -> Self {
        let placed = deletion.doomed.wals.iter().filter_map(|(object, key)| {
            let place = match object.name {
                WalName::Segment(at) | WalName::Partial(at) | WalName::Label { start: at, .. } => at,
                WalName::History(_) => return None,
            };
            Some((key.as_str(), place))
        });
        let standalone = deletion.catalog.entries.iter().filter(|entry| {
            entry.backup.is_usable() && entry.keep == Some(Keep::Standalone) && stays(entry, deletion)
        });
        let range = |entry: &Entry| entry.backup.begin.wal.zip(entry.backup.end.wal);
        Self {
            all: placed.collect(),
            told: BTreeSet::new(),
            by_folder,
            standalone: standalone.filter_map(range).collect(),
        }
    }

    /// What lies before `limit`.
    fn tell(&mut self, text: &mut String, root: &str, limit: SegmentName) {
        if self.by_folder {
            let whole = self.all.iter().filter(|(_, at)| self.goes_as_folder(**at, limit));
            let whole: BTreeMap<&str, Vec<&'a str>> = whole.fold(BTreeMap::new(), |mut all, (key, _)| {
                let folder = key.rsplit_once('/').map_or(*key, |(folder, _)| folder);
                all.entry(folder).or_insert_with(Vec::new).push(*key);
                all
            });
            for (name, keys) in whole {
                folder(text, root, name);
                self.told.extend(keys);
            }
        }
        let untold = self.all.iter().filter(|(key, at)| **at < limit && !self.told.contains(*key));
        let keys: Vec<&'a str> = untold.map(|(key, _)| *key).collect();
        objects(text, root, &keys);
        self.told.extend(keys);
    }

    /// Whether all of the folder goes in which this lies: all its log is before the limit's, and none of it
    /// is within a range that stays.
    fn goes_as_folder(&self, at: SegmentName, limit: SegmentName) -> bool {
        let log = (at.timeline, at.log);
        let stays = |(first, last): &(SegmentName, SegmentName)| {
            (first.timeline..=last.timeline).contains(&log.0) && (first.log..=last.log).contains(&log.1)
        };
        at.timeline == limit.timeline && at.log < limit.log && !self.standalone.iter().any(stays)
    }

    /// What goes for other reasons, so that nothing goes untold.
    fn tell_rest(&mut self, text: &mut String, root: &str) {
        let keys: Vec<_> = self.all.keys().copied().filter(|key| !self.told.contains(key)).collect();
        objects(text, root, &keys);
    }
}
