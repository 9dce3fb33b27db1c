//! A directory as a store: `file:///path`.
//!
//! A key is a path below the root, and an object a regular file. What is published is durable
//! ([`crate::disk`]). The root itself is never created, and a missing root is an error. An empty mount
//! point whose volume is not mounted cannot be told from an empty archive, so the root should be a
//! directory inside the volume: that one goes with it. Symbolic links below the root are not objects.
//! They are not followed, so no key leaves the root, and whatever would have to read, write or list
//! through one is refused (kind `Usage`): what they hide must not look as if it were not there.
//!
//! Two limits of directories: tags and metadata are not kept, and one key cannot be another's folder
//! (`a` beside `a/b`); that is kind `Conflict`.

mod body;
mod leftovers;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::Metadata;
use std::io::{self, ErrorKind, Write};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use rustix::fs::OFlags;

use super::{IfExists, Key, Locks, Object, ObjectMeta, ObjectStore, Prefix, Put, Unfinished, Upload};
use crate::disk::{self, Draft, Durability, Publish};
use crate::error::{Context, Error, Result};
use walk::Walk;

/// Whoever runs the archive owns its files; nobody else reads a database's contents there.
const MODE: u32 = 0o600;

/// How often a folder that a concurrent delete has taken away is created again before giving up.
const PATIENCE_WITH_DELETERS: usize = 100;

/// A directory as a store. See the module's documentation.
#[derive(Debug, Clone)]
pub struct FileStore {
    root: Arc<Path>,
}

impl FileStore {
    /// Whoever may write to a directory may delete from it: a lock would be a promise that nobody keeps.
    fn refuse_locks(&self, how: &Put) -> Result<()> {
        match how.retain {
            Some(_) => Err(super::no_locks(&self.to_string())),
            None => Ok(()),
        }
    }

    /// The store in an existing directory.
    pub fn open(root: &Path) -> Result<Self> {
        let store = Self { root: root.into() };
        store.require_root()?;
        Ok(store)
    }

    /// A missing root is said to be missing, not taken for a store without objects.
    fn require_root(&self) -> Result<()> {
        match fs_err::metadata(&self.root) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err(Error::usage(format!("{} is not a directory", self.root.display()))),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Err(Error::usage(format!("directory {} does not exist", self.root.display()))
                    .hint("create it, or mount the volume it is on; it is never created for you"))
            }
            Err(e) => Err(disk::explain(e)),
        }
    }

    /// What a failed call means, given that a missing root hides behind every missing file.
    fn explain(&self, e: io::Error) -> Error {
        match (e.kind(), self.require_root()) {
            (ErrorKind::NotFound, Err(root)) => root,
            _ => disk::explain(e),
        }
    }

    /// The path of a key, none of whose folders is a symbolic link.
    fn path(&self, key: &Key) -> Result<PathBuf> {
        if disk::is_temporary(key.file_name().as_ref()) {
            return Err(Error::bug(format!("key {key} has a temporary file's name")));
        }
        let folders = key.as_str().rsplit_once('/').map_or("", |(folders, _)| folders);
        Ok(path_of_folder(&self.root, folders)?.join(key.file_name()))
    }

    /// A draft beside `key`'s place. A delete that empties a folder removes it, perhaps in between.
    fn draft(&self, key: &Key, how: &Put) -> Result<Draft> {
        let path = self.path(key)?;
        let first = self.root.join(key.as_str().split('/').next().unwrap_or_default());
        if how.not_first && !first.exists() {
            let gone = format!("{} was there before and is not there now", first.display());
            return Err(Error::usage(gone).hint("see whether the store's volume is mounted"));
        }
        let folders = key.as_str().rsplit_once('/').map_or("", |(folders, _)| folders);
        let attempt = || {
            disk::create_directories(&self.root, folders.as_ref())?;
            Draft::beside(&path, MODE, Durability::Durable)
        };
        for _ in 0..PATIENCE_WITH_DELETERS {
            match attempt() {
                Err(e) if e.kind() == ErrorKind::NotFound && self.root.is_dir() => {}
                answer => return answer.map_err(|e| self.explain(e)),
            }
        }
        attempt().map_err(|e| self.explain(e))
    }

    fn publish(&self, draft: Draft, how: &Put) -> Result<()> {
        let how = match how.if_exists {
            IfExists::Fail => Publish::Exclusive,
            IfExists::Replace => Publish::Replace,
        };
        draft.publish(how).map_err(|e| self.explain(e))
    }

    fn put_now(&self, key: &Key, body: &[u8], how: &Put) -> Result<()> {
        let mut draft = self.draft(key, how)?;
        draft.write_all(body).map_err(|e| self.explain(e))?;
        self.publish(draft, how)
    }

    /// Opens an object; `None` when there is none.
    fn open_now(&self, key: &Key) -> Result<Option<(fs_err::File, ObjectMeta)>> {
        let path = self.path(key)?;
        let mut options = fs_err::OpenOptions::new();
        // Not following a link, and not waiting for the other end of a fifo.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.read(true).options_mut().custom_flags(flags.bits().cast_signed());
        let opened = options.open(&path).and_then(|file| Ok((file.metadata()?, file)));
        match opened {
            Ok((found, file)) if found.is_file() => Ok(Some((file, meta(key.clone(), &found)))),
            Ok(_) => Ok(None),
            Err(e) if is_absence(&e) => self.require_root().map(|()| None),
            Err(_) if is_link(&path) => Err(refused_link(&path)),
            Err(e) => Err(self.explain(e)),
        }
    }

    fn head_now(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let path = self.path(key)?;
        match fs_err::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => Err(refused_link(&path)),
            Ok(found) => Ok(found.is_file().then(|| meta(key.clone(), &found))),
            Err(e) if is_absence(&e) => self.require_root().map(|()| None),
            Err(e) => Err(self.explain(e)),
        }
    }

    fn folders_now(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let inside = under.map_or_else(Prefix::everything, Key::inside);
        let mut folders = Vec::new();
        for name in walk::directories(&self.root, &inside).map_err(|e| self.explain(e))? {
            let folder = Key::new(format!("{inside}{name}"))?;
            let mut walk = Walk::new(&self.root, &folder.inside(), None);
            if !walk.page(1).map_err(|e| self.explain(e))?.is_empty() {
                folders.push(folder);
            }
        }
        self.require_root()?;
        folders.sort();
        Ok(folders)
    }

    fn delete_now(&self, keys: &[Key]) -> Result<()> {
        let mut touched = BTreeSet::new();
        for key in keys {
            let path = self.path(key)?;
            match disk::remove(&path) {
                Ok(()) => touched.extend(path.parent().map(Path::to_owned)),
                Err(e) if is_absence(&e) || path.is_dir() => {}
                Err(e) => return Err(self.explain(e)),
            }
        }
        self.require_root()?;
        for folder in touched {
            let survivor = self.remove_emptied(&folder);
            // So that what is deleted later is not gone earlier after a power failure.
            disk::sync_directory(survivor)
                .or_else(|e| if is_absence(&e) { Ok(()) } else { Err(e) })
                .map_err(|e| self.explain(e))?;
        }
        Ok(())
    }

    /// Removes a folder and those above it, as long as they are empty, and returns the first that is
    /// not. Only the kernel decides what is empty, so a file put at the same time is safe.
    fn remove_emptied<'p>(&self, folder: &'p Path) -> &'p Path {
        let mut folder = folder;
        while folder != &*self.root && disk::remove_directory(folder).is_ok() {
            let Some(above) = folder.parent() else { break };
            folder = above;
        }
        folder
    }

    /// Runs file operations off the async threads; the text says what they were for.
    async fn blocking<T, F>(&self, what: String, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T> + Send + 'static,
    {
        let store = self.clone();
        off_thread(move || f(&store)).await.context(|| format!("{what} {self}"))
    }
}

impl fmt::Display for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file://{}", self.root.display())
    }
}

#[async_trait]
impl ObjectStore for FileStore {
    async fn put(&self, key: &Key, body: Bytes, how: &Put) -> Result<()> {
        self.refuse_locks(how)?;
        let (what, key, how) = (format!("put {key} into"), key.clone(), how.clone());
        self.blocking(what, move |store| store.put_now(&key, &body, &how)).await
    }

    async fn upload(&self, key: &Key, how: &Put, _in_flight: NonZeroUsize) -> Result<Box<dyn Upload>> {
        self.refuse_locks(how)?;
        let (store, name, how) = (self.clone(), key.clone(), how.clone());
        let put = how.clone();
        let draft = self.blocking(format!("put {key} into"), move |store| store.draft(&name, &put)).await?;
        Ok(Box::new(FileUpload { store, key: key.clone(), how, draft: Some(draft) }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> Result<Object> {
        let name = key.clone();
        let opened = self.blocking(format!("get {key} from"), move |store| store.open_now(&name)).await?;
        let Some((file, meta)) = opened else {
            return Err(Error::not_found(format!("{key} is not in {self}")));
        };
        let range = super::clip(range, &meta)?.unwrap_or(0..meta.size);
        Ok(Object { meta, body: body::stream(file, range) })
    }

    async fn head(&self, key: &Key) -> Result<Option<ObjectMeta>> {
        let name = key.clone();
        self.blocking(format!("look for {key} in"), move |store| store.head_now(&name)).await
    }

    fn list<'a>(&'a self, prefix: &Prefix, after: Option<&Key>) -> BoxStream<'a, Result<ObjectMeta>> {
        let walk = Walk::new(&self.root, prefix, after);
        let what = format!("list {prefix} in");
        let pages = stream::try_unfold(walk, move |mut walk| {
            let what = what.clone();
            async move {
                let page = self.blocking(what, move |store| {
                    let page = walk.page(walk::PAGE).map_err(|e| store.explain(e))?;
                    store.require_root()?;
                    Ok((page, walk))
                });
                let (page, walk) = page.await?;
                Ok::<_, Error>((!page.is_empty()).then_some((stream::iter(page.into_iter().map(Ok)), walk)))
            }
        });
        pages.try_flatten().boxed()
    }

    async fn folders(&self, under: Option<&Key>) -> Result<Vec<Key>> {
        let under = under.cloned();
        self.blocking("list folders of".into(), move |store| store.folders_now(under.as_ref())).await
    }

    async fn delete(&self, keys: &[Key]) -> Result<()> {
        let keys = keys.to_vec();
        self.blocking("delete from".into(), move |store| store.delete_now(&keys)).await
    }

    async fn unfinished(&self, prefix: &Prefix) -> Result<Vec<Unfinished>> {
        let (what, prefix) = (format!("look for leftovers of {prefix} in"), prefix.clone());
        let find = move |store: &Self| {
            let found = leftovers::find(&store.root, &prefix).map_err(|e| store.explain(e))?;
            store.require_root().map(|()| found)
        };
        self.blocking(what, find).await
    }

    async fn forget(&self, unfinished: &[Unfinished]) -> Result<()> {
        let unfinished = unfinished.to_vec();
        let remove = move |store: &Self| {
            store.require_root()?;
            unfinished.iter().try_for_each(|leftover| leftovers::remove(store, leftover))
        };
        self.blocking("remove leftovers from".into(), remove).await
    }

    async fn make_bucket(&self) -> Result<bool> {
        self.blocking("look for".into(), |store| store.require_root().map(|()| false)).await
    }

    async fn locks(&self) -> Result<Locks> {
        Ok(Locks::Never)
    }
}

/// An object that is written to a draft, part after part.
struct FileUpload {
    store: FileStore,
    key: Key,
    how: Put,
    /// Absent after a failed part: what could be finished then would have a hole.
    draft: Option<Draft>,
}

impl FileUpload {
    fn draft(&mut self) -> Result<Draft> {
        self.draft.take().ok_or_else(|| Error::bug(format!("{} goes on after a failed part", self.key)))
    }
}

#[async_trait]
impl Upload for FileUpload {
    async fn part(&mut self, part: Bytes) -> Result<()> {
        let mut draft = self.draft()?;
        let write = move |store: &FileStore| match draft.write_all(&part) {
            Ok(()) => Ok(draft),
            Err(e) => Err(store.explain(e)),
        };
        self.draft = Some(self.store.blocking(format!("put {} into", self.key), write).await?);
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<()> {
        let (draft, how) = (self.draft()?, self.how.clone());
        let publish = move |store: &FileStore| store.publish(draft, &how);
        self.store.blocking(format!("put {} into", self.key), publish).await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Runs blocking work on a thread that may block. The work of a dropped future runs to its end there,
/// which is the same as if the caller had given up one moment later.
async fn off_thread<T: Send + 'static>(f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(f).await {
        Ok(answer) => answer,
        Err(e) => Err(Error::bug(format!("file operation did not end: {e}"))),
    }
}

fn meta(key: Key, found: &Metadata) -> ObjectMeta {
    let etag = format!("{:x}-{:x}.{:x}-{:x}", found.ino(), found.mtime(), found.mtime_nsec(), found.size());
    let modified = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    ObjectMeta { key, size: found.size(), modified, etag: Some(etag), metadata: BTreeMap::new(), lock: None }
}

/// Whether the error says that there is no such file; a file in a folder's place says so too.
fn is_absence(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The path of a folder below the root, neither it nor any above it being a symbolic link.
fn path_of_folder(root: &Path, folders: &str) -> Result<PathBuf> {
    let mut path = root.to_path_buf();
    for folder in Path::new(folders) {
        path.push(folder);
        if is_link(&path) {
            return Err(refused_link(&path));
        }
    }
    Ok(path)
}

fn refused_link(path: &Path) -> Error {
    let link = format!("{} is a symbolic link, which is not followed", path.display());
    Error::usage(link).hint("mount the volume there instead, or move what is behind it to its place")
}

fn is_link(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}
