//! A file on its way into the archive: counted, digested and compressed.

use std::error::Error as _;
use std::io::{self, Read};

use bytes::Bytes;
use fs_err::File;

use super::source::Source;
use crate::error::{Error, Result};
use crate::model::Compression;
use crate::stream::buffer::Buffer;
use crate::stream::codec::{self, Encoder};
use crate::stream::digest::{self, Sha256Sum, Tally};
use crate::stream::parts::PartWriter;

/// A codec and its own level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packing {
    pub(super) compression: Compression,
    pub(super) level: i32,
    /// How many threads work on one file besides the one that reads it, where the codec can share its work.
    pub(super) workers: u32,
    /// A file is read whole before it is packed: quicker with zstd, and a file's length of memory more.
    pub(super) whole: bool,
}

/// A file as it will be stored.
pub(super) struct Packed {
    pub(super) body: Bytes,
    pub(super) sha256: Sha256Sum,
}

/// The most bytes a file of this length can have when it is packed: what no codec makes smaller grows
/// a little.
pub(super) const fn worst_case(len: u64) -> u64 {
    len + len / 64 + (64 << 10)
}

/// What nearly all WAL fits into when it is packed, by any codec.
pub(super) const fn likely(len: u64) -> u64 {
    len / 2
}

/// Packs a file into memory: reads it into `plain`, which must have its length, and packs it into
/// `room` bytes. `None` when there is not room enough.
///
/// The digest is taken on a thread beside the codec's: for a single file that is waited for, the two
/// together take as long as the longer one.
pub(super) fn pack(source: &Source, how: Packing, room: u64, plain: &mut [u8]) -> Result<Option<Packed>> {
    read_whole(source, plain)?;
    let plain = &*plain;
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    let (body, sha256) = std::thread::scope(|scope| {
        let digest = scope.spawn(|| {
            let mut tally = Tally::default();
            tally.update(plain);
            tally.finish()
        });
        let body = codec::encode(how.compression, how.level, plain, room);
        let sha256 = digest.join().map_err(|_| Error::bug("the digesting thread panicked"));
        (body, sha256)
    });
    let sha256 = sha256?;
    Ok(body?.map(|body| Packed { body, sha256 }))
}

/// Packs a file into memory like [`pack`], but in pieces as they are read, without memory for its plain bytes.
pub(super) fn pack_in_pieces(source: &Source, how: Packing, room: u64) -> Result<Option<Packed>> {
    let mut packed = Buffer::with_room(usize::try_from(room).unwrap_or(usize::MAX))?;
    let encoder = codec::parallel_encoder(how.compression, how.level, how.workers, Box::new(&mut packed))?;
    match copy(source, encoder) {
        Ok(sha256) => Ok(Some(Packed { body: packed.into_bytes(), sha256 })),
        Err(e) if is_too_little_room(&e) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Nothing but the buffer can be full where a file is only read.
fn is_too_little_room(e: &Error) -> bool {
    let cause = e.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::StorageFull)
}

fn read_whole(source: &Source, plain: &mut [u8]) -> Result<()> {
    let mut file = File::open(&source.path)?;
    let whole = file.read_exact(plain);
    source.require_unchanged(&file)?;
    Ok(whole?)
}

/// Packs a file into parts.
pub(super) fn pack_into(source: &Source, how: Packing, mut parts: PartWriter) -> Result<Sha256Sum> {
    let Packing { compression, level, workers, .. } = how;
    let sha256 = copy(source, codec::parallel_encoder(compression, level, workers, Box::new(&mut parts))?)?;
    parts.finish()?;
    Ok(sha256)
}

/// The digest alone, for stores that want it before the first byte.
pub(super) fn digest(source: &Source) -> Result<Sha256Sum> {
    copy(source, codec::encoder(Compression::None, 0, Box::new(io::sink()))?)
}

fn copy(source: &Source, mut to: Box<dyn Encoder + Send + '_>) -> Result<Sha256Sum> {
    let mut file = File::open(&source.path)?;
    let tally = digest::copy(&mut file, &mut to)?;
    to.finish()?;
    source.require_unchanged(&file)?;
    Ok(tally.finish())
}
