//! All base backups of an archive.

use std::collections::BTreeMap;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use jiff::Timestamp;

use super::layout::BackupObject;
use super::{Archive, BackupFiles, backup_info};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Backup, BackupFact, BackupId, BackupRef, BackupStatus, Facts, Keep, OrphanFact};
use crate::store::{Key, ObjectMeta, ObjectStore};

/// How many records and annotations are fetched at once.
const AT_ONCE: usize = 16;

/// The longest record that is read, in bytes: real ones have a few thousand, with long lists of included
/// files and tablespaces a few ten thousand.
const MAX_RECORD: u64 = 4 << 20;

/// All base backups of an archive, as one listing and their records show them.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Those whose record can be read, oldest first.
    pub entries: Vec<Entry>,
    /// Those whose record cannot be read: nothing that could need them may be deleted.
    pub unreadable: Vec<Unreadable>,
    /// Folders without a record: what a killed run, or a deletion by another tool, has left.
    pub orphans: Vec<Orphan>,
    /// The names of folders that have a record and no backup's name. What they need is not counted, so
    /// nothing may be deleted while there is one.
    pub strangers: Vec<String>,
}

/// One base backup.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What is recorded about it.
    pub backup: Backup,
    /// What of it lies in the archive.
    pub files: BackupFiles,
    /// Whether it is kept, and for what.
    pub keep: Option<Keep>,
    /// When something of it was stored last, by the store's clock: a tar that was completed after its
    /// record was begun shows that somebody is still at work.
    pub recorded: Option<Timestamp>,
}

/// A base backup whose record cannot be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Which.
    pub id: BackupId,
    /// Why not.
    pub error: Error,
    /// What of it lies in the archive.
    pub files: BackupFiles,
    /// Whether it is kept, and for what.
    pub keep: Option<Keep>,
}

/// A backup's folder without a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Orphan {
    /// Which.
    pub id: BackupId,
    /// What lies in it.
    pub files: BackupFiles,
    /// What an annotation in it says that it is kept for.
    pub keep: Option<Keep>,
    /// When the newest of it was stored, by the store's clock.
    pub newest: Option<Timestamp>,
}

/// What the listing shows.
#[derive(Default)]
struct Folders {
    backups: BTreeMap<BackupId, Folder>,
    strangers: Vec<String>,
}

/// What it shows of one folder.
#[derive(Default)]
struct Folder {
    files: BackupFiles,
    record: Option<ObjectMeta>,
    keeps: Vec<KeepAt>,
    newest: Option<Timestamp>,
}

/// Where an annotation lies: in which of the two spellings of the store (spec/barman-cloud.md 3.6).
struct KeepAt {
    slashed: bool,
    key: Key,
}

/// What came of reading a folder.
enum Read {
    Entry(Box<Entry>),
    Unreadable(Unreadable),
    Orphan(Orphan),
}

impl Archive {
    /// All base backups: one listing, then their records and annotations, several at a time. A record
    /// that cannot be understood is told and not fatal; one that cannot be fetched is fatal, since a
    /// catalogue with a hole in it would be taken for the whole.
    pub async fn catalog(&self) -> Result<Catalog> {
        let Folders { backups, strangers } = self.folders().await?;
        let read = stream::iter(backups).map(|(id, folder)| self.read_folder(id, folder));
        let read: Vec<Read> = read.buffered(AT_ONCE).try_collect().await?;
        let mut catalog = Catalog { strangers, ..Catalog::default() };
        for read in read {
            match read {
                Read::Entry(entry) => catalog.entries.push(*entry),
                Read::Unreadable(unreadable) => catalog.unreadable.push(unreadable),
                Read::Orphan(orphan) => catalog.orphans.push(orphan),
            }
        }
        Ok(catalog)
    }

    async fn folders(&self) -> Result<Folders> {
        let below = self.layout.bases()?.inside();
        let mut folders = Folders::default();
        let mut all = self.store.list(&below, None);
        while let Some(meta) = all.next().await {
            self.note(&mut folders, meta.context(|| "list the base backups")?, false);
        }
        if let Some(slashed) = &self.slashed {
            let mut all: BoxStream<'_, _> = slashed.store.list(&below, None);
            let mut begun = false;
            while let Some(meta) = all.next().await {
                if let Err(e) = &meta
                    && !begun
                    && slashed.need_not_look(e)
                {
                    tracing::debug!("taken to have no annotations behind two slashes: {e}");
                    break;
                }
                begun = true;
                self.note(&mut folders, meta.context(|| "list the annotations")?, true);
            }
        }
        Ok(folders)
    }

    /// What has no place in a backup's folder is noted too: it goes when the backup goes.
    fn note(&self, folders: &mut Folders, meta: ObjectMeta, slashed: bool) {
        let Some((id, object)) = self.layout.read_backup(&meta.key) else {
            folders.strangers.extend(self.layout.read_stranger(&meta.key).map(str::to_owned));
            return;
        };
        // In the other spelling nothing but annotations is ours.
        if slashed && object != Some(BackupObject::Keep) {
            return;
        }
        let folder = folders.backups.entry(id).or_default();
        folder.newest = folder.newest.max(meta.modified);
        match object {
            Some(BackupObject::Record) => folder.record = Some(meta),
            Some(BackupObject::Keep) => folder.keeps.push(KeepAt { slashed, key: meta.key }),
            Some(BackupObject::Claim) | None => folder.files.note_other(meta.key),
            Some(object) => folder.files.note(object, meta),
        }
    }

    async fn read_folder(&self, id: BackupId, folder: Folder) -> Result<Read> {
        let Folder { mut files, record, keeps, newest } = folder;
        let keep = self.read_keeps(&keeps).await.context(|| format!("read what {id} is kept for"))?;
        for KeepAt { slashed, key } in keeps {
            files.note_keep(slashed, key);
        }
        files.tars.sort_unstable_by_key(|tar| tar.name);
        let Some(record) = record else { return Ok(Read::Orphan(Orphan { id, files, keep, newest })) };
        Ok(match self.read_record(id, &record).await {
            Ok(backup) => Read::Entry(Box::new(Entry { backup, files, keep, recorded: newest })),
            // Deleted since it was listed.
            Err(e) if e.kind() == ErrorKind::NotFound => Read::Orphan(Orphan { id, files, keep, newest }),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                Read::Unreadable(Unreadable { id, error, files, keep })
            }
            Err(e) => return Err(e),
        })
    }

    async fn read_record(&self, id: BackupId, record: &ObjectMeta) -> Result<Backup> {
        let text = text(&*self.store, &record.key).await.context(|| format!("read the record of {id}"))?;
        backup_info::parse(id, &text).context(|| format!("read the record of {id}"))
    }

    /// The more cautious of what the annotations say.
    async fn read_keeps(&self, keeps: &[KeepAt]) -> Result<Option<Keep>> {
        let mut found = None;
        for KeepAt { slashed, key } in keeps {
            let store = self.spelling(*slashed);
            let keep = match text(store, key).await {
                Ok(text) => Keep::read(text.lines().next().unwrap_or_default()),
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                // Whatever it says, somebody wanted the backup to be kept.
                Err(e) if e.kind() == ErrorKind::Corrupt => Keep::Full,
                Err(e) => return Err(e),
            };
            found = if found == Some(Keep::Full) { found } else { Some(keep) };
        }
        Ok(found)
    }
}

/// A small object as text.
async fn text(store: &dyn ObjectStore, key: &Key) -> Result<String> {
    let object = store.get(key, None).await?;
    let bounded = |length: u64| {
        if length <= MAX_RECORD { Ok(()) } else { Err(Error::corrupt(format!("{key} has {length} bytes"))) }
    };
    bounded(object.meta.size)?;
    let mut bytes = Vec::new();
    let mut body = object.body;
    while let Some(piece) = body.next().await {
        let piece = piece?;
        // The body may be longer than was said.
        bounded((bytes.len() + piece.len()) as u64)?;
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Error::corrupt(format!("{key} is not UTF-8")))
}

impl Catalog {
    /// What decisions about deletion are made upon.
    pub fn facts(&self) -> Facts {
        let backup = |entry: &Entry| BackupFact {
            backup: entry.backup.clone(),
            keep: entry.keep,
            recorded: entry.recorded,
            stored_bytes: entry.files.stored_bytes(),
        };
        let orphan = |orphan: &Orphan| OrphanFact {
            id: orphan.id,
            keep: orphan.keep,
            newest: orphan.newest,
            stored_bytes: orphan.files.stored_bytes(),
        };
        Facts {
            backups: self.entries.iter().map(backup).collect(),
            unreadable: self.unreadable.iter().map(|unreadable| unreadable.id).collect(),
            orphans: self.orphans.iter().map(orphan).collect(),
            strangers: self.strangers.clone(),
            locks: BTreeMap::new(),
        }
    }

    /// The backup that is meant: kind `NotFound` when there is none, `Usage` when a name is ambiguous,
    /// `Corrupt` when the one with this identifier has an unreadable record.
    ///
    /// Unlike the reference (spec/barman-cloud.md 2.10), `latest` and `oldest` mean the newest and the
    /// oldest *usable* backup: what they are asked for is to restore it, and a failed one cannot be.
    pub fn find(&self, which: &BackupRef) -> Result<&Entry> {
        let usable = || self.entries.iter().filter(|entry| entry.backup.is_usable());
        match which {
            BackupRef::Id(id) => self.by_id(*id),
            BackupRef::Named(name) => self.by_name(name),
            BackupRef::Latest => usable().next_back().ok_or_else(|| none("no usable backup")),
            BackupRef::Oldest => usable().next().ok_or_else(|| none("no usable backup")),
            BackupRef::LastFailed => {
                let failed = |entry: &&Entry| entry.backup.status == BackupStatus::Failed;
                self.entries.iter().rfind(failed).ok_or_else(|| none("no failed backup"))
            }
        }
    }

    /// What lies in the folder of the backup that is meant, and what it is kept for. By its identifier also
    /// one is found whose record cannot be read or is gone. Kinds of failure: those of [`find`](Self::find).
    pub fn folder(&self, which: &BackupRef) -> Result<(BackupId, &BackupFiles, Option<Keep>)> {
        let unreadable = self.unreadable.iter().map(|bad| (bad.id, &bad.files, bad.keep));
        let orphans = self.orphans.iter().map(|orphan| (orphan.id, &orphan.files, orphan.keep));
        let nameless = unreadable.chain(orphans).find(|(id, ..)| *which == BackupRef::Id(*id));
        nameless.map_or_else(|| self.find(which).map(|entry| (entry.backup.id, &entry.files, entry.keep)), Ok)
    }

    fn by_id(&self, id: BackupId) -> Result<&Entry> {
        if let Some(entry) = self.entries.iter().find(|entry| entry.backup.id == id) {
            return Ok(entry);
        }
        match self.unreadable.iter().find(|unreadable| unreadable.id == id) {
            Some(unreadable) => Err(Error::corrupt(unreadable.error.to_string())),
            None if self.orphans.iter().any(|orphan| orphan.id == id) => {
                Err(none(&format!("no record of {id}, although something lies in its folder")))
            }
            None => Err(none(&format!("no backup {id}"))),
        }
    }

    fn by_name(&self, name: &str) -> Result<&Entry> {
        let named: Vec<_> =
            self.entries.iter().filter(|entry| entry.backup.name.as_deref() == Some(name)).collect();
        match named.as_slice() {
            [] => Err(none(&format!("no backup with the name `{name}`"))),
            [entry] => Ok(entry),
            several => {
                let ids: Vec<_> = several.iter().map(|entry| entry.backup.id.to_string()).collect();
                let ambiguous =
                    format!("the name `{name}` is that of {} backups: {}", ids.len(), ids.join(", "));
                Err(Error::usage(ambiguous).hint("name it by its identifier"))
            }
        }
    }
}

fn none(what: &str) -> Error {
    Error::not_found(format!("there is {what}")).hint("`barkeep backup-list` tells what there is")
}
