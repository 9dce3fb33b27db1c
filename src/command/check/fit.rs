//! Does the archive belong to this server?

use std::path::Path;

use super::Fit;
use crate::archive::Archive;
use crate::command::wal_archive::owner;
use crate::error::{Context, Error, Result};
use crate::pgdata::DataDir;

/// Compares whose WAL the archive holds with who the server is. Another cluster's is kind `Conflict`.
pub(super) async fn fit(archive: &Archive, pgdata: Option<&Path>) -> Result<(String, Fit)> {
    let server =
        pgdata.map(|dir| DataDir::new(dir).control()).transpose().context(|| "look at the data directory")?;
    let Some(archive_timeline) = archive.newest_timeline().await? else {
        return Ok(("the archive is empty".to_owned(), Fit::Empty));
    };
    let owner = owner(archive).await?;
    match (owner, server) {
        (Some((theirs, by)), Some(ours)) if theirs != ours.system_id => Err(Error::conflict(format!(
            "the archive belongs to another cluster: {by} was written by system {theirs}, this server is system {}",
            ours.system_id
        ))
        .hint("archive each cluster under a server name of its own: --server or BARKEEP_SERVER")),
        (Some((system_id, _)), Some(server)) => {
            let fit = Fit::Same { system_id, archive_timeline, server_timeline: server.timeline };
            let (there, here) = (archive_timeline.number(), server.timeline.number());
            Ok((format!("it holds this cluster's WAL up to timeline {there}; the server is on timeline {here}"), fit))
        }
        (owner, _) => {
            let archive = owner.map(|(id, _)| id);
            let whose = archive.map_or("a cluster it does not tell".to_owned(), |id| format!("system {id}"));
            let text = format!("it holds WAL of {whose} up to timeline {}", archive_timeline.number());
            Ok((text, Fit::Unknown { archive, archive_timeline }))
        }
    }
}
