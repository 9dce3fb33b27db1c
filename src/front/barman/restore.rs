//! `barman-cloud-restore`: lays a base backup down (spec/barman-cloud.md 2.8).

use std::path::PathBuf;

use clap::Parser;

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::typed;
use super::words::{Common, CustomerKey};
use crate::error::Error;
use crate::model::TargetTimeline;

/// Lay a base backup down
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-restore", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Its identifier, its name, a word like latest, or auto
    #[arg(value_name = "BACKUP_ID")]
    backup_id: String,
    /// Where the data directory goes
    #[arg(value_name = "RECOVERY_DIR")]
    recovery_dir: PathBuf,
    /// Put a tablespace elsewhere; may be repeated
    #[arg(long, value_name = "NAME:LOCATION")]
    tablespace: Vec<String>,
    /// With auto: for this moment
    #[arg(long, value_name = "TIME", conflicts_with = "target_lsn")]
    target_time: Option<String>,
    /// With auto: for this position
    #[arg(long, value_name = "LSN")]
    target_lsn: Option<String>,
    /// With auto: on this timeline
    #[arg(long, value_name = "TIMELINE", value_parser = typed::target_timeline)]
    target_tli: Option<TargetTimeline>,
    /// Snapshots: the instance
    #[arg(long)]
    snapshot_recovery_instance: Option<String>,
    /// Snapshots: the zone
    #[arg(long = "gcp-zone", visible_alias = "snapshot-recovery-zone")]
    gcp_zone: Option<String>,
    /// Snapshots: the region
    #[arg(long)]
    aws_region: Option<String>,
    /// Snapshots: the resource group
    #[arg(long)]
    azure_resource_group: Option<String>,
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
