//! Segments read from their first byte on, as far as must be.

use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::path::{Path, Place, Segment};
use super::{Progress, Request, Searched};
use crate::archive::Archive;
use crate::command::fetch::decoded;
use crate::command::flow::Flow;
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{Lsn, SegmentName, SegmentSize, Sought, WalHeader, WalRecord, WalScan, WalSearch};
use crate::stream::{codec, fill};

/// How much is decoded at once, in bytes.
const PIECE: usize = 64 << 10;

/// Where the bytes come from.
pub(super) enum Source {
    Archive(Arc<Archive>),
    Files,
}

/// The way, and how its segments are read.
pub(super) struct Reading {
    source: Source,
    pub(super) path: Path,
    flow: Arc<Flow>,
    progress: Arc<Progress>,
    opened: AtomicU64,
    damaged: Mutex<Vec<String>>,
}

/// Looks at a record; whether it has seen enough.
pub(super) trait Visitor: Send + 'static {
    fn see(&mut self, record: &WalRecord);
    fn is_done(&self) -> bool;
    /// Whether records that say nothing matter as well.
    fn wants_all(&self) -> bool {
        false
    }
}

impl Visitor for WalSearch {
    fn see(&mut self, record: &WalRecord) {
        self.take(record);
    }

    fn is_done(&self) -> bool {
        Self::is_done(self)
    }

    fn wants_all(&self) -> bool {
        self.is_of_position()
    }
}

/// A reading of one segment that goes over into those behind it if its last record does.
struct Trip<V> {
    scan: WalScan,
    visitor: V,
    /// Records from here on are none of this segment's.
    until: Lsn,
    flaw: Option<String>,
    /// The segment was read to its end.
    whole: bool,
}

impl Reading {
    pub(super) fn new(source: Source, mut path: Path, request: &Request) -> Self {
        let damaged = Mutex::new(std::mem::take(&mut path.damaged));
        let flow = Arc::new(Flow::new(request.max_rate, &request.progress));
        let progress = Arc::clone(&request.progress);
        Self { source, path, flow, progress, opened: AtomicU64::new(0), damaged }
    }

    /// What will be read next, for somebody who watches.
    pub(super) fn expect(&self, range: Range<usize>) {
        let bytes = self.path.segments[range].iter().map(Segment::stored_bytes);
        let done = self.progress.bytes().0;
        self.progress.expect(bytes.fold(done, u64::saturating_add));
    }

    pub(super) fn searched(&self, from: usize) -> Searched {
        let segments = &self.path.segments;
        let name = |at: usize| segments[at.min(segments.len() - 1)].name;
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner).clone();
        damaged.sort();
        damaged.dedup();
        Searched {
            first: name(0),
            last: name(usize::MAX),
            there: segments.len() as u64,
            read_from: name(from),
            opened: self.opened.load(Ordering::Relaxed),
            holes: self.path.holes(),
            hiding: Vec::new(),
            damaged,
        }
    }

    /// What one segment holds of what is sought: its records are those that begin in it.
    pub(super) async fn one(&self, index: usize, sought: &Sought) -> Result<WalSearch> {
        let scan = match sought {
            Sought::Xid(xid) => WalScan::new().seeking(xid.in_wal()),
            _ => WalScan::new(),
        };
        self.visit(index, scan, WalSearch::new(sought.clone())).await
    }

    /// Shows the records that begin in a segment to a visitor, until it has seen enough. What is damaged is
    /// noted, and what comes behind it in this segment is not seen.
    pub(super) async fn visit<V: Visitor>(&self, index: usize, scan: WalScan, visitor: V) -> Result<V> {
        let segments = &self.path.segments;
        let until = Lsn((segments[index].number + 1).saturating_mul(self.path.size.bytes()));
        let mut trip = Trip { scan, visitor, until, flaw: None, whole: false };
        for (at, segment) in (index..).zip(&segments[index..]) {
            let follows = at == index || segment.number == segments[at - 1].number + 1;
            if !follows {
                break;
            }
            self.opened.fetch_add(1, Ordering::Relaxed);
            trip = self.through(segment, trip).await.context(|| format!("read {}", segment.place()))?;
            if let Some(flaw) = trip.flaw.take() {
                // A segment that was never filled may end with anything.
                if !segment.partial {
                    let note = format!("{}: {flaw}", segment.place());
                    self.damaged.lock().unwrap_or_else(PoisonError::into_inner).push(note);
                }
                break;
            }
            if trip.visitor.is_done() || !trip.needs_more() {
                break;
            }
        }
        Ok(trip.visitor)
    }

    /// Takes a trip through one segment.
    async fn through<V: Visitor>(&self, segment: &Segment, trip: Trip<V>) -> Result<Trip<V>> {
        let (size, name, partial) = (self.path.size, segment.name, segment.partial);
        let work = move |plain: &mut (dyn Read + Send)| trip.read(plain, size, name, partial);
        match (&self.source, &segment.place) {
            (Source::Archive(archive), Place::Stored(stored)) => {
                let (object, _) = archive.open_wal(stored).await?;
                decoded(self.flow.through(object).body, stored.compression, work).await
            }
            (_, Place::File(path, how, bytes)) => {
                let (path, how) = (path.clone(), *how);
                let read = tokio::task::spawn_blocking(move || {
                    let file = fs_err::File::open(path)?;
                    work(&mut codec::decoder(how, Box::new(file))?)
                });
                let trip = read.await.map_err(|e| Error::bug(format!("the reading thread ended: {e}")))?;
                self.progress.pass(*bytes);
                trip
            }
            (Source::Files, Place::Stored(_)) => Err(Error::bug("a stored segment among files")),
        }
    }
}

impl<V: Visitor> Trip<V> {
    /// Whether a record that matters goes on behind what was read.
    fn needs_more(&self) -> bool {
        let all = self.visitor.wants_all();
        let pending = self.scan.pending().filter(|pending| pending.start < self.until);
        self.whole && pending.is_some_and(|pending| pending.matters || all)
    }

    /// Reads a segment as far as must be.
    fn read(
        mut self,
        plain: &mut (dyn Read + Send),
        size: SegmentSize,
        name: SegmentName,
        partial: bool,
    ) -> Result<Self> {
        let first = self.scan.position() == Lsn(0);
        let mut plain = plain.take(size.bytes() + 1);
        let mut piece = vec![0; PIECE];
        let mut length = 0_u64;
        self.whole = false;
        loop {
            let read = match fill(&mut plain, &mut piece).map_err(Error::from) {
                Ok(read) => read,
                Err(e) if e.kind() == ErrorKind::Corrupt => {
                    self.flaw = Some(format!("after {length} bytes: {e}"));
                    return Ok(self);
                }
                Err(e) => return Err(e),
            };
            if read == 0 {
                break;
            }
            if length == 0 {
                let header = WalHeader::parse(&piece[..read]);
                let fits = header.and_then(|header| {
                    header.fits(name, size.bytes()).map_err(|misfit| Error::corrupt(misfit.to_string()))
                });
                if let Err(e) = fits {
                    self.flaw = Some(e.to_string());
                    return Ok(self);
                }
            }
            length += read as u64;
            let excess = usize::try_from(length.saturating_sub(size.bytes())).unwrap_or(read);
            let (until, visitor) = (self.until, &mut self.visitor);
            let mut see = |record: &WalRecord| {
                if record.start < until {
                    visitor.see(record);
                }
            };
            if let Err(flaw) = self.scan.feed(&piece[..read - excess.min(read)], &mut see) {
                self.flaw = Some(flaw.to_string());
                return Ok(self);
            }
            let over = !first && self.scan.pending().is_none_or(|pending| pending.start >= self.until);
            if self.visitor.is_done() || over || self.scan.ended().is_some() {
                return Ok(self);
            }
        }
        if length != size.bytes() && !partial {
            self.flaw = Some(format!("the file has {length} bytes, and segments have {}", size.bytes()));
        }
        self.whole = true;
        Ok(self)
    }
}
