//! `barman-cloud-backup`: a base backup (spec/barman-cloud.md 2.3).

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Parser};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::LEVEL;
use super::backup_hook::Hook;
use super::code::{Code, End, Failure};
use super::door::{Door, Shares};
use super::place;
use super::typed::{self, Tag};
use super::words::{Common, CustomerKey, Encryption};
use crate::archive::Tags;
use crate::command::backup::{self, Checkpoint, ManifestChecksum, OnDamage, Sizes, WaitWal, upload};
use crate::error::{Error, ErrorKind};
use crate::front::borrowed::Environment;
use crate::front::libpq::surroundings;
use crate::front::run::block_on_several;
use crate::front::signals;
use crate::front::wire::Wire;
use crate::model::Compression;
use crate::postgres::{ConnectionWords, Conninfo};

/// Take a base backup
#[derive(Debug, Parser)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
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

/// Threads for the network; files and codecs have threads of their own.
const WORKERS: usize = 2;

/// What a backup takes for its buffers: beside it in one container run others that archive WAL.
const MEMORY: u64 = 160 << 20;

/// So many parts are held at once at least.
const PARTS_HELD: u64 = 4;

/// How long the end of a primary's WAL is waited for. The archiver may have much to catch up with, and a
/// backup whose WAL never comes is none.
const WAL: Duration = Duration::from_hours(1);

/// How long that of a standby is waited for: a little longer than the `archive_timeout` of five minutes after
/// which a primary usually ends a segment.
const STANDBY_WAL: Duration = Duration::from_mins(6);

/// How long PostgreSQL may take to end the backup.
const STOP: Duration = Duration::from_mins(10);

/// How long all of it may take.
const DEADLINE: Duration = Duration::from_hours(7 * 24);

/// As many tags as an object may have.
const MOST_TAGS: usize = 10;

/// Runs it.
pub(super) fn run(words: Words, _: &Door) -> End {
    let environment: Environment<'_> = &|name| std::env::var_os(name);
    words.without_snapshots()?;
    match Hook::read(environment)? {
        Some(hook) => words.upload(hook, environment),
        None => words.back_up(environment),
    }
}

impl Words {
    /// A running server.
    fn back_up(self, environment: Environment<'_>) -> End {
        let wire = self.wire()?;
        let general = |e| Failure::new(Code::General, e);
        let server = Conninfo::resolve(&self.connection(), &surroundings(environment)).map_err(general)?;
        let heartbeat = Duration::from_secs(u64::from(self.keepalive_interval));
        let server = server.beating(Some(heartbeat).filter(|heartbeat| !heartbeat.is_zero()));
        let create_only = create_only(environment)?;
        let request = backup::Request { create_only, ..self.request(Timestamp::now())? };
        let outcome = block_on_several(WORKERS, async {
            let stop = signals::asked_to_stop()?;
            backup::run(&request, &server, &wire, Arc::default(), stop).await
        });
        let outcome = outcome.map_err(failed)?;
        for warning in &outcome.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!("backup {} is complete: {} bytes are stored", outcome.backup.id, outcome.stored_bytes);
        Ok(Code::Success)
    }

    /// A finished backup that whoever called has taken.
    fn upload(self, hook: Hook, environment: Environment<'_>) -> End {
        if self.name.is_some() {
            let why = "Cannot set backup name when running as a hook script";
            return Err(Failure::new(Code::General, Error::usage(why)));
        }
        let Hook { id, directory, record } = hook;
        let wire = self.wire()?;
        let request = upload::Request {
            id,
            directory,
            record,
            compression: self.compression(),
            level: None,
            tags: self.tags()?,
            jobs: self.jobs(),
            memory: self.memory(),
            max_rate: self.max_bandwidth,
            sizes: self.sizes(),
            manifest: ManifestChecksum::default(),
            spool: None,
            max_attempts: None,
            deadline: Some(DEADLINE),
            now: Timestamp::now(),
            create_only: create_only(environment)?,
        };
        let outcome = block_on_several(WORKERS, async {
            let stop = signals::asked_to_stop()?;
            upload::run(&request, &wire, Arc::default(), stop).await
        });
        let outcome = outcome.map_err(|e| failed(e.context(format!("upload backup {id}"))))?;
        for warning in &outcome.warnings {
            tracing::warn!("{warning}");
        }
        tracing::info!("backup {id} is stored in {} bytes", outcome.stored_bytes);
        Ok(Code::Success)
    }

    /// Snapshots of volumes are no objects of a store.
    fn without_snapshots(&self) -> Result<(), Failure> {
        if self.snapshot_instance.is_none() && self.snapshot_disk.is_empty() {
            return Ok(());
        }
        let why = "snapshots of volumes are not supported: leave out --snapshot-instance and --snapshot-disk";
        Err(Failure::new(Code::General, Error::usage(why)))
    }

    fn wire(&self) -> Result<Wire, Failure> {
        place::wire(&self.common, Some(&self.key), Some(&self.encryption))
    }

    /// A database that is empty or has an equals sign in it is a whole connection string, and then the other
    /// words count for nothing.
    fn connection(&self) -> ConnectionWords {
        let Self { host, port, user, dbname, .. } = self;
        if dbname.is_empty() || dbname.contains('=') {
            return ConnectionWords { dsn: Some(dbname.clone()), ..ConnectionWords::default() };
        }
        ConnectionWords {
            dsn: None,
            host: host.clone(),
            port: port.clone(),
            user: user.clone(),
            dbname: Some(dbname.clone()),
        }
    }

    fn request(&self, now: Timestamp) -> Result<backup::Request, Failure> {
        Ok(backup::Request {
            pgdata: None,
            name: self.name.clone(),
            compression: self.compression(),
            level: None,
            tags: self.tags()?,
            jobs: self.jobs(),
            memory: self.memory(),
            max_rate: self.max_bandwidth,
            max_read_rate: None,
            sizes: self.sizes(),
            checkpoint: if self.immediate_checkpoint { Checkpoint::Fast } else { Checkpoint::Spread },
            // Whoever calls has no way to say that the rest is wanted all the same.
            on_damage: OnDamage::Warn,
            manifest: ManifestChecksum::default(),
            archive_check: false,
            wait_wal: WaitWal::StandbyAtMost(STANDBY_WAL),
            wal_timeout: WAL,
            stop_timeout: STOP,
            started_record: true,
            create_only: false,
            spool: None,
            max_attempts: None,
            deadline: Some(DEADLINE),
            now,
            local: now.to_zoned(TimeZone::system()).datetime(),
        })
    }

    fn compression(&self) -> Compression {
        let codecs = [
            (self.gzip, Compression::Gzip),
            (self.bzip2, Compression::Bzip2),
            (self.snappy, Compression::Snappy),
            (self.lz4, Compression::Lz4),
            (self.zstd, Compression::Zstd),
        ];
        codecs.into_iter().find(|(wanted, _)| *wanted).map_or(Compression::None, |(_, codec)| codec)
    }

    fn tags(&self) -> Result<Tags, Failure> {
        let tags = typed::together(self.tag.clone(), self.tags.clone()).unwrap_or_default();
        let refused = |why: String| Err(Failure::new(Code::General, Error::usage(why)));
        let Tags(all) = &tags;
        if all.len() > MOST_TAGS {
            return refused(format!("{} tags were given, an object has at most {MOST_TAGS}", all.len()));
        }
        match all.iter().enumerate().find(|(i, (key, _))| all[..*i].iter().any(|(other, _)| other == key)) {
            Some((_, (key, _))) => refused(format!("the tag `{key}` was given twice")),
            None => Ok(tags),
        }
    }

    fn jobs(&self) -> NonZeroUsize {
        NonZeroUsize::try_from(self.jobs).unwrap_or(NonZeroUsize::MAX)
    }

    fn sizes(&self) -> Sizes {
        Sizes { tar: Some(self.max_archive_size), part: self.min_chunk_size }
    }

    /// Larger parts, when they are asked for, take more.
    fn memory(&self) -> u64 {
        MEMORY.saturating_add(self.min_chunk_size.unwrap_or(0).saturating_mul(PARTS_HELD))
    }
}

/// Whether the credentials may only create: the dialect has no word for it, so the variable of the native
/// verb says it.
fn create_only(environment: Environment<'_>) -> Result<bool, Failure> {
    const NAME: &str = "BARKEEP_BACKUP_CREATE_ONLY";
    let Some(value) = environment(NAME).filter(|value| !value.is_empty()) else { return Ok(false) };
    match value.to_str().map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "yes" | "on" | "1" | "y" | "t") => Ok(true),
        Some("false" | "no" | "off" | "0" | "n" | "f") => Ok(false),
        _ => Err(Failure::new(Code::General, Error::usage(format!("{NAME} is neither true nor false")))),
    }
}

/// The status of a backup that failed: 4 for what should have been known before, 2 when the store does not
/// answer, else 1.
fn failed(error: Error) -> Failure {
    let code = match error.kind() {
        ErrorKind::Usage | ErrorKind::Conflict | ErrorKind::Bug => Code::General,
        ErrorKind::Unavailable => Code::Network,
        _ => Code::Operation,
    };
    Failure::of_verb(code, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(more: &[&str]) -> Words {
        let all = ["barman-cloud-backup"].iter().chain(more).chain(&["s3://b/p", "main"]);
        Words::try_parse_from(all).unwrap()
    }

    #[test]
    fn a_database_with_an_equals_sign_is_a_whole_connection_string() {
        let of = |dbname: &str| words(&["-h", "/run", "-U", "me", "-d", dbname]).connection();
        for whole in ["", "host=x dbname=y", "postgresql://h/db?user=x"] {
            let connection = of(whole);
            assert_eq!(
                (connection.dsn.as_deref(), connection.host, connection.user),
                (Some(whole), None, None)
            );
        }
        let plain = of("postgres");
        assert_eq!((plain.dsn, plain.host.as_deref()), (None, Some("/run")));
        assert_eq!((plain.user.as_deref(), plain.dbname.as_deref()), (Some("me"), Some("postgres")));
    }

    #[test]
    fn the_words_of_the_operator_become_a_request() {
        let words = words(&[
            "--user",
            "postgres",
            "--name",
            "backup-20260101000000",
            "--lz4",
            "--encryption",
            "aws:kms",
            "--immediate-checkpoint",
            "--jobs",
            "4",
            "--min-chunk-size=5MB",
            "--read-timeout=60",
            "--tags",
            "env,prod",
            "team,db",
            "--endpoint-url",
            "http://minio:9000",
            "--cloud-provider",
            "aws-s3",
        ]);
        let request = words.request(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(request.name.as_deref(), Some("backup-20260101000000"));
        assert_eq!((request.compression, request.level), (Compression::Lz4, None));
        assert_eq!((request.jobs.get(), request.checkpoint), (4, Checkpoint::Fast));
        assert_eq!(request.sizes, Sizes { tar: Some(100 << 30), part: Some(5 << 20) });
        let tags = [("env", "prod"), ("team", "db")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(request.tags.0, tags);
        assert!(request.spool.is_none() && request.deadline.is_some_and(|d| d >= Duration::from_hours(24)));
    }

    #[test]
    fn nothing_is_compressed_unless_it_is_said() {
        assert_eq!(words(&[]).compression(), Compression::None);
        for (word, codec) in [
            ("-z", Compression::Gzip),
            ("-j", Compression::Bzip2),
            ("--snappy", Compression::Snappy),
            ("--zstd", Compression::Zstd),
        ] {
            assert_eq!(words(&[word]).compression(), codec);
        }
        assert_eq!(words(&[]).request(Timestamp::UNIX_EPOCH).unwrap().checkpoint, Checkpoint::Spread);
    }

    #[test]
    fn more_than_ten_tags_and_a_key_twice_are_refused() {
        let many: Vec<String> = (0..11).map(|i| format!("--tag=k{i},v")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(words(&many[..10]).tags().is_ok());
        for bad in [&many[..], &["--tag", "a,1", "--tag", "a,2"]] {
            assert_eq!(words(bad).tags().unwrap_err().code, Code::General);
        }
    }

    #[test]
    fn snapshots_are_refused_by_either_word() {
        for bad in [["--snapshot-instance", "i"], ["--snapshot-disk", "d"]] {
            let failure = words(&bad).without_snapshots().unwrap_err();
            assert_eq!(failure.code, Code::General);
            assert!(failure.error.to_string().contains("snapshots of volumes are not supported"));
        }
        assert!(words(&["--gcp-zone", "z"]).without_snapshots().is_ok());
    }

    #[test]
    fn a_failure_has_the_status_of_its_kind() {
        for (kind, code) in [
            (ErrorKind::Server, Code::Operation),
            (ErrorKind::Interrupted, Code::Operation),
            (ErrorKind::Denied, Code::Operation),
            (ErrorKind::Local, Code::Operation),
            (ErrorKind::NotFound, Code::Operation),
            (ErrorKind::Unavailable, Code::Network),
            (ErrorKind::Usage, Code::General),
            (ErrorKind::Conflict, Code::General),
        ] {
            assert_eq!(failed(Error::new(kind, "x")).code, code, "{kind:?}");
        }
    }
}
