//! What a server says of its archiving. Any role may ask, but for the number of files that wait, which takes
//! `pg_monitor`; nobody needs the rights of a backup for it.

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::{Client, Row};

use super::errors::refusal;
use super::questions::{TIMELINE, optional, parsed, row, timeline};
use super::{Archiving, Conninfo, Session, Version};
use crate::error::{Context as _, Error, Result};
use crate::model::{Archiver, Lsn, SystemId, Timeline, Waiting, Wrote};

/// What a server says of its archiving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivingFacts {
    /// The cluster.
    pub system_id: SystemId,
    /// The timeline it is on.
    pub timeline: Timeline,
    /// Whether it is a standby, or recovering.
    pub in_recovery: bool,
    /// Up to where it has written, or as a standby received.
    pub written: Option<Lsn>,
    /// How it is set up.
    pub archiving: Archiving,
    /// `pg_stat_archiver`.
    pub archiver: Archiver,
    /// What waits; `None` when the role may not know.
    pub waiting: Option<Waiting>,
}

/// How a verb asks a server about its archiving.
#[async_trait]
pub trait AskArchiving: Send + Sync {
    /// Opens a session, asks, and closes it. Kind `Server` when that fails.
    async fn ask(&self) -> Result<ArchivingFacts>;
}

#[async_trait]
impl AskArchiving for Conninfo {
    async fn ask(&self) -> Result<ArchivingFacts> {
        Session::open(self).await?.archiving().await
    }
}

/// Asks; the caller bounds the time it takes.
pub(super) async fn archiving(client: &Client, version: Version) -> Result<ArchivingFacts> {
    let one = row(
        client,
        "the state of archiving",
        &format!(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_id, \
             pg_is_in_recovery()::text AS in_recovery, {TIMELINE} AS timeline, \
             (CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) \
              ELSE pg_current_wal_lsn() END)::text AS written, \
             current_setting('archive_mode') AS archive_mode, \
             (current_setting('archive_command') NOT IN ('', '(disabled)'))::text AS archive_command, \
             coalesce(current_setting('archive_library', true) <> '', false)::text AS archive_library, \
             archived_count::text AS archived_count, failed_count::text AS failed_count, \
             last_archived_wal, {}, last_failed_wal, {}, \
             has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE')::text AS may_list \
             FROM pg_stat_archiver",
            micros("last_archived_time"),
            micros("last_failed_time"),
        ),
    )
    .await?;
    let waiting = if parsed::<bool>(&one, "may_list")? { Some(waiting(client).await?) } else { None };
    let written: Option<String> = optional(&one, "written")?;
    let odd = |what: &str| Error::corrupt(format!("the server gives `{what}` as its position"));
    Ok(ArchivingFacts {
        system_id: parsed(&one, "system_id")?,
        timeline: timeline(&one, "timeline")?,
        in_recovery: parsed(&one, "in_recovery")?,
        written: written.map(|text| text.parse().map_err(|_| odd(&text))).transpose()?,
        archiving: Archiving {
            mode: parsed(&one, "archive_mode")?,
            command: parsed(&one, "archive_command")?,
            library: version.dialect().archive_library && parsed(&one, "archive_library")?,
        },
        archiver: Archiver {
            archived_count: parsed(&one, "archived_count")?,
            failed_count: parsed(&one, "failed_count")?,
            last_archived: wrote(&one, "last_archived_wal", "last_archived_time")?,
            last_failed: wrote(&one, "last_failed_wal", "last_failed_time")?,
        },
        waiting,
    })
}

/// A time as microseconds since 1970.
fn micros(column: &str) -> String {
    format!("floor(extract(epoch FROM {column}) * 1000000)::int8::text AS {column}")
}

fn wrote(row: &Row, wal: &str, time: &str) -> Result<Option<Wrote>> {
    let (Some(wal), Some(micros)) = (optional(row, wal)?, optional(row, time)?) else { return Ok(None) };
    let at = micros.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let odd = || Error::corrupt(format!("the server gives `{micros}` as its {time}"));
    Ok(Some(Wrote { wal, at: at.ok_or_else(odd)? }))
}

/// A history goes before everything else.
async fn waiting(client: &Client) -> Result<Waiting> {
    let sql = "SELECT count(*)::text AS count, \
               coalesce(min(name) FILTER (WHERE name LIKE '%.history.ready'), min(name)) AS first \
               FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'";
    let found = client.query_typed_one(sql, &[]).await.map_err(|e| refusal(&e));
    let found = found.context(|| "ask for what waits to be archived")?;
    let first = optional(&found, "first")?.map(|name| name.trim_end_matches(".ready").to_owned());
    Ok(Waiting { count: parsed(&found, "count")?, first })
}
