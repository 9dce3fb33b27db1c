//! One gzip member compressed by several threads: blocks are deflated independently of each other,
//! each ends at a byte, and together they are one deflate stream (as `pigz -i` does it).

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use flate2::{Compress, Compression, FlushCompress, Status};

use super::codec::Encoder;

/// How many plain bytes make a block. A block cannot refer to the one before it, which costs about one
/// percent at this size.
const BLOCK: usize = 128 << 10;
/// How many blocks may be under way besides one for each thread.
const AHEAD: usize = 2;
/// Magic, deflate, no flags, no time, no hint, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// What each thread holds, in bytes: its window and tables, and its blocks before and after.
pub const THREAD_MEMORY: u64 = (1 << 20) + 2 * (1 + AHEAD as u64) * BLOCK as u64;

/// A gzip encoder with threads of its own, which end when it is dropped.
pub struct GzipBlocks<W: Write> {
    to: W,
    block: Vec<u8>,
    jobs: Option<mpsc::Sender<Job>>,
    /// What is under way, in order.
    under_way: VecDeque<mpsc::Receiver<io::Result<Block>>>,
    threads: Vec<JoinHandle<()>>,
    crc: u32,
    /// Length of everything so far, as the trailer has it.
    length: u32,
    begun: bool,
}

struct Job {
    plain: Vec<u8>,
    is_last: bool,
    answer: mpsc::SyncSender<io::Result<Block>>,
}

/// A block that is compressed.
#[derive(Clone)]
struct Block {
    packed: Vec<u8>,
    crc: u32,
    plain: usize,
}

impl<W: Write> GzipBlocks<W> {
    /// Compresses for `to` at a level from 0 to 9 on so many threads, at least one.
    pub fn new(to: W, level: u32, threads: usize) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let spawn = |_| {
            let queue = Arc::clone(&queue);
            let name = "gzip".to_owned();
            thread::Builder::new().name(name).spawn(move || work(&queue, Compression::new(level)))
        };
        let threads = (0..threads.max(1)).map(spawn).collect::<io::Result<Vec<_>>>()?;
        Ok(Self {
            to,
            block: Vec::with_capacity(BLOCK),
            jobs: Some(jobs),
            under_way: VecDeque::new(),
            threads,
            crc: 0,
            length: 0,
            begun: false,
        })
    }

    /// Gives the block to the threads, and takes what they have done when enough is under way.
    fn give(&mut self, is_last: bool) -> io::Result<()> {
        while self.under_way.len() >= self.threads.len() + AHEAD {
            self.take()?;
        }
        let plain = std::mem::replace(&mut self.block, Vec::with_capacity(if is_last { 0 } else { BLOCK }));
        let (answer, block) = mpsc::sync_channel(1);
        let job = Job { plain, is_last, answer };
        self.jobs.as_ref().and_then(|jobs| jobs.send(job).ok()).ok_or_else(ended)?;
        self.under_way.push_back(block);
        Ok(())
    }

    /// Writes the oldest block that is under way.
    fn take(&mut self) -> io::Result<()> {
        let Some(block) = self.under_way.pop_front() else { return Ok(()) };
        let Block { packed, crc, plain } = block.recv().map_err(|_| ended())??;
        if !self.begun {
            self.to.write_all(&HEADER)?;
            self.begun = true;
        }
        let both = crc_fast::checksum_combine(
            crc_fast::CrcAlgorithm::Crc32IsoHdlc,
            self.crc.into(),
            crc.into(),
            plain as u64,
        );
        self.crc = low(both);
        self.length = self.length.wrapping_add(low(plain as u64));
        self.to.write_all(&packed)
    }
}

impl<W: Write> Write for GzipBlocks<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.block.len() == BLOCK {
            self.give(false)?;
        }
        let n = bytes.len().min(BLOCK - self.block.len());
        self.block.extend_from_slice(&bytes[..n]);
        Ok(n)
    }

    /// Writes what is finished; a block that is not full stays.
    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Encoder for GzipBlocks<W> {
    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.give(true)?;
        while !self.under_way.is_empty() {
            self.take()?;
        }
        self.to.write_all(&self.crc.to_le_bytes())?;
        self.to.write_all(&self.length.to_le_bytes())?;
        self.to.flush()
    }
}

impl<W: Write> Drop for GzipBlocks<W> {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has failed its block already.
            let _ = thread.join();
        }
    }
}

/// The lower half.
fn low(number: u64) -> u32 {
    (number & 0xFFFF_FFFF) as u32
}

fn ended() -> io::Error {
    io::Error::other("a compressing thread ended")
}

/// Compresses blocks until there are no more.
fn work(queue: &Mutex<mpsc::Receiver<Job>>, level: Compression) {
    let mut deflate = Compress::new(level, false);
    let mut zeros = None;
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { plain, is_last, answer }) = job else { return };
        let block = if is_last || plain.len() != BLOCK || !is_zero(&plain) {
            compress(&mut deflate, &plain, is_last)
        } else {
            compress_zeros(&mut deflate, &plain, &mut zeros)
        };
        // Nobody may be waiting any more.
        let _ = answer.send(block);
    }
}

/// A segment that was switched early is mostly zeros, and blocks do not depend on each other: one of zeros is
/// compressed once.
fn compress_zeros(deflate: &mut Compress, plain: &[u8], known: &mut Option<Block>) -> io::Result<Block> {
    if let Some(block) = known {
        return Ok(block.clone());
    }
    let block = compress(deflate, plain, false)?;
    *known = Some(block.clone());
    Ok(block)
}

fn is_zero(plain: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    plain.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}

fn compress(deflate: &mut Compress, plain: &[u8], is_last: bool) -> io::Result<Block> {
    deflate.reset();
    let how = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    // Stored blocks grow by five bytes for each 16 KiB at most; the flush adds a handful.
    let mut packed = Vec::with_capacity(plain.len() + plain.len() / 1024 + 64);
    loop {
        let read = usize::try_from(deflate.total_in()).unwrap_or(plain.len());
        let room = packed.capacity() - packed.len();
        let status = deflate.compress_vec(&plain[read..], &mut packed, how).map_err(io::Error::other)?;
        let is_done = if is_last { status == Status::StreamEnd } else { packed.len() < packed.capacity() };
        if is_done {
            break;
        }
        packed.reserve(room.max(4096));
    }
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, plain);
    Ok(Block { packed, crc: low(crc), plain: plain.len() })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn sample(len: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if i.is_multiple_of(3) || i > 600_000 { state.to_le_bytes()[3] } else { i.to_le_bytes()[1] }
        };
        (0..len).map(next).collect()
    }

    fn pack(plain: &[u8], level: u32, threads: usize) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = Box::new(GzipBlocks::new(&mut packed, level, threads).unwrap());
        for piece in plain.chunks(100_000) {
            encoder.write_all(piece).unwrap();
        }
        encoder.finish().unwrap();
        packed
    }

    #[test]
    fn blocks_of_several_threads_are_one_member() {
        for len in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK, 1_500_000] {
            let plain = sample(len);
            for level in [1, 6, 9] {
                let packed = pack(&plain, level, 3);
                let mut read = Vec::new();
                // This reader stops after one member.
                let mut reader = flate2::bufread::GzDecoder::new(packed.as_slice());
                reader.read_to_end(&mut read).unwrap();
                assert!(read == plain, "{len} at {level}");
                assert!(reader.into_inner().is_empty(), "something stands behind the member");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_was_written_in_whatever_pieces_comes_back(
            runs in vec((any::<bool>(), 0..200_000_usize), 0..5),
            pieces in vec(1..150_000_usize, 1..5), level in 1..=9_u32, threads in 1..4_usize,
        ) {
            let run = |(is_zero, len)| if is_zero { vec![0; len] } else { sample(len) };
            let plain: Vec<u8> = runs.into_iter().flat_map(run).collect();
            let mut packed = Vec::new();
            let mut encoder = Box::new(GzipBlocks::new(&mut packed, level, threads).unwrap());
            let (mut rest, mut pieces) = (plain.as_slice(), pieces.iter().cycle());
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
                encoder.write_all(piece).unwrap();
                rest = more;
            }
            encoder.finish().unwrap();
            let mut back = Vec::new();
            let mut reader = flate2::bufread::GzDecoder::new(packed.as_slice());
            reader.read_to_end(&mut back).unwrap();
            prop_assert!(back == plain);
            prop_assert!(reader.into_inner().is_empty());
        }
    }

    #[test]
    fn blocks_of_zeros_come_back_wherever_they_stand() {
        let zeros = |blocks: usize, more: usize| vec![0; blocks * BLOCK + more];
        for plain in [
            zeros(3, 0),
            zeros(3, 1),
            [sample(BLOCK), zeros(4, 0), sample(BLOCK), zeros(2, 0), sample(7)].concat(),
            [sample(BLOCK - 1), zeros(3, 1)].concat(),
        ] {
            for threads in [1, 3] {
                let packed = pack(&plain, 6, threads);
                let mut back = Vec::new();
                flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut back).unwrap();
                assert!(back == plain, "{} bytes, {threads} threads", plain.len());
            }
        }
    }

    #[test]
    fn an_encoder_that_is_given_up_ends_its_threads() {
        let mut encoder = GzipBlocks::new(Vec::new(), 6, 2).unwrap();
        encoder.write_all(&sample(1_000_000)).unwrap();
        drop(encoder);
    }

    #[test]
    fn an_output_that_fails_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut encoder = Box::new(GzipBlocks::new(Full, 6, 2).unwrap());
        let written = encoder.write_all(&sample(3_000_000)).and_then(|()| encoder.finish());
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
