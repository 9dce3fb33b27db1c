//! `barman-cloud-wal-archive`: one WAL file into the archive (spec/barman-cloud.md 2.1).

use std::path::PathBuf;

use clap::{ArgAction, Parser};

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::words::{Common, CustomerKey, Encryption, WalCodec};
use crate::error::Error;

/// Put one WAL file into the archive
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-wal-archive", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// The file, as %p names it
    #[arg(value_name = "WAL_PATH")]
    wal_path: Option<PathBuf>,
    #[command(flatten)]
    codec: WalCodec,
    /// Compress this hard: low, medium, high or a number
    #[arg(long, value_name = "LEVEL", allow_negative_numbers = true)]
    compression_level: Option<String>,
    /// Tag the object: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "tags")]
    tag: Vec<String>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Append)]
    tags: Option<Vec<String>>,
    /// Tag histories with this instead: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "history_tags")]
    history_tag: Vec<String>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Append)]
    history_tags: Option<Vec<String>>,
    #[command(flatten)]
    encryption: Encryption,
    #[command(flatten)]
    key: CustomerKey,
    /// Azure: the size of a block
    #[arg(long, value_name = "SIZE", default_value = "4MB")]
    max_block_size: String,
    /// Azure: so many blocks at once
    #[arg(long, value_name = "N", default_value = "1")]
    max_concurrency: String,
    /// Azure: above this in blocks
    #[arg(long, value_name = "SIZE", default_value = "64MB")]
    max_single_put_size: String,
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
