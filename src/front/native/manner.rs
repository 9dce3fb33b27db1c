//! How the end of a run is told.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::ValueEnum as _;

use super::file::File;
use super::verb::Verb;
use crate::command::wal_restore::Caller;
use crate::front::exit::{OnError, Reader};

/// How the end of a run is told. It is guessed from the raw words before anything can fail, and
/// corrected as more becomes known.
pub(super) struct Manner {
    pub(super) reader: Reader,
    pub(super) json: bool,
}

impl Manner {
    pub(super) fn guess(words: &[OsString]) -> Self {
        let variable = std::env::var_os("BARKEEP_WAL_RESTORE_ON_ERROR");
        let reader = guess_reader(words, variable.as_deref(), Path::new(""));
        Self { reader, json: words.iter().any(|word| word == "--json") }
    }

    /// Takes from the words what they say about the end.
    pub(super) fn heed(&mut self, verb: &Verb) {
        self.json = verb.output().json.unwrap_or(false);
        self.reader = match verb {
            Verb::WalRestore(words) => {
                let on_error = words.own.on_error.unwrap_or_default();
                Reader::Restore(Caller::of(&words.destination), on_error)
            }
            Verb::WalPrefetch(_) => Reader::Nobody,
            Verb::Status(_) => Reader::Monitor,
            _ => Reader::Plain,
        };
    }

    /// Takes from the file what the words leave open.
    pub(super) fn heed_file(&mut self, verb: &Verb, file: &File) {
        if let (Reader::Restore(_, on_error), Verb::WalRestore(words)) = (&mut self.reader, verb) {
            *on_error = words.own.on_error.or(file.sections.wal_restore.on_error).unwrap_or_default();
        }
    }
}

/// Who reads how a call ends whose words cannot be read. A misspelled verb, or a flag in front of it,
/// must not tell PostgreSQL in recovery that the archive has no more; so anything that looks like a
/// restore is taken for one, unless it is `wal-archive`, whose caller must never see a status above
/// 125. `variable` is what the environment says about errors.
fn guess_reader(words: &[OsString], variable: Option<&OsStr>, directory: &Path) -> Reader {
    let is = |verb: &str| words.iter().any(|word| word == verb);
    if words.get(1).is_some_and(|verb| verb == "wal-prefetch") {
        return Reader::Nobody;
    }
    if words.get(1).is_some_and(|verb| verb == "status") {
        return Reader::Monitor;
    }
    let flag = on_error_flag(words);
    let restores = is("wal-restore") || flag.is_some() || destination(words).is_some();
    if !restores || is("wal-archive") {
        return Reader::Plain;
    }
    let on_error = flag.or_else(|| on_error(variable?));
    Reader::Restore(guess_caller(words, directory), on_error.unwrap_or_default())
}

/// Who calls: as the destination tells, if a word looks like one of PostgreSQL's, else as the signal
/// files in `directory` tell, where PostgreSQL runs its commands.
fn guess_caller(words: &[OsString], directory: &Path) -> Caller {
    let told = destination(words).map_or(Caller::Other, Caller::of);
    if told != Caller::Other {
        told
    } else if directory.join("standby.signal").exists() {
        Caller::Standby
    } else if directory.join("recovery.signal").exists() {
        Caller::Recovery
    } else {
        Caller::Other
    }
}

/// The word that is a path PostgreSQL restores to.
fn destination(words: &[OsString]) -> Option<&Path> {
    let postgres = |name: &OsStr| name == "RECOVERYXLOG" || name == "RECOVERYHISTORY";
    words.iter().map(Path::new).find(|path| path.file_name().is_some_and(postgres))
}

/// What the words say about errors, as `--on-error=WHAT` or `--on-error WHAT`; the last one that can
/// be understood.
fn on_error_flag(words: &[OsString]) -> Option<OnError> {
    let next = words.iter().skip(1).map(Some).chain([None]);
    let said = words.iter().zip(next).filter_map(|(word, next)| match word.to_str()? {
        "--on-error" => on_error(next?),
        word => on_error(word.strip_prefix("--on-error=")?.as_ref()),
    });
    said.last()
}

fn on_error(what: &OsStr) -> Option<OnError> {
    OnError::from_str(what.to_str()?, false).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_call_is_judged_by_the_signal_files_and_standby_wins() {
        let scratch = tempfile::tempdir().unwrap();
        let words = ["barkeep", "wal-restore", "--bogus"].map(OsString::from);
        assert_eq!(guess_caller(&words, scratch.path()), Caller::Other);
        fs_err::write(scratch.path().join("recovery.signal"), "").unwrap();
        assert_eq!(guess_caller(&words, scratch.path()), Caller::Recovery);
        fs_err::write(scratch.path().join("standby.signal"), "").unwrap();
        assert_eq!(guess_caller(&words, scratch.path()), Caller::Standby);
    }

    #[test]
    fn an_archiver_never_reads_a_restores_status() {
        for line in ["wal-archive --on-error=stop x", "--x wal-archive pg_wal/RECOVERYXLOG", "check --x"] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(guess_reader(&words, Some("stop".as_ref()), Path::new("")), Reader::Plain, "{line}");
        }
    }
}
