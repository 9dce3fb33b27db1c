//! A file on its way into the archive: counted, digested and compressed.

use std::io::{Read, Write};

use bytes::Bytes;
use fs_err::File;

use super::source::Source;
use crate::error::{Error, Result};
use crate::model::Compression;
use crate::stream::codec::{self, Encoder};
use crate::stream::digest::{Sha256Sum, Tally};
use crate::stream::parts::PartWriter;

/// How much is read, digested and compressed at a time: enough to be quick, little enough to stay in
/// the processor's cache between the three.
const PIECE: usize = 256 << 10;

/// A codec and its own level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packing {
    pub(super) compression: Compression,
    pub(super) level: i32,
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

/// Packs a file into memory: `worst_case` of its length for the packed bytes, and its length for the
/// plain ones, which are gone when this returns.
///
/// The digest is taken on a thread beside the codec's: for a single file that is waited for, the two
/// together take as long as the longer one.
pub(super) fn pack(source: &Source, how: Packing) -> Result<Packed> {
    let plain = read_whole(source)?;
    let most = usize::try_from(worst_case(source.len)).unwrap_or(0);
    let (body, sha256) = std::thread::scope(|scope| {
        let digest = scope.spawn(|| {
            let mut tally = Tally::default();
            tally.update(&plain);
            tally.finish()
        });
        let body = codec::encode(how.compression, how.level, &plain, most);
        let sha256 = digest.join().map_err(|_| Error::bug("the digesting thread panicked"));
        (body, sha256)
    });
    Ok(Packed { body: body?.into(), sha256: sha256? })
}

fn read_whole(source: &Source) -> Result<Vec<u8>> {
    let mut plain = vec![0; usize::try_from(source.len).unwrap_or(0)];
    let mut file = File::open(&source.path)?;
    let whole = file.read_exact(&mut plain);
    source.require_unchanged(&file)?;
    whole?;
    Ok(plain)
}

/// Packs a file into parts.
pub(super) fn pack_into(source: &Source, how: Packing, mut parts: PartWriter) -> Result<Sha256Sum> {
    let sha256 = copy(source, codec::encoder(how.compression, how.level, Box::new(&mut parts))?)?;
    parts.finish()?;
    Ok(sha256)
}

/// The digest alone, for stores that want it before the first byte.
pub(super) fn digest(source: &Source) -> Result<Sha256Sum> {
    copy(source, codec::encoder(Compression::None, 0, Box::new(std::io::sink()))?)
}

fn copy(source: &Source, mut to: Box<dyn Encoder + Send + '_>) -> Result<Sha256Sum> {
    let mut file = File::open(&source.path)?;
    let mut piece = vec![0; PIECE];
    let mut tally = Tally::default();
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            break;
        }
        tally.update(&piece[..n]);
        to.write_all(&piece[..n])?;
    }
    to.finish()?;
    source.require_unchanged(&file)?;
    Ok(tally.finish())
}
