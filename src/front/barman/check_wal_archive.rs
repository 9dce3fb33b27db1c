//! `barman-cloud-check-wal-archive`: whether the archive is still empty (spec/barman-cloud.md 9).

use clap::Parser;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::typed;
use super::words::Common;
use crate::error::Error;
use crate::model::Timeline;

/// Check that the archive is still empty
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-check-wal-archive", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Only WAL of this timeline and later ones counts
    #[arg(long, value_name = "N", value_parser = typed::timeline)]
    timeline: Option<Timeline>,
}

impl Shares for Words {
    // It makes the bucket.
    const WITHOUT_BUCKET: Code = Code::Success;

    fn common(&self) -> &Common {
        &self.common
    }
}

/// Runs it.
pub(super) fn run(words: Words, door: &Door) -> End {
    let _ = (words, door, Code::Success);
    Err(Failure::new(Code::General, Error::bug("not built yet")))
}
