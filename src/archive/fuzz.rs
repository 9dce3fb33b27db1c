//! What the laws of `fuzz/` need of the private parts.

use super::layout::Layout;
use super::{Literal, backup_info};
use crate::error::Result;
use crate::model::{Backup, BackupId, Compression, ServerName, WalName};
use crate::store::Key;

/// Reads a record.
pub(crate) fn read_record(id: BackupId, text: &str) -> Result<Backup> {
    backup_info::parse(id, text)
}

/// Writes it.
pub(crate) fn print_record(backup: &Backup) -> String {
    backup_info::print(backup)
}

/// Reads a literal.
pub(crate) fn read_literal(text: &str) -> Result<Literal> {
    Literal::parse(text)
}

/// The key of a WAL file, and what is read back from it.
pub(crate) fn wal_key(
    server: &ServerName,
    name: &WalName,
    how: Compression,
) -> Result<(Key, Option<(WalName, Compression)>)> {
    let key = Layout::new(server.clone()).wal(name, how)?;
    let read = Layout::read_wal(&key);
    Ok((key, read))
}

/// Reads a key as that of a backup's object, and spells it again; `None` when it is none.
pub(crate) fn backup_key(server: &ServerName, key: &Key) -> Option<Result<Key>> {
    let layout = Layout::new(server.clone());
    let _ = layout.read_stranger(key);
    let (id, object) = layout.read_backup(key)?;
    Some(layout.backup(&id, &object?))
}
