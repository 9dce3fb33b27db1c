//! The words of `backup`, and how far it is while it runs.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use indicatif::HumanBytes;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Around;
use super::args::{Layer as _, OutputArgs, Shared, layer, text};
use super::backed_up::BackedUp;
use super::bar::{Watching, style};
use super::render::Report;
use super::settings::{AMPLE, Settings};
use crate::archive::Retain;
use crate::command::backup::{self, Checkpoint, ManifestChecksum, OnDamage, Progress, Sizes, WaitWal};
use crate::error::{Error, Result};
use crate::front::libpq::surroundings;
use crate::front::lock::{self, LockMode, LockUntil};
use crate::front::quantity::{Size, Span};
use crate::front::run::block_on_several;
use crate::front::signals;
use crate::front::tag::{self, Tag};
use crate::model::{BackupRef, Compression, Level};
use crate::postgres::{ConnectionWords, Conninfo};

/// Take a base backup of a running server, on the machine it runs on
///
/// Finds out first whether the server can be backed up and its WAL reaches the archive, copies it while
/// it works, and records the backup when everything that restoring it takes is stored. Whatever ends it
/// early, a signal included, leaves a record that says why and a server out of backup mode. How the
/// server is reached is said as to PostgreSQL's own tools: a connection string, PG variables, a service
/// file, ~/.pgpass.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(super) own: BackupArgs,
    /// Print help
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// The section `[backup]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct BackupArgs {
    /// Connect as this string says: keywords and values, or a URI
    ///
    /// What it leaves open comes from the service file, PG variables and defaults. A password is better
    /// kept in ~/.pgpass, since words can be seen in the list of processes.
    #[arg(long, value_name = "CONNINFO", env = "BARKEEP_BACKUP_DSN", hide_env_values = true)]
    dsn: Option<String>,
    /// Connect to this host or socket directory [also: PGHOST]
    #[arg(short = 'h', long, value_name = "HOST", env = "BARKEEP_BACKUP_HOST")]
    host: Option<String>,
    /// Connect to this port [also: PGPORT]
    #[arg(short = 'p', long, value_name = "PORT", env = "BARKEEP_BACKUP_PORT")]
    #[serde(with = "text")]
    port: Option<Ports>,
    /// Connect as this role [also: PGUSER]
    #[arg(short = 'U', long, value_name = "USER", env = "BARKEEP_BACKUP_USER")]
    user: Option<String>,
    /// Connect to this database [also: PGDATABASE; default: postgres]
    ///
    /// Or as this connection string says.
    #[arg(short = 'd', long, value_name = "DBNAME", env = "BARKEEP_BACKUP_DBNAME", hide_env_values = true)]
    dbname: Option<String>,
    /// Find the data directory here, not where the server says it is
    #[arg(long, value_name = "DIR", env = "BARKEEP_BACKUP_PGDATA")]
    pgdata: Option<PathBuf>,
    /// Give the backup a name besides its identifier
    #[arg(long, value_name = "NAME", env = "BARKEEP_BACKUP_NAME")]
    #[serde(with = "text")]
    name: Option<BackupName>,
    /// Codec: none, gzip, bzip2, snappy, zstd or lz4 [default: zstd]
    #[arg(long, value_name = "CODEC", env = "BARKEEP_BACKUP_COMPRESSION")]
    #[serde(with = "text")]
    compression: Option<Compression>,
    /// Effort: low, medium, high, or the codec's own number
    ///
    /// [default: 1 for zstd]
    #[arg(
        long,
        value_name = "LEVEL",
        env = "BARKEEP_BACKUP_COMPRESSION_LEVEL",
        allow_negative_numbers = true
    )]
    #[serde(with = "text")]
    compression_level: Option<Level>,
    /// Tag every object; may be repeated, up to ten times
    #[arg(long, value_name = "KEY=VALUE", env = "BARKEEP_BACKUP_TAG", value_delimiter = ',')]
    #[serde(deserialize_with = "text::list")]
    tag: Option<Vec<Tag>>,
    /// Pack this many tars at once [default: the cores, up to 4]
    #[arg(long, value_name = "N", env = "BARKEEP_BACKUP_JOBS")]
    #[serde(with = "text")]
    jobs: Option<NonZeroUsize>,
    /// Send at most this much per second to the store
    #[arg(long, value_name = "SIZE", env = "BARKEEP_BACKUP_MAX_RATE")]
    #[serde(with = "text")]
    max_rate: Option<Size>,
    /// Read at most this much per second from the disk
    #[arg(long, value_name = "SIZE", env = "BARKEEP_BACKUP_MAX_READ_RATE")]
    #[serde(with = "text")]
    max_read_rate: Option<Size>,
    /// Begin with a checkpoint that is fast, or spread [default: fast]
    #[arg(long, value_name = "HOW", env = "BARKEEP_BACKUP_CHECKPOINT")]
    checkpoint: Option<CheckpointWord>,
    /// Fail or only warn when a page's checksum is wrong [default: fail]
    #[arg(long, value_name = "WHAT", env = "BARKEEP_BACKUP_CHECKSUM_ERRORS")]
    checksum_errors: Option<ChecksumErrors>,
    /// Sum its files with crc32c, sha256 or none [default: crc32c]
    #[arg(long, value_name = "SUM", env = "BARKEEP_BACKUP_MANIFEST_CHECKSUMS")]
    #[serde(with = "text")]
    manifest_checksums: Option<ManifestChecksum>,
    /// Do not prove first that WAL reaches the archive
    #[arg(
        long, env = "BARKEEP_BACKUP_NO_ARCHIVE_CHECK", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_archive_check: Option<bool>,
    /// Do not wait until the backup's WAL is in the archive
    ///
    /// Until it is, the backup cannot be restored.
    #[arg(
        long, env = "BARKEEP_BACKUP_NO_WAIT_WAL", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_wait_wal: Option<bool>,
    /// Wait this long for WAL to reach the archive [default: 5min]
    ///
    /// Before the copy, and once more after it.
    #[arg(long, value_name = "SPAN", env = "BARKEEP_BACKUP_WAL_TIMEOUT")]
    #[serde(with = "text")]
    wal_timeout: Option<Span>,
    /// Give PostgreSQL this long to end the backup [default: 5min]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_BACKUP_STOP_TIMEOUT")]
    #[serde(with = "text")]
    stop_timeout: Option<Span>,
    /// Lock what is stored: for 35d, 12w, 7y, or until 2027-01-01
    ///
    /// The bucket must have object lock (Azure: version-level immutability, Google: object retention).
    #[arg(long, value_name = "WHEN", env = "BARKEEP_BACKUP_LOCK_UNTIL")]
    #[serde(with = "text")]
    lock_until: Option<LockUntil>,
    /// Who may lift a lock [default: governance]
    #[arg(long, value_name = "MODE", env = "BARKEEP_BACKUP_LOCK_MODE")]
    lock_mode: Option<LockMode>,
    /// Replace and delete nothing: for credentials that may only create
    ///
    /// The identifier is taken by an object of its own, barkeep_claim, and the record is stored once.
    #[arg(
        long, env = "BARKEEP_BACKUP_CREATE_ONLY", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    create_only: Option<bool>,
    /// Leave out the record with status STARTED
    ///
    /// For readers that take it for a backup.
    #[arg(
        long, env = "BARKEEP_BACKUP_NO_STARTED_RECORD", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    no_started_record: Option<bool>,
}

layer!(
    BackupArgs: dsn, host, port, user, dbname, pgdata, name, compression, compression_level, tag, jobs,
    max_rate, max_read_rate, checkpoint, checksum_errors, manifest_checksums, no_archive_check, no_wait_wal,
    wal_timeout, stop_timeout, lock_until, lock_mode, create_only, no_started_record
);

/// A port, or one for each of several hosts; what it may be is the connection's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ports(pub(super) String);

impl FromStr for Ports {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self(text.to_owned()))
    }
}

/// A name that is neither an identifier nor one of the words that stand for a backup
/// (spec/barman-cloud.md 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
struct BackupName(String);

/// Words that other readers of the layout understand besides ours.
const RESERVED: [&str; 3] = ["latest-full", "last-full", "auto"];

impl FromStr for BackupName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |why: &str| Err(Error::usage(format!("`{text}` cannot name a backup: {why}")));
        if text.trim() != text || text.chars().any(char::is_control) {
            return refused("it has blanks around it, or characters that cannot be printed");
        }
        match text.parse()? {
            BackupRef::Named(_) if RESERVED.contains(&text) => refused("it stands for a backup already"),
            BackupRef::Named(name) => Ok(Self(name)),
            _ => refused("it stands for a backup already"),
        }
    }
}

/// How the first checkpoint is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum CheckpointWord {
    /// As fast as can be
    Fast,
    /// Spread over minutes, to spare the disk
    Spread,
}

/// What becomes of a backup with damaged pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ChecksumErrors {
    /// It fails
    Fail,
    /// It is kept, with a warning
    Warn,
}

/// How long is waited when nothing is said.
const WAIT: Duration = Duration::from_mins(5);
/// Threads for the network; files and codecs have threads of their own.
const WORKERS: usize = 2;
/// As many tars at once as this when nothing is said; beyond, one disk or one network is the limit.
const MOST_JOBS: usize = 4;

impl Backup {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let own = self.own.over(around.file.sections.backup.clone());
        let settings = around.settings(self.shared)?;
        let server = Conninfo::resolve(&own.connection(), &surroundings(around.environment))?;
        let retain = own.retain(&settings)?;
        let request = own.request(&settings)?;
        let wire = settings.wire.with_retain(retain);
        let progress = Arc::new(Progress::default());
        let _bar = watching(around.output, &progress);
        let outcome = block_on_several(WORKERS, async {
            let stop = signals::asked_to_stop()?;
            backup::run(&request, &server, &wire, progress, stop).await
        })?;
        Ok(Box::new(BackedUp(outcome)))
    }
}

/// What is shown before the size is known.
const PREPARING: &str = "{spinner} preparing, {elapsed}";
/// And after.
const COPYING: &str = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left{msg}";

/// Shows how far it is.
fn watching(output: &OutputArgs, progress: &Arc<Progress>) -> Option<Watching> {
    let progress = Arc::clone(progress);
    let mut copying = false;
    Watching::begin(output, PREPARING, move |bar| {
        let total = progress.total_bytes.load(Ordering::Relaxed);
        if total > 0 && !copying {
            copying = true;
            bar.set_style(style(COPYING));
            bar.reset_eta();
        }
        bar.set_length(total);
        bar.set_position(progress.done_bytes.load(Ordering::Relaxed).min(total));
        bar.set_message(if progress.copied.load(Ordering::Relaxed) {
            ", waiting for WAL".to_owned()
        } else {
            format!(", {} stored", HumanBytes(progress.stored_bytes.load(Ordering::Relaxed)))
        });
        bar.tick();
    })
}

impl BackupArgs {
    /// The lock that is asked for.
    fn retain(&self, settings: &Settings) -> Result<Option<Retain>> {
        lock::retain(self.lock_until, self.lock_mode, settings.now)
    }

    /// Whether one is asked for.
    pub(super) const fn locks(&self) -> bool {
        self.lock_until.is_some()
    }

    fn connection(&self) -> ConnectionWords {
        ConnectionWords {
            dsn: self.dsn.clone(),
            host: self.host.clone(),
            port: self.port.as_ref().map(|ports| ports.0.clone()),
            user: self.user.clone(),
            dbname: self.dbname.clone(),
        }
    }

    fn request(self, settings: &Settings) -> Result<backup::Request> {
        let compression = self.compression.unwrap_or_default();
        if compression == Compression::Xz {
            return Err(Error::usage(
                "base backups are not compressed with xz: other readers of the layout \
                 cannot read it",
            )
            .hint("take zstd, or bzip2 for the smallest"));
        }
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let most = NonZeroUsize::new(MOST_JOBS).unwrap_or(NonZeroUsize::MIN);
        Ok(backup::Request {
            pgdata: self.pgdata,
            name: self.name.map(|name| name.0),
            compression,
            level: self.compression_level,
            tags: tag::together(self.tag.unwrap_or_default())?,
            jobs: self.jobs.unwrap_or(cores.min(most)),
            memory: settings.memory_or(AMPLE),
            max_rate: self.max_rate.map(|size| size.0),
            max_read_rate: self.max_read_rate.map(|size| size.0),
            sizes: Sizes::default(),
            checkpoint: match self.checkpoint {
                Some(CheckpointWord::Spread) => Checkpoint::Spread,
                Some(CheckpointWord::Fast) | None => Checkpoint::Fast,
            },
            on_damage: match self.checksum_errors {
                Some(ChecksumErrors::Warn) => OnDamage::Warn,
                Some(ChecksumErrors::Fail) | None => OnDamage::Fail,
            },
            manifest: self.manifest_checksums.unwrap_or_default(),
            archive_check: !self.no_archive_check.unwrap_or(false),
            wait_wal: if self.no_wait_wal.unwrap_or(false) { WaitWal::Never } else { WaitWal::Always },
            wal_timeout: self.wal_timeout.map_or(WAIT, |span| span.0),
            stop_timeout: self.stop_timeout.map_or(WAIT, |span| span.0),
            started_record: !self.no_started_record.unwrap_or(false),
            create_only: self.create_only.unwrap_or(false),
            spool: Some(settings.spool.clone()),
            max_attempts: settings.max_attempts,
            deadline: None,
            now: settings.now,
            local: settings.now.to_zoned(TimeZone::system()).datetime(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::{cases, text};

    #[test]
    fn what_is_shown_on_a_terminal_can_be_drawn() {
        for template in [PREPARING, COPYING] {
            assert!(indicatif::ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn what_the_reference_refuses_as_a_name_is_refused() {
        for case in cases("backup_names") {
            let name = text(&case, "input").parse::<BackupName>().ok().map(|name| name.0);
            assert_eq!(name.as_deref(), case["value"].as_str(), "{case}");
        }
    }

    #[test]
    fn a_name_is_told_from_an_identifier_and_from_words() {
        assert!("nightly / full".parse::<BackupName>().is_ok());
        let words = ["latest", "last", "oldest", "first", "last-failed", "latest-full", "last-full", "auto"];
        for bad in ["", " x", "x\n", "20260102T030405"].into_iter().chain(words) {
            assert!(bad.parse::<BackupName>().is_err(), "{bad:?}");
        }
    }
}
