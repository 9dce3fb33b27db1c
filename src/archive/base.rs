//! Base backups in the archive: their tars, their manifest, their record.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;

use super::layout::BackupObject;
use super::verified::mark;
use super::wal::{Stored, taken_or};
use super::{Archive, backup_info};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Backup, BackupId, Compression, Mark, TarName};
use crate::store::{IfExists, Key, Object, ObjectMeta, ObjectStore, Put, Tags, Upload};

/// How the manifest of a backup is compressed; part of its key.
pub const MANIFEST_COMPRESSION: Compression = Compression::Zstd;

/// What lies in one backup's folder, its record and its annotations left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupFiles {
    /// Its tars, in the order of their names.
    pub tars: Vec<StoredTar>,
    /// Its manifest, which only backups of ours have.
    pub manifest: Option<StoredManifest>,
    /// What else lies there, annotations that are none of ours among it.
    others: Vec<Key>,
    /// Its annotations.
    keeps: Vec<Key>,
    /// Its annotations in the other spelling of the store.
    slashed_keeps: Vec<Key>,
    /// What stands for the content of tars and manifest.
    seal: u64,
}

impl BackupFiles {
    /// What they take in the store, in bytes.
    pub fn stored_bytes(&self) -> u64 {
        let tars: u64 = self.tars.iter().map(|tar| tar.stored_bytes).sum();
        tars + self.manifest.as_ref().map_or(0, |manifest| manifest.stored_bytes)
    }

    /// What stands for its tars and its manifest as they were listed: others, or one changed, and it is
    /// another.
    pub const fn mark(&self) -> Mark {
        Mark(self.seal)
    }

    /// The keys of everything but annotations, for messages.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.body().map(Key::as_str)
    }
}

/// A tar as it lies in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTar {
    /// Its name.
    pub name: TarName,
    /// What it is compressed with.
    pub compression: Compression,
    /// Its length in the store, in bytes.
    pub stored_bytes: u64,
    pub(super) key: Key,
}

impl StoredManifest {
    /// Its key, for messages.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }
}

impl StoredTar {
    /// Its key, for messages.
    pub fn key(&self) -> &str {
        self.key.as_str()
    }
}

/// A manifest as it lies in the archive, compressed with [`MANIFEST_COMPRESSION`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredManifest {
    /// Its length in the store, in bytes.
    pub stored_bytes: u64,
    pub(super) key: Key,
}

impl Archive {
    /// Takes a backup's identifier by storing its record, exclusively; where nothing may be replaced the
    /// record's text goes into an object of its own, since a record can then be stored only once. Kind is
    /// success with [`Stored::Taken`] when there is such a backup already.
    pub async fn claim_backup(&self, backup: &Backup, tags: &Tags) -> Result<Stored> {
        let object = if self.create_only { BackupObject::Claim } else { BackupObject::Record };
        let key = self.layout.backup(&backup.id, &object)?;
        let how = Put { if_exists: IfExists::Fail, tags: tags.clone(), ..Put::default() };
        taken_or(self.store.put(&key, Bytes::from(backup_info::print(backup)), &how).await)
    }

    /// Stores a backup's record over the one that is there, or for the first time where nothing may be
    /// replaced. With status DONE this is what makes the backup one: everything it speaks of must be stored
    /// before.
    pub async fn publish_backup(&self, backup: &Backup, tags: &Tags) -> Result<()> {
        self.put_record(&backup.id, backup_info::print(backup).into(), backup.is_usable(), tags).await
    }

    /// What the text of a record says; kind `Corrupt` when it cannot be understood.
    pub fn parse_record(id: BackupId, text: &str) -> Result<Backup> {
        backup_info::parse(id, text)
    }

    /// Stores a backup's record as another tool has written it, with the same effect as
    /// [`publish_backup`](Self::publish_backup).
    pub async fn publish_record(&self, id: &BackupId, text: Bytes, tags: &Tags) -> Result<()> {
        self.put_record(id, text, true, tags).await
    }

    /// Stores a record; for good, or until it is replaced.
    async fn put_record(&self, id: &BackupId, text: Bytes, for_good: bool, tags: &Tags) -> Result<()> {
        let key = self.layout.backup(id, &BackupObject::Record)?;
        let retain = self.retain.filter(|_| for_good);
        let how = Put { retain, ..self.backup_put(tags) };
        let stored = self.store.put(&key, text.clone(), &how).await;
        match stored {
            // An answer was lost, and the record is there when it is stored again: ours, or another's. One that
            // is locked from then on is not said to be taken, but that it may not be replaced.
            Err(e) if e.kind() == ErrorKind::Conflict && self.has_text(&key, &text).await? => Ok(()),
            Err(e) if e.kind() == ErrorKind::Denied && retain.is_some() => {
                if matches!(self.has_text(&key, &text).await, Ok(true)) { Ok(()) } else { Err(e) }
            }
            stored => stored,
        }
    }

    /// How an object of a backup is stored whose identifier has been claimed.
    fn backup_put(&self, tags: &Tags) -> Put {
        let if_exists = if self.create_only { IfExists::Fail } else { IfExists::Replace };
        Put { if_exists, tags: tags.clone(), ..Put::default() }
    }

    /// Whether this very text is stored under a key.
    async fn has_text(&self, key: &Key, text: &Bytes) -> Result<bool> {
        let object = self.store.get(key, None).await?;
        if object.meta.size != text.len() as u64 {
            return Ok(false);
        }
        let mut body = object.body;
        let mut rest = text.clone();
        while let Some(piece) = body.next().await.transpose()? {
            if !rest.starts_with(&piece) {
                return Ok(false);
            }
            rest = rest.slice(piece.len()..);
        }
        Ok(rest.is_empty())
    }

    /// Whether anything lies in the folder of this backup; one request.
    pub async fn has_backup_folder(&self, id: &BackupId) -> Result<bool> {
        let folder = self.layout.backup_folder(id)?;
        let first = self.store.list(&folder.inside(), None).next().await.transpose()?;
        Ok(first.is_some())
    }

    /// Begins a tar. Whoever has claimed the identifier is alone in its folder, so a tar takes the place
    /// of whatever is there; see [`Upload`] for its parts.
    pub async fn new_tar(
        &self,
        id: &BackupId,
        name: &TarName,
        how: Compression,
        tags: &Tags,
        in_flight: NonZeroUsize,
    ) -> Result<Box<dyn Upload>> {
        let key = self.layout.backup(id, &BackupObject::Tar(*name, how))?;
        self.new_backup_object(&key, tags, in_flight).await
    }

    /// Begins the manifest, which is compressed with [`MANIFEST_COMPRESSION`].
    pub async fn new_manifest(
        &self,
        id: &BackupId,
        tags: &Tags,
        in_flight: NonZeroUsize,
    ) -> Result<Box<dyn Upload>> {
        let key = self.layout.backup(id, &BackupObject::Manifest)?;
        self.new_backup_object(&key, tags, in_flight).await
    }

    async fn new_backup_object(
        &self,
        key: &Key,
        tags: &Tags,
        in_flight: NonZeroUsize,
    ) -> Result<Box<dyn Upload>> {
        let how = Put { retain: self.retain, ..self.backup_put(tags) };
        let inner = self.store.upload(key, &how, in_flight).await.context(|| format!("begin {key}"))?;
        if !self.create_only {
            return Ok(inner);
        }
        let store = Arc::clone(&self.store);
        Ok(Box::new(ClaimedUpload { inner, store, key: key.clone(), bytes: 0 }))
    }

    /// Opens a tar, or the bytes of it in `range`.
    pub async fn open_tar(&self, tar: &StoredTar, range: Option<Range<u64>>) -> Result<Object> {
        self.open_listed(&tar.key, range).await
    }

    /// Opens a manifest.
    pub async fn open_manifest(&self, manifest: &StoredManifest) -> Result<Object> {
        self.open_listed(&manifest.key, None).await
    }

    async fn open_listed(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        self.store.get(key, range).await.map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::corrupt(format!("{key} was listed and is gone")),
            _ => e,
        })
    }
}

/// An object of a claimed backup that is to be the first under its key.
struct ClaimedUpload {
    inner: Box<dyn Upload>,
    store: Arc<dyn ObjectStore>,
    key: Key,
    /// What has been sent.
    bytes: u64,
}

#[async_trait]
impl Upload for ClaimedUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        self.bytes += part.len() as u64;
        self.inner.part(part).await
    }

    /// An answer may be lost, and the key is taken when it is asked for again. The folder is ours alone, so
    /// what has the length of what was sent is what was sent.
    async fn finish(self: Box<Self>) -> Result<()> {
        let Self { inner, store, key, bytes } = *self;
        match inner.finish().await {
            Err(e) if e.kind() == ErrorKind::Conflict => match store.head(&key).await? {
                Some(found) if found.size == bytes => Ok(()),
                _ => Err(e),
            },
            finished => finished,
        }
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.inner.abort().await
    }
}

impl BackupFiles {
    /// Takes note of a tar or of the manifest; the record and annotations are no files in this sense.
    pub(super) fn note(&mut self, object: BackupObject, meta: ObjectMeta) {
        self.seal = mark(self.seal, &meta).0;
        let ObjectMeta { key, size, .. } = meta;
        match object {
            BackupObject::Tar(name, compression) => {
                self.tars.push(StoredTar { name, compression, stored_bytes: size, key });
            }
            BackupObject::Manifest => self.manifest = Some(StoredManifest { stored_bytes: size, key }),
            BackupObject::Record | BackupObject::Keep | BackupObject::Claim => {}
        }
    }

    /// Takes note of an object that nobody knows.
    pub(super) fn note_other(&mut self, key: Key) {
        self.others.push(key);
    }

    /// The keys of everything but annotations.
    pub(super) fn body(&self) -> impl Iterator<Item = &Key> {
        let tars = self.tars.iter().map(|tar| &tar.key);
        tars.chain(self.manifest.iter().map(|manifest| &manifest.key)).chain(&self.others)
    }

    /// The keys of its annotations in the store's usual spelling or in the other.
    pub(super) fn keeps_in(&self, slashed: bool) -> &[Key] {
        if slashed { &self.slashed_keeps } else { &self.keeps }
    }

    /// Takes note of an annotation, in the store's usual spelling or in the other.
    pub(super) fn note_keep(&mut self, slashed: bool, key: Key) {
        if slashed { self.slashed_keeps.push(key) } else { self.keeps.push(key) }
    }
}
