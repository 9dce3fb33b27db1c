//! The segments along a timeline's history, in their order.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::{Path as FilePath, PathBuf};

use super::{Hit, Within};
use crate::archive::{Archive, StoredWal};
use crate::error::{Context, Error, Result};
use crate::model::{
    Compression, Lsn, SegmentName, SegmentSize, Sought, TargetTimeline, Timeline, TimelineHistory, Timelines,
    WalHeader, WalInventory, WalName,
};

/// A history has at most so many bytes that are read of a file.
const LONGEST_HISTORY: u64 = 16 << 20;

/// One segment along the way.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// How many segments are before it since the beginning of the WAL.
    pub(super) number: u64,
    pub(super) name: SegmentName,
    /// Whether it was not filled when it was stored.
    pub(super) partial: bool,
    pub(super) place: Place,
}

/// Where its bytes are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Stored(StoredWal),
    File(PathBuf, Compression, u64),
}

impl Segment {
    /// What it is called where it lies.
    pub(super) fn place(&self) -> String {
        match &self.place {
            Place::Stored(stored) => stored.key().to_owned(),
            Place::File(path, ..) => path.display().to_string(),
        }
    }

    pub(super) const fn stored_bytes(&self) -> u64 {
        match &self.place {
            Place::Stored(stored) => stored.stored_bytes,
            Place::File(_, _, bytes) => *bytes,
        }
    }
}

/// Segments that are missing: the first, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// The first.
    pub first: SegmentName,
    /// How many.
    pub missing: u64,
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.missing {
            1 => write!(f, "{}", self.first),
            many => write!(f, "{} and the {} after it", self.first, many - 1),
        }
    }
}

/// The way through the WAL.
pub(super) struct Path {
    pub(super) timeline: Timeline,
    pub(super) size: SegmentSize,
    pub(super) segments: Vec<Segment>,
    /// What makes no sense on the way.
    pub(super) damaged: Vec<String>,
    history: TimelineHistory,
}

impl Path {
    fn new(history: TimelineHistory, size: SegmentSize) -> Self {
        Self { timeline: history.timeline(), size, segments: Vec::new(), damaged: Vec::new(), history }
    }

    /// The name of the segment along the way that holds a byte.
    pub(super) fn segment(&self, at: Lsn) -> SegmentName {
        self.history.segment(at, self.size)
    }

    /// Along a history through the archive.
    pub(super) fn of_archive(
        archive: &Archive,
        wal: &WalInventory,
        history: TimelineHistory,
        size: SegmentSize,
    ) -> Result<Self> {
        let mut path = Self::new(history, size);
        let mut all = BTreeMap::new();
        // Complete ones come before partial ones, and of several forms any will do.
        for object in wal.objects() {
            let Some((number, name, partial)) = path.place(object.name) else { continue };
            if let std::collections::btree_map::Entry::Vacant(place) = all.entry(number) {
                let stored = Place::Stored(archive.stored(object)?);
                place.insert(Segment { number, name, partial, place: stored });
            }
        }
        path.segments = all.into_values().collect();
        Ok(path)
    }

    /// Through files and directories of any kind: `pg_wal`, or a copy of a part of an archive.
    pub(super) fn of_files(files: &[PathBuf], wanted: TargetTimeline) -> Result<Self> {
        let mut listed = Vec::new();
        for file in files {
            if file.is_dir() {
                for entry in fs_err::read_dir(file)? {
                    listed.push(entry?.path());
                }
            } else {
                listed.push(file.clone());
            }
        }
        listed.sort();
        let mut histories = Vec::new();
        let mut found: Vec<(WalName, Place)> = Vec::new();
        let mut size = None;
        for path in listed {
            let Some((name, compression)) = named(&path) else { continue };
            if let WalName::History(timeline) = name {
                let text = decoded_head(&path, compression, LONGEST_HISTORY)?;
                histories.push(TimelineHistory::parse(timeline, &String::from_utf8_lossy(&text))?);
                continue;
            }
            let (WalName::Segment(segment) | WalName::Partial(segment)) = name else { continue };
            let head = decoded_head(&path, compression, WalHeader::LEN as u64)?;
            let Ok(header) = WalHeader::parse(&head) else { continue };
            // What PostgreSQL keeps for later has the name of a segment to come and an old one's content.
            if segment.start(header.segment_size) == Some(header.start) {
                size = Some(header.segment_size);
                let bytes = fs_err::metadata(&path)?.len();
                found.push((name, Place::File(path, compression, bytes)));
            }
        }
        let newest = found.iter().map(|(name, _)| name.timeline()).max().unwrap_or(Timeline::FIRST);
        let timeline = match wanted {
            TargetTimeline::Number(timeline) => timeline,
            TargetTimeline::Latest | TargetTimeline::Current => newest,
        };
        let history = Timelines::new(histories).history(timeline);
        let mut path = Self::new(history, size.unwrap_or(SegmentSize::DEFAULT));
        let mut all = BTreeMap::new();
        found.sort_by_key(|(name, _)| *name);
        for (name, place) in found {
            if let Some((number, name, partial)) = path.place(name) {
                all.entry(number).or_insert(Segment { number, name, partial, place });
            }
        }
        path.segments = all.into_values().collect();
        // A server may be writing it.
        if let Some(last) = path.segments.last_mut() {
            last.partial = true;
        }
        Ok(path)
    }

    /// Where on the way a file lies, if it does.
    fn place(&self, name: WalName) -> Option<(u64, SegmentName, bool)> {
        let (segment, partial) = match name {
            WalName::Segment(segment) => (segment, false),
            WalName::Partial(segment) => (segment, true),
            _ => return None,
        };
        let start = segment.start(self.size)?;
        (self.segment(start) == segment).then_some((start.0 / self.size.bytes(), segment, partial))
    }

    /// Leaves out what is not to be looked at.
    pub(super) fn keep_within(&mut self, within: &Within) {
        let number = |name: SegmentName| name.start(self.size).map(|start| start.0 / self.size.bytes());
        let from = within.from.and_then(number).unwrap_or(0);
        let to = within.to.and_then(number).unwrap_or(u64::MAX);
        self.segments.retain(|segment| (from..=to).contains(&segment.number));
    }

    /// Refuses a way without a single segment.
    pub(super) fn or_nothing(self) -> Result<Self> {
        if self.segments.is_empty() {
            let why = format!("there is no WAL along timeline {} to look into", self.timeline.number());
            return Err(Error::not_found(why).hint("look at --store, --server, --timeline and the range"));
        }
        Ok(self)
    }

    /// What is missing between the first and the last.
    pub(super) fn holes(&self) -> Vec<Hole> {
        self.holes_within(0..=u64::MAX)
    }

    /// What is missing of the segments with these numbers, in whole holes.
    fn holes_within(&self, numbers: RangeInclusive<u64>) -> Vec<Hole> {
        let pairs = self.segments.iter().zip(self.segments.iter().skip(1));
        let holes = pairs.filter_map(|(one, next)| {
            let (from, missing) = (one.number + 1, next.number - one.number - 1);
            let counts = missing > 0 && from <= *numbers.end() && next.number > *numbers.start();
            let at = Lsn(from.saturating_mul(self.size.bytes()));
            counts.then(|| Hole { first: self.segment(at), missing })
        });
        holes.collect()
    }

    /// The first hole between two positions.
    pub(super) fn hole_between(&self, from: Lsn, to: Lsn) -> Option<Hole> {
        self.holes_within(self.number(from)..=self.number(to)).into_iter().next()
    }

    /// The holes that may hide what is sought, when `read` is what the search had left to read. Of what there
    /// is once only, a hole elsewhere says nothing; of what is to be the first, one before it may hide another.
    pub(super) fn hiding(
        &self,
        sought: &Sought,
        read: Range<usize>,
        found: Option<&Hit>,
        before: Option<&Hit>,
    ) -> Vec<Hole> {
        let number = |hit: &Hit| self.number(hit.record.start);
        let segments = self.segments.get(read).unwrap_or_default();
        let left = segments.first().zip(segments.last()).map(|(first, last)| first.number..=last.number);
        let numbers = match (sought, found) {
            (Sought::Between(..) | Sought::Drops, _) => left,
            (_, None) => Some(0..=u64::MAX),
            (Sought::Time { .. }, Some(hit)) => Some(before.map_or(0, number)..=number(hit)),
            (Sought::Lsn(lsn), Some(hit)) => Some(self.number(*lsn)..=number(hit)),
            (Sought::Xid(_) | Sought::Name(_), Some(_)) => None,
        };
        numbers.map(|numbers| self.holes_within(numbers)).unwrap_or_default()
    }

    fn number(&self, at: Lsn) -> u64 {
        at.0 / self.size.bytes()
    }
}

/// A file's name, and what its suffix says.
fn named(path: &FilePath) -> Option<(WalName, Compression)> {
    let text = path.file_name()?.to_str()?;
    let packed = Compression::ALL.into_iter().filter(|how| !how.suffix().is_empty());
    let mut read = packed.filter_map(|how| Some((text.strip_suffix(how.suffix())?.parse().ok()?, how)));
    read.next().or_else(|| Some((text.parse().ok()?, Compression::None)))
}

/// The first bytes of a file, decoded.
fn decoded_head(path: &FilePath, how: Compression, most: u64) -> Result<Vec<u8>> {
    use std::io::Read as _;

    let file = fs_err::File::open(path)?;
    let mut head = Vec::new();
    let read = crate::stream::codec::decoder(how, Box::new(file))?.take(most).read_to_end(&mut head);
    read.map_err(|e| crate::stream::codec::failure(how, e)).context(|| format!("read {}", path.display()))?;
    Ok(head)
}
