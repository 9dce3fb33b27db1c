//! Compression and decompression, one arm per [`Compression`].
//!
//! Encoders write one single stream per object (one gzip member, one zstd frame, …), because readers
//! of the layout drop what follows the first (spec/barman-cloud.md 4.4). Decoders accept several.

use std::io::{self, BufRead, BufReader, Read, Write};

use bytes::Bytes;

use super::buffer::Buffer;
use super::gzip_blocks::{self, GzipBlocks};
use crate::error::{Error, Result};
use crate::model::Compression;

/// How many compressed bytes a decoder reads at a time.
const READ_AHEAD: usize = 128 << 10;

/// What the decoder of xz may hold, in bytes: the highest level needs 65 MiB, and a header may ask for 4 GiB.
const XZ_MEMORY: u64 = 128 << 20;

/// A `Write` whose end must be said, since a codec has a trailer to write.
pub trait Encoder: Write {
    /// Writes what is still inside and the trailer. Without it the output is truncated.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A compressor in front of `to`. `level` is the codec's own, from [`Compression::level`].
pub fn encoder<'w>(
    how: Compression,
    level: i32,
    to: Box<dyn Write + Send + 'w>,
) -> Result<Box<dyn Encoder + Send + 'w>> {
    Ok(match how {
        Compression::None => Box::new(Plain(to)),
        Compression::Gzip => {
            Box::new(flate2::write::GzEncoder::new(to, flate2::Compression::new(unsigned(level))))
        }
        Compression::Bzip2 => {
            Box::new(bzip2::write::BzEncoder::new(to, bzip2::Compression::new(unsigned(level))))
        }
        Compression::Xz => Box::new(liblzma::write::XzEncoder::new(to, unsigned(level))),
        Compression::Snappy => Box::new(snap::write::FrameEncoder::new(to)),
        Compression::Zstd => {
            let mut zstd = zstd::stream::write::Encoder::new(to, level)?;
            // Four bytes that let every reader notice rot, where a store keeps no digest for us.
            zstd.include_checksum(true)?;
            Box::new(zstd)
        }
        Compression::Lz4 => {
            let lz4 = lz4::EncoderBuilder::new()
                .level(unsigned(level))
                .checksum(lz4::ContentChecksum::ChecksumEnabled)
                .build(to)?;
            Box::new(lz4)
        }
    })
}

/// What a zstd worker compresses at a time, in bytes; a frame of the highest levels looks further back.
const ZSTD_JOB: u32 = 4 << 20;
/// Levels from here on would need hundreds of megabytes for each worker.
const ZSTD_TOO_LARGE: i32 = 17;

/// Whether several threads can work on one stream of this codec.
pub const fn is_parallel(how: Compression, level: i32) -> bool {
    match how {
        Compression::Gzip => true,
        Compression::Zstd => level < ZSTD_TOO_LARGE,
        _ => false,
    }
}

/// The memory of each worker of [`parallel_encoder`], in bytes, rounded up: its tables, a job's input
/// and output, and its share of the window.
pub fn worker_memory(how: Compression, level: i32) -> u64 {
    match how {
        Compression::Gzip => gzip_blocks::THREAD_MEMORY,
        _ => encoder_memory(how, level) + 3 * u64::from(ZSTD_JOB),
    }
}

/// A compressor with so many threads of its own, which still writes one single stream. Without any, or
/// for a codec that cannot share its work, it is [`encoder`].
pub fn parallel_encoder<'w>(
    how: Compression,
    level: i32,
    workers: u32,
    to: Box<dyn Write + Send + 'w>,
) -> Result<Box<dyn Encoder + Send + 'w>> {
    if workers == 0 || !is_parallel(how, level) {
        return encoder(how, level, to);
    }
    if how == Compression::Gzip {
        return Ok(Box::new(GzipBlocks::new(to, unsigned(level), workers as usize)?));
    }
    let mut zstd = zstd::stream::write::Encoder::new(to, level)?;
    zstd.include_checksum(true)?;
    zstd.multithread(workers)?;
    zstd.set_parameter(zstd::zstd_safe::CParameter::JobSize(ZSTD_JOB))?;
    Ok(Box::new(zstd))
}

/// As [`encoder`], for bytes that are all in memory, into a buffer of `room` bytes; `None` when they do not
/// fit. zstd is a fifth faster this way than as a stream: it finds its matches in the bytes themselves
/// instead of in a window it must copy them to.
pub fn encode(how: Compression, level: i32, plain: &[u8], room: usize) -> Result<Option<Bytes>> {
    let mut packed = Buffer::with_room(room)?;
    if how == Compression::Zstd {
        let mut zstd = zstd::bulk::Compressor::new(level)?;
        zstd.include_checksum(true)?;
        // There is nothing else that could go wrong than too little room.
        let Ok(written) = zstd.compress_to_buffer(plain, packed.room()) else { return Ok(None) };
        packed.written(written);
    } else {
        let mut encoder = encoder(how, level, Box::new(&mut packed))?;
        match encoder.write_all(plain).and_then(|()| encoder.finish()) {
            Err(e) if e.kind() == io::ErrorKind::StorageFull => return Ok(None),
            answer => answer?,
        }
    }
    Ok(Some(packed.into_bytes()))
}

/// A decompressor behind `from`. Its errors are `io::Error`s; [`failure`] tells a broken stream from
/// a broken source.
pub fn decoder<'r>(how: Compression, from: Box<dyn Read + Send + 'r>) -> Result<Box<dyn Read + Send + 'r>> {
    let buffered = BufReader::with_capacity(READ_AHEAD, from);
    Ok(match how {
        Compression::None => Box::new(buffered),
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_auto_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED);
            Box::new(liblzma::bufread::XzDecoder::new_stream(buffered, stream.map_err(io::Error::from)?))
        }
        Compression::Snappy => Box::new(snap::read::FrameDecoder::new(buffered)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered)?),
        Compression::Lz4 => Box::new(Lz4Frames(lz4_flex::frame::FrameDecoder::new(buffered))),
    })
}

/// What a read error of a [`decoder`] means: the source's own error if it was one of ours, else the
/// compressed stream is broken.
pub fn failure(how: Compression, e: io::Error) -> Error {
    match e.downcast::<Error>() {
        Ok(ours) => ours,
        Err(e) if how == Compression::None => {
            Error::corrupt(format!("the stream breaks off: {e}")).caused_by(e)
        }
        Err(e) => Error::corrupt(format!("it is not a whole {how} stream: {e}")).caused_by(e),
    }
}

/// What an encoder holds for itself at this level, in bytes, rounded up: the figures of each codec's
/// own documentation (xz(1) for its presets).
pub fn encoder_memory(how: Compression, level: i32) -> u64 {
    const MIB: u64 = 1 << 20;
    match how {
        Compression::None => 0,
        Compression::Gzip | Compression::Snappy => MIB,
        Compression::Bzip2 => 8 * MIB,
        Compression::Lz4 => {
            if level < 3 {
                MIB
            } else {
                5 * MIB
            }
        }
        Compression::Xz => {
            [3, 9, 17, 32, 48, 94, 94, 186, 370, 674][usize::try_from(level.clamp(0, 9)).unwrap_or(9)] * MIB
        }
        Compression::Zstd => match level {
            ..=1 => 2 * MIB,
            2..=3 => 5 * MIB,
            4..=9 => 36 * MIB,
            10..=15 => 90 * MIB,
            _ => 750 * MIB,
        },
    }
}

/// A level that the table of [`Compression::level`] keeps at 0 or above for this codec.
fn unsigned(level: i32) -> u32 {
    u32::try_from(level).unwrap_or(0)
}

/// No compression.
struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Encoder for Plain<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write> Encoder for flate2::write::GzEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        flate2::write::GzEncoder::finish(*self)?.flush()
    }
}

impl<W: Write> Encoder for bzip2::write::BzEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        bzip2::write::BzEncoder::finish(*self)?.flush()
    }
}

impl<W: Write> Encoder for liblzma::write::XzEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        liblzma::write::XzEncoder::finish(*self)?.flush()
    }
}

impl<W: Write> Encoder for snap::write::FrameEncoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        self.into_inner().map_err(snap::write::IntoInnerError::into_error)?.flush()
    }
}

impl<W: Write> Encoder for zstd::stream::write::Encoder<'_, W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        zstd::stream::write::Encoder::finish(*self)?.flush()
    }
}

impl<W: Write> Encoder for lz4::Encoder<W> {
    fn finish(self: Box<Self>) -> io::Result<()> {
        let (mut to, result) = lz4::Encoder::finish(*self);
        result?;
        to.flush()
    }
}

/// `lz4_flex` answers 0 at the end of each frame; more frames may follow.
struct Lz4Frames<R: Read>(lz4_flex::frame::FrameDecoder<R>);

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.0.read(buf)?;
            if n > 0 || buf.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::model::Level;

    /// Bytes that compress somewhat, as WAL does.
    #[expect(clippy::cast_possible_truncation, reason = "only the low byte is wanted")]
    fn sample(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        (0..len)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if i % 3 == 0 { (state >> 24) as u8 } else { (i / 64) as u8 }
            })
            .collect()
    }

    fn pack(how: Compression, level: i32, plain: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = encoder(how, level, Box::new(&mut packed)).unwrap();
        for piece in plain.chunks(100_000) {
            encoder.write_all(piece).unwrap();
        }
        encoder.finish().unwrap();
        packed
    }

    fn unpack(how: Compression, packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        decoder(how, Box::new(packed)).unwrap().read_to_end(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn every_codec_gives_back_what_went_in_at_every_level_word() {
        let plain = sample(1_000_000);
        for how in Compression::ALL {
            for level in
                [None, Some(Level::Low), Some(Level::Medium), Some(Level::High), Some(Level::Number(-5))]
            {
                let packed = pack(how, how.level(level), &plain);
                assert!(unpack(how, &packed).unwrap() == plain, "{how} {level:?}");
                let at_once = encode(how, how.level(level), &plain, 2_000_000).unwrap().unwrap();
                assert!(unpack(how, &at_once).unwrap() == plain, "{how} {level:?} at once");
                assert_eq!(encode(how, how.level(level), &plain, at_once.len() / 2).unwrap(), None, "{how}");
            }
        }
    }

    #[test]
    fn streams_of_several_threads_are_read_like_any_other() {
        let plain = sample(10_000_000);
        for how in Compression::ALL {
            let mut packed = Vec::new();
            let mut encoder =
                parallel_encoder(how, how.level(Some(Level::Low)), 3, Box::new(&mut packed)).unwrap();
            encoder.write_all(&plain).unwrap();
            encoder.finish().unwrap();
            assert!(unpack(how, &packed).unwrap() == plain, "{how}");
        }
    }

    #[test]
    fn nothing_is_a_stream_too() {
        for how in Compression::ALL {
            assert_eq!(unpack(how, &pack(how, how.level(None), b"")).unwrap(), b"", "{how}");
        }
    }

    #[test]
    fn several_streams_in_a_row_are_read_to_the_last() {
        let plain = sample(300_000);
        for how in Compression::ALL {
            let mut twice = pack(how, how.level(None), &plain);
            twice.extend(pack(how, how.level(None), b""));
            twice.extend(pack(how, how.level(None), &plain));
            assert_eq!(unpack(how, &twice).unwrap().len(), 2 * plain.len(), "{how}");
        }
    }

    #[test]
    fn a_stream_that_breaks_off_or_was_changed_is_never_taken_for_a_whole_one() {
        let plain = sample(300_000);
        for how in Compression::ALL.into_iter().filter(|c| *c != Compression::None) {
            let packed = pack(how, how.level(None), &plain);
            for cut in [packed.len() - 1, packed.len() / 2, 5] {
                let read = unpack(how, &packed[..cut]);
                assert!(read.is_err() || read.unwrap().len() < plain.len(), "{how} cut at {cut}");
            }
            let mut changed = packed.clone();
            changed[packed.len() / 2] ^= 0x10;
            let read = unpack(how, &changed);
            assert!(read.is_err(), "{how} changed");
            assert_eq!(failure(how, read.unwrap_err()).kind(), ErrorKind::Corrupt);
        }
    }

    #[test]
    fn a_failing_source_is_not_called_corrupt() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(Error::unavailable("connection reset").into())
            }
        }
        for how in Compression::ALL {
            let e = decoder(how, Box::new(Broken)).unwrap().read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(failure(how, e).kind(), ErrorKind::Unavailable, "{how}");
        }
    }
}
