//! One file to the store, from one memory budget.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::compare;
use super::pack::{self, Packed, Packing};
use super::source::Source;
use super::{Archived, Request};
use crate::archive::{Archive, Recorded, Stored, Tags, WalPut, WalUpload};
use crate::command::OWN;
use crate::error::{Error, Result};
use crate::model::{Compression, WalName};
use crate::spool::ArchiveSpool;
use crate::stream::buffer::Pages;
use crate::stream::codec;
use crate::stream::digest::Sha256Sum;
use crate::stream::parts::parts;

/// Files above this length are sent in parts instead of from memory.
pub(super) const LARGE: u64 = 32 << 20;
/// The length of a part. 1 GiB, the largest segment, makes 128 of them.
const PART: usize = 8 << 20;
/// Parts of one file under way at once.
const PARTS_IN_FLIGHT: usize = 2;
/// Files under way at once, packed or being sent. The budget is what really limits them; this bounds
/// the connections.
pub(super) const FILES_IN_FLIGHT: usize = 8;

/// What came of sending a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is stored, in so many bytes.
    New { stored_bytes: u64 },
    /// It was there already, with the same content.
    Same,
}

impl Sent {
    /// The same for whoever asked, of a file of so many bytes.
    pub(super) const fn told(self, plain_bytes: u64) -> Archived {
        match self {
            Self::New { stored_bytes } => Archived::Stored { plain_bytes, stored_bytes },
            Self::Same => Archived::Same,
        }
    }
}

/// A file that is packed and waits to be sent, and its share of the memory.
pub(super) struct Prepared {
    packed: Packed,
    _memory: OwnedSemaphorePermit,
}

/// Sends files: packs on as many threads as there are cores to spare, sends several at once, and takes
/// memory for both from one budget before it touches a file.
pub(super) struct Sender<'a> {
    archive: &'a Archive,
    packing: Packing,
    tags: Tags,
    history_tags: Option<Tags>,
    /// What is sent takes the place of what is there: as asked, or of a copy that was found to hold less.
    pub(super) overwrite: bool,
    not_first: bool,
    /// The key of every file that is sent has been found free a moment ago.
    pub(super) asked: bool,
    /// In KiB, since a semaphore counts to 2^32.
    memory: Arc<Semaphore>,
    memory_kib: u32,
    threads: Arc<Semaphore>,
    /// Buffers for plain bytes that no thread is using; as many as there are threads, at most.
    plain: Mutex<Vec<Pages>>,
    /// Whether a file did not become much smaller; its neighbours will not either.
    dense: AtomicBool,
}

impl<'a> Sender<'a> {
    /// Sends files like `own`, which has the length that all segments of its cluster have.
    pub(super) fn new(
        archive: &'a Archive,
        request: &Request,
        own: &Source,
        spool: Option<&ArchiveSpool>,
    ) -> Self {
        Self::of_length(archive, request, own.len, spool)
    }

    /// Sends files of which none is longer than `len` bytes, unless it is sent in parts.
    pub(super) fn of_length(
        archive: &'a Archive,
        request: &Request,
        len: u64,
        spool: Option<&ArchiveSpool>,
    ) -> Self {
        let threads = threads();
        let level = request.compression.level(request.level);
        let codec = codec::encoder_memory(request.compression, level);
        // Only zstd gains by having a file whole.
        let whole = request.compression == Compression::Zstd
            && len <= LARGE
            && request.memory >= OWN + len + pack::worst_case(len) + codec;
        // Every packing thread keeps a buffer for plain bytes; the rest is for what is packed.
        let plain = if whole { threads as u64 * len } else { 0 };
        // Where files are packed side by side, the threads have enough to do with one each.
        let alone = request.look_ahead == 0 || spool.is_none();
        let workers = if alone && request.compression == Compression::Gzip { threads } else { 0 };
        let memory_kib = kib(request.memory.saturating_sub(OWN + plain)).max(1);
        Self {
            archive,
            packing: Packing {
                compression: request.compression,
                level,
                workers: u32::try_from(workers).unwrap_or(0),
                whole,
            },
            tags: request.tags.clone(),
            history_tags: request.history_tags.clone(),
            overwrite: request.overwrite,
            not_first: spool.and_then(ArchiveSpool::known).is_some_and(|known| known.owned),
            asked: false,
            memory: Arc::new(Semaphore::new(memory_kib as usize)),
            memory_kib,
            threads: Arc::new(Semaphore::new(threads)),
            plain: Mutex::default(),
            // A file that is packed alone may have the room of several.
            dense: AtomicBool::new(alone || request.compression == Compression::None),
        }
    }

    /// Whether it is this codec that files are packed with.
    pub(super) fn writes(&self, compression: Compression) -> bool {
        self.packing.compression == compression
    }

    /// Packs one file, if it is small enough to be sent from memory. Calls that run at once are served
    /// in the order they were made.
    pub(super) async fn prepare(&self, source: &Arc<Source>) -> Result<Option<Prepared>> {
        if source.len > LARGE {
            return Ok(None);
        }
        // Room for the worst case of every file would leave no memory to send one while the next is
        // packed; so it is taken only once a file has needed it.
        if !self.dense.load(Ordering::Relaxed)
            && let Some(prepared) = self.pack(source, pack::likely(source.len)).await?
        {
            return Ok(Some(prepared));
        }
        self.dense.store(true, Ordering::Relaxed);
        match self.pack(source, pack::worst_case(source.len)).await? {
            Some(prepared) => Ok(Some(prepared)),
            None => Err(Error::bug(format!("{} grew by more than any codec lets it", source.path.display()))),
        }
    }

    async fn pack(&self, source: &Arc<Source>, room: u64) -> Result<Option<Prepared>> {
        let mut memory = self.reserve(room).await?;
        let thread = acquire(&self.threads, 1).await?;
        let (file, how) = (Arc::clone(source), self.packing);
        let packed = if self.packing.whole {
            let mut plain = self.take_plain(source.len)?;
            let (plain, packed) = blocking(move || {
                let packed = pack::pack(&file, how, room, &mut plain)?;
                Ok((plain, packed))
            })
            .await?;
            self.plain.lock().unwrap_or_else(PoisonError::into_inner).push(plain);
            packed
        } else {
            blocking(move || pack::pack_in_pieces(&file, how, room)).await?
        };
        drop(thread);
        Ok(packed.map(|packed| {
            let kept = kib(packed.body.len() as u64) as usize;
            drop(memory.split(memory.num_permits().saturating_sub(kept)));
            Prepared { packed, _memory: memory }
        }))
    }

    /// A buffer for a file's plain bytes: one that an earlier file has left, whose pages are there
    /// already, or a new one.
    fn take_plain(&self, len: u64) -> Result<Pages> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let left = self.plain.lock().unwrap_or_else(PoisonError::into_inner).pop();
        left.filter(|pages| pages.len() == len).map_or_else(|| Pages::new(len), Ok)
    }

    /// Sends one file, prepared already or not.
    pub(super) async fn send(&self, source: &Arc<Source>, prepared: Option<Prepared>) -> Result<Sent> {
        let prepared = match prepared {
            Some(prepared) => Some(prepared),
            None => self.prepare(source).await?,
        };
        let sent = match prepared {
            Some(prepared) => self.send_whole(source, prepared).await,
            None => self.send_in_parts(source).await,
        };
        if sent.is_ok() {
            source.drop_from_cache();
        }
        sent
    }

    async fn send_whole(&self, source: &Arc<Source>, prepared: Prepared) -> Result<Sent> {
        let Packed { body, sha256 } = prepared.packed;
        let stored_bytes = body.len() as u64;
        let put = self.put_of(source, sha256.to_string());
        match self.archive.put_wal(&put, body).await? {
            Stored::New => Ok(Sent::New { stored_bytes }),
            Stored::Taken => self.taken(source, &put).await,
        }
    }

    async fn send_in_parts(&self, source: &Arc<Source>) -> Result<Sent> {
        let _memory = self.reserve((PARTS_IN_FLIGHT as u64 + 3) * PART as u64).await?;
        let thread = acquire(&self.threads, 1).await?;
        // What is recorded must be said before the first part, so the file is read twice.
        let digested = Arc::clone(source);
        let sha256 = blocking(move || pack::digest(&digested)).await?;
        let put = self.put_of(source, sha256.to_string());
        // Rather one request than a gigabyte sent in vain.
        if !self.overwrite
            && !self.asked
            && self.archive.stored_wal(&put.name, put.compression).await?.is_some()
        {
            return self.taken(source, &put).await;
        }

        let in_flight = NonZeroUsize::new(PARTS_IN_FLIGHT).unwrap_or(NonZeroUsize::MIN);
        let mut upload = self.archive.upload_wal(&put, in_flight).await?;
        let streamed = self.stream(source, &mut upload).await.and_then(|(second, stored_bytes)| {
            if second == sha256 { Ok(stored_bytes) } else { Err(source.changed()) }
        });
        drop(thread);
        let stored_bytes = match streamed {
            Ok(stored_bytes) => stored_bytes,
            Err(e) => {
                // The first error is the one to tell; what cannot be freed now is found by its age later.
                let _ = upload.abort().await;
                return Err(e);
            }
        };
        match upload.finish().await? {
            Stored::New => Ok(Sent::New { stored_bytes }),
            Stored::Taken => self.taken(source, &put).await,
        }
    }

    /// Packs a file on a thread and sends its parts as they come. Gives the digest of what was read and
    /// the length of what was sent.
    async fn stream(&self, source: &Arc<Source>, upload: &mut WalUpload) -> Result<(Sha256Sum, u64)> {
        let (writer, mut queue) = parts(PART, 1);
        let (file, how) = (Arc::clone(source), self.packing);
        let packing = tokio::spawn(blocking(move || pack::pack_into(&file, how, writer)));
        let mut stored_bytes = 0;
        let mut sending = Ok(());
        while sending.is_ok()
            && let Some(part) = queue.recv().await
        {
            stored_bytes += part.len() as u64;
            sending = upload.part(part).await;
        }
        drop(queue);
        let packed = packing.await.unwrap_or_else(|e| Err(Error::bug(format!("packing ended: {e}"))));
        sending?;
        Ok((packed?, stored_bytes))
    }

    /// Compares a file with what lies under its key already, and sends nothing.
    pub(super) async fn compare(&self, source: &Arc<Source>, prepared: Option<Prepared>) -> Result<Sent> {
        let sha256 = if let Some(prepared) = prepared {
            prepared.packed.sha256
        } else {
            let file = Arc::clone(source);
            blocking(move || pack::digest(&file)).await?
        };
        let same = self.taken(source, &self.put_of(source, sha256.to_string())).await;
        if same.is_ok() {
            source.drop_from_cache();
        }
        same
    }

    async fn taken(&self, source: &Arc<Source>, put: &WalPut) -> Result<Sent> {
        compare::with_stored(self.archive, source, put).await.map(|()| Sent::Same)
    }

    fn put_of(&self, source: &Source, sha256: String) -> WalPut {
        let tags = match (&source.name, &self.history_tags) {
            (WalName::History(_), Some(tags)) => tags,
            _ => &self.tags,
        };
        WalPut {
            name: source.name,
            compression: self.packing.compression,
            recorded: Recorded {
                sha256: Some(sha256),
                length: Some(source.len),
                system_id: source.system_id,
            },
            tags: tags.clone(),
            overwrite: self.overwrite,
            not_first: self.not_first,
            asked: self.asked,
        }
    }

    /// Takes from the budget. What needs more than there is in all runs alone.
    async fn reserve(&self, buffers: u64) -> Result<OwnedSemaphorePermit> {
        let Packing { compression, level, workers, .. } = self.packing;
        let workers = u64::from(workers) * codec::worker_memory(compression, level);
        let codec = codec::encoder_memory(compression, level) + workers;
        acquire(&self.memory, kib(buffers + codec).min(self.memory_kib)).await
    }
}

/// As many threads pack as leave PostgreSQL some of the machine: half the cores, at least two where
/// there are two, at most eight.
fn threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    (cores / 2).max(2).min(cores).min(8)
}

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

async fn acquire(semaphore: &Arc<Semaphore>, n: u32) -> Result<OwnedSemaphorePermit> {
    let closed = |_| Error::bug("a budget that is never closed is closed");
    Arc::clone(semaphore).acquire_many_owned(n).await.map_err(closed)
}

/// Runs synchronous work on a thread of its own and waits for it.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|e| Err(Error::bug(format!("a working thread ended: {e}"))))
}
