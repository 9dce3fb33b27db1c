//! The words of `status`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum};
use serde::Deserialize;

use super::args::{Layer as _, Shared, layer, text};
use super::backup::Ports;
use super::map;
use super::render::Report;
use super::settings::Settings;
use super::status_told::Status as Told;
use super::{Around, told};
use crate::archive::OpenArchive as _;
use crate::command::status;
use crate::error::Result;
use crate::front::libpq::surroundings;
use crate::front::quantity::Span;
use crate::front::run::block_on;
use crate::model::{StatusLimits, Threshold};
use crate::postgres::{AskArchiving, ConnectionWords, Conninfo};

/// Tell what can be recovered, what is at risk, and what to type next
///
/// Everything is computed from what really lies in the store. With a connection (any of --dsn to --dbname)
/// or a data directory it also tells whether archiving works and how far it is behind. Ends with 0 when all
/// is fine, 1 with a warning, 2 when it is critical and 3 when it could not be found out: a Nagios check.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Status {
    /// Tell of every server in the store
    #[arg(
        long, env = "BARKEEP_STATUS_ALL_SERVERS", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    all_servers: Option<bool>,
    /// Draw the map of the archive below
    #[arg(
        long, env = "BARKEEP_STATUS_MAP", value_name = "HOW", num_args = 0..=1,
        require_equals = true, default_missing_value = "auto"
    )]
    map: Option<MapHow>,
    /// Read no WAL: tell no times of last commits
    ///
    /// For a monitor that asks often: without this the last segment of each window is fetched, since nothing else
    /// tells when the last transaction committed that can be recovered.
    #[arg(
        long, env = "BARKEEP_STATUS_QUICK", value_name = "BOOL", num_args = 0..=1,
        require_equals = true, default_missing_value = "true",
        value_parser = BoolishValueParser::new(), hide_possible_values = true
    )]
    quick: Option<bool>,
    #[command(flatten)]
    pub(super) own: StatusArgs,
    /// Print help
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,
    #[command(flatten)]
    pub(super) shared: Shared,
}

/// How the map is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MapHow {
    /// As the locale and the terminal can show it
    Auto,
    /// In ASCII
    Ascii,
}

/// The section `[status]`.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub(crate) struct StatusArgs {
    /// Ask the server that this string leads to
    ///
    /// Keywords and values, or a URI.
    #[arg(long, value_name = "CONNINFO", env = "BARKEEP_STATUS_DSN", hide_env_values = true)]
    dsn: Option<String>,
    /// Ask the server on this host, or by the socket in this directory
    #[arg(short = 'h', long, value_name = "HOST", env = "BARKEEP_STATUS_HOST")]
    host: Option<String>,
    /// Ask the server at this port
    #[arg(short = 'p', long, value_name = "PORT", env = "BARKEEP_STATUS_PORT")]
    #[serde(with = "text")]
    port: Option<Ports>,
    /// Ask as this role
    #[arg(short = 'U', long, value_name = "USER", env = "BARKEEP_STATUS_USER")]
    user: Option<String>,
    /// Ask in this database, or as this connection string says
    #[arg(short = 'd', long, value_name = "DBNAME", env = "BARKEEP_STATUS_DBNAME", hide_env_values = true)]
    dbname: Option<String>,
    /// Look at the server of this data directory
    #[arg(long, value_name = "DIR", env = "BARKEEP_STATUS_PGDATA")]
    pgdata: Option<PathBuf>,
    /// Warn when the newest backup is older [default: 36h]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_STATUS_WARN_BACKUP_AGE")]
    #[serde(with = "text")]
    warn_backup_age: Option<Span>,
    /// Critical when it is older [default: 8d]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_STATUS_CRIT_BACKUP_AGE")]
    #[serde(with = "text")]
    crit_backup_age: Option<Span>,
    /// Warn when WAL waits and none was stored for so long [default: 15min]
    ///
    /// Without a server at hand nobody knows whether any waits, and an idle one archives nothing. Then the
    /// age counts only if this or the next is given, as is right where archive_timeout is set.
    #[arg(long, value_name = "SPAN", env = "BARKEEP_STATUS_WARN_WAL_AGE")]
    #[serde(with = "text")]
    warn_wal_age: Option<Span>,
    /// Critical when none was stored for so long [default: 1h]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_STATUS_CRIT_WAL_AGE")]
    #[serde(with = "text")]
    crit_wal_age: Option<Span>,
    /// Warn when so many WAL files wait [default: 32]
    #[arg(long, value_name = "N", env = "BARKEEP_STATUS_WARN_WAITING")]
    warn_waiting: Option<u64>,
    /// Critical when so many wait [default: 256]
    #[arg(long, value_name = "N", env = "BARKEEP_STATUS_CRIT_WAITING")]
    crit_waiting: Option<u64>,
    /// Try a failing request again for this long [default: 10s]
    #[arg(long, value_name = "SPAN", env = "BARKEEP_STATUS_RETRY_FOR")]
    #[serde(with = "text")]
    retry_for: Option<Span>,
}

layer!(
    StatusArgs: dsn, host, port, user, dbname, pgdata, warn_backup_age, crit_backup_age, warn_wal_age,
    crit_wal_age, warn_waiting, crit_waiting, retry_for
);

/// How long a failing request is tried again when nothing is said: a monitor does not wait for ever.
const RETRY_FOR: Duration = Duration::from_secs(10);

impl Status {
    /// Makes the request and runs it.
    pub(super) fn perform(self, around: &Around<'_>) -> Result<Box<dyn Report>> {
        let all = self.all_servers.unwrap_or(false);
        let shared = if all { whatever_server(self.shared, around)? } else { self.shared };
        let settings = around.settings(shared)?;
        let own = self.own.over(around.file.sections.status.clone());
        let server = own.connection(around)?;
        let read_ends = !self.quick.unwrap_or(false);
        let request = status::Request { read_ends, ..own.request(&settings) };
        let connect = server.as_ref().map(|server| server as &dyn AskArchiving);
        let outcomes = block_on(async {
            if !all {
                return Ok(vec![status::run(&request, &settings.wire, connect).await?]);
            }
            // A server at hand is one of them, and which one the store does not tell.
            let request = status::Request { pgdata: None, ..request };
            let mut outcomes = Vec::new();
            for server in status::servers(&request, &settings.wire).await? {
                outcomes.push(status::run(&request, &settings.wire.for_server(server), None).await?);
            }
            Ok(outcomes)
        });
        let style = |how| map::Style::of(around.environment, map::terminal(), how == MapHow::Ascii);
        let map = self.map.map(style);
        told(outcomes.map(|servers| Told { store: settings.wire.address().store.clone(), servers, map }))
    }
}

/// The words with a name for a server, where every one of the store is meant and none is named: it only opens
/// the store, and nothing of a server with this name is looked at.
pub(super) fn whatever_server(mut shared: Shared, around: &Around<'_>) -> Result<Shared> {
    if shared.archive.server.is_none() && around.file.archive.server.is_none() {
        shared.archive.server = Some("all".parse()?);
    }
    Ok(shared)
}

impl StatusArgs {
    /// The server, when the words name one: variables that libpq knows as well are no wish to ask.
    pub(super) fn connection(&self, around: &Around<'_>) -> Result<Option<Conninfo>> {
        let words = ConnectionWords {
            dsn: self.dsn.clone(),
            host: self.host.clone(),
            port: self.port.as_ref().map(|ports| ports.0.clone()),
            user: self.user.clone(),
            dbname: self.dbname.clone(),
        };
        let named = words.dsn.is_some()
            || words.host.is_some()
            || words.port.is_some()
            || words.user.is_some()
            || words.dbname.is_some();
        named.then(|| Conninfo::resolve(&words, &surroundings(around.environment))).transpose()
    }

    /// What is asked; no WAL is read for it.
    pub(super) fn request(self, settings: &Settings) -> status::Request {
        let default = StatusLimits::default();
        let span = |span: Option<Span>, default| span.map_or(default, |span| span.0);
        status::Request {
            retry_for: span(self.retry_for, RETRY_FOR),
            max_attempts: settings.max_attempts,
            pgdata: self.pgdata,
            read_ends: false,
            limits: StatusLimits {
                backup_age: Threshold {
                    warn: span(self.warn_backup_age, default.backup_age.warn),
                    crit: span(self.crit_backup_age, default.backup_age.crit),
                },
                judge_idle: self.warn_wal_age.is_some() || self.crit_wal_age.is_some(),
                wal_age: Threshold {
                    warn: span(self.warn_wal_age, default.wal_age.warn),
                    crit: span(self.crit_wal_age, default.wal_age.crit),
                },
                waiting: Threshold {
                    warn: self.warn_waiting.unwrap_or(default.waiting.warn),
                    crit: self.crit_waiting.unwrap_or(default.waiting.crit),
                },
            },
            now: settings.now,
        }
    }
}
