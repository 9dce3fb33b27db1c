//! Does the archive belong to this server?

use std::path::Path;

use super::Fit;
use crate::archive::Archive;
use crate::command::wal_archive::owner;
use crate::error::{Context, Error, Result};
use crate::pgdata::DataDir;

/// Compares whose WAL the archive holds with who the server is.
pub(super) async fn find(archive: &Archive, pgdata: Option<&Path>) -> Result<Fit> {
    let server = pgdata.map(|dir| DataDir::new(dir).control()).transpose();
    let server = server.context(|| "look at the data directory")?;
    let Some(archive_timeline) = archive.newest_timeline().await? else { return Ok(Fit::Empty) };
    let owner = owner(archive).await?;
    Ok(match (owner, server) {
        (Some((theirs, by)), Some(ours)) if theirs != ours.system_id => {
            Fit::Foreign { archive: theirs, server: ours.system_id, by }
        }
        (Some((system_id, _)), Some(server)) => {
            Fit::Same { system_id, archive_timeline, server_timeline: server.timeline }
        }
        (owner, _) => Fit::Unknown { archive: owner.map(|(id, _)| id), archive_timeline },
    })
}

impl Fit {
    /// The finding in words; another cluster's archive is kind `Conflict`.
    pub(super) fn verdict(&self) -> Result<String> {
        match self {
            Self::Empty => Ok("the archive is empty".to_owned()),
            Self::Same { archive_timeline: there, server_timeline: here, .. } => {
                let ahead = if there > here { ", so another server of this cluster was promoted" } else { "" };
                let (there, here) = (there.number(), here.number());
                Ok(format!("it holds this cluster's WAL up to timeline {there}; the server is on timeline {here}{ahead}"))
            }
            Self::Unknown { archive, archive_timeline } => {
                let whose = archive.map_or("a cluster it does not tell".to_owned(), |id| format!("system {id}"));
                Ok(format!("it holds WAL of {whose} up to timeline {}", archive_timeline.number()))
            }
            Self::Foreign { archive, server, by } => Err(Error::conflict(format!(
                "the archive belongs to another cluster: {by} was written by system {archive}, this server is system {server}"
            ))
            .hint("archive each cluster under a server name of its own: --server or BARKEEP_SERVER")),
        }
    }
}
