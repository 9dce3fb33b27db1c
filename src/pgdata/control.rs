//! `global/pg_control`: who a cluster is.

use std::io::Read;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fs_err::File;

use crate::error::{Context, Error, Result};
use crate::model::{Lsn, SystemId, Timeline};

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
    /// What the server was doing when it wrote the file.
    pub state: ClusterState,
    /// Where its latest checkpoint's record lies: of a server that was stopped in good order, the last record.
    pub checkpoint: Lsn,
}

/// What a server was doing (`DBState` in `catalog/pg_control.h`), as far as it tells where its WAL ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterState {
    /// Stopped in good order, as a primary.
    ShutDown,
    /// Recovering from an archive or a primary, or stopped while it did.
    Following,
    /// Anything else: it runs, or it was stopped by a crash.
    Running,
}

/// What is read of the file: all that is used, and less than the 512 bytes that are written at once.
const LEN: usize = 64;
/// Where `system_identifier` lies.
const SYSTEM_ID: usize = 0;
/// Where `pg_control_version` lies.
const VERSION: usize = 8;
/// Where `state` lies.
const STATE: usize = 16;
/// Where `checkPoint` lies: after the time of the last change.
const CHECKPOINT: usize = 32;
/// Where `checkPointCopy.ThisTimeLineID` lies: after state, time, checkPoint and its redo.
const TIMELINE: usize = 48;

/// No control file is longer, in bytes; PostgreSQL writes 8 KiB.
pub(crate) const LONGEST: u64 = 64 << 10;
/// Where its CRC-32C lies, which covers everything before it: somewhere here, depending on the version
/// (288 in PostgreSQL 13, 292 in 18), at a multiple of four.
const CRC: std::ops::Range<usize> = 200..508;
/// How often a torn control file is read again, and how long is waited in between. The server writes it
/// in one go, so that the first time is nearly always good.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

impl ControlFile {
    /// Reads all bytes of it, as often as it takes until their checksum fits.
    pub(super) fn read_whole(data_dir: &Path) -> Result<Vec<u8>> {
        let path = data_dir.join("global/pg_control");
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                thread::sleep(PAUSE);
            }
            let mut bytes = Vec::new();
            File::open(&path)?.take(LONGEST).read_to_end(&mut bytes)?;
            if is_whole(&bytes) {
                return Ok(bytes);
            }
        }
        Err(Error::corrupt(format!(
            "the checksum of {} does not fit, however often it is read",
            path.display()
        )))
    }

    /// Reads it below a data directory.
    pub(super) fn read(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("global/pg_control");
        let mut bytes = [0; LEN];
        File::open(&path)?.read_exact(&mut bytes)?;
        Self::parse(&bytes).context(|| format!("read {}", path.display()))
    }

    /// Reads one that is a member of a copy: kind `Corrupt` when its own checksum does not fit.
    pub(crate) fn of_copy(bytes: &[u8]) -> Result<Self> {
        match bytes.first_chunk() {
            Some(head) if is_whole(bytes) => Self::parse(head),
            _ => Err(Error::corrupt("the checksum of the control file does not fit")),
        }
    }

    pub(super) fn parse(bytes: &[u8; LEN]) -> Result<Self> {
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let version = u32_at(VERSION);
        if !(1100..10_000).contains(&version) {
            return Err(Error::corrupt(format!(
                "control file version {version} is none that PostgreSQL 11 or later writes"
            )));
        }
        let u64_at = |at: usize| u64::from(u32_at(at)) | (u64::from(u32_at(at + 4)) << 32);
        let system_id = SystemId(u64_at(SYSTEM_ID));
        let timeline = Timeline::new(u32_at(TIMELINE))
            .ok_or_else(|| Error::corrupt("its checkpoint names timeline 0, which does not exist"))?;
        let state = match u32_at(STATE) {
            1 => ClusterState::ShutDown,
            2 | 5 => ClusterState::Following,
            _ => ClusterState::Running,
        };
        Ok(Self { system_id, timeline, version, state, checkpoint: Lsn(u64_at(CHECKPOINT)) })
    }
}

/// Whether the checksum that a control file holds somewhere fits what stands before it. Trying each
/// place errs once in fifty million torn files.
fn is_whole(bytes: &[u8]) -> bool {
    CRC.step_by(4).any(|at| {
        let Some(crc) = bytes.get(at..at + 4) else { return false };
        let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[..at]) & 0xFFFF_FFFF;
        crc.iter().rev().fold(0, |all, byte| (all << 8) | u64::from(*byte)) == sum
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_control_file_is_not_taken_for_a_whole_one() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("global")).unwrap();
        let mut bytes = vec![7; 8192];
        let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &bytes[..288]);
        bytes[288..292].copy_from_slice(&sum.to_le_bytes()[..4]);
        let path = dir.path().join("global/pg_control");
        fs_err::write(&path, &bytes).unwrap();
        assert_eq!(ControlFile::read_whole(dir.path()).unwrap(), bytes);
        bytes[100] = 8;
        fs_err::write(&path, &bytes).unwrap();
        assert!(ControlFile::read_whole(dir.path()).is_err());
    }

    #[test]
    fn the_control_files_of_the_oldest_and_the_newest_postgresql_are_whole() {
        for packed in [
            include_bytes!("../../tests/fixtures/cluster/control_13.zst").as_slice(),
            include_bytes!("../../tests/fixtures/cluster/control_18.zst").as_slice(),
        ] {
            let mut bytes = zstd::decode_all(packed).unwrap();
            assert_eq!((bytes.len(), is_whole(&bytes)), (8192, true));
            bytes[40] ^= 1;
            assert!(!is_whole(&bytes));
        }
    }

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
    fn a_server_that_was_stopped_in_good_order_is_told_from_one_that_crashed_or_followed() {
        use ClusterState::{Following, Running, ShutDown};

        let states = [0, 1, 2, 3, 4, 5, 6].map(|state: u32| {
            let mut bytes = control(1300, 1);
            bytes[STATE..STATE + 4].copy_from_slice(&state.to_le_bytes());
            ControlFile::parse(&bytes).unwrap().state
        });
        assert_eq!(states, [Running, ShutDown, Following, Running, Running, Following, Running]);
    }

    #[test]
    fn the_place_of_the_checkpoint_is_read_from_files_of_the_oldest_and_the_newest_postgresql() {
        for packed in [
            include_bytes!("../../tests/fixtures/cluster/control_13.zst").as_slice(),
            include_bytes!("../../tests/fixtures/cluster/control_18.zst").as_slice(),
        ] {
            let read = ControlFile::of_copy(&zstd::decode_all(packed).unwrap()).unwrap();
            // A new cluster's WAL begins with its second segment.
            assert!(read.checkpoint >= Lsn(0x0100_0000) && read.checkpoint < Lsn(1 << 40), "{read:?}");
        }
    }

    #[test]
    fn what_is_not_a_control_file_is_refused() {
        assert!(ControlFile::parse(&control(942, 1)).is_err());
        assert!(ControlFile::parse(&control(0x1405_0000, 1)).is_err());
        assert!(ControlFile::parse(&control(1300, 0)).is_err());
    }
}
