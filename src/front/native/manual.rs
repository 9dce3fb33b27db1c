//! What the help texts and the manual pages say beyond the flags.

use std::fmt::Write as _;

use clap::Command;

use super::file;
use crate::front::exit::{self, Exit};

/// One verb's chapter.
#[derive(Debug)]
pub struct Manual {
    /// The verb.
    pub verb: &'static str,
    /// What to type, and what it does.
    pub examples: &'static [(&'static str, &'static str)],
    /// The statuses it can give.
    pub exits: &'static [Exit],
}

/// The chapters, in the order of the verbs.
pub const MANUALS: [Manual; 21] = [
    Manual {
        verb: "wal-archive",
        examples: &[
            ("archive_command = 'barkeep wal-archive %p'", "in postgresql.conf, settings in the file"),
            (
                "archive_command = 'barkeep wal-archive --store s3://wal/prod --server main %p'",
                "the same with its settings on the line",
            ),
            ("barkeep wal-archive -v pg_wal/000000010000000000000007", "by hand, in the data directory"),
        ],
        exits: &[
            Exit::Done,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
        ],
    },
    Manual {
        verb: "wal-restore",
        examples: &[
            ("restore_command = 'barkeep wal-restore %f %p'", "in postgresql.conf, settings in the file"),
            (
                "barkeep wal-restore --json 000000010000000000000007 /tmp/segment",
                "by hand: fetch one segment and look at it",
            ),
        ],
        exits: &[
            Exit::Done,
            Exit::NotFound,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
            Exit::Stop,
        ],
    },
    Manual {
        verb: "wal-flush",
        examples: &[
            ("barkeep wal-flush --pgdata /srv/pg/18 --timeout 50s", "before the host goes down"),
            (
                "barkeep wal-flush --pgdata /srv/pg/18 --partial --mark-done",
                "after the server was stopped for good, or to be demoted",
            ),
            ("barkeep wal-flush --pgdata /srv/pg/18 --dry-run", "what waits"),
        ],
        exits: &[
            Exit::Done,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Server,
            Exit::Local,
            Exit::Bug,
        ],
    },
    Manual {
        verb: "check",
        examples: &[
            ("barkeep check --pgdata /var/lib/postgresql/data", "before archive_command is switched on"),
            ("barkeep check --json | jq .ok", "from a monitor"),
        ],
        exits: &[
            Exit::Done,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
        ],
    },
    Manual {
        verb: "backup",
        examples: &[
            ("barkeep backup", "the server of this machine, settings in the file"),
            ("barkeep backup -h /var/run/postgresql -U barkeep --name nightly", "by its socket, as a role"),
            (
                "barkeep backup --dsn service=main --max-rate 100MB --json",
                "as a service of pg_service.conf, without filling the line",
            ),
        ],
        exits: &[
            Exit::Done,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Server,
            Exit::Local,
            Exit::Bug,
            Exit::Interrupted,
            Exit::Terminated,
        ],
    },
    Manual {
        verb: "backup-list",
        examples: &[
            ("barkeep backup-list", "what there is, and whether it can be restored"),
            (
                "barkeep backup-list --json | jq '.backups[] | select(.wal != \"complete\") | .id'",
                "backups whose WAL is not all there",
            ),
        ],
        exits: CATALOGUE,
    },
    Manual {
        verb: "backup-show",
        examples: &[
            ("barkeep backup-show latest", "the newest that can be restored"),
            ("barkeep backup-show 20260102T030405 --json", "one of them, for a script"),
        ],
        exits: CATALOGUE_ONE,
    },
    Manual {
        verb: "backup-keep",
        examples: &[
            ("barkeep backup-keep 20260102T030405 full", "keep it, and all WAL since"),
            ("barkeep backup-keep latest standalone", "keep it with its own WAL only"),
            ("barkeep backup-keep 20260102T030405 release", "let retention have it"),
        ],
        exits: CATALOGUE_DECIDE,
    },
    Manual {
        verb: "backup-delete",
        examples: &[
            ("barkeep backup-delete 20260102T030405 --dry-run", "what would go with it"),
            ("barkeep backup-delete oldest --minimum-redundancy 3", "unless that left fewer than three"),
        ],
        exits: CATALOGUE_DECIDE,
    },
    Manual {
        verb: "restore",
        examples: &[
            (
                "barkeep restore --plan --target-time '2026-01-31 12:00:00+01:00' /srv/pg/18",
                "what would be done, and whether it can be",
            ),
            (
                "barkeep restore --target-time '2026-01-31 12:00:00+01:00' /srv/pg/18",
                "do it; then start PostgreSQL",
            ),
            (
                "barkeep restore --standby --primary-conninfo 'host=db1 user=replicator' /srv/pg/18",
                "a new standby",
            ),
            (
                "barkeep restore --backup before-upgrade --target-immediate --tablespace fast=/ssd/fast /srv/copy",
                "one very backup, and not a moment more",
            ),
        ],
        exits: &[
            Exit::Done,
            Exit::NotFound,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
        ],
    },
    Manual {
        verb: "retention",
        examples: &[
            ("barkeep retention 14d --minimum-redundancy 2", "from cron, after the backup"),
            ("barkeep retention 'RECOVERY WINDOW OF 4 WEEKS' --dry-run", "what would go, and why"),
            ("barkeep retention 'REDUNDANCY 3' --leftovers-after 2d", "the newest three, and tidy up sooner"),
        ],
        exits: CATALOGUE,
    },
    Manual {
        verb: "status",
        examples: &[
            ("barkeep status", "what can be recovered, from the store alone"),
            ("barkeep status --host /var/run/postgresql", "and how archiving goes, asked of PostgreSQL"),
            ("barkeep status --all-servers --json", "every server of the store, for a program"),
        ],
        exits: &[Exit::Done, Exit::Warning, Exit::Critical, Exit::Unknown],
    },
    Manual {
        verb: "metrics",
        examples: &[
            ("barkeep metrics --listen", "for Prometheus on this machine, at 127.0.0.1:9713"),
            (
                "barkeep metrics --textfile /var/lib/node_exporter/barkeep.prom",
                "from cron, for node_exporter's textfile collector",
            ),
            ("barkeep metrics --all-servers | grep _up", "every server of the store, by hand"),
        ],
        exits: &[
            Exit::Done,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
            Exit::Interrupted,
            Exit::Terminated,
        ],
    },
    Manual {
        verb: "report",
        examples: &[
            ("barkeep report /var/www/backup.html", "the page, whatever it has to tell"),
            (
                "barkeep report --retention '4w' --drill-report drill.json backup.html",
                "with what goes when, and the last drill",
            ),
            ("barkeep report - | mail -a 'Content-Type: text/html' dba", "by mail"),
        ],
        exits: CATALOGUE,
    },
    Manual {
        verb: "verify",
        examples: &[
            ("barkeep verify", "read everything, and say what is missing or damaged"),
            ("barkeep verify --sample 15%", "from cron, every night: all of it in a week"),
            ("barkeep verify --since 30d --max-rate 50MB", "only what was not verified for a month, gently"),
            ("barkeep verify --quick --json | jq .findings", "only what the lists tell, in seconds"),
        ],
        exits: &[
            Exit::Done,
            Exit::NotFound,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
            Exit::Interrupted,
            Exit::Terminated,
        ],
    },
    Manual {
        verb: "gc",
        examples: &[
            ("barkeep gc --dry-run", "what crashes have left, and what of it may go"),
            ("barkeep gc --older-than 2d", "sweep up sooner, where no backup takes a day"),
        ],
        exits: CATALOGUE,
    },
    Manual {
        verb: "drill",
        examples: &[
            ("barkeep drill --directory /scratch", "restore the latest backup, recover, check, remove"),
            (
                "barkeep drill --directory /scratch --dbname shop --probe 'select count(*) > 0 from orders'",
                "and there must be orders in it",
            ),
            (
                "barkeep drill --directory /scratch --sql checks.sql --textfile /var/lib/node_exporter/barkeep.prom",
                "from cron, with a report for Prometheus",
            ),
        ],
        exits: &[
            Exit::Done,
            Exit::NotFound,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Server,
            Exit::Local,
            Exit::Failed,
            Exit::Bug,
            Exit::Interrupted,
            Exit::Terminated,
        ],
    },
    Manual {
        verb: "wal-find",
        examples: &[
            (
                "barkeep wal-find --time '2026-01-31 14:03:07+01:00' --exclusive",
                "what was committed last before that, and how to get there",
            ),
            ("barkeep wal-find --drops --since 2h", "what was dropped or truncated, by whom and when"),
            ("barkeep wal-find --file pg_wal --xid 7351", "without a store: the files of a data directory"),
        ],
        exits: &[
            Exit::Done,
            Exit::NotFound,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
            Exit::Interrupted,
            Exit::Terminated,
        ],
    },
    Manual {
        verb: "config",
        examples: &[
            ("barkeep config check objectstore.yaml", "everything that is wrong with a manifest, in one go"),
            ("barkeep config explain wal-archive --config objectstore.yaml", "what counts, and who said so"),
            ("barkeep config from-cluster cluster.yaml", "what leaves the operator's built-in support"),
        ],
        exits: &[
            Exit::Done,
            Exit::Usage,
            Exit::Conflict,
            Exit::Unavailable,
            Exit::Denied,
            Exit::Corrupt,
            Exit::Local,
            Exit::Bug,
        ],
    },
    Manual {
        verb: "schedule",
        examples: &[
            ("barkeep schedule systemd", "units and timers, to be looked at"),
            ("sudo barkeep schedule systemd --directory /etc/systemd/system", "the same as files"),
            (
                "barkeep schedule kubernetes --config store.yaml --image IMAGE --verb retention,verify",
                "CronJobs for the archive of an ObjectStore",
            ),
        ],
        exits: &[Exit::Done, Exit::Usage, Exit::Conflict, Exit::Local, Exit::Bug],
    },
    Manual {
        verb: "install-compat",
        examples: &[("barkeep install-compat /usr/local/bin", "when an image for CloudNativePG is built")],
        exits: &[Exit::Done, Exit::Usage, Exit::Conflict, Exit::Local, Exit::Bug],
    },
];

/// What verbs end with that read the catalogue.
const CATALOGUE: &[Exit] =
    &[Exit::Done, Exit::Usage, Exit::Unavailable, Exit::Denied, Exit::Corrupt, Exit::Local, Exit::Bug];

/// The same for one backup, which may not be there.
const CATALOGUE_ONE: &[Exit] = &[
    Exit::Done,
    Exit::NotFound,
    Exit::Usage,
    Exit::Unavailable,
    Exit::Denied,
    Exit::Corrupt,
    Exit::Local,
    Exit::Bug,
];

/// The same when it may be refused.
const CATALOGUE_DECIDE: &[Exit] = &[
    Exit::Done,
    Exit::NotFound,
    Exit::Usage,
    Exit::Conflict,
    Exit::Unavailable,
    Exit::Denied,
    Exit::Corrupt,
    Exit::Local,
    Exit::Bug,
];

/// Variables that are no setting of ours but change what happens.
pub const VARIABLES: [(&str, &str); 24] = [
    ("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN", "credentials"),
    ("AWS_PROFILE, AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "profiles and where they are"),
    ("AWS_REGION, AWS_DEFAULT_REGION", "the region when no setting names one"),
    ("AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE", "credentials by web identity"),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "credentials from a container's agent",
    ),
    ("AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL", "the endpoint when no setting names one"),
    (
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "when true, endpoints of those two variables and of profiles are ignored",
    ),
    (
        "AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE, SSL_CERT_FILE",
        "certificate authorities when no setting names them, in this order; the first is for S3 only",
    ),
    ("AWS_MAX_ATTEMPTS", "at most so many attempts per request"),
    ("AWS_RETRY_MODE", "legacy, standard and adaptive are understood and change nothing"),
    (
        "AWS_REQUEST_CHECKSUM_CALCULATION, AWS_RESPONSE_CHECKSUM_VALIDATION",
        "when_required or when_supported, when no setting says",
    ),
    ("AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT", "which of AWS's endpoints"),
    (
        "AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY",
        "credentials for Azure, in this order, unless a setting says how to sign in",
    ),
    (
        "AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST",
        "credentials for Azure as a service principal or by workload identity",
    ),
    (
        "IDENTITY_ENDPOINT, IDENTITY_HEADER",
        "where managed identities of some of Azure's services are asked for",
    ),
    ("GOOGLE_APPLICATION_CREDENTIALS", "the file of credentials for Google when no setting names one"),
    ("CLOUDSDK_CONFIG", "where gcloud keeps its own credentials"),
    ("GCE_METADATA_HOST", "where Google's metadata server is"),
    ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "the universe when no setting names one"),
    (
        "STORAGE_EMULATOR_HOST",
        "a service in place of Google's when no setting names one; nobody signs in to it",
    ),
    ("HTTP_PROXY, HTTPS_PROXY, NO_PROXY", "proxies"),
    (
        "PGHOST, PGHOSTADDR, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGPASSFILE, PGSERVICE and the others",
        "how backup and wal-flush reach the server, as for PostgreSQL's own tools; those that it could not honour are refused",
    ),
    ("PGDATA", "the data directory that check compares and wal-flush empties, when no setting names one"),
    ("TMPDIR", "where the spool is when there is no other place for it"),
];

/// Files that are read or kept.
pub const FILES: [(&str, &str); 5] = [
    (file::DEFAULT, "settings of every verb, in TOML; the names of the flags are its keys"),
    ("/var/spool/barkeep", "the spool, where the directory exists and belongs to the user"),
    ("$TMPDIR/barkeep-UID", "the spool elsewhere"),
    (
        "~/.config/gcloud/application_default_credentials.json",
        "credentials for Google, when nothing names others",
    ),
    (
        "~/.pgpass, ~/.pg_service.conf, ~/.postgresql/",
        "passwords, services and certificates, as for PostgreSQL's own tools",
    ),
];

/// The sections below a verb's flags.
pub(super) fn extend(command: Command) -> Command {
    let Some(manual) = MANUALS.iter().find(|m| m.verb == command.get_name()) else { return command };
    let mut text = String::from("Examples:\n");
    for (line, what) in manual.examples {
        let _ = writeln!(text, "  {line}\n      {what}");
    }
    command.after_long_help(format!("{text}\n{}", exit::section(manual.exits)))
}
