//! `barman-cloud-backup-delete`: deletes backups (spec/barman-cloud.md 2.6).

use clap::Parser;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::typed;
use super::words::{Common, CustomerKey};
use crate::error::Error;

/// Delete backups
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup-delete", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// This one
    #[arg(short, long, group = "what", required = true)]
    backup_id: Option<String>,
    /// What this policy no longer wants
    #[arg(short, long, group = "what", required = true)]
    retention_policy: Option<String>,
    /// Keep at least so many
    #[arg(short, long, value_name = "N", default_value = "0", value_parser = typed::non_negative)]
    minimum_redundancy: u32,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Delete at most so many objects in one request
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    batch_size: Option<i64>,
    /// S3: look for locks first
    #[arg(long)]
    check_object_lock: bool,
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
