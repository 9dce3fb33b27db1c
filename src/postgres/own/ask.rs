//! What a server of ours is asked.

use std::path::Path;
use std::time::Duration;

use futures_util::{StreamExt as _, pin_mut};
use jiff::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::model::{Lsn, Timeline};
use crate::postgres::errors::refusal;

/// How long a session may take to open.
const OPEN: Duration = Duration::from_secs(10);
/// How long a question of our own may take.
const QUESTION: Duration = Duration::from_mins(1);

/// A session with a server of ours. Dropping it closes it.
pub struct OwnSession {
    client: Client,
    connection: JoinHandle<()>,
}

impl Drop for OwnSession {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// How far recovery has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// The end of the last record that was replayed.
    pub lsn: Option<Lsn>,
    /// When the last transaction that was replayed was committed; `None` when none was.
    pub time: Option<Timestamp>,
    /// The timeline the server went on with.
    pub timeline: Option<Timeline>,
}

impl OwnSession {
    /// Opens a session; `None` while the server is still starting.
    pub(super) async fn open(home: &Path, role: &str, database: &str) -> Result<Option<Self>> {
        let mut config = Config::new();
        config.host_path(home).port(5432).user(role).dbname(database).application_name("barkeep drill");
        let (client, connection) = match timeout(OPEN, config.connect(NoTls)).await {
            Ok(Ok(opened)) => opened,
            Ok(Err(e)) if is_starting(&e) => return Ok(None),
            Err(_) => return Ok(None),
            Ok(Err(e)) => {
                let error = refusal(&e).context(format!("connect as {role} to {database}"));
                return Err(error.hint("name a superuser with --user, and a database with --dbname"));
            }
        };
        // Why it ended is told by the question that was under way.
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Some(Self { client, connection }))
    }

    /// How far recovery has gone.
    pub async fn reached(&self) -> Result<Reached> {
        let question = "select pg_catalog.pg_last_wal_replay_lsn()::text, \
             to_char(pg_catalog.pg_last_xact_replay_timestamp() at time zone 'UTC', \
             'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), \
             pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())";
        let row = within(QUESTION, self.client.query_typed_one(question, &[])).await;
        let row = row.context(|| "ask how far recovery has gone")?;
        let text = |column: usize| row.try_get::<_, Option<&str>>(column).ok().flatten();
        Ok(Reached {
            lsn: text(0).and_then(|lsn| lsn.parse().ok()),
            time: text(1).and_then(|time| time.parse().ok()),
            timeline: text(2).and_then(|name| name.get(..8)?.parse().ok()),
        })
    }

    /// Whether the extension that `pg_amcheck` needs is installed on this machine.
    pub async fn has_amcheck(&self) -> Result<bool> {
        let question = "select count(*) > 0 from pg_catalog.pg_available_extensions where name = 'amcheck'";
        let row = within(QUESTION, self.client.query_typed_one(question, &[])).await;
        Ok(row.context(|| "ask for extensions")?.try_get(0).unwrap_or(false))
    }

    /// Runs one statement: what it came to, or why it has not passed. It passes when it ends without an
    /// error and, if its first column is boolean, with true in every row and with a row.
    pub async fn probe(&self, sql: &str, limit: Duration) -> Result<String, String> {
        let asked = async {
            let statement = self.client.prepare(sql).await.map_err(|e| refusal(&e))?;
            let boolean = statement.columns().first().is_some_and(|column| *column.type_() == Type::BOOL);
            let rows = self.client.query_raw(&statement, std::iter::empty::<String>()).await;
            let rows = rows.map_err(|e| refusal(&e))?;
            pin_mut!(rows);
            let (mut count, mut untrue) = (0_u64, None);
            while let Some(row) = rows.next().await {
                let row = row.map_err(|e| refusal(&e))?;
                count += 1;
                let value = || row.try_get::<_, Option<bool>>(0).ok().flatten();
                if boolean && untrue.is_none() {
                    let value = value();
                    untrue = (value != Some(true)).then_some((count, value));
                }
            }
            Ok::<_, Error>((boolean, count, untrue))
        };
        let answer = timeout(limit, asked).await;
        match answer {
            Err(_) => Err(format!("it has not ended within {limit:?}")),
            Ok(Err(e)) => Err(e.to_string()),
            Ok(Ok((_, row, Some((at, value))))) => {
                let value = if value.is_some() { "false" } else { "null" };
                Err(if row == 1 { format!("it is {value}") } else { format!("row {at} is {value}") })
            }
            Ok(Ok((true, 0, None))) => Err("it gives no row, so nothing is true".to_owned()),
            Ok(Ok((true, ..))) => Ok("true".to_owned()),
            Ok(Ok((false, 1, _))) => Ok("1 row".to_owned()),
            Ok(Ok((false, rows, _))) => Ok(format!("{rows} rows")),
        }
    }
}

/// Whether a refusal means that the server is not yet there.
fn is_starting(e: &tokio_postgres::Error) -> bool {
    match e.code() {
        Some(code) => *code == SqlState::CANNOT_CONNECT_NOW,
        // No socket yet, or nobody behind it.
        None => true,
    }
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T> {
    match timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|e| refusal(&e)),
        Err(_) => Err(Error::new(ErrorKind::Server, format!("PostgreSQL has not answered within {limit:?}"))),
    }
}
