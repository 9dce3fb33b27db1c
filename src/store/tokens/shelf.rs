//! What is temporary about signing in, kept between processes: a private directory with a file for each
//! way to sign in.
//!
//! It only ever saves time. Whatever is wrong with the directory or a file, the caller gets nothing and
//! signs in; processes that write at once each write a whole file, and the last one stays.

use std::fs::{DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::MARGIN;
use crate::disk::{self, Durability, Leftover, Publish};

/// The format of a file; one of another is not read.
const VERSION: u32 = 1;

/// The most that a file may have, in bytes. Tokens have a few thousand.
const LARGEST: u64 = 64 << 10;

/// So many names are looked at when what nobody will read any more is removed.
const SWEPT: usize = 256;

/// A draft this old was left behind by a process that was killed.
const ABANDONED: Duration = Duration::from_hours(1);

/// A directory of what is kept.
#[derive(Debug, Clone)]
pub(in crate::store) struct Shelf {
    directory: PathBuf,
    /// Where we are, since the same way to sign in gives another identity elsewhere.
    place: String,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Page<T> {
    version: u32,
    expires: Timestamp,
    kept: T,
}

impl Shelf {
    /// The shelf in `directory`, which is made when something is first kept, if the directory above it is
    /// there and ours. It is not used, which is logged once, unless it is ours, closed to others, and no
    /// symbolic link.
    pub(in crate::store) fn new(directory: &Path) -> Self {
        // With a slash at its end a symbolic link would be followed.
        Self { directory: directory.components().collect(), place: place() }
    }

    /// What was kept under this identity and when it runs out, if that is more than five minutes away.
    pub(in crate::store) fn find<T: DeserializeOwned>(
        &self,
        identity: &str,
        now: Timestamp,
    ) -> Option<(T, Timestamp)> {
        let Page { expires, kept, .. } = read(&self.open()?, &self.file_name(identity))?;
        (now + MARGIN < expires).then_some((kept, expires))
    }

    /// Keeps `kept` under this identity, unless it runs out within five minutes.
    pub(in crate::store) fn keep<T: Serialize>(
        &self,
        identity: &str,
        kept: &T,
        expires: Timestamp,
        now: Timestamp,
    ) {
        if expires <= now + MARGIN {
            return;
        }
        self.make();
        let Some(directory) = self.open() else { return };
        if let Err(e) = self.write(&self.file_name(identity), &Page { version: VERSION, expires, kept }) {
            tracing::debug!("nothing is kept for the next sign-in: {e}");
        }
        self.sweep(&directory, now);
    }

    /// Removes what is kept under this identity, if it is what `is_it` knows. Whoever keeps something
    /// newer in that very moment may lose it, and signs in once more.
    pub(in crate::store) fn forget<T: DeserializeOwned>(&self, identity: &str, is_it: impl Fn(&T) -> bool) {
        let Some(directory) = self.open() else { return };
        let name = self.file_name(identity);
        if read(&directory, &name).is_some_and(|page| is_it(&page.kept)) {
            remove(&directory, &name);
        }
    }

    /// A file's name: it says nothing about the identity, and cannot lead elsewhere.
    fn file_name(&self, identity: &str) -> String {
        let digest = Sha256::new().chain_update(&self.place).chain_update("\n").chain_update(identity);
        hex::encode(digest.finalize())
    }

    /// The directory; `None` when it is not there, or not to be used. What is read and removed below goes
    /// through it, so that it cannot be another one by then.
    fn open(&self) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = match rustix::fs::open(&self.directory, flags, Mode::empty()) {
            Err(Errno::NOENT) => return None,
            Err(Errno::LOOP | Errno::NOTDIR) => Err("is no directory, or a symbolic link".to_owned()),
            Err(e) => Err(format!("cannot be opened: {}", io::Error::from(e))),
            Ok(directory) => private(directory.into()),
        };
        opened.map_err(|why| warn_once(&self.directory, &why)).ok().map(|(directory, _)| directory)
    }

    /// Makes the directory where it may be made.
    fn make(&self) {
        let above = match self.directory.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        let Ok(meta) = std::fs::metadata(above) else { return };
        if meta.uid() != us() {
            return;
        }
        match DirBuilder::new().mode(0o700).create(&self.directory) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => {
                warn_once(&self.directory, &format!("cannot be made: {e}"));
            }
            _ => {}
        }
    }

    fn write<T: Serialize>(&self, name: &str, page: &Page<T>) -> io::Result<()> {
        let text = serde_json::to_vec(page)?;
        if text.len() as u64 > LARGEST {
            return Err(io::Error::other(format!("it has {} bytes, more than {LARGEST}", text.len())));
        }
        disk::write(&self.directory.join(name), &text, 0o600, Publish::Replace, Durability::Fleeting)
    }

    /// Removes what has run out and the drafts of processes that were killed, so that no secret stays
    /// longer than it has to.
    fn sweep(&self, directory: &File, now: Timestamp) {
        for entry in std::fs::read_dir(&self.directory).into_iter().flatten().flatten().take(SWEPT) {
            let name = entry.file_name();
            if disk::is_temporary(&name) {
                let old = entry.metadata().and_then(|meta| meta.modified()).map(|at| at.elapsed());
                if matches!(old, Ok(Ok(age)) if age > ABANDONED)
                    && let Ok(Some(left)) = Leftover::open(&entry.path())
                {
                    let _ = left.remove();
                }
            } else if let Some(name) = name.to_str()
                && is_file_name(name)
                && read::<IgnoredAny>(directory, name).is_some_and(|page| page.expires <= now)
            {
                remove(directory, name);
            }
        }
    }
}

/// This machine since it was started, and this container. A metadata service answers to one address for
/// every machine and pod, so that a spool which came with the copy of a disk, or belongs to a pod that has
/// been given another account, would have the tokens of somebody else.
fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let container = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{}\n{}\n{host}", boot.trim(), container.display())
}

fn is_file_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a file holds. Anything odd about it is as if it were not there.
fn read<T: DeserializeOwned>(directory: &File, name: &str) -> Option<Page<T>> {
    // Without NONBLOCK a pipe of that name would keep us waiting.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let page = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return None,
        Err(e) => Err(io::Error::from(e).to_string()),
        Ok(file) => private(file.into()).and_then(|(file, meta)| parse(file, &meta)),
    };
    page.inspect_err(|why| tracing::debug!("what was kept in {name} is not used: {why}")).ok()
}

fn parse<T: DeserializeOwned>(file: File, meta: &Metadata) -> Result<Page<T>, String> {
    if !meta.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut text = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(|e| e.to_string())?;
    if text.len() as u64 > LARGEST {
        return Err(format!("it has more than {LARGEST} bytes"));
    }
    // The parser quotes what it stumbles over, which may be the secret; its place must do.
    let page: Page<T> = serde_json::from_slice(&text)
        .map_err(|e| format!("it cannot be read, line {} column {}", e.line(), e.column()))?;
    if page.version != VERSION {
        return Err(format!("it has format {}, not {VERSION}", page.version));
    }
    Ok(page)
}

/// Only what is ours, and nobody else's to read or write.
fn private(file: File) -> Result<(File, Metadata), String> {
    let meta = file.metadata().map_err(|e| e.to_string())?;
    if meta.uid() != us() {
        return Err(format!("belongs to user {}, not to us (user {})", meta.uid(), us()));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(format!("has mode {:04o}, so others can reach into it", meta.mode() & 0o7777));
    }
    Ok((file, meta))
}

fn remove(directory: &File, name: &str) {
    if let Err(e) = rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        tracing::debug!("what was kept in {name} is not removed: {}", io::Error::from(e));
    }
}

fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// One warning in a process: everything else goes on as if there were no such directory.
fn warn_once(directory: &Path, why: &str) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        tracing::warn!(
            "every call signs in anew, since nothing is kept in {}: it {why}",
            directory.display()
        );
    });
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const LONG: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

    /// A private place, and a shelf in it that is not there yet.
    fn shelf() -> (tempfile::TempDir, Shelf) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(&dir.path().join("tokens"));
        (dir, shelf)
    }

    fn now() -> Timestamp {
        "2026-11-21T09:00:00Z".parse().unwrap()
    }

    fn keep(shelf: &Shelf, what: &str) {
        shelf.keep("us", &what.to_owned(), now() + LONG, now());
    }

    fn find(shelf: &Shelf) -> Option<String> {
        shelf.find("us", now()).map(|(kept, _)| kept)
    }

    fn mode(path: &Path) -> u32 {
        fs_err::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs_err::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }

    fn file(shelf: &Shelf) -> PathBuf {
        shelf.directory.join(shelf.file_name("us"))
    }

    #[test]
    fn what_is_kept_is_found_by_its_identity_only_and_by_nobody_else() {
        let (_dir, shelf) = shelf();
        assert_eq!(find(&shelf), None);
        keep(&shelf, "secret");
        assert_eq!(shelf.find::<String>("us", now()), Some(("secret".to_owned(), now() + LONG)));
        assert_eq!(shelf.find::<String>("them", now()), None);
        assert_eq!((mode(&shelf.directory), mode(&file(&shelf))), (0o700, 0o600));
        assert_eq!(fs_err::read_dir(&shelf.directory).unwrap().count(), 1);
    }

    #[test]
    fn what_another_machine_or_container_kept_is_not_found() {
        let (_dir, shelf) = shelf();
        assert_eq!(Shelf::new(&shelf.directory).place, shelf.place);
        let elsewhere = Shelf { place: "elsewhere".to_owned(), ..shelf.clone() };
        keep(&elsewhere, "theirs");
        assert_eq!(find(&shelf), None);
        keep(&shelf, "ours");
        assert_eq!((find(&elsewhere).as_deref(), find(&shelf).as_deref()), (Some("theirs"), Some("ours")));
    }

    #[test]
    fn nothing_is_kept_or_found_within_five_minutes_of_its_end() {
        let (_dir, shelf) = shelf();
        shelf.keep("us", &"short", now() + MARGIN, now());
        assert!(!shelf.directory.exists());
        keep(&shelf, "long");
        let last = now() + LONG - MARGIN;
        assert_eq!(shelf.find::<String>("us", last), None);
        assert!(shelf.find::<String>("us", last - jiff::SignedDuration::from_secs(1)).is_some());
    }

    #[test]
    fn a_directory_that_is_not_private_or_a_symbolic_link_is_not_used() {
        let (dir, shelf) = shelf();
        fs_err::create_dir(&shelf.directory).unwrap();
        for open in [0o750, 0o720, 0o701, 0o777] {
            set_mode(&shelf.directory, open);
            keep(&shelf, "secret");
            assert_eq!(fs_err::read_dir(&shelf.directory).unwrap().count(), 0, "{open:o}");
        }
        set_mode(&shelf.directory, 0o700);
        keep(&shelf, "secret");
        set_mode(&shelf.directory, 0o755);
        assert_eq!(find(&shelf), None);
        set_mode(&shelf.directory, 0o700);
        for spelled in ["link", "link/"] {
            let link = dir.path().join(spelled);
            let _ = symlink(&shelf.directory, dir.path().join("link"));
            assert_eq!(find(&Shelf::new(&link)), None);
        }
        assert_eq!(find(&shelf).as_deref(), Some("secret"));
    }

    #[test]
    fn a_directory_is_never_made_below_one_that_is_not_there() {
        let (_dir, shelf) = shelf();
        let below = Shelf::new(&shelf.directory.join("deeper"));
        keep(&below, "secret");
        assert!(find(&below).is_none() && !shelf.directory.exists());
    }

    #[test]
    fn an_odd_file_is_not_read_and_is_replaced() {
        let (dir, shelf) = shelf();
        let elsewhere = dir.path().join("elsewhere");
        let oddities: [&dyn Fn(&Path); 8] = [
            &|file| fs_err::write(file, "{\"version\":1,").unwrap(),
            &|file| fs_err::write(file, "").unwrap(),
            &|file| fs_err::write(file, vec![b' '; 1 << 20]).unwrap(),
            &|file| {
                let text = fs_err::read_to_string(file).unwrap();
                fs_err::write(file, text.replace("\"version\":1", "\"version\":2")).unwrap();
            },
            &|file| fs_err::write(file, "{\"version\":1,\"expires\":\"soon\",\"kept\":\"x\"}").unwrap(),
            &|file| set_mode(file, 0o640),
            &|file| set_mode(file, 0o602),
            &|file| {
                fs_err::rename(file, &elsewhere).unwrap();
                symlink(&elsewhere, file).unwrap();
            },
        ];
        for (nth, make_odd) in oddities.iter().enumerate() {
            keep(&shelf, "old");
            make_odd(&file(&shelf));
            assert_eq!(find(&shelf), None, "{nth}");
            keep(&shelf, "new");
            assert_eq!(find(&shelf).as_deref(), Some("new"), "{nth}");
            assert_eq!(mode(&file(&shelf)), 0o600);
        }
        assert!(fs_err::read_to_string(&elsewhere).unwrap().contains("old"), "the link was followed");
    }

    #[test]
    fn a_folder_or_a_pipe_in_the_place_of_a_file_is_no_trouble() {
        let (_dir, shelf) = shelf();
        keep(&shelf, "a");
        fs_err::remove_file(file(&shelf)).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, file(&shelf), rustix::fs::FileType::Fifo, Mode::RUSR, 0)
            .unwrap();
        assert_eq!(find(&shelf), None);
        keep(&shelf, "b");
        assert_eq!(find(&shelf).as_deref(), Some("b"));
        fs_err::remove_file(file(&shelf)).unwrap();
        fs_err::create_dir(file(&shelf)).unwrap();
        set_mode(&file(&shelf), 0o700);
        keep(&shelf, "c");
        assert_eq!(find(&shelf), None);
    }

    #[test]
    fn only_what_is_known_is_forgotten() {
        let (_dir, shelf) = shelf();
        keep(&shelf, "new");
        shelf.forget::<String>("us", |kept| kept == "old");
        shelf.forget::<String>("them", |_| true);
        assert_eq!(find(&shelf).as_deref(), Some("new"));
        shelf.forget::<String>("us", |kept| kept == "new");
        assert!(find(&shelf).is_none() && !file(&shelf).exists());
    }

    #[test]
    fn what_has_run_out_and_what_the_killed_left_behind_is_removed() {
        let (_dir, shelf) = shelf();
        shelf.keep("them", &"x", now() + LONG, now());
        keep(&shelf, "y");
        let (old, new) = (shelf.directory.join(".barkeep-tmp-1-1"), shelf.directory.join(".barkeep-tmp-1-2"));
        for draft in [&old, &new] {
            fs_err::write(draft, "half").unwrap();
        }
        let long_ago = std::time::SystemTime::now() - 2 * ABANDONED;
        fs_err::OpenOptions::new().write(true).open(&old).unwrap().set_modified(long_ago).unwrap();
        fs_err::write(shelf.directory.join("unknown"), "").unwrap();
        let later = now() + LONG + LONG;
        shelf.keep("us", &"z", later + LONG, later);
        assert!(!shelf.directory.join(shelf.file_name("them")).exists() && !old.exists());
        assert!(new.exists() && shelf.directory.join("unknown").exists());
        assert_eq!(shelf.find::<String>("us", later).unwrap().0, "z");
    }

    #[test]
    fn many_who_keep_and_find_at_once_see_whole_files() {
        let (_dir, shelf) = shelf();
        keep(&shelf, "0");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let shelf = &shelf;
                scope.spawn(move || {
                    for _ in 0..50 {
                        shelf.keep("us", &writer.to_string().repeat(9_000), now() + LONG, now());
                        let found = find(shelf).unwrap();
                        assert!(found == "0" || found.len() == 9_000, "{}", found.len());
                    }
                });
            }
        });
    }
}
