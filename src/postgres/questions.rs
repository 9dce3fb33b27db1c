//! What is asked of a server, and how its answers are read.

use tokio_postgres::{Client, Row};

use super::errors::refusal;
use super::rights;
use super::{Archiving, Facts, ServerTablespace, Version, Written};
use crate::error::{Context as _, Error, Result};
use crate::model::{SegmentSize, Timeline};

/// One row of text, any of which may be null.
pub(super) async fn row(client: &Client, what: &str, sql: &str) -> Result<Row> {
    client.query_typed_one(sql, &[]).await.map_err(|e| refusal(&e)).context(|| format!("ask for {what}"))
}

/// A column that cannot be null; what a server says is not trusted to have the right type.
pub(super) fn text(row: &Row, name: &str) -> Result<String> {
    optional(row, name)?.ok_or_else(|| Error::corrupt(format!("the server gives no {name}")))
}

pub(super) fn optional(row: &Row, name: &str) -> Result<Option<String>> {
    row.try_get::<_, Option<String>>(name).map_err(|e| refusal(&e))
}

/// A column that is text on its way to something else.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row, name: &str) -> Result<T> {
    let text = text(row, name)?;
    text.parse().map_err(|_| Error::corrupt(format!("the server gives `{text}` as its {name}")))
}

/// A timeline that stands there as a plain number.
pub(super) fn timeline(row: &Row, name: &str) -> Result<Timeline> {
    Timeline::new(parsed(row, name)?)
        .ok_or_else(|| Error::corrupt(format!("the server gives 0 as its {name}")))
}

/// The server's version.
pub(super) async fn version(client: &Client) -> Result<Version> {
    let row = row(client, "the version", "SELECT current_setting('server_version_num') AS version").await?;
    Version::new(parsed(&row, "version")?)
}

/// The timeline a server is on. A primary tells it by the name of the segment it writes, because its
/// control file is behind until the first checkpoint after a promotion.
pub(super) const TIMELINE: &str = "CASE WHEN pg_is_in_recovery() \
     THEN (SELECT greatest(r.min_recovery_end_timeline, c.timeline_id)::text \
             FROM pg_control_recovery() r, pg_control_checkpoint() c) \
     ELSE (SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int8::text) END";

/// Everything a server says of itself, after its rights were found to suffice.
pub(super) async fn facts(client: &Client, version: Version, switching: bool) -> Result<Facts> {
    demand_rights(client, version, switching).await?;
    let one = row(
        client,
        "the server's settings",
        &format!(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_id, \
             pg_is_in_recovery()::text AS in_recovery, {TIMELINE} AS timeline, \
             floor(extract(epoch FROM pg_postmaster_start_time()))::int8::text AS started, \
             current_setting('port') AS port, current_setting('data_directory') AS data_directory, \
             nullif(current_setting('config_file'), '') AS config_file, \
             nullif(current_setting('hba_file'), '') AS hba_file, \
             nullif(current_setting('ident_file'), '') AS ident_file, \
             (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size') AS segment_size, \
             (SELECT setting FROM pg_settings WHERE name = 'segment_size') AS segment_blocks, \
             current_setting('block_size') AS block_size, current_setting('data_checksums') AS checksums, \
             current_setting('summarize_wal', true) AS summarize_wal, \
             current_setting('archive_mode') AS archive_mode, \
             (current_setting('archive_command') <> '')::text AS archive_command, \
             coalesce(current_setting('archive_library', true) <> '', false)::text AS archive_library"
        ),
    )
    .await?;
    let dialect = version.dialect();
    let summarize = optional(&one, "summarize_wal")?.filter(|_| dialect.summarize_wal);
    let segment_size: u64 = parsed(&one, "segment_size")?;
    Ok(Facts {
        system_id: parsed(&one, "system_id")?,
        version,
        port: parsed(&one, "port")?,
        started: parsed(&one, "started")?,
        data_directory: text(&one, "data_directory")?,
        config_file: optional(&one, "config_file")?,
        hba_file: optional(&one, "hba_file")?,
        ident_file: optional(&one, "ident_file")?,
        included_files: included_files(client).await?,
        tablespaces: tablespaces(client).await?,
        segment_size: SegmentSize::new(segment_size)
            .ok_or_else(|| Error::corrupt(format!("the server gives {segment_size} as its segment size")))?,
        block_size: parsed(&one, "block_size")?,
        segment_blocks: parsed(&one, "segment_blocks")?,
        data_checksums: text(&one, "checksums")? == "on",
        summarize_wal: summarize.map(|value| value == "on"),
        in_recovery: parsed(&one, "in_recovery")?,
        timeline: timeline(&one, "timeline")?,
        archiving: Archiving {
            mode: text(&one, "archive_mode")?,
            command: parsed(&one, "archive_command")?,
            library: dialect.archive_library && parsed(&one, "archive_library")?,
        },
    })
}

/// How far it has flushed its WAL. Every role may ask.
pub(super) async fn written(client: &Client) -> Result<Written> {
    let sql = format!(
        "SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_id, \
         floor(extract(epoch FROM pg_postmaster_start_time()))::int8::text AS started, \
         current_setting('port') AS port, pg_is_in_recovery()::text AS in_recovery, {TIMELINE} AS timeline, \
         (SELECT setting FROM pg_settings WHERE name = 'wal_segment_size') AS segment_size, \
         CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_flush_lsn()::text END AS flushed"
    );
    let one = row(client, "how far it has written", &sql).await?;
    let segment_size: u64 = parsed(&one, "segment_size")?;
    let follows: bool = parsed(&one, "in_recovery")?;
    let flushed = (timeline(&one, "timeline")?, parsed(&one, "flushed")?);
    Ok(Written {
        system_id: parsed(&one, "system_id")?,
        port: parsed(&one, "port")?,
        started: parsed(&one, "started")?,
        segment_size: SegmentSize::new(segment_size)
            .ok_or_else(|| Error::corrupt(format!("the server gives {segment_size} as its segment size")))?,
        flushed: (!follows).then_some(flushed),
    })
}

async fn demand_rights(client: &Client, version: Version, switching: bool) -> Result<()> {
    let who = "SELECT current_user::text AS role, pg_is_in_recovery()::text AS in_recovery";
    let who = row(client, "the role", who).await?;
    let in_recovery: bool = parsed(&who, "in_recovery")?;
    let mut missing = Vec::new();
    for right in rights::needed(version.dialect(), switching && !in_recovery) {
        let question = format!("SELECT ({})::text AS granted", right.question());
        if !parsed::<bool>(&row(client, "the role's rights", &question).await?, "granted")? {
            missing.push(right);
        }
    }
    rights::demand(&text(&who, "role")?, &missing)
}

async fn included_files(client: &Client) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT sourcefile AS file FROM pg_settings WHERE sourcefile IS NOT NULL \
               AND sourcefile <> current_setting('config_file') ORDER BY sourcefile";
    let rows = client.query_typed(sql, &[]).await.map_err(|e| refusal(&e));
    rows.context(|| "ask for included files")?.iter().map(|row| text(row, "file")).collect()
}

/// The tablespaces with a location.
pub(super) async fn tablespaces(client: &Client) -> Result<Vec<ServerTablespace>> {
    let sql = "SELECT spcname::text AS name, oid::text AS oid, pg_tablespace_location(oid) AS location \
               FROM pg_tablespace WHERE pg_tablespace_location(oid) <> '' ORDER BY oid";
    let rows = client.query_typed(sql, &[]).await.map_err(|e| refusal(&e));
    let rows = rows.context(|| "ask for the tablespaces")?;
    rows.iter()
        .map(|row| {
            Ok(ServerTablespace {
                name: text(row, "name")?,
                oid: parsed(row, "oid")?,
                location: text(row, "location")?,
            })
        })
        .collect()
}

/// What the archiver's statistics say when its latest attempt failed.
pub(super) async fn archiver_trouble(client: &Client) -> Result<Option<String>> {
    let sql = "SELECT last_failed_wal AS wal, last_failed_time::text AS time FROM pg_stat_archiver \
               WHERE last_failed_time > coalesce(last_archived_time, '-infinity')";
    let found = client.query_typed_opt(sql, &[]).await.map_err(|e| refusal(&e));
    let Some(row) = found.context(|| "ask for the archiver")? else { return Ok(None) };
    Ok(Some(format!("its archiver failed with {} at {}", text(&row, "wal")?, text(&row, "time")?)))
}
