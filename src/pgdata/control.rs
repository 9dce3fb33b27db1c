//! `global/pg_control`: who a cluster is.

use std::io::Read;
use std::path::Path;

use fs_err::File;

use crate::error::{Context, Error, Result};
use crate::model::{SystemId, Timeline};

/// What we need of `ControlFileData` (PostgreSQL's `catalog/pg_control.h`). The fields up to the
/// checkpoint's timeline lie at the same places in PostgreSQL 11 to 18.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlFile {
    /// The cluster.
    pub system_id: SystemId,
    /// The timeline of its latest checkpoint.
    pub timeline: Timeline,
    /// `PG_CONTROL_VERSION`: 1300 for PostgreSQL 13 to 16, 1700 for 17, 1800 for 18.
    pub version: u32,
}

/// What is read of the file: all that is used, and less than the 512 bytes that are written at once.
const LEN: usize = 64;
/// Where `system_identifier` lies.
const SYSTEM_ID: usize = 0;
/// Where `pg_control_version` lies.
const VERSION: usize = 8;
/// Where `checkPointCopy.ThisTimeLineID` lies: after state, time, checkPoint and its redo.
const TIMELINE: usize = 48;

impl ControlFile {
    /// Reads it below a data directory.
    pub(super) fn read(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("global/pg_control");
        let mut bytes = [0; LEN];
        File::open(&path)?.read_exact(&mut bytes)?;
        Self::parse(&bytes).context(|| format!("read {}", path.display()))
    }

    fn parse(bytes: &[u8; LEN]) -> Result<Self> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let version = u32_at(VERSION);
        if !(1100..10_000).contains(&version) {
            return Err(Error::corrupt(format!(
                "control file version {version} is none that PostgreSQL 11 or later writes"
            )));
        }
        let system_id = SystemId(u64::from(u32_at(SYSTEM_ID)) | (u64::from(u32_at(SYSTEM_ID + 4)) << 32));
        let timeline = Timeline::new(u32_at(TIMELINE))
            .ok_or_else(|| Error::corrupt("its checkpoint names timeline 0, which does not exist"))?;
        Ok(Self { system_id, timeline, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(version: u32, timeline: u32) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[SYSTEM_ID..SYSTEM_ID + 8].copy_from_slice(&7_300_000_000_000_000_001_u64.to_le_bytes());
        bytes[VERSION..VERSION + 4].copy_from_slice(&version.to_le_bytes());
        bytes[TIMELINE..TIMELINE + 4].copy_from_slice(&timeline.to_le_bytes());
        bytes
    }

    #[test]
    fn the_cluster_and_its_timeline_are_read() {
        let read = ControlFile::parse(&control(1300, 3)).unwrap();
        assert_eq!(read.system_id, SystemId(7_300_000_000_000_000_001));
        assert_eq!(read.timeline, Timeline::new(3).unwrap());
    }

    #[test]
    fn what_is_not_a_control_file_is_refused() {
        assert!(ControlFile::parse(&control(942, 1)).is_err());
        assert!(ControlFile::parse(&control(0x1405_0000, 1)).is_err());
        assert!(ControlFile::parse(&control(1300, 0)).is_err());
    }
}
