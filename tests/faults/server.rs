//! A PostgreSQL that follows a script: it lets a base backup begin and end, and its WAL is archived already.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use barkeep::error::{Error, Result};
use barkeep::model::{Lsn, SegmentName, SegmentSize, SystemId, Timeline};
use barkeep::postgres::{
    Archiving, Connect, Facts, RunningBackup, Server, ServerTablespace, StartPoint, StopPoint, Version,
    Written,
};

use crate::bed::{MIB, SYSTEM};

/// A server on timeline 1 whose data directory this is. A backup of it begins in one segment and ends in
/// the next.
#[derive(Clone)]
pub(crate) struct Scripted {
    facts: Facts,
    first: u64,
}

impl Scripted {
    /// Whose backups begin in segment number `first`; the one before is what the preflight ends.
    pub(crate) fn new(data: &Path, first: u64) -> Self {
        for dir in ["base", "pg_tblspc"] {
            std::fs::create_dir_all(data.join(dir)).unwrap();
        }
        std::fs::write(data.join("PG_VERSION"), "16\n").unwrap();
        std::fs::write(data.join("base/heap"), heap()).unwrap();
        let pid = format!("1\n{}\n1767322000\n5432\n/tmp\n\n\nready\n", data.display());
        std::fs::write(data.join("postmaster.pid"), pid).unwrap();
        let file = |name: &str| Some(data.join(name).display().to_string());
        let facts = Facts {
            system_id: SystemId(SYSTEM),
            version: Version::new(160_004).unwrap(),
            port: 5432,
            started: 1_767_322_001,
            data_directory: data.display().to_string(),
            config_file: file("postgresql.conf"),
            hba_file: file("pg_hba.conf"),
            ident_file: file("pg_ident.conf"),
            included_files: Vec::new(),
            tablespaces: Vec::<ServerTablespace>::new(),
            segment_size: SegmentSize::new(MIB).unwrap(),
            block_size: 8192,
            segment_blocks: 131_072,
            data_checksums: false,
            summarize_wal: None,
            in_recovery: false,
            timeline: timeline(),
            archiving: Archiving { mode: "on".into(), command: true, library: false },
        };
        Self { facts, first }
    }
}

/// What the one large file of the data directory holds; it does not compress.
pub(crate) fn heap() -> Vec<u8> {
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    noise.take(4096).flatten().collect()
}

fn timeline() -> Timeline {
    Timeline::new(1).unwrap()
}

fn time() -> jiff::Zoned {
    "2026-01-02T03:04:06Z".parse::<jiff::Timestamp>().unwrap().to_zoned(jiff::tz::TimeZone::UTC)
}

#[async_trait]
impl Connect for Scripted {
    async fn connect(&self) -> Result<Box<dyn Server>> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl Server for Scripted {
    async fn facts(&mut self, _: bool) -> Result<Facts> {
        Ok(self.facts.clone())
    }

    async fn end_segment(&mut self, _: SegmentSize) -> Result<SegmentName> {
        Ok(super::scene::segment(self.first - 1).parse().unwrap())
    }

    async fn replayed(&mut self) -> Result<Lsn> {
        Ok(Lsn(self.first * MIB))
    }

    async fn written(&mut self) -> Result<Written> {
        Err(Error::bug("a backup does not ask this"))
    }

    async fn archiver_trouble(&mut self) -> Result<Option<String>> {
        Ok(None)
    }

    async fn start(self: Box<Self>, _: &str, _: bool) -> Result<(StartPoint, Box<dyn RunningBackup>)> {
        let lsn = Lsn(self.first * MIB + 0x28);
        Ok((StartPoint { lsn, timeline: timeline(), time: time(), tablespaces: Vec::new() }, self))
    }
}

#[async_trait]
impl RunningBackup for Scripted {
    async fn lost(&mut self) -> Error {
        std::future::pending().await
    }

    async fn stop(self: Box<Self>, _: Duration) -> Result<StopPoint> {
        let label = format!(
            "START WAL LOCATION: {} (file {})\nCHECKPOINT LOCATION: 0/500060\nBACKUP METHOD: streamed\n\
             BACKUP FROM: primary\nSTART TIME: x\nLABEL: x\nSTART TIMELINE: 1\n",
            Lsn(self.first * MIB + 0x28),
            super::scene::segment(self.first)
        );
        let lsn = Lsn((self.first + 1) * MIB + 0x138);
        Ok(StopPoint { lsn, timeline: timeline(), time: time(), label })
    }
}
