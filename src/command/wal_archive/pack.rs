//! A file read once: counted, digested and compressed on the way.

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

/// Packs a file into memory.
pub(super) fn pack(source: &Source, how: Packing) -> Result<Packed> {
    // Room for the worst case at once: pages that are never written cost nothing, while growing by
    // doubling would hold the old and the new buffer at the same time.
    let mut body = Vec::with_capacity(usize::try_from(worst_case(source.len)).unwrap_or(0));
    let encoder = codec::encoder(how.compression, how.level, Box::new(&mut body))?;
    let sha256 = copy(source, encoder)?;
    body.shrink_to_fit();
    Ok(Packed { body: body.into(), sha256 })
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
    if tally.bytes() != source.len {
        let (path, before, now) = (source.path.display(), source.len, tally.bytes());
        return Err(Error::local(format!(
            "{path} had {before} bytes and gave {now}: it changes while it is read"
        )));
    }
    Ok(tally.finish())
}
