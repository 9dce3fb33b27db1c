//! `barman-cloud-wal-restore`: one WAL file out of the archive (spec/barman-cloud.md 2.2).

use std::path::PathBuf;

use clap::Parser;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey};
use crate::error::Error;

/// Bring one WAL file out of the archive
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-wal-restore", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// The file PostgreSQL asks for, its %f
    #[arg(value_name = "WAL_NAME")]
    wal_name: String,
    /// Where it is to appear, its %p
    #[arg(value_name = "WAL_DEST")]
    wal_dest: PathBuf,
    /// Never deliver a partial segment
    #[arg(long)]
    no_partial: bool,
    /// Fetch so many at once, this one included
    #[arg(short, long, value_name = "N", allow_negative_numbers = true)]
    parallel: Option<i64>,
    /// Where the others go
    #[arg(long, value_name = "DIR")]
    spool_dir: Option<PathBuf>,
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
