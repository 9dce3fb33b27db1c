//! The archive, seen from beside the weather: what has come, and whether anything has changed that must not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use barkeep::model::Compression;
use barkeep::store::{ObjectStore, Prefix};
use futures_util::TryStreamExt as _;

/// The size of a segment.
pub const SEGMENT: u64 = 1 << 20;
const WALS: &str = "main/wals/";

/// Who looks at the archive again and again.
pub struct Watch {
    store: Arc<dyn ObjectStore>,
    /// Everything that was ever seen: its mark and its size.
    seen: BTreeMap<String, (Option<String>, u64)>,
    /// The names without suffixes that are there now.
    names: BTreeSet<String>,
    /// How many WAL files have gone again.
    pub gone: u64,
}

impl Watch {
    /// Of this store.
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, seen: BTreeMap::new(), names: BTreeSet::new(), gone: 0 }
    }

    /// The store.
    pub fn store(&self) -> &dyn ObjectStore {
        &*self.store
    }

    /// Looks at all WAL.
    ///
    /// # Panics
    /// When a key has another content than before, or a file is there twice.
    pub async fn look(&mut self) {
        let all = self.store.list(&Prefix::everything(), None).try_collect::<Vec<_>>().await.unwrap();
        let before = std::mem::take(&mut self.names);
        for meta in all {
            let key = meta.key.to_string();
            let Some(path) = key.strip_prefix(WALS) else { continue };
            let name = Compression::split_suffix(path.rsplit('/').next().unwrap()).0.to_owned();
            assert!(self.names.insert(name.clone()), "{name} is in the archive twice: {key}");
            let known = self.seen.entry(key.clone()).or_insert((meta.etag.clone(), meta.size));
            // A file that retention deleted can come again with an archiver that was killed before it was
            // told of its success; then as the same.
            assert_eq!(*known, (meta.etag, meta.size), "{key} was overwritten: left is what it was");
        }
        self.gone += before.difference(&self.names).count() as u64;
    }

    /// How many WAL files have come in all, and their bytes as stored.
    pub fn archived(&self) -> (usize, u64) {
        (self.seen.len(), self.seen.values().map(|(_, size)| size).sum())
    }

    /// Where the WAL of a timeline that is there without a gap ends; 0 when there is none.
    pub fn end_of(&self, timeline: u32) -> u64 {
        let numbers = self.names.iter().filter_map(|name| segment_number(name, timeline));
        let mut end = None;
        for number in numbers {
            match end {
                Some(end) if number != end => break,
                _ => end = Some(number + 1),
            }
        }
        end.unwrap_or(0) * SEGMENT
    }
}

/// The number of a segment of this timeline.
fn segment_number(name: &str, timeline: u32) -> Option<u64> {
    let part = |range: std::ops::Range<usize>| u64::from_str_radix(name.get(range)?, 16).ok();
    let fits = name.len() == 24 && part(0..8)? == u64::from(timeline);
    fits.then(|| Some(part(8..16)? * ((1 << 32) / SEGMENT) + part(16..24)?))?
}
