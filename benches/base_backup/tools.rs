//! What is compared: how each tool is told to back up, and to restore what it backed up.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::Programs;
use crate::stub::{Endpoint, Transport};

/// The bucket; the stub has every bucket.
const BUCKET: &str = "bench";
/// What every backup is called, where it may be.
const NAME: &str = "full";

/// Something that makes base backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Barkeep, with this codec.
    Barkeep(Codec),
    /// PostgreSQL's own, into a directory.
    PgBasebackup,
    /// barman-cloud, compressing or not.
    BarmanCloud(Codec),
    /// pgBackRest with two processes; it speaks only TLS.
    PgBackRest,
}

/// How it compresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    None,
    Gzip,
    Zstd1,
}

/// Where a run takes place.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    /// The binary of Barkeep.
    pub(crate) binary: &'a Path,
    pub(crate) programs: &'a Programs,
    /// The cluster's data directory, and where its socket is.
    pub(crate) data: PathBuf,
    pub(crate) sockets: &'a Path,
    /// The S3 stub.
    pub(crate) endpoint: &'a Endpoint,
    /// An empty directory, for a tool's own files and for backups in directories.
    pub(crate) scratch: &'a Path,
}

impl Tool {
    /// Everything that is compared over this transport.
    pub(crate) fn all(transport: Transport) -> Vec<Self> {
        let barkeep = [Codec::Zstd1, Codec::Gzip, Codec::None].map(Self::Barkeep);
        match transport {
            Transport::Http => [
                &barkeep[..],
                &[Self::PgBasebackup, Self::BarmanCloud(Codec::Gzip), Self::BarmanCloud(Codec::None)],
            ]
            .concat(),
            Transport::Https => vec![barkeep[0], Self::PgBackRest],
        }
    }

    /// The program that must be there for it.
    fn program(self, place: &Place<'_>, verb: &str) -> Option<PathBuf> {
        match self {
            Self::Barkeep(_) => Some(place.binary.to_owned()),
            Self::PgBasebackup => Some(place.programs.pg_basebackup()),
            Self::BarmanCloud(_) => place.programs.find(&format!("barman-cloud-{verb}")),
            Self::PgBackRest => place.programs.find("pgbackrest"),
        }
    }

    /// What must be done once before backing up, and does not count.
    pub(crate) fn prepare(self, place: &Place<'_>) -> Option<Command> {
        let mut command = self.command(place, "backup")?;
        (self == Self::PgBackRest).then(|| command.arg("stanza-create"))?;
        Some(command)
    }

    /// Backs the cluster up; `None` when the tool is not there.
    pub(crate) fn backup(self, place: &Place<'_>) -> Option<Command> {
        let mut command = self.command(place, "backup")?;
        match self {
            Self::Barkeep(codec) => {
                command.args(["backup", "-U", "postgres", "--checkpoint", "fast", "--no-archive-check"]);
                command.args(["--no-wait-wal", "--compression", codec.word(), "-h"]).arg(place.sockets);
                if codec == Codec::Zstd1 {
                    command.args(["--compression-level", "1"]);
                }
                command.arg("--pgdata").arg(&place.data);
            }
            Self::PgBasebackup => {
                command.args(["-U", "postgres", "-c", "fast", "-X", "none", "--no-sync", "-Ft"]);
                command.args(["--compress", "client-zstd:1", "-h"]).arg(place.sockets);
                command.arg("-D").arg(place.scratch.join(NAME));
            }
            Self::BarmanCloud(codec) => {
                command.args([
                    "--immediate-checkpoint",
                    "-n",
                    NAME,
                    "-U",
                    "postgres",
                    "-d",
                    "postgres",
                    "-h",
                ]);
                command.arg(place.sockets).args((codec == Codec::Gzip).then_some("-z"));
                command.args(["--endpoint-url", &place.endpoint.url(), "s3://bench/barman", "bench"]);
            }
            Self::PgBackRest => {
                command.args(["--type=full", "--start-fast", "--no-archive-check", "backup"]);
            }
        }
        Some(command)
    }

    /// Restores the backup to a new directory; `None` when there is nothing that does.
    pub(crate) fn restore(self, place: &Place<'_>, to: &Path) -> Option<Command> {
        let mut command = self.command(place, "restore")?;
        match self {
            // Nothing is archived here: without its WAL no backup would be restored.
            Self::Barkeep(_) => command.arg("restore").arg(to).args(["--no-recovery-config", "--allow-gap"]),
            Self::PgBasebackup => return None,
            Self::BarmanCloud(_) => {
                command.args(["--endpoint-url", &place.endpoint.url(), "s3://bench/barman", "bench", NAME]);
                command.arg(to)
            }
            Self::PgBackRest => command.env("PGBACKREST_PG1_PATH", to).args(["--type=none", "restore"]),
        };
        Some(command)
    }

    /// The bare command with its environment: nobody's settings but these may change the figures.
    fn command(self, place: &Place<'_>, verb: &str) -> Option<Command> {
        let mut command = Command::new(self.program(place, verb)?);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", place.scratch).current_dir(place.scratch);
        let keys = [("AWS_ACCESS_KEY_ID", "bench"), ("AWS_SECRET_ACCESS_KEY", "bench")];
        command.envs(keys).env("AWS_DEFAULT_REGION", "us-east-1");
        if place.endpoint.transport == Transport::Https {
            command.env("AWS_CA_BUNDLE", &place.endpoint.authority);
        }
        match self {
            Self::Barkeep(_) => {
                command.env("BARKEEP_STORE", format!("s3://{BUCKET}/barkeep")).env("BARKEEP_SERVER", "bench");
                command.env("BARKEEP_S3_ENDPOINT_URL", place.endpoint.url());
                command.env("BARKEEP_S3_EXCLUSIVE_PUT", "trusted").env("BARKEEP_SPOOL", place.scratch);
            }
            Self::PgBackRest => pgbackrest(&mut command, place),
            Self::PgBasebackup | Self::BarmanCloud(_) => {}
        }
        Some(command)
    }

    /// Whether the backup is in a directory, and not in the S3 stub.
    pub(crate) fn is_local(self) -> bool {
        self == Self::PgBasebackup
    }
}

/// pgBackRest's settings; keys may stand only in the environment, so all do.
fn pgbackrest(command: &mut Command, place: &Place<'_>) {
    let words = [
        ("STANZA", "bench"),
        ("CONFIG", "/dev/null"),
        ("PG1_USER", "postgres"),
        ("COMPRESS_TYPE", "zst"),
        ("COMPRESS_LEVEL", "3"),
        ("PROCESS_MAX", "2"),
        ("LOG_LEVEL_FILE", "off"),
        ("LOG_LEVEL_CONSOLE", "off"),
        ("LOG_LEVEL_STDERR", "error"),
        ("REPO1_TYPE", "s3"),
        ("REPO1_PATH", "/pgbackrest"),
        ("REPO1_RETENTION_FULL", "1"),
        ("REPO1_S3_BUCKET", BUCKET),
        // It takes no address for the name of a certificate.
        ("REPO1_S3_ENDPOINT", "localhost"),
        ("REPO1_S3_REGION", "us-east-1"),
        ("REPO1_S3_KEY", "bench"),
        ("REPO1_S3_KEY_SECRET", "bench"),
        ("REPO1_S3_URI_STYLE", "path"),
    ];
    command.envs(words.map(|(name, value)| (format!("PGBACKREST_{name}"), value)));
    command.env("PGBACKREST_REPO1_STORAGE_PORT", place.endpoint.port.to_string());
    command.env("PGBACKREST_REPO1_STORAGE_CA_FILE", &place.endpoint.authority);
    command.env("PGBACKREST_PG1_PATH", &place.data).env("PGBACKREST_PG1_SOCKET_PATH", place.sockets);
    command.env("PGBACKREST_LOCK_PATH", place.scratch).env("PGBACKREST_LOG_PATH", place.scratch);
}

impl Codec {
    /// What Barkeep calls it.
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd1 => "zstd",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Barkeep(Codec::Zstd1) => f.write_str("barkeep zstd-1"),
            Self::Barkeep(codec) => write!(f, "barkeep {}", codec.word()),
            Self::PgBasebackup => f.write_str("pg_basebackup client-zstd:1"),
            Self::BarmanCloud(codec) => write!(f, "barman-cloud {}", codec.word()),
            Self::PgBackRest => f.write_str("pgbackrest zst-3, 2 processes"),
        }
    }
}
