//! `barman-cloud-backup-show`: one backup (spec/barman-cloud.md 2.5).

use clap::Parser;

use super::catalog::{self, Which};
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::list::CONSOLE;
use super::python::Json;
use super::words::{Common, CustomerKey};
use super::{LEVEL, console, place, record};
use crate::archive::Catalog;
use crate::error::Error;
use crate::model::Backup;

/// Show a backup
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-show", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Its identifier, its name, or a word like latest
    #[arg(value_name = "BACKUP_ID")]
    backup_id: String,
    /// console, or anything else for JSON
    #[arg(long, default_value = "console")]
    format: String,
    #[command(flatten)]
    key: CustomerKey,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let Words { common, backup_id, format, key } = words;
    let wire = place::wire(&common, Some(&key), None)?;
    let catalog = catalog::read(&wire)?;
    let Some(entry) = Which::from(backup_id.as_str()).find(&catalog, &common.server)? else {
        return Err(none(&backup_id, &catalog, &common.server));
    };
    let backup = &entry.backup;
    door.say(&if format == CONSOLE { console::page(backup) } else { json(backup) });
    Ok(Code::Success)
}

/// Why there is none with this identifier: its record cannot be read, or it is not there.
fn none(id: &str, catalog: &Catalog, server: &str) -> Failure {
    if let Some(bad) = catalog.unreadable.iter().find(|bad| bad.id.as_str() == id) {
        return Failure::new(Code::General, Error::corrupt(bad.error.to_string()));
    }
    let text = format!("Backup {id} for server {server} does not exist");
    Failure::new(Code::Operation, Error::not_found(text))
}

/// The backup under the server's name that its record has: `cloud` for all that is stored object by object.
fn json(backup: &Backup) -> String {
    // What Python makes of a key that is none.
    let server = backup.server_name.clone().unwrap_or_else(|| "null".to_owned());
    format!("{}\n", Json::Object(vec![(server, record::json(backup))]))
}
