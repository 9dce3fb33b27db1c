//! A WAL file out of the archive: decoded on a thread of its own, and verified while it is written.

use std::io::{self, Read, Write};

use futures_util::{StreamExt, stream};

use crate::archive::{Archive, ByteStream, Object, Recorded, StoredWal};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::model::{
    Compression, SegmentName, SystemId, Timeline, TimelineHistory, Timelines, WalHeader, WalInventory,
    WalName,
};
use crate::stream::codec;
use crate::stream::digest::{self, Tally};
use crate::stream::reader::{StreamReader, reader};

/// The largest file that is no segment: a timeline's history grows by a line per switch, a label has
/// a dozen lines.
const LARGEST_TEXT: u64 = 16 << 20;

/// How many histories are read at once.
const HISTORIES: usize = 8;

/// Runs `work` on a thread of its own over the decoded body. Errors of the body and of the codec come
/// out of the reader as ours, with their kind, so `?` on any `io::Error` in `work` tells them from
/// those of local files.
pub(super) async fn decoded<T: Send + 'static>(
    body: ByteStream,
    how: Compression,
    work: impl FnOnce(&mut (dyn Read + Send)) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (from, pump) = reader(body);
    let mut working = tokio::task::spawn_blocking(move || work(&mut Plain::new(how, from)?));
    // Work that has seen enough must not wait for the rest of the body.
    let result = tokio::select! {
        result = &mut working => result,
        () = pump => working.await,
    };
    result.unwrap_or_else(|e| Err(Error::bug(format!("the decoding thread ended: {e}"))))
}

/// The header of a stored segment; reads no more of it than it must.
pub(super) async fn header(archive: &Archive, stored: &StoredWal) -> Result<WalHeader> {
    let (object, _) = archive.open_wal(stored).await?;
    decoded(object.body, stored.compression, |plain| {
        let mut head = Vec::with_capacity(WalHeader::LEN);
        plain.take(WalHeader::LEN as u64).read_to_end(&mut head)?;
        WalHeader::parse(&head)
    })
    .await
    .context(|| format!("read the header of {}", stored.key()))
}

/// As many segments are looked into at most for whose the WAL is.
const HEADERS: usize = 3;

/// The header of the newest segment that can be read: whose the WAL is, and how long its segments are.
pub(super) async fn newest_header(archive: &Archive, wal: &WalInventory) -> Result<Option<WalHeader>> {
    let segments = wal.objects().iter().rev().filter(|object| object.name.segment().is_some());
    for object in segments.take(HEADERS) {
        match header(archive, &archive.stored(object)?).await {
            Ok(header) => return Ok(Some(header)),
            // Damage is for `verify` to tell.
            Err(e) if e.kind() == ErrorKind::Corrupt => {}
            Err(e) => return Err(e),
        }
    }
    Ok(None)
}

/// A timeline's history; `None` when a listing proves that the archive does not have it.
pub(super) async fn history(archive: &Archive, timeline: Timeline) -> Result<Option<TimelineHistory>> {
    let name = WalName::History(timeline);
    let Some(stored) = archive.find_wal(&name).await?.into_iter().next() else { return Ok(None) };
    let (object, recorded) = archive.open_wal(&stored).await?;
    let (text, _) = verified(object, &stored, recorded, None, Vec::new()).await?;
    TimelineHistory::parse(timeline, &String::from_utf8_lossy(&text)).map(Some)
}

/// The histories, and what is to be said of those that make no sense: they must not keep anybody from
/// restoring who does not need them.
pub(super) async fn timelines(archive: &Archive, wal: &WalInventory) -> Result<(Timelines, Vec<String>)> {
    let names = wal.objects().iter().filter_map(|object| match object.name {
        WalName::History(timeline) => Some(timeline),
        _ => None,
    });
    let histories = stream::iter(names).map(|timeline| history(archive, timeline));
    let mut histories = histories.buffer_unordered(HISTORIES);
    let (mut good, mut broken) = (Vec::new(), Vec::new());
    while let Some(history) = histories.next().await {
        match history {
            Ok(history) => good.extend(history),
            Err(e) if e.kind() == ErrorKind::Corrupt => broken.push(e.to_string()),
            Err(e) => return Err(e),
        }
    }
    Ok((Timelines::new(good), broken))
}

/// Writes an object decoded to `to`, and makes sure of everything that can be known about it: its
/// length, its header or its lines, its cluster, its digest where one is recorded. Kind `Corrupt` for
/// whatever does not fit. What was written to is given back, and for a segment its header.
pub(super) async fn verified<W: Write + Send + 'static>(
    object: Object,
    stored: &StoredWal,
    recorded: Recorded,
    system_id: Option<SystemId>,
    mut to: W,
) -> Result<(W, Option<WalHeader>)> {
    let expected = Expected { name: stored.name, recorded, system_id };
    let copied = decoded(object.body, stored.compression, move |plain| {
        let header = match expected.name {
            WalName::Segment(segment) | WalName::Partial(segment) => {
                Some(expected.copy_segment(segment, plain, &mut to)?)
            }
            WalName::Label { .. } | WalName::History(_) => {
                expected.copy_text(plain, &mut to)?;
                None
            }
        };
        to.flush()?;
        Ok((to, header))
    });
    copied.await.context(|| format!("read {}", stored.key()))
}

/// What the bytes of a WAL file must be.
struct Expected {
    name: WalName,
    recorded: Recorded,
    system_id: Option<SystemId>,
}

impl Expected {
    fn copy_segment(
        &self,
        segment: SegmentName,
        plain: &mut dyn Read,
        to: &mut dyn Write,
    ) -> Result<WalHeader> {
        let mut head = Vec::with_capacity(WalHeader::LEN);
        (&mut *plain).take(WalHeader::LEN as u64).read_to_end(&mut head)?;
        let header = WalHeader::parse(&head)?;
        self.written_by(header.system_id)?;
        // One byte more than there may be shows that there is too much, and no bomb goes off.
        let whole = head.as_slice().chain(plain).take(header.segment_size.bytes() + 1);
        let tally = digest::copy(whole, to)?;
        header.fits(segment, tally.bytes()).map_err(|misfit| Error::corrupt(misfit.to_string()))?;
        self.is_as_recorded(tally)?;
        Ok(header)
    }

    /// Histories and labels are small enough to be looked at as a whole.
    fn copy_text(&self, plain: &mut dyn Read, to: &mut dyn Write) -> Result<()> {
        let mut text = Vec::new();
        plain.take(LARGEST_TEXT + 1).read_to_end(&mut text)?;
        let mut tally = Tally::default();
        tally.update(&text);
        if tally.bytes() > LARGEST_TEXT || text.is_empty() {
            return Err(Error::corrupt(format!("it has {} bytes, not 1 to {LARGEST_TEXT}", tally.bytes())));
        }
        self.is_as_recorded(tally)?;
        if let WalName::History(timeline) = self.name {
            TimelineHistory::parse(timeline, &String::from_utf8_lossy(&text))?;
        }
        Ok(to.write_all(&text)?)
    }

    fn written_by(&self, found: SystemId) -> Result<()> {
        for expected in [self.system_id, self.recorded.system_id].into_iter().flatten() {
            if expected != found {
                let message = format!("it was written by system {found}, not by system {expected}");
                return Err(Error::corrupt(message)
                    .hint("this is another cluster's archive: look at --store and --server"));
            }
        }
        Ok(())
    }

    fn is_as_recorded(&self, tally: Tally) -> Result<()> {
        let length = tally.bytes();
        if let Some(recorded) = self.recorded.length.filter(|recorded| *recorded != length) {
            return Err(Error::corrupt(format!("it has {length} bytes, and {recorded} were recorded")));
        }
        let Some(recorded) = &self.recorded.sha256 else { return Ok(()) };
        let found = tally.finish().to_string();
        if *recorded == found {
            return Ok(());
        }
        Err(Error::corrupt(format!("its SHA-256 is {found}, and {recorded} was recorded")))
    }
}

/// A decoder whose errors are all ours.
struct Plain {
    how: Compression,
    decoder: Box<dyn Read + Send>,
}

impl Plain {
    fn new(how: Compression, from: StreamReader) -> Result<Self> {
        Ok(Self { how, decoder: codec::decoder(how, Box::new(from))? })
    }
}

impl Read for Plain {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buf).map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => codec::failure(self.how, e).into(),
        })
    }
}
