//! The words of `wal-archive`, `wal-restore` and the filler behind it.

#![expect(clippy::doc_markdown, reason = "what documents a flag is its help text, printed as it stands")]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::BoolishValueParser;
use serde::Deserialize;

use super::args::{Shared, layer, text};
use super::settings::Settings;
use crate::archive::Retain;
use crate::command::wal_restore::Partials;
use crate::command::{wal_archive, wal_prefetch, wal_restore};
use crate::error::{Error, Result};
use crate::front::exit::OnError;
use crate::front::lock::{self, LockMode, LockUntil};
use crate::front::quantity::{Depth, Span};
use crate::front::tag::{self, Tag};
use crate::model::{Compression, Level, SegmentSize, SystemId, Timeline, WalName};

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
}

impl WalArchive {
    /// What the verb is asked to do.
    pub(super) fn request(
        file: PathBuf,
        own: WalArchiveArgs,
        settings: &Settings,
    ) -> Result<wal_archive::Request> {
        Ok(wal_archive::Request {
            file,
            compression: own.compression.unwrap_or_default(),
            level: own.compression_level,
            tags: tag::together(own.tag.unwrap_or_default())?,
            history_tags: own.history_tag.map(tag::together).transpose()?,
            overwrite: own.overwrite.unwrap_or(false),
            look_ahead: own.look_ahead.unwrap_or(Depth::MAX).0,
            soft_limit: or_seconds(own.soft_limit, 20),
            spool: Some(settings.spool.clone()),
            memory: settings.memory,
            retry_for: or_seconds(own.retry_for, 10),
            max_attempts: settings.max_attempts,
            deadline: or_seconds(own.timeout, 5 * 60),
            now: settings.now,
        })
    }

    /// Splits the words into what is this call's and what may be filled from the file.
    pub(super) fn parts(self) -> (PathBuf, WalArchiveArgs, Shared) {
        (self.file, self.own, self.shared)
    }
}

/// Bring one WAL file out of the archive: PostgreSQL's restore_command
///
/// Verifies every byte before PostgreSQL sees it, and fetches ahead what PostgreSQL will ask for next.
/// When the archive cannot be asked during recovery, PostgreSQL is stopped instead of being told that
/// there is no more WAL, so that an outage never ends in a truncated database.
#[derive(Debug, Args)]
pub(crate) struct WalRestore {
    /// The file PostgreSQL asks for, its %f
    #[arg(value_name = "NAME")]
    name: WalName,
    /// Where the file is to appear, PostgreSQL's %p
    #[arg(value_name = "DESTINATION")]
    pub(super) destination: PathBuf,
    #[command(flatten)]
    pub(super) own: WalRestoreArgs,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[wal-restore]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct WalRestoreArgs {
    /// Never deliver a .partial segment when the complete one is missing
    #[arg(
        long, env = "BARKEEP_WAL_RESTORE_NO_PARTIAL", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_partial: Option<bool>,
    /// Fetch up to this many segments ahead, 0 to 32 [default: 32]
    #[arg(long, value_name = "N", env = "BARKEEP_WAL_RESTORE_WINDOW")]
    #[serde(with = "text")]
    window: Option<Depth>,
    /// Try a failing request again so long [default: 5min during recovery, else 30s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_WAL_RESTORE_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
    /// Stop PostgreSQL on a failure, or not [default: auto]
    #[arg(long, value_name = "WHAT", env = "BARKEEP_WAL_RESTORE_ON_ERROR")]
    pub(super) on_error: Option<OnError>,
}

layer!(WalRestoreArgs: no_partial, window, retry_for, on_error);

impl WalRestore {
    /// What the verb is asked to do.
    pub(super) fn request(
        (name, destination): (WalName, PathBuf),
        own: &WalRestoreArgs,
        settings: &Settings,
    ) -> Result<wal_restore::Request> {
        Ok(wal_restore::Request {
            name,
            destination,
            partials: if own.no_partial.unwrap_or(false) { Partials::Never } else { Partials::ToPostgres },
            trust_empty: false,
            window: own.window.unwrap_or(Depth::MAX).0,
            spool: Some(settings.spool.clone()),
            batch: None,
            retry_for: own.retry_for.map(|span| span.0),
            max_attempts: settings.max_attempts,
            filler: filler(settings)?,
            now: settings.now,
        })
    }

    /// Splits the words into what is this call's and what may be filled from the file.
    pub(super) fn parts(self) -> ((WalName, PathBuf), WalRestoreArgs, Shared) {
        ((self.name, self.destination), self.own, self.shared)
    }
}

/// How this very program is started as the filler; which window to fill is added by who starts it.
fn filler(settings: &Settings) -> Result<Vec<OsString>> {
    let program = std::env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into());
    let mut words = vec![program.into_os_string(), "wal-prefetch".into()];
    words.extend(settings.words()?);
    Ok(words)
}

/// Fetch ahead what PostgreSQL will ask for next; started by wal-restore, never by hand
#[derive(Debug, Args)]
pub(crate) struct WalPrefetch {
    /// The cluster
    #[arg(long)]
    system_id: SystemId,
    /// What stands for the data directory
    #[arg(long, value_parser = instance)]
    instance: String,
    /// The timeline's number
    #[arg(long, value_parser = timeline)]
    timeline: Timeline,
    /// The cluster's segment size in bytes
    #[arg(long, value_parser = segment_size)]
    segment_size: SegmentSize,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// How long a filler stays when nobody asks for anything.
const LINGER: Duration = Duration::from_secs(10);

impl WalPrefetch {
    /// What the verb is asked to do.
    pub(super) fn request(&self, settings: &Settings) -> wal_prefetch::Request {
        wal_prefetch::Request {
            system_id: self.system_id,
            instance: self.instance.clone(),
            timeline: self.timeline,
            segment_size: self.segment_size,
            spool: settings.spool.clone(),
            memory: settings.memory,
            max_attempts: settings.max_attempts,
            linger: LINGER,
        }
    }
}

/// It becomes part of a path.
fn instance(text: &str) -> Result<String> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if plain {
        Ok(text.to_owned())
    } else {
        Err(Error::usage(format!("`{text}` does not stand for a data directory")))
    }
}

fn timeline(text: &str) -> Result<Timeline> {
    let number = text.parse().ok().and_then(Timeline::new);
    number.ok_or_else(|| Error::usage(format!("`{text}` is not a timeline's number")))
}

fn segment_size(text: &str) -> Result<SegmentSize> {
    let size = text.parse().ok().and_then(SegmentSize::new);
    size.ok_or_else(|| Error::usage(format!("`{text}` is not a segment size")))
}

fn or_seconds(span: Option<Span>, seconds: u64) -> Duration {
    span.map_or(Duration::from_secs(seconds), |span| span.0)
}

/// Lets go of everything the caller had open, and of its session. To be called before anything is
/// opened: it closes by number.
///
/// PostgreSQL's descriptors are not all close-on-exec, and whoever reads our caller's output waits
/// until its last holder is gone; a filler that kept them would hold up a shutdown, a collector of log
/// lines or a socket for as long as it lives. Its standard streams are /dev/null already.
pub(super) fn detach() {
    // Fails for the leader of a process group, which then has a session of its own to itself anyway.
    let _ = rustix::process::setsid();
    let names = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let inherited: Vec<i32> =
        names.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|fd| *fd > 2).collect();
    for fd in inherited {
        // One of them was the directory just read, which is closed already; that is no matter.
        let _ = nix::unistd::close(fd);
    }
}
