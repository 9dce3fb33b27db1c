//! The only place that spells keys, and the same place reads them back (docs/format.md).

use crate::error::Result;
use crate::model::{BackupId, Compression, ServerName, TarName, WalName};
use crate::store::{Key, Prefix};

/// How one server's part of a store is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    server: ServerName,
}

impl Layout {
    /// The layout of this server's part.
    pub(super) const fn new(server: ServerName) -> Self {
        Self { server }
    }

    /// `SERVER/wals`, below which all WAL lies.
    pub(super) fn wals(&self) -> Result<Key> {
        Key::new(format!("{}/wals", self.server))
    }

    /// `SERVER/base`, below which all base backups lie.
    pub(super) fn bases(&self) -> Result<Key> {
        Key::new(format!("{}/base", self.server))
    }

    /// The folder of one backup.
    pub(super) fn backup_folder(&self, id: &BackupId) -> Result<Key> {
        self.bases()?.join(id.as_str())
    }

    /// The key of one object of a backup.
    pub(super) fn backup(&self, id: &BackupId, object: &BackupObject) -> Result<Key> {
        self.backup_folder(id)?.join(&object.name())
    }

    /// Reads a key of a backup's folder back, with `None` for an object that the layout does not know;
    /// `None` for anything that lies in no such folder.
    pub(super) fn read_backup(&self, key: &Key) -> Option<(BackupId, Option<BackupObject>)> {
        let bases = self.bases().ok()?;
        let below = key.as_str().strip_prefix(bases.as_str())?.strip_prefix('/')?;
        let (id, object) = below.split_once('/')?;
        Some((id.parse().ok()?, BackupObject::read(object)))
    }

    /// The name of a folder that has a record, though its name is no backup's: reads the record's key.
    pub(super) fn read_stranger<'k>(&self, key: &'k Key) -> Option<&'k str> {
        let bases = self.bases().ok()?;
        let below = key.as_str().strip_prefix(bases.as_str())?.strip_prefix('/')?;
        let (folder, object) = below.split_once('/')?;
        (object == RECORD && folder.parse::<BackupId>().is_err()).then_some(folder)
    }

    /// `SERVER/barkeep-probes`, below which `check` puts its objects. Readers of the layout look only
    /// at `base` and `wals`.
    pub(super) fn probes(&self) -> Result<Key> {
        Key::new(format!("{}/barkeep-probes", self.server))
    }

    /// `SERVER/barkeep-verify/ledger.zst`, where `verify` keeps what it has verified; beside the probes, and
    /// like them where no reader of the layout looks.
    pub(super) fn ledger(&self) -> Result<Key> {
        Key::new(format!("{}/barkeep-verify/ledger.zst", self.server))
    }

    /// The key of a WAL file. Histories lie directly under `wals`, all else in a folder named after
    /// timeline and log.
    pub(super) fn wal(&self, name: &WalName, how: Compression) -> Result<Key> {
        Key::new(format!("{}{}", self.wal_stem(name)?, how.suffix()))
    }

    /// What the keys of a WAL file begin with, whatever it is compressed with; for a segment also
    /// those of its `.partial` and its labels.
    pub(super) fn wal_candidates(&self, name: &WalName) -> Result<Prefix> {
        Ok(self.wal_stem(name)?.beginning())
    }

    /// Reads the key of a WAL file back; `None` for anything else that may lie there.
    pub(super) fn read_wal(key: &Key) -> Option<(WalName, Compression)> {
        let (stem, how) = Compression::split_suffix(key.file_name());
        Some((stem.parse().ok()?, how))
    }

    fn wal_stem(&self, name: &WalName) -> Result<Key> {
        let wals = self.wals()?;
        match name {
            WalName::History(_) => wals.join(&name.to_string()),
            WalName::Segment(segment) | WalName::Partial(segment) | WalName::Label { start: segment, .. } => {
                wals.join(&format!("{}{:08X}/{name}", segment.timeline, segment.log))
            }
        }
    }
}

/// What lies in the folder of a base backup (spec/barman-cloud.md 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BackupObject {
    /// `backup.info`
    Record,
    /// `data.tar`, `16385_0001.tar.zst`, …
    Tar(TarName, Compression),
    /// `backup_manifest.zst`: PostgreSQL's manifest, which other readers of the layout pass over.
    Manifest,
    /// `annotations/keep`
    Keep,
    /// `barkeep_claim`: that somebody takes this backup, and says so once. Other readers of the layout pass
    /// over it.
    Claim,
}

const RECORD: &str = "backup.info";
const MANIFEST: &str = "backup_manifest.zst";
const KEEP: &str = "annotations/keep";
const CLAIM: &str = "barkeep_claim";

impl BackupObject {
    /// Its name within the folder.
    fn name(&self) -> String {
        match self {
            Self::Record => RECORD.to_owned(),
            Self::Tar(name, how) => format!("{name}.tar{}", how.suffix()),
            Self::Manifest => MANIFEST.to_owned(),
            Self::Keep => KEEP.to_owned(),
            Self::Claim => CLAIM.to_owned(),
        }
    }

    /// Reads its name back.
    pub(super) fn read(name: &str) -> Option<Self> {
        Some(match name {
            RECORD => Self::Record,
            MANIFEST => Self::Manifest,
            KEEP => Self::Keep,
            CLAIM => Self::Claim,
            name => {
                let (stem, how) = Compression::split_suffix(name);
                // No writer of the layout packs tars with xz, and no reader expects it.
                let known = how != Compression::Xz;
                Self::Tar(TarName::read(stem.strip_suffix(".tar").filter(|_| known)?)?, how)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{SegmentName, Series, Timeline};

    fn layout() -> Layout {
        Layout::new("main".parse().unwrap())
    }

    #[test]
    fn keys_are_the_ones_every_reader_of_the_layout_knows() {
        let key = |name: &str, how| layout().wal(&name.parse().unwrap(), how).unwrap().to_string();
        assert_eq!(
            key("000000010000000A00000007", Compression::Zstd),
            "main/wals/000000010000000A/000000010000000A00000007.zst"
        );
        assert_eq!(
            key("000000010000000A00000007.00000028.backup", Compression::None),
            "main/wals/000000010000000A/000000010000000A00000007.00000028.backup"
        );
        assert_eq!(
            key("000000010000000A00000007.partial", Compression::Gzip),
            "main/wals/000000010000000A/000000010000000A00000007.partial.gz"
        );
        assert_eq!(key("00000002.history", Compression::Lz4), "main/wals/00000002.history.lz4");
    }

    #[test]
    fn what_is_no_wal_file_is_not_read_as_one() {
        for other in
            ["main/wals/junk", "main/wals/x/000000010000000A00000007.zip", "main/wals/00000002.history.gz.gz"]
        {
            assert_eq!(Layout::read_wal(&Key::new(other).unwrap()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_key_reads_back_as_what_it_was_spelled_from(
            timeline in 1_u32.., log: u32, seg: u32, offset: u32, kind in 0..4_usize, codec in 0..7_usize,
        ) {
            let timeline = Timeline::new(timeline).unwrap();
            let start = SegmentName { timeline, log, seg };
            let name = [
                WalName::Segment(start),
                WalName::Partial(start),
                WalName::Label { start, offset },
                WalName::History(timeline),
            ][kind];
            let how = Compression::ALL[codec];
            let key = layout().wal(&name, how).unwrap();
            prop_assert_eq!(Layout::read_wal(&key), Some((name, how)));
            prop_assert!(layout().wal_candidates(&name).unwrap().matches(&key));
        }

        #[test]
        fn every_key_of_a_backup_reads_back_as_what_it_was_spelled_from(
            second in 0..4_000_000_000_i64, kind in 0..5_usize, number: u32, oid: u32, codec in 0..7_usize,
        ) {
            let id = jiff::Timestamp::from_second(second).unwrap().strftime("%Y%m%dT%H%M%S").to_string();
            let id: BackupId = id.parse().unwrap();
            let how = Compression::ALL[codec];
            let tar = |series| BackupObject::Tar(TarName { series, number }, how);
            let object = [
                BackupObject::Record,
                BackupObject::Manifest,
                BackupObject::Keep,
                tar(Series::Data),
                tar(Series::Tablespace(oid)),
            ][kind];
            let key = layout().backup(&id, &object).unwrap();
            let known = Some(object).filter(|_| kind < 3 || how != Compression::Xz);
            prop_assert_eq!(layout().read_backup(&key), Some((id, known)));
            prop_assert_eq!(layout().read_stranger(&key), None);
            prop_assert_eq!(Layout::read_wal(&key), None);
        }
    }

    #[test]
    fn the_objects_of_a_backup_are_named_and_read_back() {
        let id = "20260102T030405".parse().unwrap();
        let tar = |stem, how| BackupObject::Tar(TarName::read(stem).unwrap(), how);
        for (object, key) in [
            (BackupObject::Record, "main/base/20260102T030405/backup.info"),
            (tar("data", Compression::None), "main/base/20260102T030405/data.tar"),
            (tar("data_0001", Compression::Zstd), "main/base/20260102T030405/data_0001.tar.zst"),
            (tar("16385", Compression::Gzip), "main/base/20260102T030405/16385.tar.gz"),
            (BackupObject::Manifest, "main/base/20260102T030405/backup_manifest.zst"),
            (BackupObject::Keep, "main/base/20260102T030405/annotations/keep"),
            (BackupObject::Claim, "main/base/20260102T030405/barkeep_claim"),
        ] {
            let spelled = layout().backup(&id, &object).unwrap();
            assert_eq!(spelled.as_str(), key);
            assert_eq!(layout().read_backup(&spelled), Some((id, Some(object))));
        }
        let unknown = Key::new("main/base/20260102T030405/data.tar.xz").unwrap();
        assert_eq!(layout().read_backup(&unknown), Some((id, None)));
        for other in
            ["main/base/x/data.tar", "main/base/20260102T030405", "other/base/20260102T030405/data.tar"]
        {
            assert_eq!(layout().read_backup(&Key::new(other).unwrap()), None, "{other}");
        }
        let stranger = |key: &str| layout().read_stranger(&Key::new(key).unwrap()).map(str::to_owned);
        assert_eq!(stranger("main/base/x/backup.info").as_deref(), Some("x"));
        for other in
            ["main/base/20260102T030405/backup.info", "main/base/x/data.tar", "main/base/x/y/backup.info"]
        {
            assert_eq!(stranger(other), None, "{other}");
        }
    }
}
