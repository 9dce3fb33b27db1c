//! One file of a running server into a tar, read once: summed, its pages checked, never longer or
//! shorter than its header says.

use std::fs::Metadata;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use fs_err::File;
use jiff::Timestamp;

use super::manifest::{ManifestChecksum, Sum};
use super::pages::PageCheck;
use super::tar::{Attributes, TarWriter};
use crate::error::{Error, Result};

/// How much is read, checked, summed and compressed at a time: enough to be quick, little enough to
/// stay in the processor's cache in between; a multiple of every block size.
pub const PIECE: usize = 256 << 10;
/// How long is waited before a page that seems broken is read again: the server may be writing it.
const PAUSE: Duration = Duration::from_millis(10);
/// How many broken blocks of a file are named.
pub const MOST_BLOCKS: usize = 100;

/// Packs files with one buffer.
pub struct Packer {
    buffer: Vec<u8>,
    pages: Option<PageCheck>,
    manifest: ManifestChecksum,
}

/// What was packed of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedFile {
    /// Its length in the tar, in bytes.
    pub size: u64,
    /// When it was last changed.
    pub modified: Timestamp,
    /// The checksum of what the tar holds of it.
    pub sum: Option<Sum>,
    /// Its broken pages.
    pub broken: BrokenPages,
}

/// Pages of a file whose checksum does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrokenPages {
    /// How many.
    pub count: u64,
    /// The first of them, by their number within the relation; at most [`MOST_BLOCKS`].
    pub blocks: Vec<u32>,
}

/// The pages of one file that are checked as they pass.
struct Checking {
    how: PageCheck,
    /// The number within its relation of the file's first block.
    first: u32,
    broken: BrokenPages,
}

impl Packer {
    /// Checks pages as `pages` says, if it does, and sums files with `manifest`.
    pub fn new(pages: Option<PageCheck>, manifest: ManifestChecksum) -> Self {
        Self { buffer: vec![0; PIECE], pages, manifest }
    }

    /// Packs the file at `source` as `member`; `None` when it has vanished. `segment` is the number of a
    /// relation's segment whose pages carry checksums. `pace` is told how much is about to be read, and
    /// may wait, or end it all.
    ///
    /// The length is what the file has when it is opened. What it lacks later is filled with zeros, and
    /// what it gains is left to WAL.
    pub fn file<W: Write>(
        &mut self,
        tar: &mut TarWriter<W>,
        source: &Path,
        member: &Path,
        segment: Option<u32>,
        pace: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<Option<PackedFile>> {
        let file = match File::open(source) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(Error::local(format!("{} was a file and is none now", source.display())));
        }
        let size = meta.len();
        let mut checking = self.pages.zip(segment).map(|(how, segment)| Checking {
            how,
            first: how.first_block(segment),
            broken: BrokenPages::default(),
        });
        let mut summer = self.manifest.summer();
        tar.file(member, Attributes::from(&meta), size)?;
        let mut at = 0;
        while at < size {
            let len = usize::try_from(size - at).unwrap_or(usize::MAX).min(PIECE);
            pace(len as u64)?;
            let piece = &mut self.buffer[..len];
            let read = read_full(&file, piece, at)?;
            if let Some(checking) = &mut checking {
                checking.check(&mut piece[..read], &file, at)?;
            }
            piece[read..].fill(0);
            summer.update(piece);
            tar.data(piece)?;
            at += len as u64;
        }
        let broken = checking.map(|checking| checking.broken).unwrap_or_default();
        Ok(Some(PackedFile { size, modified: modified(&meta), sum: summer.finish(), broken }))
    }

    /// Packs bytes that are in memory.
    pub fn bytes<W: Write>(
        &self,
        tar: &mut TarWriter<W>,
        bytes: &[u8],
        member: &Path,
        of: Attributes,
    ) -> Result<PackedFile> {
        let size = bytes.len() as u64;
        tar.file(member, of, size)?;
        tar.data(bytes)?;
        let mut summer = self.manifest.summer();
        summer.update(bytes);
        let modified = i64::try_from(of.modified).ok().and_then(|s| Timestamp::from_second(s).ok());
        let modified = modified.unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(PackedFile { size, modified, sum: summer.finish(), broken: BrokenPages::default() })
    }
}

impl Checking {
    /// Checks the pages of `piece`, which lies `at` in `file`. A page that is whole when it is read
    /// again takes the place of what was read first.
    fn check(&mut self, piece: &mut [u8], file: &File, at: u64) -> Result<()> {
        let size = self.how.block_size as usize;
        for (i, page) in piece.chunks_exact_mut(size).enumerate() {
            let place = at + (i * size) as u64;
            let within = u32::try_from(place / u64::from(self.how.block_size)).unwrap_or(u32::MAX);
            let block = self.first.wrapping_add(within);
            if self.how.is_sound(page, block) {
                continue;
            }
            // A file with so many is rotten, not being written: it must not take hours.
            if self.broken.count < MOST_BLOCKS as u64 {
                thread::sleep(PAUSE);
            }
            let mut again = vec![0; size];
            match file.file().read_exact_at(&mut again, place) {
                Ok(()) if self.how.is_sound(&again, block) => page.copy_from_slice(&again),
                // Truncated meanwhile: WAL says so, too.
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => {}
                Err(e) => return Err(unreadable(file, e)),
                Ok(()) => {
                    self.broken.count += 1;
                    if self.broken.blocks.len() < MOST_BLOCKS {
                        self.broken.blocks.push(block);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads from `at` until the buffer is full or the file ends. Each piece is read at its own place: a file
/// that was shorter for a moment would leave a cursor behind.
fn read_full(file: &File, buffer: &mut [u8], at: u64) -> Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.file().read_at(&mut buffer[read..], at + read as u64) {
            Ok(0) => break,
            Ok(n) => read += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(file, e)),
        }
    }
    Ok(read)
}

/// What the file system says, with the file's name, which [`FileExt`] leaves out.
fn unreadable(file: &File, e: io::Error) -> Error {
    Error::local(format!("{}: {e}", file.path().display())).caused_by(e)
}

fn modified(meta: &Metadata) -> Timestamp {
    meta.modified().ok().and_then(|time| Timestamp::try_from(time).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::path::PathBuf;

    use super::*;
    use crate::model::Lsn;

    struct Bench {
        _dir: tempfile::TempDir,
        path: PathBuf,
    }

    fn bench(bytes: &[u8]) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("16384");
        fs_err::write(&path, bytes).unwrap();
        Bench { path, _dir: dir }
    }

    fn pack(
        bench: &Bench,
        pages: Option<PageCheck>,
        pace: &mut dyn FnMut(u64) -> Result<()>,
    ) -> (Vec<u8>, PackedFile) {
        let mut tar = TarWriter::new(Vec::new());
        let mut packer = Packer::new(pages, ManifestChecksum::Crc32c);
        let file = packer.file(&mut tar, &bench.path, Path::new("m"), Some(0), pace).unwrap().unwrap();
        let bytes = tar.finish().unwrap();
        let mut body = Vec::new();
        tar::Archive::new(bytes.as_slice())
            .entries()
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .read_to_end(&mut body)
            .unwrap();
        let mut summer = ManifestChecksum::Crc32c.summer();
        summer.update(&body);
        assert_eq!(
            (file.sum, file.size),
            (summer.finish(), body.len() as u64),
            "the sum is of what is packed"
        );
        (body, file)
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_is_filled_with_zeros() {
        let bench = bench(&vec![7; 3 * PIECE]);
        let mut pieces = 0;
        let (body, _) = pack(&bench, None, &mut |_| {
            pieces += 1;
            if pieces == 2 {
                fs_err::OpenOptions::new().write(true).open(&bench.path)?.set_len(PIECE as u64 + 5)?;
            }
            Ok(())
        });
        assert_eq!(body.len(), 3 * PIECE);
        assert!(body[..PIECE + 5].iter().all(|b| *b == 7) && body[PIECE + 5..].iter().all(|b| *b == 0));
    }

    #[test]
    fn a_file_that_shrinks_and_grows_again_keeps_everything_at_its_place() {
        let bench = bench(&vec![7; 3 * PIECE]);
        let mut pieces = 0;
        let (body, _) = pack(&bench, None, &mut |_| {
            pieces += 1;
            let file = fs_err::OpenOptions::new().write(true).open(&bench.path)?;
            match pieces {
                2 => file.set_len(PIECE as u64 + 5)?,
                3 => file.file().write_all_at(&vec![9; PIECE], 2 * PIECE as u64)?,
                _ => {}
            }
            Ok(())
        });
        assert!(body[PIECE + 5..2 * PIECE].iter().all(|b| *b == 0), "what was not there");
        assert!(body[2 * PIECE..].iter().all(|b| *b == 9), "what was added later");
    }

    #[test]
    fn a_rotten_file_takes_no_longer_than_a_few_pauses() {
        let mut bytes = vec![0; 4000 * 1024];
        bytes.chunks_mut(1024).for_each(|page| page[14] = 1);
        let check = PageCheck { start: Lsn(1), block_size: 1024, segment_blocks: 1 << 20 };
        let began = std::time::Instant::now();
        let (_, packed) = pack(&bench(&bytes), Some(check), &mut |_| Ok(()));
        assert_eq!((packed.broken.count, packed.broken.blocks.len()), (4000, MOST_BLOCKS));
        assert!(began.elapsed() < 2000 * PAUSE, "{:?}", began.elapsed());
    }

    #[test]
    fn a_file_that_grows_while_it_is_read_is_cut() {
        let bench = bench(&vec![7; PIECE + 1]);
        let (body, _) = pack(&bench, None, &mut |_| {
            fs_err::OpenOptions::new().append(true).open(&bench.path)?.write_all(&[8; 1000])?;
            Ok(())
        });
        assert!(body == vec![7; PIECE + 1]);
    }

    #[test]
    fn a_file_that_vanished_before_its_header_is_skipped() {
        let bench = bench(b"x");
        fs_err::remove_file(&bench.path).unwrap();
        let mut tar = TarWriter::new(Vec::new());
        let mut packer = Packer::new(None, ManifestChecksum::None);
        let file = packer.file(&mut tar, &bench.path, Path::new("m"), None, &mut |_| Ok(())).unwrap();
        assert_eq!(file, None);
        assert_eq!(tar.finish().unwrap().len(), 10_240);
    }

    #[test]
    fn a_broken_page_is_named_and_copied_all_the_same() {
        let mut bytes = vec![0; 40 * 8192];
        // Not new, older than the start, and with a checksum that no page of ones has.
        bytes[35 * 8192 + 14] = 1;
        let check = PageCheck { start: Lsn(1), block_size: 8192, segment_blocks: 131_072 };
        let (body, packed) = pack(&bench(&bytes), Some(check), &mut |_| Ok(()));
        assert_eq!(packed.broken, BrokenPages { count: 1, blocks: vec![35] });
        assert!(body == bytes);
    }

    #[test]
    fn whoever_sets_the_pace_can_end_it() {
        let bench = bench(&[1; 10]);
        let mut tar = TarWriter::new(Vec::new());
        let mut packer = Packer::new(None, ManifestChecksum::None);
        let mut stop = |_| Err(Error::unavailable("stop"));
        assert!(packer.file(&mut tar, &bench.path, Path::new("m"), None, &mut stop).is_err());
    }
}
