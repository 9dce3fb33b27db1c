//! The server: how it is reached, what it says of itself, and the low-level backup functions.
//!
//! You cannot stop what you did not start, nor stop it twice: [`Server::start`] takes the server and
//! gives a [`RunningBackup`], and [`RunningBackup::stop`] takes that. Dropping it at any point closes the
//! session, upon which PostgreSQL abandons the backup by itself, so giving up costs no code.

mod archiver;
mod conninfo;
mod errors;
pub mod own;
mod questions;
mod rights;
mod session;
mod tls;
mod version;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Zoned;

pub use archiver::{ArchivingFacts, AskArchiving};
pub use conninfo::{ConnectionWords, Conninfo, Surroundings};
pub use session::Session;
pub use version::Version;

use crate::error::{Error, Result};
use crate::model::{Lsn, SegmentName, SegmentSize, SystemId, Timeline};

/// How a verb gets at a server.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens a session. Kind `Server` when that fails: everything that was tried is in the message.
    async fn connect(&self) -> Result<Box<dyn Server>>;
}

/// A session with a server, before a backup.
#[async_trait]
pub trait Server: Send {
    /// What it says of itself. `switching` tells whether [`end_segment`](Self::end_segment) will be
    /// called: then the right to it is asked for as well. Kind `Denied` when the role lacks a right that a
    /// backup needs, with the GRANT statements as the hint; `Usage` for a version that is not supported.
    async fn facts(&mut self, switching: bool) -> Result<Facts>;

    /// Writes a record that means nothing and ends the segment it lies in, so that there is something to
    /// archive; gives that segment. Only a primary can.
    async fn end_segment(&mut self, size: SegmentSize) -> Result<SegmentName>;

    /// Up to where a standby has replayed.
    async fn replayed(&mut self) -> Result<Lsn>;

    /// What the server says of its archiver when that is in trouble, for messages.
    async fn archiver_trouble(&mut self) -> Result<Option<String>>;

    /// Begins a backup: from here on files may be copied.
    async fn start(self: Box<Self>, label: &str, fast: bool) -> Result<(StartPoint, Box<dyn RunningBackup>)>;
}

/// A server in backup mode.
#[async_trait]
pub trait RunningBackup: Send {
    /// Ends when the session does, and says why; what is copied by then is worth nothing. The session is
    /// kept awake while this is waited for.
    async fn lost(&mut self) -> Error;

    /// Ends the backup; what was copied may be used from here on. Does not wait for WAL to be archived.
    /// Kind `Server` when PostgreSQL refuses, or does not answer `within` this time.
    async fn stop(self: Box<Self>, within: Duration) -> Result<StopPoint>;
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The cluster.
    pub system_id: SystemId,
    /// What it runs.
    pub version: Version,
    /// Its port, for comparison with `postmaster.pid`.
    pub port: u16,
    /// When it was started, in seconds since 1970.
    pub started: i64,
    /// Its `data_directory`.
    pub data_directory: String,
    /// Its `config_file`.
    pub config_file: Option<String>,
    /// Its `hba_file`.
    pub hba_file: Option<String>,
    /// Its `ident_file`.
    pub ident_file: Option<String>,
    /// Files that its configuration includes.
    pub included_files: Vec<String>,
    /// All its tablespaces with a location.
    pub tablespaces: Vec<ServerTablespace>,
    /// The size of its segments.
    pub segment_size: SegmentSize,
    /// The size of its pages, in bytes.
    pub block_size: u32,
    /// After how many pages a relation goes on in its next file.
    pub segment_blocks: u32,
    /// Whether pages carry checksums.
    pub data_checksums: bool,
    /// Whether it summarises WAL; `None` before PostgreSQL 17.
    pub summarize_wal: Option<bool>,
    /// Whether it is a standby, or recovering.
    pub in_recovery: bool,
    /// The timeline it is on.
    pub timeline: Timeline,
    /// How it archives.
    pub archiving: Archiving,
}

/// A tablespace as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTablespace {
    /// Its name.
    pub name: String,
    /// Its number.
    pub oid: u32,
    /// Where it is; relative to the data directory when it is in place.
    pub location: String,
}

impl ServerTablespace {
    /// Whether it is a plain directory in `pg_tblspc`, and so a part of the data directory.
    pub fn in_place(&self) -> bool {
        !self.location.starts_with('/')
    }
}

/// The settings of archiving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archiving {
    /// `archive_mode`: `off`, `on` or `always`.
    pub mode: String,
    /// Whether `archive_command` is set.
    pub command: bool,
    /// Whether `archive_library` is set (PostgreSQL 15 and later).
    pub library: bool,
}

/// Where and when a backup began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartPoint {
    /// Where recovery has to begin.
    pub lsn: Lsn,
    /// The timeline of the checkpoint it began with.
    pub timeline: Timeline,
    /// When, by the server's clock and with its session's offset.
    pub time: Zoned,
    /// The tablespaces there were then; one that came later is made by replaying WAL.
    pub tablespaces: Vec<ServerTablespace>,
}

/// Where and when a backup ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopPoint {
    /// Up to where recovery has to go before the copy is consistent.
    pub lsn: Lsn,
    /// The timeline it ended on.
    pub timeline: Timeline,
    /// When.
    pub time: Zoned,
    /// The text of `backup_label`.
    pub label: String,
}
