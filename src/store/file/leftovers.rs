//! Drafts of objects that were left behind by a process that was killed.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use jiff::Timestamp;

use super::{FileStore, walk};
use crate::disk::{self, Leftover};
use crate::error::{Error, Result};
use crate::store::{Key, Prefix, Unfinished};

/// Those whose own names begin with `prefix`, in the order of the keys.
pub(super) fn find(root: &Path, prefix: &Prefix) -> io::Result<Vec<Unfinished>> {
    let mut found = Vec::new();
    for text in walk::temporaries(root, prefix)? {
        let (Ok(key), Some(leftover)) = (Key::new(text.as_str()), Leftover::open(&root.join(&text))?) else {
            continue;
        };
        let metadata = leftover.metadata()?;
        let begun = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
        found.push(Unfinished { key, begun, id: metadata.ino().to_string() });
    }
    found.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(found)
}

/// Removes one, unless it is gone or another file has its name by now.
pub(super) fn remove(store: &FileStore, unfinished: &Unfinished) -> Result<()> {
    let key = &unfinished.key;
    if !disk::is_temporary(key.file_name().as_ref()) {
        return Err(Error::bug(format!("{key} is no temporary file's name")));
    }
    let folders = key.as_str().rsplit_once('/').map_or("", |(folders, _)| folders);
    let folder = super::path_of_folder(&store.root, folders)?;
    let removed = Leftover::open(&folder.join(key.file_name())).and_then(|leftover| match leftover {
        Some(leftover) if leftover.metadata()?.ino().to_string() == unfinished.id => leftover.remove(),
        _ => Ok(()),
    });
    removed.or_else(|e| if super::is_absence(&e) { Ok(()) } else { Err(store.explain(e)) })?;
    store.remove_emptied(&folder);
    Ok(())
}
