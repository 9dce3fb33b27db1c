//! `barman-cloud-backup-list`: what backups there are (spec/barman-cloud.md 2.4).

use clap::Parser;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey};
use crate::error::Error;

/// List the backups
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-list", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
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
    let _ = (words, door, Code::Success);
    Err(Failure::new(Code::General, Error::bug("not built yet")))
}
