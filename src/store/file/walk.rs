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
    /// Whether it is a symbolic link, which may stand for a folder as well as for an object.
    is_link: bool,
}

impl Walk {
    /// A walk over the keys below `root` that begin with `prefix` and come after `after`.
    pub(super) fn new(root: &Path, prefix: &Prefix, after: Option<&Key>) -> Self {
        let start = Entry { text: folder_of(prefix).to_owned(), is_link: false };
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
        refuse_links(&self.root, &entries)?;
        entries.sort_by(|a, b| b.text.cmp(&a.text));
        self.open.push(entries);
        Ok(())
    }

    /// Whether an entry is, or may contain, something asked for.
    fn wants(&self, entry: &Entry) -> bool {
        let (text, prefix) = (entry.text.as_str(), self.prefix.as_str());
        let contains = |key: &str| entry.may_contain() && is_in(key, text);
        let fits = text.starts_with(prefix) || contains(prefix);
        let after = self.after.as_ref().is_none_or(|after| text > after.as_str() || contains(after.as_str()));
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

    fn may_contain(&self) -> bool {
        self.is_folder() || self.is_link
    }
}

/// Whether a key lies in a folder, whose slash may be missing.
fn is_in(key: &str, folder: &str) -> bool {
    key.strip_prefix(folder)
        .is_some_and(|rest| folder.is_empty() || folder.ends_with('/') || rest.starts_with('/'))
}

/// What stands behind a link is neither listed nor silently left out: a caller would take what is
/// not listed for proven not to be there.
fn refuse_links(root: &Path, entries: &[Entry]) -> io::Result<()> {
    match entries.iter().find(|entry| entry.is_link) {
        Some(link) => Err(super::refused_link(&root.join(&link.text)).into()),
        None => Ok(()),
    }
}

/// The names of the directories in the folder of `prefix`, in no order.
pub(super) fn directories(root: &Path, prefix: &Prefix) -> io::Result<Vec<String>> {
    let folder = folder_of(prefix);
    let entries = read(root, folder)?;
    refuse_links(root, &entries)?;
    let directories = entries.into_iter().filter(Entry::is_folder);
    Ok(directories.map(|entry| entry.text[folder.len()..].trim_end_matches('/').to_owned()).collect())
}

/// The keys that temporary files below `root` would have, those that begin with `prefix`, in no order.
pub(super) fn temporaries(root: &Path, prefix: &Prefix) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder_of(prefix).to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in all(root, &folder)? {
            let Entry { text, .. } = entry;
            if text.ends_with('/') {
                let fits = text.starts_with(prefix.as_str()) || is_in(prefix.as_str(), &text);
                folders.extend(fits.then_some(text));
            } else if !entry.is_link && is_draft(&text) && text.starts_with(prefix.as_str()) {
                found.push(text);
            }
        }
    }
    Ok(found)
}

fn is_draft(text: &str) -> bool {
    disk::is_temporary(text.rsplit('/').next().unwrap_or(text).as_ref())
}

/// The deepest folder that everything with this prefix is in: empty, or ending in `/`.
fn folder_of(prefix: &Prefix) -> &str {
    prefix.as_str().rfind('/').map_or("", |slash| &prefix.as_str()[..=slash])
}

/// What is in a folder but drafts.
fn read(root: &Path, folder: &str) -> io::Result<Vec<Entry>> {
    let mut entries = all(root, folder)?;
    entries.retain(|entry| !is_draft(entry.text.trim_end_matches('/')));
    Ok(entries)
}

/// What is in a folder: regular files, directories and links, and no names that cannot be keys. A
/// folder that does not exist, or has been removed in the meantime, is empty.
fn all(root: &Path, folder: &str) -> io::Result<Vec<Entry>> {
    let directory = super::path_of_folder(root, folder)?;
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
        let is_key = kind.is_file() || kind.is_dir() || kind.is_symlink();
        let (Ok(name), true) = (entry.file_name().into_string(), is_key) else { continue };
        let slash = if kind.is_dir() { "/" } else { "" };
        entries.push(Entry { text: format!("{folder}{name}{slash}"), is_link: kind.is_symlink() });
    }
    Ok(entries)
}
