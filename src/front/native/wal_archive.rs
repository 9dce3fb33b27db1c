//! The words of `wal-archive`.

#![expect(clippy::doc_markdown, reason = "what documents a flag is its help text, printed as it stands")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::render::{Archived, Report};
use super::settings::Settings;
use super::tallied::Tallied;
use super::{Around, told};
use crate::archive::Retain;
use crate::command::wal_archive;
use crate::error::Result;
use crate::front::lock::{self, LockMode, LockUntil};
use crate::front::quantity::{Depth, Span};
use crate::front::run::block_on;
use crate::front::tag::{self, Tag};
use crate::model::{Compression, Level};

/// Put one WAL file into the archive: PostgreSQL's archive_command
///
/// Compresses the file, stores it and answers only when it is safe; while it is at it, it stores the
/// files that wait behind it, so that the next calls find theirs done. The same file again is success;
/// a different file under the same name is refused.
#[derive(Debug, Args)]
pub(crate) struct WalArchive {
    /// The file, as PostgreSQL's %p names it
    #[arg(value_name = "PATH")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) own: WalArchiveArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[wal-archive]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct WalArchiveArgs {
    /// Codec: none, gzip, bzip2, xz, snappy, zstd or lz4 [default: zstd]
    #[arg(long, value_name = "CODEC", env = "BARKEEP_WAL_ARCHIVE_COMPRESSION")]
    #[serde(with = "text")]
    compression: Option<Compression>,
    /// Effort: low, medium, high, or the codec's own number
    ///
    /// [default: 1 for zstd]
    #[arg(
        long,
        value_name = "LEVEL",
        env = "BARKEEP_WAL_ARCHIVE_COMPRESSION_LEVEL",
        allow_negative_numbers = true
    )]
    #[serde(with = "text")]
    pub(super) compression_level: Option<Level>,
    /// Tag every object; may be repeated, up to ten times
    #[arg(long, value_name = "KEY=VALUE", env = "BARKEEP_WAL_ARCHIVE_TAG", value_delimiter = ',')]
    #[serde(deserialize_with = "text::list")]
    tag: Option<Vec<Tag>>,
    /// Tag timeline histories with this instead; may be repeated
    #[arg(long, value_name = "KEY=VALUE", env = "BARKEEP_WAL_ARCHIVE_HISTORY_TAG", value_delimiter = ',')]
    #[serde(deserialize_with = "text::list")]
    history_tag: Option<Vec<Tag>>,
    /// Replace a stored file that has other content, instead of refusing
    #[arg(
        long, env = "BARKEEP_WAL_ARCHIVE_OVERWRITE", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    overwrite: Option<bool>,
    /// Lock what is stored: for 35d, 12w, 7y, or until 2027-01-01
    ///
    /// The bucket must have object lock (Azure: version-level immutability, Google: object retention).
    #[arg(long, value_name = "WHEN", env = "BARKEEP_WAL_ARCHIVE_LOCK_UNTIL")]
    #[serde(with = "text")]
    lock_until: Option<LockUntil>,
    /// Who may lift a lock [default: governance]
    #[arg(long, value_name = "MODE", env = "BARKEEP_WAL_ARCHIVE_LOCK_MODE")]
    lock_mode: Option<LockMode>,
    /// Store so many waiting files in the same call, 0 to 32 [default: 32]
    #[arg(long, value_name = "N", env = "BARKEEP_WAL_ARCHIVE_LOOK_AHEAD")]
    #[serde(with = "text")]
    look_ahead: Option<Depth>,
    /// Wait for them so long once the own one is stored [default: 20s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_WAL_ARCHIVE_SOFT_LIMIT")]
    #[serde(with = "text")]
    soft_limit: Option<Span>,
    /// Try a failing request again for this long [default: 10s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_WAL_ARCHIVE_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
    /// Give up the whole call after this long [default: 5min]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_WAL_ARCHIVE_TIMEOUT")]
    #[serde(with = "text")]
    timeout: Option<Span>,
}

layer!(
    WalArchiveArgs: compression, compression_level, tag, history_tag, overwrite, lock_until, lock_mode,
    look_ahead, soft_limit, retry_for, timeout
);

impl WalArchiveArgs {
    /// The lock that is asked for.
    pub(super) fn retain(&self, settings: &Settings) -> Result<Option<Retain>> {
        lock::retain(self.lock_until, self.lock_mode, settings.now)
    }

    /// Whether one is asked for.
    pub(super) const fn locks(&self) -> bool {
        self.lock_until.is_some()
    }

    /// What the verb is asked to do.
    pub(super) fn request(self, file: PathBuf, settings: &Settings) -> Result<wal_archive::Request> {
        Ok(wal_archive::Request {
            file,
            compression: self.compression.unwrap_or_default(),
            level: self.compression_level,
            tags: tag::together(self.tag.unwrap_or_default())?,
            history_tags: self.history_tag.map(tag::together).transpose()?,
            overwrite: self.overwrite.unwrap_or(false),
            look_ahead: self.look_ahead.unwrap_or(Depth::MAX).0,
            soft_limit: or_seconds(self.soft_limit, 20),
            spool: Some(settings.spool.clone()),
            memory: settings.memory,
            retry_for: or_seconds(self.retry_for, 10),
            max_attempts: settings.max_attempts,
            deadline: or_seconds(self.timeout, 5 * 60),
            now: settings.now,
        })
    }
}

impl WalArchive {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let settings = around.settings(self.shared)?;
        let own = self.own.over(around.file.sections.wal_archive.clone());
        let retain = own.retain(&settings)?;
        let request = own.request(self.file, &settings)?;
        let tallied = Tallied::begin(&settings.spool);
        let wire = settings.wire.with_retain(retain);
        let end = block_on(wal_archive::run(&request, &wire));
        tallied.archived(&request.file, &end);
        told(end.map(Archived))
    }
}

fn or_seconds(span: Option<Span>, seconds: u64) -> Duration {
    span.map_or(Duration::from_secs(seconds), |span| span.0)
}
