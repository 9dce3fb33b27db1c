//! `backup.info`: a backup's record as text (spec/barman-cloud.md part 5).

use crate::error::{Error, Result};
use crate::model::{Backup, BackupId};

/// The record as text.
pub(super) fn print(backup: &Backup) -> String {
    backup.id.to_string()
}

/// Reads a record.
pub(super) fn parse(_: BackupId, _: &str) -> Result<Backup> {
    Err(Error::bug("records cannot be read yet"))
}
