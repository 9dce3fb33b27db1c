//! WAL files in the archive: put, find, open, and whose they are.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::Archive;
use super::layout::Layout;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Compression, InventoryBuilder, SystemId, Timeline, WalInventory, WalName, WalObject};
use crate::store::{IfExists, Key, Object, ObjectMeta, Put, Tags, Upload};

/// What an object's metadata says about the WAL file in it; all but the version may be unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// SHA-256 of the plain content, 64 hexadecimal digits.
    pub sha256: Option<String>,
    /// Length of the plain content in bytes.
    pub length: Option<u64>,
    /// The cluster that wrote it.
    pub system_id: Option<SystemId>,
}

/// Names of the metadata; prefixed by stores as they must be (`x-amz-meta-…`).
const SHA256: &str = "barkeep-sha256";
const LENGTH: &str = "barkeep-length";
const SYSTEM_ID: &str = "barkeep-system-id";
const VERSION: &str = "barkeep-version";

impl Recorded {
    fn to_metadata(&self) -> BTreeMap<String, String> {
        let known = [
            (SHA256, self.sha256.clone()),
            (LENGTH, self.length.map(|n| n.to_string())),
            (SYSTEM_ID, self.system_id.map(|id| id.to_string())),
            (VERSION, Some(env!("CARGO_PKG_VERSION").to_owned())),
        ];
        known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// What does not read as what it should be counts as not recorded: other writers may use the names.
    fn from_metadata(metadata: &BTreeMap<String, String>) -> Self {
        Self {
            sha256: metadata.get(SHA256).cloned(),
            length: metadata.get(LENGTH).and_then(|n| n.parse().ok()),
            system_id: metadata.get(SYSTEM_ID).and_then(|n| n.parse().ok()),
        }
    }
}

/// A WAL file as it lies in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWal {
    /// Its name, with `.partial` if it is one.
    pub name: WalName,
    /// What it is compressed with.
    pub compression: Compression,
    /// Its length in the store, in bytes.
    pub stored_bytes: u64,
    key: Key,
}

impl StoredWal {
    /// Its key, for messages.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }

    /// One that was listed before.
    pub(super) const fn at(name: WalName, compression: Compression, stored_bytes: u64, key: Key) -> Self {
        Self { name, compression, stored_bytes, key }
    }

    pub(super) fn read(meta: &ObjectMeta) -> Option<Self> {
        let (name, compression) = Layout::read_wal(&meta.key)?;
        Some(Self { name, compression, stored_bytes: meta.size, key: meta.key.clone() })
    }
}

/// How a WAL file is put.
#[derive(Debug, Clone)]
pub struct WalPut {
    /// The file.
    pub name: WalName,
    /// What its body is compressed with.
    pub compression: Compression,
    /// What is recorded with it.
    pub recorded: Recorded,
    /// Its tags.
    pub tags: Tags,
    /// Take the place of what is there.
    pub overwrite: bool,
    /// The archive has been seen to hold WAL before.
    pub not_first: bool,
    /// A listing has shown a moment ago that the key is free.
    pub asked: bool,
}

/// What came of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// The object is new, or took the place of another as asked.
    New,
    /// The key is taken; what is there was left untouched.
    Taken,
}

impl Archive {
    /// Puts a WAL file that is in memory, in one request where the store can.
    pub async fn put_wal(&self, how: &WalPut, body: Bytes) -> Result<Stored> {
        let key = self.layout.wal(&how.name, how.compression)?;
        let put = Put { retain: self.retain, ..how.to_put() };
        let stored = self.store.put(&key, body, &put).await;
        self.taken_or_refused(&key, &put, stored).await
    }

    /// Begins to put a WAL file that is too large for memory; see [`Upload`] for its parts.
    pub async fn upload_wal(&self, how: &WalPut, in_flight: NonZeroUsize) -> Result<WalUpload> {
        let key = self.layout.wal(&how.name, how.compression)?;
        // By the time all parts are sent it is long ago that the key was asked for.
        let put = Put { asked: false, retain: self.retain, ..how.to_put() };
        Ok(WalUpload(self.store.upload(&key, &put, in_flight).await?))
    }

    /// What came of a put. Some services say of who may only create that he may not replace, instead of that
    /// the key is taken: then a look tells which.
    async fn taken_or_refused(&self, key: &Key, how: &Put, put: Result<()>) -> Result<Stored> {
        match taken_or(put) {
            Err(e) if e.kind() == ErrorKind::Denied && how.if_exists == IfExists::Fail => {
                match self.store.head(key).await {
                    Ok(Some(_)) => Ok(Stored::Taken),
                    _ => Err(e),
                }
            }
            stored => stored,
        }
    }

    /// What lies under exactly this name and compression, with what is recorded about it.
    pub async fn stored_wal(
        &self,
        name: &WalName,
        how: Compression,
    ) -> Result<Option<(StoredWal, Recorded)>> {
        let meta = self.store.head(&self.layout.wal(name, how)?).await?;
        Ok(meta.and_then(|m| Some((StoredWal::read(&m)?, Recorded::from_metadata(&m.metadata)))))
    }

    /// Everything the archive has that could serve a request for `name`, best first: the complete file
    /// in whatever compression, then a `.partial` of it. One listing, so that "nothing" is proven. When
    /// only an object with a suffix we do not know could serve it, that is an error and not "nothing".
    pub async fn find_wal(&self, name: &WalName) -> Result<Vec<StoredWal>> {
        let listed: Vec<_> = self
            .store
            .list(&self.layout.wal_candidates(name)?, None)
            .try_collect()
            .await
            .context(|| format!("look for {name}"))?;
        let found = candidates(name, listed.iter().filter_map(StoredWal::read).collect());
        match listed.iter().find(|meta| is_unknown_form(name, &meta.key)) {
            Some(unknown) if found.is_empty() => Err(unreadable(&unknown.key)),
            _ => Ok(found),
        }
    }

    /// This very file in every compression that it lies there in, in order of the suffixes: one listing.
    pub async fn forms_of(&self, name: &WalName) -> Result<Vec<StoredWal>> {
        let mut listed = self.store.list(&self.layout.wal_candidates(name)?, None);
        let mut forms = Vec::new();
        while let Some(meta) = listed.next().await {
            let meta = meta.context(|| format!("look for {name}"))?;
            forms.extend(StoredWal::read(&meta).filter(|found| found.name == *name));
        }
        Ok(forms)
    }

    /// The complete segments from `from` on, in order of their names, all timelines: one request
    /// serves a thousand.
    pub fn wal_from<'a>(&'a self, from: &WalName) -> Result<impl Stream<Item = Result<StoredWal>> + use<'a>> {
        // A listing begins *after* a key. The name less its last character comes before the name, and
        // the few others that come between the two are left out here.
        let first = self.layout.wal(from, Compression::None)?;
        let before = Key::new(&first.as_str()[..first.as_str().len() - 1])?;
        let from = *from;
        let all = self.store.list(&self.layout.wals()?.inside(), Some(&before));
        Ok(all.try_filter_map(move |meta| async move {
            let found = StoredWal::read(&meta);
            Ok(found.filter(|f| f.name.segment().is_some() && f.name >= from))
        }))
    }

    /// The names of all WAL files in the order of their keys, from this timeline's on when one is given: a
    /// thousand per request. Older ones may be among them, if somebody has spelled them in lower case.
    pub fn wal_names(&self, from: Option<Timeline>) -> Result<impl Stream<Item = Result<WalName>> + use<'_>> {
        let wals = self.layout.wals()?;
        // What is called just like the timeline is no WAL file, and all of its files come after it.
        let before = from.map(|timeline| wals.join(&timeline.to_string())).transpose()?;
        let all = self.store.list(&wals.inside(), before.as_ref());
        Ok(all.try_filter_map(|meta| async move { Ok(StoredWal::read(&meta).map(|found| found.name)) }))
    }

    /// Everything there is among the WAL; a thousand files per request.
    pub async fn wal_inventory(&self) -> Result<WalInventory> {
        let mut objects = Vec::new();
        self.each_wal(|object, _| objects.push(object)).await?;
        Ok(WalInventory::new(objects))
    }

    /// The same with the time each file was stored: four bytes more each.
    pub async fn dated_inventory(&self) -> Result<WalInventory> {
        let mut inventory = InventoryBuilder::default();
        self.each_wal(|object, stored| inventory.push(object, stored)).await?;
        Ok(inventory.finish())
    }

    /// Lists all WAL: each file, and when it was stored.
    async fn each_wal(&self, mut take: impl FnMut(WalObject, Option<Timestamp>)) -> Result<()> {
        let wals = self.layout.wals()?.inside();
        let mut all = self.store.list(&wals, None);
        while let Some(meta) = all.next().await {
            let meta = meta.context(|| "list the WAL")?;
            if let Some(found) = StoredWal::read(&meta) {
                let StoredWal { name, compression, stored_bytes, .. } = found;
                take(WalObject { name, compression, stored_bytes }, meta.modified);
            }
        }
        Ok(())
    }

    /// Opens a WAL file; what is recorded about it comes with it.
    pub async fn open_wal(&self, found: &StoredWal) -> Result<(Object, Recorded)> {
        let object = self.store.get(&found.key, None).await.map_err(|e| match e.kind() {
            // It was listed, so this is no proof that the archive does not have it.
            ErrorKind::NotFound => Error::unavailable(format!("{} was listed and is gone", found.key)),
            _ => e,
        })?;
        let recorded = Recorded::from_metadata(&object.meta.metadata);
        Ok((object, recorded))
    }

    /// Opens it under the name and compression it should have, without looking first; `None` when it
    /// is not there, which says nothing about other compressions.
    pub async fn open_wal_as(
        &self,
        name: &WalName,
        how: Compression,
    ) -> Result<Option<(StoredWal, Object, Recorded)>> {
        match self.store.get(&self.layout.wal(name, how)?, None).await {
            Ok(object) => {
                let recorded = Recorded::from_metadata(&object.meta.metadata);
                Ok(StoredWal::read(&object.meta).map(|found| (found, object, recorded)))
            }
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Removes a WAL file; one that is gone already is success.
    pub async fn remove_wal(&self, found: &StoredWal) -> Result<()> {
        self.store.delete(std::slice::from_ref(&found.key)).await
    }

    /// The first complete segment of the archive in the order of names, by which its cluster can be
    /// told; `None` when there is none.
    pub async fn any_segment(&self) -> Result<Option<(StoredWal, Recorded)>> {
        let wals = self.layout.wals()?.inside();
        let mut all = self.store.list(&wals, None);
        while let Some(meta) = all.next().await {
            let meta = meta.context(|| "look for a segment")?;
            let Some(found) = StoredWal::read(&meta).filter(|f| f.name.segment().is_some()) else { continue };
            let recorded = self.store.head(&found.key).await?.map(|m| Recorded::from_metadata(&m.metadata));
            // Deleted in between by a retention run: the next one serves as well.
            if let Some(recorded) = recorded {
                return Ok(Some((found, recorded)));
            }
        }
        Ok(None)
    }
}

/// A WAL file under way.
pub struct WalUpload(Box<dyn Upload>);

impl WalUpload {
    /// Adds the next part.
    pub async fn part(&mut self, part: Bytes) -> Result<()> {
        self.0.part(part).await
    }

    /// Makes it visible, unless the key is taken.
    pub async fn finish(self) -> Result<Stored> {
        taken_or(self.0.finish().await)
    }

    /// Gives up.
    pub async fn abort(self) -> Result<()> {
        self.0.abort().await
    }
}

impl WalPut {
    fn to_put(&self) -> Put {
        Put {
            if_exists: if self.overwrite { IfExists::Replace } else { IfExists::Fail },
            tags: self.tags.clone(),
            metadata: self.recorded.to_metadata(),
            not_first: self.not_first,
            asked: self.asked,
            retain: None,
        }
    }
}

pub(super) fn taken_or(put: Result<()>) -> Result<Stored> {
    match put {
        Ok(()) => Ok(Stored::New),
        Err(e) if e.kind() == ErrorKind::Conflict => Ok(Stored::Taken),
        Err(e) => Err(e),
    }
}

/// Whether a key that was listed for this file is the file in a form that this version cannot read:
/// `NAME.br`, `NAME.zst.gpg`. So is one that nobody stores, since a name may be damaged on the way.
fn is_unknown_form(name: &WalName, key: &Key) -> bool {
    let rest = key.as_str().rsplit_once(&name.to_string()).map_or("", |(_, rest)| rest);
    let other_file = || rest.contains(".partial") || rest.contains(".backup");
    !rest.is_empty() && Layout::read_wal(key).is_none() && !other_file()
}

fn unreadable(key: &Key) -> Error {
    Error::usage(format!("{key} is there, in a form that this version cannot read"))
        .hint("restore it with the tool that stored it, or with a newer version of this one")
}

/// Of everything listed, what can serve a request for `name`, best first.
fn candidates(name: &WalName, listed: Vec<StoredWal>) -> Vec<StoredWal> {
    let partial = name.segment().map(WalName::Partial);
    let (complete, rest): (Vec<_>, Vec<_>) = listed.into_iter().partition(|found| found.name == *name);
    complete.into_iter().chain(rest.into_iter().filter(|found| Some(found.name) == partial)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(names: &[&str]) -> Vec<StoredWal> {
        names
            .iter()
            .filter_map(|name| {
                let key = Key::new(format!("main/wals/0000000100000000/{name}")).unwrap();
                StoredWal::read(&ObjectMeta {
                    key,
                    size: 1,
                    modified: None,
                    etag: None,
                    metadata: BTreeMap::new(),
                    lock: None,
                })
            })
            .collect()
    }

    fn chosen(name: &str, names: &[&str]) -> Vec<String> {
        let name = name.parse().unwrap();
        candidates(&name, listed(names)).iter().map(|c| c.key.file_name().to_owned()).collect()
    }

    const SEGMENT: &str = "000000010000000000000007";

    #[test]
    fn complete_beats_partial_whatever_the_suffixes() {
        // The reference lets the partial win here, because of the order of the suffixes.
        let names = ["000000010000000000000007.partial.gz", "000000010000000000000007.zst"];
        assert_eq!(chosen(SEGMENT, &names), [names[1], names[0]]);
        let names = [
            "000000010000000000000007.partial",
            "000000010000000000000007.partial.gz",
            "000000010000000000000007.snappy",
        ];
        assert_eq!(chosen(SEGMENT, &names)[0], names[2]);
    }

    #[test]
    fn a_label_never_stands_in_for_its_segment() {
        let names = [
            "000000010000000000000007.00000028.backup",
            "000000010000000000000007.00000028.backup.gz",
            "junk",
        ];
        assert!(chosen(SEGMENT, &names).is_empty());
        assert_eq!(chosen("000000010000000000000007.00000028.backup", &names).len(), 2);
    }

    #[test]
    fn a_partial_that_is_asked_for_by_name_is_not_answered_with_the_segment() {
        let names = ["000000010000000000000007.gz", "000000010000000000000007.partial.gz"];
        assert_eq!(chosen("000000010000000000000007.partial", &names), [names[1]]);
    }

    #[test]
    fn what_is_recorded_survives_the_trip_through_metadata() {
        let recorded =
            Recorded { sha256: Some("ab".repeat(32)), length: Some(16 << 20), system_id: Some(SystemId(7)) };
        assert_eq!(Recorded::from_metadata(&recorded.to_metadata()), recorded);
        assert_eq!(Recorded::from_metadata(&BTreeMap::new()), Recorded::default());
    }
}
