//! The links by which others start the nine commands.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Program;
use crate::error::{Context as _, Error, Result};

/// What was made.
#[derive(Debug)]
pub(crate) struct Installed {
    /// What the links lead to.
    pub(crate) target: PathBuf,
    /// The names of the links.
    pub(crate) names: Vec<&'static str>,
    /// How many of them were made now; the others were there.
    pub(crate) made: usize,
}

/// Makes the links in an existing directory, to the binary at `binary`: all of them or, when there is
/// something else under one of the names, none. Doing it again is success.
pub(crate) fn install(directory: &Path, binary: &Path) -> Result<Installed> {
    let binary = fs_err::canonicalize(binary).context(|| "find the running binary")?;
    let inside = fs_err::canonicalize(directory).context(|| "find the directory for the links")?;
    // Beside the binary the name alone will do, wherever both are moved to.
    let target = match (binary.parent(), binary.file_name()) {
        (Some(parent), Some(name)) if parent == inside => PathBuf::from(name),
        _ => binary.clone(),
    };
    let names = Program::ALL.map(Program::name);
    let mut missing = Vec::new();
    for name in names {
        let link = inside.join(name);
        if !leads_to(&link, &binary)? {
            missing.push(link);
        }
    }
    make(&missing, &target)?;
    Ok(Installed { target, names: names.to_vec(), made: missing.len() })
}

/// Whether there is such a link already; refuses anything else of that name.
fn leads_to(link: &Path, binary: &Path) -> Result<bool> {
    match link.symlink_metadata() {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(Error::from(e).context(format!("look at {}", link.display()))),
        Ok(_) => {}
    }
    let to = std::fs::read_link(link).ok().and_then(|_| std::fs::canonicalize(link).ok());
    if to.as_deref() == Some(binary) {
        return Ok(true);
    }
    let text = format!("{} is there and does not lead to {}", link.display(), binary.display());
    Err(Error::conflict(text).hint("remove it first, or choose another directory"))
}

/// A link appears whole or not at all, and never in place of something.
fn make(links: &[PathBuf], target: &Path) -> Result<()> {
    for (i, link) in links.iter().enumerate() {
        if let Err(e) = symlink(target, link) {
            for done in &links[..i] {
                // What stays behind is a good link, and the error is about another.
                let _ = fs_err::remove_file(done);
            }
            return Err(Error::from(e).context(format!("make the link {}", link.display())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let found = fs_err::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn nine_links_are_made_and_made_again_without_a_change() {
        let scratch = tempfile::tempdir().unwrap();
        let binary = scratch.path().join("program");
        fs_err::write(&binary, "").unwrap();
        let elsewhere = scratch.path().join("bin");
        fs_err::create_dir(&elsewhere).unwrap();
        let first = install(&elsewhere, &binary).unwrap();
        assert_eq!((first.made, names(&elsewhere).len()), (9, 9));
        assert!(first.target.is_absolute());
        assert_eq!(install(&elsewhere, &binary).unwrap().made, 0);
        let beside = install(scratch.path(), &binary).unwrap();
        assert_eq!(beside.target, Path::new("program"));
        assert!(scratch.path().join(beside.names[0]).canonicalize().is_ok());
    }

    #[test]
    fn something_else_of_that_name_is_refused_and_nothing_is_made() {
        let scratch = tempfile::tempdir().unwrap();
        let binary = scratch.path().join("program");
        fs_err::write(&binary, "").unwrap();
        let last = Program::ALL[8].name();
        for other in ["file", "link"] {
            let bin = scratch.path().join(other);
            fs_err::create_dir(&bin).unwrap();
            match other {
                "file" => fs_err::write(bin.join(last), "precious").unwrap(),
                _ => symlink("/nowhere", bin.join(last)).unwrap(),
            }
            let e = install(&bin, &binary).unwrap_err();
            assert_eq!(e.kind(), crate::error::ErrorKind::Conflict, "{e}");
            assert_eq!(names(&bin), [last]);
        }
    }
}
