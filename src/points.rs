//! Numbered points before every step that outlives the process, where a test lets it die or fail.
//!
//! Whoever writes durably or calls the store passes a point first. A test names one of them by its
//! number; there the process dies as by SIGKILL, or the step fails with an error of the operating
//! system's. Nothing else can be told to do so: no time, no chance. Compiled in wherever debug
//! assertions are, which is in no optimised build: there a step is what it does and nothing else
//! (`docs/decisions/0022-crash-points.md`).
//!
//! The number of a point is its place in the order in which this process comes by; work on several
//! threads shares one count.

use std::fmt;
use std::io;
use std::path::Path;

/// The variable that names the point: `VERB:NUMBER`, or `VERB:NUMBER:ERRNO` to fail instead of dying.
/// A process of another verb, such as one that this one starts, takes no notice. Numbers begin at 1; at 0
/// nothing happens but counting.
pub const POINT: &str = "BARKEEP_TEST_POINT";

/// The variable that names a file to which every point is appended as it is passed: its number (or `done`
/// behind a step on the disk), the step and its paths, separated by tabs. If there is a folder of the same
/// name with the extension `kept`, a file that is about to lose its name is linked there under the number.
pub const LOG: &str = "BARKEEP_TEST_POINT_LOG";

/// What is about to happen.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// A file is made.
    Create(&'a Path),
    /// Bytes are written to a file.
    Write(&'a Path),
    /// A file's bytes are flushed.
    Flush(&'a Path),
    /// A file gets a second name, the latter.
    Link(&'a Path, &'a Path),
    /// A file's name becomes the latter.
    Rename(&'a Path, &'a Path),
    /// A name is removed.
    Remove(&'a Path),
    /// A directory is made.
    MakeDirectory(&'a Path),
    /// The names in a directory are flushed.
    FlushDirectory(&'a Path),
    /// An empty directory is removed.
    RemoveDirectory(&'a Path),
    /// A directory is removed with all that is in it.
    RemoveTree(&'a Path),
    /// Everything on the file system of a path is flushed.
    FlushFileSystem(&'a Path),
    /// The store is asked to do this to that key.
    Ask(&'static str, &'a str),
    /// The store has answered.
    Answered(&'static str, &'a str),
}

impl Step<'_> {
    /// What fails, for the text of an error.
    #[cfg(debug_assertions)]
    const fn verb(&self) -> &'static str {
        match self {
            Self::Create(_) | Self::MakeDirectory(_) => "create",
            Self::Write(_) => "write to",
            Self::Flush(_) | Self::FlushDirectory(_) | Self::FlushFileSystem(_) => "flush",
            Self::Link(..) => "link",
            Self::Rename(..) => "rename",
            Self::Remove(_) | Self::RemoveDirectory(_) | Self::RemoveTree(_) => "remove",
            Self::Ask(what, _) | Self::Answered(what, _) => what,
        }
    }
}

/// The line of the log.
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, path) = match self {
            Self::Create(path) => ("create", path),
            Self::Write(path) => ("write", path),
            Self::Flush(path) => ("flush", path),
            Self::Link(from, to) => return write!(f, "link\t{}\t{}", from.display(), to.display()),
            Self::Rename(from, to) => return write!(f, "rename\t{}\t{}", from.display(), to.display()),
            Self::Remove(path) => ("remove", path),
            Self::MakeDirectory(path) => ("make-directory", path),
            Self::FlushDirectory(path) => ("flush-directory", path),
            Self::RemoveDirectory(path) => ("remove-directory", path),
            Self::RemoveTree(path) => ("remove-tree", path),
            Self::FlushFileSystem(path) => ("flush-file-system", path),
            Self::Ask(what, key) => return write!(f, "ask {what}\t{key}"),
            Self::Answered(what, key) => return write!(f, "answered {what}\t{key}"),
        };
        write!(f, "{what}\t{}", path.display())
    }
}

/// Passes the point, and takes the step.
#[cfg_attr(not(debug_assertions), inline(always), expect(unused_variables, reason = "there are no points"))]
pub fn step<T>(step: Step<'_>, take: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    #[cfg(debug_assertions)]
    pass(step)?;
    let taken = take()?;
    #[cfg(debug_assertions)]
    armed::done(step);
    Ok(taken)
}

#[cfg(debug_assertions)]
pub use armed::{arm, is_armed, pass};

#[cfg(debug_assertions)]
mod armed {
    use std::ffi::OsString;
    use std::fs::File;
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    use super::{LOG, POINT, Step};

    static ARMED: OnceLock<Armed> = OnceLock::new();

    struct Armed {
        /// Where it happens; 0 is nowhere.
        at: u64,
        /// The step fails with this error; without one the process dies.
        errno: Option<i32>,
        /// Opened for every line: a process that detaches itself closes what it has open.
        log: Option<PathBuf>,
        passed: AtomicU64,
    }

    /// Arms the point that the environment names, when it is of the verb among these words.
    pub fn arm(words: &[OsString], variable: impl Fn(&str) -> Option<OsString>) {
        let Some(armed) = read(words, variable) else { return };
        // A process is armed once, at its beginning.
        let _ = ARMED.set(armed);
    }

    fn read(words: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Option<Armed> {
        let point = variable(POINT)?.into_string().ok()?;
        let mut parts = point.split(':');
        let verb = parts.next()?;
        if !words.iter().skip(1).any(|word| word == verb) {
            return None;
        }
        let at = parts.next()?.parse().ok()?;
        let errno = parts.next().and_then(|errno| errno.parse().ok());
        let log = variable(LOG).map(PathBuf::from);
        Some(Armed { at, errno, log, passed: AtomicU64::new(0) })
    }

    /// Whether points are counted in this process.
    pub fn is_armed() -> bool {
        ARMED.get().is_some()
    }

    /// Counts the point; here the process dies, or the step fails, when it is the one.
    pub fn pass(step: Step<'_>) -> io::Result<()> {
        let Some(armed) = ARMED.get() else { return Ok(()) };
        let number = armed.passed.fetch_add(1, Ordering::SeqCst) + 1;
        armed.note(&format!("{number}\t{step}\n"));
        armed.keep(number, step);
        if number != armed.at {
            return Ok(());
        }
        let Some(errno) = armed.errno else { die() };
        let error = io::Error::from_raw_os_error(errno);
        let line = step.to_string();
        let path = line.split('\t').nth(1).unwrap_or_default();
        Err(io::Error::new(error.kind(), format!("failed to {} `{path}`: {error}", step.verb())))
    }

    /// Notes that the step was taken.
    pub(super) fn done(step: Step<'_>) {
        if let Some(armed) = ARMED.get() {
            armed.note(&format!("done\t{step}\n"));
        }
    }

    impl Armed {
        /// Links what is about to lose its name into the log's folder, where there is one: whether the loss
        /// survives a power failure is what the test wants to try.
        fn keep(&self, number: u64, step: Step<'_>) {
            if let (Some(log), Step::Remove(path) | Step::Rename(_, path)) = (&self.log, step) {
                let _ = std::fs::hard_link(path, log.with_extension("kept").join(number.to_string()));
            }
        }

        fn note(&self, line: &str) {
            // One write, so that lines of several threads do not mingle. A log that cannot be written is
            // seen by the test that reads it.
            let open = |log| File::options().create(true).append(true).open(log);
            let _ = self.log.as_ref().map(|log| open(log)?.write_all(line.as_bytes()));
        }
    }

    /// No unwinding, no destructors, not one instruction more of this thread.
    fn die() -> ! {
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            std::thread::park();
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_point_is_armed_for_its_own_verb_only() {
            let words = ["barkeep", "wal-restore", "x"].map(OsString::from);
            let point = |text: &'static str| {
                read(&words, |name| (name == POINT).then(|| text.into())).map(|armed| (armed.at, armed.errno))
            };
            assert_eq!(point("wal-restore:7"), Some((7, None)));
            assert_eq!(point("wal-restore:7:28"), Some((7, Some(28))));
            assert_eq!(point("wal-prefetch:7"), None);
            assert_eq!(point("wal-restore"), None);
            assert_eq!(point("barkeep:7"), None);
        }
    }
}
