//! What a restore would do: decided from the catalogue, the WAL there is, and the timelines' histories;
//! nothing is touched, and everything that carries it out decides no more.

use jiff::Timestamp;

use super::Aim;
use crate::archive::{BackupFiles, Catalog, Entry};
use crate::error::{Error, Result};
use crate::model::{
    Backup, BackupId, BackupRef, Candidate, Choice, EndedBy, Lsn, RecoveryTarget, SegmentName, SegmentSize,
    Series, TarName, TargetAction, TargetPoint, TargetTimeline, Timeline, Timelines, WalInventory, WalName,
    Why, choose, choose_ended,
};

/// What one packed byte comes to when nobody has written down how large the cluster was: databases
/// mostly compress to between a half and a fifth.
const UNPACKED: u64 = 4;

/// What a restore would do, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The backup it begins with, and why that one.
    pub choice: Choice,
    /// What is recorded about it.
    pub backup: Backup,
    /// What of it is fetched.
    pub files: BackupFiles,
    /// What the copy will take on disk.
    pub size: CopySize,
    /// The WAL that recovery needs.
    pub wal: WalPlan,
    /// What should be known beforehand.
    pub warnings: Vec<String>,
}

/// What a copy takes on disk, WAL left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopySize {
    /// So many bytes: the sum of the files that its manifest lists.
    Recorded(u64),
    /// So many bytes at most. A record without a manifest tells how large the cluster was, and that counts
    /// unlogged and temporary tables too, which are in no copy.
    AtMost(u64),
    /// So many bytes if it packed as most clusters do; nobody wrote it down.
    Estimated(u64),
}

impl CopySize {
    /// The number of bytes.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Recorded(bytes) | Self::AtMost(bytes) | Self::Estimated(bytes) => bytes,
        }
    }
}

/// The WAL that recovery needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalPlan {
    /// The timelines it goes through, from the backup's own to the one it ends on.
    pub timelines: Vec<Timeline>,
    /// The first segment.
    pub first: SegmentName,
    /// The segment after which the copy is consistent.
    pub consistent: SegmentName,
    /// The last segment that can be needed: where the target is, or where the archive ends.
    pub last: SegmentName,
    /// Segments of these that are there, and their bytes in the store.
    pub segments: u64,
    /// See `segments`.
    pub stored_bytes: u64,
    /// What is missing in between.
    pub gaps: Vec<Gap>,
}

/// Something that is missing on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// A stretch of segments: its first, and how many there are of them.
    Segments(SegmentName, u64),
    /// The history of a timeline, without which recovery would not find the way to it.
    History(Timeline),
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Segments(first, 1) => write!(f, "{first}"),
            Self::Segments(first, many) => write!(f, "{first} and the {} after it", many - 1),
            Self::History(timeline) => write!(f, "a readable {timeline}.history"),
        }
    }
}

/// What is wished for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) backup: Option<&'a BackupRef>,
    pub(super) aim: &'a Aim,
    pub(super) now: Timestamp,
}

/// What there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) wal: &'a WalInventory,
    pub(super) timelines: &'a Timelines,
}

/// Plans a restore. Kinds: `NotFound` when no backup serves or the timeline has no history, `Usage` when
/// the one that was named does not.
pub(super) fn plan(wish: Wish<'_>, there: Sources<'_>) -> Result<Plan> {
    let named = wish.backup.map(|backup| there.catalog.find(backup)).transpose()?;
    let named: Option<BackupId> = named.map(|entry| entry.backup.id);
    let candidates: Vec<_> = there.catalog.entries.iter().map(candidate).collect();
    let choice = match wish.aim {
        Aim::Target(target) => {
            followable(target, there.timelines)?;
            choose(&candidates, named.as_ref(), target, there.timelines)?
        }
        Aim::Elsewhere { ended_by, timeline } => {
            let timeline = match timeline {
                // A backup that is named is taken whatever else is said.
                _ if named.is_some() => None,
                TargetTimeline::Number(timeline) => Some(*timeline),
                TargetTimeline::Latest => Some(newest_timeline(there.wal)?),
                TargetTimeline::Current => None,
            };
            let by = EndedBy { point: ended_by.clone(), timeline };
            choose_ended(&candidates, named.as_ref(), &by)?
        }
    };
    let entry = there.catalog.entries.iter().find(|entry| entry.backup.id == choice.id);
    let entry = entry.ok_or_else(|| Error::bug("the chosen backup is not in the catalogue"))?;
    let target = match wish.aim {
        Aim::Target(target) => target.clone(),
        Aim::Elsewhere { .. } => own_end(&entry.backup),
    };
    let (wal, mut warnings) = Way::new(&entry.backup, &target, there)?.plan(&target, wish.now, there.catalog);
    if choice.why == Why::NewestUnproven {
        warnings.insert(0, unproven(&choice, &target));
    }
    warnings.extend(
        there
            .catalog
            .unreadable
            .iter()
            .map(|u| format!("the record of backup {} cannot be read: {}", u.id, u.error)),
    );
    Ok(Plan {
        backup: entry.backup.clone(),
        files: entry.files.clone(),
        size: size(entry),
        choice,
        wal,
        warnings,
    })
}

/// Refuses a timeline that nobody can find the way to.
fn followable(target: &RecoveryTarget, timelines: &Timelines) -> Result<()> {
    match target.timeline {
        TargetTimeline::Number(timeline) if !timelines.has(timeline) => {
            let why = format!(
                "the archive has no {timeline}.history, so timeline {} cannot be followed",
                timeline.number()
            );
            Err(Error::not_found(why).hint("`latest` and `current` are the others to choose from"))
        }
        _ => Ok(()),
    }
}

/// The timeline of the last file of the archive's WAL, in the order of their names.
fn newest_timeline(wal: &WalInventory) -> Result<Timeline> {
    let timelines = wal.objects().iter().map(|object| object.name.timeline());
    timelines.max().ok_or_else(|| Error::not_found("the archive holds no WAL, so no timeline is the latest"))
}

/// The nearest point that recovery from a backup can end at, on the timeline that the backup ended on: all
/// that can be asked when nobody says where recovery goes.
fn own_end(backup: &Backup) -> RecoveryTarget {
    let timeline = match backup.end.wal {
        Some(last) => TargetTimeline::Number(last.timeline),
        None => TargetTimeline::Current,
    };
    RecoveryTarget {
        point: TargetPoint::Immediate,
        inclusive: true,
        timeline,
        action: TargetAction::default(),
    }
}

impl Plan {
    /// Why it should not be carried out: a gap on the way.
    pub(super) fn refusal(&self) -> Option<Error> {
        let gaps: Vec<_> = self.wal.gaps.iter().map(Gap::to_string).collect();
        let first = gaps.first()?;
        let more = if gaps.len() > 1 { format!(", and {} more gaps", gaps.len() - 1) } else { String::new() };
        let error =
            Error::conflict(format!("recovery cannot get past a gap: {first} is not in the archive{more}"));
        Some(error.hint("choose a target before it, or another backup; --allow-gap restores all the same"))
    }
}

fn unproven(choice: &Choice, target: &RecoveryTarget) -> String {
    format!(
        "whether {} came after backup {} cannot be known beforehand; if PostgreSQL ends with \"recovery ended \
         before configured recovery target was reached\", name an older backup with --backup",
        target.point, choice.id
    )
}

fn candidate(entry: &Entry) -> Candidate<'_> {
    Candidate { backup: &entry.backup, flaw: flaw(&entry.backup, &entry.files) }
}

/// What is wrong with a backup's tars, as far as their names tell: a main one that is missing, or a gap
/// in the numbers of one that was split, or one that is there in two codecs: nobody knows which of the two
/// the record speaks of. A missing last one only its manifest can tell.
pub(in crate::command) fn flaw(backup: &Backup, files: &BackupFiles) -> Option<String> {
    // They are in the order of their names.
    let mut pairs = files.tars.iter().zip(files.tars.iter().skip(1));
    if let Some((one, other)) = pairs.find(|(one, other)| one.name == other.name) {
        return Some(format!("it has both {} and {}", one.key(), other.key()));
    }
    let tablespaces = backup.tablespaces.iter().map(|tablespace| Series::Tablespace(tablespace.oid));
    for series in [Series::Data].into_iter().chain(tablespaces) {
        let mut numbers: Vec<u32> =
            files.tars.iter().filter(|tar| tar.name.series == series).map(|tar| tar.name.number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let gap = (0..).zip(&numbers).find(|(wanted, there)| wanted != *there).map(|(wanted, _)| wanted);
        let missing = if numbers.is_empty() { Some(0) } else { gap };
        if let Some(number) = missing {
            return Some(format!("its {}.tar is not there", TarName { series, number }));
        }
    }
    None
}

fn size(entry: &Entry) -> CopySize {
    match entry.backup.cluster_size {
        // Whoever writes a manifest records the sum of what it lists.
        Some(bytes) if entry.files.manifest.is_some() => CopySize::Recorded(bytes),
        Some(bytes) => CopySize::AtMost(bytes),
        None => CopySize::Estimated(entry.files.stored_bytes().saturating_mul(UNPACKED)),
    }
}

/// The way through the WAL from one backup along one history. Segments are counted from the beginning of
/// the WAL: number `n` begins at `n` times the segment size.
struct Way<'a> {
    backup: &'a Backup,
    size: SegmentSize,
    stretches: Vec<Stretch>,
    begin: u64,
    end: u64,
    /// What is there, each number once and in order.
    there: Vec<There>,
    lost: Option<Timeline>,
}

/// A segment of the way that is in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct There {
    number: u64,
    /// It is there only as an older timeline left it at a fork, so recovery gets no further than that.
    up_to_fork: bool,
    stored_bytes: u64,
}

/// What of the way lies on one timeline: the segments from `first` to `last`, both included. At a fork
/// the two timelines share a segment: what was before the fork is the same in both, what came after it
/// is in the newer one's only.
struct Stretch {
    timeline: Timeline,
    first: u64,
    last: Option<u64>,
}

impl<'a> Way<'a> {
    fn new(backup: &'a Backup, target: &RecoveryTarget, there: Sources<'_>) -> Result<Self> {
        let lacks = |what| Error::corrupt(format!("the record of backup {} does not tell {what}", backup.id));
        let size = backup.segment_size;
        let number = |lsn: Lsn| lsn.0 / size.bytes();
        let own = backup.timeline.ok_or_else(|| lacks("its timeline"))?;
        let recorded = backup.begin.wal.and_then(|wal| wal.start(size));
        let begin = backup.begin.lsn.or(recorded).ok_or_else(|| lacks("where it began"))?;
        let end = backup.end.lsn.ok_or_else(|| lacks("where it ended"))?;
        let followed = there.timelines.followed(target.timeline, own);
        let history = there.timelines.history(followed);
        let path = history.path().skip_while(|(timeline, ..)| *timeline != own);
        let stretches: Vec<_> = path
            .map(|(timeline, from, to)| Stretch {
                timeline,
                first: from.map_or(0, number),
                last: to.map(|to| number(Lsn(to.0.saturating_sub(1)))),
            })
            .collect();
        let lost = match target.timeline {
            TargetTimeline::Latest => lost_history(followed, there),
            _ => None,
        };
        let mut way = Self {
            backup,
            size,
            stretches,
            begin: number(begin),
            end: number(Lsn(end.0.saturating_sub(1).max(begin.0))),
            there: Vec::new(),
            lost,
        };
        way.there = way.numbers(there.wal);
        Ok(way)
    }

    fn plan(self, target: &RecoveryTarget, now: Timestamp, catalog: &Catalog) -> (WalPlan, Vec<String>) {
        let mut warnings = Vec::new();
        let archived = self.there.last().map_or(self.begin, |there| there.number);
        let wanted = match target.point {
            TargetPoint::Immediate => self.end,
            TargetPoint::Lsn(lsn) => {
                let wanted = lsn.0 / self.size.bytes();
                if wanted > archived {
                    let last = self.name(archived);
                    warnings.push(format!("the archive ends with {last}, before the target {lsn}"));
                }
                wanted.min(archived)
            }
            TargetPoint::Time(time) => {
                if time > now {
                    warnings.push("the target lies in the future: recovery will not find its end".to_owned());
                }
                self.certainly_after(time, catalog).map_or(archived, |n| n.min(archived))
            }
            _ => archived,
        };
        let last = wanted.max(self.end);
        let used = self.there.iter().filter(|there| (self.begin..=last).contains(&there.number));
        let (segments, stored_bytes) =
            used.fold((0, 0), |(count, sum), there| (count + 1, sum + there.stored_bytes));
        let mut gaps = self.gaps(last);
        gaps.extend(self.lost.map(Gap::History));
        let plan = WalPlan {
            timelines: self.stretches.iter().map(|stretch| stretch.timeline).collect(),
            first: self.name(self.begin),
            consistent: self.name(self.end),
            last: self.name(last),
            segments,
            stored_bytes,
            gaps,
        };
        (plan, warnings)
    }

    /// A segment that certainly holds WAL from after this moment: another backup on the way began there
    /// later, with a checkpoint of its own. That of a standby begins at a checkpoint long past, and may
    /// have replayed no further. WAL itself cannot be asked without reading it.
    fn certainly_after(&self, time: Timestamp, catalog: &Catalog) -> Option<u64> {
        let backups = catalog.entries.iter().map(|entry| &entry.backup);
        let later = backups.filter(|other| other.is_of_primary()).filter_map(|other| {
            let began = other.begin.time.as_ref()?.timestamp();
            let number = other.begin.lsn?.0 / self.size.bytes();
            let on_the_way =
                self.stretches.iter().any(|s| Some(s.timeline) == other.timeline && s.holds(number));
            (began > time && on_the_way && number >= self.begin).then_some(number)
        });
        later.min()
    }

    /// The segments of the inventory that lie on the way.
    fn numbers(&self, wal: &WalInventory) -> Vec<There> {
        let on_the_way = wal.objects().iter().filter_map(|object| {
            let (segment, partial) = match object.name {
                WalName::Segment(segment) => (segment, false),
                WalName::Partial(segment) => (segment, true),
                _ => return None,
            };
            let stretch = self.stretches.iter().find(|stretch| stretch.timeline == segment.timeline)?;
            let number = segment.start(self.size)?.0 / self.size.bytes();
            // What a promotion left of the old timeline's last segment serves for what was before it.
            let serves = if partial { stretch.last == Some(number) } else { stretch.holds(number) };
            let up_to_fork = self.name(number).timeline != segment.timeline;
            serves.then_some(There { number, up_to_fork, stored_bytes: object.stored_bytes })
        });
        let mut numbers: Vec<_> = on_the_way.collect();
        numbers.sort_unstable();
        numbers.dedup_by_key(|there| there.number);
        numbers
    }

    /// The stretches from the backup's beginning to `last` that are missing. Only the last segment may
    /// end at a fork: from there the way goes on in the newer timeline's, and PostgreSQL would take an
    /// older one's in its place and end there, or go astray.
    fn gaps(&self, last: u64) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut wanted = self.begin;
        let leads_on = |there: &&There| {
            (self.begin..=last).contains(&there.number) && (there.number == last || !there.up_to_fork)
        };
        let there = self.there.iter().filter(leads_on).map(|there| there.number);
        for number in there.chain([last.saturating_add(1)]) {
            if number > wanted {
                gaps.push(Gap::Segments(self.name(wanted), number - wanted));
            }
            wanted = number.saturating_add(1);
        }
        gaps
    }

    /// The name under which PostgreSQL asks for a segment first: the newest timeline's that may hold it.
    fn name(&self, number: u64) -> SegmentName {
        let newest = self.stretches.iter().rev().find(|stretch| stretch.first <= number);
        let timeline =
            newest.or(self.stretches.first()).map(|stretch| stretch.timeline).or(self.backup.timeline);
        let timeline = timeline.unwrap_or(Timeline::FIRST);
        SegmentName::holding(timeline, Lsn(number.saturating_mul(self.size.bytes())), self.size)
    }
}

impl Stretch {
    fn holds(&self, number: u64) -> bool {
        self.first <= number && self.last.is_none_or(|last| number <= last)
    }
}

/// The history that keeps recovery from going on to a timeline that is there: PostgreSQL counts up from
/// one history to the next and stops at the first that is missing.
fn lost_history(followed: Timeline, there: Sources<'_>) -> Option<Timeline> {
    let next = Timeline::new(followed.number().checked_add(1)?)?;
    // One that is there and makes no sense stops recovery as well.
    if there.wal.has_history(next) && !there.timelines.has(next) {
        return Some(next);
    }
    let histories = there.wal.objects().iter().filter_map(|object| match object.name {
        WalName::History(timeline) if timeline > followed => Some(timeline),
        _ => None,
    });
    let descends = |timeline: Timeline| {
        there.timelines.history(timeline).forks().iter().any(|fork| fork.from == followed)
    };
    histories.into_iter().any(descends).then_some(next)
}
