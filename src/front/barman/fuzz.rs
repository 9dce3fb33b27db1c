//! What the laws of `fuzz/` need of the private parts.

use std::ffi::OsString;

use clap::Parser;

use super::grammar::{self, Told};
use super::program::Program;
use super::{backup, check_wal_archive, delete, keep, list, restore, show, wal_archive, wal_restore};

/// Reads words as those of one of the nine commands; what is said when they cannot be meant.
pub(crate) fn read_words(which: u8, words: &[OsString]) -> Option<String> {
    fn told<W: Parser>(words: &[OsString]) -> Option<String> {
        match grammar::read::<W>(words) {
            Ok(_) => None,
            Err(Told::Help(text) | Told::Refusal(text)) => Some(text),
        }
    }
    match Program::ALL[usize::from(which) % Program::ALL.len()] {
        Program::WalArchive => told::<wal_archive::Words>(words),
        Program::WalRestore => told::<wal_restore::Words>(words),
        Program::Backup => told::<backup::Words>(words),
        Program::BackupList => told::<list::Words>(words),
        Program::BackupShow => told::<show::Words>(words),
        Program::BackupDelete => told::<delete::Words>(words),
        Program::BackupKeep => told::<keep::Words>(words),
        Program::Restore => told::<restore::Words>(words),
        Program::CheckWalArchive => told::<check_wal_archive::Words>(words),
    }
}
