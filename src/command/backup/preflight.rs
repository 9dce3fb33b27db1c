//! Everything that can be known to go wrong, before anything is touched: a backup that fails after hours
//! for want of a right or an archive is found out here, in seconds.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Request;
use super::copy::ConfigFile;
use super::wal::{self, Needed, Pauses};
use crate::archive::Archive;
use crate::command::fetch;
use crate::command::wal_archive::owner;
use crate::error::{Context as _, Error, Result};
use crate::model::{Lsn, SegmentName, SystemId, Tablespace, WalName};
use crate::pgdata::{DataDir, Postmaster, Signal};
use crate::postgres::{Facts, Server, ServerTablespace};

/// What a backup stands on.
#[derive(Debug)]
pub(super) struct Ground {
    /// The data directory as this machine sees it.
    pub(super) pgdata: PathBuf,
    /// The tablespaces that have tars of their own.
    pub(super) tablespaces: Vec<Tablespace>,
    /// What somebody should look at.
    pub(super) warnings: Vec<String>,
    /// Configuration files outside the data directory, and whether they must be there.
    outside: Vec<(PathBuf, bool)>,
}

impl Ground {
    /// The configuration files that are packed beside the data directory's own.
    pub(super) fn config_files(&self) -> Vec<ConfigFile> {
        let outside = self.outside.iter();
        outside.map(|(path, required)| ConfigFile { path: path.clone(), required: *required }).collect()
    }
}

/// Looks at the directory, at the archive, and at what brings WAL from one to the other.
pub(super) async fn check(
    request: &Request,
    facts: &Facts,
    server: &mut dyn Server,
    archive: &Archive,
) -> Result<Ground> {
    let ground = survey(request.pgdata.as_deref(), facts);
    prove_local(&ground, facts)?;
    prove_ours(archive, facts.system_id).await?;
    if request.archive_check {
        prove_archiving(facts, server, archive, request.wal_timeout)
            .await
            .context(|| "prove that WAL reaches the archive")?;
    }
    Ok(ground)
}

/// What is to be packed, as the server tells it; nothing is looked at.
fn survey(pgdata: Option<&Path>, facts: &Facts) -> Ground {
    let theirs = Path::new(&facts.data_directory);
    let outside =
        |file: &Option<String>| file.as_ref().map(PathBuf::from).filter(|file| !file.starts_with(theirs));
    let files = [(&facts.config_file, true), (&facts.hba_file, true), (&facts.ident_file, false)];
    let included = facts.included_files.iter().filter(|file| !Path::new(file).starts_with(theirs));
    let warnings = included.map(|file| {
        format!("{file} is included by the configuration and lies outside the data directory: it is not in the backup")
    });
    Ground {
        pgdata: pgdata.unwrap_or(theirs).to_owned(),
        tablespaces: apart(&facts.tablespaces),
        warnings: warnings.collect(),
        outside: files.into_iter().filter_map(|(file, required)| Some((outside(file)?, required))).collect(),
    }
}

/// The tablespaces that have tars of their own: what lies in place is part of the data directory.
pub(super) fn apart(all: &[ServerTablespace]) -> Vec<Tablespace> {
    let apart = all.iter().filter(|space| !space.in_place());
    apart.map(|s| Tablespace { name: s.name.clone(), oid: s.oid, location: s.location.clone() }).collect()
}

/// Refuses to copy a directory that is not this very server's: not another cluster's, and not another
/// member's of the same cluster.
fn prove_local(ground: &Ground, facts: &Facts) -> Result<()> {
    let dir = DataDir::new(&ground.pgdata);
    let context = || format!("look at the data directory {}", ground.pgdata.display());
    let control = dir.control().map_err(|e| {
        e.hint("a backup is taken on the server's own machine, by a user that can read its files")
    });
    let control = control.context(context)?;
    if control.system_id != facts.system_id {
        return Err(not_this_server(
            ground,
            &format!("it is of system {}, the server of system {}", control.system_id, facts.system_id),
        ));
    }
    let running = Postmaster::read(&dir).context(context)?;
    if let Some(difference) = difference(&running, dir.signal(), facts) {
        return Err(not_this_server(ground, &difference));
    }
    // The files of one owner are readable or not together, so a look into each directory will do.
    let places = ground.tablespaces.iter().map(|space| PathBuf::from(&space.location));
    for place in [ground.pgdata.join("base"), ground.pgdata.join("pg_tblspc")].into_iter().chain(places) {
        fs_err::read_dir(&place)?;
    }
    for (file, _) in ground.outside.iter().filter(|(_, required)| *required) {
        fs_err::File::open(file)?;
    }
    Ok(())
}

/// How long after its first instruction a server may take to note when it started, in seconds: shared
/// memory is set up in between.
const START_UP: i64 = 120;

/// What tells a directory's server from one that has this port and was started then, if anything does.
pub(in crate::command) fn told_apart(running: &Postmaster, port: u16, started: i64) -> Option<String> {
    if running.port != port {
        let here = running.port;
        return Some(format!("its server has port {here}, the one that is connected to port {port}"));
    }
    // In whole seconds, one of which may pass between the two.
    (!(-1..=START_UP).contains(&(started - running.started))).then(|| {
        let here = running.started;
        format!("its server started at {here}, the one that is connected to at {started} (in seconds)")
    })
}

/// What tells the directory's server from the one that is connected to, if anything does.
fn difference(running: &Postmaster, signal: Signal, facts: &Facts) -> Option<String> {
    if let Some(difference) = told_apart(running, facts.port, facts.started) {
        return Some(difference);
    }
    let recovering = signal != Signal::None;
    (recovering != facts.in_recovery).then(|| {
        let word = |recovering| if recovering { "recovering" } else { "not recovering" };
        format!(
            "its server is {}, the one that is connected to {}",
            word(recovering),
            word(facts.in_recovery)
        )
    })
}

fn not_this_server(ground: &Ground, difference: &str) -> Error {
    Error::conflict(format!(
        "the data directory {} is not that of the server: {difference}",
        ground.pgdata.display()
    ))
    .hint("connect to the server on this machine, or name its data directory with --pgdata")
}

/// Refuses an archive with another cluster's WAL in it.
async fn prove_ours(archive: &Archive, ours: SystemId) -> Result<()> {
    match owner(archive).await? {
        Some((theirs, by)) if theirs != ours => Err(Error::conflict(format!(
            "the archive belongs to another cluster: {by} was written by system {theirs}, the server is system {ours}"
        ))
        .hint("archive each cluster under a server name of its own: --server or BARKEEP_SERVER")),
        _ => Ok(()),
    }
}

/// Sees a segment of now arrive: a primary's own, which is ended for the purpose; the newest whole one a
/// standby has replayed, which its primary has archived or will.
async fn prove_archiving(
    facts: &Facts,
    server: &mut dyn Server,
    archive: &Archive,
    within: Duration,
) -> Result<()> {
    let size = facts.segment_size;
    let segment = if facts.in_recovery {
        let replayed = server.replayed().await?;
        let begin = replayed.0 - replayed.0 % size.bytes();
        let Some(before) = begin.checked_sub(1).map(Lsn) else { return Ok(()) };
        // Shortly after a switch that segment is an ancestor's.
        let history = fetch::history(archive, facts.timeline).await?;
        let timeline = history.map_or(facts.timeline, |history| history.timeline_at(before));
        SegmentName::holding(timeline, before, size)
    } else {
        settings(facts)?;
        server.end_segment(size).await?
    };
    let missing = wal::missing(archive, Needed::one(segment), &mut Pauses::within(within)).await?;
    let Some(segment) = missing else { return Ok(()) };
    let overdue = wal::overdue(WalName::Segment(segment), within);
    if facts.in_recovery {
        return Err(overdue.hint(
            "see whether the primary archives to this store and server name; --no-archive-check goes on without",
        ));
    }
    let overdue = overdue.hint(
        "see PostgreSQL's log for what archive_command says, and whether it names this store and server; \
         --no-archive-check goes on without",
    );
    Err(match server.archiver_trouble().await? {
        Some(trouble) => overdue.context(format!("the server says that {trouble}")),
        None => overdue,
    })
}

/// Refuses settings with which no WAL is archived at all.
fn settings(facts: &Facts) -> Result<()> {
    let refused = |what: &str, hint: &str| {
        Err(Error::usage(what)
            .hint(format!("{hint}; --no-archive-check goes on when WAL is archived some other way")))
    };
    let archiving = &facts.archiving;
    if archiving.mode == "off" {
        return refused("archive_mode is off", "set archive_mode = on and restart the server");
    }
    if !archiving.command && !archiving.library {
        return refused(
            "archive_command is empty",
            "set archive_command = 'barkeep wal-archive %p' and reload the server",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SegmentSize, Timeline};
    use crate::postgres::{Archiving, Version};

    fn facts() -> Facts {
        Facts {
            system_id: SystemId(7),
            version: Version::new(180_000).unwrap(),
            port: 5432,
            started: 1000,
            data_directory: "/pg/data".into(),
            config_file: Some("/etc/pg/postgresql.conf".into()),
            hba_file: Some("/pg/data/pg_hba.conf".into()),
            ident_file: Some("/etc/pg/pg_ident.conf".into()),
            included_files: vec!["/pg/data/postgresql.auto.conf".into(), "/etc/pg/more.conf".into()],
            tablespaces: vec![
                ServerTablespace { name: "in".into(), oid: 1, location: "pg_tblspc/1".into() },
                ServerTablespace { name: "out".into(), oid: 2, location: "/ts".into() },
            ],
            segment_size: SegmentSize::DEFAULT,
            block_size: 8192,
            segment_blocks: 131_072,
            data_checksums: true,
            summarize_wal: None,
            in_recovery: false,
            timeline: Timeline::new(1).unwrap(),
            archiving: Archiving { mode: "on".into(), command: true, library: false },
        }
    }

    #[test]
    fn what_lies_outside_is_packed_or_told_and_in_place_tablespaces_are_no_tablespaces() {
        let ground = survey(None, &facts());
        assert_eq!(ground.pgdata, Path::new("/pg/data"));
        let outside = [("/etc/pg/postgresql.conf".into(), true), ("/etc/pg/pg_ident.conf".into(), false)];
        assert_eq!(ground.outside, outside);
        assert_eq!(ground.tablespaces.iter().map(|s| s.oid).collect::<Vec<_>>(), [2]);
        assert!(ground.warnings.len() == 1 && ground.warnings[0].contains("/etc/pg/more.conf"));
        assert_eq!(survey(Some(Path::new("/mnt")), &facts()).pgdata, Path::new("/mnt"));
    }

    #[test]
    fn another_member_of_the_cluster_is_told_by_port_start_and_role() {
        let same = Postmaster { port: 5432, started: 1000 };
        assert_eq!(difference(&same, Signal::None, &facts()), None);
        let slow = Facts { started: 1060, ..facts() };
        assert_eq!(difference(&same, Signal::None, &slow), None);
        for (running, signal) in [
            (Postmaster { port: 5433, ..same }, Signal::None),
            (Postmaster { started: 10, ..same }, Signal::None),
            (Postmaster { started: 1010, ..same }, Signal::None),
            (same, Signal::Standby),
        ] {
            assert!(difference(&running, signal, &facts()).is_some(), "{running:?} {signal:?}");
        }
    }

    #[test]
    fn settings_that_archive_nothing_are_named() {
        let with = |mode: &str, command, library| {
            settings(&Facts { archiving: Archiving { mode: mode.into(), command, library }, ..facts() })
        };
        assert!(with("on", true, false).is_ok() && with("always", false, true).is_ok());
        assert!(with("off", true, true).unwrap_err().to_string().contains("archive_mode"));
        assert!(with("on", false, false).unwrap_err().to_string().contains("archive_command"));
    }
}
