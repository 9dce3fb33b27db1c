//! Which WAL goes.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use super::{BackupFact, Locked};
use crate::model::{
    Backup, BackupId, BackupStatus, Keep, SegmentName, Timeline, WalInventory, WalName, WalObject,
};

/// The WAL that goes, with reasons.
///
/// Rules (spec/barman-cloud.md 8.4, taken for all backups at once):
/// - WAL goes only along with a backup, and only when no backup older than it stays.
/// - What stays begins with the first segment that a staying backup needs, the *limit*: by the order of
///   names that is all later WAL of its timeline and all of later timelines. With no backup left it
///   begins where the newest deleted one did. The limit's own `.partial` and labels stay.
/// - A backup kept as `standalone` needs its own range only.
/// - WAL of a timeline that any record names stays, unless it is the limit's. The reference counts the
///   very backups that it deletes among them; here only those that stay count, so that no WAL waits
///   for a later run.
/// - Histories never go: they are small, and a later timeline cannot be followed without them.
/// - A staying backup of which nobody knows where its WAL begins keeps all of it.
/// - What may be a backup under way and does not yet say where it began needs all WAL since the newest
///   backup that is older: others may have come and gone since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalPlan {
    /// The files that go, oldest first.
    pub objects: Vec<WalObject>,
    /// The same as ranges.
    pub ranges: Vec<WalRange>,
    /// The first segment that stays on its timeline, or why nothing goes.
    pub limit: Result<SegmentName, Withheld>,
    /// What nobody needs and the store would not let go: so many files stay, the newest, and why.
    pub locked: Option<(usize, Locked)>,
}

/// Neighbouring WAL files that go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalRange {
    /// The first segment.
    pub first: SegmentName,
    /// The last.
    pub last: SegmentName,
    /// How many files, labels and duplicates in other compressions included.
    pub files: usize,
    /// What they take in the store, in bytes.
    pub bytes: u64,
    /// The first segment that is needed: these are older, or of a timeline before it.
    pub limit: SegmentName,
}

/// Why no WAL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withheld {
    /// No backup goes.
    NoBackupGoes,
    /// This older one stays, and needs all WAL since.
    OlderStays(BackupId),
    /// Nobody knows where the WAL begins that this one needs.
    NeedUnknown(BackupId),
}

impl WalRange {
    /// Why it goes.
    pub fn reason(&self) -> String {
        let Self { first, limit, .. } = self;
        if first.timeline == limit.timeline {
            format!("no backup needs WAL before {limit}")
        } else {
            format!("no backup is left on this timeline, and the next needs {limit}")
        }
    }
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBackupGoes => f.write_str("no backup goes, so no WAL does"),
            Self::OlderStays(id) => write!(f, "{id} stays and needs all WAL since"),
            Self::NeedUnknown(id) => write!(f, "nobody knows which WAL {id} needs"),
        }
    }
}

impl WalPlan {
    /// What of `inventory` goes when these backups go and those stay, while these folders without a
    /// record may be backups under way.
    pub(super) fn new(
        going: &[BackupFact],
        staying: &[BackupFact],
        under_way: &[BackupId],
        inventory: &WalInventory,
    ) -> Self {
        match Needs::new(going, staying, under_way) {
            Ok(needs) => needs.plan(inventory),
            Err(why) => Self { objects: Vec::new(), ranges: Vec::new(), limit: Err(why), locked: None },
        }
    }
}

impl WalPlan {
    /// The same where only the first `count` files go, and the others stay because they are locked.
    pub fn hold_back(&mut self, count: usize, locked: Locked) {
        let held = self.objects.split_off(count.min(self.objects.len()));
        if held.is_empty() {
            return;
        }
        self.locked = Some((held.len(), locked));
        let mut rest = self.objects.as_slice();
        self.ranges.retain_mut(|range| {
            let (of_range, others) = rest.split_at(range.files.min(rest.len()));
            rest = others;
            range.files = of_range.len();
            range.bytes = of_range.iter().map(|object| object.stored_bytes).sum();
            range.last = of_range.last().and_then(|object| place(&object.name)).unwrap_or(range.last);
            range.files > 0
        });
    }
}

/// Which WAL is needed.
struct Needs {
    limit: SegmentName,
    timelines: BTreeSet<Timeline>,
    standalone: Vec<RangeInclusive<SegmentName>>,
}

impl Needs {
    fn new(going: &[BackupFact], staying: &[BackupFact], under_way: &[BackupId]) -> Result<Self, Withheld> {
        let were_backups = |fact: &&BackupFact| fact.backup.is_usable() || fact.backup.is_half_deleted();
        let gone: Vec<_> = going.iter().filter(were_backups).collect();
        // The beginning of the newest backup that is older than this one.
        let before = |id: BackupId| {
            let older = going.iter().chain(staying).filter(were_backups).filter(|fact| fact.backup.id < id);
            let newest = older.max_by_key(|fact| fact.backup.id);
            newest.and_then(|fact| first_segment(&fact.backup)).ok_or(Withheld::NeedUnknown(id))
        };
        let oldest = gone.iter().map(|fact| fact.backup.id).min().ok_or(Withheld::NoBackupGoes)?;
        let (mut since, mut standalone) = (Vec::new(), Vec::new());
        for fact in staying {
            match need(fact)? {
                Need::Nothing => {}
                Need::Since(_) if fact.backup.id < oldest => {
                    return Err(Withheld::OlderStays(fact.backup.id));
                }
                Need::Since(first) => since.push(first),
                Need::SinceBefore => since.push(before(fact.backup.id)?),
                Need::Only(range) => standalone.push(range),
            }
        }
        for id in under_way {
            since.push(before(*id)?);
        }
        let newest = gone.iter().max_by_key(|fact| fact.backup.id);
        let limit = since
            .into_iter()
            .min()
            .or_else(|| first_segment(&newest?.backup))
            .ok_or(Withheld::NeedUnknown(oldest))?;
        let timelines = staying.iter().flat_map(|fact| timelines(&fact.backup));
        let timelines = timelines.filter(|timeline| *timeline != limit.timeline).collect();
        Ok(Self { limit, timelines, standalone })
    }

    fn goes(&self, at: SegmentName) -> bool {
        at < self.limit
            && !self.timelines.contains(&at.timeline)
            && !self.standalone.iter().any(|range| range.contains(&at))
    }

    fn plan(&self, inventory: &WalInventory) -> WalPlan {
        let placed = inventory.objects().iter().filter_map(|object| Some((place(&object.name)?, *object)));
        let mut placed: Vec<_> = placed.collect();
        placed.sort_unstable();
        let (mut objects, mut ranges) = (Vec::new(), Vec::<WalRange>::new());
        let mut open = false;
        for (at, object) in placed {
            if !self.goes(at) {
                open = false;
                continue;
            }
            objects.push(object);
            let bytes = object.stored_bytes;
            match ranges.last_mut().filter(|range| open && range.first.timeline == at.timeline) {
                Some(range) => {
                    (range.last, range.files, range.bytes) = (at, range.files + 1, range.bytes + bytes);
                }
                None => ranges.push(WalRange { first: at, last: at, files: 1, bytes, limit: self.limit }),
            }
            open = true;
        }
        WalPlan { objects, ranges, limit: Ok(self.limit), locked: None }
    }
}

/// The WAL that one staying backup needs.
enum Need {
    Nothing,
    /// From this segment on.
    Since(SegmentName),
    /// From where the newest backup before it began.
    SinceBefore,
    /// These segments.
    Only(RangeInclusive<SegmentName>),
}

fn need(fact: &BackupFact) -> Result<Need, Withheld> {
    let backup = &fact.backup;
    let first = first_segment(backup);
    let unknown = Withheld::NeedUnknown(backup.id);
    match backup.status {
        BackupStatus::Empty | BackupStatus::Failed => Ok(Need::Nothing),
        // It may yet become a backup.
        BackupStatus::Started | BackupStatus::Syncing => Ok(first.map_or(Need::SinceBefore, Need::Since)),
        BackupStatus::Done | BackupStatus::WaitingForWals => {
            let first = first.ok_or(unknown)?;
            if fact.keep != Some(Keep::Standalone) {
                return Ok(Need::Since(first));
            }
            Ok(Need::Only(first..=last_segment(backup).ok_or(unknown)?))
        }
    }
}

/// The segment a backup begins in.
fn first_segment(backup: &Backup) -> Option<SegmentName> {
    let begin = &backup.begin;
    begin.wal.or_else(|| Some(SegmentName::holding(backup.timeline?, begin.lsn?, backup.segment_size)))
}

/// The segment a backup ends in. Its position alone does not do: it may have ended on another timeline.
const fn last_segment(backup: &Backup) -> Option<SegmentName> {
    backup.end.wal
}

/// The timelines that a record names.
fn timelines(backup: &Backup) -> impl Iterator<Item = Timeline> {
    let of = |wal: Option<SegmentName>| wal.map(|wal| wal.timeline);
    [backup.timeline, of(backup.begin.wal), of(backup.end.wal)].into_iter().flatten()
}

/// Where a WAL file belongs in the order of segments; histories belong nowhere.
const fn place(name: &WalName) -> Option<SegmentName> {
    match name {
        WalName::Segment(at) | WalName::Partial(at) | WalName::Label { start: at, .. } => Some(*at),
        WalName::History(_) => None,
    }
}
