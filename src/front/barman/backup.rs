//! `barman-cloud-backup`: a base backup (spec/barman-cloud.md 2.3).

use std::num::NonZeroU32;

use clap::{ArgAction, Parser};

use super::LEVEL;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::typed::{self, Tag};
use super::words::{Common, CustomerKey, Encryption};
use crate::error::Error;

/// Take a base backup
#[derive(Debug, Parser)]
#[command(name = "barman-cloud-backup", version = LEVEL, disable_help_flag = true, infer_long_args = true, args_override_self = true)]
pub(super) struct Words {
    #[command(flatten)]
    common: Common,
    /// Compress with gzip
    #[arg(short = 'z', long, group = "codec")]
    gzip: bool,
    /// Compress with bzip2
    #[arg(short = 'j', long, group = "codec")]
    bzip2: bool,
    /// Compress with snappy
    #[arg(long, group = "codec")]
    snappy: bool,
    /// Compress with lz4
    #[arg(long, group = "codec")]
    lz4: bool,
    /// Compress with zstd
    #[arg(long, group = "codec")]
    zstd: bool,
    /// The server's host, or the directory of its socket
    #[arg(short = 'h', long)]
    host: Option<String>,
    /// Its port
    #[arg(short, long)]
    port: Option<String>,
    /// The user
    #[arg(short = 'U', long)]
    user: Option<String>,
    /// The database, or a whole connection string
    #[arg(short, long, default_value = "postgres")]
    dbname: String,
    /// Begin with a fast checkpoint
    #[arg(long)]
    immediate_checkpoint: bool,
    /// Write so many tars at once
    #[arg(short = 'J', long, value_name = "N", default_value = "2", value_parser = typed::positive)]
    jobs: NonZeroU32,
    /// Ask the server every so many seconds whether it is there
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = typed::non_negative)]
    keepalive_interval: u32,
    /// Begin a new tar after so much
    #[arg(short = 'S', long, value_name = "SIZE", default_value = "100GB", value_parser = typed::size)]
    max_archive_size: u64,
    /// The smallest part
    #[arg(long, value_name = "SIZE", value_parser = typed::size)]
    min_chunk_size: Option<u64>,
    /// Send at most so much per second
    #[arg(long, value_name = "SIZE", value_parser = typed::size)]
    max_bandwidth: Option<u64>,
    /// A name for people
    #[arg(short, long, value_parser = typed::backup_name)]
    name: Option<String>,
    /// Tag the object: KEY,VALUE; may be repeated
    #[arg(long, value_name = "KEY,VALUE", conflicts_with = "tags", value_parser = typed::tag)]
    tag: Vec<Tag>,
    /// The older spelling: several at once
    #[arg(long, value_name = "KEY,VALUE", num_args = 0.., action = ArgAction::Set, value_parser = typed::tags)]
    tags: Option<Vec<Tag>>,
    #[command(flatten)]
    encryption: Encryption,
    #[command(flatten)]
    key: CustomerKey,
    /// Snapshots: the instance
    #[arg(long)]
    snapshot_instance: Option<String>,
    /// Snapshots: a disk; may be repeated
    #[arg(long, value_name = "NAME")]
    snapshot_disk: Vec<String>,
    /// Snapshots: the zone
    #[arg(long = "gcp-zone", visible_alias = "snapshot-zone")]
    gcp_zone: Option<String>,
    /// Snapshots: the project
    #[arg(long = "gcp-project", visible_alias = "snapshot-gcp-project")]
    gcp_project: Option<String>,
    /// Snapshots: the region
    #[arg(long)]
    aws_region: Option<String>,
    /// Snapshots: how long they are waited for
    #[arg(long, default_value = "3600", value_parser = typed::positive)]
    aws_await_snapshots_timeout: NonZeroU32,
    /// Snapshots: how they are locked
    #[arg(long, value_name = "MODE")]
    aws_snapshot_lock_mode: Option<String>,
    /// Snapshots: the time to change one's mind
    #[arg(long, value_name = "HOURS")]
    aws_snapshot_lock_cool_off_period: Option<String>,
    /// Snapshots: until when they are locked
    #[arg(long, value_name = "TIME", conflicts_with = "aws_snapshot_lock_duration")]
    aws_snapshot_lock_expiration_date: Option<String>,
    /// Snapshots: for how long they are locked
    #[arg(long, value_name = "DAYS")]
    aws_snapshot_lock_duration: Option<String>,
    /// Snapshots: the subscription
    #[arg(long)]
    azure_subscription_id: Option<String>,
    /// Snapshots: the resource group
    #[arg(long)]
    azure_resource_group: Option<String>,
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
