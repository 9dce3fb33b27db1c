//! A walk through a directory tree in ascending byte order of keys, a page at a time.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::disk;
use crate::store::{Key, ObjectMeta, Prefix};

/// How many objects a page has.
pub(super) const PAGE: usize = 1000;

/// Where a walk has got to. It holds the names of the folders it is in, not those of the whole tree.
pub(super) struct Walk {
    root: PathBuf,
    prefix: Prefix,
    after: Option<Key>,
    /// What is still to be visited in each open folder, in descending order.
    open: Vec<Vec<Entry>>,
}

/// Something in a folder, with its whole key; a folder's ends in `/`, so that byte order of these
/// texts is byte order of the keys: `a-b` comes before `a/b`, and so does `a-b` before `a/`.
struct Entry {
    text: String,
}

impl Walk {
    /// A walk over the keys below `root` that begin with `prefix` and come after `after`.
    pub(super) fn new(root: &Path, prefix: &Prefix, after: Option<&Key>) -> Self {
        let start = Entry { text: folder_of(prefix).to_owned() };
        Self { root: root.to_owned(), prefix: prefix.clone(), after: after.cloned(), open: vec![vec![start]] }
    }

    /// The next objects, at most `limit`; none when the walk is over.
    pub(super) fn page(&mut self, limit: usize) -> io::Result<Vec<ObjectMeta>> {
        let mut page = Vec::new();
        while page.len() < limit {
            let Some(folder) = self.open.last_mut() else { break };
            match folder.pop() {
                None => drop(self.open.pop()),
                Some(entry) if entry.is_folder() => self.enter(&entry)?,
                Some(entry) => page.extend(self.object(&entry)?),
            }
        }
        Ok(page)
    }

    fn enter(&mut self, folder: &Entry) -> io::Result<()> {
        let mut entries = read(&self.root, &folder.text)?;
        entries.retain(|entry| self.wants(entry));
        entries.sort_by(|a, b| b.text.cmp(&a.text));
        self.open.push(entries);
        Ok(())
    }

    /// Whether an entry is, or may contain, something asked for.
    fn wants(&self, entry: &Entry) -> bool {
        let (text, prefix) = (entry.text.as_str(), self.prefix.as_str());
        let fits = text.starts_with(prefix) || (entry.is_folder() && prefix.starts_with(text));
        let after = self.after.as_ref().is_none_or(|after| {
            text > after.as_str() || (entry.is_folder() && after.as_str().starts_with(text))
        });
        fits && after
    }

    /// A regular file is an object; it may also have vanished since its folder was read.
    fn object(&self, entry: &Entry) -> io::Result<Option<ObjectMeta>> {
        let Ok(key) = Key::new(entry.text.as_str()) else { return Ok(None) };
        match fs_err::symlink_metadata(self.root.join(&entry.text)) {
            Ok(found) => Ok(found.is_file().then(|| super::meta(key, &found))),
            Err(e) if super::is_absence(&e) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Entry {
    /// Also the root, whose text is empty.
    fn is_folder(&self) -> bool {
        self.text.is_empty() || self.text.ends_with('/')
    }
}

/// The names of the directories in the folder of `prefix`, in no order.
pub(super) fn directories(root: &Path, prefix: &Prefix) -> io::Result<Vec<String>> {
    let folder = folder_of(prefix);
    let directories = read(root, folder)?.into_iter().filter(Entry::is_folder);
    Ok(directories.map(|entry| entry.text[folder.len()..].trim_end_matches('/').to_owned()).collect())
}

/// The deepest folder that everything with this prefix is in: empty, or ending in `/`.
fn folder_of(prefix: &Prefix) -> &str {
    prefix.as_str().rfind('/').map_or("", |slash| &prefix.as_str()[..=slash])
}

/// What is in a folder: regular files and directories, no drafts, no links, and no names that cannot
/// be keys. A folder that does not exist, or has been removed in the meantime, is empty.
fn read(root: &Path, folder: &str) -> io::Result<Vec<Entry>> {
    let directory = root.join(folder.trim_end_matches('/'));
    if !folder.is_empty() && super::is_link(&directory) {
        return Ok(Vec::new());
    }
    let listing = match fs_err::read_dir(&directory) {
        Ok(listing) => listing,
        Err(e) if super::is_absence(&e) => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry?;
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        let (Ok(name), true) = (entry.file_name().into_string(), kind.is_file() || kind.is_dir()) else {
            continue;
        };
        if !disk::is_temporary(name.as_ref()) {
            let slash = if kind.is_dir() { "/" } else { "" };
            entries.push(Entry { text: format!("{folder}{name}{slash}") });
        }
    }
    Ok(entries)
}
