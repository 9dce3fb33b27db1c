//! `barman-cloud-wal-archive`: one WAL file into the archive (spec/barman-cloud.md 2.1).

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{ArgAction, Parser};

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::typed::{self, Effort, Tag};
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
    #[arg(long, value_name = "LEVEL", value_parser = typed::effort)]
    compression_level: Option<Effort>,
    /// Tag the object: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "tags", value_parser = typed::tag)]
    tag: Vec<Tag>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Set, value_parser = typed::tags)]
    tags: Option<Vec<Tag>>,
    /// Tag histories with this instead: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "history_tags", value_parser = typed::tag)]
    history_tag: Vec<Tag>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Set, value_parser = typed::tags)]
    history_tags: Option<Vec<Tag>>,
    #[command(flatten)]
    encryption: Encryption,
    #[command(flatten)]
    key: CustomerKey,
    /// Azure: the size of a block
    #[arg(long, value_name = "SIZE", default_value = "4MB", value_parser = typed::size)]
    max_block_size: u64,
    /// Azure: so many blocks at once
    #[arg(long, value_name = "N", default_value = "1", value_parser = typed::positive)]
    max_concurrency: NonZeroU32,
    /// Azure: above this in blocks
    #[arg(long, value_name = "SIZE", default_value = "64MB", value_parser = typed::size)]
    max_single_put_size: u64,
}

impl Shares for Words {
    fn common(&self) -> &Common {
        &self.common
    }

    fn sound(&self) -> Result<(), Failure> {
        let is_hook = ["BARMAN_HOOK", "BARMAN_PHASE"].iter().all(|name| std::env::var_os(name).is_some());
        if self.wal_path.is_some() || is_hook {
            return Ok(());
        }
        let missing = Error::usage("the following arguments are required: wal_path");
        Err(Failure::new(Code::Words, missing.hint("give the WAL file, as %p names it")))
    }
}

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let _ = (words, door, Code::Success);
    Err(Failure::new(Code::General, Error::bug("not built yet")))
}
