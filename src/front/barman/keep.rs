//! `barman-cloud-backup-keep`: keeps a backup (spec/barman-cloud.md 2.7).

use clap::Parser;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey};
use crate::error::Error;

/// Keep a backup from being deleted
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-keep", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Its identifier, its name, or a word like latest
    #[arg(value_name = "BACKUP_ID")]
    backup_id: String,
    /// Let it go
    #[arg(short, long, group = "what")]
    release: bool,
    /// Only tell
    #[arg(short, long, group = "what")]
    status: bool,
    /// Keep it for this
    #[arg(long, value_name = "TARGET", group = "what")]
    target: Option<String>,
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
    let _ = (words, door, Code::Success);
    Err(Failure::new(Code::General, Error::bug("not built yet")))
}
