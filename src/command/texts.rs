//! Texts as files, for the verbs that print what others are to run.

use std::io::ErrorKind;
use std::path::Path;

use crate::disk::{self, Durability, Publish};
use crate::error::{Error, Result};

/// A text and the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// A file's name, without a directory.
    pub name: String,
    /// All that is in it.
    pub text: String,
}

/// How many were written, and how many were there already with the same text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Written now.
    pub written: usize,
    /// There already.
    pub same: usize,
}

/// Writes all of them into a directory that is there. Nothing is written when one of them must stay.
///
/// # Errors
/// Kind `Conflict` when a file has another text and may not be replaced.
pub fn write(directory: &Path, files: &[Text], overwrite: bool) -> Result<Written> {
    let mut fresh = Vec::new();
    let mut done = Written::default();
    for file in files {
        let path = directory.join(&file.name);
        match fs_err::read(&path) {
            Ok(bytes) if bytes == file.text.as_bytes() => done.same += 1,
            Ok(_) if !overwrite => {
                return Err(Error::conflict(format!("{} is there with another text", path.display()))
                    .hint("look at it, then give --overwrite"));
            }
            Ok(_) => fresh.push((path, file)),
            Err(e) if e.kind() == ErrorKind::NotFound => fresh.push((path, file)),
            Err(e) => return Err(disk::explain(e)),
        }
    }
    for (path, file) in fresh {
        disk::write(&path, file.text.as_bytes(), 0o644, Publish::Replace, Durability::Durable)
            .map_err(disk::explain)?;
        done.written += 1;
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn another_text_stays_unless_it_may_be_replaced_and_the_same_is_no_conflict() {
        let scratch = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| Text { name: name.to_owned(), text: text.to_owned() };
        let both = [file("a", "1"), file("b", "2")];
        let write = |files: &[Text], overwrite| write(scratch.path(), files, overwrite);
        assert_eq!(write(&both[..1], false).unwrap(), Written { written: 1, same: 0 });
        assert_eq!(write(&both, false).unwrap(), Written { written: 1, same: 1 });
        let changed = [file("c", "3"), file("b", "4")];
        assert_eq!(write(&changed, false).unwrap_err().kind(), ErrorKind::Conflict);
        assert!(!scratch.path().join("c").exists(), "nothing is written by halves");
        assert_eq!(write(&changed, true).unwrap(), Written { written: 2, same: 0 });
        assert_eq!(fs_err::read_to_string(scratch.path().join("b")).unwrap(), "4");
    }
}
