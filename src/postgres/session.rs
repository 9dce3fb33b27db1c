//! A session with a server, over the network or a socket.

use std::time::Duration;

use async_trait::async_trait;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_postgres::config::{
    ChannelBinding as TheirBinding, SslMode as TheirMode, SslNegotiation as TheirNegotiation,
};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::archiver;
use super::conninfo::{ChannelBinding, Conninfo, Endpoint, Place, TargetSession};
use super::errors::{may_want_the_other_way, refusal};
use super::questions::{self, parsed, text};
use super::tls::SslMode;
use super::{ArchivingFacts, Connect, Facts, RunningBackup, Server, StartPoint, StopPoint, Version, Written};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::{Lsn, SegmentName, SegmentSize, Timeline};

/// How long a question may take; none of them touches more than the catalogue.
const QUESTION: Duration = Duration::from_mins(1);
/// How long the answers to a few questions may take to arrive.
const ANSWERS: Duration = Duration::from_mins(2);
/// How long a backup's first checkpoint may take. A spread one takes `checkpoint_timeout`, a day at most.
const START: Duration = Duration::from_hours(25);

/// Longer than any session lives.
const NEVER: Duration = Duration::from_hours(24 * 366 * 10);

/// A session. Dropping it closes it.
///
/// No question is a prepared statement: the server is told to forget such a one only behind its answer, and a session
/// that ends meanwhile is an error in the server's log. It would cost a request more, too.
pub struct Session {
    client: Client,
    /// Moves the bytes; ends when the session does.
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
    version: Version,
    heartbeat: Option<Duration>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

#[async_trait]
impl Connect for Conninfo {
    async fn connect(&self) -> Result<Box<dyn Server>> {
        Ok(Box::new(Session::open(self).await?))
    }
}

impl Session {
    /// Opens a session with the first of the places that answers and is what is wanted.
    pub async fn open(to: &Conninfo) -> Result<Self> {
        // A standby that is only preferred is looked for first; then anything does.
        let rounds: &[TargetSession] = match to.target {
            TargetSession::PreferStandby => &[TargetSession::Standby, TargetSession::Any],
            ref wanted => std::slice::from_ref(wanted),
        };
        let mut failures: Vec<Error> = Vec::new();
        for wanted in rounds {
            failures.clear();
            for endpoint in &to.endpoints {
                match open_at(to, endpoint, *wanted).await {
                    Ok(session) => return Ok(session),
                    Err(e) => failures.push(e.context(endpoint.to_string())),
                }
            }
        }
        let error = together(failures).context(format!("connect as {}", to.user));
        Err(match error.kind() {
            ErrorKind::Server => error.hint(
                "see whether PostgreSQL runs there and lets this role in; --host, --port, --user and --dbname (or \
                 PGHOST and its like) say where it is",
            ),
            _ => error,
        })
    }

    /// What the server says of its archiving.
    pub(super) async fn archiving(&self) -> Result<ArchivingFacts> {
        self.patience(QUESTION).await?;
        within(ANSWERS, archiver::archiving(&self.client, self.version)).await
    }

    async fn run(&self, what: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(|e| refusal(&e)).context(|| what.to_owned())
    }

    async fn row(&self, what: &str, sql: &str) -> Result<Row> {
        self.client.query_typed_one(sql, &[]).await.map_err(|e| refusal(&e)).context(|| what.to_owned())
    }

    async fn patience(&self, limit: Duration) -> Result<()> {
        self.run("set a time-out", &format!("SET statement_timeout = {}", time_out(limit))).await
    }
}

/// The same as a time-out of PostgreSQL's, in milliseconds: from 1, since 0 stands for none, to the most
/// that it takes, which is not quite 25 days.
fn time_out(limit: Duration) -> i32 {
    i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// The answer, or kind `Server` when none came. The server ends what takes too long by itself, so this is
/// for one that is no more, or has stopped: nothing that is sent to it comes back.
async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Error::new(ErrorKind::Server, format!("PostgreSQL has not answered within {limit:?}"));
    timeout(limit, answer).await.unwrap_or_else(|_| Err(late()))
}

/// One error out of those of all places; a single one stays what it is.
fn together(mut failures: Vec<Error>) -> Error {
    if failures.len() == 1 {
        return failures.remove(0);
    }
    let texts: Vec<_> = failures.iter().map(ToString::to_string).collect();
    let hint = failures.iter().find_map(Error::hint_text).map(str::to_owned);
    let error = Error::new(ErrorKind::Server, texts.join("; "));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// How an attempt is made: `sslmode` in terms of one connection.
fn attempts(to: &Conninfo, endpoint: &Endpoint) -> &'static [TheirMode] {
    match (&endpoint.place, to.tls.mode) {
        // Nobody listens between two ends of a socket; libpq has no TLS there either.
        (Place::Socket(_), _) | (_, SslMode::Disable) => &[TheirMode::Disable],
        (_, SslMode::Allow) => &[TheirMode::Disable, TheirMode::Require],
        (_, SslMode::Prefer) => &[TheirMode::Prefer, TheirMode::Disable],
        (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[TheirMode::Require],
    }
}

async fn open_at(to: &Conninfo, endpoint: &Endpoint, wanted: TargetSession) -> Result<Session> {
    let mut failure = None;
    for mode in attempts(to, endpoint) {
        let tried = timeout(to.connect_timeout, dial(to, endpoint, *mode)).await;
        let Ok(tried) = tried else {
            let limit = to.connect_timeout;
            return Err(Error::new(ErrorKind::Server, format!("no session within {limit:?}")));
        };
        match tried? {
            Ok((client, connection)) => {
                let prepared = timeout(to.connect_timeout, prepare(to, client, connection, wanted)).await;
                return prepared.unwrap_or_else(|_| {
                    Err(Error::new(ErrorKind::Server, format!("no answer within {:?}", to.connect_timeout)))
                });
            }
            Err(e) => {
                let again = may_want_the_other_way(&e);
                failure.get_or_insert_with(|| refusal(&e));
                if !again {
                    break;
                }
            }
        }
    }
    Err(failure.unwrap_or_else(|| Error::bug("no way to connect was tried")))
}

type Dialled = (Client, JoinHandle<Result<(), tokio_postgres::Error>>);

/// One attempt. The outer error is of what we have to bring, the inner one of the other side.
async fn dial(
    to: &Conninfo,
    endpoint: &Endpoint,
    mode: TheirMode,
) -> Result<std::result::Result<Dialled, tokio_postgres::Error>> {
    let config = config(to, endpoint, mode);
    Ok(if mode == TheirMode::Disable {
        config.connect(NoTls).await.map(|(client, connection)| (client, tokio::spawn(connection)))
    } else {
        let tls = MakeRustlsConnect::new(to.tls.client_config()?);
        config.connect(tls).await.map(|(client, connection)| (client, tokio::spawn(connection)))
    })
}

fn config(to: &Conninfo, endpoint: &Endpoint, mode: TheirMode) -> Config {
    let mut config = Config::new();
    config.user(&to.user).dbname(&to.dbname).application_name(&to.application_name).ssl_mode(mode);
    config.port(endpoint.port).connect_timeout(to.connect_timeout);
    if to.tls.direct && mode == TheirMode::Require {
        config.ssl_negotiation(TheirNegotiation::Direct);
    }
    match &endpoint.place {
        Place::Socket(dir) => config.host_path(dir),
        Place::Host { name, address: None } => config.host(name),
        Place::Host { name, address: Some(address) } if name.is_empty() => {
            config.host(address.to_string()).hostaddr(*address)
        }
        Place::Host { name, address: Some(address) } => config.host(name).hostaddr(*address),
    };
    if let Some(password) = &endpoint.password {
        config.password(&password.0);
    }
    if let Some(options) = &to.options {
        config.options(options);
    }
    config.keepalives(to.keepalive.is_some());
    if let Some(keepalive) = to.keepalive {
        config.keepalives_idle(keepalive.idle).keepalives_interval(keepalive.interval);
        config.keepalives_retries(keepalive.count);
    }
    if let Some(limit) = to.tcp_user_timeout {
        config.tcp_user_timeout(limit);
    }
    config.channel_binding(match to.channel_binding {
        ChannelBinding::Disable => TheirBinding::Disable,
        ChannelBinding::Prefer => TheirBinding::Prefer,
        ChannelBinding::Require => TheirBinding::Require,
    });
    config
}

/// Makes a session ours: nothing of a role's own settings changes what our questions mean.
async fn prepare(
    to: &Conninfo,
    client: Client,
    connection: JoinHandle<Result<(), tokio_postgres::Error>>,
    wanted: TargetSession,
) -> Result<Session> {
    let settings = format!(
        "SET search_path = pg_catalog; SET client_min_messages = warning; SET statement_timeout = {}; \
         SET datestyle = 'ISO, YMD'; SET default_transaction_isolation = 'read committed'",
        time_out(QUESTION)
    );
    client.batch_execute(&settings).await.map_err(|e| refusal(&e)).context(|| "prepare the session")?;
    let version = questions::version(&client).await?;
    let session = Session { client, connection, version, heartbeat: to.heartbeat };
    for setting in version.dialect().time_outs {
        session.run("prepare the session", &format!("SET {setting} = 0")).await?;
    }
    session.is(wanted).await?;
    Ok(session)
}

impl Session {
    /// Whether the server is what was asked for with `target_session_attrs`.
    async fn is(&self, wanted: TargetSession) -> Result<()> {
        let sql = "SELECT pg_is_in_recovery()::text AS standby, \
                   (current_setting('transaction_read_only') = 'on')::text AS read_only";
        let row = self.row("ask for the server's role", sql).await?;
        let (standby, read_only): (bool, bool) = (parsed(&row, "standby")?, parsed(&row, "read_only")?);
        let (fits, name) = match wanted {
            TargetSession::Any | TargetSession::PreferStandby => (true, "any"),
            TargetSession::ReadWrite => (!standby && !read_only, "read-write"),
            TargetSession::ReadOnly => (standby || read_only, "read-only"),
            TargetSession::Primary => (!standby, "a primary"),
            TargetSession::Standby => (standby, "a standby"),
        };
        if fits { Ok(()) } else { Err(Error::new(ErrorKind::Server, format!("the server is not {name}"))) }
    }
}

/// `now()` in microseconds and the offset of the session's zone in seconds.
const NOW: &str = "floor(extract(epoch FROM now()) * 1000000)::int8::text AS micros, \
                   extract(timezone FROM now())::int4::text AS offset";

fn time(row: &Row) -> Result<Zoned> {
    let odd = |e: jiff::Error| Error::corrupt(format!("the server gives an odd time: {e}"));
    let offset = Offset::from_seconds(parsed(row, "offset")?).map_err(odd)?;
    let moment = Timestamp::from_microsecond(parsed(row, "micros")?).map_err(odd)?;
    Ok(moment.to_zoned(TimeZone::fixed(offset)))
}

#[async_trait]
impl Server for Session {
    async fn facts(&mut self, switching: bool) -> Result<Facts> {
        within(ANSWERS, questions::facts(&self.client, self.version, switching)).await
    }

    async fn end_segment(&mut self, size: SegmentSize) -> Result<SegmentName> {
        within(ANSWERS, self.end_it(size)).await
    }

    async fn replayed(&mut self) -> Result<Lsn> {
        let sql = "SELECT coalesce(pg_last_wal_replay_lsn(), '0/0')::text AS lsn";
        parsed(&within(ANSWERS, self.row("ask for the position", sql)).await?, "lsn")
    }

    async fn written(&mut self) -> Result<Written> {
        within(ANSWERS, questions::written(&self.client)).await
    }

    async fn archiver_trouble(&mut self) -> Result<Option<String>> {
        within(ANSWERS, questions::archiver_trouble(&self.client)).await
    }

    async fn start(self: Box<Self>, label: &str, fast: bool) -> Result<(StartPoint, Box<dyn RunningBackup>)> {
        let start = within(START + ANSWERS, self.start_it(label, fast)).await?;
        Ok((start, self))
    }
}

#[async_trait]
impl RunningBackup for Session {
    async fn lost(&mut self) -> Error {
        let mut beat = interval(self.heartbeat.unwrap_or(NEVER));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                end = &mut self.connection => return vanished(end.ok().and_then(Result::err)),
                _ = beat.tick() => match timeout(QUESTION, self.client.simple_query("SELECT 1")).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(e)) => return vanished(Some(e)),
                    Err(_) => return vanished(None),
                },
            }
        }
    }

    async fn stop(self: Box<Self>, within: Duration) -> Result<StopPoint> {
        let too_late = || {
            Error::new(ErrorKind::Server, format!("PostgreSQL has not ended the backup within {within:?}"))
        };
        let stopped = timeout(within, self.stop_it(within)).await;
        stopped.unwrap_or_else(|_| Err(too_late())).context(|| "stop the backup")
    }
}

impl Session {
    async fn end_it(&self, size: SegmentSize) -> Result<SegmentName> {
        // Everybody may write such a message, nobody reads it, and without a record there would be no
        // segment to end.
        let written = "SELECT pg_logical_emit_message(false, 'barkeep', 'archive check')::text AS lsn";
        self.row("write a record", written).await?;
        let sql = "SELECT pg_switch_wal()::text AS lsn, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline";
        let row = self.row("end the segment", sql).await?;
        let (end, timeline): (Lsn, Timeline) = (parsed(&row, "lsn")?, parsed(&row, "timeline")?);
        Ok(SegmentName::holding(timeline, Lsn(end.0.saturating_sub(1)), size))
    }

    async fn start_it(&self, label: &str, fast: bool) -> Result<StartPoint> {
        self.patience(START).await?;
        let call = self.version.dialect().start_call;
        let sql = format!(
            "SELECT start::text AS lsn, {NOW}, \
             (SELECT timeline_id::text FROM pg_control_checkpoint()) AS timeline FROM {call} AS start"
        );
        let words: [(&(dyn ToSql + Sync), Type); 2] = [(&label, Type::TEXT), (&fast, Type::BOOL)];
        let row = self.client.query_typed_one(&sql, &words).await.map_err(|e| refusal(&e));
        let row = row.context(|| "start the backup")?;
        self.patience(QUESTION).await?;
        Ok(StartPoint {
            lsn: parsed(&row, "lsn")?,
            timeline: questions::timeline(&row, "timeline")?,
            time: time(&row)?,
            tablespaces: questions::tablespaces(&self.client).await?,
        })
    }

    async fn stop_it(&self, within: Duration) -> Result<StopPoint> {
        self.patience(within).await?;
        let call = self.version.dialect().stop_call;
        let sql = format!(
            "SELECT lsn::text AS lsn, labelfile AS label, {NOW}, \
             (SELECT (CASE WHEN pg_is_in_recovery() THEN r.min_recovery_end_timeline ELSE c.timeline_id END)::text \
                FROM pg_control_checkpoint() c, pg_control_recovery() r) AS timeline FROM {call}"
        );
        let row = self.row("end it", &sql).await?;
        Ok(StopPoint {
            lsn: parsed(&row, "lsn")?,
            timeline: questions::timeline(&row, "timeline")?,
            time: time(&row)?,
            label: text(&row, "label")?,
        })
    }
}

fn vanished(e: Option<tokio_postgres::Error>) -> Error {
    let why = e.map_or_else(|| "it does not answer".to_owned(), |e| refusal(&e).to_string());
    Error::new(ErrorKind::Server, format!("the session with PostgreSQL was lost during the backup: {why}"))
        .hint("see PostgreSQL's log; the server has left backup mode by itself, and the backup can be taken again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_a_time_out_that_postgresql_takes() {
        for (limit, millis) in [
            (Duration::ZERO, 1),
            (Duration::from_micros(10), 1),
            (Duration::from_mins(5), 300_000),
            (Duration::from_hours(24 * 366), i32::MAX),
        ] {
            assert_eq!(time_out(limit), millis, "{limit:?}");
        }
    }
}
